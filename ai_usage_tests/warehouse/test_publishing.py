"""Publishing: the copy is on disk before it is visible, needs free space, and fails its run; a torn copy is replaced
automatically.
"""

import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import duckdb
import pytest

from ai_usage.automation import warehouse_resource
from ai_usage.automation.build_requests import builds_of_the_future, requests
from ai_usage.automation.copy_news import news_of_the_copy
from ai_usage.automation.refresh import looks
from ai_usage.automation.runs import Runs
from ai_usage.automation.teardown import in_process
from ai_usage.automation.warehouse_resource import WarehouseResource, published, published_for_a_tick
from ai_usage.commands.refresh import outcome_of
from ai_usage.definitions import defs
from ai_usage.errors import WarehouseError
from ai_usage.settings import Settings, settings
from ai_usage.warehouse.data_origin import data_are_simulated
from ai_usage.warehouse.duckdb import connection
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.duckdb.published_copy import unreadable
from ai_usage.warehouse.port import Warehouse
from ai_usage_tests import staying_open
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform
from ai_usage_tests.warehouse.test_duckdb import _impatient, child, counted, error_of
from ai_usage_tests.warehouse.test_ledger import append
from ai_usage_tests.warehouse.writing import PULL, answer

TORN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "all but its end": lambda whole: whole[:-4096],
    "zeroed": lambda whole: bytes(len(whole)),
    "zeroed behind its headers": lambda whole: whole[:12288] + bytes(len(whole) - 12288),
}


@pytest.fixture
def of(platform: Platform) -> Settings:
    found = replace(settings(), data_dir=platform.warehouse.path.parent)
    platform.warehouse.published_path = found.published_database
    append(platform, answer(DAY, "1", is_simulated=True))
    platform.warehouse.publish()
    return found


@pytest.mark.parametrize("how", TORN)
def test_a_torn_copy_counts_as_none_is_reported_once_and_published_again(
    of: Settings, platform: Platform, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """Fault 12: every sensor raised an error until a run wrote something."""
    copy = of.published_database
    whole = copy.read_bytes()
    copy.unlink()
    copy.write_bytes(TORN[how](whole))
    assert published(of) is None
    assert data_are_simulated(of) is True
    [news], [again] = list(news_of_the_copy(of)), list(news_of_the_copy(of))
    assert (news.key, news.topic) == (again.key, "published_copy")
    assert str(copy) in news.text
    nothing_new = replace(platform.warehouse)
    nothing_new.publish()
    assert unreadable(copy) == ""
    assert [one.key for one in news_of_the_copy(of)] == [news.key], "if a run was faster than whoever reports it"
    assert (ledger := published(of)) is not None
    assert ledger.pulled_days("claude_cost_report") == [DAY]
    assert "It is published again." in caplog.text


def test_sensors_open_a_copy_once_for_what_all_of_them_ask(
    of: Settings, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = [0]
    monkeypatch.setattr(connection, "connect", counted(opened, connection.connect))

    def tick() -> set[date | None]:
        with published_for_a_tick(of) as ledger:
            assert ledger is not None
            opened[0] = 0
            assert looks(ledger, (PULL,)) == looks(ledger, (PULL,), "default")
            assert builds_of_the_future(ledger) == 0
            assert len(list(requests(ledger, defs.resolve_asset_graph()))) == 1
            assert data_are_simulated(of) is True
            return set(looks(ledger, (PULL,)))

    of_the_ledger_and_of_its_origin = 2
    assert (tick(), opened) == ({DAY}, [of_the_ledger_and_of_its_origin])
    assert (tick(), opened) == ({DAY}, [0])
    append(platform, answer(NEXT, "1", is_simulated=True))
    platform.warehouse.publish()
    assert (tick(), opened) == ({DAY, NEXT}, [of_the_ledger_and_of_its_origin])


def test_a_file_that_shrank_is_not_taken_for_a_torn_one(of: Settings, platform: Platform) -> None:
    changes = (
        *("create table grown as select hash(range) as n from range(400000)", "create table small as select 1 as n"),
        *("drop table grown", "drop table small"),
    )
    for change in changes:
        with platform.warehouse.connected() as db:
            db.execute(change)
            db.execute("checkpoint")
        staying_open.close()
    platform.warehouse.publish_anew()
    copy = of.published_database
    with duckdb.connect(str(copy), read_only=True) as db:
        [(counted,)] = db.execute("select total_blocks * block_size from pragma_database_size()").fetchall()
    assert counted > copy.stat().st_size, "what DuckDB counts is no measure"
    assert unreadable(copy) == ""


def test_a_copy_is_torn_that_lacks_the_end_of_a_table_which_is_not_read(of: Settings, platform: Platform) -> None:
    large = "as select hash(range) as n from range(400000)"
    for change in (f"create table before_it {large}", f"create table at_the_end {large}", "drop table before_it"):
        with platform.warehouse.connected() as db:
            db.execute(change)
            db.execute("checkpoint")
    platform.warehouse.publish_anew()
    copy = of.published_database
    assert unreadable(copy) == ""
    whole = copy.read_bytes()
    copy.unlink()
    copy.write_bytes(whole[:-4096])
    assert unreadable(copy).startswith(f"{copy} is damaged: it is cut short")


def test_a_copy_of_another_release_counts_as_none_and_alerts_no_one(of: Settings, platform: Platform) -> None:
    platform.sql("alter table ai_usage_raw.pulls drop column envelope")
    of.published_database.unlink()
    shutil.copyfile(of.database, of.published_database)
    assert published(of) is None
    assert list(news_of_the_copy(of)) == []


def test_the_copy_is_on_disk_before_it_is_seen_and_its_name_too(
    of: Settings, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeds: list[str] = []
    fsync, swap = os.fsync, Path.replace

    def synced(file: int) -> None:
        deeds.append("fsync folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "fsync file")
        fsync(file)

    def swapped(self: Path, target: Path) -> Path:
        deeds.append(f"rename {self.name}")
        return swap(self, target)

    append(platform, answer(NEXT, "1", is_simulated=True))
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", swapped)
    platform.warehouse.publish()
    copy = of.published_database.with_suffix(".tmp").name
    assert deeds == ["fsync file", f"rename {copy}", "fsync folder"]


def test_too_little_space_is_a_sentence_and_leaves_the_old_copy(
    of: Settings, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = of.published_database.stat().st_ino
    append(platform, answer(NEXT, "1", is_simulated=True))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    with pytest.raises(WarehouseError, match=r"^No space left for .*: it needs .* MB and 0.0 MB are free\. What was"):
        platform.warehouse.publish()
    assert of.published_database.stat().st_ino == before
    monkeypatch.undo()
    later = replace(platform.warehouse)  # in another process, which writes nothing
    later.publish()
    assert of.published_database.stat().st_ino != before
    assert (ledger := published(of)) is not None
    assert ledger.pulled_days("claude_cost_report") == [DAY, NEXT]


def test_what_another_setting_lets_others_read_is_published_again_and_a_busy_file_is_left_alone(
    of: Settings, platform: Platform
) -> None:
    before = of.published_database.stat()
    with platform.warehouse.connected():
        copy = "warehouse.path.with_name('ai_usage_published.duckdb')"
        deed = f"warehouse.published_mode = 0o440; warehouse.published_path = {copy}"
        other = child(of.data_dir, deed, prelude=_impatient())
        assert error_of(other) == ""
    assert of.published_database.stat().st_ino == before.st_ino
    replace(platform.warehouse, published_mode=0o440).publish()
    assert of.published_database.stat().st_mode & 0o777 == 0o440


@pytest.fixture
def nothing_fits(of: Settings, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Settings:
    append(platform, answer(NEXT, "1", is_simulated=True))

    def warehouse(_: Settings, **__: Any) -> DuckDBWarehouse:
        made = replace(platform.warehouse)
        made._has_news = True
        return made

    monkeypatch.setattr(warehouse_resource, "warehouse_of", warehouse)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    return of


@dg.asset
def looked_at(warehouse: dg.ResourceParam[Warehouse]) -> None:
    """A step that succeeds."""
    assert warehouse.pulled_days("claude_cost_report") == [DAY, NEXT]


def repository() -> Any:
    return dg.Definitions(
        assets=[looked_at],
        jobs=[dg.define_asset_job("look", tags={"dagster/max_retries": "3"})],
        resources={"warehouse": WarehouseResource()},
        executor=in_process,
    ).get_repository_def()


def test_a_run_from_the_command_line_that_cannot_publish_has_failed(nothing_fits: Settings) -> None:
    """Fault 5: exit code 0 and a successful run."""
    warehouse = warehouse_resource.warehouse_of(nothing_fits)
    assert isinstance(warehouse, DuckDBWarehouse)
    with dg.DagsterInstance.ephemeral() as instance:
        runs = Runs(nothing_fits, repository(), instance, replace(warehouse))
        runs.run("look", {})
        [record] = instance.get_run_records()
        outcome = outcome_of(runs)
    assert record.dagster_run.status == dg.DagsterRunStatus.FAILURE
    assert not outcome.is_good
    assert outcome.failures.keys() == {"warehouse"}
    assert outcome.failures["warehouse"].startswith(f"No space left for {nothing_fits.published_database}: it needs")


def job() -> dg.JobDefinition:
    found: dg.JobDefinition = repository().get_job("look")
    return found


def test_a_run_of_the_daemon_that_cannot_publish_has_failed_and_is_not_tried_again(
    nothing_fits: Settings, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        result = dg.execute_job(dg.reconstructable(job), instance, raise_on_error=False)
        [record] = instance.get_run_records()
    assert not result.success
    assert record.dagster_run.status == dg.DagsterRunStatus.FAILURE
    assert record.dagster_run.tags["dagster/max_retries"] == "0"
    [failure] = [event for event in result.all_events if event.is_failure]
    assert "No space left for" in str(failure.job_failure_data.error)
