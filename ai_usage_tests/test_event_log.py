"""Dagster's event log over kept connections: the same files as Dagster's, also for other processes that use them."""

import logging
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from ai_usage import event_log
from ai_usage.event_log import KeptEventLog
from ai_usage.places import ROOT
from ai_usage_tests.platform import QUIET


@dg.asset(check_specs=[dg.AssetCheckSpec("it_is_so", asset="made")])
def made() -> Iterator[dg.MaterializeResult[None]]:
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@dg.asset(
    partitions_def=dg.DailyPartitionsDefinition("2026-11-01"),
    check_specs=[dg.AssetCheckSpec("it_is_so", asset="daily")],
)
def daily() -> Iterator[dg.MaterializeResult[None]]:
    yield dg.MaterializeResult(metadata={"rows": 3}, check_results=[dg.AssetCheckResult(passed=True)])


CHECKED, PLANNED = dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
WHEN = {"create_timestamp", "migration_completed"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copyfile(ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as found:
        yield found


def run(instance: dg.DagsterInstance) -> str:
    result = dg.materialize([made], instance=instance, run_config=QUIET)
    assert result.success
    return result.run_id


def test_the_file_that_commands_copy_names_it(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.event_log_storage, KeptEventLog)


def test_what_it_writes_dagsters_own_class_reads_while_it_is_open(instance: dg.DagsterInstance, home: Path) -> None:
    run_id = run(instance)
    there = SqliteEventLogStorage(str(home / "history" / "runs"))
    mine, theirs = (log.get_records_for_run(run_id).records for log in (instance.event_log_storage, there))
    assert [record.event_log_entry for record in mine] == [record.event_log_entry for record in theirs]
    assert len(mine) > 10
    assert there.get_asset_check_execution_history(dg.AssetCheckKey(made.key, "it_is_so"), limit=9)


def test_a_range_of_days_is_stored_together_and_reads_as_if_dagster_had_stored_each_event(
    instance: dg.DagsterInstance, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[int] = []
    store = KeptEventLog.store_event_batch

    def counted(self: KeptEventLog, events: Sequence[dg.EventLogEntry]) -> None:
        together.append(len(events))
        store(self, events)

    monkeypatch.setattr(KeptEventLog, "store_event_batch", counted)
    days = {"dagster/asset_partition_range_start": "2026-11-02", "dagster/asset_partition_range_end": "2026-11-06"}
    result = dg.materialize([daily], instance=instance, tags=days, run_config=QUIET)
    assert together == [6, 5]  # five days and a check are planned, then five days are materialized
    stock = SqliteEventLogStorage(str(tmp_path / "stock"))
    for event in instance.all_logs(result.run_id):
        stock.store_event(event)
    kept = rows(home / "history" / "runs" / "index.db")
    assert kept == rows(tmp_path / "stock" / "index.db")
    assert len(kept["asset_check_executions"]) == 5 + 1  # a check is planned for each day; its result covers the range


def test_every_kind_of_event_is_kept_as_dagsters_own_class_keeps_it(
    instance: dg.DagsterInstance, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[dg.EventLogEntry] = []
    store = KeptEventLog._store

    def noted(self: KeptEventLog, events: Sequence[dg.EventLogEntry]) -> None:
        stored.extend(events)
        store(self, events)

    monkeypatch.setattr(KeptEventLog, "_store", noted)
    run_id = run(instance)
    for reported in (
        dg.AssetMaterialization("made", partition="2026-11-02"),
        dg.AssetObservation("made"),
        dg.AssetCheckEvaluation(asset_key=made.key, check_name="it_is_so", passed=False),
        dg.AssetCheckEvaluation(asset_key=made.key, check_name="it_is_so", passed=True, partition="2026-11-02"),
    ):
        instance.report_runless_asset_event(reported)
    [found] = [event for event in stored if event.dagster_event_type == CHECKED and event.run_id == run_id]
    [planned] = [event for event in stored if event.dagster_event_type == PLANNED]
    instance.event_log_storage.store_event(found)  # a second time
    instance.event_log_storage.store_event(found._replace(run_id="of another, which planned nothing"))
    stock = SqliteEventLogStorage(str(tmp_path / "stock"))
    for event in stored:
        stock.store_event(event)
    for file in ("index.db", f"{run_id}.db"):
        assert rows(home / "history" / "runs" / file) == rows(tmp_path / "stock" / file)
    assert rows(tmp_path / "stock" / "index.db")["asset_event_tags"]
    for log in (stock, instance.event_log_storage):
        log.store_event(planned)
        with pytest.raises(dg.DagsterInvariantViolationError):
            log.store_event(found)


def rows(index: Path) -> dict[str, list[tuple[object, ...]]]:
    """The content of a file, except SQLite's own timestamps."""
    found = {}
    with closing(sqlite3.connect(index)) as db:
        for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
            names = [f'"{name}"' for _, name, *_ in db.execute(f"pragma table_info({table})") if name not in WHEN]
            found[table] = db.execute(f"select {', '.join(names)} from {table} order by 1").fetchall()
    return found


def test_events_stored_together_are_stored_wholly_or_not_at_all(
    instance: dg.DagsterInstance, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = instance.event_log_storage
    assert isinstance(kept, KeptEventLog)
    events = instance.all_logs(run(instance), of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    before = rows(home / "history" / "runs" / "index.db")

    def breaks(*_: object) -> None:
        raise OSError("broken off")

    with monkeypatch.context() as planted:
        planted.setattr(kept, "_store_asset_event", breaks)
        with pytest.raises(OSError, match="broken off"):
            kept.store_event_batch(events)
    assert rows(home / "history" / "runs" / "index.db") == before
    assert len(instance.all_logs(events[0].run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)) == 1
    kept.store_event(events[0])  # later events are stored as usual
    assert len(instance.all_logs(events[0].run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)) == 2


def test_two_processes_may_write_beside_each_other(instance: dg.DagsterInstance) -> None:
    with dg.DagsterInstance.get() as other:
        runs = [run(one) for one in (instance, other, instance, other)]
        found = other.fetch_materializations(made.key, limit=9).records
        assert {record.run_id for record in found} == set(runs)
        assert instance.get_latest_materialization_event(made.key) == other.get_latest_materialization_event(made.key)


def test_no_more_files_are_kept_open_than_are_needed(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "FILES_KEPT", 2)
    runs = [run(instance) for _ in range(4)]
    kept = instance.event_log_storage
    assert isinstance(kept, KeptEventLog)
    assert len(kept._engines) == 2
    assert all(kept.get_records_for_run(run_id).records for run_id in runs)


def test_who_watches_a_run_hears_of_it_while_it_is_written(instance: dg.DagsterInstance, home: Path) -> None:
    """As the UI does, from another process."""
    run_id = run(instance)
    heard = Event()
    with dg.DagsterInstance.get() as ui:
        seen = ui.get_records_for_run(run_id)
        listen = lambda *_: heard.set()  # noqa: E731
        ui.watch_event_logs(run_id, seen.cursor, listen)
        instance.report_engine_event("still here", instance.get_run_by_id(run_id))
        assert heard.wait(30)
        ui.end_watch_event_logs(run_id, listen)


def test_a_run_that_ends_is_one_line_with_its_days_and_its_steps_are_none(
    instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """The output of `make ui`. At DEBUG, Dagster's default, it had thousands of lines in three minutes."""

    @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-11-01"))
    def failing() -> None:
        raise ValueError

    caplog.set_level(logging.INFO, event_log.RUNS.name)  # the commands set it higher
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(f"{record.levelname} {record.getMessage()}")  # type: ignore[method-assign]
    event_log.RUNS.addHandler(handler)
    try:
        dg.materialize([made], instance=instance)
        dg.materialize([failing], instance=instance, partition_key="2026-11-02", raise_on_error=False, run_config=QUIET)
    finally:
        event_log.RUNS.removeHandler(handler)
    job = "__ephemeral_asset_job__"
    assert len(lines) == 2
    assert re.fullmatch(rf"INFO {job} \(\d+ s\) succeeded", lines[0])
    assert re.fullmatch(rf"ERROR {job} 2026-11-02 \(\d+ s\) failed", lines[1])
    assert "STEP_START" not in capfd.readouterr().err
