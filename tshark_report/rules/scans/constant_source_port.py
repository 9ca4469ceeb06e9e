"""Does the source port change from session to session?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    FINDINGS,
    SYN_FILTER,
    frame_numbers,
    notable,
    own,
    service,
    span,
    syn_packets,
)
from tshark_report.story.words import count
from tshark_report.tables.tables import Tables

SESSIONS = Threshold(
    8, "sessions", "a port may come round again; eight sessions from the same one do not happen by chance"
)
SHARE = Threshold(
    0.8, "share of the client's sessions with that server", "an ordinary system draws or counts a port for each session"
)
WELL_KNOWN = 1024


@rule(
    code="HDR003",
    name="constant-source-port",
    family="scans",
    title="A client used the same source port for session after session",
    question="Does the source port stay constant over sessions, or change as it should?",
    answers=("Q8",),
    why="An operating system gives each connection another source port. The same one over and over comes from a"
    " program that"
    " binds it itself, or makes its packets by hand: scanners, back doors and remote-control tools do, and so do old"
    " services.",
    innocent=(
        Innocent(
            explanation="A service that binds its port by design: BGP, NFS, active FTP, industrial controllers,"
            " clustering.",
            tell_apart="The port belongs to the protocol, and the vendor's manual names it.",
        ),
        Innocent(
            explanation="A firewall rule that lets out one source port only, or a static NAT entry.",
            tell_apart="All sessions through that device show it.",
        ),
    ),
    confirm=(
        "Which program owns the port on the client (netstat, ss, EDR)?",
        "Are the sequence numbers of these sessions random?",
    ),
    references=(
        Reference(
            title="RFC 6056, Recommendations for Transport-Protocol Port Randomization",
            url="https://www.rfc-editor.org/rfc/rfc6056",
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={"sessions": SESSIONS, "share": SHARE},
    fields=("tcp.flags",),
    weight=25,
)
def constant_source_port(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client, server and port."""
    sessions = tables.tcp_sessions.filter((pl.col("syns") > 0) & (pl.col("client_port") >= WELL_KNOWN))
    ends = ["client", "server", "server_port"]
    rows = (
        sessions.group_by(*ends, "client_port", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("sessions"),
            pl.col("client_isn").n_unique().alias("numbers"),
            pl.col("start").min(),
            pl.col("end").max(),
            pl.col("established").sum().cast(pl.Int64),
        )
        .join(
            sessions.group_by(*ends).agg(pl.len().cast(pl.Int64).alias("all_sessions")),
            on=ends,
            how="left",
            maintain_order="left",
        )
        .filter(
            (pl.col("sessions") >= context.limit("sessions"))
            & (pl.col("sessions") >= context.limit("share") * pl.col("all_sessions"))
            & (pl.col("client_port") != pl.col("server_port"))
        )
        .sort("sessions", descending=True, maintain_order=True)
    )
    syns = syn_packets(tables)
    for row in rows.head(FINDINGS).iter_rows(named=True):
        client, server, port = row["client"], row["server"], row["client_port"]
        mine = syns.filter(
            (pl.col("src") == client)
            & (pl.col("dst") == server)
            & (pl.col("src_port") == port)
            & (pl.col("dst_port") == row["server_port"])
        )
        known = notable("tcp", port)
        uses = f" Port {port} is also known as: {known['uses']}." if known else ""
        yield Draft(
            subject=f"{client}:{port} -> {server}",
            hosts=(client, server),
            summary=f"{client} opened {count(row['sessions'], 'session')} to {server}:{service(row['server_port'])}"
            f" {span(row['start'], row['end'])}, of {row['all_sessions']:,}, from the same source port {port}"
            " (constant source port)."
            f" The initial sequence numbers took {count(row['numbers'], 'value')}; {row['established']:,} sessions"
            f" were answered.{uses}",
            sentence=f"{client} opened {count(row['sessions'], 'session')} to {server}:{row['server_port']}, all"
            " from the same source"
            f" port {port}",
            priority="low",
            confidence="high",
            display_filter=own(
                tables,
                filters.src(client),
                filters.dst(server),
                filters.src_port("tcp", port),
                filters.dst_port("tcp", row["server_port"]),
                SYN_FILTER,
            ),
            frames=frame_numbers(mine),
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("source port", "port"),
                    ("sequence number", "count"),
                    ("IP ID", "text"),
                    ("TTL", "count"),
                ),
                [
                    [
                        r["frame"],
                        r["time"],
                        r["src_port"],
                        r["seq"],
                        None if r["ip_id"] is None else f"0x{r['ip_id']:04x}",
                        r["ttl"],
                    ]
                    for r in mine.head(100).iter_rows(named=True)
                ],
                mine.height,
            ),
            line_up=("tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.window_size_value", "ip.id", "ip.ttl"),
        )
