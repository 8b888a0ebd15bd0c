"""`python -m ai_usage.simulator --port 8900`: serves the stand-in providers until it is stopped."""

import argparse
import signal
import sys
from datetime import datetime
from threading import Event

from ai_usage.simulator.server import Simulator


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m ai_usage.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8900, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--now", type=_instant, help="what time the providers think it is, as RFC 3339")
    parser.add_argument("--enforce-limits", action="store_true", help="refuse what the providers' rate limits refuse")
    parser.add_argument("--cursor-scale", type=float, default=1, help="so many times as much use of Cursor")
    asked = parser.parse_args()
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    simulator = Simulator(
        seed=asked.seed,
        now=asked.now,
        port=asked.port,
        enforce_limits=asked.enforce_limits,
        cursor_scale=asked.cursor_scale,
    )
    try:
        simulator.start()
    except OSError as error:
        print(f"The simulator cannot listen on port {asked.port}: {error.strerror}.", file=sys.stderr)
        return 2
    print(simulator.url, flush=True)
    try:
        stopped.wait()
    finally:
        simulator.stop()
    return 0


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("needs a time zone")
    return instant


if __name__ == "__main__":
    sys.exit(main())
