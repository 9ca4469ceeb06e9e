"""DNS011: questions to a resolver that is not the network's own."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge import load
from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables


@rule(
    code="DNS011",
    name="outside-resolvers",
    family="names",
    title="A client asked a DNS server outside the network",
    question="Which resolvers are asked, and are they the expected ones?",
    answers=("Q5", "Q6"),
    why="Questions to an outside server pass by the network's own resolver, its filter and its log. Some devices "
    "have a "
    "fixed public resolver; a changed setting or a program with its own list shows the same way.",
    innocent=(
        Innocent(
            explanation="Many networks and devices use public resolvers (Google, Cloudflare, Quad9) on purpose.",
            tell_apart="All clients do, or the device is known for it (phones, televisions, cameras).",
        ),
        Innocent(
            explanation="The network's provider runs the resolver, outside the networks that count as home here.",
            tell_apart="DHCP hands it out; add it to the home networks in the settings.",
        ),
    ),
    confirm=(
        "Which resolver does DHCP hand out, and is the outside one in the client's settings?",
        "Which names go there that do not go to the network's own resolver?",
    ),
    references=(
        Reference(
            title="ATT&CK T1584.002 and T1583.002: DNS Server", url="https://attack.mitre.org/techniques/T1583/002/"
        ),
    ),
    needs=("dns",),
    thresholds={"queries": Threshold(2, "queries", "one may be a test by hand")},
    weight=15,
)
def outside_resolvers(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group questions from home clients by outside server; the network's own resolver makes it notable."""
    dns = c.messages(tables)
    asked = dns.filter(~pl.col("response") & pl.col("server_port").is_in([53]))
    servers = asked["server"].unique(maintain_order=True).to_list()
    outside = [s for s in servers if context.is_outside(s)]
    if not outside:
        return
    resolvers = set(dns.filter(pl.col("response"))["server"].unique().to_list())
    own = [s for s in servers if context.is_home(s) and s in resolvers]
    public: dict[str, str] = load("dns")["public_resolvers"]["addresses"]
    made = []
    theirs = dns.filter(pl.col("server").is_in(outside)).partition_by("server", as_dict=True)
    for server in outside:
        rows = theirs[server,]
        clients = [str(a) for a in rows["client"].unique(maintain_order=True).to_list()]
        # A resolver of the network's own asks outside servers all day: that is its work.
        clients = [a for a in clients if context.is_home(a) and a not in resolvers]
        rows = rows.filter(pl.col("client").is_in(clients))
        questions = rows.filter(~pl.col("response"))
        if questions.height >= context.limit("queries"):
            made.append(_draft(rows, questions, server, clients, own, public.get(server)))
    made.sort(key=lambda d: (d.priority != "low", -len(d.frames)))
    yield from made[: c.MOST_FINDINGS]


def _draft(
    rows: pl.DataFrame, questions: pl.DataFrame, server: str, clients: list[str], own: list[str], operator: str | None
) -> Draft:
    answered = rows.filter(pl.col("response")).height
    names = questions["qname"].drop_nulls().unique(maintain_order=True).to_list()
    shown = f"{operator}'s public resolver {server}" if operator else f"the DNS server {server}"
    priority: Priority = "low" if own and not operator else "info"
    summary = (
        f"{c.listed(clients)} sent {c.count(questions.height, 'query', 'queries')} to {shown} outside the home "
        f"networks "
        f"{c.minutes(c.first_time(rows), c.last_time(rows))} ({answered:,} answered): "
        f"{c.listed([c.cut(n, 80) for n in names])}"
        + (f"; the network's own resolver {c.listed(own)} answers too." if own else ".")
    )
    return Draft(
        subject=server,
        hosts=(*clients[:3], server, *own[:1]),
        summary=summary,
        sentence=f"{clients[0]} asked {shown} outside the network for {c.cut(names[0], 80) if names else 'a name'}",
        priority=priority,
        confidence="medium",
        display_filter=c.dns_filter(
            filters.any_of(
                filters.all_of(filters.dst(server), filters.equals("dns.flags.response", 0)),
                filters.all_of(filters.src(server), filters.equals("dns.flags.response", 1)),
            ),
            filters.any_of(*(filters.host(a) for a in clients)),
        )
        if len(clients) <= 20
        else c.by_number(c.frames_of(rows))[0],
        frames=c.frames_of(rows) if len(clients) <= 20 else c.by_number(c.frames_of(rows))[1],
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("client", "address"), ("name", "text"), ("type", "text")),
            [
                (r["time"], r["frame"], r["client"], c.cut(r["name"] or "", 200), c.type_name(r["type"]))
                for r in questions.unique(subset=["client", "qname"], keep="first", maintain_order=True)
                .head(c.FIRST_ROWS)
                .iter_rows(named=True)
            ],
            total=questions.height,
        ),
        line_up=("frame.time_relative", "ip.src", "ip.dst", "dns.qry.name"),
        time=c.first_time(rows),
    )
