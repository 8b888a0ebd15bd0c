"""GoogleSQL that BigQuery refuses: outer joins without an equality, and queries that are too large."""

import pytest

from ai_usage.warehouse.googlesql import parsed
from ai_usage_tests.googlesql.limits import Reads, correlated_subqueries, outer_joins_without_equality
from ai_usage_tests.googlesql.texts import every_text, view_texts

READS_AT_MOST = 250  # reads of base tables by one query, after views and WITH are expanded


def test_every_outer_join_has_an_equality_between_its_sides() -> None:
    found = {where: outer_joins_without_equality(parsed(sql)) for where, sql in every_text().items()}
    assert {where: joins for where, joins in found.items() if joins} == {}


@pytest.mark.parametrize(("join", "is_refused"), [
    ("left join b on a.x = b.x", False),
    ("left join b using (x)", False),
    ("left join b on a.x >= b.x and coalesce(a.y, '') = coalesce(b.y, '')", False),
    ("cross join b", False),
    ("inner join b on a.x >= b.x", False),
    ("left join unnest(a.xs) as x", False),
    ("full join b on a.x = b.x and a.y = b.y", False),
    ("left join b on a.x >= b.x", True),
    ("left join b on b.x = 7", True),
    ("left join b on a.x = b.x or a.y = b.y", True),
    ("left join b on a.x = a.y and b.x = b.y", True),
    ("left join b on a.x + b.x = 7", True),
    ("left join b on x = y", True),
    ("right join b on true", True),
    ("full join b on a.x = b.x and a.y > b.y", True),
])  # fmt: skip
def test_an_outer_join_without_an_equality_between_its_sides_is_seen(join: str, *, is_refused: bool) -> None:
    assert bool(outer_joins_without_equality(parsed(f"select 1 from a {join}"))) is is_refused


def test_no_query_reads_base_tables_more_often_than_bigquery_takes() -> None:
    reads = Reads(view_texts())
    found = {where: reads.of(sql) for where, sql in every_text().items()}
    assert {where: count for where, count in found.items() if count > READS_AT_MOST} == {}
    assert max(found.values()) > 20, "steps and views are written out"


@pytest.mark.parametrize(("sql", "count"), [
    ("select 1 from d.t", 1),
    ("select 1 from d.t cross join d.t as u", 2),
    ("select 1 from d.v", 2),
    ("select (select max(x) from d.t) as y from unnest([1]) as x", 1),
    ("with a as (select 1 from d.t), b as (select 1 from a cross join a as c) select 1 from b cross join b as c", 4),
    ("with a as (select 1 from d.v) select 1 from a union all (with a as (select 1) select 1 from a)", 2),
])  # fmt: skip
def test_reads_are_counted_with_views_and_steps_written_out(sql: str, count: int) -> None:
    assert Reads({"d.v": "select 1 from d.t cross join d.u"}).of(sql) == count


def test_no_subquery_over_a_table_depends_on_the_row_outside() -> None:
    found = {where: correlated_subqueries(parsed(sql)) for where, sql in every_text().items()}
    assert {where: queries for where, queries in found.items() if queries} == {}


@pytest.mark.parametrize(("sql", "is_refused"), [
    ("select (select max(x) from d.u) from d.t", False),
    ("select (select max(x) from unnest(t.xs) as x) from d.t as t", False),
    ("select 1 from d.t where x in (select u.x from d.u as u)", False),
    ("select (select max(u.x) from d.u as u where u.y = t.y) from d.t as t", True),
    ("select 1 from d.t as t where exists (select 1 from d.u as u where u.y < t.y)", True),
])  # fmt: skip
def test_a_subquery_that_depends_on_the_row_outside_is_seen(sql: str, *, is_refused: bool) -> None:
    assert bool(correlated_subqueries(parsed(sql))) is is_refused
