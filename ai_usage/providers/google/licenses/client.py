"""The Consumer Procurement API: HTTP in, Google's orders, license pools and licensed users out.

Source: Google's reference of the Cloud Commerce Consumer Procurement API and the types of its Python library. It lists
every order of the marketplace: those without a pool of licenses are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from ai_usage.ingest.http.errors import NotFound, UnexpectedAnswer
from ai_usage.ingest.http.paging import Page
from ai_usage.ingest.http.refusals import ApiWords
from ai_usage.providers.google.endpoints import SOURCE
from ai_usage.providers.google.rest_api import RestApi
from ai_usage.warehouse.ledger import Answer

ORDERS = "/v1/billingAccounts/{billing_account}/orders"
ORDERS_A_PAGE = 200  # at most
USERS_A_PAGE = 200

PROCUREMENT = ApiWords(
    name="Cloud Procurement",
    advice={
        300: "GOOGLE_PROCUREMENT_BASE_URL leads elsewhere: write where it leads.",
        400: "The request itself is refused: see that GEMINI_BILLING_ACCOUNT is an id such as 012345-6789AB-CDEF01.",
        401: "Google does not accept the credentials: see GOOGLE_APPLICATION_CREDENTIALS.",
        403: "The service account needs a role with consumerprocurement.orders.list and "
        "consumerprocurement.licensePools.get and .enumerateLicensedUsers on the billing account.",
        404: "There is no such billing account.",
        429: "The quota of requests is used up. Try again later.",
        500: "Google is in trouble: see its status page and run this again later.",
    },
)


class _Order(msgspec.Struct):
    name: str


@dataclass(frozen=True)
class Procurement:
    """The license pools of one billing account."""

    api: RestApi
    billing_account: str
    is_simulated: bool = False

    def licenses(self) -> Answer:
        """Each order that has a pool, with the pool, and each licensed user with the name of the order."""
        path = ORDERS.format(billing_account=self.billing_account.removeprefix("billingAccounts/"))
        listed = self.api.listed(path, {"pageSize": ORDERS_A_PAGE}, items="orders")
        orders = [order for page in listed for order in page.items]
        records: list[bytes] = []
        pages, without_pool = len(listed), 0
        for order in orders:
            name = self._name_of(path, order)
            pool = self._pool_of(name)
            if pool is None:
                without_pool += 1
                continue
            users = self._users_of(name)
            pages += 1 + len(users)
            records.append(msgspec.json.encode({"order": msgspec.Raw(order), "licensePool": msgspec.Raw(pool)}))
            records += _of_order(name, users)
        self.api.refuse_deep(path, records)
        envelope = {"orders_without_license_pool": without_pool}
        return Answer(SOURCE, None, records, pages, {"path": path}, envelope, self.is_simulated)

    def _name_of(self, path: str, order: bytes) -> str:
        """What the paths of an order's pool begin with."""
        try:
            return msgspec.json.decode(order, type=_Order).name
        except msgspec.ValidationError:
            raise UnexpectedAnswer(f"Cloud Procurement {path}: an order has no name. Nothing of it is kept.") from None

    def _pool_of(self, order: str) -> bytes | None:
        """The pool; None for an order without one."""
        try:
            return self.api.get(f"/v1/{order}/licensePool", {}, read=_an_object)
        except NotFound:
            return None

    def _users_of(self, order: str) -> list[Page]:
        path = f"/v1/{order}/licensePool:enumerateLicensedUsers"
        return self.api.listed(path, {"pageSize": USERS_A_PAGE}, items="licensedUsers")


def _an_object(body: bytes) -> bytes:
    """A JSON object, compact; msgspec's error for anything else."""
    found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    return msgspec.json.encode(found)


def _of_order(order: str, pages: list[Page]) -> Iterator[bytes]:
    for page in pages:
        for user in page.items:
            yield msgspec.json.encode({"orderName": order, "licensedUser": msgspec.Raw(user)})
