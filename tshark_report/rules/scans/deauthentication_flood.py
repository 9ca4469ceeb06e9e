"""Are Wi-Fi stations thrown off the network?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, busiest, frame_numbers, number, span
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

FRAMES = Threshold(
    20, "frames in 10 seconds", "a station that leaves sends one or two; aireplay sends 64 to each side at a time"
)
STEP = 10.0
KINDS = {0x0C: "deauthentication", 0x0A: "disassociation"}


def _readable(ssid: str) -> str:
    """A network name as text: tshark prints its bytes as hexadecimal digits."""
    try:
        return bytes.fromhex(ssid).decode("utf-8", "replace") or ssid
    except ValueError:
        return ssid


@rule(
    code="LNK006",
    name="deauthentication-flood",
    family="scans",
    title="Many deauthentication frames were sent on a Wi-Fi network",
    question="Is somebody throwing stations off the Wi-Fi?",
    answers=("Q7", "Q10"),
    why="Deauthentication frames carry no proof of their sender unless 802.11w is on. Many of them keep stations off"
    " the network,"
    " or make them join again so that the handshake can be recorded, or drive them to a false access point.",
    innocent=(
        Innocent(
            explanation="The access point restarts or changes its channel.",
            tell_apart="It happens once, to all stations, and beacons stop or change at the same time.",
        ),
        Innocent(
            explanation="A wireless intrusion-prevention system holds off foreign access points.",
            tell_apart="It is the company's own, and its log names the network.",
        ),
    ),
    confirm=(
        "Do sequence numbers and signal strength of these frames fit the access point's beacons?",
        "Did the stations join again at once, and was their EAPOL handshake recorded?",
    ),
    references=(
        Reference(
            title="Bellardo and Savage, 802.11 Denial-of-Service Attacks, 2003",
            url="https://www.usenix.org/conference/12th-usenix-security-symposium/80211-denial-service-attacks-real-vulnerabilities-and",
        ),
        Reference(title="ATT&CK T1498 Network Denial of Service", url="https://attack.mitre.org/techniques/T1498/"),
    ),
    needs=("wlan",),
    thresholds={"frames": FRAMES},
    fields=("wlan.fc.type_subtype",),
    weight=60,
)
def deauthentication_flood(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each network (BSSID)."""
    rows = tables.wlan.filter(pl.col("subtype").is_in(list(KINDS)))
    if rows.is_empty():
        return
    rows = rows.join(
        tables.packets.select("frame", "eth_src", "eth_dst"), on="frame", how="left", maintain_order="left"
    )
    names = dict(
        tables.wlan.filter(pl.col("ssid").is_not_null() & (pl.col("ssid") != "") & pl.col("bssid").is_not_null())
        .group_by("bssid")
        .agg(pl.col("ssid").first())
        .iter_rows()
    )
    sizes = rows.group_by("bssid", maintain_order=True).len().filter(pl.col("len") >= context.limit("frames"))
    for bssid in sizes.sort("len", descending=True)["bssid"].to_list()[:FINDINGS]:
        mine = rows.filter(pl.col("bssid") == bssid)
        peak = busiest(mine["time"], STEP)
        if bssid is None or peak < context.limit("frames"):
            continue
        stations = [
            m for m in dict.fromkeys([*mine["eth_dst"].to_list(), *mine["eth_src"].to_list()]) if m and m != bssid
        ]
        reasons = sorted({int(r) for r in mine["reason"].drop_nulls().to_list()})
        first, last = number(mine["time"].min()), number(mine["time"].max())
        named = f"{_readable(str(names[bssid]))[:40]} ({bssid})" if bssid in names else bssid
        kinds = [KINDS[k] for k in mine["subtype"].unique().sort().to_list()]
        values = mine["subtype"].unique().sort().to_list()
        yield Draft(
            subject=bssid,
            hosts=(bssid, *stations[:5]),
            summary=f"{count(mine.height, f'802.11 {listed(kinds)} frame')} for the network {named} within"
            f" {duration(last - first)},"
            f" {span(first, last)}, up to {peak:,} in 10 seconds, to or from {listed(stations, 4, 'more stations')};"
            " reason code"
            f" {listed([str(r) for r in reasons], 4) or 'unknown'}. A deauthentication flood looks like this.",
            sentence=f"{named} was named in {count(mine.height, 'deauthentication frame')} within"
            f" {duration(last - first)}",
            priority="medium",
            confidence="high" if peak >= 3 * FRAMES.value else "medium",
            display_filter=filters.all_of(
                filters.at("wlan.bssid", bssid),
                filters.any_of(*(filters.equals("wlan.fc.type_subtype", int(v)) for v in values)),
            ),
            frames=frame_numbers(mine),
            evidence=evidence(
                (
                    ("frame", "frame"),
                    ("time", "time"),
                    ("from", "text"),
                    ("to", "text"),
                    ("kind", "text"),
                    ("reason", "count"),
                ),
                [
                    [r["frame"], r["time"], r["eth_src"], r["eth_dst"], KINDS[r["subtype"]], r["reason"]]
                    for r in mine.head(100).iter_rows(named=True)
                ],
                mine.height,
            ),
            line_up=("wlan.sa", "wlan.da", "wlan.bssid", "wlan.fc.type_subtype", "wlan.seq", "wlan.fixed.reason_code"),
        )
