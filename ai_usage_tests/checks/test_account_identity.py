"""An organization with two accounts counts twice: the check fails, in a run too, and passes with one account each."""

from ai_usage.core.accounts import DIM_ACCOUNT, account_rows
from ai_usage.providers.directory import AccountName
from ai_usage_tests.platform import Platform

SINGLE = "organizations_have_one_account"


def listed(platform: Platform, ids: dict[str, str]) -> None:
    """Account → the id of its organization at the provider."""
    names = {account: AccountName(id_, None) for account, id_ in ids.items()}
    rows = account_rows("anthropic", dict.fromkeys(ids, ("admin_key",)), {}, names)
    columns = {name: [row[name] for row in rows] for name in DIM_ACCOUNT.columns}
    platform.warehouse.replace_all(DIM_ACCOUNT, DIM_ACCOUNT.frame(columns))


def test_one_organization_behind_two_accounts_does_not_pass(platform: Platform) -> None:
    listed(platform, {"default": "org-1", "eu": "org-2"})
    assert platform.check(SINGLE).not_passed(SINGLE) == set()
    listed(platform, {"default": "org-1", "eu": "org-1"})
    outcome = platform.check(SINGLE)
    assert outcome.not_passed(SINGLE) == {None}
    assert "default and eu" in outcome.why(SINGLE, None, "dim_account")
