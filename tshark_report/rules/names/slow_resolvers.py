"""DNS007: answers that keep a client waiting."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.names import _common as c
from tshark_report.rules.names.dns_tunnel import dns_tunnel, suspects
from tshark_report.tables.tables import Tables


@rule(
    code="DNS007",
    name="slow-resolvers",
    family="names",
    title="A DNS server answered slowly",
    question="Do clients wait for name resolution?",
    answers=("Q5", "Q7"),
    why="Nothing starts before the name is resolved: a resolver that needs seconds makes every application slow, while "
    "ping by address and downloads look fine.",
    innocent=(
        Innocent(
            explanation="The first question for a rare name goes to distant servers and may take a second.",
            tell_apart="Only single names are slow, and the next question for them is answered from the cache.",
        ),
        Innocent(
            explanation="A tunnel or push service holds questions back on purpose until it has something to say.",
            tell_apart="All slow questions are for names of one domain.",
        ),
    ),
    confirm=(
        "Is the resolver slow for names that it has in its cache as well (then it, or the way to it, is slow)?",
        "Compare the handshake time to the same network: is the line slow, or the resolver?",
        "Do the slow names share name servers that do not answer the resolver?",
    ),
    references=(
        Reference(
            title="RFC 1035, section 4.2.1: UDP usage", url="https://www.rfc-editor.org/rfc/rfc1035#section-4.2.1"
        ),
    ),
    needs=("dns",),
    thresholds={
        "slow": Threshold(
            1.0,
            "seconds",
            "from the first question to the answer; cached answers take milliseconds, others 0.03 to 0.5 s",
        ),
        "slow_answers": Threshold(3, "answers", "one slow answer may be a distant server"),
        "felt": Threshold(2.0, "seconds", "an interruption that users report"),
        "felt_answers": Threshold(5, "answers", "answers that slow from which on the priority is medium"),
        "felt_share": Threshold(0.1, "of the answers", "and this share of all answers of the server"),
    },
    weight=35,
    rests_on=("order",),
)
def slow_resolvers(tables: Tables, context: Context) -> Iterator[Draft]:
    """Group by server; measure from the first sending of a question to its first answer."""
    dns = c.messages(tables).filter(pl.col("qname").is_not_null())
    asked = c.questions(dns).filter(pl.col("answers") > 0)
    slow = asked.filter(pl.col("waited") >= context.limit("slow"))
    if slow.is_empty():
        return
    tunnels = suspects(c.with_zones(dns), dns_tunnel.limits(context.settings))
    held_back = {(str(t["client"]), str(t["zone"])) for t in tunnels}
    zone_of = c.zones(slow["qname"].unique().to_list())
    kept = [
        (client, zone_of[name].name) not in held_back if name in zone_of else True
        for client, name in slow.select("client", "qname").iter_rows()
    ]
    slow = slow.filter(pl.Series(kept, dtype=pl.Boolean))
    made = []
    for (server,), rows in slow.group_by("server", maintain_order=True):
        if rows.height >= context.limit("slow_answers"):
            made.append(_draft(asked.filter(pl.col("server") == server), rows, str(server), context))
    made.sort(key=lambda d: (d.priority != "medium", -len(d.frames)))
    yield from made[: c.MOST_FINDINGS]


def _draft(every: pl.DataFrame, rows: pl.DataFrame, server: str, context: Context) -> Draft:
    felt = rows.filter(pl.col("waited") >= context.limit("felt")).height
    median, longest = float(every["waited"].median() or 0.0), float(rows["waited"].max() or 0.0)  # type: ignore[arg-type]
    clients = (
        rows.group_by("client", maintain_order=True)
        .len()
        .sort("len", descending=True, maintain_order=True)["client"]
        .to_list()
    )
    names = rows.sort("waited", descending=True)["qname"].unique(maintain_order=True).to_list()
    noticed = felt >= context.limit("felt_answers") and felt >= context.limit("felt_share") * every.height
    priority: Priority = "medium" if noticed else "low"
    display_filter, frames = _filter(every, rows, server, context.limit("slow"))
    repeated = int((rows["repeats"] > 1).sum())
    slowest = rows.sort("waited", descending=True)
    return Draft(
        subject=server,
        hosts=(server, *clients[:4]),
        summary=(
            f"DNS server {server} took {context.limit('slow'):g} s or longer for {rows.height:,} of {every.height:,} "
            f"answers to "
            f"{c.listed(clients)} {c.minutes(c.first_time(rows), c.last_time(rows))}: up to "
            f"{c.seconds_text(longest)}, median of all "
            f"{c.seconds_text(median)}; slowest {c.listed([c.cut(n, 80) for n in names])}"
            + (f"; {c.count(repeated, 'question')} had to be sent again." if repeated else ".")
        ),
        sentence=f"{server} took {c.seconds_text(float(rows['waited'][0]))} to answer {clients[0]}'s question for "
        f"{c.cut(str(rows['qname'][0]), 80)}",
        priority=priority,
        confidence="high",
        display_filter=display_filter,
        frames=frames,
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("client", "address"),
                ("name", "text"),
                ("type", "text"),
                ("answer after", "seconds"),
                ("sent", "count"),
            ),
            [
                (
                    r["time"],
                    r["answer_frame"],
                    r["client"],
                    c.cut(r["qname"], 200),
                    c.type_name(r["type"]),
                    round(r["waited"], 3),
                    r["repeats"],
                )
                for r in slowest.head(c.FIRST_ROWS).iter_rows(named=True)
            ],
            total=rows.height,
        ),
        line_up=("frame.time_relative", "ip.src", "ip.dst", "dns.id", "dns.qry.name", "dns.time"),
        time=c.first_time(rows),
        weight=min(longest, 10.0),
    )


def _filter(every: pl.DataFrame, rows: pl.DataFrame, server: str, slow: float) -> tuple[str, list[int]]:
    """By tshark's own time where it agrees, by id where no other answer has the same, else by frame numbers."""
    frames = sorted(int(f) for f in rows["answer_frame"].to_list())
    base = c.dns_filter(filters.src(server), filters.equals("dns.flags.response", 1))
    by_time = every.filter(pl.col("answer_seconds") >= slow)
    if sorted(by_time["answer_frame"].to_list()) == frames and int(every["answers"].max() or 0) == 1:  # type: ignore[arg-type]
        return filters.all_of(base, f"dns.time >= {slow:g}"), frames
    ids = [int(i) for i in rows["id"].unique().to_list()]
    same = every.filter(pl.col("id").is_in(ids))
    if len(ids) <= 30 and int(same["answers"].sum()) == len(frames):
        return filters.all_of(base, filters.one_of("dns.id", ids)), frames
    return c.by_number(frames)
