"""DNS as a whole, and every name that was asked for."""

from __future__ import annotations

import polars as pl

from tshark_report.report.model import DnsName, DnsView
from tshark_report.settings import Settings, is_multicast
from tshark_report.story.words import iso_time
from tshark_report.tables.questions import messages, questions
from tshark_report.tables.tables import Tables

NAMES_KEPT = 200
PER_NAME = 20
"""Clients and addresses that are listed for one name."""

NXDOMAIN = 3

TYPES: dict[int, str] = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 15: "MX", 16: "TXT", 25: "KEY", 28: "AAAA", 33: "SRV",
    35: "NAPTR", 43: "DS", 46: "RRSIG", 48: "DNSKEY", 52: "TLSA", 64: "SVCB", 65: "HTTPS", 251: "IXFR", 252: "AXFR",
    255: "ANY", 257: "CAA",
}  # fmt: skip
"""Record types that are named in the view (IANA DNS parameters, read 2026-11-24)."""


def dns_view(tables: Tables, settings: Settings) -> DnsView:
    """Counts over all questions (a repeat with the same id and port is the same question), and the busiest names.

    mDNS, LLMNR and messages that an ICMP error quotes are left out.
    """
    found = messages(tables.dns)
    asked = questions(found)
    answers = found.filter(pl.col("response") & pl.col("qname").is_not_null())
    resolvers = _resolvers(found, settings)
    answered = asked.filter(pl.col("answers") > 0)
    median = answered["waited"].median() if answered.height else None
    names, total = _names(asked, answers)
    return DnsView(
        queries=asked.height,
        answered=answered.height,
        unanswered=asked.height - answered.height,
        nxdomain=int((answers["rcode"] == NXDOMAIN).sum()),
        resolvers=resolvers,
        median_answer_s=round(float(median), 6) if isinstance(median, int | float) else None,
        names=names,
        names_total=total,
    )


def _resolvers(found: pl.DataFrame, settings: Settings) -> list[str]:
    """Servers that were asked or that answered, busiest first; the home networks' own before others."""
    counts = found.group_by("server", maintain_order=True).len().sort("len", descending=True, maintain_order=True)
    servers = [str(s) for s in counts["server"].to_list() if not is_multicast(s)]
    return sorted(servers, key=lambda s: not settings.is_home(s))[:50]


def _names(asked: pl.DataFrame, answers: pl.DataFrame) -> tuple[list[DnsName], int]:
    by_question = asked.group_by("qname", maintain_order=True).agg(
        pl.len().alias("queries"),
        pl.col("type").unique(maintain_order=True).alias("types"),
        pl.col("client").unique(maintain_order=True).alias("clients"),
        pl.col("time").min().alias("first"),
    )
    by_answer = answers.group_by("qname", maintain_order=True).agg(
        pl.len().alias("answers"),
        (pl.col("rcode") != 0).sum().alias("failures"),
        pl.col("a").list.explode().drop_nulls().unique(maintain_order=True).alias("a"),
        pl.col("aaaa").list.explode().drop_nulls().unique(maintain_order=True).alias("aaaa"),
        pl.col("ttls").list.explode().drop_nulls().min().alias("ttl_min"),
        pl.col("ttls").list.explode().drop_nulls().max().alias("ttl_max"),
        pl.col("type").unique(maintain_order=True).alias("answer_types"),
        pl.col("client").unique(maintain_order=True).alias("answer_clients"),
        pl.col("time").min().alias("answer_first"),
    )
    joined = by_question.join(by_answer, on="qname", how="full", coalesce=True).with_columns(
        pl.col("queries").fill_null(0),
        pl.col("answers").fill_null(0),
        pl.col("failures").fill_null(0),
        pl.coalesce("first", "answer_first").alias("first"),
    )
    # Some name of each failing and each busy kind should be seen before the cut: busiest first, then by time.
    ordered = joined.sort(["queries", "failures", "first", "qname"], descending=[True, True, False, False])
    return [_name(row) for row in ordered.head(NAMES_KEPT).iter_rows(named=True)], joined.height


def _name(row: dict[str, object]) -> DnsName:
    def listed(column: str) -> list[object]:
        value = row[column]
        return list(value) if isinstance(value, list) else []

    def number(column: str) -> int | None:
        value = row[column]
        return value if isinstance(value, int) else None

    types = dict.fromkeys(t for t in (*listed("types"), *listed("answer_types")) if isinstance(t, int))
    clients = dict.fromkeys(str(x) for x in (*listed("clients"), *listed("answer_clients")) if x)
    addresses = dict.fromkeys(str(x) for x in (*listed("a"), *listed("aaaa")) if x)
    first = row["first"]
    return DnsName(
        name=str(row["qname"]),
        types=[TYPES.get(t, f"TYPE{t}") for t in types],
        queries=number("queries") or 0,
        answers=number("answers") or 0,
        failures=number("failures") or 0,
        clients=list(clients)[:PER_NAME],
        addresses=list(addresses)[:PER_NAME],
        ttl_min_s=number("ttl_min"),
        ttl_max_s=number("ttl_max"),
        first_time=iso_time(first) if isinstance(first, float) else None,
    )
