"""SQL over the tables of many captures: DuckDB, reading only what lies below the folder and writing nothing.

Each table is a view with the column `capture` in front. The connection has no network, loads no extension, and sees
no file but the tables; a query is handed to DuckDB's `query` function, which takes one SELECT and nothing that writes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from tshark_report import scratch
from tshark_report.errors import UsageError
from tshark_report.store.catalogue import Catalogue
from tshark_report.store.documented import type_name
from tshark_report.store.schema import TABLES

if TYPE_CHECKING:
    import duckdb

LOOK_SECONDS = 0.2
"""How long a wait for DuckDB lasts before Ctrl-C is looked for."""
FETCHED = 5_000
"""Rows taken from DuckDB at a time."""


@dataclass(frozen=True)
class Named:
    """A query that ships: its name, the question that it answers, and what it needs besides."""

    name: str
    question: str
    sql: str
    needs: str = ""


@dataclass(frozen=True)
class Answer:
    """Columns of a result, and its rows as they come."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


@lru_cache(maxsize=1)
def named() -> dict[str, Named]:
    """The queries that ship, in the order in which they are listed."""
    data = tomllib.loads(files(__package__).joinpath("queries.toml").read_text(encoding="utf-8"))
    return {
        name: Named(name, each["question"], each["sql"].strip(), each.get("needs", "")) for name, each in data.items()
    }


def chosen(text: str, value: str | None) -> str:
    """The SQL that a user asked for: a named query's, or what was written.

    Raises:
        UsageError: no such named query, or its value is missing or not wanted.
    """
    words = text.strip()
    if re.search(r"[\s(;]", words):
        if value is not None:
            raise UsageError(
                "only named queries take a value",
                detail=value,
                next_step="tshark-report query OUT --list",
                causes=("the name of the query is misspelt", "the SELECT is not in quotes"),
            )
        return words
    query = named().get(words)
    if query is None:
        raise UsageError(
            "there is no query of this name",
            detail=words or "nothing was asked",
            causes=("a misspelt name", "SQL that the shell took apart: put it in quotes"),
            next_step=f"one of: {', '.join(named())}; or SQL in quotes",
        )
    if bool(query.needs) != (value is not None):
        raise UsageError(
            f"the query {words} needs {query.needs}" if query.needs else f"the query {words} takes no value",
            detail=value or "",
            next_step=f"tshark-report query OUT {words}{' VALUE' if query.needs else ''}",
            causes=("the value was left out" if query.needs else "a word too many",),
        )
    return query.sql


@contextmanager
def answered(catalogue: Catalogue, sql: str, value: str | None = None) -> Iterator[Answer]:
    """The answer to one SELECT over the tables of all captures; rows come while the block is open.

    Raises:
        UsageError: DuckDB is not installed, or refuses the query.
    """
    duckdb = _duckdb()
    with scratch.folder() as folder:
        connection = duckdb.connect(":memory:", config={"temp_directory": str(folder)})
        try:
            with _refusals(duckdb):
                _prepare(connection, catalogue, value)
                _waited(connection, lambda: connection.execute("from query(?)", [sql]))
            yield Answer([d[0] for d in connection.description or []], _rows(duckdb, connection))
        finally:
            connection.close()


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError as error:
        raise UsageError(
            "queries need DuckDB, which is not installed",
            detail=str(error),
            causes=("it is an extra of its own, because nothing else needs it",),
            next_step="pip install 'tshark-report[query]'",
        ) from error
    return duckdb


def _prepare(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue, value: str | None) -> None:
    connection.execute("set enable_progress_bar=false")
    connection.execute("set autoinstall_known_extensions=false")
    connection.execute("set autoload_known_extensions=false")
    connection.execute("set allow_community_extensions=false")
    connection.execute("set variable value=?", [value])
    top = catalogue.top.resolve()
    connection.execute(f"set allowed_directories=[{_text(str(top))}]")
    connection.execute("set enable_external_access=false")
    connection.execute("set lock_configuration=true")
    for table in TABLES:
        connection.execute(f'create view "{table}" as {_view(catalogue, table)}')


def _view(catalogue: Catalogue, table: str) -> str:
    # Columns are named one by one: a folder above called `time=5` would be taken for a column otherwise.
    columns = ", ".join(f'"{column}"' for column in TABLES[table])
    paths = [str(each.path(table).resolve()) for each in catalogue.holding(table)]
    if not paths:
        empty = ", ".join(f'null::{type_name(dtype)} as "{name}"' for name, dtype in TABLES[table].items())
        return f"select null::varchar as capture, {empty} where false"
    if len(catalogue.captures) == 1:
        key = _text(catalogue.captures[0].key)
    else:
        key = "regexp_extract(filename, 'capture=([^/\\\\]*)[/\\\\][^/\\\\]*$', 1)"
    listed = ", ".join(_text(path) for path in paths)
    rows = f"read_parquet([{listed}], filename=true, hive_partitioning=false, union_by_name=false)"
    return f"select {key} as capture, {columns} from {rows}"  # noqa: S608  (names are ours, texts quoted)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _rows(duckdb: Any, connection: Any) -> Iterator[tuple[Any, ...]]:
    while True:
        with _refusals(duckdb):
            some = _waited(connection, lambda: connection.fetchmany(FETCHED))
        if not some:
            return
        yield from some


def _waited(connection: Any, call: Callable[[], Any]) -> Any:
    """What `call` returns. It runs in a thread: DuckDB does not see Ctrl-C, and must be told to stop."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(call)
        try:
            # A look every so often: not every system wakes the waiting thread when a signal comes.
            while not future.done():
                wait([future], LOOK_SECONDS)
            return future.result()
        except BaseException:
            if not future.done():
                connection.interrupt()
            raise


@contextmanager
def _refusals(duckdb: Any) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        message = " ".join(lines[:2]) if lines else type(error).__name__
        raise UsageError(
            "the query was refused",
            detail=message,
            causes=_causes(message),
            next_step="tshark-report query OUT --tables   lists tables and columns, docs/tables.md explains them",
        ) from error


def _causes(message: str) -> tuple[str, ...]:
    if "single SELECT" in message or "must be at the top level" in message:
        return ("one SELECT is allowed, and nothing that writes",)
    if "Permission" in message or "Extension" in message:
        return ("queries see the tables and no other file, and have no network",)
    if "Out of Memory" in message:
        return ("the result needs more memory than there is",)
    if "Invalid Input" in message and "parquet" in message.lower():
        return ("a table is damaged: write it again",)
    return ("a misspelt table or column",)
