"""What a Claude record means: its fields, and the values they are known to take.

One struct a record. Core reads them as they are, so a value or field the vendor adds is never a crash;
`schema_drift` reads their strict twins, so it never goes unseen either. Source: the Admin API reference, the beta
analytics one, and Enterprise analytics.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from ai_usage.sources.drift import Known

ServiceTier = Annotated[str, Known("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount")]
ContextWindow = Annotated[str, Known("0-200k", "200k-1M")]
InferenceGeo = Annotated[str, Known("global", "us", "not_available")]
Speed = Annotated[str, Known("standard", "fast")]
TokenType = Annotated[
    str,
    Known(
        "uncached_input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation.ephemeral_5m_input_tokens",
        "cache_creation.ephemeral_1h_input_tokens",
    ),
]
CostType = Annotated[str, Known("tokens", "web_search", "code_execution", "session_usage")]
Currency = Annotated[str, Known("USD")]


class CostLine(msgspec.Struct, frozen=True):
    """One line of `cost_report`."""

    amount: Decimal  # cents, as a decimal string: whoever reads dollars is wrong by 100
    currency: Currency
    workspace_id: str | None  # null is the default workspace, not the whole organisation
    description: str | None = None
    cost_type: CostType | None = None
    context_window: ContextWindow | None = None
    model: str | None = None
    service_tier: ServiceTier | None = None
    token_type: TokenType | None = None
    inference_geo: InferenceGeo | None = None


class CacheCreation(msgspec.Struct, frozen=True):
    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int


class ServerToolUse(msgspec.Struct, frozen=True):
    web_search_requests: int


class UsageLine(msgspec.Struct, frozen=True):
    """One line of `usage_report/messages`. Cache writes are nested: no flat field of that name exists. A dimension that
    was not asked for is null, which is no value.
    """

    uncached_input_tokens: int
    cache_read_input_tokens: int
    cache_creation: CacheCreation
    output_tokens: int
    server_tool_use: ServerToolUse
    account_id: str | None = None
    api_key_id: str | None = None  # null, grouped by key: Console and Workbench
    workspace_id: str | None = None
    service_account_id: str | None = None
    model: str | None = None
    service_tier: ServiceTier | None = None
    context_window: ContextWindow | None = None
    inference_geo: InferenceGeo | None = None
    speed: Speed | None = None


class CodeActor(msgspec.Struct, frozen=True):
    type: Annotated[str, Known("user_actor", "api_actor")]
    email_address: str | None = None
    api_key_name: str | None = None


class LinesOfCode(msgspec.Struct, frozen=True):
    added: int
    removed: int


class CoreMetrics(msgspec.Struct, frozen=True):
    num_sessions: int
    lines_of_code: LinesOfCode
    commits_by_claude_code: int
    pull_requests_by_claude_code: int


class ToolAction(msgspec.Struct, frozen=True):
    accepted: int = 0
    rejected: int = 0


class ToolActions(msgspec.Struct, frozen=True):
    """A map in the contract: any key may be absent."""

    edit_tool: ToolAction = ToolAction()
    multi_edit_tool: ToolAction = ToolAction()
    write_tool: ToolAction = ToolAction()
    notebook_edit_tool: ToolAction = ToolAction()


class CodeTokens(msgspec.Struct, frozen=True):
    input: int
    output: int
    cache_read: int
    cache_creation: int


class EstimatedCost(msgspec.Struct, frozen=True):
    amount: Decimal  # cents, as a JSON number: an estimate, not an invoice line
    currency: Currency


class CodeModel(msgspec.Struct, frozen=True):
    model: str
    tokens: CodeTokens
    estimated_cost: EstimatedCost


class CodeRecord(msgspec.Struct, frozen=True):
    """One record of `usage_report/claude_code`: an actor's day in one terminal, local or remote."""

    actor: CodeActor
    date: datetime
    organization_id: str
    customer_type: Annotated[str, Known("api", "subscription")]
    terminal_type: str
    core_metrics: CoreMetrics
    model_breakdown: list[CodeModel]
    tool_actions: ToolActions = ToolActions()
    subscription_type: Annotated[str, Known("team", "enterprise")] | None = None
    is_remote: bool | None = None  # absent in old data


class Organization(msgspec.Struct, frozen=True):
    id: str
    name: str
    type: str


class Workspace(msgspec.Struct, frozen=True):
    """One item of `workspaces`."""

    id: str
    name: str
    created_at: datetime
    archived_at: datetime | None
    type: str = "workspace"
    display_color: str | None = None
    data_residency: dict[str, object] | None = None
    tags: dict[str, str] | None = None
    compartment_id: str | None = None
    external_key_id: str | None = None
    user_profile_id: str | None = None


class Creator(msgspec.Struct, frozen=True):
    id: str
    type: str


class ApiKey(msgspec.Struct, frozen=True):
    """One item of `api_keys`; `principal` and the place are spelled differently from 2026-10-21 on."""

    id: str
    name: str
    status: Annotated[str, Known("active", "inactive", "archived", "expired")]
    created_at: datetime
    type: str = "api_key"
    created_by: Creator | None = None
    expires_at: datetime | None = None
    partial_key_hint: str | None = None
    principal: dict[str, str] | None = None
    workspace_id: str | None = None
    scope: dict[str, str] | None = None


class User(msgspec.Struct, frozen=True):
    """One item of `users`."""

    id: str
    email: str
    name: str
    role: Annotated[
        str,
        Known(
            "user",
            "developer",
            "billing",
            "admin",
            "claude_code_user",
            "managed",
            "owner",
            "primary_owner",
            "membership_admin",
        ),
    ]
    added_at: datetime
    type: str = "user"


class AnalyticsActor(msgspec.Struct, frozen=True):
    type: Annotated[str, Known("user_actor", "api_actor", "service_account_actor", "federated_actor")]
    user_id: str | None = None
    email_address: str | None = None
    email: str | None = None  # the spelling before 2026-10-21
    name: str | None = None
    deleted: bool | None = None
    api_key_id: str | None = None
    service_account_id: str | None = None
    provider: str | None = None
    subject: str | None = None

    @property
    def id(self) -> str | None:
        """Of whichever kind it is; a federated one is known by its provider and subject."""
        federated = ":".join(part for part in (self.provider, self.subject) if part)
        return self.user_id or self.service_account_id or self.api_key_id or federated or None


class AnalyticsGroup(msgspec.Struct, frozen=True):
    """All dimensions of the analytics API; null unless grouped by."""

    product: (
        Annotated[
            str,
            Known(
                "chat",
                "chat_cowork_unified",
                "claude_tag",
                "claude_code",
                "claude_design",
                "claude_in_chrome",
                "cowork",
                "office_agent",
                "claude_console",
                "messages_api",
                "message_batches_api",
                "managed_agents_api",
            ),
        ]
        | None
    ) = None
    workspace_id: str | None = None
    api_key_id: str | None = None
    actor: AnalyticsActor | None = None
    model: str | None = None
    cost_type: CostType | None = None
    token_type: TokenType | None = None
    actor_type: str | None = None
    agent_id: str | None = None
    claude_tag_category: str | None = None
    claude_tag_user_id: str | None = None
    context_window: ContextWindow | None = None
    deployment_id: str | None = None
    environment_id: str | None = None
    inference_geo: InferenceGeo | None = None
    organization_id: str | None = None
    rbac_group_id: str | None = None
    service_tier: ServiceTier | None = None
    session_id: str | None = None
    slack_channel_id: str | None = None
    speed: str | None = None
    user_profile_id: str | None = None


class AnalyticsMoney(msgspec.Struct, frozen=True):
    amount: Decimal  # cents, after discount
    list_amount: Decimal  # cents, list price
    currency: Currency
    requests: int | None


class AnalyticsCost(msgspec.Struct, frozen=True):
    """One row of `analytics/cost`."""

    starting_at: datetime
    ending_at: datetime
    group: AnalyticsGroup
    cost: AnalyticsMoney


class AnalyticsEnvelope(msgspec.Struct, frozen=True):
    """What an answer of analytics says beside its rows."""

    data_refreshed_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class AnalyticsTokens(msgspec.Struct, frozen=True):
    uncached_input_tokens: int
    cache_read_input_tokens: int
    cache_creation: CacheCreation
    output_tokens: int
    server_tool_use: ServerToolUse
    requests: int | None
    total_tokens: int | None


class AnalyticsUsage(msgspec.Struct, frozen=True):
    """One row of `analytics/usage`."""

    starting_at: datetime
    ending_at: datetime
    group: AnalyticsGroup
    usage: AnalyticsTokens


class EnterprisePerson(msgspec.Struct, frozen=True):
    id: str
    email_address: str | None = None  # null once the account is deleted
    email: str | None = None  # another spelling of it, by version
    type: str | None = None


class ChatMetrics(msgspec.Struct, frozen=True):
    """claude.ai itself. Distinct counts may be null; every other figure is a zero where nothing happened."""

    message_count: int
    distinct_conversation_count: int | None = None
    distinct_projects_used_count: int | None = None
    distinct_projects_created_count: int | None = None
    distinct_files_uploaded_count: int | None = None
    thinking_message_count: int | None = None
    distinct_artifacts_created_count: int | None = None
    distinct_skills_used_count: int | None = None
    connectors_used_count: int | None = None
    distinct_connectors_used_count: int | None = None
    shared_conversations_viewed_count: int | None = None
    distinct_shared_artifacts_viewed_count: int | None = None


class SeatLinesOfCode(msgspec.Struct, frozen=True):
    added_count: int | None = None
    removed_count: int | None = None


class SeatCoreMetrics(msgspec.Struct, frozen=True):
    commit_count: int | None = None
    pull_request_count: int | None = None
    distinct_session_count: int | None = None
    lines_of_code: SeatLinesOfCode | None = None
    artifacts_created_count: int | None = None  # from 2026-08-17 on


class SeatToolAction(msgspec.Struct, frozen=True):
    accepted_count: int | None = None
    rejected_count: int | None = None


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
    action_count: int | None = None
    message_count: int | None = None
    dispatch_turn_count: int | None = None
    artifacts_created_count: int | None = None
    connectors_used_count: int | None = None
    distinct_connectors_used_count: int | None = None
    skills_used_count: int | None = None
    distinct_skills_used_count: int | None = None
    plugins_used_count: int | None = None
    distinct_plugins_used_count: int | None = None
    distinct_session_count: int | None = None
    sessions_with_file_edits_count: int | None = None
    file_edit_count: int | None = None
    edit_tool_count: int | None = None
    multi_edit_tool_count: int | None = None
    notebook_edit_tool_count: int | None = None
    write_tool_count: int | None = None


class OfficeProgram(msgspec.Struct, frozen=True):
    message_count: int | None = None
    distinct_session_count: int | None = None
    connectors_used_count: int | None = None
    distinct_connectors_used_count: int | None = None
    skills_used_count: int | None = None
    distinct_skills_used_count: int | None = None


class OfficeMetrics(msgspec.Struct, frozen=True):
    excel: OfficeProgram | None = None
    outlook: OfficeProgram | None = None
    powerpoint: OfficeProgram | None = None
    word: OfficeProgram | None = None


class DesignMetrics(msgspec.Struct, frozen=True):
    message_count: int | None = None
    distinct_session_count: int | None = None
    distinct_projects_created_count: int | None = None
    distinct_projects_used_count: int | None = None


class ScienceMetrics(msgspec.Struct, frozen=True):
    message_count: int | None = None
    distinct_session_count: int | None = None
    delegation_count: int | None = None
    remote_compute_job_count: int | None = None
    skills_used_count: int | None = None


class ChatCoworkMetrics(msgspec.Struct, frozen=True):
    """The contract names its two blocks and not what is in them."""

    chat: dict[str, object] | None = None
    sessions: dict[str, object] | None = None


class ClaudeTagMetrics(msgspec.Struct, frozen=True):
    active_day_count: int | None = None
    active_message_count: int | None = None


class EnterpriseUser(msgspec.Struct, frozen=True):
    """One row of `analytics/users`: a person's day. Only the person and the chat block are needed, so a block that
    the vendor leaves out hurts nobody.
    """

    user: EnterprisePerson
    chat_metrics: ChatMetrics
    claude_code_metrics: SeatClaudeCode | None = None
    cowork_metrics: CoworkMetrics | None = None
    office_metrics: OfficeMetrics | None = None
    design_metrics: DesignMetrics | None = None
    science_metrics: ScienceMetrics | None = None
    web_search_count: int | None = None
    last_activity_date: str | None = None
    chat_cowork_unified_metrics: ChatCoworkMetrics | None = None
    claude_tag_metrics: ClaudeTagMetrics | None = None
    distinct_user_count: int | None = None  # these three only of groups, which are not asked for
    rbac_group_id: str | None = None
    rbac_group_name: str | None = None
