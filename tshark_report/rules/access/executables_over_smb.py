"""LAT001: a program was copied over a Windows share."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes, names, ordered
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, listed, size
from tshark_report.tables.tables import Tables

PROGRAM = re.compile(r"(?i)\.(?:exe|dll|sys|scr|pif|cpl|ps1|bat|cmd|vbs|vbe|wsf|hta|msi|jar)\Z")
"""Names that Windows starts by a double click or a command."""

ADMIN = re.compile(r"(?i)(?:\A|\\)(?:[a-z]\$|admin\$)\Z")
"""Shares that only administrators open: whole drives and the Windows folder."""

POLICY = re.compile(r"(?i)\\(?:sysvol|netlogon)\Z")
"""Shares from which every domain member reads its policies and logon scripts."""

CREATE_2, READ_2, WRITE_2 = 5, 8, 9
CREATE_1, OPEN_1, READ_1, WRITE_1 = 0xA2, 0x2D, 0x2E, 0x2F


@dataclass
class Copy:
    """A program opened by one client at one server, under one name."""

    client: str
    server: str
    port: int
    name: str
    share: str
    version: int
    time: float
    frames: list[int] = field(default_factory=list)
    wrote: int = 0
    reads: int = 0
    bytes: int = 0
    content: str = ""
    sha256: str = ""
    streams: set[int] = field(default_factory=set)
    user: str = ""

    @property
    def base(self) -> str:
        """The file's own name."""
        return re.split(r"[\\/]", self.name)[-1]

    @property
    def admin(self) -> bool:
        """True on an administrative share."""
        return bool(ADMIN.search(self.share))


@rule(
    code="LAT001",
    name="executables-over-smb",
    family="access",
    title="A program was copied over a Windows share",
    question="Was a program copied to or from another host over SMB?",
    answers=("Q2", "Q12"),
    why="Copying a program to an administrative share is how tools move from host to host before they are started "
    "there.",
    innocent=(
        Innocent(
            explanation="Software distribution, or an administrator who installs something.",
            tell_apart="The source is a management server, the name and hash belong to a product, and it happens "
            "to many hosts by plan.",
        ),
        Innocent(
            explanation="A program is started from a file server's ordinary share.",
            tell_apart="It is read, not written, from a share that everybody uses, and others read it too.",
        ),
    ),
    confirm=(
        "Look the file up by its hash, and on the host it went to: is it there, who owns it, was it started?",
        "Was a service, a task or a WMI process made on that host right after?",
        "Where else did the same account or source log in?",
    ),
    references=(
        Reference(title="ATT&CK T1570 Lateral Tool Transfer", url="https://attack.mitre.org/techniques/T1570/"),
        Reference(
            title="ATT&CK T1021.002 SMB/Windows Admin Shares", url="https://attack.mitre.org/techniques/T1021/002/"
        ),
    ),
    needs=("smb",),
    thresholds={
        "servers": Threshold(
            2, "servers", "the same program written to several hosts is spreading, or being distributed"
        ),
    },
    weight=92.0,
)
def executables_over_smb(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and file name."""
    groups: dict[tuple[str, str], list[Copy]] = defaultdict(list)
    for copy in _copies(tables):
        # Programs started from an ordinary share are many files of one event; a copy to somewhere is one by its name.
        read = not copy.wrote and not copy.admin
        groups[copy.client, f"programs on {copy.server}" if read else copy.base.lower()].append(copy)
    drafts = []
    for (_, subject), copies in groups.items():
        draft = _draft(tables, context, copies, subject)
        if draft is not None:
            drafts.append(draft)
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), draft.frames[:1]))
    yield from drafts[:MOST_FINDINGS]


def _copies(tables: Tables) -> list[Copy]:
    smb = tables.smb.sort("frame")
    creates = smb.filter(
        ~pl.col("response").fill_null(value=False)
        & pl.col("file").is_not_null()
        & (
            pl.col("command2").list.contains(CREATE_2)
            | pl.col("command1").list.contains(CREATE_1)
            | pl.col("command1").list.contains(OPEN_1)
        )
    )
    if creates.is_empty():
        # tshark 4.6 no longer names the file in the request that opens it, only in the requests that follow.
        creates = _first_named(smb)
    opening = set(creates["frame"].to_list())
    content = _content(tables)
    wanted = [
        row
        for row in creates.iter_rows(named=True)
        if PROGRAM.search(str(row["file"])) or (row["stream"], _plain(str(row["file"]))) in content
    ]
    if not wanted:
        return []
    streams = sorted({row["stream"] for row in wanted if row["stream"] is not None})
    rows = smb.filter(pl.col("stream").is_in(streams))
    named = rows.filter(pl.col("user").is_not_null() & (pl.col("user") != "NULL"))
    users = dict(named.select("stream", "user").iter_rows())
    # Reads and writes belong to the file that was opened last in their stream.
    activity: dict[tuple[int, int], tuple[int, int, int]] = {}
    for stream in streams:
        current = 0
        for frame, response, two, one, wrote, file in (
            rows.filter(pl.col("stream") == stream)
            .select("frame", "response", "command2", "command1", "write_bytes", "file")
            .iter_rows()
        ):
            commands = set(two or []) | {c + 1000 for c in (one or []) if c is not None}
            if frame in opening and file:
                current = frame
            if current:
                w, r, b = activity.get((stream, current), (0, 0, 0))
                up = int(not response and bool(commands & {WRITE_2, WRITE_1 + 1000}))
                down = int(not response and bool(commands & {READ_2, READ_1 + 1000}))
                activity[stream, current] = (w + up, r + down, b + (int(wrote or 0) if up else 0))
    found: dict[tuple[str, str, str, str], Copy] = {}
    for row in wanted:
        name, share = str(row["file"]), str(row["path"] or "")
        key = (str(row["src"]), str(row["dst"]), name.lower(), share.lower())
        copy = found.get(key)
        if copy is None:
            copy = found[key] = Copy(
                str(row["src"]),
                str(row["dst"]),
                int(row["dst_port"] or 445),
                name,
                share,
                2 if row["command2"] else 1,
                float(row["time"]),
            )
        copy.frames.append(int(row["frame"]))
        wrote, reads, volume = activity.get((row["stream"], row["frame"]), (0, 0, 0))
        copy.wrote += wrote
        copy.reads += reads
        copy.bytes = max(copy.bytes, volume)
        copy.streams.add(int(row["stream"]))
        copy.user = copy.user or users.get(row["stream"], "")
        kind = content.get((row["stream"], _plain(name)))
        if kind:
            copy.content, copy.sha256 = kind[0], kind[2]
            copy.bytes = max(copy.bytes, kind[1])
    _from_signatures(tables, list(found.values()))
    return list(found.values())


def _first_named(smb: pl.DataFrame) -> pl.DataFrame:
    """The first request of each stream that names a file, for each file."""
    named = smb.filter(~pl.col("response").fill_null(value=False) & pl.col("file").is_not_null())
    return named.unique(["stream", "file"], keep="first", maintain_order=True)


def _plain(name: str) -> str:
    return re.split(r"[\\/]", name)[-1].lower()


def _content(tables: Tables) -> dict[tuple[object, str], tuple[str, int, str]]:
    """(stream, file name) -> type, bytes and hash of programs that tshark put together from SMB."""
    rows = tables.files.filter((pl.col("protocol") == "smb") & pl.col("detected_type").str.contains("executable"))
    return {
        (r["stream"], _plain(str(r["name"]))): (str(r["detected_type"]), int(r["bytes"] or 0), str(r["sha256"] or ""))
        for r in rows.sort("bytes").iter_rows(named=True)
    }


def _from_signatures(tables: Tables, copies: list[Copy]) -> None:
    """Where the file itself was not put together: the DOS stub text in the same stream says what it was."""
    stubs = tables.signatures.filter(pl.col("kind").is_in(["dos-stub", "elf"]) & (pl.col("transport") == "tcp"))
    by_stream = dict(stubs.select("stream", "kind").iter_rows())
    for copy in copies:
        kinds = {by_stream[s] for s in copy.streams if s in by_stream}
        if not copy.content and kinds and (copy.wrote or copy.reads):
            copy.content = "Windows executable (PE)" if "dos-stub" in kinds else "Linux executable (ELF)"


def _draft(tables: Tables, context: Context, copies: list[Copy], subject: str) -> Draft | None:
    copies.sort(key=lambda copy: copy.time)
    moved = [c for c in copies if c.wrote or c.reads or c.bytes]
    admin = [c for c in copies if c.admin]
    if not admin and all(POLICY.search(c.share) for c in copies):
        return None
    wrote = [c for c in copies if c.wrote]
    servers = list(dict.fromkeys(c.server for c in (wrote or moved or copies)))
    content = next((c.content for c in copies if c.content), "")
    priority: Priority
    confidence: Confidence = "high" if content else "medium"
    if [c for c in admin if c.wrote or c.reads] or wrote and len({c.server for c in wrote}) >= context.limit("servers"):
        priority = "high"
    elif admin or (wrote and content):
        priority = "medium"
    else:
        priority = "low"
    if not moved:
        priority = "medium" if admin else "info"
        confidence = "medium"
    lead = (wrote or [c for c in moved if c.content] or moved or copies)[0]
    client = lead.client
    largest = max((c.bytes for c in copies), default=0)
    what = f"{content}, MZ" if content.startswith("Windows") else content or "a program by its name"
    sized = f", {size(largest)}" if largest else ""
    shares = names((c.share or "a share whose name was not seen" for c in (wrote or moved or copies)), 4)
    verb = "wrote" if wrote else "read" if moved else "opened"
    preposition = "to" if wrote else "from" if moved else "on"
    user = next((c.user for c in copies if c.user), "")
    digest = next((c.sha256 for c in copies if c.sha256), "")
    as_ = f" as {cut(user, 40)}" if user else ""
    kind = " (administrative share)" if admin else ""
    others = len({c.base.lower() for c in copies}) - 1
    more = f" and {count(others, 'other program')}" if others else ""
    targets = listed([called(context, s) for s in servers], 4)
    summary = (
        f"{client}{as_} {verb} {cut(lead.name, 80)}{more} ({what}{sized}) {preposition} {shares}{kind} of "
        f"{targets} over "
        "SMB, "
        f"{minutes(copies[0].time, copies[-1].time)}."
        f"{f' The executable content crossed from {lead.client} to {lead.server}.' if wrote else ''}"
        f"{f' The executable content crossed from {lead.server} to {lead.client}.' if moved and not wrote else ''}"
        f"{f' SHA-256 {digest}.' if digest else ''}"
    )
    sentence = (
        f"{client} {verb} {cut(lead.name, 60)} ({content or 'a program'}) {preposition} "
        f"{cut(lead.share or 'a share', 60)} of {targets} over SMB"
    )
    parts, frames = [], []
    for server in dict.fromkeys(c.server for c in copies):
        mine = [c for c in copies if c.server == server]
        for version, command, name_field in ((2, "smb2.cmd", "smb2.filename"), (1, "smb.cmd", "smb.file")):
            files = sorted({c.name for c in mine if c.version == version})
            if not files:
                continue
            codes = [CREATE_2] if version == 2 else [CREATE_1, OPEN_1]
            column = "command2" if version == 2 else "command1"
            rows = tables.smb.filter(
                (pl.col("src") == client) & (pl.col("dst") == server) & pl.col("file").is_in(files)
            )
            opened = rows.filter(pl.any_horizontal(pl.col(column).list.contains(code) for code in codes))
            by_opening = opened.height > 0
            rows = opened if by_opening else rows
            frames += rows["frame"].to_list()
            parts.append(
                filters.all_of(
                    filters.src(client),
                    filters.dst(server),
                    *([filters.one_of(command, codes)] if by_opening else []),
                    filters.one_of(name_field, files),
                )
            )
    return Draft(
        subject=f"{client} {subject}",
        hosts=tuple(dict.fromkeys([client, *servers[:6]])),
        summary=summary,
        sentence=sentence,
        priority=priority,
        confidence=confidence,
        display_filter=filters.any_of(*parts),
        frames=ordered(frames),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("client", "address"),
                ("server", "address"),
                ("share", "text"),
                ("file", "text"),
                ("direction", "text"),
                ("bytes", "bytes"),
                ("content", "text"),
                ("user", "text"),
            ),
            [
                [
                    c.time,
                    c.frames[0],
                    c.client,
                    c.server,
                    cut(c.share, 60),
                    cut(c.name, 80),
                    "written" if c.wrote else "read" if c.reads else "opened",
                    c.bytes or None,
                    c.content,
                    cut(c.user, 40),
                ]
                for c in copies
            ],
        ),
        title=f"A program was {'copied to' if wrote else 'read from' if moved else 'opened on'} "
        f"{'an administrative share' if admin else 'a Windows share'}"
        + (f" of {count(len(servers), 'host')}" if len(servers) > 1 else ""),
        time=copies[0].time,
        indicators=(("sha256", digest),) if digest else (),
        line_up=("frame.number", "ip.src", "ip.dst", "smb2.cmd", "smb2.filename", "smb2.tree"),
    )
