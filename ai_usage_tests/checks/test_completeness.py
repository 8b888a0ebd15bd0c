"""Every day exists, pulls are recent, and unknown fields are reported; a check without data does not pass."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from ai_usage.check import ERROR, WARN
from ai_usage.checks.completeness import freshness, recency
from ai_usage.partitions import Span
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_claude import DAY, DAYS, NEXT, ordinary
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, of_bill

MISSING, DRIFT, RECENT = "no_day_is_missing", "schema_drift", "pull_is_recent"
FRESH = "bill_is_fresh"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PULLS = "ai_usage_raw.pulls"


@pytest.mark.parametrize(
    ("pull", "table"),
    [
        ("claude_cost_report", "claude_costs"),
        ("claude_cost_totals", "claude_costs"),
        ("claude_messages_usage", "claude_costs"),
        ("claude_code_usage", "claude_code_usage_stats"),
    ],
)
def test_a_report_never_pulled_makes_its_day_a_missing_one(good: Platform, pull: str, table: str) -> None:
    good.sql(f"delete from {PULLS} where pull = '{pull}' and activity_date = '{NEXT}'")
    outcome = good.check(MISSING)
    assert outcome.not_passed(MISSING) == {NEXT}
    assert outcome.evaluation(MISSING, NEXT, table).severity == ERROR
    assert f"{pull} was never pulled" in outcome.why(MISSING, NEXT, table)


@pytest.mark.parametrize(
    "table", ["claude_costs", "claude_daily_cost", "claude_usage_tokens", "claude_code_usage_stats"]
)
def test_a_day_pulled_and_not_built_whole_is_a_missing_one(good: Platform, table: str) -> None:
    [(rows,)] = good.sql(f"select count(*) from ai_usage_analytics.{table} where activity_date = '{DAY}'")
    good.sql(f"insert into ai_usage_analytics.{table} from ai_usage_analytics.{table} where activity_date = '{DAY}'")
    good.sql(f"delete from ai_usage_analytics.{table} where activity_date = '{NEXT}'")
    outcome = good.check(MISSING)
    assert outcome.not_passed(MISSING) == {DAY, NEXT}
    of = table if table == "claude_code_usage_stats" else "claude_costs"
    assert f"core holds {2 * rows} of the {rows} records" in outcome.why(MISSING, DAY, of)
    assert "core holds 0 of the" in outcome.why(MISSING, NEXT, of)


def test_an_optional_report_is_missing_only_after_the_provider_has_answered_it_once(platform: Platform) -> None:
    code, days = "claude_code_usage_stats", {DAY: ordinary(), NEXT: ordinary()}
    platform.claude.refuses["/claude_code"] = 403
    never = platform.run(days, only=of_bill())
    assert set(never.not_evaluated(MISSING, code)) == {DAY, NEXT}
    assert never.checks_not_passed() == set()
    del platform.claude.refuses["/claude_code"]
    platform.run(days, span=Span(DAY, DAY), only=of_bill())
    once = platform.check(MISSING, Span(DAY, NEXT))
    assert once.evaluation(MISSING, DAY, code).passed
    assert "never pulled" in once.why(MISSING, NEXT, code)


def test_before_the_first_day_that_an_optional_report_was_answered_for_nothing_is_missing(platform: Platform) -> None:
    code, days = "claude_code_usage_stats", {DAY: ordinary(), NEXT: ordinary()}
    platform.claude.refuses["/claude_code"] = 403
    platform.run(days, only=of_bill())
    del platform.claude.refuses["/claude_code"]
    platform.run(days, span=Span(NEXT, NEXT), only=of_bill())
    later = platform.check(MISSING, Span(DAY, NEXT))
    assert later.evaluation(MISSING, NEXT, code).passed
    assert later.not_evaluated(MISSING, code) == {DAY: f"Optional, and never pulled for a day before {NEXT}."}


def test_an_empty_answer_is_no_missing_day(platform: Platform) -> None:
    outcome = platform.run({DAY: [], NEXT: []}, only=_of_costs())
    assert outcome.not_passed(MISSING) == set()
    assert platform.sql(f"select distinct records from {PULLS} where activity_date is not null") == [(0,)]


@pytest.mark.parametrize(
    ("pull", "field", "value", "named"),
    [
        ("claude_cost_report", "surcharge", "1", "unknown field surcharge"),
        ("claude_cost_report", "cost_type", "gpu_hours", "unknown value cost_type = 'gpu_hours'"),
        ("claude_messages_usage", "inference_geo", "mars", "unknown value inference_geo = 'mars'"),
        ("claude_code_usage", "customer_type", "barter", "unknown value customer_type = 'barter'"),
    ],
)
def test_an_unknown_field_or_value_is_kept_in_raw_and_named(
    good: Platform, pull: str, field: str, value: str, named: str
) -> None:
    """Planted in the ledger; in `test_novelties_survive_a_run` the provider sends them."""
    good.sql(
        f"""update ai_usage_raw.{pull}
        set record = json_merge_patch(record::json, '{{"{field}": "{value}"}}')::varchar
        where activity_date = '{DAY}' and position = 0"""
    )
    outcome = good.check(DRIFT)
    assert outcome.not_passed(DRIFT) == outcome.not_passed(DRIFT, pull) == {None}
    evaluation = outcome.evaluation(DRIFT, None, pull)
    assert evaluation.severity == WARN
    assert f"{named} (1×, first seen {DAY})" in (evaluation.description or "")


def test_the_same_field_on_many_days_is_one_result_with_first_seen_days_and_count(good: Platform) -> None:
    """A later run of one of these days knows the first day of the field."""
    raw = "ai_usage_raw.claude_cost_report"
    novel = f"update {raw} set record = json_merge_patch(record::json, '{{\"novel\": 1}}')::varchar"
    good.sql(f"{novel} where activity_date > '{DAY}'")
    outcome = good.check(DRIFT)
    assert outcome.evaluations[DRIFT, "claude_cost_report"].keys() == {None}
    table = outcome.evaluation(DRIFT, None, "claude_cost_report").metadata["rows"]
    assert isinstance(table, dg.TableMetadataValue)
    [row] = table.records
    assert row.data == {
        "named": "raw/claude_cost_report: unknown field novel",
        "sentence": f"raw/claude_cost_report: unknown field novel (6× on 2 days, first seen {NEXT}).",
        "alert_key": "schema_drift/claude_cost_report/unknown field novel",
        "what": "unknown field novel",
        "first_seen": str(NEXT),
        "days": 2,
        "records": 6,
    }
    later = good.check(DRIFT, Span(DAYS[-1], DAYS[-1])).evaluation(DRIFT, None, "claude_cost_report")
    assert f"unknown field novel (3×, first seen {NEXT})" in (later.description or "")
    assert good.check(DRIFT, Span(DAY, DAY)).evaluation(DRIFT, None, "claude_cost_report").passed
    assert good.sql(
        """select what, first_seen_date, last_seen_date, day_count, record_count
        from ai_usage_analytics.schema_drift_sightings where asset = 'raw/claude_cost_report'"""
    ) == [("unknown field novel", NEXT, DAYS[-1], 1, 3)]
    assert good.sql(
        """select alert_key, topic, severity, event_date, text from ai_usage_analytics.alert_events
        where asset = 'raw/claude_cost_report'"""
    ) == [
        (
            row.data["alert_key"],
            DRIFT,
            "warned",
            None,
            f"raw/claude_cost_report: unknown field novel (3×, first seen {NEXT}).",
        )
    ]


def test_since_when_a_thing_is_known_is_not_forgotten_with_dagsters_history(good: Platform) -> None:
    novel = "json_merge_patch(record::json, '{\"novel\": 1}')::varchar"
    good.sql(f"update ai_usage_raw.claude_cost_report set record = {novel}")
    good.check(DRIFT, Span(DAY, DAY))
    good.instance.wipe()
    later = good.check(DRIFT, Span(DAYS[-1], DAYS[-1])).evaluation(DRIFT, None, "claude_cost_report")
    assert f"unknown field novel (3×, first seen {DAY})" in (later.description or "")


def test_novelties_survive_a_run(platform: Platform) -> None:
    platform.claude.lines[DAY] = lambda rows: [{**row, "novel": {"deep": [1]}, "service_tier": "dear"} for row in rows]
    platform.claude.refuses["/users"] = 404
    outcome = platform.run({DAY: ordinary(), NEXT: ordinary()}, only=_of_costs())
    assert outcome.not_passed(DRIFT, "claude_cost_report") == {None}
    why = outcome.why(DRIFT, None, "claude_cost_report")
    assert f"unknown field novel (3×, first seen {DAY})" in why
    assert f"unknown value service_tier = 'dear' (3×, first seen {DAY})" in why
    [record, *_] = platform.warehouse.newest("claude_cost_report", Span(DAY, DAY)).lines["record"]
    assert '"novel":{"deep":[1]}' in record
    assert platform.sql("select distinct service_tier from ai_usage_analytics.claude_costs order by 1")[0] == ("dear",)


def test_a_novelty_in_a_snapshot_or_beside_the_records_is_named(good: Platform) -> None:
    good.sql("""update ai_usage_raw.claude_workspaces set record = replace(record, '{"id"', '{"colour":"red","id"')""")
    good.sql(f"""update {PULLS} set envelope = '{{"warning": "x"}}' where pull = 'claude_cost_totals'
        and activity_date = '{DAY}'""")
    outcome = good.check(DRIFT)
    assert "unknown field colour" in outcome.why(DRIFT, None, "claude_workspaces")
    assert "unknown field warning beside" in outcome.why(DRIFT, None, "claude_cost_totals")


def test_pulls_of_last_week_fail(good: Platform) -> None:
    good.sql(f"update {PULLS} set activity_date = activity_date + 9")  # up to yesterday
    assert good.check(RECENT).not_passed(RECENT) == set()
    good.sql(f"update {PULLS} set pulled_at = pulled_at - interval 37 hours where pull = 'claude_users'")
    outcome = good.check(RECENT)
    assert outcome.not_passed(RECENT) == outcome.not_passed(RECENT, "claude_users") == {None}
    assert "Last pulled 2026-11-18 23:00 UTC." in outcome.why(RECENT, None, "claude_users")


@pytest.mark.parametrize(
    ("hours_ago", "newest_day", "is_recent"),
    [
        (0, date(2026, 11, 19), True),
        (36, date(2026, 11, 18), True),
        (37, date(2026, 11, 19), False),
        (0, date(2026, 11, 17), False),
        (0, None, False),
    ],
)
def test_a_pull_is_recent_if_it_is_young_and_reached_a_young_day(
    *, hours_ago: int, newest_day: date | None, is_recent: bool
) -> None:
    evaluation = recency(NOW - timedelta(hours=hours_ago), newest_day, is_daily=True, now=NOW)
    assert evaluation is not None
    assert evaluation.passed == is_recent


@pytest.mark.parametrize(
    ("newest", "records", "is_silent"),
    [
        (date(2026, 11, 19), [3, 3, 3, 3], False),
        (date(2026, 11, 19), [3, 3, 0, 0], False),  # a weekend
        (date(2026, 11, 19), [3, 0, 0, 0], True),
        (date(2026, 11, 19), [0, 0, 0, 0], False),  # it never had a record: it is not used yet
        (date(2026, 11, 17), [3, 3, 3, 3], False),
        (date(2026, 11, 16), [3, 3, 3, 3], True),
    ],
)
def test_a_source_is_stale_if_three_days_are_unknown_or_suddenly_empty(
    newest: date, records: list[int], *, is_silent: bool
) -> None:
    heard = {newest - timedelta(days=len(records) - 1 - n): count for n, count in enumerate(records)}
    evaluation = freshness(newest, heard, yesterday=date(2026, 11, 19))
    assert (evaluation.passed, evaluation.severity) == (not is_silent, ERROR)


@pytest.mark.parametrize("pull", ["claude_cost_report", "cursor_usage_events"])
def test_a_source_without_records_for_three_days_is_unhealthy_and_its_cost_unknown(
    platform: Platform, pull: str
) -> None:
    def heard(day: date, records: list[bytes]) -> Outcome:
        platform.warehouse.append(pull, [Answer("provider", day, records, 1, {})])
        return platform.check(FRESH)

    table = dg.AssetKey(["raw", pull]).path[-1]
    outcome = heard(date(2026, 11, 16), [b"{}"])
    assert outcome.not_passed(FRESH) == {None}
    assert "Nothing is known since 2026-11-16, 3 days: what they cost is unknown, not 0." in outcome.why(
        FRESH, None, table
    )
    for day in (17, 18, 19):
        outcome = heard(date(2026, 11, day), [])
        assert outcome.evaluation(FRESH, None, table).passed == (day < 19)
    outcome = heard(date(2026, 11, 19), [b"{}"])
    assert outcome.evaluation(FRESH, None, table).passed


def _of_costs() -> dg.AssetSelection:
    core = dg.AssetSelection.assets("core/claude_costs", "core/claude_daily_cost", "core/claude_usage_tokens")
    return core.upstream() | dg.AssetSelection.assets("raw/claude_code_usage")
