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
MESSAGES = Threshold(3, "key messages", "of the access point: two belong to a handshake that works, more are repeats")
WITHIN = Threshold(15, "seconds", "between those messages and the deauthentication that ends the attempt")
MANY = Threshold(10, "answers", "then somebody could not get in")

ASSOCIATION_ANSWER, REASSOCIATION_ANSWER, AUTHENTICATION, DEAUTHENTICATION = 0x01, 0x03, 0x0B, 0x0C
EAP_FAILURE = 4
WRONG_KEY = (13, 14, 15)
"""Statuses that say at once that the key or the way of logging in is wrong."""
HANDSHAKE_REASONS = (2, 14, 15, 23)
"""Previous authentication no longer valid, MIC failure, 4-way handshake time-out, 802.1X failed."""

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
    thresholds={"failures": FAILURES, "many": MANY, "messages": MESSAGES, "within": WITHIN},
    weight=26,
)
def failed_wlan_logins(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each network (BSSID)."""
    if tables.wlan.is_empty():
        return
    frames = tables.wlan.filter(pl.col("bssid").is_not_null()).join(
        tables.packets.select("frame", "eth_src", "eth_dst", pl.col("protocol").alias("shown")), on="frame"
    )
    answers = pl.col("subtype").is_in([ASSOCIATION_ANSWER, REASSOCIATION_ANSWER, AUTHENTICATION])
    refused = frames.filter((answers & (pl.col("status").fill_null(0) != 0)) | (pl.col("eap") == EAP_FAILURE))
    refused = refused.with_columns(pl.col("status").is_in(WRONG_KEY).fill_null(value=False).alias("decisive"))
    broken = _broken_handshakes(frames, context.limit("messages"), context.limit("within"))
    columns = ["frame", "time", "bssid", "eth_src", "eth_dst", "status", "eap", "reason", "decisive"]
    rows = pl.concat([refused.select(columns), broken.select(columns)]).sort("frame")
    groups = rows.group_by("bssid").agg(pl.len().alias("n"), pl.col("decisive").any())
    groups = groups.filter(pl.col("decisive") | (pl.col("n") >= context.limit("failures")))
    for bssid, number_of, _ in groups.sort(["n", "bssid"], descending=[True, False]).head(FINDINGS).iter_rows():
        yield _draft(context, bssid, number_of, rows.filter(pl.col("bssid") == bssid))


def _broken_handshakes(frames: pl.DataFrame, messages: float, within: float) -> pl.DataFrame:
    """Deauthentications right after a key handshake that the access point had to repeat: the keys did not fit."""
    ended = frames.filter((pl.col("subtype") == DEAUTHENTICATION) & pl.col("reason").is_in(HANDSHAKE_REASONS))
    ended = ended.with_columns(pl.lit(value=True).alias("decisive"))
    keys = frames.filter((pl.col("shown") == "EAPOL") & (pl.col("eth_src") == pl.col("bssid")))
    if ended.is_empty() or keys.is_empty():
        return ended.head(0)
    asked = ended.select("frame", "bssid", "time").join(
        keys.select("bssid", pl.col("time").alias("key_time")), on="bssid"
    )
    asked = asked.filter((pl.col("time") - pl.col("key_time")).is_between(0, within))
    often = asked.group_by("frame").agg(pl.len().alias("n")).filter(pl.col("n") >= messages)
    return ended.join(often.select("frame"), on="frame", how="semi")


def _what(status: int | None, eap: int | None, reason: int | None) -> str:
    if eap == EAP_FAILURE:
        return "EAP failure"
    if status:
        return f"status {status} {STATUSES.get(status, '')}".strip()
    return f"the key handshake (EAPOL) failed and the station was deauthenticated, reason {reason}"


def _draft(context: Context, bssid: str, number_of: int, rows: pl.DataFrame) -> Draft:
    ends = pl.concat([rows["eth_dst"], rows["eth_src"]]).drop_nulls().unique(maintain_order=True).to_list()
    stations = [str(s) for s in ends if s != bssid]
    reasons = rows.group_by("status", "eap", "reason", maintain_order=True).agg(pl.len().alias("n"))
    told = listed([f"{n:,} x {_what(s, e, r)}" for s, e, r, n in reasons.sort("n", descending=True).iter_rows()], 4)
    priority: Priority = "medium" if number_of >= context.limit("many") else "low"
    shown = frame_numbers(rows)[:50]
    return Draft(
        subject=bssid,
        hosts=(bssid, *stations[:4]),
        summary=(
            f"The 802.11 network {bssid} refused {count(number_of, 'attempt')} of {hosts_text(stations)} to join "
            f"(authentication or association failed): {told}, from {clock(number(rows['time'].min()))} UTC."
        ),
        sentence=f"{hosts_text(stations, 2)} tried to join the network {bssid} and was refused ({told})",
        priority=priority,
        confidence="medium",
        display_filter=filters.frames(shown, 50),
        frames=shown,
        evidence=evidence(
            (("frame", "frame"), ("time", "time"), ("from", "text"), ("to", "text"), ("why", "text")),
            [
                (r["frame"], when(r["time"]), r["eth_src"], r["eth_dst"], _what(r["status"], r["eap"], r["reason"]))
                for r in rows.iter_rows(named=True)
            ],
        ),
        line_up=("wlan.sa", "wlan.da", "wlan.fc.type_subtype", "wlan.fixed.status_code", "wlan.fixed.reason_code"),
    )
