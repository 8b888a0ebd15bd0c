"""Ctrl-C stops a command at any point: it does not count as the failure of a step, and nothing else starts."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import Any, cast

import dagster as dg
import pytest

from ai_usage.automation.interrupts import heeded, raise_what_destructors_drop
from ai_usage.checks.registry import CHECKS
from ai_usage.checks.runner import evaluated_or_failed
from ai_usage.errors import interruption
from ai_usage.layers import built
from ai_usage_tests.checks.test_not_evaluated import COSTS


def interrupted_query() -> None:
    """DuckDB turns Ctrl-C in the middle of a query into an error of its own."""
    try:
        raise KeyboardInterrupt  # noqa: TRY301
    except KeyboardInterrupt:
        raise RuntimeError("Query interrupted")  # noqa: B904 - it names no cause


def test_ctrl_c_is_found_behind_duckdbs_error_and_no_other_error_is_taken_for_it() -> None:
    with pytest.raises(RuntimeError) as raised:
        interrupted_query()
    assert isinstance(interruption(raised.value), KeyboardInterrupt)
    assert interruption(RuntimeError("Query interrupted")) is None


@dataclass
class Interrupted:
    """An object that receives Ctrl-C while it is deleted."""

    error: type[BaseException]

    def __del__(self) -> None:
        raise self.error


def delete_and_go_on(error: type[BaseException]) -> None:
    Interrupted(error)
    time.sleep(20)


@pytest.mark.parametrize("error", [KeyboardInterrupt, dg.DagsterExecutionInterruptedError])
def test_ctrl_c_in_a_destructor_is_raised_after_it(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    raise_what_destructors_drop()
    with pytest.raises(KeyboardInterrupt):
        delete_and_go_on(error)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_was_dropped_stops_what_follows(stop: signal.Signals) -> None:
    before = {one: signal.signal(one, lambda *_: None) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(KeyboardInterrupt), heeded():
            os.kill(os.getpid(), stop)
        with heeded():
            pass
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_a_table_is_not_left_as_it_was_for_ctrl_c() -> None:
    class Context:
        selected_asset_keys = (COSTS,)

    def rebuild(*_: Any) -> Any:
        interrupted_query()

    with pytest.raises(KeyboardInterrupt):
        list(built(cast("Any", rebuild), COSTS)(Context(), None))


def test_ctrl_c_is_no_result_of_a_check() -> None:
    def evaluate() -> None:
        interrupted_query()

    with pytest.raises(RuntimeError) as raised:
        evaluated_or_failed(cast("Any", None), CHECKS[0], evaluate)
    assert interruption(raised.value)
