"""Google's typed facts beside the bill: usage, activity of people, and licenses.

`rows` in each folder turns a record into a row.
"""

import dagster as dg

from ai_usage.ingest.day_replacement import GROUP, KINDS, rebuild
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import daily_asset, note, snapshot_asset
from ai_usage.providers.google import usage_pulls
from ai_usage.providers.google.code_assist.rows import activity_rows
from ai_usage.providers.google.code_assist.tables import GEMINI_CODE_ASSIST_STATS
from ai_usage.providers.google.licenses.rows import license_rows
from ai_usage.providers.google.licenses.tables import GEMINI_LICENSES
from ai_usage.providers.google.metrics.rows import usage_rows
from ai_usage.providers.google.metrics.tables import GEMINI_USAGE


@daily_asset("core", GEMINI_USAGE, group=GROUP, kinds=KINDS, deps=[usage_pulls.gemini_metrics])
def gemini_usage(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Tokens, requests and errors of Gemini and Vertex AI as Cloud Monitoring counted them. They are never priced."""
    rebuild(context, warehouse, GEMINI_USAGE, pull="gemini_metrics", shape=usage_rows)


@daily_asset("core", GEMINI_CODE_ASSIST_STATS, group=GROUP, kinds=KINDS, deps=[usage_pulls.gemini_code_assist_log])
def gemini_code_assist_stats(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Use of Code Assist by person, from its metadata log."""
    rebuild(context, warehouse, GEMINI_CODE_ASSIST_STATS, pull="gemini_code_assist_log", shape=activity_rows)


@snapshot_asset("core", GEMINI_LICENSES, group=GROUP, kinds=KINDS, deps=[usage_pulls.gemini_licenses])
def gemini_licenses(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Licenses of Code Assist: each licensed user, and the unassigned ones, as Google listed them last."""
    with warehouse.connected():
        newest = warehouse.newest("gemini_licenses", None)
        if newest.versions.is_empty():
            return note(context, "core/gemini_licenses", None, skipped="raw/gemini_licenses was never pulled")
        licenses = license_rows(newest)
        warehouse.replace_all(GEMINI_LICENSES, licenses)
        keep_rejections(warehouse, newest)
    return note(context, "core/gemini_licenses", None, **{"dagster/row_count": licenses.height})


ASSETS = [gemini_usage, gemini_code_assist_stats, gemini_licenses]
