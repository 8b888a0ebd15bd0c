"""What the rest of the platform knows about Cursor."""

from datetime import timedelta

import polars as pl

from ai_usage.accounts import account_names
from ai_usage.ingest.cadence import Cadence
from ai_usage.providers.cursor import assets, checks, people, pulls, rows, tables
from ai_usage.providers.cursor.probe import PROBE
from ai_usage.providers.cursor.resource import ADMIN_KEY, FIELDS, open_client
from ai_usage.providers.cursor.summary import summary
from ai_usage.providers.provider import Bill, CoreTables, Gate, Platform, Provider
from ai_usage.warehouse.reading.ledger_records import Records

CORE = (
    CoreTables(
        (tables.CURSOR_USAGE_EVENTS,),  # its rows have no key: see `no_event_counted_twice`
        ("cursor_usage_events",),
        counted=("cursor_usage_events",),
    ),
    CoreTables(
        (tables.CURSOR_USAGE_STATS,),
        ("cursor_daily_usage",),
        counted=("cursor_daily_usage",),
        unique=(tables.CURSOR_USAGE_STATS,),
    ),
    CoreTables((tables.CURSOR_AI_COMMITS,), ("cursor_ai_commits",), unique=(tables.CURSOR_AI_COMMITS,)),
    CoreTables((tables.DIM_CURSOR_MEMBER,), ("cursor_members",)),
    CoreTables(
        (tables.CURSOR_SPEND_DAILY,), ("cursor_usage_events", "cursor_spend"), unique=(tables.CURSOR_SPEND_DAILY,)
    ),
)


def charged_events(records: Records) -> pl.DataFrame:
    """The events that Cursor charges for, in USD; a team has no workspaces."""
    events = rows.event_rows(records)
    return events.filter(events["is_chargeable"]).select(
        "activity_date", pl.lit(None, dtype=pl.String).alias("workspace_id"), pl.col("charged_usd").alias("amount_usd")
    )


CURSOR = Provider(
    key="cursor",
    name="Cursor",
    publisher="Cursor",
    invoice_issuer="Cursor",
    platforms=(Platform("cursor", "Cursor", "Cursor", is_coding_tool=True),),
    source=pulls.SOURCE,
    account_fields=FIELDS,
    open=open_client,
    daily_pulls=tables.DAILY_PULLS,
    snapshot_pulls=tables.SNAPSHOT_PULLS,
    optional_pulls=tables.OPTIONAL_PULLS,
    bill=Bill("cursor_usage_events", charged_events),
    final_after_days=2,
    gate=Gate(
        provider="cursor",
        pulls=("cursor_usage_events", "cursor_daily_usage"),
        billing=("cursor_usage_events",),
        checks=checks.GATING,
    ),
    cadences=(
        Cadence(
            # Aggregated by the hour: an hour after its end a day is whole.
            name="cursor",
            daily=tuple(tables.DAILY_PULLS),
            snapshots=tuple(tables.SNAPSHOT_PULLS),
            asked_by=tuple(pull for pull in tables.DAILY_PULLS if pull not in tables.OPTIONAL_PULLS),
            settles=timedelta(hours=1),
            window=3,
            warns=timedelta(hours=30),
            is_configured=lambda of: bool(account_names(of, FIELDS, ADMIN_KEY)),
            accounts=lambda of: account_names(of, FIELDS, ADMIN_KEY),
            key_variable="CURSOR_ADMIN_API_KEY",
        ),
    ),
    tables=(*tables.RAW_TABLES.values(), *tables.CORE_TABLES),
    assets=[*pulls.ASSETS, *assets.ASSETS],
    probe=PROBE,
    summary=summary,
    people=people.PEOPLE,
    billing_account_type="Team",
    bills_own_seats=True,
    page="docs/cursor-plans.md",
    core=CORE,
    checks=checks.CHECKS,
    envelope_fields=frozenset({"period", "subscriptionCycleStart", "totalMembers", "totalPages", "billingCycle"}),
    has_sub_accounts=False,
    expense_marts=("marts/cursor_expenses",),
    estimated_meters=("request_formula",),
)
