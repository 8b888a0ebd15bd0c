"""The sheet's tables: the ledger of each tab, and what its good rows become in core."""

from ai_usage.sheet.tabs import TABS
from ai_usage.warehouse.table import STAMPS, Table, boolean, day, dollars, instant, integer, raw_table, string

PULLS = tuple(tab.pull for tab in TABS.values())
RAW_TABLES = {pull: raw_table(pull) for pull in PULLS}

SHEET_REJECTIONS = Table(
    name="sheet_rejections",
    grain="one cell, or one row, of the sheet that could not be used",
    date_column=None,
    columns={
        "tab": string("the tab", required=True),
        "row_number": integer("as people see it: the first row is 1"),
        "column_name": string("the column that is wrong", required=True),
        "value_shape": string("what the cell looks like: letters as a, digits as 9", required=True),
        "reason": string("why the row was left out", required=True),
        **STAMPS,
    },
)

CONSOLE_FIGURES = Table(
    name="console_figures",
    grain="what a vendor's console or invoice showed for one period, as it is, or once was, in the sheet",
    date_column=None,
    columns={
        "row_number": integer("in the tab console_figures"),
        "provider": string("anthropic, cursor, openai, google", required=True),
        "period_start": day("the first day"),
        "period_end": day("exclusive"),
        "workspace_id": string("null is all of them together"),
        "amount_usd": dollars("as it was shown"),
        "source": string("where it was read"),
        "note": string("in the writer's words"),
        "covers": string("usage, or usage_and_seats; null where the sheet does not say"),
        "first_seen_at": instant(
            "the first pull whose tab had this figure: provider, period, workspace and amount alike", required=True
        ),
        "removed_at": instant("the first pull whose tab no longer had it; null while it is in the sheet"),
        **STAMPS,
    },
)

BUDGETS = Table(
    name="budgets",
    grain="one month's budget of one scope",
    date_column=None,
    columns={
        "row_number": integer("in the tab budgets"),
        "month": string("YYYY-MM", required=True),
        "scope": string("total, provider, team", required=True),
        "scope_name": string("which provider or team; null for total"),
        "amount_usd": dollars("planned"),
        **STAMPS,
    },
)

SEATS = Table(
    name="seats",
    grain="seats of one plan that were bought, over the days they are valid",
    date_column=None,
    columns={
        "row_number": integer("in the tab seats"),
        "provider": string("anthropic, cursor, openai, google", required=True),
        "plan": string("as the vendor calls it", required=True),
        "seat_price_usd": dollars("a seat and calendar month"),
        "seats": integer("how many"),
        "valid_from": day("the first day; null since ever", required=False),
        "valid_to": day("exclusive; null until further notice", required=False),
        **STAMPS,
    },
)

DIM_API_KEY_MAPPING = Table(
    name="dim_api_key_mapping",
    grain="who answers for one API key over the days it was so",
    date_column=None,
    columns={
        "api_key_id": string("as in the usage report", required=True),
        "provider": string("whose key it is: anthropic, unless the sheet names another"),
        "api_key_name": string("as the vendor calls it, else as the sheet does"),
        "workspace_id": string("null in the default workspace, and for a key the vendor does not list"),
        "status": string("active, inactive, archived, expired; null for a key the vendor does not list"),
        "user_email": string("lower-case; null where nobody is named"),
        "team_name": string("as the sheet calls it"),
        "description": string("in the sheet's words"),
        "creator_email": string("who made the key, lower-case; null where that is no member, or not listed"),
        "mapped_by": string("sheet, key_creator (who made the key), none", required=True),
        "valid_from": day("the first day; null since ever", required=False),
        "valid_to": day("exclusive; null until further notice", required=False),
        **STAMPS,
    },
)

DIM_PERSON = Table(
    name="dim_person",
    grain="one address of a person, whichever vendors know it",
    date_column=None,
    columns={
        "user_email": string("lower-case", required=True),
        "person_email": string("the person's one address; user_email itself, unless that is an alias", required=True),
        "user_name": string("as the tab people has it, else a provider"),
        "team_name": string("as the sheet has it, else the Cursor billing group; see team_source"),
        "team_source": string(
            "sheet_people; sheet_api_key_mapping: the most frequent team of the person's keys; cursor_groups: where "
            "the sheet places the person in no team; null without a team"
        ),
        "cost_center": string("as the tab people has it"),
        "manager_email": string("as the tab people has it, lower-case"),
        "is_claude_member": boolean("in the Claude organisation now", required=True),
        "is_cursor_member": boolean("in the Cursor team now, and not removed", required=True),
        "is_in_sheet": boolean("owns a key in the sheet, or has usage in it", required=True),
        **STAMPS,
    },
)

CORE_TABLES = (SHEET_REJECTIONS, CONSOLE_FIGURES, BUDGETS, SEATS, DIM_API_KEY_MAPPING, DIM_PERSON)
