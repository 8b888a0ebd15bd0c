"""What a line item of OpenAI's bill is about: the model, what of it was bought, and at which tier.

The text is opaque by contract, and its spelling has varied: `gpt-6-astra, input_tokens`, `gpt-4o-2024-08-06, Input`,
`gpt-realtime-2.1, audio input`, `Text tokens`, a bare `gpt-4o`. A text that is not understood is its own meter, so that
nothing of it is lost.
"""

import re
from functools import lru_cache
from typing import NamedTuple

UNKNOWN = "unknown"  # the meter where costs are not grouped by line item
MODEL_USE = "model_use"
TIERS = ("batch", "flex", "priority", "fast", "ultrafast", "scale")
KINDS = ("text", "audio", "image")
TOKENS = {  # words, in any order and without `tokens`
    frozenset({"input"}): "input_tokens",
    frozenset({"cached", "input"}): "cached_input_tokens",
    frozenset({"cache", "write"}): "cache_write_tokens",
    frozenset({"cache", "write", "input"}): "cache_write_tokens",
    frozenset({"output"}): "output_tokens",
}
CALLS = frozenset({"tool", "tools", "call", "calls", "request", "requests", "session", "sessions", "preview", "usage"})
TOOLS = (  # its words → its meter; storage first, which names the same tools
    (frozenset({"vector", "store", "storage"}), "storage"),
    (frozenset({"file", "search", "storage"}), "storage"),
    (frozenset({"web", "search"}), "web_search"),
    (frozenset({"file", "search"}), "file_search"),
    (frozenset({"code", "interpreter"}), "code_interpreter"),
)
COUNTED = {
    "images": "images",
    "image": "images",
    "characters": "characters",
    "seconds": "audio_seconds",
    "minutes": "audio_seconds",
}
SIZE = re.compile(r"\d+x\d+")
QUALITIES = frozenset({"images", "image", "standard", "hd", "low", "medium", "high"})
# A name in one piece with a hyphen or a digit, and what follows it after any separator.
MODEL = re.compile(r"(?=\S*[-\d])[A-Za-z][\w.:/-]*?")
PARTED = re.compile(rf"({MODEL.pattern})(?:\s*[,;|]\s*|:\s+|\s+[-–—/]\s+|\s+)(\S.*)")


class LineItem(NamedTuple):
    """What a line item is about. `model` and `service_tier` are None where the text names none."""

    model: str | None
    meter: str
    service_tier: str | None


def names_a_use(model: str | None, meter: str) -> bool:
    """Whether a line item names what usage reports count: a model, or a tool or thing that they count by itself."""
    return model is not None or meter in {*(meter for _, meter in TOOLS), *COUNTED.values()}


@lru_cache(maxsize=4096)
def line_item_of(sent: str | None) -> LineItem:
    """The parts of a line item."""
    text = " ".join((sent or "").split())
    if not text:
        return LineItem(None, UNKNOWN, None)
    whole = _parts(text)
    if whole and whole[0] != MODEL_USE:
        return LineItem(None, *whole)
    if MODEL.fullmatch(text):
        return LineItem(text, MODEL_USE, None)
    parted = PARTED.fullmatch(text)
    if parted and (known := _parts(parted[2])):
        return LineItem(parted[1], *known)
    head, _, tail = text.rpartition(", ")
    model = head if MODEL.fullmatch(head) else None
    return LineItem(model, text.lower(), _tier(_words(tail if model else text)))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _tier(words: list[str]) -> str | None:
    return next((word for word in words if word in TIERS), None)


def _parts(text: str) -> tuple[str, str | None] | None:
    """The meter and the tier of a text without a model; None where it is not understood."""
    words = _words(text)
    tier = _tier(words)
    rest = [word for word in words if word != tier]
    meter = MODEL_USE if not rest else _tool(rest) or _tokens(rest) or _counted(rest)
    return (meter, tier) if meter else None


def _tool(words: list[str]) -> str | None:
    found = frozenset(word for word in words if word not in CALLS)
    return next((meter for named, meter in TOOLS if found == named), None)


def _tokens(words: list[str]) -> str | None:
    """Tokens of a direction and a kind, each named once at most."""
    rest = [word.removesuffix("s") if word == "writes" else word for word in words if word not in ("tokens", "token")]
    kinds = [word for word in rest if word in KINDS]
    left = [word for word in rest if word not in KINDS]
    if len(kinds) > 1 or len(set(left)) < len(left):
        return None
    if kinds == ["text"] and not left and len(rest) < len(words):
        return "text_tokens"
    meter = TOKENS.get(frozenset(left))
    return f"{kinds[0]}_{meter}" if meter and kinds and kinds != ["text"] else meter


def _counted(words: list[str]) -> str | None:
    """Images by number or size, speech by character, transcriptions by time."""
    if any(SIZE.fullmatch(word) for word in words):
        return "images" if all(SIZE.fullmatch(word) or word in QUALITIES for word in words) else None
    return COUNTED.get(words[0]) if len(words) == 1 else None
