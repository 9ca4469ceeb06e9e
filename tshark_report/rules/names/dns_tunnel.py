"""DNS001: names that carry data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from tshark_report.knowledge.domains import has_known_suffix, known_as
from tshark_report.report.model import Confidence, Innocent, Priority, Reference, Table
from tshark_report.rules.base import Context, Draft, Threshold, evidence, foremost, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

NULL_TYPES = (10,)
"""NULL records are experimental (RFC 1035, section 3.3.10); no ordinary program asks for them."""

PRIVATE_FIRST, PRIVATE_LAST = 65280, 65534
"""Record types for private use (RFC 6895, section 3.1)."""

DATA_TYPES = (5, 15, 16, 25, 33, 38)
"""CNAME, MX, TXT, KEY, SRV and A6: types whose answers can hold free text and that tunnel programs offer."""

LABELLED = (
    r"(^|\.)_(domainkey|dmarc|spf|adsp|tcp|udp|tls|msdcs|sites|acme-challenge|mta-sts|smtp|report|dnsauth|dns-sd)(\.|$)"
)
"""Labels of services and mail policy (RFC 8552 and its registry): long and many names with these are ordinary."""

PRIVATE = r"^(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.)"
"""Addresses of private networks (RFC 1918)."""

ENCODED = r"[^aeiouy.\-_]{7,}"
"""Seven characters without a vowel, dot, dash or underscore: nearly every base16, base32 or base64 text of 25
characters holds such a run, few names made of words do."""

MEASURED = "of the group's questions"


@rule(
    code="DNS001",
    name="dns-tunnel",
    family="names",
    title="One domain was asked for many long or odd names, as a DNS tunnel does",
    question="Do DNS questions and answers carry data?",
    answers=("Q5", "Q4"),
    why="A resolver passes every question on to the servers of its domain, so names and answers can carry data past a "
    "firewall that lets nothing else out. Then one domain is asked for many names that are never repeated, long and "
    "made of encoded text, often for record types that nobody else uses (NULL, TXT, CNAME, MX), and both directions "
    "carry more than a name server has to say.",
    innocent=(
        Innocent(
            explanation="Virus scanners and mail filters look up hashes and addresses by DNS (reputation services).",
            tell_apart="The domain belongs to a security vendor and answers with addresses in 127.0.0.0/8.",
        ),
        Innocent(
            explanation="Content networks, advertising and measurement services make a name for each visit or object.",
            tell_apart="The names are asked for once as A and AAAA, are answered with ordinary addresses, and the "
            "client "
            "then connects to these.",
        ),
        Innocent(
            explanation="A VPN or captive-portal helper that an administrator set up uses DNS as its transport.",
            tell_apart="Ask the owner of the client; the domain is the organisation's own.",
        ),
    ),
    confirm=(
        "Who owns the domain, since when, and which servers answer for it?",
        "Decode the first label of a few names (base32, base64, hex): does a program's header show?",
        "Which process on the client asks? Look at its DNS client log for these minutes.",
        "Block the domain at the resolver and see whether the client's other traffic changes.",
    ),
    references=(
        Reference(
            title="ATT&CK T1071.004: Application Layer Protocol: DNS",
            url="https://attack.mitre.org/techniques/T1071/004/",
        ),
        Reference(title="ATT&CK T1572: Protocol Tunneling", url="https://attack.mitre.org/techniques/T1572/"),
        Reference(
            title="SANS: Detecting DNS Tunneling (G. Farnham, 2013)", url="https://www.sans.org/white-papers/34152/"
        ),
        Reference(
            title="SANS ISC diary 24844: odd DNS requests that are normal", url="https://isc.sans.edu/diary/24844"
        ),
        Reference(
            title="RFC 1035, section 3.3.10: NULL RDATA", url="https://www.rfc-editor.org/rfc/rfc1035#section-3.3.10"
        ),
    ),
    needs=("dns",),
    thresholds={
        "null_queries": Threshold(
            8, "queries", "NULL and private types have no ordinary use; a few may be a test by hand"
        ),
        "odd_names": Threshold(
            12, "names", "different names of one domain asked for as TXT, CNAME, MX, SRV or KEY; mail needs a few"
        ),
        "odd_share": Threshold(0.5, MEASURED, "below half, the odd types are one service among others"),
        "long_names": Threshold(
            12, "names", "different long encoded names of one domain; content networks show fewer in a session"
        ),
        "long_characters": Threshold(
            25, "characters", "length of such a name before the domain: 15 bytes of base32, more than a host name"
        ),
        "many_names": Threshold(
            150, "names", "different encoded names of medium length; above what shards and session names reach"
        ),
        "many_characters": Threshold(12, "characters", "mean length of such names"),
        "encoded_share": Threshold(0.5, "of the names", "names with a run of 7 characters without a vowel"),
        "unique_share": Threshold(
            0.4, MEASURED, "a tunnel repeats no name; ordinary names are asked again (A and AAAA make 0.5)"
        ),
        "answer_bytes": Threshold(20_000, "bytes", "answers of free-text types for names that are never repeated"),
        "answer_names": Threshold(20, "names", "different names behind those answers"),
        "high_names": Threshold(40, "names", "from here on the finding is of high priority"),
    },
    weight=92,
)
def dns_tunnel(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group by client and registered domain, then look at number, length, encoding and types of the names."""
    dns = c.messages(tables).filter(pl.col("qname").is_not_null())
    if dns.is_empty():
        return
    groups = [(group, _rows(dns, group)) for group in suspects(c.with_zones(dns), context.limits)]
    first = foremost(
        groups, lambda one: (_priority(one[0], context) != "high", -one[1]["frame"].n_unique()), c.MOST_FINDINGS
    )
    made = [draft for group, rows in first for draft in _draft(dns, group, rows, context)]
    made.sort(key=lambda d: (d.priority != "high", d.priority != "medium", -len(d.frames)))
    yield from made[: c.MOST_FINDINGS]


def suspects(dns: pl.DataFrame, limit: Mapping[str, float]) -> list[dict[str, object]]:
    """Groups (client, zone) that pass a threshold, as rows with their measures."""
    query = ~pl.col("response")
    odd_type = pl.col("type").is_in(NULL_TYPES) | pl.col("type").is_between(PRIVATE_FIRST, PRIVATE_LAST)
    data_type = odd_type | pl.col("type").is_in(DATA_TYPES)
    characters = pl.col("sub").str.replace_all(".", "", literal=True).str.len_chars()
    ordinary = (
        pl.col("zone").str.contains(r"(^|\.)arpa$") | pl.col("sub").str.contains(LABELLED) | (pl.col("sub") == "")
    )
    rows = dns.filter(~ordinary)
    rows = rows.with_columns(
        odd_type.fill_null(value=False).alias("null_type"),
        data_type.fill_null(value=False).alias("data_type"),
        characters.alias("characters"),
        pl.col("sub").str.contains(ENCODED).alias("encoded"),
    ).with_columns((pl.col("characters") >= limit["long_characters"]).alias("long"))
    listed = pl.col("a").list.eval(pl.element().str.starts_with("127.")).list.all() & (pl.col("a").list.len() > 0)
    private = pl.col("a").list.eval(pl.element().str.contains(PRIVATE)).list.all() & (pl.col("a").list.len() > 0)
    size = pl.col("length").cast(pl.UInt64)  # 32 bits would wrap at 4 GiB
    groups = rows.group_by("client", "zone", "zone_prefix", maintain_order=True).agg(
        query.sum().alias("queries"),
        pl.col("qname").n_unique().alias("names"),
        pl.col("qname").filter(query).n_unique().alias("asked_names"),
        pl.col("qname").filter(query & pl.col("data_type")).n_unique().alias("data_names"),
        (query & pl.col("null_type")).sum().alias("null_queries"),
        (query & pl.col("data_type")).sum().alias("data_queries"),
        size.filter(~query & pl.col("data_type")).sum().alias("data_answer_bytes"),
        pl.col("qname").filter(~query & pl.col("data_type")).n_unique().alias("data_answer_names"),
        size.filter(query).sum().alias("query_bytes"),
        size.filter(~query).sum().alias("answer_bytes"),
        (~query).sum().alias("answers"),
        (query & pl.col("long")).sum().alias("long_queries"),
        (~query & pl.col("long")).sum().alias("long_answers"),
        listed.fill_null(value=False).sum().alias("list_answers"),
        private.fill_null(value=False).sum().alias("private_answers"),
        pl.col("a").list.len().fill_null(0).gt(0).sum().alias("a_answers"),
    )
    unique = rows.unique(subset=["client", "zone", "qname"], maintain_order=True)
    shapes = unique.group_by("client", "zone", maintain_order=True).agg(
        pl.col("characters").mean().alias("mean_characters"),
        pl.col("characters").max().alias("max_characters"),
        pl.col("characters").sum().alias("carried"),
        pl.col("encoded").mean().alias("encoded_share"),
        pl.col("long").sum().alias("long_names"),
        pl.col("encoded").filter("long").mean().alias("long_encoded"),
    )
    groups = groups.join(shapes, on=["client", "zone"], maintain_order="left")
    queries = pl.col("queries").clip(lower_bound=1)
    unique_enough = (pl.col("names") / pl.max_horizontal("queries", "answers")) >= limit["unique_share"]
    encoded = pl.col("encoded_share") >= limit["encoded_share"]
    groups = groups.with_columns(
        (pl.col("null_queries") >= limit["null_queries"]).alias("by_null"),
        (
            (pl.col("data_names") >= limit["odd_names"])
            & (pl.col("data_queries") / queries >= limit["odd_share"])
            & unique_enough
            & (encoded | (pl.col("mean_characters") >= limit["long_characters"]))
        ).alias("by_type"),
        (
            (pl.col("long_names") >= limit["long_names"])
            & (pl.col("long_encoded") >= limit["encoded_share"])
            & (pl.col("long_names") / pl.max_horizontal("long_queries", "long_answers") >= limit["unique_share"])
        ).alias("by_length"),
        (
            (pl.col("names") >= limit["many_names"])
            & (pl.col("mean_characters") >= limit["many_characters"])
            & encoded
            & unique_enough
        ).alias("by_number"),
        (
            (pl.col("data_answer_bytes") >= limit["answer_bytes"])
            & (pl.col("data_answer_names") >= limit["answer_names"])
            & unique_enough
        ).alias("by_answers"),
    ).filter(pl.any_horizontal("by_null", "by_type", "by_length", "by_number", "by_answers"))
    return [row for row in groups.iter_rows(named=True) if not _reputation(row) and not _directory(row)]


def _reputation(group: dict[str, object]) -> bool:
    """A zone in which questions carry data by design, or one that answers as a list of addresses or files does."""
    if known_as(str(group["zone"]), "lookup_zones"):
        return True
    answered = int(str(group["a_answers"]))
    return answered >= 3 and int(str(group["list_answers"])) >= 0.8 * answered


def _directory(group: dict[str, object]) -> bool:
    """A private zone (no public suffix) that names inside hosts: a cluster with generated names."""
    answered = int(str(group["a_answers"]))
    inside = answered >= 3 and int(str(group["private_answers"])) >= 0.8 * answered
    return inside and not group["zone_prefix"] and not has_known_suffix(str(group["zone"]))


def _rows(dns: pl.DataFrame, group: dict[str, object]) -> pl.DataFrame:
    """All messages of a client about a zone."""
    zone, name = str(group["zone"]), pl.col("qname")
    under = (
        name.str.starts_with(zone + ".") if group["zone_prefix"] else (name == zone) | name.str.ends_with("." + zone)
    )
    return dns.filter((pl.col("client") == str(group["client"])) & under)


def _priority(group: dict[str, object], context: Context) -> Priority:
    many = int(str(group["names"])) >= context.limit("high_names")
    return "high" if group["by_null"] or many or _signs(group) >= 2 else "medium"


def _signs(group: dict[str, object]) -> int:
    return sum(bool(group[k]) for k in ("by_null", "by_type", "by_length", "by_number", "by_answers"))


def _draft(dns: pl.DataFrame, group: dict[str, object], rows: pl.DataFrame, context: Context) -> Iterator[Draft]:
    client, zone, prefix = str(group["client"]), str(group["zone"]), bool(group["zone_prefix"])
    shown = f"{zone}.*" if prefix else zone
    asked = rows.filter(~pl.col("response"))
    servers = (
        rows.group_by("server", maintain_order=True)
        .len()
        .sort("len", descending=True, maintain_order=True)["server"]
        .to_list()
    )
    types = asked.group_by("type", maintain_order=True).len().sort("len", descending=True, maintain_order=True)
    kinds = [c.type_name(t) for t in types["type"].to_list()]
    names, queries = int(str(group["names"])), int(str(group["queries"]))
    mean, longest = float(str(group["mean_characters"])), int(str(group["max_characters"]))
    up, down = int(str(group["query_bytes"])), int(str(group["answer_bytes"]))
    odd = [
        k
        for t, k in zip(types["type"].to_list(), kinds, strict=True)
        if t in NULL_TYPES or t in DATA_TYPES or PRIVATE_FIRST <= (t or 0) <= PRIVATE_LAST
    ]
    many = names >= context.limit("high_names")
    priority = _priority(group, context)
    confidence: Confidence = "high" if group["by_null"] or (many and _signs(group) >= 2) else "medium"
    lowered = ""
    if _is_resolver(dns, client):
        # A resolver asks on behalf of others: the client to look at is behind it.
        lowered = f"{client} also answers DNS questions itself, so it may ask for one of its own clients"
    first, last = c.first_time(rows), c.last_time(rows)
    example = max(asked["qname"].to_list() or rows["qname"].to_list(), key=len)
    start = asked.head(1)["qname"].to_list() or [example]
    place = "after that label" if prefix else "before the domain"
    summary = (
        f"{client} sent {c.count(queries, 'DNS query', 'DNS queries')} for {names:,} different names under "
        f"{c.cut(shown, 80)} to {c.listed(servers)} {c.minutes(first, last)}, as a DNS tunnel would: what stands "
        f"{place} is {mean:.0f} "
        f"characters long on average and up to {longest}, {float(str(group['encoded_share'])):.0%} of the names look "
        f"encoded, types asked for: {c.listed(kinds, 4)} records. {c.size_text(up)} went up in questions, "
        f"{c.size_text(down)} "
        f"came down in answers. First name {c.cut(start[0], 80)}, longest {c.cut(example, 80)}."
    )
    odd_words = f" ({c.listed(odd, 4)} records)" if odd else ""
    yield Draft(
        subject=f"{client} {shown}",
        hosts=(client, *servers[:4]),
        summary=summary,
        sentence=f"{client} began to ask {c.listed(servers, 2)} for {names:,} different long names under "
        f"{c.cut(shown, 80)}{odd_words}, as a DNS tunnel does",
        priority=priority,
        confidence=confidence,
        display_filter=c.dns_filter(c.client_filter(client), c.zone_filter(zone, prefix=prefix)),
        frames=c.frames_of(rows),
        evidence=_evidence(rows),
        lowered_because=lowered,
        indicators=() if prefix else (("domain", zone),),
        line_up=("frame.time_relative", "ip.src", "ip.dst", "dns.id", "dns.qry.type", "dns.qry.name", "frame.len"),
        time=first,
        weight=min(names / 100, 5.0),
    )


def _is_resolver(dns: pl.DataFrame, address: str) -> bool:
    return dns.filter((pl.col("server") == address) & pl.col("response")).height > 0


def _evidence(rows: pl.DataFrame) -> Table:
    shown = rows.sort(pl.col("qname").str.len_chars(), descending=True, maintain_order=True).unique(
        subset=["qname", "response"], keep="first", maintain_order=True
    )
    return evidence(
        (
            ("time", "time"),
            ("frame", "frame"),
            ("direction", "text"),
            ("type", "text"),
            ("name", "text"),
            ("bytes", "bytes"),
        ),
        [
            (
                row["time"],
                row["frame"],
                "answer" if row["response"] else "question",
                c.type_name(row["type"]),
                c.cut(row["name"], 200),
                row["length"],
            )
            for row in shown.head(c.FIRST_ROWS).iter_rows(named=True)
        ],
        total=rows.height,
    )
