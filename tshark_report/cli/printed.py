"""Rows on a terminal, as CSV and as JSON: what `stats` and `fields` print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from tshark_report.cli.terminal import plain

if TYPE_CHECKING:
    from rich.console import Console

HEADINGS = {
    "a_port": "port", "b_port": "port", "packets_ab": "pkts A>B", "bytes_ab": "bytes A>B",
    "packets_ba": "pkts B>A", "bytes_ba": "bytes B>A", "packets_sent": "pkts sent",
    "packets_received": "pkts rcvd", "bytes_received": "bytes rcvd",
}  # fmt: skip

LEFT_OUT_FIRST = (
    "level", "first_frame", "first_time", "seconds", "stream", "group", "conversations", "packets_ba", "packets_ab",
    "packets_received", "packets_sent", "bytes_ba", "bytes_ab", "bytes_received", "bytes_sent",
)  # fmt: skip
"""Columns that a terminal too narrow for all of them goes without, in this order."""

PIPE_WIDTH = 400
"""Characters of a line in a pipe, which has no width: whole cells matter more there than a fitting line."""

UNGROUPED = ("port", "a_port", "b_port", "stream", "level", "first_frame")
"""Whole numbers that name something and so have no thousands separators."""


def as_json(made: object) -> None:
    """Print a value as indented JSON."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(made)).decode())


def as_csv(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows as CSV, with text that a spreadsheet would take for a formula made harmless."""
    import csv
    import io

    from tshark_report.report.escape import csv_cell

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([[csv_cell(v) if isinstance(v, str) else v for v in row] for row in rows])
    typer.echo(out.getvalue(), nl=False)


def table(title: str, rows: list[dict[str, Any]], limit: int | None) -> None:
    """Print the first `limit` rows (None: all) as a table that fits the terminal; whole in a pipe."""
    if not rows:
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPE_WIDTH)
    shown = rows[:limit]
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    cells = {name: [_cell(name, row) for row in shown] for name in names}
    names = _fitting(names, cells, console)
    made = Table(title=f"{title} ({len(shown):,} of {len(rows):,})", box=box.SIMPLE, title_justify="left")
    for name in names:
        numeric = all(isinstance(row[name], int | float | type(None)) for row in rows)
        # Folded where even the last columns do not fit: half an address is none.
        made.add_column(_heading(name), justify="right" if numeric else "left", overflow="fold")
    for place in range(len(shown)):
        made.add_row(*(Text(cells[name][place]) for name in names))
    console.print(made)


def _heading(name: str) -> str:
    return HEADINGS.get(name, name.replace("_", " "))


def _cell(name: str, row: dict[str, Any]) -> str:
    from tshark_report.story.words import iso_time

    value = row[name]
    if value is None:
        return ""
    if name == "first_time":
        return (iso_time(value) or "")[:19].replace("T", " ")
    if name == "protocol" and "level" in row:
        return "  " * int(row["level"]) + plain(str(value))
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int) and name not in UNGROUPED:
        return f"{value:,}"
    return plain(str(value))


def _fitting(names: list[str], cells: dict[str, list[str]], console: Console) -> list[str]:
    """The columns that fit side by side, those of `LEFT_OUT_FIRST` left out as far as need be."""
    from rich.cells import cell_len

    widths = {name: max(map(cell_len, [_heading(name), *cells[name]])) for name in names}
    kept = list(names)
    for name in LEFT_OUT_FIRST:
        # Three characters between two columns, and two at the sides.
        if sum(widths[n] + 3 for n in kept) + 1 <= console.width:
            break
        if name in kept:
            kept.remove(name)
    return kept
