"""Limits that a company replaces by its own. The views `anomaly_thresholds`, `growth_thresholds` and
`backtest_thresholds` have all limits with their defaults and reasons; the file of `AI_USAGE_THRESHOLDS` replaces some
of them:

    [anomaly]
    deviation_usd = 25
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg

from ai_usage.errors import SettingError
from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.settings import settings
from ai_usage.spelling import nearest
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import Table, numeric, string

AT_MOST = Decimal(10) ** 9
OVERRIDABLE: Mapping[str, tuple[str, ...]] = {
    "anomaly": (
        *("baseline_days", "least_history_days"),
        *("least_weekdays_count", "least_weekend_days_count", "least_same_weekday_count"),
        *("compared_usd", "deviation_usd", "deviations_ratio", "least_deviation_ratio", "least_deviation_usd"),
        *(
            "spike_ratio",
            "rise_ratio",
            "repeat_days",
            "drop_baseline_usd",
            "drop_ratio",
            "contributor_usd",
            "contributors_count",
        ),
        *("restart_days", "known_days", "new_usd"),
    ),
    "growth": ("least_days", "growth_usd"),
    "backtest": (
        *("least_trials_count", "least_months_count", "least_coverage_ratio", "most_coverage_ratio", "exact_ratio"),
    ),
}

THRESHOLD_OVERRIDES = Table(
    name="threshold_overrides",
    grain="one limit that the file of AI_USAGE_THRESHOLDS replaces; none without a file",
    question="Which limits of your own replace the defaults?",
    example="select subject, threshold, value from ai_usage_analytics.threshold_overrides order by subject, threshold",
    date_column=None,
    columns={
        "subject": string(
            "what it is a limit of: anomaly, growth or backtest; <subject>_thresholds has all", required=True
        ),
        "threshold": string("its column in that view, which has the value that holds and the reason", required=True),
        "value": numeric("in the unit that its name ends with", required=True),
    },
    key=("subject", "threshold"),
)


# It has no pull as its parent: every build contains it, so that the marts of the run use a changed file.
@snapshot_asset("core", THRESHOLD_OVERRIDES, group=GROUP, kinds=KINDS)
def threshold_overrides(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """Limits that this company set itself. All other limits have their default."""
    rows = override_rows(read_overrides(settings().thresholds))
    warehouse.replace_all(THRESHOLD_OVERRIDES, THRESHOLD_OVERRIDES.frame(rows))
    note(context, "core/threshold_overrides", None, **{"dagster/row_count": len(rows["value"])})


def override_rows(of: Mapping[tuple[str, str], Decimal]) -> dict[str, list[Any]]:
    """Columns of `threshold_overrides`."""
    return {
        "subject": [subject for subject, _ in of],
        "threshold": [name for _, name in of],
        "value": list(of.values()),
    }


def read_overrides(path: Path | None) -> dict[tuple[str, str], Decimal]:
    """The limits of a TOML file, by subject and name; none without one. `SettingError` names what is wrong in it."""
    if path is None:
        return {}
    try:
        with path.open("rb") as file:
            written = tomllib.load(file, parse_float=Decimal)
        return {
            (subject, name): _value(subject, name, value)
            for subject, limits in written.items()
            for name, value in _limits(subject, limits).items()
        }
    except (OSError, ValueError) as error:  # TOML's own error is a ValueError
        raise SettingError(
            f"AI_USAGE_THRESHOLDS: {path} cannot be used: {error}. It has lines such as deviation_usd = 25 under "
            "[anomaly]; the names are the columns of the view anomaly_thresholds, and so for "
            "[growth] and [backtest]."
        ) from error


def own_limits(warehouse: Warehouse, subject: str) -> str:
    """A sentence that lists the limits that differ from their defaults; empty if none does."""
    own = warehouse.ask(
        f"select threshold, value from {THRESHOLD_OVERRIDES.address} where subject = @subject order by threshold",
        subject=subject,
    ).rows()
    return f"Limits of your own: {', '.join(f'{name} {value.normalize():f}' for name, value in own)}." if own else ""


def _limits(subject: str, limits: object) -> dict[str, object]:
    if subject not in OVERRIDABLE or not isinstance(limits, dict):
        raise ValueError(f"{subject} is no section of thresholds; write [{'] or ['.join(OVERRIDABLE)}]")
    return limits


def _value(subject: str, name: str, value: object) -> Decimal:
    if name not in OVERRIDABLE[subject]:
        known = {known.upper(): known for known in OVERRIDABLE[subject]}
        meant = known.get(nearest(name, known), "")
        raise ValueError(f"[{subject}] has no threshold {name}" + (f" (did you mean {meant}?)" if meant else ""))
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"{name} is {value!r}, which is not a number")  # noqa: TRY004 - of a file
    number = Decimal(value)
    is_whole = name.endswith(("_days", "_count"))
    if not (number.is_finite() and 0 <= number < AT_MOST) or (is_whole and (number < 1 or number % 1)):
        raise ValueError(f"{name} is {value}; it must be {'a whole number of 1 or more' if is_whole else '0 or more'}")
    return number


ASSETS = [threshold_overrides]
