"""The bench of planted anomalies: how it counts alerts, and its plants."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from bench.anomalies import LEAVER, counted, score, score_leavers
from bench.anomaly_world import AFTERMATH, PLANTED, Planted, World

DAY = date(2026, 3, 4)
RUNAWAY = Planted(
    kind="runaway key",
    size="small",
    subject="etl",
    provider="anthropic",
    team="Data",
    models=frozenset({"usual"}),
    factor=3.0,
    first=DAY,
    last=DAY + timedelta(days=2),
    last_in_time=DAY + timedelta(days=2),
)


def alert(day: date, scope: str, name: str, contributors: str | None = None, kind: str = "spike") -> dict[str, Any]:
    of = {"activity_date": day, "kind": kind, "scope": scope, "scope_name": name, "contributors": contributors}
    return {**of, "alert_key": f"{kind}/{scope}/{name}/{day}"}


def test_an_alert_finds_what_was_planted_in_time_by_name_and_the_next_one_is_a_repeat() -> None:
    late = RUNAWAY.last + timedelta(days=1)
    for first in (alert(DAY, "api_key", "etl"), alert(DAY, "team", "Data", "other +$9, etl +$40")):
        found = score([first, alert(late, "api_key", "etl")], [RUNAWAY], 30)
        assert (found.count("runaway key"), found.repeats, found.false.total()) == ((1, 1), 1, 0)
    assert counted(vars(found)).count("runaway key, small") == (1, 1)


def test_an_alert_of_another_name_direction_or_day_is_false() -> None:
    wrong = [
        alert(DAY, "api_key", "other"),
        alert(DAY, "team", "Data", "other +$40"),
        alert(DAY, "team", "Other", "etl +$40"),
        alert(DAY - timedelta(days=1), "api_key", "etl"),
        alert(RUNAWAY.last + AFTERMATH + timedelta(days=1), "api_key", "etl"),
    ]
    found = score(wrong, [RUNAWAY], 30)
    assert (found.count("runaway key"), found.repeats, found.false.total()) == ((1, 0), 0, 5)
    late = score([alert(RUNAWAY.last + timedelta(days=1), "api_key", "etl")], [RUNAWAY], 30)
    down = score([alert(DAY, "api_key", "etl", kind="drop")], [RUNAWAY], 30)
    assert [(one.found.total(), one.repeats, one.false.total()) for one in (late, down)] == [(0, 1, 0)] * 2


def test_a_company_is_equal_each_time_and_its_leavers_are_the_owners_of_keys_still_in_use() -> None:
    costs, plants, keys = World(30, 1).made()
    assert World(30, 1).made()[0] == costs != World(30, 2).made()[0]
    assert {plant.kind for plant in plants} <= set(PLANTED)
    stopped = next(plant for plant in plants if plant.kind == "stopped key")
    days = {cost.day for cost in costs if cost.api_key == stopped.subject}
    assert max(days) < stopped.first
    keys = [replace(key, fate=fate) for key, fate in zip(keys, ("left", "left", "stopped"), strict=False)]
    named = [keys[0].name, keys[0].owner, keys[2].name]
    found = score_leavers(named, keys)
    assert (found.count(LEAVER), found.repeats, found.false.total()) == ((2, 1), 1, 1)
