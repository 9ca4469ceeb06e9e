"""Display filters. Only this module builds them, because values come from the wire.

A name that holds `" or frame or "` must end up as text inside a quoted string; an
IPv6 address needs another field than an IPv4 one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SAFE_FIELD = re.compile(r"[A-Za-z0-9_.\-]+\Z")


def quoted(value: str) -> str:
    r"""`value` as a display-filter string: quotes and backslashes escaped, everything unusual as \xNN bytes."""
    made = []
    for byte in value.encode("utf-8", "replace"):
        character = chr(byte)
        if character in '"\\':
            made.append("\\" + character)
        elif 0x20 <= byte < 0x7F and character != ",":
            # A comma would end the filter inside a tap argument (-z io,stat,...), so it is written as a byte too.
            made.append(character)
        else:
            made.append(f"\\x{byte:02x}")
    # tshark expands `${name}` as a filter macro even inside a string, and refuses the filter where there is none.
    return '"' + "".join(made).replace("${", "\\x24{") + '"'


def _field(name: str) -> str:
    if not _SAFE_FIELD.match(name):
        raise ValueError(f"not a field name: {name!r}")
    return name


def _family(address: str) -> str:
    return "ipv6" if ":" in address else "ip"


def _checked(address: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F:.]+", address):
        raise ValueError(f"not an address: {address!r}")
    return address


def host(address: str) -> str:
    """Packets from or to `address`."""
    return f"{_family(address)}.addr == {_checked(address)}"


def src(address: str) -> str:
    """Packets from `address`."""
    return f"{_family(address)}.src == {_checked(address)}"


def dst(address: str) -> str:
    """Packets to `address`."""
    return f"{_family(address)}.dst == {_checked(address)}"


def between(a: str, b: str) -> str:
    """Packets between two addresses, both ways."""
    return all_of(host(a), host(b)) if a != b else host(a)


def mac(address: str) -> str:
    """Frames from or to a link-layer address."""
    return f"eth.addr == {_checked(address)}"


def port(transport: str, number: int) -> str:
    """Packets from or to a port; `transport` is tcp, udp or sctp."""
    return f"{_field(transport)}.port == {int(number)}"


def src_port(transport: str, number: int) -> str:
    """Packets from a port."""
    return f"{_field(transport)}.srcport == {int(number)}"


def dst_port(transport: str, number: int) -> str:
    """Packets to a port."""
    return f"{_field(transport)}.dstport == {int(number)}"


def equals(field: str, value: str | int | float) -> str:
    """A field has exactly this value; text is quoted, numbers are not."""
    return f"{_field(field)} == {quoted(value) if isinstance(value, str) else value}"


def at(field: str, address: str) -> str:
    """A field that holds an IP or MAC address has exactly this one; tshark takes no quotes there."""
    return f"{_field(field)} == {_checked(address)}"


def equals_hex(field: str, value: int) -> str:
    """A number field has exactly this value, written as Wireshark shows it: status codes and flags."""
    return f"{_field(field)} == {int(value):#x}"


def filled(field: str) -> str:
    """A text field is there and not empty."""
    return f'{_field(field)} matches "."'


def positive(field: str) -> str:
    """A number field is greater than 0: packets that carry something."""
    return f"{_field(field)} > 0"


def contains(field: str, value: str) -> str:
    """A text field holds `value` somewhere (case matters)."""
    return f"{_field(field)} contains {quoted(value)}"


def _pattern(value: str) -> str:
    """A regular expression that means exactly `value`; unusual characters as bytes in hex."""
    made = []
    for byte in value.encode("utf-8", "replace"):
        character = chr(byte)
        if byte < 0x80 and (character.isalnum() or character in "-_"):
            made.append(character)
        else:
            made.append("[.]" if character == "." else f"\\x{byte:02x}")
    return "".join(made)


def under(field: str, domain: str) -> str:
    """A name is `domain` or stands below it; case does not matter."""
    return f"{_field(field)} matches {quoted('(^|[.])' + _pattern(domain) + '$')}"


def begins(field: str, value: str) -> str:
    """A text field begins with `value`; case does not matter."""
    return f"{_field(field)} matches {quoted('^' + _pattern(value))}"


def under_host(field: str, domain: str) -> str:
    """As `under`, for a field that may hold a port behind the name, such as `http.host`."""
    return f"{_field(field)} matches {quoted('(^|[.])' + _pattern(domain) + '(:[0-9]+)?$')}"


def whole(field: str, value: str) -> str:
    """A text field is `value` and nothing else; case does not matter."""
    return f"{_field(field)} matches {quoted('^' + _pattern(value) + '$')}"


def holds(field: str, value: str) -> str:
    """A text field holds `value` somewhere; case does not matter."""
    return f"{_field(field)} matches {quoted(_pattern(value))}"


def network(prefix: str, field: str = "") -> str:
    """Packets from or to an address of a network such as `203.0.113.0/24`, or whose `field` holds one."""
    address, _, length = prefix.partition("/")
    return f"{_field(field or f'{_family(address)}.addr')} == {_checked(address)}/{int(length)}"


def exists(field: str) -> str:
    """Packets that have a field or protocol."""
    return _field(field)


def all_of(*parts: str) -> str:
    """Every part holds."""
    kept = [p for p in parts if p]
    return " && ".join(f"({p})" if re.search(r"\|\||&&| or | and ", p) and len(kept) > 1 else p for p in kept)


def any_of(*parts: str) -> str:
    """One part holds."""
    kept = [p for p in parts if p]
    return " || ".join(f"({p})" if "&&" in p and len(kept) > 1 else p for p in kept)


def negated(part: str) -> str:
    """A part does not hold."""
    return f"!({part})"


def one_of(field: str, values: Iterable[str | int]) -> str:
    """A field has one of these values."""
    return any_of(*(equals(field, value) for value in values))


def frame_range(first: int | None, last: int | None) -> str:
    """Frames from `first` to `last`; None leaves that end open."""
    if first is not None and last is not None:
        return f"frame.number in {{{int(first)}..{int(last)}}}"
    low = "" if first is None else f"frame.number >= {int(first)}"
    high = "" if last is None else f"frame.number <= {int(last)}"
    return all_of(low, high)


def time_range(first: str, last: str) -> str:
    """Packets from `first` to `last`, both seconds since 1970 as decimal numbers."""
    return f"frame.time_epoch >= {float(first):.6f} && frame.time_epoch <= {float(last):.6f}"


def frames(numbers: Iterable[int], limit: int = 60) -> str:
    """Named frames, as a set of numbers and ranges; only where nothing better describes them.

    Stops after `limit` of them: no filter field takes thousands.
    """
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    parts = [f"{first}" if first == last else f"{first}..{last}" for first, last in ranges[:limit]]
    if len(parts) == 1 and ".." not in parts[0]:
        return f"frame.number == {parts[0]}"
    return f"frame.number in {{{', '.join(parts)}}}" if parts else ""
