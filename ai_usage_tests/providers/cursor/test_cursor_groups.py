"""Cursor's billing groups as teams: sparse answers, former members, and those who are in no group."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_usage.providers.cursor.pages import groups_page
from ai_usage.providers.cursor.people import teams_by_address
from ai_usage.providers.cursor.records import Group

SAMPLES = Path(__file__).parents[2] / "fixtures" / "cursor"


def teams(*groups: dict[str, Any], emails: dict[str, str] | None = None) -> dict[str, str]:
    return teams_by_address(msgspec.json.decode(json.dumps(groups), type=list[Group]), emails or {})


def group(name: str, *members: dict[str, Any], former: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    return {"id": f"group_{name.lower()}", "name": name, "currentMembers": members, "formerMembers": former, **more}


@pytest.mark.parametrize("sample", ["groups", "groups_sparse"])
def test_the_contracts_samples_are_read(sample: str) -> None:
    page = groups_page((SAMPLES / f"{sample}.json").read_bytes())
    assert len(page.items) == 2
    found = teams_by_address([msgspec.json.decode(item, type=Group) for item in page.items], {})
    assert found["dev.one@example.com"] == "Data"
    assert set(found.values()) == {"Data"}


def test_an_answer_without_anybody_unassigned_is_read() -> None:
    for beside in ({}, {"unassignedGroup": None}):
        assert len(groups_page(json.dumps({"groups": [group("Data")], **beside}).encode()).items) == 1


def test_a_member_is_in_the_group_they_are_in_now_and_not_in_one_they_left() -> None:
    ada = {"email": " Ada@Example.com ", "joinedAt": "2026-02-03T00:00:00.000Z"}
    left = {"email": "ada@example.com", "leftAt": "2026-02-03T00:00:00.000Z"}
    assert teams(group("Data", former=(left,)), group("Web", ada)) == {"ada@example.com": "Web"}
    assert teams(group("Web", ada), group("Data", former=(left,))) == {"ada@example.com": "Web"}
    later = {**ada, "joinedAt": "2026-03-03T00:00:00.000Z"}
    assert teams(group("Web", later), group("Data", ada)) == {"ada@example.com": "Web"}


def test_who_left_the_company_stays_in_the_group_they_were_in_last() -> None:
    first, last = ({"email": "bo@example.com", "leftAt": f"2026-0{n}-01T00:00:00.000Z"} for n in (2, 5))
    assert teams(group("Data", former=(first,)), group("Web", former=(last,))) == {"bo@example.com": "Web"}
    assert teams(group("Data", {"email": "bo@example.com", "leftAt": "2026-05-01T00:00:00.000Z"})) == {
        "bo@example.com": "Data"
    }


@pytest.mark.parametrize(
    "unassigned", [{"id": "group_unassigned", "name": "Nicht zugeordnet"}, {"id": "g", "name": " unassigned "}]
)
def test_who_is_unassigned_is_in_no_team_whatever_group_they_were_in(unassigned: dict[str, Any]) -> None:
    eve = {"email": "eve@example.com"}
    assert teams(group("Data", former=(eve,)), {**group("x", eve), **unassigned}) == {}


def test_absent_fields_cost_a_member_at_most() -> None:
    by_id = {"userId": 101}
    found = teams(
        group("Data", by_id, {"userId": "user_2"}, {"name": "X"}, {}),
        {"name": None, "currentMembers": [{"email": "eve@example.com"}]},
        {"id": 7},
        {},
        emails={"101": "Ada@example.com"},
    )
    assert found == {"ada@example.com": "Data"}
