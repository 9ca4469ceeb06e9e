"""What an indicator is, and which kinds of things a text may name."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args
from urllib.parse import urlsplit

from tshark_report.focus.refang import is_defanged, refang
from tshark_report.knowledge.domains import has_known_suffix

Kind = Literal[
    "address", "network", "endpoint", "port", "name", "url", "sha256", "sha1", "md5", "ja3", "ja3s", "ja4",
    "user-agent", "mac", "user", "email", "file", "certificate",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)

LONGEST = 2048
"""Characters of an indicator; tshark cuts a field there too, so nothing longer could be found."""

PREFIXES: dict[str, tuple[Kind, ...]] = {
    "ip": ("address", "network"), "address": ("address", "network"), "net": ("network",), "network": ("network",),
    "port": ("port",), "name": ("name",), "domain": ("name",), "host": ("name", "address"), "url": ("url",),
    "uri": ("url",), "hash": ("sha256", "sha1", "md5"), "sha256": ("sha256",), "sha1": ("sha1",), "md5": ("md5",),
    "ja3": ("ja3",), "ja3s": ("ja3s",), "ja4": ("ja4",), "ua": ("user-agent",), "user-agent": ("user-agent",),
    "agent": ("user-agent",), "mac": ("mac",), "user": ("user",), "account": ("user",), "email": ("email",),
    "mail": ("email",), "file": ("file",), "filename": ("file",), "cert": ("certificate",),
    "certificate": ("certificate",),
}  # fmt: skip
"""`user:admin`, `port:4041`: says what a text is where it could be several things."""

_HEX = re.compile(r"[0-9A-Fa-f]+\Z")
_ADDRESS_START = frozenset("0123456789abcdefABCDEF:[")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\Z|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}\Z")
_JA4 = re.compile(r"[tqd][0-9s]\d[di]\d{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}\Z")
_PORT = re.compile(r"(?:(tcp|udp)[/:])?(\d{1,5})\Z", re.IGNORECASE)
_ENDPOINT = re.compile(r"(?:(tcp|udp)://)?(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):(\d{1,5})\Z", re.IGNORECASE)
_NAME_PORT = re.compile(r"([A-Za-z0-9_.-]+\.[A-Za-z0-9-]{2,}):(\d{1,5})\Z")
_NAME = re.compile(r"(?:\*\.)?(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}\.?\Z")
_EMAIL = re.compile(r"[^\s@<>\"',;:/]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,63}\Z")
_AGENT = re.compile(r"[A-Za-z][\w.+ -]{0,60}/v?\d[\w.-]*(?:$|[ ;(])|.*\bMozilla/\d")
_WORD = re.compile(r"[\w.$@+~-]{1,64}(?:\\[\w.$@+~-]{1,64})?\Z")
_FILE = re.compile(r"[^/\\:*?\"<>|]{1,200}\.[A-Za-z0-9]{1,6}\Z")
_ENDINGS = (
    "7z bat bin cab chm cmd com cpl csv dat dll doc docm docx dot elf exe gif gz hta htm html ico img ini iso jar jpeg "
    "jpg js jse json lnk log msi msp ocx pdf php png ppt pptm pptx ps1 psm1 pub py rar reg rtf scr sh so swf sys tar "
    "tgz tmp txt vbe vbs wsf xls xlsb xlsm xlsx xml zip"
)
_FILE_ENDINGS = frozenset(_ENDINGS.split())
_OF_LENGTH: dict[int, tuple[Kind, ...]] = {
    32: ("md5", "ja3", "ja3s"),
    40: ("sha1", "certificate"),
    64: ("sha256", "certificate"),
}
"""What as many hexadecimal digits may be."""
_TOKEN = re.compile(r"[^\s,;|\"'<>\u201c\u201d\u2018\u2019`\u00ab\u00bb]+")


@dataclass(frozen=True, slots=True)
class Indicator:
    """One thing to look for: the kinds it may be, most likely first, its value, and where it was given."""

    kinds: tuple[Kind, ...]
    value: str
    source: str = ""
    note: str = ""
    """What the list says about it, in its own words."""

    @property
    def kind(self) -> Kind:
        """The most likely kind."""
        return self.kinds[0]


def given(text: str, source: str) -> Indicator | None:
    """The indicator that a text names as a whole, defanged or not, with or without `kind:` before it; None for none."""
    text = refang(text.strip().strip("\u201c\u201d\"'`")).strip()
    if not text or len(text) > LONGEST:
        return None
    head, colon, rest = text.partition(":")
    named = PREFIXES.get(head.strip().lower()) if colon else None
    if named is not None and rest.strip() and not rest.startswith("//"):
        return typed(named, rest.strip(), source)
    kinds = guess(text)
    return _made(kinds, text, source, "") if kinds else None


def typed(kinds: tuple[Kind, ...], value: str, source: str, note: str = "") -> Indicator | None:
    """An indicator of one of these kinds; None where the value is none of them."""
    value = refang(value.strip())
    fitting = tuple(k for k in kinds if value and len(value) <= LONGEST and normal(k, value) is not None)
    return _made(fitting, value, source, note) if fitting else None


def _made(kinds: tuple[Kind, ...], value: str, source: str, note: str) -> Indicator:
    return Indicator(kinds, normal(kinds[0], value) or value, source, note[:LONGEST])


def guess(text: str) -> tuple[Kind, ...]:  # noqa: PLR0911 - one line a kind reads best
    """The kinds that a plain text may be, the most likely first; none for text that is no indicator."""
    if _address(text) is not None:
        return ("address",)
    if "://" in text:
        return ("endpoint",) if _ENDPOINT.match(text) else ("url",) if normal("url", text) else ()
    if _ENDPOINT.match(text) or _NAME_PORT.match(text):
        return ("endpoint",) if normal("endpoint", text) else ()
    if "/" in text and normal("network", text):
        return ("network",)
    if _PORT.match(text):
        return ("port",) if normal("port", text) else ()
    if _HEX.match(text) and len(text) in (32, 40, 64):
        return _OF_LENGTH[len(text)]
    if _MAC.match(text):
        return ("mac",)
    if _JA4.match(text):
        return ("ja4",)
    if _EMAIL.match(text):
        return ("email", "user")
    if "/" in text and not text.startswith("/") and _NAME.match(text.partition("/")[0]):
        return ("url",)
    if _NAME.match(text):
        ending = text.rstrip(".").rpartition(".")[2].lower()
        return ("file", "name") if ending in _FILE_ENDINGS and not _is_domain(text) else ("name", "file", "user")
    if _AGENT.match(text):
        return ("user-agent",)
    if _FILE.match(text) and text.rpartition(".")[2].lower() in _FILE_ENDINGS:
        return ("file",)
    if "\\" in text and text.rpartition(".")[2].lower() in _FILE_ENDINGS:
        return ("file", "user")
    if _WORD.match(text) is None or text.startswith("/"):
        return ()
    return ("user", "file") if "\\" in text else ("name", "user", "file", "user-agent")


def _is_domain(text: str) -> bool:
    """`.com`, `.zip` and the like end files and domains: a name with two dots, or with `.com`, is a domain."""
    return text.lower().endswith(".com") or (text.count(".") > 1 and has_known_suffix(text))


def in_text(text: str, source: str) -> Iterator[Indicator]:
    """The indicators in a line of prose. Names count where they were defanged or end in a known public suffix."""
    broken = is_defanged(text)
    for token in _TOKEN.findall(refang(text)):
        bare = token.strip(".,:;!?()[]{}*_")
        kinds = guess(bare)
        if not kinds or kinds[0] in ("port", "user-agent"):
            continue
        if kinds[0] == "name" and ("." not in bare or not (broken or has_known_suffix(bare)) or not _NAME.match(bare)):
            continue
        if kinds[0] == "file" and "." not in bare:
            continue
        if kinds[0] == "name":
            kinds = ("name",)
        yield _made(kinds, bare, source, "")


def normal(kind: Kind, value: str) -> str | None:  # noqa: PLR0911, PLR0912 - one case a kind
    """The value as it is compared; None where it is not of this kind."""
    value = value.strip()
    match kind:
        case "address":
            return _address(value)
        case "network":
            return _network(value)
        case "endpoint":
            return _endpoint(value)
        case "port":
            found = _PORT.match(value)
            if found is None or not 0 < int(found[2]) < 65536:
                return None
            return f"{found[1].lower()}/{int(found[2])}" if found[1] else str(int(found[2]))
        case "name":
            bare = value.removeprefix("*.").rstrip(".").lower()
            return bare if bare and not re.search(r"[\s/@:]", bare) and _address(bare) is None else None
        case "url":
            return _url(value)
        case "sha256" | "sha1" | "md5" | "ja3" | "ja3s":
            length = {"sha256": 64, "sha1": 40}.get(kind, 32)
            return value.lower() if len(value) == length and _HEX.match(value) else None
        case "ja4":
            return value if _JA4.match(value) else None
        case "mac":
            if _MAC.match(value) is None:
                return None
            digits = re.sub(r"[^0-9a-f]", "", value.lower())
            return ":".join(digits[i : i + 2] for i in range(0, 12, 2))
        case "email":
            return value.lower() if _EMAIL.match(value) else None
        case "certificate":
            return (
                re.sub(r"[\s:]", "", value).lower() if re.fullmatch(r"[0-9A-Fa-f:\s]{8,191}", value) else value or None
            )
        case "user" | "file" | "user-agent":
            return value or None
    return None


@lru_cache(maxsize=65536)
def _address(text: str) -> str | None:
    if text[:1] not in _ADDRESS_START or not (":" in text or text[-1:].isdigit()):
        return None
    try:
        found = ipaddress.ip_address(text.strip("[]").split("%", 1)[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _network(text: str) -> str | None:
    if "/" not in text:
        return None
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def _endpoint(text: str) -> str | None:
    """`203.0.113.9:443`, `[2001:db8::1]:443`, `shop.example:443`, any with `tcp://` before it -> the plain form."""
    bare = re.sub(r"^(tcp|udp)://", "", text, flags=re.IGNORECASE)
    host, colon, port = bare.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        return None
    address = _address(host)
    if address is not None:
        return f"[{address}]:{int(port)}" if ":" in address else f"{address}:{int(port)}"
    name = normal("name", host)
    return f"{name}:{int(port)}" if name and "." in name else None


def parts_of_endpoint(value: str) -> tuple[str, int]:
    """Host and port of a normal endpoint."""
    host, _, port = value.rpartition(":")
    return host.strip("[]"), int(port)


def _url(text: str) -> str | None:
    """`HTTP://Shop.example:80/a?b#c` -> `http://shop.example/a?b`; without a scheme it may be any."""
    whole = text if "://" in text else f"//{text}"
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if not host or re.search(r"\s", text):
        return None
    host = _address(host) or host.lower().rstrip(".")
    if not host:
        return None
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443, "ftp": 21}.get(parts.scheme.lower())
    place = host if port is None or port == usual else f"{host}:{port}"
    path = parts.path or "/"
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme.lower() + '://' if parts.scheme else ''}{place}{path}{query}"


def parts_of_url(value: str) -> tuple[str, str, str]:
    """Scheme (may be empty), host with any unusual port, and path with query of a normal URL."""
    scheme, there, rest = value.partition("://")
    if not there:
        scheme, rest = "", value
    host, slash, path = rest.partition("/")
    return scheme, host, slash + path or "/"


def unique(found: Iterable[Indicator]) -> list[Indicator]:
    """Each value once, as it was given first."""
    kept: dict[tuple[Kind, str], Indicator] = {}
    for each in found:
        kept.setdefault((each.kind, each.value), each)
    return list(kept.values())
