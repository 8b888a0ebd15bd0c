"""Dagster's records of runs are purged by age; what the UI and the checks need stays."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.runs.schema import RunsTable

from ai_usage.automation.event_queries import newest
from ai_usage.automation.history import RESULTS_KEPT, purge
from ai_usage.places import ROOT
from ai_usage_tests.platform import QUIET

NOW = datetime.now(UTC)
LONG_AGO, LATELY = NOW - timedelta(days=200), NOW - timedelta(days=100)
LIMIT = NOW - timedelta(days=180)
KEY = dg.AssetKey("table")
CHECK = dg.AssetCheckKey(KEY, "is_whole")


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(["1", "2"]), check_specs=[dg.AssetCheckSpec("is_whole", asset=KEY)]
)
def table(context: dg.AssetExecutionContext) -> Any:
    print("what a step prints")  # noqa: T201 - it is kept with the run
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, metadata={"run": context.run.run_id})])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("home")
    shutil.copyfile(ROOT / "dagster.yaml", found / "dagster.yaml")
    return found


@pytest.fixture
def instance(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """The storage of `make ui`."""
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.get() as found:
        yield found


def run(instance: dg.DagsterInstance, at: datetime, day: str) -> str:
    """A run that materializes a day and ended at an instant."""
    result = dg.materialize([table], instance=instance, partition_key=day, run_config=QUIET, tags={"of": "table"})
    assert result.success
    _aged(instance, result.run_id, at)
    return result.run_id


def _aged(instance: dg.DagsterInstance, run_id: str, at: datetime) -> None:
    storage: Any = instance.run_storage
    with storage.connect() as connection:
        aged = RunsTable.update().where(RunsTable.c.run_id == run_id)
        connection.execute(aged.values(update_timestamp=at.replace(tzinfo=None)))


def files_of(home: Path, run_id: str) -> list[Path]:
    return [path for path in home.rglob("*") if run_id in path.name]


def test_old_runs_are_deleted_with_their_files_and_the_newest_of_each_kind_stays(
    instance: dg.DagsterInstance, home: Path
) -> None:
    superseded = [run(instance, LONG_AGO, "1") for _ in range(3)]
    only = run(instance, LONG_AGO, "2")
    young = [run(instance, LATELY, "1") for _ in range(RESULTS_KEPT - 2)]
    under_way = instance.create_run_for_job(
        dg.define_asset_job("j").resolve(asset_graph=dg.Definitions([table]).resolve_asset_graph()),
        status=dg.DagsterRunStatus.STARTED,
    ).run_id
    _aged(instance, under_way, LONG_AGO)
    last = newest(instance, dg.DagsterEventType.RUN_SUCCESS)
    assert len(files_of(home, only)) >= 2  # its own log, and what its step printed

    assert purge(instance, LIMIT) == len([*superseded, only])
    for run_id in [*superseded, only]:
        assert instance.get_run_by_id(run_id) is None
        assert files_of(home, run_id) == []
    assert {one.run_id for one in instance.get_runs()} == {*young, under_way}
    assert all(files_of(home, run_id) for run_id in young)
    assert instance.get_materialized_partitions(KEY) == {"1", "2"}
    events = instance.fetch_materializations(KEY, limit=50).records
    assert {event.run_id for event in events} == {only, *young}
    results = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=50)
    assert {result.run_id for result in results} == {only, *young, under_way}  # runs that a check still needs
    assert newest(instance, dg.DagsterEventType.RUN_SUCCESS) == last
    assert instance.get_records_for_run(young[0]).records
    assert purge(instance, LIMIT) == 0


def test_nothing_young_is_deleted_and_a_log_that_is_all_old_keeps_its_last_number(instance: dg.DagsterInstance) -> None:
    before = {run.run_id for run in instance.get_runs()}
    assert purge(instance, NOW - timedelta(days=1000)) == 0
    assert {run.run_id for run in instance.get_runs()} == before
    last = run(instance, LONG_AGO, "2")
    top = newest(instance, dg.DagsterEventType.RUN_SUCCESS)
    purge(instance, LIMIT)
    assert instance.get_run_by_id(last) is None
    run(instance, LATELY, "2")
    assert newest(instance, dg.DagsterEventType.RUN_SUCCESS) > top
