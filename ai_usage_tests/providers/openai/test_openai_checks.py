"""Each check of OpenAI fails: the three days of `googlesql.openai_world`, harmed in one place."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.checks.registry import CHECKS
from ai_usage.marts.gate import blocked_accounts
from ai_usage.partitions import Span
from ai_usage.providers.openai.provider import OPENAI as OPENAI_PROVIDER
from ai_usage_tests.googlesql import lines
from ai_usage_tests.googlesql.openai_world import BY_KEY, BY_LINE, OPENAI
from ai_usage_tests.googlesql.world import ORDINARY
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, platform_in
from ai_usage_tests.providers.openai.by_hand import CLIENTS, build, fill, pulled

WED, THU, FRI = (date.fromisoformat(day) for day in (lines.WED, lines.THU, lines.FRI))
DAYS = Span(WED, FRI)
A = "ai_usage_analytics"
COSTS, TOTALS, USAGE = f"{A}.openai_costs", f"{A}.openai_daily_cost", f"{A}.openai_usage"
SHARES, ATTRIBUTED, SPEND = f"{A}.openai_cost_shares", f"{A}.openai_attributed_costs", f"{A}.ai_spend"

TOTAL = "grouped_costs_equal_total"
EXPLAINED = "every_cost_line_has_usage"
BILLED = "usage_has_cost"
PRICES = "openai_prices_are_published"
LISTED = "every_cost_has_a_list_price"
GROUPED = "openai_costs_are_grouped_by_key"
ONCE = "codex_is_not_billed_twice"
ALLOCATION = "allocation_loses_nothing"
EXPENSES = "expenses_equal_costs"
METHOD = "every_dollar_has_a_method"
OWNED = "every_key_has_an_owner"
NAMES = [TOTAL, EXPLAINED, BILLED, PRICES, LISTED, GROUPED, ONCE, ALLOCATION, EXPENSES, METHOD]

ON_WED = f"activity_date = '{WED}'"
OUTPUT = f"{ON_WED} and meter = 'output_tokens'"
BATCH = f"{ON_WED} and service_tier = 'batch' and amount_usd > 0"
EMBEDDED = f"{ON_WED} and meter = 'model_use'"
A_TURN = f"select * replace ('codex' as platform, 'credits' as meter) from {SPEND} where spend_date = '{WED}' limit 1"
HARMS = {
    "a cost line lost": (TOTAL, f"delete from {COSTS} where {OUTPUT}"),
    "a cost line doubled": (TOTAL, f"insert into {COSTS} from {COSTS} where {OUTPUT}"),
    "a nano-dollar too much": (TOTAL, f"update {COSTS} set amount_usd = amount_usd + 0.000000001 where {OUTPUT}"),
    "every line lost": (TOTAL, f"delete from {COSTS} where {ON_WED}"),
    "no total": (TOTAL, f"delete from {TOTALS} where {ON_WED}"),
    "a total and no line": (TOTAL, f"update {TOTALS} set amount_usd = amount_usd + 1 where {ON_WED}"),
    "use lost": (EXPLAINED, f"delete from {USAGE} where {ON_WED} and endpoint = 'embeddings'"),
    "use of another project": (EXPLAINED, f"update {USAGE} set project_id = 'else' where {ON_WED} and is_batch"),
    "use of another key": (EXPLAINED, f"update {USAGE} set api_key_id = 'else' where {ON_WED} and is_batch"),
    "use of another tier": (EXPLAINED, f"update {USAGE} set is_batch = false where {ON_WED} and is_batch"),
    "use that was not billed": (BILLED, f"delete from {COSTS} where {OUTPUT}"),
    "searches that were not billed": (BILLED, f"delete from {COSTS} where {ON_WED} and meter = 'web_search'"),
    "cents as dollars": (PRICES, f"update {COSTS} set amount_usd = amount_usd * 100 where {OUTPUT}"),
    "dollars as cents": (PRICES, f"update {COSTS} set amount_usd = amount_usd / 100 where {EMBEDDED}"),
    "batch at the price of others": (PRICES, f"update {COSTS} set amount_usd = amount_usd * 2 where {BATCH}"),
    "cached tokens at the price of input": (
        PRICES, f"update {COSTS} set amount_usd = amount_usd * 2 where {ON_WED} and meter = 'cached_input_tokens'"
    ),
    "searches at 100 USD a thousand": (
        PRICES, f"update {COSTS} set amount_usd = amount_usd * 10 where {ON_WED} and meter = 'web_search'"
    ),
    "credits as dollars": (ONCE, f"insert into {SPEND} {A_TURN}"),
    "ChatGPT beyond its seats": (ONCE, f"update {SPEND} set platform = 'chatgpt' where spend_date = '{WED}'"),
    "a share lost": (ALLOCATION, f"delete from {SHARES} where {ON_WED} and meter = 'web_search' and user_id is null"),
    "a share counted twice": (ALLOCATION, f"insert into {SHARES} from {SHARES} where {OUTPUT}"),
    "a share off by a nano-dollar": (
        ALLOCATION, f"update {ATTRIBUTED} set amount_usd = amount_usd + 0.000000001 where {OUTPUT}"
    ),
    "a key's cost with another key": (ALLOCATION, f"update {ATTRIBUTED} set api_key_id = 'else' where {OUTPUT}"),
    "a key's cost in another project": (ALLOCATION, f"update {SHARES} set project_id = 'else' where {OUTPUT}"),
    "a mart that bills more": (EXPENSES, f"update {ATTRIBUTED} set amount_usd = amount_usd + 1 where {OUTPUT}"),
}  # fmt: skip


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("openai"))
    dims = ("dim_api_key_mapping", "dim_person", "dim_person_account", "seats")
    fill(platform, OPENAI | {f"{A}.{name}": ORDINARY[f"{A}.{name}"] for name in dims})
    pulled(platform, DAYS.days)
    build(platform, DAYS)
    return platform


@pytest.fixture
def good(past: Platform, tmp_path: Path) -> Platform:
    """The three days, built without errors."""
    return past.copy(tmp_path)


def evaluated(platform: Platform, *names: str) -> Outcome:
    """Only the checks, over the three days."""
    tables = {"openai_costs", "openai_usage", "openai_cost_shares", "openai_attributed_costs", "ai_spend"}
    tables.add("dim_api_key_mapping")
    every = [check.key for check in CHECKS if check.key.asset_key.path[-1] in tables]
    keys = [key for key in every if key.name in names]
    return platform.materialize(dg.AssetSelection.checks(*keys), DAYS, None, openai_admin=CLIENTS)


def test_correct_days_pass_and_a_coarser_grouping_is_one_warning(good: Platform) -> None:
    outcome = evaluated(good, *NAMES)
    assert {name for name, _ in outcome.evaluations} == set(NAMES)
    assert outcome.checks_not_passed() == {GROUPED}
    assert outcome.not_passed(GROUPED) == {None}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_harmed_day_is_found_and_no_other(good: Platform, harm: tuple[str, str]) -> None:
    name, sql = harm
    good.sql(sql)
    assert evaluated(good, name).not_passed(name) == {WED}


def test_the_difference_names_both_amounts_and_blocks_the_day(good: Platform) -> None:
    good.sql(f"delete from {COSTS} where {OUTPUT}")
    why = evaluated(good, TOTAL).why(TOTAL, WED, "openai_costs")
    assert "0.057250000 USD in 8 grouped cost lines, the total is 0.059250000 USD: -0.002000000 USD." in why
    good.sql(f"update {TOTALS} set account = 'other' where {ON_WED}")
    assert "no total of the day" in evaluated(good, TOTAL).why(TOTAL, WED, "openai_costs")
    assert TOTAL in blocked_accounts(good.warehouse, DAYS, OPENAI_PROVIDER.gate)[WED]["default"]


def test_a_line_without_use_is_listed_with_its_cost(good: Platform) -> None:
    good.sql(f"update {COSTS} set meter = 'thoughts', line_item = 'Thoughts' where {OUTPUT}")
    why = evaluated(good, EXPLAINED).why(EXPLAINED, WED, "openai_costs")
    assert "0.00 USD in 1 cost lines have no usage behind them: Thoughts (0.00 USD)." in why


def test_a_line_that_names_no_model_is_listed_and_may_be_the_cost_of_any_use_of_its_project(good: Platform) -> None:
    good.sql(f"update {COSTS} set model = null, meter = 'text_tokens', line_item = 'Text tokens' where {OUTPUT}")
    outcome = evaluated(good, EXPLAINED, BILLED)
    assert outcome.checks_not_passed() == set()
    assert "1 cost lines name no model: Text tokens" in outcome.why(EXPLAINED, WED, "openai_costs")
    good.sql(f"update {COSTS} set project_id = 'proj_other' where line_item = 'Text tokens'")
    outcome = evaluated(good, EXPLAINED, BILLED)
    assert outcome.checks_not_passed() == {BILLED}
    assert outcome.not_passed(BILLED) == {WED}


def test_a_day_of_use_without_any_cost_fails_and_a_part_of_it_warns(good: Platform) -> None:
    good.sql(f"delete from {COSTS} where activity_date = '{FRI}'")
    outcome = evaluated(good, BILLED)
    assert outcome.not_passed(BILLED) == {FRI}
    assert outcome.evaluation(BILLED, FRI, "openai_usage").severity == dg.AssetCheckSeverity.ERROR
    assert "usage and no cost on this day: 7 tokens of gpt-4o output_tokens; 3 tokens" in outcome.why(
        BILLED, FRI, "openai_usage"
    )
    good.sql(f"delete from {COSTS} where {OUTPUT}")
    assert evaluated(good, BILLED).evaluation(BILLED, WED, "openai_usage").severity == dg.AssetCheckSeverity.WARN


@pytest.mark.parametrize("free", ["endpoint = 'moderations'", "endpoint = 'vector_stores'"])
def test_what_is_free_needs_no_cost(good: Platform, free: str) -> None:
    good.sql(f"delete from {USAGE} where {ON_WED} and not ({free})")
    good.sql(f"delete from {COSTS} where {ON_WED}")
    assert evaluated(good, BILLED).not_passed(BILLED) == set()


@pytest.mark.parametrize(("model", "wrong"), [("gpt-4o", set()), ("gpt-image-2", {WED})])
def test_images_that_are_billed_as_tokens_of_their_model_have_a_cost(
    good: Platform, model: str, wrong: set[date]
) -> None:
    good.sql(
        f"insert into {USAGE} by name select * replace ('images' as endpoint, 2 as image_count, '{model}' as model) "
        f"from {USAGE} where {ON_WED} and output_tokens = 200"
    )
    assert evaluated(good, BILLED).not_passed(BILLED) == wrong


def test_a_model_that_the_price_list_lacks_is_named_and_not_passed_in_silence(good: Platform) -> None:
    good.sql(f"update {COSTS} set model = 'gpt-novel-9' where {ON_WED} and meter in ('input_tokens', 'output_tokens')")
    outcome = evaluated(good, LISTED, PRICES)
    assert outcome.not_passed(LISTED) == {None}
    assert "model gpt-novel-9" in outcome.why(LISTED, None, "openai_costs")
    assert outcome.not_passed(PRICES) == set()
    assert "3 lines have no list price" in outcome.why(PRICES, WED, "openai_costs")
    assert "1 × storage without a unit that has a price" in outcome.why(PRICES, WED, "openai_costs")


def test_what_a_coarser_grouping_loses_is_reported(good: Platform) -> None:
    why = evaluated(good, GROUPED).why(GROUPED, None, "openai_costs")
    assert "grouped by project_id and line_item: API keys are not billed separately" in why
    assert "grouped by line_item: neither projects nor API keys are billed separately" in why
    good.sql(f"update {COSTS} set grouped_by = '{BY_KEY}' where grouped_by != '{BY_LINE}'")
    assert "project_id" not in evaluated(good, GROUPED).why(GROUPED, None, "openai_costs")
    good.sql(f"update {COSTS} set grouped_by = ''")
    assert "not grouped: nothing is billed separately" in evaluated(good, GROUPED).why(GROUPED, None, "openai_costs")
    good.sql(f"update {COSTS} set grouped_by = '{BY_KEY}'")
    assert evaluated(good, GROUPED).not_passed(GROUPED) == set()


def test_keys_without_an_owner_are_named_as_at_every_provider(good: Platform) -> None:
    keys = f"{A}.dim_api_key_mapping"
    good.sql(f"update {keys} set mapped_by = 'sheet', user_email = 'eve@example.com' where api_key_id = 'key_bot'")
    assert evaluated(good, OWNED).not_passed(OWNED) == set()
    good.sql(f"update {keys} set provider = 'anthropic' where api_key_id = 'key_bob'")
    outcome = evaluated(good, OWNED)
    assert outcome.not_passed(OWNED) == {WED}
    assert "Unowned: key_bob (0.02 USD)" in outcome.why(OWNED, WED, "dim_api_key_mapping")
