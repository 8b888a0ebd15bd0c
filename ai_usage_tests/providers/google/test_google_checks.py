"""Each check of Google's bill fails: the three days of `googlesql.google_world`, harmed in one place. Also tests the
attribution of its costs.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.checks.registry import CHECKS
from ai_usage.marts.gate import blocked_accounts
from ai_usage.partitions import Span
from ai_usage.providers.google.provider import GOOGLE as GOOGLE_PROVIDER
from ai_usage_tests.googlesql import lines
from ai_usage_tests.googlesql.google_world import GOOGLE
from ai_usage_tests.googlesql.world import ORDINARY
from ai_usage_tests.mock_google import MockGoogle
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, platform_in
from ai_usage_tests.providers.google.by_hand import build, fill, pulled

WED, THU, FRI = (date.fromisoformat(day) for day in (lines.WED, lines.THU, lines.FRI))
DAYS = Span(WED, FRI)
A = "ai_usage_analytics"
COSTS, TOTALS = f"{A}.gemini_costs", f"{A}.gemini_daily_cost"
ATTRIBUTED, SPEND = f"{A}.gemini_attributed_costs", f"{A}.ai_spend"

EXPORT = "gemini_costs_equal_export"
KNOWN = "every_google_sku_is_known"
PRICES = "gemini_prices_are_published"
LISTED = "every_cost_has_a_list_price"
EXPENSES = "expenses_equal_costs"
METHOD = "every_dollar_has_a_method"
NAMES = [EXPORT, KNOWN, PRICES, LISTED, EXPENSES, METHOD]

ON_WED = f"activity_date = '{WED}'"
CREDIT = f"{ON_WED} and charge_type = 'credit'"
USE = f"{ON_WED} and charge_type = 'usage'"
SEATS = f"{ON_WED} and charge_type = 'subscription'"
NANO = "0.000000001"
HARMS = {
    "a row lost": (EXPORT, f"delete from {COSTS} where {SEATS}"),
    "a credit lost": (EXPORT, f"delete from {COSTS} where {CREDIT}"),
    "a row doubled": (EXPORT, f"insert into {COSTS} from {COSTS} where {CREDIT}"),
    "a row of nothing doubled": (
        EXPORT, f"insert into {COSTS} select * replace (0 as billed_amount, 0 as amount_usd) from {COSTS} where {SEATS}"
    ),
    "a nano-dollar too much": (EXPORT, f"update {COSTS} set amount_usd = amount_usd + {NANO} where {SEATS}"),
    "a nano-euro too much": (EXPORT, f"update {COSTS} set billed_amount = billed_amount + {NANO} where {SEATS}"),
    "another currency": (EXPORT, f"update {COSTS} set billed_currency = 'USD' where {SEATS}"),
    "a cost that became a tax": (EXPORT, f"update {COSTS} set charge_type = 'tax' where {SEATS}"),
    "every row lost": (EXPORT, f"delete from {COSTS} where {ON_WED}"),
    "no total": (EXPORT, f"delete from {TOTALS} where {ON_WED}"),
    "a SKU that no rule fits": (KNOWN, f"update {COSTS} set platform = null, rule_name = null where {SEATS}"),
    "cents as dollars": (
        PRICES, f"update {COSTS} set amount_usd = amount_usd * 100, list_usd = list_usd * 100 where {USE}"
    ),
    "dollars as cents": (
        PRICES, f"update {COSTS} set amount_usd = amount_usd / 100, list_usd = list_usd / 100 where {USE}"
    ),
    "more than at list": (PRICES, f"update {COSTS} set list_usd = 0.9 * amount_usd where {USE}"),
    "output at the price of input": (PRICES, f"update {COSTS} set meter = 'output_tokens' where {USE}"),
    "a mart that bills more": (EXPENSES, f"update {ATTRIBUTED} set amount_usd = amount_usd + {NANO} where {CREDIT}"),
    "seats lost on their way": (EXPENSES, f"delete from {SPEND} where spend_date = '{WED}' and meter = 'seat'"),
    "a tax in ai_spend": (
        EXPENSES,
        f"insert into {SPEND} select * replace (1 as billed_usd) from {SPEND} where spend_date = '{WED}' limit 1",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("google"))
    fill(platform, GOOGLE | {f"{A}.dim_person": ORDINARY[f"{A}.dim_person"]})
    pulled(platform, DAYS.days)
    build(platform, DAYS)
    return platform


@pytest.fixture
def good(past: Platform, tmp_path: Path) -> Platform:
    """The three days, built without errors."""
    return past.copy(tmp_path)


def evaluated(platform: Platform, *names: str) -> Outcome:
    """Only the checks, over the three days."""
    tables = {"gemini_costs", "gemini_attributed_costs", "ai_spend"}
    every = [check.key for check in CHECKS if check.key.asset_key.path[-1] in tables]
    keys = [key for key in every if key.name in names]
    return platform.materialize(dg.AssetSelection.checks(*keys), DAYS, None, google_cloud=MockGoogle().cloud())


def test_correct_days_pass(good: Platform) -> None:
    outcome = evaluated(good, *NAMES)
    assert {name for name, _ in outcome.evaluations} == set(NAMES)
    assert outcome.checks_not_passed() == set()


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_harmed_day_is_found_and_no_other(good: Platform, harm: tuple[str, str]) -> None:
    name, sql = harm
    good.sql(sql)
    assert evaluated(good, name).not_passed(name) == {WED}


def test_the_difference_names_both_amounts_and_blocks_the_day(good: Platform) -> None:
    good.sql(f"delete from {COSTS} where {SEATS}")
    why = evaluated(good, EXPORT).why(EXPORT, WED, "gemini_costs")
    assert "gemini_costs has 3.220000000 EUR (3.500000000 USD) in 3 rows" in why
    assert "the export's day comes to 279.220000000 EUR (303.500000000 USD) in 4." in why
    assert EXPORT in blocked_accounts(good.warehouse, DAYS, GOOGLE_PROVIDER.gate)[WED]["default"]
    good.sql(f"delete from {TOTALS} where {ON_WED}")
    assert "the export's day has no total" in evaluated(good, EXPORT).why(EXPORT, WED, "gemini_costs")


def test_a_tax_that_differs_blocks_its_day(good: Platform) -> None:
    good.sql(f"update {COSTS} set billed_amount = billed_amount + {NANO} where charge_type = 'tax'")
    assert evaluated(good, EXPORT).not_passed(EXPORT) == {FRI}


def test_what_is_left_out_is_counted_and_what_no_rule_knows_is_named(good: Platform) -> None:
    good.sql(f"update {COSTS} set platform = null, rule_name = 'Vertex AI, machines' where {SEATS}")
    outcome = evaluated(good, KNOWN)
    assert outcome.checks_not_passed() == set()
    assert "300.00 USD of 1 SKUs is known to be no spend on AI." in outcome.why(KNOWN, WED, "gemini_costs")
    good.sql(f"update {COSTS} set rule_name = null, service_name = 'New' where {SEATS}")
    outcome = evaluated(good, KNOWN)
    why = outcome.why(KNOWN, WED, "gemini_costs")
    assert "No rule of GEMINI_SERVICES fits 1 SKUs, which are left out of ai_spend: New: Gemini Code Assist" in why
    assert outcome.evaluation(KNOWN, WED, "gemini_costs").severity == dg.AssetCheckSeverity.WARN


def test_a_model_that_the_price_list_lacks_is_named_and_not_passed_in_silence(good: Platform) -> None:
    good.sql(f"update {COSTS} set model = 'gemini-novel' where {USE}")
    outcome = evaluated(good, LISTED, PRICES)
    assert outcome.not_passed(LISTED) == {None}
    assert "model gemini-novel" in outcome.why(LISTED, None, "gemini_costs")
    assert outcome.not_passed(PRICES) == set()


def test_a_label_names_a_person_by_address_or_name_and_a_team_by_its_name(good: Platform) -> None:
    columns = "activity_date, user_email, team_name, attribution_method, sum(billed_usd)"
    found = good.sql(f"select {columns} from {SPEND} group by all order by all".replace("activity_date", "spend_date"))
    assert found == [
        (WED, "ann@example.com", "Data", "actor", Decimal(1)),  # by her other address; her own team
        (WED, None, None, "unattributed", Decimal("302.5")),
        (THU, "eve@example.com", "Data", "actor", Decimal(5)),  # the label's team, not hers
        (THU, None, "new-team", "unattributed", Decimal(2)),
    ]


def test_a_whole_address_comes_before_a_name_that_reads_the_same(good: Platform) -> None:
    good.sql(
        f"insert into {A}.dim_person by name select * replace ('eve-example-com@other.com' as user_email, "
        f"'eve-example-com@other.com' as person_email) from {A}.dim_person where user_email = 'eve@example.com'"
    )
    good.sql(f"update {COSTS} set user_name = 'eve-example-com' where user_name = 'eve'")
    build(good, DAYS)
    people = f"select distinct user_email from {SPEND} where spend_date = '{THU}' and team_name = 'Data'"
    assert good.sql(people) == [("eve@example.com",)]


def test_a_name_that_two_people_have_names_nobody(good: Platform) -> None:
    good.sql(
        f"insert into {A}.dim_person by name select * replace ('eve@other.com' as user_email, 'eve@other.com' as "
        f"person_email) from {A}.dim_person where user_email = 'eve@example.com'"
    )
    build(good, DAYS)
    people = f"select distinct user_email from {SPEND} where spend_date = '{THU}' and team_name = 'Data'"
    assert good.sql(people) == [(None,)]
    good.sql(f"update {COSTS} set user_name = 'eve_example_com' where user_name = 'eve'")
    build(good, DAYS)
    assert good.sql(people) == [("eve@example.com",)]


def test_a_correction_is_part_of_the_use_that_it_corrects_and_more_than_that_is_a_credit(good: Platform) -> None:
    of_data = f"select charge_type, billed_usd, quantity from {SPEND} where spend_date = '{THU}' and team_name = 'Data'"
    assert good.sql(of_data) == [("usage", Decimal(5), Decimal(500_000))]
    good.sql(f"update {COSTS} set amount_usd = -11 where cost_type = 'adjustment'")
    build(good, DAYS)
    assert good.sql(of_data) == [("credit", Decimal(-1), Decimal(500_000))]
