"""The raw ledger keeps everything: versions, empty days, and which version was current at which instant."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import polars as pl

from ai_usage.partitions import ONE_DAY, Span
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine
from ai_usage.providers.anthropic.rows.lists import Organization
from ai_usage.providers.anthropic.rows.usage_and_cost import cost_rows
from ai_usage.providers.anthropic.tables import CLAUDE_COSTS
from ai_usage.warehouse.ledger import Answer, Version, new_pull_id
from ai_usage_tests.mock_claude import DAY, NEXT
from ai_usage_tests.platform import Platform
from ai_usage_tests.warehouse.writing import PULL, answer

BOTH = Span(DAY, NEXT)


def append(platform: Platform, *answers: Answer) -> list[Version]:
    return platform.warehouse.append(PULL, answers)


def rebuild(platform: Platform, span: Span = BOTH) -> None:
    """The work of core/claude_costs, without a run."""
    newest = platform.warehouse.newest(PULL, span)
    rows = cost_rows(newest, Organization("org-1", {None: "Default"}))
    platform.warehouse.replace_days(CLAUDE_COSTS, newest.days, rows)


def in_core(platform: Platform) -> dict[date, Decimal]:
    return platform.dollars("claude_costs", "amount_usd")


def counts(platform: Platform) -> tuple[int, int]:
    """Records and pulls in the ledger."""
    [(records, pulls)] = platform.sql(
        f"select (select count(*) from ai_usage_raw.{PULL}), (select count(*) from ai_usage_raw.pulls)"
    )
    return records, pulls


def test_records_stay_as_the_provider_sent_them(platform: Platform) -> None:
    append(platform, answer(DAY, "1.50", "1e1"))
    assert platform.warehouse.newest(PULL, BOTH).lines["record"].to_list() == [
        '{"currency": "USD", "amount": "1.50", "workspace_id": null, "novel": [1, {}]}',
        '{"currency": "USD", "amount": "1e1", "workspace_id": null, "novel": [1, {}]}',
    ]


def test_a_restatement_keeps_the_version_before(platform: Platform) -> None:
    [first] = append(platform, answer(DAY, "1000"))
    rebuild(platform)
    [second] = append(platform, answer(DAY, "900"))
    rebuild(platform)
    assert in_core(platform) == {DAY: Decimal(9)}
    assert platform.cents(DAY) == platform.cents(DAY, as_of=second.pulled_at) == [900]
    assert platform.cents(DAY, as_of=first.pulled_at) == [1000]
    assert (first.is_new, second.is_new) == (True, True)
    before = first.pulled_at.replace(year=2025)
    assert platform.warehouse.newest(PULL, BOTH, as_of=before).versions.is_empty()
    stamps = platform.sql("select distinct pull_id, ingestion_timestamp from ai_usage_analytics.claude_costs")
    assert stamps == [(second.pull_id, second.pulled_at)]


def test_equal_content_in_any_order_adds_only_the_pulls_row(platform: Platform) -> None:
    [first] = append(platform, answer(DAY, "1", "2", "2"))
    [again] = append(platform, answer(DAY, "2", "1", "2"))
    assert counts(platform) == (3, 2)
    assert not again.is_new
    newest = platform.warehouse.newest(PULL, BOTH)
    assert newest.versions["pull_id"].to_list() == [first.pull_id]
    assert newest.versions["pulled_at"].to_list() == [first.pulled_at]
    append(platform, answer(DAY, "2", "1"))
    assert counts(platform) == (5, 3)


def test_a_return_to_an_older_version_is_a_version_too(platform: Platform) -> None:
    for cents in ("1", "2", "1"):
        append(platform, answer(DAY, cents))
    assert platform.cents(DAY) == [1]
    assert counts(platform) == (3, 3)


def test_an_empty_day_is_a_pull_of_no_records(platform: Platform) -> None:
    append(platform, answer(DAY), answer(NEXT, "1"))
    rebuild(platform)
    assert platform.warehouse.pulled_days(PULL) == [DAY, NEXT]
    assert in_core(platform) == {NEXT: Decimal("0.01")}


def test_core_deletes_what_the_provider_withdrew_and_leaves_days_never_pulled_alone(platform: Platform) -> None:
    append(platform, answer(DAY, "100", "50"), answer(NEXT, "1"))
    rebuild(platform)
    platform.sql("delete from ai_usage_raw.pulls where activity_date = '2026-11-11'")
    append(platform, answer(DAY, "50"))
    rebuild(platform)
    assert in_core(platform) == {DAY: Decimal("0.5"), NEXT: Decimal("0.01")}
    append(platform, answer(DAY))
    rebuild(platform)
    assert in_core(platform) == {NEXT: Decimal("0.01")}


def test_records_without_their_pulls_row_do_not_count(platform: Platform) -> None:
    append(platform, answer(DAY, "1"))
    platform.sql(f"insert into ai_usage_raw.{PULL} values ('orphan', 'default', '{DAY}', 0, '{{}}')")
    assert platform.cents(DAY) == [1]


def test_days_of_one_answer_become_versions_each_for_itself(platform: Platform) -> None:
    append(platform, answer(DAY, "1"), answer(NEXT, "1"))
    assert [v.is_new for v in append(platform, answer(DAY, "1"), answer(NEXT, "2"))] == [False, True]
    assert [*platform.cents(DAY), *platform.cents(NEXT)] == [1, 2]


def test_snapshots_are_versions_without_a_day(platform: Platform) -> None:
    for cents in ("1", "1", "2"):
        append(platform, answer(None, cents))
    append(platform, answer(DAY, "3"))
    newest = platform.warehouse.newest(PULL, None)
    assert [line.amount for line in newest.decode(CostLine)] == [2]
    assert (newest.days, platform.warehouse.pulled_days(PULL)) == ([], [DAY])


def test_every_version_of_a_day_that_brought_something_new_can_be_read_again(platform: Platform) -> None:
    versions = [("1", "2"), ("2", "1"), ("3",), (), ("1", "2")]
    pulls = [append(platform, answer(DAY, *cents), answer(None, "9"))[0] for cents in versions]
    [other] = append(platform, answer(NEXT, "7"))
    append(platform, answer(NEXT + ONE_DAY, "8"))
    found = platform.warehouse.versions(PULL, BOTH)
    new = [pulls[0], *pulls[2:], other]
    assert found.versions.select("activity_date", "pull_id", "pulled_at", "records").rows() == [
        (v.day, v.pull_id, v.pulled_at, v.records) for v in new
    ]
    lines = found.lines.with_columns(cents=pl.Series(line.amount for line in found.decode(CostLine)).cast(pl.Int64))
    assert lines.select("activity_date", "pull_id", "ingestion_timestamp", "cents").rows() == [
        (v.day, v.pull_id, v.pulled_at, cents)
        for v, cents in ((pulls[0], 1), (pulls[0], 2), (pulls[2], 3), (pulls[4], 1), (pulls[4], 2), (other, 7))
    ]
    assert platform.warehouse.versions(PULL, Span(DAY - ONE_DAY, DAY - ONE_DAY)).versions.is_empty()


def test_an_unreadable_record_is_identified_by_day_and_position_and_affects_no_other(platform: Platform) -> None:
    append(platform, answer(DAY, "1"), answer(NEXT, "7", "1.5.3", "8"))
    records = platform.warehouse.newest(PULL, BOTH)
    read = records.read(CostLine)
    assert [line.amount for line in read.values] == [1, 7, 8]
    assert read.days.to_list() == [DAY, NEXT, NEXT]
    assert [(r.activity_date, r.position, r.field) for r in records.rejections] == [(NEXT, 1, "amount")]
    assert read.lines["pull_id"][2] == records.rejections[0].pull_id


def test_pull_ids_sort_as_they_were_made() -> None:
    ids: Sequence[str] = [new_pull_id() for _ in range(50)]
    assert [i[:20] for i in ids] == sorted(i[:20] for i in ids)
    assert len(set(ids)) == 50
