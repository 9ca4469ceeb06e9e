"""What this capture cannot show, and why: an absence in the report is only as good as the capture."""

from __future__ import annotations

import polars as pl

from tshark_report.capture.check import CaptureFile
from tshark_report.story.sides import NO_HANDSHAKE, ONE_SIDED, ONE_SIDED_SHARE, SPOKEN
from tshark_report.story.words import count, duration, listed, size, verb
from tshark_report.tables.layers import MOST_LAYERS, chain
from tshark_report.tables.sessions import ACK, SYN
from tshark_report.tables.tables import Tables

ENCRYPTED_SHARE = 0.05
"""Share of the payload from which encryption is worth a line."""
MID_SESSION_SHARE = 0.1
"""Share of TCP connections without their SYN from which it is worth a line."""
SHORT_SECONDS = 300.0
"""Below this no regular contact with the usual intervals of minutes can be seen."""
FEW_PACKETS = 50
LARGEST_FRAME = 1600
"""Bytes of an Ethernet frame with tags and a tunnel's header; longer ones were put together by the network card."""
JUMBO_FRAME = 9300
"""The longest jumbo frame in common use, with its header."""
ENCRYPTED = ("tls", "quic", "dtls", "ssh", "esp", "wg", "openvpn", "isakmp", "srtp")
"""Layers in `frame.protocols` whose payload cannot be read without keys."""


def limits(tables: Tables, capture: CaptureFile) -> list[str]:
    """One sentence each; empty for a capture without known gaps."""
    found = [*_file(tables, capture)]
    if tables.packets.height:
        found += _length(tables)
        found += _encrypted(tables)
        found += _sides(tables)
        found += _gaps(tables)
        found += _offloaded(tables)
        found += _names(tables)
        found += _deep(tables)
        found += _wireless(tables)
    return found


def _file(tables: Tables, capture: CaptureFile) -> list[str]:
    found = [*capture.losses]
    if capture.truncated:
        found.append("The file is cut short: what came after the last whole packet is not in it.")
    if capture.snap_cut:
        share = 100 * capture.snap_cut / max(1, tables.packets.height)
        found.append(
            f"{count(capture.snap_cut, 'packet')} ({share:.0f} %) {verb(capture.snap_cut, 'was', 'were')} cut by "
            "the capture's snap length: their payload, and files in it, cannot be seen whole."
        )
    if not capture.ordered:
        found.append("Packets do not stand in the order of their times: gaps and delays may be the recording's own.")
    for name, reason in sorted(tables.not_made.items()):
        found.append(f"The {name} could not be read ({reason}), so rules that need them did not run.")
    return found


def _length(tables: Tables) -> list[str]:
    found = []
    if tables.seconds < SHORT_SECONDS:
        found.append(
            f"The capture lasts {duration(tables.seconds)}: contacts at intervals of minutes, and what happened before "
            "and after, cannot be seen."
        )
    if tables.packets.height < FEW_PACKETS:
        found.append(f"There are only {count(tables.packets.height, 'packet')}: shares and medians rest on little.")
    return found


def _encrypted(tables: Tables) -> list[str]:
    payload = tables.packets.select("protocols", pl.col("payload").fill_null(0))
    total = int(payload["payload"].cast(int).sum())  # 32 bits would wrap at 4 GiB
    if not total:
        return []
    pattern = rf"(^|:)({'|'.join(ENCRYPTED)})(:|$)"
    by_layers = payload.group_by("protocols").agg(pl.col("payload").cast(pl.Int64).sum())
    hidden = int(by_layers.filter(pl.col("protocols").str.contains(pattern))["payload"].sum())
    if hidden < ENCRYPTED_SHARE * total:
        return []
    kinds = [kind for kind in ENCRYPTED if by_layers["protocols"].str.contains(rf"(^|:){kind}(:|$)").any()]
    return [
        f"At least {100 * hidden / total:.0f} % of the payload ({size(hidden)}) is encrypted "
        f"({listed([k.upper() for k in kinds], 4)}): what it says can only be told from names, sizes and times."
    ]


def _sides(tables: Tables) -> list[str]:
    sessions = tables.tcp_sessions
    if sessions.is_empty():
        return []
    spoken = sessions.filter(SPOKEN)
    found = []
    one = sessions.filter(ONE_SIDED)
    if spoken.height and one.height >= ONE_SIDED_SHARE * spoken.height:
        found.append(
            f"{one.height:,} of {count(spoken.height, 'TCP connection')} hold packets of one side only: whether "
            "and how the other side answered cannot be seen."
        )
    started = sessions.filter(pl.col("packets") > 1)
    middle = sessions.filter(NO_HANDSHAKE)
    if started.height and middle.height >= MID_SESSION_SHARE * started.height:
        found.append(
            f"{middle.height:,} of {count(started.height, 'TCP connection')} began before the capture: their "
            "handshake, first requests and names are not in it."
        )
    return found


def _gaps(tables: Tables) -> list[str]:
    unseen = tables.analysis.filter(pl.col("kind") == "acked-unseen").height
    found = []
    if unseen:
        found.append(
            f"{count(unseen, 'packet')} {verb(unseen, 'acknowledges', 'acknowledge')} data that the capture does not "
            "hold: it lost packets that the hosts received."
        )
    copies = tables.copies.height
    if copies:
        found.append(
            f"{count(copies, 'TCP packet')} {verb(copies, 'was', 'were')} recorded more than once: counts, bytes and "
            "tshark's retransmissions include them."
        )
    overtaken = tables.resent.filter((pl.col("kind") == "reordered") & ~pl.col("copy")).height
    if overtaken:
        found.append(
            f"{count(overtaken, 'TCP packet')} {verb(overtaken, 'stands', 'stand')} behind packets that were "
            "sent later: order and gaps in the capture are not those of the senders."
        )
    return found


def _offloaded(tables: Tables) -> list[str]:
    long = tables.packets.filter((pl.col("transport") == "tcp") & (pl.col("payload") > LARGEST_FRAME))
    if long.is_empty():
        return []
    longest = long["length"].max()
    jumbo = " (or jumbo frames are in use)" if isinstance(longest, int) and longest <= JUMBO_FRAME else ""
    return [
        f"{count(long.height, 'TCP segment')} {verb(long.height, 'is', 'are')} longer than an Ethernet frame: "
        f"the capture was taken on a host whose network card cuts and joins segments{jumbo}, so packets, gaps and "
        "sizes on the wire were others."
    ]


def _names(tables: Tables) -> list[str]:
    looked_up = tables.dns.filter(~pl.col("protocol").is_in(["MDNS", "LLMNR"]))
    flags = tables.packets["flags"].fill_null(0)
    opened = ((flags & (SYN | ACK)) == SYN).any()
    if looked_up.is_empty() and (opened or tables.tls.height or tables.http.height):
        return ["There is no DNS in this capture: names of servers are known only where HTTP or TLS told them."]
    return []


def _deep(tables: Tables) -> list[str]:
    by_layers = tables.packets.group_by("protocols").len()
    long = by_layers.filter(pl.col("protocols").str.count_matches(":", literal=True) >= MOST_LAYERS)
    deep = sum(packets for text, packets in long.iter_rows() if _most_of_a_kind(text) > MOST_LAYERS)
    if not deep:
        return []
    return [
        f"{count(deep, 'packet')} {verb(deep, 'holds', 'hold')} more than {MOST_LAYERS} headers of one kind inside "
        f"each other: of these the outer {MOST_LAYERS} and the innermost were looked at."
    ]


def _most_of_a_kind(protocols: str) -> int:
    shape = chain(protocols)
    return max(len(shape.links), len(shape.networks), len(shape.flows))


def _wireless(tables: Tables) -> list[str]:
    wlan = tables.wlan
    if wlan.is_empty():
        return []
    protected = wlan.filter(pl.col("protected").fill_null(value=False)).height
    if not protected:
        return []
    return [
        f"{protected:,} of {count(wlan.height, '802.11 frame')} {verb(protected, 'is', 'are')} encrypted: without the "
        "network's key only addresses, sizes and times can be seen."
    ]
