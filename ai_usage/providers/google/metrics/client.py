"""Cloud Monitoring: HTTP in, Google's own time series out, those of a day as its records.

Source: Google's reference of `projects.timeSeries.list`. A point is dated by its interval, which begins after its
start and ends with its end: one that ends at midnight belongs to the day before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from ai_usage.ingest.days import Answers, by_day
from ai_usage.ingest.http.api import overlapped
from ai_usage.ingest.http.errors import IncompleteAnswer, NotFound, NotPermitted, Refused
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.google.endpoints import SOURCE
from ai_usage.providers.google.metrics.asked_metrics import METRICS, Metric
from ai_usage.providers.google.rest_api import RestApi, of_projects
from ai_usage.warehouse.ledger import Answer

PATH = "/v3/{container}/timeSeries"
DAYS_A_REQUEST = 31
POINTS_A_PAGE = 100_000
# Days back that these metrics were seen to reach, measured on 2026-09-04. Others end earlier, so days are pulled daily.
DEPTH = 225
AT_ONCE = 4  # projects under way together
A_TICK = timedelta(microseconds=1)

MONITORING = ApiWords(
    name="Cloud Monitoring",
    advice={
        300: "GOOGLE_MONITORING_BASE_URL leads elsewhere: write where it leads.",
        400: "The request itself is refused: report this as a bug.",
        401: "Google does not accept the credentials: see GOOGLE_APPLICATION_CREDENTIALS.",
        403: "The service account needs the role Monitoring Viewer (roles/monitoring.viewer) in the project.",
        404: "The project has no such metric.",
        429: "The project's quota of requests is used up. Try again later.",
        500: "Google is in trouble: see its status page and run this again later.",
    },
)


class _Series(msgspec.Struct):
    metric: msgspec.Raw = msgspec.Raw(b"null")
    resource: msgspec.Raw = msgspec.Raw(b"null")
    points: list[msgspec.Raw] = []


class _Interval(msgspec.Struct, frozen=True, rename="camel"):
    end_time: str = ""


class _Point(msgspec.Struct):
    interval: _Interval = _Interval()


@dataclass
class _Found:
    """What one project answered."""

    records: list[tuple[date | None, bytes]] = field(default_factory=list)
    pages: int = 0
    not_offered: dict[str, str] = field(default_factory=dict)  # metric → Google's words
    refusal: Refused | None = None


@dataclass(frozen=True)
class Monitoring:
    """The metrics of some projects. A name such as folders/1 or organizations/1 stands for all projects in it."""

    api: RestApi
    projects: Sequence[str]
    is_simulated: bool = False

    def metrics(self, span: Span) -> Answers:
        """One answer a day with the series of all projects and metrics. A project that may not be read is named in
        `refused_projects`, a metric that a project does not have in `not_offered`, each with Google's words. Where no
        project may be read, or none has any metric: the refusal.
        """
        found = dict(
            zip(
                self.projects,
                overlapped(lambda project: self._of_project(project, span), self.projects, at_once=AT_ONCE),
                strict=True,
            )
        )
        refused = {project: of.refusal for project, of in found.items() if of.refusal}
        if len(refused) == len(found):
            raise next(iter(refused.values()))
        dated = [each for of in found.values() for each in of.records]
        days = {record: day for day, record in dated}
        parted = by_day(f"Cloud Monitoring of {span}", span, list(days), days.__getitem__)
        missing = {project: of.not_offered for project, of in found.items() if of.not_offered}
        envelope = {**of_projects(self.projects, refused), **({"not_offered": missing} if missing else {})}
        pages = sum(of.pages for of in found.values())
        request = {"path": PATH, "metrics": [metric.name for metric in METRICS], **self._query(span)}
        return Answers(
            (
                Answer(SOURCE, day, records, pages, request, envelope, self.is_simulated)
                for day, records in parted.records.items()
            ),
            parted.left_out,
        )

    def refusals(self, day: date) -> dict[str, Refused]:
        """The projects that may not be read, each by one question."""

        def refusal(project: str) -> Refused | None:
            try:
                self._ask(_Found(), project, METRICS[0], Span(day, day))
            except NotPermitted as refused:
                return refused
            except NotFound:
                return None  # the project may be read, and does not have this metric
            return None

        answers = overlapped(refusal, self.projects, at_once=AT_ONCE)
        return {project: why for project, why in zip(self.projects, answers, strict=True) if why}

    def _of_project(self, project: str, span: Span) -> _Found:
        """A project without a permission is asked no further. `NotFound` counts as a refusal where no metric is there:
        the base URL or the project is wrong then.
        """
        found = _Found()
        for metric in METRICS:
            try:
                self._ask(found, project, metric, span)
            except NotPermitted as refusal:
                found.refusal = refusal
                return found
            except NotFound as refusal:
                found.not_offered[metric.name] = refusal.explanation
                if len(found.not_offered) == len(METRICS):
                    found.refusal = refusal
        return found

    def _ask(self, found: _Found, project: str, metric: Metric, span: Span) -> None:
        container = project if "/" in project else f"projects/{project}"
        path = PATH.format(container=container)
        pages = self.api.listed(path, {"filter": metric.filter, **self._query(span)}, items="timeSeries")
        found.pages += len(pages)
        for page in pages:
            if errors := page.beside.get("executionErrors"):
                raise IncompleteAnswer(
                    f"Cloud Monitoring could not read all of {metric.name} in {project}: {_words(errors)}. Nothing of "
                    "this answer is kept."
                )
            unit = page.beside.get("unit")
            for series in self.api.refuse_deep(path, page.items):
                found.records += _of_days(project, series, unit)

    def _query(self, span: Span) -> dict[str, Any]:
        return {
            "interval.startTime": f"{span.first}T00:00:00Z",
            "interval.endTime": f"{span.last + ONE_DAY}T00:00:00Z",
            "aggregation.alignmentPeriod": "86400s",
            "aggregation.perSeriesAligner": "ALIGN_SUM",
            "view": "FULL",
            "pageSize": POINTS_A_PAGE,
        }


def _of_days(project: str, series: bytes, unit: object) -> Iterator[tuple[date | None, bytes]]:
    """A series as a record of each day that it has points of, in Google's own words."""
    try:
        points = msgspec.json.decode(series, type=_Series).points
    except msgspec.ValidationError:
        points = []
    by_day_of: dict[date | None, list[msgspec.Raw]] = {}
    for point in points:
        by_day_of.setdefault(day_of_point(point), []).append(point)
    whole: Mapping[str, msgspec.Raw] = msgspec.json.decode(series, type=dict[str, msgspec.Raw])
    for day, of_day in by_day_of.items():
        record = {
            "project": project,
            **({"unit": unit} if unit else {}),
            "timeSeries": {**whole, "points": of_day},
        }
        yield day, msgspec.json.encode(record)


def day_of_point(point: bytes) -> date | None:
    """The UTC day that a point's interval ends on; midnight is the end of the day before. None if it has none."""
    try:
        end = datetime.fromisoformat(msgspec.json.decode(point, type=_Point).interval.end_time)
        return (end.astimezone(UTC) - A_TICK).date()
    except (ValueError, OverflowError):  # msgspec's errors are ValueErrors
        return None


def _words(errors: Any) -> str:
    found = [str(each.get("message", "")) for each in errors if isinstance(each, dict)]
    return "; ".join(filter(None, found)) or "no explanation"
