"""The sensor `run_failure_alerts`: failed runs are reported once, and once more when a later run succeeds."""

from collections.abc import Mapping

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent

from ai_usage.automation import run_news
from ai_usage.automation.dead_runs import DIED
from ai_usage.automation.refresh import CHAIN, range_tags
from ai_usage.partitions import Span
from ai_usage_tests.alerts.receivers import Hook
from ai_usage_tests.alerts.watched import DAY, NEXT, RUNS, Watched
from ai_usage_tests.platform import QUIET


def test_of_runs_of_one_chain_the_first_failure_and_the_success_are_reported(watched: Watched, web: Hook) -> None:
    for why in ("503", "503", "timeout", "", ""):
        run(watched, why, {CHAIN: "pull_cursor"})
        watched.tick(RUNS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"]
    run(watched, "503", {CHAIN: "pull_cursor"})
    run(watched, "503", {CHAIN: "pull_claude"})
    watched.tick(RUNS)
    assert [subject.split()[1] for subject in web.subjects[2:]] == ["FAILED", "FAILED"]


def refresh_range(why: str = "") -> dg.JobDefinition:
    @dg.job(name="refresh_range", executor_def=dg.in_process_executor)
    def made() -> None:
        @dg.op(name="raw__claude_cost_report")
        def step() -> None:
            if why:
                raise dg.Failure(why)

        step()

    return made


def run(watched: Watched, why: str = "", tags: Mapping[str, str] | None = None) -> str:
    """A run from the command line. It fails with the error `why` if there is one."""
    return refresh_range(why).execute_in_process(
        instance=watched.instance, raise_on_error=False, run_config=QUIET, tags=dict(tags or {})
    ).run_id  # fmt: skip


def again(watched: Watched, run_id: str, *, fails: bool) -> None:
    """The events that the UI's re-execution leaves in the log."""
    made = watched.instance.create_run_for_job(
        refresh_range(), status=dg.DagsterRunStatus.STARTED, parent_run_id=run_id, root_run_id=run_id
    )
    tried = watched.instance.get_run_by_id(run_id)
    if tried and "dagster/will_retry" in tried.tags:
        watched.instance.add_run_tags(run_id, {"dagster/auto_retry_run_id": made.run_id})
    if fails:
        watched.instance.report_run_failed(made, message="again")
    else:
        success = DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "refresh_range")
        watched.instance.report_dagster_event(success, made.run_id)


def test_a_failed_run_from_the_command_line_is_reported_once_and_again_when_a_retry_succeeds(
    watched: Watched, web: Hook
) -> None:
    run_id = run(watched, "no key", tags=range_tags(Span(DAY, NEXT)))
    run(watched)
    for _ in range(2):
        watched.tick(RUNS)
    [posted] = web.got
    [item] = posted.body["items"]
    assert posted.body["subject"] == "[ai_usage] FAILED run of refresh_range"
    assert item["text"] == f"It was to take {DAY}…{NEXT}. raw/claude_cost_report: no key"
    assert item["link"] == f"http://127.0.0.1:3000/runs/{run_id}"
    assert (item["runbook"], bool(item["likely_cause"])) == ("docs/runbook.md#run_failure", True)
    again(watched, run_id, fails=True)
    watched.tick(RUNS)
    again(watched, run_id, fails=False)
    watched.tick(RUNS)
    watched.tick(RUNS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "FAILED", "RESOLVED"]


def test_a_run_that_is_retried_is_reported_when_the_last_retry_fails(watched: Watched, web: Hook) -> None:
    run_id = run(watched, "busy", tags={"dagster/will_retry": "true"})
    watched.tick(RUNS)
    assert web.got == []
    again(watched, run_id, fails=True)
    watched.tick(RUNS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED"]


def test_a_retry_that_succeeds_leaves_nothing_to_report(watched: Watched, web: Hook) -> None:
    run_id = run(watched, "busy", tags={"dagster/will_retry": "true"})
    watched.tick(RUNS)
    again(watched, run_id, fails=False)
    watched.tick(RUNS)
    assert web.got == []


def test_a_run_that_dagster_announced_to_retry_and_did_not_is_reported(watched: Watched, web: Hook) -> None:
    """Dagster announces a retry and then finds no step to retry: the process died after the last step."""
    run_id = run(watched, "busy", tags={"dagster/will_retry": "true"})
    assert watched.tick(RUNS) == "no news"
    watched.instance.add_run_tags(run_id, {"dagster/will_retry": "false"})
    assert watched.tick(RUNS) == "1 news; 1 delivered"


def test_a_run_that_died_is_reported_though_a_retry_succeeded_before_the_next_tick(watched: Watched, web: Hook) -> None:
    tags = {CHAIN: "x", "dagster/will_retry": "true", "dagster/auto_retry_run_id": "y"}
    made = watched.instance.create_run_for_job(refresh_range(), tags=tags, status=dg.DagsterRunStatus.STARTED)
    watched.instance.report_run_failed(made, message=f"{DIED}: it was killed.")
    then = watched.instance.create_run_for_job(refresh_range(), tags={CHAIN: "x"}, status=dg.DagsterRunStatus.STARTED)
    success = DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "refresh_range")
    watched.instance.report_dagster_event(success, then.run_id)
    watched.tick(RUNS)
    assert [item["severity"] for post in web.got for item in post.body["items"]] == ["failed", "resolved"]


def test_a_success_of_the_whole_resolves_a_part_and_one_of_another_part_does_not(watched: Watched, web: Hook) -> None:
    def ended(chain: str, event: dg.DagsterEventType) -> None:
        job, tags = refresh_range(), {CHAIN: chain}
        made = watched.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
        watched.instance.report_dagster_event(DagsterEvent(event.value, job.name), made.run_id)
        watched.tick(RUNS)

    ended("pull_sheet/seats", dg.DagsterEventType.RUN_FAILURE)
    ended("pull_sheet/budgets", dg.DagsterEventType.RUN_SUCCESS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED"]
    ended("pull_sheet", dg.DagsterEventType.RUN_SUCCESS)
    assert [subject.split()[1] for subject in web.subjects] == ["FAILED", "RESOLVED"]


def test_a_failure_waits_until_dagster_has_decided_on_a_retry(
    watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(watched, "busy")
    monkeypatch.setattr(type(watched.instance), "run_retries_enabled", property(lambda _: True))
    assert watched.tick(RUNS) == "no news"
    monkeypatch.setattr(run_news, "SECONDS_UNTIL_DECIDED", 0)
    assert watched.tick(RUNS) == "1 news; 1 delivered"


def test_old_failures_are_not_sent(watched: Watched, web: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    run(watched, "busy")
    monkeypatch.setattr(run_news, "OLD", -1)
    watched.tick(RUNS)
    monkeypatch.undo()
    watched.tick(RUNS)
    assert web.got == []
