"""The metrics of Cloud Monitoring about Gemini, and the events of a day that each counts. No windows, no wire.

Quotas are counted twice, for the day's limit and for the minute's: the same tokens under two names.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ai_usage.simulator.google_company import CODE_ASSIST_PROJECT, TIERS, GoogleCompany, Project
from ai_usage.simulator.google_prices import GEMINI_API
from ai_usage.simulator.google_uses import GoogleDay, Use

GEMINI, VERTEX, ASSIST = (f"{name}.googleapis.com" for name in ("generativelanguage", "aiplatform", "cloudaicompanion"))
OUTPUT = f"{GEMINI}/generate_content_usage_output_token_count"
REQUESTS = "serviceruntime.googleapis.com/api/request_count"
VERTEX_TOKENS = f"{VERTEX}/publisher/online_serving/token_count"
VERTEX_CALLS = f"{VERTEX}/publisher/online_serving/model_invocation_count"
INPUT_QUOTAS = {f"{GEMINI}/quota/generate_content_{tier}_input_token_count/usage": tier for tier in TIERS}
CALL_QUOTAS = {f"{GEMINI}/quota/generate_content_{tier}_requests/usage": tier for tier in TIERS}
RESPONSES = f"{ASSIST}/usage/response_count"
ASSISTED = {  # metric → the kinds of entries that it counts, or the lines of
    f"{ASSIST}/code_assist/code_suggestions_count": ("codeExposure",),
    f"{ASSIST}/code_assist/chat_responses_count": ("chatExposure",),
    f"{ASSIST}/code_assist/code_lines_accepted_count": ("codeAcceptance", "chatAcceptance"),
}
METRICS = {OUTPUT, REQUESTS, VERTEX_TOKENS, VERTEX_CALLS, RESPONSES, *INPUT_QUOTAS, *CALL_QUOTAS, *ASSISTED}
METHOD = "google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent"
PREDICT = "google.cloud.aiplatform.v1.PredictionService.GenerateContent"
TWINS = ("Day", "Minute")
OFF = 1000  # tokens by which a minute's count differs, where twins disagree

Labels = tuple[tuple[str, str], ...]


class Event(NamedTuple):
    """Something counted: when it ended, and the series that it belongs to."""

    at: datetime
    n: int
    labels: Labels
    resource: str
    resource_labels: Labels


def events_of(
    metric: str, company: GoogleCompany, project: Project, day: GoogleDay, *, twins_disagree: bool
) -> Iterator[Event]:
    """What a metric counted in a project on a day."""
    if metric in ASSISTED or metric == RESPONSES:
        if project.id == CODE_ASSIST_PROJECT:
            yield from _assisted(metric, project, day)
        return
    for use in day.uses:
        if use.project_id != project.id:
            continue
        if metric == REQUESTS:
            yield from _requests(company, project, use)
        elif use.api != GEMINI_API:
            yield from _of_vertex(metric, project, use)
        else:
            yield from _of_gemini(metric, project, use, twins_disagree=twins_disagree)


def _of_gemini(metric: str, project: Project, use: Use, *, twins_disagree: bool) -> Iterator[Event]:
    where = (f"{GEMINI}/Location", (("resource_container", project.id), ("location", "global")))
    if metric == OUTPUT:
        thinks = str("thinking" in use.tokens).lower()
        labels = (("model", use.model.id), ("thinking_enabled", thinks))
        yield Event(use.ended_at, use.counted("output", "thinking"), labels, *where)
    if use.tier not in (INPUT_QUOTAS.get(metric), CALL_QUOTAS.get(metric)):
        return
    tier = use.tier.title().replace("_", "")
    for twin in TWINS:
        if metric in INPUT_QUOTAS:
            limit, n = f"GenerateContentInputTokensPerModelPer{twin}-{tier}", use.counted("input", "cached")
            n -= OFF if twins_disagree and twin != TWINS[0] else 0
        else:
            limit, n = f"GenerateRequestsPer{twin}PerProjectPerModel-{tier}", use.requests
        yield Event(use.ended_at, n, (("model", use.model.id), ("limit_name", limit), ("method", METHOD)), *where)


def _requests(company: GoogleCompany, project: Project, use: Use) -> Iterator[Event]:
    is_gemini = use.api == GEMINI_API
    caller = company.credential_id(use.credential) if is_gemini else f"serviceaccount:{project.number}"
    resource = (
        ("project_id", project.id),
        ("service", GEMINI if is_gemini else VERTEX),
        ("credential_id", caller),
        ("method", METHOD if is_gemini else PREDICT),
        ("location", use.location),
        ("version", "v1beta" if is_gemini else "v1"),
    )
    for code, n in (("200", use.requests), ("429", use.failed), ("500", use.broken)):
        if n:
            labels = (("response_code", code), ("response_code_class", f"{code[0]}xx"))
            yield Event(use.ended_at, n, labels, "consumed_api", resource)


def _of_vertex(metric: str, project: Project, use: Use) -> Iterator[Event]:
    resource = (
        ("project_id", project.id),
        ("location", use.location),
        ("publisher", "google"),
        ("model_user_id", use.model.id),
        ("model_version_id", ""),
    )
    where = (f"{VERTEX}/PublisherModel", resource)
    if metric == VERTEX_TOKENS:
        for name, kinds in (("input", ("input", "cached")), ("output", ("output", "thinking"))):
            yield Event(use.ended_at, use.counted(*kinds), (("type", name), ("request_type", "shared")), *where)
    if metric == VERTEX_CALLS:
        for code, n in (("200", use.requests), ("429", use.failed), ("500", use.broken)):
            if n:
                yield Event(use.ended_at, n, (("request_type", "shared"), ("response_code", code)), *where)


def _assisted(metric: str, project: Project, day: GoogleDay) -> Iterator[Event]:
    container = (("resource_container", f"projects/{project.number}"), ("location", "global"), ("instance_id", ""))
    where = (f"{ASSIST}/Instance", container)
    for one in day.activities:
        if metric == RESPONSES and one.kind.endswith("Exposure"):
            method = "CompleteCode" if one.kind == "codeExposure" else "GenerateChat"
            yield Event(one.at, 1, (("product", "code_assist"), ("method", method)), *where)
        elif one.kind in ASSISTED.get(metric, ()):
            yield Event(one.at, one.lines or 1, (("programming_language", one.language),), *where)
