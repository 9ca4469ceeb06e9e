"""What tshark is asked to print for each packet: the fast layout in columns, the full one field by field."""

from __future__ import annotations

from collections.abc import Iterable

from tshark_report.capture.dissect import Layout
from tshark_report.tables import columns as col


def shared_columns(*, lean: bool) -> tuple[col.BuiltIn, col.Packs]:
    """The columns in front of the groups' slots; `lean` where the headers are read from the file beside tshark."""
    return (col.LEAN_BUILT_IN, col.LEAN_PACKS) if lean else (col.BUILT_IN, col.PACKS)


def fast(known: frozenset[str], *, lean: bool = False, asked: frozenset[str] = col.EVERY_MARKER) -> Layout:
    """The columns that `Builder.add` expects, of the fields that this tshark knows."""

    def custom(fields: Iterable[str], occurrence: int) -> str:
        names = [name for name in fields if name in known]
        # A column needs a field: of one that no packet here has, where this tshark knows none of them.
        return f"%Cus:{' or '.join(names) or 'frame.p2p_dir'}:{occurrence}:U"

    built_in, packs = shared_columns(lean=lean)
    shown = [code for _, code in built_in] + [custom(fields, 1) for _, fields in packs]
    shown.append(custom([f for c in col.EXPERT for f in c.fields], 0))
    shown += [custom(fields, 0 if many else 1) for fields, many in col.slots(asked) if fields]
    return Layout(tuple(shown))


def full(known: frozenset[str]) -> Layout:
    """The fields that `Builder.add_full` expects."""
    fields = ("frame.number", "frame.time_epoch", "frame.len", "_ws.col.Protocol")
    return Layout((*fields, *full_fields(known)), by_fields=True)


def full_fields(known: frozenset[str]) -> list[str]:
    """The fields behind the first four. Each once: tshark prints one that is asked for twice in one place only."""
    return list(dict.fromkeys(f for column in full_columns() for f in column.fields if f in known))


def full_columns() -> tuple[col.Column, ...]:
    """What becomes of these fields, in order: layers, expert items, then each family."""
    return (*col.LAYERED, *col.EXPERT, *(c for family in col.FAMILIES for c in family.columns))
