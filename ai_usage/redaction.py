"""Removes what no output may show: secrets always, and names of people if pseudonyms are on. One function for messages,
pages, exports and the output of commands.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from ai_usage.phrases import Phrases, canonical, word_count

EMAIL = re.compile(r"[\w.!#$%&'*+=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
LIKE_A_KEY = re.compile(r"\b(?:sk|key|xox[a-z])[-_][A-Za-z0-9_-]{16,}")
CLAUDE_CODE_KEY = re.compile(r"(claude_code_key_)([\w.+-]*\w)", re.IGNORECASE)  # Anthropic names a user's key by them
IN_A_URL = re.compile(r"(?<=\w)%40(?=\w)")  # the @ of an address
HIDDEN = "[secret]"


def pseudonym(address: str, salt: str) -> str:
    """The same short name for the same address, whatever its case; without the salt the address cannot be found."""
    digest = hmac.new(salt.encode(), address.strip().lower().encode(), hashlib.sha256).hexdigest()
    return f"person-{digest[:10]}"


@dataclass(frozen=True)
class KnownPeople:
    """Names of people besides addresses. Phrases are canonical, see `phrases`."""

    addresses: Mapping[str, str] = field(
        default_factory=dict
    )  # an address, its part before the @, a name → the address
    keys: Mapping[str, str] = field(default_factory=dict)  # the name of an API key that names somebody → the key's id

    @cached_property
    def lengths(self) -> frozenset[int]:
        return frozenset(word_count(phrase) for phrase in (*self.addresses, *self.keys))


def no_people() -> KnownPeople:
    return KnownPeople()


@dataclass(frozen=True)
class Redaction:
    """Applied to every text before it is kept, sent or shown. `people` returns the people known so far."""

    secrets: Collection[str] = ()  # longest first
    salt: str = ""
    people: Callable[[], KnownPeople] = no_people

    def __call__(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        text = LIKE_A_KEY.sub(HIDDEN, text)
        return self._nameless(text) if self.salt else text

    def frame(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with every text redacted; each distinct text once, since names repeat."""
        people = self.people() if self.salt else KnownPeople()
        redact = replace(self, people=lambda: people)
        for name, of in rows.schema.items():
            if of == pl.String:
                texts = rows[name].unique().drop_nulls().to_list()
                rows = rows.with_columns(pl.col(name).replace({text: redact(text) for text in texts}))
        return rows

    def _nameless(self, text: str) -> str:
        """Known people first, wherever a text runs on into what looks like their address; then every other address."""
        people = self.people()

        def instead(text: str) -> str | None:
            address = people.addresses.get(text)
            return pseudonym(address, self.salt) if address else people.keys.get(text)

        text = CLAUDE_CODE_KEY.sub(lambda found: found[1] + self._of_key(found[2], people), IN_A_URL.sub("@", text))
        text = Phrases(instead, people.lengths).replaced(text)
        return EMAIL.sub(lambda found: pseudonym(found[0], self.salt), text)

    def _of_key(self, user: str, people: KnownPeople) -> str:
        return pseudonym(people.addresses.get(canonical(user), user), self.salt)

    def __repr__(self) -> str:
        return "Redaction()"
