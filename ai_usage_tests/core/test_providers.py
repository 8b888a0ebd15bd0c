"""The table of providers equals the `Provider` records."""

from dataclasses import replace

from ai_usage.core.providers import platform_rows, provider_rows
from ai_usage.providers.provider import Platform
from ai_usage.providers.registry import PROVIDERS

TOY = replace(PROVIDERS[0], key="toy", name="Toy AI", platforms=(Platform("toys", "Toys", "Toy Service"),))


def test_each_provider_has_a_row_with_its_own_names_and_bill() -> None:
    rows = provider_rows([*PROVIDERS, TOY])
    assert rows["provider"].to_list() == [*(provider.key for provider in PROVIDERS), "toy"]
    assert rows["provider_order"].to_list() == list(range(1, len(PROVIDERS) + 2))
    toy = rows.row(-1, named=True)
    assert (toy["provider_name"], toy["billing_pull"]) == ("Toy AI", TOY.bill.pull)
    assert toy["final_after_days"] == TOY.final_after_days


def test_each_platform_has_one_row_under_the_provider_that_bills_it() -> None:
    rows = platform_rows([*PROVIDERS, TOY])
    assert rows["platform"].is_unique().all()
    assert rows.row(-1, named=True) == {
        "platform": "toys",
        "provider": "toy",
        "platform_name": "Toys",
        "service_name": "Toy Service",
        "is_coding_tool": False,
        "platform_order": rows.height,
    }
