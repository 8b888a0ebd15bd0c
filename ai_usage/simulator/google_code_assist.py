"""What people do with Gemini Code Assist, as its log has it. Independent of the clock; knows of no wire shape."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from ai_usage.simulator.google_company import GoogleCompany, Licensed
from ai_usage.simulator.google_uses import Activity

LANGUAGES = ("python", "typescript", "go", "sql")
EDITOR, TERMINAL = "CloudCodeVscode", "cloudcode_cli"
MOST_SUGGESTIONS = 4  # of a person on a day


def activities_of(company: GoogleCompany, day: date, bustle: float) -> Iterator[Activity]:
    """A day's entries by time."""
    noon = datetime.combine(day, time(12), UTC)
    entries = [
        entry
        for n, one in enumerate(company.licensed)
        if one.uses_it and one.has_license(noon)
        for entry in _of_person(one, random.Random(f"google-code:{company.seed}:{n}:{day}"), day, bustle, n)
    ]
    yield from sorted(entries, key=lambda entry: (entry.at, entry.insert_id))


def _of_person(one: Licensed, rng: random.Random, day: date, bustle: float, n: int) -> Iterator[Activity]:
    if rng.random() > bustle:
        return
    at = datetime.combine(day, time(), UTC) + timedelta(hours=rng.uniform(7, 10))
    language, client = LANGUAGES[n % len(LANGUAGES)], TERMINAL if n % 3 == 2 else EDITOR
    number = 0

    def entry(kind: str, original: int, lines: int = 0) -> Activity:
        nonlocal at, number
        at, number = at + timedelta(seconds=rng.randrange(30, 900)), number + 1
        shown = language if kind.startswith("code") or lines else ""
        name = f"{n:02d}{day:%y%m%d}"
        return Activity(one.email, at, f"sim{name}{number:03d}", kind, f"orig-{name}-{original}", shown, lines, client)

    for original in range(rng.randrange(1, MOST_SUGGESTIONS + 1)):
        is_chat = rng.random() < 0.3
        what = "chat" if is_chat else "code"
        yield entry(f"{what}Exposure", original)
        if rng.random() < 0.6:
            lines = rng.randrange(1, 30)
            if lines > 4 and not is_chat:  # accepted word by word: the same request again, with more lines
                yield entry("codeAcceptance", original, lines // 2)
            yield entry(f"{what}Acceptance", original, lines)
    yield entry("apiRequest", MOST_SUGGESTIONS)
