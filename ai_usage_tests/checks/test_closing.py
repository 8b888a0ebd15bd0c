"""The checks that a month close requires fail: nineteen good days of the simulated providers, harmed in one place."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.check import ERROR, WARN
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.endpoints import SOURCE as ANTHROPIC
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, checks_of, platform_in, whatever_makes

DAYS = Span(date(2026, 11, 1), date(2026, 11, 19))  # the days that the sheet's figures of this month cover
DAY = date(2026, 11, 11)

PARITY = "cost_report_equals_analytics"
FIGURES = "console_figures_match"
RECORDED = "revisions_are_recorded"

A, RAW = "ai_usage_analytics", "ai_usage_raw"
COSTS, ANALYTICS, SHEET = f"{A}.claude_costs", f"{A}.claude_analytics_costs", f"{A}.console_figures"
VERSIONS, PULLS = f"{A}.spend_versions", f"{RAW}.pulls"
THAT_DAY = f"activity_date = '{DAY}'"
LARGEST = f"rowid = (select rowid from {ANALYTICS} where {THAT_DAY} order by amount_usd desc, rowid limit 1)"
A_SPACE = f"(select workspace_id from {A}.dim_workspace where workspace_name = 'Platform')"
DEFAULT_SPACE = f"(select workspace_id from {A}.dim_workspace where is_default)"
NOVEMBER = "period_start = '2026-11-01' and workspace_id is null"
CURSORS = "provider = 'cursor' and period_start = '2026-11-03'"
ANTHROPICS = "anthropic 2026-11-01…"


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("closing"))
    expenses = (f"marts/{mart}" for mart in ("claude_total_expenses", "claude_expenses", "cursor_expenses"))
    tables = (
        *expenses,
        "marts/openai_attributed_costs",
        "core/openai_daily_cost",
        "marts/gemini_attributed_costs",
        "core/gemini_daily_cost",
        "marts/claude_parity",
        "marts/month_close",
        "marts/spend_revisions",
        "core/spend_versions",
    )
    only = whatever_makes(*tables) | checks_of(PARITY, FIGURES, RECORDED)
    outcome = platform.refresh(replace(settings(), simulate=True), DAYS, only=only)
    assert outcome.result.success
    assert outcome.not_passed(PARITY) | outcome.not_passed(RECORDED) == set()
    assert outcome.evaluation(PARITY, DAY, "claude_parity").description == (
        f"{DAY}: Analytics and the cost report both have {platform.dollars()[DAY]:,f} USD."
    )
    evaluation = outcome.evaluation(FIGURES, None, "month_close")
    assert (evaluation.passed, evaluation.severity) == (False, WARN)  # of last month, which has no pulled day
    assert (evaluation.description or "").startswith(
        "9 of 18 figures match. Not comparable: anthropic 2026-10-01…2026-10-31"
    )
    platform.sql(f"delete from {SHEET} where period_start < '2026-11-01' or provider in ('openai', 'google')")
    return platform


@pytest.fixture
def good(past: Platform, tmp_path: Path) -> Platform:
    """Nineteen days of both providers and the figures of just these days, on which every check passes."""
    return past.copy(tmp_path)


def rebuilt(platform: Platform, *assets: str) -> None:
    """Builds these tables for the day, each after the tables that it reads."""
    selection = dg.AssetSelection.assets(*assets).without_checks()
    assert platform.materialize(selection, Span(DAY, DAY), None).result.success


def restated(platform: Platform, by: str = "1.5", after: timedelta = timedelta(days=1)) -> None:
    """The cost report has a more expensive line for the day when it is pulled again; analytics are not pulled again."""
    platform.warehouse.now.at += after
    for pull in ("claude_cost_report", "claude_cost_totals"):
        pulled = platform.warehouse.newest(pull, Span(DAY, DAY)).lines["record"].to_list()
        first = json.loads(pulled[0])
        first["amount"] = str(Decimal(first["amount"]) + Decimal(by) * 100)
        records = [json.dumps(first).encode(), *(text.encode() for text in pulled[1:])]
        platform.warehouse.append(pull, [Answer(ANTHROPIC, DAY, records, 1, {}, is_simulated=True)])
    core = (f"core/{table}" for table in ("claude_costs", "claude_daily_cost", "spend_versions"))
    steps = ("claude_priced_tiers", "claude_allocated_shares", "claude_cost_shares", "claude_attributed_costs")
    marts = (f"marts/{mart}" for mart in (*steps, "claude_total_expenses", "claude_expenses", "claude_parity"))
    rebuilt(platform, *core, *marts, "marts/month_differences", "marts/month_close")


def sentence(outcome: Outcome, check: str, table: str, day: date | None = None) -> str:
    return outcome.why(check, day, table)


PARITY_HARMS = {
    "an analytics row lost": f"delete from {ANALYTICS} where {LARGEST}",
    "an analytics row doubled": f"insert into {ANALYTICS} from {ANALYTICS} where {LARGEST}",
    "an analytics row a hundredfold": f"update {ANALYTICS} set amount_usd = amount_usd * 100 where {LARGEST}",
    "analytics in cents": f"update {ANALYTICS} set amount_usd = amount_usd * 100 where {THAT_DAY}",
    "a day of analytics lost": f"delete from {ANALYTICS} where {THAT_DAY}",
    "a hundredth of a cent": f"update {ANALYTICS} set amount_usd = amount_usd + 0.0001 where {LARGEST}",
}


@pytest.mark.parametrize("harm", PARITY_HARMS)
def test_analytics_with_another_amount_fail_their_day(good: Platform, harm: str) -> None:
    [(before,)] = good.sql(f"select sum(amount_usd) from {ANALYTICS} where {THAT_DAY}")
    good.sql(PARITY_HARMS[harm])
    [(after,)] = good.sql(f"select coalesce(sum(amount_usd), 0) from {ANALYTICS} where {THAT_DAY}")
    rebuilt(good, "marts/claude_parity")
    outcome = good.check(PARITY, DAYS)
    assert outcome.not_passed(PARITY) == {DAY}
    evaluation = outcome.evaluation(PARITY, DAY, "claude_parity")
    assert evaluation.severity == ERROR
    description = evaluation.description or ""
    assert f"{after - before:+,f} unexplained. Report against analytics, largest first: " in description
    assert "rows" in evaluation.metadata


def test_the_largest_differences_are_named(good: Platform) -> None:
    [(model, kind, usd)] = good.sql(f"select model, token_type, amount_usd from {ANALYTICS} where {LARGEST}")
    good.sql(PARITY_HARMS["an analytics row lost"])
    rebuilt(good, "marts/claude_parity")
    rows = good.warehouse.query("providers/anthropic/checks/parity_cells", first_day=DAY, last_day=DAY).to_dicts()
    [cell] = rows
    assert (cell["model"], cell["kind"], cell["difference_usd"]) == (model, kind, -usd)
    assert f"{cell['workspace_name']} {model} {kind} " in sentence(
        good.check(PARITY, DAYS), PARITY, "claude_parity", DAY
    )


def test_a_provisional_difference_is_a_warning_and_only_beyond_one_percent(good: Platform) -> None:
    good.sql(
        f"""update {PULLS} set envelope = '{{"data_refreshed_at": "2026-11-12T10:00:00Z"}}'
        where pull = 'claude_analytics_cost' and {THAT_DAY}"""
    )
    good.sql(f"delete from {ANALYTICS} where {LARGEST}")
    rebuilt(good, "marts/claude_parity")
    outcome = good.check(PARITY, DAYS)
    assert outcome.not_passed(PARITY) == {DAY}
    assert outcome.evaluation(PARITY, DAY, "claude_parity").severity == WARN
    assert " provisional." in sentence(outcome, PARITY, "claude_parity", DAY)
    good.sql(f"update {A}.claude_parity set not_settled_usd = -cost_report_usd / 100 where {THAT_DAY}")
    assert good.check(PARITY, DAYS).not_passed(PARITY) == set()


def test_a_day_without_analytics_is_not_evaluated_and_one_not_built_fails(good: Platform) -> None:
    good.sql(f"delete from {A}.claude_parity where {THAT_DAY}")
    outcome = good.check(PARITY, DAYS)
    assert outcome.not_passed(PARITY) == {DAY}
    assert "it is blocked, or was never built" in sentence(outcome, PARITY, "claude_parity", DAY)
    good.sql(f"delete from {PULLS} where pull = 'claude_analytics_cost' and {THAT_DAY}")
    outcome = good.check(PARITY, DAYS)
    assert outcome.not_passed(PARITY) == set()
    assert outcome.not_evaluated(PARITY).keys() == {DAY}
    assert "Optional, and never pulled" in outcome.not_evaluated(PARITY)[DAY]


FIGURE_HARMS = {
    "a figure a hundredfold": (f"update {SHEET} set amount_usd = amount_usd * 100 where {NOVEMBER}", ANTHROPICS),
    "a figure in thousands": (
        f"update {SHEET} set amount_usd = amount_usd / 1000 where {CURSORS}",
        "cursor 2026-11-03…",
    ),
    "a figure of another month": (
        f"update {SHEET} set amount_usd = amount_usd + 100 where {NOVEMBER} and provider = 'anthropic'",
        ANTHROPICS,
    ),
    "a workspace dropped": (f"delete from {A}.claude_expenses where workspace_id = {A_SPACE}", "workspace Platform"),
    "the default workspace dropped": (
        f"delete from {A}.claude_expenses where workspace_id = {DEFAULT_SPACE}",
        "workspace Default",
    ),
    "a day counted twice": (
        f"insert into {A}.claude_total_expenses from {A}.claude_total_expenses where expense_date = '{DAY}'",
        ANTHROPICS,
    ),
    "cents as dollars": (f"update {A}.claude_total_expenses set cost_usd = cost_usd * 100", ANTHROPICS),
    "Cursor usage lost": (
        f"delete from {A}.cursor_expenses where cost_type = 'usage_based' and expense_date = '{DAY}'",
        "cursor 2026-11-03…",
    ),
    "seats among usage": (f"update {A}.cursor_expenses set cost_type = 'usage_based'", "cursor 2026-11-03…"),
}


@pytest.mark.parametrize("harm", FIGURE_HARMS)
def test_a_figure_that_differs_from_the_sum_of_the_lines_fails(good: Platform, harm: str) -> None:
    assert good.check(FIGURES).not_passed(FIGURES) == set()
    sql, named = FIGURE_HARMS[harm]
    [(rows,)] = good.sql(sql)
    assert rows > 0
    outcome = good.check(FIGURES)
    assert outcome.not_passed(FIGURES) == {None}
    evaluation = outcome.evaluation(FIGURES, None, "month_close")
    assert evaluation.severity == ERROR
    description = evaluation.description or ""
    assert " of 7 figures differ: " in description
    assert named in description
    assert " USD, the figure is " in description
    assert " is permitted" in description


def test_a_cent_or_a_hundredth_of_a_percent_is_no_difference(good: Platform) -> None:
    [(usd,)] = good.sql(f"select amount_usd from {SHEET} where {NOVEMBER}")
    for percent, not_passed in (("0.009", set()), ("-0.009", set()), ("0.011", {None}), ("-0.011", {None})):
        good.sql(f"update {SHEET} set amount_usd = {usd} * (1 + {percent} / 100) where {NOVEMBER}")
        assert good.check(FIGURES).not_passed(FIGURES) == not_passed
    good.sql(f"update {SHEET} set amount_usd = {usd} where {NOVEMBER}")
    good.sql(f"update {A}.cursor_expenses set billed_usd = 0")
    for usd_of_cursor, not_passed in (("0.01", set()), ("0.011", {None})):
        good.sql(f"update {SHEET} set amount_usd = {usd_of_cursor} where {CURSORS}")
        assert good.check(FIGURES).not_passed(FIGURES) == not_passed


def test_an_invoice_that_includes_seats_matches_usage_and_seats(good: Platform) -> None:
    """Case 32: the figure is usage + seats; the sheet states which of the two it covers, or else the result does."""
    days = "between '2026-11-03' and '2026-11-19'"
    [(seats,)] = good.sql(
        f"select sum(billed_usd) from {A}.cursor_expenses where expense_date {days} and cost_type = 'subscription'"
    )
    assert seats > 1000
    good.sql(f"update {SHEET} set amount_usd = round(amount_usd + {seats}, 2) where {CURSORS}")
    outcome = good.check(FIGURES)
    assert outcome.not_passed(FIGURES) == set()
    description = sentence(outcome, FIGURES, "month_close")
    assert "With seats: cursor 2026-11-03…2026-11-19, " in description
    assert f" of usage and {seats:,.2f} of seats." in description
    good.sql(f"update {SHEET} set covers = 'usage' where {CURSORS}")
    outcome = good.check(FIGURES)
    assert outcome.not_passed(FIGURES) == {None}
    assert "1 of 7 figures differ: cursor 2026-11-03…" in sentence(outcome, FIGURES, "month_close")
    good.sql(f"update {SHEET} set covers = 'usage_and_seats' where {CURSORS}")
    assert good.check(FIGURES).not_passed(FIGURES) == set()
    good.sql(f"update {SHEET} set amount_usd = amount_usd + 5 where {CURSORS}")
    assert f" USD and the seats to {seats:,.2f}, the figure is " in sentence(
        good.check(FIGURES), FIGURES, "month_close"
    )
    good.sql(f"update {A}.spend_by_scope set seats_usd = 0")
    outcome = good.check(FIGURES)
    assert outcome.evaluation(FIGURES, None, "month_close").severity == WARN
    assert "no seat of its days has a price" in sentence(outcome, FIGURES, "month_close")


def test_figures_with_days_never_pulled_or_not_over_are_not_compared(good: Platform) -> None:
    good.sql(f"delete from {PULLS} where pull = 'claude_cost_report' and {THAT_DAY}")
    good.sql(f"update {SHEET} set period_end = '2026-12-03' where {CURSORS}")
    outcome = good.check(FIGURES)
    assert outcome.not_passed(FIGURES) == {None}
    assert outcome.evaluation(FIGURES, None, "month_close").severity == WARN
    description = sentence(outcome, FIGURES, "month_close")
    assert "as a whole and in 5 workspaces: 1 of its " in description
    assert " days were never pulled" in description
    assert "cursor 2026-11-03…2026-12-02: 13 of its 30 days are not over" in description


def test_figures_of_an_unknown_provider_or_of_a_cursor_workspace_are_not_compared(good: Platform) -> None:
    good.sql(f"update {SHEET} set workspace_id = 'team-a' where {CURSORS}")
    good.sql(f"update {SHEET} set provider = 'unheard' where {NOVEMBER}")
    outcome = good.check(FIGURES)
    assert outcome.not_passed(FIGURES) == {None}
    description = sentence(outcome, FIGURES, "month_close")
    assert "5 of 7 figures match." in description
    assert "in workspace team-a: Cursor has no workspaces" in description
    assert "unheard 2026-11-01…" in description
    assert ": nothing is pulled from there" in description


def test_figures_that_never_reached_core_fail(good: Platform) -> None:
    good.sql(f"delete from {SHEET}")
    outcome = good.check(FIGURES)
    assert outcome.not_passed(FIGURES) == {None}
    assert "core/console_figures none: build it" in sentence(outcome, FIGURES, "month_close")


def test_without_a_sheet_no_figure_is_evaluated(platform: Platform) -> None:
    outcome = platform.check(FIGURES)
    assert outcome.evaluations == {}
    assert outcome.not_evaluated(FIGURES) == {None: "Not configured: AI_USAGE_SHEET_ID is not set."}


def test_a_figure_of_days_never_pulled_or_not_over_is_not_evaluated(good: Platform) -> None:
    """Next to figures that match, it does not count; alone, it makes the check not evaluated."""
    good.sql(f"update {SHEET} set period_end = '2026-12-03' where {CURSORS}")
    outcome = good.check(FIGURES)
    assert outcome.evaluation(FIGURES, None, "month_close").passed
    assert "13 of its 30 days are not over" in sentence(outcome, FIGURES, "month_close")
    good.sql(f"delete from {SHEET} where not ({CURSORS})")
    outcome = good.check(FIGURES)
    assert outcome.evaluations == {}
    assert "13 of its 30 days are not over" in outcome.not_evaluated(FIGURES)[None]
    good.sql(f"update {SHEET} set period_start = '2026-09-01', period_end = '2026-10-01' where {CURSORS}")
    assert "30 of its 30 days were never pulled" in good.check(FIGURES).not_evaluated(FIGURES)[None]


def test_a_day_restated_after_the_figure_is_reported_as_restated_everywhere(good: Platform) -> None:
    restated(good)
    outcome = good.check(FIGURES)
    assert outcome.not_passed(FIGURES) == {None}
    assert outcome.evaluation(FIGURES, None, "month_close").severity == WARN
    description = sentence(outcome, FIGURES, "month_close")
    assert description.count("restated since the sheet has it") == 2  # the total, and one workspace
    assert "5 of 7 figures match." in description
    of_november = "provider = 'anthropic' and month = '2026-11'"
    [(month,)] = good.sql(f"select restated_since_figure_usd from {A}.month_close where {of_november}")
    assert month == Decimal("1.5")
    outcome = good.check(PARITY, DAYS)
    assert outcome.not_passed(PARITY) == set()
    assert "-1.500000000 restated since analytics were asked." in sentence(outcome, PARITY, "claude_parity", DAY)
    assert good.check(RECORDED, DAYS).not_passed(RECORDED) == set()
    day, usd = good.sql(f"select activity_date, change_usd from {A}.spend_revisions")[0]
    assert (day, usd) == (DAY, Decimal("1.5"))


def test_a_restatement_explains_no_other_error(good: Platform) -> None:
    good.sql(f"update {SHEET} set amount_usd = amount_usd * 100 where {NOVEMBER}")
    restated(good)
    outcome = good.check(FIGURES)
    assert outcome.not_passed(FIGURES) == {None}
    assert outcome.evaluation(FIGURES, None, "month_close").severity == ERROR


EVENTS = f"{A}.cursor_usage_events"
RECORDED_HARMS = {  # the change, and the text of the result
    "a total changed by a nano-dollar": (
        f"""update {COSTS} set amount_usd = amount_usd + 0.000000001
        where rowid = (select min(rowid) from {COSTS} where {THAT_DAY})""",
        "+0.000000001 USD that no revision records",
    ),
    "a day lost": (f"delete from {COSTS} where {THAT_DAY}", "The day's amount is 0.000000000 USD"),
    "a Cursor day a hundredfold": (
        f"update {EVENTS} set charged_usd = charged_usd * 100 where {THAT_DAY}",
        "USD that no revision records",
    ),
    "an event made chargeable": (
        f"""update {EVENTS} set is_chargeable = true where rowid = (select min(rowid) from {EVENTS}
        where {THAT_DAY} and not is_chargeable and charged_usd > 0)""",
        "USD that no revision records",
    ),
    "no version at all": (
        f"delete from {VERSIONS} where {THAT_DAY} and provider = 'anthropic'",
        "has no version of it",
    ),
    "the newest version lost": (
        f"delete from {VERSIONS} where {THAT_DAY} and known_to is null and provider = 'anthropic'",
        "-2.000000000 USD that no revision records",
    ),
    "the version between lost": (
        f"""delete from {VERSIONS} where pull_id = (select pull_id from {VERSIONS} where known_to is not null
        order by known_from desc limit 1)""",
        "there are 1 gaps and 1 open ones",
    ),
    "the newest version twice": (
        f"insert into {VERSIONS} from {VERSIONS} where {THAT_DAY} and known_to is null and provider = 'anthropic'",
        "there are 1 gaps and 2 open ones",
    ),
    "a version never closed": (
        f"update {VERSIONS} set known_to = null where {THAT_DAY}",
        "there are 2 gaps and 3 open ones",
    ),
}


@pytest.fixture(scope="module")
def twice_restated(past: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = past.copy(tmp_path_factory.mktemp("twice"))
    restated(platform, "1.5")
    restated(platform, "-2", timedelta(days=2))
    assert platform.check(RECORDED, DAYS).not_passed(RECORDED) == set()
    return platform


@pytest.mark.parametrize("harm", RECORDED_HARMS)
def test_a_change_without_its_revision_fails(twice_restated: Platform, tmp_path: Path, harm: str) -> None:
    platform = twice_restated.copy(tmp_path)
    sql, why = RECORDED_HARMS[harm]
    [(rows,)] = platform.sql(sql)
    assert rows > 0
    outcome = platform.check(RECORDED, DAYS)
    assert outcome.not_passed(RECORDED) == {DAY}
    [wrong] = [v for found in outcome.evaluations.values() for v in found.values() if not v.passed]
    assert wrong.severity == ERROR
    assert why in (wrong.description or "")


def test_a_version_that_only_the_ledger_has_is_reported(twice_restated: Platform, tmp_path: Path) -> None:
    platform = twice_restated.copy(tmp_path)
    platform.sql(
        f"""delete from {VERSIONS} where {THAT_DAY} and provider = 'anthropic'
        and known_from = (select min(known_from) from {VERSIONS} where {THAT_DAY} and provider = 'anthropic')"""
    )
    outcome = platform.check(RECORDED, DAYS)
    assert outcome.not_passed(RECORDED) == {DAY}
    evaluation = outcome.evaluation(RECORDED, DAY)
    assert evaluation.severity == WARN
    assert "1 versions of the ledger are not in core/spend_versions" in (evaluation.description or "")
