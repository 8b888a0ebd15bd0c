"""`timeSeries.list` of Cloud Monitoring v3: a metric's events of a project, added up over windows that end in step.

Only sums of each series are simulated: `ALIGN_SUM`, without a reducer.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ai_usage.simulator.google_company import Project
from ai_usage.simulator.google_days import GoogleDays
from ai_usage.simulator.google_filters import Term, paged, terms_of
from ai_usage.simulator.google_metrics import METRICS, Event, events_of
from ai_usage.simulator.google_wire import CloudError, whole
from ai_usage.simulator.queries import Query, rfc3339

RETENTION = timedelta(days=225)
LAG = timedelta(minutes=4)
MOST_POINTS = 100_000  # of a page; a larger page size counts as this
LEAST_PERIOD = 60
DENIED = "Permission monitoring.timeSeries.list denied (or the resource may not exist)."
UNKNOWN = (
    'Cannot find metric(s) that match type = "{metric}". If a metric was created recently, it could take up to 10 '
    "minutes to become available. Please try again soon."
)
INCOMPLETE = {"code": 14, "message": "Simulated: data could not be read from one location"}

Window = tuple[datetime, datetime]
Series = tuple[Any, ...]


class Monitoring:
    """Answers about the projects of one company. Of `incomplete` ones some data cannot be read."""

    def __init__(
        self,
        days: GoogleDays,
        clock: Callable[[], datetime],
        *,
        denies: frozenset[str],
        incomplete: frozenset[str],
        twins_disagree: bool,
    ) -> None:
        self.days, self.clock, self.twins_disagree = days, clock, twins_disagree
        self.denies, self.incomplete = denies, incomplete

    def time_series(self, name: str, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
        project = self.days.company.project(name)
        if project is None or project.id in self.denies:
            raise CloudError(403, DENIED)
        query = paged(path, pairs)
        metric, others = _asked_metric(query.one("filter"))
        start, end, period = _interval(query)
        has_points = (query.one("view", ("FULL", "HEADERS")) or "FULL") == "FULL"
        size = min(whole(query.one("pageSize"), "pageSize", MOST_POINTS), MOST_POINTS)
        offset = query.offset()
        query.refuse_unread()
        if metric not in METRICS:
            raise CloudError(404, UNKNOWN.format(metric=metric))
        if project.id in self.incomplete:
            return {"timeSeries": [], "executionErrors": [INCOMPLETE]}
        points = self._points(metric, project, (start, end), period, others)
        page = points[offset : offset + size]
        following = query.next_page(offset + size, len(points))
        if not page:
            return {}
        more = {"nextPageToken": following} if following else {}
        return {"timeSeries": list(_rendered(metric, page, has_points=has_points)), **more, "unit": "1"}

    def _points(
        self, metric: str, project: Project, interval: Window, period: timedelta, others: Sequence[Term]
    ) -> list[tuple[Series, Window, int]]:
        """By series, each with its newest window first. A window has its end and not its start."""
        sums: dict[Series, dict[int, int]] = {}
        for event in self._events(metric, project, interval):
            if all(_fits(event, term) for term in others):
                series = sums.setdefault((event.labels, event.resource, event.resource_labels), {})
                back = (interval[1] - event.at) // period
                series[back] = series.get(back, 0) + event.n
        return [
            (series, (interval[1] - (back + 1) * period, interval[1] - back * period), n)
            for series, windows in sorted(sums.items())
            for back, n in sorted(windows.items())
        ]

    def _events(self, metric: str, project: Project, interval: Window) -> Iterator[Event]:
        now = self.clock()
        after, until = max(interval[0], now - RETENTION), min(interval[1], now - LAG)
        for day in _days(after.date(), until.date()):
            known = self.days.visible(day, now)
            for event in events_of(metric, self.days.company, project, known, twins_disagree=self.twins_disagree):
                if after < event.at <= until:
                    yield event


def _days(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def _asked_metric(text: str | None) -> tuple[str, list[Term]]:
    """The one metric of a filter, and what else it compares."""
    terms = terms_of(text or "")
    metrics = [term for term in terms if term.field == "metric.type"]
    if len(metrics) != 1 or metrics[0].operator != "=":
        raise CloudError(400, "The provided filter does not refer to any one metric: it must specify metric.type once.")
    others = [term for term in terms if term not in metrics]
    for term in others:
        group, _, name = term.field.partition(".")
        if term.operator not in ("=", "!=") or group not in ("metric", "resource") or not name:
            raise CloudError(400, f"Field {term.field} is not a valid field of the filter.")
    return metrics[0].value, others


def _interval(query: Query) -> tuple[datetime, datetime, timedelta]:
    start, end = query.instant("interval.startTime"), query.instant("interval.endTime")
    if end is None or (start is not None and start > end):
        raise CloudError(400, "Field interval.endTime must be set, and not be before interval.startTime.")
    period = query.one("aggregation.alignmentPeriod") or ""
    query.one("aggregation.perSeriesAligner", ("ALIGN_SUM",))
    query.one("aggregation.crossSeriesReducer", ("REDUCE_NONE",))
    seconds = period.removesuffix("s")
    if not period.endswith("s") or not seconds.isdigit() or int(seconds) < LEAST_PERIOD:
        raise CloudError(400, "Field aggregation.alignmentPeriod must be at least 60 seconds.")
    return (start or end).astimezone(UTC), end.astimezone(UTC), timedelta(seconds=int(seconds))


def _fits(event: Event, term: Term) -> bool:
    group, _, name = term.field.partition(".")
    labels = dict(event.labels if group == "metric" else event.resource_labels)
    value = event.resource if term.field == "resource.type" else labels.get(name.removeprefix("labels."))
    return (value == term.value) == (term.operator == "=")


def _rendered(metric: str, page: Sequence[tuple[Series, Window, int]], *, has_points: bool) -> Iterator[dict[str, Any]]:
    for series in dict.fromkeys(series for series, _, _ in page):
        labels, resource, resource_labels = series
        one = {
            "metric": {"type": metric, "labels": dict(labels)},
            "resource": {"type": resource, "labels": dict(resource_labels)},
            "metricKind": "DELTA",
            "valueType": "INT64",
        }
        points = [_point(window, n) for of, window, n in page if of == series]
        yield one | ({"points": points} if has_points else {})


def _point(window: Window, n: int) -> dict[str, Any]:
    start, end = map(rfc3339, window)
    return {"interval": {"startTime": start, "endTime": end}, "value": {"int64Value": str(n)}}
