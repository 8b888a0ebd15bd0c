"""Checks that each member's day exists and has possible counts. These are not money, and are kept as Cursor sends
them.
"""

from ai_usage.check import Check, DailyCheck, each_day, failed, some, warned
from ai_usage.providers.cursor.pulls import SOURCE

SQL = "providers/cursor/checks/"


every_member_has_a_row = DailyCheck(
    name="every_member_has_a_row",
    provider="cursor",
    asset="core/cursor_usage_stats",
    title="idle seats without a row",
    description="Each member of the Cursor team has a row each day, idle or not: else idle seats would not be listed.",
    severity="failed",
    sources=(SOURCE,),
    pulls=("cursor_daily_usage",),
    also_reads=("core/dim_cursor_member", "raw/cursor_groups"),
    sql=f"{SQL}every_member_has_a_row",
    evaluate=each_day(
        f"{SQL}every_member_has_a_row",
        lambda rows: failed(f"{len(rows)} members have no row: {some(row['user_email'] for row in rows)}.", rows),
    ),
)


def _of_usage(name: str, what: str, title: str, description: str) -> DailyCheck:
    return DailyCheck(
        name=name,
        provider="cursor",
        asset="core/cursor_usage_stats",
        title=title,
        description=description,
        severity="warned",
        sources=(SOURCE,),
        pulls=("cursor_daily_usage",),
        sql=f"{SQL}{name}",
        evaluate=each_day(
            f"{SQL}{name}",
            lambda rows: warned(f"{len(rows)} members' days {what}: {some(row['user_email'] for row in rows)}.", rows),
        ),
    )


acceptance_counts_are_possible = _of_usage(
    "acceptance_counts_are_possible",
    "have more accepted than shown, or a negative count",
    "more accepted than shown",
    "No member accepted more completions than were shown, nor more lines than there are; no count is negative.",
)
active_flag_agrees_with_activity = _of_usage(
    "active_flag_agrees_with_activity",
    "are flagged active without activity, or inactive with requests",
    "an active flag that the counts contradict",
    "A member that Cursor flags active has some activity, and one that it flags inactive made no request.",
)

CHECKS: list[Check] = [every_member_has_a_row, acceptance_counts_are_possible, active_flag_agrees_with_activity]
