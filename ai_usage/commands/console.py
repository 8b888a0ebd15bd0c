"""The console script `ai-usage`."""

import signal


def run() -> int:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C during the imports below ends them without a traceback
    from ai_usage.commands.__main__ import start  # noqa: PLC0415 - takes a moment

    return start()
