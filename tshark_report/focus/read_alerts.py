"""Alerts of a sensor: Suricata's EVE JSON, and Zeek's notice.log as TSV or JSON; told apart by what is in the file.

EVE: one JSON object a line, `event_type` "alert" (docs.suricata.io, Eve JSON Format). Zeek: a table whose `#fields`
line names the columns, or one JSON object a line with `ts` and `note` (docs.zeek.org, Notice::Info). Either may be
packed by gzip. What is not an alert is passed over, what is broken is counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tshark_report.focus.bounded import Unreadable, lines, name_of
from tshark_report.focus.indicators import normal

MOST = 200_000
"""Alerts taken from one file."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: when, between whom, and what the sensor said. Ports are None where the sensor names none."""

    time: float
    """Seconds since 1970 UTC."""
    src: str
    dst: str
    src_port: int | None
    dst_port: int | None
    transport: str
    """tcp, udp, icmp, ...; empty where the sensor names none."""
    signature: str
    source: str
    """File and line."""
    severity: str = ""


@dataclass(frozen=True)
class ReadAlerts:
    """What one file gave."""

    alerts: list[Alert] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    how: str = ""


class _Said(msgspec.Struct):
    signature: str | None = None
    signature_id: int | None = None
    category: str | None = None
    severity: int | None = None


class _Eve(msgspec.Struct):
    event_type: str | None = None
    timestamp: str | None = None
    src_ip: str | None = None
    src_port: int | None = None
    dest_ip: str | None = None
    dest_port: int | None = None
    proto: str | None = None
    alert: _Said | None = None


_EVE = msgspec.json.Decoder(_Eve, strict=False)


class _Count:
    def __init__(self) -> None:
        self.broken = 0
        self.others = 0
        self.lines = 0


def read(path: Path) -> ReadAlerts:
    """The alerts of a file, in its order. A file that cannot be used gives none, and a note that says why."""
    name = name_of(path)
    count = _Count()
    found: list[Alert] = []
    how = [""]
    more = False
    try:
        for alert in _alerts(path, name, count, how):
            if len(found) >= MOST:
                more = True
                break
            found.append(alert)
    except Unreadable as error:
        return ReadAlerts([], [str(error)])
    notes = []
    if more:
        notes.append(f"{name} holds more than {MOST:,} alerts: the first {MOST:,} were looked at.")
    if count.broken:
        notes.append(f"{name}: {count.broken:,} lines could not be read as alerts.")
    if not found:
        notes.append(_none(name, count))
    return ReadAlerts(found, notes, how[0])


def _none(name: str, count: _Count) -> str:
    if not count.lines:
        return f"{name} is empty: there was no alert in it."
    if count.others:
        return f"{name} holds {count.others:,} events, but none of them is an alert."
    return f"{name} is neither Suricata's EVE JSON nor a notice.log of Zeek: no alert was read from it."


def _alerts(path: Path, name: str, count: _Count, how: list[str]) -> Iterator[Alert]:
    columns: list[bytes] | None = None
    separator, unset = b"\t", b"-"
    stream = lines(path)
    for number, line in enumerate(stream, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip(b" \r")
        if not text:
            continue
        count.lines += 1
        source = f"{name}, line {number}"
        if number == 1 and text.startswith((b"[", b"{")) and not text.endswith(b"}"):
            yield from _whole(text, stream, name, count, how)
            return
        if text.startswith(b"{"):
            alert = _json(text, source, count, how)
        elif text.startswith(b"#"):
            head, _, rest = text.partition(separator if text.startswith(b"#fields") else b" ")
            if head == b"#separator":
                separator = _unescaped(rest)
            elif head == b"#fields":
                columns = rest.split(separator)
                how[0] = "Zeek TSV"
            elif text.startswith(b"#unset_field"):
                unset = text[len(b"#unset_field") + 1 :]
            continue
        elif columns is not None:
            values = dict(zip(columns, text.split(separator), strict=False))
            row = {k.decode("utf-8", "replace"): v.decode("utf-8", "replace") for k, v in values.items() if v != unset}
            alert = _zeek(row, source, count)
        else:
            count.broken += 1
            alert = None
        if alert is not None:
            yield alert


def _unescaped(text: bytes) -> bytes:
    r"""Zeek writes its separator as `\x09`."""
    text = text.strip()
    if text.startswith(b"\\x") and len(text) == 4:
        try:
            return bytes([int(text[2:], 16)])
        except ValueError:
            return b"\t"
    return text or b"\t"


def _whole(first: bytes, rest: Iterator[bytes], name: str, count: _Count, how: list[str]) -> Iterator[Alert]:
    """A file that is one JSON value over many lines: a list of alerts, or a single one, as `jq` prints them."""
    pieces, size = [first], len(first)
    for line in rest:
        size += len(line) + 1
        if size > 256_000_000:
            raise Unreadable(f"{name} is one JSON value of more than 256 MB: write one alert a line (jq -c '.[]').")
        pieces.append(line)
    try:
        tree = msgspec.json.decode(b"\n".join(pieces))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{name} begins like JSON but cannot be read as such: {error}.") from error
    for place, each in enumerate(tree if isinstance(tree, list) else [tree], start=1):
        if isinstance(each, dict):
            alert = _json(msgspec.json.encode(each), f"{name}, alert {place}", count, how)
            if alert is not None:
                yield alert
        else:
            count.broken += 1


def _json(text: bytes, source: str, count: _Count, how: list[str]) -> Alert | None:
    if b'"event_type"' in text:
        how[0] = "Suricata EVE JSON"
        if b'"alert"' not in text:
            count.others += 1
            return None
        try:
            return _eve(_EVE.decode(text), source, count)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            count.broken += 1
            return None
    try:
        row = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        count.broken += 1
        return None
    how[0] = how[0] or "Zeek JSON"
    return _zeek(row, source, count) if isinstance(row, dict) else None


def _eve(event: _Eve, source: str, count: _Count) -> Alert | None:
    if event.event_type != "alert":
        count.others += 1
        return None
    time, src, dst = (
        _time(event.timestamp),
        normal("address", event.src_ip or ""),
        normal("address", event.dest_ip or ""),
    )
    if time is None or src is None or dst is None:
        count.broken += 1
        return None
    said = event.alert or _Said()
    transport = (event.proto or "").lower().replace("ipv6-icmp", "icmp").replace("icmpv6", "icmp")
    words = said.signature or "an alert without words"
    return Alert(
        time,
        src,
        dst,
        _port(event.src_port),
        _port(event.dest_port),
        transport,
        words if said.signature_id is None else f"{words} (SID {said.signature_id})",
        source,
        str(said.severity) if said.severity is not None else "",
    )


def _zeek(row: dict[str, Any], source: str, count: _Count) -> Alert | None:
    note = row.get("note")
    if not isinstance(note, str) or not note:
        count.others += 1
        return None
    origin, answer = row.get("id.orig_h") or row.get("src"), row.get("id.resp_h") or row.get("dst")
    time = _time(row.get("ts"))
    src = normal("address", origin) if isinstance(origin, str) else None
    dst = normal("address", answer) if isinstance(answer, str) else None
    if time is None:
        count.broken += 1
        return None
    if src is None and dst is None:
        # A notice about no host (a sensor's own troubles) fits no packet.
        count.others += 1
        return None
    message = row.get("msg")
    words = f"{note}: {message}" if isinstance(message, str) and message else note
    src_port, dst_port = _port(row.get("id.orig_p")), _port(row.get("id.resp_p") or row.get("p"))
    proto = row.get("proto")
    transport = proto.lower() if isinstance(proto, str) else ""
    return Alert(time, src or "", dst or "", src_port, dst_port, transport, words, source)


def _port(value: object) -> int | None:
    try:
        number = int(value) if isinstance(value, (int, str)) else -1
    except ValueError:
        return None
    return number if 0 <= number < 65536 else None


def _time(value: object) -> float | None:
    """Seconds since 1970 of `2024-03-07T19:00:49.181086+0000`, of `1591367999.305988`, or None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    try:
        number = float(value)
        return number if math.isfinite(number) else None
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
