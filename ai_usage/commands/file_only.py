"""Commands that work on the embedded warehouse's file, and what to do instead where the warehouse is in BigQuery."""

from ai_usage.errors import SettingError
from ai_usage.places import COMMAND
from ai_usage.settings import Settings
from ai_usage.warehouse.open import place_of

INSTEAD = {
    "backup": "BigQuery keeps what every table held in the last seven days (time travel). To keep more, make snapshots "
    "of the tables of ai_usage_raw: all else is built from them.",
    "restore": f"Restore the tables of ai_usage_raw from their snapshots or by time travel, then run {COMMAND} build.",
    "reset": "Delete the datasets ai_usage_raw, ai_usage_analytics and ai_usage_staging, and the folder {data_dir}.",
    "erase_person": "This release erases a person from the file only. Delete the person's records from ai_usage_raw "
    f"and run {COMMAND} build. BigQuery can restore what was deleted for 14 days, and a provider may send it again.",
}


def refuse_without_a_file(of: Settings, command: str) -> None:
    """`SettingError` for a command that would find no file, because the warehouse is in BigQuery."""
    if of.is_bigquery and command in INSTEAD:
        name = command.replace("_", "-")
        raise SettingError(
            f"make {name} works on the file of AI_USAGE_WAREHOUSE=duckdb, and this warehouse is {place_of(of)}: "
            f"nothing was changed. {INSTEAD[command].format(data_dir=of.data_dir)}"
        )
