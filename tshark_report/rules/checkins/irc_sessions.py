"""Does a client take part in IRC with a server outside, and does a program do the talking?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 5
NICK = re.compile(rb"(?:^|\n)NICK :?([^\s\r\n]+)")
JOINED = re.compile(rb"(?:^|\n)JOIN :?([#&][^\s\r\n]+)")
MADE_UP = re.compile(r"\d{4,}|[\[{|].*\d{2,}")
"""Nicknames with a number of four digits, or brackets or bars with a number, are made by a program."""
ORDER = re.compile(
    rb"[.!@](?:(?:adv)?scan|asc|ipscan|download|dl|update|upgrade|http|ddos|udp|syn|tcpflood|icmp|exec|execute|keylog|login|spread"
    rb"|remove|sysinfo|netinfo|visit)\b",
    re.IGNORECASE,
)
"""Orders of IRC bots as the honeynet papers list them (https://www.honeynet.org/papers/bots/)."""


@rule(
    code="OUT011",
    name="irc-sessions",
    family="checkins",
    title="A client took part in IRC with a server outside",
    question="Does a client take part in IRC with a server outside, and does a program do the talking?",
    answers=("Q4", "Q6", "Q12"),
    why=(
        "IRC is rare in offices. Programs use it to take orders in a channel: a made-up nickname, one channel, "
        "orders in its topic."
    ),
    innocent=(
        Innocent(
            explanation="Somebody chats, or a project's own bot reports builds.",
            tell_apart="The nickname belongs to a person or project, and people talk in the channel.",
        ),
    ),
    confirm=("Follow the stream: nickname, channel, topic, who says what?", "Does the client's user chat?"),
    references=(
        Reference(title="RFC 2812 Internet Relay Chat: Client Protocol", url="https://www.rfc-editor.org/rfc/rfc2812"),
        Reference(title="ATT&CK T1071 Application Layer Protocol", url="https://attack.mitre.org/techniques/T1071/"),
        common.NON_STANDARD_PORT,
    ),
    needs=("tcp_sessions",),
    thresholds={"messages": Threshold(1, "messages", "One session is enough to name it, as context.")},
    weight=62,
)
def irc_sessions(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups IRC sessions by client, server and port, and reads their first lines."""
    first = tables.openings.filter(pl.col("transport") == "tcp")
    begun = first.filter(pl.col("data").bin.starts_with(b"NICK ") & (pl.col("order") < 2))["stream"].unique().implode()
    sessions = tables.tcp_sessions.filter((pl.col("protocol") == "IRC") | pl.col("stream").is_in(begun))
    drafts = []
    for (client, address, port), rows in sessions.group_by("client", "server", "server_port", maintain_order=True):
        if (
            rows["client_payload"].sum()
            and context.is_outside(str(address))
            and rows.height >= context.limit("messages")
        ):
            drafts.append(_draft(tables, str(client), str(address), int(str(port)), rows))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, client: str, address: str, port: int, rows: pl.DataFrame) -> Draft:
    server = common.server(tables, address, port)
    streams = rows["stream"].to_list()[:60]
    lines = tables.openings.filter((pl.col("transport") == "tcp") & pl.col("stream").is_in(streams))
    said = b"\n".join(lines["data"].to_list())
    spoken = [t for t in tables.misc.filter(pl.col("stream").is_in(streams))["irc_text"].to_list() if t]
    nicks = list(dict.fromkeys(m.decode("latin-1") for m in NICK.findall(said)))
    channels = list(dict.fromkeys(m.decode("latin-1") for m in JOINED.findall(said)))
    orders = [m.decode("latin-1") for m in ORDER.findall(said + b"\n" + "\n".join(spoken).encode())]
    signs = []
    if not known.usual_port("IRC", port):
        signs.append(f"port {port} is unusual for IRC")
    if any(MADE_UP.search(nick) for nick in nicks):
        signs.append("the nickname looks made up by a program")
    if orders:
        signs.append(f"it holds orders like {words.cut(orders[0], 30)}")
    priority: Priority = "high" if len(signs) >= 2 else "medium" if signs else "low"
    packets = tables.packets.filter(
        (pl.col("transport") == "tcp") & pl.col("stream").is_in(streams) & (pl.col("payload") > 0)
    )
    begun = float(rows["start"][0])
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        summary=(
            f"{client} spoke IRC with {server.words()} in {rows.height} session{'s' * (rows.height > 1)} from "
            f"{words.clock(begun)} UTC"
            f"{f', nickname {words.cut(nicks[0], 60)}' if nicks else ''}"
            f"{f', channel {words.cut(channels[0], 60)}' if channels else ''}"
            f"{'. Unusual: ' + '; '.join(signs) if signs else ''}.{server.about()}"
        ),
        sentence=f"{client} joined IRC at {server.words()}{f' as {words.cut(nicks[0], 60)}' if nicks else ''}",
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(filters.one_of("tcp.stream", streams), "tcp.len > 0", common.not_quoted(tables)),
        frames=packets["frame"].to_list(),
        evidence=evidence(
            [("time", "time"), ("from", "address"), ("line", "text"), ("frame", "frame")],
            [
                (r["time"], r["src"], words.cut(words.text_of(r["data"])), r["frame"])
                for r in lines.iter_rows(named=True)
            ],
        ),
        lowered_because="" if signs else "IRC on its port with an ordinary nickname.",
        indicators=(common.indicator(address),) if signs else (),
        time=begun,
        weight=2 * len(signs),
    )
