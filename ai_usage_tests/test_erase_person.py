"""`make erase-person`: afterwards nothing in the data folder names the person, and every amount is unchanged."""

import base64
import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import pytest

from ai_usage.alerts.message import compose
from ai_usage.alerts.news import News, Severity
from ai_usage.alerts.outbox import Outbox
from ai_usage.alerts.resource import FILE
from ai_usage.checks.registry import CHECKS
from ai_usage.commands import erase_person, terminal
from ai_usage.commands.__main__ import command_settings, main
from ai_usage.commands.data_folder import in_use, prepare_instance
from ai_usage.commands.leftovers import Wanted, files_with, rewrite_database
from ai_usage.partitions import Span
from ai_usage.phrases import Phrases, canonical, word_count
from ai_usage.warehouse.duckdb.identity import Identity
from ai_usage.warehouse.duckdb.spare_copy import spares
from ai_usage.warehouse.erasures import ERASURES, Erased, entries
from ai_usage_tests.mock_claude import DAY, NEXT, ordinary
from ai_usage_tests.named import ADDRESS, KEY_NAME, NAME, duckdb_columns, named, places_that_name_her
from ai_usage_tests.platform import OF_OTHERS, Platform, contents, graph, platform_in
from ai_usage_tests.printed import printed

BOTH = Span(DAY, NEXT)
KEYED = "00" * 16


@pytest.fixture
def folder(left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of `left`, which the commands find."""
    _at(tmp_path, monkeypatch)
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    return tmp_path


def _at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(folder))
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))


@pytest.fixture(scope="module")
def left(named_world: Platform, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with everything that a platform leaves in it; each part names her."""
    folder = tmp_path_factory.mktemp("left")
    with pytest.MonkeyPatch.context() as monkeypatch:
        _at(folder, monkeypatch)
        _leave_all(folder, named_world)
    return folder


def _leave_all(folder: Path, named_world: Platform) -> None:
    named_world.copy(folder)
    of = command_settings()
    prepare_instance(of)
    shutil.copyfile(of.database, of.published_database)
    of.published_database.chmod(0o444)
    for spare in spares(of.published_database):
        shutil.copyfile(of.database, spare)
    run_that_names_her()
    outbox = Outbox(of.dagster_home / FILE)
    news = [
        News(key=f"anomaly {ADDRESS}", severity=Severity.WARNING, title="Unusual", topic="", text=f"key {KEY_NAME}")
    ]
    with outbox.transaction() as memory:
        memory.saw(f"check/{ADDRESS}", event_id=1, gravity=1, why=f"{NAME} spent")
        memory.put(compose(news, is_simulated=False, redact=str), news, ["slack"], datetime.now(UTC))
    for name in ("as_of/then.duckdb", "exports/focus.csv", "site/cost_allocation.html", "dagster/storage/x/out.log"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the key of {ADDRESS}, or {quote(ADDRESS)}\n", encoding="utf-8")


def run_that_names_her() -> None:
    """A run in Dagster's storage: metadata, a log line, an error and a tag, each with her name."""

    @dg.asset
    def spend(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        context.log.warning("the key %s of %s", KEY_NAME, NAME)
        rows = dg.MetadataValue.json([{"user_email": ADDRESS, "why": f'"{ADDRESS.upper()}"'}])
        return dg.MaterializeResult(metadata={"who": ADDRESS, "rows": rows})

    @dg.asset(deps=[spend])
    def fails() -> None:
        raise ValueError(f"{ADDRESS} is unknown")

    with dg.DagsterInstance.get() as instance:
        dg.materialize([spend, fails], instance=instance, raise_on_error=False, tags={"owner": ADDRESS})


def erase(*more: str) -> int:
    return main(["erase_person", ADDRESS, "--yes", *more])


def platform_of(folder: Path) -> Platform:
    return named(platform_in(folder))


def passed(platform: Platform) -> set[tuple[str, str, Any]]:
    """The checks that pass. Checks of tables of other providers than hers are left out: none of them is evaluated."""
    of_others = OF_OTHERS.resolve(graph())
    keys = (check.key for check in CHECKS if check.key.asset_key not in of_others)
    outcome = platform.materialize(dg.AssetSelection.checks(*keys), BOTH, platform.claude.admin())
    return {one.key for one in outcome.results if one.result == "passed"}


def test_afterwards_nothing_names_the_person_all_amounts_stand_and_checks_pass(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = passed(platform_of(folder))
    assert any(check == "ledger_is_whole" for _, check, _ in before)
    amounts = platform_of(folder).dollars(), platform_of(folder).dollars("ai_spend", "billed_usd")
    rows = {name: sum(map(len, days.values())) for name, days in contents(folder / "ai_usage.duckdb").items()}
    everywhere = places_that_name_her(folder)
    expected = ("as_of/then.duckdb", "alerts.sqlite: messages", "alerts.sqlite: news", "alerts.sqlite: standings")
    assert {*expected, "index.db: event_logs", "dagster/storage/x/out.log", "exports/focus.csv"} <= everywhere
    assert any("claude_code_usage.record" in place for place in everywhere)

    assert erase() == 0
    output = printed(capsys)

    assert places_that_name_her(folder) == set()
    assert files_with(folder, [ADDRESS]) == []
    assert ADDRESS not in output
    after = platform_of(folder)
    assert (after.dollars(), after.dollars("ai_spend", "billed_usd")) == amounts
    assert {n: sum(map(len, days.values())) for n, days in contents(folder / "ai_usage.duckdb").items()} == rows
    assert before <= passed(after)
    [(replacement, erased_at, counts)] = after.sql(f"select replacement, erased_at, counts from {ERASURES.address}")
    assert replacement in output
    assert erased_at
    assert "ai_usage_raw.claude_code_usage" in counts
    spenders = {row[0] for row in after.sql("select distinct user_email from ai_usage_analytics.ai_spend")}
    assert replacement in spenders
    assert (folder / "site" / "cost_allocation.html").exists()
    assert (folder / "ai_usage_published.duckdb").exists()


def test_what_the_provider_still_sends_is_rewritten_as_it_comes_in(folder: Path) -> None:
    platform = platform_of(folder)
    versions = "select count(*) from ai_usage_raw.pulls where records_pull_id = pull_id"
    assert erase() == 0
    before = contents(folder / "ai_usage.duckdb"), platform.sql(versions)
    platform.claude.days |= {DAY: ordinary(), NEXT: ordinary(20)}
    assert platform.run(span=BOTH).failed == {}
    (folder / "published.duckdb").unlink()
    assert platform.sql(versions) == before[1]  # nothing is new: the provider sends what the ledger has
    assert contents(folder / "ai_usage.duckdb")["ai_spend"] == before[0]["ai_spend"]
    assert list(duckdb_columns(folder / "ai_usage.duckdb")) == []


@pytest.mark.parametrize("killed", ["rewrite_folder", "rewrite", "write_all"])
def test_an_erasure_that_was_killed_is_finished_by_the_next_one(
    folder: Path, killed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erase_person, killed, dies)
        assert erase() == 130
    monkeypatch.setattr(erase_person, "write_all", lambda *_: [])
    assert erase() == 0
    assert places_that_name_her(folder) == set()
    assert platform_of(folder).sql(f"select count(*), count(erased_at) from {ERASURES.address}") == [(1, 1)]


def test_it_asks_and_erases_nothing_without_a_yes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (folder / "ai_usage.duckdb").read_bytes()
    monkeypatch.setattr(terminal.OUT, "input", lambda *_, **__: "no")
    assert main(["erase_person", ADDRESS]) == 2
    output = printed(capsys)
    assert f"addresses: {ADDRESS} names: {NAME} names of API keys: {KEY_NAME}" in output
    assert "Nothing was erased." in output
    assert (folder / "ai_usage.duckdb").read_bytes() == content


def test_an_address_that_nothing_names_erases_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--yes"]):  # there is no prompt
        assert main(["erase_person", "xu@example.com", *more]) == 1
        assert "Nothing in the warehouse names xu@example.com" in printed(capsys)
    assert platform_of(folder).sql(f"select count(*) from {ERASURES.address}") == [(0,)]
    assert main(["erase_person", "lina", "--yes"]) == 2


def test_the_folder_is_locked_meanwhile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "ai_usage.duckdb").read_bytes()
    with in_use(command_settings()):
        assert erase() == 2
    assert "is working in" in printed(capsys)
    assert (folder / "ai_usage.duckdb").read_bytes() == before


def test_files_that_are_not_ours_are_listed_and_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(erase_person, "write_all", lambda *_: [])
    encoded = base64.b64encode(f"x{ADDRESS}".encode())
    (folder / "mine").mkdir()
    (folder / "mine" / "token").write_bytes(b" " * (2**20 - 5) + encoded)  # across the edge of a block
    aside = "ai_usage.duckdb.before_restore_2026-11-05T060000Z"  # a name that make restore gives
    for name in ("mine/backup.duckdb", aside):
        shutil.copyfile(folder / "ai_usage.duckdb", folder / name)
    (folder / f"{aside}.wal").write_bytes(b"packed")
    assert erase() == 1
    output = printed(capsys)
    for name in (aside, f"{aside}.wal"):
        assert f"{name} is a copy of a warehouse, and may name them" in output
        assert (folder / name).exists()
    assert "token still has the address" in output
    assert "backup.duckdb is a copy of a warehouse" in output


@pytest.mark.parametrize("at", ["@", "\\u0040", "%40", "&#64;"])
@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])
def test_an_address_is_found_in_every_way_it_may_be_written(at: str, spelled: Callable[[str], str]) -> None:
    wanted = Wanted.of(["eve@example.com", ADDRESS])
    text = spelled(ADDRESS)
    found = [f'"{text.replace("@", at)}"'.encode()]
    if at == "@":
        found += [f"x{text}x".encode(encoding) for encoding in ("utf-16-le", "utf-16-be")]
        found += [base64.b64encode(b"x" * before + text.encode() + b"x") for before in range(3)]
    assert [wanted.is_in(each) for each in found] == [True] * len(found)
    others = [f"anna.{text.replace('@', at)}", f"{text.replace('@', at)}.au", text.partition("@")[0]]
    assert not any(wanted.is_in(each.encode()) for each in others)


def test_tables_of_others_stay_and_are_rewritten_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(erase_person, "write_all", lambda *_: [])
    platform = platform_of(folder)
    platform.sql("create schema mine")
    platform.sql(f"create table mine.notes as select 7 as n, '{ADDRESS}' as who, current_date as at")
    platform.sql(f"create view mine.mean as select '{ADDRESS}' as who")
    assert erase() == 2
    assert "has views or macros of your own: mine.mean." in printed(capsys)
    platform.sql("drop view mine.mean")
    assert erase() == 0
    [(number, who)] = platform_of(folder).sql("select n, who from mine.notes")
    assert (number, who.endswith("@erased.invalid")) == (7, True)
    assert places_that_name_her(folder) == set()


def erased(identity: Identity) -> Erased:
    phrases = entries(identity.phrases("erased-1"), KEYED)
    return Erased(KEYED, {entry.digest: entry for entry in phrases})


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("Lina.Xu@Example.com", "erased-1@erased.invalid"),
        ("<lina.xu@example.com>.", "<erased-1@erased.invalid>."),
        ("anna.lina.xu@example.com", "anna.lina.xu@example.com"),
        ("lina.xu@example.com.au", "lina.xu@example.com.au"),
        ("lina.xu@other.com", "lina.xu@other.com"),
        ("evalina.xu", "evalina.xu"),
        ("claude_code_key_lina.xu", "claude_code_key_erased-1"),
        ("xu, lina's laptop", "xu, lina's laptop"),
        ("q=lina.xu%40example.com&x=1", "q=erased-1@erased.invalid&x=1"),
        ('{"cost":1.10,"by":"lina.xu\\u0040example.com"}', '{"cost":1.10,"by":"erased-1@erased.invalid"}'),
        ('{"m":"{\\"n\\": \\"LINA XU\\"}"}', '{"m":"{\\"n\\": \\"erased-1\\"}"}'),
        ('[1,2.50,"lina_xu"]', '[1,2.50,"erased-1"]'),
        ("{not json lina.xu", "{not json erased-1"),
        ('[lina.xu@example.com] answered "no" to lina.xu', '[erased-1@erased.invalid] answered "no" to erased-1'),
        ('why: {"by": "lina.xu\\u0040example.com"}', 'why: {"by": "erased-1@erased.invalid"}'),
        ('{"a": [true, null, 1e5, "x"]}', '{"a": [true, null, 1e5, "x"]}'),
    ],
)
def test_what_is_rewritten_and_what_belongs_to_another_person(text: str, instead: str) -> None:
    assert erased(Identity([ADDRESS], {NAME})).text(text) == instead


def test_a_name_of_one_word_is_rewritten_in_their_own_records_alone() -> None:
    """A team may be called like a person."""
    of = erased(Identity(["dev@example.com"], {"Dev"}, accounts={"user_1"}, keys={"dev", "dev-laptop"}))
    assert of.text('{"id":"user_9","name":"Dev"}') == '{"id":"user_9","name":"Dev"}'
    assert of.text('{"id":"user_1","name":"Dev"}') == '{"id":"user_1","name":"erased-1"}'
    assert of.text("the team dev pays for dev-laptop") == "the team dev pays for erased-1-laptop"
    assert of.row({"user_email": "dev@example.com", "user_name": "Dev", "team_name": "Dev"}) == {
        "user_email": "erased-1@erased.invalid",
        "user_name": "erased-1",
    }
    assert of.row({"user_email": "eve@example.com", "user_name": "Dev"}) == {}
    assert of.text('{"name":"claude_code_key_dev"}') == '{"name":"claude_code_key_erased-1"}'


def test_two_people_of_one_name_are_kept_apart() -> None:
    of = erased(Identity([ADDRESS], {NAME}, of_others={canonical(NAME)}))
    assert of.text('{"email":"lina.xu2@example.com","name":"Lina Xu"}') == (
        '{"email":"lina.xu2@example.com","name":"Lina Xu"}'
    )
    assert (
        of.text(f'{{"email":"{ADDRESS}","name":"Lina Xu"}}') == '{"email":"erased-1@erased.invalid","name":"erased-1"}'
    )


def test_each_address_of_a_person_gets_one_of_its_own() -> None:
    of = erased(Identity([ADDRESS, "xu@example.com"], {NAME}))
    assert of.text(f"{ADDRESS} xu@example.com") == "erased-1@erased.invalid erased-1.1@erased.invalid"


def test_a_database_keeps_no_byte_of_what_was_rewritten(tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    db = sqlite3.connect(file)
    db.execute("pragma journal_mode = wal")
    db.execute("create table news (key text primary key, body blob)")
    db.executemany("insert into news values (?, ?)", [(ADDRESS, NAME.encode()), ("gone", None), (os.urandom(9), None)])
    db.execute("insert into news values ('she', ?)", [ADDRESS])
    db.commit()
    db.close()
    phrases = {canonical(NAME): "gone", ADDRESS: "gone"}
    assert rewrite_database(file, Phrases(phrases.get, {word_count(each) for each in phrases}).replaced) == 2
    assert places_that_name_her(tmp_path) == set()
    assert sqlite3.connect(file).execute("select key from news where body = 'gone'").fetchall() == [("she",)]
