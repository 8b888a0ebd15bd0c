"""Marts that are a union over providers: each provider's rows are built and blocked independently of the others."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ai_usage.catalog import TABLES
from ai_usage.check import DailyCheck
from ai_usage.checks.registry import CHECKS
from ai_usage.marts import build_days, files
from ai_usage.marts.build_days import ProvidersNotBuilt, rebuild_days
from ai_usage.marts.files import contracts, marts
from ai_usage.marts.gate import MISSING, blocked_accounts, by_day
from ai_usage.partitions import Span
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse import googlesql
from ai_usage.warehouse.duckdb import statements
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.reads import reads_of
from ai_usage_tests.marts.by_hand import know_providers, pull, put
from ai_usage_tests.platform import Platform, platform_in

DAY, NEXT = date(2026, 11, 10), date(2026, 11, 11)
SPAN = Span(DAY, NEXT)
AI_SPEND = next(mart for mart in marts() if mart.table.name == "ai_spend")
ONE, OTHER = (provider.key for provider in PROVIDERS[:2])
BILLS = ("claude_cost_report", "cursor_usage_events")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return platform_in(tmp_path_factory.mktemp("each"))


@pytest.fixture
def billed(desk: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Each provider billed a dollar on both days, and nothing is blocked."""
    monkeypatch.setattr(build_days, "blocked_accounts", lambda *_: {})
    at = datetime(2026, 11, 12, 6, tzinfo=UTC)
    put(desk, "pulls", [pull(bill, day, at) for bill in BILLS for day in SPAN.days])
    know_providers(desk.warehouse)
    put(desk, "ai_spend", [])
    spend(desk, "1")
    assert rebuild_days(desk.warehouse, AI_SPEND, SPAN).rows == 4
    assert dollars(desk) == {(provider, day): 1 for provider in (ONE, OTHER) for day in SPAN.days}
    return desk


def spend(desk: Platform, usd: str) -> None:
    both: dict[str, dict[str, Any]] = {
        "claude_attributed_costs": {"cost_usd": Decimal(usd)},
        "cursor_expenses": {"billed_usd": Decimal(usd), "cost_type": "usage_based"},
    }
    for table, row in both.items():
        put(desk, table, [{"expense_date": day, **row} for day in SPAN.days])


def dollars(desk: Platform) -> dict[tuple[str, date], int]:
    rows = desk.sql("select provider, spend_date, billed_usd from ai_usage_analytics.ai_spend")
    return {(provider, day): int(usd) for provider, day, usd in rows}


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.key)
def test_a_gate_and_the_check_for_missing_days_read_no_core_table_of_another_provider(
    desk: Platform, provider: Provider
) -> None:
    """A fault in one provider's tables or SQL blocks no other one, and what was known of the others stays known."""
    asked: list[str] = []
    ask = DuckDBWarehouse.ask

    def noted(self: DuckDBWarehouse, googlesql: str, **parameters: Any) -> pl.DataFrame:
        asked.append(googlesql)
        return ask(self, googlesql, **parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DuckDBWarehouse, "ask", noted)
        blocked_accounts(desk.warehouse, SPAN, provider.gate)
        for check in CHECKS:
            if (check.name, check.provider) == (MISSING, provider.key) and isinstance(check, DailyCheck):
                check.evaluate(desk.warehouse, SPAN)
    views = {table.address: table for table in TABLES if table.view_of}
    read = set().union(*(reads_of(text, views).tables for text in asked))
    own = {table.address for core in provider.core for table in core.tables}
    others = {table.address for each in PROVIDERS for core in each.core for table in core.tables} - own
    assert provider.gate.provider == provider.key
    assert read & own
    assert read & others == set()


def test_a_blocked_day_of_a_provider_keeps_its_last_good_rows_and_no_other_ones(
    billed: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {PROVIDERS[0].gate: {DAY: {None: ["ledger_is_whole"]}}}
    monkeypatch.setattr(build_days, "blocked_accounts", lambda _, days, gate: wrong.get(gate, {}))
    spend(billed, "2")
    assert rebuild_days(billed.warehouse, AI_SPEND, SPAN).blocked == {DAY: [f"{ONE}: ledger_is_whole"]}
    assert dollars(billed) == {(ONE, DAY): 1, (ONE, NEXT): 2, (OTHER, DAY): 2, (OTHER, NEXT): 2}


def test_a_select_of_one_provider_that_fails_leaves_the_others_rows_built_and_is_named(
    billed: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str, provider: str | None = None) -> str:
        return "select no_such_column" if provider == ONE else googlesql.read(name, provider)

    monkeypatch.setattr(statements, "read", broken)
    spend(billed, "2")
    with pytest.raises(ProvidersNotBuilt, match=f"^rows of {ONE}: BinderException: .*no_such_column"):
        rebuild_days(billed.warehouse, AI_SPEND, SPAN)
    assert dollars(billed) == {(ONE, DAY): 1, (ONE, NEXT): 1, (OTHER, DAY): 2, (OTHER, NEXT): 2}


@pytest.mark.parametrize(
    ("blocked", "named"),
    [
        ({"default": ["a", "b"]}, ["a", "b"]),
        ({"eu": ["a"]}, ["a (eu)"]),
        ({"default": ["a"], "eu": ["a"]}, ["a (default)", "a (eu)"]),
        ({None: ["a"], "default": ["b"]}, ["a", "b"]),
        ({None: ["a"], "default": ["b"], "eu": ["b"]}, ["a", "b (default)", "b (eu)"]),
    ],
)
def test_each_account_that_is_blocked_beside_another_one_is_named(
    blocked: dict[str | None, list[str]], named: list[str]
) -> None:
    assert by_day({DAY: blocked}) == {DAY: named}


def test_rows_of_before_there_was_a_provider_column_are_replaced(billed: Platform) -> None:
    billed.sql("alter table ai_usage_analytics.ai_spend alter column provider drop not null")
    billed.sql("update ai_usage_analytics.ai_spend set provider = null")
    rebuild_days(billed.warehouse, AI_SPEND, Span(DAY, DAY))
    counted = billed.sql("select spend_date, count(*), count(provider) from ai_usage_analytics.ai_spend group by all")
    assert sorted(counted) == [(DAY, 2, 2), (NEXT, 2, 0)]


def test_a_file_of_other_columns_than_its_contract_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, select in (("contracts", "1 as toys, 'a' as name"), ("providers/toy", "'a' as name, 1 as toys")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "toy_facts.sql").write_text(f"-- Toys.\nselect {select}\n")
    monkeypatch.setattr(googlesql, "SQL", tmp_path)
    monkeypatch.setattr(files, "SQL", tmp_path)
    with pytest.raises(ValueError, match=r"sql/providers/toy/toy_facts.sql must select \['toys', 'name'\], in this"):
        contracts.__wrapped__()
    (tmp_path / "providers/toy/toy_facts.sql").write_text("-- Toys.\nselect 2 as toys, 'b' as name\n")
    googlesql.read.cache_clear()
    assert contracts.__wrapped__() == {"toy_facts": ["toys", "name"]}


def kind(of: pl.DataType) -> str:
    """A column's type. DuckDB's sum of integers is a wide decimal type without decimals."""
    return "Int64" if isinstance(of, pl.Decimal) and of.scale == 0 else str(of.base_type())


@pytest.mark.parametrize("part", sorted(contracts()))
def test_what_a_provider_supplies_has_the_types_of_the_contract(desk: Platform, part: str) -> None:
    """A union converts where it can: a number in a text column would pass there."""
    of = {"first_day": DAY, "last_day": DAY}
    wanted = desk.warehouse.query(f"contracts/{part}", **of).schema
    for provider in googlesql.providers_with(part):
        found = desk.warehouse.query(f"providers/{provider}/{part}", **of).schema
        assert {name: kind(found[name]) for name in wanted} == {name: kind(of) for name, of in wanted.items()}, provider


def test_what_providers_supply_is_read_under_their_own_names() -> None:
    both, one = googlesql.read("marts/ai_spend"), googlesql.read("marts/ai_spend", ONE)
    assert f"select '{ONE}' as provider" in both
    assert f"select '{OTHER}' as provider" in both
    assert f"select '{OTHER}' as provider" not in one
