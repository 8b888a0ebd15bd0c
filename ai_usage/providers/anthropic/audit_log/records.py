"""The fields that are kept of an uploaded record: only those that are needed."""

from typing import Annotated

import msgspec

from ai_usage.warehouse.reading.field_types import Address, Carries, Id, InstantOfDay

COUNTED = {  # event → the figure it counts for; the log has no messages, and other events count for nothing
    "conversation_created": "conversation_count",
    "project_created": "project_count",
    "file_uploaded": "file_upload_count",
    "project_document_uploaded": "file_upload_count",
}


class AuditEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event of claude.ai's audit log. Events and platforms are open sets: Anthropic adds to them.

    The export has more (IP address, device, user agent, names, what the event was about): that is private and answers
    no question, so it is never kept.
    """

    created_at: InstantOfDay  # UTC, whatever the file has
    event: Annotated[str, Carries.IDENTITY]
    actor_email: Address | None = None
    actor_id: Id | None = None
    entity_type: str | None = None
    entity_uuid: str | None = None
    client_platform: str | None = None
