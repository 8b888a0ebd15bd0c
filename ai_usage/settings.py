"""The environment, read once and typed. Holds which secrets are set, never their values. `setting_types` defines the
types of variables, `spelling` finds misspelled names.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dotenv import load_dotenv
from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from ai_usage import setting_types as types
from ai_usage.errors import SettingError
from ai_usage.places import HOME, PACKAGE, ROOT
from ai_usage.secret_files import read_secret_files
from ai_usage.spelling import names_in, refuse_misspelled

LOOPBACK, ADDRESS = types.LOOPBACK, types.ADDRESS
SIMULATED_CURSOR_PLANS = PACKAGE / "simulator" / "cursor_plans.toml"
DAYS_OF_A_DEMO = 30
CONFIG = ConfigDict(validate_by_name=True, validate_default=True, hide_input_in_errors=True)
PROVIDER_KEYS = (  # each makes an account at a provider
    "ANTHROPIC_ADMIN_API_KEY",
    "ANTHROPIC_ANALYTICS_API_KEY",
    "CURSOR_ADMIN_API_KEY",
    "OPENAI_ADMIN_KEY",
    "OPENAI_CODEX_ANALYTICS_KEY",
)
PROVIDER_NAMES = (  # the same, of what is no secret: credentials of the machine open it
    "GEMINI_BILLING_TABLE",
    "GEMINI_PROJECTS",
    "GEMINI_BILLING_ACCOUNT",
)
SECRETS = (
    *PROVIDER_KEYS,
    "ALERT_SLACK_WEBHOOK_URL",
    "ALERT_WEBHOOK_URL",
    "ALERT_SMTP_URL",
    "AI_USAGE_PSEUDONYMS",
    "METABASE_API_KEY",
    "DAGSTER_POSTGRES_URL",
)

ANTHROPIC_URL, CURSOR_URL = "https://api.anthropic.com", "https://api.cursor.com"
OPENAI_URL, CODEX_URL = "https://api.openai.com/v1", "https://api.chatgpt.com/v1/analytics/codex"
GOOGLE_BIGQUERY_URL, GOOGLE_MONITORING_URL = "https://bigquery.googleapis.com", "https://monitoring.googleapis.com"
GOOGLE_LOGGING_URL = "https://logging.googleapis.com"
GOOGLE_PROCUREMENT_URL = "https://cloudcommerceconsumerprocurement.googleapis.com"


def _variable(name: str, default: object) -> Any:
    """A field's variable, and its value if it is empty or missing."""
    return Field(default=default, validation_alias=name)


def _flag(name: str) -> Any:
    """The same for a variable that is off unless it is set."""
    return _variable(name, default=False)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Settings:
    """Every variable of `.env.example`, checked. Keys stay in the environment; here is only whether they are set."""

    warehouse: types.WarehouseName = _variable("AI_USAGE_WAREHOUSE", "duckdb")
    bigquery_project: str = _variable("BIGQUERY_PROJECT", "")
    bigquery_location: str = _variable("BIGQUERY_LOCATION", "US")  # where its datasets are made
    bigquery_emulator: types.EmulatorUrl = _variable("BIGQUERY_EMULATOR_HOST", "")  # empty: Google itself
    bigquery_max_bytes: types.Bytes = _variable("BIGQUERY_MAX_BYTES_BILLED", 20_000_000_000)  # of one query
    bigquery_writer: str = _variable("BIGQUERY_WRITER", "")  # the service account that runs use
    bigquery_reader: str = _variable("BIGQUERY_READER", "")  # who may read: an account, or group: and its address
    home: types.Home = _variable(HOME, "")  # the folder of `.env` and of relative paths
    data_dir: types.Folder = _variable("AI_USAGE_DATA_DIR", ".data")
    is_published_for_group: types.ForGroup = _flag("AI_USAGE_PUBLISHED_FOR")  # the data folder's group may read it
    start_date: types.Day = _variable("AI_USAGE_START_DATE", date(2026, 1, 1))  # the first UTC day and partition
    is_start_remembered: bool = False  # by the data folder: it is simulated data's own, since no variable sets it
    simulate: types.Switch = _flag("AI_USAGE_SIMULATE")
    fixed_now: types.Instant | None = _variable("AI_USAGE_NOW", None)
    schedule_timezone: types.Zone = _variable("AI_USAGE_SCHEDULE_TIMEZONE", "UTC")
    anthropic_base_url: types.BaseUrl = _variable("ANTHROPIC_ADMIN_BASE_URL", ANTHROPIC_URL)
    has_anthropic_admin_key: types.IsSet = _flag("ANTHROPIC_ADMIN_API_KEY")
    has_anthropic_analytics_key: types.IsSet = _flag("ANTHROPIC_ANALYTICS_API_KEY")
    cursor_base_url: types.BaseUrl = _variable("CURSOR_ADMIN_BASE_URL", CURSOR_URL)
    has_cursor_key: types.IsSet = _flag("CURSOR_ADMIN_API_KEY")
    openai_base_url: types.BaseUrl = _variable("OPENAI_ADMIN_BASE_URL", OPENAI_URL)
    has_openai_admin_key: types.IsSet = _flag("OPENAI_ADMIN_KEY")
    codex_base_url: types.BaseUrl = _variable("OPENAI_CODEX_BASE_URL", CODEX_URL)
    has_codex_key: types.IsSet = _flag("OPENAI_CODEX_ANALYTICS_KEY")
    codex_workspace_id: str = _variable("OPENAI_CODEX_WORKSPACE_ID", "")  # the ChatGPT workspace of that key
    gemini_billing_table: types.ExportTable = _variable("GEMINI_BILLING_TABLE", "")  # project.dataset.table
    gemini_projects: str = _variable("GEMINI_PROJECTS", "")  # with commas between them
    gemini_billing_account: str = _variable("GEMINI_BILLING_ACCOUNT", "")  # of the Code Assist licenses
    gemini_services: types.File | None = _variable("GEMINI_SERVICES", None)  # rules of services and SKUs; None: ours
    google_bigquery_base_url: types.BaseUrl = _variable("GOOGLE_BIGQUERY_BASE_URL", GOOGLE_BIGQUERY_URL)
    google_monitoring_base_url: types.BaseUrl = _variable("GOOGLE_MONITORING_BASE_URL", GOOGLE_MONITORING_URL)
    google_logging_base_url: types.BaseUrl = _variable("GOOGLE_LOGGING_BASE_URL", GOOGLE_LOGGING_URL)
    google_procurement_base_url: types.BaseUrl = _variable("GOOGLE_PROCUREMENT_BASE_URL", GOOGLE_PROCUREMENT_URL)
    accounts_file: types.File | None = _variable("AI_USAGE_ACCOUNTS", None)  # accounts.toml: more accounts at providers
    uploads_dir: types.Folder = _variable("AI_USAGE_UPLOADS_DIR", "uploads")
    cursor_plans: types.File | None = _variable("CURSOR_PLANS", None)  # prices of the team's plans; None: unknown
    currency_rates: types.File | None = _variable("AI_USAGE_CURRENCY_RATES", None)  # to USD; None: USD alone is read
    thresholds: types.File | None = _variable("AI_USAGE_THRESHOLDS", None)  # limits in place of the default ones
    holidays: types.Region = _variable("AI_USAGE_HOLIDAYS", "")  # a country's or state's: DE, DE-BY; empty: none
    sheet_id: str = _variable("AI_USAGE_SHEET_ID", "")  # of a Google spreadsheet, or csv: and a folder; empty: none
    google_credentials: str = _variable("GOOGLE_APPLICATION_CREDENTIALS", "")  # a file, read by Google's own library
    google_base_url: types.GoogleUrl = _variable("GOOGLE_API_BASE_URL", "")  # empty: Google's own hosts
    attributed_at_least: types.Share = _variable("AI_USAGE_ATTRIBUTED_AT_LEAST", Decimal("0.9"))  # of spend and tokens
    has_slack_alerts: types.WebhookUrl = _flag("ALERT_SLACK_WEBHOOK_URL")
    has_webhook_alerts: types.WebhookUrl = _flag("ALERT_WEBHOOK_URL")
    has_email_alerts: types.MailServerUrl = _flag("ALERT_SMTP_URL")
    email_to: types.Addresses = _variable("ALERT_EMAIL_TO", ())
    email_from: types.Address = _variable("ALERT_EMAIL_FROM", "")
    digest_at: types.WeeklyTime = _variable("AI_USAGE_DIGEST", "Monday 09:00")  # in the time zone of the schedule
    ui_url: types.PageUrl = _variable("AI_USAGE_UI_URL", "http://127.0.0.1:3000")  # as an alert's readers reach it
    ui_hosts: types.Hosts = _variable("AI_USAGE_UI_HOSTS", ())  # other names it answers to, beside those of loopback
    has_pseudonyms: types.Salt = _flag("AI_USAGE_PSEUDONYMS")
    messages_kept_days: types.DayCount = _variable("AI_USAGE_RETAIN_MESSAGES_DAYS", 180)  # once every channel has them
    growth_at_most: types.Ratio = _variable("AI_USAGE_GROWTH_AT_MOST", Decimal("0.2"))  # of a month over the one before
    max_run_hours: types.Count = _variable("AI_USAGE_MAX_RUN_HOURS", 24)  # after which a run under way is ended
    watchdog_hours: types.Count = _variable("AI_USAGE_WATCHDOG_HOURS", 12)  # without a run that succeeded
    has_postgres: types.PostgresUrl = _flag(
        "DAGSTER_POSTGRES_URL"
    )  # Dagster's records: deploy/dagster.yaml, in DAGSTER_HOME
    history_days: types.Count = _variable("AI_USAGE_HISTORY_DAYS", 180)  # that Dagster's records of a run are kept
    metabase_url: types.MetabaseUrl = _variable("METABASE_URL", "")  # empty: there is none
    has_metabase_key: types.IsSet = _flag("METABASE_API_KEY")
    metabase_database: str = _variable("METABASE_DATABASE", "AI usage")  # what the warehouse is called there
    metabase_duckdb_file: types.PathElsewhere = _variable(  # the published copy, as Metabase's own machine sees it
        "METABASE_DUCKDB_FILE", "/warehouse/ai_usage_published.duckdb"
    )
    answer_seconds: types.Count = _variable("AI_USAGE_ANSWER_SECONDS", 120)  # one request with its whole answer
    pull_hours: types.Count = _variable("AI_USAGE_PULL_HOURS", 6)  # all requests and waits of one source in a run
    page_megabytes: types.Count = _variable("AI_USAGE_PAGE_MEGABYTES", 64)  # one page, decompressed
    answer_megabytes: types.Count = _variable("AI_USAGE_ANSWER_MEGABYTES", 128)  # all pages of an answer
    answer_pages: types.Count = _variable("AI_USAGE_ANSWER_PAGES", 10_000)
    json_depth: types.Count = _variable("AI_USAGE_JSON_DEPTH", 250)  # of lists and objects within each other

    def now(self) -> datetime:
        """The present instant in UTC, or the one that `AI_USAGE_NOW` pretends."""
        return self.fixed_now or datetime.now(UTC)

    def yesterday(self) -> date:
        """The newest UTC day that is over: the newest partition."""
        return self.now().date() - timedelta(days=1)

    @property
    def is_bigquery(self) -> bool:
        return self.warehouse == "bigquery"

    @property
    def database(self) -> Path:
        """The embedded warehouse's file."""
        return self.data_dir / "ai_usage.duckdb"

    @property
    def first_day_file(self) -> Path:
        """Where the first day of simulated data is remembered, so that all commands agree on it, later too."""
        return self.data_dir / "first_day"

    @property
    def published_database(self) -> Path:
        return self.data_dir / "ai_usage_published.duckdb"

    @property
    def published_mode(self) -> int:
        return 0o440 if self.is_published_for_group else 0o400

    @property
    def data_dir_mode(self) -> int:
        """The data folder is its owner's alone; a group that may read the published copy may pass through it."""
        return 0o710 if self.is_published_for_group else 0o700

    @property
    def dagster_home(self) -> Path:
        return self.data_dir / "dagster"

    @property
    def any_provider_key(self) -> bool:
        """Whether any real provider can be asked; if not, the commands fall back to the simulated ones."""
        is_set = {of.default.validation_alias: getattr(self, of.name) for of in _declared()}
        return any(is_set[name] for name in (*PROVIDER_KEYS, *PROVIDER_NAMES)) or self.accounts_file is not None

    @property
    def any_source(self) -> bool:
        """Whether there is anything real to pull: from a provider, the sheet or uploaded files."""
        return self.any_provider_key or bool(self.sheet_id) or any(self.uploads_dir.glob("*.csv"))

    @property
    def sheet_folder(self) -> Path | None:
        """The folder of CSV files that replaces the sheet, if set."""
        kind, _, folder = self.sheet_id.partition(":")
        return (ROOT / Path(folder).expanduser()).resolve() if kind == "csv" else None


@cache
def settings() -> Settings:
    """The settings of this process, from its environment alone: a command has put what `.env` holds there before."""
    return read_settings(environment())


def refuse_a_pretended_clock(of: Settings) -> Settings:
    """The same settings; `SettingError` where `AI_USAGE_NOW` would date what real providers answer."""
    if of.fixed_now and of.any_source and not of.simulate:
        raise SettingError(
            "AI_USAGE_NOW pretends an instant, for simulated data and tests only; with real providers it would put "
            "wrong dates on what they answer. Take it out, or set AI_USAGE_SIMULATE=1."
        )
    return of


def environment(file: Path | None = None) -> dict[str, str]:
    """The variables that are set; `SettingError` if one of them is misspelled. A file, `.env`, fills what the
    environment leaves open, for the processes that this one starts too.
    """
    written = names_in(file) if file else []
    if file:
        load_dotenv(file, encoding="utf-8-sig")
    secret_names = {*SECRETS, *_named_by_accounts()}
    refuse_misspelled(os.environ, written, names() | secret_names | {f"{name}_FILE" for name in secret_names})
    read_secret_files(os.environ, secret_names)
    return dict(os.environ)


def _named_by_accounts() -> frozenset[str]:
    """The variables that the file of accounts takes credentials from. What is wrong with the file is named later."""
    try:
        written = types.file(os.environ.get("AI_USAGE_ACCOUNTS", "").strip() or os.devnull).read_text(encoding="utf-8")
    except (types.BadText, OSError, UnicodeDecodeError):
        return frozenset()
    return frozenset(re.findall(r"[\"']env:(\w+)[\"']", written))


@cache
def _variables() -> dict[str, object]:
    """Every variable with its default."""
    return {str(of.default.validation_alias): of.default.default for of in _declared()}


@cache
def _declared() -> list[Any]:
    """The fields that a variable sets."""
    return [of for of in fields(Settings) if isinstance(of.default, FieldInfo)]


def names() -> frozenset[str]:
    """Every variable there is, in the words of `.env.example`."""
    return frozenset(_variables())


def demo_span_start(last: date) -> date:
    """The first day of a demo that ends on a day: thirty days, and the whole of that day's calendar month."""
    return min(last - timedelta(days=DAYS_OF_A_DEMO - 1), last.replace(day=1))


def secrets() -> list[str]:
    """The texts that no message may hold, longest first; for a URL its password, as written and decoded, and its
    tokens.
    """
    values = [value for name in SECRETS if (value := os.environ.get(name, "").strip())]
    for url in [value for value in values if "://" in value]:
        parts = urlsplit(url)
        values += filter(None, [parts.password, unquote(parts.password or "")])
        values += [token for token in re.split("[/&=]", f"{parts.path}&{parts.query}") if len(token) >= 12]
    return sorted({value for value in values if len(value) >= 6}, key=len, reverse=True)  # shorter ones are words


def secret(name: str) -> str:
    """One of `SECRETS` as the environment of this process has it; empty where it is not set."""
    if name not in SECRETS:
        raise KeyError(name)
    return os.environ.get(name, "").strip()


def pseudonym_salt() -> str:
    """The salt of pseudonyms; empty if people are shown by their addresses."""
    return secret("AI_USAGE_PSEUDONYMS")


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings of an environment; `SettingError` names the variable, what is wrong with it and what to write."""
    given = {name: text for name in _variables() if (text := environ.get(name, "").strip())}
    found = _typed(given)
    _refuse_contradictions(found)
    if found.simulate and found.cursor_plans is None:
        found = replace(found, cursor_plans=SIMULATED_CURSOR_PLANS)
    if found.simulate and "AI_USAGE_START_DATE" not in given:
        found = _with_its_own_first_day(found)
    if found.start_date > found.yesterday():
        raise SettingError(
            f"{found.first_day_file if found.is_start_remembered else 'AI_USAGE_START_DATE'} is {found.start_date}, "
            f"but the newest full UTC day is {found.yesterday()}: there is no day to pull. "
            "Set AI_USAGE_START_DATE to the first day you want, for example 2026-01-01."
        )
    return found


def _typed(given: Mapping[str, Any]) -> Settings:
    try:
        return Settings(**given)
    except ValidationError as error:
        sentences = [_sentence(str(one["loc"][0]), one["input"], one["ctx"]["error"]) for one in error.errors()]
    raise SettingError(sentences[0])  # outside of the handler: the error that was handled has the value in it


def _sentence(name: str, text: str, error: types.BadText) -> str:
    return error.sentence(name=name, value=text, default=_variables()[name])


def _refuse_contradictions(of: Settings) -> None:
    if of.has_email_alerts != bool(of.email_to):
        has, lacks = ("ALERT_SMTP_URL", "ALERT_EMAIL_TO")[:: 1 if of.has_email_alerts else -1]
        raise SettingError(f"{has} is set and {lacks} is not: an e-mail needs both.")
    asks_google = bool(of.sheet_id) and not (of.sheet_folder or of.google_base_url)
    asks_google_cloud = bool(of.gemini_billing_table or of.gemini_projects or of.gemini_billing_account)
    if of.google_credentials and (asks_google or asks_google_cloud):
        name = "GOOGLE_APPLICATION_CREDENTIALS"
        try:
            types.file(of.google_credentials)
        except types.BadText as error:
            raise SettingError(_sentence(name, of.google_credentials, error)) from None
    if of.is_bigquery and not of.bigquery_project:
        raise SettingError("AI_USAGE_WAREHOUSE=bigquery needs BIGQUERY_PROJECT: the id of a Google Cloud project.")


def _with_its_own_first_day(of: Settings) -> Settings:
    """Simulated data begin with the first demo's first day: days before it would be missing partitions for ever. A
    warehouse of an earlier release has no such day; there the default stands.
    """
    try:
        if of.first_day_file.exists():
            first = date.fromisoformat(of.first_day_file.read_text(encoding="utf-8").strip())
        elif of.database.exists():
            return of
        else:
            first = demo_span_start(of.yesterday())
    except (OSError, ValueError) as error:
        raise SettingError(
            f"{of.first_day_file} has no day in it, such as 2026-01-31. Write the first day there, or set "
            "AI_USAGE_START_DATE."
        ) from error
    return replace(of, start_date=first, is_start_remembered=True)
