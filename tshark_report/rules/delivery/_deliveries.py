"""Files on the wire that can run, or carry something that can: gathered once, for all rules of this family.

A delivery is known from an exported file, or - where tshark could not put the file
together - from the bytes of its beginning in a stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl

from tshark_report.rules.delivery._delivery import Delivery, category_of, of_exchange
from tshark_report.rules.delivery._http import exchanges
from tshark_report.rules.delivery._streams import Key, from_streams
from tshark_report.tables.tables import Tables


def deliveries(tables: Tables) -> list[Delivery]:
    """Every delivery of a category, in order of frames; files over SMB belong to another family of rules."""
    if _kept and _kept[0][0] is tables:
        return _kept[0][1]
    found = list(_made(tables))
    found.sort(key=lambda d: (d.frame, d.name))
    _kept[:] = [(tables, found)]
    return found


_kept: list[tuple[Tables, list[Delivery]]] = []


def _made(tables: Tables) -> Iterator[Delivery]:
    asked = exchanges(tables)
    by_answer = (
        {row["answer_frame"]: row for row in asked.filter(pl.col("answer_frame").is_not_null()).iter_rows(named=True)}
        if tables.files.height
        else {}
    )
    by_request = (
        {row["frame"]: row for row in asked.filter(pl.col("sent_length").is_not_null()).iter_rows(named=True)}
        if tables.files.height
        else {}
    )
    told: set[Key] = set()
    unknown: set[Key] = set()
    for row in tables.files.filter(pl.col("protocol") != "smb").iter_rows(named=True):
        made = _from_file(row, by_answer, by_request)
        if made is None:
            continue
        if made.stream is not None:
            place = (made.transport, made.stream, made.asked_frame)
            (told if row["detected_type"] else unknown).add(place)
        if made.category:
            yield made
    yield from from_streams(tables, asked, told, unknown)


def _from_file(
    row: dict[str, Any], answers: dict[int, dict[str, Any]], requests: dict[int, dict[str, Any]]
) -> Delivery | None:
    if row["frame"] is None or not row["source"]:
        return None
    marks, inside = tuple(row["marks"] or ()), tuple(row["inside"] or ())
    category, what = category_of(row["detected_type"], marks, inside)
    common: dict[str, Any] = {
        "category": category, "what": what, "name": row["name"], "protocol": row["protocol"], "source": row["source"],
        "destination": row["destination"], "port": 0, "transport": "udp" if row["protocol"] == "tftp" else "tcp",
        "stream": row["stream"], "frame": row["frame"], "time": row["time"], "first_frame": None, "last_frame": None,
        "declared": row["declared_type"], "size": row["bytes"], "sha256": row["sha256"], "inside": inside,
        "marks": marks, "head": row["head"] or b"",
    }  # fmt: skip
    if row["protocol"] != "http":
        return Delivery(**common)
    asked = answers.get(row["frame"]) or requests.get(row["frame"])
    if asked is None:
        return Delivery(**common, uri=row["uri"], host=row["host"])
    sent = asked["client"] == row["source"] and row["frame"] == asked["frame"]
    return replace(of_exchange(Delivery(**common), asked), from_client=sent)
