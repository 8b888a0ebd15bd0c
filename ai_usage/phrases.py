"""Finds phrases in texts, such as a person's address or name, and puts something else in their place. The
caller decides about each candidate, and may look it up by a digest: the phrases themselves need not be known here.

A phrase is a run of words. Separators between words do not count (`Lina Xu`, `lina_xu`). An address must match as a
whole: `anna.lina.xu@example.com` is another person's.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote

WORD = re.compile(r"[^\W_]+")
BETWEEN = re.compile(r"[\s._,'’+-]{1,2}")
LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')
ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
OF_AN_ADDRESS = set(".+-")
GOES_ON = re.compile(r"-|\.\w")

Lookup = Callable[[str], str | None]


def canonical(phrase: str) -> str:
    """The form in which a phrase is looked up: an address in lower case; other words with one space between them."""
    text = folded(phrase.strip())
    return text if "@" in text else " ".join(WORD.findall(text))


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def word_count(phrase: str) -> int:
    return len(WORD.findall(phrase))


def _unescaped(text: str) -> str:
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


@dataclass(frozen=True)
class Phrases:
    """`lookup` gives what is put in the place of a canonical phrase, None if it is none; `lengths` are the numbers of
    words that phrases have.
    """

    lookup: Lookup
    lengths: Collection[int]

    def replaced(self, text: str) -> str:
        """The text without the phrases: plain, JSON however deeply quoted, percent-encoded or escaped."""
        if not self.lengths or not text:
            return text
        if text[0] in '{["' and '"' in text:
            return self._in_json(text)
        clean = self._in_plain(text)
        for sign, decode in (("%", unquote), ("\\u", _unescaped)):
            if sign in clean and (plain := decode(clean)) != clean and (without := self._in_plain(plain)) != plain:
                clean = without
        return clean

    def _in_json(self, text: str) -> str:
        """Texts in it are read, rewritten, and written again if they changed. Whatever else stands there stays, but for
        words: then it is no JSON.
        """
        parts, at = [], 0
        for literal in LITERAL.finditer(text):
            parts += [self._between(text[at : literal.start()]), self._literal(literal)]
            at = literal.end()
        return "".join([*parts, self._between(text[at:])])

    def _between(self, text: str) -> str:
        return self._in_plain(text) if any(map(str.isalpha, text)) else text

    def _literal(self, literal: re.Match[str]) -> str:
        value = literal[0][1:-1]
        if "\\" in value:
            try:
                value = json.loads(literal[0], strict=False)
            except ValueError:  # no JSON after all
                value = literal[0][1:-1]
        clean = self.replaced(value)
        return literal[0] if clean == value else json.dumps(clean, ensure_ascii=False)

    def _in_plain(self, text: str) -> str:
        words = list(WORD.finditer(text))
        parts: list[str] = []
        at = written = 0
        while at < len(words):
            for length in sorted(self.lengths, reverse=True):
                if at + length > len(words):
                    continue
                start, end = words[at].start(), words[at + length - 1].end()
                instead = self._instead(text, start, end, words[at : at + length])
                if instead is not None:
                    parts += [text[written:start], instead]
                    written, at = end, at + length
                    break
            else:
                at += 1
        return "".join([*parts, text[written:]]) if parts else text

    def _instead(self, text: str, start: int, end: int, words: list[re.Match[str]]) -> str | None:
        run = text[start:end]
        if "@" in run:
            is_whole = text[start - 1 : start] not in OF_AN_ADDRESS and not GOES_ON.match(text, end)
            return self.lookup(folded(run)) if is_whole else None
        if text.startswith(("@", "%40", "\\u0040", "&#64;"), end):  # the first part of another address
            return None
        if not all(BETWEEN.fullmatch(text[a.end() : b.start()]) for a, b in pairwise(words)):
            return None
        return self.lookup(" ".join(folded(word[0]) for word in words))
