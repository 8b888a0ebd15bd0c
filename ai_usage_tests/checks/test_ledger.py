"""The check that raw equals what was pulled: it fails for each lost, doubled or changed record of a small day."""

import json
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import dagster as dg
import pytest

from ai_usage.catalog import TABLES
from ai_usage.check import by_day
from ai_usage.checks.ledger import CHECKS
from ai_usage.core.closing import ACTS
from ai_usage.marts.gate import blocked_days
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.audit_log import tables as uploads
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.cursor.provider import CURSOR as CURSOR_PROVIDER
from ai_usage.providers.provider import Gate
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.ledger_check import broken_pulls
from ai_usage_tests.mock_claude import DAY, DAYS, NEXT
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.cursor.test_cursor_rows import EVENT

WHOLE = "ledger_is_whole"
SPAN = Span(DAYS[0], DAYS[-1])
# Records of providers and of the sheet. Records of people's actions have no pull with a count to compare.
LEDGERS = [table.name for table in TABLES if table.is_ledger and table.name != ACTS]
DAILY = {pull for provider in PROVIDERS for pull in provider.daily_pulls} | {*uploads.DAILY_PULLS}
RECORDS = {"claude_cost_report": 3, "claude_cost_totals": 1, "claude_messages_usage": 2, "claude_code_usage": 1}
EACH = [(pull, position) for pull, records in RECORDS.items() for position in range(records)]
HARMS = {
    "lost": "delete from {table} {where}",
    "doubled": "insert into {table} select * from {table} {where}",
    "altered": "update {table} set record = record || ' ' {where}",
    "on another day": "update {table} set activity_date = activity_date + 1 {where}",
}
STANDING = {"lost": -1, "doubled": 1, "altered": 0, "on another day": -1}


def harm(platform: Platform, how: str, pull: str, position: int) -> None:
    where = f"where activity_date is not distinct from {_day(pull)} and position = {position}"
    platform.sql(HARMS[how].format(table=f"ai_usage_raw.{pull}", where=where))


def _day(pull: str) -> str:
    return f"date '{DAY}'" if pull in DAILY else "null"


def blocked(platform: Platform, by: Gate = ANTHROPIC.gate, span: Span = SPAN) -> set[object]:
    return {day for day, checks in blocked_days(platform.warehouse, span, by).items() if WHOLE in checks}


def evaluated(platform: Platform, span: Span | None = SPAN) -> Outcome:
    """Only this check, on every table that has it, with every source configured."""
    checks = dg.AssetSelection.checks(*(check.key for check in CHECKS))
    there = SimpleNamespace(account="default", has_admin_key=True, has_analytics_key=True)
    there.is_of_organization = there.is_of_workspace = True
    return platform.materialize(checks, span, there, there, sheet=there, uploads=there, openai_admin=there)  # type: ignore[arg-type]


def reasons(outcome: Outcome) -> str:
    return " ".join(
        v.description or "" for found in outcome.evaluations.values() for v in found.values() if not v.passed
    )


def test_what_was_pulled_is_whole_and_the_small_day_has_these_records(good: Platform) -> None:
    assert blocked(good) == set()
    assert good.check(WHOLE).not_passed(WHOLE) == set()
    for pull, records in RECORDS.items():
        assert good.sql(f"select count(*) from ai_usage_raw.{pull} where activity_date = '{DAY}'") == [(records,)]


@pytest.mark.parametrize("how", HARMS)
@pytest.mark.parametrize(("pull", "position"), EACH)
def test_each_single_record_counts(good: Platform, pull: str, position: int, how: str) -> None:
    harm(good, how, pull, position)
    found = by_day(broken_pulls(good.warehouse, list(RECORDS), SPAN.first, SPAN.last, with_hashes=True))
    assert {
        day: [(row["pull"], row["records_standing"] - row["records"]) for row in rows] for day, rows in found.items()
    } == {DAY: [(pull, STANDING[how])]}
    assert blocked(good) == ({DAY} if pull in ANTHROPIC.gate.pulls and how != "altered" else set())


@pytest.mark.parametrize("how", HARMS)
def test_the_result_names_the_day_and_how_many_of_the_records_are_left(good: Platform, how: str) -> None:
    harm(good, how, "claude_code_usage", 0)
    harm(good, how, "claude_cost_report", 1)
    outcome = good.check(WHOLE)
    assert outcome.not_passed(WHOLE) == outcome.not_passed(WHOLE, "claude_costs") == {DAY}
    ending = ", but not as they were sent" if how == "altered" else ""
    assert outcome.evaluation(WHOLE, DAY).description == (
        f"{DAY}: raw/claude_code_usage holds {1 + STANDING[how]} of the 1 records that were pulled{ending}; "
        f"raw/claude_cost_report holds {3 + STANDING[how]} of the 3 records that were pulled{ending}."
    )


@pytest.mark.parametrize("how", [how for how in HARMS if how != "altered"])
def test_a_broken_day_keeps_its_last_good_mart_and_the_others_go_on(good: Platform, how: str) -> None:
    kept = good.dollars()
    harm(good, how, "claude_messages_usage", 0)
    for table in ("claude_costs", "claude_daily_cost"):  # as a rebuild would if all were well: the sums still agree
        good.sql(f"update ai_usage_analytics.{table} set amount_usd = amount_usd * 2")
    outcome = good.run(only=dg.AssetSelection.assets("marts/claude_total_expenses"))
    assert {day for day, usd in good.dollars().items() if usd == kept[day]} == {DAY}
    assert outcome.noted("marts/claude_total_expenses", DAY)["blocked_by"] == [WHOLE]


def test_a_doubled_row_of_pulls_would_double_its_records_and_fails(good: Platform) -> None:
    of_day = f"pull = 'claude_cost_report' and activity_date = '{DAY}'"
    good.sql(f"insert into ai_usage_raw.pulls select * from ai_usage_raw.pulls where {of_day}")
    outcome = good.check(WHOLE)
    assert outcome.not_passed(WHOLE) == blocked(good) == {DAY}
    assert "raw/claude_cost_report has 2 rows in ai_usage_raw.pulls" in reasons(outcome)


def test_a_confirmed_version_is_whole_as_long_as_the_first_pulls_records_are(good: Platform) -> None:
    good.run(only=dg.AssetSelection.groups("raw_claude").without_checks())
    assert good.sql(f"select count(*) from ai_usage_raw.pulls where activity_date = '{DAY}'") == [(2 * len(RECORDS),)]
    assert blocked(good) == set()
    harm(good, "lost", "claude_cost_report", 1)
    assert blocked(good) == {DAY}
    first = "pull = 'claude_cost_totals' and records_pull_id = pull_id"
    good.sql(f"delete from ai_usage_raw.pulls where {first} and activity_date = '{DAYS[1]}'")
    assert blocked(good) == {DAY, DAYS[1]}
    assert "raw/claude_cost_totals has 0 rows in ai_usage_raw.pulls" in reasons(good.check(WHOLE))


def test_a_day_pulled_again_is_whole_again_and_older_versions_are_history(good: Platform) -> None:
    harm(good, "altered", "claude_cost_report", 1)
    good.claude.days[DAY] = good.claude.days[DAY][:2]
    good.run(only=dg.AssetSelection.groups("raw_claude").without_checks())
    assert blocked(good) == set()


def test_deleting_a_damaged_version_and_pulling_the_day_again_repairs_it(good: Platform) -> None:
    harm(good, "lost", "claude_cost_report", 1)
    pulls = dg.AssetSelection.groups("raw_claude").without_checks()
    good.run(only=pulls)
    assert blocked(good) == {DAY}
    [(broken,)] = good.sql(
        f"""select distinct records_pull_id from ai_usage_raw.pulls
        where pull = 'claude_cost_report' and activity_date = '{DAY}'"""
    )
    good.sql(f"delete from ai_usage_raw.pulls where records_pull_id = '{broken}'")
    good.run(only=pulls)
    assert blocked(good) == set()
    assert len(good.cents(DAY)) == RECORDS["claude_cost_report"]


def test_an_empty_day_is_whole_until_something_stands_in_it(platform: Platform) -> None:
    [version] = platform.warehouse.append("claude_cost_report", [Answer("anthropic", DAY, [], 1, {})])
    assert blocked(platform) == set()
    platform.sql(
        f"insert into ai_usage_raw.claude_cost_report values ('{version.pull_id}', 'default', '{DAY}', 0, '{{}}')"
    )
    assert blocked(platform) == {DAY}


@pytest.mark.parametrize("pull", CURSOR_PROVIDER.gate.pulls)
def test_days_of_cursor_are_blocked_too(platform: Platform, pull: str) -> None:
    for each in CURSOR_PROVIDER.gate.pulls:
        for day in (DAY, NEXT):
            records = [json.dumps({**EVENT, "n": n}).encode() for n in range(2)]
            platform.warehouse.append(each, [Answer("cursor", day, records, 1, {})])
    assert blocked(platform, CURSOR_PROVIDER.gate) == set()
    assert evaluated(platform, Span(DAY, NEXT)).not_passed(WHOLE, "cursor_usage_events") == set()
    harm(platform, "altered", pull, 1)
    assert evaluated(platform, Span(DAY, NEXT)).not_passed(WHOLE, "cursor_usage_events") == {DAY}
    assert blocked(platform, CURSOR_PROVIDER.gate) == set(), (
        "the check reports it; the gate does not compare hashes, which would cost too much for each mart"
    )
    harm(platform, "lost", pull, 1)
    assert blocked(platform, CURSOR_PROVIDER.gate) == {DAY}
    assert evaluated(platform, Span(DAY, NEXT)).not_passed(WHOLE, "cursor_usage_events") == {DAY}


@pytest.mark.parametrize("how", ["lost", "doubled", "altered"])
def test_no_raw_table_is_forgotten(platform: Platform, how: str) -> None:
    records = [b'{"n": 2}', '{"n": 1, "of": "ü€𝄞"}'.encode()]
    with platform.warehouse.connected():
        for pull in LEDGERS:
            day, is_ordered = DAY if pull in DAILY else None, pull.startswith("sheet_")
            platform.warehouse.append(pull, [Answer("x", day, records, 1, {}, is_ordered=is_ordered)])
    assert evaluated(platform, Span(DAY, DAY)).not_passed(WHOLE) == set()
    with platform.warehouse.connected():
        for pull in LEDGERS:
            harm(platform, how, pull, 1)
    why = reasons(evaluated(platform, Span(DAY, DAY)))
    holds = f"holds {2 + STANDING[how]} of the 2 records that were pulled"
    assert [pull for pull in LEDGERS if f"raw/{pull} {holds}" not in why] == []


@pytest.mark.parametrize(("pull", "matters"), [("sheet_budgets", True), ("claude_users", False)])
def test_the_order_of_records_matters_in_the_sheet_alone(platform: Platform, pull: str, *, matters: bool) -> None:
    platform.warehouse.append(pull, [Answer("x", None, [b"1", b"2"], 1, {}, is_ordered=matters)])
    platform.sql(f"update ai_usage_raw.{pull} set position = 1 - position")
    assert ("but not as they were sent" in reasons(evaluated(platform))) == matters


def test_days_beyond_the_span_are_left_to_their_own_run(good: Platform) -> None:
    harm(good, "lost", "claude_cost_report", 0)
    later = Span(DAY + timedelta(days=1), DAYS[-1])
    assert blocked(good, span=later) == set()
    assert good.check(WHOLE, later).not_passed(WHOLE) == set()


CLOCK = "no_pull_is_of_the_future"


@pytest.mark.parametrize("is_wrong", [False, True])
def test_pulls_of_the_future_are_reported(platform: Platform, *, is_wrong: bool) -> None:
    """Fault 4: a fast clock hid every later version, and only a warning of one day reported it."""
    now, pull = settings().now(), "claude_cost_report"
    ahead = now + timedelta(days=200)
    for at in (ahead if is_wrong else now, now):
        platform.warehouse.now = partial(min, at, at)
        platform.warehouse.append(pull, [Answer("anthropic", DAY, [], 1, {})])
    outcome = platform.check(CLOCK)
    assert outcome.not_passed(CLOCK) == ({None} if is_wrong else set())
    found = outcome.evaluations[CLOCK, pull][None]
    if is_wrong:
        assert found.severity == dg.AssetCheckSeverity.WARN
        assert found.description == (
            f"1 pulls of {pull} have instants in the future, up to {ahead:%Y-%m-%d %H:%M} UTC: the clock was wrong. "
            "Later pulls still count."
        )
