"""Which MAC address claimed which IP address by ARP, and whether it had been asked."""

from __future__ import annotations

import re

import polars as pl

from tshark_report.tables.tables import Tables

ASKED_WITHIN = 5.0
"""Seconds within which a reply belongs to a request."""

VIRTUAL = re.compile(r"(?i)^(00:00:5e:00:0[12]:|00:00:0c:07:ac:|00:00:0c:9f:f|00:07:b4:|00:05:73:a0:)")
"""MAC addresses that redundancy protocols share by design: VRRP and CARP (RFC 5798), HSRP 1, 2 and for IPv6, GLBP."""

REDUNDANCY = ("VRRP", "HSRP", "HSRPv2", "GLBP", "CARP")

NO_ADDRESS = "0.0.0.0"  # noqa: S104 - what ARP probes carry as their sender (RFC 5227)

NO_MAC = ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff")


def claims(tables: Tables) -> pl.DataFrame:
    """ARP packets that say `sender is at src_mac`; `directed`: a reply to one host that had not asked for it."""
    arp = tables.arp.filter(
        pl.col("sender").is_not_null()
        & (pl.col("sender") != NO_ADDRESS)
        & pl.col("src_mac").is_not_null()
        & ~pl.col("src_mac").is_in(NO_MAC)
    )
    asked = (
        arp.filter((pl.col("opcode") == 1) & (pl.col("sender") != pl.col("target")))
        .select(
            "time", pl.col("target").alias("sender"), pl.col("sender").alias("target"), pl.col("time").alias("asked")
        )
        .sort("time")
    )
    joined = arp.sort("time").join_asof(
        asked, on="time", by=["sender", "target"], strategy="backward", check_sortedness=False
    )
    unasked = pl.col("asked").is_null() | (pl.col("time") - pl.col("asked") > ASKED_WITHIN)
    gratuitous = (pl.col("sender") == pl.col("target")) | (pl.col("target") == NO_ADDRESS)
    return joined.with_columns(
        gratuitous.alias("gratuitous"),
        ((pl.col("opcode") == 2) & unasked & ~gratuitous).alias("directed"),
    ).sort("frame")


def alternations(times: list[tuple[float, str]]) -> int:
    """How often the claiming MAC changes along sorted (time, MAC) pairs."""
    return sum(a[1] != b[1] for a, b in zip(times, times[1:], strict=False))


def is_virtual(mac: str) -> bool:
    """True for a MAC address that belongs to a redundancy protocol."""
    return VIRTUAL.match(mac) is not None
