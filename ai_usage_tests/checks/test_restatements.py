"""A restatement of a final day is reported once, with the figures before and after."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import dagster as dg

from ai_usage.check import Result, Row, failed
from ai_usage.checks.revisions import evaluate_restatements, evaluate_versions, restatements, revisions_are_recorded
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage_tests.core.test_revisions import built
from ai_usage_tests.marts.by_hand import know_providers, put
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform
from ai_usage_tests.warehouse.test_ledger import append
from ai_usage_tests.warehouse.writing import answer

STANDS = "reported_spend_stands"


def reported(platform: Platform, day: date, at: datetime, *cents: str, account: str = "default") -> None:
    platform.warehouse.now.at = at
    append(platform, replace(answer(day, *cents), account=account))


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
    reported(platform, third, settled + timedelta(days=10), "1")  # a week later it is not reported again
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


def test_versions_of_two_accounts_are_no_revision_and_one_accounts_revision_is_named(platform: Platform) -> None:
    late = datetime(2026, 11, 14, tzinfo=UTC)
    reported(platform, DAY, late - timedelta(days=2), "1000")
    reported(platform, DAY, late, "700", account="eu")
    reported(platform, DAY, late + timedelta(hours=1), "1000", account="third")
    built(platform)
    assert platform.sql("select * from ai_usage_analytics.spend_revisions") == []
    assert restatements(platform.warehouse, ANTHROPIC) == []

    reported(platform, DAY, late + timedelta(days=1), "1100")
    built(platform)
    revised = platform.sql("select account, old_usd, new_usd from ai_usage_analytics.spend_revisions")
    assert revised == [("default", 10, 11)]
    assert restatements(platform.warehouse, ANTHROPIC) == [], "only another account had been asked late"

    reported(platform, DAY, late + timedelta(days=2), "900", account="eu")
    built(platform)
    found = evaluate_restatements(restatements(platform.warehouse, ANTHROPIC))
    assert found.why == (
        f"{DAY} of anthropic (eu) came to 7.00 USD until 2026-11-16 00:00 UTC, and to 9.00 since: +2.00 USD."
    )
    assert [row["named"] for row in found.rows] == [f"anthropic (eu), {DAY}"]


def test_versions_are_compared_account_by_account() -> None:
    whole = {"versions": 2, "open_versions": 1, "gaps": 0, "unrecorded_versions": 0}
    ours: Row = {"account": "default", "newest_usd": Decimal(10), **whole}
    eu: Row = {"account": "eu", "newest_usd": Decimal(7), **whole}
    both_usd = {"default": Decimal(10), "eu": Decimal(7)}
    assert evaluate_versions(both_usd, [ours, eu]) is None
    differs = evaluate_versions({**both_usd, "eu": Decimal(8)}, [ours, eu])
    assert isinstance(differs, Result)
    assert "The day's amount is 8 USD, the newest of its 2 recorded versions to 7 USD: +1 USD" in differs.why
    offset = evaluate_versions({"default": Decimal(9), "eu": Decimal(8)}, [ours, eu])  # the sum is as recorded
    assert isinstance(offset, Result)
    assert (offset.status, offset.why.count("Account "), len(offset.rows)) == ("failed", 2, 2)
    torn = evaluate_versions(both_usd, [ours, {**eu, "gaps": 1}])
    assert isinstance(torn, Result)
    assert [row["account"] for row in torn.rows] == ["eu"]
    both = evaluate_versions(both_usd, [{**ours, "open_versions": 2}, {**eu, "unrecorded_versions": 1}])
    assert isinstance(both, Result)
    assert (both.status, both.why.count("Account ")) == ("failed", 2)
    ours_usd = {"default": Decimal(10)}
    unknown = evaluate_versions(ours_usd, [ours, {**eu, "newest_usd": None, "unrecorded_versions": 1}])
    assert isinstance(unknown, Result)
    nothing = "The day's amount is 0.000000000 USD, and core/spend_versions has no version of it."
    assert unknown == failed(nothing, unknown.rows)
    unheard = evaluate_versions(both_usd, [ours])
    assert isinstance(unheard, Result)
    assert unheard == failed("The day's amount is 7 USD, and core/spend_versions has no version of it.", unheard.rows)
    assert evaluate_versions({**ours_usd, "eu": Decimal()}, [ours]) is None  # an account without costs


def test_amounts_of_two_accounts_that_offset_each_other_fail(platform: Platform) -> None:
    know_providers(platform.warehouse)
    for account, cents in (("default", "1000"), ("eu", "700")):
        reported(platform, DAY, datetime(2026, 11, 14, tzinfo=UTC), cents, account=account)
    built(platform)

    def found(ours: int, eu: int) -> list[str]:
        amounts = {"default": Decimal(ours), "eu": Decimal(eu)}
        rows = [{"activity_date": DAY, "account": account, "amount_usd": usd} for account, usd in amounts.items()]
        put(platform, "claude_costs", rows)
        findings = revisions_are_recorded(ANTHROPIC).evaluate(platform.warehouse, Span(DAY, DAY))
        return [found.why for found in findings.values() if isinstance(found, Result)]

    assert found(10, 7) == []
    [why] = found(9, 8)
    assert "Account default: The day's amount is 9 USD" in why.replace(".000000000", "")
    assert "Account eu: The day's amount is 8 USD" in why.replace(".000000000", "")
