"""Codex analytics of the ChatGPT workspace: one row per user and day, or week, paged by tokens."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.simulator.openai_codex_days import CENT, Client, CodexDay, CodexDays
from ai_usage.simulator.openai_parameters import OpenAiRefusalError, seconds
from ai_usage.simulator.openai_reports import epoch
from ai_usage.simulator.queries import Query, RefusalError

LOOK_BACK = timedelta(days=90)
DEFAULT_LIMIT, MOST = 100, 500
ONE_DAY = timedelta(days=1)


class OpenAiCodex:
    """Answers about one workspace, read at the simulator's clock."""

    def __init__(self, days: CodexDays, clock: Callable[[], datetime]) -> None:
        self.days, self.clock = days, clock

    def usage(self, query: Query, workspace_id: str) -> Any:
        if workspace_id != self.days.company.workspace_id:
            raise RefusalError("Workspace not found.", 404)
        is_weekly = query.one("group_by", ("day", "week")) == "week"
        is_total = query.one("group", ("workspace",)) is not None
        limit, offset = query.limit(DEFAULT_LIMIT, MOST), query.offset()
        rows = [
            row
            for start, days in self._periods(query, is_weekly=is_weekly)
            for row in self._rows(start, days, is_weekly=is_weekly, is_total=is_total)
        ]
        following = query.next_page(offset + limit, len(rows))
        return {
            "object": "page",
            "data": rows[offset : offset + limit],
            "has_more": following is not None,
            "next_page": following,
        }

    def _periods(self, query: Query, *, is_weekly: bool) -> Iterator[tuple[date, list[date]]]:
        """The first day of each period, and those of its days that are asked; weeks begin on Monday."""
        now = self.clock()
        start, end = seconds(query, "start_time", is_required=True), seconds(query, "end_time")
        if start is None or start < datetime.combine(now.date(), time(), UTC) - LOOK_BACK:
            raise OpenAiRefusalError("'start_time' must be within the last 90 days.", "start_time")
        if end is not None and end <= start:
            raise OpenAiRefusalError("'end_time' must be after 'start_time'.", "end_time")
        until = min(end, now) if end else now
        periods: dict[date, list[date]] = {}
        day = start.date()
        while datetime.combine(day, time(), UTC) < until:
            first = day - timedelta(days=day.weekday()) if is_weekly else day
            periods.setdefault(first, []).append(day)
            day += ONE_DAY
        yield from periods.items()

    def _rows(self, start: date, days: list[date], *, is_weekly: bool, is_total: bool) -> Iterator[dict[str, Any]]:
        used: dict[str, list[CodexDay]] = {}
        for day in days:
            for one in self.days.visible(day, self.clock()):
                used.setdefault("" if is_total else one.member.id, []).append(one)
        begins = datetime.combine(start, time(), UTC)
        ends = begins + (7 if is_weekly else 1) * ONE_DAY
        for parts in used.values():
            yield {
                "object": "codex.workspace.usage",
                "start_time": epoch(begins),
                "end_time": epoch(ends),
                **({} if is_total else _caller(parts[0])),
                **_figures(parts),
            }


def _caller(one: CodexDay) -> dict[str, Any]:
    user = one.member.id
    actor = {"actor": {"type": "user", "user_id": user, "email": one.member.person.email}} if one.has_actor else {}
    return {"user_id": user} | actor


def _figures(parts: list[CodexDay]) -> dict[str, Any]:
    clients: dict[str, Client] = {}
    models: dict[str, Decimal] = {}
    for one in parts:
        models[one.model] = models.get(one.model, Decimal()) + one.credits_
        for client in one.clients:
            known = clients.get(client.name)
            clients[client.name] = known.plus(client) if known else client
    lines = [one.lines for one in parts if one.lines is not None]
    attribution = {"lines_added": sum(added for added, _ in lines), "lines_removed": sum(less for _, less in lines)}
    return {
        "totals": {
            "threads": sum(client.threads for client in clients.values()),
            "turns": sum(client.turns for client in clients.values()),
            "credits": sum((one.credits_ for one in parts), Decimal()),
        },
        "clients": [_client(client) for client in clients.values()],
        "models": [{"model": model, "credits": used, "speed": "standard"} for model, used in models.items()],
        **({"code_attribution": attribution} if lines else {}),
    }


def _client(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.name,
        "threads": client.threads,
        "turns": client.turns,
        "credits": client.credits_ * CENT,
        "uncached_text_input_tokens": client.uncached,
        "cached_text_input_tokens": client.cached,
        "text_output_tokens": client.output,
        "text_total_tokens": client.uncached + client.cached + client.output,
    }
