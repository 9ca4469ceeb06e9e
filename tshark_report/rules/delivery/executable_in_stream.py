"""Did a program cross the wire outside of HTTP: in a bare stream, over FTP or TFTP?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent
from tshark_report.rules import near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery import _grading as grading
from tshark_report.rules.delivery._delivery import Delivery
from tshark_report.story.words import clock, count, duration
from tshark_report.tables.tables import Tables

_NAMED = re.compile(rb"[A-Za-z0-9_.\-]{1,60}\.(?:exe|dll|scr|com|bat|cmd|ps1|vbs|sh|elf|bin|arm7?|mips|x86|so)\b", re.I)


@rule(
    code="DEL003",
    name="executable-in-stream",
    family="delivery",
    title="An executable crossed the wire outside of HTTP",
    question="Does a stream carry a program, whatever its port and protocol?",
    answers=("Q2", "Q12"),
    why=(
        "A program that is pushed over a port of its own, or fetched by a scripted FTP or TFTP client, leaves no trace "
        "in a proxy's log. The bytes tell it: the header and the text that linkers put into every program."
    ),
    innocent=(
        Innocent(
            explanation="Software distribution, game launchers, backup and synchronisation carry programs so.",
            tell_apart="Both ends belong to that product, and the stream holds much more than one program.",
        ),
        Innocent(
            explanation="Machines and telephones load their boot files over TFTP.",
            tell_apart="The name is that of a boot loader or firmware, and DHCP told the client to fetch it.",
        ),
    ),
    confirm=(
        "Follow the stream, save it as raw bytes on an isolated machine, and compare its SHA-256 with known files.",
        "What passed between the same two hosts just before: a command that asked for the file, a login, an exploit?",
        "Was the file started? Look for traffic of the receiver to new hosts afterwards.",
    ),
    references=(common.TOOL_TRANSFER, common.PE_FORMAT),
    needs=("openings", "signatures", "files"),
    thresholds={
        "asked_before": Threshold(
            120.0, "seconds", "A script asks for a file and gets it within moments; slow hosts take a minute."
        )
    },
    weight=90,
)
def executable_in_stream(tables: Tables, context: Context) -> Iterator[Draft]:
    """Programs at the start of a stream, further inside one, and files of FTP and TFTP that can run."""
    found = [
        g
        for g in grading.graded(tables, context)
        if g.delivery.protocol in ("tcp", "udp", "ftp", "tftp")
        and g.delivery.category in ("program", "code", "script", "carrier")
        and not (g.disguise and g.delivery.protocol in ("ftp", "tftp"))
    ]  # fmt: skip
    for members in grading.groups(found)[: common.MOST_FINDINGS]:
        best, d = members[0], members[0].delivery
        name, asked = (d.name, "") if d.name else _named_before(tables, d, context.limit("asked_before"))
        display_filter, frames = grading.filter_of(tables, [g.delivery for g in members])
        how = _how(d)
        carried = _carried(tables, d)
        shown = f" named {common.cut(name, 60)}" if name else ""
        yield Draft(
            subject=f"{d.source} sent programs to {d.destination}",
            hosts=(d.destination, d.source),
            summary=(
                f"{d.source} sent {grading.with_article(d.what)}{shown} to {d.destination} {how} "
                f"at {clock(d.time)} UTC (frame {d.frame}){carried}.{asked}{_rest(members)}"
            ),
            sentence=f"{d.source} sent {grading.with_article(d.what)}{shown} to {d.destination} {how.rstrip(',')}",
            priority=best.priority,
            confidence=best.confidence,
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(common.FILE_COLUMNS, [grading.file_row(g.delivery) for g in members]),
            lowered_because="" if best.loud or d.protocol == "tftp" else "both hosts are inside the network",
            indicators=grading.indicators_of(members, context),
            time=d.time,
            line_up=("tcp.srcport", "tcp.dstport", "tcp.len", "data.data"),
            weight=3.0 if d.at_start else 0.0,
        )


def _how(d: Delivery) -> str:
    if d.protocol == "ftp":
        return f"over FTP (data connection to port {d.port})" if d.port else "over FTP"
    if d.protocol == "tftp":
        return "over TFTP"
    where = "as the first bytes of" if d.at_start else "inside"
    kind = f"that tshark calls {d.spoken}" if d.spoken else "without a protocol that names it"
    if d.spoken.startswith("HTTP"):
        kind = "an HTTP answer whose request is not in this capture"
    return f"{where} a {d.protocol.upper()} stream on port {d.port}, {kind},"


def _carried(tables: Tables, d: Delivery) -> str:
    if d.size is not None:
        return f", {d.size:,} bytes"
    if d.transport != "tcp" or d.stream is None:
        return ""
    own = near.of_streams(tables, "tcp", [d.stream]).filter(pl.col("src") == d.source)["payload"]
    return f"; the stream carries {int(own.sum()):,} bytes from there"


def _rest(members: list[grading.Graded]) -> str:
    if len(members) < 2:
        return ""
    named = common.names([g.delivery.name for g in members[1:] if g.delivery.name])
    more = count(len(members) - 1, "more transfer")
    return f" {more} of programs between the same hosts{': ' + named if named else ''}."


def _named_before(tables: Tables, d: Delivery, within: float) -> tuple[str, str]:
    """A file name that passed between the same hosts before, and the sentence that says so."""
    pair = common.between(d.source, d.destination)
    near = tables.openings.filter(
        pair & (pl.col("time") <= d.time) & (pl.col("time") >= d.time - within) & (pl.col("frame") != d.frame)
    ).sort("frame", descending=True)
    for frame, time, source, target, port, data in near.select(
        "frame", "time", "src", "dst", "dst_port", "data"
    ).iter_rows():
        found = _NAMED.search(data)
        if found and b"SMB" not in data[:12]:
            name = found[0].decode("ascii", "replace")
            return (
                name,
                f" {duration(d.time - time)} before, {source} named {name} to {target} port {port} (frame {frame}).",
            )
    return "", ""
