"""Did much more go out to one server than came back?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from tshark_report.knowledge.domains import registered_domain
from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _throwaway as throwaway
from tshark_report.rules.checkins import _words as words
from tshark_report.rules.checkins.bare_address_posts import bare_address_posts
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 6
MUCH = 5_000_000
"""Bytes from which an upload to a nameless server is worth a look by itself."""
NOTED = 1_000_000
"""Bytes from which an upload to a name with several signs of short use, or to a public file host, is worth a look."""


@rule(
    code="OUT004",
    name="upload-volume",
    family="checkins",
    title="Much more went out to one server outside than came back",
    question="What goes out of the door, to which address and port?",
    answers=("Q1", "Q4"),
    why=(
        "Most clients receive far more than they send. The reverse is a backup, a video call, a form with a file - "
        "or data leaving."
    ),
    innocent=(
        Innocent(
            explanation="Backups, cloud drives, mail with attachments, photos and video calls upload by design.",
            tell_apart="The server's name belongs to such a service, and the client's user knows about it.",
        ),
    ),
    confirm=(
        "Which file or process was read on the client in those minutes?",
        "Is the server known in the organisation?",
    ),
    references=(
        Reference(title="ATT&CK T1041 Exfiltration Over C2 Channel", url="https://attack.mitre.org/techniques/T1041/"),
        Reference(title="ATT&CK T1567 Exfiltration Over Web Service", url="https://attack.mitre.org/techniques/T1567/"),
    ),
    needs=("tcp_sessions",),
    thresholds={
        "bytes": Threshold(200_000, "bytes", "Less is a form, a picture or telemetry."),
        "ratio": Threshold(
            3, "times what came back", "Acknowledged uploads answer with little; downloads are far below 1."
        ),
    },
    weight=55,
)
def upload_volume(tables: Tables, context: Context) -> Iterator[Draft]:
    """Adds up both directions of TCP sessions by client, outside server and port."""
    sessions = tables.tcp_sessions.filter(
        (pl.col("client_payload") > 0)
        & ~pl.col("protocol").is_in(["FTP-DATA", "BitTorrent", "SMTP", "RTMP", "SSH"])
        & (pl.col("syns") + pl.col("syn_acks") > 0)
    )
    # Storage services spread one upload over servers with names of their own.
    servers = sessions["server"].unique().to_list()
    domain = {s: registered_domain(tables.names[s]) or s for s in servers if tables.names.get(s)}
    sessions = sessions.with_columns(
        pl.col("server").replace_strict(list(domain), list(domain.values()), default=pl.col("server")).alias("target")
        if domain
        else pl.col("server").alias("target")
    )
    keys = ["client", "target", "server_port"]
    sums = sessions.group_by(keys, maintain_order=True).agg(
        pl.col("server").sort_by("client_payload", descending=True).unique(maintain_order=True).alias("servers"),
        pl.len().alias("sessions"),
        pl.col("client_payload").sum().alias("out"),
        pl.col("server_payload").sum().alias("back"),
        pl.col("start").min(),
        pl.col("end").max(),
        "stream",
        pl.col("protocol").mode().first(),
    )
    sums = sums.filter(
        (pl.col("out") >= context.limit("bytes")) & (pl.col("out") >= context.limit("ratio") * pl.col("back"))
    )
    drafts = []
    for row in sums.sort("out", descending=True).iter_rows(named=True):
        if context.is_outside(row["servers"][0]) and not context.is_outside(row["client"]):
            draft = _draft(tables, context, row)
            if not any(d.subject == draft.subject for d in common.told(bare_address_posts, context)):
                drafts.append(draft)
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, context: Context, row: dict[str, Any]) -> Draft:
    addresses = [str(a) for a in row["servers"]]
    client, address, port = str(row["client"]), addresses[0], int(row["server_port"])
    out, back = int(row["out"]), int(row["back"])
    protocol = str(row["protocol"])
    server = common.server(tables, address, port)
    odd = common.oddities(context, tables, server, protocol)
    signs = throwaway.signs(tables, client, server, float(row["start"]))
    priority, confidence, lowered = _priority(server, out, odd, signs)
    streams = row["stream"] if isinstance(row["stream"], list) else []
    requests = tables.http.filter(
        pl.col("stream").is_in(streams) & pl.col("method").is_in(["POST", "PUT"]) & (pl.col("src") == client)
    )
    asked = (
        requests.select(pl.concat_str("method", pl.lit(" "), "uri", ignore_nulls=True).alias("a"))["a"]
        .unique(maintain_order=True)
        .to_list()
    )
    packets = tables.packets.filter(
        (pl.col("transport") == "tcp")
        & (pl.col("src") == client)
        & pl.col("dst").is_in(addresses)
        & (pl.col("dst_port") == port)
        & (pl.col("payload") > 0)
    )
    start, end = float(str(row["start"])), float(str(row["end"]))
    more = f" and {len(addresses) - 1} more servers under {row['target']}" if len(addresses) > 1 else ""
    summary = (
        f"{client} sent {words.size(out)} to {server.words()}{more} ({words.spoken(protocol)}) in {row['sessions']} "
        f"session{'s' * (row['sessions'] != 1)} between {words.clock(start)} and {words.clock(end)} UTC and received "
        f"{words.size(back)}: "
        f"an upload{', ' + ', '.join(words.cut(a, 80) for a in asked[:3]) if asked else ''}.{server.about()}"
    )
    if odd:
        summary += f" Unusual: {'; '.join(odd)}."
    if known.file_host(server.name):
        summary += f" {known.file_host(server.name)} takes files from anybody."
    if signs and priority == "medium":
        summary += f" About its name: {'; '.join(signs)}."
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, *addresses[:5]),
        summary=summary,
        sentence=(
            f"{client} uploaded {words.size(out)} to {server.words()}{more}"
            f"{' (' + words.cut(asked[0], 60) + ')' if asked else ''}"
        ),
        priority=priority,
        confidence=confidence,
        display_filter=filters.all_of(
            filters.src(client),
            filters.any_of(*(filters.dst(a) for a in addresses)),
            filters.dst_port("tcp", port),
            "tcp.len > 0",
            common.not_quoted(tables),
        ),
        frames=packets["frame"].to_list(),
        evidence=evidence(
            [("server", "address"), ("port", "port"), ("out", "bytes"), ("back", "bytes"), ("sessions", "count")],
            [(address, port, out, back, int(str(row["sessions"])))],
        ),
        lowered_because=lowered,
        indicators=(common.indicator(address),) if priority == "medium" else (),
        time=start,
        weight=min(10.0, out / 1e6),
    )


def _priority(server: common.Server, out: int, odd: list[str], signs: list[str]) -> tuple[Priority, Confidence, str]:
    if server.polling:
        return "info", "high", f"{server.name} is a well-known service: {server.polling}."
    nameless = any("bare address" in o for o in odd)
    if nameless or len(odd) >= 2 or (odd and out >= MUCH):
        return "medium", "medium", ""
    if out >= NOTED and (known.file_host(server.name) or len(signs) >= throwaway.SIGNS_MIN):
        return "medium", "medium", ""
    return "low", "medium", "Uploads to named servers on ordinary ports are mostly what they seem."
