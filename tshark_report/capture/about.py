"""What tshark's tables do not say: makers of network cards, countries and network operators, VLANs."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tshark_report.capture import geoip, vendors
from tshark_report.capture.tshark import Tshark

NO_DATABASE = (
    "Country and network operator (AS) of addresses were not looked up: Wireshark knows of no MaxMind database on this "
    "system."
)


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Answers; empty where nobody was asked."""

    makers: dict[str, str] = {}
    """Hardware address -> maker, or that it is locally administered."""
    places: dict[str, tuple[str, str]] = {}
    """IP address -> country and autonomous system."""
    vlans: dict[str, tuple[int, int]] = {}
    """VLAN -> packets and bytes on the wire."""
    vlans_of: dict[str, list[str]] = {}
    """IP address -> the VLANs in which it sent."""
    remark: str = ""
    """What could not be looked up, and why."""


def ask(tshark: Tshark, macs: Iterable[str], outside: Iterable[str], scratch: Path, env: dict[str, str]) -> About:
    """Look up hardware addresses, and IP addresses outside the home networks."""
    if shutil.which(tshark.path) is None:
        return About()
    makers = vendors.named(tshark, macs, env)
    wanted = list(outside)
    databases = geoip.folders(tshark) if wanted else []
    places = geoip.looked_up(tshark, wanted, databases, scratch, env)
    return About(makers=makers, places=places, remark="" if databases or not wanted else NO_DATABASE)
