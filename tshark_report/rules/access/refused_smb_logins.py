"""LOG005: SMB servers refused one client's logins again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, dense, many_within, minutes, names
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration, listed
from tshark_report.tables.tables import Tables

REFUSALS: dict[int, str] = {
    0xC000006D: "STATUS_LOGON_FAILURE",
    0xC000006A: "STATUS_WRONG_PASSWORD",
    0xC0000064: "STATUS_NO_SUCH_USER",
    0xC000006E: "STATUS_ACCOUNT_RESTRICTION",
    0xC000006F: "STATUS_INVALID_LOGON_HOURS",
    0xC0000071: "STATUS_PASSWORD_EXPIRED",
    0xC0000072: "STATUS_ACCOUNT_DISABLED",
    0xC000015B: "STATUS_LOGON_TYPE_NOT_GRANTED",
    0xC0000193: "STATUS_ACCOUNT_EXPIRED",
    0xC0000234: "STATUS_ACCOUNT_LOCKED_OUT",
}
"""Answers to a session set-up that mean "no" ([MS-ERREF], section 2.3.1)."""

SESSION_SETUP_2, SESSION_SETUP_1 = 1, 0x73


@rule(
    code="LOG005",
    name="refused-smb-logins",
    family="access",
    title="SMB servers refused one client's logins again and again",
    question="Is somebody trying passwords over SMB, and did one of them work?",
    answers=(),
    why="Each wrong password costs a session set-up that the server answers with STATUS_LOGON_FAILURE or its kin.",
    innocent=(
        Innocent(
            explanation="A mapped drive, printer or service with an outdated password is retried by Windows itself.",
            tell_apart="One user at one server, at intervals of minutes, from that user's own machine.",
        ),
        Innocent(
            explanation="A person mistyped.",
            tell_apart="Two or three refusals, then a login that works.",
        ),
    ),
    confirm=(
        "Look for events 4625 and 4776 on the server and its domain controller in the same minutes.",
        "Did a login work afterwards, and what did that session open?",
        "Are accounts locked out now?",
    ),
    references=(
        Reference(title="ATT&CK T1110 Brute Force", url="https://attack.mitre.org/techniques/T1110/"),
        Reference(
            title="[MS-SMB2] 3.3.5.5 Receiving a session set-up",
            url="https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-smb2/",
        ),
    ),
    needs=("smb",),
    thresholds={
        "refused": Threshold(10, "refused logins", "Windows itself retries a stored password two or three times"),
        "users": Threshold(
            5, "user names refused", "one password against several names stays below any count per name"
        ),
        "window": Threshold(1800, "seconds", "guessing sends its tries close together; a day's mistakes add up too"),
        "retries_apart": Threshold(30, "seconds", "Windows retries a mapped drive in minutes; guessing does not wait"),
    },
    weight=61.0,
)
def refused_smb_logins(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client."""
    smb = tables.smb
    refusals = smb.filter(
        pl.col("response").fill_null(value=False)
        & pl.col("status").is_in(list(REFUSALS))
        & (pl.col("command2").list.contains(SESSION_SETUP_2) | pl.col("command1").list.contains(SESSION_SETUP_1))
    )
    if refusals.is_empty():
        return
    asked = smb.filter(pl.col("user").is_not_null()).select("stream", "frame", "user", "domain", "host").sort("frame")
    joined = refusals.sort("frame").join_asof(asked, on="frame", by="stream", suffix="_asked", check_sortedness=False)
    drafts = []
    for (client,), rows in joined.group_by("dst", maintain_order=True):
        times, window = rows["time"].to_list(), context.limit("window")
        named = [(t, u) for t, u in rows.select("time", "user_asked").iter_rows() if u]
        if not dense(times, int(context.limit("refused")), window) and not many_within(
            named, int(context.limit("users")), window
        ):
            continue
        pace = (times[-1] - times[0]) / max(1, len(times) - 1)
        one_user = len({u for _, u in named}) <= 1 and rows["src"].n_unique() == 1
        if one_user and pace > context.limit("retries_apart"):
            continue
        drafts.append(_draft(smb, context, str(client), rows))
    drafts.sort(key=lambda draft: -len(draft.frames))
    yield from drafts[:MOST_FINDINGS]


def _draft(smb: pl.DataFrame, context: Context, client: str, rows: pl.DataFrame) -> Draft:
    first, last = float(rows["time"][0]), float(rows["time"][-1])
    users = Counter(u for u in rows["user_asked"].to_list() if u)
    servers = list(dict.fromkeys(rows["src"].to_list()))
    statuses = Counter(REFUSALS[s] for s in rows["status"].to_list())
    machines = list(dict.fromkeys(h for h in rows["host_asked"].to_list() if h and h != "NULL"))
    accepted = smb.filter(
        (pl.col("dst") == client)
        & pl.col("src").is_in(servers)
        & pl.col("response").fill_null(value=False)
        & (pl.col("status") == 0)
        & (pl.col("command2").list.contains(SESSION_SETUP_2) | pl.col("command1").list.contains(SESSION_SETUP_1))
        & (pl.col("time") > first)
    )
    end = "No login was accepted."
    if accepted.height:
        won = accepted.row(accepted.height - 1, named=True)
        as_ = smb.filter(
            (pl.col("stream") == won["stream"]) & pl.col("user").is_not_null() & (pl.col("frame") < won["frame"])
        )
        user = cut(as_["user"][-1], 60) if as_.height else "an account"
        end = f"A login as {user} at {won['src']} was accepted {minutes(won['time'], won['time'])}."
    where = called(context, servers[0]) if len(servers) == 1 else f"{len(servers)} servers ({names(servers, 4)})"
    told = listed([f"{n:,} × {name}" for name, n in statuses.most_common(3)])
    who = f" (it calls itself {names(machines, 2)})" if machines else ""
    summary = (
        f"Password guessing: {client}{who} made {count(rows.height, 'failed login')} over SMB at {where} port 445 in "
        f"{duration(last - first)}, {minutes(first, last)}, as {names(users, 6) or 'names that cannot be read'}: "
        f"{told}. {end}"
    )
    codes = sorted(set(rows["status"].to_list()))
    by_status = filters.any_of(
        *(
            filters.equals_hex(f, c)
            for f, table in (("smb2.nt_status", 2), ("smb.nt_status", 1))
            for c in codes
            if _has(rows, table, c)
        )
    )
    frames = smb.filter((pl.col("dst") == client) & pl.col("status").is_in(codes))["frame"].to_list()
    return Draft(
        subject=client,
        hosts=(client, *servers[:6]),
        summary=summary,
        sentence=f"{client} began {count(rows.height, 'failed login')} over SMB at {where} as "
        f"{names(users, 3) or 'unknown names'}" + (", and one was accepted" if accepted.height else ""),
        priority="high",
        confidence="high",
        display_filter=filters.all_of(filters.dst(client), by_status),
        frames=frames,
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("server", "address"),
                ("user", "text"),
                ("domain", "text"),
                ("status", "text"),
            ),
            [
                [
                    r["time"],
                    r["frame"],
                    r["src"],
                    cut(r["user_asked"] or "", 60),
                    cut(r["domain_asked"] or "", 40),
                    REFUSALS[r["status"]],
                ]
                for r in rows.iter_rows(named=True)
            ],
        ),
        time=first,
        weight=5.0 if accepted.height else 0.0,
    )


def _has(rows: pl.DataFrame, version: int, code: int) -> bool:
    column = "command2" if version == 2 else "command1"
    return bool(rows.filter((pl.col("status") == code) & (pl.col(column).list.len() > 0)).height)
