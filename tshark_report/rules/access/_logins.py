"""Reads logins out of the lines of each protocol: who logged in where, and whether the server took it.

Secrets are kept only as their length and a digest (see `_login.Login`).
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.rules.access._http_logins import http
from tshark_report.rules.access._login import ACCEPTED, REFUSED, UNKNOWN, Login
from tshark_report.rules.access._login_rows import by_stream, frame_of, started
from tshark_report.rules.access._mail_logins import imap, pop, smtp
from tshark_report.rules.access._telnet_logins import telnet
from tshark_report.tables.tables import Tables

ANONYMOUS = frozenset({"anonymous", "ftp"})
"""User names with which FTP servers let everybody in (RFC 1635)."""


def every(tables: Tables) -> list[Login]:
    """All logins that can be read, in order of time."""
    found = [
        *_ftp(tables),
        *pop(tables),
        *imap(tables),
        *smtp(tables),
        *telnet(tables),
        *http(tables),
        *_ldap(tables),
        *_other(tables),
        *_odd_port_ftp(tables),
    ]
    return sorted(found, key=lambda login: (login.time, login.frames[:1]))


def every_http(tables: Tables) -> list[Login]:
    """Logins over HTTP only, in order of time."""
    return sorted(http(tables), key=lambda login: login.time)


def _ftp(tables: Tables) -> Iterator[Login]:
    wanted = pl.col("command").str.to_uppercase().is_in(["USER", "PASS"]) | pl.col("code").is_in(
        [230, 331, 332, 421, 430, 501, 530]
    )
    for rows in by_stream(tables.ftp.filter(wanted)):
        user, user_frame, open_login = "", 0, None
        for row in rows:
            command = str(row["command"] or "").upper()
            if command == "USER":
                user, user_frame = str(row["argument"] or ""), frame_of(row)
            elif command == "PASS":
                open_login = started(row, "FTP")
                open_login.user = user
                open_login.keep_secret(str(row["argument"] or ""))
                open_login.frames = [f for f in (user_frame, frame_of(row)) if f]
                yield open_login
            elif row["code"] in (230, 430, 530, 501, 421) and open_login is not None:
                open_login.outcome = ACCEPTED if row["code"] == 230 else REFUSED
                open_login.answer = f"{row['code']} {row['text'] or ''}".strip()
                open_login.answer_frame = frame_of(row)
                open_login = None


def _odd_port_ftp(tables: Tables) -> Iterator[Login]:
    """FTP on a port where tshark does not look for it: `USER` and `PASS` lines in the first packets of a stream."""
    known = set(tables.ftp["stream"].to_list())
    known |= set(tables.mail["stream"].to_list())
    first = tables.openings.filter(
        (pl.col("transport") == "tcp")
        & ~pl.col("protocol").is_in(["FTP", "POP", "SMTP", "IMAP", "HTTP", "IRC"])
        & (pl.col("payload") < 600)
    )
    # `USER ` in either case, as hexadecimal: payload need not be text.
    begins = pl.col("data").bin.slice(0, 5).bin.encode("hex")
    asking = first.filter(begins.str.contains("^[57]5[57]3[46]5[57]220$"))["stream"].unique()
    first = first.filter(pl.col("stream").is_in(asking.implode())).sort("frame")
    text = first["data"].to_list()
    logs: dict[int, Login] = {}
    users: dict[int, tuple[str, int]] = {}
    for row, data in zip(first.drop("data").iter_rows(named=True), text, strict=True):
        stream = int(row["stream"])
        if stream in known:
            continue
        line = data[:200]
        if line[:5].upper() == b"USER ":
            users[stream] = (line[5:].decode("utf-8", "replace").strip(), frame_of(row))
        elif line[:5].upper() == b"PASS " and stream in users:
            login = started(row, "FTP")
            login.user = users[stream][0]
            login.keep_secret(line[5:].decode("utf-8", "replace").strip("\r\n"))
            login.frames = [users[stream][1], frame_of(row)]
            login.note = "on a port where FTP is not expected"
            logs[stream] = login
        elif (
            stream in logs and logs[stream].outcome == UNKNOWN and line[:3] in (b"230", b"530", b"430", b"+OK", b"-ER")
        ):
            logs[stream].outcome = ACCEPTED if line[:3] in (b"230", b"+OK") else REFUSED
            logs[stream].answer = line.decode("utf-8", "replace").strip()
            logs[stream].answer_frame = frame_of(row)
    yield from logs.values()


def _ldap(tables: Tables) -> Iterator[Login]:
    for row in tables.kerberos.filter(pl.col("ldap_simple").list.len() > 0).iter_rows(named=True):
        secret = ",".join(v or "" for v in row["ldap_simple"])
        if not secret:
            continue
        login = started(row, "LDAP")
        login.user = str(row["ldap_name"] or "")
        login.keep_secret(secret)
        login.frames = [frame_of(row)]
        yield login


def _other(tables: Tables) -> Iterator[Login]:
    rows = tables.misc.filter(pl.col("login_user").is_not_null() | pl.col("login_secret").is_not_null())
    known = {"MQTT": "MQTT", "PPP PAP": "PAP", "PAP": "PAP", "PGSQL": "PostgreSQL"}
    for row in rows.iter_rows(named=True):
        login = started(row, known.get(str(row["protocol"]), str(row["protocol"])))
        login.user = str(row["login_user"] or "")
        if row["login_secret"]:
            login.keep_secret(str(row["login_secret"]))
        elif login.protocol == "MQTT":
            continue
        login.frames = [frame_of(row)]
        yield login
