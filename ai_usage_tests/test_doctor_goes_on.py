"""`make doctor` reports any error of a source in one line, and continues with the other sources."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_usage.commands.__main__ import main
from ai_usage.settings import settings
from ai_usage.simulator import CURSOR_KEY, Simulator
from ai_usage_tests.ingest.hostile import HEAD, Treat, bomb, sending, serving

KEY = "sk-ant-admin01-doctor-0123456789"
DEEP = b"[" * 200_000 + b"]" * 200_000
LOGIN = sending(b"<title>Sign in to the network</title>", HEAD.replace(b"application/json", b"text/html"))

pytestmark = pytest.mark.usefixtures("warehouse_is_there")


@pytest.fixture(scope="module")
def cursor() -> Iterator[Simulator]:
    with Simulator(now=settings().now) as stand_in:
        yield stand_in


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cursor: Simulator) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ANTHROPIC_ADMIN_API_KEY", KEY)
    monkeypatch.setenv("CURSOR_ADMIN_API_KEY", CURSOR_KEY)
    monkeypatch.setenv("CURSOR_ADMIN_BASE_URL", cursor.cursor_url)


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out.splitlines()


@pytest.mark.parametrize(
    ("treat", "line"),
    [
        (LOGIN, "the answer is text/html with status 200 that begins with “Sign in to the network”, not JSON."),
        (sending(bomb(500), HEAD + b"content-encoding: gzip\r\n"), "is larger than 64 MB (AI_USAGE_PAGE_MEGABYTES)"),
        (sending(b'{"id": "o", "more": ' + DEEP + b"}"), "(it is nested too deep)"),
        (sending(b'{"error": ' + DEEP[:999], b"HTTP/1.1 401 No\r\n"), 'answered 401: {"error": [[['),
        (sending(KEY.replace("-", "\\u002d").encode(), b"HTTP/1.1 401 No\r\n"), "answered 401: (key); request id none"),
    ],
    ids=["login page", "bomb", "deep", "deep refusal", "echo"],
)
def test_a_hostile_provider_is_a_line_and_the_others_are_tried(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, treat: Treat, line: str
) -> None:
    with serving(treat) as claude:
        monkeypatch.setenv("ANTHROPIC_ADMIN_BASE_URL", claude.url)
        assert main(["doctor"]) == 1
    output = printed(capsys)
    [failed] = [each for each in output if "✗" in each]
    assert failed.startswith("  ✗ the key is accepted: Claude /v1/organizations/me")
    assert line in failed
    assert any(each.startswith("  ✓ usage events: ") for each in output)
    assert KEY not in "\n".join(output)


def test_a_key_that_cannot_be_sent_ends_only_its_own_part(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_ADMIN_API_KEY", f"{KEY}…")
    assert main(["doctor"]) == 1
    output = printed(capsys)
    [failed] = [each for each in output if "✗" in each]
    assert failed.startswith("  ✗ The x-api-key header cannot be sent: the key has a character no key has, such as")
    assert KEY not in failed
    assert any(each.startswith("  ✓ usage events: ") for each in output)


def test_a_proxy_that_cannot_be_used_is_a_line_of_each_source_that_needs_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:hidden-word@proxy.test:1080")
    monkeypatch.setenv("ANTHROPIC_ADMIN_BASE_URL", "https://claude.test")
    assert main(["doctor"]) == 1
    output = printed(capsys)
    [failed] = [each for each in output if "✗" in each]
    assert "the key is accepted: A proxy that the environment names (HTTPS_PROXY" in failed
    assert any(each.startswith("  ✓ usage events: ") for each in output)  # on loopback, where no proxy is used
    assert "hidden-word" not in "\n".join(output)
