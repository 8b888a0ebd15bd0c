"""The ledger separates accounts: each has its own versions of a day, and none hides another's."""

from datetime import date
from decimal import Decimal

from ai_usage.ingest.ledger_writes import held
from ai_usage.ingest.rejections import RECORD_REJECTIONS, keep_rejections
from ai_usage.partitions import Span
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine
from ai_usage.providers.anthropic.rows.lists import NO_ORGANIZATION
from ai_usage.providers.anthropic.rows.usage_and_cost import cost_rows
from ai_usage.providers.anthropic.tables import CLAUDE_COSTS
from ai_usage.warehouse.ledger import Version
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform
from ai_usage_tests.warehouse.writing import PULL, answer

EU, US = "eu", "us"
BOTH = Span(DAY, NEXT)


def append(platform: Platform, account: str, day: date | None, *cents: str) -> Version:
    [version] = platform.warehouse.append(PULL, [answer(day, *cents, account=account)])
    return version


def newest(platform: Platform, span: Span | None = BOTH) -> list[tuple[str, date | None, int]]:
    records = platform.warehouse.newest(PULL, span)
    amounts = [int(line.amount) for line in records.decode(CostLine)]
    found = records.lines.select("account", "activity_date").rows()
    return [(account, day, cents) for (account, day), cents in zip(found, amounts, strict=True)]


def test_each_account_has_its_own_newest_version_of_a_day(platform: Platform) -> None:
    append(platform, EU, DAY, "1")
    append(platform, US, DAY, "2")
    append(platform, EU, DAY, "3")
    assert newest(platform) == [(EU, DAY, 3), (US, DAY, 2)]
    versions = platform.warehouse.newest(PULL, BOTH).versions
    assert versions.select("account", "records").rows() == [(EU, 1), (US, 1)]
    assert [v["account"] for v in platform.warehouse.versions(PULL, BOTH).versions.to_dicts()] == [EU, EU, US]
    assert platform.warehouse.pulled_days(PULL, account=US) == platform.warehouse.pulled_days(PULL) == [DAY]
    assert platform.warehouse.pulled_days(PULL, account="none") == []


def test_equal_content_of_another_account_is_new_there(platform: Platform) -> None:
    first, other = append(platform, EU, DAY, "1"), append(platform, US, DAY, "1")
    assert (first.is_new, other.is_new) == (True, True)
    assert not append(platform, US, DAY, "1").is_new
    assert newest(platform) == [(EU, DAY, 1), (US, DAY, 1)]


def test_an_answer_that_comes_late_is_older_than_its_own_accounts_alone(platform: Platform) -> None:
    before = platform.warehouse.now()
    append(platform, EU, DAY, "1")
    late = answer(DAY, "2", account=US, asked_at=before)
    [version] = platform.warehouse.append(PULL, [late])
    assert version.is_newest
    assert newest(platform) == [(EU, DAY, 1), (US, DAY, 2)]


def test_snapshots_of_accounts_come_together_and_as_of_each_its_own(platform: Platform) -> None:
    append(platform, EU, None, "1")
    second = append(platform, US, None, "2")
    append(platform, EU, None, "3")
    assert newest(platform, None) == [(EU, None, 3), (US, None, 2)]
    before = platform.warehouse.newest(PULL, None, as_of=second.pulled_at)
    assert [line.amount for line in before.decode(CostLine)] == [1, 2]
    assert platform.warehouse.history(PULL).versions["account"].to_list() == [EU, US, EU]


def test_what_is_held_of_an_account_is_its_own(platform: Platform) -> None:
    append(platform, EU, DAY, "1")
    append(platform, US, DAY, "2")
    [of_us] = held(platform.warehouse, PULL, BOTH, US)
    assert (of_us.account, b'"2"' in of_us.records[0]) == (US, True)


def test_an_account_that_was_not_pulled_keeps_its_rows_and_rejections(platform: Platform) -> None:
    append(platform, EU, DAY, "100", "bad")
    append(platform, US, DAY, "200", "worse")
    build(platform)
    platform.sql(f"delete from ai_usage_raw.pulls where account = '{US}'")
    append(platform, EU, DAY)
    build(platform)
    costs = platform.sql("select account, amount_usd from ai_usage_analytics.claude_costs")
    assert costs == [(US, Decimal(2))]
    assert platform.sql(f"select account from {RECORD_REJECTIONS.address}") == [(US,)]


def build(platform: Platform) -> None:
    """The work of a core asset on each account's records, without a run."""
    for account, part in platform.warehouse.newest(PULL, BOTH).by_account().items():
        rows = cost_rows(part, NO_ORGANIZATION)
        platform.warehouse.replace_days(CLAUDE_COSTS, part.days, rows, of={"account": account})
        keep_rejections(platform.warehouse, part)
