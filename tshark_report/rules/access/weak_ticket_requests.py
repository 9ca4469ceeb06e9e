"""LOG007: one client collected many Kerberos service tickets with a weak cipher."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, dense, minutes, names
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables

RC4 = (23, 24)
AES = (17, 18, 19, 20)
TGS_REP = 13


@rule(
    code="LOG007",
    name="weak-ticket-requests",
    family="access",
    title="One client collected many service tickets with a weak cipher",
    question="Did a client collect service tickets whose passwords can be guessed offline?",
    answers=(),
    why="A ticket encrypted with RC4 (etype 23) can be attacked offline for the service account's password; asking for "
    "many of them in a row, where the rest of the domain uses AES, is how they are collected.",
    innocent=(
        Innocent(
            explanation="Old service accounts without AES keys get RC4 tickets for everybody.",
            tell_apart="The client then connects to each service it got a ticket for; a collector does not.",
        ),
    ),
    confirm=(
        "Look for event 4769 with ticket encryption 0x17 and this client on the domain controller.",
        "Did the client connect to those services afterwards?",
        "Set long passwords and AES keys for the service accounts named.",
    ),
    references=(
        Reference(title="ATT&CK T1558.003 Kerberoasting", url="https://attack.mitre.org/techniques/T1558/003/"),
        Reference(title="RFC 8429: deprecate RC4 in Kerberos", url="https://www.rfc-editor.org/rfc/rfc8429"),
    ),
    needs=("kerberos",),
    thresholds={
        "tickets": Threshold(5, "tickets", "an ordinary client meets one or two old service accounts"),
        "window": Threshold(300, "seconds", "collectors ask for all of them at once"),
    },
    weight=62.0,
)
def weak_ticket_requests(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client: tickets with RC4 while the session key is AES, so the domain can do better."""
    replies = tables.kerberos.filter((pl.col("kind") == TGS_REP) & (pl.col("etypes").list.len() >= 2))
    weak = replies.filter(
        pl.col("etypes").list.first().is_in(list(RC4))
        & pl.col("etypes").list.last().is_in(list(AES))
        & (pl.col("service") != "krbtgt").fill_null(value=True)
    ).sort("frame")
    need, window = int(context.limit("tickets")), context.limit("window")
    made = []
    for (client,), rows in weak.group_by("dst", maintain_order=True):
        times = rows["time"].to_list()
        if not dense(times, need, window):
            continue
        made.append(_draft(tables.kerberos, context, str(client), rows))
    made.sort(key=lambda draft: -len(draft.frames))
    yield from made[:MOST_FINDINGS]


def _draft(kerberos: pl.DataFrame, context: Context, client: str, rows: pl.DataFrame) -> Draft:
    first, last = float(rows["time"][0]), float(rows["time"][-1])
    services = Counter(s for s in rows["service"].to_list() if s)
    servers = list(dict.fromkeys(rows["src"].to_list()))
    account = next((c for c in rows["client"].to_list() if c), "")
    summary = (
        f"{client}{' as ' + cut(account, 40) if account else ''} got {count(rows.height, 'service ticket')} with "
        "RC4 (etype 23) from "
        f"{called(context, servers[0])} in {duration(last - first)}, {minutes(first, last)}, for "
        f"{names(services, 6)}, while the "
        "session keys were AES: as in Kerberoasting, where tickets are collected to guess the service accounts' "
        "passwords offline."
    )
    frames = kerberos.filter(
        (pl.col("dst") == client) & (pl.col("kind") == TGS_REP) & pl.col("etypes").list.contains(23)
    )["frame"].to_list()
    return Draft(
        subject=client,
        hosts=(client, *servers[:3]),
        summary=summary,
        sentence=f"{client} collected {count(rows.height, 'Kerberos service ticket')} with the weak cipher RC4",
        priority="high",
        confidence="medium",
        display_filter=filters.all_of(
            filters.dst(client), filters.equals("kerberos.msg_type", TGS_REP), filters.equals("kerberos.etype", 23)
        ),
        frames=frames,
        evidence=evidence(
            (("time", "time"), ("frame", "frame"), ("from", "address"), ("service", "text"), ("etypes", "text")),
            [
                [r["time"], r["frame"], r["src"], cut(r["service"] or "", 60), ", ".join(map(str, r["etypes"]))]
                for r in rows.iter_rows(named=True)
            ],
        ),
        time=first,
    )
