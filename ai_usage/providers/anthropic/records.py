"""What a Claude record means: its fields, and the values they are known to take.

One struct a record. Core reads them as they are, so a value or field that Anthropic adds is kept and never an error;
`schema_drift` reads their strict twins and reports it. A type such as `Cents` or `Id` says that a record is of no use
without the field (`warehouse.reading`); every other field may be absent, null or unreadable. An absent count is 0
where Anthropic leaves zeros out; a null one is unknown. Source: the Admin API reference, the beta analytics one, and
Enterprise analytics.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.money import USD, Rates, currency_name
from ai_usage.warehouse.reading import Address, BilledCount, Carries, Cents, Count, Id, Instant, Unfit

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
Currency = Annotated[str, Carries.CURRENCY]  # one without a rate is rejected by name


def unfit_currency(field: str, currency: str, day: date | None, rates: Rates) -> Unfit | None:
    """What keeps an amount from being dollars; None if nothing does."""
    if currency == USD or rates.usd_per_unit(currency, day) is not None:
        return None
    name = currency_name(currency)[:12]
    when = f"on {day}" if day else "known"
    return Unfit(field, f"{name} has no rate to USD {when}: AI_USAGE_CURRENCY_RATES names none", "text")


class CostLine(msgspec.Struct, frozen=True):
    """One line of `cost_report`."""

    amount: Cents  # a decimal string, in cents: read as dollars it is wrong by 100
    currency: Currency
    workspace_id: Id | None = None  # null is the default workspace, not the whole organization
    description: str | None = None
    cost_type: CostType | None = None
    context_window: ContextWindow | None = None
    model: str | None = None
    service_tier: ServiceTier | None = None
    token_type: TokenType | None = None
    inference_geo: InferenceGeo | None = None

    @staticmethod
    def need_no_judging(lines: Sequence["CostLine"]) -> bool:
        return {line.currency for line in lines} <= {USD}

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        return unfit_currency("currency", self.currency, day, rates)


class CacheCreation(msgspec.Struct, frozen=True):
    ephemeral_5m_input_tokens: BilledCount = 0
    ephemeral_1h_input_tokens: BilledCount = 0


class ServerToolUse(msgspec.Struct, frozen=True):
    web_search_requests: BilledCount = 0


NO_CACHE, NO_TOOLS = CacheCreation(), ServerToolUse()


class UsageLine(msgspec.Struct, frozen=True):
    """One line of `usage_report/messages`. Cache writes are nested: no flat field of that name exists. Its counts
    decide how a bill is split: one that is null or no count makes the line useless. A block may be absent or null, as
    in the Messages API: then nothing was cached or searched. A dimension that was
    not asked for is null, which is no value.
    """

    uncached_input_tokens: BilledCount = 0
    cache_read_input_tokens: BilledCount = 0
    cache_creation: Annotated[CacheCreation | None, Carries.USAGE] = NO_CACHE
    output_tokens: BilledCount = 0
    server_tool_use: Annotated[ServerToolUse | None, Carries.USAGE] = NO_TOOLS
    account_id: Id | None = None
    api_key_id: Id | None = None  # null, grouped by key: Console and Workbench
    workspace_id: Id | None = None
    service_account_id: Id | None = None
    model: str | None = None
    service_tier: ServiceTier | None = None
    context_window: ContextWindow | None = None
    inference_geo: InferenceGeo | None = None
    speed: Speed | None = None


class CodeActor(msgspec.Struct, frozen=True):
    type: Annotated[str, Known("user_actor", "api_actor")] | None = None
    email_address: Address | None = None
    api_key_name: Id | None = None


class LinesOfCode(msgspec.Struct, frozen=True):
    added: Count | None = 0
    removed: Count | None = 0


class CoreMetrics(msgspec.Struct, frozen=True):
    num_sessions: Count | None = 0
    lines_of_code: LinesOfCode | None = LinesOfCode()
    commits_by_claude_code: Count | None = 0
    pull_requests_by_claude_code: Count | None = 0


class ToolAction(msgspec.Struct, frozen=True):
    accepted: Count | None = 0
    rejected: Count | None = 0


class ToolActions(msgspec.Struct, frozen=True):
    """A map in the contract: any key may be absent."""

    edit_tool: ToolAction | None = ToolAction()
    multi_edit_tool: ToolAction | None = ToolAction()
    write_tool: ToolAction | None = ToolAction()
    notebook_edit_tool: ToolAction | None = ToolAction()


class CodeTokens(msgspec.Struct, frozen=True):
    input: Count | None = 0
    output: Count | None = 0
    cache_read: Count | None = 0
    cache_creation: Count | None = 0


class EstimatedCost(msgspec.Struct, frozen=True):
    amount: Cents  # a JSON number, in cents: an estimate, not an invoice line
    currency: Currency


class CodeModel(msgspec.Struct, frozen=True):
    estimated_cost: EstimatedCost
    model: str | None = None
    tokens: CodeTokens | None = CodeTokens()


class CodeRecord(msgspec.Struct, frozen=True):
    """One record of `usage_report/claude_code`: an actor's day in one terminal, local or remote. It was asked for by
    its day, so `date` is not needed.
    """

    actor: Annotated[CodeActor, Carries.IDENTITY]
    model_breakdown: Annotated[list[CodeModel], Carries.MONEY] = []
    core_metrics: CoreMetrics | None = CoreMetrics()
    tool_actions: ToolActions | None = ToolActions()
    day: str | None = msgspec.field(default=None, name="date")
    organization_id: Id | None = None
    customer_type: Annotated[str, Known("api", "subscription")] | None = None
    terminal_type: str | None = None
    subscription_type: Annotated[str, Known("team", "enterprise")] | None = None
    is_remote: bool | None = None  # absent in old data

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        for model in self.model_breakdown:
            if (currency := model.estimated_cost.currency) != USD:
                found = unfit_currency("model_breakdown[].estimated_cost.currency", currency, day, rates)
                if found:
                    return found
        return None


class Organization(msgspec.Struct, frozen=True):
    id: Id
    name: str | None = None
    type: str | None = None


class Workspace(msgspec.Struct, frozen=True):
    """One item of `workspaces`."""

    id: Id
    name: str | None = None
    created_at: Instant | None = None
    archived_at: Instant | None = None
    type: str | None = None
    display_color: str | None = None
    data_residency: dict[str, object] | None = None
    tags: dict[str, object] | None = None
    compartment_id: str | None = None
    external_key_id: str | None = None
    user_profile_id: str | None = None


class Creator(msgspec.Struct, frozen=True):
    id: Id | None = None
    type: str | None = None


class Scope(msgspec.Struct, frozen=True):
    """Where a key is of use, from 2026-10-21 on."""

    type: str | None = None
    workspace_id: Id | None = None


class ApiKey(msgspec.Struct, frozen=True):
    """One item of `api_keys`; `principal` and the place are spelled differently from 2026-10-21 on."""

    id: Id
    name: str | None = None
    status: Annotated[str, Known("active", "inactive", "archived", "expired")] | None = None
    created_at: Instant | None = None
    type: str | None = None
    created_by: Creator | None = None
    expires_at: Instant | None = None
    partial_key_hint: str | None = None
    principal: dict[str, object] | None = None
    workspace_id: Id | None = None
    scope: Scope | None = None


class User(msgspec.Struct, frozen=True):
    """One item of `users`."""

    id: Id
    email: Address | None = None
    name: str | None = None
    role: (
        Annotated[
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
        | None
    ) = None
    added_at: Instant | None = None
    type: str | None = None


class FederatedProvider(msgspec.Struct, frozen=True):
    """Who vouches for a federated actor: each kind names itself by another field."""

    type: str | None = None
    issuer: Id | None = None  # oidc
    account_id: Id | None = None  # aws
    signed_principal: Id | None = None  # aws
    subscription_id: Id | None = None  # azure
    project_number: Id | None = None  # gcp

    @property
    def parts(self) -> tuple[str | None, ...]:
        return (
            *(self.type, self.issuer, self.account_id, self.signed_principal),
            *(self.subscription_id, self.project_number),
        )


class AnalyticsActor(msgspec.Struct, frozen=True):
    type: Annotated[str, Known("user_actor", "api_actor", "service_account_actor", "federated_actor")] | None = (
        None  # an open set
    )
    user_id: Id | None = None
    email_address: Address | None = None
    email: Address | None = None  # the spelling before 2026-10-21
    name: str | None = None
    deleted: bool | None = None
    api_key_id: Id | None = None
    service_account_id: Id | None = None
    provider: str | FederatedProvider | None = None
    subject: Id | None = None

    @property
    def id(self) -> str | None:
        """Of whichever kind it is; a federated one is known by its provider and subject."""
        return self.user_id or self.service_account_id or self.api_key_id or self._federated

    @property
    def _federated(self) -> str | None:
        by = self.provider.parts if isinstance(self.provider, FederatedProvider) else (self.provider,)
        return ":".join(part for part in (*by, self.subject) if part) or None


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
                "cc_security_autopatch",
                "other",
            ),
        ]
        | None
    ) = None
    workspace_id: Id | None = None
    api_key_id: Id | None = None
    actor: Annotated[AnalyticsActor | None, Carries.IDENTITY] = None
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
    organization_id: Id | None = None
    rbac_group_id: str | None = None
    service_tier: ServiceTier | None = None
    session_id: str | None = None
    slack_channel_id: str | None = None
    speed: str | None = None
    user_profile_id: str | None = None


class AnalyticsMoney(msgspec.Struct, frozen=True):
    amount: Cents  # after discount
    currency: Currency
    list_amount: Cents | None = None  # at list price
    requests: Count | None = None


class AnalyticsCost(msgspec.Struct, frozen=True):
    """One row of `analytics/cost`. Its day is the one that the pull found in `starting_at`."""

    group: Annotated[AnalyticsGroup, Carries.IDENTITY]
    cost: Annotated[AnalyticsMoney, Carries.MONEY]
    starting_at: str | None = None
    ending_at: str | None = None

    @staticmethod
    def need_no_judging(rows: Sequence["AnalyticsCost"]) -> bool:
        return {row.cost.currency for row in rows} <= {USD}

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        return unfit_currency("cost.currency", self.cost.currency, day, rates)


class AnalyticsEnvelope(msgspec.Struct, frozen=True):
    """What an answer of analytics says beside its rows."""

    data_refreshed_at: Instant | None = None


class AnalyticsTokens(msgspec.Struct, frozen=True):
    uncached_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    output_tokens: Count | None = None
    server_tool_use: ServerToolUse | None = None
    requests: Count | None = None
    total_tokens: Count | None = None


class AnalyticsUsage(msgspec.Struct, frozen=True):
    """One row of `analytics/usage`."""

    group: Annotated[AnalyticsGroup, Carries.IDENTITY]
    usage: AnalyticsTokens | None = None
    starting_at: str | None = None
    ending_at: str | None = None


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
