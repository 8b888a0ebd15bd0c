"""Pages that shift, overlap or contradict themselves while the Claude client reads them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ai_usage.ingest.days import LeftOut
from ai_usage.ingest.http.errors import (
    IncompleteAnswer,
    UnexpectedAnswer,
)
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.ingest.stand_in import (
    StandIn,
)
from ai_usage_tests.providers.anthropic.reading import (
    DAY,
    LINE,
    WEEK,
    code_record,
    left_out,
    person,
    row,
    texts,
    workspace,
)

RECORDS: dict[str, Callable[[int], str]] = {
    "claude_code": lambda n: code_record(DAY, n),
    "analytics/users": person,
    "analytics/cost": lambda n: row(DAY, n),
}


@dataclass
class Shifting:
    """Changes the pages of this many readings: each page begins with the last item of the page before. If `loses` is
    set, the page's own last item is on no page.
    """

    readings: int
    loses: bool = False
    pages: int = 3  # in a reading
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
    stand_in: StandIn, admin: ClaudeAdmin, path: str, *, loses: bool
) -> None:
    """Case 17, in the client: a record on two pages, and perhaps another on none."""
    records = RECORDS[path]
    stand_in.days = {DAY: [records(n) for n in range(6)]}
    stand_in.rows, stand_in.page_size, stand_in.bend = stand_in.days[DAY], 2, Shifting(1, loses)
    assert texts(OVERLAPS[path](admin)) == stand_in.days
    assert len(stand_in.asked) == 6


@pytest.mark.parametrize("path", OVERLAPS)
def test_a_record_that_comes_twice_in_two_equal_readings_is_there_twice(
    stand_in: StandIn, admin: ClaudeAdmin, path: str
) -> None:
    """Case 17: what the provider itself repeats is stored as sent; the grain check reports it."""
    records = RECORDS[path]
    sent = [records(n) for n in range(6)]
    stand_in.days, stand_in.rows, stand_in.page_size, stand_in.bend = {DAY: sent}, sent, 2, Shifting(9)
    assert texts(OVERLAPS[path](admin)) == {DAY: [*sent[:2], sent[1], *sent[2:]]}
    assert len(stand_in.asked) == 6


def test_pages_that_shift_at_each_reading_are_no_answer_of_their_day(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.days, stand_in.page_size, seen = {DAY: [code_record(DAY, n) for n in range(4)], WEEK.last: []}, 2, []

    def shifting(page: list[str]) -> list[str]:
        seen.append(page)
        return page if len(page) < 2 or len(seen) % 2 else [seen[-2][-1], code_record(DAY, 10 + len(seen))]

    stand_in.bend = shifting
    got = admin.claude_code([DAY])
    assert got == []
    assert "moved during each of 3 reads" in str(left_out(got)[0])
    assert len(stand_in.asked) == 6


def test_buckets_that_overlap_are_read_again_and_cost_their_day_if_they_still_do(
    stand_in: StandIn, admin: ClaudeAdmin
) -> None:
    stand_in.days = {day: [LINE] for day in WEEK.days}
    stand_in.page_size, stand_in.bend = 3, Shifting(1, loses=True)
    assert texts(admin.cost_report(WEEK)) == stand_in.days
    assert len(stand_in.asked) == 6
    stand_in.bend = Shifting(9)
    got = admin.cost_report(WEEK)
    assert [answer.day for answer in got] == [day for day in WEEK.days if day != WEEK.days[2]]
    assert [(type(missing), missing.day) for missing in left_out(got)] == [(LeftOut, WEEK.days[2])]


def test_records_of_another_day_are_left_to_it(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.days = {DAY: [code_record(DAY, 1), code_record(WEEK.last, 1)]}
    stand_in.rows = [row(WEEK.last, 1), row(DAY, 1)]
    for got, kept in (
        (admin.claude_code([DAY]), stand_in.days[DAY][0]),
        (admin.analytics_cost(Span(DAY, DAY)), row(DAY, 1)),
    ):
        assert texts(got) == {DAY: [kept]}
        assert [missing.day for missing in left_out(got)] == [WEEK.last]


def test_records_of_another_day_alone_are_no_answer(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    stand_in.days, stand_in.rows = {DAY: [code_record(WEEK.last, 1)]}, [row(WEEK.last, 1)]
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
    stand_in: StandIn, admin: ClaudeAdmin, record: str
) -> None:
    stand_in.days, stand_in.rows = {DAY: [code_record(DAY, 1), record]}, [row(DAY, 1), record]
    assert texts(admin.claude_code([DAY])) == stand_in.days
    assert texts(admin.analytics_cost(Span(DAY, DAY))) == {DAY: stand_in.rows}
    stand_in.days = {DAY: [person(1), record]}
    assert texts(admin.enterprise_users([DAY])) == stand_in.days


def test_a_record_of_no_readable_day_goes_with_the_one_before_and_no_empty_day_is_believed(
    stand_in: StandIn, admin: ClaudeAdmin
) -> None:
    stand_in.rows = ["{}", row(WEEK.days[1], 1), "[]", row(WEEK.days[3], 2)]
    got = admin.analytics_cost(WEEK)
    assert texts(got) == {WEEK.days[1]: ["{}", row(WEEK.days[1], 1), "[]"], WEEK.days[3]: [row(WEEK.days[3], 2)]}
    assert {missing.day for missing in left_out(got)} == set(WEEK.days) - {WEEK.days[1], WEEK.days[3]}
    stand_in.rows = ["{}", "[]"]
    with pytest.raises(UnexpectedAnswer, match="records has a day"):
        admin.analytics_cost(WEEK)


@pytest.mark.parametrize("day", ["2026-11-01", "2026-11-01T00:00:00", "2026-11-01T01:00:00+01:00", "1793491200000"])
def test_a_day_is_read_in_every_form(stand_in: StandIn, admin: ClaudeAdmin, day: str) -> None:
    stand_in.days = {DAY: [f'{{"date": "{day}"}}']}
    assert texts(admin.claude_code([DAY])) == stand_in.days
    stand_in.rows = [
        f'{{"starting_at": "{day}"}}',
        '{"starting_at": 1793491200000}',
        '{"starting_at": 1793491200000.5}',
    ]
    assert texts(admin.analytics_cost(WEEK))[DAY] == stand_in.rows


ASKS: dict[str, Callable[[ClaudeAdmin], object]] = {
    "cost_report": lambda admin: admin.cost_report(WEEK),
    "usage_report/messages": lambda admin: admin.messages_usage(WEEK),
    "analytics/cost": lambda admin: admin.analytics_cost(WEEK),
    "workspaces": lambda admin: admin.workspaces(),
}


def test_an_answer_without_its_list_is_named_by_its_endpoint(stand_in: StandIn, admin: ClaudeAdmin) -> None:
    for path, ask in ASKS.items():
        stand_in.envelope = {"data": None}  # the later of two fields with one name counts
        stand_in.lists = {"workspaces": []}
        with pytest.raises(UnexpectedAnswer, match=path):
            ask(admin)


@pytest.mark.parametrize("path", ASKS)
def test_more_without_a_way_there_is_a_contradiction(stand_in: StandIn, admin: ClaudeAdmin, path: str) -> None:
    stand_in.days, stand_in.rows, stand_in.lists = (
        {DAY: [code_record(DAY, 1)]},
        [row(DAY, 1)],
        {"workspaces": [workspace(1)]},
    )
    stand_in.envelope = {"has_more": True, "next_page": None, "last_id": None}
    with pytest.raises(IncompleteAnswer, match=f"{path} .*names no"):
        ASKS[path](admin)
