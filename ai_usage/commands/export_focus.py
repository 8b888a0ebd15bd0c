"""`make export-focus MONTH=…`: a month of what was billed, in FOCUS 1.2, as Parquet and CSV for other FinOps tools.

A month of which days were never pulled is written, and named as incomplete, with exit code 1.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from ai_usage.automation.warehouse_resource import asked_warehouse
from ai_usage.commands.coverage import print_gaps, pulled
from ai_usage.commands.months import month_span
from ai_usage.commands.terminal import ERR, OUT
from ai_usage.commands.typed import parser
from ai_usage.dashboards.all_boards import harmless
from ai_usage.errors import WarehouseError
from ai_usage.partitions import Span
from ai_usage.redaction import Redaction
from ai_usage.settings import Settings, pseudonym_salt
from ai_usage.warehouse.people import known_people
from ai_usage.warehouse.port import Warehouse

MONTH = """
select *
from ai_usage_analytics.focus_1_2
where date(ChargePeriodStart) between @first_day and @last_day
order by
    ChargePeriodStart, ProviderName, SkuId, SubAccountId, x_TeamName, x_UserEmail, x_ApiKeyId, x_Platform, BilledCost
"""
FOLDER = "exports"
INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def run(of: Settings, argv: Sequence[str]) -> int:
    arguments = parser("export-focus", __doc__)
    arguments.add_argument("month", nargs="?", default="", help="MONTH, such as 2026-01; else yesterday's")
    month = month_span(arguments.parse_args(argv).month or f"{of.yesterday():%Y-%m}")
    warehouse = asked_warehouse(of)
    over = Span(month.first, max(month.first, min(month.last, of.yesterday())))  # the days of the month that are over
    with warehouse.connected():
        charges = nameless(warehouse, warehouse.ask(MONTH, first_day=month.first, last_day=month.last))
        coverage = pulled(warehouse, over)
    if charges.is_empty():
        print_gaps(of, coverage, over)
        ERR.print(f"Nothing was billed in {month.first:%Y-%m}, or no day of it was built: nothing was written.")
        return 1
    files = export(charges, of.data_dir / FOLDER, f"focus_1_2_{month.first:%Y-%m}")
    _print_summary(charges, month, is_over=month.last <= of.yesterday())
    for file in files:
        OUT.print(f"Written to {file}", soft_wrap=True)
    return 0 if print_gaps(of, coverage, over) else 1


def nameless(warehouse: Warehouse, charges: pl.DataFrame) -> pl.DataFrame:
    """The charges, with pseudonyms for people if the setting is on."""
    redact = Redaction(salt=pseudonym_salt(), people=lambda: known_people(warehouse))
    return redact.frame(charges) if redact.salt else charges


def export(charges: pl.DataFrame, folder: Path, name: str) -> list[Path]:
    """Writes both files or neither, and replaces those of an earlier run. Files of simulated figures are named so."""
    name += "_SIMULATED" if charges["x_IsSimulated"].any() else ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing_", dir=folder) as unfinished:
            parquet, text = (Path(unfinished) / f"{name}.{kind}" for kind in ("parquet", "csv"))
            charges.write_parquet(parquet)
            harmless(charges).write_csv(text, datetime_format=INSTANT)
            return [file.replace(folder / file.name) for file in (parquet, text)]
    except OSError as error:
        raise WarehouseError(
            f"{folder} cannot be written ({error.strerror or error}): no file was replaced by half of one."
        ) from error


def _print_summary(charges: pl.DataFrame, month: Span, *, is_over: bool) -> None:
    if charges["x_IsSimulated"].any():
        OUT.rule("[bold red]SIMULATED DATA from the built-in providers: no real money[/]")
    total, days = charges["x_BilledCostUsd"].sum(), charges["ChargePeriodStart"].n_unique()
    OUT.print(
        f"{month.first:%Y-%m}: {charges.height:,} rows · [bold]${total:,.2f}[/] billed (exactly {total} USD) · "
        f"charges on {days} of {len(month.days)} days",
        soft_wrap=True,
    )
    others = (
        charges.filter(pl.col("BillingCurrency") != "USD").group_by("BillingCurrency").agg(pl.col("BilledCost").sum())
    )
    for currency, amount in others.sort("BillingCurrency").rows():
        OUT.print(f"Of it {amount:,.2f} {currency} is billed in {currency}: BilledCost has these amounts.")
    if not is_over:
        OUT.print("[yellow]Provisional[/]: the month is not over.")
    elif charges["x_Status"].ne("final").any():
        OUT.print("[yellow]Provisional[/]: providers may still restate days; export it again when they are final.")
    else:
        OUT.print("[green]Final[/]: no provider is expected to restate a day of it.")
