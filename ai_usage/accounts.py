"""Accounts: an account is one billing organization or team at a provider, with its own credentials.

Each of a provider's variables makes an account. The file that `AI_USAGE_ACCOUNTS` names adds more. The file holds no
credential; it names the variable that holds it. A variable that the file names does not make another account.
"""

import os
import re
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ai_usage.errors import SettingError
from ai_usage.secrecy import keep_secret
from ai_usage.setting_types import BadText, BaseUrl
from ai_usage.settings import Settings

NAME = re.compile(r"[a-z0-9_-]{1,40}")
VARIABLE = re.compile(r"env:(\w+)")
EXAMPLE = '[[account]] provider = "…", name = "eu", <credential> = "env:NAME_OF_A_VARIABLE"'

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Credential:
    """A kind of key of a provider's accounts: its field in the file, and the variable that makes an account when it is
    set. The settings may give this kind of key its own base URL, and the variable's account its options.
    """

    field: str
    variable: str
    account: str
    is_set: Callable[[Settings], bool]
    base_url: Callable[[Settings], str] | None = None  # None: the provider's
    options: Callable[[Settings], Mapping[str, str]] = lambda _: {}
    is_secret: bool = True  # what is not secret may be in the file itself, and in messages


@dataclass(frozen=True)
class AccountFields:
    """The fields of a provider's accounts. `base_url` is from the settings, unless an account has its own."""

    provider: str
    credentials: tuple[Credential, ...]
    base_url: Callable[[Settings], str]
    options: tuple[str, ...] = ()  # further texts that an account may have

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(credential.field for credential in self.credentials)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The fields of credentials that no message may show."""
        return tuple(credential.field for credential in self.credentials if credential.is_secret)

    def having(self, names: Collection[str]) -> list[Credential]:
        """The credentials of these fields."""
        return [credential for credential in self.credentials if credential.field in names]

    def base_urls(self, of: Settings, names: Collection[str]) -> list[str]:
        """The base URLs in the settings for these credentials: the keys of one account share one."""
        found = [(credential.base_url or self.base_url)(of) for credential in self.having(names)]
        return list(dict.fromkeys(found)) or [self.base_url(of)]


@dataclass(frozen=True)
class Account:
    """One account. Every pull stores its name as `account`, so a renamed account is a new one."""

    provider: str
    name: str
    credentials: Mapping[str, str] = field(repr=False)  # field → credential, for those that it has
    base_url: str
    options: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)  # field → the variable that holds that credential
    is_simulated: bool = False


def accounts_of(of: Settings, fields: AccountFields, environ: Mapping[str, str] = os.environ) -> list[Account]:
    """The accounts of a provider, those of its variables first. `SettingError` names the error in the file."""
    entries = _entries(of, fields)
    taken = {variable for entry in entries for variable in entry.variables().values()}
    found = [*_of_variables(of, fields, environ, taken), *(entry.account(environ) for entry in entries)]
    names = [account.name for account in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingError(
            f"There are two accounts {twice!r} of {fields.provider}: give the one in {of.accounts_file} another name, "
            "or unset the variable that makes the other."
        )
    for account in found:
        keep_secret(*(text for of_field, text in account.credentials.items() if of_field in fields.secrets))
    return found


def account_names(of: Settings, fields: AccountFields, credential: str | None = None) -> list[str]:
    """The accounts that have a credential (None: any). Reads the settings only, never a key."""
    return [name for name, kinds in credentials_by_account(of, fields).items() if credential in (None, *kinds)]


def credentials_by_account(of: Settings, fields: AccountFields) -> dict[str, tuple[str, ...]]:
    """Account → the kinds of credentials that it has. Reads the settings only, never a key. The built-in provider has
    an account for each variable.
    """
    entries = [] if of.simulate else _entries(of, fields)
    taken = {variable for entry in entries for variable in entry.variables().values()}
    found: dict[str, tuple[str, ...]] = {}
    for one in fields.credentials:
        if of.simulate or (one.variable not in taken and one.is_set(of)):
            found[one.account] = (*found.get(one.account, ()), one.field)
    return found | {str(entry.written.get("name")): tuple(entry.named()) for entry in entries}


def refuse_unknown_providers(of: Settings, known: Collection[str]) -> None:
    """`SettingError` if the file has an account of an unknown provider."""
    for n, entry in entries_of(of):
        if entry.get("provider") not in list(known):  # a list, because the file may hold an array, which has no hash
            raise SettingError(
                f"{of.accounts_file}: account {n} has the provider {entry.get('provider')!r}; write one of "
                f"{', '.join(sorted(known))}."
            )


def entries_of(of: Settings) -> list[tuple[int, Entry]]:
    """The accounts of the file as written there, with their numbers; none without a file."""
    if of.accounts_file is None:
        return []
    try:
        with of.accounts_file.open("rb") as file:
            content = tomllib.load(file)
    except (OSError, ValueError) as error:  # TOML's own error is a ValueError
        raise SettingError(f"AI_USAGE_ACCOUNTS: {of.accounts_file} cannot be read: {error}. {EXAMPLE}") from error
    entries = content.get("account")
    if content.keys() != {"account"} or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise SettingError(f"AI_USAGE_ACCOUNTS: {of.accounts_file} must hold [[account]] tables alone: {EXAMPLE}")
    return list(enumerate(entries, 1))


def _entries(of: Settings, fields: AccountFields) -> "list[_Entry]":
    return [_Entry(of, fields, n, each) for n, each in entries_of(of) if each.get("provider") == fields.provider]


def _of_variables(
    of: Settings, fields: AccountFields, environ: Mapping[str, str], taken: Collection[str]
) -> Sequence[Account]:
    found: dict[str, dict[str, str]] = {}  # account → credential → the variable that holds it
    for credential in fields.credentials:
        if credential.variable not in taken and environ.get(credential.variable, "").strip():
            found.setdefault(credential.account, {})[credential.field] = credential.variable
    return [
        Account(
            fields.provider,
            name,
            _values(variables, environ),
            fields.base_urls(of, variables)[0],
            {name: text for one in fields.having(variables) for name, text in one.options(of).items() if text},
            variables,
        )
        for name, variables in found.items()
    ]


def _values(variables: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    return {of_field: environ[variable].strip() for of_field, variable in variables.items()}


@dataclass(frozen=True)
class _Entry:
    """One account of the file, of a known provider."""

    of: Settings
    fields: AccountFields
    number: int
    written: Entry

    def account(self, environ: Mapping[str, str]) -> Account:
        known = {"provider", "name", "base_url", *self.fields.names, *self.fields.options}
        if unknown := sorted(self.written.keys() - known):
            raise self.wrong(f"has the field {unknown[0]!r}; there are {', '.join(sorted(known))}")
        name = self.written.get("name")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise self.wrong(f'has the name {name!r}; write 1 to 40 of a-z, 0-9, _ and -, such as "eu"')
        if not (named := self.named()):
            raise self.wrong(f"has no credential; write {self._example()}")
        variables = self.variables()
        for of_field, variable in variables.items():
            if not environ.get(variable, "").strip():
                raise self.wrong(f"takes {of_field} from {variable}, which is not set: set it, or take the account out")
        credentials = {**named, **_values(variables, environ)}
        base_url = self._base_url(named)
        return Account(self.fields.provider, name, credentials, base_url, self._options(), variables)

    def variables(self) -> dict[str, str]:
        """Credential → the variable that holds it."""
        found: dict[str, str] = {}
        for of_field in self.fields.names:
            if of_field in self.written:
                named = VARIABLE.fullmatch(str(self.written[of_field]))
                if not named and of_field in self.fields.secrets:
                    raise self.wrong(
                        f"has {of_field} in the file itself; put it into a variable and write {of_field} = "
                        '"env:NAME_OF_THAT_VARIABLE"'
                    )
                if named:
                    found[of_field] = named[1]
        return found

    def named(self) -> dict[str, str]:
        """Credential → its text in the file: the variable that holds it, or the value; lists joined by commas."""
        written = {of_field: self.written[of_field] for of_field in self.fields.names if of_field in self.written}
        return {
            of_field: ",".join(map(str, text)) if isinstance(text, list) else str(text)
            for of_field, text in written.items()
        }

    def _example(self) -> str:
        first = self.fields.names[0]
        return f'{first} = "{"env:NAME_OF_A_VARIABLE" if first in self.fields.secrets else "…"}"'

    def _base_url(self, names: Collection[str]) -> str:
        usual, *others = self.fields.base_urls(self.of, names)
        if others:
            raise self.wrong(
                f"has {' and '.join(names)}, which are asked at different addresses: write an account each"
            )
        if "base_url" not in self.written:
            return usual
        try:
            url: str = TypeAdapter(BaseUrl).validate_python(self.written["base_url"])
        except ValidationError as error:
            why = error.errors()[0].get("ctx", {}).get("error")
        else:
            return url
        if isinstance(why, BadText):
            sentence = why.sentence(name="base_url", default=usual)
            raise self.wrong(f"cannot be used: {sentence.removesuffix('.')}")
        raise self.wrong(f'has a base_url that is no text; write one such as "{usual}"')

    def _options(self) -> dict[str, str]:
        return {name: str(self.written[name]) for name in self.fields.options if name in self.written}

    def wrong(self, why: str) -> SettingError:
        return SettingError(f"{self.of.accounts_file}: account {self.number} of {self.fields.provider} {why}.")
