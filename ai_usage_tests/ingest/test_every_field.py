"""Every field of every record that a provider sends, absent, null, of each other JSON type, unknown, negative, huge:
the record is read correctly, or only this record is rejected, with a reason that names the field.

The variants are generated from the records' definitions (`variants`), so a new field is covered as soon as it is
defined.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import msgspec
import polars as pl
import pytest

from ai_usage.ingest.drift import drift
from ai_usage.providers.anthropic import tables as claude_tables
from ai_usage.providers.anthropic.audit_log.records import AuditEvent
from ai_usage.providers.anthropic.audit_log.tables import AUDIT_LOG
from ai_usage.providers.anthropic.claude_ai_usage import claude_usage_rows
from ai_usage.providers.anthropic.keys import keys_of
from ai_usage.providers.anthropic.records.analytics import AnalyticsCost, AnalyticsUsage
from ai_usage.providers.anthropic.records.claude_code import CodeRecord
from ai_usage.providers.anthropic.records.enterprise_users import EnterpriseUser
from ai_usage.providers.anthropic.records.lists import ApiKey, Organization, SpendLimit, User, Workspace
from ai_usage.providers.anthropic.records.usage_and_cost import CostLine, UsageLine
from ai_usage.providers.anthropic.rows import analytics, claude_code, lists, usage_and_cost
from ai_usage.providers.anthropic.spend_limits import limit_rows
from ai_usage.providers.cursor import records as cursor
from ai_usage.providers.cursor import rows as cursor_rows
from ai_usage.providers.cursor import tables as cursor_tables
from ai_usage.providers.cursor.plans import Plan
from ai_usage.providers.cursor.spend import growths, snapshots, spend_rows
from ai_usage.providers.google import tables as google_tables
from ai_usage.providers.google.billed_services import Services
from ai_usage.providers.google.code_assist.records import LogEntry
from ai_usage.providers.google.code_assist.rows import activity_rows
from ai_usage.providers.google.licenses.people import members_of as google_members_of
from ai_usage.providers.google.licenses.records import License
from ai_usage.providers.google.licenses.rows import license_rows
from ai_usage.providers.google.metrics.records import SeriesOfDay
from ai_usage.providers.google.metrics.rows import usage_rows
from ai_usage.providers.google.records import ExportRow
from ai_usage.providers.google.rows import cost_rows as google_cost_rows
from ai_usage.providers.google.rows import daily_cost_rows as google_daily_cost_rows
from ai_usage.providers.openai import listed as openai_listed
from ai_usage.providers.openai import records as openai
from ai_usage.providers.openai import rows as openai_rows
from ai_usage.providers.openai import tables as openai_tables
from ai_usage.providers.openai.keys import keys_of as openai_keys_of
from ai_usage.providers.openai.people import members_of as openai_members_of
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage_tests.ingest.variants import UNKNOWN, Variant, at, fields, struct_of, variants, whole

DAY, PULLED = date(2026, 11, 3), datetime(2026, 11, 4, 6, tzinfo=UTC)
ACME = lists.Organization("org", {None: "Default"})
LEGACY = [Plan("legacy", date(2026, 1, 1), None, Decimal(40), Decimal("0.04"))]
CYCLE = json.dumps({"subscriptionCycleStart": 1793491200000, "data_refreshed_at": "2026-11-04T00:00:00Z"})


def records(*texts: str) -> Records:
    version = {"account": "default", "activity_date": DAY, "pull_id": "p", "records": len(texts), "envelope": CYCLE}
    version |= {"pulled_at": PULLED, "asked_at": PULLED}
    lines = pl.DataFrame(
        [("default", DAY, "p", PULLED, text) for text in texts],
        {
            "account": pl.String,
            "activity_date": pl.Date,
            "pull_id": pl.String,
            "ingestion_timestamp": pl.Datetime("us", "UTC"),
            "record": pl.String,
        },
        orient="row",
    )
    return Records("a_pull", pl.DataFrame([version]), lines)


def claude_ai(api: Records, audit: Records) -> pl.DataFrame:
    return claude_usage_rows(api, audit, [])


def commits(given: Records) -> pl.DataFrame:
    return cursor_rows.commit_rows(given, records())


# The function that turns each type of record into rows, and whether it makes one row per record.
Shape = Callable[[Records], object]
SHAPES: dict[type[msgspec.Struct], tuple[Shape, ...]] = {
    CostLine: (lambda s: usage_and_cost.cost_rows(s, ACME), lambda s: usage_and_cost.daily_cost_rows(s, ACME)),
    UsageLine: (lambda s: usage_and_cost.usage_rows(s, ACME),),
    CodeRecord: (lambda s: claude_code.code_rows(s, ACME),),
    AnalyticsCost: (lambda s: analytics.analytics_cost_rows(s, ACME, {}),),
    SpendLimit: (limit_rows,),
    cursor.UsageEvent: (cursor_rows.event_rows,),
    cursor.DailyUsage: (lambda s: cursor_rows.usage_rows(s, LEGACY),),
    cursor.Member: (cursor_rows.member_rows,),
    openai.CostResult: (openai_rows.cost_rows,),
    **{of: (openai_rows.usage_rows(endpoint),) for endpoint, of in openai.USED.items()},
    openai.CodexUsage: (openai_rows.codex_rows,),
    openai_listed.Project: (openai_rows.project_rows,),
    openai_listed.ProjectKey: (lambda s: list(openai_keys_of(s)),),
}
MERGING: dict[type[msgspec.Struct], tuple[Shape, ...]] = {
    UsageLine: (lambda s: usage_and_cost.daily_token_rows(s, ACME),),
    CodeRecord: (lambda s: claude_code.code_model_rows(s, ACME),),
    EnterpriseUser: (lambda s: claude_ai(s, records()),),
    AuditEvent: (lambda s: claude_ai(records(), s),),
    Organization: (lambda s: lists.organization(s, records()),),
    Workspace: (lists.workspace_rows, lambda s: lists.organization(records(), s)),
    ApiKey: (lambda s: list(keys_of(s, {"some id": "maker@example.com"})),),
    cursor.AiCommit: (commits,),
    cursor.MemberSpend: (lambda s: spend_rows(list(growths(snapshots(s)))),),
    openai.CostResult: (openai_rows.daily_cost_rows,),
    ExportRow: (lambda s: google_cost_rows(s, Services.default()), google_daily_cost_rows),  # credits are rows too
    openai_listed.User: (lambda s: list(openai_members_of(s)),),
    SeriesOfDay: (usage_rows,),
    LogEntry: (activity_rows,),
    License: (license_rows, lambda s: list(google_members_of(s))),
}
SENT = {
    **claude_tables.DAILY_PULLS,
    **claude_tables.SNAPSHOT_PULLS,
    **cursor_tables.DAILY_PULLS,
    **cursor_tables.SNAPSHOT_PULLS,
    **openai_tables.DAILY_PULLS,
    **openai_tables.SNAPSHOT_PULLS,
    **google_tables.DAILY_PULLS,
    **google_tables.SNAPSHOT_PULLS,
    AUDIT_LOG: AuditEvent,
}
TYPES: Sequence[type[msgspec.Struct]] = sorted(set(SENT.values()), key=lambda of: of.__name__)


def test_every_record_that_is_pulled_is_varied() -> None:
    assert len(TYPES) == 39
    without_rows = {AnalyticsUsage, User, cursor.Group}  # read by core's own functions, or not at all
    without_rows |= {openai_listed.ServiceAccount, openai_listed.ProjectUser, openai_listed.AdminKey}
    assert {*SHAPES, *MERGING} | without_rows == set(TYPES)
    total = sum(1 for of in TYPES for _ in variants(of))
    print(f"\n{total} variants of {sum(len(list(fields(of))) for of in TYPES)} fields")  # noqa: T201 - for whoever asks
    assert total > 5000


@pytest.mark.parametrize("of", TYPES, ids=lambda of: of.__name__)
def test_a_whole_record_is_read_whole(of: type[msgspec.Struct]) -> None:
    text = json.dumps(whole(of))
    given = records(text)
    assert len(given.read(of).values) == 1
    assert not given.rejections
    assert not drift([text], of)


@pytest.mark.parametrize("of", TYPES, ids=lambda of: of.__name__)
def test_a_deviating_field_is_read_correctly_or_rejects_only_its_record(of: type[msgspec.Struct]) -> None:
    good = json.dumps(whole(of))
    for variant in variants(of):
        what = f"{of.__name__}.{variant.field.name} {variant.what}"
        given = records(good, json.dumps(variant.record))
        read = given.read(of)
        if given.rejections:
            [rejection] = given.rejections
            assert (rejection.position, rejection.activity_date, len(read.values)) == (1, DAY, 1), what
            assert rejection.field == variant.field.name or rejection.field.startswith(variant.field.name), what
            assert rejection.reason, what
            assert "novel" not in rejection.reason + rejection.value_shape, what
            assert may_be_rejected(variant), f"{what}: {rejection}"
        else:
            assert len(read.values) == 2, what
            assert as_expected(at(read.values[1], variant.field.names), variant), what


@pytest.mark.parametrize("of", [*SHAPES, *MERGING], ids=lambda of: of.__name__)
def test_whatever_can_be_read_becomes_rows(of: type[msgspec.Struct]) -> None:
    good = json.dumps(whole(of))
    for field, alike in groupby(variants(of), key=lambda variant: variant.field):
        given = records(good, *(json.dumps(variant.record) for variant in alike))
        for shape in SHAPES.get(of, ()):
            assert len(shape(given)) + len(given.rejections) == given.lines.height, field.name  # type: ignore[arg-type]
        for shape in MERGING.get(of, ()):
            assert shape(given) is not None or of is Workspace, field.name


@pytest.mark.parametrize("of", TYPES, ids=lambda of: of.__name__)
def test_what_is_not_read_as_it_was_sent_is_reported_as_drift(of: type[msgspec.Struct]) -> None:
    for variant in variants(of):
        if variant.reads_as is UNKNOWN and variant.what != "absent":
            found = drift([json.dumps(variant.record)], of)
            assert any(variant.field.name in words for words in found), f"{variant.field.name} {variant.what}: {found}"


def may_be_rejected(variant: Variant) -> bool:
    """A rejection is allowed only if a required field is missing, or if several fields decide together."""
    decided_together = {"currency", "isChargeable", "chargedCents", "spendCents", "day", "id", "userId"}
    decided_together |= {"int64Value", "doubleValue"}
    inside = struct_of(variant.field.type)
    is_lacking = inside is not None and any(f.is_essential for f in fields(inside))
    return (
        (variant.reads_as is UNKNOWN and (variant.field.is_essential or is_lacking))
        or variant.field.path[-1] in decided_together
        or (is_lacking and variant.what == "an object")
    )


def as_expected(found: Any, variant: Variant) -> bool:
    wanted = variant.reads_as
    if wanted is UNKNOWN:
        assert not variant.field.is_essential
        return found is None if variant.field.is_optional else found == variant.field.default
    return str(found) == wanted if isinstance(wanted, str) and isinstance(found, int) else bool(found == wanted)
