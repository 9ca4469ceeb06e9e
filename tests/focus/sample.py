"""A report that opens with what made the reader look, with hostile text wherever a list or the wire can put it."""

from __future__ import annotations

import msgspec

from tests.report import sample
from tshark_report.report import model

HOSTILE = "<script>alert(1)</script> | `x` @you http://bad.example/ \u202e"


def _table(*columns: tuple[str, model.ColumnType]) -> model.Table:
    rows: list[list[model.Cell]] = [
        [HOSTILE if kind == "text" else 1 if kind != "time" else None for _, kind in columns]
    ]
    return model.Table(columns=[model.Column(name=n, type=k) for n, k in columns], rows=rows, total_rows=200)


def focus() -> model.Focus:
    """All parts filled."""
    counted = {
        "display_filter": "ip.addr == 203.0.113.66", "matched_packets": 12, "filter_checked": True, "first_frame": 3,
        "last_frame": 9, "first_time": "2026-03-02T09:14:07.000000Z", "last_time": "2026-03-02T09:15:07.000000Z",
    }  # fmt: skip
    client = model.FocusClient(
        address=sample.PC, named=f"{sample.PC} ({HOSTILE})", sentence=f"{sample.PC} reached {HOSTILE}.",
        conversations=_table(("Client", "text"), ("Bytes", "bytes")), exchanged=_table(("What", "text"), ("Frame", "frame")),
        around=_table(("What", "text"), ("Time", "time")), everything=_table(("Peer", "text")),
        findings=[f.id for f in sample.incident().findings[:1]], **counted,
    )  # fmt: skip
    match = model.FocusMatch(
        kind="name", value="cdn-status.example", defanged="cdn-status[.]example", source="iocs.csv, line 3", note=HOSTILE,
        where=["DNS questions"], hosts=[sample.PC], frames=list(range(3, 40)), **counted,
    )  # fmt: skip
    alert = msgspec.structs.replace(match, kind="alert", value=HOSTILE, defanged=HOSTILE, count=4, remark=HOSTILE)
    return model.Focus(
        sentence=f"{sample.PC} reached it. {HOSTILE}", asked=[HOSTILE], matches=[match, alert], matches_total=150,
        clients=[client, msgspec.structs.replace(client, address=sample.DC, named=sample.DC, findings=[])], clients_total=7,
        others=_table(("Host", "text"), ("First frame", "frame")),
        missing=[model.FocusMissing(kind="user", value="j.roe", defanged="j.roe", source="--focus", note=HOSTILE)], missing_total=99,
        hidden=[model.FocusHidden(kind="user", count=99, reasons=["no login is in clear"])],
        findings=[f.id for f in sample.incident().findings[:1]], notes=[HOSTILE],
    )  # fmt: skip


def report() -> model.Report:
    """The sample incident, opening with it."""
    return msgspec.structs.replace(sample.incident(), focus=focus())


def nothing() -> model.Report:
    """Something was asked about, and nothing of it is there."""
    none = model.Table(columns=[], rows=[], total_rows=0)
    empty = model.Focus(
        sentence="203.0.113.8 is not in this capture.", asked=["--focus 203.0.113.8 (address)"], matches=[], matches_total=0,
        clients=[], clients_total=0, others=none, missing=[], missing_total=1, hidden=[], findings=[], notes=[],
    )  # fmt: skip
    return msgspec.structs.replace(sample.incident(), focus=empty)
