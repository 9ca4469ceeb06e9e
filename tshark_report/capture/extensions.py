"""IPv6 extension headers, followed in many packets at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

EXTENSIONS = (0, 43, 60)
"""IPv6 extension headers that may stand before the transport: hop-by-hop, routing, destination (RFC 8200)."""
MOST_EXTENSIONS = 4


def extensions(
    data: npt.NDArray[Any], network: npt.NDArray[Any], end: npt.NDArray[Any], good: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Protocol behind the IPv6 extension headers, length of all headers, and whether they could be read.

    `network` is where the fixed headers start, `end` where the frames do, `good` which of them to follow.
    """
    import numpy as np

    following = data[network + 6].astype(np.int64)
    step = np.full(len(network), 40, dtype=np.int64)
    for _ in range(MOST_EXTENSIONS):
        more = np.flatnonzero(np.isin(following, EXTENSIONS) & good)
        if not len(more):
            break
        here = network[more] + step[more]
        fits = here + 8 <= end[more]
        good[more[~fits]] = False
        more, here = more[fits], here[fits]
        step[more] += (data[here + 1].astype(np.int64) + 1) * 8
        following[more] = data[here]
    # A fragment, an authentication header, or more of them than are followed here.
    good &= ~np.isin(following, (*EXTENSIONS, 44, 51)) & (network + step <= end)
    return following, step, good
