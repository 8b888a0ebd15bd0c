"""An error has all its attributes as soon as it is constructed."""

import inspect
import pkgutil
import types
import typing
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import pytest

import ai_usage
from ai_usage.ingest.http.errors import ApiDown, BadRequest, NotFound, NotModified, RateLimited, Refused
from ai_usage.warehouse.reading.field_types import Unfit

VALUES: dict[Any, Any] = {
    Mapping: {"a": "b"},
    str: "a sentence",
    bool: True,
    int: 1,
    Unfit: Unfit("field", "is wrong", "absent"),
}


def error_classes() -> set[type[BaseException]]:
    """The error classes of the package; imports all its modules."""
    for module in pkgutil.walk_packages(ai_usage.__path__, "ai_usage."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    return {kind for kind in subclasses(BaseException) if kind.__module__.startswith("ai_usage.")}


def subclasses(of: type[BaseException]) -> Iterator[type[BaseException]]:
    for kind in of.__subclasses__():
        yield kind
        yield from subclasses(kind)


def plain(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return plain(typing.get_args(hint)[0])
    return typing.get_origin(hint) or hint


def constructed(kind: type[BaseException]) -> BaseException:
    """An instance, with a sentence if it takes one, and its other arguments."""
    if not inspect.isfunction(kind.__init__):
        return kind("a sentence")  # like Python's own errors
    parameters = inspect.signature(kind).parameters.values()
    hints = typing.get_type_hints(kind.__init__)
    positional = [VALUES[plain(hints[one.name])] for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    named = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    return kind(*positional, **{name: VALUES[plain(hints[name])] for name in named})


def test_each_error_has_every_annotated_attribute_as_soon_as_it_is_made() -> None:
    """`NotFound("x").status` raised AttributeError."""
    read: dict[str, set[str]] = {}
    for kind in error_classes():
        error = constructed(kind)
        read[kind.__name__] = set(typing.get_type_hints(kind))
        assert [name for name in read[kind.__name__] if not hasattr(error, name)] == [], kind
        assert str(error), kind
    assert {"status", "explanation", "parameters", "retry_after", "may_retry"} <= read["NotFound"]
    assert {"AiUsageError", "SettingError", "BoardError", "Undelivered", "BadText", "BadCell"} <= read.keys()


@pytest.mark.parametrize(
    ("kind", "status"), [(NotModified, 304), (BadRequest, 400), (NotFound, 404), (RateLimited, 429), (ApiDown, 500)]
)
def test_a_refusal_has_its_kinds_status_unless_it_is_given_another(kind: type[Refused], status: int) -> None:
    error = kind("x")
    assert (error.status, error.explanation, error.retry_after, error.may_retry) == (status, "", None, False)
    assert error.parameters == frozenset()
    assert kind("x", status=418, parameters=["a", "a"]).parameters == {"a"}
    assert kind("x", status=418).status == 418
