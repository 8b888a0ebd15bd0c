"""The weekly digest in sentences. Its numbers come from the queries of the boards' cards. Unknown values are shown as
unknown. `automation.digest_news` decides when it is sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from ai_usage.alerts.news import Section
from ai_usage.checks.anomalies import is_finest
from ai_usage.dashboards import cards
from ai_usage.dashboards.boards import Card, boards
from ai_usage.dashboards.cards import Result
from ai_usage.partitions import ONE_DAY
from ai_usage.providers.registry import NAMES
from ai_usage.warehouse.port import Warehouse

WEEK = timedelta(days=7)
MOVERS, ANOMALIES, LISTED = 3, 5, 5  # lines of a section; how many more there are stands after them
NEW = {"new_key": "key", "new_model": "model"}
SCOPES = {"api_key": "key ", "team": "team ", "model": "model "}

Line = Mapping[str, Any]


@dataclass(frozen=True)
class Weekly:
    """The report on the seven days that end with the newest day with known data."""

    newest: date
    sections: list[Section]

    @property
    def title(self) -> str:
        return f"Weekly digest, {_day(self.newest - WEEK + ONE_DAY)} to {_day(self.newest)} {self.newest.year}"


def weekly(warehouse: Warehouse) -> Weekly | None:
    """None if no day is known yet."""
    with warehouse.connected():
        asked = Asked(warehouse, cards.freshness_of(warehouse))
        newest = asked.newest
        if newest is None:
            return None
        total = [*_total(asked, newest), *_unknown_days(cards.known_days(warehouse), newest)]
        return Weekly(
            newest,
            [
                Section("Total against budget", total),
                Section("Largest movers", [*_growth(asked), *_deviations(asked, newest)]),
                Section("New keys and models", _new(asked, newest)),
                Section("Keys without an owner", _unowned(asked, newest)),
                Section("Idle seats", _idle(asked)),
                Section("Open months", _open_months(asked, newest)),
            ],
        )


@dataclass(frozen=True)
class Asked:
    """The cards' answers, each queried once."""

    warehouse: Warehouse
    freshness: pl.DataFrame
    cards: Mapping[str, Card] = field(default_factory=lambda: {card.name: card for of in boards() for card in of.cards})
    results: dict[str, Result] = field(default_factory=dict)

    def result(self, name: str) -> Result:
        if name not in self.results:
            self.results[name] = cards.result(self.warehouse, self.cards[name], self.freshness)
        return self.results[name]

    def lines(self, name: str, **chosen: list[str]) -> list[Line]:
        """What the card shows."""
        shown: list[Line] = list(cards.numbers(self.result(name), self.cards[name], chosen).to_dicts())
        return shown

    def number(self, name: str) -> Line:
        return self.lines(name)[0]

    @property
    def newest(self) -> date | None:
        """The newest day of the current month that is known at least in part."""
        days = self.result("month_course").rows.drop_nulls("spent_usd")["spend_date"]
        found = days.max()
        return found if isinstance(found, date) else None


def _total(asked: Asked, newest: date) -> Iterator[str]:
    through = asked.result("month_spend").data_through
    known = f"; every provider's days are known through {_day(through)}" if through else ""
    yield f"{usd(asked.number('month_spend')['spent_usd'])} billed in {newest:%B %Y} so far{known}."
    forecast, against = asked.number("month_forecast"), asked.number("budget_variance")
    if forecast["forecast_usd"] is None:
        yield "The forecast is unknown: too few days of the month are known."
    else:
        low, high = usd(forecast["low_usd"]), usd(forecast["high_usd"])
        interval = f" (80 % interval {low} to {high})" if forecast["low_usd"] is not None else ""
        yield f"Forecast for the month: {usd(forecast['forecast_usd'])}{interval}."
    if against["budget_usd"] is None:
        yield "There is no total budget: the sheet's tab budgets has none of this month."
    elif against["variance_usd"] is None:
        yield f"Budget {usd(against['budget_usd'])}; whether it will hold is unknown."
    else:
        over, budget = against["variance_usd"], against["budget_usd"]
        share = f" ({abs(over) / budget:.0%})".replace("%", " %") if budget else ""
        yield f"Budget {usd(budget)}: the forecast is {usd(abs(over))} {'over' if over > 0 else 'under'} it{share}."


def _unknown_days(known: Mapping[str, list[date]], newest: date) -> Iterator[str]:
    """Which providers lack days of the month up to its newest known day, or the part of it that they are known for."""
    first = newest.replace(day=1)
    for provider, days in known.items():
        here = sum(first <= day <= newest for day in days)
        if here < newest.day and min(days) < newest:
            total = f"{newest.day} day{'' if newest.day == 1 else 's'}"
            yield f"{_name(provider)}: {here} of {total} known; the others are unknown, not $0."


def _growth(asked: Asked) -> Iterator[str]:
    total, grown = asked.number("month_growth"), asked.result("month_growth").rows.to_dicts()
    if total["growth_usd"] is None:
        yield "Growth is unknown: no provider has days that are known in this month and the one before."
        return
    yield f"In total {_grown(total['growth_usd'], total['growth_ratio'])} than in the same days of last month."
    for line in sorted(grown, key=lambda line: -abs(line["growth_usd"]))[:MOVERS]:
        change, before = line["growth_usd"], line["previous_usd"]
        span = "day" if line["days"] == 1 else f"{line['days']} days"
        than = f"than in the first {span} of last month"
        yield f"{_name(line['provider'])}: {_grown(change, change / before if before else None)} {than}."


def _grown(change: Decimal, ratio: Decimal | float | None) -> str:
    share = "" if ratio is None else f" ({ratio * 100:+.1f} %)"
    return f"{usd(abs(change))} {'more' if change >= 0 else 'less'}{share}"


def _anomalies(asked: Asked, newest: date) -> list[Line]:
    week = [str(newest - timedelta(days=ago)) for ago in range(WEEK.days)]
    found = asked.result("unusual_spend").rows.filter(pl.col("spend_date").cast(pl.String).is_in(week))
    rows = found.to_dicts()
    return [{**row, "provider": None if row["provider"] == "several" else row["provider"]} for row in rows]


def _deviations(asked: Asked, newest: date) -> Iterator[str]:
    """Each deviation once, in its finest scope: a spike of a key is also one of its team and provider."""
    week = [row for row in _anomalies(asked, newest) if row["kind"] in {"spike", "drop"}]
    rows = [row for row in week if is_finest(row, [one for one in week if one["spend_date"] == row["spend_date"]])]
    if not rows:
        yield "No spike or drop was found in these seven days."
    for row in sorted(rows, key=lambda row: (-abs(row["excess_usd"]), row["spend_date"]))[:ANOMALIES]:
        side = "above" if row["excess_usd"] > 0 else "below"
        cause = f" Largest contributors: {row['contributors']}." if row["contributors"] else ""
        yield (
            f"{_day(row['spend_date'])}, {row['kind']} of {SCOPES.get(row['scope'], '')}{_name(row['label'])}: "
            f"{usd(row['spent_usd'])}, {usd(abs(row['excess_usd']))} {side} its baseline.{cause}"
        )
    yield from _more(len(rows), ANOMALIES, "deviation")


def _new(asked: Asked, newest: date) -> list[str]:
    rows = [row for row in _anomalies(asked, newest) if row["kind"] in NEW]
    rows.sort(key=lambda row: (-row["spent_usd"], row["label"]))
    return [
        *(
            f"New {NEW[row['kind']]} {row['label']} of {_name(row['provider'] or 'several')} on "
            f"{_day(row['spend_date'])}: {usd(row['spent_usd'])} so far."
            for row in rows[:LISTED]
        ),
        *_more(len(rows), LISTED, "new key or model", "new keys and models"),
    ] or ["None was found in these seven days."]


def _unowned(asked: Asked, newest: date) -> list[str]:
    sources = asked.lines("unattributed_sources", period=[f"{newest:%Y-%m}"])
    keys = [line for line in sources if line["api_key"] != "no key" and line["spent_usd"]]
    if not keys:
        return [f"Every key that spent in {newest:%B} has an owner."]
    keys.sort(key=lambda line: (-line["spent_usd"], line["api_key"]))
    total = usd(sum(line["spent_usd"] for line in keys))
    return [
        f"{total} in {newest:%B} so far. Write their owners into the sheet's tab api_key_mapping.",
        *(
            f"{line['api_key']} ({_name(line['platform'])}, {line['workspace']}): {usd(line['spent_usd'])}."
            for line in keys[:LISTED]
        ),
        *_more(len(keys), LISTED, "key"),
    ]


def _idle(asked: Asked) -> list[str]:
    cost = asked.number("idle_seat_cost")
    if cost["idle_seats"] is None:
        return ["Unknown: no provider lists who has its seats."]
    if not cost["idle_seats"]:
        return ["No seat is known to be idle."]
    members = [line for line in asked.lines("idle_seats") if line["person"] != "unassigned"]
    members.sort(key=lambda line: (-(line["saving_usd"] or 0), line["person"]))
    idle, unassigned = cost["idle_seats"], cost["unassigned_seats"]
    saves = f"returning {'it' if idle == 1 else 'them'} saves {usd(cost['saving_usd'])} a month"
    return [
        f"{idle} {'seat' if idle == 1 else 'seats'} idle or unassigned ({unassigned} unassigned): {saves}.",
        *(f"{line['person']}, {line['plan_name']}: {usd(line['saving_usd'])} a month." for line in members[:LISTED]),
        *_more(len(members), LISTED, "member"),
    ]


def _open_months(asked: Asked, newest: date) -> list[str]:
    """Of the months that are over."""
    over = [line for line in asked.lines("months_closed") if line["month"] < f"{newest:%Y-%m}"]
    still_open = [line for line in over if line["status"] != "closed"]
    if not over:
        return ["Unknown: no month before this one is known."]
    months = sorted({line["month"] for line in still_open}, reverse=True)
    return [
        f"{date.fromisoformat(f'{month}-01'):%B %Y}: {_providers(still_open, month)}." for month in months[:LISTED]
    ] + _more(len(months), LISTED, "month") or ["Every month that is over is closed."]


def _providers(lines: list[Line], month: str) -> str:
    """Each with its status and the reason, such as `open, no figure in the sheet`."""
    of_month = sorted((line for line in lines if line["month"] == month), key=lambda line: line["provider"])
    return "; ".join(
        f"{_name(line['provider'])} {line['status']}{', ' if line['status_reason'] else ''}{line['status_reason']}"
        for line in of_month
    )


def _more(count: int, shown: int, noun: str, nouns: str = "") -> list[str]:
    rest = count - shown
    named = noun if rest == 1 else nouns or f"{noun}s"
    return [f"And {rest} more {named}: the boards list them all."] if rest > 0 else []


def usd(amount: Decimal | None) -> str:
    """As the boards show it."""
    return "unknown" if amount is None else f"{'−' if amount < 0 else ''}${abs(amount):,.2f}"


def _name(key: str) -> str:
    return NAMES.get(key, key)


def _day(day: date) -> str:
    return f"{day:%-d %b}"
