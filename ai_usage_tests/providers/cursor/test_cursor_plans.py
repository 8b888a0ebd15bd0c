"""Plans and their prices: a file that people write, read strictly; and the legacy formula."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.errors import SettingError
from ai_usage.places import ROOT
from ai_usage.providers.cursor.plans import Plan, plan_on, read_plans
from ai_usage.providers.cursor.rows import estimated_cost
from ai_usage.settings import SIMULATED_CURSOR_PLANS, read_settings

LEGACY = Plan("old", date(2025, 1, 1), date(2026, 6, 4), Decimal(40), Decimal("0.04"))
PLAN = '[[plan]]\nname = "new"\nvalid_from = 2026-06-04\nseat_price_usd = "40"\n'

BAD = {
    "is no price": PLAN.replace('"40"', '"forty"'),
    "negative price": PLAN.replace('"40"', '"-1"'),
    "Expected `str`, got `float`": PLAN.replace('"40"', "40.5"),
    "unknown field `price`": PLAN + 'price = "1"\n',
    "missing required field `name`": PLAN.replace('name = "new"\n', ""),
    "both hold on 2026-06-04": PLAN + PLAN,
    "before it begins": PLAN + "valid_to = 2026-06-04\n",
    "Expected '='": "plan",
}


def written(folder: Path, text: str) -> Path:
    path = folder / "plans.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("why", BAD)
def test_a_file_that_cannot_be_used_is_an_error_that_names_what_is_wrong(tmp_path: Path, why: str) -> None:
    path = written(tmp_path, BAD[why])
    with pytest.raises(SettingError, match=f"CURSOR_PLANS: {path}.*{why}"):
        read_plans(path)


def test_a_file_that_is_not_there_is_a_wrong_setting() -> None:
    with pytest.raises(SettingError, match=r"CURSOR_PLANS is 'nowhere\.toml', and there is no such file"):
        read_settings({"CURSOR_PLANS": "nowhere.toml"})


def test_only_simulated_teams_have_prices_without_a_file() -> None:
    assert read_settings({}).cursor_plans is None
    assert read_settings({"AI_USAGE_SIMULATE": "1"}).cursor_plans == SIMULATED_CURSOR_PLANS
    own = read_settings({"AI_USAGE_SIMULATE": "1", "CURSOR_PLANS": "pyproject.toml"}).cursor_plans
    assert own == ROOT / "pyproject.toml"
    assert read_plans(None) == []


def test_each_day_has_the_plan_that_was_valid_then() -> None:
    legacy, new = read_plans(SIMULATED_CURSOR_PLANS)
    days = (date(2024, 9, 2), date(2024, 9, 3), date(2026, 6, 3), date(2026, 6, 4), date(2030, 1, 1))
    assert [plan_on([legacy, new], day) for day in days] == [None, legacy, legacy, new, new]


def test_a_legacy_day_is_estimated_by_the_formula() -> None:
    """subscription_base / days_in_month + usage_based_reqs × overage_rate, exact to nine decimals."""
    assert estimated_cost(LEGACY, date(2026, 2, 10), 10) == Decimal("1.828571429")  # 40 / 28 + 0.40
    assert estimated_cost(LEGACY, date(2026, 4, 10), 0) == Decimal("1.333333333")


def test_token_plans_and_unknown_ones_are_not_estimated() -> None:
    assert estimated_cost(Plan("new", date(2026, 6, 4), None, Decimal(40), None), date(2026, 7, 1), 10) is None
    assert estimated_cost(None, date(2026, 7, 1), 10) is None
