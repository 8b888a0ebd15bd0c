"""All definitions together: assets, checks, jobs, schedules, sensors and their resources."""

import gc
from collections.abc import Mapping
from functools import partial
from typing import Any

import dagster as dg

from ai_usage import USUAL
from ai_usage.accounts import refuse_unknown_providers
from ai_usage.alerts.resource import alerts_of
from ai_usage.automation import alerts as alerts_automation
from ai_usage.automation import build_requests, cadence, refresh, runs
from ai_usage.automation import sheet as sheet_automation
from ai_usage.automation.teardown import in_process
from ai_usage.automation.warehouse_resource import WarehouseResource, published_for_a_tick
from ai_usage.checks import registry as checks
from ai_usage.checks.runner import dagster_checks
from ai_usage.core import assets as core
from ai_usage.core.closing import LEDGER
from ai_usage.core.public_holidays import public_holidays
from ai_usage.core.thresholds import read_overrides
from ai_usage.dashboards import assets as dashboards
from ai_usage.marts import assets as marts
from ai_usage.providers.registry import BY_KEY, PROVIDERS
from ai_usage.resources import from_settings, nothing_kept
from ai_usage.settings import Settings, refuse_a_pretended_clock, settings
from ai_usage.sheet import pulls as sheet_pulls
from ai_usage.simulated import clients, sheet, simulated_providers
from ai_usage.warehouse.data_origin import shows_simulated_data

ASSETS = [
    *(asset for provider in PROVIDERS for asset in provider.assets),
    *sheet_pulls.ASSETS,
    *core.ASSETS,
    *marts.ASSETS,
    *dashboards.ASSETS,
]
CHECKS = [*checks.CHECKS]


def build_defs(
    of: Settings,
    overrides: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """All definitions. `overrides` puts other resources in, by key: tests hand in stand-ins."""

    def repository() -> dg.RepositoryDefinition:
        return found.get_repository_def()

    refuse_unknown_providers(of, BY_KEY)
    read_overrides(of.thresholds)  # a file that cannot be used is reported at once
    public_holidays(of.holidays, of.start_date.year, of.start_date.year)  # and so is an unknown country
    are_simulated = shows_simulated_data(of)

    def shown(spec: dg.AssetSpec) -> dg.AssetSpec:
        spec = cadence.with_freshness(_in_bigquery(spec) if of.is_bigquery else spec)
        return _marked_as_simulated(spec) if are_simulated else spec

    look_at_freshness = refresh.freshness(CHECKS)
    found = dg.Definitions(
        assets=list(dg.map_asset_specs(shown, [*ASSETS, *marts.VIEWS, LEDGER])),
        asset_checks=dagster_checks(CHECKS),
        jobs=[
            *(*refresh.JOBS, *runs.jobs(repository)),
            *(build_requests.rebuild_days, sheet_automation.refresh_sheet, look_at_freshness),
        ],
        schedules=[refresh.four_times_a_day(look_at_freshness)],
        sensors=[
            *(*refresh.SENSORS, build_requests.rebuild_what_changed),
            *(sheet_automation.sheet_changed, *alerts_automation.SENSORS),
        ],
        resources=_resources(of) | dict(overrides or {}),
        executor=in_process,
        loggers=loggers,
    )
    return found


def _resources(of: Settings) -> dict[str, Any]:
    """What runs and sensors work with. None of it takes config: a launch sets neither where a client connects nor which
    secret it uses.
    """
    built_in = "simulated_providers"
    return {
        "warehouse": WarehouseResource(),
        "published": from_settings(lambda: published_for_a_tick(settings())),
        built_in: from_settings(partial(simulated_providers, of)),
        **{each.source.resource: from_settings(partial(clients, each, of), built_in) for each in PROVIDERS},
        **{key: from_settings(partial(made, of)) for each in PROVIDERS for key, made in each.other_resources.items()},
        "sheet": from_settings(partial(sheet, of), built_in),
        "alerts": from_settings(partial(alerts_of, of)),
        "io_manager": nothing_kept,
    }


def _in_bigquery(spec: dg.AssetSpec) -> dg.AssetSpec:
    is_table = "duckdb" in spec.kinds
    return spec.replace_attributes(kinds={*spec.kinds, "bigquery"} - {"duckdb"}) if is_table else spec


def _marked_as_simulated(spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec.replace_attributes(
        description=f"{spec.description}\n\nIt holds SIMULATED DATA of the built-in providers.",
        tags={**spec.tags, "data": "simulated"},
    )


defs = build_defs(refuse_a_pretended_clock(settings()))

gc.freeze()  # these objects live as long as the process
gc.set_threshold(*USUAL)  # answers' pages are freed soon
