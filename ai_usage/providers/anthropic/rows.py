"""What Claude's records become: rows of core. Pure: records in, a frame out; where it goes is core's business.

A record that cannot be used has no row: `Records.rejections` then names it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec
import polars as pl

from ai_usage.money import NO_RATES, USD, Rates, currency_name, usd, usd_of_each
from ai_usage.providers.anthropic import records as said
from ai_usage.providers.anthropic.speeds import speed_of
from ai_usage.providers.anthropic.tables import (
    ACTOR,
    CLAUDE_ANALYTICS_COSTS,
    CLAUDE_CODE_MODEL_USAGE,
    CLAUDE_CODE_USAGE_STATS,
    CLAUDE_COSTS,
    CLAUDE_DAILY_COST,
    CLAUDE_DAILY_TOKENS,
    CLAUDE_USAGE_TOKENS,
    CLAUDE_USAGE_TOKENS_BY_SPEED,
    DIM_WORKSPACE,
    MEASURES,
    TOOLS,
)
from ai_usage.warehouse.ledger import Answer, Readable, Records
from ai_usage.warehouse.reading import Cents, Refused, address_of, mended
from ai_usage.warehouse.table import ACCOUNT_STAMPS

TOKEN_KINDS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache_read",
    "cache_creation_tokens": "cache_creation",
}
DEFAULT_WORKSPACE = "Default"  # its name in the Console; the legacy reports give it as null


@dataclass(frozen=True)
class Organization:
    """The organization that sent the records, and what its workspaces are called; null is the default one."""

    id: str
    workspace_names: Mapping[str | None, str]


NO_ORGANIZATION = Organization("", {})  # where no answer names it


def organization(organizations: Records, workspaces: Records) -> Organization | None:
    """The newest organization that can be read; None before the first."""
    found = organizations.read(said.Organization).values
    if not found:
        return None
    spaces = workspaces.read(said.Workspace).values
    names: dict[str | None, str] = {w.id: w.name or w.id for w in spaces}
    return Organization(found[-1].id, {**names, None: DEFAULT_WORKSPACE})


def billed_cents(answer: Answer) -> Decimal | None:
    """What an answer's cost lines come to; None if any of them cannot be used."""
    lines = pl.DataFrame({"record": [record.decode() for record in answer.records]}, schema={"record": pl.String})
    records = Records(
        "", pl.DataFrame(), lines.with_columns(account=None, activity_date=None, pull_id=None, ingestion_timestamp=None)
    )
    cents = [line.amount for line in records.read(_Amount).values]
    return None if records.rejections else sum(cents, Decimal(0))


class _Amount(msgspec.Struct):
    amount: Cents


def cost_rows(records: Records, of: Organization, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `claude_costs`, one per record."""
    read = records.read(said.CostLine, rates)
    lines = read.values
    spaces = [line.workspace_id or None for line in lines]
    descriptions = [line.description for line in lines]
    kinds = [line.token_type for line in lines]
    return CLAUDE_COSTS.frame(
        {
            "activity_date": read.days,
            "organization_id": always(of.id, len(lines)),
            "workspace_id": spaces,
            "workspace_name": list(map(of.workspace_names.get, spaces)),
            "model": [line.model for line in lines],
            "token_type": kinds,
            "cost_type": [line.cost_type for line in lines],
            **_money(read, lines, rates),
            "description": descriptions,
            "service_tier": [line.service_tier for line in lines],
            "context_window": [line.context_window for line in lines],
            "inference_geo": [line.inference_geo for line in lines],
            "speed": _speeds(descriptions, kinds),
            **read.stamps(),
        }
    )


def _speeds(descriptions: Sequence[Any], token_types: Sequence[Any]) -> Sequence[object] | pl.Series:
    """The speed of each line of tokens."""
    speeds = {description: speed_of(description) for description in set(descriptions)}
    if len(kinds := set(speeds.values())) == 1 and all(token_types):
        return always(kinds.pop(), len(descriptions))
    return [speeds[of] if token_type else None for of, token_type in zip(descriptions, token_types, strict=True)]


def daily_cost_rows(records: Records, of: Organization, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `claude_daily_cost`, one per record: ungrouped, that is one a day."""
    read = records.read(said.CostLine, rates)
    return CLAUDE_DAILY_COST.frame(
        {
            "activity_date": read.days,
            "organization_id": [of.id] * len(read.values),
            **_money(read, read.values, rates),
            **read.stamps(),
        }
    )


def _money(
    read: Readable[Any], costs: Sequence[said.CostLine | said.AnalyticsMoney], rates: Rates
) -> dict[str, Sequence[object] | pl.Series]:
    """The columns of what was billed. An amount in another currency is kept beside its dollars."""
    amounts, currencies = [cost.amount for cost in costs], [cost.currency for cost in costs]
    names = {currency: currency_name(currency) for currency in set(currencies)}
    in_usd = _usd(amounts, currencies, read.days, rates)
    if not set(names.values()) - {USD}:
        return {
            "amount_usd": in_usd,
            "currency": always(USD, len(costs)),
            "billed_amount": always(None, len(costs), pl.Decimal(38, 9)),
        }
    return {
        "amount_usd": in_usd,
        "currency": [names[currency] for currency in currencies],
        "billed_amount": [None if names[c] == USD else usd(cents=a) for a, c in zip(amounts, currencies, strict=True)],
    }


def always(value: object, rows: int, dtype: Any = pl.String) -> pl.Series:
    """A column of one value: made of a list it takes as long as one of many."""
    return pl.Series([value], dtype=dtype).new_from_index(0, rows)


def usage_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_usage_tokens`, one per record."""
    read = records.read(said.UsageLine)
    lines = read.values
    return CLAUDE_USAGE_TOKENS.frame(
        {
            "activity_date": read.days,
            "organization_id": [of.id] * len(lines),
            "api_key_id": [line.api_key_id for line in lines],
            "workspace_id": [line.workspace_id for line in lines],
            "model": [line.model for line in lines],
            "service_tier": [line.service_tier for line in lines],
            "context_window": [line.context_window for line in lines],
            "inference_geo": [line.inference_geo for line in lines],
            **_measures(lines),
            **read.stamps(),
        }
    )


def usage_by_speed_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_usage_tokens_by_speed`, one per record."""
    read = records.read(said.UsageLine)
    lines = read.values
    return CLAUDE_USAGE_TOKENS_BY_SPEED.frame(
        {
            "activity_date": read.days,
            "organization_id": [of.id] * len(lines),
            "api_key_id": [line.api_key_id for line in lines],
            "workspace_id": [line.workspace_id for line in lines],
            "model": [line.model for line in lines],
            "inference_geo": [line.inference_geo for line in lines],
            "speed": [line.speed for line in lines],
            **_measures(lines),
            **read.stamps(),
        }
    )


def _measures(lines: Sequence[said.UsageLine]) -> dict[str, list[int]]:
    cached = [line.cache_creation or said.NO_CACHE for line in lines]
    tools = [line.server_tool_use or said.NO_TOOLS for line in lines]
    return {
        "uncached_input_tokens": [line.uncached_input_tokens for line in lines],
        "output_tokens": [line.output_tokens for line in lines],
        "cache_read_input_tokens": [line.cache_read_input_tokens for line in lines],
        "cache_creation_5m_tokens": [cache.ephemeral_5m_input_tokens for cache in cached],
        "cache_creation_1h_tokens": [cache.ephemeral_1h_input_tokens for cache in cached],
        "web_search_requests": [tool.web_search_requests for tool in tools],
    }


def daily_token_rows(records: Records, of: Organization) -> pl.DataFrame:
    """Rows of `claude_daily_tokens`: the day's rows of `claude_usage_tokens` added up."""
    keys = ["activity_date", "organization_id", *ACCOUNT_STAMPS]
    summed = usage_rows(records, of).group_by(keys).agg(pl.col(*MEASURES).sum()).sort("activity_date")
    return summed.select(list(CLAUDE_DAILY_TOKENS.columns))


def code_rows(records: Records, of: Organization, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `claude_code_usage_stats`, one per record."""
    read = records.read(said.CodeRecord, rates)
    got = read.values
    core = [record.core_metrics for record in got]
    lines = _each(core, "lines_of_code")
    tools = [record.tool_actions for record in got]
    verdicts = {tool: _each(tools, tool) for tool in TOOLS}
    models = [record.model_breakdown for record in got]
    places = [n for n, used in enumerate(models) for _ in used]
    estimates = iter(_estimates(read, [model for used in models for model in used], places, rates))
    return CLAUDE_CODE_USAGE_STATS.frame(
        {
            **_actor(read, of),
            "num_sessions": _each(core, "num_sessions"),
            "lines_added": _each(lines, "added"),
            "lines_removed": _each(lines, "removed"),
            "commits_by_claude_code": _each(core, "commits_by_claude_code"),
            "pull_requests_by_claude_code": _each(core, "pull_requests_by_claude_code"),
            **{
                f"{tool}_{verdict}": _each(verdicts[tool], verdict)
                for tool in TOOLS
                for verdict in ("accepted", "rejected")
            },
            "model": [_most_expensive(used) for used in models],
            "estimated_cost_usd": [sum((next(estimates) for _ in used), Decimal(0)) for used in models],
            **{
                column: [_sum(_each(_each(used, "tokens"), kind)) for used in models]
                for column, kind in TOKEN_KINDS.items()
            },
            **read.stamps(),
        }
    )


def code_model_rows(records: Records, of: Organization, rates: Rates = NO_RATES) -> pl.DataFrame:
    """Rows of `claude_code_model_usage`, one per model of each record."""
    read = records.read(said.CodeRecord, rates)
    places = [n for n, record in enumerate(read.values) for _ in record.model_breakdown]
    models = [model for record in read.values for model in record.model_breakdown]
    tokens = _each(models, "tokens")
    actor = {
        name: pl.Series(values, dtype=ACTOR[name].type.polars).gather(places)
        for name, values in _actor(read, of).items()
    }
    return CLAUDE_CODE_MODEL_USAGE.frame(
        {
            **actor,
            "model": [m.model for m in models],
            "estimated_cost_usd": _estimates(read, models, places, rates),
            **{column: _each(tokens, kind) for column, kind in TOKEN_KINDS.items()},
            **{name: stamp.gather(places) for name, stamp in read.stamps().items()},
        }
    )


def _estimates(
    read: Readable[said.CodeRecord], models: Sequence[said.CodeModel], places: list[int], rates: Rates
) -> list[Decimal]:
    costs = [model.estimated_cost for model in models]
    days = read.days.gather(places)
    return _usd([cost.amount for cost in costs], [cost.currency for cost in costs], days, rates)


def analytics_cost_rows(
    records: Records, of: Organization, emails: Mapping[str, str], rates: Rates = NO_RATES
) -> pl.DataFrame:
    """Rows of `claude_analytics_costs`, one per record. `emails` has the organisation's users' addresses by id."""
    read = records.read(said.AnalyticsCost, rates)
    groups, costs = [row.group for row in read.values], [row.cost for row in read.values]
    listed = [cost.amount if cost.list_amount is None else cost.list_amount for cost in costs]
    list_usd = _usd(listed, [cost.currency for cost in costs], read.days, rates)
    refreshed = _refreshed(records)
    return CLAUDE_ANALYTICS_COSTS.frame(
        {
            "activity_date": read.days,
            "organization_id": [group.organization_id or of.id for group in groups],
            "product": [group.product for group in groups],
            "workspace_id": [group.workspace_id for group in groups],
            "api_key_id": [group.api_key_id for group in groups],
            "actor_type": [group.actor and group.actor.type for group in groups],
            "actor_id": [group.actor and group.actor.id for group in groups],
            "user_email": [_email_of(group.actor, emails) for group in groups],
            "model": [group.model for group in groups],
            "cost_type": [group.cost_type for group in groups],
            "token_type": [group.token_type for group in groups],
            **_money(read, costs, rates),
            "list_usd": [
                None if cost.list_amount is None else dollars for cost, dollars in zip(costs, list_usd, strict=True)
            ],
            "data_refreshed_at": [refreshed[pull_id] for pull_id in read.lines["pull_id"]],
            **read.stamps(),
        }
    )


def _refreshed(records: Records) -> dict[str, datetime | None]:
    """Up to when the vendor had counted, by pull; None where it does not say."""
    return {
        pull_id: _refreshed_at(envelope) for pull_id, envelope in records.versions.select("pull_id", "envelope").rows()
    }


def _refreshed_at(envelope: str) -> datetime | None:
    try:
        at = mended(envelope, said.AnalyticsEnvelope)[0].data_refreshed_at
    except Refused:
        return None
    return at and at.astimezone(UTC)


def _email_of(actor: said.AnalyticsActor | None, emails: Mapping[str, str]) -> str | None:
    if actor is None or actor.type != "user_actor":
        return None
    return address_of(actor.email_address or actor.email) or emails.get(actor.user_id or "")


def workspace_rows(records: Records) -> pl.DataFrame:
    """Rows of `dim_workspace` of one account; its default workspace has one even if the provider does not list it."""
    got = records.read(said.Workspace).values
    stamps = records.versions.row(0, named=True)
    default_ids = json.loads(stamps["envelope"]).get("default_workspace_ids", [])
    unlisted = not any(w.id in default_ids for w in got)
    return DIM_WORKSPACE.frame(
        {
            "workspace_id": [w.id for w in got] + [None] * unlisted,
            "workspace_name": [w.name or w.id for w in got] + [DEFAULT_WORKSPACE] * unlisted,
            "is_default": [w.id in default_ids for w in got] + [True] * unlisted,
            "created_at": [w.created_at for w in got] + [None] * unlisted,
            "archived_at": [w.archived_at for w in got] + [None] * unlisted,
            "account": [stamps["account"]] * (len(got) + unlisted),
            "pull_id": [stamps["pull_id"]] * (len(got) + unlisted),
            "ingestion_timestamp": [stamps["pulled_at"]] * (len(got) + unlisted),
        }
    )


def _actor(read: Readable[said.CodeRecord], of: Organization) -> dict[str, Sequence[object] | pl.Series]:
    got = read.values
    return {
        "activity_date": read.days,
        "organization_id": [r.organization_id or of.id for r in got],
        "actor_type": [r.actor.type for r in got],
        "user_email": [address_of(r.actor.email_address) for r in got],
        "api_key_name": [r.actor.api_key_name for r in got],
        "terminal_type": [r.terminal_type for r in got],
        "is_remote": [r.is_remote for r in got],
        "customer_type": [r.customer_type for r in got],
        "subscription_type": [r.subscription_type for r in got],
    }


def _each(blocks: Iterable[object], name: str) -> list[Any]:
    """A figure of each block; of an unknown block it is unknown."""
    get = attrgetter(name)
    return [None if block is None else get(block) for block in blocks]


def _sum(counts: Sequence[int | None]) -> int | None:
    """None as soon as one of the counts is unknown."""
    return None if None in counts else sum(count or 0 for count in counts)


def _most_expensive(used: Sequence[said.CodeModel]) -> str | None:
    return max(used, key=lambda m: m.estimated_cost.amount).model if used else None


def _usd(cents: Sequence[Decimal], currencies: Sequence[str], days: pl.Series, rates: Rates) -> list[Decimal]:
    if set(currencies) <= {USD}:
        return usd_of_each(cents)
    each = zip(cents, currencies, days.to_list(), strict=True)
    return [rates.usd(cents=amount, currency=currency, day=day) for amount, currency, day in each]
