"""Cloud Commerce Consumer Procurement v1: the orders of a billing account, and who has a license of Code Assist."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from ai_usage.simulator.google_company import SINCE, Licensed
from ai_usage.simulator.google_days import GoogleDays
from ai_usage.simulator.google_filters import paged
from ai_usage.simulator.google_wire import CloudError, whole
from ai_usage.simulator.queries import Query, rfc3339

USUAL_ORDERS, MOST_ORDERS, USUAL_USERS = 25, 200, 50
REPORTED_AFTER = timedelta(hours=20)  # the last use of a license
LOOKS_BACK = 30  # days
CODE_ASSIST, OTHER = "00000000-aaaa-4bbb-8ccc-000000000001", "00000000-aaaa-4bbb-8ccc-000000000002"
ORDERS = {CODE_ASSIST: "Gemini Code Assist Standard", OTHER: "Simulated database"}  # the second has no licenses


class Procurement:
    """The orders of one billing account; another one may not be read."""

    def __init__(self, days: GoogleDays, clock: Callable[[], datetime]) -> None:
        self.days, self.clock = days, clock

    def orders(self, account: str, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
        self._admit(account)
        query = paged(path, pairs)
        size, offset = whole(query.one("pageSize"), "page_size", USUAL_ORDERS, MOST_ORDERS), query.offset()
        query.refuse_unread()
        orders = [self._order(account, name) for name in ORDERS] if self.clock() >= SINCE else []
        return _page(query, "orders", orders, offset, size)

    def pool(self, account: str, order: str) -> Any:
        self._admit(account)
        self._refuse_without_pool(order)
        now = self.clock()
        seats, taken = self.days.company.seats(now), len(self._licensed(now))
        return {
            "name": f"billingAccounts/{account}/orders/{order}/licensePool",
            "licenseAssignmentProtocol": {"autoAssignmentType": {"inactiveLicenseTtl": "2592000s"}},
            "availableLicenseCount": seats - taken,
            "totalLicenseCount": seats,
        }

    def users(self, account: str, order: str, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
        self._admit(account)
        self._refuse_without_pool(order)
        query = paged(path, pairs)
        size, offset = whole(query.one("pageSize"), "page_size", USUAL_USERS), query.offset()
        query.refuse_unread()
        users = [self._user(one) for one in self._licensed(self.clock())]
        return _page(query, "licensedUsers", users, offset, size)

    def _admit(self, account: str) -> None:
        if account != self.days.company.billing_account_id:
            raise CloudError(403)

    def _refuse_without_pool(self, order: str) -> None:
        if order != CODE_ASSIST:
            raise CloudError(404)

    def _licensed(self, now: datetime) -> list[Licensed]:
        return [one for one in self.days.company.licensed if one.has_license(now)]

    def _order(self, account: str, order: str) -> dict[str, Any]:
        return {
            "name": f"billingAccounts/{account}/orders/{order}",
            "displayName": ORDERS[order],
            "lineItems": [{"lineItemId": f"simulated-line-{order[-1]}"}],
            "createTime": rfc3339(SINCE),
            "updateTime": rfc3339(SINCE),
            "etag": "simulated",
        }

    def _user(self, one: Licensed) -> dict[str, Any]:
        now = self.clock()
        used = self._last_use(one, now - REPORTED_AFTER)
        recent = {"recentUsageTime": rfc3339(used)} if used else {}
        return {"username": one.email, "assignTime": rfc3339(one.assigned_at), **recent}

    def _last_use(self, one: Licensed, by: datetime) -> datetime | None:
        for n in range(LOOKS_BACK):
            day = by.date() - timedelta(days=n)
            times = [did.at for did in self.days.visible(day, by).activities if did.email == one.email]
            if times:
                return max(times)
        return None


def _page(query: Query, name: str, records: list[dict[str, Any]], offset: int, size: int) -> dict[str, Any]:
    following = query.next_page(offset + size, len(records))
    page = records[offset : offset + size]
    return ({name: page} if page else {}) | ({"nextPageToken": following} if following else {})
