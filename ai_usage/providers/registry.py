"""Every provider. To add one: a folder with its `Provider` record, and a line here."""

from ai_usage.layers import GATING_PULLS
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.cursor.provider import CURSOR
from ai_usage.providers.google.provider import GOOGLE
from ai_usage.providers.openai.provider import OPENAI
from ai_usage.providers.provider import Provider
from ai_usage.sheet.cells import SPELLINGS

PROVIDERS: tuple[Provider, ...] = (ANTHROPIC, CURSOR, OPENAI, GOOGLE)
BY_KEY = {provider.key: provider for provider in PROVIDERS}

GATING_PULLS[:] = [pull for provider in PROVIDERS for pull in provider.gate.pulls]

# Providers without a pulled bill: the sheet may name them nevertheless. The first is the name for people.
NAMED_IN_THE_SHEET: dict[str, tuple[str, ...]] = {}

# Key of a provider or platform → its name for people.
NAMES = {key: names[0] for key, names in NAMED_IN_THE_SHEET.items()}
NAMES |= {platform.key: platform.name for of in PROVIDERS for platform in of.platforms}
NAMES |= {of.key: of.name for of in PROVIDERS}

# Key of a provider or platform → the number of its color on every board. A coding tool has its provider's, the other
# platforms have their own.
COLORS = {of.key: at for at, of in enumerate(PROVIDERS)}
COLORS |= {platform.key: COLORS[of.key] for of in PROVIDERS for platform in of.platforms if platform.is_coding_tool}
_OTHERS = [platform.key for of in PROVIDERS for platform in of.platforms if not platform.is_coding_tool]
COLORS |= {key: at for at, key in enumerate(_OTHERS, start=len(PROVIDERS))}

SPELLINGS.clear()
SPELLINGS.update({name.lower(): of.key for of in PROVIDERS for name in (of.key, of.name, *of.also_called)})
SPELLINGS.update(
    {name.lower(): key for key, names in NAMED_IN_THE_SHEET.items() for name in names if key not in BY_KEY}
)
