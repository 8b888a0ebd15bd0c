"""A line item's model, meter and tier, in each spelling; an unknown line item becomes a separate meter."""

import pytest

from ai_usage.providers.openai.line_items import LineItem, line_item_of

READ = {
    # as seen
    "gpt-6-astra, input_tokens": ("gpt-6-astra", "input_tokens", None),
    "gpt-5.6-luna, input": ("gpt-5.6-luna", "input_tokens", None),
    "gpt-4o-2024-08-06, Input": ("gpt-4o-2024-08-06", "input_tokens", None),
    "gpt-realtime-2.1, audio input": ("gpt-realtime-2.1", "audio_input_tokens", None),
    "Text tokens": (None, "text_tokens", None),
    "gpt-4o": ("gpt-4o", "model_use", None),
    "text-embedding-3-small": ("text-embedding-3-small", "model_use", None),
    "gpt-example-large, output": ("gpt-example-large", "output_tokens", None),
    # directions and kinds
    "gpt-5, cached input": ("gpt-5", "cached_input_tokens", None),
    "gpt-5, input cached": ("gpt-5", "cached_input_tokens", None),
    "gpt-5, cached_input_tokens": ("gpt-5", "cached_input_tokens", None),
    "gpt-5, cache write": ("gpt-5", "cache_write_tokens", None),
    "gpt-5, input cache writes": ("gpt-5", "cache_write_tokens", None),
    "gpt-5, Output tokens": ("gpt-5", "output_tokens", None),
    "gpt-5, text input": ("gpt-5", "input_tokens", None),
    "gpt-5, audio cached input": ("gpt-5", "audio_cached_input_tokens", None),
    "gpt-5, cached audio input": ("gpt-5", "audio_cached_input_tokens", None),
    "gpt-5, audio output": ("gpt-5", "audio_output_tokens", None),
    "gpt-image-2, image input": ("gpt-image-2", "image_input_tokens", None),
    "gpt-image-2, image output": ("gpt-image-2", "image_output_tokens", None),
    # tools
    "web search tool calls": (None, "web_search", None),
    "File Search Tool Calls": (None, "file_search", None),
    "file-search calls": (None, "file_search", None),
    "code interpreter sessions": (None, "code_interpreter", None),
    "vector store storage": (None, "storage", None),
    "file search storage": (None, "storage", None),
    "gpt-5, web search": ("gpt-5", "web_search", None),
    # other units
    "gpt-image-2, images": ("gpt-image-2", "images", None),
    "dall-e-3, 1024x1024": ("dall-e-3", "images", None),
    "dall-e-3, HD 1024x1792": ("dall-e-3", "images", None),
    "tts-1, characters": ("tts-1", "characters", None),
    "whisper-1, seconds": ("whisper-1", "audio_seconds", None),
    "whisper-1, minutes": ("whisper-1", "audio_seconds", None),
    # tiers
    "gpt-5.6-luna, batch input": ("gpt-5.6-luna", "input_tokens", "batch"),
    "gpt-5.6-luna, flex output": ("gpt-5.6-luna", "output_tokens", "flex"),
    "gpt-5.6-luna, cached input, priority": ("gpt-5.6-luna", "cached_input_tokens", "priority"),
    "gpt-5, batch": ("gpt-5", "model_use", "batch"),
    # other separators
    "gpt-5 | cached input": ("gpt-5", "cached_input_tokens", None),
    "gpt-5: output": ("gpt-5", "output_tokens", None),
    "gpt-5 - output": ("gpt-5", "output_tokens", None),
    "gpt-5 input": ("gpt-5", "input_tokens", None),
    "  gpt-5,   input  ": ("gpt-5", "input_tokens", None),
    "ft:gpt-4o:My-Org::Abc, output": ("ft:gpt-4o:My-Org::Abc", "output_tokens", None),
    # not recognized
    "gpt-5, Fine-tuning hours": ("gpt-5", "gpt-5, fine-tuning hours", None),
    "gpt-5, input output": ("gpt-5", "gpt-5, input output", None),
    "gpt-5, audio image input": ("gpt-5", "gpt-5, audio image input", None),
    "gpt-5, input input": ("gpt-5", "gpt-5, input input", None),
    "gpt-5, deep thought flex": ("gpt-5", "gpt-5, deep thought flex", "flex"),
    "dall-e-3, 1024x1024 deluxe": ("dall-e-3", "dall-e-3, 1024x1024 deluxe", None),
    "Support plan": (None, "support plan", None),
    "Scale units, fast": (None, "scale units, fast", "scale"),
    # none
    "": (None, "unknown", None),
}


@pytest.mark.parametrize("text", READ)
def test_a_line_item_is_read(text: str) -> None:
    assert line_item_of(text) == LineItem(*READ[text])


def test_costs_without_line_items_have_an_unknown_meter() -> None:
    assert line_item_of(None) == LineItem(None, "unknown", None)


@pytest.mark.parametrize("tier", ["batch", "flex", "priority", "fast", "scale"])
def test_each_tier_is_found_before_and_after(tier: str) -> None:
    assert line_item_of(f"gpt-5, {tier} input") == line_item_of(f"gpt-5, Input {tier.title()}")
    assert line_item_of(f"gpt-5, {tier} input").service_tier == tier
