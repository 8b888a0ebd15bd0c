"""What commands share: where they print, and the Dagster instance beside the warehouse."""

import os
import shutil

from rich.console import Console

from ai_usage.errors import WarehouseError
from ai_usage.settings import ROOT, Settings

OUT = Console(highlight=False)
ERR = Console(stderr=True, highlight=False)


def prepare_instance(of: Settings) -> None:
    """Make the data folder and the Dagster home in it; later processes find it through DAGSTER_HOME."""
    try:
        of.dagster_home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "dagster.yaml", of.dagster_home / "dagster.yaml")
    except OSError as error:
        raise WarehouseError(
            f"{of.data_dir} cannot be written ({error.strerror}). Set AI_USAGE_DATA_DIR to a folder you may write."
        ) from error
    os.environ["DAGSTER_HOME"] = str(of.dagster_home)
