"""TUN002: packets inside packets, in clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables


@dataclass(frozen=True)
class Tunnel:
    """A kind of encapsulation: how `frame.protocols` shows it, and what it is."""

    name: str
    pattern: str
    """Regular expression over `frame.protocols`. It is the filter too, because damaged packets have no other field."""
    what: str
    priority: Priority = "low"


TUNNELS: tuple[Tunnel, ...] = (
    Tunnel("Teredo", "(^|:)teredo(:|$)", "Teredo: an IPv6 tunnel in UDP (RFC 4380)"),
    Tunnel("VXLAN", "(^|:)vxlan(:|$)", "VXLAN: an Ethernet tunnel in UDP (RFC 7348)"),
    Tunnel("Geneve", "(^|:)geneve(:|$)", "Geneve: an Ethernet tunnel in UDP (RFC 8926)"),
    Tunnel("GRE", "(^|:)gre(:|$)", "GRE: a tunnel directly in IP (RFC 2784)"),
    Tunnel("IPv6 in IPv4", ":ip:ipv6(:|$)", "IPv6 in IPv4, protocol 41: 6in4, 6to4 or ISATAP (RFC 4213)"),
    Tunnel("IPv4 in IPv4", ":ip:ip(:|$)", "IPv4 in IPv4, protocol 4 (RFC 2003)"),
    Tunnel("IPv4 in IPv6", ":ipv6:ip(:|$)", "IPv4 in IPv6, protocol 4: DS-Lite and the like (RFC 2473)"),
    Tunnel("L2TP", "(^|:)l2tp(:|$)", "L2TP: PPP in UDP (RFC 2661)"),
    Tunnel("GTP", "(^|:)gtp(:|$)", "GTP: a mobile network's user tunnel (3GPP TS 29.281)", "info"),
    Tunnel("MPLS", "(^|:)mpls(:|$)", "MPLS labels (RFC 3032)", "info"),
    Tunnel("PPPoE", "(^|:)pppoes(:|$)", "PPPoE: PPP in Ethernet, an access line (RFC 2516)", "info"),
    Tunnel("VLAN", "(^|:)vlan(:|$)", "VLAN tags (IEEE 802.1Q)", "info"),
)

VLAN = r"(^|:)vlan(:|$)"
DOUBLE_VLAN = r"(^|:)vlan(:ethertype)?:vlan(:|$)"

PROBED = ("L2TP",)
"""Tunnels that begin with a question: without an answer there is no tunnel, only a probe for one."""


@rule(
    code="TUN002",
    name="encapsulated-traffic",
    family="names",
    title="Traffic ran inside a tunnel",
    question="Is there traffic inside other traffic, and between whom?",
    answers=("Q6", "Q11"),
    why="A tunnel hides the hosts that really talk: firewalls, flow records and many tools see only its two ends. What "
    "it carries belongs to the inner hosts, whose addresses may even exist twice in a network.",
    innocent=(
        Innocent(
            explanation="Virtual networks, data centres and providers build on VXLAN, Geneve, GRE, MPLS and VLAN tags.",
            tell_apart="Both ends are hypervisors, switches or routers that the network's owner knows.",
        ),
        Innocent(
            explanation="Windows used Teredo, ISATAP and 6to4 by itself to reach IPv6 hosts from an IPv4 network.",
            tell_apart="The other end is a public relay, and little more than router solicitations and pings go "
            "through.",
        ),
    ),
    confirm=(
        "Are the two ends known tunnel ends of this network?",
        "Look at the inner hosts' conversations as if there were no tunnel: the statistics below show both.",
        "Does a policy forbid tunnels from clients (Teredo, 6in4, GRE)?",
    ),
    references=(
        Reference(title="ATT&CK T1572: Protocol Tunneling", url="https://attack.mitre.org/techniques/T1572/"),
        Reference(title="RFC 7348: VXLAN", url="https://www.rfc-editor.org/rfc/rfc7348"),
        Reference(title="RFC 4380: Teredo", url="https://www.rfc-editor.org/rfc/rfc4380"),
        Reference(title="RFC 6169: security concerns with IP tunneling", url="https://www.rfc-editor.org/rfc/rfc6169"),
    ),
    needs=("packets",),
    thresholds={"packets": Threshold(1, "packet", "a tunnel is context, told from its first packet on")},
    weight=20,
)
def encapsulated_traffic(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each kind of tunnel, told by `frame.protocols`."""
    chains = tables.packets["protocols"].unique().drop_nulls()
    told: set[str] = set()
    for tunnel in TUNNELS:
        having = chains.filter(chains.str.contains(tunnel.pattern))
        texts = having.to_list()
        if not texts or (tunnel.name == "VLAN" and set(texts) <= told):
            continue
        told |= set(texts)
        rows = tables.packets.filter(pl.col("protocols").is_in(texts))
        if rows.height >= context.limit("packets"):
            yield _draft(tables, tunnel, rows, context)


def _draft(tables: Tables, tunnel: Tunnel, rows: pl.DataFrame, context: Context) -> Draft:
    frames = rows["frame"]
    outer = _outer(tables, rows)
    pairs = _pairs(outer)
    inner = _pairs(rows.filter(pl.col("src").is_not_null()).select("frame", "length", "src", "dst"))
    ends = [address for a, b, _, _ in pairs[:3] for address in (a, b)]
    inside = [address for a, b, _, _ in inner[:5] for address in (a, b)]
    hosts = tuple(dict.fromkeys((*ends[:2], *inside, *ends[2:])))[:10]
    layered = tunnel.name not in ("VLAN", "MPLS", "PPPoE")
    first, last = c.first_time(rows), c.last_time(rows)
    server_names = _inside(tables.tls, "server_name", frames)
    asked = _inside(tables.dns, "name", frames)
    kinds = rows["protocol"].value_counts(sort=True)["protocol"].drop_nulls().to_list()
    size = int(rows["length"].cast(pl.UInt64).sum())
    asker, asked_end = (pairs or inner)[0][:2] if pairs or inner else ("", "")
    back = (pl.col("src") == asked_end) & (pl.col("dst") == asker)
    one_way = tunnel.name in PROBED and bool(asker) and (outer if pairs else rows).filter(back).is_empty()
    used = "asked for" if one_way else "used"
    summary = [f"{c.count(rows.height, 'packet')} ({c.size_text(size)}) {used} {tunnel.what}, {c.minutes(first, last)}"]
    if layered and pairs:
        summary.append("outer addresses " + c.listed([f"{a} with {b}" for a, b, _, _ in pairs], 3))
    if inner:
        summary.append(
            "inner hosts " + c.listed([f"{context.named(a)} with {context.named(b)}" for a, b, _, _ in inner], 4)
        )
    if kinds:
        summary.append("carried " + c.listed([str(k) for k in kinds], 5))
    if server_names:
        summary.append("TLS server names " + c.listed([c.cut(n, 80) for n in server_names], 5))
    if asked:
        summary.append("DNS names " + c.listed([c.cut(n, 80) for n in asked], 5))
    tagged = rows.filter(pl.col("protocols").str.contains(VLAN)).height
    if tagged and tunnel.name != "VLAN":
        summary.append(f"{c.count(tagged, 'packet')} with a VLAN tag (802.1Q)")
    doubled = rows.filter(pl.col("protocols").str.contains(DOUBLE_VLAN)).height
    if doubled:
        summary.append(f"{c.count(doubled, 'packet')} with two VLAN tags")
    subject = (pairs[0][0] if layered and pairs else (inner[0][0] if inner else "")) or tunnel.name
    ends_text = f" between {pairs[0][0]} and {pairs[0][1]}" if layered and pairs else ""
    return Draft(
        subject=f"{tunnel.name} {subject}",
        hosts=hosts,
        summary="; ".join(summary) + ".",
        sentence=f"{asker} sent {tunnel.name} packets to {asked_end}, and no answer is in the capture"
        if one_way
        else f"{(ends[0] if layered and ends else inside[0] if inside else 'a host')} exchanged packets "
        + (f"with {tunnel.name} tags" if tunnel.name in ("VLAN", "MPLS") else f"through {tunnel.name}{ends_text}"),
        priority=tunnel.priority,
        confidence="high",
        display_filter=c.layered(tunnel.pattern),
        frames=c.frames_of(rows),
        evidence=evidence(
            (("layer", "text"), ("from", "address"), ("to", "address"), ("packets", "count"), ("bytes", "bytes")),
            [
                *(("inner", a, b, n, size) for a, b, n, size in inner[:40]),
                *(("outer", a, b, n, size) for a, b, n, size in (pairs if layered else [])[:10]),
            ],
            total=len(inner) + (len(pairs) if layered else 0),
        ),
        title=f"Traffic carried {tunnel.name} tags"
        if tunnel.name in ("VLAN", "MPLS")
        else f"{tunnel.name} packets were sent and not answered"
        if one_way
        else f"Traffic ran inside {tunnel.name}",
        line_up=("frame.time_relative", "ip.src", "ip.dst", "frame.protocols", "frame.len"),
        time=first,
    )


def _outer(tables: Tables, rows: pl.DataFrame) -> pl.DataFrame:
    """The outermost network layer of each packet; layers stand outermost first."""
    layers = tables.layers.filter(
        pl.col("layer").is_in(["ip", "ipv6"]) & pl.col("frame").is_in(rows["frame"].implode())
    )
    return layers.unique(subset="frame", keep="first", maintain_order=True).select("frame", "length", "src", "dst")


def _pairs(rows: pl.DataFrame) -> list[tuple[str, str, int, int]]:
    """Pairs of addresses with packets and bytes, busiest first; the side that sent first stands first."""
    if rows.is_empty():
        return []
    made = (
        rows.filter(pl.col("src").is_not_null() & pl.col("dst").is_not_null())
        .sort("frame")
        .with_columns(pl.min_horizontal("src", "dst").alias("low"), pl.max_horizontal("src", "dst").alias("high"))
        .group_by("low", "high", maintain_order=True)
        .agg(
            pl.col("src").first(),
            pl.col("dst").first(),
            pl.len().alias("packets"),
            pl.col("length").cast(pl.UInt64).sum().alias("bytes"),
        )
        .sort("packets", descending=True, maintain_order=True)
    )
    return [
        (str(s), str(d), int(n), int(b)) for s, d, n, b in made.select("src", "dst", "packets", "bytes").iter_rows()
    ]


def _inside(table: pl.DataFrame, column: str, frames: pl.Series) -> list[str]:
    found = table.filter(pl.col("frame").is_in(frames.implode()))[column].drop_nulls().unique(maintain_order=True)
    return [str(name) for name in found.to_list() if name]
