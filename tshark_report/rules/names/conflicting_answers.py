"""DNS006: answers that contradict each other or come from somebody who was not asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.rules.names.changing_addresses import name_filter
from tshark_report.tables.tables import Tables

QUESTION = ("client", "client_port", "id", "qname", "type")


@rule(
    code="DNS006",
    name="conflicting-answers",
    family="names",
    title="One DNS question got two different answers",
    question="Does somebody else answer in the server's place?",
    answers=("Q5", "Q10"),
    why="A client takes the first answer that fits its question. Who can see or guess the question sends a false one "
    "quickly; the true answer comes after it. Then one question has two answers with different addresses, often with "
    "different TTL of the IP header, or an answer comes from an address that was never asked.",
    innocent=(
        Innocent(
            explanation="A repeated question may be answered twice by a server that gives its addresses by turns.",
            tell_apart="There are as many questions as answers; those cases are not counted here.",
        ),
        Innocent(
            explanation="A server with several addresses, or behind a translating firewall, answers from another "
            "address.",
            tell_apart="It does so for every question, and the answer is the one that others give too.",
        ),
        Innocent(
            explanation="A national or company filter answers in place of the server for blocked names.",
            tell_apart="Only certain names are concerned, always with the same addresses.",
        ),
    ),
    confirm=(
        "Compare IP TTL and IP ID of the two answers: do they come from the same machine?",
        "Ask a resolver of your choice over TLS for the name: which answer is right?",
        "Look for ARP answers that move the resolver's or gateway's address before this moment.",
    ),
    references=(
        Reference(title="ATT&CK T1557: Adversary-in-the-Middle", url="https://attack.mitre.org/techniques/T1557/"),
        Reference(
            title="RFC 5452: making DNS more resilient against forged answers",
            url="https://www.rfc-editor.org/rfc/rfc5452",
        ),
    ),
    needs=("dns",),
    thresholds={
        "conflicts": Threshold(
            1, "questions", "a question with two contradicting answers; there is no ordinary reason"
        ),
        "guessed_ids": Threshold(
            50, "answers", "answers with different ids for one name that nobody asked for with these ids"
        ),
        "stray_answers": Threshold(
            2, "answers", "answers from an address that was not asked; one may be a late change"
        ),
    },
    weight=80,
)
def conflicting_answers(tables: Tables, context: Context) -> Iterator[Draft]:
    """Compare answers with the same client, port, id, name and type; count questions that could explain them."""
    dns = c.messages(tables).filter(pl.col("qname").is_not_null())
    answers = dns.filter(pl.col("response"))
    asked = dns.filter(~pl.col("response"))
    if answers.is_empty():
        return
    sent = asked.group_by(*QUESTION, "server").agg(pl.len().alias("sent"))
    yield from _two_answers(tables, dns, answers, sent, context)
    if not asked.is_empty():
        yield from _strangers(dns, answers, asked, sent, context)
        yield from _guessed(dns, answers, asked, context)


def _two_answers(
    tables: Tables, dns: pl.DataFrame, answers: pl.DataFrame, sent: pl.DataFrame, context: Context
) -> Iterator[Draft]:
    addressed = answers.filter((pl.col("a").list.len() > 0) | (pl.col("aaaa").list.len() > 0) | (pl.col("rcode") == 3))
    grouped = (
        addressed.with_columns(
            pl.concat_list(pl.col("a").fill_null([]), pl.col("aaaa").fill_null([]))
            .list.sort()
            .list.join(" ")
            .alias("given")
        )
        .group_by(*QUESTION, "server", maintain_order=True)
        .agg(
            pl.col("given").unique(maintain_order=True), pl.len().alias("count"), pl.col("frame"), pl.col("time").min()
        )
        .filter((pl.col("count") > 1) & (pl.col("given").list.len() > 1))
        .join(sent, on=[*QUESTION, "server"], how="left", nulls_equal=True, maintain_order="left")
        .filter(pl.col("count") > pl.col("sent").fill_null(1))
    )
    rows = [row for row in grouped.iter_rows(named=True) if _disjoint(row["given"])]
    ttls = dict(
        tables.packets.select("frame", "ttl")
        .filter(pl.col("frame").is_in([f for r in rows for f in r["frame"]]))
        .iter_rows()
    )
    by_pair: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        by_pair.setdefault((row["client"], row["server"]), []).append(row)
    for (client, server), found in list(by_pair.items())[: c.MOST_FINDINGS]:
        if len(found) < context.limit("conflicts"):
            continue
        every = sorted({int(f) for row in found for f in row["frame"]})
        differing = sum(len({ttls.get(f) for f in row["frame"]}) > 1 for row in found)
        names = list(dict.fromkeys(str(row["qname"]) for row in found))
        first = found[0]
        given: list[str] = first["given"]
        words = [g or "no such name" for g in given]
        display_filter, frames = _answer_filter(dns, every, client, server, names)
        priority: Priority = "high" if differing else "medium"
        confidence: Confidence = "high" if differing else "medium"
        yield Draft(
            subject=f"{client} {server}",
            hosts=(client, server, *[g.split(" ")[0] for g in given if g][:4]),
            summary=(
                f"{c.count(len(found), 'question')} of {client} to DNS server {server} for "
                f"{c.listed([c.cut(n, 80) for n in names])} got two different answers, first at "
                f"{c.clock(float(str(first['time'])))} UTC: "
                f"{c.cut(' against '.join(words), 120)}, as when answers are forged (DNS spoofing)"
                + (f"; in {differing:,} of them the two came with different IP TTLs." if differing else ".")
            ),
            sentence=f"{client} got two different answers from {server} to its question for {c.cut(names[0], 80)}",
            priority=priority,
            confidence=confidence,
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(
                (
                    ("time", "time"),
                    ("frame", "frame"),
                    ("name", "text"),
                    ("id", "hex"),
                    ("answer", "text"),
                    ("IP TTL", "count"),
                ),
                [
                    (
                        row["time"],
                        frame,
                        c.cut(str(row["qname"]), 200),
                        row["id"],
                        _answer_of(answers, frame),
                        ttls.get(frame),
                    )
                    for row in found[:20]
                    for frame in row["frame"]
                ],
                total=len(frames),
            ),
            line_up=(
                "frame.time_relative",
                "ip.src",
                "ip.ttl",
                "ip.id",
                "dns.id",
                "dns.qry.name",
                "dns.a",
                "dns.resp.ttl",
            ),
            time=float(str(first["time"])),
        )


def _disjoint(given: list[str]) -> bool:
    """True where two of the answers share no address (an answer without any counts as one of its own)."""
    sets = [set(g.split()) for g in given]
    return any(not (a & b) for place, a in enumerate(sets) for b in sets[place + 1 :])


def _answer_of(answers: pl.DataFrame, frame: int) -> str:
    row = answers.filter(pl.col("frame") == frame).row(0, named=True)
    listed = [*(row["a"] or []), *(row["aaaa"] or [])]
    return ", ".join(listed[:4]) if listed else c.RCODES.get(row["rcode"], f"rcode {row['rcode']}")


def _answer_filter(
    dns: pl.DataFrame, frames: list[int], client: str, server: str, names: list[str]
) -> tuple[str, list[int]]:
    """By ends, name and id where that selects exactly these frames, else by frame numbers."""
    rows = dns.filter(pl.col("frame").is_in(frames))
    ids = rows["id"].unique().to_list()
    alike = dns.filter(
        pl.col("response")
        & (pl.col("client") == client)
        & (pl.col("server") == server)
        & pl.col("qname").is_in(names)
        & pl.col("id").is_in(ids)
    )
    if alike.height == len(frames) and len(names) <= 10 and len(ids) <= 20:
        made = c.dns_filter(
            filters.src(server),
            filters.dst(client),
            filters.equals("dns.flags.response", 1),
            filters.any_of(*(name_filter(n) for n in names)),
            filters.one_of("dns.id", [int(i) for i in ids]),
        )
        return made, frames
    return c.by_number(frames)


def _strangers(
    dns: pl.DataFrame, answers: pl.DataFrame, asked: pl.DataFrame, sent: pl.DataFrame, context: Context
) -> Iterator[Draft]:
    """Answers that fit a question in everything but the address that was asked."""
    keys = asked.select(*QUESTION, pl.col("server").alias("asked_server")).unique(
        subset=list(QUESTION), maintain_order=True
    )
    stray = answers.join(sent, on=[*QUESTION, "server"], how="anti", nulls_equal=True).join(
        keys, on=list(QUESTION), how="inner", nulls_equal=True
    )
    for (server,), rows in list(stray.group_by("server", maintain_order=True))[: c.MOST_FINDINGS]:
        if rows.height < context.limit("stray_answers"):
            continue
        clients = rows["client"].unique(maintain_order=True).to_list()
        asked_servers = rows["asked_server"].unique(maintain_order=True).to_list()
        answered_too = answers.join(rows.select(*QUESTION), on=list(QUESTION), how="semi", nulls_equal=True)
        both = answered_too.filter(pl.col("server").is_in(asked_servers)).height > 0
        names = rows["qname"].unique(maintain_order=True).to_list()
        same = dns.filter(pl.col("response") & (pl.col("server") == server))
        display_filter, frames = (
            (c.dns_filter(filters.src(str(server)), filters.equals("dns.flags.response", 1)), c.frames_of(rows))
            if same.height == rows.height
            else c.by_number(c.frames_of(rows))
        )
        yield Draft(
            subject=f"answers from {server}",
            hosts=(str(server), *clients[:3], *asked_servers[:2]),
            summary=(
                f"{server} answered {c.count(rows.height, 'DNS question')} that {c.listed(clients)} had sent to "
                f"{c.listed(asked_servers)}, not to it: {c.listed([c.cut(n, 80) for n in names])} "
                f"{c.minutes(c.first_time(rows), c.last_time(rows))}"
                + (
                    "; the server that was asked answered too."
                    if both
                    else "; the server that was asked did not answer itself."
                )
            ),
            sentence=f"{server} answered a DNS question that {clients[0]} had sent to {asked_servers[0]}",
            priority="medium" if both else "low",
            confidence="medium",
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(
                (("time", "time"), ("frame", "frame"), ("client", "address"), ("asked", "address"), ("name", "text")),
                [
                    (r["time"], r["frame"], r["client"], r["asked_server"], c.cut(r["qname"], 200))
                    for r in rows.head(c.FIRST_ROWS).iter_rows(named=True)
                ],
                total=rows.height,
            ),
            title="A DNS answer came from an address that was not asked",
            time=c.first_time(rows),
        )


def _guessed(dns: pl.DataFrame, answers: pl.DataFrame, asked: pl.DataFrame, context: Context) -> Iterator[Draft]:
    """Many answers for one name with ids that no question had: somebody guesses."""
    unasked = answers.join(
        asked.select("client", "server", "id", "qname"), on=["client", "server", "id", "qname"], how="anti"
    )
    # Only where the client's questions are in the capture: else every answer would count.
    unasked = unasked.join(asked.select("client", "server").unique(), on=["client", "server"], how="semi")
    groups = unasked.group_by("client", "server", maintain_order=True).agg(pl.col("id").n_unique().alias("ids"))
    for client, server, ids in groups.iter_rows():
        if ids < context.limit("guessed_ids"):
            continue
        rows = unasked.filter((pl.col("client") == client) & (pl.col("server") == server))
        questions = asked.filter((pl.col("client") == client) & (pl.col("server") == server)).height
        if rows.height < 2 * questions:
            continue  # a capture that lost part of the questions
        names = rows["qname"].unique(maintain_order=True).to_list()
        every = dns.filter(pl.col("response") & (pl.col("client") == client) & (pl.col("server") == server))
        ends = c.dns_filter(filters.src(str(server)), filters.dst(str(client)), filters.equals("dns.flags.response", 1))
        display_filter, frames = (
            (ends, c.frames_of(rows)) if every.height == rows.height else c.by_number(c.frames_of(rows))
        )
        yield Draft(
            subject=f"{client} {server} ids",
            hosts=(str(client), str(server)),
            summary=(
                f"{c.count(rows.height, 'DNS answer')} with {ids:,} different ids came from {server} to {client} "
                f"{c.minutes(c.first_time(rows), c.last_time(rows))} for {c.listed([c.cut(n, 80) for n in names])}, "
                f"although no "
                f"question had these ids, as when the id of a question is guessed (cache poisoning)."
            ),
            sentence=f"{client} was sent {rows.height:,} DNS answers with ids that it had not used, in the name of "
            f"{server}",
            priority="high",
            confidence="high",
            display_filter=display_filter,
            frames=frames,
            evidence=evidence(
                (("time", "time"), ("frame", "frame"), ("id", "hex"), ("name", "text")),
                [
                    (r["time"], r["frame"], r["id"], c.cut(r["qname"], 200))
                    for r in rows.head(c.FIRST_ROWS).iter_rows(named=True)
                ],
                total=rows.height,
            ),
            title="Many DNS answers came with ids that no question had",
            time=c.first_time(rows),
        )
