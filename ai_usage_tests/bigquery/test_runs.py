"""The platform's definitions with AI_USAGE_WAREHOUSE=bigquery: a run's result equals that of the embedded engine."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import dagster as dg
import duckdb
import pytest

from ai_usage.automation import warehouse_resource
from ai_usage.automation.build_requests import requests
from ai_usage.automation.refresh import looks, range_tags
from ai_usage.automation.warehouse_resource import published, warehouse_of
from ai_usage.catalog import TABLES
from ai_usage.checks.alert_events import ALERT_EVENTS
from ai_usage.definitions import build_defs
from ai_usage.partitions import Span
from ai_usage.settings import Settings, settings
from ai_usage.warehouse.bigquery.engine import BigQueryWarehouse
from ai_usage.warehouse.bigquery.lease import WRITER_LEASE
from ai_usage.warehouse.bigquery.memory import memory_of
from ai_usage.warehouse.open import written_at
from ai_usage.warehouse.table import STAMPS, Table, raw_table
from ai_usage_tests.bigquery.counting import Counted, bytes_of_tables, counted, modelled_bytes
from ai_usage_tests.bigquery.running import Emulator
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import QUIET

SPAN = Span(date(2026, 11, 18), date(2026, 11, 19))
DAY_BY_DAY = "gemini_code_assist_log"  # one request per day, and one write for all of them
PART = (
    dg.AssetSelection.assets("marts/claude_total_expenses", "marts/claude_daily_summary", f"raw/{DAY_BY_DAY}")
    .upstream()
    .required_multi_asset_neighbors()
)
OF_RUNS = {*STAMPS, "pull_id", "records_pull_id", "pulled_at", "asked_at", "run_id"}
OF_RUNS |= {"built_from", "built_at", "evaluated_at"}


@dataclass(frozen=True)
class World:
    """Days that one run pulled, built and checked."""

    of: Settings
    outcome: Outcome
    assets: frozenset[str]
    graph: Any
    counted: Counted

    def rows(self, table: Table) -> list[str]:
        """The rows, without values that differ from run to run."""
        names = ", ".join(name for name in table.columns if name not in OF_RUNS)
        memory_of.cache_clear()  # the run's cache does not prove what the tables contain
        return sorted(
            map(repr, warehouse_of(self.of, is_read_only=True).ask(f"select {names} from {table.address}").rows())
        )


def a_run(of: Settings, home: Path) -> World:
    """One run on the warehouse of these settings."""
    defs = dg.Definitions.merge(build_defs(of), dg.Definitions(jobs=[dg.define_asset_job("part", PART)]))
    with (
        pytest.MonkeyPatch.context() as patch,
        dg.DagsterInstance.ephemeral(tempdir=str(home)) as instance,
        counted(of.bigquery_emulator) as found,
    ):
        patch.setattr(warehouse_resource, "settings", lambda: of)
        result = defs.resolve_job_def("part").execute_in_process(
            tags=range_tags(SPAN), instance=instance, run_config=QUIET, raise_on_error=False
        )
    graph = defs.resolve_asset_graph()
    return World(of, Outcome(result), frozenset(key.path[-1] for key in PART.resolve(graph)), graph, found)


Worlds: TypeAlias = tuple[World, World]


@pytest.fixture(scope="module")
def worlds(running: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """The same days on the embedded engine and on BigQuery."""
    made = []
    for engine in ("duckdb", "bigquery"):
        folder = tmp_path_factory.mktemp(engine)
        of = replace(settings(), warehouse=engine, data_dir=folder, simulate=True)
        of = replace(of, bigquery_project="p-runs", bigquery_emulator=running.host)
        made.append(a_run(of, folder))
    return made[0], made[1]


def test_a_run_leaves_the_tables_of_the_embedded_engine_cell_by_cell(worlds: Worlds) -> None:
    embedded, bigquery = worlds
    assert bigquery.outcome.result.success
    tables = [table for table in TABLES if table.name in {*bigquery.assets, "pulls", "builds", "check_results"}]
    assert len(tables) == len(bigquery.assets) + 3
    for table in tables:
        assert (table.name, bigquery.rows(table)) == (table.name, embedded.rows(table))


def test_a_runs_checks_come_to_the_same(worlds: Worlds) -> None:
    embedded, bigquery = worlds
    assert results(bigquery)
    assert results(bigquery) == results(embedded)


def results(of: World) -> list[tuple[Any, ...]]:
    return sorted((one.asset, one.check, str(one.day), one.result, one.why) for one in of.outcome.results)


def test_a_run_takes_no_more_jobs_requests_and_bytes_than_it_needs(worlds: Worlds) -> None:
    """A run that fills a new project. The figures of the whole graph are in docs/bigquery.md."""
    embedded, found = worlds[0], worlds[1].counted
    assert found.jobs <= 22
    assert found.loads_by_table[raw_table(DAY_BY_DAY).name] == 1
    assert found.requests - found.made <= 1.6 * found.jobs
    with duckdb.connect(embedded.of.database, read_only=True) as db:
        sizes = bytes_of_tables(db)
    billed = [modelled_bytes(statement, sizes) for statement in found.statements]
    assert sum(billed) <= 200_000_000
    assert max(billed) <= 80_000_000
    assert not embedded.counted.jobs


def test_after_a_run_another_one_may_write_at_once(worlds: Worlds) -> None:
    readers_see = published(worlds[1].of)
    assert readers_see is not None
    held = readers_see.ask(f"select count(*) as n from {WRITER_LEASE.address} where expires_at > current_timestamp()")
    assert held.item() == 0


def test_an_idle_tick_runs_no_query_job(worlds: Worlds) -> None:
    """The sensors' queries at each tick: what was pulled, what is stale, whether there are new events."""
    of, counts = worlds[1].of, []
    for _ in range(2):
        readers_see = published(of)
        assert isinstance(readers_see, BigQueryWarehouse)
        assert readers_see.pulled_days("claude_cost_report") == SPAN.days
        assert looks(readers_see, ("claude_cost_report",))
        list(requests(readers_see, worlds[1].graph))
        written_at(of, ALERT_EVENTS)
        counts.append(readers_see.jobs.counts["query"])
    assert counts[1] == 0
