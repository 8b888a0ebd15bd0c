"""The views of seats, on options and seats written by hand: each status, sum and limit, from both sides."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from ai_usage_tests.marts.by_hand import know_providers, pull, put
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform

A = "ai_usage_analytics"
LAST, BEFORE = date(2026, 9, 30), date(2026, 9, 20)
LEAST_WEEKS = 4
Cost = tuple[int | None, int | None, int | None]  # estimated, for the low and for the high end of the use


def options(who: str, *offers: tuple[str, Cost, str], provider: str = "anthropic", **more: Any) -> list[Row]:
    """A person's options. `marks` has c for the current one, s for a seat and i for one that is not allowed."""
    rows: list[Row] = []
    for name, (cost, low, high), marks in offers:
        costs = {"estimated_cost_usd": cost, "low_use_cost_usd": low, "high_use_cost_usd": high}
        rows.append(
            {"provider": provider, "account": "default", "user_email": f"{who}@x.io", "option_name": name,
             "as_of_date": LAST, "is_seat": "s" in marks, "is_current": "c" in marks, "is_legal": "i" not in marks,
             "seat_price_usd": 9, "used_usd": 77, "weeks_known": LEAST_WEEKS, "assumption": f"{name} assumes.",
             **costs, **more}
        )  # fmt: skip
    return rows


def money(*amounts: int | str | None) -> tuple[Decimal | None, ...]:
    return tuple(None if usd is None else Decimal(usd) for usd in amounts)


@pytest.fixture
def desk(platform: Platform) -> Platform:
    know_providers(platform.warehouse)
    ten, far = ("API", (10, 9, 11), ""), ("Far", (999, 999, 999), "s")
    people = [
        *options("tie", ("Alpha", (40, 40, 40), "s"), ("Team", (40, 40, 40), "cs"), far, team_name="Data"),
        *options("few", ten, ("Team", (40, 40, 40), "cs"), weeks_known=LEAST_WEEKS - 1),
        *options("priceless", ten, ("Team", (None, None, None), "cs"), far),
        *options("touching_high", ("API", (10, 5, 40), ""), ("Team", (40, 40, 40), "cs")),
        *options("touching_low", ("API", (30, 40, 30), ""), ("Team", (40, 40, 40), "cs")),
        *options("saver", ("API", (10, 7, 14), ""), ("Team", (40, 40, 40), "cs"), team_name="Web"),
        *options(
            *("saver", ("Pro", (20, 16, 23), "s"), ("Hobby", (50, 50, 50), "cs")), provider="cursor", as_of_date=BEFORE
        ),
        *options("illegal", ("API", (1, 1, 1), "i"), ("Team", (40, 40, 40), "cs"), ("Max", (60, 60, 60), "s")),
        *options("nothing", ("API", (1, 1, 1), "i"), ("Team", (None, None, None), "cs")),
        *options("hidden", ("Team", (5, 5, 5), "s"), ("Max", (None, None, None), "cs")),
        *options("user", ("API", (3, 3, 3), "c"), ("Team", (40, 40, 40), "s")),
        *options("anyone", ten, ("Max", (60, 60, 60), "s")),
        *options("away", ten, ("Team", (40, 40, 40), "cs"), is_on_leave=True),
        *options("fresh", ten, ("Team", (40, 40, 40), "cs"), is_new=True),
        *options("dark", ten, ("Team", (None, None, None), "cs"), unpriced_days=1),
    ]  # fmt: skip
    put(platform, "seat_options", people)
    return platform


def test_each_person_has_the_status_that_the_known_costs_allow(desk: Platform) -> None:
    rows = desk.sql(
        "select split_part(user_email, '@', 1), status, current_option, best_option, recommended_option, "
        "current_cost_usd, best_cost_usd, saving_usd, saving_low_usd, saving_high_usd, used_usd, assumption "
        f"from {A}.seat_plans where provider = 'anthropic'"
    )
    both, none = "Team assumes. API assumes.", money(None, None, None)
    unknown = (None, None, *money(None, None), *none, None)
    assert {who: tuple(found) for who, *found in rows} == {
        "tie": ("cheapest", "Team", "Team", None, *money(40, 40, 0, 0, 0, 77), "Team assumes."),
        "few": ("too_few_weeks", "Team", *unknown, both),
        "priceless": ("price_unknown", "Team", "API", None, *money(None, 10), *none, Decimal(77), both),
        "touching_high": ("uncertain", "Team", "API", None, *money(40, 10, 30, 0, 35, 77), both),
        "touching_low": ("uncertain", "Team", "API", None, *money(40, 30, 10, 0, 10, 77), both),
        "saver": ("saving", "Team", "API", "API", *money(40, 10, 30, 26, 33, 77), both),
        "illegal": ("cheapest", "Team", "Team", None, *money(40, 40, 0, 0, 0, 77), "Team assumes."),
        "nothing": ("price_unknown", "Team", None, None, *money(None, None), *none, Decimal(77), both[:13]),
        "hidden": (
            "price_unknown",
            "Max",
            "Team",
            None,
            *money(None, 5),
            *none,
            Decimal(77),
            "Max assumes. Team assumes.",
        ),
        "user": ("cheapest", "API", "API", None, *money(3, 3, 0, 0, 0, 77), "API assumes."),
        "anyone": ("plan_unknown", None, "API", None, *money(None, 10), *none, Decimal(77), "API assumes."),
        "away": ("on_leave", "Team", *unknown, both),
        "fresh": ("new", "Team", *unknown, both),
        "dark": ("unpriced_use", "Team", *unknown, both),
    }
    assert desk.sql(f"select team_name, as_of_date, weeks_known from {A}.seat_plans where user_email = 'tie@x.io'") == [
        ("Data", LAST, LEAST_WEEKS)
    ]


def test_a_person_s_seats_are_one_mix_and_the_company_s_savings_one_sum(desk: Platform) -> None:
    """Distances of 4 and 3 to the low ends combine to 5, and so do 3 and 4 to the high ends."""
    put(desk, "dim_person", [{"user_email": "tie@x.io", "person_email": "saver@x.io", "team_name": "Platform"}])
    mixes = {
        who: tuple(found)
        for who, *found in desk.sql(
            "select split_part(user_email, '@', 1), team_name, current_mix, best_mix, current_cost_usd, saving_usd, "
            f"saving_low_usd, saving_high_usd, not_compared, assumption from {A}.seat_mixes"
        )
    }
    now = "anthropic: Team + anthropic: Team + cursor: Hobby"
    best = ("anthropic: API + anthropic: Team + cursor: Pro", "anthropic: Team + anthropic: API + cursor: Pro")
    saver = mixes.pop("saver")
    assert (*saver[:2], saver[3:8]) == ("Web", now, (*money(130, 60, 55, 65), 0))
    assert saver[2] in best, "of two accounts with one option the order is open"
    assert saver[8].count("assumes.") == 5
    touching = ("anthropic: Team", "anthropic: Team", *money(40, 0, 0, 0), 0, "Team assumes. API assumes.")
    assert mixes == {
        "touching_high": (None, *touching),
        "touching_low": (None, *touching),
        "illegal": (None, *touching[:7], "Team assumes."),
        "user": (None, "anthropic: API", "anthropic: API", *money(3, 0, 0, 0), 0, "API assumes."),
    }
    assert desk.sql(
        "select provider, as_of_date, compared, recommendations, uncertain, not_compared, saving_usd, saving_low_usd, "
        f"saving_high_usd from {A}.seat_plan_totals order by provider"
    ) == [
        ("anthropic", LAST, 6, 1, 2, 8, *money(30, 26, 33)),
        ("cursor", BEFORE, 1, 1, 0, 0, *money(30, 27, 34)),
        (None, BEFORE, 7, 2, 2, 8, *money(60, 55, 65)),
    ]
    more = options("saver", ("API", (10, 9, 11), ""), ("Team", (None, None, None), "cs"), provider="openai")
    put(
        desk,
        "seat_options",
        [*more, *options("saver", ("A", (1, 1, 1), ""), ("B", (2, 2, 2), "cs"), provider="google")],
    )
    columns = "current_mix, not_compared, current_cost_usd, saving_usd, saving_low_usd, saving_high_usd"
    assert desk.sql(f"select {columns} from {A}.seat_mixes") == [("google: B", 1, *money(2, 1, 1, 1))]
    put(desk, "seat_options", more)
    assert desk.sql(f"select * from {A}.seat_mixes") == []
    totals = f"select saving_usd, saving_low_usd, saving_high_usd from {A}.seat_plan_totals where scope = 'total'"
    assert desk.sql(totals) == [(0, 0, 0)]


def test_seats_by_plan_are_as_purchased_as_assigned_and_as_used(desk: Platform) -> None:
    """Cursor's members are listed, Anthropic's are not; Google's seats are in no sheet."""
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    bills = {"anthropic": "claude_cost_report", "cursor": "cursor_usage_events", "google": "gemini_billing"}
    put(desk, "pulls", [pull(of, day, noon, account="default") for of in bills.values() for day in (BEFORE, LAST)])
    seats: list[Row] = [
        {"provider": "anthropic", "plan": "Team", "seat_price_usd": 40, "seats": 9, "valid_from": LAST},
        {"provider": "anthropic", "plan": "Max", "seat_price_usd": 60, "seats": 2, "valid_to": LAST},
        {"provider": "anthropic", "plan": "Next", "seat_price_usd": 70, "seats": 3, "valid_from": date(2026, 10, 1)},
        {"provider": "cursor", "plan": "Hobby", "seat_price_usd": 20, "seats": 8, "valid_to": date(2026, 10, 1)},
        {"provider": "cursor", "plan": "Pro", "seat_price_usd": 50, "seats": 1},
        {"provider": "acme", "plan": "Unheard", "seat_price_usd": 1, "seats": 1},
    ]
    put(desk, "seats", seats)

    def seat(plan: str | None, provider: str = "cursor", active: int = 9, price: int | None = 20, **more: Any) -> Row:
        known = {"is_assigned": True, "seats": 1, "as_of_date": LAST, "seat_price_usd": price}
        return {"provider": provider, "plan_name": plan, "days_active": active} | known | more

    idle: dict[str, Any] = {"is_idle": True, "active": 0, "saving_usd": 20}
    spare: dict[str, Any] = {"is_assigned": False, "saving_usd": 19}
    put(
        desk,
        "seat_use",
        [
            seat("Hobby"), seat("Hobby", active=1, is_under_used=True), seat("Hobby", active=2, is_under_used=True),
            seat("Hobby", **idle), seat("Hobby", **idle), seat("Hobby", active=0, is_exempt=True),
            seat("Hobby", active=3, is_exempt=True),
            seat("Hobby", active=0, is_assigned=False, seats=2, saving_usd=40),
            seat(None, price=None), seat(None, price=None, **idle | {"saving_usd": None}),
            seat("Code", "google", price=19), *([seat("Code", "google", price=19, active=0, **spare)] * 2),
            seat("Assist", "google", price=30), seat("Assist", "google", price=31, active=0),
        ],
    )  # fmt: skip
    columns = (
        "as_of_date, seat_price_usd, purchased, assigned, unassigned, active, under_used, idle, exempt, idle_usd, "
        "cheapest_for"
    )
    found = desk.sql(f"select provider, plan_name, {columns} from {A}.seat_summary")
    unlisted = (None, None, None, None, None)
    assert {(provider, plan): tuple(rest) for provider, plan, *rest in found} == {
        ("anthropic", "Team"): (LAST, 40, 9, None, None, 11, *unlisted[:4], 2),
        ("anthropic", "Max"): (LAST, None, None, None, None, 1, *unlisted[:4], 0),
        ("anthropic", None): (LAST, None, None, None, None, 1, *unlisted[:4], None),
        ("cursor", "Hobby"): (LAST, 20, 8, 7, 2, 4, 2, 2, 2, 80, 0),
        ("cursor", "Pro"): (LAST, 50, 1, *unlisted, None, None, 1),
        ("cursor", None): (LAST, None, None, 2, 0, 1, 0, 1, 0, None, None),
        ("google", "Code"): (LAST, 19, 3, 1, 2, 1, 0, 0, 0, 38, None),
        ("google", "Assist"): (LAST, None, 2, 2, 0, 1, 0, 0, 0, 0, None),
    }
