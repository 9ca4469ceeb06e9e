"""Stable pseudonyms for addresses, names, users and hardware addresses, before anything is rendered.

The same value gets the same pseudonym in every field and every output. Pseudonyms keep what a reader
needs: an address stays an address of its kind (home or elsewhere, IPv4 or IPv6), hosts of one /24 stay
together, and a name keeps its number of labels. So that nobody can undo them by trying all addresses,
they are numbers in order of appearance, not hashes.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from tshark_report.report.addresses import is_group_address, is_home
from tshark_report.report.model import Report
from tshark_report.report.walk import map_text

Kind = Literal["ips", "hosts", "users", "macs"]
KINDS: tuple[Kind, ...] = ("ips", "hosts", "users", "macs")

_MAC = re.compile(r"(?<![0-9A-Fa-f:.-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.|\[\.\])){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}(?:\[:\]|:)){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])"
)
_COMMON_NAMES = frozenset({"localhost", "local", "lan", "home", "arpa", "in-addr.arpa", "ip6.arpa", "wpad", "isatap"})
_SHORTEST = 3
"""Names and users shorter than this are replaced only where they stand as a whole field."""


class Pseudonyms:
    """One table of pseudonyms; keep it to treat several reports, or the attached frames, alike."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.kinds = frozenset(kinds)
        self.known: dict[str, bool] = {}
        self._networks: dict[tuple[int, bool, str], int] = {}
        self._given: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def ip(self, text: str) -> str:
        """The pseudonym of an address; multicast, broadcast, loopback and what is no address stay."""
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text
        if is_group_address(text) or address.is_loopback or address.is_unspecified:
            return text
        key = str(address)
        if key not in self._given:
            self._given[key] = self._new_ip(address)
        return self._given[key]

    def _new_ip(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
        home = is_home(str(address), self.known)
        network = ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False)
        key = (address.version, home, str(network))
        group = self._networks.setdefault(key, sum(1 for other in self._networks if other[:2] == key[:2]))
        member = self._next(f"{key}")
        if address.version == 4:
            # Home: 10/8; elsewhere: 240/4, which no host on the Internet has.
            first, rest = (10, group) if home else (240 + group // 65536 % 14, group % 65536)
            # A /24 has at most 256 members; the last number may exceed it only in made-up captures.
            return f"{first}.{rest // 256}.{rest % 256}.{member % 256}"
        return f"{'fd00' if home else '2001:db8'}:{group:x}::{member:x}"

    def mac(self, text: str) -> str:
        """The pseudonym of a hardware address, locally administered; group addresses stay."""
        if is_group_address(text):
            return text
        key = "mac " + text.lower().replace("-", ":")
        if key not in self._given:
            number = self._next("mac")
            self._given[key] = f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        return self._given[key]

    def name(self, text: str) -> str:
        """The pseudonym of a host name: `host-3.domain-1.example`; known common names stay."""
        lowered = text.lower().rstrip(".")
        if lowered in _COMMON_NAMES or not lowered:
            return text
        if lowered not in self._given:
            self._given[lowered] = self._new_name(lowered)
        return self._given[lowered]

    def _new_name(self, name: str) -> str:
        host, _, domain = name.partition(".")
        if not domain:
            return f"host-{self._next('host')}"
        if "." not in domain:
            key = "domain " + name
            self._given.setdefault(key, f"domain-{self._next('domain')}.example")
            return self._given[key]
        parent = ".".join(name.split(".")[-2:])
        del host
        return f"host-{self._next('host')}.{self.name(parent)}"

    def user(self, text: str) -> str:
        """The pseudonym of a user name."""
        key = "user " + text.lower()
        if key not in self._given:
            self._given[key] = f"user-{self._next('user')}"
        return self._given[key]

    def _next(self, kind: str) -> int:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]


def redact(report: Report, kinds: Iterable[Kind], pseudonyms: Pseudonyms | None = None) -> Report:
    """A copy of the report with pseudonyms in place of what `kinds` names, in every text and table.

    The capture's hash stays, as it names the capture; its file name and comments stay too, unless they hold
    something that is replaced. SHA-256 of files stay: they are what a reader looks up.

    Args:
        report: the report as the pipeline made it.
        kinds: any of `ips`, `hosts`, `users`, `macs`.
        pseudonyms: a table to go on with, so that several outputs agree.
    """
    table = pseudonyms or Pseudonyms(kinds)
    table.known.update({host.address: host.local for host in report.hosts})
    if "ips" in table.kinds:
        _number_in_order(report, table)
    change = _changer(report, table)
    redacted = map_text(report, change)
    # A rule's own words never hold anything from the wire; a host named like a word in them must not change them.
    checks = [
        msgspec.structs.replace(check, code=old.code, name=old.name, title=old.title, question=old.question)
        for check, old in zip(redacted.checks, report.checks, strict=True)
    ]
    findings = [
        msgspec.structs.replace(finding, id=old.id, code=old.code, name=old.name, question=old.question)
        for finding, old in zip(redacted.findings, report.findings, strict=True)
    ]
    return msgspec.structs.replace(
        redacted,
        tool=report.tool,
        generated=report.generated,
        # The title and the note are the analyst's, but may well name the host.
        ticket=msgspec.structs.replace(report.ticket, title=redacted.ticket.title, note=redacted.ticket.note),
        checks=checks,
        findings=findings,
        capture=msgspec.structs.replace(redacted.capture, sha256=report.capture.sha256),
        limits=[*redacted.limits, _limit(table.kinds)],
    )


def _limit(kinds: frozenset[str]) -> str:
    words = {"ips": "IP addresses", "hosts": "host names", "users": "user names", "macs": "hardware addresses"}
    named = ", ".join(words[kind] for kind in KINDS if kind in kinds)
    return f"Pseudonyms stand for {named}, in display filters and commands too: translate them back before use."


def _number_in_order(report: Report, table: Pseudonyms) -> None:
    """Number the hosts of the report first, so that the busiest get the lowest numbers."""
    for host in report.hosts:
        table.ip(host.address)


def _changer(report: Report, table: Pseudonyms) -> Callable[[str], str]:
    words: dict[str, Callable[[str], str]] = {}
    if "hosts" in table.kinds:
        words.update(dict.fromkeys(_names(report), table.name))
    if "users" in table.kinds:
        words.update(dict.fromkeys(_users(report), table.user))
    words = {word: change for word, change in words.items() if word.lower() not in _COMMON_NAMES}
    lookup = {word.lower(): change for word, change in words.items()}
    # Longest first: `dc01.corp.example` before `corp.example`.
    parts = sorted((word for word in words if len(word) >= _SHORTEST), key=len, reverse=True)
    dotted = [re.escape(word).replace(r"\.", r"(?:\.|\[\.\])") for word in parts]
    named = re.compile(rf"(?<![\w-])(?:{'|'.join(dotted)})(?![\w-])", re.IGNORECASE) if dotted else None

    def pseudonym(match: re.Match[str]) -> str:
        text = match.group()
        plain = text.replace("[.]", ".")
        new = lookup[plain.lower()](plain)
        return new.replace(".", "[.]") if plain != text else new

    def change(text: str) -> str:
        whole = lookup.get(text.lower())
        if whole is not None:
            return whole(text)
        if "macs" in table.kinds:
            text = _MAC.sub(lambda match: table.mac(match.group()), text)
        if named is not None:
            text = named.sub(pseudonym, text)
        if "ips" in table.kinds:
            text = _IPV4.sub(lambda match: _defanged(match.group(), table.ip), text)
            text = _IPV6.sub(lambda match: _defanged(match.group(), table.ip), text)
        return text

    return change


def _defanged(text: str, change: Callable[[str], str]) -> str:
    plain = text.replace("[.]", ".").replace("[:]", ":")
    new = change(plain)
    if new == plain:
        return text
    if "[.]" in text:
        return new.replace(".", "[.]")
    return new.replace(":", "[:]", 1) if "[:]" in text else new


def _names(report: Report) -> set[str]:
    """Every name of a host that the report knows, from the places that hold nothing else."""
    found = {name for host in report.hosts for name in host.names}
    found.update(name.name for name in report.dns.names)
    found.update(one.value for one in report.indicators if one.type == "domain")
    # The parent domains too: they stand alone in texts.
    found.update(".".join(name.split(".")[-2:]) for name in list(found) if name.count(".") > 1)
    return {name.rstrip(".") for name in found if name and not _is_ip(name)}


def _users(report: Report) -> set[str]:
    return {user for host in report.hosts for user in host.users if user}


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
