"""The marts' tables: each is filled by the one SELECT in `sql/marts/` that bears its name."""

from ai_usage.warehouse.table import Table, day, dollars, string

CLAUDE_TOTAL_EXPENSES = Table(
    name="claude_total_expenses",
    grain="what Claude charged one organisation on one UTC day, on all platforms together; no row on an idle day",
    date_column="expense_date",
    columns={
        "expense_date": day("the UTC day, as the vendor has it"),
        "organization_id": string("the Console organisation", required=True),
        "cost_usd": dollars("billed, in USD"),
        "currency": string("always USD", required=True),
        "status": string("provisional until looked at again 30 days after the day, then final", required=True),
    },
)

MART_TABLES = (CLAUDE_TOTAL_EXPENSES,)
