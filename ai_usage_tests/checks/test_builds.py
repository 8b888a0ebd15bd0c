"""A table that cannot be built fails its own check, also in later runs; the newest build of each table is recorded."""

from datetime import date
from typing import Any

import dagster as dg
import pytest

from ai_usage.providers.anthropic.rows import usage_and_cost
from ai_usage.warehouse.builds import Build, build_rows
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform, whatever_makes

BUILT = "table_was_built"
COSTS = dg.AssetSelection.assets("core/claude_costs")
ITS_CHECK = COSTS | dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey(["core", "claude_costs"]), BUILT))


def test_a_table_that_cannot_be_built_keeps_its_rows_and_its_check_gives_the_reason(
    good: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise KeyError("currency")

    before = good.dollars("claude_costs", "amount_usd")
    monkeypatch.setattr(usage_and_cost, "cost_rows", broken)
    outcome = good.run(only=ITS_CHECK)
    assert outcome.not_passed(BUILT) == {None}
    assert outcome.not_built == {"core/claude_costs": "Not built, left as it was: KeyError: 'currency'"}
    assert outcome.materialized == {}
    assert outcome.noted("core/claude_costs", None) == {"not_built": "KeyError: 'currency'"}
    assert good.dollars("claude_costs", "amount_usd") == before
    monkeypatch.undo()
    alone = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey(["core", "claude_costs"]), BUILT))
    assert good.materialize(alone, None, None).not_passed(BUILT) == {None}, (
        "asked alone it has what the last build came to"
    )
    assert good.run(only=ITS_CHECK).not_passed(BUILT) == set()
    assert good.materialize(alone, None, None).not_passed(BUILT) == set()


def test_only_the_days_that_were_written_are_materialized(good: Platform) -> None:
    good.sql(f"delete from ai_usage_raw.pulls where pull = 'claude_cost_report' and activity_date = '{DAY}'")
    outcome = good.run(only=COSTS.without_checks())
    assert DAY not in outcome.materialized["core/claude_costs"]
    assert NEXT in outcome.materialized["core/claude_costs"]
    assert "left as it was" in outcome.noted("core/claude_costs", DAY)["skipped"]


def test_what_is_not_configured_is_not_materialized(platform: Platform) -> None:
    outcome = platform.run({DAY: []}, only=whatever_makes("core/cursor_usage_events"))
    assert outcome.materialized == {}
    assert "CURSOR_ADMIN_API_KEY is not set" in outcome.noted("raw/cursor_usage_events", None)["skipped"]


def test_what_is_made_of_a_table_that_was_not_built_counts_as_not_built() -> None:
    builds = [
        Build("core/costs", [DAY, NEXT], 1),
        Build("core/owners", [None], 2),
        Build("marts/spend", [DAY, NEXT], 3, parents=("core/costs", "core/owners")),
        Build("marts/totals", [None], 4, parents=("marts/spend",)),
        Build("marts/others", [DAY], 5, parents=("core/others",)),
    ]

    def failed(at: int, why: str = "a defect") -> dict[tuple[str, date | None], str]:
        harmed = [Build(b.asset, b.days, b.began, why if n == at else "", b.parents) for n, b in enumerate(builds)]
        rows = build_rows(harmed).filter(build_rows(harmed)["failure"].is_not_null())
        return {
            (asset, day): failure for asset, day, failure in rows.select("asset", "activity_date", "failure").rows()
        }

    assert failed(at=9) == {}
    assert failed(at=4) == {("marts/others", DAY): "a defect"}
    of_spend = {("marts/spend", DAY), ("marts/spend", NEXT), ("marts/totals", None)}
    assert failed(at=0).keys() == of_spend | {("core/costs", DAY), ("core/costs", NEXT)}
    assert failed(at=1).keys() == of_spend | {("core/owners", None)}
    assert failed(at=1)["marts/totals", None] == "marts/spend was not built"


def test_of_two_builds_the_later_counts(platform: Platform) -> None:
    for began, failure in ((1, ""), (2, "a defect"), (3, "")):
        platform.warehouse.note_build(Build("core/costs", [DAY, NEXT], began, failure))
        platform.warehouse.keep_builds()
    platform.warehouse.note_build(Build("core/costs", [NEXT], 4))
    platform.warehouse.keep_builds()
    kept = platform.sql("select activity_date, built_from, failure from ai_usage_analytics.builds order by all")
    assert kept == [(DAY, f"{3:020d}", None), (NEXT, f"{4:020d}", None)]
