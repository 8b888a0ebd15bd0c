"""Whose team a Cursor billing group is: by its members, where the sheet places a person in none."""

from collections.abc import Iterable, Mapping

from ai_usage.providers.cursor.records import Group, GroupMember

UNASSIGNED = "unassigned"  # members of no group, whom the vendor sends as a group of that name


def teams_by_address(groups: Iterable[Group], emails: Mapping[str, str]) -> dict[str, str]:
    """Address → the name of the group that its member is in, or was in last, if they are in none now. Of several the
    one joined last. A member without an address is found in `emails` by id.
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
