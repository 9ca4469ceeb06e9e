"""Is a known protocol spoken on a port where it does not belong?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge import load
from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.sessions import GENERIC_PROTOCOLS
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 6
STREAMS_MAX = 60
OPENINGS = (
    (b"SSH-", "SSH"),
    (b"RFB 00", "VNC"),
    (b"\x03\x00\x00\x13\x0e\xe0", "RDP"),
)
"""First bytes of protocols that begin with their name (RFC 4253, RFC 6143, RFC 2812, MS-RDPBCGR)."""


@rule(
    code="OUT008",
    name="protocols-on-odd-ports",
    family="checkins",
    title="A known protocol was spoken on a port where it does not belong",
    question="Is a known protocol spoken on a port where it does not belong?",
    answers=("Q4", "Q6", "Q13"),
    why=(
        "Protocol and port should fit. SSH on 902, FTP on 8884 or IRC on 5050 may be an administrator's habit, or "
        "somebody who wants "
        "it to be taken for something else."
    ),
    innocent=(
        Innocent(
            explanation=(
                "Administrators move SSH and FTP to other ports to keep scanners away; laboratories use any port."
            ),
            tell_apart="The server's owner knows the service.",
        ),
    ),
    confirm=("Who runs this service, and since when does the port answer?",),
    references=(common.NON_STANDARD_PORT,),
    needs=("tcp_sessions",),
    thresholds={"sessions": Threshold(1, "sessions", "One is enough to mention it, as context.")},
    weight=28,
)
def protocols_on_odd_ports(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups sessions by protocol, server and port."""
    expected = {
        name: places for name, places in load("services")["expected"].items() if isinstance(places, list) and places
    }
    spoken = tables.tcp_sessions.filter(
        ~pl.col("protocol").is_in(GENERIC_PROTOCOLS)
        & pl.col("protocol").str.replace(r"v[12]$", "").is_in(list(expected))
        & (pl.col("client_payload") + pl.col("server_payload") > 0)
    )
    spoken = pl.concat(
        [spoken.with_columns(pl.col("protocol").str.replace(r"v[12]$", "").alias("kind")), _by_opening(tables)]
    )
    drafts = []
    for (kind, address, port), rows in spoken.group_by("kind", "server", "server_port", maintain_order=True):
        if kind == "IRC" and context.is_outside(str(address)):
            continue  # irc-sessions reads it and says more
        if int(str(port)) in expected[str(kind)]:
            continue
        # A session without its start may have been turned round: then the other port tells.
        ours = rows.filter(
            ~((pl.col("syns") + pl.col("syn_acks") == 0) & pl.col("client_port").is_in(expected[str(kind)]))
        )
        if ours.height < context.limit("sessions"):
            continue
        drafts.append(_draft(tables, context, str(kind), str(address), int(str(port)), ours))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _by_opening(tables: Tables) -> pl.DataFrame:
    """Sessions that tshark could not name because of their port, and whose first bytes name their protocol."""
    unknown = tables.tcp_sessions.filter(pl.col("protocol").is_in(GENERIC_PROTOCOLS))
    first = tables.openings.filter((pl.col("transport") == "tcp") & (pl.col("order") == 0))
    named = pl.coalesce(pl.when(pl.col("data").bin.starts_with(magic)).then(pl.lit(kind)) for magic, kind in OPENINGS)
    kinds = (
        first.select("stream", named.alias("kind"))
        .filter(pl.col("kind").is_not_null())
        .unique("stream", keep="first", maintain_order=True)
    )
    return unknown.join(kinds, on="stream", how="inner", maintain_order="left")


def _draft(tables: Tables, context: Context, kind: str, address: str, port: int, rows: pl.DataFrame) -> Draft:
    clients = rows["client"].unique(maintain_order=True).to_list()
    server = common.server(tables, address, port)
    outside = context.is_outside(address) and not context.is_outside(clients[0])
    priority: Priority = "low" if outside else "info"
    streams = rows["stream"].to_list()
    shown, frames = _packets(tables, address, port, streams)
    return Draft(
        subject=f"{address}:{port} {kind}",
        hosts=(clients[0], address),
        summary=(
            f"{kind} was spoken with {server.words()}, where it does not belong, by {', '.join(clients[:3])} in "
            f"{rows.height} "
            f"session{'s' * (rows.height > 1)} from {words.clock(float(rows['start'][0]))} UTC."
        ),
        sentence=f"{clients[0]} spoke {kind} with {server.words()}, a port where it does not belong",
        priority=priority,
        confidence="high",
        display_filter=shown,
        frames=frames,
        evidence=evidence(
            [
                ("session starts", "time"),
                ("client", "address"),
                ("client port", "port"),
                ("lasted", "seconds"),
                ("bytes", "bytes"),
            ],
            [(r["start"], r["client"], r["client_port"], r["seconds"], r["bytes"]) for r in rows.iter_rows(named=True)],
        ),
        lowered_because="A port number alone proves nothing.",
        time=float(rows["start"][0]),
    )


def _packets(tables: Tables, address: str, port: int, streams: list[int]) -> tuple[str, list[int]]:
    """Display filter and frames: the sessions by number, or all of that port where they are too many."""
    if len(streams) <= STREAMS_MAX:
        rows = near.of_streams(tables, "tcp", streams)
        return filters.all_of(filters.one_of("tcp.stream", streams), common.not_quoted(tables)), rows["frame"].to_list()
    there = (pl.col("dst") == address) & (pl.col("dst_port") == port)
    back = (pl.col("src") == address) & (pl.col("src_port") == port)
    shown = filters.any_of(
        filters.all_of(filters.dst(address), filters.dst_port("tcp", port)),
        filters.all_of(filters.src(address), filters.src_port("tcp", port)),
    )
    tcp = tables.packets.lazy().filter((pl.col("transport") == "tcp") & (there | back)).select("frame").collect()
    return filters.all_of(shown, common.not_quoted(tables)), tcp["frame"].to_list()
