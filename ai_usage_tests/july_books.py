"""Two providers' costs of July, written by hand, and the sheet's figures for it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ai_usage.commands.month_acts import MARTS, build
from ai_usage.marts.build_days import rebuild_days
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage_tests.marts.by_hand import know_providers, pull, put
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform

ONE_DAY = timedelta(days=1)
JULY = Span(date(2026, 7, 1), date(2026, 7, 31))
BILLS = {"anthropic": ("claude_cost_report", 30), "cursor": ("cursor_usage_events", 2)}


def at(day: date, hour: int = 6) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


class Books:
    """Two providers' costs of July, and the sheet's figures for it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.spend: list[Row] = []
        self.versions: list[Row] = []
        self.figures: list[Row] = []
        self.invoices: list[Row] = []
        pulls = [
            pull(bill, day, at(day + n * ONE_DAY), account="default", is_simulated=True)
            for bill, days in BILLS.values()
            for day in JULY.days
            for n in (1, days)
        ]
        for provider in BILLS:
            for day in JULY.days:
                self._day(provider, day)
        know_providers(platform.warehouse)
        put(platform, "pulls", pulls)

    def _day(self, provider: str, day: date) -> None:
        amounts = (
            {"usage": "10.10", "credit": "-0.50", "subscription": "2"} if provider == "anthropic" else {"usage": "4"}
        )
        for kind, usd in amounts.items():
            account = None if kind == "subscription" else "default"
            row = {"spend_date": day, "provider": provider, "account": account, "charge_type": kind, "status": "final"}
            self.spend.append(row | {"billed_usd": Decimal(usd), "attribution_method": "actor"})
        usage = sum((Decimal(usd) for kind, usd in amounts.items() if kind != "subscription"), Decimal())
        self.versions.append(
            {"activity_date": day, "provider": provider, "account": "default", "billed_usd": usage, "pull_id": "1",
             "known_from": at(day + ONE_DAY), "known_to": None}
        )  # fmt: skip

    def figure(self, provider: str, usd: str) -> None:
        period = {"period_start": JULY.first, "period_end": JULY.last + ONE_DAY}
        seen = {"first_seen_at": at(date(2026, 8, 5)), "row_number": len(self.figures) + 2}
        self.figures.append({"provider": provider, "amount_usd": Decimal(usd), "covers": "usage", **period, **seen})

    def invoice(self, provider: str, **lines: str) -> None:
        period = {"period_start": JULY.first, "period_end": JULY.last + ONE_DAY}
        for covers, usd in lines.items():
            self.invoices.append(
                {"provider": provider, "invoice_id": "IN-7", "covers": covers, "amount": Decimal(usd), **period,
                 "currency": "USD", "usd_per_unit": Decimal(1), "amount_usd": Decimal(usd),
                 "row_number": len(self.invoices) + 2, "first_seen_at": at(date(2026, 8, 6))}
            )  # fmt: skip

    def restated(self, provider: str, day: date, usd: str, when: datetime, account: str = "default") -> None:
        of = {"provider": provider, "activity_date": day, "account": account, "known_to": None}
        old = next(row for row in self.versions if of.items() <= row.items())
        old["known_to"] = when
        new = old | {
            "billed_usd": old["billed_usd"] + Decimal(usd),
            "known_from": when,
            "known_to": None,
            "pull_id": "2",
        }
        self.versions.append(new)
        self.line(provider, day, "usage", account)["billed_usd"] += Decimal(usd)

    def also_in_euro(self, provider: str, day: date, usd: str, when: datetime) -> None:
        """A restatement with a line in another currency."""
        self.restated(provider, day, usd, when)
        line = self.line(provider, day, "usage")
        line["billed_usd"] -= Decimal(usd)
        self.spend.append({**line, "billed_usd": Decimal(usd), "billed_currency": "EUR", "billed_amount": Decimal(1)})

    def pulled_late(self, provider: str, day: date, account: str, usd: str, when: datetime) -> None:
        """The day of an account that had not been pulled."""
        line = self.line(provider, day, "usage")
        self.spend.append({**line, "account": account, "billed_usd": Decimal(usd)})
        self.versions.append(
            {"activity_date": day, "provider": provider, "account": account, "billed_usd": Decimal(usd), "pull_id": "3",
             "known_from": when, "known_to": None}
        )  # fmt: skip

    def line(self, provider: str, day: date, kind: str, account: str | None = "default") -> Row:
        account = None if kind == "subscription" else account
        wanted = {"provider": provider, "spend_date": day, "charge_type": kind, "account": account}
        return next(row for row in self.spend if wanted.items() <= row.items())

    def built(self, span: Span = JULY) -> None:
        """Builds what the close needs."""
        warehouse = self.platform.warehouse
        with warehouse.connected():
            for name, rows in (
                ("ai_spend", self.spend),
                ("spend_versions", self.versions),
                ("console_figures", self.figures),
                ("invoices", self.invoices),
            ):
                put(self.platform, name, rows)
            for mart in marts():
                if mart.table.name in {"spend_by_scope", "billed_by_kind"}:
                    rebuild_days(warehouse, mart, span)
            build(warehouse, MARTS)
        warehouse.publish()

    def rows(self, table: str, **wanted: Any) -> list[Row]:
        found = self.platform.warehouse.ask(f"select * from ai_usage_analytics.{table}").to_dicts()
        return [row for row in found if wanted.items() <= row.items()]

    def close(self, month: str, provider: str) -> Row:
        [row] = self.rows("month_close", month=month, provider=provider)
        return row
