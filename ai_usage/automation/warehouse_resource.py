"""The warehouse that the settings name: for runs, for commands, and the published copy for sensors."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import dagster as dg

from ai_usage.automation import refresh
from ai_usage.automation.view_events import show_views
from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.checks.result_table import keep_results
from ai_usage.settings import Settings, settings
from ai_usage.warehouse.building import between_builds, building
from ai_usage.warehouse.open import open_published, open_warehouse
from ai_usage.warehouse.port import Warehouse


def warehouse_of(of: Settings, *, is_read_only: bool = False, run_id: str = "") -> Warehouse:
    """The warehouse that the settings name."""
    return open_warehouse(of, TABLES, FUNCTIONS, is_read_only=is_read_only, run_id=run_id)


def asked_warehouse(of: Settings) -> Warehouse:
    """The same, for a command that only reads. In BigQuery it does not wait for runs. The embedded warehouse's file is
    created or migrated, as by a run.
    """
    return warehouse_of(of, is_read_only=of.is_bigquery)


class WarehouseResource(dg.ConfigurableResource[Warehouse]):
    """Gives a run its warehouse. When the run ends, even if it failed, stores its check results and publishes what it
    wrote.
    """

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Warehouse]:
        of = settings()
        warehouse = warehouse_of(of, run_id=context.run.run_id if context.run else "")
        is_build = context.run is None or context.run.job_name not in refresh.JOBS_WITHOUT_BUILD
        stays_open = warehouse.staying_open() if asks_no_provider(context.run) else nullcontext()
        with building(of.data_dir) if is_build else nullcontext():
            try:
                with stays_open:  # not while it waits for a build to end: that build may wait for the file
                    try:
                        yield warehouse
                    finally:
                        if context.instance and context.run:
                            keep_results(warehouse, context.instance, context.run.run_id, is_over=True)
                            if is_build:
                                show_views(context.instance)
            finally:
                with nullcontext() if is_build else between_builds(of.data_dir):
                    warehouse.publish()


def asks_no_provider(run: dg.DagsterRun | None) -> bool:
    """Whether the warehouse may stay open between a run's steps: each takes seconds, and a pull may wait for hours."""
    if run is None or run.asset_selection is None:
        return run is not None and run.job_name in {refresh.BUILD, refresh.FRESHNESS}
    return not any(key.path[0] == "raw" for key in run.asset_selection)


def published(of: Settings) -> Warehouse | None:
    """The published copy, for queries of its ledger. An unreadable copy counts as none: what is due then is pulled, and
    the run publishes it again.
    """
    return open_published(of)


@contextmanager
def published_for_a_tick(of: Settings) -> Iterator[Warehouse | None]:
    """The same for a sensor's tick: queries without a cached answer open the copy once."""
    ledger = published(of)
    with ledger.staying_open() if ledger else nullcontext():
        yield ledger
