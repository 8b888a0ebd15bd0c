"""The table of rejected records: those of the newest version of each day and pull."""

from collections.abc import Mapping, Sequence
from datetime import date

from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Records, Rejection
from ai_usage.warehouse.table import ACCOUNT_STAMPS, PULLS, Table, day, integer, string

RECORD_REJECTIONS = Table(
    name="record_rejections",
    grain="one record of the newest version of a pull's day, or of a snapshot, that could not be used",
    question="Which records could not be used, and why?",
    example="select activity_date, provider, account, pull, field, reason from ai_usage_analytics.record_rejections "
    "order by activity_date desc",
    columns={
        "activity_date": day("the UTC day the record was sent for; null in a snapshot", required=False),
        "provider": string("as in dim_provider", required=True),
        "pull": string("the raw table that has the record", required=True),
        "position": integer("its place in the provider's answer, from 0, as in the raw table"),
        "field": string("the first field that could not be read, as the provider names it", required=True),
        "reason": string("why it was rejected", required=True),
        "value_shape": string("the kind of value, never the value itself"),
        **ACCOUNT_STAMPS,
    },
    cluster=("pull",),
)

PROVIDER = f"select source from {PULLS.address} where pull = @pull limit 1"
ANY = f"select 1 as one from {RECORD_REJECTIONS.address} where pull = @pull and account = @account limit 1"


def keep_rejections(warehouse: Warehouse, records: Records) -> None:
    """Put what could not be used of these records in place of what is known of their accounts' days, or snapshots."""
    for account in records.accounts:
        days = records.of_account(account).days
        found = [rejection for rejection in records.rejections if rejection.account == account]
        _keep(warehouse, {"pull": records.pull, "account": account}, days, found)


def _keep(warehouse: Warehouse, of: Mapping[str, str], days: Sequence[date], found: Sequence[Rejection]) -> None:
    if not found and warehouse.ask(ANY, **of).is_empty():
        return
    columns = [name for name in RECORD_REJECTIONS.columns if name != "provider"]
    rows = RECORD_REJECTIONS.frame(
        {
            "provider": [warehouse.ask(PROVIDER, pull=of["pull"]).item()] * len(found) if found else [],
            **{name: [getattr(rejection, name) for rejection in found] for name in columns},
        }
    )
    if days:
        warehouse.replace_days(RECORD_REJECTIONS, days, rows, of=of)
    else:
        warehouse.replace_all(RECORD_REJECTIONS, rows, of=of)
