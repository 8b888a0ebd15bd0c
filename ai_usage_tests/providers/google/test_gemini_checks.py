"""Tokens that Google measured against those that it billed: which are compared, and how far apart they may be."""

from datetime import date, timedelta
from typing import Any

import pytest

from ai_usage.check import NotEvaluated, Result
from ai_usage.partitions import Span
from ai_usage.providers.google.checks.licenses import evaluate_seats
from ai_usage.providers.google.checks.metrics import FEW_TOKENS, SQL, compared, differ, gemini_metrics_match_bill
from ai_usage.settings import settings
from ai_usage_tests.googlesql.google_usage_world import GOOGLE_USAGE
from ai_usage_tests.googlesql.lines import FRI, THU, WED, lines_of
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.google.test_gemini_seats import fill

A = "ai_usage_analytics"
DAYS = Span(date.fromisoformat(WED), date.fromisoformat(FRI))
COST = "activity_date project_id platform model meter unit charge_type cost_type quantity billed_amount"
COST += " billed_currency amount_usd"
MONEY = ("1", "USD", "1")


def cost(day: str, project: str | None, platform: str, meter: str, quantity: str, **more: Any) -> tuple[Any, ...]:
    of = {"model": "gemini-2.5-flash", "unit": "tokens", "charge_type": "usage", "cost_type": "regular", **more}
    kind = (of["unit"], of["charge_type"], of["cost_type"])
    return (day, project, platform, of["model"], meter, *kind, quantity, *MONEY)


def pairs(platform: Platform, *costs: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The compared pairs of these costs and the small company's usage; the bill was pulled on Wednesday, Thursday."""
    daily = "activity_date billed_currency"
    fill(
        platform,
        GOOGLE_USAGE
        | {
            f"{A}.gemini_costs": lines_of(COST, *costs),
            f"{A}.gemini_daily_cost": lines_of(daily, (WED, "USD"), (THU, "USD")),
        },
    )
    found = platform.warehouse.query(f"{SQL}gemini_metrics_match_bill", first_day=DAYS.first, last_day=DAYS.last)
    columns = ("project_id", "platform", "direction", "measured_tokens", "billed_tokens")
    return found.select("activity_date", *columns).rows()


def test_the_free_tier_is_not_compared_and_partners_models_are_not(platform: Platform) -> None:
    wed, thu, _ = DAYS.days
    assert pairs(
        platform,
        cost(WED, "project-a", "gemini_api", "input_tokens", "3000"),
        cost(WED, "project-a", "gemini_api", "cached_input_tokens", "1000"),
        cost(WED, "project-a", "gemini_api", "input_tokens", "-100", cost_type="adjustment"),
        cost(WED, "project-a", "gemini_api", "web_search", "9", unit="requests"),
        cost(WED, "project-a", "gemini_api", "input_tokens", "0", charge_type="credit"),
        cost(THU, "project-b", "vertex_ai", "audio_output_tokens", "3000"),
        cost(THU, "project-b", "vertex_ai", "input_tokens", "900000", model="glm-5"),
        cost(FRI, "project-b", "vertex_ai", "output_tokens", "7"),
        cost(THU, None, "vertex_ai", "output_tokens", "7"),
        cost(THU, "project-z", "gemini_api", "output_tokens", "8"),
    ) == [
        (wed, "project-a", "gemini_api", "input_tokens", 3900, 3900),
        (wed, "project-a", "gemini_api", "output_tokens", 70, None),
        (thu, "project-b", "vertex_ai", "output_tokens", 3100, 3000),
        (thu, "project-z", "gemini_api", "output_tokens", None, 8),
    ]


@pytest.mark.parametrize(
    ("counted", "billed", "is_wrong"),
    [
        (FEW_TOKENS, 0, True),
        (FEW_TOKENS, None, True),
        (FEW_TOKENS - 1, 0, False),
        (1_000_000, 750_000, False),
        (1_000_000, 749_999, True),
        (750_000, 1_000_000, False),
        (749_999, 1_000_000, True),
    ],
)
def test_counts_may_be_a_quarter_apart_and_small_ones_more(counted: int, billed: int | None, is_wrong: bool) -> None:  # noqa: FBT001
    assert differ({"measured_tokens": counted, "billed_tokens": billed}) is is_wrong


def test_a_billed_project_that_is_not_measured_is_named_by_number_alone() -> None:
    row = {"project_id": "p", "platform": "gemini_api", "direction": "input_tokens", "billed_tokens": 10**6}
    result = compared([{**row, "measured_tokens": None}])
    assert (result.status, result.why) == (
        "passed",
        "0 counts of tokens are near to what was billed. 1 billed projects are not measured.",
    )
    other = {**row, "measured_tokens": 5}
    assert "p gemini_api input_tokens: 5 counted, 1,000,000 billed" in compared([other]).why


def test_an_account_with_licenses_and_no_bill_is_named_beside_one_that_has_both() -> None:
    both = {"account": "a", "licenses": 3, "billed_date": date(2026, 11, 1), "billed_seats": 3, "is_counted": True}
    alone = {"account": "b", "licenses": 2, "billed_date": None, "billed_seats": None, "is_counted": True}
    passing, warning = evaluate_seats([both]), evaluate_seats([both, alone])
    assert isinstance(passing, Result)
    assert passing.passed
    assert isinstance(warning, Result)
    assert "account b has 2 licenses and no billed seat" in warning.why


def test_a_day_of_which_the_bill_may_be_incomplete_is_not_evaluated(platform: Platform) -> None:
    today = settings().now().date()
    old, late = (str(today - timedelta(days=days)) for days in (3, 2))
    used = "activity_date project_id platform metric_type meter model quantity record_count tier"
    of = ("p", "gemini_api", "input", "input_tokens", "gemini-3-flash", 9_000_000, 1, "paid_tier")
    daily = lines_of("activity_date billed_currency", (old, "USD"), (late, "USD"))
    fill(
        platform,
        {
            f"{A}.gemini_usage": lines_of(used, (old, *of), (late, *of)),
            f"{A}.gemini_costs": [],
            f"{A}.gemini_daily_cost": daily,
        },
    )
    span = Span(date.fromisoformat(old), date.fromisoformat(late))
    found = gemini_metrics_match_bill.evaluate(platform.warehouse, span)
    assert isinstance(found[span.first], Result)
    assert "9,000,000 counted, none billed" in found[span.first].why
    assert isinstance(found[span.last], NotEvaluated)
