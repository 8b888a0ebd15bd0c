"""Writes the assets that each of the given trees defines, by the tree's name, as JSON. Each tree is loaded in a
separate process. The libraries are imported before, because that takes most of the time.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path

LIBRARIES = (
    *("dagster", "dagster_gcp", "dagster_pandas", "duckdb", "genai_prices", "gspread", "httpx", "polars", "pyarrow"),
    *("sqlglot", "stamina", "vl_convert"),
)


def write_assets(root: Path, into: int) -> None:
    """Runs in the process of this tree."""
    os.chdir(root)
    sys.path.insert(0, str(root))
    from ai_usage.definitions import defs  # noqa: PLC0415 - of the tree

    keys = defs.resolve_asset_graph().get_all_asset_keys()
    with os.fdopen(into, "w", encoding="utf-8") as file:
        json.dump(sorted(key.to_user_string() for key in keys), file)


def asked(root: Path) -> list[str]:
    ours, theirs = os.pipe()
    if not os.fork():
        write_assets(root, theirs)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as file:
        found: list[str] = json.loads(file.read() or "[]")
    _, status = os.wait()
    if status:
        sys.exit(f"{root} defines nothing")
    return found


if __name__ == "__main__":
    for library in LIBRARIES:
        import_module(library)
    sys.stdout.write(json.dumps({Path(root).name: asked(Path(root)) for root in sys.argv[1:]}))
