"""Shaping: Claude's records in, rows of core out, to the last digit. An invalid amount becomes no row."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ai_usage.money import Rates, usd
from ai_usage.providers.anthropic import tables
from ai_usage.providers.anthropic.rows import analytics, claude_code, lists, usage_and_cost
from ai_usage.providers.anthropic.rows.lists import Organization
from ai_usage.warehouse.reading.ledger_records import Records, Rejection
from ai_usage.warehouse.table import Table
from ai_usage_tests.ingest import recorded

DAY, PULLED = date(2026, 11, 3), datetime(2026, 11, 4, 6, tzinfo=UTC)
ACME = Organization("org", {"wrkspc_01ExampleDataTeam000001": "Data team", None: "Default"})
CODE = [*recorded.items("usage_report_claude_code_page1"), *recorded.items("usage_report_claude_code_page2")]
Shape = Callable[[Records, Organization], pl.DataFrame]
STAMPS: dict[str, Any] = {
    "account": pl.String,
    "activity_date": pl.Date,
    "pull_id": pl.String,
    "ingestion_timestamp": pl.Datetime("us", "UTC"),
}


def records(*texts: str, day: date | None = DAY, pull: str = "claude_x", envelope: str = "{}") -> Records:
    version = {
        "account": "default",
        "activity_date": day,
        "pull_id": "p1",
        "pulled_at": PULLED,
        "records": len(texts),
        "envelope": envelope,
    }
    lines = [("default", day, "p1", PULLED, text) for text in texts]
    return Records(pull, pl.DataFrame([version]), pl.DataFrame(lines, {**STAMPS, "record": pl.String}, orient="row"))


def cost(amount: str = '"1"', **more: object) -> str:
    """A cost line with the amount written in this form."""
    rest = {"currency": "USD", "workspace_id": None} | more
    return f'{{"amount": {amount}, {json.dumps(rest)[1:]}'


def code(n: int = 0, **changed: Any) -> str:
    return json.dumps(json.loads(CODE[n]) | changed)


def models(*amounts: str) -> str:
    """A record of Claude Code with one model per amount, written in this form."""
    tokens = {"input": 1, "output": 2, "cache_read": 3, "cache_creation": 4}
    used = [
        f'{{"model": "m{n}", "tokens": {json.dumps(tokens)}, "estimated_cost": {{"currency": "USD", "amount": {a}}}}}'
        for n, a in enumerate(amounts)
    ]
    return code(model_breakdown=[]).replace('"model_breakdown": []', f'"model_breakdown": [{", ".join(used)}]')


EXACT = [
    ("83391.52823", "833.9152823"),
    ("41280.000000", "412.8"),
    ("0.0000001", "1e-9"),
    ("0.00000005", "0"),  # half of the last decimal rounds to even
    ("0.00000015", "2e-9"),
    ("0.00000025", "2e-9"),
    ("0.000000250000000000000000000000000000000000000000000000000000000001", "3e-9"),
    ("-12.5", "-0.125"),
    ("0", "0"),
    ("1e2", "1"),
    ("99999999999999999999999999999.9999999", "999999999999999999999999999.999999999"),
]


@pytest.mark.parametrize(("cents", "dollars"), EXACT)
def test_cents_become_exact_dollars_in_columns(cents: str, dollars: str) -> None:
    assert usd(cents=Decimal(cents)) == Decimal(dollars)
    for shape in (usage_and_cost.cost_rows, usage_and_cost.daily_cost_rows):
        rows = shape(records(cost(f'"{cents}"')), ACME)
        assert rows["amount_usd"].to_list() == [Decimal(dollars)]
        assert rows.schema["amount_usd"] == pl.Decimal(38, 9)


@pytest.mark.parametrize(
    "cents",
    [
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1e31",
        "-1e31",
        "1e400",
        "9999999999999999999999999999999.99999999",
    ],
)
def test_what_is_no_money_is_refused_in_a_sentence(cents: str) -> None:
    with pytest.raises(ValueError, match=r"cents is (not an amount|more than)"):
        usd(cents=Decimal(cents))
    shapes: list[tuple[Shape, str]] = [
        (usage_and_cost.cost_rows, cost(f'"{cents}"')),
        (claude_code.code_rows, models("1", f'"{cents}"')),
        (claude_code.code_model_rows, models(f'"{cents}"')),
    ]
    for shape, text in shapes:
        read = records(cost() if shape is usage_and_cost.cost_rows else models("1"), text)
        assert shape(read, ACME).height == 1, "the other record is read"
        [rejection] = read.rejections
        assert (rejection.activity_date, rejection.position, rejection.field.split(".")[-1]) == (DAY, 1, "amount")
        assert rejection.reason.endswith(("is not an amount of money", "is too large for an amount of money"))


EUR = Rates({"EUR": [(date(2026, 1, 1), Decimal("1.1")), (date(2026, 11, 3), Decimal("1.0842"))]})


def test_another_currency_is_rejected_by_name_and_day_and_costs_no_other_line() -> None:
    """Case 10: a line in EUR without a rate."""
    read = records(cost(currency="EUR"), cost('"250"'))
    assert usage_and_cost.cost_rows(read, ACME)["amount_usd"].to_list() == [Decimal("2.5")]
    [rejection] = read.rejections
    assert (rejection.field, rejection.position) == ("currency", 0)
    assert rejection.reason == "EUR has no rate to USD on 2026-11-03: AI_USAGE_CURRENCY_RATES names none"


def test_a_line_in_another_currency_is_converted_by_the_days_rate_and_keeps_its_amount() -> None:
    """Case 10: the same line with a rate."""
    rows = usage_and_cost.cost_rows(records(cost('"100"', currency="eur"), cost('"100"')), ACME, EUR)
    assert rows.select("amount_usd", "currency", "billed_amount").rows() == [
        (Decimal("1.0842"), "EUR", Decimal(1)),
        (Decimal(1), "USD", None),
    ]
    assert EUR.usd_per_unit("EUR", date(2026, 11, 2)) == Decimal("1.1")
    assert EUR.usd_per_unit("EUR", date(2025, 12, 31)) is None


def test_a_dollar_in_lower_case_is_a_dollar() -> None:
    """Case 10: `currency: "usd"`."""
    read = records(cost('"250"', currency="usd"))
    assert usage_and_cost.cost_rows(read, ACME).select("amount_usd", "currency", "billed_amount").rows() == [
        (Decimal("2.5"), "USD", None)
    ]
    assert not read.rejections


def test_an_amount_as_a_number_is_read_exactly_and_one_that_is_none_is_rejected() -> None:
    """Case 9: NaN, null and 12.5 as a number."""
    read = records(cost('"NaN"'), cost("null"), cost("12.5"))
    assert usage_and_cost.cost_rows(read, ACME)["amount_usd"].to_list() == [Decimal("0.125")]
    assert [(r.position, r.field, r.reason) for r in read.rejections] == [
        (0, "amount", "NaN is not an amount of money"),
        (1, "amount", "null is not an amount of money"),
    ]


def test_cost_lines_keep_their_dimensions_and_null_is_the_default_workspace() -> None:
    rows = usage_and_cost.cost_rows(records(*recorded.lines("cost_report_page1"), cost(workspace_id="gone")), ACME)
    assert rows["workspace_name"].to_list() == ["Data team", "Data team", "Default", "Data team", None]
    assert rows["workspace_id"].to_list()[2:] == [None, "wrkspc_01ExampleDataTeam000001", "gone"]
    assert rows.row(0, named=True) == {
        "activity_date": DAY, "organization_id": "org", "workspace_id": "wrkspc_01ExampleDataTeam000001",
        "workspace_name": "Data team", "model": "claude-opus-5-5", "token_type": "uncached_input_tokens",
        "cost_type": "tokens", "amount_usd": Decimal("12.345678"), "currency": "USD", "billed_amount": None,
        "description": "Claude Opus 5.5 Usage - Input Tokens", "service_tier": "standard",
        "context_window": "0-200k", "inference_geo": "global", "speed": "standard", "account": "default",
        "pull_id": "p1",
        "ingestion_timestamp": PULLED,
    }  # fmt: skip
    assert rows.row(3, named=True)["model"] is None


def test_nested_token_counts_reach_their_columns_and_the_days_sum() -> None:
    read = records(*recorded.lines("usage_report_messages_page1"))
    rows = usage_and_cost.usage_rows(read, ACME)
    measures = {
        "uncached_input_tokens": 3086419, "output_tokens": 1200000, "cache_read_input_tokens": 150000,
        "cache_creation_5m_tokens": 20000, "cache_creation_1h_tokens": 0, "web_search_requests": 12,
    }  # fmt: skip
    assert rows.select(*measures).row(0, named=True) == measures
    assert rows["api_key_id"].to_list() == ["apikey_01ExampleEtlKey00000001", None]
    [day] = usage_and_cost.daily_token_rows(read, ACME).to_dicts()
    assert day["output_tokens"] == 1323000
    assert (day["activity_date"], day["pull_id"]) == (DAY, "p1")


def test_claude_code_is_a_row_an_actor_and_a_row_a_model() -> None:
    rows, by_model = claude_code.code_rows(records(*CODE), ACME), claude_code.code_model_rows(records(*CODE), ACME)
    assert rows["estimated_cost_usd"].to_list() == [Decimal(c) / 100 for c in ("94.9", "75.9", "33.4", "75.9")]
    assert by_model["estimated_cost_usd"].to_list() == [
        Decimal(c) / 100 for c in ("75.9", "19", "75.9", "33.4", "75.9")
    ]
    assert rows["model"].to_list()[:3] == ["claude-opus-5-5", "claude-opus-5-5", "claude-sonnet-5-5"]
    assert rows["input_tokens"].to_list() == [104000, 52000, 52000, 52000]
    assert rows["is_remote"].to_list() == [False, True, False, False]
    assert by_model["is_remote"].to_list() == [False, False, True, False, False]
    actors = ["actor_type", "user_email", "api_key_name", "customer_type", "subscription_type"]
    assert rows.select(actors).rows()[1:] == by_model.select(actors).rows()[2:] == [
        ("user_actor", "dev.one@example.com", None, "api", None),
        ("api_actor", None, "ci-runner", "api", None),
        ("user_actor", "dev.two@example.com", None, "subscription", "enterprise"),
    ]  # fmt: skip
    assert rows.select(pl.col("^.*_tool_.*$")).row(0) == (20, 2, 1, 0, 4, 1, 0, 0)
    assert rows.select("num_sessions", "lines_added", "lines_removed", "commits_by_claude_code").row(0) == (
        5,
        420,
        33,
        3,
    )
    assert set(by_model["ingestion_timestamp"]) == {PULLED}


@pytest.mark.parametrize(
    ("amounts", "dollars", "top"),
    [
        (["75.90000000000001", "1e-7"], "0.759000001", "m0"),
        (["1e-7", "0.0000002", "2E-7"], "5e-9", "m1"),
        (["12345678901234567890.1234567"], "123456789012345678.901234567", "m0"),
        ([], "0", None),
    ],
)
def test_a_json_number_stays_exact_and_the_most_expensive_model_is_named(
    amounts: list[str], dollars: str, top: str | None
) -> None:
    rows = claude_code.code_rows(records(models(*amounts)), ACME)
    assert rows["estimated_cost_usd"].to_list() == [Decimal(dollars)]
    assert rows["model"].to_list() == [top]
    assert rows["cache_creation_tokens"].to_list() == [4 * len(amounts)]
    assert claude_code.code_model_rows(records(models(*amounts)), ACME).height == len(amounts)


def test_what_claude_code_may_leave_out_reads_as_zero_or_null() -> None:
    old = json.loads(CODE[0])
    for name in ("is_remote", "subscription_type"):
        del old[name]
    for name in ("multi_edit_tool", "notebook_edit_tool", "write_tool"):
        del old["tool_actions"][name]
    bare = {name: value for name, value in old.items() if name != "tool_actions"}
    rows = claude_code.code_rows(records(json.dumps(old), json.dumps(bare)), ACME)
    assert rows["is_remote"].to_list() == rows["subscription_type"].to_list() == [None, None]
    assert rows.select(pl.col("^.*_tool_.*$")).rows() == [(20, 2, 0, 0, 0, 0, 0, 0), (0,) * 8]


def test_an_email_is_one_person_however_it_is_typed() -> None:
    typed = code(actor={"type": "user_actor", "email_address": "  Dev.One@Example.COM "})
    assert claude_code.code_rows(records(typed), ACME)["user_email"].to_list() == ["dev.one@example.com"]


@pytest.mark.parametrize(
    ("shape", "table"),
    [
        (usage_and_cost.cost_rows, tables.CLAUDE_COSTS),
        (usage_and_cost.daily_cost_rows, tables.CLAUDE_DAILY_COST),
        (usage_and_cost.usage_rows, tables.CLAUDE_USAGE_TOKENS),
        (usage_and_cost.daily_token_rows, tables.CLAUDE_DAILY_TOKENS),
        (claude_code.code_rows, tables.CLAUDE_CODE_USAGE_STATS),
        (claude_code.code_model_rows, tables.CLAUDE_CODE_MODEL_USAGE),
    ],
)
def test_an_empty_day_is_no_rows_of_the_same_types(shape: Shape, table: Table) -> None:
    rows = shape(records(), ACME)
    assert rows.is_empty()
    assert rows.schema == {name: column.type.polars for name, column in table.columns.items()}


@pytest.mark.parametrize("default", [["wrkspc_01ExampleOldTeam0000002"], []])
def test_the_default_workspace_always_has_a_row(default: list[str]) -> None:
    listed = [*recorded.items("workspaces_page1"), *recorded.items("workspaces_page2_after_id")]
    read = records(*listed, day=None, envelope=json.dumps({"default_workspace_ids": default} if default else {}))
    rows = lists.workspace_rows(read).select("workspace_id", "workspace_name", "is_default", "archived_at").rows()
    archived = datetime(2026, 2, 1, tzinfo=UTC)
    assert rows == [
        ("wrkspc_01ExampleDataTeam000001", "Data team", False, None),
        ("wrkspc_01ExampleOldTeam0000002", "Old team", bool(default), archived),
        *([] if default else [(None, "Default", True, None)]),
    ]


def test_the_organization_knows_its_workspaces_by_name() -> None:
    me, spaces = recorded.body("organization_me").decode(), recorded.items("workspaces_page1")
    assert lists.organization(records(day=None), records(day=None)) is None
    found = lists.organization(records(me, day=None), records(*spaces, day=None))
    assert found == Organization("00000000-1111-4222-8333-444444444444", ACME.workspace_names)


@pytest.mark.parametrize(
    ("text", "field", "reason", "shape"),
    [
        (cost('"many"'), "amount", "a text of 4 characters is not an amount of money", "text of 4 characters"),
        (cost("true"), "amount", "true or false is not an amount of money", "true or false"),
        ('{"currency": "USD"}', "amount", "is missing", "absent"),
        (cost(workspace_id={"id": "w"}), "workspace_id", "an object of 1 fields is not an id", "object of 1 fields"),
        ("[]", "record", "a list of 0 is not an object", "list of 0"),
        ('{"amount": ', "record", "is not JSON", "damaged text"),
    ],
)
def test_a_record_that_cannot_be_used_is_named_by_place_and_field_without_its_content(
    text: str, field: str, reason: str, shape: str
) -> None:
    read = records(cost(), text, pull="claude_cost_report")
    assert usage_and_cost.cost_rows(read, ACME).height == 1
    assert read.rejections == [
        Rejection("claude_cost_report", "default", "p1", DAY, 1, field, reason, shape, PULLED),
    ]


EMAILS = {"user_1": "one@example.com", "user_2": "two@example.com"}


def analytics_line(amount: str = "1", list_amount: str = "2", **group: object) -> str:
    """A row of analytics/cost."""
    recorded_row = json.loads(recorded.items("analytics_unified_cost_page1")[0])
    cost = {"amount": amount, "list_amount": list_amount, "currency": "USD", "requests": None}
    return json.dumps({**recorded_row, "group": {**recorded_row["group"], **group}, "cost": cost})


def test_analytics_rows_keep_their_dimensions_and_both_amounts() -> None:
    read = records(
        *recorded.items("analytics_unified_cost_page1"), envelope='{"data_refreshed_at": "2026-11-20T18:00:00Z"}'
    )
    rows = analytics.analytics_cost_rows(read, ACME, EMAILS)
    assert rows.row(0, named=True) == {
        "activity_date": DAY, "organization_id": "org", "product": "messages_api",
        "workspace_id": "wrkspc_01ExampleDefault0000000", "api_key_id": "apikey_01ExampleWebKey00000002",
        "actor_type": None, "actor_id": None, "user_email": None, "model": "claude-opus-5-5", "cost_type": None,
        "token_type": None, "amount_usd": Decimal("12.345678"), "list_usd": Decimal("12.345678"), "currency": "USD",
        "billed_amount": None, "account": "default",
        "data_refreshed_at": datetime(2026, 11, 20, 18, tzinfo=UTC), "pull_id": "p1", "ingestion_timestamp": PULLED,
    }  # fmt: skip
    assert rows["product"].to_list() == ["messages_api", "claude_code"]


def test_what_was_charged_and_what_it_lists_at_are_two_amounts_of_cents() -> None:
    rows = analytics.analytics_cost_rows(records(analytics_line("0.0000001", "150.25")), ACME, EMAILS)
    assert rows.select("amount_usd", "list_usd").rows() == [(Decimal("1e-9"), Decimal("1.5025"))]


ACTORS: list[tuple[dict[str, object] | None, tuple[str | None, str | None, str | None]]] = [
    (None, (None, None, None)),
    (
        {"type": "user_actor", "user_id": "user_9", "email_address": " Nine@Example.com", "deleted": False},
        ("user_actor", "user_9", "nine@example.com"),
    ),
    ({"type": "user_actor", "user_id": "user_9", "email": "Nine@x.com"}, ("user_actor", "user_9", "nine@x.com")),
    (
        {"type": "user_actor", "user_id": "user_2", "email_address": None, "deleted": True},
        ("user_actor", "user_2", "two@example.com"),
    ),
    ({"type": "user_actor", "user_id": "user_8", "email_address": None}, ("user_actor", "user_8", None)),
    ({"type": "api_actor", "api_key_id": "user_1"}, ("api_actor", "user_1", None)),
    ({"type": "service_account_actor", "service_account_id": "s_1"}, ("service_account_actor", "s_1", None)),
    (
        {"type": "service_account_actor", "service_account_id": "s_1", "email_address": "bot@example.com"},
        ("service_account_actor", "s_1", None),
    ),
    ({"type": "federated_actor", "provider": "aws", "subject": "arn"}, ("federated_actor", "aws:arn", None)),
    ({"type": "federated_actor", "provider": "aws", "subject": None}, ("federated_actor", "aws", None)),
    (
        {"type": "federated_actor", "provider": {"type": "gcp", "project_number": 7}, "subject": "job"},
        ("federated_actor", "gcp:7:job", None),
    ),
    (
        {"type": "federated_actor", "provider": {"type": "novel", "cloud": "x"}},
        ("federated_actor", "novel", None),
    ),
    ({"type": "novel_actor", "novel_id": "x"}, ("novel_actor", None, None)),
]


@pytest.mark.parametrize(("actor", "named"), ACTORS)
def test_each_kind_of_actor_has_its_id_and_only_people_have_an_address(
    actor: dict[str, object] | None, named: tuple[str | None, str | None, str | None]
) -> None:
    rows = analytics.analytics_cost_rows(records(analytics_line(actor=actor)), ACME, EMAILS)
    assert rows.select("actor_type", "actor_id", "user_email").row(0) == named


def test_rows_alike_in_everything_are_kept_each() -> None:
    rows = analytics.analytics_cost_rows(records(analytics_line("1"), analytics_line("1")), ACME, EMAILS)
    assert rows["amount_usd"].to_list() == [Decimal("0.01")] * 2


@pytest.mark.parametrize("envelope", ["{}", '{"data_refreshed_at": "soon"}', '{"data_refreshed_at": 5}'])
def test_when_analytics_were_refreshed_may_be_unknown(envelope: str) -> None:
    rows = analytics.analytics_cost_rows(records(analytics_line(), envelope=envelope), ACME, EMAILS)
    assert rows["data_refreshed_at"].to_list() == [None]


@pytest.mark.parametrize("which", ["amount", "list_amount"])
def test_no_amount_of_analytics_that_is_no_money_passes(which: str) -> None:
    read = records(analytics_line(), analytics_line(**{which: "NaN"}))
    assert analytics.analytics_cost_rows(read, ACME, EMAILS).height == 1
    assert [(r.field, r.reason) for r in read.rejections] == [(f"cost.{which}", "NaN is not an amount of money")]
