"""Who is who: one table of people over all providers and the sheet."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from ai_usage.ingest.day_replacement import GROUP, KINDS
from ai_usage.ingest.ledger_writes import InWarehouse
from ai_usage.layers import note, snapshot_asset
from ai_usage.providers.directory import Placement, Stamp
from ai_usage.providers.registry import PROVIDERS
from ai_usage.sheet import tabs
from ai_usage.sheet.newest import read_newest
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.ledger_records import Records
from ai_usage.warehouse.table import STAMPS, Table, boolean, string

DIM_PERSON = Table(
    name="dim_person",
    grain="one address of a person, in any list of members or in the sheet",
    question="Which addresses belong to one person, and in which team is that person?",
    example="select person_email, user_email, team_name, team_source from ai_usage_analytics.dim_person order by "
    "person_email, user_email",
    date_column=None,
    columns={
        "user_email": string("lower-case", required=True),
        "person_email": string("the person's one address; user_email itself, unless that is an alias", required=True),
        "user_name": string("as the tab people has it, else a provider"),
        "team_name": string("as the sheet has it, else a provider's own group; see team_source"),
        "team_source": string(
            "sheet_people; sheet_api_key_mapping: the most frequent team of the person's keys; the pull of a "
            "provider's groups, where the sheet places the person in no team; null without a team"
        ),
        "cost_center": string("as the tab people has it"),
        "manager_email": string("as the tab people has it, lower-case"),
        "is_in_sheet": boolean("owns a key in the sheet, or has usage in it", required=True),
        **STAMPS,
    },
)

DIRECTORIES = [provider.people for provider in PROVIDERS if provider.people]
LISTS = [dg.AssetKey(["raw", pull]) for of in DIRECTORIES for pull in of.pulls]
OF_PEOPLE = [tab for tab in tabs.TABS.values() if any(column.name == "user_email" for column in tab.columns)]
SHEET = [dg.AssetKey(["raw", tab.pull]) for tab in OF_PEOPLE]


@dataclass
class Person:
    """What is known of one address, and where from."""

    names: list[str] = field(default_factory=list)
    teams: Counter[str] = field(default_factory=Counter)  # of their keys in the sheet
    row: tabs.Row | None = None  # of the tab people
    placement: Placement | None = None
    is_in_sheet: bool = False
    stamp: Stamp | None = None


@snapshot_asset("core", DIM_PERSON, group=GROUP, kinds=KINDS, deps=[*LISTS, *SHEET])
def dim_person(context: dg.AssetExecutionContext, warehouse: InWarehouse) -> None:
    """People by address, from the providers' members and the sheet. An alias points to its person. Team and cost center
    come from the tab people, otherwise from the person's keys, otherwise from a provider's group.
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

    def met(address: str, stamp: Stamp, name: str | None = None) -> Person:
        person = people.setdefault(address.strip().lower(), Person())
        person.stamp = person.stamp or stamp
        person.names += [name] if name else []
        return person

    for member in (member for of in DIRECTORIES for member in of.members(warehouse)):
        met(member.user_email, member.stamp, member.name)
    for placement in (placement for of in DIRECTORIES for placement in of.placements(warehouse)):
        person = met(placement.user_email, placement.stamp)
        person.placement = person.placement or placement
    if read := read_newest(warehouse, tabs.PEOPLE):
        _meet_people(*read, met)
    for tab in OF_PEOPLE:
        if tab is not tabs.PEOPLE and (read := read_newest(warehouse, tab)):
            _meet_owners(*read, met)
    return people, aliases_of(warehouse)


def aliases_of(warehouse: Warehouse) -> dict[str, str]:
    """Alias → the address it stands for, by the tab person_aliases."""
    read = read_newest(warehouse, tabs.PERSON_ALIASES)
    return {row["alias_email"]: row["user_email"] for row in read[1].good} if read else {}


def _meet_people(records: Records, found: tabs.TabRows, met: Callable[..., Person]) -> None:
    """Rows of the tab people. A person who is only there uses nothing yet, and is not an unknown address."""
    [stamp] = records.versions.select("pull_id", "pulled_at").rows()
    by_address: dict[str, list[tabs.Row]] = {}
    for row in found.good:
        by_address.setdefault(row["user_email"], []).append(row)
    for address, rows in by_address.items():
        met(address, Stamp(*stamp)).row = tabs.holding_on(rows, stamp[1].date())


def _meet_owners(records: Records, found: tabs.TabRows, met: Callable[..., Person]) -> None:
    """Addresses of a tab that lists owners, users or aliases."""
    [stamp] = records.versions.select("pull_id", "pulled_at").rows()
    for row in found.good:
        if row["user_email"]:
            person = met(row["user_email"], Stamp(*stamp))
            person.is_in_sheet = True
            person.teams.update([row["team_name"]] if row.get("team_name") else [])
        if row.get("alias_email"):
            met(row["alias_email"], Stamp(*stamp)).is_in_sheet = True


def person_rows(people: dict[str, Person], aliases: dict[str, str]) -> list[dict[str, Any]]:
    """Rows of `dim_person`. Facts about one address of a person apply to all of them."""
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
                "is_in_sheet": any(one.is_in_sheet for one in same),
                "pull_id": person.stamp and person.stamp.pull_id,
                "ingestion_timestamp": person.stamp and person.stamp.pulled_at,
            }
        )
    return rows


def _team(row: tabs.Row, same: Sequence[Person]) -> tuple[str | None, str | None]:
    """A person's team, and where it is from: the tab people, else the keys in the sheet, else a provider's group."""
    if row.get("team_name"):
        return row["team_name"], tabs.PEOPLE.pull
    teams = sum((one.teams for one in same), Counter[str]())
    if teams:
        return min(teams, key=lambda team: (-teams[team], team)), tabs.API_KEY_MAPPING.pull
    placement = next((one.placement for one in same if one.placement), None)
    return (placement.team_name, placement.pull) if placement else (None, None)


ASSETS = [dim_person]
