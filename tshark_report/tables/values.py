"""Texts from tshark -> typed values. What is no number becomes null, never an error: it may be hostile."""

from __future__ import annotations

import polars as pl

from tshark_report.tables import columns as col
from tshark_report.tables.schema import dtype_of

SEVERITIES = ("Comment", "Chat", "Note", "Warning", "Error")


SEVERITY_NUMBERS = {
    str(number << 20): name for number, name in ((1, "Comment"), (2, "Chat"), (4, "Note"), (6, "Warning"), (8, "Error"))
}


GROUP_NUMBERS = {
    str((place + 1) << 24): name
    for place, name in enumerate(
        ("Checksum", "Sequence", "Response", "Request", "Undecoded", "Reassemble", "Malformed", "Debug", "Protocol",
         "Security", "Comments", "Decryption", "Assumption", "Deprecated", "Receive", "Interface")
    )
}  # fmt: skip
"""`-T fields` prints expert severities and groups as numbers (epan/proto.h, PI_* constants, Wireshark 4.6)."""


MAC = r"^[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}"


def number(text: pl.Expr) -> pl.Expr:
    """Decimal or 0x-hexadecimal text as Int64, null where it is neither."""
    return (
        pl.when(text.str.starts_with("0x"))
        .then(text.str.slice(2).str.to_integer(base=16, strict=False))
        .otherwise(text.cast(pl.Int64, strict=False))
    )


def converted(column: col.Column, source: str, separator: str) -> pl.Expr:
    """A text column as what `column` says it is; lists are cut at `separator`."""
    return _parsed(column, pl.col(source), separator).cast(dtype_of(column), strict=False)


def _parsed(column: col.Column, text: pl.Expr, separator: str) -> pl.Expr:
    match column.dtype:
        case "text":
            return text
        case "int":
            return text.cast(pl.Int64, strict=False)
        case "hex":
            return number(text)
        case "float":
            return text.cast(pl.Float64, strict=False)
        case "bool":
            return pl.when(text.is_not_null()).then(text.is_in(["1", "True", "true"]))
        case "texts":
            return text.str.split(separator)
        case "ints":
            return text.str.split(separator).list.eval(pl.element().cast(pl.Int64, strict=False))
        case "hexes":
            return text.str.split(separator).list.eval(number(pl.element()))


def clean_expert(rows: pl.DataFrame) -> pl.DataFrame:
    """Expert items with names where tshark printed numbers; columns severity, group and message are replaced."""
    return rows.with_columns(
        pl.col("severity").str.strip_chars('"').replace(SEVERITY_NUMBERS),
        pl.col("group").str.strip_chars('"').replace(GROUP_NUMBERS),
        pl.col("message").str.strip_chars(),
    )


def shaped(raw: pl.DataFrame) -> pl.DataFrame:
    """Packets as texts -> columns as in PACKET_SCHEMA."""
    payload = pl.col("payload").cast(pl.Int64, strict=False)
    # ip.flags are reserved, DF and MF (RFC 791): three bits in tshark 4.0, the high bits of a byte in others.
    flags = number(pl.col("ip_flags"))
    flags = pl.when(flags < 8).then(flags).otherwise(flags // 32)

    def whole(name: str, dtype: pl.DataType) -> pl.Expr:
        return pl.col(name).cast(dtype, strict=False)

    return raw.select(
        "frame",
        "time",
        "length",
        "protocol",
        "protocols",
        *(pl.col(n).cast(pl.String).str.strip_chars().str.extract(MAC, 0).alias(n) for n in ("eth_src", "eth_dst")),
        *(pl.col(n).cast(pl.String) for n in ("src", "dst")),
        whole("src_port", pl.UInt16()),
        whole("dst_port", pl.UInt16()),
        whole("stream", pl.UInt32()),
        "transport",
        whole("ttl", pl.UInt8()),
        number(pl.col("ip_id")).cast(pl.UInt16, strict=False).alias("ip_id"),
        flags.cast(pl.UInt8, strict=False).alias("ip_flags"),
        whole("fragment_offset", pl.UInt32()),
        pl.when(flags.is_not_null())
        .then((flags & 0x1) != 0)
        .when(pl.col("more_fragments").is_not_null())
        .then(pl.col("more_fragments").is_in(["1", "True"]))
        .alias("more_fragments"),
        whole("ip_length", pl.UInt32()),
        number(pl.col("flags")).cast(pl.UInt16, strict=False).alias("flags"),
        whole("seq", pl.UInt32()),
        whole("ack", pl.UInt32()),
        pl.when(pl.col("transport") == "udp")
        .then(payload - 8)
        .otherwise(payload)
        .cast(pl.UInt32, strict=False)
        .alias("payload"),
        whole("window", pl.UInt32()),
    )
