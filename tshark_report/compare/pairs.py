"""Which exchange of the one capture is the same as which of the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tshark_report.compare.measures import Key, Measures
from tshark_report.settings import is_address


@dataclass(frozen=True)
class Pair:
    """The same exchange in both captures. `guessed`: paired because nothing else of the service was left."""

    good: Measures
    bad: Measures
    guessed: bool = False

    @property
    def name(self) -> str:
        """How the text calls it."""
        return self.good.name if not self.guessed else f"{self.good.key[0]} / {self.bad.key[0]} {self.good.key[1]}"


def paired(
    good: Mapping[Key, Measures], bad: Mapping[Key, Measures]
) -> tuple[list[Pair], list[Measures], list[Measures]]:
    """Pairs in the order of the second capture, and what only the first and only the second holds.

    The same name (or address) and service are the same exchange. What is left is paired where each capture has just
    one server of that service left and one of the two went by no name: the same service at another address.
    """
    pairs = {key: Pair(good[key], bad[key]) for key in bad if key in good}
    left_good = defaultdict(list)
    left_bad = defaultdict(list)
    for key, one in good.items():
        if key not in pairs:
            left_good[key[1]].append(one)
    for key, one in bad.items():
        if key not in pairs:
            left_bad[key[1]].append(one)
    for service, several in left_bad.items():
        others = left_good.get(service, [])
        if len(several) == len(others) == 1 and (is_address(several[0].key[0]) or is_address(others[0].key[0])):
            pairs[several[0].key] = Pair(others[0], several[0], guessed=True)
            left_good[service] = []
            left_bad[service] = []
    ordered = [pairs[key] for key in bad if key in pairs]
    return ordered, [m for s in left_good.values() for m in s], [m for s in left_bad.values() for m in s]
