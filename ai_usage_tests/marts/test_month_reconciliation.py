"""A month's cost lines against its invoices, by usage, seats, credits and tax: the causes of a difference."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from ai_usage.marts.build_days import rebuild_whole
from ai_usage.marts.files import marts
from ai_usage_tests.marts.by_hand import know_providers, pull, put
from ai_usage_tests.mock_claude import Row
from ai_usage_tests.platform import Platform

ONE_DAY = timedelta(days=1)
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
SEEN = datetime(2026, 11, 5, 12, tzinfo=UTC)
CAUSES = (
    "not_invoiced_usd",
    "days_outside_invoice_usd",
    "restated_since_invoice_usd",
    "conversion_usd",
    "between_kinds_usd",
    "missing_days_usd",
    "blocked_days_usd",
    "invoice_only_usd",
    "rounding_usd",
    "unexplained_usd",
)


@dataclass
class Ledger:
    """One provider's billed amounts by kind, the instants of its pulls, and the lines of its invoices."""

    billed: list[Row] = field(default_factory=list)
    versions: list[Row] = field(default_factory=list)
    pulls: list[Row] = field(default_factory=list)
    invoices: list[Row] = field(default_factory=list)
    blocked: dict[date, Decimal] = field(default_factory=dict)

    def day(self, on: date, account: str = "default", **kinds: str) -> None:
        rows: list[Row] = [
            {"activity_date": on, "provider": "google", "account": account, "kind": kind, "billed_usd": Decimal(usd)}
            for kind, usd in kinds.items()
        ]
        self.billed += rows
        usage = sum((row["billed_usd"] for row in rows if row["kind"] in {"usage", "credits"}), Decimal())
        at = datetime(on.year, on.month, on.day, 6, tzinfo=UTC) + ONE_DAY
        self.pulls.append(pull("gemini_billing", on, at, account=account))
        self.versions.append(self._version(on, account, usage, at))

    def _version(self, on: date, account: str, usd: Decimal, at: datetime, until: datetime | None = None) -> Row:
        known = {"known_from": at, "known_to": until, "pull_id": str(at)}
        return {"activity_date": on, "provider": "google", "account": account, "billed_usd": usd, **known}

    def restated(self, on: date, usd: str, at: datetime, account: str = "default") -> None:
        """Changes the day's amount by `usd`, known from this instant on. `billed` already includes it."""
        old = next(row for row in self.versions if row["activity_date"] == on and row["account"] == account)
        old["known_to"] = at
        self.versions.append(self._version(on, account, old["billed_usd"] + Decimal(usd), at))
        line = next(row for row in self.billed if row["activity_date"] == on and row["kind"] == "usage")
        line["billed_usd"] += Decimal(usd)

    def line(self, covers: str, usd: str | None, first: date = OCTOBER, end: date = NOVEMBER, **more: Any) -> None:
        known = {"invoice_id": "IN-1", "currency": "USD", "usd_per_unit": Decimal(1), "first_seen_at": SEEN, **more}
        amount = None if usd is None else Decimal(usd)
        period = {"period_start": first, "period_end": end, "amount": amount or Decimal(0), "amount_usd": amount}
        self.invoices.append(
            {"provider": "google", "row_number": len(self.invoices), "covers": covers, **period} | known
        )

    def reconciled(self, platform: Platform) -> dict[str, Row]:
        """October's rows by kind, after a check that the causes of each row add up."""
        know_providers(platform.warehouse)
        days = {row["activity_date"] for row in self.pulls}
        usage = dict.fromkeys(days, Decimal(0))
        for version in self.versions:
            usage[version["activity_date"]] += 0 if version["known_to"] else version["billed_usd"]
        usage |= self.blocked
        put(platform, "billed_by_kind", self.billed)
        put(platform, "spend_versions", self.versions)
        put(platform, "pulls", self.pulls)
        put(platform, "invoices", self.invoices)
        scope = {"scope": "provider", "scope_name": "google"}
        put(platform, "spend_by_scope", [{"spend_date": day, "usage_usd": usd, **scope} for day, usd in usage.items()])
        rebuild_whole(platform.warehouse, next(one for one in marts() if one.table.name == "month_reconciliation"))
        rows = platform.warehouse.query("marts/month_reconciliation").to_dicts()
        for row in rows:
            if row["difference_usd"] is not None:
                lines = row["lines_usd"] or Decimal(0)
                assert sum(row[cause] for cause in CAUSES) == row["difference_usd"] == lines - row["invoice_usd"]
            else:
                assert row["not_comparable_reason"]
                assert [row[cause] for cause in CAUSES] == [None] * len(CAUSES)
        assert sum(row["between_kinds_usd"] or 0 for row in rows) == 0
        return {row["kind"]: row for row in rows if row["month"] == "2026-10"}


def causes(row: Row) -> dict[str, Decimal]:
    return {cause: row[cause] for cause in CAUSES if row[cause]}


def october(**kinds: str) -> Ledger:
    books = Ledger()
    for n in range(31):
        books.day(OCTOBER + n * ONE_DAY, **kinds)
    return books


def test_each_kind_is_compared_with_its_own_lines(platform: Platform) -> None:
    books = october(usage="10", credits="-1", tax="0.5", seats="2")
    for covers, usd in (("usage", "310"), ("credits", "-31"), ("tax", "15.5"), ("seats", "62")):
        books.line(covers, usd)
    rows = books.reconciled(platform)
    assert {kind: row["invoice_usd"] for kind, row in rows.items()} == {
        "usage": 310, "credits": -31, "tax": Decimal("15.5"), "seats": 62
    }  # fmt: skip
    assert [causes(row) for row in rows.values()] == [{}] * 4
    books.invoices[0] |= {"amount_usd": Decimal(279)}
    del books.invoices[1]
    rows = books.reconciled(platform)
    assert causes(rows["usage"]) == {"between_kinds_usd": Decimal(31)}, "the invoice has usage after credits"
    assert causes(rows["credits"]) == {"between_kinds_usd": Decimal(-31)}
    books.invoices[0] |= {"amount_usd": Decimal(275)}
    rows = books.reconciled(platform)
    assert causes(rows["usage"]) == {"between_kinds_usd": Decimal(31), "unexplained_usd": Decimal(4)}


def test_every_cause_has_its_name(platform: Platform) -> None:
    books = october(usage="10", tax="1")
    books.day(OCTOBER, "eu", usage="7")
    books.day(NOVEMBER, usage="5")
    books.restated(date(2026, 10, 7), "2.5", SEEN + ONE_DAY)
    books.line("usage", "303.99", date(2026, 10, 2), date(2026, 11, 2), account="default")
    rows = books.reconciled(platform)
    assert causes(rows["usage"]) == {
        "not_invoiced_usd": 7,
        "days_outside_invoice_usd": 10 - 5,
        "restated_since_invoice_usd": Decimal("2.5"),
        "unexplained_usd": Decimal("1.01"),
    }
    assert rows["tax"]["not_comparable_reason"] == "no invoice in the sheet is for it"
    books = october(usage="10")
    books.line("usage", "310.004")
    books.line("tax", "20")
    books.line("seats", None, not_comparable_reason="JPY has no rate")
    rows = books.reconciled(platform)
    assert causes(rows["usage"]) == {"rounding_usd": Decimal("-0.004")}
    assert causes(rows["tax"]) == {"invoice_only_usd": Decimal(-20)}
    assert (rows["seats"]["invoice_usd"], rows["seats"]["not_comparable_reason"]) == (None, "JPY has no rate")
    for row in books.billed:  # 100 EUR a day, at the provider's own rate of 0.1
        row |= {"billed_currency": "EUR", "billed_amount": Decimal(100)}
    books.invoices = []
    books.line("usage", "341", currency="EUR", usd_per_unit=Decimal("0.11"))
    assert causes(books.reconciled(platform)["usage"]) == {"conversion_usd": Decimal(-31)}
    books.invoices = []
    books.line("usage", "310")
    for row in books.billed:
        row |= {"billed_currency": None, "billed_amount": None}
    books.blocked = {date(2026, 10, 14): Decimal(0)}
    books.billed = [row for row in books.billed if row["activity_date"] != date(2026, 10, 14)]
    assert causes(books.reconciled(platform)["usage"]) == {"blocked_days_usd": Decimal(-10)}
    books.pulls = [row for row in books.pulls if row["activity_date"] != date(2026, 10, 14)]
    books.versions = [row for row in books.versions if row["activity_date"] != date(2026, 10, 14)]
    books.blocked = {}
    assert causes(books.reconciled(platform)["usage"]) == {"missing_days_usd": Decimal(-10)}


def test_each_rule_of_a_rest_from_both_sides(platform: Platform) -> None:
    books = october(usage="10", credits="-1", tax="0.5")
    books.line("usage", "310.005")
    books.line("usage", "999", removed_at=SEEN)
    books.line("credits", "-31")
    books.line("tax", "20")
    books.line("seats", "62")
    rows = books.reconciled(platform)
    assert rows["usage"]["invoice_usd"] == Decimal("310.005"), "a line that left the sheet is none"
    assert causes(rows["usage"]) == {"rounding_usd": Decimal("-0.005")}
    assert causes(rows["credits"]) == {}
    assert causes(rows["tax"]) == {"unexplained_usd": Decimal("-4.5")}, "a part of it is in a report"
    assert causes(rows["seats"]) == {"unexplained_usd": -62}, "only tax may be in an invoice alone"

    def left(usage: str, credit: str = "-31") -> dict[str, dict[str, Decimal]]:
        books.invoices = []
        books.line("usage", usage)
        books.line("credits", credit)
        rows = books.reconciled(platform)
        return {kind: causes(rows[kind]) for kind in ("usage", "credits")}

    assert left("310.0051")["usage"] == {"unexplained_usd": Decimal("-0.0051")}
    assert left("330", "-61") == {
        "usage": {"between_kinds_usd": Decimal(-20)},
        "credits": {"between_kinds_usd": Decimal(20), "unexplained_usd": Decimal(10)},
    }
    books.restated(date(2026, 10, 7), "2", SEEN + ONE_DAY)
    assert left("310")["usage"] == {"restated_since_invoice_usd": 2}
    assert left("312") == {"usage": {}, "credits": {}}, "the invoice has it already"
    assert left("311")["usage"] == {"unexplained_usd": 1}, "it explains no more with it than without it"
    assert left("300", "-21") == {
        "usage": {"restated_since_invoice_usd": 2, "between_kinds_usd": Decimal(10)},
        "credits": {"between_kinds_usd": Decimal(-10)},
    }
    for row in books.billed:
        if row["kind"] == "usage":
            row |= {"billed_currency": "EUR", "billed_amount": row["billed_usd"] * 10}
    books.invoices = []
    books.line("usage", "341", currency="EUR", usd_per_unit=Decimal("0.11"))
    books.line("credits", "-31")
    assert causes(books.reconciled(platform)["usage"]) == {
        "conversion_usd": Decimal("-31.2"), "restated_since_invoice_usd": 2, "unexplained_usd": Decimal("0.2"),
    }  # fmt: skip


def test_a_blocked_or_missing_day_explains_only_its_own_direction(platform: Platform) -> None:
    def left(usd: str) -> dict[str, Decimal]:
        books.invoices = []
        books.line("usage", usd)
        return causes(books.reconciled(platform)["usage"])

    books, fourteenth = october(usage="10"), date(2026, 10, 14)
    line = next(row for row in books.billed if row["activity_date"] == fourteenth)
    books.blocked = {fourteenth: Decimal(0)}
    line["billed_usd"] = Decimal(0)
    assert left("290") == {"unexplained_usd": 10}, "without a good version the lines cannot be too high"
    books.blocked = {fourteenth: Decimal("0.5")}
    line["billed_usd"] = Decimal("0.5")
    assert left("290") == {"blocked_days_usd": Decimal("10.5")}, "its last good version may be too high"
    books.billed.remove(line)
    books.blocked = {}
    books.pulls = [row for row in books.pulls if row["activity_date"] != fourteenth]
    books.versions = [row for row in books.versions if row["activity_date"] != fourteenth]
    assert left("290") == {"unexplained_usd": 10}
    assert left("310") == {"missing_days_usd": -10}


def test_months_and_providers_are_compared_apart(platform: Platform) -> None:
    books = october(usage="10", credits="-1")
    books.day(NOVEMBER, usage="5", credits="-2")
    books.line("usage", "310")
    books.line("credits", "-31")
    books.line("usage", "3", NOVEMBER, date(2026, 12, 1), invoice_id="IN-2")
    own = books.reconciled(platform)
    assert (causes(own["usage"]), causes(own["credits"])) == ({}, {})
    others = [{**row, "provider": "cursor", "billed_usd": row["billed_usd"] * 3} for row in books.billed]
    lines = [{**row, "provider": "cursor", "amount_usd": row["amount_usd"] * 2} for row in books.invoices]
    books.billed += others
    books.invoices += lines
    put(platform, "billed_by_kind", books.billed)
    put(platform, "invoices", books.invoices)
    found = platform.warehouse.query("marts/month_reconciliation").to_dicts()
    by_kind: dict[Any, Any] = {
        (row["provider"], row["month"], row["kind"]): (row["difference_usd"], causes(row)) for row in found
    }
    assert by_kind == {
        ("google", "2026-10", "usage"): (0, {}),
        ("google", "2026-10", "credits"): (0, {}),
        ("google", "2026-11", "usage"): (2, {"between_kinds_usd": 2}),
        ("google", "2026-11", "credits"): (-2, {"between_kinds_usd": -2}),
        ("cursor", "2026-10", "usage"): (310, {"between_kinds_usd": 31, "unexplained_usd": 279}),
        ("cursor", "2026-10", "credits"): (-31, {"between_kinds_usd": -31}),
        ("cursor", "2026-11", "usage"): (9, {"between_kinds_usd": 6, "unexplained_usd": 3}),
        ("cursor", "2026-11", "credits"): (-6, {"between_kinds_usd": -6}),
    }


def test_whatever_the_invoices_have_the_causes_add_up(platform: Platform) -> None:
    chance = Random(20261128)  # noqa: S311 - no secret
    seen: set[str] = set()
    for _ in range(8):
        books = Ledger()
        for n in range(70):
            day = date(2026, 9, 20) + n * ONE_DAY
            for account in ("default", "eu"):
                if chance.randrange(12):
                    amounts = {
                        kind: str(sign * chance.randrange(9 * 10**9) * Decimal("1e-9"))
                        for kind, sign in (("usage", 1), ("credits", -1), ("tax", 1))
                        if chance.randrange(3)
                    }
                    books.day(day, account, **amounts)
        for n in range(chance.randrange(1, 7)):
            first = OCTOBER + chance.randrange(3) * ONE_DAY
            covers = chance.choice(["usage", "usage", "credits", "seats", "tax"])
            usd = chance.randrange(-20000, 0) if covers == "credits" else chance.randrange(30000)
            of = chance.choice([None, "default", "eu"])
            books.line(covers, f"{usd / 100:.2f}", first, first + 31 * ONE_DAY, account=of, invoice_id=f"IN-{n}")
        for row in books.reconciled(platform).values():
            seen |= causes(row).keys()
    assert seen >= {"not_invoiced_usd", "days_outside_invoice_usd", "between_kinds_usd", "missing_days_usd"}
