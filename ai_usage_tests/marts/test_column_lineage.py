"""Each column of a mart leads to its source columns, through all steps of its SELECT."""

import dagster as dg
import pytest

from ai_usage.catalog import TABLES
from ai_usage.marts.column_lineage import column_lineage, origins_of
from ai_usage.marts.files import marts

COLUMNS = {table.name: table.columns.keys() for table in TABLES}


def origins(mart: str, column: str) -> set[tuple[str, str]]:
    [of] = [one for one in marts() if one.table.name == mart]
    return {(dep.asset_key.to_user_string(), dep.column_name) for dep in column_lineage(of).deps_by_column[column]}


def test_a_column_leads_to_the_columns_that_it_is_computed_from() -> None:
    assert origins("ai_spend", "status") == {("marts/settled_days", "status")}
    assert origins("claude_total_expenses", "cost_usd") == {("core/claude_costs", "amount_usd")}
    assert origins("spend_growth", "spent_usd") == {
        ("marts/spend_by_scope", "spent_usd"),
        ("marts/spend_by_scope", "spend_date"),  # it separates the amounts of the two months
    }


def test_a_union_over_providers_leads_to_the_columns_of_each_of_them() -> None:
    assert origins("ai_spend", "billed_usd") == {
        ("marts/claude_attributed_costs", "cost_usd"),
        ("marts/cursor_expenses", "billed_usd"),
        ("marts/gemini_attributed_costs", "amount_usd"),
        ("marts/openai_attributed_costs", "amount_usd"),
        ("marts/purchased_seats", "billed_usd"),
    }


def test_every_column_of_every_mart_is_made_of_columns_that_the_tables_it_reads_have() -> None:
    for mart in marts():
        lineage = column_lineage(mart).deps_by_column
        assert lineage.keys() == mart.table.columns.keys()
        deps = {dep for of in lineage.values() for dep in of}
        assert deps or {layer for layer, _ in mart.reads} <= {"raw"}, mart.table.name  # from the list of pulls
        assert {dep.asset_key for dep in deps} <= {dg.AssetKey(list(parent)) for parent in mart.reads}
        assert [dep for dep in deps if dep.column_name not in COLUMNS[dep.asset_key.path[-1]]] == []


@pytest.mark.parametrize(
    ("select", "found"),
    [
        ("select a.x + b.y as z from s.a as a inner join s.b as b on a.k = b.k", {("a", "x"), ("b", "y")}),
        ("with c as (select x, k from s.a) select c.* except (k) from c", {("a", "x")}),
        ("select x from s.a union all select other from s.b", {("a", "x"), ("b", "other")}),
        ("select kind from s.a cross join unnest(['all', a.x]) as kind", {("a", "x")}),
        ("select sum(x) over (partition by y) as z from s.a", {("a", "x"), ("a", "y")}),
        ("select (select max(b.y) from s.b as b where b.k = a.k) as z from s.a as a", {("b", "y")}),
        ("select array_length(array(select b.y + a.x from s.b as b)) as z from s.a as a", {("a", "x"), ("b", "y")}),
        ("select count(*) as z from s.a", set()),
        (
            "with x as (select * except (provider) from s.sub_accounts) select x.* except (sub_account_name) from x",
            {("sub_accounts", "sub_account")},
        ),
    ],
)
def test_what_an_expression_reads_is_an_origin(select: str, found: set[tuple[str, str]]) -> None:
    [of] = origins_of(select).values()
    assert of == found


@pytest.mark.parametrize(
    ("select", "sentence"),
    [
        ("select x from s.a as a cross join s.b as b", "x has 2 sources"),
        ("with c as (select x from s.a) select c.y from c", "c.y has no sources"),
        ("select * from s.a", "a star reads a, which is no table of core and no mart"),
    ],
)
def test_a_column_without_one_source_is_an_error_that_names_it(select: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        origins_of(select)
