"""Google's rows are its usage times the published price of the day, and a bill has every kind of row."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price

from ai_usage.simulator import Simulator
from ai_usage.simulator.google_prices import VERTEX, Model
from ai_usage.simulator.google_uses import Use
from ai_usage_tests.simulator.conftest import NOW, Clock
from ai_usage_tests.simulator.google_client import GoogleClient, read

DAYS = [date(2025, 12, 3), date(2026, 2, 10), date(2026, 7, 15), date(2026, 11, 18)]
MONTH = [date(2026, 10, 1) + timedelta(days=n) for n in range(31)]
SEARCHES = 10


def published(model: Model, day: date, kind: str) -> Decimal:
    """The published price of a million tokens."""
    n = 100_000  # below the price of longer contexts
    names = {"cached": ("input_tokens", "cache_read_tokens"), "input": ("input_tokens",)}
    usage = dict.fromkeys(names.get(kind, ("output_tokens",)), n)
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    price = calc_price(Usage(**usage), model_ref=model.id, provider_id="google", genai_request_timestamp=at)
    return Decimal(price.total_price) * 10


def rows_by_sku(simulator: Simulator, day: date, use: Use) -> dict[str, Decimal]:
    """The cost of a use's hour by SKU, as first billed."""
    return {
        row.sku: row.usd
        for row in simulator.google_day(day).rows
        if (row.project_id, row.start, row.cost_type) == (use.project_id, use.hour, "regular")
    }


@pytest.mark.parametrize("day", DAYS)
def test_tokens_cost_the_published_price(google: GoogleClient, day: date) -> None:
    seen = set()
    for use in google.simulator.google_day(day).uses:
        if use.tier == "free_tier":
            continue
        costs = rows_by_sku(google.simulator, day, use)
        expected: dict[str, Decimal] = {}
        for kind, n in use.tokens.items():
            share = Decimal("0.5") if use.is_batch else 1
            sku = use.model.sku(use.api, kind, is_batch=use.is_batch)
            cost = n * published(use.model, day, kind) * share / 1_000_000
            expected[sku] = expected.get(sku, Decimal()) + cost
            seen.add((use.api, kind))
        assert {sku: costs[sku] for sku in expected} == expected
        if use.searches:
            at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
            one = calc_price(
                Usage(web_searches=SEARCHES),
                model_ref=use.model.id,
                provider_id="google",
                genai_request_timestamp=at,
            )
            assert costs["Grounding with Google Search"] * SEARCHES == use.searches * Decimal(one.total_price)
    assert (VERTEX, "thinking") in seen


def test_free_use_is_on_no_bill(google: GoogleClient) -> None:
    day = google.simulator.google_day(DAYS[-1])
    free = [use for use in day.uses if use.tier == "free_tier"]
    assert free
    assert not [row for row in day.rows if row.project_id == free[0].project_id]


def test_a_month_has_every_kind_of_row(google: GoogleClient) -> None:
    rows = [row for day in MONTH for row in google.simulator.google_day(day).rows]
    assert {row.cost_type for row in rows} == {"regular", "adjustment", "tax", "rounding_error"}
    assert {row.adjustment for row in rows} == {
        *(None, "PARTIAL_CORRECTION", "COMPLETE_NEGATION", "COMPLETE_NEGATION_WITH_REMONETIZATION"),
    }
    assert {credit.type for row in rows for credit in row.credits} == {"PROMOTION", "DISCOUNT"}
    assert all(credit.usd < 0 for row in rows for credit in row.credits)
    assert {row.seller for row in rows} == {"GOOGLE", "THIRD_PARTY_RESELLER"}
    assert {row.service.description for row in rows if row.project_id is None} == {
        *("Gemini for Google Cloud", "Invoice", "Gemini API"),
    }
    labeled = {label[0] for row in rows for label in row.labels}
    assert labeled == {"team", "user", "goog-generativelanguage-model"}
    assert [row for row in rows if "GPU" in row.sku]


def test_the_fee_is_that_of_the_licenses_that_are_paid_for(google: GoogleClient) -> None:
    day = google.simulator.google_day(date(2026, 11, 1))
    [fee] = [row for row in day.rows if row.subscription]
    [order] = [one for one in read(google.licenses("orders"))["orders"] if "Code Assist" in one["displayName"]]
    pool = read(google.licenses(f"orders/{order['name'].rpartition('/')[2]}/licensePool"))
    assert fee.usd == pool["totalLicenseCount"] * Decimal(19)
    licensed = sum(one.has_license(fee.start) for one in google.simulator.google_company.licensed)
    assert fee.amount % 5 == 0 <= fee.amount - licensed < 10
    assert fee.amount == pool["totalLicenseCount"]
    assert fee.start == datetime(2026, 11, 1, 7, tzinfo=UTC)
    assert fee.end == datetime(2026, 12, 1, 8, tzinfo=UTC), "midnight in California, in summer and in winter"


def test_the_tax_is_a_share_of_the_month(google: GoogleClient) -> None:
    days = [google.simulator.google_day(day) for day in MONTH]
    [tax] = [row for row in days[0].rows if row.cost_type == "tax"]
    rounding = Decimal("0.0035")
    assert tax.usd == ((sum(day.net_usd for day in days) - rounding) * Decimal("0.08")).quantize(Decimal("0.01"))


def test_volumes_are_modest_and_money_is_worth_looking_at(google: GoogleClient) -> None:
    for day in MONTH:
        known = google.simulator.google_day(day)
        assert 20 < len(known.rows) < 50
        assert len(known.activities) < 150
        assert 20 < known.net_usd < (500 if day.day == 1 else 150)


def test_nothing_is_known_of_the_future_nor_of_the_time_before(google: GoogleClient, running_clock: Clock) -> None:
    assert google.simulator.google_day(date(2025, 8, 31)).rows == ()
    running_clock.at = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
    known = google.simulator.google_day(date(2026, 11, 18))
    assert known.uses
    assert {use.ended_at <= running_clock.at for use in known.uses} == {True}
    assert {row.exported_at <= running_clock.at for row in known.rows} == {True}
    assert google.simulator.google_day(date(2026, 11, 19)).uses == ()


@pytest.mark.usefixtures("_worlds_of_their_own")
def test_another_seed_is_another_account_and_the_same_seed_the_same() -> None:
    first, same, other = (Simulator(seed=seed, now=NOW) for seed in (7, 7, 8))
    assert first.google_day(DAYS[-1]) == same.google_day(DAYS[-1])
    assert first.google_day(DAYS[-1]).rows != other.google_day(DAYS[-1]).rows
    assert first.google_company.table != other.google_company.table
