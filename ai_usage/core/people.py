"""Who is who: one table of people over all vendors and the sheet."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.ingest.rejections import keep_rejections
from ai_usage.layers import note, snapshot_asset
from ai_usage.providers.anthropic import pulls as claude
from ai_usage.providers.anthropic.records import User
from ai_usage.providers.cursor import pulls as cursor
from ai_usage.providers.cursor.groups import teams_by_address
from ai_usage.providers.cursor.records import Group, Member
from ai_usage.sheet import tabs
from ai_usage.sheet.newest import read_newest
from ai_usage.sheet.tables import DIM_PERSON
from ai_usage.warehouse.ledger import Readable, Records
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading import address_of

SHEET = [
    dg.AssetKey(["raw", tab.pull])
    for tab in (tabs.API_KEY_MAPPING, tabs.PEOPLE, tabs.CLAUDE_AI_USAGE, tabs.PERSON_ALIASES)
]


@dataclass
class Person:
    """What is known of one address, and where from."""

    names: list[str] = field(default_factory=list)
    teams: Counter[str] = field(default_factory=Counter)
    row: tabs.Row | None = None  # of the tab people
    cursor_group: str = ""
    is_claude_member: bool = False
    is_cursor_member: bool = False
    is_in_sheet: bool = False
    stamp: tuple[Any, Any] | None = None


@snapshot_asset(
    "core",
    DIM_PERSON,
    group=GROUP,
    kinds=KINDS,
    deps=[claude.claude_users, cursor.cursor_members, cursor.cursor_groups, *SHEET],
)
def dim_person(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """People by address, of Claude's and Cursor's members and of the sheet; an alias points to the person it is of.
    A person's team is the sheet's, else that of their Cursor billing group.
    """
    with warehouse.connected():
        people, aliases = gathered(warehouse)
        if not people:
            return note(context, "core/dim_person", None, skipped="no members and no sheet were ever pulled")
        rows = person_rows(people, aliases)
        warehouse.replace_all(DIM_PERSON, DIM_PERSON.frame({n: [row[n] for row in rows] for n in DIM_PERSON.columns}))
    persons = len({row["person_email"] for row in rows})
    return note(context, "core/dim_person", None, **{"dagster/row_count": len(rows)}, people=persons)


def gathered(warehouse: Warehouse) -> tuple[dict[str, Person], dict[str, str]]:
    """Address → what is known of it; alias → the address it stands for."""
    people: dict[str, Person] = {}

    def met(address: str, stamp: tuple[Any, Any], name: str | None = None) -> Person:
        person = people.setdefault(address.strip().lower(), Person())
        person.stamp = person.stamp or stamp
        person.names += [name] if name else []
        return person

    for address, stamp, name, is_of in _members(warehouse):
        person = met(address, stamp, name)
        person.is_claude_member |= is_of == "claude"
        person.is_cursor_member |= is_of == "cursor"
    _meet_groups(warehouse, met)
    if read := read_newest(warehouse, tabs.PEOPLE):
        _meet_people(*read, met)
    aliases: dict[str, str] = {}
    for tab in (tabs.API_KEY_MAPPING, tabs.CLAUDE_AI_USAGE, tabs.PERSON_ALIASES):
        if (read := read_newest(warehouse, tab)) is None:
            continue
        records, found = read
        [stamp] = records.versions.select("pull_id", "pulled_at").rows()
        for row in found.good:
            if row["user_email"]:
                person = met(row["user_email"], stamp)
                person.is_in_sheet = True
                person.teams.update([row["team_name"]] if row.get("team_name") else [])
            if tab is tabs.PERSON_ALIASES:
                met(row["alias_email"], stamp).is_in_sheet = True
                aliases[row["alias_email"]] = row["user_email"]
    return people, aliases


def _meet_groups(warehouse: Warehouse, met: Callable[..., Person]) -> None:
    members = warehouse.newest("cursor_members", None).read(Member).values
    groups = warehouse.newest("cursor_groups", None).read(Group)
    emails = {str(member.id): member.email for member in members if member.id and member.email}
    for address, team in teams_by_address(groups.values, emails).items():
        met(address, _stamps(groups)[0]).cursor_group = team


def _meet_people(records: Records, found: tabs.TabRows, met: Callable[..., Person]) -> None:
    """Rows of the tab people. Who stands there alone uses nothing yet, and is no address to be wondered at."""
    [stamp] = records.versions.select("pull_id", "pulled_at").rows()
    by_address: dict[str, list[tabs.Row]] = {}
    for row in found.good:
        by_address.setdefault(row["user_email"], []).append(row)
    for address, rows in by_address.items():
        met(address, stamp).row = tabs.holding_on(rows, stamp[1].date())


def person_rows(people: dict[str, Person], aliases: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of `dim_person`. What is known of one address of a person is true of all."""
    of_person: dict[str, list[Person]] = {}
    for address, person in people.items():
        of_person.setdefault(aliases.get(address, address), []).append(person)
    rows = []
    for address, person in sorted(people.items()):
        main = aliases.get(address, address)
        same = of_person[main]
        row = next((one.row for one in [people.get(main), *same] if one and one.row), None) or {}
        team_name, team_source = _team(row, same)
        rows.append(
            {
                "user_email": address,
                "person_email": main,
                "user_name": row.get("name") or next((name for one in [person, *same] for name in one.names), None),
                "team_name": team_name,
                "team_source": team_source,
                "cost_center": row.get("cost_center"),
                "manager_email": row.get("manager_email"),
                "is_claude_member": any(one.is_claude_member for one in same),
                "is_cursor_member": any(one.is_cursor_member for one in same),
                "is_in_sheet": any(one.is_in_sheet for one in same),
                "pull_id": person.stamp and person.stamp[0],
                "ingestion_timestamp": person.stamp and person.stamp[1],
            }
        )
    return rows


def _team(row: tabs.Row, same: Sequence[Person]) -> tuple[str | None, str | None]:
    """A person's team, and where it is from: the tab people, else the keys in the sheet, else the billing group."""
    if row.get("team_name"):
        return row["team_name"], tabs.PEOPLE.pull
    teams = sum((one.teams for one in same), Counter[str]())
    if teams:
        return min(teams, key=lambda team: (-teams[team], team)), tabs.API_KEY_MAPPING.pull
    group = next((one.cursor_group for one in same if one.cursor_group), None)
    return group, "cursor_groups" if group else None


def _members(warehouse: Warehouse) -> Iterator[tuple[str, tuple[Any, Any], str | None, str]]:
    """The vendors' members who have an address: it, the pull, the name, and whose member the person is today."""
    users = warehouse.newest("claude_users", None)
    read = users.read(User)
    keep_rejections(warehouse, users)
    for user, stamp in zip(read.values, _stamps(read), strict=True):
        if email := address_of(user.email):
            yield email, stamp, user.name, "claude"
    listed = warehouse.newest("cursor_members", None).read(Member)
    for member, stamp in zip(listed.values, _stamps(listed), strict=True):
        if email := address_of(member.email):
            yield email, stamp, member.name, "" if member.is_removed else "cursor"


def _stamps(records: Readable[Any]) -> list[tuple[Any, Any]]:
    return list(records.lines.select("pull_id", "ingestion_timestamp").iter_rows())


ASSETS = [dim_person]
