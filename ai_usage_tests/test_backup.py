"""`make backup` and `make restore`: the backed-up data are restored, whatever happened to the warehouse."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from ai_usage.commands import terminal
from ai_usage.commands.__main__ import command_settings, main
from ai_usage.commands.data_folder import in_use
from ai_usage.commands.reset import made
from ai_usage.settings import settings
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform, contents
from ai_usage_tests.printed import printed
from ai_usage_tests.warehouse.test_ledger import append, rebuild
from ai_usage_tests.warehouse.writing import answer

WAREHOUSE, COPY = "ai_usage.duckdb", "ai_usage_published.duckdb"


@pytest.fixture
def home(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder with two days in it, and the alerts' outbox."""
    folder = platform.warehouse.path.parent
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(folder))
    monkeypatch.setenv("DAGSTER_HOME", "")
    platform.warehouse.published_path = folder / COPY
    (folder / "published.duckdb").unlink(missing_ok=True)
    append(platform, answer(DAY, "100", "50"), answer(NEXT, "1"))
    rebuild(platform)
    platform.warehouse.publish()
    (folder / "dagster").mkdir()
    with closing(sqlite3.connect(folder / "dagster" / "alerts.sqlite")) as db:
        db.execute("create table news (key text)")
        db.execute("insert into news values ('sent')")
        db.commit()
    (folder / "first_day").write_text("2026-10-01\n", encoding="utf-8")
    yield folder
    settings.cache_clear()


@pytest.fixture
def backup(home: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]) -> Path:
    to = tmp_path_factory.mktemp("backups") / "deeper"
    assert main(["backup", str(to)]) == 0
    output = printed(capsys)
    assert "REAL data of 2 days, 2026-11-10 to 2026-11-11, " in output
    assert "Backed up and read back: " in output
    assert "Not in it: Dagster's records of past runs" in output
    [made_there] = to.iterdir()
    return made_there


def alerts_of(folder: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(folder / "dagster" / "alerts.sqlite")) as db:
        return db.execute("select key from news").fetchall()


def test_a_backup_has_the_warehouse_the_state_of_alerts_and_a_description(home: Path, backup: Path) -> None:
    assert {path.name for path in backup.iterdir()} == {WAREHOUSE, "alerts.sqlite", "first_day", "manifest.json"}
    assert contents(backup / WAREHOUSE) == contents(home / WAREHOUSE)
    manifest = json.loads((backup / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["rows"]["ai_usage_raw.claude_cost_report"] == 3
    assert (manifest["days"], manifest["is_simulated"]) == ([str(DAY), str(NEXT), 2], False)
    assert {path.stat().st_mode & 0o777 for path in backup.iterdir()} == {0o600}
    assert backup.stat().st_mode & 0o777 == 0o700


def lost(folder: Path) -> None:
    shutil.rmtree(folder)


def overwritten(folder: Path) -> None:
    whole = (folder / WAREHOUSE).read_bytes()
    (folder / WAREHOUSE).write_bytes(whole[:12288] + b"\x07" * (len(whole) - 12288))


def of_a_damaged_wal(folder: Path) -> None:
    (folder / f"{WAREHOUSE}.wal").write_bytes(damaged_wal(folder))


def damaged_wal(folder: Path) -> bytes:
    """The write-ahead log of a commit that a killed writer left, with one flipped byte."""
    apart = folder / "apart.duckdb"
    shutil.copyfile(folder / WAREHOUSE, apart)
    db = duckdb.connect(str(apart))
    db.execute("set checkpoint_threshold = '1 GB'")
    db.execute(
        "insert into ai_usage_raw.claude_cost_report select 'x', 'default', null, 0, repeat('y', 1000) from range(50)"
    )
    log = bytearray(apart.with_name("apart.duckdb.wal").read_bytes())
    db.close()
    apart.unlink()
    log[len(log) // 2] ^= 0xFF
    return bytes(log)


@pytest.mark.parametrize("destroy", [lost, overwritten, of_a_damaged_wal])
def test_what_was_backed_up_comes_back(
    home: Path, backup: Path, capsys: pytest.CaptureFixture[str], destroy: Callable[[Path], None]
) -> None:
    before = contents(home / WAREHOUSE)
    destroy(home)
    is_there = (home / WAREHOUSE).exists()
    assert main(["restore", str(backup), "--yes"]) == 0
    output = printed(capsys)
    assert contents(home / WAREHOUSE) == contents(home / COPY) == before
    assert alerts_of(home) == [("sent",)]
    assert (home / "first_day").read_text(encoding="utf-8") == "2026-10-01\n"
    kept = [path.name for path in home.glob("ai_usage.duckdb.before_restore_*")]
    assert ("What was there is kept as" in output) == is_there
    assert bool(kept) == is_there
    assert not (home / f"{WAREHOUSE}.wal").exists()
    assert {home / name for name in kept} <= set(made(command_settings(is_announced=False)))  # make reset deletes it


def test_it_does_not_overwrite_without_being_asked_to(
    home: Path, backup: Path, platform: Platform, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    append(platform, answer(NEXT + timedelta(days=1), "7"))
    before = (home / WAREHOUSE).read_bytes()
    for typed in ("", "n", EOFError):
        monkeypatch.setattr(terminal.OUT, "input", _typing(typed))
        assert main(["restore", str(backup)]) == 2
        output = printed(capsys)
        assert f"{home / WAREHOUSE} holds REAL data of 3 days" in output
        assert "Nothing was changed." in output
        assert (home / WAREHOUSE).read_bytes() == before
    monkeypatch.setattr(terminal.OUT, "input", _typing("y"))
    assert main(["restore", str(backup)]) == 0
    assert (home / WAREHOUSE).read_bytes() != before


def _typing(what: object) -> Callable[..., str]:
    def typed(*_: object, **__: object) -> str:
        if what is EOFError:
            raise EOFError
        return str(what)

    return typed


def test_a_restore_does_not_wait_for_a_running_command(
    home: Path, backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_use(command_settings(is_announced=False)):
        assert main(["restore", str(backup), "--yes"]) == 2
    assert "A command is working in" in printed(capsys)


def test_a_backup_that_was_altered_is_refused_before_anything_is_touched(
    home: Path, backup: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (home / WAREHOUSE).read_bytes()
    middle = len(before) // 2
    (backup / WAREHOUSE).write_bytes(before[:middle] + bytes([before[middle] ^ 0xFF]) + before[middle + 1 :])
    assert main(["restore", str(backup), "--yes"]) == 2
    assert "ai_usage.duckdb differs from what the backup wrote" in printed(capsys)
    assert (home / WAREHOUSE).read_bytes() == before


def test_the_published_copy_can_be_put_in_place_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(home / WAREHOUSE)
    overwritten(home)
    assert main(["restore", str(home / COPY), "--yes"]) == 0, printed(capsys)
    assert contents(home / WAREHOUSE) == before


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["backup"], "Name a folder: make backup TO=/mnt/backups"),
        (["restore"], "Name a backup: make restore FROM=/mnt/backups/"),
        (["restore", "/nowhere"], "/nowhere is no backup"),
        (["backup", "/dev/null/x"], "cannot be written"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], command: list[str], sentence: str
) -> None:
    assert main(command) == 2
    assert sentence in printed(capsys)


def test_without_a_warehouse_there_is_nothing_to_back_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path / "none"))
    assert main(["backup", str(tmp_path)]) == 2
    assert "there is nothing to back up" in printed(capsys)


def test_an_incomplete_ledger_is_backed_up_with_a_note(
    home: Path, platform: Platform, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    platform.sql(f"delete from ai_usage_raw.claude_cost_report where activity_date = '{DAY}'")
    assert main(["backup", str(tmp_path)]) == 1
    assert f"raw/claude_cost_report of {DAY} was already damaged in the ledger" in printed(capsys)


@pytest.mark.parametrize("spoil", [overwritten, of_a_damaged_wal])
def test_doctor_names_a_damaged_warehouse_and_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], None]
) -> None:
    """Fault 8: doctor ended with a traceback."""
    spoil(home)
    assert main(["doctor"]) == 1
    output = printed(capsys)
    assert "✗ the warehouse opens: " in output
    assert "is damaged: it is cut short, or parts of it were overwritten. Put a backup in its place" in output
    assert f"make restore FROM={home / COPY}" in output
    for line in ("Claude: not configured", "Cursor: not configured", "Sheet: not configured", "Alerts: no channel"):
        assert line in output
