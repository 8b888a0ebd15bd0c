"""How each API key uses OpenAI's endpoints. Independent of the calendar: how busy a day is, is an argument."""

import random
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from ai_usage.simulator.openai_company import Key
from ai_usage.simulator.openai_prices import GIBIBYTE, Model, newest
from ai_usage.simulator.openai_uses import DEFAULT, STEPS, Use

SHARES = {  # of the money, by what it buys
    "chat": {"input": 0.35, "cached_input": 0.15, "output": 0.5},
    "cached": {"input": 0.2, "cached_input": 0.2, "cache_write": 0.15, "output": 0.45},
    "bulk": {"input": 0.5, "output": 0.5},
    "voice": {
        "input": 0.05,
        "cached_input": 0.03,
        "output": 0.07,
        "audio_input": 0.35,
        "audio_cached_input": 0.02,
        "audio_output": 0.45,
        "image_input": 0.03,
    },
}
TOKENS_A_REQUEST = 4000


class Habit(NamedTuple):
    """One way in which a key uses models for text and speech, day after day."""

    endpoint: str
    family: str
    tier: str
    dollars: float
    shares: str


class Tool(NamedTuple):
    """One way in which a key, or a project without a key, uses anything else."""

    endpoint: str
    family: str | None
    measure: str
    amount: int
    size: str | None = None
    source: str | None = None
    context_level: str | None = None
    vector_store_id: str | None = None


HABITS = {  # key → what it does
    "search prod": (
        Habit("completions", "small", "default", 11, "cached"),
        Habit("completions", "large", "default", 9, "cached"),
        Habit("decisions", "large", "default", 3, "chat"),
    ),
    "search experiments": (Habit("completions", "large", "default", 4, "chat"),),
    "relevance evals": (
        Habit("completions", "small", "batch", 3, "bulk"),
        Habit("completions", "large", "batch", 3, "bulk"),
    ),
    "voice gateway": (Habit("completions", "realtime", "default", 16, "voice"),),
    "transcripts": (Habit("completions", "small", "default", 1.5, "bulk"),),
    "nightly etl": (
        Habit("completions", "small", "batch", 7, "bulk"),
        Habit("completions", "small", "flex", 3, "chat"),
    ),
    "batch enrichment": (Habit("completions", "large", "batch", 8, "bulk"),),
    "notebooks": (
        Habit("completions", "large", "default", 3, "chat"),
        Habit("completions", "frontier", "default", 4, "cached"),
    ),
    "codex ci": (
        Habit("completions", "large", "default", 10, "cached"),
        Habit("completions", "frontier", "flex", 5, "chat"),
    ),
    "changelog cron": (Habit("completions", "legacy", "default", 2, "chat"),),
    "docs assistant": (Habit("completions", "large", "default", 3, "chat"),),
    "playground": (Habit("completions", "frontier", "default", 2, "bulk"),),
    "hackathon": (Habit("completions", "large", "default", 2, "bulk"),),
    "old demo": (Habit("completions", "legacy", "default", 2.5, "chat"),),
}
DASHBOARD = Habit("completions", "large", "default", 0.2, "bulk")  # of a person, without a key
TOOLS = {
    "search prod": (
        Tool("embeddings", "embedding", "input_tokens", 60_000_000),
        Tool("file_search_calls", None, "num_requests", 400, vector_store_id="vs_simulated_search"),
    ),
    "voice gateway": (
        Tool("moderations", "moderation", "input_tokens", 200_000),
        Tool("audio_speeches", "speech", "characters", 90_000),
        Tool("audio_transcriptions", "transcription", "seconds", 9_000),
    ),
    "transcripts": (
        Tool("moderations", "moderation", "input_tokens", 30_000),
        Tool("audio_transcriptions", "transcription", "seconds", 5_400),
    ),
    "nightly etl": (Tool("embeddings", "embedding", "input_tokens", 40_000_000),),
    "notebooks": (
        Tool("embeddings", "embedding", "input_tokens", 2_000_000),
        Tool("web_search_calls", "large", "num_requests", 12, context_level="high"),
    ),
    "codex ci": (Tool("web_search_calls", "large", "num_requests", 80, context_level="medium"),),
    "docs assistant": (
        Tool("moderations", "moderation", "input_tokens", 20_000),
        Tool("file_search_calls", None, "num_requests", 60, vector_store_id="vs_simulated_docs"),
        Tool("web_search_calls", "large", "num_requests", 30, context_level="low"),
    ),
    "image drafts": (
        Tool("images", "image", "images", 14, size="1024x1024", source="image.generation"),
        Tool("images", "image", "images", 6, size="1024x1792", source="image.edit"),
    ),
    "playground": (Tool("images", "image", "images", 3, size="1024x1024", source="image.generation"),),
}
PROJECT_TOOLS = {
    "Customer search": (Tool("vector_stores", None, "usage_bytes", 12 * GIBIBYTE),),
    "Internal tools": (
        Tool("vector_stores", None, "usage_bytes", 3 * GIBIBYTE),
        Tool("code_interpreter_sessions", None, "num_sessions", 6),
    ),
    "Data pipelines": (Tool("code_interpreter_sessions", None, "num_sessions", 12),),
}


def uses_of_key(key: Key, rng: random.Random, day: date, busy: float) -> Iterator[Use]:
    """A key's day. `busy` is 1 on a usual one; the same draws whatever the models then are."""
    for habit in HABITS.get(key.name, ()):
        dice, much = rng.random(), rng.uniform(0.6, 1.4)
        model = newest(habit.family, day)
        if model is not None and dice < 0.92:
            yield chat(habit, model, busy * much, (key.project.id, key.id, key.user_id))
    for tool in TOOLS.get(key.name, ()):
        dice, much = rng.random(), rng.uniform(0.5, 1.5)
        if dice < 0.92:
            yield from of_tool(tool, day, busy * much, (key.project.id, key.id, key.user_id))


def chat(habit: Habit, model: Model, busy: float, caller: tuple[str, str | None, str | None]) -> Use:
    """Tokens worth the habit's dollars at the model's prices."""
    use = Use(habit.endpoint, *caller, model, habit.tier, {})
    counts = {}
    for meter, share in SHARES[habit.shares].items():
        if model.has(meter):
            price = float(model.price(meter, is_discounted=use.is_discounted))
            counts[meter] = int(share * habit.dollars * busy / price) // STEPS[meter] * STEPS[meter]
    counts["num_model_requests"] = sum(counts.values()) // TOKENS_A_REQUEST + 1
    return use._replace(counts=counts)


def of_tool(tool: Tool, day: date, busy: float, caller: tuple[str, str | None, str | None]) -> Iterator[Use]:
    model = newest(tool.family, day) if tool.family else None
    if tool.family and model is None:
        return
    step = STEPS.get(tool.measure, 2 if tool.measure == "input_tokens" else 1)
    counts = {tool.measure: max(step, int(tool.amount * busy) // step * step)}
    if tool.family:
        counts["num_model_requests"] = counts[tool.measure] // _a_request(tool.measure) + 1
    yield Use(tool.endpoint, *caller, model, DEFAULT, counts, *tool[4:])


def _a_request(measure: str) -> int:
    return {"input_tokens": TOKENS_A_REQUEST, "characters": 500, "seconds": 90, "images": 2}.get(measure, 1)
