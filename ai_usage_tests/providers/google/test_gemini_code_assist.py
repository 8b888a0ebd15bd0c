"""Code Assist's log: its requests, that no prompt is stored, projects that refuse, and people's actions."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_usage.ingest.drift import drift
from ai_usage.ingest.http.errors import IncompleteAnswer, NotPermitted, UnexpectedAnswer
from ai_usage.partitions import Span
from ai_usage.providers.google.code_assist.client import LOGGING, CodeAssistLog
from ai_usage.providers.google.code_assist.records import LogEntry
from ai_usage.providers.google.code_assist.rows import activity_rows
from ai_usage.settings import GOOGLE_LOGGING_URL
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_google_apis import PROJECT, MockLogging, api_of
from ai_usage_tests.providers.openai.pulled import records

FIXTURES = Path(__file__).parents[2] / "fixtures" / "gemini"
DAY, NEXT = date(2026, 11, 2), date(2026, 11, 3)
ON_DAY = Span(DAY, DAY)
METADATA = "cloudaicompanion.googleapis.com%2Fmetadata"


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def answering(*bodies: Any) -> CodeAssistLog:
    left = list(bodies)
    api = api_of(LOGGING, GOOGLE_LOGGING_URL, lambda _: httpx.Response(200, json=left.pop(0)))
    return CodeAssistLog(api, [PROJECT])


def entry(n: int, at: str = "2026-11-02T08:00:00Z", user: str | None = "dev@example.com", **payload: Any) -> Any:
    return {
        "insertId": f"i-{n}",
        "logName": f"projects/{PROJECT}/logs/{METADATA}",
        "timestamp": at,
        "labels": {"product": "code_assist", **({"user_id": user} if user else {})},
        "jsonPayload": payload,
    }


def accepted(request: str | None, lines: object = None) -> Any:
    return {"originalRequestId": request, **({"linesCount": lines} if lines is not None else {})}


def rows_of(answers: list[Answer]) -> list[dict[str, Any]]:
    return activity_rows(records({of.day: [record.decode() for record in of.records] for of in answers})).to_dicts()


def row_of(*entries: Any) -> dict[str, Any]:
    [row] = rows_of(MockLogging({PROJECT: list(entries)}).client().entries(ON_DAY))
    return row


def test_recorded_entries_load_whole_over_an_empty_page() -> None:
    pages = [recorded(f"log_entries_page{n}") for n in (1, 2, 3)]
    [answer] = answering(*pages).entries(ON_DAY)
    sent = [each for page in pages for each in page.get("entries", [])]
    assert [json.loads(record) for record in answer.records] == sent
    assert answer.pages == 3
    assert not drift((record.decode() for record in answer.records), LogEntry)
    one, two = rows_of([answer])
    assert (one["user_email"], one["code_exposures"], one["code_acceptances"]) == ("dev.one@example.com", 1, 1)
    assert one["code_lines_accepted"] == 15  # of 12 and then 15 lines of the same request
    assert (two["user_email"], two["chat_exposures"], two["chat_acceptances"]) == ("dev.two@example.com", 1, 1)
    assert (two["chat_lines_accepted"], two["api_requests"], two["record_count"]) == (40, 1, 3)


def test_only_the_metadata_log_of_code_assist_is_asked_for_a_day_at_a_time() -> None:
    mock = MockLogging({PROJECT: [], "two": []})
    mock.client().entries(ON_DAY)
    [body] = mock.asked
    assert body["resourceNames"] == [f"projects/{PROJECT}", "projects/two"]
    assert (body["orderBy"], body["pageSize"]) == ("timestamp asc", 1000)
    assert f'logName:"{METADATA}"' in body["filter"]
    assert 'labels.product="code_assist"' in body["filter"]
    assert 'timestamp>="2026-11-02T00:00:00Z" AND timestamp<"2026-11-03T00:00:00Z"' in body["filter"]


@pytest.mark.parametrize("log", [f"projects/{PROJECT}/logs/cloudaicompanion.googleapis.com%2Fresponse", None])
def test_an_entry_of_another_log_is_refused_because_it_may_hold_a_prompt(log: str | None) -> None:
    other = {**entry(1), "logName": log}
    with pytest.raises(UnexpectedAnswer, match="may hold a prompt") as refused:
        answering({"entries": [other]}).entries(ON_DAY)
    assert "dev@example.com" not in str(refused.value)


def test_an_entry_belongs_to_the_utc_day_of_its_time() -> None:
    late = entry(1, "2026-11-02T23:59:59.999999999Z", codeExposure=accepted("a"))
    early = entry(2, "2026-11-03T00:00:00Z", codeExposure=accepted("b"))
    answers = MockLogging({PROJECT: [late, early]}).client().entries(Span(DAY, NEXT))
    assert [(answer.day, len(answer.records)) for answer in answers] == [(DAY, 1), (NEXT, 1)]


def test_a_project_without_a_permission_is_named_and_the_others_arrive() -> None:
    mock = MockLogging({"one": [entry(1, apiRequest={})], "three": [entry(3, apiRequest={})]})
    [answer] = mock.client("one", "two", "three").entries(ON_DAY)
    assert len(answer.records) == 2
    assert answer.envelope["refused_projects"].keys() == {"two"}
    assert "logging.logEntries.list denied" in answer.envelope["refused_projects"]["two"]
    assert len(mock.asked) == 4
    with pytest.raises(NotPermitted, match=r"roles/logging\.viewer"):
        mock.client("two", "four").entries(ON_DAY)


def test_many_projects_are_asked_a_hundred_at_a_time() -> None:
    mock = MockLogging({f"p-{n}": [] for n in range(101)})
    [answer] = mock.client().entries(ON_DAY)
    assert [len(body["resourceNames"]) for body in mock.asked] == [100, 1]
    assert (answer.records, answer.pages) == ([], 2)


def test_pages_are_joined_and_a_token_that_comes_twice_is_refused() -> None:
    entries = [entry(n, apiRequest={}) for n in range(5)]
    mock = MockLogging({PROJECT: entries}, a_page=2)
    assert rows_of(mock.client().entries(ON_DAY))[0]["api_requests"] == 5
    assert len(mock.asked) == 3
    again = {"entries": [], "nextPageToken": "same"}
    with pytest.raises(IncompleteAnswer, match="the same page token twice"):
        answering(again, again).entries(ON_DAY)


def test_an_entry_that_comes_twice_counts_once() -> None:
    row = row_of(entry(1, apiRequest={}), entry(1, apiRequest={}), entry(2, apiRequest={}))
    assert (row["api_requests"], row["record_count"]) == (2, 3)


def test_lines_are_the_largest_count_of_each_request_and_unknown_if_one_is() -> None:
    growing = [entry(1, codeAcceptance=accepted("a", "7")), entry(2, codeAcceptance=accepted("a", 3))]
    assert row_of(*growing)["code_lines_accepted"] == 7
    other = entry(3, codeAcceptance=accepted("b", 5))
    assert (row_of(*growing, other)["code_acceptances"], row_of(*growing, other)["code_lines_accepted"]) == (2, 12)
    assert row_of(other, entry(4, codeAcceptance=accepted("c")))["code_lines_accepted"] is None
    assert row_of(other, entry(4, codeAcceptance=accepted("c", "many")))["code_lines_accepted"] is None


def test_without_the_id_of_a_request_each_entry_is_one_of_its_own() -> None:
    shown = [entry(n, codeExposure={}) for n in (1, 2)]
    assert row_of(*shown, entry(3, codeAcceptance=accepted(None, 2)))["code_exposures"] == 2


def test_people_are_one_whatever_the_case_of_their_address_and_an_entry_without_one_is_kept() -> None:
    rows = rows_of(
        MockLogging(
            {PROJECT: [entry(1, user="Dev@Example.com"), entry(2, user="dev@example.com"), entry(3, user=None)]}
        )
        .client()
        .entries(ON_DAY)
    )
    assert {(row["user_email"], row["record_count"]) for row in rows} == {("dev@example.com", 2), (None, 1)}
