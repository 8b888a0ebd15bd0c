"""The `sheet` resource: where the tabs come from, or None where no sheet is configured."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import dagster as dg

from ai_usage.settings import Settings, settings
from ai_usage.sources.sheets.client import CsvFolder, GoogleSheet, Sheet


def open_sheet(of: Settings) -> Sheet | None:
    """The sheet that the settings name: a folder of CSV files, or Google's."""
    if not of.sheet_id:
        return None
    if of.sheet_folder is not None:
        return CsvFolder(of.sheet_folder, of.simulate)
    return GoogleSheet.open(of.sheet_id, base_url=of.google_base_url, is_simulated=of.simulate)


class SheetResource(dg.ConfigurableResource[Sheet | None]):
    """Credentials are Google's own business: none is in the configuration."""

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Sheet | None]:
        sheet = open_sheet(settings())
        if sheet is None:
            yield None
            return
        with closing(sheet):
            yield sheet
