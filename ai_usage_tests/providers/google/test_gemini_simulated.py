"""Days of the built-in company: core equals its true figures, and each check that Google's usage can fail fails."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.accounts import Account
from ai_usage.check import NotEvaluated
from ai_usage.checks.registry import CHECKS
from ai_usage.ingest.http.errors import IncompleteAnswer
from ai_usage.ingest.http.retry import Patience
from ai_usage.partitions import Span
from ai_usage.providers.google import assets, pulls, usage_assets, usage_pulls
from ai_usage.providers.google.checks.licenses import SQL, evaluate_seats
from ai_usage.providers.google.client import GoogleCloud
from ai_usage.providers.google.resource import open_client
from ai_usage.settings import settings
from ai_usage.simulator import GoogleOffer, Simulator
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform, platform_in

DAY = date(2026, 11, 10)
DAYS = Span(DAY, DAY + timedelta(days=2))
A = "ai_usage_analytics"
ALL = dg.AssetSelection.assets(*pulls.ASSETS, *usage_pulls.ASSETS, *assets.ASSETS, *usage_assets.ASSETS)

TWINS = "gemini_twin_series_agree"
BILL = "gemini_metrics_match_bill"
READ = "gemini_projects_can_be_read"
LOGGED = "code_assist_logging_is_on"
SEATS = "licenses_match_billed_seats"
NAMES = (TWINS, BILL, READ, LOGGED, SEATS)


@contextmanager
def company(offer: GoogleOffer | None = None) -> Iterator[tuple[Simulator, GoogleCloud]]:
    with Simulator(now=settings().now(), google=offer) as simulator:
        [of] = simulator.accounts["google"]
        account = Account("google", of.name, of.credentials, of.base_url, dict(of.options), is_simulated=True)
        client = open_client(account, settings(), Patience(attempts=1))
        yield simulator, client
        client.close()


def run(platform: Platform, cloud: GoogleCloud, span: Span = DAYS) -> Outcome:
    keys = [check.key for check in CHECKS if check.name in NAMES]
    return platform.materialize(
        ALL.without_checks() | dg.AssetSelection.checks(*keys), span, None, google_cloud=[cloud]
    )


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, Simulator, Outcome]]:
    """The three days, with each check evaluated."""
    platform = platform_in(tmp_path_factory.mktemp("gemini"))
    with company() as (simulator, cloud):
        yield platform, simulator, run(platform, cloud)


@pytest.fixture
def good(lived: tuple[Platform, Simulator, Outcome], tmp_path: Path) -> Platform:
    return lived[0].copy(tmp_path)


def evaluated(platform: Platform, name: str, span: Span | None = DAYS) -> Outcome:
    keys = [check.key for check in CHECKS if check.name == name]
    with company() as (_, cloud):
        return platform.materialize(dg.AssetSelection.checks(*keys), span, None, google_cloud=[cloud])


def test_tokens_of_each_model_are_those_that_google_counted(lived: tuple[Platform, Simulator, Outcome]) -> None:
    platform, simulator, outcome = lived
    assert outcome.result.success
    truth: Counter[tuple[date, str, str, str]] = Counter()
    for day in DAYS.days:
        for use in simulator.google_day(day).uses:
            of = (day, use.project_id, "gemini_api" if use.api == "gemini" else "vertex_ai")
            truth[*of, "input_tokens"] += use.counted("input", "cached")
            truth[*of, "output_tokens"] += use.counted("output", "thinking")
    counted = platform.sql(
        f"select activity_date, project_id, platform, meter, sum(quantity) from {A}.gemini_usage "
        "where meter like '%_tokens' group by all"
    )
    assert {tuple(row[:4]): row[4] for row in counted} == truth
    assert len({project for _, project, *_ in truth}) > 2


def test_requests_are_counted_by_key_and_errors_by_status(lived: tuple[Platform, Simulator, Outcome]) -> None:
    platform, simulator, _ = lived
    uses = [use for day in DAYS.days for use in simulator.google_day(day).uses]
    found = platform.sql(
        f"select is_error, sum(quantity), count(distinct api_key_id) > 1 from {A}.gemini_usage "
        "where meter = 'requests' group by 1 order by 1"
    )
    assert [row[:2] for row in found] == [
        (False, sum(use.requests for use in uses)),
        (True, sum(use.failed + use.broken for use in uses)),
    ]
    assert found[0][2]


def test_accepted_lines_of_each_person_are_the_largest_counts(lived: tuple[Platform, Simulator, Outcome]) -> None:
    platform, simulator, _ = lived
    days = {day: simulator.google_day(day) for day in DAYS.days}
    people = {one.email.lower() for of in days.values() for one in of.activities}
    truth = {(day, who): of.accepted_lines(who) for day, of in days.items() for who in people}
    found = platform.sql(
        f"select activity_date, user_email, code_lines_accepted + chat_lines_accepted from {A}.gemini_code_assist_stats"
    )
    assert found
    assert {(day, who): lines for day, who, lines in found if lines} == {of: n for of, n in truth.items() if n}
    prompts = platform.sql("select count(*) from ai_usage_raw.gemini_code_assist_log where record like '%prompt%'")
    assert prompts == [(0,)]


def test_licenses_are_the_companys_with_those_that_nobody_has(lived: tuple[Platform, Simulator, Outcome]) -> None:
    platform, simulator, _ = lived
    now = settings().now()
    seats = simulator.google_company.seats(now)
    named = sorted(one.email.lower() for one in simulator.google_company.licensed if one.has_license(now))
    assert platform.sql(f"select sum(license_count), max(order_licenses) from {A}.gemini_licenses") == [(seats, seats)]
    people = platform.sql(f"select user_email from {A}.gemini_licenses where is_assigned order by 1")
    assert [who for (who,) in people] == named


def test_right_days_pass(lived: tuple[Platform, Simulator, Outcome]) -> None:
    _, _, outcome = lived
    assert {name for name, _ in outcome.evaluations} >= {TWINS, BILL, READ, LOGGED}
    assert outcome.checks_not_passed() == set()


def test_twins_that_differ_fail(tmp_path: Path) -> None:
    platform = platform_in(tmp_path)
    with company(GoogleOffer(twins_disagree=True)) as (_, cloud):
        outcome = run(platform, cloud, Span(DAY, DAY))
    assert outcome.not_passed(TWINS) == {DAY}
    assert "have two series that differ, of which one counts" in outcome.why(TWINS, DAY, "gemini_usage")


def test_a_project_that_refuses_is_one_warning_and_the_others_are_there(tmp_path: Path) -> None:
    platform = platform_in(tmp_path)
    with company() as (simulator, _):
        denied = min(use.project_id for use in simulator.google_day(DAY).uses)
    with company(GoogleOffer(denies=frozenset({denied}))) as (_, cloud):
        outcome = run(platform, replace(cloud, table=""), Span(DAY, DAY))
    assert outcome.not_passed(READ) == {None}
    assert f"project {denied} of account default (gemini_metrics)" in outcome.why(READ, None, "gemini_usage")
    [(projects, is_there)] = platform.sql(
        f"select count(distinct project_id), bool_or(project_id = '{denied}') from {A}.gemini_usage"
    )
    assert projects > 1
    assert not is_there


def test_projects_that_log_nothing_are_named(tmp_path: Path) -> None:
    platform = platform_in(tmp_path)
    with company(GoogleOffer(logs=False)) as (_, cloud):
        outcome = run(platform, replace(cloud, table=""), Span(DAY, DAY))
    assert outcome.not_passed(LOGGED) == {DAY}
    assert "Switch metadata logging" in outcome.why(LOGGED, DAY, "gemini_code_assist_stats")


def test_tokens_far_from_billed_quantities_are_named_and_small_ones_are_not(good: Platform) -> None:
    of = f"{A}.gemini_usage where activity_date = '{DAY}' and meter = 'input_tokens'"
    [(project, most)] = good.sql(f"select project_id, sum(quantity) from {of} group by 1 order by 2 desc limit 1")
    assert most > 200_000
    good.sql(f"update {A}.gemini_usage set quantity = quantity * 2 where activity_date = '{DAY}'")
    outcome = evaluated(good, BILL)
    assert outcome.not_passed(BILL) == {DAY}
    assert f"{project} " in outcome.why(BILL, DAY, "gemini_usage")


def test_licenses_that_are_not_billed_are_counted(good: Platform) -> None:
    assert isinstance(evaluate_seats(good.warehouse.query(f"{SQL}{SEATS}").to_dicts()), NotEvaluated)
    [(licenses,)] = good.sql(f"select sum(license_count) from {A}.gemini_licenses")
    seat = f"select * replace ('subscription' as charge_type, 'gemini_code_assist' as platform, {licenses} as quantity)"
    good.sql(f"insert into {A}.gemini_costs {seat} from {A}.gemini_costs where credit_type is null limit 1")
    assert evaluated(good, SEATS, None).not_passed(SEATS) == set()
    good.sql(f"update {A}.gemini_costs set quantity = quantity + 2 where charge_type = 'subscription'")
    outcome = evaluated(good, SEATS, None)
    assert outcome.not_passed(SEATS) == {None}
    why = outcome.why(SEATS, None, "gemini_licenses")
    assert f"account default has {licenses} licenses and {licenses + 2} billed seats of 2026-11" in why


def test_an_answer_with_missing_data_is_kept_nowhere() -> None:
    with company() as (simulator, _):
        project = simulator.google_day(DAY).uses[0].project_id
    with company(GoogleOffer(incomplete=frozenset({project}))) as (_, cloud), pytest.raises(IncompleteAnswer):
        cloud.metrics(DAYS)


def test_the_log_is_joined_over_its_empty_pages() -> None:
    with company(GoogleOffer(entries_a_page=2)) as (simulator, cloud):
        [answer] = cloud.code_assist_log(Span(DAY, DAY))
        assert len(answer.records) == len(simulator.google_day(DAY).activities) > 2
        assert answer.pages > len(answer.records) // 2


def test_each_record_is_counted_in_core_once(lived: tuple[Platform, Simulator, Outcome]) -> None:
    platform, _, _ = lived
    rows = platform.warehouse.query("providers/google/core_rows", first_day=DAYS.first, last_day=DAYS.last)
    in_core = Counter(rows.select("pull", "activity_date").rows())
    pulls = ("gemini_metrics", "gemini_code_assist_log")
    in_raw = {
        (pull, day): n
        for pull in pulls
        for day, n in platform.sql(f"select activity_date, count(*) from ai_usage_raw.{pull} group by 1")
    }
    assert {of: n for of, n in in_core.items() if of[0] in pulls} == in_raw
    assert max(platform.sql(f"select max(record_count) from {A}.gemini_usage")) > (1,)
