"""What an OpenAI record means: its fields, and the values they are known to take.

Source: the types of OpenAI's own Python library (3.57), its API reference, and answers that others published. Amounts
are dollars, as JSON numbers or as text. Only few fields are promised: any other may be absent or null. A type such as
`Dollars` or `Id` means that a record is of no use without the field (`warehouse.reading`).
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec

from ai_usage.ingest.drift import Known
from ai_usage.money import USD, Rates, currency_name
from ai_usage.warehouse.reading.field_types import Address, BilledCount, Carries, Count, Dollars, Id, Seconds, Unfit

ApiSource = Annotated[str, Known("agents_api", "unlabeled")]
ServiceTier = Annotated[str, Known("default", "flex", "priority", "fast", "ultrafast", "scale", "batch")]
QuantityUnit = Annotated[
    str,
    Known(
        "tokens",
        "1000_tokens",
        "duration_seconds",
        "duration_minutes",
        "duration_hours",
        "gibibyte_hours",
        "images",
        "characters",
    ),
]


class Amount(msgspec.Struct, frozen=True):
    value: Dollars | None = None  # a number or a text, with up to 16 decimals or an exponent
    currency: Annotated[str, Carries.CURRENCY] | None = None  # lower case


class CostResult(msgspec.Struct, frozen=True):
    """One result of a bucket of `costs`. One without an amount bills nothing. A dimension that was not asked for is
    null, which is no value.
    """

    amount: Annotated[Amount | None, Carries.MONEY] = None
    object: str | None = None
    line_item: str | None = None
    project_id: Id | None = None
    user_id: Id | None = None
    api_key_id: Id | None = None
    api_source: ApiSource | None = None
    quantity: Decimal | None = None
    quantity_unit: QuantityUnit | None = None
    organization_id: Id | None = None  # not documented, and sent
    organization_name: str | None = None  # the same

    @property
    def value(self) -> Decimal | None:
        """In its currency; None: nothing is billed."""
        return self.amount.value if self.amount else None

    @property
    def currency(self) -> str:
        """Dollars where none is named: OpenAI bills in these."""
        return (self.amount and self.amount.currency) or USD

    @staticmethod
    def are_all_fit(results: Sequence["CostResult"]) -> bool:
        return {result.currency for result in results} <= {USD, USD.lower()}

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        if self.value is None or rates.usd_per_unit(self.currency, day) is not None:
            return None
        name, when = currency_name(self.currency)[:12], f"on {day}" if day else "known"
        return Unfit("amount.currency", f"{name} has no rate to USD {when}: AI_USAGE_CURRENCY_RATES names none", "text")


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """The dimensions of every usage report; null unless grouped by."""

    object: str | None = None
    project_id: Id | None = None
    user_id: Id | None = None
    api_key_id: Id | None = None
    model: str | None = None
    api_source: ApiSource | None = None


class UsedTokens(Used, frozen=True, kw_only=True):
    """One result of `usage/completions` or `usage/decisions`. `input_tokens` has the cached and the cache-write ones in
    it; the three kinds (text, audio, image) are parts of the uncached, of the cached and of the output tokens.
    """

    input_tokens: BilledCount
    output_tokens: BilledCount
    num_model_requests: BilledCount
    input_cached_tokens: Count | None = None
    input_uncached_tokens: Count | None = None
    input_cache_write_tokens: Count | None = None
    input_cache_write_30m_tokens: Count | None = None
    input_cache_write_12h_tokens: Count | None = None
    input_text_tokens: Count | None = None
    input_audio_tokens: Count | None = None
    input_image_tokens: Count | None = None
    input_cached_text_tokens: Count | None = None
    input_cached_audio_tokens: Count | None = None
    input_cached_image_tokens: Count | None = None
    output_text_tokens: Count | None = None
    output_audio_tokens: Count | None = None
    output_image_tokens: Count | None = None
    batch: bool | None = None
    service_tier: ServiceTier | None = None


class UsedInput(Used, frozen=True, kw_only=True):
    """One result of `usage/embeddings` or `usage/moderations`."""

    input_tokens: BilledCount
    num_model_requests: BilledCount


class UsedImages(Used, frozen=True, kw_only=True):
    """One result of `usage/images`."""

    images: BilledCount
    num_model_requests: BilledCount
    size: str | None = None
    source: Annotated[str, Known("image.generation", "image.edit", "image.variation")] | None = None


class UsedSpeech(Used, frozen=True, kw_only=True):
    """One result of `usage/audio_speeches`."""

    characters: BilledCount
    num_model_requests: BilledCount


class UsedTranscription(Used, frozen=True, kw_only=True):
    """One result of `usage/audio_transcriptions`."""

    seconds: BilledCount
    num_model_requests: BilledCount


class UsedStorage(Used, frozen=True, kw_only=True):
    """One result of `usage/vector_stores`."""

    usage_bytes: BilledCount


class UsedSessions(Used, frozen=True, kw_only=True):
    """One result of `usage/code_interpreter_sessions`."""

    num_sessions: BilledCount


class UsedFileSearch(Used, frozen=True, kw_only=True):
    """One result of `usage/file_search_calls`."""

    num_requests: BilledCount
    vector_store_id: Id | None = None


class UsedWebSearch(Used, frozen=True, kw_only=True):
    """One result of `usage/web_search_calls`."""

    num_requests: BilledCount
    num_model_requests: BilledCount
    context_level: str | None = None


USED: dict[str, type[Used]] = {  # endpoint of `usage/…` → what its results are
    "completions": UsedTokens,
    "embeddings": UsedInput,
    "moderations": UsedInput,
    "images": UsedImages,
    "audio_speeches": UsedSpeech,
    "audio_transcriptions": UsedTranscription,
    "vector_stores": UsedStorage,
    "code_interpreter_sessions": UsedSessions,
    "file_search_calls": UsedFileSearch,
    "web_search_calls": UsedWebSearch,
    "decisions": UsedTokens,
}


class CodexActor(msgspec.Struct, frozen=True):
    type: str | None = None
    user_id: Id | None = None
    email: Address | None = None


class CodexTotals(msgspec.Struct, frozen=True):
    threads: Count | None = None
    turns: Count | None = None
    credits: Decimal | None = None  # of the plan: no money


class CodexClient(msgspec.Struct, frozen=True):
    client_id: str | None = None
    threads: Count | None = None
    turns: Count | None = None
    credits: Decimal | None = None
    uncached_text_input_tokens: Count | None = None
    cached_text_input_tokens: Count | None = None
    text_output_tokens: Count | None = None
    text_total_tokens: Count | None = None


class CodexModel(msgspec.Struct, frozen=True):
    model: str | None = None
    credits: Decimal | None = None
    speed: str | None = None


class CodexLines(msgspec.Struct, frozen=True):
    lines_added: Count | None = None
    lines_removed: Count | None = None


class CodexUsage(msgspec.Struct, frozen=True):
    """One user's day in a workspace's `usage`. Its day is the one that the pull found in `start_time`."""

    object: str | None = None
    start_time: Seconds | None = None
    end_time: Seconds | None = None
    user_id: Id | None = None
    actor: Annotated[CodexActor | None, Carries.IDENTITY] = None
    totals: CodexTotals | None = None
    clients: list[CodexClient] | None = None
    models: list[CodexModel] | None = None
    code_attribution: CodexLines | None = None

    @property
    def id(self) -> str | None:
        return self.user_id or (self.actor and self.actor.user_id) or None

    @property
    def email(self) -> str | None:
        return (self.actor and self.actor.email) or None

    def unfit(self, day: date | None, rates: Rates) -> Unfit | None:
        return None if self.id or self.email else Unfit("user_id", "is missing, and so is an address", "absent")
