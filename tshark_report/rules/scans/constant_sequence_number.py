"""Do initial sequence numbers change as they should?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, SYN_FILTER, frame_numbers, number, own, span
from tshark_report.rules.scans.vertical_port_scan import scanned_pairs
from tshark_report.story.words import count, listed
from tshark_report.tables.sessions import ACK, SYN
from tshark_report.tables.tables import Tables

SESSIONS = Threshold(
    6, "sessions", "two equal 32-bit numbers are chance once in four thousand million; six are a choice"
)
SHARE = Threshold(0.5, "share of the sessions", "one odd program among ordinary ones is told by its own sessions")
STEPS = Threshold(
    8, "sessions in a row", "numbers that always grow by the same step are as easy to guess as constant ones"
)

SYN_ACK_FILTER = filters.all_of(filters.equals("tcp.flags.syn", 1), filters.equals("tcp.flags.ack", 1))


@rule(
    code="HDR004",
    name="constant-sequence-number",
    family="scans",
    title="Initial sequence numbers were the same or easy to guess over many sessions",
    question="Do sequence numbers change as they should?",
    answers=("Q9",),
    why="Each connection begins with a number that nobody can guess (RFC 6528). The same number, zero, or a fixed"
    " step from one"
    " session to the next comes from packets that a program makes itself, or from a very old system, and lets others"
    " forge"
    " packets of the connection.",
    innocent=(
        Innocent(
            explanation="An embedded device or an old industrial controller with a simple TCP.",
            tell_apart="It is known, does so in all its sessions, and the firmware is old.",
        ),
        Innocent(
            explanation="A capture that was made by hand or anonymised, with rewritten numbers.",
            tell_apart="All hosts of the capture show it.",
        ),
    ),
    confirm=(
        "Which program on the host opens these sessions?",
        "Are source port, window and options constant as well?",
    ),
    references=(
        Reference(
            title="RFC 6528, Defending against Sequence Number Attacks", url="https://www.rfc-editor.org/rfc/rfc6528"
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={"sessions": SESSIONS, "share": SHARE, "steps": STEPS},
    fields=("tcp.seq_raw",),
    weight=26,
)
def constant_sequence_number(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each host and direction."""
    scanned = scanned_pairs(tables)["client"].unique().to_list()
    found = 0
    for side in ("client", "server"):
        # Unanswered SYNs are a search, whose rule tells what is alike in them.
        sessions = tables.tcp_sessions.filter(
            pl.col(f"{side}_isn").is_not_null() & ~pl.col("client").is_in(scanned) & (pl.col("server_packets") > 0)
        )
        for host in _hosts(sessions, side, context):
            found += 1
            if found <= FINDINGS:
                yield _draft(tables, context, sessions.filter(pl.col(side) == host), host, side)


def _hosts(sessions: pl.DataFrame, side: str, context: Context) -> list[str]:
    isn = f"{side}_isn"
    same = (
        sessions.group_by(side, isn)
        .len()
        .group_by(side)
        .agg(pl.col("len").max().cast(pl.Int64).alias("most"), pl.col("len").sum().cast(pl.Int64).alias("all"))
        .filter(
            (pl.col("most") >= context.limit("sessions")) & (pl.col("most") >= context.limit("share") * pl.col("all"))
        )
    )
    # The step is taken modulo 2^32: numbers may begin again at zero.
    steps = (
        sessions.sort("start")
        .with_columns((pl.col(isn).cast(pl.Int64).diff().over(side) % 2**32).alias("step"))
        .filter(pl.col("step") > 0)
        .group_by(side, "step")
        .len()
        .group_by(side)
        .agg(pl.col("len").max().cast(pl.Int64).alias("most"), (pl.col("len").sum().cast(pl.Int64) + 1).alias("all"))
        .filter((pl.col("most") + 1 >= context.limit("steps")) & (pl.col("most") + 1 >= 0.8 * pl.col("all")))
    )
    every = pl.concat([same.select(side, "most"), steps.select(side, "most")]).sort("most", descending=True)
    return [str(h) for h in every[side].unique(maintain_order=True).to_list()]


def _draft(tables: Tables, context: Context, sessions: pl.DataFrame, host: str, side: str) -> Draft:
    isn = f"{side}_isn"
    values = sessions[isn].value_counts(sort=True)
    value, times = int(values[isn][0]), int(values["count"][0])
    constant = times >= context.limit("sessions")
    step = (sessions.sort("start")[isn].cast(pl.Int64).diff().drop_nulls()) % 2**32
    mine = sessions.filter(pl.col(isn) == value) if constant else sessions
    other = "server" if side == "client" else "client"
    peers = mine[other].unique(maintain_order=True).to_list()
    flag = SYN if side == "client" else SYN | ACK
    packets = tables.packets.filter(
        (pl.col("transport") == "tcp") & (pl.col("src") == host) & ((pl.col("flags") & (SYN | ACK)) == flag)
    )
    parts = [filters.src(host), SYN_FILTER if side == "client" else SYN_ACK_FILTER]
    if constant:
        packets = packets.filter(pl.col("seq") == value)
        parts.append(filters.equals("tcp.seq_raw", value))
        what = f"the same initial sequence number {value}" + (" (zero)" if value == 0 else f" (0x{value:08x})")
    else:
        what = f"initial sequence numbers that grew by the same step {int(step.mode()[0]):,} each time"
    ports = mine["client_port"].unique().sort().to_list()
    return Draft(
        subject=f"{host} {side}",
        hosts=(host, *peers[:10]),
        summary=f"{host} began {count(mine.height, 'session')} as {side} with {listed(peers, 4, 'more hosts')}"
        f" {span(number(mine['start'].min()), number(mine['end'].max()))} with {what}"
        f" ({'constant' if constant else 'predictable'} sequence numbers), of {sessions.height:,} sessions; client"
        " ports"
        f" {listed([str(p) for p in ports], 4)}.",
        sentence=f"{host} began {count(mine.height, 'session')} with {what}",
        priority="low",
        confidence="high" if constant else "medium",
        display_filter=own(tables, *parts),
        frames=frame_numbers(packets),
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("from", "address"),
                ("to", "address"),
                ("source port", "port"),
                ("port", "port"),
                ("sequence number", "count"),
            ),
            [
                [r["frame"], r["time"], r["src"], r["dst"], r["src_port"], r["dst_port"], r["seq"]]
                for r in packets.head(100).iter_rows(named=True)
            ],
            packets.height,
        ),
        line_up=("tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.window_size_value", "ip.id", "ip.ttl"),
    )
