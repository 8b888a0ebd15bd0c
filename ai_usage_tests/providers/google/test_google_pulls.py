"""Google's bill from the export to core: each account is independent, a bad day affects only itself, and unknown is not
0.
"""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ai_usage.accounts import account_names, accounts_of
from ai_usage.errors import SettingError
from ai_usage.marts.gate import blocked_days
from ai_usage.partitions import Span
from ai_usage.providers.directory import AccountName
from ai_usage.providers.google import organizations
from ai_usage.providers.google.client import GoogleCloud
from ai_usage.providers.google.probe import PROBE
from ai_usage.providers.google.provider import GOOGLE
from ai_usage.providers.google.resource import FIELDS, TABLE, open_client
from ai_usage.secrecy import without_secrets
from ai_usage.settings import read_settings
from ai_usage_tests.mock_google import TABLE as EXPORT
from ai_usage_tests.mock_google import MockGoogle, refusal, row
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform

DAY = date(2026, 11, 10)
NEXT = DAY + timedelta(days=1)
BOTH = Span(DAY, NEXT)
A = "ai_usage_analytics"
RAW_AND_CORE = dg.AssetSelection.assets("raw/gemini_billing", "core/gemini_costs", "core/gemini_daily_cost")
DAILY = f"select account, activity_date, export_rows, amount_usd from {A}.gemini_daily_cost order by all"


def run(platform: Platform, *clouds: GoogleCloud, span: Span = BOTH) -> Outcome:
    return platform.materialize(RAW_AND_CORE.without_checks(), span, None, google_cloud=list(clouds))


def test_two_days_reach_core_and_a_day_of_nothing_is_one(platform: Platform) -> None:
    mock = MockGoogle([row(1.5), row(0.25)])
    assert run(platform, mock.cloud()).result.success
    assert platform.sql(DAILY) == [("default", DAY, 2, Decimal("1.75")), ("default", NEXT, 0, Decimal(0))]
    assert len(mock.queries) == 1
    assert organizations.names(platform.warehouse) == {"default": AccountName("AAAAAA-BBBBBB-CCCCCC", None)}


def test_what_a_query_cost_is_noted_of_its_days(platform: Platform) -> None:
    outcome = run(platform, MockGoogle([row(1)]).cloud())
    noted = outcome.noted("raw/gemini_billing", DAY)
    assert (noted["query_bytes_billed"], noted["columns_not_read"]) == (10_485_760, "location")


def test_without_an_export_nothing_is_asked_and_it_is_noted(platform: Platform) -> None:
    outcome = platform.materialize(RAW_AND_CORE.without_checks(), BOTH, None)
    assert outcome.result.success
    assert "GEMINI_BILLING_TABLE is not set" in outcome.noted_anywhere("skipped")["raw/gemini_billing"]
    mock = MockGoogle([row(1)])
    outcome = run(platform, mock.cloud(table="", projects=("p",)))
    assert outcome.result.success
    assert "no account has a billing export" in outcome.noted_anywhere("skipped")["raw/gemini_billing"]
    assert mock.asked == []


def test_an_export_that_is_not_there_yet_fails_alone_and_leaves_its_days_unknown(platform: Platform) -> None:
    early = MockGoogle()
    early.answers["datasets/"] = [refusal(404, f"Not found: Table {EXPORT}", "notFound")]
    other = MockGoogle([row(2)])
    outcome = run(platform, replace(early.cloud(), account="early"), replace(other.cloud(), account="other"))
    [failure] = outcome.failed.values()
    assert "early" in failure
    assert "Cloud Billing creates the table some hours after" in failure
    assert platform.sql("select distinct account from ai_usage_raw.pulls where pull = 'gemini_billing'") == [("other",)]


def test_one_bad_row_blocks_its_day_and_no_other(platform: Platform) -> None:
    mock = MockGoogle([row(1), row("much"), row(3, NEXT), row(1, NEXT, currency="XYZ", currency_conversion_rate=None)])
    mock.rows += [row(5, "2026-11-12")]
    span = Span(DAY, date(2026, 11, 12))
    assert run(platform, mock.cloud(), span=span).result.success
    assert platform.rejections() == [
        (DAY, "cost", "a text of 4 characters is not an amount of money"),
        (NEXT, "currency_conversion_rate",
         "is not known, and XYZ has no rate to USD: AI_USAGE_CURRENCY_RATES names none"),
    ]  # fmt: skip
    assert platform.sql(DAILY) == [("default", date(2026, 11, 12), 1, Decimal(5))], "no sum of a part"
    assert set(blocked_days(platform.warehouse, span, GOOGLE.gate)) == {DAY, NEXT}


def test_days_before_the_export_are_left_out_with_the_reason(platform: Platform) -> None:
    outcome = run(platform, MockGoogle([row(1, NEXT)], created=NEXT).cloud())
    assert platform.sql(DAILY) == [("default", NEXT, 1, Decimal(1))]
    assert f"the export began on {NEXT}" in outcome.noted("raw/gemini_billing", DAY)["skipped"]


def test_an_answer_that_is_too_large_is_asked_for_by_halves(platform: Platform) -> None:
    from ai_usage.ingest.http.bodies import Limits  # noqa: PLC0415

    mock = MockGoogle([row(1, DAY + timedelta(days=n)) for n in range(4)])
    size = len(str(mock.rows[0]))
    span = Span(DAY, DAY + timedelta(days=3))
    assert run(platform, mock.cloud(limits=Limits(answer_bytes=3 * size)), span=span).result.success
    assert len(mock.queries) == 3
    assert len(platform.sql(DAILY)) == 4


# Accounts.


def test_the_variables_make_one_account_of_names_that_are_no_secrets() -> None:
    environ = {"GEMINI_BILLING_TABLE": EXPORT, "GEMINI_PROJECTS": "project-a, project-b", "AI_USAGE_SIMULATE": "0"}
    of = read_settings(environ)
    assert of.any_provider_key
    assert account_names(of, FIELDS, TABLE) == ["default"]
    [account] = accounts_of(of, FIELDS, environ)
    cloud = open_client(account, of)
    assert (cloud.table, cloud.projects, cloud.billing_account) == (EXPORT, ("project-a", "project-b"), "")
    assert cloud.addresses.bigquery == "https://bigquery.googleapis.com"
    assert cloud.max_bytes_billed == of.bigquery_max_bytes


def test_messages_may_name_the_table_and_the_projects() -> None:
    table = "a-project-of-its-own.billing.gcp_billing_export_v1_named"
    environ = {"GEMINI_BILLING_TABLE": table, "AI_USAGE_SIMULATE": "0"}
    accounts_of(read_settings(environ), FIELDS, environ)
    assert without_secrets(f"There is no {table}.") == f"There is no {table}."


def test_a_table_that_is_no_address_is_refused() -> None:
    with pytest.raises(SettingError, match=r"GEMINI_BILLING_TABLE is 'billing\.export'; write project\.dataset\.table"):
        read_settings({"GEMINI_BILLING_TABLE": "billing.export"})


def accounts_file(tmp_path: Path, text: str) -> Any:
    file = tmp_path / "accounts.toml"
    file.write_text(text, encoding="utf-8")
    return read_settings({"AI_USAGE_ACCOUNTS": str(file), "AI_USAGE_SIMULATE": "0"})


def test_a_second_account_stands_in_the_file_with_its_names(tmp_path: Path) -> None:
    of = accounts_file(
        tmp_path,
        f'[[account]]\nprovider = "google"\nname = "eu"\nbilling_table = "{EXPORT}"\nprojects = ["a-a", "b-b"]\n'
        'billing_account = "billingAccounts/012345-567890-ABCDEF"\ncredentials_file = "/etc/eu.json"\n'
        'base_url = "http://127.0.0.1:9/bigquery"\nlogging_base_url = "http://127.0.0.1:9/logging"\n',
    )
    assert account_names(of, FIELDS, TABLE) == ["eu"]
    [account] = accounts_of(of, FIELDS, {})
    cloud = open_client(account, of)
    assert (cloud.account, cloud.table, cloud.projects) == ("eu", EXPORT, ("a-a", "b-b"))
    assert cloud.billing_account == "012345-567890-ABCDEF"
    assert cloud.connection.credentials_file == "/etc/eu.json"
    assert (cloud.addresses.bigquery, cloud.addresses.logging) == (
        "http://127.0.0.1:9/bigquery",
        "http://127.0.0.1:9/logging",
    )
    assert cloud.addresses.monitoring == of.google_monitoring_base_url


def test_a_name_may_stand_in_a_variable_too(tmp_path: Path) -> None:
    of = accounts_file(tmp_path, '[[account]]\nprovider = "google"\nname = "eu"\nbilling_table = "env:EU_TABLE"\n')
    [account] = accounts_of(of, FIELDS, {"EU_TABLE": EXPORT})
    assert open_client(account, of).table == EXPORT
    with pytest.raises(SettingError, match="takes billing_table from EU_TABLE, which is not set"):
        accounts_of(of, FIELDS, {})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", 'has no credential; write billing_table = "…"'),
        ('billing_table = "billing.export"\n', "billing_table is 'billing.export'; write project.dataset.table"),
        ('logging_base_url = "ftp://x"\nprojects = "p"\n', "logging_base_url"),
    ],
)
def test_an_account_that_cannot_be_used_is_named(tmp_path: Path, text: str, why: str) -> None:
    of = accounts_file(tmp_path, f'[[account]]\nprovider = "google"\nname = "eu"\n{text}')
    with pytest.raises(SettingError) as raised:
        [open_client(account, of) for account in accounts_of(of, FIELDS, {})]
    assert why in str(raised.value)


# Doctor.


def test_doctor_describes_the_export_and_its_cap() -> None:
    mock = MockGoogle([row(1), row(2)])
    key, *_ = PROBE.keys
    assert key.ask(mock.cloud()) == (
        f"the export {EXPORT} of 2 rows, begun on 2026-10-01; a query may read 20 GB (BIGQUERY_MAX_BYTES_BILLED)"
    )
    assert not key.is_had(mock.cloud(table=""))
    assert mock.queries == []
    assert "BigQuery Job User" in PROBE.quota
