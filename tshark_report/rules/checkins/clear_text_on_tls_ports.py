"""Was something else than TLS spoken on a port where TLS is expected?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 5
TLS_PORTS = (443, 465, 636, 853, 993, 995, 8443)
"""TCP ports that begin with a TLS hello at once, without STARTTLS."""


@rule(
    code="TLS004",
    name="clear-text-on-tls-ports",
    family="checkins",
    title="Something else than TLS was spoken on a TLS port",
    question="Was something else than TLS spoken on a port where TLS is expected?",
    answers=("Q4", "Q6"),
    why=(
        "Port 443 is open everywhere, so programs use it for protocols of their own. A firewall that looks at ports "
        "only takes it "
        "for web traffic."
    ),
    innocent=(
        Innocent(
            explanation=(
                "Messengers, VPNs and remote-support tools use port 443 with protocols of their own where others are "
                "blocked."
            ),
            tell_apart="The server's address belongs to the maker of such a program.",
        ),
        Innocent(
            explanation="A person or a scanner typed http:// for an https port.",
            tell_apart="The server answers 400 and closes.",
        ),
    ),
    confirm=("Follow the stream: what are its first bytes?", "Which process on the client owns the session?"),
    references=(common.NON_STANDARD_PORT, common.NON_APPLICATION),
    needs=("openings",),
    thresholds={"bytes": Threshold(4, "bytes", "Less is not enough to tell a TLS record from something else.")},
    weight=48,
)
def clear_text_on_tls_ports(tables: Tables, context: Context) -> Iterator[Draft]:
    """Looks at the client's first bytes of sessions on TLS ports whose start is in the capture."""
    # tshark takes whatever comes on port 443 for TLS, so a handshake decides, not the protocol's name.
    shaken = tables.tls.filter(pl.col("handshake").list.len() > 0)["stream"].unique().implode()
    sessions = tables.tcp_sessions.filter(
        pl.col("server_port").is_in(list(TLS_PORTS))
        & (pl.col("syns") > 0)
        & (pl.col("client_payload") > 0)
        & ~pl.col("stream").is_in(shaken)
    )
    if sessions.is_empty():
        return
    first = tables.openings.filter((pl.col("transport") == "tcp") & (pl.col("order") == 0)).join(
        sessions.select("stream", "client", "server", "server_port", "protocol").rename({"protocol": "spoken"}),
        left_on=["stream", "src"],
        right_on=["stream", "client"],
        how="inner",
        maintain_order="left",
    )
    other = [
        row
        for row in first.iter_rows(named=True)
        if len(row["data"]) >= context.limit("bytes") and not _tls(row["data"])
    ]
    groups: dict[tuple[str, str, int], list[dict[str, object]]] = {}
    for row in other:
        groups.setdefault((row["src"], row["server"], row["server_port"]), []).append(row)
    drafts = [_draft(tables, context, *key, rows) for key, rows in groups.items()]
    yield from common.first_of(drafts, FINDINGS_MAX)


def _tls(data: bytes) -> bool:
    """A TLS record (RFC 8446, section 5.1), or an SSL 2 client hello."""
    return (0x14 <= data[0] <= 0x18 and data[1] == 0x03) or (
        data[0] & 0x80 != 0 and data[2] == 0x01 and data[3] <= 0x03
    )


def _draft(
    tables: Tables, context: Context, client: str, address: str, port: int, rows: list[dict[str, object]]
) -> Draft:
    server = common.server(tables, address, port)
    streams = sorted({int(str(row["stream"])) for row in rows})
    spoken = str(rows[0]["spoken"])
    data = rows[0]["data"]
    start = data if isinstance(data, bytes) else b""
    text = words.text_of(start)
    posted = spoken.startswith("HTTP") and start[:4] in (b"POST", b"PUT ")
    shell = start.startswith(b"SSH-")
    priority, lowered = _priority(context, server, posted or shell, bool(text))
    what = f'text, "{words.cut(text, 80)}"' if text else f"bytes {start[:12].hex(' ')}"
    packets = tables.packets.filter(
        (pl.col("transport") == "tcp") & pl.col("stream").is_in(streams) & (pl.col("payload") > 0)
    )
    kind = (
        "HTTP in clear text"
        if spoken.startswith("HTTP")
        else "SSH"
        if shell
        else words.spoken("TCP" if spoken.startswith(("TLS", "SSL")) else spoken)
    )
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        summary=(
            f"{client} did not speak TLS with {server.words()} but {kind} in {len(streams)} "
            f"session{'s' * (len(streams) > 1)} from "
            f"{words.clock(float(str(rows[0]['time'])))} UTC; the client began with {what}.{server.about()}"
        ),
        sentence=f"{client} spoke {kind} with {server.words()}, where TLS is expected",
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(
            filters.one_of("tcp.stream", streams[:100]), "tcp.len > 0", common.not_quoted(tables)
        ),
        frames=packets["frame"].to_list(),
        evidence=evidence(
            [
                ("time", "time"),
                ("client port", "port"),
                ("protocol", "text"),
                ("first bytes", "text"),
                ("frame", "frame"),
            ],
            [
                (
                    float(str(r["time"])),
                    int(str(r["src_port"])),
                    str(r["spoken"]),
                    what if i == 0 else "",
                    int(str(r["frame"])),
                )
                for i, r in enumerate(rows)
            ],
        ),
        lowered_because=lowered,
        time=float(str(rows[0]["time"])),
    )


def _priority(context: Context, server: common.Server, telling: bool, text: bool) -> tuple[Priority, str]:
    if not context.is_outside(server.address):
        return "info", "The server is in the home network."
    if server.polling:
        return "info", f"{server.name} is a well-known service: {server.polling}."
    if telling and not server.name:
        return "medium", ""
    if text:
        return "low", ""
    return "low", "Messengers and VPNs use this port with protocols of their own."
