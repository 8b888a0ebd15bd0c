"""The page docs/checks.md, written from the registry of checks. It begins with a summary table."""

from collections.abc import Iterable, Iterator, Sequence

from ai_usage.check import Check

INTRODUCTION = (
    "Written by `make docs` from the declarations in the code. A result is passed, warned, failed or not evaluated. "
    "Not evaluated means that there was nothing to evaluate: no provider was asked about the day, the source is not "
    "configured, or the check is about the present and the run is about days long past. Such results are counted "
    "separately and have not passed. [runbook.md](runbook.md) lists what to do about each."
)
GRAINS = {"day": "each day", "snapshot": "each run, as things are now", "run": "each run, over its days"}


def checks_page(checks: Sequence[Check]) -> str:
    """A table of the checks; then each check by name, with a row for each table that it evaluates."""
    return "\n".join(
        [
            "# Checks",
            "",
            INTRODUCTION,
            "",
            summary_table(checks),
            *(line for name, of in by_name(checks).items() for line in _section(name, of)),
            "",
        ]
    )


def summary_table(checks: Iterable[Check]) -> str:
    """One row for each name: the mistake that the check catches, and its worst result."""
    rows = [f"| [`{name}`](#{name}) | {of[0].title} | {_worst(of)} |" for name, of in by_name(checks).items()]
    return "\n".join(["| check | the mistake it catches | its result |", "| --- | --- | --- |", *rows])


def by_name(checks: Iterable[Check]) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(check.name, []).append(check)
    return found


def _worst(checks: Sequence[Check]) -> str:
    if any(check.gates_day for check in checks):
        return "failed; of a bill the day is blocked"
    return "failed" if any(check.severity == "failed" for check in checks) else "warned"


def _section(name: str, checks: Sequence[Check]) -> Iterator[str]:
    formerly = checks[0].formerly
    yield from ("", f"## {name}", "", f"Catches {checks[0].title}.{f' Formerly `{formerly}`.' if formerly else ''}", "")
    yield from ("| table | true when it passes | evaluated | worst | blocks the day | relies on | SQL |",)
    yield from ("| --- | --- | --- | --- | --- | --- | --- |",)
    for check in checks:
        sql = f"[{check.sql}.sql](../sql/{check.sql}.sql)" if check.sql else ""
        cells = (
            check.asset,
            check.description,
            GRAINS[check.grain],
            check.severity,
            "yes" if check.gates_day else "",
            ", ".join(check.pulls),
            sql,
        )
        yield f"| {' | '.join(cells)} |"
