"""What a question to Claude's reports may contain: dimensions, filters, bucket widths and spans."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from starlette.requests import Request

from ai_usage.simulator.claude_reports import Filters
from ai_usage.simulator.queries import Query

ANALYTICS_BETA = "analytics-usage-cost-2026-08-24"
SPEED_BETA = "fast-mode-2026-02-01"

ONE_DAY = timedelta(days=1)
WIDTHS = {"1d": ONE_DAY, "1h": timedelta(hours=1), "1m": timedelta(minutes=1)}
USAGE_LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}
SERVICE_TIERS = ("standard", "batch", "priority", "priority_on_demand", "flex", "flex_discount")
WINDOWS = ("0-200k", "200k-1M")
GEOS = ("global", "us", "not_available")
PRODUCTS = (
    "cc_security_autopatch chat chat_cowork_unified claude_code claude_console claude_design claude_in_chrome "
    "claude_tag cowork managed_agents_api message_batches_api messages_api office_agent other"
)
ACTOR_TYPES = ("api_actor", "federated_actor", "service_account_actor", "user_actor")

USAGE_GROUPS = (
    "account_id api_key_id context_window inference_geo model service_account_id service_tier speed workspace_id"
)
USAGE_FILTERS = {  # parameter → the dimension it filters, and its values where they are listed
    "account_ids": ("account_id", None),
    "api_key_ids": ("api_key_id", None),
    "workspace_ids": ("workspace_id", None),
    "models": ("model", None),
    "service_account_ids": ("service_account_id", None),
    "service_tiers": ("service_tier", SERVICE_TIERS),
    "context_window": ("context_window", WINDOWS),
    "inference_geos": ("inference_geo", GEOS),
}
ANALYTICS_FILTERS = {
    "actor_ids": ("actor_id", None),
    "actor_types": ("actor_type", ACTOR_TYPES),
    "api_key_ids": ("api_key_id", None),
    "workspace_ids": ("workspace_id", None),
    "models": ("model", None),
    "service_tiers": ("service_tier", SERVICE_TIERS),
    "organization_ids": ("organization_id", None),
    "products": ("product", PRODUCTS.split()),
    "context_windows": ("context_window", WINDOWS),
    "inference_geos": ("inference_geo", GEOS),
}

ANALYTICS_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOST_GROUPS = 5
LONGEST_SPAN = timedelta(days=31)
LOOK_BACK = timedelta(days=365)


def betas_of(request: Request) -> set[str]:
    return {beta.strip() for beta in ",".join(request.headers.getlist("anthropic-beta")).split(",")}


def filters_of(query: Query, known: Mapping[str, tuple[str, Sequence[str] | None]]) -> Filters:
    chosen = {dimension: query.all(name, values) for name, (dimension, values) in known.items()}
    return frozenset(
        (dimension, frozenset(value or None for value in values)) for dimension, values in chosen.items() if values
    )


def snap(instant: datetime, width: timedelta) -> datetime:
    """The start of the bucket that contains an instant."""
    midnight = datetime.combine(instant.date(), time(), UTC)
    return midnight + (instant - midnight) // width * width
