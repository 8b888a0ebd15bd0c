"""Cursor's raw assets: what each asks for, a run's days at a time."""

from collections.abc import Callable, Sequence

import dagster as dg

from ai_usage.ingest.each_account import Clients
from ai_usage.ingest.ledger_writes import InWarehouse, Report, Source, as_it_is_now, held, pull_report, pull_snapshot
from ai_usage.layers import daily_asset, snapshot_asset
from ai_usage.partitions import Span
from ai_usage.providers.cursor.client import DAYS_A_REQUEST, CursorAdmin
from ai_usage.providers.cursor.tables import RAW_TABLES
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.port import Warehouse

SOURCE = Source(resource="cursor_admin", key_variable="CURSOR_ADMIN_API_KEY", provider="Cursor")
GROUP = "raw_cursor"
KINDS = {"api", "duckdb"}

MaybeCursor = dg.ResourceParam[Clients[CursorAdmin]]
CursorReport = Report[CursorAdmin]


def _commits(held_of: Callable[[Span, str], Sequence[Answer]] = lambda *_: ()) -> CursorReport:
    """The report of AI commits, asked with what is held of the days of the account."""
    return Report(
        pull="cursor_ai_commits",
        name="AI code commits",
        ask=lambda admin, span: admin.ai_commits(span, held_of(span, admin.account)),
        use="which lines AI wrote",
        needs="an Enterprise team with AI Code Tracking, and a key with the scope admin:*",
        is_key_accepted=CursorAdmin.is_key_accepted,
    )


REPORTS: dict[str, CursorReport] = {
    report.pull: report
    for report in (
        Report(pull="cursor_daily_usage", name="daily usage", ask=CursorAdmin.daily_usage),
        Report(pull="cursor_usage_events", name="usage events", ask=CursorAdmin.usage_events),
        _commits(),
        Report(pull="cursor_spend", name="spend", ask=as_it_is_now(CursorAdmin.spend)),
        Report(
            pull="cursor_usage_events_today",
            name="usage events of today",
            ask=as_it_is_now(CursorAdmin.usage_events_today),
        ),
        Report(pull="cursor_members", name="members", ask=as_it_is_now(CursorAdmin.members)),
        Report(
            pull="cursor_groups",
            name="billing groups",
            ask=as_it_is_now(CursorAdmin.groups),
            use="in which billing group a member is",
            needs="an Enterprise team with billing groups, and a key with the scope admin:*",
            is_key_accepted=CursorAdmin.is_key_accepted,
        ),
    )
}


@daily_asset("raw", RAW_TABLES["cursor_daily_usage"], group=GROUP, kinds=KINDS)
def cursor_daily_usage(context: dg.AssetExecutionContext, cursor_admin: MaybeCursor, warehouse: InWarehouse) -> None:
    """Each member's day, with members who were not active, as Cursor sent it."""
    _pull(context, cursor_admin, warehouse, REPORTS["cursor_daily_usage"])


@daily_asset("raw", RAW_TABLES["cursor_usage_events"], group=GROUP, kinds=KINDS)
def cursor_usage_events(context: dg.AssetExecutionContext, cursor_admin: MaybeCursor, warehouse: InWarehouse) -> None:
    """Usage events with their charges in cents, as Cursor sent them. Equal events are kept as often as they came."""
    _pull(context, cursor_admin, warehouse, REPORTS["cursor_usage_events"])


@daily_asset("raw", RAW_TABLES["cursor_ai_commits"], group=GROUP, kinds=KINDS)
def cursor_ai_commits(context: dg.AssetExecutionContext, cursor_admin: MaybeCursor, warehouse: InWarehouse) -> None:
    """Commits with the lines that AI wrote in them, as Cursor sent them, without messages, if the plan has AI Code
    Tracking. The request repeats the last one's text, so that the provider can answer that nothing has changed.
    """
    report = _commits(lambda span, account: held(warehouse, "cursor_ai_commits", span, account))
    _pull(context, cursor_admin, warehouse, report)


def _pull(
    context: dg.AssetExecutionContext, cursor_admin: Clients[CursorAdmin], warehouse: Warehouse, report: CursorReport
) -> None:
    pull_report(context, SOURCE, cursor_admin, warehouse, report, at_most=DAYS_A_REQUEST)


def _snapshot(pull: str, description: str, *, after: Sequence[dg.AssetsDefinition] = ()) -> dg.AssetsDefinition:
    def snapshot(context: dg.AssetExecutionContext, cursor_admin: MaybeCursor, warehouse: InWarehouse) -> None:
        pull_snapshot(context, SOURCE, cursor_admin, warehouse, REPORTS[pull])

    snapshot.__doc__ = description
    return snapshot_asset("raw", RAW_TABLES[pull], group=GROUP, kinds=KINDS, deps=after)(snapshot)


cursor_spend = _snapshot(
    "cursor_spend", "Cumulative spend by member in the billing cycle, as Cursor sent it, in cents."
)
cursor_usage_events_today = _snapshot(
    "cursor_usage_events_today",
    "The events of the day that is not over yet, as Cursor sent them: cursor_spend is compared with them.",
    after=[cursor_spend],
)
cursor_members = _snapshot("cursor_members", "Current and former members of the team, as Cursor sent them.")
cursor_groups = _snapshot(
    "cursor_groups", "Billing groups with their members, as Cursor sent them, if the plan has groups."
)

ASSETS = [
    cursor_daily_usage,
    cursor_usage_events,
    cursor_ai_commits,
    cursor_spend,
    cursor_usage_events_today,
    cursor_members,
    cursor_groups,
]
