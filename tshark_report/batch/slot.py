"""One worker process, seen from outside: work goes in, stages and an outcome come out; it can be killed at any time.

A process pool of the standard library breaks as a whole when one of its processes dies, and cannot have children of
its own inside a Dask worker. Here each process stands alone, so that a capture which kills it is known by name.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

from tshark_report import scratch
from tshark_report.batch.records import Job, Outcome, Work

FRESH = 500
"""Captures after which a process is replaced: what memory it has gathered goes with it."""
SAID = 400
"""Characters of its last words that are kept."""
GRACE = 3.0
"""Seconds that a process has to end its tsharks when it is told to stop."""


class Died(Exception):
    """The process ended in the middle of a capture; the text says how."""


class Slot:
    """A worker process, started when it is first needed and replaced when it died."""

    def __init__(self, processors: Sequence[int] = ()) -> None:
        self.processors = processors
        """Numbers of the processors that it and its tsharks keep to; none: wherever the system puts them."""
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._stderr: IO[bytes] | None = None
        self._scratch = ExitStack()
        self._done = 0
        self.work: Work | None = None
        self.since = 0.0

    @property
    def pipe(self) -> Connection:
        """To be waited on; readable when there is something to `take`."""
        if self._pipe is None:
            raise RuntimeError("no process was started")
        return self._pipe

    def give(self, work: Work, job: Job, out: str) -> None:
        """Let the process do a capture."""
        if self._process is None or self._process.poll() is not None or self._done >= FRESH:
            self.close()
            self._start()
        self.work, self.since = work, time.monotonic()
        try:
            self.pipe.send((work, job, out))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it died before it began: take() says how

    def take(self) -> tuple[str, float] | Outcome:
        """The next that the process says; waits for it.

        Raises:
            Died: it says nothing any more.
        """
        try:
            said: tuple[str, float] | Outcome = self.pipe.recv()
        except (EOFError, OSError) as error:
            raise Died(self._how()) from error
        if isinstance(said, Outcome):
            self._done += 1
            self.work = None
        return said

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
            # Its scratch folders lie in one of ours: it may die too suddenly to remove them. Others may pass through,
            # since its tsharks may run as another user.
            folder = self._scratch.enter_context(scratch.folder())
            folder.chmod(0o711)
            # The tables of a small capture gain nothing from more threads, and pay for them.
            env = os.environ | {"POLARS_MAX_THREADS": "1", "TMPDIR": str(folder)}
            # -P: nothing is imported from the folder that one happens to stand in.
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "tshark_report.batch.child",
                    str(theirs.fileno()),
                    *(str(each) for each in self.processors),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                env=env,
                pass_fds=[theirs.fileno()],
            )
        self._pipe = Connection(ours.detach())
        self._done = 0

    def _how(self) -> str:
        process = self._process
        if process is None:
            return "it was never started"
        try:
            code = process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        said = self._last_words()
        if code == -signal.SIGKILL:
            return f"killed (signal 9), most likely because memory ran out{said}"
        if code < 0:
            return f"killed by signal {-code}{said}"
        return f"ended with code {code}{said}"

    def _last_words(self) -> str:
        if self._stderr is None:
            return ""
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - 8192))
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return f": {' | '.join(lines[-4:])[:SAID]}" if lines else ""

    def memory(self) -> int:
        """Bytes of memory that the process and its tsharks have in use; 0 where that cannot be told."""
        return _resident(self._process.pid) if self._process is not None and self._process.poll() is None else 0

    def kill(self) -> None:
        """End the process and its tsharks now; the next `give` starts another."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self.close()

    def close(self) -> None:
        """Let the process end after what it is doing."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            if self.work is not None and self._process.poll() is None:
                self._process.terminate()
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._stderr is not None:
            self._stderr.close()
        self._scratch.close()
        self._process, self._pipe, self._stderr, self.work = None, None, None, None


def _resident(pid: int) -> int:
    """Resident memory of a process and those it started, from /proc."""
    try:
        total = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                total += _resident(int(child))
    except (OSError, ValueError, IndexError):
        return 0
    return total
