"""Google's `fields`: which parts of an answer are wanted, as in `id,sheets(properties.title),sheets/data`."""

import re
from typing import Any

from ai_usage.simulator.queries import RefusalError

TOKEN = re.compile(r"[A-Za-z_]\w*|\*|[(),./]")

Mask = dict[str, Any]  # name → the mask of what is below; an empty one wants all of it


def select(answer: Any, fields: str | None, known: frozenset[str] = frozenset()) -> Any:
    """The requested fields of an answer. On the first level an unknown name that the answer lacks is refused."""
    if fields is None:
        return answer
    tokens = TOKEN.findall(fields)
    if "".join(tokens) != fields.replace(" ", "") or not tokens:
        raise RefusalError(f"Invalid field selection {fields}")
    mask = _mask(tokens, fields)
    if tokens:
        raise RefusalError(f"Invalid field selection {fields}")
    for name in mask.keys() - {"*"} - known - answer.keys():
        raise RefusalError(f"Invalid field selection {name}")
    return _part(answer, mask)


def _mask(tokens: list[str], fields: str) -> Mask:
    """Parses a list of paths at the front of the tokens, and removes them."""
    mask: Mask = {}
    while True:
        here = mask
        while True:
            if not tokens or tokens[0] in "(),./":
                raise RefusalError(f"Invalid field selection {fields}")
            here = here.setdefault(tokens.pop(0), {})
            if not tokens or tokens[0] not in "./":
                break
            tokens.pop(0)
        if tokens and tokens[0] == "(":
            tokens.pop(0)
            here |= _mask(tokens, fields)
            if not tokens or tokens.pop(0) != ")":
                raise RefusalError(f"Invalid field selection {fields}")
        if not tokens or tokens[0] != ",":
            return mask
        tokens.pop(0)


def _part(answer: Any, mask: Mask) -> Any:
    if not mask or "*" in mask:
        return answer
    if isinstance(answer, list):
        return [_part(item, mask) for item in answer]
    return {name: _part(value, mask[name]) for name, value in answer.items() if name in mask}
