"""Did routers or hosts report that a destination cannot be reached?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    FINDINGS,
    RFC792,
    count,
    frame_numbers,
    hosts_text,
    listed,
    number,
    when,
)
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

MESSAGES = Threshold(3, "messages", "one or two are a packet that came late, after its program had closed")
TARGETS = Threshold(20, "destinations", "told to one host: it asked for that many, which other rules tell")
RECEIVERS = Threshold(20, "receivers", "of one reporter: an echo of spoofed packets, which other rules tell")

CODES_4 = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    5: "source route failed",
    6: "network unknown",
    7: "host unknown",
    9: "network prohibited",
    10: "host prohibited",
    11: "network unreachable for this service",
    12: "host unreachable for this service",
    13: "administratively prohibited",
    14: "host precedence violation",
    15: "precedence cutoff",
}
CODES_6 = {
    0: "no route",
    1: "administratively prohibited",
    2: "beyond scope of source address",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address failed policy",
    6: "route rejected",
}
"""ICMP type 3 (RFC 792, RFC 1812) and ICMPv6 type 1 (RFC 4443); code 4 of the former belongs to another rule."""


@rule(
    code="NET003",
    name="unreachable-destinations",
    family="transport",
    title="Destinations were reported unreachable by ICMP",
    question="Did routers or hosts report that a destination cannot be reached?",
    answers=("Q7",),
    why=(
        "Who reports and with which code says where it ends: a router without route or neighbour (network, host "
        "unreachable), "
        "a firewall (prohibited), or the host itself (port unreachable: it is up and nothing listens)."
    ),
    innocent=(
        Innocent(
            explanation="Port unreachable for DNS or SNMP: the answer came after the asking program had given up.",
            tell_apart="The quoted packet is an answer to that host, sent late.",
        ),
        Innocent(
            explanation="A router reports a host that is switched off for the night.",
            tell_apart="It is the same host every night.",
        ),
    ),
    confirm=(
        "Read the quoted header (it names the packet that failed).",
        "Trace the route to the destination from the asker.",
    ),
    references=(RFC792,),
    needs=("icmp",),
    thresholds={"messages": MESSAGES, "targets": TARGETS, "receivers": RECEIVERS},
    weight=19,
)
def unreachable_destinations(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each reporter and code."""
    six = pl.col("src").str.contains(":", literal=True)
    rows = tables.icmp.filter(
        (~six & (pl.col("type") == 3) & (pl.col("code") != 4)) | (six & (pl.col("type") == 1))
    ).with_columns(
        pl.col("all_dst").list.last().alias("target"), pl.col("all_dst_port").list.last().alias("target_port")
    )
    if rows.is_empty():
        return
    groups = (
        rows.group_by("src", "code")
        .agg(
            pl.len().alias("n"),
            pl.col("dst").n_unique().alias("receivers"),
            pl.col("target").n_unique().alias("targets"),
        )
        .filter(
            (pl.col("n") >= context.limit("messages"))
            & (pl.col("receivers") < context.limit("receivers"))
            & (pl.col("targets") < context.limit("targets"))
        )
    )
    for reporter, code, *_ in (
        groups.sort(["n", "src", "code"], descending=[True, False, False]).head(FINDINGS).iter_rows()
    ):
        same = rows.filter(pl.col("code") == code)
        # An error to the reporter quotes a packet from it, whose header would match as if the error were its own.
        quoting = same.filter((pl.col("dst") == reporter) & (pl.col("src") != reporter))
        yield _draft(reporter, code, same.filter(pl.col("src") == reporter), quoting)


def _draft(reporter: str, code: int, rows: pl.DataFrame, quoting: pl.DataFrame) -> Draft:
    version6 = ":" in reporter
    meaning = (CODES_6 if version6 else CODES_4).get(code, f"code {code}")
    askers = [str(d) for d in rows["dst"].unique(maintain_order=True).to_list()]
    targets = [str(t) for t in rows["target"].drop_nulls().unique(maintain_order=True).to_list()]
    ports = [str(p) for p in rows["target_port"].drop_nulls().unique(maintain_order=True).to_list()]
    own = targets == [reporter]
    port_closed = (code == 4) if version6 else (code == 3)
    priority: Priority = "info" if port_closed else "low"
    field = "icmpv6" if version6 else "icmp"
    return Draft(
        subject=f"{reporter} code {code}",
        hosts=(*askers[:1], *targets[:3], reporter) if not own else (*askers[:1], reporter),
        title=f"Destinations were reported unreachable by ICMP ({meaning})",
        summary=(
            f"{reporter} told {hosts_text(askers)} {count(rows.height, 'time')} that "
            f"{hosts_text(targets) or 'its destination'}"
            + (f" port {listed(ports, 5)}" if ports else "")
            + f" is unreachable: {meaning} (ICMP type {1 if version6 else 3} code {code}), from "
            f"{clock(number(rows['time'].min()))} to "
            f"{clock(number(rows['time'].max()))} UTC."
        ),
        sentence=(
            f"{reporter} reported to {askers[0]} that {hosts_text(targets, 2) or 'its destination'} is "
            f"unreachable ({meaning})"
        ),
        priority=priority,
        confidence="high",
        display_filter=filters.all_of(
            filters.equals(f"{field}.type", 1 if version6 else 3),
            filters.equals(f"{field}.code", code),
            filters.src(reporter),
            filters.negated(filters.frames(quoting["frame"].to_list(), quoting.height)) if quoting.height else "",
        ),
        frames=frame_numbers(rows),
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("reported by", "address"),
                ("to", "address"),
                ("destination", "address"),
                ("port", "port"),
            ),
            [
                (r["frame"], when(r["time"]), reporter, r["dst"], r["target"], r["target_port"])
                for r in rows.iter_rows(named=True)
            ],
        ),
    )
