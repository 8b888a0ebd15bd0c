"""Answers of analytics/users: who was active, and how much, on a day or over a range of days.

A range is one row a person for all of it, not one a day. The simulated organization has no groups.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from starlette.requests import Request

from ai_usage.simulator.claude_code_days import TOOLS
from ai_usage.simulator.organization import Person
from ai_usage.simulator.people_days import PeopleDays, PersonDay, latest_ready
from ai_usage.simulator.queries import Query, RefusalError

BEGIN = date(2026, 1, 1)
MOST_DAYS = 366
MOST_FILTERS = 100
ONE_DAY = timedelta(days=1)
FILTERS = ("user_id", "rbac_group_id", "project_id")

Block = dict[str, Any]

CHAT = (
    "connectors_used_count distinct_artifacts_created_count distinct_connectors_used_count distinct_conversation_count "
    "distinct_files_uploaded_count distinct_projects_created_count distinct_projects_used_count "
    "distinct_shared_artifacts_viewed_count distinct_skills_used_count message_count "
    "shared_conversations_viewed_count thinking_message_count"
)
COWORK = (
    "action_count artifacts_created_count connectors_used_count dispatch_turn_count distinct_connectors_used_count "
    "distinct_plugins_used_count distinct_session_count distinct_skills_used_count edit_tool_count file_edit_count "
    "message_count multi_edit_tool_count notebook_edit_tool_count plugins_used_count sessions_with_file_edits_count "
    "skills_used_count write_tool_count"
)
OFFICE = (
    "connectors_used_count distinct_connectors_used_count distinct_session_count distinct_skills_used_count "
    "message_count skills_used_count"
)
DESIGN = "distinct_projects_created_count distinct_projects_used_count distinct_session_count message_count"
SCIENCE = "delegation_count distinct_session_count message_count remote_compute_job_count skills_used_count"


class ClaudePeople:
    """Answers over the days of one organization's people, read at the simulator's clock."""

    def __init__(self, people: PeopleDays, clock: Callable[[], datetime]) -> None:
        self.people, self.clock = people, clock

    def users(self, query: Query, request: Request) -> Any:
        first, last = _days(query, latest_ready(self.clock()))
        wanted = _wanted(query)
        is_descending = query.one("order", ("asc", "desc")) == "desc"
        limit, offset = query.limit(100, 1000), query.offset()
        query.refuse_unread()
        rows = sorted(self._rows(first, last, wanted), key=lambda row: str(row["user"]["id"]), reverse=is_descending)
        following = query.next_page(offset + limit, len(rows))
        return {"data": rows[offset : offset + limit], "next_page": following}

    def _rows(self, first: date, last: date, wanted: Callable[[Person], bool]) -> Iterator[Block]:
        now = self.clock()
        days: dict[Person, list[tuple[date, Block]]] = {}
        for day in (first + n * ONE_DAY for n in range((last - first).days + 1)):
            for one in self.people.visible(day, now):
                if wanted(one.person):
                    days.setdefault(one.person, []).append((day, _metrics(one)))
        for person, blocks in days.items():
            metrics = blocks[0][1] if first == last else _rolled_up([block for _, block in blocks])
            user = {"id": person.id, "email_address": None if person.gone(now) else person.email, "type": "user"}
            yield {"user": user, **metrics, "last_activity_date": str(blocks[-1][0])}


def _days(query: Query, ready: date) -> tuple[date, date]:
    """First and last requested day, from `date` or from a range with an exclusive end."""
    if query.one("date") is not None:
        if query.one("starting_date") is not None or query.one("ending_date") is not None:
            raise RefusalError("date excludes starting_date and ending_date")
        first = last = query.day("date")
    else:
        first, last = query.day("starting_date"), query.day("ending_date") - ONE_DAY
    if last < first:
        raise RefusalError("ending_date: must be after starting_date")
    if (last - first).days >= MOST_DAYS:
        raise RefusalError(f"Date range cannot exceed {MOST_DAYS} days.")
    if first < BEGIN:
        raise RefusalError(f"Data is not available before {BEGIN}.")
    if last > ready:
        raise RefusalError(f"Data is available up to {ready}.")
    return first, last


def _wanted(query: Query) -> Callable[[Person], bool]:
    """No one is in a group or a project; groups are not offered to group by."""
    if query.all("group_by"):
        raise RefusalError("group_by[]: this organization has no groups")
    chosen: dict[str, set[str]] = {}
    if len(query.all("filter")) > MOST_FILTERS:
        raise RefusalError(f"filter[]: at most {MOST_FILTERS} values")
    for each in query.all("filter"):
        dimension, _, value = each.partition(":")
        if dimension not in FILTERS:
            raise RefusalError(f"filter[]: unknown dimension {dimension!r}")
        chosen.setdefault(dimension, set()).add(value)
    return lambda person: chosen.keys() <= {"user_id"} and person.id in chosen.get("user_id", {person.id})


def _metrics(one: PersonDay) -> Block:
    """All blocks of a row, zeros where nothing happened."""
    chat = {
        "message_count": one.messages,
        "thinking_message_count": one.thinking,
        "distinct_conversation_count": one.conversations,
        "distinct_projects_used_count": one.projects,
        "distinct_projects_created_count": one.projects // 2,
        "distinct_files_uploaded_count": one.files,
        "distinct_artifacts_created_count": one.messages // 25,
        "connectors_used_count": one.searches // 2,
        "distinct_connectors_used_count": min(2, one.searches // 2),
    }
    cowork = {
        "action_count": one.cowork * 2,
        "message_count": one.cowork,
        "distinct_session_count": -(-one.cowork // 10),
        "file_edit_count": one.cowork // 3,
        "edit_tool_count": one.cowork // 3,
        "sessions_with_file_edits_count": min(1, one.cowork // 3),
    }
    in_excel = one.office * 2 // 3
    return {
        "chat_metrics": _zeros(CHAT) | chat,
        "claude_code_metrics": _claude_code(one),
        "cowork_metrics": _zeros(COWORK) | cowork,
        "office_metrics": {
            "excel": _office(in_excel),
            "outlook": _office(0),
            "powerpoint": _office(0),
            "word": _office(one.office - in_excel),
        },
        "design_metrics": _zeros(DESIGN),
        "science_metrics": _zeros(SCIENCE),
        "web_search_count": one.searches,
        "chat_cowork_unified_metrics": None,
        "claude_tag_metrics": _zeros("active_day_count active_message_count"),
    }


def _claude_code(one: PersonDay) -> Block:
    sessions, added, removed, commits, pull_requests = (
        sum(record.counts[n] for record in one.claude_code) for n in range(5)
    )
    tools = [sum(record.tools[n] for record in one.claude_code) for n in range(2 * len(TOOLS))]
    return {
        "core_metrics": {
            "artifacts_created_count": 0,
            "commit_count": commits,
            "distinct_session_count": sessions,
            "lines_of_code": {"added_count": added, "removed_count": removed},
            "pull_request_count": pull_requests,
        },
        "tool_actions": {
            tool: {"accepted_count": tools[2 * n], "rejected_count": tools[2 * n + 1]} for n, tool in enumerate(TOOLS)
        },
    }


def _office(messages: int) -> Block:
    return _zeros(OFFICE) | {"message_count": messages, "distinct_session_count": -(-messages // 8)}


def _zeros(names: str) -> Block:
    return dict.fromkeys(names.split(), 0)


def _rolled_up(blocks: list[Block]) -> Block:
    """The sums of the blocks. Distinct counts cannot be summed and are null."""
    total: Block = {}
    for name, value in blocks[0].items():
        values = [block[name] for block in blocks]
        if isinstance(value, Mapping):
            total[name] = _rolled_up(values)
        else:
            is_lost = value is None or (name.startswith("distinct_") and not name.endswith("_created_count"))
            total[name] = None if is_lost else sum(values)
    return total
