"""A tshark that dies or hangs half-way: the frame is found, left out and named, and the rest is read."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture import standin
from tests.conftest import fixture_capture
from tshark_report.capture import dissect, survive
from tshark_report.capture import tshark as tshark_module
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
    return load(path, tshark_module.find(program, env), scratch, env, dissect.Options(), timeout=timeout, jobs=1)


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

LATE = (
    "if '-r' in args and {more!r} and 'tcp.desegment_tcp_streams:FALSE' not in args:\n"
    "    os.kill(os.getpid(), signal.SIGXCPU)\n"
)


@pytest.mark.tshark
def test_where_time_is_missing_nothing_is_put_together(classic: Path, tmp_path: Path) -> None:
    """A tshark that is too slow only as long as it puts segments together: every packet is read, each alone."""
    made = read(classic, standin.make(tmp_path, LATE.format(more=True) + FIELDS), tmp_path)
    assert frames(made) == list(range(1, ALL + 1))
    assert made.preferences == survive.NOT_TOGETHER
    [loss] = made.capture.losses
    assert "was not put together" in loss
    assert re.search("signal 24|SIGXCPU", loss)
    assert all("tcp.desegment_tcp_streams:FALSE" in command for _, command in made.commands)
    assert made.tables.http.height > 5, "requests fit into one segment"
    assert "too long" in made.tables.not_made["files"], "that files were not looked for is not that there were none"


@pytest.mark.tshark
def test_where_that_is_too_slow_as_well_the_capture_is_cut(classic: Path, tmp_path: Path) -> None:
    # Too slow for more than 200 packets, whatever it is asked to do.
    body = (
        "import subprocess\nreal = shutil.which('tshark', path='/usr/bin:/usr/local/bin')\n"
        "if '-r' not in args:\n    os.execv(real, ['tshark', *args])\n"
        "out = subprocess.run(['tshark', *args], executable=real, stdout=subprocess.PIPE).stdout\n"
        "rows = [row for row in out.split(b'\\n') if b'\\t' in row]\n"
        "late = len(rows) > 200\n"
        "sys.stdout.buffer.write(b'\\n'.join(rows[:200]) + b'\\n' if late else out)\nsys.stdout.flush()\n"
        "os.kill(os.getpid(), signal.SIGXCPU) if late else None\n"
    )
    made = read(classic, standin.make(tmp_path, "import shutil\n" + body), tmp_path)
    cut = int(200 * survive.KEPT_OF_READ)
    assert frames(made) == list(range(1, cut + 1))
    assert len(made.capture.losses) == 2
    assert f"only the first {cut} of {ALL} packets were read" in made.capture.losses[1]


@pytest.mark.tshark
def test_it_is_cut_again_until_it_can_be_read(classic: Path, tmp_path: Path) -> None:
    """Statistics and carried files take time that the search for the place to cut does not see."""
    body = (
        "if '-r' in args and '-l' not in args:\n"
        "    import struct\n    data = open(args[args.index('-r') + 1], 'rb').read()\n    at = frames = 0\n"
        "    at = 24\n    while at < len(data):\n"
        "        at += 16 + struct.unpack_from('<I', data, at + 8)[0]; frames += 1\n"
        "    if frames > 80:\n        os.kill(os.getpid(), signal.SIGXCPU)\n"
    )
    made = read(classic, standin.make(tmp_path, body + FIELDS), tmp_path)
    assert frames(made) == list(range(1, made.capture.packets + 1))
    assert 40 <= made.capture.packets <= 80
    assert len(made.capture.losses) == 2
    assert f"only the first {made.capture.packets} of {ALL} packets were read" in made.capture.losses[1]
    assert sum("only the first" in each for each in made.capture.warnings) == 1


@pytest.mark.tshark
def test_no_pass_begins_after_all_deadlines(classic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often tshark dies: when the time for all of it is over, that is told."""
    monkeypatch.setattr(survive, "MOST_DEADLINES", 0.0)
    asked = tmp_path / "asked"
    body = f"if '-r' in args:\n    open({str(asked)!r}, 'a').write('x'); os.kill(os.getpid(), 11)\n"
    asked.touch()
    asked.chmod(0o666)
    monkeypatch.setenv("TSHARK_REPORT_FENCE", "off")
    with pytest.raises(TsharkDied):
        read(classic, standin.make(tmp_path, body + FIELDS), tmp_path)
    assert asked.read_text() == "x"


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
