"""DNS002: one name, many addresses, short lives."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge.domains import known_as
from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables


@rule(
    code="DNS002",
    name="changing-addresses",
    family="names",
    title="A name changed its addresses again and again within a short time (low TTL)",
    question="Does a name hop over many addresses or networks (fast flux)?",
    answers=("Q5",),
    why="A name whose addresses live for seconds and are new in each answer cannot be blocked by address: this is how "
    "fast-flux networks hide what stands behind them. Content networks use short lives too, but choose again and again "
    "from the same few networks.",
    innocent=(
        Innocent(
            explanation="Content networks and load balancers steer clients with TTLs of 1 to 300 s and many addresses.",
            tell_apart="The addresses belong to one operator and come back; a CNAME leads to the operator's own name.",
        ),
        Innocent(
            explanation="Pools hand out members by turns: NTP pool, seeds of peer-to-peer networks, mirror lists.",
            tell_apart="The protocol spoken with the addresses is the pool's (NTP, Bitcoin), and the name is "
            "documented.",
        ),
    ),
    confirm=(
        "Who owns the addresses? Many providers or home lines for one name speak against a content network.",
        "Did a client connect to one of the addresses after the answer, on which port?",
        "How old is the domain, and do its name servers change as well?",
    ),
    references=(
        Reference(title="ATT&CK T1568.001: Fast Flux DNS", url="https://attack.mitre.org/techniques/T1568/001/"),
        Reference(
            title="Holz et al.: Measuring and Detecting Fast-Flux Service Networks (NDSS 2008)",
            url="https://www.ndss-symposium.org/ndss2008/measuring-and-detecting-fast-flux-service-networks/",
        ),
    ),
    needs=("dns",),
    thresholds={
        "addresses": Threshold(
            10, "addresses", "different addresses of one name; load balancers give up to 8 at a time"
        ),
        "answers": Threshold(3, "answers", "answers over time; a single long list is no change"),
        "ttl": Threshold(300, "seconds", "median TTL; longer-lived names do not hop"),
        "networks": Threshold(8, "networks", "different networks (16 bits; a large cloud operator counts once)"),
        "short_ttl": Threshold(
            60, "seconds", "TTL at which a wholly new set in each answer is odd even within one network"
        ),
        "turnover": Threshold(0.8, "of the answers", "answers that share no address with the one before"),
        "per_answer": Threshold(
            3, "addresses", "mean in an answer, so that one address by turns (ordinary rotation) is no change"
        ),
        "many_networks": Threshold(20, "networks", "from here on the finding is of high priority"),
    },
    weight=60,
)
def changing_addresses(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group answers by name; count addresses, networks and how many of them ever come back."""
    dns = c.messages(tables)
    answers = dns.filter(pl.col("response") & pl.col("qname").is_not_null() & (pl.col("a").list.len() > 0))
    if answers.is_empty():
        return
    flat = answers.select("qname", "frame", "a").explode("a").drop_nulls()
    counts = flat.group_by("qname").agg(pl.col("a").unique().alias("addresses"), pl.col("a").n_unique().alias("count"))
    lives = answers.group_by("qname").agg(
        pl.col("frame").n_unique().alias("answers"),
        pl.col("ttls").list.min().median().alias("ttl"),
        pl.col("ttls").list.min().min().alias("ttl_min"),
        pl.col("time").min().alias("first"),
        pl.col("cname").drop_nulls().unique().alias("cnames"),
        pl.col("answer_names").list.explode().drop_nulls().unique().alias("chain"),
    )
    candidates = counts.join(lives, on="qname").filter(
        (pl.col("count") >= context.limit("addresses"))
        & (pl.col("answers") >= context.limit("answers"))
        & (pl.col("ttl") <= context.limit("ttl"))
    )
    made = [
        d for row in candidates.sort("count", descending=True).iter_rows(named=True) for d in _name(dns, row, context)
    ]
    yield from made[: c.MOST_FINDINGS]


def _name(dns: pl.DataFrame, row: dict[str, object], context: Context) -> Iterator[Draft]:
    name = str(row["qname"])
    addresses: list[str] = list(row["addresses"])  # type: ignore[call-overload]
    chain: list[str] = [*row["cnames"], *row["chain"]]  # type: ignore[misc]
    if any(known_as(n, "content_networks") or known_as(n, "address_pools") for n in (name, *chain)):
        return
    networks = sorted({c.network_of(a) for a in addresses})
    if all("/" not in network for network in networks):
        return  # nothing but large clouds: a load balancer
    rows = dns.filter(pl.col("qname") == name)
    given = rows.filter(pl.col("response") & (pl.col("a").list.len() > 0))
    turnover = _turnover(given)
    per_answer = float(given["a"].list.len().mean() or 0.0)  # type: ignore[arg-type]
    spread = len(networks) >= context.limit("networks")
    renewed = (
        float(str(row["ttl"])) <= context.limit("short_ttl")
        and turnover >= context.limit("turnover")
        and per_answer >= context.limit("per_answer")
    )
    if not (spread or renewed):
        return
    clients = rows["client"].unique(maintain_order=True).to_list()
    servers = given["server"].unique(maintain_order=True).to_list()
    first, last = c.first_time(rows), c.last_time(rows)
    ttl = int(float(str(row["ttl"])))
    priority: Priority = "high" if len(networks) >= context.limit("many_networks") and renewed else "medium"
    confidence: Confidence = "high" if spread and renewed else "medium"
    network_words = f"{len(networks)} networks" if len(networks) > 1 else f"one network ({networks[0]})"
    yield Draft(
        subject=name,
        hosts=(*clients[:4], *addresses[:4]),
        summary=(
            f"{c.cut(name)} had {len(addresses):,} different addresses in {network_words} over {row['answers']} "
            f"answers "
            f"{c.minutes(first, last)}, with a low TTL of {ttl} s (median); {turnover:.0%} of the answers "
            f"shared no address with the one before, as with fast flux. Asked by {c.listed(clients)} at "
            f"{c.listed(servers)}; "
            f"first addresses {c.listed(given['a'].list.first().to_list()[:3], 3)}."
        ),
        sentence=f"{clients[0]} began to be given changing addresses for {c.cut(name, 80)}: {len(addresses):,} in all, "
        f"each for {ttl} s",
        priority=priority,
        confidence=confidence,
        display_filter=c.dns_filter(name_filter(name)),
        frames=c.frames_of(rows),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("client", "address"),
                ("addresses", "count"),
                ("new", "count"),
                ("TTL", "seconds"),
                ("first addresses", "text"),
            ),
            list(_answers(given)),
        ),
        indicators=(("domain", name),),
        line_up=("frame.time_relative", "ip.dst", "dns.qry.name", "dns.resp.ttl", "dns.a"),
        time=first,
        weight=min(len(networks), 20) / 4,
    )


def _turnover(given: pl.DataFrame) -> float:
    """Share of answers that have no address in common with the answer that the same client had before."""
    last: dict[str, set[str]] = {}
    changed = compared = 0
    for client, addresses in given.sort("time").select("client", "a").iter_rows():
        now = set(addresses)
        if client in last:
            compared += 1
            changed += not (now & last[client])
        last[client] = now
    return changed / compared if compared else 0.0


def _answers(given: pl.DataFrame) -> Iterator[tuple[float, int, str, int, int, int | None, str]]:
    known: set[str] = set()
    for row in given.iter_rows(named=True):
        listed = list(row["a"])
        new = set(listed) - known
        known |= new
        ttl = min(row["ttls"]) if row["ttls"] else None
        yield row["time"], row["frame"], row["client"], len(listed), len(new), ttl, ", ".join(listed[:4])


def name_filter(name: str) -> str:
    """Display filter for one name, whatever its case."""
    return f"lower(dns.qry.name) == {filters.quoted(name)}"
