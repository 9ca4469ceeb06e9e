"""From the match outwards: the host shortly before and after, all that it did, and others with the same pattern."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from tshark_report.focus import carried
from tshark_report.focus.carried import Event
from tshark_report.focus.conversations import Conversations
from tshark_report.report.model import Cell, Column, Table
from tshark_report.settings import is_multicast
from tshark_report.story.words import count, iso_time, listed
from tshark_report.tables.tables import Tables

Named = Callable[[str], str]

AROUND_ROWS = 16
"""Rows kept of what came before, and as many of what came after."""
PEER_ROWS = 30


@dataclass(frozen=True)
class Scope:
    """A host, and the conversations that what made the reader look leads it to."""

    host: str
    numbers: pl.Series
    rows: pl.DataFrame
    frames: pl.Series

    @property
    def peers(self) -> frozenset[str]:
        """The other sides."""
        both = pl.concat([self.rows["client"], self.rows["server"]]).drop_nulls().unique().to_list()
        return frozenset(str(a) for a in both) - {self.host}


def around(scope: Scope, tables: Tables, conversations: Conversations, window: float) -> list[tuple[float, Event, str]]:
    """What the host did within `window` seconds of its first contact and after its last, with why it is told.

    Seconds from the first contact, the event, and a remark: what led there, or nothing.
    """
    # A look-up that is in focus too is what led to the contact, not the contact.
    reached = scope.rows.filter(pl.col("protocol") != "DNS")
    start = float((reached if reached.height else scope.rows)["start"].min() or 0.0)  # type: ignore[arg-type]
    end = float(scope.rows["end"].max() or start)  # type: ignore[arg-type]
    packets = conversations.packets
    time = pl.col("time")
    near = packets.filter(
        (time.is_between(start - window, start + window) | time.is_between(end, end + window))
        & ((pl.col("src") == scope.host) | (pl.col("dst") == scope.host))
        & ~pl.col("conversation").is_in(scope.numbers.implode())
    )
    asked = scope.rows.filter((pl.col("protocol") == "DNS") & (pl.col("start") < start))["conversation"]
    early = conversations.frames_of(asked) if reached.height else near["frame"].clear()
    found = carried.events(scope.host, pl.concat([near["frame"], early]), tables)
    found += _opened(scope, conversations, near, found)
    # Calls to everybody on the link go on all day.
    found = [each for each in found if not is_crowd(each.peer)]
    leads = dict(_leads(scope, tables, start, found))
    made = [(each.time - start, each, leads.get((each.frame, each.what), "")) for each in found]
    kept = [m for m in made if m[2]]
    before = [m for m in made if m[0] <= 0 and not m[2]][-AROUND_ROWS:]
    after = [m for m in made if m[0] > 0 and not m[2]]
    heavy = sorted(after, key=lambda m: (-m[1].weight, m[0]))[:AROUND_ROWS]
    return sorted([*kept[:AROUND_ROWS], *before, *heavy], key=lambda m: (m[1].time, m[1].frame))


def is_crowd(address: str) -> bool:
    """True for multicast and for broadcast, that of a /24 too."""
    return is_multicast(address) or (address.endswith(".255") and "." in address)


def _opened(scope: Scope, conversations: Conversations, near: pl.DataFrame, known: list[Event]) -> list[Event]:
    """Conversations that began then and of which nothing else is told."""
    told = pl.Series([e.frame for e in known], dtype=pl.UInt32)
    quiet = near.filter(
        ~pl.col("conversation").is_in(near.filter(pl.col("frame").is_in(told.implode()))["conversation"].implode())
    )
    rows = conversations.chosen(quiet["conversation"].unique()).filter(
        pl.col("first_frame").is_in(quiet["frame"].implode())
    )
    found = []
    for row in rows.sort("first_frame").head(200).iter_rows(named=True):
        mine = row["client"] == scope.host
        port = (
            f" {row['transport']}/{row['server_port']}" if row["server_port"] is not None and row["transport"] else ""
        )
        found.append(
            Event(
                float(row["start"]),
                int(row["first_frame"]),
                "opened" if mine else "was opened",
                f"{row['protocol']}{port}",
                str(row["server"] if mine else row["client"]),
                int(row["client_bytes"] + row["server_bytes"]),
            )
        )
    return found


def _leads(scope: Scope, tables: Tables, start: float, found: list[Event]) -> Iterator[tuple[tuple[int, str], str]]:
    """Which of the events led to the first contact: the name's resolution, the page, the redirect."""
    peers = scope.peers
    names = {tables.names[p].lower() for p in peers if p in tables.names}
    wanted = {*names, *peers}
    referers = set()
    inside = pl.col("frame").is_in(scope.frames.implode())
    for text in tables.http.filter(inside & pl.col("referer").is_not_null())["referer"].unique().to_list():
        referers.add(text.partition("://")[2].partition("#")[0].rstrip("/").lower())
    for each in found:
        key = (each.frame, each.what)
        low = each.what.lower()
        if each.what.startswith("DNS ") and each.time <= start:
            asked = low.removeprefix("dns ").partition(" ")[0].rstrip(".")
            if asked in names or any(p in each.details.removeprefix("answered ").split(", ") for p in peers):
                yield key, "resolved the name"
        elif each.direction == "asked" and each.time <= start:
            target = low.partition(" ")[2].rstrip("/")
            if target in referers:
                yield key, "the page that the request names as its referer"
            elif any(
                f"to http://{w}" in each.details.lower() or f"to https://{w}" in each.details.lower() for w in wanted
            ):
                yield key, "answered by a redirect there"


def around_table(found: list[tuple[float, Event, str]]) -> Table:
    """What came before and after as a table."""
    columns = [
        Column(name="Time", type="time"),
        Column(name="From first contact", type="seconds"),
        Column(name="Frame", type="frame"),
        Column(name="Direction"),
        Column(name="What"),
        Column(name="With"),
        Column(name="Details"),
        Column(name="Led there"),
    ]
    rows: list[list[Cell]] = [
        [iso_time(e.time), round(offset, 3), e.frame, e.direction, e.what, e.peer, e.details, remark]
        for offset, e, remark in found
    ]
    return Table(columns=columns, rows=rows, total_rows=len(rows))


CONVERSATION_COLUMNS = (
    Column(name="Client", type="address"),
    Column(name="Server", type="address"),
    Column(name="Port"),
    Column(name="Protocol"),
    Column(name="Conversations", type="count"),
    Column(name="Packets to server", type="count"),
    Column(name="Bytes to server", type="bytes"),
    Column(name="Packets to client", type="count"),
    Column(name="Bytes to client", type="bytes"),
    Column(name="First", type="time"),
    Column(name="Last", type="time"),
)


def grouped(rows: pl.DataFrame) -> pl.DataFrame:
    """Conversations put together by client, server, port and protocol; most payload first."""
    return (
        rows.group_by("client", "server", "transport", "server_port", "protocol", maintain_order=True)
        .agg(
            pl.len().alias("number"),
            pl.col("client_packets").sum(),
            pl.col("client_bytes").sum(),
            pl.col("server_packets").sum(),
            pl.col("server_bytes").sum(),
            pl.col("start").min(),
            pl.col("end").max(),
            (pl.col("client_payload") + pl.col("server_payload")).sum().alias("payload"),
        )
        .sort("payload", "client_bytes", "start", descending=[True, True, False])
    )


def port_words(transport: str | None, port: int | None) -> str:
    """`tcp/443`; empty where there is no port."""
    return f"{transport}/{port}" if transport and port is not None else ""


def conversation_table(rows: pl.DataFrame, most: int = PEER_ROWS) -> Table:
    """Conversations as a table."""
    made = grouped(rows)
    cells: list[list[Cell]] = [
        [
            row["client"],
            row["server"],
            port_words(row["transport"], row["server_port"]),
            row["protocol"],
            row["number"],
            row["client_packets"],
            row["client_bytes"],
            row["server_packets"],
            row["server_bytes"],
            iso_time(row["start"]),
            iso_time(row["end"]),
        ]
        for row in made.head(most).iter_rows(named=True)
    ]
    return Table(columns=list(CONVERSATION_COLUMNS), rows=cells, total_rows=made.height)


def everything(scope: Scope, conversations: Conversations, names: dict[str, str]) -> tuple[Table, str]:
    """All that the host did, by peer, and a sentence on it."""
    host = scope.host
    rows = conversations.rows.filter((pl.col("client") == host) | (pl.col("server") == host))
    mine = pl.col("client") == host
    by_peer = (
        rows.select(
            pl.when(mine).then("server").otherwise("client").alias("peer"),
            pl.when(mine).then(pl.lit("to it")).otherwise(pl.lit("from it")).alias("opened"),
            pl.when(pl.col("transport").is_not_null() & pl.col("server_port").is_not_null())
            .then(pl.concat_str("transport", pl.lit("/"), "server_port"))
            .otherwise(pl.lit(""))
            .alias("port"),
            "protocol",
            "start",
            "end",
            "conversation",
            pl.when(mine).then("client_bytes").otherwise("server_bytes").alias("out"),
            pl.when(mine).then("server_bytes").otherwise("client_bytes").alias("into"),
        )
        .group_by("peer", "opened", maintain_order=True)
        .agg(
            pl.col("port").unique(maintain_order=True),
            pl.col("protocol").unique(maintain_order=True),
            pl.len().alias("number"),
            pl.col("out").sum(),
            pl.col("into").sum(),
            pl.col("start").min(),
            pl.col("end").max(),
            pl.col("conversation").is_in(scope.numbers.implode()).any().alias("focus"),
        )
        .sort("start")
    )
    columns = [
        Column(name="Peer", type="address"),
        Column(name="Name"),
        Column(name="Ports"),
        Column(name="Protocols"),
        Column(name="Conversations", type="count"),
        Column(name="Opened"),
        Column(name="Bytes sent", type="bytes"),
        Column(name="Bytes received", type="bytes"),
        Column(name="First", type="time"),
        Column(name="Last", type="time"),
        Column(name="In focus"),
    ]
    shown = by_peer
    if by_peer.height > PEER_ROWS:
        ranked = by_peer.with_columns((pl.col("out") + pl.col("into")).alias("all"))
        shown = ranked.sort("focus", "all", descending=True).head(PEER_ROWS).sort("start")
    cells: list[list[Cell]] = [
        [
            row["peer"],
            names.get(row["peer"], ""),
            listed([p for p in row["port"] if p], 4),
            listed(row["protocol"], 4),
            row["number"],
            row["opened"],
            row["out"],
            row["into"],
            iso_time(row["start"]),
            iso_time(row["end"]),
            "yes" if row["focus"] else "",
        ]
        for row in shown.iter_rows(named=True)
    ]
    peers = by_peer["peer"].n_unique()
    sentence = f"In the whole capture it exchanged packets with {count(peers, 'address', 'addresses')}."
    return Table(columns=columns, rows=cells, total_rows=by_peer.height), sentence
