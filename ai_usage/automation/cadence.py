"""The cadence of every source: each provider's own, and the sheet's."""

from datetime import timedelta

import dagster as dg

from ai_usage.providers.registry import PROVIDERS
from ai_usage.sheet.pulls import CADENCE as SHEET

STALE = timedelta(days=3)  # a source that old is unhealthy

CADENCES = [*(cadence for provider in PROVIDERS for cadence in provider.cadences), SHEET]


def with_freshness(spec: dg.AssetSpec) -> dg.AssetSpec:
    """Adds to a pulled asset the ages at which Dagster shows it as late and as unhealthy; not for reports of few
    days.
    """
    where_needed = {pull for provider in PROVIDERS for pull in provider.where_needed}
    for cadence in CADENCES:
        if spec.key in cadence.keys and spec.key.path[-1] not in where_needed:
            return spec.replace_attributes(
                freshness_policy=dg.FreshnessPolicy.time_window(fail_window=STALE, warn_window=cadence.warns)
            )
    return spec
