"""The file: complete transactions only, one writer at a time, a copy for readers, and one sentence for each error."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar

import duckdb
import polars as pl
import pytest

from ai_usage.catalog import TABLES
from ai_usage.errors import WarehouseError
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.places import ROOT
from ai_usage.providers.anthropic.tables import CLAUDE_DAILY_COST, DIM_WORKSPACE
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.ledger_tables import LedgerTables
from ai_usage.warehouse.readers import readers_copy, show_readers
from ai_usage.warehouse.turns import FILE as WAITING
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform, files
from ai_usage_tests.warehouse.test_ledger import append, counts, in_core, rebuild
from ai_usage_tests.warehouse.writing import PULL, answer, warehouse_in

T = TypeVar("T")
OTHER_USER = 65534
CHILD = """
import sys
from pathlib import Path
from ai_usage_tests.warehouse.writing import DAY, PULL, answer, warehouse_in
{prelude}
warehouse = warehouse_in(Path(sys.argv[1]))
try:
    {deed}
    warehouse.publish()
except Exception as error:
    sys.exit(f"{{type(error).__name__}}: {{error}}")
"""


def child(folder: Path, deed: str, prelude: str = "") -> subprocess.Popen[str]:
    """Another process that runs this code on the warehouse in a folder."""
    code = CHILD.format(deed=deed, prelude=prelude)
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    command = [sys.executable, "-c", code, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, env=environ, text=True, stderr=subprocess.PIPE)


def error_of(process: subprocess.Popen[str]) -> str:
    """The error with which it failed; empty if it succeeded. Lines about waiting are left out."""
    _, complaint = process.communicate(timeout=60)
    return complaint.strip().splitlines()[-1] if process.returncode else ""


def test_the_file_opens_in_duckdb_1_4_and_later(platform: Platform) -> None:
    append(platform, answer(DAY, "1"))
    platform.warehouse.publish()
    for path in (platform.warehouse.path, platform.warehouse.published_path):
        with duckdb.connect(str(path), read_only=True) as db:
            [(tags,)] = db.execute("select tags from duckdb_databases() where not internal").fetchall()
        assert tags["storage_version"].startswith("v1.4")


def test_an_error_inside_a_write_leaves_nothing(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    append(platform, answer(DAY, "1"))
    rebuild(platform)
    insert = DuckDBWarehouse._insert

    def fails_at_the_commit_row(self: DuckDBWarehouse, db: object, table: object, rows: pl.DataFrame) -> None:
        insert(self, db, table, rows)  # type: ignore[arg-type]
        if getattr(table, "name", "") in {"pulls", "claude_costs"}:
            raise KeyboardInterrupt

    monkeypatch.setattr(DuckDBWarehouse, "_insert", fails_at_the_commit_row)
    for write in (lambda: append(platform, answer(DAY, "2"), answer(NEXT, "2")), lambda: rebuild(platform)):
        with pytest.raises(KeyboardInterrupt):
            write()
    assert counts(platform) == (1, 1)
    assert set(in_core(platform)) == {DAY}
    monkeypatch.undo()
    rebuild(platform)
    assert counts(platform) == (1, 1)


def test_a_table_refuses_rows_of_another_day(platform: Platform) -> None:
    append(platform, answer(DAY, "1"), answer(NEXT, "2"))
    rebuild(platform)
    rows = platform.warehouse.ask("select * from ai_usage_analytics.claude_costs")
    with pytest.raises(ValueError, match=r"claude_costs: rows of .*2026, 11, 11.* came with \['2026-11-10'\]"):
        platform.warehouse.replace_days(replace(CLAUDE_DAILY_COST, name="claude_costs"), [DAY], rows)
    with pytest.raises(ValueError, match="dim_workspace has no days"):
        platform.warehouse.replace_days(DIM_WORKSPACE, [DAY], rows)
    assert set(in_core(platform)) == {DAY, NEXT}


def test_only_the_named_days_are_replaced(platform: Platform) -> None:
    append(platform, *(answer(DAY + n * ONE_DAY, "1") for n in range(3)))
    rebuild(platform)
    table = next(t for t in TABLES if t.name == "claude_costs")
    nothing = platform.warehouse.ask("select * from ai_usage_analytics.claude_costs where false")
    platform.warehouse.replace_days(table, [DAY, DAY + 2 * ONE_DAY], nothing)
    assert set(in_core(platform)) == {NEXT}


def test_a_newer_version_of_a_table_gains_its_column_and_keeps_its_rows(platform: Platform) -> None:
    append(platform, answer(DAY, "1"))
    platform.sql("alter table ai_usage_raw.pulls drop column envelope")
    platform.sql("drop table ai_usage_analytics.claude_costs")
    newer = replace(platform.warehouse)
    assert newer.ask("select envelope, records from ai_usage_raw.pulls").rows() == [(None, 1)]
    assert newer.ask("select * from ai_usage_analytics.claude_costs").is_empty()


@pytest.mark.parametrize(("held", "came"), [("real", "simulated"), ("simulated", "real")])
def test_real_and_simulated_figures_are_never_mixed(platform: Platform, held: str, came: str) -> None:
    append(platform, answer(DAY, "1", is_simulated=held == "simulated"))
    with pytest.raises(WarehouseError, match=f"holds {held} data, and {came} data would join .*AI_USAGE_DATA_DIR"):
        append(platform, answer(NEXT, "1", is_simulated=came == "simulated"))
    assert counts(platform) == (1, 1)


def test_a_reader_of_the_published_copy_sees_whole_runs_only(platform: Platform) -> None:
    append(platform, answer(DAY, "1"))
    platform.warehouse.publish()
    with duckdb.connect(str(platform.warehouse.published_path), read_only=True) as reader:
        append(platform, answer(DAY, "2"))
        assert reader.execute("select count(*) from ai_usage_raw.pulls").fetchone() == (1,)
        platform.warehouse.publish()
        assert reader.execute("select count(*) from ai_usage_raw.pulls").fetchone() == (1,)
    with duckdb.connect(str(platform.warehouse.published_path), read_only=True) as reader:
        assert reader.execute("select count(*) from ai_usage_raw.pulls").fetchone() == (2,)


def test_readers_in_a_container_get_a_folder_with_only_the_published_copy(platform: Platform) -> None:
    copy = readers_copy(platform.warehouse.published_path)
    append(platform, answer(DAY, "1"))
    platform.warehouse.publish()
    assert not copy.parent.exists()  # not requested
    copy.parent.mkdir()
    for day in (DAY, NEXT):
        append(platform, answer(day, "2"))
        platform.warehouse.publish()
        assert files(copy.parent) == {copy.name}
        assert copy.samefile(platform.warehouse.published_path)
    show_readers(platform.warehouse.published_path)
    assert files(copy.parent) == {copy.name}


def test_without_changes_nothing_is_published_and_no_file_is_left_over(platform: Platform) -> None:
    append(platform, answer(DAY, "1"))
    leftover = platform.warehouse.path.parent / "published.tmp"  # from a process that was killed
    leftover.write_text("half a copy")
    platform.warehouse.publish()
    published = platform.warehouse.published_path.stat()
    assert published.st_mode & 0o222 == 0
    platform.warehouse.ask("select 1")
    platform.warehouse.publish()
    assert platform.warehouse.published_path.stat().st_ino == published.st_ino
    assert files(platform.warehouse.path.parent) == {"ai_usage.duckdb", "published.duckdb"}


def test_a_writer_waits_for_the_one_before_it(platform: Platform) -> None:
    append(platform, answer(NEXT, "1"))
    with platform.warehouse.connected(), ThreadPoolExecutor() as pool:
        other = child(platform.warehouse.path.parent, "warehouse.append(PULL, [answer(DAY, '1')])")
        waiting = pool.submit(other.wait, 2.5)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.result()
    assert error_of(other) == ""
    assert counts(platform) == (2, 2)


def test_a_writer_that_waited_too_long_names_the_process_that_has_the_file(tmp_path: Path) -> None:
    with warehouse_in(tmp_path).connected():
        other = child(tmp_path, "warehouse.append(PULL, [answer(DAY, '1')])", prelude=_impatient())
        error = error_of(other)
    assert re.match(r"WarehouseBusy: .*ai_usage\.duckdb is in use by another process \(.*, PID \d+\): wait", error)


def counted(calls: list[int], function: Callable[..., T]) -> Callable[..., T]:
    """The function; each call is counted in `calls`."""

    def call(*args: object, **named: object) -> T:
        calls[0] += 1
        return function(*args, **named)

    return call


def test_what_was_pulled_is_asked_once_until_anybody_writes(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [0]
    for name in ("pulled_days", "newest_versions"):
        monkeypatch.setattr(LedgerTables, name, counted(asked, getattr(LedgerTables, name)))
    ours, other = platform.warehouse, replace(platform.warehouse)

    def known() -> tuple[list[date], int]:
        return ours.pulled_days(PULL), ours.newest(PULL, Span(DAY, NEXT)).lines.height

    assert known() == known() == ([], 0)
    assert asked == [2]
    for writer, day, expected in ((other, DAY, ([DAY], 1)), (ours, NEXT, ([DAY, NEXT], 2))):
        writer.append(PULL, [answer(day, "100")])
        asked[0] = 0
        assert known() == known() == expected
        assert asked == [2]


def test_what_we_write_outside_the_ledger_leaves_what_is_known_of_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(platform, answer(DAY, "1"))
    asked = [0]
    monkeypatch.setattr(LedgerTables, "newest_versions", counted(asked, LedgerTables.newest_versions))
    with platform.warehouse.connected():
        for _ in range(3):
            rebuild(platform)
        assert asked == [1]
        append(platform, answer(DAY, "2"))
        rebuild(platform)
    assert asked[0] > 1
    assert counts(platform) == (2, 2)


def test_two_processes_writing_at_once_lose_nothing(platform: Platform) -> None:
    deed = "[warehouse.append(PULL, [answer(DAY, f'{{n}}.{mark}')]) for n in range(6)]"
    others = [child(platform.warehouse.path.parent, deed.format(mark=mark)) for mark in (1, 2)]
    assert [error_of(other) for other in others] == ["", ""]
    assert counts(platform) == (12, 12)
    assert files(platform.warehouse.path.parent) - {WAITING} == {"ai_usage.duckdb", "published.duckdb"}


def test_a_full_disk_is_one_sentence_and_no_half_day(tmp_path: Path) -> None:
    warehouse_in(tmp_path).append(PULL, [answer(NEXT, "1")])
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))"
    lines = "*[f'{n:030}.{n * 7919 % 10007}' for n in range(400_000)]"
    complaint = error_of(child(tmp_path, f"warehouse.append(PULL, [answer(DAY, {lines})])", prelude=limit))
    assert complaint == (
        f"WarehouseError: No space left for {tmp_path / 'ai_usage.duckdb'}: it stands as before this step. "
        "Free some space and run it again."
    )
    assert warehouse_in(tmp_path).pulled_days(PULL) == [NEXT]


def _impatient() -> str:
    engine = "from ai_usage.warehouse.duckdb import engine"
    return f"{engine}; engine.DuckDBWarehouse.__init__.__defaults__ = (0.3, (), False, 0o400)"


def _a_file(folder: Path) -> Path:
    (folder / "data").write_text("not a folder")
    return folder / "data"


def _a_file_above(folder: Path) -> Path:
    return _a_file(folder) / "deeper"


def _no_database(folder: Path) -> Path:
    (folder / "ai_usage.duckdb").write_text("this is no database, however long one looks at it" * 99)
    return folder


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_a_file, "data is not a folder. Set AI_USAGE_DATA_DIR to a folder you may write."),
        (_a_file_above, "is not a folder. Set AI_USAGE_DATA_DIR to a folder you may write."),
        (_no_database, "ai_usage.duckdb is not a DuckDB file. Put a backup in its place"),
    ],
)
def test_a_data_dir_that_is_none_is_one_sentence(tmp_path: Path, spoil: Callable[[Path], Path], why: str) -> None:
    with pytest.raises(WarehouseError) as caught:
        warehouse_in(spoil(tmp_path)).append(PULL, [answer(DAY, "1")])
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a warehouse with a thousand records."""
    folder = tmp_path_factory.mktemp("whole")
    warehouse_in(folder).append(PULL, [answer(DAY, *(f"{n}.{n * 7919 % 10007}" for n in range(1000)))])
    return (folder / "ai_usage.duckdb").read_bytes()


@pytest.mark.parametrize("kept", [1, 100, 4096, 8192, 12_288, 20_000, 300_000, 0.3, 0.5])
@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_file_that_is_cut_short_is_one_sentence(
    tmp_path: Path, whole: bytes, kept: float, *, is_read_only: bool
) -> None:
    """Case 37: a truncated DuckDB file."""
    path = tmp_path / "ai_usage.duckdb"
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else int(kept)])
    warehouse = replace(warehouse_in(tmp_path), is_read_only=is_read_only)
    with pytest.raises(WarehouseError, match=r"ai_usage\.duckdb is (not a DuckDB file|damaged).*\.$") as caught:
        warehouse.ask("select sum(length(record)) as a from ai_usage_raw.claude_cost_report")
    assert "\n" not in str(caught.value)


def test_a_file_that_was_overwritten_in_the_middle_is_one_sentence_too(tmp_path: Path, whole: bytes) -> None:
    for path in (tmp_path / "ai_usage.duckdb", tmp_path / "ai_usage_published.duckdb"):
        middle = len(whole) // 3
        path.write_bytes(whole[:middle] + b"\x07" * (len(whole) - middle))
        warehouse = replace(warehouse_in(tmp_path), path=path, is_read_only=True)
        with pytest.raises(WarehouseError, match=f"{path.name} is damaged") as caught:
            warehouse.ask("select sum(length(record)) as a from ai_usage_raw.claude_cost_report")
    assert str(caught.value).endswith("Delete it: the next run publishes it again.")


@pytest.fixture
def forbidden() -> Iterator[Path]:
    """A folder without write permission. Root may write anywhere, so the test runs as another user meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="ai_usage_tests_"))
    folder.chmod(0o755)
    warehouse_in(folder).append(PULL, [answer(NEXT, "1")])
    (folder / "ai_usage.duckdb").chmod(0o444)
    (folder / "empty").mkdir(mode=0o555)
    me = os.geteuid()
    os.seteuid(OTHER_USER if me == 0 else me)
    yield folder
    os.seteuid(me)
    shutil.rmtree(folder)


@pytest.mark.parametrize("place", [".", "empty", "empty/new"])
def test_a_data_dir_one_may_not_write_is_one_sentence(forbidden: Path, place: str) -> None:
    with pytest.raises(WarehouseError) as caught:
        warehouse_in(forbidden / place).append(PULL, [answer(DAY, "2")])
    assert str(caught.value) == (
        f"{forbidden / place / 'ai_usage.duckdb'} cannot be written: permission denied. "
        "Set AI_USAGE_DATA_DIR to a folder you may write."
    )
