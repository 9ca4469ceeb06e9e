"""Expert items as the fast layout prints them: severities, groups and messages of a packet in one text."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from tshark_report.tables.values import SEVERITIES, clean_expert


def items(packs: pl.DataFrame) -> pl.DataFrame:
    """The expert items of each pack: columns pack, severity, group, message, one row an item."""
    # "Chat","Note","Sequence","Sequence",,first message,second message: as many groups and messages as severities.
    listed = packs.with_columns(pl.col("pack").str.split(",").alias("parts")).with_columns(
        pl.col("parts").list.eval(pl.element().str.strip_chars('"').is_in(SEVERITIES)).list.arg_min().alias("count")
    )
    # A message may hold commas: with one item the message is the rest; with several, only an even split is exact.
    parts, count = pl.col("parts"), pl.col("count")
    listed = listed.with_columns(
        parts.list.slice(2 * count).list.eval(pl.element().filter(pl.element() != "")).alias("texts")
    )
    one = listed.filter(count == 1).select(
        "pack",
        parts.list.get(0).alias("severity"),
        parts.list.get(1, null_on_oob=True).alias("group"),
        pl.col("texts").list.join(",").alias("message"),
    )
    many = listed.filter(count > 1)
    even = many.filter(pl.col("texts").list.len() == pl.col("count"))
    uneven = many.filter(pl.col("texts").list.len() != pl.col("count"))
    split = even.select(
        "pack",
        parts.list.slice(0, count).alias("severity"),
        parts.list.slice(count, count).alias("group"),
        pl.col("texts").alias("message"),
    ).explode("severity", "group", "message")
    whole = uneven.select(
        "pack",
        parts.list.get(0).alias("severity"),
        parts.list.get(count, null_on_oob=True).alias("group"),
        pl.col("texts").list.join(",").alias("message"),
    )
    return clean_expert(pl.concat([one, split, whole]))


def renamed_frames(expert: pl.DataFrame, frame_map: Sequence[int]) -> pl.DataFrame:
    """Expert messages of a shard that name another frame, with its number in the whole capture."""
    texts = expert["message"].filter(expert["message"].str.contains(r"frame:? \d+")).unique().to_list()
    if not texts:
        return expert

    def whole(match: re.Match[str]) -> str:
        number = int(match[2])
        return f"{match[1]}{frame_map[number - 1]}" if 1 <= number <= len(frame_map) else match[0]

    renamed = [re.sub(r"(frame:? )(\d+)", whole, text) for text in texts]
    return expert.with_columns(pl.col("message").replace(texts, renamed))
