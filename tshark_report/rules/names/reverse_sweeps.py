"""DNS016: the names of a whole network asked for, address by address."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

REVERSE = re.compile(r"^(\d{1,3})\.(\d{1,3}\.\d{1,3}\.\d{1,3})\.in-addr\.arpa$")
PTR = 12


@rule(
    code="DNS016",
    name="reverse-sweeps",
    family="names",
    title="One client asked for the names of many neighbouring addresses (reverse look-ups)",
    question="Does somebody list a network by reverse look-ups?",
    answers=("Q5",),
    why="Reverse names tell what hosts are for, without a packet to them. Scanners ask for each address that they "
    "scan, and "
    "a list of a whole network is a quiet way to find the targets.",
    innocent=(
        Innocent(
            explanation="Mail servers, log analysers, netstat and packet analysers look up every address that they "
            "meet.",
            tell_apart="The addresses are scattered over many networks, in the order of the traffic.",
        ),
        Innocent(
            explanation="Inventory and address management tools check their own network.",
            tell_apart="The client is the known management host, at its usual hour.",
        ),
    ),
    confirm=("Did the client send anything to the addresses before or after?", "Is the order that of the addresses?"),
    references=(
        Reference(
            title="ATT&CK T1590.002: Gather Victim Network Information: DNS",
            url="https://attack.mitre.org/techniques/T1590/002/",
        ),
        Reference(
            title="RFC 1035, section 3.5: IN-ADDR.ARPA", url="https://www.rfc-editor.org/rfc/rfc1035#section-3.5"
        ),
    ),
    needs=("dns",),
    thresholds={
        "addresses": Threshold(40, "addresses", "of one network of 256; a host meets few of the same by chance"),
        "many": Threshold(128, "addresses", "half of the network: from here on the priority is medium"),
    },
    weight=40,
)
def reverse_sweeps(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group PTR questions by client and the network of 256 addresses that they ask about."""
    dns = c.messages(tables)
    asked = dns.filter(~pl.col("response") & (pl.col("type") == PTR) & pl.col("qname").is_not_null())
    if asked["qname"].n_unique() < context.limit("addresses"):
        return
    hits = [(name, m[2]) for name in asked["qname"].unique().to_list() if (m := REVERSE.match(name))]
    tails = pl.DataFrame(hits, schema={"qname": pl.String, "tail": pl.String}, orient="row")
    rows = asked.join(tails, on="qname", how="inner", maintain_order="left")
    groups = rows.group_by("client", "tail", maintain_order=True).agg(pl.col("qname").n_unique().alias("addresses"))
    groups = groups.filter(pl.col("addresses") >= context.limit("addresses")).sort("addresses", descending=True)
    for client, tail, addresses in groups.head(c.MOST_FINDINGS).iter_rows():
        found = rows.filter((pl.col("client") == client) & (pl.col("tail") == tail))
        network = ".".join(reversed(tail.split("."))) + ".0/24"
        servers = found["server"].unique(maintain_order=True).to_list()
        zone = f"{tail}.in-addr.arpa"
        answered = dns.filter(
            pl.col("response")
            & (pl.col("client") == client)
            & (pl.col("rcode") == 0)
            & (pl.col("type") == PTR)
            & pl.col("qname").str.ends_with("." + zone)
        )
        priority: Priority = "medium" if addresses >= context.limit("many") else "low"
        yield Draft(
            subject=f"{client} {network}",
            hosts=(str(client), *servers[:2]),
            summary=(
                f"{client} asked {c.listed(servers)} for the names of {addresses} addresses of {network} (PTR, reverse "
                f"look-up) {c.minutes(c.first_time(found), c.last_time(found))}; "
                f"{answered['qname'].n_unique()} of them have a name."
            ),
            sentence=f"{client} began to ask for the names of {addresses} addresses of {network}",
            priority=priority,
            confidence="medium",
            display_filter=c.dns_filter(
                filters.src(str(client)),
                filters.equals("dns.flags.response", 0),
                filters.equals("dns.qry.type", PTR),
                filters.under("dns.qry.name", zone),
                # Whole addresses only: one number in front.
                f"dns.qry.name matches {filters.quoted('^([0-9]+[.]){4}in-addr')}",
            ),
            frames=c.frames_of(found),
            evidence=evidence(
                (("time", "time"), ("frame", "frame"), ("name", "text"), ("server", "address")),
                [
                    (r["time"], r["frame"], r["name"], r["server"])
                    for r in found.head(c.FIRST_ROWS).iter_rows(named=True)
                ],
                total=found.height,
            ),
            line_up=("frame.time_relative", "ip.src", "dns.qry.name", "dns.flags.rcode"),
            time=c.first_time(found),
        )
