"""What the rules about contact with one server share: rhythm, what is known about a server, and text of payloads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from statistics import median

import polars as pl

from tshark_report.knowledge import load
from tshark_report.report.model import PRIORITIES, Priority, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Rule
from tshark_report.settings import is_address
from tshark_report.tables.tables import Tables

SYN, ACK = 0x02, 0x10
DAY = 86_400.0

C2_WEB = Reference(title="ATT&CK T1071.001 Application Layer Protocol: Web Protocols", url="https://attack.mitre.org/techniques/T1071/001/")
NON_STANDARD_PORT = Reference(title="ATT&CK T1571 Non-Standard Port", url="https://attack.mitre.org/techniques/T1571/")
NON_APPLICATION = Reference(
    title="ATT&CK T1095 Non-Application Layer Protocol", url="https://attack.mitre.org/techniques/T1095/"
)
ENCRYPTED_CHANNEL = Reference(title="ATT&CK T1573 Encrypted Channel", url="https://attack.mitre.org/techniques/T1573/")
DYNAMIC_RESOLUTION = Reference(title="ATT&CK T1568 Dynamic Resolution", url="https://attack.mitre.org/techniques/T1568/")
REGULARITY_PAPER = Reference(
    title="Hu et al., BAYWATCH: Robust Beaconing Detection (DSN 2016)", url="https://doi.org/10.1109/DSN.2016.50"
)


# --- rhythm -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rhythm:
    """How regular a series of moments is. Seconds."""

    contacts: int
    median: float
    spread: float
    """Median absolute deviation of the gaps from their median."""
    run: int
    """Longest run of consecutive gaps that lie within RUN_TOLERANCE of the run's own mean."""
    shortest: float
    longest: float
    span: float

    @property
    def jitter(self) -> float:
        """Spread as a share of the median: 0 is a clock; uniform jitter of +-50 % gives 0.25; chance (Poisson) 0.69."""
        return self.spread / self.median if self.median > 0 else 1.0

    def words(self) -> str:
        """`5.0 s (median; half of the gaps within 0.1 s of it, most between 4.9 s and 6.7 s)`."""
        return (
            f"{seconds(self.median)} (median; half of the gaps within {seconds(self.spread)} of it, "
            f"most between {seconds(self.shortest)} and {seconds(self.longest)})"
        )


RUN_TOLERANCE = 0.5
"""A gap belongs to a regular run where it lies within this share of the run's mean: agents that sleep 30 to 60 s do."""


def rhythm(times: Sequence[float]) -> Rhythm | None:
    """The rhythm of sorted moments; None for fewer than three."""
    if len(times) < 3:
        return None
    gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
    middle = median(gaps)
    spread = median(abs(gap - middle) for gap in gaps)
    best = run = 0
    total = 0.0
    for gap in gaps:
        if run and abs(gap - total / run) <= RUN_TOLERANCE * total / run:
            run, total = run + 1, total + gap
        else:
            run, total = 1, gap
        best = max(best, run)
    ordered = sorted(gaps)
    tail = len(ordered) // 20
    return Rhythm(len(times), middle, spread, best, ordered[tail], ordered[-1 - tail], times[-1] - times[0])


def apart(times: Iterable[float], pause: float) -> list[float]:
    """Moments that come at least `pause` seconds after the last kept one's burst: parallel connections count once."""
    kept: list[float] = []
    last = float("-inf")
    for moment in sorted(times):
        if moment - last >= pause:
            kept.append(moment)
        last = moment
    return kept


# --- words ------------------------------------------------------------------------------------------------------------


def seconds(value: float) -> str:
    """A duration in words of one unit: `2.2 s`, `15 s`, `10.0 min`."""
    if value >= 600:
        return f"{value / 60:.1f} min"
    if value < 0.001:
        return "1 ms"
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.0f} s" if value >= 99.5 else f"{value:.1f} s" if value >= 0.95 else f"{value:.2f} s"


def clock(moment: float) -> str:
    """`09:14:07`, UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


def day(moment: float | None) -> str:
    """`2020-05-12`; `unreadable` where the date is none."""
    if moment is None:
        return "unreadable"
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "unreadable"


def size(count: float) -> str:
    """`412,160 bytes`."""
    return f"{count:,.0f} bytes"


def cut(text: str, limit: int = 120) -> str:
    """`text`, with an ellipsis where it is longer than `limit`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


# --- what is known ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _polling() -> tuple[tuple[str, frozenset[str]], ...]:
    kinds = load("polling")["names"]
    return tuple((kind, frozenset(names)) for kind, names in kinds.items() if isinstance(names, list))


POLLING_WORDS = {
    "connectivity_check": "a connectivity check",
    "certificates": "certificate status (OCSP, CRL)",
    "updates": "software updates",
    "telemetry": "telemetry or web statistics",
    "push_chat_mail": "push, chat or mail",
    "platforms": "a large platform",
}


def _suffixes(name: str) -> Iterable[str]:
    labels = name.lower().rstrip(".").split(".")
    for place in range(len(labels)):
        yield ".".join(labels[place:])


@lru_cache(maxsize=8192)
def polling_service(name: str) -> str:
    """What a well-known name is asked for again and again (`software updates`); "" for other names."""
    for suffix in _suffixes(name):
        for kind, names in _polling():
            if suffix in names:
                return POLLING_WORDS.get(kind, kind)
    return ""


@lru_cache(maxsize=8192)
def dynamic_dns(name: str) -> str:
    """The suffix under which `name` is a dynamic-DNS or tunnel name; "" where it is none."""
    known = load("dynamic_dns")
    every = {*known["providers"]["suffixes"], *known["tunnels"]["suffixes"]}
    found = list(_suffixes(name))
    return next((suffix for suffix in found[1:] if suffix in every), "")


@lru_cache(maxsize=8192)
def vendor_dynamic_dns(name: str) -> bool:
    """True for the dynamic names that vendors give to their own cameras, routers and disks."""
    every = set(load("dynamic_dns")["cameras"]["suffixes"])
    return any(suffix in every for suffix in _suffixes(name))


@lru_cache(maxsize=8192)
def address_lookup(name: str) -> bool:
    """True for services that tell a client its public address."""
    every = set(load("dynamic_dns")["address_lookup"]["names"])
    return any(suffix in every for suffix in _suffixes(name))


@lru_cache(maxsize=1)
def agent_paths() -> tuple[str, ...]:
    """Path prefixes that monitoring and logging agents send to by design."""
    return tuple(load("polling")["agents"]["paths"])


@lru_cache(maxsize=1)
def ordinary_lookups() -> tuple[str, ...]:
    """First labels and suffixes of names that hosts ask for by themselves (wpad, _ldap, in-addr.arpa)."""
    return tuple(load("polling")["dns"]["names"])


@lru_cache(maxsize=4)
def ports(kind: str) -> frozenset[int]:
    """`tls`, `http` or `polled`: ports on which that is nothing unusual."""
    return frozenset(load("services")[kind]["ports"])


def usual_port(protocol: str, port: int) -> bool:
    """True where `protocol` (as tshark names it) belongs on this TCP port, or is not judged."""
    if protocol.startswith(("TLS", "SSL", "DTLS")):
        return port in ports("tls")
    if protocol.startswith("HTTP"):
        return port in ports("http")
    expected = load("services")["expected"].get(protocol)
    if isinstance(expected, list) and protocol != "BitTorrent":
        return port in expected
    return port in ports("polled") or port in ports("http") or port in ports("tls")


# --- the server -------------------------------------------------------------------------------------------------------


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
        where = f"{self.name} ({self.address})" if self.name else self.address
        return f"{where} port {self.port}"

    def about(self) -> str:
        """A sentence about its name, with a blank in front; "" where there is nothing to say."""
        if self.dynamic:
            ttl = f" with a TTL of {self.ttl} s" if self.ttl is not None else ""
            asked = f", asked for {self.lookups} times" if self.lookups > 1 else ""
            return f" {self.name} is a dynamic-DNS name under {self.dynamic}{ttl}{asked}."
        if self.name and self.ttl is not None and self.ttl <= 60:
            return f" DNS gave {self.name} with a TTL of {self.ttl} s."
        if not self.name:
            return " No DNS answer, TLS server name or HTTP host in this capture names that address."
        return ""


def server(tables: Tables, address: str, port: int) -> Server:
    """What is known about a server address."""
    name = tables.names.get(address, "")
    ttl, lookups = None, 0
    if name:
        answers = tables.dns.filter((pl.col("name") == name) & pl.col("response") & (pl.col("a").list.len() > 0))
        if answers.height:
            values = [t for row in answers["ttls"].to_list() for t in (row or []) if t is not None]
            ttl = min(values) if values else None
        asked = tables.dns.filter((pl.col("name") == name) & ~pl.col("response"))
        lookups = asked.height
    return Server(address, port, name, ttl, lookups, dynamic_dns(name) if name else "", polling_service(name) if name else "")


def oddities(context: Context, tables: Tables, found: Server, protocol: str) -> list[str]:
    """What makes a server outside unusual, each in a few words; a well-known service has none."""
    if not context.is_outside(found.address) or found.polling:
        return []
    made = []
    if not usual_port(protocol, found.port):
        made.append(f"port {found.port} is unusual for {spoken(protocol)}")
    if found.dynamic:
        made.append(f"its name is a dynamic-DNS name ({found.name})")
    if not found.name and tables.dns.height:
        made.append("it was reached by its bare address")
    certificate = tables.certificates.filter((pl.col("src") == found.address) & (pl.col("src_port") == found.port))
    if certificate.height and certificate["self_signed"].any():
        subject = certificate.filter(pl.col("self_signed"))["subject"][0]
        made.append(f"its certificate is self-signed ({cut(str(subject), 60)})")
    return made


def spoken(protocol: str) -> str:
    """A protocol as a reader calls it: tshark's `TCP` is one that it does not know."""
    if protocol in ("TCP", "UDP", "DATA"):
        return "a protocol that tshark does not know"
    if protocol.startswith(("TLS", "SSL")):
        return "TLS"
    return "HTTP" if protocol.startswith("HTTP") else protocol


def interval(rhythm: Rhythm, priority: Priority) -> str:
    """`at a beacon-like regular interval of 5.0 s (...)`; without the word where the contact is likely harmless."""
    kind = "at a beacon-like regular interval" if priority in ("high", "medium") else "at a regular interval"
    return f"{kind} of {rhythm.words()}"


def told(rule: Rule, context: Context) -> list[Draft]:
    """What another rule of this family says about the capture, so that one event is told once."""
    return list(rule.function(context.tables, Context(context.settings, rule.limits(context.settings), context.tables)))


def first_of(drafts: Iterable[Draft], most: int = 10) -> list[Draft]:
    """The `most` drafts that an analyst would open first."""
    return sorted(drafts, key=lambda d: (PRIORITIES.index(d.priority), -d.weight, -len(d.frames)))[:most]


def indicator(address: str) -> tuple[str, str]:
    """An address as an indicator."""
    return ("ipv6" if ":" in address else "ipv4", address)


# --- filters and frames -----------------------------------------------------------------------------------------------


def not_quoted(tables: Tables) -> str:
    """Keeps ICMP errors out, which quote the headers of other packets; "" where there are none."""
    return filters.all_of(filters.negated("icmp"), filters.negated("icmpv6")) if tables.icmp.height else ""


def session_starts(tables: Tables, client: str, addresses: Sequence[str], port: int) -> tuple[str, list[int]]:
    """Display filter and frames of a client's TCP session starts (SYN) to a server's addresses."""
    rows = tables.packets.filter(
        (pl.col("transport") == "tcp")
        & (pl.col("src") == client)
        & pl.col("dst").is_in(list(addresses))
        & (pl.col("dst_port") == port)
        & ((pl.col("flags") & (SYN | ACK)) == SYN)
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
    rows = tables.packets.filter(
        (pl.col("transport") == transport) & (pl.col("stream") == stream) & (pl.col("src") == src)
        & (pl.col("src_port") == port) & (pl.col("payload") > 0)
    )  # fmt: skip
    parts = [filters.equals(f"{transport}.stream", stream), filters.src(src), filters.src_port(transport, port)]
    parts.append("tcp.len > 0" if transport == "tcp" else "udp.length > 8")
    return filters.all_of(*parts, not_quoted(tables)), rows


# --- text of payloads -------------------------------------------------------------------------------------------------

TEXT_SHARE = 0.95
"""Share of printable bytes from which a payload is called text."""


def text_of(data: bytes | None, least: int = 4) -> str:
    """A payload as text where nearly all of it is printable and it holds letters; else ""."""
    if not data or len(data) < least:
        return ""
    good = sum(0x20 <= byte < 0x7F or byte in b"\t\r\n" for byte in data)
    if good < TEXT_SHARE * len(data):
        return ""
    shown = re.sub(r"[\x00-\x1f\x7f-\xff]+", " ", data.decode("latin-1")).strip()
    return shown if re.search(r"[A-Za-z]{2}", shown) else ""


def constant_start(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    if not texts:
        return ""
    first, last = min(texts), max(texts)
    place = 0
    while place < min(len(first), len(last)) and first[place] == last[place]:
        place += 1
    return first[:place]


def is_bare(host: str | None) -> bool:
    """True where an HTTP Host is an address and no name."""
    text = (host or "").strip()
    if text.startswith("["):
        return True
    return is_address(text.rsplit(":", 1)[0] if text.count(":") == 1 else text)
