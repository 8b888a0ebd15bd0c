"""Every table, in the order of the data flow: the warehouse creates them and docs/tables.md lists them. Also the table
functions: each is a query of `sql/` with its arguments as parameters.
"""

from ai_usage.checks.alert_events import ALERT_EVENTS
from ai_usage.checks.result_table import CHECK_RESULTS
from ai_usage.checks.sightings import SCHEMA_DRIFT_SIGHTINGS
from ai_usage.core import tables as core
from ai_usage.ingest.rejections import RECORD_REJECTIONS
from ai_usage.marts.files import marts
from ai_usage.providers.registry import PROVIDERS
from ai_usage.sheet import tables as sheets
from ai_usage.warehouse.builds import BUILDS
from ai_usage.warehouse.erasures import ERASURES
from ai_usage.warehouse.table import PULLS

TABLES = (
    PULLS,
    *(table for provider in PROVIDERS for table in provider.tables),
    *sheets.RAW_TABLES.values(),
    *core.CORE_TABLES,
    RECORD_REJECTIONS,
    *(mart.table for mart in marts()),
    CHECK_RESULTS,
    ALERT_EVENTS,
    SCHEMA_DRIFT_SIGHTINGS,
    BUILDS,
    ERASURES,
)
FUNCTIONS = ("functions/spend_as_of",)
