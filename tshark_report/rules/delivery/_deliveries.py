"""Files on the wire that can run, or carry something that can: gathered once, for all rules of this family.

A delivery is known from an exported file, or - where tshark could not put the file
together - from the bytes of its beginning in a stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from tshark_report.capture import filetypes
from tshark_report.capture.filetypes import ending
from tshark_report.knowledge import load
from tshark_report.knowledge.domains import within
from tshark_report.rules.base import Context
from tshark_report.rules.delivery._http import exchanges, is_bare, path_of, read_answer
from tshark_report.story.words import duration
from tshark_report.tables.sessions import GENERIC_PROTOCOLS
from tshark_report.tables.tables import Tables

CALL_BACK_S = 600.0
"""A host that fetches a file from somebody who sent it requests so shortly before was probably told to."""
SHORT_GREETING = 64
"""Bytes that may come before a program that still is what its stream is for: a length, a word of greeting."""
WEB_PORTS = (80, 443, 3128, 8080)

_KNOWN = load("downloads")
PROGRAM_ENDINGS = frozenset(_KNOWN["endings"]["program"])
SCRIPT_ENDINGS = frozenset(_KNOWN["endings"]["script"])
CARRIER_ENDINGS = frozenset(_KNOWN["endings"]["carrier"])
HARMLESS_ENDINGS = frozenset(_KNOWN["endings"]["harmless"])
HARMLESS_TYPES = re.compile(_KNOWN["types"]["harmless"], re.I)
TOOL_AGENTS = re.compile("|".join(_KNOWN["agents"]["tools"]), re.I)
UPDATER_AGENTS = re.compile("|".join(_KNOWN["agents"]["updaters"]), re.I)
UPDATE_PATHS = re.compile("|".join(_KNOWN["paths"]["updates"]), re.I)
BOOT_NAMES = re.compile("|".join(_KNOWN["paths"]["boot"]), re.I)
_SYSTEM_AGENT = re.compile(r"^Mozilla/4\.0 \(compatible; (MSIE [5-9]|Win32)", re.I)
"""What Windows' own download functions (URLDownloadToFile, WinInet) send for a program that sets nothing else."""
ODD_AGENT = re.compile(r"[A-Za-z0-9]{12,}\Z")
"""One word of letters and digits: no product, no version."""


@dataclass(frozen=True)
class Delivery:
    """One file that went from `source` to `destination`."""

    category: str
    """program, code, script, carrier, document, archive, coded, or empty for the rest."""
    what: str
    """The content in words: `executable (MZ, Windows PE)`."""
    name: str
    protocol: str
    """http, ftp, tftp, mail; tcp or udp where no protocol was recognised."""
    source: str
    destination: str
    port: int
    """The server's port."""
    transport: str
    stream: int | None
    frame: int
    """Where the content begins or ended, as far as is known."""
    time: float
    first_frame: int | None
    last_frame: int | None
    """The stretch of the stream that belongs to it; None for an open end."""
    declared: str = ""
    size: int | None = None
    sha256: str = ""
    complete: bool = True
    uri: str = ""
    host: str = ""
    method: str = ""
    user_agent: str = ""
    referer: str = ""
    status: int | None = None
    asked_frame: int | None = None
    asked_time: float | None = None
    from_client: bool = False
    """The client of the connection sent it: an upload."""
    inside: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    head: bytes = b""
    disposition: str = ""
    at_start: bool = False
    """The stream itself begins with it."""
    spoken: str = ""
    """What tshark calls the stream's protocol, where it is none of those above."""
    partly: bool = False
    """Answered with 206: a piece of a file."""

    @property
    def client(self) -> str:
        """Who asked for it."""
        return self.source if self.from_client else self.destination

    @property
    def server(self) -> str:
        """Who was asked."""
        return self.destination if self.from_client else self.source

    @property
    def start(self) -> float:
        """When it was asked for; else when it was seen."""
        return self.time if self.asked_time is None else self.asked_time

    @property
    def url(self) -> str:
        """Where it was asked for."""
        if self.protocol != "http":
            return self.name
        name = self.host or self.server
        name = f"[{name}]" if ":" in name else name
        name += f":{self.port}" if self.port not in (0, 80) else ""
        return self.uri if self.uri.lower().startswith(("http://", "https://")) else f"http://{name}{self.uri or '/'}"


_CATEGORIES: tuple[tuple[str, str, str], ...] = (
    (filetypes.DLL, "program", "executable library (MZ, Windows PE DLL)"),
    ("Windows executable", "program", "executable (MZ, Windows PE)"),
    (filetypes.DOS, "program", "DOS executable (MZ)"),
    (filetypes.ELF, "program", "executable (ELF, Linux)"),
    (filetypes.MACHO, "program", "executable (Mach-O, macOS)"),
    (filetypes.APK, "program", "Android package (APK)"),
    ("Android program", "program", "Android program (DEX)"),
    (filetypes.MSI, "program", "Windows installer (MSI)"),
    (filetypes.JAVA_CLASS, "code", "Java class"),
    (filetypes.JAR, "code", "Java archive (JAR)"),
    (filetypes.LNK, "carrier", "Windows shortcut (LNK)"),
    (filetypes.CHM, "carrier", "compiled HTML help (CHM)"),
    (filetypes.ONENOTE, "carrier", "OneNote document"),
    ("disk image", "carrier", "disk image"),
    ("script (HTA)", "script", "HTML application (HTA) or VBScript page"),
    ("script", "script", ""),
    ("Flash", "plugin", "Flash object"),
    ("old Office", "document", "old Office document (OLE)"),
    (filetypes.OOXML, "document", "Office document"),
    ("RTF", "document", "RTF document"),
    ("PDF", "document", "PDF document"),
    ("Windows cabinet", "archive", "Windows cabinet"),
    (filetypes.ZIP, "archive", "ZIP archive"),
    ("RAR", "archive", "RAR archive"),
    ("7-Zip", "archive", "7-Zip archive"),
    ("ACE", "archive", "ACE archive"),
    ("gzip", "archive", "gzip data"),
    ("tar", "archive", "tar archive"),
)


def category_of(kind: str, marks: tuple[str, ...] = (), inside: tuple[str, ...] = ()) -> tuple[str, str]:
    """(category, words) of a detected type."""
    coded = [m for m in marks if m.startswith(("program under", "program in", "page that builds"))]
    if coded:
        return "coded", coded[0] + (f" (content: {kind})" if kind else "")
    for start, category, words in _CATEGORIES:
        if kind.startswith(start):
            if category == "archive" and any(ending(name) in CARRIER_ENDINGS for name in inside):
                return "carrier", f"{words} holding {carried(inside)}"
            if category == "document" and "macros" in marks:
                return "carrier", f"{words} with macros"
            return category, words or kind
    return "", kind or "unrecognised content"


def carried(inside: tuple[str, ...]) -> str:
    """The first name in an archive that runs at a double click."""
    return next((name[-60:] for name in inside if ending(name) in CARRIER_ENDINGS), "")


def deliveries(tables: Tables) -> list[Delivery]:
    """Every delivery of a category, in order of frames; files over SMB belong to another family of rules."""
    if _kept and _kept[0][0] is tables:
        return _kept[0][1]
    found = list(_made(tables))
    found.sort(key=lambda d: (d.frame, d.name))
    _kept[:] = [(tables, found)]
    return found


_kept: list[tuple[Tables, list[Delivery]]] = []


def _made(tables: Tables) -> Iterator[Delivery]:
    asked = exchanges(tables)
    by_answer = (
        {row["answer_frame"]: row for row in asked.filter(pl.col("answer_frame").is_not_null()).iter_rows(named=True)}
        if tables.files.height
        else {}
    )
    by_request = (
        {row["frame"]: row for row in asked.filter(pl.col("sent_length").is_not_null()).iter_rows(named=True)}
        if tables.files.height
        else {}
    )
    told: set[tuple[str, int, int | None]] = set()
    for row in tables.files.filter(pl.col("protocol") != "smb").iter_rows(named=True):
        made = _from_file(row, by_answer, by_request)
        if made is None:
            continue
        if made.stream is not None:
            told.add((made.transport, made.stream, made.asked_frame))
        if made.category:
            yield made
    yield from _from_streams(tables, asked, told)


def _from_file(
    row: dict[str, Any], answers: dict[int, dict[str, Any]], requests: dict[int, dict[str, Any]]
) -> Delivery | None:
    if row["frame"] is None or not row["source"]:
        return None
    marks, inside = tuple(row["marks"] or ()), tuple(row["inside"] or ())
    category, what = category_of(row["detected_type"], marks, inside)
    common: dict[str, Any] = {
        "category": category, "what": what, "name": row["name"], "protocol": row["protocol"], "source": row["source"],
        "destination": row["destination"], "port": 0, "transport": "udp" if row["protocol"] == "tftp" else "tcp",
        "stream": row["stream"], "frame": row["frame"], "time": row["time"], "first_frame": None, "last_frame": None,
        "declared": row["declared_type"], "size": row["bytes"], "sha256": row["sha256"], "inside": inside,
        "marks": marks, "head": row["head"] or b"",
    }  # fmt: skip
    if row["protocol"] != "http":
        return Delivery(**common)
    asked = answers.get(row["frame"]) or requests.get(row["frame"])
    if asked is None:
        return Delivery(**common, uri=row["uri"], host=row["host"])
    sent = asked["client"] == row["source"] and row["frame"] == asked["frame"]
    return replace(_of_exchange(Delivery(**common), asked), from_client=sent)


def _of_exchange(made: Delivery, asked: dict[str, Any]) -> Delivery:
    last = asked["next_frame"]
    return replace(
        made,
        port=asked["port"] or 0, first_frame=None if asked["first"] else asked["frame"],
        last_frame=None if last is None else last - 1, asked_frame=asked["frame"],
        uri=asked["uri"] or "", host=asked["host"], method=asked["method"], user_agent=asked["user_agent"] or "",
        referer=asked["referer"] or "", status=asked["status"], asked_time=asked["time"],
        disposition=asked["file_name"] or "", partly=asked["status"] == 206,
    )  # fmt: skip


def _from_streams(tables: Tables, asked: pl.DataFrame, told: set[tuple[str, int, int | None]]) -> Iterator[Delivery]:
    """Programs seen by their bytes in streams whose file was not exported."""
    starts = _starts(tables)
    if not starts:
        return
    streams = {start.stream for start in starts if start.transport == "tcp"}
    requests: dict[int, list[dict[str, Any]]] = {}
    for row in asked.filter(pl.col("stream").is_in(sorted(streams))).iter_rows(named=True):
        requests.setdefault(row["stream"], []).append(row)
    other = _other_protocols(tables, streams)
    data = _data_commands(tables)
    seen: set[tuple[str, int, int | None]] = set(told)
    for start in starts:
        before = (
            [row for row in requests.get(start.stream, []) if row["frame"] <= start.frame]
            if start.transport == "tcp"
            else []
        )
        if before:
            key = ("tcp", start.stream, before[-1]["frame"])
            if key not in seen:
                seen.add(key)
                yield _unfinished(start, before[-1])
            continue
        key = (start.transport, start.stream, None)
        if key in seen or (start.transport == "tcp" and start.stream in other):
            continue
        seen.add(key)
        name = data.get(start.stream, "") if start.transport == "tcp" else ""
        answer = read_answer(start.context[max(start.context.find(b"HTTP/1."), 0) :])
        yield Delivery(
            category=start.category, what=start.what, name=name, protocol="ftp" if name else start.transport,
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
    made = Delivery(
        category=start.category, what=start.what, marks=start.marks, protocol="http",
        name=path.rsplit("/", 1)[-1] or path, source=start.src,
        destination=start.dst, port=0, transport="tcp", stream=start.stream, frame=start.frame, time=start.time,
        first_frame=None, last_frame=None, declared=declared, complete=False,
        size=asked["length"] if asked["length"] is not None else answer.length if answer else None,
    )  # fmt: skip
    return replace(_of_exchange(made, asked), disposition=disposition, from_client=start.src == asked["client"])


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
        pl.col("kind").is_in(["dos-stub", "mz-header", "elf", "base64-executable"])
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
                   "coded" if coded else "program", (what,) if coded else ())
        )  # fmt: skip
    return made


def _program_around(kind: str, context: bytes) -> str:
    """What a signature's surroundings say it is; empty where they do not look like the start of a program."""
    if kind == "elf":
        return "executable (ELF, Linux)" if len(context) > context.find(b"\x7fELF") + 16 else ""
    if kind == "base64-executable":
        return "program in Base64"
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


def _data_commands(tables: Tables) -> dict[int, str]:
    """Stream of an FTP data connection -> file name."""
    rows = tables.ftp.filter(pl.col("data_command").is_not_null()).unique("stream", keep="first", maintain_order=True)
    return {stream: command.partition(" ")[2] for stream, command in rows.select("stream", "data_command").iter_rows()}


def is_updater(d: Delivery) -> bool:
    """Did a program fetch this whose work that is, from a server that it calls by name?"""
    if UPDATE_PATHS.search(path_of(d.uri)) and "filestreamingservice" in d.uri:
        return True
    return not is_bare(d.host) and bool(UPDATER_AGENTS.search(d.user_agent) or UPDATE_PATHS.search(path_of(d.uri)))


def shown_name(d: Delivery) -> str:
    """The name under which it came: the last part of the path, or what the server called it."""
    return d.disposition or d.name


def disguise(d: Delivery) -> str:
    """What name or declared type promise that the content is not; empty where they do not contradict it."""
    if d.category not in ("program", "code", "script", "carrier"):
        return ""
    own = ending(path_of(d.uri) if d.protocol == "http" else d.name)
    told = ending(d.disposition)
    parts = []
    harmless = own in HARMLESS_ENDINGS and told not in PROGRAM_ENDINGS | SCRIPT_ENDINGS
    if d.category == "program":
        if harmless:
            parts.append(f"the name ends in .{own}")
        elif told in HARMLESS_ENDINGS:
            parts.append(f"the server calls it {d.disposition}")
        typed = d.declared and HARMLESS_TYPES.match(d.declared)
        # A server that knows no type for a program may say text/html; only a name that says program excuses it.
        if typed and not (
            d.declared.lower().startswith("text/") and (own in PROGRAM_ENDINGS or told in PROGRAM_ENDINGS)
        ):
            parts.append(f"it is declared as {d.declared}")
    elif harmless and own in (
        "gif",
        "jpg",
        "jpeg",
        "png",
        "bmp",
        "ico",
        "pdf",
        "mp3",
        "mp4",
        "doc",
        "docx",
        "xls",
        "xlsx",
    ):
        if d.what.startswith(("Office", "old Office", "ZIP")):
            return ""
        parts.append(f"the name ends in .{own}")
    elif d.declared.lower().startswith(("image/", "audio/", "video/", "font/")):
        parts.append(f"it is declared as {d.declared}")
    shown = shown_name(d)
    if (
        not parts
        and d.category == "program"
        and re.search(r"\.(pdf|docx?|xlsx?|jpe?g|png|gif|txt|mp[34]|html?)[ _]*\.(exe|scr|com|pif|cpl)$", shown, re.I)
    ):
        parts.append(f"the name {shown} has two endings")
    if "\u202e" in shown or "%e2%80%ae" in d.uri.lower():
        parts.append("the name holds a character that turns the writing direction")
    return " and ".join(parts)


def called_back(d: Delivery, tables: Tables) -> tuple[int, float] | None:
    """(frame, seconds before) of a connection that the delivery's server opened to its client shortly before."""
    sessions = tables.tcp_sessions.filter(
        (pl.col("client") == d.server) & (pl.col("server") == d.client) & (pl.col("start") <= d.start)
        & (pl.col("start") >= d.start - CALL_BACK_S) & (pl.col("client_payload") > 0)
    )  # fmt: skip
    if sessions.is_empty():
        return None
    last = sessions.sort("start").row(-1, named=True)
    return last["first_frame"], d.start - last["start"]


def signs(d: Delivery, tables: Tables, context: Context) -> list[tuple[int, str]]:
    """What is unusual about how a file came over HTTP: points and words. Points add up to a priority."""
    found: list[tuple[int, str]] = []
    bare, outside = is_bare(d.host), context.is_outside(d.server)
    if bare:
        found.append((2 if outside else 1, f"the server was called by its bare address {d.server}"))
    elif _dynamic(d.host):
        found.append((2, f"{d.host} is a dynamic DNS name"))
    if d.port and d.port not in WEB_PORTS and (bare or outside):
        found.append((1, f"port {d.port}"))
    agent = d.user_agent
    if not agent:
        found.append((1, "no User-Agent"))
    elif "powershell" in agent.lower() or "certutil" in agent.lower():
        found.append((2, f"user agent {agent}"))
    elif ODD_AGENT.match(agent):
        found.append((2, f"user agent {agent}, a single word"))
    elif TOOL_AGENTS.search(agent) and not (d.category == "code" and "java" in agent.lower() and not bare):
        found.append((1, f"user agent {agent}"))
    elif not d.referer and outside and not UPDATER_AGENTS.search(agent):
        found.append((1, "no Referer"))
    if d.method == "POST" and not d.from_client:
        found.append((1, "it answered a POST"))
    own = ending(path_of(d.uri))
    unnamed = own not in PROGRAM_ENDINGS | SCRIPT_ENDINGS if d.category == "program" else False
    if unnamed and own == "" and "ELF" in d.what and not bare:
        unnamed = False
    if (unnamed or (d.category == "program" and own in ("php", "js", "py", "pl", "rb"))) and not d.from_client:
        found.append((1, "the path names no program"))
        if outside and not d.referer and not is_updater(d) and (not agent or _SYSTEM_AGENT.search(agent)):
            found.append((1, "no page led to it, and the User-Agent is " + ("missing" if not agent else "the system's own")))
    back = called_back(d, tables)
    if back is not None:
        found.append((2, f"{d.server} had itself connected to {d.client} {duration(back[1])} before (frame {back[0]})"))
    if is_updater(d):
        found.append(
            (-4, f"user agent {agent} is that of an updater" if agent else "the path is that of an update service")
        )
    return found


def points(found: list[tuple[int, str]]) -> int:
    """The sum of the signs."""
    return sum(number for number, _ in found)


def _dynamic(host: str) -> bool:
    return bool(within(host, frozenset(load("dynamic_dns")["providers"]["suffixes"])))
