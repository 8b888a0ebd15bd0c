"""The marts over several months, on months written by hand: forecasts, budgets, growth and anomalies."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.marts.build_days import rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage_tests.months import MONTHS, TODAY, A, live, make, rhythm, workday
from ai_usage_tests.platform import Platform
from ai_usage_tests.spend import claude, cursor, seat

SILENT = [TODAY - timedelta(days=n) for n in range(3)]


def forecast(platform: Platform, scope: str = "all") -> tuple[Any, ...]:
    [row] = platform.sql(
        f"select as_of_date, days_left, spent_usd, forecast_usd from {A}.spend_forecast where scope_name = '{scope}'"
    )
    return row


def anomalies(platform: Platform, kind: str = "spike") -> list[tuple[Any, ...]]:
    return platform.sql(
        f"select spend_date, scope, label, excess_usd from {A}.spend_anomalies where kind = '{kind}' order by all"
    )


def test_a_steady_rhythm_is_forecast_to_the_cent_and_the_run_rate_is_not(platform: Platform) -> None:
    live(platform, rhythm())
    assert forecast(platform) == (TODAY, 18, Decimal(942), Decimal(2220))
    errors = dict(
        platform.sql(
            f"""select method, mape_ratio from {A}.forecast_backtest where scope = 'all' and horizon = 'all'"""
        )
    )
    assert errors["chosen"] == errors["weekday_mean"] == 0
    assert errors["naive_run_rate"] > Decimal("0.015")


def test_seats_are_forecast_as_price_times_days(platform: Platform) -> None:
    live(platform, [seat(spend_date=day, billed_usd="2.333333333") for day in MONTHS.days])
    assert forecast(platform) == (TODAY, 18, 12 * Decimal("2.333333333"), Decimal("70.00"))


def test_a_seat_change_that_the_sheet_dates_is_forecast_exactly(platform: Platform) -> None:
    for provider in ("cursor", "anthropic"):  # Anthropic bills no seats here
        plan = "'p' as pull_id, now() as ingestion_timestamp, 'Team' as plan, 30 as seat_price_usd"
        plan = f"insert into {A}.seats by name select '{provider}' as provider, {plan}"
        platform.sql(f"{plan}, 2 as row_number, 1 as seats, date '2026-11-20' as valid_to")
        platform.sql(f"{plan}, 3 as row_number, 3 as seats, date '2026-11-20' as valid_from")
    live(platform, [seat(spend_date=day, billed_usd="1") for day in MONTHS.days])
    assert forecast(platform) == forecast(platform, "cursor") == (TODAY, 18, Decimal(12), Decimal(12 + 7 + 11 * 3))
    assert forecast(platform, "anthropic") == (TODAY, 18, Decimal(0), Decimal(0))
    assert forecast(platform, "no team") == (TODAY, 18, Decimal(12), Decimal(30))  # the team of a new seat is not known


def test_an_interval_begins_below_its_forecast_and_a_batch_run_is_not_repeated(platform: Platform) -> None:
    live(platform, [*rhythm(), claude(spend_date=date(2026, 11, 10), billed_usd="5000")])
    assert platform.sql(
        f"""select count(*) > 60, bool_and(low_usd < forecast_usd and forecast_usd < high_usd)
        from {A}.forecast_trials where scope = 'total' and days_left > 0 and method != 'naive_run_rate'"""
    ) == [(True, True)]
    mean, ewma = (
        platform.sql(
            f"""select forecast_usd - spent_usd - 18 from {A}.forecast_trials
            where scope = 'total' and origin_date = '{TODAY}' and method = 'weekday_{method}'"""
        )[0][0]
        for method in ("mean", "ewma")
    )
    assert (mean, 1300 < ewma < 2000) == (1260 + 2 * 1250, True)  # two Tuesdays remain


def test_an_interval_holds_eight_of_ten_earlier_errors_and_relies_on_three_months_of_none(platform: Platform) -> None:
    """Errors of 1 to 9 deviations in October: the eighth has a weight of a quarter, the normal distribution of three
    quarters.
    """
    columns = "scope, scope_name, origin_date, month_start, days_known_count, days_left_count, spent_usd, actual_usd, "
    columns += "seats_left_usd, mean_left_usd, median_left_usd, ewma_left_usd, spread_usd"
    months = [("2026-10", day, 27, 1000 + 100 + 10 * day) for day in range(1, 10)] + [("2026-11", 1, 29, "null")]
    platform.sql(
        f"insert into {A}.forecast_states ({columns}) values "
        + ", ".join(
            f"('total', 'all', '{month}-{day:02}', '{month}-01', 3, {left}, 1000, {actual}, 0, 100, 100, 100, 0)"
            for month, day, left, actual in months
        )
    )
    with platform.warehouse.connected():
        for mart in marts():
            if mart.table.name in {"forecast_error_ranges", "forecast_trials"}:
                rebuild_whole(platform.warehouse, mart)
    ends = platform.sql(
        f"""select distinct month, interval_basis, low_usd, forecast_usd, high_usd from {A}.forecast_trials
        where method = 'chosen' order by month"""
    )
    assert ends == [
        ("2026-10", "spread of days", Decimal("1087.18"), Decimal(1100), Decimal("1112.82")),
        ("2026-11", "kind", Decimal("1070.39"), Decimal(1100), Decimal("1129.61")),  # (3 * 1.2816 + 8) / 4 = 2.9612
    ]


def test_a_public_holiday_is_forecast_as_a_sunday_and_is_no_drop(platform: Platform) -> None:
    past, future = date(2026, 11, 11), date(2026, 11, 26)  # a Wednesday and a Thursday
    quiet = claude(spend_date=past, billed_usd="10")
    live(
        platform,
        [*(row for row in rhythm() if row["spend_date"] != past), quiet, seat(spend_date=past, billed_usd="1")],
    )
    before = forecast(platform)[3]
    assert {day for day, *_ in anomalies(platform, "drop")} == {past}
    platform.sql(f"insert into {A}.dim_holiday values ('{past}', 'Martinmas'), ('{future}', 'Thanksgiving')")
    make(platform)
    assert anomalies(platform, "drop") == []
    spent, month_end = forecast(platform)[2:]
    assert (before - spent < 1278, month_end - spent) == (True, 1278 - 90)


def test_three_days_without_records_of_a_provider_are_unknown_not_zero(platform: Platform) -> None:
    live(platform, [row for row in rhythm() if row["spend_date"] not in SILENT], unpulled=SILENT)
    as_of, days_left, _, month_end = forecast(platform)
    assert (as_of, days_left, month_end) == (TODAY - timedelta(days=3), 21, Decimal(2220))
    assert anomalies(platform, "drop") == []


def test_days_pulled_without_a_cent_are_a_drop(platform: Platform) -> None:
    live(platform, [row for row in rhythm() if row["spend_date"] not in SILENT or row["charge_type"] != "usage"])
    assert {(day, scope) for day, scope, _, _ in anomalies(platform, "drop")} == {
        (day, scope) for day in SILENT for scope in ("provider", "team", "api_key")
    }
    alerted = f"select distinct spend_date from {A}.spend_anomalies where kind = 'drop' and not is_repeat"
    assert platform.sql(alerted) == [(min(SILENT),)]


def test_a_day_with_one_provider_unknown_is_not_whole(platform: Platform) -> None:
    rows = [*rhythm(), *(cursor(spend_date=day, billed_usd="5") for day in MONTHS.days)]
    live(platform, rows)
    platform.sql(f"delete from ai_usage_raw.pulls where pull = 'cursor_usage_events' and activity_date = '{TODAY}'")
    make(platform)
    whole = platform.sql(f"select scope, scope_name, is_complete from {A}.spend_by_scope where spend_date = '{TODAY}'")
    assert ("provider", "anthropic", True) in whole
    assert {("provider", "cursor", False), ("total", "all", False), ("team", "Data", False)} <= set(whole)
    assert forecast(platform)[0] == TODAY - timedelta(days=1)


def test_weekends_month_starts_and_monday_jobs_are_no_anomalies(platform: Platform) -> None:
    job = [
        claude(spend_date=day, api_key_id="apikey_2", billed_usd="300" if day.isoweekday() == 1 else "1")
        for day in MONTHS.days
    ]
    live(platform, [*rhythm(), *job])
    assert [row for row in anomalies(platform) if row[0] > MONTHS.first + timedelta(days=28)] == []


def test_a_spike_names_the_key_and_leaves_its_neighbours_alone(platform: Platform) -> None:
    day = date(2026, 11, 4)
    quiet = [claude(spend_date=d, api_key_id="apikey_2", billed_usd="5") for d in MONTHS.days]
    live(platform, [*rhythm(), *quiet, claude(spend_date=day, api_key_id="apikey_2", billed_usd="400")])
    assert (day, "api_key", "apikey_2", Decimal(400)) in anomalies(platform)
    assert {(d, label) for d, scope, label, _ in anomalies(platform) if scope == "api_key"} == {(day, "apikey_2")}
    [(contributors,)] = platform.sql(f"select contributors from {A}.spend_anomalies where scope = 'provider'")
    assert contributors == "apikey_2 +$400"


def test_a_job_on_a_holiday_is_no_spike_and_a_key_that_rises_or_stops_is_found(platform: Platform) -> None:
    holiday, rise, stop = date(2026, 11, 9), date(2026, 10, 19), date(2026, 11, 10)
    platform.sql(f"insert into {A}.dim_holiday values ('{holiday}', 'A Monday')")
    costs: dict[str, Callable[[date], float]] = {
        "monday": lambda day: 300 if day.isoweekday() == 1 else 1,
        "rising": lambda day: 100 * 1.05 ** max(0, (day - rise).days),
        "stopped": lambda day: 0 if day >= stop else 45,
    }
    rows = [
        claude(spend_date=day, api_key_id=key, model=key, billed_usd=f"{cost(day):.2f}")
        for key, cost in costs.items()
        for day in MONTHS.days
        if cost(day)
    ]
    live(platform, [*rhythm(), *rows])
    found = platform.sql(
        f"select kind, scope_name, min(spend_date), countif(not is_repeat) from {A}.spend_anomalies "
        "where scope = 'api_key' and kind in ('spike', 'drop') group by all order by all"
    )
    assert [(kind, key, alerts) for kind, key, _, alerts in found] == [("drop", "stopped", 1), ("spike", "rising", 1)]
    assert found[0][2] == stop


def test_a_series_is_compared_from_28_days_after_its_first_on(platform: Platform) -> None:
    day = date(2026, 11, 4)
    steady = [
        claude(spend_date=one, api_key_id=key, team_name=key, model=key, billed_usd="400" if one == day else "9")
        for key, first in (("old", day - timedelta(days=28)), ("young", day - timedelta(days=27)))
        for one in MONTHS.days
        if one >= first
    ]
    live(platform, [*rhythm(), *steady])
    found = {(scope, label) for at, scope, label, _ in anomalies(platform) if at == day and scope != "provider"}
    assert found == {("api_key", "old"), ("team", "old"), ("model", "old")}


def test_a_new_key_and_model_are_reported_once_and_not_on_the_first_day(platform: Platform) -> None:
    days = Span(date(2026, 11, 2), TODAY).days
    new = [claude(spend_date=day, api_key_id="apikey_3", model="new", billed_usd="2") for day in days]
    live(platform, [*rhythm(), *new])
    assert anomalies(platform, "new_key") == [(date(2026, 11, 4), "api_key", "apikey_3", Decimal(6))]
    assert anomalies(platform, "new_model") == [(date(2026, 11, 4), "model", "new", Decimal(6))]


def test_a_days_anomalies_are_the_same_built_alone_or_with_others(platform: Platform) -> None:
    days = [
        claude(spend_date=d, api_key_id="apikey_2", billed_usd=str(d.day**2 % 97)) for d in MONTHS.days if workday(d)
    ]
    spike = claude(spend_date=date(2026, 11, 4), api_key_id="apikey_2", billed_usd="400")
    live(platform, [*rhythm(), *days, spike, claude(spend_date=date(2026, 11, 9), api_key_id="apikey_3")])
    together = platform.sql(f"select * from {A}.spend_anomalies order by all")
    assert {row[1] for row in together} == {"spike", "new_key"}
    for day in {row[0] for row in together} | {TODAY}:
        make(platform, Span(day, day))
    assert platform.sql(f"select * from {A}.spend_anomalies order by all") == together


def test_growth_compares_as_many_days_and_nothing_where_one_is_missing(platform: Platform) -> None:
    live(platform, rhythm(), unpulled=[date(2026, 9, 3)])
    found = platform.sql(
        f"select month, days, spent_usd, previous_usd from {A}.spend_growth where scope = 'total' order by 1"
    )
    assert found == [
        ("2026-09", 30, Decimal(2209), None),
        ("2026-10", 30, Decimal(2310), None),
        ("2026-11", 12, Decimal(942), Decimal(852)),
    ]
