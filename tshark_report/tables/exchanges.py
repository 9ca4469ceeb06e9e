"""What TCP streams did in time: questions and answers, what was sent again, what was recorded twice, round trips.

Computed from the packets table and tshark's analysis flags; nothing here starts a process. Sequence numbers are
made relative to the first one seen of their direction, so that a stream may begin in the middle and may wrap.
"""

from __future__ import annotations

import polars as pl

from tshark_report.tables.analysis import RETRANSMISSIONS
from tshark_report.tables.sessions import ACK, FIN, RST, SYN, upward

COPY_SECONDS = 0.2
"""A packet whose IP ID, sequence number, length and flags all repeat within this time was recorded twice (or doubled
on the way), not sent again: a sender that repeats a segment gives it a new IP ID, and waits at least 200 ms (Linux)
to 1 s (RFC 6298) unless duplicate ACKs tell it to hurry."""
COPY_WITHOUT_ID_SECONDS = 0.001
"""The same for packets without an IP ID (IPv6, or 0): no round trip to ask for a segment again is that short, and
only where the TTL went down too, or the copies stand COPY_INSTANT_SECONDS apart."""
COPY_INSTANT_SECONDS = 0.0001
TIMEOUT_SECONDS = 0.19
"""A segment sent again after so long was sent by the retransmission timer: 200 ms is the shortest in common use."""

MIXED_SHARE = 0.5
"""Share of a direction's packets behind the sequence that are older than those before them, from which all of them are
called reordered: the counter has 16 bits and half of its range looks the other way."""
COUNTING_SHARE = 0.8
"""Share of steps upwards from which the IP IDs of a direction count: random ones go up half of the time."""

EXCHANGE_SCHEMA: dict[str, pl.DataType] = {
    "stream": pl.UInt32(),
    "client": pl.String(),
    "client_port": pl.UInt16(),
    "server": pl.String(),
    "server_port": pl.UInt16(),
    "protocol": pl.String(),
    "place": pl.UInt32(),
    "request_first_frame": pl.UInt32(),
    "request_frame": pl.UInt32(),
    "request_time": pl.Float64(),
    "request_bytes": pl.UInt64(),
    "ack_frame": pl.UInt32(),
    "ack_seconds": pl.Float64(),
    "answer_frame": pl.UInt32(),
    "answer_time": pl.Float64(),
    "answer_end": pl.Float64(),
    "answer_bytes": pl.UInt64(),
    "wait": pl.Float64(),
    "after_ack": pl.Float64(),
    "rtt": pl.Float64(),
    "rtt_server": pl.Float64(),
    "think": pl.Float64(),
    "client_think": pl.Float64(),
    "disturbed": pl.Boolean(),
}
"""One row for each time that a client spoke and the server then answered.

`place` counts the exchanges of a stream from 0. `request_frame` is the last packet of the question, `answer_frame` the
first of the answer. `ack_seconds` is question to its acknowledgement, `wait` question to answer, `after_ack` from the
acknowledgement to the answer, `think` the wait without the round trip to the server: what the server itself took.
`client_think` is the time from the previous answer's end to this question. `disturbed` says that packets were lost,
sent again or held back by a full window in between, so that the wait is not the server's alone. Seconds throughout."""

RESENT_SCHEMA: dict[str, pl.DataType] = {
    "frame": pl.UInt32(),
    "time": pl.Float64(),
    "stream": pl.UInt32(),
    "client": pl.String(),
    "server": pl.String(),
    "server_port": pl.UInt16(),
    "up": pl.Boolean(),
    "src": pl.String(),
    "dst": pl.String(),
    "src_port": pl.UInt16(),
    "dst_port": pl.UInt16(),
    "payload": pl.UInt32(),
    "length": pl.UInt32(),
    "flags": pl.UInt16(),
    "start": pl.Int64(),
    "end": pl.Int64(),
    "kind": pl.String(),
    "seen": pl.Boolean(),
    "original_frame": pl.UInt32(),
    "after": pl.Float64(),
    "idle": pl.Float64(),
    "acked": pl.Boolean(),
    "copy": pl.Boolean(),
}
"""One row for each packet that tshark calls a retransmission. `kind`: syn, reordered, time-out, fast, spurious or
other; reordered ones were not sent again but overtaken, as their IP ID is older than that of the packet they follow
(Jaiswal et al., Measurement and Classification of Out-of-Sequence Packets, IEEE/ACM ToN 15, 2007). `seen`:
the capture holds the same bytes earlier (so they were lost behind the capture point, or their acknowledgement was);
`after`: seconds since that; `idle`: seconds since any packet of the stream; `acked`: the receiver acknowledged the
bytes at some time; `copy`: recorded twice, not sent again. `start` and `end` are relative sequence numbers."""

DELAY_SCHEMA: dict[str, pl.DataType] = {
    "stream": pl.UInt32(),
    "up": pl.Boolean(),
    "frame": pl.UInt32(),
    "time": pl.Float64(),
    "ack_frame": pl.UInt32(),
    "delay": pl.Float64(),
}
"""Data (`frame`) and the first packet that acknowledged it: `delay` is the round trip from the capture point to the
receiver and back, with the queue on the way. Data that was sent again is left out (Karn's rule)."""


def directed(packets: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """TCP packets with their stream's client and server, `up` (from the client), relative `start`, `end` and `acks`."""
    chosen = packets.lazy().filter(
        (pl.col("transport") == "tcp") & pl.col("stream").is_not_null() & pl.col("src").is_not_null()
    )
    tcp = chosen.select(
        "frame", "time", "length", "stream", "src", "dst", "src_port", "dst_port", "seq", "ack", "window", "ip_id",
        "ttl",
        pl.col("flags").fill_null(0),
        pl.col("payload").fill_null(0),
    ).collect()  # fmt: skip
    ends = sessions.select("stream", "client", "client_port", "server", "server_port", "protocol", "rtt", "rtt_server")
    up = upward(tcp, ends)
    acked = (pl.col("flags") & ACK) != 0
    bases = tcp.select("stream", "seq", "ack", acked.alias("acked"), up).group_by("stream").agg(
        pl.col("seq").filter("up").first().alias("up_base"),
        pl.col("seq").filter(~pl.col("up")).first().alias("down_base"),
        pl.col("ack").filter(pl.col("up") & pl.col("acked")).first().alias("up_ack"),
        pl.col("ack").filter(~pl.col("up") & pl.col("acked")).first().alias("down_ack"),
    )  # fmt: skip
    ends = ends.join(bases, on="stream", how="left")
    tcp = tcp.join(ends, on="stream", maintain_order="left").with_columns(up)
    own = pl.when("up").then("up_base").otherwise("down_base")
    other = pl.when("up").then(pl.coalesce("down_base", "up_ack")).otherwise(pl.coalesce("up_base", "down_ack"))

    def relative(number: pl.Expr, base: pl.Expr) -> pl.Expr:
        return (number.cast(pl.Int64) - base.cast(pl.Int64) + (1 << 31)) % (1 << 32) - (1 << 31)

    phantom = ((pl.col("flags") & SYN) != 0).cast(pl.Int64) + ((pl.col("flags") & FIN) != 0).cast(pl.Int64)
    start = relative(pl.col("seq"), own)
    return tcp.with_columns(
        start.alias("start"),
        (start + pl.col("payload").cast(pl.Int64) + phantom).alias("end"),
        pl.when((pl.col("flags") & (ACK | RST)) == ACK).then(relative(pl.col("ack"), other)).alias("acks"),
    ).drop("up_base", "down_base", "up_ack", "down_ack")


def copies(packets: pl.DataFrame, analysis: pl.DataFrame) -> pl.DataFrame:
    """Frames that repeat an earlier TCP packet to the letter: `frame`, `original_frame`, `seconds`, `routed`.

    `routed` says that the TTL went down between the two, as when a capture sees a packet before and after a router.
    """
    schema = {"frame": pl.UInt32(), "original_frame": pl.UInt32(), "seconds": pl.Float64(), "routed": pl.Boolean()}
    suspects = analysis.filter(
        pl.col("kind").is_in(
            [*RETRANSMISSIONS, "duplicate-ack", "out-of-order", "keep-alive", "keep-alive-ack", "zero-window-probe"]
        )
    ).select(pl.col("frame").unique())
    if suspects.is_empty():
        return pl.DataFrame(schema=schema)
    # One number for everything that must repeat: grouping by seven columns costs ten times as much.
    letter = pl.struct("stream", "src", "src_port", "seq", "payload", "flags", "ack").hash().alias("letter")
    tcp = packets.filter((pl.col("transport") == "tcp") & pl.col("stream").is_not_null())
    first = tcp.select("frame", "time", "ip_id", "ttl", letter)
    wanted = first.join(suspects, on="frame", how="semi")["letter"].unique()
    near = first.filter(pl.col("letter").is_in(wanted.implode())).sort("letter", "frame")
    same = pl.col("letter") == pl.col("letter").shift(1)
    near = near.with_columns(
        *(pl.when(same).then(pl.col(n).shift(1)).alias(f"{n}_before") for n in ("frame", "time", "ip_id", "ttl")),
    )
    gap = pl.col("time") - pl.col("time_before")
    known = (pl.col("ip_id").fill_null(0) != 0) & (pl.col("ip_id") == pl.col("ip_id_before"))
    absent = (pl.col("ip_id").fill_null(0) == 0) & (pl.col("ip_id_before").fill_null(0) == 0)
    routed = (pl.col("ttl") < pl.col("ttl_before")).fill_null(value=False)
    return (
        near.filter(
            pl.col("frame_before").is_not_null()
            & (
                (known & (gap <= COPY_SECONDS))
                | (absent & (gap <= COPY_WITHOUT_ID_SECONDS) & (routed | (gap <= COPY_INSTANT_SECONDS)))
            )
        )
        .select("frame", pl.col("frame_before").alias("original_frame"), gap.alias("seconds"), routed.alias("routed"))
        .sort("frame")
    )


def resent(streams: pl.DataFrame, analysis: pl.DataFrame, doubled: pl.DataFrame) -> pl.DataFrame:
    """Packets that tshark calls retransmissions; columns as in RESENT_SCHEMA. `streams` comes from `directed`."""
    flagged = analysis.filter(pl.col("kind").is_in(RETRANSMISSIONS))
    if flagged.is_empty():
        return pl.DataFrame(schema=RESENT_SCHEMA)
    kinds = flagged.group_by("frame").agg(
        (pl.col("kind") == "fast-retransmission").any().alias("fast"),
        (pl.col("kind") == "spurious-retransmission").any().alias("spurious"),
    )
    near = streams.join(
        kinds.join(streams.select("frame", "stream"), on="frame").select("stream").unique(), on="stream", how="semi"
    )
    before = _in_groups(near.select("stream", "frame", "time"), "stream").select(
        "frame",
        pl.when(pl.col("group") == pl.col("group").shift(1))
        .then(pl.col("time") - pl.col("time").shift(1))
        .alias("idle"),
    )
    ahead = _in_groups(near.select("stream", "up", "frame", "end", "ip_id"), "stream", "up").select(
        "frame", _sent_later().alias("ahead_id")
    )
    near = near.join(before, on="frame", how="left", maintain_order="left")
    near = near.join(ahead, on="frame", how="left", maintain_order="left")
    rows = near.join(kinds, on="frame", maintain_order="left")
    # The same bytes, sent earlier: the segment with the highest start at or below this one that reaches beyond it.
    earlier = near.join(kinds, on="frame", how="anti").filter(pl.col("end") > pl.col("start"))
    earlier = earlier.select("stream", "up", "start", pl.col("end").alias("o_end"), pl.col("frame").alias("o_frame"),
                             pl.col("time").alias("o_time")).sort("start")  # fmt: skip
    rows = rows.sort("start").join_asof(
        earlier, on="start", by=["stream", "up"], strategy="backward", check_sortedness=False
    )
    reached = near.group_by("stream", "up").agg(pl.col("acks").max().alias("reached")).with_columns(~pl.col("up"))
    rows = rows.join(reached, on=["stream", "up"], how="left")
    rows = rows.join(_counting(near), on=["stream", "up"], how="left").with_columns(
        pl.col("counts").fill_null(value=False)
    )
    seen = (pl.col("o_frame") < pl.col("frame")) & (pl.col("o_end") > pl.col("start"))
    syn = (pl.col("flags") & SYN) != 0
    after = pl.when(seen).then(pl.col("time") - pl.col("o_time"))
    rows = rows.with_columns(
        seen.fill_null(value=False).alias("seen"),
        pl.when(seen).then("o_frame").alias("original_frame"),
        after.alias("after"),
        (pl.col("reached") >= pl.col("end")).fill_null(value=False).alias("acked"),
        pl.when(syn).then(pl.lit("syn"))
        .when(~seen.fill_null(value=False) & pl.col("counts") & (_behind().mean().over("stream", "up") >= MIXED_SHARE))
        .then(pl.lit("reordered"))
        .when(~seen.fill_null(value=False) & pl.col("counts") & _behind()).then(pl.lit("reordered"))
        .when("spurious").then(pl.lit("spurious"))
        .when("fast").then(pl.lit("fast"))
        .when(pl.col("idle") >= TIMEOUT_SECONDS).then(pl.lit("time-out"))
        .otherwise(pl.lit("other")).alias("kind"),
        pl.col("frame").is_in(doubled["frame"].implode()).alias("copy"),
    )  # fmt: skip
    return rows.sort("frame").select(pl.col(name).cast(dtype) for name, dtype in RESENT_SCHEMA.items())


def _in_groups(rows: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Rows with `group`: those of one group stand together, in their old order, and groups are numbered from 0.

    What `over` works out for hundreds of thousands of small groups one by one, `_placed` then does in one go.
    """
    return rows.sort(keys, maintain_order=True).with_columns(pl.struct(keys).rle_id().cast(pl.Int64).alias("group"))


def _placed(number: str) -> pl.Expr:
    """A relative sequence number that is above all numbers of the groups before: these are less than 2^33 from 0."""
    return pl.col("group") * (1 << 34) + pl.col(number) + (1 << 33)


def _sent_later() -> pl.Expr:
    """IP ID of the packet that reached furthest in the sequence so far, in the same stream and direction.

    For rows that `_in_groups` put in order.
    """
    furthest = _placed("end").cum_max().shift(1)
    first = pl.col("group") != pl.col("group").shift(1, fill_value=-1)
    ahead = pl.when(pl.when(first).then(pl.col("end") > -1).otherwise(_placed("end") > furthest)).then("ip_id")
    group = pl.when(ahead.is_not_null()).then("group").forward_fill().shift(1)
    return pl.when(group == pl.col("group")).then(ahead.forward_fill().shift(1))


def _behind() -> pl.Expr:
    """Was the packet sent before the one that is ahead of it in the sequence? The sender's IP ID counter tells."""
    ahead = (pl.col("ahead_id").cast(pl.Int32) - pl.col("ip_id").cast(pl.Int32)) % 65536
    return ((pl.col("ip_id") != 0) & ahead.is_between(1, 32767)).fill_null(value=False)


def _counting(near: pl.DataFrame) -> pl.DataFrame:
    """Streams and directions whose IP IDs count up with the sequence numbers, which random ones do not."""
    data = near.filter((pl.col("payload") > 0) & (pl.col("ip_id").fill_null(0) != 0)).sort(
        "stream", "up", "start", "frame"
    )
    same = (pl.col("stream") == pl.col("stream").shift(1)) & pl.col("up").eq_missing(pl.col("up").shift(1))
    step = (pl.col("ip_id").cast(pl.Int32) - pl.col("ip_id").cast(pl.Int32).shift(1)) % 65536
    return (
        data.with_columns(pl.when(same).then(step).alias("step"))
        .group_by("stream", "up")
        .agg(((pl.col("step").drop_nulls() < 32768).mean() >= COUNTING_SHARE).fill_null(value=False).alias("counts"))
    )


def acknowledgements(streams: pl.DataFrame) -> pl.DataFrame:
    """For each stream and direction of data, the packets that moved the acknowledged point: `acks`, frame, time."""
    moving = streams.lazy().filter(pl.col("acks").is_not_null()).select(
        "stream", ~pl.col("up"), pl.col("frame").alias("ack_frame"), pl.col("time").alias("ack_time"), "acks",
    ).collect()  # fmt: skip
    moving = _in_groups(moving, "stream", "up")
    higher = (_placed("acks") > _placed("acks").cum_max().shift(1)).fill_null(value=True)
    return moving.filter(higher).drop("group").sort("acks")


def delays(streams: pl.DataFrame, analysis: pl.DataFrame, acknowledged: pl.DataFrame | None = None) -> pl.DataFrame:
    """Data and its acknowledgement; columns as in DELAY_SCHEMA. `acknowledged` as in `exchanges`."""
    again = analysis.filter(pl.col("kind").is_in([*RETRANSMISSIONS, "out-of-order"]))["frame"]
    chosen = streams.lazy().filter((pl.col("payload") > 0) & ~pl.col("frame").is_in(again.implode()))
    data = chosen.select("stream", "up", "frame", "time", "end").sort("end").collect()
    if data.is_empty():
        return pl.DataFrame(schema=DELAY_SCHEMA)
    found = data.join_asof(
        acknowledged if acknowledged is not None else acknowledgements(streams),
        left_on="end",
        right_on="acks",
        by=["stream", "up"],
        strategy="forward",
        check_sortedness=False,
    )
    found = found.filter(pl.col("ack_frame") > pl.col("frame"))
    found = found.with_columns((pl.col("ack_time") - pl.col("time")).alias("delay")).sort("frame")
    return found.select(pl.col(name).cast(dtype) for name, dtype in DELAY_SCHEMA.items())


def _is_new(side: pl.Expr) -> pl.Expr:
    """False for a packet of this side that reaches no further than those before it in its stream (its group)."""
    reached = pl.when(side).then(_placed("end"))
    return (reached > reached.cum_max().forward_fill().shift(1)).fill_null(value=True)


def exchanges(streams: pl.DataFrame, analysis: pl.DataFrame, acknowledged: pl.DataFrame | None = None) -> pl.DataFrame:
    """Questions of clients and the answers of servers; columns as in EXCHANGE_SCHEMA.

    `acknowledged` is what `acknowledgements` makes of `streams`, where it is at hand.
    """
    columns = ("stream", "up", "frame", "time", "end", "payload")
    data = streams.lazy().filter(pl.col("payload") > 0).select(columns).collect()
    if data.is_empty():
        return pl.DataFrame(schema=EXCHANGE_SCHEMA)
    data = _in_groups(data, "stream")
    # Only new bytes count: what was sent again neither asks nor answers.
    data = data.filter(_is_new(pl.col("up")) & _is_new(~pl.col("up")))
    turned = (pl.col("stream") != pl.col("stream").shift(1)) | (pl.col("up") != pl.col("up").shift(1))
    data = data.with_columns(turned.fill_null(value=True).cum_sum().alias("turn"))
    turns = data.group_by("turn", maintain_order=True).agg(
        pl.col("stream", "up").first(),
        pl.col("frame").first().alias("first_frame"),
        pl.col("frame").last().alias("last_frame"),
        pl.col("time").first().alias("first_time"),
        pl.col("time").last().alias("last_time"),
        pl.col("end").max(),
        pl.col("payload").cast(pl.UInt64).sum().alias("bytes"),
    )
    following = {
        "answer_frame": "first_frame", "answer_time": "first_time", "answer_end": "last_time", "answer_bytes": "bytes"
    }  # fmt: skip
    same_next = pl.col("stream") == pl.col("stream").shift(-1)
    same_before = pl.col("stream") == pl.col("stream").shift(1)
    turns = turns.with_columns(
        *(pl.when(same_next).then(pl.col(source).shift(-1)).alias(name) for name, source in following.items()),
        pl.when(same_before).then(pl.col("first_time") - pl.col("last_time").shift(1)).alias("client_think"),
    )
    asked = turns.filter(pl.col("up") & pl.col("answer_frame").is_not_null())
    if asked.is_empty():
        return pl.DataFrame(schema=EXCHANGE_SCHEMA)
    ends = ("client", "client_port", "server", "server_port", "protocol", "rtt", "rtt_server")
    asked = asked.join(streams.select(pl.col("frame").alias("first_frame"), *ends), on="first_frame", how="left")
    asked = asked.sort("end").join_asof(
        acknowledged if acknowledged is not None else acknowledgements(streams),
        left_on="end", right_on="acks", by=["stream", "up"], strategy="forward", check_sortedness=False,
    )  # fmt: skip
    trouble = (
        analysis.filter(
            pl.col("kind").is_in([*RETRANSMISSIONS, "lost-segment", "out-of-order", "zero-window", "window-full"])
        )
        .filter(pl.col("stream").is_not_null())
        .select("stream", pl.col("frame").alias("trouble"))
        .sort("trouble")
    )
    asked = asked.sort("answer_frame").join_asof(
        trouble, left_on="answer_frame", right_on="trouble", by="stream", strategy="backward", check_sortedness=False
    )
    wait = pl.col("answer_time") - pl.col("last_time")
    # An acknowledgement cannot come before its data; where the capture says so, it acknowledged something else.
    sane = pl.col("ack_frame") > pl.col("last_frame")
    made = asked.sort("first_frame").with_columns(
        pl.int_range(pl.len()).over("stream").alias("place"),
        pl.col("first_frame").alias("request_first_frame"),
        pl.col("last_frame").alias("request_frame"),
        pl.col("last_time").alias("request_time"),
        pl.col("bytes").alias("request_bytes"),
        pl.when(sane).then("ack_frame").alias("ack_frame"),
        pl.when(sane).then(pl.col("ack_time") - pl.col("last_time")).alias("ack_seconds"),
        wait.alias("wait"),
        pl.when(sane).then((pl.col("answer_time") - pl.col("ack_time")).clip(lower_bound=0)).alias("after_ack"),
        (wait - pl.col("rtt_server").fill_null(0.0)).clip(lower_bound=0).alias("think"),
        (pl.col("trouble") >= pl.col("first_frame")).fill_null(value=False).alias("disturbed"),
    )
    return made.select(pl.col(name).cast(dtype) for name, dtype in EXCHANGE_SCHEMA.items())
