"""What the demo's summary shows of Cursor."""

from ai_usage.partitions import Span
from ai_usage.providers.summary import Summary, usd_text
from ai_usage.warehouse.port import Warehouse


def summary(warehouse: Warehouse, span: Span) -> Summary:
    """Usage, seats, people, and how many members were inactive."""
    query = "providers/cursor/summary/totals"
    [total] = warehouse.query(query, first_day=span.first, last_day=span.last).to_dicts()
    if not total["events"]:
        return []
    seats = "price unknown (CURSOR_PLANS)" if total["seats_usd"] is None else usd_text(total["seats_usd"])
    people = (
        f"  {total['people']} people · {total['events']:,} events · {usd_text(total['included_value_usd'] or 0)} of "
        f"included usage, not billed · {total['idle_members']} members never active"
    )
    billed = f"{usd_text(total['usage_usd'] or 0)} of usage billed + {seats} for {total['seats']} seats"
    return [f"[bold]Cursor[/]  {billed}", people]
