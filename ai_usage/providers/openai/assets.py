"""OpenAI's typed facts: raw records of the run's days become rows that replace core's rows of these days.

`rows` turns a record into a row.
"""

import dagster as dg

from ai_usage.ingest.day_replacement import GROUP, KINDS, rebuild, rebuild_of_pulls
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import daily_asset, note, snapshot_asset
from ai_usage.money import read_rates
from ai_usage.providers.openai import pulls, rows, tables
from ai_usage.settings import settings

COSTS, COST_TOTALS = (dg.AssetKey(["raw", pull]) for pull in ("openai_costs", "openai_cost_totals"))


@daily_asset("core", tables.OPENAI_COSTS, group=GROUP, kinds=KINDS, deps=[COSTS])
def openai_costs(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Cost lines of the OpenAI API, in USD."""
    rates = read_rates(settings().currency_rates)
    rebuild(
        context,
        warehouse,
        tables.OPENAI_COSTS,
        pull="openai_costs",
        shape=lambda records: rows.cost_rows(records, rates),
    )


@daily_asset("core", tables.OPENAI_DAILY_COST, group=GROUP, kinds=KINDS, deps=[COST_TOTALS])
def openai_daily_cost(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """OpenAI's total of each day. The cost lines must add up to it."""
    rates = read_rates(settings().currency_rates)
    rebuild(
        context,
        warehouse,
        tables.OPENAI_DAILY_COST,
        pull="openai_cost_totals",
        shape=lambda records: rows.daily_cost_rows(records, rates),
    )


@daily_asset("core", tables.OPENAI_USAGE, group=GROUP, kinds=KINDS, deps=pulls.USAGE_ASSETS)
def openai_usage(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Use of all endpoints of the OpenAI API: tokens, images, seconds and calls, with Codex over an API key."""
    shapes = {pull: rows.usage_rows(endpoint) for endpoint, pull in tables.USAGE_PULLS.items()}
    rebuild_of_pulls(context, warehouse, tables.OPENAI_USAGE, shapes)


@daily_asset("core", tables.CODEX_USAGE_STATS, group=GROUP, kinds=KINDS, deps=[pulls.openai_codex_usage])
def codex_usage_stats(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Use of Codex in ChatGPT seats by person, in credits of the plan. Credits are no money. API use is not in it."""
    rebuild(context, warehouse, tables.CODEX_USAGE_STATS, pull="openai_codex_usage", shape=rows.codex_rows)


@snapshot_asset("core", tables.OPENAI_PROJECTS, group=GROUP, kinds=KINDS, deps=[pulls.openai_projects])
def openai_projects(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """OpenAI projects by id, with archived ones, so that old costs keep their project's name."""
    with warehouse.connected():
        newest = warehouse.newest("openai_projects", None)
        if newest.versions.is_empty():
            return note(context, "core/openai_projects", None, skipped="raw/openai_projects was never pulled")
        projects = rows.project_rows(newest)
        warehouse.replace_all(tables.OPENAI_PROJECTS, projects)
        keep_rejections(warehouse, newest)
    return note(context, "core/openai_projects", None, **{"dagster/row_count": projects.height})


ASSETS = [openai_costs, openai_daily_cost, openai_usage, codex_usage_stats, openai_projects]
