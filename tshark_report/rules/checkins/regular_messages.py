"""Does one long session carry messages of one size at a fixed interval?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _rhythm as rhythms
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.sessions import GENERIC_PROTOCOLS
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 10
MESSAGE_PAUSE_S = 1.0
"""Packets of one side that follow each other faster are one message: a length first, then the text."""
STREAMS_SHOWN = 20
WAY = ["transport", "stream", "src", "src_port"]
"""One direction of one stream."""


@dataclass(frozen=True)
class _Ticks:
    """Regular messages of one side of one stream."""

    transport: str
    stream: int
    src: str
    src_port: int
    times: list[float]
    sizes: list[int]
    rhythm: rhythms.Rhythm


@rule(
    code="CHK003",
    name="regular-messages",
    family="checkins",
    title="One long session carried messages of one size at a fixed interval",
    question="Does one long session carry messages of one size at a fixed interval?",
    answers=("Q4", "Q6", "Q12"),
    why=(
        "A program that keeps a session open to its server shows that it is alive with a small message at a fixed "
        "interval "
        "(beacon, heartbeat). Lists of connections show one long session and nothing else."
    ),
    innocent=(
        Innocent(
            explanation="Chat, push, VPN, game and remote-support clients keep their sessions alive in the same way.",
            tell_apart=(
                "The server belongs to the maker of an installed program; unknown protocols and odd ports are rarer "
                "there."
            ),
        ),
        Innocent(
            explanation="A device reports a measurement every few seconds to its cloud.",
            tell_apart="The client is such a device, and its maker's name stands in DNS or in the certificate.",
        ),
    ),
    confirm=(
        "Follow the stream: what is constant in the messages, what counts, is there a host or user name?",
        "Which process on the client owns the session, and when did it start?",
        "Did the server ever send something else than an answer to the tick: a command, a file?",
    ),
    references=(common.NON_APPLICATION, common.NON_STANDARD_PORT),
    needs=("tcp_sessions", "udp_flows"),
    thresholds={
        "messages": Threshold(
            10, "messages", "Nine gaps; a session start has a handful of exchanges that may look even."
        ),
        "jitter": Threshold(
            0.25, "share of the median gap", "Timers with jitter stay below; typing and paging do not."
        ),
        "size_spread": Threshold(0.3, "share of the median size", "A tick is one message with a little that varies."),
        "shortest_gap": Threshold(2.0, "seconds", "Faster is media, a game or a control loop."),
        "span": Threshold(30.0, "seconds", "A session shorter than that is not a long one."),
    },
    weight=78,
)
def regular_messages(tables: Tables, context: Context) -> Iterator[Draft]:
    """Cuts each direction of each stream into messages and looks at their gaps and sizes."""
    groups: dict[tuple[str, str, int, str], list[_Ticks]] = {}
    found = list(_ticks(tables, context))
    ends = _ends(tables, {(ticks.transport, ticks.stream) for ticks in found})
    for ticks in found:
        client, server, port = ends[ticks.transport, ticks.stream]
        groups.setdefault((client, server, port, ticks.transport), []).append(ticks)
    drafts = []
    for (client, server, port, transport), sides in groups.items():
        # The client's side tells more; where both tick, one answers the other.
        own = [t for t in sides if t.src == client] or sides
        draft = _draft(tables, context, client, server, port, transport, own)
        if draft is not None:
            drafts.append(draft)
    yield from common.first_of(drafts, FINDINGS_MAX)


def _ends(tables: Tables, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], tuple[str, str, int]]:
    made = {}
    for transport, every in (("tcp", tables.tcp_sessions), ("udp", tables.udp_flows)):
        rows = every.filter(pl.col("stream").is_in([stream for kind, stream in wanted if kind == transport]))
        for stream, client, server, port in rows.select("stream", "client", "server", "server_port").iter_rows():
            made[transport, stream] = (client, server, port)
    return made


def _ticks(tables: Tables, context: Context) -> Iterator[_Ticks]:
    least = int(context.limit("messages"))
    long = _long_streams(tables, context.limit("span"), least)
    data = _payloads(tables, long)
    if data.is_empty():
        return
    # A segment whose last byte was already sent is a retransmission or a keep-alive, and no new message.
    ended = pl.col("seq").cast(pl.Int64) + pl.col("payload")
    data = data.with_columns(ended.alias("ended")).with_columns(
        pl.col("ended").cum_max().shift(1).over(WAY).alias("sent_before")
    )
    data = data.filter(
        (pl.col("transport") != "tcp") | pl.col("sent_before").is_null() | (pl.col("ended") > pl.col("sent_before"))
    )
    gap = pl.col("time").diff().over(WAY)
    data = data.with_columns((gap.is_null() | (gap >= MESSAGE_PAUSE_S)).cum_sum().over(WAY).alias("message"))
    messages = data.group_by([*WAY, "message"], maintain_order=True).agg(
        pl.col("time").first(),
        pl.col("payload").cast(pl.Int64).sum(),  # 32 bits would wrap at 4 GiB
    )
    sides = (
        messages.group_by(WAY, maintain_order=True).agg("time", "payload").filter(pl.col("time").list.len() >= least)
    )
    for transport, stream, src, src_port, starts, bytes_sent in sides.iter_rows():
        times, sizes = _joined(starts, bytes_sent)
        rhythm = rhythms.rhythm(times)
        if rhythm is None or not _regular(rhythm, sizes, context):
            times, sizes = _of_one_size(times, sizes)
            rhythm = rhythms.rhythm(times)
        if rhythm is not None and rhythm.contacts >= least and _regular(rhythm, sizes, context):
            yield _Ticks(transport, stream, src, src_port, times, sizes, rhythm)


def _joined(times: list[float], sizes: list[int]) -> tuple[list[float], list[int]]:
    """Messages that follow the one before within a third of the usual gap belong to it: late second halves, answers."""
    pause = median(b - a for a, b in zip(times, times[1:], strict=False)) / 3
    kept: list[float] = []
    summed: list[int] = []
    last = float("-inf")
    for moment, size in zip(times, sizes, strict=True):
        if moment - last < pause:
            summed[-1] += size
        else:
            kept.append(moment)
            summed.append(size)
        last = moment
    return kept, summed


def _payloads(tables: Tables, streams: pl.DataFrame) -> pl.DataFrame:
    """Packets with payload of these streams (`transport` and `stream`), in order."""
    near_ = tables.packets.lazy().filter(
        (pl.col("payload") > 0) & pl.col("stream").is_in(streams["stream"].unique().implode())
    )
    columns = ("transport", "stream", "src", "src_port", "protocol", "time", "seq", "payload")
    return near_.select(columns).collect().join(streams, on=["transport", "stream"], how="semi", maintain_order="left")


def _long_streams(tables: Tables, span: float, least: int) -> pl.DataFrame:
    """Streams that last, carry enough packets, and speak TLS or something that tshark does not know."""
    # A port that belongs to another protocol hides TLS from tshark.
    hidden = (pl.col("transport") == "tcp") & pl.col("stream").is_in(list(common.hidden_tls(tables)))
    made = []
    for transport, every in (("tcp", tables.tcp_sessions), ("udp", tables.udp_flows)):
        rows = every.select(
            pl.lit(transport).alias("transport"), "stream", "seconds", "packets", known.polled().alias("polled")
        )
        made.append(rows)
    lasting = pl.concat(made).filter((pl.col("seconds") >= span) & (pl.col("packets") >= least))
    long = lasting.filter(~pl.col("polled") | hidden).select("transport", "stream")
    unnamed = (
        _payloads(tables, long)
        .group_by("transport", "stream")
        .agg(
            (~pl.col("protocol").is_in(GENERIC_PROTOCOLS) & ~pl.col("protocol").str.contains(r"^(TLS|SSL)"))
            .mean()
            .alias("named")
        )
        .filter(pl.col("named") < 0.5)
    )
    return pl.concat([long.filter(~hidden).join(unnamed, on=["transport", "stream"], how="semi"), long.filter(hidden)])


def _of_one_size(times: list[float], sizes: list[int]) -> tuple[list[float], list[int]]:
    """Only the messages of about the commonest size: ticks among other traffic of the same session."""
    counted: dict[int, int] = {}
    for each in sizes:
        counted[each] = counted.get(each, 0) + 1
    common_size = max(counted, key=lambda s: (counted[s], -s))
    kept = [(t, s) for t, s in zip(times, sizes, strict=True) if abs(s - common_size) <= 0.1 * common_size]
    return [t for t, _ in kept], [s for _, s in kept]


def _regular(rhythm: rhythms.Rhythm, sizes: list[int], context: Context) -> bool:
    if rhythm.median < context.limit("shortest_gap") or rhythm.span < context.limit("span"):
        return False
    middle = median(sizes)
    spread = median(abs(each - middle) for each in sizes)
    return (
        rhythm.jitter <= context.limit("jitter")
        and 2 * rhythm.run >= rhythm.contacts - 1
        and spread <= context.limit("size_spread") * middle
    )


def _draft(
    tables: Tables, context: Context, client: str, address: str, port: int, transport: str, found: list[_Ticks]
) -> Draft | None:
    server = common.server(tables, address, port)
    found = sorted(found, key=lambda t: -t.rhythm.contacts)[:STREAMS_SHOWN]
    most = found[0]
    protocol = _protocol(tables, most)
    encrypted = protocol.startswith(("TLS", "SSL"))
    sample = "" if encrypted else _sample(tables, most)
    odd = common.oddities(context, tables, server, protocol)
    judged = _priority(context, client, server, encrypted, transport, sample, odd)
    if judged is None:
        return None
    priority, lowered = judged
    parts, frames = [], []
    for each in found:
        shown, rows = common.stream_payload(tables, transport, each.stream, each.src, each.src_port)
        parts.append(shown)
        frames += rows["frame"].to_list()
    rhythm = most.rhythm
    sizes = sorted(most.sizes)
    size = (
        words.size(sizes[0])
        if sizes[0] == sizes[-1]
        else f"{sizes[0]:,} to {sizes[-1]:,} bytes (median {median(sizes):,.0f})"
    )
    where = "one session" if len(found) == 1 else f"{len(found)} sessions"
    whose = "the client" if most.src == client else "the server"
    summary = (
        f"Inside {where} of {client} with {server.words()}, open for {words.seconds(_lasted(tables, most))}, {whose} "
        "sent "
        f"{rhythm.contacts} messages of {size} {rhythms.interval(rhythm, priority)}. The longest unbroken regular "
        f"run is {rhythm.run} of {rhythm.contacts - 1} gaps."
    )
    if sample:
        summary += f' The messages are clear text on a port without a known protocol, like "{words.cut(sample, 120)}".'
    summary += server.about()
    if odd:
        summary += f" Unusual: {'; '.join(odd)}."
    confidence: Confidence = "high" if rhythm.contacts >= 20 and rhythm.jitter <= 0.1 else "medium"
    gaps = [None, *(b - a for a, b in zip(most.times, most.times[1:], strict=False))]
    saying = f', like "{words.cut(sample, 60)}"' if sample else ""
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        title="Clear-text messages were sent at a fixed interval inside one session" if sample else "",
        summary=summary,
        sentence=(
            f"{client} began to exchange {transport.upper()} messages with {server.words()} every "
            f"{words.seconds(rhythm.median)}{saying}"
        ),
        priority=priority,
        confidence=confidence,
        display_filter=filters.any_of(*parts),
        frames=sorted(frames),
        evidence=evidence(
            [("time", "time"), ("seconds since the last", "seconds"), ("message", "bytes"), ("text", "text")],
            [
                (t, gaps[i], s, words.cut(sample, 120) if i == 0 else "")
                for i, (t, s) in enumerate(zip(most.times, most.sizes, strict=True))
            ],
        ),
        lowered_because=lowered,
        indicators=(common.indicator(address),)
        if priority in ("high", "medium") and context.is_outside(address)
        else (),
        line_up=("tcp.len" if transport == "tcp" else "udp.length", "frame.time_delta_displayed"),
        time=most.times[0],
        weight=min(10.0, rhythm.contacts / 10) + 2 * len(odd) + (5 if sample else 0),
    )


def _priority(
    context: Context, client: str, server: common.Server, encrypted: bool, transport: str, sample: str, odd: list[str]
) -> tuple[Priority, str] | None:
    if not context.is_outside(server.address):
        if encrypted or not context.is_home(server.address):
            return None
        return "low", "The server is in the home network, where programs keep sessions open to each other."
    if server.polling:
        return "info", f"{server.name} is known to be polled: {server.polling}."
    if encrypted and not odd:
        return None
    if common.peer_to_peer(context, context.tables, client):
        return "low", common.P2P_LOWERED
    if transport == "udp" and not sample:
        return "low", "Over UDP, games, VPNs and telephones keep their paths open in this way."
    if sample and odd:
        return "high", ""
    return (
        ("high", "")
        if len(odd) >= 3 or (encrypted and len(odd) >= 2)
        else ("medium", "")
        if odd
        else ("low", "Nothing else about the server is unusual.")
    )


def _protocol(tables: Tables, ticks: _Ticks) -> str:
    if ticks.transport == "tcp" and ticks.stream in common.hidden_tls(tables):
        return "TLS"
    rows = tables.tcp_sessions if ticks.transport == "tcp" else tables.udp_flows
    return str(rows.filter(pl.col("stream") == ticks.stream)["protocol"][0])


def _lasted(tables: Tables, ticks: _Ticks) -> float:
    rows = tables.tcp_sessions if ticks.transport == "tcp" else tables.udp_flows
    return float(rows.filter(pl.col("stream") == ticks.stream)["seconds"][0])


def _sample(tables: Tables, ticks: _Ticks) -> str:
    """The longest text among the first payloads of that side; "" where they are not text."""
    rows = tables.openings.filter(
        (pl.col("stream") == ticks.stream)
        & (pl.col("transport") == ticks.transport)
        & (pl.col("src") == ticks.src)
        & (pl.col("src_port") == ticks.src_port)
    )
    return max((words.text_of(data) for data in rows["data"].to_list()), key=len, default="")
