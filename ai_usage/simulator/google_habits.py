"""How each credential uses Gemini, and what else Google bills. How busy a day is, is an argument."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

from ai_usage.simulator.google_company import PROJECTS
from ai_usage.simulator.google_prices import GEMINI_API, SERVICES, VERTEX, newest
from ai_usage.simulator.google_uses import HOUR, STEP, BillRow, Credit, Labels, Use

SHARES = {  # of the money, by what it buys
    "chat": {"input": 0.4, "cached": 0.1, "output": 0.5},
    "bulk": {"input": 0.6, "output": 0.4},
    "thinking": {"input": 0.3, "cached": 0.05, "output": 0.35, "thinking": 0.3},
}
CENT = Decimal("0.01")


class Habit(NamedTuple):
    """One way in which a credential uses models, day after day, in some hours of it (UTC)."""

    project_id: str
    credential: str
    api: str
    family: str
    dollars: float
    shares: str
    hours: tuple[int, ...]
    is_batch: bool = False
    searches: int = 0
    labels: Labels = ()
    location: str = "global"


HABITS = (
    Habit("simulated-search", "search prod", GEMINI_API, "flash", 14, "chat", (9, 16), searches=120),
    Habit("simulated-search", "query rewriting", GEMINI_API, "lite", 3, "chat", (11,)),
    Habit("simulated-assistants", "docs bot", GEMINI_API, "pro", 8, "thinking", (8, 14)),
    Habit("simulated-assistants", "support bot", GEMINI_API, "flash", 5, "chat", (13,)),
    Habit("simulated-assistants", "nightly evals", GEMINI_API, "lite", 2, "bulk", (2,), is_batch=True),
    Habit(
        *("simulated-data", "pipelines", VERTEX, "pro", 9, "thinking", (7,)),
        labels=(("team", "data"),),
        location="us-central1",
    ),
    Habit("simulated-data", "pipelines", VERTEX, "flash", 4, "bulk", (3,), is_batch=True, labels=(("team", "web"),)),
    Habit("simulated-data", "notebooks", VERTEX, "flash", 2, "bulk", (15,), labels=(("team", "data"), ("user", ""))),
    Habit("simulated-sandbox", "playground", GEMINI_API, "flash", 0.5, "bulk", (10,)),
)
DISCOUNT = Decimal("0.05")  # on what thinks at Vertex
PROMOTION, PROMOTION_DAYS = Decimal("0.2"), 7  # on the assistants' project, in the first days of a month
PARTNER_SKUS = {  # USD for a million tokens
    "Cloud Vertex AI Model Garden Model as a Service GLM-5.2 Input": Decimal("0.60"),
    "Cloud Vertex AI Model Garden Model as a Service GLM-5.2 Output": Decimal("2.20"),
}
PARTNER_TOKENS = 900_000
OTHER_SKUS = {  # SKU → its service, and the USD of a day
    "Custom model training GPU Nvidia L4 running in Americas": (VERTEX, Decimal("3.125")),
    "E2 Instance Core running in Americas": ("compute", Decimal("6.40")),
}


def uses_of(habit: Habit, rng: random.Random, day: date, busy: float, user: str) -> Iterator[Use]:
    """A habit's day. `busy` is 1 on a usual one; `user` is who works in the notebooks, as a label."""
    model, much, overcount = newest(habit.family, day), rng.uniform(0.6, 1.4), rng.randrange(1, 16)
    labels = tuple((name, value or user) for name, value in habit.labels)
    for hour in habit.hours:
        failed, broken = rng.choice((0, 0, 2, 5)), rng.choice((0, 0, 0, 1))
        if model is None:
            continue
        dollars = habit.dollars * busy * much / len(habit.hours)
        tokens = {}
        for kind, share in SHARES[habit.shares].items():
            price = float(model.price(kind, is_batch=habit.is_batch))
            tokens[kind] = int(share * dollars / price) // STEP * STEP
        yield Use(
            *(habit.project_id, PROJECTS[habit.project_id], habit.api, habit.credential, model, _at(day, hour)),
            *(tokens, habit.is_batch, int(habit.searches * busy * much) // len(habit.hours), overcount),
            *(labels, habit.location, failed, broken),
        )


def credits_of(row: BillRow) -> tuple[Credit, ...]:
    """The promotion ends within the month, so that a month's bill has days with and without it."""
    if row.project_id == "simulated-assistants" and row.start.day <= PROMOTION_DAYS and "output" in row.sku:
        return (Credit("Simulated promotion", "PROMOTION", -(row.usd * PROMOTION)),)
    if "Thinking" in row.sku:
        return (Credit("Simulated agreement", "DISCOUNT", -(row.usd * DISCOUNT)),)
    return ()


def other_rows(rng: random.Random, day: date, busy: float, exported_at: datetime) -> Iterator[BillRow]:
    """The rows of partners' models, and of services other than AI."""
    start = _at(day, 12)
    for sku, price in PARTNER_SKUS.items():
        n = int(PARTNER_TOKENS * busy * rng.uniform(0.5, 1.5)) // STEP * STEP
        yield BillRow(
            *(SERVICES[VERTEX], sku, start, start + HOUR, "simulated-data", n * price / 1_000_000, exported_at),
            Decimal(n),
            seller="THIRD_PARTY_RESELLER",
        )
    for sku, (service, usd) in OTHER_SKUS.items():
        cost = (usd * Decimal(round(rng.uniform(0.8, 1.2), 2))).quantize(CENT)
        row = BillRow(SERVICES[service], sku, start, start + HOUR, "simulated-data", cost, exported_at, Decimal(3600))
        yield row._replace(unit="seconds", location="us-central1")


def _at(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(hours=hour)
