"""The worker process itself: it takes work from a socket and ends when that is closed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from tests.batch.made import job, pcap, question
from tests.batch.test_slot import _work
from tests.conftest import TOP
from tshark_report.batch.records import Outcome
from tshark_report.capture.tshark import Tshark


def test_work_in_outcome_out_and_an_end(tmp_path: Path, tshark: Tshark) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "tshark_report.batch.child", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": str(TOP)},
        )
    pipe = Connection(ours.detach())
    (tmp_path / "bad.pcap").write_text("no capture")
    for path, good in ((pcap(tmp_path / "a.pcap", question("a.example")), True), (tmp_path / "bad.pcap", False)):
        pipe.send((_work(path), job(tshark.version, formats=("json",)), str(tmp_path / "out")))
        while not isinstance(said := pipe.recv(), Outcome):
            assert isinstance(said[0], str)
        assert (said.summary is not None) is good
    pipe.close()
    assert child.wait(20) == 0
