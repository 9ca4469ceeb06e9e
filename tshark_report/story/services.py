"""Names of ports: the registered service, and other uses that are known of it."""

from __future__ import annotations

import socket
from functools import lru_cache

from tshark_report.knowledge import load


@lru_cache(maxsize=4096)
def service_name(protocol: str, port: int) -> str:
    """The registered name of a port in this system's services table; "" where it has none."""
    try:
        return socket.getservbyport(port, protocol)
    except (OSError, OverflowError):
        return ""


@lru_cache(maxsize=4096)
def known_uses(protocol: str, port: int) -> str:
    """Other uses that are known of a port, from knowledge/ports.toml; "" where none is listed."""
    entry = _ports().get(port)
    return entry[1] if entry is not None and protocol in entry[0] else ""


@lru_cache(maxsize=1)
def _ports() -> dict[int, tuple[tuple[str, ...], str]]:
    """Port -> transports and other known uses."""
    return {e["number"]: (tuple(e["transport"]), str(e["uses"])) for e in load("ports")["port"]}
