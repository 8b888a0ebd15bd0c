"""What the rest of the platform knows about Anthropic."""

from datetime import timedelta

import polars as pl

from ai_usage.accounts import account_names
from ai_usage.ingest.cadence import MORNING, Cadence
from ai_usage.money import read_rates
from ai_usage.providers.anthropic import (
    assets,
    checks,
    claude_ai_usage,
    keys,
    organizations,
    people,
    pulls,
    spend_limits,
    tables,
)
from ai_usage.providers.anthropic.audit_log import pulls as audit_log_pulls
from ai_usage.providers.anthropic.audit_log import tables as audit_log
from ai_usage.providers.anthropic.audit_log.folder import uploads_of
from ai_usage.providers.anthropic.probe import PROBE
from ai_usage.providers.anthropic.resource import ADMIN_KEY, ANALYTICS_KEY, FIELDS, open_client
from ai_usage.providers.anthropic.rows import lists, usage_and_cost
from ai_usage.providers.anthropic.summary import summary
from ai_usage.providers.provider import Bill, CoreTables, Gate, Platform, Provider
from ai_usage.settings import settings
from ai_usage.warehouse.reading.ledger_records import Records

ANY_ORGANIZATION = lists.Organization("", {})  # the organization of the lines changes no sum
ENTERPRISE = ("claude_enterprise_users",)
ANALYTICS = ("claude_analytics_cost", "claude_analytics_usage")  # an Admin key or an Analytics key opens them
BILLING = ("claude_cost_report", "claude_cost_totals", "claude_messages_usage")  # usage decides who pays a line

CODE = (tables.CLAUDE_CODE_USAGE_STATS, tables.CLAUDE_CODE_MODEL_USAGE)
CORE = (
    CoreTables(
        tables=(tables.CLAUDE_COSTS, tables.CLAUDE_DAILY_COST, tables.CLAUDE_USAGE_TOKENS),
        pulls=BILLING,
        counted=BILLING,
        unique=(tables.CLAUDE_DAILY_COST, tables.CLAUDE_USAGE_TOKENS),  # of costs see `cost_lines_are_unique`
    ),
    CoreTables(CODE[:1], ("claude_code_usage",), counted=("claude_code_usage",), unique=CODE),
    CoreTables(
        (tables.CLAUDE_USAGE_TOKENS_BY_SPEED,),
        ("claude_messages_usage_by_speed",),
        unique=(tables.CLAUDE_USAGE_TOKENS_BY_SPEED,),
    ),
    CoreTables((tables.CLAUDE_DAILY_TOKENS,), ("claude_messages_usage",), unique=(tables.CLAUDE_DAILY_TOKENS,)),
    CoreTables((tables.CLAUDE_ANALYTICS_COSTS,), ("claude_analytics_cost",), unique=(tables.CLAUDE_ANALYTICS_COSTS,)),
    CoreTables((tables.CLAUDE_USAGE_STATS,), ("claude_enterprise_users",), unique=(tables.CLAUDE_USAGE_STATS,)),
    CoreTables((spend_limits.CLAUDE_SPEND_LIMITS,), tables.SPEND_LIMIT_PULLS),
    CoreTables((tables.DIM_WORKSPACE,), ("claude_organization", "claude_workspaces")),
)


def billed_lines(records: Records) -> pl.DataFrame:
    """The cost report's lines, in USD."""
    return usage_and_cost.cost_rows(records, ANY_ORGANIZATION, read_rates(settings().currency_rates))


ANTHROPIC = Provider(
    key="anthropic",
    name="Anthropic",
    publisher="Anthropic",
    invoice_issuer="Anthropic",
    platforms=(
        Platform("claude.ai", "claude.ai", "Claude"),
        Platform("claude_code", "Claude Code", "Claude Code", is_coding_tool=True),
        Platform("claude_api", "Claude API", "Claude API"),
        Platform("workbench", "Claude Workbench", "Claude Workbench"),
        Platform("unsegmented", "Claude, platform unknown", "Claude (not itemised)"),
    ),
    source=pulls.SOURCE,
    account_fields=FIELDS,
    open=open_client,
    daily_pulls=tables.DAILY_PULLS,
    snapshot_pulls=tables.SNAPSHOT_PULLS,
    optional_pulls=tables.OPTIONAL_PULLS,
    where_needed=tables.PULLS_WHERE_NEEDED,
    bill=Bill("claude_cost_report", billed_lines),
    final_after_days=30,
    gate=Gate(
        provider="anthropic",
        pulls=BILLING,
        billing=BILLING,
        checks=checks.GATING,
        tables=(tables.CLAUDE_DAILY_COST, tables.CLAUDE_USAGE_TOKENS),
    ),
    cadences=(
        Cadence(
            # Complete within hours (contracts: 5 minutes, 1 to 3 hours seen); analytics within 4 hours, and they revise
            # 30 days. 37: so that each day is asked about once more when it is 30 days old, which makes it final.
            name="claude",
            daily=tuple(pull for pull in tables.DAILY_PULLS if pull not in (*ANALYTICS, *ENTERPRISE)),
            snapshots=tuple(pull for pull in tables.SNAPSHOT_PULLS if pull not in tables.SPEND_LIMIT_PULLS),
            asked_by=tuple(pull for pull in tables.DAILY_PULLS if pull not in tables.OPTIONAL_PULLS),
            settles=timedelta(hours=4),
            at=MORNING,
            window=3,
            long_window=37,
            warns=timedelta(hours=36),
            is_configured=lambda of: bool(account_names(of, FIELDS, ADMIN_KEY)),
            accounts=lambda of: account_names(of, FIELDS, ADMIN_KEY),
            key_variable="ANTHROPIC_ADMIN_API_KEY",
        ),
        Cadence(
            # A cadence of its own: an account with an Analytics key alone has these reports and no cost report.
            name="claude_analytics",
            daily=ANALYTICS,
            asked_by=ANALYTICS,
            settles=timedelta(hours=4),
            at=MORNING,
            window=3,
            long_window=37,
            warns=timedelta(hours=36),
            is_configured=lambda of: bool(account_names(of, FIELDS)),
            accounts=lambda of: account_names(of, FIELDS),
            key_variable="ANTHROPIC_ADMIN_API_KEY (or ANTHROPIC_ANALYTICS_API_KEY)",
            is_certain=False,
        ),
        Cadence(
            # Figures of a day are there at about 10:00 UTC of the next one, and move for up to a week.
            name="claude_enterprise",
            daily=(*ENTERPRISE, *audit_log.DAILY_PULLS),
            snapshots=tables.SPEND_LIMIT_PULLS,
            asked_by=ENTERPRISE,
            settles=timedelta(hours=12),
            window=7,
            warns=timedelta(hours=48),
            is_configured=lambda of: bool(account_names(of, FIELDS, ANALYTICS_KEY)) or of.uploads_dir.is_dir(),
            accounts=lambda of: account_names(of, FIELDS, ANALYTICS_KEY),
            key_variable="ANTHROPIC_ANALYTICS_API_KEY",
            is_certain=False,
        ),
    ),
    tables=(
        *tables.RAW_TABLES.values(),
        *audit_log.RAW_TABLES.values(),
        *tables.CORE_TABLES,
        spend_limits.CLAUDE_SPEND_LIMITS,
    ),
    assets=[*pulls.ASSETS, *audit_log_pulls.ASSETS, *assets.ASSETS, *claude_ai_usage.ASSETS, *spend_limits.ASSETS],
    other_resources={"uploads": uploads_of},
    probe=PROBE,
    summary=summary,
    also_called=("claude",),
    people=people.PEOPLE,
    keys=keys.KEYS,
    accounts=organizations.ACCOUNTS,
    bills_own_seats=True,
    page="docs/security.md#anthropic",
    core=CORE,
    checks=checks.CHECKS,
    uploads={audit_log.AUDIT_LOG: checks.uploads.UPLOADS},
    envelope_fields=frozenset({"starting_at", "ending_at", "data_refreshed_at", "default_workspace_ids"}),
    expense_marts=(
        "marts/claude_expenses",
        "marts/claude_total_expenses",
        "marts/api_usage_expenses",
        "marts/claude_cost_shares",
        "marts/claude_attributed_costs",
    ),
    estimated_meters=("claude_code_estimate",),
    estimates_sql="providers/anthropic/checks/estimates_beside_the_bill",
)
