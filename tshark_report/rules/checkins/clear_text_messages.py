"""Is clear text exchanged in a protocol that tshark does not know, on a port without a known service?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _words as words
from tshark_report.rules.checkins.regular_messages import regular_messages
from tshark_report.tables.sessions import GENERIC_PROTOCOLS
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 5
MINING = re.compile(
    r'"method"\s*:\s*"(mining\.(subscribe|authorize|submit)|eth_submitLogin|login"\s*,\s*"params"\s*:\s*\{\s*"login")'
)
"""First requests of Stratum, the protocol between a crypto-mining program and its pool (slush pool's and xmrig's
documentation; read 2026-11-24)."""
UNKNOWN = "a protocol that tshark does not know"
SEPARATORS = ("|'|'|", "||", "<|>", "|", ";", "##", "$$", "<>", "\u00a6")

REQUEST = re.compile(r"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) \S+ HTTP/1\.")


@rule(
    code="CHK006",
    name="clear-text-messages",
    family="checkins",
    title="Clear text was exchanged in an unknown protocol on an odd port",
    question="Is clear text exchanged in a protocol that tshark does not know, on a port without a known service?",
    answers=("Q6", "Q12"),
    why=(
        "Home-made protocols are often text: a command, a separator, the client's name and user. Reading the first "
        "message "
        "usually tells what kind of program it is."
    ),
    innocent=(
        Innocent(
            explanation="Games, sensors, printers and in-house programs speak text protocols of their own.",
            tell_apart="Somebody in the organisation knows the program, and the text holds measurements or game state.",
        ),
        Innocent(
            explanation="The owner of the machine mines a crypto-currency on it on purpose.",
            tell_apart="The owner says so, and the account in the log-in message is theirs.",
        ),
    ),
    confirm=(
        "Follow the stream and read it from its start: who asks, who answers, are there commands, names or paths?",
    ),
    references=(common.NON_APPLICATION, common.NON_STANDARD_PORT),
    needs=("openings",),
    thresholds={
        "fields": Threshold(
            4, "fields", "A message with this many fields between one separator reports about a machine."
        ),
        "bytes": Threshold(8, "bytes", "Shorter payloads are text by chance."),
    },
    weight=60,
)
def clear_text_messages(tables: Tables, context: Context) -> Iterator[Draft]:
    """Looks at the first payloads of sessions that tshark could not name."""
    unknown = tables.tcp_sessions.filter(
        pl.col("protocol").is_in(GENERIC_PROTOCOLS)
        & (pl.col("client_payload") + pl.col("server_payload") > 0)
        & (pl.col("syns") + pl.col("syn_acks") > 0)
        & ~known.polled()
    )
    if unknown.is_empty():
        return
    said = tables.openings.filter(pl.col("transport") == "tcp").join(
        unknown.select("stream", "client", "server", "server_port"), on="stream", how="inner", maintain_order="left"
    )
    least = int(context.limit("bytes"))
    found: list[tuple[tuple[int, int], _Exchange]] = []
    for (client, address, port), rows in said.group_by("client", "server", "server_port", maintain_order=True):
        texts = {(row["src"], row["frame"]): words.text_of(row["data"], least) for row in rows.iter_rows(named=True)}
        spoken = [(src, frame, text) for (src, frame), text in texts.items() if text]
        if not spoken or 2 * len(spoken) < len(texts):
            continue
        if any(text.startswith(("NICK ", "SSH-")) or REQUEST.match(text) for *_, text in spoken):
            continue  # IRC and SSH have rules of their own; an HTTP request that was never finished is HTTP
        one = (str(client), str(address), int(str(port)), rows, spoken)
        found.append((_urgency(context, *one, context.limit("fields")), one))
    if not found:
        return
    found.sort(key=lambda each: each[0])
    told = {d.subject for d in common.told(regular_messages, context)}
    # A server of thousands of clients would make thousands of drafts of which ten are told.
    drafts = [_draft(tables, context, *one) for _, one in found[: DRAFTED * FINDINGS_MAX]]
    yield from common.first_of([draft for draft in drafts if draft.subject not in told], FINDINGS_MAX)


_Exchange = tuple[str, str, int, pl.DataFrame, list[tuple[str, int, str]]]
"""Client, server, its port, the openings between them, and what was said: sender, frame, text."""
DRAFTED = 4
"""Findings that are worked out for each one that is told."""


def _urgency(
    context: Context,
    client: str,
    server: str,
    _port: int,
    rows: pl.DataFrame,
    spoken: list[tuple[str, int, str]],
    least: float,
) -> tuple[int, int]:
    """Sorts what would be told first to the front, as far as that can be told cheaply."""
    own = [text for src, _, text in spoken if src == client]
    if any(MINING.search(text) for text in own):
        return 0, -rows.height
    if not context.is_outside(server):
        return 3, -rows.height
    sample = max(own or [text for *_, text in spoken], key=len)
    return (1 if _fields(sample)[1] >= least else 2), -rows.height


def _draft(
    tables: Tables,
    context: Context,
    client: str,
    address: str,
    port: int,
    rows: pl.DataFrame,
    spoken: list[tuple[str, int, str]],
) -> Draft:
    server = common.server(tables, address, port)
    odd = common.oddities(context, tables, server, "TCP")
    own = [text for src, _, text in spoken if src == client]
    sample = max(own or [text for *_, text in spoken], key=len)
    separator, fields = _fields(sample)
    mining = any(MINING.search(text) for text in own)
    priority, lowered = _priority(context, client, server, fields >= context.limit("fields"))
    if mining:
        priority, lowered = "medium", ""
    streams = sorted(rows["stream"].unique().to_list())
    sessions = tables.tcp_sessions.filter(pl.col("stream").is_in(streams))
    packets = near.of_streams(tables, "tcp", streams).filter(pl.col("payload") > 0)
    constant = words.constant_start(own).strip() if len(own) > 1 else ""
    first = float(rows["time"].to_list()[0])
    summary = (
        f"{client} and {server.words()} exchanged clear text in {len(streams)} session{'s' * (len(streams) > 1)} of "
        f"{'Stratum, the protocol between crypto-mining programs and their pool' if mining else UNKNOWN} "
        f"({words.size(float(sessions['client_payload'].sum()))} out, "
        f'{words.size(float(sessions["server_payload"].sum()))} back). It begins "{words.cut(sample)}"'
    )
    summary += f', {fields} fields between "{separator}"' if fields >= context.limit("fields") else ""
    summary += f'; constant: "{words.cut(constant, 40)}"' if len(constant) >= 3 and constant != sample else ""
    summary += f".{server.about()}"
    if odd:
        summary += f" Unusual: {'; '.join(odd)}."
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        title="A client exchanged crypto-mining messages (Stratum) in clear text" if mining else "",
        summary=summary,
        sentence=(
            f"{client} sent {'crypto-mining messages (Stratum)' if mining else 'clear text in an unknown protocol'} to "
            f'{server.words()}, like "{words.cut(sample, 60)}"'
        ),
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(filters.one_of("tcp.stream", streams), "tcp.len > 0", common.not_quoted(tables)),
        frames=packets["frame"].to_list(),
        evidence=evidence(
            [("from", "address"), ("text", "text"), ("frame", "frame")],
            [(src, words.cut(text), frame) for src, frame, text in spoken],
        ),
        lowered_because=lowered,
        indicators=(common.indicator(address),) if priority == "medium" else (),
        time=first,
        weight=2 * len(odd),
    )


def _fields(text: str) -> tuple[str, int]:
    """The separator that cuts a message into the most fields with something in them."""
    best = ("", 0)
    for separator in SEPARATORS:
        count = sum(1 for part in text.split(separator) if re.search(r"\w", part)) if separator in text else 0
        if count > best[1]:
            best = (separator, count)
    return best


def _priority(context: Context, client: str, server: common.Server, structured: bool) -> tuple[Priority, str]:
    if not context.is_outside(server.address):
        return "low", "The server is in the home network, where in-house programs speak protocols of their own."
    if server.polling:
        return "info", f"{server.name} is a well-known service: {server.polling}."
    if common.peer_to_peer(context, context.tables, client):
        return "low", common.P2P_LOWERED
    if structured:
        return "medium", ""
    return "low", "The text has no structure that reports about a machine."
