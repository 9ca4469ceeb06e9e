"""Were many hosts pinged?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    FINDINGS,
    busiest,
    frame_numbers,
    not_errors,
    number,
    several,
    span,
    whole,
)
from tshark_report.settings import is_multicast
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

HOSTS = Threshold(10, "hosts", "a person pings one host at a time, a monitor a short list that answers")
WINDOW = Threshold(60, "seconds", "a sweep is done within a minute or two")
REPEATS = Threshold(4, "requests a host", "monitoring and latency tests ask the same hosts again and again")
UNANSWERED = Threshold(0.3, "share of the hosts", "who knows the hosts is answered by nearly all of them")
MANY = Threshold(50, "hosts", "so many within the window are a sweep even where they answer")
TTLS = Threshold(4, "values", "an operating system sends its echo requests with one TTL")

REQUESTS = (8, 13, 15, 17, 128)
"""Echo, timestamp, information and address mask request; echo request of ICMPv6."""

REPLY = {8: 0, 13: 14, 15: 16, 17: 18, 128: 129}


def sweeps(tables: Tables, limits: dict[str, float]) -> dict[str, pl.DataFrame]:
    """Requests of each source that has the shape of a sweep."""
    asked = tables.icmp.filter(
        pl.col("type").is_in(REQUESTS) & pl.col("src").is_not_null() & pl.col("dst").is_not_null()
    )
    if asked.is_empty():
        return {}
    found: dict[str, pl.DataFrame] = {}
    wide = (
        asked.group_by("src", maintain_order=True)
        .agg(pl.col("dst").n_unique())
        .filter(pl.col("dst") >= limits["hosts"])
    )
    for src in wide["src"].to_list():
        mine = asked.filter(pl.col("src") == src)
        groups = [a for a in mine["dst"].unique().to_list() if is_multicast(a)]
        mine = mine.filter(~pl.col("dst").is_in(groups))
        hosts = (
            mine.group_by("dst", maintain_order=True)
            .agg(pl.len(), pl.col("time").min())
            .sort("time", maintain_order=True)
        )
        if hosts.height < limits["hosts"] or number(hosts["len"].median()) > limits["repeats"]:
            continue
        most = busiest(hosts["time"], limits["window"])
        if most < limits["hosts"]:
            continue
        silent = hosts.filter(~pl.col("dst").is_in(_answering(tables, src).implode()))
        if silent.height >= limits["unanswered"] * hosts.height or most >= limits["many"]:
            found[src] = mine
    return found


def _answering(tables: Tables, src: str) -> pl.Series:
    rows = tables.icmp.filter((pl.col("dst") == src) & pl.col("type").is_in(list(REPLY.values())))
    return rows["src"].unique(maintain_order=True)


@rule(
    code="SCN004",
    name="icmp-sweep",
    family="scans",
    title="One host pinged many addresses (ICMP sweep)",
    question="Did somebody look for hosts by ping?",
    answers=("Q6", "Q10"),
    why="Echo requests to many addresses within seconds find out which hosts are alive; this comes before a port"
    " scan or the"
    " spread of a worm. A TTL that changes from packet to packet comes from a tool that makes its own packets.",
    innocent=(
        Innocent(
            explanation="A monitoring server that pings its list.",
            tell_apart="It repeats at a fixed interval, nearly all hosts answer, and it does so every day.",
        ),
        Innocent(
            explanation="A game, a content network or a VPN client that measures which of its servers is nearest.",
            tell_apart="The addresses lie in different networks, are answered, and one of them is used afterwards.",
        ),
    ),
    confirm=(
        "What did the source send next to the hosts that answered?",
        "Is the source a monitoring or management host?",
    ),
    references=(
        Reference(title="ATT&CK T1018 Remote System Discovery", url="https://attack.mitre.org/techniques/T1018/"),
        Reference(title="RFC 792, Internet Control Message Protocol", url="https://www.rfc-editor.org/rfc/rfc792"),
    ),
    needs=("icmp",),
    thresholds={
        "hosts": HOSTS,
        "window": WINDOW,
        "repeats": REPEATS,
        "unanswered": UNANSWERED,
        "many": MANY,
        "ttls": TTLS,
    },
    fields=("icmp.type",),
    weight=50,
)
def icmp_sweep(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each source."""
    found = sorted(sweeps(tables, dict(context.limits)).items(), key=lambda item: -item[1]["dst"].n_unique())
    for src, mine in found[:FINDINGS]:
        yield _draft(tables, context, src, mine)


def _draft(tables: Tables, context: Context, src: str, mine: pl.DataFrame) -> Draft:
    hosts = mine["dst"].unique(maintain_order=True).to_list()
    answered = [a for a in _answering(tables, src).to_list() if a in set(hosts)]
    sent = tables.packets.filter(pl.col("frame").is_in(mine["frame"].implode()))
    ttls = sent["ttl"].drop_nulls().unique().sort().to_list()
    varied = len(ttls) >= context.limit("ttls")
    ttl = f" The TTL differs from packet to packet: {len(ttls)} values, {ttls[0]} to {ttls[-1]}." if varied else ""
    kinds = sorted(mine["type"].unique().to_list())
    name = "icmpv6" if ":" in src else "icmp"
    first, last = number(mine["time"].min()), number(mine["time"].max())
    alive = f"{len(answered):,} answered ({listed(answered, 5)})" if answered else "none answered"
    ends = [h for h in hosts if h.endswith((".0", ".255"))]
    silent = len(hosts) - len(answered)
    what = (
        "echo requests (ping)" if kinds in ([8], [128]) else f"requests of ICMP type {listed([str(k) for k in kinds])}"
    )
    rows = (
        sent.join(mine.select("frame", "ident", "sequence"), on="frame", maintain_order="left")
        .group_by("dst", maintain_order=True)
        .agg(
            pl.len().alias("requests"),
            pl.col("ttl").unique().alias("ttls"),
            pl.col("ident").first(),
            pl.col("time").first(),
            pl.col("frame").first(),
        )
    )
    return Draft(
        subject=src,
        hosts=(src, *answered[:10], *hosts[:5]),
        summary=f"{src} sent {mine.height:,} {what} to {len(hosts):,} addresses within {duration(last - first)},"
        f" {span(first, last)}, {several(hosts)}: an ICMP sweep (ping sweep) by its shape; {alive}, {silent:,} did not."
        + (f" Network and broadcast addresses were asked too: {listed(ends, 3)}." if ends else "")
        + ttl,
        sentence=f"{src} pinged {count(len(hosts), 'address', 'addresses')} within {duration(last - first)}, an ICMP"
        " sweep;"
        f" {alive}" + (f", with {len(ttls)} different TTL values" if varied else ""),
        priority="medium" if silent >= context.limit("unanswered") * len(hosts) else "low",
        confidence="high" if varied or len(hosts) >= 2 * HOSTS.value else "medium",
        display_filter=filters.all_of(
            filters.src(src),
            filters.any_of(*(filters.equals(f"{name}.type", k) for k in kinds)),
            _not_multicast(mine, tables, src),
            not_errors(tables),
        ),
        frames=frame_numbers(mine),
        evidence=evidence(
            (
                ("address", "address"),
                ("requests", "count"),
                ("answered", "text"),
                ("TTL", "text"),
                ("identifier", "count"),
                ("time", "time"),
                ("frame", "frame"),
            ),
            [
                [
                    r["dst"],
                    r["requests"],
                    "yes" if r["dst"] in answered else "no",
                    listed([str(t) for t in sorted(r["ttls"])]),
                    whole(r["ident"]),
                    r["time"],
                    r["frame"],
                ]
                for r in rows.head(200).iter_rows(named=True)
            ],
            rows.height,
        ),
        line_up=("ip.dst", "ip.ttl", "ip.id", "icmp.type", "icmp.ident", "icmp.seq", "frame.len"),
    )


def _not_multicast(mine: pl.DataFrame, tables: Tables, src: str) -> str:
    """Leaves out pings to multicast groups, where the source sent such too."""
    every = tables.icmp.filter(pl.col("type").is_in(mine["type"].unique().implode()) & (pl.col("src") == src))
    others = every.filter(~pl.col("frame").is_in(mine["frame"].implode()))["dst"].unique(maintain_order=True).to_list()
    return filters.all_of(*(filters.negated(filters.dst(a)) for a in others if a))
