"""`tshark-report stats`: Wireshark's own views of a capture, exact to the byte."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.terminal import plain, progress

if TYPE_CHECKING:
    from tshark_report.tables.tables import Tables


class View(StrEnum):
    """What can be shown."""

    hierarchy = "hierarchy"
    conversations = "conversations"
    endpoints = "endpoints"
    ports = "ports"
    expert = "expert"
    all = "all"


HEADINGS = {
    "a_port": "port", "b_port": "port", "packets_ab": "pkts A>B", "bytes_ab": "bytes A>B",
    "packets_ba": "pkts B>A", "bytes_ba": "bytes B>A", "packets_sent": "pkts sent",
    "packets_received": "pkts rcvd", "bytes_received": "bytes rcvd",
}  # fmt: skip
WIDE = 150
"""Columns of a terminal below which the tables leave out when a conversation began."""

ALL_KINDS = ("ethernet", "ipv4", "ipv6", "tcp", "udp")


@app.command()
def stats(  # noqa: PLR0913
    capture: shared.Capture,
    view: Annotated[View, typer.Argument(help="Which view.")] = View.all,
    kind: Annotated[
        str, typer.Option("--kind", help="Only one kind: ethernet, ipv4, ipv6, tcp, udp.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows of each table on a terminal.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, every row.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, every row (one view and kind).")] = False,
    display_filter: shared.Filter = "",
    start: shared.From = "",
    end: shared.To = "",
    keylog: shared.Keylog = None,
    decode_as: shared.DecodeAs = [],  # noqa: B006
    pref: shared.Preference = [],  # noqa: B006
    profile: shared.Profile = "",
    tshark: shared.Tshark = None,
    timeout: shared.Timeout = None,
    debug: shared.Debug = False,
) -> None:
    """Protocol hierarchy, conversations, endpoints, ports and expert information."""
    from tshark_report.cli.report import _request
    from tshark_report.errors import UsageError
    from tshark_report.reading import opened

    if kind and kind not in ALL_KINDS:
        raise UsageError(f"--kind {kind} is not known", next_step=f"one of: {', '.join(ALL_KINDS)}")
    if as_csv and (view is View.all or (view in (View.conversations, View.endpoints) and not kind)):
        raise UsageError(
            "CSV is one table",
            detail=f"view {view.value}",
            next_step="for example: tshark-report stats CAPTURE conversations --kind tcp --csv",
        )
    request = _request(capture, display_filter, start, end, keylog, decode_as, pref, profile, None, tshark, timeout)
    with progress(capture.name) as show, opened(request, show) as (loaded, *_):
        made = _made(loaded.tables, loaded.taps, view, (kind,) if kind else ALL_KINDS)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(made)).decode())
    elif as_csv:
        _csv(next(iter(made.values())))
    else:
        for title, rows in made.items():
            _table(title, rows, limit)


def _made(tables: Tables, tap_texts: list[str], view: View, kinds: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    """Every asked-for view as rows, all of them."""
    import msgspec

    from tshark_report.story import views
    from tshark_report.tables import statistics, taps

    made: dict[str, list[dict[str, Any]]] = {}
    if view in (View.hierarchy, View.all):
        made["hierarchy"] = [
            {"protocol": r.protocol, "level": r.level, "frames": r.frames, "bytes": r.bytes}
            for r in taps.hierarchy(tap_texts)
        ]
    if view in (View.conversations, View.all):
        made |= {f"conversations {k}": statistics.conversations(tables, k).to_dicts() for k in kinds}
    if view in (View.endpoints, View.all):
        made |= {f"endpoints {k}": statistics.endpoints(tables, k).to_dicts() for k in kinds}
    if view in (View.ports, View.all):
        made["ports"] = statistics.ports(tables).to_dicts()
    if view in (View.expert, View.all):
        made["expert"] = [msgspec.to_builtins(row) for row in views.expert_view(tables)]
    return made


def _csv(rows: list[dict[str, Any]]) -> None:
    import csv
    import io

    from tshark_report.report.escape import csv_cell

    out = io.StringIO()
    if rows:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([[csv_cell(v) if isinstance(v, str) else v for v in row.values()] for row in rows])
    typer.echo(out.getvalue(), nl=False)


def _table(title: str, rows: list[dict[str, Any]], limit: int) -> None:
    if not rows:
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tshark_report.story.words import iso_time

    console = Console(highlight=False)
    # A pipe has no width: whole cells matter more there than a fitting line.
    if not console.is_terminal:
        console = Console(highlight=False, width=400)
    table = Table(title=f"{title} ({min(limit, len(rows)):,} of {len(rows):,})", box=box.SIMPLE, title_justify="left")
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    if console.width < WIDE:
        names = [name for name in names if name not in ("first_time", "seconds", "first_frame", "stream")]
    numeric = {name for name in names if all(isinstance(row[name], int | float | type(None)) for row in rows)}
    for name in names:
        table.add_column(
            HEADINGS.get(name, name.replace("_", " ")), justify="right" if name in numeric else "left", no_wrap=True
        )
    for row in rows[: limit if title != "hierarchy" else None]:
        cells = []
        for name in names:
            value = row[name]
            if name == "first_time" and value is not None:
                text = (iso_time(value) or "")[:19].replace("T", " ")
            elif title == "hierarchy" and name == "protocol":
                text = "  " * int(row["level"]) + plain(str(value))
            elif isinstance(value, float):
                text = f"{value:.3f}"
            elif isinstance(value, int) and name not in ("port", "a_port", "b_port", "stream", "level", "first_frame"):
                text = f"{value:,}"
            else:
                text = "" if value is None else plain(str(value))
            cells.append(Text(text))
        table.add_row(*cells)
    console.print(table)
