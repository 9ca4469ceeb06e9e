"""EXP001: SMB 1 transactions as no client sends them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes, names, ordered
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, listed, size
from tshark_report.tables.tables import Tables

TRANSACTION, TRANSACTION_SECONDARY, TRANSACTION2, TRANSACTION2_SECONDARY = 0x25, 0x26, 0x32, 0x33
NT_TRANSACT, NT_TRANSACT_SECONDARY = 0xA0, 0xA1
SECONDARY = (TRANSACTION_SECONDARY, TRANSACTION2_SECONDARY, NT_TRANSACT_SECONDARY)
SESSION_SETUP = 0x0E
"""TRANS2_SESSION_SETUP: reserved, not implemented ([MS-CIFS] 2.2.6.15)."""
IMPLANT = (0x51, 0x52, 0x53)
"""Multiplex IDs 0x41 to 0x43 raised by 0x10: the answer of the back door (DoublePulsar) to a ping, a kill or a load."""
NOT_IMPLEMENTED, INSUFFICIENT = 0xC0000002, 0xC0000205


@rule(
    code="EXP001",
    name="smb1-transactions",
    family="access",
    title="A server received SMB 1 transactions that no client sends",
    question="Was a flaw of SMB 1 probed or used?",
    answers=(),
    why="A TRANS2 SESSION_SETUP is reserved and does nothing, and a transaction of tens of pieces is not how files are "
    "handled; together with connections that carry data but no SMB they are the steps of MS17-010 and of the "
    "back door that follows it.",
    innocent=(
        Innocent(
            explanation="A vulnerability scanner checks whether the host is patched.",
            tell_apart="It stops after a Trans request on the pipe and one SESSION_SETUP, and comes from the "
            "scanner's address.",
        ),
        Innocent(
            explanation="An old device with a broken SMB 1 stack.",
            tell_apart="It does so for years, to the same server, and no new process or session follows.",
        ),
    ),
    confirm=(
        "Is the server patched for MS17-010, and must it speak SMB 1 at all?",
        "What did the server send or connect to afterwards, and to whom?",
        "Did the server go on to do the same to others?",
    ),
    references=(
        Reference(
            title="ATT&CK T1210 Exploitation of Remote Services", url="https://attack.mitre.org/techniques/T1210/"
        ),
        Reference(
            title="MS17-010", url="https://learn.microsoft.com/en-us/security-updates/securitybulletins/2017/ms17-010"
        ),
        Reference(
            title="[MS-CIFS] TRANS2_SESSION_SETUP",
            url="https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-cifs/",
        ),
    ),
    needs=("smb",),
    thresholds={
        "pieces": Threshold(
            8, "secondary requests", "an ordinary transaction fits into one or two; the overflow needs more than ten"
        ),
        "silent": Threshold(
            5, "connections", "connections to port 445 with data and no answer from the server: memory being laid out"
        ),
    },
    fields=("smb.cmd",),
    weight=95.0,
)
def smb1_transactions(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client."""
    smb = tables.smb.filter(pl.col("command1").list.len() > 0)
    if smb.is_empty():
        return
    answer = pl.col("response").fill_null(value=False)
    command = pl.col("command1")
    reserved = (pl.col("trans2") == SESSION_SETUP) & command.list.contains(TRANSACTION2)
    piece = pl.any_horizontal(command.list.contains(c) for c in SECONDARY)
    large = command.list.contains(NT_TRANSACT) | command.list.contains(NT_TRANSACT_SECONDARY)
    asked = smb.filter(~answer & (reserved | piece | large).fill_null(value=False)).with_columns(
        reserved.fill_null(value=False).alias("reserved"), piece.alias("piece")
    )
    lacking = smb.filter(answer & (pl.col("status") == INSUFFICIENT) & command.list.contains(TRANSACTION))
    clients = dict.fromkeys([*asked["src"].to_list(), *lacking["dst"].to_list()])
    drafts = []
    for client in clients:
        draft = _draft(
            tables, context, str(client), asked.filter(pl.col("src") == client), lacking.filter(pl.col("dst") == client)
        )
        if draft is not None:
            drafts.append(draft)
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), draft.frames[0]))
    yield from drafts[:MOST_FINDINGS]


def _draft(tables: Tables, context: Context, client: str, asked: pl.DataFrame, lacking: pl.DataFrame) -> Draft | None:
    reserved, pieces = asked.filter("reserved"), asked.filter("piece")
    flood = bool((pieces.group_by("dst").len()["len"] >= context.limit("pieces")).any())
    if not flood and reserved.is_empty() and lacking.is_empty():
        return None
    servers = list(dict.fromkeys([*(reserved if not flood else asked)["dst"].to_list(), *lacking["src"].to_list()]))
    silent = tables.tcp_sessions.filter(
        (pl.col("client") == client)
        & pl.col("server").is_in(servers)
        & pl.col("server_port").is_in([139, 445])
        & (pl.col("client_payload") > 0)
        & (pl.col("server_payload") == 0)
    )
    back = pl.col("src").is_in(servers) & (pl.col("dst") == client) & pl.col("response").fill_null(value=False)
    answers = tables.smb.filter(
        back & (pl.col("status") == NOT_IMPLEMENTED) & pl.col("command1").list.contains(TRANSACTION2)
    )
    marks = sorted({m for row in answers["multiplex"].to_list() for m in (row or []) if m is not None})
    implant = [m for m in marks if m in IMPLANT]
    laid_out = silent.height >= context.limit("silent")
    worked = implant or (flood and (reserved.height or laid_out))
    priority: Priority = "high" if worked or laid_out else "medium"
    confidence: Confidence = "high" if worked else "medium"
    moments = [*asked["time"].to_list(), *lacking["time"].to_list()]
    first, last = min(moments), max(moments)
    at = called(context, servers[0]) if len(servers) == 1 else f"{len(servers)} hosts ({names(servers, 4)})"
    summary = (
        f"{client} sent SMB 1 transactions to {at}{_systems(tables, servers)} port 445 that no client sends, "
        f"{minutes(first, last)}: {listed(_told(context, asked, lacking, silent), 5)}. "
        f"These are steps of MS17-010 (EternalBlue).{_answered(answers, marks, implant)}"
    )
    parts = []
    frames: list[int] = []
    if asked.height:
        parts.append(
            filters.all_of(
                filters.src(client),
                filters.equals("smb.flags.response", 0),
                filters.any_of(
                    filters.equals_hex("smb.trans2.cmd", SESSION_SETUP),
                    *(filters.equals_hex("smb.cmd", code) for code in (*SECONDARY, NT_TRANSACT)),
                ),
            )
        )
        frames += asked["frame"].to_list()
    if lacking.height:
        parts.append(
            filters.all_of(
                filters.dst(client),
                filters.equals_hex("smb.nt_status", INSUFFICIENT),
                filters.equals_hex("smb.cmd", TRANSACTION),
            )
        )
        frames += lacking["frame"].to_list()
    return Draft(
        subject=f"{client} to {servers[0]}" if len(servers) == 1 else client,
        hosts=(servers[0], client) if len(servers) == 1 else (client, *servers[:6]),
        summary=summary,
        sentence=f"{client} sent {at} SMB 1 transactions that no client sends, as in MS17-010 (EternalBlue)",
        priority=priority,
        confidence=confidence,
        display_filter=filters.any_of(*parts),
        frames=ordered(frames),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("from", "address"),
                ("to", "address"),
                ("what", "text"),
                ("multiplex ID", "count"),
                ("share", "text"),
            ),
            [
                [
                    r["time"],
                    r["frame"],
                    r["src"],
                    r["dst"],
                    _named(r),
                    (r["multiplex"] or [None])[0],
                    cut(r["path"] or "", 60),
                ]
                for table in (reserved.head(3), answers.head(3), asked, lacking)
                for r in table.iter_rows(named=True)
            ],
            asked.height + lacking.height + answers.height,
        ),
        time=first,
        line_up=("frame.number", "ip.src", "ip.dst", "smb.cmd", "smb.trans2.cmd", "smb.mid", "smb.nt_status"),
    )


def _told(context: Context, asked: pl.DataFrame, lacking: pl.DataFrame, silent: pl.DataFrame) -> list[str]:
    reserved, pieces = asked.filter("reserved"), asked.filter("piece")
    large = asked.filter(pl.col("command1").list.contains(NT_TRANSACT))
    told = []
    if reserved.height:
        told.append(f"{count(reserved.height, 'TRANS2 SESSION_SETUP request')} (reserved, used by no client)")
    if pieces.height:
        told.append(f"{count(pieces.height, 'secondary transaction request')}")
    if large.height:
        told.append(f"{count(large.height, 'NT transaction')}")
    if silent.height >= context.limit("silent"):
        each = size(median(silent["client_payload"].to_list()))
        told.append(f"{count(silent.height, 'connection')} with {each} each and no answer from the server")
    if lacking.height:
        told.append(
            f"{count(lacking.height, 'transaction')} answered with STATUS_INSUFF_SERVER_RESOURCES, as a server without "
            "the update answers"
        )
    return told


def _answered(answers: pl.DataFrame, marks: list[int], implant: list[int]) -> str:
    if answers.is_empty():
        return ""
    told = (
        f" The server answered {count(answers.height, 'TRANS2 request')} with STATUS_NOT_IMPLEMENTED and multiplex ID "
        f"{listed([str(m) for m in marks], 4)}."
    )
    if implant:
        told += f" {implant[0]} ({implant[0]:#x}) is the answer of the back door that follows this flaw (DoublePulsar)."
    return told


def _systems(tables: Tables, servers: list[str]) -> str:
    """What the servers call their operating system."""
    rows = tables.smb.filter(pl.col("src").is_in(servers) & pl.col("native_os").is_not_null())
    systems = [o for o in rows["native_os"].unique(maintain_order=True).to_list() if o.isprintable()]
    return f" ({names(systems, 2)})" if systems else ""


def _named(row: dict[str, Any]) -> str:
    shown = {
        TRANSACTION: "Trans",
        TRANSACTION_SECONDARY: "Trans secondary",
        TRANSACTION2: "Trans2",
        TRANSACTION2_SECONDARY: "Trans2 secondary",
        NT_TRANSACT: "NT Trans",
        NT_TRANSACT_SECONDARY: "NT Trans secondary",
    }
    name = shown.get((row["command1"] or [0])[0], "")
    if row["response"]:
        status = {NOT_IMPLEMENTED: "STATUS_NOT_IMPLEMENTED", INSUFFICIENT: "STATUS_INSUFF_SERVER_RESOURCES"}
        return f"{name} answered {status.get(row['status'], '')}"
    return name + (" SESSION_SETUP" if row["trans2"] == SESSION_SETUP else "")
