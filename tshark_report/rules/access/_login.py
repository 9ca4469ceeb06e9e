"""A login that can be read, and the display filter that shows it.

Secrets are kept only as their length, and as a short digest that tells whether two of them are the same.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

import polars as pl

from tshark_report.rules import filters
from tshark_report.tables.tables import Tables

ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"

SECRET_KEY = re.compile(
    r"(?i)^(?:.*[_\-.\[])?(?:(?:log|user|admin|my|acct|account|new|old)?_?(?:pass(?:w(?:or)?d|wort|phrase"
    r"|code|_?\d?)?|pwd|psw|passwort)"
    r"|senha|contrase(?:n|ñ)a|mot_?de_?passe|mdp|kennwort|wachtwoord|parola)\]?$"
)
"""Names of form fields that hold a password, in the languages of common login pages."""


@dataclass
class Login:
    """One try to log in. `frames` are those that carried the user name or the secret."""

    protocol: str
    client: str
    server: str
    port: int
    stream: int | None
    time: float
    user: str = ""
    secret_length: int | None = None
    secret_digest: str = ""
    outcome: str = UNKNOWN
    answer: str = ""
    answer_frame: int | None = None
    frames: list[int] = field(default_factory=list)
    transport: str = "tcp"
    note: str = ""
    keys: tuple[str, ...] = ()
    """For a login in an address: the parameter that held the secret, as it stands there."""

    def keep_secret(self, secret: str) -> None:
        """Remember how long a secret is, and whether it is the same as another."""
        self.secret_length = len(secret)
        self.secret_digest = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(frozen=True)
class Where:
    """One protocol between one client and one server's port."""

    protocol: str
    client: str
    server: str
    port: int
    transport: str = "tcp"


def where(login: Login) -> Where:
    """Protocol and ends of a login."""
    return Where(login.protocol, login.client, login.server, login.port, login.transport)


def selection(tables: Tables, at: Where, logins: list[Login]) -> tuple[str, list[int]]:
    """The display filter for the lines that carried these logins, and the frames that it selects."""
    ends = filters.all_of(filters.src(at.client), filters.dst(at.server), filters.dst_port(at.transport, at.port))
    made = _by_command(tables, at, logins)
    if made is not None:
        filter_, table, holds = made
        between = (pl.col("src") == at.client) & (pl.col("dst") == at.server) & (pl.col("dst_port") == at.port)
        frames = table.filter(between & holds)["frame"].to_list()
        if set(frames) >= {f for login in logins for f in login.frames}:
            return filters.all_of(ends, filter_), sorted(frames)
    if at.protocol == "Telnet":
        parts, frames = [], []
        for login in logins[:20]:
            first, last = min(login.frames), max(login.frames)
            rows = tables.telnet.filter(
                (pl.col("stream") == login.stream)
                & (pl.col("src") == at.client)
                & pl.col("frame").is_between(first, last)
                & pl.col("data").is_not_null()
            )
            frames += rows["frame"].to_list()
            parts.append(filters.frame_range(first, last))
        both = filters.any_of(*parts)
        return filters.all_of(ends, filters.exists("telnet.data"), both), sorted(set(frames))
    frames = sorted({f for login in logins for f in login.frames})[:60]
    return filters.frames(frames), frames


def _by_command(tables: Tables, at: Where, logins: list[Login]) -> tuple[str, pl.DataFrame, pl.Expr] | None:
    """Filter, table and condition that name a protocol's login lines by their command; None where nothing does."""
    commands: dict[str, tuple[pl.DataFrame, str, str, tuple[str, ...]]] = {
        "FTP": (tables.ftp, "command", "ftp.request.command", ("USER", "PASS")),
        "POP3": (tables.mail, "pop_command", "pop.request.command", ("USER", "PASS")),
        "IMAP": (tables.mail, "imap_command", "imap.request.command", ("LOGIN",)),
    }
    present: dict[str, tuple[pl.DataFrame, tuple[tuple[str, str], ...]]] = {
        "SMTP": (
            tables.mail,
            (
                ("smtp_user", "smtp.auth.username"),
                ("smtp_password", "smtp.auth.password"),
                ("smtp_user_password", "smtp.auth.username_password"),
            ),
        ),
        "HTTP Basic": (tables.http, (("credentials", "http.authbasic"),)),
        "MQTT": (tables.misc, (("login_secret", "mqtt.passwd"),)),
        "PAP": (tables.misc, (("login_secret", "pap.password"),)),
        "PostgreSQL": (tables.misc, (("login_secret", "pgsql.password"),)),
    }
    if at.protocol in commands:
        table, column, field_, words = commands[at.protocol]
        frames = [f for login in logins for f in login.frames]
        spelled = table.filter(pl.col("frame").is_in(frames))[column].drop_nulls().unique().to_list()
        spelled = sorted(s for s in spelled if s.upper() in words)
        if not spelled:
            return None
        return filters.one_of(field_, spelled), table, pl.col(column).is_in(spelled)
    if at.protocol in present:
        table, pairs = present[at.protocol]
        frames = [f for login in logins for f in login.frames]
        seen = table.filter(pl.col("frame").is_in(frames))
        used = [(column, field_) for column, field_ in pairs if seen[column].null_count() < seen.height]
        if not used:
            return None
        condition = pl.any_horizontal(pl.col(column).is_not_null() for column, _ in used)
        return filters.any_of(*(filters.exists(field_) for _, field_ in used)), table, condition
    if at.protocol == "LDAP":
        return filters.filled("ldap.simple"), tables.kerberos, pl.col("ldap_simple").list.join("").str.len_chars() > 0
    if at.protocol == "HTTP address":
        keys = sorted({key for login in logins for key in login.keys})
        held = pl.any_horizontal(pl.col("uri").str.contains(f"{key}=", literal=True) for key in keys)
        return (
            filters.any_of(*(filters.contains("http.request.uri", f"{key}=") for key in keys)),
            tables.http,
            held & pl.col("method").is_not_null(),
        )
    if at.protocol == "HTTP form":
        frames = [f for login in logins for f in login.frames]
        posted = (
            tables.http.filter(pl.col("frame").is_in(frames))["form_keys"].explode().drop_nulls().unique().to_list()
        )
        keys = sorted(k for k in posted if SECRET_KEY.match(unquote_plus(k)))
        if not keys:
            return None
        # A key that holds a comma was split by tshark's own separator: no filter could name it.
        return (
            filters.one_of("urlencoded-form.key", keys),
            tables.http,
            pl.col("form_keys").list.eval(pl.element().is_in(keys)).list.any(),
        )
    return None
