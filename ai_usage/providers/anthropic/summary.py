"""What the demo's summary shows of Anthropic."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ai_usage.partitions import Span
from ai_usage.providers.summary import Shares, Summary, count_text, usd_text
from ai_usage.warehouse.port import Warehouse

FOLDER = "providers/anthropic/summary"
TOKENS = {
    "input": "uncached_input_tokens",
    "read from cache": "cache_read_input_tokens",
    "written to cache": "cache_creation_tokens",
    "output": "output_tokens",
}


def summary(warehouse: Warehouse, span: Span) -> Summary:
    """API cost by workspace and model, tokens, Claude Code, claude.ai."""

    def asked(name: str) -> list[dict[str, Any]]:
        return warehouse.query(f"{FOLDER}/{name}", first_day=span.first, last_day=span.last).to_dicts()

    [total], [code], [chat] = (asked(name) for name in ("totals", "claude_code", "claude_ai"))
    api: Summary = (
        *_cost(total, len(span.days)),
        Shares("By workspace", asked("by_workspace"), total["cost_usd"]),
        Shares("By model", asked("by_model"), total["cost_usd"]),
        "[bold]Tokens[/]  " + " · ".join(f"{count_text(total[key] or 0)} {name}" for name, key in TOKENS.items()),
        *_claude_code(code),
    )
    return [*(api if total["cost_usd"] is not None else ()), *(_claude_ai(chat) if chat["people"] else ())]


def _cost(total: Mapping[str, Any], days: int) -> tuple[str, str]:
    cost, console = total["cost_usd"] or Decimal(0), total["console_usd"] or Decimal(0)
    compared = "equal to the Console's own total" if cost == console else "differs from the Console's own total"
    return (
        f"[bold]Claude usage[/] {usd_text(cost)}",
        f"  {compared}: {usd_text(console)} · {usd_text(cost / max(days, 1))} a day on average",
    )


def _claude_code(code: Mapping[str, Any]) -> tuple[str, str]:
    done = (
        f"[bold]Claude Code[/]  {code['people']} people · {code['sessions'] or 0:,} sessions · "
        f"+{code['lines_added'] or 0:,} −{code['lines_removed'] or 0:,} lines · {code['commits'] or 0:,} commits · "
        f"{code['pull_requests'] or 0:,} pull requests"
    )
    estimated = (
        f"  its estimated cost: {usd_text(code['estimated_api_usd'] or 0)} on the API, part of the usage above; "
        f"{usd_text(code['estimated_subscription_usd'] or 0)} of people with seats, at list price and not billed"
    )
    return done, estimated


def _claude_ai(chat: Mapping[str, Any]) -> tuple[str, ...]:
    named = [("conversations", "conversations"), ("messages", "messages"), ("file_uploads", "file uploads")]
    counts = [f"{chat[key]:,} {name}" if chat[key] is not None else f"{name} unknown" for key, name in named]
    return (f"[bold]claude.ai[/]  {chat['people']} people · {' · '.join(counts)} (from {chat['sources']})",)
