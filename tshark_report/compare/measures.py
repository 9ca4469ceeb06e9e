"""The same exchange in one capture, measured: one record for each server (by name) and service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import polars as pl

from tshark_report.compare.side import Side
from tshark_report.rules import filters

Key = tuple[str, str]
"""Server, by the name that clients used, else by address; and service, as `tcp/443`."""

TLS_VERSIONS = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2", 0x0304: "TLS 1.3"}
CLIENT_HELLO, SERVER_HELLO = 1, 2
SERVERS_IN_FILTER = 6
"""Addresses of one name that a display filter lists: more than a reader can check."""
LARGE_ANSWER = 20_000
"""Bytes of an answer from which the speed at which it came says something."""


@dataclass
class Measures:
    """What one capture shows of an exchange; None and empty where it shows nothing of the kind. Seconds and bytes."""

    key: Key
    streams: list[int] = field(default_factory=list)
    clients: list[str] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)
    transport: str = ""
    port: int | None = None
    sessions: int = 0
    answered: int = 0
    refused: int = 0
    unanswered: int = 0
    syn_again: int = 0
    """SYNs that were sent again."""
    packets: int = 0
    resent: int = 0
    lost_seconds: float = 0.0
    """Sum of the times until something was sent again."""
    reordered: int = 0
    duplicate_acks: int = 0
    zero_windows: int = 0
    resets: int = 0
    rtt: float | None = None
    think: float | None = None
    think_max: float | None = None
    answers: int = 0
    client_think: float | None = None
    request_bytes: float | None = None
    answer_bytes: float | None = None
    up: float | None = None
    down: float | None = None
    seconds: float | None = None
    rate: float | None = None
    """Bytes of answers a second while they came."""
    ttl_server: int | None = None
    ttl_client: int | None = None
    mss_client: int | None = None
    mss_server: int | None = None
    scale_client: int | None = None
    scale_server: int | None = None
    window_client: float | None = None
    """Median of the window that clients offered, in bytes."""
    window_server: float | None = None
    tls_version: str = ""
    cipher: str = ""
    alerts: list[str] = field(default_factory=list)
    hellos: int = 0
    server_hellos: int = 0
    issuer: str = ""
    frame: int | None = None

    @property
    def name(self) -> str:
        """How the text calls the exchange."""
        return f"{self.key[0]} {self.key[1]}"

    @property
    def display_filter(self) -> str:
        """Its packets, as tshark selects them; of the first servers only where the name led to very many."""
        pairs = [filters.host(a) for a in self.servers[:SERVERS_IN_FILTER]]
        if self.transport == "icmp" or self.port is None:
            return filters.all_of(
                filters.any_of(*pairs), filters.exists("icmpv6" if any(":" in a for a in self.servers) else "icmp")
            )
        return filters.all_of(filters.any_of(*pairs), filters.port(self.transport, self.port))


def measured(side: Side) -> dict[Key, Measures]:
    """Every exchange of a capture, in order of its first packet."""
    sessions = side.facts.sessions
    made: dict[Key, Measures] = {}
    if sessions.is_empty():
        return made
    server = pl.coalesce("name", "server")
    for row in sessions.with_columns(server.alias("place")).iter_rows(named=True):
        key = (str(row["place"]), str(row["service"]))
        one = made.setdefault(
            key, Measures(key, transport=row["transport"], port=row["port"], frame=row["first_frame"])
        )
        one.sessions += 1
        one.answered += bool(row["answered"])
        one.packets += row["packets"]
        one.resent += row["resent"]
        one.resets += bool(row["reset"])
        for value, several in ((row["client"], one.clients), (row["server"], one.servers)):
            if value not in several:
                several.append(value)
        if row["stream"] is not None and row["transport"] == "tcp":
            one.streams.append(row["stream"])
    grouped = sessions.with_columns(server.alias("place")).filter("answered").group_by("place", "service").agg(
        pl.col("up", "down", "seconds", "rtt").median(), pl.col("think").explode().median(),
        pl.col("think").explode().max().alias("think_max"),
        pl.col("think").explode().drop_nulls().len().alias("answers"),
    )  # fmt: skip
    for row in grouped.iter_rows(named=True):
        one = made[(row["place"], row["service"])]
        one.up, one.down, one.seconds, one.rtt = row["up"], row["down"], row["seconds"], row["rtt"]
        one.think, one.think_max, one.answers = row["think"], row["think_max"], row["answers"]
    of_stream = {stream: key for key, one in made.items() for stream in one.streams}
    if of_stream:
        _tcp(side, made, of_stream)
        _tls(side, made, of_stream)
    return made


def _by_key(rows: pl.DataFrame, of_stream: Mapping[int, Key]) -> pl.DataFrame:
    """Rows with the number of their exchange."""
    keys = list(dict.fromkeys(of_stream.values()))
    number = {key: at for at, key in enumerate(keys)}
    numbers = pl.DataFrame(
        {"stream": list(of_stream), "key": [number[k] for k in of_stream.values()]},
        schema={"stream": pl.UInt32(), "key": pl.Int64()},
    )
    return rows.join(numbers, on="stream", how="inner", maintain_order="left")


def _tcp(side: Side, made: dict[Key, Measures], of_stream: Mapping[int, Key]) -> None:
    tables = side.tables
    keys = list(dict.fromkeys(of_stream.values()))

    def each(rows: pl.DataFrame, *wanted: pl.Expr) -> list[tuple[Measures, dict[str, Any]]]:
        found = _by_key(rows, of_stream).group_by("key", maintain_order=True).agg(*wanted)
        return [(made[keys[row["key"]]], row) for row in found.iter_rows(named=True)]

    for one, row in each(
        tables.tcp_sessions, pl.col("refused").sum(), pl.col("unanswered").sum(),
        (pl.col("syns").cast(pl.Int64) - 1).clip(0).sum().alias("again"),
    ):  # fmt: skip
        one.refused, one.unanswered, one.syn_again = row["refused"], row["unanswered"], row["again"]
    again = tables.resent.filter(~pl.col("copy"))
    for one, row in each(
        again, (pl.col("kind") == "reordered").sum().alias("reordered"),
        pl.col("after").filter(pl.col("kind") != "reordered").sum().alias("lost"),
    ):  # fmt: skip
        one.reordered, one.lost_seconds = row["reordered"], row["lost"] or 0.0
    analysis = tables.analysis.filter(pl.col("transport") == "tcp")
    for one, row in each(
        analysis, (pl.col("kind") == "duplicate-ack").sum().alias("dup"),
        (pl.col("kind") == "zero-window").sum().alias("zero"),
    ):  # fmt: skip
        one.duplicate_acks, one.zero_windows = row["dup"], row["zero"]
    took = (pl.col("answer_end") - pl.col("answer_time")).filter(pl.col("answer_bytes") > LARGE_ANSWER)
    bytes_of = pl.col("answer_bytes").filter(pl.col("answer_bytes") > LARGE_ANSWER)
    for one, row in each(
        tables.exchanges, pl.col("client_think").median(), pl.col("request_bytes").median(),
        pl.col("answer_bytes").median(), took.sum().alias("took"), bytes_of.sum().alias("large"),
    ):  # fmt: skip
        one.client_think, one.request_bytes = row["client_think"], row["request_bytes"]
        one.answer_bytes = row["answer_bytes"]
        one.rate = row["large"] / row["took"] if row["took"] else None
    calm = tables.streams.filter((pl.col("flags") & 0x07) == 0)
    up = pl.col("up")
    for one, row in each(
        calm, pl.col("ttl").filter(~up).mode().sort().first().alias("ttl_server"),
        pl.col("ttl").filter(up).mode().sort().first().alias("ttl_client"),
        pl.col("window").filter(up).median().alias("window_client"),
        pl.col("window").filter(~up).median().alias("window_server"),
    ):  # fmt: skip
        one.ttl_server, one.ttl_client = row["ttl_server"], row["ttl_client"]
        one.window_client, one.window_server = row["window_client"], row["window_server"]
    asked, told = pl.col("answer").not_(), pl.col("answer")
    for one, row in each(
        side.syns, pl.col("mss").filter(asked).mode().sort().first().alias("mss_client"),
        pl.col("mss").filter(told).mode().sort().first().alias("mss_server"),
        pl.col("scale").filter(asked).mode().sort().first().alias("scale_client"),
        pl.col("scale").filter(told).mode().sort().first().alias("scale_server"),
    ):  # fmt: skip
        one.mss_client, one.mss_server = row["mss_client"], row["mss_server"]
        one.scale_client, one.scale_server = row["scale_client"], row["scale_server"]


def _tls(side: Side, made: dict[Key, Measures], of_stream: Mapping[int, Key]) -> None:
    tls = side.tables.tls.filter(pl.col("transport") == "tcp")
    for row in tls.iter_rows(named=True):
        key = of_stream.get(row["stream"])
        if key is None:
            continue
        one = made[key]
        shown = row["handshake"] or []
        one.hellos += CLIENT_HELLO in shown
        if SERVER_HELLO in shown:
            one.server_hellos += 1
            one.tls_version = one.tls_version or _version(row)
            one.cipher = one.cipher or str(row["cipher"] or "")
        if row["alert"] not in (None, 0):
            one.alerts.append(alert_name(int(row["alert"])))
    # Streams of TCP and of UDP are numbered apart: the certificates of DTLS belong to none of these.
    shown_issuers = side.tables.certificates.filter(pl.col("transport") == "tcp").select("stream", "issuer")
    for stream, issuer in shown_issuers.iter_rows():
        key = of_stream.get(stream)
        if key is not None and issuer:
            made[key].issuer = made[key].issuer or issuer


def _version(row: Mapping[str, Any]) -> str:
    text = str(row["supported_version"] or "").split(",", 1)[0]
    number = int(text, 16) if text.startswith("0x") else int(text) if text.isdigit() else row["version"]
    return TLS_VERSIONS.get(number or 0, f"version {number:#06x}" if number else "")


ALERTS = {
    10: "unexpected message", 20: "bad record MAC", 22: "record overflow", 40: "handshake failure",
    42: "bad certificate", 43: "unsupported certificate", 44: "certificate revoked", 45: "certificate expired",
    46: "certificate unknown", 47: "illegal parameter", 48: "unknown CA", 49: "access denied", 50: "decode error",
    51: "decrypt error", 70: "protocol version", 71: "insufficient security", 80: "internal error",
    86: "inappropriate fallback", 90: "user canceled", 109: "missing extension", 112: "unrecognized name",
    116: "certificate required", 120: "no application protocol",
}  # fmt: skip
"""RFC 8446, section 6."""


def alert_name(number: int) -> str:
    """The name of a TLS alert."""
    return ALERTS.get(number, f"alert {number}")


@dataclass
class Name:
    """A name that was asked for, in one capture."""

    name: str
    queries: int = 0
    answers: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    addresses: list[str] = field(default_factory=list)
    ttl: int | None = None
    seconds: float | None = None
    frame: int | None = None
    failure_frame: int | None = None

    @property
    def resolved(self) -> bool:
        """Whether an address came back."""
        return bool(self.addresses)


RCODES = {1: "format error", 2: "server failure", 3: "no such name", 4: "not implemented", 5: "refused"}
ADDRESS_TYPES = (1, 28)


def names_of(side: Side) -> dict[str, Name]:
    """Names of which addresses were asked for over DNS."""
    dns = side.tables.dns.filter((pl.col("protocol") == "DNS") & pl.col("name").is_not_null())
    dns = dns.filter(pl.col("type").is_in(ADDRESS_TYPES))
    made: dict[str, Name] = {}
    times: dict[str, list[float]] = {}
    for row in dns.iter_rows(named=True):
        name = str(row["name"]).lower().rstrip(".")
        one = made.setdefault(name, Name(name, frame=row["frame"]))
        if not row["response"]:
            one.queries += 1
            continue
        one.answers += 1
        if row["answer_seconds"] is not None:
            times.setdefault(name, []).append(row["answer_seconds"])
        if row["rcode"]:
            one.failures[RCODES.get(row["rcode"], f"error {row['rcode']}")] += 1
            one.failure_frame = one.failure_frame or row["frame"]
        for address in [*(row["a"] or []), *(row["aaaa"] or [])]:
            if address and address not in one.addresses:
                one.addresses.append(address)
        if row["a"] or row["aaaa"]:
            ttls = [t for t in (one.ttl, *(row["ttls"] or [])) if t is not None]
            one.ttl = min(ttls, default=None)
    for name, several in times.items():
        made[name].seconds = median(several)
    return made


@dataclass
class Asked:
    """The same HTTP request in one capture."""

    what: str
    exchange: str
    number: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    unanswered: int = 0
    frame: int | None = None
    answer_frame: int | None = None
    error_frame: int | None = None


def requests_of(side: Side) -> dict[str, Asked]:
    """HTTP requests by method, host and path, without what stands behind `?`."""
    http = side.tables.http.filter(pl.col("protocol") != "SSDP")
    asked = http.filter(pl.col("method").is_not_null())
    answers = {
        row["request_frame"]: row
        for row in http.filter(pl.col("status").is_not_null() & pl.col("request_frame").is_not_null()).iter_rows(
            named=True
        )
    }
    last = dict(
        side.tables.streams.filter(~pl.col("up") & (pl.col("payload") > 0))
        .group_by("stream").agg(pl.col("frame").max()).iter_rows()
    )  # fmt: skip
    made: dict[str, Asked] = {}
    for row in asked.iter_rows(named=True):
        path = str(row["uri"] or "/").split("?", 1)[0]
        what = f"{row['method']} {row['host'] or row['dst']}{path}"
        one = made.setdefault(
            what, Asked(what, f"{str(row['host'] or row['dst']).lower()} {row['transport']}/{row['dst_port']}")
        )
        one.number += 1
        one.frame = one.frame or row["frame"]
        answer = answers.get(row["frame"])
        if answer is None:
            # Where loss kept the dissector from putting an answer together, the server spoke all the same.
            one.unanswered += last.get(row["stream"], 0) < row["frame"]
            continue
        one.statuses[int(answer["status"])] += 1
        one.answer_frame = one.answer_frame or answer["frame"]
        if answer["status"] >= 400:
            one.error_frame = one.error_frame or answer["frame"]
        if answer["answer_seconds"] is not None:
            one.seconds.append(answer["answer_seconds"])
        if answer["content_length"] is not None:
            one.bytes.append(answer["content_length"])
    return made
