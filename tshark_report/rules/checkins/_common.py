"""What the rules about contact with one server share: what the capture says of it, filters and frames."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from tshark_report.report.model import PRIORITIES, Reference
from tshark_report.rules import filters, near
from tshark_report.rules.base import Context, Draft, Rule, drafts
from tshark_report.rules.checkins._known import GENERIC_NAMES, address_lookup, dynamic_dns, polling_service, usual_port
from tshark_report.rules.checkins._words import cut, spoken
from tshark_report.settings import is_address
from tshark_report.tables.sessions import GENERIC_PROTOCOLS
from tshark_report.tables.tables import Tables

DAY = 86_400.0

C2_WEB = Reference(
    title="ATT&CK T1071.001 Application Layer Protocol: Web Protocols",
    url="https://attack.mitre.org/techniques/T1071/001/",
)
NON_STANDARD_PORT = Reference(title="ATT&CK T1571 Non-Standard Port", url="https://attack.mitre.org/techniques/T1571/")
NON_APPLICATION = Reference(
    title="ATT&CK T1095 Non-Application Layer Protocol", url="https://attack.mitre.org/techniques/T1095/"
)
ENCRYPTED_CHANNEL = Reference(title="ATT&CK T1573 Encrypted Channel", url="https://attack.mitre.org/techniques/T1573/")
DYNAMIC_RESOLUTION = Reference(
    title="ATT&CK T1568 Dynamic Resolution", url="https://attack.mitre.org/techniques/T1568/"
)
REGULARITY_PAPER = Reference(
    title="Hu et al., BAYWATCH: Robust Beaconing Detection (DSN 2016)", url="https://doi.org/10.1109/DSN.2016.50"
)


@dataclass(frozen=True)
class Server:
    """What this capture says about a server, for a summary and for what makes contact with it unusual."""

    address: str
    port: int
    name: str
    """The name by which a client reached it; "" for a bare address."""
    ttl: int | None
    lookups: int
    dynamic: str
    polling: str

    def words(self) -> str:
        """`name (address) port 443`."""
        where = f"{cut(self.name, 100)} ({self.address})" if self.name else self.address
        return f"{where} port {self.port}"

    @property
    def key(self) -> str:
        """`name:443`, or the address where no name is known: the server's part of a finding's identity."""
        return f"{cut(self.name, 100) or self.address}:{self.port}"

    def about(self) -> str:
        """A sentence about its name, with a blank in front; "" where there is nothing to say."""
        if self.dynamic:
            ttl = f" with a TTL of {self.ttl} s" if self.ttl is not None else ""
            asked = f", asked for {self.lookups} times" if self.lookups > 1 else ""
            return f" {cut(self.name, 100)} is a dynamic-DNS name under {self.dynamic}{ttl}{asked}."
        if self.name and self.ttl is not None and self.ttl <= 60:
            return f" DNS gave {cut(self.name, 100)} with a TTL of {self.ttl} s."
        if not self.name:
            return " No DNS answer, TLS server name or HTTP host in this capture names that address."
        return ""


def server(tables: Tables, address: str, port: int) -> Server:
    """What is known about a server address."""
    name = tables.names.get(address, "")
    ttls, asked = _looked_up(tables)
    ttl, lookups = (ttls.get(name), asked.get(name, 0)) if name else (None, 0)
    return Server(
        address, port, name, ttl, lookups, dynamic_dns(name) if name else "", polling_service(name) if name else ""
    )


def _looked_up(tables: Tables) -> tuple[dict[str, int], dict[str, int]]:
    """Name -> least TTL of its addresses, and name -> how often it was asked for."""
    kept: tuple[dict[str, int], dict[str, int]] | None = tables.kept.get("looked up")
    if kept is None:
        answers = tables.dns.filter(pl.col("response") & (pl.col("a").list.len() > 0))
        least = answers.group_by("name").agg(pl.col("ttls").explode().min()).drop_nulls()
        asked = tables.dns.filter(~pl.col("response")).group_by("name").len()
        kept = tables.kept["looked up"] = (dict(least.iter_rows()), dict(asked.iter_rows()))
    return kept


def oddities(context: Context, tables: Tables, found: Server, protocol: str) -> list[str]:
    """What makes a server unusual, each in a few words; a well-known service has none."""
    if found.polling:
        return []
    outside = context.is_outside(found.address)
    made = []
    if not usual_port(protocol, found.port):
        made.append(f"port {found.port} is unusual for {spoken(protocol)}")
    if outside and found.dynamic:
        made.append(f"its name is a dynamic-DNS name ({cut(found.name, 100)})")
    if outside and not found.name and tables.dns.height:
        made.append("it was reached by its bare address")
    certificate = tables.certificates.filter((pl.col("src") == found.address) & (pl.col("src_port") == found.port))
    if certificate.height and certificate["self_signed"].any():
        subject = certificate.filter(pl.col("self_signed"))["subject"][0]
        made.append(f"its certificate is self-signed ({cut(str(subject), 60)})")
    return made


def hidden_tls(tables: Tables) -> frozenset[int]:
    """TCP streams that begin with a TLS client hello and that tshark takes for another protocol because of the port."""
    kept: frozenset[int] | None = tables.kept.get("hidden tls")
    if kept is None:
        first = tables.openings.lazy().filter(
            (pl.col("transport") == "tcp")
            & (pl.col("order") == 0)
            & (pl.col("data").bin.slice(0, 2) == b"\x16\x03")  # a handshake record of any TLS version
            & (pl.col("data").bin.slice(5, 1) == b"\x01")  # that holds a client hello
        )
        streams = first.select(pl.col("stream").unique()).collect()["stream"]
        named = pl.col("protocol").str.contains(r"^(TLS|SSL)")
        rows = tables.tcp_sessions.filter(pl.col("stream").is_in(streams.implode()) & ~named)
        kept = tables.kept["hidden tls"] = frozenset(rows["stream"].to_list())
    return kept


PEERS = 15
"""Outside ports in an unknown protocol from which a client is taken for a peer-to-peer program."""


def peer_to_peer(context: Context, tables: Tables, client: str) -> bool:
    """True where a client speaks unknown protocols with many outside ports, as file-sharing programs do."""
    return len({port for address, port in _peers(tables).get(client, ()) if context.is_outside(address)}) >= PEERS


def _peers(tables: Tables) -> dict[str, list[tuple[str, int]]]:
    """Client -> servers and high ports with which it spoke an unknown protocol, both ways."""
    kept: dict[str, list[tuple[str, int]]] | None = tables.kept.get("peers")
    if kept is None:
        kinds = [*GENERIC_PROTOCOLS, "BitTorrent", "BT-DHT", "BT-uTP"]
        spoken = (
            (pl.col("server_payload") > 0)
            & (pl.col("client_payload") > 0)
            & pl.col("protocol").is_in(kinds)
            & (pl.col("server_port") > 1024)
        )
        kept = {}
        for rows in (tables.tcp_sessions, tables.udp_flows):
            found = rows.lazy().filter(spoken).select("client", "server", "server_port").unique().collect()
            for client, server_, port in found.iter_rows():
                kept.setdefault(client, []).append((server_, port))
        tables.kept["peers"] = kept
    return kept


P2P_LOWERED = "The client speaks unknown protocols with many outside ports, as peer-to-peer programs do."


def told(rule: Rule, context: Context) -> list[Draft]:
    """What another rule of this family says about the capture, so that one event is told once."""
    return drafts(rule, Context(context.settings, rule.limits(context.settings), context.tables))


def first_of(drafts: Iterable[Draft], most: int = 10) -> list[Draft]:
    """The `most` drafts that an analyst would open first."""
    return sorted(drafts, key=lambda d: (PRIORITIES.index(d.priority), -d.weight, -len(d.frames)))[:most]


def indicator(address: str) -> tuple[str, str]:
    """An address as an indicator."""
    return ("ipv6" if ":" in address else "ipv4", address)


def own_names(tables: Tables, client: str) -> dict[str, str]:
    """Host and user names of a client that this capture shows: name -> `host` or `user`. Generic ones are left out."""
    kept: dict[str, dict[str, str]] | None = tables.kept.get("own names")
    if kept is None:
        kept = tables.kept["own names"] = _own_names(tables)
    return kept.get(client, {})


def _own_names(tables: Tables) -> dict[str, dict[str, str]]:
    # A host registers its own names at the broadcast address, and asks for those of others.
    registered = tables.nbns.filter(pl.col("src") == pl.col("address"))
    announced = tables.dns.filter(pl.col("response") & pl.col("protocol").is_in(["LLMNR", "MDNS"]))
    found: dict[str, dict[str, str]] = {}
    for rows, column, kind in (
        (tables.smb, "browser_host", "host"),
        (tables.smb, "host", "host"),
        (tables.smb, "user", "user"),
        (tables.dhcp, "hostname", "host"),
        (registered, "name", "host"),
        (announced, "name", "host"),
        (tables.kerberos, "client", "user"),
    ):
        for client, value in rows.select("src", column).drop_nulls().unique(maintain_order=True).iter_rows():
            plain = value.split("<", 1)[0].split("@", 1)[0].strip().rstrip("$").split(".", 1)[0]
            if len(plain) >= 5 and plain.lower() not in GENERIC_NAMES and not plain.isdigit():
                found.setdefault(client, {}).setdefault(plain, kind)
    return found


def named_in(text: str, names: dict[str, str]) -> list[str]:
    """Which of these names stand in `text` as words of their own, whatever the case, each as `host name X`."""
    plain = text.lower()
    return [
        f"{kind} name {name}"
        for name, kind in names.items()
        if name.lower() in plain and re.search(rf"(?<![a-z0-9]){re.escape(name.lower())}(?![a-z0-9])", plain)
    ]


def lookups_of(tables: Tables, client: str, before: float | None = None) -> list[tuple[str, float, int]]:
    """Services that tell a client its public address which it asked over HTTP or TLS: (name, time, frame)."""
    http = tables.http.filter((pl.col("src") == client) & pl.col("method").is_not_null() & pl.col("host").is_not_null())
    tls = tables.tls.filter((pl.col("src") == client) & pl.col("server_name").is_not_null())
    asked = [*http.select("host", "time", "frame").iter_rows(), *tls.select("server_name", "time", "frame").iter_rows()]
    return sorted(
        (
            (name, time, frame)
            for name, time, frame in asked
            if address_lookup(name.split(":", 1)[0]) and (before is None or time <= before)
        ),
        key=lambda row: row[1],
    )


def not_quoted(tables: Tables) -> str:
    """Keeps ICMP errors out, which quote the headers of other packets; "" where there are none."""
    return filters.all_of(filters.negated("icmp"), filters.negated("icmpv6")) if tables.icmp.height else ""


def session_starts(tables: Tables, client: str, addresses: Sequence[str], port: int) -> tuple[str, list[int]]:
    """Display filter and frames of a client's TCP session starts (SYN) to a server's addresses."""
    rows = near.session_starts(tables).filter(
        (pl.col("src") == client) & pl.col("dst").is_in(list(addresses)) & (pl.col("dst_port") == port)
    )
    shown = filters.all_of(
        filters.src(client),
        filters.any_of(*(filters.dst(a) for a in addresses)),
        filters.dst_port("tcp", port),
        "tcp.flags.syn == 1",
        "tcp.flags.ack == 0",
        not_quoted(tables),
    )
    return shown, rows["frame"].to_list()


def stream_payload(tables: Tables, transport: str, stream: int, src: str, port: int) -> tuple[str, pl.DataFrame]:
    """Display filter and packets with payload that one end sent in one stream; `port` is the sender's."""
    rows = near.of_streams(tables, transport, [stream]).filter(
        (pl.col("src") == src) & (pl.col("src_port") == port) & (pl.col("payload") > 0)
    )
    parts = [filters.equals(f"{transport}.stream", stream), filters.src(src), filters.src_port(transport, port)]
    parts.append("tcp.len > 0" if transport == "tcp" else "udp.length > 8")
    return filters.all_of(*parts, not_quoted(tables)), rows


def is_bare(host: str | None) -> bool:
    """True where an HTTP Host is an address and no name."""
    text = (host or "").strip()
    if text.startswith("["):
        return True
    return is_address(text.rsplit(":", 1)[0] if text.count(":") == 1 else text)
