"""Programs seen by their bytes in streams: what stands at the start of one, and signatures further inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from tshark_report.capture import filetypes
from tshark_report.rules.delivery._delivery import Delivery, category_of, of_exchange
from tshark_report.rules.delivery._http import path_of, read_answer
from tshark_report.tables.sessions import GENERIC_PROTOCOLS
from tshark_report.tables.tables import Tables

SHORT_GREETING = 64
"""Bytes that may come before a program that still is what its stream is for: a length, a word of greeting."""

MOST_HEADERS = 120
"""Bytes of Ethernet, VLAN, IPv6 and TCP headers with options in front of a payload."""

Key = tuple[str, int, int | None]
"""Transport, stream, and the frame of the HTTP request where there is one."""


def from_streams(tables: Tables, asked: pl.DataFrame, told: set[Key], unknown: set[Key]) -> Iterator[Delivery]:
    """Programs seen by their bytes in streams whose file was not exported, or (`unknown`) is of no known type."""
    starts = _starts(tables)
    if not starts:
        return
    streams = {start.stream for start in starts if start.transport == "tcp"}
    requests: dict[int, list[dict[str, Any]]] = {}
    for row in asked.filter(pl.col("stream").is_in(sorted(streams))).iter_rows(named=True):
        requests.setdefault(row["stream"], []).append(row)
    other = _other_protocols(tables, streams)
    data = _data_commands(tables)
    boots = _tftp_names(tables)
    seen: set[Key] = set(told)
    for start in starts:
        before = (
            [row for row in requests.get(start.stream, []) if row["frame"] <= start.frame]
            if start.transport == "tcp"
            else []
        )
        if before:
            key = ("tcp", start.stream, before[-1]["frame"])
            if key not in seen and (start.begins or key not in unknown):
                seen.add(key)
                yield _unfinished(start, before[-1])
            continue
        key = (start.transport, start.stream, None)
        if key in seen or (start.transport == "tcp" and start.stream in other):
            continue
        seen.add(key)
        protocol, name = start.transport, ""
        if protocol == "udp" and start.spoken == "TFTP":
            if _exported(tables, "tftp", start):
                continue
            protocol, name = "tftp", boots.get(frozenset((start.src, start.dst)), "")
        elif protocol == "tcp" and start.stream in data:
            protocol, name = "ftp", data[start.stream]
        answer = read_answer(start.context[max(start.context.find(b"HTTP/1."), 0) :])
        yield Delivery(
            category=start.category, what=start.what, name=name, protocol=protocol,
            source=start.src, destination=start.dst, port=start.port, transport=start.transport, stream=start.stream,
            frame=start.frame, time=start.time, first_frame=None, last_frame=None, complete=False,
            at_start=start.at_start, from_client=start.from_client, marks=start.marks,
            disposition=answer.file_name or "" if answer else "", declared=answer.type or "" if answer else "",
            spoken="HTTP answer without its request" if answer else start.spoken,
        )  # fmt: skip


def _unfinished(start: _Start, asked: dict[str, Any]) -> Delivery:
    """A download over HTTP that the capture does not hold to its end."""
    answer = read_answer(start.context[max(start.context.find(b"HTTP/1."), 0) :])
    declared = (asked["content_type"] or (answer.type if answer else "") or "").split(";", 1)[0].strip()
    disposition = (answer.file_name if answer else "") or asked["file_name"] or ""
    path = path_of(asked["uri"])
    category, what, marks = start.category, start.what, start.marks
    if category == "program" and not start.begins:
        category, what, marks = "coded", f"file with a program further inside: {what}", ("program further inside",)
    made = Delivery(
        category=category, what=what, marks=marks, protocol="http",
        name=path.rsplit("/", 1)[-1] or path, source=start.src,
        destination=start.dst, port=0, transport="tcp", stream=start.stream, frame=start.frame, time=start.time,
        first_frame=None, last_frame=None, declared=declared, complete=False,
        size=asked["length"] if asked["length"] is not None else answer.length if answer else None,
    )  # fmt: skip
    return replace(of_exchange(made, asked), disposition=disposition, from_client=start.src == asked["client"])


@dataclass(frozen=True)
class _Start:
    what: str
    src: str
    dst: str
    port: int
    transport: str
    stream: int
    frame: int
    time: float
    context: bytes
    at_start: bool
    from_client: bool
    spoken: str
    category: str
    marks: tuple[str, ...]
    begins: bool
    """It stands where a packet's payload or an HTTP body begins."""


_STUB_WITHIN = re.compile(rb"MZ[\x00-\xff]{40,500}?This program (cannot|must) be run", re.S)


def _starts(tables: Tables) -> list[_Start]:
    """Where a program begins in a stream, in order of frames."""
    found: dict[int, tuple[str, bytes, bool]] = {}
    rows: dict[int, dict[str, Any]] = {}
    before = pl.col("payload").cum_sum().over("transport", "stream", "src", "src_port") - pl.col("payload")
    opened = tables.openings.filter(pl.col("transport").is_in(["tcp", "udp"])).filter(before <= SHORT_GREETING)
    magic = pl.col("data").bin
    opened = opened.filter(
        magic.starts_with(b"MZ")
        | magic.starts_with(b"\x7fELF")
        | (magic.contains(b"MZ\x90\x00") & ~magic.starts_with(b"HTTP/"))
    )
    for row in opened.iter_rows(named=True):
        # A length may stand in front, as in the stages of common frameworks.
        at = max(row["data"][:16].find(b"MZ"), 0) if row["data"][:4] != b"\x7fELF" else 0
        what = _program(row["data"][at:])
        if what:
            found[row["frame"]], rows[row["frame"]] = (what, row["data"], True), row
    hits = tables.signatures.filter(
        pl.col("kind").is_in(["dos-stub", "mz-header", "elf", "base64-executable", "escaped-executable"])
        & pl.col("stream").is_not_null()
        & pl.col("transport").is_in(["tcp", "udp"])
    )
    for row in hits.iter_rows(named=True):
        if row["frame"] in found:
            continue
        what = _program_around(row["kind"], row["context"])
        if what:
            found[row["frame"]], rows[row["frame"]] = (what, row["context"], False), row
    ends = _servers(tables, {row["stream"] for row in rows.values()}) if rows else {}
    made = []
    for frame in sorted(found):
        row, (what, context, at_start) = rows[frame], found[frame]
        server, port, spoken = ends.get((row["transport"], row["stream"]), (row["src"], row["src_port"], ""))
        coded = what.startswith("program in")
        made.append(
            _Start(what, row["src"], row["dst"], port or 0, row["transport"], row["stream"], frame, row["time"],
                   context, at_start, (row["src"], row["src_port"]) != (server, port), spoken,
                   "coded" if coded else "program", (what,) if coded else (), at_start or _begins(what, context))
        )  # fmt: skip
    return made


def _begins(what: str, context: bytes) -> bool:
    """Does a program stand at the start of a packet's payload, or right behind a header or the size of a chunk?"""
    stub = _STUB_WITHIN.search(context)
    at = context.find(b"\x7fELF") if "ELF" in what else stub.start() if stub else context.find(b"MZ\x90\x00")
    return 0 <= at <= MOST_HEADERS or context[max(at - 2, 0) : at] == b"\r\n"


def _program_around(kind: str, context: bytes) -> str:
    """What a signature's surroundings say it is; empty where they do not look like the start of a program."""
    if kind == "elf":
        return "executable (ELF, Linux)" if len(context) > context.find(b"\x7fELF") + 16 else ""
    if kind == "base64-executable":
        return "program in Base64"
    if kind == "escaped-executable":
        return "program in hexadecimal escapes, as echo writes a file"
    if kind == "mz-header" or _STUB_WITHIN.search(context):
        return "executable (MZ, Windows PE)"
    return ""


def _program(data: bytes) -> str:
    if data[:4] == b"\x7fELF":
        return "executable (ELF, Linux)" if len(data) >= 16 and data[4] in (1, 2) and data[6] == 1 else ""
    kind = filetypes.detect(data)
    return category_of(kind)[1] if kind.startswith("Windows executable") else ""


def _servers(tables: Tables, streams: set[int]) -> dict[tuple[str, int], tuple[str, int, str]]:
    """(transport, stream) -> server, its port, and the protocol spoken where tshark names one."""
    made: dict[tuple[str, int], tuple[str, int, str]] = {}
    for kind, table in (("tcp", tables.tcp_sessions), ("udp", tables.udp_flows)):
        near = table.filter(pl.col("stream").is_in(sorted(streams)))
        for stream, server, port, protocol in near.select("stream", "server", "server_port", "protocol").iter_rows():
            made[kind, stream] = (server, port or 0, "" if protocol in GENERIC_PROTOCOLS else protocol)
    return made


def _other_protocols(tables: Tables, streams: set[int]) -> set[int]:
    """TCP streams that other families or other rules tell about: SMB, and mail (whose attachments are files)."""
    wanted = sorted(streams)
    found = set(tables.smb.filter(pl.col("stream").is_in(wanted) & (pl.col("transport") == "tcp"))["stream"].to_list())
    found |= set(tables.mail.filter(pl.col("stream").is_in(wanted))["stream"].to_list())
    ports = tables.tcp_sessions.filter(pl.col("stream").is_in(wanted) & pl.col("server_port").is_in([139, 445]))
    return found | set(ports["stream"].to_list())


def _exported(tables: Tables, protocol: str, start: _Start) -> bool:
    """Is there a file of this protocol between the same hosts, which is told already?"""
    near = (pl.col("protocol") == protocol) & (pl.col("source") == start.src) & (pl.col("destination") == start.dst)
    return tables.files.filter(near).height > 0


def _tftp_names(tables: Tables) -> dict[frozenset[str], str]:
    """Two hosts -> the file that one asked the other for over TFTP (the data comes from a port of its own)."""
    asked = tables.misc.filter(pl.col("tftp_opcode").is_in([1, 2]) & pl.col("tftp_file").is_not_null())
    return {frozenset((a, b)): name for a, b, name in asked.select("src", "dst", "tftp_file").iter_rows()}


def _data_commands(tables: Tables) -> dict[int, str]:
    """Stream of an FTP data connection -> file name."""
    rows = tables.ftp.filter(pl.col("data_command").is_not_null()).unique("stream", keep="first", maintain_order=True)
    return {stream: command.partition(" ")[2] for stream, command in rows.select("stream", "data_command").iter_rows()}
