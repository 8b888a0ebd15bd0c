"""Licenses of Code Assist: orders with a pool, assigned and unassigned licenses, and refusals."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_usage.ingest.drift import drift
from ai_usage.ingest.http.errors import NotPermitted
from ai_usage.providers.google.licenses.client import PROCUREMENT, Procurement
from ai_usage.providers.google.licenses.people import members_of
from ai_usage.providers.google.licenses.records import License
from ai_usage.providers.google.licenses.rows import license_rows
from ai_usage.settings import GOOGLE_PROCUREMENT_URL
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.mock_google_apis import BILLING_ACCOUNT, MockProcurement, api_of
from ai_usage_tests.providers.openai.pulled import records

FIXTURES = Path(__file__).parents[2] / "fixtures" / "gemini"
MANUAL: dict[str, Any] = {"licenseAssignmentProtocol": {"manualAssignmentType": {}}}


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def user(address: str, **more: str) -> dict[str, str]:
    return {"username": address, "assignTime": "2026-03-01T00:00:00Z", **more}


def records_of(answer: Answer) -> Any:
    return records({None: [record.decode() for record in answer.records]})


def rows_of(answer: Answer) -> list[dict[str, Any]]:
    return license_rows(records_of(answer)).to_dicts()


def test_recorded_licenses_load_whole() -> None:
    bodies = [recorded(name) for name in ("orders", "license_pool", "licensed_users_page1", "licensed_users_page2")]
    left, asked = list(bodies), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=left.pop(0))

    got = Procurement(api_of(PROCUREMENT, GOOGLE_PROCUREMENT_URL, answer), BILLING_ACCOUNT).licenses()
    order = f"/v1/{bodies[0]['orders'][0]['name']}"
    assert [request.url.path for request in asked] == [
        f"/v1/billingAccounts/{BILLING_ACCOUNT}/orders",
        f"{order}/licensePool",
        f"{order}/licensePool:enumerateLicensedUsers",
        f"{order}/licensePool:enumerateLicensedUsers",
    ]
    assert asked[3].url.params["pageToken"] == "EXAMPLEUSERS2"
    assert not drift((record.decode() for record in got.records), License)
    rows = rows_of(got)
    assert [(row["user_email"], row["is_assigned"], row["license_count"]) for row in rows] == [
        (None, False, 10),
        ("dev.one@example.com", True, 1),
        ("dev.two@example.com", True, 1),
    ]
    assert {row["plan_name"] for row in rows} == {"Example Gemini Code Assist Standard"}
    assert {(row["order_licenses"], row["assignment"]) for row in rows} == {(12, "automatic")}
    assert str(rows[1]["last_used_at"]) == "2026-11-02 00:00:00+00:00"
    assert rows[2]["last_used_at"] is None


def test_an_order_of_the_marketplace_without_a_pool_is_left_out() -> None:
    full = ({**MANUAL, "totalLicenseCount": "2", "availableLicenseCount": "0"}, [user("a@x.com"), user("b@x.com")])
    mock = MockProcurement({"storage": (None, []), "assist": full})
    got = mock.client().licenses()
    assert got.envelope == {"orders_without_license_pool": 1}
    assert [(row["order_id"], row["user_email"]) for row in rows_of(got)] == [
        ("assist", "a@x.com"),
        ("assist", "b@x.com"),
    ]
    assert {row["assignment"] for row in rows_of(got)} == {"manual"}


def test_no_order_is_an_empty_list() -> None:
    got = MockProcurement({}).client(f"billingAccounts/{BILLING_ACCOUNT}").licenses()
    assert (got.day, got.records, got.pages) == (None, [], 1)


def test_pages_of_orders_and_users_are_joined() -> None:
    pool = {"totalLicenseCount": 3, "availableLicenseCount": 0}
    mock = MockProcurement({f"o{n}": (pool, [user(f"u{k}@x.com") for k in range(3)]) for n in range(3)}, a_page=2)
    assert len(rows_of(mock.client().licenses())) == 9


def test_a_count_that_is_not_known_is_no_row_of_unassigned_licenses() -> None:
    mock = MockProcurement({"o": ({"availableLicenseCount": "many"}, [user("a@x.com")])})
    assert [(row["is_assigned"], row["order_licenses"]) for row in rows_of(mock.client().licenses())] == [(True, None)]


def test_a_refusal_names_the_permissions() -> None:
    with pytest.raises(NotPermitted, match=r"consumerprocurement\.licensePools\.get"):
        MockProcurement({}, may_read=False).client().licenses()


def test_a_user_without_an_address_is_a_rejected_record() -> None:
    mock = MockProcurement({"o": ({"totalLicenseCount": 2}, [{"assignTime": "x"}, user("a@x.com")])})
    read = records_of(mock.client().licenses())
    assert license_rows(read)["user_email"].to_list() == ["a@x.com"]
    assert [rejection.field for rejection in read.rejections] == ["licensedUser.username"]


def test_a_licensed_user_is_a_member_once() -> None:
    pool = {"totalLicenseCount": 1}
    mock = MockProcurement({"one": (pool, [user("Dev@X.com")]), "two": (pool, [user("dev@x.com"), user("b@x.com")])})
    found = list(members_of(records_of(mock.client().licenses())))
    assert [(of.user_email, of.is_member, of.account) for of in found] == [
        ("dev@x.com", True, "default"),
        ("b@x.com", True, "default"),
    ]
