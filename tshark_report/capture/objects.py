"""Files that crossed the wire: what `tshark --export-objects` wrote, hashed, typed by content, and deleted.

tshark names an exported file after its URL or share path and does not say which packet
it came from; the tables do, so each file is matched with the transfer that asked for it.
Mails are taken apart: what is attached to one is a file too.
"""

from __future__ import annotations

import email
import email.header
import email.policy
import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from tshark_report.capture import filetypes
from tshark_report.capture.filetypes import HEAD, MAGICS, detect
from tshark_report.tables.tables import FILE_SCHEMA

__all__ = ["HEAD", "MAGICS", "collect", "detect"]

_PIECE = 1 << 20
MOST_FILES = 5_000
MOST_MAIL_BYTES = 32 * 1024 * 1024
MOST_PARTS = 40
"""Parts of one mail that are looked at."""

_KINDS = {"http": "http", "smb": "smb", "ftp-data": "ftp", "tftp": "tftp", "imf": "mail"}
_RESERVED = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_NUMBERED = re.compile(r"\((\d+)\)(?=\.[^.]*$|$)")
_MAIL_LINE = re.compile(rb"[!-9;-~]+:[ \t]|From ")
SMB2_WRITE, SMB1_WRITES = 9, (0x0B, 0x2F, 0x1D)
"""Write commands of SMB2 (MS-SMB2, 2.2.21) and SMB1 (MS-CIFS: WRITE, WRITE_ANDX, WRITE_RAW)."""


@dataclass(eq=False)
class _Transfer:
    name: str
    frame: int
    time: float
    source: str
    destination: str
    stream: int | None
    declared: str = ""
    uri: str = ""
    host: str = ""
    bytes: int | None = None
    key: str = ""
    """What tshark names the file after, where that is not `name`."""
    used: bool = False


@dataclass
class _Exported:
    path: Path
    bare: str
    number: int
    size: int
    transfer: _Transfer | None = None


def collect(
    folder: Path,
    http: pl.DataFrame,
    smb: pl.DataFrame,
    ftp: pl.DataFrame,
    misc: pl.DataFrame,
    packets: pl.DataFrame,
    *,
    keep: bool = False,
) -> pl.DataFrame:
    """The files table; what was exported below `folder` is read once and, unless `keep`, removed."""
    rows: list[dict[str, object]] = []
    for kind in _KINDS:
        place = folder / kind
        if not place.is_dir():
            continue
        exported = _exported(place)
        match kind:
            case "http":
                _match(exported, _http(http))
            case "smb":
                _match(exported, _smb(smb))
            case "ftp-data":
                _match(exported, _ftp(ftp))
            case "tftp":
                _match(exported, _tftp(misc))
            case _:
                rows += _mails(exported, packets)
                continue
        rows += [_row(one, kind) for one in exported]
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return pl.DataFrame(rows, schema=FILE_SCHEMA).sort("frame", nulls_last=True, maintain_order=True)


def _exported(place: Path) -> list[_Exported]:
    """What tshark wrote, in the order of the packets: by time, and by the number that it gave files of one name."""
    found = []
    for path in place.iterdir():
        if path.is_symlink() or not path.is_file():
            continue
        state = path.stat()
        if state.st_size:
            number = _NUMBERED.search(path.name)
            # Many are written within one tick of the file system's clock: their inodes still tell which came first.
            order = (state.st_mtime_ns, state.st_ino)
            found.append((order, path, int(number[1]) if number else 0, state.st_size))
    found.sort(key=lambda one: (*one[0], one[2], one[1].name))
    return [_Exported(path, _NUMBERED.sub("", path.name), number, size) for _, path, number, size in found[:MOST_FILES]]


def _row(one: _Exported, kind: str) -> dict[str, object]:
    with one.path.open("rb") as file:
        digests = _digests(iter(lambda: file.read(_PIECE), b""))
    head, content = filetypes.read(one.path)
    return _cells(one.transfer, _KINDS[kind], one.path.name, one.size, digests, head, content)


def _digests(pieces: Iterable[bytes]) -> dict[str, str]:
    """SHA-256 for the report; SHA-1 and MD5 because older lists of indicators name files by them."""
    made = {
        "sha256": hashlib.sha256(),
        "sha1": hashlib.sha1(usedforsecurity=False),
        "md5": hashlib.md5(usedforsecurity=False),
    }
    for piece in pieces:
        for each in made.values():
            each.update(piece)
    return {name: each.hexdigest() for name, each in made.items()}


def _cells(
    found: _Transfer | None,
    protocol: str,
    name: str,
    size: int,
    digests: dict[str, str],
    head: bytes,
    content: filetypes.Content,
) -> dict[str, object]:
    return {
        "name": found.name if found else unquote(name),
        "protocol": protocol,
        "source": found.source if found else "",
        "destination": found.destination if found else "",
        "bytes": size,
        **digests,
        "declared_type": found.declared if found else "",
        "detected_type": content.type,
        "frame": found.frame if found else None,
        "time": found.time if found else None,
        "stream": found.stream if found else None,
        "uri": found.uri if found else "",
        "host": found.host if found else "",
        "head": head,
        "inside": list(content.inside),
        "marks": list(content.marks),
    }


def _written(name: str) -> str:
    """A name as tshark writes it into a file name: last part, and characters that no file name may hold as %xx."""
    last = name.rstrip("/").rsplit("/", 1)[-1] or "/"
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02x}", last)


def _plain(name: str) -> str:
    """A name as comparable as can be: last part of the path, unusual characters left out."""
    last = re.split(r"[\\/]", unquote(name.split("?", 1)[0]))[-1]
    return re.sub(r"[^A-Za-z0-9._-]", "", last).lower()


def _match(exported: list[_Exported], waiting: list[_Transfer]) -> None:
    """Give each file the transfer that it belongs to, the surest first: by the whole name, part of it, size."""
    exact: dict[str, list[_Transfer]] = {}
    loose: dict[str, list[_Transfer]] = {}
    sizes: dict[int, list[_Transfer]] = {}
    for transfer in waiting:
        exact.setdefault(_written(transfer.key or transfer.name)[:200], []).append(transfer)
        loose.setdefault(_plain(transfer.key or transfer.name), []).append(transfer)
        if transfer.bytes:
            sizes.setdefault(transfer.bytes, []).append(transfer)
    for index, name in ((exact, lambda one: one.bare[:200]), (loose, lambda one: _plain(one.bare))):
        for one in exported:
            if one.transfer is None:
                one.transfer = _first(index.get(name(one), []), one.size)
    for one in exported:
        if one.transfer is None:
            one.transfer = _first(sizes.get(one.size, []), one.size)
        if one.transfer is None:
            # The same file once more, and no transfer left: at least who sent it to whom is known.
            again = [t for t in loose.get(_plain(one.bare), []) if t.used]
            one.transfer = again[-1] if again else None


def _first(waiting: list[_Transfer], size: int) -> _Transfer | None:
    """The first free transfer of this size, else the first whose size is not known, else the first."""
    free: list[_Transfer | None] = [None, None]
    for transfer in waiting:
        if transfer.used:
            continue
        if transfer.bytes == size:
            transfer.used = True
            return transfer
        place = 0 if transfer.bytes is None else 1
        free[place] = free[place] or transfer
    best = free[0] or free[1]
    if best is not None:
        best.used = True
    return best


def _http(http: pl.DataFrame) -> list[_Transfer]:
    """Every HTTP body: the response's where a request was answered, the request's where it carried one."""
    made: list[_Transfer] = []
    asked: dict[tuple[int | None, str], list[dict[str, object]]] = {}
    wanted = http.filter(
        (pl.col("protocol") != "SSDP") & (pl.col("method").is_not_null() | pl.col("status").is_not_null())
    )
    columns = (
        "frame",
        "time",
        "src",
        "dst",
        "stream",
        "method",
        "status",
        "uri",
        "host",
        "content_type",
        "content_length",
    )
    for row in wanted.select(columns).iter_rows(named=True):
        if row["method"]:
            asked.setdefault((row["stream"], row["dst"]), []).append(row)
            if row["content_length"] or row["method"] in ("POST", "PUT"):
                made.append(_http_transfer(row, row))
        elif row["status"]:
            queue = asked.get((row["stream"], row["src"]), [])
            made.append(_http_transfer(queue.pop(0) if queue else row, row))
    return made


def _http_transfer(request: dict[str, object], carrier: dict[str, object]) -> _Transfer:
    uri = str(request["uri"] or "")
    size = carrier["content_length"]
    return _Transfer(
        name=unquote(uri.split("?", 1)[0]).rsplit("/", 1)[-1] or uri or "(no name)",
        frame=int(str(carrier["frame"])),
        time=float(str(carrier["time"])),
        source=str(carrier["src"] or ""),
        destination=str(carrier["dst"] or ""),
        stream=int(str(carrier["stream"])) if carrier["stream"] is not None else None,
        declared=str(carrier["content_type"] or "").split(";", 1)[0].strip(),
        uri=uri,
        host=str(request["host"] or ""),
        bytes=int(str(size)) if size is not None else None,
        key=uri,
    )


def _smb(smb: pl.DataFrame) -> list[_Transfer]:
    """Files that were opened; a file went to the server where a write followed before the stream's next file."""
    made: list[_Transfer] = []
    seen: dict[tuple[int, str], _Transfer] = {}
    last: dict[int, _Transfer] = {}
    columns = (
        "frame",
        "time",
        "src",
        "dst",
        "stream",
        "file",
        "path",
        "response",
        "command2",
        "command1",
        "write_bytes",
    )
    for row in smb.select(columns).iter_rows(named=True):
        stream = row["stream"]
        if row["response"]:
            continue
        commands = row["command1"] or []
        writes = row["write_bytes"] or SMB2_WRITE in (row["command2"] or []) or any(c in SMB1_WRITES for c in commands)
        if writes and stream in last:
            wrote = last[stream]
            wrote.source, wrote.destination = row["src"] or "", row["dst"] or ""
        if not row["file"]:
            continue
        key = (stream, row["file"])
        if key not in seen:
            seen[key] = _Transfer(row["file"], row["frame"], row["time"], row["dst"] or "", row["src"] or "", stream,
                                  uri=row["path"] or "")  # fmt: skip
            made.append(seen[key])
        if not writes:
            last[stream] = seen[key]
    return made


def _ftp(ftp: pl.DataFrame) -> list[_Transfer]:
    """Data connections by the command that opened them; commands alone where no data packet was recognised."""
    data = ftp.filter(pl.col("data_command").is_not_null()).unique("stream", keep="first", maintain_order=True)
    made = []
    for row in data.iter_rows(named=True):
        verb, _, name = row["data_command"].partition(" ")
        if verb.upper() in ("RETR", "STOR", "STOU", "APPE"):
            made.append(_Transfer(name, row["frame"], row["time"], row["src"] or "", row["dst"] or "", row["stream"]))
    named = {transfer.name for transfer in made}
    for row in ftp.filter(pl.col("command").is_in(["RETR", "STOR", "STOU", "APPE"])).iter_rows(named=True):
        name = row["argument"] or ""
        if name not in named:
            source, destination = row["src"] or "", row["dst"] or ""
            if row["command"] == "RETR":
                source, destination = destination, source
            made.append(_Transfer(name, row["frame"], row["time"], source, destination, row["stream"]))
    return made


def _tftp(misc: pl.DataFrame) -> list[_Transfer]:
    made = []
    asked = misc.filter(pl.col("tftp_opcode").is_in([1, 2]) & pl.col("tftp_file").is_not_null())
    for row in asked.iter_rows(named=True):
        source, destination = row["src"] or "", row["dst"] or ""
        if row["tftp_opcode"] == 1:
            source, destination = destination, source
        made.append(_Transfer(row["tftp_file"], row["frame"], row["time"], source, destination, row["stream"]))
    return made


def _mails(exported: list[_Exported], packets: pl.DataFrame) -> Iterator[dict[str, object]]:
    """A row for each mail and for each file attached to one. Pieces of a mail that tshark did not join are joined."""
    columns = ("frame", "time", "src", "dst", "stream")
    carriers = packets.filter(pl.col("protocols").str.contains(r":imf(?:$|:)")).select(columns).rows(named=True)
    sure = len(carriers) == len(exported)
    mails: list[tuple[_Transfer | None, str, bytes]] = []
    for place, one in enumerate(exported):
        body = one.path.read_bytes()[:MOST_MAIL_BYTES]
        found = None
        if sure:
            row = carriers[place]
            found = _Transfer("", row["frame"], row["time"], row["src"] or "", row["dst"] or "", row["stream"])
        last = mails[-1] if mails else None
        if not _MAIL_LINE.match(body):
            same = last and last[0] and found and (last[0].stream, last[0].source) == (found.stream, found.source)
            if last and same and len(last[2]) < MOST_MAIL_BYTES:
                mails[-1] = (last[0], last[1], last[2] + body)
            continue
        mails.append((found, one.path.name, body))
    for found, name, body in mails:
        for part_name, declared, part in _parts(name, body):
            transfer = found and replace(found, name=part_name, declared=declared)
            content = filetypes.content(part[: filetypes.FRONT], part[filetypes.FRONT :][-filetypes.TAIL :])
            yield _cells(transfer, "mail", part_name, len(part), _digests([part]), part[:HEAD], content)


def _parts(name: str, body: bytes) -> Iterable[tuple[str, str, bytes]]:
    """The mail itself and the files in it: name, declared type, content."""
    yield name, "message/rfc822", body
    try:
        message = email.message_from_bytes(body, policy=email.policy.compat32)
        for place, part in enumerate(message.walk()):
            if place >= MOST_PARTS:
                return
            attached = _attached_name(part)
            data = part.get_payload(decode=True) if attached and not part.is_multipart() else None
            if isinstance(data, bytes) and data:
                yield attached, part.get_content_type(), data
    except Exception:  # noqa: BLE001 - the parser was not made for hostile mail; the mail itself is listed already
        return


def _attached_name(part: Message) -> str:
    name = part.get_filename()
    return str(email.header.make_header(email.header.decode_header(name))) if name else ""
