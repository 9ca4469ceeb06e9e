"""Packets under each other: which field stays, which counts, and which one cell is out of line.

Put the same field of many packets in one column and the eye sees the odd one. This
does the looking: a column is constant, counting, nearly so with a few cells that
differ (odd), or varying.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from tshark_report.report.model import LineUp, LineUpColumn, LineUpMark

CELL = 200
"""Characters of a value that are kept."""

ODD_SHARE = 0.8
"""Share of the cells that must agree before the others are called odd."""
ODD_LEAST = 5
"""Cells below which nothing is odd: two against one is no majority."""
COUNT_LEAST = 3
"""Cells of a counter with a constant step; without one, one more is asked for: three rise by chance in one of six."""
COUNT_SHARE = 0.9
COUNT_ODD_LEAST = 10
"""A counter with cells out of line needs this many cells, of which COUNT_SHARE count on."""
GROUPS = 12
"""Senders in a line-up past which columns are not looked at sender by sender."""

WRAPS = (2**8, 2**16, 2**32)
"""Where counters of headers begin again: TTL and the like, IP ID and ports, sequence numbers."""


@dataclass
class Behaviour:
    """How one column behaves; `odd` names the places that are out of line."""

    mark: LineUpMark
    note: str = ""
    odd: list[int] = field(default_factory=list)


def as_numbers(values: Sequence[str]) -> list[int] | None:
    """The values as whole numbers (decimal or 0x...), None where one is none."""
    made = []
    for value in values:
        text = value.strip()
        try:
            made.append(int(text, 16) if text[:2].lower() == "0x" else int(text))
        except ValueError:
            return None
    return made


def unwrapped(numbers: Sequence[int]) -> list[int]:
    """Numbers of a counter that begins again at zero, as if it did not."""
    top = max(numbers, default=0)
    size = next((w for w in WRAPS if top < w), None)
    if size is None or min(numbers, default=0) < 0:
        return list(numbers)
    made, base = list(numbers[:1]), 0
    for before, value in zip(numbers, numbers[1:], strict=False):
        # Only a fall from the last quarter to the first is a new beginning.
        if before >= size * 3 // 4 and value < size // 4:
            base += size
        made.append(value + base)
    # What passes its own beginning again within a few packets cannot be told from chance.
    return made if made and made[-1] - made[0] < size else list(numbers)


def _rising(numbers: Sequence[int]) -> list[int]:
    """Places of a longest subsequence that never falls."""
    tails: list[int] = []
    places: list[int] = []
    before: list[int] = []
    for place, value in enumerate(numbers):
        at = bisect_right(tails, value)
        before.append(places[at - 1] if at else -1)
        if at == len(tails):
            tails.append(value)
            places.append(place)
        else:
            tails[at], places[at] = value, place
    chosen: list[int] = []
    at = places[-1] if places else -1
    while at >= 0:
        chosen.append(at)
        at = before[at]
    return chosen[::-1]


def _counting(values: Sequence[str]) -> Behaviour | None:
    numbers = as_numbers(values)
    if numbers is None or len(numbers) < COUNT_LEAST:
        return None
    straight = unwrapped(numbers)
    steps = [b - a for a, b in zip(straight, straight[1:], strict=False)]
    if min(steps) == max(steps) > 0:
        return Behaviour("counting", f"+{steps[0]} from packet to packet")
    if len(numbers) > COUNT_LEAST and min(steps) >= 0 and 2 * sum(step > 0 for step in steps) >= len(steps):
        return Behaviour("counting", f"grows from {values[0]} to {values[-1]}")
    if len(numbers) >= COUNT_ODD_LEAST:
        kept = set(_rising(straight))
        chosen = [straight[place] for place in sorted(kept)]
        grows = sum(b > a for a, b in zip(chosen, chosen[1:], strict=False))
        if len(kept) >= COUNT_SHARE * len(numbers) and 2 * grows >= len(chosen):
            odd = [place for place in range(len(numbers)) if place not in kept]
            return Behaviour("odd", f"counts up, but not in {len(odd)} of {len(numbers)} packets", odd)
    return None


def behaviour(values: Sequence[str]) -> Behaviour:
    """How one column of texts behaves."""
    kinds = Counter(values)
    if len(kinds) <= 1:
        only = next(iter(kinds), "")
        return Behaviour("constant", f"always {only[:40]}" if only else "never present")
    counted = _counting(values)
    if counted is not None and counted.mark == "counting":
        return counted
    usual, times = kinds.most_common(1)[0]
    if len(values) >= ODD_LEAST and times >= ODD_SHARE * len(values):
        odd = [place for place, value in enumerate(values) if value != usual]
        return Behaviour("odd", f"{usual[:40] or 'absent'} but for {len(odd)} of {len(values)} packets", odd)
    return counted or Behaviour("varying", f"{len(kinds)} different values")


def _by_sender(values: Sequence[str], senders: Sequence[str]) -> Behaviour | None:
    """How a column behaves when each sender is looked at alone; None where that says nothing."""
    groups: dict[str, list[int]] = {}
    for place, sender in enumerate(senders):
        groups.setdefault(sender, []).append(place)
    if not 2 <= len(groups) <= GROUPS:
        return None
    found: list[Behaviour] = []
    odd: list[int] = []
    for places in groups.values():
        each = behaviour([values[place] for place in places])
        if each.mark == "varying":
            return None
        found.append(each)
        odd += [places[at] for at in each.odd]
    marks = {each.mark for each in found}
    if odd:
        return Behaviour("odd", f"regular for each sender but for {len(odd)} of {len(values)} packets", sorted(odd))
    if "counting" in marks:
        return Behaviour("counting", "counts up for each sender")
    if min(len(places) for places in groups.values()) < 2:
        return None
    return Behaviour("constant", "constant for each sender")


def line_up(
    rows: pl.DataFrame,
    fields: Sequence[str],
    *,
    names: Mapping[str, str] | None = None,
    sender: str | None = None,
    total: int | None = None,
) -> LineUp:
    """Line packets up by fields.

    Args:
        rows: one row a packet, in order: `frame` and one column for each of `fields`, text or number; null where
            the packet has no such field.
        fields: which columns, in order.
        names: headings, where they differ from the field.
        sender: column that tells who sent a packet; a column that varies over all packets is then looked at sender
            by sender, so that two counters or two TTLs in one conversation are seen as what they are.
        total: packets that there were before `rows` was cut.
    """
    texts = {name: [_text(value) for value in rows[name].to_list()] for name in dict.fromkeys(fields)}
    senders = [_text(value) for value in rows[sender].to_list()] if sender is not None else None
    columns: list[LineUpColumn] = []
    odd: list[tuple[int, int]] = []
    for at, name in enumerate(fields):
        found = behaviour(texts[name])
        if found.mark == "varying" and senders is not None and name != sender:
            found = _by_sender(texts[name], senders) or found
        columns.append(LineUpColumn(name=(names or {}).get(name, name), field=name, mark=found.mark, note=found.note))
        odd += [(place, at) for place in found.odd]
    return LineUp(
        columns=columns,
        frames=[int(frame) for frame in rows["frame"].to_list()],
        rows=[[texts[name][place] for name in fields] for place in range(rows.height)],
        odd=sorted(odd),
        total_packets=rows.height if total is None else total,
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, float):
        # Never 1e-05: nobody reads that beside 0.000123.
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)[:CELL]
