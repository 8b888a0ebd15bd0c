"""The person who launches a run cannot choose where a client connects or which secret it uses."""

from dataclasses import replace

import dagster as dg
import pytest
from dagster._config import ConfigTypeKind

from ai_usage.definitions import build_defs, defs
from ai_usage.settings import SECRETS, secret, settings
from ai_usage_tests.ingest.stand_in import standing_in

OF = {"real": defs, "simulated": build_defs(replace(settings(), simulate=True))}
JOBS = {f"{kind} {job.name}": job for kind, of in OF.items() for job in of.get_repository_def().get_all_jobs()}
RESOURCES = {
    *(
        "warehouse",
        "published",
        "claude_admin",
        "cursor_admin",
        "sheet",
        "uploads",
        "alerts",
        "simulated_providers",
        "io_manager",
    ),
}


def settled(fields: dict[str, object]) -> dict[str, object]:
    return {"resources": {name: {"config": config} for name, config in fields.items()}}


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_no_resource_of_any_job_takes_config(job: dg.JobDefinition) -> None:
    assert job.resource_defs.keys() == RESOURCES
    for name, resource in job.resource_defs.items():
        schema = resource.config_schema.config_type
        assert schema is not None
        assert (name, schema.kind, getattr(schema, "fields", None)) == (name, ConfigTypeKind.STRICT_SHAPE, {})
        for config in ({"base_url": "http://127.0.0.1:9"}, {"key": {"env": "PATH"}}, {"base_dir": "/"}, "text", [1]):
            with pytest.raises(dg.DagsterInvalidConfigError):
                dg.validate_run_config(job, settled({name: config}))
    assert dg.validate_run_config(job, settled({name: {} for name in RESOURCES}))


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_no_part_of_a_launch_is_read_from_the_environment(job: dg.JobDefinition) -> None:
    """`{env: NAME}` would show the value to whoever reads the run. Loggers and executors have config too."""
    names = {of.given_name for of in job.run_config_schema.config_type.type_iterator()}
    assert not {name for name in names if name and "Source" in name}


def test_a_run_with_another_address_or_key_is_refused_before_any_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was, both keys and any variable by name went to the address of the launch."""
    for name in SECRETS[:3]:
        monkeypatch.setenv(name, "sk-to-be-kept")
    of = replace(settings(), has_anthropic_admin_key=True, has_anthropic_analytics_key=True, has_cursor_key=True)
    keyed = build_defs(of)
    with standing_in() as attacker:
        for job, resource in (("pull_claude", "claude_admin"), ("pull_cursor", "cursor_admin")):
            for config in ({"base_url": attacker.url}, {"base_url": attacker.url, "admin_key": {"env": "PATH"}}):
                with pytest.raises(dg.DagsterInvalidConfigError):
                    keyed.resolve_job_def(job).execute_in_process(run_config=settled({resource: config}))
    assert attacker.asked == []


def test_only_a_secret_is_read_as_one() -> None:
    with pytest.raises(KeyError):
        secret("PATH")
