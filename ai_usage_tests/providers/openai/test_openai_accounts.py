"""OpenAI's accounts: an organization of the API and a ChatGPT workspace, with different addresses; and the probe."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ai_usage.accounts import account_names, accounts_of
from ai_usage.errors import SettingError
from ai_usage.providers.openai.client import OpenAIAdmin
from ai_usage.providers.openai.probe import PROBE
from ai_usage.providers.openai.provider import OPENAI
from ai_usage.providers.openai.resource import ADMIN_KEY, CODEX_KEY, FIELDS, open_client
from ai_usage.providers.openai.tables import DAILY_PULLS, SNAPSHOT_PULLS
from ai_usage.secrecy import without_secrets
from ai_usage.settings import CODEX_URL, OPENAI_URL, PROVIDER_KEYS, SECRETS, Settings, read_settings
from ai_usage_tests import mock_openai
from ai_usage_tests.mock_openai import MockOpenAI

KEYS = {
    "OPENAI_ADMIN_KEY": "sk-admin-of-one-0001",
    "OPENAI_CODEX_ANALYTICS_KEY": "codex-of-two-0001",
    "OPENAI_CODEX_WORKSPACE_ID": "ws-1",
}


def settings_of(tmp_path: Path, written: str) -> Settings:
    file = tmp_path / "accounts.toml"
    file.write_text(f'[[account]]\nprovider = "openai"\nname = "labs"\n{written}', encoding="utf-8")
    return read_settings({"AI_USAGE_ACCOUNTS": str(file)})


def test_each_variable_makes_the_account_of_its_own_organization_at_its_own_address() -> None:
    of = read_settings(KEYS)
    one, two = accounts_of(of, FIELDS, KEYS)
    assert (one.name, one.base_url, one.credentials, one.options) == (
        "default",
        OPENAI_URL,
        {ADMIN_KEY: KEYS["OPENAI_ADMIN_KEY"]},
        {},
    )
    assert (two.name, two.base_url, two.credentials, two.options) == (
        "chatgpt",
        CODEX_URL,
        {CODEX_KEY: KEYS["OPENAI_CODEX_ANALYTICS_KEY"]},
        {"workspace_id": "ws-1"},
    )
    assert (account_names(of, FIELDS, ADMIN_KEY), account_names(of, FIELDS, CODEX_KEY)) == (["default"], ["chatgpt"])
    for client, account in ((open_client(one, of), "default"), (open_client(two, of), "chatgpt")):
        with closing(client):
            assert client.account == account
    assert [client_of(one, of).is_of_organization, client_of(two, of).is_of_workspace] == [True, True]


def client_of(account: Any, of: Settings) -> OpenAIAdmin:
    client = open_client(account, of)
    client.close()
    return client


def test_the_variables_of_addresses_move_each_account() -> None:
    moved = {"OPENAI_ADMIN_BASE_URL": "https://one.example/v1", "OPENAI_CODEX_BASE_URL": "https://two.example/x"}
    of = read_settings(KEYS | moved)
    assert [account.base_url for account in accounts_of(of, FIELDS, KEYS)] == list(moved.values())


def test_an_account_of_the_file_with_a_workspaces_key_is_asked_where_workspaces_are(tmp_path: Path) -> None:
    of = settings_of(tmp_path, 'codex_key = "env:LABS"\nworkspace_id = "ws-9"')
    [labs] = accounts_of(of, FIELDS, {"LABS": "codex-of-labs-0001"})
    assert (labs.base_url, labs.options, labs.variables) == (CODEX_URL, {"workspace_id": "ws-9"}, {CODEX_KEY: "LABS"})
    assert client_of(labs, of).workspace == "ws-9"
    own = settings_of(tmp_path, 'codex_key = "env:LABS"\nbase_url = "https://proxy.example"\nworkspace_id = "ws-9"')
    assert [account.base_url for account in accounts_of(own, FIELDS, {"LABS": "x"})] == ["https://proxy.example"]
    api = settings_of(tmp_path, 'admin_key = "env:LABS"')
    assert [account.base_url for account in accounts_of(api, FIELDS, {"LABS": "x"})] == [OPENAI_URL]


def test_keys_of_two_addresses_are_no_one_account(tmp_path: Path) -> None:
    of = settings_of(tmp_path, 'admin_key = "env:ONE"\ncodex_key = "env:TWO"\nworkspace_id = "ws-9"')
    with pytest.raises(SettingError, match="has admin_key and codex_key, which are asked at different addresses"):
        accounts_of(of, FIELDS, {"ONE": "x", "TWO": "y"})


def test_a_workspaces_key_without_the_workspace_is_refused_by_name(tmp_path: Path) -> None:
    of = settings_of(tmp_path, 'codex_key = "env:LABS"')
    [labs] = accounts_of(of, FIELDS, {"LABS": "codex-of-labs-0001"})
    with pytest.raises(SettingError, match=r"LABS is the key of a ChatGPT workspace, .* set OPENAI_CODEX_WORKSPACE_ID"):
        open_client(labs, of)


def test_the_error_of_a_refused_key_names_the_variable_of_its_account(tmp_path: Path) -> None:
    of = settings_of(tmp_path, 'admin_key = "env:LABS"')
    [labs] = accounts_of(of, FIELDS, {"LABS": "sk-admin-of-labs-0001"})
    assert "LABS is wrong, revoked or of another kind" in client_of(labs, of).api.words.advice[401]
    assert "sk-admin-of-labs-0001" not in without_secrets("the key sk-admin-of-labs-0001 was refused")


def test_both_keys_are_secrets_and_make_a_real_provider() -> None:
    for name in ("OPENAI_ADMIN_KEY", "OPENAI_CODEX_ANALYTICS_KEY"):
        assert name in SECRETS
        assert name in PROVIDER_KEYS
        assert read_settings({name: "x"}).any_provider_key
    assert not read_settings({"OPENAI_CODEX_WORKSPACE_ID": "ws-1"}).any_provider_key
    every = [credential.variable for credential in FIELDS.credentials]
    assert set(every) <= set(PROVIDER_KEYS)


def test_each_report_is_asked_of_the_accounts_that_have_its_key_alone() -> None:
    mock = MockOpenAI()
    api, codex = mock.admin(), mock.codex_admin()
    of_codex = {pull for pull, report in PROBE.reports.items() if report.is_asked_of(codex)}
    assert of_codex == {"openai_codex_usage"}
    assert {pull for pull, report in PROBE.reports.items() if not report.is_asked_of(api)} == of_codex
    assert PROBE.reports.keys() == {*DAILY_PULLS, *SNAPSHOT_PULLS}
    optional = {pull for pull, report in PROBE.reports.items() if report.needs}
    assert optional == set(OPENAI.optional_pulls)


def test_the_doctor_asks_of_each_key_whether_it_is_accepted() -> None:
    mock = MockOpenAI()
    admin_key, codex_key = PROBE.keys
    api, codex = mock.admin(), mock.codex_admin()
    assert [key.is_had(client) for client in (api, codex) for key in PROBE.keys] == [True, False, False, True]
    assert admin_key.ask(api) == "an organization of 1 projects"
    assert codex_key.ask(codex) is None
    with pytest.raises(SettingError, match=r"Codex analytics answer 401\. OPENAI_CODEX_ANALYTICS_KEY is wrong"):
        codex_key.ask(mock.codex_admin(mock_openai.KEY))
    assert [pull for pull in PROBE.reports if codex_key.opens(codex, pull)] == ["openai_codex_usage"]
    assert replace(api, account="eu").account == "eu"
