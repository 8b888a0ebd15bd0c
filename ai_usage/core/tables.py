"""The tables of core that are of more than one vendor, and so declared in no vendor's folder."""

from ai_usage.warehouse.table import STAMPS, Table, day, dollars, instant, integer, string

SPEND_VERSIONS = Table(
    name="spend_versions",
    grain="one version of what one provider billed for one UTC day, as the ledger heard it",
    columns={
        "activity_date": day("the UTC day that was billed"),
        "provider": string("anthropic or cursor", required=True),
        "billed_usd": dollars("its cost lines, or what its chargeable events were charged; 0 of an empty day"),
        "lines": integer("cost lines, or events; chargeable or not"),
        "known_from": instant("when this version was pulled", required=True),
        "known_to": instant("when the next one was; null while this is the newest"),
        **STAMPS,
    },
    cluster=("provider",),
    key=("activity_date", "provider", "pull_id"),
)

RECORD_REJECTIONS = Table(
    name="record_rejections",
    grain="one record of the newest version of a pull's day, or of a snapshot, that could not be used",
    columns={
        "activity_date": day("the UTC day the record was sent for; null in a snapshot", required=False),
        "provider": string("anthropic or cursor", required=True),
        "account": string("the account at the provider", required=True),
        "pull": string("the raw table that has the record", required=True),
        "position": integer("its place in the vendor's answer, from 0, as in the raw table"),
        "field": string("the first field that could not be read, as the vendor names it", required=True),
        "reason": string("what was wrong with it", required=True),
        "value_shape": string("what kind of value it was, never what stood in it"),
        **STAMPS,
    },
    cluster=("pull",),
)

CORE_TABLES = (SPEND_VERSIONS, RECORD_REJECTIONS)
