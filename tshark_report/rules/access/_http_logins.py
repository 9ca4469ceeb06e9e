"""Logins over HTTP: Basic, forms, JSON bodies, and addresses that hold a password."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import polars as pl

from tshark_report.rules.access._login import ACCEPTED, REFUSED, SECRET_KEY, Login
from tshark_report.rules.access._login_rows import frame_of, started
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


def http(tables: Tables) -> Iterator[Login]:
    """Requests that carry a user name or password, with the status that answered them."""
    rows = tables.http.filter(pl.col("protocol") != "SSDP")
    answers = {
        r["request_frame"]: r
        for r in rows.filter(pl.col("request_frame").is_not_null())
        .select("request_frame", "frame", "status", "location")
        .iter_rows(named=True)
    }
    basic = pl.col("credentials").is_not_null()
    form = pl.col("form_keys").list.len() > 0
    query = pl.col("uri").str.contains(LOGIN_QUERY)
    posted = _json_bodies(tables)
    holding = (basic | form | query).fill_null(value=False) | pl.col("frame").is_in(list(posted))
    for row in rows.filter(pl.col("method").is_not_null() & holding).iter_rows(named=True):
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
    login = started(row, "HTTP JSON")
    login.user = _unescaped(user)
    login.keep_secret(_unescaped(secret))
    login.frames = [frame_of(row)]
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
        login = started(row, "HTTP Basic")
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
        login = started(row, protocol)
        login.user = next((v for k, v in pairs if USER_KEY.match(k) and v), "")
        if protocol == "HTTP address":
            if not login.user or not re.fullmatch(r"[\w.-]+", secret_pair[0]):
                return None  # `pass=2` alone counts pages or laps; a login names who it is
            login.keys = (secret_pair[0],)
        login.keep_secret(secret_pair[1])
        if re.fullmatch(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128}", secret_pair[1]):
            login.note = "the secret looks like a hash"
    login.frames = [frame_of(row)]
    where = str(row["host"] or "") + str(row["uri"] or "").split("?", 1)[0]
    login.note = "; ".join(n for n in (f"{row['method']} {where}"[:100], login.note) if n)
    return login
