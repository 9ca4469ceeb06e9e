"""Did one client deliver mail to many servers itself?"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 5
SMTP_PORT = 25


@rule(
    code="OUT010",
    name="direct-mail",
    family="checkins",
    title="One client spoke to many mail servers outside",
    question="Did one client deliver mail to many servers itself?",
    answers=("Q4", "Q13"),
    why=(
        "Clients hand their mail to one server of their own. One that speaks to many on port 25 delivers it itself, "
        "as spam is sent."
    ),
    innocent=(
        Innocent(
            explanation="It is a mail server, a mailing-list host or a filter, and this is its work.",
            tell_apart="It takes mail on port 25 as well, and its name stands in the MX records of the organisation.",
        ),
    ),
    confirm=(
        "Is the client a mail server? What does it say in EHLO and MAIL FROM?",
        "Do the servers refuse it (5xx answers, block lists)?",
    ),
    references=(
        Reference(title="RFC 6409 Message Submission for Mail", url="https://www.rfc-editor.org/rfc/rfc6409"),
        Reference(title="ATT&CK T1496 Resource Hijacking", url="https://attack.mitre.org/techniques/T1496/"),
    ),
    needs=("tcp_sessions",),
    thresholds={
        "servers": Threshold(10, "servers", "A client has one or two accounts; ten servers are other people's."),
    },
    weight=57,
)
def direct_mail(tables: Tables, context: Context) -> Iterator[Draft]:
    """Counts outside servers on port 25 by client, unless the client takes mail itself."""
    sessions = tables.tcp_sessions.filter((pl.col("server_port") == SMTP_PORT) & (pl.col("syns") > 0))
    takes = set(sessions.filter(pl.col("established"))["server"].to_list())
    groups = sessions.group_by("client", maintain_order=True).agg(pl.col("server").n_unique().alias("servers"))
    drafts = []
    for (client,) in groups.filter(pl.col("servers") >= context.limit("servers")).select("client").iter_rows():
        rows = sessions.filter(pl.col("client") == client)
        outside = [a for a in rows["server"].unique(maintain_order=True).to_list() if context.is_outside(a)]
        if client not in takes and not context.is_outside(client) and len(outside) >= context.limit("servers"):
            drafts.append(_draft(tables, client, rows.filter(pl.col("server").is_in(outside))))
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, client: str, rows: pl.DataFrame) -> Draft:
    servers = rows["server"].unique(maintain_order=True).to_list()
    names = [tables.names.get(s, s) for s in servers]
    open_ = rows.filter(pl.col("established"))
    first = float(rows["start"][0])
    refusals = tables.mail.filter(
        (pl.col("dst") == client) & (pl.col("smtp_code") >= 500) & pl.col("stream").is_in(rows["stream"].implode())
    ).height
    starts = near.session_starts(tables).filter((pl.col("src") == client) & (pl.col("dst_port") == SMTP_PORT))
    return Draft(
        subject=client,
        hosts=(client, *servers[:3]),
        summary=(
            f"{client} tried {len(servers)} mail servers outside on port 25 in {rows.height} sessions between "
            f"{words.clock(first)} and {words.clock(float(rows['start'][-1]))} UTC "
            f"({', '.join(words.cut(n, 60) for n in names[:3])}, "
            f"...); {open_.height} were taken, {refusals} answers were refusals (5xx). It took no mail itself."
        ),
        sentence=f"{client} began to speak to {len(servers)} mail servers outside on port 25",
        priority="medium",
        confidence="medium",
        display_filter=filters.all_of(
            filters.src(client),
            filters.dst_port("tcp", SMTP_PORT),
            "tcp.flags.syn == 1",
            "tcp.flags.ack == 0",
            common.not_quoted(tables),
        ),
        frames=starts["frame"].to_list(),
        evidence=evidence(
            [("time", "time"), ("server", "address"), ("name", "text"), ("taken", "text"), ("sent", "bytes")],
            [
                (
                    r["start"],
                    r["server"],
                    words.cut(tables.names.get(r["server"], ""), 60),
                    "yes" if r["established"] else "no",
                    r["client_payload"],
                )
                for r in rows.iter_rows(named=True)
            ],
        ),
        time=first,
        weight=min(5.0, len(servers) / 20),
    )
