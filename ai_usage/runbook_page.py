"""The runbook as one HTML page with an anchor for each section, for a browser without a network: the UI serves it at
`/runbook`, and it is beside the boards. The other pages of docs/ are not there, so links to them are plain text.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from ai_usage.places import SHIPPED

if TYPE_CHECKING:
    from markdown_it.token import Token

PAGE = "docs/runbook.md"
FILE = "runbook.html"
ADDRESS = "/runbook"  # in the UI
STYLE = """
:root { color-scheme: light dark; --text: light-dark(#1c1b19, #f0eee9); --quiet: light-dark(#5f5b53, #aaa69d);
  --ground: light-dark(#f8f6f2, #131417); --rule: light-dark(#e4e0d8, #34353a); }
body { margin: 0 auto; max-width: 46rem; padding: 24px 16px 80px; background: var(--ground); color: var(--text);
  font: 16px/1.55 -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1, h2 { font-family: Georgia, serif; font-weight: 500; line-height: 1.2; }
h2 { margin-top: 2.5em; } h3 { margin-top: 2em; padding-top: .6em; border-top: 1px solid var(--rule); }
h3:target { border-top: 3px solid currentcolor; }
h3, code, pre { overflow-wrap: anywhere; } pre { white-space: pre-wrap; }
code { font-size: .92em; } h3 a { color: inherit; text-decoration: none; }
table { display: block; overflow-x: auto; border-spacing: 0; }
th, td { text-align: left; vertical-align: top; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--rule); }
"""
WHOLE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>Runbook of ai_usage</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


@cache
def runbook_html() -> str:
    """The whole page; one sentence in place of the text, where an installation left the runbook out."""
    path = SHIPPED / PAGE
    text = path.read_text(encoding="utf-8") if path.is_file() else f"# Runbook\nThis installation has no {PAGE}."
    return WHOLE.format(style=STYLE, body=_body(text))


def _body(text: str) -> str:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - runs and commands need it for a page only

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for heading, title in pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", anchor(title.content))
    for token in tokens:
        token.children = list(_without_links_to_files(token.children)) if token.children else token.children
    html: str = parser.renderer.render(tokens, parser.options, {})
    return html


def anchor(title: str) -> str:
    """As GitHub makes it, so that a link's end is the same in the repository and here."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _without_links_to_files(tokens: "list[Token]") -> "Iterator[Token]":
    is_left_out = False
    for token in tokens:
        if token.type == "link_open":
            is_left_out = not str(token.attrGet("href")).startswith(("#", "https://"))
        if not (is_left_out and token.type in {"link_open", "link_close"}):
            yield token
