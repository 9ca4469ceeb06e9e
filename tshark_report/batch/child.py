"""The process that does one capture after another for a batch: `python -m tshark_report.batch.child FD [CPU...]`.

It starts Python and loads the rules and renderers once. It keeps to the processors that it is given, as what it starts
does. It ends when its parent does, and takes its tsharks along.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
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
    """Take work from the socket whose number is the first argument, until it is closed."""
    faulthandler.enable()
    _keep_to([int(each) for each in sys.argv[2:]])
    # Ctrl-C reaches the whole terminal group; the parent decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
    pipe = Connection(int(sys.argv[1]))
    from tshark_report.batch import work

    def show(what: str, share: float) -> None:
        pipe.send((what, share))

    first = True
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            task, job, out = pipe.recv()
            pipe.send(work.do(task, job, out, show))
            if first:
                first = False
                # Modules, rules and templates are loaded now and stay: the garbage collector need not walk them again
                # with every capture (an eighth of our own time).
                gc.collect()
                gc.freeze()
    from tshark_report import scratch

    scratch.remove_given()  # where the parent was killed, nobody else does


def _keep_to(processors: list[int]) -> None:
    """Use no other processors, where the system lets one say so; all that we start inherits it."""
    if processors and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # one was taken offline, or from this container, in the meantime
            os.sched_setaffinity(0, processors)


def _end(_signal: int, _frame: FrameType | None) -> None:
    _stop()


def _stop() -> None:
    from tshark_report import scratch
    from tshark_report.capture import group

    def end() -> None:
        scratch.remove_all()
        scratch.remove_given()
        os._exit(143)

    group.stop_all(end)


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    _stop()


if __name__ == "__main__":
    main()
