"""`tshark-report fields`: packets under each other, so that the eye finds the odd one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tshark_report.cli import printed, shared
from tshark_report.cli.app import app
from tshark_report.cli.terminal import plain, progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tshark_report.report.model import LineUp

USUAL = (
    "frame.number", "frame.time_relative", "ip.src", "ipv6.src", "arp.src.proto_ipv4", "ip.dst", "ipv6.dst",
    "arp.dst.proto_ipv4", "ip.ttl", "ipv6.hlim", "ip.id", "tcp.srcport", "udp.srcport", "tcp.dstport", "udp.dstport",
    "icmp.type", "icmpv6.type", "tcp.flags.str", "tcp.seq_raw", "tcp.len", "udp.length", "tcp.window_size",
    "frame.len",
)  # fmt: skip
"""Without -e; those that no packet has are left out."""
SENDERS = ("ip.src", "ipv6.src", "arp.src.proto_ipv4", "eth.src", "wlan.sa")
"""Fields that say who sent a packet: where one is shown, a column is also looked at sender by sender."""
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
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the packets as CSV, without marks.")] = False,
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
    from tshark_report import scratch
    from tshark_report.capture import check, chosen
    from tshark_report.capture import tshark as tshark_module
    from tshark_report.capture.deadlines import deadline
    from tshark_report.cli.asked import request_of

    ranges = chosen.numbers(packets)
    request = request_of(capture, display_filter, start, end, keylog, decode_as, pref, profile, None, tshark, timeout)
    wanted = tuple(dict.fromkeys(field)) or USUAL
    with progress(capture.name) as show, scratch.folder() as folder:
        show("reading the fields", 0.1)
        env = tshark_module.environment(folder, own_profile=bool(profile))
        found = tshark_module.find(tshark, env)
        seconds = timeout or deadline(check.size(capture))
        read = check.examined(found, capture, folder, env, seconds)
        rows = chosen.read(found, read.path, wanted, request.options, ranges, limit, env, seconds)
    made = _lined_up(rows, wanted, whole=bool(field))
    if as_json:
        printed.as_json(made)
    elif as_csv:
        printed.as_csv([column.name for column in made.columns], made.rows)
    elif not made.rows:
        typer.echo("no packet matches")
    else:
        _show(made, cut=len(rows) >= limit)


def _lined_up(rows: list[list[str | None]], fields: tuple[str, ...], *, whole: bool) -> LineUp:
    """The packets under each other; without `whole` fields that none of them has are left out."""
    import polars as pl

    from tshark_report.tables.lineup import line_up

    schema = {"frame": pl.String, **dict.fromkeys(fields, pl.String)}
    frame = pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("frame").cast(pl.UInt32))
    shown = [name for name in fields if whole or frame[name].null_count() < frame.height]
    sender = next((name for name in SENDERS if name in shown and frame[name].n_unique() > 1), None)
    return line_up(frame, shown, sender=sender)


def _show(made: LineUp, *, cut: bool) -> None:
    odd = set(made.odd)
    columns = [
        [f"{SIGNS[column.mark]}{column.name}"]
        + [plain(row[at]) + (" !" if (place, at) in odd else "") for place, row in enumerate(made.rows)]
        for at, column in enumerate(made.columns)
    ]
    for block in _blocks(columns):
        typer.echo("\n".join(block) + "\n")
    typer.echo("= constant   + counting   ! odd, and the cells that make it so")
    for column in made.columns:
        if column.mark != "varying" and column.note:
            typer.echo(f"{SIGNS[column.mark]}{column.name}: {plain(column.note)}")
    if cut:
        typer.echo(f"The first {len(made.rows)} packets; --limit shows more, --filter and --packets choose them.")


def _blocks(columns: list[list[str]]) -> Iterator[list[str]]:
    """Lines of columns side by side; on a terminal that is too narrow for all in blocks, the first column in each."""
    import shutil
    import sys

    from rich.cells import cell_len, set_cell_size

    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    widths = [max(map(cell_len, column)) for column in columns]
    while columns:
        taken, used = 1, widths[0]
        while taken < len(columns) and (room is None or taken == 1 or used + 2 + widths[taken] <= room):
            used += 2 + widths[taken]
            taken += 1
        lines = zip(*columns[:taken], strict=True)
        yield ["  ".join(map(set_cell_size, line, widths)).rstrip() for line in lines]
        rest = slice(taken, None)
        columns, widths = (columns[:1] + columns[rest], widths[:1] + widths[rest]) if columns[rest] else ([], [])
