"""`dim_pseudonym` and its views: they name no person, and lose no row and no amount."""

from pathlib import Path

import dagster as dg
import pytest

from ai_usage.catalog import TABLES
from ai_usage.core.pseudonyms import pseudonyms
from ai_usage.redaction import pseudonym
from ai_usage.warehouse.duckdb.erasure import begin, rewrite
from ai_usage.warehouse.duckdb.identity import identity_of
from ai_usage.warehouse.nameless_views import (
    DIM_PSEUDONYM,
    FREE_TEXT,
    OF_OTHER_THINGS,
    UNKNOWN,
    is_shown,
    nameless_view,
    names_a_person,
)
from ai_usage.warehouse.table import Table, Type
from ai_usage_tests.named import ADDRESS, KEY_NAME, names_her
from ai_usage_tests.platform import Platform

SALT = "0123456789abcdef"
WHO = pseudonym(ADDRESS, SALT)
SHOWN = [table for table in TABLES if is_shown(table)]
# Text columns that readers see unchanged: codes, ids, names of products and teams. None contains a person's name,
# address or text that a person wrote.
SEEN_AS_THEY_ARE = (
    "account account_name account_user_id act actor_id actor_type adjustment_mode allocation_method api_key_id "
    "apply_most_used_extension asset assignment assumption attribution_method automation_id based_on best_mix "
    "best_option billed_currency billing_account_id billing_account_type billing_currency billing_pull "
    "BillingAccountId BillingAccountName BillingAccountType BillingCurrency built_from calendar cause charge_type "
    "ChargeCategory ChargeClass ChargeDescription ChargeFrequency check_name client_version cloud_agent_id "
    "column_name commit_hash commit_source ConsumedUnit context_level context_window conversation_id cost_center "
    "cost_type covers credential_id credentials credit_name credit_type currency current_mix current_option "
    "cursor_user_id customer_type endpoint field figure_covers figure_source grouped_by holiday_name horizon "
    "idle_exemption image_size image_source inference_geo interval_basis invoice_id invoice_ids invoice_issuer_name "
    "invoice_month InvoiceId InvoiceIssuerName kind label_team line_account line_item line_model line_workspace_id "
    "mapped_by meter method metric_type model model_alias month most_used_model not_comparable_reason open_reason "
    "option_name order_id organization_id period plan plan_name platform platform_method platform_name pool "
    "pricing_unit PricingCategory PricingUnit product project_id provider provider_account_id provider_name "
    "ProviderName publisher publisher_name PublisherName pull pull_id quantity_unit recommended_option report "
    "request_type ResourceId ResourceType response_code result role rule_name run_id scope seat_basis seat_platform "
    "service_account_id service_id service_name service_tier ServiceCategory ServiceName ServiceSubcategory "
    "settled_by severity sku_id sku_name SkuId SkuMeter SkuPriceDetails SkuPriceId source speed state status "
    "sub_account sub_account_id sub_account_type SubAccountId SubAccountType subject subscription_plan "
    "subscription_type tab tab_most_used_extension team_name team_source terminal_type threshold tier tiers "
    "token_type tool unit unit_name user_id vector_store_id what workspace_id worth_basis x_ApiKeyId "
    "x_AttributionMethod x_ListCostBasis x_Meter x_Model x_Plan x_Platform x_Status x_TeamName"
)


@pytest.fixture(scope="module")
def nameless(named_world: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    world = named_world.copy(tmp_path_factory.mktemp("nameless"))
    world.warehouse.replace_all(DIM_PSEUDONYM, pseudonyms(world.warehouse, SALT))
    return world


@pytest.fixture
def unmade(named_world: Platform, tmp_path: Path) -> Platform:
    """The same company before the first build of `dim_pseudonym`."""
    return named_world.copy(tmp_path)


def texts(platform: Platform, table: Table) -> set[str]:
    found = platform.warehouse.ask(nameless_view(table))
    assert found.columns == list(table.columns)
    assert found.height == platform.warehouse.ask(f"select count(*) as n from {table.address}").item()
    columns = [name for name, column in table.columns.items() if column.type is Type.STRING]
    return {text for name in columns for text in found[name].drop_nulls()}


def test_a_person_has_the_pseudonym_of_the_pages(nameless: Platform) -> None:
    rows = dict(nameless.warehouse.ask(f"select named_by, pseudonym from {DIM_PSEUDONYM.address}").iter_rows())
    assert rows[ADDRESS] == WHO
    assert rows[KEY_NAME] == f"claude_code_key_{WHO}"


def test_no_view_names_a_person_and_none_loses_a_row(nameless: Platform) -> None:
    found = {table.name: texts(nameless, table) for table in SHOWN}
    assert {name for name, of in found.items() if any(names_her(text) or "@" in text for text in of)} == set()
    assert WHO in found["ai_spend"]
    assert f"claude_code_key_{WHO}" in found["dim_api_key_mapping"]
    assert UNKNOWN not in set().union(*found.values())


def test_a_name_that_is_not_known_yet_is_hidden(unmade: Platform) -> None:
    found = {table.name: texts(unmade, table) for table in SHOWN}
    assert {name for name, of in found.items() if any(names_her(text) or "@" in text for text in of)} == set()
    assert UNKNOWN in found["ai_spend"]


def test_money_is_the_same(nameless: Platform) -> None:
    table = next(table for table in TABLES if table.name == "ai_spend")
    asked = "select spend_date, sum(billed_usd) as usd from {} group by spend_date order by spend_date"
    seen = nameless.warehouse.ask(asked.format(f"({nameless_view(table)}) as seen"))
    assert seen.equals(nameless.warehouse.ask(asked.format(table.address)))


def test_the_names_behind_the_pseudonyms_are_not_shown() -> None:
    assert DIM_PSEUDONYM not in SHOWN
    assert all(table.schema != "ai_usage_raw" for table in SHOWN)


def test_an_erased_person_leaves_no_pseudonym(nameless: Platform, tmp_path: Path) -> None:
    """The pseudonym is derived from the address."""
    warehouse = nameless.copy(tmp_path).warehouse
    erasure = begin(warehouse, ADDRESS, identity_of(warehouse, ADDRESS))
    rewrite(warehouse, erasure, None)
    left = warehouse.ask(f"select pseudonym from {DIM_PSEUDONYM.address}")["pseudonym"].to_list()
    assert not [shown for shown in left if WHO in shown]
    assert warehouse.ask("select count(*) as n from ai_usage_analytics.ai_spend").item()


def test_without_a_salt_the_table_is_empty(nameless: Platform, tmp_path: Path) -> None:
    world = nameless.copy(tmp_path)
    outcome = world.materialize(dg.AssetSelection.assets("core/dim_pseudonym"), None, None)
    assert "core/dim_pseudonym" in outcome.materialized
    assert world.warehouse.ask(f"select count(*) as n from {DIM_PSEUDONYM.address}").item() == 0


def test_of_every_text_column_it_is_decided_whether_readers_of_pseudonyms_see_it() -> None:
    """A new column fails here: add it to a list of `nameless_views`, or to the list above if no value can name a
    person.
    """
    texts = {name for table in SHOWN for name, column in table.columns.items() if column.type is Type.STRING}
    undecided = {name for name in texts if not names_a_person(name)} - OF_OTHER_THINGS - FREE_TEXT
    assert undecided == set(SEEN_AS_THEY_ARE.split())
