"""Accounts from the variables and accounts.toml. Invalid ones are refused, with what to do."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ai_usage.accounts import Account, account_names, accounts_of, refuse_unknown_providers
from ai_usage.errors import SettingError
from ai_usage.providers.anthropic.resource import ADMIN_KEY, ANALYTICS_KEY, FIELDS
from ai_usage.providers.cursor import resource as cursor
from ai_usage.providers.registry import BY_KEY
from ai_usage.secrecy import without_secrets
from ai_usage.settings import Settings, read_settings

EU_KEY = "sk-ant-admin01-eu7f3k2m9q4x"
KEYS = {"ANTHROPIC_ADMIN_API_KEY": "sk-ant-admin01-of-one", "ANTHROPIC_ANALYTICS_API_KEY": "sk-ant-analytics-of-two"}
EU = """
[[account]]
provider = "anthropic"
name = "eu"
admin_key = "env:ANTHROPIC_KEY_EU"
base_url = "https://eu.example.com/"
"""


def settings_of(tmp_path: Path, written: str, environ: Mapping[str, str] = KEYS) -> Settings:
    file = tmp_path / "accounts.toml"
    file.write_text(written, encoding="utf-8")
    return read_settings({**environ, "AI_USAGE_ACCOUNTS": str(file)})


def test_each_variable_makes_the_account_of_its_own_organization() -> None:
    of = read_settings(KEYS)
    accounts = accounts_of(of, FIELDS, KEYS)
    assert [(account.name, dict(account.credentials)) for account in accounts] == [
        ("default", {ADMIN_KEY: "sk-ant-admin01-of-one"}),
        ("enterprise", {ANALYTICS_KEY: "sk-ant-analytics-of-two"}),
    ]
    assert account_names(of, FIELDS, ADMIN_KEY) == ["default"]
    assert account_names(of, FIELDS, ANALYTICS_KEY) == ["enterprise"]
    assert accounts_of(of, cursor.FIELDS, KEYS) == []


def test_the_file_adds_accounts_with_keys_of_the_environment(tmp_path: Path) -> None:
    of = settings_of(tmp_path, EU)
    *_, eu = accounts_of(of, FIELDS, {**KEYS, "ANTHROPIC_KEY_EU": EU_KEY})
    assert eu == Account(
        "anthropic",
        "eu",
        {ADMIN_KEY: EU_KEY},
        "https://eu.example.com",
        variables={ADMIN_KEY: "ANTHROPIC_KEY_EU"},
    )
    assert EU_KEY not in repr(eu)
    assert EU_KEY not in without_secrets(f"the key {EU_KEY} was refused")
    assert account_names(of, FIELDS, ADMIN_KEY) == ["default", "eu"]


def test_a_variable_that_the_file_names_makes_no_account_of_its_own(tmp_path: Path) -> None:
    written = (
        '[[account]]\nprovider = "anthropic"\nname = "people"\nanalytics_key = "env:ANTHROPIC_ANALYTICS_API_KEY"\n'
    )
    of = settings_of(tmp_path, written)
    assert [account.name for account in accounts_of(of, FIELDS, KEYS)] == ["default", "people"]
    assert account_names(of, FIELDS, ANALYTICS_KEY) == ["people"]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (EU.replace("env:ANTHROPIC_KEY_EU", EU_KEY), "has admin_key in the file itself; put it into a variable and"),
        (EU.replace("admin_key", "admin"), "has the field 'admin'; there are admin_key, analytics_key, base_url, name"),
        (EU.replace('"eu"', '"Europe!"'), "has the name 'Europe!'; write 1 to 40 of a-z, 0-9, _ and -"),
        (EU.replace('"eu"', '"default"'), "There are two accounts 'default' of anthropic: give the one in"),
        (EU.replace("_EU", "_US"), "takes admin_key from ANTHROPIC_KEY_US, which is not set: set it, or take the"),
        (EU.replace('admin_key = "env:ANTHROPIC_KEY_EU"', ""), 'has no credential; write admin_key = "env:NAME_OF'),
        (EU.replace("https://eu", "http://eu"), "base_url would send the key unencrypted to eu.example.com"),
        (EU.replace('"https://eu', '"https://@eu'), "password there would be shown, and is not used."),
        ("accounts = 1", "must hold [[account]] tables alone"),
        ("[[account]", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do_and_without_the_key(
    tmp_path: Path, written: str, why: str
) -> None:
    with pytest.raises(SettingError) as caught:
        accounts_of(settings_of(tmp_path, written), FIELDS, {**KEYS, "ANTHROPIC_KEY_EU": EU_KEY})
    assert why in str(caught.value)
    assert "accounts.toml" in str(caught.value)
    assert EU_KEY not in str(caught.value)
    assert not str(caught.value).endswith("..")


@pytest.mark.parametrize(("written", "named"), [('"antropic"', "'antropic'"), ('["anthropic"]', r"\['anthropic'\]")])
def test_an_unknown_provider_is_refused_by_name(tmp_path: Path, written: str, named: str) -> None:
    of = settings_of(tmp_path, EU.replace('"anthropic"', written))
    with pytest.raises(
        SettingError, match=rf"account 1 has the provider {named}; write one of anthropic, cursor, google, openai\."
    ):
        refuse_unknown_providers(of, BY_KEY)
    refuse_unknown_providers(settings_of(tmp_path, EU), BY_KEY)
