"""Other hosts, and other servers, that show the same pattern as the conversations in focus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from tshark_report.focus.conversations import Conversations
from tshark_report.focus.widen import Scope
from tshark_report.report.model import Cell, Column, Table
from tshark_report.story.words import iso_time
from tshark_report.tables.tables import Tables

Named = Callable[[str], str]

OTHER_ROWS = 40
OTHERS_A_KIND = 8
COMMON_SERVERS = 12
"""A user agent or fingerprint that one host uses with more servers than this is its browser's: it parts nobody."""
COMMON_TO_ITSELF = 2
"""The same for the host in focus itself: what it says to a third server it says to all."""
SMALLEST_SIZE = 24
"""Bytes of payload below which equal sizes are chance."""
PLAIN_PORTS = frozenset(
    (21, 22, 25, 53, 67, 68, 80, 88, 110, 123, 135, 137, 138, 139, 143, 389, 443, 445, 465, 587, 993, 995, 1900, 3702,
     5353, 5355)
)  # fmt: skip
"""Ports that everybody uses: the same one says nothing."""


@dataclass(frozen=True, slots=True)
class Same:
    """Another host, or another server, that shows the same as the conversations in focus."""

    what: str
    value: str
    host: str
    peer: str
    number: int
    frame: int
    time: float


def others(scopes: list[Scope], tables: Tables, conversations: Conversations) -> list[Same]:
    """Who else shows the pattern: same user agent, fingerprint, certificate, names, paths, files, port, sizes."""
    if not scopes:
        return []
    numbers = pl.concat([s.numbers for s in scopes]).unique()
    frames = pl.concat([s.frames for s in scopes]).unique()
    inside = pl.col("frame").is_in(frames.implode())
    hosts = frozenset(s.host for s in scopes)
    found: list[Same] = []
    requests = tables.http.filter(pl.col("method").is_not_null())
    found += _alike("user agent", requests, "user_agent", "src", "dst", inside, limited=True)
    found += _alike("path", requests.filter(pl.col("uri").str.len_chars() > 4), "uri", "src", "dst", inside)
    for column, words in (("ja3", "JA3"), ("ja4", "JA4")):
        found += _alike(words, tables.tls, column, "src", "dst", inside, limited=True)
    found += _alike("certificate", tables.certificates, "subject", "src", "dst", inside)
    asked = tables.dns.filter(~pl.col("response").fill_null(value=False))
    found += _alike("name asked for", _of_names(scopes, tables, asked), "name", "src", "dst", inside, of=hosts)
    found += _same_files(tables, frames)
    found += _same_port(conversations, numbers)
    found += _same_sizes(conversations, numbers)
    return _one_each(found)[:OTHER_ROWS]


def _of_names(scopes: list[Scope], tables: Tables, asked: pl.DataFrame) -> pl.DataFrame:
    """Questions for the names of the peers in focus."""
    names = {tables.names[p] for s in scopes for p in s.peers if p in tables.names}
    return asked.filter(pl.col("name").is_in(list(names)))


def _alike(
    what: str,
    frame: pl.DataFrame,
    column: str,
    host: str,
    peer: str,
    inside: pl.Expr,
    *,
    limited: bool = False,
    of: frozenset[str] | None = None,
) -> list[Same]:
    """Rows outside the focus with a value that the focus has. `of`: the hosts whose value counts as the focus's."""
    filled = frame.filter(pl.col(column).is_not_null() & (pl.col(column) != ""))
    mine = filled.filter(inside if of is None else pl.col(host).is_in(list(of)))
    values = mine[column].unique().to_list()
    if not values:
        return []
    rest = filled.filter(pl.col(column).is_in(values) & ~inside)
    rest = rest if of is None else rest.filter(~pl.col(host).is_in(list(of)))
    made = (
        rest.group_by(column, host, peer, maintain_order=True)
        .agg(pl.len().alias("number"), pl.col("frame").min(), pl.col("time").min())
        .sort("frame")
    )
    if limited:
        # A browser says the same everywhere: only what few servers were told parts this pattern from the usual.
        spread = made.group_by(column, host).agg(pl.col(peer).n_unique().alias("spread"))
        own = pl.col(host).is_in(mine[host].unique().implode())
        most = pl.when(own).then(COMMON_TO_ITSELF).otherwise(COMMON_SERVERS)
        made = made.join(spread, on=[column, host]).filter(pl.col("spread") <= most).sort("frame")
    return [
        Same(
            what, str(r[column])[:2000], str(r[host]), str(r[peer]), int(r["number"]), int(r["frame"]), float(r["time"])
        )
        for r in made.head(OTHERS_A_KIND).iter_rows(named=True)
    ]


def _same_files(tables: Tables, frames: pl.Series) -> list[Same]:
    files = tables.files.filter(pl.col("frame").is_not_null())
    inside = pl.col("frame").is_in(frames.implode())
    mine = files.filter(inside)
    rest = files.filter(~inside & pl.col("sha256").is_in(mine["sha256"].implode())).sort("frame")
    return [
        Same(
            "file",
            f"{r['name']} (SHA-256 {r['sha256'][:16]}\u2026)",
            str(r["destination"]),
            str(r["source"]),
            1,
            int(r["frame"]),
            float(r["time"]),
        )
        for r in rest.head(OTHERS_A_KIND).iter_rows(named=True)
    ]


def _same_port(conversations: Conversations, numbers: pl.Series) -> list[Same]:
    mine = conversations.chosen(numbers)
    ports = (
        mine.filter(~pl.col("server_port").is_in(list(PLAIN_PORTS)))
        .select("transport", "server_port", "server")
        .drop_nulls()
    )
    rest = conversations.rows.filter(
        ~pl.col("conversation").is_in(numbers.implode()) & (pl.col("client_payload") + pl.col("server_payload") > 0)
    )
    rest = rest.join(ports.select("transport", "server_port").unique(), on=["transport", "server_port"], how="semi")
    return _same("server port", rest, pl.concat_str("transport", pl.lit("/"), "server_port"))


def _same_sizes(conversations: Conversations, numbers: pl.Series) -> list[Same]:
    both = ["transport", "client_payload", "server_payload"]
    mine = conversations.chosen(numbers).filter(
        (pl.col("client_payload") >= SMALLEST_SIZE) & (pl.col("server_payload") >= SMALLEST_SIZE)
    )
    rest = conversations.rows.filter(~pl.col("conversation").is_in(numbers.implode())).join(
        mine.filter(~pl.col("server_port").is_in([53, 5353])).select(both).unique(), on=both, how="semi"
    )
    sizes = pl.concat_str(
        pl.col("client_payload"), pl.lit(" bytes out, "), pl.col("server_payload"), pl.lit(" bytes back")
    )
    return _same("sizes of a conversation", rest, sizes)


def _same(what: str, rows: pl.DataFrame, value: pl.Expr) -> list[Same]:
    made = (
        rows.with_columns(value.alias("value"))
        .group_by("value", "client", "server", maintain_order=True)
        .agg(pl.len().alias("number"), pl.col("first_frame").min(), pl.col("start").min())
        .sort("number", "first_frame", descending=[True, False])
    )
    return [
        Same(
            what,
            r["value"],
            str(r["client"]),
            str(r["server"]),
            int(r["number"]),
            int(r["first_frame"]),
            float(r["start"]),
        )
        for r in made.head(OTHERS_A_KIND).iter_rows(named=True)
    ]


def _one_each(found: list[Same]) -> list[Same]:
    return list({(s.what, s.value, s.host, s.peer): s for s in reversed(found)}.values())[::-1]


def others_table(found: list[Same], hosts: frozenset[str], named: Named) -> Table:
    """Others with the same pattern as a table."""
    columns = [
        Column(name="Host", type="address"),
        Column(name="Also in focus"),
        Column(name="The same"),
        Column(name="Value"),
        Column(name="With"),
        Column(name="Times", type="count"),
        Column(name="First frame", type="frame"),
        Column(name="First", type="time"),
    ]
    rows: list[list[Cell]] = [
        [s.host, "yes" if s.host in hosts else "", s.what, s.value, named(s.peer), s.number, s.frame, iso_time(s.time)]
        for s in sorted(found, key=lambda s: s.host in hosts)
    ]
    return Table(columns=columns, rows=rows, total_rows=len(rows))
