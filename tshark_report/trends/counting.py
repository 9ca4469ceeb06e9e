"""Records, sources and targets of every port, protocol, host and name, bucket by bucket, from the stored tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from tshark_report.store.catalogue import Catalogue, Kept
from tshark_report.store.schema import TABLES
from tshark_report.story.words import count, verb
from tshark_report.trends.model import Kind, Step

SECONDS: dict[str, int] = {"hour": 3600, "day": 86400}
MOST_BUCKETS = 1000
"""Buckets that are kept, the latest ones: a capture may span years, and a picture has no room for more."""

KINDS: dict[Kind, str] = {
    "port": "conversations to a server port",
    "protocol": "packets of a protocol",
    "client": "conversations that a host opened",
    "server": "conversations that a host was asked for",
    "name": "questions and connections for a name",
}
"""What a record of each kind is."""


@dataclass(frozen=True)
class Slot:
    """One bucket: its number on the time axis (or place of the file), and what is known of it."""

    number: int
    start: float
    captures: int
    packets: int
    covered: float


@dataclass(frozen=True)
class Counts:
    """All series of one kind as a long table: key, slot (place in `slots`), records, sources, targets."""

    kind: Kind
    rows: pl.DataFrame

    @cached_property
    def keys(self) -> int:
        """Different things."""
        return int(self.rows["key"].n_unique())


class Reader:
    """The tables of several captures as one, with `capture` (place in `captures`) and `slot` in front."""

    def __init__(self, captures: Sequence[Kept], step: Step) -> None:
        self.captures = list(captures)
        self.step = step

    def table(self, name: str, time: str = "time") -> pl.LazyFrame:
        """A table of all captures. `time` is the column that says in which slot a row belongs."""
        holding = [(place, each) for place, each in enumerate(self.captures) if each.rows(name)]
        if not holding:
            schema: dict[str, pl.DataType] = {"capture": pl.UInt32(), "slot": pl.Int64(), **TABLES[name]}
            return pl.LazyFrame(schema=schema)
        paths = [str(each.path(name)) for _, each in holding]
        rows = pl.scan_parquet(paths, include_file_paths="__file", glob=False)
        places = pl.LazyFrame(
            {"__file": paths, "capture": [place for place, _ in holding]},
            schema={"__file": pl.String(), "capture": pl.UInt32()},
        )
        return rows.join(places, on="__file", how="left").drop("__file").with_columns(self._slot(time))

    def _slot(self, time: str) -> pl.Expr:
        if self.step == "file":
            return pl.col("capture").cast(pl.Int64).alias("slot")
        return (pl.col(time) / SECONDS[self.step]).floor().cast(pl.Int64).alias("slot")


def usable(catalogue: Catalogue) -> tuple[list[Kept], list[str]]:
    """Captures with packets, in order of their first one; of the same file read the same way only one; and notes."""
    frames = [
        pl.read_parquet(each.path("captures")).with_columns(place=pl.lit(place, dtype=pl.UInt32))
        for place, each in enumerate(catalogue.captures)
    ]
    facts = pl.concat(frames).filter(pl.col("packets") > 0)
    once = facts.unique(subset=["sha256", "filter"], keep="first", maintain_order=True)
    notes = []
    if once.height < facts.height:
        notes.append(_left_out(facts.height - once.height, "with the same content as another"))
    if facts.height < len(catalogue.captures):
        notes.append(_left_out(len(catalogue.captures) - facts.height, "without packets"))
    ordered = once.sort("first_time", "place", maintain_order=True)
    return [catalogue.captures[place] for place in ordered["place"]], notes


def _left_out(number: int, which: str) -> str:
    return f"{count(number, 'capture')} {which} {verb(number, 'was', 'were')} left out."


def slots(reader: Reader) -> list[Slot]:
    """The buckets that hold packets, in order of time; hours and days without any are not there at all."""
    packets = reader.table("packets").select("slot", "capture", "time")
    rows = (
        packets.group_by("slot", "capture")
        .agg(pl.len().alias("packets"), pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
        .sort("slot", "first", "capture")
        .collect(engine="streaming")
    )
    made = []
    for (number,), group in rows.group_by("slot", maintain_order=True):
        spans = list(zip(group["first"], group["last"], strict=True))
        start = min(first for first, _ in spans)
        if reader.step != "file":
            start = float(int(str(number)) * SECONDS[reader.step])
        made.append(Slot(int(str(number)), start, group.height, int(group["packets"].sum()), covered(spans)))
    return made


def covered(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds that at least one of the spans (start, end) covers."""
    total, until = 0.0, float("-inf")
    for first, last in sorted(spans):
        total += max(0.0, last - max(first, until))
        until = max(until, last)
    return total


def conversations(reader: Reader) -> pl.LazyFrame:
    """TCP sessions and UDP flows alike, one row each; `answered` and `refused` as in tables.sessions."""
    common = ("capture", "slot", "stream", "client", "client_port", "server", "server_port", "protocol", "start",
              "first_frame", "packets", "client_payload", "server_payload")  # fmt: skip
    tcp = reader.table("tcp_sessions", "start").select(
        *common, pl.lit("tcp").alias("transport"), "unanswered", "refused", "established"
    )
    udp = reader.table("udp_flows", "start").select(
        *common,
        pl.lit("udp").alias("transport"),
        (pl.col("server_packets") == 0).alias("unanswered"),
        pl.lit(value=False).alias("refused"),
        pl.lit(None, dtype=pl.Boolean).alias("established"),
    )
    return pl.concat([tcp, udp])


def port_key() -> pl.Expr:
    """`tcp/5358`."""
    return pl.concat_str("transport", pl.lit("/"), "server_port").alias("key")


def named(reader: Reader) -> pl.LazyFrame:
    """Every question and connection for a name: DNS question, TLS server name, HTTP host."""
    columns = ("capture", "slot", "frame", "time", "src", "src_port", "dst", "dst_port")

    def rows(table: str, column: str, kept: pl.Expr) -> pl.LazyFrame:
        name = pl.col(column).str.to_lowercase().str.strip_suffix(".")
        return (
            reader.table(table)
            .filter(pl.col(column).is_not_null() & kept)
            .select(*columns, name.alias("key"), pl.lit(table).alias("how"))
        )

    return pl.concat(
        [
            rows("dns", "name", (pl.col("response").fill_null(value=False).not_()) & (pl.col("protocol") == "DNS")),
            rows("tls", "server_name", pl.lit(value=True)),
            rows("http", "host", pl.col("protocol") != "SSDP"),
        ]
    ).filter(pl.col("key") != "")


def packets(reader: Reader) -> pl.LazyFrame:
    """Packets with their protocol as key."""
    return reader.table("packets").with_columns(pl.col("protocol").alias("key"))


def rows_of(kind: Kind, reader: Reader) -> pl.LazyFrame:
    """The records of a kind: capture, slot, key, source, target, and what else its table has."""
    if kind == "name":
        return named(reader).with_columns(source="src", target="dst")
    if kind == "protocol":
        return packets(reader).with_columns(source="src", target="dst")
    key = {"port": port_key(), "client": pl.col("client").alias("key"), "server": pl.col("server").alias("key")}[kind]
    return conversations(reader).with_columns(key, source="client", target="server").filter(pl.col("key").is_not_null())


def counts(kind: Kind, reader: Reader, kept: Sequence[Slot]) -> Counts:
    """How often each key of a kind was seen in each slot, from and to how many addresses."""
    places = pl.LazyFrame(
        {"slot": [slot.number for slot in kept], "place": range(len(kept))},
        schema={"slot": pl.Int64(), "place": pl.UInt32()},
    )
    rows = (
        rows_of(kind, reader)
        .filter(pl.col("key").is_not_null())
        .join(places, on="slot", how="inner")
        .group_by("key", "place")
        .agg(
            pl.len().alias("records"),
            pl.col("source").n_unique().alias("sources"),
            pl.col("target").n_unique().alias("targets"),
        )
        .sort("key", "place")
        .collect(engine="streaming")
    )
    return Counts(kind, rows)
