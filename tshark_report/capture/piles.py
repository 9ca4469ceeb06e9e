"""Fragments that no datagram can hold, told from the headers before tshark sees them.

tshark keeps the fragments of a datagram in a list, and walks it with each further one: a million fragments of one
datagram keep it busy for an hour. A datagram has 65,535 bytes and a fragment, but for the last, 8 at least. So what
comes after the first 8,192 without completing anything is no part of any datagram; such a fragment is read with its
headers only, since tshark puts together only what was captured whole. Fragments inside a tunnel are not looked for:
there the deadline holds (`survive.py`).
"""

from __future__ import annotations

import mmap
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

from tshark_report.capture.extensions import EXTENSIONS, extensions
from tshark_report.capture.framing import Frames
from tshark_report.capture.split import Located, gather

MOST = 8_192
"""Fragments that a datagram may have: 65,535 bytes, 8 in each (RFC 791, RFC 8200)."""

FRAGMENT = 44
"""IPv6 next header: fragment (RFC 8200)."""


@dataclass(frozen=True)
class Surplus:
    """Fragments beyond what their datagrams can hold."""

    kept: dict[int, int]
    """Frame number (from 1) -> bytes of the frame up to the end of its headers."""
    between: str
    """`SOURCE to DESTINATION` of the datagram with most of them."""


_Fragments = dict[str, "npt.NDArray[Any]"]
"""Columns of fragments: row, upper, place, units, last, hosts, datagram."""


class Piled(Exception):
    """There are such fragments: nothing was read."""

    def __init__(self, surplus: Surplus) -> None:
        super().__init__(surplus.between)
        self.surplus = surplus


def surplus(path: Path, frames: Frames, at: Located) -> Surplus | None:
    """The fragments of a capture that no datagram can hold; None where there are none."""
    import numpy as np

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = np.frombuffer(mapped, dtype=np.uint8)
        fragments = [_version4(data, at), _version6(data, at)]
        made = _surplus(data, frames, at, fragments) if sum(len(each["row"]) for each in fragments) > MOST else None
        del data
    return made


def _surplus(data: npt.NDArray[Any], frames: Frames, at: Located, fragments: list[_Fragments]) -> Surplus | None:
    import numpy as np
    import polars as pl

    rows: list[pl.DataFrame] = []
    found = pl.concat([pl.DataFrame(each) for each in fragments])
    most = pl.len().over("hosts", "datagram")
    for _, each in found.filter(most > MOST).sort("row").group_by("hosts", "datagram", maintain_order=True):
        first = _first_surplus(each)
        if first is not None:
            rows.append(each[first:])
    if not rows:
        return None
    largest = max(rows, key=lambda each: each.height)
    between = _between(data, at, int(largest["row"][0]))
    start = np.frombuffer(frames.offset, dtype=np.uint64).astype(np.int64)
    chosen = pl.concat(rows).sort("row")
    kept = chosen["upper"].to_numpy() - start[chosen["row"].to_numpy()]
    return Surplus(dict(zip((chosen["row"] + 1).to_list(), kept.tolist(), strict=True)), between)


def _version4(data: npt.NDArray[Any], at: Located) -> _Fragments:
    """Fragments in IPv4."""
    import numpy as np

    rows = np.flatnonzero(at.four & (at.end - at.network >= 20))
    network = at.network[rows]
    where = gather(data, network + 6, 2).astype(np.int64)
    mine = where & 0x3FFF != 0
    rows, network, where = rows[mine], network[mine], where[mine]
    header = (data[network] & 15).astype(np.int64) * 4
    size = gather(data, network + 2, 2).astype(np.int64) - header
    datagram = gather(data, network + 4, 2) << np.uint64(8) | data[network + 9].astype(np.uint64)
    return _whole(
        at, rows, network + header, size, where & 0x1FFF, where & 0x2000 == 0, gather(data, network + 12, 8), datagram
    )


def _version6(data: npt.NDArray[Any], at: Located) -> _Fragments:
    """Fragments in IPv6, also behind other extension headers."""
    import numpy as np

    rows = np.flatnonzero(at.six & (at.end - at.network >= 48))
    following = data[at.network[rows] + 6]
    rows = rows[np.isin(following, (*EXTENSIONS, FRAGMENT))]
    network = at.network[rows]
    following, step, _ = extensions(data, network, at.end[rows], np.ones(len(rows), dtype=bool))
    mine = (following == FRAGMENT) & (network + step + 8 <= at.end[rows])
    rows, network, step = rows[mine], network[mine], step[mine]
    header = network + step
    where = gather(data, header + 2, 2).astype(np.int64)
    size = gather(data, network + 4, 2).astype(np.int64) + 40 - step - 8
    hosts = np.zeros(len(rows), dtype=np.uint64)
    for place in range(8, 40, 8):
        hosts = hosts * np.uint64(0x9E3779B97F4A7C15) + gather(data, network + place, 8)
    datagram = gather(data, header + 4, 4) | np.uint64(1 << 40)
    return _whole(at, rows, header + 8, size, where >> 3, where & 1 == 0, hosts, datagram)


def _whole(
    at: Located,
    rows: npt.NDArray[np.int64],
    upper: npt.NDArray[np.int64],
    size: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
    last: npt.NDArray[np.bool_],
    hosts: npt.NDArray[np.uint64],
    datagram: npt.NDArray[np.uint64],
) -> _Fragments:
    """Fragments that were captured whole, the others tshark leaves alone: `place` and `units` count 8 bytes."""
    whole = (size > 0) & (upper + size <= at.end[rows])
    columns = {
        "row": rows, "upper": upper, "place": place, "units": (size + 7) // 8, "last": last, "hosts": hosts,
        "datagram": datagram,
    }  # fmt: skip
    return {name: values[whole] for name, values in columns.items()}


def _first_surplus(fragments: pl.DataFrame) -> int | None:
    """Which fragment (from 0) is one more than a datagram can hold, with none completed before it; None: none is."""
    have, covered, total, held = bytearray(3 * MOST), 0, 0, 0
    places, units, lasts = (fragments[name].to_list() for name in ("place", "units", "last"))
    for number, (place, size, last) in enumerate(zip(places, units, lasts, strict=True)):
        held += 1
        if held > MOST:
            return number
        covered += have.count(0, place, place + size)
        have[place : place + size] = b"\1" * size
        if last:
            total = place + size
        if total and covered >= total and have.find(0, 0, total) < 0:
            have, covered, total, held = bytearray(3 * MOST), 0, 0, 0
    return None


def _between(data: npt.NDArray[Any], at: Located, row: int) -> str:
    network = int(at.network[row])
    family, place, size = (socket.AF_INET, 12, 4) if at.four[row] else (socket.AF_INET6, 8, 16)
    sides = struct.unpack(f"{size}s{size}s", bytes(data[network + place : network + place + 2 * size]))
    return " to ".join(socket.inet_ntop(family, side) for side in sides)
