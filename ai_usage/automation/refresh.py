"""When it runs: the jobs that refresh days, and the daily schedule with its trailing window.

Vendors restate and deliver late, so each morning pulls yesterday and the days before it again: a week, which is
how long claude.ai's figures of a day move, and on Sundays thirty-one days. What did not change adds no version.
"""

from datetime import timedelta

import dagster as dg

from ai_usage.checks.verdicts import RANGE_END, RANGE_START
from ai_usage.partitions import Span
from ai_usage.settings import settings

DAILY_WINDOW, SUNDAY_WINDOW = 7, 31  # days, yesterday included
SUNDAY = 6

everything = dg.AssetSelection.all()

refresh_day = dg.define_asset_job(
    "refresh_day",
    selection=everything,
    description="Pull one UTC day from every source, rebuild it, check it. Pick the day as the partition.",
)

refresh_range = dg.define_asset_job(
    "refresh_range",
    selection=everything,
    description="The same for a range of days in one run, which takes the fewest requests. The range is in the tags "
    f"{RANGE_START} and {RANGE_END}: the schedule, `make backfill` and the UI's backfill dialog set them.",
)


def window() -> Span:
    """The days the morning run takes: yesterday and the days before it."""
    last = settings().yesterday()
    days = SUNDAY_WINDOW if settings().now().weekday() == SUNDAY else DAILY_WINDOW
    return Span(max(settings().start_date, last - timedelta(days=days - 1)), last)


def range_tags(span: Span) -> dict[str, str]:
    return {RANGE_START: span.first.isoformat(), RANGE_END: span.last.isoformat()}


@dg.schedule(
    job=refresh_range,
    cron_schedule="0 6 * * *",
    execution_timezone=settings().schedule_timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def refresh_every_morning() -> dg.RunRequest:
    """Every day at 06:00: yesterday, and a trailing window for what vendors restate."""
    span = window()
    return dg.RunRequest(run_key=str(span), tags=range_tags(span))
