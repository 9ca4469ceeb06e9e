"""Did a client ask a service for its own public address?"""

from __future__ import annotations

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


@rule(
    code="OUT005",
    name="address-lookups",
    family="checkins",
    title="A client asked a service for its own public address",
    question="Did a client ask a service for its own public address?",
    answers=("Q4",),
    why=(
        "Programs that report a machine to somebody outside often ask first which public address and country it has, "
        "or whether it "
        "stands in a data centre. Alone it says little; before an upload or odd contact it belongs to the story."
    ),
    innocent=(
        Innocent(
            explanation=(
                "VPN, game, torrent, dynamic-DNS and statistics programs ask the same services, and so do people."
            ),
            tell_apart="A browser's User-Agent or a known program, and nothing unusual afterwards.",
        ),
    ),
    confirm=("What did the client do in the minutes after it? Uploads, new servers, odd ports?",),
    references=(
        Reference(
            title="ATT&CK T1016 System Network Configuration Discovery",
            url="https://attack.mitre.org/techniques/T1016/",
        ),
    ),
    needs=("http", "tls", "dns"),
    thresholds={"requests": Threshold(1, "requests", "One is enough to mention it, as context.")},
    weight=20,
)
def address_lookups(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups requests (HTTP host, TLS server name, DNS question) for such services by client and name."""
    asked: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
    http = tables.http.filter(
        pl.col("method").is_not_null() & pl.col("host").is_not_null() & pl.col("src").is_not_null()
    )
    tls = tables.tls.filter(pl.col("server_name").is_not_null() & pl.col("src").is_not_null())
    dns = tables.dns.filter(
        ~pl.col("response") & pl.col("name").is_not_null() & (pl.col("protocol") == "DNS") & pl.col("src").is_not_null()
    )
    for kind, rows in (
        ("http", http.select("src", "host", "time", "frame")),
        ("tls", tls.select("src", "server_name", "time", "frame")),
        ("dns", dns.select("src", "name", "time", "frame")),
    ):
        for client, name, time, frame in rows.iter_rows():
            plain = name.split(":", 1)[0].lower()
            if known.address_lookup(plain):
                asked.setdefault((client, plain), []).append((time, frame, kind))
    spoken = http.with_columns(pl.col("host").str.split(":").list.first().str.to_lowercase().alias("plain"))
    drafts = [
        _draft(tables, spoken, client, name, rows)
        for (client, name), rows in asked.items()
        if len(rows) >= context.limit("requests")
    ]
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, spoken: pl.DataFrame, client: str, name: str, rows: list[tuple[float, int, str]]) -> Draft:
    kinds = sorted({kind for *_, kind in rows})
    http = spoken.filter((pl.col("src") == client) & (pl.col("plain") == name))
    agents = [a for a in http["user_agent"].unique(maintain_order=True).to_list() if a]
    uris = [u for u in http["uri"].unique(maintain_order=True).to_list() if u]
    browser = any(a.startswith("Mozilla/5.0") for a in agents)
    said = {"http": "HTTP", "tls": "TLS", "dns": "DNS"}
    how = " and ".join(said[k] for k in kinds)
    priority: Priority = "low" if http.height and not browser else "info"
    parts = []
    if "http" in kinds:
        hosts = http["host"].unique(maintain_order=True).to_list()
        parts.append(filters.one_of("http.host", hosts))
    if "tls" in kinds:
        parts.append(filters.equals("tls.handshake.extensions_server_name", name))
    if "dns" in kinds:
        parts.append(
            filters.all_of(filters.equals("dns.qry.name", name), "dns.flags.response == 0", "!(mdns)", "!(llmnr)")
        )
    agent = f", User-Agent {words.cut(agents[0], 80)}" if agents else ", without a User-Agent" if http.height else ""
    return Draft(
        subject=f"{client} -> {name}",
        hosts=(client,),
        summary=(
            f"{client} asked {name} for its own public address ({how}, {len(rows)} packet{'s' * (len(rows) > 1)}, from "
            f"{words.clock(rows[0][0])} UTC){': ' + words.cut(uris[0], 80) if uris else ''}"
            f"{agent}."
        ),
        sentence=f"{client} asked {name} for its own public address",
        priority=priority,
        confidence="high",
        display_filter=filters.all_of(filters.src(client), filters.any_of(*parts), common.not_quoted(tables)),
        frames=sorted(frame for _, frame, _ in rows),
        evidence=evidence(
            [("time", "time"), ("asked over", "text"), ("name", "text"), ("frame", "frame")],
            [(time, said[kind], name, frame) for time, frame, kind in sorted(rows)],
        ),
        lowered_because="" if priority == "low" else "Browsers and ordinary programs ask as well.",
        time=min(time for time, *_ in rows),
    )
