"""The cheapest plan of each person: exact if use is even, within its interval if it is not, and empty if an input is
unknown.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import gamma, pi, sqrt
from random import Random
from statistics import mean, stdev
from typing import Any

import pytest

from ai_usage.marts.build_days import rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.providers.cursor.tables import CURSOR_USAGE_EVENTS
from ai_usage_tests.marts.by_hand import know_providers, pull, put
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform, platform_in
from ai_usage_tests.spend import claude

A = "ai_usage_analytics"
LAST = date(2026, 9, 30)
DAYS = [LAST - timedelta(days=n) for n in reversed(range(84))]
STANDARD = {"provider": "anthropic", "plan": "Team Standard", "seat_price_usd": Decimal(25), "seats": 9}
TEAMS = {"provider": "cursor", "plan": "Teams Standard", "seat_price_usd": Decimal(40), "seats": 9}
HEAVY, BOTH, API_HEAVY, API_LIGHT, CHATTER = "heavy@x.io", "both@x.io", "api.heavy@x.io", "api.light@x.io", "chat@x.io"
LATE, AWAY, NEW = "late@x.io", "away@x.io", "new@x.io"
MEDIUM, UNUSED, UNPRICED = "medium@x.io", "unused@x.io", "unpriced@x.io"
MEMBERS = (BOTH, MEDIUM, UNUSED, UNPRICED)
INCLUDED = Decimal(
    25
)  # the use that the simulated Cursor seat includes per month: at 12 USD a day, charges begin on the third day


def in_seat(who: str, day: date, usd: str | Decimal) -> Row:
    """A day of Claude Code in a seat, at Anthropic's estimate."""
    of_person = {"user_email": who, "platform": "claude_code", "api_key_id": None}
    return claude(
        "claude_code_estimate", spend_date=day, billed_usd=None, list_usd=None, estimated_usd=usd, **of_person
    )


def in_api(who: str, day: date, usd: str | Decimal) -> Row:
    """A day of Claude Code through the API, billed with a discount."""
    of_person = {"user_email": who, "platform": "claude_code", "api_key_id": None}
    return claude(spend_date=day, billed_usd=Decimal(usd) / 2, list_usd=usd, **of_person)


def events(who: str, usd: Decimal) -> Iterator[Row]:
    """A constant amount of Cursor on each day, charged once the month's included use is used up."""
    left = INCLUDED
    for day in DAYS:
        left = INCLUDED if day.day == 1 else left
        included = min(left, usd)
        left -= included
        for amount, is_chargeable in ((included, False), (usd - included, True)):
            if amount:
                common = {"activity_date": day, "account": "default", "user_email": who}
                yield common | {"charged_usd": amount, "is_chargeable": is_chargeable}


def company(
    desk: Platform, spend: list[Row], *, cursor: Sequence[Row] = (), chats: Sequence[Row] = (), seats: Any = ()
) -> None:
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    know_providers(desk.warehouse)
    put(desk, "seats", list(seats) or [STANDARD, TEAMS])
    put(desk, "ai_spend", spend)
    put(desk, "ai_activity", list(chats))
    put(desk, CURSOR_USAGE_EVENTS, list(cursor))
    reports = ("cursor_usage_events", "claude_code_usage", "claude_cost_report")
    put(desk, "pulls", [pull(name, day, noon, account="default") for name in reports for day in DAYS])
    of_seat = {"provider": "cursor", "account": "default", "as_of_date": LAST, "is_assigned": True, "seats": 1}
    members = MEMBERS if cursor else ()
    put(
        desk,
        "seat_use",
        [
            of_seat | {"user_email": w, "plan_name": "Teams Standard", "days_active": 0 if w == UNUSED else 28}
            for w in members
        ],
    )
    active = {who: who != UNUSED for who in members}
    stats = [
        {"activity_date": d, "account": "default", "user_email": w, "is_active": active[w]}
        for d in DAYS
        for w in active
    ]
    put(desk, "cursor_usage_stats", stats)
    rebuild_whole(desk.warehouse, next(mart for mart in marts() if mart.table.name == "seat_options"))


def plans(desk: Platform, columns: str) -> dict[tuple[str, str], Any]:
    rows = desk.sql(f"select provider, user_email, {columns} from {A}.seat_plans order by all")
    return {(provider, who.partition("@")[0]): tuple(found) for provider, who, *found in rows}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return platform_in(tmp_path_factory.mktemp("seat_plans"))


def even_company(desk: Platform, seats: Any = ()) -> None:
    """The same use on each day, so that the best plan and its saving are known: 12 USD a day equal 365 USD a month."""
    a_day = {HEAVY: (in_seat, "12"), BOTH: (in_seat, "0.12"), API_HEAVY: (in_api, "6"), API_LIGHT: (in_api, "0.12")}
    a_day |= {AWAY: (in_api, "6"), NEW: (in_api, "6"), CHATTER: (in_seat, "0.12")}
    spend = [row(who, day, usd) for who, (row, usd) in a_day.items() for day in DAYS]
    spend += [in_api(LATE, day, "6") for day in DAYS[-20:]]
    chat = {"activity_date": DAYS[40], "user_email": CHATTER, "tool": "claude.ai", "provider": "anthropic"}
    put(
        desk, "dim_person", [{"user_email": who, "person_email": who, "team_name": "Data"} for who in (BOTH, AWAY, NEW)]
    )
    leave = {"user_email": AWAY, "leave_from": DAYS[-3]}
    put(desk, "people", [leave, {"user_email": NEW, "valid_from": DAYS[-10]}])
    no_price = {"activity_date": DAYS[70], "account": "default", "user_email": UNPRICED, "charged_usd": None}
    cursor = [*events(BOTH, Decimal(12)), *events(MEDIUM, Decimal("0.6")), no_price]
    company(desk, spend, cursor=cursor, chats=[chat | {"is_active": True}], seats=seats)


def test_the_saving_of_a_company_with_known_best_plans_is_exact(desk: Platform) -> None:
    even_company(desk)
    found = plans(desk, "status, recommended_option, saving_usd, saving_low_usd, saving_high_usd")
    seat, api, premium, none = Decimal("157.5"), Decimal("21.35"), Decimal(20), Decimal(40)
    zero, nothing = Decimal(0), (None, None, None, None)
    assert found == {
        ("anthropic", "heavy"): ("cheapest", None, zero, zero, zero),
        ("anthropic", "both"): ("saving", "Claude API", api, api, api),
        ("anthropic", "api.heavy"): ("saving", "Team Standard", seat, seat, seat),
        ("anthropic", "api.light"): ("cheapest", None, zero, zero, zero),
        ("anthropic", "chat"): ("unpriced_use", *nothing),
        ("anthropic", "late"): ("too_few_weeks", *nothing),
        ("anthropic", "away"): ("on_leave", *nothing),
        ("anthropic", "new"): ("new", *nothing),
        ("cursor", "both"): ("saving", "Teams Premium", premium, premium, premium),
        ("cursor", "medium"): ("cheapest", None, zero, zero, zero),
        ("cursor", "unused"): ("saving", "no seat", none, none, none),
        ("cursor", "unpriced"): ("unpriced_use", *nothing),
    }
    totals = "select provider, compared, recommendations, not_compared, saving_usd, saving_high_usd"
    assert desk.sql(f"{totals} from {A}.seat_plan_totals order by provider") == [
        ("anthropic", 4, 2, 4, seat + api, seat + api),
        ("cursor", 3, 2, 1, premium + none, premium + none),
        (None, 7, 4, 5, seat + api + premium + none, seat + api + premium + none),
    ]
    mix = f"select current_mix, best_mix, saving_usd, saving_low_usd, team_name from {A}.seat_mixes"
    now, best = "anthropic: Team Standard + cursor: Teams Standard", "anthropic: Claude API + cursor: Teams Premium"
    assert desk.sql(f"{mix} where user_email = '{BOTH}'") == [(now, best, api + premium, api + premium, "Data")]
    capped = f"select option_name, is_legal, included_usd, used_usd, estimated_cost_usd from {A}.seat_options"
    assert desk.sql(f"{capped} where provider = 'cursor' and user_email = '{BOTH}' order by 1") == [
        ("Teams Premium", True, Decimal(125), Decimal(365), Decimal(360)),
        ("Teams Standard", True, Decimal(25), Decimal(365), Decimal(380)),
        ("no seat", False, Decimal(0), Decimal(365), Decimal(365)),
    ]
    summary = "plan_name, purchased, assigned, active, idle, cheapest_for, seat_price_usd"
    assert desk.sql(f"select {summary} from {A}.seat_summary order by provider") == [
        ("Team Standard", 9, None, 3, None, 2, Decimal(25)),  # no API lists the members with a Claude seat
        ("Teams Standard", 9, 4, 3, 0, 1, Decimal(40)),
    ]
    chat = f"select is_legal from {A}.seat_options where user_email = '{CHATTER}' and option_name = 'Claude API'"
    assert desk.sql(chat) == [(False,)]
    assumed = plans(desk, "assumption")["cursor", "both"][0]
    assert "the median of months with a charge on top" in assumed
    assert "List price of Teams Premium, read 2026-10-07" in assumed


def test_with_several_plans_nobody_knows_who_has_which(desk: Platform) -> None:
    """The cheapest plan is shown without a saving, because the current plan is not known."""
    even_company(desk, seats=[STANDARD, {**STANDARD, "plan": "Team Premium", "seat_price_usd": Decimal(125)}])
    found = plans(desk, "status, best_option, recommended_option, saving_usd")
    assert found["anthropic", "heavy"] == ("plan_unknown", "Team Premium", None, None)  # Standard includes 372 / 5
    assert found["anthropic", "both"] == ("plan_unknown", "Claude API", None, None)
    assert found["anthropic", "api.heavy"] == ("saving", "Team Premium", "Team Premium", Decimal("57.5"))
    assert found["cursor", "both"] == ("plan_unknown", None, None, None)  # here the sheet has no Cursor plan


def test_with_noise_the_truth_lies_in_the_interval_as_often_as_it_says(desk: Platform) -> None:
    """People with the same average use, but different weeks: one seed per person."""
    random, people = Random(20260930), 600  # noqa: S311 - weeks, not secrets
    weeks = DAYS[::7]

    def noisy(name: str, usd_a_week: int) -> list[Row]:
        return [
            in_api(f"{name}{n}@x.io", day, f"{max(usd_a_week * random.gauss(1, 0.4), 0.01):.2f}")
            for n in range(people)
            for day in weeks
        ]

    put(desk, "people", [])
    company(desk, [in_seat(HEAVY, DAYS[0], "400"), *noisy("much", 20), *noisy("little", 5)])
    of_much = f"from {A}.seat_plans where user_email like 'much%'"
    truth = Decimal(20 * 365) / 84 - 25  # a seat costs 25, and the API what is used
    [(held, wide)] = desk.sql(
        f"select avg((saving_low_usd <= {truth} and {truth} <= saving_high_usd)::int), "
        f"avg((saving_high_usd > saving_low_usd)::int) {of_much} and recommended_option = 'Team Standard'"
    )
    assert 0.77 < held < 0.83
    assert wide == 1
    assert desk.sql(f"select count(*) {of_much} and status = 'saving'") == [(people,)]
    total = f"from {A}.seat_plan_totals where scope = 'total'"
    [(saving, low, high)] = desk.sql(f"select saving_usd, saving_low_usd, saving_high_usd {total}")
    recommended = f"from {A}.seat_plans where status = 'saving'"
    errors = desk.sql(f"select saving_usd, saving_low_usd, saving_high_usd {recommended}")
    assert saving == sum(of for of, _, _ in errors)
    cent = Decimal("0.01")  # errors of different people partly cancel out
    assert abs(low - (saving - sum((of - least) ** 2 for of, least, _ in errors).sqrt())) < cent
    assert abs(high - (saving + sum((most - of) ** 2 for of, _, most in errors).sqrt())) < cent
    [(of_much_low, of_much_high)] = desk.sql(f"select sum(saving_low_usd), sum(saving_high_usd) {of_much}")
    assert of_much_low < low < truth * people < high < of_much_high
    # 5 USD a week equal 21.73 a month: a seat would cost more. By chance a seat seems to pay for one person in ten.
    [(false_savings,)] = desk.sql(
        f"select avg((status = 'saving')::int) from {A}.seat_plans where user_email like 'little%'"
    )
    assert 0 < false_savings < 0.1


def upper_tenth(freedom: int) -> float:
    """The value below which Student's t lies with a probability of 0.9: its density is summed up to that value."""
    scale = gamma((freedom + 1) / 2) / (sqrt(freedom * pi) * gamma(freedom / 2))
    step, t, area = 1e-4, 0.0, 0.5
    while area < 0.9:
        area += step * scale * (1 + (t + step / 2) ** 2 / freedom) ** (-(freedom + 1) / 2)
        t += step
    return t


def test_the_interval_is_that_of_student_s_t_for_each_number_of_weeks(desk: Platform) -> None:
    put(desk, "people", [])
    people = {f"weeks{n}@x.io": [[20, 30, 23][week % 3] for week in range(n)] for n in range(1, 13)}
    spend = [
        in_api(who, LAST - timedelta(days=7 * week + day), Decimal(usd) / 7)
        for who, weeks in people.items()
        for week, usd in enumerate(weeks)
        for day in range(7)
    ]
    company(desk, [in_seat(HEAVY, DAYS[0], "400"), *spend])
    ends = "weeks_known, estimated_cost_usd, low_use_cost_usd, high_use_cost_usd"
    found = desk.sql(f"select user_email, {ends} from {A}.seat_options where option_name = 'Claude API'")
    known = {who: rest for who, *rest in found if who in people}
    assert known.pop("weeks1@x.io")[2:] == [None, None], "one week has no interval"
    assert len(known) == 11
    for who, (weeks_known, cost, low, high) in known.items():
        weeks = people[who]
        half = stdev(weeks) / sqrt(len(weeks)) * upper_tenth(len(weeks) - 1) * 365 / 84
        assert weeks_known == len(weeks)
        assert [float(usd) for usd in (cost, low, high)] == pytest.approx(
            [mean(weeks) * 365 / 84, max(mean(weeks) * 365 / 84 - half, 0), mean(weeks) * 365 / 84 + half], abs=0.02
        )


def test_weeks_of_a_leave_count_for_nothing_and_whoever_came_a_month_ago_is_new(desk: Platform) -> None:
    """Leaves at the ends of a week: the end date of a leave is exclusive, and one day is enough."""
    a_day, before = {"leave_from": DAYS[-8], "leave_to": DAYS[-7]}, {"leave_to": DAYS[-28]}
    leaves = {"day@x.io": a_day, "before@x.io": before, "soon@x.io": {"leave_from": LAST + timedelta(days=1)}}
    joined = {f"joined{n}@x.io": {"valid_from": LAST - timedelta(days=n)} for n in (29, 30)}
    everybody = leaves | joined
    put(desk, "people", [{"user_email": who, **dates} for who, dates in everybody.items()])
    put(desk, "dim_person", [{"user_email": who, "person_email": who} for who in everybody])
    usd = {who: dict.fromkeys(DAYS, "7") for who in everybody}
    usd["day@x.io"][DAYS[-14]] = "700"  # in the week of the leave
    company(desk, [in_seat(HEAVY, DAYS[0], "400"), *(in_api(w, d, of) for w in usd for d, of in usd[w].items())])
    found = plans(desk, "weeks_known, status = 'on_leave', status = 'new', used_usd")
    even = Decimal("212.92")  # 49 USD a week
    assert {who: found["anthropic", who] for who in ("day", "before", "soon", "joined29", "joined30")} == {
        "day": (11, False, False, even),
        "before": (4, False, False, even),
        "soon": (12, False, False, even),
        "joined29": (12, False, True, None),
        "joined30": (12, False, False, even),
    }
    put(desk, "people", [])
    put(desk, "dim_person", [])
