"""Tabs as CSV files in a folder."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ai_usage.errors import SettingError
from ai_usage.places import COMMAND
from ai_usage.sheet.port import SOURCE
from ai_usage.sheet.tabs import TABS
from ai_usage.warehouse.ledger import Answer


@dataclass
class CsvFolder:
    """`<tab>.csv` files in a folder, in place of a Google sheet."""

    folder: Path
    is_simulated: bool = False
    requests: int = field(default=0, init=False)

    def close(self) -> None:
        """Nothing is open."""

    def probe(self) -> None:
        self.tabs({})

    def hurry(self) -> None:
        """Files answer at once."""

    def version(self) -> str:
        files = [(path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in self._files().values()]
        return hashlib.sha256(repr(sorted(files)).encode()).hexdigest()[:16]

    def tabs(self, known: Mapping[str, int]) -> dict[str, Answer]:
        files = self._files()
        if not files:
            raise SettingError(
                f"AI_USAGE_SHEET_ID names {self.folder}, which has none of {', '.join(f'{tab}.csv' for tab in TABS)}. "
                f"{COMMAND} sheet-template writes them."
            )
        return {
            name: Answer(SOURCE, None, _csv_rows(path), 1, {"file": path.name}, {}, self.is_simulated, is_ordered=True)
            for name, path in files.items()
        }

    def _files(self) -> dict[str, Path]:
        return {name: path for name in TABS if (path := self.folder / f"{name}.csv").is_file()}


def _csv_rows(path: Path) -> list[bytes]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingError(f"{path} cannot be read as CSV in UTF-8: {error}. Nothing of it is used.") from error
    return [json.dumps(row, ensure_ascii=False).encode() for row in rows]
