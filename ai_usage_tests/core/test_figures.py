"""A figure of the sheet is known since the first version of the tab that had it."""

import json
from datetime import datetime

import dagster as dg

from ai_usage.sheet.tabs import CONSOLE_FIGURES
from ai_usage.warehouse.ledger import Answer, Version
from ai_usage_tests.platform import Platform

HEADER = ["provider", "period_start", "period_end", "workspace_id", "amount_usd", "note", "account"]
OCTOBER = ["anthropic", "2026-10-01", "2026-11-01", "", "100.5", "read by Ada", ""]
CURSOR = ["cursor", "2026-10-01", "2026-11-01", "", "100.5", "", ""]


def pulled(platform: Platform, *rows: list[str]) -> Version:
    """Pulls the tab with these rows."""
    records = [json.dumps(row).encode() for row in (HEADER, *rows)]
    [version] = platform.warehouse.append(
        CONSOLE_FIGURES.pull, [Answer("google", None, records, 1, {}, is_ordered=True)]
    )
    return version


def seen(platform: Platform) -> list[tuple[str, str, datetime]]:
    outcome = platform.materialize(dg.AssetSelection.assets("core/console_figures").without_checks(), None, None)
    assert outcome.result.success, outcome.failed
    table = "ai_usage_analytics.console_figures"
    found = platform.sql(
        f"select provider, amount_usd::text, first_seen_at from {table} where removed_at is null order by row_number"
    )
    return [(provider, amount.rstrip("0"), at) for provider, amount, at in found]


def test_a_figure_is_known_since_the_first_version_that_had_it_wherever_it_stood(platform: Platform) -> None:
    first = pulled(platform, OCTOBER)
    pulled(platform, OCTOBER)
    later = pulled(platform, CURSOR, OCTOBER)
    assert seen(platform) == [
        ("cursor", "100.5", later.pulled_at),
        ("anthropic", "100.5", first.pulled_at),
    ]


def test_another_amount_period_workspace_or_account_is_another_figure_and_a_note_is_not(platform: Platform) -> None:
    first = pulled(platform, OCTOBER)
    pulled(platform, [*OCTOBER[:4], "$100.50", "read by Bo", ""])
    assert [at for *_, at in seen(platform)] == [first.pulled_at]
    for n, value in ((2, "2026-10-31"), (3, "wrkspc_1"), (4, "100.51"), (6, "EU ")):
        changed = pulled(platform, [*OCTOBER[:n], value, *OCTOBER[n + 1 :]])
        assert [at for *_, at in seen(platform)] == [changed.pulled_at]


def removed(platform: Platform) -> list[tuple[str, datetime, datetime]]:
    """Figures that are no longer in the sheet, with the instants at which they appeared and disappeared."""
    seen(platform)
    table = "ai_usage_analytics.console_figures"
    return platform.sql(f"select provider, first_seen_at, removed_at from {table} where removed_at is not null")


def test_a_figure_that_leaves_the_sheet_is_kept_with_the_day_it_left(platform: Platform) -> None:
    first = pulled(platform, OCTOBER, CURSOR)
    gone = pulled(platform, CURSOR)
    pulled(platform, CURSOR)
    assert removed(platform) == [("anthropic", first.pulled_at, gone.pulled_at)]
    pulled(platform, OCTOBER, CURSOR)
    assert removed(platform) == []
    assert [at for *_, at in seen(platform)] == [first.pulled_at] * 2


def test_a_header_that_cannot_be_used_removes_no_figure(platform: Platform) -> None:
    pulled(platform, OCTOBER)
    records = [json.dumps(["provider", "from", "to"]).encode(), json.dumps(OCTOBER).encode()]
    platform.warehouse.append(CONSOLE_FIGURES.pull, [Answer("google", None, records, 1, {}, is_ordered=True)])
    assert removed(platform) == []
    emptied = pulled(platform)
    assert [at for *_, at in removed(platform)] == [emptied.pulled_at]


def test_a_row_that_could_not_be_used_was_not_known(platform: Platform) -> None:
    pulled(platform, [*OCTOBER[:4], "about a hundred", "", ""])
    mended = pulled(platform, OCTOBER)
    assert seen(platform) == [("anthropic", "100.5", mended.pulled_at)]


def test_figures_of_two_accounts_do_not_contradict_each_other(platform: Platform) -> None:
    at = pulled(platform, OCTOBER, [*OCTOBER[:4], "60.5", "", "default"], [*OCTOBER[:4], "40.5", "", "EU"]).pulled_at
    assert seen(platform) == [("anthropic", "100.5", at), ("anthropic", "60.5", at), ("anthropic", "40.5", at)]
    accounts = platform.sql("select account from ai_usage_analytics.console_figures order by row_number")
    assert accounts == [(None,), ("default",), ("eu",)]
    pulled(platform, [*OCTOBER[:6], "Europe & Asia"])
    assert seen(platform) == []
