"""What the rest of the platform knows about OpenAI."""

from datetime import timedelta

import polars as pl

from ai_usage.accounts import account_names
from ai_usage.ingest.cadence import MORNING, Cadence
from ai_usage.money import read_rates
from ai_usage.providers.openai import assets, checks, keys, organizations, people, pulls, rows, tables
from ai_usage.providers.openai.endpoints import ADMIN_VARIABLE, CODEX_VARIABLE, SOURCE
from ai_usage.providers.openai.probe import PROBE
from ai_usage.providers.openai.resource import ADMIN_KEY, CODEX_KEY, FIELDS, open_client
from ai_usage.providers.openai.summary import summary
from ai_usage.providers.provider import Bill, CoreTables, Gate, Platform, Provider
from ai_usage.settings import settings
from ai_usage.warehouse.reading.ledger_records import Records

BILLING = ("openai_costs", "openai_cost_totals")
CODEX = ("openai_codex_usage",)
USAGE = tuple(tables.USAGE_PULLS.values())
OF_ORGANIZATION = (*BILLING, *USAGE)

CORE = (
    CoreTables(
        tables=(tables.OPENAI_COSTS, tables.OPENAI_DAILY_COST),
        pulls=BILLING,
        counted=BILLING,
        unique=(tables.OPENAI_DAILY_COST,),  # equal cost lines are added: see `grouped_costs_equal_total`
    ),
    CoreTables((tables.OPENAI_USAGE,), USAGE, counted=USAGE, unique=(tables.OPENAI_USAGE,)),
    CoreTables((tables.CODEX_USAGE_STATS,), CODEX, counted=CODEX, unique=(tables.CODEX_USAGE_STATS,)),
    CoreTables((tables.OPENAI_PROJECTS,), ("openai_projects",)),
)


def billed_lines(records: Records) -> pl.DataFrame:
    """The lines of the cost report in USD, by project; a line without an amount bills nothing."""
    lines = rows.cost_rows(records, read_rates(settings().currency_rates))
    return lines.filter(lines["amount_usd"].is_not_null()).select(
        "activity_date", pl.col("project_id").alias("workspace_id"), "amount_usd"
    )


OPENAI = Provider(
    key=SOURCE,
    name="OpenAI",
    publisher="OpenAI",
    invoice_issuer="OpenAI",
    platforms=(
        Platform("chatgpt", "ChatGPT", "ChatGPT"),
        Platform("codex", "Codex", "Codex", is_coding_tool=True),
        Platform("openai_api", "OpenAI API", "OpenAI API"),
    ),
    source=pulls.SOURCE,
    account_fields=FIELDS,
    open=open_client,
    daily_pulls=tables.DAILY_PULLS,
    snapshot_pulls=tables.SNAPSHOT_PULLS,
    optional_pulls=tables.OPTIONAL_PULLS,
    bill=Bill("openai_costs", billed_lines),
    # No time is documented after which a day is fixed: 31 days, a whole invoice month, so that a closed month was asked
    # about once more after its invoice.
    final_after_days=31,
    gate=Gate(
        provider=SOURCE,
        pulls=BILLING,
        billing=BILLING,
        checks=checks.GATING,
        tables=(tables.OPENAI_DAILY_COST,),
    ),
    cadences=(
        Cadence(
            # How fresh the reports are is not documented. 38: so that each day is asked about once more when it is 31
            # days old, which makes it final.
            name="openai",
            daily=OF_ORGANIZATION,
            snapshots=tuple(tables.SNAPSHOT_PULLS),
            asked_by=tuple(pull for pull in OF_ORGANIZATION if pull not in tables.OPTIONAL_PULLS),
            settles=timedelta(hours=4),
            at=MORNING,
            window=3,
            long_window=38,
            warns=timedelta(hours=36),
            is_configured=lambda of: bool(account_names(of, FIELDS, ADMIN_KEY)),
            accounts=lambda of: account_names(of, FIELDS, ADMIN_KEY),
            key_variable=ADMIN_VARIABLE,
        ),
        Cadence(
            # The dashboard is 12 hours late at most; others wait up to five days for all of a day's figures.
            name="codex",
            daily=CODEX,
            asked_by=CODEX,
            settles=timedelta(hours=12),
            window=7,
            warns=timedelta(hours=48),
            is_configured=lambda of: bool(account_names(of, FIELDS, CODEX_KEY)),
            accounts=lambda of: account_names(of, FIELDS, CODEX_KEY),
            key_variable=CODEX_VARIABLE,
            is_certain=False,
        ),
    ),
    tables=(*tables.RAW_TABLES.values(), *tables.CORE_TABLES),
    assets=[*pulls.ASSETS, *assets.ASSETS],
    probe=PROBE,
    summary=summary,
    also_called=("chatgpt", "codex"),
    people=people.PEOPLE,
    keys=keys.KEYS,
    accounts=organizations.ACCOUNTS,
    billing_account_type="Organization",
    sub_account_type="Project",
    bills_own_seats=False,
    page="docs/security.md#openai",
    core=CORE,
    checks=checks.CHECKS,
    envelope_fields=frozenset(
        {"start_time", "end_time", "grouped_by", "refused_groupings", "ids_by_project", "unlisted_projects"}
    ),
    expense_marts=("marts/openai_attributed_costs", "marts/openai_cost_shares"),
)
