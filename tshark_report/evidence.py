"""The packets behind the starting points: a few decoded layer by layer, all of them as a small pcapng with comments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tshark_report.capture import cut, detail, fence, pcapng, share
from tshark_report.capture.tshark import Tshark
from tshark_report.report.model import Finding, LayerDetail, PacketDetail, StartingPoint, Table
from tshark_report.report.redact import Pseudonyms
from tshark_report.settings import Settings
from tshark_report.story.findings import Fired

DETAILED = 3
"""Packets of a starting point that are decoded."""
DETAIL_SECONDS = 30.0
"""Longest that decoding may take, on a busy machine too; it runs while tshark counts the filters."""
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


def details(
    packets: Packets, points: Sequence[StartingPoint], found: Sequence[Fired], settings: Settings
) -> dict[int, list[LayerDetail]]:
    """Layers of the first packets that each starting point's findings cite, by frame number.

    Packets of login findings, and lines that may hold a secret, only where the settings show secrets.
    """
    by_id = {f.id: f for f in found}
    chosen: list[int] = []
    for point in points:
        own: list[int] = []
        for identity in point.findings:
            each = by_id[identity]
            kept_back = each.rule.code.startswith(LOGINS) and not settings.show_secrets
            if kept_back or not len(each.draft.frames):
                continue
            number = cited(each.draft.evidence, each.draft.frames)
            own += [number] if number is not None and number not in own else []
        chosen += own[:DETAILED]
    numbers = sorted(set(chosen))
    small = packets.scratch / "cited.pcapng"
    if not numbers or not cut.cut(packets.tshark, packets.path, small, numbers, {}, packets.env, CUT_SECONDS):
        return {}
    made = detail.layers(packets.tshark, small, numbers, DETAIL_SECONDS, packets.env, secrets=settings.show_secrets)
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


def of_points(packets: Packets, points: Sequence[StartingPoint], found: Sequence[Fired], settings: Settings) -> bytes:
    """The packets that the starting points' findings cite, each with a comment naming its findings; may be empty."""
    wanted = {i for p in points for i in p.findings}
    chosen = [f for f in found if f.id in wanted]
    return of_findings(packets, chosen, settings)


def of_findings(packets: Packets, chosen: Sequence[Fired], settings: Settings) -> bytes:
    """The packets of some findings, at most MOST_FRAMES."""
    kept = [each for each in chosen if settings.show_secrets or not each.rule.code.startswith(LOGINS)]
    return _cut(packets, _comments(kept, lambda each: f"{each.id}: {each.draft.title or each.rule.title}"))


def to_share(packets: Packets, chosen: Sequence[Fired], table: Pseudonyms, *, keep_names: bool = False) -> bytes:
    """The packets of some findings, at most MOST_FRAMES, with pseudonyms for addresses and without payload.

    DNS messages stay, with pseudonyms for their names; with `keep_names` with their names.

    Comments name frame and rule, in words that hold nothing from the wire. Packets of login findings come along:
    without payload there is no password in them.
    """
    data = _cut(packets, _comments(chosen, lambda each: f"{each.rule.code}: {each.rule.title}"))
    return shared(data, lambda _number, comment: comment, table, keep_names=keep_names) if data else b""


def shared(data: bytes, comment: Callable[[int, str], str], table: Pseudonyms, *, keep_names: bool = False) -> bytes:
    """A pcapng of this module with pseudonyms of the kinds that `table` has, and without payload.

    Args:
        data: the packets with their comments.
        comment: from a packet's number and its comment to what may be said of it.
        table: pseudonyms given so far; those of further addresses are added.
        keep_names: leave the names in DNS messages as they are, but for those that spell an address.
    """
    frames = pcapng.read(data)
    seen = share.Seen()
    for frame in frames:
        share.rewritten(frame.data, frame.wire, frame.link, seen.names())
    table.reserve([*sorted(seen.ips), *sorted(seen.macs)])
    names = share.Names(
        table.ip if "ips" in table.kinds else str,
        table.mac if "macs" in table.kinds else str,
        _kept(table) if keep_names else table.label,
    )
    made = []
    for frame in frames:
        number = _NUMBER.match(frame.comment)
        said = comment(int(number[1]), frame.comment) if number else ""
        made.append(pcapng.Frame(*share.rewritten(frame.data, frame.wire, frame.link, names), frame.time, said))
    return pcapng.written(made)


def _kept(table: Pseudonyms) -> Callable[[bytes], bytes]:
    """Labels as they are, but for those of numbers: `4.3.2.1.in-addr.arpa` would say an address."""
    return lambda label: table.label(label) if _SPELLS.fullmatch(label) else label


_SPELLS = re.compile(rb"[0-9]{1,3}|[0-9a-f]|.*[0-9]{1,3}[-.][0-9]{1,3}[-.][0-9]{1,3}[-.][0-9]{1,3}.*", re.DOTALL)
_NUMBER = re.compile(r"frame (\d+); ")


def _cut(packets: Packets, comments: Mapping[int, str]) -> bytes:
    target = packets.scratch / "evidence.pcapng"
    if not cut.cut(packets.tshark, packets.path, target, list(comments), comments, packets.env, CUT_SECONDS):
        return b""
    return fence.plain_bytes(target)


def _comments(chosen: Sequence[Fired], words: Callable[[Fired], str]) -> dict[int, str]:
    """What is said of each packet of some findings, by its number, which stands in front."""
    comments: dict[int, str] = {}
    for each in chosen:
        for number in sorted(set(each.draft.frames))[:FRAMES_A_FINDING]:
            if number not in comments and len(comments) >= MOST_FRAMES:
                continue
            comments[number] = f"{comments.get(number, f'frame {number}')}; {words(each)}"
    return comments
