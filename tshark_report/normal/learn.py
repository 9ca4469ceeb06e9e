"""One capture -> what it teaches: a baseline of its own, to be merged with others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from tshark_report import __version__
from tshark_report.knowledge.domains import registered_domain
from tshark_report.normal import amounts
from tshark_report.normal.facts import Facts, network_of, text
from tshark_report.normal.model import Baseline, Name, Profile, Traffic
from tshark_report.story.words import iso_time
from tshark_report.tables.sessions import RST

ADDRESS_TYPES = (1, 28)
"""A and AAAA: the records whose TTL tells how long an address is good for."""
SHARED_MAC = 3
"""A hardware address that sends for more addresses than this is a router's, and no host's own."""
COUNTING_STEP = 1000
"""IP IDs that go up by at most this from packet to packet of a host count; a busy host skips some."""
MOSTLY_ZERO, MOSTLY_UP = 0.9, 0.8
"""Shares of a host's packets from which its IP IDs are called zero, or counting: a few others do not change that."""
ID_PACKETS = 8
"""Packets of a host from which its IP IDs show how they behave."""


def learnt(facts: Facts, sha256: str, said: Mapping[str, Sequence[str]], now: datetime) -> Baseline:
    """What one capture teaches.

    Args:
        facts: its sessions and tables.
        sha256: the capture's hash, by which it is told from others.
        said: for each home host the keys of what rules said about it, as in `model.Profile.findings`.
        now: the moment of learning.
    """
    tables, settings = facts.tables, facts.settings
    hosts = facts.hosts
    made = {host: _profile(facts, [host], said.get(host, ()), alone=True) for host in hosts}
    networks: dict[str, list[str]] = {}
    for host in hosts:
        networks.setdefault(network_of(host), []).append(host)
    together = {
        network: _profile(facts, members, [key for m in members for key in said.get(m, ())], alone=False)
        for network, members in networks.items()
        if network
    }
    first, last = iso_time(tables.first_time) or "", iso_time(tables.last_time) or ""
    return Baseline(
        tool=__version__,
        created=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        home=[str(network) for network in settings.home],
        captures=[sha256],
        first=first,
        last=last,
        packets=tables.packets.height,
        seconds=round(tables.seconds, 3),
        hours=dict.fromkeys(_hours_covered(tables.first_time, tables.last_time), 1) if tables.packets.height else {},
        networks=together,
        hosts=made,
    )


def _hours_covered(first: float, last: float) -> list[str]:
    """Hours of the day, UTC, of which a capture covers any part."""
    hours = range(math.floor(first / 3600), min(math.floor(last / 3600), math.floor(first / 3600) + 23) + 1)
    return [str(hour % 24) for hour in hours]


def _profile(facts: Facts, members: Sequence[str], said: Iterable[str], *, alone: bool) -> Profile:
    tables = facts.tables
    own = list(members)
    started, served = facts.started(own), facts.served(own)
    outside = started.filter(~pl.col("server_home"))
    named, nameless = outside.filter(pl.col("domain").is_not_null()), outside.filter(pl.col("domain").is_null())
    times = facts.sent(own)["time"]
    up, down, number = _by_minute(outside)
    return Profile(
        captures=1,
        first=iso_time(float(times.min())) or "" if times.len() else "",  # type: ignore[arg-type]
        last=iso_time(float(times.max())) or "" if times.len() else "",  # type: ignore[arg-type]
        seconds=round(tables.seconds, 3),
        macs=_once(host_macs(facts, own[0])) if alone and own else {},
        offered=traffic(served, ["service"]),
        used=traffic(started, ["service"]),
        peers=traffic(nameless, ["server", "service"]),
        domains=traffic(named, ["domain", "service"]),
        **names_asked(facts, own),
        agents=_once(texts_of(tables.http.filter(pl.col("method").is_not_null()), own, "user_agent")),
        ja3=_once(texts_of(tables.tls, own, "ja3")),
        ja4=_once(texts_of(tables.tls, own, "ja4")),
        issuers=_once(issuers(facts, own)),
        ttl=_once(ttls(facts, own)),
        ip_id=_once(id_behaviour(facts, own)),
        hours=_once(str(int(t // 3600) % 24) for t in started["start"].to_list()),
        up_minute=up,
        down_minute=down,
        sessions_minute=number,
        findings=_once(said),
    )


def _once(values: Iterable[str]) -> dict[str, int]:
    """Each different value counts once a capture."""
    return dict.fromkeys(sorted({text(value) for value in values if value}), 1)


def traffic(sessions: pl.DataFrame, by: Sequence[str]) -> dict[str, Traffic]:
    """Sessions by the columns that make a key, joined by a blank."""
    made: dict[str, Traffic] = {}
    if sessions.is_empty():
        return made
    rows = sessions.group_by(by, maintain_order=True).agg(
        pl.col("answered").sum().alias("sessions"),
        (~pl.col("answered")).sum().alias("failed"),
        (~pl.col("client_home")).sum().alias("from_outside"),
        pl.col("packets").sum(),
        pl.col("resent").sum(),
        pl.col("reset").sum().alias("resets"),
        *(pl.col(name).filter("answered").alias(name) for name in ("up", "down", "seconds")),
        pl.col("interval").drop_nulls(),
        pl.col("rtt").drop_nulls(),
        pl.col("think").explode().drop_nulls(),
    )
    for row in rows.iter_rows(named=True):
        key = " ".join(text(str(row[name])) for name in by)
        bins: dict[str, Any] = {
            name: amounts.of(row[name]) for name in ("up", "down", "seconds", "interval", "rtt", "think")
        }
        names = ("sessions", "failed", "from_outside", "packets", "resent", "resets")
        counts: dict[str, Any] = {name: int(row[name]) for name in names}
        made[key] = Traffic(captures=1, **counts, **bins)
    return made


def _by_minute(outside: pl.DataFrame) -> tuple[Any, Any, Any]:
    """Bytes each way and sessions, by the minute in which sessions with the outside began."""
    rows = (
        outside.filter("answered")
        .group_by((pl.col("start") // 60).alias("minute"))
        .agg(pl.col("up").sum(), pl.col("down").sum(), pl.len().alias("number"))
        .sort("minute")
    )
    return tuple(amounts.of(rows[name].to_list()) for name in ("up", "down", "number"))  # type: ignore[return-value]


def names_asked(facts: Facts, own: Sequence[str]) -> dict[str, Any]:
    """Names that these hosts asked for: `names` as they were asked, `lookups` by registered domain."""
    dns = facts.tables.dns.filter((pl.col("protocol") == "DNS") & pl.col("name").is_not_null())
    dns = dns.filter(pl.when(pl.col("response")).then("dst").otherwise("src").is_in(list(own)))
    whole: dict[str, tuple[int, int, list[float]]] = {}
    domains: dict[str, tuple[int, int, list[float]]] = {}
    rows = dns.group_by("name", maintain_order=True).agg(
        (~pl.col("response")).sum().alias("queries"),
        (pl.col("response") & (pl.col("rcode").fill_null(0) > 0)).sum().alias("failures"),
        pl.col("answer_types").filter("response"),
        pl.col("ttls").filter("response"),
    )
    for name, queries, failures, kinds, ttls in rows.iter_rows():
        whole_name = str(name).lower().rstrip(".")
        lower, domain = text(whole_name), text(registered_domain(whole_name) or whole_name)
        pairs = zip(kinds or [], ttls or [], strict=True)
        found = [
            float(ttl)
            for types, values in pairs
            for kind, ttl in zip(types or [], values or [], strict=False)
            if kind in ADDRESS_TYPES and ttl is not None
        ]
        for place, key in ((whole, lower), (domains, domain)):
            before = place.get(key, (0, 0, []))
            place[key] = (before[0] + int(queries), before[1] + int(failures), [*before[2], *found])
    return {
        "names": {k: Name(queries=q, failures=f, ttl=amounts.of(t)) for k, (q, f, t) in whole.items()},
        "lookups": {k: Name(queries=q, failures=f, ttl=amounts.of(t)) for k, (q, f, t) in domains.items()},
    }


def texts_of(rows: pl.DataFrame, own: Sequence[str], column: str) -> list[str]:
    """Different texts that these hosts sent."""
    found = rows.filter(pl.col("src").is_in(list(own)) & pl.col(column).is_not_null())
    return sorted({text(str(v)) for v in found[column].unique().to_list()})


def issuers(facts: Facts, own: Sequence[str]) -> list[str]:
    """Issuers of certificates that were shown to these hosts."""
    certificates = facts.tables.certificates
    if certificates.is_empty():
        return []
    found = certificates.filter(pl.col("dst").is_in(list(own)) & pl.col("issuer").is_not_null())
    return sorted({text(str(v)) for v in found["issuer"].unique().to_list()})


def host_macs(facts: Facts, address: str) -> list[str]:
    """Hardware addresses that the host sent from, by ARP's word or where no router stands between."""
    arp = facts.tables.arp.filter(pl.col("sender") == address)["src_mac"].drop_nulls().unique().to_list()
    if arp:
        return [str(mac) for mac in arp]
    macs = facts.sent([address])["eth_src"].drop_nulls().unique().to_list()
    return [str(mac) for mac in macs if facts.neighbours.get(mac, 0) <= SHARED_MAC]


def ttls(facts: Facts, own: Sequence[str]) -> list[str]:
    """TTLs of TCP packets other than resets, which some stacks send with another one."""
    rows = facts.sent(own).filter(
        (pl.col("transport") == "tcp") & pl.col("ttl").is_not_null() & ((pl.col("flags").fill_null(0) & RST) == 0)
    )
    return [str(v) for v in rows["ttl"].unique().to_list()]


def id_behaviour(facts: Facts, own: Sequence[str]) -> list[str]:
    """How the IP IDs of each host behave, over its first packets of IPv4."""
    rows = facts.sent(own).filter((pl.col("transport") == "tcp") & pl.col("ip_id").is_not_null())
    if rows.is_empty():
        return []
    step = (pl.col("ip_id").cast(pl.Int32) - pl.col("ip_id").cast(pl.Int32).shift(1)) % 65536
    seen = rows.group_by("src").agg(
        pl.len().alias("packets"),
        pl.col("ip_id").n_unique().alias("different"),
        (pl.col("ip_id") == 0).mean().alias("zero"),
        step.is_between(0, COUNTING_STEP).mean().alias("up"),
    )
    many = (host for host in seen.iter_rows(named=True) if host["packets"] >= ID_PACKETS)
    return sorted({_id_kind(host["zero"], host["different"], host["up"] or 0.0) for host in many})


def _id_kind(zero: float, different: int, up: float) -> str:
    """What IP IDs do, from the share of zeros, the number of different ones, and the share of small steps up."""
    if zero > MOSTLY_ZERO:
        return "zero"
    if different == 1:
        return "constant"
    return "counting" if up > MOSTLY_UP else "varying"
