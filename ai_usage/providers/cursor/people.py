"""The members of Cursor teams, and the billing group of each, which is their team if the sheet has none."""

from collections.abc import Iterable, Iterator, Mapping

from ai_usage.providers.cursor.records import Group, GroupMember
from ai_usage.providers.cursor.records import Member as ListedMember
from ai_usage.providers.directory import Member, People, Placement, stamps
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.field_types import address_of

UNASSIGNED = "unassigned"  # members of no group, whom the provider sends as a group of that name


def members(warehouse: Warehouse) -> Iterator[Member]:
    """The team's members, and former members who are listed as removed."""
    listed = warehouse.newest("cursor_members", None).read(ListedMember)
    for member, account, stamp in zip(listed.values, listed.lines["account"], stamps(listed), strict=True):
        if email := address_of(member.email):
            user_id = str(member.id) if member.id else None
            yield Member(account, user_id, email, member.name, is_member=not member.is_removed, stamp=stamp)


def placements(warehouse: Warehouse) -> Iterator[Placement]:
    """The billing group of each address."""
    listed = warehouse.newest("cursor_members", None).read(ListedMember).values
    groups = warehouse.newest("cursor_groups", None).read(Group)
    emails = {str(member.id): member.email for member in listed if member.id and member.email}
    for address, team in teams_by_address(groups.values, emails).items():
        yield Placement(address, team, "cursor_groups", stamps(groups)[0])


def teams_by_address(groups: Iterable[Group], emails: Mapping[str, str]) -> dict[str, str]:
    """Address → the name of the member's current group, else of the last one; if there are several, the one joined
    last. A member without an address is found in `emails` by id.
    """
    current: dict[str, tuple[str, str]] = {}
    former: dict[str, tuple[str, str]] = {}
    for group in groups:
        for member in group.current_members or []:
            _keep(former if member.left_at else current, _address(member, emails), member.joined_at, group)
        for member in group.former_members or []:
            _keep(former, _address(member, emails), member.left_at, group)
    return {address: team for address, (_, team) in (former | current).items() if team}


def _keep(found: dict[str, tuple[str, str]], address: str, since: str | None, group: Group) -> None:
    name = " ".join((group.name or "").split())
    team = "" if UNASSIGNED in {name.lower(), str(group.id or "").removeprefix("group_")} else name
    if address:
        found[address] = max(found.get(address, ("", "")), (since if since and team else "", team))


def _address(member: GroupMember, emails: Mapping[str, str]) -> str:
    known = member.email or emails.get(str(member.user_id), "")
    return known.strip().lower()


PEOPLE = People(pulls=("cursor_members", "cursor_groups"), members=members, placements=placements)
