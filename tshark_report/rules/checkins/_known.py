"""What is known about names and ports, asked of the data in tshark_report.knowledge."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import polars as pl

from tshark_report.knowledge import load
from tshark_report.tables.sessions import GENERIC_PROTOCOLS


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


@lru_cache(maxsize=8)
def names(kind: str, part: str) -> frozenset[str]:
    """One of the lists of knowledge/dynamic_dns.toml."""
    return frozenset(load("dynamic_dns")[kind][part])


@lru_cache(maxsize=8192)
def dynamic_dns(name: str) -> str:
    """The suffix under which `name` is a dynamic-DNS or tunnel name; "" where it is none."""
    every = names("providers", "suffixes") | names("tunnels", "suffixes")
    found = list(_suffixes(name))
    return next((suffix for suffix in found[1:] if suffix in every), "")


@lru_cache(maxsize=8192)
def vendor_dynamic_dns(name: str) -> bool:
    """True for the dynamic names that vendors give to their own cameras, routers and disks."""
    every = names("cameras", "suffixes")
    return any(suffix in every for suffix in _suffixes(name))


@lru_cache(maxsize=8192)
def address_lookup(name: str) -> bool:
    """True for services that tell a client its public address."""
    every = names("address_lookup", "names")
    return any(suffix in every for suffix in _suffixes(name))


@lru_cache(maxsize=8192)
def file_host(name: str) -> str:
    """The suffix of a service that takes files from anybody; "" for other names."""
    every = names("file_hosts", "suffixes")
    return next((suffix for suffix in _suffixes(name) if suffix in every), "")


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
    """`tls`, `http`, `polled` or `industrial`: ports on which that is nothing unusual."""
    return frozenset(load("services")[kind]["ports"])


def usual_port(protocol: str, port: int) -> bool:
    """True where `protocol` (as tshark names it) belongs on this TCP port, or is not judged."""
    if protocol.startswith(("TLS", "SSL", "DTLS")):
        return port in ports("tls")
    if protocol.startswith("HTTP"):
        return port in ports("http")
    expected = load("services")["expected"].get(protocol)
    if isinstance(expected, list) and expected:
        return port in expected
    if protocol in GENERIC_PROTOCOLS:
        # Messengers and VPNs speak protocols of their own on the two web ports; elsewhere an unknown protocol is odd.
        return port in ports("polled") or port in (80, 443)
    return True


def polled(protocol: str = "protocol", port: str = "server_port") -> pl.Expr:
    """Sessions whose server port is polled by design; a controller's port only where its protocol is spoken."""
    unknown = pl.col(protocol).is_in(GENERIC_PROTOCOLS) | pl.col(protocol).str.contains(r"^(TLS|SSL)")
    return pl.col(port).is_in(list(ports("polled"))) | (pl.col(port).is_in(list(ports("industrial"))) & ~unknown)


GENERIC_NAMES = frozenset(
    [
        "workgroup",
        "admin",
        "administrator",
        "user",
        "guest",
        "root",
        "test",
        "owner",
        "localhost",
        "localdomain",
        "domain",
        "default",
        "client",
        "server",
        "pc",
        "host",
        "home",
        "system",
        "anonymous",
        "windows",
        "mshome",
        "isatap",
        "wpad",
        "unknown",
        "computer",
        "laptop",
        "desktop",
        "null",
        "none",
    ]
)
"""Host and user names that say nothing when they are found in a payload."""
