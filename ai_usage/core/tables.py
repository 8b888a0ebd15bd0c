"""The tables of core that are of more than one vendor, and so declared in no vendor's folder."""

from ai_usage.warehouse.table import ACCOUNT_STAMPS, Table, day, dollars, instant, integer, string

SPEND_VERSIONS = Table(
    name="spend_versions",
    grain="one version of what one account of a provider was billed for one UTC day, as the ledger has it",
    columns={
        "activity_date": day("the UTC day that was billed"),
        "provider": string("anthropic or cursor", required=True),
        "billed_usd": dollars("its cost lines, or what its chargeable events were charged; 0 of an empty day"),
        "lines": integer("cost lines, or events; chargeable or not"),
        "known_from": instant("when this version was pulled", required=True),
        "known_to": instant("when the next one was; null while this is the newest"),
        **ACCOUNT_STAMPS,
    },
    cluster=("provider",),
    key=("activity_date", "provider", "account", "pull_id"),
)

CORE_TABLES = (SPEND_VERSIONS,)
