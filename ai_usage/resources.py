"""Resources that no launch can configure: the running process decides where they connect and with which secret.

A `ConfigurableResource` would take its fields as mere defaults of a launch's config, and `{env: NAME}` as a value.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg


def from_settings(opened: Callable[..., Any], *needs: str) -> dg.ResourceDefinition:
    """A resource that a call makes, or opens as a context manager; it gets the resources that it `needs`. Its schema is
    empty, which is not the same as none: config that is handed to it fails validation.
    """

    def made(context: dg.InitResourceContext) -> Any:
        return opened(*(getattr(context.resources, key) for key in needs))

    return dg.ResourceDefinition(made, config_schema={}, required_resource_keys=set(needs))


class NothingKept(dg.IOManager):
    """Steps pass nothing to each other: rows go through the warehouse. Dagster's default would write to, and unpickle
    from, any folder that a launch names.
    """

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """An output is an event alone."""

    def load_input(self, context: dg.InputContext) -> Any:
        raise NotImplementedError


nothing_kept = dg.IOManagerDefinition(lambda _: NothingKept(), config_schema={})
