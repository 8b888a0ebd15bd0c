"""The interface to the tabs that people keep, in a Google spreadsheet or in CSV files."""

import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from ai_usage.warehouse.ledger import Answer

SOURCE = "google_sheets"


class Sheet(Protocol):
    """Tabs that people keep."""

    requests: int
    is_simulated: bool

    def version(self) -> str:
        """Changes whenever a tab may have; cheap to ask."""

    def tabs(self, known: Mapping[str, int]) -> dict[str, Answer]:
        """The tabs that are there, by our name for them. `known` has the ids of tabs found before."""

    def probe(self) -> None:
        """Nothing, if the tabs can be read; else the error that explains why not."""

    def hurry(self) -> None:
        """From now on give up within seconds: the caller asks again in a minute."""

    def close(self) -> None: ...


def known_tabs(envelopes: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Our name → the tab's id, from each pull's name and envelope in the ledger."""
    found = {pull.removeprefix("sheet_"): json.loads(envelope).get("tab_id") for pull, envelope in envelopes}
    return {name: tab_id for name, tab_id in found.items() if tab_id is not None}
