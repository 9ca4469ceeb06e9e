"""Write docs/performance-batch.md: what two workers bring over one, here and on a cluster, and what memory is used.

Each part is measured on its own and takes the place of its old figures, so that those which need an idle machine can
be taken again alone:

    python tools/bench_batch.py jobs dask            # two minutes or so; the machine should be idle
    python tools/bench_batch.py memory               # captures of 1 k to 1 M packets, each alone
    python tools/bench_batch.py count --count 600    # one batch of many small captures and a large one

Captures are the published ones beside the project (../shared/captures/cases, ../shared/eval/amplify.py) where they are,
else this project's own fixtures.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import batch_inputs
import bench
import bench_inputs

TOP = Path(__file__).resolve().parent.parent
PAGE = TOP / "docs/performance-batch.md"
REPORT = [sys.executable, "-P", "-m", "tshark_report"]
MEMORY_SIZES = (1_000, 10_000, 100_000, 1_000_000)
SCANNED = 150_000
LOOK_SECONDS = 0.05
PARTS = ("jobs", "dask", "memory", "count")


def captures() -> Path:
    """The folder whose captures are read."""
    return bench.CASES if bench.CASES.is_dir() else TOP / "fixtures"


def batch(out: Path, *more: str, roots: tuple[Path, ...] = ()) -> tuple[dict[str, object], bench.Run]:
    """One batch: what it says at its end, and what it took, all its processes together."""
    said = out.with_suffix(".json")
    command = [*REPORT, "batch", *map(str, roots or (captures(),)), "-o", str(out), "--quiet", "--json", *more]
    command = ["sh", "-c", 'to="$1"; shift; exec "$@" >"$to"', "sh", str(said), *command]
    run = alone(command) if "--scheduler" in more else bench.measured(command)
    result: dict[str, object] = json.loads(said.read_text())
    shutil.rmtree(out)
    return result, run


def alone(command: list[str]) -> bench.Run:
    """Wall and CPU of a command beside processes of ours that go on: `measured` would wait for their end."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, cwd=TOP)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return bench.Run(cpu, time.perf_counter() - started, 0.0, 0.0)


def ratio_table(rows: list[tuple[str, dict[str, object], bench.Run]]) -> str:
    """A row for each number of workers, with the ratio to the first."""
    lines = [
        "| workers | captures | wall s | CPU s, all processes | captures/s | ratio |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    speeds = []
    for name, result, run in rows:
        done = int(str(result["reported"]))
        speeds.append(done / run.wall)
        lines.append(
            f"| {name} | {done} | {run.wall:.1f} | {run.cpu:.1f} | {speeds[-1]:.2f} | {speeds[-1] / speeds[0]:.2f} |"
        )
    return "\n".join(lines)


def jobs(scratch: Path, _count: int) -> str:
    """`--jobs 1` against `--jobs 2`, the index and its PDF included."""
    batch(scratch / "warm", "--jobs", "2", roots=tuple(sorted(captures().iterdir()))[:2])
    rows = []
    for number in (1, 2):
        result, run = batch(scratch / f"jobs{number}", "--jobs", str(number))
        rows.append((f"--jobs {number}", result, run))
    return (
        "A whole batch from its command to its end, index and PDF of the index included. `--jobs 1` keeps to one "
        f"processor.{_load()}\n\n{ratio_table(rows)}"
    )


def _load() -> str:
    load = os.getloadavg()[0]
    return f" Load of the machine at the end of the runs: {load:.1f} (an idle one ends at the number of workers)."


@contextmanager
def cluster(scratch: Path, workers: int) -> Iterator[str]:
    """A scheduler and workers of one thread, each on a processor of its own where `taskset` can say so."""
    dask = shutil.which("dask") or str(Path(sys.executable).with_name("dask"))
    env = os.environ | {"PYTHONPATH": str(TOP)}
    told = scratch / f"scheduler{workers}.json"
    have = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    with ExitStack() as ends:

        def start(*args: str, on: int | None = None) -> None:
            pin = ["taskset", "-c", str(on)] if on is not None and shutil.which("taskset") else []
            made = subprocess.Popen(
                [*pin, dask, *args], env=env, cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            ends.callback(made.wait)
            ends.callback(made.terminate)

        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told))
        until = time.monotonic() + 60
        while not told.exists() and time.monotonic() < until:
            time.sleep(0.05)
        address = str(json.loads(told.read_text())["address"])
        for number in range(workers):
            on = have[number] if number < len(have) else None
            start(
                "worker",
                address,
                "--nthreads",
                "1",
                "--no-dashboard",
                "--local-directory",
                str(scratch / "dask"),
                on=on,
            )
        _workers_there(address, workers)
        yield address


def _workers_there(address: str, workers: int) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)


def dask(scratch: Path, _count: int) -> str:
    """One Dask worker against two."""
    rows = []
    for number in (1, 2):
        with cluster(scratch, number) as address:
            # Loads rules and renderers in each worker's process, as in a cluster that has been at work before.
            batch(scratch / "warm", "--scheduler", address, roots=tuple(sorted(captures().iterdir()))[: 2 * number])
            result, run = batch(scratch / f"dask{number}", "--scheduler", address)
            rows.append((f"{number} Dask worker{'s' if number > 1 else ''}", result, run))
    return (
        "`dask scheduler` and `dask worker --nthreads 1` on this machine, each worker on a processor of its own. CPU "
        f"is that of the command alone: the workers are other processes.{_load()}\n\n{ratio_table(rows)}"
    )


def memory(scratch: Path, _count: int) -> str:
    """What a capture takes while it is read, against what the batch reckons with."""
    from tshark_report.batch import machine

    inputs = [(path.parent.name, path) for path in sorted(captures().glob("*/capture.pcap*"))]
    sizes = [(name, path, *peak(path, scratch)) for name, path in inputs[:: max(1, len(inputs) // 8)]]
    for kind in ("calm", "mixed"):
        for packets in MEMORY_SIZES:
            path = bench.make(kind, packets, scratch)
            sizes.append((f"{kind}, {packets:,} packets", path, *peak(path, scratch)))
    scan = scratch / "scan.pcap"
    bench_inputs.write(scan, bench_inputs.scanned_ports(SCANNED))
    sizes.append((f"scan, {2 * SCANNED:,} packets without payload", scan, *peak(scan, scratch)))
    lines = ["| capture | MB | peak MB | reckoned MB |", "|---|---:|---:|---:|"]
    for name, path, most, _seconds in sizes:
        size = path.stat().st_size
        lines.append(f"| {name} | {size / 1e6:.1f} | {most / 1e6:.0f} | {machine.need(path.name, size) / 1e6:.0f} |")
    return (
        "Resident memory of a worker and its tsharks, all together, looked at twenty times a second, each capture in a "
        "fresh worker, unsplit, with HTML, JSON and tables. Pages that processes share are counted in each of them, as "
        "the batch counts them.\n\n" + "\n".join(lines)
    )


def peak(path: Path, scratch: Path, cores: int = 1) -> tuple[int, float]:
    """Most bytes that a worker and its tsharks had in use for a capture, and the seconds that it took."""
    from tshark_report.batch import key
    from tshark_report.batch.records import Outcome, Work
    from tshark_report.batch.slot import Slot

    digest = key.content(path)
    work = Work(key.short(digest), digest, (str(path),), path.name, path.stat().st_size, cores, folder="one")
    slot, most, begun = Slot(), 0, time.monotonic()
    try:
        slot.give(work, batch_inputs.job(), str(scratch / "peak"))
        while True:
            if slot.pipe.poll(LOOK_SECONDS) and isinstance(said := slot.take(), Outcome):
                break
            most = max(most, slot.memory())
    finally:
        slot.close()
        shutil.rmtree(scratch / "peak", ignore_errors=True)
    if said.failure is not None:
        raise SystemExit(f"{path}: {said.failure.what}: {said.failure.detail}")
    return most, time.monotonic() - begun


def count(scratch: Path, number: int) -> str:
    """Many small captures and one of a million packets in one batch: memory of parent and workers over time."""
    folder = scratch / "many"
    batch_inputs.pieces(captures(), folder, number)
    large = bench.make("mixed", 1_000_000, scratch)
    (folder / "large.pcap").symlink_to(large)
    out = scratch / "many-out"
    log = scratch / "many.log"
    command = [*REPORT, "batch", str(folder), "-o", str(out), "--jobs", "2", "--memory", "8G", "--json", "--log-json"]
    seen: list[tuple[int, float, float]] = []
    with log.open("wb") as lines, (scratch / "many.json").open("wb") as said:
        running = subprocess.Popen(command, stdout=said, stderr=lines)
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(0.5):
                done = log.read_bytes().count(b"\n")
                own, workers = bench._resident(running.pid), sum(map(bench._resident, bench._children(running.pid)))
                seen.append((done, own, workers))

        looking = threading.Thread(target=look)
        looking.start()
        code = running.wait()
        ended.set()
        looking.join()
    if code:
        raise SystemExit(f"the batch ended with {code}: {log.read_text()[-600:]}")
    result = json.loads((scratch / "many.json").read_text())
    shutil.rmtree(out)
    lines_ = ["| captures done | parent MB | workers and tsharks MB, most | workers, least |", "|---:|---:|---:|---:|"]
    for part in range(10):
        low, high = number * part // 10, number * (part + 1) // 10
        some = [s for s in seen if low <= s[0] < high or (part == 9 and s[0] >= low)]
        if some:
            lines_.append(
                f"| {low:,}-{high:,} | {max(s[1] for s in some):.0f} | {max(s[2] for s in some):.0f} | "
                f"{min(s[2] for s in some):.0f} |"
            )
    return (
        f"One batch of {number:,} small captures (pieces of published ones, each of its own content) and one of a "
        f"million packets, `--jobs 2 --memory 8G`: {result['reported']:,} reported, {result['failed']} failed, "
        f"{result['seconds']:,.0f} s.{_load()} The last row includes the writing of the index.\n\n" + "\n".join(lines_)
    )


HEADS = {
    "jobs": "Two jobs against one",
    "dask": "Two Dask workers against one",
    "memory": "Memory of one capture",
    "count": "Memory of a long batch",
}
FIRST = """# What a batch costs

Written by `python tools/bench_batch.py`, part by part. docs/batch.md says how jobs and memory are shared out.
"""


def put(part: str, text: str) -> None:
    """The part's section of the page, new or in place of the old one."""
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else FIRST
    section = f"## {HEADS[part]}\n\n{text}\n"
    found = re.search(rf"^## {re.escape(HEADS[part])}\n.*?(?=^## |\Z)", page, flags=re.DOTALL | re.MULTILINE)
    page = page[: found.start()] + section + "\n" + page[found.end() :] if found else f"{page}\n{section}"
    PAGE.write_text(page.rstrip() + "\n", encoding="utf-8")


def main() -> None:
    """Measure the parts that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="+", choices=PARTS)
    parser.add_argument("--count", type=int, default=600, help="small captures of the part `count`")
    parser.add_argument("--scratch", type=Path, help="folder for captures and output; by default a temporary one")
    asked = parser.parse_args()
    bench.adopt()
    with tempfile.TemporaryDirectory(prefix="bench-batch-", dir=asked.scratch) as folder:
        for part in dict.fromkeys(asked.part):
            text = {"jobs": jobs, "dask": dask, "memory": memory, "count": count}[part](Path(folder), asked.count)
            put(part, text)
            print(f"## {HEADS[part]}\n\n{text}\n")


if __name__ == "__main__":
    main()
