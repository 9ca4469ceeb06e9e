"""Logins over POP3, IMAP and SMTP, with the answer of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from tshark_report.rules.access._common import base64_text
from tshark_report.rules.access._login import ACCEPTED, REFUSED, Login
from tshark_report.rules.access._login_rows import by_stream, frame_of, started
from tshark_report.tables.tables import Tables


def pop(tables: Tables) -> Iterator[Login]:
    """USER and PASS, or AUTH with SASL PLAIN (RFC 1939, RFC 5034)."""
    mail = tables.mail.filter(pl.col("pop_command").is_not_null() | pl.col("pop_status").is_not_null())
    for rows in by_stream(mail):
        user, user_frame = "", 0
        waiting: Login | None = None
        auth = 0
        for row in rows:
            command = str(row["pop_command"] or "")
            upper, given = command.upper(), str(row["pop_parameter"] or "")
            if not command:
                status = str(row["pop_status"] or "")
                if waiting is not None and status[:1] in ("+", "-") and status.strip() != "+":
                    waiting.outcome = ACCEPTED if status.startswith("+") else REFUSED
                    waiting.answer, waiting.answer_frame, waiting = status, frame_of(row), None
                continue
            if upper == "USER":
                user, user_frame = given, frame_of(row)
            elif upper == "PASS":
                waiting = started(row, "POP3")
                waiting.user = user
                waiting.keep_secret(given)
                waiting.frames = [f for f in (user_frame, frame_of(row)) if f]
                yield waiting
            elif upper == "AUTH":
                words = given.split()
                auth = frame_of(row) if words and words[0].upper() in ("PLAIN", "LOGIN") else 0
                if auth and len(words) > 1:
                    waiting = _plain(row, "POP3", words[1], [frame_of(row)])
                    if waiting:
                        yield waiting
            elif auth:
                waiting, auth = _plain(row, "POP3", command, [auth, frame_of(row)]), 0
                if waiting:
                    yield waiting


def _plain(row: dict[str, object], protocol: str, value: str, frames: list[int]) -> Login | None:
    """SASL PLAIN (RFC 4616): authorisation identity, user and password, with NUL between them, in base64."""
    parts = (base64_text(value) or "").split("\0")
    if len(parts) != 3:
        return None
    login = started(row, protocol)
    login.user = parts[1] or parts[0]
    login.keep_secret(parts[2])
    login.frames = frames
    return login


def imap(tables: Tables) -> Iterator[Login]:
    """LOGIN, or AUTHENTICATE with SASL PLAIN (RFC 3501)."""
    mail = tables.mail.filter(
        pl.col("imap_command").is_not_null() | pl.col("imap_status").is_not_null() | pl.col("imap_line").is_not_null()
    )
    for rows in by_stream(mail):
        waiting: Login | None = None
        auth = 0
        for row in rows:
            command, line = str(row["imap_command"] or "").upper(), str(row["imap_line"] or "")
            if row["imap_status"] and not line and waiting is not None and row["src"] == waiting.server:
                status = str(row["imap_status"]).upper()
                waiting.outcome = ACCEPTED if status == "OK" else REFUSED
                waiting.answer, waiting.answer_frame, waiting = status, frame_of(row), None
            elif command == "LOGIN":
                words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line)
                values = [a or b for a, b in words]
                at = next((i for i, v in enumerate(values) if v.upper() == "LOGIN"), -1)
                waiting = started(row, "IMAP")
                waiting.user = str(row["imap_user"] or (values[at + 1] if 0 <= at < len(values) - 1 else "")).strip('"')
                if 0 <= at < len(values) - 2:
                    waiting.keep_secret(values[at + 2])
                waiting.frames = [frame_of(row)]
                yield waiting
            elif command == "AUTHENTICATE":
                words_ = line.split()
                auth = frame_of(row) if "PLAIN" in [w.upper() for w in words_] else 0
                if auth and base64_text(words_[-1]) and words_[-1].upper() != "PLAIN":
                    waiting = _plain(row, "IMAP", words_[-1], [frame_of(row)])
                    if waiting:
                        yield waiting
            elif auth and line:
                waiting, auth = _plain(row, "IMAP", line, [auth, frame_of(row)]), 0
                if waiting:
                    yield waiting


def smtp(tables: Tables) -> Iterator[Login]:
    """AUTH PLAIN and AUTH LOGIN (RFC 4954)."""
    mail = tables.mail.filter(
        (pl.col("smtp_command").str.to_uppercase() == "AUTH")
        | pl.col("smtp_user").is_not_null()
        | pl.col("smtp_user_password").is_not_null()
        | pl.col("smtp_password").is_not_null()
        | pl.col("smtp_code").is_in([235, 535, 534, 454, 501, 530])
    )
    for rows in by_stream(mail):
        waiting: Login | None = None
        for row in rows:
            if row["smtp_user_password"]:
                waiting = _plain(row, "SMTP", str(row["smtp_user_password"]), [frame_of(row)])
                if waiting is None and "\0" in str(row["smtp_user_password"]):
                    waiting = started(row, "SMTP")
                    waiting.user = str(row["smtp_user_password"]).split("\0")[-2]
                    waiting.frames = [frame_of(row)]
                if waiting:
                    yield waiting
            elif row["smtp_user"]:
                waiting = started(row, "SMTP")
                waiting.user = base64_text(str(row["smtp_user"])) or str(row["smtp_user"])
                waiting.frames = [frame_of(row)]
                yield waiting
            elif row["smtp_password"] and waiting is not None:
                waiting.keep_secret(base64_text(str(row["smtp_password"])) or str(row["smtp_password"]))
                waiting.frames.append(frame_of(row))
            elif row["smtp_code"] in (235, 535, 534, 454, 501, 530) and waiting is not None:
                waiting.outcome = ACCEPTED if row["smtp_code"] == 235 else REFUSED
                waiting.answer, waiting.answer_frame, waiting = str(row["smtp_code"]), frame_of(row), None
