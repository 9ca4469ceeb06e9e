"""Do frames come from more MAC addresses than there are machines?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import busiest, frame_numbers, number, span
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

ADDRESSES = Threshold(
    300, "new MAC addresses in 10 seconds", "a link has tens to a few hundred machines, and they do not start at once"
)
ONCE = Threshold(
    0.9, "share of them that sent at most two frames", "real machines go on talking; drawn addresses appear once"
)
STEP = 10.0


@rule(
    code="LNK005",
    name="mac-flood",
    family="scans",
    title="Frames came from very many MAC addresses that were seen once (MAC flood)",
    question="Is a switch's address table filled up, or a DHCP server's pool?",
    answers=("Q10",),
    why="A switch remembers a limited number of addresses. Frames from thousands of drawn addresses fill the table,"
    " and the"
    " switch then sends everything everywhere, where it can be read; with DHCP inside they use up all free addresses.",
    innocent=(
        Innocent(
            explanation="Phones draw a MAC address for each Wi-Fi network that they look for.",
            tell_apart="These are probe requests on 802.11, not frames on a wire.",
        ),
        Innocent(
            explanation="A test generator in a laboratory.",
            tell_apart="It is announced.",
        ),
    ),
    confirm=("On which switch port do the addresses appear?", "Is port security on?"),
    references=(
        Reference(title="ATT&CK T1499 Endpoint Denial of Service", url="https://attack.mitre.org/techniques/T1499/"),
    ),
    needs=("packets",),
    thresholds={"addresses": ADDRESSES, "once": ONCE},
    fields=("eth.src",),
    weight=58,
)
def mac_flood(tables: Tables, context: Context) -> Iterator[Draft]:
    """At most one finding."""
    on_wire = pl.col("eth_src").is_not_null() & pl.col("protocols").str.starts_with("eth")
    if near.packets(tables, on_wire, "eth_src")["eth_src"].n_unique() < context.limit("addresses"):
        return
    wired = near.packets(tables, on_wire, "eth_src", "time", "frame", "src", "protocol")
    seen = wired.group_by("eth_src", maintain_order=True).agg(
        pl.len().alias("frames"), pl.col("time").min(), pl.col("frame").min(), pl.col("src").first()
    )
    if seen.height < context.limit("addresses") or busiest(seen["time"], STEP) < context.limit("addresses"):
        return
    once = seen.filter(pl.col("frames") <= 2)
    if once.height < context.limit("once") * seen.height:
        return
    rows = wired.join(once.select("eth_src"), on="eth_src", how="semi", maintain_order="left")
    kinds = [f"{p} ({n:,})" for p, n in rows["protocol"].value_counts(sort=True).head(3).iter_rows()]
    loud = seen.filter(pl.col("frames") > 2)["eth_src"].to_list()[:20]
    # Named are the few ordinary senders, which the filter leaves out.
    every = tables.packets.filter(
        pl.col("eth_src").is_not_null() & ~pl.col("eth_src").is_in(loud) & pl.col("protocols").str.starts_with("eth")
    )
    yield Draft(
        subject="link",
        hosts=tuple(a for a in once["src"].head(5).to_list() if a),
        summary=f"{count(once.height, 'MAC address', 'MAC addresses')} of {seen.height:,} sent one or two frames and"
        " were not seen again"
        f" {span(number(once['time'].min()), number(once['time'].max()))}, up to {busiest(once['time'], STEP):,} new"
        " ones in 10 seconds:"
        f" a MAC flood by its shape ({listed(kinds, 3)}).",
        sentence=f"{once['eth_src'][0]} and {once.height - 1:,} other MAC addresses sent a frame or two each, a MAC"
        " flood by its shape",
        priority="medium",
        confidence="medium",
        display_filter=filters.all_of(
            filters.exists("eth"), *(filters.negated(filters.at("eth.src", m)) for m in loud)
        ),
        frames=frame_numbers(every),
        evidence=evidence(
            (("MAC", "text"), ("frames", "count"), ("from", "address"), ("first", "time"), ("frame", "frame")),
            [
                [r["eth_src"], r["frames"], r["src"], r["time"], r["frame"]]
                for r in once.head(100).iter_rows(named=True)
            ],
            once.height,
        ),
        line_up=("eth.src", "eth.dst", "ip.src", "ip.dst", "frame.len"),
    )
