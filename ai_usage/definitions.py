"""Where everything meets: assets, checks, jobs, schedules, sensors and the resources they run with."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from typing import Any

import dagster as dg

from ai_usage import USUAL, simulator
from ai_usage.alerts.resource import alerts_of
from ai_usage.automation import alerts as alerts_automation
from ai_usage.automation import build_requests, cadence, refresh, runs
from ai_usage.automation import sheet as sheet_automation
from ai_usage.automation.teardown import in_process
from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.checks import registry as checks
from ai_usage.checks.result_table import keep_verdicts
from ai_usage.checks.runner import dagster_check
from ai_usage.core import keys as core_keys
from ai_usage.core import people as core_people
from ai_usage.core import providers as core_providers
from ai_usage.core import revisions as core_revisions
from ai_usage.core import sheets as core_sheets
from ai_usage.dashboards import assets as dashboards
from ai_usage.ingest.http import Patience
from ai_usage.marts import assets as marts
from ai_usage.providers.anthropic.audit_log.folder import Uploads
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.resource import claude_admin_of
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.providers.cursor.resource import cursor_admin_of
from ai_usage.providers.registry import PROVIDERS
from ai_usage.resources import from_settings, nothing_kept
from ai_usage.settings import Settings, refuse_a_pretended_clock, settings
from ai_usage.sheet import pulls as sheet_pulls
from ai_usage.sheet.client import GoogleSheet, Sheet
from ai_usage.sheet.resource import sheet_of
from ai_usage.warehouse.building import between_builds, building
from ai_usage.warehouse.duckdb import DuckDBWarehouse, shows_simulated_data, unreadable
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

ASSETS = [
    *(asset for provider in PROVIDERS for asset in provider.assets),
    *core_providers.ASSETS,
    *(asset for of in (sheet_pulls, core_revisions, core_sheets, core_keys, core_people) for asset in of.ASSETS),
    *marts.ASSETS,
    *dashboards.ASSETS,
]
CHECKS = [dagster_check(check) for check in checks.CHECKS]


def duckdb_warehouse(of: Settings, *, is_read_only: bool = False) -> DuckDBWarehouse:
    """The embedded warehouse that the settings name."""
    return DuckDBWarehouse(
        of.database,
        of.published_database,
        TABLES,
        of.now,
        functions=FUNCTIONS,
        is_read_only=is_read_only,
        published_mode=of.published_mode,
    )


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """Hands a run its warehouse. At the run's end, even if it failed, its check results are kept and what it wrote is
    published.
    """

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:
        of = settings()
        warehouse = duckdb_warehouse(of)
        is_build = context.run is None or context.run.job_name not in refresh.JOBS_WITHOUT_BUILD
        with building(of.data_dir) if is_build else nullcontext():
            try:
                yield warehouse
            finally:
                try:
                    if context.instance and context.run:
                        keep_verdicts(warehouse, context.instance, context.run.run_id, is_over=True)
                finally:
                    with nullcontext() if is_build else between_builds(of.data_dir):
                        warehouse.publish()


def published(of: Settings) -> Warehouse | None:
    """The copy of the warehouse that runs leave to readers, for questions to its ledger. One that cannot be read counts
    as none: what is due then is pulled, and the run publishes it again.
    """
    copy = of.published_database
    if not copy.exists() or unreadable(copy):
        return None
    return DuckDBWarehouse(copy, copy, [PULLS], of.now, is_read_only=True)


@contextmanager
def simulated_claude_admin(of: Settings, patience: Patience | None = None) -> Iterator[ClaudeAdmin]:
    """The built-in vendor on loopback, for as long as it is needed, and a client for it."""
    with simulator.Simulator(now=of.now) as vendors:
        admin = ClaudeAdmin.open(
            base_url=vendors.anthropic_url,
            admin_key=simulator.ADMIN_KEY,
            analytics_key=simulator.ANALYTICS_KEY,
            analytics_requests_a_minute=None,
            is_simulated=True,
            patience=patience,
            now=of.now,
        )
        with closing(admin):
            yield admin


@contextmanager
def simulated_cursor_admin(of: Settings, patience: Patience | None = None) -> Iterator[CursorAdmin]:
    """The built-in Cursor on loopback, which needs no pace, and a client for it."""
    with simulator.Simulator(now=of.now) as vendors:
        admin = CursorAdmin.open(
            base_url=vendors.cursor_url,
            key=simulator.CURSOR_KEY,
            now=of.now,
            pace=lambda _: None,
            is_simulated=True,
            patience=patience,
        )
        with closing(admin):
            yield admin


@contextmanager
def simulated_sheet(of: Settings) -> Iterator[Sheet]:
    """The built-in spreadsheet on loopback, and a client for it."""
    with simulator.Simulator(now=of.now) as vendors:
        sheet = GoogleSheet.open(simulator.SHEET_ID, base_url=vendors.google_url, is_simulated=True)
        with closing(sheet):
            yield sheet


def uploads(of: Settings) -> Uploads | None:
    """The folder of uploads; none where the built-in vendors answer, whose figures no real one may join."""
    return None if of.simulate else Uploads(of.uploads_dir, of.now)


def build_defs(
    of: Settings,
    overrides: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """All definitions. `overrides` puts other resources in, by key: tests hand in a mock vendor."""

    def repository() -> dg.RepositoryDefinition:
        return found.get_repository_def()

    assets = list(dg.map_asset_specs(cadence.with_freshness, ASSETS))
    look_at_freshness = refresh.freshness(CHECKS)
    found = dg.Definitions(
        assets=list(dg.map_asset_specs(_marked_as_simulated, assets)) if shows_simulated_data(of) else assets,
        asset_checks=CHECKS,
        jobs=[
            *(*refresh.JOBS, *runs.jobs(repository)),
            *(build_requests.rebuild_days, sheet_automation.refresh_sheet, look_at_freshness),
        ],
        schedules=[refresh.four_times_a_day(look_at_freshness)],
        sensors=[
            *(*refresh.SENSORS, build_requests.rebuild_what_changed),
            *(sheet_automation.sheet_changed, *alerts_automation.SENSORS),
        ],
        resources={
            **_resources(of),
            **(overrides or {}),
        },
        executor=in_process,
        loggers=loggers,
    )
    return found


def _resources(of: Settings) -> dict[str, Any]:
    """What runs and sensors work with. None of it takes config: a launch says neither where a client connects nor which
    secret it uses.
    """
    is_sheet_simulated = of.simulate and not of.sheet_id  # the built-in one only where none is named
    return {
        "warehouse": WarehouseResource(),
        "published": from_settings(lambda: published(settings())),
        "claude_admin": from_settings(partial(simulated_claude_admin if of.simulate else claude_admin_of, of)),
        "cursor_admin": from_settings(partial(simulated_cursor_admin if of.simulate else cursor_admin_of, of)),
        "sheet": from_settings(partial(simulated_sheet if is_sheet_simulated else sheet_of, of)),
        "uploads": from_settings(partial(uploads, of)),
        "alerts": from_settings(partial(alerts_of, of)),
        "io_manager": nothing_kept,
    }


def _marked_as_simulated(spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec.replace_attributes(
        description=f"SIMULATED DATA of the built-in vendors.\n\n{spec.description}",
        tags={**spec.tags, "data": "simulated"},
    )


defs = build_defs(refuse_a_pretended_clock(settings()))

gc.freeze()  # what is there now lives as long as the process
gc.set_threshold(*USUAL)  # pages of answers are let go of soon
