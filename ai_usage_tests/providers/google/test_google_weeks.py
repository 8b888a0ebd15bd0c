"""Weeks at the built-in Google, from the billing export to ai_spend: the cost of each project, model, team and person
is the true one, billed in dollars or in euros, and a query reads only the partitions of its days.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.accounts import Account
from ai_usage.ingest.days import Answers, LeftOut
from ai_usage.ingest.http.errors import BadRequest, NotFound
from ai_usage.partitions import Span
from ai_usage.providers.google.client import GoogleCloud
from ai_usage.providers.google.provider import GOOGLE
from ai_usage.providers.google.resource import open_client
from ai_usage.providers.summary import Shares
from ai_usage.settings import settings
from ai_usage.simulator import GoogleOffer, Simulator
from ai_usage.simulator.google_uses import BillRow
from ai_usage_tests.platform import Platform, of_others_than, platform_in, whatever_makes

WEEKS = Span(date(2026, 10, 1), date(2026, 11, 19))
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
A = "ai_usage_analytics"
MADE = whatever_makes(
    "marts/gemini_attributed_costs", "marts/ai_spend", "core/gemini_daily_cost", "core/spend_versions"
) - of_others_than("google")

Money = dict[Any, Decimal]


@dataclass(frozen=True)
class Weeks:
    platform: Platform
    truth: Simulator

    def built(self, column: str, table: str = "gemini_attributed_costs", amount: str = "amount_usd") -> Money:
        """A table's sums by a column."""
        return dict(self.platform.sql(f"select {column}, sum({amount}) from {A}.{table} group by all"))

    def rows(self) -> list[BillRow]:
        """Each true row of spend on AI, for all days."""
        return [row for day in WEEKS.days for row in self.truth.google_day(day).ai_rows]

    def true(self, of: Callable[[BillRow], str | None], usd: Callable[[BillRow], Decimal]) -> Money:
        """The true sums, grouped by the result of `of` for each row."""
        sums: Money = {}
        for row in self.rows():
            sums[of(row)] = sums.get(of(row), Decimal()) + usd(row)
        return sums


def cloud_of(simulator: Simulator, **options: str) -> GoogleCloud:
    [given] = simulator.accounts["google"]
    names = given.credentials | options
    account = Account("google", given.name, names, given.base_url, given.options, is_simulated=True)
    return replace(open_client(account, settings()), now=lambda: NOW)


def lived(folder: Path, currency: str) -> Weeks:
    platform = platform_in(folder)
    with (
        Simulator(now=NOW, google=GoogleOffer(currency=currency)) as simulator,
        closing(cloud_of(simulator)) as cloud,
    ):
        outcome = platform.materialize(MADE, WEEKS, None, google_cloud=cloud)
        assert outcome.result.success
        asked = [request.path for request in simulator.requests if request.path.endswith("/jobs")]
        assert len(asked) == 1, "fifty days fit into one query"
    return Weeks(platform, simulator)


@pytest.fixture(scope="module")
def in_dollars(tmp_path_factory: pytest.TempPathFactory) -> Weeks:
    return lived(tmp_path_factory.mktemp("dollars"), "USD")


@pytest.fixture(scope="module")
def in_euros(tmp_path_factory: pytest.TempPathFactory) -> Weeks:
    return lived(tmp_path_factory.mktemp("euros"), "EUR")


@pytest.mark.parametrize(
    ("column", "of"), [("project_id", lambda row: row.project_id), ("sku_name", lambda row: row.sku)]
)
def test_the_money_of_each_project_and_sku_is_the_truth(
    in_dollars: Weeks, column: str, of: Callable[[BillRow], str | None]
) -> None:
    true = in_dollars.true(of, lambda row: row.net_usd)
    assert len(true) > 3
    assert in_dollars.built(column) == true


def test_credits_are_rows_of_their_own_and_ai_spend_has_the_sum(in_dollars: Weeks) -> None:
    credited = sum((row.credits_usd for row in in_dollars.rows()), Decimal())
    assert in_dollars.built("charge_type")["credit"] == credited
    assert credited < 0
    whole = sum((row.net_usd for row in in_dollars.rows()), Decimal())
    by_provider = in_dollars.built("provider", "ai_spend", "billed_usd")
    assert by_provider["google"] == whole


def test_taxes_and_machines_are_kept_and_not_in_ai_spend(in_dollars: Weeks) -> None:
    days = [in_dollars.truth.google_day(day) for day in WEEKS.days]
    tax = sum((row.usd for day in days for row in day.rows if row.cost_type == "tax"), Decimal())
    assert tax > 0
    [(taxes, other)] = in_dollars.platform.sql(f"select sum(tax_usd), sum(other_usd) from {A}.gemini_invoices")
    assert taxes == tax
    machines = sum((row.net_usd for day in days for row in day.rows if "GPU" in row.sku), Decimal())
    assert other == machines > 0


def test_most_of_the_money_has_a_model_and_tokens_are_counted(in_dollars: Weeks) -> None:
    models = in_dollars.built("model")
    named = sum((usd for model, usd in models.items() if model), Decimal())
    rest = {name: usd for name, usd in in_dollars.built("meter").items() if name in ("seat", "web_search")}
    assert named + sum(rest.values()) >= Decimal("0.99") * sum(models.values())
    true = in_dollars.true(lambda row: None, lambda row: row.amount if "oken" in row.sku else Decimal())
    counted = in_dollars.platform.sql(
        f"select sum(quantity) from {A}.gemini_attributed_costs where unit = 'tokens' and sku_name like '%oken%'"
    )
    assert counted == [(true[None],)]


def test_in_euros_the_same_money_is_there_in_both_currencies(in_dollars: Weeks, in_euros: Weeks) -> None:
    assert in_euros.built("billed_currency", amount="billed_amount").keys() == {"EUR"}
    for column in ("project_id", "platform", "activity_date"):
        dollars, converted = in_dollars.built(column), in_euros.built(column)
        assert dollars.keys() == converted.keys()
        assert all(abs(dollars[name] - converted[name]) < Decimal("0.000001") for name in dollars), column
    month = "date_trunc('month', activity_date)::date"
    found = in_euros.platform.sql(f"select {month}, max(usd_rate) from {A}.gemini_costs group by 1")
    rates: Mapping[date, Decimal] = dict(found)
    assert len(set(rates.values())) == 2, "a rate a month"
    euros = in_euros.built(month, amount="billed_amount")
    dollars = in_dollars.built(month)
    assert {of: euros[of] - dollars[of] * rate for of, rate in rates.items()} == dict.fromkeys(rates, 0)


def test_the_providers_own_checks_pass(in_euros: Weeks) -> None:
    names = ("gemini_costs_equal_export", "every_google_sku_is_known", "gemini_prices_are_published")
    for name in (*names, "expenses_equal_costs", "revisions_are_recorded"):
        outcome = in_euros.platform.check(name, WEEKS)
        assert outcome.checks_not_passed() == set(), name
    prices = in_euros.platform.check("gemini_prices_are_published", WEEKS)
    assert "SKUs at list prices." in prices.why("gemini_prices_are_published", WEEKS.last, "gemini_costs")


def test_a_query_reads_the_partitions_of_its_days_alone() -> None:
    """BigQuery would bill a week's partitions for a week's days, and nothing for a column that is not used."""
    with Simulator(now=NOW) as simulator, closing(cloud_of(simulator)) as cloud:
        week = read(cloud, Span(date(2026, 11, 13), date(2026, 11, 19)))
        month = read(cloud, Span(date(2026, 10, 21), date(2026, 11, 19)))
        year = read(cloud, Span(date(2025, 11, 20), date(2026, 11, 19)))
        detailed = cloud_of(simulator, billing_table=simulator.google_company.detailed_table)
        assert read(detailed, Span(date(2026, 11, 13), date(2026, 11, 19))) == week
        detailed.close()
    assert week < month < year
    assert week * 3 < month * 1.2
    assert week * 20 < year


def read(cloud: GoogleCloud, span: Span) -> int:
    return max(int(answer.envelope["bytes_processed"]) for answer in cloud.billing(span))


def test_a_query_beyond_the_cap_is_refused_and_names_the_setting() -> None:
    with (
        Simulator(now=NOW) as simulator,
        closing(replace(cloud_of(simulator), max_bytes_billed=1_000)) as cloud,
        pytest.raises(BadRequest, match="BIGQUERY_MAX_BYTES_BILLED allows"),
    ):
        cloud.billing(Span(date(2026, 11, 13), date(2026, 11, 19)))


def test_a_copy_and_the_detailed_table_have_the_same_money() -> None:
    span = Span(date(2026, 11, 1), date(2026, 11, 7))
    with Simulator(now=NOW) as simulator:
        company = simulator.google_company
        found = []
        for table in (company.table, company.detailed_table, company.copy):
            with closing(cloud_of(simulator, billing_table=table)) as cloud:
                found.append([sorted(answer.records) for answer in cloud.billing(span)])
    assert found[0] == found[1] == found[2]
    assert sum(map(len, found[0])) > 100


def test_before_the_export_began_nothing_is_known_and_before_it_exists_nothing_is_asked() -> None:
    since = datetime(2026, 11, 10, 9, tzinfo=UTC)
    with Simulator(now=NOW, google=GoogleOffer(export_since=since)) as simulator, closing(cloud_of(simulator)) as cloud:
        answers = cloud.billing(Span(date(2026, 11, 8), date(2026, 11, 12)))
        assert isinstance(answers, Answers)
        assert [left.day for left in answers.left_out if isinstance(left, LeftOut)] == [
            day for day in (date(2026, 11, 8), date(2026, 11, 9)) if day not in {answer.day for answer in answers}
        ]
        assert {date(2026, 11, 10), date(2026, 11, 11), date(2026, 11, 12)} <= {answer.day for answer in answers}
    early = GoogleOffer(export_since=NOW + timedelta(days=1))
    with Simulator(now=NOW, google=early) as simulator, closing(cloud_of(simulator)) as cloud:
        with pytest.raises(NotFound, match="Cloud Billing creates the table some hours after"):
            cloud.billing(Span(date(2026, 11, 8), date(2026, 11, 12)))
        assert not any(request.path.endswith("/jobs") for request in simulator.requests)


def test_doctor_reads_the_built_in_export() -> None:
    with Simulator(now=NOW) as simulator, closing(cloud_of(simulator)) as cloud:
        [key] = [key for key in GOOGLE.probe.keys if key.opens(cloud, "gemini_billing")]
        assert simulator.google_company.table in (key.ask(cloud) or "")


def test_the_demo_s_summary_has_each_part_of_the_bill(in_dollars: Weeks) -> None:
    with in_dollars.platform.warehouse.connected():
        cost, parts, tokens, shares = GOOGLE.summary(in_dollars.platform.warehouse, WEEKS)
        assert GOOGLE.summary(in_dollars.platform.warehouse, Span(date(2026, 9, 1), date(2026, 9, 2))) == ()
    whole = sum((row.net_usd for row in in_dollars.rows()), Decimal())
    assert cost == f"[bold]Google[/] ${whole:,.2f}"
    credited = sum((row.credits_usd for row in in_dollars.rows()), Decimal())
    assert f"credits ${credited:,.2f} ·" in str(parts)
    assert "input" in str(tokens)
    assert isinstance(shares, Shares)
    rows = {row["label"]: row["cost_usd"] for row in shares.rows}
    assert sum(rows.values()) == shares.total_usd == whole
    assert "Code Assist seats" in rows
