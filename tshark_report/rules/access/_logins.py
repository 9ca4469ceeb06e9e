"""Reads logins out of the lines of each protocol: who logged in where, and whether the server took it.

Secrets leave this module only as their length and a digest (see `_login.Login`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import polars as pl

from tshark_report.rules.access._common import base64_text
from tshark_report.rules.access._login import ACCEPTED, REFUSED, SECRET_KEY, UNKNOWN, Login
from tshark_report.tables.tables import Tables

USER_KEY = re.compile(
    r"(?i)^(?:.*[_\-.\[])?(?:user(?:_?name|_?id)?|u_?name|login(?:_?name|_?id)?|log|e-?mail|account|usr|uid"
    r"|nick(?:name)?|benutzer(?:name)?|usuario|utilisateur)\]?$"
)
"""Names of form fields that hold a user name."""

LOGIN_QUERY = r"(?i)[?&;](?:[a-z]*_?)?(?:pass(?:w(?:or)?d|wort|phrase)?|pwd|psw|senha|mdp)="

JSON_PAIR = re.compile(r'"([^"\\]{1,60})"\s*:\s*"((?:[^"\\]|\\.){1,200})"')
"""A name and a text of a JSON object, however deep it stands."""

BRIEF_SECRET = re.compile(r"(?i)^(?:pass|pass_?\d|passcode|.*[_\-.]pass)$")
"""Names that also count what passed; with a user name beside them they are a password."""

ANONYMOUS = frozenset({"anonymous", "ftp"})
"""User names with which FTP servers let everybody in (RFC 1635)."""

TELNET_USER = re.compile(r"(?i)(?:login|user ?name|user|account|benutzer)\s*:\s*$")
TELNET_SECRET = re.compile(r"(?i)(?:passw(?:or)?d|passwort|passcode|pin|kennwort)[^:\n]{0,24}:\s*$")
TELNET_REFUSED = re.compile(
    r"(?i)incorrect|fail(?:ed|ure)|denied|invalid|bad password|not accepted|wrong password|try again"
)
TELNET_ACCEPTED = re.compile(r"(?i)last login|welcome|successful|(?:[$#>%]|\$ )\s*$")


def every(tables: Tables) -> list[Login]:
    """All logins that can be read, in order of time."""
    found = [
        *_ftp(tables),
        *_pop(tables),
        *_imap(tables),
        *_smtp(tables),
        *_telnet(tables),
        *_http(tables),
        *_ldap(tables),
        *_other(tables),
        *_odd_port_ftp(tables),
    ]
    return sorted(found, key=lambda login: (login.time, login.frames[:1]))


def every_http(tables: Tables) -> list[Login]:
    """Logins over HTTP only, in order of time."""
    return sorted(_http(tables), key=lambda login: login.time)


def _start(row: dict[str, object], protocol: str) -> Login:
    return Login(
        protocol,
        str(row["src"] or ""),
        str(row["dst"] or ""),
        int(str(row["dst_port"] or 0)),
        None if row["stream"] is None else int(str(row["stream"])),
        float(str(row["time"])),
        transport=str(row["transport"] or "tcp"),
    )


def _frame(row: dict[str, object]) -> int:
    return int(str(row["frame"]))


def _by_stream(table: pl.DataFrame) -> Iterator[list[dict[str, object]]]:
    """The rows of each stream, in frame order."""
    streams: dict[object, list[dict[str, object]]] = {}
    for row in table.iter_rows(named=True):
        streams.setdefault(row["stream"], []).append(row)
    yield from streams.values()


def _ftp(tables: Tables) -> Iterator[Login]:
    wanted = pl.col("command").str.to_uppercase().is_in(["USER", "PASS"]) | pl.col("code").is_in(
        [230, 331, 332, 421, 430, 501, 530]
    )
    for rows in _by_stream(tables.ftp.filter(wanted)):
        user, user_frame, open_login = "", 0, None
        for row in rows:
            command = str(row["command"] or "").upper()
            if command == "USER":
                user, user_frame = str(row["argument"] or ""), _frame(row)
            elif command == "PASS":
                open_login = _start(row, "FTP")
                open_login.user = user
                open_login.keep_secret(str(row["argument"] or ""))
                open_login.frames = [f for f in (user_frame, _frame(row)) if f]
                yield open_login
            elif row["code"] in (230, 430, 530, 501, 421) and open_login is not None:
                open_login.outcome = ACCEPTED if row["code"] == 230 else REFUSED
                open_login.answer = f"{row['code']} {row['text'] or ''}".strip()
                open_login.answer_frame = _frame(row)
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
            users[stream] = (line[5:].decode("utf-8", "replace").strip(), _frame(row))
        elif line[:5].upper() == b"PASS " and stream in users:
            login = _start(row, "FTP")
            login.user = users[stream][0]
            login.keep_secret(line[5:].decode("utf-8", "replace").strip("\r\n"))
            login.frames = [users[stream][1], _frame(row)]
            login.note = "on a port where FTP is not expected"
            logs[stream] = login
        elif (
            stream in logs and logs[stream].outcome == UNKNOWN and line[:3] in (b"230", b"530", b"430", b"+OK", b"-ER")
        ):
            logs[stream].outcome = ACCEPTED if line[:3] in (b"230", b"+OK") else REFUSED
            logs[stream].answer = line.decode("utf-8", "replace").strip()
            logs[stream].answer_frame = _frame(row)
    yield from logs.values()


def _pop(tables: Tables) -> Iterator[Login]:
    mail = tables.mail.filter(pl.col("pop_command").is_not_null() | pl.col("pop_status").is_not_null())
    for rows in _by_stream(mail):
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
                    waiting.answer, waiting.answer_frame, waiting = status, _frame(row), None
                continue
            if upper == "USER":
                user, user_frame = given, _frame(row)
            elif upper == "PASS":
                waiting = _start(row, "POP3")
                waiting.user = user
                waiting.keep_secret(given)
                waiting.frames = [f for f in (user_frame, _frame(row)) if f]
                yield waiting
            elif upper == "AUTH":
                words = given.split()
                auth = _frame(row) if words and words[0].upper() in ("PLAIN", "LOGIN") else 0
                if auth and len(words) > 1:
                    waiting = _plain(row, "POP3", words[1], [_frame(row)])
                    if waiting:
                        yield waiting
            elif auth:
                waiting, auth = _plain(row, "POP3", command, [auth, _frame(row)]), 0
                if waiting:
                    yield waiting


def _plain(row: dict[str, object], protocol: str, value: str, frames: list[int]) -> Login | None:
    """SASL PLAIN (RFC 4616): authorisation identity, user and password, with NUL between them, in base64."""
    parts = (base64_text(value) or "").split("\0")
    if len(parts) != 3:
        return None
    login = _start(row, protocol)
    login.user = parts[1] or parts[0]
    login.keep_secret(parts[2])
    login.frames = frames
    return login


def _imap(tables: Tables) -> Iterator[Login]:
    mail = tables.mail.filter(
        pl.col("imap_command").is_not_null() | pl.col("imap_status").is_not_null() | pl.col("imap_line").is_not_null()
    )
    for rows in _by_stream(mail):
        waiting: Login | None = None
        auth = 0
        for row in rows:
            command, line = str(row["imap_command"] or "").upper(), str(row["imap_line"] or "")
            if row["imap_status"] and not line and waiting is not None and row["src"] == waiting.server:
                status = str(row["imap_status"]).upper()
                waiting.outcome = ACCEPTED if status == "OK" else REFUSED
                waiting.answer, waiting.answer_frame, waiting = status, _frame(row), None
            elif command == "LOGIN":
                words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line)
                values = [a or b for a, b in words]
                at = next((i for i, v in enumerate(values) if v.upper() == "LOGIN"), -1)
                waiting = _start(row, "IMAP")
                waiting.user = str(row["imap_user"] or (values[at + 1] if 0 <= at < len(values) - 1 else "")).strip('"')
                if 0 <= at < len(values) - 2:
                    waiting.keep_secret(values[at + 2])
                waiting.frames = [_frame(row)]
                yield waiting
            elif command == "AUTHENTICATE":
                words_ = line.split()
                auth = _frame(row) if "PLAIN" in [w.upper() for w in words_] else 0
                if auth and base64_text(words_[-1]) and words_[-1].upper() != "PLAIN":
                    waiting = _plain(row, "IMAP", words_[-1], [_frame(row)])
                    if waiting:
                        yield waiting
            elif auth and line:
                waiting, auth = _plain(row, "IMAP", line, [auth, _frame(row)]), 0
                if waiting:
                    yield waiting


def _smtp(tables: Tables) -> Iterator[Login]:
    mail = tables.mail.filter(
        (pl.col("smtp_command").str.to_uppercase() == "AUTH")
        | pl.col("smtp_user").is_not_null()
        | pl.col("smtp_user_password").is_not_null()
        | pl.col("smtp_password").is_not_null()
        | pl.col("smtp_code").is_in([235, 535, 534, 454, 501, 530])
    )
    for rows in _by_stream(mail):
        waiting: Login | None = None
        for row in rows:
            if row["smtp_user_password"]:
                waiting = _plain(row, "SMTP", str(row["smtp_user_password"]), [_frame(row)])
                if waiting is None and "\0" in str(row["smtp_user_password"]):
                    waiting = _start(row, "SMTP")
                    waiting.user = str(row["smtp_user_password"]).split("\0")[-2]
                    waiting.frames = [_frame(row)]
                if waiting:
                    yield waiting
            elif row["smtp_user"]:
                waiting = _start(row, "SMTP")
                waiting.user = base64_text(str(row["smtp_user"])) or str(row["smtp_user"])
                waiting.frames = [_frame(row)]
                yield waiting
            elif row["smtp_password"] and waiting is not None:
                waiting.keep_secret(base64_text(str(row["smtp_password"])) or str(row["smtp_password"]))
                waiting.frames.append(_frame(row))
            elif row["smtp_code"] in (235, 535, 534, 454, 501, 530) and waiting is not None:
                waiting.outcome = ACCEPTED if row["smtp_code"] == 235 else REFUSED
                waiting.answer, waiting.answer_frame, waiting = str(row["smtp_code"]), _frame(row), None


def telnet_text(values: list[str] | None) -> str:
    """Telnet data as it was typed: tshark escapes control characters, and splits the value at commas."""
    joined = ""
    for value in values or []:
        # Several values of a packet are lines; anything else was one line with a comma in it.
        joined += value if not joined or joined.endswith(("\\n", "\\r")) else "," + value
    return (
        joined.replace("\\r", "\r").replace("\\n", "\n").replace("\\t", "\t").replace("\\b", "\b").replace("\\000", "")
    )


def _telnet(tables: Tables) -> Iterator[Login]:
    for rows in _by_stream(tables.telnet):
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
                        pending.outcome, pending.answer, pending.answer_frame = REFUSED, _words(text), _frame(row)
                        pending = None
                    elif TELNET_ACCEPTED.search(text):
                        pending.outcome, pending.answer, pending.answer_frame = ACCEPTED, _words(text), _frame(row)
                        pending = None
                if TELNET_SECRET.search(tail[-60:]):
                    mode = "secret"
                elif TELNET_USER.search(tail[-40:]) and not re.search(r"(?i)last login:?\s*$", tail[-40:]):
                    if pending is not None:
                        pending.outcome, pending.answer_frame = REFUSED, _frame(row)
                        pending = None
                    mode = "user"
                continue
            if not mode:
                continue
            if login is None:
                login = _start(row, "Telnet")
            login.frames.append(_frame(row))
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


def _http(tables: Tables) -> Iterator[Login]:
    http = tables.http.filter(pl.col("protocol") != "SSDP")
    answers = {
        r["request_frame"]: r
        for r in http.filter(pl.col("request_frame").is_not_null())
        .select("request_frame", "frame", "status", "location")
        .iter_rows(named=True)
    }
    basic = pl.col("credentials").is_not_null()
    form = pl.col("form_keys").list.len() > 0
    query = pl.col("uri").str.contains(LOGIN_QUERY)
    posted = _json_bodies(tables)
    holding = (basic | form | query).fill_null(value=False) | pl.col("frame").is_in(list(posted))
    for row in http.filter(pl.col("method").is_not_null() & holding).iter_rows(named=True):
        made = _json_login(row, posted[row["frame"]]) if row["frame"] in posted else None
        made = made or _http_login(row)
        if made is None:
            continue
        answer = answers.get(row["frame"])
        if answer is not None and answer["status"]:
            made.answer, made.answer_frame = str(answer["status"]), int(answer["frame"])
            if answer["status"] in (401, 403, 407):
                made.outcome = REFUSED
            elif made.protocol == "HTTP Basic" and answer["status"] < 400:
                made.outcome = ACCEPTED
        yield made


def _json_bodies(tables: Tables) -> dict[int, str]:
    """Request frame -> the first bytes of its body, where that is JSON."""
    sent = tables.files.filter((pl.col("protocol") == "http") & pl.col("frame").is_not_null())
    begins = pl.col("head").bin.slice(0, 8).bin.encode("hex").str.contains("^(?:efbbbf)?(?:20|09|0a|0d)*(?:7b|5b)")
    found = sent.filter(begins).select("frame", "head")
    return {int(frame): bytes(head).decode("utf-8", "replace") for frame, head in found.iter_rows()}


def _json_login(row: dict[str, object], body: str) -> Login | None:
    if row["method"] not in ("POST", "PUT", "PATCH"):
        return None
    pairs = JSON_PAIR.findall(body)
    secrets = [(k, v) for k, v in pairs if SECRET_KEY.match(k)]
    user = next((v for k, v in pairs if USER_KEY.match(k)), "")
    secret = next((v for k, v in secrets if user or not BRIEF_SECRET.match(k)), None)
    if secret is None:
        return None
    login = _start(row, "HTTP JSON")
    login.user = _unescaped(user)
    login.keep_secret(_unescaped(secret))
    login.frames = [_frame(row)]
    where = str(row["host"] or "") + str(row["uri"] or "").split("?", 1)[0]
    login.note = f"{row['method']} {where}"[:100]
    return login


def _unescaped(text: str) -> str:
    """What a JSON text says; as it stands where its escapes are wrong."""
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text


def _http_login(row: dict[str, object]) -> Login | None:
    if row["credentials"]:
        login = _start(row, "HTTP Basic")
        user, _, secret = str(row["credentials"]).partition(":")
        login.user = user
        login.keep_secret(secret)
    else:
        keys = [unquote_plus(str(k)) for k in row["form_keys"] or []]  # type: ignore[attr-defined]
        pairs = list(zip(keys, [str(v) for v in row["form_values"] or []], strict=False))  # type: ignore[attr-defined]
        protocol = "HTTP form"
        if not any(SECRET_KEY.match(k) and v for k, v in pairs):
            pairs, protocol = parse_qsl(urlsplit(str(row["uri"] or "")[:4096]).query), "HTTP address"
        secret_pair = next(((k, v) for k, v in pairs if SECRET_KEY.match(k) and v), None)
        if secret_pair is None:
            return None
        login = _start(row, protocol)
        login.user = next((v for k, v in pairs if USER_KEY.match(k) and v), "")
        if protocol == "HTTP address":
            if not login.user or not re.fullmatch(r"[\w.-]+", secret_pair[0]):
                return None  # `pass=2` alone counts pages or laps; a login names who it is
            login.keys = (secret_pair[0],)
        login.keep_secret(secret_pair[1])
        if re.fullmatch(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128}", secret_pair[1]):
            login.note = "the secret looks like a hash"
    login.frames = [_frame(row)]
    where = str(row["host"] or "") + str(row["uri"] or "").split("?", 1)[0]
    login.note = "; ".join(n for n in (f"{row['method']} {where}"[:100], login.note) if n)
    return login


def _ldap(tables: Tables) -> Iterator[Login]:
    for row in tables.kerberos.filter(pl.col("ldap_simple").list.len() > 0).iter_rows(named=True):
        secret = ",".join(v or "" for v in row["ldap_simple"])
        if not secret:
            continue
        login = _start(row, "LDAP")
        login.user = str(row["ldap_name"] or "")
        login.keep_secret(secret)
        login.frames = [_frame(row)]
        yield login


def _other(tables: Tables) -> Iterator[Login]:
    rows = tables.misc.filter(pl.col("login_user").is_not_null() | pl.col("login_secret").is_not_null())
    known = {"MQTT": "MQTT", "PPP PAP": "PAP", "PAP": "PAP", "PGSQL": "PostgreSQL"}
    for row in rows.iter_rows(named=True):
        login = _start(row, known.get(str(row["protocol"]), str(row["protocol"])))
        login.user = str(row["login_user"] or "")
        if row["login_secret"]:
            login.keep_secret(str(row["login_secret"]))
        elif login.protocol == "MQTT":
            continue
        login.frames = [_frame(row)]
        yield login
