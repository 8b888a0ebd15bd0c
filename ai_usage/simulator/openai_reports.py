"""The cost report and the usage reports over one company's days: buckets of results, grouped as asked."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ai_usage.simulator.openai_days import OpenAiDays, Version, version
from ai_usage.simulator.openai_parameters import EPOCH, USAGE_GROUPS, Filters
from ai_usage.simulator.openai_prices import TOKEN_METERS
from ai_usage.simulator.openai_uses import BATCH, DEFAULT, MINUTES, Line, OpenAiDay, Use

ONE_DAY = timedelta(days=1)
STRINGS_SINCE = datetime(2026, 6, 1, tzinfo=UTC)  # amounts are numbers before
PLACES = Decimal("1E-16")
SPLIT_EVERY = 5  # on so many days of a month one line comes in two results
SPLIT_AT = Decimal("0.01")  # of dollars: a cheaper line is not worth two results
OBJECTS = {"file_search_calls": "file_searches", "web_search_calls": "web_searches"}
ENCODER = msgspec.json.Encoder(decimal_format="number")

USE_DIMENSIONS: dict[str, Callable[[Use], str | bool | None]] = {
    "project_id": lambda use: use.project_id,
    "user_id": lambda use: use.user_id,
    "api_key_id": lambda use: use.api_key_id,
    "model": lambda use: use.model.id if use.model else None,
    "batch": lambda use: use.tier == BATCH,
    "service_tier": lambda use: DEFAULT if use.tier == BATCH else use.tier,
    "size": lambda use: use.size,
    "source": lambda use: use.source,
    "context_level": lambda use: use.context_level,
    "vector_store_id": lambda use: use.vector_store_id,
    "api_source": lambda _: "unlabeled",
}
LINE_DIMENSIONS: dict[str, Callable[[Line], str | None]] = {
    "line_item": lambda line: line.line_item,
    "project_id": lambda line: line.project_id,
    "user_id": lambda line: line.user_id,
    "api_key_id": lambda line: line.api_key_id,
    "api_source": lambda _: "unlabeled",
}
MEASURES = {  # endpoint → what its results count, beside num_model_requests
    "embeddings": ("input_tokens", "num_model_requests"),
    "moderations": ("input_tokens", "num_model_requests"),
    "images": ("images", "num_model_requests"),
    "audio_speeches": ("characters", "num_model_requests"),
    "audio_transcriptions": ("seconds", "num_model_requests"),
    "vector_stores": ("usage_bytes",),
    "code_interpreter_sessions": ("num_sessions",),
    "file_search_calls": ("num_requests",),
    "web_search_calls": ("num_requests", "num_model_requests"),
}


class Span(NamedTuple):
    """A bucket that begins at a moment, and what is known by now of the day it is in."""

    start: datetime
    end: datetime
    seen: Version


def span(start: datetime, end: datetime, now: datetime) -> Span:
    return Span(start, end, version(start.date(), now))


class OpenAiReports:
    """The reports of one organization, with or without the endpoint `decisions`."""

    def __init__(self, days: OpenAiDays, *, offers_decisions: bool) -> None:
        self.days, self.offers_decisions = days, offers_decisions
        self.cost_bucket = lru_cache(maxsize=1024)(self._cost_bucket)
        self.usage_bucket = lru_cache(maxsize=2048)(self._usage_bucket)

    def part(self, over: Span) -> OpenAiDay:
        """What has come to pass of a bucket, which never spans midnight."""
        day = over.start.date()
        midnight = datetime.combine(day, time(), UTC)
        first = (over.start - midnight) // timedelta(minutes=1)
        last = min(MINUTES, (over.end - midnight) // timedelta(minutes=1), over.seen.minutes)
        if (first, last) == (0, over.seen.minutes):
            return self.days.visible(day, over.seen, decisions=self.offers_decisions)
        if first >= last:
            return OpenAiDay(day, ())
        # What is visible is spread over its own minutes alone, so a part of a running day is taken from the whole one.
        whole = over.seen._replace(minutes=MINUTES)
        return self.days.visible(day, whole, decisions=self.offers_decisions).between(first, last)

    def _cost_bucket(self, over: Span, by: frozenset[str], filters: Filters) -> msgspec.Raw:
        groups: dict[tuple[str | None, ...], list[Line]] = {}
        for line in self.part(over).lines:
            if all(LINE_DIMENSIONS[name](line) in values for name, values in filters):
                key = tuple(of(line) if name in by else None for name, of in LINE_DIMENSIONS.items())
                groups.setdefault(key, []).append(line)
        results: list[dict[str, Any]] = []
        for key, lines in groups.items():
            parts = _in_two(lines) if _is_split(over, len(results), lines) else (lines,)
            results.extend(self._cost(over, by, key, part) for part in parts)
        return _bucket(over, results)

    def _cost(self, over: Span, by: frozenset[str], key: tuple[str | None, ...], lines: list[Line]) -> dict[str, Any]:
        names = dict(zip(LINE_DIMENSIONS, key, strict=True))
        usd = [line.usd for line in lines if line.usd is not None]
        if not usd:  # nothing is billed: the result is as short as the samples' free one
            return {"object": "organization.costs.result"} | {name: names[name] for name in sorted(by)}
        return {
            "object": "organization.costs.result",
            "amount": {"value": _wire(over, sum(usd, Decimal()), len(names["line_item"] or "")), "currency": "usd"},
            **names,
            **_quantity(lines),
            "organization_id": self.days.company.id,
            "organization_name": self.days.company.organization.name,
        }

    def _usage_bucket(self, over: Span, endpoint: str, by: frozenset[str], filters: Filters) -> msgspec.Raw:
        dimensions = USAGE_GROUPS[endpoint]
        groups: dict[tuple[str | bool | None, ...], dict[str, int]] = {}
        for use in self.part(over).uses:
            if use.endpoint == endpoint and all(_text(USE_DIMENSIONS[d](use)) in values for d, values in filters):
                key = tuple(USE_DIMENSIONS[name](use) if name in by else None for name in dimensions)
                sums = groups.setdefault(key, {})
                for name, n in use.counts.items():
                    sums[name] = sums.get(name, 0) + n
        results = [
            {
                "object": f"organization.usage.{OBJECTS.get(endpoint, endpoint)}.result",
                **_measures(endpoint, sums),
                **dict(zip(dimensions, key, strict=True)),
            }
            for key, sums in groups.items()
        ]
        return _bucket(over, results)


def _text(value: str | bool | None) -> str | None:
    return str(value).lower() if isinstance(value, bool) else value


def _is_split(over: Span, n: int, lines: list[Line]) -> bool:
    """One line of some days: the first that is worth it."""
    [line, *more] = lines
    is_worth_it = not more and line.usd is not None and line.usd > SPLIT_AT and line.unit == "tokens"
    return n == 0 and over.start.day % SPLIT_EVERY == 0 and is_worth_it


def _in_two(lines: list[Line]) -> Iterator[list[Line]]:
    """A line as two results, each with its own part of the amount and of the quantity; together exactly the line."""
    [line] = lines
    if line.quantity is None or line.usd is None:
        raise ValueError(f"{line.line_item} cannot be split")
    first = line.quantity // 4 * 2
    usd = line.usd / line.quantity * first
    yield [line._replace(usd=usd, quantity=first)]
    yield [line._replace(usd=line.usd - usd, quantity=line.quantity - first)]


def _wire(over: Span, usd: Decimal, n: int) -> Decimal | str:
    """A number once, and since then a string in one of three forms."""
    if over.start < STRINGS_SINCE:
        return usd
    short = usd.normalize()
    return (format(usd.quantize(PLACES), "f"), format(short, "E"), format(short, "f"), format(short, "f"))[n % 4]


def _quantity(lines: list[Line]) -> dict[str, Any]:
    """Null for lines that count nothing, or not the same."""
    units = {line.unit for line in lines}
    if len(units) > 1 or None in units:
        return {"quantity": None, "quantity_unit": None}
    quantity = sum((line.quantity or Decimal() for line in lines), Decimal()).normalize()
    return {"quantity": Decimal(format(quantity, "f")), "quantity_unit": units.pop()}


def _measures(endpoint: str, sums: dict[str, int]) -> dict[str, int]:
    if endpoint in MEASURES:
        return {name: sums.get(name, 0) for name in MEASURES[endpoint]}
    n = {meter: sums.get(meter, 0) for meter in TOKEN_METERS}
    uncached = n["input"] + n["audio_input"] + n["image_input"]
    cached = n["cached_input"] + n["audio_cached_input"]
    return {
        "input_tokens": uncached + cached + n["cache_write"],
        "output_tokens": n["output"] + n["audio_output"],
        "num_model_requests": sums.get("num_model_requests", 0),
        "input_cached_tokens": cached,
        "input_uncached_tokens": uncached,
        "input_cache_write_tokens": n["cache_write"],
        "input_cache_write_30m_tokens": n["cache_write"],
        "input_cache_write_12h_tokens": 0,
        "input_text_tokens": n["input"],
        "input_audio_tokens": n["audio_input"],
        "input_image_tokens": n["image_input"],
        "input_cached_text_tokens": n["cached_input"],
        "input_cached_audio_tokens": n["audio_cached_input"],
        "input_cached_image_tokens": 0,
        "output_text_tokens": n["output"],
        "output_audio_tokens": n["audio_output"],
        "output_image_tokens": 0,
    }


def _bucket(over: Span, results: list[dict[str, Any]]) -> msgspec.Raw:
    bounds = {"start_time": epoch(over.start), "end_time": epoch(over.end)}
    return msgspec.Raw(ENCODER.encode({"object": "bucket", **bounds, "results": results}))


def epoch(at: datetime) -> int:
    """Unix seconds."""
    return (at - EPOCH) // timedelta(seconds=1)
