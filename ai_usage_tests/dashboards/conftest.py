"""A company of forty people over a quarter in the marts, and some check results."""

import ssl
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from ai_usage.catalog import TABLES
from ai_usage.dashboards import cards
from ai_usage.marts.build_days import rebuild_all, rebuild_days, rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.settings import settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage_tests.dashboards.metabase_stand_in import StandIn, standing_in
from ai_usage_tests.dashboards.provisioned import SQL
from ai_usage_tests.marts.by_hand import know_providers
from ai_usage_tests.once import once
from bench.company import LAST, Company

COMPANY = Company(people=40, days=110)
A = "ai_usage_analytics"
OF_ACTIVITY = {"active_people", "activity_by_person", "activity_by_team", "cost_of_output"}
HISTORY = f"""
insert into {A}.check_results
select 'core/claude_costs', 'no_day_is_missing', d::date, case when d::date = date '2026-10-09' then 'failed'
    when d::date = date '2026-11-02' then 'warned' else 'passed' end as result,
    case result when 'passed' then null else 'because of ' || strftime(d, '%A') end,
    timestamptz '2026-11-20 06:00:00+00', 'r'
from range(date '2026-09-01', date '2026-11-20', interval 1 day) as t(d)
union all values
    ('core/seats', 'sheet_can_be_read', null, 'warned', 'dev@example.com says so', timestamptz '2026-11-20 06:00:00+00',
        'r'),
    ('core/claude_costs', 'cost_lines_are_unique', date '2026-11-19', 'passed', null,
        timestamptz '2026-11-20 06:00:00+00', 'r'),
    ('core/claude_costs', 'no_day_is_missing', date '2026-11-20', 'not evaluated', 'No provider was asked.',
        timestamptz '2026-11-20 06:00:00+00', 'r'),
    ('raw/sheet_budgets', 'pull_is_recent', null, 'not evaluated', 'Not configured.',
        timestamptz '2026-11-20 06:00:00+00', 'r');
update {A}.spend_versions set billed_usd = billed_usd + 1.5
where activity_date = date '2026-10-20' and known_to is not null;
update {A}.spend_versions as v set billed_usd = billed_usd + 1
where activity_date = date '2026-10-20' and known_from = (
    select min(known_from) from {A}.spend_versions as o
    where o.activity_date = v.activity_date and o.provider = v.provider
);
insert into {A}.cursor_spend_limits by name
select 'default' as account, timestamptz '2026-11-03 00:00:00+00' as cycle_start_at, user_email as user_id, user_email,
    100 as effective_limit_usd, hash(user_email) % 120 as spend_usd, 'p' as pull_id,
    timestamptz '2026-11-20 06:00:00+00' as ingestion_timestamp
from (select distinct user_email from {A}.cursor_usage_stats where user_email is not null);
update {A}.dim_person set cost_center = case when hash(team_name) % 2 = 0 then '4100' else '4200' end
where user_email != 'person00006@example.com';
update {A}.dim_person set team_name = null where user_email in ('person00004@example.com', 'person00010@example.com');
delete from {A}.claude_code_usage_stats where user_email = 'person00005@example.com' and month(activity_date) = 9;
"""
# States that the company lacks and cards must handle, planted once the days are built: a day that differs from its
# ledger is blocked.
EDGES = f"""
update {A}.cursor_usage_stats set is_active = false, composer_requests = 0, chat_requests = 0, agent_requests = 0,
    cmdk_usages = 0, total_tabs_shown = 0, total_accepts = 0, total_rejects = 0
where user_email in ('person00003@example.com', 'person00007@example.com') and activity_date > date '2026-10-15';
update {A}.ai_activity set is_active = false
where user_email = 'person00006@example.com' and activity_date between date '2026-09-02' and date '2026-09-30';
update {A}.ai_activity set is_active = false
where user_email = 'person00009@example.com' and activity_date between date '2026-10-01' and date '2026-10-31';
update {A}.ai_activity set pull_requests = (activity_date = date '2026-10-07')::int,
    suggestions = (activity_date = date '2026-10-07')::int, suggestions_accepted = 0
where user_email in ('person00000@example.com', 'person00010@example.com') and month(activity_date) = 10;
update {A}.claude_parity set priority_tier_usd = 1.5, restatement_usd = -2, not_settled_usd = 3, rounding_usd = 1e-9,
    outside_console_usd = 7, unexplained_usd = 0.25 where activity_date = date '2026-10-07';
update {A}.month_close set restated_since_figure_usd = 4.25, days_outside_figure_usd = -5, missing_days_usd = 6,
    blocked_days_usd = 8, invoice_usd = 9, changed_since_close_usd = 3, rounding_usd = 0.001, unexplained_usd = -0.5
where month = '2026-10';
"""


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBWarehouse]:
    warehouse = _warehouse_in(once(tmp_path_factory, "company", lambda folder: _live(_warehouse_in(folder))))
    with warehouse.connected():
        yield warehouse


def _warehouse_in(folder: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(folder / "a.duckdb", folder / "b.duckdb", TABLES, settings().now)


def _live(warehouse: DuckDBWarehouse) -> None:
    COMPANY.fill(warehouse)
    know_providers(warehouse)
    with warehouse.connected() as db:
        db.execute(HISTORY)
        assert LAST - timedelta(days=COMPANY.days - 1) < date(2026, 9, 1)
        for _ in rebuild_all(warehouse, [COMPANY.span]):
            pass
        db.execute(EDGES)
        for mart in marts():
            if mart.table.name == "seat_use":
                rebuild_whole(warehouse, mart)
            elif mart.table.name in OF_ACTIVITY:
                rebuild_days(warehouse, mart, COMPANY.span)


@pytest.fixture
def one_select_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "read", lambda _: SQL)


@pytest.fixture(scope="module")
def one_context_for_all() -> Iterator[None]:
    """A client reads every certificate authority, which takes a tenth of a second, and these tests open hundreds of
    clients.
    """
    context = ssl.create_default_context()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", lambda **_: context)
        yield


@pytest.fixture
def there() -> Iterator[StandIn]:
    with standing_in() as metabase:
        yield metabase
