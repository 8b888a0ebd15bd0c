"""OpenAI's organization API and Codex analytics: HTTP in, the provider's own records out. It makes no tables and
converts no money.

Source: OpenAI's API reference (usage, costs, administration) and the types of its Python library; of Codex the
governance page and public clients. Times are unix seconds, and `end_time` is exclusive. A page token belongs to the
query that it came with.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import quote

import httpx

from ai_usage.ingest.buckets import answers_of_buckets, name_a_day_on_two_pages
from ai_usage.ingest.days import Answers, by_day
from ai_usage.ingest.http.api import Api, overlapped
from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.client import http_client, refuse_unsendable
from ai_usage.ingest.http.errors import BadRequest, NotFound, Refused
from ai_usage.ingest.http.paging import Page, Query, steady_pages
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.ingest.http.retry import Patience
from ai_usage.ingest.optional import is_key_accepted
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.openai.endpoints import (
    ADMIN_KEYS,
    ADMIN_VARIABLE,
    AT_ONCE,
    CODEX,
    CODEX_ROWS,
    CODEX_USAGE,
    CODEX_VARIABLE,
    COST_LADDER,
    COSTS,
    ITEMS_A_PAGE,
    MAY_BE_MISSING,
    OF_PROJECT,
    OPENAI,
    PROJECTS,
    REFUSED_ADMIN_KEY,
    REFUSED_CODEX_KEY,
    REQUESTS_A_MINUTE,
    SOURCE,
    USAGE,
    USERS,
    Grouping,
    ladder_of,
)
from ai_usage.providers.openai.pages import (
    bucket_day,
    bucket_of,
    by_last_id,
    by_page_token,
    envelope_of,
    id_of,
    is_archived,
    items_of,
    name_an_item_twice,
)
from ai_usage.settings import CODEX_URL, OPENAI_URL
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import DEFAULT_ACCOUNT


@dataclass(frozen=True)
class OpenAIAdmin:
    """Read-only calls for one account: an organization over its Admin key, or a ChatGPT workspace over its key.

    A grouping that the organization refuses is not asked again by this client: `refused` has, by path and grouping, the
    provider's words, which stand in each answer's envelope too.
    """

    api: Api
    workspace: str = ""  # the ChatGPT workspace's id; empty: the key is of an organization
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    is_simulated: bool = False
    account: str = DEFAULT_ACCOUNT
    refused: dict[tuple[str, Grouping], str] = field(default_factory=dict)

    @classmethod
    def open(
        cls,
        *,
        base_url: str,
        key: str,
        workspace: str = "",
        variable: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        is_simulated: bool = False,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        limits: Limits | None = None,
    ) -> "OpenAIAdmin":
        """A client for the key: of a workspace, if one is named. Errors name the variable, which holds the key."""
        variable = variable or (CODEX_VARIABLE if workspace else ADMIN_VARIABLE)
        refuse_unsendable(variable, key.strip())
        http = http_client(base_url, {"authorization": f"Bearer {key.strip()}"}, transport, limits)
        if not is_simulated:
            http.event_hooks["request"] = [Pace({}, REQUESTS_A_MINUTE)]
        words, usual, advice = (
            (CODEX, CODEX_URL, REFUSED_CODEX_KEY) if workspace else (OPENAI, OPENAI_URL, REFUSED_ADMIN_KEY)
        )
        words = words.at(base_url, usual=usual).advising(401, advice.format(variable=variable))
        return cls(Api(words, http, patience or Patience()), workspace, now, is_simulated)

    def close(self) -> None:
        self.api.http.close()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self.api.requests

    @property
    def is_of_organization(self) -> bool:
        return not self.workspace

    @property
    def is_of_workspace(self) -> bool:
        return bool(self.workspace)

    def is_key_accepted(self) -> bool:
        """Whether the provider accepts the key at all, by what every such key may read."""
        if self.is_of_organization:
            return is_key_accepted(self.api, (PROJECTS, {"limit": 1}, {}))
        day = (self.now() - 2 * ONE_DAY).date()
        return is_key_accepted(self.api, (self._codex_path, self._codex_query(Span(day, day)), {}))

    def costs(self, span: Span) -> Answers:
        """Cost lines in dollars, one answer a day, by the finest grouping that the organization allows."""
        return self._buckets(COSTS, span, COST_LADDER)

    def cost_totals(self, span: Span) -> Answers:
        """What each day cost altogether, in dollars, one answer a day."""
        return self._buckets(COSTS, span, ((),))

    def usage(self, endpoint: str, span: Span) -> Answers:
        """What was used of one endpoint, one answer a day, by user where the organization allows it."""
        path = USAGE.format(endpoint=endpoint)
        try:
            return self._buckets(path, span, ladder_of(endpoint))
        except BadRequest as refusal:
            is_unknown = refusal.status == httpx.codes.BAD_REQUEST and not _is_about_grouping(refusal)
            if endpoint in MAY_BE_MISSING and is_unknown:
                raise NotFound(str(refusal), status=refusal.status, explanation=refusal.explanation) from None
            raise

    def projects(self) -> Answer:
        """All projects, the archived ones included: without these, old costs would lose their names."""
        return self._listed(PROJECTS, include_archived="true")

    def users(self) -> Answer:
        """All members of the organization."""
        return self._listed(USERS)

    def admin_keys(self) -> Answer:
        """The organization's Admin keys."""
        return self._listed(ADMIN_KEYS)

    def project_keys(self) -> Answer:
        """The API keys of every project, those of people without access to the project any more included."""
        return self._of_projects("api_keys", owner_project_access="any")

    def service_accounts(self) -> Answer:
        """The service accounts of every project."""
        return self._of_projects("service_accounts")

    def project_users(self) -> Answer:
        """The members of every project."""
        return self._of_projects("users")

    def codex_usage(self, span: Span) -> Answers:
        """What each user of the workspace did with Codex, one answer a day."""
        path, query = self._codex_path, self._codex_query(span)
        what = f"Codex {path} of {span}"
        pages = steady_pages(what, lambda: self.api.pages(path, query, following=by_page_token))
        parted = by_day(f"Codex {path}", span, items_of(pages), bucket_day)
        envelope = envelope_of(*pages)
        return Answers(
            (self._answer(day, found, len(pages), path, query, envelope) for day, found in parted.records.items()),
            parted.left_out,
        )

    @property
    def _codex_path(self) -> str:
        return CODEX_USAGE.format(workspace=quote(self.workspace, safe=""))

    def _codex_query(self, span: Span) -> Query:
        """Without `group` there is a row for each user."""
        return {**_bounds(span), "group_by": "day", "limit": CODEX_ROWS}

    def _buckets(self, path: str, span: Span, ladder: Sequence[Grouping]) -> Answers:
        """One answer a day, by the first grouping of the ladder that the organization does not refuse."""
        for grouping in ladder:
            if (path, grouping) in self.refused:
                continue
            refused = {",".join(of): self.refused[path, of] for of in ladder if (path, of) in self.refused}
            try:
                return self._grouped(path, span, grouping, refused)
            except BadRequest as refusal:
                if grouping == ladder[-1] or not _is_about_grouping(refusal):
                    raise
                self.refused[path, grouping] = refusal.explanation
        raise AssertionError("unreachable: the last grouping is never among the refused ones")

    def _grouped(self, path: str, span: Span, grouping: Grouping, refused: Mapping[str, str]) -> Answers:
        query: Query = {
            **_bounds(span),
            "bucket_width": "1d",
            "limit": len(span.days),
            **({"group_by[]": list(grouping)} if grouping else {}),
        }
        what = f"OpenAI {path} of {span}"
        pages = steady_pages(
            what,
            lambda: self.api.pages(path, query, following=by_page_token),
            repeats=lambda pages: name_a_day_on_two_pages(pages, bucket_day),
        )
        asked = {"grouped_by": list(grouping), **({"refused_groupings": refused} if refused else {})}

        def answer(day: date, page: Page, bucket: Page) -> Answer:
            envelope = {**envelope_of(page, bucket), **asked}
            return self._answer(day, bucket.items, len(pages), path, query, envelope)

        return answers_of_buckets(what, span, pages, bucket_of, answer, today=self.now().date())

    def _listed(self, path: str, **more: str) -> Answer:
        query, pages = self._list(path, **more)
        return self._answer(None, items_of(pages), len(pages), path, query, envelope_of(*pages))

    def _list(self, path: str, **more: str) -> tuple[Query, list[Page]]:
        query: Query = {"limit": ITEMS_A_PAGE, **more}
        pages = steady_pages(
            f"OpenAI {path}",
            lambda: self.api.pages(path, query, following=by_last_id),
            repeats=name_an_item_twice,
        )
        return query, pages

    def _of_projects(self, kind: str, **more: str) -> Answer:
        """A list of each project as one answer. Its items do not name their project: `ids_by_project` in the envelope
        has the ids of each. A project that was removed meanwhile, or an archived one that has no such list any more, is
        named in `unlisted_projects` with the provider's words.
        """
        _, listed = self._list(PROJECTS, include_archived="true")
        projects = {found: is_archived(item) for item in items_of(listed) if (found := id_of(item))}

        def ask(project: str) -> tuple[Sequence[Page], str]:
            path = OF_PROJECT.format(project=quote(project, safe=""), kind=kind)
            try:
                return self._list(path, **more)[1], ""
            except Refused as refusal:
                is_gone = isinstance(refusal, NotFound) or (projects[project] and refusal.status in (400, 403))
                if not is_gone:
                    raise
                return (), refusal.explanation

        answers = dict(zip(projects, overlapped(ask, projects, at_once=AT_ONCE), strict=True))
        pages = [page for of_project, _ in answers.values() for page in of_project]
        ids = {project: [id_of(item) for item in items_of(of_project)] for project, (of_project, _) in answers.items()}
        unlisted = {project: why for project, (_, why) in answers.items() if why}
        envelope = {"ids_by_project": ids, **({"unlisted_projects": unlisted} if unlisted else {})}
        query = {"limit": ITEMS_A_PAGE, **more}
        path = OF_PROJECT.format(project="{project}", kind=kind)
        return self._answer(None, items_of(pages), len(listed) + len(pages), path, query, envelope)

    def _answer(
        self,
        day: date | None,
        records: Sequence[bytes],
        pages: int,
        path: str,
        query: Mapping[str, Any],
        envelope: Mapping[str, Any],
    ) -> Answer:
        self.api.refuse_deep(path, records)
        return Answer(SOURCE, day, records, pages, {"path": path, **query}, envelope, self.is_simulated)


def _is_about_grouping(refusal: BadRequest) -> bool:
    return refusal.status == httpx.codes.BAD_REQUEST and "group_by" in refusal.explanation


def _bounds(span: Span) -> dict[str, int]:
    """The first second of the span, and the first one after it."""
    return {"start_time": _seconds(span.first), "end_time": _seconds(span.last + ONE_DAY)}


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
