"""What several rules about deliveries need: words, and filters that select the packets of a transfer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import polars as pl

from tshark_report.report.model import Cell, ColumnType, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context
from tshark_report.story.words import listed
from tshark_report.tables.tables import Tables

CUT = 120
"""Characters of one value from the wire in a summary."""
MOST_FINDINGS = 10
"""Findings of one rule; the most telling come first."""

HTTP_SEMANTICS = Reference(
    title="RFC 9110, HTTP Semantics: Content-Type, Referer, User-Agent", url="https://www.rfc-editor.org/rfc/rfc9110"
)
PE_FORMAT = Reference(
    title="Microsoft: PE Format (MS-DOS stub, signature)",
    url="https://learn.microsoft.com/en-us/windows/win32/debug/pe-format",
)
TOOL_TRANSFER = Reference(title="ATT&CK T1105: Ingress Tool Transfer", url="https://attack.mitre.org/techniques/T1105/")
MASQUERADING = Reference(
    title="ATT&CK T1036.008: Masquerade File Type", url="https://attack.mitre.org/techniques/T1036/008/"
)
DRIVE_BY = Reference(title="ATT&CK T1189: Drive-by Compromise", url="https://attack.mitre.org/techniques/T1189/")
USER_FILE = Reference(
    title="ATT&CK T1204.002: User Execution, Malicious File", url="https://attack.mitre.org/techniques/T1204/002/"
)
ATTACHMENT = Reference(
    title="ATT&CK T1566.001: Spearphishing Attachment", url="https://attack.mitre.org/techniques/T1566/001/"
)
ENCODED = Reference(
    title="ATT&CK T1027.013: Encrypted/Encoded File", url="https://attack.mitre.org/techniques/T1027/013/"
)
WEB_PROTOCOLS = Reference(title="ATT&CK T1071.001: Web Protocols", url="https://attack.mitre.org/techniques/T1071/001/")


def cut(text: object, limit: int = CUT) -> str:
    """A value from the wire on one line, at most `limit` characters."""
    flat = re.sub(r"\s+", " ", str(text)).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def called(context: Context, address: str) -> str:
    """An address with the name this capture shows for it, cut."""
    return cut(context.named(address), 90)


def names(values: Iterable[str], limit: int = 5, noun: str = "more") -> str:
    """Distinct values in order of appearance, cut, as a list in words."""
    return listed([cut(v, 80) for v in dict.fromkeys(values)], limit, noun)


def between(a: str, b: str) -> pl.Expr:
    """Rows from one host to the other, either way."""
    return ((pl.col("src") == a) & (pl.col("dst") == b)) | ((pl.col("src") == b) & (pl.col("dst") == a))


def stretch(transport: str, stream: int, first: int | None = None, last: int | None = None) -> str:
    """Packets of a stream, or those of its frames from `first` to `last`."""
    return filters.all_of(filters.equals(f"{transport}.stream", stream), filters.frame_range(first, last))


def stretch_frames(tables: Tables, wanted: Sequence[tuple[str, int, int | None, int | None]]) -> list[int]:
    """The frames that the `stretch` filters of (transport, stream, first, last) select together."""
    found: set[int] = set()
    for transport, stream, first, last in wanted:
        own = near.of_streams(tables, transport, [stream])["frame"] if transport in ("tcp", "udp") else pl.Series()
        found.update(n for n in own.to_list() if (first is None or n >= first) and (last is None or n <= last))
    return sorted(found)


FILE_COLUMNS: tuple[tuple[str, ColumnType], ...] = (
    ("time", "time"),
    ("frame", "frame"),
    ("file", "text"),
    ("content", "text"),
    ("declared", "text"),
    ("bytes", "bytes"),
    ("from", "address"),
    ("host", "text"),
    ("to", "address"),
    ("user agent", "text"),
    ("SHA-256", "text"),
)
"""Evidence columns of the rules that list files."""

Row = Sequence[Cell]
