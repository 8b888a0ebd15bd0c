"""Spend limits of the Enterprise organization, from the provider's pages into core and the mart of limits."""

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import dagster as dg
import httpx

from ai_usage.ingest.http.retry import Patience
from ai_usage.marts.build_days import rebuild_whole
from ai_usage.marts.files import marts
from ai_usage.money import nine_decimals
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.spend_limits import CLAUDE_SPEND_LIMITS, limit_rows
from ai_usage.simulator import ADMIN_KEY, ANALYTICS_KEY, Simulator
from ai_usage.warehouse.ledger import Answer
from ai_usage_tests.outcome import Outcome
from ai_usage_tests.platform import Platform

PULL, BUILT = "raw/claude_spend_limits", "core/claude_spend_limits"
ALONE = dg.AssetSelection.assets(PULL.split("/"), BUILT.split("/"))
NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
TABLE = "ai_usage_analytics.claude_spend_limits"
URL = "/anthropic/v1/organizations/spend_limits/effective"


def run(platform: Platform, stand_in: Simulator, analytics_key: str = ANALYTICS_KEY) -> Outcome:
    opened = ClaudeAdmin.open(
        base_url=stand_in.anthropic_url,
        admin_key=ADMIN_KEY,
        analytics_key=analytics_key,
        analytics_requests_a_minute=None,
        patience=Patience(attempts=1),
    )
    with closing(opened) as admin:
        return platform.materialize(ALONE, None, admin)


def test_every_member_s_limit_and_use_of_it_is_the_truth_and_a_use_of_nothing_is_not_known(platform: Platform) -> None:
    with Simulator(now=NOW) as stand_in:
        assert run(platform, stand_in).result.success
        pages = len([sent for sent in stand_in.requests if "spend_limits" in str(sent)])
        truth: dict[str, Decimal] = {}
        for day in (NOW.date().replace(day=n) for n in range(1, NOW.day + 1)):
            for charge in stand_in.day(day).charges:
                kind, actor = charge.use.actor
                if kind == "user_actor":
                    truth[actor] = truth.get(actor, Decimal()) + charge.cents / 100
        gone = {person.id for person in stand_in.organization.people if person.gone(NOW)}
    [(members, people)] = platform.sql(f"select count(*), count(distinct user_email) from {TABLE}")
    assert members == people > 60
    assert pages == -(-members // 20)
    kinds = platform.sql(f"select distinct limit_usd, is_unlimited from {TABLE} order by all")
    assert kinds == [(Decimal(usd), False) for usd in (0, 200, 300, 500)] + [(None, True)]
    used = dict(platform.sql(f"select user_id, used_usd from {TABLE} where used_usd is not null"))
    assert used == {who: nine_decimals(usd) for who, usd in truth.items() if who not in gone}
    rebuild_whole(platform.warehouse, next(mart for mart in marts() if mart.table.name == "limit_use"))
    states = platform.sql("select state, count(*), count(used_usd) from ai_usage_analytics.limit_use group by all")
    assert {state: (n > 0, with_use > 0) for state, n, with_use in states} == {
        "near": (True, True),
        "within": (True, True),
        "unlimited": (True, True),
        "included_only": (True, False),
        "unknown": (True, False),
    }


def test_without_the_key_or_its_scope_the_limits_are_skipped_with_what_they_need(platform: Platform) -> None:
    with Simulator(now=NOW) as stand_in:
        outcome = run(platform, stand_in, analytics_key="")
        assert "ANTHROPIC_ANALYTICS_API_KEY is not set" in outcome.noted(PULL, None)["skipped"]
        outcome = run(platform, stand_in, analytics_key=ADMIN_KEY)  # analytics accept the key, but it lacks the scope
    assert outcome.result.success
    assert "a key with the scope read:spend_limits" in outcome.noted(PULL, None)["skipped"]


def test_the_stand_in_serves_twenty_a_page_by_person_and_sixty_requests_a_minute() -> None:
    headers = {"x-api-key": ANALYTICS_KEY, "anthropic-version": "2023-06-01"}
    with Simulator(now=NOW, monotonic=lambda: 0.0, enforce_limits=True) as stand_in:
        url = stand_in.anthropic_url.removesuffix("/anthropic") + URL

        def ask(query: str = "") -> httpx.Response:
            return httpx.get(f"{url}{query}", headers=headers)

        first = ask().json()
        assert len(first["data"]) == 20
        user = first["data"][1]["actor"]["user_id"]
        assert [of["actor"]["user_id"] for of in ask(f"?user_ids[]={user}").json()["data"]] == [user]
        assert ask("?limit=21").status_code == 400
        assert ask("?period[]=weekly").status_code == 400
        answers = [ask("?limit=1").status_code for _ in range(60)]
        assert answers == [200] * 56 + [429] * 4  # four were sent above


def test_cents_become_dollars_and_what_is_not_sent_is_not_unlimited(platform: Platform) -> None:
    sent = [
        b'{"actor":{"user_id":"user_1","email_address":"Ann@x.io"},"amount":"20000","period_to_date_spend":"20000.5"}',
        b'{"actor":{"user_id":"user_2","email_address":"bob@x.io"},"amount":null,"period_to_date_spend":"100"}',
        b'{"actor":{"user_id":"user_3","email_address":"cy@x.io"},"amount":"500","currency":"EUR"}',
        b'{"actor":{"user_id":"user_4","email_address":"di@x.io"},"period_to_date_spend":"100"}',
    ]
    platform.warehouse.append("claude_spend_limits", [Answer("anthropic", None, sent, 1, {}, {})])
    with platform.warehouse.connected():
        newest = platform.warehouse.newest("claude_spend_limits", None)
        platform.warehouse.replace_all(CLAUDE_SPEND_LIMITS, limit_rows(newest))
    rebuild_whole(platform.warehouse, next(mart for mart in marts() if mart.table.name == "limit_use"))
    columns = "user_email, period_start = date_trunc('month', as_of_at), limit_usd, used_usd, used_ratio, state"
    assert platform.sql(f"select {columns} from ai_usage_analytics.limit_use order by 1") == [
        ("ann@x.io", True, Decimal(200), Decimal("200.005"), Decimal(1), "reached"),
        ("bob@x.io", True, None, Decimal(1), None, "unlimited"),
        ("cy@x.io", True, None, None, None, "unknown"),
    ]
