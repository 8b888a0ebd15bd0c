"""A board with every display, and generated rows for a company of any size, without a warehouse."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from ai_usage.dashboards.boards import Board, Card
from ai_usage.dashboards.cards import Result

USD = pl.Decimal(38, 9)
BILLION = Decimal("1000000000.000000000")
MODELS = ["claude-opus-4-8", "claude-sonnet-5", "claude-haiku-4-5", "gpt-5", "gemini-3", "cursor-small", "auto", "o5"]
WORKSPACES = ["default", "Research", "Growth", "Support bots", "Sandbox"]
ODD_TEAM = 'Sales, "EMEA" </script><b>&'
MONTH_DIM = {"month": {"label": "Month", "format": "month"}}
SPEND = {"spent_usd": {"label": "Spend", "format": "usd", "of": "billed_usd"}}
PEOPLE = {"people": {"label": "People", "format": "count", "distinct": "user_email"}}
PERSON = {"person": {"label": "Person", "format": "text"}}
EVERY = {"period": "month", "provider": "provider", "team": "team_name", "person": "person"}


def board(name: str = "every_display") -> Board:
    """One card for each display, and for each way to compute a measure."""
    return msgspec.convert({**_BOARD, "name": name}, Board)


def results(people: int, months: int, *, last: date = date(2026, 11, 20)) -> dict[str, Result]:
    """Rows for each card of the board, the same at every call."""
    spend = _spend(people, months, last)
    activity = _activity(spend)
    found = {
        "spend": spend,
        "output": activity,
        "trend": spend,
        "models": spend,
        "teams": spend,
        "budget": _budget(spend),
        "heat": spend,
        "outlay": activity,
        "forecast": _forecast(last),
        "people": activity,
        "checks": _checks(last),
        "daily": _daily(last),
        "nothing": spend.head(0),
        "variance": _variance(),
    }
    as_of = datetime.combine(last + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=6, minutes=2)
    return {
        name: Result(rows, last, as_of, None if name == "budget" else last - timedelta(29))
        for name, rows in found.items()
    }


def cards_of(of: Board) -> dict[str, Card]:
    return {card.name: card for card in of.cards}


def _months(count: int, last: date) -> list[str]:
    at = last.year * 12 + last.month - 1
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(at - count + 1, at + 1)]


def _spend(people: int, months: int, last: date) -> pl.DataFrame:
    """One row per person, month, provider and model; some rows are unattributed, some have no price."""
    chance = random.Random(7)  # noqa: S311 - made up, not secret
    teams = [f"Team {number:02}" for number in range(1, max(4, people // 25) + 1)] + [ODD_TEAM]
    rows: list[tuple[Any, ...]] = []
    for number in range(people):
        email = f"person.{number:04}@example.com" if number else None
        team = ODD_TEAM if number in {1, 2} else chance.choice(teams[:-1])
        heavy = chance.paretovariate(1.2) * (400 if team == ODD_TEAM else 1)  # a few people have most of the spend
        for month in _months(months, last):
            for provider in ("anthropic", "cursor"):
                model = chance.choice(MODELS)
                cost = (
                    Decimal(round(heavy * chance.uniform(1, 40) * 10**9)).scaleb(-9) if chance.random() > 0.02 else None
                )
                rows.append(
                    (month, provider, model, chance.choice(WORKSPACES), team, email or "unattributed", email, cost)
                )
    schema = ["month", "provider", "model", "workspace", "team_name", "person", "user_email"]
    return pl.DataFrame(rows, schema={**dict.fromkeys(schema, pl.String), "billed_usd": USD}, orient="row")


def _activity(spend: pl.DataFrame) -> pl.DataFrame:
    chance = random.Random(11)  # noqa: S311 - made up, not secret
    lines = [chance.randrange(0, 9000) if chance.random() > 0.3 else 0 for _ in range(len(spend))]
    shown = [accepted + chance.randrange(0, 9000) for accepted in lines]
    return spend.drop("model", "workspace").with_columns(
        lines_accepted=pl.Series(lines, dtype=pl.Int64),
        lines_shown=pl.Series(shown, dtype=pl.Int64),
        commits=pl.Series([accepted // 400 for accepted in lines], dtype=pl.Int64),
    )


def _budget(spend: pl.DataFrame) -> pl.DataFrame:
    by = spend.group_by("month", "provider").agg(pl.col("billed_usd").sum())
    return by.with_columns(budget_usd=pl.lit(Decimal(len(spend)) * 2, dtype=USD))


def _variance() -> pl.DataFrame:
    """Three months: on budget, under it, and over it."""
    rows = [("2026-09", "0", "30000"), ("2026-10", "-8318.40", "30800"), ("2026-11", "500.25", "31000")]
    return pl.DataFrame(
        [(month, "cursor", Decimal(over), Decimal(budget)) for month, over, budget in rows],
        schema={"month": pl.String, "provider": pl.String, "over_usd": USD, "budget_usd": USD},
        orient="row",
    )


def _forecast(last: date) -> pl.DataFrame:
    rows = []
    for day in range(1, 31):
        so_far = Decimal(day * 731) if day <= last.day else None
        ahead = Decimal(day * 731) if day >= last.day else None
        spread = Decimal((day - last.day) * 160) if ahead else None
        low, high = (ahead - spread, ahead + spread) if ahead is not None and spread is not None else (None, None)
        rows.append((last.replace(day=day), so_far, ahead, low, high))
    names = ["spent_usd", "forecast_usd", "low_usd", "high_usd"]
    return pl.DataFrame(rows, schema={"spend_date": pl.Date, **dict.fromkeys(names, USD)}, orient="row")


def _checks(last: date) -> pl.DataFrame:
    results = [
        ("no_day_is_missing", "passed", 31, 0),
        ("cost_report_equals_analytics", "warned", 30, 1),
        ("ledger_is_whole", "failed", 29, 2),
    ]
    return pl.DataFrame(
        [(check, result, last, passed, failed) for check, result, passed, failed in results],
        schema={
            "check_name": pl.String,
            "result": pl.String,
            "checked_date": pl.Date,
            "passed": pl.Int64,
            "failed": pl.Int64,
        },
        orient="row",
    )


def _daily(last: date) -> pl.DataFrame:
    """Amounts so large that a browser's numbers cannot hold their sum in 1e-9 USD exactly."""
    days = [last - timedelta(days=number) for number in range(60)]
    amounts = [Decimal(f"{number}000000.123456789") for number in range(1, 61)]
    return pl.DataFrame({"spend_date": days, "billed_usd": pl.Series(amounts, dtype=USD), "weight": [0.1] * 60})


def _card(name: str, display: str, place: tuple[int, int, int, int], **more: Any) -> dict[str, Any]:
    row, column, width, height = place
    return {
        "name": name,
        "title": more.pop("title", name.replace("_", " ").capitalize()),
        "question": more.pop("question", "What does it show?"),
        "display": display,
        "place": {"row": row, "column": column, "width": width, "height": height},
        **more,
    }


def _cards() -> Iterator[dict[str, Any]]:
    yield _card(
        "spend", "number", (0, 0, 6, 4), filters=EVERY, measures=SPEND | PEOPLE, y=["spent_usd"], compares="previous"
    )
    yield _card(
        *("output", "number", (0, 6, 6, 4)), filters=EVERY, compares="previous",
        measures={"price": {"label": "USD a line", "format": "usd_fine", "of": "billed_usd", "per": "lines_accepted"}},
    )  # fmt: skip
    yield _card(
        "nothing",
        "number",
        (0, 12, 6, 4),
        filters=EVERY,
        measures=SPEND,
        empty="Nothing has been billed yet. Run `make backfill`.",
    )
    yield _card(
        *("variance", "number", (0, 18, 6, 4)), filters={"period": "month", "provider": "provider"},
        measures={name: {"label": name, "format": "usd", "of": name} for name in ("over_usd", "budget_usd")},
        answer={"above": "over budget", "below": "under budget", "zero": "on budget", "share_of": "budget_usd"},
    )  # fmt: skip
    yield _card(
        *("trend", "area", (4, 0, 16, 8)), filters=EVERY, measures=SPEND, x="month", y=["spent_usd"], series="provider",
        dimensions=MONTH_DIM | {"provider": {"label": "Provider", "format": "term"}}, sort="month",
    )  # fmt: skip
    yield _card(
        *("teams", "row", (4, 16, 8, 8)), filters=EVERY, measures=SPEND | PEOPLE, x="team_name", y=["spent_usd"],
        dimensions={"team_name": {"label": "Team", "format": "text"}}, sort="-spent_usd", top=5, smallest_group=5,
    )  # fmt: skip
    yield _card(
        *("models", "bar", (12, 0, 12, 8)), filters=EVERY, measures=SPEND, x="month", y=["spent_usd"], series="model",
        dimensions=MONTH_DIM | {"model": {"label": "Model", "format": "text"}},
    )  # fmt: skip
    yield _card(
        *("budget", "combo", (12, 12, 12, 8)), filters={"period": "month", "provider": "provider"}, x="month",
        measures=SPEND | {"budget_usd": {"label": "Budget", "format": "usd", "of": "budget_usd", "how": "max"}},
        dimensions=MONTH_DIM, y=["spent_usd", "budget_usd"], unfiltered="budgets are of providers.",
    )  # fmt: skip
    yield _card(
        *("heat", "heatmap", (20, 0, 12, 10)), filters=EVERY, measures=SPEND, x="workspace", y=["spent_usd"],
        dimensions=PERSON | {"workspace": {"label": "Workspace", "format": "text"}},
        series="person", sort="-spent_usd", top=10,
    )  # fmt: skip
    yield _card(
        *("outlay", "scatter", (20, 12, 12, 10)), filters=EVERY, x="spent_usd", y=["lines"], label="person",
        size="commits",
        measures=SPEND | {"lines": {"label": "Lines accepted", "format": "count", "of": "lines_accepted"},
                          "commits": {"label": "Commits", "format": "count", "of": "commits"}},
        dimensions=PERSON, sort="-spent_usd",
        caveat="Lines of code are not productivity: they show who uses a tool, not what it was worth.",
    )  # fmt: skip
    yield _card(
        *("forecast", "band", (30, 0, 12, 8)), x="spend_date", y=["spent_usd", "forecast_usd"],
        low="low_usd", high="high_usd",
        dimensions={"spend_date": {"label": "Day", "format": "date"}},
        measures={name: {"label": label, "format": "usd", "of": name} for name, label in (
            ("spent_usd", "Spent"), ("forecast_usd", "Forecast"), ("low_usd", "Low"), ("high_usd", "High"))},
    )  # fmt: skip
    yield _card(
        *("daily", "line", (30, 12, 12, 8)), filters={"period": "spend_date"}, x="spend_date", y=["spent_usd"],
        dimensions={"spend_date": {"label": "Day", "format": "date"}},
        measures=SPEND | {"weight": {"label": "Weight", "format": "count", "of": "weight"}},
    )  # fmt: skip
    yield _card(
        *("people", "table", (38, 0, 16, 9)), filters=EVERY, sort="-spent_usd",
        dimensions=PERSON | {"team_name": {"label": "Team", "format": "text"}},
        measures=SPEND | {
            "acceptance": {"label": "Acceptance", "format": "ratio", "of": "lines_accepted", "per": "lines_shown"},
            "best_month": {"label": "Most in a month", "format": "count", "of": "lines_accepted", "how": "max"},
        },
    )  # fmt: skip
    yield _card(
        *("checks", "status", (38, 16, 8, 9)), sort="check_name",
        dimensions={"check_name": {"label": "Check", "format": "text"}, "result": {"label": "Result", "format": "text"},
                    "checked_date": {"label": "Last day", "format": "date"}},
        measures={name: {"label": name.capitalize(), "format": "count", "of": name} for name in ("passed", "failed")},
    )  # fmt: skip


_BOARD: dict[str, Any] = {
    "title": "Every Display",
    "reader": "whoever tests",
    "about": "One card for each display there is.",
    "order": 1,
    "filters": ["period", "provider", "team", "person"],
    "sections": [{"row": 0, "title": "Now"}, {"row": 12, "title": "In detail"}],
    "cards": list(_cards()),
}


def rows_for(card: Card, people: int, months: int, *, last: date = date(2026, 11, 20)) -> Result:
    """Rows of any card, for the columns it uses: one per person, month and provider; a few if it has no persons."""
    formats = {name: of.format for name, of in card.dimensions.items()}
    counted = {measure.distinct for measure in card.measures.values() if measure.distinct}
    labels = list(dict.fromkeys([*card.filters.values(), *card.dimensions, *counted]))
    groups = people if any(word in name for name in labels for word in ("person", "email")) else 12
    columns: dict[str, Any] = {
        name: _labels(name, formats.get(name, "text"), groups, _months(months, last), last) for name in labels
    }
    for measure in card.measures.values():
        for name in filter(None, (measure.of, measure.per)):
            columns[name] = _amounts(name, measure.format, groups * months * 2)
    as_of = datetime(2026, 11, 21, 6, 2, tzinfo=UTC)
    return Result(pl.DataFrame(columns), last, as_of, last - timedelta(29))


def _labels(name: str, format_name: str, groups: int, months: list[str], last: date) -> list[Any]:
    """A column of names, ordered by group, month and provider."""
    if name == "provider":
        return ["anthropic", "cursor"] * (groups * len(months))
    is_day = format_name == "date" or name.endswith("_date") or name == "week_start"
    stem = "person" if name in {"person", "user_email", "active_email"} else name
    found: list[Any] = []
    for group in range(groups):
        values: list[Any]
        if is_day:
            values = [last - timedelta(days=30 * month + group % 28) for month in range(len(months))]
        elif format_name == "month" or name == "month":
            values = list(months)
        elif format_name in {"count", "days"}:
            values = [group % 12] * len(months)
        elif format_name == "instant":
            values = [datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=group)] * len(months)
        else:
            many = {"person": people_of(group), "team_name": f"Team {group % 37:02}"}
            values = [many.get(stem, f"{name} {group % 11}")] * len(months)
        found += [value for value in values for _ in range(2)]
    return found


def people_of(number: int) -> str:
    return f"person.{number:04}@example.com"


def _amounts(name: str, format_name: str, rows: int) -> pl.Series:
    """Amounts without any order, so that they compress badly; the same ones in each card with this column."""
    chance = random.Random(name)  # noqa: S311 - made up, not secret
    if format_name == "instant":
        return pl.Series([datetime(2026, 11, 1, tzinfo=UTC) + timedelta(minutes=row) for row in range(rows)])
    if format_name.startswith("usd") or name.endswith("_usd"):
        nanos = pl.Series(chance.choices(range(10**12), k=rows), dtype=pl.Int64)
        return nanos.cast(pl.Decimal(38, 0)) / BILLION
    return pl.Series(chance.choices(range(9000), k=rows), dtype=pl.Int64)
