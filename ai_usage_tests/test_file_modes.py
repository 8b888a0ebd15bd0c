"""Only the owner can read our files, whatever the caller's umask; the published copy may also be the group's."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ai_usage.commands.__main__ import main
from ai_usage.event_log import KeptEventLog
from ai_usage.places import ROOT
from ai_usage.settings import read_settings
from ai_usage_tests.mock_claude import NEXT
from ai_usage_tests.printed import printed

DAY = str(NEXT)
OPEN = 0o077
SITE, SQLITE, LOGS = "site", "dagster/history", "dagster/storage"


def modes(folder: Path) -> dict[str, int]:
    """Path → mode, of everything in a folder and of itself."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
        if not path.is_socket()
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a day's backfill, a month's export, an as-of report and a backup, by a person with umask 022."""
    folder = tmp_path_factory.mktemp("modes") / "deep" / "data"
    environ = {**os.environ, "AI_USAGE_DATA_DIR": str(folder), "AI_USAGE_SIMULATE": "1", "DAGSTER_HOME": ""}
    environ |= {"AI_USAGE_START_DATE": DAY, "AI_USAGE_NOW": "2026-11-12T12:00:00Z", "PYTHONPATH": str(ROOT)}
    script = (
        "import os; os.umask(0o022)\n"
        "from ai_usage_tests import fewer, lean\n"
        "from ai_usage.commands.__main__ import main\n"
        f"codes = [main(c) for c in (['backfill', '{DAY}', '{DAY}'], ['export_focus', '2026-11'], "
        f"['as_of', '', '{DAY}', '{DAY}'], ['backup', r'{folder}/backups'], ['dashboards'])]\n"
        "assert os.umask(0) == 0o022\n"
        "assert 2 not in codes, codes\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True,
                         check=False, timeout=300)  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def test_every_file_that_commands_leave_is_its_owner_s_alone(home: Path) -> None:
    """Fault 9: another user of the machine read addresses from all of them."""
    found = modes(home)
    kinds = ("ai_usage.duckdb", "ai_usage_published.duckdb", f"{SITE}/index.html", f"{SQLITE}/runs.db", "exports/")
    for kind in (*kinds, f"{LOGS}/", "as_of/", "backups/", ".in_use", "dagster/dagster.yaml"):
        assert any(path.startswith(kind) for path in found), kind
    assert {path: f"{mode:o}" for path, mode in found.items() if mode & OPEN} == {}
    assert (found["."], found["ai_usage_published.duckdb"]) == (0o700, 0o400)
    assert {mode for path, mode in found.items() if path.startswith("as_of/")} == {0o400}


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "data"
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(folder))
    monkeypatch.setenv("AI_USAGE_PUBLISHED_FOR", "group")
    monkeypatch.setenv("DAGSTER_HOME", "")
    return folder


def test_the_group_may_read_the_published_copy_if_the_setting_allows_it(shared: Path) -> None:
    of = read_settings(dict(os.environ))
    assert (of.published_mode, of.data_dir_mode) == (0o440, 0o710)
    for mode in (None, 0o700):  # a new folder, and one that an earlier setting created
        if mode:
            shared.chmod(mode)
            assert main(["doctor"]) == 0
        else:
            main(["watch", "--once"])
        assert stat.S_IMODE(shared.stat().st_mode) == 0o710
        assert {mode for path, mode in modes(shared).items() if path != "." and mode & OPEN} == set()


def test_doctor_warns_of_what_others_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, key = tmp_path / "data", tmp_path / "service.json"
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    key.write_text("{}", encoding="utf-8")
    key.chmod(0o644)
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(data))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    monkeypatch.setattr("ai_usage.commands.doctor.ROOT", tmp_path)
    (tmp_path / ".env").write_text("", encoding="utf-8")
    (tmp_path / ".env").chmod(0o640)
    assert main(["doctor"]) == 0
    output = printed(capsys)
    for path, found, wanted in ((data, "755", "700"), (key, "644", "600"), (tmp_path / ".env", "640", "600")):
        assert f"! {path} is open to other users of this machine (mode {found}): chmod {wanted} {path}" in output
        path.chmod(int(wanted, 8))
    assert main(["doctor"]) == 0
    assert "open to other users" not in printed(capsys)


def test_whatever_process_loads_the_event_log_writes_for_its_owner_alone(tmp_path: Path) -> None:
    """Webserver, daemon and runs, whatever started them."""
    before = os.umask(0o022)
    try:
        KeptEventLog(str(tmp_path)).dispose()
        (tmp_path / "made").touch()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o600
