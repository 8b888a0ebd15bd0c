"""OpenAI's records become rows: exact amounts, quantities that are unknown instead of 0, keys and people."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.money import Rates, rounded_together
from ai_usage.providers.openai.keys import keys_of
from ai_usage.providers.openai.people import members_of
from ai_usage.providers.openai.provider import billed_lines
from ai_usage.providers.openai.rows import (
    billed,
    codex_rows,
    cost_rows,
    daily_cost_rows,
    project_rows,
    usage_rows,
)
from ai_usage.providers.openai.tables import CODEX_USAGE_STATS, OPENAI_PROJECTS
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.nameless_views import may_name_a_person
from ai_usage_tests.mock_openai import cost, project_key, tokens
from ai_usage_tests.providers.openai.pulled import PULLED, records

FIXTURES = Path(__file__).parents[2] / "fixtures" / "openai"
DAY, NEXT = date(2026, 11, 1), date(2026, 11, 2)
ASKED = {"grouped_by": ["project_id", "line_item", "api_key_id"]}
Dollars = list[Decimal | None]


def recorded(name: str) -> list[Any]:
    """The results of all buckets, or the items."""
    data: list[Any] = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))["data"]
    return [one for bucket in data for one in bucket["results"]] if data and "results" in data[0] else data


def amounts(*results: Any, rates: Rates | None = None) -> Dollars:
    return cost_rows(records({DAY: list(results)}), rates or Rates())["amount_usd"].to_list()


# Money.


@pytest.mark.parametrize(
    ("sent", "usd"),
    [
        ("12.3456", "12.3456"),
        (12.3456, "12.3456"),
        (12, "12"),
        ("0.8958740000000000", "0.895874"),
        ("4.2E-7", "0.00000042"),
        (4.2e-7, "0.00000042"),
        ("-3.5", "-3.5"),
        ("0", "0"),
        ("0.0000000014999999", "0.000000001"),
    ],
)
def test_an_amount_is_dollars_as_text_or_number_to_the_ninth_decimal(sent: object, usd: str) -> None:
    assert amounts(cost(sent)) == [Decimal(usd)]


def test_a_number_is_read_digit_by_digit() -> None:
    text = json.dumps(cost(1)).replace('"value": 1', '"value": 90071992547.409931234')
    assert amounts(text) == [Decimal("90071992547.409931234")]


@pytest.mark.parametrize("amount", [None, {}, {"value": None, "currency": "usd"}, {"currency": None}])
def test_a_result_without_an_amount_bills_nothing_and_is_kept(amount: object) -> None:
    given = records({DAY: [cost("1") | {"amount": amount}, cost("2")]})
    assert cost_rows(given)["amount_usd"].to_list() == [None, Decimal(2)]
    assert not given.rejections
    assert daily_cost_rows(given).select("amount_usd", "results").rows() == [(Decimal(2), 2)]
    assert billed_lines(given)["amount_usd"].to_list() == [Decimal(2)]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "much", True, [1], 1e30, "1e30"])
def test_an_amount_that_is_none_costs_its_record_and_the_days_total(value: object) -> None:
    given = records({DAY: [cost("1"), cost(value)], NEXT: [cost("5")]})
    assert cost_rows(given)["amount_usd"].to_list() == [Decimal(1), Decimal(5)]
    [rejection] = given.rejections
    assert (rejection.activity_date, rejection.position, rejection.field) == (DAY, 1, "amount.value")
    assert daily_cost_rows(given).select("activity_date", "amount_usd").rows() == [(NEXT, Decimal(5))]


def test_an_amount_that_is_no_object_is_never_read_as_none_billed() -> None:
    given = records({DAY: [cost("1") | {"amount": "12.5"}]})
    assert cost_rows(given).is_empty()
    assert [rejection.field for rejection in given.rejections] == ["amount"]


SPLIT = ["0.3333333333333333", "0.3333333333333333", "0.3333333333333334", "0.0000000004", "0.0000000004"]


@pytest.mark.parametrize("sent", [SPLIT, SPLIT[::-1], ["0.0000000004"] * 7, ["-0.0000000005", "0.0000000006"] * 3])
def test_the_lines_of_a_day_add_up_to_the_exact_sum_rounded_once(sent: list[str]) -> None:
    exact = sum(map(Decimal, sent), Decimal(0))
    rounded = amounts(*map(cost, sent))
    once = exact.quantize(Decimal("1e-9"))
    assert sum(amount for amount in rounded if amount is not None) == once
    assert all(abs(each - Decimal(of)) < Decimal("1e-9") for each, of in zip(rounded, sent, strict=True) if each)
    assert daily_cost_rows(records({DAY: [cost(f"{exact:f}")]}))["amount_usd"].to_list() == [once]


def test_each_day_is_rounded_by_itself() -> None:
    given = records({DAY: [cost("0.0000000004")], NEXT: [cost("0.0000000004")]})
    assert cost_rows(given)["amount_usd"].to_list() == [Decimal(0), Decimal(0)]


def test_rounding_together_keeps_what_is_none_and_refuses_what_does_not_fit() -> None:
    assert rounded_together([Decimal("1e-10"), None, Decimal("9e-10")]) == [Decimal(0), None, Decimal("1e-9")]
    assert rounded_together([]) == []
    with pytest.raises(ValueError, match="no quantity"):
        rounded_together([Decimal("1e30")])


def test_an_empty_bucket_is_a_day_of_nothing() -> None:
    rows = daily_cost_rows(records({DAY: [], NEXT: [cost("0.5"), cost("0.25")]}))
    assert rows.select("activity_date", "amount_usd", "results").rows() == [
        (DAY, Decimal(0), 0),
        (NEXT, Decimal("0.75"), 2),
    ]
    assert rows["pull_id"].to_list() == [f"p-{DAY}", f"p-{NEXT}"]


def test_another_currency_needs_a_rate_of_its_day() -> None:
    euros = cost("10") | {"amount": {"value": "10", "currency": "eur"}}
    rates = Rates({"EUR": [(DAY, Decimal("1.0842"))]})
    assert amounts(euros, rates=rates) == [Decimal("10.842")]
    given = records({DAY: [euros, cost("1") | {"amount": {"value": "1"}}]})
    assert cost_rows(given)["amount_usd"].to_list() == [Decimal(1)]
    [rejection] = given.rejections
    assert (rejection.field, rejection.reason) == (
        "amount.currency",
        "EUR has no rate to USD on 2026-11-01: AI_USAGE_CURRENCY_RATES names none",
    )


def test_what_an_answer_comes_to_is_known_only_if_every_amount_is() -> None:
    def answer(*results: Any) -> Answer:
        return Answer("openai", DAY, [json.dumps(result).encode() for result in results], 1, {})

    assert billed(answer()) == 0
    assert billed(answer(cost("0.1"), cost(0.2), cost("1") | {"amount": None})) == Decimal("0.3")
    assert billed(answer(cost("1") | {"amount": {"value": "1", "currency": "eur"}})) == 1
    assert billed(answer(cost("0.1"), cost("NaN"))) is None


# Cost lines.


def test_recorded_cost_lines_become_rows() -> None:
    rows = cost_rows(records({DAY: recorded("costs_string_amounts")}, envelope=ASKED))
    columns = ("project_id", "line_item", "model", "meter", "amount_usd", "quantity", "quantity_unit")
    assert rows.select(columns).rows() == [
        ("proj_example1", "gpt-example-large, input", "gpt-example-large", "input_tokens", Decimal("12.3456"),
         Decimal("4115.2"), "1000_tokens"),
        ("proj_example1", "gpt-example-large, output", "gpt-example-large", "output_tokens", Decimal("0.895874"),
         Decimal(298624), "tokens"),
        ("proj_archived1", "gpt-example-small, input_tokens", "gpt-example-small", "input_tokens",
         Decimal("0.00000042"), Decimal(1), "tokens"),
        ("proj_example2", "Text tokens", None, "text_tokens", Decimal("0.0042"), None, None),
        ("proj_example2", "gpt-example-free", "gpt-example-free", "model_use", None, None, None),
    ]  # fmt: skip
    assert rows["organization_id"].to_list() == ["org-example1"] * 4 + [None]
    assert set(rows["grouped_by"]) == {"project_id,line_item,api_key_id"}
    assert rows.select("account", "pull_id", "ingestion_timestamp").unique().rows() == [("default", f"p-{DAY}", PULLED)]


def test_a_key_that_was_deleted_keeps_its_cost() -> None:
    given = records({DAY: [cost("1.5", key="key_gone")]}, envelope=ASKED)
    assert cost_rows(given).select("api_key_id", "amount_usd").rows() == [("key_gone", Decimal("1.5"))]
    assert list(keys_of(records({None: []}))) == []


@pytest.mark.parametrize(("asked", "column"), [(["line_item"], "line_item"), ([], ""), (None, "")])
def test_what_was_asked_stands_beside_the_lines(asked: list[str] | None, column: str) -> None:
    envelope = None if asked is None else {"grouped_by": asked}
    assert cost_rows(records({DAY: [cost("1")]}, envelope=envelope))["grouped_by"].to_list() == [column]


def test_the_bill_is_the_lines_by_project() -> None:
    lines = billed_lines(records({DAY: [cost("1.5"), cost("0.5") | {"project_id": None}]}))
    assert lines.rows() == [(DAY, "proj_1", Decimal("1.5")), (DAY, None, Decimal("0.5"))]


# Usage.


def test_recorded_usage_of_completions_becomes_rows() -> None:
    rows = usage_rows("completions")(records({DAY: recorded("usage_completions_grouped")})).to_dicts()
    whole, older = rows[0], rows[3]
    assert (whole["input_tokens"], whole["input_cached_tokens"], whole["input_cache_write_tokens"]) == (1000, 400, 100)
    assert (whole["input_audio_tokens"], whole["output_text_tokens"], whole["request_count"]) == (50, 250, 5)
    assert (whole["endpoint"], whole["is_batch"], whole["service_tier"]) == ("completions", False, "default")
    assert (older["input_tokens"], older["is_batch"], older["service_tier"]) == (8000, True, "flex")
    assert older["input_cached_tokens"] is None, "absent is unknown, not 0"
    assert {whole[name] for name in ("image_count", "call_count", "storage_bytes", "image_size")} == {None}


@pytest.mark.parametrize(
    ("endpoint", "quantities"),
    [
        ("embeddings", {"input_tokens": 7000, "request_count": 9}),
        ("moderations", {"input_tokens": 300, "request_count": 3}),
        ("images", {"image_count": 4, "request_count": 2, "image_size": "1024x1024",
                    "image_source": "image.generation"}),
        ("audio_speeches", {"character_count": 4200, "request_count": 3}),
        ("audio_transcriptions", {"audio_seconds": 310, "request_count": 2}),
        ("vector_stores", {"storage_bytes": 1048576}),
        ("code_interpreter_sessions", {"session_count": 5}),
        ("file_search_calls", {"call_count": 17, "vector_store_id": "vs_example1"}),
        ("web_search_calls", {"call_count": 6, "request_count": 6, "context_level": "medium"}),
    ],
)  # fmt: skip
def test_recorded_usage_of_each_endpoint_has_its_own_quantities(endpoint: str, quantities: dict[str, object]) -> None:
    [row] = usage_rows(endpoint)(records({DAY: recorded(f"usage_{endpoint}")})).to_dicts()
    known = {name: value for name, value in row.items() if value is not None}
    stamps = {"activity_date", "account", "pull_id", "ingestion_timestamp"}
    assert {name: value for name, value in known.items() if name not in stamps} == {
        "endpoint": endpoint,
        "project_id": "proj_example1",
        **({"model": "gpt-example-large"} if "model" in known else {}),
        **quantities,
    }


@pytest.mark.parametrize("field", ["input_tokens", "output_tokens", "num_model_requests"])
@pytest.mark.parametrize("value", [None, "many", -1])
def test_usage_without_a_count_that_its_report_promises_is_rejected(field: str, value: object) -> None:
    given = records({DAY: [tokens(**{field: value}), tokens()]})
    assert usage_rows("completions")(given).height == 1
    assert [rejection.field for rejection in given.rejections] == [field]


# Codex.


def test_recorded_usage_of_codex_becomes_rows() -> None:
    first, second = codex_rows(records({DAY: recorded("codex_usage_UNVERIFIED")})).to_dicts()
    assert {name: first[name] for name in list(first)[1:11]} == {
        "user_id": "user-example1",
        "user_email": "dev.one@example.com",
        "thread_count": 4,
        "turn_count": 31,
        "credits": Decimal("18.75"),
        "uncached_input_tokens": 120000,
        "cached_input_tokens": 900000,
        "output_tokens": 21000,
        "lines_added": 240,
        "lines_removed": 31,
    }
    assert (second["user_id"], second["user_email"], second["credits"]) == ("user-example2", None, Decimal("0.5"))
    assert {second[name] for name in ("uncached_input_tokens", "output_tokens", "lines_added")} == {None}


def test_tokens_of_all_clients_are_added_and_unknown_as_soon_as_one_is() -> None:
    one = {"uncached_text_input_tokens": 5, "cached_text_input_tokens": 7}
    rows = codex_rows(records({DAY: [{"user_id": "u", "clients": [one, one | {"cached_text_input_tokens": None}]}]}))
    assert rows.select("uncached_input_tokens", "cached_input_tokens", "output_tokens").rows() == [(10, None, None)]


def test_a_user_of_codex_has_an_id_or_an_address() -> None:
    given = records({DAY: [{"totals": {"turns": 1}}, {"actor": {"email": "Dev@Example.com"}}]})
    assert codex_rows(given).select("user_id", "user_email").rows() == [(None, "dev@example.com")]
    assert [(rejection.position, rejection.field) for rejection in given.rejections] == [(0, "user_id")]


# Lists.


def test_recorded_projects_become_rows() -> None:
    rows = project_rows(records({None: [*recorded("projects_page1"), *recorded("projects_page2")]}))
    assert rows.select("project_id", "project_name", "status", "created_at", "archived_at").rows()[-1] == (
        "proj_archived1",
        "Old experiment",
        "archived",
        datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC),
        datetime(2026, 11, 2, tzinfo=UTC),
    )
    assert rows["archived_at"].to_list()[:2] == [None, None]


def test_recorded_keys_have_their_project_status_and_owner() -> None:
    keys = recorded("project_api_keys")
    keys[1]["expires_at"] = 1790000000  # before the list was pulled
    envelope = {"ids_by_project": {"proj_1": ["key_example1", "key_example_sa"], "proj_2": ["key_example_left"]}}
    found = [
        (key.api_key_id, key.name, key.workspace_id, key.status, key.creator_email)
        for key in keys_of(records({None: keys}, envelope=envelope))
    ]
    assert found == [
        ("key_example1", "dev one laptop", "proj_1", "active", "dev.one@example.com"),
        ("key_example_sa", "nightly", "proj_1", "expired", None),
        ("key_example_left", "left the project", "proj_2", "inactive", "dev.two@example.com"),
    ]


def test_no_row_and_no_key_has_what_a_list_shows_of_a_secret() -> None:
    key = project_key("key_1", redacted_value="sk-proj-abc...z9")
    assert "sk-proj-abc" not in repr(list(keys_of(records({None: [key]}))))


def test_recorded_members_are_those_with_an_address() -> None:
    found = [(one.account_user_id, one.user_email, one.name, one.is_member) for one in members_of(
        records({None: recorded("users")}, account="eu")
    )]  # fmt: skip
    assert found == [
        ("user-example1", "dev.one@example.com", "Dev One", True),
        ("user-example2", "dev.two@example.com", "Dev Two", True),
    ]


def test_the_names_of_projects_and_the_addresses_of_people_have_pseudonyms() -> None:
    assert may_name_a_person(OPENAI_PROJECTS) == ["project_name"]
    assert may_name_a_person(CODEX_USAGE_STATS) == ["user_email"]
