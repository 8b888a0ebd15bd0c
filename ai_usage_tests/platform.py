"""A whole platform for a test: a warehouse, a Dagster instance, and a stand-in for Claude.

`run` is a range run of everything, `check` runs one check. Both return an `Outcome`.
"""

import atexit
import pickle
import shutil
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import dagster as dg
import duckdb
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.materialize import EPHEMERAL_JOB_NAME

from ai_usage.automation.refresh import range_tags
from ai_usage.automation.runs import Runs
from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.checks.registry import CHECKS
from ai_usage.checks.runner import dagster_checks
from ai_usage.core.providers import DIM_PLATFORM, DIM_PROVIDER, platform_rows, provider_rows
from ai_usage.definitions import ASSETS, build_defs
from ai_usage.marts.assets import VIEWS
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.audit_log.folder import Uploads
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import Settings, settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.table import STAMPS, Table
from ai_usage_tests import lean, lineage_once  # noqa: F401 - it is enough to import them
from ai_usage_tests.mock_claude import Line, MockClaude
from ai_usage_tests.outcome import Outcome, together

WITHOUT_BOARDS = dg.AssetSelection.all() - dg.AssetSelection.groups("dashboards")


def _named(*starts: str) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(key for asset in ASSETS for key in asset.keys if key.path[1].startswith(starts)))


OF_CURSOR = _named("cursor", "dim_cursor")
# Assets that do not depend on Claude: half of the steps.
OF_VIEWS = dg.AssetSelection.assets(*(view.key for view in VIEWS))  # no run materializes them
OTHERS = [asset for of in PROVIDERS if of is not ANTHROPIC for asset in of.assets]
OF_OTHERS = OF_CURSOR | dg.AssetSelection.assets(*OTHERS) | _named("sheet")
OF_CLAUDE = WITHOUT_BOARDS - OF_OTHERS
PAST = "past.pickle"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class Ticking:
    """A clock that advances a millisecond each time it is read, so that no two pulls have the same instant."""

    at: datetime

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


@cache
def graph() -> AssetGraph:
    """The whole graph. `dg.materialize` would build it again for each run, which takes longer than a small run."""
    return AssetGraph.from_assets([*ASSETS, dg.AssetsDefinition(specs=VIEWS), *dagster_checks(CHECKS)])


@dataclass
class Platform:
    """A test's platform. A run opens the warehouse's file once for all its steps, which halves its time;
    `opens_each_step` is for tests in which a step must release the file.
    """

    warehouse: DuckDBWarehouse
    home: Path
    claude: MockClaude = field(default_factory=MockClaude)
    opens_each_step: bool = False

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.ephemeral(tempdir=str(self.home))

    def run(
        self,
        days: Mapping[date, Sequence[str | Line]] | None = None,
        *,
        span: Span | None = None,
        only: dg.AssetSelection | None = None,
        claude_admin: Any = None,
    ) -> Outcome:
        """Refresh every day that Claude has, in one run; a text is the cents of one line."""
        for day, lines in (days or {}).items():
            self.claude.days[day] = [line if isinstance(line, Line) else Line(line) for line in lines]
        over = span or Span(min(self.claude.days), max(self.claude.days))
        outcome = self.materialize(only or OF_CLAUDE, over, claude_admin or self.claude.admin())
        self.warehouse.publish()
        return outcome

    def check(self, check: str, span: Span | None = None) -> Outcome:
        """One check, on every table that has it. Without a span it evaluates every day ever pulled."""
        return self.materialize(checks_of(check), span, self.claude.admin())

    def materialize(
        self,
        selection: dg.AssetSelection,
        span: Span | None,
        claude_admin: Any,
        cursor_admin: Any = None,
        sheet: Any = None,
        uploads: Uploads | None = None,
        **other_clients: Any,
    ) -> Outcome:
        """The work of the jobs, for any part of the graph. A provider without a client is not configured."""
        resources = {
            **{of.source.resource: None for of in PROVIDERS},
            **other_clients,
            "claude_admin": claude_admin,
            "cursor_admin": cursor_admin,
            "sheet": sheet,
            "uploads": uploads,
            "warehouse": self.warehouse,
        }
        job = dg.define_asset_job(EPHEMERAL_JOB_NAME, selection - OF_VIEWS).resolve(
            asset_graph=graph(),
            resource_defs={name: dg.ResourceDefinition.hardcoded_resource(of) for name, of in resources.items()},
        )
        with nullcontext() if self.opens_each_step else self.warehouse.connected():
            result = job.execute_in_process(
                tags=range_tags(span) if span else None,
                instance=self.instance,
                run_config=QUIET,
                raise_on_error=False,
            )
            self.warehouse.keep_builds()
        return Outcome(result)

    def refresh(self, of: Settings, span: Span, *, only: dg.AssetSelection | None = None) -> Outcome:
        """The work of `make backfill`, or one run of a part of the graph, with the providers of these settings and this
        warehouse.
        """
        defs = build_defs(of, overrides={"warehouse": self.warehouse})
        if not only:
            return self.backfill(defs, of, span)
        defs = dg.Definitions.merge(defs, dg.Definitions(jobs=[dg.define_asset_job("part", only)]))
        with self.warehouse.connected():
            result = defs.resolve_job_def("part").execute_in_process(
                tags=range_tags(span), instance=self.instance, run_config=QUIET, raise_on_error=False
            )
        self.warehouse.publish()
        return Outcome(result)

    def backfill(self, defs: dg.Definitions, of: Settings, span: Span) -> Outcome:
        """Pulls of the configured sources, then the build. Nothing is published between the runs."""
        runs = Runs(of, defs.get_repository_def(), self.instance, self.warehouse, QUIET)
        with self.warehouse.connected():
            runs.refresh(span)
        self.warehouse.publish()
        return together(runs)

    def copy(self, folder: Path) -> "Platform":
        """A copy of the platform, which a test may damage."""
        shutil.copyfile(self.warehouse.path, folder / "ai_usage.duckdb")
        other = _platform_of(folder)
        other.warehouse.now = copy(self.warehouse.now)
        other.warehouse._is_prepared = self.warehouse._is_prepared
        other.claude.days.update(self.claude.days)
        return other

    def leave(self) -> None:
        """Write beside the warehouse the other files that `found_in` needs."""
        (self.warehouse.path.parent / PAST).write_bytes(pickle.dumps((self.warehouse.now.at, self.claude.days)))

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """DuckDB's own SQL, to read or to damage data."""
        with self.warehouse.connected() as db:
            return db.execute(text).fetchall()

    def dollars(self, table: str = "claude_total_expenses", amount: str = "cost_usd") -> dict[date, Decimal]:
        """A table's sums by day: the mart's, unless another table is named."""
        day = next(t.date_column for t in TABLES if t.name == table)
        return dict(self.sql(f"select {day}, sum({amount}) from ai_usage_analytics.{table} group by 1 order by 1"))

    def rejections(self) -> list[tuple[date | None, str, str]]:
        """Day, field and reason of each rejected record."""
        return self.sql("select activity_date, field, reason from ai_usage_analytics.record_rejections order by all")

    def cents(self, day: date, *, as_of: datetime | None = None) -> list[Decimal]:
        """The day's cost lines in the ledger, now or at an instant."""
        pulled = self.warehouse.newest("claude_cost_report", Span(day, day), as_of=as_of)
        return [line.amount for line in pulled.decode(CostLine)]


def name_providers(warehouse: DuckDBWarehouse) -> None:
    """Fills the tables that every build begins with, and that parts of the graph leave out."""
    with warehouse.connected():
        warehouse.replace_all(DIM_PROVIDER, provider_rows(PROVIDERS))
        warehouse.replace_all(DIM_PLATFORM, platform_rows(PROVIDERS))


def platform_in(folder: Path) -> Platform:
    """A platform with its files in a folder, named as in the settings, and Dagster's files in a subfolder. A new
    warehouse is a copy: creating all tables takes four times as long.
    """
    is_new = not (folder / "ai_usage.duckdb").exists()
    return _new().copy(folder) if is_new else made_in(folder)


@cache
def _new() -> Platform:
    """A platform without data, for as long as this process lives."""
    folder = mkdtemp(prefix="ai_usage_tests_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return made_in(Path(folder))


def made_in(folder: Path) -> Platform:
    """The same without a copy."""
    platform = _platform_of(folder)
    name_providers(platform.warehouse)
    return platform


def found_in(folder: Path) -> Platform:
    """The platform that a process left in a folder."""
    platform = _platform_of(folder)
    platform.warehouse.now.at, days = pickle.loads((folder / PAST).read_bytes())  # noqa: S301 - our own
    platform.claude.days.update(days)
    platform.warehouse._is_prepared = True
    return platform


def _platform_of(folder: Path) -> Platform:
    at = Ticking(settings().now())
    warehouse = DuckDBWarehouse(
        folder / "ai_usage.duckdb", folder / "published.duckdb", TABLES, at, patience=60, functions=FUNCTIONS
    )
    return Platform(warehouse, folder / "dagster")


@cache
def of_bill() -> dg.AssetSelection:
    """Claude's costs and Claude Code's counts, with the checks of these tables."""
    core = ("claude_costs", "claude_daily_cost", "claude_usage_tokens", "claude_code_usage_stats", "spend_versions")
    made = whatever_makes("marts/claude_total_expenses", *(f"core/{table}" for table in core))
    made = made.required_multi_asset_neighbors() - OF_OTHERS
    there = made.resolve(graph())
    keys = (check.key for check in CHECKS if check.key.asset_key in there)
    return made.without_checks() | dg.AssetSelection.checks(*keys)


def checks_of(*checks: str) -> dg.AssetSelection:
    """These checks, on every table that has them."""
    return dg.AssetSelection.checks(*(check.key for check in CHECKS if check.name in checks))


def whatever_makes(*assets: str) -> dg.AssetSelection:
    """These assets and everything upstream of them, without checks, and what their pulls require."""
    return dg.AssetSelection.assets(*assets).upstream().without_checks().required_multi_asset_neighbors()


def of_others_than(*providers: str) -> dg.AssetSelection:
    """The pulls and core tables of the providers that a test does not use."""
    return dg.AssetSelection.assets(*(asset for of in PROVIDERS if of.key not in providers for asset in of.assets))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def contents(database: Path, *, with_views: bool = False) -> dict[str, dict[date | None, list[tuple[Any, ...]]]]:
    """Table → day → its rows, sorted, without timestamps: equal for two histories of the same days. Excludes the
    freshness of sources. A view has its text, unless `with_views` is set: its rows follow from the tables.
    """
    with duckdb.connect(str(database), read_only=True) as db:
        there = {name for (name,) in db.execute("select table_name from information_schema.tables").fetchall()}
        there -= {"source_freshness", "builds"}
        asked = [t for t in TABLES if t.schema == "ai_usage_analytics" and t.name in there]
        texts = dict(db.execute("select view_name, sql from duckdb_views() where not internal").fetchall())
        if with_views:
            texts = {}
        return {t.name: {None: [(texts[t.name],)]} if t.name in texts else _by_day(db, t) for t in asked}


def _by_day(db: duckdb.DuckDBPyConnection, table: Table) -> dict[date | None, list[tuple[Any, ...]]]:
    day = table.date_column or "null"
    columns = ", ".join(name for name in table.columns if name not in {*STAMPS, "first_pulled_at"})
    found: dict[date | None, list[tuple[Any, ...]]] = {}
    for key, *row in db.execute(f"select {day}, {columns} from {table.address} order by all").fetchall():
        found.setdefault(key, []).append(tuple(row))
    return found
