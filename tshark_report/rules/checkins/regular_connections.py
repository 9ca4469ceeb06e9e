"""Does a client connect to the same server at regular intervals?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Table
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _rhythm as rhythms
from tshark_report.rules.checkins import _throwaway as throwaway
from tshark_report.rules.checkins import _words as words
from tshark_report.rules.checkins.regular_requests import regular_paths
from tshark_report.tables.sessions import GENERIC_PROTOCOLS
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 10
MANY = 20
"""Contacts from which a clock-like interval alone is worth a look, where nothing about the server is unusual."""
PARALLEL_S = 0.5
"""Connections that start closer together are one contact: browsers open several at once."""


@dataclass(frozen=True)
class _Contact:
    """Sessions of one client with one server name (or bare address) and port."""

    client: str
    target: str
    port: int
    addresses: tuple[str, ...]
    sessions: pl.DataFrame
    rhythm: rhythms.Rhythm


@rule(
    code="CHK001",
    name="regular-connections",
    family="checkins",
    title="One client connected to one server at regular intervals",
    question="Does a client connect to the same server at regular intervals?",
    answers=("Q4", "Q6"),
    why=(
        "Programs that wait for orders ask for them at a fixed or slightly jittered interval: beacon-like contact. "
        "People do "
        "not: the gaps between their visits follow no rhythm. A regular interval alone only says that no person is "
        "behind it."
    ),
    innocent=(
        Innocent(
            explanation="A monitoring check, a script in a loop, a dashboard or an update client polls by design.",
            tell_apart=(
                "The server is one that the organisation knows; the process on the client belongs to an installed "
                "package."
            ),
        ),
        Innocent(
            explanation="An application reconnects after each answer, and the answer always takes the same time.",
            tell_apart="Sizes of the answers vary with what was asked, and the contact ends when its user closes it.",
        ),
    ),
    confirm=(
        "Which process on the client owns the connections? Look at the same minutes in its process or EDR log.",
        "Did the contact begin after a download or a login? Look at the minutes before the first session.",
        "Who else in the network speaks to this server, and since when?",
    ),
    references=(common.C2_WEB, common.REGULARITY_PAPER),
    needs=("tcp_sessions",),
    thresholds={
        "contacts": Threshold(8, "contacts", "Seven gaps: fewer may be regular by chance."),
        "jitter": Threshold(
            0.25,
            "share of the median gap",
            "Uniform jitter of 50 % either way gives 0.25; independent visits give 0.69.",
        ),
        "shortest_gap": Threshold(
            1.0, "seconds", "Faster than one a second is a load test or password guessing, not a check-in."
        ),
        "span": Threshold(15.0, "seconds", "A regular burst of less is one page or one program start."),
        "slow": Threshold(
            300.0, "seconds", "Schedulers of ordinary programs wait minutes; programs that wait for orders seldom do."
        ),
        "steady": Threshold(
            12,
            "contacts",
            "Eleven gaps, where two signs about the name stand beside the interval: with jitter, fewer may be people.",
        ),
        "regular_run": Threshold(
            0.5, "share of the gaps", "At least half of the gaps in one unbroken regular run, or a low spread."
        ),
    },
    weight=70,
)
def regular_connections(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups sessions by client, server name and port, and looks at the gaps between their starts."""
    found = [c for c in _contacts(tables, context) if not _told_by_requests(tables, c)]
    drafts = [_draft(tables, context, contact) for contact in found]
    yield from common.first_of(drafts, FINDINGS_MAX)


def _contacts(tables: Tables, context: Context) -> Iterator[_Contact]:
    least = int(context.limit("contacts"))
    worked = tables.tcp_sessions.filter(
        pl.col("established")
        & (pl.col("client_payload") > 0)
        & pl.col("syn_frame").is_not_null()
        & ~known.polled()
        & ~pl.col("protocol").is_in(["FTP-DATA", "BitTorrent"])
    )
    if worked.height < least:
        return
    names = tables.names
    worked = worked.with_columns(
        pl.col("server")
        .replace_strict(list(names), list(names.values()), default=pl.col("server"), return_dtype=pl.String)
        .alias("target")
        if names
        else pl.col("server").alias("target")
    )
    keys = ["client", "target", "server_port"]
    crowded = worked.group_by(keys).len().filter(pl.col("len") >= least)
    worked = worked.join(crowded, on=keys, how="semi", maintain_order="left")
    for (client, target, port), sessions in worked.group_by(keys, maintain_order=True):
        times = rhythms.apart(sessions["start"].to_list(), PARALLEL_S)
        rhythm = rhythms.rhythm(times)
        if rhythm is None or rhythm.contacts < least or not _regular(rhythm, context):
            continue
        addresses = tuple(sessions["server"].unique(maintain_order=True).to_list())
        if context.is_home(addresses[0]) and _ordinary_inside(sessions["protocol"][0], int(str(port))):
            continue
        yield _Contact(str(client), str(target), int(str(port)), addresses, sessions, rhythm)


def _regular(rhythm: rhythms.Rhythm, context: Context) -> bool:
    if rhythm.median < context.limit("shortest_gap") or rhythm.span < context.limit("span"):
        return False
    run = rhythm.run / (rhythm.contacts - 1)
    return rhythm.jitter <= context.limit("jitter") and (run >= context.limit("regular_run") or rhythm.jitter <= 0.1)


def _ordinary_inside(protocol: str, port: int) -> bool:
    """Inside the home network, known protocols on their ports are polled by half of all programs."""
    return protocol not in GENERIC_PROTOCOLS and known.usual_port(protocol, port)


def _told_by_requests(tables: Tables, contact: _Contact) -> bool:
    """True where the same contact is told as regular HTTP requests, which say more."""
    return any(
        told.client == contact.client and told.server in contact.addresses and told.port == contact.port
        for told in regular_paths(tables)
    )


def _draft(tables: Tables, context: Context, contact: _Contact) -> Draft:
    rhythm, sessions = contact.rhythm, contact.sessions
    server = common.server(tables, contact.addresses[0], contact.port)
    protocol = str(sessions["protocol"].mode().sort()[0])
    odd = common.oddities(context, tables, server, protocol)
    everywhere = throwaway.asked_by(tables, server.name) if not odd else 0
    signs = throwaway.signs(tables, contact.client, server, float(sessions["start"][0]))
    priority, confidence, lowered = _priority(context, contact, server, odd, signs)
    if priority == "medium" and everywhere:
        priority = "low"
        lowered = f"{everywhere} clients, most of those in this capture, ask for the same name: a program of them all."
    shown, frames = common.session_starts(tables, contact.client, contact.addresses, contact.port)
    up, down = _sizes(sessions["client_payload"]), _sizes(sessions["server_payload"])
    others = f" and {len(contact.addresses) - 1} more addresses of that name" if len(contact.addresses) > 1 else ""
    first, last = float(sessions["start"][0]), float(sessions["start"][-1])
    summary = (
        f"{contact.client} opened {sessions.height} sessions ({words.spoken(protocol)}) to {server.words()}{others} "
        f"between {words.clock(first)} and {words.clock(last)} UTC {rhythms.interval(rhythm, priority)}. "
        f"The longest unbroken regular run is {rhythm.run} of {rhythm.contacts - 1} gaps; "
        f"the client sent {up}, the server {down} a session.{server.about()}"
    )
    empty = _without_data(tables, sessions)
    if empty:
        summary += (
            f" In {empty} of {sessions.height} sessions no application data followed the TLS handshake: a retry loop."
        )
    if odd:
        summary += f" Unusual: {'; '.join(odd)}."
    if signs and priority in ("high", "medium"):
        summary += f" About its name: {'; '.join(signs)}."
    return Draft(
        subject=f"{contact.client} -> {server.key}",
        hosts=(contact.client, *contact.addresses[:5]),
        summary=summary,
        sentence=(
            f"{contact.client} began to connect to {server.words()} every {words.seconds(rhythm.median)} "
            f"({sessions.height} sessions)"
        ),
        priority=priority,
        confidence=confidence,
        display_filter=shown,
        frames=frames,
        evidence=_evidence(sessions),
        lowered_because=lowered,
        indicators=_indicators(context, server, contact.addresses) if priority in ("high", "medium") else (),
        line_up=("tcp.srcport", "frame.time_delta_displayed"),
        time=first,
        weight=min(10.0, rhythm.contacts / 20) + 3 * len(odd),
    )


def _priority(
    context: Context, contact: _Contact, server: common.Server, odd: list[str], signs: list[str]
) -> tuple[Priority, Confidence, str]:
    tight = contact.rhythm.jitter <= 0.1 and contact.rhythm.contacts >= 10
    confidence: Confidence = "high" if tight and contact.rhythm.contacts >= 20 else "medium"
    if not context.is_outside(contact.addresses[0]):
        if len(odd) >= 2:
            return "medium", "medium", ""
        return "low", confidence, "The server is in the home network, where programs poll each other."
    if server.polling:
        return "info", confidence, f"{server.name} is known to be polled: {server.polling}."
    if context.is_outside(contact.client) and context.is_home(contact.addresses[0]):
        return "low", confidence, "The contact comes from outside."
    if common.peer_to_peer(context, context.tables, contact.client):
        return "low", confidence, common.P2P_LOWERED
    if len(odd) >= 2:
        return "high", confidence, ""
    if len(signs) >= throwaway.SIGNS_MIN and (tight or contact.rhythm.contacts >= context.limit("steady")):
        return "medium", "medium" if tight else "low", ""
    if not odd and not (tight and contact.rhythm.contacts >= MANY):
        return (
            "low",
            confidence,
            "A named server on its usual port, and too few contacts to rule devices and pages out.",
        )
    if not odd and server.name and contact.rhythm.median >= context.limit("slow"):
        return "low", confidence, "A named server on its usual port, at the pace of update checks and telemetry."
    return "medium", confidence, ""


def _without_data(tables: Tables, sessions: pl.DataFrame) -> int:
    """TLS sessions in which no record of application data (type 23) was seen."""
    records = tables.tls.join(sessions.select("stream"), on="stream", how="semi").filter(pl.col("transport") == "tcp")
    spoke = records["stream"].n_unique()
    carried = records.filter(pl.col("record").list.contains(23))["stream"].n_unique()
    return spoke - carried if spoke else 0


def _sizes(values: pl.Series) -> str:
    low, middle, high = (int(v or 0) for v in (values.min(), values.median(), values.max()))  # type: ignore[arg-type]
    return words.size(low) if low == high else f"{low:,} to {high:,} bytes (median {middle:,})"


def _evidence(sessions: pl.DataFrame) -> Table:
    gaps = sessions["start"].diff().to_list()
    return evidence(
        [
            ("session starts", "time"),
            ("seconds since the last", "seconds"),
            ("client port", "port"),
            ("server", "address"),
            ("client sent", "bytes"),
            ("server sent", "bytes"),
            ("lasted", "seconds"),
            ("frame", "frame"),
        ],
        [
            (
                row["start"],
                gaps[i],
                row["client_port"],
                row["server"],
                row["client_payload"],
                row["server_payload"],
                row["seconds"],
                row["syn_frame"],
            )
            for i, row in enumerate(sessions.iter_rows(named=True))
        ],
    )


def _indicators(context: Context, server: common.Server, addresses: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    made = [common.indicator(a) for a in addresses if context.is_outside(a)]
    return (*made, ("domain", server.name)) if server.name else tuple(made)
