"""The settings of a deployment: secrets as files, and the address of Dagster's records. One machine sets neither."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.automation import watchdog
from ai_usage.automation.watchdog import Watchdog
from ai_usage.commands import watch
from ai_usage.commands.data_folder import end_dead_runs, has_instance, prepare_instance
from ai_usage.commands.webserver import run as run_webserver
from ai_usage.errors import SettingError
from ai_usage.places import ROOT
from ai_usage.secret_files import read_secret_files
from ai_usage.settings import Settings, environment, read_settings, secrets, settings

ADDRESS = "postgresql+psycopg2://dagster:pass%40word@host:5432/dagster"


def deployed(folder: Path) -> Settings:
    return read_settings({"AI_USAGE_DATA_DIR": str(folder / "data"), "DAGSTER_POSTGRES_URL": ADDRESS})


def test_a_secret_is_read_from_the_file_that_is_named_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("crsr_from_a_file\n", encoding="utf-8")
    environ = {"CURSOR_ADMIN_API_KEY_FILE": str(tmp_path / "key"), "METABASE_API_KEY": "kept", "A_FILE": "/none"}
    read_secret_files(environ, ["CURSOR_ADMIN_API_KEY", "METABASE_API_KEY"])
    assert environ == {"CURSOR_ADMIN_API_KEY": "crsr_from_a_file", "METABASE_API_KEY": "kept", "A_FILE": "/none"}
    assert read_settings(environ).has_cursor_key


def test_a_secret_file_that_cannot_be_used_is_one_sentence_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"secret \xff")
    for file, why in ((tmp_path / "key", "it is not UTF-8"), (tmp_path / "none", "No such file or directory")):
        with pytest.raises(
            SettingError, match=f"^CURSOR_ADMIN_API_KEY_FILE is {file}, which cannot be read .{why}.[.]$"
        ):
            read_secret_files({"CURSOR_ADMIN_API_KEY_FILE": str(file)}, ["CURSOR_ADMIN_API_KEY"])
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"^CURSOR_ADMIN_API_KEY_FILE is .*empty, which is empty: write the secret"):
        read_secret_files({"CURSOR_ADMIN_API_KEY_FILE": str(tmp_path / "empty")}, ["CURSOR_ADMIN_API_KEY"])
    both = {"CURSOR_ADMIN_API_KEY_FILE": str(tmp_path / "key"), "CURSOR_ADMIN_API_KEY": "x"}
    with pytest.raises(SettingError, match="are both set: leave one of them out"):
        read_secret_files(both, ["CURSOR_ADMIN_API_KEY"])


def test_the_name_of_a_secret_s_file_is_known_and_a_misspelled_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("from a file", encoding="utf-8")
    (tmp_path / "accounts.toml").write_text('admin_key = "env:SECOND_TEAM"', encoding="utf-8")
    monkeypatch.setenv("AI_USAGE_ACCOUNTS", str(tmp_path / "accounts.toml"))
    for name in ("ANTHROPIC_ADMIN_API_KEY", "SECOND_TEAM"):
        monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "key"))
        monkeypatch.setenv(name, "")
        assert environment()[name] == "from a file"
    monkeypatch.setenv("AI_USAGE_PSEUDONYM_FILE", str(tmp_path / "key"))
    with pytest.raises(SettingError, match="AI_USAGE_PSEUDONYM_FILE is set, but is not a setting"):
        environment()


@pytest.mark.parametrize("address", ["postgresql://dagster@host/dagster", "postgres://host", "host:5432"])
def test_an_address_for_another_driver_is_refused(address: str) -> None:
    """SQLAlchemy 2.1 uses another driver, which is not installed, if the address names none."""
    with pytest.raises(
        SettingError, match=r"^DAGSTER_POSTGRES_URL must begin with postgresql\+psycopg2://: "
    ) as refused:
        read_settings({"DAGSTER_POSTGRES_URL": address})
    assert address not in str(refused.value)


def test_the_password_of_postgres_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", ADDRESS)
    assert {ADDRESS, "pass%40word", "pass@word"} <= set(secrets())


def test_with_postgres_the_instance_is_the_deployment_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "dagster.yaml").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "etc"))
    of = deployed(tmp_path)
    assert has_instance(of)
    prepare_instance(of)
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "etc")
    assert not (of.dagster_home / "dagster.yaml").exists()
    assert of.dagster_home.is_dir(), "the record of alerts is there"


@pytest.mark.parametrize("home", ["", "/none"])
def test_with_postgres_a_home_without_an_instance_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", home)
    for use in (prepare_instance, end_dead_runs):
        with pytest.raises(SettingError, match=r"DAGSTER_HOME must be a folder with a dagster\.yaml that uses it"):
            use(deployed(tmp_path))


def test_the_webserver_takes_the_options_of_dagsters_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setattr("ai_usage.commands.webserver.serve", lambda _, **of: asked.append(of))
    for words in (
        ["-h", "127.0.0.2", "-p", "80", "-w", "w.yaml"],
        ["--host", "127.0.0.2", "--port", "80", "--workspace", "w.yaml"],
    ):
        assert run_webserver(settings(), [*words, "--path-prefix", "/x"]) == 0
    assert asked == [{"workspace": Path("w.yaml"), "host": "127.0.0.2", "port": 80, "path_prefix": "/x"}] * 2


def test_the_webserver_imports_neither_definitions_nor_providers(tmp_path: Path) -> None:
    """Without that import it needs no key, and no definition can break it."""
    script = (
        "import sys; from ai_usage.commands import __main__ as of; import ai_usage.webserver.server\n"
        "from ai_usage.commands import webserver\nwebserver.serve = lambda *_, **__: None\n"
        "assert of.main(['webserver']) == 0\n"
        "print(*sorted(name for name in sys.modules if name.startswith('ai_usage.')))"
    )
    environ = {**os.environ, "DAGSTER_HOME": str(tmp_path), "AI_USAGE_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    found = done.stdout.split()
    assert "ai_usage.webserver.server" in found
    parts = ("definitions", "providers", "core", "marts", "checks", "sheet", "simulator", "dashboards", "alerts")
    assert [name for name in found if name.split(".")[1] in parts] == []


def test_a_watchdog_that_sees_no_process_of_runs_ends_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In another container every process of a run looks dead, also that of a run in progress."""
    ended: list[dg.DagsterInstance] = []
    monkeypatch.setattr(watchdog, "end_the_dead", ended.append)
    monkeypatch.setattr("ai_usage.commands.watch.use_instance", lambda _: None)
    of = replace(deployed(tmp_path), data_dir=tmp_path)
    monkeypatch.setattr(dg.DagsterInstance, "get", staticmethod(dg.DagsterInstance.ephemeral))
    assert watch.run(of, ["--once", "--runs-elsewhere"]) == 0
    assert ended == []
    assert watch.run(of, ["--once"]) == 0
    assert len(ended) == 1
    assert Watchdog.ends_the_dead
