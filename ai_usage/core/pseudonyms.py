"""The pseudonym of each text that names a person, if AI_USAGE_PSEUDONYMS is set."""

import dagster as dg
import polars as pl

from ai_usage.core.keys import DIM_API_KEY_MAPPING
from ai_usage.core.people import DIM_PERSON
from ai_usage.core.person_accounts import DIM_PERSON_ACCOUNT
from ai_usage.core.sheets import BUDGETS, PEOPLE
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.providers.registry import PROVIDERS
from ai_usage.redaction import Redaction
from ai_usage.settings import pseudonym_salt
from ai_usage.warehouse.nameless_views import DIM_PSEUDONYM, may_name_a_person
from ai_usage.warehouse.people import known_people
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import ANALYTICS

SOURCES = [
    table
    for table in (
        *(of for provider in PROVIDERS for of in provider.tables),
        *(DIM_API_KEY_MAPPING, DIM_PERSON, DIM_PERSON_ACCOUNT, BUDGETS, PEOPLE),
    )
    if table.schema == ANALYTICS and may_name_a_person(table)
]
NAMED = "\nunion distinct\n".join(
    f"select {column} as named_by from {table.address} where {column} is not null"
    for table in SOURCES
    for column in may_name_a_person(table)
)


@snapshot_asset(
    "core", DIM_PSEUDONYM, group=GROUP, kinds=KINDS, deps=[dg.AssetKey(["core", table.name]) for table in SOURCES]
)
def dim_pseudonym(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Each address and each name of a key with its pseudonym, for the views of `make bigquery-setup`. Empty without
    AI_USAGE_PSEUDONYMS.
    """
    salt = pseudonym_salt()
    with warehouse.connected():
        rows = pseudonyms(warehouse, salt) if salt else DIM_PSEUDONYM.frame({"named_by": [], "pseudonym": []})
        if salt or warehouse.ask(f"select named_by from {DIM_PSEUDONYM.address} limit 1").height:
            warehouse.replace_all(DIM_PSEUDONYM, rows)
    note(context, "core/dim_pseudonym", None, **{"dagster/row_count": rows.height})


def pseudonyms(warehouse: Warehouse, salt: str) -> pl.DataFrame:
    """Rows of `dim_pseudonym`: pages and messages show the same pseudonym of each text."""
    names = warehouse.ask(NAMED)["named_by"].unique().sort()
    shown = Redaction(salt=salt, people=lambda: known_people(warehouse)).frame(names.alias("pseudonym").to_frame())
    return DIM_PSEUDONYM.frame({"named_by": names, "pseudonym": shown["pseudonym"]})


ASSETS = [dim_pseudonym]
