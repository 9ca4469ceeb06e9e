"""DNS messages that may be handed to others: who asked what kind of question and how it was answered, no names.

A message keeps its length and its form, so that compression, sizes and times can be looked at: each label of a name
becomes another one of the same length, each address in an answer its pseudonym, and what other records hold is
zeroed or replaced character by character. A message that is not understood to its end is not kept at all: on the
ports of DNS there are other things too.

Layouts: RFC 1035 section 4 (messages), 3596 (AAAA), 2782 (SRV), 6891 (EDNS), 9460 (SVCB, HTTPS), 6762 (mDNS).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

PORTS = frozenset({53, 5353, 5355})
"""DNS, mDNS and LLMNR, which share the message's form."""
_HEADER = 12
_OPCODES = (0, 4, 5)
"""Query, notify, update."""
_MOST_QUESTIONS, _MOST_RECORDS = 16, 512
_A, _NS, _CNAME, _SOA, _PTR, _MX, _TXT, _AAAA, _SRV, _DNAME, _OPT, _SVCB, _HTTPS = (
    1, 2, 5, 6, 12, 15, 16, 28, 33, 39, 41, 64, 65,
)  # fmt: skip
_ONE_NAME = {_NS: 0, _CNAME: 0, _PTR: 0, _DNAME: 0, _MX: 2, _SRV: 6, _SVCB: 2, _HTTPS: 2}
"""Records that hold a name, and how many bytes of numbers stand before it."""
_IPV4_HINT, _IPV6_HINT = 4, 6
KNOWN_LABELS = frozenset(
    b"arpa in-addr ip6 local _tcp _udp _ldap _kerberos _gc _msdcs _sites _dc _http _https _dns-sd wpad isatap".split()
)
"""Labels that name a service, not somebody: they stay."""


class NotUnderstood(ValueError):
    """What stands here is no DNS message, or more than this module knows."""


class _CutShort(Exception):  # noqa: N818 - no error: the capture ends here
    """The captured bytes end inside the message."""


@dataclass
class _Message:
    """A message as it is read and as it will be; `made` grows by what was understood only."""

    data: bytes
    made: bytearray
    label: Callable[[bytes], bytes]
    ip: Callable[[bytes], bytes]

    def take(self, length: int) -> bytes:
        """The next bytes, which the caller has to add in one form or other."""
        at = len(self.made)
        if at + length > len(self.data):
            raise _CutShort
        return self.data[at : at + length]

    def keep(self, length: int) -> bytes:
        """Take the next bytes as they are."""
        taken = self.take(length)
        self.made += taken
        return taken


def rewritten(
    data: bytes, label: Callable[[bytes], bytes], ip: Callable[[bytes], bytes], *, cut: bool = False
) -> bytes:
    """A message without names and addresses, as long as `data`, or the part of it that is understood.

    Args:
        data: the message, from its identifier on.
        label: from a label in lower case to one of the same length.
        ip: from an address (4 or 16 bytes) to its pseudonym.
        cut: the capture does not have all of the message; then what comes before its end is enough.

    Returns:
        The message; nothing where it is no DNS message.
    """
    message = _Message(data, bytearray(), label, ip)
    whole = 0
    try:
        counts = _head(message)
        for _ in range(counts[0]):
            _name(message)
            message.keep(4)
            whole = len(message.made)
        for _ in range(sum(counts[1:])):
            _record(message)
            whole = len(message.made)
    except _CutShort:
        return bytes(message.made[:whole]) if cut else b""
    except NotUnderstood:
        return b""
    if len(message.made) < len(data):
        return b""
    return bytes(message.made)


def _head(message: _Message) -> tuple[int, ...]:
    head = message.keep(_HEADER)
    _, flags, *counts = struct.unpack(">6H", head)
    if flags >> 11 & 15 not in _OPCODES or flags & 0x40:
        raise NotUnderstood("no DNS header")
    if counts[0] > _MOST_QUESTIONS or sum(counts) > _MOST_RECORDS or not sum(counts):
        raise NotUnderstood("counts that no message has")
    return tuple(counts)


def _name(message: _Message, end: int | None = None) -> None:
    """A name: labels, then a zero or a pointer. Where it points to was rewritten when it was read."""
    while True:
        length = message.take(1)[0]
        if length >= 0xC0:
            message.keep(2)
            break
        if length > 63:
            raise NotUnderstood("a kind of label that is not in use")
        message.keep(1)
        if not length:
            break
        old = message.take(length).lower()
        new = old if old in KNOWN_LABELS else message.label(old)
        if len(new) != length:
            raise NotUnderstood("a label of another length")
        message.made += new
        if end is not None and len(message.made) > end:
            break
    if end is not None and len(message.made) > end:
        raise NotUnderstood("a name that is longer than its record")


def _record(message: _Message) -> None:
    _name(message)
    kind, _, _, length = struct.unpack(">HHIH", message.keep(10))
    message.take(length)
    end = len(message.made) + length
    if (kind == _A and length == 4) or (kind == _AAAA and length == 16):
        message.made += message.ip(message.take(length))
    elif kind in _ONE_NAME and length > _ONE_NAME[kind]:
        message.keep(_ONE_NAME[kind])
        _name(message, end)
        if kind in (_SVCB, _HTTPS):
            _options(message, end, hints=True)
    elif kind == _SOA and length > 20:
        _name(message, end)
        _name(message, end)
        message.keep(min(20, max(end - len(message.made), 0)))
    elif kind == _TXT:
        _texts(message, end)
    elif kind == _OPT:
        _options(message, end, hints=False)
    if len(message.made) > end:
        raise NotUnderstood("a record that is longer than it says")
    # What is not told apart: keys, signatures, private kinds.
    message.made += bytes(end - len(message.made))


def _texts(message: _Message, end: int) -> None:
    """Character strings: how long each is, and nothing of what it says."""
    while len(message.made) < end:
        length = message.keep(1)[0]
        message.made += b"x" * min(length, end - len(message.made))


def _options(message: _Message, end: int, *, hints: bool) -> None:
    """Pairs of number and value, as EDNS and SVCB have them: the numbers and lengths stay, addresses are renamed."""
    while len(message.made) + 4 <= end:
        key, length = struct.unpack(">HH", message.keep(4))
        length = min(length, end - len(message.made))
        size = {_IPV4_HINT: 4, _IPV6_HINT: 16}.get(key, 0) if hints else 0
        while size and length >= size:
            message.made += message.ip(message.take(size))
            length -= size
        message.made += bytes(length)
