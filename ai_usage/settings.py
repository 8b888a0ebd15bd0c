"""The environment, read once and typed. Knows which secrets exist, never what they are."""

import os
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import load_dotenv

from ai_usage.errors import SettingError
from ai_usage.spelling import names_in, refuse_misspelled

ROOT = Path(__file__).resolve().parent.parent
SIMULATED_CURSOR_PLANS = ROOT / "ai_usage" / "simulator" / "cursor_plans.toml"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ADDRESS = re.compile(r"[\w.!#$%&'*+=?^`{|}~-]+@[\w.-]+")
HOST = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
SALT_LENGTH = 16
DAYS_OF_A_DEMO = 30
SECRETS = (
    "ANTHROPIC_ADMIN_API_KEY",
    "ANTHROPIC_ANALYTICS_API_KEY",
    "CURSOR_ADMIN_API_KEY",
    "ALERT_SLACK_WEBHOOK_URL",
    "ALERT_WEBHOOK_URL",
    "ALERT_SMTP_URL",
    "AI_USAGE_PSEUDONYMS",
    "METABASE_API_KEY",
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every variable of `.env.example`, checked. Keys stay in the environment; here is only whether they are set."""

    warehouse: str
    data_dir: Path
    is_published_for_group: bool  # whether the group of the data folder may read the published copy in it
    start_date: date  # the first UTC day, and the first partition
    is_start_remembered: bool  # by the data folder: it is simulated data's own, since no variable sets it
    simulate: bool
    fixed_now: datetime | None
    schedule_timezone: str
    anthropic_base_url: str
    has_anthropic_admin_key: bool
    has_anthropic_analytics_key: bool
    cursor_base_url: str
    has_cursor_key: bool
    uploads_dir: Path
    cursor_plans: Path | None  # prices of the team's plans; None: unknown
    currency_rates: Path | None  # what other currencies are in USD; None: amounts in them cannot be used
    sheet_id: str  # a Google spreadsheet's id, or csv: and a folder; empty is not configured
    google_base_url: str  # in place of both Google hosts; empty: Google's own
    attributed_at_least: Decimal  # the share of spend and tokens that must have an owner
    has_slack_alerts: bool
    has_webhook_alerts: bool
    has_email_alerts: bool
    email_to: tuple[str, ...]
    email_from: str
    ui_url: str  # where the readers of an alert find the UI
    ui_hosts: tuple[str, ...]  # other names under which it may be asked for, beside those of loopback
    has_pseudonyms: bool
    messages_kept_days: int  # that an alert stays in the outbox, once every channel has it
    growth_at_most: Decimal  # of a month's spend over the month before; 0.2 is a fifth more
    max_run_hours: int  # after which a run that is still under way is ended
    watchdog_hours: int  # without a run that succeeded, until the watchdog alerts
    history_days: int  # that Dagster's records of a run are kept
    metabase_url: str  # empty: there is none
    has_metabase_key: bool
    metabase_database: str  # the name that the warehouse has, or gets, in Metabase
    metabase_duckdb_file: str  # where Metabase's own machine sees the published copy
    answer_seconds: int  # one request to a provider with its whole answer
    pull_hours: int  # all requests and waits of one source in a run
    page_megabytes: int  # one page of an answer, decompressed
    answer_megabytes: int  # all pages of an answer
    answer_pages: int
    json_depth: int  # of lists and objects within each other

    def now(self) -> datetime:
        """The present instant in UTC, or the one that `AI_USAGE_NOW` pretends."""
        return self.fixed_now or datetime.now(UTC)

    def yesterday(self) -> date:
        """The newest UTC day that is over: the newest partition."""
        return self.now().date() - timedelta(days=1)

    @property
    def database(self) -> Path:
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
    def any_vendor_key(self) -> bool:
        """Whether any real vendor can be asked; if not, the commands fall back to the built-in ones."""
        return self.has_anthropic_admin_key or self.has_anthropic_analytics_key or self.has_cursor_key

    @property
    def any_source(self) -> bool:
        """Whether there is anything real to pull: from a vendor, the sheet or uploaded files."""
        return self.any_vendor_key or bool(self.sheet_id) or any(self.uploads_dir.glob("*.csv"))

    @property
    def sheet_folder(self) -> Path | None:
        """The folder of CSV files that stands in for the sheet, if one does."""
        kind, _, folder = self.sheet_id.partition(":")
        return (ROOT / Path(folder).expanduser()).resolve() if kind == "csv" else None


@cache
def settings() -> Settings:
    """The settings of this process. `.env` fills what the environment leaves open."""
    return read_settings(environment())


def refuse_a_pretended_clock(of: Settings) -> Settings:
    """The same settings; `SettingError` where `AI_USAGE_NOW` would date what real providers answer."""
    if of.fixed_now and of.any_source and not of.simulate:
        raise SettingError(
            "AI_USAGE_NOW pretends an instant, for simulated data and tests only; with real providers it would put "
            "wrong dates on what they answer. Take it out, or set AI_USAGE_SIMULATE=1."
        )
    return of


def environment() -> dict[str, str]:
    """The variables that are set, those of `.env` among them; `SettingError` if one of them is misspelled."""
    file = ROOT / ".env"
    written = names_in(file)
    load_dotenv(file, encoding="utf-8-sig")
    refuse_misspelled(os.environ, written, names())
    return dict(os.environ)


@cache
def names() -> frozenset[str]:
    """Every variable there is, in the words of `.env.example`: those that reading the settings asks for."""
    asked: set[str] = set()
    _read(_Reader({}, asked))
    return frozenset(asked)


def demo_span_start(last: date) -> date:
    """The first day of a demo that ends on a day: thirty days, and the whole of that day's calendar month."""
    return min(last - timedelta(days=DAYS_OF_A_DEMO - 1), last.replace(day=1))


def secrets() -> list[str]:
    """What no message may say, longest first; of a URL its password, as written and as meant, and its tokens too."""
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
    """What pseudonyms are made with; empty where people go by their addresses."""
    return secret("AI_USAGE_PSEUDONYMS")


def read_settings(environ: dict[str, str]) -> Settings:
    """Settings of an environment; `SettingError` names the variable, what is wrong with it and what to write."""
    return _read(_Reader(environ))


def _read(read: "_Reader") -> Settings:
    found = Settings(
        warehouse=read.choice("AI_USAGE_WAREHOUSE", "duckdb", among=("duckdb", "bigquery")),
        data_dir=(ROOT / Path(read.text("AI_USAGE_DATA_DIR", ".data")).expanduser()).resolve(),
        is_published_for_group=read.choice("AI_USAGE_PUBLISHED_FOR", "owner", among=("owner", "group")) == "group",
        start_date=read.day("AI_USAGE_START_DATE", "2026-01-01"),
        is_start_remembered=False,
        simulate=read.choice("AI_USAGE_SIMULATE", "0", among=("0", "1")) == "1",
        fixed_now=read.instant("AI_USAGE_NOW"),
        schedule_timezone=read.zone("AI_USAGE_SCHEDULE_TIMEZONE", "UTC"),
        anthropic_base_url=read.base_url("ANTHROPIC_ADMIN_BASE_URL", "https://api.anthropic.com"),
        has_anthropic_admin_key=bool(read.text("ANTHROPIC_ADMIN_API_KEY")),
        has_anthropic_analytics_key=bool(read.text("ANTHROPIC_ANALYTICS_API_KEY")),
        cursor_base_url=read.base_url("CURSOR_ADMIN_BASE_URL", "https://api.cursor.com"),
        has_cursor_key=bool(read.text("CURSOR_ADMIN_API_KEY")),
        uploads_dir=(ROOT / Path(read.text("AI_USAGE_UPLOADS_DIR", "uploads")).expanduser()).resolve(),
        cursor_plans=read.file("CURSOR_PLANS"),
        currency_rates=read.file("AI_USAGE_CURRENCY_RATES"),
        sheet_id=read.text("AI_USAGE_SHEET_ID"),
        google_base_url=read.base_url("GOOGLE_API_BASE_URL", ""),
        attributed_at_least=read.share("AI_USAGE_ATTRIBUTED_AT_LEAST", "0.9"),
        has_slack_alerts=read.secret_url("ALERT_SLACK_WEBHOOK_URL", "https"),
        has_webhook_alerts=read.secret_url("ALERT_WEBHOOK_URL", "https"),
        has_email_alerts=read.secret_url("ALERT_SMTP_URL", "smtps", "smtp"),
        email_to=read.addresses("ALERT_EMAIL_TO"),
        email_from=next(iter(read.addresses("ALERT_EMAIL_FROM", at_most=1)), ""),
        ui_url=read.page_url("AI_USAGE_UI_URL", "http://127.0.0.1:3000"),
        ui_hosts=read.hosts("AI_USAGE_UI_HOSTS"),
        has_pseudonyms=read.salt("AI_USAGE_PSEUDONYMS"),
        messages_kept_days=read.days("AI_USAGE_RETAIN_MESSAGES_DAYS", "180"),
        growth_at_most=read.ratio("AI_USAGE_GROWTH_AT_MOST", "0.2"),
        max_run_hours=read.count("AI_USAGE_MAX_RUN_HOURS", "24"),
        watchdog_hours=read.count("AI_USAGE_WATCHDOG_HOURS", "12"),
        history_days=read.count("AI_USAGE_HISTORY_DAYS", "180"),
        metabase_url=read.base_url("METABASE_URL", "", example="http://127.0.0.1:3001"),
        has_metabase_key=bool(read.text("METABASE_API_KEY")),
        metabase_database=read.text("METABASE_DATABASE", "AI usage"),
        metabase_duckdb_file=read.absolute("METABASE_DUCKDB_FILE", "/warehouse/ai_usage_published.duckdb"),
        answer_seconds=read.count("AI_USAGE_ANSWER_SECONDS", "120"),
        pull_hours=read.count("AI_USAGE_PULL_HOURS", "6"),
        page_megabytes=read.count("AI_USAGE_PAGE_MEGABYTES", "64"),
        answer_megabytes=read.count("AI_USAGE_ANSWER_MEGABYTES", "128"),
        answer_pages=read.count("AI_USAGE_ANSWER_PAGES", "10000"),
        json_depth=read.count("AI_USAGE_JSON_DEPTH", "250"),
    )
    if found.has_email_alerts != bool(found.email_to):
        has, lacks = ("ALERT_SMTP_URL", "ALERT_EMAIL_TO")[:: 1 if found.has_email_alerts else -1]
        raise SettingError(f"{has} is set and {lacks} is not: an e-mail needs both.")
    credentials = read.text("GOOGLE_APPLICATION_CREDENTIALS")  # used by Google's own library, for whatever else too
    if credentials and found.sheet_id and not (found.sheet_folder or found.google_base_url):
        read.file("GOOGLE_APPLICATION_CREDENTIALS")
    if found.simulate and found.cursor_plans is None:
        found = replace(found, cursor_plans=SIMULATED_CURSOR_PLANS)
    if found.simulate and not read.text("AI_USAGE_START_DATE"):
        found = _with_its_own_first_day(found)
    if found.start_date > found.yesterday():
        raise SettingError(
            f"{found.first_day_file if found.is_start_remembered else 'AI_USAGE_START_DATE'} is {found.start_date}, "
            f"but the newest full UTC day is {found.yesterday()}: there is no day to pull. "
            "Set AI_USAGE_START_DATE to the first day you want, for example 2026-01-01."
        )
    if found.warehouse == "bigquery":
        raise SettingError("AI_USAGE_WAREHOUSE=bigquery is not built yet; leave it out or write duckdb.")
    return found


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


@dataclass(frozen=True)
class _Reader:
    environ: dict[str, str]
    asked: set[str] = field(default_factory=set)  # every name that was looked up

    def text(self, name: str, default: str = "") -> str:
        self.asked.add(name)
        return self.environ.get(name, "").strip() or default

    def choice(self, name: str, default: str, *, among: tuple[str, ...]) -> str:
        value = self.text(name, default).lower()
        if value not in among:
            raise SettingError(f"{name} is {value!r}; write {' or '.join(among)}.")
        return value

    def day(self, name: str, default: str) -> date:
        value = self.text(name, default)
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise SettingError(f"{name} is {value!r}, which is not a day; write it as 2026-01-31.") from error

    def days(self, name: str, default: str) -> int:
        value = self.text(name, default)
        if not re.fullmatch(r"[1-9][0-9]{0,4}", value, re.ASCII):
            raise SettingError(f"{name} is {value!r}; write a number of days, such as {default}.")
        return int(value)

    def instant(self, name: str) -> datetime | None:
        value = self.text(name)
        if not value:
            return None
        try:
            instant = datetime.fromisoformat(value)
        except ValueError as error:
            raise SettingError(f"{name} is {value!r}; write an instant such as 2026-11-20T06:00:00Z.") from error
        if instant.tzinfo is None:
            raise SettingError(f"{name} is {value!r} without a time zone; write for example {value}Z.")
        return instant.astimezone(UTC)

    def share(self, name: str, default: str) -> Decimal:
        value = self.text(name, default)
        try:
            share = Decimal(value)
        except InvalidOperation as error:
            raise SettingError(f"{name} is {value!r}; write a share such as {default}.") from error
        if not 0 <= share <= 1:
            raise SettingError(f"{name} is {value!r}; a share lies between 0 and 1, such as {default}.")
        return share

    def ratio(self, name: str, default: str) -> Decimal:
        value = self.text(name, default)
        try:
            ratio = Decimal(value)
        except InvalidOperation as error:
            raise SettingError(f"{name} is {value!r}; write a ratio such as {default}.") from error
        if not ratio.is_finite() or ratio < 0:
            raise SettingError(f"{name} is {value!r}; a ratio is 0 or more, such as {default}.")
        return ratio

    def count(self, name: str, default: str) -> int:
        value = self.text(name, default)
        if not (value.isascii() and value.isdigit() and int(value) > 0 and len(value) <= 9):
            raise SettingError(f"{name} is {value!r}; write a whole number of 1 or more, such as {default}.")
        return int(value)

    def file(self, name: str) -> Path | None:
        value = self.text(name)
        path = ROOT / Path(value).expanduser()
        if value and not path.is_file():
            raise SettingError(f"{name} is {value!r}, and there is no such file ({path}).")
        return path if value else None

    def zone(self, name: str, default: str) -> str:
        value = self.text(name, default)
        try:
            return ZoneInfo(value).key
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise SettingError(
                f"{name} is {value!r}, which is no time zone; write for example Europe/Berlin."
            ) from error

    def secret_url(self, name: str, *schemes: str) -> bool:
        """Whether it is set; what is wrong with it is told without a word of it. Plain http is for loopback only."""
        value = self.text(name)
        if not value:
            return False
        shape = f"{schemes[0]}://" + ("user:password@host:port" if "smtp" in schemes else "host/path")
        advice = f"{name} is not of the form {shape}; in a password write %40 for @, %2F for /, %23 for #, %3F for ?."
        try:
            parts = urlsplit(value)
            is_bad = not parts.hostname or parts.port == 0 or not (value.isascii() and value.isprintable())
        except ValueError:
            raise SettingError(advice) from None  # the cause may quote it
        is_local_http = parts.scheme == "http" and parts.hostname in LOOPBACK and "https" in schemes
        if is_bad or " " in value or not (parts.scheme in schemes or is_local_http):
            raise SettingError(advice)
        if "smtp" in schemes and (parts.path.strip("/") or parts.query or parts.fragment):
            raise SettingError(advice)
        if "https" in schemes and "@" in parts.netloc:
            raise SettingError(f"{name} has a user or password in it; such a URL cannot be used.")
        return True

    def addresses(self, name: str, *, at_most: int = 50) -> tuple[str, ...]:
        """E-mail addresses between commas, each once."""
        found = tuple(dict.fromkeys(a.strip() for a in self.text(name).split(",") if a.strip()))
        wrong = [address for address in found if not ADDRESS.fullmatch(address)]
        if wrong or len(found) > at_most:
            many = "one address" if at_most == 1 else f"at most {at_most} addresses with commas between them"
            raise SettingError(f"{name} must be {many}, such as finance@example.com.")
        return found

    def hosts(self, name: str) -> tuple[str, ...]:
        """Names between commas, with a port or without."""
        found = tuple(h.strip().lower() for h in self.text(name).split(",") if h.strip())
        if not all(HOST.fullmatch(host) for host in found):
            raise SettingError(f"{name} must be names with commas between them, such as usage.example.com,ui:3000.")
        return found

    def salt(self, name: str) -> bool:
        value = self.text(name)
        if value and len(value) < SALT_LENGTH:
            raise SettingError(f"{name} is too short: write {SALT_LENGTH} or more random characters, or leave it out.")
        return bool(value)

    def page_url(self, name: str, default: str) -> str:
        """Where a browser goes; no key is ever sent there."""
        value = self.text(name, default).rstrip("/")
        if not re.fullmatch(r"https?://[^\s/?#@<>|]+(/[^\s?#<>|]*)?", value):
            raise SettingError(f"{name} must be scheme, host and an optional path, such as {default}.")
        return value

    def absolute(self, name: str, default: str) -> str:
        """A path on another machine, which need not exist on this one."""
        value = self.text(name, default)
        if not (value.startswith("/") and value.isprintable()):
            raise SettingError(f"{name} is {value!r}; write the whole path, such as {default}.")
        return value

    def base_url(self, name: str, default: str, *, example: str = "http://127.0.0.1:8900/google") -> str:
        value = self.text(name, default).rstrip("/")
        if not value:
            return ""
        advice = f"{name} must be scheme, host and an optional path, such as {default or example}."
        if "@" in value:
            raise SettingError(f"{name} has an @ in it; a user or password there would be shown, and is not used.")
        try:
            parts = urlsplit(value)
            has_more = parts.query or parts.fragment or parts.port == 0  # `port` is checked when read
        except ValueError:
            raise SettingError(advice) from None  # the cause may quote it
        if parts.scheme not in {"https", "http"} or not parts.hostname or has_more:
            raise SettingError(advice)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise SettingError(f"{name} would send the key unencrypted to {parts.hostname}; use https://.")
        return value
