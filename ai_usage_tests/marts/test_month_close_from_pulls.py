"""A month close from the provider's answers and the sheet's file: how long a month is open, and what stays closed."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path

from ai_usage.partitions import Span
from ai_usage.sheet.csv_folder import CsvFolder
from ai_usage_tests.mock_claude import Line
from ai_usage_tests.platform import Platform, Ticking, of_others_than, whatever_makes

OCTOBER = Span(date(2026, 10, 1), date(2026, 10, 31))
MADE = whatever_makes("marts/month_close", "core/claude_daily_cost", "core/console_figures") - of_others_than(
    "anthropic"
)
HEADER = ("provider", "period_start", "period_end", "workspace_id", "amount_usd", "source", "note")
FIGURE = ("anthropic", "2026-10-01", "2026-11-01", "", "310.00", "Console", "")


def refreshed(platform: Platform, folder: Path, day: date, *figures: tuple[str, ...]) -> tuple[str, str | None]:
    """Status and reason of October, after all its days and the sheet with these figures were pulled on one day."""
    with (folder / "console_figures.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *figures])
    platform.warehouse.now = Ticking(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    outcome = platform.materialize(MADE, OCTOBER, platform.claude.admin(), sheet=CsvFolder(folder))
    assert outcome.failed == {}
    close = "select status, status_reason from ai_usage_analytics.month_close where provider = 'anthropic'"
    [found] = platform.sql(f"{close} and month = '2026-10'")
    return found


def test_an_equal_month_is_open_until_it_is_final_and_stays_ready_without_its_figure(
    platform: Platform, tmp_path: Path
) -> None:
    """Case 33: a month that is complete and equal, 12 days old; a ready month with a figure that leaves the sheet."""
    platform.claude.days = {day: [Line("1000")] for day in OCTOBER.days}
    assert refreshed(platform, tmp_path, date(2026, 11, 12), FIGURE) == ("open", "final on 2026-11-30")
    assert refreshed(platform, tmp_path, date(2026, 11, 30), FIGURE)[0] == "ready"
    left = refreshed(platform, tmp_path, date(2026, 12, 10))
    assert left == ("ready", "its figure left the sheet on 2026-12-10")
