"""With AI_USAGE_PSEUDONYMS no output names a person: not by address, not by name, not by the name of a key."""

import shutil
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ai_usage.alerts.message import compose
from ai_usage.alerts.news import News, Severity
from ai_usage.checks.results import CheckResult
from ai_usage.commands import demo
from ai_usage.commands.__main__ import command_settings, main
from ai_usage.commands.refresh import Outcome, print_troubles
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.dashboards.assets import write_board
from ai_usage.dashboards.boards import boards
from ai_usage.providers.summary import Shares
from ai_usage.redaction import KnownPeople, Redaction, pseudonym
from ai_usage.warehouse.people import known_people
from ai_usage.warehouse.published_people import redaction
from ai_usage_tests.mock_claude import KEY
from ai_usage_tests.named import ADDRESS, KEY_NAME, NAME, names_her, places_that_name_her
from ai_usage_tests.platform import Platform, platform_in
from ai_usage_tests.printed import printed

SALT = "0123456789abcdef"
WHO = pseudonym(ADDRESS, SALT)
SENTENCE = f"the key {KEY_NAME} of {ADDRESS} ({NAME}) spent 12 USD; lina_xu and Xu Lina too"


@pytest.fixture
def folder(named_world: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a company with a key that is named after its developer."""
    named_world.copy(tmp_path)
    shutil.copyfile(tmp_path / "ai_usage.duckdb", tmp_path / "ai_usage_published.duckdb")
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AI_USAGE_PSEUDONYMS", SALT)
    for console in (OUT, ERR):
        monkeypatch.setattr(console, "redact", str)
    return tmp_path


def made_by(folder: Path, *, but: tuple[str, ...] = ("ai_usage.duckdb", "ai_usage_published.duckdb")) -> set[str]:
    """Everything that names her, except in the warehouse itself."""
    return {place for place in places_that_name_her(folder) if place.split(":")[0] not in but}


def test_no_page_names_a_person(folder: Path) -> None:
    warehouse = platform_in(folder).warehouse
    for board in boards():
        write_board(warehouse, board, command_settings())
    assert made_by(folder) == set()
    allocation = (folder / "site" / "cost_allocation.html").read_text("utf-8")
    assert WHO in allocation
    assert f"claude_code_key_{WHO}" in allocation


def test_no_message_names_a_person(folder: Path) -> None:
    news = [
        News(key="k", severity=Severity.WARNING, title=SENTENCE, topic="", text=SENTENCE, link=f"http://x/{ADDRESS}")
    ]
    [message] = compose(news, is_simulated=False, redact=redaction(command_settings()))
    assert WHO in message.text
    assert not names_her(message.text)
    assert not names_her(message.subject)


def test_no_command_prints_a_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export_focus", "2026-11"]) in {0, 1}
    print_troubles(
        Outcome({"core__x": SENTENCE}, not_evaluated=[], evaluations=[], skipped={f"raw/{ADDRESS}": SENTENCE})
    )
    people = [{"label": ADDRESS, "cost_usd": Decimal(1)}, {"label": KEY_NAME, "cost_usd": Decimal(1)}]
    OUT.print(demo._shares(Shares("Top people", people, None)))
    ERR.print(CheckResult("marts/ai_spend", "x", None, "failed", SENTENCE).why)
    output = printed(capsys)
    assert WHO in output
    assert not names_her(output)


def test_no_focus_file_names_a_person(folder: Path) -> None:
    assert main(["export_focus", "2026-11"]) in {0, 1}
    assert made_by(folder) == set()
    [parquet] = (folder / "exports").glob("*.parquet")
    rows = pl.read_parquet(parquet)
    texts = {text for name in rows.select(pl.col(pl.String)).columns for text in rows[name].drop_nulls().unique()}
    assert not any(names_her(text) for text in texts)
    assert WHO in texts


def test_no_as_of_file_names_a_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["as_of", "2026-11-20T13:00:00Z", "2026-11-10", "2026-11-11"]) in {0, 1}
    output = printed(capsys)
    assert "with pseudonyms for people" in output
    assert not names_her(output)
    assert made_by(folder) == set()
    [file] = (folder / "as_of").glob("*.duckdb")
    then = platform_in(folder)
    then.warehouse.path, then.warehouse.is_read_only = file, True
    assert then.dollars() == platform_in(folder).dollars()
    assert then.sql("select distinct user_email from ai_usage_analytics.claude_code_usage_stats") == [(WHO,)]
    assert then.sql("select count(*) from ai_usage_raw.pulls") == [(0,)]


def test_without_a_salt_everything_is_named_as_it_is() -> None:
    assert Redaction()(SENTENCE) == SENTENCE


def test_a_key_named_after_a_person_is_shown_by_its_id(named_world: Platform) -> None:
    people = known_people(named_world.warehouse)
    assert people.addresses["lina xu"] == ADDRESS
    assert people.keys == {"claude code key lina xu": KEY["id"]}


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("key lina-laptop: 3 USD", "key apikey_7: 3 USD"),
        ("team dev spends, key dev-server too", "team dev spends, key dev-server too"),
        ("claude_code_key_somebody.new", f"claude_code_key_{pseudonym('somebody.new', SALT)}"),
        ("Claude_Code_Key_lina.xu", f"Claude_Code_Key_{WHO}"),
        ('{"why": "key lina-laptop"}', '{"why": "key apikey_7"}'),
        ("https://x/?who=lina.xu%40example.com", f"https://x/?who={WHO}"),
        ("the total is 12.50 USD", "the total is 12.50 USD"),
    ],
)
def test_names_of_keys_and_people_in_any_text(text: str, instead: str) -> None:
    people = KnownPeople({ADDRESS: ADDRESS, "lina xu": ADDRESS}, {"lina laptop": "apikey_7"})
    assert Redaction(salt=SALT, people=lambda: people)(text) == instead


def test_a_command_without_pseudonyms_does_not_keep_those_of_the_one_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["sheet_template", str(folder / "one")]) == 0
    assert OUT.redact(ADDRESS) != ADDRESS
    monkeypatch.setenv("AI_USAGE_PSEUDONYMS", "")
    assert main(["sheet_template", str(folder / "two")]) == 0
    assert OUT.redact(ADDRESS) == ADDRESS
