"""A tshark that dies or hangs half-way: the frame is found, left out and named, and the rest is read."""

from __future__ import annotations

import json
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture import standin
from tests.conftest import fixture_capture
from tshark_report.capture import framing, survive
from tshark_report.capture import tshark as tshark_module
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import Loaded, load
from tshark_report.errors import TsharkDied

MARK = b"GET /offers.html"
ON_IT = 161
ALL = 260


@pytest.fixture(scope="module")
def classic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first packets of the staged incident as pcap, which the stand-ins can read."""
    path = tmp_path_factory.mktemp("classic") / "capture.pcap"
    source = fixture_capture("staged_incident")
    subprocess.run(["editcap", "-F", "pcap", "-r", source, path, f"1-{ALL}"], check=True, capture_output=True)
    return path


def read(path: Path, program: str, folder: Path, timeout: float = 60.0) -> Loaded:
    scratch = folder / "scratch"
    scratch.mkdir()
    env = tshark_module.environment(scratch)
    return load(path, tshark_module.find(program, env), scratch, env, Options(), timeout=timeout, jobs=1)


def frames(made: Loaded) -> list[int]:
    return made.tables.packets["frame"].to_list()


@pytest.mark.tshark
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGTRAP])
def test_the_frame_that_kills_is_left_out_and_named(classic: Path, tmp_path: Path, number: int) -> None:
    made = read(classic, standin.dying(tmp_path, MARK, int(number)), tmp_path)
    assert frames(made) == list(range(1, ALL + 1))
    assert made.capture.packets == ALL
    [loss] = made.capture.losses
    assert f"signal {int(number)} ({signal.Signals(number).name}) on frame {ON_IT}" in loss
    row = made.tables.packets.row(ON_IT - 1, named=True)
    assert row["length"] > 100, "it is still counted with its length"
    assert ON_IT not in made.tables.http["frame"].to_list()
    assert made.tables.http.height > 10
    assert made.capture.original == classic


@pytest.mark.tshark
def test_a_frame_that_hangs(classic: Path, tmp_path: Path) -> None:
    made = read(classic, standin.dying(tmp_path, MARK, "hang"), tmp_path, timeout=9.0)
    assert frames(made) == list(range(1, ALL + 1))
    assert re.search(rf"gave no answer for \d+ s on frame {ON_IT},", made.capture.losses[0])


@pytest.mark.tshark
def test_halving_finds_the_frame_where_no_row_comes_out(classic: Path, tmp_path: Path) -> None:
    made = read(classic, standin.dying(tmp_path, MARK, int(signal.SIGSEGV), rows_lost=True), tmp_path)
    assert f"on frame {ON_IT}," in made.capture.losses[0]


@pytest.mark.tshark
def test_after_a_few_frames_the_capture_is_cut(classic: Path, tmp_path: Path) -> None:
    made = read(classic, standin.dying(tmp_path, b"GET /", int(signal.SIGSEGV)), tmp_path)
    assert len(made.capture.losses) == survive.RETRIES + 1
    cut = made.capture.packets
    assert 80 < cut < ALL
    assert frames(made) == list(range(1, cut + 1))
    assert any(f"only the first {cut:,} of {ALL} packets were read" in loss for loss in made.capture.losses)


@pytest.mark.tshark
def test_killed_for_its_memory(classic: Path, tmp_path: Path) -> None:
    made = read(classic, standin.dying(tmp_path, MARK, int(signal.SIGKILL)), tmp_path)
    cut = int((ON_IT - 1) * survive.KEPT_OF_READ)
    assert frames(made) == list(range(1, cut + 1))
    assert f"only the first {cut} of {ALL} packets" in made.capture.losses[0]


@pytest.mark.tshark
def test_nothing_can_be_read(classic: Path, tmp_path: Path) -> None:
    with pytest.raises(TsharkDied) as caught:
        read(classic, standin.make(tmp_path, "if '-r' in args: os.kill(os.getpid(), 11)\n" + FIELDS), tmp_path)
    assert "signal 11" in caught.value.what


@pytest.mark.tshark
def test_died_once_only(classic: Path, tmp_path: Path) -> None:
    """A death that cannot be repeated costs a second reading, not a packet."""
    flag = tmp_path / "scratch" / "config" / "died"
    body = f"flag = {str(flag)!r}\nif '-r' in args and not os.path.exists(flag):\n    open(flag, 'w'); os.kill(os.getpid(), 6)\n"
    made = read(classic, standin.make(tmp_path, body + FIELDS), tmp_path)
    assert frames(made) == list(range(1, ALL + 1))
    assert not made.capture.losses
    assert any("once" in warning for warning in made.capture.warnings)


FIELDS = "import shutil\nos.execv(shutil.which('tshark', path='/usr/bin:/usr/local/bin'), ['tshark', *args])\n"


@pytest.mark.tshark
def test_it_is_in_the_report(classic: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.json"
    command = [sys.executable, "-m", "tshark_report", "report", classic, "-o", out]
    done = subprocess.run(
        [*command, "--tshark", standin.dying(tmp_path, MARK, 11)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["capture"]["packets"] == ALL
    assert any(f"frame {ON_IT}" in line for line in report["limits"])
    assert any(f"frame {ON_IT}" in line for line in report["capture"]["warnings"])
    assert all("mended" not in c["command"] for c in report["commands"])


def _pcapng(order: str) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        length = len(body) + 12
        return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)

    made = block(framing.SECTION, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    made += block(framing.INTERFACE, struct.pack(order + "HHI", 1, 0, 0))
    data = b"\x02" * 60
    made += block(framing.ENHANCED, struct.pack(order + "IIIII", 0, 1, 2, 60, 1500) + data)
    made += block(framing.OLD_PACKET, struct.pack(order + "HHIIII", 0, 0, 1, 3, 60, 60) + data)
    return made + block(framing.SIMPLE, struct.pack(order + "I", 60) + data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_emptied_frames_keep_their_place(tmp_path: Path, order: str) -> None:
    source, target = tmp_path / "a.pcapng", tmp_path / "b.pcapng"
    source.write_bytes(_pcapng(order))
    for empty in ([1], [2], [3], [1, 2, 3], []):
        with target.open("wb") as out:
            survive.write(source, framing.index(source), empty, 3, out)
        made = framing.index(target)
        assert list(made.captured) == [0 if n in empty else 60 for n in (1, 2, 3)]
        assert list(made.wire)[:2] == [1500, 60]
        assert not made.truncated
    with target.open("wb") as out:
        survive.write(source, framing.index(source), [2], 2, out)
    assert len(framing.index(target)) == 2
