"""LOG011: one client's SIP registrations or calls were refused again and again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, dense, minutes, ordered
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

REFUSED = (401, 403, 404, 407)
"""Unauthorized, forbidden, not found, proxy authentication required (RFC 3261, section 21)."""

AGENT = re.compile(rb"(?im)^User-Agent:[ \t]*([^\r\n]{1,80})")


@rule(
    code="LOG011",
    name="refused-sip-requests",
    family="access",
    title="SIP requests of one client were refused again and again",
    question="Is somebody looking for telephone accounts, or trying passwords on one?",
    answers=("Q6",),
    why="A server answers differently for a number that exists (401) and one that does not (404), so a program that"
    " asks for one after another finds the accounts first, then tries passwords. What it wants is calls at"
    " somebody else's cost.",
    innocent=(
        Innocent(
            explanation="A phone with an outdated password registers again and again.",
            tell_apart="It is always the same number, every half minute or so, from an address of the organisation.",
        ),
        Innocent(
            explanation="A telephone system that registers hundreds of numbers is asked to authenticate for each.",
            tell_apart="Each 401 is followed by the same request with credentials and by 200.",
        ),
    ),
    confirm=(
        "Read the telephone server's log: which numbers were asked for, and was one accepted?",
        "Is the address known, a provider's or a branch's?",
        "Were calls made afterwards, to which countries?",
    ),
    references=(
        Reference(title="RFC 3261: SIP, response codes", url="https://www.rfc-editor.org/rfc/rfc3261#section-21"),
        Reference(title="ATT&CK T1110 Brute Force", url="https://attack.mitre.org/techniques/T1110/"),
    ),
    needs=("misc",),
    thresholds={
        "refused": Threshold(20, "refusals", "within the window; a phone asks once in half a minute"),
        "window": Threshold(60, "seconds", "programs that search send several requests a second"),
        "accepted": Threshold(
            0.2, "share of the answers", "where so many succeed, refusals are the first half of a login"
        ),
        "many": Threshold(100, "refusals", "more numbers than any phone has keys: the priority is then high"),
    },
    weight=60.0,
)
def refused_sip_requests(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server."""
    sip = tables.misc.filter(pl.col("sip_status").is_not_null() & pl.col("src").is_not_null())
    if sip.height < context.limit("refused"):
        return
    drafts = []
    for (server, client), rows in sip.group_by("src", "dst", maintain_order=True):
        refused = rows.filter(pl.col("sip_status").is_in(REFUSED))
        taken = rows.filter(pl.col("sip_status").is_between(200, 299)).height
        if taken >= context.limit("accepted") * rows.height:
            continue
        if dense(refused["time"].to_list(), int(context.limit("refused")), context.limit("window")):
            drafts.append(_draft(tables, context, str(client), str(server), refused, taken))
    drafts.sort(key=lambda draft: -len(draft.frames))
    yield from drafts[:MOST_FINDINGS]


def _draft(tables: Tables, context: Context, client: str, server: str, refused: pl.DataFrame, taken: int) -> Draft:
    asked = tables.misc.filter(
        pl.col("sip_method").is_not_null() & (pl.col("src") == client) & (pl.col("dst") == server)
    )
    methods = asked["sip_method"].value_counts(sort=True).iter_rows()
    codes = [
        f"{int(number):,} x {int(code)}"
        for code, number in refused["sip_status"]
        .value_counts()
        .sort(["count", "sip_status"], descending=True)
        .iter_rows()
    ]
    first, last = float(refused["time"].to_list()[0]), float(refused["time"].to_list()[-1])
    agent = _agent(tables, client, server)
    named = f", calling itself {agent!r}" if agent else ""
    end = (
        f"{count(taken, 'request')} of it {'was' if taken == 1 else 'were'} accepted."
        if taken
        else "None was accepted."
    )
    many = refused.height >= context.limit("many")
    priority: Priority = "high" if many else "medium"
    what = listed([f"{int(number):,} {method}" for method, number in methods], 3)
    return Draft(
        subject=f"{client} to {server} SIP",
        hosts=(client, server),
        summary=f"{called(context, server)} refused {refused.height:,} SIP requests of {client} ({listed(codes, 4)}) in"
        f" {duration(last - first)}, {minutes(first, last)}, as a search for telephone accounts or password guessing"
        f" would have it: it sent {what or 'no request that is in the capture'}{named}. {end}",
        sentence=f"{client} began {what or 'SIP requests'} to {called(context, server)}{named}, and was refused"
        f" {refused.height:,} times",
        priority=priority,
        confidence="high" if many else "medium",
        display_filter=filters.all_of(
            filters.src(server), filters.dst(client), filters.one_of("sip.Status-Code", list(REFUSED))
        ),
        frames=ordered(refused["frame"].to_list()),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("client", "address"), ("status", "count")),
            [[r["time"], r["frame"], client, r["sip_status"]] for r in refused.head(100).iter_rows(named=True)],
            refused.height,
        ),
        line_up=("ip.src", "udp.srcport", "sip.Method", "sip.Status-Code", "sip.to.user", "sip.User-Agent"),
        time=first,
    )


def _agent(tables: Tables, client: str, server: str) -> str:
    """What the client calls itself in the first bytes that are kept of its packets."""
    said = tables.openings.filter((pl.col("src") == client) & (pl.col("dst") == server) & (pl.col("dst_port") == 5060))
    for data in said["data"].head(50).to_list():
        hit = AGENT.search(bytes(data))
        if hit:
            return cut(hit.group(1).decode("utf-8", "replace").strip(), 60)
    return ""
