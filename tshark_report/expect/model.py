"""The expectation file: TOML that `expect init` writes and a person edits."""

from __future__ import annotations

import ipaddress
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tshark_report.errors import UsageError
from tshark_report.settings import Network

VERSION = 1
LARGEST = 4 * 1024 * 1024
"""Bytes of an expectation file."""
KEYS = frozenset(("address", "name", "role", "mac", "offers", "uses", "reaches", "must_be_seen", "note"))


class ExpectationUnreadable(UsageError):
    """The expectation file is missing, no TOML, or says something that cannot be understood."""


@dataclass(frozen=True)
class Expected:
    """What is expected of one host, or of every host of a network that has no entry of its own.

    A list that is None is not checked. Entries may hold `*`: `tcp/*`, `*.example`, `*`.
    """

    network: Network
    name: str = ""
    role: str = ""
    mac: tuple[str, ...] | None = None
    offers: tuple[str, ...] | None = None
    uses: tuple[str, ...] | None = None
    reaches: tuple[str, ...] | None = None
    must_be_seen: bool = True
    note: str = ""

    @property
    def alone(self) -> bool:
        """Whether it is about one host."""
        return self.network.num_addresses == 1

    @property
    def address(self) -> str:
        """The host, or the network, as it is written."""
        return str(self.network.network_address) if self.alone else str(self.network)

    def covers(self, address: str) -> bool:
        """Whether a host is meant."""
        try:
            parsed = ipaddress.ip_address(address.split("%", 1)[0])
        except ValueError:
            return False
        return parsed.version == self.network.version and parsed in self.network


@dataclass(frozen=True)
class Expectations:
    """The whole file. `only_these`: a home host without an entry is unexpected."""

    hosts: tuple[Expected, ...]
    only_these: bool = True


def fits(value: str, patterns: tuple[str, ...]) -> bool:
    """Whether a value is among those expected."""
    return any(fnmatchcase(value.lower(), pattern.lower()) for pattern in patterns)


def load(path: Path) -> Expectations:
    """Read an expectation file.

    Raises:
        ExpectationUnreadable: it is missing, no TOML, too large, or says something that cannot be understood.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise _unreadable(path, f"it is larger than {LARGEST // 1024**2} MiB")
        read = tomllib.loads(data.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # also text that is no UTF-8, numbers of 5,000 digits
        raise _unreadable(path, str(error)) from error
    version = read.get("version", VERSION)
    if version != VERSION:
        raise _unreadable(path, f"version {version!r}; this program reads {VERSION}")
    unknown = sorted(set(read) - {"version", "only_these", "host"})
    if unknown:
        raise _unreadable(path, f"it sets something unknown: {', '.join(unknown)[:120]}")
    rows = read.get("host", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable(path, "each host must be a table of its own: [[host]]")
    hosts = tuple(_expected(path, at, row) for at, row in enumerate(rows, start=1))
    seen: set[str] = set()
    for host in hosts:
        if host.address in seen:
            raise _unreadable(path, f"{host.address} has two entries")
        seen.add(host.address)
    only = read.get("only_these", True)
    if not isinstance(only, bool):
        raise _unreadable(path, "only_these must be true or false")
    return Expectations(hosts, only)


def _unreadable(path: Path, why: str) -> ExpectationUnreadable:
    return ExpectationUnreadable(
        "the expectation file cannot be used",
        detail=f"{path.name}: {why}",
        causes=("a mistake while editing it", "another kind of file"),
        next_step="docs/compare.md shows a complete example; tshark-report expect init CAPTURE writes one",
    )


def _expected(path: Path, at: int, row: dict[str, Any]) -> Expected:
    where = f"host number {at}"
    unknown = sorted(set(row) - KEYS)
    if unknown:
        raise _unreadable(path, f"{where} has an unknown key: {', '.join(unknown)[:120]}")
    try:
        network = ipaddress.ip_network(str(row["address"]), strict=False)
    except (KeyError, ValueError) as error:
        raise _unreadable(path, f"{where} has no address or network: {error}") from error
    made: dict[str, Any] = {"network": network}
    for key in ("name", "role", "note"):
        value = row.get(key, "")
        if not isinstance(value, str):
            raise _unreadable(path, f"{where}: {key} must be text")
        made[key] = value
    for key in ("mac", "offers", "uses", "reaches"):
        value = row.get(key)
        if isinstance(value, str):
            value = [value]
        if value is not None and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            raise _unreadable(path, f"{where}: {key} must be a list of texts")
        made[key] = None if value is None else tuple(value)
    must = row.get("must_be_seen", network.num_addresses == 1)
    if not isinstance(must, bool):
        raise _unreadable(path, f"{where}: must_be_seen must be true or false")
    return Expected(**made, must_be_seen=must)
