"""Files that crossed the wire: what `tshark --export-objects` wrote, hashed, typed by content, and deleted.

tshark names an exported file after its URL or share path and does not say which packet
it came from; the tables do, so each file is matched with the transfer that asked for it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from tshark_report.tables.tables import FILE_SCHEMA

MAGICS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"MZ", "Windows executable (PE)"),
    (0, b"\x7fELF", "Linux executable (ELF)"),
    (0, b"\xfe\xed\xfa\xce", "macOS executable (Mach-O)"),
    (0, b"\xcf\xfa\xed\xfe", "macOS executable (Mach-O)"),
    (0, b"\xca\xfe\xba\xbe", "Java class"),
    (0, b"PK\x03\x04", "ZIP archive or Office document"),
    (0, b"Rar!\x1a\x07", "RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (0, b"\x1f\x8b\x08", "gzip data"),
    (0, b"MSCF", "Windows cabinet"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office document or MSI (OLE)"),
    (0, b"{\\rtf", "RTF document"),
    (0, b"%PDF", "PDF document"),
    (0, b"GIF8", "GIF image"),
    (0, b"\x89PNG\r\n", "PNG image"),
    (0, b"\xff\xd8\xff", "JPEG image"),
    (0, b"RIFF", "RIFF media"),
    (0, b"FWS", "Flash"),
    (0, b"CWS", "Flash"),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", "Windows shortcut (LNK)"),
    (0, b"#!", "script"),
    (257, b"ustar", "tar archive"),
    (0, b"!<arch>\ndebian", "Debian package"),
)
"""Offset, bytes and name of file types, from the file formats' own definitions (libmagic's tables, 2024)."""

HEAD = 512
MOST_FILES = 5_000


@dataclass(frozen=True)
class _Transfer:
    name: str
    frame: int
    time: float
    source: str
    destination: str
    stream: int | None
    declared: str
    uri: str
    host: str
    bytes: int | None


def detect(head: bytes) -> str:
    """What the first bytes of a file say it is; "" where they say nothing known."""
    for offset, magic, name in MAGICS:
        if head[offset : offset + len(magic)] == magic:
            return name
    start = head[:HEAD].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if start.startswith(b"<?xml"):
        return "XML"
    if start.startswith(b"<?php"):
        return "PHP script"
    if head and all(byte >= 0x20 or byte in b"\t\r\n\f\x1b" for byte in head):
        return "text"
    return ""


def collect(folder: Path, http: pl.DataFrame, smb: pl.DataFrame, ftp: pl.DataFrame, misc: pl.DataFrame, packets: pl.DataFrame) -> pl.DataFrame:
    """The files table; what was exported below `folder` is read once and removed."""
    rows: list[dict[str, object]] = []
    transfers = {"http": _http(http), "smb": _smb(smb), "ftp-data": _ftp(ftp), "tftp": _tftp(misc), "imf": []}
    for kind, waiting in transfers.items():
        place = folder / kind
        if not place.is_dir():
            continue
        for path in sorted(place.iterdir(), key=lambda p: (p.stat().st_mtime_ns, p.name))[:MOST_FILES]:
            if not path.is_file() or path.is_symlink():
                continue
            size = path.stat().st_size
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                head = file.read(HEAD)
            found = _match(path.name, size, waiting)
            rows.append(
                {
                    "name": found.name if found else path.name,
                    "protocol": {"ftp-data": "ftp", "imf": "mail"}.get(kind, kind),
                    "source": found.source if found else "",
                    "destination": found.destination if found else "",
                    "bytes": size,
                    "sha256": digest,
                    "declared_type": found.declared if found else "",
                    "detected_type": detect(head),
                    "frame": found.frame if found else None,
                    "time": found.time if found else None,
                    "stream": found.stream if found else None,
                    "uri": found.uri if found else "",
                    "host": found.host if found else "",
                    "head": head,
                }
            )
    shutil.rmtree(folder, ignore_errors=True)
    return pl.DataFrame(rows, schema=FILE_SCHEMA).sort("frame", nulls_last=True)


def _plain(name: str) -> str:
    """A name as comparable as tshark's file name is: last part of the path, unusual characters left out."""
    last = re.split(r"[\\/]", unquote(name.split("?", 1)[0]))[-1]
    return re.sub(r"[^A-Za-z0-9._-]", "", last).lower()


def _match(file_name: str, size: int, waiting: list[_Transfer]) -> _Transfer | None:
    """The transfer that this exported file belongs to; it is taken off the list."""
    # tshark writes `name(2).ext` for the third file of the same name, and %5c for a backslash.
    bare = _plain(re.sub(r"\(\d+\)(?=\.[^.]*$|$)", "", file_name))
    same = [t for t in waiting if _plain(t.name) == bare or (t.uri and _plain(t.uri) == bare)]
    if not same:
        same = [t for t in waiting if t.bytes == size and size > 0]
    if not same:
        return None
    best = next((t for t in same if t.bytes == size), same[0])
    waiting.remove(best)
    return best


def _http(http: pl.DataFrame) -> list[_Transfer]:
    """Every HTTP body: the response's where a request was answered, the request's where it carried one."""
    made: list[_Transfer] = []
    asked: dict[tuple[int | None, str], list[dict[str, object]]] = {}
    for row in http.filter(pl.col("protocol") != "SSDP").iter_rows(named=True):
        if row["method"]:
            asked.setdefault((row["stream"], row["dst"]), []).append(row)
            if row["content_length"] or row["method"] in ("POST", "PUT"):
                made.append(_transfer(row, row, row["content_type"], row["content_length"]))
        elif row["status"]:
            queue = asked.get((row["stream"], row["src"]), [])
            request = queue.pop(0) if queue else None
            made.append(_transfer(request or row, row, row["content_type"], row["content_length"]))
    return made


def _transfer(request: dict[str, object], carrier: dict[str, object], declared: object, size: object) -> _Transfer:
    uri = str(request.get("uri") or "")
    name = unquote(uri.split("?", 1)[0]).rsplit("/", 1)[-1] or uri
    return _Transfer(
        name=name or "(no name)",
        frame=int(str(carrier["frame"])),
        time=float(str(carrier["time"])),
        source=str(carrier["src"] or ""),
        destination=str(carrier["dst"] or ""),
        stream=int(str(carrier["stream"])) if carrier["stream"] is not None else None,
        declared=str(declared or "").split(";", 1)[0].strip(),
        uri=uri,
        host=str(request.get("host") or ""),
        bytes=int(str(size)) if size is not None else None,
    )


def _smb(smb: pl.DataFrame) -> list[_Transfer]:
    # Create (5) in SMB2, NT Create AndX (0xa2) and Open AndX (0x2d) in SMB1 name the file; a write goes to the server.
    rows = smb.filter(pl.col("file").is_not_null() & (pl.col("file") != ""))
    made = []
    wrote = set(smb.filter(pl.col("write_bytes").is_not_null())["stream"].to_list())
    seen = set()
    for row in rows.iter_rows(named=True):
        key = (row["stream"], row["file"])
        if key in seen or row["response"]:
            continue
        seen.add(key)
        up = row["stream"] in wrote
        made.append(
            _Transfer(
                row["file"], row["frame"], row["time"], row["src"] if up else row["dst"], row["dst"] if up else row["src"],
                row["stream"], "", row["path"] or "", "", None,
            )  # fmt: skip
        )
    return made


def _ftp(ftp: pl.DataFrame) -> list[_Transfer]:
    made = []
    for row in ftp.filter(pl.col("command").is_in(["RETR", "STOR", "STOU", "APPE"])).iter_rows(named=True):
        up = row["command"] != "RETR"
        made.append(
            _Transfer(
                row["argument"] or "", row["frame"], row["time"], row["src"] if up else row["dst"],
                row["dst"] if up else row["src"], row["stream"], "", "", "", None,
            )  # fmt: skip
        )
    return made


def _tftp(misc: pl.DataFrame) -> list[_Transfer]:
    made = []
    for row in misc.filter(pl.col("tftp_opcode").is_in([1, 2]) & pl.col("tftp_file").is_not_null()).iter_rows(named=True):
        up = row["tftp_opcode"] == 2
        made.append(
            _Transfer(
                row["tftp_file"], row["frame"], row["time"], row["src"] if up else row["dst"],
                row["dst"] if up else row["src"], row["stream"], "", "", "", None,
            )  # fmt: skip
        )
    return made
