"""The accounts of Google Cloud, and a client for each."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ai_usage.accounts import Account, AccountFields, Credential
from ai_usage.errors import SettingError
from ai_usage.ingest.http.retry import Patience
from ai_usage.providers.google.billed_services import read_services
from ai_usage.providers.google.client import Addresses, GoogleCloud
from ai_usage.providers.google.cloud_connection import Connection
from ai_usage.providers.google.endpoints import BILLING_ACCOUNT_VARIABLE, PROJECTS_VARIABLE, SOURCE, TABLE_VARIABLE
from ai_usage.setting_types import BadText, BaseUrl, ExportTable
from ai_usage.settings import Settings
from ai_usage.warehouse.table import DEFAULT_ACCOUNT

TABLE, PROJECTS, BILLING_ACCOUNT = "billing_table", "projects", "billing_account"
CREDENTIALS_FILE = "credentials_file"
URLS = MONITORING_URL, LOGGING_URL, PROCUREMENT_URL = (
    "monitoring_base_url",
    "logging_base_url",
    "procurement_base_url",
)
FIELDS = AccountFields(
    provider=SOURCE,
    credentials=(  # names, and no secrets: what opens them are Google's own credentials
        Credential(TABLE, TABLE_VARIABLE, DEFAULT_ACCOUNT, lambda of: bool(of.gemini_billing_table), is_secret=False),
        Credential(PROJECTS, PROJECTS_VARIABLE, DEFAULT_ACCOUNT, lambda of: bool(of.gemini_projects), is_secret=False),
        Credential(
            BILLING_ACCOUNT,
            BILLING_ACCOUNT_VARIABLE,
            DEFAULT_ACCOUNT,
            lambda of: bool(of.gemini_billing_account),
            is_secret=False,
        ),
    ),
    base_url=lambda of: of.google_bigquery_base_url,
    options=(CREDENTIALS_FILE, *URLS),
)


def open_client(account: Account, of: Settings, patience: Patience | None = None) -> GoogleCloud:
    """A client for one account. Its `base_url` is that of BigQuery; the other APIs are asked where the account's
    options, or else the settings, have them. `SettingError` for a text of the file that cannot be used.
    """
    names, options = account.credentials, account.options
    for of_field, kind in ((TABLE, ExportTable), *((url, BaseUrl) for url in URLS)):
        _refuse_unusable(account, of_field, kind, {**names, **options})
    return GoogleCloud(
        table=names.get(TABLE, ""),
        projects=tuple(
            name for part in names.get(PROJECTS, "").split(",") if (name := part.strip().removeprefix("projects/"))
        ),
        billing_account=names.get(BILLING_ACCOUNT, "").removeprefix("billingAccounts/"),
        addresses=Addresses(
            bigquery=account.base_url,
            monitoring=options.get(MONITORING_URL, of.google_monitoring_base_url),
            logging=options.get(LOGGING_URL, of.google_logging_base_url),
            procurement=options.get(PROCUREMENT_URL, of.google_procurement_base_url),
        ),
        connection=Connection(options.get(CREDENTIALS_FILE, ""), patience or Patience()),
        services=read_services(of.gemini_services),
        max_bytes_billed=of.bigquery_max_bytes,
        now=of.now,
        is_simulated=account.is_simulated,
        account=account.name,
    )


def _refuse_unusable(account: Account, of_field: str, kind: Any, written: Mapping[str, str]) -> None:
    try:
        TypeAdapter(kind).validate_python(written.get(of_field, ""))
    except ValidationError as error:
        why = error.errors()[0].get("ctx", {}).get("error")
        text, usual = written[of_field], account.base_url
        sentence = why.sentence(name=of_field, value=text, default=usual) if isinstance(why, BadText) else str(why)
        raise SettingError(f"The account {account.name} of {FIELDS.provider}: {sentence}") from None
