"""The simulated Cloud Logging and the licenses of Code Assist: people's actions, in pages, and refused requests."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ai_usage.simulator import GoogleOffer
from ai_usage_tests.simulator.conftest import NOW, Clock
from ai_usage_tests.simulator.google_client import GoogleClient, offered, read, refusal
from ai_usage_tests.simulator.shapes import Shape

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gemini"
DAY = date(2026, 11, 17)
INVALID = (400, "INVALID_ARGUMENT")
DENIED = (403, "PERMISSION_DENIED")


def entries(google: GoogleClient, day: date = DAY, **body: Any) -> list[dict[str, Any]]:
    return [entry for page in google.entries(day, **body) for entry in page]


def pool_of(google: GoogleClient) -> str:
    """The path of the order with licenses."""
    orders = read(google.licenses("orders"))["orders"]
    return next(f"orders/{one['name'].rpartition('/')[2]}" for one in orders if "Code Assist" in one["displayName"])


def test_the_log_is_the_truth_of_the_day(google: GoogleClient) -> None:
    known = google.simulator.google_day(DAY).activities
    found = entries(google)
    assert [entry["insertId"] for entry in found] == [one.insert_id for one in known]
    for entry, one in zip(found, known, strict=True):
        detail = entry["jsonPayload"][one.kind]
        assert entry["labels"]["user_id"] == one.email
        assert int(detail.get("linesCount", 0)) == one.lines
        assert datetime.fromisoformat(entry["timestamp"]) == one.at
    kinds = {
        type(entry["jsonPayload"][kind]["linesCount"])
        for entry in found
        for kind in entry["jsonPayload"]
        if kind.endswith("Acceptance")
    }
    assert kinds == {int, str}
    assert any(one.email != one.email.lower() for one in known)


def test_lines_of_one_request_are_counted_once(google: GoogleClient) -> None:
    known = google.simulator.google_day(DAY)
    twice = next(
        one
        for one in known.activities
        if sum(o.original_id == one.original_id and o.lines > 0 for o in known.activities) > 1
    )
    of_person = [one for one in known.activities if one.email == twice.email]
    assert 0 < known.accepted_lines(twice.email.upper()) < sum(one.lines for one in of_person)


def test_prompts_are_in_another_log_for_whoever_asks_for_all(google: GoogleClient) -> None:
    assert "prompt" not in json.dumps(entries(google))
    everything = f'timestamp>="{DAY}T00:00:00Z" AND timestamp<"{DAY + timedelta(days=1)}T00:00:00Z"'
    found = entries(google, filter=everything)
    assert "prompt" in json.dumps(found)
    assert len(found) > len(entries(google))
    assert entries(google, filter=everything.replace(" AND ", "\n")) == found


def test_pages_are_short_and_some_are_empty() -> None:
    with offered(NOW, GoogleOffer(entries_a_page=20)) as google:
        pages = [len(page) for page in google.entries(DAY)]
        assert pages[:3] == [20, 0, 20]
        assert sum(pages) == len(google.simulator.google_day(DAY).activities)
        assert len(read(google.log(DAY, pageSize=7))["entries"]) == 7
        ids = [entry["insertId"] for page in google.entries(DAY) for entry in page]
        assert len(set(ids)) == len(ids)


def test_newest_first_is_the_other_way_round(google: GoogleClient) -> None:
    assert entries(google, orderBy="timestamp desc") == entries(google)[::-1]
    assert len(read(google.log(DAY, pageSize=0))["entries"]) == 50


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ({"pageSize": 1001}, INVALID),
        ({"resourceNames": []}, INVALID),
        ({"resourceNames": ["projects/simulated-assistants"] * 101}, INVALID),
        ({"resourceNames": ["simulated-assistants"]}, INVALID),
        ({"resourceNames": ["projects/simulated-assistants", "projects/other"]}, DENIED),
        ({"filter": "labels.product=code_assist"}, INVALID),
        ({"filter": 'timestamp>="yesterday"'}, INVALID),
        ({"orderBy": "insertId"}, INVALID),
        ({"pageToken": "other"}, INVALID),
        ({"projectIds": ["simulated-assistants"]}, INVALID),
    ],
)
def test_a_question_may_be_refused(google: GoogleClient, asked: dict[str, Any], answer: tuple[int, str]) -> None:
    assert refusal(google.log(DAY, **asked)) == answer


def test_a_project_without_logs_answers_nothing(google: GoogleClient) -> None:
    assert read(google.log(DAY, resourceNames=["projects/simulated-search"])) == {}
    both = ["projects/simulated-search", "projects/simulated-assistants"]
    assert entries(google, resourceNames=both) == entries(google)
    with offered(NOW, GoogleOffer(logs=False, denies=frozenset({"simulated-data"}))) as off:
        assert read(off.log(DAY)) == {}
        assert refusal(off.log(DAY, resourceNames=["projects/simulated-data"])) == DENIED


def test_entries_are_kept_for_thirty_days(google: GoogleClient, running_clock: Clock) -> None:
    whole = entries(google)
    middle = datetime.fromisoformat(whole[len(whole) // 2]["timestamp"])
    running_clock.at = middle + timedelta(days=30)
    assert entries(google) == whole[len(whole) // 2 :]
    running_clock.at = middle
    assert entries(google) == whole[: len(whole) // 2 + 1]


def test_sixty_reads_a_minute() -> None:
    with offered(NOW, enforce_limits=True, monotonic=lambda: 1.0) as google:
        statuses = [google.log(DAY, pageSize=1).status_code for _ in range(61)]
        assert statuses == [200] * 60 + [429]


def test_licenses_are_those_of_people_in_pages(google: GoogleClient) -> None:
    path = pool_of(google)
    pool = read(google.licenses(f"{path}/licensePool"))
    users: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = read(google.licenses(f"{path}/licensePool:enumerateLicensedUsers", pageSize="5", **token))
        assert len(page["licensedUsers"]) <= 5
        users += page["licensedUsers"]
        if "nextPageToken" not in page:
            break
        token = {"pageToken": page["nextPageToken"]}
    licensed = [one for one in google.simulator.google_company.licensed if one.has_license(NOW)]
    assert [one["username"] for one in users] == [one.email for one in licensed]
    assert pool["totalLicenseCount"] - pool["availableLicenseCount"] == len(users)
    assert {"recentUsageTime" in user for user, one in zip(users, licensed, strict=True) if not one.uses_it} == {False}
    recent = [user["recentUsageTime"] for user in users if "recentUsageTime" in user]
    assert len(recent) > 8
    assert max(recent) <= (NOW - timedelta(hours=20)).isoformat()


def test_orders_come_in_pages_and_not_all_have_licenses(google: GoogleClient) -> None:
    first = read(google.licenses("orders", pageSize="1"))
    second = read(google.licenses("orders", pageSize="1", pageToken=first["nextPageToken"]))
    names = [one["name"].rpartition("/")[2] for one in (*first["orders"], *second["orders"])]
    assert len(set(names)) == 2
    assert "nextPageToken" not in second
    statuses = [google.licenses(f"orders/{name}/licensePool").status_code for name in names]
    assert sorted(statuses) == [200, 404]
    assert refusal(google.licenses("orders", pageSize="201")) == INVALID
    assert refusal(google.licenses("orders", account="000000-000000-000000")) == DENIED
    assert refusal(google.licenses("nothing")) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "sample", "name"),
    [
        ("orders", "orders", "orders"),
        ("{pool}/licensePool", "license_pool", None),
        ("{pool}/licensePool:enumerateLicensedUsers", "licensed_users_page1", "licensedUsers"),
    ],
)
def test_licenses_have_the_fields_of_the_samples(
    google: GoogleClient, path: str, sample: str, name: str | None
) -> None:
    known = json.loads((FIXTURES / f"{sample}.json").read_text())
    found = read(google.licenses(path.format(pool=pool_of(google))))
    of_samples = known[name] if name else [known]
    for one in found[name] if name else [found]:
        assert of_samples[0].keys() - {"recentUsageTime"} <= one.keys() <= of_samples[0].keys()
        shape = Shape().learn({key: of_samples[0][key] for key in one})
        assert not [*shape.misfits(one, set())]


def test_entries_have_the_fields_of_the_samples(google: GoogleClient) -> None:
    shapes: dict[str, Shape] = {}
    for file in FIXTURES.glob("log_entries_page*.json"):
        for entry in json.loads(file.read_text()).get("entries", []):
            shapes.setdefault(_kind(entry), Shape()).learn(_plain(entry))
    found = entries(google)
    assert {_kind(entry) for entry in found} == shapes.keys()
    for entry in found:
        misfits = [one for one in shapes[_kind(entry)].misfits(_plain(entry), set()) if "linesCount" not in one]
        assert not misfits


def _kind(entry: dict[str, Any]) -> str:
    kinds: list[str] = list(entry["jsonPayload"])
    return next(name for name in kinds if name.endswith(("Exposure", "Acceptance", "Request")))


def _plain(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry without the fields that are optional in the contract's table."""
    detail = dict(entry["jsonPayload"][_kind(entry)])
    for name in ("commentLinesCount", "is_agentic", "programmingLanguage"):
        detail.pop(name, None)
    labels = {name: value for name, value in entry["labels"].items() if name not in ("client_name", "client_version")}
    return entry | {"labels": labels, "jsonPayload": entry["jsonPayload"] | {_kind(entry): detail}}
