"""Records of the Enterprise analytics: a person's day in claude.ai."""

from datetime import date
from typing import Annotated

import msgspec

from ai_usage.money import Rates
from ai_usage.warehouse.reading.field_types import Address, Carries, Count, Id, Unfit


class EnterprisePerson(msgspec.Struct, frozen=True):
    id: Id | None = None
    email_address: Address | None = None  # null once the account is deleted
    email: Address | None = None  # another spelling of it, by version
    type: str | None = None


class ChatMetrics(msgspec.Struct, frozen=True):
    """claude.ai itself. Distinct counts may be null; every other figure is a zero where nothing happened."""

    message_count: Count | None = None
    distinct_conversation_count: Count | None = None
    distinct_projects_used_count: Count | None = None
    distinct_projects_created_count: Count | None = None
    distinct_files_uploaded_count: Count | None = None
    thinking_message_count: Count | None = None
    distinct_artifacts_created_count: Count | None = None
    distinct_skills_used_count: Count | None = None
    connectors_used_count: Count | None = None
    distinct_connectors_used_count: Count | None = None
    shared_conversations_viewed_count: Count | None = None
    distinct_shared_artifacts_viewed_count: Count | None = None


class SeatLinesOfCode(msgspec.Struct, frozen=True):
    added_count: Count | None = None
    removed_count: Count | None = None


class SeatCoreMetrics(msgspec.Struct, frozen=True):
    commit_count: Count | None = None
    pull_request_count: Count | None = None
    distinct_session_count: Count | None = None
    lines_of_code: SeatLinesOfCode | None = None
    artifacts_created_count: Count | None = None  # from 2026-08-17 on


class SeatToolAction(msgspec.Struct, frozen=True):
    accepted_count: Count | None = None
    rejected_count: Count | None = None


class SeatToolActions(msgspec.Struct, frozen=True):
    edit_tool: SeatToolAction | None = None
    multi_edit_tool: SeatToolAction | None = None
    notebook_edit_tool: SeatToolAction | None = None
    write_tool: SeatToolAction | None = None


class SeatClaudeCode(msgspec.Struct, frozen=True):
    """Claude Code on the seats alone; `usage_report/claude_code` has it too, and more of it."""

    core_metrics: SeatCoreMetrics | None = None
    tool_actions: SeatToolActions | None = None


class CoworkMetrics(msgspec.Struct, frozen=True):
    action_count: Count | None = None
    message_count: Count | None = None
    dispatch_turn_count: Count | None = None
    artifacts_created_count: Count | None = None
    connectors_used_count: Count | None = None
    distinct_connectors_used_count: Count | None = None
    skills_used_count: Count | None = None
    distinct_skills_used_count: Count | None = None
    plugins_used_count: Count | None = None
    distinct_plugins_used_count: Count | None = None
    distinct_session_count: Count | None = None
    sessions_with_file_edits_count: Count | None = None
    file_edit_count: Count | None = None
    edit_tool_count: Count | None = None
    multi_edit_tool_count: Count | None = None
    notebook_edit_tool_count: Count | None = None
    write_tool_count: Count | None = None


class OfficeProgram(msgspec.Struct, frozen=True):
    message_count: Count | None = None
    distinct_session_count: Count | None = None
    connectors_used_count: Count | None = None
    distinct_connectors_used_count: Count | None = None
    skills_used_count: Count | None = None
    distinct_skills_used_count: Count | None = None


class OfficeMetrics(msgspec.Struct, frozen=True):
    excel: OfficeProgram | None = None
    outlook: OfficeProgram | None = None
    powerpoint: OfficeProgram | None = None
    word: OfficeProgram | None = None


class DesignMetrics(msgspec.Struct, frozen=True):
    message_count: Count | None = None
    distinct_session_count: Count | None = None
    distinct_projects_created_count: Count | None = None
    distinct_projects_used_count: Count | None = None


class ScienceMetrics(msgspec.Struct, frozen=True):
    message_count: Count | None = None
    distinct_session_count: Count | None = None
    delegation_count: Count | None = None
    remote_compute_job_count: Count | None = None
    skills_used_count: Count | None = None


class ChatCoworkMetrics(msgspec.Struct, frozen=True):
    """The contract names its two blocks and not what is in them."""

    chat: dict[str, object] | None = None
    sessions: dict[str, object] | None = None


class ClaudeTagMetrics(msgspec.Struct, frozen=True):
    active_day_count: Count | None = None
    active_message_count: Count | None = None


class EnterpriseUser(msgspec.Struct, frozen=True):
    """One row of `analytics/users`: a person's day. Only the person is needed: any block may be absent."""

    user: Annotated[EnterprisePerson, Carries.IDENTITY]
    chat_metrics: ChatMetrics | None = None
    claude_code_metrics: SeatClaudeCode | None = None
    cowork_metrics: CoworkMetrics | None = None
    office_metrics: OfficeMetrics | None = None
    design_metrics: DesignMetrics | None = None
    science_metrics: ScienceMetrics | None = None
    web_search_count: Count | None = None
    last_activity_date: str | None = None
    chat_cowork_unified_metrics: ChatCoworkMetrics | None = None
    claude_tag_metrics: ClaudeTagMetrics | None = None
    distinct_user_count: Count | None = None  # these three only of groups, which are not asked for
    rbac_group_id: str | None = None
    rbac_group_name: str | None = None

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        person = self.user
        if person.id or person.email_address or person.email:
            return None
        return Unfit("user.id", "is missing, and so is an address", "absent")
