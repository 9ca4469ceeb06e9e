"""Inputs for measuring batches: any number of small captures of different content, and a job for a worker."""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tshark_report.batch.records import Job

FRAMES = (5, 60)
"""Least and most frames of a piece."""
Record = tuple[bytes, bytes]


def _records(path: Path) -> tuple[bytes, list[Record]]:
    """File header and (record header, frame) of a pcap file of either byte order, written anew by editcap."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.pcap"
        done = subprocess.run(["editcap", "-F", "pcap", str(path), str(plain)], capture_output=True)
        if done.returncode:
            return b"", []  # several link types: pcap cannot hold it
        data = plain.read_bytes()
    made, at = [], 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        made.append((data[at : at + 16], data[at + 16 : at + 16 + size]))
        at += 16 + size
    return data[:24], made


def pieces(cases: Path, folder: Path, count: int) -> None:
    """Cut `count` captures of a few dozen frames out of those below `cases`, moved in time, so that none is equal."""
    sources = [_records(path) for path in sorted(cases.glob("*/capture.pcap*"))]
    sources = [(head, records) for head, records in sources if len(records) >= FRAMES[0]]
    for number in range(count):
        head, records = sources[number % len(sources)]
        turn = number // len(sources)
        length = FRAMES[0] + (number * 7) % (FRAMES[1] - FRAMES[0])
        first = (turn * 37) % max(1, len(records) - length)
        data = head
        for record, frame in records[first : first + length]:
            seconds, part, kept, long = struct.unpack("<IIII", record)
            data += struct.pack("<IIII", seconds + 60 * turn & 0xFFFFFFFF, part, kept, long) + frame
        target = folder / f"{number // 1000:03}" / f"piece{number:06}.pcap"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def job() -> Job:
    """What a batch without options asks of its workers."""
    from tshark_report import __version__
    from tshark_report.batch.records import Job as Made
    from tshark_report.batch.run import checked_job
    from tshark_report.capture import tshark

    with tempfile.TemporaryDirectory() as folder:
        found = tshark.find(None, tshark.environment(Path(folder)))
    return checked_job(Made(), found.version, __version__)
