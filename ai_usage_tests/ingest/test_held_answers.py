"""If a write takes seconds, answers wait for each other; each keeps the instant of its request."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest

from ai_usage.ingest.days import Answers, NotYet
from ai_usage.ingest.held_answers import MOST_RECORDS, HeldAnswers, holding
from ai_usage.warehouse.ledger import Answer

DAY, AT = date(2026, 11, 18), datetime(2026, 11, 20, 12, tzinfo=UTC)


class Engine:
    """A warehouse that takes this many days at once, and records each write."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.written: list[Answers] = []

    def days_at_once(self, days: int) -> int:
        return max(days, self.most)

    @contextmanager
    def holding(self) -> Iterator[HeldAnswers]:
        with holding(cast("Any", self), self.written.append) as held:
            yield held


def answer(n: int, records: int = 1) -> Answer:
    return Answer("source", DAY + timedelta(days=n), [b"{}"] * records, 1, {})


def test_a_slow_engine_writes_many_requests_at_once_and_the_embedded_one_each() -> None:
    slow, embedded = Engine(1_000), Engine(1)
    for engine in (slow, embedded):
        with engine.holding() as held:
            for n in range(3):
                held.add(Answers([answer(n)], [NotYet(DAY, None)]), AT + timedelta(minutes=n))
    assert [len(each) for each in embedded.written] == [1, 1, 1]
    [written] = slow.written
    assert [each.asked_at for each in written] == [AT + timedelta(minutes=n) for n in range(3)]
    assert len(written.left_out) == 3


def test_what_waits_is_bounded() -> None:
    engine = Engine(1_000)
    with engine.holding() as held:
        held.add([answer(0, MOST_RECORDS - 1)], AT)
        assert not engine.written
        held.add([answer(1)], AT)
        assert len(engine.written) == 1
        held.add([answer(2)], AT)
    assert [len(each) for each in engine.written] == [2, 1]


def test_what_came_before_a_request_failed_is_written() -> None:
    engine = Engine(1_000)

    def asks_twice() -> None:
        with engine.holding() as held:
            held.add([answer(0)], AT)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        asks_twice()
    assert len(engine.written) == 1


def test_where_nothing_came_nothing_is_written_but_what_is_missing_is_noted() -> None:
    engine = Engine(1_000)
    with engine.holding():
        pass
    assert not engine.written
    with engine.holding() as held:
        held.add(Answers([], [NotYet(DAY, None)]), AT)
    assert len(engine.written) == 1
