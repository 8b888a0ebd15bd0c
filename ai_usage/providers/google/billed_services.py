"""Rules for services and SKUs: which parts of a Google bill are spend on AI, and on which platform."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import msgspec

from ai_usage.errors import SettingError

DEFAULT_FILE = Path(__file__).with_name("billed_services.toml")
PLATFORMS = ("gemini_code_assist", "gemini_api", "vertex_ai")
# Services without a rule that are requested nevertheless: a renamed service must not lose rows.
RENAMED = "gemini|vertex|agent platform|agentic|duet|code assist"
VARIABLE = "GEMINI_SERVICES"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which rows are of a platform: those of a service, by its id or its name, with a SKU of these words, if any."""

    name: str
    platform: str  # empty: no spend on AI
    services: tuple[str, ...] = ()
    service_words: str = ""
    sku_words: str = ""


class _Labels(msgspec.Struct, forbid_unknown_fields=True):
    team: tuple[str, ...] = ()
    person: tuple[str, ...] = ()


class _File(msgspec.Struct, forbid_unknown_fields=True):
    rule: list[Rule]
    labels: _Labels = msgspec.field(default_factory=_Labels)


def plain(text: str | None) -> str:
    """A service's or SKU's text as rules compare it: Google writes the same with spaces and with underscores."""
    return " ".join((text or "").replace("_", " ").lower().split())


@dataclass(frozen=True)
class Services:
    """The rules, in order, and the keys of labels that name a team or a person, the first of which counts."""

    rules: tuple[Rule, ...]
    team_labels: tuple[str, ...] = ()
    person_labels: tuple[str, ...] = ()

    @classmethod
    def default(cls) -> "Services":
        return read_services(None)

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the services that rules name."""
        return tuple(dict.fromkeys(service for rule in self.rules for service in rule.services))

    @property
    def words(self) -> str:
        """A regular expression that finds a service by its name, in lower case."""
        return "|".join(dict.fromkeys([RENAMED, *(rule.service_words for rule in self.rules if rule.service_words)]))

    def rule_of(self, service_id: str | None, service: str | None, sku: str | None) -> Rule | None:
        """The first rule that fits; None if none does."""
        key = (service_id or "", plain(service), plain(sku))
        if key not in self._found:
            self._found[key] = next((rule for rule in self.rules if _fits(rule, *key)), None)
        return self._found[key]

    @cached_property
    def _found(self) -> dict[tuple[str, str, str], Rule | None]:
        """A bill has few SKUs and many rows."""
        return {}


def _fits(rule: Rule, service_id: str, service: str, sku: str) -> bool:
    is_service = service_id in rule.services or bool(rule.service_words and re.search(rule.service_words, service))
    return is_service and (not rule.sku_words or bool(re.search(rule.sku_words, sku)))


@cache
def read_services(path: Path | None) -> Services:
    """The rules of a TOML file, or the default ones. `SettingError` names the file and what is wrong."""
    file = path or DEFAULT_FILE
    try:
        with file.open("rb") as opened:
            found = msgspec.convert(tomllib.load(opened), _File)
        for rule in found.rule:
            _refuse_unusable(rule)
    except (OSError, ValueError, re.error, msgspec.ValidationError) as error:  # TOML's own error is a ValueError
        raise SettingError(
            f'{VARIABLE}: {file} cannot be used: {error}. It has entries such as [[rule]] name = "Gemini API", '
            'services = ["AEFD-7695-64FA"], platform = "gemini_api".'
        ) from error
    return Services(tuple(found.rule), found.labels.team, found.labels.person)


def _refuse_unusable(rule: Rule, platforms: Sequence[str] = PLATFORMS) -> None:
    if rule.platform not in ("", *platforms):
        raise ValueError(f"{rule.name} has the platform {rule.platform!r}; write one of {', '.join(platforms)}")
    if not rule.services and not rule.service_words:
        raise ValueError(f"{rule.name} names no service")
    for words in (rule.service_words, rule.sku_words):
        re.compile(words)
