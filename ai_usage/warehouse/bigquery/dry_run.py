"""Asks BigQuery what a statement would read, without running it: it costs nothing, and changes nothing."""

from collections.abc import Mapping
from typing import Any

from google.cloud import bigquery

from ai_usage.warehouse.bigquery.jobs import ONCE, Jobs, parameter


def bytes_read(jobs: Jobs, googlesql: str, parameters: Mapping[str, Any] | None = None) -> int:
    """How many bytes the statement would read. It raises what Google's client raises: the error of the statement, or of
    a right that it lacks.
    """
    config = bigquery.QueryJobConfig(
        dry_run=True,
        use_query_cache=False,
        query_parameters=[parameter(name, value) for name, value in (parameters or {}).items()],
        labels=jobs.labels_now(),
    )
    job = jobs.client.query(googlesql, job_config=config, retry=ONCE, job_retry=None)
    return int(job.total_bytes_processed or 0)
