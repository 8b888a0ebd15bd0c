"""Each job is labeled with its run and its asset or check, so that its cost can be attributed."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from ai_usage.check import SnapshotCheck
from ai_usage.checks.alert_events import ALERT_EVENTS
from ai_usage.checks.runner import dagster_checks
from ai_usage.layers import snapshot_asset
from ai_usage.settings import read_settings
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.open import open_warehouse
from ai_usage.warehouse.present_step import present_step, working_on
from ai_usage.warehouse.table import PULLS, Table, string
from ai_usage_tests.bigquery.running import Emulator, now

WHO = Table(name="who", grain="a text", columns={"name": string("a name")}, date_column=None)


class Asked(DuckDBWarehouse):
    """A warehouse that records the step of each query."""

    def ask(self, googlesql: str, **parameters: Any) -> pl.DataFrame:
        STEPS[googlesql] = present_step()
        return super().ask(googlesql, **parameters)


STEPS: dict[str, str] = {}


def test_what_a_step_asks_is_for_its_asset_and_what_a_check_asks_for_the_check(tmp_path: Path) -> None:
    warehouse = Asked(tmp_path / "w.duckdb", tmp_path / "p.duckdb", (PULLS, WHO, ALERT_EVENTS, BUILDS), now)

    @snapshot_asset("core", WHO, group="test", kinds=set())
    def who(context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Any]) -> None:
        warehouse.ask("select 1 as n")

    def found_nothing(warehouse: Any) -> None:
        warehouse.ask("select 2 as n")

    check = SnapshotCheck(
        name="somebody_is_there",
        asset="core/who",
        title="",
        description="",
        severity="warned",
        sources=(),
        pulls=(),
        evaluate=found_nothing,
    )
    resources: dict[str, Any] = {"warehouse": warehouse}
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([who, *dagster_checks([check])], resources=resources, instance=instance)
    assert (STEPS["select 1 as n"], STEPS["select 2 as n"]) == ("core/who", "check/somebody_is_there")
    assert present_step() == ""


def test_each_job_has_the_labels_of_its_run_and_step(running: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    of = read_settings(
        {
            "AI_USAGE_WAREHOUSE": "bigquery",
            "BIGQUERY_PROJECT": "p-labels",
            "BIGQUERY_EMULATOR_HOST": running.host,
            "AI_USAGE_SIMULATE": "1",
        }
    )
    warehouse: Any = open_warehouse(of, (PULLS, WHO), run_id="0a1b2c3d-4e5f")
    warehouse.has(WHO)
    labels: list[dict[str, str]] = []
    for call in ("query_and_wait", "load_table_from_file"):  # the emulator does not keep the labels of queries
        sent = getattr(warehouse.jobs.client, call)
        monkeypatch.setattr(warehouse.jobs.client, call, partial(noted, sent, labels))
    with working_on("core/Who Is"):
        warehouse.replace_all(WHO, WHO.frame({"name": ["x"]}))
        assert warehouse.ask(f"select name, 1 as n from {WHO.address}").height == 1
    assert len(labels) >= 2
    assert labels == [{"ai_usage_run": "0a1b2c3d", "ai_usage_asset": "core-who_is"}] * len(labels)


def noted(sent: Callable[..., Any], labels: list[dict[str, str]], *what: Any, **how: Any) -> Any:
    labels.append(dict(how["job_config"].labels))
    return sent(*what, **how)
