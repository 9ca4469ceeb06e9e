"""A file of indicators -> indicators: one a line, CSV, JSON, or text pasted from a mail; its content tells which."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tshark_report.focus import read_json
from tshark_report.focus.bounded import MOST_LIST_BYTES, Unreadable, decoded, name_of, whole
from tshark_report.focus.indicators import PREFIXES, Indicator, Kind, given, guess, in_text, typed, unique
from tshark_report.focus.refang import refang

MOST = 500_000
"""Indicators taken from one list."""

COLUMNS: dict[str, tuple[Kind, ...]] = {
    **PREFIXES,
    "ip_address": ("address", "network"), "ipaddress": ("address", "network"), "ipv4": ("address", "network"),
    "ipv6": ("address", "network"), "src_ip": ("address",), "dst_ip": ("address",), "dest_ip": ("address",),
    "hostname": ("name",), "fqdn": ("name",), "domain_name": ("name",), "sha256_hash": ("sha256",),
    "sha1_hash": ("sha1",), "md5_hash": ("md5",), "user_agent": ("user-agent",), "useragent": ("user-agent",),
    "file_name": ("file",), "ja3_md5": ("ja3",), "ja3_fingerprint": ("ja3",), "sha-256": ("sha256",),
    "sha-1": ("sha1",),
}  # fmt: skip
VALUE_COLUMNS = ("value", "indicator", "ioc", "observable", "indicator_value", "ioc_value", "artifact")
TYPE_COLUMNS = ("type", "indicator_type", "ioc_type", "kind", "observable_type", "data_type")
NOTE_COLUMNS = (
    "note",
    "comment",
    "description",
    "title",
    "threat",
    "malware",
    "tags",
    "reference",
    "malware_printable",
)
BINARY_SHARE = 0.1
"""Share of control characters from which a file is no text."""


@dataclass(frozen=True)
class ReadList:
    """What one file gave."""

    indicators: list[Indicator] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences on what could not be used."""
    how: str = ""
    """What the file was taken for."""


def read(path: Path) -> ReadList:
    """The indicators of a file, each once. A file that cannot be used gives none, and a note that says why."""
    name = name_of(path)
    try:
        data, more = whole(path)
        found, notes, how = _read(data, name)
    except Unreadable as error:
        return ReadList([], [str(error)])
    made = unique(found)
    if more:
        notes.append(f"{name} is larger than {MOST_LIST_BYTES // 1_000_000} MB: what stands behind that was not read.")
    if len(made) > MOST:
        notes.append(f"{name} holds {len(made):,} indicators: the first {MOST:,} were looked for.")
    if not made:
        notes.append(f"{name} holds nothing that was recognised as an indicator.")
    return ReadList(made[:MOST], notes, how)


def _read(data: bytes, name: str) -> tuple[list[Indicator], list[str], str]:
    text = decoded(data)
    head = text[:65536]
    if not head.strip():
        raise Unreadable(f"{name} is empty: there was nothing to look for.")
    odd = sum(1 for c in head if (c < " " and c not in "\t\r\n\f") or c == "\ufffd")
    if odd > BINARY_SHARE * len(head):
        raise Unreadable(f"{name} is no text (a document or archive?): save the list as text, CSV or JSON.")
    start = head.lstrip()[:1]
    if start == "{" or (start == "[" and head.lstrip()[1:].lstrip()[:1] in ('"', "{", "]")):
        found, notes = read_json.read(text.encode("utf-8", "replace"), name)
        return found, notes, "JSON"
    if head.lstrip().startswith(("<?xml", "<ioc", "<!DOCTYPE", "<html")):
        raise Unreadable(f"{name} is XML or HTML, which is not read: export the list as CSV, STIX 2.1 or MISP JSON.")
    lines = text.splitlines()
    table = _csv(lines, name)
    if table is not None:
        return table[0], table[1], "CSV"
    return _lines(lines, name)


def _plain(line: str) -> str:
    """Without the bullet before it and the remark behind it."""
    line = line.strip().lstrip("\u2022*\u00b7").strip()
    if line.startswith("- "):
        line = line[2:].strip()
    before, mark, _ = line.partition(" #")
    return before.strip() if mark else line


def _lines(lines: list[str], name: str) -> tuple[list[Indicator], list[str], str]:
    found: list[Indicator] = []
    nothing = prose = 0
    for number, raw in enumerate(lines, start=1):
        line = _plain(raw)
        if not line or line.startswith(("#", "//", ";")):
            continue
        source = f"{name}, line {number}"
        # One line, one indicator, unless it is a sentence: several words are one only as a user agent or after `kind:`.
        one = given(line, source)
        if one is not None and one.value.isalpha() and one.kinds[0] == "name":
            one = None  # a bare word is a heading more often than a user or host: `user:admin` says which
        if one is not None and (" " not in refang(line) or one.kind == "user-agent" or ":" in line.split()[0]):
            found.append(one)
            continue
        some = list(in_text(line, source))
        found += some
        prose += bool(some)
        nothing += not some
    notes = []
    if nothing and not prose:
        notes.append(f"{name}: {nothing:,} lines hold nothing that was recognised as an indicator.")
    return found, notes, "text" if prose else "one a line"


def _csv(lines: list[str], name: str) -> tuple[list[Indicator], list[str]] | None:
    """The indicators of a table with a header that names its columns; None where there is no such header."""
    at = next((i for i, line in enumerate(lines[:50]) if line.strip() and not line.lstrip().startswith("#")), None)
    # Some feeds keep the header behind a `#`.
    places = [i for i in range(min(50, len(lines))) if lines[i].strip()][: (at or 0) + 1] if at is not None else []
    for place in reversed(places):
        head = lines[place].lstrip("# ").strip()
        for mark in ("\t", ";", ",", "|"):
            if mark not in head and not (mark == "," and head.strip('"').lower() in (*VALUE_COLUMNS, *COLUMNS)):
                continue
            names = [
                cell.strip().strip('"').lower().replace(" ", "_") for cell in next(csv.reader([head], delimiter=mark))
            ]
            if set(names) & {*VALUE_COLUMNS, *COLUMNS} and not any(guess(n) in (("address",), ("url",)) for n in names):
                return _rows(lines[place + 1 :], names, mark, name, place + 2)
    return None


def _rows(lines: list[str], names: list[str], mark: str, name: str, first: int) -> tuple[list[Indicator], list[str]]:
    value = next((names.index(n) for n in VALUE_COLUMNS if n in names), None)
    kind = next((names.index(n) for n in TYPE_COLUMNS if n in names), None)
    notes_at = [i for i, n in enumerate(names) if n in NOTE_COLUMNS]
    columns = [(i, COLUMNS[n]) for i, n in enumerate(names) if n in COLUMNS] if value is None else []
    found: list[Indicator] = []
    odd = read_json.Odd()
    csv.field_size_limit(1_000_000)
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=mark, skipinitialspace=True)
    for row in _tolerant(reader):
        if not row or row[0].lstrip().startswith("#"):
            continue
        source = f"{name}, line {first + reader.line_num - 1}"
        note = "; ".join(row[i].strip() for i in notes_at if i < len(row) and row[i].strip())
        if value is not None:
            text = row[value] if value < len(row) else ""
            found += _value(text, row[kind] if kind is not None and kind < len(row) else "", source, note, odd)
            continue
        for place, kinds in columns:
            text = row[place].strip() if place < len(row) else ""
            if text and text not in ("-", "None", "null", "N/A"):
                made = typed(kinds, text, source, note)
                found += [made] if made is not None else []
                odd.broken += made is None
    return found, odd.notes(name)


def _tolerant(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:  # a broken row costs itself only
            continue


def _value(text: str, kind: str, source: str, note: str, odd: read_json.Odd) -> list[Indicator]:
    bare = kind.strip().lower()
    kinds = COLUMNS.get(bare) or read_json.OWN_TYPES.get(bare) or read_json.MISP_TYPES.get(bare)
    if kinds is None and bare and not text.strip():
        return []
    made = typed(kinds, text, source, note) if kinds else None
    if made is None:
        plain = given(text, source)
        made = Indicator(plain.kinds, plain.value, source, note) if plain is not None else None
    odd.broken += made is None and bool(text.strip())
    return [made] if made is not None else []
