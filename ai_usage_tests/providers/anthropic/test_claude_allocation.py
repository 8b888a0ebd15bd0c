"""Claude's cost by key and person: small days written by hand, in the core tables that the two usage requests, the cost
report and analytics fill.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from ai_usage.marts.build_days import rebuild_days
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage_tests.marts.by_hand import put
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform

DAY = date(2026, 11, 10)
ORG = "org-1"
OUTPUT, INPUT = "output_tokens", "uncached_input_tokens"
OPUS = "claude-opus-5-5"
NANO = Decimal("1e-9")
BUILT = ("claude_usage_by_line", "claude_priced_tiers", "claude_allocated_shares", "claude_cost_shares",
         "claude_attributed_costs", "claude_expenses", "api_usage_expenses")  # fmt: skip
CHECKS = ("allocation_loses_nothing", "allocated_cost_is_the_measured_cost", "usage_without_cost_is_explained")

Payer = str | None


@dataclass
class Company:
    """The provider's reports of a day: amounts in USD, tokens of one kind."""

    costs: list[Row] = field(default_factory=list)
    by_tier: list[Row] = field(default_factory=list)
    by_speed: list[Row] = field(default_factory=list)
    measured: list[Row] = field(default_factory=list)

    def line(self, usd: str | Decimal, **more: Any) -> None:
        row = {"workspace_id": "w", "model": OPUS, "token_type": OUTPUT, "cost_type": "tokens", "speed": "standard"}
        row |= {"service_tier": "standard", "context_window": "0-200k", "inference_geo": "global", "currency": "USD"}
        self.costs.append({"activity_date": DAY, "organization_id": ORG, "amount_usd": Decimal(usd), **row, **more})

    def used(self, key: Payer, tokens: int, **more: Any) -> None:
        row: Row = {"workspace_id": "w", "model": OPUS, "service_tier": "standard", "context_window": "0-200k"}
        row |= {"api_key_id": key, OUTPUT: tokens}
        self.by_tier.append({"activity_date": DAY, "organization_id": ORG, **row, **more})

    def placed(self, key: Payer, tokens: int, **more: Any) -> None:
        row: Row = {"workspace_id": "w", "model": OPUS, "inference_geo": "global", "speed": "standard"}
        row |= {"api_key_id": key, OUTPUT: tokens}
        self.by_speed.append({"activity_date": DAY, "organization_id": ORG, **row, **more})

    def analytics_cost(self, usd: str | Decimal, key: Payer = None, **more: Any) -> None:
        row: Row = {"workspace_id": "w", "model": OPUS, "token_type": OUTPUT, "cost_type": "tokens", "currency": "USD"}
        row |= {"product": "messages_api", "api_key_id": key, "list_usd": Decimal(usd)}
        self.measured.append({"activity_date": DAY, "organization_id": ORG, "amount_usd": Decimal(usd), **row, **more})

    def built(self, platform: Platform) -> "Built":
        """The marts of the day, with every check of the allocation passed."""
        put(platform, "dim_workspace", [{"workspace_id": "wrkspc_default", "is_default": True}])
        put(platform, "claude_costs", self.costs)
        put(platform, "claude_usage_tokens", self.by_tier)
        put(platform, "claude_usage_tokens_by_speed", self.by_speed)
        put(platform, "claude_analytics_costs", self.measured)
        for mart in marts():
            if mart.table.name in BUILT:
                rebuild_days(platform.warehouse, replace(mart, blocked_by=()), Span(DAY, DAY))
        wrong = {
            check: platform.warehouse.query(
                f"providers/anthropic/checks/{check}", first_day=DAY, last_day=DAY
            ).to_dicts()
            for check in CHECKS
        }
        assert {check: rows for check, rows in wrong.items() if rows} == {}
        return Built(platform)


@dataclass(frozen=True)
class Built:
    platform: Platform

    def by(self, *columns: str) -> dict[Any, Decimal]:
        """USD by some columns of claude_cost_shares."""
        names = ", ".join(columns)
        rows = self.platform.sql(
            f"select {names}, sum(cost_usd) from ai_usage_analytics.claude_cost_shares group by {names}"
        )
        return {row[0] if len(columns) == 1 else row[:-1]: row[-1] for row in rows}

    @property
    def keys(self) -> dict[Payer, Decimal]:
        return self.by("api_key_id")

    @property
    def methods(self) -> set[str]:
        return {method for (method,) in self.platform.sql(
            "select distinct allocation_method from ai_usage_analytics.claude_cost_shares"
        )}  # fmt: skip

    @property
    def tokens(self) -> int:
        [(units,)] = self.platform.sql("select sum(units) from ai_usage_analytics.claude_cost_shares")
        return int(units)


@pytest.mark.parametrize("geo", ["global", "not_available", "us", None])
def test_a_geography_that_usage_was_not_asked_for_keeps_no_cost_from_its_key(
    platform: Platform, geo: str | None
) -> None:
    """Case 2: usage of five dimensions has no geography, cost lines have `global`, `not_available` and `us`."""
    company = Company()
    company.line("9", inference_geo=geo)
    company.used("A", 200)
    company.used("B", 100)
    built = company.built(platform)
    assert (built.keys, built.methods) == ({"A": Decimal(6), "B": Decimal(3)}, {"tokens"})


def fast_and_standard() -> Company:
    company = Company()
    company.line("4", description="Claude Opus 5.5 Usage - Output Tokens")
    company.line("8", description="Claude Opus 5.5 (Fast) Usage - Output Tokens", speed="fast")
    company.used("A", 100)
    company.used("B", 100)
    return company


def test_the_key_that_was_fast_pays_the_fast_line(platform: Platform) -> None:
    """Case 18: two keys, the same tokens, the second line at twice the price: 8.00 and 4.00 if usage has speed."""
    company = fast_and_standard()
    company.placed("A", 100, speed="fast")
    company.placed("B", 100)
    built = company.built(platform)
    assert (built.keys, built.methods, built.tokens) == ({"A": Decimal(8), "B": Decimal(4)}, {"tokens"}, 200)


def test_the_key_that_was_fast_pays_what_analytics_measured(platform: Platform) -> None:
    """Case 18: 8.00 and 4.00 if analytics measure them."""
    company = fast_and_standard()
    company.analytics_cost("8", "A")
    company.analytics_cost("4", "B")
    built = company.built(platform)
    assert (built.keys, built.methods) == ({"A": Decimal(8), "B": Decimal(4)}, {"measured"})


def test_without_speed_and_analytics_the_shares_are_estimates(platform: Platform) -> None:
    """Case 18: otherwise marked estimated, never exact."""
    built = fast_and_standard().built(platform)
    assert (built.keys, built.methods) == ({"A": Decimal(6), "B": Decimal(6)}, {"estimated"})
    [(method, usd)] = platform.sql(
        "select allocation_method, sum(cost_usd) from ai_usage_analytics.api_usage_expenses group by 1"
    )
    assert (method, usd) == ("estimated", 12)


def test_lines_of_one_key_are_no_estimate_whatever_their_prices(platform: Platform) -> None:
    company = Company()
    company.line("4")
    company.line("8", speed="fast")
    company.used("A", 100)
    built = company.built(platform)
    assert (built.keys, built.methods) == ({"A": Decimal(12)}, {"tokens"})


def test_two_lines_that_differ_in_their_text_alone_have_no_known_price(platform: Platform) -> None:
    company = Company()
    company.line("1", description="Claude Haiku 5.5 Usage - Output Tokens")
    company.line("5", description="Claude Haiku 5.5 Usage - Output Tokens, Prompt over 100k")
    company.used("A", 100)
    company.used("B", 100)
    assert company.built(platform).methods == {"estimated"}


def test_a_usage_report_that_ignored_the_beta_has_no_speed_to_read(platform: Platform) -> None:
    """Null is a dimension that was not reported, not the standard speed."""
    company = fast_and_standard()
    company.placed("A", 100, speed=None)
    company.placed("B", 100, speed=None)
    assert company.built(platform).methods == {"estimated"}


def test_a_second_answer_that_does_not_add_up_to_the_first_is_not_used(platform: Platform) -> None:
    company = fast_and_standard()
    company.placed("A", 100, speed="fast")
    company.placed("B", 99)
    assert company.built(platform).methods == {"estimated"}


def test_both_reports_together_separate_what_neither_separates_alone(platform: Platform) -> None:
    """Batch is never fast and was only global, as the lines show, so each key has one possible split."""
    company = Company()
    company.line("10")
    company.line("22", inference_geo="us")
    company.line("40", speed="fast")
    company.line("5", service_tier="batch")
    company.line("7", context_window="200k-1M")
    company.used("A", 60)
    company.used("A", 100, service_tier="batch")
    company.used("A", 10, service_tier="priority")
    company.used("B", 40)
    company.used("B", 30, context_window="200k-1M")
    company.placed("A", 20, speed="fast")
    company.placed("A", 40, inference_geo="us")
    company.placed("A", 110)
    company.placed("B", 10, inference_geo="us")
    company.placed("B", 60)
    built = company.built(platform)
    found = built.by("service_tier", "allocation_method")
    assert found["standard", "estimated"] == 10 + 22 + 40  # A's priority tokens may be any of these: two solutions
    company.by_tier = [row for row in company.by_tier if row["service_tier"] != "priority"]
    company.by_speed[2][OUTPUT] = 100
    built = company.built(platform)
    assert built.methods == {"tokens"}
    assert built.keys == {
        "A": Decimal(40) + Decimal(22) * 40 / 50 + Decimal(5),
        "B": Decimal(22) * 10 / 50 + Decimal(10) + Decimal(7),
    }
    assert built.tokens == 60 + 100 + 40 + 30


def test_a_question_with_two_answers_is_estimated(platform: Platform) -> None:
    company = Company()
    for window in ("0-200k", "200k-1M"):
        for geo in ("global", "us"):
            company.line("3", context_window=window, inference_geo=geo)
        company.used("A", 50, context_window=window)
        company.used("B", 50, context_window=window)
    for key in ("A", "B"):
        for geo in ("global", "us"):
            company.placed(key, 50, inference_geo=geo)
    built = company.built(platform)
    assert (built.methods, built.keys) == ({"estimated"}, {"A": Decimal(6), "B": Decimal(6)})


def test_each_keys_total_over_its_tiers_is_the_measured_one(platform: Platform) -> None:
    """Case 21: lines in `standard` and `flex`; analytics measure each key's total. Keys were off by up to 40 %."""
    company = Company()
    company.line("30")
    company.line("10", service_tier="flex")
    company.used("A", 300)
    company.used("B", 200, service_tier="flex")
    company.analytics_cost("28", "A")
    company.analytics_cost("12", "B")
    built = company.built(platform)
    assert (built.keys, built.methods) == ({"A": Decimal(28), "B": Decimal(12)}, {"measured"})
    assert built.by("service_tier") == {"standard": Decimal(30), "flex": Decimal(10)}
    assert abs(built.by("api_key_id", "service_tier")["B", "flex"] - Decimal(10)) <= 4 * NANO


def test_tiers_follow_the_tokens_where_these_agree_with_what_was_measured(platform: Platform) -> None:
    company = Company()
    company.line("30")
    company.line("10", service_tier="flex")
    company.used("A", 200)
    company.used("B", 100)
    company.used("A", 50, service_tier="flex")
    company.used("B", 150, service_tier="flex")
    company.analytics_cost("22.5", "A")
    company.analytics_cost("17.5", "B")
    built = company.built(platform)
    got = built.by("api_key_id", "service_tier")
    right = {("A", "standard"): "20", ("B", "standard"): "10", ("A", "flex"): "2.5", ("B", "flex"): "7.5"}
    assert {of: abs(got[of] - Decimal(usd)) <= 4 * NANO for of, usd in right.items()} == dict.fromkeys(right, True)
    assert (built.keys, built.tokens) == ({"A": Decimal("22.5"), "B": Decimal("17.5")}, 500)
    [(listed,)] = platform.sql("select sum(list_usd) from ai_usage_analytics.claude_cost_shares")
    assert listed == 40


def test_a_batch_that_analytics_report_under_another_product_is_still_measured(platform: Platform) -> None:
    company = Company()
    company.line("10")
    company.line("5", service_tier="batch")
    company.used("A", 100)
    company.used("B", 100, service_tier="batch")
    company.analytics_cost("10", "A")
    company.analytics_cost("5", "B", product="other")
    built = company.built(platform)
    assert (built.keys, built.methods) == ({"A": Decimal(10), "B": Decimal(5)}, {"measured"})
    assert built.by("service_tier") == {"standard": Decimal(10), "batch": Decimal(5)}


def test_batch_and_its_product_are_apart_as_long_as_they_agree(platform: Platform) -> None:
    company = Company()
    company.line("10")
    company.line("5", service_tier="batch")
    company.analytics_cost("6", "A")
    company.analytics_cost("4", "B")
    company.analytics_cost("5", "A", product="message_batches_api")
    built = company.built(platform)
    assert built.by("api_key_id", "service_tier") == {
        ("A", "standard"): Decimal(6),
        ("B", "standard"): Decimal(4),
        ("A", "batch"): Decimal(5),
    }


def test_a_credit_in_one_of_several_tiers_leaves_the_tier_open_and_the_keys_whole(platform: Platform) -> None:
    company = Company()
    company.line("30")
    company.line("-10", service_tier="flex")
    company.analytics_cost("12", "A")
    company.analytics_cost("8", "B")
    built = company.built(platform)
    assert (built.keys, built.by("service_tier")) == ({"A": Decimal(12), "B": Decimal(8)}, {None: Decimal(20)})


def test_what_analytics_do_not_have_yet_is_in_proportion_over_all_tiers(platform: Platform) -> None:
    company = Company()
    company.line("30")
    company.line("10", service_tier="flex")
    company.analytics_cost("15", "A")
    company.analytics_cost("5", "B")
    built = company.built(platform)
    assert (built.keys, built.methods) == ({"A": Decimal(30), "B": Decimal(10)}, {"proportional"})
    assert built.by("service_tier") == {"standard": Decimal(30), "flex": Decimal(10)}


def test_whatever_tiers_and_keys_there_are_both_sums_stay_whole(platform: Platform) -> None:
    """Random days: the lines of all tiers and the measured costs of all keys match to the last digit; nothing is
    negative.
    """
    chance = Random(21)  # noqa: S311 - no secret
    company = Company()
    tiers: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    payers: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for n in range(40):
        model, whole = f"model-{n}", 0
        names = chance.sample(["standard", "flex", "flex_discount", "batch", "novel"], chance.randint(2, 4))
        for tier in names:
            nano = chance.choice([0, 1, 7, chance.randrange(10**12)])
            whole += nano
            tiers[model, tier] += nano * NANO
            company.line(nano * NANO, model=model, service_tier=tier)
            for key in "ABC":
                if chance.random() < 0.7:
                    company.used(key, chance.randrange(10**7), model=model, service_tier=tier)
        cuts = [0, *sorted(chance.randrange(whole + 1) for _ in range(4)), whole]
        for key, product, first, last in zip(
            "ABCAD", ["messages_api"] * 3 + ["message_batches_api"] * 2, cuts, cuts[1:], strict=False
        ):
            payers[model, key] += (last - first) * NANO
            company.analytics_cost((last - first) * NANO, key, model=model, product=product)
    company.by_tier = [row for row in company.by_tier if tiers[row["model"], row["service_tier"]]]
    built = company.built(platform)
    assert {of: usd for of, usd in built.by("model", "service_tier").items() if usd} == {
        of: usd for of, usd in tiers.items() if usd
    }
    got = built.by("model", "api_key_id")
    apart = {of: (usd, got.get(of)) for of, usd in payers.items() if got.get(of, Decimal()) != usd}
    assert apart == {}
    [(least,)] = platform.sql("select min(cost_usd) from ai_usage_analytics.claude_cost_shares")
    assert least >= 0


EXPENSES = "select is_in_cost_report, sum(cost_usd) from ai_usage_analytics.claude_expenses group by 1 order by 1"
CONSOLE = ("messages_api", "message_batches_api", "managed_agents_api", "claude_console")


@pytest.mark.parametrize("product", CONSOLE)
def test_a_console_product_without_a_workspace_is_counted_once(platform: Platform, product: str) -> None:
    """Case 23: 9.40 were charged, 10.40 were counted."""
    company = Company()
    company.line("8.4")
    company.line("1", workspace_id=None, service_tier="batch" if product == "message_batches_api" else "standard")
    company.analytics_cost("8.4", "A")
    company.analytics_cost("1", "B", workspace_id=None, product=product)
    built = company.built(platform)
    assert platform.sql(EXPENSES) == [(True, Decimal("9.4"))]
    assert built.by("api_key_id", "workspace_id") == {("A", "w"): Decimal("8.4"), ("B", "wrkspc_default"): Decimal(1)}


@pytest.mark.parametrize("product", ["chat", "cowork", "claude_code", "something_new"])
def test_any_other_product_without_a_workspace_is_outside_the_console(platform: Platform, product: str) -> None:
    company = Company()
    company.line("9.4")
    company.analytics_cost("9.4", "A")
    company.analytics_cost("1", workspace_id=None, product=product)
    company.built(platform)
    assert platform.sql(EXPENSES) == [(False, Decimal(1)), (True, Decimal("9.4"))]


def test_shares_of_another_payer_are_found_by_the_check(platform: Platform) -> None:
    company = Company()
    company.line("30")
    company.line("10", service_tier="flex")
    company.analytics_cost("28", "A")
    company.analytics_cost("12", "B")
    company.built(platform)
    platform.sql("""update ai_usage_analytics.claude_cost_shares set api_key_id = 'B'
        where api_key_id = 'A' and service_tier = 'standard'""")
    measured = "providers/anthropic/checks/allocated_cost_is_the_measured_cost"
    rows = platform.warehouse.query(measured, first_day=DAY, last_day=DAY).to_dicts()
    assert {row["api_key_id"] for row in rows} == {"A", "B"}
