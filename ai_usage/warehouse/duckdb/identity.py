"""Finds what names a person in a warehouse: addresses, names, names of API keys, and ids that providers have for
them.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ai_usage.phrases import WORD, Phrases, canonical, folded, word_count
from ai_usage.warehouse.duckdb.engine import DuckDBWarehouse
from ai_usage.warehouse.erasures import ACCOUNT, ANYWHERE, WHOLE_NAME, Phrase
from ai_usage.warehouse.table import ANALYTICS

DOMAIN = "erased.invalid"
ADDRESSES = {"email", "email_address", "user_email", "userEmail"}
NAMES = {"name", "userName", "user_name", "display_name", "full_name"}
IDS = {"id", "user_id", "userId"}
CLAUDE_CODE_KEY = "claude_code_key_"
AT_A_TIME = 10_000  # rows
SHORTEST_NAME = 3  # letters of a word of a name that a key may be named by
PEOPLE = f"select user_email, person_email, user_name from {ANALYTICS}.dim_person"
KEYS = f"select api_key_id, api_key_name, user_email, creator_email from {ANALYTICS}.dim_api_key_mapping"


@dataclass
class Identity:
    """What is known of one person."""

    addresses: list[str]
    names: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)  # providers' ids of them
    keys: set[str] = field(default_factory=set)  # names of their API keys
    of_others: set[str] = field(default_factory=set)  # canonical names of other people

    def phrases(self, tag: str) -> list[Phrase]:
        """Everything that names them; `tag` stands in its place."""
        found = [
            Phrase(address, ANYWHERE, f"{tag}{f'.{n}' if n else ''}@{DOMAIN}")
            for n, address in enumerate(self.addresses)
        ]
        locals_ = {address.partition("@")[0] for address in self.addresses}
        words = {canonical(each) for each in (*locals_, *self.names) if word_count(each) == 1}
        words |= {w for name in (*self.names, *locals_) for w in canonical(name).split() if len(w) >= SHORTEST_NAME}
        found += [self._named(name, tag) for name in sorted({*self.names, *locals_}) if word_count(name)]
        anywhere = {canonical(p.text): p.replacement for p in found if p.kind == ANYWHERE}
        known = Phrases(anywhere.get, {word_count(phrase) for phrase in anywhere})
        for key in sorted({*self.keys, *(CLAUDE_CODE_KEY + each for each in locals_)}):
            first = known.replaced(key)
            clean = WORD.sub(lambda word: tag if folded(word[0]) in words else word[0], first)
            if clean != first:
                found.append(Phrase(key, ANYWHERE if word_count(key) > 1 else WHOLE_NAME, clean))
        taken = {canonical(phrase.text) for phrase in found}
        return found + [Phrase(each, ACCOUNT) for each in sorted(self.accounts) if canonical(each) not in taken]

    def _named(self, name: str, tag: str) -> Phrase:
        is_theirs_alone = word_count(name) > 1 and canonical(name) not in self.of_others
        return Phrase(name, ANYWHERE if is_theirs_alone else WHOLE_NAME, tag)


def identity_of(warehouse: DuckDBWarehouse, address: str) -> Identity | None:
    """Who has the address; None if the warehouse does not name it."""
    wanted = address.strip().lower()
    with warehouse.connected():
        people = warehouse.ask(PEOPLE).to_dicts()
        person = next((row["person_email"] for row in people if row["user_email"] == wanted), wanted)
        theirs = [row for row in people if row["person_email"] == person]
        addresses = list(dict.fromkeys([wanted, *(row["user_email"] for row in theirs)]))
        found = Identity(addresses, {row["user_name"] for row in theirs if row["user_name"]})
        others = [row for row in people if row["person_email"] != person]
        found.of_others = {canonical(row["user_name"]) for row in others if row["user_name"]}
        found.of_others |= {canonical(row["user_email"].partition("@")[0]) for row in others}
        is_named = bool(theirs)
        for record in _records_with(warehouse, addresses):
            is_named = True
            _learn(json.loads(record), found)
        _learn_keys(warehouse, found)
    return found if is_named else None


def words_of(identity: Identity) -> list[str]:
    """Words of which everything that names a person has one; an empty one is in every text."""
    chosen: list[str] = []
    for phrase in identity.phrases("erased"):
        words = WORD.findall(folded(phrase.text.partition("@")[0]))
        if phrase.kind != ACCOUNT and not {*words} & {*chosen}:
            chosen.append(max((word for word in words if word.isascii()), key=len, default=""))
    return chosen


def _records_with(warehouse: DuckDBWarehouse, addresses: Sequence[str]) -> Iterator[str]:
    """Every record in which one of the addresses stands, of all versions."""
    local = sorted({address.partition("@")[0] for address in addresses})
    theirs = Phrases(dict.fromkeys(addresses, "").get, {word_count(address) for address in addresses})
    for table in warehouse.tables:
        if table.is_ledger:
            with warehouse.connected() as db:
                found = db.cursor().execute(
                    f"select distinct record from {table.address} "
                    "where list_bool_or(list_transform($local, part -> contains(lower(record), part)))",
                    {"local": local},
                )
                while rows := found.fetchmany(AT_A_TIME):
                    yield from (record for (record,) in rows if theirs.replaced(record) != record)


def _learn(record: Any, found: Identity) -> None:
    """Names and providers' ids that are in the same object as their address."""
    if isinstance(record, list):
        for each in record:
            _learn(each, found)
    if not isinstance(record, dict):
        return
    if any(str(record.get(key) or "").strip().lower() in found.addresses for key in ADDRESSES):
        found.names |= {value for key in NAMES if isinstance(value := record.get(key), str) and value.strip()}
        found.accounts |= {value for key in IDS if isinstance(value := record.get(key), str) and value}
    for each in record.values():
        _learn(each, found)


def _learn_keys(warehouse: DuckDBWarehouse, found: Identity) -> None:
    own = {CLAUDE_CODE_KEY + address.partition("@")[0] for address in found.addresses}
    for row in warehouse.ask(KEYS).to_dicts():
        name = row["api_key_name"]
        if name and ({row["user_email"], row["creator_email"]} & {*found.addresses} or name.lower() in own):
            found.keys.add(name)
