"""Turns OpenAI's records into rows of core. Pure: records in, a frame out."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from ai_usage.money import NO_RATES, WIDE, Rates, nine_decimals, rounded_together
from ai_usage.providers.openai.line_items import line_item_of
from ai_usage.providers.openai.listed import Project
from ai_usage.providers.openai.records import USED, CodexClient, CodexUsage, CostResult
from ai_usage.providers.openai.tables import (
    CODEX_USAGE_STATS,
    MEASURES,
    OPENAI_COSTS,
    OPENAI_DAILY_COST,
    OPENAI_PROJECTS,
    OPENAI_USAGE,
    TOKENS,
)
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Readable, Records
from ai_usage.warehouse.table import ACCOUNT_STAMPS

DIMENSIONS = {  # column of `openai_usage` → the provider's field
    "project_id": "project_id",
    "user_id": "user_id",
    "api_key_id": "api_key_id",
    "model": "model",
    "is_batch": "batch",
    "service_tier": "service_tier",
    "image_size": "size",
    "image_source": "source",
    "context_level": "context_level",
    "vector_store_id": "vector_store_id",
}
CODEX_TOKENS = {
    "uncached_input_tokens": "uncached_text_input_tokens",
    "cached_input_tokens": "cached_text_input_tokens",
    "output_tokens": "text_output_tokens",
}


def billed(answer: Answer) -> Decimal | None:
    """The sum of an answer's results, each in its currency; None if any of them cannot be used."""
    lines = pl.DataFrame({"record": [record.decode() for record in answer.records]}, schema={"record": pl.String})
    stamps = dict.fromkeys(("account", "activity_date", "pull_id", "ingestion_timestamp"))
    records = Records("", pl.DataFrame(), lines.with_columns(**stamps))
    amounts = [result.value for result in records.read(_AnyCurrency).values]
    return None if records.rejections else nine_decimals(_sum(amounts))


class _AnyCurrency(CostResult, frozen=True):
    """A result of any currency: no rate is needed to compare two sums."""

    def unfit(self, day: date | None, rates: Rates) -> None:
        """Every result with a readable amount is fit."""


def cost_rows(records: Records, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `openai_costs`, one per record. Of each account and day the rounded amounts add up to the exact sum,
    rounded once.
    """
    read = records.read(CostResult, rates)
    results = read.values
    items = [line_item_of(result.line_item) for result in results]
    grouped_by = _grouped_by(records)
    return OPENAI_COSTS.frame(
        {
            "activity_date": read.days,
            **{
                name: [getattr(result, name) for result in results]
                for name in ("organization_id", "project_id", "api_key_id", "user_id", "line_item")
            },
            "model": [item.model for item in items],
            "meter": [item.meter for item in items],
            "service_tier": [item.service_tier for item in items],
            "amount_usd": _rounded_by_day(read, _dollars(read, rates)),
            "quantity": _numeric(result.quantity for result in results),
            "quantity_unit": [result.quantity_unit for result in results],
            "grouped_by": [grouped_by[pull_id] for pull_id in read.lines["pull_id"]],
            **read.stamps(),
        }
    )


def daily_cost_rows(records: Records, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `openai_daily_cost`, one per day that was pulled. A day with a result that cannot be used has none: a sum
    without it would be no total.
    """
    read = records.read(CostResult, rates)
    sums: dict[str, list[Decimal | None]] = {pull_id: [] for pull_id in records.versions["pull_id"]}
    for pull_id, amount in zip(read.lines["pull_id"], _dollars(read, rates), strict=True):
        sums[pull_id].append(amount)
    unusable = {rejection.pull_id for rejection in records.rejections}
    versions = records.versions.rename({"pulled_at": "ingestion_timestamp"})
    whole = versions.filter(~pl.col("pull_id").is_in(sorted(unusable)))
    of_days = [sums[pull_id] for pull_id in whole["pull_id"]]
    return OPENAI_DAILY_COST.frame(
        {
            "activity_date": whole["activity_date"],
            "amount_usd": [nine_decimals(_sum(amounts)) for amounts in of_days],
            "results": [len(amounts) for amounts in of_days],
            **{name: whole[name] for name in ACCOUNT_STAMPS},
        }
    )


def usage_rows(endpoint: str) -> Callable[[Records], pl.DataFrame]:
    """How the records of one endpoint become rows of `openai_usage`, one each. What its report does not have is null:
    unknown, not 0.
    """

    def shaped(records: Records) -> pl.DataFrame:
        read = records.read(USED[endpoint])
        used = read.values

        def each(field: str) -> list[Any]:
            return [getattr(one, field, None) for one in used]

        return OPENAI_USAGE.frame(
            {
                "activity_date": read.days,
                "endpoint": [endpoint] * len(used),
                **{column: each(field) for column, field in DIMENSIONS.items()},
                **{column: each(field) for column, (field, _) in MEASURES.items()},
                **{column: each(column) for column in TOKENS},
                **read.stamps(),
            }
        )

    return shaped


def project_rows(records: Records) -> pl.DataFrame:
    """Rows of `openai_projects`, one per record."""
    read = records.read(Project)
    projects = read.values
    return OPENAI_PROJECTS.frame(
        {
            "project_id": [project.id for project in projects],
            "project_name": [project.name for project in projects],
            "status": [project.status for project in projects],
            "created_at": [_instant(project.created_at) for project in projects],
            "archived_at": [_instant(project.archived_at) for project in projects],
            **read.stamps(),
        }
    )


def codex_rows(records: Records) -> pl.DataFrame:
    """Rows of `codex_usage_stats`, one per record. Tokens are those of all clients together, unknown as soon as those
    of one are, and where no client is listed.
    """
    read = records.read(CodexUsage)
    used = read.values
    totals = [one.totals for one in used]
    lines = [one.code_attribution for one in used]
    return CODEX_USAGE_STATS.frame(
        {
            "activity_date": read.days,
            "user_id": [one.id for one in used],
            "user_email": [address_of(one.email) for one in used],
            "thread_count": [of and of.threads for of in totals],
            "turn_count": [of and of.turns for of in totals],
            "credits": _numeric(of.credits if of else None for of in totals),
            **{column: [_of_clients(one.clients, field) for one in used] for column, field in CODEX_TOKENS.items()},
            "lines_added": [of and of.lines_added for of in lines],
            "lines_removed": [of and of.lines_removed for of in lines],
            **read.stamps(),
        }
    )


def _dollars(read: Readable[CostResult], rates: Rates) -> list[Decimal | None]:
    """Each result's dollars to the last digit, another currency at the rate of its day; None: nothing is billed."""
    values = [result.value for result in read.values]
    per_unit = [
        rates.usd_per_unit(result.currency, day) for result, day in zip(read.values, read.days.to_list(), strict=True)
    ]
    return [
        None if value is None or rate is None else WIDE.multiply(value, rate)
        for value, rate in zip(values, per_unit, strict=True)
    ]


def _rounded_by_day(read: Readable[Any], amounts: Sequence[Decimal | None]) -> list[Decimal | None]:
    """Amounts to nine decimals, those of each pull, which is an account's day, together."""
    places: dict[str, list[int]] = {}
    for place, pull_id in enumerate(read.lines["pull_id"]):
        places.setdefault(pull_id, []).append(place)
    rounded: list[Decimal | None] = [None] * len(amounts)
    for of_day in places.values():
        for place, amount in zip(of_day, rounded_together([amounts[place] for place in of_day]), strict=True):
            rounded[place] = amount
    return rounded


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    total = Decimal(0)
    for amount in amounts:
        total = total if amount is None else WIDE.add(total, amount)
    return total


def _grouped_by(records: Records) -> dict[str, str]:
    """The dimensions that each pull asked, with a comma; empty where none was."""
    asked = {pull_id: json.loads(text) for pull_id, text in records.versions.select("pull_id", "envelope").rows()}
    return {pull_id: ",".join(envelope.get("grouped_by", ())) for pull_id, envelope in asked.items()}


def _of_clients(clients: Sequence[CodexClient] | None, field: str) -> int | None:
    counts = [getattr(client, field) for client in clients or ()]
    return None if not counts or None in counts else sum(counts)


def _numeric(values: Iterable[Decimal | None]) -> list[Decimal | None]:
    return [None if value is None else nine_decimals(value) for value in values]


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
