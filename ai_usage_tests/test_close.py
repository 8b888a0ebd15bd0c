"""`make close` and `make reopen`: a month written by hand, and the changes after its close. test_quarter closes a
quarter of the simulated company.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ai_usage.catalog import TABLES
from ai_usage.commands.__main__ import main
from ai_usage.commands.showback import ORDER, Statement
from ai_usage.commands.statements import write_all
from ai_usage.errors import WarehouseError
from ai_usage.settings import settings
from ai_usage_tests.july_books import ONE_DAY, Books
from ai_usage_tests.platform import Platform
from ai_usage_tests.printed import printed

ADA = "ada@example.com"
WHOLE = "ledger_is_whole"
KINDS = ("usage", "seats", "credits", "tax")
CAUSES = (
    *("days_outside_figure_usd", "restated_since_figure_usd", "missing_days_usd", "blocked_days_usd"),
    *("rounding_usd", "unexplained_usd"),
)
INVOICE_CAUSES = (
    *("not_invoiced_usd", "days_outside_invoice_usd", "restated_since_invoice_usd", "conversion_usd"),
    *("between_kinds_usd", "missing_days_usd", "blocked_days_usd", "invoice_only_usd", "rounding_usd"),
    "unexplained_usd",
)


@pytest.fixture
def books(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    """July is complete, and every figure and invoice is right."""
    folder = platform.warehouse.path.parent
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(folder))
    monkeypatch.setenv("DAGSTER_HOME", "")
    platform.warehouse.published_path = folder / "ai_usage_published.duckdb"
    settings.cache_clear()
    found = Books(platform)
    found.figure("anthropic", str(Decimal("9.60") * 31))
    found.figure("cursor", str(4 * 31))
    lines = {"usage": Decimal("10.10"), "credits": Decimal("-0.5"), "seats": Decimal(2)}
    found.invoice("anthropic", **{covers: str(usd * 31) for covers, usd in lines.items()})
    found.built()
    yield found
    settings.cache_clear()


def explained(books: Books) -> None:
    """Each cent of lines, console and invoices has a cause, or is unexplained."""
    for row in books.rows("month_close"):
        if row["difference_usd"] is not None:
            assert sum(row[cause] for cause in CAUSES) == row["difference_usd"] == row["vendor_usd"] - row["figure_usd"]
    for row in books.rows("month_reconciliation"):
        if row["difference_usd"] is None:
            assert row["not_comparable_reason"]
        else:
            assert sum(row[cause] for cause in INVOICE_CAUSES) == row["difference_usd"]
    for row in books.rows("month_close", status="closed"):
        of = {"month": row["month"], "provider": row["provider"]}
        now = sum(line["billed_usd"] for line in books.rows("billed_by_kind", provider=row["provider"])
                  if f"{line['activity_date']:%Y-%m}" == row["month"])  # fmt: skip
        frozen = sum((row[f"closed_{kind}_usd"] or Decimal(0) for kind in KINDS), Decimal())
        changes = books.rows("closed_month_changes", **of)
        assert sum((change["change_usd"] for change in changes), Decimal()) == row["changed_since_close_usd"]
        assert frozen + row["changed_since_close_usd"] == now


def test_what_changes_after_the_close_is_listed_against_it(
    books: Books, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert main(["close", "MONTH=2026-07", f"BY={ADA}", "PROVIDER=cursor"]) == 0
    assert books.rows("closed_month_changes") == []
    assert {row["provider"] for row in books.rows("closed_figures")} == {"cursor"}
    assert main(["close", "MONTH=2026-07", f"BY={ADA}", "PROVIDER=anthropic"]) == 0
    seventh, later = date(2026, 7, 7), books.platform.warehouse.now() + ONE_DAY
    books.restated("anthropic", seventh, "2", later)
    books.restated("anthropic", seventh, "0.50", later + ONE_DAY)
    books.restated("cursor", seventh, "1", later)
    books.also_in_euro("cursor", date(2026, 7, 12), "3", later)
    books.pulled_late("cursor", date(2026, 7, 13), "eu", "7", later)
    books.restated("cursor", date(2026, 7, 13), "0.25", later + ONE_DAY, "eu")
    books.restated("cursor", date(2026, 7, 8), "-1", later)
    books.line("anthropic", date(2026, 7, 9), "subscription")["billed_usd"] = Decimal(3)
    books.spend.remove(books.line("anthropic", date(2026, 7, 10), "credit"))
    books.line("anthropic", date(2026, 7, 10), "usage")["billed_usd"] -= Decimal("0.5")
    books.versions = [
        row for row in books.versions if (row["provider"], row["activity_date"]) != ("cursor", date(2026, 7, 9))
    ]
    books.line("cursor", date(2026, 7, 11), "usage")["billed_usd"] = Decimal(0)  # blocked: the ledger has 4
    books.figures[1]["removed_at"] = later
    books.built()
    changes = books.rows("closed_month_changes", provider="anthropic")
    assert sorted((row["activity_date"].day, row["kind"], row["cause"], row["change_usd"]) for row in changes) == [
        (7, "usage", "restated", Decimal("2.5")),
        (9, "seats", "seats changed", 1),
        (10, "credits", "rebuilt", Decimal("0.5")),
        (10, "usage", "rebuilt", Decimal("-0.5")),
    ]
    of_cursor = books.rows("closed_month_changes", provider="cursor")
    assert sorted((row["activity_date"].day, row["cause"], row["change_usd"]) for row in of_cursor) == [
        (7, "restated", 1), (8, "restated", -1), (11, "blocked", -4), (12, "restated", 3),
        (13, "pulled after the close", Decimal("7.25")),
    ]  # fmt: skip
    assert {row["known_from"] for row in changes} == {later + ONE_DAY, None}, "since the last of two restatements"
    row, cursor = books.close("2026-07", "anthropic"), books.close("2026-07", "cursor")
    assert (row["status"], row["changed_since_close_usd"], row["restated_since_close_usd"]) == (
        "closed", Decimal("3.5"), Decimal("2.5"),
    )  # fmt: skip
    assert (cursor["restated_since_close_usd"], cursor["is_restated_since_close"]) == (3, True), "1 and -1 cancel out"
    assert cursor["status_reason"] == "its figure left the sheet after the close"
    assert cursor["closed_figure_usd"] == 124
    explained(books)

    assert main(["reopen", "MONTH=2026-07", f"BY={ADA}"]) == 2
    assert "NOTE must have the reason" in printed(capsys)
    assert main(["reopen", "MONTH=2026-07", "BY=bo@example.com", "NOTE=a late restatement", "PROVIDER=anthropic"]) == 0
    row = books.close("2026-07", "anthropic")
    assert (row["status"], row["closed_at"], row["changed_since_close_usd"]) == ("open", None, None)
    assert books.rows("closed_month_changes", provider="anthropic") == []
    assert row["status_reason"] == "a part of the difference to its invoices is unexplained: seats"
    books.line("anthropic", date(2026, 7, 9), "subscription")["billed_usd"] = Decimal(2)
    books.built()
    assert books.close("2026-07", "cursor")["status"] == "closed"
    assert main(["reopen", "MONTH=2026-07", f"BY={ADA}", "NOTE=x", "PROVIDER=anthropic"]) == 2
    assert "anthropic: it is not closed" in printed(capsys)
    assert main(["close", "MONTH=2026-07", f"BY={ADA}", "PROVIDER=anthropic"]) == 0
    assert books.rows("closed_month_changes", provider="anthropic") == []
    acts = [
        (row["act"], row["acted_by_email"], row["is_in_force"])
        for row in books.rows("month_closes", provider="anthropic")
    ]
    assert acts == [("close", ADA, False), ("reopen", "bo@example.com", False), ("close", ADA, True)]
    explained(books)
    acts_are_whole_until_one_is_harmed(books, tmp_path_factory.mktemp("harmed"))


def acts_are_whole_until_one_is_harmed(books: Books, folder: Path) -> None:
    check = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey(["core", "closed_figures"]), WHOLE))
    outcome = books.platform.materialize(check, None, books.platform.claude.admin())
    assert outcome.evaluation(WHOLE, None, "closed_figures").passed
    acts, commits = "ai_usage_raw.month_close_acts", "ai_usage_raw.pulls"
    second = f"pull_id = (select distinct pull_id from {acts} order by pull_id limit 1 offset 1)"
    of_second = f"delete from {commits} where pull = 'month_close_acts' and {second}"
    for harm, why in (
        (f"delete from {acts} where {second}", "holds 0 of the 1 acts"),
        (f"update {acts} set record = replace(record, '297.6', '297.7') where {second}", "holds 1 of the 1 acts"),
        (f"insert into {acts} from {acts} where {second}", "holds 2 of the 1 acts"),
        (of_second, "have no row in ai_usage_raw.pulls"),
        (f"{of_second}; delete from {acts} where {second}", "2026-07 of anthropic has a reopen after nothing"),
        (
            "update ai_usage_analytics.closed_figures set billed_usd = billed_usd + 0.01 where is_in_force",
            "2026-07 of anthropic has another copy in core/closed_figures than in the ledger",
        ),
    ):
        harmed = books.platform.copy(folder)
        harmed.sql(harm)
        outcome = harmed.materialize(check, None, harmed.claude.admin())
        assert outcome.not_passed(WHOLE) == {None}
        assert why in outcome.why(WHOLE, None, "closed_figures")


def test_the_acts_outlive_a_rebuild_and_an_older_warehouse_and_whoever_closed_can_be_erased(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    """Core and marts are built from the ledger; a file of an earlier release has none of these tables."""
    for name in ("month_close_acts", "month_closes", "closed_figures"):
        table = next(table for table in TABLES if table.name == name)
        books.platform.sql(f"drop table {table.address}")
    assert main(["close", "MONTH=2026-07", f"BY={ADA}"]) == 0, printed(capsys)
    for name in ("month_closes", "closed_figures"):
        books.platform.sql(f"delete from ai_usage_analytics.{name}")
    books.built()
    before = books.close("2026-07", "anthropic")
    assert (before["status"], before["closed_by_email"]) == ("closed", ADA)
    [act, _] = books.platform.sql("select record from ai_usage_raw.month_close_acts order by position")
    assert json.loads(act[0])["acted_by_email"] == ADA
    assert main(["erase_person", ADA, "--yes"]) == 0, printed(capsys)
    after = books.close("2026-07", "anthropic")
    assert after["closed_by_email"].endswith("@erased.invalid")
    assert after | {"closed_by_email": ADA} == before
    assert ADA not in str(books.platform.sql("select record from ai_usage_raw.month_close_acts"))


def test_statements_add_up_to_the_company_to_the_last_digit(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    teams = ["Data", "Web / <b>", "web_b", None, "../x", "=cmd|'/C calc'!A0", "数据 Ünit\n" * 30]
    for n, row in enumerate(books.spend):
        row |= {"team_name": teams[n % 7], "cost_center": "4711" if n % 3 else None, "platform": "claude_api"}
        row |= {"status": "final" if n % 5 else "provisional"}
        row["billed_usd"] += n * Decimal("0.001000007")
        row["attribution_method"] = "actor" if teams[n % 7] else "unattributed"
    books.built()
    assert main(["statements", "MONTH=2026-07"]) == 1, "blocked days: the ledger has other amounts"
    folder = books.platform.warehouse.path.parent / "exports" / "statements_2026-07_SIMULATED"
    company, *others = tables = {
        file.stem: pl.read_csv(file, infer_schema=False) for file in sorted(folder.glob("*.csv"))
    }
    assert [company, *others] == [
        "company", "cost_center_4711", "cost_center_no_cost_center",
        "team_cmd_c_calc_a0", "team_data", "team_no_team", "team_web_b", "team_web_b_2", "team_x",
        f"team_{('数据_ünit_' * 30)[:48].strip('_')}",
    ]  # fmt: skip
    assert set(tables["team_cmd_c_calc_a0"]["name"]) == {"'=cmd|'/C calc'!A0"}, "a spreadsheet takes it for text"
    assert {path.parent for path in folder.parent.rglob("*.csv")} == {folder}

    def sums(column: str, of: str) -> Decimal:
        return sum(
            (Decimal(text) for name in tables if name.startswith(of) for text in tables[name][column]), Decimal()
        )

    july = [row for row in books.spend if row["spend_date"].month == 7]
    billed = sum((row["billed_usd"] for row in july), Decimal())
    assert [sums("billed_usd", of) for of in ("company", "team", "cost_center")] == [billed] * 3
    cents = round(billed, 2)
    assert [sums("shown_usd", of) for of in ("company", "team", "cost_center")] == [cents] * 3
    page = (folder / "company.html").read_text(encoding="utf-8")
    assert f"{cents:,.2f} USD" in page
    assert "SIMULATED DATA" in page
    assert "@page { size: A4" in page
    assert "Web / &lt;b&gt;" in page
    assert not re.search(r"(src|href|url|@import|<script)", page), "it loads nothing"
    unattributed = sum((row["billed_usd"] for row in july if not row["team_name"]), Decimal())
    assert f"<li>unattributed: {unattributed:,.2f} USD ({100 * unattributed / billed:.1f} %)</li>" in page
    of_team = (folder / "team_data.html").read_text(encoding="utf-8")
    for mark in ("Provisional: providers may still restate days", "Not closed: cursor is open", "blocked days"):
        assert mark in of_team
    assert {f"{file.stat().st_mode & 0o777:o}" for file in folder.iterdir()} == {"600"}
    said = printed(capsys)
    assert f"2026-07: 7 teams, 2 cost centers; together ${billed:,.2f} (exactly {billed} USD)" in said

    for row in books.spend:
        row["billed_usd"] = Decimal(4) if row["provider"] == "cursor" else row["billed_usd"]
    books.built()
    assert main(["close", "MONTH=2026-07", f"BY={ADA}", "PROVIDER=cursor"]) == 0
    main(["statements", "MONTH=2026-07"])
    assert "<li>Closed: cursor, by ada@example.com on " in (folder / "company.html").read_text(encoding="utf-8")
    hidden = folder.parent / f".{folder.name}"
    (hidden / "fresh").mkdir(parents=True)
    (hidden / "fresh" / "half.html").write_text("a", encoding="utf-8")
    folder.rename(hidden / "before")  # the run was killed at this point
    with pytest.raises(WarehouseError, match="cannot be written"):
        write_all([replace(first_statement(), file="no/folder")], folder.parent, folder.name)
    assert (sorted(folder.parent.glob(".*")), (folder / "company.html").exists()) == ([], True), "those of before"
    folder.rename(folder.parent / "moved")
    (hidden / "before").mkdir(parents=True)
    main(["statements", "MONTH=2026-07"])
    assert (folder / "company.html").read_bytes() == (folder.parent / "moved" / "company.html").read_bytes()
    assert sorted(path.name for path in folder.parent.iterdir() if path.is_dir()) == ["moved", folder.name]
    assert main(["statements", "MONTH=2025-01"]) == 1
    assert "Nothing was billed in 2025-01" in printed(capsys)


def first_statement() -> Statement:
    table = pl.DataFrame({column: ["x"] for column in ORDER} | {"shown_usd": [Decimal("1.00")]})
    return Statement("2026-07", "team", "Data", "team_data", table, [], [], is_simulated=True)


def test_what_cannot_be_closed_gives_the_reason(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(platform.warehouse.path.parent))
    settings.cache_clear()
    month, by = "MONTH=2026-07", f"BY={ADA}"
    for typed, sentence in (
        ([by], "Which month?"),
        ([month], "BY must be the e-mail address"),
        ([month, "BY=ada"], "BY must be the e-mail address"),
        (["MONTH=2026-7", by], "is not a month"),
        ([month, by, "PROVIDER=acme"], "PROVIDER=acme is no provider"),
        ([month, by, "UNEXPLAINED=1"], "the only value is accept"),
        (["MONTH=2025-07", by], "Nothing is known of 2025-07"),
    ):
        assert main(["close", *typed]) == 2
        assert sentence in printed(capsys)
    settings.cache_clear()
