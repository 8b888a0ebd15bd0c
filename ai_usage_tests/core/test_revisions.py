"""The history of versions: one row per version, with the instants between which it was current and the sums that core
had.
"""

import json
from datetime import date, datetime
from decimal import Decimal

import dagster as dg

from ai_usage.partitions import Span
from ai_usage.warehouse.ledger import Answer, Version
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, of_bill
from ai_usage_tests.providers.cursor.test_cursor_rows import EVENT
from ai_usage_tests.warehouse.test_ledger import append
from ai_usage_tests.warehouse.writing import answer

BOTH = Span(DAY, NEXT)
ASSET = "core/spend_versions"
TABLE = "ai_usage_analytics.spend_versions"

Row = tuple[date, str, Decimal, int, datetime, datetime | None]


def events(platform: Platform, day: date, *charged: tuple[str, bool]) -> Version:
    """Events with these cents, chargeable or not."""
    records = [{**EVENT, "chargedCents": 0, "isChargeable": is_chargeable} for _, is_chargeable in charged]
    texts = [
        json.dumps(one).replace('"chargedCents": 0', f'"chargedCents": {cents}')
        for one, (cents, _) in zip(records, charged, strict=True)
    ]
    [version] = platform.warehouse.append(
        "cursor_usage_events", [Answer("cursor", day, [t.encode() for t in texts], 1, {})]
    )
    return version


def built(platform: Platform, span: Span = BOTH) -> Outcome:
    outcome = platform.materialize(dg.AssetSelection.assets(ASSET).without_checks(), span, None)
    assert outcome.result.success, outcome.failed
    return outcome


def recorded(platform: Platform) -> list[Row]:
    columns = "activity_date, provider, billed_usd, lines, known_from, known_to"
    return platform.sql(f"select {columns} from {TABLE} order by activity_date, provider, known_from")


def test_each_version_was_known_until_the_next_one_came(platform: Platform) -> None:
    [first] = append(platform, answer(DAY, "1000", "0.5"))
    append(platform, answer(DAY, "0.5", "1000"))  # the same content again
    [second] = append(platform, answer(DAY, "900"))
    [third] = append(platform, answer(DAY, "450", "450"))  # equal amounts, but a new version
    [empty] = append(platform, answer(DAY))
    [back] = append(platform, answer(DAY, "900"))
    built(platform)
    at = [version.pulled_at for version in (first, second, third, empty, back)]
    assert recorded(platform) == [
        (DAY, "anthropic", Decimal("10.005"), 2, at[0], at[1]),
        (DAY, "anthropic", Decimal(9), 1, at[1], at[2]),
        (DAY, "anthropic", Decimal(9), 2, at[2], at[3]),
        (DAY, "anthropic", Decimal(0), 0, at[3], at[4]),
        (DAY, "anthropic", Decimal(9), 1, at[4], None),
    ]
    stamps = platform.sql(f"select pull_id, ingestion_timestamp from {TABLE} order by 2")
    assert stamps == [(v.pull_id, v.pulled_at) for v in (first, second, third, empty, back)]


def test_of_cursor_only_chargeable_events_are_billed_and_all_are_counted(platform: Platform) -> None:
    version = events(platform, DAY, ("10.7475", True), ("8", False), ("0.0000001", True))
    built(platform)
    assert recorded(platform) == [(DAY, "cursor", Decimal("0.107475001"), 3, version.pulled_at, None)]


def test_days_and_providers_are_each_for_themselves(platform: Platform) -> None:
    [a, b] = append(platform, answer(DAY, "100"), answer(NEXT, "200"))
    c = events(platform, DAY, ("300", True))
    built(platform)
    assert recorded(platform) == [
        (DAY, "anthropic", Decimal(1), 1, a.pulled_at, None),
        (DAY, "cursor", Decimal(3), 1, c.pulled_at, None),
        (NEXT, "anthropic", Decimal(2), 1, b.pulled_at, None),
    ]


def test_the_newest_version_is_what_core_has_line_for_line_rounded(platform: Platform) -> None:
    platform.run({DAY: ["0.00000005", "0.00000015", "0.00000025", "12.3456789"]}, only=of_bill())
    assert {row[0]: row[2] for row in recorded(platform)} == platform.dollars("claude_costs", "amount_usd")


def test_a_day_is_rebuilt_whole_and_one_never_pulled_is_left_as_it_was(platform: Platform) -> None:
    append(platform, answer(DAY, "100"))
    built(platform)
    before = recorded(platform)
    outcome = built(platform)
    assert recorded(platform) == before
    assert outcome.noted(ASSET, DAY)["anthropic_usd_exact"] == "1.000000000"
    assert "left as it was" in outcome.noted(ASSET, NEXT)["skipped"]


def test_a_version_that_cannot_be_read_was_never_reported_and_is_counted(platform: Platform) -> None:
    [first] = append(platform, answer(DAY, "100"))
    append(platform, answer(DAY, "no amount"))
    [last] = append(platform, answer(DAY, "200"))
    outcome = built(platform)
    assert recorded(platform) == [
        (DAY, "anthropic", Decimal(1), 1, first.pulled_at, last.pulled_at),
        (DAY, "anthropic", Decimal(2), 1, last.pulled_at, None),
    ]
    assert outcome.noted(ASSET, DAY)["versions_that_cannot_be_read"] == 1
