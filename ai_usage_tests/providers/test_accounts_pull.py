"""Two Anthropic organizations and two Cursor teams in one warehouse: each account's costs are separate, and an account
that fails does not affect the others.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.commands import as_of_world
from ai_usage.commands.__main__ import main
from ai_usage.commands.coverage import not_pulled
from ai_usage.commands.coverage import pulled as pulled_days
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.sheet.tabs import CONSOLE_FIGURES
from ai_usage.simulator import ADMIN_KEY, CURSOR_KEY, Simulator
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, checks_of, graph, of_others_than, whatever_makes
from ai_usage_tests.printed import printed

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAYS = Span(date(2026, 11, 17), date(2026, 11, 18))
MONEY = whatever_makes("core/claude_costs", "core/claude_daily_cost", "core/cursor_usage_events")
UNASKED = of_others_than("anthropic", "cursor")
SPEND = whatever_makes("marts/ai_spend") - UNASKED
BUILT = (
    whatever_makes("core/claude_daily_cost", "marts/ai_spend", "marts/claude_total_expenses", "marts/claude_parity")
    - UNASKED
)
MARTS = BUILT & dg.AssetSelection.key_prefixes("marts")
RECONCILED = whatever_makes("marts/claude_expenses", "marts/cursor_expenses", "marts/spend_by_scope") - UNASKED
EU = "-eu"


@pytest.fixture(scope="module")
def companies() -> Iterator[dict[str, Simulator]]:
    """Account → its organization and its team."""
    with Simulator(now=NOW) as home, Simulator(seed=8, key_suffix=EU, now=NOW) as europe:
        yield {"default": home, "eu": europe}


def pulled(
    platform: Platform,
    companies: dict[str, Simulator],
    only: dg.AssetSelection = MONEY,
    *,
    is_eu_key_right: bool = True,
) -> Outcome:
    """A run that pulls both accounts of both providers."""
    once = Patience(attempts=1)
    with ExitStack() as opened:
        claude, cursor = [], []
        for account, company in companies.items():
            suffix = "" if account == "default" else EU if is_eu_key_right else "-wrong"
            admin = ClaudeAdmin.open(
                base_url=company.anthropic_url, admin_key=ADMIN_KEY + suffix, patience=once, now=lambda: NOW
            )
            team = CursorAdmin.open(
                base_url=company.cursor_url, key=CURSOR_KEY + suffix, now=lambda: NOW, pace=lambda _: None,
                patience=once,
            )  # fmt: skip
            claude.append(replace(opened.enter_context(closing(admin)), account=account))
            cursor.append(replace(opened.enter_context(closing(team)), account=account))
        return platform.materialize(only, DAYS, claude, cursor_admin=cursor)


def truths(company: Simulator) -> tuple[Decimal, Decimal]:
    """The true charges of Claude and Cursor to a company, from the simulator, in USD."""
    claude = sum((charge.cents for day in DAYS.days for charge in company.day(day).charges), Decimal(0)) / 100
    cursor = sum(
        (event.charged_cents for day in DAYS.days for event in company.cursor_day(day).events if event.is_chargeable),
        Decimal(0),
    )
    return claude, cursor / 100


def sums(platform: Platform, table: str, amount: str, where: str = "true") -> dict[str, Decimal]:
    query = f"select account, sum({amount}) from ai_usage_analytics.{table} where {where} group by account order by 1"
    return dict(platform.sql(query))


@dataclass(frozen=True)
class Made:
    platform: Platform
    outcome: Outcome


@pytest.fixture(scope="module")
def made(_nothing_yet: Platform, companies: dict[str, Simulator], tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Both accounts, pulled and built."""
    platform = _nothing_yet.copy(tmp_path_factory.mktemp("both"))
    outcome = pulled(platform, companies, BUILT | RECONCILED)
    assert not outcome.failed
    return Made(platform, outcome)


@pytest.fixture(scope="module")
def both(made: Made) -> Platform:
    return made.platform


def test_each_accounts_totals_equal_its_own_truth(made: Made, companies: dict[str, Simulator]) -> None:
    platform = made.platform
    lines, console = sums(platform, "claude_costs", "amount_usd"), sums(platform, "claude_daily_cost", "amount_usd")
    events = sums(platform, "cursor_usage_events", "charged_usd", "is_chargeable")
    truth = {account: truths(company) for account, company in companies.items()}
    assert truth["default"] != truth["eu"]
    assert lines == console == {account: claude for account, (claude, _) in truth.items()}
    assert events == {account: cursor for account, (_, cursor) in truth.items()}
    organizations = platform.sql("select distinct account, organization_id from ai_usage_analytics.claude_costs")
    assert dict(organizations) == {account: company.organization.id for account, company in companies.items()}
    noted = made.outcome.noted("raw/cursor_usage_events", DAYS.first)
    assert noted["records"] == noted["records (default)"] + noted["records (eu)"]


def test_one_accounts_401_leaves_the_others_whole_and_is_named(
    both: Platform, companies: dict[str, Simulator], tmp_path: Path
) -> None:
    platform = both.copy(tmp_path)
    before = {account: sums(platform, "claude_costs", "amount_usd")[account] for account in companies}
    platform.sql("delete from ai_usage_raw.pulls where account = 'default'")
    outcome = pulled(platform, companies, is_eu_key_right=False)
    why = outcome.failed["raw__cursor_usage_events"]
    assert why.startswith("Cursor account eu: ")
    assert "401" in why
    assert outcome.failed["raw__claude_cost_report_and_totals"].startswith("Anthropic account eu: ")
    late = {"raw/cursor_usage_events", "raw/claude_cost_report"}  # in Dagster: as old as its last complete pull
    assert not late & outcome.materialized.keys()
    assert platform.warehouse.pulled_days("cursor_usage_events", account="default") == DAYS.days
    built = platform.materialize(MONEY - dg.AssetSelection.key_prefixes("raw"), DAYS, None)
    assert not built.failed
    assert sums(platform, "claude_costs", "amount_usd") == before


def test_the_companys_spend_is_the_sum_of_its_accounts(both: Platform, companies: dict[str, Simulator]) -> None:
    found = both.sql(
        "select account, provider, sum(billed_usd) from ai_usage_analytics.ai_spend "
        "where charge_type != 'subscription' group by all"
    )
    assert {(account, provider): usd for account, provider, usd in found} == {
        (account, provider): usd
        for account, company in companies.items()
        for provider, usd in zip(("anthropic", "cursor"), truths(company), strict=True)
    }


def test_the_bill_of_an_account_without_a_cost_report_is_its_own_and_not_compared(
    both: Platform, tmp_path: Path
) -> None:
    """An Enterprise organization's usage has no workspace, and none of its keys names the organization."""
    group = {"product": "claude_code", "model": "claude-opus-4-5-20251101", "workspace_id": None}
    cost = {"amount": "1250", "list_amount": "1250", "currency": "USD"}
    line = json.dumps({"starting_at": f"{DAYS.first}T00:00:00Z", "group": group, "cost": cost})
    platform = both.copy(tmp_path)
    of_enterprise = Answer("anthropic", DAYS.first, [line.encode()], 1, {}, account="enterprise")
    platform.warehouse.append("claude_analytics_cost", [of_enterprise])
    parity = dg.AssetSelection.assets("marts/claude_parity")
    built = platform.materialize((SPEND | parity) - dg.AssetSelection.key_prefixes("raw"), DAYS, None)
    assert not built.failed
    found = platform.sql(
        "select account, billing_account_id, sum(billed_usd) from ai_usage_analytics.ai_spend "
        "where account = 'enterprise' group by all"
    )
    assert found == [("enterprise", "enterprise", Decimal("12.5"))]
    assert platform.sql("select max(abs(outside_console_usd)) from ai_usage_analytics.claude_parity") == [(0,)]


OF_FIRST_DAY = (
    "select provider, sum(billed_usd) from ai_usage_analytics.ai_spend "
    f"where charge_type != 'subscription' and account = 'eu' and spend_date = '{DAYS.first}' group by provider"
)
ONE_MORE = "update ai_usage_analytics.{table} set {amount} = {amount} + 1 where account = '{account}' and {rows}"
FIRST_LINE = (
    "rowid = (select min(rowid) from ai_usage_analytics.claude_costs as same where same.account = claude_costs.account)"
)


def test_a_day_that_one_accounts_check_blocks_goes_on_for_the_other(
    both: Platform, companies: dict[str, Simulator], tmp_path: Path
) -> None:
    """One line of account eu differs by a dollar from its Console; account default was restated, lines and Console
    alike.
    """
    platform = both.copy(tmp_path)
    before = spent(platform)
    for account in companies:
        platform.sql(ONE_MORE.format(table="claude_costs", amount="amount_usd", account=account, rows=FIRST_LINE))
    [(day,)] = platform.sql(f"select activity_date from ai_usage_analytics.claude_costs where {FIRST_LINE} limit 1")
    of_console = f"activity_date = '{day}'"
    platform.sql(ONE_MORE.format(table="claude_daily_cost", amount="amount_usd", account="default", rows=of_console))
    built = platform.materialize(MARTS, DAYS, None)
    assert not built.failed
    assert built.noted("marts/ai_spend", day)["blocked_by"] == ["anthropic: grouped_lines_equal_console_figure (eu)"]
    assert spent(platform) == before | {("default", "anthropic"): before["default", "anthropic"] + 1}
    totals = {account: usd for (account, provider), usd in spent(platform).items() if provider == "anthropic"}
    assert sums(platform, "claude_total_expenses", "cost_usd") == totals

    platform.sql(ONE_MORE.format(table="claude_daily_cost", amount="amount_usd", account="eu", rows=of_console))
    assert not platform.materialize(MARTS, DAYS, None).failed
    assert spent(platform) == before | {
        (account, "anthropic"): before[account, "anthropic"] + 1 for account in companies
    }


def spent(platform: Platform) -> dict[tuple[str, str], Decimal]:
    """(account, provider) → usage in ai_spend."""
    rows = platform.sql(
        "select account, provider, sum(billed_usd) from ai_usage_analytics.ai_spend "
        "where charge_type != 'subscription' group by all"
    )
    return {(account, provider): usd for account, provider, usd in rows}


def test_an_event_twice_in_one_team_leaves_the_other_teams_day_open(
    both: Platform, companies: dict[str, Simulator], tmp_path: Path
) -> None:
    platform = both.copy(tmp_path)
    before = spent(platform)
    platform.sql(
        "insert into ai_usage_analytics.cursor_usage_events "
        "select * from ai_usage_analytics.cursor_usage_events where account = 'eu' and is_chargeable limit 1"
    )
    platform.sql("update ai_usage_analytics.cursor_usage_events set charged_usd = 0 where account = 'default'")
    assert not platform.materialize(MARTS, DAYS, None).failed
    assert spent(platform) == before | {("default", "cursor"): Decimal(0)}


def test_each_organization_has_a_default_workspace_of_its_own(
    both: Platform, companies: dict[str, Simulator], tmp_path: Path
) -> None:
    """Both report it as null: cost and usage of the two are never allocated together."""
    listed = both.sql("select account, coalesce(workspace_id, 'default') from ai_usage_analytics.dim_workspace")
    charged = both.sql("select distinct account, workspace_id from ai_usage_analytics.claude_attributed_costs")
    assert {account for account, _ in charged} == set(companies)
    assert set(charged) <= set(listed)
    shares = sums(both, "claude_cost_shares", "cost_usd")
    assert shares == sums(both, "claude_costs", "amount_usd")


def test_opposite_differences_of_two_accounts_do_not_cancel(
    both: Platform, companies: dict[str, Simulator], tmp_path: Path
) -> None:
    platform = both.copy(tmp_path)
    for account, more in (("default", 1), ("eu", -1)):
        platform.sql(
            f"update ai_usage_analytics.claude_analytics_costs set amount_usd = amount_usd + {more} where rowid = "
            f"(select min(rowid) from ai_usage_analytics.claude_analytics_costs where account = '{account}' "
            f"and activity_date = '{DAYS.first}')"
        )
    parity = dg.AssetSelection.assets("marts/claude_parity") | checks_of("cost_report_equals_analytics")
    outcome = platform.materialize(parity, DAYS, None)
    assert outcome.not_passed("cost_report_equals_analytics") == {DAYS.first}
    why = outcome.why("cost_report_equals_analytics", DAYS.first, "claude_parity")
    assert "default: Analytics" in why
    assert "eu: Analytics" in why


def test_an_allocation_that_differs_is_softened_only_where_its_account_is_blocked(
    both: Platform, tmp_path: Path
) -> None:
    platform = both.copy(tmp_path)
    [(day,)] = platform.sql(f"select activity_date from ai_usage_analytics.claude_costs where {FIRST_LINE} limit 1")
    platform.sql(ONE_MORE.format(table="claude_costs", amount="amount_usd", account="eu", rows=FIRST_LINE))
    check = checks_of("allocation_loses_nothing")
    lagging = platform.materialize(check, Span(day, day), None)
    assert lagging.evaluation("allocation_loses_nothing", day, "claude_attributed_costs").severity.value == "WARN"
    platform.sql(ONE_MORE.format(table="claude_costs", amount="amount_usd", account="default", rows=FIRST_LINE))
    of_console = f"activity_date = '{day}'"
    platform.sql(ONE_MORE.format(table="claude_daily_cost", amount="amount_usd", account="default", rows=of_console))
    lost = platform.materialize(check, Span(day, day), None)
    assert lost.evaluation("allocation_loses_nothing", day, "claude_attributed_costs").severity.value == "ERROR"


def test_as_of_sums_the_accounts_and_names_the_one_that_was_not_pulled(
    both: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Account eu was pulled for the last day six hours after all others."""
    platform = both.copy(tmp_path)
    is_late = f"account = 'eu' and activity_date = '{DAYS.last}'"
    platform.sql(
        f"update ai_usage_raw.pulls set pulled_at = pulled_at - interval 6 hour where not coalesce({is_late}, false)"
    )
    [[at]] = platform.sql(f"select max(pulled_at) from ai_usage_raw.pulls where not coalesce({is_late}, false)")
    assert not platform.materialize(dg.AssetSelection.assets("core/spend_versions"), DAYS, None).failed
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(platform.warehouse.path.parent))
    reported = (SPEND | dg.AssetSelection.assets("core/spend_versions")).resolve(graph())
    monkeypatch.setattr(as_of_world, "BUILT", [asset for asset in as_of_world.BUILT if asset.keys <= reported])
    assert main(["as_of", at.isoformat(), str(DAYS.first), str(DAYS.last)]) == 0
    output = printed(capsys)
    known = sum(usd for key, usd in spent(platform).items() if key[0] == "default") + sum(
        usd for usd in dict(platform.sql(OF_FIRST_DAY)).values()
    )
    assert f"to the last digit: {known:,.2f}" in output
    for provider in ("anthropic", "cursor"):
        assert f"Not yet pulled then, {provider} account eu: {DAYS.last}" in output
        assert f"Not yet pulled then, {provider}:" not in output
    assert "Blocked then" not in output
    accounts = "select distinct account from ai_usage_analytics.spend_as_of('{}') order by 1"
    assert platform.sql(accounts.format(at.isoformat())) == [("default",), ("eu",)]


def test_an_account_that_lacks_a_day_in_between_is_a_gap(both: Platform, tmp_path: Path) -> None:
    platform = both.copy(tmp_path)
    three = Span(DAYS.first, DAYS.last + ONE_DAY)
    for account in ("default", "eu"):
        empty = Answer("anthropic", three.last, [], 1, {}, account=account)
        platform.warehouse.append("claude_cost_report", [empty])
    assert set(pulled_days(platform.warehouse, three)) == {"anthropic", "cursor"}
    platform.sql(f"delete from ai_usage_raw.pulls where account = 'eu' and activity_date = '{DAYS.last}'")
    known = pulled_days(platform.warehouse, three)
    assert known["anthropic"] == three.days
    assert known["anthropic account eu"] == [three.first, three.last]
    assert known["cursor account eu"] == [three.first]
    take_eu_out(platform, "cursor")
    assert "cursor account eu" not in pulled_days(platform.warehouse, three)  # it ends before that day


SCOPES = "select scope_name, is_complete from ai_usage_analytics.spend_by_scope where spend_date = '{}' and scope in {}"
OF_EU = "account = 'eu' and activity_date = '{}' and pull like 'claude_cost%'"


def completeness(platform: Platform, day: date) -> dict[str, bool]:
    """Completeness of the total and of each provider."""
    return dict(platform.sql(SCOPES.format(day, ("total", "provider"))))


def without_eus_bill_of(platform: Platform, day: date) -> None:
    """Deletes account eu's bill of a day, as if it had never been pulled."""
    platform.sql(f"delete from ai_usage_raw.pulls where {OF_EU.format(day)}")
    for table, column in (("spend_versions", "activity_date"), ("claude_attributed_costs", "expense_date")):
        platform.sql(f"delete from ai_usage_analytics.{table} where account = 'eu' and {column} = '{day}'")
    platform.sql(f"delete from ai_usage_analytics.ai_spend where account = 'eu' and spend_date = '{day}'")


def take_eu_out(platform: Platform, provider: str = "anthropic") -> None:
    """Removes account eu from the settings."""
    platform.sql("delete from ai_usage_analytics.dim_account where account = 'eu'")
    platform.sql(
        "insert into ai_usage_analytics.dim_account by name "
        f"select '{provider}' as provider, 'eu' as account, false as is_configured, false as is_expected"
    )


def test_a_day_that_one_account_lacks_is_not_complete_and_the_account_is_named(both: Platform, tmp_path: Path) -> None:
    platform = both.copy(tmp_path)
    scopes = dg.AssetSelection.assets("marts/spend_by_scope", "core/spend_versions")
    assert not platform.materialize(scopes, DAYS, None).failed
    assert completeness(platform, DAYS.last) == {"all": True, "anthropic": True, "cursor": True}
    without_eus_bill_of(platform, DAYS.last)
    assert not platform.materialize(dg.AssetSelection.assets("marts/spend_by_scope"), DAYS, None).failed
    assert completeness(platform, DAYS.first) == {"all": True, "anthropic": True, "cursor": True}
    assert completeness(platform, DAYS.last) == {"all": False, "anthropic": False, "cursor": True}
    assert not_pulled(platform.warehouse, platform.warehouse, DAYS)["anthropic", "eu"] == [DAYS.last]

    take_eu_out(platform)
    assert not platform.materialize(dg.AssetSelection.assets("marts/spend_by_scope"), DAYS, None).failed
    assert completeness(platform, DAYS.last) == {"all": True, "anthropic": True, "cursor": True}
    assert not_pulled(platform.warehouse, platform.warehouse, DAYS)["anthropic", "eu"] == []


def test_a_first_bill_that_cannot_be_read_is_no_day_of_nothing(both: Platform, tmp_path: Path) -> None:
    platform = both.copy(tmp_path)
    scopes = dg.AssetSelection.assets("marts/spend_by_scope")
    assert not platform.materialize(scopes | dg.AssetSelection.assets("core/spend_versions"), DAYS, None).failed
    platform.sql(
        "insert into ai_usage_analytics.record_rejections by name select 'anthropic' as provider, pull, account, "
        "activity_date, 0 as position, 'amount' as field, 'no amount' as reason, records_pull_id as pull_id, "
        f"pulled_at as ingestion_timestamp from ai_usage_raw.pulls where activity_date = '{DAYS.first}' "
        "and pull = 'claude_cost_report'"
    )
    for table, column in (("spend_versions", "activity_date"), ("ai_spend", "spend_date")):
        platform.sql(
            f"delete from ai_usage_analytics.{table} where provider = 'anthropic' and {column} = '{DAYS.first}'"
        )
    assert not platform.materialize(scopes, DAYS, None).failed
    found = completeness(platform, DAYS.first)
    assert (found["all"], found.get("anthropic", False), found["cursor"]) == (False, False, True)


def test_a_day_is_final_when_each_configured_account_was_asked_late_enough(both: Platform, tmp_path: Path) -> None:
    platform = both.copy(tmp_path)
    of_anthropic = f"provider = 'anthropic' and activity_date = '{DAYS.last}'"
    status = f"select status from ai_usage_analytics.settled_days where {of_anthropic}"
    later = "asked_at = null, pulled_at = pulled_at + interval 60 day"
    platform.sql(f"update ai_usage_raw.pulls set {later} where account = 'default'")
    assert platform.sql(status) == [("provisional",)], "eu was not asked again"
    without_eus_bill_of(platform, DAYS.last)
    assert platform.sql(status) == [("provisional",)], "eu was never asked about the day"
    take_eu_out(platform)
    assert platform.sql(status) == [("final",)]


FIGURES = "console_figures_match"
PERIOD = [str(DAYS.first), str(DAYS.last + ONE_DAY)]
OF_DEFAULT_WORKSPACE = (
    "select account, sum(amount_usd) from ai_usage_analytics.claude_costs where workspace_id is null "
    "or workspace_id in (select workspace_id from ai_usage_analytics.dim_workspace where is_default) group by account"
)


def shown(platform: Platform, *figures: list[str]) -> Outcome:
    """The check's result with these rows in the sheet: provider, account, workspace_id, amount_usd."""
    header = ["provider", "account", "workspace_id", "amount_usd", "period_start", "period_end"]
    records = [json.dumps(row).encode() for row in (header, *([*figure, *PERIOD] for figure in figures))]
    platform.warehouse.append(CONSOLE_FIGURES.pull, [Answer("google", None, records, 1, {}, is_ordered=True)])
    assert not platform.materialize(
        dg.AssetSelection.assets("core/console_figures").without_checks(), None, None
    ).failed
    return platform.check(FIGURES)


def test_a_figure_with_an_account_is_compared_with_that_account(
    both: Platform, companies: dict[str, Simulator], tmp_path: Path
) -> None:
    platform = both.copy(tmp_path)
    of_providers = {
        account: dict(zip(("anthropic", "cursor"), truths(of), strict=True)) for account, of in companies.items()
    }
    of_accounts = [
        [provider, account, "", f"{usd:.2f}"] for account, own in of_providers.items() for provider, usd in own.items()
    ]
    of_all = [
        [provider, "", "", f"{sum(own[provider] for own in of_providers.values()):.2f}"]
        for provider in ("anthropic", "cursor")
    ]
    defaults = dict(platform.sql(OF_DEFAULT_WORKSPACE))
    assert set(defaults) == set(companies)
    of_defaults = [["anthropic", account, "default", f"{usd:.2f}"] for account, usd in defaults.items()]
    of_both_defaults = ["anthropic", "", "default", f"{sum(defaults.values()):.2f}"]
    outcome = shown(platform, *of_accounts, *of_all, *of_defaults, of_both_defaults)
    assert outcome.not_passed(FIGURES) == set()
    assert "9 figures match" in outcome.why(FIGURES, None, "month_close")

    [home, _, europe, *_] = of_accounts
    outcome = shown(platform, [*home[:3], europe[3]], ["anthropic", "eu", "default", europe[3]])
    assert outcome.not_passed(FIGURES) == {None}
    why = outcome.why(FIGURES, None, "month_close")
    assert "2 of 2 figures differ: anthropic account " in why
    assert f"anthropic account default {DAYS} the lines add up to {Decimal(home[3]):,.2f} USD" in why
    assert f"anthropic account eu {DAYS}, workspace" in why

    outcome = shown(platform, ["anthropic", "europe", "", "1"])
    assert "anthropic account europe" in outcome.why(FIGURES, None, "month_close")
    assert "no bill of this account was ever pulled" in outcome.why(FIGURES, None, "month_close")


def test_figures_of_two_accounts_do_not_overlap_and_two_of_one_do(both: Platform, tmp_path: Path) -> None:
    platform, check = both.copy(tmp_path), "console_figures_have_no_overlap"
    shown(platform, ["anthropic", "", "", "5"], ["anthropic", "default", "", "3"], ["anthropic", "eu", "", "2"])
    assert platform.check(check).not_passed(check) == set()
    platform.sql("update ai_usage_analytics.console_figures set account = 'eu' where account = 'default'")
    assert platform.check(check).not_passed(check) == {None}


def test_a_figure_of_an_account_may_include_that_accounts_seats(
    both: Platform, companies: dict[str, Simulator], tmp_path: Path
) -> None:
    platform = both.copy(tmp_path)
    platform.sql(
        "insert into ai_usage_analytics.ai_spend select * replace ('subscription' as charge_type, 40 as billed_usd) "
        "from ai_usage_analytics.ai_spend where provider = 'cursor' and account = 'eu' limit 1"
    )
    usage = {account: truths(company)[1] for account, company in companies.items()}
    outcome = shown(platform, *(["cursor", account, "", f"{usd + 40:.2f}"] for account, usd in usage.items()))
    why = outcome.why(FIGURES, None, "month_close")
    assert f"1 of 2 figures differ: cursor account default {DAYS} the lines add up to" in why
    assert f"With seats: cursor account eu {DAYS}, {usage['eu']:,.2f} USD of usage and 40.00 of seats." in why


def test_a_day_that_an_account_restated_explains_its_figure(
    both: Platform, companies: dict[str, Simulator], tmp_path: Path
) -> None:
    platform = both.copy(tmp_path)
    shown(platform, ["cursor", "eu", "", f"{truths(companies['eu'])[1]:.2f}"])
    platform.warehouse.append("cursor_usage_events", [Answer("cursor", DAYS.last, [], 1, {}, account="eu")])
    assert not platform.materialize(RECONCILED - dg.AssetSelection.key_prefixes("raw"), DAYS, None).failed
    outcome = platform.check(FIGURES)
    assert outcome.evaluation(FIGURES, None, "month_close").severity.value == "WARN"
    assert f"cursor account eu {DAYS}: restated since the sheet has it" in outcome.why(FIGURES, None, "month_close")
