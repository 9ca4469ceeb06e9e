"""The one place that starts processes.

A list of arguments, never a shell; stdin closed; stderr to a temporary file, so
that a flood of it blocks nothing; a deadline; the whole process group killed when
the deadline passes, the caller fails, or Ctrl-C is pressed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

STDERR_KEPT = 64 * 1024
"""Bytes of stderr that are read back: the first half and the last half of a longer one."""


@dataclass(frozen=True)
class Done:
    """How a process ended. `code` is negative for a signal, as in subprocess."""

    args: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: str
    seconds: float
    timed_out: bool

    @property
    def last_error(self) -> str:
        """The last line that says something."""
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""


@dataclass
class Running:
    """A process whose stdout is being read; `done` is filled when it has ended."""

    args: tuple[str, ...]
    stdout: IO[bytes]
    _process: subprocess.Popen[bytes] = field(repr=False)
    _stderr: IO[bytes] = field(repr=False)
    _started: float = 0.0
    _expired: threading.Event = field(default_factory=threading.Event, repr=False)
    stdin: IO[bytes] | None = field(default=None, repr=False)

    def chunks(self, size: int) -> Iterator[bytes]:
        """Stdout as it comes, at most `size` bytes at a time."""
        reader = self.stdout
        while piece := reader.read(size):
            yield piece

    def finish(self) -> Done:
        """Wait for the end; stdout must have been read."""
        code = self._process.wait()
        return Done(
            self.args, code, b"", _read_stderr(self._stderr), time.monotonic() - self._started, self._expired.is_set()
        )


def _read_stderr(file: IO[bytes]) -> str:
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(0)
    if size <= STDERR_KEPT:
        data = file.read()
    else:
        data = file.read(STDERR_KEPT // 2)
        file.seek(size - STDERR_KEPT // 2)
        data += b"\n...\n" + file.read()
    lines = data.decode("utf-8", "replace").splitlines()
    # tshark says this on every start as root; it explains nothing that went wrong.
    return "\n".join(line for line in lines if not line.startswith("Running as user "))


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    except AttributeError:  # Windows has no process groups of this kind
        process.kill()


@contextmanager
def started(
    args: Sequence[str], *, timeout: float, env: Mapping[str, str], stdin: bool = False, cwd: str | None = None
) -> Iterator[Running]:
    """Start `args` and give its stdout to read; on leaving, the process is gone whatever happened.

    `timeout` is in seconds, counted from the start. With `stdin` the process reads from a pipe
    that the caller writes and closes; otherwise its stdin is closed.

    Raises:
        OSError: the program cannot be started.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            list(args),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
        assert process.stdout is not None
        running = Running(tuple(args), process.stdout, process, errors, time.monotonic(), stdin=process.stdin)

        def expire() -> None:
            running._expired.set()
            _kill(process)

        timer = threading.Timer(timeout, expire)
        timer.daemon = True
        timer.start()
        try:
            yield running
        finally:
            timer.cancel()
            if process.poll() is None:
                _kill(process)
            process.stdout.close()
            if process.stdin is not None:
                try:
                    process.stdin.close()
                except OSError:  # a broken pipe: the process has gone before it read everything
                    pass
            process.wait()


def run(args: Sequence[str], *, timeout: float, env: Mapping[str, str], cwd: str | None = None) -> Done:
    """Run `args` to its end and keep all it printed.

    Raises:
        OSError: the program cannot be started.
    """
    with started(args, timeout=timeout, env=env, cwd=cwd) as running:
        out = running.stdout.read()
        done = running.finish()
    return Done(done.args, done.code, out, done.stderr, done.seconds, done.timed_out)
