"""The result of a check with a missing pull names the missing pulls. Only optional pulls are named as optional."""

from collections.abc import Collection

import pytest

from ai_usage.check import NotEvaluated, Result
from ai_usage.checks.accounts import optional_of
from ai_usage.checks.missing import Missing
from ai_usage.providers.anthropic.pulls import SOURCE

BILL, ANALYTICS = "claude_cost_report", "claude_analytics_cost"
LACKS = "The plan, the key's scope or the sheet lacks it."


def missing(*, optional: Collection[str] = ()) -> Missing:
    return Missing(
        pulls=(BILL, ANALYTICS),
        optional=frozenset(optional),
        configured=True,
        was_to_pull=False,
        not_configured="Not configured.",
    )


@pytest.mark.parametrize(
    ("lacking", "why"),
    [
        ((ANALYTICS,), f"Optional, and never pulled: raw/{ANALYTICS}. {LACKS}"),
        ((BILL, ANALYTICS), f"Optional, and never pulled: raw/{ANALYTICS}. {LACKS}"),
        ((), f"Optional, and never pulled: raw/{ANALYTICS}. {LACKS}"),  # no pull was made
        ((BILL,), f"raw/{BILL} was never pulled."),
    ],
)
def test_a_required_pull_is_never_called_optional(lacking: Collection[str], why: str) -> None:
    assert missing(optional={ANALYTICS}).finding(was_asked=True, lacking=lacking) == NotEvaluated(why)


def test_a_pull_that_may_not_be_lacking_has_failed_by_its_name() -> None:
    found = missing().finding(was_asked=True, lacking=[ANALYTICS])
    assert isinstance(found, Result)
    assert (found.passed, found.why) == (False, f"Never pulled: raw/{ANALYTICS}.")
    unasked = NotEvaluated(f"No provider was asked: raw/{BILL}, raw/{ANALYTICS} was never pulled.")
    assert missing().finding(was_asked=False) == unasked


def test_optional_are_the_reports_that_a_plan_may_lack_and_else_every_pull_of_the_check() -> None:
    assert optional_of([SOURCE], (BILL, ANALYTICS)) == {ANALYTICS}
    assert optional_of([SOURCE], (BILL,)) == {BILL}
    assert optional_of([SOURCE], ("claude_audit_log",)) == {"claude_audit_log"}
