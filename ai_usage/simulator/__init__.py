"""Stand-in AI providers that answer over HTTP, for the demo and the tests.

Written from the providers' contracts alone: it imports nothing from the rest of `ai_usage`, and nothing but
tests, the demo and the tool that serves it may import it.
"""

from ai_usage.simulator.claude_keys import ADMIN_KEY, ANALYTICS_KEY, LIMITED_KEY, WORKSPACE_KEY
from ai_usage.simulator.cursor_api import CURSOR_KEY, CURSOR_KEY_WITHOUT_COMMITS
from ai_usage.simulator.faults import Fault, Faults
from ai_usage.simulator.faulty_app import Request
from ai_usage.simulator.google_cloud import GoogleOffer
from ai_usage.simulator.google_wire import GOOGLE_TOKEN
from ai_usage.simulator.openai_api import CODEX_KEY, OPENAI_KEY, PROJECT_KEY
from ai_usage.simulator.server import SimulatedAccount, Simulator
from ai_usage.simulator.sheet import SHEET_ID, UNSHARED_SHEET_ID, Bad, Good, Sheet
from ai_usage.simulator.sheet_cells import Formula, Shown

__all__ = [
    "ADMIN_KEY",
    "ANALYTICS_KEY",
    "CODEX_KEY",
    "CURSOR_KEY",
    "CURSOR_KEY_WITHOUT_COMMITS",
    "GOOGLE_TOKEN",
    "LIMITED_KEY",
    "OPENAI_KEY",
    "PROJECT_KEY",
    "SHEET_ID",
    "UNSHARED_SHEET_ID",
    "WORKSPACE_KEY",
    "Bad",
    "Fault",
    "Faults",
    "Formula",
    "Good",
    "GoogleOffer",
    "Request",
    "Sheet",
    "Shown",
    "SimulatedAccount",
    "Simulator",
]
