"""Removes secrets from a text, in whatever form they are quoted: plain, cut short, in any case, escaped as in JSON, a
URL or HTML (also nested), in base64 together with surrounding text, or in hexadecimal.
"""

import re
from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import unescape
from string import ascii_lowercase, ascii_uppercase
from threading import Lock

from ai_usage.settings import secrets

HIDDEN = "(key)"
SHORTEST = 6  # what is shorter is a word, and every text would have it
PIECE = 12  # this many characters of a secret in a row count as the secret: a quote may be cut short
OPENING = 4  # characters before the first such piece: "sk-ant-admin" opens every Admin key, and our own advice
LAYERS = 6  # of escapes in escapes
KEPT_AT_MOST = 64

ESCAPED = re.compile(
    r"\\+u(?P<u>[0-9a-f]{4})|\\+x(?P<x>[0-9a-f]{2})|%(?P<percent>[0-9a-f]{2})"
    r"|(?P<html>&#x[0-9a-f]{1,6};|&#[0-9]{1,7};|&(?:amp|lt|gt|quot|apos);)|\\+(?P<self>[^ux\\])",
    re.IGNORECASE,
)  # of backslashes in a row all but one are escapes of escapes
LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)  # `lower` may change a text's length

Place = tuple[int, int]  # the place in the original text of a character of the decoded text

_kept: dict[str, None] = {}  # the newest last
_keeping = Lock()


def keep_secret(*values: str) -> None:
    """Remember a client's secret: from now on no text shows it."""
    with _keeping:
        for value in values:
            if len(value) >= SHORTEST:
                _kept.pop(value, None)
                _kept[value] = None
        for oldest in list(_kept)[:-KEPT_AT_MOST]:
            del _kept[oldest]


def without_secrets(text: str) -> str:
    """The text with `(key)` in place of every secret of the settings and of every client."""
    needles = _needles(tuple(dict.fromkeys([*secrets(), *_kept])))
    view, places = text, [(at, at + 1) for at in range(len(text))]
    found: list[Place] = []
    for _ in range(LAYERS):
        found += [(places[first][0], places[end - 1][1]) for first, end in _found(view, needles)]
        decoded = _decoded(view, places)
        if decoded is None:
            break
        view, places = decoded
    return _blotted(text, found)


@lru_cache(maxsize=4)
def _needles(values: Sequence[str]) -> Mapping[int, frozenset[str]]:
    """What to look for, by its length."""
    needles: dict[int, set[str]] = defaultdict(set)
    for form in (form for value in values for form in _forms(value)):
        lower = form.translate(LOWER)
        needles[len(form)].add(lower)
        if "://" not in form and len(form) >= PIECE + OPENING:
            needles[PIECE] |= {lower[at : at + PIECE] for at in range(OPENING, len(form) - PIECE + 1)}
    return {length: frozenset(of) for length, of in needles.items()}


def _forms(value: str) -> Iterator[str]:
    yield value
    secret = value.encode()
    yield secret.hex()
    for before in range(3):  # base64 takes three bytes at a time: the secret may begin with any of them
        whole = b64encode(bytes(before) + secret + bytes(2)).decode()
        core = whole[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        if len(core) >= SHORTEST:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _found(view: str, needles: Mapping[int, frozenset[str]]) -> Iterator[Place]:
    lower = view.translate(LOWER)
    for length, of in needles.items():
        for at in range(len(lower) - length + 1):
            if lower[at : at + length] in of:
                yield at, at + length


def _decoded(view: str, places: Sequence[Place]) -> tuple[str, list[Place]] | None:
    """The text without one layer of escapes, each of its characters with its place; None if there is no escape."""
    decoded: list[str] = []
    spots: list[Place] = []
    at = 0
    for escape in ESCAPED.finditer(view):
        first, end = escape.span()
        decoded.append(view[at:first] + _meant(escape))
        spots += places[at:first]
        spots.append((places[first][0], places[end - 1][1]))
        at = end
    if not at:
        return None
    return "".join(decoded) + view[at:], [*spots, *places[at:]]


def _meant(escape: re.Match[str]) -> str:
    number = escape["u"] or escape["x"] or escape["percent"]
    if number:
        return chr(int(number, 16))
    return (unescape(escape["html"]) if escape["html"] else escape["self"])[:1] or " "


def _blotted(text: str, found: list[Place]) -> str:
    shown, at = "", 0
    for first, end in sorted(found):
        if first > at or not shown:
            shown += text[at:first] + HIDDEN
        at = max(at, end)
    return shown + text[at:]
