"""Freshness is evaluated per account: an account that stops is named, even if the others are fresh."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import dagster as dg

from ai_usage.check import Result, failed, passed, warned, without_input
from ai_usage.checks.accounts import Findings, with_account
from ai_usage.checks.completeness import freshness_of_accounts, recency_of_accounts
from ai_usage.partitions import Span
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import PULLS
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform, checks_of

FRESH = "bill_is_fresh"
PULL = "cursor_usage_events"
LAST = date(2026, 11, 12)


def pulled_by(
    platform: Platform, account: str, last: int, records: Sequence[bytes] = (b"{}",), *, first: int = 12
) -> None:
    days = Span(date(2026, 11, first), date(2026, 11, last)).days
    platform.warehouse.append(PULL, [Answer("cursor", day, records, 1, {}, account=account) for day in days])


def test_a_bill_that_stops_for_one_account_fails_by_the_name_of_the_account(platform: Platform) -> None:
    pulled_by(platform, "default", 19)
    pulled_by(platform, "eu", 16)
    found = freshness_of_accounts(PULL, platform.warehouse, ["default", "eu"])
    assert found == failed("Account eu: Nothing is known since 2026-11-16, 3 days: what they cost is unknown, not 0.")
    assert freshness_of_accounts(PULL, platform.warehouse, None) == found, "so it does where no account is configured"
    pulled_by(platform, "eu", 19, records=[], first=17)
    emptied = freshness_of_accounts(PULL, platform.warehouse, ["default", "eu"])
    assert isinstance(emptied, Result)
    assert emptied.why.startswith("Account eu: The last 3 days came without a record, after 5 days with some")


def test_an_account_that_was_taken_out_of_the_settings_is_not_late(platform: Platform) -> None:
    pulled_by(platform, "default", 19)
    pulled_by(platform, "former", 12)
    found = freshness_of_accounts(PULL, platform.warehouse, ["default"])
    assert found == passed("Days are known up to 2026-11-19, the last with records is 2026-11-19.")
    recent = recency_of_accounts(PULL, platform.warehouse, ["default"], is_daily=True, is_optional=False)
    assert isinstance(recent, Result)
    assert recent.why == "Last pulled 2026-11-20 12:00 UTC, up to 2026-11-19."


def test_an_account_that_was_never_pulled_fails_beside_others_unless_its_plan_may_lack_the_report(
    platform: Platform,
) -> None:
    assert freshness_of_accounts(PULL, platform.warehouse, ["default", "eu"]) is None
    pulled_by(platform, "default", 19)
    assert freshness_of_accounts(PULL, platform.warehouse, ["default", "eu"]) == without_input(
        "Account eu: Never pulled."
    )
    optional = recency_of_accounts(PULL, platform.warehouse, ["default", "eu"], is_daily=True, is_optional=True)
    assert isinstance(optional, Result)
    assert optional.passed


def test_a_pull_that_stops_for_one_account_is_named(platform: Platform) -> None:
    pulled_by(platform, "eu", 19)
    platform.sql(f"update {PULLS.address} set pulled_at = pulled_at - interval 37 hours, asked_at = null")
    pulled_by(platform, "default", 19)
    found = recency_of_accounts(PULL, platform.warehouse, ["default", "eu"], is_daily=True, is_optional=False)
    assert found == warned("Account eu: Last pulled 2026-11-18 23:00 UTC, up to 2026-11-19.")


def test_the_checks_ask_the_accounts_that_have_a_key_for_the_pull(platform: Platform) -> None:
    """An Analytics key opens no cost report, so its account is not late there."""
    admin = platform.claude.admin()
    clients = [admin, replace(admin, account="enterprise", has_admin_key=False, has_analytics_key=True)]
    days = [date(2026, 11, 18), date(2026, 11, 19)]
    platform.warehouse.append("claude_cost_report", [Answer("anthropic", day, [b"{}"], 1, {}) for day in days])
    outcome = platform.materialize(checks_of(FRESH), None, clients)
    assert outcome.evaluation(FRESH, None, "claude_cost_report").passed
    outcome = platform.materialize(checks_of(FRESH), None, [clients[1]])
    assert outcome.not_evaluated(FRESH, "claude_cost_report") == {
        None: "Not configured: ANTHROPIC_ADMIN_API_KEY is not set."
    }


def test_a_check_of_a_report_without_a_key_names_the_variable_of_that_key(platform: Platform) -> None:
    """The Admin key is set, but it does not open the report of claude.ai users."""
    outcome = platform.materialize(checks_of("grain_is_unique"), None, [platform.claude.admin()])
    whys = outcome.not_evaluated("grain_is_unique", "claude_usage_stats")
    assert whys == {None: "Not configured: ANTHROPIC_ANALYTICS_API_KEY is not set."}


def test_with_an_analytics_key_alone_a_cost_report_is_not_configured_and_nothing_has_failed(platform: Platform) -> None:
    client = replace(platform.claude.admin(), account="enterprise", has_admin_key=False, has_analytics_key=True)
    selection = dg.AssetSelection.assets(["raw", "claude_cost_report"]).required_multi_asset_neighbors()
    outcome = platform.materialize(selection, Span(DAY, DAY), [client])
    assert not outcome.checks_not_passed()
    whys = outcome.not_evaluated("schema_drift", "claude_cost_report")
    assert whys == {None: "Not configured: ANTHROPIC_ADMIN_API_KEY is not set."}


def test_a_result_names_the_account_of_its_rows_where_there_are_several(platform: Platform) -> None:
    rows = [{"account": "eu"}, {"account": "default"}]
    findings: Findings = {
        DAY: failed("Of both.", rows),
        NEXT: failed("Of one.", rows[:1]),
        LAST: failed("Never pulled."),
    }
    pulled_by(platform, "default", 12)
    assert with_account(findings, platform.warehouse, [PULL]) == findings
    pulled_by(platform, "eu", 12)
    named = with_account(findings, platform.warehouse, [PULL])
    assert named == {**findings, NEXT: failed("Account eu: Of one.", rows[:1])}


def test_a_day_that_one_account_lacks_is_missing_by_the_name_of_the_account(platform: Platform) -> None:
    pulled_by(platform, "default", 14)
    pulled_by(platform, "eu", 14)
    platform.sql(f"delete from {PULLS.address} where account = 'eu' and activity_date = '2026-11-13'")
    checks = checks_of("no_day_is_missing") & dg.AssetSelection.checks_for_assets(["core", "cursor_usage_events"])
    outcome = platform.materialize(checks, Span(date(2026, 11, 13), date(2026, 11, 13)), None)
    assert outcome.evaluation("no_day_is_missing", date(2026, 11, 13), "cursor_usage_events").description == (
        "2026-11-13: Account default: core holds 0 of the 1 records of cursor_usage_events. "
        "Account eu: cursor_usage_events was never pulled."
    )


def test_rejected_members_and_workspaces_are_reported_with_the_account_that_lists_them(platform: Platform) -> None:
    for account in ("default", "eu"):
        for pull in ("claude_users", "claude_workspaces", "claude_organization"):
            broken = [b'{"name":"no id"}'] if account == "eu" else []
            platform.warehouse.append(pull, [Answer("anthropic", None, broken, 1, {}, account=account)])
    tables = (["core", "dim_person"], ["core", "dim_workspace"])
    only = dg.AssetSelection.assets(*tables).without_checks() | (
        checks_of("records_are_readable") & dg.AssetSelection.checks_for_assets(*tables)
    )
    outcome = platform.materialize(only, None, None)
    assert "claude_users of account eu: id: " in outcome.why("records_are_readable", None, "dim_person")
    assert outcome.why("records_are_readable", None, "dim_workspace").startswith("Account eu: ")
