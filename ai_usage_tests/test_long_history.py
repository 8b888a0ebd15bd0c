"""A long history of an organization with known true costs of every key, person, team and platform.

Its first months are before the analytics API, so costs are allocated by tokens; the others are in that API. It is
pulled and shaped by the platform's own functions, without Dagster: Dagster's partitions begin later in these tests.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import dagster as dg
import pytest

from ai_usage.marts.build_days import rebuild_days
from ai_usage.marts.files import marts
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import tables
from ai_usage.providers.anthropic.assets import organization_of
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.endpoints import COST_GROUPS, USAGE_GROUPS
from ai_usage.providers.anthropic.people import emails_of_users
from ai_usage.providers.anthropic.rows import analytics, claude_code, usage_and_cost
from ai_usage.settings import settings
from ai_usage.simulator import Simulator
from ai_usage.simulator.claude_uses import Charge
from ai_usage_tests.built_in import built_in
from ai_usage_tests.platform import Platform, platform_in

MONTHS = Span(date(2025, 10, 1), date(2026, 5, 31))
MEASURED_SINCE = date(2026, 1, 1)
CLAUDE_MARTS = ("claude_cost_shares", "claude_attributed_costs", "claude_expenses", "api_usage_expenses", "ai_spend")
# The inputs of these besides core.
BEFORE = ("claude_usage_by_line", "claude_priced_tiers", "claude_allocated_shares")
NANO = Decimal("0.000000001")
PLATFORMS = {
    "claude_code": "claude_code",
    "claude_console": "workbench",
    "messages_api": "claude_api",
    "message_batches_api": "claude_api",
    "managed_agents_api": "claude_api",
}

Share = tuple[date, str | None]


@dataclass(frozen=True)
class Truth:
    """The true owners and teams, read from the simulated organization and from its sheet."""

    of: Simulator
    owners: dict[str, tuple[str, str]]  # key → e-mail, team
    teams: dict[str, str]  # e-mail → team

    @classmethod
    def read(cls, of: Simulator) -> "Truth":
        good = [row.values for row in of.sheet.good if row.tab == "api_key_mapping"]
        owners = {str(row["api_key_id"]): (str(row["user_email"]), str(row["team_name"])) for row in good}
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for email, team in owners.values():
            counts[email][team] += 1
        return cls(of, owners, {email: min(n, key=lambda t: (-n[t], t)) for email, n in counts.items()})

    def charges(self, day: date) -> Iterator[tuple[str | None, str | None, str | None, str, Decimal]]:
        """Key, person, team, platform and USD of every charge."""
        for charge in self.of.day(day).charges:
            is_measured = day >= MEASURED_SINCE
            key = charge.use.api_key_id if is_measured or charge.cost_type in {"tokens", "web_search"} else None
            platform = PLATFORMS[charge.use.product]
            if not is_measured and charge.cost_type not in {"tokens", "web_search"}:
                platform = "unsegmented"
            email, team = self._payer(charge, key, is_measured=is_measured)
            yield key, email, team, platform, charge.cents / 100

    def _payer(self, charge: Charge, key: str | None, *, is_measured: bool) -> tuple[str | None, str | None]:
        kind, actor = charge.use.actor
        organization, now = self.of.organization, self.of.now()
        if kind == "user_actor" and (is_measured or (key is None and charge.use.product == "claude_code")):
            person = organization.person(actor)
            if not (is_measured and person.gone(now)):
                return person.email, self.teams.get(person.email)
        if key in self.owners:
            return self.owners[key]
        maker = next((k.created_by for k in organization.api_keys if k.id == key), None)
        if maker and maker.startswith("user_") and not organization.person(maker).gone(now):
            email = organization.person(maker).email
            return email, self.teams.get(email)
        return None, None


@dataclass(frozen=True)
class History:
    platform: Platform
    truth: Truth


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    platform = platform_in(tmp_path_factory.mktemp("months"))
    of = replace(settings(), simulate=True)
    with built_in(of, "anthropic") as (admin, sheet), platform.warehouse.connected():
        people = dg.AssetSelection.assets("core/dim_api_key_mapping", "core/dim_person", "core/dim_workspace")
        lists = people.upstream() | dg.AssetSelection.assets("raw/claude_organization")
        assert platform.materialize(lists.without_checks(), None, admin, None, sheet).result.success
        truth = Truth.read(Simulator(now=of.now()))  # while the simulator still has the days that the sheet sums up
        fill(platform, admin[0])
        for mart in marts():
            if mart.table.name in (*BEFORE, *CLAUDE_MARTS):
                rebuild_days(platform.warehouse, replace(mart, blocked_by=()), MONTHS)
    return History(platform, truth)


def fill(platform: Platform, admin: ClaudeAdmin) -> None:
    """Raw and core of Claude's costs, over all months."""
    warehouse = platform.warehouse
    organization = organization_of(warehouse, "default")
    assert organization is not None
    emails = emails_of_users(warehouse)
    for span in MONTHS.cut(at_most=31):
        warehouse.append("claude_cost_report", admin.cost_report(span, group_by=COST_GROUPS))
        warehouse.append("claude_messages_usage", admin.messages_usage(span, group_by=USAGE_GROUPS))
        warehouse.append("claude_code_usage", admin.claude_code(span.days))
        if span.last >= MEASURED_SINCE:
            measured_days = Span(max(span.first, MEASURED_SINCE), span.last)
            warehouse.append("claude_analytics_cost", admin.analytics_cost(measured_days))
            newest = warehouse.newest("claude_analytics_cost", measured_days)
            warehouse.replace_days(
                tables.CLAUDE_ANALYTICS_COSTS,
                measured_days.days,
                analytics.analytics_cost_rows(newest, organization, emails),
            )
        for table, pull, shape in (
            (tables.CLAUDE_COSTS, "claude_cost_report", usage_and_cost.cost_rows),
            (tables.CLAUDE_USAGE_TOKENS, "claude_messages_usage", usage_and_cost.usage_rows),
            (tables.CLAUDE_CODE_MODEL_USAGE, "claude_code_usage", claude_code.code_model_rows),
        ):
            warehouse.replace_days(table, span.days, shape(warehouse.newest(pull, span), organization))


def sums(history: History, column: str, where: str = "true") -> dict[Share, tuple[Decimal, int]]:
    """(day, name) → the sum in claude_attributed_costs, and its number of rows."""
    found = history.platform.sql(
        f"""select expense_date, {column}, sum(cost_usd), count(*)
        from ai_usage_analytics.claude_attributed_costs where is_in_cost_report and {where} group by all"""
    )
    return {(day, name): (usd, n) for day, name, usd, n in found}


@pytest.fixture(scope="module")
def truths(history: History) -> dict[str, dict[Share, Decimal]]:
    """Dimension → (day, name) → the true USD."""
    found: dict[str, dict[Share, Decimal]] = {
        name: defaultdict(Decimal) for name in ("api_key_id", "user_email", "team_name", "platform")
    }
    for day in MONTHS.days:
        for *names, usd in history.truth.charges(day):
            for by, name in zip(found.values(), names, strict=True):
                by[day, name] += usd
    return found


@pytest.mark.parametrize("dimension", ["api_key_id", "user_email", "team_name", "platform"])
def test_everybodys_money_is_the_truth_each_day(
    history: History, truths: dict[str, dict[Share, Decimal]], dimension: str
) -> None:
    """To the last of nine digits where the cost is measured; where it is allocated, within a nano-dollar per row."""
    truth, got = truths[dimension], sums(history, dimension)
    nothing = (Decimal(), 0)
    apart = {s: abs(truth.get(s, Decimal()) - got.get(s, nothing)[0]) for s in truth.keys() | got.keys()}
    assert {s: (truth.get(s), got.get(s)) for s in apart if apart[s] > NANO * got.get(s, nothing)[1]} == {}
    measured = [share for share in truth if share[0] >= MEASURED_SINCE and truth[share] % NANO == 0]
    assert {s: (truth[s], got[s]) for s in measured if apart[s]} == {}
    assert len(measured) > len([share for share in truth if share[0] >= MEASURED_SINCE]) / 2
    assert len({name for _, name in truth}) > 3


def test_the_methods_are_what_was_known_then(history: History) -> None:
    methods = history.platform.sql(
        f"""select expense_date >= '{MEASURED_SINCE}' as is_measured, allocation_method, count(*)
        from ai_usage_analytics.claude_attributed_costs group by all"""
    )
    assert {(is_measured, method) for is_measured, method, _ in methods} == {
        (True, "measured"),
        (False, "tokens"),
        (False, "requests"),
        (False, "none"),
    }


def test_every_days_shares_are_the_whole_to_the_last_digit(history: History) -> None:
    for table in CLAUDE_MARTS[:3]:
        lost = history.platform.sql(
            f"""select day, a.usd, b.usd from
            (select activity_date as day, sum(amount_usd) as usd from ai_usage_analytics.claude_costs group by 1) as a
            full join (select expense_date as day, sum(cost_usd) as usd from ai_usage_analytics.{table} group by 1) as b
            using (day) where a.usd is distinct from b.usd"""
        )
        assert lost == []
