"""A whole platform for a test: a warehouse, a Dagster instance, and a vendor that says what the test makes it say.

`run` is a range run of everything, `check` the checks alone. Both give verdicts by day, and what each day's
materializations noted.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Any, cast

import dagster as dg
import duckdb
import httpx
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.materialize import EPHEMERAL_JOB_NAME

from ai_usage.automation.refresh import range_tags
from ai_usage.automation.runs import Runs
from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.checks.results import CheckResult, results_of
from ai_usage.core.providers import DIM_PLATFORM, DIM_PROVIDER, platform_rows, provider_rows
from ai_usage.definitions import ASSETS, CHECKS, build_defs
from ai_usage.ingest.http.retry import Patience
from ai_usage.layers import TABLE_WAS_BUILT
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.audit_log.folder import Uploads
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.records import CostLine
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import Settings, settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.table import STAMPS, Table
from ai_usage_tests import lean  # noqa: F401 - it is enough to import it

DAY = date(2026, 11, 10)
NEXT = date(2026, 11, 11)
DEFAULT, TEAM = None, "wrkspc_team"
ORGANIZATION = {"id": "org-1", "name": "Mock", "type": "organization"}
WORKSPACE = {"id": TEAM, "name": "Team", "created_at": "2026-01-01T00:00:00Z", "archived_at": None}
KEY: dict[str, Any] = {"id": "apikey_1", "type": "api_key", "name": "etl", "status": "active", "workspace_id": TEAM}
KEY |= {"created_at": "2026-01-01T00:00:00Z", "created_by": {"id": "user_1", "type": "user"}}
USER = {"id": "user_1", "type": "user", "email": "dev@example.com", "name": "Dev", "role": "developer"}
USER |= {"added_at": "2026-01-01T00:00:00Z"}
USD_A_MILLION = {"claude-opus-4-5-20251101": {"output_tokens": 25, "uncached_input_tokens": 5}}

WITHOUT_BOARDS = dg.AssetSelection.all() - dg.AssetSelection.groups("dashboards")
# What a vendor that is Claude alone cannot change: a third of the steps.
OF_OTHERS = dg.AssetSelection.assets(
    *(key for asset in ASSETS for key in asset.keys if key.path[1].startswith(("cursor", "sheet", "dim_cursor")))
)
OF_CLAUDE = WITHOUT_BOARDS - OF_OTHERS
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

Row = dict[str, Any]
Bend = Callable[[list[Row]], list[Row]]


@dataclass(frozen=True)
class Line:
    """A cost line, and the tokens that so much money buys at list price."""

    cents: str
    workspace_id: str | None = TEAM
    model: str = "claude-opus-4-5-20251101"
    token_type: str = "output_tokens"

    @property
    def tokens(self) -> int:
        if not Decimal(self.cents).is_finite():
            return 0
        cents_a_token = Decimal(USD_A_MILLION[self.model][self.token_type]) / 10_000
        return int(Decimal(self.cents) / cents_a_token)


def ordinary(dollars: int = 10) -> list[Line]:
    """A day with some of everything: two workspaces, one of them the default one, two kinds of token."""
    return [
        Line(f"{dollars * 60}.25"),
        Line(f"{dollars * 30}.5", DEFAULT),
        Line(f"{dollars * 10}.125", TEAM, token_type="uncached_input_tokens"),
    ]


@dataclass
class MockVendor:
    """Claude, one day a page, without a network. `days` is the truth; `lines`, `totals`, `usage` and `code` bend what
    a report says of a day; a status in `refuses` is how a path answers.
    """

    days: dict[date, list[Line]] = field(default_factory=dict)
    lines: dict[date, Bend] = field(default_factory=dict)
    totals: dict[date, Bend] = field(default_factory=dict)
    usage: dict[date, Bend] = field(default_factory=dict)
    code: dict[date, Bend] = field(default_factory=dict)
    refuses: dict[str, int] = field(default_factory=lambda: {"/analytics/": 403})
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)

    def admin(self) -> ClaudeAdmin:
        return ClaudeAdmin.open(
            base_url="https://mock.test",
            admin_key="sk-mock",
            analytics_requests_a_minute=None,
            patience=Patience(attempts=1),
            transport=httpx.MockTransport(self.answer),
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path.removeprefix("/v1/organizations"), request.url.params
        kind = "lines" if "group_by[]" in query and "cost_report" in path else path.rpartition("/")[2]
        self.asked[kind, query.get("page") or query.get("starting_at", "")[:10]] += 1
        for part, status in self.refuses.items():
            if part in path:
                error = {"type": "error", "error": {"type": "mock_error", "message": "no"}}
                return httpx.Response(status, json=error)
        if path == "/me":
            return httpx.Response(200, json=ORGANIZATION)
        if "starting_at" not in query:
            shown = {"/workspaces": [WORKSPACE], "/api_keys": [KEY], "/users": [USER]}.get(path, [])
            return httpx.Response(200, json={"data": shown, "has_more": False, "first_id": None, "last_id": None})
        first = date.fromisoformat(query["starting_at"][:10])
        if kind == "claude_code":
            bent = self.code.get(first, _as_it_is)(self._code_records(first))
            return httpx.Response(200, json={"data": bent, "has_more": False, "next_page": None})
        return httpx.Response(200, json=self._page(kind, first, query))

    def _page(self, kind: str, first: date, query: httpx.QueryParams) -> Row:
        day = date.fromisoformat(query.get("page", first.isoformat()))
        following = day + timedelta(days=1)
        is_last = following.isoformat() == query["ending_at"][:10]
        rows, bends = {
            "lines": (self._cost_lines, self.lines),
            "cost_report": (self._cost_totals, self.totals),
            "messages": (self._usage_rows, self.usage),
        }[kind]
        bounds = {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{following}T00:00:00Z"}
        bucket = {**bounds, "results": bends.get(day, _as_it_is)(rows(day))}
        return {"data": [bucket], "has_more": not is_last, "next_page": None if is_last else str(following)}

    def _cost_lines(self, day: date) -> list[Row]:
        return [
            {
                **_cost_row(line.cents),
                "workspace_id": line.workspace_id,
                "description": f"{line.model} {line.token_type} {n}",
                "cost_type": "tokens",
                "context_window": "0-200k",
                "model": line.model,
                "service_tier": "standard",
                "token_type": line.token_type,
                "inference_geo": "not_available",
            }
            for n, line in enumerate(self.days.get(day, []))
        ]

    def _cost_totals(self, day: date) -> list[Row]:
        cents = [Decimal(line.cents) for line in self.days.get(day, [])]
        return [_cost_row(f"{sum(amount for amount in cents if amount.is_finite()):f}")] if cents else []

    def _usage_rows(self, day: date) -> list[Row]:
        used: dict[tuple[str | None, str], Counter[str]] = {}
        for line in self.days.get(day, []):
            used.setdefault((line.workspace_id, line.model), Counter())[line.token_type] += line.tokens
        return [
            {
                "uncached_input_tokens": tokens["uncached_input_tokens"],
                "output_tokens": tokens["output_tokens"],
                "cache_read_input_tokens": 0,
                "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
                "server_tool_use": {"web_search_requests": 0},
                "account_id": None,
                "service_account_id": None,
                "api_key_id": "apikey_1",
                "workspace_id": workspace_id,
                "model": model,
                "service_tier": "standard",
                "context_window": "0-200k",
                "inference_geo": "not_available",
            }
            for (workspace_id, model), tokens in used.items()
        ]

    def _code_records(self, day: date) -> list[Row]:
        """One developer, whose Claude Code was half of the day's bill."""
        amounts = [Decimal(line.cents) for line in self.days.get(day, [])]
        cents = sum((amount for amount in amounts if amount.is_finite()), Decimal())
        if not cents:
            return []
        return [
            {
                "actor": {"type": "user_actor", "email_address": "Dev@Example.com"},
                "customer_type": "api",
                "subscription_type": None,
                "date": f"{day}T00:00:00Z",
                "organization_id": "org-1",
                "terminal_type": "vscode",
                "is_remote": False,
                "core_metrics": {
                    "num_sessions": 1,
                    "lines_of_code": {"added": 2, "removed": 1},
                    "commits_by_claude_code": 1,
                    "pull_requests_by_claude_code": 0,
                },
                "tool_actions": {"edit_tool": {"accepted": 3, "rejected": 1}},
                "model_breakdown": [
                    {
                        "model": "claude-opus-4-5-20251101",
                        "tokens": {"input": 1, "output": 2, "cache_read": 3, "cache_creation": 4},
                        "estimated_cost": {"currency": "USD", "amount": float(cents / 2)},
                    }
                ],
            }
        ]


def _cost_row(cents: str) -> Row:
    nulls = dict.fromkeys(
        ("workspace_id", "description", "cost_type", "context_window", "model", "service_tier", "token_type",
         "inference_geo")
    )  # fmt: skip
    return {"currency": "USD", "amount": cents, **nulls}


def _as_it_is(rows: list[Row]) -> list[Row]:
    return rows


def together(runs: Runs) -> "Outcome":
    """What several runs came to."""
    return Outcome(cast("dg.ExecuteInProcessResult", Together(runs.results)), runs.not_configured)


@dataclass
class Ticking:
    """A clock that moves a millisecond each time it is read, so that no two pulls are of one instant."""

    at: datetime

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


@dataclass(frozen=True)
class Together:
    """The results of several runs, asked as if they were one."""

    results: Sequence[dg.ExecuteInProcessResult]

    @property
    def success(self) -> bool:
        return all(Outcome(result).result.success for result in self.results)

    @property
    def run_id(self) -> str:
        return self.results[-1].run_id

    @property
    def all_events(self) -> list[dg.DagsterEvent]:
        return [event for result in self.results for event in result.all_events]

    def __getattr__(self, name: str) -> Callable[[], list[Any]]:
        return lambda: [one for result in self.results for one in getattr(result, name)()]


class Result(dg.ExecuteInProcessResult):
    """A run is no success if a table was not built, though no step failed."""

    @property
    def success(self) -> bool:
        return super().success and not Outcome(self).not_built


@dataclass(frozen=True)
class Outcome:
    """What a run came to: who succeeded, what the checks found, what was noted of each day."""

    result: dg.ExecuteInProcessResult  # of one run, or of several Together
    not_configured: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.result, Together):
            self.result.__class__ = Result

    @cached_property
    def evaluations(self) -> dict[tuple[str, str], dict[date | None, dg.AssetCheckEvaluation]]:
        """(claim, table) → day → verdict; whether a table was built is `not_built`."""
        return {of: found for of, found in self.all_evaluations.items() if of[0] != TABLE_WAS_BUILT}

    @cached_property
    def all_evaluations(self) -> dict[tuple[str, str], dict[date | None, dg.AssetCheckEvaluation]]:
        found: dict[tuple[str, str], dict[date | None, dg.AssetCheckEvaluation]] = {}
        for verdict in self.result.get_asset_check_evaluations():
            day = date.fromisoformat(verdict.partition) if verdict.partition else None
            found.setdefault((verdict.check_name, verdict.asset_key.path[-1]), {})[day] = verdict
        return found

    @cached_property
    def results(self) -> list[CheckResult]:
        """What every check came to: passed, warned, failed or not evaluated."""
        runs = getattr(self.result, "results", [self.result])  # one, or several asked as one
        planned = {key for run in runs for key in run.job_def.asset_layer.asset_graph.asset_check_keys}
        return results_of(((event, 0.0) for event in self.result.all_events), planned)

    def not_evaluated(self, claim: str, table: str | None = None) -> dict[date | None, str]:
        """The days on which a check is not evaluated, and why; None of a check without days, or not run at all."""
        return {
            one.day: one.why
            for one in self.results
            if one.result == "not evaluated" and one.check == claim and table in (None, one.asset.split("/")[-1])
        }

    def red(self, claim: str, table: str | None = None) -> set[date | None]:
        """The days on which a claim is false."""
        return {
            day
            for (name, of), verdicts in self.all_evaluations.items()
            for day, verdict in verdicts.items()
            if name == claim and table in (None, of) and not verdict.passed
        }

    def all_red(self) -> set[str]:
        """The claims that are false somewhere, but for those of freshness: tests seldom pull up to yesterday."""
        return {name for name, _ in self.evaluations if self.red(name)} - {"pull_is_recent", "bill_is_fresh"}

    def evaluation(self, claim: str, day: date | None, table: str = "claude_costs") -> dg.AssetCheckEvaluation:
        return self.evaluations[claim, table][day]

    def noted(self, asset: str, day: date | None) -> dict[str, Any]:
        """The metadata of `layer/table` on a day, whether it was materialized or left as it was."""
        key = dg.AssetKey(asset.split("/"))
        return {
            name: entry.value
            for of in self.asset_events
            if of.asset_key == key and of.partition in ([day.isoformat(), None] if day else [None])
            for name, entry in of.metadata.items()
        }

    def noted_anywhere(self, name: str) -> dict[str, str]:
        """Asset → what its last materialization that has this entry says in it."""
        return {
            of.asset_key.to_user_string(): str(of.metadata[name].value)
            for of in self.asset_events
            if name in of.metadata
        }

    @property
    def asset_events(self) -> list[dg.AssetMaterialization | dg.AssetObservation]:
        """What was materialized, and what was left as it was."""
        return [
            event.step_materialization_data.materialization
            if event.is_step_materialization
            else event.asset_observation_data.asset_observation
            for event in self.result.all_events
            if event.is_step_materialization or event.is_asset_observation
        ]

    @property
    def materialized(self) -> dict[str, set[date | None]]:
        """Asset → its days that were materialized."""
        found: dict[str, set[date | None]] = {}
        for event in self.result.get_asset_materialization_events():
            day = event.materialization.partition
            found.setdefault(event.materialization.asset_key.to_user_string(), set()).add(
                date.fromisoformat(day) if day else None
            )
        return found

    @property
    def not_built(self) -> dict[str, str]:
        """Asset → why its table was not built."""
        return {
            check.asset_key.to_user_string(): check.description or ""
            for check in self.result.get_asset_check_evaluations()
            if check.check_name == TABLE_WAS_BUILT and not check.passed
        }

    @property
    def failed(self) -> dict[str, str]:
        """Step → what its failure says, or why it did not build its table."""
        return {asset.replace("/", "__"): why for asset, why in self.not_built.items()} | {
            event.step_key or "": event.step_failure_data.user_failure_data.description or ""
            if event.step_failure_data.user_failure_data
            else event.step_failure_data.error_display_string
            for event in self.result.get_step_failure_events()
        }

    @property
    def succeeded(self) -> set[str]:
        return {event.step_key or "" for event in self.result.get_step_success_events()} - self.failed.keys()


@cache
def _graph() -> AssetGraph:
    """Everything there is. `dg.materialize` would make it anew for each run, which takes longer than a small run."""
    return AssetGraph.from_assets([*ASSETS, *CHECKS])


@dataclass
class Platform:
    """Where a test makes days happen. A run opens the warehouse's file once for all its steps, which takes half of its
    time from it; `opens_each_step` where it is the subject that a step lets others have the file.
    """

    warehouse: DuckDBWarehouse
    home: Path
    vendor: MockVendor = field(default_factory=MockVendor)
    opens_each_step: bool = False

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.ephemeral(tempdir=str(self.home))

    def run(
        self,
        said: Mapping[date, Sequence[str | Line]] | None = None,
        *,
        span: Span | None = None,
        only: dg.AssetSelection | None = None,
        claude_admin: Any = None,
    ) -> Outcome:
        """Refresh every day the vendor knows, in one run; a number is the cents of one line."""
        for day, lines in (said or {}).items():
            self.vendor.days[day] = [line if isinstance(line, Line) else Line(line) for line in lines]
        over = span or Span(min(self.vendor.days), max(self.vendor.days))
        outcome = self.materialize(only or OF_CLAUDE, over, claude_admin or self.vendor.admin())
        self.warehouse.publish()
        return outcome

    def check(self, claim: str, span: Span | None = None) -> Outcome:
        """One claim alone, wherever it is made; without a span it judges every day ever pulled."""
        return self.materialize(checks_of(claim), span, self.vendor.admin())

    def materialize(
        self,
        selection: dg.AssetSelection,
        span: Span | None,
        claude_admin: Any,
        cursor_admin: Any = None,
        sheet: Any = None,
        uploads: Uploads | None = None,
    ) -> Outcome:
        """What the jobs do, for any part of the graph."""
        resources = {
            "claude_admin": claude_admin,
            "cursor_admin": cursor_admin,
            "sheet": sheet,
            "uploads": uploads,
            "warehouse": self.warehouse,
        }
        job = dg.define_asset_job(EPHEMERAL_JOB_NAME, selection).resolve(
            asset_graph=_graph(),
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
        """What `make backfill` does, or one run of a part of the graph, with the vendors that these settings name; only
        the warehouse is this one.
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
        """Pulls of the sources that the settings configure, then the build. Between the runs nothing is published."""
        runs = Runs(of, defs.get_repository_def(), self.instance, self.warehouse, QUIET)
        with self.warehouse.connected():
            runs.refresh(span)
        self.warehouse.publish()
        return together(runs)

    def copy(self, folder: Path) -> "Platform":
        """The same past, to be harmed without harming it here."""
        shutil.copyfile(self.warehouse.path, folder / "ai_usage.duckdb")
        other = _platform_of(folder)
        other.warehouse.now = copy(self.warehouse.now)
        other.warehouse._is_prepared = self.warehouse._is_prepared
        other.vendor.days.update(self.vendor.days)
        return other

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """DuckDB's own SQL, to look and to harm."""
        with self.warehouse.connected() as db:
            return db.execute(text).fetchall()

    def dollars(self, table: str = "claude_total_expenses", amount: str = "cost_usd") -> dict[date, Decimal]:
        """A table's money by day: the mart's, unless another is named."""
        day = next(t.date_column for t in TABLES if t.name == table)
        return dict(self.sql(f"select {day}, sum({amount}) from ai_usage_analytics.{table} group by 1 order by 1"))

    def rejections(self) -> list[tuple[date | None, str, str]]:
        """Day, field and reason of each record that could not be used."""
        return self.sql("select activity_date, field, reason from ai_usage_analytics.record_rejections order by all")

    def cents(self, day: date, *, as_of: datetime | None = None) -> list[Decimal]:
        """The day's cost lines as the ledger has them, or had them."""
        said = self.warehouse.newest("claude_cost_report", Span(day, day), as_of=as_of)
        return [line.amount for line in said.decode(CostLine)]


def name_providers(warehouse: DuckDBWarehouse) -> None:
    """The tables that every build begins with, and that parts of the graph leave out."""
    with warehouse.connected():
        warehouse.replace_all(DIM_PROVIDER, provider_rows(PROVIDERS))
        warehouse.replace_all(DIM_PLATFORM, platform_rows(PROVIDERS))


def platform_in(folder: Path) -> Platform:
    """A platform whose files are in a folder, as the settings would name them; Dagster's are in one below."""
    platform = _platform_of(folder)
    name_providers(platform.warehouse)
    return platform


def _platform_of(folder: Path) -> Platform:
    at = Ticking(settings().now())
    warehouse = DuckDBWarehouse(
        folder / "ai_usage.duckdb", folder / "published.duckdb", TABLES, at, patience=60, functions=FUNCTIONS
    )
    return Platform(warehouse, folder / "dagster")


def checks_of(*claims: str) -> dg.AssetSelection:
    """These claims, wherever they are made."""
    return dg.AssetSelection.checks(*(key for check in CHECKS for key in check.check_keys if key.name in claims))


def whatever_makes(*assets: str) -> dg.AssetSelection:
    """These assets and all they are made of, without a check."""
    return dg.AssetSelection.assets(*assets).upstream().without_checks()


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def contents(database: Path) -> dict[str, dict[date | None, list[tuple[Any, ...]]]]:
    """Table → day → its rows, sorted, without the stamps: what two histories of the same days have in common. Not how
    fresh sources are.
    """
    with duckdb.connect(str(database), read_only=True) as db:
        there = {name for (name,) in db.execute("select table_name from information_schema.tables").fetchall()}
        there -= {"source_freshness", "builds"}
        return {t.name: _by_day(db, t) for t in TABLES if t.schema == "ai_usage_analytics" and t.name in there}


def _by_day(db: duckdb.DuckDBPyConnection, table: Table) -> dict[date | None, list[tuple[Any, ...]]]:
    day = table.date_column or "null"
    columns = ", ".join(name for name in table.columns if name not in STAMPS)
    found: dict[date | None, list[tuple[Any, ...]]] = {}
    for key, *row in db.execute(f"select {day}, {columns} from {table.address} order by all").fetchall():
        found.setdefault(key, []).append(tuple(row))
    return found
