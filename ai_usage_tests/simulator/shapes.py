"""The common shape of samples: fields, types, nullability. Finds where a value differs from it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

KINDS = {
    bool: "bool",
    int: "int",
    float: "number",
    str: "string",
    type(None): "null",
    list: "list",
    dict: "object",
}
MAPS = {"tags"}  # objects with data as keys


@dataclass
class Shape:
    """The union of the learned samples. Objects with different `type` values have separate shapes."""

    kinds: set[str] = field(default_factory=set)
    objects: dict[str, dict[str, "Shape"]] = field(default_factory=dict)
    items: "Shape | None" = None

    def learn(self, value: Any) -> "Shape":
        self.kinds.add(KINDS[type(value)])
        if isinstance(value, list):
            self.items = self.items or Shape()
            for item in value:
                self.items.learn(item)
        elif isinstance(value, dict):
            fields = self.objects.setdefault(str(value.get("type")), {})
            for name, inner in value.items():
                fields.setdefault(name, Shape()).learn(inner)
        return self

    def misfits(self, value: Any, nullable: set[str], at: str = "") -> Iterator[str]:
        name = at.rpartition(".")[2]
        if value is None and ("null" in self.kinds or name in nullable):
            return
        if self.kinds == {"null"} and name in nullable and isinstance(value, str):
            return  # null in every sample; a string by the contract
        if KINDS[type(value)] not in self.kinds:
            yield f"{at}: {KINDS[type(value)]}, not {' or '.join(sorted(self.kinds))}"
        elif isinstance(value, list) and self.items:
            for item in value:
                yield from self.items.misfits(item, nullable, at)
        elif isinstance(value, dict) and name not in MAPS:
            fields = self.objects.get(str(value.get("type")))
            if fields is None or fields.keys() != value.keys():
                yield f"{at}: fields {sorted(value)}, not {sorted(fields or ())}"
                return
            for inner, shape in fields.items():
                yield from shape.misfits(value[inner], nullable, f"{at}.{inner}")
