"""DNS010: names with low TTLs that are looked up again and again."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge.domains import known_as
from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.rules.names.changing_addresses import name_filter
from tshark_report.tables.tables import Tables

TABLES = ("content_networks", "address_pools", "connectivity_checks", "lookup_zones")


@rule(
    code="DNS010",
    name="short-lived-names",
    family="names",
    title="Names with a low TTL were looked up again and again",
    question="Which names outside the known content networks live for seconds only?",
    answers=("Q5",),
    why="A low TTL says that the address may change soon, and repeated look-ups show that a program keeps coming "
    "back to "
    "the name. By itself that is no more than context for what the client does with the address.",
    innocent=(
        Innocent(
            explanation="Cloud load balancers, content networks and failover set-ups use 1 to 300 s everywhere.",
            tell_apart="The addresses belong to the operator of the service that the user knows.",
        ),
    ),
    confirm=("Match each name with the connections that follow its answers: regular, small and to an odd port?",),
    references=(
        Reference(title="RFC 2181, section 8: Time to Live", url="https://www.rfc-editor.org/rfc/rfc2181#section-8"),
        Reference(
            title="Moura et al.: Cache Me If You Can: Effects of DNS Time-to-Live (IMC 2019)",
            url="https://doi.org/10.1145/3355369.3355568",
        ),
    ),
    needs=("dns",),
    thresholds={
        "ttl": Threshold(60, "seconds", "highest TTL seen for the name: a resolver's cache only counts down"),
        "lookups": Threshold(4, "look-ups", "by one client: a program that keeps coming back"),
    },
    weight=15,
)
def short_lived_names(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding with a row for each client and name."""
    dns = c.messages(tables).filter(pl.col("qname").is_not_null())
    answers = dns.filter(pl.col("response") & (pl.col("a").list.len() > 0))
    groups = answers.group_by("client", "qname", maintain_order=True).agg(
        pl.len().alias("lookups"),
        pl.col("ttls").list.max().max().alias("ttl"),
        pl.col("a").list.explode().drop_nulls().unique(maintain_order=True).alias("addresses"),
        pl.col("cname").drop_nulls().unique(maintain_order=True).alias("cnames"),
        pl.col("time").min(),
        pl.col("frame").first(),
    )
    groups = groups.filter((pl.col("ttl") <= context.limit("ttl")) & (pl.col("lookups") >= context.limit("lookups")))
    rows = [row for row in groups.sort("lookups", descending=True).iter_rows(named=True) if not _known(row)][:10]
    if not rows:
        return
    names = list(dict.fromkeys(str(row["qname"]) for row in rows))
    clients = list(dict.fromkeys(str(row["client"]) for row in rows))
    concerned = answers.filter(pl.col("qname").is_in(names) & pl.col("client").is_in(clients))
    words = [
        f"{c.cut(row['qname'], 80)} (TTL {row['ttl']} s, {row['lookups']} times, {row['addresses'][0]})" for row in rows
    ]
    yield Draft(
        subject="low TTL",
        hosts=(*clients[:3], *(row["addresses"][0] for row in rows[:3])),
        summary=f"{c.listed(clients)} looked up names with a low TTL again and again: {c.listed(words, 5)}.",
        sentence=f"{clients[0]} looked up {c.cut(names[0], 80)} with a TTL of {rows[0]['ttl']} s, "
        f"{rows[0]['lookups']} times in all",
        priority="info",
        confidence="medium",
        display_filter=c.dns_filter(
            filters.equals("dns.flags.response", 1),
            "dns.a",
            filters.any_of(*(filters.dst(a) for a in clients)),
            filters.any_of(*(name_filter(n) for n in names)),
        ),
        frames=c.frames_of(concerned),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("client", "address"),
                ("name", "text"),
                ("TTL", "seconds"),
                ("look-ups", "count"),
                ("addresses", "text"),
            ),
            [
                (
                    r["time"],
                    r["frame"],
                    r["client"],
                    c.cut(r["qname"], 200),
                    r["ttl"],
                    r["lookups"],
                    ", ".join(r["addresses"][:4]),
                )
                for r in rows
            ],
        ),
        line_up=("frame.time_relative", "ip.dst", "dns.qry.name", "dns.a", "dns.resp.ttl"),
        time=float(rows[0]["time"]),
    )


def _known(row: dict[str, object]) -> bool:
    cnames: list[str] = row["cnames"]  # type: ignore[assignment]
    addresses: list[str] = row["addresses"]  # type: ignore[assignment]
    return any(known_as(n, t) for n in (str(row["qname"]), *cnames) for t in TABLES) or all(
        "/" not in c.network_of(a) for a in addresses
    )
