"""The end of the program is the end of every process that it has started, whenever it comes."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.capture.test_process import ENV, python
from tshark_report.capture import group, process


class _Ended(BaseException):
    pass


@pytest.fixture
def ended_by_a_signal() -> Iterator[None]:
    """SIGUSR1 ends the program as SIGTERM does for our users; afterwards processes may be started again."""

    def end() -> None:
        raise _Ended

    before = signal.signal(signal.SIGUSR1, lambda _number, _frame: group.stop_all(end))
    yield
    signal.signal(signal.SIGUSR1, before)
    group._STOPPING.clear()


@pytest.mark.usefixtures("ended_by_a_signal")
def test_a_signal_between_start_and_knowing_the_process_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            begun.append(self)
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.01)  # the handler runs here at the latest

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(_Ended):
        process.run(python("import time; time.sleep(60)"), timeout=60, env=ENV)
    assert begun[0].wait(10) == -signal.SIGKILL
    assert not group._STARTING
    with pytest.raises(group.Stopped):
        process.run(python(""), timeout=60, env=ENV)


@pytest.mark.usefixtures("ended_by_a_signal")
def test_a_process_that_another_thread_is_starting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    starting = threading.Event()

    class Slow(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            begun.append(self)
            starting.set()
            time.sleep(0.3)

    monkeypatch.setattr(subprocess, "Popen", Slow)
    thread = threading.Thread(
        target=process.run, args=[python("import time; time.sleep(60)")], kwargs={"timeout": 60, "env": ENV}
    )
    thread.start()
    assert starting.wait(10)

    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(10)

    with pytest.raises(_Ended):
        interrupted()
    assert begun[0].wait(30) == -signal.SIGKILL  # it would have slept for a minute
    thread.join()


def test_what_a_program_has_started_ends_with_it(tmp_path: Path) -> None:
    told = tmp_path / "number"
    code = (
        "import subprocess, sys, time; from pathlib import Path\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"Path({str(told)!r}).write_text(str(inner.pid)); time.sleep(60)"
    )
    for seconds in (1.0, 4.0, 16.0):  # until it could tell, however busy the machine is
        assert group.answer(python(code), seconds=seconds) is None
        if told.exists():
            break
    limit = time.monotonic() + 10
    while _runs(int(told.read_text())) and time.monotonic() < limit:
        time.sleep(0.02)
    assert not _runs(int(told.read_text()))


def _runs(number: int) -> bool:
    """Is it there, and more than an entry that waits for its parent?"""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
