"""Were packets lost on the way, from whom to whom, and on which side of the capture point?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import EVIDENCE_ROWS, Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    CAPTURE_LOST,
    FINDINGS,
    RFC5681,
    RFC6298,
    WIRESHARK_TCP,
    count,
    frame_numbers,
    hosts_text,
    number,
    when,
    whole,
)
from tshark_report.story.words import clock, took
from tshark_report.tables.tables import Tables

SEGMENTS = Threshold(3, "segments", "one or two segments sent again are the ordinary price of any shared path")
SHARE = Threshold(
    0.5, "percent", "long Internet paths lose about that much on an ordinary day; throughput hardly suffers"
)
NOTICED_SHARE = Threshold(
    2, "percent", "from about 2 % on loss-based congestion control keeps halving its rate (Mathis et al.)"
)
NOTICED_SEGMENTS = Threshold(8, "segments", "a share of a few packets is no share")
NOTICED_STALL = Threshold(3, "seconds", "of waiting for time-outs in all: one long hang, or pauses again and again")
NOTICED_PAUSE = Threshold(1, "seconds", "a pause of a second interrupts the user's train of thought (Nielsen, 1993)")
NOTICED_BYTES = Threshold(
    50_000, "bytes", "of the connections concerned: loss slows transfers down; messages of less suffer from pauses only"
)
MESSAGE_PAUSE = Threshold(2, "seconds", "the longest that a message may wait unnoticed where hardly anything is sent")
NOTICED_EPISODES = Threshold(5, "losses", "apart from each other: one burst of loss is over before anybody complains")
NOTICED_CONNECTIONS = Threshold(
    20, "percent", "of the capture's connections or TCP bytes: below that most of what went on did not suffer"
)
FEW_SHARE = Threshold(
    10, "percent", "of the segments: so much of a short exchange was lost that even one or two tell something"
)

UNSEEN_FOR_DOUBT = 3
"""Acknowledgements of data that is not in the capture, from which the recording itself is known to have gaps."""
HOSTS_LOOKED_AT = 50
"""Hosts whose losses are looked at, those with most first: what the others lost is little."""
EPISODE_GAP = 0.2
"""Seconds between two losses of one connection that are no longer the same burst: the shortest usual time-out."""
PROBE = 1
"""Bytes of a keep-alive: it repeats one old byte on purpose."""
DUPLICATES_FOR_FAST = 3
"""Duplicate ACKs that make a sender repeat a segment at once (RFC 5681, section 3.2)."""

_KINDS = {
    "fast": "fast retransmission (after duplicate ACKs)",
    "time-out": "after a time-out (no answer)",
    "spurious": "spurious (already acknowledged)",
    "other": "other, in the recovery that followed",
}


@rule(
    code="TCP001",
    name="resent-segments",
    family="transport",
    title="TCP segments were lost and sent again",
    question="Were packets lost on the way, from whom to whom, and where?",
    answers=("Q7",),
    why=(
        "TCP sends a segment again when three duplicate ACKs say that it is missing, or when its timer runs out. Each "
        "loss halves the rate, and each time-out is a pause: the user sees a slow or stuttering transfer. Whether the "
        "original stands in the capture tells on which side of the capture point it was lost."
    ),
    innocent=(
        Innocent(
            explanation="A wireless or mobile client loses some percent of its packets to radio noise.",
            tell_apart=(
                "The loss follows that one client to whatever server it talks, and other clients of the server "
                "are well."
            ),
        ),
        CAPTURE_LOST,
        Innocent(
            explanation="A sender's timer was shorter than a path that had just become slow, so it sent needlessly.",
            tell_apart=(
                "Then the receiver acknowledges both copies (duplicate SACK), and the original stands in the capture."
            ),
        ),
    ),
    confirm=(
        "Put the sender's and the receiver's capture of the same minutes side by side: the segment is in one, "
        "not in the other.",
        "Read the error and drop counters of the interfaces on the path (ifInErrors, ifOutDiscards), and the "
        "duplex settings.",
        "Plot tcptrace (Statistics, TCP Stream Graphs) of the stream with the most retransmissions.",
    ),
    references=(
        RFC5681,
        RFC6298,
        WIRESHARK_TCP,
        Reference(
            title=(
                "Mathis, Semke, Mahdavi, Ott: The Macroscopic Behavior of the TCP Congestion Avoidance Algorithm (1997)"
            ),
            url="https://doi.org/10.1145/263932.264023",
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={
        "segments": SEGMENTS,
        "share": SHARE,
        "noticed_share": NOTICED_SHARE,
        "noticed_segments": NOTICED_SEGMENTS,
        "noticed_stall": NOTICED_STALL,
        "noticed_pause": NOTICED_PAUSE,
        "noticed_bytes": NOTICED_BYTES,
        "message_pause": MESSAGE_PAUSE,
        "noticed_episodes": NOTICED_EPISODES,
        "noticed_connections": NOTICED_CONNECTIONS,
        "few_share": FEW_SHARE,
    },
    weight=34,
    rests_on=("both-sides", "no-gaps"),
)
def resent_segments(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each host on whose paths segments were sent again: the server, or the client of many servers."""
    again = tables.resent.filter(pl.col("kind") != "syn")
    lost = again.filter((pl.col("kind") != "reordered") & ~pl.col("copy") & ~_unheard(tables, again))
    carried = _carried(tables)
    made = 0
    for _ in range(HOSTS_LOOKED_AT):
        if lost.is_empty() or made == FINDINGS:
            return
        host = _most_concerned(lost)
        here = lost.filter((pl.col("src") == host) | (pl.col("dst") == host))
        lost = lost.filter((pl.col("src") != host) & (pl.col("dst") != host))
        draft = _draft(tables, context, host, here, again, carried.get(host, 0))
        if draft is not None:
            made += 1
            yield draft


def _carried(tables: Tables) -> dict[str, int]:
    """Host -> data segments from and to it, copies left out."""
    copied = pl.col("frame").is_in(tables.copies["frame"].implode())
    data = tables.streams.lazy().filter((pl.col("payload") > 0) & ~copied)
    pairs = data.group_by("src", "dst").agg(pl.len().alias("n")).collect()
    ends = pl.concat([pairs.select(pl.col(end).alias("host"), "n") for end in ("src", "dst")])
    return dict(ends.group_by("host").agg(pl.col("n").sum()).iter_rows())


def _unheard(tables: Tables, again: pl.DataFrame) -> pl.Expr:
    """Segments that nobody ever acknowledged, from which the other side is silent: another rule's matter."""
    lost = again.filter(~pl.col("acked"))
    near = tables.streams.lazy().filter(pl.col("stream").is_in(lost["stream"].unique().implode()))
    last = near.group_by("stream", "up").agg(pl.col("frame").max().alias("last")).collect()
    silent = lost.join(last.with_columns(~pl.col("up")), on=["stream", "up"], how="left")
    first = pl.coalesce("original_frame", "frame")
    frames = silent.filter(pl.col("last").is_null() | (pl.col("last") < first))["frame"]
    return pl.col("frame").is_in(frames.implode())


def _most_concerned(lost: pl.DataFrame) -> str:
    """The host with the most segments sent again, from or to it; a server before its client where both have as many."""
    ends = pl.concat(
        [
            lost.select(pl.col("server").alias("host"), pl.lit(1).alias("server")),
            lost.select(pl.col("client").alias("host"), pl.lit(0).alias("server")),
        ]
    )
    ranked = (
        ends.group_by("host")
        .agg(pl.len().alias("n"), pl.col("server").max())
        .sort(["n", "server", "host"], descending=[True, True, False])
    )
    return str(ranked["host"][0])


def _draft(
    tables: Tables, context: Context, host: str, here: pl.DataFrame, again: pl.DataFrame, segments: int
) -> Draft | None:
    share = 100 * here.height / max(1, segments)
    pauses = here.filter(pl.col("kind") == "time-out")["idle"]
    stalled = number(pauses.sum())
    if here.height < context.limit("segments") and share < context.limit("few_share"):
        return None
    if share < context.limit("share"):
        return None
    lowered = _lowered(tables, context, here, segments)
    priority: Priority = "low" if lowered else "medium"
    peers = _peers(here, host)
    frames = frame_numbers(again.filter((pl.col("src") == host) | (pl.col("dst") == host)))
    chosen = filters.all_of(
        filters.host(host), filters.exists("tcp.analysis.retransmission"), filters.equals("tcp.flags.syn", 0)
    )
    marks = tables.analysis.filter((pl.col("src") == host) | (pl.col("dst") == host)).join(
        tables.copies.select("frame"), on="frame", how="anti"
    )
    counted = dict(marks.group_by("kind").agg(pl.len()).iter_rows())
    # The receiver itself said that something was missing: then it is no artefact of the recording.
    asked_again = "fast" in set(here["kind"].to_list()) and counted.get("duplicate-ack", 0) >= DUPLICATES_FOR_FAST
    sure = here.height >= context.limit("noticed_segments") and counted.get("acked-unseen", 0) < UNSEEN_FOR_DOUBT
    direction = _direction(here)
    kinds = dict(here.group_by("kind").agg(pl.len()).iter_rows())
    told = [f"{kinds[kind]:,} {text}" for kind, text in _KINDS.items() if kind in kinds]
    first, last = number(here["time"].min()), number(here["time"].max())
    longest = number(pauses.max())
    text = (
        f"{count(here.height, 'retransmission')} on the path between {context.named(host)} and {hosts_text(peers)}: "
        f"{share:.1f} % of {count(segments, 'data segment')}, {direction}, between {clock(first)} and "
        f"{clock(last)} UTC. "
        f"Causes: {', '.join(told)}. {_beside(counted)}{_where(here)} {_outcome(tables, here)}"
    )
    if stalled > 0:
        text += f" Waiting for time-outs took {took(stalled)} in all, the longest pause {took(longest)}."
    rows = [
        (
            r["frame"],
            when(r["time"]),
            r["src"],
            r["dst"],
            r["dst_port"],
            r["kind"],
            r["after"],
            r["idle"],
            "yes" if r["seen"] else "no",
            "yes" if r["acked"] else "no",
        )
        for r in here.sort("idle", descending=True, nulls_last=True).head(EVIDENCE_ROWS).iter_rows(named=True)
    ]
    return Draft(
        subject=host,
        hosts=(host, *peers[:4]),
        summary=text,
        sentence=(
            f"segments between {context.named(host)} and {hosts_text(peers, 2)} began to be sent again: "
            f"{here.height:,} of {count(segments, 'data segment')} ({share:.1f} %)"
        ),
        priority=priority,
        confidence="high" if sure or asked_again else "medium",
        display_filter=chosen,
        frames=frames,
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("from", "address"),
                ("to", "address"),
                ("port", "port"),
                ("cause", "text"),
                ("after the original", "seconds"),
                ("silence before", "seconds"),
                ("original in capture", "text"),
                ("acknowledged", "text"),
            ),
            rows,
            here.height,
        ),
        line_up=("tcp.stream", "tcp.seq", "tcp.ack", "tcp.len", "tcp.window_size", "ip.id"),
        weight=min(10.0, stalled + share / 2),
        lowered_because=lowered,
    )


def _lowered(tables: Tables, context: Context, here: pl.DataFrame, segments: int) -> str:
    """Why nobody will have noticed; empty where a user will have."""
    # What the receiver had already, and the probes of an idle connection, cost nobody anything.
    lost = here.filter((pl.col("kind") != "spurious") & (pl.col("payload") > PROBE))
    if lost.is_empty():
        return "the receiver had all of them already"
    concerned = lost["stream"].unique()
    sessions = tables.tcp_sessions.with_columns((pl.col("client_payload") + pl.col("server_payload")).alias("bytes"))
    mine = sessions.filter(pl.col("stream").is_in(concerned.implode()))
    least = context.limit("noticed_connections")
    every = max(1, sessions.height)
    carried = 100 * number(mine["bytes"].sum())
    if 100 * mine.height < least * every and carried < least * number(sessions["bytes"].sum()):
        return f"{mine.height:,} of the {every:,} connections of this capture are concerned"
    pauses = lost.filter(pl.col("kind") == "time-out")["idle"]
    sent = number(mine["bytes"].sum())
    if sent < context.limit("noticed_bytes") and number(pauses.max()) < context.limit("message_pause"):
        return f"only {sent / 1000:,.0f} kB were sent on these connections, without a long pause"
    if number(pauses.sum()) >= context.limit("noticed_stall") and lost.height >= context.limit("segments"):
        return ""
    share = 100 * lost.height / max(1, segments)
    if share < context.limit("noticed_share") or lost.height < context.limit("noticed_segments"):
        return f"{count(lost.height, 'segment')} ({share:.1f} %) without long pauses"
    episodes = lost.sort("stream", "time").select(
        ((pl.col("time").diff() > EPISODE_GAP) | (pl.col("stream").diff() != 0)).fill_null(value=True).sum()
    )
    if whole(episodes.item()) < context.limit("noticed_episodes") and number(pauses.max()) < context.limit(
        "noticed_pause"
    ):
        return "they were lost in few bursts, without a long pause"
    return ""


def _beside(counted: dict[str, int]) -> str:
    """What else tshark's analysis saw on these paths, as sentences with a space behind."""
    seen = []
    if counted.get("duplicate-ack"):
        seen.append(count(counted["duplicate-ack"], "duplicate ACK"))
    if counted.get("lost-segment"):
        seen.append(f"{count(counted['lost-segment'], 'gap')} in the sequence numbers (previous segment lost)")
    text = f"Also seen: {' and '.join(seen)}. " if seen else ""
    unseen = counted.get("acked-unseen", 0)
    if unseen:
        text += (
            f"{count(unseen, 'acknowledgement')} of data that the capture does not hold: part of the loss may be the "
            "recording's own. "
        )
    return text


def _peers(here: pl.DataFrame, host: str) -> list[str]:
    other = here.select(pl.when(pl.col("src") == host).then("dst").otherwise("src").alias("peer"))
    ranked = other.group_by("peer").agg(pl.len().alias("n")).sort(["n", "peer"], descending=[True, False])
    return [str(p) for p in ranked["peer"].to_list()]


def _direction(here: pl.DataFrame) -> str:
    down = here.filter(~pl.col("up")).height
    if down == here.height:
        return "all from server to client"
    if down == 0:
        return "all from client to server"
    return f"{down:,} from server to client and {here.height - down:,} from client to server"


def _where(here: pl.DataFrame) -> str:
    seen = here.filter("seen").height
    if seen == here.height:
        return "Every original stands in the capture, so it (or its acknowledgement) was lost behind the capture point."
    if seen == 0:
        return (
            "No original stands in the capture, so they were lost before the capture point, on the sender's side of it."
        )
    return (
        f"{seen:,} originals stand in the capture (lost behind the capture point, or their acknowledgements), "
        f"{here.height - seen:,} do not (lost before it)."
    )


def _outcome(tables: Tables, here: pl.DataFrame) -> str:
    acknowledged = here.filter("acked").height
    if acknowledged < here.height:
        return f"{here.height - acknowledged:,} of them were not acknowledged within the capture."
    streams = here["stream"].unique()
    ended = tables.tcp_sessions.filter(pl.col("stream").is_in(streams.implode()))
    text = "All were acknowledged in the end: the transfer recovered"
    if streams.len() == 1:
        text += " from this single loss episode" if _episodes(here) == 1 else ""
        text += _ending(tables, ended)
    return text + "."


def _episodes(here: pl.DataFrame) -> int:
    """Bursts of retransmissions with less than a second between two of them."""
    gaps = here.sort("time")["time"].diff().drop_nulls()
    return 1 + whole((gaps > 1).sum())


def _ending(tables: Tables, ended: pl.DataFrame) -> str:
    row = ended.row(0, named=True)
    if not row["first_reset_frame"]:
        return " and the connection completed" if row["client_fins"] and row["server_fins"] else ""
    stream = tables.streams.filter(pl.col("stream") == row["stream"])
    reset = stream.filter(pl.col("frame") == row["first_reset_frame"])
    before = stream.filter(pl.col("frame") < row["first_reset_frame"])
    if reset.is_empty() or before.is_empty():
        return ""
    idle = number(reset["time"][0]) - number(before["time"].max())
    side = "client" if reset["up"][0] else "server"
    return f"; the {side} {reset['src'][0]} closed with a reset {took(idle)} after the last packet"
