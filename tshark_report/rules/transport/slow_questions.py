"""Did a client open connections and then leave them waiting for its first question?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, number, when
from tshark_report.story.words import clock, took
from tshark_report.tables.tables import Tables

PAUSE = Threshold(1, "seconds", "a program that opens a connection to use it sends its question within milliseconds")
SESSIONS = Threshold(3, "connections", "one is a browser that opens a spare connection")
SHARE = Threshold(
    50, "percent", "of the client's connections to that server: else it is a spare connection now and then"
)

CLIENT_FIRST = ("HTTP", "HTTP/XML", "HTTP/JSON", "LDAP", "SMB", "SMB2", "DNS", "Modbus/TCP", "DCERPC", "TDS", "PGSQL")
"""Protocols in which the client speaks first."""
SHOWN_SESSIONS = 25


@rule(
    code="TCP008",
    name="slow-questions",
    family="transport",
    title="A client opened connections and left them idle before it asked",
    question="Did a client open connections and then leave them waiting for its first question?",
    answers=("Q7",),
    why=(
        "The handshake was complete and the server ready, but the client's program did not ask: the wait belongs "
        "to the client "
        "(a slow start, a lookup, a login dialogue, an overloaded host), not to wire or server."
    ),
    innocent=(
        Innocent(
            explanation="Browsers open spare connections in advance and use them when a page needs them.",
            tell_apart="The spare ones stand beside others of the same second that are used at once.",
        ),
        Innocent(
            explanation="A pool of connections is filled when the program starts.",
            tell_apart="All are opened in the same moment, and used one by one later.",
        ),
    ),
    confirm=(
        "Look at the client's load and its program's log for these seconds.",
        "Ask whether a proxy or a name lookup stands in between.",
    ),
    references=(
        Reference(title="RFC 9293: Transmission Control Protocol", url="https://www.rfc-editor.org/rfc/rfc9293"),
    ),
    needs=("tcp_sessions",),
    thresholds={"pause": PAUSE, "sessions": SESSIONS, "share": SHARE},
    weight=8,
    rests_on=("order", "no-gaps"),
)
def slow_questions(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server port."""
    first = tables.exchanges.filter(
        (pl.col("place") == 0) & pl.col("protocol").is_in(CLIENT_FIRST) & ~pl.col("disturbed")
    )
    asked = first.join(tables.tcp_sessions.select("stream", "ack_time", "established"), on="stream").filter(
        "established"
    )
    asked = asked.join(
        tables.streams.select("frame", pl.col("time").alias("first_time")),
        left_on="request_first_frame",
        right_on="frame",
    )
    asked = asked.with_columns((pl.col("first_time") - pl.col("ack_time")).alias("pause"))
    key = ["client", "server", "server_port"]
    groups = asked.group_by(key).agg(
        (pl.col("pause") >= context.limit("pause")).sum().alias("n"), pl.len().alias("all"), pl.col("pause").max()
    )
    # In a capture of hardly anything else, one connection is enough.
    most = 100 * pl.col("n") >= context.limit("share") * asked.height
    groups = groups.filter(
        (pl.col("n") > 0)
        & (most | (pl.col("n") >= context.limit("sessions")))
        & (100 * pl.col("n") >= context.limit("share") * pl.col("all"))
    ).with_columns(most.alias("most"))
    for client, server, port, number_of, total, longest, mostly in (
        groups.sort(["n", "client", "server"], descending=[True, False, False]).head(FINDINGS).iter_rows()
    ):
        rows = asked.filter(
            (pl.col("client") == client)
            & (pl.col("server") == server)
            & (pl.col("server_port") == port)
            & (pl.col("pause") >= context.limit("pause"))
        ).sort("pause", descending=True)
        frames = sorted(int(n) for n in rows["request_first_frame"].head(SHOWN_SESSIONS).to_list())
        yield Draft(
            subject=f"{client} -> {server}:{port}",
            hosts=(client, server),
            summary=(
                f"{client} opened {count(total, 'connection')} to {context.named(server)} port {port} and asked "
                "only after "
                f"{took(number(rows['pause'].min()))} to {took(number(longest))} in {number_of:,} of them (client "
                "latency), from "
                f"{clock(number(rows['first_time'].min()))} UTC: the wait is the client's."
            ),
            sentence=(
                f"{client} opened connections to {context.named(server)} and let them wait up to "
                f"{took(number(longest))} before it asked"
            ),
            priority="low" if mostly else "info",
            confidence="medium",
            display_filter=filters.frames(frames),
            frames=frames,
            evidence=evidence(
                (("frame", "frame"), ("time", "time"), ("client port", "port"), ("handshake to question", "seconds")),
                [
                    (r["request_first_frame"], when(r["first_time"]), r["client_port"], round(r["pause"], 3))
                    for r in rows.iter_rows(named=True)
                ],
            ),
        )
