"""Seats are billed as purchased: to the cent, once per person, and only on days that were pulled."""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ai_usage.marts.build_days import rebuild_whole
from ai_usage.marts.files import marts
from ai_usage_tests.marts.by_hand import know_providers, pull, put
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform, platform_in

A = "ai_usage_analytics"
FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
ADA, GRACE, MARY = "ada@example.com", "grace@example.com", "mary@example.com"
THREE = (ADA, GRACE, MARY)
SEATS_OF_86 = {"provider": "cursor", "plan": "Teams", "seat_price_usd": Decimal(40), "seats": 86}
PULLS = {"cursor": "cursor_usage_events", "anthropic": "claude_cost_report"}


def month(first: date) -> list[date]:
    return [first + timedelta(days=n) for n in range(monthrange(first.year, first.month)[1])]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """One warehouse for all tests: each test replaces the rows of the one before."""
    return platform_in(tmp_path_factory.mktemp("seats"))


def company(
    desk: Platform,
    *,
    seats: Sequence[Row],
    members: Iterable[str | None] = THREE,
    also_in_eu: Iterable[str] = (),
    days: Sequence[date] = (),
    asked: Sequence[date] | None = None,
    plans: Sequence[Row] = (),
    provider: str = "cursor",
    roles: dict[str, str] | None = None,
    estimate: Decimal | None = None,
) -> Platform:
    """The sheet's seats, the members of the Cursor team and of the team of account eu, and the pulled days."""
    days = days or month(MARCH)
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    know_providers(desk.warehouse)
    put(desk, "seats", seats)
    put(desk, "dim_cursor_plan", plans)
    listed = {who: "member" for who in members if who} | (roles or {})
    teams = {"default": listed, "eu": dict.fromkeys(also_in_eu, "member")}
    dim = [{"account": team, "user_email": who, "role": role} for team, of in teams.items() for who, role in of.items()]
    put(desk, "dim_cursor_member", dim)
    seen = [*(("default", who) for who in members), *(("eu", who) for who in also_in_eu)]
    of_all = {"is_active": True, "estimated_cost_usd": estimate}
    stats = [{"activity_date": day, "account": team, "user_email": who, **of_all} for day in days for team, who in seen]
    put(desk, "cursor_usage_stats", stats)
    put(desk, "pulls", [pull(PULLS[provider], day, noon) for day in (days if asked is None else asked)])
    for name in ("cursor_seats", "cursor_expenses", "ai_spend"):
        put(desk, name, [])
        mart = next(one for one in marts() if one.table.name == name)
        desk.warehouse.fill_days(mart.table, mart.query, days, first_day=days[0], last_day=days[-1])
    rebuild_whole(desk.warehouse, next(mart for mart in marts() if mart.table.name == "seat_use"))
    return desk


def billed(desk: Platform, *by: str, table: str = "ai_spend", where: str = "meter = 'seat'") -> list[tuple[Any, ...]]:
    columns = "".join(f"{name}, " for name in by)
    return desk.sql(
        f"select {columns}sum(billed_usd) from {A}.{table} where {where} "
        f"group by all order by {', '.join(f'{name} nulls last' for name in by) or '1'}"
    )


@pytest.mark.parametrize("first", [FEBRUARY, MARCH], ids=str)
def test_eighty_six_purchased_seats_and_three_members_cost_eighty_six_seats(desk: Platform, first: date) -> None:
    """Case 13: $3,440 a month, in months of 28 and of 31 days; 83 of the seats are on a separate row."""
    company(desk, seats=[SEATS_OF_86], days=month(first))
    assert billed(desk) == [(Decimal(3440),)]
    assert billed(desk, "user_email") == [
        (ADA, Decimal(40)),
        (GRACE, Decimal(40)),
        (MARY, Decimal(40)),
        (None, Decimal(3320)),
    ]
    rows = desk.sql(
        f"select distinct user_email, attribution_method, quantity, unit, sub_account, charge_type from {A}.ai_spend "
        "where user_email is null"
    )
    assert rows == [(None, "unattributed", Decimal(83), "seats", "Teams", "subscription")]
    assert desk.sql(f"select distinct sum(quantity) from {A}.ai_spend group by spend_date") == [(Decimal(86),)]
    unassigned = desk.sql(f"select seats, seat_price_usd, saving_usd from {A}.seat_use where not is_assigned")
    assert unassigned == [(83, Decimal(40), Decimal(3320))]
    assert desk.sql(f"select count(*), count(user_email) from {A}.seat_use where is_assigned") == [(3, 3)]


def test_seats_are_as_of_the_last_day_that_every_configured_team_is_known(desk: Platform) -> None:
    days = month(MARCH)
    as_of = f"select distinct as_of_date from {A}.seat_use"
    assigned = f"select user_email, last_active_date from {A}.seat_use where is_assigned order by user_email"
    unassigned = f"select seats from {A}.seat_use where not is_assigned"
    seat_use = next(mart for mart in marts() if mart.table.name == "seat_use")
    company(desk, seats=[{**SEATS_OF_86, "seats": 5}], members=(ADA, GRACE), also_in_eu=(MARY,), days=days)
    for mart in ("cursor_usage_stats", "cursor_seats"):
        desk.sql(f"delete from {A}.{mart} where account = 'eu' and activity_date = '{days[-1]}'")
    desk.sql(f"update {A}.cursor_seats set seats = 3 where not is_assigned and activity_date = '{days[-1]}'")
    rebuild_whole(desk.warehouse, seat_use)
    assert desk.sql(as_of) == [(days[-2],)]
    assert desk.sql(assigned) == [(who, days[-2]) for who in (ADA, GRACE, MARY)]
    assert desk.sql(unassigned) == [(2,)]
    put(desk, "dim_account", [{"provider": "cursor", "account": "eu", "is_expected": False}])
    rebuild_whole(desk.warehouse, seat_use)
    put(desk, "dim_account", [])
    assert desk.sql(as_of) == [(days[-1],)]
    assert desk.sql(assigned) == [(who, days[-1]) for who in (ADA, GRACE)]
    assert desk.sql(unassigned) == [(3,)]


def test_a_seat_used_less_than_weekly_is_under_used_unless_its_member_is_on_leave_or_new(desk: Platform) -> None:
    days = month(MARCH)
    stats = f"{A}.cursor_usage_stats"
    put(desk, "dim_person", [{"user_email": who, "person_email": who} for who in (*THREE, "bob@example.com")])
    put(desk, "people", [{"user_email": MARY, "leave_from": days[-1]}])
    members = (*THREE, "bob@example.com", "eve@example.com")
    company(
        desk,
        seats=[{**SEATS_OF_86, "seats": 7}, {"provider": "anthropic", "plan": "Team", "seats": 9}],
        days=days,
        members=members,
    )
    desk.sql(f"update {stats} set is_active = false where activity_date <= '{days[-4]}' and user_email != '{ADA}'")
    desk.sql(f"update {stats} set is_active = false where activity_date <= '{days[-5]}' and user_email = '{ADA}'")
    desk.sql(f"delete from {stats} where activity_date <= '{days[5]}' and user_email = 'bob@example.com'")
    desk.sql(f"update {stats} set is_active = false where user_email = 'eve@example.com'")
    rebuild_whole(desk.warehouse, next(mart for mart in marts() if mart.table.name == "seat_use"))
    found = desk.sql(f"select user_email, days_active, is_under_used, is_idle, is_exempt from {A}.seat_use order by 1")
    assert found == [
        (ADA, 4, False, False, False),
        ("bob@example.com", 3, False, False, True),  # a new member with 26 known days
        ("eve@example.com", 0, False, True, False),
        (GRACE, 3, True, False, False),
        (MARY, 3, False, False, True),
        (None, 0, False, False, False),
    ]
    counts = "purchased, assigned, unassigned, active, under_used, idle, exempt, idle_usd, seat_price_usd"
    assert desk.sql(f"select provider, plan_name, {counts} from {A}.seat_summary order by 1") == [
        ("cursor", "Teams", 7, 5, 2, 4, 1, 1, 2, Decimal(120), Decimal(40)),
    ]
    put(desk, "dim_person", [])
    put(desk, "people", [])


def test_a_cost_center_is_the_person_s_and_else_that_of_the_whole_team(desk: Platform) -> None:
    people: list[Row] = [
        {"user_email": ADA, "person_email": ADA, "team_name": "Data", "cost_center": "4100"},
        {"user_email": GRACE, "person_email": GRACE, "team_name": "Data", "cost_center": None},
        {"user_email": MARY, "person_email": MARY, "team_name": "Web", "cost_center": "4100"},
        {"user_email": "bob@example.com", "person_email": "bob@example.com", "team_name": "Web", "cost_center": "4200"},
    ]
    charges: list[Row] = [
        {"team_name": "Data", "cost_usd": Decimal(1)},
        {"team_name": "Web", "cost_usd": Decimal(2)},
        {"team_name": "Web", "user_email": MARY, "cost_usd": Decimal(3)},
        {"cost_usd": Decimal(4)},
    ]
    put(desk, "dim_person", people)
    put(desk, "claude_attributed_costs", [{"expense_date": MARCH, **charge} for charge in charges])
    company(desk, seats=[{**SEATS_OF_86, "seats": 3}], days=[MARCH])
    assert desk.sql(f"select cost_center, billed_usd from {A}.ai_spend where provider = 'anthropic' order by 2") == [
        ("4100", Decimal(1)),
        (None, Decimal(2)),
        ("4100", Decimal(3)),
        (None, Decimal(4)),
    ]
    assert dict(desk.sql(f"select user_email, cost_center from {A}.ai_spend where provider = 'cursor'")) == {
        ADA: "4100",
        GRACE: None,
        MARY: "4100",
    }
    put(desk, "dim_person", [])
    put(desk, "claude_attributed_costs", [])


def test_two_plans_cost_what_was_purchased_and_no_person_is_charged_a_guess(desk: Platform) -> None:
    """Case 14: 80 × $40 and 6 × $120 are $3,920 a month; each person's plan is not known."""
    company(
        desk,
        seats=[
            {**SEATS_OF_86, "seats": 80},
            {**SEATS_OF_86, "seats": 6, "plan": "Enterprise", "seat_price_usd": Decimal(120)},
        ],
    )
    assert billed(desk) == [(Decimal(3920),)]
    assert billed(desk, "sub_account", "user_email", "quantity") == [
        ("Enterprise", None, Decimal(6), Decimal(720)),
        ("Teams", None, Decimal(80), Decimal(3200)),
        (None, ADA, None, None),
        (None, GRACE, None, None),
        (None, MARY, None, None),
    ]
    assert desk.sql(f"select distinct sum(quantity) from {A}.ai_spend group by spend_date") == [(Decimal(86),)]
    unassigned = desk.sql(
        f"select seats, plan_name, seat_price_usd, saving_usd from {A}.seat_use where not is_assigned"
    )
    assert unassigned == [(83, None, None, None)]


def test_two_plans_at_one_price_are_known_by_person(desk: Platform) -> None:
    """A member's plan is not known, but the price of the seat is."""
    company(desk, seats=[{**SEATS_OF_86, "seats": 80}, {**SEATS_OF_86, "seats": 6, "plan": "Teams yearly"}])
    assert billed(desk, "sub_account", "user_email") == [
        (None, ADA, Decimal(40)),
        (None, GRACE, Decimal(40)),
        (None, MARY, Decimal(40)),
        (None, None, Decimal(3320)),
    ]


def test_a_member_invited_again_under_a_second_id_has_one_seat(desk: Platform) -> None:
    """Case 15: one address with two ids on a day is one seat, quantity 1, by the sheet or by CURSOR_PLANS."""
    twice = (ADA, ADA, GRACE)
    company(desk, seats=[{**SEATS_OF_86, "seats": 2}], members=twice)
    assert billed(desk, "user_email", "quantity") == [(ADA, Decimal(1), Decimal(40)), (GRACE, Decimal(1), Decimal(40))]
    plan = {"plan_name": "File", "valid_from": date(2026, 1, 1), "seat_price_usd": Decimal(31)}
    company(desk, seats=[], members=twice, plans=[plan], estimate=Decimal("1.5"))
    assert billed(desk, "user_email", "quantity") == [(ADA, Decimal(1), Decimal(31)), (GRACE, Decimal(1), Decimal(31))]
    estimates = desk.sql(f"select user_email, estimated_cost_usd from {A}.cursor_expenses group by all order by all")
    assert estimates == [(ADA, Decimal("2.0")), (GRACE, Decimal("1.5"))]  # the seat's dollar of the day counts once


@pytest.mark.parametrize(("organizations", "charged"), [(["org-1"], "org-1"), (["org-1", "org-2"], "anthropic")])
def test_seats_of_claude_are_charged_to_no_organization_if_there_are_several(
    desk: Platform, organizations: list[str], charged: str
) -> None:
    bills = [{"activity_date": MARCH, "account": of, "organization_id": of} for of in organizations]
    put(desk, "claude_daily_cost", bills)
    company(desk, seats=[{**SEATS_OF_86, "provider": "anthropic"}], provider="anthropic")
    assert billed(desk, "billing_account_id", "account") == [(charged, None, Decimal(3440))]
    put(desk, "claude_daily_cost", [])


def test_a_member_of_two_teams_has_a_seat_in_each(desk: Platform) -> None:
    """At the price in CURSOR_PLANS, and with the seats in the sheet."""
    plan = {"plan_name": "File", "valid_from": date(2026, 1, 1), "seat_price_usd": Decimal(31)}
    company(desk, seats=[], members=(ADA, GRACE), also_in_eu=(ADA, MARY), plans=[plan])
    assert billed(desk, "user_email", "account", "billing_account_id", "quantity") == [
        (ADA, "default", "cursor-team", Decimal(1), Decimal(31)),
        (ADA, "eu", "cursor-team-eu", Decimal(1), Decimal(31)),
        (GRACE, "default", "cursor-team", Decimal(1), Decimal(31)),
        (MARY, "eu", "cursor-team-eu", Decimal(1), Decimal(31)),
    ]
    invoices = desk.sql(f"select distinct BillingAccountId, InvoiceId from {A}.focus_1_2 order by 1")
    assert invoices == [
        ("cursor-team", "provisional-cursor-cursor-team-2026-03"),
        ("cursor-team-eu", "provisional-cursor-cursor-team-eu-2026-03"),
    ]
    lines = [  # for March until the 20th for all accounts, and for one account; usage is on another invoice
        {"invoice_id": "IN-1", "covers": "seats", "period_end": date(2026, 4, 1)},
        {"invoice_id": "IN-EU", "covers": "seats", "period_end": date(2026, 4, 1), "account": "eu"},
        {"invoice_id": "IN-U", "covers": "usage", "period_end": date(2026, 4, 1)},
    ]
    known = {"provider": "cursor", "period_start": date(2026, 3, 1), "currency": "USD"}
    put(desk, "invoices", [known | line for line in lines])
    ids = f"select distinct BillingAccountId, InvoiceId from {A}.focus_1_2 order by 1"
    assert desk.sql(ids) == [("cursor-team", "IN-1"), ("cursor-team-eu", "IN-EU")]
    again = {"invoice_id": "IN-2", "covers": "seats", "period_end": date(2026, 4, 1)}
    put(desk, "invoices", [known | line for line in (*lines, again)])
    assert desk.sql(ids) == [
        ("cursor-team", "provisional-cursor-cursor-team-2026-03"),
        ("cursor-team-eu", "IN-EU"),
    ], "of two invoices it is not known which one"
    put(desk, "invoices", [])
    company(desk, seats=[{**SEATS_OF_86, "seats": 5}], members=(ADA, GRACE), also_in_eu=(ADA, MARY))
    assert billed(desk, "user_email") == [
        (ADA, Decimal(80)),
        (GRACE, Decimal(40)),
        (MARY, Decimal(40)),
        (None, Decimal(40)),
    ]
    used = desk.sql(f"select user_email, account, seats, seat_price_usd from {A}.seat_use order by all")
    assert used == [
        (ADA, "default", 1, Decimal(40)),
        (ADA, "eu", 1, Decimal(40)),
        (GRACE, "default", 1, Decimal(40)),
        (MARY, "eu", 1, Decimal(40)),
        (None, None, 1, Decimal(40)),
    ]


def test_a_seat_is_idle_in_the_team_that_the_member_does_not_use(desk: Platform) -> None:
    company(desk, seats=[{**SEATS_OF_86, "seats": 3}], members=(ADA, GRACE), also_in_eu=(ADA,))
    desk.sql(f"update {A}.cursor_usage_stats set is_active = false where account = 'eu'")
    rebuild_whole(desk.warehouse, next(mart for mart in marts() if mart.table.name == "seat_use"))
    idle = desk.warehouse.query("providers/cursor/checks/seats_are_used").to_dicts()
    assert [(row["alert_key"], row["saving_usd"]) for row in idle] == [(f"idle_seat/cursor/{ADA}/eu", Decimal(40))]


def test_a_member_of_two_teams_without_a_row_in_one_is_found_on_days_that_the_team_was_pulled(desk: Platform) -> None:
    first, second = month(MARCH)[:2]
    company(desk, seats=[], members=(ADA,), also_in_eu=(ADA,), days=[first, second])
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    of_teams = [("default", first), ("default", second), ("eu", second)]
    put(desk, "pulls", [pull("cursor_daily_usage", day, noon, account=team) for team, day in of_teams])
    desk.sql(f"delete from {A}.cursor_usage_stats where account = 'eu' and activity_date = '{first}'")
    asked = {"first_day": first, "last_day": second}
    query = "providers/cursor/checks/every_member_has_a_row"
    desk.sql(f"update {A}.dim_cursor_member set ingestion_timestamp = '{first} 00:00:00+00'")
    assert desk.warehouse.query(query, **asked).is_empty()
    desk.sql(f"delete from {A}.cursor_usage_stats where account = 'eu' and activity_date = '{second}'")
    assert [row[:3] for row in desk.warehouse.query(query, **asked).rows()] == [(second, "eu", ADA)]


def test_members_without_an_address_are_seats_each(desk: Platform) -> None:
    company(desk, seats=[{**SEATS_OF_86, "seats": 5}], members=(ADA, None, None))
    assert billed(desk, "user_email", "quantity") == [
        (ADA, Decimal(1), Decimal(40)),
        (None, Decimal(2), Decimal(160)),  # two members without an address and two unassigned seats: 4 × $40
    ]


@pytest.mark.parametrize(("seats", "usd"), [(2, 80), (0, None)])
def test_more_members_than_purchased_seats_are_billed_as_purchased(desk: Platform, seats: int, usd: int | None) -> None:
    company(desk, seats=[{**SEATS_OF_86, "seats": seats}])
    assert billed(desk) == [(usd,)]
    assert [row[:2] for row in billed(desk, "user_email", "quantity") if row[2] is not None] == (
        [(None, Decimal(2))] if seats else []
    )


def test_seats_that_change_within_a_month_are_billed_by_the_day(desk: Platform) -> None:
    """80 seats for ten days, then 86: each day has its share of the price, and free owners have no share."""
    middle = date(2026, 3, 11)
    company(
        desk,
        seats=[{**SEATS_OF_86, "seats": 80, "valid_to": middle}, {**SEATS_OF_86, "valid_from": middle}],
        roles={MARY: "free-owner", ADA: "member"},
    )
    by_day = dict(desk.sql(f"select spend_date, sum(quantity) from {A}.ai_spend group by 1"))
    assert (by_day[middle - timedelta(days=1)], by_day[middle]) == (Decimal(80), Decimal(86))
    assert [who for who, _ in billed(desk, "user_email")] == [ADA, GRACE, None]
    whole = Decimal(40 * 80 * 10 + 40 * 86 * 21) / 31
    assert abs(billed(desk)[0][0] - whole) < Decimal("1e-6")


@pytest.mark.parametrize("provider", ["cursor", "anthropic"])
def test_days_that_were_never_asked_about_have_no_seats(desk: Platform, provider: str) -> None:
    """Case 28: five of 31 days were pulled; the sheet has seats for all of them."""
    five = month(MARCH)[10:15]
    seats = [{**SEATS_OF_86, "provider": provider}]
    company(desk, seats=seats, days=month(MARCH), asked=five, provider=provider, members=THREE)
    assert [day for (day,) in desk.sql(f"select distinct spend_date from {A}.ai_spend order by 1")] == five
    assert desk.sql(f"select distinct sum(quantity) from {A}.ai_spend group by spend_date") == [(Decimal(86),)]
    company(desk, seats=seats, days=month(MARCH), asked=[], provider=provider)
    assert desk.sql(f"select count(*) from {A}.ai_spend") == [(0,)]


def test_seats_of_claude_are_billed_as_purchased_plan_by_plan(desk: Platform) -> None:
    company(
        desk,
        seats=[
            {"provider": "anthropic", "plan": "Team", "seat_price_usd": Decimal("30.01"), "seats": 80},
            {"provider": "anthropic", "plan": "Premium", "seat_price_usd": Decimal(150), "seats": 6},
        ],
        provider="anthropic",
    )
    assert billed(desk, "sub_account", "user_email") == [
        ("Premium", None, Decimal(900)),
        ("Team", None, Decimal("2400.80")),
    ]
