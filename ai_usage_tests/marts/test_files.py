"""A mart's file declares its table: a header with a missing or wrong line is an error that names the file."""

import pytest
from sqlglot import exp

from ai_usage.ingest.rejections import RECORD_REJECTIONS
from ai_usage.marts import files
from ai_usage.marts.assets import parents_of
from ai_usage.marts.files import Mart, marts, read_mart, refuse_other_columns
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.warehouse.googlesql import parsed, read
from ai_usage.warehouse.table import ANALYTICS, RAW, Type

GOOD = """-- What it answers,
-- in two lines.
--
-- grain: one day
-- built: daily by some_date
-- group: spend
-- blocked by: anthropic
-- cluster: name
-- columns:
--   some_date date not null: the UTC day
--   cost_usd numeric: billed, in USD,
--     or not
--   name string: of whom
select
    a.activity_date as some_date,
    b.cost_usd,
    a.workspace_name as name
from ai_usage_analytics.claude_costs as a
inner join ai_usage_analytics.other_mart as b on a.activity_date = b.expense_date
inner join ai_usage_raw.pulls as p on p.pull = 'claude_cost_report' and a.activity_date = p.activity_date
inner join ai_usage_raw.pulls as q on q.pull in ('cursor_usage_events', 'cursor_members')
"""
NAMES = frozenset({"good", "other_mart"})


def test_the_header_is_the_table_and_the_select_what_it_reads() -> None:
    mart = read_mart("marts/good", GOOD, NAMES)
    assert (mart.about, mart.table.grain, mart.table.date_column) == (
        "What it answers, in two lines.",
        "one day",
        "some_date",
    )
    assert mart.group == "spend"
    assert mart.table.cluster == ("name",)
    assert mart.blocked_by == (ANTHROPIC.gate,)
    columns = {name: (c.type, c.required, c.description) for name, c in mart.table.columns.items()}
    assert columns == {
        "some_date": (Type.DATE, True, "the UTC day"),
        "cost_usd": (Type.NUMERIC, False, "billed, in USD, or not"),
        "name": (Type.STRING, False, "of whom"),
    }
    assert mart.reads == {
        ("core", "claude_costs"),
        ("marts", "other_mart"),
        ("raw", "claude_cost_report"),
        ("raw", "cursor_usage_events"),
        ("raw", "cursor_members"),
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-- grain: one day\n", "", "no line '-- grain: …'"),
        ("-- built: daily by some_date\n", "", "no line '-- built: …'"),
        ("-- group: spend\n", "", "no line '-- group: …'"),
        ("daily by some_date", "hourly", "'daily by <column>', 'monthly by <column>', 'whole' or 'view', not 'hourly'"),
        ("daily by some_date", "daily", "'daily by <column>', 'monthly by <column>', 'whole' or 'view', not 'daily'"),
        (
            "blocked by: anthropic",
            "blocked by: clod",
            r"knows \['anthropic', 'cursor', 'google', 'openai'\], not \['clod'\]",
        ),
        ("cost_usd numeric:", "cost_usd money:", "with a type of .*numeric.*; not 'cost_usd money"),
        ("name string: of whom", "name string", "a column's line is"),
    ],
)
def test_a_file_with_a_missing_or_wrong_header_is_named(old: str, new: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"sql/marts/good.sql.*{message}"):
        read_mart("marts/good", GOOD.replace(old, new), NAMES)


@pytest.mark.parametrize(("old", "new"), [("    b.cost_usd,\n", ""), ("as name", "as nome")])
def test_a_file_that_selects_other_columns_than_its_header_is_named(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GOOD.replace(old, new)
    monkeypatch.setattr(files, "read", lambda _: text)
    with pytest.raises(ValueError, match=r"sql/marts/good.sql must select the columns of its header"):
        refuse_other_columns(read_mart("marts/good", text, NAMES))


@pytest.mark.parametrize("mart", marts(), ids=lambda mart: mart.query)
def test_a_file_selects_its_columns_and_reads_what_its_parsed_select_reads(mart: Mart) -> None:
    refuse_other_columns(mart)
    select = parsed(read(mart.query))
    tables = {(table.db, table.name) for table in select.find_all(exp.Table) if table.db}
    named = {"core": ANALYTICS, "marts": ANALYTICS, "raw": RAW}
    of_pulls = (RAW, "pulls") in tables
    pulls = {(layer, name) for layer, name in mart.reads if layer == "raw" and of_pulls}
    assert {(named[layer], name) for layer, name in mart.reads - pulls} == tables - {
        (RAW, "pulls"),
        (ANALYTICS, RECORD_REJECTIONS.name),
    }
    assert {name for _, name in pulls} == {
        literal.this
        for compared in select.find_all(exp.EQ, exp.In)
        if of_pulls and isinstance(compared.this, exp.Column) and compared.this.name == "pull"
        for literal in compared.find_all(exp.Literal)
    }


def test_what_a_mart_reads_stands_before_it() -> None:
    seen: set[str] = set()
    for mart in marts():
        assert {table for layer, table in mart.reads if layer == "marts"} <= seen
        seen.add(mart.table.name)


def test_a_run_without_the_views_builds_the_tables_behind_them_first() -> None:
    """Each table that a mart reads through views is its parent: Dagster orders the steps of a run only by parents."""
    found = {mart.table.name: parents_of(mart) for mart in marts()}
    assert ("marts", "claude_priced_tiers") in found["claude_allocated_shares"]
    assert {("marts", "claude_cost_shares"), ("core", "dim_workspace")} <= found["claude_attributed_costs"]
    assert found["claude_platform_costs"] == {
        *(("marts", name) for name in ("claude_measured_costs", "claude_platform_pieces", "claude_platform_shares"))
    }


def test_a_mart_stands_under_its_subject_or_under_the_one_of_its_provider() -> None:
    groups = {mart.query: mart.group for mart in marts()}
    shared = {group for query, group in groups.items() if query.startswith("marts/")}
    assert shared == {"spend", "activity", "forecast", "close", "quality"}
    own = {(query.split("/")[1], group) for query, group in groups.items() if query.startswith("providers/")}
    assert own == {("anthropic", "claude"), ("cursor", "cursor"), ("google", "google"), ("openai", "openai")}
