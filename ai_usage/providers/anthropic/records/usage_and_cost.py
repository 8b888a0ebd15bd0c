"""Records of the usage and cost reports: one line of a bill, one line of tokens."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec

from ai_usage.money import USD, Rates
from ai_usage.providers.anthropic.records.shared_fields import (
    ContextWindow,
    CostType,
    Currency,
    InferenceGeo,
    ServiceTier,
    Speed,
    TokenType,
    unfit_currency,
)
from ai_usage.warehouse.reading.field_types import BilledCount, Carries, Cents, Id, Unfit


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
    def are_all_fit(lines: Sequence["CostLine"]) -> bool:
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
