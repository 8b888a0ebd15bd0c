"""When what was pulled is made into tables: where a vendor said something new, and only there.

The ledger tells what is new by its contents' hashes: a pull equal to the one before it has none. Whatever brought it,
a sensor's run, `make backfill` or a click on one asset, the days are rebuilt unless that run did so itself.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from ai_usage.automation.cadence import RUNS_AT_MOST
from ai_usage.automation.refresh import CHAIN, PULL_JOBS, SECONDS, Published, range_tags, under_way
from ai_usage.automation.sheet import TRIED_AGAIN, Graph, depending_on
from ai_usage.partitions import Span, runs_of_days
from ai_usage.settings import settings
from ai_usage.warehouse.googlesql import read
from ai_usage.warehouse.table import PULLS

WINDOW = 3  # days that a changed directory is applied to
AFTER_FAILURE = 3600  # seconds until a rebuild that failed for good is asked for again
DAYS_ASKED = 500  # of Dagster at once

# What is new since a pull: contents, and the look that makes a day final in the marts.
NEWS = f"""
select
    pull,
    activity_date,
    max(pull_id) as pull_id
from {PULLS.address}
where
    pull_id > @after
    and (
        pull_id = records_pull_id
        or pull_id in (select settled_by from ({read("marts/settled_days")}))
    )
group by pull, activity_date
"""

rebuild_days = dg.define_asset_job(
    "rebuild_days",
    selection=dg.AssetSelection.all() - dg.AssetSelection.key_prefixes("raw"),
    description="Make core, marts and their checks anew over a range of days, asking no vendor. `rebuild_what_changed` "
    "runs the part that a change is about.",
)


@dg.sensor(
    job=rebuild_days,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Rebuilds the days of which a vendor said something new, and what depends on them; nothing else.",
)
def rebuild_what_changed(context: dg.SensorEvaluationContext, published: Published) -> dg.SensorResult | dg.SkipReason:
    """A run for each span of changed days. One that failed for good is asked for again after an hour."""
    if published is None:
        return dg.SkipReason("nothing was ever pulled")
    if waits_for := under_way(context.instance, rebuild_days.name, *PULL_JOBS):
        return dg.SkipReason(f"waits for {', '.join(waits_for)}: what they bring is built at once")
    repository: Any = context.repository_def  # there in every tick
    news = published.ask(NEWS, after=context.cursor or "").to_dicts()
    asked = [*requests(news, repository.asset_graph, context.instance), *failed(context.instance)]
    return dg.SensorResult(
        run_requests=asked,
        skip_reason=None if asked else dg.SkipReason("nothing changed that is not built"),
        cursor=max((row["pull_id"] for row in news), default=context.cursor),
    )


def requests(news: Iterable[Mapping[str, Any]], graph: Graph, instance: dg.DagsterInstance) -> Iterator[dg.RunRequest]:
    """A run for each span of days on which something changed and was not built since. What has no days goes with
    each: it is made of all of them.
    """
    changed: dict[str, dict[date | None, float]] = {}
    for row in news:
        changed.setdefault(row["pull"], {})[row["activity_date"]] = _made_at(row["pull_id"])
    there = Span(settings().start_date, settings().yesterday())  # the ledger may know days before the start
    daily: dict[date, set[dg.AssetKey]] = {}
    lasting: set[dg.AssetKey] = set()
    for pull, days in changed.items():
        partitions = {day: at for day, at in days.items() if day is None or day in there}
        unbuilt = set(_unbuilt(dg.AssetKey(["raw", pull]), partitions, graph, instance))
        if not unbuilt:
            continue
        keys = {key for key in depending_on(pull).resolve(graph) if key.path[0] != "raw"}
        of_days = {key for key in keys if graph.get(key).partitions_def is not None}
        lasting |= keys - of_days
        for day in _window() if None in unbuilt else unbuilt:
            if of_days and day is not None:
                daily.setdefault(day, set()).update(of_days)
    last = max(changed_id for row in news if (changed_id := row["pull_id"])) if changed else ""
    for span in _spans(daily):
        keys = set().union(*(daily.get(day, set()) for day in span.days)) | lasting
        yield _request(keys, range_tags(span), f"{last} {span}")
    if lasting and not daily:
        yield _request(lasting, {}, last)


def _request(keys: set[dg.AssetKey], tags: Mapping[str, str], what: str) -> dg.RunRequest:
    key = hashlib.sha256(what.encode()).hexdigest()[:16]
    return dg.RunRequest(
        run_key=key, asset_selection=sorted(keys), tags={**tags, **TRIED_AGAIN, CHAIN: f"rebuild_{key}"}
    )


def _spans(days: Iterable[date]) -> list[Span]:
    spans = list(runs_of_days(list(days)))
    return spans if len(spans) <= RUNS_AT_MOST else [Span(spans[0].first, spans[-1].last)]


def _window() -> list[date]:
    last = settings().yesterday()
    return Span(max(settings().start_date, last - timedelta(days=WINDOW - 1)), last).days


def _unbuilt(
    raw: dg.AssetKey, days: Mapping[date | None, float], graph: Graph, instance: dg.DagsterInstance
) -> Iterator[date | None]:
    """Those of the days (None: the snapshot) since whose version some asset made of them was not built."""
    children = [graph.get(key) for key in sorted(graph.get(raw).child_keys) if key.path[0] != "raw"]
    for day, made_at in days.items():
        if day is None and any(_built_at(instance, child.key) < made_at for child in children):
            yield None
    dated = {day.isoformat(): (day, made_at) for day, made_at in days.items() if day is not None}
    unbuilt: set[date] = set()
    for child in children:
        if child.partitions_def is not None and dated:
            built = _days_built(instance, child.key, list(dated), min(at for _, at in dated.values()))
            unbuilt |= {day for key, (day, made_at) in dated.items() if built.get(key, 0) < made_at}
    yield from unbuilt


def _built_at(instance: dg.DagsterInstance, key: dg.AssetKey) -> float:
    event = instance.get_latest_materialization_event(key)
    return event.timestamp if event else 0


def _days_built(instance: dg.DagsterInstance, key: dg.AssetKey, days: list[str], since: float) -> dict[str, float]:
    """When each of the days was last built, of those built since an instant."""
    found: dict[str, float] = {}
    for n in range(0, len(days), DAYS_ASKED):
        cursor: str | None = None
        has_more = True
        while has_more:
            page = instance.fetch_materializations(
                dg.AssetRecordsFilter(key, asset_partitions=days[n : n + DAYS_ASKED], after_timestamp=since),
                limit=1000,
                cursor=cursor,
                ascending=True,
            )
            for record in page.records:
                found[record.partition_key or ""] = record.timestamp
            cursor, has_more = page.cursor, page.has_more
    return found


def _made_at(pull_id: str) -> float:
    """When a pull was written: ids begin with it, in nanoseconds."""
    return int(pull_id.partition("-")[0]) / 1e9


def failed(instance: dg.DagsterInstance) -> Iterator[dg.RunRequest]:
    """The rebuilds that came to nothing, whatever the cause was: it may be gone."""
    seen: set[str] = set()
    since = datetime.now().astimezone() - timedelta(days=7)
    for record in instance.get_run_records(dg.RunsFilter(job_name=rebuild_days.name, created_after=since), limit=200):
        run = record.dagster_run
        chain = run.tags.get(CHAIN, "")
        is_latest = chain not in seen
        seen.add(chain)
        ended = record.end_time or record.update_timestamp.timestamp()
        if not (chain and is_latest and run.status == dg.DagsterRunStatus.FAILURE and run.asset_selection):
            continue
        if time.time() - ended > AFTER_FAILURE:
            kept = {tag: run.tags[tag] for tag in (*range_tags(Span(date.min, date.min)), CHAIN) if tag in run.tags}
            yield dg.RunRequest(
                run_key=f"{chain} {run.run_id}", asset_selection=sorted(run.asset_selection), tags=kept | TRIED_AGAIN
            )
