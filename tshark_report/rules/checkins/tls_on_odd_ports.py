"""Was TLS spoken with an outside server on a port where TLS is unusual?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _words as words
from tshark_report.rules.checkins.odd_certificates import odd_certificates
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 8


@rule(
    code="TLS002",
    name="tls-on-odd-ports",
    family="checkins",
    title="TLS was spoken with an outside server on an unusual port",
    question="Was TLS spoken with an outside server on a port where TLS is unusual?",
    answers=("Q4", "Q6"),
    why=(
        "Proxies and firewalls look into port 443. Programs that want to be left alone encrypt on a port that nobody "
        "looks at, "
        "mostly without a server name."
    ),
    innocent=(
        Innocent(
            explanation="Games, VPNs, panels, Tor and peer-to-peer programs use TLS on ports of their own.",
            tell_apart="The server's name or certificate names the maker of a program that is installed.",
        ),
    ),
    confirm=(
        "Which process on the client owns the session?",
        "What does the certificate say (TLS 1.2 and older show it)?",
    ),
    references=(common.NON_STANDARD_PORT, common.ENCRYPTED_CHANNEL),
    needs=("tls", "openings"),
    thresholds={
        "sessions": Threshold(1, "sessions", "One is enough to name it; the priority depends on what else is unusual.")
    },
    weight=50,
)
def tls_on_odd_ports(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups client hellos by client, server and port."""
    hello = tables.tls.filter(
        pl.col("handshake").list.contains(1)
        & (pl.col("transport") == "tcp")
        & pl.col("src").is_not_null()
        & ~pl.col("dst_port").is_in(list(known.ports("tls")))
    )
    unseen = _taken_for_another(tables)
    if unseen.height:
        hello = pl.concat([hello, unseen], how="diagonal")
    told = (
        {d.subject for d in common.told(odd_certificates, context) if d.priority != "info"} if hello.height else set()
    )
    drafts = []
    for (client, address, port), rows in hello.group_by("src", "dst", "dst_port", maintain_order=True):
        if rows.height < context.limit("sessions") or not context.is_outside(str(address)):
            continue
        draft = _draft(tables, context, str(client), str(address), int(str(port)), rows)
        if draft.subject not in told:
            drafts.append(draft)
    yield from common.first_of(drafts, FINDINGS_MAX)


def _taken_for_another(tables: Tables) -> pl.DataFrame:
    """Client hellos that tshark did not recognise, because the port belongs to another protocol."""
    hidden = common.hidden_tls(tables)
    if not hidden:
        return tables.tls.clear()
    first = tables.openings.filter(
        (pl.col("transport") == "tcp") & (pl.col("order") == 0) & pl.col("stream").is_in(list(hidden))
    )
    sessions = tables.tcp_sessions.select("stream", "client", "client_port", pl.col("protocol").alias("taken_for"))
    own = first.join(sessions, on="stream").filter(
        (pl.col("src") == pl.col("client")) & (pl.col("src_port") == pl.col("client_port"))
    )
    return own.select("frame", "time", "src", "dst", "src_port", "dst_port", "stream", "taken_for").filter(
        ~pl.col("dst_port").is_in(list(known.ports("tls")))
    )


def _draft(tables: Tables, context: Context, client: str, address: str, port: int, rows: pl.DataFrame) -> Draft:
    server = common.server(tables, address, port)
    asked = [n for n in rows["server_name"].unique(maintain_order=True).to_list() if n]
    taken_for = sorted(set(rows["taken_for"].drop_nulls().to_list())) if "taken_for" in rows.columns else []
    ja3 = [j for j in rows["ja3"].unique(maintain_order=True).to_list() if j]
    sessions = tables.tcp_sessions.join(rows.select("stream").unique(), on="stream", how="semi")
    priority, lowered = _priority(tables, context, client, server, asked)
    named = f"server name {words.cut(asked[0], 80)}" if asked else "no server name (SNI)"
    if taken_for:
        named = f"a client hello in the first bytes, which tshark reads as {taken_for[0]} because of the port"
    shown, frames = common.session_starts(tables, client, [address], port)
    if not frames and taken_for:
        shown, frames = filters.frames(rows["frame"].to_list()), rows["frame"].to_list()
    elif not frames:
        shown, frames = _hellos(tables, client, address, port, rows)
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        summary=(
            f"{client} spoke TLS with {server.words()} in {sessions.height} session{'s' * (sessions.height != 1)} from "
            f"{words.clock(float(rows['time'].to_list()[0]))} UTC, with {named}; "
            f"{words.size(float(sessions['client_payload'].sum()))} out, "
            f"{words.size(float(sessions['server_payload'].sum()))} back. Port {port} is unusual for "
            f"TLS.{server.about()}" + (f" JA3 of the client: {ja3[0]}." if ja3 else "")
        ),
        sentence=f"{client} spoke TLS with {server.words()}, a port where TLS is unusual",
        priority=priority,
        confidence="medium",
        display_filter=shown,
        frames=frames,
        evidence=evidence(
            [
                ("session starts", "time"),
                ("client port", "port"),
                ("lasted", "seconds"),
                ("out", "bytes"),
                ("back", "bytes"),
            ],
            [
                (s["start"], s["client_port"], s["seconds"], s["client_payload"], s["server_payload"])
                for s in sessions.iter_rows(named=True)
            ],
        ),
        lowered_because=lowered,
        indicators=(common.indicator(address), *(("ja3", j) for j in ja3[:1])) if priority == "medium" else (),
        time=float(rows["time"].to_list()[0]),
    )


def _hellos(tables: Tables, client: str, address: str, port: int, rows: pl.DataFrame) -> tuple[str, list[int]]:
    shown = filters.all_of(
        "tls.handshake.type == 1",
        filters.src(client),
        filters.dst(address),
        filters.dst_port("tcp", port),
        common.not_quoted(tables),
    )
    return shown, rows["frame"].to_list()


def _priority(
    tables: Tables, context: Context, client: str, server: common.Server, asked: list[str]
) -> tuple[Priority, str]:
    if server.polling:
        return "info", f"{server.name} is a well-known service: {server.polling}."
    if server.dynamic and not known.vendor_dynamic_dns(server.name):
        return "medium", ""
    if common.peer_to_peer(context, tables, client):
        return "low", common.P2P_LOWERED
    if not server.name and not asked and tables.dns.height:
        return "medium", ""
    return "low", "Many programs use TLS on a port of their own."
