"""The meaning of a SKU, in each of Google's spellings, and which SKUs are spend on AI."""

from pathlib import Path

import pytest

from ai_usage.errors import SettingError
from ai_usage.providers.google.billed_services import Services, read_services
from ai_usage.providers.google.skus import sku_of, unit_of

GEMINI, VERTEX, SEATS = "AEFD-7695-64FA", "C7E2-9256-1C43", "719A-983F-202D"


@pytest.mark.parametrize(
    ("text", "model", "meter", "tier"),
    [
        (
            "Generate content input token count gemini 2.5 flash short input text",
            "gemini-2.5-flash",
            "input_tokens",
            None,
        ),
        ("Generate content output token count gemini 2.5 flash text", "gemini-2.5-flash", "output_tokens", None),
        (
            "Generate_content_cached_input_token_count_gemini_3_pro_short_image",
            "gemini-3-pro",
            "image_cached_input_tokens",
            None,
        ),
        (
            "Generate_content text output token count for gemini 3 flash batch",
            "gemini-3-flash",
            "output_tokens",
            "batch",
        ),
        ("Foo gemini 3.7 flash image flex caching", "gemini-3.7-flash", "cached_input_tokens", "flex"),
        ("Gemini 2.5 Pro Thinking Text Output - Predictions", "gemini-2.5-pro", "output_tokens", None),
        ("Gemini 3.8 Flash Global Text Input Priority - Predictions", "gemini-3.8-flash", "input_tokens", "priority"),
        ("Gemini 2.5 Flash Lite Audio Input - Predictions", "gemini-2.5-flash-lite", "audio_input_tokens", None),
        ("Cloud Vertex AI Model Garden Model as a Service GLM-5.2 Input", "glm-5.2", "input_tokens", None),
        ("Claude Opus 4.5 Output Tokens", "claude-opus-4.5", "output_tokens", None),
        ("Grounding with Google Search", None, "web_search", None),
        ("Grounding with Google Maps", None, "maps_grounding", None),
        ("Cached content storage token count gemini 2.5 pro", "gemini-2.5-pro", "cache_storage", None),
        ("Imagen 4 Fast Generation", "imagen-4", "imagen 4 fast generation", None),
        ("Provisioned Throughput Gemini 2.5 Pro", "gemini-2.5-pro", "provisioned throughput gemini 2.5 pro",
         "provisioned"),
        ("Some Thing New", None, "some thing new", None),
        ("", None, "unknown", None),
        (None, None, "unknown", None),
    ],
)  # fmt: skip
def test_a_sku_names_its_model_meter_and_tier(text: str | None, model: str | None, meter: str, tier: str) -> None:
    assert tuple(sku_of(text)) == (model, meter, tier)


def test_a_text_that_names_both_directions_is_its_own_meter() -> None:
    assert sku_of("Gemini 3 Flash input and output").meter == "gemini 3 flash input and output"


@pytest.mark.parametrize(
    ("meter", "sent", "unit"),
    [
        ("input_tokens", "count", "tokens"),
        ("web_search", "count", "requests"),
        ("imagen 4 fast generation", "count", "units"),
        ("cache_storage", "count hour", "count hour"),
        ("seat", "month", "seats"),
        ("tax", "", None),
        ("tax", None, None),
    ],
)
def test_a_count_is_of_what_its_meter_counts(meter: str, sent: str | None, unit: str | None) -> None:
    assert unit_of(meter, sent) == unit


@pytest.mark.parametrize(
    ("service_id", "service", "sku", "platform"),
    [
        (GEMINI, "Gemini API", "whatever", "gemini_api"),
        (GEMINI, "Renamed", "whatever", "gemini_api"),
        ("NEW", "Gemini API", "whatever", "gemini_api"),
        (SEATS, "Gemini for Google Cloud", "Gemini Code Assist Standard", "gemini_code_assist"),
        ("NEW", "Duet AI", "Duet AI for Developers", "gemini_code_assist"),
        (VERTEX, "Vertex AI", "Gemini 2.5 Pro Text Output - Predictions", "vertex_ai"),
        (VERTEX, "Gemini Enterprise Agent Platform", "Claude Opus 4.5 Input Tokens", "vertex_ai"),
        (VERTEX, "Vertex AI", "Cloud Vertex AI Model Garden Model as a Service GLM-5.2 Input", "vertex_ai"),
        (VERTEX, "Vertex AI", "Vertex AI: Online Prediction Nvidia L4 GPU", ""),
        (VERTEX, "Vertex AI", "Custom_Training N1 vCPU", ""),
        (VERTEX, "Vertex AI", "Something nobody knows", None),
        ("E4EE-DF31-DCDA", "Agentic Applications", "Agent step", None),
        (None, None, None, None),
    ],
)
def test_the_first_rule_that_fits_decides(
    service_id: str | None, service: str | None, sku: str | None, platform: str | None
) -> None:
    rule = Services.default().rule_of(service_id, service, sku)
    assert (rule and rule.platform) == platform


def test_a_file_of_rules_replaces_the_default_ones(tmp_path: Path) -> None:
    file = tmp_path / "billed_services.toml"
    file.write_text(
        '[[rule]]\nname = "All"\nservices = ["X"]\nsku_words = "robot"\nplatform = "vertex_ai"\n'
        '[labels]\nteam = ["cc"]\n',
        encoding="utf-8",
    )
    own = read_services(file)
    assert (own.ids, own.team_labels, own.person_labels) == (("X",), ("cc",), ())
    assert own.rule_of("X", None, "A_Robot") is not None
    assert own.rule_of(GEMINI, "Gemini API", "robot") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rule = 1", "cannot be used"),
        ('[[rule]]\nname = "a"\nplatform = "gpu"\nservices = ["X"]', "has the platform 'gpu'; write one of"),
        ('[[rule]]\nname = "a"\nplatform = "vertex_ai"', "a names no service"),
        ('[[rule]]\nname = "a"\nplatform = "vertex_ai"\nservices = ["X"]\nsku_words = "("', "cannot be used"),
        ('[[rule]]\nname = "a"\nplatform = ""\nservice = ["X"]', "service"),
    ],
)
def test_a_file_of_rules_that_cannot_be_used_is_named(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "billed_services.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingError, match="GEMINI_SERVICES") as raised:
        read_services(file)
    assert why in str(raised.value)
