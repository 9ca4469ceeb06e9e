"""Were wireless stations thrown out in bursts?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, drafts, evidence, rule
from tshark_report.rules.scans.deauthentication_flood import deauthentication_flood
from tshark_report.rules.transport._common import (
    count,
    frame_numbers,
    hosts_text,
    listed,
    number,
    when,
    whole,
)
from tshark_report.story.words import clock, took
from tshark_report.tables.tables import Tables

FRAMES = Threshold(
    10, "frames", "an access point that restarts, or a station that leaves, sends one to a few and their retries"
)
BURST = Threshold(10, "seconds", "window in which they stand")

DISASSOCIATION, DEAUTHENTICATION = 0x0A, 0x0C
BROADCAST = "ff:ff:ff:ff:ff:ff"


@rule(
    code="WLN001",
    name="deauthentication-bursts",
    family="transport",
    title="Wireless stations were deauthenticated in a burst",
    question="Were wireless stations thrown out in bursts?",
    answers=("Q7",),
    why=(
        "Deauthentication frames are not protected without 802.11w, so anybody near can send them in the access "
        "point's name: "
        "stations lose the network, and send the handshake that a password can be guessed from when they return."
    ),
    innocent=(
        Innocent(
            explanation="The access point restarted, changed its channel, or steers stations to another band.",
            tell_apart="One frame for each station, and its beacons change or pause at the same time.",
        ),
        Innocent(
            explanation="A station with a wrong password, or at the edge of the range, tries again and again.",
            tell_apart="Only that station is concerned, with reason 15 (handshake time-out), 2 or 4 (inactivity).",
        ),
    ),
    confirm=(
        "Compare signal strength and sequence numbers of these frames with the access point's beacons: the same "
        "transmitter?",
        "Look for EAPOL frames of the same station right after.",
    ),
    references=(
        Reference(
            title="IEEE 802.11: reason codes and management frame protection (802.11w)",
            url="https://standards.ieee.org/ieee/802.11/7028/",
        ),
        Reference(
            title="MITRE ATT&CK T1498: Network Denial of Service", url="https://attack.mitre.org/techniques/T1498/"
        ),
    ),
    needs=("wlan",),
    thresholds={"frames": FRAMES, "burst": BURST},
    weight=40,
)
def deauthentication_bursts(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each network (BSSID), unless its burst is a flood, which another rule tells."""
    rows = tables.wlan.filter(
        pl.col("subtype").is_in([DEAUTHENTICATION, DISASSOCIATION]) & pl.col("bssid").is_not_null()
    )
    if rows.is_empty():
        return
    rows = rows.join(tables.packets.select("frame", "eth_src", "eth_dst"), on="frame")
    names = dict(
        tables.wlan.filter(pl.col("ssid").is_not_null() & (pl.col("ssid") != ""))
        .group_by("bssid")
        .agg(pl.col("ssid").first())
        .iter_rows()
    )
    limits = deauthentication_flood.limits(context.settings)
    floods = {d.subject for d in drafts(deauthentication_flood, Context(context.settings, limits, tables))}
    for bssid, *_ in (
        rows.group_by("bssid").agg(pl.len().alias("n")).sort(["n", "bssid"], descending=[True, False]).iter_rows()
    ):
        if bssid in floods:
            continue
        mine = rows.filter(pl.col("bssid") == bssid).sort("time")
        most = _most_within(mine["time"], context.limit("burst"))
        if most < context.limit("frames"):
            continue
        yield _draft(context, bssid, names.get(bssid, ""), mine, most)


def _most_within(moments: pl.Series, window: float) -> int:
    """The largest number of moments within any such window."""
    later = moments.search_sorted(moments + window, side="right")
    return whole((later - pl.int_range(moments.len(), dtype=pl.UInt32, eager=True)).max()) if moments.len() else 0


def _readable(ssid: str) -> str:
    """A network name as text: tshark prints its bytes as hexadecimal digits."""
    try:
        return bytes.fromhex(ssid).decode("utf-8", "replace")
    except ValueError:
        return ssid


def _draft(context: Context, bssid: str, ssid: str, rows: pl.DataFrame, most: int) -> Draft:
    targets = rows.group_by("eth_dst").agg(pl.len().alias("n")).sort(["n", "eth_dst"], descending=[True, False])
    everyone = whole(rows.filter(pl.col("eth_dst") == BROADCAST).height)
    reasons = (
        rows.group_by("reason", maintain_order=True)
        .agg(pl.len().alias("n"))
        .sort("n", descending=True, maintain_order=True)
    )
    called = f"{bssid} ({_readable(ssid)})" if ssid else bssid
    shown = [str(t) for t in targets["eth_dst"].drop_nulls().to_list()]
    span = number(rows["time"].max()) - number(rows["time"].min())
    told = listed([f"{r} ({n:,})" for r, n in reasons.iter_rows() if r is not None], 4)
    return Draft(
        subject=bssid,
        hosts=(bssid, *[t for t in shown if t not in (BROADCAST, bssid)][:4]),
        summary=(
            f"{count(rows.height, 'deauthentication or disassociation frame')} in the name of the 802.11 network "
            f"{called} within {took(span)}, up to "
            f"{most:,} within {context.limit('burst'):.0f} s, from {clock(number(rows['time'].min()))} UTC; to "
            f"{hosts_text(shown, 3)}"
            + (f", {everyone:,} of them to everyone (broadcast)" if everyone else "")
            + (f"; reason codes {told}." if told else ".")
        ),
        sentence=(
            f"{called} began to throw out stations: {count(rows.height, 'deauthentication frame')} within {took(span)}"
        ),
        priority="low",
        confidence="medium",
        display_filter=filters.all_of(
            filters.at("wlan.bssid", bssid), filters.one_of("wlan.fc.type_subtype", (DEAUTHENTICATION, DISASSOCIATION))
        ),
        frames=frame_numbers(rows),
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("from", "text"),
                ("to", "text"),
                ("network", "text"),
                ("reason", "count"),
            ),
            [
                (r["frame"], when(r["time"]), r["eth_src"], r["eth_dst"], bssid, r["reason"])
                for r in rows.iter_rows(named=True)
            ],
        ),
        line_up=("wlan.sa", "wlan.da", "wlan.bssid", "wlan.fixed.reason_code", "wlan.seq"),
    )
