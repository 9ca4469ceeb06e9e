"""Logins over Telnet: a prompt, what was typed after it, and what the server said then."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tshark_report.rules.access._login import ACCEPTED, REFUSED, Login
from tshark_report.rules.access._login_rows import by_stream, frame_of, started
from tshark_report.tables.tables import Tables

TELNET_USER = re.compile(r"(?i)(?:login|user ?name|user|account|benutzer)\s*:\s*$")

TELNET_SECRET = re.compile(r"(?i)(?:passw(?:or)?d|passwort|passcode|pin|kennwort)[^:\n]{0,24}:\s*$")

TELNET_REFUSED = re.compile(
    r"(?i)incorrect|fail(?:ed|ure)|denied|invalid|bad password|not accepted|wrong password|try again"
)

TELNET_ACCEPTED = re.compile(r"(?i)last login|welcome|successful|(?:[$#>%]|\$ )\s*$")


def telnet_text(values: list[str] | None) -> str:
    """Telnet data as it was typed: tshark escapes control characters, and splits the value at commas."""
    joined = ""
    for value in values or []:
        # Several values of a packet are lines; anything else was one line with a comma in it.
        joined += value if not joined or joined.endswith(("\\n", "\\r")) else "," + value
    return (
        joined.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t").replace("\\b", "\b").replace("\\000", "")
    )


def telnet(tables: Tables) -> Iterator[Login]:
    """What was typed after prompts for a name and a password."""
    for rows in by_stream(tables.telnet):
        server = _telnet_server(rows)
        said, typed, mode = "", "", ""
        login: Login | None = None
        pending: Login | None = None
        for row in rows:
            text = telnet_text(row["data"])  # type: ignore[arg-type]
            if row["src"] == server[0] and row["src_port"] == server[1]:
                said = (said + text)[-400:]
                tail = said.rstrip("\r\n")
                if pending is not None:
                    if TELNET_REFUSED.search(text):
                        pending.outcome, pending.answer, pending.answer_frame = REFUSED, _words(text), frame_of(row)
                        pending = None
                    elif TELNET_ACCEPTED.search(text):
                        pending.outcome, pending.answer, pending.answer_frame = ACCEPTED, _words(text), frame_of(row)
                        pending = None
                if TELNET_SECRET.search(tail[-60:]):
                    mode = "secret"
                elif TELNET_USER.search(tail[-40:]) and not re.search(r"(?i)last login:?\s*$", tail[-40:]):
                    if pending is not None:
                        pending.outcome, pending.answer_frame = REFUSED, frame_of(row)
                        pending = None
                    mode = "user"
                continue
            if not mode:
                continue
            if login is None:
                login = started(row, "Telnet")
            login.frames.append(frame_of(row))
            for character in text:
                if character in "\b\x7f":
                    typed = typed[:-1]
                elif character not in "\r\n":
                    typed += character
            if "\r" in text or "\n" in text:
                said = ""
                if mode == "user":
                    login.user, typed, mode = typed, "", ""
                else:
                    login.keep_secret(typed)
                    yield login
                    pending, login, typed, mode = login, None, "", ""


def _telnet_server(rows: list[dict[str, object]]) -> tuple[object, object]:
    for row in rows:
        for side, port in (("src", "src_port"), ("dst", "dst_port")):
            if row[port] in (23, 2323, 992):
                return row[side], row[port]
    first = rows[0]
    low = int(str(first["src_port"] or 0)) < int(str(first["dst_port"] or 0))
    return (first["src"], first["src_port"]) if low else (first["dst"], first["dst_port"])


def _words(text: str) -> str:
    return " ".join(text.split())[:60]
