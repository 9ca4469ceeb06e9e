"""Is this a capture, and what does the file itself say: type, packets, hash, link types, interfaces.

Exit codes do not classify (a six-byte text file is "MP4 media" with exit 0, an empty
file is an "ERF" without packets), so the type that capinfos names is held against a
list, and its packet count against zero.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import stat
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tshark_report.capture import damaged, fence, framing, process, room
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import CaptureUnreadable, reason

CAPTURE_TYPES = frozenset(
    [
        "pcap",
        "nsecpcap",
        "modpcap",
        "aixpcap",
        "rh6_1pcap",
        "suse6_3pcap",
        "nokiapcap",
        "nseclibpcap",
        "pcapng",
        "snoop",
        "shomiti",
        "netmon1",
        "netmon2",
        "ngsniffer",
        "ngwsniffer_1_1",
        "ngwsniffer_2_0",
        "ngwsniffer_gzip",
        "etherpeek",
        "peekclassic",
        "peektagged",
        "visual",
        "5views",
        "lanalyzer",
        "erf",
        "btsnoop",
        "iptrace_1",
        "iptrace_2",
        "nettl",
        "toshiba",
        "radcom",
        "hpux",
        "commview-ncf",
        "commview-ncfx",
        "eyesdn",
        "k12",
        "k12text",
        "netscreen",
        "niobserver",
        "observer",
        "systemd_journal",
        "nettrace_3gpp_32_423",
        "nsecpcap",
        "nstrace10",
        "nstrace20",
        "nstrace30",
        "nstrace35",
        "endace",
        "ppi",
        "daintree_sna",
        "netxray1",
        "netxray2",
        "netxray",
        "cosine",
        "ascend",
        "dbs-etherwatch",
        "vms",
        "tnef",
        "catapult_dct2000",
        "packetlogger",
        "aethra",
        "linktype",
        "can-busmaster",
        "candump",
        "blf",
        "capsa",
        "capsa_packet_builder",
    ]
)
"""Wireshark file types (`tshark -F` and the readers of wiretap) that hold packets. Media, JSON, certificates and
logs that wiretap also opens (`mp4`, `mpeg`, `jpeg_jfif`, `mime`, `json`, `rfc7468`, ...) are not on it."""

PIECE = 1024 * 1024
NOT_INSTALLED = -1000
"""In place of capinfos' exit code; no signal has this number."""


@dataclass
class CaptureFile:
    """A capture that was found readable. `path` is what tshark reads; `original` is what the user named."""

    original: Path
    path: Path
    file_type: str
    file_bytes: int
    compressed: bool = False
    sha256: str = ""
    packets: int = 0
    link_types: list[str] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    application: str = ""
    system: str = ""
    comments: list[str] = field(default_factory=list)
    truncated: bool = False
    ordered: bool = True
    snap_cut: int = 0
    bytes_captured: int = 0
    """Bytes of all frames, where `frames` is not at hand because the capture was read before."""
    frames: framing.Frames | None = None
    warnings: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    """Sentences on what could not be read because tshark died on it; the report's limits name them."""


@dataclass(frozen=True)
class Capinfos:
    """What capinfos says, by its own column names, and how it ended."""

    values: dict[str, str]
    error: str
    code: int


def _unreadable(path: Path, what: str, detail: str, *causes: str, next_step: str = "") -> CaptureUnreadable:
    return CaptureUnreadable(what, detail=f"{path}: {detail}", causes=causes, next_step=next_step)


def look(path: Path) -> None:
    """Is there a readable, non-empty file?

    Raises:
        CaptureUnreadable: there is none; the error says which of the many ways it is not.
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        near = sorted(p.name for p in path.parent.glob("*.pcap*"))[:5] if path.parent.is_dir() else []
        raise _unreadable(
            path,
            "the capture does not exist",
            "no such file",
            "the name is misspelt",
            "the folder is another one than you think",
            next_step=f"captures in that folder: {', '.join(near)}" if near else f"ls -l {path.parent}",
        ) from error
    except (OSError, ValueError) as error:
        raise _unreadable(
            path,
            "the capture cannot be looked at",
            reason(error),
            "a folder above it is closed to you",
            next_step=f"ls -ld {path.parent}",
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise _unreadable(
            path,
            "this is a folder, not a capture",
            "is a directory",
            "one report is about one capture",
            next_step=f"for each capture in it: tshark-report report {path}/NAME.pcap",
        )
    if not stat.S_ISREG(status.st_mode):
        raise _unreadable(
            path,
            "this is not a regular file",
            "a pipe, socket or device",
            "a capture has to be read more than once",
            next_step="write it to a file first, for example: dumpcap -w capture.pcapng",
        )
    if not os.access(path, os.R_OK):
        raise _unreadable(
            path,
            "the capture is not readable",
            "permission denied",
            "it belongs to somebody else",
            next_step=f"ls -l {path}",
        )
    if status.st_size == 0:
        raise _unreadable(
            path,
            "the capture is empty",
            "0 bytes",
            "the capturing program was stopped before it wrote anything",
            "a copy or download failed",
            next_step=f"copy it again, and compare the sizes: ls -l {path}",
        )


@dataclass(frozen=True)
class Unpacked:
    """A gzip file as a plain one."""

    path: Path
    cut: bool = False
    """The gzip stream is cut short or damaged further on."""
    stopped: int = 0
    """Bytes after which unpacking was stopped, since there is no room for more; 0 where all was unpacked."""


def size(path: Path) -> int:
    """Bytes of a file; 0 where it cannot be looked at, which `look` tells better."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


def decompress(path: Path, scratch: Path) -> Unpacked:
    """The content of a gzip file as a plain file in `scratch`, as far as there is room for it.

    Raises:
        CaptureUnreadable: it is no gzip after all.
        OSError: there is room for next to nothing.
    """
    target = scratch / "capture"
    written, cut = 0, False
    limit = room.unpacked(scratch)
    with target.open("wb") as out:
        try:
            with gzip.open(path, "rb") as packed:
                while piece := packed.read(PIECE):
                    if written + len(piece) > limit:
                        if not written:
                            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
                        return Unpacked(target, stopped=written)
                    written += out.write(piece)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if isinstance(error, EOFError) or written:
                cut = True
            else:
                raise _unreadable(
                    path,
                    "the gzip file is damaged",
                    str(error),
                    "a copy or download failed",
                    next_step=f"gzip -t {path}",
                ) from error
    if cut and not written:
        # The gzip module gives nothing of a stream whose first block is cut; zlib gives what there is.
        unpack = zlib.decompressobj(wbits=31)
        with path.open("rb") as packed, target.open("wb") as out:
            try:
                while piece := packed.read(PIECE):
                    written += out.write(unpack.decompress(piece, PIECE * 64))
            except zlib.error:
                pass
    return Unpacked(target, cut)


def capinfos(tshark: Tshark, path: Path, env: dict[str, str], timeout: float) -> Capinfos:
    """Capinfos on `path`, as a mapping from its column titles; empty where capinfos is not installed."""
    program = tshark.companion("capinfos")
    if program is None:
        return Capinfos({}, "capinfos is not installed", NOT_INSTALLED)
    # -T -M: a table with plain numbers; the letters choose columns, leaving out the hashes.
    done = process.run(
        [program, "-T", "-M", "-t", "-E", "-I", "-c", "-l", "-o", "-k", "-D", "-n", str(path)], timeout=timeout, env=env
    )
    heads, _, row = done.stdout.partition(b"\n")
    # The row starts with the file's name, which may hold a newline or tab itself.
    row = row.removeprefix(os.fsencode(path)).split(b"\n", 1)[0]
    values = dict(zip(_texts(heads)[1:], _texts(row)[1:], strict=False))
    return Capinfos(values, done.last_error, done.code)


def _texts(row: bytes) -> list[str]:
    return row.decode("utf-8", "replace").split("\t")


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class Background:
    """What is found out about the file while tshark reads it."""

    hash: Future[str]
    info: Future[Capinfos]
    frames: Future[framing.Frames | None]


def frames_of(path: Path) -> framing.Frames | None:
    """Where the frames of a pcap or pcapng file lie; None for any other, and where its framing is damaged.

    Of a file that holds more packets than fit into memory these are one more than fit.
    """
    try:
        return framing.index(path, room.most_packets() + 1)
    except (framing.NotFramed, OSError, ValueError):
        return None


def begin(
    tshark: Tshark, path: Path, scratch: Path, env: dict[str, str], timeout: float, pool: ThreadPoolExecutor
) -> tuple[CaptureFile, Background]:
    """Look at the file, unpack it if need be, and start hashing, counting and indexing.

    Raises:
        CaptureUnreadable: there is no such file, or it is empty, or damaged gzip.
    """
    capture = _prepared(tshark, path, scratch)
    background = Background(
        pool.submit(sha256, capture.original),
        pool.submit(capinfos, tshark, capture.path, env, timeout),
        pool.submit(frames_of, capture.path),
    )
    if not capture.compressed and not damaged.kind(capture.original):
        accept(capture, background.info.result())
    return capture, background


def examined(tshark: Tshark, path: Path, scratch: Path, env: dict[str, str], timeout: float) -> CaptureFile:
    """The capture unpacked if need be and found to hold packets; for those who need no hash and no framing.

    Raises:
        CaptureUnreadable: there is no such file, it is not a capture, or holds no packet.
    """
    capture = _prepared(tshark, path, scratch)
    info = capinfos(tshark, capture.path, env, timeout)
    accept(capture, info)
    if info.code >= 0 and not capture.packets:
        raise no_packet(capture)
    return capture


def no_packet(capture: CaptureFile) -> CaptureUnreadable:
    """The error that says so."""
    return _unreadable(
        capture.original,
        "there is no packet in this capture",
        f"a valid {capture.file_type or 'capture'} header and nothing behind it",
        "the capture filter let nothing through",
        "the capture was stopped at once",
        next_step=f"capinfos {capture.original}",
    )


def _prepared(tshark: Tshark, path: Path, scratch: Path) -> CaptureFile:
    """A file that is there and not empty, unpacked, where tshark can reach it behind its fence."""
    look(path)
    path = path.absolute()
    capture = CaptureFile(original=path, path=path, file_type="", file_bytes=path.stat().st_size)
    with path.open("rb") as file:
        capture.compressed = file.read(2) == b"\x1f\x8b"
    if capture.compressed:
        unpacked = decompress(path, scratch)
        capture.path, capture.truncated = unpacked.path, unpacked.cut
        if unpacked.stopped:
            capture.losses.append(
                f"The compressed file was unpacked up to {unpacked.stopped:,} bytes, since there is no room for more: "
                "what comes after is not in this report."
            )
        if capture.path.stat().st_size == 0:
            raise _unreadable(
                path,
                "the compressed capture is empty",
                "0 bytes when decompressed",
                "it is cut short",
                next_step=f"gzip -t {path}",
            )
    capture.path = fence.readable(capture.path, scratch, tshark.path)
    return capture


def accept(capture: CaptureFile, info: Capinfos) -> None:
    """Take over what capinfos says.

    Raises:
        CaptureUnreadable: it is not a capture, or holds no packet.
    """
    values, shown = info.values, capture.original
    kind = values.get("File type", "")
    if not kind or kind not in CAPTURE_TYPES:
        # Without capinfos there is no list of types to hold it against: tshark's own error must do.
        if info.code < 0:
            if info.code != NOT_INSTALLED:
                capture.warnings.append(f"capinfos was ended before it said anything: {info.error or 'no answer'}")
            capture.file_type = capture.file_type or damaged.kind(capture.path)
            return
        said = info.error if not kind else f"Wireshark takes it for '{kind}', not packets"
        raise damaged.unreadable(shown, capture.path, said)
    capture.file_type = kind
    capture.packets = int(values.get("Number of packets", "0") or 0)
    capture.link_types = [part for part in values.get("File encapsulation", "").split(" ") if part]
    capture.application = values.get("Capture application", "")
    capture.system = values.get("Capture oper-sys", "")
    capture.ordered = values.get("Strict time order", "True") == "True"
    comment = values.get("Capture comment", "")
    capture.comments = [comment] if comment else []
    if "cut short" in info.error or "cut off" in info.error:
        capture.truncated = True
    elif info.code not in (0, NOT_INSTALLED):
        capture.warnings.append(f"capinfos: {info.error}")
