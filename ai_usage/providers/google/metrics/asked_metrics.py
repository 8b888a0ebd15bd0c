"""The metrics of Cloud Monitoring that are asked for, one request a project each.

Source: Google's list of metrics (generativelanguage, serviceruntime, aiplatform, cloudaicompanion) and answers that
were measured in September 2026. Input and output tokens of the Gemini API are of two families that do not align
exactly, and neither equals the bill.
"""

from dataclasses import dataclass

GEMINI_API, VERTEX_AI, CODE_ASSIST = "gemini_api", "vertex_ai", "gemini_code_assist"
FREE_TIER = "free_tier"
# The name of a project's quota metrics follows its tier, which may change: all are asked, and added.
TIERS = (FREE_TIER, "paid_tier", "paid_tier_2", "paid_tier_3")
API = "generativelanguage.googleapis.com"
VERTEX = "aiplatform.googleapis.com"
REQUESTS = "serviceruntime.googleapis.com/api/request_count"


@dataclass(frozen=True)
class Metric:
    """One metric. `service` is the API that requests are counted of. A quota's series come twice with
    equal points, once for each of two limits: one of them counts.
    """

    type: str
    platform: str
    meter: str  # what it counts; empty: its label `type` has it
    tier: str = ""
    service: str = ""

    @property
    def filter(self) -> str:
        of_service = f' AND resource.labels.service="{self.service}"' if self.service else ""
        return f'metric.type="{self.type}"{of_service}'

    @property
    def name(self) -> str:
        """For notes."""
        return f"{self.type} of {self.service}" if self.service else self.type


def _quota(tier: str, counted: str, meter: str) -> Metric:
    return Metric(f"{API}/quota/generate_content_{tier}_{counted}/usage", GEMINI_API, meter, tier)


METRICS = (
    Metric(f"{API}/generate_content_usage_output_token_count", GEMINI_API, "output_tokens"),
    *(_quota(tier, "input_token_count", "input_tokens") for tier in TIERS),
    *(_quota(tier, "requests", "model_requests") for tier in TIERS),
    Metric(REQUESTS, GEMINI_API, "requests", service=API),
    Metric(REQUESTS, VERTEX_AI, "requests", service=VERTEX),
    Metric(f"{VERTEX}/publisher/online_serving/token_count", VERTEX_AI, ""),
    Metric(f"{VERTEX}/publisher/online_serving/model_invocation_count", VERTEX_AI, "model_requests"),
    Metric("cloudaicompanion.googleapis.com/usage/response_count", CODE_ASSIST, "responses"),
)


def metric_of(type_: str, service: str | None) -> Metric:
    """The metric of a series; one that was not asked for is of an unknown platform."""
    asked = (of for of in METRICS if of.type == type_ and of.service in ("", service or ""))
    return next(asked, Metric(type_, "unknown", "unknown"))
