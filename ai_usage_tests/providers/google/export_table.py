"""The billing export's table in BigQuery: its columns, and the contract's samples as GoogleSQL literals."""

import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parents[2] / "fixtures" / "gemini"
SENT: list[dict[str, Any]] = json.loads((FIXTURES / "billing_export_rows.json").read_text(encoding="utf-8"))
TEXT, FLOAT, TIME = "STRING", "FLOAT64", "TIMESTAMP"
PAIRS = [("key", TEXT), ("value", TEXT)]
SCHEMA: list[tuple[str, Any]] = [
    ("billing_account_id", TEXT),
    ("service", [("id", TEXT), ("description", TEXT)]),
    ("sku", [("id", TEXT), ("description", TEXT)]),
    ("usage_start_time", TIME),
    ("usage_end_time", TIME),
    ("project", [("id", TEXT), ("number", TEXT), ("name", TEXT), ("labels*", PAIRS), ("ancestry_numbers", TEXT)]),
    ("labels*", PAIRS),
    ("tags*", [*PAIRS, ("inherited", "BOOL"), ("namespace", TEXT)]),
    ("location", [("location", TEXT), ("country", TEXT), ("region", TEXT), ("zone", TEXT)]),
    ("cost", FLOAT),
    ("currency", TEXT),
    ("currency_conversion_rate", FLOAT),
    ("usage", [("amount", FLOAT), ("unit", TEXT), ("amount_in_pricing_units", FLOAT), ("pricing_unit", TEXT)]),
    ("credits*", [("name", TEXT), ("amount", FLOAT), ("type", TEXT), ("id", TEXT), ("full_name", TEXT)]),
    ("invoice", [("month", TEXT), ("publisher_type", TEXT)]),
    ("cost_type", TEXT),
    ("adjustment_info", [("id", TEXT), ("description", TEXT), ("mode", TEXT), ("type", TEXT)]),
    ("export_time", TIME),
    ("cost_at_list", FLOAT),
    ("transaction_type", TEXT),
    ("seller_name", TEXT),
    ("subscription", [("instance_id", TEXT)]),
]


def literal(kind: Any, value: Any) -> str:
    """A value as a GoogleSQL literal."""
    if value is None:
        return "null"
    if isinstance(kind, list) and isinstance(value, list):
        return f"[{', '.join(literal(kind, one) for one in value)}]"
    if isinstance(kind, list):
        parts = (f"{literal(of, value.get(name.rstrip('*')))} as {name.rstrip('*')}" for name, of in kind)
        return f"struct({', '.join(parts)})"
    if kind == TIME:
        return f"timestamp '{value}'"
    return json.dumps(value) if kind == TEXT else repr(value)


def type_of(name: str, kind: Any) -> str:
    """A column's type in GoogleSQL; a name with a star is a repeated column."""
    of_one = kind if isinstance(kind, str) else f"struct<{', '.join(f'{plain(n)} {type_of(n, of)}' for n, of in kind)}>"
    return f"array<{of_one}>" if name.endswith("*") else of_one


def plain(name: str) -> str:
    return name.rstrip("*")


def as_query(sent: dict[str, Any]) -> str:
    """A SELECT of one row of the table, with the pseudo-column of its partition."""
    columns = ", ".join(
        f"cast({literal(kind, sent.get(plain(name)))} as {type_of(name, kind)}) as {plain(name)}"
        for name, kind in SCHEMA
    )
    return f"select {columns}, timestamp_trunc(timestamp '{sent['export_time']}', day) as _PARTITIONTIME"
