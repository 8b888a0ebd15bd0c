"""Pulls the tabs of the sheet that changed, each change once. Tables are built from them as from any other pull: see
`rebuild`.

A tick asks Drive for the file's version, and for nothing else while that is unchanged. It never opens the warehouse,
which only runs may write: the cursor holds what is needed to see a change.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import msgspec

from ai_usage.automation.cadence import CADENCES
from ai_usage.automation.refresh import CHAIN, Published, time_limit
from ai_usage.check import failed, passed
from ai_usage.checks.runner import evaluation
from ai_usage.checks.sheet import KEY, missing_columns, unusable
from ai_usage.errors import AiUsageError
from ai_usage.ingest.http.errors import ApiDown, DamagedAnswer, RateLimited, Unreachable
from ai_usage.settings import settings
from ai_usage.sheet.port import Sheet
from ai_usage.sheet.pulls import CADENCE, OWN_JOB, SOURCE
from ai_usage.sheet.tables import PULLS
from ai_usage.sheet.tabs import TABS
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS as PULLS_TABLE

SECONDS = 60  # between two looks
PULL_SHEET = CADENCE.job
TRIED_AGAIN = {"dagster/max_retries": "3"}  # a run that fails: its days would not be requested again
PASSING = (RateLimited, ApiDown, Unreachable, DamagedAnswer)

ANY_DAY = f"select activity_date from {PULLS_TABLE.address} where activity_date is not null limit 1"


class Trouble(msgspec.Struct, frozen=True):
    """Why the sheet cannot be used. Each kind is reported once, even if its text varies."""

    kind: str
    why: str
    is_of_tabs: bool = False  # the sheet answers, and the rest of it goes on

    @classmethod
    def of(cls, error: AiUsageError) -> "Trouble":
        return cls("no answer" if isinstance(error, PASSING) else type(error).__name__, str(error))


class SheetState(msgspec.Struct, frozen=True, kw_only=True):
    """The last state of the sheet: hashes, without any of its content."""

    version: str = ""
    tabs: dict[str, str] = {}  # content hashes
    tab_ids: dict[str, int] = {}  # they identify a tab after it was renamed
    broken: Trouble | None = None

    @classmethod
    def read(cls, text: str | None) -> "SheetState":
        """An unreadable cursor, of another release, counts as empty: everything is new then."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except msgspec.MsgspecError:
            return cls()

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


refresh_sheet = dg.define_asset_job(
    OWN_JOB,
    selection=dg.AssetSelection.assets(*(["raw", pull] for pull in PULLS)),
    description="Pull the sheet's tabs. `sheet_changed` runs the part that a change is about.",
    run_tags=time_limit(),
)


@dg.sensor(
    job=refresh_sheet,
    minimum_interval_seconds=SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Once a minute: whether a tab of the sheet changed. It is pulled then, and `rebuild_what_changed` "
    "builds what depends on it.",
)
def sheet_changed(
    context: dg.SensorEvaluationContext, sheet: dg.ResourceParam[Sheet | None], published: Published
) -> dg.SensorResult | dg.SkipReason:
    """A run if there is a change, and one check result if the sheet cannot be read."""
    if sheet is None:
        return dg.SkipReason(SOURCE.not_configured)
    before = SheetState.read(context.cursor)
    if not before.version and _waits_for_providers(published):
        return dg.SkipReason("waits for a provider's first day: until then there is nothing to build from the sheet")
    after = look(sheet, before)
    asked = list(requests(before, after, context.last_run_key))
    return dg.SensorResult(
        run_requests=asked,
        skip_reason=None if asked else dg.SkipReason(_reason(before, after)),
        cursor=str(after),
        asset_events=_evaluations(context, before.broken, after.broken),
    )


def _waits_for_providers(published: Warehouse | None) -> bool:
    """Whether a provider is configured and none was pulled yet."""
    is_wanted = any(cadence.daily and cadence.is_configured(settings()) for cadence in CADENCES)
    return is_wanted and (published is None or published.ask(ANY_DAY).is_empty())


def look(sheet: Sheet, before: SheetState) -> SheetState:
    """The current sheet. If it does not answer, or a tab cannot be used, the state before stays."""
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


def seen(version: str, found: Mapping[str, Answer], before: SheetState) -> SheetState:
    """The cursor after an answer."""
    lost = {name: missing_columns(TABS[name], answer.records) for name, answer in found.items()}
    good = {name: answer for name, answer in found.items() if not lost[name]}
    wrong = [unusable(TABS[name], columns) for name, columns in lost.items() if columns]
    wrong += [
        f"The sheet no longer has the tab {name}: what it last held stays."
        for name in before.tabs
        if name not in found and not TABS[name].is_optional
    ]
    return SheetState(
        version=version,
        tabs=before.tabs | {name: answer.content_hash for name, answer in good.items()},
        tab_ids=before.tab_ids | {name: a.envelope["tab_id"] for name, a in found.items() if "tab_id" in a.envelope},
        broken=Trouble("; ".join(wrong), " ".join(wrong), is_of_tabs=True) if wrong else None,
    )


def requests(before: SheetState, after: SheetState, last_run_key: str | None) -> Iterator[dg.RunRequest]:
    """A run that pulls the tabs that changed.

    A run key is made from the change and the run key before it: the same change is not requested twice, but a change
    that is undone and made again is a new one.
    """
    changed = {name: now for name, now in after.tabs.items() if now != before.tabs.get(name)}
    change = _digest([last_run_key, changed, {name: before.tabs.get(name) for name in changed}])[:16]
    if changed:
        keys = [dg.AssetKey(["raw", TABS[name].pull]) for name in sorted(changed)]
        # A later run of the same tabs, or of the whole sheet, resolves a failed one.
        chain = "/".join([PULL_SHEET, *sorted(changed)])
        yield dg.RunRequest(run_key=change, asset_selection=keys, tags=TRIED_AGAIN | {CHAIN: chain})


def _evaluations(
    context: dg.SensorEvaluationContext, before: Trouble | None, now: Trouble | None
) -> list[dg.AssetCheckEvaluation]:
    """A result when a trouble begins, changes its kind or ends."""
    if (before and before.kind) == (now and now.kind):
        return []
    if now:
        context.log.error(now.why)
        return [evaluation(KEY, None, failed(now.why))]
    context.log.info("The sheet can be read again.")
    return [evaluation(KEY, None, passed("The sheet can be read again."))]


def _reason(before: SheetState, after: SheetState) -> str:
    """Why there is no run."""
    broken, was = after.broken, before.broken
    if broken and not broken.is_of_tabs:
        return f"{'still: ' if was and was.kind == broken.kind else ''}{broken.why}"
    change = "unchanged" if after.version == before.version else "moved, but no tab that can be used changed"
    return f"{change}, version {after.version}" + (f"; still: {broken.why}" if broken else "")


def _digest(of: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(of, order="sorted")).hexdigest()
