"""Frames that may be handed to others: addresses rewritten, payload gone, nothing kept that was not understood.

A rewritten frame is built from headers that this module knows, field by field. What it does not know (payload,
options that may name somebody, unknown protocols) is not copied but cut off, as a snapshot length would; the length
on the wire stays. Checksums are those of a packet whose missing bytes are zeros, so that they are right where nothing
is missing and say nothing about what is.

scapy and dpkt were weighed: both decode by guess what they know and carry along what they do not know, which is the
wrong way round here; and both take longer to import than this takes for all frames of an evidence file.

Layouts: RFC 791 and 8200 (IP), 826 (ARP), 9293 (TCP), 768 (UDP), 792 and 4443 (ICMP), 4861 (neighbour discovery),
IEEE 802.1Q, 802.11-2020 section 9.3, LINKTYPE_* pages of tcpdump.org.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from tshark_report.capture import share_dns

ETHERNET, RAW, LOOP, NULL, SLL, SLL2, WIRELESS, RADIOTAP = 1, 101, 108, 0, 113, 276, 105, 127
RAW_IPV4, RAW_IPV6 = 228, 229
_IPV4, _ARP, _IPV6, _MPLS, _PPPOE = 0x0800, 0x0806, 0x86DD, 0x8847, 0x8864
_VLAN = (0x8100, 0x88A8, 0x9100)
_TCP, _UDP, _ICMP, _ICMP6, _FRAGMENT, _ESP = 6, 17, 1, 58, 44, 50
_TUNNELS = (4, 41)
_EXTENSIONS = (0, 43, 60, 135)
"""Hop-by-hop, routing, destination options, mobility: all begin with next header and length."""
_KEPT_TCP_OPTIONS = {2: 4, 3: 3, 4: 2, 5: 0, 8: 10}
"""MSS, window scale, SACK permitted, SACK, timestamps, with their lengths (0: any). Others may carry addresses."""
_MOST_PADDING = 50
"""Ethernet fills frames up to 60 bytes, a check sum may follow."""
_NESTED = 4
"""Layers of tunnels that are followed."""


@dataclass
class Names:
    """Gives each address its pseudonym; addresses are texts such as `10.1.2.3` and `00:1b:a9:10:20:30`.

    `label` gives a label of a host name, in lower case, another one of the same length. Without it DNS messages are
    left out like all payload.
    """

    ip: Callable[[str], str]
    mac: Callable[[str], str]
    label: Callable[[bytes], bytes] | None = None


@dataclass
class Piece:
    """Headers that were understood and rewritten, and how many bytes follow that are not told."""

    kept: bytes
    missing: int = 0


@dataclass
class Seen:
    """Addresses that frames hold, as texts."""

    ips: set[str] = field(default_factory=set)
    macs: set[str] = field(default_factory=set)

    def names(self) -> Names:
        """Notes each address and leaves it as it is."""

        def ip(text: str) -> str:
            self.ips.add(text)
            return text

        def mac(text: str) -> str:
            self.macs.add(text)
            return text

        return Names(ip, mac, lambda label: label)


def rewritten(frame: bytes, wire: int, link: int, names: Names) -> tuple[bytes, int, int]:
    """A frame that may be shared.

    Args:
        frame: the captured bytes.
        wire: bytes that the frame had on the wire.
        link: its LINKTYPE.
        names: the pseudonyms.

    Returns:
        Its bytes, its length on the wire and its LINKTYPE; no bytes where nothing of it is understood.
    """
    if link == RADIOTAP:
        # The radio's own header says where and with what the capture was made; only the frame behind it is kept.
        length = int.from_bytes(frame[2:4], "little") if len(frame) >= 4 else len(frame)
        frame, wire, link = frame[length:], max(wire - length, 0), WIRELESS
    known = _LINKS.get(link)
    if known is None:
        return b"", wire, link
    try:
        piece = known(frame, max(wire, len(frame)), names)
    except (struct.error, IndexError, ValueError):
        # A header that breaks off: nothing after the last whole one is needed.
        return b"", wire, link
    padding = wire - len(piece.kept) if not piece.missing else 0
    # Short frames are filled up; senders were seen to fill them with whatever was in memory.
    kept = piece.kept + b"\0" * padding if 0 < padding <= _MOST_PADDING else piece.kept
    return kept, max(wire, len(kept)), link


def _ip(raw: bytes, names: Names) -> bytes:
    return ipaddress.ip_address(names.ip(str(ipaddress.ip_address(raw)))).packed


def _mac(raw: bytes, names: Names) -> bytes:
    if len(raw) != 6:
        raise ValueError("a hardware address that breaks off")
    return bytes.fromhex(names.mac(":".join(f"{byte:02x}" for byte in raw)).replace(":", ""))


def _ethernet(data: bytes, wire: int, names: Names) -> Piece:
    head = _mac(data[0:6], names) + _mac(data[6:12], names)
    inner = _by_type(data, 12, wire, names)
    return Piece(head + inner.kept, inner.missing)


def _by_type(data: bytes, at: int, wire: int, names: Names) -> Piece:
    """The ethertype at `at` with its VLAN tags, and what it announces."""
    tags = b""
    kind = int.from_bytes(_part(data, at, 2), "big")
    while kind in _VLAN and len(tags) < 16:
        tags += _part(data, at, 4)
        at += 4
        kind = int.from_bytes(_part(data, at, 2), "big")
    head = tags + _part(data, at, 2)
    at += 2
    if kind == _PPPOE and len(data) >= at + 8:
        head += _part(data, at, 8)
        kind = {0x0021: _IPV4, 0x0057: _IPV6}.get(int.from_bytes(data[at + 6 : at + 8], "big"), 0)
        at += 8
    while kind == _MPLS and len(data) >= at + 4:
        label = _part(data, at, 4)
        head += label
        at += 4
        if label[2] & 1:
            kind = {4: _IPV4, 6: _IPV6}.get(data[at] >> 4 if len(data) > at else 0, 0)
    if kind < 0x0600 and data[at : at + 6] == b"\xaa\xaa\x03\x00\x00\x00":
        inner = _by_type(data, at + 6, wire, names)
        return Piece(head + data[at : at + 6] + inner.kept, inner.missing)
    rest = data[at:]
    try:
        inner = _network(kind, rest, wire - at, names)
    except (struct.error, IndexError, ValueError):
        inner = Piece(b"", max(wire - at, 0))
    return Piece(head + inner.kept, inner.missing)


def _network(kind: int, data: bytes, wire: int, names: Names) -> Piece:
    if kind == _IPV4:
        return _ipv4(data, wire, names, 0)
    if kind == _IPV6:
        return _ipv6(data, wire, names, 0)
    if kind == _ARP:
        return _arp(data, names)
    return Piece(b"", max(wire, 0))


def _part(data: bytes, at: int, length: int) -> bytes:
    if len(data) < at + length:
        raise ValueError("a header that breaks off")
    return data[at : at + length]


def _arp(data: bytes, names: Names) -> Piece:
    """ARP for Ethernet and IPv4 whole; of anything else the first eight bytes."""
    head = _part(data, 0, 8)
    if head[:6] != b"\x00\x01\x08\x00\x06\x04" or len(data) < 28:
        return Piece(head, len(data) - 8)
    body = _mac(data[8:14], names) + _ip(data[14:18], names)
    # The hardware address that is asked for is zeros, which names nobody.
    body += (_mac(data[18:24], names) if any(data[18:24]) else data[18:24]) + _ip(data[24:28], names)
    return Piece(head + body, 0)


def _ipv4(data: bytes, wire: int, names: Names, depth: int) -> Piece:
    head = _part(data, 0, 20)
    header = (head[0] & 15) * 4
    if head[0] >> 4 != 4 or header < 20:
        return Piece(b"", wire)
    total = int.from_bytes(head[2:4], "big") or wire
    length = max(min(total, wire), header)
    source, target = _ip(head[12:16], names), _ip(head[16:20], names)
    # Options record routes: no-operations in their place keep the length.
    options = b"\x01" * max(min(header, len(data)) - 20, 0)
    made = head[:10] + b"\0\0" + source + target + options
    made = made[:10] + _checksum(made).to_bytes(2, "big") + made[12:]
    if len(data) < header:
        return Piece(made, length - len(made))
    fragment = int.from_bytes(head[6:8], "big")
    rest = data[header:length]
    if fragment & 0x1FFF:
        return Piece(made, length - header)
    pseudo = source + target + b"\0" + head[9:10]
    inner = _transport(head[9], rest, length - header, pseudo, names, depth)
    return Piece(made + inner.kept, inner.missing)


def _ipv6(data: bytes, wire: int, names: Names, depth: int) -> Piece:
    head = _part(data, 0, 40)
    if head[0] >> 4 != 6:
        return Piece(b"", wire)
    length = min(int.from_bytes(head[4:6], "big") or wire, max(wire - 40, 0))
    source, target = _ip(head[8:24], names), _ip(head[24:40], names)
    made, at, kind = head[:8] + source + target, 40, head[6]
    end = min(len(data), 40 + length)
    while kind in _EXTENSIONS or kind == _FRAGMENT:
        if end < at + 8:
            return Piece(made, 40 + length - at)
        if kind == _FRAGMENT:
            made += data[at : at + 8]
            more = int.from_bytes(data[at + 2 : at + 4], "big") & 0xFFF8
            kind, at = data[at], at + 8
            if more:
                return Piece(made, 40 + length - at)
            continue
        size = 8 + data[at + 1] * 8
        if at + size > end:
            return Piece(made, 40 + length - at)
        made += data[at : at + 2] + _emptied(kind, data, at, size)
        kind, at = data[at], at + size
    pseudo = source + target + b"\0\0\0" + bytes([kind])
    inner = _transport(kind, data[at:end], 40 + length - at, pseudo, names, depth)
    return Piece(made + inner.kept, inner.missing)


def _emptied(kind: int, data: bytes, at: int, size: int) -> bytes:
    """The body of an extension header without what it says: a padding option of the same length."""
    rest = size - 2
    if kind == 43:
        return data[at + 2 : at + 4] + b"\0" * (rest - 2)
    if kind == 135:
        return b"\0" * rest
    padding = min(rest - 2, 255)
    return bytes([1, padding]) + b"\0" * (rest - 2)


def _transport(kind: int, data: bytes, wire: int, pseudo: bytes, names: Names, depth: int) -> Piece:
    """What IP carries, `wire` bytes of which `data` were captured; `pseudo` is the pseudo header without the length."""
    if kind == _TCP:
        return _tcp(data, wire, pseudo, names)
    if kind == _UDP:
        return _udp(data, wire, pseudo, names)
    if kind == _ICMP:
        return _icmp(data, wire, names, depth)
    if kind == _ICMP6:
        return _icmp6(data, wire, pseudo, names, depth)
    if kind in _TUNNELS and depth < _NESTED:
        return (_ipv4 if kind == 4 else _ipv6)(data, wire, names, depth + 1) if data else Piece(b"", wire)
    if kind == _ESP:
        return Piece(data[:8], max(wire - 8, 0))
    return Piece(b"", wire)


def _udp(data: bytes, wire: int, pseudo: bytes, names: Names) -> Piece:
    if len(data) < 8:
        return Piece(b"", wire)
    length = int.from_bytes(data[4:6], "big")
    told = _dns(data[:4], data[8:length], length - 8, names)
    made = data[:6] + b"\0\0" + told
    check = _checksum(made, pseudo + _size(pseudo, length)) or 0xFFFF if data[6:8] != b"\0\0" else 0
    return Piece(made[:6] + check.to_bytes(2, "big") + told, max(wire - len(made), 0))


def _dns(ports: bytes, message: bytes, length: int, names: Names) -> bytes:
    """A DNS message of `length` bytes without its names; nothing of what is none."""
    if names.label is None or not share_dns.PORTS & set(struct.unpack(">HH", ports)):
        return b""
    return share_dns.rewritten(message, names.label, lambda raw: _ip(raw, names), cut=len(message) < length)


def _tcp(data: bytes, wire: int, pseudo: bytes, names: Names) -> Piece:
    if len(data) < 20:
        # Quoted in an ICMP error: ports and sequence number, and no checksum to put right.
        return Piece(data[:8] if len(data) >= 8 else b"", wire)
    header = max((data[12] >> 4) * 4, 20)
    if len(data) < header:
        header = 20
    made = data[:16] + b"\0\0" + data[18:20] + _tcp_options(data[20:header])
    length = int.from_bytes(data[header : header + 2], "big")
    if length and len(data) - header == wire - header == length + 2:
        # A DNS message over TCP that has a segment of its own, as most have.
        told = _dns(data[:4], data[header + 2 :], length, names)
        made += data[header : header + 2] + told if told else b""
    check = _checksum(made, pseudo + _size(pseudo, wire))
    return Piece(made[:16] + check.to_bytes(2, "big") + made[18:], max(wire - len(made), 0))


def _tcp_options(options: bytes) -> bytes:
    made, at = bytearray(b"\x01" * len(options)), 0
    while at < len(options):
        kind = options[at]
        if kind == 0:
            made[at:] = b"\0" * (len(options) - at)
            break
        if kind == 1:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if length < 2 or at + length > len(options):
            break
        if _KEPT_TCP_OPTIONS.get(kind, -1) in (0, length):
            made[at : at + length] = options[at : at + length]
        at += length
    return bytes(made)


def _size(pseudo: bytes, length: int) -> bytes:
    """The length as the pseudo header has it; its place in the sum does not matter, only that words stay aligned."""
    return struct.pack(">I", length) if len(pseudo) > 12 else struct.pack(">H", length & 0xFFFF)


_QUOTING = {3, 4, 5, 11, 12}
_ECHO = {0, 8}


def _icmp(data: bytes, wire: int, names: Names, depth: int) -> Piece:
    if len(data) < 8:
        return Piece(b"", wire)
    kind = data[0]
    made, missing = data[:2] + b"\0\0", max(wire - 8, 0)
    if kind in _ECHO:
        made += data[4:8]
    elif kind in _QUOTING:
        # A redirect names a router; the others have an MTU or a pointer here.
        made += _ip(data[4:8], names) if kind == 5 else data[4:8]
        quoted = _ipv4(data[8:], len(data) - 8, names, depth + 1) if len(data) >= 28 and depth < _NESTED else Piece(b"")
        made += quoted.kept
        missing = max(wire - len(made), 0)
    else:
        made += b"\0\0\0\0"
    return Piece(made[:2] + _checksum(made).to_bytes(2, "big") + made[4:], missing)


_QUOTING6, _ECHO6 = {1, 2, 3, 4}, {128, 129}
_NEIGHBOUR = {133: 8, 134: 16, 135: 24, 136: 24, 137: 40}
"""Neighbour discovery (RFC 4861) and where its options begin."""


def _icmp6(data: bytes, wire: int, pseudo: bytes, names: Names, depth: int) -> Piece:
    if len(data) < 8:
        return Piece(b"", wire)
    kind = data[0]
    known = kind in _QUOTING6 or kind in _ECHO6 or kind in _NEIGHBOUR
    made = data[:2] + b"\0\0" + (data[4:8] if known else b"\0" * 4)
    if kind in _QUOTING6 and depth < _NESTED and len(data) >= 48:
        made += _ipv6(data[8:], len(data) - 8, names, depth + 1).kept
    elif kind in _NEIGHBOUR and len(data) >= _NEIGHBOUR[kind]:
        for at in range(8, _NEIGHBOUR[kind], 16):
            piece = data[at : min(at + 16, _NEIGHBOUR[kind])]
            made += _ip(piece, names) if len(piece) == 16 else piece
        made += _link_addresses(data, _NEIGHBOUR[kind], names)
    check = _checksum(made, pseudo + _size(pseudo, wire))
    return Piece(made[:2] + check.to_bytes(2, "big") + made[4:], max(wire - len(made), 0))


def _link_addresses(data: bytes, at: int, names: Names) -> bytes:
    """The options that hold a hardware address, as long as they are in front of all others."""
    made = b""
    while len(data) >= at + 8 and data[at] in (1, 2) and data[at + 1] == 1:
        made += data[at : at + 2] + _mac(data[at + 2 : at + 8], names)
        at += 8
    return made


def _checksum(data: bytes, pseudo: bytes = b"") -> int:
    """The Internet checksum (RFC 1071) of both, each filled up to whole words."""
    padded = pseudo + data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)


def _raw(data: bytes, wire: int, names: Names) -> Piece:
    return (_ipv6 if data[0] >> 4 == 6 else _ipv4)(data, wire, names, 0)


def _family(data: bytes, wire: int, names: Names) -> Piece:
    """BSD loopback: four bytes with the address family, in either byte order, then IP."""
    inner = _raw(data[4:], wire - 4, names)
    return Piece(_part(data, 0, 4) + inner.kept, inner.missing)


def _sll(data: bytes, wire: int, names: Names) -> Piece:
    """Linux cooked: packet type, device type, address length, address in eight bytes, ethertype."""
    head = _part(data, 0, 6)
    return _cooked(head, data, 6, 14, wire, names)


def _cooked(head: bytes, data: bytes, address: int, kind: int, wire: int, names: Names) -> Piece:
    length = int.from_bytes(head[4:6], "big") if address == 6 else head[11]
    told = _mac(data[address : address + 6], names) if length == 6 else b"\0" * 6
    inner = _by_type(data, kind, wire, names)
    return Piece(head + told + b"\0\0" + inner.kept, inner.missing)


def _sll2(data: bytes, wire: int, names: Names) -> Piece:
    """Linux cooked, second form: the ethertype stands in front, the address at the end."""
    head = _part(data, 0, 12)
    told = _mac(data[12:18], names) if head[11] == 6 else b"\0" * 6
    inner = _by_type(head[:2] + data[20:], 0, wire - 18, names)
    return Piece(head + told + b"\0\0" + inner.kept[2:], inner.missing)


def _wireless(data: bytes, wire: int, names: Names) -> Piece:
    """802.11: the header with its addresses; behind it only plain data with an LLC/SNAP header."""
    control = int.from_bytes(_part(data, 0, 2), "little")
    kind, subtype = control >> 2 & 3, control >> 4 & 15
    made = _part(data, 0, 4) + _mac(data[4:10], names)
    if kind == 1:
        # Control frames: one address, or two where the frame is long enough (RTS, block acknowledgement).
        second = subtype in (8, 9, 10, 11, 14, 15) and len(data) >= 16
        return Piece(made + (_mac(data[10:16], names) if second else b""), 0)
    made += _mac(data[10:16], names) + _mac(data[16:22], names) + _part(data, 22, 2)
    at = 24
    if kind != 2:
        return Piece(made, max(wire - at, 0))
    if control & 0x0300 == 0x0300:
        made += _mac(data[at : at + 6], names)
        at += 6
    if subtype & 8:
        made += _part(data, at, 2)
        at += 2
    protected = control & 0x4000
    if protected or subtype & 4 or data[at : at + 6] != b"\xaa\xaa\x03\x00\x00\x00":
        return Piece(made, max(wire - at, 0))
    inner = _by_type(data, at + 6, wire, names)
    return Piece(made + data[at : at + 6] + inner.kept, inner.missing)


_LINKS: dict[int, Callable[[bytes, int, Names], Piece]] = {
    ETHERNET: _ethernet, RAW: _raw, RAW_IPV4: _raw, RAW_IPV6: _raw, LOOP: _family, NULL: _family, SLL: _sll,
    SLL2: _sll2, WIRELESS: _wireless,
}  # fmt: skip
