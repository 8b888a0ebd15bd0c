"""The marts' tables: each is filled by the one SELECT in `sql/marts/` that bears its name."""

from ai_usage.warehouse.table import Table, day, dollars, integer, string

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

CURSOR_EXPENSES = Table(
    name="cursor_expenses",
    grain="one kind of Cursor cost of one person on one UTC day",
    date_column="expense_date",
    columns={
        "expense_date": day("the UTC day"),
        "user_email": string("lower-case; of a service account an artificial one; null where the vendor tells none"),
        "cost_type": string("subscription, usage_based, or api_key: usage with the member's own key", required=True),
        "subscription_included_reqs": integer("events within included usage; on subscription rows", required=False),
        "usage_based_reqs": integer("chargeable events; on usage_based and api_key rows", required=False),
        "billed_usd": dollars(
            "subscription: the day's share of the seat price, by month exact; null while no price is known. "
            "Else what chargeable events were charged",
            required=False,
        ),
        "estimated_cost_usd": dollars(
            "the request formula of legacy plans for the whole day; on subscription rows. Never added to billed_usd",
            required=False,
        ),
        "subscription_plan": string("as the sheet, or CURSOR_PLANS, calls the plan of the day; null without one"),
    },
    cluster=("user_email",),
)

MART_TABLES = (CLAUDE_TOTAL_EXPENSES, CURSOR_EXPENSES)
