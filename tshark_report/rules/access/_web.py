"""HTTP requests, decoded and sorted by what they try; with the server's answer."""

from __future__ import annotations

import re
import weakref
from collections.abc import Hashable, Iterator
from copy import copy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, unquote_plus

import polars as pl

from tshark_report.knowledge import load
from tshark_report.rules import filters
from tshark_report.tables.tables import Tables

SUSPECT = "(?i)" + "|".join(
    (
        # quotes, brackets and separators, plain and encoded
        r"%27|'|%22|;|%3b|\||%7c|`|%60|\$\(|%24|\$\{|<|%3c|%7b|\{|%0a|%00",
        # ways up and out
        r"\.\.|%2e%2e|%252e|%c0%ae|/etc/|%2fetc|win\.ini|boot\.ini|passwd|php:|file:|dict:|gopher|ldap:|169\.254",
        # SQL
        r"select|union|sleep|xp_|order(?:%20|\+)by|(?:\+|%20)(?:or|and)(?:\+|%20)",
        # commands and code
        r"cmd|exec|shell|system|eval|jndi|base64|classloader|invokefunction|phpunit|whoami|wget|curl",
        r"=(?:net|dir|type|cat|ipconfig|ifconfig|systeminfo|tasklist|netstat|hostname|uname|ping|echo|pwd|ls|ps)\b",
        # places that nobody links to
        r"/\.|wp-|phpmyadmin|pma/|manager/html|actuator|solr|hnap1|boaform|gponform|cgi-bin|xmlrpc|phpinfo|info\.php",
        r"adminer|server-status|console|owa/|ecp/|autodiscover|id_rsa|web\.config|\.sql|\.bak|\.old|\.swp",
    )
)
"""A first, cheap look at raw addresses: only requests that hold one of these are decoded."""

JNDI = re.compile(r"(?i)\$\{\s*jndi\s*:|\$\{[^}]{0,60}\$\{(?:[^}]{0,20}:)*[^}]{0,6}[jndi]\}")
"""A JNDI look-up, plain or with letters hidden in further look-ups (`${${lower:j}ndi:`)."""

JNDI_TARGET = re.compile(
    r"(?i)(ldaps?|rmi|dns|iiop|nis|corba|http)\s*:\s*/{0,2}\s*(\[[0-9a-f:]+\]"
    r"|[\w.-]+)(?::(\d{1,5}))?(/[^\s}\"']{0,80})?"
)


@dataclass(frozen=True)
class Pattern:
    """One entry of knowledge/web.toml."""

    kind: str
    where: str
    strong: bool
    regex: re.Pattern[str]


@dataclass
class Request:
    """One HTTP request."""

    frame: int
    time: float
    client: str
    server: str
    port: int
    stream: int | None
    method: str
    host: str
    uri: str
    user_agent: str
    status: int | None = None
    answer_bytes: int | None = None
    answer_frame: int | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    """What it tries -> the text that says so."""
    strong: bool = False
    proof: str = ""
    """What its answer holds that says it worked."""
    headers: dict[str, str] = field(default_factory=dict)
    form: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def line(self) -> str:
        """Method and address."""
        return f"{self.method} {self.uri}"


@lru_cache(maxsize=1)
def patterns() -> tuple[Pattern, ...]:
    """Compiled patterns of knowledge/web.toml."""
    return tuple(
        Pattern(p["kind"], p["where"], p["strength"] == "strong", re.compile(p["pattern"], re.IGNORECASE))
        for p in load("web")["pattern"]
    )


@lru_cache(maxsize=1)
def answers() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """What an answer holds when a request did what it asked for."""
    return tuple((a["kind"], re.compile(a["pattern"])) for a in load("web")["answer"])


@lru_cache(maxsize=8192)
def decoded(text: str) -> str:
    """Percent-decoded until nothing changes (at most three times), with SQL comments and NUL bytes out of the way."""
    for _ in range(3):
        plain = unquote(text)
        if plain == text:
            break
        text = plain
    return re.sub(r"/\*.{0,40}?\*/", " ", text.replace("\0", " "))


@lru_cache(maxsize=8192)
def values_of(uri: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Decoded path, and the query's names and values; the query is split before it is decoded."""
    path, _, query = uri[:8192].partition("?")
    pairs = []
    for part in re.split(r"&", query):
        key, sign, value = part.partition("=")
        pairs.append((unquote_plus(key), decoded(value.replace("+", " ")) if sign else ""))
        if not sign:
            pairs.append(("", decoded(part.replace("+", " "))))
    return decoded(path), tuple(pairs)


def requests(tables: Tables) -> list[Request]:
    """Requests that may try something, classified, in order of time. Not to be changed: `own` makes copies."""
    global _read
    if _read is None or _read[0]() is not tables:
        _read = (weakref.ref(tables), _requests(tables))
    return _read[1]


def own(request: Request) -> Request:
    """The caller's own copy of a request, to say more about it."""
    made = copy(request)  # dataclasses.replace takes ten times as long
    made.kinds = dict(request.kinds)
    return made


_read: tuple[weakref.ref[Tables], list[Request]] | None = None
"""The requests of the capture that was asked about last: four rules ask one after another."""


def _requests(tables: Tables) -> list[Request]:
    http = tables.http.filter(
        (pl.col("protocol") != "SSDP") & pl.col("method").is_not_null() & (pl.col("method") != "CONNECT")
    )
    if http.is_empty():
        return []
    bodies = _bodies(tables)
    headers = pl.concat_str(
        ["user_agent", "referer", "cookie", "content_type", "host"], separator="\n", ignore_nulls=True
    )
    chosen = (
        pl.col("uri").str.contains(SUSPECT)
        | headers.str.contains(r"\$\{|%7[bB]|\(\s*\)\s*\{|%\{|<\?php|;\s*(?:wget|curl)|\.\./\.\./")
        | (pl.col("form_keys").list.len() > 0)
        | pl.col("frame").is_in(list(bodies))
    )
    elsewhere = _other_headers(tables, http)
    chosen |= pl.col("frame").is_in(list(elsewhere))
    answered = _answers(tables)
    made = []
    seen: dict[Hashable, Request] = {}
    columns = ("frame", "time", "src", "dst", "dst_port", "stream", "method", "host", "uri", "user_agent", "referer",
               "cookie", "content_type", "authorization", "form_keys", "form_values")  # fmt: skip
    for row in http.filter(chosen.fill_null(value=False)).select(columns).iter_rows(named=True):
        request = _request(row)
        request.body = bodies.get(request.frame, "")
        for name, value in elsewhere.get(request.frame, {}).items():
            request.headers.setdefault(name, value)
        answer = answered.get(request.frame)
        if answer:
            request.status, request.answer_bytes, request.answer_frame = answer
        # What polls, and what tries passwords, asks the same again and again.
        said = (request.uri, tuple(request.form), tuple(request.headers.items()), request.body)
        same = seen.get(said)
        if same is None:
            classify(request)
            seen[said] = request
        else:
            request.kinds, request.strong = dict(same.kinds), same.strong
        made.append(request)
    return made


def _request(row: dict[str, Any]) -> Request:
    request = Request(
        int(row["frame"]),
        float(row["time"]),
        str(row["src"] or ""),
        str(row["dst"] or ""),
        int(row["dst_port"] or 0),
        row["stream"],
        str(row["method"]),
        str(row["host"] or ""),
        str(row["uri"] or ""),
        str(row["user_agent"] or ""),
    )
    named = ("user_agent", "referer", "cookie", "content_type", "host", "authorization")
    request.headers = {name: str(row[name]) for name in named if row[name]}
    pairs = zip(row["form_keys"] or [], row["form_values"] or [], strict=False)
    request.form = [(unquote_plus(str(key or "")), str(value or "")) for key, value in pairs]
    return request


def classify(request: Request) -> None:
    """Say what a request tries."""
    path, pairs = values_of(request.uri)
    values = [v for _, v in pairs if v] + [k for k, v in pairs if k and not v]
    form = [decoded(v) for _, v in request.form if v]
    # Only headers that a server may hand to something else; a Referer repeats the address of another page.
    header_values = [request.headers[k] for k in ("user_agent", "cookie", "content_type") if k in request.headers]
    raw = request.uri if ".." in request.uri or "%" in request.uri else ""
    for pattern in patterns():
        texts: list[str] = []
        if pattern.where in ("path", "any"):
            texts.append(path)
        if pattern.where in ("value", "any"):
            texts += values + form
        if pattern.kind == "Shellshock":
            texts += request.headers.values()  # a CGI program gets all of them as variables of its shell
        elif pattern.where == "value" and pattern.kind == "code execution":
            texts += header_values
        if pattern.kind == "code execution":
            texts += [key for key, _ in (*pairs, *request.form) if key]
            texts += [v for v in header_values if "%{" in v or "#" in v]
        if pattern.kind == "path traversal" and raw:
            texts.append(raw.split("?", 1)[0])
        if pattern.where == "body":
            texts = [request.body]
        for text in texts:
            match = pattern.regex.search(text[:4096]) if text else None
            if match:
                request.kinds.setdefault(pattern.kind, match.group(0)[:80])
                request.strong |= pattern.strong
                break
    for text in [
        path,
        *values,
        *form,
        *request.headers.values(),
        request.body,
    ]:
        if text and "${" in text and JNDI.search(text):
            request.kinds["JNDI look-up"] = text[max(0, text.find("${")) :][:120]
            request.strong = True
            break


def prove(tables: Tables, found: list[Request]) -> None:
    """Look into the answers that tshark put together for signs that a request did what it asked for."""
    by_frame = {r.answer_frame: r for r in found if r.answer_frame}
    if not by_frame:
        return
    heads = tables.files.filter((pl.col("protocol") == "http") & pl.col("frame").is_in(list(by_frame)))
    for frame, head in heads.select("frame", "head").iter_rows():
        text = bytes(head or b"").decode("utf-8", "replace")
        request = by_frame[frame]
        for kind, regex in answers():
            if regex.search(text):
                request.proof = kind
                break
    outputs = tables.signatures.filter(
        pl.col("kind").is_in(["id-output", "windows-prompt"]) & pl.col("frame").is_in(list(by_frame))
    )
    for frame, context in outputs.select("frame", "context").iter_rows():
        text = bytes(context).decode("utf-8", "replace")
        if not by_frame[frame].proof:
            by_frame[frame].proof = next((kind for kind, regex in answers() if regex.search(text)), "")


def _answers(tables: Tables) -> dict[int, tuple[int | None, int | None, int]]:
    """Request frame -> status, body bytes and frame of its answer."""
    rows = tables.http.filter(pl.col("request_frame").is_not_null()).select(
        "request_frame", "status", "content_length", "frame"
    )
    return {int(request): (status, length, int(frame)) for request, status, length, frame in rows.iter_rows()}


HEADER_LINE = re.compile(rb"(?:^|\n)([A-Za-z][A-Za-z0-9_-]{0,50}):[ \t]*([^\r\n]*)")


def _other_headers(tables: Tables, http: pl.DataFrame) -> dict[int, dict[str, str]]:
    """Request frame -> headers that no column holds (X-Api-Version and the like) in which a known text stands."""
    hits = tables.signatures.filter(
        pl.col("kind").is_in(["jndi", "nested-look-up", "shellshock"]) & pl.col("stream").is_not_null()
    )
    if hits.is_empty():
        return {}
    made: dict[int, dict[str, str]] = {}
    asked = http.filter(pl.col("method").is_not_null()).select(
        "stream", "transport", "src", pl.col("frame").alias("request")
    )
    # A header may stand in an earlier segment than the one with which the request is complete.
    flow = ["stream", "transport", "src"]
    where = hits.select("frame", "context", *flow).join(asked, on=flow).filter(pl.col("request") >= pl.col("frame"))
    where = where.sort("request").unique(["frame", "context"], keep="first", maintain_order=True)
    for frame, context in where.select("request", "context").iter_rows():
        for name, value in HEADER_LINE.findall(bytes(context)):
            if b"${" in value or b"(" in value:
                headers = made.setdefault(int(frame), {})
                headers[name.decode().lower().replace("-", "_")] = value.decode("utf-8", "replace")
    return made


def _bodies(tables: Tables) -> dict[int, str]:
    """Request frame -> the first bytes of a body that is no form: XML, JSON, serialised objects."""
    sent = tables.files.filter((pl.col("protocol") == "http") & pl.col("frame").is_not_null()).select("frame", "head")
    if sent.is_empty():
        return {}
    posts = tables.http.filter(pl.col("method").is_in(["POST", "PUT", "PATCH"]))["frame"]
    sent = sent.filter(pl.col("frame").is_in(posts.implode()))
    return {int(frame): bytes(head or b"").decode("utf-8", "replace") for frame, head in sent.iter_rows()}


def groups(found: list[Request]) -> Iterator[tuple[tuple[str, str, int], list[Request]]]:
    """Requests by client, server and port."""
    made: dict[tuple[str, str, int], list[Request]] = {}
    for request in found:
        made.setdefault((request.client, request.server, request.port), []).append(request)
    yield from made.items()


def answered(found: list[Request]) -> str:
    """How the server answered, in words."""
    statuses: dict[str, int] = {}
    for request in found:
        key = str(request.status) if request.status else "none"
        statuses[key] = statuses.get(key, 0) + 1
    if set(statuses) == {"none"}:
        return "no response was captured, only requests"
    told = [f"{n:,} × {status}" for status, n in sorted(statuses.items(), key=lambda x: -x[1]) if status != "none"]
    if "none" in statuses:
        told.append(f"{statuses['none']:,} without an answer in the capture")
    return "answers: " + ", ".join(told[:5])


def selection(tables: Tables, at: tuple[str, str, int], found: list[Request]) -> tuple[str, list[int]]:
    """The display filter for these requests of one client at one server, and the frames it selects.

    By address where few addresses describe them, by frame where what they try stands in a header or a form, and all
    requests of that client at that server where there are too many to name.
    """
    client, server, port = at
    ends = filters.all_of(filters.src(client), filters.dst(server), filters.dst_port("tcp", port))
    http = tables.http.filter(
        (pl.col("protocol") != "SSDP")
        & (pl.col("src") == client)
        & (pl.col("dst") == server)
        & (pl.col("dst_port") == port)
    )
    uris = sorted({r.uri for r in found if _nameable(r)})
    others = sorted({r.frame for r in found if not _nameable(r)})
    if len(uris) + len(others) > MOST_NAMED:
        # HTTP/2 requests have no http.request; they were read by their own method field.
        if http.filter(pl.col("method").is_not_null() & pl.col("protocol").str.starts_with("HTTP2")).height:
            frames = sorted({r.frame for r in found})[:60]
            return filters.frames(frames), frames
        return filters.all_of(ends, filters.exists("http.request.method")), http.filter(pl.col("method").is_not_null())[
            "frame"
        ].to_list()
    frames = http.filter(pl.col("uri").is_in(uris))["frame"].to_list() if uris else []
    parts = [filters.all_of(ends, filters.one_of("http.request.uri", uris))] if uris else []
    if others:
        parts.append(filters.frames(others))
    return filters.any_of(*parts), sorted({*frames, *others})


MOST_NAMED = 12
"""Addresses or frames that a filter names one by one."""


def _nameable(request: Request) -> bool:
    """Whether the address itself shows what is tried, and can stand in a filter as tshark prints it."""
    text = request.uri
    if not text or len(text) > 200 or not text.isascii() or not text.isprintable() or "\\" in text:
        return False
    path, pairs = values_of(text)
    shown = [path, *(v for _, v in pairs), *(k for k, _ in pairs), text]
    return any(evidence in part for evidence in request.kinds.values() for part in shown)
