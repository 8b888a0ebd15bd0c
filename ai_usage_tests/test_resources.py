"""The person who launches a run cannot choose where a client connects or which secret it uses."""

from dataclasses import replace

import dagster as dg
import pytest
from dagster._config import ConfigTypeKind

from ai_usage.definitions import build_defs, defs
from ai_usage.providers.registry import PROVIDERS
from ai_usage.settings import SECRETS, secret, settings
from ai_usage_tests.ingest.stand_in import standing_in

RESOURCES = {
    *("warehouse", "published", "sheet", "uploads", "alerts", "simulated_providers", "io_manager"),
    *(provider.source.resource for provider in PROVIDERS),
}


def settled(fields: dict[str, object]) -> dict[str, object]:
    return {"resources": {name: {"config": config} for name, config in fields.items()}}


@pytest.fixture(scope="module", params=["real", "simulated"])
def jobs(request: pytest.FixtureRequest) -> list[dg.JobDefinition]:
    of = defs if request.param == "real" else build_defs(replace(settings(), simulate=True))
    return list(of.get_repository_def().get_all_jobs())


def test_no_resource_of_any_job_takes_config(jobs: list[dg.JobDefinition]) -> None:
    assert jobs
    for job in jobs:
        takes_no_config(job)


def takes_no_config(job: dg.JobDefinition) -> None:
    assert job.resource_defs.keys() == RESOURCES
    for name, resource in job.resource_defs.items():
        schema = resource.config_schema.config_type
        assert schema is not None
        assert (name, schema.kind, getattr(schema, "fields", None)) == (name, ConfigTypeKind.STRICT_SHAPE, {})
        for config in ({"base_url": "http://127.0.0.1:9"}, {"key": {"env": "PATH"}}, {"base_dir": "/"}, "text", [1]):
            with pytest.raises(dg.DagsterInvalidConfigError):
                dg.validate_run_config(job, settled({name: config}))
    assert dg.validate_run_config(job, settled({name: {} for name in RESOURCES}))


def test_no_part_of_a_launch_is_read_from_the_environment(jobs: list[dg.JobDefinition]) -> None:
    """`{env: NAME}` would show the value to any reader of the run. Loggers and executors have config too."""
    names = {of.given_name for job in jobs for of in job.run_config_schema.config_type.type_iterator()}
    assert names
    assert not {name for name in names if name and "Source" in name}


def test_a_run_with_another_address_or_key_is_refused_before_any_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, both keys and any named variable were sent to the address in the launch."""
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
