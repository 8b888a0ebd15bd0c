"""Two boards, and the steps that create them in Metabase."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from ai_usage.dashboards.boards import Board, board
from ai_usage.dashboards.metabase.client import Metabase
from ai_usage.dashboards.metabase.plan import Step
from ai_usage.dashboards.metabase.provision import Provision, duckdb_database
from ai_usage.dashboards.metabase.wanted import wanted
from ai_usage.ingest.http.retry import Patience
from ai_usage_tests.dashboards.metabase_stand_in import ADMIN, StandIn

QUICK = Patience(attempts=4, seconds=20, first_wait=0.001, longest_wait=0.001, jitter=0)
DATABASE = duckdb_database("AI usage", "/warehouse/ai_usage_published.duckdb")
SQL = "select month, provider, team_name, user_email, billed_usd, lines, low_usd, high_usd from ai_usage_analytics.t"
COLUMNS = ["month", "provider", "team_name", "user_email", "billed_usd", "lines", "low_usd", "high_usd"]
SPEND = """
title: Spend
reader: Finance
about: What it costs.
order: 1
filters: [period, provider, person]
sections: [{row: 0, title: Now}, {row: 3, title: Over time}]
cards:
  - name: total
    title: Spend
    question: How much?
    display: number
    place: {row: 0, column: 0, width: 6, height: 3}
    filters: {provider: provider}
    measures: {spent_usd: {label: Spend, format: usd, of: billed_usd}}
  - name: trend
    title: Spend by provider
    question: Where does it go?
    display: area
    place: {row: 3, column: 0, width: 16, height: 8}
    filters: {period: month, provider: provider, person: user_email}
    dimensions:
      month: {label: Month, format: month}
      provider: {label: Provider, format: text}
    measures: {spent_usd: {label: Spend, format: usd, of: billed_usd}}
    x: month
    y: [spent_usd]
    series: provider
    caveat: A bill, not a value.
"""
OUTPUT = """
title: Output
reader: Engineering
about: What comes of it.
order: 2
filters: [period, team]
cards:
  - name: teams
    title: Lines by team
    question: Who writes them?
    display: row
    place: {row: 0, column: 0, width: 12, height: 6}
    filters: {period: month, team: team_name}
    dimensions: {team_name: {label: Team, format: text}}
    measures:
      lines: {label: Lines, format: count, of: lines}
      people: {label: People, format: count, distinct: user_email}
    x: team_name
    y: [lines]
    sort: -lines
    top: 3
    smallest_group: 5
"""


def read(name: str, text: str) -> Board:
    return board(name, text, lambda _: COLUMNS)


def both() -> list[Board]:
    return [read("spend", SPEND), read("output", OUTPUT)]


def provision(metabase: Metabase, boards: Sequence[Board], *, is_simulated: bool = False, **other: Any) -> Provision:
    return Provision(
        metabase, wanted(boards, engine="duckdb", is_simulated=is_simulated), other.get("database", DATABASE)
    )


def bring(
    there: StandIn,
    boards: Sequence[Board] | None = None,
    *,
    patience: Patience = QUICK,
    key: str = ADMIN,
    **other: Any,
) -> list[Step]:
    """Provisions the boards as APPLY=1 does, and asserts that a second run finds nothing to do. Returns the steps of
    the first run.
    """
    with closing(Metabase.open(url=there.url, key=key, patience=patience)) as metabase:
        run = provision(metabase, both() if boards is None else boards, **other)
        found = run.look()
        todo = run.steps(found)
        run.apply(found, report=lambda _: None)
        assert run.steps(run.look()) == []
        return todo
