"""A text contains no secret, in whatever encoding it is quoted."""

from base64 import b64encode

import pytest

from ai_usage.secrecy import keep_secret, without_secrets
from ai_usage_tests.encodings import ENCODINGS, leaks

KEY = "sk-ant-admin01-Zq8/vT+2xWk_9RbLmN4cYp7EhJd3Gs6FuAaQ0tXi5oV"
SHORT = "hunter/22"


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("secret", [KEY, SHORT])
def test_no_encoding_hides_a_secret(name: str, secret: str) -> None:
    keep_secret(secret)
    text = f"Acme answered: bad key {ENCODINGS[name](secret)} there; request id r_1."
    assert secret == SHORT or leaks(text, secret)  # otherwise the assertion below could not fail
    cleaned = without_secrets(text)
    assert cleaned.startswith("Acme answered: bad key ")
    assert cleaned.endswith(" there; request id r_1.")
    assert "(key)" in cleaned
    assert leaks(cleaned, secret) == []


@pytest.mark.parametrize(
    "part", [KEY[:20], KEY[:40], KEY[-30:], f"{KEY[:18]}...{KEY[-14:]}", b64encode(KEY.encode())[:40].decode()]
)
def test_a_secret_that_is_cut_short_is_one_too(part: str) -> None:
    keep_secret(KEY)
    assert leaks(f"bad key {part}.", KEY)
    cleaned = without_secrets(f"bad key {part}.")
    assert "(key)" in cleaned
    assert leaks(cleaned, KEY) == []


def test_secrets_of_the_settings_are_known_without_being_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_SMTP_URL", "smtps://mail:p%40ss-word-1@smtp.example.com")
    monkeypatch.setenv("METABASE_API_KEY", "mb_0123456789")
    assert without_secrets("p@ss-word-1, p%40ss-word-1, mb_0123456789") == "(key), (key), (key)"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ANTHROPIC_ADMIN_API_KEY is wrong: an organization admin makes an Admin key (sk-ant-admin…) in the Console.",
        "Claude /v1/organizations/cost_report answered 400: 100% of C:\\users\\x is &amp; \\u00e4 (İ)",
        "the key sk-ant-admin02-another",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    keep_secret(KEY, SHORT, "", "key")
    assert without_secrets(text) == text


def test_only_so_many_secrets_are_kept() -> None:
    """Google's tokens change every hour, in a process that may run for months."""
    for n in range(200):
        keep_secret(f"ya29.token-number-{n:04d}-of-many")
    assert without_secrets("ya29.token-number-0199-of-many") == "(key)"
    assert without_secrets("ya29.token-number-0000-of-many").startswith("ya29")
