"""LOG004: a web server refused one client's logins again and again, or one form was posted with ever other values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Confidence, Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access import _logins
from tshark_report.rules.access._common import (
    MOST_FINDINGS,
    answers_of,
    called,
    cut,
    masked,
    minutes,
    names,
    ordered,
    towards,
)
from tshark_report.rules.access._login import ACCEPTED, REFUSED, Login, selection, where
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables


@rule(
    code="LOG004",
    name="refused-web-logins",
    family="access",
    title="A web server refused one client's logins again and again",
    question="Is somebody trying passwords over HTTP, and did one of them work?",
    answers=("Q12",),
    why="Guessing against a web login shows as a row of 401 or 403 answers to requests that carry credentials, or "
    "as one "
    "form posted over and over with other passwords.",
    innocent=(
        Innocent(
            explanation="A browser asks without a password first and is answered 401, then asks again with one.",
            tell_apart="Each 401 is followed by the same request with an Authorization header and a 200.",
        ),
        Innocent(
            explanation="A program with an outdated password polls.",
            tell_apart="The credentials are the same each time.",
        ),
    ),
    confirm=(
        "Read the web server's log for the same minutes: which names, and did the answer change at the end?",
        "If one login worked, what did its session fetch? Change that password.",
    ),
    references=(
        Reference(title="ATT&CK T1110 Brute Force", url="https://attack.mitre.org/techniques/T1110/"),
        Reference(
            title="RFC 9110, section 11: HTTP authentication", url="https://www.rfc-editor.org/rfc/rfc9110#section-11"
        ),
    ),
    needs=("http",),
    thresholds={
        "refused": Threshold(10, "refused logins", "people give up or reset the password after a handful"),
        "posts": Threshold(15, "posts of one form", "a form does not say refused, so more of them are needed"),
        "passwords": Threshold(5, "different passwords", "fewer are a person's own, or a program that knows one"),
    },
    weight=60.0,
)
def refused_web_logins(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client and server."""
    http = tables.http.filter(pl.col("protocol") != "SSDP")
    groups: dict[tuple[str, str, int], list[Login]] = defaultdict(list)
    for login in _logins.every_http(tables):
        groups[login.client, login.server, login.port].append(login)
    drafts = []
    for (client, server, port), logins in groups.items():
        basic = [x for x in logins if x.protocol == "HTTP Basic"]
        forms = [x for x in logins if x.protocol != "HTTP Basic"]
        for kind, tries, need in (("Basic", basic, "refused"), ("form", forms, "posts")):
            draft = _judge(tables, context, (client, server, port), tries, kind, need)
            if draft:
                drafts.append(draft)
    drafts += _hidden(http, context, set(groups))
    drafts.sort(key=lambda draft: (draft.priority != "high", -draft.evidence.total_rows))
    yield from drafts[:MOST_FINDINGS]


def _judge(
    tables: Tables, context: Context, at: tuple[str, str, int], logins: list[Login], kind: str, need: str
) -> Draft | None:
    client, server, port = at
    form = kind == "form"
    tries = logins if form else [x for x in logins if x.outcome == REFUSED]
    secrets = {(x.user, x.secret_digest) for x in tries}
    if len(tries) < context.limit(need) or len(secrets) < context.limit("passwords"):
        return None
    tries.sort(key=lambda x: x.time)
    first, last = tries[0].time, tries[-1].time
    users = Counter(x.user for x in tries)
    won = [x for x in logins if x.outcome == ACCEPTED and x.time > first]
    answers = Counter(x.answer or "no answer" for x in tries)
    rare = [x for x in tries if answers[x.answer or "no answer"] <= 2 and x.answer and len(answers) > 1] if form else []
    page = cut(tries[0].note.split(";")[0], 80)
    told = ", ".join(f"{n:,} × {code}" for code, n in answers.most_common(4))
    end = "No login was accepted." if not form else "Whether one of them worked cannot be told from the answers."
    if won:
        end = (
            f"Afterwards {cut(won[-1].user, 60)} with a password of {masked(won[-1].secret_length or 0)} was accepted."
        )
    elif rare:
        end = (
            f"One answer differs: {rare[-1].answer} for {cut(rare[-1].user, 60)} "
            f"{minutes(rare[-1].time, rare[-1].time)}, "
            "as a login that worked would."
        )
    target = f"{called(context, server)} port {port}"
    what = (
        f"{count(len(tries), 'login')} with a form ({page})"
        if form
        else f"{count(len(tries), 'failed login')} over HTTP (Basic, {page})"
    )
    summary = (
        f"Password guessing: {client} tried {what} at {target} in {duration(last - first)}, {minutes(first, last)}, as "
        f"{names((u or '(no name)' for u in users), 6)} with {len({s for _, s in secrets})} different passwords; "
        f"answers: {told}. {end}"
    )
    if form:
        filter_, frames = selection(tables, where(tries[0]), [x for x in tries if x.protocol == tries[0].protocol])
    else:
        filter_, frames = _refusals(tables.http, client, server, port)
    confidence: Confidence = "medium" if form and not rare and not won else "high"
    priority: Priority = "high"
    return Draft(
        subject=f"{client} to {server}:{port} {kind}",
        hosts=(client, server),
        summary=summary,
        sentence=f"{client} began {what} at {target}" + (", and one was accepted at the end" if won else ""),
        priority=priority,
        confidence=confidence,
        display_filter=filter_,
        frames=frames,
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("user", "text"),
                ("password", "text"),
                ("answer", "text"),
                ("request", "text"),
            ),
            [
                [x.time, x.frames[0], cut(x.user, 60), masked(x.secret_length or 0), x.answer, cut(x.note, 100)]
                for x in [*won, *rare, *tries]
            ],
            len(tries),
        ),
        title="Many logins at one web server with ever other passwords",
        time=first,
        weight=5.0 if won or rare else 0.0,
    )


def _refusals(http: pl.DataFrame, client: str, server: str, port: int) -> tuple[str, list[int]]:
    rows = http.filter(
        (pl.col("src") == server)
        & (pl.col("dst") == client)
        & (pl.col("src_port") == port)
        & pl.col("status").is_in([401, 403, 407])
    )
    codes = rows["status"].unique().sort().to_list()
    filter_ = filters.all_of(answers_of(client, server, port), filters.one_of("http.response.code", codes))
    return filter_, ordered(rows["frame"].to_list())


def _hidden(http: pl.DataFrame, context: Context, known: set[tuple[str, str, int]]) -> list[Draft]:
    """Logins whose secret does not show (Digest, NTLM, tokens): requests with credentials, all refused."""
    asked = http.filter(
        pl.col("authorization").is_not_null() & pl.col("method").is_not_null() & pl.col("credentials").is_null()
    )
    answers = http.filter(pl.col("request_frame").is_not_null()).select(
        pl.col("request_frame").alias("frame"), pl.col("status").alias("answer")
    )
    joined = asked.join(answers, on="frame", how="inner", maintain_order="left").filter(
        pl.col("answer").is_in([401, 403, 407])
    )
    # NTLM and Kerberos take two or three requests for one login; the last token is the one that counts.
    joined = joined.filter(~pl.col("authorization").str.contains(r"(?i)^(?:NTLM|Negotiate) TlRMTVNTUAAB"))
    made = []
    for (client, server, port), rows in joined.group_by("src", "dst", "dst_port", maintain_order=True):
        if (client, server, port) in known or rows.height < context.limit("refused"):
            continue
        if rows["authorization"].n_unique() < context.limit("passwords"):
            continue
        scheme = str(rows["authorization"][0]).split(" ", 1)[0]
        first, last = float(rows["time"][0]), float(rows["time"][-1])
        frames = rows["frame"].to_list()
        every = asked.filter((pl.col("src") == client) & (pl.col("dst") == server) & (pl.col("dst_port") == port))
        target = f"{called(context, str(server))} port {port}"
        made.append(
            Draft(
                subject=f"{client} to {server}:{port} {scheme}",
                hosts=(str(client), str(server)),
                summary=(
                    f"Password guessing: {client} sent {count(len(frames), 'request')} with {cut(scheme, 20)} "
                    f"credentials to {target} in "
                    f"{duration(last - first)}, {minutes(first, last)}, {rows['authorization'].n_unique()} of them "
                    "different, and all were refused."
                ),
                sentence=f"{client} began {count(len(frames), 'failed login')} over HTTP ({cut(scheme, 20)}) at "
                f"{target}",
                priority="high",
                confidence="medium",
                display_filter=filters.all_of(
                    towards(str(client), str(server), int(str(port))), filters.exists("http.authorization")
                ),
                frames=ordered(
                    http.filter(
                        (pl.col("src") == client)
                        & (pl.col("dst") == server)
                        & (pl.col("dst_port") == port)
                        & pl.col("authorization").is_not_null()
                    )["frame"].to_list()
                )
                if every.height
                else frames,
                evidence=evidence(
                    (("time", "time"), ("frame", "frame"), ("request", "text"), ("answer", "text")),
                    [
                        [
                            r["time"],
                            r["frame"],
                            cut(f"{r['method']} {r['host'] or ''}{r['uri'] or ''}", 100),
                            str(r["answer"]),
                        ]
                        for r in rows.iter_rows(named=True)
                    ],
                ),
                time=first,
            )
        )
    return made
