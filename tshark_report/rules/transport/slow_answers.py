"""Did a server need long before the first byte of its answer, while the wire was quick?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import (
    EXCHANGES_SHOWN,
    FINDINGS,
    WIRESHARK_TCP,
    count,
    cut,
    frame_numbers,
    hosts_text,
    number,
    unquoted,
    when,
)
from tshark_report.story.words import clock, listed, took
from tshark_report.tables.sessions import GENERIC_PROTOCOLS
from tshark_report.tables.tables import Tables

WAIT = Threshold(1, "seconds", "the limit for the user's flow of thought to stay uninterrupted (Nielsen, 1993)")
LONGEST = Threshold(120, "seconds", "longer silences are idle connections or requests that were held open on purpose")
WIRE = Threshold(5, "times the round trip", "less may be the path's own variation")
SHARE = Threshold(20, "percent", "of the server's answers: below that a few heavy requests were slow, not the server")
ANSWERS = Threshold(3, "answers", "one slow answer may be a cold start, unless it is most of what the server said")

CAPTURE_SHARE = Threshold(
    5, "percent", "of all timed answers of the capture, where a server was slow only once or twice"
)

TURNS = Threshold(20, "exchanges", "in one stream of an unknown protocol, to tell by their shape that answers are due")
QUICK, MOSTLY = 0.2, 0.5
"""Seconds within which a message counts as answered at once, and the share of those that shows that answers are due."""

ASKED_AND_ANSWERED = (
    "HTTP",
    "HTTP/XML",
    "HTTP/JSON",
    "HTTP2",
    "OCSP",
    "FTP",
    "SMTP",
    "POP",
    "IMAP",
    "MySQL",
    "PGSQL",
    "TDS",
    "TNS",
    "LDAP",
    "SMB",
    "SMB2",
    "DCERPC",
    "NFS",
    "RPC",
    "Modbus/TCP",
    "S7COMM",
    "OPC UA",
    "DNP 3.0",
    "ENIP",
    "CIP",
    "RADIUS",
    "DIAMETER",
    "DNS",
    "KRB5",
    "WebDAV",
    "RTSP",
    "MONGO",
    "Redis",
    "RESP",
    "Memcache",
    "CQL",
    "Kafka",
    "AJP13",
    "FCGI",
    "GIOP",
    "DRDA",
    "SOAP",
    "iSCSI",
)
"""Protocols in which each question is answered at once by a program that knows the answer. In others (shells, chat,
games, message buses) silence means that there is nothing to say."""
CLEAR = (
    "HTTP",
    "HTTP/XML",
    "HTTP/JSON",
    "HTTP2",
    "OCSP",
    "MySQL",
    "PGSQL",
    "TDS",
    "TNS",
    "LDAP",
    "DNS",
    "NFS",
    "RPC",
    "SMTP",
    "RTSP",
)
"""Those whose waits are hardly ever meant: no locks, watches, idle commands or delays after failed logins."""

HELD_OPEN = re.compile(
    r"(?i)(long-?poll|comet|socket\.io|signalr|bayeux|[/._-](poll|polling|subscribe|events?|notifications?|watch|sync)(?=[/?]|$)"
    r"|[?&](wait|watch|timeout|longpoll)=)"
)
"""Paths of requests that are held open until there is news: long polling (RFC 6202), watches of Kubernetes, /sync."""

STREAMS_IN_FILTER = 8
PACKETS_AROUND = 25
"""Connections that the display filter names, and packets for each slow answer up to which they are shown whole: the
handshake before and the acknowledgement in between are what tells the server's time from the wire's."""


@rule(
    code="TCP007",
    name="slow-answers",
    family="transport",
    title="Slow server: its answers took long while the wire was quick",
    question="Did a server need long before the first byte of its answer, while the wire was quick?",
    answers=("Q7",),
    why=(
        "The server's TCP acknowledged the question within a round trip, so the wire and both hosts are well; "
        "the answer's "
        "first byte came much later. That time went to the server's application (or to what it waits for: database, "
        "upstream service, disk). No change to the network makes it shorter."
    ),
    innocent=(
        Innocent(
            explanation=(
                "The request is held open on purpose until there is news (long polling), or starts a long report."
            ),
            tell_apart=(
                "The same address takes a round number of seconds each time, or as long as until the next event; "
                "other addresses answer at once."
            ),
        ),
        Innocent(
            explanation="A cold start: first request after a deployment or a pause.",
            tell_apart="Only the first answer is slow, the same request again is quick.",
        ),
        Innocent(
            explanation="A proxy or load balancer stands there, and the time belongs to a server behind it.",
            tell_apart="Via or X-Cache headers; capture behind the proxy.",
        ),
    ),
    confirm=(
        "Compare with the server's own log of request durations for the same minutes.",
        "Sort by http.time (Statistics, HTTP, or the column) and see whether it is one address or all.",
        "Capture at the server: the same wait there means the application.",
    ),
    references=(
        WIRESHARK_TCP,
        Reference(
            title="Nielsen: Response Times: The 3 Important Limits (1993)",
            url="https://www.nngroup.com/articles/response-times-3-important-limits/",
        ),
        Reference(title="web.dev: Time to First Byte", url="https://web.dev/articles/ttfb"),
    ),
    needs=("tcp_sessions",),
    thresholds={
        "wait": WAIT,
        "longest": LONGEST,
        "wire": WIRE,
        "share": SHARE,
        "answers": ANSWERS,
        "capture_share": CAPTURE_SHARE,
        "turns": TURNS,
    },
    weight=35,
    rests_on=("order", "no-gaps"),
)
def slow_answers(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each server and port with slow answers."""
    shaken = tables.tls.filter(pl.col("handshake").list.len() > 0)["stream"].unique()
    in_turns = _in_turns(tables.exchanges, context)
    every = tables.exchanges.filter(_timed(shaken) | pl.col("stream").is_in(in_turns.implode()))
    if every.is_empty():
        return
    slow = every.filter(
        (pl.col("wait") >= context.limit("wait"))
        & (pl.col("wait") <= context.limit("longest"))
        & ~pl.col("disturbed")
        & (pl.col("wait") >= context.limit("wire") * pl.coalesce("rtt", "ack_seconds").fill_null(0.0))
    )
    slow = slow.join(_refused_logins(tables), left_on="answer_frame", right_on="frame", how="anti")
    groups = slow.group_by("server", "server_port").agg(pl.len().alias("n"), pl.col("wait").sum().alias("waited"))
    totals = every.group_by("server", "server_port").agg(pl.len().alias("all"))
    groups = groups.join(totals, on=["server", "server_port"]).sort(["waited", "server"], descending=[True, False])
    for server, port, _, _, total in groups.head(FINDINGS).iter_rows():
        here = (pl.col("server") == server) & (pl.col("server_port") == port)
        mine = slow.filter(here).sort("wait", descending=True)
        enough = mine.height >= context.limit("answers") and 100 * mine.height >= context.limit("share") * total
        if mine["protocol"].is_in(GENERIC_PROTOCOLS).all() and not enough:
            continue
        yield _draft(tables, context, mine, every.filter(here), total, every.height)


def _timed(shaken: pl.Series) -> pl.Expr:
    """Questions whose answer is due at once; of TLS only the first, because what is asked later cannot be seen.

    tshark takes whatever comes on a TLS port for TLS: without a handshake in it, the other side owes no answer.
    """
    asked = pl.col("protocol").is_in(ASKED_AND_ANSWERED)
    hello = (pl.col("protocol").str.starts_with("TLS") | (pl.col("protocol") == "SSL")) & (pl.col("place") == 0)
    return asked | (hello & pl.col("stream").is_in(shaken.implode()))


def _in_turns(exchanges: pl.DataFrame, context: Context) -> pl.Series:
    """Streams of unknown protocols in which the server mostly answers each message at once: then it owes an answer."""
    unknown = exchanges.lazy().filter(pl.col("protocol").is_in(GENERIC_PROTOCOLS))
    shapes = unknown.group_by("stream").agg(pl.len().alias("n"), (pl.col("wait") < QUICK).mean().alias("quick"))
    kept = shapes.filter((pl.col("n") >= context.limit("turns")) & (pl.col("quick") >= MOSTLY)).collect()
    return kept["stream"]


def _refused_logins(tables: Tables) -> pl.DataFrame:
    """Answers that servers delay on purpose: failed logins."""
    ftp = tables.ftp.filter(pl.col("code") == 530).select("frame")
    mail = tables.mail.filter((pl.col("smtp_code") == 535) | (pl.col("pop_status") == "-ERR")).select("frame")
    web = tables.http.filter(pl.col("status").is_in([401, 403, 407])).select("frame")
    return pl.concat([ftp, mail, web]).unique()


def _draft(tables: Tables, context: Context, slow: pl.DataFrame, every: pl.DataFrame, total: int, timed: int) -> Draft:
    worst = slow.row(0, named=True)
    server, port, protocol = worst["server"], worst["server_port"], worst["protocol"]
    share = 100 * slow.height / max(1, total)
    clients = [str(c) for c in slow["client"].unique(maintain_order=True).to_list()]
    shown = slow.head(EXCHANGES_SHOWN)
    chosen, frames = _selection(tables, shown)
    clear = protocol in CLEAR
    regular = slow.height >= context.limit("answers") and share >= context.limit("share")
    lowered = ""
    requests = _requests(tables, slow)
    if protocol.startswith("HTTP") and all(HELD_OPEN.search(requests.get(f, "")) for f in slow["request_frame"]):
        lowered = "what was asked for is held open until there is news (long polling), by its path"
    elif not clear:
        lowered = f"{protocol} answers may be held back on purpose, which the capture cannot show"
        if protocol in GENERIC_PROTOCOLS:
            lowered = "the protocol is not known; that each message is owed an answer is told by the quick ones only"
    elif not regular and share < 50:
        lowered = f"{slow.height:,} of {count(total, 'answer')} of this server"
    elif not regular and 100 * slow.height < context.limit("capture_share") * timed:
        lowered = f"{count(slow.height, 'slow answer')} among the {timed:,} timed answers of this capture"
    priority: Priority = "low" if lowered else "medium"
    quick = every.filter(pl.col("wait") < context.limit("wait"))["wait"]
    asked = list(dict.fromkeys(requests[f] for f in shown["request_frame"].to_list() if requests.get(f)))
    lines = [
        (
            r["request_frame"],
            when(r["request_time"]),
            r["client"],
            server,
            port,
            requests.get(r["request_frame"], ""),
            r["ack_seconds"],
            r["after_ack"],
            round(r["wait"], 6),
            r["rtt"],
            r["answer_frame"],
        )
        for r in slow.iter_rows(named=True)
    ]
    return Draft(
        subject=f"{server}:{port}",
        hosts=(server, *clients[:4]),
        title=f"Slow server: answers of {server} port {port} took {_range(slow)} while the wire was quick",
        summary=(
            f"{context.named(server)} port {port} ({protocol}) needed {_range(slow)} for {slow.height:,} of "
            f"{count(total, 'answer')} to {hosts_text(clients)} (server response time, request to first byte of "
            "the answer)"
            f"{_first(worst)}. {_wire(worst, slow)} The time is spent in the server's application, before "
            "the first byte "
            f"of the answer: think time {_think(slow)}."
            + (f" Asked: {listed(asked, 3)}." if asked else "")
            + (
                f" Its other {quick.len():,} answers took {took(number(quick.median()))} (median)."
                if quick.len()
                else ""
            )
            + f" From {clock(number(slow['request_time'].min()))} UTC."
        ),
        sentence=(
            f"{worst['client']} asked {context.named(server)} and waited {took(worst['wait'])} for the first byte "
            "of the answer, "
            f"though the question was acknowledged after {took(worst['ack_seconds'] or 0.0)}"
            + (f"; {slow.height:,} answers of this server were that slow" if slow.height > 1 else "")
        ),
        priority=priority,
        confidence="high" if clear and worst["rtt"] is not None else "medium",
        display_filter=chosen,
        frames=frames,
        evidence=evidence(
            (
                ("request frame", "frame"),
                ("time", "time"),
                ("client", "address"),
                ("server", "address"),
                ("port", "port"),
                ("asked", "text"),
                ("acknowledged after", "seconds"),
                ("then first data after", "seconds"),
                ("response time", "seconds"),
                ("handshake round trip", "seconds"),
                ("answer frame", "frame"),
            ),
            lines,
        ),
        line_up=(
            "tcp.stream",
            "frame.time_delta_displayed",
            "tcp.len",
            "http.request.uri",
            "http.response.code",
            "http.time",
        ),
        time=number(slow["request_time"].min()),
        weight=min(8.0, number(slow["wait"].sum()) / 5),
        lowered_because=lowered,
    )


def _selection(tables: Tables, shown: pl.DataFrame) -> tuple[str, list[int]]:
    """The connections with the slow answers, where few packets say it all; else questions and answers by frame."""
    streams = [int(s) for s in shown["stream"].unique().sort().to_list()]
    whole_streams = tables.packets.filter((pl.col("transport") == "tcp") & pl.col("stream").is_in(streams))
    if len(streams) <= STREAMS_IN_FILTER and whole_streams.height <= PACKETS_AROUND * shown.height:
        chosen = filters.all_of(filters.one_of("tcp.stream", streams), unquoted(tables))
        return chosen, frame_numbers(whole_streams)
    frames = sorted({*frame_numbers(shown, "request_frame"), *frame_numbers(shown, "answer_frame")})
    return filters.frames(frames, 2 * EXCHANGES_SHOWN), frames


def _range(slow: pl.DataFrame) -> str:
    least, most = number(slow["wait"].min()), number(slow["wait"].max())
    return took(most) if slow.height == 1 or took(least) == took(most) else f"{took(least)} to {took(most)}"


def _first(worst: dict[str, object]) -> str:
    if worst["ack_seconds"] is None:
        return ""
    return (
        f"; the slowest was acknowledged after {took(number(worst['ack_seconds']))}, and its first data came another "
        f"{took(number(worst['after_ack']))} later ({took(number(worst['wait']))} after the request)"
    )


def _wire(worst: dict[str, object], slow: pl.DataFrame) -> str:
    known = slow["rtt"].drop_nulls()
    if known.len():
        return (
            f"The wire is fine: the handshake's round trip is {took(number(known.median()))}, nothing was lost "
            "meanwhile."
        )
    if worst["ack_seconds"] is not None:
        return (
            f"The wire is fine: the question was acknowledged after {took(number(worst['ack_seconds']))}, nothing "
            "was lost meanwhile."
        )
    return "No handshake is in the capture, so the wire's part cannot be taken out; nothing was lost meanwhile."


def _think(slow: pl.DataFrame) -> str:
    least, most = number(slow["think"].min()), number(slow["think"].max())
    return took(most) if took(least) == took(most) else f"{took(least)} to {took(most)}"


def _requests(tables: Tables, slow: pl.DataFrame) -> dict[int, str]:
    """Last request frame -> method and address, as far as the protocol shows them."""
    http = tables.http.filter(pl.col("method").is_not_null() & pl.col("frame").is_in(slow["request_frame"].implode()))
    return {
        r["frame"]: cut(f"{r['method']} {r['uri'] or ''}", 80)
        for r in http.select("frame", "method", "uri").iter_rows(named=True)
    }
