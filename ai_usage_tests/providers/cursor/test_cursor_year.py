"""A year of Cursor events as fast as the provider permits: no extra request, none refused, every event once.

No test waits: the client's rate limit and a stand-in that counts the minute share a clock that advances by sleeping.
"""

import gc
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import dagster as dg
import msgspec
import polars as pl
import pytest

from ai_usage.automation.refresh import range_tags
from ai_usage.ingest.http.errors import RateLimited
from ai_usage.ingest.http.retry import Patience
from ai_usage.ingest.ledger_writes import pull_report
from ai_usage.layers import MANY_DAYS_A_RUN
from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.cursor.client import DAYS_A_REQUEST, CursorAdmin
from ai_usage.providers.cursor.provider import CURSOR
from ai_usage.providers.cursor.pulls import REPORTS, SOURCE
from ai_usage.providers.cursor.resource import team_pace
from ai_usage.resources import from_settings
from ai_usage.settings import settings
from ai_usage.simulated import clients
from ai_usage.simulator import CURSOR_KEY, Simulator
from ai_usage.warehouse.ledger import Answer, Version
from ai_usage_tests import lean
from ai_usage_tests.platform import QUIET
from bench.cursor_year import KEY, NOW, URL, BusyTeam, Clock, cents, days_up_to_now, paced

YEAR = days_up_to_now(365)
ONCE = Patience(attempts=1)


class Charged(msgspec.Struct, rename="camel"):
    charged_cents: Decimal


@dataclass
class Ledger:
    """Keeps the sums of each answer, and releases its records."""

    events: Counter[date] = field(default_factory=Counter)
    different: Counter[date] = field(default_factory=Counter)
    cents: dict[date, Decimal] = field(default_factory=dict)
    days_written: list[int] = field(default_factory=list)

    def ask(self, _: str) -> pl.DataFrame:
        return pl.DataFrame({"is_simulated": []})

    def now(self) -> datetime:
        return NOW

    def days_at_once(self, days: int) -> int:
        return days

    def append(self, _: str, answers: Sequence[Answer]) -> list[Version]:
        self.days_written.append(len(answers))
        for answer in answers:
            assert answer.day is not None
            assert answer.day not in self.cents
            charged = msgspec.json.decode(b"[%s]" % b",".join(answer.records), type=list[Charged])
            self.events[answer.day] = len(answer.records)
            self.different[answer.day] = len(set(answer.records))
            self.cents[answer.day] = sum((each.charged_cents for each in charged), Decimal())
        return [Version(answer.day, "id", NOW, len(answer.records), is_new=True) for answer in answers]


def pulled(team: BusyTeam, span: Span, during: AbstractContextManager[Any] | None = None) -> Ledger:
    """The days' events, pulled by the asset's own function in a run of Dagster."""
    ledger = Ledger()
    days = dg.StaticPartitionsDefinition([str(day) for day in span.days])
    spec = dg.AssetSpec(["raw", "cursor_usage_events"], partitions_def=days)

    @dg.multi_asset(specs=[spec], backfill_policy=MANY_DAYS_A_RUN)
    def events(context: dg.AssetExecutionContext) -> None:
        report = REPORTS["cursor_usage_events"]
        with during or nullcontext():
            pull_report(context, SOURCE, admin, cast("Any", ledger), report, at_most=DAYS_A_REQUEST)

    with closing(paced(team, ONCE)) as admin:
        assert dg.materialize([events], tags=range_tags(span), run_config=QUIET).success
    return ledger


def test_a_year_takes_the_fewest_requests_and_the_time_they_are_permitted() -> None:
    team = BusyTeam(Clock())
    ledger = pulled(team, YEAR)
    truth = {day: team.count(day) for day in YEAR.days}
    assert sum(truth.values()) > 1_190_000
    assert team.refused == 0
    assert team.answered == team.fewest(YEAR.days)
    assert team.clock.now / 60 == pytest.approx(team.answered / 60, rel=0.05)  # minutes; sixty requests in each
    assert dict(ledger.events) == dict(ledger.different) == truth
    assert ledger.cents == {day: sum(map(cents, range(count)), Decimal()) for day, count in truth.items()}
    assert ledger.days_written == [30] * 12 + [5]  # window by window


def test_the_stand_in_refuses_more_requests_than_a_minute_allows() -> None:
    team = BusyTeam(Clock())
    with closing(paced(team, ONCE)) as admin:
        admin.api.http.event_hooks["request"] = []
        with pytest.raises(RateLimited):
            admin.usage_events(Span(YEAR.first, YEAR.first + 29 * ONE_DAY))
    assert (team.answered, team.refused) == (60, 1)


def test_a_first_request_that_travels_longer_makes_none_come_too_soon() -> None:
    team = BusyTeam(Clock())
    with closing(paced(team, ONCE)) as admin:
        admin.api.http.event_hooks["request"] = [
            replace(team_pace(URL, KEY), slack=0, clock=team.clock, sleep=team.clock.sleep)
        ]
        with pytest.raises(RateLimited):  # exactly a minute is just too short
            admin.usage_events(Span(YEAR.first, YEAR.first + 29 * ONE_DAY))


def test_memory_does_not_grow_with_the_year() -> None:
    peaks: list[int] = []

    @contextmanager
    def traced() -> Iterator[None]:
        in_tests = gc.get_threshold()
        gc.set_threshold(*lean.USUAL)
        tracemalloc.start()
        try:
            yield
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
            gc.set_threshold(*in_tests)

    for windows in (3, 12):
        pulled(BusyTeam(Clock(), events_a_day=200), days_up_to_now(windows * DAYS_A_REQUEST), traced())
    a_quarter, a_year = peaks
    assert a_year < 1.25 * a_quarter


def test_the_wait_that_the_provider_asks_for_is_kept_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another tool used up the minute: after 30 requests there is a 429 with Retry-After: 60."""
    window = Span(YEAR.first, YEAR.first + 29 * ONE_DAY)
    refusing, willing = BusyTeam(Clock(), refuse_at=30), BusyTeam(Clock())
    with closing(paced(willing, ONCE)) as admin:
        undisturbed = admin.usage_events(window)
    monkeypatch.setattr(time, "monotonic", refusing.clock)
    monkeypatch.setattr(time, "sleep", refusing.clock.sleep)
    with closing(paced(refusing)) as admin:
        assert [a.records for a in admin.usage_events(window)] == [a.records for a in undisturbed]
        assert admin.requests == refusing.fewest(window.days) + 1
    assert refusing.clock.slept[0] == 60
    assert refusing.refused == 1


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def stand_in(clock: Clock) -> Iterator[Simulator]:
    with Simulator(now=NOW, enforce_limits=True, monotonic=clock, cursor_scale=0.02) as simulator:
        yield simulator


def test_the_simulator_has_no_cause_to_refuse_either(stand_in: Simulator, clock: Clock) -> None:
    last = NOW.date() - ONE_DAY
    days = [last - n * ONE_DAY for n in range(130)]
    pace = replace(team_pace(stand_in.cursor_url, CURSOR_KEY), clock=clock, sleep=clock.sleep)

    def opened(hook: Any) -> CursorAdmin:
        return CursorAdmin.open(
            base_url=stand_in.cursor_url, key=CURSOR_KEY, now=lambda: NOW, pace=hook, patience=ONCE, is_simulated=True
        )

    with closing(opened(pace)) as admin:
        found = {a.day: len(a.records) for day in days for a in admin.usage_events(Span(day, day))}
        assert found == {day: len(stand_in.cursor_day(day).events) for day in days}
        assert admin.requests == len(days)
    assert 120 <= clock.now <= 130
    with closing(opened(lambda _: None)) as hasty:
        clock.sleep(60)
        for day in days[:60]:
            hasty.usage_events(Span(day, day))
        with pytest.raises(RateLimited):
            hasty.usage_events(Span(days[60], days[60]))


def test_all_steps_and_all_runs_of_a_process_share_one_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resource is opened once per run. The next run opens another client, which continues in the same minute."""
    seen: list[CursorAdmin] = []

    def steps() -> Iterator[dg.AssetsDefinition]:
        for name in ("one", "two"):

            @dg.asset(name=name)
            def step(cursor_admin: dg.ResourceParam[Sequence[CursorAdmin]]) -> None:
                [client] = cursor_admin
                seen.append(client)

            yield step

    def run(key: str) -> None:
        monkeypatch.setenv("CURSOR_ADMIN_API_KEY", key)
        of = replace(settings(), cursor_base_url=URL, has_cursor_key=True)
        resource = from_settings(lambda: clients(CURSOR, of, None))
        assert dg.materialize([*steps()], resources={"cursor_admin": resource}, run_config=QUIET).success

    for key in (KEY, f"{KEY}\n", "crsr_of_another_team"):
        run(key)
    assert [seen[0] is client for client in seen] == [True, True, False, False, False, False]
    paces = [client.api.http.event_hooks["request"][0] for client in seen]
    assert [paces[0] is pace for pace in paces] == [True, True, True, True, False, False]
