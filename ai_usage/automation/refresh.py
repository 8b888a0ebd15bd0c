"""When sources are pulled, and the jobs that pull them. Builds wait for a change: see `rebuild`.

Each source has a sensor that requests, every few minutes, what is due. It reads the published ledger and never opens
the warehouse, which only runs may write.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dagster as dg
import polars as pl
from dagster._core.storage.tags import MAX_RUNTIME_SECONDS_TAG, RUN_KEY_TAG

from ai_usage.automation.cadence import CADENCES
from ai_usage.automation.dead_runs import UNDER_WAY, end_the_dead
from ai_usage.check import Check
from ai_usage.checks.missing import RANGE_END, RANGE_START
from ai_usage.ingest.cadence import Cadence, Looks
from ai_usage.partitions import Span
from ai_usage.settings import settings
from ai_usage.sheet.pulls import OWN_JOB as SHEET_JOB
from ai_usage.warehouse.ledger import CLOCKS_DIFFER
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

SECONDS = 120  # between two looks
# A run's tag: runs with the same tag alert once for their failure and once for their success. a/b is a part of a.
CHAIN = "ai_usage/chain"
HOUR = "ai_usage/hour"  # a run's tag: the hour of a request that may leave no trace in the ledger
BUILD, REFRESH_DAY, REFRESH_RANGE = "rebuild_days", "refresh_day", "refresh_range"  # jobs
FRESHNESS = "look_at_freshness"  # another one

LOOKS = f"""
select distinct pull, account, activity_date, coalesce(asked_at, pulled_at) as looked_at
from {PULLS.address}
where pull in unnest(@pulls)
"""

Published = dg.ResourceParam[Warehouse | None]  # the copy for readers; None before the first one

Job = Any  # an asset job that is not resolved yet: its class is not public


def range_tags(span: Span) -> dict[str, str]:
    return {RANGE_START: span.first.isoformat(), RANGE_END: span.last.isoformat()}


def time_limit() -> dict[str, str]:
    """The tag of a job's runs that makes Dagster's daemon end one that takes too long, whoever started it."""
    return {MAX_RUNTIME_SECONDS_TAG: str(settings().max_run_hours * 3600)}


def looks(ledger: Warehouse | None, pulls: tuple[str, ...], account: str | None = None) -> Looks:
    """When all of the pulls last asked about each day, for one account or any. Ignores pulls with an instant in the
    future: a clock was wrong.
    """
    if ledger is None:
        return {}
    found: dict[object, list[object]] = {}
    looked = ledger.ask(LOOKS, pulls=list(pulls))  # cached between ticks: it has no instant and no account in it
    of_account = looked if account is None else looked.filter(account=account)
    known = of_account.filter(of_account["looked_at"] <= settings().now() + CLOCKS_DIFFER)
    for row in known.group_by("pull", "activity_date").agg(pl.max("looked_at")).to_dicts():
        found.setdefault(row["activity_date"], []).append(row["looked_at"])
    return {day: min(times) for day, times in found.items() if len(times) == len(pulls)}  # type: ignore[misc, type-var]


def under_way(instance: dg.DagsterInstance, *jobs: str, since: datetime | None = None) -> list[str]:
    """The jobs with a run that has not ended, or with one requested since an instant."""
    end_the_dead(instance)
    wanted = [dg.RunsFilter(job_name=job, statuses=UNDER_WAY, created_after=since) for job in jobs]
    return [job for job, runs in zip(jobs, wanted, strict=True) if instance.get_runs_count(runs)]


def _failed_before(instance: dg.DagsterInstance, job: str, hour: str) -> bool:
    """Whether the job's last run failed, and was of another hour."""
    return any(
        run.status == dg.DagsterRunStatus.FAILURE and run.tags.get(HOUR) != hour
        for run in instance.get_runs(dg.RunsFilter(job_name=job), limit=1)
    )


def _has_recovered(instance: dg.DagsterInstance, job: str, span: Span, last_pass: datetime) -> bool:
    """Whether the job's last run is an hourly repetition of these days since the last pass, and succeeded."""
    return any(
        run.status == dg.DagsterRunStatus.SUCCESS
        and (key := run.tags.get(RUN_KEY_TAG, "")).startswith(f"{span} ")
        and key >= f"{span} {last_pass:%Y-%m-%dT%H}"
        for run in instance.get_runs(dg.RunsFilter(job_name=job), limit=1)
    )


def pull_job(cadence: Cadence) -> Job:
    return dg.define_asset_job(
        cadence.job,
        selection=dg.AssetSelection.assets(*cadence.keys).required_multi_asset_neighbors(),
        run_tags=time_limit(),
        description=f"Ask {cadence.name} about a range of days, and check what came. `{cadence.job}_when_due` runs it.",
    )


def when_due(cadence: Cadence, job: Job) -> dg.SensorDefinition:
    """A run for each span of days that is due. A failed run is retried once an hour."""

    @dg.sensor(
        name=f"{cadence.job}_when_due",
        job=job,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Pulls from {cadence.name} the days that are due: {_described(cadence)}",
    )
    def due(context: dg.SensorEvaluationContext, published: Published) -> dg.SkipReason | list[dg.RunRequest]:
        of = settings()
        if not cadence.is_configured(of):
            return dg.SkipReason(f"{cadence.name} is not configured: no key is set")
        if under_way(context.instance, cadence.job):
            return dg.SkipReason("a run is under way")
        seen, now = looks(published, cadence.asked_by), of.now()
        of_each = [looks(published, cadence.asked_by, account) for account in cadence.accounts(of)] or [seen]
        hour = f"{now:%Y-%m-%dT%H}"
        if not cadence.daily:
            if seen.get(None, now) >= cadence.last_pass(now, of.schedule_timezone) and None in seen:
                return dg.SkipReason(f"nothing is due; asked last at {seen[None]:%Y-%m-%d %H:%M} UTC")
            return [dg.RunRequest(run_key=hour, tags={CHAIN: cadence.job})]
        last_pass = cadence.last_pass(now, of.schedule_timezone)
        spans = [
            span
            for span in cadence.due_of_any(of_each, now, start=of.start_date, zone=of.schedule_timezone)
            if cadence.is_certain or not _has_recovered(context.instance, cadence.job, span, last_pass)
        ]
        if not spans:
            newest = max((day for day in seen if day), default="none yet")
            return dg.SkipReason(f"nothing is due; the newest day there is {newest}")
        is_hourly = cadence.is_certain or _failed_before(context.instance, cadence.job, hour)
        again = hour if is_hourly else f"{last_pass:%Y-%m-%d}"
        tags = {CHAIN: cadence.job} | ({} if cadence.is_certain else {HOUR: hour})
        return [dg.RunRequest(run_key=f"{span} {again}", tags=range_tags(span) | tags) for span in spans]

    return due


def _described(cadence: Cadence) -> str:
    hours = f"{cadence.settles.total_seconds() / 3600:.0f} hours after a day's end"
    when = f"at {cadence.at:%H:%M} of AI_USAGE_SCHEDULE_TIMEZONE" if cadence.at else hours
    if not cadence.daily:
        return f"once a day, {when}."
    long = f", the last {cadence.long_window} once a week" if cadence.long_window else ""
    return f"the last {cadence.window} days once a day, {when}{long}; and every day that was missed."


PULL_JOBS = [cadence.job for cadence in CADENCES]
JOBS_AT_WORK = (BUILD, *PULL_JOBS, SHEET_JOB, REFRESH_DAY, REFRESH_RANGE)
JOBS_WITHOUT_BUILD = {*JOBS_AT_WORK, FRESHNESS} - {BUILD}  # their runs build no table
JOBS = [pull_job(cadence) for cadence in CADENCES]
SENSORS = [when_due(cadence, job) for cadence, job in zip(CADENCES, JOBS, strict=True)]

OF_FRESHNESS = {"pull_is_recent", "bill_is_fresh", "no_pull_is_of_the_future"}


def freshness(checks: Sequence[Check]) -> Job:
    """Reads the age of everything from the ledger alone: a pull that fails cannot report it."""
    return dg.define_asset_job(
        FRESHNESS,
        selection=dg.AssetSelection.checks(*(check.key for check in checks if check.name in OF_FRESHNESS)),
        description="How fresh every source is, asking no provider.",
        run_tags=time_limit(),
    )


def four_times_a_day(job: Job) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(job=job, cron_schedule="30 */6 * * *", default_status=dg.DefaultScheduleStatus.RUNNING)
