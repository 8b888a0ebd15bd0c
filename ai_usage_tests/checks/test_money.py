"""The checks of costs that apply to every provider."""

from datetime import timedelta

from ai_usage_tests.mock_claude import DAY, DAYS, NEXT
from ai_usage_tests.platform import Platform

KNOWN = "every_provider_is_known"


def test_one_row_of_a_provider_that_the_registry_lacks_fails_its_day_by_name(good: Platform) -> None:
    assert good.check(KNOWN).not_passed(KNOWN) == set()
    columns = {name: of for name, of in ROW.items() if name != "spend_date"}
    good.sql(
        f"insert into ai_usage_analytics.ai_spend (spend_date, {', '.join(columns)}) "
        f"values (date '{NEXT}', {', '.join(columns.values())})"
    )
    outcome = good.check(KNOWN)
    assert outcome.not_passed(KNOWN) == {NEXT}
    assert "github (1 rows, 4.2" in outcome.why(KNOWN, NEXT, "ai_spend")
    assert DAY < NEXT < DAYS[-1] + timedelta(days=1)


ROW = {
    "spend_date": "",
    "provider": "'github'",
    "platform": "'copilot'",
    "billing_account_id": "'org-2'",
    "meter": "'output_tokens'",
    "charge_type": "'usage'",
    "billed_usd": "4.2",
    "attribution_method": "'unattributed'",
    "status": "'provisional'",
}
