"""Records that could not be used, in a table of their own: each day and pull as its newest version has it."""

from collections.abc import Iterable, Sequence
from datetime import date

from ai_usage.core.tables import RECORD_REJECTIONS
from ai_usage.sources.claude import tables as claude
from ai_usage.sources.cursor import tables as cursor
from ai_usage.sources.uploads import tables as uploads
from ai_usage.warehouse.ledger import Records, Rejection
from ai_usage.warehouse.port import Warehouse

ACCOUNT = "default"  # the only one there is
PROVIDERS = {
    **dict.fromkeys((*claude.RAW_TABLES, *uploads.RAW_TABLES), "anthropic"),
    **dict.fromkeys(cursor.RAW_TABLES, "cursor"),
}
ANY = f"select 1 as one from {RECORD_REJECTIONS.address} where pull = @pull limit 1"


def keep_rejections(warehouse: Warehouse, said: Records) -> None:
    """Put what could not be used of these records in place of what is known of their days, or of the snapshot."""
    _keep(warehouse, said.pull, said.days, said.rejections)


def _keep(warehouse: Warehouse, pull: str, days: Iterable[date], found: Sequence[Rejection]) -> None:
    if not found and warehouse.ask(ANY, pull=pull).is_empty():
        return
    rows = RECORD_REJECTIONS.frame(
        {
            "provider": [PROVIDERS[pull]] * len(found),
            "account": [ACCOUNT] * len(found),
            **{
                name: [getattr(rejection, name) for rejection in found]
                for name in RECORD_REJECTIONS.columns
                if name not in ("provider", "account")
            },
        }
    )
    if dated := list(days):
        warehouse.replace_days(RECORD_REJECTIONS, dated, rows, of={"pull": pull})
    else:
        warehouse.replace_all(RECORD_REJECTIONS, rows, of={"pull": pull})
