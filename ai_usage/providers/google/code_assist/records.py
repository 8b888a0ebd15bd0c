"""What an entry of Code Assist's metadata log means. It has no prompt and no code: those are in other logs.

Source: Google's documentation of Gemini Code Assist logging and the types of its `cloudaicompanion` logging package.
"""

from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.warehouse.reading.field_types import MOST, Address, InstantOfDay


class Labels(msgspec.Struct, frozen=True):
    user_id: Address | None = None  # an email address
    product: Annotated[str, Known("code_assist")] | None = None
    method: str | None = None
    request_id: str | None = None
    client_name: str | None = None
    client_version: str | None = None


class ResourceLabels(msgspec.Struct, frozen=True):
    resource_container: str | None = None
    location: str | None = None
    instance_id: str | None = None


class Resource(msgspec.Struct, frozen=True):
    type: str | None = None
    labels: ResourceLabels = ResourceLabels()


class Exposure(msgspec.Struct, frozen=True, rename={"original_request_id": "originalRequestId",
                                                    "programming_language": "programmingLanguage"}):  # fmt: skip
    """Something shown: code, or an answer in the chat. Google's names are of two styles."""

    original_request_id: str | None = None
    programming_language: str | None = None
    is_agentic: bool | None = None


class Acceptance(msgspec.Struct, frozen=True, rename={"original_request_id": "originalRequestId",
                                                      "programming_language": "programmingLanguage",
                                                      "lines_count": "linesCount",
                                                      "comment_lines_count": "commentLinesCount",
                                                      "interaction_type": "interactionType"}):  # fmt: skip
    """Something accepted. `linesCount`, a number or a text, grows as more of the same suggestion is accepted."""

    original_request_id: str | None = None
    programming_language: str | None = None
    lines_count: str | int | None = None
    comment_lines_count: str | int | None = None
    interaction_type: str | None = None
    is_agentic: bool | None = None

    @property
    def lines(self) -> int | None:
        """None where they are not known."""
        sent = self.lines_count
        if isinstance(sent, str):
            sent = int(sent) if sent.isascii() and sent.isdigit() else None
        return sent if sent is not None and 0 <= sent <= MOST else None


class ApiRequest(msgspec.Struct, frozen=True):
    """A request of the IDE; it has no fields."""


class Payload(msgspec.Struct, frozen=True, rename="camel"):
    client_name: str | None = None
    client_version: str | None = None
    request_id: str | None = None
    code_exposure: Exposure | None = None
    code_acceptance: Acceptance | None = None
    chat_exposure: Exposure | None = None
    chat_acceptance: Acceptance | None = None
    api_request: ApiRequest | None = None
    type: str | None = msgspec.field(default=None, name="@type")


class LogEntry(msgspec.Struct, frozen=True, rename="camel"):
    """One entry. `logName`, `timestamp` and `insertId` together are its key."""

    timestamp: InstantOfDay
    insert_id: str | None = None
    log_name: str | None = None
    labels: Labels = Labels()
    resource: Resource = Resource()
    json_payload: Payload | None = None
    receive_timestamp: str | None = None
    severity: str | None = None
