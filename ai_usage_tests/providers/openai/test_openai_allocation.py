"""OpenAI's billed cost is allocated to the keys and people that used it, to the last nano-dollar, and is in ai_spend as
billed.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from ai_usage.partitions import Span
from ai_usage_tests.googlesql.lines import lines_of
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.openai.by_hand import build, fill

DAY, NEXT = date(2026, 11, 11), date(2026, 11, 12)
A = "ai_usage_analytics"
BY_KEY, BY_PROJECT, BY_LINE = "project_id,line_item,api_key_id", "project_id,line_item", "line_item"
OWNERS = lines_of(
    "provider account api_key_id user_email team_name mapped_by valid_from valid_to",
    ("openai", "default", "key_a", "ann@example.com", "Data", "sheet", None, str(NEXT)),
    ("openai", "default", "key_a", "bob@example.com", None, "sheet", str(NEXT), None),
    ("openai", "default", "key_b", "bob@example.com", None, "key_creator", None, None),
    ("openai", "default", "key_team", None, "Ops", "sheet", None, None),
    ("openai", "default", "key_c", None, None, "none", None, None),
    ("anthropic", "default", "key_b", "eve@example.com", None, "sheet", None, None),
)
USERS = lines_of(
    "person_email provider account account_user_id user_email is_member",
    ("ann@example.com", "openai", "default", "user-ann", "ann@example.com", True),
    ("eve@example.com", "anthropic", "default", "user-ann", "eve@example.com", True),
    ("eve@example.com", "openai", "other", "user-ann", "eve@example.com", True),
)
PEOPLE = lines_of("user_email person_email team_name", ("bob@example.com", "bob@example.com", "Web"))


def cost(amount: str | None, grouped_by: str = BY_PROJECT, day: date = DAY, **more: Any) -> dict[str, Any]:
    """A line of a model's input in one project."""
    given: dict[str, Any] = {
        "project_id": "p",
        "line_item": "gpt-4o, input",
        "model": "gpt-4o",
        "meter": "input_tokens",
    }
    given |= {"organization_id": None}
    return {"activity_date": str(day), "amount_usd": amount, "grouped_by": grouped_by, **given, **more}


def used(tokens: int, key: str | None = None, user: str | None = None, day: date = DAY, **more: Any) -> dict[str, Any]:
    given = {"endpoint": "completions", "project_id": "p", "model": "gpt-4o", "input_tokens": tokens}
    return {"activity_date": str(day), "api_key_id": key, "user_id": user, "request_count": 1, **given, **more}


def built(platform: Platform, costs: Iterable[dict[str, Any]], usage: Iterable[dict[str, Any]]) -> None:
    tables = {"openai_costs": costs, "openai_usage": usage, "dim_api_key_mapping": OWNERS}
    tables |= {"dim_person_account": USERS, "dim_person": PEOPLE}
    fill(platform, {f"{A}.{name}": list(of) for name, of in tables.items()})
    build(platform, Span(DAY, NEXT))


def shares(platform: Platform, columns: str) -> list[tuple[Any, ...]]:
    return platform.sql(f"select {columns} from {A}.openai_cost_shares order by all")


def by_key(platform: Platform) -> dict[str | None, Decimal]:
    return dict(platform.sql(f"select api_key_id, sum(amount_usd) from {A}.openai_cost_shares group by all"))


def test_a_line_with_its_key_is_measured_whatever_others_used(platform: Platform) -> None:
    built(platform, [cost("3", BY_KEY, api_key_id="key_a")], [used(1, "key_a"), used(9, "key_b")])
    assert shares(platform, "api_key_id, allocation_method, amount_usd") == [("key_a", "measured", Decimal(3))]


def test_a_line_without_a_key_among_lines_with_keys_is_that_of_use_without_a_key(platform: Platform) -> None:
    built(platform, [cost("3", BY_KEY)], [used(1, None, "user-ann"), used(9, "key_b")])
    assert shares(platform, "api_key_id, user_id, allocation_method, amount_usd") == [
        (None, "user-ann", "allocated", Decimal(3))
    ]


def test_a_coarser_line_is_allocated_by_its_own_meter_within_its_project(platform: Platform) -> None:
    other = [used(50, "key_c", project_id="else"), used(0, "key_c", output_tokens=70)]
    built(platform, [cost("3")], [used(100, "key_a"), used(200, "key_b"), *other])
    assert by_key(platform) == {"key_a": Decimal(1), "key_b": Decimal(2)}
    assert shares(platform, "distinct allocation_method") == [("allocated",)]


def test_shares_sum_to_the_line_to_the_last_nano_dollar(platform: Platform) -> None:
    amounts = ["0.000000001", "0.00000001", "12.345678901", "-0.000000007", "9999.999999999"]
    lines = [cost(amount, line_item=f"gpt-4o, input {amount}") for amount in amounts]
    built(
        platform, lines, [used(3, "key_a"), used(3, "key_b"), used(1, "key_c"), used(4_000_000_007, None, "user-ann")]
    )
    sums = dict(platform.sql(f"select line_item, sum(amount_usd) from {A}.openai_cost_shares group by all"))
    assert sums == {f"gpt-4o, input {amount}": Decimal(amount) for amount in amounts}


def test_nano_dollars_that_are_left_go_to_the_largest_remainders(platform: Platform) -> None:
    built(platform, [cost("0.000000010")], [used(3, "key_a"), used(3, "key_b"), used(1, "key_c")])
    nanos = {key: int(usd * 10**9) for key, usd in by_key(platform).items()}
    assert nanos == {
        "key_a": 4,
        "key_b": 4,
        "key_c": 2,
    }  # 30/7, 30/7 and 10/7: the remainder of the third is the largest


@pytest.mark.parametrize(
    ("meter", "counts"),
    [
        ("input_tokens", {"input_tokens": 100, "input_cached_tokens": 60, "input_cache_write_tokens": 15}),
        ("cached_input_tokens", {"input_cached_tokens": 25}),
        ("cache_write_tokens", {"input_cache_write_tokens": 25}),
        ("output_tokens", {"output_tokens": 40, "output_audio_tokens": 15}),
        ("audio_input_tokens", {"input_tokens": 100, "input_audio_tokens": 25}),
        ("audio_cached_input_tokens", {"input_cached_tokens": 90, "input_cached_audio_tokens": 25}),
        ("audio_output_tokens", {"output_tokens": 90, "output_audio_tokens": 25}),
        ("image_input_tokens", {"input_tokens": 100, "input_image_tokens": 25}),
        ("image_output_tokens", {"output_tokens": 90, "output_image_tokens": 25}),
        ("model_use", {"input_tokens": 25, "endpoint": "embeddings"}),
        ("web_search", {"call_count": 25, "endpoint": "web_search_calls"}),
        ("file_search", {"call_count": 25, "endpoint": "file_search_calls"}),
        ("images", {"image_count": 25, "endpoint": "images"}),
        ("characters", {"character_count": 25, "endpoint": "audio_speeches"}),
        ("audio_seconds", {"audio_seconds": 25, "endpoint": "audio_transcriptions"}),
    ],
)
def test_each_meter_is_allocated_by_its_own_units(platform: Platform, meter: str, counts: dict[str, Any]) -> None:
    """Key a used 25 units, key b 75; of every other meter the other way round."""
    zero = {"input_tokens": None, "request_count": 0}
    tripled = {name: 3 * of if isinstance(of, int) else of for name, of in counts.items()}
    more = used(75, "key_a", output_tokens=5000) | zero | {"output_tokens": None}
    built(
        platform,
        [cost("4", meter=meter, model="gpt-4o", quantity=None)],
        [used(0, "key_a") | zero | counts, used(0, "key_b") | zero | tripled, more | {"image_size": "none"}],
    )
    assert by_key(platform) == {"key_a": Decimal(1), "key_b": Decimal(3)}
    assert {float(of) for (of,) in shares(platform, "quantity")} == {25.0, 75.0}


def test_sessions_and_storage_are_known_by_project_alone_and_stay_whole(platform: Platform) -> None:
    lines = [cost("4", BY_KEY, meter="code_interpreter", model=None), cost("1", BY_KEY, meter="storage", model=None)]
    project = {"api_key_id": None, "input_tokens": None, "model": None, "request_count": None}
    usage = [used(0) | project | {"endpoint": "code_interpreter_sessions", "session_count": 2}]
    usage += [used(0) | project | {"endpoint": "vector_stores", "storage_bytes": 7}]
    built(platform, lines, usage)
    assert shares(platform, "meter, project_id, allocation_method, amount_usd, quantity, unit") == [
        ("code_interpreter", "p", "unallocated", Decimal(4), Decimal(2), "sessions"),
        ("storage", "p", "unallocated", Decimal(1), Decimal(7), "bytes"),
    ]


def test_a_line_without_use_behind_it_stays_whole_on_its_project(platform: Platform) -> None:
    built(platform, [cost("3", meter="thoughts")], [used(1, "key_a")])
    assert shares(platform, "project_id, api_key_id, user_id, allocation_method, amount_usd") == [
        ("p", None, None, "unallocated", Decimal(3))
    ]


def test_a_result_without_an_amount_is_no_line(platform: Platform) -> None:
    built(platform, [cost(None), cost("2"), cost("1")], [used(1, "key_a")])
    assert shares(platform, "amount_usd") == [(Decimal(3),)]


def test_an_alias_has_the_use_of_its_snapshots_but_not_what_has_a_line_of_its_own(platform: Platform) -> None:
    dated, other = "gpt-4o-2024-08-06", "gpt-4o-mini"
    built(
        platform,
        [cost("3"), cost("5", model="GPT-4o-2024-05-13", line_item="dated")],
        [
            used(1, "key_a", model=dated),
            used(2, "key_b"),
            used(9, "key_c", model="gpt-4o-2024-05-13"),
            used(7, "key_team", model=other),
        ],
    )
    assert by_key(platform) == {"key_a": Decimal(1), "key_b": Decimal(2), "key_c": Decimal(5)}


def test_a_line_that_names_a_snapshot_has_the_use_of_its_alias(platform: Platform) -> None:
    built(platform, [cost("3", model="gpt-4o-2024-08-06")], [used(1, "key_a", model="gpt-4o")])
    assert by_key(platform) == {"key_a": Decimal(3)}


def test_a_tier_with_a_line_of_its_own_is_in_no_other(platform: Platform) -> None:
    lines = [cost("3"), cost("5", service_tier="batch", line_item="batch"), cost("7", service_tier="Flex")]
    usage = [used(1, "key_a", service_tier="default"), used(1, "key_b", is_batch=True, service_tier="default")]
    usage += [used(1, "key_c", service_tier="flex"), used(1, "key_team", service_tier="priority", is_batch=False)]
    built(platform, lines, usage)
    half = Decimal("1.5")  # priority has no line: its use is in the default line
    assert by_key(platform) == {"key_a": half, "key_b": Decimal(5), "key_c": Decimal(7), "key_team": half}


def test_use_of_an_unknown_tier_is_in_every_tier(platform: Platform) -> None:
    lines = [cost("3"), cost("5", service_tier="batch", line_item="batch")]
    built(platform, lines, [used(1, "key_a") | {"is_batch": None}])
    assert by_key(platform) == {"key_a": Decimal(8)}


def test_costs_by_line_item_alone_go_to_the_projects_too_and_without_any_grouping_nowhere(platform: Platform) -> None:
    lines = [cost("4", BY_LINE, project_id=None), cost("9", "", project_id=None, line_item=None, meter="unknown")]
    built(platform, lines, [used(1, "key_a"), used(3, None, project_id="q")])
    assert shares(platform, "project_id, api_key_id, allocation_method, amount_usd") == [
        ("p", "key_a", "allocated", Decimal(1)),
        ("q", None, "allocated", Decimal(3)),
        (None, None, "unallocated", Decimal(9)),
    ]


def test_quantities_are_in_plain_units(platform: Platform) -> None:
    units = {"1000_tokens": "tokens", "duration_minutes": "seconds", "duration_hours": "seconds", "images": "images"}
    lines = [
        cost("1", BY_KEY, api_key_id="key_a", line_item=unit, quantity="1.5", quantity_unit=unit) for unit in units
    ]
    built(platform, [*lines, cost("1", BY_KEY, api_key_id="key_a", line_item="none", quantity="7")], [])
    assert {name: (float(of), unit) for name, of, unit in shares(platform, "line_item, quantity, unit") if of} == {
        "1000_tokens": (1500.0, "tokens"),
        "duration_minutes": (90.0, "seconds"),
        "duration_hours": (5400.0, "seconds"),
        "images": (1.5, "images"),
    }


def attributed(platform: Platform, where: str = "true") -> list[tuple[Any, ...]]:
    return platform.sql(
        f"select activity_date, api_key_id, user_email, team_name, attribution_method from {A}.openai_attributed_costs "
        f"where {where} order by all"
    )


def test_the_owner_is_the_sheet_s_of_that_day_else_the_provider_s(platform: Platform) -> None:
    keys = ("key_a", "key_b", "key_c", "key_team", "key_gone")
    built(platform, [cost("1", BY_KEY, day, api_key_id=key) for key in keys for day in (DAY, NEXT)], [])
    assert attributed(platform, f"activity_date = '{DAY}'") == [
        (DAY, "key_a", "ann@example.com", "Data", "key_sheet"),
        (DAY, "key_b", "bob@example.com", "Web", "key_creator"),
        (DAY, "key_c", None, None, "unattributed"),
        (DAY, "key_gone", None, None, "unattributed"),
        (DAY, "key_team", None, "Ops", "key_sheet"),
    ]
    assert attributed(platform, f"activity_date = '{NEXT}' and api_key_id = 'key_a'") == [
        (NEXT, "key_a", "bob@example.com", "Web", "key_sheet")
    ]


def test_use_without_a_key_or_owner_is_the_user_s_of_that_account(platform: Platform) -> None:
    usage = [used(1, None, "user-ann"), used(1, "key_c", "user-ann"), used(1, "key_b", "user-ann")]
    built(platform, [cost("4")], [*usage, used(1, None, "user-new")])
    assert attributed(platform) == [
        (DAY, "key_b", "bob@example.com", "Web", "key_creator"),
        (DAY, "key_c", "ann@example.com", None, "actor"),
        (DAY, None, "ann@example.com", None, "actor"),
        (DAY, None, None, None, "unattributed"),
    ]


def test_spend_is_as_billed_and_what_comes_back_is_a_credit(platform: Platform) -> None:
    lines = [
        cost("3", BY_KEY, api_key_id="key_a", quantity="1.2", quantity_unit="1000_tokens", organization_id="org-1")
    ]
    lines += [cost("-1", meter="credit", line_item="Credit"), cost("2", meter="thoughts", account="eu")]
    built(platform, lines, [])
    columns = "platform, billing_account_id, sub_account, api_key_id, meter, charge_type, billed_usd, quantity, unit"
    found = platform.sql(f"select {columns}, estimated_usd, list_usd from {A}.ai_spend order by billed_usd")
    assert found == [
        ("openai_api", "openai-default", "p", None, "credit", "credit", -1, None, None, None, None),
        ("openai_api", "openai-eu", "p", None, "thoughts", "usage", 2, None, None, None, None),
        ("openai_api", "org-1", "p", "key_a", "input_tokens", "usage", 3, 1200, "tokens", None, None),
    ]


def test_people_are_active_in_codex_and_by_the_requests_of_their_keys(platform: Platform) -> None:
    codex = "activity_date account user_id user_email thread_count turn_count credits uncached_input_tokens"
    codex += " cached_input_tokens output_tokens lines_added"
    days = lines_of(
        codex,
        (str(DAY), "chatgpt", "u", "ann@example.com", 2, 9, "1.5", 100, 50, 7, 12),
        (str(NEXT), "default", "user-ann", None, 0, 0, "0", None, None, None, None),
    )
    fill(platform, {f"{A}.codex_usage_stats": days})
    search = used(0, "key_b", endpoint="web_search_calls") | {"input_tokens": None, "call_count": 4}
    built(
        platform, [], [used(100, "key_b", output_tokens=9, request_count=3), search, used(1, "key_c"), used(5, "key_b")]
    )
    columns = "activity_date, user_email, tool, is_active, sessions, requests, lines_added, lines_accepted, tokens"
    assert platform.sql(f"select {columns} from {A}.ai_activity order by all") == [
        (DAY, "ann@example.com", "codex", True, 2, 9, 12, None, 157),
        (DAY, "bob@example.com", "openai_api", True, None, 4, None, None, 114),
        (NEXT, "ann@example.com", "codex", False, 0, 0, None, None, None),
    ]


def test_every_part_of_a_bill_is_in_the_spend_of_all_whatever_the_grouping(platform: Platform) -> None:
    groupings = (BY_KEY, BY_PROJECT, BY_LINE, "")
    usage = [used(n, key, user) for n, (key, user) in enumerate(combinations(("key_a", "key_b", "user-ann"), 2), 1)]
    for grouped_by in groupings:
        lines = [cost(f"{n}.{n:09}", grouped_by, line_item=f"line {n}") for n in range(1, 6)]
        built(platform, lines, usage)
        total = sum(Decimal(f"{n}.{n:09}") for n in range(1, 6))
        assert platform.sql(f"select sum(billed_usd) from {A}.ai_spend") == [(total,)]
