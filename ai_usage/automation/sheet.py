"""When the sheet changes: what changed is pulled, and what is made of it is made anew. Nothing else, and nothing twice.

A tick asks Drive for the file's version, and no more while that stands still. It never opens the warehouse, which
belongs to the runs: what is needed to tell a change is in the cursor. What depends on a tab is read from the asset
graph, so a table that begins to depend on one needs no line here.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import msgspec

from ai_usage.automation.cadence import CADENCES
from ai_usage.automation.refresh import Published, range_tags
from ai_usage.checks.sheet import CLAIM, missing_columns, unusable
from ai_usage.checks.verdicts import Verdict
from ai_usage.errors import AiUsageError
from ai_usage.partitions import Span, runs_of_days
from ai_usage.settings import settings
from ai_usage.sources.http import DamagedAnswer, RateLimited, Unreachable, VendorDown
from ai_usage.sources.sheets.client import Sheet
from ai_usage.sources.sheets.pulls import OWN_JOB, SOURCE
from ai_usage.sources.sheets.tables import PULLS
from ai_usage.sources.sheets.tabs import CLAUDE_AI_USAGE, TABS, days_of, read_tab
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS as PULLS_TABLE

SECONDS = 60  # between two looks
RUNS_AT_MOST = 31  # of one change; days further apart than that many runs are taken in one
TRIED_AGAIN = {"dagster/max_retries": "3"}  # the run, should it fail: nobody would ask for its days again
PASSING = (RateLimited, VendorDown, Unreachable, DamagedAnswer)

ANY_DAY = f"select activity_date from {PULLS_TABLE.address} where activity_date is not null limit 1"

Graph = Any  # dagster's asset graph, whose class is not public
Batch = tuple[Span | None, set[dg.AssetKey]]


class Trouble(msgspec.Struct, frozen=True):
    """Why the sheet cannot be used. Of one kind, it is told once, however its words vary."""

    kind: str
    why: str
    is_of_tabs: bool = False  # the sheet answers, and the rest of it goes on

    @classmethod
    def of(cls, error: AiUsageError) -> "Trouble":
        return cls("no answer" if isinstance(error, PASSING) else type(error).__name__, str(error))


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """The sheet as it was last seen, without a word of what is in it."""

    version: str = ""
    tabs: dict[str, str] = {}  # content hashes
    tab_ids: dict[str, int] = {}  # by which a tab is found, whatever it is called by now
    days: dict[str, str] = {}  # of claude_ai_usage: a short hash of each day's good rows
    broken: Trouble | None = None

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """An unreadable one, of another release, is none: everything is new then."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except msgspec.MsgspecError:
            return cls()

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


def depending_on(*pulls: str) -> dg.AssetSelection:
    """Tabs as they are pulled, and all that depends on them, directly or not."""
    return dg.AssetSelection.assets(*(["raw", pull] for pull in pulls)).downstream().required_multi_asset_neighbors()


refresh_sheet = dg.define_asset_job(
    OWN_JOB,
    selection=depending_on(*PULLS),
    description="Pull the sheet's tabs and rebuild what depends on them. `sheet_changed` runs the part a change is "
    "about.",
)


@dg.sensor(
    job=refresh_sheet,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Once a minute: whether a tab of the sheet changed. It is pulled then, and what depends on it rebuilt, "
    "for the days that the change is about.",
)
def sheet_changed(
    context: dg.SensorEvaluationContext, sheet: dg.ResourceParam[Sheet | None], published: Published
) -> dg.SensorResult | dg.SkipReason:
    """A run where there is a change, and a word, once, where the sheet cannot be read."""
    if sheet is None:
        return dg.SkipReason(SOURCE.not_configured)
    before = Cursor.read(context.cursor)
    if not before.version and _waits_for_vendors(published):
        return dg.SkipReason("waits for a vendor's first day: until then there is nothing to make of the sheet")
    after = look(sheet, before)
    repository: Any = context.repository_def  # there in every tick
    asked = list(requests(before, after, repository.asset_graph, context.last_run_key))
    return dg.SensorResult(
        run_requests=asked,
        skip_reason=None if asked else dg.SkipReason(_reason(before, after)),
        cursor=str(after),
        asset_events=_told(context, before.broken, after.broken),
    )


def _waits_for_vendors(published: Warehouse | None) -> bool:
    """Whether a vendor is to be asked and none was yet."""
    is_wanted = any(cadence.daily and cadence.is_configured(settings()) for cadence in CADENCES)
    return is_wanted and (published is None or published.ask(ANY_DAY).is_empty())


def look(sheet: Sheet, before: Cursor) -> Cursor:
    """The sheet now. Where it does not answer it is as it was before, and so is a tab that cannot be used."""
    sheet.hurry()
    try:
        version = sheet.version()
        if version == before.version:
            is_still_broken = before.broken is not None and before.broken.is_of_tabs
            return before if is_still_broken else msgspec.structs.replace(before, broken=None)
        found = sheet.tabs(before.tab_ids)
    except AiUsageError as error:
        return msgspec.structs.replace(before, broken=Trouble.of(error))
    return seen(version, found, before)


def seen(version: str, found: Mapping[str, Answer], before: Cursor) -> Cursor:
    """The cursor after an answer."""
    lost = {name: missing_columns(TABS[name], answer.records) for name, answer in found.items()}
    good = {name: answer for name, answer in found.items() if not lost[name]}
    wrong = [unusable(TABS[name], columns) for name, columns in lost.items() if columns]
    wrong += [
        f"The sheet no longer has the tab {name}: what it last held stays."
        for name in before.tabs
        if name not in found and not TABS[name].is_optional
    ]
    days = before.days
    if usage := good.get(CLAUDE_AI_USAGE.name):
        rows = days_of(read_tab(CLAUDE_AI_USAGE, usage.records).good)
        days = {day.isoformat(): _digest(_telling(rows[day]))[:8] for day in sorted(rows)}
    return Cursor(
        version=version,
        tabs=before.tabs | {name: answer.content_hash for name, answer in good.items()},
        tab_ids=before.tab_ids | {name: a.envelope["tab_id"] for name, a in found.items() if "tab_id" in a.envelope},
        days=days,
        broken=Trouble("; ".join(wrong), " ".join(wrong), is_of_tabs=True) if wrong else None,
    )


def requests(before: Cursor, after: Cursor, graph: Graph, last_run_key: str | None) -> Iterator[dg.RunRequest]:
    """A run for each span of days there is something to do in; what has no days goes with the first.

    A run key is of the change and of the run key before it: the same change is not asked for twice, and one that is
    undone and done again is another.
    """
    changed = {name: now for name, now in after.tabs.items() if now != before.tabs.get(name)}
    change = _digest([last_run_key, changed, {name: before.tabs.get(name) for name in changed}])[:16]
    for span, keys in batches(before, after, changed, graph):
        yield dg.RunRequest(
            run_key=f"{change} {span}" if span else change,
            asset_selection=sorted(keys),
            tags=TRIED_AGAIN | (range_tags(span) if span else {}),
        )


def batches(before: Cursor, after: Cursor, changed: Collection[str], graph: Graph) -> list[Batch]:
    """Which assets to make anew over which days; what has no days goes with the first.

    What depends on claude_ai_usage, over the days whose rows changed; on any other tab, over all days, since owners,
    people and prices are of the whole history. Each run pulls its tab itself, whatever became of the one before it.
    """
    daily: dict[Span, set[dg.AssetKey]] = {}
    lasting: set[dg.AssetKey] = set()
    for name in changed:
        keys = depending_on(TABS[name].pull).resolve(graph)
        of_days = {key for key in keys if graph.get(key).partitions_def is not None}
        lasting |= keys - of_days
        for span in _usage_days(before, after) if name == CLAUDE_AI_USAGE.name else [_all_days()]:
            if of_days:
                daily.setdefault(span, set()).update(of_days, {dg.AssetKey(["raw", TABS[name].pull])})
    found: list[Batch] = sorted(daily.items()) or [(None, set())]
    found[0][1].update(lasting)
    return found if lasting else []


def _usage_days(before: Cursor, after: Cursor) -> list[Span]:
    """The days whose rows of claude_ai_usage differ, in runs; all days, where nothing is known of before."""
    if CLAUDE_AI_USAGE.name not in before.tabs:
        return [_all_days()]
    days = {*before.days, *after.days}
    touched = [date.fromisoformat(day) for day in days if before.days.get(day) != after.days.get(day)]
    spans = list(runs_of_days([day for day in touched if day in _all_days()]))
    return spans if len(spans) <= RUNS_AT_MOST else [Span(spans[0].first, spans[-1].last)]


def _all_days() -> Span:
    return Span(settings().start_date, settings().yesterday())


def _told(
    context: dg.SensorEvaluationContext, before: Trouble | None, now: Trouble | None
) -> list[dg.AssetCheckEvaluation]:
    """A verdict where trouble begins, changes its kind or ends."""
    if (before and before.kind) == (now and now.kind):
        return []
    if now:
        context.log.error(now.why)
        return [Verdict.error(now.why).evaluation(CLAIM, None)]
    context.log.info("The sheet can be read again.")
    return [Verdict.right("The sheet can be read again.").evaluation(CLAIM, None)]


def _reason(before: Cursor, after: Cursor) -> str:
    """Why there is no run."""
    broken, was = after.broken, before.broken
    if broken and not broken.is_of_tabs:
        return f"{'still: ' if was and was.kind == broken.kind else ''}{broken.why}"
    said = "unchanged" if after.version == before.version else "moved, but no tab that can be used changed"
    return f"{said}, version {after.version}" + (f"; still: {broken.why}" if broken else "")


def _telling(rows: Sequence[Mapping[str, Any]]) -> list[Any]:
    """What a day's rows say, wherever in the tab they stand."""
    return sorted([str(value) for name, value in sorted(row.items()) if name != "row_number"] for row in rows)


def _digest(of: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(of, order="sorted")).hexdigest()
