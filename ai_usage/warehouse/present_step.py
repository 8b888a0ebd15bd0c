"""Which asset or check is worked on at present, so that an engine can note it with what it does."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_STEP: ContextVar[str] = ContextVar("step", default="")


@contextmanager
def working_on(step: str) -> Iterator[None]:
    """What a warehouse is asked within is for this step."""
    before = _STEP.set(step)
    try:
        yield
    finally:
        _STEP.reset(before)


def present_step() -> str:
    """`layer/table` of the asset, or `check/name`; empty outside of a step."""
    return _STEP.get()
