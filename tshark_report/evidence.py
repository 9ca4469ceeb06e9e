"""The packets behind the starting points: a few decoded layer by layer, all of them as a small pcapng with comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tshark_report.capture import cut, detail
from tshark_report.capture.tshark import Tshark
from tshark_report.report.model import Finding, LayerDetail, PacketDetail, StartingPoint, Table
from tshark_report.settings import Settings
from tshark_report.story.findings import Fired

DETAILED = 3
"""Packets of a starting point that are decoded."""
DETAIL_SECONDS = 4.0
"""Longest that decoding may take; it runs while tshark counts the filters."""
FRAMES_A_FINDING = 60
MOST_FRAMES = 400
"""Packets in the evidence file: enough to see what happened, few enough to attach to a page."""
CUT_SECONDS = 60.0
LOGINS = "LOG"
"""Rules whose packets hold passwords: their frames are neither decoded nor cut out unless secrets are wanted."""


@dataclass(frozen=True)
class Packets:
    """Where the packets are, and what cuts them out."""

    tshark: Tshark
    path: Path
    scratch: Path
    env: dict[str, str]


def details(packets: Packets, points: Sequence[StartingPoint], found: Sequence[Fired]) -> dict[int, list[LayerDetail]]:
    """Layers of the first packets that each starting point's findings cite, by frame number."""
    by_id = {f.id: f for f in found}
    chosen: list[int] = []
    for point in points:
        own: list[int] = []
        for identity in point.findings:
            each = by_id[identity]
            if each.rule.code.startswith(LOGINS) or not len(each.draft.frames):
                continue
            number = cited(each.draft.evidence, each.draft.frames)
            own += [number] if number is not None and number not in own else []
        chosen += own[:DETAILED]
    numbers = sorted(set(chosen))
    small = packets.scratch / "cited.pcapng"
    if not numbers or not cut.cut(packets.tshark, packets.path, small, numbers, {}, packets.env, CUT_SECONDS):
        return {}
    made = detail.layers(packets.tshark, small, numbers, DETAIL_SECONDS)
    return {n: [LayerDetail(name=name, lines=lines) for name, lines in found] for n, found in made.items()}


def cited(evidence: Table, frames: Sequence[int]) -> int | None:
    """The packet that shows a finding best: the first that its evidence names, else its first."""
    for place, column in enumerate(evidence.columns):
        if column.type == "frame":
            first = next((row[place] for row in evidence.rows if isinstance(row[place], int)), None)
            if isinstance(first, int):
                return first
    return min(frames, default=None)


def completed(
    points: Sequence[StartingPoint], findings: Sequence[Finding], layers: Mapping[int, list[LayerDetail]]
) -> list[StartingPoint]:
    """Starting points with the packets counted by tshark and the decoded packets."""
    by_id = {f.id: f for f in findings}
    made = []
    for point in points:
        own = [by_id[i] for i in point.findings]
        lead = next((f for f in own if f.display_filter == point.display_filter), own[0])
        numbers = dict.fromkeys(n for f in own if (n := cited(f.evidence, f.frames)) in layers)
        shown = [PacketDetail(frame=n, layers=layers[n]) for n in list(numbers)[:DETAILED] if n is not None]
        made.append(msgspec.structs.replace(point, matched_packets=lead.matched_packets, details=shown))
    return made


def pcapng(packets: Packets, points: Sequence[StartingPoint], found: Sequence[Fired], settings: Settings) -> bytes:
    """The packets that the starting points' findings cite, each with a comment naming its findings; may be empty."""
    wanted = {i for p in points for i in p.findings}
    chosen = [f for f in found if f.id in wanted]
    return of_findings(packets, chosen, settings)


def of_findings(packets: Packets, chosen: Sequence[Fired], settings: Settings) -> bytes:
    """The packets of some findings, at most MOST_FRAMES."""
    comments: dict[int, str] = {}
    for each in chosen:
        if each.rule.code.startswith(LOGINS) and not settings.show_secrets:
            continue
        for number in sorted(set(each.draft.frames))[:FRAMES_A_FINDING]:
            if number not in comments and len(comments) >= MOST_FRAMES:
                continue
            before = comments.get(number)
            text = f"{each.id}: {each.draft.title or each.rule.title}"
            comments[number] = f"{before}; {text}" if before else text
    target = packets.scratch / "evidence.pcapng"
    if not cut.cut(packets.tshark, packets.path, target, list(comments), comments, packets.env, CUT_SECONDS):
        return b""
    return target.read_bytes()
