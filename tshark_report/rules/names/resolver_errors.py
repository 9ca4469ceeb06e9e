"""DNS015: a server that says that it cannot or will not answer."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.tables.tables import Tables

ERRORS = (1, 2, 4, 5, 9)
"""Format error, server failure, not implemented, refused, not authoritative (RFC 1035, RFC 2136)."""


@rule(
    code="DNS015",
    name="resolver-errors",
    family="names",
    title="A DNS server answered with errors",
    question="Does a resolver fail or refuse to answer?",
    answers=("Q5", "Q7"),
    why="SERVFAIL says that the server tried and failed: its own servers are silent, or DNSSEC does not hold. "
    "REFUSED says "
    "that it will not answer this client. In both cases the client must look elsewhere, and its user sees a site that "
    "does not exist or comes late.",
    innocent=(
        Innocent(
            explanation="Single domains are broken, and every resolver fails on them.",
            tell_apart="Only names of that domain fail; others are answered.",
        ),
        Innocent(
            explanation="A server for its own domain refuses all other names, as it should.",
            tell_apart="The client was told to use it for that domain only.",
        ),
    ),
    confirm=(
        "Ask another resolver for the same name: does it fail too?",
        "Can the server reach its forwarders, and is its clock right (DNSSEC)?",
        "Is the client in the networks that the server serves?",
    ),
    references=(
        Reference(title="RFC 1035, section 4.1.1: RCODE", url="https://www.rfc-editor.org/rfc/rfc1035#section-4.1.1"),
        Reference(title="RFC 8914: extended DNS errors", url="https://www.rfc-editor.org/rfc/rfc8914"),
    ),
    needs=("dns",),
    thresholds={
        "errors": Threshold(2, "answers", "errors of one server; one may be a broken domain"),
        "failing_names": Threshold(3, "names", "different names that failed, for a server that is in trouble"),
        "failing_share": Threshold(0.3, "of the answers", "and their share from which on the priority is medium"),
    },
    weight=40,
)
def resolver_errors(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group error answers by server."""
    dns = c.messages(tables)
    answers = dns.filter(pl.col("response"))
    errors = answers.filter(pl.col("rcode").is_in(ERRORS))
    made = []
    for (server,), rows in errors.group_by("server", maintain_order=True):
        if rows.height >= context.limit("errors"):
            total = answers.filter(pl.col("server") == server).height
            made.append(_draft(dns, rows, str(server), total, context))
    made.sort(key=lambda d: (d.priority != "medium", -len(d.frames)))
    yield from made[: c.MOST_FINDINGS]


def _draft(dns: pl.DataFrame, rows: pl.DataFrame, server: str, total: int, context: Context) -> Draft:
    clients = rows["client"].unique(maintain_order=True).to_list()
    names = rows["qname"].drop_nulls().unique(maintain_order=True).to_list()
    solved = dns.filter(
        pl.col("response") & (pl.col("rcode") == 0) & pl.col("qname").is_in(names) & (pl.col("server") != server)
    )
    codes = rows["rcode"].value_counts(sort=True).iter_rows()
    kinds = [f"{count:,} {c.RCODES.get(code, f'rcode {code}')}" for code, count in codes]
    troubled = len(names) >= context.limit("failing_names") and rows.height >= context.limit("failing_share") * total
    priority: Priority = "medium" if troubled else "low"
    first, last = c.first_time(rows), c.last_time(rows)
    summary = (
        f"DNS server {server} answered {rows.height:,} of {total:,} questions with an error ({c.listed(kinds)}) to "
        f"{c.listed(clients)} {c.minutes(first, last)}: {c.listed([c.cut(n, 80) for n in names])}."
    )
    if solved.height:
        summary += f" {c.listed(solved['server'].unique(maintain_order=True).to_list())} answered some of these names."
    return Draft(
        subject=server,
        hosts=(server, *clients[:4]),
        summary=summary,
        sentence=f"{server} answered {clients[0]}'s question for {c.cut(names[0], 80) if names else 'a name'} with "
        f"{c.RCODES.get(rows['rcode'][0], 'an error')}",
        priority=priority,
        confidence="high",
        display_filter=c.dns_filter(
            filters.src(server), filters.equals("dns.flags.response", 1), filters.one_of("dns.flags.rcode", ERRORS)
        ),
        frames=c.frames_of(rows),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("client", "address"),
                ("name", "text"),
                ("type", "text"),
                ("error", "text"),
            ),
            [
                (
                    r["time"],
                    r["frame"],
                    r["client"],
                    c.cut(r["name"] or "", 200),
                    c.type_name(r["type"]),
                    c.RCODES.get(r["rcode"], f"rcode {r['rcode']}"),
                )
                for r in rows.head(c.FIRST_ROWS).iter_rows(named=True)
            ],
            total=rows.height,
        ),
        line_up=("frame.time_relative", "ip.src", "ip.dst", "dns.qry.name", "dns.flags.rcode", "dns.time"),
        time=first,
    )
