"""OpenAI's lists, the owners of its keys, and people's actions with Codex, at the simulator's clock."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage_tests.simulator.conftest import Clock
from ai_usage_tests.simulator.openai_client import GROUPS, OpenAiClient, of, read, seconds

SAMPLES = Path(__file__).parents[1] / "fixtures" / "openai"
DAY = date(2026, 11, 18)


def every_key(openai: OpenAiClient, **query: Any) -> dict[str, dict[str, Any]]:
    """The keys of all projects by id."""
    return {
        key["id"]: key
        for project in openai.items("projects", include_archived="true")
        for key in openai.items(f"projects/{project['id']}/api_keys", **query)
    }


@pytest.mark.parametrize("path", ["projects", "users", "admin_api_keys", "project_keys"])
def test_lists_go_on_after_the_last_id_of_a_page(openai: OpenAiClient, path: str) -> None:
    if path == "project_keys":
        path = f"projects/{openai.simulator.openai_company.key('codex ci').project.id}/api_keys"
    whole = openai.items(path, limit=100)
    assert openai.items(path, limit=1) == whole
    assert len(whole) > 1
    assert read(openai.get(path, limit=1))["first_id"] == whole[0]["id"]


def test_archived_projects_and_keys_without_access_come_only_when_asked(openai: OpenAiClient) -> None:
    active, every = openai.items("projects"), openai.items("projects", include_archived="true")
    [archived] = [project for project in every if project not in active]
    assert (len(every), archived["status"], archived["name"]) == (6, "archived", "Old prototypes")
    assert archived["archived_at"] < seconds(DAY)
    shown, all_keys = every_key(openai), every_key(openai, owner_project_access="any")
    [lost] = [key for key_id, key in all_keys.items() if key_id not in shown]
    assert (lost["name"], lost["owner_project_access"]) == ("changelog cron", "inactive")
    emails = {user.get("email") for user in openai.items("users")}
    assert lost["owner"]["user"]["email"] not in emails
    assert every_key(openai, owner_project_access="inactive").keys() == {lost["id"]}


def test_the_archived_project_the_deleted_key_and_the_one_who_left_had_costs(openai: OpenAiClient) -> None:
    buckets = openai.buckets("costs", **of(date(2026, 11, 2), 9), group_by=GROUPS, limit=31)
    results = [result for bucket in buckets for result in bucket["results"]]
    company, listed = openai.simulator.openai_company, every_key(openai, owner_project_access="any")
    billed = {result["api_key_id"] for result in results if "amount" in result}
    [deleted] = billed - listed.keys() - {None}
    assert deleted == company.key("hackathon").id
    assert company.key("changelog cron").id in billed
    assert company.key("old demo").project.id in {result["project_id"] for result in results}
    later = openai.results("costs", DAY, group_by=GROUPS)
    assert company.key("old demo").project.id not in {result["project_id"] for result in later}
    assert deleted not in {result["api_key_id"] for result in later}


def test_a_key_leads_to_its_owner_and_a_use_to_the_user_of_its_key(openai: OpenAiClient) -> None:
    keys = every_key(openai, owner_project_access="any")
    kinds = [key["owner"]["type"] for key in keys.values()]
    assert (kinds.count("user"), kinds.count("service_account")) == (8, 6)
    emails = {person.email for person in openai.simulator.organization.people}
    for key in keys.values():
        assert key["owner"].keys() == {"type", key["owner"]["type"]}
        assert key["owner"]["type"] == "service_account" or key["owner"]["user"]["email"] in emails
    used = openai.results("usage/completions", DAY, group_by=["api_key_id", "user_id"])
    for use in used:
        owner = keys[use["api_key_id"]]["owner"] if use["api_key_id"] else {}
        assert use["user_id"] == (owner.get("user") or {}).get("id") or use["api_key_id"] is None
    by_hand = [use for use in used if use["api_key_id"] is None]
    assert by_hand
    assert all(use["user_id"] for use in by_hand)


def test_members_are_the_companys_people_some_with_a_nested_address_and_some_with_none(openai: OpenAiClient) -> None:
    users = openai.items("users")
    people = {person.email for person in openai.simulator.organization.people}
    nested = [user for user in users if "email" not in user]
    assert nested
    assert all(user["user"]["email"].lower() in people and not user["user"]["email"].islower() for user in nested)
    assert {user["email"] for user in users if user.get("email")} < people
    [robot] = [user for user in users if user.get("is_service_account")]
    assert robot["email"] is None
    one = next(user["email"] for user in users if user.get("email"))
    assert [user["email"] for user in openai.items("users", emails=[one])] == [one]
    project = openai.simulator.openai_company.key("codex ci").project.id
    assert {user["role"] for user in openai.items(f"projects/{project}/users")} == {"member"}
    [tools_bot] = openai.items(f"projects/{project}/service_accounts")
    assert tools_bot["name"] == "tools-bot"


def test_lists_hold_what_exists_by_the_clock(openai: OpenAiClient, running_clock: Clock) -> None:
    now = {path: len(openai.items(path, limit=100)) for path in ("projects", "users")}
    running_clock.at = datetime(2024, 10, 20, tzinfo=UTC)
    then = {path: len(openai.items(path, limit=100)) for path in ("projects", "users")}
    assert then["projects"] == 3
    assert 0 < then["users"] < now["users"]
    assert len(every_key(openai)) == 3
    running_clock.at = datetime(2024, 8, 1, tzinfo=UTC)
    assert openai.items("projects") == openai.items("users") == openai.items("admin_api_keys") == []
    running_clock.at = datetime(2026, 11, 1, tzinfo=UTC)
    assert "hackathon" in {key["name"] for key in every_key(openai).values()}
    assert len(openai.items("projects")) == 6


def codex_rows(openai: OpenAiClient, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next_page": None, "has_more": True}
    while page["has_more"]:
        token = {"page": page["next_page"]} if page["next_page"] else {}
        page = read(openai.codex(**query, **token))
        rows += page["data"]
    assert page["next_page"] is None
    return rows


def test_codex_has_a_row_per_user_and_day_with_the_samples_fields(openai: OpenAiClient) -> None:
    asked = of(date(2026, 11, 16), 3)
    rows = codex_rows(openai, **asked)
    assert codex_rows(openai, **asked, limit=7) == rows
    keys = [(row["start_time"], row["user_id"]) for row in rows]
    assert len(set(keys)) == len(keys) > 30
    full, short = json.loads((SAMPLES / "codex_usage_UNVERIFIED.json").read_text(encoding="utf-8"))["data"]
    assert {frozenset(row) for row in rows if "actor" in row and "code_attribution" in row} == {frozenset(full)}
    assert all(short.keys() <= row.keys() for row in rows)
    assert any("actor" not in row for row in rows)
    assert any("code_attribution" not in row for row in rows)
    for row in rows:
        assert row["totals"].keys() == full["totals"].keys()
        for client in row["clients"]:
            assert client.keys() == full["clients"][0].keys()
        for name in ("threads", "turns", "credits"):
            assert sum(client[name] for client in row["clients"]) == row["totals"][name]
        assert sum(model["credits"] for model in row["models"]) == row["totals"]["credits"]


def test_codex_rows_are_the_truth_of_the_day(openai: OpenAiClient) -> None:
    truth = {one.member.id: one.credits_ for one in openai.simulator.openai_day(DAY).codex}
    assert {row["user_id"]: row["totals"]["credits"] for row in codex_rows(openai, **of(DAY))} == truth
    emails = {one.member.id: one.member.person.email for one in openai.simulator.openai_day(DAY).codex}
    for row in codex_rows(openai, **of(DAY)):
        assert "actor" not in row or row["actor"]["email"] == emails[row["user_id"]]


def test_weeks_and_totals_add_up_to_the_days(openai: OpenAiClient) -> None:
    asked = of(date(2026, 11, 9), 7)
    days, weeks = codex_rows(openai, **asked), codex_rows(openai, **asked, group_by="week")
    [total] = codex_rows(openai, **asked, group_by="week", group="workspace")
    assert {row["start_time"] for row in weeks} == {seconds(date(2026, 11, 9))}
    assert {row["end_time"] for row in weeks} == {seconds(date(2026, 11, 16))}
    assert "user_id" not in total
    credits_ = [sum(row["totals"]["credits"] for row in rows) for rows in (days, weeks, [total])]
    assert credits_[0] == credits_[1] == credits_[2] > 0
    for row in [*weeks, total]:
        assert sum(client["credits"] for client in row["clients"]) == row["totals"]["credits"]
        assert len({client["client_id"] for client in row["clients"]}) == len(row["clients"])


def test_codex_refuses_what_its_contract_does_not_have(openai: OpenAiClient, running_clock: Clock) -> None:
    today = running_clock.at.date()
    oldest = today - timedelta(days=90)
    assert openai.codex(start_time=seconds(oldest), limit=500).status_code == 200
    for query, param in (
        ({}, "start_time"),
        ({"start_time": seconds(oldest) - 1}, "start_time"),
        ({"start_time": seconds(today), "end_time": seconds(today)}, "end_time"),
        ({"start_time": seconds(today), "limit": 501}, "limit"),
        ({"start_time": seconds(today), "limit": 0}, "limit"),
        ({"start_time": seconds(today), "group_by": "month"}, "group_by"),
        ({"start_time": seconds(today), "group": "user"}, "group"),
        ({"start_time": seconds(today), "bucket_width": "1d"}, "bucket_width"),
        ({"start_time": seconds(today), "page": "page_1"}, "page"),
    ):
        refused = openai.codex(**query)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param), query


def test_codex_is_twelve_hours_late_and_begins_with_the_workspace(openai: OpenAiClient, running_clock: Clock) -> None:
    def credits_at(at: str) -> Decimal:
        running_clock.at = datetime.fromisoformat(f"{at}+00:00")
        return sum((one.credits_ for one in openai.simulator.openai_day(DAY).codex), Decimal())

    seen = [credits_at(at) for at in ("2026-11-18T11:59", "2026-11-18T20:00", "2026-11-19T11:00", "2026-11-19T12:00")]
    assert seen[0] == 0 < seen[1] < seen[2] < seen[3] == credits_at("2026-11-25T00:00")
    assert openai.simulator.openai_day(date(2026, 1, 28)).codex == ()
