"""Did a client upload files to a server outside?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 6
STORING = ("STOR", "STOU", "APPE")
"""FTP commands that send a file to the server (RFC 959, section 4.1.3)."""
STAMPED = re.compile(r"(19|20)\d{2}[-_.]?[01]\d[-_.]?[0-3]\d")
"""A date inside a file name: made by a program."""
TELLING_WORDS = (
    b"password",
    b"passwd",
    b"username",
    b"user name",
    b"credential",
    b"cookie",
    b"keylog",
    b"clipboard",
    b"screenshot",
    b"osfullname",
)


@rule(
    code="OUT003",
    name="file-uploads",
    family="checkins",
    title="Files were uploaded by FTP to a server outside",
    question="Did a client upload files to a server outside in clear text?",
    answers=("Q1", "Q4", "Q12"),
    why=(
        "FTP is hardly used by people any more, but programs that collect passwords and documents still send them to "
        "a rented FTP "
        "account, with a login that stands in clear text in the capture."
    ),
    innocent=(
        Innocent(
            explanation=(
                "A web master publishes pages, a camera or a scanner delivers pictures, a shop exports its orders."
            ),
            tell_apart="The account and the server are known, and the file names are those of the site or the device.",
        ),
    ),
    confirm=(
        "Read the file (Follow TCP Stream on the data connection): whose names, passwords or documents does it hold?",
        "Does somebody in the organisation know the account?",
        "What else did the client do in the minute before: a look-up of its public address, a download?",
    ),
    references=(
        Reference(
            title="ATT&CK T1048.003 Exfiltration Over Unencrypted Non-C2 Protocol",
            url="https://attack.mitre.org/techniques/T1048/003/",
        ),
        Reference(title="RFC 959 File Transfer Protocol", url="https://www.rfc-editor.org/rfc/rfc959"),
    ),
    needs=("ftp", "misc"),
    thresholds={"files": Threshold(1, "files", "One is enough: uploads to outside servers in clear text are rare.")},
    weight=74,
)
def file_uploads(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups FTP uploads by client and server outside."""
    stored = tables.ftp.filter(pl.col("command").is_in(STORING) & pl.col("src").is_not_null())
    drafts = []
    for (client, address, port), rows in stored.group_by("src", "dst", "dst_port", maintain_order=True):
        if rows.height >= context.limit("files") and context.is_outside(str(address)):
            drafts.append(_draft(tables, context, str(client), str(address), int(str(port)), rows))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, context: Context, client: str, address: str, port: int, rows: pl.DataFrame) -> Draft:
    server = common.server(tables, address, port)
    names = [n for n in rows["argument"].unique(maintain_order=True).to_list() if n]
    control = tables.ftp.filter(
        pl.col("stream").is_in(rows["stream"].unique().to_list())
        | ((pl.col("src") == client) & (pl.col("dst") == address))
    )
    users = [
        u for u in control.filter(pl.col("command") == "USER")["argument"].unique(maintain_order=True).to_list() if u
    ]
    files = tables.files.filter(
        (pl.col("protocol") == "ftp")
        & (pl.col("source") == client)
        & (pl.col("destination") == address)
        & pl.col("name").is_in(names)
    )
    sent = int(files["bytes"].sum() or 0)
    first = float(rows["time"].to_list()[0])
    looked = common.lookups_of(tables, client, first)
    named = common.own_names(tables, client)
    own = common.named_in(" ".join(names), named)
    inside = common.named_in(" ".join(h.decode("latin-1") for h in files["head"].to_list() if h), named)
    telling = sorted(
        {w.decode() for head in files["head"].to_list() for w in TELLING_WORDS if head and w in head.lower()}
    )
    stamped = any(STAMPED.search(name) for name in names)
    signs = _signs(looked, own, inside, telling, stamped)
    priority, confidence = _priority(context, client, signs)
    data = _data_packets(tables, client, address, names)
    hashed = [str(h) for h in files["sha256"].to_list()][:1]
    summary = (
        f"{client} uploaded {rows.height} file{'s' * (rows.height > 1)} by FTP to {server.words()} from "
        f"{words.clock(first)} UTC, in clear text"
        f"{f', logged in as {words.cut(users[0], 80)}' if users else ''}: {', '.join(words.cut(n) for n in names[:5])}"
        f"{f' ({words.size(sent)}, SHA-256 {hashed[0]})' if sent and hashed else ''}."
    )
    if signs:
        summary += f" {' '.join(signs)}"
    frames = sorted({*rows["frame"].to_list(), *data["frame"].to_list()})
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        summary=summary + server.about(),
        sentence=(
            f"{client} uploaded {words.cut(names[0], 80) if names else 'a file'} by FTP to {server.words()}"
            f"{f' as {words.cut(users[0], 60)}' if users else ''}"
        ),
        priority=priority,
        confidence=confidence,
        display_filter=_filter(tables, client, address, port, rows, data),
        frames=frames,
        evidence=evidence(
            [("time", "time"), ("command", "text"), ("file", "text"), ("frame", "frame")],
            [(r["time"], r["command"], words.cut(r["argument"] or ""), r["frame"]) for r in rows.iter_rows(named=True)],
        ),
        indicators=(
            common.indicator(address),
            *((("domain", server.name),) if server.name else ()),
            *(("sha256", h) for h in hashed),
            *(("email", u) for u in users[:1] if "@" in u),
        ),
        line_up=("ftp.request.command", "ftp.request.arg", "ftp.response.code", "ftp-data.command"),
        time=first,
        weight=2 * len(signs),
    )


def _signs(
    looked: list[tuple[str, float, int]], own: list[str], inside: list[str], telling: list[str], stamped: bool
) -> list[str]:
    made = []
    if looked:
        name, moment, frame = looked[-1]
        made.append(f"Before that it asked {name} for its public address ({words.clock(moment)}, frame {frame}).")
    if own:
        made.append(f"The file name holds the client's {', '.join(own)}.")
    if inside and not own:
        made.append(f"The content holds the client's {', '.join(inside)}.")
    if telling:
        made.append(f"The content holds the words {', '.join(telling)}.")
    if stamped:
        made.append("The file name holds a date, as a program makes it.")
    return made


def _priority(context: Context, client: str, signs: list[str]) -> tuple[Priority, Confidence]:
    if context.is_outside(client):
        return "low", "medium"
    return ("high", "high") if len(signs) >= 2 else ("medium", "medium")


def _data_packets(tables: Tables, client: str, address: str, names: list[str]) -> pl.DataFrame:
    wanted = [f"{command} {name}" for command in STORING for name in names]
    return tables.ftp.filter(
        (pl.col("src") == client) & (pl.col("dst") == address) & pl.col("data_command").is_in(wanted)
    )


def _filter(tables: Tables, client: str, address: str, port: int, rows: pl.DataFrame, data: pl.DataFrame) -> str:
    commands = rows["command"].unique(maintain_order=True).to_list()
    asked = filters.all_of(filters.dst_port("tcp", port), filters.one_of("ftp.request.command", commands))
    texts = data["data_command"].unique(maintain_order=True).to_list()
    carried = filters.one_of("ftp-data.command", texts[:20]) if texts else ""
    return filters.all_of(
        filters.src(client),
        filters.dst(address),
        filters.any_of(asked, carried) if carried else asked,
        common.not_quoted(tables),
    )
