"""Did a program mail data out of a client, to the account it mailed from?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.rules.checkins import _common as common
from tshark_report.rules.checkins import _words as words
from tshark_report.tables.tables import Tables

FINDINGS_MAX = 6
ADDRESS = re.compile(r"<\s*([^<>\s]+)\s*>")


@rule(
    code="OUT009",
    name="mail-uploads",
    family="checkins",
    title="Mail was sent in clear text to a server outside, as a program sends it",
    question="Did a program mail data out of a client, to the account it mailed from?",
    answers=("Q4", "Q12"),
    why=(
        "Programs that collect passwords and key strokes mail them through an account whose login they carry, mostly "
        "from and "
        "to the same address, with the name of the machine in the subject."
    ),
    innocent=(
        Innocent(
            explanation=(
                "Printers, scanners, cameras and monitoring mail their reports to the account they log in with."
            ),
            tell_apart="The client is such a device, and the account belongs to the organisation.",
        ),
    ),
    confirm=(
        "Read the message (Follow TCP Stream): whose names, passwords or documents does it hold?",
        "Does somebody in the organisation know the account?",
    ),
    references=(
        Reference(
            title="ATT&CK T1048.003 Exfiltration Over Unencrypted Non-C2 Protocol",
            url="https://attack.mitre.org/techniques/T1048/003/",
        ),
        Reference(title="RFC 5321 Simple Mail Transfer Protocol", url="https://www.rfc-editor.org/rfc/rfc5321"),
    ),
    needs=("mail",),
    thresholds={"signs": Threshold(1, "signs", "A mail without any sign is a mail.")},
    weight=73,
)
def mail_uploads(tables: Tables, context: Context) -> Iterator[Draft]:
    """Groups SMTP transactions by client and server outside."""
    begun = tables.mail.filter(
        (pl.col("smtp_command").str.to_uppercase() == "MAIL")
        & pl.col("src").is_not_null()
        & pl.col("dst_port").is_not_null()
    )
    drafts = []
    for (client, address, port), rows in begun.group_by("src", "dst", "dst_port", maintain_order=True):
        if context.is_home(str(client)) and context.is_outside(str(address)):
            draft = _draft(tables, context, str(client), str(address), int(str(port)), rows)
            if draft is not None:
                drafts.append(draft)
    yield from common.first_of(drafts, FINDINGS_MAX)


def _draft(tables: Tables, context: Context, client: str, address: str, port: int, rows: pl.DataFrame) -> Draft | None:
    server = common.server(tables, address, port)
    told = tables.mail.filter(
        (pl.col("src") == client)
        & (pl.col("dst") == address)
        & (pl.col("dst_port") == port)
        & pl.col("smtp_command").str.to_uppercase().is_in(["MAIL", "RCPT"])
    )
    senders = _addresses(rows)
    recipients = _addresses(told.filter(pl.col("smtp_command").str.to_uppercase() == "RCPT"))
    letters = tables.files.filter(
        (pl.col("protocol") == "mail") & (pl.col("source") == client) & (pl.col("destination") == address)
    )
    subjects = [
        n.removesuffix(".eml") for n in letters["name"].unique(maintain_order=True).to_list() if n.endswith(".eml")
    ]
    first = float(rows["time"].to_list()[0])
    signs = _signs(tables, client, first, senders, recipients, subjects)
    if len(signs) < context.limit("signs"):
        return None
    priority: Priority = "high" if len(signs) >= 2 else "medium"
    confidence: Confidence = "high" if len(signs) >= 2 else "medium"
    about = (
        f"; subject{'s' * (len(subjects) > 1)} {', '.join(words.cut(s, 80) for s in subjects[:3])}" if subjects else ""
    )
    carried = f" ({words.size(float(letters['bytes'].sum()))})" if letters.height else ""
    return Draft(
        subject=f"{client} -> {server.key}",
        hosts=(client, address),
        summary=(
            f"{client} mailed {rows.height} message{'s' * (rows.height > 1)} in clear text by {server.words()} from "
            f"{words.clock(first)} UTC, from {', '.join(words.cut(s, 80) for s in senders[:3])} to "
            f"{', '.join(words.cut(r, 80) for r in recipients[:3])}{about}"
            f"{carried}. {' '.join(signs)}{server.about()}"
        ),
        sentence=f"{client} mailed from {words.cut(senders[0], 60) if senders else 'an account'} by {server.words()}",
        priority=priority,
        confidence=confidence,
        display_filter=filters.all_of(
            filters.src(client),
            filters.dst(address),
            filters.dst_port("tcp", port),
            filters.one_of("smtp.req.command", told["smtp_command"].unique(maintain_order=True).to_list()),
        ),
        frames=told["frame"].to_list(),
        evidence=evidence(
            [("time", "time"), ("command", "text"), ("address", "text"), ("frame", "frame")],
            [
                (r["time"], r["smtp_command"], words.cut(r["smtp_parameter"] or ""), r["frame"])
                for r in told.iter_rows(named=True)
            ],
        ),
        indicators=(common.indicator(address), *(("email", s) for s in senders[:1] if "@" in s)),
        line_up=("smtp.req.command", "smtp.req.parameter"),
        time=first,
        weight=2 * len(signs),
    )


def _addresses(rows: pl.DataFrame) -> list[str]:
    found = (ADDRESS.search(text or "") for text in rows["smtp_parameter"].to_list())
    return list(dict.fromkeys(match[1] for match in found if match))


def _signs(
    tables: Tables, client: str, first: float, senders: list[str], recipients: list[str], subjects: list[str]
) -> list[str]:
    made = []
    same = {s.lower() for s in senders} & {r.lower() for r in recipients}
    if same:
        made.append(f"Sender and recipient are the same address, {words.cut(min(same), 80)}.")
    looked = common.lookups_of(tables, client, first)
    if looked:
        name, moment, frame = looked[-1]
        made.append(f"Before that it asked {name} for its public address ({words.clock(moment)}, frame {frame}).")
    own = common.named_in(" ".join(subjects), common.own_names(tables, client))
    if own:
        made.append(f"The subject holds the client's {', '.join(own)}.")
    return made
