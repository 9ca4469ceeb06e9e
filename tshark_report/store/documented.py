"""The stored tables and columns in words: what docs/tables.md, and `query --tables`, say of each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import polars as pl

from tshark_report.store.schema import DERIVED, FAMILIES, TABLES
from tshark_report.tables import columns
from tshark_report.tables.schema import BASE, PACKET_SCHEMA


@dataclass(frozen=True)
class ColumnText:
    """A column, its type as DuckDB names it, and what it holds."""

    name: str
    type: str
    text: str


@lru_cache(maxsize=1)
def _texts() -> dict[str, dict[str, str]]:
    return tomllib.loads(files(__package__).joinpath("columns.toml").read_text(encoding="utf-8"))


def about(table: str) -> str:
    """What a table holds, in one or two sentences."""
    # A table that is too new to have words is still a table; a test asks for the words.
    return _texts().get(table, {}).get("about", f"Packets with fields of {table}.")


def described(table: str) -> list[ColumnText]:
    """The columns of a table in their order.

    Raises:
        KeyError: a column has no text and no tshark field that would say what it is.
    """
    own, common = _texts().get(table, {}), _texts()["common"]
    fields = _fields(table)
    made = []
    for name, dtype in TABLES[table].items():
        read_from = fields.get(name, "")
        text = own.get(name) or ("" if read_from and name not in BASE else common.get(name, ""))
        if not text and not read_from:
            raise KeyError(f"{table}.{name}")
        words = f"{text} ({read_from})" if text and read_from else text or read_from
        made.append(ColumnText(name, type_name(dtype), words))
    return made


def _fields(table: str) -> dict[str, str]:
    """Column -> the tshark fields that it holds, of a protocol table."""
    family = next((family for family, stored in FAMILIES.items() if stored == table), None)
    if family is None:
        return {}
    return {c.name: " or ".join(f"`{f}`" for f in c.fields) for c in columns.BY_NAME[family].columns}


def type_name(dtype: pl.DataType) -> str:
    """A column's type by its name in SQL."""
    if isinstance(dtype, pl.List):
        return f"{type_name(dtype.inner)}[]"  # type: ignore[arg-type]
    return {
        "String": "VARCHAR", "Float64": "DOUBLE", "Boolean": "BOOLEAN", "Binary": "BLOB", "Int64": "BIGINT",
        "UInt8": "UTINYINT", "UInt16": "USMALLINT", "UInt32": "UINTEGER", "UInt64": "UBIGINT",
    }[str(dtype)]  # fmt: skip


START, END = "<!-- Made from the code: from here -->", "<!-- Made from the code: to here -->"


def page(text: str) -> str:
    """docs/tables.md with every table and column between its two marks written anew.

    Raises:
        ValueError: the marks are not in it.
    """
    before, found, rest = text.partition(START)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError("docs/tables.md has lost the marks between which its tables stand")
    return f"{before}{START}\n\n{reference()}\n{END}{after}"


def reference() -> str:
    """Every table and column as Markdown."""
    common = _texts()["common"]
    parts = ["### Columns of every table of packets", "", *_heads()]
    parts += [f"| `{name}` | {type_name(PACKET_SCHEMA[name])} | {_cell(common[name])} |" for name in BASE]
    for table, schema in TABLES.items():
        # Protocol tables begin with the same ten columns: saying them thirty times would hide the others.
        shared = table != "packets" and tuple(schema)[: len(BASE)] == BASE
        end = "Worked out from the others." if table in DERIVED else ""
        lead = "The ten columns of every table of packets, and:" if shared else ""
        own = [c for c in described(table) if not (shared and c.name in BASE)]
        parts += ["", f"### {table}", "", " ".join(part for part in (about(table), end) if part), ""]
        parts += [lead, ""] if lead else []
        parts += [*_heads(), *(f"| `{c.name}` | {c.type} | {_cell(c.text)} |" for c in own)]
    return "\n".join(parts) + "\n"


def _heads() -> list[str]:
    return ["| column | type | what it holds |", "|---|---|---|"]


def _cell(text: str) -> str:
    return text.replace("|", "&#124;")
