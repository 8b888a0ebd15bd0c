"""The records of each requested day, or why there are none.

Independent of providers. An error in one day of an answer loses that day only: the others are kept.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ai_usage.ingest.http.errors import IncompleteAnswer, UnexpectedAnswer
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.warehouse.ledger import Answer

NOT_YET_FOR = timedelta(days=3)  # a provider may deliver a day this late after its end; then a missing day is an error


@dataclass(frozen=True)
class NotYet:
    """A day the provider has not computed yet: not a failure; it is pulled again later."""

    day: date
    latest: date | None  # the newest day there is, by the answer

    def __str__(self) -> str:
        known = f"the latest available day is {self.latest}" if self.latest else "no day of this answer is there yet"
        return f"not yet: {self.day} was asked for, {known}"


@dataclass(frozen=True)
class LeftOut:
    """A day, or records of it, for which the answer is not reliable: nothing of it is kept."""

    day: date
    why: str

    def __str__(self) -> str:
        return f"not pulled: {self.why}"


class Answers(list[Answer]):
    """The answers of the days that came, and in `left_out` the other days, each with its reason."""

    def __init__(self, answers: Iterable[Answer] = (), left_out: Iterable[NotYet | LeftOut] = ()) -> None:
        super().__init__(answers)
        self.left_out = list(left_out)


@dataclass(frozen=True)
class Parted:
    """Records by the day they belong to; a day without records is an empty list, an answer too."""

    records: dict[date, list[bytes]]
    left_out: list[LeftOut]


def by_day(what: str, span: Span, records: Sequence[bytes], day_of: Callable[[bytes], date | None]) -> Parted:
    """The records of an answer that does not name its days, by day.

    - A record of a day that was not requested is left to that day's own pull, and named. An answer of only such records
      belongs to another request: `IncompleteAnswer`.
    - A record without a readable day (`day_of` gives None) is kept, so that nothing is lost: under the one day asked
      about, or under the day of the record before it (of the first one that has a day, if there is none before), since
      providers send records in the order of their time. It is rejected where its fields are read. As it may belong to
      any day, a day without a record of its own is not called empty then: it is left out, loudly.
    - If no record has a day, and more than one day was asked about: `UnexpectedAnswer`.
    """
    parted: dict[date, list[bytes]] = {day: [] for day in span.days}
    strangers: Counter[date] = Counter()
    early: list[bytes] = []  # of no readable day, before any record that has one
    is_one_day, is_unsure = span.first == span.last, False
    near = first = span.first if is_one_day else None
    has_own = False
    for record in records:
        day = day_of(record)
        if day is None:
            is_unsure = True
            (early if near is None else parted[near]).append(record)
        elif day in parted:
            near, first, has_own = day, first or day, True
            parted[day].append(record)
        else:
            strangers[day] += 1
    if strangers and not (has_own or is_unsure):
        raise IncompleteAnswer(f"{what} of {span} came with records of {_named(strangers)} alone: none is kept.")
    if early:
        if first is None:
            raise UnexpectedAnswer(f"{what} of {span}: none of its {len(early)} records has a day; none is kept.")
        parted[first][:0] = early
    left_out = [LeftOut(day, f"{what} of {span} came with {n} records of it, unasked") for day, n in strangers.items()]
    if is_unsure and not is_one_day:
        for day in [day for day, found in parted.items() if not found]:
            del parted[day]
            left_out.append(LeftOut(day, f"{what} of {span} has records without a readable day, and none of this day"))
    return Parted(parted, left_out)


def days_not_there(
    what: str, span: Span, there: Iterable[date], *, now: date, is_doubtful: bool = False
) -> list[NotYet | LeftOut]:
    """Why each missing day of an answer that names its days is missing. The newest ones are "not yet", if they ended
    lately and nothing else about the answer `is_doubtful`; a hole before a day that is there is left out, loudly.
    """
    known = sorted(day for day in there if day in span)
    latest = known[-1] if known else None
    missing = [day for day in span.days if day not in known]
    return [
        NotYet(day, latest)
        if not is_doubtful and (latest is None or day > latest) and now - (day + ONE_DAY) < NOT_YET_FOR
        else LeftOut(day, f"{what} came without it")
        for day in missing
    ]


def _named(days: Iterable[date]) -> str:
    first, *rest = sorted(days)
    return f"{first} and {len(rest)} more days" if rest else str(first)
