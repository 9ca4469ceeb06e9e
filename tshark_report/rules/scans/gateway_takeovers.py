"""Did another router take the gateway's role, or join the group that shares it?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._claims import REDUNDANCY, alternations, is_virtual
from tshark_report.rules.scans._common import frame_numbers, number, several, span
from tshark_report.story.words import count
from tshark_report.tables.tables import Tables

CHANGES = Threshold(1, "changes", "of the address that speaks for the shared MAC address: each moves all traffic")
FLAPS = Threshold(4, "changes", "there and back twice: a maintenance window needs one there and one back")
LATER = Threshold(60, "seconds", "after the group was first heard: hellos come every 1 to 3 s (RFC 2281, RFC 5798)")
BEFORE = Threshold(10, "packets", "of the group before a new address spoke: then its members were known")


@rule(
    code="LNK011",
    name="gateway-takeovers",
    family="scans",
    title="Another router took over or joined a shared gateway (VRRP, HSRP)",
    question="Did another router take the gateway's role, or join the group that shares it?",
    answers=("Q10",),
    why="Routers that share a gateway address agree by short messages on who serves it, mostly without a password."
    " Whoever says that it has the higher priority gets all traffic of the link; two that keep taking it from each"
    " other interrupt it each time.",
    innocent=(
        Innocent(
            explanation="A router was restarted or taken out for maintenance, and its partner took over as it should.",
            tell_apart="The new one is a known router, and the change was announced or the old one is really down.",
        ),
    ),
    confirm=(
        "Are all speaking addresses routers of this network? From which switch ports do they come?",
        "Read priority and authentication in the messages; compare them with the routers' configuration.",
        "Look in both routers' logs for state changes, and for loss on the link between them.",
    ),
    references=(
        Reference(title="RFC 5798: VRRP version 3, section 9 (security)", url="https://www.rfc-editor.org/rfc/rfc5798"),
        Reference(title="RFC 2281: Cisco HSRP", url="https://www.rfc-editor.org/rfc/rfc2281"),
        Reference(title="ATT&CK T1557 Adversary-in-the-Middle", url="https://attack.mitre.org/techniques/T1557/"),
    ),
    needs=("packets",),
    thresholds={"changes": CHANGES, "flaps": FLAPS, "later": LATER, "before": BEFORE},
    weight=49,
)
def gateway_takeovers(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each protocol of redundancy and link."""
    spoke = near.packets(
        tables, pl.col("protocol").is_in(REDUNDANCY) & pl.col("src").is_not_null(),
        "frame", "time", "protocol", "src", "eth_src",
    )  # fmt: skip
    spoke = spoke.with_columns(pl.col("protocol").str.strip_suffix("v2"))
    for (protocol,), rows in spoke.sort("frame").group_by("protocol", maintain_order=True):
        draft = _draft(context, str(protocol), rows)
        if draft is not None:
            yield draft


def _draft(context: Context, protocol: str, rows: pl.DataFrame) -> Draft | None:
    moves: list[tuple[str, list[tuple[float, str]]]] = []
    for (mac,), mine in rows.filter(pl.col("eth_src").is_not_null()).group_by("eth_src", maintain_order=True):
        said = list(mine.select("time", "src").iter_rows())
        if is_virtual(str(mac)) and alternations(said):
            moves.append((str(mac), said))
    changes = sum(alternations(said) for _, said in moves)
    joined = _joined(context, rows)
    if changes < context.limit("changes") and not joined:
        return None
    priority: Priority = "medium" if joined or changes >= context.limit("flaps") else "low"
    routers = [str(s) for s in rows["src"].unique(maintain_order=True).to_list()]
    told = []
    if moves:
        shared = ", ".join(mac for mac, _ in moves[:3])
        told.append(f"the shared MAC address {shared} changed hands {count(changes, 'time')} ({_order(moves[0][1])})")
    if joined:
        told.append(f"{several(joined)} began to speak when the group had been heard for a while")
    first = next((t for _, said in moves for (_, a), (t, b) in zip(said, said[1:], strict=False) if a != b), None)
    if joined:
        first = number(rows.filter(pl.col("src") == joined[0])["time"].min())
    return Draft(
        subject=f"{protocol} gateway",
        hosts=tuple(dict.fromkeys((*joined, *routers)))[:10],
        summary=(
            f"{count(rows.height, f'{protocol} message')} of {count(len(routers), 'router')} ({several(routers)}) "
            f"{span(number(rows['time'].min()), number(rows['time'].max()))}: {'; '.join(told)}."
        ),
        sentence=f"{several(joined)} joined the {protocol} group of {routers[0]}"
        if joined
        else f"the {protocol} gateway began to change hands ({count(changes, 'time')})",
        priority=priority,
        confidence="medium",
        display_filter=filters.exists(protocol.lower()),
        frames=frame_numbers(rows),
        evidence=evidence(
            (("frame", "frame"), ("time", "time"), ("from", "address"), ("MAC", "text")),
            [list(r) for r in _turns(rows).select("frame", "time", "src", "eth_src").iter_rows()],
        ),
        line_up=("eth.src", "ip.src", "ip.ttl", "frame.len"),
        time=first,
    )


def _joined(context: Context, rows: pl.DataFrame) -> list[str]:
    """Addresses that spoke for the first time when the others had been heard for a while."""
    start = number(rows["time"].min())
    firsts = rows.with_row_index("place").group_by("src", maintain_order=True).agg(pl.col("time", "place").first())
    late = firsts.filter(
        (pl.col("time") - start >= context.limit("later")) & (pl.col("place") >= context.limit("before"))
    )
    return [str(s) for s in late["src"].to_list()]


def _order(said: list[tuple[float, str]]) -> str:
    """`10.0.0.2, then 10.0.0.3`: who spoke for the shared address one after another."""
    turns = [said[0][1], *(b for (_, a), (_, b) in zip(said, said[1:], strict=False) if a != b)]
    return ", then ".join(turns[:5]) + (" and on" if len(turns) > len(turns[:5]) else "")


def _turns(rows: pl.DataFrame) -> pl.DataFrame:
    """The first message of each address and each message by which a MAC address changed hands."""
    first = pl.col("src").is_first_distinct()
    changed = (pl.col("src") != pl.col("src").shift(1).over("eth_src")).fill_null(value=False)
    return rows.filter(first | changed)
