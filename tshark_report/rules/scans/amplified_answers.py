"""Are large answers sent to somebody who did not ask?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.knowledge import load
from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, number, own, service, several, span
from tshark_report.settings import is_multicast
from tshark_report.story.words import count, duration, size
from tshark_report.tables.tables import Tables

SOURCES = Threshold(10, "answering hosts", "a client asks a few servers; reflected answers come from many")
PACKETS = Threshold(50, "answers", "late answers to questions from before the capture are few")
PAYLOAD = Threshold(200, "bytes a packet on average", "reflected answers are chosen to be large")
REQUESTS = Threshold(50, "equal requests", "who needs an answer does not ask the same thing fifty times")
FACTOR = Threshold(
    10, "bytes back for each byte asked", "US-CERT lists 28 for DNS and 556 for NTP; ordinary questions bring 2 to 4"
)
SAME = Threshold(0.2, "names for each answer", "a resolver asks for many names; reflection repeats one")


def amplifiers() -> list[int]:
    """UDP ports whose services are known to be used for amplification."""
    return [e["number"] for e in load("ports")["port"] if e["kind"] == "amplifier" and "udp" in e["transport"]]


@rule(
    code="SCN012",
    name="amplified-answers",
    family="scans",
    title="Large UDP answers went to a host that had not asked for them, or asked over and over (amplification)",
    question="Is a service used to flood somebody else?",
    answers=("Q4", "Q6"),
    why="DNS, NTP, SSDP, memcached and others answer a small UDP request with a large packet. A request with a"
    " made-up source"
    " sends that answer to somebody else: the receiver of many answers without questions is the target of such a"
    " flood, and"
    " a server that answers the same request over and over is used for it.",
    innocent=(
        Innocent(
            explanation="Only the answers were captured.",
            tell_apart="Then all kinds of answers lack their question, for many different names.",
        ),
        Innocent(
            explanation="A device list by SSDP or WS-Discovery: one question to a group brings many answers.",
            tell_apart="The question to 239.255.255.250 stands in front of them, and the answers stop after seconds.",
        ),
    ),
    confirm=(
        "Did the receiver send a question to these servers at all?",
        "Is the answering service reachable from outside, and does it have to be?",
    ),
    references=(
        Reference(
            title="US-CERT TA14-017A, UDP-Based Amplification Attacks",
            url="https://www.cisa.gov/news-events/alerts/2014/01/17/udp-based-amplification-attacks",
        ),
        Reference(
            title="ATT&CK T1498.002 Reflection Amplification", url="https://attack.mitre.org/techniques/T1498/002/"
        ),
        Reference(
            title="RFC 5358, Preventing Use of Recursive Nameservers in Reflector Attacks",
            url="https://www.rfc-editor.org/rfc/rfc5358",
        ),
    ),
    needs=("udp_flows",),
    thresholds={
        "sources": SOURCES,
        "packets": PACKETS,
        "payload": PAYLOAD,
        "requests": REQUESTS,
        "factor": FACTOR,
        "same": SAME,
    },
    weight=62,
)
def amplified_answers(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each receiver and service."""
    ports = amplifiers()
    flows = tables.udp_flows
    # From a system port the table calls the receiver the client; from a higher one it calls it the server.
    low = flows.filter(pl.col("server_port").is_in(ports)).select(
        pl.col("client").alias("receiver"),
        pl.col("server").alias("sender"),
        pl.col("server_port").alias("port"),
        pl.col("client_packets").alias("asked"),
        pl.col("server_packets").alias("answers"),
        pl.col("client_payload").alias("asked_bytes"),
        pl.col("server_payload").alias("answer_bytes"),
        "start",
        "end",
        "first_frame",
    )
    high = flows.filter(pl.col("client_port").is_in(ports) & ~pl.col("server_port").is_in(ports)).select(
        pl.col("server").alias("receiver"),
        pl.col("client").alias("sender"),
        pl.col("client_port").alias("port"),
        pl.col("server_packets").alias("asked"),
        pl.col("client_packets").alias("answers"),
        pl.col("server_payload").alias("asked_bytes"),
        pl.col("client_payload").alias("answer_bytes"),
        "start",
        "end",
        "first_frame",
    )
    every = pl.concat([low, high])
    if every.is_empty():
        return
    every = every.filter(
        ~pl.col("receiver").is_in([a for a in every["receiver"].unique().to_list() if is_multicast(a)])
    )
    yield from _unasked(tables, context, every)
    yield from _repeated(tables, context, every)


def _asked_a_group(tables: Tables, receiver: str, port: int) -> bool:
    sent = tables.packets.filter(
        (pl.col("transport") == "udp") & (pl.col("src") == receiver) & (pl.col("dst_port") == port)
    )
    return any(is_multicast(a) or str(a).endswith(".255") for a in sent["dst"].unique().to_list())


def _unasked(tables: Tables, context: Context, every: pl.DataFrame) -> Iterator[Draft]:
    rows = every.filter((pl.col("asked") == 0) & (pl.col("answers") > 0))
    groups = (
        rows.group_by("receiver", "port", maintain_order=True)
        .agg(
            pl.col("sender").n_unique().alias("senders"),
            pl.col("answers").sum().cast(pl.Int64),
            pl.col("answer_bytes").sum().cast(pl.Int64).alias("bytes"),
        )
        .filter(
            (pl.col("senders") >= context.limit("sources"))
            & (pl.col("answers") >= context.limit("packets"))
            & (pl.col("bytes") >= context.limit("payload") * pl.col("answers"))
        )
        .sort("bytes", descending=True, maintain_order=True)
    )
    for row in groups.head(FINDINGS).iter_rows(named=True):
        receiver, port = row["receiver"], row["port"]
        if _asked_a_group(tables, receiver, port):
            continue
        if port == 53:
            names = tables.dns.filter((pl.col("dst") == receiver) & pl.col("response"))["name"].drop_nulls()
            if names.n_unique() > max(5.0, context.limit("same") * names.len()):
                continue
        mine = rows.filter((pl.col("receiver") == receiver) & (pl.col("port") == port)).sort(
            "answer_bytes", descending=True
        )
        senders = mine["sender"].unique(maintain_order=True).to_list()
        yield _draft(
            tables,
            mine,
            receiver,
            port,
            senders,
            f"{receiver} received {row['answers']:,} UDP answers ({size(row['bytes'])}) from port"
            f" {service(port, 'udp')} of"
            f" {len(senders):,} hosts ({several(senders)}) without having asked: reflected traffic (amplification),"
            " whose"
            " questions carried its address",
            filters.dst(receiver),
            (receiver, *senders[:10]),
        )


def _repeated(tables: Tables, context: Context, every: pl.DataFrame) -> Iterator[Draft]:
    groups = (
        every.filter((pl.col("asked") > 0) & (pl.col("port") != 5353))
        .group_by("receiver", "sender", "port", maintain_order=True)
        .agg(
            pl.col("asked").sum().cast(pl.Int64),
            pl.col("asked_bytes").sum().cast(pl.Int64),
            pl.col("answers").sum().cast(pl.Int64),
            pl.col("answer_bytes").sum().cast(pl.Int64).alias("bytes"),
        )
        .filter(
            (pl.col("asked") >= context.limit("requests"))
            & (pl.col("bytes") >= context.limit("factor") * pl.col("asked_bytes"))
            & (pl.col("asked_bytes") > 0)
        )
        .sort("bytes", descending=True, maintain_order=True)
    )
    for row in groups.head(FINDINGS).iter_rows(named=True):
        receiver, sender, port = row["receiver"], row["sender"], row["port"]
        asked = tables.packets.filter(
            (pl.col("transport") == "udp")
            & (pl.col("src") == receiver)
            & (pl.col("dst") == sender)
            & (pl.col("dst_port") == port)
        )
        if asked["payload"].n_unique() > 2:
            continue
        mine = every.filter((pl.col("receiver") == receiver) & (pl.col("sender") == sender) & (pl.col("port") == port))
        factor = row["bytes"] / row["asked_bytes"]
        yield _draft(
            tables,
            mine,
            receiver,
            port,
            [sender],
            f"{sender} answered {row['asked']:,} equal UDP requests from {receiver} to port {service(port, 'udp')} with"
            f" {row['answers']:,} packets, {size(row['bytes'])} for {size(row['asked_bytes'])} asked ({factor:,.0f}"
            " times as much):"
            f" amplification; the requests may carry the spoofed address of {receiver}",
            filters.all_of(filters.src(sender), filters.dst(receiver)),
            (sender, receiver),
        )


def _draft(
    tables: Tables,
    rows: pl.DataFrame,
    receiver: str,
    port: int,
    senders: list[str],
    told: str,
    where: str,
    hosts: tuple[str, ...],
) -> Draft:
    mine = tables.packets.filter(
        (pl.col("transport") == "udp")
        & (pl.col("dst") == receiver)
        & (pl.col("src_port") == port)
        & (pl.col("src").is_in(senders) if len(senders) == 1 else pl.lit(True))  # noqa: FBT003
    )
    first, last = number(rows["start"].min()), number(rows["end"].max())
    return Draft(
        subject=f"{receiver} udp/{port}",
        hosts=hosts,
        summary=f"{told}. It lasted {duration(last - first)}, {span(first, last)}; {count(mine.height, 'packet')},"
        " on average"
        f" {number(mine['payload'].mean()):,.0f} bytes of payload.",
        sentence=told,
        priority="high" if mine.height >= 10 * PACKETS.value else "medium",
        confidence="medium",
        display_filter=own(tables, where, filters.src_port("udp", port)),
        frames=frame_numbers(mine),
        evidence=evidence(
            (
                ("from", "address"),
                ("port", "port"),
                ("to", "address"),
                ("questions", "count"),
                ("answers", "count"),
                ("bytes", "bytes"),
                ("first", "time"),
                ("frame", "frame"),
            ),
            [
                [
                    r["sender"],
                    r["port"],
                    r["receiver"],
                    r["asked"],
                    r["answers"],
                    r["answer_bytes"],
                    r["start"],
                    r["first_frame"],
                ]
                for r in rows.head(100).iter_rows(named=True)
            ],
            rows.height,
        ),
        line_up=("ip.src", "udp.srcport", "ip.dst", "udp.dstport", "frame.len", "ip.ttl", "ip.id"),
    )
