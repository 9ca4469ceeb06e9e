"""EXP001: SMB 1 transactions as no client sends them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, minutes, names, ordered
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, listed, size
from tshark_report.tables.tables import Tables

TRANSACTION2, TRANSACTION2_SECONDARY, NT_TRANSACT, NT_TRANSACT_SECONDARY = 0x32, 0x33, 0xA0, 0xA1
SESSION_SETUP = 0x0E
"""TRANS2_SESSION_SETUP: reserved, not implemented ([MS-CIFS] 2.2.6.15)."""
IMPLANT = {0x41: "no", 0x51: "yes", 0x52: "yes", 0x53: "yes"}
NOT_IMPLEMENTED, INSUFFICIENT = 0xC0000002, 0xC0000205


@rule(
    code="EXP001",
    name="smb1-transactions",
    family="access",
    title="A host sent SMB 1 transactions that no client sends",
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
    """One finding for each pair of hosts."""
    smb = tables.smb
    requests = smb.filter(~pl.col("response").fill_null(value=False) & (pl.col("command1").list.len() > 0))
    reserved = requests.filter((pl.col("trans2") == SESSION_SETUP) & pl.col("command1").list.contains(TRANSACTION2))
    pieces = requests.filter(
        pl.col("command1").list.contains(TRANSACTION2_SECONDARY)
        | pl.col("command1").list.contains(NT_TRANSACT_SECONDARY)
    )
    pairs = dict.fromkeys(
        [
            *reserved.select("src", "dst").unique(maintain_order=True).iter_rows(),
            *pieces.select("src", "dst").unique(maintain_order=True).iter_rows(),
        ]
    )
    drafts = []
    for client, server in pairs:
        pair = (pl.col("src") == client) & (pl.col("dst") == server)
        draft = _draft(tables, context, str(client), str(server), reserved.filter(pair), pieces.filter(pair))
        if draft is not None:
            drafts.append(draft)
    drafts.sort(key=lambda draft: (["high", "medium", "low", "info"].index(draft.priority), draft.frames[:1]))
    yield from drafts[:MOST_FINDINGS]


def _draft(
    tables: Tables, context: Context, client: str, server: str, reserved: pl.DataFrame, pieces: pl.DataFrame
) -> Draft | None:
    smb = tables.smb
    flood = pieces.height >= context.limit("pieces")
    if not flood and reserved.is_empty():
        return None
    silent = tables.tcp_sessions.filter(
        (pl.col("client") == client)
        & (pl.col("server") == server)
        & pl.col("server_port").is_in([139, 445])
        & (pl.col("client_payload") > 0)
        & (pl.col("server_payload") == 0)
    )
    answers = smb.filter(
        (pl.col("src") == server)
        & (pl.col("dst") == client)
        & pl.col("response").fill_null(value=False)
        & (pl.col("status") == NOT_IMPLEMENTED)
        & pl.col("command1").list.contains(TRANSACTION2)
    )
    marks = sorted({m for row in answers["multiplex"].to_list() for m in (row or []) if m is not None})
    implant = [m for m in marks if IMPLANT.get(m) == "yes"]
    systems = [
        o
        for o in smb.filter((pl.col("src") == server) & pl.col("native_os").is_not_null())["native_os"]
        .unique(maintain_order=True)
        .to_list()
        if o.isprintable()
    ]
    told = []
    if reserved.height:
        told.append(f"{count(reserved.height, 'TRANS2 SESSION_SETUP request')} (reserved, used by no client)")
    if pieces.height:
        told.append(f"{count(pieces.height, 'secondary transaction request')}")
    nt = smb.filter(
        (pl.col("src") == client) & (pl.col("dst") == server) & pl.col("command1").list.contains(NT_TRANSACT)
    )
    if nt.height:
        told.append(f"{count(nt.height, 'NT transaction')}")
    if silent.height >= context.limit("silent"):
        each = size(median(silent["client_payload"].to_list()))
        told.append(f"{count(silent.height, 'connection')} with {each} each and no answer from the server")
    priority: Priority = "high" if flood or implant or silent.height >= context.limit("silent") else "medium"
    confidence: Confidence = "high" if flood and reserved.height else "medium"
    first = min(float(t["time"][0]) for t in (reserved, pieces) if t.height)
    last = max(float(t["time"][-1]) for t in (reserved, pieces) if t.height)
    end = ""
    if answers.height:
        end = (
            f" The server answered {answers.height} of them with STATUS_NOT_IMPLEMENTED and multiplex ID "
            f"{listed([str(m) for m in marks], 4)}."
        )
    if implant:
        end += " An ID raised by 16 (0x51, 0x52) is the answer of the back door that follows this flaw (DoublePulsar)."
    on = f" ({names(systems, 2)})" if systems else ""
    summary = (
        f"{client} sent SMB 1 transactions to {called(context, server)}{on} port 445 that no client sends, "
        f"{minutes(first, last)}: "
        f"{listed(told, 5)}. These are the steps of MS17-010 (EternalBlue).{end}"
    )
    rows = smb.filter(
        (pl.col("src") == client)
        & (pl.col("dst") == server)
        & (
            ((pl.col("trans2") == SESSION_SETUP) & pl.col("command1").list.contains(TRANSACTION2))
            | pl.any_horizontal(
                pl.col("command1").list.contains(c)
                for c in (TRANSACTION2_SECONDARY, NT_TRANSACT, NT_TRANSACT_SECONDARY)
            )
        )
    )
    wanted = filters.any_of(
        filters.equals("smb.trans2.cmd", SESSION_SETUP),
        filters.one_of("smb.cmd", [TRANSACTION2_SECONDARY, NT_TRANSACT, NT_TRANSACT_SECONDARY]),
    )
    names_ = {
        TRANSACTION2: "Trans2",
        TRANSACTION2_SECONDARY: "Trans2 secondary",
        NT_TRANSACT: "NT Trans",
        NT_TRANSACT_SECONDARY: "NT Trans secondary",
    }
    return Draft(
        subject=f"{client} to {server}",
        hosts=(server, client),
        summary=summary,
        sentence=f"{client} sent {called(context, server)} SMB 1 transactions that no client sends, as in MS17-010 "
        "(EternalBlue)",
        priority=priority,
        confidence=confidence,
        display_filter=filters.all_of(filters.src(client), filters.dst(server), wanted),
        frames=ordered(rows["frame"].to_list()),
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("request", "text"), ("multiplex ID", "count"), ("share", "text")),
            [
                [
                    r["time"],
                    r["frame"],
                    names_.get((r["command1"] or [0])[0], "")
                    + (" SESSION_SETUP" if r["trans2"] == SESSION_SETUP else ""),
                    (r["multiplex"] or [None])[0],
                    cut(r["path"] or "", 60),
                ]
                for r in rows.sort(pl.col("trans2") != SESSION_SETUP, "frame").iter_rows(named=True)
            ],
        ),
        time=first,
        line_up=("frame.number", "ip.src", "ip.dst", "smb.cmd", "smb.trans2.cmd", "smb.mid", "smb.nt_status"),
    )
