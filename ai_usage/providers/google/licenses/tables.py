"""What core has of licenses."""

from ai_usage.warehouse.table import ACCOUNT_STAMPS, Table, boolean, instant, integer, string

GEMINI_LICENSES = Table(
    name="gemini_licenses",
    grain="one licensed user of an order, and one row for an order's unassigned licenses, as listed last",
    question="Which licenses of Code Assist are unassigned or unused?",
    example="select plan_name, user_email, is_assigned, license_count, last_used_at from "
    "ai_usage_analytics.gemini_licenses order by is_assigned, last_used_at",
    date_column=None,
    columns={
        "order_id": string("the order that the licenses are of", required=True),
        "plan_name": string("what the order is called; null where it has no name"),
        "user_email": string("lower-case; null on the row of the unassigned licenses"),
        "is_assigned": boolean("false on the row of the unassigned licenses", required=True),
        "license_count": integer("1; on the row of the unassigned licenses, their number"),
        "order_licenses": integer("all licenses of the order; null where the pool does not report it", required=False),
        "assignment": string("automatic or manual; null where the pool does not report it"),
        "assigned_at": instant("when the user got the license; null where it is not known"),
        "last_used_at": instant("when the user last used it, up to 24 hours late; null without one"),
        **ACCOUNT_STAMPS,
    },
)
