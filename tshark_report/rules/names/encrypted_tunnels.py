"""TUN003: VPNs."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

VPNS: tuple[tuple[str, str], ...] = (
    ("WireGuard", "(^|:)wg(:|$)"),
    ("OpenVPN", "(^|:)openvpn(:|$)"),
    ("IPsec", "(^|:)(esp|ah|isakmp)(:|$)"),
    ("PPTP", "(^|:)pptp(:|$)"),
)
"""Name, and how frame.protocols shows it."""
PROBES = 10
"""Packets below which those without an answer are questions for a VPN and no VPN; a tunnel one of whose directions
took another way has more."""


@rule(
    code="TUN003",
    name="encrypted-tunnels",
    family="names",
    title="A VPN was in use",
    question="Is there an encrypted tunnel whose content this capture cannot show?",
    answers=("Q6",),
    why="What a VPN carries is invisible here: its inner hosts, names and files are in no table of this report. Where "
    "VPNs are not expected, the tunnel itself is the news.",
    innocent=(
        Innocent(
            explanation="Home office, site-to-site links and privacy services are ordinary VPNs.",
            tell_apart="The other end is the organisation's own gateway or a service that the user knows.",
        ),
    ),
    confirm=("Whose address is the other end?", "Is the client's VPN software known to its owner?"),
    references=(Reference(title="ATT&CK T1572: Protocol Tunneling", url="https://attack.mitre.org/techniques/T1572/"),),
    needs=("packets",),
    thresholds={"packets": Threshold(1, "packet", "context from the first packet on")},
    weight=10,
)
def encrypted_tunnels(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each kind of VPN."""
    chains = tables.packets["protocols"].unique().drop_nulls()
    for name, pattern in VPNS:
        texts = chains.filter(chains.str.contains(pattern)).to_list()
        rows = tables.packets.filter(pl.col("protocols").is_in(texts)) if texts else tables.packets.head(0)
        if rows.height < max(context.limit("packets"), 1):
            continue
        pairs = (
            rows.filter(pl.col("src").is_not_null() & pl.col("dst").is_not_null())
            .with_columns(pl.min_horizontal("src", "dst").alias("low"), pl.max_horizontal("src", "dst").alias("high"))
            .group_by("low", "high", maintain_order=True)
            .agg(
                pl.col("src").first(),
                pl.col("dst").first(),
                (pl.col("src").n_unique() > 1).alias("answered"),
                pl.len().alias("packets"),
                pl.col("length").cast(pl.UInt64).sum().alias("bytes"),
            )
            .sort("bytes", descending=True, maintain_order=True)
        )
        if pairs.is_empty():
            continue
        words = [f"{s} with {d} ({c.size_text(b)})" for s, d, b in pairs.select("src", "dst", "bytes").iter_rows()]
        first = pairs.row(0, named=True)
        answered = bool(pairs["answered"].any()) or rows.height >= PROBES
        yield Draft(
            subject=f"{name} {first['src']}",
            hosts=(first["src"], first["dst"]),
            summary=(
                f"{c.count(rows.height, f'{name} packet')} passed {c.minutes(c.first_time(rows), c.last_time(rows))}: "
                f"{c.listed(words)}. "
                + ("What they carried cannot be seen." if answered else "No answer to any of them is in the capture.")
            ),
            sentence=f"{first['src']} used {name} with {first['dst']}"
            if answered
            else f"{first['src']} sent {name} packets to {first['dst']}, and no answer is in the capture",
            priority="info",
            confidence="high",
            display_filter=c.layered(pattern),
            frames=c.frames_of(rows),
            evidence=evidence(
                (("from", "address"), ("to", "address"), ("packets", "count"), ("bytes", "bytes")),
                [(s, d, n, b) for s, d, n, b in pairs.select("src", "dst", "packets", "bytes").iter_rows()],
            ),
            title=f"{name} was in use" if answered else f"{name} packets were sent and not answered",
            time=c.first_time(rows),
        )
