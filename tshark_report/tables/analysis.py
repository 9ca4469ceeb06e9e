"""tshark's TCP analysis as a table: which packets it calls retransmissions, duplicate ACKs, zero windows."""

from __future__ import annotations

import polars as pl

from tshark_report.tables.schema import BASE_SCHEMA

KINDS: tuple[tuple[str, str, str], ...] = (
    ("fast-retransmission", "(suspected) fast retransmission", "tcp.analysis.fast_retransmission"),
    ("spurious-retransmission", "(suspected) spurious retransmission", "tcp.analysis.spurious_retransmission"),
    ("retransmission", "(suspected) retransmission", "tcp.analysis.retransmission"),
    ("out-of-order", "out-of-order segment", "tcp.analysis.out_of_order"),
    ("lost-segment", "Previous segment(s) not captured", "tcp.analysis.lost_segment"),
    ("acked-unseen", "ACKed segment that wasn't captured", "tcp.analysis.ack_lost_segment"),
    ("duplicate-ack", "Duplicate ACK", "tcp.analysis.duplicate_ack"),
    ("zero-window-probe-ack", "TCP Zero Window Probe ACK", "tcp.analysis.zero_window_probe_ack"),
    ("zero-window-probe", "TCP Zero Window Probe", "tcp.analysis.zero_window_probe"),
    ("zero-window", "TCP Zero Window segment", "tcp.analysis.zero_window"),
    ("window-full", "window specified by the receiver is now completely full", "tcp.analysis.window_full"),
    ("window-update", "TCP window update", "tcp.analysis.window_update"),
    ("keep-alive-ack", "ACK to a TCP keep-alive segment", "tcp.analysis.keep_alive_ack"),
    ("keep-alive", "TCP keep-alive segment", "tcp.analysis.keep_alive"),
    ("reused-ports", "same ports", "tcp.analysis.reused_ports"),
)
"""Kind, the text in tshark's expert message (packet-tcp.c, the same in 4.0, 4.4 and 4.6), and its display filter.
The first text that occurs decides, so the more special stand first."""

ANALYSIS_SCHEMA: dict[str, pl.DataType] = BASE_SCHEMA | {"kind": pl.String()}

RETRANSMISSIONS = ("retransmission", "fast-retransmission", "spurious-retransmission")

FILTERS: dict[str, str] = {kind: display_filter for kind, _, display_filter in KINDS}


def tcp_analysis(expert: pl.DataFrame) -> pl.DataFrame:
    """One row for each analysis flag of each packet; columns as in ANALYSIS_SCHEMA."""
    messages = expert["message"].unique().to_list() if expert.height else []
    kinds: dict[str, str] = {}
    for message in messages:
        kind = next((kind for kind, text, _ in KINDS if message is not None and text in message), None)
        if kind is not None and message is not None:
            kinds[message] = kind
    if not kinds:
        return pl.DataFrame(schema=ANALYSIS_SCHEMA)
    return (
        expert.with_columns(
            pl.col("message")
            .replace_strict(list(kinds), list(kinds.values()), default=None, return_dtype=pl.String)
            .alias("kind")
        )
        .filter(pl.col("kind").is_not_null())
        # Wireshark marks a fast or spurious retransmission as a retransmission too; each packet counts once.
        .select(*ANALYSIS_SCHEMA)
        .unique(subset=["frame", "kind"], keep="first", maintain_order=True)
    )
