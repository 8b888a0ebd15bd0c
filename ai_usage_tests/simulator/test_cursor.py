"""The simulated Cursor: its answers have the samples' shapes and show what happened on its days."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_usage.simulator import CURSOR_KEY, CURSOR_KEY_WITHOUT_COMMITS, Simulator
from ai_usage.simulator.cursor_api import LACKS
from ai_usage_tests.simulator.conftest import NOW, PATIENCE, Clock
from ai_usage_tests.simulator.shapes import Shape

SAMPLES = Path(__file__).parents[1] / "fixtures" / "cursor"
EVENTS, DAILY, SPEND = "/teams/filtered-usage-events", "/teams/daily-usage-data", "/teams/spend"
MEMBERS, GROUPS, COMMITS = "/teams/members", "/teams/groups", "/analytics/ai-code/commits"
DAY = date(2026, 11, 18)
DAY_MS = 86_400_000
TOKENS = {"tokenUsage", "cursorTokenFee"}
MAYBE = TOKENS | {"conversationId", "serviceAccountId", "serviceAccountName"}


class Cursor:
    """The simulated provider as a client sees it; it counts minutes by `seconds`."""

    def __init__(self, **options: Any) -> None:
        self.clock, self.seconds = Clock(), 0.0
        self.simulator = Simulator(now=self.clock, monotonic=lambda: self.seconds, **options).start()
        self.http = httpx.Client(base_url=self.simulator.cursor_url, auth=(CURSOR_KEY, ""), timeout=PATIENCE)

    def ask(self, path: str, **query: Any) -> httpx.Response:
        return self.http.post(path, json=query) if path in (EVENTS, DAILY, SPEND) else self.http.get(path, params=query)

    def read(self, path: str, **query: Any) -> Any:
        answer = self.ask(path, **query)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    def events(self, start: int, end: int, size: int = 1000, **filters: Any) -> list[dict[str, Any]]:
        """All pages joined."""
        found: list[dict[str, Any]] = []
        for page in range(1, 100):
            answer = self.read(EVENTS, startDate=start, endDate=end, page=page, pageSize=size, **filters)
            found += answer["usageEvents"]
            if not answer["pagination"]["hasNextPage"]:
                assert len(found) == answer["totalUsageEventsCount"]
                return found
        raise AssertionError("no end of pages")

    def close(self) -> None:
        self.http.close()
        self.simulator.stop()


@pytest.fixture(scope="module")
def running() -> Iterator[Cursor]:
    cursor = Cursor()
    yield cursor
    cursor.close()


@pytest.fixture
def cursor(running: Cursor) -> Iterator[Cursor]:
    yield running
    running.clock.at = NOW
    running.simulator.faults.clear()


def ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def span(first: date, days: int = 1) -> dict[str, int]:
    return {"startDate": ms(first), "endDate": ms(first) + days * DAY_MS - 1}


CALLS: list[tuple[str, dict[str, Any], str, set[str]]] = [
    (MEMBERS, {}, "teams_members", set()),
    (DAILY, span(DAY, 3) | {"page": 1, "pageSize": 100}, "daily_usage_data_page*", set()),
    (DAILY, span(DAY, 3), "daily_usage_data_unpaged", {"clientVersion", "applyMostUsedExtension"}),
    (SPEND, {"searchTerm": "an"}, "spend_page*", set()),
    (GROUPS, {}, "groups", {"leftAt"}),
    (COMMITS, {"startDate": "2026-11-01", "endDate": "2026-11-20"}, "ai_code_commits_page*", set()),
]


def misfits(answer: Any, samples: str, nullable: set[str]) -> list[str]:
    shape = Shape()
    for file in sorted(SAMPLES.glob(f"{samples}.json")):
        sample = json.loads(file.read_text())
        shape.learn(sample)
        for group in sample.get("groups", ()):  # the other groups have no members in the sample
            former = group | {"formerMembers": group["currentMembers"]}
            shape.learn(sample | {"groups": [former], "unassignedGroup": former})
    assert shape.kinds
    wrong = shape.misfits(answer, nullable | {"tabMostUsedExtension"})
    return [
        at for at in wrong if not at.endswith(("int, not number", "number, not int", "int, not null"))
    ]  # 8 and 8.5 are both cents


@pytest.mark.parametrize(("path", "query", "samples", "nullable"), CALLS)
def test_an_answer_has_the_shape_of_the_samples(
    cursor: Cursor, path: str, query: dict[str, Any], samples: str, nullable: set[str]
) -> None:
    assert misfits(cursor.ask(path, **query).json(), samples, nullable) == []


@pytest.mark.parametrize("day", [DAY, date(2026, 6, 3)])
def test_an_event_has_the_fields_of_the_samples_and_leaves_out_what_does_not_apply(cursor: Cursor, day: date) -> None:
    answer = cursor.ask(EVENTS, **span(day), pageSize=1000).json()
    full, plain = json.loads((SAMPLES / "filtered_usage_events_page1.json").read_text())["usageEvents"]
    exact = full | {"chargedCents": 8, "requestsCosts": 1, "cursorTokenFee": 1}
    shape = Shape().learn(full).learn(exact | {"tokenUsage": full["tokenUsage"] | {"totalCents": 9}})
    for event in answer["usageEvents"]:
        assert event.keys() - MAYBE == plain.keys()
        assert (TOKENS & event.keys() >= {"tokenUsage"}) == event["isTokenBasedCall"] == (day == DAY)
        assert event.get("tokenUsage", full["tokenUsage"]).keys() - {"discountPercentOff"} == full["tokenUsage"].keys()
        assert isinstance(event["timestamp"], str)
        filled = full | event | {"tokenUsage": full["tokenUsage"] | event.get("tokenUsage", {})}
        filled["tokenUsage"].pop("discountPercentOff", None)
        assert list(shape.misfits({name: filled[name] for name in full}, set())) == []
    assert any("serviceAccountId" in event and event["isHeadless"] for event in answer["usageEvents"])
    assert len({"conversationId" in event for event in answer["usageEvents"]}) == 2


def test_only_the_key_with_an_empty_password_opens_and_not_every_plan_has_commits(cursor: Cursor) -> None:
    url, sample = cursor.simulator.cursor_url, json.loads((SAMPLES / "error_401.json").read_text())
    for auth in (None, ("crsr_other", ""), (CURSOR_KEY, "secret"), ("", CURSOR_KEY)):
        refused = httpx.get(url + MEMBERS, auth=auth)
        assert (refused.status_code, refused.json()) == (401, sample)
    limited = (CURSOR_KEY_WITHOUT_COMMITS, "")
    assert [httpx.get(url + path, auth=limited).status_code for path in (MEMBERS, COMMITS)] == [200, 401]
    assert cursor.http.get("/teams/audit-logs").status_code == 404


WRONG: list[tuple[str, dict[str, Any]]] = [
    (DAILY, {"startDate": ms(DAY), "endDate": ms(DAY) + 30 * DAY_MS + 1}),
    (DAILY, {"startDate": ms(DAY)}),
    (DAILY, {"startDate": str(ms(DAY)), "endDate": ms(DAY)}),
    (DAILY, span(DAY) | {"page": 1}),
    (EVENTS, span(DAY) | {"pageSize": 1001}),
    (EVENTS, span(DAY) | {"page": 0}),
    (EVENTS, span(DAY) | {"hostingType": "MOON"}),
    (EVENTS, span(DAY) | {"user": "a@example.com"}),
    (SPEND, {"sortBy": "colour"}),
    (COMMITS, {"startDate": "2026-10-01", "endDate": "2026-11-01"}),
    (COMMITS, {"pageSize": "501"}),
    (COMMITS, {"pageSize": "0"}),
    (COMMITS, {"pages": "1"}),
    (MEMBERS, {"page": "1"}),
    (SPEND, {"pageSize": 1001}),
    (EVENTS, {"startDate": ms(DAY)}),
    (GROUPS, {"billingCycle": "november"}),
]


@pytest.mark.parametrize(("path", "query"), WRONG)
def test_a_query_outside_the_contract_is_refused(cursor: Cursor, path: str, query: dict[str, Any]) -> None:
    refused = cursor.ask(path, **query)
    assert (refused.status_code, refused.json().keys()) == (400, {"error", "message"})


def test_thirty_days_are_allowed_and_one_more_is_refused_as_in_the_sample(cursor: Cursor) -> None:
    assert cursor.ask(DAILY, **span(date(2026, 10, 1), 30)).status_code == 200
    answer = cursor.ask(DAILY, **span(date(2026, 10, 1), 31)).json()
    assert answer == json.loads((SAMPLES / "error_400.json").read_text())


def test_bounds_are_inclusive_and_equal_events_are_returned_as_often_as_they_happened(cursor: Cursor) -> None:
    truth = cursor.simulator.cursor_day(DAY).events
    last, first = (int(event["timestamp"]) for event in cursor.events(ms(DAY), ms(DAY) + DAY_MS - 1)[:: len(truth) - 1])
    assert (first, last) == (ms(DAY), ms(DAY) + DAY_MS - 1)
    assert len(cursor.events(first, first)) == len(cursor.events(last, last)) == 1
    assert len(cursor.events(first + 1, last - 1)) == len(truth) - 2
    twins = [event for event, count in Counter(truth).items() if count > 1]
    assert twins
    for event in twins:
        one, other, *_ = cursor.events(event.timestamp, event.timestamp, userId=None, email=event.email)
        assert one == other


def test_pages_of_any_size_join_to_the_same_events_newest_first(cursor: Cursor) -> None:
    start, end = ms(date(2026, 11, 14)) + 1, ms(date(2026, 11, 17)) + DAY_MS // 2
    whole = cursor.events(start, end)
    assert whole == cursor.events(start, end, size=137)
    times = [int(event["timestamp"]) for event in whole]
    assert times == sorted(times, reverse=True)
    truth = [e for d in (17, 16, 15, 14) for e in cursor.simulator.cursor_day(date(2026, 11, d)).events]
    truth = [event for event in truth if start <= event.timestamp <= end]
    assert [(str(e.timestamp), e.email, e.charged_cents) for e in truth] == [
        (event["timestamp"], event["userEmail"], Decimal(event["chargedCents"])) for event in whole
    ]


def test_filters_part_the_events_among_people_and_service_accounts(cursor: Cursor) -> None:
    bounds = ms(DAY), ms(DAY) + DAY_MS - 1
    rows = {row["userId"]: row for row in cursor.read(DAILY, **span(DAY))["data"]}
    people = {number: cursor.events(*bounds, userId=number) for number in rows}
    robots = cursor.events(*bounds, serviceAccountId="*")
    assert sum(map(len, people.values())) + len(robots) == len(cursor.simulator.cursor_day(DAY).events)
    for number, events in people.items():
        row = rows[number]
        assert {event["userEmail"] for event in events} == {row["email"]}
        assert row["usageBasedReqs"] == sum(event["isChargeable"] for event in events)
        assert row["subscriptionIncludedReqs"] == sum(not event["isChargeable"] for event in events)
        ways = ("composerRequests", "chatRequests", "agentRequests", "cmdkUsages")
        assert sum(row[way] for way in ways) == len(events)


def test_charged_cents_follow_the_plan_of_the_day_without_a_rounding(cursor: Cursor) -> None:
    for event in cursor.events(ms(date(2026, 6, 3)), ms(date(2026, 6, 4)) + DAY_MS - 1):
        charged, used = Decimal(event["chargedCents"]), event.get("tokenUsage")
        if used is None:
            assert int(event["timestamp"]) < ms(date(2026, 6, 4))
            assert charged == 4 * Decimal(event["requestsCosts"]) == int(charged)
        else:
            tokens = sum(count for name, count in used.items() if name.endswith("Tokens"))
            fee = Decimal(event.get("cursorTokenFee", 0))
            assert fee in (0, Decimal("0.000025") * tokens)
            assert charged == Decimal(used["totalCents"]) * (100 - used.get("discountPercentOff", 0)) / 100 + fee
        assert charged > 0
        assert event["kind"] == ("Usage-based" if event["isChargeable"] else "Included in Business")


def test_spend_is_what_the_cycles_chargeable_events_add_up_to(cursor: Cursor) -> None:
    for now in (NOW, datetime(2026, 11, 2, 23, 59, tzinfo=UTC), datetime(2026, 6, 12, tzinfo=UTC)):
        cursor.clock.at = now
        answer = cursor.read(SPEND, pageSize=40)
        lines = answer["teamMemberSpend"] + cursor.read(SPEND, page=2, pageSize=40)["teamMemberSpend"]
        start = answer["subscriptionCycleStart"]
        halves = ((start, start + 20 * DAY_MS - 1), (start + 20 * DAY_MS, start + 31 * DAY_MS))
        events = [event for half in halves for event in cursor.events(*half)]
        billed, worth = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
        for event in events:
            worth[event["userEmail"]] += Decimal(event["chargedCents"])
            billed[event["userEmail"]] += Decimal(event["chargedCents"]) * event["isChargeable"]
        assert len(lines) == answer["totalMembers"]
        assert answer["totalPages"] == 2
        assert {e["userEmail"] for e in events if "serviceAccountId" not in e} <= {line["email"] for line in lines}
        assert all(line["spendCents"] == billed[line["email"]] for line in lines)
        assert all(line["overallSpendCents"] == worth[line["email"]] for line in lines)
        assert sum(line["spendCents"] for line in lines) > 0
        groups = cursor.read(GROUPS)
        parts = [*groups["groups"], groups["unassignedGroup"]]
        assert sum(part["spendCents"] for part in parts) == sum(line["spendCents"] for line in lines)
        assert all(sum(day["spendCents"] for day in part["dailySpend"]) == part["spendCents"] for part in parts)


def test_the_cycle_rolls_over_on_the_third(cursor: Cursor) -> None:
    starts, sums = [], []
    for now in (datetime(2026, 11, 2, 23, 59, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)):
        cursor.clock.at = now
        answer = cursor.read(SPEND)
        starts.append(answer["subscriptionCycleStart"])
        sums.append(sum(line["spendCents"] for line in answer["teamMemberSpend"]))
    assert starts == [ms(date(2026, 10, 3)), ms(date(2026, 11, 3))]
    assert sums[0] > sums[1] == 0


def test_an_hour_is_visible_when_it_is_over(cursor: Cursor) -> None:
    at, seen = datetime(2026, 11, 18, 13, tzinfo=UTC), []
    for minutes in (-1, 0, 59, 60):
        cursor.clock.at = at + timedelta(minutes=minutes)
        events = cursor.events(ms(DAY), ms(DAY) + DAY_MS - 1)
        assert sum(
            sum(r[k] for k in ("usageBasedReqs", "subscriptionIncludedReqs")) for r in rows_of_people(cursor)
        ) == sum("serviceAccountId" not in event for event in events)
        seen.append((len(events), int(events[0]["timestamp"]) < ms(DAY) + 13 * DAY_MS // 24))
    assert seen[0][0] < seen[1][0] == seen[2][0] < seen[3][0]
    assert [before for _, before in seen] == [True, True, True, False]
    assert cursor.events(ms(date(2026, 12, 1)), ms(date(2026, 12, 2))) == []


def rows_of_people(cursor: Cursor) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = cursor.read(DAILY, **span(DAY))["data"]
    return rows


def test_members_without_activity_are_returned_only_with_pages(cursor: Cursor) -> None:
    active = cursor.read(DAILY, **span(DAY, 2))["data"]
    answer = [cursor.read(DAILY, **span(DAY, 2), page=page, pageSize=40) for page in (1, 2)]
    rows = [row for page in answer for row in page["data"]]
    assert [page["pagination"]["hasNextPage"] for page in answer] == [True, False]
    assert len(rows) == 2 * answer[0]["pagination"]["totalUsers"] > len(active) > 0
    assert sorted(map(repr, (row for row in rows if row["isActive"]))) == sorted(map(repr, active))
    idle = [row for row in rows if not row["isActive"]]
    assert all(row["usageBasedReqs"] == row["totalLinesAdded"] == 0 for row in idle)
    assert len({row["totalTabsAccepted"] > 0 for row in idle}) == 2
    assert all(0 < row["date"] - ms(date.fromisoformat(row["day"])) < DAY_MS for row in rows)
    assert 0.4 < sum(row["clientVersion"] is None for row in active) / len(active) < 0.6


def test_a_removed_member_is_marked_and_stays_in_the_days_before(cursor: Cursor) -> None:
    [gone] = [
        m for m in cursor.read(MEMBERS)["teamMembers"] if m["isRemoved"] and ids_on(cursor, 2026, 9, 30, m["email"])
    ]
    assert ids_on(cursor, 2026, 10, 2, gone["email"])
    assert not ids_on(cursor, 2026, 10, 3, gone["email"])


def ids_on(cursor: Cursor, year: int, month: int, day: int, email: str) -> list[int]:
    rows = cursor.read(DAILY, **span(date(year, month, day)), page=1, pageSize=1000)["data"]
    return [row["userId"] for row in rows if row["email"] == email]


def test_what_was_not_modified_is_not_sent_again(cursor: Cursor) -> None:
    first = cursor.ask(COMMITS, startDate="7d")
    assert first.headers["cache-control"] == "max-age=900"
    tag = {"if-none-match": first.headers["etag"]}
    again = cursor.http.get(COMMITS, params={"startDate": "7d"}, headers=tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert cursor.http.get(COMMITS, params={"startDate": "6d"}, headers=tag).status_code == 200
    pages = [cursor.read(COMMITS, startDate="7d", page=n, pageSize=200)["items"] for n in (1, 2, 3)]
    assert [commit for page in pages for commit in page] == cursor.read(COMMITS, startDate="7d", pageSize=500)["items"]


def test_limits_hold_for_a_minute_when_asked_for() -> None:
    cursor = Cursor(enforce_limits=True)
    small: dict[str, tuple[int, dict[str, Any], str]] = {
        EVENTS: (60, span(DAY), "admin"),
        MEMBERS: (20, {}, "admin"),
        COMMITS: (20, {}, "analytics"),
    }
    for path, (limit, query, kind) in small.items():
        assert {cursor.ask(path, **query).status_code for _ in range(limit)} == {200}
        refused = cursor.ask(path, **query)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert refused.json() == json.loads((SAMPLES / f"error_429_{kind}.json").read_text())
    cursor.seconds += 60
    tag = cursor.ask(COMMITS).headers["etag"]
    free = [cursor.http.get(COMMITS, headers={"if-none-match": tag}).status_code for _ in range(40)]
    assert set(free) == {304}
    cursor.close()


def test_faults_of_cursor_have_its_own_messages(cursor: Cursor) -> None:
    plan = cursor.simulator.faults.plan
    plan("rate_limit", retry_after=2)
    plan("status", status=500, path="spend")
    plan("unknown_field", path="usage-events")
    plan("unknown_value", path="usage-events")
    plan("empty_page", path="usage-events")
    limited = cursor.ask(MEMBERS)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "2")
    assert limited.json() == json.loads((SAMPLES / "error_429_admin.json").read_text())
    assert cursor.ask(SPEND).json().keys() == {"error", "message"}
    more, novel, empty, plain = (cursor.read(EVENTS, **span(DAY)) for _ in range(4))
    assert all(event.pop("simulated_field") for event in more["usageEvents"])
    assert more == plain
    assert novel["usageEvents"][0]["kind"] == "simulated_novelty"
    assert (empty["usageEvents"], empty["pagination"]["hasNextPage"]) == ([], True)
    plan("truncated")
    with pytest.raises(httpx.RemoteProtocolError):
        cursor.ask(MEMBERS)
    plan("reset", path="usage-events")
    with pytest.raises(httpx.ReadError):
        cursor.ask(EVENTS, **span(DAY))


def test_the_documented_thousand_commits_per_page_can_be_simulated_too() -> None:
    """Case 12: the live endpoint has refused more than 500."""
    cursor = Cursor(commits_a_page=1000)
    assert [cursor.ask(COMMITS, pageSize=size).status_code for size in (1000, 1001)] == [200, 400]
    cursor.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_report_can_be_outside_the_teams_plan(cursor: Cursor, status: int) -> None:
    cursor.simulator.faults.plan("not_included", path="ai-code", status=status)
    refused = cursor.ask(COMMITS)
    assert (refused.status_code, refused.json()["message"]) == (status, LACKS[status])
    assert cursor.ask(MEMBERS).status_code == 200


def test_pages_can_overlap_while_the_count_stays_right(cursor: Cursor) -> None:
    """Case 16: the boundary event on both pages, another on none."""
    asked = span(DAY) | {"pageSize": 100}
    first, second = (cursor.read(EVENTS, **asked, page=page) for page in (1, 2))
    cursor.simulator.faults.plan("overlapping_page", path="usage-events")
    assert cursor.read(EVENTS, **asked, page=1) == first
    bent = cursor.read(EVENTS, **asked, page=2)
    assert bent["usageEvents"] == [first["usageEvents"][-1], *second["usageEvents"][:-1]]
    assert bent["totalUsageEventsCount"] == second["totalUsageEventsCount"]
    assert cursor.read(EVENTS, **asked, page=2) == second


def test_events_and_rows_can_be_as_sparse_as_the_samples(cursor: Cursor) -> None:
    cursor.simulator.faults.plan("sparse", times=None)
    events = cursor.read(EVENTS, **span(DAY))["usageEvents"]
    assert not any("kind" in event for event in events)
    assert {type(event["timestamp"]) for event in events} == {int}
    assert not any(0 in event.get("tokenUsage", {}).values() for event in events)
    rows = cursor.read(DAILY, **span(DAY), page=1, pageSize=100)["data"]
    assert {row["userId"][:14] for row in rows} == {"user_SIMULATED"}
    assert any("agentRequests" not in row for row in rows)
    assert all("isActive" in row for row in rows)


@pytest.mark.usefixtures("_worlds_of_their_own")
def test_the_same_seed_has_the_same_days_and_a_scale_has_more_of_them() -> None:
    one, same, other, more = (Simulator(seed=s, now=NOW, cursor_scale=n) for s, n in ((1, 1), (1, 1), (2, 1), (1, 3)))
    assert one.cursor_day(DAY) == same.cursor_day(DAY) != other.cursor_day(DAY)
    assert 2.8 < len(more.cursor_day(DAY).events) / len(one.cursor_day(DAY).events) < 3.2
    quiet, busy = one.cursor_day(date(2026, 11, 15)), one.cursor_day(DAY)
    assert 0 < len(quiet.events) < len(busy.events) / 2
    assert one.cursor_day(date(2026, 1, 1)).events == ()
