"""`make doctor` tries every request of the pulls, and reports what each key can and cannot read."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from ai_usage.commands.__main__ import main
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import pulls as claude_pulls
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.endpoints import USAGE_GROUPS
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.settings import settings
from ai_usage.simulator import (
    ADMIN_KEY,
    ANALYTICS_KEY,
    CURSOR_KEY,
    CURSOR_KEY_WITHOUT_COMMITS,
    WORKSPACE_KEY,
    Simulator,
)
from ai_usage_tests.ingest.stand_in import ADMIN, standing_in
from ai_usage_tests.platform import platform_in
from ai_usage_tests.printed import printed
from ai_usage_tests.providers.anthropic.exports import event, put

pytestmark = pytest.mark.usefixtures("dagster_home_is_put_back", "warehouse_is_there")


@pytest.mark.parametrize(
    ("key", "code", "sentence"), [(ADMIN, 0, "✓ cost report"), ("sk-ant-nonsense", 1, "✗ the key")]
)
def test_the_doctor_tries_the_key_and_never_shows_it(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    key: str,
    code: int,
    sentence: str,
) -> None:
    with standing_in() as simulator:
        yesterday = settings().yesterday()
        simulator.days = {yesterday: []}
        simulator.lists = {"me": ['{"id": "o", "name": "Example", "type": "organization"}']}
        simulator.lists |= {"workspaces": [], "api_keys": [], "users": []}
        monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("AI_USAGE_SIMULATE", "0")
        monkeypatch.setenv("ANTHROPIC_ADMIN_BASE_URL", simulator.url)
        monkeypatch.setenv("ANTHROPIC_ADMIN_API_KEY", key)
        assert main(["doctor"]) == code
    output = printed(capsys)
    assert sentence in output
    assert key not in output


def examined(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    simulator: Simulator,
    admin: str = "",
    analytics: str = "",
    team: str = "",
) -> int:
    """Doctor's exit code with these keys."""
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(folder))
    monkeypatch.setenv("AI_USAGE_SIMULATE", "0")
    monkeypatch.setenv("ANTHROPIC_ADMIN_BASE_URL", simulator.anthropic_url)
    monkeypatch.setenv("CURSOR_ADMIN_BASE_URL", simulator.cursor_url)
    monkeypatch.setenv("ANTHROPIC_ADMIN_API_KEY", admin)
    monkeypatch.setenv("ANTHROPIC_ANALYTICS_API_KEY", analytics)
    monkeypatch.setenv("CURSOR_ADMIN_API_KEY", team)
    return main(["doctor"])


@pytest.fixture(scope="module")
def examiner() -> Iterator[Simulator]:
    with Simulator(now=settings().now) as simulator:
        yield simulator


@pytest.fixture
def simulator(examiner: Simulator) -> Iterator[Simulator]:
    yield examiner
    examiner.faults.clear()
    examiner.requests.clear()


@pytest.mark.parametrize(
    ("key", "code", "sentence"),
    [
        (CURSOR_KEY, 0, "✓ AI code commits (optional"),
        (
            CURSOR_KEY_WITHOUT_COMMITS,
            0,
            "! AI code commits (optional: which lines AI wrote): not included: it needs an",
        ),
        ("crsr_nonsense", 1, "✗ the key"),
    ],
)
def test_the_doctor_passes_a_cursor_plan_without_commits(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    simulator: Simulator,
    key: str,
    code: int,
    sentence: str,
) -> None:
    assert examined(monkeypatch, tmp_path, simulator, team=key) == code
    output = printed(capsys)
    assert sentence in output
    assert "MB once more" in output
    assert key not in output


@pytest.mark.parametrize(("kind", "code"), [("folder", 0), ("file", 1)])
def test_the_doctor_makes_no_data_folder_that_may_be_misspelled(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    simulator: Simulator,
    kind: str,
    code: int,
) -> None:
    above = tmp_path / "above"
    above.mkdir() if kind == "folder" else above.write_text("")
    missing = above / "datta" / "ai_usage"
    assert examined(monkeypatch, missing, simulator, team=CURSOR_KEY) == code
    output = printed(capsys)
    assert ("is not there yet; the first run makes it" in output) == (kind == "folder")
    assert ("cannot be made in" in output) == (kind == "file")
    assert "✓ usage events" in output
    assert not (above / "datta").exists()


def asked_of(simulator: Simulator) -> set[tuple[str, str]]:
    """The requests: path and query, as sorted words; a retry after a timeout is the same request."""
    return {(seen.path, str(sorted(seen.query.items()))) for seen in simulator.requests}


def test_the_doctor_sends_the_requests_of_the_pulls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulator: Simulator
) -> None:
    """Case 1: a grouping that the live API refuses shows in doctor."""
    assert examined(monkeypatch, tmp_path, simulator, ADMIN_KEY, ANALYTICS_KEY, CURSOR_KEY) == 0
    by_doctor = asked_of(simulator)
    simulator.requests.clear()
    yesterday = settings().yesterday()
    with (
        closing(
            ClaudeAdmin.open(base_url=simulator.anthropic_url, admin_key=ADMIN_KEY, analytics_key=ANALYTICS_KEY)
        ) as admin,
        closing(CursorAdmin.open(base_url=simulator.cursor_url, key=CURSOR_KEY, now=settings().now)) as cursor_admin,
    ):
        outcome = platform_in(tmp_path).materialize(
            (dg.AssetSelection.groups("raw_claude", "raw_cursor")).without_checks(),
            Span(yesterday, yesterday),
            admin,
            cursor_admin=cursor_admin,
        )
    assert not outcome.failed
    by_pulls = asked_of(simulator)
    assert len(by_pulls) > 16
    assert by_pulls <= by_doctor
    probe = {
        ("/anthropic/v1/organizations/analytics/usage", query) for _, query in by_doctor if "'limit', ['1']" in query
    }
    assert by_doctor - by_pulls == probe


def test_the_doctor_fails_where_the_provider_refuses_a_required_request(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulator: Simulator
) -> None:
    """Case 1: six dimensions, as an earlier version requested them."""
    six = (*USAGE_GROUPS, "inference_geo")
    monkeypatch.setattr(claude_pulls, "USAGE_GROUPS", six)
    assert examined(monkeypatch, tmp_path, simulator, ADMIN_KEY) == 1
    output = printed(capsys)
    assert "✗ messages usage: Claude /v1/organizations/usage_report/messages answered 400" in output
    assert "Cannot specify more than 5 group_by[] dimensions." in output
    assert "✓ cost report" in output


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_the_doctor_names_what_an_optional_report_needs_and_exits_zero(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    simulator: Simulator,
    status: int,
) -> None:
    for path in ("analytics/cost", "claude_code", "/teams/groups", "ai-code"):
        simulator.faults.plan("not_included", path=path, status=status, times=None)
    assert examined(monkeypatch, tmp_path, simulator, ADMIN_KEY, ANALYTICS_KEY, CURSOR_KEY) == 0
    output = printed(capsys)
    for needs in (
        "! analytics cost (optional: which people and keys caused a cost): not included: it needs a key with the scope",
        "not included: it needs an Admin key, not scoped to a workspace, of an organization that has Claude Code",
        "! billing groups (optional: in which billing group a member is): not included: it needs an Enterprise team",
        "! AI code commits (optional: which lines AI wrote): not included: it needs an Enterprise team with AI Code",
    ):
        assert needs in output
    assert "✗" not in output


@pytest.mark.parametrize("status", [204, 302, 400, 402, 403, 404, 409, 418, 429, 500, 503, 529])
def test_the_doctor_reports_every_status_and_crashes_at_none(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    simulator: Simulator,
    status: int,
) -> None:
    for path in ("cost_report", "analytics/usage", "claude_code", "/teams/spend", "ai-code"):
        simulator.faults.plan("status", status=status, path=path, times=None)
    assert examined(monkeypatch, tmp_path, simulator, ADMIN_KEY, ANALYTICS_KEY, CURSOR_KEY) == 1
    output = printed(capsys)
    assert f"✗ cost report: Claude /v1/organizations/cost_report answered {status}" in output
    assert f"✗ spend: Cursor /teams/spend answered {status}" in output
    assert "! analytics usage (optional: which people and keys used what): " in output
    assert "✓ messages usage" in output
    assert "✓ usage events: " in output


def test_the_doctor_reports_a_day_that_is_not_there_yet_and_passes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulator: Simulator
) -> None:
    simulator.faults.plan("missing_bucket", path="cost_report")
    assert examined(monkeypatch, tmp_path, simulator, ADMIN_KEY) == 0
    assert "✓ cost report: not yet: 2026-" in printed(capsys)


def test_the_doctor_reports_a_wrong_analytics_key_though_the_rest_passes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulator: Simulator
) -> None:
    assert examined(monkeypatch, tmp_path, simulator, ADMIN_KEY, "sk-ant-wrong") == 1
    output = printed(capsys)
    assert (
        "✗ the Analytics key is accepted: Each of the analytics answers 401. ANTHROPIC_ANALYTICS_API_KEY is" in output
    )
    assert "✓ Claude Code usage" in output
    of_enterprise = output.partition("account enterprise")[2].partition("Cursor")[0]
    assert of_enterprise
    assert "analytics cost" not in of_enterprise


ELSEWHERE = """
[[account]]
provider = "anthropic"
name = "eu"
admin_key = "env:CLAUDE_KEY_EU"

[[account]]
provider = "anthropic"
name = "people"
analytics_key = "env:CLAUDE_PEOPLE_EU"

[[account]]
provider = "cursor"
name = "eu"
admin_key = "env:CURSOR_KEY_EU"
"""


def test_a_refused_key_is_named_by_the_variable_that_its_account_takes_it_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulator: Simulator
) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text(ELSEWHERE, encoding="utf-8")
    monkeypatch.setenv("AI_USAGE_ACCOUNTS", str(file))
    for name in ("CLAUDE_KEY_EU", "CLAUDE_PEOPLE_EU", "CURSOR_KEY_EU"):
        monkeypatch.setenv(name, "sk-wrong-key-of-a-test")
    assert examined(monkeypatch, tmp_path, simulator) == 1
    output = printed(capsys)
    for name in ("CLAUDE_KEY_EU", "CLAUDE_PEOPLE_EU", "CURSOR_KEY_EU"):
        assert output.count(f". {name} is wrong") == 1
    assert "_API_KEY is wrong" not in output
    assert "sk-wrong" not in output


def test_the_doctor_refuses_an_account_of_a_provider_that_there_is_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulator: Simulator
) -> None:
    file = tmp_path / "accounts.toml"
    file.write_text(ELSEWHERE.replace('"anthropic"', '"antropic"'), encoding="utf-8")
    monkeypatch.setenv("AI_USAGE_ACCOUNTS", str(file))
    assert examined(monkeypatch, tmp_path, simulator) == 2
    assert (
        "account 1 has the provider 'antropic'; write one of anthropic, cursor, google, openai."
        in capsys.readouterr().err
    )


def test_the_doctor_refuses_a_country_that_the_calendar_does_not_know(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, simulator: Simulator
) -> None:
    monkeypatch.setenv("AI_USAGE_HOLIDAYS", "XX")
    assert examined(monkeypatch, tmp_path, simulator) == 2
    assert "AI_USAGE_HOLIDAYS is 'XX', which the calendar does not know" in capsys.readouterr().err


def test_the_doctor_reads_every_uploaded_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = put(tmp_path / "uploads", "good.csv", event(), event("2026-11-12T08:00:00Z")).parent
    (folder / "bad.csv").write_text("name,amount\n", encoding="utf-8")
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AI_USAGE_UPLOADS_DIR", str(folder))
    assert main(["doctor"]) == 1
    (folder / "bad.csv").unlink()
    output = printed(capsys)
    assert "✓ good.csv: covers 2026-11-10…2026-11-12" in output
    assert "✗ bad.csv" in output
    assert "bad.csv, line 1: there is no header" in output
    assert main(["doctor"]) == 0


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (ANALYTICS_KEY, "✓ analytics users (optional: who uses claude.ai): not yet: 2026-11-19 was asked for"),
        ("", "– analytics users (optional: who uses claude.ai): not configured: ANTHROPIC_ANALYTICS_API_KEY"),
        (WORKSPACE_KEY, "! analytics users (optional: who uses claude.ai): not included: it needs an Analytics key"),
    ],
)
def test_the_doctor_shows_whether_claude_ai_can_be_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, sentence: str
) -> None:
    with Simulator(now=datetime(2026, 11, 20, 9, tzinfo=UTC)) as simulator:
        monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("AI_USAGE_SIMULATE", "0")
        monkeypatch.setenv("ANTHROPIC_ADMIN_BASE_URL", simulator.anthropic_url)
        monkeypatch.setenv("ANTHROPIC_ADMIN_API_KEY", ADMIN_KEY)
        monkeypatch.setenv("ANTHROPIC_ANALYTICS_API_KEY", key)
        assert main(["doctor"]) == 0
    assert sentence in printed(capsys)
