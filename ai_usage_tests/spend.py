"""Rows of ai_spend, of every kind, written by hand to a test's warehouse."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from ai_usage.warehouse import googlesql
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage_tests.marts.by_hand import know_providers

MONTH_DAY = date(2026, 10, 5)
SPEND = "ai_usage_analytics.ai_spend"
COLUMNS = {
    "spend_date": "date not null",
    "provider": "varchar not null",
    "platform": "varchar not null",
    "account": "varchar",
    "billing_account_id": "varchar not null",
    "sub_account": "varchar",
    "api_key_id": "varchar",
    "user_email": "varchar",
    "team_name": "varchar",
    "cost_center": "varchar",
    "model": "varchar",
    "meter": "varchar not null",
    "charge_type": "varchar not null",
    "billed_usd": "decimal(38, 9)",
    "estimated_usd": "decimal(38, 9)",
    "list_usd": "decimal(38, 9)",
    "billed_amount": "decimal(38, 9)",
    "billed_currency": "varchar",
    "quantity": "decimal(38, 9)",
    "unit": "varchar",
    "attribution_method": "varchar not null",
    "status": "varchar not null",
}
OPUS = "claude-opus-4-5-20251101"

Row = dict[str, Any]


def _row(meter: str, values: Row) -> Row:
    money = {
        name: Decimal(values[name]) for name in COLUMNS if "decimal" in COLUMNS[name] and values.get(name) is not None
    }
    return {"spend_date": MONTH_DAY, "status": "provisional", "meter": meter} | values | money


def claude(meter: str = "output_tokens", /, **values: Any) -> Row:
    """$30 of a model's output through a key, at list price."""
    row = {
        "provider": "anthropic",
        "platform": "claude_api",
        "account": "default",
        "billing_account_id": "org-1",
        "sub_account": "wrkspc_team",
        "api_key_id": "apikey_1",
        "user_email": "dev@example.com",
        "team_name": "Data",
        "model": OPUS,
        "charge_type": "usage",
        "billed_usd": "30",
        "list_usd": "30",
        "quantity": "1200000",
        "unit": "tokens",
        "attribution_method": "key_sheet",
    }
    return _row(meter, row | values)


def cursor(meter: str = "usage_based", /, **values: Any) -> Row:
    """An agent's request, charged on top of the seats."""
    row = {
        "provider": "cursor",
        "platform": "cursor",
        "account": "default",
        "billing_account_id": "cursor-team",
        "user_email": "dev@example.com",
        "model": "gpt-5",
        "charge_type": "usage",
        "billed_usd": "0.04",
        "quantity": "1",
        "unit": "requests",
        "attribution_method": "actor",
    }
    return _row(meter, row | values)


def euros(meter: str = "output_tokens", /, **values: Any) -> Row:
    """100 of 110 EUR at list price, as Google bills them at 0.8 EUR per dollar."""
    row = {
        "provider": "google",
        "platform": "vertex_ai",
        "account": "default",
        "billing_account_id": "AAAAAA-BBBBBB-CCCCCC",
        "sub_account": "project-a",
        "model": "gemini-3-flash",
        "charge_type": "usage",
        "billed_usd": "125",
        "list_usd": "137.5",
        "billed_amount": "100",
        "billed_currency": "EUR",
        "quantity": "40000000",
        "unit": "tokens",
        "attribution_method": "unattributed",
    }
    return _row(meter, row | values)


def seat(provider: str = "cursor", plan: str | None = "Teams", /, **values: Any) -> Row:
    """A day's share of a seat of $40 in a month of 31 days."""
    platform, account = {"cursor": ("cursor", "cursor-team"), "anthropic": ("claude.ai", "org-1")}[provider]
    row = {
        "provider": provider,
        "platform": platform,
        "billing_account_id": account,
        "sub_account": plan,
        "user_email": "dev@example.com",
        "charge_type": "subscription",
        "billed_usd": "1.290322581",
        "quantity": "0.032258065",
        "unit": "seats",
        "attribution_method": "seat",
    }
    return _row("seat", row | values)


UNATTRIBUTED = {"user_email": None, "team_name": None, "attribution_method": "unattributed"}
NO_KEY = {"api_key_id": None}
NO_TOKENS = {"quantity": None, "unit": None, "list_usd": None}
EVERY_KIND: dict[str, Row] = {
    "a key's output": claude(),
    "input of the default workspace": claude(
        "uncached_input_tokens", sub_account="default", billed_usd="0.000000005", list_usd="0.000000005", quantity="1"
    ),
    "batch, at half the list price": claude("cache_read_input_tokens", billed_usd="0.15", list_usd="0.3"),
    "a split share of mixed tiers": claude(
        "cache_creation.ephemeral_5m_input_tokens",
        billed_usd="1.234567891",
        list_usd=None,
        quantity="98765432.1",
    ),
    "claude code by its actor": claude(platform="claude_code", attribution_method="actor", **NO_KEY),
    "the workbench": claude(platform="workbench", attribution_method="actor", **NO_KEY),
    "an api cost of an unknown platform": claude(platform="unsegmented", sub_account=None, **NO_KEY, **UNATTRIBUTED),
    "claude.ai beyond its seats": claude(platform="claude.ai", sub_account=None, **NO_KEY),
    "web search, without a model": claude("web_search", model=None, billed_usd="0.01", list_usd="0.01")
    | {"quantity": Decimal(1), "unit": "requests"},
    "code execution, not measured": claude("code_execution", model=None, billed_usd="0.05", **NO_TOKENS),
    "a session": claude("session_usage", model=None, billed_usd="0.08", **NO_TOKENS, **UNATTRIBUTED),
    "a service account of cursor": cursor(user_email="bot-1@service", billed_usd="0.123456789", quantity="123456")
    | {"unit": "tokens"},
    "a request of cursor": cursor(status="final"),
    "a member's own key in cursor": cursor("api_key", billed_usd="0.01", model=None),
    "a free request": cursor(billed_usd="0"),
    "usage given back": claude(billed_usd="-1.5", list_usd="-1.5", quantity="60000"),
    "a bill in euros": euros(),
    "nothing billed in euros": euros("input_tokens", billed_usd="0", billed_amount="0", list_usd="0"),
    "a seat of cursor": seat(),
    "unassigned seats of cursor": seat(quantity="83", billed_usd="107.096774223", **UNATTRIBUTED),
    "unassigned seats of several plans at one price": seat(
        "cursor", None, quantity="2", billed_usd="2.580645162", **UNATTRIBUTED
    ),
    "a seat of claude": seat("anthropic", "Team Premium", quantity=None, unit=None),
    "a credit": claude(
        "credit", charge_type="credit", billed_usd="-25", model=None, **NO_TOKENS, **NO_KEY, **UNATTRIBUTED
    ),
}
ESTIMATES: dict[str, Row] = {
    "claude code's own estimate": claude("claude_code_estimate", billed_usd=None, estimated_usd="12.5"),
    "the request formula": cursor("request_formula", billed_usd=None, estimated_usd="0.4"),
    "a seat with an unknown price": seat(billed_usd=None),
    "a member's seat of one of several plans": seat("cursor", None, billed_usd=None, quantity=None, unit=None),
}


def _text(value: object) -> str | None:
    return f"{value:f}" if isinstance(value, Decimal) else None if value is None else str(value)


def spend(warehouse: DuckDBWarehouse, rows: Iterable[Row]) -> None:
    """Fill ai_spend with rows, and create its view, as the platform would."""
    know_providers(warehouse)
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    given = list(rows)
    texts = pl.DataFrame(
        {name: [_text(row.get(name)) for row in given] for name in COLUMNS}, dict.fromkeys(COLUMNS, pl.String)
    )
    with warehouse.connected() as db:
        db.execute(f"create table if not exists {SPEND} ({columns})")
        db.execute(f"delete from {SPEND}")
        db.register("given", texts)
        db.execute(f"insert into {SPEND} by name select * from given")
        db.unregister("given")
        select, _ = googlesql.to_duckdb(googlesql.read("marts/focus_1_2"))
        db.execute(f"create or replace view ai_usage_analytics.focus_1_2 as {select}")
