"""Billed costs in FOCUS 1.2: nothing is lost, each kind of row follows FOCUS, and the official validator passes."""

import csv
import json
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ai_usage.commands import export_focus
from ai_usage.commands.__main__ import main
from ai_usage.places import ROOT
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.platform import Platform, files, platform_in
from ai_usage_tests.spend import ESTIMATES, EVERY_KIND, OPUS, claude, cursor, seat, spend

FOCUS = "ai_usage_analytics.focus_1_2"
VALIDATOR = ROOT / ".venv-focus" / "bin" / "python"
VALIDATED = pytest.mark.skipif(
    not VALIDATOR.exists(), reason="the FOCUS validator is not here: make .venv-focus/ready, with Python 3.11 or 3.12"
)
COSMETIC = {"InvoiceId-C-004-C"}  # wants InvoiceId null where -005- wants it not null: docs/focus.md
# Conditional rules of FOCUS. Two that apply to us are left out, as the validator misreads them: with PUBLIC_PRICE_LIST
# it requires virtual currencies too, with USAGE_MEASUREMENT it reads a column of commitment discounts.
CRITERIA = (
    "SUB_ACCOUNT_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "TAGGING_SUPPORTED",
    "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
    "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED",
)
BILLION = Decimal("1e-9")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return platform_in(tmp_path_factory.mktemp("focus"))


def charges(platform: Platform, *rows: dict[str, Any]) -> pl.DataFrame:
    spend(platform.warehouse, rows)
    return platform.warehouse.ask(f"select * from {FOCUS}")


def test_billed_money_is_there_to_the_last_digit_and_estimates_are_not(shared: Platform) -> None:
    found = charges(shared, *EVERY_KIND.values(), *ESTIMATES.values())
    billed = [row.get("billed_amount") or row["billed_usd"] for row in EVERY_KIND.values()]
    assert found.height == len(billed)
    assert found["x_BilledCostUsd"].sum() == sum(row["billed_usd"] for row in EVERY_KIND.values())
    for cost in ("BilledCost", "EffectiveCost", "ContractedCost"):
        assert found[cost].sum() == sum(billed, Decimal(0))
    assert set(found["x_Meter"]) & {"claude_code_estimate", "request_formula"} == set()


def test_names_that_are_not_unique_multiply_no_money(shared: Platform) -> None:
    rows = list(EVERY_KIND.values())
    with shared.warehouse.connected() as db:
        for name in ("Research", "Research, archived"):
            db.execute(
                "insert into ai_usage_analytics.dim_workspace by name select 'wrkspc_team' as workspace_id, "
                f"'{name}' as workspace_name, false as is_default, 'default' as account, '' as pull_id, "
                "now() as ingestion_timestamp"
            )
            db.execute(
                "insert into ai_usage_analytics.dim_api_key_mapping by name select 'apikey_1' as api_key_id, "
                f"'{name}' as api_key_name, 'none' as mapped_by, '' as pull_id, now() as ingestion_timestamp"
            )
        try:
            found = charges(shared, *rows)
        finally:
            db.execute("delete from ai_usage_analytics.dim_workspace")
            db.execute("delete from ai_usage_analytics.dim_api_key_mapping")
    assert found["x_BilledCostUsd"].sum() == sum(row["billed_usd"] for row in rows)
    assert set(found["SubAccountName"].drop_nulls()) == {"Research", "Default", "project-a"}
    assert set(found["ResourceName"].drop_nulls()) == {"Research"}


def test_a_row_of_an_unknown_provider_keeps_its_own_key_as_its_name(shared: Platform) -> None:
    found = charges(shared, claude() | {"provider": "toy", "platform": "toys"}, claude()).sort("ProviderName")
    names = ("ProviderName", "PublisherName", "InvoiceIssuerName", "ServiceName")
    assert found.select(names).rows() == [
        ("Anthropic", "Anthropic", "Anthropic", "Claude API"),
        (*("toy",) * 3, "toys"),
    ]
    assert found["BillingAccountType"].to_list() == ["Organization"] * 2


ALLOWED: dict[str, set[str | None]] = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"Standard", "Committed", "Dynamic", "Other", None},
    "BillingCurrency": {"USD", "EUR"},
    "ChargeClass": {None},
}
TOGETHER = [
    ("ConsumedQuantity", "ConsumedUnit"),
    ("PricingQuantity", "PricingUnit"),
    ("ResourceId", "ResourceType"),
    ("SubAccountId", "SubAccountName"),
    ("SubAccountId", "SubAccountType"),
    ("SkuId", "SkuMeter"),
]


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_each_row_keeps_the_rules_that_the_validator_checks_by_column_or_not_at_all(
    shared: Platform, kind: str
) -> None:
    """The validator lets one allowed word excuse others, and checks no product where ChargeClass is null."""
    [row] = charges(shared, EVERY_KIND[kind]).to_dicts()
    assert {name: row[name] for name, words in ALLOWED.items() if row[name] not in words} == {}
    assert [pair for pair in TOGETHER if (row[pair[0]] is None) != (row[pair[1]] is None)] == []
    priced = ("PricingQuantity", "ListUnitPrice", "ContractedUnitPrice", "SkuId", "SkuPriceId", "PricingCategory")
    is_credit = row["ChargeCategory"] == "Credit"
    assert [name for name in priced if (row[name] is None) != is_credit] == []
    for price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
        if is_credit:
            assert row[cost] == row["BilledCost"]
        else:
            assert row[price] >= 0
            assert abs(row[price] * row["PricingQuantity"] - row[cost]) <= BILLION * max(abs(row[cost]), 1)


USAGE = {"ChargeCategory": "Usage", "ChargeFrequency": "Usage-Based", "PricingCategory": "Standard"}
WITHOUT_PRICE = {"PricingQuantity": 1, "PricingUnit": "Units", "ConsumedQuantity": None, "ConsumedUnit": None}
MAPPED: dict[str, dict[str, Any]] = {
    "a key's output": USAGE
    | {
        "BillingAccountId": "org-1",
        "BillingAccountType": "Organization",
        "BillingPeriodStart": datetime(2026, 10, 1, tzinfo=UTC),
        "BillingPeriodEnd": datetime(2026, 11, 1, tzinfo=UTC),
        "ChargePeriodStart": datetime(2026, 10, 5, tzinfo=UTC),
        "ChargePeriodEnd": datetime(2026, 10, 6, tzinfo=UTC),
        "InvoiceId": "provisional-anthropic-org-1-2026-10",
        "ProviderName": "Anthropic",
        "ServiceName": "Claude API",
        "ConsumedQuantity": 1_200_000,
        "ConsumedUnit": "Tokens",
        "PricingQuantity": Decimal("1.2"),
        "PricingUnit": "1000000 Tokens",
        "ListUnitPrice": 25,
        "SkuId": f"anthropic/{OPUS}/output_tokens",
        "SkuPriceDetails": json.dumps({"x_Model": OPUS}, separators=(",", ":")),
        "SubAccountId": "wrkspc_team",
        "SubAccountType": "Workspace",
        "ResourceId": "apikey_1",
        "ResourceType": "API Key",
        "Tags": '{"team_name":"Data","user_email":"dev@example.com","cost_center":null}',
        "x_ListCostBasis": "list",
    },
    "input of the default workspace": {"SubAccountId": "default", "SubAccountName": "Default"},
    "batch, at half the list price": {
        "ListCost": Decimal("0.3"),
        "ListUnitPrice": Decimal("0.25"),
        "ContractedUnitPrice": Decimal("0.125"),
    },
    "a split share of mixed tiers": {
        "PricingQuantity": 1,
        "PricingUnit": "Units",
        "ListUnitPrice": Decimal("1.234567891"),
        "ConsumedUnit": "Tokens",
        "x_ListCostBasis": "billed",
    },
    "claude code by its actor": {"ServiceName": "Claude Code", "ResourceId": None, "ResourceType": None},
    "the workbench": {"ServiceName": "Claude Workbench"},
    "an api cost of an unknown platform": {
        "ServiceName": "Claude (not itemised)",
        "SubAccountId": None,
        "SubAccountName": None,
        "SubAccountType": None,
        "Tags": '{"team_name":null,"user_email":null,"cost_center":null}',
    },
    "web search, without a model": {
        "PricingUnit": "1000 Requests",
        "ListUnitPrice": 10,
        "SkuId": "anthropic/claude_api/web_search",
        "SkuPriceDetails": None,
    },
    "code execution, not measured": USAGE | WITHOUT_PRICE,
    "a session": USAGE | WITHOUT_PRICE,
    "a service account of cursor": {"x_UserEmail": "bot-1@service", "SubAccountId": None},
    "a request of cursor": USAGE
    | {
        "BillingAccountType": "Team",
        "ProviderName": "Cursor",
        "PricingUnit": "Requests",
        "ContractedUnitPrice": Decimal("0.04"),
    },
    "a free request": {"BilledCost": 0, "PricingQuantity": 1, "ListUnitPrice": 0},
    "usage given back": USAGE
    | {"BilledCost": Decimal("-1.5"), "PricingQuantity": Decimal("-0.06"), "ListUnitPrice": 25},
    "a bill in euros": {
        "BillingCurrency": "EUR",
        "BilledCost": 100,
        "ListCost": 110,
        "ListUnitPrice": Decimal("2.75"),
        "ContractedUnitPrice": Decimal("2.5"),
        "x_BilledCostUsd": 125,
        "x_ListCostBasis": "list",
    },
    "nothing billed in euros": {"BillingCurrency": "EUR", "BilledCost": 0, "ListCost": 0, "x_ListCostBasis": "billed"},
    "a seat of cursor": {
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Recurring",
        "EffectiveCost": Decimal("1.290322581"),
        "ConsumedUnit": "Seats",
        "SkuId": "cursor/Teams/seat",
        "SubAccountId": None,
        "x_Plan": "Teams",
    },
    "a seat of claude": WITHOUT_PRICE | {"ServiceName": "Claude", "SubAccountId": None, "x_Plan": "Team Premium"},
    "a credit": {
        "ChargeCategory": "Credit",
        "ChargeFrequency": "One-Time",
        "BilledCost": -25,
        "ListCost": -25,
        "PricingCategory": None,
        "SkuId": None,
        "x_Meter": "credit",
    },
}


@pytest.mark.parametrize("kind", MAPPED)
def test_each_kind_of_row_is_as_focus_wants_it(shared: Platform, kind: str) -> None:
    [row] = charges(shared, EVERY_KIND[kind]).to_dicts()
    assert {name: row[name] for name in MAPPED[kind]} == MAPPED[kind]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_days_are_utc_days_in_whatever_zone_the_reader_sits(shared: Platform, zone: str) -> None:
    spend(shared.warehouse, [claude()])
    with shared.warehouse.connected() as db:
        db.execute(f"set TimeZone = '{zone}'")
        [(epoch, until)] = db.execute(
            f"select epoch(ChargePeriodStart), epoch(BillingPeriodEnd) from {FOCUS}"
        ).fetchall()
    assert epoch == datetime(2026, 10, 5, tzinfo=UTC).timestamp()
    assert until == datetime(2026, 11, 1, tzinfo=UTC).timestamp()


def test_focus_columns_come_first_and_own_ones_after_them(shared: Platform) -> None:
    columns = charges(shared, claude()).columns
    own = [name for name in columns if name.startswith("x_")]
    assert columns[-len(own) :] == own


def failures(evaluations: dict[str, str]) -> dict[str, str]:
    return {rule: why for rule, why in evaluations.items() if why.startswith("fail")}


def validation(of: Mapping[Path, Sequence[str]]) -> list[dict[str, str]]:
    """Rule → the validator's result, of each file with these criteria, in one process: starting takes it longer than a
    file.
    """
    asked = [f"{file}={','.join(criteria)}" for file, criteria in of.items()]
    script = ROOT / "ai_usage_tests" / "validate_focus.py"
    done = subprocess.run([VALIDATOR, "-P", script, *asked], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def validated(shared: Platform, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """File → rule → the validator's result."""
    folder = tmp_path_factory.mktemp("validated")
    good = charges(shared, *EVERY_KIND.values())
    harmed = good.with_columns(
        ChargeCategory=pl.lit("Consumption"),
        BilledCost=pl.when(pl.int_range(pl.len()) == 0).then(None).otherwise("BilledCost"),
    )
    for name, rows in (("focus", good), ("harmed", harmed)):
        export_focus.export(rows, folder, name)
    criteria = {"focus.parquet": CRITERIA, "focus.csv": (), "harmed.parquet": ()}
    results = validation({folder / file: of for file, of in criteria.items()})
    return dict(zip(criteria, results, strict=True))


@VALIDATED
@pytest.mark.parametrize(("kind", "passes"), [("parquet", 220), ("csv", 130)])
def test_the_official_validator_finds_only_what_is_cosmetic(
    validated: dict[str, dict[str, str]], kind: str, passes: int
) -> None:
    evaluations = validated[f"focus.{kind}"]
    assert failures(evaluations).keys() == COSMETIC, failures(evaluations)
    assert sum(result == "pass" for result in evaluations.values()) >= passes, "the rules were evaluated, not skipped"


@VALIDATED
def test_the_official_validator_sees_what_is_wrong(validated: dict[str, dict[str, str]]) -> None:
    wrong = failures(validated["harmed.parquet"]).keys()
    assert {"ChargeCategory-C-003-M", "BilledCost-C-003-M"} <= wrong


@pytest.fixture
def home(platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Platform:
    """A platform that the commands find through the settings."""
    monkeypatch.setenv("AI_USAGE_DATA_DIR", str(tmp_path))
    return platform


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return " ".join((captured.out + captured.err).split())


OTHER_MONTHS = [claude(spend_date=date(2026, 9, 30)), claude(spend_date=date(2026, 11, 1))]


def test_an_export_is_the_months_decimals_in_both_files(
    home: Platform, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    spend(home.warehouse, [*EVERY_KIND.values(), *ESTIMATES.values(), *OTHER_MONTHS])
    assert main(["export_focus", "2026-10"]) == 0
    total = sum(row["billed_usd"] for row in EVERY_KIND.values())
    output = printed(capsys)
    assert "Of it 100.00 EUR is billed in EUR" in output
    assert f"{len(EVERY_KIND)} rows · ${total:,.2f} billed (exactly {total} USD) · charges on 1 of 31 days" in output
    assert "Provisional: providers may still restate" in output
    assert "SIMULATED" not in output

    folder = tmp_path / "exports"
    assert files(folder) == {"focus_1_2_2026-10.parquet", "focus_1_2_2026-10.csv"}
    assert not [path for path in folder.iterdir() if path.is_dir()]
    parquet = pl.read_parquet(folder / "focus_1_2_2026-10.parquet")
    assert parquet["x_BilledCostUsd"].sum() == total
    assert [name for name, kind in parquet.schema.items() if kind.is_float()] == []
    assert parquet.schema["ListUnitPrice"] == parquet.schema["BilledCost"] == pl.Decimal(38, 9)
    with (folder / "focus_1_2_2026-10.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Decimal(row["BilledCost"]) for row in rows] == parquet["BilledCost"].to_list()
    assert {row["ChargePeriodStart"] for row in rows} == {"2026-10-05T00:00:00Z"}


@pytest.mark.parametrize(
    ("month", "status", "sentence"),
    [("2026-10", "final", "Final:"), ("2026-10", "provisional", "Provisional:"), ("2026-11", "final", "is not over")],
)
def test_an_export_shows_whether_the_month_may_still_change(
    home: Platform, capsys: pytest.CaptureFixture[str], month: str, status: str, sentence: str
) -> None:
    spend(home.warehouse, [claude(spend_date=date.fromisoformat(f"{month}-05"), status=status)])
    assert main(["export_focus", month]) == 0
    assert sentence in printed(capsys)


def test_simulated_figures_are_marked_in_the_name_the_rows_and_on_the_screen(
    home: Platform, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    home.warehouse.append("claude_cost_report", [Answer("claude", date(2026, 10, 5), [], 1, {}, is_simulated=True)])
    spend(home.warehouse, [claude()])
    assert main(["export_focus", "2026-10"]) == 1  # one of its days was pulled
    assert "SIMULATED DATA" in printed(capsys)
    assert files(tmp_path / "exports") == {f"focus_1_2_2026-10_SIMULATED.{kind}" for kind in ("csv", "parquet")}
    assert pl.read_csv(tmp_path / "exports" / "focus_1_2_2026-10_SIMULATED.csv")["x_IsSimulated"].all()


@pytest.mark.parametrize(
    "month", ["2026", "2026-13", "2026-1", "10/2026", "2026-10-01", "0000-01", "9999-12", "٢٠٢٦-١٠"]
)
def test_what_is_no_month_is_one_sentence(capsys: pytest.CaptureFixture[str], month: str) -> None:
    assert main(["export_focus", month]) == 2
    assert f"MONTH={month} is not a month; write for example MONTH=2026-01." in printed(capsys)


def test_a_month_with_five_pulled_days_is_marked(
    home: Platform, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Case 29. A provider that was never pulled is not required, and an open month counts up to yesterday."""
    october = [date(2026, 10, day) for day in (27, 28, 29, 30, 31)]
    november = [date(2026, 11, day) for day in range(1, 20)]
    for day in (*october, *november):
        home.warehouse.append("claude_cost_report", [Answer("claude", day, [], 1, {})])
    spend(home.warehouse, [claude(spend_date=october[0]), claude(spend_date=november[0])])
    assert main(["export_focus", "2026-10"]) == 1
    output = printed(capsys)
    assert "! anthropic: 5 of 31 days were pulled (2026-10-27…2026-10-31); the others are unknown." in output
    assert "make backfill FROM=2026-10-01 TO=2026-10-26" in output
    assert "cursor" not in output
    assert main(["export_focus"]) == 0  # yesterday's month, up to yesterday
    assert "2026-11: 1 rows" in printed(capsys)
    assert main(["export_focus", "2026-09"]) == 1
    assert "anthropic: 0 of 30 days were pulled; the others are unknown" in printed(capsys)


def test_a_month_without_charges_writes_nothing(
    home: Platform, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    spend(home.warehouse, [claude(), seat(spend_date=date(2026, 9, 30), billed_usd=None)])
    assert main(["export_focus", "2026-09"]) == 1
    assert "Nothing was billed in 2026-09" in printed(capsys)
    assert not (tmp_path / "exports").exists()


def test_an_export_that_fails_leaves_the_earlier_one_whole(
    home: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    spend(home.warehouse, [claude()])
    assert main(["export_focus", "2026-10"]) == 0
    folder = tmp_path / "exports"
    before = {path: path.read_bytes() for path in folder.iterdir()}

    def half(_: pl.DataFrame, path: Path, **__: Any) -> None:
        path.write_text("BilledCost\n1", encoding="utf-8")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_csv", half)
    spend(home.warehouse, [claude(), cursor()])
    assert main(["export_focus", "2026-10"]) == 2
    assert "No space left on device" in printed(capsys)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\N{FULLWIDTH EQUALS SIGN}"])
def test_no_cell_of_the_csv_is_a_formula(shared: Platform, tmp_path: Path, start: str) -> None:
    bad = start + 'HYPERLINK("http://x","y")'
    found = charges(shared, claude(team_name=bad, model=bad), EVERY_KIND["a credit"])
    export_focus.export(found, tmp_path, "focus")
    with (tmp_path / "focus.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_model = {row["x_Model"]: row for row in rows}
    assert by_model.keys() == {"'" + bad, ""}
    assert by_model["'" + bad]["x_TeamName"] == "'" + bad
    assert Decimal(by_model[""]["BilledCost"]) == -25
    assert set(pl.read_parquet(tmp_path / "focus.parquet")["x_Model"]) == {bad, None}
