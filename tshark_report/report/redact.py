"""Stable pseudonyms for addresses, names, users and hardware addresses, before anything is rendered.

The same value gets the same pseudonym in every field and every output. Pseudonyms keep what a reader
needs: an address stays an address of its kind (home or elsewhere, IPv4 or IPv6), hosts of one /24 stay
together, and a name keeps its number of labels. So that nobody can undo them by trying all addresses,
they are numbers in order of appearance, not hashes.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from tshark_report.report.addresses import is_group_address, is_home
from tshark_report.report.model import Focus, Host, Report
from tshark_report.report.walk import map_text

Kind = Literal["ips", "hosts", "users", "macs"]
KINDS: tuple[Kind, ...] = ("ips", "hosts", "users", "macs")

_MAC = re.compile(r"(?<![0-9A-Fa-f:.-])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}(?:\.|\[\.\])){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}(?:\[:\]|:)){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])"
)
_COMMON_NAMES = frozenset({"localhost", "local", "lan", "home", "arpa", "in-addr.arpa", "ip6.arpa", "wpad", "isatap"})
_SOLICITED = ipaddress.ip_network("ff02::1:ff00:0/104")
_MOST_TRIES = 10_000
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST = 3
"""Names and users shorter than this are replaced only where they stand as a whole field."""


class Pseudonyms:
    """One table of pseudonyms; keep it to treat several reports, or the attached frames, alike."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.kinds = frozenset(kinds)
        self.known: dict[str, bool] = {}
        self._networks: dict[str, str] = {}
        self._given: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._taken: set[str] = set()
        self._suffixes: dict[str, str] = {}

    def reserve(self, addresses: Iterable[str]) -> None:
        """Addresses of the capture, IP and hardware: no pseudonym given from now on is one of them, or near one."""
        for text in addresses:
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                self._taken.add(text.lower())
                continue
            self._taken.update((str(address), _network(address)))
            if address.version == 6 and not address.is_multicast:
                self._suffixes.setdefault(_low_24(address), str(address))

    def pairs(self) -> list[tuple[str, str]]:
        """Originals and their pseudonyms, in the order in which they were given."""
        return [(key.partition(" ")[2] if " " in key else key, given) for key, given in self._given.items()]

    def ip(self, text: str) -> str:
        """The pseudonym of an address; multicast, broadcast, loopback and what is no address stay.

        Groups that are made of a host's own address follow that host: the broadcast address of a network, and the
        multicast group under which a host with an IPv6 address is looked for (RFC 4291, section 2.7.1).
        """
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return text
        key = str(address)
        if address.version == 4 and key.endswith(".255") and not address.is_multicast and key != "255.255.255.255":
            return f"{self._prefix(address)}255"
        if address in _SOLICITED:
            return f"ff02::1:ff{self._suffix(_low_24(address))}"
        if is_group_address(key) or address.is_loopback or address.is_unspecified:
            return text
        if key not in self._given:
            self._given[key] = self._new_ip(address)
        return self._given[key]

    def _new_ip(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
        prefix = self._prefix(address)
        while True:
            member = self._next(prefix)
            # A /24 has no more than 255 hosts; the last number could exceed it only in made-up captures.
            made = f"{prefix}{member % 255}" if address.version == 4 else f"{prefix}:{member:x}"
            if made not in self._taken or member > _MOST_TRIES:
                return made

    def _prefix(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
        """The network that stands for the address's own: `10.0.3.`, `fd00:3:`."""
        if address.version == 6 and address.is_link_local:
            return "fe80:"
        network = _network(address)
        if network not in self._networks:
            home = is_home(str(address), self.known)
            while True:
                made = _prefix_of(address, home, self._next(f"network {address.version} {home}") - 1)
                probe = f"{made}1" if address.version == 4 else f"{made}:1"
                if _network(ipaddress.ip_address(probe)) not in self._taken:
                    break
            self._networks[network] = made
        return self._networks[network]

    def _suffix(self, low: str) -> str:
        """The last three bytes that stand for those of an IPv6 address, as `12:3456`."""
        owner = self._suffixes.get(low)
        if owner is not None:
            return _low_24(ipaddress.ip_address(self.ip(owner)))
        key = "suffix " + low
        if key not in self._given:
            number = 0xF00000 + self._next("suffix")
            self._given[key] = f"{number >> 16:02x}:{number & 0xFFFF:04x}"
        return self._given[key]

    def mac(self, text: str) -> str:
        """The pseudonym of a hardware address, locally administered; group addresses and zeros stay."""
        plain = text.lower().replace("-", ":")
        if plain.startswith("33:33:ff:"):
            low = self._suffix(f"{plain[9:11]}:{plain[12:14]}{plain[15:]}")
            return f"33:33:ff:{low[:2]}:{low[3:5]}:{low[5:]}"
        if is_group_address(plain) or plain == "00:00:00:00:00:00":
            return text
        key = "mac " + plain
        while key not in self._given:
            number = self._next("mac")
            made = f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
            if made not in self._taken:
                self._given[key] = made
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

    def label(self, text: bytes) -> bytes:
        """The pseudonym of one label of a name in a DNS message, as long as it is: `aaa`, `aab`.

        There are not enough of one or two letters: the last ones stand for several.
        """
        key = "label " + text.decode("ascii", "backslashreplace")
        if key not in self._given:
            length = len(text)
            number = min(self._next(f"label {length}"), len(_LETTERS) ** length) - 1
            made = ""
            for _ in range(length):
                number, letter = divmod(number, len(_LETTERS))
                made = _LETTERS[letter] + made
            self._given[key] = made
        return self._given[key].encode()

    def user(self, text: str) -> str:
        """The pseudonym of a user name."""
        key = "user " + text.lower()
        if key not in self._given:
            self._given[key] = f"user-{self._next('user')}"
        return self._given[key]

    def _next(self, kind: str) -> int:
        """1, 2, 3 ... for each kind."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]


def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False))


def _prefix_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address, home: bool, number: int) -> str:
    if address.version == 6:
        return f"{'fd00' if home else '2001:db8'}:{number:x}:"
    # Home: 10/8, or 169.254/16 where it was that; elsewhere: 240/4, which no host on the Internet has.
    if address.is_link_local:
        return f"169.254.{number % 256}."
    first, rest = (10, number) if home else (240 + number // 65536 % 14, number % 65536)
    return f"{first}.{rest // 256 % 256}.{rest % 256}."


def _low_24(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    low = int(address) & 0xFFFFFF
    return f"{low >> 16:02x}:{low & 0xFFFF:04x}"


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
    number_hosts(table, report.hosts)
    identities = _identities(report)
    other = _changer(report, table)
    redacted = map_text(report, lambda text: identities.get(text) or other(text))
    # A rule's own words never hold anything from the wire; a host named like a word in them must not change them.
    checks = [
        msgspec.structs.replace(check, code=old.code, name=old.name, title=old.title, question=old.question)
        for check, old in zip(redacted.checks, report.checks, strict=True)
    ]
    findings = [
        msgspec.structs.replace(finding, code=old.code, name=old.name, question=old.question)
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
        focus=_focus(redacted.focus, report.focus, identities),
        capture=msgspec.structs.replace(redacted.capture, sha256=report.capture.sha256),
        limits=[*redacted.limits, _limit(table.kinds)],
    )


def _focus(redacted: Focus | None, old: Focus | None, identities: Mapping[str, str]) -> Focus | None:
    """What made the reader look, with the findings' new ids."""
    if redacted is None or old is None:
        return None
    clients = [
        msgspec.structs.replace(new, findings=[identities.get(one, one) for one in before.findings])
        for new, before in zip(redacted.clients, old.clients, strict=True)
    ]
    return msgspec.structs.replace(
        redacted, clients=clients, findings=[identities.get(one, one) for one in old.findings]
    )


def _asked(report: Report, kinds: Sequence[str]) -> set[str]:
    """Values of these kinds that somebody asked about, whether or not they are in the capture."""
    focus = report.focus
    if focus is None:
        return set()
    found = {each.value for each in focus.matches if each.kind in kinds}
    return found | {each.value for each in focus.missing if each.kind in kinds}


def comments(report: Report) -> Callable[[int, str], str]:
    """What may be said of a packet, by its number: the findings of starting points in a report with pseudonyms."""
    wanted = {one for point in report.starting_points for one in point.findings}
    said: dict[int, str] = {}
    for finding in report.findings:
        if finding.id in wanted:
            for number in finding.frames:
                said[number] = f"{said.get(number, f'frame {number}')}; {finding.id}: {finding.title}"
    return lambda number, _comment: said.get(number, f"frame {number}")


def _identities(report: Report) -> dict[str, str]:
    """New ids of the findings: theirs are short hashes of their subject, which trying all addresses would undo."""
    counts: dict[str, int] = {}
    made: dict[str, str] = {}
    for finding in report.findings:
        counts[finding.code] = counts.get(finding.code, 0) + 1
        made[finding.id] = f"{finding.code}-{counts[finding.code]}"
    return made


def _limit(kinds: frozenset[str]) -> str:
    words = {"ips": "IP addresses", "hosts": "host names", "users": "user names", "macs": "hardware addresses"}
    named = ", ".join(words[kind] for kind in KINDS if kind in kinds)
    return f"Pseudonyms stand for {named}, in display filters and commands too: translate them back before use."


def number_hosts(table: Pseudonyms, hosts: Sequence[Host]) -> None:
    """Number the hosts of a report first, so that the busiest get the lowest numbers and all outputs agree."""
    table.known.update({host.address: host.local for host in hosts})
    table.reserve(text for host in hosts for text in (host.address, *host.macs))
    for host in hosts:
        if "ips" in table.kinds:
            table.ip(host.address)
        if "macs" in table.kinds:
            for mac in host.macs:
                table.mac(mac)


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
    found.update(_asked(report, ("name",)))
    found.update(value.rpartition(":")[0].strip("[]") for value in _asked(report, ("endpoint",)))
    found.update(re.sub(r"^[a-z]+://", "", value).partition("/")[0] for value in _asked(report, ("url",)))
    # The parent domains too: they stand alone in texts.
    found.update(".".join(name.split(".")[-2:]) for name in list(found) if name.count(".") > 1)
    return {name.rstrip(".") for name in found if name and not _is_ip(name)}


def _users(report: Report) -> set[str]:
    return {user for host in report.hosts for user in host.users if user} | _asked(report, ("user", "email"))


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
