"""One run writes at a time, and a run that lost its lease changes nothing."""

import time
from datetime import date

import polars as pl
import pytest

from ai_usage.errors import WarehouseBusy
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.tables import RAW_TABLES
from ai_usage.warehouse.bigquery.engine import BigQueryWarehouse
from ai_usage.warehouse.bigquery.errors import LeaseLost
from ai_usage.warehouse.bigquery.lease import WRITER_LEASE
from ai_usage.warehouse.table import PULLS
from ai_usage_tests.bigquery.running import Emulator
from ai_usage_tests.bigquery.test_port import LINES, lines
from ai_usage_tests.warehouse.writing import PULL, answer

DAY = date(2026, 11, 10)
TABLES = (PULLS, RAW_TABLES[PULL], LINES)
OVER = f"update {WRITER_LEASE.address} set expires_at = timestamp '2000-01-01' where true"


def two_runs(running: Emulator, project: str) -> tuple[BigQueryWarehouse, BigQueryWarehouse]:
    """Two runs on one project; the second waits only briefly for the lease."""
    first = running.warehouse(TABLES, project=project, holder="run-1")
    return first, running.warehouse(TABLES, project=project, holder="run-2", patience=0)


def one_line(usd: str) -> pl.DataFrame:
    return lines((DAY, "a", None, usd, None))


def amounts(warehouse: BigQueryWarehouse) -> list[int]:
    return [int(usd) for usd in warehouse.ask(f"select amount_usd from {LINES.address}")["amount_usd"]]


def test_a_second_run_waits_until_the_first_is_over(running: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    first, second = two_runs(running, "p-waits")
    first.replace_days(LINES, [DAY], one_line("1"))
    with pytest.raises(WarehouseBusy, match="Run run-1 is writing to BigQuery"):
        second.replace_days(LINES, [DAY], one_line("2"))
    with pytest.raises(WarehouseBusy, match="run-1"), second.connected():
        pass
    assert amounts(second) == [1]  # readers do not wait for the lease
    first.publish()
    second.replace_days(LINES, [DAY], one_line("2"))
    assert amounts(first) == [2]


def test_a_statement_of_a_run_that_lost_its_lease_changes_nothing(running: Emulator) -> None:
    """The run itself still believes that it holds the lease."""
    first, second = two_runs(running, "p-lost")
    first.replace_days(LINES, [DAY], one_line("1"))
    first.jobs.query(OVER)
    second.replace_days(LINES, [DAY], one_line("2"))
    for rows in (one_line("3"), lines()):
        with pytest.raises(LeaseLost, match="Another run has taken the warehouse over"):
            first.replace_days(LINES, [DAY], rows)
    assert amounts(second) == [2]


def test_a_run_that_paused_for_too_long_commits_no_pull(running: Emulator) -> None:
    first, second = two_runs(running, "p-paused")
    with first.connected():
        first.append(PULL, [answer(DAY, "1")])
        first.jobs.query(OVER)
        second.append(PULL, [answer(DAY, "2")])
        first._lease._until = time.monotonic() - 1
        with pytest.raises(LeaseLost):
            first.append(PULL, [answer(DAY, "3")])
        second.publish()
    assert second.newest(PULL, Span(DAY, DAY)).versions.height == 1
    assert second.ask(f"select count(*) as n from {PULLS.address}").item() == 2


def test_a_run_that_paused_goes_on_where_no_other_came_in_between(running: Emulator) -> None:
    first, _ = two_runs(running, "p-pause")
    with first.connected():
        first.replace_days(LINES, [DAY], one_line("1"))
        first.jobs.query(OVER)
        first._lease._until = time.monotonic() - 1
        first.replace_days(LINES, [DAY], one_line("2"))
    assert amounts(first) == [2]
