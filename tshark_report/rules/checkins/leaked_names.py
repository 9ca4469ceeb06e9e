"""Did a client's host or user name leave in clear text?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 5
EXPECTED = (
    "SMTP",
    "POP",
    "IMAP",
    "SMB",
    "SMB2",
    "KRB5",
    "NBNS",
    "NBSS",
    "DHCP",
    "BROWSER",
    "FTP-DATA",
    "LDAP",
    "CLDAP",
    "DCERPC",
    "DNS",
    "MDNS",
    "LLMNR",
    "SIP",
    "RDP",
    "TPKT",
    "COTP",
    "SNMP",
    "Syslog",
    "RADIUS",
    "IMF",
    "FTP",
    "TELNET",
    "IRC",
    "RTSP",
    "NTLMSSP",
    "VNC",
    "TDS",
    "MySQL",
    "PGSQL",
    "SSDP",
    "DCP-PFT",
)
"""Protocols in which a client names itself or its user by design."""


@rule(
    code="OUT006",
    name="leaked-names",
    family="checkins",
    title="A host or user name of the client left in clear text",
    question="Did a client's host or user name leave in clear text?",
    answers=("Q4", "Q12"),
    why=(
        "A program that reports a machine to somebody outside begins with its name and its user. Ordinary web "
        "traffic has no reason "
        "to carry the NetBIOS name of a PC."
    ),
    innocent=(
        Innocent(
            explanation=(
                "Licence checks, inventory, remote-support and printer programs send the machine's name by design."
            ),
            tell_apart="The server belongs to the maker of such a program.",
        ),
    ),
    confirm=("Read the whole request: what else of the machine is in it (operating system, antivirus, addresses)?",),
    references=(
        Reference(title="ATT&CK T1082 System Information Discovery", url="https://attack.mitre.org/techniques/T1082/"),
    ),
    needs=("http", "openings"),
    thresholds={"name": Threshold(5, "characters", "Shorter names stand in payloads by chance.")},
    weight=58,
)
def leaked_names(tables: Tables, context: Context) -> Iterator[Draft]:
    """Searches what goes outside, requests and first payload bytes, for the names of its sender."""
    http = tables.http.filter(
        pl.col("method").is_not_null() & pl.col("src").is_not_null() & (pl.col("protocol") != "SSDP")
    )
    raw = tables.openings.filter(
        pl.col("transport").is_in(["tcp", "udp"])
        & ~pl.col("protocol").is_in(EXPECTED)
        & ~pl.col("protocol").str.contains(r"^(TLS|SSL|QUIC|DTLS|HTTP)")
        # The first segments of a long TLS record, a client's certificate for example, are shown as TCP.
        & ~((pl.col("transport") == "tcp") & pl.col("stream").is_in(tables.tls["stream"].drop_nulls().implode()))
    )
    clients = sorted({*http["src"].unique().to_list(), *raw["src"].drop_nulls().unique().to_list()} - {None})
    drafts = []
    for client in clients:
        if not context.is_home(client):
            continue
        names = {n: k for n, k in common.own_names(tables, client).items() if len(n) >= context.limit("name")}
        if names:
            drafts += _of_client(
                tables,
                context,
                client,
                names,
                http.filter(pl.col("src") == client),
                raw.filter(pl.col("src") == client),
            )
    yield from common.first_of(drafts, FINDINGS_MAX)


def _of_client(
    tables: Tables, context: Context, client: str, names: dict[str, str], http: pl.DataFrame, raw: pl.DataFrame
) -> list[Draft]:
    hits: dict[tuple[str, int, str], list[tuple[float, int, str, list[str]]]] = {}
    for row in http.iter_rows(named=True):
        host = str(row["host"] or "")
        text = " ".join([row["uri"] or "", *(row["form_values"] or []), row["user_agent"] or ""])
        found = common.named_in(text, {n: k for n, k in names.items() if n.lower() not in host.lower()})
        # A user's name is often a word, so that in a web address it counts only beside the host's.
        if any(f.startswith("host") for f in found) and context.is_outside(row["dst"]):
            where = (
                "User-Agent " + row["user_agent"]
                if common.named_in(row["user_agent"] or "", names)
                else f"{row['method']} {row['uri']}"
            )
            hits.setdefault((row["dst"], row["dst_port"], "tcp"), []).append((row["time"], row["frame"], where, found))
    for row in raw.iter_rows(named=True):
        if not context.is_outside(row["dst"]):
            continue
        found = common.named_in((row["data"] or b"").decode("latin-1").replace("\0", ""), names)
        if found:
            text = words.text_of(row["data"]) or "binary data"
            hits.setdefault((row["dst"], row["dst_port"], row["transport"]), []).append(
                (row["time"], row["frame"], text, found)
            )
    return [_draft(tables, client, *key, rows) for key, rows in hits.items()]


def _draft(
    tables: Tables,
    client: str,
    address: str,
    port: int,
    transport: str,
    rows: list[tuple[float, int, str, list[str]]],
) -> Draft:
    server = common.server(tables, address, port)
    found = sorted({name for *_, names in rows for name in names})
    priority: Priority = "info" if server.polling else "medium"
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        summary=(
            f"{client} sent its {' and '.join(words.cut(f, 60) for f in found[:4])} in clear text to "
            f"{server.words()}, in {len(rows)} "
            f"packet{'s' * (len(rows) > 1)} from {words.clock(rows[0][0])} UTC: "
            f'"{words.cut(rows[0][2])}".{server.about()}'
        ),
        sentence=f"{client} sent its {words.cut(found[0], 60)} in clear text to {server.words()}",
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(
            filters.src(client),
            filters.dst(address),
            filters.dst_port(transport, port),
            filters.frames(f for _, f, *_ in rows[:60]),
        ),
        frames=[frame for _, frame, *_ in rows[:60]],
        evidence=evidence(
            [("time", "time"), ("found", "text"), ("where", "text"), ("frame", "frame")],
            [(time, ", ".join(names), words.cut(where), frame) for time, frame, where, names in rows],
        ),
        lowered_because=f"{server.name} is a well-known service: {server.polling}." if server.polling else "",
        indicators=(common.indicator(address),) if not server.polling else (),
        time=rows[0][0],
    )
