"""Did a server that speaks first keep its clients waiting for the greeting?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, hosts_text, number, when
from tshark_report.story.words import clock, took
from tshark_report.tables.tables import Tables

WAIT = Threshold(
    1, "seconds", "a greeting needs no work: it comes within the round trip unless the server looks something up"
)
LONGEST = Threshold(120, "seconds", "longer silences are a server that hangs, not one that greets late")

GREETING = ("FTP", "SMTP", "POP", "IMAP", "SSH", "SSHv2", "TELNET", "MySQL", "NNTP", "IRC", "RFB", "VNC", "SIEVE")
"""Protocols in which the server speaks first."""
SHOWN_SESSIONS = 50


@rule(
    code="TCP015",
    name="late-greetings",
    family="transport",
    title="A server let its clients wait for the greeting",
    question="Did a server that speaks first keep its clients waiting for the greeting?",
    answers=("Q7",),
    why=(
        "The connection stood, and the server's program said nothing for long. Most often it asks for the "
        "client's name by DNS, or "
        "for its user by ident, and waits until that question times out: logins feel slow, transfers afterwards "
        "are quick."
    ),
    innocent=(
        Innocent(
            explanation="Mail servers wait on purpose before the greeting: programs that send junk do not.",
            tell_apart="SMTP only, the same seconds for every unknown client, none for known ones.",
        ),
        Innocent(
            explanation="The server starts a program for each connection (inetd), and the disk was asleep.",
            tell_apart="Only the first connection after a pause is late.",
        ),
    ),
    confirm=(
        "Look for DNS or ident (port 113) questions of the server in those seconds, and whether they are answered.",
        "Give the client's address a PTR record, or switch the look-up off, and compare.",
    ),
    references=(Reference(title="RFC 1413: Identification Protocol", url="https://www.rfc-editor.org/rfc/rfc1413"),),
    needs=("tcp_sessions",),
    thresholds={"wait": WAIT, "longest": LONGEST},
    weight=25,
    rests_on=("order",),
)
def late_greetings(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server and port."""
    data = tables.streams.filter((pl.col("payload") > 0) & pl.col("protocol").is_in(GREETING))
    first = data.group_by("stream").agg(
        pl.col("up").first(),
        pl.col("frame").first().alias("greeting"),
        pl.col("time").first().alias("greeted"),
        pl.col("start").first(),
    )
    # The very first byte of the server: else its greeting was lost or stands before the capture.
    first = first.filter(~pl.col("up") & (pl.col("start") <= 1)).drop("up", "start")
    late = (
        tables.tcp_sessions.filter("established")
        .join(first, on="stream")
        .with_columns((pl.col("greeted") - pl.col("ack_time")).alias("wait"))
    )
    troubled = tables.resent.filter(~pl.col("copy"))["stream"].unique()
    every = late.group_by("server", "server_port").agg(pl.len().alias("all"))
    late = late.filter(
        pl.col("wait").is_between(context.limit("wait"), context.limit("longest"))
        & ~pl.col("stream").is_in(troubled.implode())
    )
    groups = late.group_by("server", "server_port").agg(pl.len().alias("n"), pl.col("wait").max())
    groups = groups.join(every, on=["server", "server_port"]).sort(["wait", "server"], descending=[True, False])
    for server, port, number_of, longest, total in groups.head(FINDINGS).iter_rows():
        rows = late.filter((pl.col("server") == server) & (pl.col("server_port") == port)).sort("wait", descending=True)
        clients = [str(c) for c in rows["client"].unique(maintain_order=True).to_list()]
        frames = sorted(int(n) for n in rows["greeting"].head(SHOWN_SESSIONS).to_list())
        yield Draft(
            subject=f"{server}:{port}",
            hosts=(server, *clients[:4]),
            summary=(
                f"{context.named(server)} port {port} ({rows['protocol'][0]}) let {hosts_text(clients)} wait up to "
                f"{took(number(longest))} for its greeting in {number_of:,} of {count(total, 'connection')}, from "
                f"{clock(number(rows['ack_time'].min()))} UTC; the handshake's round trip is {_rtt(rows)}. The "
                "wait is the server's "
                "(often a look-up of the client's name that nobody answers)."
            ),
            sentence=(
                f"{clients[0]} connected to {context.named(server)} port {port} and waited "
                f"{took(number(longest))} for the greeting"
            ),
            priority="low",
            confidence="high",
            display_filter=filters.frames(frames, SHOWN_SESSIONS),
            frames=frames,
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("client", "address"),
                    ("server", "address"),
                    ("port", "port"),
                    ("waited", "seconds"),
                ),
                [
                    (r["greeting"], when(r["greeted"]), r["client"], server, port, round(r["wait"], 6))
                    for r in rows.iter_rows(named=True)
                ],
            ),
        )


def _rtt(rows: pl.DataFrame) -> str:
    known = rows["rtt"].drop_nulls()
    return took(number(known.median())) if known.len() else "not measurable"
