"""EXP003: commands of a shell, and their answers, crossed the wire in clear."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.access._common import (
    MOST_FINDINGS,
    called,
    cut,
    later_sessions,
    minutes,
    opening_of,
    ordered,
    streams_filter,
)
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import duration, listed, size
from tshark_report.tables.tables import Tables

COMMAND = re.compile(
    rb"(?im)^(?:[^\r\n]{0,40}[>#$] ?)?(?P<line>"
    rb"echo\s+open\s[^\r\n]*|ftp(?:\.exe)?\s+-[a-z][^\r\n]*|tftp(?:\.exe)?\s+-[a-z][^\r\n]*"
    rb"|cmd(?:\.exe)?\s*/[ckq][^\r\n]*"
    rb"|powershell(?:\.exe)?\s[^\r\n]*|(?:wget|curl)\s[^\r\n]*(?:https?|ftp)://[^\r\n]*"
    rb"|chmod\s+[+0-7][^\r\n]*|/bin/(?:ba|da)?sh[^\r\n]*"
    rb"|(?:ba)?sh\s+-[ic]\b[^\r\n]*|python[23]?\s+-c\s[^\r\n]*|net\s+(?:user|localgroup|view|use|start"
    rb"|share)\b[^\r\n]*"
    rb"|cat\s+/[^\r\n]*|(?:un)?set\s+HISTFILE[^\r\n]*|export\s+HIST[^\r\n]*|busybox\s[^\r\n]*|/?\S*busybox\s[^\r\n]*"
    rb"|reg\s+(?:add|query|save)\s[^\r\n]*|schtasks\s[^\r\n]*|certutil\s[^\r\n]*|rundll32\s[^\r\n]*"
    rb"|bitsadmin\s[^\r\n]*"
    rb"|whoami(?:\s+/\w+)?|id|uname(?:\s+-\w+)?|ls(?:\s+-\w+)?(?:\s+[/.~]\S*)?|pwd|ps(?:\s+(?:-?aux|-ef))?"
    rb"|dir(?:\s+[^\r\n]{1,60})?|hostname"
    rb"|ifconfig(?:\s+-a)?|ipconfig(?:\s*/all)?|systeminfo|tasklist(?:\s[^\r\n]*)?|netstat(?:\s+-\w+)?"
    rb"|cd\s+[/\\.~%a-z][^\r\n]{0,80}"
    rb")[ \t]*\r?$"
)
"""A whole line that is a command of a Unix or Windows shell."""

STRONG = re.compile(
    rb"(?i)^(?:echo\s+open|ftp(?:\.exe)?\s+-|tftp(?:\.exe)?\s+-|cmd(?:\.exe)?\s*/|powershell|wget|curl|/bin/"
    rb"|(?:ba)?sh\s+-|python|net\s+(?:user|localgroup)"
    rb"|(?:un)?set\s+HISTFILE|cat\s+/etc/|busybox|certutil|bitsadmin|rundll32|schtasks|reg\s+)"
)
"""Commands that do not occur as words of other line protocols."""

OUTPUT = re.compile(
    rb"(?m)Microsoft Windows (?:\w+ ){0,3}\[(?:Version|version)|uid=\d+\([^)\r\n]{1,32}\) gid=\d+|^total "
    rb"\d+\r?\n[-dlbc][-r][-w]"
    rb"|^[A-Za-z]:\\[^\r\n<>|\"?*]{0,120}>\s*\Z| Volume in drive [A-Z]|^(?:nt "
    rb"authority\\\w+|[\w-]+\\administrator)\s*\Z|root:x?:0:0:"
    rb"|sh: (?:\d+: )?(?:no job control|can't access tty)|bash: no job control|^(?:sh|bash)-\d\.\d+[#$] "
)
"""What a shell prints."""

LINE_PROTOCOLS = (
    "FTP",
    "FTP-DATA",
    "SMTP",
    "SMTP/IMF",
    "POP",
    "IMAP",
    "TELNET",
    "SSH",
    "SSHv2",
    "HTTP",
    "HTTP/XML",
    "HTTP/JSON",
    "HTTP2",
    "IRC",
    "SIP",
    "RTSP",
    "XMPP/XML",
    "NNTP",
    "Rlogin",
    "RSH",
    "MySQL",
    "PGSQL",
    "MEMCACHE",
    "RESP",
    "SMB",
    "SMB2",
    "TLSv1",
    "TLSv1.1",
    "TLSv1.2",
    "TLSv1.3",
    "SSL",
    "SSLv2",
    "SSLv3",
    "DNS",
    "WHOIS",
    "FINGER",
    "Gopher",
    "GIT",
    "X11",
    "LDAP",
    "BitTorrent",
    "MSNMS",
    "MQTT",
    "AMQP",
    "NFS",
    "RPC",
    "DCERPC",
)
"""Protocols whose own lines look like commands, or that carry them by purpose: each has rules of its own."""


@dataclass
class Shell:
    """What was seen of one stream."""

    stream: int
    points: int = 0
    strong: bool = False
    commands: list[tuple[int, float, str, str, str]] = field(default_factory=list)
    outputs: list[tuple[int, float, str, str, str]] = field(default_factory=list)


@rule(
    code="EXP003",
    name="shell-commands",
    family="access",
    title="Shell commands crossed the wire in clear",
    question="Did somebody drive a shell over a plain connection?",
    answers=("Q12",),
    why="A shell on a bare TCP port, outside Telnet and SSH, is how a host is driven after its defences were "
    "passed: the lines "
    "typed and the answers can be read.",
    innocent=(
        Innocent(
            explanation="An administrator or a test used netcat, a serial console server or a device's plain console.",
            tell_apart="The port belongs to that device or test, and somebody knows about it.",
        ),
        Innocent(
            explanation="A line protocol of one's own whose words look like commands.",
            tell_apart="The answers are the protocol's, not a file listing or a prompt.",
        ),
    ),
    confirm=(
        "Follow the stream: what was typed, and what was answered?",
        "What did the host that executed the commands fetch, start or connect to afterwards?",
        "How did the connection come about: what happened between the same hosts just before?",
    ),
    references=(
        Reference(
            title="ATT&CK T1059 Command and Scripting Interpreter", url="https://attack.mitre.org/techniques/T1059/"
        ),
        Reference(title="ATT&CK T1105 Ingress Tool Transfer", url="https://attack.mitre.org/techniques/T1105/"),
    ),
    needs=("openings", "signatures"),
    thresholds={
        "points": Threshold(
            2, "points", "two plain commands, or one line that stands in no other protocol, or a shell's own output"
        ),
        "follow": Threshold(120, "seconds", "what a command fetches or opens follows at once"),
    },
    weight=93.0,
)
def shell_commands(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each pair of hosts."""
    shells = _shells(tables)
    found = [s for s in shells.values() if s.points >= context.limit("points")]
    if not found:
        return
    pairs: dict[tuple[str, str], list[Shell]] = defaultdict(list)
    for shell in found:
        if shell.commands:
            _, _, commander, executor, _ = shell.commands[0]
        else:
            _, _, executor, commander, _ = shell.outputs[0]
        pairs[executor, commander].append(shell)
    drafts = [_draft(tables, context, pair, shells_) for pair, shells_ in pairs.items()]
    drafts.sort(key=lambda draft: draft.frames[0])
    yield from drafts[:MOST_FINDINGS]


def _plain(tables: Tables) -> set[int]:
    """Streams of no protocol that has a rule of its own.

    tshark names what comes on a web port after that port: whether TLS or HTTP was spoken there, a handshake, a request
    or an answer tells.
    """
    shaken = tables.tls.filter(pl.col("handshake").list.len() > 0)["stream"].unique()
    asked = tables.http.filter(pl.col("method").is_not_null() | pl.col("status").is_not_null())["stream"].unique()
    tls = pl.col("protocol").str.contains("^(TLS|SSL)")
    http = pl.col("protocol").str.starts_with("HTTP")
    by_port = (tls & ~pl.col("stream").is_in(shaken.implode())) | (
        (pl.col("protocol") == "HTTP") & ~pl.col("stream").is_in(asked.implode())
    )
    other = ~pl.col("protocol").is_in(LINE_PROTOCOLS) & ~http
    # Both ends seen: without the start of a connection its handshake may be what is missing.
    return set(tables.tcp_sessions.filter(other | (by_port & (pl.col("syns") > 0)))["stream"].to_list())


def _shells(tables: Tables) -> dict[int, Shell]:
    plain = _plain(tables)
    rows = tables.openings.filter((pl.col("transport") == "tcp") & pl.col("stream").is_in(sorted(plain)))
    shells: dict[int, Shell] = {}
    columns = ("stream", "frame", "time", "src", "dst", "data")
    for row in rows.select(columns).iter_rows(named=True):
        data = bytes(row["data"])
        if not data or not _text(data):
            continue
        where = (int(row["frame"]), float(row["time"]), str(row["src"]), str(row["dst"]))
        if OUTPUT.search(data):
            shell = shells.setdefault(int(row["stream"]), Shell(int(row["stream"])))
            shell.points += 2
            shell.outputs.append((*where, cut(data.decode("utf-8", "replace"), 160)))
            continue
        for match in COMMAND.finditer(data):
            line = match["line"]
            strong = bool(STRONG.match(line))
            # A word such as `id` counts only where it was typed alone and ended with Return.
            if not strong and (len(data) > 200 or not data.endswith(b"\n")):
                continue
            shell = shells.setdefault(int(row["stream"]), Shell(int(row["stream"])))
            shell.points += 2 if strong else 1
            shell.strong |= strong
            shell.commands.append((*where, cut(data.decode("utf-8", "replace"), 160)))
            break

    hits = tables.signatures.filter(
        pl.col("kind").is_in(["windows-prompt", "id-output"])
        & (pl.col("transport") == "tcp")
        & pl.col("stream").is_in(sorted(plain))
    )
    for row in hits.iter_rows(named=True):
        hit = OUTPUT.search(bytes(row["context"]))
        if hit and not any(row["frame"] == o[0] for o in shells.get(int(row["stream"]), Shell(0)).outputs):
            shell = shells.setdefault(int(row["stream"]), Shell(int(row["stream"])))
            shell.points += 2
            text = bytes(row["context"])[hit.start() :].decode("utf-8", "replace")
            shell.outputs.append(
                (int(row["frame"]), float(row["time"]), str(row["src"]), str(row["dst"]), cut(text, 160))
            )
    return shells


def _text(data: bytes) -> bool:
    """Nearly all bytes are printable: a shell speaks text."""
    odd = len(data) - len(data.translate(None, ODD_BYTES))
    return odd <= len(data) // 32


ODD_BYTES = bytes(byte for byte in (*range(0x20), 0x7F) if byte not in b"\t\r\n\b\x1b")
"""Bytes that no terminal sends or shows."""


def _draft(tables: Tables, context: Context, pair: tuple[str, str], shells: list[Shell]) -> Draft:
    executor, commander = pair
    shells = shells[:20]
    streams = [s.stream for s in shells]
    lines = sorted((c for s in shells for c in s.commands), key=lambda c: c[0])
    outputs = sorted((o for s in shells for o in s.outputs), key=lambda o: o[0])
    session = tables.tcp_sessions.filter(pl.col("stream").is_in(streams)).sort("start").row(0, named=True)
    first = min(x[1] for x in (*lines, *outputs))
    last = max(x[1] for x in (*lines, *outputs))
    reverse = session["client"] == executor
    port = session["server_port"]
    how = (
        f"{executor} had connected out to {commander} port {port} and was sent the commands there"
        if reverse
        else f"{commander} had connected to {executor} port {port} and sent the commands there"
    )
    shown = listed([f'"{c[4]}"' for c in lines], 4) or "no command in the first packets"
    answers = f" The answer holds {listed([chr(34) + cut(o[4], 60) + chr(34) for o in outputs], 2)}." if outputs else ""
    told, hosts = _after(tables, executor, commander, first, context.limit("follow"), streams)
    follow = f" Afterwards {told}." if told else ""
    summary = (
        f"Shell commands in clear text between {called(context, commander)} and {called(context, executor)} on TCP "
        f"port {port}, "
        f"{minutes(first, last)}: {shown}. {how}.{answers}{follow}"
    )
    sentence = f"{commander} sent {called(context, executor)} shell commands in clear on TCP port {port}" + (
        f": {lines[0][4][:100]!r}" if lines else ""
    )
    packets = near.of_streams(tables, "tcp", streams).filter(pl.col("payload") > 0)
    strong = bool(outputs) or any(s.strong or s.points >= 3 for s in shells)
    priority: Priority = "high"
    confidence: Confidence = "high" if strong else "medium"
    return Draft(
        subject=f"{executor} and {commander}",
        hosts=tuple(dict.fromkeys([executor, commander, *hosts])),
        summary=summary,
        sentence=sentence,
        priority=priority,
        confidence=confidence,
        display_filter=filters.all_of(streams_filter(streams), filters.positive("tcp.len")),
        frames=ordered(packets["frame"].to_list()),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("from", "address"), ("to", "address"), ("text", "text")),
            [[x[1], x[0], x[2], x[3], x[4]] for x in sorted([*lines, *outputs], key=lambda x: x[0])],
        ),
        time=first,
        line_up=("frame.number", "frame.time_relative", "ip.src", "ip.dst", "tcp.dstport", "tcp.len"),
    )


def _after(
    tables: Tables, executor: str, commander: str, first: float, within: float, known: list[int]
) -> tuple[str, list[str]]:
    """What the two hosts did next, and what the executing host fetched from others."""
    told: list[str] = []
    for s in later_sessions(tables, executor, commander, first, within):
        if s["stream"] in known or not s["established"]:
            continue
        client, server, port = str(s["client"]), str(s["server"]), s["server_port"]
        stream = int(str(s["stream"]))
        from_client, from_server = opening_of(tables, stream, client), opening_of(tables, stream, server)
        what = ""
        for data, sent in ((from_client, s["client_payload"]), (from_server, s["server_payload"])):
            if data.startswith(b"MZ") or data.startswith(b"\x7fELF"):
                kind = "an executable (MZ, Windows PE)" if data.startswith(b"MZ") else "an executable (ELF)"
                what = f" that carried {size(float(str(sent)))} beginning with {kind}"
            elif not what and data[:4] in (b"220 ", b"220-"):
                what = f' that was answered "{cut(data.decode("utf-8", "replace"), 50)}"'
        told.append(
            f"{client} connected to {server} port {port}{what} ({duration(float(str(s['start'])) - first)} later)"
        )
    return listed(told, 4), []
