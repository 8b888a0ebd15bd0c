"""`make doctor`: says for each credential what it opens and what it does not, in plain words, and changes nothing."""

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from rich.markup import escape

from ai_usage.automation.warehouse_resource import duckdb_warehouse
from ai_usage.commands.data_folder import prepare_instance
from ai_usage.commands.terminal import OUT
from ai_usage.definitions import uploads
from ai_usage.errors import AiUsageError, SettingError
from ai_usage.ingest.days import Answers, NotYet
from ai_usage.ingest.http import Patience, Refused
from ai_usage.ingest.ledger_writes import Client, Report
from ai_usage.layers import reason
from ai_usage.partitions import Span
from ai_usage.providers.anthropic import pulls as claude_pulls
from ai_usage.providers.anthropic.audit_log.csv_file import read_audit_log
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.pulls import NEEDS_ANALYTICS_KEY
from ai_usage.providers.anthropic.tables import ANALYTICS_PULLS
from ai_usage.providers.cursor import pulls as cursor_pulls
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.settings import ROOT, Settings
from ai_usage.sheet.client import Sheet
from ai_usage.sheet.resource import open_sheet
from ai_usage.sheet.tabs import TABS, read_tab
from ai_usage.simulated import simulated_claude_admin, simulated_cursor_admin, simulated_sheet
from ai_usage.warehouse.duckdb import unreadable
from ai_usage.warehouse.files import refuse_a_full_disk
from ai_usage.warehouse.ledger import Answer
from ai_usage.warehouse.table import PULLS

QUICK = Patience(attempts=1, seconds=20)
PEOPLE = "claude_enterprise_users"

C = TypeVar("C", bound=Client)


def run(of: Settings, _: Sequence[str]) -> int:
    OUT.print(f"Warehouse: {of.warehouse} at {of.database}")
    sound = _tells("the data folder can be written", lambda: prepare_instance(of))
    sound = sound and _tells("the warehouse opens", lambda: _kind_of_figures(of))
    sound = sound and _tells("a copy can be published", lambda: _published(of))
    readable_by_others(of)
    vendors = [_to_the_end(of_one, of) for of_one in (claude, cursor, sheet, audit_logs)]
    alerts(of)
    return 0 if sound and all(vendors) else 1


def _to_the_end(of_one: Callable[[Settings], bool], of: Settings) -> bool:
    """What one source's part finds. Whatever ends it early is a line, and the other sources are tried all the same."""
    try:
        return of_one(of)
    except AiUsageError as error:
        OUT.print(f"  [red]✗[/] {escape(str(error))}", soft_wrap=True)
        return False


def _kind_of_figures(of: Settings) -> str:
    warehouse = duckdb_warehouse(of)
    kinds = warehouse.ask(f"select distinct is_simulated from {PULLS.address}")["is_simulated"].to_list()
    return {True: "it holds SIMULATED figures", False: "it holds real figures"}[kinds[0]] if kinds else "it is empty"


def _published(of: Settings) -> str:
    """How much space publishing needs; `WarehouseError` if there is less."""
    needed = of.database.stat().st_size
    refuse_a_full_disk(of.data_dir, needed, of.published_database)
    copy = of.published_database
    trouble = f"; {why} The next run publishes it again" if copy.exists() and (why := unreadable(copy)) else ""
    return f"it takes {needed / 1e6:,.1f} MB once more{trouble}"


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


def claude(of: Settings) -> bool:
    """Every Claude report that is pulled, asked for yesterday in the very words of its pull."""
    if not (of.simulate or of.has_anthropic_admin_key):
        OUT.print(
            "Claude: not configured. Set ANTHROPIC_ADMIN_API_KEY to an Admin key (Console, Settings, Admin keys)."
        )
        return True
    OUT.print(f"Claude at {'the built-in vendor (simulated)' if of.simulate else of.anthropic_base_url}")
    span = Span(of.yesterday(), of.yesterday())
    with simulated_claude_admin(of, QUICK) if of.simulate else _real_claude_admin(of) as admin:
        if not _tells("the key is accepted", lambda: _owner(admin)):
            return False
        is_open = not admin.has_analytics_key or _tells("the Analytics key is accepted", lambda: _analytics_key(admin))
        reports = [report for report in claude_pulls.REPORTS.values() if report.pull != "claude_organization"]
        if not is_open:
            reports = [report for report in reports if report.pull not in ANALYTICS_PULLS]
        if not admin.has_analytics_key:
            reports.remove(claude_pulls.REPORTS[PEOPLE])
            OUT.print(f"  – {_named(claude_pulls.REPORTS[PEOPLE])}: {NEEDS_ANALYTICS_KEY}", soft_wrap=True)
        opened = [_opens(report, admin, span) for report in reports]
    OUT.print(
        "  Quota: analytics 60 requests a minute for the whole organisation, kept to; the other reports state none, "
        "but ask for no more than a poll a minute.",
        soft_wrap=True,
    )
    return is_open and all(opened)


def cursor(of: Settings) -> bool:
    """Every Cursor report that is pulled, asked for yesterday in the very words of its pull."""
    if not (of.simulate or of.has_cursor_key):
        OUT.print("Cursor: not configured. Set CURSOR_ADMIN_API_KEY (an Enterprise team's Admin key, scope admin:*).")
        return True
    OUT.print(f"Cursor at {'the built-in vendor (simulated)' if of.simulate else of.cursor_base_url}")
    span = Span(of.yesterday(), of.yesterday())
    with simulated_cursor_admin(of, QUICK) if of.simulate else _real_cursor_admin(of) as admin:
        if not _tells("the key is accepted", lambda: f"a team of {len(admin.members().records)}"):
            return False
        reports = [report for report in cursor_pulls.REPORTS.values() if report.pull != "cursor_members"]
        opened = [_opens(report, admin, span) for report in reports]
    OUT.print("  Quota: 20 requests a minute for each endpoint, 60 for usage events; kept to.", soft_wrap=True)
    return all(opened)


def sheet(of: Settings) -> bool:
    """The sheet's tabs, read once, and how many of their rows can be used."""
    if not (of.simulate or of.sheet_id):
        OUT.print("Sheet: not configured. make sheet-template writes the tabs; AI_USAGE_SHEET_ID says where they are.")
        return True
    where = of.sheet_folder or ("the built-in one (simulated)" if not of.sheet_id else "Google")
    OUT.print(f"Sheet at {where}", soft_wrap=True)
    with simulated_sheet(of) if of.simulate and not of.sheet_id else _named_sheet(of) as tabs:
        answers: dict[str, Answer] = {}
        opened = [
            _tells("it can be read", lambda: answers.update(tabs.tabs({})) or f"{len(answers)} tabs"),
            _tells("its version can be asked (Drive: tells of changes)", tabs.version),
        ]
        for tab in TABS.values():
            if tab.name in answers:
                found = read_tab(tab, answers[tab.name].records)
                bad = len({rejection.row_number for rejection in found.rejections})
                OUT.print(
                    f"  {'[yellow]![/]' if bad else '[green]✓[/]'} {tab.name}: {len(found.good)} rows, {bad} unusable"
                )
            elif answers and not tab.is_optional:
                OUT.print(f"  [yellow]![/] {tab.name}: there is no such tab")
    return all(opened)


def _named_sheet(of: Settings) -> AbstractContextManager[Sheet]:
    found = open_sheet(of)
    if found is None:
        raise SettingError("AI_USAGE_SHEET_ID is not set.")
    return closing(found)


def audit_logs(of: Settings) -> bool:
    """Every uploaded file, read to its end."""
    found = uploads(of)
    files = found.files() if found else []
    if not found or not files:
        where = (
            "not read where the built-in vendors answer" if of.simulate else f"there is no *.csv in {of.uploads_dir}"
        )
        OUT.print(f"Audit-log exports of claude.ai: not configured, {where}.", soft_wrap=True)
        return True
    OUT.print(f"Audit-log exports of claude.ai in {of.uploads_dir}", soft_wrap=True)
    readable = [_tells(path.name, partial(_covers, path, of)) for path in files]
    return all(readable)


def alerts(of: Settings) -> None:
    """Which channels are configured. Their URLs were found well-formed with the settings; nothing is sent."""
    channels = {
        "Slack": (of.has_slack_alerts, "ALERT_SLACK_WEBHOOK_URL"),
        "webhook": (of.has_webhook_alerts, "ALERT_WEBHOOK_URL"),
        "e-mail": (of.has_email_alerts, "ALERT_SMTP_URL with ALERT_EMAIL_TO"),
    }
    OUT.print("Alerts" if any(is_set for is_set, _ in channels.values()) else "Alerts: no channel is configured.")
    for channel, (is_set, names) in channels.items():
        if is_set:
            where = urlsplit(os.environ[names.split()[0]].strip()).hostname  # the rest of it is secret
            readers = f", to {len(of.email_to)} addresses" if channel == "e-mail" else ""
            OUT.print(f"  [green]✓[/] {channel}: well-formed, at {where}{readers}; nothing was sent", soft_wrap=True)
        else:
            OUT.print(f"  – {channel}: not configured. Set {names}.", soft_wrap=True)


def _covers(path: Path, of: Settings) -> str:
    covers = read_audit_log(path, Span(of.yesterday(), of.yesterday()), now=of.now()).covers
    return f"covers {covers}" if covers else "has no event"


def _real_cursor_admin(of: Settings) -> AbstractContextManager[CursorAdmin]:
    key = os.environ["CURSOR_ADMIN_API_KEY"]
    return closing(CursorAdmin.open(base_url=of.cursor_base_url, key=key, now=of.now, patience=QUICK))


def _real_claude_admin(of: Settings) -> AbstractContextManager[ClaudeAdmin]:
    return closing(
        ClaudeAdmin.open(
            base_url=of.anthropic_base_url,
            admin_key=os.environ["ANTHROPIC_ADMIN_API_KEY"].strip(),
            analytics_key=os.environ.get("ANTHROPIC_ANALYTICS_API_KEY", "").strip(),
            patience=QUICK,
            now=of.now,
        )
    )


def _tells(what: str, ask: Callable[[], Any], *, colour: str = "red") -> bool:
    try:
        said = ask()
    except AiUsageError as error:
        OUT.print(f"  [{colour}]✗[/] {what}: {escape(str(error))}", soft_wrap=True)
        return False
    except Exception as error:  # noqa: BLE001 - a defect of ours: the other lines are of use all the same
        OUT.print(f"  [{colour}]✗[/] {what}: {escape(reason(error))}", soft_wrap=True)
        return False
    OUT.print(f"  [green]✓[/] {what}{f': {said}' if isinstance(said, str) else ''}", soft_wrap=True)
    return True


def _owner(admin: ClaudeAdmin) -> str:
    found = msgspec.json.decode(admin.organization().records[0], type=dict[str, Any])
    return f"it belongs to {found.get('name') or 'an organization without a name'} ({found['id']})"


def _analytics_key(admin: ClaudeAdmin) -> None:
    if not admin.is_analytics_key_accepted():
        raise SettingError("ANTHROPIC_ANALYTICS_API_KEY is wrong or revoked: each of the analytics answers 401 to it.")


def _opens(report: Report[C], client: C, span: Span) -> bool:
    """Whether a pull of this report would work, or be skipped as one that the plan or scope does not include. Without
    an optional report the rest goes on: whatever is wrong with one is shown, and fails nothing here.
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
    return _tells(_named(report), lambda: "; ".join(map(str, missing)) or _counted(answers))


def _shown(report: Report[C], what: str) -> bool:
    """A report that did not come; true if it is optional."""
    mark = "[yellow]![/]" if report.needs else "[red]✗[/]"
    OUT.print(f"  {mark} {_named(report)}: {escape(what)}", soft_wrap=True)
    return bool(report.needs)


def _named(report: Report[C]) -> str:
    return f"{report.name} (optional: {report.use})" if report.needs else report.name


def _counted(answers: Sequence[Answer]) -> str:
    records = sum(len(answer.records) for answer in answers)
    return f"{records} {'record' if records == 1 else 'records'}"
