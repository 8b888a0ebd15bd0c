"""AI commits as the client returns them: complete, on their day, without their message, and not sent again in vain."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ai_usage.ingest.days import Answers
from ai_usage.ingest.drift import drift
from ai_usage.ingest.http.errors import IncompleteAnswer, NotModified
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.cursor.client import COMMITS, CursorAdmin
from ai_usage.providers.cursor.tables import DAILY_PULLS
from ai_usage.warehouse.ledger import Answer

FIXTURES = Path(__file__).parents[2] / "fixtures" / "cursor"
DAY, NEXT = date(2026, 11, 1), date(2026, 11, 2)
BOTH = Span(DAY, NEXT)
SECRET = "a secret message"


def recorded(page: int) -> dict[str, Any]:
    page_body: dict[str, Any] = json.loads((FIXTURES / f"ai_code_commits_page{page}.json").read_bytes())
    return page_body


RECORDED = [recorded(page)["items"][0] for page in (1, 2)]


def commit(number: int, **fields: object) -> dict[str, Any]:
    return {**RECORDED[0], "commitHash": f"{number:040x}", "message": f"{SECRET} {number}", **fields}


@dataclass
class Commits:
    """The endpoint alone, with limited commits per page. `asked` has the requests, `statuses` the answers to them."""

    commits: list[dict[str, Any]]
    page_size: int = 1000
    has_etags: bool = True
    asked: list[httpx.Request] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        size = min(int(request.url.params["pageSize"]), self.page_size)
        body = self.body(page, size)
        tag = f'"{hashlib.sha256(body).hexdigest()}"'
        is_known = request.headers.get("if-none-match") == tag
        self.asked.append(request)
        self.statuses.append(304 if is_known else 200)
        headers = {"etag": tag} if self.has_etags else {}
        return httpx.Response(304, headers=headers) if is_known else httpx.Response(200, headers=headers, content=body)

    def body(self, page: int, size: int) -> bytes:
        items = self.commits[(page - 1) * size : page * size]
        page_body = {"items": items, "totalCount": len(self.commits), "page": page, "pageSize": size}
        return json.dumps(page_body, indent=1).encode()

    def admin(self) -> CursorAdmin:
        return CursorAdmin.open(
            base_url="https://cursor.test",
            key="crsr_mock",
            now=lambda: datetime(2026, 11, 20, tzinfo=UTC),
            pace=lambda _: None,
            patience=Patience(attempts=3, first_wait=0, jitter=0),
            transport=httpx.MockTransport(self),
        )

    def ask(self, span: Span = BOTH, held: Sequence[Answer] = ()) -> Answers:
        self.asked.clear()
        self.statuses.clear()
        return self.admin().ai_commits(span, held)


def hashes(answers: Sequence[Answer]) -> dict[date | None, list[str]]:
    return {a.day: [msgspec.json.decode(r)["commitHash"] for r in a.records] for a in answers}


def test_the_recorded_pages_are_read_to_the_last() -> None:
    stand_in = Commits(RECORDED, page_size=1)
    assert [json.loads(stand_in.body(page, 1)) for page in (1, 2)] == [recorded(1), recorded(2)]
    answers = stand_in.ask()
    assert hashes(answers) == {DAY: [each["commitHash"] for each in RECORDED], NEXT: []}
    query = {"startDate": "2026-11-01", "endDate": "2026-11-02", "pageSize": "500"}  # case 12: the API's limit
    assert [dict(r.url.params) for r in stand_in.asked] == [{**query, "page": page} for page in ("1", "2")]
    assert answers[0].request == {"path": COMMITS, **query, "pageSize": 500}
    assert [(a.pages, list(a.envelope)) for a in answers] == [(2, ["etags"])] * 2
    assert not drift((r.decode() for a in answers for r in a.records), DAILY_PULLS["cursor_ai_commits"])


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_as_many_pages_are_asked_for_as_the_count_needs(count: int, pages: int) -> None:
    stand_in = Commits([commit(n) for n in range(count)], page_size=2)
    assert len(stand_in.ask(Span(DAY, DAY))[0].records) == count
    assert len(stand_in.asked) == pages


@pytest.mark.parametrize(
    ("made", "heard_of", "day"),
    [
        ("2026-11-01T23:59:59.999Z", "2026-11-02T00:00:04Z", DAY),
        ("2026-11-02T00:30:00+01:00", "2026-11-02T00:00:04Z", DAY),
        ("2026-10-31T23:59:59Z", "2026-11-02T09:00:00Z", NEXT),
        ("2026-11-02T23:59:59Z", "2026-11-03T00:00:04Z", NEXT),
        (None, "2026-11-02T09:00:00Z", NEXT),
    ],
)
def test_a_commit_belongs_to_the_day_it_was_made_or_else_was_received(
    made: str | None, heard_of: str, day: date
) -> None:
    found = hashes(Commits([commit(1, commitTs=made, createdAt=heard_of)]).ask())
    assert {d: len(commits) for d, commits in found.items()} == {d: int(d == day) for d in BOTH.days}


def test_a_commit_of_no_day_that_was_asked_about_is_left_to_its_own_day() -> None:
    stranger = commit(1, commitTs="2026-10-31T09:00:00Z", createdAt="2026-11-03T09:00:00Z")
    got = Commits([commit(2), stranger]).ask()
    assert hashes(got) == {DAY: [f"{2:040x}"], NEXT: []}
    assert [each.day for each in got.left_out] == [date(2026, 10, 31)]
    with pytest.raises(IncompleteAnswer, match="2026-10-31") as caught:
        Commits([stranger]).ask()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"commitTs": None, "createdAt": None},
        {"commitTs": "", "createdAt": "yesterday"},
        {"commitTs": [], "createdAt": {}},
        {"commitTs": True, "createdAt": 1e30},
    ],
)
def test_a_commit_of_no_readable_day_is_kept_beside_the_one_before_it(fields: dict[str, object]) -> None:
    got = Commits([commit(1), commit(2, **fields)]).ask()
    assert hashes(got) == {DAY: [f"{1:040x}", f"{2:040x}"]}
    assert [each.day for each in got.left_out] == [NEXT]  # it may belong to that day, which is not reported as empty
    assert hashes(Commits([commit(2, **fields)]).ask(Span(NEXT, NEXT))) == {NEXT: [f"{2:040x}"]}


@pytest.mark.parametrize("at", ["2026-11-02T09:00:00", "2026-11-02", 1793577600000, "1793577600000", 1793577600000.0])
def test_a_commits_time_is_read_in_every_form(at: object) -> None:
    assert hashes(Commits([commit(1, commitTs=at)]).ask())[NEXT] == [f"{1:040x}"]


def test_a_commit_without_a_source_is_kept() -> None:
    """Case 12."""
    sourceless = commit(1)
    del sourceless["commitSource"]
    assert hashes(Commits([sourceless]).ask()) == {DAY: [f"{1:040x}"], NEXT: []}


def test_a_record_that_is_no_commit_may_be_a_message_and_nothing_of_it_is_kept() -> None:
    stand_in = Commits([])
    stand_in.body = lambda page, size: b'{"items":["%s"],"totalCount":1,"page":1}' % SECRET.encode()  # type: ignore[method-assign]
    [answer] = stand_in.ask(Span(DAY, DAY))
    assert answer.records == [b"null"]


def test_the_message_is_gone_and_every_other_byte_is_as_sent() -> None:
    sent = b'{"mess\\u0061ge" : "a secret", "commitTs":null, "totalLinesAdded": 1.50e1, "novel":{"a" : [1,  2]},'
    sent += b'"createdAt":"2026-11-01T09:00:00Z", "message":"of \\"this\\"", "branchName": "\\u00e9"}'
    stand_in = Commits([])
    stand_in.body = lambda page, size: b'{"items":[%b],"totalCount":1,"page":1,"pageSize":1000}' % sent  # type: ignore[method-assign]
    [answer] = stand_in.ask(Span(DAY, DAY))
    [kept] = answer.records
    assert kept == (
        b'{"message":null,"commitTs":null,"totalLinesAdded":1.50e1,"novel":{"a" : [1,  2]},'
        b'"createdAt":"2026-11-01T09:00:00Z","branchName":"\\u00e9"}'
    )


def test_another_message_is_no_other_content() -> None:
    [once], [again] = (Commits([commit(1, message=message)]).ask(Span(DAY, DAY)) for message in ("a", None))
    assert once.envelope != again.envelope
    assert once.content_hash == again.content_hash


def test_a_message_that_came_through_would_be_named() -> None:
    assert drift([json.dumps(commit(1))], DAILY_PULLS["cursor_ai_commits"])


def test_a_count_that_moves_while_pages_are_read_has_them_read_again() -> None:
    stand_in = Commits([commit(n) for n in range(4)], page_size=2)
    honest = stand_in.body

    def moving(page: int, size: int) -> bytes:
        page_body = honest(page, size)
        if len(stand_in.asked) == 0:
            stand_in.commits.insert(0, commit(9))
        return page_body

    stand_in.body = moving  # type: ignore[method-assign]
    assert len(stand_in.ask(Span(DAY, DAY))[0].records) == 5
    assert len(stand_in.asked) == 3 + 3


def test_what_has_not_changed_is_asked_for_by_its_etags_and_answered_again() -> None:
    stand_in = Commits([commit(n) for n in range(5)], page_size=2)
    held = stand_in.ask()
    for _ in range(2):
        held = stand_in.ask(held=held)
        assert stand_in.statuses == [304] * 3
        assert [r.headers["if-none-match"] for r in stand_in.asked] == held[0].envelope["etags"]
        assert held == stand_in.admin().ai_commits(BOTH)


@pytest.mark.parametrize("changed", range(3))
def test_one_changed_page_has_all_of_them_read_again(changed: int) -> None:
    stand_in = Commits([commit(n) for n in range(3)], page_size=1)
    held = stand_in.ask()
    stand_in.commits[changed]["totalLinesAdded"] += 1
    again = stand_in.ask(held=held)
    assert stand_in.statuses == [304] * changed + [200] * 4
    assert ["if-none-match" in r.headers for r in stand_in.asked] == [True] * (changed + 1) + [False] * 3
    assert again == stand_in.admin().ai_commits(BOTH)


OTHERWISE: dict[str, Callable[[list[Answer]], list[Answer]]] = {
    "never_pulled": lambda held: [],
    "a_day_missing": lambda held: held[:1],
    "a_day_asked_for_alone_since": lambda held: [held[0], *Commits([]).ask(Span(NEXT, NEXT))],
    "in_other_words": lambda held: [replace(each, request={**each.request, "pageSize": 100}) for each in held],
    "a_day_of_another_pull": lambda held: [held[0], replace(held[1], envelope={"etags": ["another"]})],
    "no_etags": lambda held: [replace(each, envelope={}) for each in held],
}


@pytest.mark.parametrize("before", OTHERWISE.values(), ids=OTHERWISE)
def test_nothing_is_asked_by_etag_unless_the_same_was_asked_before(
    before: Callable[[list[Answer]], list[Answer]],
) -> None:
    stand_in = Commits([commit(1)])
    assert hashes(stand_in.ask(held=before(stand_in.ask()))) == {DAY: [f"{1:040x}"], NEXT: []}
    assert ["if-none-match" in r.headers for r in stand_in.asked] == [False]


def test_a_provider_without_etags_is_asked_as_before() -> None:
    stand_in = Commits([commit(1)], has_etags=False)
    held = stand_in.ask()
    assert held[0].envelope == {}
    assert stand_in.ask(held=held) == held
    assert stand_in.statuses == [200]


def test_a_304_that_was_not_requested_is_an_error_at_once() -> None:
    stand_in = Commits([commit(1)])
    admin = stand_in.admin()
    admin.api.http.headers["if-none-match"] = stand_in.ask()[0].envelope["etags"][0]
    with pytest.raises(NotModified, match="answered 304"):
        admin.ai_commits(BOTH)
    assert stand_in.statuses == [200, 304]
