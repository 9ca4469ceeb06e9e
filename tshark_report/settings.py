"""What a user may set: home networks, thresholds, expected services, what to leave out. TOML in, frozen values out."""

from __future__ import annotations

import ipaddress
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from tshark_report.errors import UsageError, reason

HOME_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
"""Addresses that are never routed on the Internet: RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


LIMITED_BROADCAST = ipaddress.IPv4Address("255.255.255.255")
KEPT = 65536
"""Addresses of which is kept what they are: rules ask the same ones again and again."""


@lru_cache(maxsize=KEPT)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None


@dataclass(frozen=True)
class Allowed:
    """Something the user expects; findings whose subject or hosts match it are counted, not shown."""

    code: str = ""
    host: str = ""
    name: str = ""
    port: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Settings:
    """Everything a user may set. The defaults are what runs without a settings file."""

    home: tuple[Network, ...] = tuple(ipaddress.ip_network(n) for n in HOME_NETWORKS)
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Rule code -> threshold name -> value."""
    expected_services: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Host address -> ports that it is expected to serve."""
    allowed: tuple[Allowed, ...] = ()
    show_secrets: bool = False
    text: str = field(default="", compare=False, repr=False)
    """The TOML that these settings were read from; empty for the defaults."""

    def is_home(self, address: str | None) -> bool:
        """True for an address of a home network. Multicast and broadcast are neither home nor outside."""
        text = address or ""
        known = self._homes.get(text)
        if known is None:
            parsed = _address(text)
            known = parsed is not None and any(
                parsed.version == version and int(parsed) & mask == first for version, mask, first in self._home_numbers
            )
            if len(self._homes) < KEPT:
                self._homes[text] = known
        return known

    def is_outside(self, address: str | None) -> bool:
        """True for a unicast address that is not of a home network."""
        return _is_unicast(address or "") and not self.is_home(address)

    @cached_property
    def _homes(self) -> dict[str, bool]:
        return {}

    @cached_property
    def _home_numbers(self) -> tuple[tuple[int, int, int], ...]:
        """Version, mask and first address of each home network, as numbers."""
        return tuple((net.version, int(net.netmask), int(net.network_address)) for net in self.home)


@lru_cache(maxsize=KEPT)
def _is_unicast(text: str) -> bool:
    parsed = _address(text)
    return not (parsed is None or parsed.is_multicast or parsed.is_unspecified or parsed == LIMITED_BROADCAST)


@lru_cache(maxsize=KEPT)
def is_multicast(address: str | None) -> bool:
    """True for multicast and the limited broadcast address."""
    parsed = _address(address or "")
    return parsed is not None and (parsed.is_multicast or parsed == LIMITED_BROADCAST)


def is_address(text: str | None) -> bool:
    """True where the text is an IPv4 or IPv6 address."""
    return _address(text or "") is not None


def load(path: Path) -> Settings:
    """Read a settings file.

    Raises:
        UsageError: it cannot be read, is no TOML, or sets something unknown.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "the settings file cannot be read",
            detail=f"{path}: {reason(error)}",
            causes=("a misspelt name", "another folder than you think", "it is not text in UTF-8"),
            next_step=f"ls -l {path}",
        ) from error
    return loads(text, str(path))


def _finite(value: object) -> float:
    number = float(value)  # type: ignore[arg-type]  # what is no number is told by the caller
    if not math.isfinite(number):
        raise ValueError(f"{value} is no threshold")
    return number


def loads(text: str, path: str) -> Settings:
    """Settings from TOML; `path` names it in errors.

    Raises:
        UsageError: it is no TOML, or sets something unknown.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # not each of tomllib's errors is its own: a number of 5,000 digits
        raise UsageError(
            "the settings file is not TOML",
            detail=f"{path}: {error}",
            causes=("a missing quote, bracket or equals sign", "another file was named"),
            next_step="docs/settings.md shows a complete example",
        ) from error
    known = {"home_networks", "thresholds", "expected_services", "allow"}
    unknown = sorted(set(data) - known)
    if unknown:
        raise UsageError(
            "the settings file sets something unknown",
            detail=f"{path}: {', '.join(unknown)}",
            causes=("a misspelt key",),
            next_step=f"known keys: {', '.join(sorted(known))}",
        )
    try:
        made: dict[str, object] = {"text": text}
        if "home_networks" in data:
            made["home"] = tuple(ipaddress.ip_network(n, strict=False) for n in data["home_networks"])
        if "thresholds" in data:
            made["thresholds"] = {
                code: {key: _finite(value) for key, value in values.items()}
                for code, values in data["thresholds"].items()
            }
        if "expected_services" in data:
            made["expected_services"] = {
                h: tuple(int(p) for p in ports) for h, ports in data["expected_services"].items()
            }
        if "allow" in data:
            made["allowed"] = tuple(Allowed(**entry) for entry in data["allow"])
        return Settings(**made)  # type: ignore[arg-type]
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UsageError(
            "the settings file holds a value that does not fit",
            detail=f"{path}: {error}",
            causes=("a network that is none", "a threshold that is no number", "an unknown key under [[allow]]"),
            next_step="docs/settings.md shows a complete example",
        ) from error
