"""The emulator reads GoogleSQL as Google does where our statements need it, because of the patches in `emulator.py`. If
a test fails because the result is right without its patch too, upstream has fixed it and the patch can be removed.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError

from ai_usage.warehouse.bigquery.jobs import Jobs
from ai_usage.warehouse.bigquery.tables import Place, declared
from ai_usage.warehouse.table import RAW, Table, integer
from ai_usage_tests.bigquery.running import Emulator, emulator

COUNTED = Table(name="counted", schema=RAW, grain="a number", columns={"n": integer("a number")}, date_column=None)
MENDS = ("counted", "decimal", "isoweek", "nul", "div", "comments", "countif", "names", "refused", "upload")
# Google's result for each: column name, value.
ASKED: dict[str, tuple[str, str, Any]] = {
    "decimal": ("select cast('1.123456789' as numeric) as usd", "usd", Decimal("1.123456789")),
    "isoweek": (
        "select date_trunc(day, isoweek) as monday from (select date '2026-11-29' as day)",
        "monday",
        date(2026, 11, 23),
    ),
    "nul": (r"select length('\x00') as n", "n", 1),
    "div": ("select div(a + 1, 2) as n from (select 4 as a)", "n", 2),
    "comments": ("select -- the day's cost\n2.5 as cost", "cost", 2.5),
    "counted": (f"select countif(n > null) over (order by n) as n from {COUNTED.address}", "n", 0),
    "countif": (f"select countif(n > 0) over (partition by n) as n from {COUNTED.address}", "n", 1),
    "names": (f"select countif(n > 0) as BilledCost from {COUNTED.address}", "BilledCost", 1),
}


@pytest.fixture(scope="module")
def unmended() -> Iterator[Emulator]:
    with emulator(*MENDS) as running:
        yield running


def _with_a_table(running: Emulator) -> Jobs:
    jobs = Jobs(running.client(), max_bytes_billed=10**9, wait=0.01)
    jobs.client.create_dataset(RAW)
    jobs.client.create_table(declared(Place(jobs, "US"), COUNTED))
    jobs.query(f"insert into {COUNTED.address} (n) values (1)")
    return jobs


def _answer(running: Emulator, statement: str) -> dict[str, Any]:
    return next(_with_a_table(running).query(statement).iter_rows(named=True), {})


@pytest.mark.parametrize("mend", ASKED)
def test_it_answers_as_google_does(running: Emulator, mend: str) -> None:
    statement, column, value = ASKED[mend]
    assert repr(_answer(running, statement)) == repr({column: value})


@pytest.mark.parametrize("mend", ASKED)
def test_it_would_not_without_the_mend(unmended: Emulator, mend: str) -> None:
    statement, column, value = ASKED[mend]
    try:
        answer: object = _answer(unmended, statement)
    except GoogleAPICallError as error:
        answer = error
    assert repr(answer) != repr({column: value})  # Decimal("2.5") and 2.5 have different types


def test_a_file_is_loaded_only_with_the_mend(running: Emulator, unmended: Emulator) -> None:
    rows = COUNTED.frame({"n": [7]})
    _with_a_table(running).load(COUNTED, rows, job_id="once")
    with pytest.raises(GoogleAPICallError, match="unsupported Content-Type"):
        _with_a_table(unmended).load(COUNTED, rows, job_id="once")


def test_a_query_that_fails_is_refused_only_with_the_mend(running: Emulator, unmended: Emulator) -> None:
    with pytest.raises(GoogleAPICallError, match="nothing"):
        _with_a_table(running).query("select nothing from ai_usage_raw.counted")
    assert _with_a_table(unmended).query("select nothing from ai_usage_raw.counted").is_empty()
