"""The errors of the forecasts, for `bench`: every forecast of two years, repeated from the data known on its day, for
companies that were not used to choose constants (forecast_world) and for the simulated company. Errors and coverage are
the same on every machine. The tables of docs/forecasting.md are written from them.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from ai_usage.commands.warehouse_file import warehouse_file
from ai_usage.core.public_holidays import DIM_HOLIDAY
from ai_usage.core.sheets import SEATS
from ai_usage.marts.build_days import rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.places import ROOT
from ai_usage.settings import settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.table import ANALYTICS as A
from bench.forecast_world import HOLIDAYS, SHAPES, SIZES, World

Row = dict[str, Any]
Measure = Callable[[str, int, str], dict[str, Any]]  # worker, size, folder

SEED = 7  # the constants were chosen with seeds 1 to 4
COMPANIES = tuple((people, shape) for people in SIZES for shape in SHAPES)
TWO_YEARS = 730  # days
PAGE = ROOT / "docs" / "forecasting.md"
STARTS, ENDS = "<!-- make bench ONLY=forecast -->\n", "<!-- end -->\n"
COVERAGE, COVERAGE_OF_EACH = (0.75, 0.85), (0.65, 0.95)  # what an 80 % interval should hold: of all, of each company
HORIZONS = ("1-7", "8-14", "15-21", "22+")
SCOPES = {"total": pl.lit("all"), "provider": pl.col("provider"), "team": pl.col("team")}
USD = pl.Decimal(38, 9)
COSTS: dict[str, Any] = {"day": pl.Date, "provider": pl.String, "team": pl.String, "usage_usd": USD, "seats_usd": USD}
MEASURED = ("mape_ratio", "naive_mape_ratio", "bias_ratio", "interval_coverage_ratio")
BACKTEST = f"select scope, horizon, trials, {', '.join(MEASURED)} from {A}.forecast_backtest where method = 'chosen'"


def figures(measure: Measure) -> dict[str, Any]:
    """Each company's back-test, the sums over all, and failed expectations. Writes the tables of the docs."""
    with tempfile.TemporaryDirectory(prefix="ai_usage_bench_") as folder:
        worlds = measure("forecast_worlds", SEED, folder)
    with tempfile.TemporaryDirectory(prefix="ai_usage_bench_") as folder:
        measure("graph", TWO_YEARS, folder)
        simulated = measure("forecast_backtest", TWO_YEARS, folder)
    companies = {**worlds["companies"], "simulated company": simulated["backtest"]}
    of_worlds = [row for rows in worlds["companies"].values() for row in rows]
    found = {
        "seed": SEED,
        "cpu_seconds": worlds["cpu_seconds"],
        "by_company": {name: _only(rows) for name, rows in companies.items()},
        "by_scope_and_horizon": {
            f"{scope}, {horizon}": _together(of_worlds, scope, horizon)
            for scope in ("all", *SCOPES)
            for horizon in (*HORIZONS, "all")
        },
        "with_calendar": {name: _only(rows) for name, rows in worlds["with_calendar"].items()},
        "wrong": [
            *wrong(companies),
            *(f"with a calendar: {found}" for found in wrong(worlds["with_calendar"])),
        ],
    }
    write_tables(found)
    return found


def wrong(companies: dict[str, list[Row]]) -> Iterable[str]:
    """Where intervals hold too little or too much, or a forecast loses to the naive run rate."""
    whole = _together([row for rows in companies.values() for row in rows], "all", "all")
    yield from _outside("all companies", whole, COVERAGE)
    for name, rows in companies.items():
        yield from _outside(name, _only(rows), COVERAGE_OF_EACH)
        for row in rows:
            if row["mape_ratio"] >= row["naive_mape_ratio"]:
                yield f"{name}, {row['scope']}, {row['horizon']}: MAPE {row['mape_ratio']:.1%}"


def _outside(name: str, row: Row, limits: tuple[float, float]) -> Iterable[str]:
    if not limits[0] <= row["interval_coverage_ratio"] <= limits[1]:
        yield f"{name}: coverage {row['interval_coverage_ratio']:.0%}"


def _only(rows: Sequence[Row]) -> Row:
    [row] = (row for row in rows if row["scope"] == "all" and row["horizon"] == "all")
    return row


def _together(rows: Iterable[Row], scope: str, horizon: str) -> Row:
    """Several back-tests as one."""
    of = [row for row in rows if row["scope"] == scope and row["horizon"] == horizon]
    trials = sum(row["trials"] for row in of)
    means = {name: round(sum(row[name] * row["trials"] for row in of) / trials, 6) for name in MEASURED}
    return {"scope": scope, "horizon": horizon, "trials": trials, **means}


def write_tables(found: dict[str, Any]) -> None:
    """In place of those that the page has."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(STARTS)
    _, after = rest.split(ENDS)
    tables = "\n".join(
        (
            _table("company", found["by_company"]),
            _table("the same with AI_USAGE_HOLIDAYS", found["with_calendar"]),
            _table("scope, days left", found["by_scope_and_horizon"]),
        )
    )
    PAGE.write_text(f"{before}{STARTS}{tables}{ENDS}{after}", encoding="utf-8")


def _table(title: str, rows: dict[str, Row]) -> str:
    lines = [
        f"| {title} | forecasts | MAPE | naive | bias | within interval |",
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {row['trials']:,} | {row['mape_ratio']:.1%} | {row['naive_mape_ratio']:.1%} "
            f"| {row['bias_ratio']:+.1%} | {row['interval_coverage_ratio']:.0%} |"
            for name, row in rows.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def worlds(_: str, seed: int) -> dict[str, Any]:
    """The back-test of each made-up company, and the CPU seconds of the forecast's SQL."""
    warehouse = warehouse_file(settings())
    companies: dict[str, list[Row]] = {}
    with_calendar: dict[str, list[Row]] = {}
    seconds = 0.0
    for people, shape in COMPANIES:
        world = World(people, shape, seed)
        fill(warehouse, world)
        for days, found in ((HOLIDAYS, with_calendar), ({}, companies)):
            warehouse.replace_all(DIM_HOLIDAY, DIM_HOLIDAY.frame(_holidays(days)))
            seconds += forecast(warehouse)
            found[world.name] = backtest(warehouse)
    return {"companies": companies, "with_calendar": with_calendar, "cpu_seconds": round(seconds / 2, 1)}


def _holidays(of: Mapping[date, str]) -> dict[str, list[Any]]:
    return {"holiday_date": list(of), "holiday_name": list(of.values())}


def built_in(_: str, __: int) -> dict[str, Any]:
    return {"backtest": backtest(warehouse_file(settings()))}


def backtest(warehouse: DuckDBWarehouse) -> list[Row]:
    rows = warehouse.ask(BACKTEST).with_columns(pl.col(MEASURED).cast(float))
    return rows.sort("scope", "horizon").to_dicts()


def fill(warehouse: DuckDBWarehouse, world: World) -> None:
    """What the forecast reads of a company: its days by scope, and the sheet's seats."""
    costs = pl.DataFrame(list(world.costs()), schema=COSTS, orient="row")
    days = pl.concat([_by(costs, scope) for scope in SCOPES])
    stamps = {"pull_id": "bench", "ingestion_timestamp": datetime(2026, 10, 1, tzinfo=UTC)}
    seats = [
        {**vars(line), "row_number": number, "plan": "Team", **stamps} for number, line in enumerate(world.seats(), 2)
    ]
    with warehouse.connected() as db:
        db.register("made", days)
        db.execute(f"delete from {A}.spend_by_scope")
        db.execute(f"insert into {A}.spend_by_scope by name select * from made")
        warehouse.replace_all(SEATS, SEATS.frame({name: [row[name] for row in seats] for name in SEATS.columns}))


def _by(costs: pl.DataFrame, scope: str) -> pl.DataFrame:
    return (
        costs.group_by(spend_date="day", scope_name=SCOPES[scope])
        .agg(pl.col("usage_usd").sum(), pl.col("seats_usd").sum())
        .with_columns(
            scope=pl.lit(scope), spent_usd=pl.col("usage_usd") + pl.col("seats_usd"), is_complete=pl.lit(value=True)
        )
    )


def forecast(warehouse: DuckDBWarehouse) -> float:
    """Every step of the forecast; CPU seconds."""
    began = time.process_time()
    with warehouse.connected():
        for mart in marts():
            if mart.group == "forecast" and not mart.table.view_of and mart.table.name != "budget_status":
                rebuild_whole(warehouse, mart)
    return time.process_time() - began


WORKERS = {"forecast_worlds": worlds, "forecast_backtest": built_in}
