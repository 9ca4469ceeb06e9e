"""DNS013: a whole zone asked for."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

TRANSFERS = (252, 251)
"""AXFR (RFC 5936) and IXFR (RFC 1995)."""


@rule(
    code="DNS013",
    name="zone-transfers",
    family="names",
    title="A client asked for a whole DNS zone (zone transfer)",
    question="Does somebody ask a name server for all names of a domain?",
    answers=("Q5",),
    why="A zone transfer lists every host of a domain at once. Name servers use it among themselves; anybody else "
    "who is "
    "given it has a map of the network.",
    innocent=(
        Innocent(
            explanation="Secondary name servers fetch the zone from the primary (AXFR, IXFR).",
            tell_apart="The client is itself a name server and is in the zone's list of name servers.",
        ),
    ),
    confirm=(
        "Is the client one of the domain's name servers?",
        "Does the server's log say that the transfer was allowed? Limit it to known addresses.",
    ),
    references=(
        Reference(title="RFC 5936: DNS Zone Transfer Protocol (AXFR)", url="https://www.rfc-editor.org/rfc/rfc5936"),
        Reference(
            title="ATT&CK T1590.002: Gather Victim Network Information: DNS",
            url="https://attack.mitre.org/techniques/T1590/002/",
        ),
    ),
    needs=("dns",),
    thresholds={"requests": Threshold(1, "requests", "clients never need one")},
    weight=55,
)
def zone_transfers(tables: Tables, context: Context) -> Iterator[Draft]:
    """AXFR and IXFR messages by client and server; the number of records tells whether it was given."""
    dns = c.messages(tables)
    rows = dns.filter(pl.col("type").is_in(TRANSFERS))
    for (client, server), found in list(rows.group_by("client", "server", maintain_order=True))[: c.MOST_FINDINGS]:
        asked = found.filter(~pl.col("response"))
        if max(asked.height, 1) < context.limit("requests"):
            continue
        answers = found.filter(pl.col("response"))
        records = int(answers["answer_names"].list.len().fill_null(0).sum())
        refused = answers.filter(pl.col("rcode") != 0)
        serves = dns.filter((pl.col("server") == client) & pl.col("response")).height > 0
        given = records > 2
        priority: Priority = "medium" if given and not serves else "low"
        zones = found["qname"].drop_nulls().unique(maintain_order=True).to_list()
        kinds = [c.type_name(t) for t in found["type"].unique(maintain_order=True).to_list()]
        if given:
            outcome = f"{records:,} records came back"
        elif refused.height:
            outcome = "refused: " + c.listed(
                [c.RCODES.get(r, f"rcode {r}") for r in refused["rcode"].unique().to_list()]
            )
        else:
            outcome = "no records came back"
        listed = answers["answer_names"].list.explode().drop_nulls().unique(maintain_order=True).to_list()
        summary = (
            f"{client} asked {server} for the whole zone {c.listed([c.cut(z, 80) for z in zones])} (zone transfer, "
            f"{c.listed(kinds)}) "
            f"{c.minutes(c.first_time(found), c.last_time(found))}; {outcome}"
        )
        if given and listed:
            summary += f": {c.listed([c.cut(n, 60) for n in listed], 5)}"
        yield Draft(
            subject=f"{client} {server}",
            hosts=(str(client), str(server)),
            summary=summary + ".",
            sentence=f"{client} asked {server} for a transfer of the zone {c.cut(zones[0], 80) if zones else ''}; "
            f"{outcome}",
            priority=priority,
            confidence="high",
            display_filter=c.dns_filter(
                filters.any_of(
                    filters.all_of(
                        filters.src(str(client)), filters.dst(str(server)), filters.equals("dns.flags.response", 0)
                    ),
                    filters.all_of(
                        filters.src(str(server)), filters.dst(str(client)), filters.equals("dns.flags.response", 1)
                    ),
                ),
                filters.one_of("dns.qry.type", TRANSFERS),
            ),
            frames=c.frames_of(found),
            evidence=evidence(
                (
                    ("time", "time"),
                    ("frame", "frame"),
                    ("zone", "text"),
                    ("kind", "text"),
                    ("records", "count"),
                    ("result", "text"),
                ),
                [
                    (
                        r["time"],
                        r["frame"],
                        c.cut(r["name"] or "", 200),
                        "answer" if r["response"] else c.type_name(r["type"]),
                        len(r["answer_names"] or []) if r["response"] else None,
                        c.RCODES.get(r["rcode"], "") if r["response"] else "",
                    )
                    for r in found.head(c.FIRST_ROWS).iter_rows(named=True)
                ],
                total=found.height,
            ),
            lowered_because=f"{client} is a name server itself" if serves and given else "",
            line_up=(
                "frame.time_relative",
                "ip.src",
                "ip.dst",
                "dns.qry.type",
                "dns.qry.name",
                "dns.flags.rcode",
                "dns.count.answers",
            ),
            time=c.first_time(found),
        )
