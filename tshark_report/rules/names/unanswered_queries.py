"""DNS005: a resolver that does not answer."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.settings import is_multicast
from tshark_report.tables.tables import Tables

PLACEHOLDER = "fec0:0:0:ffff:"
"""Windows' default IPv6 resolvers, which no network has any more (RFC 3879 withdrew site-local addresses)."""


@rule(
    code="DNS005",
    name="unanswered-queries",
    family="names",
    title="A DNS server left questions unanswered",
    question="Does a resolver stay silent, and does a client wait for it?",
    answers=("Q5", "Q7"),
    why="A client that gets no answer waits 1 to 5 s, asks again, and only then turns to another server: to its user "
    "every new name takes seconds, whatever the network's speed.",
    innocent=(
        Innocent(
            explanation="The capture holds one direction only, or was stopped before the answers came.",
            tell_apart="Then other traffic of the same hosts lacks its answers too, or the questions stand at the end.",
        ),
        Innocent(
            explanation="A firewall drops DNS to outside servers on purpose; devices with a fixed resolver try in "
            "vain.",
            tell_apart="The same names are answered at once by the network's own resolver.",
        ),
    ),
    confirm=(
        "Ask the server by hand from the same network: dig @SERVER NAME. Does it answer, or an ICMP error?",
        "Is the server in the client's settings (DHCP option 6) still in service?",
        "Does a firewall between them drop UDP port 53, or only large answers and fragments?",
    ),
    references=(
        Reference(
            title="RFC 1035, section 4.2.1: UDP usage, retransmission",
            url="https://www.rfc-editor.org/rfc/rfc1035#section-4.2.1",
        ),
        Reference(
            title="RFC 9520: negative caching of resolution failures", url="https://www.rfc-editor.org/rfc/rfc9520"
        ),
    ),
    needs=("dns",),
    thresholds={
        "silent_queries": Threshold(
            3, "queries", "sent to a server that never answered: one question and its two repeats"
        ),
        "lost_queries": Threshold(5, "questions", "unanswered questions of a server that answers others"),
        "lost_share": Threshold(0.1, "of the questions", "a few lost datagrams are ordinary, a tenth is noticed"),
        "wait": Threshold(2.0, "seconds", "a wait that a user notices as an interruption"),
        "delay": Threshold(
            0.9, "seconds", "resolvers of operating systems try the next server after 1 s (Windows) to 5 s"
        ),
        "delays": Threshold(10, "questions", "answered that late, one after another: every page and login feels slow"),
        "grace": Threshold(3.0, "seconds", "questions this close to the end of the capture may be answered after it"),
    },
    weight=45,
    rests_on=("both-sides",),
)
def unanswered_queries(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group questions by server and look for those without an answer."""
    dns = c.messages(tables).filter(~pl.col("server").is_in(_multicast(tables)))
    if dns.filter(~pl.col("response")).is_empty():
        return
    asked = c.questions(dns)
    open_end = tables.last_time - context.limit("grace")
    lost = asked.filter((pl.col("answers") == 0) & (pl.col("time") <= open_end))
    if lost.is_empty():
        return
    hearing = set(tables.packets["dst"].drop_nulls().unique().to_list())
    totals = {str(s): int(n) for s, n in asked.group_by("server").len().iter_rows()}
    made = []
    for (server,), rows in lost.group_by("server", maintain_order=True):
        silent = totals[str(server)] == asked.filter((pl.col("server") == server) & (pl.col("answers") == 0)).height
        sent = int(rows["repeats"].sum())
        enough = (
            sent >= context.limit("silent_queries")
            if silent
            else rows.height >= context.limit("lost_queries")
            and rows.height >= context.limit("lost_share") * totals[str(server)]
        )
        # Without any packet to the client the capture shows one direction only: nothing can be said.
        if enough and any(client in hearing for client in rows["client"].unique().to_list()):
            made.append(_draft(tables, asked, str(server), rows, context, silent=silent, total=totals[str(server)]))
    made.sort(key=lambda d: (d.priority != "medium", -len(d.frames)))
    yield from made[: c.MOST_FINDINGS]


def _multicast(tables: Tables) -> list[str]:
    return [a for a in tables.dns["dst"].drop_nulls().unique().to_list() if is_multicast(a) or a.endswith(".255")]


def _draft(
    tables: Tables, asked: pl.DataFrame, server: str, rows: pl.DataFrame, context: Context, *, silent: bool, total: int
) -> Draft:
    waits = _waits(asked, rows)
    longest = max((w for w, _ in waits), default=0.0)
    clients = (
        rows.group_by("client", maintain_order=True)
        .len()
        .sort("len", descending=True, maintain_order=True)["client"]
        .to_list()
    )
    names = rows["qname"].unique(maintain_order=True).to_list()
    sent = sorted({int(f) for listed in rows["frames"].to_list() for f in listed})
    display_filter, frames = _filter(asked, server, rows, sent, silent=silent)
    errors = _unreachable(tables, server, clients)
    others = [o for _, o in waits if o and o != server]
    first, last = c.first_time(rows), float(rows["last_time"].max() or 0.0)  # type: ignore[arg-type]
    delayed = [w for w, other in waits if other and other != server and w >= context.limit("delay")]
    often = silent and len(delayed) >= context.limit("delays")
    felt = longest >= context.limit("wait") or often
    heavy = silent or rows.height >= 0.3 * total
    placeholder = server.startswith(PLACEHOLDER)
    priority: Priority = "info" if placeholder else "medium" if felt and heavy else "low"
    confidence: Confidence = "high" if silent else "medium"
    what = (
        f"never answered: {c.count(len(sent), 'query', 'queries')}"
        if silent
        else (f"left {rows.height:,} of {total:,} questions unanswered ({rows.height / total:.0%})")
    )
    summary = (
        f"DNS server {server} {what} from {c.listed(clients)} for {c.listed([c.cut(n, 80) for n in names])} "
        f"{c.minutes(first, last)}, no answer."
    )
    if longest > 0:
        summary += f" A client waited up to {c.seconds_text(longest)} for one name"
        summary += f" before {others[0]} answered it." if others else "."
    if often and delayed:
        summary += (
            f" {len(delayed):,} questions were answered by another server only, {c.seconds_text(min(delayed))} or more "
            "later each."
        )
    if errors:
        summary += f" {c.count(errors, 'ICMP error')} said that it cannot be reached."
    return Draft(
        subject=server,
        hosts=(server, *clients[:4]),
        summary=summary,
        sentence=f"{clients[0]} asked {server} for {c.cut(str(names[0]), 80)} and got no answer"
        + (f", {len(sent):,} queries in all" if len(sent) > 1 else ""),
        priority=priority,
        confidence=confidence,
        display_filter=display_filter,
        frames=frames,
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("client", "address"),
                ("name", "text"),
                ("type", "text"),
                ("sent", "count"),
                ("waited", "seconds"),
                ("then answered by", "address"),
            ),
            [
                (
                    row["time"],
                    row["frame"],
                    row["client"],
                    c.cut(row["qname"], 200),
                    c.type_name(row["type"]),
                    row["repeats"],
                    round(wait, 3) if wait else None,
                    other,
                )
                for row, (wait, other) in zip(rows.iter_rows(named=True), waits, strict=True)
            ],
        ),
        title="A DNS server never answered" if silent else "",
        lowered_because="Windows asks this address by itself where no IPv6 resolver was set" if placeholder else "",
        line_up=("frame.time_relative", "ip.src", "udp.srcport", "ip.dst", "dns.id", "dns.qry.name"),
        time=first,
        weight=min(longest, 10.0),
    )


def _filter(
    asked: pl.DataFrame, server: str, rows: pl.DataFrame, frames: list[int], *, silent: bool
) -> tuple[str, list[int]]:
    base = c.dns_filter(filters.dst(server), filters.equals("dns.flags.response", 0))
    if silent and frames and len(frames) == int(asked.filter(pl.col("server") == server)["repeats"].sum()):
        return base, frames
    ids = rows["id"].unique().to_list()
    same = asked.filter((pl.col("server") == server) & pl.col("id").is_in(ids))
    if len(ids) <= 40 and same["answers"].sum() == 0 and int(same["repeats"].sum()) == len(frames):
        return filters.all_of(base, filters.one_of("dns.id", [int(i) for i in ids])), frames
    return c.by_number(frames)


def _waits(asked: pl.DataFrame, rows: pl.DataFrame) -> list[tuple[float, str | None]]:
    """For each unanswered question: seconds until the client had an answer (or asked for the last time), from whom."""
    answered = (
        asked.filter(pl.col("answers") > 0)
        .select("client", "qname", "type", "server", "answer_time")
        .sort("answer_time")
    )
    later: dict[tuple[str, str, int], list[tuple[float, str]]] = {}
    for client, name, kind, other, when in answered.iter_rows():
        later.setdefault((client, name, kind), []).append((float(when), str(other)))
    tries: dict[tuple[str, str, int], list[float]] = {}
    for client, name, kind, first, last in rows.select("client", "qname", "type", "time", "last_time").iter_rows():
        tries.setdefault((client, name, kind), []).extend((float(first), float(last)))
    made: list[tuple[float, str | None]] = []
    for client, name, kind, first in rows.select("client", "qname", "type", "time").iter_rows():
        key = (client, name, kind)
        # A name asked for again after minutes is another attempt: only what follows within 30 s belongs to this one.
        near = [t for t in tries[key] if first <= t <= first + 30]
        hit = next(((t, o) for t, o in later.get(key, []) if first <= t <= first + 30), None)
        made.append((hit[0] - first, hit[1]) if hit else (max(near) - first, None))
    return made


def _unreachable(tables: Tables, server: str, clients: list[str]) -> int:
    icmp = tables.icmp.filter(pl.col("type").is_in([1, 3]) & pl.col("dst").is_in(clients))
    quoting = tables.dns.filter((pl.col("protocol") != "DNS") & pl.col("frame").is_in(icmp["frame"].implode()))
    aimed = icmp.filter(pl.col("all_dst").list.contains(server)) if icmp.height else icmp
    return aimed.filter(pl.col("frame").is_in(quoting["frame"].implode())).height
