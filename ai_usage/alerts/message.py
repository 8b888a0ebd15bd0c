"""The messages that are sent: one per news, or a digest if there are many at once, most severe first. Plain text,
redacted. Each channel formats it for its readers.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import accumulate

import msgspec
from msgspec import structs

from ai_usage.alerts.news import Digest, News, Section, Severity, plainly
from ai_usage.alerts.runbook import likely_cause, section
from ai_usage.partitions import runs_of_days

DIGEST_ABOVE = 5  # news at once
ITEMS_AT_MOST = 25  # of a digest; the rest is counted
ITEMS_OF_A_SUMMARY = 10
FIRST = "This was so when alerts began. From now on each change is reported once."
TITLE_LENGTH, TEXT_LENGTH, DAYS_LENGTH, ENTRY_LENGTH = 200, 800, 200, 400
ROOM = TEXT_LENGTH - 50  # for a list; the rest is for the count of further ones

WORDS = {severity: severity.name.lower() for severity in Severity}

Redact = Callable[[str], str]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a message, for one or more days."""

    severity: str
    title: str
    count: int  # of similar news
    days: list[date]
    text: str
    likely_cause: str
    link: str
    runbook: str
    entries: list[str] = []  # of a digest's section, a sentence each

    @property
    def when(self) -> str:
        return _cut(", ".join(map(str, runs_of_days(self.days))), DAYS_LENGTH)

    @property
    def heading(self) -> str:
        if self.entries:
            return self.title
        many = f" ({len(self.days)} days)" if len(self.days) > 1 else f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.severity.upper()} {self.title}{_on(self)}{many}"

    @property
    def lines(self) -> list[str]:
        cause = f"Likely cause: {self.likely_cause}" if self.likely_cause else ""
        what_to_do = f"What to do: {self.runbook}" if self.runbook else ""
        entries = [f"• {entry}" for entry in self.entries]
        return [line for line in (self.text, *entries, cause, self.link and f"Look: {self.link}", what_to_do) if line]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it is stored until every channel has it."""

    key: str  # made from the keys of its news: the same message has the same key
    severity: str
    subject: str
    is_simulated: bool
    counts: dict[str, int]
    items: list[Item]
    more: int = 0  # items left out
    note: str = ""  # applies to the whole message

    @property
    def opening(self) -> str:
        simulated = "SIMULATED: the built-in providers answer, so no money was spent." if self.is_simulated else ""
        return " ".join(part for part in (simulated, self.note) if part)

    @property
    def closing(self) -> str:
        return f"And {self.more} more: the UI lists them all." if self.more else ""

    @property
    def text(self) -> str:
        blocks = ["\n".join([item.heading, *item.lines]) for item in self.items]
        return "\n\n".join(part for part in (self.opening, *blocks, self.closing) if part) + "\n"


def compose(
    news: Sequence[News], *, is_simulated: bool, redact: Redact, is_first: bool = False, ui_url: str = ""
) -> list[Message]:
    """One message per news, or one of all; a `Digest` keeps a separate message. The first message of an installation
    summarizes what was already wrong. With the UI's address, each item links to its section of the runbook there.
    """
    messages = _composed(news, is_simulated, redact, is_first)
    return [structs.replace(one, items=[_linked(item, ui_url) for item in one.items]) for one in messages]


def _linked(item: Item, ui_url: str) -> Item:
    return structs.replace(item, runbook=section(item.runbook, ui_url)) if item.runbook else item


def _composed(news: Sequence[News], is_simulated: bool, redact: Redact, is_first: bool) -> list[Message]:  # noqa: FBT001
    digests = [one for one in news if isinstance(one, Digest)]
    alerts = [one for one in news if not isinstance(one, Digest)]
    sections = [_of_sections(one, is_simulated, redact) for one in digests]
    if len(alerts) > DIGEST_ABOVE:
        return [(_summary if is_first else _digest)(alerts, is_simulated, redact), *sections]
    ordered = sorted(alerts, key=lambda one: -one.severity)
    return [*(_single(one, is_simulated, redact) for one in ordered), *sections]


def _of_sections(digest: Digest, is_simulated: bool, redact: Redact) -> Message:  # noqa: FBT001
    """The last section has the link."""
    last = digest.sections[-1]
    items = [_section(digest, part, redact, digest.link if part is last else "") for part in digest.sections]
    return _message([digest], items, is_simulated, redact(plainly(digest.title)))


def _section(digest: Digest, part: Section, redact: Redact, link: str) -> Item:
    return Item(
        severity=WORDS[digest.severity],
        title=_cut(redact(plainly(part.title)), TITLE_LENGTH),
        count=1,
        days=[],
        text="",
        likely_cause="",
        link=redact(plainly(link)),
        runbook="",
        entries=[_cut(redact(plainly(line)), ENTRY_LENGTH) for line in part.lines],
    )


def _single(one: News, is_simulated: bool, redact: Redact) -> Message:  # noqa: FBT001
    item = _item([one], redact)
    return _message([one], [item], is_simulated, f"{item.severity.upper()} {item.title}{_on(item)}")


def _digest(news: Sequence[News], is_simulated: bool, redact: Redact) -> Message:  # noqa: FBT001
    groups = _grouped(news, lambda one: one.title)
    if len(groups) > ITEMS_AT_MOST:
        groups = _grouped(news, lambda one: one.topic)
    items = [_item(group, redact) for group in groups]
    return _message(news, items, is_simulated, f"{len(news)} alerts: {_in_words(news)}")


def _summary(news: Sequence[News], is_simulated: bool, redact: Redact) -> Message:  # noqa: FBT001
    """One item per topic."""
    items = [_item(group, redact) for group in _grouped(news, lambda one: one.topic)]
    message = _message(news, items[:ITEMS_OF_A_SUMMARY], is_simulated, f"First summary: {_in_words(news)}")
    return structs.replace(message, more=max(0, len(items) - ITEMS_OF_A_SUMMARY), note=FIRST)


def _grouped(news: Sequence[News], by: Callable[[News], str]) -> list[list[News]]:
    """Groups of similar news, the most severe and then the largest first."""
    alike: dict[tuple[int, str], list[News]] = {}
    for one in sorted(news, key=lambda one: (-one.severity, one.title, one.day or date.min, one.key)):
        alike.setdefault((one.severity, by(one)), []).append(one)
    return sorted(alike.values(), key=lambda group: (-group[0].severity, -len(group), group[0].title))


def _message(news: Sequence[News], items: Sequence[Item], is_simulated: bool, subject: str) -> Message:  # noqa: FBT001
    keys = "\n".join(sorted(one.key for one in news))
    return Message(
        key=hashlib.sha256(keys.encode()).hexdigest()[:32],
        severity=WORDS[max(one.severity for one in news)],
        subject=f"[ai_usage] {'SIMULATED ' if is_simulated else ''}{subject}",
        is_simulated=is_simulated,
        counts=_counts(news),
        items=list(items[:ITEMS_AT_MOST]),
        more=max(0, len(items) - ITEMS_AT_MOST),
    )


def _item(group: Sequence[News], redact: Redact) -> Item:
    """An item of news with one title: the text of the first, preceded by its day if there are more days. For news of
    one topic with different titles: the titles.
    """
    first = group[0]
    titles = dict.fromkeys(one.title.removeprefix(f"{one.topic}: ") for one in group)
    title = first.title if len(titles) == 1 else first.topic
    text = f"{first.day}: {first.text}" if len(group) > 1 and first.day else first.text
    if len(titles) > 1:
        text = _listed(list(titles))
    is_trouble = first.severity > Severity.RESOLVED
    return Item(
        severity=WORDS[first.severity],
        title=_cut(redact(plainly(title)), TITLE_LENGTH),
        count=len(group),
        days=sorted({one.day for one in group if one.day}),
        text=_cut(redact(plainly(text)), TEXT_LENGTH),
        likely_cause=likely_cause(first.topic, {one.kind for one in group}) if is_trouble else "",
        link=redact(plainly(first.link)),
        runbook=first.topic if is_trouble else "",
    )


def _listed(titles: Sequence[str]) -> str:
    """As many titles as fit, and the count of the rest."""
    shown = [
        title for title, end in zip(titles, accumulate(len(one) + 2 for one in titles), strict=True) if end <= ROOM
    ]
    more = len(titles) - len(shown)
    return "; ".join(shown) + (f"; and {more} more: the UI lists them all." if more else ".")


def _on(item: Item) -> str:
    return f", {item.when}" if item.days else ""


def _counts(news: Iterable[News]) -> dict[str, int]:
    """Severity's word → count, most severe first."""
    severities = [one.severity for one in news]
    return {WORDS[s]: severities.count(s) for s in sorted(Severity, reverse=True) if s in severities}


def _in_words(news: Iterable[News]) -> str:
    """Such as `1 failed, 1,009 warnings`."""
    nouns = {WORDS[Severity.WARNING], WORDS[Severity.NOTICE]}
    return ", ".join(f"{n:,} {word}{'s' if word in nouns and n != 1 else ''}" for word, n in _counts(news).items())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
