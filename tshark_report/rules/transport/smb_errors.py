"""Did a file server refuse or fail?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, frame_numbers, hosts_text, listed, number, when
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

ERRORS = Threshold(3, "answers", "a program that tries a folder it may not open, once or twice, is ordinary")

STATUSES: dict[int, str] = {
    0xC0000022: "access denied",
    0xC00000CC: "no such share (bad network name)",
    0xC00000C9: "network name deleted",
    0xC000007F: "disk full",
    0xC0000044: "quota exceeded",
    0xC0000043: "sharing violation (file in use)",
    0xC0000054: "file lock conflict",
    0xC00000B5: "input or output timed out",
    0xC0000185: "device error",
    0xC000009A: "insufficient resources",
    0xC00000BB: "not supported",
    0xC0000128: "file closed",
    0xC0000203: "session deleted",
    0xC000035C: "session expired",
    0xC0000257: "path not covered (DFS)",
    0xC00000BA: "file is a directory",
    0xC000020C: "connection disconnected",
    0xC0000465: "server unavailable",
    0xC0000205: "insufficient server resources",
    0xC00000D0: "request not accepted",
}
"""Statuses that a user notices ([MS-ERREF] 2.3). Failed logons are other rules' matter; `no such file`, `no more files`
and `more processing required` are how ordinary programs look around."""
SERIOUS = (0xC000007F, 0xC0000044, 0xC00000B5, 0xC0000185, 0xC000009A, 0xC0000205, 0xC0000465, 0xC00000C9, 0xC00000D0)


@rule(
    code="APP004",
    name="smb-errors",
    family="transport",
    title="A file server answered with errors",
    question="Did a file server refuse or fail?",
    answers=("Q7",),
    why=(
        "The status in an SMB answer says whether the server's disk, its rights or a locked file is the trouble; "
        "transport and network "
        "delivered it. Access denied to many names by one client may also be somebody looking around."
    ),
    innocent=(
        Innocent(
            explanation=(
                "Explorer and antivirus programs open everything with more rights than they need, are refused, "
                "and ask again with less."
            ),
            tell_apart="The next request for the same name succeeds.",
        ),
    ),
    confirm=("Look at the server's rights, quota and disk.", "Look in its event log for the same minutes."),
    references=(
        Reference(
            title="[MS-ERREF] NTSTATUS values", url="https://learn.microsoft.com/openspecs/windows_protocols/ms-erref/"
        ),
    ),
    needs=("smb",),
    thresholds={"errors": ERRORS},
    weight=11,
)
def smb_errors(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server."""
    errors = tables.smb.filter(pl.col("status").is_in(list(STATUSES)) & pl.col("response").fill_null(value=True))
    groups = errors.group_by("src").agg(pl.len().alias("n")).filter(pl.col("n") >= context.limit("errors"))
    for server, number_of in groups.sort(["n", "src"], descending=[True, False]).head(FINDINGS).iter_rows():
        rows = errors.filter(pl.col("src") == server)
        clients = [str(c) for c in rows["dst"].unique(maintain_order=True).to_list()]
        statuses = (
            rows.group_by("status", maintain_order=True)
            .agg(pl.len().alias("n"))
            .sort("n", descending=True, maintain_order=True)
        )
        told = listed([f"{n:,} x {STATUSES[s]}" for s, n in statuses.iter_rows()], 4)
        serious = any(s in SERIOUS for s in statuses["status"].to_list())
        priority: Priority = "low" if serious else "info"
        codes = [int(s) for s in statuses["status"].to_list()]
        yield Draft(
            subject=server,
            hosts=(server, *clients[:4]),
            summary=(
                f"{context.named(server)} answered {count(number_of, 'SMB request')} of {hosts_text(clients)} "
                f"with errors: {told}, from "
                f"{clock(number(rows['time'].min()))} UTC."
            ),
            sentence=f"{context.named(server)} answered SMB requests of {hosts_text(clients, 2)} with errors ({told})",
            priority=priority,
            confidence="medium",
            display_filter=filters.all_of(
                filters.src(server),
                filters.any_of(filters.one_of("smb2.nt_status", codes), filters.one_of("smb.nt_status", codes)),
            ),
            frames=frame_numbers(rows),
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("server", "address"),
                    ("client", "address"),
                    ("status", "hex"),
                    ("meaning", "text"),
                ),
                [
                    (r["frame"], when(r["time"]), server, r["dst"], f"0x{r['status']:08x}", STATUSES[r["status"]])
                    for r in rows.iter_rows(named=True)
                ],
            ),
        )
