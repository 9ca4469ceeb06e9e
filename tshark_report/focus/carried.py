"""What crossed in some conversations: requests, uploads, files, commands, names; one row each, in time order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

from tshark_report.knowledge.domains import registered_domain
from tshark_report.report.model import Cell, Column, Table
from tshark_report.story.words import iso_time, size
from tshark_report.tables.tables import Tables

MOST_ROWS = 60
MOST_A_KIND = 200
"""Events of one kind that are looked at: a tunnel asks for thousands of names."""
LONGEST = 2000
"""Characters of a text: renderers cut further. A shorter one would cut names in two, and pseudonyms could not stand for
them."""
WEIGHT_FILE = 3
"""What a sentence tells first."""
SHORTEST_OPENING = 4
MOST_SIGNATURES, MOST_OPENINGS = 60, 40
"""Packets with a program in them, and packets of no known protocol: the first ones tell what the others do."""
MOST_NAMES = 5000
"""Names whose registered domains are looked up."""
NAMES_TOLD = 12
"""Names under one registered domain up to which each is told."""
OPENING_SHOWN = 48
"""Bytes of unknown payload that are shown: enough for a first word."""
PLAIN_SHARE = 0.85
_SECRET = re.compile(r"(?i)\b(pass(?:word|wd)?|pwd|secret|token|pin|apikey|api_key)(\s*[=: ]\s*)([^&\s;]+)")
_ELLIPSIS = "\u2026"
_GENERIC = ("TCP", "UDP", "DATA", "ICMP", "ICMPv6")
COLUMNS = (
    Column(name="Time", type="time"),
    Column(name="Frame", type="frame"),
    Column(name="Direction"),
    Column(name="What"),
    Column(name="With"),
    Column(name="Times", type="count"),
    Column(name="Bytes", type="bytes"),
    Column(name="Details"),
    Column(name="SHA-256", type="hex"),
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that crossed. `direction` is the host's view: sent, fetched, received, asked, opened, got ..."""

    time: float
    frame: int
    direction: str
    what: str
    peer: str
    bytes: int | None = None
    details: str = ""
    sha256: str = ""
    weight: int = 0
    """What a sentence tells first: 3 a file, 2 an upload, 1 a request, 0 the rest."""
    times: int = 1
    """How often; `bytes` is then the sum."""


def events(host: str, frames: pl.Series, tables: Tables, *, show_secrets: bool = False) -> list[Event]:
    """What `host` sent, fetched and asked in these frames, in time order; the same again and again is one event."""
    inside = pl.col("frame").is_in(frames.implode())
    found: list[Event] = []
    for make in (_http, _ftp, _mail, _smb, _tls, _certificates, _dns, _others, _openings, _signatures):
        found += make(host, tables, inside)
    found = found if show_secrets else [_masked(each) for each in found]
    return _collapsed(sorted(found + _files(host, frames, tables), key=lambda e: (e.time, e.frame, -e.weight)))


def _collapsed(found: list[Event]) -> list[Event]:
    """Events that say the same are one, with their number and bytes in all; a file's content makes it another one."""
    groups: dict[tuple[str, str, str, str], list[Event]] = {}
    for each in found:
        groups.setdefault((each.direction, each.what, each.peer, each.sha256), []).append(each)
    made = []
    for same in groups.values():
        first = same[0]
        sizes = [e.bytes for e in same if e.bytes is not None]
        times = sum(e.times for e in same)
        made.append(replace(first, times=times, bytes=sum(sizes) if sizes else None) if len(same) > 1 else first)
    return sorted(made, key=lambda e: (e.time, e.frame, -e.weight))


def table(found: list[Event], total: int | None = None) -> Table:
    """Events as a table, the heavier kept where there are too many."""
    kept = found
    if len(found) > MOST_ROWS:
        heavy = sorted(found, key=lambda e: (-e.weight, e.time, e.frame))[:MOST_ROWS]
        kept = sorted(heavy, key=lambda e: (e.time, e.frame))
    rows: list[list[Cell]] = [
        [iso_time(e.time), e.frame, e.direction, e.what, e.peer, e.times, e.bytes, e.details, e.sha256] for e in kept
    ]
    return Table(columns=list(COLUMNS), rows=rows, total_rows=len(found) if total is None else total)


def _cut(text: object, most: int = LONGEST) -> str:
    plain = str(text or "")
    return plain if len(plain) <= most else f"{plain[: most - 1]}{_ELLIPSIS}"


def _masked(event: Event) -> Event:
    """Passwords as their length."""
    return replace(event, what=_SECRET.sub(lambda m: f"{m[1]}{m[2]}<{len(m[3])} characters>", event.what))


def _rows(frame: pl.DataFrame, inside: pl.Expr, most: int = MOST_A_KIND) -> Iterator[dict[str, object]]:
    return frame.filter(inside).sort("frame").head(most).iter_rows(named=True)


def _peer(row: dict[str, object], host: str) -> str:
    return str(row["dst"] if row["src"] == host else row["src"])


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _event(
    row: dict[str, object],
    host: str,
    words: tuple[str, str],
    what: str,
    *,
    weight: int = 0,
    size: int | None = None,
    details: str = "",
    times: int = 1,
) -> Event:
    """An event of a row; `words` are its direction where the host sent it, and where it came to the host."""
    direction = words[0] if row["src"] == host else words[1]
    time, frame = float(str(row["time"])), int(str(row["frame"]))
    return Event(time, frame, direction, _cut(what), _peer(row, host), size, _cut(details), "", weight, times)


def _http(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    http = tables.http
    requests = http.filter(pl.col("method").is_not_null())
    answers: dict[int, dict[str, object]] = {}
    for row in _rows(http.filter(pl.col("status").is_not_null()), inside, MOST_A_KIND * 2):
        if isinstance(row["request_frame"], int):
            answers.setdefault(row["request_frame"], row)
    found = []
    for row in _rows(requests, inside):
        answer = answers.get(int(str(row["frame"])), {})
        name = str(row["host"] or row["dst"])
        uri = str(row["uri"] or "/")
        whole = uri if "://" in uri else f"{name}{uri}"
        body = _number(row["content_length"])
        upload = row["method"] in ("POST", "PUT", "PATCH") and bool(body)
        parts = []
        if answer:
            kind = f", {answer['content_type']}" if answer.get("content_type") else ""
            long = _number(answer.get("content_length"))
            parts.append(f"answered {answer['status']}{kind}{f', {size(long)}' if long else ''}")
            if answer.get("location"):
                parts.append(f"to {answer['location']}")
        if row["user_agent"]:
            parts.append(f"user agent {row['user_agent']}")
        if row["referer"]:
            parts.append(f"referer {row['referer']}")
        words = ("sent" if upload else "asked", "received" if upload else "was asked")
        long = body if upload else None
        what = f"{row['method']} {whole}"
        found.append(_event(row, host, words, what, weight=2 if upload else 1, size=long, details="; ".join(parts)))
    return found


def _ftp(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    asked, sent = ("asked", "was asked"), ("sent", "received")
    words = {"STOR": (sent, 2), "STOU": (sent, 2), "APPE": (sent, 2), "RETR": (asked, 1), "DELE": (asked, 0),
             "MKD": (asked, 0), "USER": (asked, 0)}  # fmt: skip
    found = []
    for row in _rows(tables.ftp.filter(pl.col("command").is_not_null()), inside):
        command = str(row["command"]).upper()
        if command in words:
            direction, weight = words[command]
            found.append(_event(row, host, direction, f"FTP {command} {row['argument'] or ''}".strip(), weight=weight))
    return found


def _mail(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    envelope = tables.mail.filter(pl.col("smtp_command").str.to_uppercase().is_in(["MAIL", "RCPT"]))
    found = []
    for row in _rows(envelope, inside):
        what = f"SMTP {str(row['smtp_command']).upper()} {row['smtp_parameter'] or ''}".strip()
        found.append(_event(row, host, ("sent", "received"), what, weight=1))
    return found


def _smb(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    named = pl.col("file").is_not_null() & (pl.col("file") != "") & ~pl.col("response").fill_null(value=False)
    by_file = (
        tables.smb.filter(inside & named)
        .group_by("file", "src", "dst", maintain_order=True)
        .agg(
            pl.col("time").min(),
            pl.col("frame").min(),
            pl.col("write_bytes").sum(),
            pl.col("path").drop_nulls().first(),
        )
        .head(MOST_A_KIND)
    )
    found = []
    for row in by_file.iter_rows(named=True):
        written = row["write_bytes"] or None
        name = "\\".join(filter(None, (row["path"], row["file"])))
        words = ("sent", "received") if written else ("asked", "was asked")
        what = f"SMB {'write to' if written else 'open'} {name}"
        found.append(_event(row, host, words, what, weight=2 if written else 0, size=written))
    return found


def _tls(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    hello = tables.tls.filter(inside & pl.col("handshake").list.contains(1).fill_null(value=False))
    by_name = (
        hello.with_columns(pl.col("quic_version").is_not_null().alias("quic"))
        .group_by("server_name", "ja3", "src", "dst", "quic", maintain_order=True)
        .agg(pl.col("time").min(), pl.col("frame").min(), pl.len().alias("times"))
        .head(MOST_A_KIND)
    )  # fmt: skip
    found = []
    for row in by_name.iter_rows(named=True):
        name = f"to the name {row['server_name']}" if row["server_name"] else "without a server name"
        details = f"JA3 {row['ja3']}" if row["ja3"] else ""
        what = f"{'QUIC' if row['quic'] else 'TLS'} {name}"
        found.append(_event(row, host, ("opened", "was opened"), what, details=details, times=row["times"]))
    return found


def _certificates(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    by_subject = (
        tables.certificates.filter(inside)
        .group_by("subject", "common_name", "issuer", "issuer_name", "self_signed", "src", "dst", maintain_order=True)
        .agg(pl.col("time").min(), pl.col("frame").min(), pl.len().alias("times"))
        .head(MOST_A_KIND)
    )
    found = []
    for row in by_subject.iter_rows(named=True):
        signed = (
            "signed by itself" if row["self_signed"] else f"issued by {row['issuer_name'] or row['issuer'] or 'nobody'}"
        )
        what = f"certificate {row['common_name'] or row['subject'] or 'without a name'}, {signed}"
        found.append(_event(row, host, ("showed", "was shown"), what, times=row["times"]))
    return found


def _dns(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    dns = tables.dns.filter(inside & pl.col("name").is_not_null())
    asked = (
        dns.filter(~pl.col("response").fill_null(value=False))
        .group_by("name", "src", "dst", maintain_order=True)
        .agg(pl.col("time").min(), pl.col("frame").min(), pl.len().alias("times"))
    )
    if asked.is_empty():
        return []
    names = asked["name"].unique(maintain_order=True).head(MOST_NAMES)
    unique = {name: registered_domain(name) or name for name in names.to_list()}
    asked = asked.with_columns(pl.col("name").replace_strict(unique, default=pl.col("name")).alias("domain"))
    crowded = asked.group_by("domain", "src", "dst").agg(pl.len().alias("names")).filter(pl.col("names") > NAMES_TOLD)
    together = asked.join(crowded, on=["domain", "src", "dst"], how="inner", maintain_order="left")
    found = []
    for (domain, _, _), rows in together.group_by(["domain", "src", "dst"], maintain_order=True):
        first = rows.row(0, named=True)
        what = f"DNS {rows.height:,} names under {domain}"
        details = f"the first is {first['name']}"
        found.append(_event(first, host, ("asked", "was asked"), what, details=details, times=int(rows["times"].sum())))
    answers: dict[str, list[str]] = {}
    for name, a, aaaa in dns.filter(pl.col("response")).select("name", "a", "aaaa").head(MOST_NAMES).iter_rows():
        answers.setdefault(name, []).extend([*(a or []), *(aaaa or [])])
    alone = asked.join(crowded, on=["domain", "src", "dst"], how="anti").sort("frame")
    for row in alone.head(MOST_A_KIND).iter_rows(named=True):
        to = list(dict.fromkeys(answers.get(row["name"], [])))
        details = f"answered {', '.join(to[:4])}" if to else ""
        found.append(
            _event(row, host, ("asked", "was asked"), f"DNS {row['name']}", details=details, times=row["times"])
        )
    return found


def _others(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    found = []
    for row in _rows(tables.misc.filter(pl.col("tftp_file").is_not_null()), inside):
        words = ("asked" if row["tftp_opcode"] == 1 else "sent", "was asked")
        found.append(_event(row, host, words, f"TFTP {row['tftp_file']}", weight=1))
    for row in _rows(tables.ssh.filter(pl.col("software").is_not_null()), inside):
        found.append(_event(row, host, ("sent", "got"), f"SSH {row['software']}"))
    for row in _rows(tables.misc.filter(pl.col("irc_command").is_not_null()), inside):
        what = f"IRC {row['irc_command']} {row['irc_text'] or ''}".strip()
        found.append(_event(row, host, ("sent", "got"), what))
    return found


def _openings(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    """How payload of no known protocol begins: the first packets each way of a conversation."""
    known = [
        each.filter(~pl.col("protocol").is_in(_GENERIC)).select(pl.lit(name).alias("transport"), "stream")
        for name, each in (("tcp", tables.tcp_sessions), ("udp", tables.udp_flows))
    ]
    early = (pl.col("order") <= 1) & pl.col("protocol").is_in(_GENERIC) & (pl.col("payload") > 0)
    first = tables.openings.filter(inside & early).join(pl.concat(known), on=["transport", "stream"], how="anti")
    found = []
    for row in first.sort("frame").head(MOST_OPENINGS).iter_rows(named=True):
        data = row["data"]
        if isinstance(data, bytes) and len(data) >= SHORTEST_OPENING:
            what = f"{str(row['transport']).upper()} payload that begins with {shown(data)}"
            found.append(_event(row, host, ("sent", "got"), what, size=_number(row["payload"])))
    return found


def shown(data: bytes) -> str:
    """The first bytes as text in quotes where they are text, else in hex."""
    head = data[:OPENING_SHOWN]
    plain = sum(1 for byte in head if 0x20 <= byte < 0x7F or byte in b"\t\r\n")
    if head and plain >= PLAIN_SHARE * len(head):
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "\u00b7" for byte in head)
        return f'"{text}{_ELLIPSIS if len(data) > len(head) else ""}"'
    return head[:16].hex(" ") + (_ELLIPSIS if len(data) > 16 else "")


_SIGNATURE_WORDS = {
    "dos-stub": "the text that every Windows program carries", "mz-header": "the start of a Windows program",
    "elf": "the start of a Linux program", "base64-executable": "the start of a Windows program in Base64",
    "escaped-executable": "the start of a Linux program as a shell writes it", "jndi": "a JNDI look-up",
    "windows-prompt": "a Windows command prompt",
}  # fmt: skip


def _signatures(host: str, tables: Tables, inside: pl.Expr) -> list[Event]:
    """Programs and the like in the payload, whatever it is called and whether or not the file is whole."""
    # Most programs show both marks in one packet: the first one tells it.
    known = tables.signatures.filter(pl.col("kind").is_in(list(_SIGNATURE_WORDS)))
    known = known.unique("frame", keep="first", maintain_order=True)
    found = []
    for row in _rows(known, inside, MOST_SIGNATURES):
        found.append(_event(row, host, ("sent", "got"), f"payload with {_SIGNATURE_WORDS[str(row['kind'])]}", weight=1))
    return found


def _files(host: str, frames: pl.Series, tables: Tables) -> list[Event]:
    """Files of these conversations. The client fetches and sends; the server receives and gives."""
    here = (pl.col("source") == host) | (pl.col("destination") == host)
    inside = pl.col("frame").is_in(frames.implode())
    files = tables.files.filter((inside | _ftp_data(tables, inside)) & here)
    if files.is_empty():
        return []
    serving = frozenset(tables.tcp_sessions.filter(pl.col("server") == host)["stream"].to_list())
    found = []
    for row in files.sort("frame").head(MOST_A_KIND).iter_rows(named=True):
        sent = row["source"] == host
        # An FTP server may open the data connection itself, so who is client there says nothing.
        serves = row["stream"] in serving and row["protocol"] in ("http", "smb", "mail")
        direction = ("gave" if serves else "sent") if sent else ("received" if serves else "fetched")
        declared = f", declared as {row['declared_type']}" if row["declared_type"] else ""
        time, peer = float(row["time"] or 0.0), str(row["destination"] if sent else row["source"])
        details = _cut(f"{row['detected_type'] or 'unknown type'}{declared} ({row['protocol']})")
        what = f"file {_cut(row['name'])}"
        found.append(
            Event(
                time,
                int(row["frame"]),
                direction,
                what,
                peer,
                int(row["bytes"]),
                details,
                str(row["sha256"]),
                WEIGHT_FILE,
            )
        )
    return found


def _ftp_data(tables: Tables, inside: pl.Expr) -> pl.Expr:
    """Files of the data connections that belong to FTP logins inside: the same two hosts, while the login lasted."""
    control = tables.ftp.filter(inside & (pl.col("command").is_not_null() | pl.col("code").is_not_null()))
    if control.is_empty():
        return pl.lit(value=False)
    hosts = pl.concat([control["src"], control["dst"]]).drop_nulls().unique().implode()
    first, last = control["time"].min(), control["time"].max()
    during = pl.col("time").is_between(pl.lit(first), pl.lit(last))
    return (pl.col("protocol") == "ftp") & pl.col("source").is_in(hosts) & pl.col("destination").is_in(hosts) & during
