"""The first packet from which the same exchange goes another way, and the packets around it, side by side.

Packets are not compared one by one: how a stream is cut into segments and acknowledged differs from run to run. A
session is a row of turns - handshake, question, answer, close - and two sessions part at the first turn that is
missing, of another kind, much later, much longer, or in which something was sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from tshark_report.compare.differences import larger, slower
from tshark_report.compare.measures import LARGE_ANSWER
from tshark_report.compare.model import Area, Difference, LinedUp, Parting
from tshark_report.compare.pairs import Pair
from tshark_report.compare.side import Side
from tshark_report.report.model import LineUp
from tshark_report.story.words import count, size, took
from tshark_report.tables.lineup import line_up
from tshark_report.tables.sessions import ACK, FIN, RST, SYN

MOST_SESSIONS = 40
"""Sessions of one exchange that are walked."""
MOST_TURNS = 400
AROUND = 7
"""Packets shown before and after the parting."""

TurnKind = Literal["SYN", "SYN/ACK", "question", "answer", "FIN", "reset"]


WAITED = ("SYN/ACK", "question", "answer")
"""Turns whose delay tells something; when a program closes an idle connection is its own choice."""


@dataclass
class Turn:
    """One step of a session: `wait` seconds after the step before it, `again` packets of it were sent again."""

    kind: TurnKind
    frame: int
    time: float
    bytes: int = 0
    wait: float = 0.0
    end: float = 0.0
    again: int = 0
    again_frame: int | None = None


def turns(side: Side) -> dict[int, list[Turn]]:
    """The turns of each TCP session, by its stream."""
    streams: pl.DataFrame = side.tables.streams
    again = set(side.tables.resent.filter(~pl.col("copy") & (pl.col("kind") != "reordered"))["frame"].to_list())
    copies = set(side.tables.copies["frame"].to_list())
    made: dict[int, list[Turn]] = {}
    for frame, time, stream, up, flags, payload in streams.select(
        "frame", "time", "stream", "up", "flags", "payload"
    ).iter_rows():
        if frame in copies:
            continue
        row = made.setdefault(stream, [])
        kind = _kind(up, flags, payload)
        last = row[-1] if row else None
        if kind is None or len(row) >= MOST_TURNS:
            continue
        if last is not None and (last.kind == kind or frame in again):
            target = last if last.kind == kind else next((t for t in reversed(row) if t.kind == kind), last)
            target.bytes += payload if frame not in again else 0
            target.end = time
            if frame in again:
                target.again += 1
                target.again_frame = target.again_frame or frame
            continue
        row.append(Turn(kind, frame, time, payload, time - last.end if last is not None else 0.0, time))
    return made


def _kind(up: bool, flags: int, payload: int) -> TurnKind | None:
    if flags & RST:
        return "reset"
    if flags & SYN:
        return "SYN/ACK" if flags & ACK else "SYN"
    if payload:
        return "question" if up else "answer"
    return "FIN" if flags & FIN else None


@dataclass(frozen=True)
class _Split:
    area: Area
    words: str
    good_frame: int | None
    bad_frame: int | None


def partings(pairs: Sequence[Pair], good: Side, bad: Side) -> list[Parting]:
    """The first parting of each kind of every exchange."""
    good_turns, bad_turns = turns(good), turns(bad)
    made = []
    for pair in pairs:
        seen: set[Area] = set()
        sessions = zip(pair.good.streams[:MOST_SESSIONS], pair.bad.streams[:MOST_SESSIONS], strict=False)
        for one, other in sessions:
            for split in _splits(good_turns.get(one, []), bad_turns.get(other, []), (good.label, bad.label)):
                if split.area in seen:
                    continue
                seen.add(split.area)
                made.append(
                    Parting(
                        exchange=pair.name, area=split.area, words=split.words, good_frame=split.good_frame,
                        bad_frame=split.bad_frame, good_time=good.time_of(split.good_frame),
                        bad_time=bad.time_of(split.bad_frame),
                        good_filter=f"tcp.stream == {one}", bad_filter=f"tcp.stream == {other}",
                    )
                )  # fmt: skip
    return made


def _splits(good: Sequence[Turn], bad: Sequence[Turn], label: tuple[str, str]) -> Iterator[_Split]:
    """Where two sessions part: every difference up to the first turn that is of another kind or missing."""
    one, other = label
    for at, b in enumerate(bad):
        a = good[at] if at < len(good) else None
        if a is None or a.kind != b.kind:
            expected = f"{_article(a.kind)} (frame {a.frame} of {one})" if a is not None else f"nothing more in {one}"
            area: Area = "connection" if b.kind in ("reset", "SYN") or at < 2 else "application"
            words = f"frame {b.frame} of {other} is {_article(b.kind)} where there is {expected}"
            yield _Split(area, words, a.frame if a is not None else None, b.frame)
            return
        if b.again and not a.again:
            words = (
                f"frame {b.again_frame} of {other} sends part of the {b.kind} again "
                f"({count(b.again, 'packet')} of it), in {one} nothing of the same {b.kind} (frame {a.frame}) "
                "was sent again"
            )
            yield _Split("wire", words, a.frame, b.again_frame)
        if b.kind in WAITED and slower(a.wait, b.wait) and b.wait > a.wait:
            words = (
                f"frame {b.frame} of {other}, {_article(b.kind)}, came {took(b.wait)} after what it follows; "
                f"frame {a.frame} of {one} came after {took(a.wait)}"
            )
            yield _Split(_late(b.kind), words, a.frame, b.frame)
        long_a, long_b = a.end - a.time, b.end - b.time
        alike = not larger(a.bytes, b.bytes)
        if b.bytes > LARGE_ANSWER and alike and not b.again and slower(long_a, long_b) and long_b > long_a:
            words = (
                f"the {b.kind} from frame {b.frame} of {other} on took {took(long_b)} to come whole ({size(b.bytes)}), "
                f"from frame {a.frame} of {one} on {took(long_a)} ({size(a.bytes)})"
            )
            yield _Split("wire", words, a.frame, b.frame)
        if not alike:
            words = (
                f"the {b.kind} from frame {b.frame} of {other} on has {size(b.bytes)}, "
                f"from frame {a.frame} of {one} on {size(a.bytes)}"
            )
            yield _Split("volume", words, a.frame, b.frame)
    if len(bad) < len(good):
        a, last = good[len(bad)], bad[-1] if bad else None
        where = f"after frame {last.frame} of {other} nothing follows" if last is not None else f"{other} shows nothing"
        area = "connection" if len(bad) < 2 else "application"
        yield _Split(area, f"{where}; in {one} there is {_article(a.kind)} (frame {a.frame})", a.frame,
                     last.frame if last is not None else None)  # fmt: skip


def _late(kind: TurnKind) -> Area:
    places: dict[TurnKind, Area] = {"answer": "server", "SYN/ACK": "path", "question": "application"}
    return places.get(kind, "application")


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aSF' else 'a'} {kind}"


HEADINGS = {"interval": "interval s", "way": "from", "said": "flags", "start": "sequence", "payload": "payload",
            "window": "window", "ttl": "TTL", "ip_id": "IP ID"}  # fmt: skip
COLUMNS = ("interval", "way", "said", "start", "payload", "window", "ttl")


def stated(found: Iterable[Difference], good: Side, bad: Side) -> list[Parting]:
    """Differences of names and requests that tell, as partings: the answer itself is the packet."""
    return [
        Parting(
            exchange=d.exchange, area=d.area, good_frame=d.good_frame, bad_frame=d.bad_frame,
            words=f"{d.aspect}: {d.bad} in frame {d.bad_frame} of {bad.label}, {d.good} in {good.label}",
            good_time=good.time_of(d.good_frame), bad_time=bad.time_of(d.bad_frame),
            good_filter=d.good_filter, bad_filter=d.bad_filter,
        )
        for d in found
        if d.telling and d.bad_frame is not None and d.exchange.startswith(("name ", "request "))
    ]  # fmt: skip


def lined_up(parting: Parting, good: Side, bad: Side) -> LinedUp:
    """The packets around the parting in both captures."""
    return LinedUp(good=_around(good, parting.good_frame), bad=_around(bad, parting.bad_frame))


def _around(side: Side, frame: int | None) -> LineUp | None:
    """The packets of the stream that a frame belongs to, around it."""
    if frame is None:
        return None
    own = side.tables.packets.filter(pl.col("frame") == frame)
    if own.is_empty() or own["stream"][0] is None:
        return None
    stream, transport = own["stream"][0], own["transport"][0]
    if transport == "tcp":
        rows = side.tables.streams.filter(pl.col("stream") == stream)
        rows = rows.with_columns(pl.when("up").then(pl.lit("client")).otherwise(pl.lit("server")).alias("way"))
    else:
        rows = side.tables.packets.filter((pl.col("stream") == stream) & (pl.col("transport") == transport))
        rows = rows.with_columns(pl.col("src").alias("way"), pl.lit(None, dtype=pl.Int64).alias("start"))
    frames = rows["frame"].to_list()
    place = frames.index(frame) if frame in frames else 0
    rows = rows.slice(max(0, place - AROUND), 2 * AROUND + 1)
    if rows.height < 2:
        return None
    times = rows["time"].to_list()
    gaps = ["", *(f"{b - a:.6f}" for a, b in zip(times, times[1:], strict=False))]
    said = [_flags(value or 0) for value in rows["flags"].to_list()]
    rows = rows.with_columns(pl.Series("interval", gaps), pl.Series("said", said, dtype=pl.String))
    shown = [name for name in COLUMNS if transport == "tcp" or name not in ("said", "start", "window")]
    return line_up(rows, shown, names=HEADINGS, sender="way", total=len(frames))


def _flags(value: int) -> str:
    names = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (0x08, "PSH"), (ACK, "ACK"), (0x20, "URG"))
    return " ".join(name for bit, name in names if value & bit)
