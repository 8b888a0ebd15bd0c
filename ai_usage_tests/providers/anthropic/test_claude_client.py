"""The Claude client against a stand-in that speaks the contract: what it asks, keeps, and refuses to keep."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import msgspec
import pytest

from ai_usage.ingest.days import Answers, LeftOut, NotYet
from ai_usage.ingest.http.errors import (
    BadRequest,
    IncompleteAnswer,
    KeyRefused,
    NotFound,
    UnexpectedAnswer,
    VendorError,
)
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.client import (
    COST_GROUPS,
    DAYS_A_REQUEST,
    REQUESTS_A_MINUTE,
    USAGE_GROUPS,
    ClaudeAdmin,
)
from ai_usage.providers.anthropic.records import ApiKey, CostLine
from ai_usage.settings import read_settings
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.ingest import recorded
from ai_usage_tests.ingest.stand_in import (
    ADMIN,
    ANALYTICS,
    BETA,
    ORGANIZATIONS,
    PREFIX,
    StandIn,
    standing_in,
)

DAY = date(2026, 11, 1)
NOW = datetime(2026, 11, 8, 9, tzinfo=UTC)  # the morning after the week
WEEK = Span(DAY, DAY + timedelta(6))
YEAR = Span(date(2025, 11, 1), date(2026, 10, 31))
LINE = '{ "amount": "83391.52823", "currency":"USD", "workspace_id": null,"brand_new": [1.50] }'
REPORTS: dict[str, Callable[[ClaudeAdmin, Span], list[Answer]]] = {
    "cost_report": lambda admin, span: admin.cost_report(span, group_by=COST_GROUPS),
    "usage_report/messages": lambda admin, span: admin.messages_usage(span, group_by=USAGE_GROUPS),
}


def ungrouped(admin: ClaudeAdmin, span: Span) -> list[Answer]:
    return admin.cost_report(span)


@pytest.fixture
def vendor() -> Iterator[StandIn]:
    with standing_in() as stand_in:
        yield stand_in


@pytest.fixture
def admin(vendor: StandIn) -> Iterator[ClaudeAdmin]:
    with closing(opened(vendor)) as admin:
        yield admin


def opened(vendor: StandIn, admin_key: str = ADMIN, analytics_key: str = "") -> ClaudeAdmin:
    """A client at the address the environment names."""
    found = read_settings({"ANTHROPIC_ADMIN_BASE_URL": f"{vendor.url}/"})
    patience = Patience(attempts=2, first_wait=0, jitter=0)
    return ClaudeAdmin.open(
        base_url=found.anthropic_base_url,
        admin_key=admin_key,
        analytics_key=analytics_key,
        patience=patience,
        now=lambda: NOW,
    )


def texts(answers: list[Answer]) -> dict[date | None, list[str]]:
    return {answer.day: [bytes(record).decode() for record in answer.records] for answer in answers}


def left_out(answers: list[Answer]) -> list[NotYet | LeftOut]:
    assert isinstance(answers, Answers)
    return answers.left_out


def code_record(day: date, session: int) -> str:
    return f'{{"date": "{day}T00:00:00Z", "n": {session}}}'


def row(day: date, n: int) -> str:
    return f'{{"starting_at": "{day}T00:00:00Z", "n": {n}}}'


def person(n: int) -> str:
    return json.dumps({"user": {"id": f"user_{n}", "email_address": f"p{n}@example.com"}, "chat_metrics": {}})


RECORDS: dict[str, Callable[[int], str]] = {
    "claude_code": lambda n: code_record(DAY, n),
    "analytics/users": person,
    "analytics/cost": lambda n: row(DAY, n),
}


@pytest.mark.parametrize("report", REPORTS)
def test_every_page_is_followed_empty_days_stay_and_records_are_kept_to_the_byte(
    vendor: StandIn, admin: ClaudeAdmin, report: str
) -> None:
    vendor.days, vendor.page_size = {DAY: [LINE, LINE], WEEK.days[4]: [LINE]}, 2
    got = REPORTS[report](admin, WEEK)
    assert texts(got) == {day: vendor.days.get(day, []) for day in WEEK.days}
    assert [answer.pages for answer in got] == [4] * 7
    assert [asked.path for asked in vendor.asked] == [f"{PREFIX}{ORGANIZATIONS}/{report}"] * 4
    first, *rest = (asked.params for asked in vendor.asked)
    assert first["starting_at"] + first["ending_at"] == ["2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z"]
    assert [params["page"] for params in rest] == [["page_0=="], ["page_1=="], ["page_2=="]]
    assert [{**params, "page": []} for params in rest] == [{**first, "page": []}] * 3


def test_amounts_stay_what_the_vendor_wrote(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days = {DAY: [LINE]}
    [answer] = admin.cost_report(Span(DAY, DAY))
    assert msgspec.json.decode(answer.records[0], type=CostLine).amount == Decimal("83391.52823")
    assert (answer.source, answer.is_simulated) == ("anthropic", False)
    assert answer.envelope == {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-02T00:00:00Z"}
    assert ADMIN not in answer.request_json + answer.envelope_json


def test_what_is_grouped_and_how(vendor: StandIn, admin: ClaudeAdmin) -> None:
    for ask in (*REPORTS.values(), ClaudeAdmin.messages_usage_by_speed, ungrouped):
        ask(admin, WEEK)
    groups = [asked.params.get("group_by[]") for asked in vendor.asked]
    assert groups == [
        ["workspace_id", "description"],
        ["api_key_id", "workspace_id", "model", "service_tier", "context_window"],
        ["api_key_id", "workspace_id", "model", "inference_geo", "speed"],
        None,
    ]
    betas = [asked.headers.get("anthropic-beta") for asked in vendor.asked]
    assert betas == [None, None, "fast-mode-2026-02-01", None]


@pytest.mark.parametrize("report", REPORTS)
def test_a_year_is_twelve_requests_of_31_days(vendor: StandIn, admin: ClaudeAdmin, report: str) -> None:
    assert [answer.day for answer in REPORTS[report](admin, YEAR)] == YEAR.days
    assert len(vendor.asked) == 12
    for span in YEAR.cut(at_most=DAYS_A_REQUEST):
        REPORTS[report](admin, span)
    assert len(vendor.asked) == admin.requests == 24


def test_claude_code_is_a_request_a_day_and_one_more_for_a_second_page(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days, vendor.page_size = {day: [code_record(day, 1)] for day in YEAR.days}, 3
    vendor.days |= {
        DAY - timedelta(1): [code_record(DAY - timedelta(1), n) for n in range(7)],
        YEAR.first: [],
    }
    assert texts(admin.claude_code(YEAR.days)) == vendor.days
    assert len(vendor.asked) == admin.requests == 365 + 2
    assert {asked.params["limit"][0] for asked in vendor.asked} == {"1000"}


def no_bucket(text: str) -> Callable[[list[str]], list[str]]:
    return lambda page: [*page[:6], text]


# What is done to the answer → the days not kept, and those of them that are "not yet".
LIES: dict[str, tuple[Callable[[list[str]], list[str]], set[int], set[int]]] = {
    "all is well": (lambda page: page, set(), set()),
    "the newest day is not there": (lambda page: page[:6], {7}, {7}),
    "the newest two are not there": (lambda page: page[:5], {6, 7}, {6, 7}),
    "a day is missing": (lambda page: page[:3] + page[4:], {4}, set()),
    "a day is missing, and the newest": (lambda page: page[:3] + page[4:6], {4, 7}, {7}),
    "the newest but one is missing": (lambda page: page[:5] + page[6:], {6}, set()),
    "the first day is missing": (lambda page: page[1:], {1}, set()),
    "a day comes twice": (lambda page: [*page[:3], *page[2:]], {3}, set()),
    "a day comes three times": (lambda page: [*page, page[0], page[0]], {1}, set()),
    "another day": (lambda page: [*page[:6], page[6].replace("2026-11-07", "2026-11-17")], {7}, set()),
    "one day too many": (lambda page: [*page, page[6].replace("2026-11-07", "2026-11-08")], set(), set()),
    "no order": (lambda page: page[::-1], set(), set()),
    "none at all": (lambda page: [], {1, 2, 3, 4, 5, 6, 7}, {5, 6, 7}),
    "a bucket of no day": (no_bucket('{"results": []}'), {7}, set()),
    "a bucket of a day that is none": (no_bucket('{"starting_at": "tomorrow", "results": []}'), {7}, set()),
    "a bucket without results": (no_bucket('{"starting_at": "2026-11-07T00:00:00Z"}'), {7}, set()),
    "a bucket whose results are no list": (
        no_bucket('{"starting_at":"2026-11-07T00:00:00Z","results":{}}'),
        {7},
        set(),
    ),
    "no bucket": (no_bucket("7"), {7}, set()),
}


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("lie", LIES)
def test_what_is_wrong_with_a_day_costs_that_day_alone(
    vendor: StandIn, admin: ClaudeAdmin, report: str, lie: str
) -> None:
    """Case 11 and its neighbors."""
    vendor.bend, lost, not_yet = LIES[lie]
    vendor.days = {day: [LINE] for day in WEEK.days}
    got = REPORTS[report](admin, WEEK)
    kept = [day for day in WEEK.days if day.day not in lost]
    assert texts(got) == {day: [LINE] for day in kept}
    assert [answer.day for answer in got] == kept
    asked = [missing for missing in left_out(got) if missing.day in WEEK]
    assert {missing.day.day for missing in asked} == lost
    assert {missing.day.day for missing in asked if isinstance(missing, NotYet)} == not_yet
    assert len(vendor.asked) == 1


def test_four_of_five_days_are_kept_and_the_fifth_is_asked_again(vendor: StandIn, admin: ClaudeAdmin) -> None:
    """Case 11: five days asked, the clock on the sixth at 09:00, the newest has no bucket yet."""
    five = Span(WEEK.days[2], WEEK.last)
    vendor.days, vendor.bend = {day: [LINE] for day in five.days}, lambda page: page[:4]
    got = admin.cost_report(five, group_by=COST_GROUPS)
    assert [answer.day for answer in got] == five.days[:4]
    assert left_out(got) == [NotYet(five.last, five.days[3])]
    assert str(got.left_out[0]) == "not yet: 2026-11-07 was asked for, the latest available day is 2026-11-06"
    vendor.bend = list
    assert texts(admin.cost_report(Span(five.last, five.last))) == {five.last: [LINE]}


def test_a_day_long_past_is_never_not_yet(vendor: StandIn, admin: ClaudeAdmin) -> None:
    long_ago = Span(date(2026, 3, 1), date(2026, 3, 5))
    vendor.bend = lambda page: page[:4]
    got = admin.cost_report(long_ago)
    assert [answer.day for answer in got] == long_ago.days[:4]
    assert [type(missing) for missing in left_out(got)] == [LeftOut]
    vendor.bend = lambda page: []
    assert [type(missing) for missing in left_out(admin.cost_report(long_ago))] == [LeftOut] * 5


@dataclass
class Shifting:
    """Bends the pages of so many readings: each begins with the last item of the page before it; if it `loses`, its own
    last item is on no page.
    """

    readings: int
    loses: bool = False
    pages: int = 3  # of a reading
    asked: int = 0
    before: str = ""

    def __call__(self, page: list[str]) -> list[str]:
        reading, number = divmod(self.asked, self.pages)
        bent = page
        if reading < self.readings and number == 1:
            bent = [self.before, *(page[:-1] if self.loses else page)]
        self.asked += 1
        self.before = page[-1]
        return bent


OVERLAPS: dict[str, Callable[[ClaudeAdmin], list[Answer]]] = {
    "claude_code": lambda admin: admin.claude_code([DAY]),
    "analytics/users": lambda admin: admin.enterprise_users([DAY]),
    "analytics/cost": lambda admin: admin.analytics_cost(Span(DAY, DAY)),
}


@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize("path", OVERLAPS)
def test_pages_that_overlapped_once_are_read_again(
    vendor: StandIn, admin: ClaudeAdmin, path: str, *, loses: bool
) -> None:
    """Case 17, in the client: a record on two pages, and perhaps another on none."""
    records = RECORDS[path]
    vendor.days = {DAY: [records(n) for n in range(6)]}
    vendor.rows, vendor.page_size, vendor.bend = vendor.days[DAY], 2, Shifting(1, loses)
    assert texts(OVERLAPS[path](admin)) == vendor.days
    assert len(vendor.asked) == 6


@pytest.mark.parametrize("path", OVERLAPS)
def test_a_record_that_comes_twice_in_two_equal_readings_is_there_twice(
    vendor: StandIn, admin: ClaudeAdmin, path: str
) -> None:
    """Case 17: what the vendor does repeat is kept as it was sent, for a grain check to judge."""
    records = RECORDS[path]
    sent = [records(n) for n in range(6)]
    vendor.days, vendor.rows, vendor.page_size, vendor.bend = {DAY: sent}, sent, 2, Shifting(9)
    assert texts(OVERLAPS[path](admin)) == {DAY: [*sent[:2], sent[1], *sent[2:]]}
    assert len(vendor.asked) == 6


def test_pages_that_shift_at_each_reading_are_no_answer_of_their_day(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days, vendor.page_size, seen = {DAY: [code_record(DAY, n) for n in range(4)], WEEK.last: []}, 2, []

    def shifting(page: list[str]) -> list[str]:
        seen.append(page)
        return page if len(page) < 2 or len(seen) % 2 else [seen[-2][-1], code_record(DAY, 10 + len(seen))]

    vendor.bend = shifting
    got = admin.claude_code([DAY])
    assert got == []
    assert "moved during each of 3 reads" in str(left_out(got)[0])
    assert len(vendor.asked) == 6


def test_buckets_that_overlap_are_read_again_and_cost_their_day_if_they_still_do(
    vendor: StandIn, admin: ClaudeAdmin
) -> None:
    vendor.days = {day: [LINE] for day in WEEK.days}
    vendor.page_size, vendor.bend = 3, Shifting(1, loses=True)
    assert texts(admin.cost_report(WEEK)) == vendor.days
    assert len(vendor.asked) == 6
    vendor.bend = Shifting(9)
    got = admin.cost_report(WEEK)
    assert [answer.day for answer in got] == [day for day in WEEK.days if day != WEEK.days[2]]
    assert [(type(missing), missing.day) for missing in left_out(got)] == [(LeftOut, WEEK.days[2])]


def test_records_of_another_day_are_left_to_it(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days = {DAY: [code_record(DAY, 1), code_record(WEEK.last, 1)]}
    vendor.rows = [row(WEEK.last, 1), row(DAY, 1)]
    for got, kept in (
        (admin.claude_code([DAY]), vendor.days[DAY][0]),
        (admin.analytics_cost(Span(DAY, DAY)), row(DAY, 1)),
    ):
        assert texts(got) == {DAY: [kept]}
        assert [missing.day for missing in left_out(got)] == [WEEK.last]


def test_records_of_another_day_alone_are_no_answer(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days, vendor.rows = {DAY: [code_record(WEEK.last, 1)]}, [row(WEEK.last, 1)]
    got = admin.claude_code([DAY])
    assert got == []
    assert "records of 2026-11-07 alone" in str(left_out(got)[0])
    with pytest.raises(IncompleteAnswer, match=r"analytics/cost of 2026-11-01 .*2026-11-07"):
        admin.analytics_cost(Span(DAY, DAY))


NO_DAYS = ["{}", "[]", "7", '"text"', "null", '{"date": null, "starting_at": null}', '{"date": [], "starting_at": {}}']
NO_DAYS += ['{"date": "soon", "starting_at": "soon"}', '{"date": 1e30, "starting_at": 1e300}']
NO_DAYS += ['{"date": true, "starting_at": "nan"}']


@pytest.mark.parametrize("record", NO_DAYS)
def test_a_record_of_no_readable_day_is_kept_and_costs_no_other(
    vendor: StandIn, admin: ClaudeAdmin, record: str
) -> None:
    vendor.days, vendor.rows = {DAY: [code_record(DAY, 1), record]}, [row(DAY, 1), record]
    assert texts(admin.claude_code([DAY])) == vendor.days
    assert texts(admin.analytics_cost(Span(DAY, DAY))) == {DAY: vendor.rows}
    vendor.days = {DAY: [person(1), record]}
    assert texts(admin.enterprise_users([DAY])) == vendor.days


def test_a_record_of_no_readable_day_goes_with_the_one_before_and_no_empty_day_is_believed(
    vendor: StandIn, admin: ClaudeAdmin
) -> None:
    vendor.rows = ["{}", row(WEEK.days[1], 1), "[]", row(WEEK.days[3], 2)]
    got = admin.analytics_cost(WEEK)
    assert texts(got) == {WEEK.days[1]: ["{}", row(WEEK.days[1], 1), "[]"], WEEK.days[3]: [row(WEEK.days[3], 2)]}
    assert {missing.day for missing in left_out(got)} == set(WEEK.days) - {WEEK.days[1], WEEK.days[3]}
    vendor.rows = ["{}", "[]"]
    with pytest.raises(UnexpectedAnswer, match="no record says its day"):
        admin.analytics_cost(WEEK)


@pytest.mark.parametrize("day", ["2026-11-01", "2026-11-01T00:00:00", "2026-11-01T01:00:00+01:00", "1793491200000"])
def test_a_day_is_read_in_every_form(vendor: StandIn, admin: ClaudeAdmin, day: str) -> None:
    vendor.days = {DAY: [f'{{"date": "{day}"}}']}
    assert texts(admin.claude_code([DAY])) == vendor.days
    vendor.rows = [f'{{"starting_at": "{day}"}}', '{"starting_at": 1793491200000}', '{"starting_at": 1793491200000.5}']
    assert texts(admin.analytics_cost(WEEK))[DAY] == vendor.rows


ASKS: dict[str, Callable[[ClaudeAdmin], object]] = {
    "cost_report": lambda admin: admin.cost_report(WEEK),
    "usage_report/messages": lambda admin: admin.messages_usage(WEEK),
    "analytics/cost": lambda admin: admin.analytics_cost(WEEK),
    "workspaces": lambda admin: admin.workspaces(),
}


def test_an_answer_without_its_list_is_named_by_its_endpoint(vendor: StandIn, admin: ClaudeAdmin) -> None:
    for path, ask in ASKS.items():
        vendor.envelope = {"data": None}  # the later of two equal names counts
        vendor.lists = {"workspaces": []}
        with pytest.raises(UnexpectedAnswer, match=path):
            ask(admin)


@pytest.mark.parametrize("path", ASKS)
def test_more_without_a_way_there_is_a_contradiction(vendor: StandIn, admin: ClaudeAdmin, path: str) -> None:
    vendor.days, vendor.rows, vendor.lists = {DAY: [code_record(DAY, 1)]}, [row(DAY, 1)], {"workspaces": [workspace(1)]}
    vendor.envelope = {"has_more": True, "next_page": None, "last_id": None}
    with pytest.raises(IncompleteAnswer, match=f"{path} .*names no"):
        ASKS[path](admin)


def test_recorded_buckets_come_back_as_recorded(vendor: StandIn, admin: ClaudeAdmin) -> None:
    pages = [recorded.items("cost_report_page1"), recorded.items("cost_report_page2")]
    vendor.page_size, vendor.bend = 2, lambda _: pages.pop(0)
    got = texts(admin.cost_report(Span(DAY, DAY + timedelta(2)), group_by=COST_GROUPS))
    assert [len(lines) for lines in got.values()] == [4, 0, 4]
    assert [line for lines in got.values() for line in lines] == recorded.lines("cost_report_page1") + recorded.lines(
        "cost_report_page2"
    )


def workspace(n: int, archived: str | None = None) -> str:
    return json.dumps({"id": f"wrkspc_{n}", "name": f"W{n}", "archived_at": archived})


def test_lists_are_followed_by_id_to_the_end_archived_included(vendor: StandIn, admin: ClaudeAdmin) -> None:
    keys = [json.dumps({"id": f"apikey_{n}"}) for n in range(5)]
    vendor.lists, vendor.page_size = {"api_keys": keys, "users": keys}, 2
    for answer in (admin.api_keys(), admin.users()):
        assert texts([answer]) == {None: keys}
        assert (answer.pages, answer.day) == (3, None)
    after = [asked.params.get("after_id") for asked in vendor.asked]
    assert after == [None, ["apikey_1"], ["apikey_3"]] * 2


@pytest.mark.parametrize("default", ["wrkspc_1", "wrkspc_4", None])
def test_the_default_workspace_is_the_one_that_must_be_asked_for(
    vendor: StandIn, admin: ClaudeAdmin, default: str | None
) -> None:
    listed = [workspace(n, archived="2026-02-01T00:00:00Z" if n == 0 else None) for n in range(5)]
    vendor.lists, vendor.page_size, vendor.default_workspace = {"workspaces": listed}, 2, default
    answer = admin.workspaces()
    assert texts([answer]) == {None: listed}
    assert answer.envelope["default_workspace_ids"] == ([default] if default else [])
    assert answer.pages == len(vendor.asked)
    assert {asked.params.get("include_default", ["no"])[0] for asked in vendor.asked} == {"no", "true"}


@pytest.mark.parametrize("name", ["api_keys_v20230601", "api_keys_v20261021"])
def test_both_spellings_of_a_key_can_be_read(vendor: StandIn, admin: ClaudeAdmin, name: str) -> None:
    vendor.lists = {"api_keys": recorded.items(name)}
    keys = [msgspec.json.decode(record, type=ApiKey) for record in admin.api_keys().records]
    places = [key.workspace_id or (key.scope and key.scope.workspace_id) for key in keys]
    assert places[0] == "wrkspc_01ExampleDataTeam000001"
    assert [key.name for key in keys][:2] == ["etl", "web"]
    assert all(key.principal and key.created_by for key in keys)


def test_the_organization_is_one_record(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.lists = {"me": [recorded.body("organization_me").decode()]}
    assert texts([admin.organization()]) == {None: vendor.lists["me"]}
    vendor.lists = {"me": ['{"type": "error"}']}
    with pytest.raises(UnexpectedAnswer, match="organizations/me"):
        admin.organization()


@pytest.mark.parametrize("ask", [ClaudeAdmin.analytics_cost, ClaudeAdmin.analytics_usage])
def test_analytics_rows_go_to_their_days_whatever_their_order(
    vendor: StandIn, admin: ClaudeAdmin, ask: Callable[[ClaudeAdmin, Span], list[Answer]]
) -> None:
    vendor.rows = [row(WEEK.days[n % 5], n) for n in (3, 0, 4, 8, 5)]
    vendor.page_size, vendor.envelope = 2, {"data_refreshed_at": "2026-11-20T18:00:00Z"}
    got = ask(admin, WEEK)
    expected = {0: [0, 5], 3: [3, 8], 4: [4]}
    assert texts(got) == {day: [row(day, n) for n in expected.get(i, [])] for i, day in enumerate(WEEK.days)}
    assert got[0].envelope == vendor.envelope
    assert [asked.headers["anthropic-beta"] for asked in vendor.asked] == [BETA] * 3
    groups = vendor.asked[0].params["group_by[]"]
    assert groups[:5] == ["product", "workspace_id", "api_key_id", "actor", "model"]
    assert groups[5:] == (["cost_type", "token_type"] if ask == ClaudeAdmin.analytics_cost else [])


def test_an_answer_refreshed_while_it_is_read_is_read_again(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.rows, vendor.page_size, vendor.refreshes = [row(DAY, n) for n in range(6)], 2, 2
    assert texts(admin.analytics_cost(Span(DAY, DAY))) == {DAY: vendor.rows}
    assert len(vendor.asked) == 6


def test_an_answer_refreshed_at_every_read_is_no_answer(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.rows, vendor.page_size, vendor.refreshes = [row(DAY, n) for n in range(6)], 2, 100
    with pytest.raises(IncompleteAnswer, match="moved during each of 3 reads"):
        admin.analytics_cost(Span(DAY, DAY))


def test_people_are_a_request_a_day_and_one_more_for_each_further_page(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days = {day: [person(n) for n in range(7 if day == WEEK.first else 2)] for day in WEEK.days}
    vendor.page_size = 3
    assert texts(admin.enterprise_users(WEEK.days)) == vendor.days
    assert len(vendor.asked) == admin.requests == 7 + 2
    for asked in vendor.asked:
        assert asked.params.keys() - {"page"} == {"date", "limit"}
        assert asked.params["limit"] == ["1000"]


def test_recorded_people_come_back_as_recorded(vendor: StandIn, admin: ClaudeAdmin) -> None:
    recording = [*recorded.items("analytics_users_page1"), *recorded.items("analytics_users_page2")]
    vendor.days, vendor.page_size = {DAY: recording}, 1
    assert texts(admin.enterprise_users([DAY])) == {DAY: recording}


def test_a_day_that_is_not_ready_is_not_yet_and_the_others_are_told(vendor: StandIn, admin: ClaudeAdmin) -> None:
    vendor.days, vendor.ready = {day: [person(1)] for day in WEEK.days}, WEEK.days[4]
    got = admin.enterprise_users(WEEK.days)
    assert [answer.day for answer in got] == WEEK.days[:5]
    assert left_out(got) == [NotYet(day, WEEK.days[4]) for day in WEEK.days[5:]]
    assert str(got.left_out[1]) == "not yet: 2026-11-07 was asked for, the latest available day is 2026-11-05"
    assert len(vendor.asked) == 7  # a refusal is not tried again


def refusing(body: bytes) -> ClaudeAdmin:
    transport = httpx.MockTransport(lambda _: httpx.Response(400, content=body))
    return ClaudeAdmin.open(base_url="https://mock.test", admin_key="sk-mock", transport=transport)


def test_the_recorded_refusal_is_not_yet_for_later_days_alone() -> None:
    admin = refusing(recorded.body("analytics_error_400_date_not_ready"))
    assert left_out(admin.enterprise_users([date(2026, 11, 19)])) == [NotYet(date(2026, 11, 19), date(2026, 11, 18))]
    with pytest.raises(BadRequest, match="Data is available up to 2026-11-18"):
        admin.enterprise_users([date(2026, 11, 18)])


@pytest.mark.parametrize("words", ["Data is not available before 2026-01-01.", "date: unknown since 2026-10-21"])
def test_any_other_refusal_of_a_day_is_a_failure(words: str) -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": words}}
    with pytest.raises(BadRequest, match=words):
        refusing(json.dumps(error).encode()).enterprise_users([DAY])


def test_a_person_who_comes_twice_with_other_counts_is_read_again(vendor: StandIn, admin: ClaudeAdmin) -> None:
    sent, counts = [person(1), person(2)], iter(range(9))
    vendor.days = {DAY: sent, WEEK.last: sent}
    vendor.bend = lambda page: page if next(counts) else [*page, person(1).replace("{}", '{"n": 1}')]
    assert texts(admin.enterprise_users([DAY])) == {DAY: sent}
    vendor.bend = lambda page: [*page, person(1).replace("{}", f'{{"n": {next(counts)}}}')]
    got = admin.enterprise_users([DAY])
    assert got == []
    assert "moved during each of 3 reads" in str(left_out(got)[0])


EVERYTHING: list[Callable[[ClaudeAdmin], object]] = [
    ClaudeAdmin.organization,
    ClaudeAdmin.workspaces,
    ClaudeAdmin.api_keys,
    ClaudeAdmin.users,
    lambda admin: admin.cost_report(WEEK),
    lambda admin: admin.messages_usage(WEEK),
    lambda admin: admin.claude_code(WEEK.days),
    lambda admin: admin.analytics_cost(WEEK),
    lambda admin: admin.analytics_usage(WEEK),
    lambda admin: admin.enterprise_users(WEEK.days),
]


@pytest.mark.parametrize(("analytics_key", "used"), [("", ADMIN), (f" {ANALYTICS}\n", ANALYTICS)])
def test_each_request_carries_the_version_our_name_and_the_one_key_it_needs(
    vendor: StandIn, analytics_key: str, used: str
) -> None:
    vendor.days = {day: [] for day in WEEK.days}
    vendor.lists = {"me": ['{"id": "o"}'], "workspaces": [], "api_keys": [], "users": []}
    with closing(opened(vendor, admin_key=f"{ADMIN}\n", analytics_key=analytics_key)) as admin:
        for ask in EVERYTHING:
            ask(admin)
        assert admin.has_analytics_key is bool(analytics_key)
    assert len(vendor.asked) == 16 + 7
    for asked in vendor.asked:
        assert asked.headers["anthropic-version"] == "2023-06-01"
        assert asked.headers["user-agent"].startswith("ai_usage/")
        assert asked.headers["x-api-key"] == (used if "/analytics/" in asked.path else ADMIN)


def test_errors_say_which_key_or_address_to_mend(vendor: StandIn) -> None:
    with closing(opened(vendor, admin_key="sk-ant-wrong")) as admin, pytest.raises(KeyRefused) as caught:
        admin.organization()
    assert "Claude /v1/organizations/me answered 401: invalid x-api-key (key) " in str(caught.value)
    assert "request id req_stand_in. ANTHROPIC_ADMIN_API_KEY" in str(caught.value)
    vendor.url = vendor.url.removesuffix(PREFIX)
    with (
        closing(opened(vendor)) as admin,
        pytest.raises(NotFound, match="ANTHROPIC_ADMIN_BASE_URL") as missing,
    ):
        admin.claude_code(YEAR.days)
    assert isinstance(missing.value, VendorError)
    assert len(vendor.asked) < 50


def test_analytics_alone_keep_to_the_pace_retries_and_pages_included(
    vendor: StandIn, admin: ClaudeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[Pace] = []
    monkeypatch.setattr(Pace, "__call__", lambda pace, _: waits.append(pace))
    vendor.rows, vendor.page_size = [row(DAY, n) for n in range(5)], 2
    admin.cost_report(WEEK)
    assert {pace.default for pace in waits} == {REQUESTS_A_MINUTE}  # no endless answer is followed at full speed
    waits.clear()
    admin.analytics_cost(WEEK)
    vendor.days = {day: [] for day in WEEK.days}
    admin.enterprise_users(WEEK.days)
    vendor.bend = lambda page: ["{"]
    with pytest.raises(VendorError):
        admin.analytics_usage(WEEK)
    assert [pace.default for pace in waits] == [60] * (3 + 7 + 2)
    assert len(set(map(id, waits))) == 1


SAMPLES: dict[str, Callable[[ClaudeAdmin, Span], list[Answer]]] = {
    "cost_report_recorded_shape": REPORTS["cost_report"],
    "usage_report_messages_recorded_shape": REPORTS["usage_report/messages"],
    "analytics_unified_cost_split_sparse": ClaudeAdmin.analytics_cost,
    "analytics_unified_cost_enterprise": ClaudeAdmin.analytics_cost,
    "analytics_unified_usage": ClaudeAdmin.analytics_usage,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_the_contracts_samples_load_whole(name: str) -> None:
    """Recorded and sparse shapes: absent dimensions, no `has_more`, actors of every kind."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=recorded.body(name)))
    admin = ClaudeAdmin.open(base_url="https://mock.test", admin_key="sk-mock", transport=transport, now=lambda: NOW)
    sent = recorded.lines(name) if "report" in name else recorded.items(name)
    days = {day for day in WEEK.days if str(day) in "".join(recorded.items(name))}
    span = Span(DAY, max(day for day in days if f'"starting_at": "{day}' in recorded.body(name).decode()))
    got = SAMPLES[name](admin, span)
    assert sorted(record for records in texts(got).values() for record in records) == sorted(sent)
    assert [answer.day for answer in got] == span.days
    assert left_out(got) == []
