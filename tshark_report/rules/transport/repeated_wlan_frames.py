"""Did wireless stations have to send their data again and again?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, frame_numbers, hosts_text, number
from tshark_report.story.words import clock, duration
from tshark_report.tables.tables import Tables

FRAMES = Threshold(200, "data frames", "a share of less than that changes with every burst")
SHARE = Threshold(20, "percent", "vendors' guides call a cell with more than 10 to 20 % of repeats a poor one")
BAD_SHARE = Threshold(40, "percent", "then the air is busy with repeats, and users notice it as slowness")
STATION_FRAMES = Threshold(50, "data frames", "of one station, from which its share is named")
DATA = 2
"""Frame type of 802.11: data. Groups (broadcast, multicast) are sent once and never repeated."""


@rule(
    code="WLN003",
    name="repeated-wlan-frames",
    family="transport",
    title="A large share of 802.11 data frames was sent again",
    question="Did wireless stations have to send their data again and again?",
    answers=("Q7",),
    why=(
        "Each 802.11 data frame to one station is acknowledged at once; without that it is sent again with the retry "
        "bit set. Many repeats say that the radio is the trouble - distance, interference, a busy channel, hidden "
        "stations - and every layer above pays with delay."
    ),
    innocent=(
        Innocent(
            explanation="The capturing radio stood nearer to the trouble than the stations: it missed first sendings.",
            tell_apart="Sequence numbers (wlan.seq) of repeats whose first sending is not in the capture.",
        ),
        Innocent(
            explanation="One station at the edge of the cell, or a phone that sleeps.",
            tell_apart="Its own share is high and that of the others low; the table shows each.",
        ),
    ),
    confirm=(
        "Look at signal, noise and data rate (radiotap) of the repeats: low rates and weak signals mean distance.",
        "Look at the channel's load, and for other networks and microwave ovens on it.",
        "Statistics, Wireless, WLAN Traffic in Wireshark shows retries by station.",
    ),
    references=(
        Reference(
            title="IEEE 802.11: retry field and acknowledgement", url="https://standards.ieee.org/ieee/802.11/7028/"
        ),
        Reference(
            title="Jardosh et al., Understanding Link-Layer Behavior in Highly Congested 802.11b Networks, 2005",
            url="https://dl.acm.org/doi/10.1145/1080148.1080151",
        ),
    ),
    needs=("wlan",),
    fields=("wlan.fc.retry", "wlan.fc.type_subtype"),
    thresholds={"frames": FRAMES, "share": SHARE, "bad_share": BAD_SHARE, "station_frames": STATION_FRAMES},
    weight=33,
)
def repeated_wlan_frames(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each network (BSSID)."""
    data = tables.wlan.filter((pl.col("subtype") // 16 == DATA) & pl.col("bssid").is_not_null())
    if data.height < context.limit("frames"):
        return
    ends = tables.packets.select("frame", "eth_src", "eth_dst")
    data = data.join(ends, on="frame", maintain_order="left")
    # The lowest bit of the first byte says: for a group.
    group = pl.col("eth_dst").str.slice(1, 1).is_in(list("13579bdfBDF"))
    single = data.filter(~group.fill_null(value=False))
    shares = single.group_by("bssid", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("frames"),
        pl.col("retry").fill_null(value=False).sum().cast(pl.Int64).alias("again"),
    )
    shares = shares.with_columns((100 * pl.col("again") / pl.col("frames")).alias("share"))
    shares = shares.filter(
        (pl.col("frames") >= context.limit("frames")) & (pl.col("share") >= context.limit("share"))
    ).sort("again", descending=True, maintain_order=True)
    for row in shares.head(FINDINGS).iter_rows(named=True):
        here = pl.col("bssid") == row["bssid"]
        yield _draft(context, row, single.filter(here), data.filter(here & pl.col("retry")))


def _draft(context: Context, row: dict[str, object], single: pl.DataFrame, repeats: pl.DataFrame) -> Draft:
    bssid, share = str(row["bssid"]), number(row["share"])
    again, frames = int(number(row["again"])), int(number(row["frames"]))
    stations = (
        single.group_by("eth_src", "eth_dst", maintain_order=True)
        .agg(
            pl.len().cast(pl.Int64).alias("frames"),
            pl.col("retry").fill_null(value=False).sum().cast(pl.Int64).alias("again"),
        )
        .with_columns((100 * pl.col("again") / pl.col("frames")).alias("share"))
        .sort("again", descending=True, maintain_order=True)
    )
    worst = stations.filter(pl.col("frames") >= context.limit("station_frames")).sort("share", descending=True)
    told = [f"{r['eth_src']} to {r['eth_dst']} {r['share']:.0f} %" for r in worst.head(3).iter_rows(named=True)]
    first, last = number(single["time"].min()), number(single["time"].max())
    priority: Priority = "medium" if share >= context.limit("bad_share") else "low"
    hosts = [str(m) for m in stations["eth_src"].drop_nulls().unique(maintain_order=True).to_list() if m != bssid]
    return Draft(
        subject=bssid,
        hosts=(bssid, *hosts[:5]),
        summary=(
            f"{again:,} of {count(frames, '802.11 data frame')} ({share:.1f} %) in the network {bssid} were sent again "
            f"(retry bit) within {duration(last - first)}, from {clock(first)} to {clock(last)} UTC"
            + (f"; highest shares: {hosts_text(told, 3)}" if told else "")
            + ". The radio link lost them, or their acknowledgements."
        ),
        sentence=f"{bssid} and its stations sent {again:,} of {frames:,} data frames ({share:.0f} %) again",
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(
            filters.at("wlan.bssid", bssid), filters.equals("wlan.fc.type", DATA), filters.equals("wlan.fc.retry", 1)
        ),
        frames=frame_numbers(repeats),
        evidence=evidence(
            (
                ("from", "text"),
                ("to", "text"),
                ("data frames", "count"),
                ("sent again", "count"),
                ("percent", "count"),
            ),
            [
                (r["eth_src"], r["eth_dst"], r["frames"], r["again"], round(number(r["share"]), 1))
                for r in stations.iter_rows(named=True)
            ],
        ),
        line_up=("wlan.sa", "wlan.da", "wlan.seq", "wlan.fc.retry", "wlan_radio.data_rate", "wlan_radio.signal_dbm"),
        weight=min(8.0, share / 10),
    )
