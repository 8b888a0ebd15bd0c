"""OpenAI's core rows written by hand, and its marts built from them, without a provider or the gate."""

from collections.abc import Iterable
from datetime import date

from ai_usage.catalog import TABLES
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage.providers.openai.client import OpenAIAdmin
from ai_usage.providers.openai.tables import DAILY_PULLS
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.googlesql.lines import Lines, rows
from ai_usage_tests.platform import Platform

BY_ADDRESS = {table.address: table for table in TABLES}
ADMIN = OpenAIAdmin.open(base_url="http://127.0.0.1:1/openai/v1", key="sk-admin-x", is_simulated=True)
WORKSPACE = OpenAIAdmin.open(base_url="http://127.0.0.1:1/codex", key="sk-codex-x", workspace="w-1", is_simulated=True)
CLIENTS = [ADMIN, WORKSPACE]
MARTS = ("openai_cost_shares", "openai_attributed_costs", "ai_spend", "ai_activity")


def fill(platform: Platform, lines: Lines) -> None:
    """These lines, in the format of `googlesql.world`, replace the rows of their tables."""
    for address, of_table in lines.items():
        table, found = BY_ADDRESS[address], rows(BY_ADDRESS[address], of_table)
        columns = {name: [row[at] for row in found] for at, name in enumerate(table.columns)}
        platform.warehouse.replace_all(table, table.frame(columns))


def pulled(platform: Platform, days: Iterable[date]) -> None:
    """Records empty pulls of every daily report: core is written by hand."""
    for pull in DAILY_PULLS:
        platform.warehouse.append(pull, [Answer("openai", day, [], 1, {}, {}) for day in days])


def build(platform: Platform, span: Span) -> None:
    """The marts of OpenAI, and its rows in the marts of all providers."""
    with platform.warehouse.connected():
        for mart in marts():
            if mart.table.name in MARTS:
                of = {"provider": "openai"} if mart.each else None
                platform.warehouse.fill_days(
                    mart.table, mart.query, span.days, of=of, first_day=span.first, last_day=span.last
                )
