"""Were connections broken off in the middle, and by whom?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    FINDINGS,
    RFC9293,
    count,
    frame_numbers,
    hosts_text,
    number,
    unquoted,
    when,
    whole,
)
from tshark_report.story.words import clock, took
from tshark_report.tables.sessions import FIN, RST
from tshark_report.tables.tables import Tables

SESSIONS = Threshold(3, "connections", "one or two resets are a closed tab or a restarted program")
SHARE = Threshold(20, "percent", "of the connections with that server and port")
IDLE = Threshold(5, "seconds", "a reset after that much silence ends an idle connection and interrupts nothing")
UNSERVED = Threshold(
    50, "percent", "of the connections: their question was reset instead of answered, so the service was hardly usable"
)


@rule(
    code="TCP011",
    name="broken-connections",
    family="transport",
    title="Connections were broken off by reset in the middle",
    question="Were connections broken off in the middle, and by whom?",
    answers=("Q7",),
    why=(
        "A connection that is in use ends with FIN from both sides. A reset in the middle throws away what is "
        "under way: the "
        "program crashed or gave up, or a device in between cut the connection. Who sent it, and whether the "
        "other side had "
        "just asked something, says where to look."
    ),
    innocent=(
        Innocent(
            explanation=(
                "Many programs close with a reset because it is quicker: browsers that cancel, load balancers, "
                "health checks, scanners of uptime."
            ),
            tell_apart="The reset then comes after the answer is complete, or from the client that no longer wants it.",
        ),
        Innocent(
            explanation="A server or firewall removes connections that were idle too long.",
            tell_apart="The silence before the reset is long and always about the same.",
        ),
    ),
    confirm=(
        "Compare TTL and IP ID of the reset with other packets of the same address: is it from that host, or "
        "from a device in between?",
        "Look in the log of the side that sent the reset for the same second.",
    ),
    references=(RFC9293,),
    needs=("tcp_sessions",),
    thresholds={"sessions": SESSIONS, "share": SHARE, "idle": IDLE, "unserved": UNSERVED},
    weight=22,
)
def broken_connections(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server and port, and each side that sent the resets."""
    sessions = tables.tcp_sessions.filter(
        pl.col("established") & ((pl.col("client_payload") + pl.col("server_payload")) > 0)
    )
    suspects = sessions.filter(pl.col("first_reset_frame").is_not_null())
    if suspects.is_empty():
        return
    resets = _resets(tables, suspects).filter((pl.col("idle") < context.limit("idle")) & ~pl.col("closing"))
    key = ["server", "server_port"]
    groups = (
        resets.group_by(*key, "up")
        .agg(pl.len().alias("n"))
        .join(sessions.group_by(key).agg(pl.len().alias("all")), on=key)
    )
    groups = groups.filter(
        (pl.col("n") >= context.limit("sessions")) & (100 * pl.col("n") >= context.limit("share") * pl.col("all"))
    )
    for server, port, up, _, total in groups.sort(["n", "server"], descending=[True, False]).head(FINDINGS).iter_rows():
        rows = resets.filter((pl.col("server") == server) & (pl.col("server_port") == port) & (pl.col("up") == up))
        yield _draft(tables, context, rows.sort("frame"), total, up=up)


def _resets(tables: Tables, suspects: pl.DataFrame) -> pl.DataFrame:
    """The first reset of each stream with the silence before it, whether a FIN came first, and who spoke last."""
    near = tables.streams.join(suspects.select("stream"), on="stream", how="semi")
    first = suspects.select("stream", pl.col("first_reset_frame").alias("reset"), "client_payload", "server_payload")
    near = near.join(first, on="stream")
    before = (
        near.filter(pl.col("frame") < pl.col("reset"))
        .group_by("stream")
        .agg(
            pl.col("time").max().alias("before"),
            ((pl.col("flags") & FIN) != 0).any().alias("closing"),
            pl.col("up").filter(pl.col("payload") > 0).last().alias("spoke_up"),
        )
    )
    return (
        near.filter(pl.col("frame") == pl.col("reset"))
        .join(before, on="stream")
        .with_columns((pl.col("time") - pl.col("before")).alias("idle"))
    )


def _draft(tables: Tables, context: Context, rows: pl.DataFrame, total: int, *, up: bool) -> Draft:
    server, port = str(rows["server"][0]), whole(rows["server_port"][0])
    clients = [str(c) for c in rows["client"].unique(maintain_order=True).to_list()]
    unserved = rows.filter(pl.col("spoke_up").fill_null(value=False) & ~pl.col("up")).height
    priority: Priority = "low"
    if not up and 100 * unserved >= context.limit("unserved") * total:
        priority = "medium"
    elif up:
        priority = "info"
    side = "client" if up else "server"
    who = hosts_text(clients) if up else context.named(server)
    reset = ((pl.col("flags").fill_null(0) & RST) != 0) & (pl.col("transport") == "tcp")
    if up:
        chosen = filters.all_of(filters.dst(server), filters.dst_port("tcp", port))
        match = (pl.col("dst") == server) & (pl.col("dst_port") == port)
    else:
        chosen = filters.all_of(filters.src(server), filters.src_port("tcp", port))
        match = (pl.col("src") == server) & (pl.col("src_port") == port)
    return Draft(
        subject=f"{server}:{port} by {side}",
        hosts=(server, *clients[:4]) if not up else (*clients[:1], server, *clients[1:4]),
        title=f"Connections were broken off by the {side}'s reset in the middle",
        summary=(
            f"{rows.height:,} of {count(total, 'connection')} with {context.named(server)} port {port} were reset "
            "in the middle by the "
            f"{side} ({who}), without FIN, {took(number(rows['idle'].median()))} (median) after the last packet, from "
            f"{clock(number(rows['time'].min()))} UTC."
            + (f" In {unserved:,} of them the client's last question stayed unanswered." if unserved else "")
        ),
        sentence=(
            f"{who} began to break off connections {'to' if up else 'on'} port {port} with resets "
            f"({rows.height:,} in all)"
        ),
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(chosen, filters.equals("tcp.flags.reset", 1), unquoted(tables)),
        frames=frame_numbers(tables.packets.filter(reset & match)),
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("from", "address"),
                ("to", "address"),
                ("stream", "count"),
                ("silence before", "seconds"),
                ("bytes from client", "bytes"),
                ("bytes from server", "bytes"),
            ),
            [
                (
                    r["frame"],
                    when(r["time"]),
                    r["src"],
                    r["dst"],
                    r["stream"],
                    round(r["idle"], 6),
                    r["client_payload"],
                    r["server_payload"],
                )
                for r in rows.iter_rows(named=True)
            ],
        ),
        line_up=("tcp.stream", "tcp.flags.str", "tcp.seq", "ip.ttl", "ip.id"),
    )
