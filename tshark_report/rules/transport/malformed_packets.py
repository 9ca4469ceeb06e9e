"""Were there packets that a dissector could not read to the end?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.transport._common import FINDINGS, count, cut, frame_numbers, hosts_text, number
from tshark_report.story.words import clock
from tshark_report.tables.tables import Tables

PACKETS = Threshold(3, "packets", "one or two are a packet cut at the end, or a protocol guessed wrongly")


@rule(
    code="NET009",
    name="malformed-packets",
    family="transport",
    title="Packets could not be read to the end by Wireshark's dissector",
    question="Were there packets that a dissector could not read to the end?",
    answers=("Q11", "Q12"),
    why=(
        "Either the packet breaks its protocol (a damaged or crafted one, a faulty program), or Wireshark takes "
        "the traffic of a "
        "port for a protocol that it is not: then the port carries something else than its number says."
    ),
    innocent=(
        Innocent(
            explanation="The port is usual for one protocol, and another program uses it.",
            tell_apart=(
                "All malformed packets are of one port, in both directions; Decode As another protocol reads them."
            ),
        ),
        Innocent(
            explanation="Packets were cut by the snap length, or by a loss in the recording.",
            tell_apart="The frame's captured length is below its length.",
        ),
    ),
    confirm=(
        "Look at the bytes of one such packet (Follow Stream).",
        "Try Decode As, or another version of Wireshark.",
    ),
    references=(
        Reference(
            title="Wireshark User's Guide: Expert Information",
            url="https://www.wireshark.org/docs/wsug_html_chunked/ChAdvExpert.html",
        ),
    ),
    needs=("expert",),
    thresholds={"packets": PACKETS},
    weight=7,
)
def malformed_packets(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each protocol whose packets are malformed, and the ports they came from."""
    # Overlapping TCP segments stand in the same group, but are the transport's matter.
    bad = tables.expert.filter(
        (pl.col("group") == "Malformed") & (pl.col("severity") == "Error") & ~pl.col("message").str.contains("overlap")
    )
    bad = bad.unique("frame", keep="first", maintain_order=True)
    if bad.height < context.limit("packets"):
        return
    port = pl.min_horizontal("src_port", "dst_port")
    groups = (
        bad.group_by("protocol")
        .agg(pl.len().alias("n"), port.mode().sort().first().alias("port"))
        .filter(pl.col("n") >= context.limit("packets"))
    )
    for protocol, number_of, usual in (
        groups.sort(["n", "protocol"], descending=[True, False]).head(FINDINGS).iter_rows()
    ):
        rows = bad.filter(pl.col("protocol").eq_missing(pl.lit(protocol)))
        protocol = protocol or "no known protocol"  # a damaged packet may have none
        hosts = [
            str(h) for h in pl.concat([rows["src"], rows["dst"]]).drop_nulls().unique(maintain_order=True).to_list()
        ]
        frames = frame_numbers(rows)
        shown = frames[:50]
        kinds = rows.group_by("message").agg(pl.len().alias("n"), pl.col("frame").min())
        kinds = kinds.sort(["n", "frame"], descending=[True, False])
        yield Draft(
            subject=f"{protocol} malformed",
            hosts=tuple(hosts[:4]),
            summary=(
                f"{count(number_of, 'packet')} that Wireshark reads as {protocol}"
                + (f" (port {usual})" if usual else "")
                + f" between {hosts_text(hosts)} could not be read to the end (malformed), from "
                f"{clock(number(rows['time'].min()))} UTC: "
                f"{cut(kinds['message'][0], 80)}."
            ),
            sentence=f"{hosts_text(hosts, 2)} exchanged packets that are no whole {protocol} ({number_of:,} malformed)",
            priority="info",
            confidence="low",
            display_filter=filters.frames(shown, 50),
            frames=shown,
            evidence=evidence(
                (("message", "text"), ("packets", "count"), ("first frame", "frame")),
                [(cut(m), n, f) for m, n, f in kinds.iter_rows()],
            ),
        )
