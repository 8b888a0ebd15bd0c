"""The environment: what is missing has a default, what is wrong is one sentence that names the variable."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ai_usage.errors import SettingError
from ai_usage.settings import ROOT, read_settings

NOW = {"AI_USAGE_NOW": "2026-11-20T12:00:00Z"}


def test_an_empty_environment_is_a_working_one() -> None:
    found = read_settings({})
    assert found.database == ROOT / ".data" / "ai_usage.duckdb"
    assert found.published_database == ROOT / ".data" / "ai_usage_published.duckdb"
    assert found.dagster_home == ROOT / ".data" / "dagster"
    assert (found.warehouse, found.start_date, found.simulate) == ("duckdb", date(2026, 1, 1), False)
    assert (found.schedule_timezone, found.anthropic_base_url) == ("UTC", "https://api.anthropic.com")
    assert not found.any_vendor_key
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
    assert (found.has_anthropic_admin_key, found.any_vendor_key) == (False, True)


BAD = [
    ("AI_USAGE_ATTRIBUTED_AT_LEAST", "most", "write a share such as 0.9"),
    ("AI_USAGE_ATTRIBUTED_AT_LEAST", "90", "a share lies between 0 and 1"),
    ("AI_USAGE_GROWTH_AT_MOST", "much", "write a ratio such as 0.2"),
    ("AI_USAGE_GROWTH_AT_MOST", "-0.1", "a ratio is 0 or more"),
    ("AI_USAGE_GROWTH_AT_MOST", "nan", "a ratio is 0 or more"),
    ("GOOGLE_API_BASE_URL", "http://google.example.com", "use https://"),
    ("GOOGLE_API_BASE_URL", "localhost", "scheme, host and an optional path"),
    ("METABASE_URL", "metabase.example.com", "scheme, host and an optional path, such as http://127.0.0.1:3001"),
    ("METABASE_URL", "http://metabase.example.com", "would send the key unencrypted to metabase.example.com"),
    ("METABASE_DUCKDB_FILE", "ai_usage_published.duckdb", "write the whole path, such as /warehouse/"),
    ("AI_USAGE_WAREHOUSE", "postgres", "write duckdb or bigquery"),
    ("AI_USAGE_WAREHOUSE", "bigquery", "not built yet"),
    ("AI_USAGE_SIMULATE", "perhaps", "write 0 or 1"),
    ("AI_USAGE_START_DATE", "03/04/2026", "not a day; write it as 2026-01-31"),
    ("AI_USAGE_START_DATE", "2026-02-30", "not a day"),
    ("AI_USAGE_START_DATE", "2026-11-20", "the newest full UTC day is 2026-11-19"),
    ("AI_USAGE_NOW", "yesterday", "write an instant such as"),
    ("AI_USAGE_NOW", "2026-11-20T06:00:00", "without a time zone; write for example 2026-11-20T06:00:00Z"),
    ("AI_USAGE_SCHEDULE_TIMEZONE", "Mars/Olympus", "no time zone"),
    ("AI_USAGE_SCHEDULE_TIMEZONE", "../../etc/passwd", "no time zone"),
    ("ANTHROPIC_ADMIN_BASE_URL", "api.anthropic.com", "scheme, host and an optional path"),
    ("ANTHROPIC_ADMIN_BASE_URL", "ftp://api.anthropic.com", "scheme, host"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://", "scheme, host"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://host:port", "scheme, host"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://[::1", "scheme, host"),
    ("ANTHROPIC_ADMIN_BASE_URL", "https://user:secret@host", "scheme, host"),
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
