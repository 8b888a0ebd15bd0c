"""Publishing a large file writes changes to a file without readers. A kill at any point leaves a complete file."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ai_usage.warehouse.duckdb import spare_copy
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.spare_copy import (
    BLOCK,
    HEADERS,
    publish_file,
    space_to_publish,
    spares,
    write_differences,
)
from ai_usage.warehouse.readers import readers_copy
from ai_usage_tests.mock_claude import DAY
from ai_usage_tests.platform import files
from ai_usage_tests.warehouse.writing import PULL, answer, warehouse_in

MORTAL = [(os, "pwrite"), (os, "link"), (os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "chmod")]
READER = """
import sys, duckdb
db = duckdb.connect(sys.argv[1], read_only=True)
print("open", flush=True)
sys.stdin.readline()
print(db.execute("select count(*) from ai_usage_raw.pulls").fetchone()[0])
"""


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DuckDBWarehouse:
    """A warehouse with a file that is large enough, published twice."""
    monkeypatch.setattr(spare_copy, "WORTH_A_SPARE", 0)
    made = warehouse_in(tmp_path)
    for cents in ("1", "2"):
        publish(made, cents)
    return made


def publish(warehouse: DuckDBWarehouse, cents: str) -> None:
    warehouse.append(PULL, [answer(DAY, cents)])
    warehouse.publish()


def pulls(published: Path) -> int:
    with duckdb.connect(str(published), read_only=True) as db:
        [(count,)] = db.execute("select count(*) from ai_usage_raw.pulls").fetchall()
    return int(count)


def test_the_space_that_is_needed_is_the_space_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source", tmp_path / "published"
    source.write_bytes(bytes(BLOCK))
    assert space_to_publish(BLOCK, target) == (BLOCK, BLOCK)
    monkeypatch.setattr(spare_copy, "WORTH_A_SPARE", BLOCK)
    needed = []
    for more in (0, 0, 10):
        with source.open("ab") as file:
            file.write(bytes(more))
        size = source.stat().st_size
        needed.append(space_to_publish(size, target))
        with FileIO(source) as opened:
            publish_file(opened, target, mode=0o600)
    assert needed == [(2 * BLOCK, 2 * BLOCK), (2 * BLOCK, BLOCK), (2 * BLOCK + 20, 20)]
    assert sum(file.stat().st_size for file in tmp_path.iterdir() if file != source) == 2 * BLOCK + 10
    monkeypatch.setattr(spare_copy, "_has_readers_elsewhere", lambda _: True)
    assert space_to_publish(BLOCK, target) == (BLOCK, BLOCK)


@contextmanager
def reader(published: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has the published file open."""
    command = [sys.executable, "-c", READER, str(published)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process


def test_two_files_take_turns_and_each_becomes_what_the_warehouse_is(warehouse: DuckDBWarehouse) -> None:
    published = warehouse.published_path
    spare, aside = spares(published)
    for cents in ("3", "4", "5"):
        before, next_one = published.stat().st_ino, spare.stat().st_ino
        publish(warehouse, cents)
        assert published.stat().st_ino == next_one
        assert spare.stat().st_ino == before
        assert published.read_bytes() == warehouse.path.read_bytes()
        assert published.stat().st_mode & 0o777 == 0o400
    assert pulls(published) == 5
    assert files(published.parent) == {warehouse.path.name, published.name, spare.name}
    assert not aside.exists()


def test_only_the_blocks_that_differ_are_written(tmp_path: Path) -> None:
    blocks = [os.urandom(HEADERS), *(os.urandom(BLOCK) for _ in range(4)), b"its end"]
    ours, spare = tmp_path / "ours", tmp_path / "spare"
    ours.write_bytes(b"".join(blocks))
    older = [blocks[0], blocks[1], blocks[2][:-1] + b"\0", *blocks[3:], os.urandom(BLOCK)]
    for was, expected in ((older, BLOCK), (blocks, 0), (blocks[:3], 2 * BLOCK + 7), ([], None)):
        spare.write_bytes(b"".join(was))
        with FileIO(ours) as source, FileIO(spare, "r+") as into:
            assert write_differences(source, into) == (ours.stat().st_size if expected is None else expected)
        assert spare.read_bytes() == ours.read_bytes()


def test_a_file_that_a_reader_has_open_is_never_written(warehouse: DuckDBWarehouse) -> None:
    published = warehouse.published_path
    with reader(published) as of_two:
        seen = published.stat().st_ino
        publish(warehouse, "3")
        assert spares(published)[0].stat().st_ino == seen
        publish(warehouse, "4")
        assert published.stat().st_ino != seen
        assert pulls(published) == 4
        answered, _ = of_two.communicate("now\n", timeout=60)
    assert answered == "2\n"


def test_a_spare_that_readers_know_by_another_name_is_never_written(warehouse: DuckDBWarehouse) -> None:
    """A process was killed before it showed the newest copy to readers in a container."""
    published = warehouse.published_path
    shown = readers_copy(published)
    shown.parent.mkdir()
    os.link(spares(published)[0], shown)
    before = shown.read_bytes()
    with FileIO(warehouse.path) as source:
        publish_file(source, published, mode=0o400)
    assert shown.read_bytes() == before
    assert published.read_bytes() == warehouse.path.read_bytes()


def test_where_locks_of_readers_may_not_be_seen_there_is_no_spare(
    warehouse: DuckDBWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_usage.warehouse.duckdb.spare_copy.sys.platform", "darwin")
    published = warehouse.published_path
    publish(warehouse, "3")
    assert spares(published)[0].exists(), "no one reads from elsewhere"
    readers_copy(published).parent.mkdir()
    publish(warehouse, "4")
    assert not spares(published)[0].exists()
    assert pulls(published) == 4


def test_killed_anywhere_it_leaves_the_old_state_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spare_copy, "WORTH_A_SPARE", 0)
    oldest, old, new = (b"".join(os.urandom(size) for size in (HEADERS, BLOCK, BLOCK)) for _ in range(3))
    ours, published = tmp_path / "ours", tmp_path / "published.duckdb"
    ours.write_bytes(new)
    deeds: list[str] = []
    for last in range(99):
        for file, held in ((published, old), (spares(published)[0], oldest)):
            file.unlink(missing_ok=True)
            file.write_bytes(held)
        deeds.clear()
        with monkeypatch.context() as mortal, FileIO(ours) as source:
            for owner, name in MORTAL:
                mortal.setattr(owner, name, mortal_deed(getattr(owner, name), deeds, last))
            with suppress(KeyboardInterrupt):
                publish_file(source, published, mode=0o400)
        assert published.read_bytes() == (new if "replace .tmp" in deeds[:last] else old)
        with FileIO(ours) as source:
            publish_file(source, published, mode=0o400)
        assert published.read_bytes() == new
        assert files(tmp_path) <= {"ours", "published.duckdb", "published.spare"}
        if len(deeds) <= last:
            break
    assert deeds.count("pwrite") == 3, "the last one was not killed"
    assert last > 8


def mortal_deed(function: Callable[..., Any], deeds: list[str], last: int) -> Callable[..., Any]:
    """The function, in a process that is killed after this many deeds."""

    def do(of: Any, *given: Any, **named: Any) -> Any:
        deeds.append(f"{function.__name__}{f' {of.suffix}' if isinstance(of, Path) else ''}")
        if len(deeds) > last:
            raise KeyboardInterrupt
        return function(of, *given, **named)

    return do
