"""Speed and geography of cost lines. A price depends on both, and a usage report of five dimensions has neither, so
some days need a second request.
"""

import re
from datetime import date
from typing import Any

import msgspec

from ai_usage.warehouse.reading.ledger_records import Records

FAST = re.compile(r"\bfast\b", re.IGNORECASE)  # the provider marks fast mode in the line's text alone: "… (Fast) …"


class _Place(msgspec.Struct):
    """The dimensions of a cost line, whatever their types: a line that cannot be billed still has its place."""

    token_type: Any = None
    workspace_id: Any = None
    model: Any = None
    service_tier: Any = None
    context_window: Any = None
    inference_geo: Any = None
    description: Any = None

    @property
    def cell(self) -> tuple[str, ...]:
        """The dimensions of the first usage request."""
        return tuple(map(str, (self.workspace_id, self.model, self.service_tier, self.context_window, self.token_type)))

    @property
    def variant(self) -> tuple[str, str | None]:
        return str(self.inference_geo), speed_of(self.description)


def speed_of(description: object) -> str | None:
    """`fast` or `standard`, as the text of a line of tokens has it; None without a text."""
    if not isinstance(description, str):
        return None
    return "fast" if FAST.search(description) else "standard"


def days_of_many_prices(cost_lines: Records) -> list[date]:
    """The days on which some lines of tokens differ in geography or speed alone: the first usage request does not show
    which keys used which of them.
    """
    variants: dict[tuple[date, tuple[str, ...]], set[tuple[str, str | None]]] = {}
    decoder = msgspec.json.Decoder(_Place)
    for day, text in cost_lines.lines.select("activity_date", "record").iter_rows():
        try:
            place = decoder.decode(text)
        except msgspec.ValidationError:  # no object: core rejects it
            continue
        if place.token_type is not None:
            variants.setdefault((day, place.cell), set()).add(place.variant)
    return sorted({day for (day, _), found in variants.items() if len(found) > 1})
