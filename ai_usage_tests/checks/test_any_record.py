"""Any single record of a day is lost or doubled in raw: after a rebuild some check names the day and the amount. The
records are spread over a simulated day, for each report with costs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from ai_usage.check import DailyCheck, Finding, Result
from ai_usage.checks.registry import CHECKS
from ai_usage.marts.build_days import Gates, rebuild_days
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import tables
from ai_usage.providers.anthropic.assets import organization_of
from ai_usage.providers.anthropic.people import emails_of_users
from ai_usage.providers.anthropic.rows import analytics, usage_and_cost
from ai_usage.providers.cursor import rows as cursor_rows
from ai_usage.providers.cursor import tables as cursor_tables
from ai_usage.providers.openai import rows as openai_rows
from ai_usage.providers.openai import tables as openai_tables
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import settings
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import Table
from ai_usage_tests.parts import behind
from ai_usage_tests.platform import Platform, platform_in, whatever_makes

DAY = date(2026, 11, 11)
SPAN = Span(DAY, DAY)
OF_MONEY = {
    "ledger_is_whole",
    "grouped_lines_equal_console_figure",
    "grouped_costs_equal_total",
    "cost_report_equals_analytics",
    "allocation_loses_nothing",
    "expenses_equal_costs",
    "revisions_are_recorded",
}
SAMPLE = 3  # records of each report, including the first and the last
HARMS = {"lost": "delete from {table} where {it}", "doubled": "insert into {table} select * from {table} where {it}"}
PULLS = ("claude_cost_report", "claude_cost_totals", "claude_messages_usage", "claude_analytics_cost",
         "cursor_usage_events", "openai_costs", "openai_cost_totals")  # fmt: skip

EVALUATED = ("claude_cost_shares", "claude_attributed_costs", "claude_expenses", "api_usage_expenses",
          "claude_total_expenses", "claude_parity", "cursor_expenses", "openai_cost_shares",
          "openai_attributed_costs", "gemini_attributed_costs", "ai_spend")  # fmt: skip


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("any_record"))
    totals = ("core/openai_daily_cost", "core/gemini_daily_cost")
    only = whatever_makes(*(f"marts/{mart}" for mart in EVALUATED), *totals)
    outcome = platform.refresh(replace(settings(), simulate=True), SPAN, only=only)
    assert outcome.result.success
    assert reasons(platform) == ""
    return platform


@pytest.mark.parametrize("how", HARMS)
@pytest.mark.parametrize("pull", PULLS)
def test_the_day_and_the_amount_are_named(past: Platform, tmp_path: Path, pull: str, how: str) -> None:
    positions = [position for (position,) in past.sql(records(pull, "position"))]
    [(pulled,)] = past.sql(f"select count(*) from ai_usage_raw.{pull} where activity_date = '{DAY}'")
    chosen = sorted({positions[n * (len(positions) - 1) // max(SAMPLE - 1, 1)] for n in range(SAMPLE)})
    for position in chosen:
        folder = tmp_path / str(position)
        folder.mkdir()
        harmed = past.copy(folder)
        [(record,)] = past.sql(f"{records(pull, 'record')} limit 1 offset {positions.index(position)}")
        it = f"activity_date = '{DAY}' and position = {position}"
        harmed.sql(HARMS[how].format(table=f"ai_usage_raw.{pull}", it=it))
        rebuild(harmed, pull)
        reported = reasons(harmed)
        there = pulled + (1 if how == "doubled" else -1)
        assert f"raw/{pull} holds {there} of the {pulled} records that were pulled" in reported
        if usd := amount(pull, msgspec.json.decode(record)):
            assert f"{usd:,f}".rstrip("0") in reported, (record, reported)


def records(pull: str, column: str) -> str:
    charged = {
        "cursor_usage_events": "and cast(json_extract(record, '$.isChargeable') as boolean)",
        "openai_costs": "and cast(json_extract_string(record, '$.amount.value') as decimal(38, 9)) != 0",
    }.get(pull, "")
    return f"select {column} from ai_usage_raw.{pull} where activity_date = '{DAY}' {charged} order by position"


def amount(pull: str, record: Mapping[str, Any]) -> Decimal | None:
    """The record's cost in USD; None if it has only tokens."""
    if pull == "claude_messages_usage":
        return None
    if pull.startswith("openai_"):
        return Decimal(str(record["amount"]["value"])).quantize(Decimal("0.000000001"))
    cents = record["chargedCents"] if "chargedCents" in record else record.get("cost", record)["amount"]
    return (Decimal(str(cents)) / 100).quantize(Decimal("0.000000001"))


def rebuild(platform: Platform, pull: str) -> None:
    """Builds the core and mart tables of the day that read this pull, from raw as it is."""
    warehouse = platform.warehouse
    with warehouse.connected():
        organization, emails = organization_of(warehouse, "default"), emails_of_users(warehouse)
        assert organization is not None
        cores: dict[str, tuple[Table, Callable[[Records], pl.DataFrame]]] = {
            "claude_cost_report": (
                tables.CLAUDE_COSTS,
                lambda pulled: usage_and_cost.cost_rows(pulled, organization),
            ),
            "claude_cost_totals": (
                tables.CLAUDE_DAILY_COST,
                lambda pulled: usage_and_cost.daily_cost_rows(pulled, organization),
            ),
            "claude_messages_usage": (
                tables.CLAUDE_USAGE_TOKENS,
                lambda pulled: usage_and_cost.usage_rows(pulled, organization),
            ),
            "claude_analytics_cost": (
                tables.CLAUDE_ANALYTICS_COSTS,
                lambda pulled: analytics.analytics_cost_rows(pulled, organization, emails),
            ),
            "cursor_usage_events": (cursor_tables.CURSOR_USAGE_EVENTS, cursor_rows.event_rows),
            "openai_costs": (openai_tables.OPENAI_COSTS, openai_rows.cost_rows),
            "openai_cost_totals": (openai_tables.OPENAI_DAILY_COST, openai_rows.daily_cost_rows),
        }
        table, shape = cores[pull]
        warehouse.replace_days(table, [DAY], shape(warehouse.newest(pull, SPAN)))
        gates = Gates(warehouse)
        asked = [of for of in PROVIDERS if any(key.path[-1] == pull for asset in of.assets for key in asset.keys)]
        for mart in marts():
            if mart.table.name in EVALUATED and f"raw/{pull}" in behind(f"marts/{mart.table.name}"):
                its_rows = replace(mart, each=tuple(of for of in mart.each if of in asked))
                rebuild_days(warehouse, its_rows, SPAN, gates)


def results(platform: Platform) -> Iterator[Mapping[date, Finding]]:
    """The results of the daily checks of costs."""
    with platform.warehouse.connected():
        for check in CHECKS:
            if isinstance(check, DailyCheck) and check.name in OF_MONEY:
                yield check.evaluate(platform.warehouse, SPAN)


def reasons(platform: Platform) -> str:
    """All failures of the day, as text."""
    wrong = (found[DAY] for found in results(platform) if DAY in found)
    return "\n".join(result.why for result in wrong if isinstance(result, Result) and not result.passed)
