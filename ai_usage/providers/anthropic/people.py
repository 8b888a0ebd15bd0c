"""The users of the Console organization."""

from collections.abc import Iterator

from ai_usage.ingest.rejections import keep_rejections
from ai_usage.providers.anthropic.records.lists import User
from ai_usage.providers.directory import Member, People, stamps
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.field_types import address_of


def members(warehouse: Warehouse) -> Iterator[Member]:
    """The users in the newest list, which has no former members."""
    users = warehouse.newest("claude_users", None)
    read = users.read(User)
    keep_rejections(warehouse, users)
    for user, account, stamp in zip(read.values, read.lines["account"], stamps(read), strict=True):
        if email := address_of(user.email):
            yield Member(account, user.id, email, user.name, is_member=True, stamp=stamp)


def emails_of_users(warehouse: Warehouse) -> dict[str, str]:
    """`user_…` → e-mail, of the users as listed last."""
    users = warehouse.newest("claude_users", None).read(User).values
    return {user.id: found for user in users if (found := address_of(user.email))}


PEOPLE = People(pulls=("claude_users",), members=members)
