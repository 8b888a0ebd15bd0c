"""How sure and how quiet the alerts about anomalies are, for `bench`: of companies with planted anomalies
(anomaly_world), which were found in time, and how many alerts have no planted cause. Equal on every machine. The tables
of docs/anomalies.md are written from them, and the rule by which an alert counts is there.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from ai_usage.checks.anomalies import is_alerted
from ai_usage.commands.warehouse_file import warehouse_file
from ai_usage.core.keys import DIM_API_KEY_MAPPING
from ai_usage.core.people import DIM_PERSON
from ai_usage.core.person_accounts import DIM_PERSON_ACCOUNT
from ai_usage.core.public_holidays import DIM_HOLIDAY
from ai_usage.marts.build_days import rebuild_days, rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.places import ROOT
from ai_usage.settings import settings
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.table import ANALYTICS as A
from ai_usage.warehouse.table import Table
from bench.anomaly_world import (
    AFTERMATH,
    FACTORS,
    MEASURED,
    MODELS,
    PLANTED,
    SIZES,
    SPAN,
    SUCCESSOR,
    Cost,
    Key,
    Planted,
    World,
)
from bench.forecast_world import HOLIDAYS

Row = dict[str, Any]
Measure = Callable[[str, int, str], dict[str, Any]]  # worker, size, folder

SEEDS = (11, 12, 13)  # the limits were chosen with seeds 1 to 3
PAGE = ROOT / "docs" / "anomalies.md"
STARTS, ENDS = "<!-- make bench ONLY=anomalies -->\n", "<!-- end -->\n"
LEAVER = "leaver's key"
STEPS = (
    *("usage_series", "usage_periods", "usage_baselines", "spend_deviations"),
    *("new_keys_and_models", "former_member_spend", "spend_anomalies"),
)
KINDS = (*PLANTED, LEAVER)
SIZED = tuple(f"{kind}, {size}" for kind in FACTORS for size in FACTORS[kind])
OF_KIND = {  # which alerts are about a planted anomaly
    "runaway key": {"spike"},
    "expensive model": {"spike", "new_model"},
    "person": {"spike"},
    "slow leak": {"spike"},
    "stopped key": {"drop"},
    "new key": {"new_key"},
    "new model": {"new_model"},
}
MONTH = 30.4  # days
STAMPS = {"pull_id": "bench", "ingestion_timestamp": datetime(2026, 8, 1, tzinfo=UTC)}


def figures(measure: Measure) -> dict[str, Any]:
    """The scores of each company. Writes the tables of the docs."""
    with tempfile.TemporaryDirectory(prefix="ai_usage_bench_") as folder:
        found = measure("anomaly_worlds", 0, folder)
    write_tables({name: counted(of) for name, of in found["companies"].items()})
    return {"seeds": SEEDS, **found}


def counted(of: Mapping[str, Any]) -> "Score":
    """A score that came as JSON."""
    return Score(Counter(of["planted"]), Counter(of["found"]), of["repeats"], Counter(of["false"]), of["days"])


def write_tables(scores: Mapping[str, "Score"]) -> None:
    """In place of those that the page has."""
    before, rest = PAGE.read_text(encoding="utf-8").split(STARTS)
    _, after = rest.split(ENDS)
    PAGE.write_text(f"{before}{STARTS}{_alerts(scores)}\n{_recall(scores)}{ENDS}{after}", encoding="utf-8")


def _alerts(scores: Mapping[str, "Score"]) -> str:
    lines = [
        "| company | planted | found | recall | false alarms | precision | false alarms a month | repeats a month |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, of in scores.items():
        whole, found = (sum(of.count(kind)[place] for kind in KINDS) for place in (0, 1))
        false = sum(of.false.values())
        lines.append(
            f"| {name} | {whole} | {found} | {found / whole:.0%} | {false} | {found / (found + false):.0%} "
            f"| {false * MONTH / of.days:.1f} | {of.repeats * MONTH / of.days:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _recall(scores: Mapping[str, "Score"]) -> str:
    kinds = list(dict.fromkeys(kind for kind in (*KINDS, *SIZED) if any(of.planted[kind] for of in scores.values())))
    rows = [
        f"| {kind} | " + " | ".join("{1} of {0}".format(*of.count(kind)) for of in scores.values()) + " |"
        for kind in kinds
    ]
    header = [f"| found of planted | {' | '.join(scores)} |", f"| --- |{' --- |' * len(scores)}"]
    return "\n".join([*header, *rows]) + "\n"


@dataclass
class Score:
    """Counts of one or several companies. Alerts are found + repeats + false."""

    planted: Counter[str] = field(default_factory=Counter)  # by kind, and by kind and size
    found: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    false: Counter[str] = field(default_factory=Counter)  # by kind and scope
    days: int = 0

    def count(self, kind: str) -> tuple[int, int]:
        """Planted and found."""
        return self.planted[kind], self.found[kind]

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.planted + other.planted,
            self.found + other.found,
            self.repeats + other.repeats,
            self.false + other.false,
            self.days + other.days,
        )


def score(alerts: Sequence[Row], plants: Sequence[Planted], days: int) -> Score:
    """An alert in time finds a planted anomaly, the next ones are repeats while it can move what days are compared
    with, and all others are false.
    """
    result = Score(days=days)
    for plant in plants:
        result.planted.update(_counted_as(plant))
    found: set[Planted] = set()
    for alert in sorted(alerts, key=lambda row: (row["activity_date"], row["alert_key"])):
        new = [plant for plant in plants if plant not in found and is_hit(alert, plant)]
        for plant in new:
            found.add(plant)
            result.found.update(_counted_as(plant))
        if not new and any(is_aftermath(alert, plant) for plant in plants):
            result.repeats += 1
        elif not new:
            result.false[f"{alert['kind']} of {alert['scope']}"] += 1
    return result


def _counted_as(plant: Planted) -> set[str]:
    return {plant.kind, f"{plant.kind}, {plant.size}"} if plant.size else {plant.kind}


def is_hit(alert: Row, plant: Planted) -> bool:
    """Of the right kind, in time, and with the name of what was planted."""
    return (
        alert["kind"] in OF_KIND[plant.kind]
        and plant.first <= alert["activity_date"] <= plant.last_in_time
        and is_about(alert, plant)
    )


def is_about(alert: Row, plant: Planted) -> bool:
    """Of the key, person or model itself, or of what it is a part of, with its name among the contributors."""
    of, name = alert["scope"], alert["scope_name"]
    if name == plant.subject or (alert["kind"] == "new_model" and name in plant.models):
        return True
    is_part = name in {"team": {plant.team}, "provider": {plant.provider}, "model": plant.models}.get(of, set())
    return is_part and plant.subject in contributors(alert)


def contributors(alert: Row) -> set[str]:
    """Their names, of a text such as `etl +$40, ada@example.com +$3`."""
    return {part.rsplit(" ", 1)[0] for part in (alert["contributors"] or "").split(", ")}


def is_aftermath(alert: Row, plant: Planted) -> bool:
    return plant.first <= alert["activity_date"] <= plant.last + AFTERMATH and is_about(alert, plant)


def score_leavers(named: Iterable[str], keys: Iterable[Key]) -> Score:
    """Which keys `no_former_member_spends` names on the last day."""
    result = Score()
    left = {key.name: key.owner for key in keys if key.fate == "left"}
    named = set(named)
    result.planted[LEAVER], result.found[LEAVER] = len(left), len(left.keys() & named)
    result.repeats = len(set(left.values()) & named)
    result.false["former member"] = len(named - left.keys() - set(left.values()))
    return result


def worlds(_: str, __: int) -> dict[str, Any]:
    return measured(SEEDS)


def measured(seeds: Sequence[int]) -> dict[str, Any]:
    """Scores by company, and the CPU seconds of the SQL."""
    warehouse = warehouse_file(settings())
    scores: dict[str, Any] = {}
    seconds = 0.0
    for people in SIZES:
        whole = Score()
        for seed in seeds:
            costs, plants, keys = World(people, seed).made()
            fill(warehouse, costs, keys)
            seconds += build(warehouse)
            whole += score(alerts_of(warehouse), plants, len(MEASURED.days))
            former = warehouse.query("checks/no_former_member_spends")["scope_name"].to_list()
            whole += score_leavers(former, keys)
        scores[f"{people:,} people"] = vars(whole)
    return {"companies": scores, "cpu_seconds": round(seconds, 1)}


def alerts_of(warehouse: DuckDBWarehouse) -> list[Row]:
    """What the check reports, as it is sent: of a day the finest, and each key of an alert once."""
    rows = warehouse.query("checks/spend_has_no_anomaly", first_day=MEASURED.first, last_day=MEASURED.last).to_dicts()
    by_day: dict[date, list[Row]] = {}
    for row in rows:
        by_day.setdefault(row["activity_date"], []).append(row)
    sent: dict[str, Row] = {}
    for day in sorted(by_day):
        for row in by_day[day]:
            if is_alerted(row, by_day[day]):
                sent.setdefault(row["alert_key"], row)
    return list(sent.values())


def fill(warehouse: DuckDBWarehouse, costs: Sequence[Cost], keys: Sequence[Key]) -> None:
    """What the detection reads of a company."""
    spend = pl.DataFrame(
        [
            {
                "spend_date": one.day,
                "provider": one.provider,
                "team_name": one.team,
                "api_key_id": one.api_key,
                "user_email": one.person,
                "model": one.model,
                "billed_usd": one.usd,
            }
            for one in costs
        ],
        schema_overrides={"billed_usd": pl.Decimal(38, 9), "api_key_id": pl.String},
        infer_schema_length=None,
    ).with_columns(
        platform=pl.col("provider"),
        billing_account_id=pl.lit("bench"),
        account=pl.lit("default"),
        meter=pl.lit("tokens"),
        charge_type=pl.lit("usage"),
        attribution_method=pl.lit("actor"),
        status=pl.lit("final"),
    )
    scopes = [("total", "all"), *(("provider", name) for name in MODELS)]
    known = pl.DataFrame(
        [(day, scope, name, True, 0, 0, 0) for day in SPAN.days for scope, name in scopes],
        schema=["spend_date", "scope", "scope_name", "is_complete", "spent_usd", "usage_usd", "seats_usd"],
        orient="row",
    )
    with warehouse.connected() as db:
        for table, rows in (("ai_spend", spend), ("spend_by_scope", known)):
            db.register("made", rows)
            db.execute(f"delete from {A}.{table}")
            db.execute(f"insert into {A}.{table} by name select * from made")
    _list(warehouse, costs, keys)


def _list(warehouse: DuckDBWarehouse, costs: Iterable[Cost], keys: Sequence[Key]) -> None:
    """Keys with their owners, and who is a member on the last day."""
    left = {key.owner for key in keys if key.fate in {"left", "stopped", "passed on"}}
    people = sorted({cost.person for cost in costs if cost.person} | {key.owner for key in keys} | {SUCCESSOR})
    addresses = [{"user_email": person, "person_email": person, "is_in_sheet": True} for person in people]
    accounts = [
        {**row, "provider": provider, "account": "default", "is_member": row["user_email"] not in left}
        for row in addresses
        for provider in MODELS
    ]
    owners = [
        {
            "api_key_id": key.name,
            "api_key_name": key.name,
            "provider": key.provider,
            "status": "active",
            "user_email": {"passed on": SUCCESSOR, "service": None}.get(key.fate, key.owner),
            "mapped_by": "none" if key.fate == "service" else "sheet",
            "is_of_service_account": key.fate == "service",
        }
        for key in keys
    ]
    days = [{"holiday_date": day, "holiday_name": name} for day, name in HOLIDAYS.items()]
    for table, rows in (
        (DIM_PERSON, addresses),
        (DIM_PERSON_ACCOUNT, accounts),
        (DIM_API_KEY_MAPPING, owners),
        (DIM_HOLIDAY, days),
    ):
        _replace(warehouse, table, rows)


def _replace(warehouse: DuckDBWarehouse, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    stamped = [{**STAMPS, **row} for row in rows]
    warehouse.replace_all(table, table.frame({name: [row.get(name) for row in stamped] for name in table.columns}))


def build(warehouse: DuckDBWarehouse) -> float:
    """Every step of the anomalies; CPU seconds."""
    began = time.process_time()
    of_name = {mart.table.name: mart for mart in marts()}
    with warehouse.connected():
        for name in STEPS:
            mart = of_name[name]
            if mart.table.view_of:
                continue
            if mart.is_daily:
                rebuild_days(warehouse, replace(mart, blocked_by=()), SPAN)
            else:
                rebuild_whole(warehouse, mart)
    return time.process_time() - began


WORKERS = {"anomaly_worlds": worlds}
