"""Clients of the built-in providers, as a run gets them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from ai_usage.providers.registry import BY_KEY
from ai_usage.settings import Settings
from ai_usage.simulated import clients, sheet, simulated_providers


@contextmanager
def built_in(of: Settings, *providers: str) -> Iterator[list[Any]]:
    """The clients of each provider, and last the sheet."""
    simulated = replace(of, simulate=True)
    with ExitStack() as stack:
        simulator = stack.enter_context(simulated_providers(simulated))
        opened = [stack.enter_context(clients(BY_KEY[key], simulated, simulator)) for key in providers]
        yield [*opened, stack.enter_context(sheet(simulated, simulator))]
