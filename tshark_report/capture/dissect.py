"""One tshark pass over a capture: packet rows and taps from the same process.

Rows come as custom columns (`-T tabs`), which is much faster than `-T fields`. But
some versions (4.4 among them) do not escape a tab or newline inside a custom column,
so that a server name can forge a row of its own. Both can only ever add bytes, so
every row is counted: its tabs, and its frame number, which must be the next one. At
the first difference the capture is read again with `-T fields`, which escapes.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from tshark_report.capture import damaged, process
from tshark_report.capture.refused import refused
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import TsharkDied, TsharkFailed

CHUNK = 8 * 1024 * 1024
"""Bytes of rows handed on at a time: large enough for a fast parse, small enough to keep memory flat."""

SEPARATOR = "\x1f"
"""Between several values of one field in `-T fields`; tshark escapes it inside a value, as every control byte."""

ABOUT_THE_FILE = re.compile(
    r"record data that|network type|isn't a capture file|doesn't understand|can't be opened|damaged or corrupt"
)
"""What tshark says where the file is at fault, not what it was asked."""

OBJECT_KINDS = ("http", "smb", "tftp", "ftp-data", "imf")
"""`--export-objects` protocols whose objects are files that a person named."""

TAPS = ("io,phs", "conv,eth", "conv,ip", "conv,ipv6", "conv,tcp", "conv,udp")
"""Statistics that ride along in the pass: the hierarchy is shown, conversations are reconciled with.

Expert items come as a column: tshark's own tap compares each with all others, 14 s for a scan of 65,000 ports.
"""


@dataclass(frozen=True)
class Options:
    """What a user may pass through to tshark."""

    display_filter: str = ""
    keylog: Path | None = None
    decode_as: tuple[str, ...] = ()
    preferences: tuple[str, ...] = ()
    profile: str = ""

    def arguments(self) -> list[str]:
        """The tshark arguments for all but the display filter."""
        args: list[str] = []
        if self.profile:
            args += ["-C", self.profile]
        if self.keylog is not None:
            args += ["-o", f"tls.keylog_file:{self.keylog.absolute()}"]
        for rule in self.decode_as:
            args += ["-d", rule]
        for preference in self.preferences:
            args += ["-o", preference]
        return args


@dataclass(frozen=True)
class Layout:
    """What a row holds: column formats (`%m`, `%Cus:ip.src:0:U`), or with `by_fields` plain field names."""

    columns: tuple[str, ...]
    by_fields: bool = False

    def arguments(self) -> list[str]:
        """The tshark arguments that print these columns, tab-separated, one row a packet."""
        if self.by_fields:
            args = ["-T", "fields", "-E", "separator=/t", "-E", f"aggregator={SEPARATOR}", "-E", "occurrence=a"]
            for name in self.columns:
                args += ["-e", name]
            return args
        titles = ",".join(f'"{place}","{column}"' for place, column in enumerate(self.columns))
        return ["-t", "e", "-T", "tabs", "-o", f"gui.column.format:{titles}"]


@dataclass
class Pass:
    """What one tshark pass brought, apart from the rows that went to the consumer."""

    command: list[str]
    rows: int = 0
    taps: str = ""
    truncated: bool = False
    by_fields: bool = False
    """True where rows had to be read with `-T fields`."""
    notes: list[str] = field(default_factory=list)


class Forged(Exception):
    """A row does not have the shape that every honest row has."""


class _Rows:
    """Cuts the stream into whole rows, checks each, and tells rows from the taps printed behind them."""

    def __init__(self, expected: int | None, tabs: int, consume: Callable[[bytes], None]) -> None:
        self.expected = expected
        self.tabs = tabs
        self.consume = consume
        self.rows = 0
        self.rest = bytearray()
        self.tail = bytearray()
        self.in_taps = False

    def feed(self, piece: bytes) -> None:
        if self.in_taps:
            self.tail += piece
            return
        self.rest += piece
        end = self.rest.rfind(b"\n") + 1
        if end < CHUNK and len(self.rest) < 4 * CHUNK:
            return
        if not end:
            raise Forged("a row of more than 32 MB")
        self._take(end)

    def finish(self) -> None:
        if not self.in_taps:
            self._take(len(self.rest))

    def drop_half_a_row(self) -> None:
        """Forget what stands behind the last whole row: the process was ended while it wrote."""
        del self.rest[self.rest.rfind(b"\n") + 1 :]

    def _take(self, end: int) -> None:
        block = bytes(self.rest[:end])
        del self.rest[:end]
        # Every honest row has the same number of tabs; the first line without one starts the taps.
        lines = block.count(b"\n")
        if block.count(b"\t") != lines * self.tabs or (self.expected is not None and self.rows + lines > self.expected):
            taps = re.search(rb"(?m)^\n|^=+\n", block)
            stop = taps.start() if taps else len(block)
            if self.expected is not None:
                # Count rows, do not trust a text: hostile bytes may look like the start of a tap.
                stop = _offset_of_line(block, self.expected - self.rows)
            self.tail += block[stop:] + self.rest
            self.rest.clear()
            self.in_taps = True
            block = block[:stop]
            lines = block.count(b"\n")
            if block.count(b"\t") != lines * self.tabs:
                raise Forged("a row with too many or too few columns")
        if lines:
            self.rows += lines
            self.consume(block)


def _offset_of_line(block: bytes, count: int) -> int:
    at = 0
    for _ in range(count):
        following = block.find(b"\n", at)
        if following < 0:
            return len(block)
        at = following + 1
    return at


class Start(Protocol):
    """Starts a process, as `process.started`."""

    def __call__(
        self, args: Sequence[str], *, timeout: float, env: Mapping[str, str], stdin: bool = False
    ) -> AbstractContextManager[process.Running]:
        """The process, gone on leaving."""


def command(
    tshark: Tshark,
    path: str,
    layout: Layout,
    options: Options,
    taps: Iterable[str] = TAPS,
    objects: Path | None = None,
) -> list[str]:
    """The command line of one pass over `path` (`-`: its standard input)."""
    args = [tshark.path, "-n", "-r", path, *options.arguments(), *layout.arguments()]
    if options.display_filter:
        args += ["-Y", options.display_filter]
    for tap in taps:
        args += ["-z", tap + (f",{options.display_filter}" if options.display_filter else "")]
    if objects is not None:
        for kind in OBJECT_KINDS:
            args += ["--export-objects", f"{kind},{objects / kind}"]
    return args


def dissect(
    tshark: Tshark,
    path: Path,
    layout: Layout,
    consume: Callable[[bytes], None],
    *,
    expected: int | None,
    options: Options,
    env: dict[str, str],
    timeout: float,
    taps: Iterable[str] = TAPS,
    objects: Path | None = None,
    feed: Callable[[IO[bytes]], None] | None = None,
    start: Start = process.started,
) -> Pass:
    """Read `path` once; `consume` gets blocks of whole, checked rows.

    `expected` is the number of packets where it is known (no display filter). `timeout` is in seconds.
    With `objects`, files that crossed the wire are written below that folder, one folder a protocol. With `feed`,
    tshark reads what that function writes into its standard input, and `path` only names the capture in errors.
    `start` starts it; one that was started before will do.

    Raises:
        Forged: a row is not what tshark writes for an honest packet; nothing that was consumed may be used.
        FilterRejected: tshark does not accept the user's filter, preference or decode-as rule.
        CaptureUnreadable: this tshark cannot read the file's packets.
        TsharkFailed: tshark was killed, hung, or ended without a row.
    """
    args = command(tshark, "-" if feed else str(path), layout, options, taps, objects)
    width = len(layout.columns) - 1
    result = Pass(args, by_fields=layout.by_fields)
    # Parsing has a thread of its own: a reader that parses leaves the pipe full, and tshark waiting.
    with ThreadPoolExecutor(1) as parser:
        parsing: list[Future[None]] = []

        def hand_on(block: bytes) -> None:
            if len(parsing) > 2:
                parsing.pop(0).result()
            parsing.append(parser.submit(consume, block))

        rows = _Rows(expected, width, hand_on)
        with start(args, timeout=timeout, env=env, stdin=feed is not None) as running:
            if feed is not None and running.stdin is not None:
                write_into(running.stdin, feed)
            for piece in running.chunks(256 * 1024):
                rows.feed(piece)
            done = running.finish()
        if done.timed_out or done.code < 0:
            rows.drop_half_a_row()
        rows.finish()
        for future in parsing:
            future.result()
    result.rows = rows.rows
    result.taps = rows.tail.decode("utf-8", "replace")
    _judge(done, result, options, path, timeout, complete=expected is not None and result.rows == expected)
    return result


def write_into(pipe: IO[bytes], feed: Callable[[IO[bytes]], None]) -> None:
    """Let `feed` write into `pipe` from a thread of its own: a writer that blocks must not hold up the reader."""

    def work() -> None:
        try:
            feed(pipe)
            pipe.close()
        except (OSError, ValueError):
            pass  # tshark has gone; what it printed and how it ended say why

    threading.Thread(target=work, daemon=True).start()


def _judge(done: process.Done, result: Pass, options: Options, path: Path, timeout: float, *, complete: bool) -> None:
    text = done.stderr
    if complete and (done.timed_out or done.code < 0):
        how = "did not finish in time" if done.timed_out else f"was ended by signal {-done.code}"
        result.notes.append(f"tshark {how} after the last packet: its statistics and carried files may be missing")
        result.taps = ""
        return
    if done.timed_out:
        raise TsharkDied(
            "tshark did not finish in time",
            detail=f"{path.name}: stopped after {timeout:.0f} s with {result.rows:,} packets read",
            causes=("a dissector that is very slow on this traffic", "a busy or slow machine"),
            next_step="read a slice: --filter, --from/--to; or give it longer with --timeout SECONDS",
            command=tuple(result.command),
            how=f"did not finish within {timeout:.0f} s",
            late=True,
        )
    if done.code < 0:
        raise TsharkDied(
            f"tshark was ended by signal {-done.code}",
            detail=f"{path.name}: after {result.rows:,} packets; {done.last_error}",
            causes=("a dissector crashed on one of the packets", "the system ran out of memory and killed it"),
            next_step=f"tshark -n -r {path} -q -z io,phs",
            command=tuple(result.command),
            how=f"was ended by signal {-done.code}",
            late=-done.code == getattr(signal, "SIGXCPU", None),
        )
    if "cut short" in text or "cut off" in text:
        result.truncated = True
        return
    if done.code == 0:
        return
    message = done.last_error.removeprefix("tshark: ")
    first = done.complaint
    if result.rows == 0 and ABOUT_THE_FILE.search(text):
        raise damaged.unreadable(Path(path.name), path, message or first)
    given = [options.display_filter, *options.preferences, *options.decode_as, options.profile]
    if result.rows == 0 and any(given):
        raise refused(first, options)
    if result.rows == 0:
        raise TsharkFailed(
            f"tshark ended with exit code {done.code} and no packet",
            detail=f"{path.name}: {message or 'nothing said'}",
            causes=("the file is damaged", "this tshark cannot read its link type"),
            next_step=f"tshark -n -r {path} -c 1",
        )
    result.notes.append(f"tshark ended with exit code {done.code}: {message}")
