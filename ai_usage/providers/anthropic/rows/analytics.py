"""Rows of the usage and cost analytics."""

from collections.abc import Mapping
from datetime import UTC, datetime

import polars as pl

from ai_usage.money import NO_RATES, Rates
from ai_usage.providers.anthropic.records.analytics import AnalyticsActor, AnalyticsCost, AnalyticsEnvelope
from ai_usage.providers.anthropic.rows.amounts import money_columns, usd_of_cents
from ai_usage.providers.anthropic.rows.lists import Organization
from ai_usage.providers.anthropic.tables import CLAUDE_ANALYTICS_COSTS
from ai_usage.warehouse.reading.field_types import Refused, address_of
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.reading.mending import mended


def analytics_cost_rows(
    records: Records, of: Organization, emails: Mapping[str, str], rates: Rates = NO_RATES
) -> pl.DataFrame:
    """Rows of `claude_analytics_costs`, one per record. `emails` has the organization's users' addresses by id."""
    read = records.read(AnalyticsCost, rates)
    groups, costs = [row.group for row in read.values], [row.cost for row in read.values]
    listed = [cost.amount if cost.list_amount is None else cost.list_amount for cost in costs]
    list_usd = usd_of_cents(listed, [cost.currency for cost in costs], read.days, rates)
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
            **money_columns(read, costs, rates),
            "list_usd": [
                None if cost.list_amount is None else dollars for cost, dollars in zip(costs, list_usd, strict=True)
            ],
            "data_refreshed_at": [refreshed[pull_id] for pull_id in read.lines["pull_id"]],
            **read.stamps(),
        }
    )


def _refreshed(records: Records) -> dict[str, datetime | None]:
    """Up to when the provider had counted, by pull; None where it does not report that."""
    return {
        pull_id: _refreshed_at(envelope) for pull_id, envelope in records.versions.select("pull_id", "envelope").rows()
    }


def _refreshed_at(envelope: str) -> datetime | None:
    try:
        at = mended(envelope, AnalyticsEnvelope)[0].data_refreshed_at
    except Refused:
        return None
    return at and at.astimezone(UTC)


def _email_of(actor: AnalyticsActor | None, emails: Mapping[str, str]) -> str | None:
    if actor is None or actor.type != "user_actor":
        return None
    return address_of(actor.email_address or actor.email) or emails.get(actor.user_id or "")
