"""Does a client ask DNS for the same name at regular intervals?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _known as known
from tshark_report.rules.checkins import _rhythm as rhythms
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 5
REPEAT_S = 2.0
"""A question within this time is the same one: another record type, another resolver, a retransmission."""
TTL_TOLERANCE = 0.25
TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA", 33: "SRV", 65: "HTTPS"}


@rule(
    code="CHK005",
    name="regular-lookups",
    family="checkins",
    title="One client asked DNS for one name at regular intervals",
    question="Does a client ask DNS for the same name at regular intervals?",
    answers=("Q5",),
    why=(
        "A program that reports at an interval looks its server up each time. Where the contact itself cannot be "
        "seen (blocked, "
        "another path, a dead server), the question is all that shows it."
    ),
    innocent=(
        Innocent(
            explanation="The answer lives as long as the interval, and the name is in constant use.",
            tell_apart="The interval equals the TTL of the answer.",
        ),
        Innocent(
            explanation="A device or a monitoring check asks for its server every minute.",
            tell_apart="The name belongs to the maker of the device or to the organisation.",
        ),
    ),
    confirm=("Which process asks? Is there contact with the address after each answer?",),
    references=(
        Reference(
            title="ATT&CK T1071.004 Application Layer Protocol: DNS",
            url="https://attack.mitre.org/techniques/T1071/004/",
        ),
        common.DYNAMIC_RESOLUTION,
    ),
    needs=("dns",),
    thresholds={
        "questions": Threshold(8, "questions", "Seven gaps: fewer may be even by chance."),
        "jitter": Threshold(0.25, "share of the median gap", "A timer stays below; browsing gives 0.6 and more."),
        "shortest_gap": Threshold(4.0, "seconds", "Faster repeats are retries of a resolver."),
    },
    weight=25,
)
def regular_lookups(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups questions by client and name, and looks at the gaps between them."""
    asked = tables.dns.filter(
        ~pl.col("response")
        & pl.col("name").is_not_null()
        & (pl.col("protocol") == "DNS")  # noqa: E712 - a column
        & pl.col("src").is_not_null()
    )
    least = int(context.limit("questions"))
    groups = asked.group_by("src", "name", maintain_order=True).agg(pl.len(), "time").filter(pl.col("len") >= least)
    ordinary = set(known.ordinary_lookups())
    drafts = []
    for client, name, _, times in groups.iter_rows():
        labels = str(name).lower().rstrip(".").split(".")
        if (
            labels[0] in ordinary
            or "." not in name
            or any(".".join(labels[i:]) in ordinary for i in range(len(labels)))
        ):
            continue
        rhythm = rhythms.rhythm(rhythms.apart(times, REPEAT_S))
        if rhythm is None or rhythm.contacts < least or rhythm.median < context.limit("shortest_gap"):
            continue
        if rhythm.jitter > context.limit("jitter") or 2 * rhythm.run < rhythm.contacts - 1:
            continue
        drafts.append(_draft(tables, str(client), str(name), rhythm))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, client: str, name: str, rhythm: rhythms.Rhythm) -> Draft:
    rows = tables.dns.filter(
        (pl.col("src") == client) & (pl.col("name") == name) & ~pl.col("response") & (pl.col("protocol") == "DNS")
    )
    answers = tables.dns.filter((pl.col("dst") == client) & (pl.col("name") == name) & pl.col("response"))
    ttls = [t for row in answers["ttls"].to_list() for t in (row or []) if t is not None]
    addresses = [a for row in answers["a"].to_list() for a in (row or [])]
    failed = answers.filter(pl.col("rcode") != 0).height
    dynamic = known.dynamic_dns(name)
    told = []
    if ttls:
        told.append(f"the answers live {min(ttls)} s (TTL)")
    if addresses:
        told.append(f"and name {', '.join(sorted(set(addresses))[:3])}")
    if failed:
        told.append(f"{failed} answers were errors such as NXDOMAIN")
    if not answers.height:
        told.append("nobody answered")
    if dynamic:
        told.append(f"it is a dynamic-DNS name under {dynamic}")
    priority, lowered = _priority(name, rhythm, min(ttls, default=None), dynamic, failed or not answers.height)
    first = float(rows["time"][0])
    return Draft(
        subject=f"{client} -> {name}",
        hosts=(client, *sorted(set(addresses))[:3]),
        summary=(
            f"{client} asked DNS for {words.cut(name)} {rows.height} times between {words.clock(first)} and "
            f"{words.clock(float(rows['time'][-1]))} UTC {rhythms.interval(rhythm, priority)}. "
            f"{'; '.join(told).capitalize()}."
        ),
        sentence=(
            f"{client} began to ask DNS for {words.cut(name)} every {words.seconds(rhythm.median)} ({rows.height} "
            "questions)"
        ),
        priority=priority,
        confidence="medium",
        display_filter=filters.all_of(
            filters.src(client),
            filters.equals("dns.qry.name", name),
            "dns.flags.response == 0",
            "!(mdns)",
            "!(llmnr)",
            common.not_quoted(tables),
        ),
        frames=rows["frame"].to_list(),
        evidence=evidence(
            [
                ("time", "time"),
                ("seconds since the last", "seconds"),
                ("type", "text"),
                ("resolver", "address"),
                ("frame", "frame"),
            ],
            [
                (r["time"], gap, TYPES.get(r["type"], str(r["type"])), r["dst"], r["frame"])
                for r, gap in zip(rows.iter_rows(named=True), rows["time"].diff().to_list(), strict=True)
            ],
        ),
        lowered_because=lowered,
        time=first,
    )


def _priority(name: str, rhythm: rhythms.Rhythm, ttl: int | None, dynamic: str, failed: object) -> tuple[Priority, str]:
    service = known.polling_service(name)
    if service:
        return "info", f"{name} is known to be polled: {service}."
    if ttl and abs(rhythm.median - ttl) <= TTL_TOLERANCE * ttl:
        return "info", "The interval is the lifetime of the answer."
    if dynamic or failed:
        return "low", ""
    return "info", "Looking a name up says little where nothing else is unusual."
