"""Did stations fail to join a wireless network?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, frame_numbers, hosts_text, listed, number, when
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

FAILURES = Threshold(3, "answers", "one or two refusals come with roaming and full cells")
MANY = Threshold(10, "answers", "then somebody could not get in")

ASSOCIATION_ANSWER, REASSOCIATION_ANSWER, AUTHENTICATION = 0x01, 0x03, 0x0B
EAP_FAILURE = 4

STATUSES = {
    1: "unspecified failure",
    10: "capabilities not supported",
    11: "no previous association",
    12: "association denied",
    13: "algorithm not supported",
    14: "sequence number out of order",
    15: "challenge failure (wrong key)",
    16: "authentication time-out",
    17: "too many stations",
    18: "rates not supported",
    30: "refused for now, try later",
    31: "management frame policy",
    37: "request declined",
    40: "invalid information element",
    43: "invalid AKMP",
    53: "invalid PMKID",
    72: "invalid public key",
    77: "unsupported group",
}
"""IEEE 802.11, status codes."""


@rule(
    code="WLN002",
    name="failed-wlan-logins",
    family="transport",
    title="Stations failed to join a wireless network",
    question="Did stations fail to join a wireless network?",
    answers=("Q7",),
    why=(
        "Authentication or association answered with a status other than success, or an EAP failure, keeps the "
        "station out: a wrong "
        "key, wrong credentials, an access point that is full or asks for what the station cannot do."
    ),
    innocent=(
        Innocent(
            explanation="The access point refuses once to move the station to another band or cell.",
            tell_apart="The station joins another cell of the same network within seconds.",
        ),
    ),
    confirm=("Read the controller's or RADIUS server's log for the station.", "Compare with a station that can join."),
    references=(Reference(title="IEEE 802.11: status codes", url="https://standards.ieee.org/ieee/802.11/7028/"),),
    needs=("wlan",),
    thresholds={"failures": FAILURES, "many": MANY},
    weight=26,
)
def failed_wlan_logins(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each network (BSSID)."""
    answers = pl.col("subtype").is_in([ASSOCIATION_ANSWER, REASSOCIATION_ANSWER, AUTHENTICATION])
    refused = answers & (pl.col("status").fill_null(0) != 0)
    rows = tables.wlan.filter((refused | (pl.col("eap") == EAP_FAILURE)) & pl.col("bssid").is_not_null())
    if rows.is_empty():
        return
    rows = rows.join(tables.packets.select("frame", "eth_src", "eth_dst"), on="frame")
    groups = rows.group_by("bssid").agg(pl.len().alias("n")).filter(pl.col("n") >= context.limit("failures"))
    for bssid, number_of in groups.sort(["n", "bssid"], descending=[True, False]).head(FINDINGS).iter_rows():
        mine = rows.filter(pl.col("bssid") == bssid)
        stations = [str(s) for s in mine["eth_dst"].drop_nulls().unique(maintain_order=True).to_list()]
        reasons = mine.group_by("status", "eap").agg(pl.len().alias("n")).sort("n", descending=True)
        told = listed(
            [
                f"{n:,} x " + ("EAP failure" if e == EAP_FAILURE else f"status {s} {STATUSES.get(s, '')}".strip())
                for s, e, n in reasons.iter_rows()
            ],
            4,
        )
        priority: Priority = "medium" if number_of >= context.limit("many") else "low"
        frames = frame_numbers(mine)[:50]
        yield Draft(
            subject=bssid,
            hosts=(bssid, *stations[:4]),
            summary=(
                f"The 802.11 network {bssid} refused {count(number_of, 'attempt')} of {hosts_text(stations)} to "
                "join (authentication or association "
                f"failed): {told}, from {clock(number(mine['time'].min()))} UTC."
            ),
            sentence=f"{hosts_text(stations, 2)} tried to join the network {bssid} and was refused ({told})",
            priority=priority,
            confidence="medium",
            display_filter=filters.frames(frames, 50),
            frames=frames,
            evidence=evidence(
                (("frame", "frame"), ("time", "time"), ("from", "text"), ("to", "text"), ("status", "count")),
                [
                    (r["frame"], when(r["time"]), r["eth_src"], r["eth_dst"], r["status"])
                    for r in mine.iter_rows(named=True)
                ],
            ),
        )
