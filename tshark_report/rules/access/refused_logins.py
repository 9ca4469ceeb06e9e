"""LOG002: one client's logins were refused again and again (FTP, mail, Telnet, databases)."""

from __future__ import annotations

import re
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
    dense,
    many_within,
    masked,
    minutes,
    names,
    ordered,
)
from tshark_report.rules.access._login import ACCEPTED, REFUSED, Login, Where, selection, where
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.story.words import count, duration
from tshark_report.tables.tables import Tables

REFUSALS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("MySQL", re.compile(rb"Access denied for user '([^'\x00]{0,64})'@")),
    ("PostgreSQL", re.compile(rb'password authentication failed for user "([^"\x00]{0,64})"')),
    ("Microsoft SQL Server", re.compile(rb"Login failed for user '([^'\x00]{0,64})'")),
    ("Redis", re.compile(rb"-(?:WRONGPASS|ERR invalid password)()")),
    ("MongoDB", re.compile(rb"Authentication failed()\.")),
    ("VNC", re.compile(rb"\A\x00\x00\x00\x01\x00\x00\x00.(?:Authentication fail|password check fail)()", re.DOTALL)),
    ("login", re.compile(rb"(?i)(?:login incorrect|authentication failed|invalid (?:password|credentials))()")),
)
"""How servers say no in the first packets of a stream; the group is the user where the text names one."""


@rule(
    code="LOG002",
    name="refused-logins",
    family="access",
    title="Logins of one client were refused again and again",
    question="Is somebody trying passwords over FTP, mail, Telnet or a database's own login, and did one of them work?",
    answers=("Q12",),
    why="Password guessing shows as many refused logins from one client, mostly with another password each time.",
    innocent=(
        Innocent(
            explanation="A program with an old stored password asks again at every poll.",
            tell_apart="Always the same user and the same password, at the program's own interval, from an "
            "ordinary client.",
        ),
        Innocent(
            explanation="A person mistyped.",
            tell_apart="A few refusals with seconds between them, then a login that is accepted.",
        ),
    ),
    confirm=(
        "Read the server's authentication log for the same minutes: which names, and did one succeed?",
        "If a login was accepted, what did that session do next? Change that password.",
        "Does the source try other services or other hosts too?",
    ),
    references=(
        Reference(title="ATT&CK T1110 Brute Force", url="https://attack.mitre.org/techniques/T1110/"),
        Reference(
            title="Zeek: FTP::Bruteforcing",
            url="https://docs.zeek.org/en/master/scripts/policy/protocols/ftp/detect-bruteforcing.zeek.html",
        ),
    ),
    needs=("ftp", "mail", "telnet", "openings"),
    thresholds={
        "refused": Threshold(
            10, "refused logins", "people give up or ask after a handful; Zeek's default for FTP is 20 in 15 minutes"
        ),
        "users": Threshold(
            5, "user names refused", "one password against several names stays below any count per name"
        ),
        "window": Threshold(1800, "seconds", "guessing sends its tries close together; a day's mistakes add up too"),
        "passwords": Threshold(3, "different passwords", "below this it is a stored, outdated password asked again"),
    },
    weight=62.0,
)
def refused_logins(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client, server and protocol."""
    groups: dict[Where, list[Login]] = defaultdict(list)
    for login in _logins.every(tables):
        if not login.protocol.startswith("HTTP"):
            groups[where(login)].append(login)
    for login in _silent(tables, {login.stream for logins in groups.values() for login in logins}):
        groups[where(login)].append(login)
    drafts = []
    for at, logins in groups.items():
        refused = [login for login in logins if login.outcome == REFUSED]
        refused.sort(key=lambda login: login.time)
        times, window = [login.time for login in refused], context.limit("window")
        users = [(login.time, login.user) for login in refused]
        if dense(times, int(context.limit("refused")), window) or many_within(
            users, int(context.limit("users")), window
        ):
            drafts.append(_draft(tables, context, at, sorted(logins, key=lambda x: x.time), refused))
    drafts.sort(key=lambda draft: (draft.priority != "high", -len(draft.frames)))
    yield from drafts[:MOST_FINDINGS]


def _draft(tables: Tables, context: Context, at: Where, logins: list[Login], refused: list[Login]) -> Draft:
    users = Counter(login.user for login in refused)
    secrets = {login.secret_digest for login in refused if login.secret_digest}
    readable = bool(secrets)
    stored = readable and len(secrets) < context.limit("passwords") and len(users) < context.limit("users")
    accepted = [login for login in logins if login.outcome == ACCEPTED and login.time >= refused[0].time]
    first, last = refused[0].time, refused[-1].time
    priority: Priority = "medium" if stored else "high"
    confidence: Confidence = "medium" if stored or not readable else "high"
    codes = Counter(cut(login.answer, 40) for login in refused if login.answer).most_common(1)
    said = f' (answer "{codes[0][0]}")' if codes else ""
    pace = f" in {duration(last - first)}" if last > first else ""
    passwords = f", {len(secrets)} different passwords" if readable else ""
    end = "No login was accepted."
    if accepted:
        win = accepted[-1]
        end = (
            f"Afterwards the login as {cut(win.user, 60)} with a password of {masked(win.secret_length or 0)} was "
            "accepted"
            f" {minutes(win.time, win.time)}."
        )
    unread = not any(login.frames for login in logins)
    passed = _not_refused(tables, at, refused) if unread and not accepted else []
    if passed:
        end = (
            f"{count(len(passed), 'later session')} of the client to that port {'was' if len(passed) == 1 else 'were'} "
            f"not refused, the first {minutes(passed[0], passed[0])}, as after a login that worked."
        )
    elif unread and not accepted:
        end = "Every later session that said something was refused too."
    target = f"{called(context, at.server)} port {at.port}"
    what = "The same password was refused again and again" if stored else "Password guessing"
    summary = (
        f"{what}: {at.client} made {count(len(refused), 'failed login')} over {at.protocol} at {target}{pace}, "
        f"{minutes(first, last)}{_as(users, 6)}{passwords}{said}. {end}"
    )
    after = (
        ", and one was accepted at the end" if accepted else ", and a later session was not refused" if passed else ""
    )
    sentence = (
        f"{at.client} began {count(len(refused), 'failed login')} over {at.protocol} at {target}"
        f"{_as(users, 3, '')}{after}"
    )
    wrong = sorted({login.answer_frame for login in refused if login.answer_frame})
    filter_, frames = _answers(tables, at, logins, wrong)
    rows = [
        [
            login.time,
            login.answer_frame,
            login.protocol,
            cut(login.user, 60),
            masked(login.secret_length) if login.secret_length is not None else "",
            login.outcome,
            cut(login.answer, 60),
        ]
        for login in [*accepted, *refused]
    ]
    return Draft(
        subject=f"{at.client} to {at.server}:{at.port} {at.protocol}",
        hosts=(at.client, at.server),
        summary=summary,
        sentence=sentence,
        priority=priority,
        confidence=confidence,
        display_filter=filter_,
        frames=frames,
        evidence=evidence(
            (
                ("time", "time"),
                ("answer frame", "frame"),
                ("protocol", "text"),
                ("user", "text"),
                ("password", "text"),
                ("outcome", "text"),
                ("answer", "text"),
            ),
            rows,
        ),
        title=f"{at.protocol} logins of one client were refused again and again"
        + (", then one was accepted" if accepted else ""),
        lowered_because="it was the same password each time, as an outdated stored one would be" if stored else "",
        weight=5.0 if accepted or passed else 0.0,
        time=first,
    )


def _as(users: Counter[str], most: int, comma: str = ",") -> str:
    """`, as anna and root`; empty where the protocol has no user names (Redis, VNC)."""
    return f"{comma} as {names((u or '(no name)' for u in users), most)}" if any(users) else ""


def _not_refused(tables: Tables, at: Where, refused: list[Login]) -> list[float]:
    """Starts of later sessions of the same client and port in which both sides spoke and no refusal came."""
    return (
        tables.tcp_sessions.filter(
            (pl.col("client") == at.client)
            & (pl.col("server") == at.server)
            & (pl.col("server_port") == at.port)
            & pl.col("established")
            & (pl.col("client_payload") > 0)
            & (pl.col("server_payload") > 0)
            & (pl.col("start") > refused[0].time)
            & ~pl.col("stream").is_in([login.stream for login in refused if login.stream is not None])
        )["start"]
        .sort()
        .to_list()
    )


def _answers(tables: Tables, at: Where, logins: list[Login], wrong: list[int]) -> tuple[str, list[int]]:
    """The refusals: by the protocol's own code where it has one."""
    back = (pl.col("src") == at.server) & (pl.col("dst") == at.client) & (pl.col("src_port") == at.port)
    ends = answers_of(at.client, at.server, at.port)
    if at.protocol == "FTP":
        codes = tables.ftp.filter(pl.col("frame").is_in(wrong))["code"].drop_nulls().unique().sort().to_list()
        frames = tables.ftp.filter(back & pl.col("code").is_in(codes))["frame"].to_list()
        if codes and set(frames) >= set(wrong):
            return filters.all_of(ends, filters.one_of("ftp.response.code", codes)), ordered(frames)
    if at.protocol == "SMTP":
        codes = tables.mail.filter(pl.col("frame").is_in(wrong))["smtp_code"].drop_nulls().unique().sort().to_list()
        frames = tables.mail.filter(back & pl.col("smtp_code").is_in(codes))["frame"].to_list()
        if codes and set(frames) >= set(wrong):
            return filters.all_of(ends, filters.one_of("smtp.response.code", codes)), ordered(frames)
    if at.protocol == "POP3":
        said = tables.mail.filter(pl.col("frame").is_in(wrong))["pop_status"].drop_nulls().unique().sort().to_list()
        frames = tables.mail.filter(back & pl.col("pop_status").is_in(said))["frame"].to_list()
        if said and set(frames) >= set(wrong):
            return filters.all_of(ends, filters.one_of("pop.response.indicator", said)), ordered(frames)
    if at.protocol == "IMAP":
        said = tables.mail.filter(pl.col("frame").is_in(wrong))["imap_status"].drop_nulls().unique().sort().to_list()
        frames = tables.mail.filter(back & pl.col("imap_status").is_in(said))["frame"].to_list()
        if said and set(frames) >= set(wrong):
            return filters.all_of(ends, filters.one_of("imap.response.status", said)), ordered(frames)
    if any(login.frames for login in logins) and at.protocol in ("Telnet",):
        return selection(tables, at, [login for login in logins if login.frames][:20])
    frames = wrong[:60]
    return filters.frames(frames), frames


def _silent(tables: Tables, known: set[int | None]) -> Iterator[Login]:
    """Refusals in the first packets of streams whose logins cannot be read: databases, VNC."""
    first = tables.openings.filter(
        (pl.col("transport") == "tcp")
        & ~pl.col("stream").is_in([s for s in known if s is not None])
        & ~pl.col("protocol").str.contains("^(?:HTTP|TLS|SSL|SSH|FTP|SMTP|POP|IMAP|SMB)")
    )
    plain = first.filter(
        pl.col("data").bin.contains(b"ailed")
        | pl.col("data").bin.contains(b"enied")
        | pl.col("data").bin.contains(b"WRONGPASS")
        | pl.col("data").bin.contains(b"nvalid")
        | pl.col("data").bin.contains(b"ncorrect")
        | pl.col("data").bin.contains(b"f\x00a\x00i\x00l\x00e\x00d")
    )
    for row in plain.iter_rows(named=True):
        data = bytes(row["data"])
        for text in (data, data.replace(b"\0", b"")):
            hit = next(((name, m) for name, p in REFUSALS if (m := p.search(text))), None)
            if hit is None:
                continue
            name, match = hit
            login = Login(
                name,
                str(row["dst"]),
                str(row["src"]),
                int(row["src_port"] or 0),
                int(row["stream"]),
                float(row["time"]),
            )
            login.user = match.group(1).decode("utf-8", "replace")
            login.outcome, login.answer_frame = REFUSED, int(row["frame"])
            login.answer = match.group(0).decode("utf-8", "replace")
            yield login
            break
