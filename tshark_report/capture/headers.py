"""The plain headers of every packet, read from the file's own bytes while tshark starts.

Addresses, ports, TTL, sequence numbers and the like stand at fixed places. Taking them from there for all packets at
once spares tshark a dozen columns. tshark still says what a packet *is*: a row counts only where the layers that
tshark names are the layers read here, and everything that is not plain (fragments, tunnels, damaged or cut headers,
extension headers that hide the rest) is marked and read by tshark field by field.
"""

from __future__ import annotations

import mmap
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import numpy.typing as npt

from tshark_report.capture.extensions import extensions
from tshark_report.capture.framing import Frames
from tshark_report.capture.split import Located, gather

ETHERNET, COOKED, COOKED2 = 1, 113, 276
TCP, UDP, SCTP = 6, 17, 132
"""IP protocol numbers (IANA protocol-numbers, 2024)."""

SCHEMA: dict[str, pl.DataType] = {
    "plain": pl.Boolean(),
    "network": pl.String(),
    "flow": pl.String(),
    "eth_src": pl.String(),
    "eth_dst": pl.String(),
    "src": pl.String(),
    "dst": pl.String(),
    "src_port": pl.UInt16(),
    "dst_port": pl.UInt16(),
    "ttl": pl.UInt8(),
    "ip_id": pl.UInt16(),
    "ip_flags": pl.UInt8(),
    "ip_length": pl.UInt32(),
    "flags": pl.UInt16(),
    "seq": pl.UInt32(),
    "ack": pl.UInt32(),
    "payload": pl.UInt32(),
}
"""One row a frame. `network` is ip, ipv6 or null, `flow` tcp, udp, sctp or null; `plain` is false where the headers are
damaged, cut, fragmented or too many to be read here. `ip_flags` are the three bits of the header; `payload` is what the
lengths in the headers leave for TCP, and the UDP length less its header."""


def read(path: Path, frames: Frames, at: Located) -> pl.DataFrame:
    """Headers of all frames, whose network headers stand where `at` says; columns as in SCHEMA."""
    import numpy as np

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = np.frombuffer(mapped, dtype=np.uint8)
        made = _read(data, frames, at)
        del data
    return made


class _Columns:
    """Values of some rows, null in all others."""

    def __init__(self, count: int) -> None:
        self.count = count

    def numbers(self, rows: npt.NDArray[Any], values: npt.NDArray[Any], dtype: pl.DataType) -> pl.Series:
        import numpy as np

        whole = np.zeros(self.count, dtype=np.uint32)
        there = np.zeros(self.count, dtype=bool)
        whole[rows], there[rows] = values, True
        made = pl.Series(whole).cast(dtype)
        return made.zip_with(pl.Series(there), pl.Series([None], dtype=dtype).new_from_index(0, self.count))

    def texts(self, *parts: tuple[npt.NDArray[Any], npt.NDArray[Any], Callable[[int], str]]) -> pl.Series:
        """Rows, a number for each, and the text that a number stands for: few numbers, so each is written once."""
        import numpy as np

        place = np.zeros(self.count, dtype=np.uint32)
        words: list[str | None] = [None]
        for rows, values, word in parts:
            codes = pl.Series(values)
            distinct = codes.unique()
            numbers = pl.Series(np.arange(len(words), len(words) + len(distinct), dtype=np.uint32))
            if len(distinct):
                place[rows] = codes.replace_strict(distinct, numbers).to_numpy()
            words += [word(int(value)) for value in distinct]
        return pl.Series(words, dtype=pl.String).gather(pl.Series(place))


def _read(data: npt.NDArray[Any], frames: Frames, at: Located) -> pl.DataFrame:
    import numpy as np

    count = len(frames)
    columns = _Columns(count)
    room = at.end - at.network
    wire = np.frombuffer(frames.wire, dtype=np.uint32).astype(np.int64)
    captured = np.frombuffer(frames.captured, dtype=np.uint32).astype(np.int64)
    start = np.frombuffer(frames.offset, dtype=np.uint64).astype(np.int64)
    on_wire = wire - (at.network - start)
    plain = np.ones(count, dtype=bool)

    four = np.flatnonzero(at.four & (room >= 20))
    six = np.flatnonzero(at.six & (room >= 40))
    plain[(at.four & (room < 20)) | (at.six & (room < 40))] = False

    upper = np.zeros(count, dtype=np.int64)
    """Where the transport header starts, and how many bytes the network layer says are left for it."""
    left = np.zeros(count, dtype=np.int64)
    protocol = np.full(count, 255, dtype=np.int64)

    net4, net6 = at.network[four], at.network[six]
    header = (data[net4] & 15).astype(np.int64) * 4
    total = _number(data, net4 + 2, 2)
    fragment = _number(data, net4 + 6, 2)
    good = (data[net4] >> 4 == 4) & (header >= 20) & (header <= room[four]) & (total >= header)
    good &= (total <= on_wire[four]) & (fragment & 0x3FFF == 0)
    plain[four[~good]] = False
    upper[four], left[four], protocol[four] = net4 + header, total - header, data[net4 + 9]

    carried = _number(data, net6 + 4, 2)
    good6 = (data[net6] >> 4 == 6) & (carried > 0) & (carried + 40 <= on_wire[six])
    following, step, good6 = extensions(data, net6, at.end[six], good6)
    plain[six[~good6]] = False
    upper[six], left[six], protocol[six] = net6 + step, carried + 40 - step, following

    network = np.full(count, 2, dtype=np.uint32)
    network[four], network[six] = 0, 1
    space = np.where(plain, at.end - upper, 0)
    tcp = np.flatnonzero((protocol == TCP) & plain)
    udp = np.flatnonzero((protocol == UDP) & plain)
    sctp = np.flatnonzero((protocol == SCTP) & plain)
    tcp = _kept(tcp, (space[tcp] >= 20) & (left[tcp] >= 20), plain)
    offset = (data[upper[tcp] + 12] >> 4).astype(np.int64) * 4
    tcp = _kept(tcp, (offset >= 20) & (offset <= left[tcp]) & (offset <= space[tcp]), plain)
    offset = (data[upper[tcp] + 12] >> 4).astype(np.int64) * 4
    udp = _kept(udp, (space[udp] >= 8) & (left[udp] >= 8), plain)
    sctp = _kept(sctp, (space[sctp] >= 12) & (left[sctp] >= 12), plain)
    flow = np.full(count, 3, dtype=np.uint32)
    flow[tcp], flow[udp], flow[sctp] = 0, 1, 2

    ported = np.concatenate([tcp, udp, sctp])
    datagram = _number(data, upper[udp] + 4, 2) - 8
    odd = datagram < 0
    plain[udp[odd]] = False
    sized = np.concatenate([tcp, udp[~odd]])
    sizes = np.concatenate([left[tcp] - offset, datagram[~odd]])
    both = np.concatenate([four, six])
    made = {
        "plain": pl.Series(plain),
        "network": pl.Series(["ip", "ipv6", None], dtype=pl.String).gather(pl.Series(network)),
        "flow": pl.Series(["tcp", "udp", "sctp", None], dtype=pl.String).gather(pl.Series(flow)),
        **_hardware(columns, data, frames, start, captured),
        **_addresses(columns, data, (four, net4), (six, net6)),
        "src_port": columns.numbers(ported, _number(data, upper[ported], 2), pl.UInt16()),
        "dst_port": columns.numbers(ported, _number(data, upper[ported] + 2, 2), pl.UInt16()),
        "ttl": columns.numbers(both, np.concatenate([data[net4 + 8], data[net6 + 7]]), pl.UInt8()),
        "ip_id": columns.numbers(four, _number(data, net4 + 4, 2), pl.UInt16()),
        "ip_flags": columns.numbers(four, fragment >> 13, pl.UInt8()),
        "ip_length": columns.numbers(both, np.concatenate([total, carried]), pl.UInt32()),
        "flags": columns.numbers(tcp, _number(data, upper[tcp] + 12, 2) & 0x0FFF, pl.UInt16()),
        "seq": columns.numbers(tcp, _number(data, upper[tcp] + 4, 4), pl.UInt32()),
        "ack": columns.numbers(tcp, _number(data, upper[tcp] + 8, 4), pl.UInt32()),
        "payload": columns.numbers(sized, sizes, pl.UInt32()),
    }
    return pl.DataFrame(made, schema=SCHEMA)


def _number(data: npt.NDArray[Any], at: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    import numpy as np

    return gather(data, at, size).astype(np.int64)


def _kept(rows: npt.NDArray[Any], good: npt.NDArray[Any], plain: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The good rows; the others are not plain."""
    plain[rows[~good]] = False
    kept: npt.NDArray[Any] = rows[good]
    return kept


def _hardware(
    columns: _Columns,
    data: npt.NDArray[Any],
    frames: Frames,
    start: npt.NDArray[Any],
    captured: npt.NDArray[Any],
) -> dict[str, pl.Series]:
    """Ethernet addresses; of cooked captures the sender's only, as there is no other."""
    import numpy as np

    link = np.frombuffer(frames.link, dtype=np.uint16)
    ethernet = np.flatnonzero((link == ETHERNET) & (captured >= 14))
    cooked = np.flatnonzero((link == COOKED) & (captured >= 16))
    cooked = cooked[_number(data, start[cooked] + 4, 2) == 6]
    cooked2 = np.flatnonzero((link == COOKED2) & (captured >= 20))
    cooked2 = cooked2[data[start[cooked2] + 11] == 6]
    senders = np.concatenate([ethernet, cooked, cooked2])
    sender = np.concatenate([start[ethernet] + 6, start[cooked] + 6, start[cooked2] + 12])

    def named(rows: npt.NDArray[Any], at: npt.NDArray[Any]) -> pl.Series:
        return columns.texts((rows, gather(data, at, 6), lambda n: n.to_bytes(6, "big").hex(":")))

    return {"eth_src": named(senders, sender), "eth_dst": named(ethernet, start[ethernet])}


def _addresses(
    columns: _Columns,
    data: npt.NDArray[Any],
    four: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    six: tuple[npt.NDArray[Any], npt.NDArray[Any]],
) -> dict[str, pl.Series]:
    made = {}
    for name, at4, at6 in (("src", 12, 8), ("dst", 16, 24)):
        # IPv6 addresses are numbered by the first frame that has them: 128 bits are no number here.
        halves = pl.DataFrame(
            {"high": gather(data, six[1] + at6, 8), "low": gather(data, six[1] + at6 + 8, 8)},
            schema={"high": pl.UInt64(), "low": pl.UInt64()},
        ).with_row_index("row")
        first = halves.select(pl.col("row").first().over("high", "low"))["row"].to_numpy()
        high, low = halves["high"], halves["low"]

        def wide(row: int, high: pl.Series = high, low: pl.Series = low) -> str:
            return socket.inet_ntop(socket.AF_INET6, struct.pack(">QQ", high[row], low[row]))

        made[name] = columns.texts(
            (four[0], gather(data, four[1] + at4, 4), lambda n: socket.inet_ntoa(n.to_bytes(4, "big"))),
            (six[0], first, wide),
        )
    return made
