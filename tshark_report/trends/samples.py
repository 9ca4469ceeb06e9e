"""The first things to look at of something that grew: conversations or packets, and how their payloads begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tshark_report.store.catalogue import Kept
from tshark_report.story.words import iso_time
from tshark_report.trends.counting import Reader, rows_of
from tshark_report.trends.model import Kind, PayloadStart, Sample

MOST_SAMPLES = 6
MOST_PAYLOADS = 6
START_BYTES = 32
"""Bytes of a payload that are shown and compared: enough for a protocol's first words."""
MOST_ROWS = 50_000
"""Records of one thing that are looked at for samples; counts are of all of them."""


@dataclass(frozen=True)
class Records:
    """The records of one thing. `rows` are those from the slot on in which it stood out, in order of time."""

    rows: pl.DataFrame
    first: float
    """Seconds since 1970 of its first record, before that slot too."""
    last: float
    by_capture: list[tuple[int, int]]
    """(place of the capture, records) from that slot on, most records first."""
    unanswered: int | None
    refused: int | None


_OF_CONVERSATIONS = (
    "stream", "transport", "protocol", pl.col("start").alias("time"), pl.col("first_frame").alias("frame"),
    pl.col("client").alias("src"), pl.col("client_port").alias("src_port"), pl.col("server").alias("dst"),
    pl.col("server_port").alias("dst_port"), "client_payload", "server_payload", "unanswered", "refused",
)  # fmt: skip
_ADDRESSED = ("frame", "time", "src", "src_port", "dst", "dst_port")


def records(kind: Kind, onsets: Mapping[str, int], reader: Reader) -> dict[str, Records]:
    """The records of some things; `onsets` names for each the slot in which it stood out."""
    if not onsets:
        return {}
    own = {
        "name": (*_ADDRESSED, "how"),
        "protocol": (*_ADDRESSED, "length", "protocols", "transport"),
    }.get(kind, _OF_CONVERSATIONS)
    since = pl.LazyFrame(
        {"key": list(onsets), "onset": list(onsets.values())}, schema={"key": pl.String(), "onset": pl.Int64()}
    )
    every = rows_of(kind, reader).select("capture", "slot", "key", *own).join(since, on="key", how="inner")
    later = every.filter(pl.col("slot") >= pl.col("onset"))
    counted = kind not in ("name", "protocol")
    silent = [pl.col("unanswered").sum(), pl.col("refused").sum()] if counted else []
    spans = every.group_by("key").agg(pl.col("time").min().alias("first"), pl.col("time").max().alias("last"))
    places = later.group_by("key", "capture").agg(pl.len().alias("records"), *silent)
    rows = later.sort("time", "capture", "frame").group_by("key", maintain_order=True).head(MOST_ROWS)
    spanned, placed, taken = (frame.collect(engine="streaming") for frame in (spans, places, rows))
    found = {}
    for key, first, last in spanned.sort("key").iter_rows():
        mine = placed.filter(pl.col("key") == key).sort(["records", "capture"], descending=[True, False])
        found[key] = Records(
            taken.filter(pl.col("key") == key).sort("time", "capture", "frame"),
            first,
            last,
            list(zip(mine["capture"], mine["records"], strict=True)),
            int(mine["unanswered"].sum()) if counted else None,
            int(mine["refused"].sum()) if counted else None,
        )
    return found


def chosen(kind: Kind, rows: pl.DataFrame, captures: Sequence[Kept]) -> list[Sample]:
    """The first record of each of the first sources, then further ones where there are few sources."""
    firsts = rows.unique(subset=["src"], keep="first", maintain_order=True).head(MOST_SAMPLES)
    if firsts.height < MOST_SAMPLES:
        rest = rows.join(firsts.select("capture", "frame"), on=["capture", "frame"], how="anti", maintain_order="left")
        firsts = pl.concat([firsts, rest.head(MOST_SAMPLES - firsts.height)])
    return [_sample(kind, row, captures) for row in firsts.sort("time", "capture", "frame").iter_rows(named=True)]


def _sample(kind: Kind, row: dict[str, Any], captures: Sequence[Kept]) -> Sample:
    kept = captures[row["capture"]]
    return Sample(
        capture=kept.key,
        file_name=kept.manifest.capture.file_name,
        frame=row["frame"],
        time=iso_time(row["time"]) or "",
        src=row["src"] or "",
        src_port=row["src_port"],
        dst=row["dst"] or "",
        dst_port=row["dst_port"],
        note=_note(kind, row),
    )


def _note(kind: Kind, row: dict[str, Any]) -> str:
    if kind == "name":
        return {"dns": "DNS question", "tls": "TLS server name", "http": "HTTP host"}[row["how"]]
    if kind == "protocol":
        return f"{row['length']} bytes"
    sent, received = row["client_payload"] or 0, row["server_payload"] or 0
    if row["refused"]:
        return "refused"
    if row["unanswered"]:
        return f"no answer, {sent:,} bytes sent" if sent else "no answer"
    return f"{row['protocol']}: {sent:,} bytes sent, {received:,} received"


def payloads(rows: pl.DataFrame, reader: Reader) -> list[PayloadStart]:
    """How the payloads of conversations begin, the commonest beginnings first.

    `rows` are records of ports or hosts: with capture, transport, stream and the client's address as src.
    """
    of = rows.select("capture", "transport", "stream", pl.col("src").alias("client")).unique(
        subset=["capture", "transport", "stream"]
    )
    openings = (
        reader.table("openings")
        .filter((pl.col("order") == 0) & pl.col("stream").is_not_null())
        .join(of.lazy(), on=["capture", "transport", "stream"], how="inner")
        .select("capture", "frame", "time", "src", "client", pl.col("data").bin.slice(0, START_BYTES).alias("data"))
        .sort("time", "capture", "frame")
        .collect(engine="streaming")
    )
    found = (
        openings.with_columns(sent=pl.col("src") == pl.col("client"))
        .group_by("sent", "data", maintain_order=True)
        .agg(
            pl.len().alias("times"),
            pl.col("src").n_unique().alias("hosts"),
            pl.col("capture").first(),
            pl.col("frame").first(),
        )
        .sort("times", descending=True, maintain_order=True)
    )
    return [
        PayloadStart(
            direction="sent" if row["sent"] else "received",
            hex=row["data"].hex(" "),
            text="".join(chr(b) if 0x20 <= b < 0x7F else "." for b in row["data"]),
            times=row["times"],
            hosts=row["hosts"],
            capture=reader.captures[row["capture"]].key,
            file_name=reader.captures[row["capture"]].manifest.capture.file_name,
            frame=row["frame"],
        )
        for row in found.head(MOST_PAYLOADS).iter_rows(named=True)
    ]
