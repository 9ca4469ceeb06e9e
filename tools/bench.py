"""Write docs/performance.md and docs/performance.svg: what a report costs beside tshark itself.

Captures are made from published ones beside the project (../shared/captures/cases, ../shared/eval/amplify.py) where
they are, else from this project's own fixtures. Every figure is the median of runs taken in turn with what it is
compared to, so that a machine that is busy for a while slows both.
"""

from __future__ import annotations

import argparse
import compileall
import ctypes
import os
import resource
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import median

import bench_inputs

TOP = Path(__file__).resolve().parent.parent
SHARED = TOP.parent / "shared"
AMPLIFY = SHARED / "eval/amplify.py"
CASES = SHARED / "captures/cases"
HARMLESS = ("iti_modbus", "ndpi_firefox_tls", "zeek_wikipedia", "zeek_smb3", "zeek_ntp", "ppa_latency_server",
            "zeek_ftp_bruteforce", "slips_beacon_2s")  # fmt: skip
"""Cases of the calm capture: ordinary traffic with two that are not. The mixed one is made of all cases."""
SIZES = (1_000, 10_000, 200_000, 1_000_000)
ONCE = 1_000_000
"""Packets from which everything is run once: minutes of tshark even out what disturbs seconds."""
PYSHARK_PACKETS = 5_000
BY_HAND = (("io,phs",), ("conv,ip",), ("conv,tcp",), ("endpoints,ip",), ("expert",))
PR_SET_CHILD_SUBREAPER = 36
PAGE = resource.getpagesize() / 1e6


@dataclass(frozen=True)
class Run:
    """One command, run once: CPU and wall in seconds, memory in MB."""

    cpu: float
    wall: float
    largest: float
    total: float


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        every = [int(p) for p in listed]
        for task in Path(f"/proc/{pid}/task").iterdir():
            if task.name != str(pid):
                every += [int(p) for p in (task / "children").read_text().split()]
    except OSError:
        return []
    return [p for child in every for p in (child, *_children(child))]


def _resident(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0.0


def adopt() -> None:
    """Become the parent of processes whose own parent ends first (Linux): the fence around tshark leaves such ones."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def compiled() -> None:
    """Compile the package's modules, as an installer or a first run does: none of the runs that are measured is one."""
    compileall.compile_dir(str(TOP / "tshark_report"), quiet=1)


def _reap() -> None:
    """Wait for adopted processes, so that their CPU time counts."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def measured(*commands: list[str], memory: bool = False) -> Run:
    """Run commands one after another and add up.

    With `memory` it is looked at ten times a second (Linux), which takes time from a command that uses all processors:
    such a run is not one to take times from.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    largest = total = 0.0
    for command in commands:
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=TOP)
        ended = threading.Event()

        def watch(pid: int = running.pid, ended: threading.Event = ended) -> None:
            nonlocal largest, total
            while not ended.wait(0.1):
                sizes = [_resident(p) for p in (pid, *_children(pid))]
                largest, total = max(largest, *sizes), max(total, sum(sizes))

        watching = threading.Thread(target=watch)
        if memory:
            watching.start()
        _, said = running.communicate()
        ended.set()
        if memory:
            watching.join()
        _reap()
        if running.returncode:
            raise SystemExit(f"{' '.join(command)[:200]} ended with {running.returncode}: {said.decode()[-400:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(cpu, time.perf_counter() - started, largest, total)


def middle(runs: list[Run]) -> Run:
    """The median of each figure."""
    return Run(*(median(getattr(r, name) for r in runs) for name in ("cpu", "wall", "largest", "total")))


def make(kind: str, packets: int, folder: Path) -> Path:
    """A capture of that many packets; `kind` is mixed or calm."""
    made = folder / f"{kind}-{packets}.pcap"
    if AMPLIFY.exists() and CASES.is_dir():
        sources = sorted(CASES.glob("*/capture.pcap*"))
        if kind == "calm":
            sources = [s for s in sources if s.parent.name in HARMLESS]
        command = [sys.executable, str(AMPLIFY), str(made), str(packets), *map(str, sources)]
        subprocess.run(command, check=True, capture_output=True)
        return made
    names = ("quiet_hour", "slow_server") if kind == "calm" else ("staged_incident", "port_scan", "lossy_wire")
    repeated([next((TOP / "fixtures" / name).glob("capture.pcap*")) for name in names], packets, made)
    return made


def repeated(captures: list[Path], packets: int, made: Path) -> None:
    """Ethernet captures again and again, each round between other hosts and two minutes later."""
    records: list[tuple[float, bytes]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for capture in captures:
            plain = Path(scratch) / "plain.pcap"
            subprocess.run(["editcap", "-F", "pcap", str(capture), str(plain)], check=True, capture_output=True)
            data, at, start = plain.read_bytes(), 24, 0.0
            while at + 16 <= len(data):
                seconds, micro, captured, _ = struct.unpack_from("<IIII", data, at)
                when = seconds + micro / 1e6
                start = start or when
                records.append(((when - start) % 120, data[at + 8 : at + 16 + captured]))
                at += 16 + captured
    records.sort(key=lambda r: r[0])
    with made.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for number in range(packets):
            turn, place = divmod(number, len(records))
            when, record = records[place]
            frame = bytearray(record)
            if frame[20:22] == b"\x08\x00" and len(frame) >= 42:
                frame[35] ^= turn % 256
                frame[39] ^= turn % 256
            at_second = 1_700_000_000 + turn * 120 + when
            out.write(struct.pack("<II", int(at_second), int(at_second % 1 * 1e6)) + frame)


def bare(path: Path) -> list[str]:
    """What everything is compared with."""
    return ["tshark", "-n", "-r", str(path), "-q", "-z", "io,phs"]


def ours(path: Path, out: Path) -> list[str]:
    """Our report."""
    return [sys.executable, "-m", "tshark_report", "report", str(path), "-o", str(out)]


def by_hand(path: Path) -> list[list[str]]:
    """Capinfos and the five calls that give the same tables."""
    return [["capinfos", str(path)], *(["tshark", "-n", "-r", str(path), "-q", "-z", tap] for (tap,) in BY_HAND)]


@lru_cache(maxsize=1)
def pyshark_loop(folder: Path) -> float:
    """Seconds that a pyshark loop takes over the first packets."""
    some = make("mixed", PYSHARK_PACKETS, folder)
    loop = f"import pyshark\nfor packet in pyshark.FileCapture({str(some)!r}, keep_packets=False): packet.highest_layer"
    return measured([sys.executable, "-c", loop]).wall


def pyshark_seconds(packets: int, folder: Path) -> float | None:
    """Seconds that a pyshark loop takes, measured on the first packets and scaled; None where it is not installed."""
    if subprocess.run([sys.executable, "-c", "import pyshark"], capture_output=True, check=False).returncode:
        return None
    return pyshark_loop(folder) * packets / PYSHARK_PACKETS


@dataclass(frozen=True)
class Size:
    """All figures of one capture."""

    kind: str
    packets: int
    megabytes: float
    bare: Run
    ours: Run
    hand: Run
    pyshark: float | None


def measure(kind: str, packets: int, runs: int, folder: Path) -> Size:
    """The three ways in turn, `runs` times; the largest captures once."""
    runs = 1 if packets >= ONCE else runs
    path = make(kind, packets, folder)
    out = folder / "report.html"
    looked = {"bare": measured(bare(path), memory=True), "ours": measured(ours(path, out), memory=True)}
    taken: dict[str, list[Run]] = {"bare": [], "ours": [], "hand": []}
    for _ in range(runs):
        taken["bare"].append(measured(bare(path)))
        taken["ours"].append(measured(ours(path, out)))
        if len(taken["hand"]) < (runs if packets <= 10_000 else 1):
            taken["hand"].append(measured(*by_hand(path)))
    size = path.stat().st_size / 1e6
    path.unlink()
    found = {name: middle(rows) for name, rows in taken.items()}
    found |= {name: replace(found[name], largest=run.largest, total=run.total) for name, run in looked.items()}
    return Size(kind, packets, size, **found, pyshark=pyshark_seconds(packets, folder))


def ratio(a: float, b: float) -> str:
    """A ratio in a table."""
    return f"{a / b:.2f}" if b else "-"


def page(sizes: list[Size], runs: int, more: dict[str, str]) -> str:
    """docs/performance.md."""
    version = subprocess.run(["tshark", "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    lines = [
        "# What a report costs",
        "",
        "Written by `make bench`. Ratios are what counts: both sides were measured on one machine in one run, in turn.",
        f"Machine: {os.cpu_count()} processors, {version}, Python {sys.version.split()[0]}; medians of {runs} runs "
        f"(from {ONCE:,} packets, and calls by hand on large captures: one run). "
        "*Bare* is `tshark -n -r FILE -q -z io,phs`. *By hand* is capinfos and five tshark calls (hierarchy, IP and "
        "TCP conversations, IP endpoints, expert). *pyshark* is a "
        f"loop over {PYSHARK_PACKETS:,} packets, scaled. *Mixed* captures repeat published captures of attacks, faults "
        "and odd traffic, so that hundreds of findings are told; *calm* ones repeat mostly ordinary traffic.",
        "",
        "| capture | packets | HTML / bare, wall | HTML / bare, CPU | by hand / HTML, wall | pyshark / HTML, wall "
        "| largest process / bare, memory |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {s.kind} | {s.packets:,} | {ratio(s.ours.wall, s.bare.wall)} | {ratio(s.ours.cpu, s.bare.cpu)} "
        f"| {ratio(s.hand.wall, s.ours.wall)} | {ratio(s.pyshark, s.ours.wall) if s.pyshark else 'not installed'} "
        f"| {ratio(s.ours.largest, s.bare.largest)} |"
        for s in sizes
    ]
    lines += ["", "## Absolute figures", "",
              "| capture | packets | MB | bare wall, CPU s | HTML wall, CPU s | by hand wall s | largest, all MB |",
              "|---|---:|---:|---:|---:|---:|---:|"]  # fmt: skip
    lines += [
        f"| {s.kind} | {s.packets:,} | {s.megabytes:.1f} | {s.bare.wall:.2f}, {s.bare.cpu:.2f} "
        f"| {s.ours.wall:.2f}, {s.ours.cpu:.2f} | {s.hand.wall:.2f} | {s.ours.largest:.0f}, {s.ours.total:.0f} |"
        for s in sizes
    ]
    lines += ["", "![CPU seconds against packets](performance.svg)", ""]
    lines += [f"- {what}: {figure}" for what, figure in more.items()]
    return "\n".join(lines) + "\n"


def plot(sizes: list[Size]) -> str:
    """CPU seconds against packets, both axes logarithmic: a straight line at 45 degrees is linear growth."""
    from math import log10

    width, height, left, bottom = 640, 380, 60, 50
    low, high = log10(min(s.packets for s in sizes)), log10(max(s.packets for s in sizes))
    values = [v for s in sizes for v in (s.bare.cpu, s.ours.cpu)]
    floor, ceiling = log10(min(values)) - 0.1, log10(max(values)) + 0.1

    def x(packets: int) -> float:
        return left + (log10(packets) - low) / (high - low or 1) * (width - left - 120)

    def y(seconds: float) -> float:
        return height - bottom - (log10(seconds) - floor) / (ceiling - floor) * (height - bottom - 20)

    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12">',
        "<title>CPU seconds against packets, both logarithmic</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for packets in sorted({s.packets for s in sizes}):
        made.append(f'<line x1="{x(packets):.0f}" x2="{x(packets):.0f}" y1="20" y2="{height - bottom}" stroke="#ddd"/>')
        made.append(f'<text x="{x(packets):.0f}" y="{height - 30}" text-anchor="middle">{packets:,}</text>')
    for power in range(int(floor) - 1, int(ceiling) + 1):
        if floor <= power <= ceiling:
            at = y(10.0**power)
            made.append(f'<line x1="{left}" x2="{width - 120}" y1="{at:.0f}" y2="{at:.0f}" stroke="#ddd"/>')
            made.append(f'<text x="{left - 6}" y="{at + 4:.0f}" text-anchor="end">{10.0**power:g} s</text>')
    labels: list[float] = []
    for kind in dict.fromkeys(s.kind for s in sizes):
        own = [s for s in sizes if s.kind == kind]
        for name, colour, dash in (("ours", "#0b5394", ""), ("bare", "#777", ' stroke-dasharray="5 4"')):
            points = [(x(s.packets), y(getattr(s, name).cpu)) for s in own]
            line = " ".join(f"{a:.0f},{b:.0f}" for a, b in points)
            made.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            label = f"{'HTML report' if name == 'ours' else 'bare tshark'}, {kind}"
            at = points[-1][1] + 4
            while any(abs(at - taken) < 13 for taken in labels):
                at -= 1
            labels.append(at)
            made.append(f'<text x="{points[-1][0] + 6:.0f}" y="{at:.0f}" fill="{colour}">{label}</text>')
    made.append(f'<text x="{width / 2:.0f}" y="{height - 8}" text-anchor="middle">packets</text></svg>')
    return "\n".join(made) + "\n"


def extras(folder: Path, runs: int) -> dict[str, str]:
    """`--help`, and the PDF of 1,000 packets."""
    small = make("mixed", 1_000, folder)
    shown = middle([measured([sys.executable, "-m", "tshark_report", "--help"]) for _ in range(runs)])
    page_only = middle([measured(ours(small, folder / "report.html")) for _ in range(runs)])
    paper = middle([measured(ours(small, folder / "report.pdf")) for _ in range(runs)])
    return {
        "`tshark-report --help`": f"{shown.wall:.2f} s",
        "PDF of 1,000 packets": f"{paper.wall - page_only.wall:+.2f} s against HTML ({paper.wall:.2f} s)",
    }


def growth(folder: Path, runs: int) -> dict[str, str]:
    """What twice as much of one thing costs: 2 is a line, 4 a square."""
    made = {}
    for name, (frames, most) in bench_inputs.SHAPES.items():
        figures = []
        for count in (most // 2, most):
            path = folder / "shape.pcap"
            bench_inputs.write(path, frames(count))
            figures.append(middle([measured(ours(path, folder / "report.html")) for _ in range(runs)]))
        half, whole = figures
        made[name.format(most)] = f"{whole.wall:.1f} s; half as many {half.wall:.1f} s: {whole.wall / half.wall:.2f} x"
    return made


def main() -> int:
    """Measure, write, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="packets, comma-separated")
    parser.add_argument("--kinds", default="calm,mixed")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--print", action="store_true", help="print only, write nothing")
    given = parser.parse_args()
    compiled()
    adopt()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        sizes = [
            measure(kind, int(size), given.runs, folder)
            for kind in given.kinds.split(",")
            for size in given.sizes.split(",")
        ]
        text = page(sizes, given.runs, extras(folder, given.runs) | growth(folder, given.runs))
    if not given.print:
        (TOP / "docs/performance.md").write_text(text, encoding="utf-8")
        (TOP / "docs/performance.svg").write_text(plot(sizes), encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
