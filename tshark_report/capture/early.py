"""tsharks that are started before anybody is ready for what they print.

A start takes tshark a quarter of a second, and so does importing the library that holds
the tables: for a small capture that is most of the time. What a first pass over a capture
that is not split will be asked is known at once, so it runs while the rest is imported.
A second pass is started beside it where a packet seems to hold others. Either is only taken
where it was asked exactly what is then wanted; else it is ended, and nothing depends on it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import Self

from tshark_report.capture import process
from tshark_report.capture.process import Running

ROOM = 1 << 20
"""Bytes of rows that wait in the pipe for us; the most that Linux allows to everybody (fs.pipe-max-size, pipe(7))."""


class Early:
    """Processes that wait to be taken, each by the arguments it was started with."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[bool, tuple[str, ...]], list[tuple[ExitStack, Running]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        while self._waiting:
            for stack, _ in self._waiting.popitem()[1]:
                stack.close()

    def begin(self, args: Sequence[str], *, timeout: float, env: Mapping[str, str], stdin: bool = False) -> None:
        """Start a process; where that fails, it fails again, and is told, when the process is wanted."""
        stack = ExitStack()
        with suppress(OSError):
            running = stack.enter_context(process.started(args, timeout=timeout, env=env, stdin=stdin))
            _make_room(running)
            self._waiting.setdefault((stdin, tuple(args)), []).append((stack, running))

    def holds(self, args: Sequence[str], *, stdin: bool = False) -> bool:
        """Was one started with these arguments, and not taken yet?"""
        return bool(self._waiting.get((stdin, tuple(args))))

    def _taken(self, args: Sequence[str], stdin: bool) -> tuple[ExitStack, Running] | None:
        try:
            return self._waiting.get((stdin, tuple(args)), []).pop()
        except IndexError:
            return None

    @contextmanager
    def started(
        self, args: Sequence[str], *, timeout: float, env: Mapping[str, str], stdin: bool = False
    ) -> Iterator[Running]:
        """The process that was started with these arguments, or a new one; on leaving, it is gone.

        Raises:
            OSError: the program cannot be started.
        """
        held = self._taken(args, stdin)
        if held is None:
            with process.started(args, timeout=timeout, env=env, stdin=stdin) as running:
                yield running
        else:
            with held[0]:
                yield held[1]


def _make_room(running: Running) -> None:
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # the user has many pipes already: then it waits for us a little sooner
            fcntl.fcntl(running.stdout, fcntl.F_SETPIPE_SZ, ROOM)
