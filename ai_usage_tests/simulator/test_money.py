"""The same cost and the same tokens in every grouping."""

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price

from ai_usage.simulator.prices import MODELS, TOKEN_TYPES, Model
from ai_usage_tests.simulator.conftest import ClaudeClient

DAYS = [date(2026, 2, 10), date(2026, 6, 9), date(2026, 11, 18)]
TYPES = {  # our token types with the names of the other price list; it has no price for 1h writes
    "uncached_input_tokens": ("input_tokens",),
    "cache_read_input_tokens": ("input_tokens", "cache_read_tokens"),
    "cache_creation.ephemeral_5m_input_tokens": ("input_tokens", "cache_write_tokens"),
    "cache_creation.ephemeral_1h_input_tokens": (),
    "output_tokens": ("output_tokens",),
}
DIMENSIONS = ["workspace_id", "model", "service_tier", "context_window", "inference_geo"]


def of(day: date) -> dict[str, str]:
    return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day.replace(day=day.day + 1)}T00:00:00Z"}


@pytest.mark.parametrize("day", DAYS)
def test_every_grouping_is_the_same_money(claude: ClaudeClient, day: date) -> None:
    truth = claude.simulator.day(day)
    for groups in ([], ["workspace_id"], ["description"], ["workspace_id", "description"]):
        [bucket] = claude.pages("cost_report", group_by=groups, **of(day))
        assert sum(Decimal(line["amount"]) for line in bucket["results"]) == truth.total_cents
    for groups in ([], ["actor", "product"], ["workspace_id", "api_key_id", "cost_type", "token_type"]):
        for width in ("1d", "1h", None):
            rows = claude.pages("analytics/cost", group_by=groups, time_bucket_width=width, limit=1000, **of(day))
            assert sum(Decimal(row["cost"]["amount"]) for row in rows) == truth.total_cents
    assert 300_00 < truth.total_cents < 1500_00
    assert truth.total_cents % 1 != 0


@pytest.mark.parametrize("day", DAYS)
def test_every_grouping_is_the_same_tokens(claude: ClaudeClient, day: date) -> None:
    truth = claude.simulator.day(day).tokens["output_tokens"]
    for groups in ([], ["api_key_id", "workspace_id", "model"], ["account_id"], ["service_tier"]):
        for width in ("1d", "1h"):
            buckets = claude.pages("usage_report/messages", group_by=groups, bucket_width=width, **of(day))
            assert sum(line["output_tokens"] for b in buckets for line in b["results"]) == truth
    rows = claude.pages("analytics/usage", group_by=["product", "actor"], limit=1000, **of(day))
    assert sum(row["usage"]["output_tokens"] for row in rows) == truth


def test_cost_is_tokens_times_price_and_priority_is_not_charged(claude: ClaudeClient) -> None:
    """Priced with an independent price list, line by line."""
    [used] = claude.pages("usage_report/messages", group_by=DIMENSIONS, **of(DAYS[2]))
    [cost] = claude.pages("cost_report", group_by=["workspace_id", "description"], **of(DAYS[2]))
    tokens = {tuple(line[d] for d in DIMENSIONS): line for line in used["results"]}
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for line in cost["results"]:
        amounts[line["cost_type"]] += Decimal(line["amount"])
        if TYPES.get(line["token_type"]) and line["model"] != "claude-haiku-5-5":
            count = tokens[tuple(line[d] for d in DIMENSIONS)]
            for part in line["token_type"].split("."):
                count = count[part]
            usd = priced(line["model"], line["token_type"], datetime(2026, 11, 18, tzinfo=UTC), count)
            usd *= Decimal("0.5") if line["service_tier"] == "batch" else 1
            usd *= Decimal("1.1") if line["inference_geo"] == "us" else 1
            assert Decimal(line["amount"]) == usd * 100
    assert {line["service_tier"] for line in used["results"]} == {"priority", "batch", "standard"}
    assert {line["service_tier"] for line in cost["results"]} == {None, "batch", "standard"}
    assert amounts.keys() == {"tokens", "web_search", "code_execution", "session_usage"}
    searches = sum(line["server_tool_use"]["web_search_requests"] for line in used["results"])
    assert amounts["web_search"] == searches > 0


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_list_prices_are_the_published_ones_on_the_day(model: Model) -> None:
    for at in (model.since, date(2026, 11, 20)):
        for n, (token_type, cents) in enumerate(zip(TOKEN_TYPES, model.cents, strict=True)):
            if cents is not None and TYPES[token_type]:
                noon = datetime(at.year, at.month, at.day, 12, tzinfo=UTC)
                assert priced(model.id, token_type, noon, 1000) * 100 == 1000 * model.price(n, batch=False, us=False)


def test_claude_code_by_key_is_part_of_the_cost_and_subscriptions_are_not(claude: ClaudeClient) -> None:
    records = claude.pages("usage_report/claude_code", starting_at=str(DAYS[2]), limit=1000)
    estimates: dict[str, Decimal] = defaultdict(Decimal)
    for record in records:
        for part in record["model_breakdown"] if record["customer_type"] == "api" else ():
            estimates[part["model"]] += part["estimated_cost"]["amount"]
    rows = claude.pages("analytics/cost", group_by=["product", "model"], limit=1000, **of(DAYS[2]))
    charged = {
        r["group"]["model"]: Decimal(r["cost"]["amount"]) for r in rows if r["group"]["product"] == "claude_code"
    }
    assert charged == estimates
    assert 60 < len(records) < 140
    assert {"api", "subscription"} == {record["customer_type"] for record in records}
    assert {"user_actor", "api_actor"} == {record["actor"]["type"] for record in records}


def test_the_second_tuesday_of_a_month_has_a_key_that_spikes(claude: ClaudeClient) -> None:
    def by_key(day: date) -> dict[str | None, Decimal]:
        sums: dict[str | None, Decimal] = defaultdict(Decimal)
        for charge in claude.simulator.day(day).charges:
            sums[charge.use.api_key_id] += charge.cents
        return sums

    before, spiking = by_key(date(2026, 11, 9)), by_key(date(2026, 11, 10))
    assert [key for key, cents in spiking.items() if before[key] and cents > 5 * before[key]]


def priced(model: str, token_type: str, at: datetime, count: int) -> Decimal:
    usage = Usage(**dict.fromkeys(TYPES[token_type], count))
    price = calc_price(usage, model_ref=model, provider_id="anthropic", genai_request_timestamp=at)
    return Decimal(price.total_price)
