"""The sheet's raw assets: all tabs in one request, each a separate snapshot with its own history."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import dagster as dg

from ai_usage.errors import AiUsageError
from ai_usage.ingest.cadence import MORNING, Cadence
from ai_usage.ingest.ledger_writes import InWarehouse, Source, Tally, append_noted, note_not_configured
from ai_usage.layers import in_plain_words, materialized, note, spec
from ai_usage.sheet.port import Sheet, known_tabs
from ai_usage.sheet.tables import PULLS as PULLS_OF_TABS
from ai_usage.sheet.tables import RAW_TABLES
from ai_usage.sheet.tabs import TABS
from ai_usage.warehouse.origin import refuse_a_mixture
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

SOURCE = Source(resource="sheet", key_variable="AI_USAGE_SHEET_ID")
GROUP = "raw_sheets"
CADENCE = Cadence(
    # `sheet_changed` pulls it when it changes; once a day it is seen to be there.
    name="sheet",
    snapshots=PULLS_OF_TABS,
    asked_by=PULLS_OF_TABS[:1],
    settles=timedelta(),
    at=MORNING,
    warns=timedelta(hours=36),
    is_configured=lambda of: of.simulate or bool(of.sheet_id),
    key_variable=SOURCE.key_variable,
)
OWN_JOB = "refresh_sheet"  # contains nothing else: if the sheet cannot be read it fails, and is retried
SPECS = [
    spec(
        "raw",
        RAW_TABLES[tab.pull],
        group=GROUP,
        kinds={"googlesheets", "duckdb"},
        description=f"The tab {tab.name} as it was read: one JSON list for each row, the header included.",
        daily=False,
    )
    for tab in TABS.values()
]
NEWEST_ENVELOPES = f"""
select pull, envelope
from {PULLS.address}
where starts_with(pull, 'sheet_')
qualify row_number() over (partition by pull order by pulled_at desc, pull_id desc) = 1
"""


@dg.multi_asset(name="raw__sheet_tabs", specs=SPECS, pool=GROUP, can_subset=True)
@in_plain_words
def sheet_tabs(
    context: dg.AssetExecutionContext, sheet: dg.ResourceParam[Sheet | None], warehouse: InWarehouse
) -> Iterator[dg.MaterializeResult[None]]:
    """The tabs of this run, by one question to Google. A tab that is not there, and the whole sheet if it cannot be
    read, is left as it last was: `sheet_can_be_read` fails then, and tables of the providers' figures are still built.
    """
    wanted = sorted(context.selected_asset_keys)
    if sheet is None:
        note_not_configured(context, SOURCE, *(key.to_user_string() for key in wanted))
    else:
        refuse_a_mixture(warehouse, is_simulated=sheet.is_simulated)
        tally, asked_at = Tally(sheet), warehouse.now()
        try:
            with tally.of(wanted[0].to_user_string()):
                answers = sheet.tabs(tabs_found_before(warehouse))
        except AiUsageError as error:
            if context.run.job_name == OWN_JOB:
                raise
            context.log.error("The sheet cannot be read, what it last held stays: %s", error)  # noqa: TRY400
            for key in wanted:
                note(context, key.to_user_string(), None, skipped=f"cannot be read, left as it was: {error}")
            answers, read = {}, []
        else:
            read = wanted
        for key in read:
            answer = answers.get(key.path[-1].removeprefix("sheet_"))
            if answer is None:
                _note_not_there(context, key)
            else:
                append_noted(context, warehouse, key.path[-1], [answer], asked_at=asked_at)
        tally.note(partial(note, context))
    for key in wanted:
        yield from materialized(context, key)


def _note_not_there(context: dg.AssetExecutionContext, key: dg.AssetKey) -> None:
    tab = TABS[key.path[-1].removeprefix("sheet_")]
    if tab.is_optional:
        return note(context, key.to_user_string(), None, records="the sheet has no such tab, and need not")
    context.log.warning("The sheet has no tab %s: left as it was.", tab.name)
    return note(context, key.to_user_string(), None, skipped="the sheet has no such tab: left as it was")


def tabs_found_before(warehouse: Warehouse) -> dict[str, int]:
    """The ids of the tabs the ledger knows: a tab that was renamed is still the same tab."""
    return known_tabs(warehouse.ask(NEWEST_ENVELOPES).rows())


ASSETS = [sheet_tabs]
