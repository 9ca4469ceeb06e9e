"""Captures that are small to send and large to read, made on the fly, and what reading one costs.

`tests/test_bombs.py` reads small ones, `tools/bombs.py` (`make bombs`) those of a million packets.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

DAY = 86_400
START = 1.6e9
SEGMENT = 1400
"""Bytes of a TCP segment."""

CLIENT, SERVER = bytes([10, 0, 0, 2]), bytes([198, 51, 100, 7])

Packets = Iterable[tuple[float, bytes]]


def write(path: Path, packets: Packets) -> Path:
    """A pcap of packets: seconds since 1970, and the Ethernet frame."""
    with path.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1))
        for at, data in packets:
            out.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(data), len(data)) + data)
    return path


def ip(
    protocol: int, payload: bytes, *, identity: int = 1, fragment: int = 0, source: bytes = CLIENT, to: bytes = SERVER
) -> bytes:
    """An Ethernet frame with one IPv4 packet."""
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identity, fragment, 64, protocol, 0, source, to
    )  # fmt: skip
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + head + payload


def udp(port: int, payload: bytes, *, source: int = 40_000) -> bytes:
    """A UDP datagram."""
    return struct.pack(">HHHH", source, port, 8 + len(payload), 0) + payload


def tcp(source: int, to: int, sequence: int, acknowledged: int, flags: int, payload: bytes = b"") -> bytes:
    """A TCP segment."""
    return struct.pack(">HHIIBBHHH", source, to, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF, 0x50, flags, 65_000,
                       0, 0) + payload  # fmt: skip


def asked(number: int, length: int = 8) -> bytes:
    """A DNS query for a name of its own."""
    label = f"n{number:0{length - 1}d}".encode()
    name = b"".join(bytes([len(part)]) + part for part in (label, b"bomb", b"example")) + b"\0"
    return struct.pack(">HHHHHH", number & 0xFFFF, 0x100, 1, 0, 0, 0) + name + b"\0\x01\0\x01"


def answered(body: Iterable[bytes], head: bytes, step: float = 1e-5) -> Iterator[tuple[float, bytes]]:
    """One HTTP request, and its answer in the segments that `body` gives."""
    port, at = 41_000, START
    ask = b"GET /bomb.bin HTTP/1.1\r\nHost: bomb.example\r\n\r\n"
    yield at, ip(6, tcp(port, 80, 0, 0, 0x02))
    yield at + 1e-4, ip(6, tcp(80, port, 0, 1, 0x12), source=SERVER, to=CLIENT)
    yield at + 2e-4, ip(6, tcp(port, 80, 1, 1, 0x18, ask))
    sent = 1
    at += 3e-4
    for piece in (b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", *_each(body)):
        yield at, ip(6, tcp(80, port, sent, 1 + len(ask), 0x18, piece), source=SERVER, to=CLIENT)
        sent += len(piece)
        at += step
    yield at, ip(6, tcp(80, port, sent, 1 + len(ask), 0x11), source=SERVER, to=CLIENT)


def _each(body: Iterable[bytes]) -> Iterator[bytes]:
    yield from body


def pieces(data: bytes, size: int = SEGMENT) -> Iterator[bytes]:
    """`data` in segments."""
    return (data[at : at + size] for at in range(0, len(data), size))


def zeros(size: int, wbits: int = 31) -> bytes:
    """`size` zero bytes, deflated a thousand to one; gzip with the usual `wbits`."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    made = io.BytesIO()
    piece = b"\0" * (1 << 20)
    for at in range(0, size, len(piece)):
        made.write(packer.compress(piece[: size - at]))
    made.write(packer.flush())
    return made.getvalue()


def gzip_body(path: Path, size: int) -> Path:
    """A web server's answer that is `size` bytes when it is unpacked."""
    packed = zeros(size)
    head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(packed)
    return write(path, answered(pieces(packed), head))


def gzip_in_gzip(path: Path, size: int) -> Path:
    """The same, packed twice."""
    packed = gzip.compress(zeros(size), 9)
    head = b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n" % len(packed)
    return write(path, answered(pieces(packed), head))


def many_gzip_bodies(path: Path, size: int) -> Path:
    """A hundred answers on a hundred connections, `size` bytes in all when they are unpacked."""

    def packets() -> Iterator[tuple[float, bytes]]:
        packed = zeros(size // 100)
        head = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(packed)
        for number in range(100):
            for at, data in answered(pieces(packed), head):
                port = struct.pack(">H", 41_000 + number)
                yield at + number, data.replace(struct.pack(">H", 41_000), port, 1)

    return write(path, packets())


def endless_chunks(path: Path, packets: int) -> Path:
    """An answer in chunks of one byte, one a segment, that never ends."""
    return write(path, answered((b"1\r\nx\r\n" for _ in range(packets)), b"Transfer-Encoding: chunked\r\n"))


def endless_body(path: Path, packets: int) -> Path:
    """An answer that announces a terabyte and sends a byte a segment."""
    return write(path, answered((b"x" for _ in range(packets)), b"Content-Length: 1000000000000\r\n"))


def names(path: Path, packets: int) -> Path:
    """Queries for as many names."""
    return write(path, ((START + n / 1000, ip(17, udp(53, asked(n)))) for n in range(packets)))


def hosts(path: Path, packets: int) -> Path:
    """Datagrams from as many hosts to as many ports: each a conversation of its own."""

    def packet(n: int) -> bytes:
        source = struct.pack(">I", 0x0B000000 + n)
        return ip(17, udp(1024 + n % 60_000, b"x" * 8, source=1024 + n * 7 % 60_000), source=source)

    return write(path, ((START + n / 1000, packet(n)) for n in range(packets)))


def fragments(path: Path, packets: int) -> Path:
    """Fragments of 8 bytes of one datagram, which overlap and never end."""
    return write(path, (
        (START + n / 1e4, ip(17, b"\0" * 8, identity=7, fragment=0x2000 | (n % 8000))) for n in range(packets)
    ))  # fmt: skip


def segments(path: Path, packets: int) -> Path:
    """One TCP connection of segments of one byte."""
    return write(path, (
        (START + n / 1e4, ip(6, tcp(40_000, 9999, 1 + n, 1, 0x18, b"x"))) for n in range(packets)
    ))  # fmt: skip


def tunnels(path: Path, packets: int) -> Path:
    """IP in IP, 60 deep."""
    inner = ip(17, udp(53, asked(1)))[14:]
    for _ in range(60):
        inner = ip(4, inner)[14:]
    return write(path, ((START + n / 100, ip(4, inner)) for n in range(packets)))


def days(path: Path, packets: int) -> Path:
    """A capture of 600 days."""
    return write(path, ((START + n * 600 * DAY / packets, ip(17, udp(53, asked(n % 50)))) for n in range(packets)))


def empty_packets(path: Path, size: int) -> Path:
    """A gzip file of `size` bytes of packets without content: 16 bytes each, packed a thousand to one."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    with gzip.open(path, "wb", 6) as out:
        out.write(head)
        piece = b"\0" * (1 << 20)
        for _ in range(size // len(piece)):
            out.write(piece)
    return path


def gzip_of_one_packet(path: Path, size: int) -> Path:
    """A gzip file that unpacks to `size` bytes behind one packet's header: not a capture after it."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    with gzip.open(path, "wb", 6) as out:
        out.write(head + struct.pack("<IIII", int(START), 0, 60, 60) + ip(17, udp(53, asked(1))).ljust(60, b"\0"))
        piece = b"\xff" * (1 << 20)
        for _ in range(size // len(piece)):
            out.write(piece)
    return path


@dataclass(frozen=True)
class Bomb:
    """A kind of bomb: how it is made, of what size in tests and by `make bombs`, and what the report must say."""

    name: str
    make: Callable[[Path, int], Path]
    small: int
    large: int
    told: str = ""
    """Regular expression for what the report must say of the large one; empty where everything is in it."""
    code: int = 0
    args: tuple[str, ...] = ()
    """Options for the large one."""
    memory: str = ""
    """What the large one may use, so that the bound is met on any machine."""


@dataclass(frozen=True)
class Cost:
    """What reading one took."""

    code: int
    seconds: float
    cpu: float
    largest: int
    """Bytes of memory of the largest process."""
    all: int
    """Bytes of memory of all processes at their most."""
    scratch: int
    """Bytes in the scratch folder at their most."""
    file: int
    html: int
    pages: int
    """Of the PDF, where one was made."""
    left: list[str]
    report: dict[str, object] | None
    stderr: str

    def sentences(self) -> list[str]:
        """What the report says about what is not in it."""
        if self.report is None:
            return [self.stderr.strip()]
        capture = self.report["capture"]
        assert isinstance(capture, dict)
        limits = self.report["limits"]
        assert isinstance(limits, list)
        return [*limits, *capture["warnings"]]


def read(capture: Path, folder: Path, *args: object, seconds: float = 900, memory: str = "") -> Cost:
    """Report on `capture` with a scratch folder of its own below `folder`, watched all the while."""
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    scratch.chmod(0o755)
    target, page = folder / "r.json", folder / "r.html"
    command = [sys.executable, "-m", "tshark_report", "report", str(capture), "-o", str(target), "-o", str(page)]
    given = dict(os.environ) | {"TMPDIR": str(scratch), "PYTHONPATH": str(Path(__file__).parent.parent)}
    given |= {"TSHARK_REPORT_MEMORY": memory} if memory else {}
    started = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, *map(str, args)], stdout=subprocess.DEVNULL, stderr=said, env=given, cwd=folder
        )
        watch = _Watch(process.pid, scratch)
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
            watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        stderr = said.read().decode("utf-8", "replace")
    took = time.monotonic() - started
    report = json.loads(target.read_text()) if target.exists() else None
    return Cost(
        process.returncode, took, usage.ru_utime + usage.ru_stime, watch.largest, watch.all, watch.scratch,
        capture.stat().st_size, page.stat().st_size if page.exists() else 0, _pages(folder / "r.pdf"), [p.name for p in scratch.iterdir()], report, stderr,
    )  # fmt: skip


def _pages(path: Path) -> int:
    if not path.exists():
        return 0
    import pikepdf

    with pikepdf.open(path) as pdf:
        return len(pdf.pages)


class _Watch:
    """Looks at a process and all it has started, ten times a second."""

    def __init__(self, pid: int, scratch: Path) -> None:
        self.largest = self.all = self.scratch = 0
        self._pid, self._folder, self._end = pid, scratch, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._end.wait(0.1):
            sizes = list(_resident(self._pid))
            self.largest = max(self.largest, *(most for _, most in sizes), 0)
            self.all = max(self.all, sum(now for now, _ in sizes))
            self.scratch = max(self.scratch, _below(self._folder))

    def stop(self) -> None:
        """End looking."""
        self._end.set()
        self._thread.join()


def _resident(pid: int) -> Iterator[tuple[int, int]]:
    """Bytes in use now, and at their most, of a process and of each that it started."""
    try:
        said = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
        yield int(said["VmRSS"].split()[0]) * 1024, int(said["VmHWM"].split()[0]) * 1024
        children = [child for thread in Path(f"/proc/{pid}/task").iterdir()
                    for child in (thread / "children").read_text().split()]  # fmt: skip
    except (OSError, KeyError, ValueError):
        return
    for child in children:
        yield from _resident(int(child))


def _below(folder: Path) -> int:
    total = 0
    for place, _, found in os.walk(folder):
        for name in found:
            try:
                total += (Path(place) / name).stat().st_blocks * 512
            except OSError:
                continue
    return total


KILO, MEGA, GIGA = 1_000, 1_000_000, 1_000_000_000

TIMED = ("--timeout", "60")
SLOW = r"tshark (gave no answer for|did not finish within) \d+ s"
"""tshark unpacks and puts together again from the start with each part: what costs it too long is left out."""

BOMBS = (
    Bomb("a gzip body in an HTTP answer", gzip_body, 20 * MEGA, GIGA, SLOW, args=TIMED),
    Bomb("a gzip body packed twice", gzip_in_gzip, 50 * MEGA, 2 * GIGA),
    Bomb("a hundred gzip bodies", many_gzip_bodies, 50 * MEGA, GIGA, SLOW, args=TIMED),
    Bomb("chunks of one byte without end", endless_chunks, 5 * KILO, 100 * KILO, SLOW, args=TIMED),
    Bomb("a body of one-byte segments without end", endless_body, 5 * KILO, 100 * KILO, SLOW, args=TIMED),
    Bomb("a gzip file of empty packets", empty_packets, 2 * MEGA, GIGA, "memory for no more", memory="3G"),
    Bomb(
        "a gzip file with one packet and nothing else",
        gzip_of_one_packet,
        20 * MEGA,
        2 * GIGA,
        "the capture is damaged",
        code=4,
    ),
    Bomb("tunnels in tunnels, 60 deep", tunnels, KILO, 100 * KILO, "headers of one kind inside"),
    Bomb("names without end", names, 20 * KILO, MEGA),
    Bomb("hosts without end", hosts, 10 * KILO, MEGA),
    Bomb("one datagram of 8-byte fragments", fragments, 12 * KILO, MEGA, "more of them than a datagram can hold"),
    Bomb("one connection of one-byte segments", segments, 10 * KILO, MEGA),
    Bomb("600 days", days, 2 * KILO, MEGA),
)


def tried(bomb: Bomb, *, large: bool = False) -> Cost:
    """Make one and read it; a large one as PDF too."""
    folder = Path(tempfile.mkdtemp(prefix="bomb-"))
    folder.chmod(0o755)
    try:
        capture = bomb.make(folder / "bomb.pcap", bomb.large if large else bomb.small)
        if not large:
            return read(capture, folder)
        return read(capture, folder, *bomb.args, "-o", folder / "r.pdf", memory=bomb.memory)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
