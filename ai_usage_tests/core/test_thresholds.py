"""Configured thresholds replace the default ones, are listed where they are used, and are refused if invalid."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.check import Result
from ai_usage.checks.anomalies import evaluate_anomalies
from ai_usage.core.thresholds import (
    OVERRIDABLE,
    THRESHOLD_OVERRIDES,
    override_rows,
    own_limits,
    read_overrides,
)
from ai_usage.definitions import build_defs
from ai_usage.errors import SettingError
from ai_usage.settings import settings
from ai_usage_tests.platform import Platform

VIEW = "select * from ai_usage_analytics.anomaly_thresholds"


def written(folder: Path, text: str) -> Path:
    path = folder / "thresholds.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_own_limit_replaces_the_default_one_and_leaves_the_others(platform: Platform, tmp_path: Path) -> None:
    [default] = platform.warehouse.ask(VIEW).to_dicts()
    assert own_limits(platform.warehouse, "anomaly") == ""
    own = read_overrides(written(tmp_path, "[anomaly]\ndeviation_usd = 25.5\nbaseline_days = 21\nspike_ratio = 2"))
    platform.warehouse.replace_all(THRESHOLD_OVERRIDES, THRESHOLD_OVERRIDES.frame(override_rows(own)))
    [holding] = platform.warehouse.ask(VIEW).to_dicts()
    assert holding == default | {"deviation_usd": Decimal("25.5"), "baseline_days": 21, "spike_ratio": 2.0}
    assert default["deviation_usd"] == 40
    assert own_limits(platform.warehouse, "anomaly") == (
        "Limits of your own: baseline_days 21, deviation_usd 25.5, spike_ratio 2."
    )


def test_the_result_of_a_day_with_an_anomaly_lists_own_limits() -> None:
    row = {"kind": "new_key", "scope": "api_key", "label": "etl", "provider": "anthropic", "spent_usd": Decimal(6)}
    finding = evaluate_anomalies(
        [row | {"alert_key": "new_key/etl", "is_repeat": False}], "Limits of your own: new_usd 6."
    )
    assert isinstance(finding, Result)
    assert finding.why.endswith("$6.00 so far. Limits of your own: new_usd 6.")


@pytest.mark.parametrize("subject", ["anomaly", "growth", "backtest"])
def test_every_limit_of_a_view_but_the_statistical_one_can_be_replaced(platform: Platform, subject: str) -> None:
    view = f"select * from ai_usage_analytics.{subject}_thresholds"
    [default] = platform.warehouse.ask(view).to_dicts()
    assert set(OVERRIDABLE[subject]) == default.keys() - {"normal_ratio"}
    own = {(subject, name): Decimal(7) for name in OVERRIDABLE[subject]}
    platform.warehouse.replace_all(THRESHOLD_OVERRIDES, THRESHOLD_OVERRIDES.frame(override_rows(own)))
    [holding] = platform.warehouse.ask(view).to_dicts()
    assert {name: value for name, value in holding.items() if value != 7} == (
        {"normal_ratio": 1.4826} if subject == "anomaly" else {}
    )
    assert {own_limits(platform.warehouse, other) for other in OVERRIDABLE.keys() - {subject}} == {""}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[anomaly]\ndeviaton_usd = 25", r"\[anomaly\] has no threshold deviaton_usd \(did you mean deviation_usd\?\)"),
        ("[anomaly]\nnormal_ratio = 2", r"\[anomaly\] has no threshold normal_ratio"),
        ("[grow]\ndays = 2", r"grow is no section of thresholds; write \[anomaly\] or \[growth\] or \[backtest\]"),
        ("[growth]\ndeviation_usd = 2", r"\[growth\] has no threshold deviation_usd"),
        ("anomaly = 3", "anomaly is no section"),
        ('[anomaly]\ndeviation_usd = "25"', "deviation_usd is '25', which is not a number"),
        ("[anomaly]\ndeviation_usd = true", "deviation_usd is True, which is not a number"),
        ("[anomaly]\ndeviation_usd = -1", "deviation_usd is -1; it must be 0 or more"),
        ("[anomaly]\ndeviation_usd = nan", "deviation_usd is NaN; it must be 0 or more"),
        ("[anomaly]\nbaseline_days = 0", "baseline_days is 0; it must be a whole number of 1 or more"),
        ("[anomaly]\nbaseline_days = 1.5", "baseline_days is 1.5; it must be a whole number of 1 or more"),
        ("[anomaly\n", "cannot be used"),
    ],
)
def test_what_is_no_limit_is_refused_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=f"AI_USAGE_THRESHOLDS: .*{sentence}"):
        read_overrides(written(tmp_path, text))


def test_the_definitions_refuse_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="AI_USAGE_THRESHOLDS"):
        build_defs(replace(settings(), thresholds=written(tmp_path, "[anomaly]\nnothing_usd = 1")))
