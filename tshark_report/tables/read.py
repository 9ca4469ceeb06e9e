"""Text rows of a tshark pass -> typed Polars tables.

Rows come in blocks that capture.dissect has already counted. Each block is parsed by
Polars' own CSV reader with every kindness switched off: no quotes, no comments, no
ragged rows, newline only. Every value is text first and becomes a number only where
it is one; anything else is null, never an error, because it may be hostile.

Two layouts are read. The fast one is made of few, shared columns and serves every
packet whose layers and application protocol are plain from `frame.protocols`. Packets
for which they are not (tunnels, ICMP errors, decrypted HTTP) are asked for once more
with one column a field, by `again()`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import polars as pl

from tshark_report.capture.dissect import SEPARATOR, Forged, Layout
from tshark_report.tables import columns as col
from tshark_report.tables import layouts
from tshark_report.tables.expert_items import items, renamed_frames
from tshark_report.tables.layers import MOST_LAYERS, Chain, chain
from tshark_report.tables.plain import beside, completed, unpacked
from tshark_report.tables.schema import BASE, EXPERT_SCHEMA, FAMILY_SCHEMA, LAYER_SCHEMA, PACKET_SCHEMA
from tshark_report.tables.values import clean_expert, converted, shaped

FRAGMENT6 = "ipv6.fraghdr"
"""What `frame.protocols` calls the IPv6 fragment header."""

FRAME_REFERENCES = {"http": "request_frame", "ftp": "data_setup_frame"}
"""Columns that name another frame, which a shard numbers in its own way."""


def markers(protocols: str | None) -> frozenset[str]:
    """The names among these protocols that have slots of their own."""
    return frozenset((protocols or "").split(":")) & col.EVERY_MARKER


@lru_cache(maxsize=65536)
def plain_group(protocols: str) -> int:
    """Place in columns.GROUPS of the one group that this packet's slots belong to; -1 for none, -2 for several."""
    names = markers(protocols)
    found = [place for place, group in enumerate(col.GROUPS) if names & group.markers]
    return -1 if not found else found[0] if len(found) == 1 else -2


def needs_full(protocols: str | None) -> bool:
    """Must a packet with these protocols be read field by field?"""
    text = protocols or ""
    return not chain(text).simple or "wlan" in text or FRAGMENT6 in text or plain_group(text) == -2


@dataclass
class Builder:
    """Collects blocks of one pass; the methods named as tables give what they add up to."""

    known: frozenset[str]
    """Fields that this tshark has."""
    frame_map: Sequence[int] | None = None
    """For a shard: original frame number of shard frame 1, 2, ...; None where numbers are already right."""
    headers: Callable[[], pl.DataFrame] | None = None
    """Gives the headers of all frames of the capture (capture.headers), where they are read beside tshark."""
    asked: frozenset[str] = col.EVERY_MARKER
    """Markers whose fields the fast layout has; packets with another marker are among the odd."""
    unasked: int = 0
    """Packets that are odd for that reason alone."""
    odd: dict[str, int] = field(default_factory=dict)
    """`frame.protocols` of packets that need the full layout, with their number of packets."""
    _packets: list[pl.DataFrame] = field(default_factory=list)
    _layers: list[pl.DataFrame] = field(default_factory=list)
    _families: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _quoted: list[pl.DataFrame] = field(default_factory=list)
    _odd_frames: list[pl.Series] = field(default_factory=list)

    def fast_layout(self) -> Layout:
        """The columns that `add` expects."""
        return layouts.fast(self.known, lean=self.headers is not None, asked=self.asked)

    def full_layout(self) -> Layout:
        """The fields that `add_full` expects."""
        return layouts.full(self.known)

    def again(self) -> str | None:
        """Display filter for the packets that need the full layout; None where there are none, "" for all packets."""
        if not self.odd:
            return None
        if len(self.odd) > 40 or self.headers is not None:
            return ""
        return " or ".join(f'frame.protocols == "{text}"' for text in sorted(self.odd))

    def add(self, block: bytes) -> None:
        """Parse one block of whole rows in the fast layout."""
        slots = [f"slot{i}" for i, (fields, _) in enumerate(col.slots(self.asked)) if fields]
        built_in, packs = layouts.shared_columns(lean=self.headers is not None)
        names = [name for name, _ in (*built_in, *packs)] + ["expert_pack", *slots]
        raw = self._numbered(_read(block, names))
        chains = {text: chain(text or "") for text in raw["protocols"].unique().to_list()}
        odd = [text for text in chains if needs_full(text)]
        unasked = [text for text in chains if text not in odd and not markers(text) <= self.asked]
        if unasked:
            self.unasked += raw.filter(pl.col("protocols").is_in(unasked)).height
            odd += unasked
        several = pl.col("protocols").is_in(odd)
        if self.headers is not None:
            raw = beside(raw, self.headers(), chains)
            several |= ~pl.col("agreed")
        needing = raw.filter(several)
        if needing.height:
            self._odd_frames.append(needing["frame"])
            for text, count in needing["protocols"].value_counts().iter_rows():
                self.odd[text] = self.odd.get(text, 0) + count
            raw = raw.filter(~several)
        packets = shaped(unpacked(raw, chains)) if self.headers is None else completed(raw)
        self._packets.append(packets)
        rows = pl.concat([packets.select(*BASE, "protocols"), raw.select("expert_pack", *slots)], how="horizontal")
        self._add_expert(rows, pl.col("expert_pack"))
        places: dict[int, list[str | None]] = {}
        for text in chains:
            if text not in odd:
                places.setdefault(plain_group(text or ""), []).append(text)
        for place, texts in places.items():
            if place >= 0:
                self._add_group(rows.filter(pl.col("protocols").is_in(texts)), col.GROUPS[place])

    def add_full(self, block: bytes) -> None:
        """Parse one block of whole rows in the full layout. Packets of which a row exists are replaced."""
        names = ["frame", "time", "length", "protocol", *layouts.full_fields(self.known)]
        joined = []
        for place, column in enumerate(layouts.full_columns()):
            pieces = [f for f in column.fields if f in self.known]
            some = pl.any_horizontal(pl.col(p).is_not_null() for p in pieces) if pieces else pl.lit(value=False)
            if not pieces:
                value: pl.Expr = pl.lit(None, dtype=pl.String)
            elif column.many:
                value = pl.concat_str(pieces, separator=SEPARATOR, ignore_nulls=True)
            else:
                value = pl.coalesce([pl.col(p).str.split(SEPARATOR).list.first() for p in pieces])
            joined.append(pl.when(some).then(value).alias(str(place)))
        raw = self._numbered(_read(block, names)).select("frame", "time", "length", "protocol", *joined)
        layered = {str(place): column.name for place, column in enumerate(col.LAYERED)}
        raw = raw.rename(layered)
        shapes: dict[Chain, list[str | None]] = {}
        for text in raw["protocols"].unique().to_list():
            shapes.setdefault(chain(text or ""), []).append(text)
        pieces_of_packets = [
            self._resolve(raw.filter(pl.col("protocols").is_in(texts, nulls_equal=True)), shape)
            for shape, texts in shapes.items()
        ]
        packets = pl.concat(pieces_of_packets).sort("frame")
        self._packets.append(packets.select(*PACKET_SCHEMA))
        first = len(col.LAYERED)
        expert = [str(first + i) for i in range(len(col.EXPERT))]
        base = packets.select(BASE)
        # What the fast layout does not read of a plain packet is left out here too: both must give the same rows.
        full = packets["protocols"].is_in(
            [text for text in packets["protocols"].unique().to_list() if needs_full(text)]
        )
        rows = pl.concat([base, raw.sort("frame").select(expert)], how="horizontal")
        rows = rows.filter(pl.col(expert[0]).is_not_null())
        if rows.height:
            split = rows.select(
                *BASE, *(pl.col(p).str.split(SEPARATOR).alias(c.name) for p, c in zip(expert, col.EXPERT, strict=True))
            )
            even = split.filter(
                (pl.col("severity").list.len() == pl.col("message").list.len())
                & (pl.col("severity").list.len() == pl.col("group").list.len())
            )
            self._store("expert", clean_expert(even.explode("severity", "group", "message")).select(*EXPERT_SCHEMA))
        at = first + len(col.EXPERT)
        ordered = raw.sort("frame")
        for family in col.FAMILIES:
            places = {str(at + i): c for i, c in enumerate(family.columns)}
            at += len(family.columns)
            rows = pl.concat(
                [base, ordered.select(pl.when(full).then(p).alias(p) if c.full_only else p for p, c in places.items())],
                how="horizontal",
            )
            rows = rows.filter(pl.any_horizontal(pl.col(p).is_not_null() for p in places))
            if family.name == "icmp":
                rows = rows.filter(pl.col(next(iter(places))).is_not_null())
            if rows.height:
                self._store(
                    family.name,
                    rows.select(*BASE, *(converted(c, p, SEPARATOR).alias(c.name) for p, c in places.items())),
                )

    def odd_frames(self) -> pl.Series:
        """Frames of the packets that need the full layout."""
        return pl.concat(self._odd_frames) if self._odd_frames else pl.Series("frame", [], dtype=pl.UInt32)

    def leave_out(self, frames: pl.Series) -> None:
        """Drop what was read of these frames: another builder has them."""
        keep = ~pl.col("frame").is_in(frames.implode())
        for kept in (self._packets, *self._families.values()):
            kept[:] = [rows.filter(keep) for rows in kept]

    def forget(self) -> None:
        """Drop what was read: everything will be read again in the full layout."""
        for kept in (self._packets, self._layers, self._families, self._quoted):
            kept.clear()

    def _numbered(self, raw: pl.DataFrame) -> pl.DataFrame:
        raw = raw.with_columns(
            pl.col("frame").str.strip_chars().cast(pl.UInt32, strict=False),
            pl.col("time").str.strip_chars().cast(pl.Float64, strict=False).fill_null(0.0).round(6),
            pl.col("length").str.strip_chars().cast(pl.UInt32, strict=False).fill_null(0),
            pl.col("protocol").str.strip_chars(),
        )
        if self.frame_map is None:
            return raw
        mapping = pl.Series("frame", self.frame_map, dtype=pl.UInt32)
        return raw.with_columns(mapping.gather(raw["frame"] - 1).alias("frame"))

    def _store(self, name: str, rows: pl.DataFrame) -> None:
        schema = EXPERT_SCHEMA if name == "expert" else FAMILY_SCHEMA[name]
        absent = [
            pl.lit(None, dtype=dtype).alias(column) for column, dtype in schema.items() if column not in rows.columns
        ]
        self._families.setdefault(name, []).append(rows.with_columns(absent).select(*schema))

    def _add_expert(self, raw: pl.DataFrame, pack: pl.Expr) -> None:
        rows = raw.filter(pack.is_not_null())
        if not rows.height:
            return
        # Few different packs stand in many packets: each is taken apart once.
        keyed = rows.select(*BASE, pack.alias("pack"))
        apart = items(keyed.select(pl.col("pack").unique(maintain_order=True)))
        self._store(
            "expert", keyed.join(apart, on="pack", how="inner", maintain_order="left_right").select(*EXPERT_SCHEMA)
        )

    def _add_group(self, rows: pl.DataFrame, group: col.Group) -> None:
        singles = sum(1 for _, many in col.slots() if not many)
        owned: dict[str, list[tuple[str, col.Column]]] = {}
        next_single, next_many = 0, singles
        for family, column in col.group_columns(group):
            place = next_many if column.many else next_single
            next_many, next_single = next_many + column.many, next_single + (not column.many)
            owned.setdefault(family, []).append((f"slot{place}", column))
        for family, every in owned.items():
            pairs = [(slot, column) for slot, column in every if slot in rows.columns]
            made = rows.filter(
                pl.any_horizontal([pl.lit(value=False), *(pl.col(slot).is_not_null() for slot, _ in pairs)])
            )
            if made.height:
                self._store(family, made.select(*BASE, *(converted(c, slot, ",").alias(c.name) for slot, c in pairs)))

    def _resolve(self, rows: pl.DataFrame, shape: Chain) -> pl.DataFrame:
        """Innermost values of packets in the full layout; every layer of tunnelled ones goes to the layers table."""
        split = rows.with_columns(pl.col(c.name).str.split(SEPARATOR) for c in col.LAYERED if c.many)

        def value(column: str, index: int) -> pl.Expr:
            if index < 0:
                return pl.lit(None, dtype=pl.String).alias(column)
            return pl.col(column).list.get(index, null_on_oob=True).alias(column)

        if shape.quoting and shape.quoted_streams:
            # tshark gives a stream number to a connection that it knows only from an ICMP error's quotation.
            self._quoted += [
                split.select(
                    "frame",
                    pl.lit(kind).alias("layer"),
                    value("stream", place).cast(pl.UInt32, strict=False).alias("stream"),
                )
                for kind, place in shape.quoted_streams
            ]
        if shape.tunnelled:
            self._add_layers(split, shape, value)
        carrier = shape.networks[-1] if shape.networks else None
        network = carrier.index if carrier and carrier.kind != "arp" else -1
        last = shape.flows[-1] if shape.flows and shape.transport == shape.flows[-1].kind else None
        link = shape.links[-1].index if shape.links else -1
        ports = last.index if last else -1
        tcp = sum(f.kind == "tcp" for f in shape.flows) - 1 if last and last.kind == "tcp" else -1
        udp = sum(f.kind == "udp" for f in shape.flows) - 1 if last and last.kind == "udp" else -1
        resolved = split.with_columns(
            pl.lit(shape.transport, dtype=pl.String).alias("transport"),
            value("eth_src", link),
            value("eth_dst", link),
            value("src", network),
            value("dst", network),
            value("src_port", ports),
            value("dst_port", ports),
            value("stream", last.stream_index if last else -1),
            value("ttl", shape.ttl_index),
            value("ip_length", shape.ttl_index),
            value("ip_id", shape.ip_id_index),
            value("ip_flags", shape.ip_id_index),
            # Not every IPv6 header is followed by a fragment header: only where there is no other can it be placed.
            value("fragment_offset", shape.ttl_index if shape.ip_id_index >= 0 else 0 if shape.simple else -1),
            value("more_fragments", 0 if shape.ip_id_index < 0 else -1),
            *(value(name, tcp) for name in TCP_HEADER[:4]),
            (value("tcp_payload", tcp) if tcp >= 0 else value("udp_length", udp)).alias("payload"),
        )
        for wanted, header in ((tcp >= 0, TCP_HEADER), (shape.ip_id_index >= 0, IP_HEADER)):
            if wanted:
                # A damaged header lacks some of these: then none is taken, as in the fast layout.
                whole = pl.all_horizontal(pl.col(name).is_not_null() for name in header)
                resolved = resolved.with_columns(pl.when(whole).then(name).alias(name) for name in header)
        return shaped(resolved)

    def _add_layers(self, split: pl.DataFrame, shape: Chain, value: _Pick) -> None:
        none = [pl.lit(None, dtype=t).alias(n) for n, t in list(LAYER_SCHEMA.items())[6:]]
        for layer in (*shape.links[:MOST_LAYERS], *shape.networks[:MOST_LAYERS]):
            link = layer in shape.links
            self._layers.append(
                split.select(
                    "frame", "time", "length",
                    pl.lit("eth" if link else layer.kind).alias("layer"),
                    value("eth_src" if link else "src", layer.index).alias("src"),
                    value("eth_dst" if link else "dst", layer.index).alias("dst"),
                    *none,
                )
            )  # fmt: skip
        for flow in shape.flows[:MOST_LAYERS]:
            carrier = flow.network.index if flow.network else -1
            self._layers.append(
                split.select(
                    "frame", "time", "length",
                    pl.lit(flow.kind).alias("layer"),
                    value("src", carrier),
                    value("dst", carrier),
                    value("src_port", flow.index).cast(pl.UInt16, strict=False),
                    value("dst_port", flow.index).cast(pl.UInt16, strict=False),
                    value("stream", flow.stream_index).cast(pl.UInt32, strict=False),
                )
            )  # fmt: skip

    def take(self, other: Builder, numbers: pl.DataFrame) -> None:
        """Add what another builder read, with streams renumbered: `numbers` has columns layer, stream, number."""

        def renumbered(rows: pl.DataFrame, kind: str) -> pl.DataFrame:
            if rows.is_empty():
                return rows
            made = rows.join(
                numbers, left_on=[kind, "stream"], right_on=["layer", "stream"], how="left", maintain_order="left"
            )
            return made.with_columns(pl.coalesce("number", "stream").alias("stream")).select(rows.columns)

        self._packets += [renumbered(rows, "transport") for rows in other._packets]
        self._layers += [renumbered(rows, "layer") for rows in other._layers]
        self._quoted += [renumbered(rows, "layer") for rows in other._quoted]
        for name, pieces in other._families.items():
            kept = self._families.setdefault(name, [])
            for rows in pieces:
                made = renumbered(rows, "transport")
                if name == "expert" and other.frame_map is not None:
                    made = renamed_frames(made, other.frame_map)
                column = FRAME_REFERENCES.get(name)
                if column is not None and other.frame_map is not None:
                    mapping = pl.Series("frame", other.frame_map, dtype=pl.Int64)
                    made = made.with_columns(mapping.gather(made[column].cast(pl.Int64) - 1).alias(column))
                kept.append(made)
        for text, count in other.odd.items():
            self.odd[text] = self.odd.get(text, 0) + count

    def quoted(self) -> pl.DataFrame:
        """Streams that ICMP errors quote: columns frame, layer, stream."""
        schema = {"frame": pl.UInt32(), "layer": pl.String(), "stream": pl.UInt32()}
        return pl.concat(self._quoted) if self._quoted else pl.DataFrame(schema=schema)

    def packets(self) -> pl.DataFrame:
        """All packets in frame order."""
        if len(self._packets) != 1 or not self._packets[0]["frame"].is_sorted():
            made = pl.concat(self._packets) if self._packets else pl.DataFrame(schema=PACKET_SCHEMA)
            self._packets = [made.sort("frame")]
        return self._packets[0]

    def layers(self) -> pl.DataFrame:
        """All layers of packets with more than one of a kind."""
        # Chains of protocols come in no order; rows are put in that of the packets.
        made = pl.concat(self._layers) if self._layers else pl.DataFrame(schema=LAYER_SCHEMA)
        return made.sort("frame", maintain_order=True)

    def family(self, name: str) -> pl.DataFrame:
        """One sparse table, in frame order; `expert` too."""
        schema = EXPERT_SCHEMA if name == "expert" else FAMILY_SCHEMA[name]
        pieces = self._families.get(name)
        return pl.concat(pieces).sort("frame", maintain_order=True) if pieces else pl.DataFrame(schema=schema)


IP_HEADER = ("ttl", "ip_id", "ip_flags", "fragment_offset", "ip_length")
TCP_HEADER = ("flags", "seq", "ack", "window", "payload")


class _Pick(Protocol):
    def __call__(self, column: str, index: int) -> pl.Expr: ...


def _read(block: bytes, names: list[str]) -> pl.DataFrame:
    try:
        return pl.read_csv(
            block,
            has_header=False,
            separator="\t",
            quote_char=None,
            comment_prefix=None,
            infer_schema=False,
            new_columns=names,
            encoding="utf8-lossy",
            truncate_ragged_lines=False,
        )
    except pl.exceptions.PolarsError as error:
        # As many tabs as rows need, but in other rows: no tshark writes that, whatever the packets hold.
        raise Forged("rows of different widths") from error
