"""Finds misspelled variables. A misspelled setting would silently have no effect.

There are three rules. An unknown name of our own (`AI_USAGE_…`) is refused wherever it is set. `.env` belongs to this
project, so an unknown name there that begins like a provider's or a channel's (`ANTHROPIC_…`, `ALERT_…`) is refused,
too. Other programs share the environment: a name there is refused only if it resembles one of ours word by word, our
name is not set, and no other program is known to use it. Setting our name, even to nothing, settles the question.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

from dotenv.parser import parse_stream

from ai_usage.errors import SettingError

OUR_PREFIX = "AI_USAGE_"
SHARED_PREFIXES = (
    *("ANTHROPIC_", "CURSOR_", "OPENAI_", "GEMINI_", "GITHUB_", "GOOGLE_", "BIGQUERY_"),
    *("ALERT_", "METABASE_", "DAGSTER_POSTGRES_"),
)
# Providers' own programs and continuous integration set these on many machines. They lack only a word of one of ours.
OTHER_PROGRAMS = frozenset(
    {"ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "GITHUB_API_URL"}
)
ALIKE = 0.8  # ANTHROPIC_ADMIN_KEY is to ANTHROPIC_ADMIN_API_KEY as 0.90, CURSOR_API_KEY to CURSOR_ADMIN_API_KEY as 0.82
NEARLY_THE_SAME = 0.9  # where a name does not even begin as ours do: ANTROPIC_ADMIN_API_KEY


def refuse_misspelled(environ: Mapping[str, str], written: Collection[str], known: Collection[str]) -> None:
    """`SettingError` for the first name that is meant for this project and is not `known`. `written` are the names in
    `.env`; `environ` has these and those of the environment.
    """
    for name in written:
        begins_like_ours = name.upper().startswith((OUR_PREFIX, *SHARED_PREFIXES))
        if name not in known and (begins_like_ours or nearest(name, known, NEARLY_THE_SAME)):
            raise SettingError(f".env sets {name}, which is not a setting. {_advice(nearest(name, known))}")
    for name, value in environ.items():
        if name in known or name in written:
            continue
        if name.upper().startswith(OUR_PREFIX):
            raise SettingError(f"{name} is set, but is not a setting. {_advice(nearest(name, known))}")
        is_close = ALIKE if name.upper().startswith(SHARED_PREFIXES) else NEARLY_THE_SAME
        meant = nearest(name, known, is_close) if value.strip() and name not in OTHER_PROGRAMS else ""
        if meant and meant not in environ and _has_no_word_of_its_own(name, meant):
            raise SettingError(
                f"{name} is set, but is not a setting. Did you mean {meant}? If {name} belongs to another program, "
                f"set {meant} as well: to your key, or to nothing ({meant}=)."
            )


def nearest(name: str, known: Collection[str], alike: float = ALIKE) -> str:
    """The known name that it resembles most; empty if it resembles none."""
    return next(iter(get_close_matches(name.upper(), known, n=1, cutoff=alike)), "")


def _has_no_word_of_its_own(name: str, meant: str) -> bool:
    """Whether words are misspelled or missing and none is added: ANTHROPIC_BEDROCK_BASE_URL is not misspelled."""
    words = meant.split("_")
    return all(get_close_matches(word, words, n=1, cutoff=0.6) for word in name.upper().split("_"))


def names_in(file: Path) -> list[str]:
    """The names that a `.env` sets; `SettingError` for a line that sets nothing, which python-dotenv would skip."""
    if not file.is_file():
        return []
    try:
        with file.open(encoding="utf-8-sig") as text:
            lines = list(parse_stream(text))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} cannot be read as UTF-8 text ({error}).") from error
    for line in lines:
        if line.error or (line.key and line.value is None):
            blank = len(line.original.string) - len(line.original.string.lstrip("\n"))
            raise SettingError(f"{file.name}, line {line.original.line + blank}, sets nothing: write NAME=value.")
    return [line.key for line in lines if line.key]


def _advice(meant: str) -> str:
    return f"Did you mean {meant}?" if meant else "Remove it; .env.example lists every setting."
