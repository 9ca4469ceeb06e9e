"""Processes: floods, deadlines, and nothing left behind."""

from __future__ import annotations

import os
import sys
import time

import pytest

from tshark_report.capture import process

ENV = dict(os.environ)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_and_code() -> None:
    done = process.run(
        python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), timeout=20, env=ENV
    )
    assert (done.code, done.stdout, done.last_error) == (3, b"out\n", "err")


def test_a_flood_of_stderr_blocks_nothing() -> None:
    done = process.run(
        python("import sys; sys.stderr.write('x' * 3_000_000 + '\\nlast'); print('done')"), timeout=30, env=ENV
    )
    assert done.stdout == b"done\n"
    assert done.last_error == "last"
    assert len(done.stderr) <= process.STDERR_KEPT + 10


def test_the_root_warning_is_no_error() -> None:
    line = "Running as user root and group root. This could be dangerous."
    done = process.run(python(f"import sys; sys.stderr.write({line!r})"), timeout=20, env=ENV)
    assert done.last_error == ""


SLEPT = 90
"""Seconds that a program would take if nobody ended it: half of that is enough for the busiest machine."""


def test_deadline() -> None:
    start = time.monotonic()
    done = process.run(python(f"import time; time.sleep({SLEPT})"), timeout=0.5, env=ENV)
    assert done.timed_out
    assert done.code < 0
    assert time.monotonic() - start < SLEPT / 2


def test_a_deadline_that_passes_as_it_ends_has_ended_nothing() -> None:
    with process.started(python("print('whole')"), timeout=60, env=ENV) as running:
        out = running.stdout.read()
        running._expired.set()  # as the timer does it a moment too late to end anything
        done = running.finish()
    assert out == b"whole\n"
    assert not done.timed_out


def test_deadline_reaches_grandchildren() -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep({SLEPT})'])"
    start = time.monotonic()
    done = process.run(python(code), timeout=1.0, env=ENV)
    assert done.timed_out
    # The grandchild holds our pipe: had it lived, reading would have gone on until it ended.
    assert time.monotonic() - start < SLEPT / 2


def test_nothing_is_left_when_the_caller_fails() -> None:
    class Stop(Exception):
        pass

    numbers = []

    def fail() -> None:
        code = "import time; print('x', flush=True); time.sleep(60)"
        with process.started(python(code), timeout=60, env=ENV) as running:
            assert running.stdout.read(1) == b"x"
            numbers.append(running._process.pid)
            raise Stop

    with pytest.raises(Stop):
        fail()
    with pytest.raises(ProcessLookupError):
        os.kill(numbers[0], 0)


def test_stdin_is_closed() -> None:
    done = process.run(python("import sys; print(repr(sys.stdin.read()))"), timeout=20, env=ENV)
    assert done.stdout == b"''\n"


def test_a_program_that_is_none() -> None:
    with pytest.raises(OSError, match="nonexistent"):
        process.run(["/nonexistent/program"], timeout=5, env=ENV)
