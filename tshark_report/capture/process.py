"""Programs that are run: their output is read, their end is told.

A list of arguments; stdin closed; stderr read by a thread that keeps its first and
last part, so that a flood of it blocks nothing and fills no disk; a deadline; the
whole process group killed when the deadline passes, the caller fails, or the user or
the system stops us. Where the environment asks for it, behind a fence (`fence/`).
"""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tshark_report.capture import fence, group

STDERR_KEPT = 64 * 1024
"""Bytes of stderr that are read back: the first half and the last half of a longer one."""

LISTED = 6
"""Lines of a complaint that ends in a colon and is followed by a list, such as fields that tshark does not know."""

OF_NO_CONCERN = re.compile(r"Running as user |You don't have permission to read the file \"[^\"]*\binit\.lua\"")
"""What tshark says on a start as root and behind the fence; it explains nothing that went wrong."""


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

    @property
    def complaint(self) -> str:
        """The first line with which tshark says what is wrong, and the list below it where it ends in a colon."""
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        own = next((at for at, line in enumerate(lines) if line.startswith("tshark: ")), 0)
        said = [line.removeprefix("tshark: ").strip() for line in lines[own:]]
        return " ".join(said[:LISTED] if said[0].endswith(":") else said[:1]) if said else ""


@dataclass
class Running:
    """A process whose stdout is being read; `done` is filled when it has ended."""

    args: tuple[str, ...]
    stdout: IO[bytes]
    _process: subprocess.Popen[bytes] = field(repr=False)
    _stderr: _Kept = field(repr=False)
    _started: float = 0.0
    _expired: threading.Event = field(default_factory=threading.Event, repr=False)
    stdin: IO[bytes] | None = field(default=None, repr=False)
    _fenced: bool = False

    def chunks(self, size: int) -> Iterator[bytes]:
        """Stdout as it comes, at most `size` bytes at a time."""
        reader = self.stdout
        while piece := reader.read(size):
            yield piece

    def kill(self) -> None:
        """End the process and all it has started."""
        group.kill(self._process)

    def finish(self) -> Done:
        """Wait for the end; stdout must have been read."""
        code = self._process.wait()
        code = fence.code(code) if self._fenced else code
        seconds = time.monotonic() - self._started
        # A deadline that passes in the moment in which the process ends by itself has ended nothing.
        return Done(self.args, code, b"", self._stderr.text(), seconds, self._expired.is_set() and code != 0)


class _Kept:
    """The first and the last part of what a pipe brings, read by a thread of its own until the pipe ends."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._first = bytearray()
        self._last = bytearray()
        self._dropped = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        half = STDERR_KEPT // 2
        try:
            while piece := self._pipe.read1(half):  # type: ignore[attr-defined]
                room = half - len(self._first)
                self._first += piece[:room]
                self._last += piece[room:] if room > 0 else piece
                if len(self._last) > half:
                    del self._last[:-half]
                    self._dropped = True
        except (OSError, ValueError):
            pass  # closed while it was read: the process is being ended

    def text(self) -> str:
        """What was kept, after the process has ended."""
        # A process that has left our group may hold the pipe open: what it says is not waited for.
        self._thread.join(timeout=2.0)
        data = bytes(self._first) + (b"\n...\n" if self._dropped else b"") + bytes(self._last)
        lines = data.decode("utf-8", "replace").splitlines()
        return "\n".join(line for line in lines if not OF_NO_CONCERN.search(line))

    def close(self) -> None:
        """Close the pipe once it has been read to its end."""
        self._thread.join(timeout=2.0)
        if not self._thread.is_alive():
            self._pipe.close()


@contextmanager
def started(
    args: Sequence[str], *, timeout: float, env: Mapping[str, str], stdin: bool = False, cwd: str | None = None
) -> Iterator[Running]:
    """Start `args` and give its stdout to read; on leaving, the process is gone whatever happened.

    With `fence.SCRATCH` in `env` it runs behind the fence.

    `timeout` is in seconds, counted from the start. With `stdin` the process reads from a pipe
    that the caller writes and closes; otherwise its stdin is closed.

    Raises:
        OSError: the program cannot be started.
    """
    full, environment = fence.command(args, env, timeout, cwd)
    process = group.start(full, stdin=stdin, env=environment, cwd=cwd)
    assert process.stdout is not None
    assert process.stderr is not None
    fenced = len(full) != len(args)
    running = Running(
        tuple(args), process.stdout, process, _Kept(process.stderr), time.monotonic(), stdin=process.stdin,
        _fenced=fenced,
    )  # fmt: skip

    def expire() -> None:
        running._expired.set()
        group.kill(process)

    timer = threading.Timer(timeout, expire)
    timer.daemon = True
    timer.start()
    try:
        yield running
    finally:
        timer.cancel()
        if process.poll() is None:
            group.kill(process)
        for pipe in (process.stdout, process.stdin):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:  # a broken pipe: the process has gone before it read everything
                pass
        process.wait()
        group.ended(process)
        running._stderr.close()
        if fenced:
            fence.without_links(Path(env[fence.SCRATCH]))


def run(args: Sequence[str], *, timeout: float, env: Mapping[str, str], cwd: str | None = None) -> Done:
    """Run `args` to its end and keep all it printed.

    Raises:
        OSError: the program cannot be started.
    """
    with started(args, timeout=timeout, env=env, cwd=cwd) as running:
        out = running.stdout.read()
        done = running.finish()
    return Done(done.args, done.code, out, done.stderr, done.seconds, done.timed_out)
