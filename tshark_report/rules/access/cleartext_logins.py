"""LOG001: names and passwords that anybody on the path could read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.access import _logins
from tshark_report.rules.access._common import MOST_FINDINGS, called, cut, masked, minutes, names, ordered
from tshark_report.rules.access._login import ACCEPTED, REFUSED, Login, Where, selection, where
from tshark_report.rules.base import Context, Draft, Threshold, evidence, foremost, rule
from tshark_report.story.words import count, listed
from tshark_report.tables.tables import Tables

LISTED = 7
"""Logins that the summary spells out."""


@rule(
    code="LOG001",
    name="cleartext-logins",
    family="access",
    title="A login crossed the wire in clear text",
    question="Did a user name and password cross the wire where anybody on the path could read them?",
    answers=("Q12",),
    why="Whoever can see the packets has the account: on the path, in a Wi-Fi cell, or in a stored capture like "
    "this one.",
    innocent=(
        Innocent(
            explanation="A test account, a lab, or a device that speaks nothing better, on a network kept for it.",
            tell_apart="The owner knows the account, it opens nothing else, and the traffic never leaves that network.",
        ),
        Innocent(
            explanation="A web form that hashes the password in the browser before it is sent.",
            tell_apart="The value is 32, 40 or 64 hexadecimal characters; it can still be replayed.",
        ),
    ),
    confirm=(
        "Does the account still exist, and where else does its password work? Change it.",
        "Did the same account log in from other addresses after this moment?",
        "Does the server offer the encrypted variant (FTPS, IMAPS, STARTTLS, HTTPS, SSH), and can clear text be "
        "switched off?",
    ),
    references=(
        Reference(title="ATT&CK T1040 Network Sniffing", url="https://attack.mitre.org/techniques/T1040/"),
        Reference(
            title="RFC 8314: cleartext considered obsolete for mail", url="https://www.rfc-editor.org/rfc/rfc8314"
        ),
    ),
    needs=("ftp", "mail", "telnet", "http", "kerberos", "misc", "openings"),
    thresholds={
        "clients_of_one_server": Threshold(
            4, "clients", "from here on the server is the subject: one service, many people"
        ),
    },
    weight=40.0,
)
def cleartext_logins(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each client, or for each service that many clients logged in to."""
    logins = [login for login in _logins.every(tables) if _counts(login)]
    by_where: dict[Where, list[Login]] = defaultdict(list)
    for login in logins:
        by_where[where(login)].append(login)
    clients: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for at in by_where:
        clients[at.protocol, at.server, at.port].add(at.client)
    groups: dict[tuple[str, ...], list[Where]] = defaultdict(list)
    for at in by_where:
        shared = len(clients[at.protocol, at.server, at.port]) >= context.limit("clients_of_one_server")
        groups[(at.protocol, at.server, str(at.port)) if shared else (at.client,)].append(at)

    def rank(places: list[Where]) -> tuple[bool, int]:
        """What the drafts are sorted by, as far as it can be told without them."""
        told = [login for at in places for login in by_where[at]]
        return all(login.outcome == REFUSED for login in told), -len(told)

    drafts = [
        _draft(tables, context, key, places, by_where)
        for key, places in foremost(list(groups.items()), lambda group: rank(group[1]), MOST_FINDINGS)
    ]
    drafts.sort(key=lambda draft: (draft.priority != "medium", -draft.evidence.total_rows, draft.frames[:1]))
    yield from drafts[:MOST_FINDINGS]


def _counts(login: Login) -> bool:
    """Whether this is a person's or program's secret: anonymous FTP is meant to be read by everybody."""
    if login.protocol == "FTP" and login.user.lower() in _logins.ANONYMOUS:
        return False
    if login.protocol == "HTTP address" and not login.answer.startswith(("2", "3")):
        return False  # a guess at a page that is not there is nobody's login
    return login.secret_length is not None or login.protocol in ("SMTP", "IMAP")


def _draft(
    tables: Tables, context: Context, key: tuple[str, ...], places: list[Where], by_where: dict[Where, list[Login]]
) -> Draft:
    logins = sorted((login for at in places for login in by_where[at]), key=lambda login: login.time)
    parts, frames = [], []
    for at in places[:12]:
        filter_, selected = selection(tables, at, by_where[at])
        parts.append(filter_)
        frames += selected
    protocols = list(dict.fromkeys(at.protocol for at in places))
    accepted = sum(login.outcome == ACCEPTED for login in logins)
    refused = sum(login.outcome == REFUSED for login in logins)
    only_refused = refused == len(logins)
    priority: Priority = "low" if only_refused else "medium"
    client = key[0] if len(key) == 1 else ""
    servers = list(dict.fromkeys(at.server for at in places))
    people = list(dict.fromkeys(at.client for at in places))
    wireless = _over_wifi(tables, frames[0]) if frames else False
    way = " inside 802.11 (Wi-Fi) frames" if wireless else ""
    told = listed(_told(logins, context, named_client=not client), LISTED)
    head = (
        f"{client} sent" if client else f"{count(len(people), 'client')} sent {called(context, key[1])} port {key[2]}"
    )
    outcome = _outcome(accepted, refused, len(logins))
    summary = (
        f"{head} {count(len(logins), 'login')} in clear text{way}, {minutes(logins[0].time, logins[-1].time)}: {told}. "
        f"{outcome} Anybody on the path can read user name and password."
    )
    first = logins[0]
    sentence = (
        f"{first.client} sent {called(context, first.server)} a user name{_as(first.user)} and a password in clear "
        "text "
        f"({first.protocol}{', 802.11' if wireless else ''})"
    )
    rows = [
        [
            login.time,
            login.frames[0] if login.frames else None,
            login.protocol,
            login.client,
            login.server,
            login.port,
            cut(login.user, 80),
            masked(login.secret_length) if login.secret_length is not None else "",
            login.outcome,
            cut(login.answer, 60),
            cut(login.note, 100),
        ]
        for login in sorted(logins, key=lambda x: (x.outcome == REFUSED, x.time))
    ]
    return Draft(
        subject=client or f"{key[0]} {key[1]}:{key[2]}",
        hosts=tuple(dict.fromkeys([client, *servers] if client else [key[1], *people[:6]]))[:8],
        summary=summary,
        sentence=sentence,
        priority=priority,
        confidence="high",
        display_filter=filters.any_of(*parts),
        frames=ordered(frames),
        evidence=evidence(
            (
                ("time", "time"),
                ("frame", "frame"),
                ("protocol", "text"),
                ("client", "address"),
                ("server", "address"),
                ("port", "port"),
                ("user", "text"),
                ("password", "text"),
                ("outcome", "text"),
                ("answer", "text"),
                ("note", "text"),
            ),
            rows,
        ),
        title=f"{listed(protocols, 4)} login{'s' if len(logins) > 1 else ''} crossed the wire in clear text",
        lowered_because="every login was refused, so no working password was seen" if only_refused else "",
        time=first.time,
    )


def _as(user: str) -> str:
    return f" {cut(user, 60)!r}" if user else ""


def _told(logins: list[Login], context: Context, *, named_client: bool) -> list[str]:
    told: dict[tuple[str, str, int, str, str], list[Login]] = defaultdict(list)
    for login in logins:
        who = login.client if named_client else ""
        told[login.protocol, login.server, login.port, login.user, who].append(login)
    made = []
    for (protocol, server, port, user, who), same in told.items():
        secrets = sorted({login.secret_length for login in same if login.secret_length is not None})
        shown = f" (password {names([masked(s) for s in secrets], 3)})" if secrets else ""
        user_ = f" as {cut(user, 60)}" if user else ""
        times = f", {len(same)} times" if len(same) > 1 else ""
        place = f" from {who}" if named_client else f" to {called(context, server)} port {port}"
        made.append(f"{protocol}{place}{user_}{shown}{times}")
    return made


def _outcome(accepted: int, refused: int, total: int) -> str:
    if accepted:
        also = f", {refused} refused" if refused else ""
        return f"The server accepted {accepted} of {total}{also}."
    if refused:
        return f"The server refused {'all of them' if refused == total else f'{refused} of {total}'}."
    return "Whether the server took it cannot be seen."


def _over_wifi(tables: Tables, frame: int) -> bool:
    wireless: bool | None = tables.kept.get("802.11 frames")
    if wireless is None:
        every = tables.packets.select(pl.col("protocols").str.contains("wlan", literal=True).any())
        wireless = tables.kept["802.11 frames"] = bool(every.item())
    if not wireless:
        return False
    shown = tables.packets.filter(pl.col("frame") == frame)["protocols"].to_list()
    return bool(shown) and "wlan" in str(shown[0]).split(":")
