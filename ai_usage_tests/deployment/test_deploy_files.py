"""The files of deploy/ agree with the settings, the commands, the instance of one machine, and with each other. No
image is built here and no cluster is used.
"""

import json
import os
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from configparser import RawConfigParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]
from dagster._core.instance.ref import InstanceRef

from ai_usage import settings as module
from ai_usage.commands.typed import COMMANDS
from ai_usage.places import ROOT
from ai_usage.settings import PROVIDER_KEYS, SECRETS, names

DEPLOY = ROOT / "deploy"
DAGSTERS = {"DAGSTER_HOME", "DAGSTER_EVENT_BATCH_SIZE"}  # variables that Dagster reads
SYSTEMS = {"HOME", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
PIPS = {"PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR"}
HOME = "AI_USAGE_HOME"  # the root of relative paths; it is read before the settings
OURS = names() | {f"{name}_FILE" for name in SECRETS} | {HOME}
MODULES = {"dagster": "dagster._cli", "dagster-daemon": "dagster._daemon.cli", "python": "json"}
CHANNELS = {name for name in SECRETS if name.startswith("ALERT_")}
DOCS = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def loaded(name: str) -> Any:
    return yaml.safe_load(read(name))


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = loaded("compose.yaml")["services"]
    return found


PROCESSES = sorted(set(services()) - {"postgres"})


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", read("Dockerfile"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def code_server_values() -> dict[str, Any]:
    [found] = loaded("helm-values.yaml")["dagster-user-deployments"]["deployments"]
    return dict(found)


def variables_of_helm(values: Any) -> Iterator[str]:
    """Every name of an `env` list, at any depth."""
    if isinstance(values, dict):
        yield from (one["name"] for one in values.get("env", ()))
        values = list(values.values())
    if isinstance(values, list):
        for value in values:
            yield from variables_of_helm(value)


def unit() -> RawConfigParser:
    parser = RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(read("ai-usage.service"))
    return parser


def variables_of_the_unit() -> set[str]:
    lines = re.findall(r"^#?Environment=(.+)$", read("ai-usage.service"), flags=re.MULTILINE)
    return {name for line in lines for name in re.findall(r"(\w+)=", line)}


def test_the_instance_is_that_of_one_machine_but_for_storage_and_logs() -> None:
    here, deployed = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8")), loaded("dagster.yaml")
    assert here.pop("event_log_storage")["module"] == "ai_usage.event_log"
    assert deployed.pop("storage") == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    assert deployed.pop("compute_logs")["class"] == "NoOpComputeLogManager"
    assert deployed == here


def test_webserver_and_daemon_load_no_class_of_ours() -> None:
    assert "ai_usage" not in re.sub(r"^#.*", "", read("dagster.yaml"), flags=re.MULTILINE)


def test_the_cluster_s_instance_has_the_same_limits() -> None:
    deployed, values = loaded("dagster.yaml"), loaded("helm-values.yaml")
    for name, value in values["additionalInstanceConfig"].items():
        assert value == deployed[name], name
    assert {"concurrency", "run_monitoring", "freshness", "nux"} == set(values["additionalInstanceConfig"])
    assert values["dagsterDaemon"]["runMonitoring"] == {"enabled": False}, "the chart would write the same key again"
    assert values["telemetry"] == deployed["telemetry"]
    assert values["pythonLogs"] == {"pythonLogLevel": deployed["python_logs"]["python_log_level"]}
    assert values["dagsterDaemon"]["runRetries"] == {
        "enabled": True,
        "maxRetries": deployed["run_retries"]["max_retries"],
    }
    kept = values["retention"]
    assert kept["schedule"]["purgeAfterDays"] == deployed["retention"]["schedule"]["purge_after_days"]
    assert deployed["retention"]["sensor"]["purge_after_days"].items() <= kept["sensor"]["purgeAfterDays"].items()
    assert values["postgresql"]["postgresqlScheme"] == "postgresql+psycopg2"


def instance_of_the_chart(values: dict[str, Any]) -> dict[str, Any]:
    """The dagster.yaml that the chart's templates make of the values, for the keys that are set here."""
    coordinator = values["dagsterDaemon"]["runCoordinator"]["config"]["customRunCoordinator"]
    of = values["postgresql"]
    postgres = {
        "username": of["postgresqlUsername"],
        "password": {"env": "DAGSTER_PG_PASSWORD"},
        "hostname": of["postgresqlHost"],
        "db_name": of["postgresqlDatabase"],
        "port": of["service"]["port"],
        "params": of["postgresqlParams"],
        "scheme": of["postgresqlScheme"],
    }
    storages = {"run_storage": "PostgresRunStorage", "event_log_storage": "PostgresEventLogStorage"}
    stored = {"module": "dagster_postgres", "config": {"postgres_db": postgres}}
    kept = {
        name: {"purge_after_days": days["purgeAfterDays"]}
        for name, days in values["retention"].items()
        if name != "enabled"
    }
    return {
        **{name: {**stored, "class": storage} for name, storage in storages.items()},
        "schedule_storage": {**stored, "class": "PostgresScheduleStorage"},
        "scheduler": {"module": "dagster._core.scheduler", "class": "DagsterDaemonScheduler"},
        "run_launcher": values["runLauncher"]["config"]["customRunLauncher"],
        "run_coordinator": coordinator,
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": values["computeLogManager"]["type"],
        },
        "telemetry": values["telemetry"],
        "retention": kept,
        **values["additionalInstanceConfig"],
    }


def test_the_cluster_s_instance_is_one_that_dagster_accepts(tmp_path: Path) -> None:
    """The chart's own run coordinator with a limit of runs beside `concurrency` is refused, for example."""
    instance = instance_of_the_chart(loaded("helm-values.yaml"))
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(instance), encoding="utf-8")
    ref = InstanceRef.from_dir(str(tmp_path))
    assert (ref.run_launcher_data.class_name, ref.run_coordinator_data.class_name) == (  # type: ignore[union-attr]
        "DefaultRunLauncher",
        "QueuedRunCoordinator",
    )
    assert isinstance(ref.run_coordinator, dg.QueuedRunCoordinator)
    assert isinstance(ref.run_launcher, dg.DefaultRunLauncher)
    instance["run_coordinator"]["config"] = {"max_concurrent_runs": -1}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(instance), encoding="utf-8")
    with pytest.raises(dg.DagsterInvalidConfigError, match="incompatible"):
        InstanceRef.from_dir(str(tmp_path))


def test_the_workspace_names_the_code_server_and_its_port() -> None:
    [location] = loaded("workspace.yaml")["load_from"]
    at = location["grpc_server"]
    command = services()[at["host"]]["command"]
    assert command[command.index("--port") + 1] == str(at["port"])
    assert command[command.index("--location-name") + 1] == at["location_name"] == "ai_usage"
    assert find_spec(command[command.index("--module-name") + 1])


@pytest.mark.parametrize("name", PROCESSES)
def test_each_process_is_a_command_that_there_is(name: str) -> None:
    commands = [services()[name]["command"], services()[name]["healthcheck"].get("test", ["CMD", "python"])[1:]]
    for command in commands:
        assert_it_is_there([part for part in command if part != "entrypoint.sh"])


def assert_it_is_there(command: list[str]) -> None:
    if command[0] == "ai-usage":
        assert command[1].replace("-", "_") in COMMANDS
        assert "ai-usage" in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    else:
        assert find_spec(MODULES[command[0]])


def test_the_image_and_the_cluster_start_the_same_code_server_as_compose() -> None:
    [image] = [json.loads(rest) for word, rest in instructions() if word == "CMD"]
    assert image == services()["code-server"]["command"]
    values = code_server_values()
    assert values["port"] == 4000
    assert values["dagsterApiGrpcArgs"][:2] == ["--module-name", "ai_usage.definitions"]
    [watchdog] = values["sidecarContainers"]
    assert watchdog["args"] == services()["watchdog"]["command"]


def test_every_variable_that_is_set_is_one_that_somebody_reads() -> None:
    of_compose = {
        name for of in services().values() if "hostname" in of or "command" in of for name in of["environment"]
    }
    of_image = {name for word, rest in instructions() if word == "ENV" for name in re.findall(r"(\w+)=", rest)}
    of_cluster = set(variables_of_helm(loaded("helm-values.yaml")))
    found = of_compose | of_image | of_cluster | variables_of_the_unit()
    assert found - OURS - DAGSTERS - SYSTEMS - PIPS == set()
    assert {"ANTHROPIC_ADMIN_API_KEY_FILE", "DAGSTER_POSTGRES_URL_FILE", "AI_USAGE_DATA_DIR", HOME} <= found


def test_keys_reach_the_code_server_alone() -> None:
    has = {name: set(of["environment"]) for name, of in services().items()}
    keys = {f"{name}_FILE" for name in PROVIDER_KEYS}
    assert {name for name, variables in has.items() if variables & keys} == {"code-server"}
    assert {name for name, variables in has.items() if variables & {f"{name}_FILE" for name in CHANNELS}} == {
        "code-server",
        "watchdog",
    }
    assert set(SECRETS) & set().union(*has.values()) == set(), "a secret is a file"
    for name in ("webserver", "daemon"):
        assert services()[name]["secrets"] == ["dagster_postgres_url"]
        assert "env_file" not in services()[name]
    values = loaded("helm-values.yaml")
    for host in ("dagsterWebserver", "dagsterDaemon"):
        assert {"envSecrets", "envConfigMaps"} & set(values[host]) == set()
        assert set(variables_of_helm(values[host])) <= {"AI_USAGE_UI_URL"}


@pytest.mark.parametrize("name", sorted(services()))
def test_each_secret_is_a_file_that_is_declared_and_read(name: str) -> None:
    declared = loaded("compose.yaml")["secrets"]
    files = {value for variable, value in services()[name]["environment"].items() if variable.endswith("_FILE")}
    assert files == {f"/run/secrets/{secret}" for secret in services()[name]["secrets"]}
    for secret in services()[name]["secrets"]:
        assert declared[secret] == {"file": f"secrets/{secret}"}


@pytest.mark.parametrize("name", sorted(services()))
def test_no_container_may_more_than_it_must(name: str) -> None:
    of = services()[name]
    user = of["user"].partition(":")[0]
    assert user.isdigit()
    assert user != "0"
    assert (of["read_only"], of["cap_drop"], of["restart"]) == (True, ["ALL"], "unless-stopped")
    assert of["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "cap_add", "devices"} & set(of)
    assert any(path.startswith("/tmp") for path in of["tmpfs"])  # noqa: S108 - in a container
    assert of["image"].startswith("${"), "an image is named by who deploys it, with its version or digest"
    ports = of.get("ports", [])
    assert ports == (["127.0.0.1:3000:3000"] if name == "webserver" else [])
    inside = loaded("compose.yaml")["networks"]["inside"]
    assert inside == {"internal": True}
    if name in {"postgres", "daemon"}:
        assert of["networks"] == ["inside"]


def test_only_what_shares_the_warehouse_has_its_volume() -> None:
    assert {name for name, of in services().items() if "data:/data" in of.get("volumes", [])} == {
        "code-server",
        "watchdog",
    }
    assert services()["code-server"]["hostname"] == "code-server"
    assert "--runs-elsewhere" in services()["watchdog"]["command"]
    assert services()["watchdog"]["healthcheck"] == {"disable": True}


def test_the_image_copies_what_there_is_and_no_secret() -> None:
    copied = [rest.split() for word, rest in instructions() if word in {"COPY", "ADD"}]
    sources = [part for of in copied for part in of[:-1] if not part.startswith("--")]
    from_here = [source for source in sources if not source.startswith("/opt/")]
    assert from_here
    for source in from_here:
        assert source == "dist/ai_usage-*.whl" or (ROOT / source).is_file(), source
    seen = {line[1:] for line in read("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    assert seen == {source.replace("ai_usage-*", "*") for source in from_here}
    assert "*" in read("Dockerfile.dockerignore").splitlines(), "the rest is not even sent to the build"
    assert all(word != "ADD" for word, _ in instructions())
    text = read("Dockerfile")
    assert not [name for name in SECRETS if re.search(rf"\b{name}\b", text)]
    assert ".env" not in text


def test_the_image_is_of_a_named_base_of_the_lock_and_of_a_user_without_rights() -> None:
    words = [word for word, _ in instructions()]
    assert instructions()[0] == ("ARG", "PYTHON_IMAGE"), "without a default: the digest has to be given"
    assert {rest.partition(" ")[0] for word, rest in instructions() if word == "FROM"} == {"${PYTHON_IMAGE}"}
    assert words.index("USER") > len(words) - 1 - words[::-1].index("RUN")
    [user] = [rest for word, rest in instructions() if word == "USER"]
    assert user == services()["webserver"]["user"] == "10001:10001"
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert "--no-deps --require-hashes -r /build/requirements.txt" in installs[0]
    assert all("--no-deps" in rest and "pip check" in rest for rest in installs)


@pytest.mark.parametrize("part", ["podSecurityContext", "securityContext"])
def test_no_pod_may_more_than_it_must(part: str) -> None:
    values = loaded("helm-values.yaml")
    of = [code_server_values(), values["dagsterWebserver"], values["dagsterDaemon"]]
    if part == "securityContext":
        of += code_server_values()["sidecarContainers"]
        assert all(one[part]["readOnlyRootFilesystem"] and not one[part]["allowPrivilegeEscalation"] for one in of)
        assert all(one[part]["capabilities"] == {"drop": ["ALL"]} for one in of)
    else:
        assert all(one[part]["runAsNonRoot"] and one[part]["runAsUser"] == 10001 for one in of)
    assert code_server_values()["deploymentStrategy"] == {"type": "Recreate"}
    probe = values["dagsterWebserver"]["readinessProbe"]["httpGet"]
    assert probe["port"] == values["dagsterWebserver"]["service"]["port"]
    assert probe["httpHeaders"] == [{"name": "Host", "value": "localhost"}], "another Host is refused"


def test_the_service_is_a_user_of_its_own_with_a_folder_of_its_own() -> None:
    service = unit()["Service"]
    path, command, *_ = service["ExecStart"].split()
    assert Path(path).name == "ai-usage"
    assert command in COMMANDS
    assert (service["DynamicUser"], service["StateDirectory"], service["StateDirectoryMode"]) == (
        "yes",
        "ai_usage",
        "0700",
    )
    assert (service["UMask"], service["NoNewPrivileges"], service["ProtectSystem"]) == ("0077", "yes", "strict")
    assert service["Restart"] == "always"


def run(script: str, *arguments: str, tmp_path: Path, **environ: str) -> str:
    """The environment and arguments of a program that a script of the image starts."""
    for name in ("shown", "ai-usage"):
        program = tmp_path / name
        program.write_text('#!/bin/sh\necho "$@"\numask\nenv\n', encoding="utf-8")
        program.chmod(0o755)
    copy = tmp_path / script
    copy.write_text(read(script), encoding="utf-8")
    copy.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        [copy, *arguments], env={"PATH": path, **environ}, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def test_the_entrypoint_hands_the_address_of_postgres_to_dagster_s_own_programs(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql+psycopg2://dagster:a%40b c$d@postgres/dagster\n", encoding="utf-8")
    shown = run("entrypoint.sh", "shown", "a b", tmp_path=tmp_path, DAGSTER_POSTGRES_URL_FILE=str(secret)).splitlines()
    assert shown[:2] == ["a b", "0077"]
    assert "DAGSTER_POSTGRES_URL=postgresql+psycopg2://dagster:a%40b c$d@postgres/dagster" in shown
    assert not [line for line in shown if line.startswith("DAGSTER_POSTGRES_URL_FILE")]
    assert "DAGSTER_POSTGRES_URL=given" in run(
        "entrypoint.sh", "shown", tmp_path=tmp_path, DAGSTER_POSTGRES_URL="given"
    )
    assert "No such file" in run("entrypoint.sh", "shown", tmp_path=tmp_path, DAGSTER_POSTGRES_URL_FILE="/none")


def test_the_chart_s_webserver_is_ours(tmp_path: Path) -> None:
    asked = [
        "-h",
        "127.0.0.2",
        "-p",
        "3000",
        "-w",
        "/dagster-workspace/workspace.yaml",
    ]  # as in the chart's template
    shown = run("dagster-webserver", *asked, tmp_path=tmp_path).splitlines()
    assert shown[0] == " ".join(["webserver", *asked])
    for name in ("entrypoint.sh", "dagster-webserver"):
        assert (DEPLOY / name).stat().st_mode & stat.S_IXUSR


def test_the_page_lists_every_host_that_is_asked() -> None:
    """For a firewall that allows only the listed hosts."""
    code = {path for path in (ROOT / "ai_usage").rglob("*.py") if "simulator" not in path.parts}
    hosts = {host for path in code for host in re.findall(r"https://([a-z0-9.-]+[.]com)\b", path.read_text("utf-8"))}
    asked = {
        urlsplit(url).hostname for name, url in vars(module).items() if name.endswith("_URL") and "://" in str(url)
    }
    assert len(asked) > 5
    assert asked <= hosts
    assert {host for host in hosts if f"`{host}`" not in DOCS} == set()


def test_the_page_names_every_file_and_every_secret_s_reader() -> None:
    for file in DEPLOY.iterdir():
        if file.is_file():
            assert f"deploy/{file.name}" in DOCS, file.name
    assert len(DOCS.splitlines()) <= 150
