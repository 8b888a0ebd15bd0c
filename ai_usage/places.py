"""Paths of files. In a checkout the files that the code reads are at its top, beside the package; an installed package
contains them. Imports nothing of ours.
"""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
IS_CHECKOUT = (PACKAGE.parent / "pyproject.toml").is_file()
COMMAND = "make" if IS_CHECKOUT else "ai-usage"  # what a person types before a command's name

SHIPPED = PACKAGE.parent if IS_CHECKOUT else PACKAGE / "shipped"
"""The folder of `sql/`, `dashboards/`, `docs/runbook.md`, `dagster.yaml`, `workspace.yaml` and `.env.example`."""

HOME = "AI_USAGE_HOME"
ROOT = Path(os.environ.get(HOME, "").strip() or (PACKAGE.parent if IS_CHECKOUT else ".")).resolve()
"""The folder of `.env` and of each relative path in the settings. Commands hand it to the processes that they start."""
