"""A company that exists in core alone, for `bench`: any number of people and days, made inside DuckDB in seconds.

There is a Claude key for every eight people, up to forty workspaces, eight models, batch and priority tiers, two
context windows and two geographies. Of ten people four use Claude Code (half of them on the API's bill), three use
claude.ai, and all have Cursor; seven of ten use it on a working day with 4 to 20 events each: 8,400 events a working
day for a thousand people. A cost is one amount reported several times, as the providers do: tokens at their price are
the cost lines, the Console's figure and, for the last 365 days, analytics' rows by product, key and actor. Random
values are hashes, so equal sizes give equal companies.

Raw has only what the gates' checks read: the ledger, and the records of the billing reports.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from ai_usage.catalog import TABLES
from ai_usage.core.accounts import DIM_ACCOUNT, account_rows
from ai_usage.core.providers import DIM_PLATFORM, DIM_PROVIDER, platform_rows, provider_rows
from ai_usage.partitions import Span
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.table import ANALYTICS, PULLS, RAW

DAYS_AT_ONCE = 31
LAST = date(2026, 11, 19)
MEASURED_DAYS = 365  # analytics/cost goes back that far
OTHER_PULLS = ("claude_code_usage", "claude_analytics_cost", "claude_analytics_usage", "cursor_ai_commits")
COLUMNS = {table.name: table.columns.keys() for table in TABLES if table.schema == ANALYTICS}
LOOKS = [1, 2, 3, 4, 5, 6, 7, 14, 21, 28, 31]  # days after a day on which its reports are pulled again


@dataclass(frozen=True)
class Company:
    """Its number of people, and of days."""

    people: int
    days: int

    @property
    def span(self) -> Span:
        return Span(LAST - timedelta(days=self.days - 1), LAST)

    @property
    def sizes(self) -> Mapping[str, int]:
        return {
            "people": self.people,
            "workspaces": max(6, min(40, self.people // 25)),
            "api_keys": max(1, self.people // 8),
        }

    def fill(self, warehouse: DuckDBWarehouse) -> None:
        """Fill an empty warehouse, day after day, as a backfill would."""
        with warehouse.connected() as db:
            for statement in SETTING:
                db.execute(statement)
            for name, count in self.sizes.items():
                db.execute(f"create temp table {name} as {LISTS[name]}", {"count": count})
            for table, select in DIRECTORIES.items():
                _insert(db, f"{ANALYTICS}.{table}", _stamped(table, select, "date '2026-11-19'"), {})
            warehouse.replace_all(DIM_PROVIDER, provider_rows(PROVIDERS))
            warehouse.replace_all(DIM_PLATFORM, platform_rows(PROVIDERS))
            accounts = [row for of in PROVIDERS for row in account_rows(of.key, {"default": ["admin_key"]}, {}, {})]
            warehouse.replace_all(
                DIM_ACCOUNT, DIM_ACCOUNT.frame({name: [row[name] for row in accounts] for name in DIM_ACCOUNT.columns})
            )
            for days in self.span.cut(at_most=DAYS_AT_ONCE):
                self._live(db, days)
        warehouse.publish()

    def _live(self, db: duckdb.DuckDBPyConnection, days: Span) -> None:
        first, last = {"first": days.first, "last": days.last}, {"last_day": LAST}
        db.execute(f"create or replace temp table days as {DAYS}", first)
        db.execute(f"create or replace temp table used as {USED}")
        db.execute(f"create or replace temp table uses as {USES}")
        db.execute(f"create or replace temp table priced as {PRICED}", {"since": LAST - timedelta(MEASURED_DAYS - 1)})
        for table, select in FACTS.items():
            _insert(
                db, f"{ANALYTICS}.{table}", f"{_stamped(table, select, 'activity_date')} order by activity_date", {}
            )
        for pull, (table, record) in RECORDS.items():
            _insert(db, f"{RAW}.{pull}", f"{ROWS_OF_RAW.format(record=record, table=table)}", first)
            _insert(db, PULLS.address, COMMITS.format(pull=pull), {**first, **last, "looks": LOOKS})
        for pull in OTHER_PULLS:
            _insert(db, PULLS.address, UNREAD_COMMITS.format(pull=pull), {**last, "looks": LOOKS})


def _insert(db: duckdb.DuckDBPyConnection, address: str, select: str, parameters: Mapping[str, Any]) -> None:
    """Insert rows; where the table has accounts and the query names none, they belong to the only account."""
    needed, given = (_columns(db, f"describe {of}", values) for of, values in ((address, {}), (select, parameters)))
    of_account = "select 'default' as account, * from" if "account" in needed - given else "from"
    db.execute(f"insert into {address} by name {of_account} ({select})", dict(parameters))


def _columns(db: duckdb.DuckDBPyConnection, describe: str, parameters: Mapping[str, Any]) -> set[str]:
    return {row[0] for row in db.execute(describe, dict(parameters)).fetchall()}


def _stamped(table: str, select: str, day: str) -> str:
    """The SELECT with the account and the stamps of the day's first pull. A core row names its pull in `pull`."""
    account = "'default' as account," if "account" in COLUMNS[table] and "as account" not in select else ""
    return f"""select made.* exclude (pull), {account} pull || strftime({day}, '-%Y-%m-%d-01') as pull_id,
        {day}::timestamptz + interval 30 hour as ingestion_timestamp from ({select}) as made"""


SETTING = (
    "create or replace temp macro quoted(text) as coalesce('\"' || text || '\"', 'null')",
    f"""insert into {ANALYTICS}.dim_cursor_plan by name
    select 'Business' as plan_name, date '2020-01-01' as valid_from, 40 as seat_price_usd""",
    "create or replace temp macro dice(a, b, c, sides) as (hash(a, b, c) % sides)::bigint",
    "create or replace temp macro usd(nano) as (nano * 0.000000001::decimal(10, 9))::decimal(38, 9)",
    # per token, in billionths of a dollar, so that discounts are exact
    """create or replace temp table models as select * from (values
        (0, 'claude-opus-5-5', 5000, 25000), (1, 'claude-sonnet-5', 3000, 15000), (2, 'claude-haiku-5', 1000, 5000),
        (3, 'claude-opus-4-5-20251101', 5000, 25000), (4, 'claude-sonnet-4-5-20250929', 3000, 15000),
        (5, 'claude-haiku-4-5-20251001', 1000, 5000), (6, 'claude-opus-4-1-20250805', 15000, 75000),
        (7, 'claude-sonnet-4-20250514', 3000, 15000)) as model(m, model, input_nano, output_nano)""",
)

LISTS = {  # keys refer to the other two
    "people": """select p, 'person' || lpad(p::varchar, 5, '0') || '@example.com' as user_email,
        'team-' || lpad((p % 25)::varchar, 2, '0') as team_name from range($count) as person(p)""",
    "workspaces": "select w, 'wrkspc_' || lpad(w::varchar, 3, '0') as workspace_id from range($count) as of(w)",
    "api_keys": """select k, 'apikey_' || lpad(k::varchar, 4, '0') as api_key_id,
        k % (select count(*) from workspaces) as w, k * 7 % (select count(*) from people) as p,
        case when k % 5 = 0 then ['standard', 'batch'] when k % 25 = 1 then ['standard', 'priority'] else ['standard']
        end as tiers, if(k % 4 = 0, ['0-200k', '200k-1M'], ['0-200k']) as windows,
        if(k % 6 = 0, 'us', 'global') as inference_geo from range($count) as api_key(k)""",
}

DAYS = """select activity_date::date as activity_date, (activity_date::date - date '2020-01-01')::bigint as n,
    isodow(activity_date) < 6 as is_working
    from range($first::timestamp, $last::timestamp + interval 1 day, interval 1 day) as day(activity_date)"""

USED = """
    select activity_date, n, workspaces.w, workspace_id, k, null as p, if(tier = 'batch', 'message_batches_api',
        'messages_api') as product, m, tier as service_tier, context_window, inference_geo
    from days cross join api_keys join workspaces using (w) cross join models,
        unnest(tiers) as t(tier), unnest(windows) as c(context_window)
    where dice(k, m, 'has', 100) < 30 and dice(n, k, m, 100) < if(is_working, 90, 40)
    union all
    select activity_date, n, 1, 'wrkspc_001', null, p, 'claude_code', m, 'standard', '0-200k', 'global'
    from days cross join people cross join models
    where p % 10 in (0, 5) and m < 2 and dice(n, p, 'code', 100) < if(is_working, 95, 12)
    union all
    select activity_date, n, w, workspace_id, null, w * 11 % (select count(*) from people), 'claude_console', w % 8,
        'standard', '0-200k', 'global'
    from days cross join workspaces
    where dice(n, w, 'console', 100) < if(is_working, 60, 10)
"""
USES = """select used.*, user_email, api_key_id, model, input_nano, output_nano,
    dice(n, k, (p, m, service_tier, context_window, 1), 2000000) + 1000 as uncached_input_tokens,
    dice(n, k, (p, m, service_tier, context_window, 2), 400000) + 100 as output_tokens,
    dice(n, k, (p, m, service_tier, context_window, 3), 9000000) as cache_read_input_tokens,
    dice(n, k, (p, m, service_tier, context_window, 4), 700000) as cache_creation_5m_tokens,
    if(k % 3 = 0, dice(n, k, (p, m, service_tier, context_window, 5), 200000), 0) as cache_creation_1h_tokens,
    if(k % 9 = 0, dice(n, k, m, 40), 0) as web_search_requests
from used join models using (m) left join people using (p) left join (select k, api_key_id from api_keys) using (k)"""

# Tokens and other units at their price; Priority Tier is in no cost report.
PRICED = """with kinds as (
    select *, unnest([
        {'token_type': 'uncached_input_tokens', 'units': uncached_input_tokens, 'nano': input_nano},
        {'token_type': 'output_tokens', 'units': output_tokens, 'nano': output_nano},
        {'token_type': 'cache_read_input_tokens', 'units': cache_read_input_tokens, 'nano': input_nano // 10},
        {'token_type': 'cache_creation.ephemeral_5m_input_tokens', 'units': cache_creation_5m_tokens,
            'nano': input_nano * 5 // 4},
        {'token_type': 'cache_creation.ephemeral_1h_input_tokens', 'units': cache_creation_1h_tokens,
            'nano': input_nano * 2},
        {'token_type': null, 'units': web_search_requests, 'nano': 10000000}
    ], recursive := true)
    from uses where service_tier != 'priority'
)
select activity_date, workspace_id, product, api_key_id, user_email, token_type, units,
    if(token_type is null, 'web_search', 'tokens') as cost_type,
    if(token_type is null, null, model) as model,
    if(token_type is null, null, service_tier) as service_tier,
    if(token_type is null, null, context_window) as context_window,
    if(token_type is null, null, inference_geo) as inference_geo,
    units * nano // if(service_tier = 'batch', 2, 1) * if(context_window = '200k-1M' and token_type is not null, 2, 1)
        as nano_usd, activity_date >= $since as is_measured
from kinds where units > 0"""

ORGANIZATION = "'org-bench' as organization_id"
CODE = """from (
    select days.*, people.*, models.*, dice(n, p, m, 400000) + 500 as t
    from days cross join people cross join models
    where p % 5 < 2 and m < 2 and (p % 5 > 0 or p % 10 in (0, 5)) and dice(n, p, 'code', 100) < if(is_working, 95, 12)
)"""
ACTOR = f"""'claude_code_usage' as pull, activity_date, {ORGANIZATION}, 'user_actor' as actor_type, user_email,
    if(p % 2 = 0, 'vscode', 'tmux') as terminal_type, p % 7 = 0 as is_remote,
    if(p % 5 = 0, 'api', 'subscription') as customer_type, if(p % 5 = 0, null, 'team') as subscription_type"""
TOKENS = """usd(t * (output_nano // 5 + input_nano * 2)) as estimated_cost_usd, t as input_tokens,
    t // 5 as output_tokens, t * 8 as cache_read_tokens, t // 2 as cache_creation_tokens"""
MEASURES = """sum(uncached_input_tokens)::bigint as uncached_input_tokens, sum(output_tokens)::bigint as output_tokens,
    sum(cache_read_input_tokens)::bigint as cache_read_input_tokens,
    sum(cache_creation_5m_tokens)::bigint as cache_creation_5m_tokens,
    sum(cache_creation_1h_tokens)::bigint as cache_creation_1h_tokens,
    sum(web_search_requests)::bigint as web_search_requests"""
MEMBERS = """from (
    select days.*, people.*, dice(n, p, 'cursor', 100) < if(is_working, 70, 12) as is_active,
        4 + dice(n, p, 'events', 17) as events
    from days cross join people
)"""

FACTS = {
    "claude_costs": f"""select 'claude_cost_report' as pull, activity_date, {ORGANIZATION},
        nullif(workspace_id, 'wrkspc_000') as workspace_id,
        if(workspace_id = 'wrkspc_000', 'Default', 'Workspace ' || workspace_id[8:]) as workspace_name, model,
        token_type, cost_type, usd(sum(nano_usd)) as amount_usd, 'USD' as currency,
        concat_ws(' ', model, 'Usage', token_type, cost_type, service_tier, context_window, inference_geo)
            as description, service_tier, context_window, inference_geo,
            if(token_type is null, null, 'standard') as speed
        from priced group by all""",
    "claude_daily_cost": f"""select 'claude_cost_totals' as pull, activity_date, {ORGANIZATION},
        usd(sum(nano_usd)) as amount_usd, 'USD' as currency from priced group by all""",
    "claude_usage_tokens": f"""select 'claude_messages_usage' as pull, activity_date, {ORGANIZATION}, api_key_id,
        nullif(workspace_id, 'wrkspc_000') as workspace_id, model, service_tier, context_window,
        {MEASURES} from uses group by all""",
    "claude_usage_tokens_by_speed": f"""select 'claude_messages_usage_by_speed' as pull, activity_date, {ORGANIZATION},
        api_key_id, nullif(workspace_id, 'wrkspc_000') as workspace_id, model, inference_geo, 'standard' as speed,
        {MEASURES} from uses group by all""",
    "claude_daily_tokens": f"""select 'claude_messages_usage' as pull, activity_date, {ORGANIZATION},
        {MEASURES} from uses group by all""",
    "claude_analytics_costs": f"""select 'claude_analytics_cost' as pull, activity_date, {ORGANIZATION}, product,
        workspace_id, api_key_id, if(api_key_id is null, 'user_actor', 'api_actor') as actor_type,
        coalesce(api_key_id, user_email) as actor_id, user_email, model, cost_type, token_type,
        usd(sum(nano_usd)) as amount_usd, usd(sum(nano_usd)) as list_usd, 'USD' as currency
        from priced where is_measured group by all
        union all
        select 'claude_analytics_cost', activity_date, 'org-bench', if(p % 2 = 0, 'chat', 'cowork'), null, null,
        'user_actor', user_email, user_email, model, 'tokens', 'output_tokens',
        usd(dice(n, p, 'chat', 900000) * output_nano), usd(dice(n, p, 'chat', 900000) * output_nano), 'USD'
        from days cross join people join models on m = p % 3
        where p % 10 in (1, 4, 8) and dice(n, p, 'chats', 100) < if(is_working, 60, 10)
            and activity_date >= date '{LAST - timedelta(MEASURED_DAYS - 1)}'""",
    "claude_code_usage_stats": f"""select {ACTOR}, 1 + t % 9 as num_sessions, t % 900 as lines_added,
        t % 300 as lines_removed, t % 5 as commits_by_claude_code, t % 2 as pull_requests_by_claude_code,
        t % 40 as edit_tool_accepted, t % 7 as edit_tool_rejected, t % 20 as multi_edit_tool_accepted,
        t % 3 as multi_edit_tool_rejected, t % 11 as write_tool_accepted, t % 2 as write_tool_rejected,
        0 as notebook_edit_tool_accepted, 0 as notebook_edit_tool_rejected, model, {TOKENS} {CODE} where m = 0""",
    "claude_code_model_usage": f"select {ACTOR}, model, {TOKENS} {CODE}",
    "claude_usage_stats": """select 'claude_enterprise_users' as pull, activity_date, user_email,
        'user_' || p::varchar as user_id, dice(n, p, 'talks', 9) + 1 as conversation_count,
        dice(n, p, 'words', 60) + 1 as message_count, 1 as project_count, 0 as file_upload_count,
        'enterprise_api' as source, activity_date::timestamptz + interval 34 hour as upload_timestamp
        from days cross join people
        where p % 10 in (1, 4, 8) and dice(n, p, 'chats', 100) < if(is_working, 60, 10)""",
    "cursor_usage_stats": f"""select 'cursor_daily_usage' as pull, activity_date,
        activity_date::timestamptz + interval 5 hour as date_at, user_email, p::varchar as cursor_user_id, is_active,
        if(is_active, events * 30, 0) as total_lines_added, if(is_active, events * 9, 0) as total_lines_deleted,
        if(is_active, events * 20, 0) as accepted_lines_added, if(is_active, events * 3, 0) as accepted_lines_deleted,
        if(is_active, events * 2, 0) as total_applies, if(is_active, events, 0) as total_accepts,
        if(is_active, events // 3, 0) as total_rejects, if(is_active, events * 12, 0) as total_tabs_shown,
        if(is_active, events * 4, 0) as total_tabs_accepted, 0 as composer_requests, 0 as chat_requests,
        if(is_active, events, 0) as agent_requests, 0 as cmdk_usages, 0 as bugbot_usages,
        if(is_active, events - events // 3, 0) as subscription_included_reqs,
        if(is_active, events // 3, 0) as usage_based_reqs, 0 as api_key_reqs,
        if(is_active, 'gpt-5.5', null) as most_used_model, if(is_active, '.py', null) as apply_most_used_extension,
        if(is_active, '.py', null) as tab_most_used_extension, if(p % 2 = 0, '3.1.4', null) as client_version
        {MEMBERS}""",
    "cursor_usage_events": f"""select 'cursor_usage_events' as pull, activity_date,
        activity_date::timestamptz + to_milliseconds(dice(n, p, e, 86400000)) as event_at, user_email,
        ['gpt-5.5', 'claude-sonnet-5', 'default', 'composer-2', 'gemini-3-pro'][1 + dice(p, e, 'model', 5)] as model,
        if(e % 3 = 0, 'Usage-based', 'Included in Business') as kind, e % 3 = 0 as is_chargeable,
        true as is_token_based, e % 11 = 0 as max_mode, false as is_headless, 1.5 as requests_costs,
        dice(n, p, e + 100, 200000) as input_tokens, dice(n, p, e + 200, 9000) as output_tokens,
        dice(n, p, e + 300, 50000) as cache_write_tokens, dice(n, p, e + 400, 900000) as cache_read_tokens,
        usd(dice(n, p, e + 500, 400000000)) as charged_usd, usd(dice(n, p, e + 500, 400000000) // 10)
            as cursor_token_fee_usd, usd(dice(n, p, e + 500, 400000000) // 10 * 9) as list_usd,
        uuid_of as conversation_id
        from (select *, unnest(range(events)) as e, md5(n::varchar || '-' || p::varchar) as uuid_of {MEMBERS}
            where is_active)""",
    "cursor_ai_commits": f"""select 'cursor_ai_commits' as pull, activity_date, sha256(n::varchar || '/' || p::varchar)
        [:40] as commit_hash, user_email, 'user_' || p::varchar as user_id, 'repo-' || (p % 30)::varchar as repo_name,
        'main' as branch_name, true as is_primary_branch, 'ide' as commit_source, events * 20 as total_lines_added,
        events * 5 as total_lines_deleted, events as tab_lines_added, 0 as tab_lines_deleted,
        events * 9 as composer_lines_added, events as composer_lines_deleted, events * 10 as non_ai_lines_added,
        events * 4 as non_ai_lines_deleted, activity_date::timestamptz + interval 15 hour as commit_at,
        activity_date::timestamptz + interval 16 hour as created_at {MEMBERS} where is_active and events % 3 = 0""",
    "cursor_spend_daily": f"""select 'cursor_spend' as pull, activity_date,
        date_trunc('month', activity_date)::timestamptz as cycle_start_at, 'user_' || p::varchar as user_id,
        user_email, usd(events * 70000000) as spend_usd, usd(events * 200000000) as overall_spend_usd,
        usd(events * 900000000) as cycle_spend_usd, usd(events * 2000000000) as cycle_overall_spend_usd,
        activity_date::timestamptz as from_at, activity_date::timestamptz + interval 1 day as to_at, 1 as days_between
        {MEMBERS} where is_active""",
}
FACTS["spend_versions"] = f"""select if(provider = 'cursor', 'cursor_usage_events', 'claude_cost_report') as pull,
    activity_date, provider, billed_usd, lines, activity_date::timestamptz + to_hours(30 + 24 * version) as known_from,
    if(version < 2, activity_date::timestamptz + to_hours(54 + 24 * version), null) as known_to
    from (
        select activity_date, 'anthropic' as provider, sum(amount_usd) as billed_usd, count(*) as lines
        from {ANALYTICS}.claude_costs join days using (activity_date) group by all
        union all
        select activity_date, 'cursor', sum(charged_usd) filter (is_chargeable), count(*)
        from {ANALYTICS}.cursor_usage_events join days using (activity_date) group by all
    ), range(3) as v(version)"""

DIRECTORIES = {
    "dim_workspace": """select 'claude_workspaces' as pull, workspace_id,
        case w when 0 then 'Default' when 1 then 'Claude Code' else 'Workspace ' || w::varchar end as workspace_name,
        w = 0 as is_default from workspaces""",
    "dim_api_key_mapping": """select 'sheet_api_key_mapping' as pull, 'anthropic' as provider, api_key_id,
        'key ' || k::varchar as api_key_name, nullif(workspace_id, 'wrkspc_000') as workspace_id, 'active' as status,
        if(k % 20 = 19, null, user_email) as user_email, if(k % 20 < 16, team_name, null) as team_name,
        if(k % 20 = 19, null, user_email) as creator_email,
        case when k % 20 < 16 then 'sheet' when k % 20 < 19 then 'key_creator' else 'none' end as mapped_by,
        if(half = 0, null, date '2026-02-01') as valid_from,
        if(half = 0 and k % 10 = 0, date '2026-02-01', null) as valid_to
        from api_keys join workspaces using (w) join people using (p), range(if(k % 10 = 0, 2, 1)) as h(half)""",
    "dim_person": """select 'claude_users' as pull, user_email, user_email as person_email,
        'Person ' || p::varchar as user_name, team_name, p % 8 = 0 as is_in_sheet
        from people""",
    "dim_person_account": """select 'claude_users' as pull, user_email, user_email as person_email, provider,
        'default' as account, 'user_' || p::varchar as account_user_id, true as is_member
        from people, (values ('anthropic'), ('cursor')) as of(provider)""",
    "dim_cursor_member": """select 'cursor_members' as pull, 'user_' || p::varchar as user_id, user_email,
        'Person ' || p::varchar as user_name, if(p = 0, 'free-owner', 'member') as role, false as is_removed
        from people""",
    "console_figures": """select 'sheet_console_figures' as pull, month_number + 2 as row_number, provider,
        period_start::date as period_start, (period_start + interval 1 month)::date as period_end,
        1000.5 as amount_usd, now() as first_seen_at
        from range(24) as m(month_number), (values ('anthropic'), ('cursor')) as p(provider),
            unnest([date '2024-12-01' + to_months(month_number::int)]) as s(period_start)""",
    "budgets": """select 'sheet_budgets' as pull, month_number + 2 as row_number,
        strftime(date '2024-12-01' + to_months(month_number::int), '%Y-%m') as month, scope, scope_name,
        50000.0 as amount_usd
        from range(24) as m(month_number), (
            select 'total' as scope, null as scope_name union all
            select 'provider', unnest(['anthropic', 'cursor']) union all
            select distinct 'team', team_name from people
        )""",
    "seats": """select 'sheet_seats' as pull, 2 as row_number, provider, plan, price as seat_price_usd,
        (select count(*) from people) as seats
        from (values ('anthropic', 'Team', 30), ('cursor', 'Business', 40)) as s(provider, plan, price)""",
    "sheet_rejections": """select 'sheet_api_key_mapping' as pull, 'api_key_mapping' as tab, 9 as row_number,
        'api_key_id' as column_name, 'aaa' as value_shape, 'no such key' as reason""",
}

USAGE_RECORD = """'{"uncached_input_tokens":' || uncached_input_tokens || ',"output_tokens":' || output_tokens
    || ',"cache_read_input_tokens":' || cache_read_input_tokens || ',"cache_creation":{"ephemeral_1h_input_tokens":'
    || cache_creation_1h_tokens || ',"ephemeral_5m_input_tokens":' || cache_creation_5m_tokens
    || '},"server_tool_use":{"web_search_requests":' || web_search_requests
    || '},"account_id":null,"service_account_id":null,"api_key_id":' || quoted(api_key_id) || ',"workspace_id":'
    || quoted(workspace_id) || ',"model":"' || model || '","service_tier":"' || service_tier
    || '","context_window":"' || context_window || '","inference_geo":null}'"""
COST_RECORD = """'{"currency":"USD","amount":"' || (amount_usd * 100)::varchar || '","workspace_id":'
    || quoted(workspace_id) || ',"cost_type":"' || cost_type || '","description":' || quoted(description)
    || ',"context_window":' || quoted(context_window) || ',"model":' || quoted(model) || ',"service_tier":'
    || quoted(service_tier) || ',"token_type":' || quoted(token_type) || ',"inference_geo":'
    || quoted(inference_geo) || '}'"""
TOTAL_RECORD = """'{"currency":"USD","amount":"' || (amount_usd * 100)::varchar || '","workspace_id":null,'
    || '"cost_type":null,"description":null,"context_window":null,"model":null,"service_tier":null,'
    || '"token_type":null,"inference_geo":null}'"""
EVENT_RECORD = """'{"timestamp":"' || epoch_ms(event_at) || '","userEmail":"' || user_email || '","model":"' || model
    || '","kind":"' || kind || '","maxMode":' || max_mode || ',"requestsCosts":1.5,"isTokenBasedCall":true,'
    || '"isChargeable":' || is_chargeable || ',"isHeadless":false,"tokenUsage":{"inputTokens":' || input_tokens
    || ',"outputTokens":' || output_tokens || ',"cacheWriteTokens":' || cache_write_tokens || ',"cacheReadTokens":'
    || cache_read_tokens || ',"totalCents":' || list_usd * 100 || '},"chargedCents":' || charged_usd * 100
    || ',"cursorTokenFee":' || cursor_token_fee_usd * 100 || ',"conversationId":"' || conversation_id || '"}'"""
DAILY_RECORD = """'{"userId":' || cursor_user_id || ',"day":"' || activity_date || '","date":' || epoch_ms(date_at)
    || ',"email":"' || user_email || '","isActive":' || is_active || ',"totalLinesAdded":' || total_lines_added
    || ',"totalLinesDeleted":' || total_lines_deleted || ',"acceptedLinesAdded":' || accepted_lines_added
    || ',"acceptedLinesDeleted":' || accepted_lines_deleted || ',"totalApplies":' || total_applies
    || ',"totalAccepts":' || total_accepts || ',"totalRejects":' || total_rejects || ',"totalTabsShown":'
    || total_tabs_shown || ',"totalTabsAccepted":' || total_tabs_accepted || ',"composerRequests":0,'
    || '"chatRequests":0,"agentRequests":' || agent_requests || ',"cmdkUsages":0,"subscriptionIncludedReqs":'
    || subscription_included_reqs || ',"apiKeyReqs":0,"usageBasedReqs":' || usage_based_reqs
    || ',"bugbotUsages":0,"mostUsedModel":' || quoted(most_used_model) || ',"applyMostUsedExtension":'
    || quoted(apply_most_used_extension) || ',"tabMostUsedExtension":' || quoted(tab_most_used_extension)
    || ',"clientVersion":' || quoted(client_version) || '}'"""

RECORDS = {  # pull: the core table that its records become, and the record
    "claude_cost_report": ("claude_costs", COST_RECORD),
    "claude_cost_totals": ("claude_daily_cost", TOTAL_RECORD),
    "claude_messages_usage": ("claude_usage_tokens", USAGE_RECORD),
    "cursor_usage_events": ("cursor_usage_events", EVENT_RECORD),
    "cursor_daily_usage": ("cursor_usage_stats", DAILY_RECORD),
}
ROWS_OF_RAW = f"""select pull_id, activity_date, account,
    row_number() over (partition by activity_date order by rowid) - 1 as position, {{record}} as record
    from {ANALYTICS}.{{table}} where activity_date between $first and $last order by activity_date, position"""
COMMIT = """pull || strftime(activity_date, '-%Y-%m-%d-') || lpad(look::varchar, 2, '0') as pull_id,
    split_part(pull, '_', 1) as source, activity_date::timestamptz + to_hours(6 + 24 * look) as pulled_at, 1 as pages,
    pull || strftime(activity_date, '-%Y-%m-%d-01') as records_pull_id, '{{}}' as request, '{{}}' as envelope,
    true as is_simulated, 'default' as account"""
COMMITS = f"""select * exclude (look), {COMMIT} from (
        select '{{pull}}' as pull, activity_date, coalesce(records, 0) as records,
            coalesce(content_hash, sha256('')) as content_hash
        from days left join (
            select activity_date, count(*) as records,
                sha256(string_agg(record, chr(0) order by record)) as content_hash
            from {RAW}.{{pull}} where activity_date between $first and $last group by activity_date
        ) using (activity_date)
    ), unnest($looks::int[]) as l(look)
    where activity_date + look <= $last_day::date + 1 order by activity_date"""
UNREAD_COMMITS = f"""select * exclude (look), {COMMIT} from (
        select '{{pull}}' as pull, activity_date, 0 as records, sha256('') as content_hash from days
    ), unnest($looks::int[]) as l(look)
    where activity_date + look <= $last_day::date + 1 order by activity_date"""
