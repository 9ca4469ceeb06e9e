"""Small captures for tests of the batch: DNS questions and TCP handshakes, packed by hand."""

from __future__ import annotations

import struct
from pathlib import Path

from tshark_report import __version__
from tshark_report.batch.key import keyed
from tshark_report.batch.records import Job, Point, Summary

START = 1_750_000_000


def _ip(protocol: int, src: str, dst: str, body: bytes) -> bytes:
    def packed(address: str) -> bytes:
        return bytes(int(part) for part in address.split("."))

    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0) + packed(src) + packed(dst)
    return b"\x02\0\0\0\0\x53" + bytes.fromhex("020000000005") + b"\x08\0" + head + body


def question(name: str, src: str = "10.0.0.5", dst: str = "10.0.0.53", number: int = 1) -> bytes:
    """A frame in which `src` asks `dst` for the address of `name`."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    dns = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\x01\0\x01"
    return _ip(17, src, dst, struct.pack(">HHHH", 40000 + number, 53, 8 + len(dns), 0) + dns)


def pcap(path: Path, *frames: bytes, start: float = START, step: float = 1.0) -> Path:
    """A pcap file whose frames are `step` seconds apart."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for place, frame in enumerate(frames):
        at = start + place * step
        data += struct.pack("<IIII", int(at), round(at % 1 * 1e6), len(frame), len(frame)) + frame
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def several(folder: Path, number: int) -> list[Path]:
    """As many different captures, each with a question of its own and one that all share."""
    return [
        pcap(folder / f"c{i:02}.pcap", question("shared.example"), question(f"only{i}.example"), start=START + 60 * i)
        for i in range(number)
    ]


def job(tshark_version: str = "4.0.17", **more: object) -> Job:
    """A job with its key."""
    base: dict[str, object] = {"tool_version": __version__, "tshark_version": tshark_version, "tables": False}
    return keyed(Job(**(base | more)))  # type: ignore[arg-type]


def summary(identity: str, **more: object) -> Summary:
    """A summary of a capture that was never read."""
    base: dict[str, object] = {
        "record_version": 1, "key": "k", "id": identity, "sha256": identity * 4, "file_name": "a.pcap", "file_bytes": 100,
        "packets": 2, "first_time": "2026-03-01T09:14:07.000000Z", "last_time": "2026-03-01T09:15:07.000000Z",
        "duration_s": 60.0, "truncated": False, "headline": "Nothing in this capture stands out.", "layer": "none",
        "findings": {}, "points": [], "unchecked": 0, "files": ["report.html", "report.json"],
    }  # fmt: skip
    return Summary(**(base | more))  # type: ignore[arg-type]


def point(host: str, headline: str, **more: object) -> Point:
    """A starting point."""
    base: dict[str, object] = {
        "rank": 1, "host": host, "headline": f"{host}: {headline}", "story": f"Start with {host}.", "priority": "high",
        "confidence": "high", "first_time": "2026-03-01T09:14:07.000000Z", "last_time": "2026-03-01T09:15:07.000000Z",
    }  # fmt: skip
    return Point(**(base | more))  # type: ignore[arg-type]
