"""The `sheet` resource: where the tabs come from, or None where no sheet is configured."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from ai_usage.errors import AiUsageError
from ai_usage.settings import Settings
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage.sheet.port import Sheet
from ai_usage.warehouse.ledger import Answer


@dataclass
class Unopened:
    """A sheet that could not be opened: each call raises the reason. A resource that fails would fail a whole run, and
    every tick of a sensor.
    """

    why: AiUsageError
    is_simulated: bool
    requests: int = 0

    def version(self) -> str:
        raise self.why

    def tabs(self, known: Mapping[str, int]) -> dict[str, Answer]:
        raise self.why

    def probe(self) -> None:
        raise self.why

    def hurry(self) -> None:
        """There is nothing to wait for."""

    def close(self) -> None:
        """Nothing is open."""


def open_sheet(of: Settings) -> Sheet | None:
    """The sheet that the settings name: a folder of CSV files, or Google's."""
    if not of.sheet_id:
        return None
    if of.sheet_folder is not None:
        return CsvFolder(of.sheet_folder, of.simulate)
    from ai_usage.sheet.client import GoogleSheet  # noqa: PLC0415 - Google's libraries take a tenth of a second to import

    return GoogleSheet.open(of.sheet_id, base_url=of.google_base_url, is_simulated=of.simulate)


@contextmanager
def sheet_of(of: Settings) -> Iterator[Sheet | None]:
    """The sheet that the settings name. Credentials are Google's own business: none is in the settings."""
    sheet: Sheet | None
    try:
        sheet = open_sheet(of)
    except AiUsageError as error:
        sheet = Unopened(error, is_simulated=of.simulate)
    if sheet is None:
        yield None
        return
    with closing(sheet):
        yield sheet
