"""Three reports of claude.ai usage become one row per person and day: the best report, complete, without guesses."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from ai_usage.providers.anthropic.claude_ai_usage import SheetUsage, claude_usage_rows
from ai_usage.providers.anthropic.tables import CLAUDE_USAGE_STATS
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage_tests.ingest import recorded
from ai_usage_tests.mock_claude import DAY, NEXT

AT = datetime(2026, 11, 12, 6, tzinfo=UTC)
ADA, BO = "ada@example.com", "bo@example.com"
LINES: dict[str, Any] = {
    "account": pl.String,
    "activity_date": pl.Date,
    "pull_id": pl.String,
    "ingestion_timestamp": pl.Datetime("us", "UTC"),
    "record": pl.String,
}


def records(pull: str, *records_by_day: tuple[date, str]) -> Records:
    lines = [("enterprise", day, f"{pull}-{day}", AT, record) for day, record in records_by_day]
    return Records(pull, pl.DataFrame(), pl.DataFrame(lines, LINES, orient="row"))


def api(*records_by_day: tuple[date, str]) -> Records:
    return records("claude_enterprise_users", *records_by_day)


def audit(*records_by_day: tuple[date, str]) -> Records:
    return records("claude_audit_log", *records_by_day)


def person(email: str | None = ADA, id_: str = "user_1", **chat: int | None) -> str:
    counted = {"message_count": 7, "distinct_conversation_count": 2, "distinct_projects_created_count": 1}
    counted |= {"distinct_projects_used_count": 3, "distinct_files_uploaded_count": 4}
    return json.dumps({"user": {"id": id_, "email_address": email}, "chat_metrics": counted | chat})


def logged(event: str = "conversation_created", email: str | None = ADA) -> str:
    at = "2026-11-10T09:00:00Z"
    return json.dumps({"created_at": at, "event": event, "actor_email": email, "actor_id": "uuid-1"})


def typed(email: str = ADA, day: date = DAY, **counts: int | None) -> SheetUsage:
    return SheetUsage(user_email=email, activity_date=day, pull_id="sheet", pulled_at=AT, **counts)


def rows(
    of_api: Records | None = None, of_audit: Records | None = None, sheet: Sequence[SheetUsage] = ()
) -> list[dict[str, Any]]:
    return claude_usage_rows(of_api or api(), of_audit or audit(), sheet).to_dicts()


def sources(*args: Any) -> dict[tuple[date, str], str]:
    return {(row["activity_date"], row["user_email"]): row["source"] for row in rows(*args)}


def counts(row: dict[str, Any]) -> tuple[int | None, ...]:
    return tuple(row[f"{name}_count"] for name in ("conversation", "message", "project", "file_upload"))


def test_the_apis_row_has_all_figures_its_zeros_and_its_stamps() -> None:
    [row] = rows(api((DAY, person(" Ada@Example.com", message_count=0))))
    assert row == {
        "activity_date": DAY,
        "account": "enterprise",
        "user_email": ADA,
        "user_id": "user_1",
        "conversation_count": 2,
        "message_count": 0,
        "project_count": 3,
        "file_upload_count": 4,
        "source": "enterprise_api",
        "upload_timestamp": AT,
        "pull_id": f"claude_enterprise_users-{DAY}",
        "ingestion_timestamp": AT,
    }


def test_recorded_people_have_their_recorded_figures() -> None:
    texts = [recorded.items(f"analytics_users_page{n}")[0] for n in (1, 2)]
    assert [(row["user_email"], *counts(row)) for row in rows(api(*((DAY, text) for text in texts)))] == [
        ("dev.one@example.com", 4, 41, 1, 2),
        ("dev.two@example.com", 4, 7, 1, 2),
    ]


@pytest.mark.parametrize(("used", "created", "counted"), [(0, 5, 0), (None, 5, 5), (None, None, None)])
def test_projects_are_those_used_or_else_those_created(
    used: int | None, created: int | None, counted: int | None
) -> None:
    records_by_day = person(distinct_projects_used_count=used, distinct_projects_created_count=created)
    assert rows(api((DAY, records_by_day)))[0]["project_count"] == counted


def test_what_the_api_does_not_report_is_unknown() -> None:
    records_by_day = person(distinct_conversation_count=None, distinct_files_uploaded_count=None)
    assert counts(rows(api((DAY, records_by_day)))[0]) == (None, 7, 3, None)


def test_whoever_was_deleted_keeps_a_row_under_the_id() -> None:
    built = rows(api((DAY, person(None, "user_1")), (DAY, person(None, "user_2")), (NEXT, person(None, "user_1"))))
    assert [(row["user_email"], row["user_id"]) for row in built] == [
        (None, "user_1"),
        (None, "user_2"),
        (None, "user_1"),
    ]


def test_accounts_of_one_address_are_one_person_and_nothing_of_them_is_lost() -> None:
    one = person(distinct_files_uploaded_count=None)
    other = person(ADA.upper(), "user_2", distinct_conversation_count=None, distinct_files_uploaded_count=None)
    assert [counts(row) for row in rows(api((DAY, one), (DAY, other)))] == [(2, 14, 6, None)]


def test_the_audit_log_counts_events_knows_zeros_and_no_messages() -> None:
    kinds = ["conversation_created"] * 3 + ["file_uploaded", "project_document_uploaded", "project_renamed"]
    records_by_day = [(DAY, logged(kind)) for kind in kinds] + [(DAY, logged("project_created", BO)), (NEXT, logged())]
    built = rows(None, audit(*records_by_day))
    assert [(row["activity_date"], row["user_email"], row["user_id"], *counts(row)) for row in built] == [
        (DAY, ADA, "uuid-1", 3, None, 0, 2),
        (DAY, BO, "uuid-1", 0, None, 1, 0),
        (NEXT, ADA, "uuid-1", 1, None, 0, 0),
    ]
    assert {row["source"] for row in built} == {"audit_log"}
    assert [row["pull_id"] for row in built] == [f"claude_audit_log-{day}" for day in (DAY, DAY, NEXT)]


def test_events_without_an_address_or_of_a_kind_that_counts_for_nothing_make_no_row() -> None:
    assert rows(None, audit((DAY, logged(email=None)), (DAY, logged("user_signed_in_sso")))) == []


def test_the_sheet_is_taken_as_typed_and_blanks_are_unknown() -> None:
    [row] = rows(None, None, [typed(" ADA@example.com ", conversation_count=0, message_count=5)])
    assert (row["user_email"], row["user_id"], row["source"], *counts(row)) == (ADA, None, "sheet", 0, 5, None, None)
    assert (row["pull_id"], row["upload_timestamp"], row["ingestion_timestamp"]) == ("sheet", AT, AT)


def test_of_two_rows_of_the_sheet_about_one_day_the_later_stands() -> None:
    assert [row["message_count"] for row in rows(None, None, [typed(message_count=1), typed(message_count=2)])] == [2]


def test_the_api_goes_before_the_log_and_the_log_before_the_sheet_person_by_person_and_day_by_day() -> None:
    everybody = [(day, email) for day in (DAY, NEXT) for email in (ADA, BO)]
    sheet = [typed(email, day, message_count=9) for day, email in everybody]
    log = audit((DAY, logged()), (DAY, logged(email=BO)), (NEXT, logged()))
    assert sources(api((DAY, person())), log, sheet) == {
        (DAY, ADA): "enterprise_api",
        (DAY, BO): "audit_log",
        (NEXT, ADA): "audit_log",
        (NEXT, BO): "sheet",
    }


def test_a_better_row_stands_whole_figures_are_never_mixed() -> None:
    [row] = rows(None, audit((DAY, logged())), [typed(message_count=9)])
    assert counts(row) == (1, None, 0, 0)


def test_no_people_make_an_empty_table_with_all_columns() -> None:
    assert claude_usage_rows(api(), audit(), []).columns == list(CLAUDE_USAGE_STATS.columns)
