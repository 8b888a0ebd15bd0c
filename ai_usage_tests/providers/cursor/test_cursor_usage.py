"""Members' days as really recorded: rows belong to their `day`, not their `date`, and there is a day more than
requested.
"""

import json
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from ai_usage.ingest.http.errors import IncompleteAnswer
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.providers.cursor.rows import usage_rows
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.cursor.test_cursor_rows import records

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIRST = date(2026, 10, 2)
DAYS = [FIRST + timedelta(days=n) for n in range(31)]
MEMBERS = 76
COUNTS = (
    "totalLinesAdded", "totalLinesDeleted", "acceptedLinesAdded", "acceptedLinesDeleted", "totalApplies",
    "totalAccepts", "totalRejects", "totalTabsShown", "totalTabsAccepted", "composerRequests", "chatRequests",
    "agentRequests", "cmdkUsages", "bugbotUsages", "subscriptionIncludedReqs", "usageBasedReqs", "apiKeyReqs",
)  # fmt: skip


def row(member: int, day: date) -> dict[str, Any]:
    """As recorded: `date` at any time of day, and half of the rows without a `clientVersion`."""
    record = {
        "userId": 18_000_000 + member,
        "day": day.isoformat(),
        "date": int(datetime(day.year, day.month, day.day, 7, 31, tzinfo=UTC).timestamp() * 1000) + member,
        "email": f"Dev.{member}@Example.com",
        "isActive": member % 2 == 0,
        **dict.fromkeys(COUNTS, member % 2),
        "mostUsedModel": "default",
    }
    return record | ({"clientVersion": "3.1.0"} if (member + day.day) % 2 else {})


RECORDED = [row(member, day) for day in DAYS for member in range(MEMBERS)]


def stand_in(rows: list[dict[str, Any]]) -> CursorAdmin:
    """Answers every window with the same rows, as the recorded provider did: 31 days for a window of 30."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        page = rows[(asked["page"] - 1) * 1000 : asked["page"] * 1000]
        pages = -(-len(rows) // 1000)
        return httpx.Response(200, json={"data": page, "pagination": {"totalPages": pages}})

    return CursorAdmin.open(
        base_url="https://cursor.test",
        key="crsr",
        now=lambda: NOW,
        pace=lambda _: None,
        patience=Patience(attempts=1),
        transport=httpx.MockTransport(answer),
    )


def test_recorded_answers_load_with_each_row_on_its_day(platform: Platform) -> None:
    assert len(RECORDED) == 2356
    table = dg.AssetSelection.assets(dg.AssetKey(["core", "cursor_usage_stats"]))
    raw = dg.AssetSelection.assets(dg.AssetKey(["raw", "cursor_daily_usage"]))
    with closing(stand_in(RECORDED)) as admin:
        outcome = platform.materialize((raw | table).without_checks(), Span(DAYS[0], DAYS[-1]), None, admin)
    assert outcome.result.success
    stats = platform.sql(
        "select activity_date, count(*), count(client_version), count(distinct cursor_user_id), min(date_at::date), "
        "max(date_at::date) from ai_usage_analytics.cursor_usage_stats group by 1 order by 1"
    )
    assert stats == [(day, MEMBERS, MEMBERS // 2, MEMBERS, day, day) for day in DAYS]


def test_a_day_more_than_asked_is_left_to_its_own_pull() -> None:
    with closing(stand_in(RECORDED)) as admin:
        answers = admin.daily_usage(Span(DAYS[0], DAYS[29]))
    assert Counter({a.day: len(a.records) for a in answers}) == Counter(dict.fromkeys(DAYS[:30], MEMBERS))


def test_an_answer_about_other_days_alone_is_refused() -> None:
    with closing(stand_in(RECORDED)) as admin, pytest.raises(IncompleteAnswer, match="2026-10-02"):
        admin.daily_usage(Span(date(2026, 9, 1), date(2026, 9, 3)))


def test_a_row_without_a_day_is_of_the_day_of_its_date() -> None:
    older = [{name: value for name, value in record.items() if name != "day"} for record in RECORDED]
    with closing(stand_in(older)) as admin:
        answers = admin.daily_usage(Span(DAYS[0], DAYS[29]))
    assert {len(a.records) for a in answers} == {MEMBERS}


def test_a_row_has_every_field_of_the_provider_under_one_name() -> None:
    record = {**row(1, FIRST), "email": " Dev.One@Example.com ", "totalTabsShown": 7, "bugbotUsages": 3}
    [built] = usage_rows(records(record), []).to_dicts()
    assert (built["user_email"], built["cursor_user_id"]) == ("dev.one@example.com", "18000001")
    assert (built["total_tabs_shown"], built["bugbot_usages"], built["most_used_model"]) == (7, 3, "default")
    assert built["date_at"] == datetime(2026, 10, 2, 7, 31, 0, 1000, tzinfo=UTC)
    stand_ins = set(built) - {"estimated_cost_usd", "account", "pull_id", "ingestion_timestamp"}
    assert len(stand_ins) == 26


def test_a_field_that_a_row_lacks_is_null() -> None:
    bare = {name: value for name, value in row(1, FIRST).items() if name not in {"email", "isActive", "mostUsedModel"}}
    [built] = usage_rows(records(bare), []).to_dicts()
    assert [built[name] for name in ("user_email", "is_active", "most_used_model", "estimated_cost_usd")] == [None] * 4


def test_fixture_pages_are_read(pytestconfig: pytest.Config) -> None:
    fixtures = Path(pytestconfig.rootpath) / "ai_usage_tests" / "fixtures" / "cursor"
    pages = [json.loads((fixtures / f"daily_usage_data_page{n}.json").read_text()) for n in (1, 2)]
    rows = [record for page in pages for record in page["data"]]
    assert usage_rows(records(*rows), []).height == len(rows) > 1
