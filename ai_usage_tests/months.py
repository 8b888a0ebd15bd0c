"""Months of spend written by hand, and the marts over several months built from them."""

from collections.abc import Iterable
from datetime import date, timedelta

from ai_usage.marts.build_days import rebuild_days, rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage_tests.platform import Platform
from ai_usage_tests.spend import Row, claude, seat, spend

A = "ai_usage_analytics"
MONTHS = Span(date(2026, 9, 1), date(2026, 11, 12))
TODAY = MONTHS.last  # the newest full day
PULLS = ("claude_cost_report", "cursor_usage_events", "cursor_daily_usage")
MADE = (
    *("spend_by_scope", "forecast_history", "forecast_weekdays", "forecast_states", "forecast_error_ranges"),
    *("forecast_trials", "forecast_backtest", "spend_forecast", "budget_status", "spend_growth"),
    *("usage_series", "usage_periods", "usage_baselines", "spend_deviations", "new_keys_and_models"),
    *("former_member_spend", "spend_anomalies", "seat_use"),
)


def workday(day: date) -> bool:
    return day.isoweekday() < 6


def rhythm(span: Span = MONTHS, *, usd: int = 100) -> list[Row]:
    """A key of team Data with this cost on each workday and a tenth of it on weekends, and a seat of $31 a month."""
    return [
        row
        for day in span.days
        for row in (
            claude(spend_date=day, billed_usd=str(usd if workday(day) else usd / 10)),
            seat(spend_date=day, billed_usd="1"),
        )
    ]


def live(platform: Platform, rows: Iterable[Row], *, unpulled: Iterable[date] = ()) -> Platform:
    """The months as the platform would have them: every day pulled except `unpulled`, and the billed rows."""
    days = [day for day in MONTHS.days if day not in set(unpulled)]
    pulled = [*((pull, day) for pull in PULLS for day in days), ("sheet_budgets", None)]
    with platform.warehouse.connected() as db:
        spend(platform.warehouse, rows)
        db.execute("delete from ai_usage_raw.pulls")
        db.execute(
            "insert into ai_usage_raw.pulls select id, 's', 'default', pull, day, heard, 1, 1, 'h', id, "
            "'{}', '{}', true, null "
            "from (select unnest($ids) as id, unnest($pulls) as pull, unnest($days) as day, unnest($heard) as heard)",
            {
                "ids": [f"{pull} {day}" for pull, day in pulled],
                "pulls": [pull for pull, _ in pulled],
                "days": [day for _, day in pulled],
                "heard": [f"{(day or TODAY) + timedelta(days=1)}T06:00:00Z" for _, day in pulled],
            },
        )
        return make(platform)


def make(platform: Platform, span: Span = MONTHS) -> Platform:
    """Builds the marts again from the current data."""
    with platform.warehouse.connected():
        for mart in marts():
            if mart.table.name == "cursor_seats":  # without the gate: these months have no records in raw
                first, last = span.first, span.last
                platform.warehouse.fill_days(mart.table, mart.query, span.days, first_day=first, last_day=last)
            elif mart.table.name in MADE and mart.is_daily:
                rebuild_days(platform.warehouse, mart, span)
            elif mart.table.name in MADE:
                rebuild_whole(platform.warehouse, mart)
    return platform


def budget(platform: Platform, usd: str, scope: str = "total", name: str | None = None, month: str = "2026-11") -> None:
    """Adds a row to the sheet's budgets."""
    named = "null" if name is None else f"'{name}'"
    platform.sql(
        f"insert into {A}.budgets values (2, '{month}', '{scope}', {named}, {usd}, 'sheet', '2026-11-13T06:00:00Z')"
    )


def person(platform: Platform, email: str, *, is_member: bool) -> None:
    """Adds a person, who is a member of an account or of none."""
    platform.sql(
        f"insert into {A}.dim_person by name select '{email}' as user_email, '{email}' as person_email, "
        "true as is_in_sheet, 'p' as pull_id, now() as ingestion_timestamp"
    )
    platform.sql(
        f"insert into {A}.dim_person_account by name select '{email}' as user_email, '{email}' as person_email, "
        f"'anthropic' as provider, 'default' as account, {is_member} as is_member, 'p' as pull_id, "
        "now() as ingestion_timestamp"
    )


def cost_center(platform: Platform, email: str, name: str) -> None:
    """The row of the tab people for a person who exists already."""
    platform.sql(f"update {A}.dim_person set cost_center = '{name}' where user_email = '{email}'")


def owner(platform: Platform, key: str, email: str) -> None:
    """The owner of a key, by the sheet."""
    platform.sql(
        f"insert into {A}.dim_api_key_mapping by name select '{key}' as api_key_id, 'etl' as api_key_name, "
        "'anthropic' as provider, "
        f"'active' as status, '{email}' as user_email, 'sheet' as mapped_by, 'p' as pull_id, "
        "now() as ingestion_timestamp"
    )


def member(platform: Platform, email: str, days: Span, *, active: bool) -> None:
    """A member of the Cursor team over these days, with a seat of $40."""
    platform.sql(
        f"insert into {A}.dim_cursor_member by name select 'user_1' as user_id, '{email}' as user_email, "
        "'default' as account, 'X' as user_name, 'member' as role, false as is_removed, 'p' as pull_id, "
        "now() as ingestion_timestamp"
    )
    with platform.warehouse.connected() as db:
        needed = {
            name: type_
            for name, type_, is_nullable in db.execute(
                "select column_name, data_type, is_nullable from information_schema.columns "
                "where table_name = 'cursor_usage_stats'"
            ).fetchall()
            if is_nullable == "NO"
        }
        zero = {"BIGINT": "0", "VARCHAR": "'x'", "BOOLEAN": "false", "TIMESTAMP WITH TIME ZONE": "now()"}
        known = {
            "activity_date": "d::date",
            "account": "'default'",
            "user_email": f"'{email}'",
            "is_active": str(active),
        }
        columns = {name: zero.get(type_, "0") for name, type_ in needed.items()} | known
        db.execute(
            f"insert into {A}.cursor_usage_stats by name select "
            f"{', '.join(f'{value} as {name}' for name, value in columns.items())} "
            f"from generate_series(date '{days.first}', date '{days.last}', interval 1 day) as t(d)"
        )
        db.execute(
            f"insert into {A}.dim_cursor_plan select 'Teams', '2026-01-01', null, 40, null "
            f"where not exists (from {A}.dim_cursor_plan)"
        )
