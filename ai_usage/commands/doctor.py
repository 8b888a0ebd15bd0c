"""`make doctor`: lists what each credential can and cannot read. It changes nothing."""

import os
import stat
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rich.markup import escape

from ai_usage.accounts import Account, refuse_unknown_providers
from ai_usage.alerts.runbook import OPENS_HERE_ONLY, opens_here_only
from ai_usage.automation.warehouse_resource import warehouse_of
from ai_usage.catalog import FUNCTIONS
from ai_usage.commands.data_folder import prepare_instance
from ai_usage.commands.terminal import OUT
from ai_usage.core.public_holidays import public_holidays
from ai_usage.errors import AiUsageError, WarehouseError
from ai_usage.ingest.days import Answers, NotYet
from ai_usage.ingest.http.errors import Refused
from ai_usage.ingest.http.retry import Patience
from ai_usage.ingest.ledger_writes import Client, Report
from ai_usage.layers import reason
from ai_usage.partitions import Span
from ai_usage.places import COMMAND, ROOT
from ai_usage.providers.clients import opened
from ai_usage.providers.probe import Probe
from ai_usage.providers.provider import Provider
from ai_usage.providers.registry import BY_KEY, PROVIDERS
from ai_usage.settings import Settings
from ai_usage.sheet.tabs import TABS, read_tab
from ai_usage.simulated import accounts, simulated_providers
from ai_usage.simulated import sheet as sheet_resource
from ai_usage.warehouse.data_origin import data_are_simulated
from ai_usage.warehouse.duckdb.published_copy import unreadable
from ai_usage.warehouse.duckdb.spare_copy import space_to_publish
from ai_usage.warehouse.durable_files import refuse_a_full_disk
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.open import place_of
from ai_usage.warehouse.origin import is_simulated

QUICK = Patience(attempts=1, seconds=20)

C = TypeVar("C", bound=Client)


def run(of: Settings, _: Sequence[str]) -> int:
    refuse_unknown_providers(of, BY_KEY)
    public_holidays(of.holidays, of.start_date.year, of.start_date.year)  # refuses an unknown country or state
    OUT.print(f"Warehouse: {of.warehouse} at {place_of(of)}", soft_wrap=True)
    sound = _shows("the data folder can be written", lambda: _folder(of))
    if of.is_bigquery:
        sound = _project_is_sound(of) and sound
        sound = sound and _shows("the warehouse opens", lambda: _kind_of_figures(of))
    elif sound and of.data_dir.exists():
        sound = _shows("the warehouse opens", lambda: _kind_of_figures(of))
        sound = sound and _shows("a copy can be published", lambda: _published(of))
    readable_by_others(of)
    sources: list[Callable[[Settings], bool]] = [*(partial(try_provider, provider=each) for each in PROVIDERS), sheet]
    opened_all = [_to_the_end(source, of) for source in sources]
    alerts(of)
    return 0 if sound and all(opened_all) else 1


def _to_the_end(of_one: Callable[[Settings], bool], of: Settings) -> bool:
    """The result of one source's part. An error that ends it is printed on a line, and the other sources go on."""
    try:
        return of_one(of)
    except AiUsageError as error:
        OUT.print(f"  [red]✗[/] {escape(str(error))}", soft_wrap=True)
        return False


def _folder(of: Settings) -> str | None:
    """Prepares the data folder. A missing one may be misspelled, so it is not created."""
    if of.data_dir.exists():
        prepare_instance(of)
        return None
    above = next(folder for folder in of.data_dir.absolute().parents if folder.exists())
    if not (above.is_dir() and os.access(above, os.W_OK)):
        raise WarehouseError(f"{of.data_dir} is not there and cannot be made in {above}: set AI_USAGE_DATA_DIR.")
    return f"{of.data_dir} is not there yet; the first run makes it"


def _project_is_sound(of: Settings) -> bool:
    """The same calls that runs make in BigQuery, as far as they change nothing. Each is tried, even if another one
    fails.
    """
    from ai_usage.commands.bigquery_setup import project_of  # noqa: PLC0415 - Google's client takes a second to import
    from ai_usage.warehouse.bigquery.trials import trials  # noqa: PLC0415

    places: list[Any] = []
    if not _shows("there are credentials", lambda: places.append(project_of(of))):
        return False
    tried = [_shows(trial.what, trial.ask) for trial in trials(places[0], FUNCTIONS)]
    return all(tried)


def _kind_of_figures(of: Settings) -> str:
    held = data_are_simulated(of) if of.is_bigquery else is_simulated(warehouse_of(of))
    return {True: "it holds SIMULATED figures", False: "it holds real figures", None: "it is empty"}[held]


def _published(of: Settings) -> str:
    """How much space publishing needs; `WarehouseError` if there is less."""
    size = of.database.stat().st_size
    takes, needed = space_to_publish(size, of.published_database)
    refuse_a_full_disk(of.data_dir, needed, of.published_database)
    copy = of.published_database
    trouble = f"; {why} The next run publishes it again" if copy.exists() and (why := unreadable(copy)) else ""
    times = "once more" if takes == size else "twice more, for the copy and the one before it"
    return f"it takes {size / 1e6:,.1f} MB {times}{trouble}"


def readable_by_others(of: Settings) -> None:
    """Warn of files with secrets and data that other users of this machine may read."""
    credentials = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "").strip()
    wanted = {
        ROOT / ".env": 0o600,
        **({Path(credentials).expanduser(): 0o600} if credentials else {}),
        of.data_dir: of.data_dir_mode,
    }
    for path, mode in wanted.items():
        if path.exists() and (found := stat.S_IMODE(path.stat().st_mode)) & 0o077 & ~mode:
            OUT.print(
                f"  [yellow]![/] {path} is open to other users of this machine (mode {found:o}): chmod {mode:o} {path}",
                soft_wrap=True,
            )


def try_provider(of: Settings, provider: Provider) -> bool:
    """Every account's keys and reports, requested for yesterday exactly as the pulls do; then its files."""
    probe = provider.probe
    with simulated_providers(of) as built_in:
        of_provider = accounts(provider, of, built_in)
        if not of_provider:
            OUT.print(f"{probe.title}: not configured. {probe.hint}")
            return _files(probe, of)
        with opened(provider, of, of_provider, QUICK) as clients:
            tried = list(zip(of_provider, clients or (), strict=True))
            sound = [_account(probe, of, account, client, is_one=len(tried) == 1) for account, client in tried]
            for report in probe.reports.values():
                if not any(report.is_asked_of(client) for _, client in tried):
                    OUT.print(f"  – {_named(report)}: {report.lacks}", soft_wrap=True)
    OUT.print(f"  Quota: {probe.quota}", soft_wrap=True)
    return _files(probe, of) and all(sound)


def _account(probe: Probe, of: Settings, account: Account, client: Any, *, is_one: bool) -> bool:
    where = "the built-in provider (simulated)" if account.is_simulated else account.base_url
    OUT.print(f"{probe.title}{'' if is_one else f', account {account.name},'} at {where}", soft_wrap=True)
    had = [key for key in probe.keys if key.is_had(client)]
    refused = [key for key in had if not _shows(key.what, partial(key.ask, client))]
    span = Span(of.yesterday(), of.yesterday())
    reports = [
        report
        for pull, report in probe.reports.items()
        if pull not in probe.tried_by_keys
        and report.is_asked_of(client)
        and not any(key.opens(client, pull) for key in refused)
    ]
    is_open = [_opens(report, client, span) for report in reports]  # each is tried, even if others fail
    return all(is_open) and not refused


def _files(probe: Probe, of: Settings) -> bool:
    if probe.files is None:
        return True
    files = probe.files(of)
    if not files.read:
        OUT.print(f"{files.title}: not configured, {files.not_configured}.", soft_wrap=True)
        return True
    OUT.print(f"{files.title} in {files.where}", soft_wrap=True)
    is_readable = [_shows(name, read) for name, read in files.read.items()]
    return all(is_readable)


def sheet(of: Settings) -> bool:
    """The sheet's tabs, read once, and how many of their rows can be used."""
    if not (of.simulate or of.sheet_id):
        OUT.print(
            f"Sheet: not configured. {COMMAND} sheet-template writes the tabs; AI_USAGE_SHEET_ID is the sheet's id."
        )
        return True
    where = of.sheet_folder or ("the built-in one (simulated)" if not of.sheet_id else "Google")
    OUT.print(f"Sheet at {where}", soft_wrap=True)
    with simulated_providers(of) as built_in, sheet_resource(of, built_in) as tabs:
        if tabs is None:
            return False
        answers: dict[str, Answer] = {}
        opened = [
            _shows("it can be read", lambda: answers.update(tabs.tabs({})) or _many(len(answers), "tab")),
            _shows("its version can be asked (Drive shows changes)", tabs.version),
        ]
        for tab in TABS.values():
            if tab.name in answers:
                found = read_tab(tab, answers[tab.name].records)
                bad = len({rejection.row_number for rejection in found.rejections})
                mark = "[yellow]![/]" if bad else "[green]✓[/]"
                OUT.print(f"  {mark} {tab.name}: {_many(len(found.good), 'row')}, {bad} rejected")
            elif answers and not tab.is_optional:
                OUT.print(f"  [yellow]![/] {tab.name}: there is no such tab")
    return all(opened)


def alerts(of: Settings) -> None:
    """The configured channels. The settings have validated their URLs; nothing is sent."""
    channels = {
        "Slack": (of.has_slack_alerts, "ALERT_SLACK_WEBHOOK_URL"),
        "webhook": (of.has_webhook_alerts, "ALERT_WEBHOOK_URL"),
        "e-mail": (of.has_email_alerts, "ALERT_SMTP_URL with ALERT_EMAIL_TO"),
    }
    OUT.print("Alerts" if any(is_set for is_set, _ in channels.values()) else "Alerts: no channel is configured.")
    for channel, (is_set, names) in channels.items():
        if is_set:
            where = urlsplit(os.environ[names.split()[0]].strip()).hostname  # the rest of it is secret
            readers = f", to {_many(len(of.email_to), 'address', 'addresses')}" if channel == "e-mail" else ""
            OUT.print(f"  [green]✓[/] {channel}: well-formed, at {where}{readers}; nothing was sent", soft_wrap=True)
        else:
            OUT.print(f"  – {channel}: not configured. Set {names}.", soft_wrap=True)
    if any(is_set for is_set, _ in channels.values()) and opens_here_only(of):
        OUT.print(f"  [yellow]![/] {OPENS_HERE_ONLY.format(of.ui_url)}", soft_wrap=True)


def _shows(what: str, ask: Callable[[], Any], *, colour: str = "red") -> bool:
    try:
        answer = ask()
    except AiUsageError as error:
        OUT.print(f"  [{colour}]✗[/] {what}: {escape(str(error))}", soft_wrap=True)
        return False
    except Exception as error:  # noqa: BLE001 - a defect of ours: the other lines are of use all the same
        OUT.print(f"  [{colour}]✗[/] {what}: {escape(reason(error))}", soft_wrap=True)
        return False
    OUT.print(f"  [green]✓[/] {what}{f': {answer}' if isinstance(answer, str) else ''}", soft_wrap=True)
    return True


def _opens(report: Report[C], client: C, span: Span) -> bool:
    """Whether a pull of this report would work, or be skipped because the plan or scope does not include it. The
    platform works without an optional report: its errors are shown, and fail nothing here.
    """
    try:
        answers = report.ask(client, span)
    except Refused as refusal:
        is_left_out = report.is_not_included(refusal, client)
        return _shown(report, report.not_included(refusal) if is_left_out else str(refusal))
    except AiUsageError as error:
        return _shown(report, str(error))
    missing = answers.left_out if isinstance(answers, Answers) else []
    if any(not isinstance(each, NotYet) for each in missing):
        return _shown(report, "; ".join(map(str, missing)))
    return _shows(_named(report), lambda: "; ".join(map(str, missing)) or _counted(answers))


def _shown(report: Report[C], what: str) -> bool:
    """Print a report that cannot be pulled; true if it is optional."""
    mark = "[yellow]![/]" if report.needs else "[red]✗[/]"
    OUT.print(f"  {mark} {_named(report)}: {escape(what)}", soft_wrap=True)
    return bool(report.needs)


def _named(report: Report[C]) -> str:
    return f"{report.name} (optional: {report.use})" if report.needs else report.name


def _counted(answers: Sequence[Answer]) -> str:
    return _many(sum(len(answer.records) for answer in answers), "record")


def _many(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or f'{one}s'}"
