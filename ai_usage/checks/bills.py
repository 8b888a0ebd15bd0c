"""The pulls that checks of all money rely on: every provider's bill. The bill of one provider is enough."""

from collections.abc import Callable

from ai_usage.check import Finding, NotEvaluated, Result, Rows, evaluate_mart
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse

SOURCES = tuple(provider.source for provider in PROVIDERS)
BILLS = tuple(provider.bill.pull for provider in PROVIDERS)
BY_SCOPE = "marts/spend_by_scope"  # all money


def of_money(sql: str, result: Callable[[Rows], Finding]) -> Callable[[Warehouse], Finding | None]:
    """The evaluation of a query over all money; None if no bill was ever pulled."""

    def evaluated(warehouse: Warehouse) -> Finding | None:
        if not any(warehouse.pulled_days(pull) for pull in BILLS):
            return None
        return evaluate_mart(warehouse, "spend_by_scope", sql, result)

    return evaluated


def if_any(
    count: str, evaluate: Callable[[Warehouse], Finding | None], why: str
) -> Callable[[Warehouse], Finding | None]:
    """The same evaluation, but without a pass if the query counts no rows to evaluate."""

    def evaluated(warehouse: Warehouse) -> Finding | None:
        finding = evaluate(warehouse)
        has_passed = isinstance(finding, Result) and finding.passed
        return NotEvaluated(why) if has_passed and not warehouse.ask(count).item() else finding

    return evaluated
