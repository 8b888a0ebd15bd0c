"""Every provider there is. To add one: a folder with its `Provider` record, and a line here."""

from ai_usage.layers import GATING_PULLS
from ai_usage.providers.anthropic.provider import ANTHROPIC
from ai_usage.providers.cursor.provider import CURSOR
from ai_usage.providers.provider import Provider

PROVIDERS: tuple[Provider, ...] = (ANTHROPIC, CURSOR)
BY_KEY = {provider.key: provider for provider in PROVIDERS}

GATING_PULLS[:] = [pull for provider in PROVIDERS for pull in provider.gate.pulls]
