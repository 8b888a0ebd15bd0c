"""The accounts that a check is evaluated for. A result names them only if there are several."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from ai_usage.check import Finding, Result, of_accounts, without_input
from ai_usage.ingest.each_account import Clients, clients_of
from ai_usage.ingest.ledger_writes import Client, Report, Source
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import PROVIDERS
from ai_usage.warehouse.port import Warehouse
from ai_usage.warehouse.table import PULLS

Findings = Mapping[date | None, Finding]

NEVER_PULLED = "Never pulled"  # a result begins so if the pull is missing
IN_LEDGER = f"select distinct account from {PULLS.address} where pull in unnest(@pulls) order by account"


def asked_for(provider: Provider, pull: str) -> Callable[[Clients[Client]], list[str]]:
    """Which of a provider's configured accounts have a key for a pull."""
    is_asked_of = provider.probe.reports[pull].is_asked_of
    return lambda resource: [client.account for client in clients_of(resource) if is_asked_of(client)]


def is_configured(source: Source, resource: Clients[Client], pulls: Collection[str]) -> bool:
    """Whether any account of a source has a key for any of its pulls among these."""
    reports, clients = _reports_of(source, pulls), clients_of(resource)
    return any(report.is_asked_of(client) for report in reports for client in clients) if reports else bool(clients)


def key_variables(source: Source, pulls: Collection[str]) -> list[str]:
    """The variables that hold the keys for a source's pulls among these."""
    of_reports = [report.key_variable or source.key_variable for report in _reports_of(source, pulls)]
    return list(dict.fromkeys(of_reports)) or [source.key_variable]


def optional_of(sources: Collection[Source], pulls: Sequence[str]) -> frozenset[str]:
    """The pulls of an optional check that may be missing: its optional reports, or all if it has none."""
    reports = {report.pull: report for source in sources for report in _reports_of(source, pulls)}
    return frozenset(pull for pull, report in reports.items() if report.needs) or frozenset(pulls)


def _reports_of(source: Source, pulls: Collection[str]) -> list[Report[Any]]:
    of_source = [provider.probe.reports for provider in PROVIDERS if provider.source == source]
    return [reports[pull] for reports in of_source for pull in pulls if pull in reports]


def of_each(
    asked: Sequence[str] | None, known: Collection[str], evaluate: Callable[[str], Result], *, is_optional: bool = False
) -> Finding | None:
    """One result of the accounts that are `asked`, or if the source is not configured (None), of those in the ledger,
    `known`. It has the worst status, and names each account that has not passed. An account without any pull has
    failed, unless the plan may lack it. None if nothing was ever pulled.
    """
    if not known:
        return None
    accounts = [one for one in (sorted(known) if asked is None else asked) if one in known or not is_optional]
    found = {one: evaluate(one) if one in known else without_input(f"{NEVER_PULLED}.") for one in accounts}
    return of_accounts(found) if found else None


def with_account(findings: Findings, warehouse: Warehouse, pulls: Collection[str]) -> Findings:
    """Results that name their account if all rows are of one, and more than one account was ever pulled."""
    named = {day: name for day, found in findings.items() if (name := _account_of(found))}
    if not named or len(warehouse.ask(IN_LEDGER, pulls=list(pulls))) < 2:
        return findings
    return {
        day: replace(found, why=f"Account {named[day]}: {found.why}")
        if day in named and isinstance(found, Result)
        else found
        for day, found in findings.items()
    }


def _account_of(finding: Finding) -> str | None:
    """The account of the rows of a result that has not passed; None if there are several."""
    if not isinstance(finding, Result) or finding.passed:
        return None
    accounts = {row.get("account") for row in finding.rows}
    return accounts.pop() if len(accounts) == 1 else None
