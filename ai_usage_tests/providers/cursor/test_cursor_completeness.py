"""Cursor's events: a day that was never pulled, and a day that was pulled but not built, are each missing; unknown
fields are named.
"""

import json
from typing import Any

import dagster as dg

from ai_usage.partitions import Span
from ai_usage.providers.cursor.rows import event_rows
from ai_usage.providers.cursor.tables import CURSOR_USAGE_EVENTS
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.cursor.test_cursor_rows import EVENT

EVENTS = "cursor_usage_events"
MISSING, DRIFT = "no_day_is_missing", "schema_drift"
BOTH = Span(DAY, NEXT)


def pulled(platform: Platform, *events: dict[str, Any]) -> None:
    """Pulls these records for DAY; NEXT is not pulled."""
    records = [json.dumps(event).encode() for event in events]
    platform.warehouse.append(EVENTS, [Answer("cursor", DAY, records, 1, {})])


def evaluated(platform: Platform, check: str, layer: str) -> Outcome:
    """Only this check, with Cursor configured."""
    key = dg.AssetCheckKey(dg.AssetKey([layer, EVENTS]), check)
    return platform.materialize(dg.AssetSelection.checks(key), BOTH, None, cursor_admin=object())


def test_a_day_of_events_not_built_is_missing_and_one_never_asked_about_is_not_evaluated(platform: Platform) -> None:
    pulled(platform, EVENT, EVENT)
    outcome = evaluated(platform, MISSING, "core")
    assert outcome.not_passed(MISSING, EVENTS) == {DAY}
    assert "core holds 0 of the 2 records" in outcome.why(MISSING, DAY, EVENTS)
    assert "was never pulled" in outcome.not_evaluated(MISSING, EVENTS)[NEXT]
    newest = platform.warehouse.newest(EVENTS, BOTH)
    platform.warehouse.replace_days(CURSOR_USAGE_EVENTS, newest.days, event_rows(newest))
    assert evaluated(platform, MISSING, "core").not_passed(MISSING, EVENTS) == set()
    platform.sql(f"delete from ai_usage_analytics.{EVENTS}")
    assert evaluated(platform, MISSING, "core").not_passed(MISSING, EVENTS) == {DAY}


def test_a_new_field_of_an_event_is_named(platform: Platform) -> None:
    pulled(platform, {**EVENT, "novel": 1})
    outcome = evaluated(platform, DRIFT, "raw")
    assert outcome.not_passed(DRIFT, EVENTS) == {None}
    assert f"unknown field novel (1×, first seen {DAY})" in outcome.why(DRIFT, None, EVENTS)
