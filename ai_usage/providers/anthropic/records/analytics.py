"""Records of the usage and cost analytics (beta)."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.money import USD, Rates
from ai_usage.providers.anthropic.records.shared_fields import (
    ContextWindow,
    CostType,
    Currency,
    InferenceGeo,
    ServiceTier,
    TokenType,
    unfit_currency,
)
from ai_usage.providers.anthropic.records.usage_and_cost import CacheCreation, ServerToolUse
from ai_usage.warehouse.reading.field_types import Address, Carries, Cents, Count, Id, Instant, Unfit


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
    def are_all_fit(rows: Sequence["AnalyticsCost"]) -> bool:
        return {row.cost.currency for row in rows} <= {USD}

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        return unfit_currency("cost.currency", self.cost.currency, day, rates)


class AnalyticsEnvelope(msgspec.Struct, frozen=True):
    """The fields of an analytics answer beside its rows."""

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
