"""Was a server reached by a dynamic-DNS name or through a tunnel service?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _words as words
from tshark_report.rules.checkins.clear_text_messages import clear_text_messages
from tshark_report.rules.checkins.odd_certificates import odd_certificates
from tshark_report.rules.checkins.regular_connections import regular_connections
from tshark_report.rules.checkins.regular_messages import regular_messages
from tshark_report.rules.checkins.tls_on_odd_ports import tls_on_odd_ports
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 8


@rule(
    code="OUT007",
    name="dynamic-names",
    family="checkins",
    title="A dynamic-DNS name was looked up",
    question="Was a server reached by a dynamic-DNS name or through a tunnel service?",
    answers=("Q4", "Q5"),
    why=(
        "Dynamic-DNS and tunnel services give a name to a machine at home, free and without a trace of its owner. "
        "Cameras and hobby "
        "servers use them, and so do programs that must find a server whose address changes."
    ),
    innocent=(
        Innocent(
            explanation="Somebody reaches a camera, a storage box or a hobby server at home.",
            tell_apart="The user knows the name, and the port is that of such a device.",
        ),
    ),
    confirm=("Which process asked for the name?", "What does the server on that port say?"),
    references=(common.DYNAMIC_RESOLUTION,),
    needs=("dns",),
    thresholds={"questions": Threshold(1, "questions", "One is enough to mention the name.")},
    weight=40,
)
def dynamic_names(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups DNS questions for names under a dynamic-DNS suffix by client and name."""
    asked = tables.dns.filter(
        ~pl.col("response") & pl.col("name").is_not_null() & (pl.col("protocol") == "DNS") & pl.col("src").is_not_null()
    )
    drafts = []
    for client, name in asked.select("src", "name").unique(maintain_order=True).iter_rows():
        suffix = known.dynamic_dns(name)
        if suffix and asked.height >= context.limit("questions"):
            rows = asked.filter((pl.col("src") == client) & (pl.col("name") == name))
            drafts.append(_draft(tables, context, client, name, suffix, rows))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, context: Context, client: str, name: str, suffix: str, rows: pl.DataFrame) -> Draft:
    answers = tables.dns.filter((pl.col("dst") == client) & (pl.col("name") == name) & pl.col("response"))
    addresses = list(dict.fromkeys(a for row in answers["a"].to_list() for a in (row or [])))
    ttls = [t for row in answers["ttls"].to_list() for t in (row or []) if t is not None]
    sessions = tables.tcp_sessions.filter((pl.col("client") == client) & pl.col("server").is_in(addresses))
    ports = sessions["server_port"].unique(maintain_order=True).to_list()
    spoken = sessions["protocol"].unique(maintain_order=True).to_list()
    odd = [
        p
        for p, s in sessions.select("server_port", "protocol").unique(maintain_order=True).iter_rows()
        if not known.usual_port(s, p)
    ]
    priority, lowered = _priority(context, name, addresses, odd)
    if priority == "medium" and _told(context, client, name):
        priority, lowered = "low", "The contact with that name is told in a finding of its own."
    said = [
        f"{client} asked DNS for {words.cut(name)}, a name under the dynamic-DNS or tunnel suffix {suffix}, "
        f"{rows.height} times"
    ]
    if addresses:
        said.append(f"the answer is {', '.join(addresses[:3])}{f' with a TTL of {min(ttls)} s' if ttls else ''}")
    elif answers.height:
        said.append("no address came back")
    if sessions.height:
        said.append(
            f"{sessions.height} TCP session{'s' * (sessions.height > 1)} followed, to port "
            f"{', '.join(map(str, ports[:5]))} "
            f"({', '.join(words.spoken(s) for s in spoken[:3])})"
        )
    first = float(rows["time"].to_list()[0])
    return Draft(
        subject=f"{client} -> {name}",
        hosts=(client, *addresses[:3]),
        summary="; ".join(said) + ".",
        sentence=(
            f"{client} looked up the dynamic-DNS name {words.cut(name)}{' (' + addresses[0] + ')' if addresses else ''}"
        ),
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(
            filters.equals("dns.qry.name", name),
            "!(mdns)",
            "!(llmnr)",
            filters.any_of(filters.src(client), filters.dst(client)),
            common.not_quoted(tables),
        ),
        frames=sorted([*rows["frame"].to_list(), *answers["frame"].to_list()]),
        evidence=evidence(
            [("time", "time"), ("name", "text"), ("answer", "address"), ("TTL", "seconds"), ("frame", "frame")],
            [
                (
                    r["time"],
                    words.cut(name),
                    ", ".join(r["a"] or []) if r["response"] else "",
                    (r["ttls"] or [None])[0],
                    r["frame"],
                )
                for r in tables.dns.filter(
                    ((pl.col("src") == client) | (pl.col("dst") == client)) & (pl.col("name") == name)
                ).iter_rows(named=True)
            ],
        ),
        lowered_because=lowered,
        indicators=(("domain", name), *(common.indicator(a) for a in addresses[:3]))
        if priority in ("medium", "high")
        else (),
        time=first,
    )


def _told(context: Context, client: str, name: str) -> bool:
    """True where another rule of the family puts contact with that name forward."""
    return any(
        draft.priority in ("high", "medium") and draft.subject.startswith(f"{client} -> {name}:")
        for rule_ in (odd_certificates, regular_connections, regular_messages, clear_text_messages, tls_on_odd_ports)
        for draft in common.told(rule_, context)
    )


def _priority(context: Context, name: str, addresses: list[str], odd: list[int]) -> tuple[Priority, str]:
    if known.vendor_dynamic_dns(name):
        return "info", "The name is one that a vendor gives to its own devices."
    if odd and any(context.is_outside(a) for a in addresses):
        return "medium", ""
    return "low", "Such names are common for devices at home."
