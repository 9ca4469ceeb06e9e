"""What several tsharks read of one capture -> one set of tables, with tshark's own stream numbers.

tshark numbers TCP and UDP streams in the order in which they first appear. Each part of
a split capture has its own numbers; ordering all streams by their first frame gives the
numbers that one tshark over the whole capture gives, and that `tcp.stream` means in Wireshark.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tshark_report.tables.read import Builder


def merged(builders: Sequence[Builder]) -> Builder:
    """One builder with the rows of all."""
    if len(builders) == 1:
        return builders[0]
    numbers = _numbers(builders)
    whole = Builder(builders[0].known)
    for place, builder in enumerate(builders):
        whole.take(builder, numbers.filter(pl.col("part") == place).select("layer", "stream", "number"))
    return whole


def _numbers(builders: Sequence[Builder]) -> pl.DataFrame:
    """Columns part, layer (tcp or udp), stream (in the part) and number (in the whole capture)."""
    seen = []
    for place, builder in enumerate(builders):
        for rows, layer in ((builder.packets(), "transport"), (builder.layers(), "layer"), (builder.quoted(), "layer")):
            if rows.is_empty():
                continue
            own = rows.filter(pl.col(layer).is_in(["tcp", "udp"]) & pl.col("stream").is_not_null())
            seen.append(
                own.group_by(pl.col(layer).alias("layer"), "stream")
                .agg(pl.col("frame").min())
                .select(pl.lit(place, dtype=pl.Int64).alias("part"), "layer", "stream", "frame")
            )
    if not seen:
        schema = {"part": pl.Int64(), "layer": pl.String(), "stream": pl.UInt32(), "number": pl.UInt32()}
        return pl.DataFrame(schema=schema)
    first = pl.concat(seen).group_by("part", "layer", "stream").agg(pl.col("frame").min())
    # Two streams of one frame (a tunnel in a tunnel) keep the order of their own part.
    ordered = first.sort("layer", "frame", "stream")
    return ordered.with_columns((pl.col("stream").cum_count().over("layer") - 1).cast(pl.UInt32).alias("number"))
