"""What was known at an instant, against what is known now: a day was restated, and its key has another owner."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ai_usage.commands import as_of, as_of_world
from ai_usage.commands.__main__ import main
from ai_usage.commands.as_of_world import Past, rebuilt, spend_in
from ai_usage.partitions import Span
from ai_usage.sheet.tabs import API_KEY_MAPPING
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import OF_CURSOR, OTHERS, Platform, Ticking, graph, platform_in, whatever_makes
from ai_usage_tests.printed import printed
from ai_usage_tests.warehouse.test_ledger import append
from ai_usage_tests.warehouse.writing import answer

BOTH = Span(DAY, NEXT)
MOMENT = timedelta(microseconds=1)
SPEND = "ai_usage_analytics.ai_spend"
MONEY = whatever_makes("marts/ai_spend", "core/spend_versions") - OF_CURSOR - dg.AssetSelection.assets(*OTHERS)
REPORTED = [asset for asset in as_of_world.BUILT if asset.keys <= MONEY.resolve(graph())]


@pytest.fixture(autouse=True)
def _spend_alone_is_rebuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """These reports only need spend; the report of a first hour rebuilds every table."""
    monkeypatch.setattr(as_of_world, "BUILT", REPORTED)


def owned_by(platform: Platform, email: str) -> None:
    """The sheet sets the owner of the provider's key, for all days."""
    rows = [["api_key_id", "user_email", "valid_from"], ["apikey_1", email, "2026-01-01"]]
    records = [json.dumps(row).encode() for row in rows]
    platform.warehouse.append(API_KEY_MAPPING.pull, [Answer("google", None, records, 1, {}, is_ordered=True)])


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[Platform, datetime]:
    """One day, $10 of Ada's, was known at the instant; then it became $9 of Bo's, and another day was pulled."""
    platform = platform_in(tmp_path_factory.mktemp("past"))
    platform.warehouse.now = Ticking(datetime(2026, 11, 19, 12, tzinfo=UTC))
    owned_by(platform, "ada@example.com")
    platform.run({DAY: ["1000"]}, only=MONEY)
    at = platform.warehouse.now()
    owned_by(platform, "bo@example.com")
    platform.run({DAY: ["900"], NEXT: ["100"]}, only=MONEY)
    return platform, at


@pytest.fixture
def command(past: tuple[Platform, datetime], monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`make as-of` on that past, or on a copy of it."""

    def typed(at: str, first: str = str(DAY), last: str = str(NEXT), platform: Platform = past[0]) -> int:
        monkeypatch.setenv("AI_USAGE_DATA_DIR", str(platform.warehouse.path.parent))
        return main(["as_of", at, first, last])

    return typed


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as db:
        return db.execute(sql).fetchall()


def usage(at: datetime | str) -> str:
    return f"select activity_date, billed_usd from ai_usage_analytics.spend_as_of('{at}') order by 1"


def test_a_restated_day_is_shown_as_then_and_as_now_and_the_ledger_is_only_read(
    past: tuple[Platform, datetime], command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    platform, at = past
    database = platform.warehouse.path
    before = digest(database), sorted(p.name for p in database.parent.iterdir())
    assert command(at.isoformat()) == 0
    output = printed(capsys)
    assert (digest(database), sorted({p.name for p in database.parent.iterdir()} - {"as_of"})) == before
    assert "anthropic 10.00 10.00 +0.00" in output  # 9 and 1: the sum hides the differences of the days
    assert f"{DAY} anthropic 10.00 9.00 -1.00" in output
    assert f"{NEXT} anthropic – 1.00 +1.00" in output
    assert f"Not yet pulled then, anthropic: {NEXT}" in output
    assert "to the last digit: 10.00" in output
    assert "SIMULATED" not in output
    [world] = (database.parent / "as_of").iterdir()
    assert world.name == f"2026-11-19T120000_{at:%f}Z_{DAY}_{NEXT}.duckdb"
    payers = f"select spend_date, user_email, sum(billed_usd) from {SPEND} where billed_usd > 0 group by all order by 1"
    assert read(world, payers) == [(DAY, "ada@example.com", Decimal(10))]
    assert read(database, payers) == [(DAY, "bo@example.com", Decimal(9)), (NEXT, "bo@example.com", Decimal(1))]
    assert read(world, usage(at)) == read(database, usage(at)) == [(DAY, Decimal(10))]
    assert read(database, usage("2999-01-01T00:00:00Z")) == [(DAY, Decimal(9)), (NEXT, Decimal(1))]


def test_a_period_with_days_never_pulled_names_them(
    past: tuple[Platform, datetime], command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Case 29. Days that were pulled later are part of the answer; days never pulled make it incomplete."""
    assert command(past[1].isoformat(), first="2026-11-01") == 1
    output = printed(capsys)
    assert f"! anthropic: 2 of 11 days were pulled ({BOTH}); the others are unknown." in output
    assert "make backfill FROM=2026-11-01 TO=2026-11-09" in output
    assert "to the last digit: 10.00" in output


def test_without_arguments_it_is_the_month_as_known_now(
    past: tuple[Platform, datetime], command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("", first="", last="") == 1
    output = printed(capsys)
    assert "2026-11-01 to 2026-11-19 as known at 2026-11-20 12:00:00 UTC" in output
    assert "Nothing has changed since." in output


def test_a_changed_owner_alone_is_shown_too(
    past: tuple[Platform, datetime], command: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    platform = past[0].copy(tmp_path)
    [[at]] = platform.sql("select max(pulled_at) from ai_usage_raw.pulls")
    platform.sql(f"update {SPEND} set user_email = 'cy@example.com'")
    assert command(at.isoformat(), platform=platform) == 0
    output = printed(capsys)
    assert f"Equal in sum, but with other keys, people or teams now: {BOTH}" in output
    assert "Nothing has changed" not in output


def test_an_instant_in_the_future_means_now_with_a_note(
    past: tuple[Platform, datetime], command: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command("2999-01-01T00:00:00+01:00", platform=past[0].copy(tmp_path)) == 0
    output = printed(capsys)
    assert "2998-12-31 23:00:00 UTC is in the future: this is what is known now" in output
    assert "Nothing has changed since." in output


def test_before_the_first_pull_nothing_was_known(
    past: tuple[Platform, datetime], command: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    [[first]] = past[0].sql("select min(pulled_at) from ai_usage_raw.pulls")
    assert command((first - MOMENT).isoformat()) == 1
    assert "the first pull was at 2026-11-19 12:00:00" in printed(capsys)
    empty = platform_in(tmp_path)
    empty.warehouse.path.unlink()
    assert command("2026-11-01T00:00:00Z", platform=empty) == 1
    assert "Nothing was ever pulled" in printed(capsys)


@pytest.mark.parametrize(
    ("at", "first", "last", "sentence"),
    [
        ("yesterday", "2026-11-10", "2026-11-11", "AT=yesterday is not an instant"),
        ("2026-11-05T06:00:00", "2026-11-10", "2026-11-11", "write for example AT=2026-11-05T06:00:00Z"),
        ("2026-11-05T06:00:00Z", "2026-11-11", "2026-11-10", "FROM=2026-11-11 is after TO=2026-11-10"),
        ("2026-11-05T06:00:00Z", "october", "2026-11-10", "FROM=october is not a day"),
        ("2026-11-05T06:00:00Z", "2026-11-10", "2026-11-20", "the newest full UTC day"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str], at: str, first: str, last: str, sentence: str
) -> None:
    assert command(at, first, last) == 2
    output = printed(capsys)
    assert sentence in output
    assert output.startswith("Error:")


def test_a_rebuilt_day_that_differs_from_its_versions_is_reported(
    past: tuple[Platform, datetime],
    command: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def harmed(*args: Any, **kwargs: Any) -> Past:
        found = rebuilt(*args, **kwargs)
        with found.world.connected() as db:
            db.execute(f"update {SPEND} set billed_usd = billed_usd + 0.000000001 where billed_usd is not null")
        return found

    monkeypatch.setattr(as_of, "rebuilt", harmed)
    assert command(past[1].isoformat()) == 1
    assert f"✗ {DAY} anthropic ai_spend was rebuilt with 10.00 of usage, spend_as_of returns 10.00" in printed(capsys)


def test_a_function_that_would_mislead_sql_users_is_reported(
    past: tuple[Platform, datetime], command: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    platform = past[0].copy(tmp_path)
    platform.sql("delete from ai_usage_analytics.spend_versions")
    assert command(past[1].isoformat(), platform=platform) == 1
    output = printed(capsys)
    assert f"✗ spend_as_of in the warehouse differs on {DAY}" in output
    assert f"ai_spend is behind the ledger now, not rebuilt since the last pull, or blocked: {BOTH}" in output


def test_tables_that_cannot_be_rebuilt_are_reported_and_leave_no_file(
    past: tuple[Platform, datetime], command: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    platform = past[0].copy(tmp_path)
    platform.sql("delete from ai_usage_raw.pulls where pull = 'claude_organization'")
    assert command("2026-11-20T11:00:00Z", platform=platform) == 1
    output = printed(capsys)
    assert "core/claude_costs" in output
    assert "raw/claude_organization was never pulled" in output
    assert "cannot be rebuilt as of then: nothing was written" in output
    assert list((tmp_path / "as_of").iterdir()) == []


def test_a_blocked_day_keeps_its_last_good_version_as_it_did_then(platform: Platform, tmp_path: Path) -> None:
    owned_by(platform, "ada@example.com")
    platform.run({DAY: ["1000"], NEXT: ["100"]}, only=MONEY)
    owned_by(platform, "bo@example.com")
    platform.claude.totals[DAY] = lambda rows: [{**row, "amount": "1"} for row in rows]
    platform.run({DAY: ["900"], NEXT: ["200"]}, only=MONEY)
    at = platform.warehouse.now()
    then = rebuilt(platform.warehouse, at, BOTH, into=tmp_path / "then.duckdb")
    assert then.blocked == {(DAY, "anthropic"): ["grouped_lines_equal_console_figure"]}
    spend = spend_in(then.world, BOTH)
    assert spend.usage == {(DAY, "anthropic"): Decimal(10), (NEXT, "anthropic"): Decimal(2)}
    assert spend.usage == spend_in(platform.warehouse, BOTH).usage


def test_a_pull_counts_from_its_very_instant_on(platform: Platform, tmp_path: Path) -> None:
    [first] = append(platform, answer(DAY, "1000"))
    [same] = append(platform, answer(DAY, "1000"))
    [second] = append(platform, answer(DAY, "900"))
    eve = DAY - timedelta(days=1)
    append(platform, answer(eve, "1"))

    def known(at: datetime) -> list[str]:
        cut = platform.warehouse.as_of(at, BOTH, into=tmp_path / "cut.duckdb")
        with cut.connected() as db:
            counted = "select (select count(*) from ai_usage_raw.pulls)"
            counts = db.execute(f"{counted}, (select count(*) from ai_usage_raw.claude_cost_report)").fetchall()
        lines = [json.loads(text)["amount"] for text in cut.newest("claude_cost_report", BOTH).lines["record"]]
        [(pulls, records)] = counts
        return [*lines, f"{pulls} pulls", f"{records} records"]

    assert known(first.pulled_at - MOMENT) == ["0 pulls", "0 records"]
    assert known(first.pulled_at) == ["1000", "1 pulls", "1 records"]
    assert known(same.pulled_at) == ["1000", "2 pulls", "1 records"]
    assert known(second.pulled_at - MOMENT) == ["1000", "2 pulls", "1 records"]
    assert known(second.pulled_at) == known(second.pulled_at + timedelta(days=1)) == ["900", "3 pulls", "2 records"]
    assert known(first.pulled_at) == ["1000", "1 pulls", "1 records"]  # a truncated file is replaced, not extended


def test_records_without_a_commit_stay_behind(platform: Platform, tmp_path: Path) -> None:
    append(platform, answer(DAY, "1000"))
    platform.sql(f"insert into ai_usage_raw.claude_cost_report values ('lost', 'default', '{DAY}', 0, '{{}}')")
    cut = platform.warehouse.as_of(platform.warehouse.now(), BOTH, into=tmp_path / "cut.duckdb")
    with cut.connected() as db:
        assert db.execute("select count(*) from ai_usage_raw.claude_cost_report").fetchone() == (1,)


def test_the_function_is_made_anew_when_its_text_changes(platform: Platform) -> None:
    assert platform.sql("select count(*) from ai_usage_analytics.spend_as_of('2026-11-20T12:00:00Z')") == [(0,)]
    platform.sql("create or replace macro ai_usage_analytics.spend_as_of(as_of) as table select 1 as old")
    platform.sql("comment on table ai_usage_raw.pulls is 'of another text'")
    platform.warehouse._is_prepared = False
    found = platform.sql("from ai_usage_analytics.spend_as_of('2026-11-20T12:00:00Z')")
    assert found == []


def test_a_file_of_an_older_version_is_refused_and_left_alone(
    platform: Platform, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    append(platform, answer(DAY, "1000"))
    platform.sql(f"drop table {SPEND}")
    before = digest(platform.warehouse.path)
    assert command("2026-11-20T11:00:00Z", platform=platform) == 2
    assert "was last written by an older version" in printed(capsys)
    assert digest(platform.warehouse.path) == before
