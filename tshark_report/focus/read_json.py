"""Indicator lists in JSON: a STIX 2.1 bundle, a MISP event, a report of this project, or a plain list.

What comes is foreign: anything may be missing or of another type, and is then passed over and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from tshark_report.focus.bounded import Unreadable
from tshark_report.focus.indicators import Indicator, Kind, given, typed
from tshark_report.focus.stix_patterns import Patterns, kinds_of

MISP_TYPES: dict[str, tuple[Kind, ...]] = {
    "ip-dst": ("address", "network"), "ip-src": ("address", "network"), "ip": ("address", "network"),
    "domain": ("name",), "hostname": ("name",), "url": ("url",), "uri": ("url",), "link": ("url",), "port": ("port",),
    "sha256": ("sha256",), "sha1": ("sha1",), "md5": ("md5",), "user-agent": ("user-agent",),
    "ja3-fingerprint-md5": ("ja3",), "ja4-plus": ("ja4",), "mac-address": ("mac",), "mac-eui-64": ("mac",),
    "email": ("email",), "email-src": ("email",), "email-dst": ("email",), "email-reply-to": ("email",),
    "target-email": ("email",), "target-user": ("user",), "username": ("user",), "github-username": (),
    "filename": ("file",), "email-attachment": ("file",), "target-machine": ("name",),
    "x509-fingerprint-sha1": ("certificate",), "x509-fingerprint-sha256": ("certificate",),
    "dns-soa-email": ("email",), "whois-registrant-email": ("email",),
}  # fmt: skip
"""MISP attribute types that packets can show. Types of two values (`domain|ip`) are their parts."""
OWN_TYPES: dict[str, tuple[Kind, ...]] = {
    "ipv4": ("address",), "ipv6": ("address",), "domain": ("name",), "url": ("url",), "sha256": ("sha256",),
    "user-agent": ("user-agent",), "ja3": ("ja3",), "email": ("email",), "mac": ("mac",),
    "certificate": ("certificate",),
}  # fmt: skip
"""The types in this project's own report.json and indicator CSV."""
STIX_OBSERVABLES: dict[str, tuple[str, tuple[Kind, ...]]] = {
    "ipv4-addr": ("value", ("address", "network")), "ipv6-addr": ("value", ("address", "network")),
    "domain-name": ("value", ("name",)), "url": ("value", ("url",)), "email-addr": ("value", ("email",)),
    "mac-addr": ("value", ("mac",)), "user-account": ("account_login", ("user",)),
}  # fmt: skip
MOST_DEPTH = 12


class Odd:
    """What was passed over in a list, by what it was."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.broken = 0

    def notes(self, name: str) -> list[str]:
        """The sentences that say so."""
        made = []
        if self.kinds:
            listed = ", ".join(f"{kind} ({number:,})" for kind, number in self.kinds.most_common(8))
            made.append(
                f"{name}: {self.kinds.total():,} entries of kinds that packets do not show were passed over: {listed}."
            )
        if self.broken:
            made.append(
                f"{name}: {self.broken:,} entries were passed over, as their value is not what their type says."
            )
        return made


def read(data: bytes, name: str) -> tuple[list[Indicator], list[str]]:
    """The indicators of a JSON file, and sentences on what was not used.

    Raises:
        Unreadable: it is no JSON, or JSON of no known kind.
    """
    try:
        tree = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{name} begins like JSON but cannot be read as such: {error}.") from error
    odd = Odd()
    if isinstance(tree, dict) and isinstance(tree.get("objects"), list):
        return _stix(tree["objects"], name, odd)
    if isinstance(tree, dict) and tree.get("type") == "indicator":
        return _stix([tree], name, odd)
    if isinstance(tree, dict) and isinstance(tree.get("indicators"), list):
        entries = [each for each in tree["indicators"] if isinstance(each, dict)]
        return [made for each in entries if (made := _own(each, name, odd)) is not None], odd.notes(name)
    attributes = list(_attributes(tree, 0))
    if attributes:
        return [made for each in attributes for made in _misp(each, name, odd)], odd.notes(name)
    if isinstance(tree, list) and all(isinstance(each, str) for each in tree):
        found = [made for each in tree if (made := given(each, name)) is not None]
        odd.broken += len(tree) - len(found)
        return found, odd.notes(name)
    raise Unreadable(
        f"{name} is JSON, but neither a STIX bundle, a MISP event, a report.json nor a list of texts: it was not used."
    )


def _one(kinds: tuple[Kind, ...], value: object, name: str, note: str, odd: Odd, what: str) -> Indicator | None:
    if not kinds:
        odd.kinds[what[:40]] += 1
        return None
    made = typed(kinds, value, name, note) if isinstance(value, str) else None
    odd.broken += made is None
    return made


def _own(each: dict[str, Any], name: str, odd: Odd) -> Indicator | None:
    """An entry of this project's own report.json."""
    kind = str(each.get("type"))
    return _one(OWN_TYPES.get(kind, ()), each.get("value"), name, _text(each.get("note")), odd, kind)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _stix(objects: list[Any], name: str, odd: Odd) -> tuple[list[Indicator], list[str]]:
    found: list[Indicator] = []
    patterns, revoked, other = Patterns(), 0, 0
    for each in objects:
        if not isinstance(each, dict):
            odd.broken += 1
            continue
        kind = str(each.get("type"))
        if each.get("revoked") is True:
            revoked += 1
        elif kind == "indicator" and _text(each.get("pattern_type")) in ("", "stix"):
            note = _text(each.get("name")) or _text(each.get("description"))
            for path, value in patterns.compared(_text(each.get("pattern"))):
                made = _one(kinds_of(path), value, name, note, odd, path)
                found += [made] if made is not None else []
        elif kind == "indicator":
            other += 1
        elif kind in STIX_OBSERVABLES:
            field, kinds = STIX_OBSERVABLES[kind]
            made = _one(kinds, each.get(field), name, "", odd, kind)
            found += [made] if made is not None else []
        elif kind == "file" and isinstance(each.get("hashes"), dict):
            for algorithm, value in each["hashes"].items():
                made = _one(
                    kinds_of(f"file:hashes.{algorithm}"), value, name, _text(each.get("name")), odd, f"{algorithm} hash"
                )
                found += [made] if made is not None else []
    notes = odd.notes(name)
    if patterns.joined:
        notes.append(
            f"{name}: in {patterns.joined:,} patterns of several comparisons each one is looked for on its own."
        )
    if patterns.without_library:
        notes.append(
            f"{name}: {patterns.without_library:,} patterns of several comparisons were not read, as the stix2 library "
            "is not installed (pip install 'tshark-report[stix]')."
        )
    if patterns.unread:
        notes.append(f"{name}: {patterns.unread:,} patterns could not be read.")
    if revoked:
        notes.append(f"{name}: {revoked:,} objects are revoked and were left out.")
    if other:
        notes.append(f"{name}: {other:,} indicators have patterns of another language than STIX and were left out.")
    return found, notes


def _attributes(node: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Every MISP attribute: of events, of the objects in them, of a response with several events."""
    if depth > MOST_DEPTH:
        return
    if isinstance(node, list):
        for each in node:
            yield from _attributes(each, depth + 1)
    elif isinstance(node, dict):
        for key in ("Event", "response", "Object", "Attribute"):
            inside = node.get(key)
            if key == "Attribute" and isinstance(inside, list):
                yield from (each for each in inside if isinstance(each, dict) and isinstance(each.get("type"), str))
            elif inside is not None:
                yield from _attributes(inside, depth + 1)


def _misp(each: dict[str, Any], name: str, odd: Odd) -> Iterator[Indicator]:
    if each.get("deleted") in (True, "1", 1):
        return
    note = _text(each.get("comment")) or _text(each.get("category"))
    kinds, values = each["type"].split("|"), _text(each.get("value")).split("|")
    if len(kinds) == 2 and len(values) == 2 and kinds[1] == "port":
        host, port = values
        made = typed(("endpoint",), f"[{host}]:{port}" if ":" in host else f"{host}:{port}", name, note)
        if made is not None:
            yield made
            return
    if len(values) != len(kinds):
        values = [_text(each.get("value"))] * len(kinds)
    for kind, value in zip(kinds, values, strict=True):
        made = _one(MISP_TYPES.get(kind, ()), value, name, note, odd, kind)
        if made is not None:
            yield made
