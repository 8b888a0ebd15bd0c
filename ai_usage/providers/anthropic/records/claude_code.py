"""Records of the Claude Code report."""

from datetime import date
from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.money import USD, Rates
from ai_usage.providers.anthropic.records.shared_fields import Currency, unfit_currency
from ai_usage.warehouse.reading.field_types import Address, Carries, Cents, Count, Id, Unfit


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
