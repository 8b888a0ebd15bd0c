"""The users of the organization."""

from collections.abc import Iterator

from ai_usage.ingest.rejections import keep_rejections
from ai_usage.providers.directory import Member, People, stamps
from ai_usage.providers.openai.listed import User
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Records


def members(warehouse: Warehouse) -> Iterator[Member]:
    """The users in the newest list, which has no former members; a service account has no address."""
    users = warehouse.newest("openai_users", None)
    yield from members_of(users)
    keep_rejections(warehouse, users)


def members_of(records: Records) -> Iterator[Member]:
    """Each user of the list with an address."""
    read = records.read(User)
    for user, account, stamp in zip(read.values, read.lines["account"], stamps(read), strict=True):
        if email := address_of(user.address):
            yield Member(account, user.id, email, user.called, is_member=True, stamp=stamp)


PEOPLE = People(pulls=("openai_users",), members=members)
