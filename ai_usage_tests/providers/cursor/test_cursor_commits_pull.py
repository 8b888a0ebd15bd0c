"""The pull of AI commits in the graph: what the ledger gets, what it never gets, and a plan without commits."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.simulator import CURSOR_KEY, CURSOR_KEY_WITHOUT_COMMITS, Simulator
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.cursor.test_cursor_commits import SECRET, Commits, commit

PULL = "cursor_ai_commits"
RAW = f"ai_usage_raw.{PULL}"
ALONE = dg.AssetSelection.assets(["raw", PULL])
OTHERS = dg.AssetSelection.groups("raw_cursor")
BOTH = Span(DAY, NEXT)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def cursor() -> Iterator[Simulator]:
    with Simulator(now=NOW) as simulator:
        yield simulator


def pull(
    platform: Platform, stand_in: Simulator, key: str = CURSOR_KEY, only: dg.AssetSelection = ALONE, span: Span = BOTH
) -> Outcome:
    stand_in.requests.clear()
    patience = Patience(attempts=1)
    opened = CursorAdmin.open(
        base_url=stand_in.cursor_url, key=key, now=lambda: NOW, pace=lambda _: None, patience=patience
    )
    with closing(opened) as admin:
        return platform.materialize(only, span, None, cursor_admin=admin)


def pulled(platform: Platform, stand_in: Commits, span: Span = BOTH) -> Outcome:
    stand_in.statuses.clear()
    outcome = platform.materialize(ALONE, span, None, cursor_admin=stand_in.admin())
    assert outcome.result.success
    return outcome


def on(day: date, number: int) -> dict[str, object]:
    return commit(number, commitTs=f"{day}T09:00:00Z", createdAt=f"{day}T09:00:05Z")


def statuses(stand_in: Simulator) -> list[int | None]:
    return [request.status for request in stand_in.requests]


def rows(platform: Platform, day: date) -> int:
    [(count,)] = platform.sql(f"select count(*) from {RAW} where activity_date = '{day}'")
    return int(count)


def test_every_commit_of_a_day_is_in_the_ledger_and_none_is_unknown(platform: Platform, cursor: Simulator) -> None:
    outcome = pull(platform, cursor)
    assert outcome.result.success
    assert outcome.checks_not_passed() == set()
    assert set(outcome.evaluations["schema_drift", PULL]) == {None}
    assert all(outcome.noted(f"raw/{PULL}", day)["records"] == rows(platform, day) > 0 for day in BOTH.days)
    days = platform.sql(f"select distinct activity_date::text, left(record->>'createdAt', 10) from {RAW} order by 1")
    assert days == [(str(day), str(day)) for day in BOTH.days]


def test_no_message_is_kept_anywhere(platform: Platform) -> None:
    stand_in = Commits([on(DAY, n) for n in range(3)])
    assert stand_in.body(1, 9).decode().count(SECRET) == 3
    pulled(platform, stand_in)
    tables = platform.sql("select table_schema || '.' || table_name from information_schema.tables")
    for (table,) in tables:
        assert platform.sql(f"select count(*) from {table} as row where row::text like '%{SECRET}%'") == [(0,)]
    assert platform.sql(
        f"select count(*) from {RAW} as row where row::text like '%{stand_in.commits[0]['repoName']}%'"
    ) == [(3,)]


def test_the_same_question_again_costs_no_answer_and_adds_no_record(platform: Platform, cursor: Simulator) -> None:
    first = pull(platform, cursor)
    assert statuses(cursor) == [200]
    before = platform.sql(f"select * from {RAW} order by all")
    for _ in range(2):  # the new row has the ETags too
        again = pull(platform, cursor)
        assert statuses(cursor) == [304]
        assert again.checks_not_passed() == set()
        for day in BOTH.days:
            was, now = (outcome.noted(f"raw/{PULL}", day) for outcome in (first, again))
            assert (was["is_new_version"], now["is_new_version"]) == (True, False)
            assert now["records"] == was["records"]
            assert now["pull_id"] > was["pull_id"]
        assert again.noted_anywhere("requests_in_run") == {f"raw/{PULL}": "1"}
    assert platform.sql(f"select * from {RAW} order by all") == before
    kept = "select count(*), count(distinct envelope), count(distinct records_pull_id) from ai_usage_raw.pulls"
    assert platform.sql(f"{kept} group by activity_date") == [(3, 1, 1)] * 2


def test_what_changed_since_is_a_new_version_of_its_day_alone(platform: Platform) -> None:
    stand_in = Commits([on(DAY, 1), on(NEXT, 2)], page_size=1)
    pulled(platform, stand_in)
    pulled(platform, stand_in)
    assert stand_in.statuses == [304, 304]
    stand_in.commits[1]["totalLinesAdded"] += 1
    outcome = pulled(platform, stand_in)
    assert stand_in.statuses == [304, 200, 200, 200]
    assert [outcome.noted(f"raw/{PULL}", day)["is_new_version"] for day in BOTH.days] == [False, True]
    pulled(platform, stand_in)
    assert stand_in.statuses == [304, 304]
    [line] = platform.warehouse.newest(PULL, Span(NEXT, NEXT)).lines["record"]
    assert f'"totalLinesAdded":{stand_in.commits[1]["totalLinesAdded"]}' in line


def test_a_day_asked_about_alone_since_has_the_span_asked_anew(platform: Platform) -> None:
    stand_in = Commits([on(DAY, 1), on(NEXT, 2)])
    pulled(platform, stand_in)
    one_day = Commits(stand_in.commits[:1])
    pulled(platform, one_day, Span(DAY, DAY))
    pulled(platform, stand_in)
    assert stand_in.statuses == [200]


def test_records_lost_from_the_ledger_are_not_taken_for_unchanged(platform: Platform) -> None:
    stand_in = Commits([on(DAY, 1), on(NEXT, 2)])
    pulled(platform, stand_in)
    platform.sql(f"delete from {RAW} where activity_date = '{NEXT}'")
    outcome = pulled(platform, stand_in)
    assert stand_in.statuses == [200]
    assert outcome.noted(f"raw/{PULL}", NEXT)["records"] == 1


def test_a_plan_without_commits_skips_them_with_a_note_and_the_rest_goes_on(
    platform: Platform, cursor: Simulator
) -> None:
    outcome = pull(platform, cursor, CURSOR_KEY_WITHOUT_COMMITS, only=OTHERS, span=Span(DAY, DAY))
    assert outcome.result.success
    assert outcome.noted_anywhere("skipped").keys() == {f"raw/{PULL}"}
    why = outcome.noted_anywhere("skipped")[f"raw/{PULL}"]
    assert why.startswith("not included: it needs an Enterprise team with AI Code Tracking")
    assert "The provider answered 401: You must be a member of an enterprise team" in why
    assert outcome.checks_not_passed() == set()
    assert "Optional, and never pulled" in outcome.not_evaluated("schema_drift", PULL)[None]
    assert (("pull_is_recent", PULL) in outcome.evaluations, outcome.not_passed("pull_is_recent", PULL)) == (
        False,
        set(),
    )
    assert platform.warehouse.pulled_days(PULL) == []
    assert platform.warehouse.pulled_days("cursor_usage_events") == [DAY]


def test_an_endpoint_the_team_does_not_have_is_skipped_too(platform: Platform, cursor: Simulator) -> None:
    cursor.faults.plan("status", status=404, path="ai-code", times=None)
    try:
        outcome = pull(platform, cursor)
    finally:
        cursor.faults.clear()
    assert outcome.result.success
    assert "answered 404" in outcome.noted_anywhere("skipped")[f"raw/{PULL}"]


@pytest.mark.parametrize(("status", "path"), [(401, ""), (400, "ai-code"), (500, "ai-code")])
def test_a_refused_key_or_an_error_of_the_provider_is_no_reason_to_skip(
    platform: Platform, cursor: Simulator, status: int, path: str
) -> None:
    cursor.faults.plan("status", status=status, path=path, times=None)
    try:
        outcome = pull(platform, cursor)
    finally:
        cursor.faults.clear()
    assert outcome.failed.keys() == {f"raw__{PULL}"}


def test_without_a_key_nothing_is_asked(platform: Platform) -> None:
    outcome = platform.materialize(ALONE, BOTH, None)
    assert outcome.result.success
    assert "CURSOR_ADMIN_API_KEY is not set" in outcome.noted_anywhere("skipped")[f"raw/{PULL}"]
    assert platform.sql("select count(*) from ai_usage_raw.pulls") == [(0,)]
