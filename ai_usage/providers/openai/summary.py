"""What the demo's summary shows of OpenAI."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ai_usage.partitions import Span
from ai_usage.providers.summary import Shares, Summary, count_text, usd_text
from ai_usage.warehouse.port import Warehouse

FOLDER = "providers/openai/summary"
TOKENS = {
    "input": "input_tokens",
    "of it read from cache": "cached_input_tokens",
    "output": "output_tokens",
}


def summary(warehouse: Warehouse, span: Span) -> Summary:
    """API cost by project, requests and tokens; Codex."""

    def asked(name: str) -> list[dict[str, Any]]:
        return warehouse.query(f"{FOLDER}/{name}", first_day=span.first, last_day=span.last).to_dicts()

    [total] = asked("totals")
    api: Summary = ()
    if total["cost_usd"] is not None:
        shares = Shares("By project", asked("by_project"), total["cost_usd"])
        api = (*_cost(total, len(span.days)), shares, _use(total))
    return [*api, *([_codex(total)] if total["codex_people"] else [])]


def _cost(total: Mapping[str, Any], days: int) -> tuple[str, str]:
    cost, whole = total["cost_usd"], total["total_usd"]
    compared = "equal to OpenAI's own total" if cost == whole else "differs from OpenAI's own total"
    whole_text = "unknown" if whole is None else usd_text(whole)
    by_key = f"{_share(total, 'measured')} measured by key, {_share(total, 'allocated')} allocated by use"
    return (
        f"[bold]OpenAI API[/] {usd_text(cost)}",
        f"  {compared}: {whole_text} · {usd_text(cost / max(days, 1))} a day on average · {by_key}",
    )


def _share(total: Mapping[str, Any], how: str) -> str:
    return f"{total[f'{how}_usd'] / total['cost_usd']:.0%}" if total["cost_usd"] else "0%"


def _use(total: Mapping[str, Any]) -> str:
    counts = [f"{count_text(total[key] or 0)} {name}" for name, key in TOKENS.items()]
    return f"[bold]Tokens[/]  {' · '.join(counts)} · {count_text(total['requests'] or 0)} requests"


def _codex(total: Mapping[str, Any]) -> str:
    used = total["codex_credits"] or Decimal(0)
    return (
        f"[bold]Codex[/]  {total['codex_people']} people · {total['codex_threads'] or 0:,} threads · "
        f"{total['codex_turns'] or 0:,} turns · {used:,.0f} credits of the plan, not billed here"
    )
