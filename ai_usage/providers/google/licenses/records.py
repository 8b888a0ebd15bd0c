"""What a record of licenses means: an order with its pool, or one licensed user of an order.

Source: the types of Google's Python library for consumer procurement (0.6). Counts are JSON numbers or strings.
"""

from datetime import date

import msgspec

from ai_usage.money import Rates
from ai_usage.warehouse.reading.field_types import MOST, Address, Id, Instant, Unfit


class Order(msgspec.Struct, frozen=True, rename="camel"):
    name: Id
    display_name: str | None = None
    line_items: list[dict[str, object]] | None = None
    create_time: Instant | None = None
    update_time: Instant | None = None
    etag: str | None = None


class ManualAssignment(msgspec.Struct, frozen=True):
    """It has no fields."""


class AutoAssignment(msgspec.Struct, frozen=True, rename="camel"):
    inactive_license_ttl: str | None = None  # a duration in seconds, such as 2592000s


class Assignment(msgspec.Struct, frozen=True, rename="camel"):
    manual_assignment_type: ManualAssignment | None = None
    auto_assignment_type: AutoAssignment | None = None


class LicensePool(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    license_assignment_protocol: Assignment | None = None
    available_license_count: str | int | None = None
    total_license_count: str | int | None = None

    @property
    def available(self) -> int | None:
        """Unassigned licenses; None where that is not known."""
        return _count(self.available_license_count)

    @property
    def total(self) -> int | None:
        """All licenses of the order; None where that is not known."""
        return _count(self.total_license_count)

    @property
    def assignment(self) -> str | None:
        of = self.license_assignment_protocol
        if of is None:
            return None
        if of.manual_assignment_type is not None:
            return "manual"
        return None if of.auto_assignment_type is None else "automatic"


class LicensedUser(msgspec.Struct, frozen=True, rename="camel"):
    username: Address  # an email address
    assign_time: Instant | None = None
    recent_usage_time: Instant | None = None  # up to 24 hours late


class License(msgspec.Struct, frozen=True, rename="camel"):
    """One record of the pull: an order with its pool, or a user with the order's name."""

    order: Order | None = None
    license_pool: LicensePool | None = None
    order_name: Id | None = None
    licensed_user: LicensedUser | None = None

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        if (self.order and self.license_pool) or (self.order_name and self.licensed_user):
            return None
        return Unfit("order", "is missing with its pool, and so is a user with an order", "absent")


def _count(sent: str | int | None) -> int | None:
    if isinstance(sent, str):
        sent = int(sent) if sent.isascii() and sent.isdigit() else None
    return sent if sent is not None and 0 <= sent <= MOST else None
