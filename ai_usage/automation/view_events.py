"""Dagster's events of views. No run fills a view, so each new version of its SQL is reported as an event, with its
column lineage.
"""

import dagster as dg
from dagster._core.definitions.data_version import CODE_VERSION_TAG

from ai_usage.marts.assets import VIEWS
from ai_usage.marts.column_lineage import column_lineage
from ai_usage.marts.files import marts


def show_views(instance: dg.DagsterInstance) -> None:
    """Report each view with SQL that changed since the last report."""
    shown = instance.get_latest_materialization_code_versions([view.key for view in VIEWS])
    changed = {view.key.path[-1]: view for view in VIEWS if shown[view.key] != view.code_version}
    for mart in marts():
        if view := changed.get(mart.table.name):
            instance.report_runless_asset_event(
                dg.AssetMaterialization(
                    view.key,
                    description="This version of the view. Its rows are those of its tables at any time.",
                    metadata={"dagster/column_lineage": column_lineage(mart)},
                    tags={CODE_VERSION_TAG: str(view.code_version)},
                )
            )
