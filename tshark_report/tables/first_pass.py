"""Filters that tshark's first pass has answered already, so that no second one is needed.

A filter of frame numbers selects those frames. A flag of tshark's TCP analysis is an expert item that the first pass
has brought for every packet that has it, and so it has the certificates; which addresses such a packet has is told by
the same pass. Everything else is tshark's to count.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

import polars as pl

from tshark_report.tables.analysis import KINDS
from tshark_report.tables.tables import Tables

_ONE = r"frame\.number (?:== \d+|>= \d+ && frame\.number <= \d+)"
_ALTERNATIVE = rf"(?:\({_ONE}\)|{_ONE})"
_FRAMES = re.compile(rf"{_ALTERNATIVE}(?: \|\| {_ALTERNATIVE})*")
_RANGE = re.compile(r"== (\d+)|>= (\d+) && frame\.number <= (\d+)")
_ADDRESS = re.compile(r"(?:ip|ipv6)\.(addr|src|dst) == ([0-9a-fA-F.:]+)")
_TEXTS = {name: text for _, text, name in KINDS}
_CERTIFICATE = "tls.handshake.certificate"


def counted(display_filter: str, tables: Tables) -> int | None:
    """Packets that the filter selects; None where the first pass does not say."""
    text = display_filter.strip()
    if _FRAMES.fullmatch(text):
        return _covered(_ranges(text, tables))
    frames: pl.Series | None = None
    addresses: list[tuple[str, str]] = []
    for term in _terms(text):
        if match := _ADDRESS.fullmatch(term):
            try:
                addresses.append((match[1], ip_address(match[2]).compressed))
            except ValueError:
                return None
            continue
        said = _said(term, tables)
        if said is None:
            return None
        frames = said if frames is None else frames.filter(frames.is_in(said.implode()))
    if frames is None:
        return None
    return len(frames) if not addresses else _between(frames, addresses, tables)


def _terms(text: str) -> list[str]:
    """What is joined by `&&`, parentheses around several of them taken away; frames in ranges stay together."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and text.startswith(" && ", place):
            parts.append(text[start:place].strip())
            start = place + 4
    parts.append(text[start:].strip())
    made = []
    for part in parts:
        inner = part[1:-1] if part.startswith("(") and part.endswith(")") else ""
        bare = inner and "(" not in inner and "||" not in inner and not _FRAMES.fullmatch(inner)
        made += _terms(inner) if bare else [part]
    return made


def _said(term: str, tables: Tables) -> pl.Series | None:
    """Frames of which tshark said this; None where it is something else."""
    if term in _TEXTS:
        rows = tables.expert.filter(pl.col("message").str.contains(_TEXTS[term], literal=True))
        return rows["frame"].unique()
    if term == _CERTIFICATE:
        return tables.family("certificates").filter(pl.col("der").is_not_null())["frame"].unique()
    inner = term.removeprefix("(").removesuffix(")")
    for text in (term, inner):
        if _FRAMES.fullmatch(text):
            ranges = _ranges(text, tables)
            return pl.concat(
                [pl.Series("frame", [], dtype=pl.UInt32)]
                + [pl.int_range(first, last + 1, dtype=pl.UInt32, eager=True).alias("frame") for first, last in ranges]
            ).unique()
    return None


def _between(frames: pl.Series, addresses: list[tuple[str, str]], tables: Tables) -> int | None:
    """How many of the frames have all these addresses; None where one of them has several network layers."""
    rows = tables.packets.filter(pl.col("frame").is_in(frames.implode()))
    plain = rows["transport"].is_in(["tcp", "udp"]).all() and rows["src"].is_not_null().all()
    if not plain or tables.layers["frame"].is_in(frames.implode()).any():
        return None
    for side, address in addresses:
        here = [pl.col(name) == address for name in (("src", "dst") if side == "addr" else (side,))]
        rows = rows.filter(pl.any_horizontal(here))
    return rows.height


def _ranges(text: str, tables: Tables) -> list[tuple[int, int]]:
    """First and last frame of each part, within the capture."""
    last = tables.packets.height
    return [(max(int(one or first), 1), min(int(one or end), last)) for one, first, end in _RANGE.findall(text)]


def _covered(ranges: list[tuple[int, int]]) -> int:
    total, reached = 0, 0
    for first, last in sorted(ranges):
        start = max(first, reached + 1)
        if last >= start:
            total += last - start + 1
            reached = last
    return total
