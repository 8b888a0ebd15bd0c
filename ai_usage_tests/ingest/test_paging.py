"""Pages are followed, must be consistent, and are read again if they overlap."""

from collections.abc import Callable

import pytest

from ai_usage.ingest.http.errors import IncompleteAnswer
from ai_usage.ingest.http.paging import Page, Query, steady_pages
from ai_usage_tests.ingest.scripted import Script, Step, refused, sheet


def test_pages_are_followed_to_the_last_and_a_page_is_asked_for_again_alone() -> None:
    script = Script(sheet([1], "b"), refused(500), sheet([2, 3], "c"), sheet([]))
    assert [item for page in script.pages() for item in page.items] == [b"1", b"2", b"3"]
    asked = [dict(request.url.params) for request in script.asked]
    assert asked == [{"a": "1"}, {"a": "1", "page": "b"}, {"a": "1", "page": "b"}, {"a": "1", "page": "c"}]


def contradicts(_: Page) -> Query | None:
    raise ValueError("contradicts itself")


@pytest.mark.parametrize(
    ("steps", "following", "why"),
    [
        ([sheet([1], "b"), sheet([2], "b")], None, "same cursor twice"),
        ([sheet([1], "b"), sheet([2], "c"), sheet([3], "b")], None, "same cursor twice"),
        ([sheet([1], "b"), sheet([], "c")], None, "more after an empty page"),
        ([sheet([n], f"after {n}") for n in range(9)], None, "more than 9 pages"),
        ([sheet([1])], contradicts, "contradicts itself"),
    ],
)
def test_inconsistent_pages_are_refused(
    steps: list[Step], following: Callable[[Page], Query | None] | None, why: str
) -> None:
    with pytest.raises(IncompleteAnswer, match=f"Acme /v1/spend .*{why}.*nothing of this answer is kept"):
        Script(*steps, sheet([99])).pages(following)


def test_as_many_pages_as_the_limit_are_accepted() -> None:
    assert len(Script(sheet([1], "b"), sheet([2], "c"), sheet([3])).pages(cap=3)) == 3


def readings(*of: list[list[int]]) -> Callable[[], list[Page]]:
    """The readings in order, each a list of pages, each a list of records."""
    left = iter(of)
    return lambda: [Page([str(item).encode() for item in page], {"total": len(page)}) for page in next(left)]


def records(pages: list[Page]) -> list[list[int]]:
    return [[int(item) for item in page.items] for page in pages]


CLEAN = [[1, 2], [3, 4], [5]]
SHIFTED = [[1, 2], [2, 3], [5]]  # 2 is on two pages and 4 on none; the count is right


def test_pages_that_agree_are_read_once() -> None:
    assert records(steady_pages("Acme", readings(CLEAN))) == CLEAN
    assert records(steady_pages("Acme", readings([[1, 1, 1]]))) == [[1, 1, 1]]  # one page cannot shift


@pytest.mark.parametrize(
    ("reads", "kept"),
    [
        ([SHIFTED, CLEAN], CLEAN),
        ([SHIFTED, SHIFTED], SHIFTED),  # the duplicate is real
        ([SHIFTED, [[2, 1], [3, 2], [5]]], [[2, 1], [3, 2], [5]]),  # the same records in another order
        ([SHIFTED, [[1, 2], [3, 3], [3, 5]], CLEAN], CLEAN),
        ([SHIFTED, [[1, 2], [3, 3], [3, 5]], [[1, 2], [3, 3], [3, 5]]], [[1, 2], [3, 3], [3, 5]]),
        ([[[1, 2, 3], [2, 3, 4]], CLEAN], CLEAN),  # a shift by more than one
    ],
)
def test_pages_that_overlap_are_read_again_until_two_readings_agree(
    reads: list[list[list[int]]], kept: list[list[int]]
) -> None:
    """Case 16."""
    assert records(steady_pages("Acme", readings(*reads))) == kept


def test_pages_that_change_at_each_reading_are_refused() -> None:
    shifting = [[[n, n + 1], [n + 1, n + 3]] for n in range(3)]
    with pytest.raises(IncompleteAnswer, match="Acme moved during each of 3 reads"):
        steady_pages("Acme", readings(*shifting))


def test_pages_of_two_states_are_read_again_even_if_they_repeat() -> None:
    moved = lambda pages: len({page.beside["total"] for page in pages}) > 1  # noqa: E731
    even, uneven = [[1, 2], [3, 4]], [[1, 2], [3]]
    assert records(steady_pages("Acme", readings(uneven, uneven, even), moved=moved)) == even
    with pytest.raises(IncompleteAnswer):
        steady_pages("Acme", readings(uneven, uneven, uneven), moved=moved)
