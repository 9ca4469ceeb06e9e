"""DNS messages with their two ends, and questions with their answers, computed from the dns table."""

from __future__ import annotations

import polars as pl

TRANSACTION = ("client", "client_port", "server", "id", "qname", "type")
"""What a question and its answer have in common."""


def messages(dns: pl.DataFrame) -> pl.DataFrame:
    """DNS messages (no mDNS, no LLMNR, none that an ICMP error only quotes) with their two ends.

    Adds `client`, `client_port`, `server`, `server_port` (who asked, who was asked) and `qname` (lower case).
    """
    answer = pl.col("response")
    return dns.filter(
        (pl.col("protocol") == "DNS")
        & pl.col("src").is_not_null()
        & pl.col("dst").is_not_null()
        & pl.col("src_port").is_not_null()
        & pl.col("response").is_not_null()
    ).with_columns(
        pl.when(answer).then("dst").otherwise("src").alias("client"),
        pl.when(answer).then("dst_port").otherwise("src_port").alias("client_port"),
        pl.when(answer).then("src").otherwise("dst").alias("server"),
        pl.when(answer).then("src_port").otherwise("dst_port").alias("server_port"),
        pl.col("name").str.to_lowercase().str.strip_chars_end(".").alias("qname"),
    )


def questions(found: pl.DataFrame) -> pl.DataFrame:
    """One row a question of `messages()` (repeats with the same port and id are one), with its answer.

    Columns: TRANSACTION, `time`, `frame`, `frames`, `repeats` (how often it was sent), `last_time`, `answers`,
    `answer_frame`, `answer_time`, `answer_seconds` (as tshark says), `rcode`, `waited` (seconds from the first sending
    to the first answer).
    """
    named = found.filter(pl.col("qname").is_not_null())
    asked = (
        named.filter(~pl.col("response"))
        .group_by(*TRANSACTION, maintain_order=True)
        .agg(
            pl.col("time").min(),
            pl.col("time").max().alias("last_time"),
            pl.col("frame").first(),
            pl.col("frame").alias("frames"),
            pl.len().alias("repeats"),
        )
    )
    answered = (
        named.filter(pl.col("response"))
        .group_by(*TRANSACTION, maintain_order=True)
        .agg(
            pl.col("time").min().alias("answer_time"),
            pl.col("frame").first().alias("answer_frame"),
            pl.col("rcode").first(),
            pl.col("answer_seconds").first(),
            pl.len().alias("answers"),
        )
    )
    return asked.join(answered, on=TRANSACTION, how="left", nulls_equal=True, maintain_order="left").with_columns(
        pl.col("answers").fill_null(0), (pl.col("answer_time") - pl.col("time")).alias("waited")
    )
