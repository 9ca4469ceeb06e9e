"""Openings of ICMP echo packets: what follows the ICMP header, without padding, at most twelve each way."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tests.rules.names import wire
from tshark_report.capture.payload import ECHO_PACKETS

A, B = "10.0.0.5", "203.0.113.9"


def test_bytes_order_and_limit(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = []
    for n in range(ECHO_PACKETS + 3):
        frames.append((n * 1.0, wire.echo(A, B, 8, 7, n, f"request {n}".encode())))
        frames.append((n + 0.1, wire.echo(B, A, 0, 7, n, f"reply {n}".encode())))
    frames.append((90.0, wire.echo(A, "10.0.0.1", 8, 7, 1, b"")))
    frames.append((91.0, wire.quoted("10.0.0.1", A, frames[0][1])))
    made = loaded(wire.write(tmp_path / "echo.pcap", frames)).tables.openings
    assert set(made["transport"].to_list()) == {"icmp"}
    assert made.height == 2 * ECHO_PACKETS
    first = made.filter(pl.col("order") == 0)
    assert first.select("src", "payload", "data").rows() == [(A, 9, b"request 0"), (B, 7, b"reply 0")]
    assert made["stream"].null_count() == made.height
