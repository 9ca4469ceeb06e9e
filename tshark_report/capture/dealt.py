"""A large capture dealt out to several tsharks, and what each of them is asked: all from the headers of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

from tshark_report.capture import piles, ports, split
from tshark_report.capture.framing import Frames
from tshark_report.tables import columns

MOSTLY = 0.6
"""Share of frames with an IP header at its usual place from which the headers are read beside tshark."""


@dataclass(frozen=True)
class Hand:
    """What one tshark gets."""

    shard: split.Shard
    asked: frozenset[str]
    """The protocols whose fields it is asked for (`columns.asked_for`)."""


@dataclass(frozen=True)
class Dealt:
    """A capture whose network headers were found."""

    frames: Frames
    at: split.Located
    keys: npt.NDArray[np.uint64]
    """For each frame a number that stands for its outer address pair."""
    plain: bool
    """Most headers stand at their places. They do not where a layer is in between (PPPoE, MPLS)."""
    hands: tuple[Hand, ...]
    """Empty where one tshark reads it all."""


def deal(path: Path, frames: Frames, processors: int, *, every: bool) -> Dealt | None:
    """The frames of a capture dealt by address pair; None where it is too small, or of a link type that is not read.

    With `every`, each tshark is asked for the fields of every protocol.

    Raises:
        Piled: the capture holds more fragments of something than any datagram can have.
    """
    at = split.located(path, frames) if len(frames) >= split.LEAST_PACKETS else None
    if at is None:
        return None
    if (surplus := piles.surplus(path, frames, at)) is not None:
        raise piles.Piled(surplus)
    keys = split.keys(path, frames, at)
    plain = int((keys != 0).sum()) >= MOSTLY * len(keys)
    hands = []
    for shard in split.plan(frames, keys, processors) or ():
        usual = columns.EVERY_MARKER
        if plain and not every:
            usual = columns.asked_for(ports.payload_ports(path, at, shard.frames))
        hands.append(Hand(shard, usual))
    return Dealt(frames, at, keys, plain, tuple(hands))
