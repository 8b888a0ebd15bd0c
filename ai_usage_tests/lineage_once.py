"""The origins of a mart's columns, kept for the next process, because parsing all marts takes seconds. The kept file is
named after everything that it depends on. Importing this module is enough, once the settings are final: it imports the
tables.
"""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import msgspec

from ai_usage.core.tables import CORE_TABLES
from ai_usage.marts import column_lineage as lineage
from ai_usage.marts.files import marts
from ai_usage.providers.registry import PROVIDERS
from ai_usage_tests.kept import kept

_origins_of = lineage.origins_of


@cache
def _made_of() -> str:
    """The code, the parser, and the columns that a star may read."""
    of_providers = (table for provider in PROVIDERS for table in provider.tables)
    tables = (*(mart.table for mart in marts()), *CORE_TABLES, *of_providers)
    columns = [(table.name, *table.columns) for table in tables]
    return f"{Path(lineage.__file__).read_text(encoding='utf-8')} {version('sqlglot')} {columns}"


@cache
def origins_once(text: str) -> lineage.Columns:
    def make() -> bytes:
        return msgspec.json.encode({column: sorted(origins) for column, origins in _origins_of(text).items()})

    digest = hashlib.sha256(f"{_made_of()} {text}".encode()).hexdigest()
    columns = msgspec.json.decode(kept(f"lineage_{digest}.json", make), type=dict[str, frozenset[tuple[str, str]]])
    return {column: frozenset(origins) for column, origins in columns.items()}


lineage.origins_of = origins_once
