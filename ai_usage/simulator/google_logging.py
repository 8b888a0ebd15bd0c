"""`entries:list` of Cloud Logging v2: what Code Assist logs. The log of metadata names people; two others hold prompts.

Where logging is off, or nothing happened, there is nothing: `{}`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ai_usage.simulator.google_company import CODE_ASSIST_PROJECT, Project
from ai_usage.simulator.google_days import GoogleDays
from ai_usage.simulator.google_filters import Term, paged, terms_of, value_at
from ai_usage.simulator.google_uses import Activity
from ai_usage.simulator.google_wire import CloudError, whole
from ai_usage.simulator.quota import Quota

RETENTION = timedelta(days=30)
USUAL_ENTRIES, MOST_ENTRIES, MOST_RESOURCES = 50, 1000, 100
READS_A_MINUTE = 60
SERVICE = "cloudaicompanion.googleapis.com"
METADATA, REQUEST = (f"{SERVICE}%2F{name}" for name in ("metadata", "request"))
PROMPT = "simulated prompt: not to be pulled"
ORDERS = ("timestamp asc", "timestamp desc")
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


class Logging:
    """The logs of one company's projects. A page has at most `entries_a_page`, and one without any comes after each."""

    def __init__(
        self,
        days: GoogleDays,
        clock: Callable[[], datetime],
        *,
        denies: frozenset[str],
        is_on: bool,
        entries_a_page: int,
        quota: Quota,
    ) -> None:
        self.days, self.clock, self.denies, self.is_on = days, clock, denies, is_on
        self.entries_a_page, self.quota = entries_a_page, quota

    def entries(self, path: str, body: Mapping[str, Any]) -> Any:
        if not self.quota.take("logging", READS_A_MINUTE):
            raise CloudError(429)
        query = paged(path, [(name, _text(value)) for name, value in body.items()])
        projects = self._projects(query.one("resourceNames"))
        order = query.one("orderBy", ORDERS) or ORDERS[0]
        size = whole(query.one("pageSize"), "page_size", USUAL_ENTRIES, MOST_ENTRIES)
        terms, place = terms_of(query.one("filter") or ""), query.offset()
        query.refuse_unread()
        found = list(self._matching(projects, terms))
        if order != ORDERS[0]:
            found.reverse()
        first, is_empty = place // 2, place % 2 == 1  # an odd place is that of a page without entries
        page = [] if is_empty else found[first : first + min(size, self.entries_a_page)]
        place = 2 * first if is_empty else 2 * (first + len(page)) + 1
        following = query.next_page(place, 2 * len(found))
        return ({"entries": page} if page else {}) | ({"nextPageToken": following} if following else {})

    def _projects(self, names: str | None) -> list[Project]:
        resources = json.loads(names or "[]")
        if not 1 <= len(resources) <= MOST_RESOURCES:
            raise CloudError(400, f"resource_names: between 1 and {MOST_RESOURCES} are allowed")
        found = []
        for name in resources:
            kind, _, project_id = str(name).partition("/")
            project = self.days.company.project(project_id)
            if kind != "projects" or not project_id:
                raise CloudError(400, f"Invalid resource name: {name}")
            if project is None or project.id in self.denies:
                raise CloudError(403, f"Permission denied for all log views of {name}")
            found.append(project)
        return found

    def _matching(self, projects: list[Project], terms: list[Term]) -> Iterator[dict[str, Any]]:
        """By time, of the days that the filter leaves."""
        logging = [project for project in projects if project.id == CODE_ASSIST_PROJECT]
        if not self.is_on or not logging:
            return
        now = self.clock()
        first, last = _bounds(terms, now)
        for n in range((last - first).days + 1):
            for one in self.days.visible(first + timedelta(days=n), now).activities:
                for entry in _rendered(logging[0], one):
                    if one.at >= now - RETENTION and all(_fits(entry, term) for term in terms):
                        yield entry


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _bounds(terms: list[Term], now: datetime) -> tuple[date, date]:
    """The days between which entries may match; older ones are gone."""
    times = {term.operator[0]: _instant(term.value) for term in terms if term.field == "timestamp"}
    first = max(times.get(">", now - RETENTION), now - RETENTION)
    return first.date(), min(times.get("<", now), now).date()


def _fits(entry: Mapping[str, Any], term: Term) -> bool:
    value = value_at(entry, term.field.split("."))
    if value is None:
        return False
    if term.operator == ":":
        return term.value.lower() in value.lower()
    compares = COMPARED[term.operator]
    return compares(_instant(value), _instant(term.value)) if term.field == "timestamp" else compares(value, term.value)


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CloudError(400, f"Unparseable filter: invalid timestamp {text!r}") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _rendered(project: Project, one: Activity) -> Iterator[dict[str, Any]]:
    """The entry of metadata, and before it what was asked for, in a log of its own."""
    request_id = f"req-{one.insert_id}"
    at = one.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    received = (one.at + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    shared = {
        "resource": {
            "type": f"{SERVICE}/Instance",
            "labels": {
                "instance_id": "default",
                "location": "global",
                "resource_container": f"projects/{project.number}",
            },
        },
        "labels": {
            "user_id": one.email,
            "product": "code_assist",
            "method": "Export.Metrics",
            "request_id": request_id,
        },
        "timestamp": at,
        "receiveTimestamp": received,
        "severity": "INFO",
    }
    logs = f"projects/{project.id}/logs"
    if one.kind.endswith("Exposure"):
        named = {"insertId": f"{one.insert_id}r", "logName": f"{logs}/{REQUEST}"}
        yield named | shared | {"jsonPayload": {"prompt": PROMPT}}
    payload = {
        "@type": "type.googleapis.com/google.cloud.cloudaicompanion.logging.v1.MetadataLog",
        "clientName": one.client,
        "clientVersion": "2.60.0" if one.client == "CloudCodeVscode" else "0.9.1",
        "requestId": request_id,
        one.kind: _detail(one),
    }
    yield {"insertId": one.insert_id, "logName": f"{logs}/{METADATA}"} | shared | {"jsonPayload": payload}


def _detail(one: Activity) -> dict[str, Any]:
    if one.kind == "apiRequest":
        return {}
    named: dict[str, Any] = {"originalRequestId": one.original_id}
    if one.language:
        named["programmingLanguage"] = one.language
    if one.kind.endswith("Acceptance"):  # both ways are seen
        named["linesCount"] = one.lines if one.kind == "codeAcceptance" else str(one.lines)
    if one.kind.startswith("chat"):
        named["is_agentic"] = one.client == "cloudcode_cli"
    if one.kind == "chatAcceptance":
        named["interactionType"] = "INTERACTION_TYPE_COPY"
    return named
