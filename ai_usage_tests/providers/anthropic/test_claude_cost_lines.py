"""The check that no cost line appears twice."""

from ai_usage_tests.mock_claude import DAY
from ai_usage_tests.platform import Platform

UNIQUE = "cost_lines_are_unique"
COSTS = "ai_usage_analytics.claude_costs"
FIRST = f"rowid = (select min(rowid) from {COSTS} where activity_date = '{DAY}')"


def test_a_line_twice_fails_its_day(good: Platform) -> None:
    good.sql(f"insert into {COSTS} from {COSTS} where {FIRST}")
    outcome = good.check(UNIQUE)
    assert outcome.not_passed(UNIQUE) == {DAY}
    assert "1 cost lines appear twice" in outcome.why(UNIQUE, DAY)


def test_an_ungrouped_total_among_the_lines_fails(good: Platform) -> None:
    good.sql(f"update {COSTS} set description = null, cost_type = null, model = null where {FIRST}")
    assert good.check(UNIQUE).not_passed(UNIQUE) == {DAY}


def test_equal_amounts_of_different_lines_are_not_twice_the_same(good: Platform) -> None:
    good.sql(f"update {COSTS} set amount_usd = 1, workspace_id = null, model = null, token_type = null")
    assert good.check(UNIQUE).not_passed(UNIQUE) == set()
