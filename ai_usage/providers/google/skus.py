"""What a SKU of Google's bill is about: the model, what of it was bought, and at which tier.

Google writes the texts freely: `Generate content input token count gemini 2.5 flash short input text`,
`Generate_content_cached_input_token_count_gemini_3_pro_short_image`, `Gemini 2.5 Pro Thinking Text Output -
Predictions`, `Grounding with Google Search`. A text that is not understood is its own meter, so that nothing is lost.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from ai_usage.providers.google.billed_services import plain

UNKNOWN = "unknown"  # the meter of a SKU without a text
TIERS = ("batch", "flex", "priority", "provisioned")
KINDS = ("audio", "video", "image")
# A model's name: its family, the number of its version, and the words that are part of names.
MODEL = re.compile(
    r"\b(?P<family>gemini(?: embedding)?|gemma|imagen|veo|lyria|chirp|claude|llama|mistral|codestral|glm|qwen|deepseek|"
    r"gpt(?: oss)?|kimi|minimax|jamba)"
    r"(?P<rest>(?:[ -](?:\d+(?:\.\d+)*[a-z]?|pro|flash|lite|nano|banana|ultra|argon|omni|live|tts|"
    r"preview|opus|sonnet|haiku|fable|large|medium|small|"
    r"maverick|scout|instruct|coder|turbo|r\d+|v\d+(?:\.\d+)*))*)"
)
TOOLS = (  # words of the text → its meter
    (re.compile(r"\bgrounding\b.*\bmaps?\b|\bmaps? grounding\b"), "maps_grounding"),
    (re.compile(r"\bgrounding\b"), "web_search"),
    (re.compile(r"\bcach\w*\b.*\bstorage\b|\bstorage\b.*\bcach"), "cache_storage"),
)
REQUESTS = {"web_search", "maps_grounding"}  # meters that are counted in requests
SEAT = "seat"


class Sku(NamedTuple):
    """What a SKU is about. `model` and `service_tier` are None where the text names none."""

    model: str | None
    meter: str
    service_tier: str | None


@lru_cache(maxsize=4096)
def sku_of(sent: str | None) -> Sku:
    """The parts of a SKU's text."""
    text = plain(sent)
    if not text:
        return Sku(None, UNKNOWN, None)
    tier = next((word for word in TIERS if re.search(rf"\b{word}\b", text)), None)
    return Sku(_model(text), _tool(text) or _tokens(text) or text, tier)


def unit_of(meter: str, sent: str | None) -> str | None:
    """What a quantity of the meter counts: Google's own unit, where it is more than `count`."""
    if meter == SEAT:
        return "seats"
    if (unit := plain(sent)) != "count":
        return unit or None
    if meter.endswith("_tokens"):
        return "tokens"
    return "requests" if meter in REQUESTS else "units"


def _model(text: str) -> str | None:
    """The model as its provider writes it: gemini-2.5-flash."""
    found = MODEL.search(text)
    if found is None or not found["rest"]:
        return None
    return f"{found['family']}{found['rest']}".replace(" ", "-")


def _tool(text: str) -> str | None:
    return next((meter for words, meter in TOOLS if words.search(text)), None)


def _tokens(text: str) -> str | None:
    """Tokens of a direction and a kind: cached_input_tokens, audio_input_tokens, output_tokens."""
    is_input, is_output = bool(re.search(r"\binput\b", text)), bool(re.search(r"\boutput\b", text))
    is_cached = bool(re.search(r"\bcach(?:ed|ing|e)\b", text))
    if is_output and not is_input:
        direction = "output_tokens"
    elif is_cached and not is_output:
        direction = "cached_input_tokens"
    elif is_input and not is_output:
        direction = "input_tokens"
    else:
        return None
    # In `short input text` the kind follows; of `flash image flex caching` the model makes images, and text is cached.
    kinds = [kind for kind in KINDS if re.search(rf"\b(?:{kind} (?:in|out)put|{kind}$|(?:in|out)put {kind})\b", text)]
    return f"{kinds[0]}_{direction}" if len(kinds) == 1 else direction
