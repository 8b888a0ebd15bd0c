"""Reports that come as buckets, one per UTC day: the answer of each day, or why there is none.

Independent of providers, as `days` is for reports that come as flat records.
"""

from collections.abc import Callable, Sequence
from datetime import date

from ai_usage.ingest.days import Answers, LeftOut, days_not_there
from ai_usage.ingest.http.paging import Page
from ai_usage.partitions import Span
from ai_usage.warehouse.ledger import Answer

BucketOf = Callable[[bytes], tuple[date | None, Page | None]]  # a bucket's day and its results, None if unreadable


def answers_of_buckets(
    what: str,
    span: Span,
    pages: Sequence[Page],
    bucket_of: BucketOf,
    answer: Callable[[date, Page, Page], Answer],
    *,
    today: date,
) -> Answers:
    """One answer per day, all pages joined; `answer` builds it from the day, the page and the bucket. A bucket that is
    missing, comes twice or cannot be read loses only its own day. The newest days may not be available yet.
    """
    answers: dict[date, Answer] = {}
    left_out: dict[date, LeftOut] = {}
    is_doubtful = False
    for page in pages:
        for body in page.items:
            day, bucket = bucket_of(body)
            if day is None:
                is_doubtful = True  # it may be any day that is missing
            elif day not in span:
                left_out[day] = LeftOut(day, f"{what} came with a bucket of it, unasked")
            elif day in answers or day in left_out:
                answers.pop(day, None)
                left_out[day] = LeftOut(day, f"{what} came with more than one bucket of it")
            elif bucket is None:
                left_out[day] = LeftOut(day, f"{what} came with a bucket of it that has no results")
            else:
                answers[day] = answer(day, page, bucket)
    is_doubtful = is_doubtful or bool(left_out)
    missing = days_not_there(what, span, {*answers, *left_out}, now=today, is_doubtful=is_doubtful)
    return Answers((answers[day] for day in sorted(answers)), [*left_out.values(), *missing])


def name_a_day_on_two_pages(pages: Sequence[Page], day_of: Callable[[bytes], date | None]) -> bool:
    """Whether two pages have a bucket of the same day; a single page cannot shift."""
    days = [day for page in pages for day in {day_of(body) for body in page.items}] if len(pages) > 1 else []
    return len(set(days)) < len(days)
