"""`dim_account` lists the accounts of the settings and those of the ledger. It contains no key."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from ai_usage.check import Finding, Result
from ai_usage.checks.account_identity import organizations_have_one_account
from ai_usage.core.accounts import DIM_ACCOUNT, account_rows, rows_of
from ai_usage.providers.directory import AccountName
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import settings
from ai_usage.simulated import accounts
from ai_usage.simulator import Simulator
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_claude import DAY, ORGANIZATION
from ai_usage_tests.platform import Platform

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LISTED = dg.AssetSelection.assets("core/dim_account")


def test_accounts_of_the_settings_come_first_and_one_of_the_ledger_alone_is_not_configured() -> None:
    configured = {"eu": ("admin_key", "analytics_key"), "new": ("admin_key",)}
    rows = account_rows("toy", configured, {"former": NOW, "eu": NOW}, {})
    assert [(row["account"], row["credentials"], row["is_configured"], row["first_pulled_at"]) for row in rows] == [
        ("eu", "admin, analytics", True, NOW),
        ("new", "admin", True, None),
        ("former", None, False, NOW),
    ]


def test_where_no_account_is_configured_each_that_was_pulled_is_expected() -> None:
    """A machine without keys may build what another one pulled."""
    seen = {"eu": NOW, "us": NOW}
    assert [row["is_expected"] for row in account_rows("toy", {}, seen, {})] == [True, True]
    assert [row["is_expected"] for row in account_rows("toy", {"us": ("key",)}, seen, {})] == [True, False]


def test_the_table_has_the_organizations_name_and_when_it_was_first_pulled(platform: Platform) -> None:
    pulls = dg.AssetSelection.assets("raw/claude_organization", "raw/claude_cost_report")
    assert not platform.run({DAY: ["100"]}, only=pulls.required_multi_asset_neighbors()).failed
    assert not platform.run(only=LISTED).failed
    [row] = platform.warehouse.ask(f"select * from {DIM_ACCOUNT.address}").to_dicts()
    assert row.pop("first_pulled_at") - settings().now() < timedelta(minutes=1)
    assert row == {
        "provider": "anthropic",
        "account": "default",
        "account_name": ORGANIZATION["name"],
        "provider_account_id": ORGANIZATION["id"],
        "credentials": None,
        "is_configured": False,  # the test passes the client in
        "is_expected": True,
    }


def test_a_provider_that_refuses_every_pull_keeps_no_account_from_being_listed(platform: Platform) -> None:
    """In one run with the pulls, such as one that a person starts."""
    platform.claude.refuses = {"/": 401}
    pulls = dg.AssetSelection.assets("raw/claude_organization", "raw/claude_cost_report")
    outcome = platform.run({DAY: ["100"]}, only=(pulls | LISTED).required_multi_asset_neighbors())
    assert set(outcome.failed) == {"raw__claude_organization", "raw__claude_cost_report_and_totals"}
    assert "core/dim_account" in outcome.materialized


def test_of_the_built_in_providers_it_lists_the_accounts_that_there_are(platform: Platform) -> None:
    of = replace(settings(), simulate=True)
    simulator = Simulator()
    for provider in PROVIDERS:
        found = {row["account"]: row["credentials"].split(", ") for row in rows_of(provider, of, platform.warehouse)}
        there = accounts(provider, of, simulator)
        assert found == {one.name: [kind.removesuffix("_key") for kind in one.credentials] for one in there}


def test_as_of_is_that_of_the_configured_account_that_was_asked_least_recently(platform: Platform) -> None:
    def asked(account: str, hours_ago: int) -> None:
        at = NOW - timedelta(hours=hours_ago)
        answer = Answer("anthropic", DAY, [], 1, {}, asked_at=at, account=account)
        platform.warehouse.append("claude_cost_report", [answer])

    def as_of() -> datetime:
        [(at,)] = platform.warehouse.query("marts/spend_freshness").select("as_of").rows()
        assert isinstance(at, datetime)
        return at

    for account, hours_ago in (("default", 1), ("eu", 30), ("former", 900)):
        asked(account, hours_ago)
    assert as_of() == NOW - timedelta(hours=1), "no account is configured"
    configured = {"default": ("admin_key",), "eu": ("admin_key",)}
    rows = account_rows("anthropic", configured, {"former": NOW}, {})
    columns = {name: [row[name] for row in rows] for name in DIM_ACCOUNT.columns}
    platform.warehouse.replace_all(DIM_ACCOUNT, DIM_ACCOUNT.frame(columns))
    assert as_of() == NOW - timedelta(hours=30)


def test_an_organization_behind_two_accounts_fails_and_names_both(platform: Platform) -> None:
    """One of them may be an earlier account: after a rename it is no longer configured, but its days still count."""
    organization, other = AccountName("org-1", "Example"), AccountName("org-2", None)

    def evaluated(**names: AccountName) -> Finding | None:
        rows = [
            *account_rows("anthropic", {"main": ("admin_key",)}, {"default": NOW, "main": NOW}, names),
            *account_rows("toy", {"main": ("admin_key",)}, {}, {"main": organization}),
        ]
        columns = {name: [row[name] for row in rows] for name in DIM_ACCOUNT.columns}
        platform.warehouse.replace_all(DIM_ACCOUNT, DIM_ACCOUNT.frame(columns))
        finding: Finding | None = organizations_have_one_account.evaluate(platform.warehouse)
        return finding

    different, unknown = evaluated(main=organization, default=other), evaluated(main=organization)
    assert isinstance(different, Result)
    assert isinstance(unknown, Result)
    assert (different.passed, unknown.passed) == (True, True)
    same = evaluated(main=organization, default=organization)
    assert isinstance(same, Result)
    assert (same.status, same.why) == (
        "failed",
        "Days count twice: accounts default and main of anthropic are one organization, Example.",
    )
