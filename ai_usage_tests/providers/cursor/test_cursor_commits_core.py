"""Commits in core: each counts once, on the first day that lists it, with its AI-written lines."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from ai_usage.definitions import defs
from ai_usage.partitions import Span
from ai_usage.providers.cursor.rows import commit_rows
from ai_usage.providers.cursor.tables import CURSOR_AI_COMMITS
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.cursor.test_cursor_commits import RECORDED, commit

RAW, CORE = "cursor_ai_commits", "ai_usage_analytics.cursor_ai_commits"
BOTH = Span(DAY, NEXT)
FIRST = settings().start_date


def in_ledger(platform: Platform, day: date, *commits: dict[str, Any]) -> None:
    """Puts the provider's commits of a day into the ledger: without messages."""
    records = [json.dumps({**pulled, "message": None}).encode() for pulled in commits]
    platform.warehouse.append(RAW, [Answer("cursor", day, records, 1, {})])


def built(platform: Platform, span: Span = BOTH) -> Outcome:
    outcome = platform.materialize(dg.AssetSelection.assets(["core", RAW]).without_checks(), span, None)
    assert outcome.result.success, outcome.failed
    return outcome


def numbers(platform: Platform) -> dict[date, list[int]]:
    """The commits of each day, by number."""
    found: dict[date, list[int]] = {}
    for day, commit_hash in platform.sql(f"select activity_date, commit_hash from {CORE} order by all"):
        found.setdefault(day, []).append(int(commit_hash, 16))
    return found


def test_a_commit_keeps_every_measure_its_person_and_its_instants(platform: Platform) -> None:
    made, heard = "2026-11-10T23:59:59.5-02:00", "2026-11-11T02:00:00Z"
    in_ledger(platform, NEXT, {**RECORDED[0], "userEmail": " Dev@Example.com", "commitTs": made, "createdAt": heard})
    built(platform)
    pulled = platform.warehouse.newest(RAW, BOTH)
    [row] = commit_rows(pulled, platform.warehouse.newest(RAW, Span(DAY, DAY))).to_dicts()
    assert row == {
        "activity_date": NEXT,
        "account": "default",
        "commit_hash": RECORDED[0]["commitHash"],
        "user_email": "dev@example.com",
        "user_id": str(RECORDED[0]["userId"]),
        "repo_name": RECORDED[0]["repoName"],
        "branch_name": RECORDED[0]["branchName"],
        "is_primary_branch": RECORDED[0]["isPrimaryBranch"],
        "commit_source": RECORDED[0]["commitSource"],
        "total_lines_added": RECORDED[0]["totalLinesAdded"],
        "total_lines_deleted": RECORDED[0]["totalLinesDeleted"],
        "tab_lines_added": RECORDED[0]["tabLinesAdded"],
        "tab_lines_deleted": RECORDED[0]["tabLinesDeleted"],
        "composer_lines_added": RECORDED[0]["composerLinesAdded"],
        "composer_lines_deleted": RECORDED[0]["composerLinesDeleted"],
        "non_ai_lines_added": RECORDED[0]["nonAiLinesAdded"],
        "non_ai_lines_deleted": RECORDED[0]["nonAiLinesDeleted"],
        "commit_at": datetime(2026, 11, 11, 1, 59, 59, 500000, tzinfo=UTC),
        "created_at": datetime(2026, 11, 11, 2, tzinfo=UTC),
        "pull_id": pulled.versions["pull_id"][0],
        "ingestion_timestamp": pulled.versions["pulled_at"][0],
    }
    assert platform.sql(f"select * from {CORE}") == [tuple(row[name] for name in CURSOR_AI_COMMITS.columns)]


def test_what_the_provider_does_not_know_is_null_and_never_zero(platform: Platform) -> None:
    in_ledger(platform, DAY, RECORDED[1])
    built(platform)
    unknown = [name for name in ("repoName", "branchName", "isPrimaryBranch", "commitTs") if RECORDED[1][name] is None]
    [row] = commit_rows(
        platform.warehouse.newest(RAW, BOTH), platform.warehouse.newest(RAW, Span(NEXT, NEXT))
    ).to_dicts()
    assert "commitTs" in unknown
    assert row["commit_at"] is None
    assert row["non_ai_lines_added"] == RECORDED[1]["nonAiLinesAdded"]


def test_a_commit_reported_on_two_days_counts_on_the_first(platform: Platform) -> None:
    in_ledger(platform, DAY, commit(1), commit(2))
    in_ledger(platform, NEXT, commit(2), commit(3))
    built(platform)
    assert numbers(platform) == {DAY: [1, 2], NEXT: [3]}


def test_a_day_built_alone_looks_at_the_day_before_it_too(platform: Platform) -> None:
    in_ledger(platform, DAY, commit(1), commit(2))
    in_ledger(platform, NEXT, commit(2), commit(3))
    outcome = built(platform, Span(NEXT, NEXT))
    assert numbers(platform) == {NEXT: [3]}
    assert outcome.noted(f"core/{RAW}", NEXT)["dagster/partition_row_count"] == 1


def test_a_commit_that_the_day_before_no_longer_has_counts_again(platform: Platform) -> None:
    in_ledger(platform, DAY, commit(1))
    in_ledger(platform, NEXT, commit(1))
    built(platform)
    in_ledger(platform, DAY)
    built(platform)
    assert numbers(platform) == {NEXT: [1]}


def test_a_commit_reported_on_three_days_counts_once(platform: Platform) -> None:
    days = [DAY + timedelta(days=n) for n in range(3)]
    for day in days:
        in_ledger(platform, day, commit(1))
    built(platform, Span(days[0], days[-1]))
    assert numbers(platform) == {DAY: [1]}


@pytest.mark.parametrize("earlier_first", [True, False])
def test_of_two_records_of_one_commit_the_later_one_counts(platform: Platform, *, earlier_first: bool) -> None:
    earlier = commit(1, createdAt="2026-11-10T09:00:00Z", totalLinesAdded=1)
    later = commit(1, createdAt="2026-11-10T11:00:00+01:00", totalLinesAdded=2)
    in_ledger(platform, DAY, *([earlier, later] if earlier_first else [later, earlier]))
    built(platform)
    assert platform.sql(f"select total_lines_added from {CORE}") == [(2,)]


def test_the_first_day_there_is_needs_no_day_before_it(platform: Platform) -> None:
    in_ledger(platform, FIRST, commit(1))
    built(platform, Span(FIRST, FIRST))
    assert numbers(platform) == {FIRST: [1]}


def test_a_day_never_pulled_is_left_as_it_was(platform: Platform) -> None:
    in_ledger(platform, DAY, commit(1))
    outcome = built(platform)
    assert "left as it was" in outcome.noted(f"core/{RAW}", NEXT)["skipped"]
    assert numbers(platform) == {DAY: [1]}


def test_a_day_rests_on_its_own_answer_and_the_day_befores() -> None:
    graph = defs.resolve_asset_graph()
    raw, core = dg.AssetKey(["raw", RAW]), dg.AssetKey(["core", RAW])
    mapping = graph.get_partition_mapping(core, raw)
    assert isinstance(mapping, dg.TimeWindowPartitionMapping)
    assert (mapping.start_offset, mapping.end_offset) == (-1, 0)
