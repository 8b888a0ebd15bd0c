"""`make demo`: a month pulled, checked and built in the embedded warehouse, and a summary a manager understands."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from rich.markup import escape
from rich.table import Table as Grid

from ai_usage.commands.dashboards import tell_where, write_all
from ai_usage.commands.data_folder import prepare_instance
from ai_usage.commands.refresh import Outcome, refresh, tell_not_judged, tell_troubles
from ai_usage.commands.terminal import OUT
from ai_usage.definitions import duckdb_warehouse
from ai_usage.partitions import Span
from ai_usage.settings import Settings, demo_span_start
from ai_usage.warehouse.origin import is_simulated

SUMMARIES = (
    *("spend", "by_platform", "by_team", "by_person"),
    *("totals", "by_workspace", "by_model", "claude_code", "claude_ai", "cursor"),
)


def run(of: Settings, _: Sequence[str]) -> int:
    prepare_instance(of)
    last = of.yesterday()
    span = Span(max(of.start_date, demo_span_start(last)), last)
    OUT.print(f"Pulling {len(span.days)} days, {span.first} to {span.last}, into {of.database}")
    outcome = refresh(of, span)

    warehouse = duckdb_warehouse(of)
    period = {"first_day": span.first, "last_day": span.last}
    with warehouse.connected():
        found = {name: warehouse.query(f"summary/{name}", **period).to_dicts() for name in SUMMARIES}
        is_marked = is_simulated(warehouse)
    total, code, chat, cursor, spend = (
        found[name] for name in ("totals", "claude_code", "claude_ai", "cursor", "spend")
    )
    OUT.print()
    has_claude = total[0]["cost_usd"] is not None
    if not (has_claude or chat[0]["people"] or cursor[0]["events"]):
        _trust(outcome)
        tell_troubles(outcome)
        tell_not_judged(outcome)
        OUT.print("Nothing is there to sum up: no cost was pulled.")
        return 1
    title = "AI usage, SIMULATED DATA from the built-in providers" if is_marked else "AI usage"
    OUT.rule(f"[bold]{title}[/]")
    if spend[0]["billed_usd"]:
        _spend(spend[0], len(span.days), f"{span.first} to {span.last}")
        for title, name in (("By platform", "by_platform"), ("By team", "by_team"), ("Top people", "by_person")):
            OUT.print(_shares(title, found[name], spend[0]["billed_usd"]))
    if has_claude:
        _headline(total[0], len(span.days))
        OUT.print(_shares("By workspace", found["by_workspace"], total[0]["cost_usd"]))
        OUT.print(_shares("By model", found["by_model"], total[0]["cost_usd"]))
        _tokens(total[0])
        _claude_code(code[0])
    _claude_ai(chat[0])
    _cursor(cursor[0])
    _trust(outcome)
    tell_troubles(outcome)
    tell_not_judged(outcome)
    OUT.rule()
    list(write_all(warehouse, of))  # once more: what the run's own checks found is known now
    tell_where(of)
    OUT.print(f"Look around: [bold]make ui[/] · any SQL tool, read-only: {of.published_database}", soft_wrap=True)
    return 0 if outcome.is_good else 1


def _spend(spend: dict[str, Any], days: int, period: str) -> None:
    billed = spend["billed_usd"]
    OUT.print(f"Billed for AI tools [bold green]{_usd(billed)}[/] in {days} days, {period}, seats included")
    known = (spend["attributed_usd"] or Decimal(0)) / billed
    OUT.print(
        f"  {known:.0%} is attributed to {spend['people']} people · "
        f"{_usd(spend['provisional_usd'] or 0)} is provisional: the vendors may still restate it",
        soft_wrap=True,
    )


def _headline(total: dict[str, Any], days: int) -> None:
    cost = total["cost_usd"] or Decimal(0)
    OUT.print(f"[bold]Claude, by use[/] {_usd(cost)}")
    agrees = (
        "equal to the Console's own figure" if cost == (total["console_usd"] or 0) else "the Console says otherwise"
    )
    OUT.print(f"  {agrees}: {_usd(total['console_usd'] or 0)} · {_usd(cost / max(days, 1))} a day on average")


def _shares(title: str, rows: Iterable[dict[str, Any]], total: Decimal | None) -> Grid:
    grid = Grid(title=title, title_justify="left", title_style="bold", show_header=False, box=None, pad_edge=False)
    grid.add_column(min_width=30)
    grid.add_column(justify="right", min_width=12)
    grid.add_column(justify="right")
    grid.add_column()
    for row in rows:
        share = row["cost_usd"] / total if total else Decimal(0)
        grid.add_row(f"  {escape(row['label'])}", _usd(row["cost_usd"]), f"{share:.1%}", "█" * int(share * 40))
    return grid


def _tokens(total: dict[str, Any]) -> None:
    named = {
        "input": "uncached_input_tokens",
        "read from cache": "cache_read_input_tokens",
        "written to cache": "cache_creation_tokens",
        "output": "output_tokens",
    }
    OUT.print(
        "[bold]Tokens[/]  " + " · ".join(f"{_big(total[key] or 0)} {name}" for name, key in named.items()),
        soft_wrap=True,
    )


def _claude_code(code: dict[str, Any]) -> None:
    OUT.print(
        f"[bold]Claude Code[/]  {code['people']} people · {code['sessions'] or 0:,} sessions · "
        f"+{code['lines_added'] or 0:,} −{code['lines_removed'] or 0:,} lines · {code['commits'] or 0:,} commits · "
        f"{code['pull_requests'] or 0:,} pull requests",
        soft_wrap=True,
    )
    OUT.print(
        f"  about {_usd(code['estimated_api_usd'] or 0)} of that is Claude Code on the API, by its own estimate; "
        f"seats used {_usd(code['estimated_subscription_usd'] or 0)} worth at list price, paid by subscription",
        soft_wrap=True,
    )


def _claude_ai(chat: dict[str, Any]) -> None:
    if not chat["people"]:
        return
    told = [("conversations", "conversations"), ("messages", "messages"), ("file_uploads", "file uploads")]
    figures = [f"{chat[key]:,} {name}" if chat[key] is not None else f"{name} unknown" for key, name in told]
    OUT.print(
        f"[bold]claude.ai[/]  {chat['people']} people · {' · '.join(figures)} (from {chat['sources']})", soft_wrap=True
    )


def _cursor(cursor: dict[str, Any]) -> None:
    if not cursor["events"]:
        return
    seats = "price unknown (CURSOR_PLANS)" if cursor["seats_usd"] is None else _usd(cursor["seats_usd"])
    OUT.print(
        f"[bold]Cursor[/]  {_usd(cursor['usage_usd'] or 0)} billed on demand + {seats} for {cursor['seats']} seats",
        soft_wrap=True,
    )
    OUT.print(
        f"  {cursor['people']} people · {cursor['events']:,} events · {_usd(cursor['included_value_usd'] or 0)} worth "
        f"of included usage · {cursor['idle_members']} members never active",
        soft_wrap=True,
    )


def _trust(outcome: Outcome) -> None:
    color = "green" if outcome.is_good else "red"
    OUT.print(f"[bold]Check results[/]  [{color}]{outcome.summary}[/], each check judged day by day", soft_wrap=True)
    OUT.print(f"[bold]Requests[/]  {outcome.requests.total()} to the vendors")


def _usd(amount: Decimal | int) -> str:
    return f"${amount:,.2f}"


def _big(count: int) -> str:
    for size, unit in ((10**9, "bn"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return str(count)
