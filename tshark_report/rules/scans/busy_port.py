"""Which port became busy all of a sudden?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import (
    FINDINGS,
    busiest,
    frame_numbers,
    notable,
    number,
    own,
    service,
    several,
    span,
)
from tshark_report.rules.scans.vertical_port_scan import scanned_pairs
from tshark_report.story.words import clock, count, duration
from tshark_report.tables.tables import Tables

PARTS = 20
"""Equal parts that the capture is cut into."""

SECONDS = Threshold(300, "seconds of capture", "in a shorter capture everything is sudden")
SESSIONS = Threshold(50, "sessions in the busiest part", "fewer are one page or one program that starts")
RISE = Threshold(10, "times the part before and the middle of all parts", "ordinary use doubles or triples")
QUIET_BEFORE = Threshold(
    0.25, "share of the capture before the rise", "without a quiet time before, nothing became busy"
)

EVERYDAY = frozenset({53, 67, 68, 80, 123, 137, 138, 443, 546, 547, 1900, 5353, 5355, 3702, 88, 389})
"""Ports whose use goes up and down with what people do; other rules look into these."""


@rule(
    code="PRT001",
    name="busy-port",
    family="scans",
    title="One port became busy all of a sudden",
    question="Which port has suddenly become busy, and what is it?",
    answers=("Q13",),
    why="A port that was quiet and then sees many connections tells of a new program, a worm that looks for one"
    " service, or a"
    " flood. The number alone says little: it may have another known use than the registered one.",
    innocent=(
        Innocent(
            explanation="A job that starts at a fixed time: backup, replication, a scan by the own inventory.",
            tell_apart="It comes back every day, from the same host.",
        ),
        Innocent(
            explanation="A program was started or installed.",
            tell_apart="One client, its own servers, and somebody remembers.",
        ),
    ),
    confirm=(
        "Who opened the connections, and which of them were answered?",
        "Compare with earlier captures: has the port been used before?",
        "Look the port up at the SANS Internet Storm Center: is the whole Internet seeing it?",
    ),
    references=(
        Reference(title="SANS Internet Storm Center, port reports", url="https://isc.sans.edu/data/port.html"),
        Reference(title="IANA port registry", url="https://www.iana.org/assignments/service-names-port-numbers"),
    ),
    needs=("tcp_sessions", "udp_flows"),
    thresholds={"seconds": SECONDS, "sessions": SESSIONS, "rise": RISE, "quiet": QUIET_BEFORE},
    weight=20,
)
def busy_port(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each port."""
    if tables.seconds < context.limit("seconds"):
        return
    columns = ("client", "server", "server_port", "start", "first_frame", "protocol")
    tcp = tables.tcp_sessions.filter(pl.col("syns") > 0).select(
        *columns, "established", pl.lit("tcp").alias("transport")
    )
    udp = tables.udp_flows.select(
        *columns, (pl.col("server_packets") > 0).alias("established"), pl.lit("udp").alias("transport")
    )
    every = pl.concat([tcp, udp]).filter(~pl.col("server_port").is_in(list(EVERYDAY)))
    scanned = scanned_pairs(tables)
    if scanned.height:
        every = every.join(
            scanned.select("client", "server"), on=["client", "server"], how="anti", maintain_order="left"
        )
    width = tables.seconds / PARTS
    sizes = every.group_by("transport", "server_port").len().filter(pl.col("len") >= context.limit("sessions"))
    found: list[tuple[int, Draft]] = []
    for transport, port, _ in sizes.sort("transport", "server_port").iter_rows():
        mine = every.filter((pl.col("transport") == transport) & (pl.col("server_port") == port)).sort("start")
        rise = _rise(mine["start"], width, context.limit("sessions"))
        if rise is None or rise - tables.first_time < context.limit("quiet") * tables.seconds:
            continue
        before = mine.filter(pl.col("start") < rise)
        top, usual = busiest(mine["start"], width), _middle(mine["start"], tables.first_time, width)
        if context.limit("rise") * max(busiest(before["start"], width), usual) <= top:
            found.append((top, _draft(tables, mine.filter(pl.col("start") >= rise), transport, port, before.height)))
    for _, draft in sorted(found, key=lambda item: -item[0])[:FINDINGS]:
        yield draft


def _rise(starts: pl.Series, width: float, least: float) -> float | None:
    """The first of the sorted times after which `least` of them follow within `width`."""
    ahead = starts.search_sorted(starts + width, side="right").cast(pl.Int64) - pl.int_range(len(starts), eager=True)
    at = (ahead >= least).arg_max()
    return number(starts[at]) if at is not None and ahead[at] >= least else None


def _middle(starts: pl.Series, first: float, width: float) -> float:
    """Median number of times in the equal parts of the capture."""
    parts = ((starts - first) / width).floor().clip(0, PARTS - 1).value_counts()["count"].to_list()
    return float(sorted([*parts, *[0] * PARTS][:PARTS])[PARTS // 2])


def _draft(tables: Tables, risen: pl.DataFrame, transport: str, port: int, before: int) -> Draft:
    start, end = number(risen["start"].min()), number(risen["start"].max())
    clients, servers = (risen[side].value_counts(sort=True)[side].to_list() for side in ("client", "server"))
    answered = int(number(risen["established"].sum()))
    known = notable(transport, port)
    uses = f" Known uses: {known['uses']}." if known else ""
    packets = tables.packets.filter(
        (pl.col("transport") == transport)
        & ((pl.lit(transport) == "udp") | pl.col("flags").is_not_null())
        & ((pl.col("src_port") == port) | (pl.col("dst_port") == port))
    )
    names = [p for p in risen["protocol"].unique().sort().to_list() if p and p not in ("TCP", "UDP")]
    spoken = f" spoken there: {', '.join(names[:3])};" if names else ""
    worth = bool(known and known["kind"] in ("iot", "remote-access", "windows", "odd-choice", "worm", "database"))
    return Draft(
        subject=f"{transport}/{port}",
        hosts=(*clients[:5], *servers[:5]),
        summary=f"{transport.upper()} port {service(port, transport)} had {count(before, 'session')} before"
        f" {clock(start)} UTC and"
        f" {risen.height:,} {span(start, end)} ({duration(end - start)}), from {several(clients, 3)} to"
        f" {several(servers, 3)};{spoken}"
        f" {answered:,} were answered.{uses}",
        sentence=f"{clients[0]} and {len(clients) - 1:,} others made {transport.upper()} port {port} busy all of a"
        " sudden:"
        f" {risen.height:,} sessions after {before:,}"
        if len(clients) > 1
        else f"{clients[0]} made {transport.upper()} port {port} busy all of a sudden: {risen.height:,} sessions"
        f" after {before:,}",
        priority="low" if worth else "info",
        confidence="medium",
        display_filter=own(tables, filters.port(transport, port)),
        frames=frame_numbers(packets),
        evidence=evidence(
            (
                ("client", "address"),
                ("server", "address"),
                ("sessions", "count"),
                ("answered", "count"),
                ("first", "time"),
                ("frame", "frame"),
            ),
            [
                list(row)
                for row in risen.group_by("client", "server", maintain_order=True)
                .agg(
                    pl.len().cast(pl.Int64),
                    pl.col("established").sum().cast(pl.Int64),
                    pl.col("start").min(),
                    pl.col("first_frame").min(),
                )
                .sort("len", descending=True, maintain_order=True)
                .head(100)
                .iter_rows()
            ],
        ),
        time=start,
    )
