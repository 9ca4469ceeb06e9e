"""`tshark-report fields`: packets under each other, so that the eye finds the odd one."""

from __future__ import annotations

from typing import Annotated

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.terminal import plain, progress

USUAL = ("frame.number", "frame.time_relative", "ip.src", "ip.dst", "ip.ttl", "ip.id", "tcp.srcport", "tcp.dstport",
         "tcp.flags", "tcp.seq_raw", "tcp.len", "tcp.window_size", "frame.len")  # fmt: skip
SIGNS = {"constant": "=", "counting": "+", "odd": "!", "varying": " "}


@app.command()
def fields(  # noqa: PLR0913
    capture: shared.Capture,
    field: Annotated[
        list[str],
        typer.Option("--field", "-e", help="A tshark field; repeatable. Usual ones without it.", show_default=False),
    ] = [],  # noqa: B006
    packets: Annotated[str, typer.Option("--packets", help="Frame numbers: 5,9,20-40.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", min=2, help="Packets shown.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
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
    """Line up chosen fields of chosen packets; constant, counting and odd columns are marked."""
    import tempfile
    from pathlib import Path

    import polars as pl

    from tshark_report.capture import check, chosen
    from tshark_report.capture import tshark as tshark_module
    from tshark_report.capture.load import deadline
    from tshark_report.cli.report import _request
    from tshark_report.tables.lineup import line_up

    request = _request(capture, display_filter, start, end, keylog, decode_as, pref, profile, None, tshark, timeout)
    check.look(capture)
    wanted = tuple(field) or USUAL
    with progress(capture.name) as show, tempfile.TemporaryDirectory(prefix="tshark-report-") as folder:
        show("reading the fields", 0.1)
        env = tshark_module.environment(Path(folder), own_profile=bool(profile))
        found = tshark_module.find(tshark, env)
        rows = chosen.read(
            found, capture.absolute(), wanted, request.options, chosen.numbers(packets), limit, env,
            timeout or deadline(capture.stat().st_size),
        )  # fmt: skip
    frame = pl.DataFrame(rows, schema=["frame", *wanted], orient="row", infer_schema_length=None) if rows else None
    if frame is None or frame.is_empty():
        typer.echo("no packet matches")
        return
    made = line_up(frame.with_columns(pl.col("frame").cast(pl.UInt32)), list(wanted), total=frame.height)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(made)).decode())
        return
    odd = set(made.odd)
    shown = [
        [plain(cell) + (" !" if (i, j) in odd else "") for j, cell in enumerate(row)] for i, row in enumerate(made.rows)
    ]
    heads = [f"{SIGNS[c.mark]}{c.name}" for c in made.columns]
    widths = [max(len(heads[j]), *(len(row[j]) for row in shown)) for j in range(len(heads))]
    typer.echo("  ".join(h.ljust(w) for h, w in zip(heads, widths, strict=True)).rstrip())
    for row in shown:
        typer.echo("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
    typer.echo("\n= constant   + counting   ! odd, and the cells that make it so")
    for column in made.columns:
        if column.mark != "varying" and column.note:
            typer.echo(f"{SIGNS[column.mark]}{column.name}: {plain(column.note)}")
