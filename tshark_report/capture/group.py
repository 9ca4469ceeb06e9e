"""The one place that starts processes, and knows all that run, so that the end of the program is the end of them.

Each is started in a session, and so a process group, of its own, and ended with all that it has started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

_RUNNING: set[subprocess.Popen[bytes]] = set()
_STARTING: set[int] = set()
"""Threads whose process may run already and is not yet among `_RUNNING`."""
_HELD: list[Callable[[], object]] = []
_STOPPING = threading.Event()

START_SECONDS = 2.0
"""How long the end of the program waits for processes that other threads are starting; a start takes milliseconds."""


class Stopped(BaseException):
    """The program is being ended: nothing new is started."""


def stop_all(then: Callable[[], object]) -> None:
    """End every process that runs, start none any more, and call `then`, which ends the program.

    For the handler of a signal. Python runs it between any two steps of the main thread, also
    where a process has been started and nobody has its number yet: an exception there would
    lose it. `then` is called as soon as that process is known, and ended with the others.
    """
    _STOPPING.set()
    for process in list(_RUNNING):
        kill(process)
    if threading.get_ident() in _STARTING:
        _HELD.append(then)
        return
    limit = time.monotonic() + START_SECONDS
    while _STARTING and time.monotonic() < limit:
        time.sleep(0.002)  # each of these threads ends its own process as it sees that we are stopping
    then()


def start(
    args: Sequence[str], *, stdin: bool = False, env: Mapping[str, str] | None = None, cwd: str | None = None
) -> subprocess.Popen[bytes]:
    """A process that is known until `ended` is told; its stdout and stderr are pipes.

    Raises:
        Stopped: the program is being ended.
        OSError: it cannot be started.
    """
    here = threading.get_ident()
    if _STOPPING.is_set():
        raise Stopped
    _STARTING.add(here)
    try:
        process = subprocess.Popen(
            args,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
        _RUNNING.add(process)
        if _STOPPING.is_set():
            kill(process)
    finally:
        _STARTING.discard(here)
        if _HELD and threading.current_thread() is threading.main_thread():
            stop_all(_HELD.pop())
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all of its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    except AttributeError:  # Windows has no process groups of this kind
        process.kill()


def ended(process: subprocess.Popen[bytes]) -> None:
    """It has been waited for."""
    _RUNNING.discard(process)


def answer(args: Sequence[str], *, seconds: float, env: Mapping[str, str] | None = None) -> bytes | None:
    """The first line that a program prints; None where it fails or takes too long.

    Raises:
        Stopped: the program is being ended.
        OSError: it cannot be started.
    """
    process = start(args, env=env)
    try:
        with process:
            try:
                out, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                return None
            finally:
                if process.poll() is None:
                    kill(process)
    finally:
        ended(process)
    return out.partition(b"\n")[0] if process.returncode == 0 else None
