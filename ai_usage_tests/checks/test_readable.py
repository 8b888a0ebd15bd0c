"""A record that cannot be used costs its record, or its day of its provider, and nothing else: through the platform."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from ai_usage.check import WARN, Result
from ai_usage.core import tables as core_tables
from ai_usage.definitions import CHECKS
from ai_usage.marts import gate
from ai_usage.marts.gate import blocked_days
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import records as claude_records
from ai_usage.providers.anthropic import tables as claude_tables
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.anthropic.rows import Organization, code_rows
from ai_usage.providers.anthropic.rows import usage_rows as claude_usage
from ai_usage.providers.cursor import records as cursor_records
from ai_usage.providers.cursor import tables as cursor_tables
from ai_usage.providers.cursor.checks.billing_cycle import _open_cycle, _past_cycles
from ai_usage.providers.cursor.provider import CURSOR as CURSOR_PROVIDER
from ai_usage.providers.cursor.rows import usage_rows
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Answer, Records
from ai_usage_tests.checks.conftest import DAYS
from ai_usage_tests.platform import DAY, Outcome, Platform, platform_in

OF_MARTS = {"allocation_loses_nothing", "expenses_equal_costs", "spend_has_no_anomaly", "reported_spend_stands"}
READABLE = "records_are_readable"
GRAIN = "grain_is_unique"
PAST = "events_equal_past_cycles"
NEXT = DAY + timedelta(days=1)


def failed(outcome: Outcome) -> set[tuple[str, date | None]]:
    """What failed on which day, but for how fresh the data are, and for what a blocked day means for the marts."""
    return {
        (claim, day)
        for (claim, _), verdicts in outcome.evaluations.items()
        if claim in outcome.all_red()
        for day, verdict in verdicts.items()
        if not verdict.passed and claim not in OF_MARTS
    }


def test_one_unreadable_line_costs_its_day_and_no_other(platform: Platform) -> None:
    """Case 9: one cost line `"amount": "NaN"`."""
    outcome = platform.run({DAY: ["1000", "NaN"], NEXT: ["500"]})
    assert outcome.result.success
    assert platform.dollars() == {NEXT: Decimal(5)}
    assert platform.rejections() == [(DAY, "amount", "NaN is not an amount of money")]
    assert failed(outcome) == {(READABLE, DAY)}
    assert (outcome.evaluation(READABLE, DAY).description or "") == (
        f"{DAY}: 1 record cannot be used: claude_cost_report: amount: NaN is not an amount of money (1×)."
    )
    assert outcome.red(READABLE, "claude_costs") == {DAY}
    assert outcome.noted("marts/claude_total_expenses", DAY)["blocked_by"] == [READABLE]


def test_a_day_is_whole_again_once_its_line_is(platform: Platform) -> None:
    platform.run({DAY: ["1000", "NaN"]})
    outcome = platform.run({DAY: ["1000", "200"]})
    assert failed(outcome) == {("revisions_are_recorded", DAY)}, "of the version that could not be read"
    assert outcome.evaluation("revisions_are_recorded", DAY).severity == WARN
    assert platform.dollars() == {DAY: Decimal(12)}
    assert platform.rejections() == []


def test_a_line_in_euros_is_named_by_day_and_currency(good: Platform) -> None:
    """Case 10: one line in EUR and no rate."""
    good.vendor.lines[NEXT] = lambda rows: [{**rows[0], "currency": "EUR"}, *rows[1:]]
    before = good.dollars()
    outcome = good.run(span=Span(DAY, DAYS[-1]))
    assert {day for _, day in failed(outcome)} == {NEXT}
    assert outcome.noted("marts/claude_total_expenses", NEXT)["blocked_by"] == [READABLE]
    assert "EUR has no rate to USD on" in (outcome.evaluation(READABLE, NEXT).description or "")
    assert good.dollars() == before, "the day keeps its last good version"


def test_a_rate_makes_dollars_of_euros(good: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Case 10: the same with a rate: lines and the console's figure are compared as they were billed."""
    rates = tmp_path / "rates.toml"
    rates.write_text('[[rate]]\ncurrency = "EUR"\nvalid_from = 2026-01-01\nusd_per_unit = "1.0842173"\n')
    monkeypatch.setenv("AI_USAGE_CURRENCY_RATES", str(rates))
    settings.cache_clear()
    for bends in (good.vendor.lines, good.vendor.totals):
        bends[NEXT] = lambda rows: [{**row, "currency": "EUR"} for row in rows]
    before = good.dollars()
    outcome = good.run(span=Span(DAY, DAYS[-1]))
    assert failed(outcome) == set()
    assert good.dollars()[NEXT] != before[NEXT]
    assert abs(good.dollars()[NEXT] - before[NEXT] * Decimal("1.0842173")) < Decimal("1e-6")
    assert good.sql(
        f"select distinct currency from ai_usage_analytics.claude_costs where activity_date = '{NEXT}'"
    ) == [("EUR",)]


def test_a_record_of_claude_code_that_cannot_be_used_blocks_nothing(good: Platform) -> None:
    good.vendor.code[NEXT] = lambda rows: [*rows, {**rows[0], "actor": "nobody"}]
    outcome = good.run(span=Span(DAY, DAYS[-1]))
    assert failed(outcome) == {(READABLE, NEXT)}
    verdict = outcome.evaluation(READABLE, NEXT, "claude_code_usage_stats")
    assert verdict.severity == WARN
    assert "claude_code_usage: actor: a text of 6 characters is not an object" in (verdict.description or "")
    assert set(good.dollars()) == set(DAYS)


def test_pages_of_claude_code_that_overlap_fail_the_grain_check(good: Platform) -> None:
    """Case 17: one record of Claude Code twice."""
    good.vendor.code[NEXT] = lambda rows: [*rows, rows[0]]
    outcome = good.run(span=Span(DAY, DAYS[-1]))
    assert failed(outcome) == {(GRAIN, NEXT)}
    assert outcome.red(GRAIN, "claude_code_usage_stats") == {NEXT}
    assert "claude_code_usage_stats has 2 rows of account default, organization_id org-1" in (
        outcome.evaluation(GRAIN, NEXT, "claude_code_usage_stats").description or ""
    )


def test_a_usage_line_twice_fails_the_grain_check_and_blocks_its_day(good: Platform) -> None:
    """Case 17: a usage line twice."""
    before = good.dollars()
    good.vendor.usage[NEXT] = lambda rows: [*rows, rows[0]]
    outcome = good.run(span=Span(DAY, DAYS[-1]))
    assert (GRAIN, NEXT) in failed(outcome)
    assert {day for _, day in failed(outcome)} == {NEXT}
    assert blocked_days(good.warehouse, Span(DAY, DAYS[-1]), ANTHROPIC.gate) == {NEXT: [GRAIN]}
    assert "claude_usage_tokens has 2 rows of" in (
        outcome.evaluation(GRAIN, NEXT, "claude_daily_cost").description or ""
    )
    assert good.dollars() == before


def test_every_fact_table_has_a_grain_check() -> None:
    facts = [
        table for of in (claude_tables, cursor_tables, core_tables) for table in of.CORE_TABLES if table.date_column
    ]
    told = " ".join(spec.description or "" for check in CHECKS for spec in check.check_specs if spec.name == gate.GRAIN)
    others = {"claude_costs": "cost_lines_are_unique", "cursor_usage_events": "no_event_counted_twice"}
    names = {key.name for check in CHECKS for key in check.check_keys}
    for table in facts:
        if table.name in others:
            assert others[table.name] in names
        else:
            assert table.name in told, table.name
            assert table.key, table.name


def snapshot(platform: Platform, pull: str, *records: dict[str, Any], **envelope: Any) -> None:
    texts = [json.dumps(record).encode() for record in records]
    platform.warehouse.append(pull, [Answer("cursor", None, texts, 1, {}, envelope)])


def events(platform: Platform, day: date, *records: dict[str, Any]) -> None:
    texts = [json.dumps(record).encode() for record in records]
    platform.warehouse.append("cursor_usage_events", [Answer("cursor", day, texts, 1, {}, {})])


def event(at: datetime, cents: float, email: str | None = "a@example.com", **more: Any) -> dict[str, Any]:
    sent = {
        "timestamp": str(int(at.timestamp() * 1000)),
        "model": "default",
        "kind": "Usage-based",
        "isChargeable": True,
        "chargedCents": cents,
        **more,
    }
    return sent if email is None else {**sent, "userEmail": email}


def build(platform: Platform, *tables: str, over: Span) -> Outcome:
    selection = dg.AssetSelection.assets(*(dg.AssetKey(["core", table]) for table in tables)).without_checks()
    outcome = platform.materialize(selection, over, None)
    assert outcome.result.success
    return outcome


CYCLE = datetime(2026, 10, 3, tzinfo=UTC)
MEMBERS = ({"userId": "user_a", "email": "a@example.com"}, {"userId": "user_b", "email": "b@example.com"})


def test_two_snapshots_of_one_instant_still_have_a_result(platform: Platform) -> None:
    """Case 25: two snapshots of `/teams/spend` with one `pulled_at`, of a fixed clock."""
    platform.warehouse.now = lambda: datetime(2026, 10, 5, 6, tzinfo=UTC)
    start = int(CYCLE.timestamp() * 1000)
    for cents in (100, 150):
        snapshot(platform, "cursor_spend", {**MEMBERS[0], "spendCents": cents}, subscriptionCycleStart=start)
        today = event(datetime(2026, 10, 5, 1, tzinfo=UTC), cents)
        snapshot(platform, "cursor_usage_events_today", today, period={"startDate": start + 2 * 86_400_000})
    events(platform, date(2026, 10, 3))
    events(platform, date(2026, 10, 4))
    verdict = _open_cycle(platform.warehouse)
    assert isinstance(verdict, Result)
    assert verdict.passed, verdict.why
    assert "1.5" in verdict.why


@pytest.fixture(scope="module")
def past_cycle(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A cycle of two days that is over, with its last snapshot, and the first snapshot of the next one."""
    platform = platform_in(tmp_path_factory.mktemp("past_cycle"))
    at = {"now": datetime(2026, 10, 4, 23, tzinfo=UTC)}
    platform.warehouse.now = lambda: at["now"]
    start, following = (int(day.timestamp() * 1000) for day in (CYCLE, CYCLE + timedelta(days=30)))
    snapshot(
        platform,
        "cursor_spend",
        {**MEMBERS[0], "spendCents": 300, "includedSpendCents": 7},
        {**MEMBERS[1], "spendCents": 20, "includedSpendCents": 0},
        subscriptionCycleStart=start,
    )
    at["now"] = datetime(2026, 11, 3, 6, tzinfo=UTC)
    snapshot(platform, "cursor_spend", {**MEMBERS[0], "spendCents": 0}, subscriptionCycleStart=following)
    morning = CYCLE + timedelta(hours=9)
    events(
        platform,
        date(2026, 10, 3),
        event(morning, 100),
        event(morning, 100),
        event(morning, 100),
        event(morning, 20, "b@example.com"),
    )
    events(platform, date(2026, 10, 4))
    build(platform, "cursor_usage_events", over=Span(date(2026, 10, 3), date(2026, 10, 4)))
    return platform


EVENTS = "ai_usage_analytics.cursor_usage_events"


def test_a_past_open_cycle_at_its_last_snapshot(past_cycle: Platform) -> None:
    """Case 24: rows with `includedSpendCents` and without older fields: the cycle check still judges."""
    verdict = _past_cycles(past_cycle.warehouse)
    assert isinstance(verdict, Result)
    assert verdict.passed, verdict.why
    assert verdict.why == "The cycles since 2026-10-03 reconcile."


def test_an_event_of_a_past_cycle_twice_and_another_lost_is_seen(past_cycle: Platform, tmp_path: Path) -> None:
    """Case 16: a page that shifted while it was read: the count is right, the people are not."""
    harmed = past_cycle.copy(tmp_path)
    harmed.sql(f"insert into {EVENTS} from {EVENTS} where user_email = 'a@example.com' limit 1")
    harmed.sql(f"delete from {EVENTS} where user_email = 'b@example.com'")
    assert harmed.check(PAST).red(PAST) == {None}
    verdict = _past_cycles(harmed.warehouse)
    assert verdict is not None
    assert not verdict.passed
    assert "cycle since 2026-10-03" in verdict.why
    assert {row["user_email"]: row["difference_usd"] for row in verdict.rows} == {
        "a@example.com": Decimal(-1),
        "b@example.com": Decimal("0.2"),
    }


def test_events_without_a_person_explain_what_members_lack(past_cycle: Platform, tmp_path: Path) -> None:
    harmed = past_cycle.copy(tmp_path)
    harmed.sql(f"update {EVENTS} set user_email = null where user_email = 'b@example.com'")
    verdict = _past_cycles(harmed.warehouse)
    assert verdict is not None
    assert verdict.passed


def test_the_events_of_a_removed_person_are_counted_under_their_last_address(platform: Platform) -> None:
    """Case 4: no `userEmail`, and not in /teams/members."""
    day = date(2026, 10, 3)
    at = CYCLE + timedelta(hours=3)
    platform.warehouse.append(
        "cursor_daily_usage",
        [
            Answer(
                "cursor", day, [json.dumps({"userId": 7, "day": str(day), "email": "Gone@x.com"}).encode()], 1, {}, {}
            )
        ],
    )
    events(platform, day, event(at, 5, "bot@x.com", serviceAccountId="sa_1"))
    build(platform, "cursor_usage_stats", "cursor_usage_events", over=Span(day, day))
    events(
        platform,
        day,
        event(at, 100, None, userId=7),
        event(at, 10, None, serviceAccountId="sa_1"),
        event(at, 1, None, userId=8),
        event(at, 1, None),
    )
    build(platform, "cursor_usage_events", over=Span(day, day))
    assert platform.sql(f"select user_email, sum(charged_usd) from {EVENTS} group by 1 order by 1 nulls last") == [
        ("bot@x.com", Decimal("0.1")),
        ("gone@x.com", Decimal(1)),
        (None, Decimal("0.02")),
    ]
    assert platform.rejections() == []
    assert blocked_days(platform.warehouse, Span(day, day), CURSOR_PROVIDER.gate) == {}


def test_an_address_that_comes_with_the_same_run_is_known_at_once(platform: Platform) -> None:
    """Case 4, where nothing was pulled before: the tables that name the people are built after the events."""
    day, next_day = date(2026, 10, 3), date(2026, 10, 4)
    used = {"userId": 7, "day": str(next_day), "email": "Gone@x.com"}
    texts = [json.dumps(used).encode()]
    usage = [Answer("cursor", day, [], 1, {}, {}), Answer("cursor", next_day, texts, 1, {}, {})]
    platform.warehouse.append("cursor_daily_usage", usage)
    snapshot(platform, "cursor_members", {"id": "user_8", "email": "eight@x.com"})
    at = CYCLE + timedelta(hours=3)
    events(platform, day, event(at, 100, None, userId=7), event(at, 10, None, userId="user_8"), event(at, 1, None))
    events(platform, next_day)
    build(platform, "cursor_usage_events", "cursor_usage_stats", "dim_cursor_member", over=Span(day, next_day))
    assert platform.sql(f"select user_email, charged_usd from {EVENTS} order by charged_usd desc") == [
        ("gone@x.com", Decimal(1)),
        ("eight@x.com", Decimal("0.1")),
        (None, Decimal("0.01")),
    ]


def test_an_event_that_cannot_be_used_blocks_its_day_of_cursor_alone(platform: Platform) -> None:
    days = [date(2026, 10, 3), date(2026, 10, 4)]
    at = CYCLE + timedelta(hours=3)
    events(platform, days[0], event(at, 5), event(at, 5, chargedCents="NaN"))
    events(platform, days[1], event(at + timedelta(days=1), 7))
    texts = [json.dumps({"userId": 7, "day": "x", "email": "a@x.com"}).encode(), b'{"day": "2026-10-03"}']
    usage = [Answer("cursor", days[0], texts, 1, {}, {}), Answer("cursor", days[1], [], 1, {}, {})]
    platform.warehouse.append("cursor_daily_usage", usage)
    over = Span(*days)
    build(platform, "cursor_usage_stats", "cursor_usage_events", over=over)
    assert platform.rejections() == [
        (days[0], "chargedCents", "NaN is not an amount of money"),
        (days[0], "userId", "is missing, and so is an address"),
    ]
    assert blocked_days(platform.warehouse, over, CURSOR_PROVIDER.gate) == {days[0]: [gate.READABLE]}
    assert platform.sql(f"select activity_date, charged_usd from {EVENTS} order by 1") == [
        (days[0], Decimal("0.05")),
        (days[1], Decimal("0.07")),
    ]


def test_one_member_without_an_address_changes_nothing_for_the_others(platform: Platform) -> None:
    """Case 7: `email: null`, no `name`; of both providers' members, and one that is no member at all."""
    snapshot(
        platform,
        "cursor_members",
        {"id": "user_1", "name": "One", "email": None},
        {"id": "user_2", "email": "two@x.com"},
        {"name": "Nobody"},
    )
    texts = [
        b'{"id": "u1", "email": null}',
        b'{"id": "u2", "email": "Two@x.com", "name": "Two"}',
        b'{"email": "no id"}',
    ]
    platform.warehouse.append("claude_users", [Answer("anthropic", None, texts, 1, {}, {})])
    outcome = build(platform, "dim_cursor_member", "dim_person", over=Span(DAY, DAY))
    assert outcome.noted("core/dim_cursor_member", None)["dagster/row_count"] == 2
    assert platform.sql("select user_email, user_name from ai_usage_analytics.dim_person") == [("two@x.com", "Two")]
    assert sorted(platform.rejections()) == [
        (None, "id", "is missing"),
        (None, "id", "is missing, and so is an address"),
    ]
    told = platform.check(gate.READABLE)
    assert told.evaluation(gate.READABLE, None, "dim_cursor_member").severity == WARN
    assert not told.evaluation(gate.READABLE, None, "dim_cursor_member").passed


FIXTURES = Path(__file__).parent.parent / "fixtures"
LOADED_WHOLE = [
    ("cursor/daily_usage_data_recorded_shape", "data", cursor_records.DailyUsage, 4),
    ("cursor/daily_usage_data_sparse", "data", cursor_records.DailyUsage, 2),
    ("cursor/filtered_usage_events_sparse", "usageEvents", cursor_records.UsageEvent, 4),
    ("cursor/groups_sparse", "groups", cursor_records.Group, 1),
    ("cursor/spend_extra_fields", "teamMemberSpend", cursor_records.MemberSpend, 2),
    ("cursor/teams_members_older", "teamMembers", cursor_records.Member, 2),
    ("anthropic/cost_report_recorded_shape", "results", claude_records.CostLine, 1),
    ("anthropic/usage_report_messages_recorded_shape", "results", claude_records.UsageLine, 1),
    ("anthropic/analytics_unified_cost_enterprise", "data", claude_records.AnalyticsCost, 8),
    ("anthropic/analytics_unified_cost_split_sparse", "data", claude_records.AnalyticsCost, 2),
]


@pytest.mark.parametrize(("name", "items", "of", "count"), LOADED_WHOLE, ids=[name for name, *_ in LOADED_WHOLE])
def test_what_providers_once_sent_loads_whole(name: str, items: str, of: type, count: int) -> None:
    """Cases 5, 6, 8 and 24: answers of October 2025, sparse ones, older ones, ones with more fields."""
    whole = json.loads((FIXTURES / f"{name}.json").read_text(), parse_float=str)
    found = [r for bucket in whole["data"] for r in bucket["results"]] if items == "results" else whole[items]
    said = lines(*(json.dumps(record) for record in found))
    assert len(said.read(of).values) == count
    assert not said.rejections


def lines(*texts: str) -> Records:
    instant = pl.Datetime("us", "UTC")
    columns: dict[str, Any] = {"account": pl.String, "activity_date": pl.Date, "pull_id": pl.String}
    columns["ingestion_timestamp"] = instant
    rows = [("default", DAY, "p", datetime(2026, 11, 20, tzinfo=UTC), text) for text in texts]
    return Records("x", pl.DataFrame(), pl.DataFrame(rows, {**columns, "record": pl.String}, orient="row"))


def test_a_recorded_day_of_october_2025_has_text_ids_and_no_empty_texts() -> None:
    """Case 8: `userId` as text, an empty text for none, a count null, absent or `3.0`."""
    whole = json.loads((FIXTURES / "cursor/daily_usage_data_recorded_shape.json").read_text())["data"]
    odd = [{**whole[0], "agentRequests": None}, {**whole[0], "agentRequests": 3.0}, dict(whole[0])]
    del odd[2]["agentRequests"]
    rows = usage_rows(lines(*(json.dumps(record) for record in [*whole, *odd])), [])
    assert rows["cursor_user_id"].to_list()[:2] == [
        "user_EXAMPLE0000000000000000001",
        "user_EXAMPLE0000000000000000002",
    ]
    assert rows["most_used_model"].to_list()[:3] == ["claude-opus-5-5", None, None]
    assert rows["agent_requests"].to_list() == [3, 0, 0, 0, None, 3, None]


def test_zeros_that_claude_leaves_out_are_zeros() -> None:
    """Case 6: a Claude Code record without a zero count; a usage line without `cache_creation` or `server_tool_use`."""
    of = Organization("org", {})
    line = {"uncached_input_tokens": 5, "cache_read_input_tokens": 0, "output_tokens": 1, "server_tool_use": None}
    [row] = claude_usage(lines(json.dumps(line)), of).to_dicts()
    assert (row["cache_creation_5m_tokens"], row["web_search_requests"], row["uncached_input_tokens"]) == (0, 0, 5)
    record = {"actor": {"type": "user_actor", "email_address": "a@x.com"}, "core_metrics": {"num_sessions": 2}}
    [row] = code_rows(lines(json.dumps(record)), of).to_dicts()
    assert (row["num_sessions"], row["commits_by_claude_code"], row["lines_added"], row["input_tokens"]) == (2, 0, 0, 0)
