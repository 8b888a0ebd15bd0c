"""Who has a license of Code Assist: Google's only list of users."""

from collections.abc import Iterator

from ai_usage.providers.directory import Member, People, stamps
from ai_usage.providers.google.licenses.records import License
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.reading.field_types import address_of
from ai_usage.warehouse.reading.ledger_records import Records

PULL = "gemini_licenses"


def members(warehouse: Warehouse) -> Iterator[Member]:
    """The licensed users as listed last. Who has no license any more is not listed."""
    yield from members_of(warehouse.newest(PULL, None))


def members_of(records: Records) -> Iterator[Member]:
    """Each licensed user once, whatever the number of orders. Google has no other id of theirs than the address."""
    read = records.read(License)
    seen: set[tuple[str, str]] = set()
    for record, account, stamp in zip(read.values, read.lines["account"], stamps(read), strict=True):
        email = address_of(record.licensed_user.username) if record.licensed_user else None
        if email and (account, email) not in seen:
            seen.add((account, email))
            yield Member(account, None, email, None, is_member=True, stamp=stamp)


PEOPLE = People(pulls=(PULL,), members=members)
