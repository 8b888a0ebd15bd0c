"""Rows of analytics/cost and analytics/usage: days grouped by any of their dimensions, as ready JSON.

The same money and tokens as the older reports', but the default workspace has its id and actors have names.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from ai_usage.simulator.claude_days import ClaudeDays
from ai_usage.simulator.claude_reports import NO_FILTERS, Filters, Span, encode, parts, plain, token_fields
from ai_usage.simulator.claude_uses import Use
from ai_usage.simulator.queries import rfc3339

# The dimensions of analytics, each with where it comes from; None where nothing here has it.
DIMENSIONS: dict[str, Callable[[Use], Any] | None] = {
    "actor": attrgetter("actor"),
    "actor_type": lambda use: use.actor[0],
    "agent_id": None,
    "api_key_id": attrgetter("api_key_id"),
    "claude_tag_category": None,
    "claude_tag_user_id": None,
    "context_window": attrgetter("context_window"),
    "deployment_id": None,
    "environment_id": None,
    "inference_geo": lambda use: None if use.inference_geo == "not_available" else use.inference_geo,
    "model": lambda use: use.model.id if use.model else None,
    "organization_id": None,
    "product": attrgetter("product"),
    "rbac_group_id": None,
    "service_tier": attrgetter("service_tier"),
    "session_id": None,
    "slack_channel_id": None,
    "speed": lambda use: "standard" if use.model else None,
    "user_profile_id": None,
    "workspace_id": attrgetter("workspace_id"),
}
CHARGE_DIMENSIONS = frozenset({"cost_type", "token_type"})


class Row(NamedTuple):
    """One rendered row of an analytics answer, with the figures it can be ordered by."""

    body: msgspec.Raw
    figures: Mapping[str, Decimal | int]
    entry: tuple[Any, ...]  # its group, but for what a charge is split by: what `limit` counts


@dataclass(frozen=True)
class Grouping:
    """The dimensions that group an analytics answer, and its filters."""

    by: tuple[str, ...]
    filters: Filters = NO_FILTERS
    gone: frozenset[str] = frozenset()  # people who have left: named by id alone
    leave_out_gone: bool = False


class ClaudeAnalytics:
    """Both analytics over one organization's days."""

    def __init__(self, days: ClaudeDays) -> None:
        self.days = days
        self.organization = days.organization
        self.cost = lru_cache(maxsize=256)(self._cost)
        self.usage = lru_cache(maxsize=256)(self._usage)

    def _cost(self, over: Span, grouping: Grouping) -> list[Row]:
        groups: dict[tuple[Any, ...], tuple[Decimal, int]] = {}
        chosen = grouping.by
        for day in parts(self.days, over):
            for charge in day.charges:
                if self._is_wanted(charge.use, grouping):
                    key = tuple(
                        getattr(charge, d) if d in CHARGE_DIMENSIONS else self._dimension(charge.use, d) for d in chosen
                    )
                    cents, requests = groups.get(key, (Decimal(), 0))
                    groups[key] = (cents + charge.cents, requests + charge.requests)
        split = not CHARGE_DIMENSIONS.isdisjoint(chosen)
        return [
            self._row(
                over,
                self._group(dict(zip(chosen, key, strict=True)), (*DIMENSIONS, *sorted(CHARGE_DIMENSIONS)), grouping),
                "cost",
                {
                    "amount": _six_places(cents),
                    "list_amount": _six_places(cents),
                    "currency": "USD",
                    "requests": None if split else requests,
                },
                {"amount": cents, "list_amount": cents},
                tuple(value for name, value in zip(chosen, key, strict=True) if name not in CHARGE_DIMENSIONS),
            )
            for key, (cents, requests) in groups.items()
        ]

    def _usage(self, over: Span, grouping: Grouping) -> list[Row]:
        groups: dict[tuple[Any, ...], list[int]] = {}
        for use in self._model_uses(over):
            if self._is_wanted(use, grouping):
                sums = groups.setdefault(tuple(self._dimension(use, d) for d in grouping.by), [0] * 7)
                for n, count in enumerate((*use.tokens, use.searches, use.requests)):
                    sums[n] += count
        rows = []
        for key, sums in groups.items():
            group = self._group(dict(zip(grouping.by, key, strict=True)), DIMENSIONS, grouping)
            figures = {"requests": sums[6], "total_tokens": sum(sums[:5])}
            fields = token_fields(sums) | figures
            by_order = figures | {"output_tokens": sums[4], "uncached_input_tokens": sums[0]}
            rows.append(self._row(over, group, "usage", fields, by_order, key))
        return rows

    def _dimension(self, use: Use, name: str) -> Any:
        if name == "organization_id":
            return self.organization.id
        getter = DIMENSIONS[name]
        return getter(use) if getter else None

    def _is_wanted(self, use: Use, grouping: Grouping) -> bool:
        if grouping.leave_out_gone and use.actor[1] in grouping.gone:
            return False
        return all(
            (use.actor[1] if name == "actor_id" else self._dimension(use, name)) in wanted
            for name, wanted in grouping.filters
        )

    def _group(self, known: dict[str, Any], names: Iterable[str], grouping: Grouping) -> dict[str, Any]:
        group = dict.fromkeys(names) | known
        if group["actor"]:
            group["actor"] = self._actor(group["actor"], grouping.gone)
        return group

    def _actor(self, actor: tuple[str, str], gone: frozenset[str]) -> dict[str, Any]:
        kind, actor_id = actor
        if kind == "api_actor":
            return {"type": kind, "api_key_id": actor_id}
        if kind == "service_account_actor":
            return {"type": kind, "service_account_id": actor_id}
        person, deleted = self.organization.person(actor_id), actor_id in gone
        return {
            "type": kind,
            "user_id": actor_id,
            "email_address": None if deleted else person.email,
            "name": None if deleted else person.name,
            "deleted": deleted,
        }

    def _row(
        self,
        over: Span,
        group: dict[str, Any],
        measure: str,
        fields: dict[str, Any],
        figures: Mapping[str, Decimal | int],
        entry: tuple[Any, ...],
    ) -> Row:
        bounds = {"starting_at": rfc3339(over.start), "ending_at": rfc3339(over.end)}
        return Row(msgspec.Raw(encode({**bounds, "group": group, measure: fields})), figures, entry)

    def _model_uses(self, over: Span) -> Iterator[Use]:
        return (use for day in parts(self.days, over) for use in day.uses if use.model is not None)


def _six_places(cents: Decimal) -> str:
    """At least six decimals, and more if the value needs them."""
    rounded = cents.quantize(Decimal("0.000001"))
    return plain(rounded if rounded == cents else cents)
