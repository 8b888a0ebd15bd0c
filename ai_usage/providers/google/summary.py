"""What the demo's summary shows of Google."""

from collections.abc import Mapping
from typing import Any

from ai_usage.partitions import Span
from ai_usage.providers.summary import Shares, Summary, count_text, usd_text
from ai_usage.warehouse.port import Warehouse

FOLDER = "providers/google/summary"


def summary(warehouse: Warehouse, span: Span) -> Summary:
    """Cost by project, credits, seats, tokens; what of the bill is no spend on AI."""

    def asked(name: str) -> list[dict[str, Any]]:
        return warehouse.query(f"{FOLDER}/{name}", first_day=span.first, last_day=span.last).to_dicts()

    [total] = asked("totals")
    if total["cost_usd"] is None:
        return ()
    return (*_cost(total), Shares("By project", asked("by_project"), total["cost_usd"]))


def _cost(total: Mapping[str, Any]) -> tuple[str, ...]:
    seats, credits_, tax, other = (usd_text(total[f"{of}_usd"]) for of in ("seats", "credit", "tax", "other"))
    tokens = f"{count_text(int(total['input_tokens']))} input · {count_text(int(total['output_tokens']))} output"
    return (
        f"[bold]Google[/] {usd_text(total['cost_usd'])}",
        f"  seats of Code Assist {seats} · credits {credits_} · not included: tax {tax}, other services {other}",
        f"[bold]Tokens billed[/]  {tokens}",
    )
