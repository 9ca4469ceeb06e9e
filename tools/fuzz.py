"""Fuzz everything here that parses what others wrote: fuzz.py [--seconds N] [TARGET...].

With atheris (pip install atheris; Python up to 3.13) each target is run coverage-guided for N seconds in a process of
its own; without it the seeds are mutated blindly for as long. A target may raise only what its function documents;
anything else is a finding, and its input is written to fuzz-TARGET-N.bin. Exit 1 where there was one.
"""

from __future__ import annotations

import argparse
import io
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from tshark_report.capture import check, dissect, filters, framing, split, survive  # noqa: E402
from tshark_report.errors import ReportError  # noqa: E402
from tshark_report.focus import read_alerts, read_json, read_lists  # noqa: E402
from tshark_report.focus.bounded import Unreadable  # noqa: E402
from tshark_report.normal import store as baselines  # noqa: E402
from tshark_report.settings import load as load_settings  # noqa: E402
from tshark_report.tables import columns, taps  # noqa: E402
from tshark_report.tables.read import Builder  # noqa: E402

FIXTURES = TOP / "fixtures"


def rows(data: bytes) -> None:
    """Rows of packets: cutting them out of the stream, checking their shape, typing their cells."""
    builder = Builder(columns.all_fields())
    reader = dissect._Rows(None, len(builder.fast_layout().columns) - 1, builder.add)
    try:
        for at in range(0, len(data), 1000):
            reader.feed(data[at : at + 1000])
        reader.finish()
        builder.packets()
    except dissect.Forged:
        return


def statistics(data: bytes) -> None:
    """What tshark prints behind the rows: hierarchy, conversations, filter counts, capinfos' table."""
    text = data.decode("utf-8", "replace")
    taps.hierarchy([text])
    taps.conversations([text])
    filters._ROW.findall(text)
    check._texts(data)


def frames(data: bytes) -> None:
    """The framing of pcap and pcapng, the splitter and the writer of mended captures."""
    path = _file(data)
    try:
        found = framing.index(path)
    except framing.NotFramed:
        return
    framing.first_time(path)
    at = split.located(path, found)
    keys = split.keys(path, found, at) if at is not None else None
    if keys is not None and len(found):
        import numpy as np

        split.feeder(path, found, split.Shard(np.arange(len(found), dtype=np.int64)))(io.BytesIO())
    if len(found):
        survive.write(path, found, [1], len(found), io.BytesIO())


def indicators(data: bytes) -> None:
    """Lists of indicators that a user was given."""
    for read in (lambda: read_json.read(data, "given"), lambda: read_lists.read(_file(data))):
        try:
            read()
        except (ReportError, Unreadable):
            continue


def alerts(data: bytes) -> None:
    """Alerts of other tools."""
    try:
        read_alerts.read(_file(data))
    except (ReportError, Unreadable):
        return


def baseline(data: bytes) -> None:
    """A baseline file."""
    try:
        baselines.load(_file(data))
    except ReportError:
        return


def settings(data: bytes) -> None:
    """A settings file."""
    try:
        load_settings(_file(data))
    except ReportError:
        return


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (rows, statistics, frames, indicators, alerts, baseline, settings)
}

SEEDS: dict[str, list[bytes]] = {
    "rows": [b"\t".join([b"1"] * 40) + b"\n", b"1\t2\n"],
    "statistics": [
        b"===\nProtocol Hierarchy Statistics\nFilter: \n\neth    frames:3 bytes:180\n  ip   frames:3 bytes:180\n===\n",
        b"|   0.0 <> 1.0   |     3 |   180 |\n",
    ],
    "indicators": [b"198.51.100.7\nevil[.]example\n# note\n", b'[{"type": "domain", "value": "a.example"}]',
                   b'{"type": "bundle", "objects": []}', b"type,value\nip,198.51.100.7\n"],
    "alerts": [b'{"event_type": "alert", "src_ip": "10.0.0.1", "timestamp": "2026-01-01T00:00:00.000000+0000"}\n',
               b"#fields\tts\tid.orig_h\n1.0\t10.0.0.1\n"],
    "baseline": [b"{}", b'{"schema_version": 1}'],
    "settings": [b'home_networks = ["10.0.0.0/8"]\n', b"[thresholds]\n"],
    "frames": [],
}  # fmt: skip


def _file(data: bytes) -> Path:
    path = Path(tempfile.gettempdir()) / f"fuzz-{__import__('os').getpid()}"
    path.write_bytes(data)
    return path


def seeds(name: str) -> list[bytes]:
    """Inputs to start from."""
    if name == "frames":
        return [p.read_bytes()[:3000] for p in sorted(FIXTURES.glob("*/capture.pcap*"))[:12]]
    return SEEDS[name]


def blindly(name: str, seconds: float) -> int:
    """Mutate the seeds for so many seconds; the number of inputs that raised something else."""
    dice = random.Random(7)
    given = seeds(name) or [b""]
    stop, runs, bad = time.monotonic() + seconds, 0, 0
    while time.monotonic() < stop:
        data = bytearray(dice.choice(given))
        for _ in range(dice.choice((1, 2, 4, 16))):
            at = dice.randrange(len(data) + 1)
            match dice.randrange(4):
                case 0:
                    data[at : at + 1] = bytes([dice.randrange(256)])
                case 1:
                    del data[at : at + dice.randrange(1, 20)]
                case 2:
                    data[at:at] = dice.randbytes(dice.randrange(1, 9))
                case _:
                    data[at:at] = dice.choice(given)[:200]
        runs += 1
        try:
            TARGETS[name](bytes(data))
        except Exception:  # noqa: BLE001 - that is what is looked for
            bad += 1
            Path(f"fuzz-{name}-{bad}.bin").write_bytes(data)
            print(name, traceback.format_exc())
            if bad >= 3:
                break
    print(f"{name}: {runs:,} inputs, {bad} findings (blind)")
    return bad


def guided(name: str, seconds: int) -> int:
    """Run one target under atheris, in a process of its own; 1 where it found something."""
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds(name)):
            (Path(corpus) / f"seed{number}").write_bytes(seed)
        options = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4096", f"-artifact_prefix=fuzz-{name}-"]
        done = subprocess.run(
            [sys.executable, __file__, "--one", name, *options, corpus], capture_output=True, text=True, check=False
        )
    runs = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    print(
        f"{name}: {runs[-1] if runs else 'stopped early'}, {'a finding' if done.returncode else '0 findings'} (guided)"
    )
    if done.returncode:
        print((done.stdout + done.stderr)[-3000:])
    return int(done.returncode != 0)


def one() -> None:
    """The process that atheris drives."""
    import atheris

    name = sys.argv[2]
    atheris.instrument_all() if name in ("statistics", "indicators", "alerts") else None
    atheris.Setup([sys.argv[0], *sys.argv[3:]], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Fuzz the targets one after the other."""
    if sys.argv[1:2] == ["--one"]:
        one()
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args()
    try:
        import atheris  # noqa: F401
    except ImportError:
        run: Callable[[str, int], int] = blindly
    else:
        run = guided
    return 1 if sum(run(name, given.seconds) for name in given.targets or TARGETS) else 0


if __name__ == "__main__":
    sys.exit(main())
