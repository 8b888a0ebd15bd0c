"""A stored answer is used only for the exact question that it answers; any other question goes to the engine."""

import json
from pathlib import Path

import pytest

from ai_usage_tests.googlesql import engine, record
from ai_usage_tests.googlesql.engine import SUFFIX, Found, GoogleEngine


class Asked(GoogleEngine):
    """A worker that answers everything with one row."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[str] = []

    def _sent(self, request: str) -> bytes:
        self.questions.append(json.loads(request)["do"])
        return b'{"columns": [["n", "INT64"]], "rows": [[1]]}'


@pytest.fixture(autouse=True)
def _nothing_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "ANSWERS", tmp_path / "answers.txt.xz")
    monkeypatch.setattr(record, "ANSWERS", tmp_path / "answers.txt.xz")
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    monkeypatch.setattr(engine, "kept", lambda name, make: _kept(tmp_path / name, make()))
    engine.in_the_repository.cache_clear()
    monkeypatch.setattr(engine, "in_the_repository", engine.in_the_repository.__wrapped__)


def _kept(file: Path, answer: bytes) -> bytes:
    file.write_bytes(answer)
    return answer


def asked(sql: str) -> tuple[Found, list[str]]:
    google = Asked()
    google.declare("empty", [], {})
    return google.evaluate("empty", sql, {}), google.questions


def test_what_is_recorded_is_not_asked_and_what_differs_is(tmp_path: Path) -> None:
    found, questions = asked("select 1 as n")
    assert questions == ["declare", "evaluate"]
    assert len(list(tmp_path.glob(f"*{SUFFIX}"))) == 1
    record.pack()
    assert asked("select 1 as n") == (found, [])
    assert asked("select 2 as n")[1] == ["declare", "evaluate"]
