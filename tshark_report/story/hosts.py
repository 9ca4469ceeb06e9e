"""Who is in the capture: each address with its names, users, system and services."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec
import polars as pl

from tshark_report.capture.about import About
from tshark_report.report.model import Host
from tshark_report.settings import Settings, is_address, is_multicast
from tshark_report.story.services import service_name
from tshark_report.story.words import iso_time
from tshark_report.tables.tables import Tables

MOST_OF_A_KIND = 20
"""Names, users and services that are listed for one host."""

NOWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - nothing is bound
"""Addresses of a host that has none yet."""

MAYBE_MULTICAST = r"^(?:22|23|255|[fF][fF]|::)"
"""How multicast, broadcast and mapped addresses begin: only these need to be read."""

ROUTER_ADDRESSES = 4
"""A MAC address that sends for more addresses of one family than this belongs to a router: it says nothing of them."""

UDP_SERVICES = frozenset(
    (1434, 1645, 1646, 1701, 1812, 1813, 1900, 2049, 3389, 3478, 4500, 5060, 5353, 5683, 47808, 51820)
)
"""UDP ports above the system ports whose answers count as a service (IANA, read 2026-11-24)."""

AGENT_SYSTEMS: tuple[tuple[str, str], ...] = (
    (r"Windows NT 10\.0", "Windows 10 or later"),
    (r"Windows NT 6\.3", "Windows 8.1"),
    (r"Windows NT 6\.2", "Windows 8"),
    (r"Windows NT 6\.1", "Windows 7"),
    (r"Windows NT 6\.0", "Windows Vista"),
    (r"Windows NT 5\.[12]", "Windows XP"),
    (r"Windows NT 5\.0", "Windows 2000"),
    (r"Windows|Microsoft-CryptoAPI|Microsoft BITS|Microsoft NCSI|WinHTTP|WindowsPowerShell", "Windows"),
    (r"iPhone|iPad|CFNetwork.*Darwin.*iOS", "iOS"),
    (r"Android", "Android"),
    (r"Mac OS X|Macintosh|Darwin", "macOS or iOS"),
    (r"CrOS", "ChromeOS"),
    (r"Ubuntu", "Linux (Ubuntu)"),
    (r"Debian APT|Debian", "Linux (Debian)"),
    (r"Fedora|CentOS|Red Hat", "Linux (Red Hat family)"),
    (r"Linux|X11", "Linux"),
)
"""Pattern in a user agent and the system that it names, the more special first."""

DHCP_SYSTEMS: tuple[tuple[str, str], ...] = (
    (r"^MSFT", "Windows"),
    (r"^android", "Android"),
    (r"^dhcpcd|^udhcp|^busybox", "Linux or an embedded system"),
    (r"^ubnt|^Cisco|^ArubaAP|^AAPLBSDPC|^Hewlett", "a network device or appliance"),
)
"""Beginning of the DHCP vendor class and the system that sends it."""


def hosts(tables: Tables, settings: Settings, limit: int = 200) -> tuple[list[Host], int]:
    """The hosts to show, those that sent something first, and how many there are.

    Users are names only, never secrets. Makers and countries are not the capture's to say: `known` adds them.
    """
    traffic = _traffic(tables)
    doubtful = traffic["address"].filter(traffic["address"].str.contains(MAYBE_MULTICAST)).to_list()
    aside = [*NOWHERE, *(a for a in doubtful if is_multicast(a))]
    traffic = traffic.filter(~pl.col("address").is_in(aside))
    # Those that sent something stand first: where they fill the list, the thousands that a scan tried are only counted.
    spoke = traffic.filter(pl.col("packets_sent") > 0)
    shown = spoke if spoke.height >= limit else traffic
    home = pl.Series([settings.is_home(a) for a in shown["address"].to_list()], dtype=pl.Boolean)
    ordered = (
        shown.with_columns(home.alias("home"), (pl.col("bytes_sent") + pl.col("bytes_received")).alias("volume"))
        .with_columns((pl.col("packets_sent") > 0).alias("spoke"))
        .sort(["spoke", "home", "volume", "address"], descending=[True, True, True, False])
    )
    kept = ordered.head(limit)
    wanted = frozenset(kept["address"].to_list())
    macs, names, users = _macs(tables, wanted, settings), _names(tables, wanted), _users(tables, wanted)
    systems, services = _systems(tables, wanted), _services(tables, wanted)
    return [
        Host(
            address=row["address"],
            local=row["home"],
            macs=macs.get(row["address"], []),
            names=names.get(row["address"], [])[:MOST_OF_A_KIND],
            users=users.get(row["address"], [])[:MOST_OF_A_KIND],
            os_hint=systems.get(row["address"], ""),
            services=services.get(row["address"], [])[:MOST_OF_A_KIND],
            packets_sent=row["packets_sent"],
            packets_received=row["packets_received"],
            bytes_sent=row["bytes_sent"],
            bytes_received=row["bytes_received"],
            first_time=iso_time(row["first"]),
            last_time=iso_time(row["last"]),
        )
        for row in kept.iter_rows(named=True)
    ], traffic.height


def known(found: Iterable[Host], about: About) -> list[Host]:
    """The hosts with the makers of their network cards (one for each of `macs`), countries and operators."""
    made = []
    for host in found:
        makers = [about.makers.get(mac, "") for mac in host.macs]
        country, system = about.places.get(host.address, ("", ""))
        made.append(
            msgspec.structs.replace(
                host,
                vendors=makers if any(makers) else [],
                country=country,
                autonomous_system=system,
                vlans=about.vlans_of.get(host.address, []),
            )
        )
    return made


def _traffic(tables: Tables) -> pl.DataFrame:
    """Packets and bytes of each address both ways; a tunnelled packet counts for its outer and its inner addresses."""
    columns = ("frame", "time", "length", "src", "dst")
    outer = tables.layers.filter(pl.col("layer").is_in(["ip", "ipv6"])).select(columns)
    rows = tables.packets.select(columns)
    if outer.height:
        layered = pl.col("frame").is_in(outer["frame"].unique().implode())
        both = pl.concat([rows.filter(layered), outer]).unique(subset=["frame", "src", "dst"])
        rows = pl.concat([rows.filter(~layered), both])

    def one_way(column: str, way: str) -> pl.DataFrame:
        return (
            rows.filter(pl.col(column).is_not_null())
            .group_by(pl.col(column).alias("address"))
            .agg(
                pl.len().alias(f"packets_{way}"),
                pl.col("length").cast(pl.Int64).sum().alias(f"bytes_{way}"),
                pl.col("time").min().alias(f"first_{way}"),
                pl.col("time").max().alias(f"last_{way}"),
            )
        )

    joined = one_way("src", "sent").join(one_way("dst", "received"), on="address", how="full", coalesce=True)
    made = joined.select(
        "address",
        *(
            pl.col(f"{what}_{way}").fill_null(0).cast(pl.Int64)
            for what in ("packets", "bytes")
            for way in ("sent", "received")
        ),
        pl.min_horizontal("first_sent", "first_received").alias("first"),
        pl.max_horizontal("last_sent", "last_received").alias("last"),
    )
    # An address that only ever spoke ARP is a host as well.
    arp = tables.arp.filter(pl.col("sender").is_not_null() & ~pl.col("sender").is_in(made["address"].implode()))
    if arp.height:
        alone = arp.group_by(pl.col("sender").alias("address")).agg(
            pl.len().cast(pl.Int64).alias("packets_sent"),
            pl.lit(0, dtype=pl.Int64).alias("packets_received"),
            pl.col("length").cast(pl.Int64).sum().alias("bytes_sent"),
            pl.lit(0, dtype=pl.Int64).alias("bytes_received"),
            pl.col("time").min().alias("first"),
            pl.col("time").max().alias("last"),
        )
        made = pl.concat([made, alone.select(made.columns)])
    return made


def _macs(tables: Tables, wanted: frozenset[str], settings: Settings) -> dict[str, list[str]]:
    """ARP's word first; else the source MAC of packets, unless a router sent them on."""
    made: dict[str, dict[str, None]] = defaultdict(dict)
    said = tables.arp.select("sender", "src_mac").drop_nulls().unique(maintain_order=True)
    for address, mac in said.iter_rows():
        if address in wanted:
            made[address][mac] = None
    sent = tables.packets.select("src", "eth_src").drop_nulls().unique(maintain_order=True)
    sent = sent.with_columns(pl.col("src").str.contains(":", literal=True).alias("six"))
    behind = {
        (mac, six): count
        for mac, six, count in sent.group_by("eth_src", "six").agg(pl.col("src").n_unique()).iter_rows()
    }
    for address, mac, six in sent.filter(pl.col("src").is_in(list(wanted))).iter_rows():
        if address in made and not six:
            continue
        few = behind[(mac, six)] <= ROUTER_ADDRESSES
        alone = behind[(mac, six)] == 1
        if alone or (few and settings.is_home(address)):
            made[address][mac] = None
    return {address: list(found)[:MOST_OF_A_KIND] for address, found in made.items()}


def _collected(pairs: Iterable[tuple[str | None, str | None]], wanted: frozenset[str]) -> dict[str, list[str]]:
    """Address -> different texts in the order in which they came."""
    made: dict[str, dict[str, None]] = defaultdict(dict)
    for address, text in pairs:
        if address in wanted and text:
            made[address][text] = None
    return {address: list(found) for address, found in made.items()}


def _pairs(rows: pl.DataFrame, address: str, text: str) -> list[tuple[str, str]]:
    found = rows.select(address, text).drop_nulls().unique(maintain_order=True)
    return [(str(a), str(t)) for a, t in found.iter_rows()]


NETBIOS = re.compile(r"^(.*?)<(00|20)>")
"""A NetBIOS name with the suffix of a workstation or file server, as tshark shows it."""


def _names(tables: Tables, wanted: frozenset[str]) -> dict[str, list[str]]:
    """What a host calls itself (DHCP, NetBIOS, SMB, mDNS, Kerberos), then what others called it (TLS, HTTP, DNS)."""
    found: list[tuple[str | None, str | None]] = []
    found += _dhcp(tables, "hostname")
    found += _pairs(tables.smb.filter(~pl.col("host").is_in(["", "NULL"])), "src", "host")
    found += _pairs(tables.smb, "src", "browser_host")
    machines = tables.kerberos.filter(pl.col("client").str.ends_with("$"))
    found += [(a, n.removesuffix("$")) for a, n in _kerberos_clients(machines)]
    registered = tables.nbns.filter(~pl.col("response").fill_null(value=True) & pl.col("address").is_not_null())
    for suffix in ("20", "00"):
        for address, name in _pairs(registered.filter(pl.col("address") == pl.col("src")), "src", "name"):
            hit = NETBIOS.match(name)
            # A work group has the same suffix as a workstation: it counts only where no other name is known.
            if hit and hit.group(2) == suffix and (suffix == "20" or not any(a == address for a, _ in found)):
                found.append((address, hit.group(1).strip()))
    local = tables.dns.filter(pl.col("protocol").is_in(["MDNS", "LLMNR"]) & pl.col("src").is_not_null())
    # A host asks for its own name with type ANY before it uses it (RFC 6762, section 8.1).
    probes = local.filter(
        ~pl.col("response") & (pl.col("type") == 255) & ~pl.col("name").str.contains(r"\.arpa$|(^|\.)_")
    )
    found += _pairs(probes, "src", "name")
    own = local.filter(pl.col("response") & pl.col("a").list.contains(pl.col("src")))
    found += _pairs(own.with_columns(pl.col("answer_names").list.first()), "src", "answer_names")
    found += [(address, name) for address, name in tables.names.items()]
    answers = tables.dns.filter((pl.col("protocol") == "DNS") & pl.col("response") & pl.col("name").is_not_null())
    for kind in ("a", "aaaa"):
        found += _pairs(answers.filter(pl.col(kind).list.len() > 0).select("name", kind).explode(kind), kind, "name")
    return _collected(((a, n) for a, n in found if n and not is_address(n)), wanted)


FROM_CLIENTS = (1, 3, 4, 7, 8)
"""DISCOVER, REQUEST, DECLINE, RELEASE, INFORM (RFC 2132, section 9.6). An OFFER repeats the client's name."""


def _dhcp(tables: Tables, column: str) -> list[tuple[str | None, str | None]]:
    """(address, what the client said) of DHCP: the client's text belongs to the address that it was given."""
    rows = tables.dhcp
    said = rows.filter(pl.col(column).is_not_null())
    if said.is_empty():
        return []
    by_mac: dict[str, list[str]] = defaultdict(list)
    for mac, text in _pairs(said, "client_mac", column):
        by_mac[mac].append(text)
    made: list[tuple[str | None, str | None]] = list(
        _pairs(said.filter(~pl.col("src").is_in(NOWHERE) & pl.col("kind").is_in(FROM_CLIENTS)), "src", column)
    )
    # DHCPACK (5) names the address; some servers repeat the client's name in it, which is the same text.
    given = rows.filter(pl.col("offered").is_not_null() & ~pl.col("offered").is_in(NOWHERE) & (pl.col("kind") == 5))
    made += [(address, text) for mac, address in _pairs(given, "client_mac", "offered") for text in by_mac.get(mac, [])]
    return made


def _kerberos_clients(rows: pl.DataFrame) -> list[tuple[str, str]]:
    """The client's address and name: it sent AS-REQ (10), and AS-REP (11) and TGS-REP (13) came to it."""
    asked = _pairs(rows.filter(pl.col("kind") == 10), "src", "client")
    return asked + _pairs(rows.filter(pl.col("kind").is_in([11, 13])), "dst", "client")


def _users(tables: Tables, wanted: frozenset[str]) -> dict[str, list[str]]:
    found: list[tuple[str | None, str | None]] = []
    smb = tables.smb.filter(
        pl.col("user").is_not_null() & ~pl.col("user").is_in(["", "NULL"]) & ~pl.col("user").str.ends_with("$")
    )
    for address, user, domain in smb.select("src", "user", "domain").unique(maintain_order=True).iter_rows():
        found.append((str(address), f"{domain}\\{user}" if domain and domain not in ("NULL", ".") else str(user)))
    found += _kerberos_clients(tables.kerberos.filter(~pl.col("client").str.ends_with("$")))
    found += _pairs(tables.ftp.filter(pl.col("command").str.to_uppercase() == "USER"), "src", "argument")
    found += _pairs(tables.mail.filter(pl.col("pop_command").str.to_uppercase() == "USER"), "src", "pop_parameter")
    found += _pairs(tables.mail, "src", "smtp_user")
    found += _pairs(tables.mail, "src", "imap_user")
    basic = tables.http.filter(pl.col("credentials").is_not_null())
    found += [(address, pair.split(":", 1)[0]) for address, pair in _pairs(basic, "src", "credentials")]
    cookies = _pairs(tables.misc, "src", "rdp_cookie")
    found += [(address, hit.group(1)) for address, text in cookies if (hit := re.search(r"mstshash=([^\s;]+)", text))]
    found += _pairs(tables.misc, "src", "mysql_user")
    found += _pairs(tables.misc, "src", "radius_user")
    return _collected(((a, (u or "").strip()) for a, u in found), wanted)


def _systems(tables: Tables, wanted: frozenset[str]) -> dict[str, str]:
    """What a host says of its system, with where it says so, and the TTL that its packets began with."""
    said: dict[str, str] = {}
    for address, text in _pairs(tables.smb.filter(pl.col("native_os").str.len_chars() > 1), "src", "native_os"):
        if address in wanted:
            said.setdefault(address, f"{text[:60]} (SMB)")
    for address, agent in _pairs(tables.http.filter(pl.col("method").is_not_null()), "src", "user_agent"):
        system = _first_match(AGENT_SYSTEMS, agent)
        if system and address in wanted:
            said.setdefault(address, f"{system} (HTTP user agent)")
    for given, vendor in _dhcp(tables, "vendor_class"):
        system = _first_match(DHCP_SYSTEMS, vendor or "")
        if system and given and given in wanted:
            said.setdefault(given, f"{system} (DHCP vendor class)")
    initial = _initial_ttls(tables, wanted)
    return {
        address: "; ".join(part for part in (said.get(address, ""), initial.get(address, "")) if part)
        for address in wanted
        if address in said or address in initial
    }


@lru_cache(maxsize=4096)
def _first_match(patterns: tuple[tuple[str, str], ...], text: str) -> str:
    return next((system for pattern, system in patterns if re.search(pattern, text)), "")


TTLS: Mapping[int, str] = {
    64: "usual for Linux, Unix, macOS and phones",
    128: "usual for Windows",
    255: "usual for network devices",
}


def _initial_ttls(tables: Tables, wanted: frozenset[str]) -> dict[str, str]:
    """The start value that a host's TTLs point to; only of TCP packets, because multicast has values of its own."""
    sent = pl.col("src").is_in(list(wanted)) & pl.col("ttl").is_not_null() & (pl.col("transport") == "tcp")
    rows = tables.packets.lazy().filter(sent).select("src", "ttl").collect()
    made = {}
    for address, ttl in rows.group_by("src").agg(pl.col("ttl").mode().sort().last()).iter_rows():
        start = next((value for value in TTLS if ttl <= value), None)
        if start is not None and ttl > start - 32:
            made[str(address)] = f"TTL {start} at the start, {TTLS[start]}"
    return made


def _services(tables: Tables, wanted: frozenset[str]) -> dict[str, list[str]]:
    """TCP ports that answered a SYN or sent data from a system port, and UDP ports that answered."""
    tcp = tables.tcp_sessions.filter(
        pl.col("server").is_in(list(wanted))
        & (
            (pl.col("syn_acks") > 0)
            | ((pl.col("syns") == 0) & (pl.col("server_payload") > 0) & (pl.col("server_port") < 1024))
        )
    )
    udp = tables.udp_flows.filter(
        pl.col("server").is_in(list(wanted))
        & (pl.col("server_packets") > 0)
        & (pl.col("client_packets") > 0)
        & ((pl.col("server_port") < 1024) | pl.col("server_port").is_in(list(UDP_SERVICES)))
    )
    made: dict[str, list[str]] = defaultdict(list)
    for transport, rows in (("tcp", tcp), ("udp", udp)):
        busiest = rows.group_by("server", "server_port").agg(
            pl.len(), pl.col("protocol").filter(~pl.col("protocol").is_in(["TCP", "UDP", "DATA"])).mode().sort().first()
        )
        lasting = busiest.filter(pl.col("protocol").fill_null("") != "FTP-DATA")
        for server, port, _, spoken in lasting.sort(["len", "server_port"], descending=[True, False]).iter_rows():
            name = spoken or service_name(transport, port)
            made[str(server)].append(f"{transport}/{port} ({name})" if name else f"{transport}/{port}")
    return made
