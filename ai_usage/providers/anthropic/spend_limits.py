"""Spend limits of a Claude Enterprise organization: the typed fact of the newest snapshot."""

from decimal import Decimal

import dagster as dg
import polars as pl

from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import note, snapshot_asset
from ai_usage.money import USD, usd
from ai_usage.providers.anthropic import pulls
from ai_usage.providers.anthropic.records.lists import SpendLimit
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import ACCOUNT_STAMPS, Table, boolean, dollars, string

PULL = "claude_spend_limits"

CLAUDE_SPEND_LIMITS = Table(
    name="claude_spend_limits",
    grain="one effective limit in the newest snapshot",
    question="Which spend limits hold for people in the Claude Enterprise organization, and how much is used?",
    example="select user_email, limit_usd, is_unlimited, used_usd from ai_usage_analytics.claude_spend_limits order by "
    "user_email",
    date_column=None,
    columns={
        "user_id": string("`user_…`; null for a limit of no person"),
        "user_email": string("lower-case; null for a limit of no person, and once the account is deleted"),
        "period": string("monthly; null where the provider does not name it"),
        "limit_usd": dollars("0: included use only; null if unlimited, and in another currency", required=False),
        "is_unlimited": boolean("whether the provider sends that there is no limit", required=True),
        "used_usd": dollars("in the period so far; null where it reads 0, which may be unknown", required=False),
        **ACCOUNT_STAMPS,
    },
)


def limit_rows(records: Records) -> pl.DataFrame:
    """Rows of `claude_spend_limits`, one per record. Amounts come in cents."""
    read = records.read(SpendLimit)
    limits = read.values
    return CLAUDE_SPEND_LIMITS.frame(
        {
            "user_id": [limit.actor and limit.actor.user_id for limit in limits],
            "user_email": [address_of(limit.actor.email_address) if limit.actor else None for limit in limits],
            "period": [limit.period for limit in limits],
            "limit_usd": [_usd(limit, limit.amount) for limit in limits],
            "is_unlimited": [limit.amount is None for limit in limits],
            "used_usd": [_usd(limit, limit.period_to_date_spend or None) for limit in limits],
            **read.stamps(),
        }
    )


def _usd(limit: SpendLimit, cents: Decimal | None) -> Decimal | None:
    """Dollars; None in a currency that no rate of a day is known for: a limit has no day."""
    return None if cents is None or (limit.currency or USD).upper() != USD else usd(cents=cents)


@snapshot_asset("core", CLAUDE_SPEND_LIMITS, group=GROUP, kinds=KINDS, deps=[pulls.claude_spend_limits])
def claude_spend_limits(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Spend limits of people in the Claude Enterprise organization, if an Analytics key may read them."""
    with warehouse.connected():
        newest = warehouse.newest(PULL, None)
        if newest.versions.is_empty():
            return note(context, f"core/{PULL}", None, skipped=f"raw/{PULL} was never pulled")
        limits = limit_rows(newest)
        warehouse.replace_all(CLAUDE_SPEND_LIMITS, limits)
        keep_rejections(warehouse, newest)
    return note(context, f"core/{PULL}", None, **{"dagster/row_count": limits.height})


ASSETS = [claude_spend_limits]
