"""The official FOCUS validator on files: `PYTHON -P validate_focus.py FILE=[CRITERION,…] …`, in a separate environment.

A script for the Python of `.venv-focus`; it imports nothing of ours. It prints the result of each file's rules as a
JSON list: the validator's own exit code is always 0. No network is used: the package contains the rules.
"""

import importlib.util
import json
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

NEEDS_3_12 = "focus_validator.config_objects.focus_to_duckdb_converter"
WRITTEN = """f"'{k.replace('\\"', '\\"\\"')}'" for k in"""  # a backslash within an f-string's braces
RESPELLED = """"'" + k.replace('"', '""') + "'" for k in"""


class Respelling(SourceFileLoader):
    """Loads the one module that Python 3.11 cannot read, with an older spelling of the line in question."""

    def __init__(self, path: Path) -> None:
        super().__init__(NEEDS_3_12, str(path))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == NEEDS_3_12 else None

    def get_code(self, fullname: str) -> Any:
        text = Path(self.path).read_text(encoding="utf-8")
        if text.count(WRITTEN) != 1:
            raise SystemExit(f"{self.path} is not as in focus-validator 2.2.1: run it with Python 3.12.")
        return compile(text.replace(WRITTEN, RESPELLED), self.path, "exec")


def package_of_the_validator() -> Path:
    """The folder of the validator; makes it importable."""
    spec = importlib.util.find_spec("focus_validator")
    if spec is None or spec.origin is None:
        raise SystemExit("focus-validator is not installed here: make .venv-focus/ready")
    package = Path(spec.origin).parent
    if sys.version_info < (3, 12):
        sys.meta_path.insert(0, Respelling(package / "config_objects" / "focus_to_duckdb_converter.py"))
    return package


def evaluations(package: Path, file: Path, criteria: str | None) -> dict[str, str]:
    """Rule → `pass`, `fail: why` or `skip: why`."""
    with tempfile.TemporaryDirectory() as folder:  # it looks for its currencies below the working directory
        (Path(folder) / package.name).symlink_to(package)
        os.chdir(folder)
        validator = importlib.import_module("focus_validator.validator").Validator(
            data_filename=str(file),
            output_destination=None,
            output_type="console",
            rules_version="1.2",
            focus_dataset="CostAndUsage",
            rules_block_remote_download=True,
            applicability_criteria=criteria,
        )
        found = validator.validate().by_rule_id
        os.chdir(package)
    return {rule: _result(entry) for rule, entry in sorted(found.items())}


def _result(entry: dict[str, Any]) -> str:
    details = entry.get("details") or {}
    why = details.get("message") or details.get("reason") or ""
    if details.get("skipped"):
        return f"skip: {why}"
    return "pass" if entry.get("ok") else f"fail: {why} ({details.get('violations')} rows)"


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    stdout, sys.stdout = sys.stdout, sys.stderr  # the validator prints a report
    package = package_of_the_validator()
    asked = [argument.rpartition("=") for argument in sys.argv[1:]]
    files = [(Path(file).resolve(), criteria or None) for file, _, criteria in asked]
    json.dump([evaluations(package, *of) for of in files], stdout)
