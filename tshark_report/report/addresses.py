"""What an address is: somebody at home, somebody elsewhere, or a group."""

from __future__ import annotations

import ipaddress

_HOME_RANGES = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)
"""Not `is_private`: that counts the ranges for documentation too, which test captures are full of."""


def is_group_address(address: str) -> bool:
    """True for multicast and broadcast, of IP and of Ethernet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:2].lower() in ("ff", "01", "33")
    return parsed.is_multicast or address.endswith(".255")


def is_home(address: str, known: dict[str, bool]) -> bool:
    """Whether an address is on the home network: as the report says, else by its range."""
    if address in known:
        return known[address]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return True
    if parsed.is_unspecified:
        # A host that has no address yet, asking for one.
        return True
    return any(parsed.version == network.version and parsed in network for network in _HOME_RANGES)
