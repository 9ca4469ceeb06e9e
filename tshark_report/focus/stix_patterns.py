"""STIX 2.1 patterns -> what can be looked for in packets.

Most patterns in exchange are one comparison, `[ipv4-addr:value = '203.0.113.9']`; those are read by a regular
expression, as the library's grammar takes milliseconds for each. Everything else goes to the `stix2` library.
Comparisons joined by AND or OR are looked for each on its own: a capture may show one half of what a host did.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from tshark_report.focus.indicators import Kind

SECONDS_FOR_GRAMMAR = 10.0
"""Longest that all patterns of one bundle may keep the grammar busy."""

MOST_DEPTH = 200

OBJECT_PATHS: dict[str, tuple[Kind, ...]] = {
    "ipv4-addr:value": ("address", "network"), "ipv6-addr:value": ("address", "network"),
    "domain-name:value": ("name",),
    "url:value": ("url",), "email-addr:value": ("email",), "mac-addr:value": ("mac",), "file:name": ("file",),
    "user-account:user_id": ("user",), "user-account:account_login": ("user",),
    "email-message:sender_ref.value": ("email",), "email-message:from_ref.value": ("email",),
    "network-traffic:dst_ref.value": ("address", "network", "name"),
    "network-traffic:src_ref.value": ("address", "network"),
    "network-traffic:dst_port": ("port",), "network-traffic:src_port": ("port",),
    "network-traffic:extensions.http-request-ext.request_header.user-agent": ("user-agent",),
    "network-traffic:extensions.http-request-ext.request_value": ("url",),
    "x509-certificate:serial_number": ("certificate",), "x509-certificate:subject": ("certificate",),
    "domain-name:resolves_to_refs.value": ("address", "name"),
}  # fmt: skip
"""Object paths in lower case without quotes and list steps, and the kinds that their values are of."""
HASHES: dict[str, tuple[Kind, ...]] = {"sha-256": ("sha256",), "sha256": ("sha256",), "sha-1": ("sha1",),
                                       "sha1": ("sha1",), "md5": ("md5",)}  # fmt: skip

_PLAIN = re.compile(r"\s*\[\s*([a-z0-9-]+:[^\s=\[\]!<>]+)\s*=\s*'((?:[^'\\]|\\.)*)'\s*\]\s*\Z")
_ESCAPED = re.compile(r"\\(.)")


def kinds_of(path: str) -> tuple[Kind, ...]:
    """The kinds that values of an object path are of; none where no packet shows it."""
    bare = re.sub(r"\[[^\]]*\]", "", path.replace("'", "").replace('"', "")).lower()
    head, hashes, algorithm = bare.partition(":hashes.")
    if hashes:
        made = HASHES.get(algorithm, ())
        return ("certificate",) if made and head == "x509-certificate" else made if head in ("file", "artifact") else ()
    return OBJECT_PATHS.get(bare, ())


class Patterns:
    """Reads patterns, and keeps count of what it could not read."""

    def __init__(self) -> None:
        self.unread = 0
        """Patterns that are no patterns, or that came when the time for the grammar was over."""
        self.without_library = 0
        """Patterns that need the stix2 library, which is not installed."""
        self.joined = 0
        """Patterns of several comparisons."""
        self._until: float | None = None

    def compared(self, pattern: str) -> Iterator[tuple[str, str]]:
        """Each object path that the pattern compares for equality, with the value."""
        plain = _PLAIN.match(pattern)
        if plain is not None:
            yield plain[1], _ESCAPED.sub(r"\1", plain[2])
            return
        now = time.monotonic()
        if self._until is None:
            self._until = now + SECONDS_FOR_GRAMMAR
        if now > self._until or len(pattern) > 100_000:
            self.unread += 1
            return
        try:
            from stix2.pattern_visitor import create_pattern_object
        except ImportError:
            self.without_library += 1
            return
        try:
            tree = create_pattern_object(pattern, version="2.1")
            found = list(_comparisons(tree, 0))
        except Exception:  # noqa: BLE001 - the grammar raises many kinds on text that is no pattern
            self.unread += 1
            return
        self.joined += len(found) > 1
        yield from found


def _comparisons(node: Any, depth: int) -> Iterator[tuple[str, str]]:
    """The comparisons in a tree of the library, which has no types: its nodes are told apart by what they hold."""
    if depth > MOST_DEPTH or node is None:
        return
    if getattr(node, "lhs", None) is not None:
        # `negated` is NOT; `!=` has another operator: neither says what to look for.
        if getattr(node, "negated", False) or node.operator not in ("=", "IN", "ISSUBSET", "LIKE"):
            return
        values = getattr(node.rhs, "value", None)
        for each in values if isinstance(values, list) else [node.rhs]:
            text = str(getattr(each, "value", ""))
            if text and not (node.operator == "LIKE" and re.search("[%_]", text)):
                yield str(node.lhs), text
        return
    for name in ("operand", "observation_expression", "expression"):
        yield from _comparisons(getattr(node, name, None), depth + 1)
    for child in getattr(node, "operands", None) or ():
        yield from _comparisons(child, depth + 1)
