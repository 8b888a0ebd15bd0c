"""Where commands print: text from elsewhere neither moves the cursor nor sets a color."""

import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text


class Terminal(Console):
    """Where commands print. Control characters in foreign text are shown by their number. `redact` is applied to every
    text before.
    """

    redact: Callable[[str], str] = staticmethod(str)

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(visible(self.redact(text)), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


def visible(text: str) -> str:
    """The text, with the number of each character that would move the cursor, set a color or reverse the text."""
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    is_wide_space = unicodedata.category(character) == "Zs"
    return " " if is_wide_space or character == "\t" else character.encode("unicode_escape").decode("ascii")


OUT = Terminal(highlight=False)
ERR = Terminal(stderr=True, highlight=False)
