"""A warehouse of an earlier release opens, keeps its ledger, and is migrated to the current schema."""

import hashlib
import lzma
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from ai_usage.catalog import FUNCTIONS, TABLES
from ai_usage.checks.result_table import CHECK_RESULTS
from ai_usage.core.people import aliases_of
from ai_usage.core.person_accounts import account_rows
from ai_usage.errors import OfAnotherRelease
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.rows.lists import Organization
from ai_usage.providers.anthropic.rows.usage_and_cost import usage_rows
from ai_usage.providers.anthropic.tables import CLAUDE_USAGE_TOKENS
from ai_usage.providers.registry import BY_KEY
from ai_usage.warehouse import migrations
from ai_usage.warehouse.builds import BUILDS, Build
from ai_usage.warehouse.duckdb import statements
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.erasures import ERASURES
from ai_usage.warehouse.migrations import SCHEMA, VERSION, Change, Made, changes
from ai_usage.warehouse.table import ANALYTICS, PULLS, RAW, Table, Type, day, integer, string
from ai_usage_tests.platform import Platform

MADE_BEFORE = Path(__file__).parent.parent / "fixtures" / "made_by_8e05b69.duckdb.xz"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAYS = "between date '2026-11-03' and date '2026-11-05'"

SEATS = Table(
    name="seats_used",
    grain="one seat",
    columns={"activity_date": day("the day"), "seat_id": string("the seat"), "uses": integer("uses", required=False)},
)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three simulated days in a file that commit 8e05b69 wrote."""
    file = tmp_path_factory.mktemp("made_before") / "ai_usage.duckdb"
    file.write_bytes(lzma.decompress(MADE_BEFORE.read_bytes()))
    return file


@pytest.fixture(scope="module")
def migrated(before: Path, tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    """The same file, opened by today's code."""
    file = tmp_path_factory.mktemp("migrated") / "ai_usage.duckdb"
    file.write_bytes(before.read_bytes())
    warehouse = opened(file)
    with warehouse.connected():
        pass
    return warehouse


def opened(file: Path) -> DuckDBWarehouse:
    return DuckDBWarehouse(
        file, file.with_name("published.duckdb"), TABLES, lambda: NOW, functions=FUNCTIONS, patience=5
    )


@pytest.fixture
def db(before: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(before), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def test_every_pull_and_record_of_an_earlier_release_stays(
    db: duckdb.DuckDBPyConnection, migrated: DuckDBWarehouse
) -> None:
    names = [name for (name,) in db.execute("show tables from ai_usage_raw").fetchall()]
    assert len(names) > 20
    for name in names:
        columns = ", ".join(row[0] for row in db.execute(f"describe {RAW}.{name}").fetchall())
        count = f"select count(*) as n, sum(hash({columns})) as digest from {RAW}.{name}"
        with migrated.connected() as today:
            assert today.execute(count).fetchall() == db.execute(count).fetchall(), name


def test_pulls_of_before_accounts_have_the_account_that_was_asked(
    db: duckdb.DuckDBPyConnection, migrated: DuckDBWarehouse
) -> None:
    """The users were pulled with the key of the Enterprise organization, everything else with the default account's
    key.
    """
    pulls = {pull for (pull,) in db.execute(f"select distinct pull from {PULLS.address}").fetchall()}
    found = migrated.ask(f"select distinct pull, account from {PULLS.address}").rows()
    assert dict(found) == dict.fromkeys(pulls, "default") | {"claude_enterprise_users": "enterprise"}
    assert len(found) == len(pulls)
    for table in TABLES:
        if (account := table.columns.get("account")) and account.required and not table.view_of:
            accounts = set(migrated.ask(f"select distinct account from {table.address}")["account"])
            is_of_people = table.name in ("claude_enterprise_users", "claude_usage_stats", "claude_audit_log")
            assert accounts <= {"enterprise" if is_of_people else "default"} or table is PULLS, table.name


def test_no_day_of_before_accounts_is_missing_or_there_twice(
    db: duckdb.DuckDBPyConnection, migrated: DuckDBWarehouse
) -> None:
    days = Span(date(2026, 11, 3), date(2026, 11, 5))
    for pull in ("claude_enterprise_users", "claude_cost_report", "cursor_usage_events"):
        kept = db.execute(
            f"select count(*), count(distinct activity_date) from {RAW}.{pull} where activity_date {DAYS}"
        )
        newest = migrated.newest(pull, days)
        assert (newest.lines.height, newest.versions.height) == kept.fetchone(), pull


def test_the_money_of_an_earlier_release_stays(db: duckdb.DuckDBPyConnection, migrated: DuckDBWarehouse) -> None:
    for table, amount, when in (
        ("claude_costs", "amount_usd", "activity_date"),
        ("cursor_usage_events", "charged_usd", "activity_date"),
        ("ai_spend", "billed_usd", "spend_date"),
    ):
        total = f"select count(*) as n, sum({amount}) as usd from {ANALYTICS}.{table} where {when} {DAYS}"
        with migrated.connected() as today:
            found = today.execute(total).fetchall()
        assert found == db.execute(total).fetchall(), table
        assert found[0][1] > 0, table


def test_a_table_that_gained_a_column_counts_as_not_built(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    built = Build("marts/ai_spend", [NOW.date()], began=1)
    warehouse = opened(tmp_path / "ai_usage.duckdb")
    warehouse.note_build(built)
    warehouse.keep_builds()
    assert replace(warehouse).ask(f"select * from {BUILDS.address}").height == 1
    with warehouse.connected() as connection:
        connection.execute(f"alter table {ANALYTICS}.ai_spend drop column platform")
    assert replace(warehouse).ask(f"select * from {BUILDS.address}").is_empty()
    assert "its days will be built again. New or changed tables: ai_spend." in caplog.text


def test_a_warehouse_of_before_erasures_gets_their_table_and_stays_built(tmp_path: Path) -> None:
    warehouse = opened(tmp_path / "ai_usage.duckdb")
    warehouse.note_build(Build("marts/ai_spend", [NOW.date()], began=1))
    warehouse.keep_builds()
    with warehouse.connected() as connection:
        connection.execute(f"drop table {ERASURES.address}")
    today = replace(warehouse)
    assert today.ask(f"select * from {ERASURES.address}").is_empty()
    assert today.ask(f"select * from {BUILDS.address}").height == 1


def test_cursor_s_user_ids_become_text(db: duckdb.DuckDBPyConnection, migrated: DuckDBWarehouse) -> None:
    ids = db.execute(f"select distinct user_id from {ANALYTICS}.cursor_usage_stats").fetchall()
    found = migrated.ask(f"select distinct cursor_user_id from {ANALYTICS}.cursor_usage_stats")["cursor_user_id"]
    assert {str(user_id) for (user_id,) in ids} == set(found)


def test_check_results_of_an_earlier_release_get_their_current_names(before: Path, tmp_path: Path) -> None:
    file = tmp_path / "ai_usage.duckdb"
    file.write_bytes(before.read_bytes())
    results = f"select * from {CHECK_RESULTS.address} order by all"
    with duckdb.connect(str(file)) as old:
        old.execute("set TimeZone = 'UTC'")
        old.execute(
            f"insert into {CHECK_RESULTS.address} values ('raw/cursor_spend', 'pull_is_recent', null, 'not judged', "
            "'Not configured.', timestamptz '2026-11-06 06:00:00+00', 'run-1')"
        )
        kept = old.execute(results).fetchall()
    assert len(kept) > 100
    with opened(file).connected() as today:
        names = [name for name, *_ in today.execute(f"describe {CHECK_RESULTS.address}").fetchall()]
        found = today.execute(results).fetchall()
    assert names == list(CHECK_RESULTS.columns)
    assert found == [tuple("not evaluated" if cell == "not judged" else cell for cell in row) for row in kept]


def test_members_of_an_earlier_release_are_those_that_its_ledger_lists(
    db: duckdb.DuckDBPyConnection, migrated: DuckDBWarehouse
) -> None:
    """`dim_person` had a column for each provider."""
    with migrated.connected() as today:
        columns = {row[0] for row in today.execute(f"describe {ANALYTICS}.dim_person").fetchall()}
        assert not columns & {"is_claude_member", "is_cursor_member"}
        aliases = aliases_of(migrated)
        for provider, flag in (("anthropic", "is_claude_member"), ("cursor", "is_cursor_member")):
            people = BY_KEY[provider].people
            assert people
            rows = account_rows(provider, people.members(migrated), aliases)
            before = db.execute(f"select distinct person_email from {ANALYTICS}.dim_person where {flag}").fetchall()
            assert {(row["person_email"],) for row in rows if row["is_member"]} == set(before)
            assert len(before) > 10


def test_every_table_of_an_earlier_release_takes_today_s_rows(migrated: DuckDBWarehouse) -> None:
    """Today a column may be nullable or renamed. Its old declaration must not refuse a row."""
    with migrated.connected() as today:
        required = {
            (f"{schema}.{table}", column)
            for schema, table, column in today.execute(
                "select table_schema, table_name, column_name from information_schema.columns where is_nullable = 'NO'"
            ).fetchall()
        }
    declared = {(t.address, name) for t in TABLES for name, column in t.columns.items() if column.required}
    assert required <= declared


def test_rows_that_an_earlier_release_made_for_days_never_pulled_are_deleted(before: Path, tmp_path: Path) -> None:
    """Case 28: the earlier release billed seats from the sheet for every day since the start date."""
    file = tmp_path / "ai_usage.duckdb"
    file.write_bytes(before.read_bytes())
    invented = [
        (f"{ANALYTICS}.ai_spend", "spend_date"),
        (f"{ANALYTICS}.active_people", "activity_date"),
        (f"{ANALYTICS}.spend_by_person", "month_start"),
    ]
    with duckdb.connect(str(file)) as old:
        for table, column in invented:
            old.execute(f"insert into {table} select * replace (date '2026-10-01' as {column}) from {table} limit 1")
        counted = [old.execute(f"select count(*) from {table}").fetchall() for table, _ in invented]
    with opened(file).connected() as today:
        for (table, column), [(rows,)] in zip(invented, counted, strict=True):
            assert today.execute(f"select count(*), min({column}) >= '2026-11-01' from {table}").fetchall() == [
                (rows - 1, True)
            ]


def test_a_file_made_today_has_nothing_to_migrate(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert opened(tmp_path / "fresh.duckdb").ask("select * from ai_usage_raw.pulls").is_empty()
    assert not caplog.records


def test_a_column_is_renamed_before_it_is_converted_and_keeps_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "RENAMED", {(SEATS.address, "seat_number"): "seat_id"})
    file = tmp_path / "old.duckdb"
    with duckdb.connect(str(file)) as old:
        old.execute(f"create schema {RAW}; create schema {ANALYTICS}; create table {PULLS.address} (pull_id varchar)")
        old.execute(
            f"create table {SEATS.address} (activity_date date not null, seat_number bigint not null, "
            "uses bigint not null, colour varchar not null)"
        )
        old.execute(f"insert into {SEATS.address} values ('2026-11-03', 7, 2, 'red')")
    warehouse = DuckDBWarehouse(file, file, [SEATS], lambda: NOW)
    assert warehouse.ask(f"select * from {SEATS.address}").rows() == [(NOW.date().replace(day=3), "7", 2)]
    unknown = SEATS.frame({"activity_date": [NOW.date()], "seat_id": [None], "uses": [None]})
    warehouse.replace_days(SEATS, [NOW.date()], unknown)
    assert warehouse.ask(f"select count(*) as n from {SEATS.address}").item() == 2


def test_a_file_stores_its_schema_version(migrated: DuckDBWarehouse, tmp_path: Path) -> None:
    of_shape = f"select version from {SCHEMA.address}"
    assert migrated.ask(of_shape).rows() == [(VERSION,)]
    fresh = opened(tmp_path / "fresh.duckdb")
    assert fresh.ask(of_shape).rows() == [(VERSION,)]


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_release_refuses_a_file_of_a_newer_one_and_leaves_it_as_it_is(tmp_path: Path, *, is_read_only: bool) -> None:
    """Fault 26: the older release dropped columns that it did not know."""
    file = tmp_path / "ai_usage.duckdb"
    with opened(file).connected() as newer:
        newer.execute(f"alter table {ANALYTICS}.ai_spend add column of_a_newer_release integer")
        newer.execute(f"update {SCHEMA.address} set version = {VERSION + 1}")
    before = file.read_bytes()
    with pytest.raises(OfAnotherRelease) as caught:
        replace(opened(file), is_read_only=is_read_only).ask("select 1 as one")
    assert str(caught.value) == (
        f"{file} was written by a newer release of ai_usage (shape {VERSION + 1}; this one knows {VERSION}): update "
        "ai_usage, or restore a backup of before (make restore FROM=…). Nothing was changed."
    )
    assert file.read_bytes() == before


# A digest of the tables of each schema version. The first change of a table after a release raises VERSION and adds a
# line here; before the release it changes the line of that version.
SHAPES = {1: "751e425b08db"}


def test_a_change_of_a_table_raises_the_version() -> None:
    declared = [
        (table.address, name, column.type.name, column.required)
        for table in sorted(TABLES, key=lambda table: table.address)
        if not table.view_of
        for name, column in table.columns.items()
    ]
    digest = hashlib.sha256(repr(declared).encode()).hexdigest()[:12]
    assert digest == SHAPES[VERSION], (
        "a table changed: raise VERSION if the last one was released, and note this digest"
    )
    assert max(SHAPES) == VERSION


def test_the_ledger_never_changes_a_type() -> None:
    made = {PULLS.address: {name: Made(column.type, column.required) for name, column in PULLS.columns.items()}}
    assert changes([PULLS], made) == []
    made[PULLS.address]["pages"] = Made(Type.STRING, is_required=True)
    with pytest.raises(ValueError, match="pages would change its type: the ledger only gains columns"):
        changes([PULLS], made)
    del made[PULLS.address]["pages"]
    made[PULLS.address]["of_a_newer_release"] = Made(Type.STRING, is_required=False)
    assert changes([PULLS], made) == [Change(PULLS, "pages", "added")]


def test_usage_grouped_by_six_dimensions_in_an_earlier_release_keeps_its_grain(migrated: DuckDBWarehouse) -> None:
    records = migrated.newest("claude_messages_usage", Span(date(2026, 11, 3), date(2026, 11, 5)))
    built = usage_rows(records, Organization("org", {}))
    assert built.height == records.lines.height > 0
    assert not built.select(CLAUDE_USAGE_TOKENS.key).is_duplicated().any()
    assert built.select([name for name in CLAUDE_USAGE_TOKENS.key if name != "inference_geo"]).is_duplicated().any()


def test_a_view_and_a_function_of_another_text_are_made_anew(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else in the file, including a view with the same text, stays the same."""
    shown = "select column_name from information_schema.columns where table_name = 'provider_figures' order by 1"
    before = platform.sql(shown)
    platform.sql("create or replace view ai_usage_analytics.provider_figures as select 1 as one")
    platform.sql("comment on view ai_usage_analytics.provider_figures is 'of another text'")
    platform.sql("comment on table ai_usage_raw.pulls is 'of another text'")
    platform.sql("drop macro table ai_usage_analytics.spend_as_of")
    assert platform.sql(shown) != before
    with replace(platform.warehouse).connected():
        assert platform.sql(shown) == before
    monkeypatch.setattr(statements, "view", lambda _: pytest.fail("made anew, though nothing changed"))
    monkeypatch.setattr(statements, "function", lambda _: pytest.fail("made anew, though nothing changed"))
    with replace(platform.warehouse).connected() as db:
        macros = db.execute("select count(*) from duckdb_functions() where function_name = 'spend_as_of'")
        assert macros.fetchall() == [(1,)]
