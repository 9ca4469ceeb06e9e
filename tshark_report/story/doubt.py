"""What the capture itself lacks lowers the confidence of findings that rest on it.

An unanswered request is only as good as the capture's view of the answering side, a resent segment only as good as
its memory of the first one. Rules name what they rest on; here it is looked up for the hosts of each finding. Priority
stays: what would be worth opening is still worth opening, with a doubt that is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from tshark_report.capture.check import CaptureFile
from tshark_report.report.model import Confidence
from tshark_report.rules.base import RestsOn
from tshark_report.story.findings import Fired
from tshark_report.story.sides import NO_HANDSHAKE, ONE_SIDED, ONE_SIDED_SHARE
from tshark_report.story.words import count, verb
from tshark_report.tables.tables import Tables

STARTED_BEFORE_SHARE = 0.5
"""Share of TCP connections without a handshake from which what is agreed on in it (window scaling) is guessed."""
UNSEEN_SHARE = 0.002
"""Share of data packets that the capture missed from which a gap may be the recording's: captures lose in bursts, and
networks with as much loss would show as many segments sent again."""
CUT_SHARE = 0.1
"""Share of packets cut by the snap length from which missing content may be."""
LEAST_CONNECTIONS = 3
"""TCP connections of a finding's hosts from which they are judged by themselves, not by the whole capture."""

LOWER: dict[Confidence, Confidence] = {"high": "medium", "medium": "low", "low": "low"}


def doubted(found: Sequence[Fired], tables: Tables, capture: CaptureFile) -> list[Fired]:
    """The same findings; those that rest on what this capture lacks with less confidence, and the reason."""
    made = []
    for each in found:
        if each.rule.rests_on and not each.draft.lowered_because:
            reason = _reason(each, tables, capture)
            if reason:
                draft = replace(each.draft, confidence=LOWER[each.draft.confidence], lowered_because=reason)
                made.append(replace(each, draft=draft))
                continue
        made.append(each)
    return sorted(made, key=lambda f: f.rank)


def _reason(each: Fired, tables: Tables, capture: CaptureFile) -> str:
    if "order" in each.rule.rests_on and not capture.ordered:
        return "packets do not stand in the order of their times, so times and order may be the recording's own"
    if "whole-packets" in each.rule.rests_on and capture.snap_cut >= CUT_SHARE * max(1, tables.packets.height):
        cut = count(capture.snap_cut, "packet")
        return f"{cut} {verb(capture.snap_cut, 'was', 'were')} cut by the capture's snap length"
    own = _connections(each, tables)
    looks: tuple[tuple[RestsOn, pl.Expr, float, str], ...] = (
        (
            "both-sides",
            ONE_SIDED,
            ONE_SIDED_SHARE,
            "hold packets of one side only: answers may not have been captured",
        ),
        (
            "handshakes",
            NO_HANDSHAKE,
            STARTED_BEFORE_SHARE,
            "began before the capture: what was agreed on is not in it",
        ),
    )
    for what, condition, share, words in looks:
        if what in each.rule.rests_on:
            hit = own.filter(condition).height
            if hit and hit >= share * own.height:
                return f"{hit:,} of {count(own.height, 'TCP connection')} {words}"
    if "no-gaps" in each.rule.rests_on:
        streams = own["stream"].implode()
        unseen = tables.analysis.filter((pl.col("kind") == "acked-unseen") & pl.col("stream").is_in(streams)).height
        if unseen and unseen >= UNSEEN_SHARE * int(
            (own["client_payload_packets"] + own["server_payload_packets"]).sum()
        ):
            return f"{count(unseen, 'packet')} acknowledged data that the capture does not hold: it lost packets itself"
    return ""


def _connections(each: Fired, tables: Tables) -> pl.DataFrame:
    """TCP connections of the finding's first hosts where there are some, else of the capture."""
    sessions = tables.tcp_sessions
    hosts = list(each.draft.hosts[:2])
    own = sessions.filter(pl.col("client").is_in(hosts) | pl.col("server").is_in(hosts))
    return own if own.height >= LEAST_CONNECTIONS else sessions
