"""The simulated analytics/users: which keys are accepted, which days are ready, and that rows match the events."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_usage.simulator import ADMIN_KEY, ANALYTICS_KEY, LIMITED_KEY, Simulator
from ai_usage_tests.simulator.conftest import BETAS, NOW, ClaudeClient
from ai_usage_tests.simulator.shapes import Shape

SAMPLES = Path(__file__).parents[1] / "fixtures" / "anthropic"
DAY = date(2026, 11, 18)
WEEK = {"starting_date": "2026-11-09", "ending_date": "2026-11-16"}
Row = dict[str, Any]


def ask(claude: ClaudeClient, **query: Any) -> httpx.Response:
    return claude.get("analytics/users", key=ANALYTICS_KEY, **query)


def rows(claude: ClaudeClient, **query: Any) -> list[Row]:
    answer = ask(claude, limit=1000, **query)
    assert answer.status_code == 200, answer.text
    found: list[Row] = answer.json()["data"]
    return found


def refusal(claude: ClaudeClient, **query: Any) -> str:
    answer = ask(claude, **query)
    assert answer.status_code == 400
    return str(answer.json()["error"]["message"])


def messages(claude: ClaudeClient, day: date) -> dict[str, int]:
    return {row["user"]["id"]: row["chat_metrics"]["message_count"] for row in rows(claude, date=day)}


@pytest.mark.parametrize("query", [{"date": DAY}, {"date": DAY, "limit": 1000}, WEEK], ids=["page", "day", "range"])
def test_an_answer_has_the_shape_of_the_samples(claude: ClaudeClient, query: dict[str, Any]) -> None:
    shape = Shape()
    for file in SAMPLES.glob("analytics_users_page*.json"):
        shape.learn(json.loads(file.read_text()))
    distinct = {"distinct_connectors_used_count", "distinct_conversation_count", "distinct_files_uploaded_count"}
    distinct |= {f"distinct_{what}_count" for what in ("projects_used", "shared_artifacts_viewed", "skills_used")}
    distinct |= {"distinct_session_count", "distinct_plugins_used_count"}
    answer = ask(claude, **query).json()
    assert list(shape.misfits(answer, {"email_address"} | (distinct if query is WEEK else set()))) == []
    assert answer["data"]


def test_the_rows_are_the_people_who_did_something_and_what_they_did(claude: ClaudeClient) -> None:
    truth = {one.person.id: one for one in claude.simulator.people_day(DAY)}
    found = rows(claude, date=DAY)
    assert [row["user"]["id"] for row in found] == sorted(truth)
    assert 50 < len(found) < len(claude.simulator.organization.people)
    for row in found:
        one, chat = truth[row["user"]["id"]], row["chat_metrics"]
        assert row["user"]["email_address"] == one.person.email
        assert (chat["message_count"], chat["distinct_conversation_count"]) == (one.messages, one.conversations)
        assert (chat["distinct_projects_used_count"], chat["distinct_files_uploaded_count"]) == (
            one.projects,
            one.files,
        )
        assert row["claude_code_metrics"]["core_metrics"]["distinct_session_count"] == sum(
            record.counts[0] for record in one.claude_code
        )
        assert row["last_activity_date"] == str(DAY)
        assert one.conversations <= one.messages
    assert sum(row["office_metrics"]["excel"]["message_count"] for row in found) > 0
    assert sum(row["cowork_metrics"]["message_count"] for row in found) > 0


def test_claude_code_here_is_that_of_the_seats_alone(claude: ClaudeClient) -> None:
    records = claude.pages("usage_report/claude_code", starting_at=str(DAY), limit=1000)
    seated: Counter[str] = Counter()
    for record in records:
        if record["customer_type"] == "subscription":
            seated[record["actor"]["email_address"]] += record["core_metrics"]["num_sessions"]
    sessions: Counter[str] = Counter()
    for row in rows(claude, date=DAY):
        sessions[row["user"]["email_address"]] += row["claude_code_metrics"]["core_metrics"]["distinct_session_count"]
    assert +sessions == +seated
    assert len(+sessions) < len([n for n in messages(claude, DAY).values() if n])


@pytest.mark.parametrize(("key", "status"), [(ADMIN_KEY, 403), (LIMITED_KEY, 403), ("sk-wrong", 401), (None, 401)])
def test_only_the_analytics_key_opens_it_and_opens_nothing_of_the_console(
    claude: ClaudeClient, key: str | None, status: int
) -> None:
    assert claude.get("analytics/users", key=key, date=DAY).status_code == status
    assert claude.get("users", key=ANALYTICS_KEY).status_code == 403
    assert ask(claude, date=DAY).status_code == 200


def test_pages_join_to_the_whole_and_end_with_null_without_has_more(claude: ClaudeClient) -> None:
    whole, token, pages = rows(claude, date=DAY), None, 0
    found: list[Row] = []
    while pages == 0 or token:
        page = ask(claude, date=DAY, limit=20, page=token).json()
        assert page.keys() == {"data", "next_page"}
        found, token, pages = found + page["data"], page["next_page"], pages + 1
    assert found == whole
    assert pages == -(-len(whole) // 20)
    assert len(ask(claude, **WEEK).json()["data"]) == min(100, len(rows(claude, **WEEK)))


def test_a_cursor_is_valid_only_for_its_own_query(claude: ClaudeClient) -> None:
    token = ask(claude, date=DAY, limit=20).json()["next_page"]
    assert "page" in refusal(claude, date=DAY, limit=21, page=token)
    assert "page" in refusal(claude, date=DAY - timedelta(days=1), limit=20, page=token)


def test_a_day_is_ready_at_ten_the_next_morning_and_the_refusal_names_the_latest(claude: ClaudeClient) -> None:
    claude.clock.at = datetime(2026, 11, 19, 9, 59, tzinfo=UTC)
    assert refusal(claude, date=DAY) == "Data is available up to 2026-11-17."
    assert refusal(claude, starting_date="2026-11-10", ending_date="2026-11-19").endswith("2026-11-17.")
    claude.clock.at = datetime(2026, 11, 20, 9, 59, tzinfo=UTC)
    refused = ask(claude, date=date(2026, 11, 19)).json()
    sample = json.loads((SAMPLES / "analytics_error_400_date_not_ready.json").read_text())
    assert (refused["error"], refused.keys()) == (sample["error"], sample.keys())
    claude.clock.at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert rows(claude, date=date(2026, 11, 19))


WRONG: list[dict[str, Any]] = [
    {},
    {"date": "2025-12-31"},
    {"date": "18.11.2026"},
    {"date": DAY, "starting_date": DAY},
    {"starting_date": "2026-11-10"},
    {"starting_date": "2026-11-10", "ending_date": "2026-11-10"},
    {"date": DAY, "limit": 1001},
    {"date": DAY, "limit": 0},
    {"date": DAY, "filter": ["colour:red"]},
    {"date": DAY, "group_by": ["product"]},
    {"date": DAY, "bucket_width": "1d"},
]


@pytest.mark.parametrize("query", WRONG, ids=str)
def test_a_query_outside_the_contract_is_refused(claude: ClaudeClient, query: dict[str, Any]) -> None:
    assert refusal(claude, **query)


def test_figures_change_a_little_until_the_third_morning(claude: ClaudeClient) -> None:
    seen = []
    for days in (1, 2, 3, 40):
        claude.clock.at = datetime(2026, 11, 18, 10, tzinfo=UTC) + timedelta(days=days)
        seen.append(messages(claude, DAY))
    first, second, third, much_later = seen
    assert third == much_later
    assert 0.9 * sum(third.values()) < sum(first.values()) < sum(second.values()) < sum(third.values())
    assert len(first) == len(second) - 1
    assert all(first[person] <= second[person] for person in first)
    assert any(first[person] < second[person] for person in first)


def test_a_range_has_one_row_per_person(claude: ClaudeClient) -> None:
    days = [messages(claude, date(2026, 11, 9) + timedelta(days=n)) for n in range(7)]
    total: Counter[str] = Counter()
    for day in days:
        total.update(day)
    rolled = rows(claude, **WEEK)
    assert {row["user"]["id"]: row["chat_metrics"]["message_count"] for row in rolled} == total
    assert {row["chat_metrics"]["distinct_conversation_count"] for row in rolled} == {None}
    one_day = rows(claude, starting_date=DAY, ending_date=DAY + timedelta(days=1))
    assert one_day == rows(claude, date=DAY)
    [chosen] = rows(claude, filter=[f"user_id:{rolled[3]['user']['id']}"], **WEEK)
    assert chosen == rolled[3]


def test_former_members_stay_in_the_days_before_without_an_address(claude: ClaudeClient) -> None:
    left = [p for p in claude.simulator.organization.people if p.left_at and p.left_at.year == 2026]
    seen: dict[str, set[str | None]] = {"before": set(), "after": set()}
    for when, now in (("before", datetime(2026, 9, 30, 15, tzinfo=UTC)), ("after", NOW)):
        claude.clock.at = now
        for row in rows(claude, starting_date="2026-09-01", ending_date="2026-09-30"):
            if row["user"]["id"] == left[0].id:
                seen[when].add(row["user"]["email_address"])
    assert seen == {"before": {left[0].email}, "after": {None}}
    assert left[0].id not in {row["user"]["id"] for row in rows(claude, date=DAY)}


def test_new_year_has_no_active_people_and_a_weekend_few(claude: ClaudeClient) -> None:
    assert rows(claude, date="2026-01-01") == []
    assert 0 < len(rows(claude, date="2026-11-15")) < len(rows(claude, date=DAY)) / 2


def test_sixty_a_minute_are_shared_by_all_analytics_and_all_keys() -> None:
    seconds = [0.0]
    simulator = Simulator(now=NOW, enforce_limits=True, monotonic=lambda: seconds[0])
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": BETAS}
    with simulator, httpx.Client(base_url=f"{simulator.anthropic_url}/v1/organizations", headers=headers) as http:

        def status(path: str, key: str) -> httpx.Response:
            return http.get(path, headers={"x-api-key": key})

        cost = "analytics/cost?starting_at=2026-11-18T00:00:00Z"
        for _ in range(30):
            assert status(f"analytics/users?date={DAY}&limit=1", ANALYTICS_KEY).status_code == 200
            assert status(cost, ADMIN_KEY).status_code == 200
        refused = status(cost, ADMIN_KEY)
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
        assert int(refused.headers["retry-after"]) == 60
        assert status(f"analytics/users?date={DAY}", ANALYTICS_KEY).status_code == 429
        assert status("me", ADMIN_KEY).status_code == 200
        seconds[0] += 60
        assert status(f"analytics/users?date={DAY}", ANALYTICS_KEY).status_code == 200


def test_faults_apply_to_a_list_without_has_more(claude: ClaudeClient) -> None:
    plan = claude.simulator.faults.plan
    first = ask(claude, date=DAY, limit=20).json()
    plan("repeated_cursor", path="analytics/users")
    plan("empty_page", path="analytics/users")
    again = ask(claude, date=DAY, limit=20, page=first["next_page"]).json()
    assert (again.keys(), again["next_page"]) == ({"data", "next_page"}, first["next_page"])
    empty = ask(claude, date=DAY, limit=20).json()
    assert empty["data"] == []
    assert ask(claude, date=DAY, limit=20, page=empty["next_page"]).json() == first


@pytest.mark.usefixtures("_worlds_of_their_own")
def test_the_same_seed_has_the_same_people_at_work() -> None:
    one, same, other = (Simulator(seed=seed, now=NOW) for seed in (1, 1, 2))
    assert one.people_day(DAY) == same.people_day(DAY) != other.people_day(DAY)
