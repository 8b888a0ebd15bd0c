"""Each check of owners, people and the sheet fails once; and the sheet is read end to end, from cells to owners."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.checks.owners import evaluate_owners
from ai_usage.checks.registry import CHECKS
from ai_usage.commands.sheet_template import write_template
from ai_usage.core.people import Person, person_rows
from ai_usage.core.person_accounts import account_rows
from ai_usage.partitions import Span
from ai_usage.providers.directory import Member, Placement, Stamp
from ai_usage.settings import settings
from ai_usage.sheet.client import GoogleSheet
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage.simulator import SHEET_ID, Simulator
from ai_usage.simulator.sheet_people import UNKNOWN_KEY
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.built_in import built_in
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, platform_in

SPAN = Span(date(2026, 11, 17), date(2026, 11, 19))
KEYS, FIGURES = "ai_usage_analytics.dim_api_key_mapping", "ai_usage_analytics.console_figures"

OWNERS = "every_key_has_an_owner"
AMBIGUOUS = "mapping_is_unambiguous"
KNOWN = "emails_are_known_people"
SEEN = "mapped_keys_are_known"
OVERLAP = "console_figures_have_no_overlap"
VALID = "sheet_rows_are_valid"

Refreshed = tuple[Platform, Simulator]
CORE = dg.AssetSelection.groups("core").upstream().without_checks()


@pytest.fixture(scope="module")
def google() -> Iterator[Simulator]:
    with Simulator(now=settings().now) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory, google: Simulator) -> Platform:
    platform = platform_in(tmp_path_factory.mktemp("sheet"))
    outcome = refreshed(platform, google)
    assert outcome.result.success, outcome.failed
    return platform


@pytest.fixture
def good(past: Platform, tmp_path: Path) -> Platform:
    return past.copy(tmp_path)


def refreshed(platform: Platform, google: Simulator, selection: dg.AssetSelection | None = None) -> Outcome:
    """The providers and the sheet, pulled and built."""
    with (
        built_in(settings(), "anthropic", "cursor") as (claude, cursor, _),
        closing(GoogleSheet.open(SHEET_ID, base_url=google.google_url, is_simulated=True)) as sheet,
    ):
        return platform.materialize(selection or CORE, SPAN, claude, cursor, sheet=sheet)


def evaluated(platform: Platform, check_name: str, *, is_configured: bool = True) -> Outcome:
    keys = [check.key for check in CHECKS if check.name == check_name]
    claude, sheet = (platform.claude.admin(), object()) if is_configured else (None, None)
    return platform.materialize(dg.AssetSelection.checks(*keys), SPAN, claude, sheet=sheet)


def sentence(outcome: Outcome, check_name: str, table: str, day: date | None = None) -> str:
    return outcome.why(check_name, day, table)


def test_the_sheet_gives_exactly_the_right_owners_and_exactly_the_right_rejections(
    past: Platform, google: Simulator
) -> None:
    owners = {
        row.values["api_key_id"]: row.values["user_email"] for row in google.sheet.good if row.tab == "api_key_mapping"
    }
    mapped = past.sql(f"select api_key_id, user_email from {KEYS} where mapped_by = 'sheet'")
    assert dict(mapped) == owners
    assert len(mapped) == len(owners) > 30
    rejected = past.sql("select tab, row_number from ai_usage_analytics.sheet_rejections")
    assert sorted(rejected) == sorted((row.tab, row.row) for row in google.sheet.bad)
    makers = past.sql(f"select count(user_email) from {KEYS} where mapped_by = 'key_creator'")
    unattributed = past.sql(f"select count(user_email), count(*) from {KEYS} where mapped_by = 'none'")
    assert makers[0][0] > 0
    assert unattributed[0][0] == 0
    assert unattributed[0][1] > 0


def test_figures_budgets_and_seats_are_what_was_meant(past: Platform, google: Simulator) -> None:
    for tab in ("console_figures", "budgets", "seats"):
        rows = past.sql(f"select row_number from ai_usage_analytics.{tab} order by 1")
        assert [row for (row,) in rows] == sorted(row.row for row in google.sheet.good if row.tab == tab)
    [(usd,)] = past.sql(f"select sum(amount_usd) from {FIGURES} where provider = 'anthropic' and workspace_id is null")
    figures = [row.values for row in google.sheet.good if row.tab == "console_figures"]
    of_all = [row for row in figures if row["provider"] == "anthropic" and not row.get("workspace_id")]
    assert usd == sum((Decimal(str(row["amount_usd"])) for row in of_all), Decimal())


def test_an_edited_owner_is_the_owner_and_the_ledger_keeps_the_one_before(good: Platform, tmp_path: Path) -> None:
    with Simulator(now=settings().now) as google:
        google.sheet.set("api_key_mapping", 2, "user_email", " New.Owner@Example.COM")
        key = google.sheet.tab("api_key_mapping").rows[1][0]
        good.warehouse.now = lambda: settings().now() + timedelta(days=1)
        tabs = dg.AssetSelection.assets(dg.AssetKey(["raw", "sheet_api_key_mapping"])).downstream()
        assert refreshed(good, google, tabs).result.success
    rows = good.sql(
        f"select user_email, valid_from, valid_to from {KEYS} where api_key_id = '{key}' order by 2 nulls first"
    )
    today = settings().now().date() + timedelta(days=1)
    assert rows[1:] == [("new.owner@example.com", today, None)]
    assert rows[0][1:] == (None, today)
    assert evaluated(good, KNOWN).not_passed(KNOWN) == {None}  # no provider has a New Owner
    assert "new.owner@example.com" in sentence(evaluated(good, KNOWN), KNOWN, "dim_person")


def test_hostile_words_are_data(past: Platform) -> None:
    words = past.sql(f"select description from {KEYS} where description like '%<script>%' or description like '=%'")
    words += past.sql("select note from ai_usage_analytics.console_figures where note like '%<script>%'")
    assert len(words) >= 2


def test_a_day_with_too_much_unowned_spend_fails_and_names_the_keys(good: Platform) -> None:
    assert evaluated(good, OWNERS).not_passed(OWNERS) == set()
    good.sql(f"update {KEYS} set mapped_by = 'none', user_email = null where status = 'active'")
    outcome = evaluated(good, OWNERS)
    assert outcome.not_passed(OWNERS) == set(SPAN.days)
    assert "Unowned: " in sentence(outcome, OWNERS, "dim_api_key_mapping", SPAN.first)
    good.sql(f"delete from {KEYS}")
    assert evaluated(good, OWNERS).not_passed(OWNERS) == set(SPAN.days)


def test_shares_are_by_money_and_by_tokens() -> None:
    keys: list[dict[str, Any]] = [
        {
            "provider": "anthropic",
            "api_key_id": "a",
            "api_key_name": "a",
            "mapped_by": "sheet",
            "tokens": 95,
            "usd": 50.0,
        },
        {
            "provider": "anthropic",
            "api_key_id": "b",
            "api_key_name": None,
            "mapped_by": "none",
            "tokens": 5,
            "usd": 50.0,
        },
    ]
    evaluation = evaluate_owners(keys, Decimal("0.9"))
    assert not evaluation.passed
    assert evaluation.why == (
        "50.0% of API-key spend and 95.0% of their tokens have an owner (threshold 90%). Unowned: b (50.00 USD)."
    )
    assert evaluate_owners(keys, Decimal("0.5")).passed
    assert evaluate_owners([{**keys[0]}], Decimal(1)).passed
    elsewhere = [{**key, "provider": "openai"} for key in keys]
    both = evaluate_owners([keys[0], *elsewhere], Decimal("0.9"))
    assert not both.passed, "an owned key of one provider does not make up for an unowned one of another"
    assert both.why == f"OpenAI: {evaluation.why}"
    assert evaluate_owners([keys[0], elsewhere[0]], Decimal(1)).passed


def mended(platform: Platform, tab: str) -> None:
    """The tab without its bad rows, as if a person had removed them."""
    newest = platform.warehouse.newest(f"sheet_{tab}", None)
    bad = {
        row
        for (row,) in platform.sql(f"select row_number from ai_usage_analytics.sheet_rejections where tab = '{tab}'")
    }
    records = [text.encode() for n, text in enumerate(newest.lines["record"], 1) if n not in bad]
    platform.warehouse.append(
        f"sheet_{tab}", [Answer("google_sheets", None, records, 1, {}, is_simulated=True, is_ordered=True)]
    )
    platform.sql(f"delete from ai_usage_analytics.sheet_rejections where tab = '{tab}'")


def test_a_key_with_two_owners_is_reported_by_row_and_by_day(good: Platform) -> None:
    outcome = evaluated(good, AMBIGUOUS)
    assert outcome.not_passed(AMBIGUOUS) == {None}  # the built-in sheet has such a pair
    assert outcome.evaluation(AMBIGUOUS, None, "dim_api_key_mapping").severity == dg.AssetCheckSeverity.WARN
    mended(good, "api_key_mapping")
    assert evaluated(good, AMBIGUOUS).not_passed(AMBIGUOUS) == set()
    good.sql(
        f"insert into {KEYS} select * replace ('other@example.com' as user_email, '2026-11-01'::date as valid_from) "
        f"from {KEYS} where mapped_by = 'sheet' limit 1"
    )
    harmed = evaluated(good, AMBIGUOUS)
    assert harmed.evaluation(AMBIGUOUS, None, "dim_api_key_mapping").severity == dg.AssetCheckSeverity.ERROR
    good.sql(f"delete from {KEYS}")
    assert "build it" in sentence(evaluated(good, AMBIGUOUS), AMBIGUOUS, "dim_api_key_mapping")


def test_a_key_that_appears_nowhere_is_named_and_keeps_its_owner(good: Platform) -> None:
    """Case 20: an id that is in no list, usage or cost may be a typing error; it is kept with a warning."""
    outcome = evaluated(good, SEEN)
    assert outcome.not_passed(SEEN) == {None}
    assert outcome.evaluation(SEEN, None, "dim_api_key_mapping").severity == dg.AssetCheckSeverity.WARN
    assert f"{UNKNOWN_KEY} (old-bot)" in sentence(outcome, SEEN, "dim_api_key_mapping")
    assert good.sql(f"select count(user_email) from {KEYS} where api_key_id = '{UNKNOWN_KEY}'") == [(1,)]
    good.sql(f"update {KEYS} set provider = 'google' where api_key_id = '{UNKNOWN_KEY}'")
    assert (
        evaluated(good, SEEN).not_passed(SEEN) == set()
    )  # that provider's list of keys was not pulled, so its keys are unknown
    good.sql(f"update {KEYS} set provider = 'anthropic' where api_key_id = '{UNKNOWN_KEY}'")
    used = f"insert into ai_usage_analytics.claude_usage_tokens select * replace ('{UNKNOWN_KEY}' as api_key_id)"
    good.sql(f"{used} from ai_usage_analytics.claude_usage_tokens limit 1")
    assert evaluated(good, SEEN).not_passed(SEEN) == set()


def test_an_address_that_no_provider_has_is_named_unless_it_is_an_alias(good: Platform) -> None:
    assert evaluated(good, KNOWN).not_passed(KNOWN) == set()
    stranger = (
        "'stranger@example.com' as user_email, '{}' as person_email, true as is_in_sheet, 'p' as pull_id, "
        "now() as ingestion_timestamp"
    )
    [(known,)] = good.sql("select min(user_email) from ai_usage_analytics.dim_person where user_name is not null")
    good.sql(f"insert into ai_usage_analytics.dim_person by name select {stranger.format(known)}")
    assert evaluated(good, KNOWN).not_passed(KNOWN) == set()
    good.sql("update ai_usage_analytics.dim_person set person_email = user_email")
    assert evaluated(good, KNOWN).not_passed(KNOWN) == {None}


def test_figures_with_overlapping_periods_are_named_by_their_rows(good: Platform) -> None:
    assert evaluated(good, OVERLAP).not_passed(OVERLAP) == set()
    good.sql(f"insert into {FIGURES} select * replace (99 as row_number) from {FIGURES} where row_number = 2")
    outcome = evaluated(good, OVERLAP)
    assert outcome.not_passed(OVERLAP) == {None}
    assert "rows 2 and 99" in sentence(outcome, OVERLAP, "console_figures")


def test_rejected_rows_are_named_until_they_are_corrected(good: Platform) -> None:
    outcome = evaluated(good, VALID)
    assert outcome.not_passed(VALID) == {None}
    assert "api_key_mapping row 9, api_key_id contradicts row 51" in sentence(outcome, VALID, "sheet_rejections")
    for tab in ("api_key_mapping", "claude_ai_usage", "console_figures", "budgets", "seats", "invoices"):
        mended(good, tab)
    assert evaluated(good, VALID).not_passed(VALID) == set()


def test_the_check_does_not_pass_where_core_lacks_the_rejections(good: Platform) -> None:
    good.sql("delete from ai_usage_analytics.sheet_rejections")
    assert "has 0 of the sheet's 12 rejections" in sentence(evaluated(good, VALID), VALID, "sheet_rejections")
    good.sql("delete from ai_usage_analytics.dim_person")
    assert evaluated(good, KNOWN).not_passed(KNOWN) == {None}


@pytest.mark.parametrize("check_name", [AMBIGUOUS, KNOWN, OVERLAP, VALID])
def test_a_sheet_never_read_is_not_evaluated_nor_is_one_not_configured(platform: Platform, check_name: str) -> None:
    assert "was never pulled" in evaluated(platform, check_name).not_evaluated(check_name)[None]
    assert "Not configured" in evaluated(platform, check_name, is_configured=False).not_evaluated(check_name)[None]


def test_a_person_is_one_across_providers_and_aliases(platform: Platform) -> None:
    """Two members with two addresses, and an alias that joins them."""
    at = settings().now()
    people = {
        "ada@example.com": Person(names=["Ada"], stamp=Stamp("p", at)),
        "ada.l@example.com": Person(is_in_sheet=True, stamp=Stamp("q", at)),
    }
    people["ada.l@example.com"].teams.update(["Data", "Web", "Data"])
    rows = person_rows(people, {"ada.l@example.com": "ada@example.com"})
    assert {row["person_email"] for row in rows} == {"ada@example.com"}
    assert all(row["is_in_sheet"] for row in rows)
    assert {(row["user_name"], row["team_name"]) for row in rows} == {("Ada", "Data")}
    assert json.dumps([row["user_email"] for row in rows]) == '["ada.l@example.com", "ada@example.com"]'


def test_a_user_of_an_account_is_one_person_by_whatever_address() -> None:
    stamp = Stamp("p", settings().now())
    users = [
        Member("default", "user_1", "ada@example.com", "Ada", is_member=True, stamp=stamp),
        Member("default", "user_2", "ada.l@example.com", None, is_member=False, stamp=stamp),
        Member("default", "user_1", "ada@example.com", "Ada", is_member=False, stamp=stamp),
    ]
    rows = account_rows("acme", users, {"ada.l@example.com": "ada@example.com"})
    names = ("person_email", "provider", "account", "account_user_id", "user_email", "is_member")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("ada@example.com", "acme", "default", "user_1", "ada@example.com", True),
        ("ada@example.com", "acme", "default", "user_2", "ada.l@example.com", False),
    ]


def test_each_provider_s_members_are_those_it_lists(past: Platform) -> None:
    listed = past.sql(
        "select provider, is_member, count(*) from ai_usage_analytics.dim_person_account group by all order by all"
    )
    [(users,)] = past.sql("select count(*) from ai_usage_raw.claude_users")
    members = past.sql(
        "select is_removed, count(*) from ai_usage_analytics.dim_cursor_member "
        "where user_email is not null group by all order by all"
    )
    [(_, current), (_, removed)] = members
    assert listed == [("anthropic", True, users), ("cursor", False, removed), ("cursor", True, current)]


def test_a_team_is_the_sheets_and_else_the_billing_groups(past: Platform) -> None:
    """In the simulated company Web and Mobile are billed as Apps. A person whom the sheet assigns to a team stays
    there.
    """
    found = past.sql(
        "select team_source, team_name, count(*) from ai_usage_analytics.dim_person "
        "where team_name is not null group by all"
    )
    groups = {team: people for source, team, people in found if source == "cursor_groups"}
    assert groups.keys() == {"Apps", "Data", "Platform"}
    assert groups["Apps"] > 5
    assert {source for source, *_ in found} == {"cursor_groups", "sheet_api_key_mapping"}
    [(owners,)] = past.sql(
        "select count(*) from ai_usage_analytics.dim_person where team_source = 'cursor_groups' and user_email in "
        f"(select user_email from {KEYS} where mapped_by = 'sheet' and valid_to is null and team_name is not null)"
    )
    assert owners == 0


def test_the_tab_people_goes_before_keys_and_groups_for_name_and_team(platform: Platform) -> None:
    at = settings().now()
    row = {"name": "Ada Lovelace", "team_name": "Research", "cost_center": "4711", "manager_email": "bo@example.com"}
    apps = Placement("ada@example.com", "Apps", "cursor_groups", Stamp("p", at))
    people = {
        "ada@example.com": Person(names=["Ada"], row=row, placement=apps, stamp=Stamp("p", at)),
        "grace@example.com": Person(placement=apps, row={**row, "name": None, "team_name": None}, stamp=Stamp("p", at)),
        "mary@example.com": Person(names=["Mary"], stamp=Stamp("p", at)),
    }
    people["ada@example.com"].teams.update(["Data"])
    found = {
        row["user_email"]: [row[name] for name in ("user_name", "team_name", "team_source", "cost_center")]
        for row in person_rows(people, {})
    }
    assert found == {
        "ada@example.com": ["Ada Lovelace", "Research", "sheet_people", "4711"],
        "grace@example.com": [None, "Apps", "cursor_groups", "4711"],
        "mary@example.com": ["Mary", None, None, None],
    }


def test_a_folder_of_files_is_a_sheet_too(platform: Platform, tmp_path: Path, google: Simulator) -> None:
    write_template(tmp_path / "tabs")
    everything = dg.AssetSelection.groups("raw_sheets").downstream()
    outcome = platform.materialize(everything, SPAN, None, sheet=CsvFolder(tmp_path / "tabs"))
    assert outcome.result.success
    owner: Any = platform.sql(f"select user_email, mapped_by, valid_from from {KEYS}")
    assert owner == [("ada@example.com", "sheet", None)]
    names = "user_name, team_name, team_source, cost_center, manager_email"
    [ada] = platform.sql(f"select {names} from ai_usage_analytics.dim_person where user_email = 'ada@example.com'")
    assert ada == ("Ada Lovelace", "Data", "sheet_people", "4711", "grace@example.com")


def test_the_api_goes_before_the_sheet_and_the_sheet_fills_what_it_leaves(good: Platform, google: Simulator) -> None:
    usage = "ai_usage_analytics.claude_usage_stats"
    assert good.sql(f"select distinct source from {usage}") == [("enterprise_api",)]
    rows = [row.values for row in google.sheet.good if row.tab == "claude_ai_usage"]
    day = SPAN.last
    of_day = {row["user_email"] for row in rows if row["activity_date"] == day}
    assert of_day
    good.sql(f"delete from ai_usage_raw.pulls where pull = 'claude_enterprise_users' and activity_date = '{day}'")
    built = dg.AssetSelection.assets(dg.AssetKey(["core", "claude_usage_stats"])).without_checks()
    assert good.materialize(built, SPAN, None, sheet=object()).result.success
    found = good.sql(f"select user_email, source from {usage} where activity_date = '{day}'")
    assert set(found) == {(email, "sheet") for email in of_day}
