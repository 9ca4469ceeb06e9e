"""Were UDP ports looked for?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    FINDINGS,
    busiest,
    frame_numbers,
    notable,
    number,
    own,
    ranges,
    service,
    several,
    span,
)
from tshark_report.rules.scans.packet_flood import CONTENT, STEP
from tshark_report.rules.scans.packet_flood import UDP as UDP_FLOOD
from tshark_report.settings import is_multicast
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

PORTS = Threshold(15, "UDP ports", "nmap's shortest list has 100; a client asks a handful of ports of one host")
HOSTS = Threshold(20, "hosts", "a client with a task asks a few servers, and they answer")
SILENT = Threshold(0.8, "share", "who knows the service is answered")
LOW = Threshold(
    0.4, "share of the ports below 32768", "answers that were captured without their questions go to high ports"
)

SHARED = 4
"""Ports of one stream from which it is taken apart: a transfer by TFTP has two."""

NAMES = 5
"""Names past which DNS questions to many servers are a resolver's work, not a search for open resolvers."""

TRACEROUTE = range(33434, 33700)
"""Ports that traceroute counts up from (RFC 1393 names the first)."""

ANSWER_PORTS = frozenset({53, 67, 68, 123, 137, 138, 443, 1900, 3478, 3702, 5353, 5355, 5060})
"""Service ports from which an answer may stand without its question: the question went to a group, or elsewhere."""


@rule(
    code="SCN007",
    name="udp-port-scan",
    family="scans",
    title="One source tried many UDP ports or the same UDP port on many hosts (UDP scan)",
    question="Did somebody look for UDP services?",
    answers=("Q6", "Q13"),
    why="UDP has no handshake, so a searcher sends something to each port and waits for an answer or for ICMP port"
    " unreachable."
    " Amplifiers, SIP servers, SNMP and databases are found this way, and worms spread by it.",
    innocent=(
        Innocent(
            explanation="Traceroute by UDP counts the destination port up from 33434.",
            tell_apart="The TTL counts up as well, and routers answer with time exceeded.",
        ),
        Innocent(
            explanation="A peer-to-peer program that tries peers from an old list.",
            tell_apart="Each peer has a port of its own, and those that answer exchange data.",
        ),
    ),
    confirm=("Which ports answered with data?", "Are there ICMP port unreachable answers from the target?"),
    references=(
        Reference(title="ATT&CK T1046 Network Service Discovery", url="https://attack.mitre.org/techniques/T1046/"),
        Reference(title="nmap: UDP scan", url="https://nmap.org/book/scan-methods-udp-scan.html"),
    ),
    needs=("udp_flows",),
    thresholds={"ports": PORTS, "hosts": HOSTS, "silent": SILENT, "low": LOW},
    weight=48,
)
def udp_port_scan(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each source and shape."""
    flows = _by_port(tables).filter(~pl.col("server_port").is_in(list(TRACEROUTE)))
    yield from _vertical(tables, context, _tried(flows.filter(~pl.col("client_port").is_in(list(ANSWER_PORTS)))))
    # Answers go to ports that their askers drew: the same port on many hosts was chosen.
    yield from _horizontal(tables, context, _tried(flows))


def _by_port(tables: Tables) -> pl.DataFrame:
    """UDP flows, and those streams apart in which the client wrote to several ports of one host.

    tshark lets the server's port of some protocols change (TFTP, L2TP), and then takes what the same client port
    sends to other ports for the same stream.
    """
    flows = tables.udp_flows
    sent = near.packets(tables, pl.col("transport") == "udp", "stream", "src", "src_port", "dst", "dst_port", "time")
    ports = sent.join(flows.select("stream", "client", "client_port"), on="stream")
    ports = ports.filter((pl.col("src") == pl.col("client")) & (pl.col("src_port") == pl.col("client_port")))
    many = ports.group_by("stream").agg(pl.col("dst_port").n_unique()).filter(pl.col("dst_port") >= SHARED)["stream"]
    if many.is_empty():
        return flows
    ends = ["stream", "client", "client_port", "server", "server_port"]
    apart = (
        ports.filter(pl.col("stream").is_in(many.implode()))
        .rename({"dst": "server", "dst_port": "server_port"})
        .group_by(ends, maintain_order=True)
        .agg(
            pl.len().cast(pl.UInt32).alias("client_packets"),
            pl.col("time").min().alias("start"),
            pl.col("time").max().alias("end"),
        )
    )
    back = (
        sent.filter(pl.col("stream").is_in(many.implode()))
        .rename({"src": "server", "src_port": "server_port", "dst": "client", "dst_port": "client_port"})
        .group_by(ends)
        .agg(pl.len().cast(pl.UInt32).alias("server_packets"))
    )
    apart = apart.join(back, on=ends, how="left").with_columns(pl.col("server_packets").fill_null(0))
    columns = [*ends[1:], "client_packets", "server_packets", "start", "end"]
    return pl.concat(
        [flows.filter(~pl.col("stream").is_in(many.implode())).select(columns), apart.select(columns)],
        how="vertical_relaxed",
    )


def _tried(flows: pl.DataFrame) -> pl.DataFrame:
    """One row for each client, server and UDP port."""
    return flows.group_by("client", "server", "server_port", maintain_order=True).agg(
        (pl.col("server_packets") == 0).all().alias("silent"),
        pl.col("client_packets").sum().alias("packets"),
        pl.col("start").min().alias("first"),
        pl.col("end").max().alias("last"),
    )


def _vertical(tables: Tables, context: Context, tried: pl.DataFrame) -> Iterator[Draft]:
    pairs = (
        tried.group_by("client", "server", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("ports"),
            pl.col("silent").sum().cast(pl.Int64),
            (pl.col("server_port") < 32768).mean().alias("low"),
            pl.col("server_port").sort().alias("all_ports"),
            pl.col("server_port").filter(~pl.col("silent")).sort().alias("open"),
            pl.col("first").min(),
            pl.col("last").max(),
        )
        .filter(
            (pl.col("ports") >= context.limit("ports"))
            & (pl.col("silent") >= context.limit("silent") * pl.col("ports"))
            & (pl.col("low") >= context.limit("low"))
        )
        .sort("ports", descending=True, maintain_order=True)
    )
    for client in pairs["client"].unique(maintain_order=True).to_list()[:FINDINGS]:
        rows = [
            r for r in pairs.filter(pl.col("client") == client).to_dicts() if not _flooded(tables, client, r["server"])
        ]
        if not rows:
            continue
        targets = [r["server"] for r in rows][:12]
        mine = _sent(tables, client).filter(pl.col("dst").is_in(targets))
        refused = _unreachable(tables, client)
        told = listed([f"{count(r['ports'], 'UDP port')} of {r['server']}" for r in rows], 3, "more hosts")
        opened = [f"{service(p, 'udp')} on {r['server']}" for r in rows for p in r["open"]]
        first, last = min(r["first"] for r in rows), max(r["last"] for r in rows)
        yield Draft(
            subject=client,
            hosts=(client, *targets),
            summary=f"{client} sent UDP packets to {told} within {duration(last - first)}, {span(first, last)} (ports"
            f" {ranges(rows[0]['all_ports'])}): a UDP port scan by its shape. {refused:,} ICMP port unreachable"
            " answers came;"
            f" answered with data: {listed(opened, 5) if opened else 'none'}.",
            sentence=f"{client} tried {told}, a UDP port scan; "
            + (f"{listed(opened, 3)} answered" if opened else "none answered"),
            priority="medium",
            confidence="high" if rows[0]["ports"] >= 4 * PORTS.value else "medium",
            display_filter=own(tables, filters.src(client), "udp", filters.any_of(*(filters.dst(t) for t in targets))),
            frames=frame_numbers(mine),
            evidence=evidence(
                (
                    ("source", "address"),
                    ("target", "address"),
                    ("UDP ports", "count"),
                    ("answered", "text"),
                    ("first", "time"),
                    ("seconds", "seconds"),
                ),
                [
                    [
                        client,
                        r["server"],
                        r["ports"],
                        services_text(r["open"]),
                        r["first"],
                        round(r["last"] - r["first"], 3),
                    ]
                    for r in rows
                ],
            ),
        )


def _flooded(tables: Tables, client: str, server: str) -> bool:
    """True where so much was sent that it is no search but a flood, which its own rule tells."""
    sent = _sent(tables, client).filter(pl.col("dst") == server)
    return number(sent["payload"].median()) >= CONTENT and busiest(sent["time"], STEP) >= UDP_FLOOD.value


def _resolves(tables: Tables, client: str) -> bool:
    """True for a resolver: it asks many servers for many names."""
    asked = tables.dns.filter((pl.col("src") == client) & ~pl.col("response").fill_null(value=False))
    return asked["name"].n_unique() > NAMES


def services_text(ports: list[int]) -> str:
    """UDP ports with their names."""
    return listed([service(p, "udp") for p in ports], 10)


def _sent(tables: Tables, client: str) -> pl.DataFrame:
    return tables.packets.filter((pl.col("transport") == "udp") & (pl.col("src") == client))


def _unreachable(tables: Tables, client: str) -> int:
    return tables.icmp.filter(
        (pl.col("dst") == client)
        & (((pl.col("type") == 3) & (pl.col("code") == 3)) | ((pl.col("type") == 1) & (pl.col("code") == 4)))
    ).height


def _horizontal(tables: Tables, context: Context, tried: pl.DataFrame) -> Iterator[Draft]:
    unnamed = tried.filter(
        ~pl.col("server").is_in(list(tables.names)) & ~pl.col("server_port").is_in([443, 5353, 5355, 67, 68])
    )
    ports = (
        unnamed.group_by("client", "server_port", maintain_order=True)
        .agg(
            pl.col("server").alias("servers"),
            pl.col("silent").sum().cast(pl.Int64),
            pl.len().cast(pl.Int64).alias("hosts"),
            pl.col("server").filter(~pl.col("silent")).alias("open"),
            pl.col("first").min(),
            pl.col("last").max(),
        )
        .filter(
            (pl.col("hosts") >= context.limit("hosts"))
            & (pl.col("silent") >= context.limit("silent") * pl.col("hosts"))
        )
        .sort("hosts", descending=True, maintain_order=True)
    )
    for row in ports.head(FINDINGS).iter_rows(named=True):
        servers = [s for s in row["servers"] if not is_multicast(s)]
        if len(servers) < context.limit("hosts") or (row["server_port"] == 53 and _resolves(tables, row["client"])):
            continue
        client, port = row["client"], row["server_port"]
        mine = _sent(tables, client).filter(pl.col("dst_port") == port)
        known = notable("udp", port)
        priority: Priority = "low" if known is None or known["kind"] in ("p2p", "game") else "medium"
        if known is None and port < 1024:
            priority = "medium"
        uses = f" Known uses of the port: {known['uses']}." if known else ""
        silent = row["hosts"] - len(row["open"])
        yield Draft(
            subject=f"{client} udp/{port}",
            hosts=(client, *row["open"][:5], *servers[:5]),
            summary=f"{client} sent {mine.height:,} UDP packets to port {service(port, 'udp')} of {len(servers):,}"
            " hosts within"
            f" {duration(row['last'] - row['first'])}, {span(row['first'], row['last'])}, {several(servers)}: a UDP"
            " scan of many"
            f" hosts by its shape. {silent:,} did not answer; answered:"
            f" {listed(row['open'], 5) if row['open'] else 'none'}.{uses}",
            sentence=f"{client} sent UDP packets to port {service(port, 'udp')} of {len(servers):,} hosts, of which"
            f" {len(row['open']):,} answered",
            priority=priority,
            confidence="medium",
            display_filter=own(tables, filters.src(client), filters.dst_port("udp", port)),
            frames=frame_numbers(mine),
            evidence=evidence(
                (
                    ("source", "address"),
                    ("UDP port", "port"),
                    ("hosts", "count"),
                    ("answered", "text"),
                    ("first", "time"),
                    ("mean payload", "bytes"),
                ),
                [
                    [
                        client,
                        port,
                        row["hosts"],
                        listed(row["open"], 10),
                        row["first"],
                        round(number(mine["payload"].mean()), 1),
                    ]
                ],
            ),
            title="One source sent the same kind of UDP packet to many hosts that did not answer (UDP scan)",
        )
