"""Attempts are bounded, a job with one id runs once, and each error that a person can fix is one sentence."""

# mypy: disable-error-code="no-untyped-call"

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import requests
import stamina
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.bigquery.errors import Unavailable, plain
from ai_usage.warehouse.bigquery.jobs import ATTEMPTS, Jobs
from ai_usage_tests.bigquery.test_port import TOTALS


def forbidden(reason: str) -> exceptions.Forbidden:
    return exceptions.Forbidden("no", errors=[{"reason": reason}])


class Scripted:
    """A client that raises these errors, one per request, and then works."""

    project = "p"

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.failures: list[Exception] = []  # of jobs that were accepted
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
        self.error_result: dict[str, str] | None = None

    def result(self, **_: Any) -> None:
        self.client.waited_for.append(self.job_id)
        if self.client.failures:
            self.error_result = {"reason": "backendError"}
            raise self.client.failures.pop(0)


def jobs_with(client: Scripted) -> Jobs:
    return Jobs(client, 10**9, wait=0.001)  # type: ignore[arg-type]


TRANSIENT: Sequence[Callable[[], Exception]] = (
    lambda: exceptions.ServiceUnavailable("503"),
    lambda: exceptions.InternalServerError("500"),
    lambda: exceptions.TooManyRequests("429"),
    lambda: forbidden("rateLimitExceeded"),
    lambda: requests.ConnectionError("reset"),
    lambda: exceptions.BadRequest("Could not serialize access to table p.d.t due to concurrent update"),
)


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS + 3, cap=True):
        yield


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


def test_a_load_with_a_lost_answer_is_waited_for_and_not_run_again() -> None:
    rows = TOTALS.frame({"account": ["a"], "line_count": [1]})
    client = Scripted(requests.ConnectionError("the answer was lost"), exceptions.Conflict("the job is there"))
    jobs_with(client).load(TOTALS, rows, job_id="ours")
    assert client.job_ids == ["ours", "ours"]
    assert client.waited_for == ["ours"]


def test_a_load_that_failed_runs_again_by_another_id() -> None:
    """Google does not run a second job with the same id, although the first wrote nothing."""
    client = Scripted()
    client.failures = [exceptions.ServiceUnavailable("503"), exceptions.InternalServerError("500")]
    jobs_with(client).load(TOTALS, TOTALS.frame({"account": ["a"], "line_count": [1]}), job_id="ours")
    assert client.job_ids == ["ours", "ours_again_1", "ours_again_2"]


def test_an_error_is_a_sentence_without_the_address_that_was_asked() -> None:
    request = requests.Request("POST", "https://bigquery.example.com/bigquery/v2/projects/p/queries?pretty=1").prepare()
    for error, sentence in (
        (
            requests.ConnectionError("('Connection aborted.', X())", request=request),
            "the connection to bigquery.example.com failed",
        ),
        (requests.ReadTimeout("x", request=request), "no answer from bigquery.example.com in time"),
        (exceptions.ServiceUnavailable("POST https://x/y?z=1: try later"), "try later"),
    ):
        assert plain(error) == sentence
