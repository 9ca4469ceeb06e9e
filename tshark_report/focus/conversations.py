"""Every conversation of a capture under one number: TCP streams, UDP streams, and pairs of addresses for all else."""

from __future__ import annotations

from functools import cached_property

import polars as pl

from tshark_report.tables.tables import Tables

SCHEMA: dict[str, pl.DataType] = {
    "conversation": pl.UInt32(),
    "transport": pl.String(),
    "stream": pl.UInt32(),
    "client": pl.String(),
    "client_port": pl.UInt16(),
    "server": pl.String(),
    "server_port": pl.UInt16(),
    "protocol": pl.String(),
    "start": pl.Float64(),
    "end": pl.Float64(),
    "first_frame": pl.UInt32(),
    "client_packets": pl.UInt32(),
    "server_packets": pl.UInt32(),
    "client_bytes": pl.UInt64(),
    "server_bytes": pl.UInt64(),
    "client_payload": pl.UInt64(),
    "server_payload": pl.UInt64(),
}
"""`client` began it (for pairs without ports: sent first). `*_bytes` are whole frames, `*_payload` what TCP or UDP
carried (0 for pairs without ports). `start` and `end` are seconds since 1970 UTC."""


class Conversations:
    """The conversations of one capture, and which packets belong to which."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    @cached_property
    def _portless(self) -> pl.DataFrame:
        """Packets with addresses that belong to no TCP or UDP stream."""
        lone = self.tables.packets.filter(
            pl.col("src").is_not_null()
            & pl.col("dst").is_not_null()
            & (pl.col("stream").is_null() | ~pl.col("transport").is_in(["tcp", "udp"]).fill_null(value=False))
        )
        return lone.select(
            "frame", "time", "length", "src", "dst", "protocol",
            pl.min_horizontal("src", "dst").alias("low"), pl.max_horizontal("src", "dst").alias("high"),
        )  # fmt: skip

    @cached_property
    def _pairs(self) -> pl.DataFrame:
        up, size = pl.col("src") == pl.col("client"), pl.col("length").cast(pl.Int64)  # 32 bits would wrap at 4 GiB
        return (
            self._portless.with_columns(pl.col("src").first().over("low", "high", "protocol").alias("client"))
            .group_by("low", "high", "protocol", maintain_order=True)
            .agg(
                pl.col("client").first(),
                pl.col("dst").first().alias("server"),
                pl.col("time").min().alias("start"),
                pl.col("time").max().alias("end"),
                pl.col("frame").min().alias("first_frame"),
                up.sum().alias("client_packets"),
                (~up).sum().alias("server_packets"),
                size.filter(up).sum().alias("client_bytes"),
                size.filter(~up).sum().alias("server_bytes"),
            )
        )

    @cached_property
    def rows(self) -> pl.DataFrame:
        """One row a conversation, columns as in SCHEMA, in order of the first frame."""
        made = []
        for transport, frame in (("tcp", self.tables.tcp_sessions), ("udp", self.tables.udp_flows)):
            made.append(frame.with_columns(pl.lit(transport).alias("transport")))
        made.append(self._pairs)
        every = pl.concat([_shaped(frame) for frame in made])
        return every.sort("first_frame").drop("conversation").with_row_index("conversation").select(*SCHEMA)

    @cached_property
    def packets(self) -> pl.DataFrame:
        """frame, time, length, src, dst, payload and the conversation's number, by frame."""
        streams = self.rows.filter(pl.col("stream").is_not_null()).select("transport", "stream", "conversation")
        wanted = ("frame", "time", "length", "src", "dst", "payload", "conversation")
        first = self.tables.packets.join(streams, on=["transport", "stream"], how="inner").select(wanted)
        numbered = self._pairs.join(
            self.rows.filter(pl.col("stream").is_null()).select("first_frame", "protocol", "conversation"),
            on=["first_frame", "protocol"],
        )
        second = self._portless.join(numbered, on=["low", "high", "protocol"], how="inner").with_columns(
            pl.lit(0, dtype=pl.UInt32).alias("payload")
        )
        return pl.concat([first, second.select(wanted)]).sort("frame")

    def of_frames(self, frames: pl.Series) -> pl.Series:
        """Numbers of the conversations that these frames belong to."""
        return self.packets.filter(pl.col("frame").is_in(frames.implode()))["conversation"].unique().sort()

    def with_addresses(self, addresses: frozenset[str]) -> pl.Series:
        """Numbers of the conversations that one of these addresses takes part in."""
        some = list(addresses)
        return self.rows.filter(pl.col("client").is_in(some) | pl.col("server").is_in(some))["conversation"]

    def chosen(self, numbers: pl.Series) -> pl.DataFrame:
        """Rows of these conversations."""
        return self.rows.filter(pl.col("conversation").is_in(numbers.implode()))

    def frames_of(self, numbers: pl.Series) -> pl.Series:
        """Frames of these conversations, ascending."""
        return self.packets.filter(pl.col("conversation").is_in(numbers.implode()))["frame"]


def _shaped(frame: pl.DataFrame) -> pl.DataFrame:
    """The columns of SCHEMA; what a kind of conversation has not is null, or 0 for payload."""

    def column(name: str) -> pl.Expr:
        return pl.col(name) if name in frame.columns else pl.lit(0 if name.endswith("_payload") else None)

    return frame.select(column(name).cast(kind).alias(name) for name, kind in SCHEMA.items())
