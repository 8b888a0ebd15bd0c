"""`make ui` as a process with its webserver and daemon. A browser on another site and our own pages send it requests.

The launch is from a security review: it sent all keys of the platform to an address in the launch.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from ai_usage.commands.__main__ import main
from ai_usage.places import ROOT
from ai_usage.webserver.requests import FOREIGN, NO_GRAPHQL_BY_GET, NOT_JSON, WRONG_HOST
from ai_usage_tests.ingest.stand_in import StandIn, standing_in
from ai_usage_tests.printed import printed
from ai_usage_tests.test_services import runs, until

EVIL = "https://evil.example"
PATIENCE = 240.0  # seconds, on a machine that is busy with other tests
KEYS = ("ANTHROPIC_ADMIN_API_KEY",)
LAUNCH = """mutation($of: ExecutionParams!) { launchRun(executionParams: $of) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on RunConfigValidationInvalid { errors { message } }
} }"""
CHECK = "/report_asset_check/core/sheet_rejections?check_name=sheet_rows_are_valid&passed=true"


@dataclass
class Ui:
    """The running command, its address, and the providers of its settings and of the attacker."""

    process: subprocess.Popen[str]
    port: int
    data_dir: Path
    provider: StandIn
    attacker: StandIn

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, query: str, variables: object = None, **headers: str) -> httpx.Response:
        body = {"query": query, "variables": variables}
        return httpx.post(f"{self.url}/graphql", json=body, headers=headers, timeout=PATIENCE)

    def launch(self, job: str, config: object) -> dict[str, object]:
        """The request of the UI's launchpad."""
        own = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        answer: dict[str, object] = self.post(LAUNCH, launched(job, config), **own).json()["data"]["launchRun"]
        return answer

    def redirecting(self) -> dict[str, object]:
        return {
            "resources": {
                "claude_admin": {
                    "config": {"base_url": self.attacker.url, "analytics_key": {"env": "METABASE_API_KEY"}}
                },
                "cursor_admin": {"config": {"base_url": self.attacker.url}},
            }
        }


def launched(job: str, config: object) -> dict[str, object]:
    at = {"repositoryLocationName": "ai_usage", "repositoryName": "__repository__", "pipelineName": job}
    return {"of": {"selector": at, "runConfigData": config, "executionMetadata": {"tags": []}}}


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    with standing_in() as provider, standing_in() as attacker:
        port, data_dir = free_port(), tmp_path_factory.mktemp("ui")
        urls = dict.fromkeys(("ANTHROPIC_ADMIN_BASE_URL", "CURSOR_ADMIN_BASE_URL"), provider.url)
        keys = {name: f"sk-secret-{name}" for name in (*KEYS, "METABASE_API_KEY")}
        environ = os.environ | urls | keys | {"AI_USAGE_DATA_DIR": str(data_dir), "AI_USAGE_NOW": ""}
        command = [sys.executable, "-m", "ai_usage.commands", "ui", "--port", str(port)]
        with (data_dir / "output").open("w") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log, text=True)
            found = Ui(process, port, data_dir, provider, attacker)
            try:
                end = time.monotonic() + PATIENCE
                while not is_there(found):
                    assert process.poll() is None, (data_dir / "output").read_text(encoding="utf-8")
                    assert time.monotonic() < end
                    time.sleep(0.5)
                yield found
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def is_there(ui: Ui) -> bool:
    with suppress(httpx.TransportError):
        return bool(ui.post("{ workspaceOrError { ... on Workspace { locationEntries { id } } } }").json())
    return False


def test_the_page_that_messages_link_to_opens(ui: Ui) -> None:
    answer = httpx.get(f"{ui.url}/runbook", timeout=PATIENCE)
    assert (answer.status_code, answer.headers["x-frame-options"]) == (200, "DENY")
    assert answer.headers["content-type"].startswith("text/html")
    assert '<h3 id="never_pulled">' in answer.text


def test_a_page_of_another_site_cannot_launch_a_run_in_any_way(ui: Ui) -> None:
    """By GET it was a URL of 1,190 characters, which an image tag can hold."""
    job = launched("refresh_day", ui.redirecting())
    query = {"query": LAUNCH, "variables": json.dumps(job)}
    picture = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}

    def get(**headers: str) -> httpx.Response:
        return httpx.get(f"{ui.url}/graphql", params=query, headers=headers)

    answers = {
        "a script": (get(Origin=EVIL), FOREIGN),
        "a picture": (get(**picture), FOREIGN),
        "a picture in an old browser": (get(), NO_GRAPHQL_BY_GET),
        "a name that leads here": (get(Host="evil.example", Origin="http://evil.example"), WRONG_HOST),
        "a request that asks first": (ui.post(LAUNCH, job, Origin=EVIL), FOREIGN),
        "another server of this machine": (ui.post(LAUNCH, job, Origin="http://127.0.0.1:1"), FOREIGN),
        "a form": (httpx.post(f"{ui.url}/graphql", params=query, data={}, headers={"Origin": "null"}), FOREIGN),
        "a form in an old browser": (httpx.post(f"{ui.url}/graphql", params=query), NOT_JSON),
        "text": (ui.post(LAUNCH, job, **{"Content-Type": "text/plain; x=application/json"}), NOT_JSON),
    }
    for what, (answer, why) in answers.items():
        assert (what, answer.status_code, answer.text) == (what, 403, f"{why}\n")
        assert "access-control-allow-origin" not in answer.headers
    assert ui.post("{ runsOrError { ... on Runs { results { jobName } } } }").text.count("refresh_day") == 0
    assert ui.attacker.asked == []


def test_a_page_of_another_site_gets_no_websocket_and_ours_does(ui: Ui) -> None:
    address, protocol = f"ws://127.0.0.1:{ui.port}/graphql", [Subprotocol("graphql-ws")]
    for foreign in (EVIL, "http://127.0.0.1:1"):
        with pytest.raises(InvalidStatus) as refused, connect(address, origin=Origin(foreign), subprotocols=protocol):
            pass
        assert refused.value.response.status_code == 403
    with connect(address, origin=Origin(ui.url), subprotocols=protocol) as own:
        own.send('{"type": "connection_init"}')
        assert json.loads(own.recv(PATIENCE)) == {"type": "connection_ack"}


def test_a_page_of_another_site_cannot_report_a_check_result(ui: Ui, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each forged result also sent "RESOLVED" to every channel."""
    monkeypatch.setenv("DAGSTER_HOME", str(ui.data_dir / "dagster"))
    answers = [
        httpx.post(f"{ui.url}{CHECK}", headers={"Origin": EVIL}),
        httpx.post(f"{ui.url}{CHECK}", headers={"Host": "evil.example"}, json={}),
        httpx.post(f"{ui.url}{CHECK}", headers={"Sec-Fetch-Site": "cross-site"}, json={}),
        httpx.post(f"{ui.url}{CHECK}"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert reported() == 0
    assert httpx.post(f"{ui.url}{CHECK}", headers={"Origin": ui.url}, json={}).status_code == 200
    assert reported() == 1  # otherwise the assertion above could not fail


def reported() -> int:
    key = dg.AssetCheckKey(dg.AssetKey(["core", "sheet_rejections"]), "sheet_rows_are_valid")
    with dg.DagsterInstance.get() as instance:
        return len(instance.event_log_storage.get_asset_check_execution_history(key, limit=9))


def test_a_launch_from_our_own_page_runs_but_cannot_set_where_keys_are_sent(ui: Ui) -> None:
    refused = ui.launch("refresh_day", ui.redirecting())
    assert refused["__typename"] == "RunConfigValidationInvalid"
    assert "base_url" in str(refused["errors"])
    assert "sk-secret" not in str(refused)
    assert ui.launch("look_at_freshness", {})["__typename"] == "LaunchRunSuccess"
    key = f"sk-secret-{KEYS[0]}"
    until(
        lambda: key in {of.headers.get("x-api-key") for of in ui.provider.asked}, PATIENCE
    )  # by the daemon's own runs
    assert ui.attacker.asked == []


def test_the_page_is_served_and_not_in_a_frame(ui: Ui) -> None:
    page = httpx.get(f"{ui.url}/assets", headers={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"})
    assert page.status_code == 200
    assert "<html" in page.text
    assert page.headers["x-frame-options"] == "DENY"
    assert httpx.get(f"{ui.url}/graphql", headers={"Accept": "text/html"}).status_code == 200  # the GraphQL playground


def test_another_make_ui_on_the_same_data_is_refused(
    ui: Ui, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(ui.data_dir))
    monkeypatch.setenv("ANTHROPIC_ADMIN_API_KEY", "sk-another")
    monkeypatch.setenv("AI_USAGE_NOW", "")
    assert main(["ui", "--port", str(free_port())]) == 2
    assert f"make ui is already running on the data in {ui.data_dir}" in printed(capsys)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_a_closed_terminal_ends_all_of_it(ui: Ui) -> None:
    """The last test: after it only the output is left."""
    children = [int(pid) for pid in Path(f"/proc/{ui.process.pid}/task/{ui.process.pid}/children").read_text().split()]
    assert len(children) >= 3  # code server, webserver and daemon
    ui.process.send_signal(signal.SIGHUP)
    assert ui.process.wait(PATIENCE) == 0
    until(lambda: not any(map(runs, children)), PATIENCE)
    output = (ui.data_dir / "output").read_text(encoding="utf-8")
    assert "superseded" not in output
    assert "sk-secret" not in output
    assert not [path for path in ui.data_dir.rglob("*") if path.is_file() and b"sk-secret-" in path.read_bytes()]
