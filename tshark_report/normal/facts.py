"""One row a session, with all that a baseline asks of it: who, with whom, which service, how much, how long.

Learning and comparing read the same rows, so that like is held against like.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import polars as pl

from tshark_report.knowledge.domains import registered_domain
from tshark_report.settings import Settings, is_multicast
from tshark_report.tables.tables import Tables

LONGEST_TEXT = 200
"""Characters of a name or user agent that are kept."""
FIRST_DYNAMIC = 49152
"""Ports from here on are given out as needed (RFC 6335): as a service of a home host they are one."""
DHCP_CLIENT = 68
"""A DHCP server's answer to the client's own port is no service of the client."""
ECHO_REQUESTS = (8, 128)
ECHO_REPLIES = (0, 129)

SENT = ("frame", "time", "src", "eth_src", "transport", "ttl", "ip_id", "flags")
"""Columns of the packets table that tell how a host sends."""

SESSION_SCHEMA: dict[str, pl.DataType] = {
    "transport": pl.String(),
    "stream": pl.UInt32(),
    "client": pl.String(),
    "server": pl.String(),
    "port": pl.UInt16(),
    "service": pl.String(),
    "protocol": pl.String(),
    "name": pl.String(),
    "domain": pl.String(),
    "client_home": pl.Boolean(),
    "server_home": pl.Boolean(),
    "start": pl.Float64(),
    "seconds": pl.Float64(),
    "up": pl.UInt64(),
    "down": pl.UInt64(),
    "packets": pl.UInt32(),
    "answered": pl.Boolean(),
    "rtt": pl.Float64(),
    "think": pl.List(pl.Float64()),
    "resent": pl.UInt32(),
    "reset": pl.Boolean(),
    "interval": pl.Float64(),
    "first_frame": pl.UInt32(),
}
"""Columns of `sessions`. `name` is how the client called the server (TLS server name, HTTP host, else DNS), `domain`
the registered domain of it. `answered`: both sides sent something and the server did not just refuse. `think` lists
the server's time for each answer that nothing disturbed. `interval` is the time since the same client last started a
session of the same service with the same server. ICMP echo is one session for each pair (service `icmp`)."""


@dataclass(frozen=True)
class Facts:
    """What one capture shows, ready to be learnt or compared."""

    sessions: pl.DataFrame
    tables: Tables
    settings: Settings

    @cached_property
    def hosts(self) -> list[str]:
        """Home addresses that sent something, the first first. Link-local ones are the same in every network."""
        sent = self.tables.packets["src"].drop_nulls().unique(maintain_order=True).to_list()
        return [a for a in sent if self.settings.is_home(a) and network_of(a)]

    @cached_property
    def _of_host(self) -> dict[str, pl.DataFrame]:
        rows = self.tables.packets.select(*SENT).filter(pl.col("src").is_in(self.hosts))
        return {str(key[0]): part for key, part in rows.partition_by("src", as_dict=True, maintain_order=True).items()}

    @cached_property
    def _of_client(self) -> dict[str, pl.DataFrame]:
        parts = self.sessions.partition_by("client", as_dict=True, maintain_order=True)
        return {str(key[0]): part for key, part in parts.items()}

    @cached_property
    def _of_server(self) -> dict[str, pl.DataFrame]:
        parts = self.sessions.partition_by("server", as_dict=True, maintain_order=True)
        return {str(key[0]): part for key, part in parts.items()}

    def sent(self, hosts: Sequence[str]) -> pl.DataFrame:
        """Packets that these hosts sent, with the columns SENT."""
        parts = [self._of_host[h] for h in hosts if h in self._of_host]
        return pl.concat(parts) if parts else self.tables.packets.select(*SENT).clear()

    def started(self, hosts: Sequence[str]) -> pl.DataFrame:
        """Sessions of which these hosts are the clients."""
        parts = [self._of_client[h] for h in hosts if h in self._of_client]
        return pl.concat(parts) if parts else self.sessions.clear()

    def served(self, hosts: Sequence[str]) -> pl.DataFrame:
        """Sessions of which these hosts are the servers."""
        parts = [self._of_server[h] for h in hosts if h in self._of_server]
        return pl.concat(parts) if parts else self.sessions.clear()

    @cached_property
    def neighbours(self) -> dict[str, int]:
        """Hardware address -> different addresses that it sent for."""
        rows = self.tables.packets.filter(pl.col("src").is_not_null() & pl.col("eth_src").is_not_null())
        return dict(rows.group_by("eth_src").agg(pl.col("src").n_unique()).iter_rows())


@lru_cache(maxsize=65536)
def network_of(address: str) -> str:
    """The network that a host is counted to: /24 of IPv4, /64 of IPv6; "" for what is no address, or none of a network.

    Link-local and loopback addresses are the same in every network, so they tell none.
    """
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return ""
    if parsed.is_link_local or parsed.is_loopback or parsed.is_unspecified:
        return ""
    return str(ipaddress.ip_network(f"{parsed}/{24 if parsed.version == 4 else 64}", strict=False))


def text(value: str | None) -> str:
    """A name or a user agent, cut to a sane length."""
    return (value or "")[:LONGEST_TEXT]


def facts(tables: Tables, settings: Settings) -> Facts:
    """All sessions of a capture, worked out once."""
    key = ("normal", "facts")
    kept = tables.kept.get(key)
    if kept is None or kept.settings is not settings:
        kept = tables.kept[key] = Facts(_sessions(tables, settings), tables, settings)
    return kept


def _sessions(tables: Tables, settings: Settings) -> pl.DataFrame:
    rows = pl.concat([_tcp(tables), _udp(tables), _echo(tables)])
    if rows.is_empty():
        return pl.DataFrame(schema=SESSION_SCHEMA)
    names = _names(tables)
    rows = rows.join(names, on=["transport", "stream"], how="left", maintain_order="left")
    by_address = {address: name.lower() for address, name in tables.names.items()}
    servers = rows["server"].to_list()
    called = [n or by_address.get(s or "") for n, s in zip(rows["name"].to_list(), servers, strict=True)]
    homes = {a: settings.is_home(a) for a in {*servers, *rows["client"].to_list()} if a is not None}
    groups = {a for a, home in homes.items() if is_multicast(a) or (home and a.endswith(".255"))}
    rows = rows.with_columns(
        pl.Series("name", [text(n) or None for n in called], dtype=pl.String),
        pl.Series("domain", [_domain(n) for n in called], dtype=pl.String),
        pl.Series("client_home", [homes.get(a or "", False) for a in rows["client"].to_list()], dtype=pl.Boolean),
        pl.Series("server_home", [homes.get(a or "", False) for a in servers], dtype=pl.Boolean),
    ).filter(
        ~pl.col("server").is_in(list(groups)) & ~((pl.col("transport") == "udp") & (pl.col("port") == DHCP_CLIENT))
    )
    dynamic = pl.col("server_home") & (pl.col("port") >= FIRST_DYNAMIC)
    service = (
        pl.when(pl.col("transport") == "icmp").then(pl.lit("icmp"))
        .when(pl.col("protocol") == "FTP-DATA").then(pl.lit("tcp/ftp-data"))
        .when(dynamic).then(pl.col("transport") + "/dynamic")
        .otherwise(pl.col("transport") + "/" + pl.col("port").cast(pl.String))
    )  # fmt: skip
    rows = rows.with_columns(service.alias("service")).sort("start", "first_frame", maintain_order=True)
    gap = pl.col("start") - pl.col("start").shift(1).over("client", "server", "service")
    return rows.with_columns(gap.alias("interval")).select(
        pl.col(name).cast(dtype) for name, dtype in SESSION_SCHEMA.items()
    )


def _domain(name: str | None) -> str | None:
    return text(registered_domain(name) or name) if name else None


_SHARED = ("transport", "stream", "client", "server", "port", "protocol", "start", "seconds", "up", "down", "packets",
           "answered", "rtt", "think", "resent", "reset", "first_frame")  # fmt: skip
_DTYPES = {name: SESSION_SCHEMA[name] for name in _SHARED}


def _shared(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.col(name).cast(dtype) for name, dtype in _DTYPES.items())


def _tcp(tables: Tables) -> pl.DataFrame:
    sessions = tables.tcp_sessions
    if sessions.is_empty():
        return pl.DataFrame(schema=_DTYPES)
    calm = tables.exchanges.filter(~pl.col("disturbed"))
    thinks = calm.group_by("stream").agg(pl.col("think").drop_nulls())
    again = tables.resent.filter(~pl.col("copy") & (pl.col("kind") != "reordered"))
    resent = again.group_by("stream").agg(pl.len().alias("resent"))
    rows = sessions.join(thinks, on="stream", how="left", maintain_order="left").join(
        resent, on="stream", how="left", maintain_order="left"
    )
    return _shared(
        rows.with_columns(
            pl.lit("tcp").alias("transport"),
            pl.col("server_port").alias("port"),
            pl.col("client_payload").alias("up"),
            pl.col("server_payload").alias("down"),
            (
                ~pl.col("refused")
                & ~pl.col("unanswered")
                & ((pl.col("syn_acks") > 0) | ((pl.col("syns") == 0) & (pl.col("server_payload") > 0)))
            ).alias("answered"),
            pl.col("resent").fill_null(0),
            ((pl.col("client_resets") + pl.col("server_resets")) > 0).alias("reset"),
        )
    )


def _udp(tables: Tables) -> pl.DataFrame:
    flows = tables.udp_flows
    if flows.is_empty():
        return pl.DataFrame(schema=_DTYPES)
    return _shared(
        flows.with_columns(
            pl.lit("udp").alias("transport"),
            pl.col("server_port").alias("port"),
            pl.col("client_payload").alias("up"),
            pl.col("server_payload").alias("down"),
            ((pl.col("client_packets") > 0) & (pl.col("server_packets") > 0)).alias("answered"),
            pl.lit(None, dtype=pl.Float64).alias("rtt"),
            pl.lit(None, dtype=pl.List(pl.Float64)).alias("think"),
            pl.lit(0).alias("resent"),
            pl.lit(value=False).alias("reset"),
        )
    )


def _echo(tables: Tables) -> pl.DataFrame:
    """ICMP echo of each pair as one session; the asking side is the client."""
    rows = tables.icmp.filter(pl.col("src").is_not_null() & pl.col("dst").is_not_null())
    asked = rows.filter(pl.col("type").is_in(ECHO_REQUESTS))
    if asked.is_empty():
        return pl.DataFrame(schema=_DTYPES)
    answers = (
        rows.filter(pl.col("type").is_in(ECHO_REPLIES))
        .group_by(pl.col("dst").alias("client"), pl.col("src").alias("server"))
        .agg(pl.col("length").cast(pl.UInt64).sum().alias("down"), pl.len().alias("replies"))
    )
    made = (
        asked.group_by(pl.col("src").alias("client"), pl.col("dst").alias("server"), maintain_order=True)
        .agg(
            pl.col("time").min().alias("start"),
            (pl.col("time").max() - pl.col("time").min()).alias("seconds"),
            pl.col("length").cast(pl.UInt64).sum().alias("up"),
            pl.len().alias("requests"),
            pl.col("frame").min().alias("first_frame"),
        )
        .join(answers, on=["client", "server"], how="left", maintain_order="left")
    )
    return _shared(
        made.with_columns(
            pl.lit("icmp").alias("transport"),
            pl.lit(None, dtype=pl.UInt32).alias("stream"),
            pl.lit(None, dtype=pl.UInt16).alias("port"),
            pl.lit("ICMP").alias("protocol"),
            pl.col("down").fill_null(0),
            (pl.col("requests") + pl.col("replies").fill_null(0)).alias("packets"),
            (pl.col("replies").fill_null(0) > 0).alias("answered"),
            pl.lit(None, dtype=pl.Float64).alias("rtt"),
            pl.lit(None, dtype=pl.List(pl.Float64)).alias("think"),
            pl.lit(0).alias("resent"),
            pl.lit(value=False).alias("reset"),
        )
    )


def _names(tables: Tables) -> pl.DataFrame:
    """The name by which each stream's client called its server: TLS before HTTP."""
    key = ["transport", "stream"]
    tls = tables.tls.filter(pl.col("server_name").is_not_null()).select(*key, pl.col("server_name").alias("name"))
    http = tables.http.filter(pl.col("host").is_not_null() & (pl.col("protocol") != "SSDP"))
    host = pl.col("host").str.to_lowercase().str.replace(r":\d{1,5}$", "")
    http = http.select(*key, host.alias("name")).filter(
        ~pl.col("name").str.contains(r"^[\d.]+$") & ~pl.col("name").str.contains(":", literal=True)
    )
    rows = pl.concat([tls, http]).filter(pl.col("stream").is_not_null())
    lower = pl.col("name").str.to_lowercase().str.strip_chars_end(".")
    return rows.with_columns(lower).unique(subset=key, keep="first", maintain_order=True)
