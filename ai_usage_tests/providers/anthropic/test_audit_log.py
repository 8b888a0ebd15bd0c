"""An audit-log export, in each way it may be saved: its events to the instant, or one sentence that names the line."""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ai_usage.partitions import Span
from ai_usage.providers.anthropic.audit_log.csv_file import AuditLog, UnreadableUpload, read_audit_log
from ai_usage.providers.anthropic.audit_log.folder import Uploads, answers, is_whole
from ai_usage.providers.anthropic.audit_log.records import AuditEvent
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.providers.anthropic.exports import HEADER, PRIVATE, event, put, text

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ALL = Span(date(2026, 1, 1), date(2026, 11, 19))
ADA = AuditEvent(
    created_at=datetime(2026, 11, 10, 9, 15, tzinfo=UTC),
    event="conversation_created",
    actor_email="ada@example.com",
    actor_id="id-of-ada@example.com",
    entity_type="chat_conversation",
    entity_uuid="c-1",
    client_platform="web",
)


def read(folder: Path, *rows: list[str], wanted: Span = ALL) -> AuditLog:
    return read_audit_log(put(folder, "log.csv", *rows), wanted, now=NOW)


def read_text(folder: Path, content: str | bytes) -> AuditLog:
    path = folder / "log.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_audit_log(path, ALL, now=NOW)


def with_cell(name: str, cell: str, kind: str = "conversation_created") -> list[str]:
    row = event(kind=kind)
    row[HEADER.index(name)] = cell
    return row


def test_an_event_is_who_when_what_kind_and_on_which_thing_and_nothing_else(tmp_path: Path) -> None:
    assert read(tmp_path, event()).events == {ADA: 1}
    assert not any(private in repr(ADA) for private in PRIVATE)


SAVED: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "with a byte order mark": lambda content: content.encode("utf-8-sig"),
    "UTF-16": lambda content: content.encode("utf-16"),
    "UTF-16 big-endian": lambda content: b"\xfe\xff" + content.encode("utf-16-be"),
    "UTF-16 without a mark": lambda content: content.encode("utf-16-le"),
    "lines end in LF": lambda content: content.replace("\r\n", "\n").encode(),
    "lines end in CR": lambda content: content.replace("\r\n", "\r").encode(),
    "blank lines": lambda content: ("\r\n\r\n" + content.replace("\r\n", "\r\n\r\n")).encode(),
    "no line end at the end": lambda content: content.removesuffix("\r\n").encode(),
    "names in capitals": lambda content: content.replace("created_at", " CREATED_AT ").encode(),
}


@pytest.mark.parametrize("how", SAVED)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_however_the_file_was_saved_its_records_are_the_same(tmp_path: Path, how: str, delimiter: str) -> None:
    rows = [
        event(),
        event("2026-11-11T00:00:00Z", "bo@example.com"),
        with_cell("event_info", 'a "quoted"\nnew line; ,'),
    ]
    log = read_text(tmp_path, SAVED[how](text(rows, delimiter=delimiter)))
    assert Counter(e.actor_email for e in log.events.elements()) == {"ada@example.com": 2, "bo@example.com": 1}
    assert log.covers == Span(DAY, NEXT)


def test_columns_may_stand_anywhere_and_the_private_ones_may_be_gone(tmp_path: Path) -> None:
    kept = ["client_platform", "entity_info", "event", "actor_info", "created_at"]
    row = dict(zip(HEADER, event(), strict=True))
    path = tmp_path / "log.csv"
    path.write_text(text([[row[name] for name in kept]]).replace(",".join(HEADER), ",".join(kept)), encoding="utf-8")
    assert read_audit_log(path, ALL, now=NOW).events == {ADA: 1}


@pytest.mark.parametrize(
    ("cell", "email", "id_"),
    [
        ('{"email": " Ada@Example.com "}', "ada@example.com", None),
        ('{"email_address": "ada@example.com", "id": "u1"}', "ada@example.com", "u1"),
        ("{'email_address': 'ada@example.com', 'name': None, 'uuid': 'u2'}", "ada@example.com", "u2"),
        ("{'metadata': {'email_address': 'ada@example.com'}, 'ok': True}", "ada@example.com", None),
        ("{'name': 'O\\'Hara \\d', 'email': 'ada@example.com'}", "ada@example.com", None),
        ("{'type': 'system'}", None, None),
        ('{"email": null, "metadata": []}', None, None),
        ("", None, None),
        ("None", None, None),
    ],
)
def test_an_actor_is_read_from_json_or_python_under_several_names(
    tmp_path: Path, cell: str, email: str | None, id_: str | None
) -> None:
    [found] = read(tmp_path, with_cell("actor_info", cell)).events
    assert (found.actor_email, found.actor_id) == (email, id_)


@pytest.mark.parametrize(
    "at",
    ["2026-11-10T09:15:00+00:00", "2026-11-10 09:15:00", "2026-11-10 09:15:00.000000 UTC", "2026-11-10T10:15:00+01:00"],
)
def test_an_instant_is_the_same_however_it_is_spelled(tmp_path: Path, at: str) -> None:
    assert read(tmp_path, event(at)).events == {ADA: 1}


def test_the_day_is_the_utc_one(tmp_path: Path) -> None:
    log = read(tmp_path, event("2026-11-11T00:30:00+02:00"))
    assert log.covers == Span(DAY, DAY)


def test_events_of_other_days_are_read_past_and_still_covered(tmp_path: Path) -> None:
    log = read(tmp_path, event("2026-06-01T00:00:00Z"), event(), event("2026-11-18T01:00:00Z"), wanted=Span(DAY, DAY))
    assert log.events == {ADA: 1}
    assert log.covers == Span(date(2026, 6, 1), date(2026, 11, 18))


def test_a_file_with_a_header_alone_covers_nothing(tmp_path: Path) -> None:
    log = read(tmp_path)
    assert (log.covers, log.events) == (None, {})


GOOD = text([event(), event()])
HEAD = ",".join(HEADER)
TWO_LINES = with_cell("event_info", "two\nlines")
BAD: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "line 1: the file is empty"),
    "no header": (GOOD.partition("\r\n")[2], "line 1: there is no header"),
    "another file": ("name,amount\r\na,1\r\n", "line 1: there is no header"),
    "a missing column": (GOOD.replace("actor_info", "actor"), "line 1: the header must name actor_info once"),
    "a column twice": (GOOD.replace("event_info", "event"), "line 1: the header must name event once"),
    "Latin-1": (GOOD.replace("web", "wéb").encode("latin-1"), "is neither UTF-8 nor UTF-16 text"),
    "cut in a row": (GOOD[:-20], "line 3: 8 cells stand where the header has 9"),
    "cut in a quote": (GOOD[: GOOD.rindex("{")], "line 3: the quotes do not add up"),
    "text after a quote": (GOOD.replace('""}"', '""}"x', 1), "line 2: the quotes do not add up"),
    "a cell too many": (GOOD + HEAD + ",x\r\n", "line 4: 10 cells"),
    "an American date": (text([TWO_LINES, event("11/10/2026 09:15")]), "line 4: created_at is no instant"),
    "no date": (text([event("")]), "line 2: created_at is no instant"),
    "the year 1": (text([event("0001-01-01T00:00:00+14:00")]), "line 2: created_at is no instant"),
    "1970": (text([event("1970-01-01T00:00:00Z")]), "line 2: created_at is not between 2023 and now"),
    "the future": (text([event("2026-11-22T00:00:00Z")]), "line 2: created_at is not between"),
    "a huge field": (text([event(), with_cell("event_info", "x" * 200_000)]), "line 3: a field is too long"),
    "an actor in prose": (text([with_cell("actor_info", "Ada Planted")]), "line 2: actor_info is neither JSON nor"),
    "an actor as code": (text([with_cell("actor_info", "__import__('os').abort()")]), "line 2: actor_info is neither"),
    "an actor as a list": (text([with_cell("actor_info", '["ada@example.com"]')]), "line 2: actor_info is neither"),
    "an actor too deep": (text([with_cell("actor_info", "[" * 50_000)]), "line 2: actor_info is neither"),
    "an unhashable one": (text([with_cell("entity_info", "{{}: 1}")]), "line 2: entity_info is neither"),
    "no event": (text([with_cell("event", " ")]), "line 2: event is empty"),
}


@pytest.mark.parametrize("harm", BAD)
def test_a_bad_file_is_one_sentence_that_names_file_line_and_cure_and_quotes_nothing(tmp_path: Path, harm: str) -> None:
    content, why = BAD[harm]
    with pytest.raises(UnreadableUpload, match=re.escape(why)) as caught:
        read_text(tmp_path, content)
    message = str(caught.value)
    assert str(tmp_path / "log.csv") in message
    assert "xport the log again" in message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert not any(private in message for private in (*PRIVATE, "11/10/2026", "ada@example.com"))


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableUpload, match=r"gone\.csv cannot be read: No such file"):
        read_audit_log(tmp_path / "gone.csv", ALL, now=NOW)
    (tmp_path / "a_file").touch()
    with pytest.raises(UnreadableUpload, match=r"AI_USAGE_UPLOADS_DIR.*Not a directory"):
        Uploads(tmp_path / "a_file", lambda: NOW).files()


def test_the_folders_files_are_its_csv_ones(tmp_path: Path) -> None:
    for name in ("b.CSV", "a.csv", "notes.txt", "._a.csv", "export.csv.zip"):
        (tmp_path / name).touch()
    (tmp_path / "folder.csv").mkdir()
    assert [path.name for path in Uploads(tmp_path, lambda: NOW).files()] == ["a.csv", "b.CSV"]
    assert Uploads(tmp_path / "none", lambda: NOW).files() == []


def counts(folder: Path, held: dict[date, Counter[AuditEvent]] | None = None) -> list[int]:
    """The day's events after each further file."""
    span = Span(DAY, DAY)
    return [len(answer.records) for answer in answers(Uploads(folder, lambda: NOW).audit_logs(span), span, held or {})]


def test_equal_events_of_one_file_all_count_and_those_of_two_files_once(tmp_path: Path) -> None:
    first = put(tmp_path, "a.csv", event(), event(), event(uuid="c-2"))
    assert counts(tmp_path) == [3]
    shutil.copy(first, tmp_path / "renamed.csv")
    assert counts(tmp_path) == [3]
    put(tmp_path, "c.csv", event(), event(), event(), event(uuid="c-3"))
    assert counts(tmp_path) == [3 + 1 + 1]


def test_each_covered_day_is_answered_even_if_idle_and_no_other(tmp_path: Path) -> None:
    days = Span(date(2026, 11, 9), date(2026, 11, 14))
    put(tmp_path, "a.csv", event(), event("2026-11-13T00:00:00Z"))
    [*found] = answers(Uploads(tmp_path, lambda: NOW).audit_logs(days), days, {})
    assert {answer.day: len(answer.records) for answer in found} == {
        date(2026, 11, 10 + n): count for n, count in enumerate([1, 0, 0, 1])
    }
    assert (found[0].source, found[0].request, found[0].is_simulated) == (
        "anthropic",
        {"files": ["a.csv"]},
        False,
    )
    assert json.loads(found[0].records[0]) == {
        "created_at": "2026-11-10T09:15:00Z",
        "event": "conversation_created",
        "actor_email": "ada@example.com",
        "actor_id": "id-of-ada@example.com",
        "entity_type": "chat_conversation",
        "entity_uuid": "c-1",
        "client_platform": "web",
    }


def test_on_a_day_that_no_file_covers_whole_the_ledger_keeps_the_records_of_earlier_files(tmp_path: Path) -> None:
    earlier = event("2026-11-10T01:00:00Z", uuid="c-0")
    held = {DAY: Counter(read(tmp_path, earlier, event()).events)}
    put(tmp_path, "log.csv", event(), event("2026-11-18T00:00:00Z"))
    logs = Uploads(tmp_path, lambda: NOW).audit_logs(Span(DAY, DAY))
    assert not is_whole(DAY, logs)
    assert counts(tmp_path, held=held) == [2]
    put(tmp_path, "log.csv", event("2026-11-09T00:00:00Z"), event(), event("2026-11-18T00:00:00Z"))
    assert is_whole(DAY, Uploads(tmp_path, lambda: NOW).audit_logs(Span(DAY, DAY)))
    assert counts(tmp_path, held=held) == [1]  # a file that covers the whole day replaces it
