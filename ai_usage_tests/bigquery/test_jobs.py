"""Attempts are bounded, a job of one id runs once, and each error that a person can mend is one sentence."""

# mypy: disable-error-code="no-untyped-call"

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.bigquery.errors import Unavailable
from ai_usage.warehouse.bigquery.jobs import ATTEMPTS, Jobs
from ai_usage_tests.bigquery.test_port import TOTALS


def forbidden(reason: str) -> exceptions.Forbidden:
    return exceptions.Forbidden("no", errors=[{"reason": reason}])


class Scripted:
    """A client that raises these errors, one a request, and then does what it is asked."""

    project = "p"

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.job_ids: list[str] = []
        self.waited_for: list[str] = []

    def ask(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def load_table_from_file(self, *_: Any, job_id: str, **__: Any) -> "Job":
        self.job_ids.append(job_id)
        self.ask()
        return Job(self, job_id)

    def get_job(self, job_id: str, **_: Any) -> "Job":
        return Job(self, job_id)


class Job:
    def __init__(self, client: Scripted, job_id: str) -> None:
        self.client, self.job_id = client, job_id

    def result(self, **_: Any) -> None:
        self.client.waited_for.append(self.job_id)


def jobs_with(client: Scripted) -> Jobs:
    return Jobs(client, 10**9, wait=0.001)  # type: ignore[arg-type]


TRANSIENT: Sequence[Callable[[], Exception]] = (
    lambda: exceptions.ServiceUnavailable("503"),
    lambda: exceptions.InternalServerError("500"),
    lambda: exceptions.TooManyRequests("429"),
    lambda: forbidden("rateLimitExceeded"),
    lambda: requests.ConnectionError("reset"),
)


@pytest.mark.parametrize("error", TRANSIENT)
def test_what_may_pass_is_tried_again(error: Callable[[], Exception]) -> None:
    client = Scripted(error(), error())
    assert jobs_with(client).request(client.ask) == "done"


def test_attempts_end() -> None:
    client = Scripted(*(exceptions.ServiceUnavailable("503") for _ in range(ATTEMPTS + 3)))
    with pytest.raises(Unavailable, match="BigQuery did not answer as it should: 503"):
        jobs_with(client).request(client.ask)
    assert len(client.errors) == 3


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (forbidden("quotaExceeded"), "A BigQuery quota is used up: no"),
        (forbidden("accessDenied"), "BigQuery denies access: no"),
        (exceptions.NotFound("x"), "no such project, dataset or table: x"),
        (exceptions.BadRequest("y", errors=[{"reason": "bytesBilledLimitExceeded"}]), "BIGQUERY_MAX_BYTES_BILLED"),
        (DefaultCredentialsError("z"), "Google refuses the credentials: z"),
    ],
)
def test_what_cannot_pass_stops_at_once_with_a_sentence(error: Exception, sentence: str) -> None:
    client = Scripted(error, exceptions.ServiceUnavailable("never asked"))
    with pytest.raises(WarehouseError, match=sentence):
        jobs_with(client).request(client.ask)
    assert len(client.errors) == 1


def test_a_wrong_statement_is_a_defect_of_ours() -> None:
    client = Scripted(exceptions.BadRequest("Syntax error"))
    with pytest.raises(exceptions.BadRequest):
        jobs_with(client).request(client.ask)


def test_a_load_whose_answer_was_lost_is_waited_for_and_not_run_again() -> None:
    rows = TOTALS.frame({"account": ["a"], "line_count": [1]})
    client = Scripted(requests.ConnectionError("the answer was lost"), exceptions.Conflict("the job is there"))
    jobs_with(client).load(TOTALS, rows, job_id="ours")
    assert client.job_ids == ["ours", "ours"]
    assert client.waited_for == ["ours"]
