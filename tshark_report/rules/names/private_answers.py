"""DNS009: an outside name that suddenly means an inside address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge.domains import has_known_suffix
from tshark_report.report.model import Innocent, Reference
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.rules.names.changing_addresses import name_filter
from tshark_report.tables.tables import Tables

NOWHERE = ("0.0.0.0", "::", "127.0.0.1", "::1")  # noqa: S104 - nothing is bound
"""What filters and list zones answer; nobody is reached by these."""


@rule(
    code="DNS009",
    name="private-answers",
    family="names",
    title="A name outside was answered with outside and then with inside addresses",
    question="Does an outside name point at inside hosts (DNS rebinding)?",
    answers=("Q5",),
    why="A browser lets a page talk to the name that it came from. If that name first means a server outside and, "
    "after a "
    "few seconds of TTL, a router or camera inside, the page's scripts reach what the firewall protects.",
    innocent=(
        Innocent(
            explanation="Split DNS: an organisation's own name has an inside and an outside address.",
            tell_apart="The inside address is the organisation's own server, and each resolver always says the same.",
        ),
        Innocent(
            explanation="A captive portal or filter answers everything with its own address for a while.",
            tell_apart="Many unrelated names got the same inside address; such addresses are not counted here.",
        ),
    ),
    confirm=(
        "Did a browser send requests to the inside address with that Host name?",
        "Is the TTL a few seconds, and who runs the domain?",
    ),
    references=(
        Reference(
            title="Jackson et al.: Protecting Browsers from DNS Rebinding Attacks (CCS 2007)",
            url="https://crypto.stanford.edu/dns/dns-rebinding.pdf",
        ),
        Reference(title="RFC 1918: private addresses", url="https://www.rfc-editor.org/rfc/rfc1918"),
    ),
    needs=("dns",),
    thresholds={
        "ttl": Threshold(60, "seconds", "rebinding needs the first answer to expire while the page is open"),
        "portal_names": Threshold(5, "names", "an inside address that answers so many names is a portal or filter"),
    },
    weight=60,
)
def private_answers(tables: Tables, context: Context) -> Iterator[Draft]:
    """Names that one server answered with an outside address and later with an inside one, both short-lived."""
    dns = c.messages(tables)
    answers = dns.filter(
        pl.col("response")
        & pl.col("qname").is_not_null()
        & ((pl.col("a").list.len() > 0) | (pl.col("aaaa").list.len() > 0))
    )
    flat = (
        answers.select(
            "qname",
            "server",
            "client",
            "time",
            "frame",
            pl.concat_list(pl.col("a").fill_null([]), pl.col("aaaa").fill_null([])).alias("address"),
            pl.col("ttls").list.min().alias("ttl"),
        )
        .explode("address")
        .drop_nulls("address")
        .filter(~pl.col("address").is_in(NOWHERE))
    )
    inside_words = [a for a in flat["address"].unique().to_list() if context.is_home(a)]
    if not inside_words:
        return
    flat = flat.with_columns(pl.col("address").is_in(inside_words).alias("inside"))
    names_of_inside: Counter[str] = Counter(
        str(a) for a, _ in flat.filter("inside").select("address", "qname").unique().iter_rows()
    )
    portals = [a for a, n in names_of_inside.items() if n >= context.limit("portal_names")]
    flat = flat.filter(~(pl.col("inside") & pl.col("address").is_in(portals)))
    mixed = (
        flat.group_by("qname", "server", maintain_order=True)
        .agg(pl.col("inside").any().alias("some"), pl.col("inside").all().alias("every"), pl.col("ttl").min())
        .filter(pl.col("some") & ~pl.col("every") & (pl.col("ttl") <= context.limit("ttl")))
    )
    for name, server, _, _, ttl in mixed.head(c.MOST_FINDINGS).iter_rows():
        if not has_known_suffix(name):
            continue
        given = flat.filter((pl.col("qname") == name) & (pl.col("server") == server)).sort("time")
        outside = given.filter(~pl.col("inside"))["address"].unique(maintain_order=True).to_list()
        inside = given.filter("inside")["address"].unique(maintain_order=True).to_list()
        clients = given["client"].unique(maintain_order=True).to_list()
        rows = dns.filter(pl.col("qname") == name)
        yield Draft(
            subject=str(name),
            hosts=(*clients[:3], *inside[:3], *outside[:3]),
            summary=(
                f"{c.cut(name)} was answered by {server} with the outside addresses {c.listed(outside)} and the "
                f"inside addresses "
                f"{c.listed(inside)} {c.minutes(c.first_time(given), c.last_time(given))}, TTL {ttl} s, for "
                f"{c.listed(clients)}, "
                f"as in DNS rebinding."
            ),
            sentence=f"{clients[0]} was told that {c.cut(name, 80)} is now at the inside address {inside[0]}",
            priority="medium",
            confidence="medium",
            display_filter=c.dns_filter(name_filter(str(name))),
            frames=c.frames_of(rows),
            evidence=evidence(
                (
                    ("time", "time"),
                    ("frame", "frame"),
                    ("client", "address"),
                    ("address", "address"),
                    ("inside", "text"),
                    ("TTL", "seconds"),
                ),
                [
                    (r["time"], r["frame"], r["client"], r["address"], "yes" if r["inside"] else "no", r["ttl"])
                    for r in given.iter_rows(named=True)
                ],
            ),
            indicators=(("domain", str(name)),),
            line_up=("frame.time_relative", "ip.dst", "dns.qry.name", "dns.a", "dns.resp.ttl"),
            time=float(given.filter("inside")["time"][0]),
        )
