"""A batch on a real Dask cluster: two workers, one lost in the middle; a poisoned capture is given up and listed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.batch.made import job, pcap, question, several
from tests.batch.test_run import _same
from tests.capture import standin
from tests.conftest import TOP
from tshark_report.batch import cluster
from tshark_report.batch.records import Finished, Started
from tshark_report.batch.run import Told, Wanted, run
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import UsageError

pytest.importorskip("distributed", reason="the cluster extra is not installed")
DASK = shutil.which("dask") or str(Path(sys.executable).with_name("dask"))


class Cluster:
    """A scheduler and its workers, started as their users start them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = os.environ | {
            "PYTHONPATH": str(TOP),
            "SOURCE_DATE_EPOCH": "1767225600",
            "TSHARK_REPORT_FENCE": "off",
        }
        self.started: list[subprocess.Popen[bytes]] = []
        told = folder / "scheduler.json"
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told))
        until = time.monotonic() + 30
        while not told.exists() and time.monotonic() < until:
            time.sleep(0.05)
        self.address = str(json.loads(told.read_text())["address"])

    def _start(self, *args: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{args[0]}{len(self.started)}.log").open("wb") as log:
            made = subprocess.Popen([DASK, *args], env=self.env, cwd=self.folder, stdout=log, stderr=log)
        self.started.append(made)
        return made

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        """Another worker."""
        return self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name,
            "--local-directory", str(self.folder / name),
        )  # fmt: skip

    def end(self) -> None:
        """Stop all of it."""
        for each in reversed(self.started):
            each.terminate()
        for each in self.started:
            try:
                each.wait(5)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster without workers."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder)
    yield made
    made.end()


def test_a_lost_worker_and_a_poisoned_capture(
    dask: Cluster, tmp_path: Path, tshark: Tshark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    monkeypatch.setenv("TSHARK_REPORT_FENCE", "off")
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # killed workers leave their scratch folders
    several(tmp_path / "in", 4)
    pcap(tmp_path / "in" / "poison.pcap", question("bad.example"))
    body = (
        "if any('poison' in a for a in args): os.kill(os.getppid(), signal.SIGKILL); time.sleep(5)\n"
        f"os.execv({tshark.path!r}, [{tshark.path!r}, *args])"
    )
    wanted = Wanted(
        (str(tmp_path / "in"),), str(tmp_path / "out"),
        job(tshark.version, formats=("json",), tshark=standin.make(tmp_path, body, version=tshark.full_version)),
        scheduler=dask.address, tries=2, index_pdf=False,
    )  # fmt: skip
    workers = [dask.worker("one"), dask.worker("two")]
    told: list[Told] = []

    def listen(each: Told) -> None:
        told.append(each)
        if sum(isinstance(t, Finished) for t in told) == 2 and workers[0].poll() is None:
            workers[0].send_signal(signal.SIGKILL)

    result = run(wanted, listen)
    assert workers[0].wait(10) == -signal.SIGKILL, "one worker was lost in the middle"
    assert (result.reported, result.failed, result.left) == (4, 1, 0)
    assert len({t.work.name for t in told if isinstance(t, Started)}) == 5
    [failure] = json.loads((tmp_path / "out" / "index.json").read_text())["failures"]
    assert (Path(failure["path"]).name, failure["tries"]) == ("poison.pcap", 2)
    assert "signal 9" in failure["detail"]
    (tmp_path / "in" / "poison.pcap").unlink()
    (tmp_path / "out" / "failures").rename(tmp_path / "failures")
    again = run(wanted, lambda _told: None)
    assert (again.kept, again.reported) == (4, 0), "what the cluster did is done"

    alone = Wanted((str(tmp_path / "in"),), str(tmp_path / "local"), wanted.job, jobs=2, index_pdf=False)
    run(alone, lambda _told: None)
    assert _same(tmp_path / "local" / "reports", tmp_path / "out" / "reports") == [], (
        "the reports are those of one machine"
    )


def test_no_scheduler_no_worker_and_other_versions(
    dask: Cluster, tshark: Tshark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(cluster, "WORKERS_SECONDS", 0.5)
    with pytest.raises(UsageError, match="does not answer"):
        cluster.Pool(job(tshark.version), "out", "tcp://127.0.0.1:1")
    with pytest.raises(UsageError, match="no worker"):
        cluster.Pool(job(tshark.version), "out", dask.address)
    monkeypatch.setattr(cluster, "WORKERS_SECONDS", 30.0)
    dask.worker("one")
    with pytest.raises(UsageError, match="other versions") as error:
        cluster.Pool(job("9.9.9"), "out", dask.address)
    assert "tshark 4" in error.value.detail


def test_without_the_extra_it_says_what_to_install(tshark: Tshark, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError) as error:
        cluster.Pool(job(tshark.version), "out", "tcp://127.0.0.1:1")
    assert error.value.next_step == 'pip install "tshark-report[cluster]"'
