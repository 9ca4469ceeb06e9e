"""One capture, several tsharks: frames dealt out by address pair, so that every conversation stays whole.

tshark uses one core. Packets between two addresses share their conversations, their
reassembly and their fragments, and nothing else, so a capture dealt out by address pair
gives the same rows from two tsharks as from one. What may differ is a protocol that one
conversation announces for another pair of hosts (RTP by SDP); docs/performance.md names it.

Splitting needs the file's framing and a link type whose network header is found without
dissecting; other captures are read by one tshark.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

from tshark_report.capture.framing import Frames

LEAST_PACKETS = 20_000
"""Below this, starting a second tshark costs more than it saves (a start takes a quarter of a second)."""

BUCKETS = 256
"""Address pairs are hashed into this many buckets, which are then dealt out so that the shards weigh the same."""

MOST_IN_ONE = 0.8
"""Share of the weight in one shard above which splitting saves nothing worth a second process."""

PACKET_WEIGHT = 400
"""Bytes that dissecting one more packet is worth: tshark's time goes by packets first, then by bytes."""

LINK_HEADERS: dict[int, tuple[int, int | None]] = {
    1: (14, 12),  # Ethernet
    113: (16, 14),  # Linux cooked v1
    276: (20, 0),  # Linux cooked v2
    101: (0, None),  # raw IP
    12: (0, None),  # raw IP, old number
    228: (0, None),  # raw IPv4
    229: (0, None),  # raw IPv6
}
"""LINKTYPE -> length of the link header and where its EtherType stands (tcpdump.org/linktypes.html, 2024)."""


@dataclass(frozen=True)
class Shard:
    """The frames one tshark reads: their indices (from 0, ascending)."""

    frames: npt.NDArray[np.int64]

    def numbers(self) -> list[int]:
        """Frame numbers in the original capture."""
        return [int(n) for n in self.frames + 1]


def located(path: Path, frames: Frames) -> Located | None:
    """Where the network headers stand; None where a link type is none of LINK_HEADERS, or there is no frame."""
    import numpy as np

    if not len(frames) or not set(np.unique(np.frombuffer(frames.link, dtype=np.uint16)).tolist()) <= set(LINK_HEADERS):
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = np.frombuffer(mapped, dtype=np.uint8)
        made = _located(data, frames)
        del data
    return made


def keys(path: Path, frames: Frames, at: Located) -> npt.NDArray[np.uint64]:
    """For each frame a number that hardly another address pair shares; 0 where it has no IP header."""
    import numpy as np

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = np.frombuffer(mapped, dtype=np.uint8)
        made = _keys(data, len(frames), at)
        del data
    return made


def plan(frames: Frames, of_frame: npt.NDArray[np.uint64], shards: int) -> list[Shard] | None:
    """Frames dealt by key into `shards` parts of about equal weight, heaviest first; None where it should not be."""
    if shards < 2 or len(frames) < LEAST_PACKETS:
        return None
    import numpy as np

    buckets = (of_frame >> np.uint64(56)).astype(np.int64)
    captured = np.frombuffer(frames.captured, dtype=np.uint32)
    weight = np.bincount(buckets, weights=captured.astype(np.float64) + PACKET_WEIGHT, minlength=BUCKETS)
    loads = [0.0] * shards
    owner = np.zeros(BUCKETS, dtype=np.int64)
    for bucket in np.argsort(-weight):
        lightest = loads.index(min(loads))
        owner[bucket] = lightest
        loads[lightest] += float(weight[bucket])
    if max(loads) > MOST_IN_ONE * sum(loads):
        return None
    owned = owner[buckets]
    order = sorted(range(shards), key=lambda s: -loads[s])
    return [Shard(np.flatnonzero(owned == s)) for s in order]


def companions(shard: Shard, of_frame: npt.NDArray[np.uint64], numbers: npt.NDArray[np.int64]) -> Shard:
    """Those frames of a shard that share their address pair with one of the frames `numbers` (from 1)."""
    import numpy as np

    wanted = np.unique(of_frame[numbers - 1])
    return Shard(shard.frames[np.isin(of_frame[shard.frames], wanted)])


def gather(data: npt.NDArray[Any], at: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """`size` bytes at each offset as one big-endian number; offsets must lie inside the data."""
    import numpy as np

    value: npt.NDArray[Any] = np.zeros(len(at), dtype=np.uint64)
    for place in range(size):
        value = (value << np.uint64(8)) | data[at + place].astype(np.uint64)
    return value


@dataclass(frozen=True)
class Located:
    """For each frame where its network header starts, where the frame ends, and whether it is IPv4 or IPv6."""

    network: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    four: npt.NDArray[np.bool_]
    six: npt.NDArray[np.bool_]


def _located(data: npt.NDArray[Any], frames: Frames) -> Located:
    """Network headers of frames whose link types are all in LINK_HEADERS; neither IPv4 nor IPv6 where there is none."""
    import numpy as np

    offset = np.frombuffer(frames.offset, dtype=np.uint64).astype(np.int64)
    captured = np.frombuffer(frames.captured, dtype=np.uint32).astype(np.int64)
    link = np.frombuffer(frames.link, dtype=np.uint16)
    made = Located(offset.copy(), offset + captured, np.zeros(len(offset), bool), np.zeros(len(offset), bool))
    limit = len(data)
    for kind in np.unique(link):
        header, type_at = LINK_HEADERS[int(kind)]
        chosen = np.flatnonzero((link == kind) & (captured > header))
        start = offset[chosen]
        network = start + header
        if type_at is not None:
            ether = gather(data, start + type_at, 2)
            for _ in range(2):  # one or two VLAN tags
                tagged = (ether == 0x8100) | (ether == 0x88A8)
                tagged &= network + 4 <= start + captured[chosen]
                ether = np.where(tagged, gather(data, np.minimum(network + 2, limit - 2), 2), ether)
                network = np.where(tagged, network + 4, network)
            four, six = ether == 0x0800, ether == 0x86DD
        else:
            version = data[network] >> 4
            four, six = version == 4, version == 6
        made.network[chosen], made.four[chosen], made.six[chosen] = network, four, six
    return made


def _keys(data: npt.NDArray[Any], count: int, at: Located) -> npt.NDArray[Any]:
    import numpy as np

    key = np.zeros(count, dtype=np.uint64)
    network = _quoted(data, at.network, at.end, at.four, at.six)
    room = at.end - network
    for mask, place, size in ((at.four & (room >= 20), 12, 4), (at.six & (room >= 40), 8, 16)):
        rows = np.flatnonzero(mask)
        if not len(rows):
            continue
        a = _folded(data, network[rows] + place, size)
        b = _folded(data, network[rows] + place + size, size)
        # The same for both directions: multiplying spreads neighbours, adding does not care for order.
        mixed = (a * np.uint64(0x9E3779B97F4A7C15) + b * np.uint64(0x9E3779B97F4A7C15)) ^ (a ^ b)
        key[rows] = mixed * np.uint64(0xD6E8FEB86659FD93)
    return key


def _quoted(
    data: npt.NDArray[Any],
    network: npt.NDArray[Any],
    end: npt.NDArray[Any],
    four: npt.NDArray[Any],
    six: npt.NDArray[Any],
) -> npt.NDArray[Any]:
    """Where the addresses that decide stand: for an ICMP error in the header that it quotes.

    tshark looks up the quoted connection, and gives it a stream number of its own where it does not find it.
    """
    import numpy as np

    moved = network.copy()
    rows = np.flatnonzero(four & (end - network >= 56))
    rows = rows[data[network[rows] + 9] == 1]
    inner = network[rows] + (data[network[rows]].astype(np.int64) & 15) * 4
    fits = inner + 28 <= end[rows]
    rows, inner = rows[fits], inner[fits]
    error = np.isin(data[inner], (3, 4, 5, 11, 12))  # RFC 792: the types that quote
    moved[rows[error]] = inner[error] + 8
    rows = np.flatnonzero(six & (end - network >= 88))
    rows = rows[data[network[rows] + 6] == 58]
    inner = network[rows] + 40
    error = (data[inner] >= 1) & (data[inner] <= 4)  # RFC 4443
    moved[rows[error]] = inner[error] + 8
    return moved


def _folded(data: npt.NDArray[Any], at: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    import numpy as np

    if size <= 8:
        return gather(data, at, size)
    folded: npt.NDArray[Any] = gather(data, at, 8) * np.uint64(31) + gather(data, at + 8, 8)
    return folded


def feeder(path: Path, frames: Frames, shard: Shard) -> Callable[[IO[bytes]], None]:
    """A function that writes the shard, headers first, as a capture of the same type into a pipe."""
    import numpy as np

    record = np.frombuffer(frames.record, dtype=np.uint64).astype(np.int64)
    ends = np.append(record[1:], frames.end)
    if frames.pcapng:
        # Other blocks may stand between two packet blocks: a record ends where its own block does.
        ends = _block_ends(path, frames, record)
    chosen = shard.frames
    starts, stops = record[chosen], ends[chosen]
    # Neighbouring records are written in one piece.
    breaks = np.flatnonzero(starts[1:] != stops[:-1]) + 1
    first = starts[np.insert(breaks, 0, 0)] if len(starts) else starts
    last = stops[np.append(breaks - 1, len(stops) - 1)] if len(stops) else stops
    blocks = frames.blocks

    def write(pipe: IO[bytes]) -> None:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                pieces = _merged(blocks, first.tolist(), last.tolist())
                batch: list[memoryview] = []
                for start, end in pieces:
                    batch.append(view[start:end])
                    if len(batch) >= 2048:
                        pipe.write(b"".join(batch))
                        batch.clear()
                pipe.write(b"".join(batch))
                pipe.flush()
            finally:
                batch = []
                view.release()

    return write


def _merged(blocks: list[tuple[int, int]], first: list[int], last: list[int]) -> list[tuple[int, int]]:
    """Headers and packet runs in file order, so that each packet follows the interface it refers to."""
    pieces = [(at, at + length) for at, length in blocks] + list(zip(first, last, strict=True))
    pieces.sort()
    return pieces


def _block_ends(path: Path, frames: Frames, record: npt.NDArray[Any]) -> npt.NDArray[Any]:
    import numpy as np

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = np.frombuffer(mapped, dtype=np.uint8)
        raw = gather(data, record + 4, 4)
        del data
    if frames.order == "<":
        raw = raw.astype(np.uint32).byteswap().astype(np.uint64)
    return record + raw.astype(np.int64)
