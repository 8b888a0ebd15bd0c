"""The environment: a missing variable has a default, a wrong one gives one sentence that names it."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ai_usage.commands.__main__ import main
from ai_usage.commands.data_folder import prepare_instance
from ai_usage.errors import SettingError
from ai_usage.places import ROOT
from ai_usage.settings import names, read_settings, refuse_a_pretended_clock
from ai_usage.spelling import names_in, refuse_misspelled

NOW = {"AI_USAGE_NOW": "2026-11-20T12:00:00Z"}


def test_an_empty_environment_is_a_working_one() -> None:
    found = read_settings({})
    assert found.database == ROOT / ".data" / "ai_usage.duckdb"
    assert found.published_database == ROOT / ".data" / "ai_usage_published.duckdb"
    assert found.dagster_home == ROOT / ".data" / "dagster"
    assert (found.warehouse, found.start_date, found.simulate) == ("duckdb", date(2026, 1, 1), False)
    assert (found.schedule_timezone, found.anthropic_base_url) == ("UTC", "https://api.anthropic.com")
    assert not found.any_provider_key
    assert abs(found.now() - datetime.now(UTC)).total_seconds() < 60


def test_a_folder_is_relative_to_the_project_or_to_ones_home() -> None:
    assert read_settings({"AI_USAGE_DATA_DIR": "elsewhere"}).data_dir == ROOT / "elsewhere"
    assert read_settings({}).uploads_dir == ROOT / "uploads"
    assert read_settings({"AI_USAGE_UPLOADS_DIR": "/srv/exports"}).uploads_dir == Path("/srv/exports")
    assert read_settings({"AI_USAGE_DATA_DIR": "~/ai"}).data_dir == (Path.home() / "ai").resolve()


def test_what_is_set_is_read_and_blanks_are_nothing() -> None:
    found = read_settings(
        {
            "AI_USAGE_DATA_DIR": "/srv/ai",
            "AI_USAGE_START_DATE": " 2025-06-01 ",
            "AI_USAGE_SIMULATE": "1",
            "AI_USAGE_NOW": "2026-11-20T01:00:00+02:00",
            "AI_USAGE_SCHEDULE_TIMEZONE": "Europe/Berlin",
            "AI_USAGE_WAREHOUSE": "",
            "ANTHROPIC_ADMIN_API_KEY": "  ",
            "ANTHROPIC_ANALYTICS_API_KEY": "k",
        }
    )
    assert found.database.as_posix() == "/srv/ai/ai_usage.duckdb"
    assert (found.start_date, found.simulate, found.schedule_timezone) == (date(2025, 6, 1), True, "Europe/Berlin")
    assert (found.now(), found.yesterday()) == (datetime(2026, 11, 19, 23, tzinfo=UTC), date(2026, 11, 18))
    assert (found.has_anthropic_admin_key, found.any_provider_key) == (False, True)


BAD = [
    ("AI_USAGE_ATTRIBUTED_AT_LEAST", "most", "write a share such as 0.9"),
    ("AI_USAGE_ATTRIBUTED_AT_LEAST", "90", "a share lies between 0 and 1"),
    ("AI_USAGE_GROWTH_AT_MOST", "much", "write a ratio such as 0.2"),
    ("AI_USAGE_GROWTH_AT_MOST", "-0.1", "a ratio is 0 or more"),
    ("AI_USAGE_GROWTH_AT_MOST", "nan", "a ratio is 0 or more"),
    ("AI_USAGE_DIGEST", "Mondays", "write a weekday and a time such as Monday 09:00, or off"),
    ("AI_USAGE_DIGEST", "Monday 25:00", "write a weekday and a time such as Monday 09:00, or off"),
    ("AI_USAGE_RETAIN_MESSAGES_DAYS", "0", "write a number of days, such as 180"),
    ("AI_USAGE_RETAIN_MESSAGES_DAYS", "half a year", "write a number of days, such as 180"),
    ("GOOGLE_API_BASE_URL", "http://google.example.com", "use https://"),
    ("GOOGLE_API_BASE_URL", "localhost", "scheme, host and an optional path"),
    ("METABASE_URL", "metabase.example.com", "scheme, host and an optional path, such as http://127.0.0.1:3001"),
    ("METABASE_URL", "http://metabase.example.com", "would send the key unencrypted to metabase.example.com"),
    ("METABASE_DUCKDB_FILE", "ai_usage_published.duckdb", "write the whole path, such as /warehouse/"),
    ("AI_USAGE_WAREHOUSE", "postgres", "write duckdb or bigquery"),
    ("AI_USAGE_WAREHOUSE", "bigquery", "needs BIGQUERY_PROJECT"),
    ("BIGQUERY_MAX_BYTES_BILLED", "20 GB", "a number of bytes of at least a million, such as 20000000000"),
    ("AI_USAGE_SIMULATE", "perhaps", "write 0 or 1"),
    ("AI_USAGE_START_DATE", "03/04/2026", "not a day; write it as 2026-01-31"),
    ("AI_USAGE_START_DATE", "2026-02-30", "not a day"),
    ("AI_USAGE_START_DATE", "2026-11-20", "the newest full UTC day is 2026-11-19"),
    ("AI_USAGE_NOW", "yesterday", "write an instant such as"),
    ("AI_USAGE_NOW", "{default}", "is '{default}'; write an instant such as"),
    ("AI_USAGE_PUBLISHED_FOR", "all", "is 'all'; write owner or group"),
    ("AI_USAGE_NOW", "2026-11-20T06:00:00", "without a time zone; write for example 2026-11-20T06:00:00Z"),
    ("AI_USAGE_SCHEDULE_TIMEZONE", "Mars/Olympus", "no time zone"),
    ("AI_USAGE_HOLIDAYS", "Germany", "is 'Germany'; write a country such as DE, or a part of one such as DE-BY"),
    ("AI_USAGE_SCHEDULE_TIMEZONE", "../../etc/passwd", "no time zone"),
    ("ANTHROPIC_ADMIN_BASE_URL", "api.anthropic.com", "scheme, host and an optional path"),
    ("ANTHROPIC_ADMIN_BASE_URL", "ftp://api.anthropic.com", "scheme, host"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://", "scheme, host"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://host:port", "scheme, host"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://[::1", "scheme, host"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://user:secret@host", "has an @ in it"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://:secret@host", "has an @ in it"),
    ("CURSOR_ADMIN_BASE_URL", "https://secret@host", "has an @ in it"),
    ("METABASE_URL", "https://user:12/secret@host", "has an @ in it"),
    ("GOOGLE_API_BASE_URL", "https://secret:secret@[host", "has an @ in it"),
    ("AI_USAGE_ANSWER_SECONDS", "0", "write a whole number of 1 or more, such as 120"),
    ("AI_USAGE_PULL_HOURS", "half", "write a whole number of 1 or more, such as 6"),
    ("AI_USAGE_PAGE_MEGABYTES", "-1", "a whole number of 1 or more"),
    ("AI_USAGE_ANSWER_MEGABYTES", "1e3", "a whole number of 1 or more"),
    ("AI_USAGE_ANSWER_PAGES", "9999999999", "a whole number of 1 or more"),
    ("AI_USAGE_JSON_DEPTH", "\u0663", "a whole number of 1 or more"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://host?key=1", "scheme, host"),
    ("ANTHROPIC_ADMIN_BASE_URL", "http://proxy.example.com", "would send the key unencrypted to proxy.example.com"),
]


@pytest.mark.parametrize(("name", "value", "why"), BAD)
def test_a_bad_value_is_one_sentence_that_names_the_variable(name: str, value: str, why: str) -> None:
    with pytest.raises(SettingError) as caught:
        read_settings({**NOW, name: value})
    assert str(caught.value).startswith(name)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://127.0.0.1:8900/anthropic", "http://127.0.0.1:8900/anthropic"),
        ("http://localhost:1/", "http://localhost:1"),
        ("http://[::1]:1", "http://[::1]:1"),
        ("https://gateway.example.com/claude/", "https://gateway.example.com/claude"),
    ],
)
def test_plain_http_is_for_loopback_only(url: str, read: str) -> None:
    assert read_settings({"ANTHROPIC_ADMIN_BASE_URL": url}).anthropic_base_url == read


def test_a_sheet_is_googles_or_a_folder_of_files() -> None:
    assert read_settings({}).sheet_id == ""
    assert read_settings({}).google_base_url == ""
    assert read_settings({"AI_USAGE_SHEET_ID": "1AbC"}).sheet_folder is None
    assert read_settings({"AI_USAGE_SHEET_ID": "csv:sheet"}).sheet_folder == ROOT / "sheet"
    assert read_settings({"AI_USAGE_SHEET_ID": "csv:/srv/sheet"}).sheet_folder == Path("/srv/sheet")
    assert read_settings({"GOOGLE_API_BASE_URL": "http://127.0.0.1:8900/google/"}).google_base_url.endswith("/google")


def test_credentials_must_be_there_only_where_google_is_asked() -> None:
    missing = {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere/key.json"}
    for others in ({}, {"AI_USAGE_SHEET_ID": "csv:sheet"}):
        read_settings(missing | others)
    with pytest.raises(SettingError, match="GOOGLE_APPLICATION_CREDENTIALS is '/nowhere/"):
        read_settings(missing | {"AI_USAGE_SHEET_ID": "1AbC"})


MISSPELLED = [  # the name in .env, the right name
    ("ANTHROPIC_ADMIN_KEY", "ANTHROPIC_ADMIN_API_KEY"),
    ("AI_USAGE_WAREHUOSE", "AI_USAGE_WAREHOUSE"),
    ("ANTROPIC_ADMIN_API_KEY", "ANTHROPIC_ADMIN_API_KEY"),  # begins like no name of ours
    ("anthropic_admin_api_key", "ANTHROPIC_ADMIN_API_KEY"),
    ("CURSOR_API_KEY", "CURSOR_ADMIN_API_KEY"),
    ("CURSOR_PLAN", "CURSOR_PLANS"),
    ("ALERT_SLACK_WEBHOOK", "ALERT_SLACK_WEBHOOK_URL"),
    ("METABASE_KEY", "METABASE_API_KEY"),
    ("GOOGLE_APPLICATION_CREDENTIAL", "GOOGLE_APPLICATION_CREDENTIALS"),
    ("AI_USAGE_SIMULATED", "AI_USAGE_SIMULATE"),
]


@pytest.mark.parametrize(("name", "meant"), MISSPELLED)
def test_a_misspelled_name_is_refused_with_the_right_one_wherever_it_is_set(name: str, meant: str) -> None:
    """Case 36: `.env` with ANTHROPIC_ADMIN_KEY=… or AI_USAGE_WAREHUOSE=… was silently simulated."""
    for written in ([name], []):
        with pytest.raises(SettingError, match=rf"{name}.* not a setting\. Did you mean {meant}\?"):
            refuse_misspelled({name: "x"}, written, names())


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GITHUB_TOKEN", "GEMINI_X", "AI_USAGE_X"])
def test_an_unknown_name_of_our_kind_is_refused_in_dot_env(name: str) -> None:
    with pytest.raises(SettingError, match=f"^.env sets {name}, which is not a setting"):
        refuse_misspelled({name: ""}, [name], names())


def test_an_unknown_name_that_is_ours_is_refused_in_the_environment_too_even_empty() -> None:
    with pytest.raises(SettingError, match=r"^AI_USAGE_COLOR is set, but is not a setting\. Remove it"):
        refuse_misspelled({"AI_USAGE_COLOR": ""}, [], names())


OF_OTHERS = (
    *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL", "ANTHROPIC_LOG"),
    *("ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_SMALL_FAST_MODEL", "ANTHROPIC_BEDROCK_BASE_URL", "ANTHROPIC_BETAS"),
    *("ANTHROPIC_VERTEX_PROJECT_ID", "ANTHROPIC_VERTEX_BASE_URL", "ANTHROPIC_DEFAULT_OPUS_MODEL"),
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "OPENAI_ORG_ID", "OPENAI_ORGANIZATION"),
    *("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GOOGLE_GENAI_USE_VERTEXAI"),
    *("GITHUB_ACTIONS", "GITHUB_TOKEN", "GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_GRAPHQL_URL", "GITHUB_SHA"),
    *("GITHUB_REF", "GITHUB_BASE_REF", "GITHUB_HEAD_REF", "GITHUB_WORKSPACE", "GITHUB_REPOSITORY", "GITHUB_ENV"),
    *("CURSOR_TRACE_ID", "CURSOR_AGENT", "CURSOR_SESSION_ID", "BIGQUERY_DATASET", "METABASE_SITE_URL"),
    *("DAGSTER_HOME", "DAGSTER_POSTGRES_URL", "SLACK_TOKEN", "SMTP_URL", "PATH", "HOME", "PORT", "YES", "MONTH"),
)


def test_names_of_other_programs_may_stand_in_the_environment() -> None:
    refuse_misspelled(dict.fromkeys(OF_OTHERS, "x"), [], names())


def test_a_name_that_resembles_ours_is_anothers_once_ours_is_set() -> None:
    """Cursor's own command-line program reads CURSOR_API_KEY."""
    with pytest.raises(SettingError, match=r"set CURSOR_ADMIN_API_KEY as well: .* or to nothing"):
        refuse_misspelled({"CURSOR_API_KEY": "x"}, [], names())
    for value in ("", "key"):
        refuse_misspelled({"CURSOR_API_KEY": "x", "CURSOR_ADMIN_API_KEY": value}, [], names())
    refuse_misspelled({"CURSOR_API_KEY": " "}, [], names())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A=1\n\nAI_USAGE_SIMULATE 1\n", ".env, line 3, sets nothing"),
        ("A=1\nAI_USAGE_SIMULATE\n", ".env, line 2, sets nothing"),
        ("A='b\n", ".env, line 1, sets nothing"),
    ],
)
def test_a_line_of_dot_env_that_sets_nothing_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    """python-dotenv skips it, so the variable is not set."""
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    with pytest.raises(SettingError) as caught:
        names_in(tmp_path / ".env")
    assert str(caught.value).startswith(sentence)


def test_the_names_of_dot_env_are_read_whatever_else_stands_in_it(tmp_path: Path) -> None:
    text = "\ufeff# a remark\nexport A=1\n\nB = 'x # y'  # z\nC=\n"
    (tmp_path / ".env").write_text(text, encoding="utf-8")
    assert names_in(tmp_path / ".env") == ["A", "B", "C"]
    assert names_in(tmp_path / "none") == []
    (tmp_path / ".env").write_bytes("A=é\n".encode("latin-1"))
    with pytest.raises(SettingError, match="cannot be read as UTF-8"):
        names_in(tmp_path / ".env")


@pytest.mark.parametrize(
    ("last", "first"),
    [
        ("2026-11-25", "2026-10-27"),  # thirty days
        ("2026-10-31", "2026-10-01"),  # a month of 31 days: all of it
        ("2026-10-30", "2026-10-01"),
        ("2026-03-01", "2026-01-31"),
    ],
)
def test_simulated_data_begin_with_the_first_day_of_the_first_demo(tmp_path: Path, last: str, first: str) -> None:
    """Case 28: 299 partitions of days that no run would ever pull."""
    now = (date.fromisoformat(last) + timedelta(days=1)).isoformat() + "T09:00:00Z"
    simulated = {"AI_USAGE_DATA_DIR": str(tmp_path), "AI_USAGE_NOW": now, "AI_USAGE_SIMULATE": "1"}
    found = read_settings(simulated)
    assert (found.start_date.isoformat(), found.is_start_remembered) == (first, True)
    assert read_settings({**simulated, "AI_USAGE_SIMULATE": "0"}).start_date == date(2026, 1, 1)
    assert read_settings({**simulated, "AI_USAGE_START_DATE": "2026-02-02"}).start_date == date(2026, 2, 2)


def test_that_day_is_remembered_for_later_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    simulated = {"AI_USAGE_DATA_DIR": str(tmp_path / "data"), "AI_USAGE_SIMULATE": "1"}
    prepare_instance(read_settings({**simulated, **NOW}))
    later = {**simulated, "AI_USAGE_NOW": "2027-03-01T00:00:00Z"}
    prepare_instance(read_settings(later))
    assert read_settings(later).start_date == date(2026, 10, 21)
    (tmp_path / "data" / "first_day").write_text("soon", encoding="utf-8")
    with pytest.raises(SettingError, match="first_day has no day in it"):
        read_settings(later)
    (tmp_path / "data" / "first_day").write_text("2028-01-01", encoding="utf-8")
    with pytest.raises(SettingError, match=r"first_day is 2028-01-01, but the newest full UTC day is 2027-02-28"):
        read_settings(later)


def test_a_day_that_a_person_sets_is_not_remembered_and_an_older_warehouse_keeps_its_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    simulated = {"AI_USAGE_DATA_DIR": str(tmp_path), "AI_USAGE_SIMULATE": "1", **NOW}
    prepare_instance(read_settings({**simulated, "AI_USAGE_START_DATE": "2026-02-02"}))
    assert not (tmp_path / "first_day").exists()
    (tmp_path / "ai_usage.duckdb").touch()  # a release without such a file made it
    assert read_settings(simulated).start_date == date(2026, 1, 1)


REAL = {"ANTHROPIC_ADMIN_API_KEY": "x"}, {"CURSOR_ADMIN_API_KEY": "x"}, {"AI_USAGE_SHEET_ID": "sheet"}


@pytest.mark.parametrize("real", REAL)
def test_a_pretended_clock_is_refused_with_real_providers(real: dict[str, str]) -> None:
    with pytest.raises(SettingError, match=r"AI_USAGE_NOW pretends an instant, .* Take it out, or set AI_USAGE_SIMUL"):
        refuse_a_pretended_clock(read_settings({**NOW, **real}))
    for allowed in (real, {**NOW, **real, "AI_USAGE_SIMULATE": "1"}, NOW):
        of = read_settings(allowed)
        assert refuse_a_pretended_clock(of) is of


def test_commands_that_pull_and_the_daemon_refuse_a_pretended_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CURSOR_ADMIN_API_KEY", "crsr_x")
    monkeypatch.setenv("CURSOR_ADMIN_BASE_URL", "http://127.0.0.1:9")
    for command in ("demo", "backfill", "ui"):
        assert main([command]) == 2
        assert "AI_USAGE_NOW pretends an instant" in capsys.readouterr().err
    assert not (tmp_path / "ai_usage.duckdb").exists()
    loaded = subprocess.run(
        [sys.executable, "-c", "import ai_usage.definitions"],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        check=False,
    )
    assert b"AI_USAGE_NOW pretends an instant" in loaded.stderr
    assert loaded.returncode
