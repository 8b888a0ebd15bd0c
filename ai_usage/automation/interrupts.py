"""Signals that stop this process. Within a step, Dagster turns Ctrl-C into a failed step, and DuckDB into its own
error. At a run's end Dagster drops it. Dagster does not handle a terminal that closes.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ai_usage.errors import interruption

AFTER_A_DESTRUCTOR = 0.05  # seconds
STOPS = {signal.SIGINT, signal.SIGTERM}


def heed_a_closed_terminal() -> None:
    """A terminal that closes, or a connection that drops, ends this process and its run as SIGTERM does. `nohup` is
    respected.
    """
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        # Raised anew, not handled: within a run Dagster has its own handler of SIGTERM.
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def raise_what_destructors_drop() -> None:
    """Python only prints a Ctrl-C that comes in a destructor, with a traceback, and goes on. Here it is raised again
    once the destructor is over.
    """
    report = sys.unraisablehook

    def interrupt_or_report(of: "sys.UnraisableHookArgs") -> None:
        if of.exc_value and interruption(of.exc_value):  # within a run Dagster has turned it into its own error
            again = threading.Timer(AFTER_A_DESTRUCTOR, os.kill, (os.getpid(), signal.SIGINT))
            again.daemon = True
            again.start()
        else:
            report(of)

    sys.unraisablehook = interrupt_or_report


@contextmanager
def heeded() -> Iterator[None]:
    """`KeyboardInterrupt` at the end if a signal to stop came meanwhile, even if a handler dropped it."""
    if threading.current_thread() is not threading.main_thread():  # other threads get no signals
        yield
        return
    ours, interpreters = socket.socketpair()
    with ours, interpreters:
        ours.setblocking(False)  # noqa: FBT003
        interpreters.setblocking(False)  # noqa: FBT003
        before = signal.set_wakeup_fd(interpreters.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
        try:
            heard = ours.recv(4096)
        except BlockingIOError:
            return
    if STOPS & set(heard):
        raise KeyboardInterrupt
