"""Was a UDP service asked and never heard?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    count,
    frame_numbers,
    hosts_text,
    number,
    one_sided,
    unquoted,
    when,
    whole,
)
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

QUESTIONS = Threshold(3, "datagrams", "a client that repeats its question twice has waited for seconds")
TARGETS = Threshold(10, "servers", "asked by one client without answer: it looks for something, which other rules tell")

SERVICES: dict[int, str] = {
    69: "TFTP", 88: "Kerberos", 111: "RPC port mapper", 123: "NTP", 161: "SNMP", 389: "CLDAP", 464: "Kerberos password",
    500: "IKE", 1194: "OpenVPN", 1645: "RADIUS", 1646: "RADIUS accounting", 1701: "L2TP", 1812: "RADIUS",
    1813: "RADIUS accounting", 2049: "NFS", 3478: "STUN", 4500: "IPsec NAT traversal", 5060: "SIP", 51820: "WireGuard",
}  # fmt: skip
"""UDP services that answer each question. DNS is another rule's matter; syslog and traps want no answer."""


@rule(
    code="NET011",
    name="unanswered-datagrams",
    family="transport",
    title="A UDP service was asked and never answered",
    question="Was a UDP service asked and never heard?",
    answers=("Q7",),
    why=(
        "UDP says nothing when a service is dead: the client repeats its question and gives up. Logins (RADIUS, "
        "Kerberos), clocks "
        "(NTP), phones (SIP) and tunnels (IKE) then fail without any error on the wire."
    ),
    innocent=(
        Innocent(
            explanation="The answers took another way than the capture point.",
            tell_apart="The client goes on as if it had been answered.",
        ),
        Innocent(
            explanation="A device that was delivered with a server's address that does not exist here.",
            tell_apart="It is one device, and it works otherwise.",
        ),
    ),
    confirm=(
        "Ask the service from the same network by hand.",
        "Is the client known to the service? RADIUS and SNMP servers say nothing to strangers.",
    ),
    references=(Reference(title="RFC 8085: UDP Usage Guidelines", url="https://www.rfc-editor.org/rfc/rfc8085"),),
    needs=("udp_flows",),
    thresholds={"questions": QUESTIONS, "targets": TARGETS},
    weight=23,
    rests_on=("both-sides",),
)
def unanswered_datagrams(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server and port that was asked and never spoke."""
    flows = tables.udp_flows.filter(pl.col("server_port").is_in(list(SERVICES)))
    key = ["server", "server_port"]
    totals = flows.group_by(key).agg(
        pl.col("client_packets").sum().alias("asked"),
        pl.col("server_packets").sum().alias("told"),
        pl.col("client").n_unique(),
    )
    silent = totals.filter((pl.col("asked") >= context.limit("questions")) & (pl.col("told") == 0))
    heard = tables.packets["src"].drop_nulls().unique()
    silent = silent.filter(~pl.col("server").is_in(["255.255.255.255"]) & ~pl.col("server").str.starts_with("ff"))
    silent = silent.filter(~pl.col("server").str.contains(r"^(22[4-9]|23\d)\.|\.255$"))
    wide = flows.join(silent, on=key, how="semi").group_by("client").agg(pl.col("server").n_unique().alias("n"))
    wide = wide.filter(pl.col("n") >= context.limit("targets"))
    for server, port, *_ in silent.sort(["asked", "server"], descending=[True, False]).iter_rows():
        rows = flows.filter((pl.col("server") == server) & (pl.col("server_port") == port)).join(
            wide, on="client", how="anti"
        )
        clients = [str(c) for c in rows["client"].unique(maintain_order=True).to_list()]
        if not clients or not _hears(tables, clients):
            continue
        sent = tables.packets.filter(
            (pl.col("transport") == "udp") & (pl.col("dst") == server) & (pl.col("dst_port") == port)
        )
        # tshark may put packets to several ports into one stream; those to this port count.
        asked = sent.height
        if asked < context.limit("questions"):
            continue
        yield Draft(
            subject=f"{server}:{port}",
            hosts=(*clients[:1], server, *clients[1:4]),
            summary=(
                f"{context.named(server)} port {port} ({SERVICES[port]}, UDP) never answered "
                f"{count(asked, 'datagram')} of {hosts_text(clients)} from "
                f"{clock(number(rows['start'].min()))} to {clock(number(rows['end'].max()))} UTC"
                + (
                    "; the address sent other packets, so it is up."
                    if whole((heard == server).sum())
                    else "; nothing at all came from it."
                )
            ),
            sentence=(
                f"{clients[0]} asked {context.named(server)} ({SERVICES[port]}) {count(asked, 'time')} and was "
                "never answered"
            ),
            priority="low",
            confidence="low" if one_sided(tables) else "medium",
            display_filter=filters.all_of(filters.dst(server), filters.dst_port("udp", port), unquoted(tables)),
            frames=frame_numbers(sent),
            evidence=evidence(
                (
                    ("client", "address"),
                    ("client port", "port"),
                    ("server", "address"),
                    ("port", "port"),
                    ("datagrams", "count"),
                    ("first", "time"),
                    ("last", "time"),
                ),
                [
                    (r["client"], r["client_port"], server, port, r["client_packets"], when(r["start"]), when(r["end"]))
                    for r in rows.iter_rows(named=True)
                ],
            ),
        )


def _hears(tables: Tables, clients: list[str]) -> bool:
    """Is any unicast packet to these clients in the capture, so that an answer would be too?"""
    return not tables.packets.filter(pl.col("dst").is_in(clients) & pl.col("src").is_not_null()).is_empty()
