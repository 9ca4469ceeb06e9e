"""What a capture seems to hold, from a few bytes of each frame: where that is wrong, it costs nothing but time."""

from __future__ import annotations

import mmap
from pathlib import Path

from tshark_report.capture.framing import Frames
from tshark_report.capture.split import LINK_HEADERS

RADIO = frozenset({105, 119, 127, 163, 192})
"""LINKTYPEs of 802.11: bare, with Prism, radiotap and AVS headers, and PPI (tcpdump.org/linktypes.html, 2024)."""

ICMP_ERRORS = frozenset({3, 4, 5, 11, 12})
"""Types of ICMP messages that quote a packet (RFC 792)."""

ICMPV6_ERRORS = frozenset({1, 2, 3, 4})
"""Types of ICMPv6 messages that quote a packet (RFC 4443)."""

CARRIERS = frozenset({4, 41, 44, 47})
"""IP protocol numbers behind which another packet comes, or a part of one: IP, IPv6, fragment, GRE (IANA, 2024)."""

TUNNEL_PORTS = frozenset({2152, 3544, 4789, 6081, 8472})
"""UDP ports of GTP, Teredo, VXLAN, Geneve and Linux' first VXLAN (IANA, 2024; Linux' vxlan module)."""


def seems_layered(path: Path, frames: Frames) -> bool:
    """Does a packet seem to hold headers of another one (a tunnel, an ICMP error, radio)? A guess at first sight."""
    links = set(frames.link)
    if links & RADIO:
        return True
    if not links <= set(LINK_HEADERS):
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(
            _layered(data, start, captured, link)
            for start, captured, link in zip(frames.offset, frames.captured, frames.link, strict=True)
        )


def _layered(data: mmap.mmap, start: int, captured: int, link: int) -> bool:
    header, type_at = LINK_HEADERS[link]
    end = start + captured
    at = start + header
    if type_at is not None:
        kind = data[start + type_at : start + type_at + 2]
        if kind == b"\x81\x00":
            kind, at = data[at + 2 : at + 4], at + 4
        if kind not in (b"\x08\x00", b"\x86\xdd"):
            return False
    if at + 44 > end:
        return False
    if data[at] >> 4 == 6:
        carried, inner, errors = data[at + 6], at + 40, ICMPV6_ERRORS
    else:
        carried, inner, errors = data[at + 9], at + (data[at] & 15) * 4, ICMP_ERRORS
    if carried in (1, 58):
        return inner < end and data[inner] in errors
    if carried == 17:
        return inner + 4 <= end and (data[inner + 2] << 8 | data[inner + 3]) in TUNNEL_PORTS
    return carried in CARRIERS
