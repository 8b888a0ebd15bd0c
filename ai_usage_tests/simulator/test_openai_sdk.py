"""OpenAI's own Python SDK sends requests to the simulator and validates every answer with its response models."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
from openai import AuthenticationError, BadRequestError, OpenAI
from openai.types.admin import organization as models
from openai.types.admin.organization import projects as project_models
from pydantic import BaseModel

from ai_usage.simulator import OPENAI_KEY, Simulator
from ai_usage.simulator.openai_parameters import USAGE_GROUPS
from ai_usage_tests.simulator.conftest import NOW, PATIENCE
from ai_usage_tests.simulator.openai_client import GROUPS, OpenAiClient, of, seconds

DAY = date(2026, 11, 18)
WEEK = of(date(2026, 11, 12), 7)
UNDECLARED = {"organization_id", "organization_name"}  # production sends them; the SDK does not declare them
OBJECTS = {"file_search_calls": "file_searches", "web_search_calls": "web_searches"}
REPORTS: dict[str, type[BaseModel]] = {
    "audio_speeches": models.UsageAudioSpeechesResponse,
    "audio_transcriptions": models.UsageAudioTranscriptionsResponse,
    "code_interpreter_sessions": models.UsageCodeInterpreterSessionsResponse,
    "completions": models.UsageCompletionsResponse,
    "embeddings": models.UsageEmbeddingsResponse,
    "file_search_calls": models.UsageFileSearchCallsResponse,
    "images": models.UsageImagesResponse,
    "moderations": models.UsageModerationsResponse,
    "vector_stores": models.UsageVectorStoresResponse,
    "web_search_calls": models.UsageWebSearchCallsResponse,
}


@pytest.fixture
def sdk(openai: OpenAiClient) -> Iterator[OpenAI]:
    with OpenAI(admin_api_key=OPENAI_KEY, base_url=openai.simulator.openai_url, max_retries=0) as client:
        yield client


def extras(model: BaseModel) -> set[str]:
    """The fields that the SDK's models do not declare, at any depth."""
    found = {*(model.model_extra or {})}
    for name in type(model).model_fields:
        value = getattr(model, name)
        for each in value if isinstance(value, list) else [value]:
            found |= extras(each) if isinstance(each, BaseModel) else set()
    return found


@pytest.mark.parametrize("endpoint", REPORTS)
@pytest.mark.parametrize("grouped", [True, False])
def test_usage_is_what_the_sdk_declares_strictly(openai: OpenAiClient, endpoint: str, *, grouped: bool) -> None:
    by = list(USAGE_GROUPS[endpoint]) if grouped else []
    answer = openai.get(f"usage/{endpoint}", **WEEK, group_by=by, limit=31)
    page: Any = REPORTS[endpoint].model_validate_json(answer.content, strict=True)
    assert extras(page) == set()
    named = {result.object for bucket in page.data for result in bucket.results}
    assert named == {f"organization.usage.{OBJECTS.get(endpoint, endpoint)}.result"}


def test_decisions_where_they_are_offered_are_too() -> None:
    with Simulator(now=NOW, openai_offers_decisions=True) as simulator, httpx.Client(timeout=PATIENCE) as http:
        answer = OpenAiClient(simulator, http).get("usage/decisions", **WEEK, group_by=["model", "batch"])
    page = models.UsageDecisionsResponse.model_validate_json(answer.content, strict=True)
    assert extras(page) == set()
    assert {result.object for bucket in page.data for result in bucket.results} == {
        "organization.usage.decisions.result"
    }


@pytest.mark.parametrize(("first", "is_strict"), [(date(2026, 5, 20), True), (date(2026, 11, 12), False)])
def test_costs_are_what_the_sdk_declares_but_for_amounts_as_strings(
    openai: OpenAiClient, first: date, *, is_strict: bool
) -> None:
    """The SDK declares float. Production now sends strings, which the SDK accepts only when it is not strict."""
    for by in ([], GROUPS, ["user_id"]):
        answer = openai.get("costs", **of(first, 7), group_by=by)
        page = models.UsageCostsResponse.model_validate_json(answer.content, strict=is_strict)
        assert extras(page) == UNDECLARED
        assert {result.object for bucket in page.data for result in bucket.results} == {"organization.costs.result"}
        if not is_strict:
            with pytest.raises(ValueError, match="valid number"):
                models.UsageCostsResponse.model_validate_json(answer.content, strict=True)


def test_the_sdk_pages_through_costs_with_its_own_parameters(openai: OpenAiClient, sdk: OpenAI) -> None:
    usage, days, token = sdk.admin.organization.usage, [], ""
    while True:
        more = {"page": token} if token else {}
        page = usage.costs(**WEEK, group_by=["project_id", "line_item", "api_key_id"], limit=3, **more)  # type: ignore[arg-type]
        days += page.data
        token = page.next_page or ""
        if not page.has_more:
            break
    assert [bucket.start_time for bucket in days] == [WEEK["start_time"] + n * 86_400 for n in range(7)]
    [last] = [json.loads(bucket.to_json()) for bucket in days if bucket.start_time == seconds(DAY)]
    amounts = [Decimal(str(result["amount"]["value"])) for result in last["results"] if result.get("amount")]
    assert sum(amounts) == openai.simulator.openai_day(DAY).total_usd


def test_the_sdk_asks_for_every_usage_report(sdk: OpenAI) -> None:
    usage = sdk.admin.organization.usage
    for endpoint in REPORTS:
        page = getattr(usage, endpoint)(**of(DAY), group_by=list(USAGE_GROUPS[endpoint]), bucket_width="1d")
        [bucket] = page.data
        assert bucket.results, endpoint


def test_the_sdk_walks_every_list_and_each_item_is_what_it_declares(openai: OpenAiClient, sdk: OpenAI) -> None:
    organization = sdk.admin.organization
    named = [project.id for project in organization.projects.list(include_archived=True, limit=2)]
    assert named == [project.id for project in openai.simulator.openai_company.projects]
    members = [user.id for user in organization.users.list(limit=20)]
    assert members == [user["id"] for user in openai.items("users", limit=100)]
    assert len(list(organization.admin_api_keys.list(limit=1))) == 2
    validate(openai, "projects", models.Project, include_archived="true")
    validate(openai, "users", models.OrganizationUser)
    validate(openai, "admin_api_keys", models.AdminAPIKey)
    for project_id in named:
        keys = openai.items(f"projects/{project_id}/api_keys", owner_project_access="any")
        listed = organization.projects.api_keys.list(project_id, owner_project_access="any", limit=1)
        assert [key.id for key in listed] == [key["id"] for key in keys]
        validate(openai, f"projects/{project_id}/api_keys", project_models.ProjectAPIKey, owner_project_access="any")
        validate(openai, f"projects/{project_id}/service_accounts", project_models.ProjectServiceAccount)
        validate(openai, f"projects/{project_id}/users", project_models.ProjectUser)


def validate(openai: OpenAiClient, path: str, model: type[BaseModel], **query: Any) -> None:
    for item in openai.items(path, **query):
        assert extras(model.model_validate(item, strict=True)) == set()


def test_the_sdk_takes_refusals_for_what_they_are(openai: OpenAiClient, sdk: OpenAI) -> None:
    with pytest.raises(BadRequestError) as refused:
        sdk.admin.organization.usage.costs(start_time=seconds(DAY), group_by=["project_id", "user_id"])
    assert refused.value.param == "group_by"
    url = openai.simulator.openai_url
    with (
        OpenAI(admin_api_key="sk-admin-other", base_url=url, max_retries=0) as other,
        pytest.raises(AuthenticationError) as unknown,
    ):
        other.admin.organization.usage.costs(start_time=seconds(DAY))
    assert unknown.value.code == "invalid_api_key"
