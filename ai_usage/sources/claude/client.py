"""The Claude Admin API: HTTP in, the vendor's own records out. Knows of no table and no dollar.

Source: Anthropic's Admin API reference (usage and cost, Claude Code, organisation lists), its Usage and Cost Analytics
API (beta) and its Enterprise Analytics API. `anthropic-version` is pinned: 2026-10-21 renames fields; both spellings
are read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar

import httpx
import msgspec

from ai_usage.partitions import ONE_DAY, Span, midnight
from ai_usage.sources.http import (
    Api,
    BadRequest,
    IncompleteAnswer,
    Page,
    Patience,
    Query,
    UnexpectedAnswer,
    Vendor,
    http_client,
    overlapped,
)
from ai_usage.sources.pace import Pace
from ai_usage.warehouse.ledger import Answer

T = TypeVar("T")
Instant = Annotated[datetime, msgspec.Meta(tz=True)]

SOURCE = "anthropic"
VERSION = "2023-06-01"
ANALYTICS_BETA = "analytics-usage-cost-2026-08-24"
SPEED_BETA = "fast-mode-2026-02-01"  # without it the usage report knows no speed
ANALYTICS_FIRST_DAY = date(2026, 1, 1)  # the vendor keeps nothing older
ANALYTICS_DEPTH = 365  # days back that may be asked

DAYS_A_REQUEST = 31  # cost and usage buckets a page; the vendor's own default is 7
ROWS_A_REQUEST = 1000
READS_AT_MOST = 3  # of an answer that the vendor refreshes while it is read; it does so every few hours
AT_ONCE = 4  # requests under way together: "short bursts to page through history are fine"

LATEST_DAY = re.compile(r"\b(?:up to|until|through|latest)\b\D*(\d{4}-\d{2}-\d{2})", re.IGNORECASE)

COST_GROUPS = ("workspace_id", "description")
# The usage report refuses a sixth dimension. Two requests share what money depends on; each leaves null what it did not
# ask for, which is no value.
USAGE_GROUPS = ("api_key_id", "workspace_id", "model", "service_tier", "context_window")
SPEED_GROUPS = ("api_key_id", "workspace_id", "model", "inference_geo", "speed")
ANALYTICS_GROUPS = ("product", "workspace_id", "api_key_id", "actor", "model")
ANALYTICS_COST_GROUPS = (*ANALYTICS_GROUPS, "cost_type", "token_type")

CLAUDE = Vendor(
    name="Claude",
    advice={
        300: "ANTHROPIC_ADMIN_BASE_URL leads elsewhere, and a key follows no redirect: write where it leads.",
        400: "The request itself is refused: a day too recent may pass later; anything else is ours to mend.",
        402: "Billing has stopped: an organisation admin sees why in the Console.",
        401: "ANTHROPIC_ADMIN_API_KEY (or ANTHROPIC_ANALYTICS_API_KEY) is wrong, revoked or of another kind: "
        "an organisation admin makes an Admin key (sk-ant-admin…) in the Console under Settings, Admin keys.",
        403: "The key is known but may not read this: use an Admin key that is not scoped to a workspace; "
        "analytics needs the scope read:analytics.",
        404: "This organisation does not have that endpoint, or ANTHROPIC_ADMIN_BASE_URL is wrong.",
        429: "The organisation's request rate is used up; another tool may share it. Try again later.",
        500: "The vendor is in trouble: see its status page and run this again later.",
    },
)


@dataclass(frozen=True)
class NotYet:
    """What analytics say of a day they have not computed: that is done around 10:00 UTC of the next one."""

    day: date
    latest: date

    def __str__(self) -> str:
        return f"not yet: {self.day} was asked for, the latest available day is {self.latest}"


@dataclass(frozen=True)
class ClaudeAdmin:
    """Read-only calls over an organisation's Admin key, and over its Analytics key where it has one."""

    admin: Api
    analytics: Api
    has_analytics_key: bool = False
    is_simulated: bool = False

    @classmethod
    def open(
        cls,
        *,
        base_url: str,
        admin_key: str,
        analytics_key: str = "",
        analytics_requests_a_minute: int | None = 60,
        is_simulated: bool = False,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> "ClaudeAdmin":
        """Clients for both keys; the Admin key may read analytics too, where no Analytics key is given."""
        patience = patience or Patience()

        def api(key: str, pace: Pace | None = None) -> Api:
            http = http_client(base_url, {"x-api-key": key.strip(), "anthropic-version": VERSION}, transport)
            if pace:
                http.event_hooks["request"] = [pace]
            return Api(CLAUDE, http, patience)

        pace = Pace({}, analytics_requests_a_minute) if analytics_requests_a_minute else None
        return cls(
            admin=api(admin_key),
            analytics=api(analytics_key.strip() or admin_key, pace),
            has_analytics_key=bool(analytics_key.strip()),
            is_simulated=is_simulated,
        )

    def close(self) -> None:
        self.admin.http.close()
        self.analytics.http.close()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self.admin.requests + self.analytics.requests

    def organization(self) -> Answer:
        """Who the key belongs to: one record."""
        path = "/v1/organizations/me"
        record = self.admin.get(path, {}, read=_one_object)
        return self._answer(None, [record], 1, path, {})

    def cost_report(self, span: Span, *, group_by: Sequence[str] = ()) -> list[Answer]:
        """Cost lines in cents, one answer a day; ungrouped, the console's own figure of the day."""
        return self._buckets("/v1/organizations/cost_report", span, group_by)

    def messages_usage(self, span: Span, *, group_by: Sequence[str] = ()) -> list[Answer]:
        """Tokens of the Messages API, one answer a day. The vendor takes at most five dimensions."""
        return self._buckets("/v1/organizations/usage_report/messages", span, group_by, bucket_width="1d")

    def messages_usage_by_speed(self, span: Span) -> list[Answer]:
        """The same tokens by where and how fast they were made, one answer a day; `speed` is in beta."""
        beta = {"anthropic-beta": SPEED_BETA}
        path = "/v1/organizations/usage_report/messages"
        return self._buckets(path, span, SPEED_GROUPS, headers=beta, bucket_width="1d")

    def claude_code(self, days: Sequence[date]) -> list[Answer]:
        """Claude Code's own report, which takes one day a request: the days are asked for together."""
        return overlapped(self._claude_code_day, days, at_once=AT_ONCE)

    def workspaces(self) -> Answer:
        """All workspaces, the archived and the default one included. Only the default one needs
        `include_default` to appear, which tells it from the rest: `default_workspace_ids` in the envelope.
        """
        named = self._listed("/v1/organizations/workspaces", include_archived="true")
        answer = self._listed("/v1/organizations/workspaces", include_archived="true", include_default="true")
        known, listed = ([_read("workspaces", r, _Item).id for r in a.records] for a in (named, answer))
        default = [id_ for id_ in listed if id_ not in known]
        envelope = {**answer.envelope, "default_workspace_ids": default}
        return self._answer(None, answer.records, named.pages + answer.pages, "", answer.request, envelope)

    def api_keys(self) -> Answer:
        """All API keys of the organisation, whatever their status."""
        return self._listed("/v1/organizations/api_keys")

    def users(self) -> Answer:
        """All members of the organisation."""
        return self._listed("/v1/organizations/users")

    def analytics_cost(self, span: Span) -> list[Answer]:
        """Cost by product, workspace, key, actor, model, cost and token type, in cents; one answer a day."""
        return self._analytics("/v1/organizations/analytics/cost", span, ANALYTICS_COST_GROUPS)

    def analytics_usage(self, span: Span) -> list[Answer]:
        """Tokens by product, workspace, key, actor and model; one answer a day."""
        return self._analytics("/v1/organizations/analytics/usage", span, ANALYTICS_GROUPS)

    def enterprise_users(self, days: Sequence[date]) -> list[Answer | NotYet]:
        """Who used claude.ai, a row a person, one day a request: a range would be one row for all of it."""
        return overlapped(self._enterprise_users_or_not_yet, days, at_once=AT_ONCE)

    def _enterprise_users_or_not_yet(self, day: date) -> Answer | NotYet:
        path = "/v1/organizations/analytics/users"
        query: Query = {"date": day.isoformat(), "limit": ROWS_A_REQUEST}
        try:
            pages = self.analytics.pages(path, query, following=by_page_token)
        except BadRequest as error:
            latest = LATEST_DAY.search(error.said)
            if error.status == httpx.codes.BAD_REQUEST and latest and latest[1] < day.isoformat():
                return NotYet(day, date.fromisoformat(latest[1]))
            raise
        records = _items(pages)
        if len({_read(path, record, _OfUser).user.id for record in records}) < len(records):
            raise IncompleteAnswer(f"Claude {path} of {day} names a person twice: nothing of this answer is kept.")
        return self._answer(day, records, len(pages), path, query, _envelope(*pages))

    def _buckets(
        self, path: str, span: Span, group_by: Sequence[str], *, headers: Mapping[str, str] | None = None, **more: str
    ) -> list[Answer]:
        """One answer a day, all pages joined; `IncompleteAnswer` if a day is missing or comes twice."""
        query: Query = {
            "starting_at": midnight(span.first),
            "ending_at": midnight(span.last + ONE_DAY),  # exclusive; 23:59:59 would lose a day
            "limit": DAYS_A_REQUEST,
            **({"group_by[]": list(group_by)} if group_by else {}),
            **more,
        }
        pages = self.admin.pages(path, query, following=by_page_token, headers=headers)
        try:
            got = [(_day_of(bucket), bucket, page) for page in pages for bucket in _buckets_of(page)]
        except msgspec.ValidationError as error:
            raise _unexpected(path, error) from error
        if [day for day, _, _ in got] != span.days:
            raise _incomplete(path, span, [day for day, _, _ in got])
        return [
            self._answer(day, bucket.items, len(pages), path, query, _envelope(page, bucket))
            for day, bucket, page in got
        ]

    def _claude_code_day(self, day: date) -> Answer:
        path = "/v1/organizations/usage_report/claude_code"
        query: Query = {"starting_at": day.isoformat(), "limit": ROWS_A_REQUEST}
        pages = self.admin.pages(path, query, following=by_page_token)
        records = _items(pages)
        strangers = {_utc_day(_read(path, record, _Dated).date) for record in records} - {day}
        if strangers:
            raise _incomplete(path, Span(day, day), sorted(strangers))
        return self._answer(day, records, len(pages), path, query, _envelope(*pages))

    def _listed(self, path: str, **more: str) -> Answer:
        query: Query = {"limit": ROWS_A_REQUEST, **more}
        pages = self.admin.pages(path, query, following=by_last_id)
        return self._answer(None, _items(pages), len(pages), path, query, _envelope(*pages))

    def _analytics(self, path: str, span: Span, group_by: Sequence[str]) -> list[Answer]:
        """Rows come flat, ordered as the vendor likes; a day without rows is an empty answer."""
        query: Query = {
            "starting_at": midnight(span.first),
            "ending_at": midnight(span.last + ONE_DAY),
            "time_bucket_width": "1d",
            "limit": ROWS_A_REQUEST,
            "group_by[]": list(group_by),
        }
        pages = self._analytics_pages(path, query)
        rows: dict[date, list[bytes]] = {day: [] for day in span.days}
        for row in _items(pages):
            day = _utc_day(_read(path, row, _Bucket).starting_at)
            if day not in rows:
                raise _incomplete(path, span, [day])
            rows[day].append(row)
        envelope = _envelope(*pages)
        return [self._answer(day, said, len(pages), path, query, envelope) for day, said in rows.items()]

    def _analytics_pages(self, path: str, query: Query) -> list[Page]:
        """All pages of one state of the vendor's data: refreshed halfway, rows would be lost or come twice."""
        beta = {"anthropic-beta": ANALYTICS_BETA}
        for _ in range(READS_AT_MOST):
            pages = self.analytics.pages(path, query, following=by_page_token, headers=beta)
            if len({page.beside.get("data_refreshed_at") for page in pages}) == 1:
                return pages
        raise IncompleteAnswer(f"Claude {path} was refreshed during each of {READS_AT_MOST} reads: nothing is kept.")

    def _answer(
        self,
        day: date | None,
        records: Sequence[bytes],
        pages: int,
        path: str,
        query: Mapping[str, Any],
        envelope: Mapping[str, Any] | None = None,
    ) -> Answer:
        request = {"path": path, **query} if path else query
        return Answer(SOURCE, day, records, pages, request, envelope or {}, self.is_simulated)


class _Bucket(msgspec.Struct):
    starting_at: Instant


class _Dated(msgspec.Struct):
    date: Instant


class _Item(msgspec.Struct):
    id: str


class _OfUser(msgspec.Struct):
    user: _Item


def by_page_token(page: Page) -> Query | None:
    """Reports: `next_page` as long as there is one. `has_more` without it is a contradiction."""
    token = page.beside.get("next_page")
    if token is None and page.beside.get("has_more"):
        raise ValueError("says it has more and names no next page")
    return None if token is None else {"page": token}


def by_last_id(page: Page) -> Query | None:
    """Lists: what follows the last id, while `has_more`."""
    if not page.beside.get("has_more"):
        return None
    if page.beside.get("last_id") is None:
        raise ValueError("says it has more and names no last id")
    return {"after_id": page.beside["last_id"]}


def _items(pages: Sequence[Page]) -> list[bytes]:
    return [item for page in pages for item in page.items]


def _buckets_of(page: Page) -> list[Page]:
    return [Page.read(bucket, items="results") for bucket in page.items]


def _day_of(bucket: Page) -> date:
    return _utc_day(msgspec.convert(bucket.beside, _Bucket).starting_at)


def _utc_day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()


def _envelope(*parts: Page) -> dict[str, Any]:
    """What pages and buckets say beside their records, but for the cursors."""
    cursors = {"has_more", "next_page", "first_id", "last_id"}
    return {name: value for part in parts for name, value in part.beside.items() if name not in cursors}


def _read(path: str, record: bytes, of: type[T]) -> T:
    try:
        return msgspec.json.decode(record, type=of)
    except msgspec.ValidationError as error:
        raise _unexpected(path, error) from error


def _unexpected(path: str, error: msgspec.ValidationError) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"Claude {path}: a record is not what the API promises ({error}).")


def _incomplete(path: str, span: Span, days: Sequence[date]) -> IncompleteAnswer:
    came = ", ".join(map(str, days)) or "no day"
    return IncompleteAnswer(f"Claude {path} of {span} came with {came}: nothing of this answer is kept.")


def _one_object(body: bytes) -> bytes:
    msgspec.json.decode(body, type=_Item)
    return body
