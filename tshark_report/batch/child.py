"""The process that does one capture after another for a batch: `python -m tshark_report.batch.child FD`.

It starts Python and loads the rules and renderers once. It ends when its parent does, and takes its tsharks along.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from types import FrameType

PARENT_SECONDS = 0.5
"""How often it is looked whether the parent is still there."""


def main() -> None:
    """Take work from the socket whose number is the only argument, until it is closed."""
    faulthandler.enable()
    # Ctrl-C reaches the whole terminal group; the parent decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
    pipe = Connection(int(sys.argv[1]))
    from tshark_report.batch import work

    def show(what: str, share: float) -> None:
        pipe.send((what, share))

    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            task, job, out = pipe.recv()
            pipe.send(work.do(task, job, out, show))


def _end(_signal: int, _frame: FrameType | None) -> None:
    _stop()


def _stop() -> None:
    from tshark_report.capture import process

    process.stop_all()
    os._exit(143)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    _stop()


if __name__ == "__main__":
    main()
