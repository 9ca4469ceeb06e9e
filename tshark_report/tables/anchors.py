"""Which packets a display filter can select at all, judged from the packets table.

A filter that names an address can only select packets of that address. Running it on
those packets alone gives the same count as on the whole capture, for a fraction of the
time. Only filters as rules.filters writes them are understood; any other is run on everything.
"""

from __future__ import annotations

import re
from functools import reduce
from operator import or_

import polars as pl

_ADDRESS = re.compile(r"(?:ip|ipv6)\.(addr|src|dst)(?:_host)? == ([0-9a-fA-F:.]+)\Z")
_MAC = re.compile(r"eth\.(addr|src|dst) == ([0-9a-fA-F:.]+)\Z")
_PORT = re.compile(r"(tcp|udp|sctp)\.(port|srcport|dstport) == (\d+)\Z")
_PROTOCOL = re.compile(
    r"(arp|icmp|icmpv6|dns|mdns|llmnr|nbns|dhcp|tls|ssh|ftp|smtp|pop|imap|telnet|smb|smb2|wlan|http|ntp)(?:\.[\w.]+ .*)?\Z",
    re.DOTALL,
)
_NUMBERED = re.compile(r"\b(?:frame\.number|tcp\.stream|udp\.stream|frame\.time_relative|frame\.time_delta)\b")
"""Fields that mean something else once packets are left out."""


def candidates(display_filter: str) -> pl.Expr | None:
    """A condition on the packets table that every packet the filter selects fulfils; None where none is known.

    Packets with several layers may match by any of them and are the caller's to add.
    """
    if not display_filter or _NUMBERED.search(display_filter):
        return None
    return _of(display_filter.strip())


def _of(text: str) -> pl.Expr | None:
    branches = _split(text, "||")
    if len(branches) > 1:
        every = [_of(branch) for branch in branches]
        known = [e for e in every if e is not None]
        return reduce(or_, known) if len(known) == len(every) else None
    parts = _split(text, "&&")
    if len(parts) > 1:
        # One part that is understood is enough: the others only narrow it. Addresses narrow most, so they go first.
        ranked = sorted(parts, key=lambda p: 0 if _ADDRESS.match(p) else 1 if _MAC.match(p) else 2)
        return next((e for e in map(_of, ranked) if e is not None), None)
    inner = text.strip()
    if inner.startswith("(") and inner.endswith(")"):
        return _of(inner[1:-1].strip())
    return _atom(inner)


def _atom(text: str) -> pl.Expr | None:
    if match := _ADDRESS.match(text):
        return _either(match[1], "src", "dst", match[2])
    if match := _MAC.match(text):
        return _either(match[1], "eth_src", "eth_dst", match[2].lower())
    if match := _PORT.match(text):
        side = {"port": "addr", "srcport": "src", "dstport": "dst"}[match[2]]
        return (pl.col("transport") == match[1]) & _either(side, "src_port", "dst_port", int(match[3]))
    if match := _PROTOCOL.match(text):
        return pl.col("protocols").str.contains(rf"(^|:){match[1]}(:|$)")
    return None


def _either(side: str, source: str, destination: str, value: str | int) -> pl.Expr:
    first, second = pl.col(source) == value, pl.col(destination) == value
    return {"src": first, "dst": second}.get(side, first | second)


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
