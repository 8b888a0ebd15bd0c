"""The Claude Admin API: HTTP in, the provider's own records out. It makes no tables and converts no money.

Source: Anthropic's Admin API reference (usage and cost, Claude Code, organization lists), its Usage and Cost Analytics
API (beta) and its Enterprise Analytics API. `anthropic-version` is pinned: 2026-10-21 renames fields; both spellings
are read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any

import httpx

from ai_usage.ingest.buckets import answers_of_buckets, name_a_day_on_two_pages
from ai_usage.ingest.days import Answers, LeftOut, NotYet, by_day
from ai_usage.ingest.http.api import Api, overlapped
from ai_usage.ingest.http.bodies import Limits
from ai_usage.ingest.http.client import http_client
from ai_usage.ingest.http.errors import BadRequest, DamagedAnswer, IncompleteAnswer, UnexpectedAnswer
from ai_usage.ingest.http.paging import Page, Query, steady_pages
from ai_usage.ingest.http.rate_limit import Pace
from ai_usage.ingest.http.retry import Patience
from ai_usage.ingest.optional import is_key_accepted
from ai_usage.partitions import ONE_DAY, Span, midnight
from ai_usage.providers.anthropic.endpoints import (
    ADMIN_VARIABLE,
    ANALYTICS_BETA,
    ANALYTICS_COST,
    ANALYTICS_COST_GROUPS,
    ANALYTICS_GROUPS,
    ANALYTICS_REQUESTS_A_MINUTE,
    ANALYTICS_USAGE,
    ANALYTICS_USERS,
    ANALYTICS_VARIABLE,
    AT_ONCE,
    CLAUDE,
    DAYS_A_REQUEST,
    LIMITS_A_REQUEST,
    ME,
    REFUSED_ADMIN_KEY,
    REFUSED_ANALYTICS_KEY,
    REQUESTS_A_MINUTE,
    ROWS_A_REQUEST,
    SOURCE,
    SPEED_BETA,
    SPEED_GROUPS,
    SPEND_LIMITS,
    VERSION,
)
from ai_usage.providers.anthropic.pages import (
    bucket_day,
    bucket_of,
    by_last_id,
    by_page_token,
    by_token_or_last_id,
    envelope_of,
    id_of,
    items_of,
    name_a_person_twice,
    one_object,
    record_day,
)
from ai_usage.settings import ANTHROPIC_URL
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

LATEST_DAY = re.compile(r"\b(?:up to|until|through|latest)\b\D*(\d{4}-\d{2}-\d{2})", re.IGNORECASE)


@dataclass(frozen=True)
class ClaudeAdmin:
    """Read-only calls for one account: over its Admin key, its Analytics key, or both."""

    admin: Api
    analytics: Api
    has_admin_key: bool = True
    has_analytics_key: bool = False
    account: str = DEFAULT_ACCOUNT
    is_simulated: bool = False
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    @classmethod
    def open(
        cls,
        *,
        base_url: str,
        admin_key: str = "",
        analytics_key: str = "",
        analytics_requests_a_minute: int | None = ANALYTICS_REQUESTS_A_MINUTE,
        is_simulated: bool = False,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        limits: Limits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> "ClaudeAdmin":
        """Clients for the account's keys; the Admin key may read analytics too, where no Analytics key is given."""
        patience = patience or Patience()

        def api(key: str, requests_a_minute: int | None) -> Api:
            http = http_client(base_url, {"x-api-key": key.strip(), "anthropic-version": VERSION}, transport, limits)
            if requests_a_minute:
                http.event_hooks["request"] = [Pace({}, requests_a_minute)]
            return Api(CLAUDE.at(base_url, usual=ANTHROPIC_URL), http, patience)

        admin = api(admin_key, None if is_simulated else REQUESTS_A_MINUTE)
        analytics = api(analytics_key.strip() or admin_key, analytics_requests_a_minute)
        analytics.http.allowed = admin.http.allowed
        return cls(
            admin=admin,
            analytics=analytics,
            has_admin_key=bool(admin_key.strip()),
            has_analytics_key=bool(analytics_key.strip()),
            is_simulated=is_simulated,
            now=now,
        ).naming()

    def naming(
        self, admin_variable: str = ADMIN_VARIABLE, analytics_variable: str = ANALYTICS_VARIABLE
    ) -> "ClaudeAdmin":
        """The same client; the error of a refused key names the variable that holds this key."""
        of_admin = self.admin.words.advising(401, REFUSED_ADMIN_KEY.format(variable=admin_variable))
        of_analytics = self.admin.words.advising(401, REFUSED_ANALYTICS_KEY.format(variable=analytics_variable))
        return replace(
            self,
            admin=replace(self.admin, words=of_admin),
            analytics=replace(self.analytics, words=of_analytics if self.has_analytics_key else of_admin),
        )

    def close(self) -> None:
        self.admin.http.close()
        self.analytics.http.close()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self.admin.requests + self.analytics.requests

    def is_admin_key_accepted(self) -> bool:
        """Whether the provider accepts the Admin key at all."""
        return is_key_accepted(self.admin, (ME, {}, {}))

    def is_analytics_key_accepted(self) -> bool:
        """Whether the provider accepts the key that asks for analytics: it opens one of them, or `me` if it is the
        Admin key. An Analytics key opens nothing but the analytics.
        """
        if not self.has_analytics_key:
            return self.is_admin_key_accepted()
        day = (self.now() - 2 * ONE_DAY).date()
        bounds: Query = {"starting_at": midnight(day), "ending_at": midnight(day + ONE_DAY), "limit": 1}
        beta = {"anthropic-beta": ANALYTICS_BETA}
        asked: list[tuple[str, Query, Mapping[str, str]]] = [
            (ANALYTICS_USAGE, bounds, beta),
            (ANALYTICS_COST, bounds, beta),
            (ANALYTICS_USERS, {"date": day.isoformat(), "limit": 1}, {}),
        ]
        return is_key_accepted(self.analytics, *asked)

    def organization(self) -> Answer:
        """The organization that the key belongs to: one record."""
        record = self.admin.get(ME, {}, read=one_object)
        return self._answer(None, [record], 1, ME, {})

    def cost_report(self, span: Span, *, group_by: Sequence[str] = ()) -> Answers:
        """Cost lines in cents, one answer a day; ungrouped, the console's own figure of the day."""
        return self._buckets("/v1/organizations/cost_report", span, group_by)

    def messages_usage(self, span: Span, *, group_by: Sequence[str] = ()) -> Answers:
        """Tokens of the Messages API, one answer a day. The API takes at most five dimensions."""
        return self._buckets("/v1/organizations/usage_report/messages", span, group_by, bucket_width="1d")

    def messages_usage_by_speed(self, span: Span) -> Answers:
        """The same tokens by where and how fast they were made, one answer a day; `speed` is in beta."""
        beta = {"anthropic-beta": SPEED_BETA}
        path = "/v1/organizations/usage_report/messages"
        return self._buckets(path, span, SPEED_GROUPS, headers=beta, bucket_width="1d")

    def claude_code(self, days: Sequence[date]) -> Answers:
        """Claude Code's own report, which takes one day a request: the days are asked for together."""
        return self._each_day(self._claude_code_day, days)

    def workspaces(self) -> Answer:
        """All workspaces, the archived and the default one included. Only the default one needs
        `include_default` to appear, by which it is known: `default_workspace_ids` in the envelope.
        """
        named = self._listed("/v1/organizations/workspaces", include_archived="true")
        answer = self._listed("/v1/organizations/workspaces", include_archived="true", include_default="true")
        known, listed = ([id_ for r in a.records if (id_ := id_of(r))] for a in (named, answer))
        default = [id_ for id_ in listed if id_ not in known]
        envelope = {**answer.envelope, "default_workspace_ids": default}
        return self._answer(None, answer.records, named.pages + answer.pages, "", answer.request, envelope)

    def api_keys(self) -> Answer:
        """All API keys of the organization, whatever their status."""
        return self._listed("/v1/organizations/api_keys")

    def users(self) -> Answer:
        """All members of the organization."""
        return self._listed("/v1/organizations/users")

    def analytics_cost(self, span: Span) -> Answers:
        """Cost by product, workspace, key, actor, model, cost and token type, in cents; one answer a day."""
        return self._analytics(ANALYTICS_COST, span, ANALYTICS_COST_GROUPS)

    def analytics_usage(self, span: Span) -> Answers:
        """Tokens by product, workspace, key, actor and model; one answer a day."""
        return self._analytics(ANALYTICS_USAGE, span, ANALYTICS_GROUPS)

    def enterprise_users(self, days: Sequence[date]) -> Answers:
        """Who used claude.ai, a row a person, one day a request: a range would be one row for all of it."""
        return self._each_day(self._enterprise_users_day, days)

    def spend_limits(self) -> Answer:
        """The effective limit of each member of an Enterprise organization, in cents, with what is used of it."""
        query: Query = {"limit": LIMITS_A_REQUEST}
        pages = self.analytics.pages(SPEND_LIMITS, query, following=by_token_or_last_id)
        return self._answer(None, items_of(pages), len(pages), SPEND_LIMITS, query, envelope_of(*pages))

    def _each_day(self, ask: Callable[[date], Answers], days: Sequence[date]) -> Answers:
        """Days that are asked for one by one, several at once: an answer that cannot be used costs its day alone."""

        def one(day: date) -> Answers:
            try:
                return ask(day)
            except (DamagedAnswer, IncompleteAnswer, UnexpectedAnswer) as error:
                return Answers(left_out=[LeftOut(day, str(error))])

        each = overlapped(one, days, at_once=AT_ONCE)
        return Answers(chain(*each), chain(*(answers.left_out for answers in each)))

    def _enterprise_users_day(self, day: date) -> Answers:
        path = ANALYTICS_USERS
        query: Query = {"date": day.isoformat(), "limit": ROWS_A_REQUEST}
        try:
            pages = steady_pages(
                f"Claude {path} of {day}",
                lambda: self.analytics.pages(path, query, following=by_page_token),
                repeats=name_a_person_twice,
            )
        except BadRequest as error:
            latest = LATEST_DAY.search(error.explanation)
            if error.status == httpx.codes.BAD_REQUEST and latest and latest[1] < day.isoformat():
                return Answers(left_out=[NotYet(day, date.fromisoformat(latest[1]))])
            raise
        return Answers([self._answer(day, items_of(pages), len(pages), path, query, envelope_of(*pages))])

    def _buckets(
        self, path: str, span: Span, group_by: Sequence[str], *, headers: Mapping[str, str] | None = None, **more: str
    ) -> Answers:
        """One answer a day, all pages joined. A bucket that is missing, comes twice or cannot be read costs its own
        day; the newest days may not be there yet.
        """
        query: Query = {
            "starting_at": midnight(span.first),
            "ending_at": midnight(span.last + ONE_DAY),  # exclusive; 23:59:59 would lose a day
            "limit": DAYS_A_REQUEST,
            **({"group_by[]": list(group_by)} if group_by else {}),
            **more,
        }
        what = f"Claude {path} of {span}"
        pages = steady_pages(
            what,
            lambda: self.admin.pages(path, query, following=by_page_token, headers=headers),
            repeats=lambda pages: name_a_day_on_two_pages(pages, bucket_day),
        )

        def answer(day: date, page: Page, bucket: Page) -> Answer:
            return self._answer(day, bucket.items, len(pages), path, query, envelope_of(page, bucket))

        return answers_of_buckets(what, span, pages, bucket_of, answer, today=self.now().date())

    def _claude_code_day(self, day: date) -> Answers:
        """Records of a day, all of them kept: the report takes one day a request, so a record without a readable day
        belongs to this day; a record that names another day is left to that day.
        """
        path = "/v1/organizations/usage_report/claude_code"
        query: Query = {"starting_at": day.isoformat(), "limit": ROWS_A_REQUEST}
        what, span = f"Claude {path}", Span(day, day)
        pages = steady_pages(f"{what} of {day}", lambda: self.admin.pages(path, query, following=by_page_token))
        parted = by_day(what, span, items_of(pages), record_day)
        envelope = envelope_of(*pages)
        return Answers(
            (self._answer(day, found, len(pages), path, query, envelope) for day, found in parted.records.items()),
            parted.left_out,
        )

    def _listed(self, path: str, **more: str) -> Answer:
        query: Query = {"limit": ROWS_A_REQUEST, **more}
        pages = self.admin.pages(path, query, following=by_last_id)
        return self._answer(None, items_of(pages), len(pages), path, query, envelope_of(*pages))

    def _analytics(self, path: str, span: Span, group_by: Sequence[str]) -> Answers:
        """Rows come flat, in no promised order; a day without rows is an empty answer."""
        query: Query = {
            "starting_at": midnight(span.first),
            "ending_at": midnight(span.last + ONE_DAY),
            "time_bucket_width": "1d",
            "limit": ROWS_A_REQUEST,
            "group_by[]": list(group_by),
        }
        what, beta = f"Claude {path}", {"anthropic-beta": ANALYTICS_BETA}
        pages = steady_pages(
            f"{what} of {span}",
            lambda: self.analytics.pages(path, query, following=by_page_token, headers=beta),
            moved=lambda pages: len({page.beside.get("data_refreshed_at") for page in pages}) > 1,
        )
        parted = by_day(what, span, items_of(pages), bucket_day)
        envelope = envelope_of(*pages)
        return Answers(
            (self._answer(day, found, len(pages), path, query, envelope) for day, found in parted.records.items()),
            parted.left_out,
        )

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
        self.admin.refuse_deep(path, records)
        return Answer(SOURCE, day, records, pages, request, envelope or {}, self.is_simulated)
