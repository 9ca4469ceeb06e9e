"""DNS003: many domains that do not exist, from one client."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import polars as pl

from tshark_report.knowledge.domains import has_known_suffix, known_as, registered_domain
from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

NXDOMAIN = 3
ADDRESS_TYPES = (1, 28, 65)
"""A, AAAA and HTTPS: what a program asks that wants to connect. Reverse and list lookups use others."""

CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}")
MIXED = re.compile(r"[a-z][0-9]|[0-9][a-z]")


@rule(
    code="DNS003",
    name="generated-names",
    family="names",
    title="One client asked for many domains that do not exist, as names from a generator",
    question="Does a client try generated domain names (NXDOMAIN burst)?",
    answers=("Q5",),
    why="A program that computes its server's name from the date tries tens to thousands of domains, of which its "
    "owner "
    "registered one. To the resolver that is a burst of NXDOMAIN answers for unrelated, often unpronounceable domains "
    "from one client, sometimes followed by one that exists.",
    innocent=(
        Innocent(
            explanation="Browsers ask for a few random single labels at start to learn whether the network answers "
            "everything.",
            tell_apart="Three names of 7 to 15 letters without a dot (or with the network's own suffix); these are "
            "not counted.",
        ),
        Innocent(
            explanation="A resolver's search list tries every name with the organisation's suffixes.",
            tell_apart="All failing names end in one own domain; these count as one domain here.",
        ),
        Innocent(
            explanation="Mail servers, crawlers and link checkers ask for many dead domains.",
            tell_apart="The domains are words, turn up in mail or pages, and the host has that job.",
        ),
    ),
    confirm=(
        "Do the names look alike in length and letters, with several top-level domains?",
        "Which of the names was answered with an address, and what did the client send there?",
        "Does the same set appear on other days or other clients at the same time?",
    ),
    references=(
        Reference(
            title="ATT&CK T1568.002: Domain Generation Algorithms", url="https://attack.mitre.org/techniques/T1568/002/"
        ),
        Reference(
            title="Antonakakis et al.: From Throw-Away Traffic to Bots (USENIX Security 2012)",
            url="https://www.usenix.org/conference/usenixsecurity12/technical-sessions/presentation/antonakakis",
        ),
        Reference(title="RFC 8020: NXDOMAIN", url="https://www.rfc-editor.org/rfc/rfc8020"),
    ),
    needs=("dns",),
    thresholds={
        "random_domains": Threshold(
            10, "domains", "non-existent domains that look random; typing errors give one or two"
        ),
        "random_share": Threshold(0.5, "of the domains", "half of the failing domains look random"),
        "domains": Threshold(40, "domains", "non-existent domains of any look: word lists make readable names"),
        "high_domains": Threshold(
            30, "domains", "random-looking non-existent domains from which on the priority is high"
        ),
        "failing_share": Threshold(0.3, "of the domains", "domains that failed among all that the client asked for"),
    },
    weight=75,
)
def generated_names(tables: Tables, context: Context) -> Iterator[Draft]:
    """Per client, count registered domains that never resolved, and how many look random."""
    dns = c.messages(tables)
    failed = dns.filter(
        pl.col("response")
        & (pl.col("rcode") == NXDOMAIN)
        & pl.col("type").is_in(ADDRESS_TYPES)
        & pl.col("qname").is_not_null()
    )
    floor = min(context.limit("random_domains"), context.limit("domains"))
    many = failed.group_by("client").agg(pl.col("qname").n_unique()).filter(pl.col("qname") >= floor)
    made = []
    for client in many["client"].to_list():
        draft = _client(dns, failed.filter(pl.col("client") == client), str(client), context)
        if draft:
            made.append(draft)
    made.sort(key=lambda d: (d.priority != "high", d.priority != "medium", -len(d.frames)))
    yield from made[: c.MOST_FINDINGS]


def looks_random(label: str) -> bool:
    """True for a label of 8 characters or more that nobody could pronounce: few vowels, long runs, mixed digits."""
    if len(label) < 8 or label.startswith("xn--"):
        return False
    letters = [ch for ch in label if ch.isalpha()]
    if len(letters) < 4:
        return len(label) >= 10
    vowels = sum(ch in "aeiouy" for ch in letters) / len(letters)
    return bool(CONSONANTS.search(label)) or vowels < 0.22 or len(MIXED.findall(label)) >= 3


def _client(dns: pl.DataFrame, failed: pl.DataFrame, client: str, context: Context) -> Draft | None:
    own = dns.filter((pl.col("client") == client) & pl.col("response") & pl.col("qname").is_not_null())
    resolved_rows = own.filter(
        (pl.col("rcode") == 0) & ((pl.col("a").list.len() > 0) | (pl.col("aaaa").list.len() > 0))
    )
    resolved = {registered_domain(n) for n in resolved_rows["qname"].unique().to_list()}
    domains: dict[str, str] = {}
    for name in failed["qname"].unique(maintain_order=True).to_list():
        domain = registered_domain(name)
        if domain is None or domain in resolved or not has_known_suffix(name) or name.endswith(".arpa"):
            continue
        if known_as(name, "lookup_zones") or known_as(name, "content_networks"):
            continue
        domains.setdefault(domain, name)
    random_ones = [d for d in domains if looks_random(d.split(".", 1)[0])]
    asked = {registered_domain(n) for n in own["qname"].unique().to_list()} - {None}
    mostly = len(domains) >= context.limit("failing_share") * max(len(asked), 1)
    by_look = len(random_ones) >= context.limit("random_domains") and len(random_ones) >= context.limit(
        "random_share"
    ) * len(domains)
    by_number = len(domains) >= context.limit("domains") and mostly
    if not (by_look or by_number):
        return None
    serves = dns.filter((pl.col("server") == client) & pl.col("response")).height > 0
    high = by_look and len(random_ones) >= context.limit("high_domains")
    priority: Priority = "low" if serves else "high" if high else "medium"
    confidence: Confidence = "high" if high and mostly else "medium" if by_look else "low"
    names = list(domains.values())
    rows = own.filter((pl.col("rcode") == NXDOMAIN) & pl.col("type").is_in(ADDRESS_TYPES))
    first, last = c.first_time(rows), c.last_time(rows)
    servers = rows["server"].unique(maintain_order=True).to_list()
    hits = _alike(resolved_rows, random_ones) if by_look else []
    tops = sorted({d.partition(".")[2] for d in domains})
    summary = (
        f"{client} asked {c.listed(servers)} for {len(domains):,} different domains that do not exist (NXDOMAIN) "
        f"{c.minutes(first, last)}; {len(random_ones):,} of them look generated (random letters), under "
        f"{c.listed(tops, 6)}: {c.listed([c.cut(n, 60) for n in (random_ones or names)], 5)}."
    )
    if hits:
        summary += " Names of the same look that were answered: " + c.listed([f"{n} ({a})" for n, a in hits], 3) + "."
    return Draft(
        subject=client,
        hosts=(client, *servers[:2], *(a for _, a in hits[:3])),
        summary=summary,
        sentence=f"{client} began to ask for {len(domains):,} domains that do not exist, such as "
        f"{c.cut((random_ones or names)[0], 60)}",
        priority=priority,
        confidence=confidence,
        display_filter=c.dns_filter(
            filters.dst(client),
            filters.equals("dns.flags.rcode", NXDOMAIN),
            filters.one_of("dns.qry.type", ADDRESS_TYPES),
        ),
        frames=c.frames_of(rows),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("name", "text"), ("type", "text"), ("looks random", "text")),
            [
                (
                    r["time"],
                    r["frame"],
                    c.cut(r["name"], 200),
                    c.type_name(r["type"]),
                    "yes" if looks_random((registered_domain(r["qname"]) or "").split(".", 1)[0]) else "no",
                )
                for r in rows.unique(subset="qname", keep="first", maintain_order=True)
                .head(c.FIRST_ROWS)
                .iter_rows(named=True)
            ],
            total=rows.height,
        ),
        lowered_because=f"{client} also answers DNS questions itself, so it may ask for its own clients"
        if serves
        else "",
        indicators=tuple(("domain", n) for n, _ in hits[:5]),
        line_up=("frame.time_relative", "ip.dst", "dns.qry.name", "dns.flags.rcode"),
        time=first,
        weight=min(len(random_ones) / 10, 10.0),
    )


def _alike(resolved: pl.DataFrame, random_ones: Sequence[str]) -> list[tuple[str, str]]:
    """Names that look random too and were answered with an address."""
    lengths = {len(d.split(".", 1)[0]) for d in random_ones}
    low, high = min(lengths), max(lengths)
    made: dict[str, str] = {}
    for name, a, aaaa in resolved.select("qname", "a", "aaaa").iter_rows():
        domain = registered_domain(name)
        if domain is None or domain != name.removeprefix("www.") or known_as(name, "content_networks"):
            continue
        label = domain.split(".", 1)[0]
        if looks_random(label) and low <= len(label) <= high:
            made.setdefault(name, next(iter([*(a or []), *(aaaa or [])]), ""))
    return list(made.items())
