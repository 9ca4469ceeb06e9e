"""DNS004: many names tried below one domain."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge.domains import has_known_suffix, known_as
from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.rules.names.dns_tunnel import ENCODED
from tshark_report.rules.names.generated_names import ADDRESS_TYPES, NXDOMAIN, looks_random
from tshark_report.tables.tables import Tables


@rule(
    code="DNS004",
    name="name-guessing",
    family="names",
    title="One client tried many host names below one domain",
    question="Does somebody try out which names a domain has?",
    answers=("Q5",),
    why="Trying words from a list (admin, dev, vpn, mail, ...) below a domain shows which hosts exist before "
    "anything is "
    "sent to them. Most tries end in NXDOMAIN.",
    innocent=(
        Innocent(
            explanation="A search list makes the resolver append the organisation's domain to every name.",
            tell_apart="What stands before the domain is a complete name of its own; these are not counted.",
        ),
        Innocent(
            explanation="An inventory or an old configuration asks for hosts that were retired.",
            tell_apart="The same names come back at regular times, and they follow the site's naming scheme.",
        ),
    ),
    confirm=(
        "Is the order alphabetical, or that of a known word list?",
        "Which names were answered, and did the client connect to these afterwards?",
    ),
    references=(
        Reference(
            title="ATT&CK T1590.002: Gather Victim Network Information: DNS",
            url="https://attack.mitre.org/techniques/T1590/002/",
        ),
        Reference(title="ATT&CK T1595.003: Wordlist Scanning", url="https://attack.mitre.org/techniques/T1595/003/"),
    ),
    needs=("dns",),
    thresholds={
        "names": Threshold(30, "names", "different non-existent names below one domain; retired hosts are a handful"),
        "failing_share": Threshold(0.5, "of the names", "most tries fail when names are guessed"),
    },
    weight=50,
)
def name_guessing(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group NXDOMAIN answers by client and registered domain, without suffixed complete names and random labels."""
    dns = c.messages(tables).filter(
        pl.col("response") & pl.col("qname").is_not_null() & pl.col("type").is_in(ADDRESS_TYPES)
    )
    failed = dns.filter(pl.col("rcode") == NXDOMAIN).group_by("client").agg(pl.col("qname").n_unique().alias("names"))
    dns = dns.filter(
        pl.col("client").is_in(failed.filter(pl.col("names") >= context.limit("names"))["client"].implode())
    )
    if dns.is_empty():
        return
    zoned = c.with_zones(dns)
    plain = zoned.filter(
        ~pl.col("zone_prefix")
        & (pl.col("sub") != "")
        & ~pl.col("zone").str.ends_with(".arpa")
        & ~pl.col("sub").str.contains(ENCODED)
    )
    failing = plain.filter(pl.col("rcode") == NXDOMAIN)
    groups = failing.group_by("client", "zone", maintain_order=True).agg(pl.col("sub").unique(maintain_order=True))
    made = []
    for client, zone, subs in groups.filter(pl.col("sub").list.len() >= context.limit("names")).iter_rows():
        if known_as(zone, "lookup_zones"):
            continue
        words = [s for s in subs if not _complete(s) and not looks_random(s.split(".", 1)[0])]
        every = zoned.filter((pl.col("client") == client) & (pl.col("zone") == zone))
        if len(words) < context.limit("names") or len(words) < context.limit("failing_share") * every["sub"].n_unique():
            continue
        made.append(_draft(every, str(client), str(zone), words))
    made.sort(key=lambda d: -len(d.frames))
    yield from made[: c.MOST_FINDINGS]


def _complete(sub: str) -> bool:
    """True where a complete name stands before the domain: a search list put the domain behind it."""
    labels = sub.split(".")
    return any(has_known_suffix(".".join(labels[:count])) for count in range(2, len(labels) + 1))


def _draft(every: pl.DataFrame, client: str, zone: str, words: list[str]) -> Draft:
    failing = every.filter(pl.col("rcode") == NXDOMAIN)
    found = every.filter((pl.col("rcode") == 0) & (pl.col("a").list.len() > 0)).unique(
        subset="qname", maintain_order=True
    )
    hits = [f"{n} ({a[0]})" for n, a in found.select("qname", "a").iter_rows()]
    servers = failing["server"].unique(maintain_order=True).to_list()
    first, last = c.first_time(failing), c.last_time(failing)
    rows = failing.unique(subset="qname", keep="first", maintain_order=True)
    summary = (
        f"{client} asked {c.listed(servers)} for {len(words):,} host names below {c.cut(zone, 80)} that do not exist "
        f"(NXDOMAIN) "
        f"{c.minutes(first, last)}, as when names are tried from a list: {c.listed([c.cut(w, 40) for w in words], 5)}."
    )
    if hits:
        summary += f" {c.count(len(hits), 'name')} existed: {c.listed([c.cut(h, 80) for h in hits], 3)}."
    return Draft(
        subject=f"{client} {zone}",
        hosts=(client, *servers[:2]),
        summary=summary,
        sentence=f"{client} tried {len(words):,} host names below {c.cut(zone, 80)}, most of which do not exist",
        priority="medium",
        confidence="medium",
        display_filter=c.dns_filter(
            filters.dst(client),
            filters.equals("dns.flags.rcode", NXDOMAIN),
            filters.one_of("dns.qry.type", ADDRESS_TYPES),
            filters.under("dns.qry.name", zone),
        ),
        frames=c.frames_of(failing),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("name", "text"), ("server", "address")),
            [
                (r["time"], r["frame"], c.cut(r["name"], 200), r["server"])
                for r in rows.head(c.FIRST_ROWS).iter_rows(named=True)
            ],
            total=rows.height,
        ),
        line_up=("frame.time_relative", "ip.dst", "dns.qry.name", "dns.flags.rcode"),
        time=first,
    )
