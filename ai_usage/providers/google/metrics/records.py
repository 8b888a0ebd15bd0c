"""What a time series of Cloud Monitoring means, with the points of one day.

Source: Google's reference of `projects.timeSeries.list` and recorded shapes. 64-bit integers are JSON strings. Labels
differ by metric; those that are known are named here, so that a new one, which may double a sum, is reported.
"""

from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.money import Rates
from ai_usage.providers.google.metrics.asked_metrics import METRICS
from ai_usage.warehouse.reading.field_types import MOST, Carries, Id, Unfit

Tokens = Annotated[str, Known("input", "output")]


class MetricLabels(msgspec.Struct, frozen=True):
    model: str | None = None
    limit_name: str | None = None  # of quota metrics, which come twice: …PerDay… and …PerMinute…
    method: str | None = None
    thinking_enabled: str | None = None
    type: Tokens | None = None
    request_type: str | None = None  # shared or dedicated capacity
    response_code: str | None = None
    response_code_class: str | None = None
    protocol: str | None = None
    grpc_status_code: str | None = None
    product: str | None = None


class NamedMetric(msgspec.Struct, frozen=True):
    type: Annotated[Id, Known(*{metric.type for metric in METRICS})]
    labels: MetricLabels = MetricLabels()


class ResourceLabels(msgspec.Struct, frozen=True):
    project_id: str | None = None
    resource_container: str | None = None  # a project's id, or projects/ and its number
    location: str | None = None
    service: str | None = None
    credential_id: str | None = None
    method: str | None = None
    version: str | None = None
    publisher: str | None = None
    model_user_id: str | None = None
    model_version_id: str | None = None
    instance_id: str | None = None


class Resource(msgspec.Struct, frozen=True):
    type: str | None = None
    labels: ResourceLabels = ResourceLabels()


class Interval(msgspec.Struct, frozen=True, rename="camel"):
    start_time: str | None = None
    end_time: Annotated[str | None, Carries.DAY] = None


class Value(msgspec.Struct, frozen=True, rename="camel"):
    """One of the two: a whole number as text, or a number."""

    int64_value: Annotated[Decimal | None, Carries.USAGE] = None
    double_value: Annotated[Decimal | None, Carries.USAGE] = None

    @property
    def count(self) -> int | None:
        """To the nearest whole number; None for what is no count that a day may have."""
        found = self.double_value if self.int64_value is None else self.int64_value
        is_count = found is not None and found.is_finite() and 0 <= found <= MOST
        return int(found.to_integral_value()) if found is not None and is_count else None


class Point(msgspec.Struct, frozen=True):
    value: Value
    interval: Interval | None = None


class Series(msgspec.Struct, frozen=True, rename="camel"):
    """One time series, with the points of one day."""

    metric: NamedMetric
    points: Annotated[list[Point], Carries.USAGE]
    resource: Resource = Resource()
    metric_kind: Annotated[str, Known("DELTA", "GAUGE")] | None = None
    value_type: Annotated[str, Known("INT64", "DOUBLE")] | None = None
    unit: str | None = None

    @property
    def count(self) -> int:
        """Of the points that have one."""
        return sum(point.value.count or 0 for point in self.points)


class SeriesOfDay(msgspec.Struct, frozen=True, rename="camel"):
    """One record of the pull: Google's series with the project that was asked, which its labels need not name."""

    project: Id
    time_series: Series
    unit: str | None = None

    @property
    def project_id(self) -> str:
        """The project that was asked; of a folder or organization, the one that the labels name."""
        labels = self.time_series.resource.labels
        named = labels.project_id or labels.resource_container or self.project
        return (named if "/" in self.project else self.project).removeprefix("projects/")

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        wrong = next((point.value for point in self.time_series.points if point.value.count is None), None)
        if wrong is None:
            return None
        field = "" if wrong == Value() else ".doubleValue" if wrong.int64_value is None else ".int64Value"
        return Unfit(f"timeSeries.points[].value{field}", "is not a count", "object")
