"""What a question to OpenAI's reports may contain, by the contract: groupings, filters, bucket widths, limits."""

from collections.abc import Container
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ai_usage.simulator.queries import Query, RefusalError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 4_102_444_800  # the year 2100: later ones are not seconds
WIDTHS = {"1d": timedelta(days=1), "1h": timedelta(hours=1), "1m": timedelta(minutes=1)}
USAGE_LIMITS = {"1d": (7, 31), "1h": (24, 168), "1m": (60, 1440)}
COST_LIMITS = (7, 180)

COST_GROUPS = ("project_id", "user_id", "line_item", "api_key_id", "api_source")
COST_FILTERS = {"project_ids": "project_id", "api_key_ids": "api_key_id", "line_items": "line_item"}
_OF_KEYS = ("project_id", "user_id", "api_key_id")
_OF_MODELS = (*_OF_KEYS, "model")
_OF_TOKENS = (*_OF_MODELS, "batch", "service_tier", "api_source")
USAGE_GROUPS = {  # endpoint → its dimensions
    "completions": _OF_TOKENS,
    "decisions": _OF_TOKENS,
    "embeddings": _OF_MODELS,
    "moderations": _OF_MODELS,
    "images": (*_OF_MODELS, "size", "source"),
    "audio_speeches": _OF_MODELS,
    "audio_transcriptions": _OF_MODELS,
    "vector_stores": ("project_id",),
    "code_interpreter_sessions": ("project_id",),
    "file_search_calls": (*_OF_KEYS, "vector_store_id"),
    "web_search_calls": (*_OF_MODELS, "context_level", "api_source"),
}
FILTERS = {  # parameter → the dimension that it filters, and its values where they are listed
    "project_ids": ("project_id", None),
    "user_ids": ("user_id", None),
    "api_key_ids": ("api_key_id", None),
    "models": ("model", None),
    "sizes": ("size", ("256x256", "512x512", "1024x1024", "1792x1792", "1024x1792")),
    "sources": ("source", ("image.generation", "image.edit", "image.variation")),
    "vector_store_ids": ("vector_store_id", None),
    "context_levels": ("context_level", ("low", "medium", "high")),
}

Filters = frozenset[tuple[str, frozenset[str]]]  # the dimension, and what it may be


class Asked(NamedTuple):
    """The buckets of a question: the first, how many, how wide, and where its page begins and how long it is."""

    first: datetime
    buckets: int
    width: timedelta
    offset: int
    limit: int


class OpenAiRefusalError(RefusalError):
    """A refusal that names its parameter."""

    def __init__(self, message: str, param: str, status: int = 400) -> None:
        super().__init__(message, status)
        self.param = param


def listed(query: Query, name: str, allowed: Container[str] | None = None) -> tuple[str, ...]:
    """Every value of a list, with brackets or without."""
    bracketed, plain = query.all(name), query.each(name)
    if bracketed and plain:
        raise OpenAiRefusalError(f"Give {name} with brackets or without, not both.", name)
    values = bracketed or plain
    for value in values:
        if allowed is not None and value not in allowed:
            raise OpenAiRefusalError(f"Invalid value: {value!r}.", name)
    if len(set(values)) < len(values):
        raise OpenAiRefusalError("Values must not repeat.", name)
    return values


def filters_of(query: Query, groups: Container[str]) -> Filters:
    """Those of the dimensions that the endpoint has."""
    known = {name: what for name, what in FILTERS.items() if what[0] in groups}
    chosen = {dimension: listed(query, name, values) for name, (dimension, values) in known.items()}
    if "batch" in groups and (batch := query.one("batch", ("true", "false"))) is not None:
        chosen["batch"] = (batch,)
    return frozenset((dimension, frozenset(values)) for dimension, values in chosen.items() if values)


def seconds(query: Query, name: str, *, is_required: bool = False) -> datetime | None:
    """A moment in Unix seconds."""
    text = query.one(name)
    if text is None:
        if is_required:
            raise OpenAiRefusalError(f"Missing required parameter: '{name}'.", name)
        return None
    if not text.isascii() or not text.isdigit() or int(text) > LATEST:
        raise OpenAiRefusalError(f"Invalid '{name}': expected Unix seconds.", name)
    return EPOCH + timedelta(seconds=int(text))


def asked_of(query: Query, now: datetime, widths: Container[str], limits: tuple[int, int] | None = None) -> Asked:
    """The buckets that begin before `end_time`, and the running one as the last; the future has none."""
    name = query.one("bucket_width", widths) or "1d"
    width = WIDTHS[name]
    start, end = seconds(query, "start_time", is_required=True), seconds(query, "end_time")
    if start is None:
        raise ValueError("start_time was required")
    if end is not None and end <= start:
        raise OpenAiRefusalError("'end_time' must be after 'start_time'.", "end_time")
    limit, offset = query.limit(*(limits or USAGE_LIMITS[name])), query.offset()
    first = EPOCH + (start - EPOCH) // width * width
    until = min(end, now) if end else now
    count = 0 if first > now else max(1, -((first - until) // width))
    return Asked(first, count, width, offset, limit)
