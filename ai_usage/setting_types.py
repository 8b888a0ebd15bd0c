"""The types of variables: one for each kind of value, with advice if the text is wrong.

A value that has its type already is accepted as it is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator

from ai_usage.places import ROOT

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
ADDRESS = re.compile(r"[\w.!#$%&'*+=?^`{|}~-]+@[\w.-]+")
EXPORT_TABLE = re.compile(r"[a-z][a-z0-9.:-]{4,80}[.][A-Za-z0-9_]{1,1024}[.][A-Za-z0-9_-]{1,1024}")
HOST = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
ADDRESSES_AT_MOST = 50
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
POSTGRES = "postgresql+psycopg2://"  # the driver that dagster-postgres brings
REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
SALT_LENGTH = 16


class BadText(ValueError):
    """A text that its variable cannot have. The sentence has places for the variable's `{name}`, `{value}` and
    `{default}`, and for `more`; where the value may be a secret it has none for it.
    """

    more: Mapping[str, object]

    def __init__(self, sentence: str, **more: object) -> None:
        super().__init__(sentence)
        self.more = more

    def sentence(self, **of_variable: object) -> str:
        return str(self).format(**of_variable, **self.more)


def _reads(read: Callable[[str], object]) -> BeforeValidator:
    def unless_it_is_read(value: Any) -> Any:
        return read(value) if isinstance(value, str) else value

    return BeforeValidator(unless_it_is_read)


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise BadText(f"{{name}} is {{value!r}}; write {' or '.join(words)}.")
        return text.lower()

    return read


def _second_of(first: str, second: str) -> Callable[[str], bool]:
    read = _one_of(first, second)
    return lambda text: read(text) == second


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadText("{name} is {value!r}, which is not a day; write it as 2026-01-31.") from None


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise BadText("{name} is {value!r}; write an instant such as 2026-11-20T06:00:00Z.") from None
    if instant.tzinfo is None:
        raise BadText("{name} is {value!r} without a time zone; write for example {value}Z.")
    return instant.astimezone(UTC)


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadText("{name} is {value!r}, which is no time zone; write for example Europe/Berlin.") from None


def _region(text: str) -> str:
    if text and not REGION.fullmatch(text.upper()):
        raise BadText("{name} is {value!r}; write a country such as DE, or a part of one such as DE-BY.")
    return text.upper()


@dataclass(frozen=True)
class WeekTime:
    """A weekday, Monday is 0, and a time of day."""

    weekday: int
    time: time


def _week_time(text: str) -> WeekTime | None:
    if text.lower() == "off":
        return None
    day, _, clock = text.lower().partition(" ")
    try:
        return WeekTime(WEEKDAYS.index(day), datetime.strptime(clock.strip(), "%H:%M").time())  # noqa: DTZ007
    except ValueError:
        raise BadText("{name} is {value!r}; write a weekday and a time such as {default}, or off.") from None


def _share(text: str) -> Decimal:
    share = _decimal(text, "share")
    if not 0 <= share <= 1:
        raise BadText("{name} is {value!r}; a share lies between 0 and 1, such as {default}.")
    return share


def _ratio(text: str) -> Decimal:
    ratio = _decimal(text, "ratio")
    if not ratio.is_finite() or ratio < 0:
        raise BadText("{name} is {value!r}; a ratio is 0 or more, such as {default}.")
    return ratio


def _decimal(text: str, what: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise BadText(f"{{name}} is {{value!r}}; write a {what} such as {{default}}.") from None


def _count(text: str) -> int:
    if not re.fullmatch(r"0*[1-9][0-9]*", text, re.ASCII) or len(text) > 9:
        raise BadText("{name} is {value!r}; write a whole number of 1 or more, such as {default}.")
    return int(text)


def _bytes(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{6,14}", text, re.ASCII):
        raise BadText("{name} is {value!r}; write a number of bytes of at least a million, such as {default}.")
    return int(text)


def _day_count(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text, re.ASCII):
        raise BadText("{name} is {value!r}; write a number of days, such as {default}.")
    return int(text)


def _folder(text: str) -> Path:
    return (ROOT / Path(text).expanduser()).resolve()


def _home(text: str) -> Path:
    folder = _folder(text)
    if folder != ROOT:
        raise BadText("{name} is {value!r} in .env; it locates .env, so set it in the environment.")
    return folder


def file(text: str) -> Path:
    """A file that is there, relative to the project or to one's home."""
    path = ROOT / Path(text).expanduser()
    if not path.is_file():
        raise BadText("{name} is {value!r}, and there is no such file ({path}).", path=path)
    return path


def _path_elsewhere(text: str) -> str:
    if not (text.startswith("/") and text.isprintable()):
        raise BadText("{name} is {value!r}; write the whole path, such as {default}.")
    return text


def _base_url(example: str = "") -> Callable[[str], str]:
    def read(text: str) -> str:
        if not text:
            return ""
        url = text.rstrip("/")
        advice = f"{{name}} must be scheme, host and an optional path, such as {example or '{default}'}."
        if "@" in url:
            raise BadText("{name} has an @ in it; a user or password there would be shown, and is not used.")
        try:
            parts = urlsplit(url)
            has_more = parts.query or parts.fragment or parts.port == 0  # `port` is checked when read
        except ValueError:
            raise BadText(advice) from None
        if parts.scheme not in {"https", "http"} or not parts.hostname or has_more:
            raise BadText(advice)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise BadText("{name} would send the key unencrypted to {host}; use https://.", host=parts.hostname)
        return url

    return read


def _page_url(text: str) -> str:
    url = text.rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@<>|]+(/[^\s?#<>|]*)?", url):
        raise BadText("{name} must be scheme, host and an optional path, such as {default}.")
    return url


def _secret_url(*schemes: str) -> Callable[[str], bool]:
    is_mail = "smtp" in schemes
    shape = f"{schemes[0]}://" + ("user:password@host:port" if is_mail else "host/path")
    advice = f"{{name}} is not of the form {shape}; in a password write %40 for @, %2F for /, %23 for #, %3F for ?."

    def read(text: str) -> bool:
        try:
            parts = urlsplit(text)
            is_bad = not parts.hostname or parts.port == 0 or not (text.isascii() and text.isprintable())
        except ValueError:
            raise BadText(advice) from None
        is_local_http = parts.scheme == "http" and parts.hostname in LOOPBACK and not is_mail
        has_more = is_mail and (parts.path.strip("/") or parts.query or parts.fragment)
        if is_bad or has_more or " " in text or not (parts.scheme in schemes or is_local_http):
            raise BadText(advice)
        if not is_mail and "@" in parts.netloc:
            raise BadText("{name} has a user or password in it; such a URL cannot be used.")
        return True

    return read


def _postgres_url(text: str) -> bool:
    if not text.startswith(POSTGRES):
        raise BadText(f"{{name}} must begin with {POSTGRES}: without the driver's name SQLAlchemy wants another one.")
    return True


def _salt(text: str) -> bool:
    if len(text) < SALT_LENGTH:
        raise BadText(f"{{name}} is too short: write {SALT_LENGTH} or more random characters, or leave it out.")
    return True


def _addresses(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_between_commas(text)))
    if not all(ADDRESS.fullmatch(address) for address in found) or len(found) > ADDRESSES_AT_MOST:
        many = f"at most {ADDRESSES_AT_MOST} addresses with commas between them"
        raise BadText(f"{{name}} must be {many}, such as finance@example.com.")
    return found


def _address(text: str) -> str:
    if text and not ADDRESS.fullmatch(text):
        raise BadText("{name} must be one address, such as finance@example.com.")
    return text


def export_table(text: str) -> str:
    """The address of a table in BigQuery, as its console shows it."""
    if text and not EXPORT_TABLE.fullmatch(text):
        raise BadText("{name} is {value!r}; write project.dataset.table, as BigQuery's console shows the table's id.")
    return text


def _hosts(text: str) -> tuple[str, ...]:
    found = tuple(host.lower() for host in _between_commas(text))
    if not all(HOST.fullmatch(host) for host in found):
        raise BadText("{name} must be names with commas between them, such as usage.example.com,ui:3000.")
    return found


def _between_commas(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


WarehouseName = Annotated[Literal["duckdb", "bigquery"], _reads(_one_of("duckdb", "bigquery"))]
Switch = Annotated[bool, _reads(_second_of("0", "1"))]
ForGroup = Annotated[bool, _reads(_second_of("owner", "group"))]
IsSet = Annotated[bool, _reads(bool)]  # of a secret nothing more is known
PostgresUrl = Annotated[bool, _reads(_postgres_url)]
Salt = Annotated[bool, _reads(_salt)]
WebhookUrl = Annotated[bool, _reads(_secret_url("https"))]  # plain http is for loopback only
MailServerUrl = Annotated[bool, _reads(_secret_url("smtps", "smtp"))]
Day = Annotated[date, _reads(_day)]
Instant = Annotated[datetime, _reads(_instant)]
WeeklyTime = Annotated[WeekTime | None, _reads(_week_time)]  # None: never
Zone = Annotated[str, _reads(_zone)]
Region = Annotated[str, _reads(_region)]
Share = Annotated[Decimal, _reads(_share)]
Ratio = Annotated[Decimal, _reads(_ratio)]
Count = Annotated[int, _reads(_count)]
Bytes = Annotated[int, _reads(_bytes)]
DayCount = Annotated[int, _reads(_day_count)]
Folder = Annotated[Path, _reads(_folder)]
Home = Annotated[Path, _reads(_home)]
File = Annotated[Path, _reads(file)]
PathElsewhere = Annotated[str, _reads(_path_elsewhere)]  # on another machine: it need not exist on this one
BaseUrl = Annotated[str, _reads(_base_url())]  # without a slash at its end; keys are sent there
GoogleUrl = Annotated[str, _reads(_base_url("http://127.0.0.1:8900/google"))]
EmulatorUrl = Annotated[str, _reads(_base_url("http://127.0.0.1:9050"))]
MetabaseUrl = Annotated[str, _reads(_base_url("http://127.0.0.1:3001"))]
PageUrl = Annotated[str, _reads(_page_url)]  # where a browser goes; no key is ever sent there
Addresses = Annotated[tuple[str, ...], _reads(_addresses)]
Address = Annotated[str, _reads(_address)]
ExportTable = Annotated[str, _reads(export_table)]
Hosts = Annotated[tuple[str, ...], _reads(_hosts)]
