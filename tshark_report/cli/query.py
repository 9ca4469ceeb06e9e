"""`tshark-report query`: SQL over the tables of many captures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.terminal import plain
from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from tshark_report.store.query import Answer

WIDEST = 60
"""Characters of one cell on a terminal."""


@app.command()
def query(
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="A folder that batch wrote, or one that report --tables wrote.", show_default=False
        ),
    ],
    question: Annotated[
        str,
        typer.Argument(
            help="The name of a query that ships (--list), or one SELECT; - reads it from stdin.", show_default=False
        ),
    ] = "",
    value: Annotated[
        str | None, typer.Argument(help="What a named query needs besides, such as an address.", show_default=False)
    ] = None,
    list_queries: Annotated[bool, typer.Option("--list", help="List the queries that ship.")] = False,
    list_tables: Annotated[bool, typer.Option("--tables", help="List the tables and their columns.")] = False,
    show_sql: Annotated[bool, typer.Option("--sql", help="Print a named query's SQL instead of running it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, every row.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, every row.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows of the table on a terminal.")] = 40,
    debug: shared.Debug = False,
) -> None:
    """Ask the tables of one or many captures: `query OUT talkers`, `query OUT "select ..."`.

    Reads only below OUT and writes nothing. Every table has the column `capture`; docs/tables.md explains them.
    """
    from tshark_report.store import catalogue, query

    if list_queries:
        _list_queries()
        return
    if list_tables:
        _list_tables()
        return
    if as_json and as_csv:
        raise UsageError(
            "--json and --csv exclude each other",
            next_step="leave one of them out",
            detail="rows are printed in one form",
            causes=("both stand in a script or alias",),
        )
    if not question:
        raise UsageError(
            "nothing was asked",
            causes=("the query was left out",),
            next_step=f"tshark-report query {out} captures   or   tshark-report query {out} --list",
            detail="a named query or one SELECT",
        )
    sql = sys.stdin.read() if question == "-" else query.chosen(question, value)
    if show_sql:
        typer.echo(sql)
        return
    found = catalogue.find(out)
    for folder, reason in found.left_out:
        typer.echo(plain(f"left out: {folder.name}: {reason}"), err=True)
    with query.answered(found, sql, value) as answer:
        if as_json:
            _json(answer)
        elif as_csv:
            _csv(answer)
        else:
            _table(answer, limit)


def _list_queries() -> None:
    from tshark_report.store import query

    width = max(map(len, query.named()))
    for each in query.named().values():
        needs = f" Needs {each.needs}." if each.needs else ""
        typer.echo(f"{each.name:<{width}}  {each.question}{needs}")


def _list_tables() -> None:
    from tshark_report.store.documented import about, described
    from tshark_report.store.schema import TABLES

    for table in TABLES:
        typer.echo(f"{table}: {about(table)}")
        typer.echo("    capture VARCHAR, " + ", ".join(f"{c.name} {c.type}" for c in described(table)))


def _json(answer: Answer) -> None:
    import msgspec

    encode = msgspec.json.Encoder().encode
    first = True
    for row in answer.rows:
        typer.echo(
            ("[\n " if first else ",\n ") + encode(dict(zip(answer.columns, map(_plain, row), strict=True))).decode(),
            nl=False,
        )
        first = False
    typer.echo("[]" if first else "\n]")


def _csv(answer: Answer) -> None:
    import csv

    from tshark_report.report.escape import csv_cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(csv_cell(name) for name in answer.columns)
    for row in answer.rows:
        writer.writerow(csv_cell(cell) if isinstance(cell := _cell(v), str) else cell for v in row)


def _table(answer: Answer, limit: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows, total = _some(answer.rows, limit)
    console = Console(highlight=False)
    # A pipe has no width: whole cells matter more there than a fitting line.
    if not console.is_terminal:
        console = Console(highlight=False, width=1000)
    table = Table(box=box.SIMPLE)
    for place, name in enumerate(answer.columns):
        numeric = all(isinstance(row[place], int | float | None) for row in rows)
        table.add_column(plain(name), justify="right" if numeric else "left", no_wrap=not console.is_terminal)
    for row in rows:
        table.add_row(*(Text(_short(value)) for value in row))
    console.print(table)
    typer.echo(f"{min(limit, total):,} of {total:,} rows" + ("; all of them: --csv or --json" if total > limit else ""))


def _some(rows: Iterator[tuple[Any, ...]], limit: int) -> tuple[list[tuple[Any, ...]], int]:
    kept, total = [], 0
    for row in rows:
        total += 1
        if total <= limit:
            kept.append(row)
    return kept, total


def _short(value: Any) -> str:
    cell = _cell(value)
    text = plain("" if cell is None else str(cell)).replace("\n", "\\n")
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "\u2026"


def _cell(value: Any) -> Any:
    """A value as one cell: lists with commas, bytes as hexadecimal, moments in UTC."""
    if isinstance(value, list | tuple):
        return ", ".join(str(_cell(each)) for each in value)
    return value if isinstance(value, str | int | float | bool | None) else _shown(value)


def _plain(value: Any) -> Any:
    """A value that JSON has a type for: lists and structs keep their shape, the rest is text."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else _shown(value)


def _shown(value: Any) -> Any:
    """What neither JSON nor a terminal has a type for, as text."""
    from datetime import date

    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    return str(value)
