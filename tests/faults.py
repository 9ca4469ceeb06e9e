"""Faults that are put to the whole program, and what must be left behind: nothing but the report or a told error.

`tests/test_faults.py` runs them as tests, `tools/reliability.py` writes docs/reliability.md from what happened.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.capture import standin
from tests.conftest import fixture_capture

REAL = "import shutil\nreal = shutil.which('tshark', path='/usr/bin:/usr/local/bin')\n"
PASS_ON = REAL + "os.execv(real, ['tshark', *args])\n"
ROWS = REAL + (
    "import subprocess\n"
    "if '-r' not in args or '-T' not in args:\n    os.execv(real, ['tshark', *args])\n"
    "out = subprocess.run(['tshark', *args], executable=real, stdout=subprocess.PIPE).stdout\n"
)


ENDING_SECONDS = 30.0
"""How long a process that was killed may be seen on a busy machine; one that was lost would sleep for five minutes."""


@dataclass(frozen=True)
class Ended:
    """How the program ended and what it left."""

    code: int
    stdout: str
    stderr: str
    left: list[str]
    """Files and folders in the output and scratch folders that should not be there."""
    processes: int
    report: dict[str, object] | None
    seconds: float

    @property
    def told(self) -> bool:
        """A report, or an error in the words of a person."""
        return "Traceback" not in self.stderr and (self.report is not None or self.stderr.startswith("tshark-report: "))

    @property
    def clean(self) -> bool:
        """Nothing is left."""
        return not self.left and not self.processes

    def words(self) -> str:
        """What happened, for the table."""
        if self.report is not None:
            capture = self.report["capture"]
            assert isinstance(capture, dict)
            said = "; ".join(capture["warnings"])
            return f"report on {capture['packets']:,} packets" + (f": {said}" if said else "")
        first = self.stderr.strip().splitlines()[0] if self.stderr.strip() else "nothing said"
        return f"exit {self.code}: {first.removeprefix('tshark-report: ')}"


@dataclass(frozen=True)
class Fault:
    """One fault: what is broken, and how it is put to the program."""

    name: str
    put: Callable[[Path], Ended]
    want: int
    """Exit code that is documented for it."""
    root: bool = False
    """Needs a mount or network namespace."""


def _signals_count() -> None:
    """Under nohup, in the background of a shell or in a detached CI, SIGHUP or SIGINT are ignored, and rightly stay so."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def run(
    folder: Path,
    *args: object,
    capture: Path | None = None,
    tshark: str | None = None,
    before: tuple[str, ...] = (),
    stop: int | None = None,
    env: dict[str, str] | None = None,
) -> Ended:
    """`tshark-report report` in `folder`, with scratch and output folders of its own; `stop`: a signal sent midway."""
    scratch, out = folder / "tmp", folder / "out"
    for each in (scratch, out):
        each.mkdir(exist_ok=True)
    scratch.chmod(0o755)
    command = [*before, sys.executable, "-m", "tshark_report", "report", str(capture or fixture_capture("port_scan"))]
    command += ["-o", str(out / "r.json"), *map(str, args), *(["--tshark", tshark] if tshark else [])]
    given = dict(os.environ) | {"TMPDIR": str(scratch), "PYTHONPATH": str(Path(__file__).parent.parent)} | (env or {})
    mark = f"fault-{os.getpid()}-{time.monotonic_ns()}"
    given["FAULT_MARK"] = mark
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=given, cwd=out, start_new_session=True,
        errors="replace", preexec_fn=_signals_count,
    )  # fmt: skip
    if stop is not None:
        _wait_for(lambda: bool(_marked(mark, "tshark")) and any(scratch.iterdir()))
        process.send_signal(stop)
    stdout, stderr = process.communicate(timeout=120)
    seconds = time.monotonic() - started
    _wait_for(lambda: not _marked(mark), ENDING_SECONDS)
    made = out / "r.json"
    report = json.loads(made.read_text()) if made.exists() and process.returncode in (0, 1) else None
    left = [str(p.relative_to(folder)) for place in (scratch, out) for p in place.iterdir() if p != made or not report]
    return Ended(process.returncode, stdout, stderr, left, len(_marked(mark)), report, seconds)


def _wait_for(what: Callable[[], bool], seconds: float = 20.0) -> None:
    stop = time.monotonic() + seconds
    while not what() and time.monotonic() < stop:
        time.sleep(0.05)


def _marked(mark: str, name: str = "") -> list[int]:
    """Processes that carry our mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            inside = mark.encode() in (entry / "environ").read_bytes()
            named = name.encode() in (entry / "cmdline").read_bytes().split(b"\0-m\0", 1)[0]
        except OSError:
            continue
        if inside and named:
            found.append(int(entry.name))
    return found


def _stopped_by(number: int) -> Callable[[Path], Ended]:
    def put(folder: Path) -> Ended:
        hanging = standin.make(folder, "if '-r' in args:\n    time.sleep(300)\n" + PASS_ON)
        return run(folder, tshark=hanging, stop=number)

    return put


def _tshark(body: str, *args: object) -> Callable[[Path], Ended]:
    return lambda folder: run(folder, *args, tshark=standin.make(folder, body))


def _dying(how: int | str, *args: object) -> Callable[[Path], Ended]:
    def put(folder: Path) -> Ended:
        small = folder / "small.pcap"
        source = fixture_capture("staged_incident")
        subprocess.run(["editcap", "-F", "pcap", "-r", source, small, "1-260"], check=True, capture_output=True)
        return run(folder, *args, capture=small, tshark=standin.dying(folder, b"GET /offers.html", how))

    return put


def _on_a_small_disk(place: str, size: str) -> Callable[[Path], Ended]:
    """The scratch or the output folder on a file system of its own with hardly any room."""

    def put(folder: Path) -> Ended:
        (folder / place).mkdir()
        packed = folder / "c.pcap.gz"
        packed.write_bytes(gzip.compress(fixture_capture("staged_incident").read_bytes()))
        mount = (
            f'mount --make-rprivate / && mount -t tmpfs -o size={size},mode=755 none "{folder / place}" && exec "$@"'
        )
        ended = run(folder, capture=packed, before=("unshare", "--mount", "sh", "-c", mount + "; exit 99", "sh"))
        return ended  # noqa: RET504 - the mount is gone with its namespace: what was in it is gone as well

    return put


def _closed_pipe(folder: Path) -> Ended:
    command = [sys.executable, "-m", "tshark_report", "stats", str(fixture_capture("staged_incident")), "--json"]
    reader = subprocess.Popen(["head", "-c", "10"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    made = dict(os.environ) | {"TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run(command, stdout=reader.stdin, stderr=subprocess.PIPE, text=True, env=made, check=False)
    reader.communicate()
    return Ended(done.returncode, "", done.stderr, [p.name for p in folder.iterdir()], 0, {"capture": {
        "packets": 1491, "warnings": ["the reader went away"]}}, 0.0)  # fmt: skip


def _batch_ended_by(number: int) -> Callable[[Path], Ended]:
    """A batch with a worker in the middle of a capture; `left` is what the scratch folder holds once all have ended."""

    def put(folder: Path) -> Ended:
        scratch, given, out = folder / "tmp", folder / "in", folder / "out"
        for each in (scratch, given):
            each.mkdir()
        scratch.chmod(0o755)
        shutil.copy(fixture_capture("port_scan"), given)
        hanging = standin.make(folder, "if '-r' in args:\n    time.sleep(300)\n" + PASS_ON)
        mark = f"fault-{os.getpid()}-{time.monotonic_ns()}"
        env = dict(os.environ) | {
            "TMPDIR": str(scratch), "PYTHONPATH": str(Path(__file__).parent.parent), "FAULT_MARK": mark,
        }  # fmt: skip
        command = [sys.executable, "-m", "tshark_report", "batch", str(given), "-o", str(out), "--tshark", hanging]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, cwd=folder, errors="replace",
            start_new_session=True,
        )  # fmt: skip
        _wait_for(lambda: any(_reading(each) for each in _marked(mark)))
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=120)
        _wait_for(lambda: not _marked(mark) and not any(scratch.iterdir()), ENDING_SECONDS)
        assert "Traceback" not in stderr, stderr
        said = (
            "stopped; the index of what was done is written" if (out / "index.html").exists() else "its workers ended"
        )
        left = [p.name for p in scratch.iterdir()]
        return Ended(process.returncode, stdout, "tshark-report: " + said, left, len(_marked(mark)), None, 0.0)

    return put


def _reading(number: int) -> bool:
    """Is this the stand-in for tshark with a capture to read?"""
    try:
        words = (Path("/proc") / str(number) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"-r" in words and any(word.endswith(b"/tshark") for word in words[:3])


def _without_network(folder: Path) -> Ended:
    """No interface at all, not even loopback up; every format is made."""
    more = [x for name in ("r.html", "r.pdf", "r.md") for x in ("-o", folder / name)]
    ended = run(folder, *more, before=("unshare", "--net"))
    assert all((folder / name).stat().st_size > 1000 for name in ("r.html", "r.pdf", "r.md")) or ended.code
    return ended


FLOOD = "if '-r' in args:\n    for _ in range(300):\n        sys.stderr.write('x' * 1_000_000)\n" + PASS_ON
LONG = ROWS + "for _ in range(1024):\n    sys.stdout.buffer.write(b'x' * 1_000_000)\n"

FAULTS = (
    Fault("Ctrl-C (SIGINT)", _stopped_by(signal.SIGINT), 130),
    Fault("SIGTERM", _stopped_by(signal.SIGTERM), 143),
    Fault("the terminal goes away (SIGHUP)", _stopped_by(signal.SIGHUP), 129),
    Fault("the reader of our output goes away", _closed_pipe, 0),
    Fault("a batch is ended (SIGTERM)", _batch_ended_by(signal.SIGTERM), 130),
    Fault("a batch is killed (SIGKILL)", _batch_ended_by(signal.SIGKILL), -signal.SIGKILL),
    Fault("tshark writes 300 MB to stderr", _tshark(FLOOD), 0),
    Fault("no room where the report goes", _on_a_small_disk("out", "64k"), 5, root=True),
    Fault("no room for scratch files", _on_a_small_disk("tmp", "64k"), 5, root=True),
    Fault("no network interface at all", _without_network, 0, root=True),
    Fault("tshark crashes on a packet (SIGSEGV)", _dying(signal.SIGSEGV), 0),
    Fault("tshark aborts on a packet (SIGABRT)", _dying(signal.SIGABRT), 0),
    Fault("tshark is killed for its memory (SIGKILL)", _dying(signal.SIGKILL), 0),
    Fault("tshark hangs on a packet", _dying("hang", "--timeout", 12), 0),
    Fault("tshark crashes on every capture", _tshark("if '-r' in args:\n    os.kill(os.getpid(), 11)\n" + PASS_ON), 3),
    Fault("tshark never answers", _tshark("if '-r' in args:\n    time.sleep(300)\n" + PASS_ON, "--timeout", 2), 3),
    Fault("tshark leaves out rows", _tshark(ROWS + "sys.stdout.buffer.write(b'\\n'.join(out.split(b'\\n')[9:]))"), 0),
    Fault("tshark gives rows in another order", _tshark(
        ROWS + "r = out.split(b'\\n')\nsys.stdout.buffer.write(b'\\n'.join([r[3], r[1], r[2], r[0], *r[4:]]))"), 0),
    Fault("tshark writes invalid UTF-8 and control bytes", _tshark(
        ROWS + "sys.stdout.buffer.write(out.replace(b'SYN', b'\\xff\\x1b[2J\\x00'))"), 0),
    Fault("tshark writes a gigabyte on one line", _tshark(LONG), 3),
    Fault("tshark prints nothing", _tshark("if '-r' in args:\n    sys.exit(0)\n" + PASS_ON), 3),
)  # fmt: skip


def attempted(fault: Fault) -> Ended:
    """Put one fault to the program, in a folder that anybody may enter, as the usual temporary folders are."""
    folder = Path(tempfile.mkdtemp(prefix="fault-"))
    folder.chmod(0o755)
    try:
        return fault.put(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def possible(fault: Fault) -> bool:
    """Can this fault be staged here?"""
    if not fault.root:
        return True
    probe = ["unshare", "--mount", "--net", "sh", "-c", "mount --make-rprivate / && mount -t tmpfs none /mnt"]
    return (
        shutil.which("unshare") is not None and subprocess.run(probe, capture_output=True, check=False).returncode == 0
    )


def without_paths(text: str) -> str:
    """A sentence without the folders of this run."""
    return re.sub(r"/[^\s:]*fault-[^\s:/]*", "...", text)
