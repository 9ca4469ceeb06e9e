"""Did TCP packets carry flags that no connection has?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.scans._common import FINDINGS, frame_numbers, own, services, span
from tshark_report.story.words import listed
from tshark_report.tables.sessions import ACK, FIN, PSH, RST, SYN, URG
from tshark_report.tables.tables import Tables

PACKETS = Threshold(3, "packets", "one or two may be damaged on the way")
LOUD = Threshold(10, "packets", "from here on it is no accident")
PORTS = Threshold(
    15, "ports of one host", "a lone ACK or FIN/ACK is ordinary at the end of a connection, but not at many ports"
)

SIX = FIN | SYN | RST | PSH | ACK | URG


def kind_of(flags: int) -> str | None:
    """Name of a flag combination that RFC 9293 knows no use for; None for all others."""
    six = flags & SIX
    if six == 0:
        return "null (no flag)"
    if six == SIX:
        return "all six flags"
    if six & (SYN | FIN) == SYN | FIN:
        return "SYN+FIN"
    if six & (SYN | RST) == SYN | RST:
        return "SYN+RST"
    if six & (FIN | RST) == FIN | RST and not six & ACK:
        return "FIN+RST"
    if six & (SYN | RST | ACK) == 0 and six & FIN:
        return "xmas (FIN+PSH+URG)" if six == FIN | PSH | URG else "FIN without ACK"
    if six & (SYN | RST | ACK | FIN) == 0:
        return "PSH or URG alone"
    return None


def flag_names(flags: int) -> str:
    """The six flags by name: `FIN+PSH+URG`; `none` where none is set."""
    names = [
        name
        for bit, name in ((FIN, "FIN"), (SYN, "SYN"), (RST, "RST"), (PSH, "PSH"), (ACK, "ACK"), (URG, "URG"))
        if flags & bit
    ]
    return "+".join(names) or "none"


@rule(
    code="SCN008",
    name="flag-probes",
    family="scans",
    title="TCP packets carried flag combinations that no connection has (null, FIN, xmas, SYN+FIN)",
    question="Did somebody probe with impossible TCP flags?",
    answers=("Q10",),
    why="RFC 9293 has a meaning for SYN, SYN/ACK, ACK, FIN/ACK and RST. Packets without a flag, with FIN alone, with"
    " SYN and FIN"
    " or with everything set come from tools: they find open ports behind simple filters and tell operating systems"
    " apart.",
    innocent=(
        Innocent(
            explanation="A damaged packet, or bytes that tshark takes for a TCP header (fragments, tunnels, cut"
            " captures).",
            tell_apart="Ports, checksum and sequence numbers make no sense either.",
        ),
        Innocent(
            explanation="T/TCP of RFC 1644, long withdrawn, used SYN together with FIN.",
            tell_apart="It carries data and belongs to one service.",
        ),
    ),
    confirm=(
        "Which ports answered with RST and which with nothing?",
        "Does the same source send ordinary SYNs to the same host?",
    ),
    references=(
        Reference(title="RFC 9293, Transmission Control Protocol", url="https://www.rfc-editor.org/rfc/rfc9293"),
        Reference(
            title="nmap: null, FIN and xmas scans", url="https://nmap.org/book/scan-methods-null-fin-xmas-scan.html"
        ),
    ),
    needs=("tcp_sessions",),
    thresholds={"packets": PACKETS, "loud": LOUD, "ports": PORTS},
    fields=("tcp.flags",),
    weight=50,
)
def flag_probes(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each source."""
    # A fragment that tshark put together from pieces may be no TCP header at all.
    tcp = (
        (pl.col("transport") == "tcp")
        & pl.col("flags").is_not_null()
        & pl.col("src").is_not_null()
        & (pl.col("fragment_offset").fill_null(0) == 0)
    )
    values = {int(v): kind_of(int(v)) for v in near.packets(tables, tcp, "flags")["flags"].unique().to_list()}
    odd = {value: kind for value, kind in values.items() if kind}
    probes = tables.packets.filter(tcp & pl.col("flags").is_in(list(odd)))
    lone = _lone(tcp, tables, context.limit("ports"))
    every = pl.concat([probes, lone]).sort("frame")
    if every.is_empty():
        return
    sizes = every.group_by("src", maintain_order=True).len().filter(pl.col("len") >= context.limit("packets"))
    for src in sizes.sort("len", descending=True, maintain_order=True)["src"].to_list()[:FINDINGS]:
        yield _draft(tables, context, src, every.filter(pl.col("src") == src), odd)


def _lone(tcp: pl.Expr, tables: Tables, ports: float) -> pl.DataFrame:
    """ACK or FIN/ACK packets that are all a source sent in their stream, to many ports of one host."""
    mute = tables.tcp_sessions.filter(
        (pl.col("syns") == 0)
        & (pl.col("syn_acks") == 0)
        & (pl.col("client_payload") == 0)
        & (pl.col("server_payload") == 0)
    ).select("stream")
    six = pl.col("flags") & SIX
    rows = tables.packets.filter(
        tcp
        & pl.col("stream").is_in(mute["stream"].implode())
        & six.is_in([ACK, FIN | ACK])
        & (pl.col("src_port") >= 1024)
        & (pl.col("payload") == 0)
    )
    wide = rows.group_by("src", "dst", "flags").agg(pl.col("dst_port").n_unique(), pl.col("src_port").n_unique())
    # A server that ends connections sends from one port to many as well, but to high ones.
    wide = wide.filter((pl.col("dst_port") >= ports) & (pl.col("src_port") <= 3))
    rows = rows.join(wide.select("src", "dst", "flags"), on=["src", "dst", "flags"], how="semi", maintain_order="left")
    low = (
        rows.group_by("src", "dst", "flags")
        .agg((pl.col("dst_port") < 32768).mean().alias("low"))
        .filter(pl.col("low") >= 0.4)
    )
    return rows.join(low.select("src", "dst", "flags"), on=["src", "dst", "flags"], how="semi", maintain_order="left")


def _draft(tables: Tables, context: Context, src: str, rows: pl.DataFrame, odd: dict[int, str]) -> Draft:
    names = {value: odd.get(value) or f"lone {flag_names(value)}" for value in rows["flags"].unique().to_list()}
    counts: dict[str, int] = {}
    for value, number in rows["flags"].value_counts(sort=True).iter_rows():
        counts[names[value]] = counts.get(names[value], 0) + number
    told = listed([f"{n:,} {kind}" for kind, n in sorted(counts.items(), key=lambda item: -item[1])], 6)
    targets = rows["dst"].unique(maintain_order=True).to_list()
    ports = rows["dst_port"].drop_nulls().unique().sort().to_list()
    probed = {(int(p), str(d)) for p, d in rows.select("src_port", "dst").iter_rows()}
    back = tables.packets.filter(
        (pl.col("transport") == "tcp")
        & (pl.col("dst") == src)
        & pl.col("src").is_in(targets)
        & ((pl.col("flags") & RST) != 0)
    ).select("dst_port", "src")
    resets = sum((int(p), str(d)) in probed for p, d in back.iter_rows())
    first, last = rows["time"][0], rows["time"][-1]
    lone = {value for value in names if value not in odd}
    parts = [filters.src(src), filters.any_of(*(filters.equals("tcp.flags", value) for value in names))]
    frames = frame_numbers(rows)
    if lone or tables.packets.filter(pl.col("fragment_offset") > 0).height:
        every = tables.packets.filter(
            (pl.col("transport") == "tcp")
            & (pl.col("src") == src)
            & pl.col("dst").is_in(targets)
            & pl.col("flags").is_in(list(names))
        )
        parts.append(filters.any_of(*(filters.dst(t) for t in targets[:12])))
        frames = frame_numbers(every.filter(pl.col("dst").is_in(targets[:12])))
    loud = rows.height >= context.limit("loud")
    kind_text = "that belong to no connection" if lone == set(names) else "with flags that no connection has"
    return Draft(
        subject=src,
        hosts=(src, *targets[:10]),
        summary=f"{src} sent TCP packets {kind_text}: {told}, to {listed(targets, 4, 'more hosts')},"
        f" {len(ports):,} ports ({services(ports)}), {span(first, last)}. {resets:,} were answered with a reset.",
        sentence=f"{src} sent {rows.height:,} TCP packets with odd flags ({listed(list(counts), 4)}) to"
        f" {listed(targets, 3, 'more hosts')}",
        priority="medium" if loud else "low",
        confidence="high" if loud and len(counts) > 1 else "medium",
        display_filter=own(tables, *parts),
        frames=frames,
        evidence=evidence(
            (
                ("frame", "frame"),
                ("time", "time"),
                ("from", "address"),
                ("to", "address"),
                ("port", "port"),
                ("flags", "text"),
                ("kind", "text"),
            ),
            [
                [r["frame"], r["time"], r["src"], r["dst"], r["dst_port"], flag_names(r["flags"]), names[r["flags"]]]
                for r in rows.head(100).iter_rows(named=True)
            ],
            rows.height,
        ),
        line_up=(
            "ip.dst",
            "tcp.srcport",
            "tcp.dstport",
            "tcp.flags",
            "tcp.seq_raw",
            "tcp.window_size_value",
            "ip.ttl",
            "ip.id",
        ),
    )
