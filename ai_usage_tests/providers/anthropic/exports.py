"""Audit-log exports as claude.ai writes them, with private content that must not leave the file."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

IP, DEVICE, NAME, AGENT, ABOUT = "203.0.113.77", "device-5c0ffee", "Ada Planted", "Mozilla/Planted", "planted-about"
PRIVATE = (IP, DEVICE, NAME, AGENT, ABOUT)
HEADER = [
    "created_at",
    "actor_info",
    "event",
    "event_info",
    "entity_info",
    "ip_address",
    "device_id",
    "user_agent",
    "client_platform",
]


def event(
    at: str = "2026-11-10T09:15:00Z",
    email: str | None = "ada@example.com",
    kind: str = "conversation_created",
    uuid: str = "c-1",
    platform: str = "web",
) -> list[str]:
    """One row: actor, action and object."""
    actor = {"name": NAME, "uuid": f"id-of-{email}", "metadata": {"email_address": email}} if email else {}
    entity = {"type": "chat_conversation", "uuid": uuid, "name": NAME, "metadata": None}
    about = {"about": ABOUT}
    return [at, json.dumps(actor), kind, json.dumps(about), repr(entity), IP, DEVICE, AGENT, platform]


def text(rows: Sequence[Sequence[str]], *, delimiter: str = ",", ends: str = "\r\n") -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, lineterminator=ends).writerows([HEADER, *rows])
    return written.getvalue()


def put(folder: Path, name: str, *rows: Sequence[str]) -> Path:
    """A file with these rows in the folder."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text(rows), encoding="utf-8", newline="")
    return path
