"""OpenAI's cost lines are its usage times the published price of the day, and the sum is the same in every grouping."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage, calc_price

from ai_usage.simulator import Simulator
from ai_usage.simulator.openai_prices import MODELS, Model
from ai_usage_tests.simulator.conftest import Clock
from ai_usage_tests.simulator.openai_client import GROUPS, OpenAiClient, of, usd

DAYS = [date(2026, 2, 10), date(2026, 7, 15), date(2026, 11, 18)]
WORDS = {  # the words of a cost line → the usage that they mean, in the words of the other price list and of the report
    "input": (("input_tokens",), "input_text_tokens"),
    "cached input": (("input_tokens", "cache_read_tokens"), "input_cached_text_tokens"),
    "cache write": (("input_tokens", "cache_write_tokens"), "input_cache_write_tokens"),
    "output": (("output_tokens",), "output_text_tokens"),
    "audio input": (("input_tokens", "input_audio_tokens"), "input_audio_tokens"),
    "audio cached input": (
        ("input_tokens", "input_audio_tokens", "cache_read_tokens", "cache_audio_read_tokens"),
        "input_cached_audio_tokens",
    ),
    "audio output": (("output_tokens", "output_audio_tokens"), "output_audio_tokens"),
    "image input": (("input_tokens", "input_image_tokens"), "input_image_tokens"),
}
PICTURE = {"gpt-image-2": Decimal("0.05"), "dall-e-3": Decimal("0.04")}  # published, though not in that list


def priced(model: str, day: date, **usage: Any) -> Decimal:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return Decimal(
        calc_price(Usage(**usage), model_ref=model, provider_id="openai", genai_request_timestamp=at).total_price
    )


def picture(use: dict[str, Any], day: date) -> tuple[str, Decimal]:
    words = use["size"] if use["model"] == "dall-e-3" else "images"
    return f"{use['model']}, {words}", use["images"] * PICTURE[use["model"]]


def heard(use: dict[str, Any], day: date) -> tuple[str, Decimal]:
    usage = dict.fromkeys(("audio_seconds", "input_audio_seconds"), use["seconds"])
    return f"{use['model']}, seconds", priced(use["model"], day, **usage)


def spoken(use: dict[str, Any], day: date) -> tuple[str, Decimal]:
    return f"{use['model']}, characters", priced(use["model"], day, input_characters=use["characters"])


KEYED = ["project_id", "api_key_id"]
OTHERS: dict[str, tuple[list[str], Callable[[dict[str, Any], date], tuple[str, Decimal]]]] = {
    # endpoint → its groups, the line item, and the cost of one use
    "embeddings": (
        [*KEYED, "model"],
        lambda use, day: (use["model"], priced(use["model"], day, input_tokens=use["input_tokens"])),
    ),
    "images": ([*KEYED, "model", "size"], picture),
    "audio_speeches": ([*KEYED, "model"], spoken),
    "audio_transcriptions": ([*KEYED, "model"], heard),
    "web_search_calls": (
        KEYED,
        lambda use, day: ("web search tool calls", use["num_requests"] * priced("gpt-4.1", day, web_searches=1)),
    ),
    "file_search_calls": (
        KEYED,
        lambda use, day: ("file search tool calls", use["num_requests"] * priced("gpt-4.1", day, storage_searches=1)),
    ),
    # Published, though not in that list.
    "vector_stores": (
        ["project_id"],
        lambda use, _: ("vector store storage", Decimal(use["usage_bytes"]) / 2**30 * Decimal("0.10")),
    ),
    "code_interpreter_sessions": (
        ["project_id"],
        lambda use, _: ("code interpreter sessions", use["num_sessions"] * Decimal("0.03")),
    ),
}


@pytest.mark.parametrize("day", DAYS)
def test_every_grouping_is_the_same_money_exactly(openai: OpenAiClient, day: date) -> None:
    truth = openai.simulator.openai_day(day)
    for groups in ([], ["project_id"], ["line_item"], GROUPS, ["user_id", "line_item"], ["api_source"]):
        assert sum(map(usd, openai.results("costs", day, group_by=groups))) == truth.total_usd
    assert 80 < truth.total_usd < 250
    lines = [line.usd for line in truth.lines if line.usd is not None]
    assert all(line == round(line, 9) for line in lines)
    assert any(line != round(line, 6) for line in lines)


@pytest.mark.parametrize("name", ["project_id", "api_key_id", "line_item", "user_id"])
def test_the_truth_of_a_day_is_what_each_grouping_reports(openai: OpenAiClient, name: str) -> None:
    sums: dict[str | None, Decimal] = defaultdict(Decimal)
    for result in openai.results("costs", DAYS[2], group_by=[name]):
        sums[result[name]] += usd(result)
    truth = openai.simulator.openai_day(DAYS[2]).usd_by(name)
    assert {key: amount for key, amount in sums.items() if amount} == truth
    assert len(truth) > 3


@pytest.mark.parametrize("day", DAYS)
def test_cost_is_usage_times_the_published_price_of_the_day(openai: OpenAiClient, day: date) -> None:
    """Priced with an independent price list: every line has its use, and every use has its lines."""
    expected = priced_usage(openai, day)
    billed: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for result in openai.results("costs", day, group_by=GROUPS):
        if "amount" in result:
            billed[result["project_id"], result["api_key_id"], result["line_item"]] += usd(result)
    assert billed == expected
    assert len(billed) > 30


def priced_usage(openai: OpenAiClient, day: date) -> dict[tuple[Any, ...], Decimal]:
    """Project, key and line item → the cost of the usage at the prices of the other list."""
    found: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for use in openai.results("usage/completions", day, group_by=[*KEYED, "model", "batch", "service_tier"]):
        tier = "batch" if use["batch"] else use["service_tier"]
        for words, (names, field) in WORDS.items():
            if use[field]:
                # 1,000 at a time: the list has a higher price for a single prompt over 272,000 tokens.
                amount = use[field] * priced(use["model"], day, **dict.fromkeys(names, 1000)) / 1000
                amount *= Decimal("0.5") if tier in ("batch", "flex") else 1
                item = line_item(use, words, "" if tier == "default" else f"{tier} ")
                found[use["project_id"], use["api_key_id"], item] += amount
    for endpoint, (groups, cost) in OTHERS.items():
        for use in openai.results(f"usage/{endpoint}", day, group_by=groups):
            item, amount = cost(use, day)
            found[use["project_id"], use.get("api_key_id"), item] += amount
    return found


def line_item(use: dict[str, Any], words: str, tier: str) -> str:
    """The wording of the model's own lines. Use without a key is on one line."""
    model = use["model"]
    if use["api_key_id"] is None:
        return "Text tokens"
    if model == "gpt-6-astra":
        words = {"cache write": "input_cache_write_tokens"}.get(words, f"{words.replace(' ', '_')}_tokens")
    elif "realtime" in model and not words.startswith(("audio", "image")):
        words = f"text {words}"
    elif model.startswith("gpt-4"):
        words = words.title()
    return f"{model}, {tier}{words}"


@pytest.mark.parametrize("model", [model for model in MODELS if model.style], ids=lambda m: f"{m.id} {m.since}")
def test_list_prices_are_the_published_ones_on_the_day(model: Model) -> None:
    later = [other.since for other in MODELS if other.id == model.id and other.since > model.since]
    last = min(later, default=date(2026, 11, 21)) - timedelta(days=1)
    for day in (model.since, last):
        for words, (names, _) in WORDS.items():
            meter = words.replace(" ", "_")
            if model.has(meter):
                assert priced(model.id, day, **dict.fromkeys(names, 1000)) == 1000 * model.price(meter)


def test_a_use_is_at_most_one_row_of_a_usage_report_and_no_day_is_large(openai: OpenAiClient) -> None:
    truth = openai.simulator.openai_day(DAYS[2])
    assert 20 < len(truth.uses) < 60
    assert 40 < len(openai.results("costs", DAYS[2], group_by=GROUPS)) < 75
    assert {use.tier for use in truth.uses} == {"default", "batch", "flex"}


def test_weekends_cost_less_and_a_holiday_costs_nothing(openai: OpenAiClient) -> None:
    def total(day: date) -> Decimal:
        return openai.simulator.openai_day(day).total_usd

    assert total(date(2026, 11, 15)) < total(date(2026, 11, 16)) * Decimal("0.7")
    assert total(date(2026, 1, 1)) == 0
    [bucket] = openai.buckets("costs", **of(date(2026, 1, 1)), group_by=GROUPS)
    assert bucket["results"] == []


def test_once_a_month_there_is_a_credit_and_what_is_free_has_no_amount(openai: OpenAiClient) -> None:
    credits_ = [
        (bucket["start_time"], usd(result))
        for bucket in openai.buckets("costs", **of(date(2026, 9, 1), 80), group_by=GROUPS, limit=180)
        for result in bucket["results"]
        if usd(result) < 0
    ]
    assert [amount for _, amount in credits_] == [Decimal("-7.50")] * 3
    free = [result for result in openai.results("costs", DAYS[2], group_by=GROUPS) if "amount" not in result]
    assert free
    assert {result["line_item"] for result in free} == {"omni-moderation-latest"}


def test_some_lines_come_in_two_results_that_share_all_keys(openai: OpenAiClient) -> None:
    """Each has a part of the quantity, at the same price."""

    def by_keys(day: date) -> list[list[dict[str, Any]]]:
        lines: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for result in openai.results("costs", day, group_by=GROUPS):
            lines[tuple(result[name] for name in GROUPS)].append(result)
        return [results for results in lines.values() if len(results) > 1]

    for day in (5, 10, 15):
        [[one, other]] = by_keys(date(2026, 11, day))
        assert usd(one) / one["quantity"] == usd(other) / other["quantity"] > 0
    assert by_keys(date(2026, 11, 11)) == []


def test_amounts_are_numbers_once_and_strings_since_june_some_long_some_with_exponent(openai: OpenAiClient) -> None:
    before, since = (openai.results("costs", day, group_by=GROUPS) for day in (date(2026, 5, 28), date(2026, 6, 1)))
    values = [[result["amount"]["value"] for result in results if "amount" in result] for results in (before, since)]
    assert {type(value) for value in values[0]} <= {Decimal, int}
    assert {type(value) for value in values[1]} == {str}
    assert any("E" in value for value in values[1])
    assert any(len(value.partition(".")[2]) == 16 for value in values[1])
    assert all(result["organization_name"] for result in before + since if "amount" in result)


def test_a_days_costs_grow_until_a_day_after_its_end(openai: OpenAiClient, running_clock: Clock) -> None:
    day, totals = date(2026, 11, 17), []
    for at in ("2026-11-16T23:00", "2026-11-17T12:00", "2026-11-18T00:05", "2026-11-18T23:59", "2026-11-19T00:00"):
        running_clock.at = datetime.fromisoformat(f"{at}+00:00")
        found = openai.buckets("costs", **of(day), group_by=GROUPS)
        total = sum((usd(result) for bucket in found for result in bucket["results"]), Decimal())
        assert total == openai.simulator.openai_day(day).total_usd
        assert len(found) == (at > "2026-11-17")
        totals.append(total)
    assert totals[0] == 0 < totals[1] < totals[2] == totals[3] < totals[4]
    running_clock.at = datetime(2026, 11, 27, tzinfo=UTC)
    assert openai.simulator.openai_day(day).total_usd == totals[4]


@pytest.mark.parametrize("width", ["1h", "1m"])
def test_narrower_buckets_add_up_to_the_day(openai: OpenAiClient, width: str) -> None:
    day, limit = DAYS[2], {"1h": 168, "1m": 1440}[width]
    [whole] = openai.buckets("usage/completions", **of(day))
    parts = openai.buckets("usage/completions", **of(day), bucket_width=width, limit=limit)
    assert len(parts) == {"1h": 24, "1m": 1440}[width]
    for name in ("input_tokens", "output_tokens", "num_model_requests"):
        total = sum(result[name] for bucket in parts for result in bucket["results"])
        assert total == whole["results"][0][name] > 0


@pytest.mark.usefixtures("_worlds_of_their_own")
def test_a_day_follows_from_the_seed_and_the_date_alone() -> None:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    one, same, other = (Simulator(seed=seed, now=now) for seed in (1, 1, 2))
    assert one.openai_day(date(2026, 11, 2)).total_usd  # an earlier request changes nothing
    lines = [each.openai_day(DAYS[2]).lines for each in (one, same, other)]
    assert lines[0] == lines[1] != lines[2]
