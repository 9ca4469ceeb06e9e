"""What did a client do differently after it had received something that stands out?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.delivery import _common as common
from tshark_report.rules.delivery import _grading as grading
from tshark_report.rules.delivery._deliveries import deliveries
from tshark_report.rules.delivery._delivery import Delivery
from tshark_report.rules.delivery._http import exchanges
from tshark_report.rules.delivery._signs import shown_name
from tshark_report.settings import is_multicast
from tshark_report.story.words import clock, count, duration, iso_time, listed
from tshark_report.tables.tables import Tables

SERVICE_PORTS = (53, 67, 68, 123, 137, 138, 547, 1900, 3702, 5353, 5355)
"""Name, address, time and neighbour services: a client asks them whatever it does."""
WEB_PORTS = (80, 443)
MOST_PEERS = 15
"""Peers that the filter names."""


@dataclass(frozen=True)
class _Peer:
    address: str
    port: int
    transport: str
    first: float
    sessions: int
    sent: int
    received: int
    posted: str
    agent: str
    """A User-Agent that the client had not used before."""
    returned: bool
    """The source of the download itself, contacted again."""
    other_port: bool
    """The source, on a port that the download did not use."""


@rule(
    code="DEL007",
    name="change-after-download",
    family="delivery",
    title="A client contacted hosts it had not contacted before, right after a download that stands out",
    question="What changed after the download: new hosts, ports and names, uploads, a first POST?",
    answers=("Q3", "Q4"),
    why=(
        "Whether a downloaded program ran cannot be seen on the wire, but its first steps can: names that nobody asked "
        "for before, hosts and ports never contacted before, more bytes going out than coming in."
    ),
    innocent=(
        Innocent(
            explanation="Browsing goes on, and every page brings hosts that were not contacted before.",
            tell_apart="The requests to the new hosts carry a browser's Referer, and the hosts serve known sites.",
        ),
        Innocent(
            explanation="An installed program looks for its own updates and its licence server.",
            tell_apart="The hosts belong to the vendor of the program that was installed.",
        ),
    ),
    confirm=(
        "Open each new host in time order: which process spoke to it, and what was the first thing it said?",
        "Compare with the same client an hour and a day before.",
        "Look whether contact with a new host goes on at a regular interval.",
    ),
    references=(common.TOOL_TRANSFER, common.WEB_PROTOCOLS),
    needs=("packets",),
    thresholds={
        "after_seconds": Threshold(600.0, "seconds", "First steps of a program come within minutes."),
        "upload_bytes": Threshold(100_000.0, "bytes", "More than forms and telemetry send to one host in ten minutes."),
        "before_seconds": Threshold(30.0, "seconds", "With less capture before the download nearly everything is new."),
    },
    weight=80,
)
def change_after_download(tables: Tables, context: Context) -> Iterator[Draft]:
    """Sets sessions after the first download that stands out against everything before it, client by client."""
    first: dict[str, grading.Graded] = {}
    for one in grading.graded(tables, context):
        d = one.delivery
        if one.loud and not (d.protocol == "http" and d.from_client) and d.protocol != "mail":
            kept = first.get(d.destination)
            if kept is None or (one.priority == "high" and kept.priority != "high"):
                first[d.destination] = one
    for one in list(first.values())[: common.MOST_FINDINGS]:
        draft = _draft(tables, context, one)
        if draft is not None:
            yield draft


def _draft(tables: Tables, context: Context, one: grading.Graded) -> Draft | None:
    d = one.delivery
    client, start = d.destination, d.start
    end = max(d.time, start)
    peers = _peers(tables, context, d, start, end)
    if not peers:
        return None
    own = near.packets(tables, (pl.col("src") == client) | (pl.col("dst") == client), "time")
    before = start - float(own["time"][0]) if own.height else 0.0
    names = _names(tables, client, start, end + context.limit("after_seconds"))
    fresh = [p for p in peers if not p.returned]
    posted = [p for p in peers if p.posted]
    heavy = [p for p in peers if p.sent >= context.limit("upload_bytes") and p.sent > p.received]
    odd = [p for p in fresh if p.port not in WEB_PORTS and context.is_outside(p.address)]
    odd += [p for p in peers if p.other_port and p.port not in WEB_PORTS]
    strong = bool(posted or heavy or odd) or any(p.returned and p.sessions >= 2 for p in peers)
    priority: Priority = "low"
    if one.priority == "high":
        priority = "high" if strong else "medium" if fresh else "low"
    elif strong:
        priority = "medium"
    little = before < context.limit("before_seconds")
    confidence: Confidence = "low" if little and not strong else "medium" if little or not strong else "high"
    shown = peers[:MOST_PEERS]
    frames = _frames(tables, client, shown)
    display_filter = filters.all_of(
        filters.host(client), filters.any_of(*dict.fromkeys(filters.host(p.address) for p in shown)), "tcp || udp",
        filters.negated("icmp || icmpv6"), filters.frame_range(frames[0], None),
    )  # fmt: skip
    parts = [_told(context, p, end) for p in shown[:5]]
    rest = f" and {len(peers) - 5} more" if len(peers) > 5 else ""
    asked = f" Names first asked for afterwards: {common.names(names, 6)}." if names else ""
    known = (
        f"The capture holds only {duration(before)} of {client} before the download, so that little can be called new."
        if little
        else f"Before the download, in {duration(before)} of traffic, it had contacted none of these servers and ports."
    )
    return Draft(
        subject=f"{client} after {common.cut(shown_name(d) or d.what, 60)} from {d.source}",
        hosts=(client, *dict.fromkeys(p.address for p in shown if p.address != client)),
        summary=(
            f"After {client} had received {common.cut(shown_name(d), 60) or 'a file'} ({d.what}) from {d.source} at "
            f"{clock(end)} UTC, it contacted {listed(parts, 5)}{rest}.{asked} {known}"
        ),
        sentence=f"{client}, after the download, {_sentence(context, peers, end)}",
        priority=priority,
        confidence=confidence,
        display_filter=display_filter,
        frames=frames,
        evidence=evidence(
            [("first contact", "time"), ("after the download", "seconds"), ("peer", "address"), ("name", "text"),
             ("port", "port"), ("transport", "text"), ("sessions", "count"), ("sent", "bytes"), ("received", "bytes"),
             ("first POST", "text"), ("new", "text")],
            [
                (iso_time(p.first), round(p.first - end, 3), p.address, common.cut(tables.names.get(p.address, ""), 80),
                 p.port, p.transport, p.sessions, p.sent, p.received, p.posted,
                 "contacted again" if p.returned else "new")
                for p in peers
            ],
        ),
        lowered_because="the capture holds little of this client before the download" if little else "",
        indicators=tuple(
            ("ipv6" if ":" in p.address else "ipv4", p.address)
            for p in posted + heavy + odd
            if context.is_outside(p.address)
        ),
        time=peers[0].first if not strong else (posted + heavy + odd or peers)[0].first,
        weight=float(min(5, len(posted) + len(heavy) + len(odd))),
    )  # fmt: skip


def _peers(tables: Tables, context: Context, d: Delivery, start: float, end: float) -> list[_Peer]:
    """Servers that the client first contacted after the download, and its source where it was contacted again."""
    client, limit = d.destination, end + context.limit("after_seconds")
    columns = ("stream", "server", "server_port", "start", "client_payload", "server_payload")
    own = [
        table.filter(
            (pl.col("client") == client) & (pl.col("start") >= start) & (pl.col("start") <= limit)
            & (pl.col("client_packets") > 0) & ~pl.col("server_port").is_in(SERVICE_PORTS)
        ).select(*columns, pl.lit(kind).alias("transport"))
        for kind, table in (("tcp", tables.tcp_sessions), ("udp", tables.udp_flows))
    ]  # fmt: skip
    later = pl.concat(own).filter((pl.col("client_payload") > 0) | (pl.col("server_payload") > 0))
    if d.stream is not None:
        later = later.filter(~((pl.col("transport") == d.transport) & (pl.col("stream") == d.stream)))
    before = (pl.col("time") < start) & ((pl.col("src") == client) | (pl.col("dst") == client))
    earlier = near.packets(tables, before, "src", "dst", "dst_port")
    known = set(earlier["src"].unique().to_list()) | set(earlier["dst"].unique().to_list())
    asked = exchanges(tables).filter(pl.col("client") == client)
    agents = set(asked.filter(pl.col("time") <= end)["user_agent"].to_list())
    same = {one.stream for one in deliveries(tables) if one.source == d.source and one.destination == client}
    used = {
        d.port,
        *(
            port
            for address, port in earlier.filter(pl.col("src") == client).select("dst", "dst_port").unique().iter_rows()
            if address == d.source
        ),
    }
    made = []
    for (server, number, transport), rows in later.sort("start").group_by(
        "server", "server_port", "transport", maintain_order=True
    ):
        address, port = str(server), int(str(number))
        returned = address == d.source
        if returned:
            rows = rows.filter(~pl.col("stream").is_in([s for s in same if s is not None]) & (pl.col("start") >= end))
        if rows.is_empty() or is_multicast(address) or (address in known and not returned):
            continue
        first = float(rows["start"][0])
        requests = asked.filter((pl.col("server") == address) & (pl.col("port") == port) & (pl.col("time") >= first))
        posts = requests.filter(pl.col("method") == "POST")["uri"].drop_nulls()
        agent = next(
            (a for a in requests["user_agent"].unique(maintain_order=True).to_list() if a and a not in agents), ""
        )
        made.append(
            _Peer(address, port, str(transport), first, rows.height, int(rows["client_payload"].sum()),
                  int(rows["server_payload"].sum()), common.cut(posts[0], 80) if posts.len() else "", agent, returned,
                  returned and port not in used)
        )  # fmt: skip
    made.sort(key=lambda p: (not p.posted, p.port in WEB_PORTS, -p.sent, p.first))
    return made


def _names(tables: Tables, client: str, start: float, until: float) -> list[str]:
    asked = tables.dns.filter(
        (pl.col("src") == client) & ~pl.col("response") & pl.col("name").is_not_null() & (pl.col("protocol") == "DNS")
    )
    before = asked.filter(pl.col("time") < start)["name"].unique()
    after = asked.filter(
        (pl.col("time") >= start) & (pl.col("time") <= until) & ~pl.col("name").is_in(before.implode())
    )
    return after["name"].unique(maintain_order=True).to_list()


def _frames(tables: Tables, client: str, peers: list[_Peer]) -> list[int]:
    addresses = list({p.address for p in peers})
    between = ((pl.col("src") == client) & pl.col("dst").is_in(addresses)) | (
        (pl.col("dst") == client) & pl.col("src").is_in(addresses)
    )
    rows = near.packets(tables, between & pl.col("transport").is_in(["tcp", "udp"]), "frame", "time")
    first = rows.filter(pl.col("time") >= min(p.first for p in peers))["frame"]
    return rows.filter(pl.col("frame") >= int(first[0]))["frame"].to_list()


def _told(context: Context, p: _Peer, end: float) -> str:
    sessions = count(p.sessions, "session")
    post = f", first POST {p.posted}" if p.posted else ""
    again = " (the source of the download, again)" if p.returned and not p.other_port else ""
    again = " (the source of the download, on another port)" if p.other_port else again
    agent = f", with the User-Agent {common.cut(p.agent, 60)}, not used before" if p.agent else ""
    return (
        f"{common.called(context, p.address)} {p.transport.upper()} port {p.port}{again} after "
        f"{duration(max(0.0, p.first - end))} ({sessions}, {p.sent:,} bytes sent, {p.received:,} received{post}{agent})"
    )


def _sentence(context: Context, peers: list[_Peer], end: float) -> str:
    lead = peers[0]
    act = "posted to" if lead.posted else "contacted"
    others = list(dict.fromkeys(p.address for p in peers[1:] if p.address != lead.address))
    more = f" and then {listed(others, 3)}" if others else ""
    first = "" if lead.returned and not lead.other_port else "for the first time "
    return (
        f"{act} {common.called(context, lead.address)} port {lead.port} {first}"
        f"{duration(max(0.0, lead.first - end))} after its end{more}"
    )
