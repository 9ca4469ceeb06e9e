"""What the rules about names share: DNS messages with their two ends, questions with their answers, zones of names."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import polars as pl

from tshark_report.knowledge import load
from tshark_report.knowledge.domains import has_known_suffix, registered_domain
from tshark_report.rules import filters
from tshark_report.tables import questions as _questions
from tshark_report.tables.tables import Tables

TYPES: dict[int, str] = {
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    10: "NULL",
    12: "PTR",
    13: "HINFO",
    15: "MX",
    16: "TXT",
    24: "SIG",
    25: "KEY",
    28: "AAAA",
    33: "SRV",
    35: "NAPTR",
    38: "A6",
    43: "DS",
    46: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    50: "NSEC3",
    52: "TLSA",
    64: "SVCB",
    65: "HTTPS",
    99: "SPF",
    251: "IXFR",
    252: "AXFR",
    255: "ANY",
    257: "CAA",
    65399: "PRIVATE",
}
"""Record types by number (IANA DNS parameters); 65280 to 65534 are for private use."""

RCODES: dict[int, str] = {
    0: "no error",
    1: "format error",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "not implemented",
    5: "REFUSED",
    9: "NOTAUTH",
}

MOST_FINDINGS = 10
"""Findings of one rule in a report, most telling first."""

FIRST_ROWS = 50
"""Evidence rows that are built; the report keeps no more."""


def type_name(number: int | None) -> str:
    """`TXT` for 16; `type 4711` for what has no name here."""
    return TYPES.get(number, f"type {number}") if number is not None else "no type"


def cut(text: str, limit: int = 120) -> str:
    """Text from the wire for a summary: at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clock(seconds: float | None) -> str:
    """Time of day in UTC."""
    if seconds is None:
        return "an unknown time"
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return "an unknown time"


def minutes(first: float, last: float) -> str:
    """`between 09:14:07 and 09:20:00 UTC`, or one time."""
    a, b = clock(first), clock(last)
    return f"at {a} UTC" if a == b else f"between {a} and {b} UTC"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 query`, `1,234 queries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(parts: Sequence[str], limit: int = 3) -> str:
    """`a, b and c`; past `limit`, `a, b, c and 7 more`."""
    if len(parts) > limit:
        return ", ".join(parts[:limit]) + f" and {len(parts) - limit:,} more"
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def seconds_text(value: float) -> str:
    """`340 ms` or `2.4 s`."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def size_text(value: int) -> str:
    """Bytes as on a link: `812 bytes`, `4.1 kB`, `12.3 MB`."""
    return f"{value / 1e6:.1f} MB" if value >= 1e6 else f"{value / 1e3:.1f} kB" if value >= 1e3 else f"{value} bytes"


def messages(tables: Tables) -> pl.DataFrame:
    """The capture's DNS messages; columns as tables.questions.messages gives them."""
    kept: pl.DataFrame | None = tables.kept.get("dns messages")
    if kept is None:
        kept = tables.kept["dns messages"] = _questions.messages(tables.dns)
    return kept


def questions(dns: pl.DataFrame) -> pl.DataFrame:
    """Questions with their answers, as tables.questions.questions gives them."""
    return _questions.questions(dns)


@dataclass(frozen=True)
class Zone:
    """The part of a name that stands for whoever answers it, and what stands before it."""

    name: str
    sub: str
    prefix: bool = False
    """True where the name has no registered domain, so that names are grouped by their first label instead."""


def zones(names: Iterable[str]) -> dict[str, Zone]:
    """The zone of each name.

    That is the registered domain. Where a name ends in a label that no other name has and that is no known suffix
    (`dnscat.546b03f5`), the last label is data and not a domain: such names are grouped by their first label.
    """
    wanted = [name for name in names if name]
    endings: Counter[str] = Counter(name.rpartition(".")[2] for name in wanted)
    made: dict[str, Zone] = {}
    for name in wanted:
        first, dot, _ = name.partition(".")
        if dot and endings[name.rpartition(".")[2]] == 1 and not has_known_suffix(name):
            made[name] = Zone(first, name[len(first) + 1 :], prefix=True)
            continue
        domain = registered_domain(name)
        if domain is None:
            made[name] = Zone(name, "")
        else:
            made[name] = Zone(domain, name[: -len(domain) - 1] if len(name) > len(domain) else "")
    return made


def with_zones(dns: pl.DataFrame) -> pl.DataFrame:
    """Messages with `zone` (text), `sub` (what stands before it) and `zone_prefix` (see Zone)."""
    names = dns["qname"].unique().drop_nulls().to_list()
    made = zones(names)
    table = pl.DataFrame(
        [(name, zone.name, zone.sub, zone.prefix) for name, zone in made.items()],
        schema={"qname": pl.String, "zone": pl.String, "sub": pl.String, "zone_prefix": pl.Boolean},
        orient="row",
    )
    return dns.join(table, on="qname", how="inner", maintain_order="left")


def zone_filter(zone: str, *, prefix: bool) -> str:
    """Display filter for names of a zone."""
    return filters.begins("dns.qry.name", zone + ".") if prefix else filters.under("dns.qry.name", zone)


def dns_filter(*parts: str) -> str:
    """DNS packets for which all parts hold, but not those that an ICMP error only quotes."""
    return filters.all_of("dns", "!icmp && !icmpv6", *parts)


NETWORK_BITS = 16
"""Addresses with the same first 16 bits (IPv6: 32) count as one network."""


@lru_cache(maxsize=1)
def _clouds() -> tuple[tuple[int, int, str], ...]:
    made = []
    for operator, blocks in load("dns")["cloud_networks"]["blocks"].items():
        for block in blocks:
            network = ipaddress.IPv4Network(block)
            made.append((int(network.network_address), int(network.netmask), operator))
    return tuple(made)


@lru_cache(maxsize=100_000)
def network_of(address: str) -> str:
    """A name for the network of an address: the operator of a large cloud, or its first 16 bits (IPv6: 32)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((int(parsed) >> 96 << 96, 32)))
    number = int(parsed)
    for first, mask, operator in _clouds():
        if number & mask == first:
            return operator
    return str(ipaddress.ip_network((number >> 16 << 16, NETWORK_BITS)))


def frames_of(rows: pl.DataFrame) -> list[int]:
    """Frame numbers in order."""
    return [int(n) for n in rows["frame"].unique().sort().to_list()]


def first_time(rows: pl.DataFrame) -> float:
    """Time of the earliest row."""
    return float(rows["time"].min() or 0.0)  # type: ignore[arg-type]


def last_time(rows: pl.DataFrame) -> float:
    """Time of the latest row."""
    return float(rows["time"].max() or 0.0)  # type: ignore[arg-type]


def client_filter(client: str) -> str:
    """Display filter for what `client` asked and what it was answered."""
    return filters.any_of(
        filters.all_of(filters.src(client), filters.equals("dns.flags.response", 0)),
        filters.all_of(filters.dst(client), filters.equals("dns.flags.response", 1)),
    )


def layered(pattern: str) -> str:
    """Display filter for packets whose `frame.protocols` match a regular expression of this project's own."""
    return f"frame.protocols matches {filters.quoted(pattern)}"


MOST_RANGES = 60


def by_number(frames: Sequence[int]) -> tuple[str, list[int]]:
    """A filter of frame numbers and the frames that it selects: the first 60 runs of consecutive numbers."""
    kept: list[int] = []
    runs = 0
    for number in sorted(set(frames)):
        if not kept or number != kept[-1] + 1:
            runs += 1
        if runs > MOST_RANGES:
            break
        kept.append(number)
    return filters.all_of("dns", filters.frames(kept)), kept
