"""The parts of an X.509 certificate that matter here, read from its first bytes.

Certificates may arrive without their end, because the capture or a column was cut. A
full parser refuses those; serial, issuer, validity and subject stand in front
of the key (RFC 5280, section 4.1) and are read here one DER element at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from tshark_report.tables.schema import BASE_SCHEMA

CERTIFICATE_SCHEMA: dict[str, pl.DataType] = BASE_SCHEMA | {
    "subject": pl.String(),
    "issuer": pl.String(),
    "common_name": pl.String(),
    "issuer_name": pl.String(),
    "serial": pl.String(),
    "not_before": pl.Float64(),
    "not_after": pl.Float64(),
    "self_signed": pl.Boolean(),
    "alt_names": pl.List(pl.String()),
    "chain": pl.UInt32(),
}
"""One row for each TLS handshake that shows its server's certificate (TLS 1.2 and older). `src` is the server.

`subject` and `issuer` are `CN=..., O=...` in certificate order; `not_before` and `not_after` seconds since 1970 UTC;
`self_signed`: issuer and subject are equal and not empty; `chain`: certificates sent along, this one included."""

ATTRIBUTES = {
    "2.5.4.3": "CN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O",
    "2.5.4.11": "OU", "1.2.840.113549.1.9.1": "E", "0.9.2342.19200300.100.1.25": "DC",
}  # fmt: skip
"""Names of distinguished-name attributes (RFC 4519)."""


@dataclass(frozen=True)
class Certificate:
    """What stands in front of the public key; times in seconds since 1970 UTC, None where unreadable."""

    serial: str
    issuer: tuple[tuple[str, str], ...]
    subject: tuple[tuple[str, str], ...]
    not_before: float | None
    not_after: float | None


class Malformed(ValueError):
    """These bytes are not DER, or end too early."""


def _element(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the content of the DER element at `at`; the end may lie behind the data."""
    if at + 2 > len(data):
        raise Malformed("no element")
    tag, size, at = data[at], data[at + 1], at + 2
    if size >= 0x80:
        count = size & 0x7F
        if not 1 <= count <= 4 or at + count > len(data):
            raise Malformed("a length that cannot be")
        size, at = int.from_bytes(data[at : at + count], "big"), at + count
    return tag, at, at + size


def _children(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    while start < min(end, len(data)):
        tag, inner, following = _element(data, start)
        yield tag, data[inner : min(following, len(data))]
        start = following


def _oid(data: bytes) -> str:
    parts, value = [], 0
    for byte in data:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            parts.append(value)
            value = 0
    if not parts:
        return ""
    first = min(parts[0] // 40, 2)
    return ".".join(map(str, [first, parts[0] - 40 * first, *parts[1:]]))


def _text(tag: int, data: bytes) -> str:
    # BMPString is UTF-16, UniversalString UTF-32; the rest is UTF-8 or a subset of Latin-1.
    encoding = {0x1E: "utf-16-be", 0x1C: "utf-32-be", 0x14: "latin-1"}.get(tag, "utf-8")
    return data.decode(encoding, "replace")


def _name(data: bytes) -> tuple[tuple[str, str], ...]:
    made = []
    for _, group in _children(data, 0, len(data)):
        for _, pair in _children(group, 0, len(group)):
            parts = list(_children(pair, 0, len(pair)))
            if len(parts) == 2 and parts[0][0] == 0x06:
                oid = _oid(parts[0][1])
                made.append((ATTRIBUTES.get(oid, oid), _text(*parts[1])))
    return tuple(made)


def _time(tag: int, data: bytes) -> float | None:
    text = data.decode("ascii", "replace")
    if tag == 0x17 and len(text) >= 2 and text[:2].isdigit():
        # Two-digit years below 50 are 20xx (RFC 5280, section 4.1.2.5.1).
        text = ("20" if int(text[:2]) < 50 else "19") + text
    try:
        return datetime.strptime(text.rstrip("Z")[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def parse(data: bytes) -> Certificate:
    """Read the first bytes of a DER certificate.

    Raises:
        Malformed: it is not one, or is cut before its subject.
    """
    tag, start, _ = _element(data, 0)
    if tag != 0x30:
        raise Malformed("no certificate")
    tag, start, end = _element(data, start)
    if tag != 0x30:
        raise Malformed("no certificate body")
    fields = []
    for child in _children(data, start, end):
        fields.append(child)
        if len(fields) == 7:
            break
    if fields and fields[0][0] == 0xA0:  # the version, absent in version 1
        fields = fields[1:]
    if len(fields) < 5:
        raise Malformed("cut before the subject")
    times = [_time(*child) for child in _children(fields[3][1], 0, len(fields[3][1]))]
    if len(times) != 2:
        raise Malformed("no validity")
    return Certificate(fields[0][1].hex(), _name(fields[2][1]), _name(fields[4][1]), times[0], times[1])


def _shown(name: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{key}={value}" for key, value in name)


def _common(name: tuple[tuple[str, str], ...]) -> str:
    named = dict(reversed(name))
    return named.get("CN") or named.get("O") or ""


def certificates(raw: pl.DataFrame) -> pl.DataFrame:
    """The certificates table from the raw family table; unreadable certificates are left out."""
    rows = []
    parsed: dict[str, Certificate | None] = {}
    for row in raw.filter(pl.col("der").is_not_null()).iter_rows(named=True):
        der = row["der"].replace(":", "").rstrip("\u2026")
        der = der[: len(der) // 2 * 2]
        if der not in parsed:
            try:
                parsed[der] = parse(bytes.fromhex(der))
            except (Malformed, ValueError, RecursionError):
                parsed[der] = None
        found = parsed[der]
        if found is None:
            continue
        rows.append(
            {name: row[name] for name in BASE_SCHEMA}
            | {
                "subject": _shown(found.subject),
                "issuer": _shown(found.issuer),
                "common_name": _common(found.subject),
                "issuer_name": _common(found.issuer),
                "serial": found.serial,
                "not_before": found.not_before,
                "not_after": found.not_after,
                "self_signed": bool(found.subject) and found.subject == found.issuer,
                "alt_names": row["alt_names"] or [],
                "chain": max(1, len(row["lengths"] or [])),
            }
        )
    return pl.DataFrame(rows, schema=CERTIFICATE_SCHEMA)
