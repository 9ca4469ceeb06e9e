"""`tshark-report stats`: Wireshark's own views of a capture, exact to the byte."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tshark_report.cli import printed, shared
from tshark_report.cli.app import app
from tshark_report.cli.terminal import progress

if TYPE_CHECKING:
    import polars as pl

    from tshark_report.tables.tables import Tables


class View(StrEnum):
    """What can be shown."""

    hierarchy = "hierarchy"
    conversations = "conversations"
    endpoints = "endpoints"
    ports = "ports"
    expert = "expert"
    all = "all"


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
    from tshark_report.cli.asked import request_of
    from tshark_report.errors import UsageError
    from tshark_report.reading import opened

    if kind and kind not in ALL_KINDS:
        raise UsageError(
            "--kind names something unknown",
            detail=kind,
            causes=("a misspelt word",),
            next_step=f"--kind with one of: {', '.join(ALL_KINDS)}",
        )
    if as_csv and (view is View.all or (view in (View.conversations, View.endpoints) and not kind)):
        raise UsageError(
            "CSV is one table",
            detail=f"{view.value} is several",
            causes=("the view, or --kind of conversations or endpoints, was left out",),
            next_step="for example: tshark-report stats CAPTURE conversations --kind tcp --csv",
        )
    request = request_of(capture, display_filter, start, end, keylog, decode_as, pref, profile, None, tshark, timeout)
    with progress(capture.name) as show, opened(request, show) as (loaded, *_):
        made = _made(loaded.tables, loaded.taps, view, (kind,) if kind else ALL_KINDS)
    if as_json:
        printed.as_json({title: rows.to_dicts() for title, rows in made.items()})
    elif as_csv:
        only = next(iter(made.values()))
        printed.as_csv(only.columns, only.rows())
    elif all(rows.is_empty() for rows in made.values()):
        typer.echo("no packet matches" if request.options.display_filter else "nothing of this kind in the capture")
    else:
        for title, rows in made.items():
            printed.table(title, rows.to_dicts(), None if title == "hierarchy" else limit)


def _made(tables: Tables, tap_texts: list[str], view: View, kinds: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """Every asked-for view, all rows of it."""
    import msgspec
    import polars as pl

    from tshark_report.report.model import ExpertRow
    from tshark_report.story import views
    from tshark_report.tables import statistics, taps

    made: dict[str, pl.DataFrame] = {}
    if view in (View.hierarchy, View.all):
        levels = [(r.protocol, r.level, r.frames, r.bytes) for r in taps.hierarchy(tap_texts)]
        made["hierarchy"] = pl.DataFrame(levels, schema=["protocol", "level", "frames", "bytes"], orient="row")
    if view in (View.conversations, View.all):
        made |= {f"conversations {k}": statistics.conversations(tables, k) for k in kinds}
    if view in (View.endpoints, View.all):
        made |= {f"endpoints {k}": statistics.endpoints(tables, k) for k in kinds}
    if view in (View.ports, View.all):
        made["ports"] = statistics.ports(tables)
    if view in (View.expert, View.all):
        items = [msgspec.to_builtins(row) for row in views.expert_view(tables, most=None)]
        made["expert"] = pl.DataFrame(items, schema=list(ExpertRow.__struct_fields__), infer_schema_length=None)
    return made
