"""Which packets a display filter can select at all, judged from the packets table.

A filter that names an address can only select packets of that address. Running it on
those packets alone gives the same count as on the whole capture, for a fraction of the
time. Only filters as rules.filters writes them are understood; any other is run on everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import and_, or_

import polars as pl

_ADDRESS = re.compile(r"(?:ip|ipv6)\.(addr|src|dst)(?:_host)? == ([0-9a-fA-F:.]+)\Z")
_MAC = re.compile(r"eth\.(addr|src|dst) == ([0-9a-fA-F:.]+)\Z")
_PORT = re.compile(r"(tcp|udp|sctp)\.(port|srcport|dstport) == (\d+)\Z")
_STREAM = re.compile(r"(tcp|udp)\.stream == (\d+)\Z")
_FRAME = re.compile(r"frame\.number == (\d+)\Z")
_RANGE = re.compile(r"frame\.number >= (\d+) && frame\.number <= (\d+)\Z")
_CHAIN = re.compile(r'frame\.protocols matches "\(\^\|:\)([\w.-]+)\(:\|\$\)"\Z')
_ANALYSIS = re.compile(r"tcp\.analysis\.\w+\Z")
_PROTOCOL = re.compile(
    r"(arp|icmp|icmpv6|dns|mdns|llmnr|nbns|dhcp|tls|ssh|ftp|smtp|pop|imap|telnet|smb|smb2|wlan|http|ntp)"
    r"(?:\.[\w.]+ .*)?\Z",
    re.DOTALL,
)
_NUMBERED = re.compile(r"\b(?:frame\.number|tcp\.stream|udp\.stream|frame\.time_relative|frame\.time_delta)\b")
"""Fields that mean something else once packets are left out."""

Frames = Callable[[int, int], pl.Expr]
"""Gives the condition that holds for frames from the first number to the second, both included."""
Analysed = Callable[[str], pl.Expr]
"""Gives the condition that holds for packets with a flag of tshark's TCP analysis, by the flag's field."""


def candidates(display_filter: str, frames: Frames | None = None, analysed: Analysed | None = None) -> pl.Expr | None:
    """A condition on the packets table that every packet the filter selects fulfils; None where none is known.

    Packets with several layers may match by any of them and are the caller's to add (`atoms`). Frame and stream numbers
    are understood where `frames` is given, `tcp.analysis` where `analysed` is.
    """
    if not display_filter or (frames is None and _NUMBERED.search(display_filter)):
        return None
    return _Reader(frames, analysed).whole(display_filter.strip())


def atoms(display_filter: str, frames: Frames, analysed: Analysed) -> pl.Expr:
    """A condition that a packet fulfils in at least one of its layers where a filter with `candidates` selects it."""
    reader = _Reader(frames, analysed)
    found = [e for e in map(reader.atom, _leaves(display_filter.strip())) if e is not None]
    return reduce(or_, found) if found else pl.lit(value=True)


class _Reader:
    def __init__(self, frames: Frames | None, analysed: Analysed | None) -> None:
        self.frames = frames
        self.analysed = analysed

    def whole(self, text: str) -> pl.Expr | None:
        branches = _split(text, "||")
        if len(branches) > 1:
            every = [self.whole(branch) for branch in branches]
            known = [e for e in every if e is not None]
            return reduce(or_, known) if len(known) == len(every) else None
        parts = _split(text, "&&")
        if len(parts) > 1 and not (self.frames and _RANGE.match(text)):
            # One part that is understood is enough: the others only narrow it. A protocol narrows least.
            exact = [e for p in parts if not _by_protocol(p) and (e := self.whole(p)) is not None]
            if exact:
                return reduce(and_, exact)
            return next((e for e in map(self.whole, parts) if e is not None), None)
        inner = text.strip()
        if inner.startswith("(") and inner.endswith(")"):
            return self.whole(inner[1:-1].strip())
        return self.atom(inner)

    def atom(self, text: str) -> pl.Expr | None:  # noqa: PLR0911 - one line for each kind of comparison
        if match := _ADDRESS.match(text):
            return _either(match[1], "src", "dst", match[2])
        if match := _MAC.match(text):
            return _either(match[1], "eth_src", "eth_dst", match[2].lower())
        if match := _PORT.match(text):
            side = {"port": "addr", "srcport": "src", "dstport": "dst"}[match[2]]
            return (pl.col("transport") == match[1]) & _either(side, "src_port", "dst_port", int(match[3]))
        if match := _PROTOCOL.match(text):
            return _names(match[1])
        if match := _CHAIN.match(text):
            return _names(match[1])
        if self.frames is not None:
            if match := _STREAM.match(text):
                return (pl.col("transport") == match[1]) & (pl.col("stream") == int(match[2]))
            if match := _FRAME.match(text):
                return self.frames(int(match[1]), int(match[1]))
            if match := _RANGE.match(text):
                return self.frames(int(match[1]), int(match[2]))
        if self.analysed is not None and _ANALYSIS.match(text):
            return self.analysed(text)
        return None


def _by_protocol(text: str) -> bool:
    while text.startswith("(") and text.endswith(")") and len(_split(text, "&&")) == len(_split(text, "||")) == 1:
        text = text[1:-1].strip()
    return _PROTOCOL.match(text) is not None


def _names(protocol: str) -> pl.Expr:
    return pl.col("protocols").str.contains(rf"(^|:){re.escape(protocol)}(:|$)")


def _either(side: str, source: str, destination: str, value: str | int) -> pl.Expr:
    first, second = pl.col(source) == value, pl.col(destination) == value
    return {"src": first, "dst": second}.get(side, first | second)


def _leaves(text: str) -> Iterator[str]:
    """The comparisons of a filter, with a range of frames as one; what is negated as a whole stays one too."""
    for operator in ("||", "&&"):
        parts = _split(text, operator)
        if len(parts) > 1 and not _RANGE.match(text):
            for part in parts:
                yield from _leaves(part)
            return
    inner = text.strip()
    if inner.startswith("(") and inner.endswith(")"):
        yield from _leaves(inner[1:-1].strip())
    else:
        yield inner


def _split(text: str, operator: str) -> list[str]:
    """Parts between `operator` outside parentheses and strings."""
    parts, depth, quoted, start, at = [], 0, False, 0, 0
    while at < len(text):
        character = text[at]
        if quoted:
            if character == "\\":
                at += 1
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif depth == 0 and text.startswith(operator, at):
            parts.append(text[start:at].strip())
            at += len(operator)
            start = at
            continue
        at += 1
    return [*parts, text[start:].strip()]
