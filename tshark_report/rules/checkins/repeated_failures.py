"""Does a client try the same server again and again without success?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _rhythm as rhythms
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 5
PARALLEL_S = 0.5
FAILED_SHARE = 0.8
"""Share of the attempts that must have failed: a server that is down now and then is another matter."""


@rule(
    code="CHK004",
    name="repeated-failures",
    family="checkins",
    title="One client kept trying a server that did not take the connection",
    question="Does a client try the same server again and again without success?",
    answers=("Q4", "Q7"),
    why=(
        "A program whose server is gone, blocked or refuses it tries again in a loop. It may be a stale "
        "configuration; it may be "
        "a program that nobody knows to be there, whose server was taken down."
    ),
    innocent=(
        Innocent(
            explanation="A server is down or a firewall drops the traffic, and an ordinary program retries.",
            tell_apart=(
                "The server belongs to the organisation or to the maker of the program, and the retries end when it "
                "is back."
            ),
        ),
    ),
    confirm=(
        "Which process on the client tries to connect?",
        "Did the server answer before this capture? Look in proxy or firewall logs.",
    ),
    references=(common.DYNAMIC_RESOLUTION, common.NON_STANDARD_PORT),
    needs=("tcp_sessions",),
    thresholds={
        "attempts": Threshold(10, "attempts", "Programs give up or back off after a few; a loop does not."),
        "shortest_gap": Threshold(1.0, "seconds", "Faster is a scan, a flood or password guessing."),
        "jitter": Threshold(0.35, "share of the median gap", "Retries come from a timer; time-outs add to its jitter."),
    },
    weight=45,
)
def repeated_failures(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups attempts that were refused, unanswered or closed without data, by client, server and port."""
    tried = tables.tcp_sessions.filter((pl.col("syns") > 0) & ~known.polled())
    least = int(context.limit("attempts"))
    keys = ["client", "server", "server_port"]
    failed = pl.col("refused") | pl.col("unanswered") | (pl.col("established") & (pl.col("server_payload") == 0))
    groups = (
        tried.with_columns(failed.alias("failed"))
        .group_by(keys, maintain_order=True)
        .agg(
            pl.len().alias("attempts"),
            pl.col("failed").mean().alias("share"),
            pl.col("refused").sum(),
            pl.col("unanswered").sum(),
            "start",
            "stream",
        )
        .filter((pl.col("attempts") >= least) & (pl.col("share") >= FAILED_SHARE))
    )
    drafts = []
    for row in groups.iter_rows(named=True):
        times = rhythms.apart(row["start"], PARALLEL_S)
        rhythm = rhythms.rhythm(times)
        if rhythm is None or rhythm.contacts < least or rhythm.median < context.limit("shortest_gap"):
            continue
        if rhythm.jitter > context.limit("jitter"):
            continue
        drafts.append(_draft(tables, context, row, rhythm))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, context: Context, row: dict[str, object], rhythm: rhythms.Rhythm) -> Draft:
    client, address, port = str(row["client"]), str(row["server"]), int(str(row["server_port"]))
    server = common.server(tables, address, port)
    sessions = tables.tcp_sessions.filter(
        (pl.col("client") == client)
        & (pl.col("server") == address)
        & (pl.col("server_port") == port)
        & (pl.col("syns") > 0)
    )
    shown, frames = common.session_starts(tables, client, [address], port)
    refused, unanswered = int(str(row["refused"])), int(str(row["unanswered"]))
    closed = sessions.height - refused - unanswered
    ends = [f"{refused} refused with a reset"] * bool(refused) + [f"{unanswered} never answered"] * bool(unanswered)
    ends += [f"{closed} taken, most of them without a byte from the server"] * bool(closed)
    priority: Priority = "low"
    lowered = "No contact came about, and most retry loops are ordinary programs."
    if context.is_outside(address) and server.dynamic and not server.polling:
        priority, lowered = "medium", ""
    first = float(sessions["start"][0])
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        summary=(
            f"{client} tried {server.words()} {sessions.height} times between {words.clock(first)} and "
            f"{words.clock(float(sessions['start'][-1]))} UTC, about every {rhythm.words()}: a retry loop. "
            f"{'; '.join(ends).capitalize()}."
            f"{server.about()}"
        ),
        sentence=(
            f"{client} began to open connections to {server.words()} every {words.seconds(rhythm.median)}, most of "
            f"which the server took without sending a byte ({sessions.height} attempts)"
            if 2 * closed > sessions.height
            else f"{client} began to try {server.words()} every {words.seconds(rhythm.median)} in vain "
            f"({sessions.height} attempts)"
        ),
        priority=priority,
        confidence="medium",
        display_filter=shown,
        frames=frames,
        evidence=evidence(
            [
                ("attempt", "time"),
                ("seconds since the last", "seconds"),
                ("client port", "port"),
                ("SYNs", "count"),
                ("end", "text"),
            ],
            [
                (
                    s["start"],
                    gap,
                    s["client_port"],
                    s["syns"],
                    "refused" if s["refused"] else "unanswered" if s["unanswered"] else "closed",
                )
                for s, gap in zip(sessions.iter_rows(named=True), sessions["start"].diff().to_list(), strict=True)
            ],
        ),
        lowered_because=lowered,
        time=first,
        weight=min(5.0, rhythm.contacts / 20),
    )
