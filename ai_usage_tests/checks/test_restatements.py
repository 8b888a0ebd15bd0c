"""A restatement of a final day is reported once, with the figures before and after."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg

from ai_usage.checks.revisions import evaluate_restatements, restatements
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage_tests.core.test_revisions import built
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform
from ai_usage_tests.warehouse.test_ledger import append
from ai_usage_tests.warehouse.writing import answer

STANDS = "reported_spend_stands"


def reported(platform: Platform, day: date, at: datetime, *cents: str) -> None:
    platform.warehouse.now.at = at
    append(platform, answer(day, *cents))


def test_a_final_day_that_is_restated_is_reported_with_both_figures(platform: Platform) -> None:
    settled = datetime(2026, 11, 13, tzinfo=UTC)  # three days after the day
    reported(platform, DAY, settled - timedelta(days=2), "1000")
    reported(platform, DAY, settled - timedelta(seconds=1), "1100")  # still provisional
    reported(platform, NEXT, settled - timedelta(days=1), "1000")
    reported(platform, NEXT, settled + timedelta(days=3), "1100")  # not pulled while it was provisional
    built(platform)
    assert platform.check(STANDS).not_passed(STANDS) == set()
    reported(platform, DAY, settled, "1100")
    reported(platform, DAY, settled + timedelta(days=1), "1100", "0.9")  # less than a cent
    built(platform)
    assert platform.check(STANDS).not_passed(STANDS) == set()
    reported(platform, DAY, settled + timedelta(days=2), "1300")
    built(platform)
    outcome = platform.check(STANDS)
    assert outcome.not_passed(STANDS) == {None}
    evaluation = outcome.evaluation(STANDS, None, "spend_versions")
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    assert f"{DAY} of anthropic came to 11.01 USD until 2026-11-15 00:00 UTC, and to 13.00 since: +1.99 USD." in (
        evaluation.description or ""
    )
    third = NEXT + timedelta(days=1)
    reported(platform, third, settled + timedelta(days=10), "1")  # a week later it is no news any more
    built(platform, Span(DAY, third))
    assert platform.check(STANDS).not_passed(STANDS) == set()


def test_each_restatement_of_a_day_has_a_key_of_its_own_that_stays(platform: Platform) -> None:
    def keys() -> set[str]:
        rows = evaluate_restatements(restatements(platform.warehouse, ANTHROPIC)).rows
        return {str(row["alert_key"]) for row in rows}

    for n, cents in enumerate(("1000", "1100", "1000")):
        reported(platform, DAY, datetime(2026, 11, 13 + n, tzinfo=UTC), cents)
        built(platform)
        assert keys() == {f"restated/anthropic/{DAY}/{m}" for m in range(1, n + 1)}
