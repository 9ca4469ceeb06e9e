"""Which ports data crosses in a capture, from the headers of its frames."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

from tshark_report.capture.split import Located, gather

TCP, UDP = 6, 17
"""IP protocol numbers (IANA protocol-numbers, 2024)."""


def payload_ports(path: Path, at: Located, rows: npt.NDArray[np.int64]) -> frozenset[int]:
    """TCP and UDP ports of those frames (by index) that carry data; extension headers are not looked behind."""
    import numpy as np

    found: set[int] = set()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = np.frombuffer(mapped, dtype=np.uint8)
        for mask, least, protocol_at in ((at.four, 20, 9), (at.six, 40, 6)):
            chosen = rows[mask[rows] & (at.end[rows] - at.network[rows] >= least)]
            network = at.network[chosen]
            if protocol_at == 9:
                header = (data[network] & 15).astype(np.int64) * 4
                stated = gather(data, network + 2, 2).astype(np.int64)
            else:
                header = np.full(len(network), 40, dtype=np.int64)
                stated = gather(data, network + 4, 2).astype(np.int64) + 40
            protocol, upper = data[network + protocol_at], network + header
            # Short Ethernet frames are padded: what the network header says counts.
            room = np.minimum(at.end[chosen] - upper, stated - header)
            tcp = upper[(protocol == TCP) & (room >= 20)]
            left = room[(protocol == TCP) & (room >= 20)]
            carrying = tcp[left > (data[tcp + 12] >> 4).astype(np.int64) * 4]
            ported = np.concatenate([carrying, upper[(protocol == UDP) & (room > 8)]])
            for side in (0, 2):
                found |= set(np.unique(gather(data, ported + side, 2)).tolist())
        del data
    return frozenset(found)
