"""LAT009: one client gave many files of a share the same new extension."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import called, cut, minutes, names
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables

ORDINARY = frozenset(
    [
        "tmp", "temp", "bak", "old", "orig", "swp", "part", "partial", "crdownload", "download", "lock", "lck", "log",
        "gz", "bz2", "xz", "zst", "zip", "7z", "rar", "lz4", "asc", "sig", "gpg", "pgp", "md5", "sha1", "sha256",
        "meta", "torrent", "json", "xml", "txt", "pdf", "lnk", "url", "thumb", "xmp", "idx", "map", "min", "js",
    ]
)  # fmt: skip
"""Extensions that programs add to a whole name by habit: copies, archives, signatures, checksums, sidecar files."""

SET_INFO = 17
"""SMB 2 SET_INFO: with a file name it renames ([MS-SMB2] 2.2.39)."""
LONGEST = 32
"""Characters of an extension; some marks hold an address of mail or an identifier."""


@rule(
    code="LAT009",
    name="appended-extensions",
    family="access",
    title="One client gave many files of a share the same new extension",
    question="Did one client give many files of a share the same new extension?",
    answers=("Q3",),
    why="Programs that encrypt files mark those that are done with an extension of their own: report.docx becomes "
    "report.docx.xyz. On a file server that shows as many renamed or new files whose name is an old one with the same "
    "few letters behind, within minutes, from one client.",
    innocent=(
        Innocent(
            explanation="A backup, an archive or an encryption tool that somebody runs on purpose.",
            tell_apart="The extension belongs to that tool, its user knows, and the originals are still there.",
        ),
        Innocent(
            explanation="A conversion job names its results after their sources.",
            tell_apart="The results have the type that the extension says, and the job runs on every such day.",
        ),
    ),
    confirm=(
        "Take the client off the network first if nobody knows of it; the files that are done are listed as evidence.",
        "Open one of the files: does it still begin as its type should?",
        "Look for one new text file that is the same in every folder.",
    ),
    references=(
        Reference(title="ATT&CK T1486 Data Encrypted for Impact", url="https://attack.mitre.org/techniques/T1486/"),
    ),
    needs=("smb",),
    thresholds={
        "files": Threshold(20, "files", "people who rename by hand do fewer in one capture"),
        "share": Threshold(0.8, "share of the names with an added extension", "one tool marks its files in one way"),
    },
    weight=91.0,
)
def appended_extensions(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server."""
    asked = tables.smb.filter(
        pl.col("file").is_not_null() & ~pl.col("response").fill_null(value=False) & pl.col("src").is_not_null()
    )
    for (client, server), rows in asked.group_by("src", "dst", maintain_order=True):
        if rows["file"].n_unique() < context.limit("files"):
            continue
        draft = _draft(context, str(client), str(server), rows)
        if draft is not None:
            yield draft


def _draft(context: Context, client: str, server: str, rows: pl.DataFrame) -> Draft | None:
    seen: dict[str, str] = {}
    for name in rows["file"].unique(maintain_order=True).to_list():
        seen.setdefault(name.lower(), name)
    added = {name: name.rsplit(".", 1) for name in seen if name.count(".") >= 2}
    added = {name: parts for name, parts in added.items() if parts[0] in seen and _mark(parts[1])}
    if len(added) < context.limit("files"):
        return None
    extension, number_of = Counter(parts[1] for parts in added.values()).most_common(1)[0]
    if number_of < context.limit("files") or number_of < context.limit("share") * len(added):
        return None
    marked = [name for name, parts in added.items() if parts[1] == extension]
    mine = rows.filter(pl.col("file").str.to_lowercase().str.ends_with(f".{extension}"))
    renamed = mine.filter(pl.col("command2").list.contains(SET_INFO))["file"].n_unique() if mine.height else 0
    first, last = float(mine["time"].to_list()[0]), float(mine["time"].to_list()[-1])
    shares = [s for s in mine["path"].drop_nulls().unique(maintain_order=True).to_list() if s]
    where = f" on {cut(shares[0], 80)}" if shares else ""
    example = seen[marked[0]]
    return Draft(
        subject=f"{client} -> {server}",
        hosts=(client, server),
        summary=(
            f"{called(context, client)} gave {count(number_of, 'file')} of {called(context, server)}{where} the same "
            f"new extension .{cut(extension, 20)} in {duration(last - first)}, {minutes(first, last)}: "
            f"{names([seen[m] for m in marked], 4)}. The names without it were in use in the same capture"
            f"{f'; {renamed:,} of them were renamed' if renamed else ''}."
        ),
        sentence=(
            f"{called(context, client)} began to give files of {called(context, server)} the extension "
            f".{cut(extension, 20)} ({number_of:,} files, such as {cut(example, 60)})"
        ),
        priority="high",
        confidence="medium",
        display_filter=filters.all_of(
            filters.src(client),
            filters.dst(server),
            filters.any_of(*(filters.under(field, extension) for field in ("smb2.filename", "smb.file"))),
        ),
        frames=mine["frame"].to_list(),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("file", "text")),
            [
                [r["time"], r["frame"], cut(r["file"], 120)]
                for r in mine.unique("file", keep="first", maintain_order=True).iter_rows(named=True)
            ],
        ),
        time=first,
        weight=min(5.0, number_of / 20),
    )


def _mark(extension: str) -> bool:
    """An extension that is none of those that programs add by habit; `file.txt:stream` has none of its own."""
    return 0 < len(extension) <= LONGEST and extension not in ORDINARY and not set(extension) & set(":\\/ ")
