"""Were packets recorded, or sent, more than once?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import EVIDENCE_ROWS, Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, frame_numbers, hosts_text, number, when, whole
from tshark_report.story.words import clock, took
from tshark_report.tables.tables import Tables

COPIES = Threshold(10, "packets", "a few doubled packets change no figure")
SHARE = Threshold(5, "percent", "of the TCP packets between two hosts: below that figures stay what they are")
PASSES = Threshold(
    3,
    "passes",
    "a mirror port that copies both in and out gives two; more come from a loop, a flood or a broken bridge",
)
STORM = Threshold(10, "passes", "no tap, bridge or bundle of interfaces records one packet that often")
AT_ONCE = Threshold(
    100, "microseconds", "copies that follow faster come from one machine that records on several of its interfaces"
)
REPEATED = Threshold(20, "percent", "of the packets seen that often or more: then it is no accident")


@rule(
    code="NET008",
    name="doubled-packets",
    family="transport",
    title="The same TCP packets stand in the capture more than once",
    question="Were packets recorded, or sent, more than once?",
    answers=("Q7", "Q10", "Q11"),
    why=(
        "A packet that comes again with the same IP ID, sequence number and flags within milliseconds was not "
        "sent again by TCP: a "
        "mirror port copied it on its way in and out, or it passed the capture point twice, or the network "
        "doubled it. tshark "
        "calls the copies retransmissions, duplicate ACKs and out of order, so counts and rates of this capture "
        "are too high."
    ),
    innocent=(
        Innocent(
            explanation="A mirror (SPAN) port or a capture on all interfaces sees each packet twice.",
            tell_apart=(
                "The copies follow within microseconds, all of one direction or all of both; the TTL may differ "
                "by one where a router stands between."
            ),
        ),
        Innocent(
            explanation="Two captures of the same traffic were merged.",
            tell_apart="capinfos shows several interfaces, or the gap between the copies is constant.",
        ),
    ),
    confirm=(
        "Remove them with editcap -d (or -D with a window) and look at the retransmissions that are left.",
        "If the copies reach the hosts too (duplicate ACKs in their own captures), look for a loop in the "
        "switched network.",
    ),
    references=(
        Reference(
            title="editcap manual: duplicate packet removal",
            url="https://www.wireshark.org/docs/man-pages/editcap.html",
        ),
        Reference(
            title="RFC 6864: Updated Specification of the IPv4 ID Field", url="https://www.rfc-editor.org/rfc/rfc6864"
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={
        "copies": COPIES,
        "share": SHARE,
        "passes": PASSES,
        "storm": STORM,
        "at_once": AT_ONCE,
        "repeated": REPEATED,
    },
    weight=16,
)
def doubled_packets(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each two hosts whose packets stand in the capture more than once."""
    if tables.copies.is_empty():
        return
    ends = [
        pl.min_horizontal("src", "dst").alias("a"),
        pl.max_horizontal("src", "dst").alias("b"),
    ]
    columns = ("frame", "time", "src", "dst", "stream", "up")
    seen = tables.streams.lazy().filter(pl.col("frame").is_in(tables.copies["frame"].implode())).select(*columns, *ends)
    copied = tables.copies.join(seen.collect(), on="frame").sort("frame")
    # Counted one way first: putting the two ends of each packet in order takes longer than counting.
    one_way = tables.streams.group_by("src", "dst").agg(pl.len().alias("all"))
    totals = one_way.group_by(*ends).agg(pl.col("all").sum())
    groups = copied.group_by("a", "b").agg(pl.len().alias("n")).join(totals, on=["a", "b"])
    groups = groups.filter(
        (pl.col("n") >= context.limit("copies")) & (100 * pl.col("n") >= context.limit("share") * pl.col("all"))
    )
    for a, b, _, total in (
        groups.sort([pl.col("n") / pl.col("all"), "n", "a"], descending=[True, True, False]).head(FINDINGS).iter_rows()
    ):
        draft = _draft(tables, context, a, b, copied.filter((pl.col("a") == a) & (pl.col("b") == b)), total)
        if draft is not None:
            yield draft


def _draft(tables: Tables, context: Context, a: str, b: str, copied: pl.DataFrame, total: int) -> Draft | None:
    here = ((pl.col("src") == a) & (pl.col("dst") == b)) | ((pl.col("src") == b) & (pl.col("dst") == a))
    marked = tables.resent.filter(here)
    duplicates = tables.analysis.filter(here & (pl.col("kind") == "duplicate-ack"))
    if marked.is_empty() and duplicates.is_empty():
        return None
    # Each run of copies back to its first packet: how often one packet stands in the capture.
    chain: dict[int, int] = {}
    for frame, original in copied.select("frame", "original_frame").iter_rows():
        chain[frame] = chain.get(original, original)
    passes = pl.Series("first", list(chain.values()), dtype=pl.UInt32).value_counts()
    most = 1 + whole(passes["count"].max())
    often = passes.filter(pl.col("count") >= context.limit("passes") - 1)
    unique = max(1, total - copied.height)
    repeated = 100 * often.height / unique
    at_once = number(copied["seconds"].median()) * 1e6 < context.limit("at_once")
    looped = repeated >= context.limit("repeated") and (not at_once or most >= context.limit("storm"))
    routed = copied.filter("routed").height
    priority: Priority = "medium" if looped else "low" if not routed or routed < copied.height / 2 else "info"
    # Many captures double packets at the tap: where the copies follow at once, nobody on the network noticed.
    if priority == "low" and at_once:
        priority = "info"
    flag = "tcp.analysis.retransmission" if marked.height else "tcp.analysis.duplicate_ack"
    frames = frame_numbers(marked if marked.height else duplicates)
    counted = marked.filter("copy").height
    server = tables.tcp_sessions.filter(pl.col("server").is_in([a, b]))["server"]
    first = str(server[0]) if server.len() else a
    other = b if first == a else a
    return Draft(
        subject=f"{first} and {other}",
        hosts=(first, other),
        title=(
            "TCP packets came again and again: retransmissions and duplicate ACKs that are copies of the same packets"
            if looped
            else "TCP packets were recorded twice and look like retransmissions"
        ),
        summary=(
            f"{copied.height:,} of {count(total, 'TCP packet')} between {context.named(first)} and "
            f"{context.named(other)} repeat an earlier one "
            f"exactly (same IP ID, sequence number, flags), {took(number(copied['seconds'].median()))} later "
            "(median); one packet stands here up "
            f"to {most} times, {often.height:,} of {unique:,} at least {context.limit('passes'):.0f} times. "
            f"tshark counts {count(marked.height, 'retransmission')}, "
            f"of which {counted:,} are such copies, and {count(duplicates.height, 'duplicate ACK')}. "
            + (
                f"The TTL is lower in the copy, which {_senders(tables, copied)} sent: the capture sees packets "
                "before and after "
                "a router. "
                if routed > copied.height / 2
                else ""
            )
            + (
                "Packets that came so often point at a loop or a broken mirror in the switched network, not at loss"
                if looped
                else "They were recorded twice (mirror port), not lost"
            )
            + f". From {clock(number(copied['time'].min()))} UTC."
        ),
        sentence=(
            f"{first} and {other} began to appear with every packet several times: "
            f"{count(marked.height, 'retransmission')} by tshark's count, "
            f"of which {counted:,} are exact copies"
        ),
        priority=priority,
        confidence="high",
        display_filter=filters.all_of(filters.between(first, other), filters.exists(flag)),
        frames=frames,
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("from", "address"),
                ("to", "address"),
                ("copy of frame", "frame"),
                ("later by", "seconds"),
            ),
            [
                (r["frame"], when(r["time"]), r["src"], r["dst"], r["original_frame"], round(r["seconds"], 6))
                for r in copied.head(EVIDENCE_ROWS).iter_rows(named=True)
            ],
            copied.height,
        ),
        line_up=("tcp.stream", "ip.id", "ip.ttl", "tcp.seq", "tcp.len", "tcp.flags.str"),
    )


def _senders(tables: Tables, copied: pl.DataFrame) -> str:
    """Hardware addresses that the copies came from: whoever passed the packets on."""
    senders = tables.packets.join(copied.select("frame"), on="frame", how="semi")["eth_src"].drop_nulls()
    return hosts_text([str(s) for s in senders.unique(maintain_order=True).to_list()], 3) or "another device"
