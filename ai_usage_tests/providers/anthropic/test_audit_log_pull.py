"""Uploaded audit logs in the graph: the content of the ledger and core, the content they never get, and bad files."""

import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
from dagster._serdes import serialize_value

from ai_usage.partitions import Span
from ai_usage.providers.anthropic.audit_log.folder import Uploads
from ai_usage.settings import settings
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform
from ai_usage_tests.providers.anthropic.exports import PRIVATE, event, put

PULL, BUILT = "raw/claude_audit_log", "core/claude_usage_stats"
OF_UPLOADS = dg.AssetSelection.assets(PULL.split("/"), BUILT.split("/"))
DAYS = Span(date(2026, 11, 9), date(2026, 11, 13))
ADA, BO = "ada@example.com", "bo@example.com"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


def run(platform: Platform, folder: Path, span: Span = DAYS) -> Outcome:
    return platform.materialize(OF_UPLOADS, span, None, uploads=Uploads(folder, settings().now))


def days_read(platform: Platform) -> dict[date, int]:
    """Day → the records of its newest version."""
    newest = platform.warehouse.newest("claude_audit_log", DAYS)
    return dict(newest.versions.select("activity_date", "records").iter_rows())


def used(platform: Platform) -> list[tuple[object, ...]]:
    return platform.sql(
        """select activity_date, user_email, conversation_count, message_count, project_count, file_upload_count, source
        from ai_usage_analytics.claude_usage_stats order by all"""
    )


def some_days(folder: Path, name: str = "log.csv") -> Path:
    return put(
        folder,
        name,
        event("2026-11-10T08:00:00Z", ADA),
        event("2026-11-10T23:59:59.9Z", ADA.upper(), uuid="c-2"),
        event("2026-11-10T09:00:00Z", ADA, "project_document_uploaded"),
        event("2026-11-10T09:00:00Z", BO, "user_signed_in_sso"),
        event("2026-11-10T09:00:00Z", None),
        event("2026-11-12T00:00:00Z", BO, "project_created"),
        event("2026-11-12T00:00:01Z", BO, "file_uploaded"),
    )


def test_events_become_each_persons_day_and_days_no_file_covers_stay_as_they_are(
    platform: Platform, folder: Path
) -> None:
    some_days(folder)
    outcome = run(platform, folder)
    assert outcome.result.success
    assert days_read(platform) == {DAY: 5, NEXT: 0, date(2026, 11, 12): 2}
    assert used(platform) == [
        (DAY, ADA, 2, None, 0, 1, "audit_log"),
        (date(2026, 11, 12), BO, 0, None, 1, 1, "audit_log"),
    ]
    for day in (DAYS.first, DAYS.last):
        assert outcome.noted(PULL, day)["skipped"] == "no upload covers this day"
        assert outcome.noted(BUILT, day)["skipped"] == "no source was asked about this day: left as it was"
    noted = outcome.noted(PULL, DAY)
    assert (noted["records"], noted["without_actor_email"]) == (5, 1)
    assert noted["events_not_counted"] == "user_signed_in_sso (1)"
    assert outcome.noted(BUILT, DAY)["from_audit_log"] == 1


def test_the_same_file_twice_and_a_later_longer_one_count_each_event_once(platform: Platform, folder: Path) -> None:
    shutil.copy(some_days(folder), folder / "renamed.csv")
    run(platform, folder)
    first = used(platform)
    run(platform, folder)
    put(folder, "later.csv", event("2026-11-12T00:00:01Z", BO, "file_uploaded"), event("2026-11-13T05:00:00Z", ADA))
    run(platform, folder)
    assert used(platform) == [*first, (date(2026, 11, 13), ADA, 1, None, 0, 0, "audit_log")]
    [(kept,)] = platform.sql("select count(*) from ai_usage_raw.claude_audit_log")
    assert kept == 5 + 2 + 1  # equal content is not a new version


def test_what_the_folder_no_longer_has_stays_in_the_ledger(platform: Platform, folder: Path) -> None:
    path = some_days(folder)
    run(platform, folder)
    before = used(platform), days_read(platform)
    path.unlink()
    outcome = run(platform, folder)
    assert "not configured: there is no *.csv in" in outcome.noted(PULL, DAY)["skipped"]
    put(folder, "next.csv", event("2026-11-12T20:00:00Z", BO, "project_created", uuid="p-9"))
    run(platform, folder)
    assert days_read(platform) == {**before[1], date(2026, 11, 12): 3}


def test_no_address_device_or_name_goes_further_than_the_file(tmp_path: Path, platform: Platform, folder: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    platform.instance = dg.DagsterInstance.local_temp(str(home))
    some_days(folder)
    good = run(platform, folder)
    put(folder, "bad.csv", event(), [PRIVATE[0], *event()[1:]])
    bad = run(platform, folder)
    assert (good.result.success, bad.result.success) == (True, False)
    platform.warehouse.publish()
    stored = b"".join(
        path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(folder)
    )
    for run_id in (good.result.run_id, bad.result.run_id):
        stored += "".join(serialize_value(entry.dagster_event) for entry in platform.instance.all_logs(run_id)
                          if entry.dagster_event).encode()  # fmt: skip
    for private in PRIVATE:
        assert private.encode() not in stored
        assert platform.sql(
            f"select count(*) from ai_usage_raw.claude_audit_log where contains(record, '{private}')"
        ) == [(0,)]
    assert b"bad.csv, line 3: created_at is no instant" in stored  # the search does find stored text


def test_one_bad_file_and_nothing_of_the_uploads_is_written(platform: Platform, folder: Path) -> None:
    some_days(folder)
    (folder / "zz_bad.csv").write_text("name,amount\na,1\n", encoding="utf-8")
    outcome = run(platform, folder)
    assert "zz_bad.csv, line 1: there is no header" in outcome.failed["raw__claude_audit_log"]
    assert days_read(platform) == {}
    (folder / "zz_bad.csv").unlink()
    assert run(platform, folder).result.success
    assert days_read(platform)[DAY] == 5


def test_days_a_file_covers_beyond_the_run_are_pointed_out_until_they_are_read(
    platform: Platform, folder: Path
) -> None:
    put(folder, "log.csv", event("2026-06-01T00:00:00Z"), event("2026-11-19T00:00:00Z"))
    outcome = run(platform, folder)
    assert outcome.noted(PULL, DAY)["unread"] == (
        "the uploads cover 45 days more: make backfill FROM=2026-10-01 TO=2026-11-19"  # from the start date on
    )
    run(platform, folder, Span(date(2026, 10, 1), date(2026, 11, 19)))
    assert "unread" not in run(platform, folder).noted(PULL, DAY)


def test_with_simulated_providers_no_upload_is_read(platform: Platform) -> None:
    outcome = platform.materialize(OF_UPLOADS, DAYS, None, uploads=None)
    assert "no real figure may join theirs" in outcome.noted(PULL, DAY)["skipped"]
