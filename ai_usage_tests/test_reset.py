"""`make reset`: it asks, deletes only files that our commands made, and never runs while the data are in use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_usage.commands import terminal
from ai_usage.commands.__main__ import command_settings, main
from ai_usage.commands.data_folder import DAEMON, in_use
from ai_usage.errors import WarehouseError
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform
from ai_usage_tests.printed import printed
from ai_usage_tests.warehouse.test_duckdb import child
from ai_usage_tests.warehouse.test_ledger import append
from ai_usage_tests.warehouse.writing import answer


@pytest.fixture
def folder(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with all files that commands leave in it, and two files of another owner."""
    folder = platform.warehouse.path.parent
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(folder))
    for path in ("dagster/history/runs.db", "site/index.html", "as_of/then.duckdb", "exports/focus.csv", "mine/notes"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x", encoding="utf-8")
    for name in ("first_day", "ai_usage_published.duckdb", "bench.json", "mine.txt"):
        (folder / name).write_text("x", encoding="utf-8")
    (folder / "published.duckdb").unlink(missing_ok=True)
    return folder


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def simulated(platform: Platform, folder: Path) -> Path:
    append(platform, answer(DAY, "1", is_simulated=True), answer(NEXT, "1", is_simulated=True))
    return folder_with_copy(platform, folder)


@pytest.fixture
def real(platform: Platform, folder: Path) -> Path:
    append(platform, answer(DAY, "1"))
    return folder_with_copy(platform, folder)


def folder_with_copy(platform: Platform, folder: Path) -> Path:
    (folder / "ai_usage_published.duckdb").unlink()
    platform.warehouse.published_path = folder / "ai_usage_published.duckdb"
    platform.warehouse.publish()
    return folder


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The person's inputs, first to last; then the input ends."""
    typed: list[str] = []

    def read(*_: object, **__: object) -> str:
        if not typed:
            raise EOFError
        return typed.pop(0)

    monkeypatch.setattr(terminal.OUT, "input", read)
    yield typed
    assert typed == []


def test_it_lists_what_it_deletes_asks_and_leaves_what_is_not_ours(
    simulated: Path, answers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    answers[:] = ["Y"]
    assert main(["reset"]) == 0
    output = printed(capsys)
    assert f"{simulated} holds SIMULATED data of 2 days, {DAY} to {NEXT}. To be deleted:" in output
    for name in ("ai_usage.duckdb", "ai_usage_published.duckdb", "dagster", "site", "as_of", "exports", "first_day"):
        assert name in output
    assert "mine" not in output
    assert left(simulated) == {"mine", "mine.txt"}
    assert main(["reset"]) == 0
    assert "There is nothing of ours" in printed(capsys)


@pytest.mark.parametrize("typed", ["n", "", "no", "yes please"])
def test_whatever_is_not_yes_deletes_nothing(
    simulated: Path, answers: list[str], capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    before = left(simulated)
    answers[:] = [typed]
    assert main(["reset"]) == 2
    assert "Nothing was deleted." in printed(capsys)
    assert left(simulated) >= before


def test_without_a_terminal_nothing_is_deleted_unless_yes_was_given(
    simulated: Path, answers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reset"]) == 2
    assert "In a script: make reset YES=1" in printed(capsys)
    assert main(["reset", "--yes"]) == 0
    assert left(simulated) == {"mine", "mine.txt"}


def test_real_data_are_deleted_only_by_whoever_types_that(
    real: Path, answers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No provider sends a year of data again."""
    before = left(real)
    for command, typed in ((["reset", "--yes"], []), (["reset"], ["y"])):
        answers[:] = typed
        assert main(command) == 2
        output = printed(capsys)
        assert f"holds REAL data of 1 days, {DAY} to {DAY}" in output
        assert "older days cannot be pulled again" in output
        assert left(real) >= before
    answers[:] = ["delete real data"]
    assert main(["reset"]) == 0
    assert left(real) == {"mine", "mine.txt"}


def test_a_damaged_warehouse_is_not_taken_for_a_simulated_one(
    simulated: Path, answers: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (simulated / "ai_usage_published.duckdb").unlink()
    whole = (simulated / "ai_usage.duckdb").read_bytes()
    (simulated / "ai_usage.duckdb").write_bytes(whole[:9000])
    assert main(["reset", "--yes"]) == 2
    assert "holds a warehouse that cannot be read" in printed(capsys)
    answers[:] = ["delete real data"]
    assert main(["reset"]) == 0


def test_nothing_is_deleted_while_another_process_has_the_warehouse(
    simulated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = left(simulated)
    deed = "with warehouse.connected(): print('there', file=sys.stderr, flush=True); __import__('time').sleep(60)"
    other = child(simulated, deed)
    try:
        assert other.stderr is not None
        assert other.stderr.readline() == "there\n"
        assert main(["reset", "--yes"]) == 2
        assert "is in use by another process" in printed(capsys)
        assert left(simulated) >= before
    finally:
        other.kill()
        other.communicate()


def test_nothing_is_deleted_while_a_command_works_on_it(simulated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of = command_settings()
    before = left(simulated)
    with in_use(of):
        assert main(["reset", "--yes"]) == 2
    assert "A command is working in" in printed(capsys)
    assert left(simulated) >= before


def test_there_is_one_ui_and_any_number_of_other_commands(simulated: Path) -> None:
    of = command_settings()
    one = in_use(of, DAEMON, alone="one is enough")
    two = in_use(of, DAEMON, alone="one is enough")
    with in_use(of), in_use(of), one, pytest.raises(WarehouseError, match="one is enough"), two:
        pass
    with in_use(of, DAEMON, alone="one is enough"):
        pass
