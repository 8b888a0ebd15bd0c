"""What orders, pools and licensed users become: rows of `gemini_licenses`. Pure: records in, a frame out."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from ai_usage.providers.google.licenses.records import License, LicensePool
from ai_usage.providers.google.licenses.tables import GEMINI_LICENSES
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Readable, Records
from ai_usage.warehouse.table import ACCOUNT_STAMPS

Pools = dict[tuple[str, str], tuple[str | None, LicensePool]]  # account and order → what it is called, and its pool


def license_rows(records: Records) -> pl.DataFrame:
    """Rows of `gemini_licenses`: one for each licensed user, and one for an order's unassigned licenses."""
    read = records.read(License)
    rows = list(_rows(read))
    return GEMINI_LICENSES.frame({name: [row[name] for row in rows] for name in GEMINI_LICENSES.columns})


def _rows(read: Readable[License]) -> Iterator[dict[str, Any]]:
    accounts = read.lines["account"].to_list()
    pools = _pools(read.values, accounts)
    stamps = read.lines.select(*ACCOUNT_STAMPS).iter_rows(named=True)
    for record, account, stamp in zip(read.values, accounts, stamps, strict=True):
        order = record.order.name if record.order else record.order_name or ""
        name, pool = pools.get((account, order), (None, LicensePool()))
        row = {
            "order_id": order.rpartition("/")[2],
            "plan_name": name,
            "order_licenses": pool.total,
            "assignment": pool.assignment,
            **stamp,
        }
        if user := record.licensed_user:
            yield {
                **row,
                "user_email": address_of(user.username),
                "is_assigned": True,
                "license_count": 1,
                "assigned_at": user.assign_time,
                "last_used_at": user.recent_usage_time,
            }
        elif pool.available:
            no_user = dict.fromkeys(("user_email", "assigned_at", "last_used_at"))
            yield {**row, **no_user, "is_assigned": False, "license_count": pool.available}


def _pools(values: list[License], accounts: list[str]) -> Pools:
    return {
        (account, record.order.name): (record.order.display_name, record.license_pool)
        for record, account in zip(values, accounts, strict=True)
        if record.order and record.license_pool
    }
