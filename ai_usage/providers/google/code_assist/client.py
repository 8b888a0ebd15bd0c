"""Cloud Logging, of which only Code Assist's metadata log is read: HTTP in, Google's own entries out.

Source: Google's reference of `entries.list` and its documentation of Gemini Code Assist logging. The logs `request` and
`response` beside it hold prompts and code: they are never asked for, and an entry of them is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from ai_usage.ingest.days import Answers, by_day
from ai_usage.ingest.http.errors import NotFound, NotPermitted, Refused, UnexpectedAnswer
from ai_usage.ingest.http.paging import Page
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.ingest.instants import day_of_instant
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.google.endpoints import SOURCE
from ai_usage.providers.google.rest_api import RestApi, of_projects
from ai_usage.warehouse.ledger import Answer

PATH = "/v2/entries:list"
ENTRIES_A_PAGE = 1000  # more is refused
PROJECTS_A_REQUEST = 100
DAYS_A_REQUEST = 1
REQUESTS_A_MINUTE = 60  # of one project
DEPTH = 30  # days that logs are kept where nothing else is configured
METADATA = "cloudaicompanion.googleapis.com%2Fmetadata"
FILTER = (
    'resource.type="cloudaicompanion.googleapis.com/Instance" AND labels.product="code_assist" '
    f'AND logName:"{METADATA}" AND timestamp>="{{first}}T00:00:00Z" AND timestamp<"{{after}}T00:00:00Z"'
)

LOGGING = ApiWords(
    name="Cloud Logging",
    advice={
        300: "GOOGLE_LOGGING_BASE_URL leads elsewhere: write where it leads.",
        400: "The request itself is refused: report this as a bug.",
        401: "Google does not accept the credentials: see GOOGLE_APPLICATION_CREDENTIALS.",
        403: "The service account needs the role Logs Viewer (roles/logging.viewer) in the project.",
        404: "There is no such project.",
        429: "The project's quota of reads (60 a minute) is used up; another tool may share it. Try again later.",
        500: "Google is in trouble: see its status page and run this again later.",
    },
)


class _Entry(msgspec.Struct, rename="camel"):
    log_name: Any = None
    timestamp: Any = None


_decoded = msgspec.json.Decoder(_Entry).decode


@dataclass(frozen=True)
class CodeAssistLog:
    """Code Assist's metadata log in some projects."""

    api: RestApi
    projects: Sequence[str]
    is_simulated: bool = False

    def entries(self, span: Span) -> Answers:
        """One answer a day. Where a project may not be read, each is asked by itself, and those that refuse are named
        in `refused_projects` with Google's words; where all refuse: the refusal.
        """
        pages: list[Page] = []
        refused: dict[str, Refused] = {}
        for start in range(0, len(self.projects), PROJECTS_A_REQUEST):
            pages += self._of_projects(self.projects[start : start + PROJECTS_A_REQUEST], span, refused)
        if len(refused) == len(self.projects):
            raise next(iter(refused.values()))
        records = self.api.refuse_deep(PATH, [entry for page in pages for entry in page.items])
        parted = by_day(f"Cloud Logging of {span}", span, records, _day_of)
        envelope = of_projects(self.projects, refused)
        request = {"path": PATH, **_question(self.projects, span)}
        return Answers(
            (
                Answer(SOURCE, day, found, len(pages), request, envelope, self.is_simulated)
                for day, found in parted.records.items()
            ),
            parted.left_out,
        )

    def _of_projects(self, projects: Sequence[str], span: Span, refused: dict[str, Refused]) -> list[Page]:
        try:
            return self._ask(projects, span)
        except (NotPermitted, NotFound) as refusal:
            if len(projects) == 1:
                refused[projects[0]] = refusal
                return []
        return [page for project in projects for page in self._of_projects([project], span, refused)]

    def _ask(self, projects: Sequence[str], span: Span) -> list[Page]:
        pages = self.api.listed(PATH, _question(projects, span), items="entries", by_post=True)
        for page in pages:
            for entry in page.items:
                if not is_metadata(entry):
                    raise UnexpectedAnswer(
                        "Cloud Logging sent an entry of another log than Code Assist's metadata, which may hold a "
                        "prompt: nothing of this answer is kept."
                    )
        return pages


def _question(projects: Sequence[str], span: Span) -> Mapping[str, Any]:
    return {
        "resourceNames": [f"projects/{project}" for project in projects],
        "filter": FILTER.format(first=span.first, after=span.last + ONE_DAY),
        "orderBy": "timestamp asc",
        "pageSize": ENTRIES_A_PAGE,
    }


def is_metadata(entry: bytes) -> bool:
    """Whether an entry is of the log that holds neither prompts nor code."""
    try:
        return str(_decoded(entry).log_name).endswith(f"/{METADATA}")
    except msgspec.ValidationError:
        return False


def _day_of(entry: bytes) -> date | None:
    return day_of_instant(_decoded(entry).timestamp)
