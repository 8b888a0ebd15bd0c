"""OpenAI's raw assets: what each asks for, a run's days at a time."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dagster as dg

from ai_usage.ingest.compared_reports import Compared, pull_compared
from ai_usage.ingest.each_account import Clients, Note
from ai_usage.ingest.ledger_writes import (
    InWarehouse,
    Report,
    Source,
    as_it_is_now,
    ask_accounts,
    pull_days,
    pull_report,
    pull_snapshot,
)
from ai_usage.layers import MANY_DAYS_A_RUN, daily_asset, in_plain_words, snapshot_asset, spec
from ai_usage.partitions import ONE_DAY, Span, span_of_run
from ai_usage.providers.openai.client import OpenAIAdmin
from ai_usage.providers.openai.endpoints import (
    ADMIN_VARIABLE,
    CODEX_DAYS,
    CODEX_DEPTH,
    CODEX_VARIABLE,
    COST_DAYS,
    MAY_BE_MISSING,
    USAGE_DAYS,
)
from ai_usage.providers.openai.rows import billed
from ai_usage.providers.openai.tables import RAW_TABLES, USAGE_PULLS
from ai_usage.settings import settings
from ai_usage.warehouse.ledger import Answer

SOURCE = Source(resource="openai_admin", key_variable=ADMIN_VARIABLE, provider="OpenAI")
GROUP = "raw_openai"
KINDS = {"api", "duckdb"}

MaybeOpenAI = dg.ResourceParam[Clients[OpenAIAdmin]]
OpenAIReport = Report[OpenAIAdmin]
NEEDS_ADMIN_KEY = f"not configured: no account has an Admin key ({ADMIN_VARIABLE} is not set)"
NEEDS_CODEX_KEY = f"not configured: {CODEX_VARIABLE} is not set, and an Admin key does not open what Codex did"


def refused_groupings(answer: Answer) -> Mapping[str, object]:
    """What an answer could not be grouped by, and why, as a note of its day."""
    refused: Mapping[str, str] = answer.envelope.get("refused_groupings", {})
    return {"refused_groupings": "; ".join(f"{of}: {why}" for of, why in refused.items())} if refused else {}


def unlisted_projects(answer: Answer) -> Mapping[str, object]:
    """The projects that have no such list, and why, as a note."""
    unlisted: Mapping[str, str] = answer.envelope.get("unlisted_projects", {})
    return {"unlisted_projects": "; ".join(f"{of}: {why}" for of, why in unlisted.items())} if unlisted else {}


def _of_organization(
    pull: str, name: str, ask: Callable[[OpenAIAdmin, Span], list[Answer]], **more: Any
) -> OpenAIReport:
    """A report that an Admin key opens."""
    return Report(
        pull=pull,
        name=name,
        ask=ask,
        is_key_accepted=OpenAIAdmin.is_key_accepted,
        is_asked_of=lambda admin: admin.is_of_organization,
        lacks=NEEDS_ADMIN_KEY,
        **more,
    )


def _usage(endpoint: str) -> OpenAIReport:
    """A usage report; one that organizations need not have is optional."""
    optional = {"use": f"what was used of {endpoint}", "needs": f"an organization with {endpoint}"}
    return _of_organization(
        USAGE_PULLS[endpoint],
        f"usage of {endpoint.replace('_', ' ')}",
        lambda admin, span: admin.usage(endpoint, span),
        notes_of=refused_groupings,
        **(optional if endpoint in MAY_BE_MISSING else {}),
    )


REPORTS: dict[str, OpenAIReport] = {
    report.pull: report
    for report in (
        _of_organization("openai_costs", "costs", OpenAIAdmin.costs, notes_of=refused_groupings),
        _of_organization("openai_cost_totals", "cost totals", OpenAIAdmin.cost_totals),
        *map(_usage, USAGE_PULLS),
        Report(
            pull="openai_codex_usage",
            name="Codex usage",
            ask=OpenAIAdmin.codex_usage,
            use="what people did with Codex on their seats",
            needs="a key (scope codex.enterprise.analytics.read) of a ChatGPT Enterprise workspace with Codex",
            is_key_accepted=OpenAIAdmin.is_key_accepted,
            is_asked_of=lambda admin: admin.is_of_workspace,
            lacks=NEEDS_CODEX_KEY,
            key_variable=CODEX_VARIABLE,
        ),
        _of_organization("openai_projects", "projects", as_it_is_now(OpenAIAdmin.projects)),
        _of_organization(
            "openai_project_api_keys",
            "API keys of projects",
            as_it_is_now(OpenAIAdmin.project_keys),
            notes_of=unlisted_projects,
        ),
        _of_organization(
            "openai_service_accounts",
            "service accounts of projects",
            as_it_is_now(OpenAIAdmin.service_accounts),
            notes_of=unlisted_projects,
        ),
        _of_organization(
            "openai_project_users",
            "members of projects",
            as_it_is_now(OpenAIAdmin.project_users),
            notes_of=unlisted_projects,
        ),
        _of_organization("openai_users", "members", as_it_is_now(OpenAIAdmin.users)),
        _of_organization(
            "openai_admin_api_keys",
            "Admin keys",
            as_it_is_now(OpenAIAdmin.admin_keys),
            use="which Admin keys there are",
            needs="an Admin key that may read Admin keys",
        ),
    )
}
COSTS = Compared(lines=REPORTS["openai_costs"], totals=REPORTS["openai_cost_totals"], sum_of=billed, at_most=COST_DAYS)


@dg.multi_asset(
    name="raw__openai_costs_and_totals",
    specs=[
        spec(
            "raw",
            RAW_TABLES["openai_costs"],
            group=GROUP,
            kinds=KINDS,
            description="Cost lines by project, line item and, if allowed, API key, as OpenAI sent them, in dollars.",
        ),
        spec(
            "raw",
            RAW_TABLES["openai_cost_totals"],
            group=GROUP,
            kinds=KINDS,
            description="The total of each day: the cost report without grouping, as OpenAI sent it, in dollars.",
        ),
    ],
    pool=GROUP,
    backfill_policy=MANY_DAYS_A_RUN,
)
@in_plain_words
def openai_costs_and_totals(
    context: dg.AssetExecutionContext, openai_admin: MaybeOpenAI, warehouse: InWarehouse
) -> Iterator[dg.MaterializeResult[None]]:
    """Both reports of the same cost, pulled one after the other."""
    yield from pull_compared(context, SOURCE, openai_admin, warehouse, COSTS)


def _usage_asset(pull: str) -> dg.AssetsDefinition:
    def usage(context: dg.AssetExecutionContext, openai_admin: MaybeOpenAI, warehouse: InWarehouse) -> None:
        pull_report(context, SOURCE, openai_admin, warehouse, REPORTS[pull], at_most=USAGE_DAYS)

    usage.__doc__ = f"OpenAI's {REPORTS[pull].name} by project, user, API key and the report's own dimensions, as sent."
    return daily_asset("raw", RAW_TABLES[pull], group=GROUP, kinds=KINDS)(usage)


USAGE_ASSETS = [_usage_asset(pull) for pull in USAGE_PULLS.values()]


@daily_asset("raw", RAW_TABLES["openai_codex_usage"], group=GROUP, kinds=KINDS)
def openai_codex_usage(context: dg.AssetExecutionContext, openai_admin: MaybeOpenAI, warehouse: InWarehouse) -> None:
    """Use of Codex by each user of a ChatGPT workspace, in credits, which are no money, as OpenAI sent it. Codex over
    an API key is in the organization's usage instead.
    """
    report, run = REPORTS["openai_codex_usage"], span_of_run(context)
    earliest = settings().now().date() - (CODEX_DEPTH - 1) * ONE_DAY

    def pull(client: OpenAIAdmin, noted: Note) -> None:
        for day in run.days:
            if day < earliest:
                noted(f"raw/{report.pull}", day, skipped=f"the provider has nothing before {earliest}")
        if run.last >= earliest:
            span = Span(max(run.first, earliest), run.last)
            pull_days(context, client, warehouse, report, span, noted=noted, at_most=CODEX_DAYS)

    ask_accounts(context, SOURCE, openai_admin, report, pull)


def _snapshot(pull: str, description: str) -> dg.AssetsDefinition:
    def snapshot(context: dg.AssetExecutionContext, openai_admin: MaybeOpenAI, warehouse: InWarehouse) -> None:
        pull_snapshot(context, SOURCE, openai_admin, warehouse, REPORTS[pull])

    snapshot.__doc__ = description
    return snapshot_asset("raw", RAW_TABLES[pull], group=GROUP, kinds=KINDS)(snapshot)


openai_projects = _snapshot("openai_projects", "All projects, with archived ones, as OpenAI sent them.")
openai_project_api_keys = _snapshot(
    "openai_project_api_keys", "The API keys of all projects with their owners, as OpenAI sent them, without the keys."
)
openai_service_accounts = _snapshot(
    "openai_service_accounts", "The service accounts of all projects, as OpenAI sent them."
)
openai_project_users = _snapshot("openai_project_users", "The members of all projects, as OpenAI sent them.")
openai_users = _snapshot("openai_users", "All members of the organization, as OpenAI sent them.")
openai_admin_api_keys = _snapshot(
    "openai_admin_api_keys", "The organization's Admin keys with their owners, as OpenAI sent them, without the keys."
)

ASSETS = [
    openai_costs_and_totals,
    *USAGE_ASSETS,
    openai_codex_usage,
    openai_projects,
    openai_project_api_keys,
    openai_service_accounts,
    openai_project_users,
    openai_users,
    openai_admin_api_keys,
]
