"""What a capture lacks of TCP connections: packets of one side, and their beginning."""

from __future__ import annotations

import polars as pl

ONE_SIDED_SHARE = 0.2
"""Share of TCP connections with packets of one side only from which it is a property of the capture, so that a missing
answer may be the capture's own."""

SPOKEN = ~pl.col("unanswered") & ~((pl.col("syns") > 0) & (pl.col("server_packets") == 0))
"""A SYN without an answer says something about the other side, not about the capture."""
ONE_SIDED = SPOKEN & ((pl.col("client_packets") == 0) | (pl.col("server_packets") == 0))
"""Connections of which the capture holds one side only."""
NO_HANDSHAKE = (pl.col("packets") > 1) & (pl.col("syns") == 0) & (pl.col("syn_acks") == 0)
"""Connections that began before the capture; a single packet may be a stray one."""
