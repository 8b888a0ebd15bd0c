"""The built-in providers on loopback, for as long as they are needed, and clients for them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

from ai_usage import simulator
from ai_usage.ingest.http import Patience
from ai_usage.providers.anthropic.client import ClaudeAdmin
from ai_usage.providers.anthropic.tables import ENTERPRISE
from ai_usage.providers.cursor.client import CursorAdmin
from ai_usage.settings import Settings
from ai_usage.sheet.client import GoogleSheet, Sheet
from ai_usage.warehouse.table import DEFAULT_ACCOUNT


@contextmanager
def simulated_claude_admin(of: Settings, patience: Patience | None = None) -> Iterator[ClaudeAdmin]:
    """The built-in vendor on loopback, for as long as it is needed, and a client for it."""
    with simulator.Simulator(now=of.now) as vendors:
        admin = ClaudeAdmin.open(
            base_url=vendors.anthropic_url,
            admin_key=simulator.ADMIN_KEY,
            analytics_key=simulator.ANALYTICS_KEY,
            analytics_requests_a_minute=None,
            is_simulated=True,
            patience=patience,
            now=of.now,
        )
        with closing(admin):
            yield admin


@contextmanager
def simulated_claude_accounts(of: Settings) -> Iterator[Sequence[ClaudeAdmin]]:
    """A client for each of Claude's two organizations: the Console's Admin key, and the Enterprise's Analytics key."""
    with simulator.Simulator(now=of.now) as providers, ExitStack() as opened:

        def client(account: str, admin_key: str = "", analytics_key: str = "") -> ClaudeAdmin:
            admin = ClaudeAdmin.open(
                base_url=providers.anthropic_url,
                admin_key=admin_key,
                analytics_key=analytics_key,
                analytics_requests_a_minute=None,
                is_simulated=True,
                now=of.now,
            )
            return replace(opened.enter_context(closing(admin)), account=account)

        yield [
            client(DEFAULT_ACCOUNT, admin_key=simulator.ADMIN_KEY),
            client(ENTERPRISE, analytics_key=simulator.ANALYTICS_KEY),
        ]


@contextmanager
def simulated_cursor_admin(of: Settings, patience: Patience | None = None) -> Iterator[CursorAdmin]:
    """The built-in Cursor on loopback, which needs no pace, and a client for it."""
    with simulator.Simulator(now=of.now) as vendors:
        admin = CursorAdmin.open(
            base_url=vendors.cursor_url,
            key=simulator.CURSOR_KEY,
            now=of.now,
            pace=lambda _: None,
            is_simulated=True,
            patience=patience,
        )
        with closing(admin):
            yield admin


@contextmanager
def simulated_sheet(of: Settings) -> Iterator[Sheet]:
    """The built-in spreadsheet on loopback, and a client for it."""
    with simulator.Simulator(now=of.now) as vendors:
        sheet = GoogleSheet.open(simulator.SHEET_ID, base_url=vendors.google_url, is_simulated=True)
        with closing(sheet):
            yield sheet
