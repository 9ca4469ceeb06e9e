"""Alerts -> hits: each alert's packets by its addresses, ports and time; and what may be wrong where none fit.

An alert belongs to a conversation between the same addresses and ports, in either direction, that was going on at its
time. Sensors write an alert when they are sure, which may be seconds after the packet; SLACK_SECONDS allows for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from tshark_report.focus.conversations import Conversations
from tshark_report.focus.lookup import Hit
from tshark_report.focus.read_alerts import Alert
from tshark_report.rules import filters
from tshark_report.story.words import count, duration, iso_time, listed, verb
from tshark_report.tables.tables import Tables

SLACK_SECONDS = 65.0
"""How long before a conversation's first or after its last packet an alert may lie: Suricata ends an idle TCP flow
after 60 s by default in its emergency mode and raises what it still holds then; a few seconds are for clocks."""
SAME_INSTANT_SECONDS = 0.000_002
STREAMS_IN_FILTER = 20
WHOLE_HOURS_SECONDS = 90.0
"""A shift of the clock that is this near to whole half hours looks like a time zone."""

_SCHEMA: dict[str, pl.DataType] = {
    "alert": pl.UInt32(),
    "time": pl.Float64(),
    "src": pl.String(),
    "dst": pl.String(),
    "src_port": pl.UInt16(),
    "dst_port": pl.UInt16(),
    "transport": pl.String(),
    "signature": pl.String(),
    "source": pl.String(),
}


@dataclass(frozen=True)
class Matched:
    """What became of the alerts."""

    hits: list[Hit]
    matched: int
    """Alerts that fit packets by addresses, ports and time."""
    total: int
    unmatched: list[Alert] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def match(alerts: Sequence[Alert], tables: Tables, conversations: Conversations) -> Matched:
    """The alerts' packets; alerts with the same words between the same two hosts are one hit."""
    if not alerts:
        return Matched([], 0, 0)
    frame = pl.DataFrame(
        [
            (n, a.time, a.src, a.dst, a.src_port, a.dst_port, a.transport, a.signature, a.source)
            for n, a in enumerate(alerts)
        ],
        schema=_SCHEMA,
        orient="row",
    )
    candidates = _candidates(frame, conversations)
    away = pl.max_horizontal(pl.col("start") - pl.col("time"), pl.col("time") - pl.col("end"), pl.lit(0.0))
    candidates = candidates.with_columns(away.alias("away"))
    near = candidates.filter(pl.col("away") <= SLACK_SECONDS)
    notes: list[str] = []
    rest = frame.join(near.select("alert").unique(), on="alert", how="anti")
    shifted = candidates.join(rest.select("alert"), on="alert", how="semi")
    if shifted.height:
        notes.append(_shift(shifted, near.height == 0))
        if near.is_empty():
            near = shifted
            rest = frame.join(near.select("alert").unique(), on="alert", how="anti")
    if rest.height:
        notes += _unfitting(rest, frame.height, tables)
    best = near.sort("alert", "away", "first_frame").group_by("alert", maintain_order=True).first()
    hits = _hits(best, conversations)
    without = [alerts[n] for n in rest["alert"].to_list()]
    return Matched(hits, best.height, frame.height, without, notes)


def _candidates(alerts: pl.DataFrame, conversations: Conversations) -> pl.DataFrame:
    """Every conversation between an alert's addresses and ports, as far as the alert names them, either way round."""
    rows = conversations.rows
    made = []
    for here, there in (("client", "server"), ("server", "client")):
        names = {here: "src", there: "dst", f"{here}_port": "src_port", f"{there}_port": "dst_port"}
        turned = rows.select(
            pl.col("conversation"),
            pl.col("transport").alias("carried"),
            "start",
            "end",
            "first_frame",
            pl.col("client"),
            pl.col("server"),
            *(pl.col(old).alias(new) for old, new in names.items()),
        )
        with_ports = alerts.filter(
            pl.col("transport").is_in(["tcp", "udp", ""])
            & pl.col("src_port").is_not_null()
            & pl.col("dst_port").is_not_null()
        )
        made.append(with_ports.join(turned, on=["src", "dst", "src_port", "dst_port"], how="inner"))
        portless = alerts.join(with_ports.select("alert"), on="alert", how="anti").filter(
            (pl.col("src") != "") & (pl.col("dst") != "")
        )
        by_pair = portless.join(turned.drop("src_port"), on=["src", "dst"], how="inner", suffix="_seen")
        # A notice names the server's port without the client's; ICMP has none.
        fits = (
            pl.col("dst_port").is_null() | (pl.col("dst_port") == 0) | (pl.col("dst_port") == pl.col("dst_port_seen"))
        )
        made.append(by_pair.filter(fits).drop("dst_port_seen"))
        lone = alerts.filter((pl.col("src") != "") & (pl.col("dst") == ""))
        made.append(lone.join(turned.drop("src_port", "dst_port", "dst"), on="src", how="inner"))
    columns = [
        "alert",
        "time",
        "signature",
        "source",
        "conversation",
        "start",
        "end",
        "first_frame",
        "carried",
        "client",
        "server",
    ]
    every = pl.concat([each.select(columns) for each in made])
    same = every.join(alerts.select("alert", "transport"), on="alert")
    fits = (pl.col("transport") == "") | (pl.col("transport") == pl.col("carried")) | pl.col("carried").is_null()
    return same.filter(fits).unique(["alert", "conversation"], maintain_order=True)


def _shift(shifted: pl.DataFrame, all_of_them: bool) -> str:
    """Words on alerts whose addresses and ports fit, but whose times do not."""
    behind = pl.when(pl.col("time") > pl.col("end")).then(pl.col("time") - pl.col("end"))
    best = (
        shifted.with_columns(behind.otherwise(pl.col("time") - pl.col("start")).alias("shift"))
        .sort("alert", "away")
        .group_by("alert", maintain_order=True)
        .first()
    )
    middle = float(best["shift"].median() or 0.0)  # type: ignore[arg-type]
    fit, lie = verb(best.height, "fits", "fit"), verb(best.height, "lies", "lie")
    words = f"{count(best.height, 'alert')} {fit} conversations by addresses and ports, but {lie} {_away(middle)} them"
    zone = _zone(middle)
    tail = f"; {zone}" if zone else "; are the clocks of the sensor and of the capture apart, or is it another day?"
    used = " They are shown by addresses and ports alone." if all_of_them else " They are not shown as matches."
    return f"{words}{tail}.{used}".replace("?.", "?")


def _away(seconds: float) -> str:
    return f"{duration(abs(seconds))} {'after' if seconds > 0 else 'before'}"


def _zone(seconds: float) -> str:
    halves = round(seconds / 1800)
    if halves and abs(halves) <= 28 and abs(seconds - halves * 1800) <= WHOLE_HOURS_SECONDS:
        return f"a shift of nearly {halves / 2:+g} hours looks like a time zone that one of the two does not write"
    return ""


def _unfitting(rest: pl.DataFrame, total: int, tables: Tables) -> list[str]:
    """Words on alerts that fit no packet."""
    notes = []
    first, last = tables.first_time, tables.last_time
    outside = rest.filter((pl.col("time") < first - SLACK_SECONDS) | (pl.col("time") > last + SLACK_SECONDS))
    if outside.height:
        before = outside.filter(pl.col("time") < first)
        parts = []
        if before.height:
            away = first - float(before["time"].max())  # type: ignore[arg-type]
            parts.append(f"{before.height:,} before the capture begins, the nearest by {duration(away)}")
        after = outside.filter(pl.col("time") > last)
        if after.height:
            away = float(after["time"].min()) - last  # type: ignore[arg-type]
            parts.append(f"{after.height:,} after it ends, the nearest by {duration(away)}")
        span = f"{iso_time(first)} to {iso_time(last)}"
        notes.append(
            f"{count(outside.height, 'alert')} of {total:,} {verb(outside.height, 'lies', 'lie')} outside the time of "
            f"the capture ({span}): {' and '.join(parts)}. Another day, or a clock or time zone that differs?"
        )
    inside = rest.height - outside.height
    if inside:
        packets = tables.packets
        seen = frozenset(pl.concat([packets["src"], packets["dst"]]).drop_nulls().unique().to_list())
        ends = rest.filter((pl.col("time") >= first - SLACK_SECONDS) & (pl.col("time") <= last + SLACK_SECONDS))
        unknown = sorted({a for pair in ends.select("src", "dst").iter_rows() for a in pair if a and a not in seen})
        lies = verb(inside, "lies in the time of the capture and fits", "lie in the time of the capture and fit")
        words = f"{count(inside, 'alert')} of {total:,} {lies} no packet"
        if unknown:
            words += f"; addresses that are not in the capture: {listed(unknown, 4)}"
        notes.append(
            f"{words}. Taken at another place (address translation, a proxy), or left out by a capture filter?"
        )
    return notes


def _hits(best: pl.DataFrame, conversations: Conversations) -> list[Hit]:
    nearest = _nearest(best, conversations)
    rows = best.join(nearest, on="alert", how="left").with_columns(
        pl.min_horizontal("client", "server").alias("low"), pl.max_horizontal("client", "server").alias("high")
    )
    made = []
    for (signature, _, _), group in rows.group_by(["signature", "low", "high"], maintain_order=True):
        numbers = group["conversation"].unique().sort()
        chosen = conversations.chosen(numbers)
        frames = group["frame"].drop_nulls().unique().sort()
        sources = group["source"].to_list()
        more = f" and {len(sources) - 1:,} more" if len(sources) > 1 else ""
        exact = group.filter(pl.col("off") <= SAME_INSTANT_SECONDS).height
        remark = (
            ""
            if exact == group.height
            else f"the packet nearest in time; {exact:,} of {group.height:,} at the very instant"
        )
        made.append(
            Hit(
                "alert",
                str(signature),
                sources[0] + more,
                "",
                frames,
                ("packets",),
                _filter(chosen),
                frozenset(),
                numbers,
                remark,
                group.height,
            )
        )
    return made


def _nearest(best: pl.DataFrame, conversations: Conversations) -> pl.DataFrame:
    """alert, frame, off: the packet of the alert's conversation that is nearest to its time, and how far away it is."""
    packets = conversations.packets.select("conversation", "frame", pl.col("time").alias("at")).sort("at")
    return (
        best.select("alert", "conversation", "time")
        .sort("time")
        .join_asof(
            packets.with_columns(pl.col("at").alias("when")),
            left_on="time",
            right_on="when",
            by="conversation",
            strategy="nearest",
            check_sortedness=False,
        )
        .select("alert", "frame", (pl.col("time") - pl.col("at")).abs().alias("off"))
    )


def _filter(chosen: pl.DataFrame) -> str:
    streams = chosen.filter(pl.col("stream").is_not_null())
    if streams.height and streams.height <= STREAMS_IN_FILTER and streams.height == chosen.height:
        return filters.any_of(
            *(filters.equals(f"{row['transport']}.stream", int(row["stream"])) for row in streams.iter_rows(named=True))
        )
    row = chosen.row(0, named=True)
    return filters.between(str(row["client"]), str(row["server"]))
