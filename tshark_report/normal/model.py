"""What a baseline holds, as it stands in its file. Counts and bins only: nothing of any payload.

The shape is a file format. `VERSION` rises when an older program could not read a newer file, or would read it wrongly.
docs/baseline.md describes every field.
"""

from __future__ import annotations

from typing import Any

import msgspec

VERSION = 1
"""Schema version of the file."""
KIND = "tshark-report baseline"


class Bins(msgspec.Struct, frozen=True, array_like=True):
    """How many values fell into which bin; see normal.amounts. `zero` counts values of zero."""

    zero: int = 0
    counts: list[tuple[int, int]] = []


EMPTY = Bins()


class Traffic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Sessions of one kind: of a service, or with one peer. Bins count sessions unless they say otherwise."""

    captures: int = 0
    """In how many captures there was one."""
    sessions: int = 0
    """Sessions in which both sides sent something."""
    failed: int = 0
    """Sessions that were refused or not answered."""
    from_outside: int = 0
    """Sessions whose client is outside of the home networks."""
    packets: int = 0
    resent: int = 0
    """TCP packets that were sent again."""
    resets: int = 0
    """Sessions that ended with a reset."""
    up: Bins = EMPTY
    """Payload bytes from client to server."""
    down: Bins = EMPTY
    """Payload bytes from server to client."""
    seconds: Bins = EMPTY
    """Length of a session."""
    interval: Bins = EMPTY
    """Seconds from the start of a session to the start of the next of the same client with the same server."""
    rtt: Bins = EMPTY
    """Round trip of the TCP handshake in seconds."""
    think: Bins = EMPTY
    """Seconds that the server took for an answer, without the wire; each answer counts."""


class Name(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A name that was asked for in DNS, or all names under a registered domain."""

    queries: int = 0
    failures: int = 0
    """Answers with an error, such as NXDOMAIN."""
    ttl: Bins = EMPTY
    """TTLs of address records in seconds; each answer counts."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one host does, or all hosts of a home network together."""

    captures: int = 0
    first: str = ""
    """UTC time of the earliest packet, ISO 8601."""
    last: str = ""
    seconds: float = 0.0
    """Length of those captures together."""
    macs: dict[str, int] = {}
    """Hardware addresses -> captures; hosts only."""
    offered: dict[str, Traffic] = {}
    """Services by `tcp/443`: what others used of it."""
    used: dict[str, Traffic] = {}
    """Services that it used, wherever they are."""
    peers: dict[str, Traffic] = {}
    """Outside addresses with the service, `203.0.113.9 tcp/443`, where the server went by no name."""
    domains: dict[str, Traffic] = {}
    """Registered domains of outside servers with the service, `partner.example tcp/443`."""
    names: dict[str, Name] = {}
    """Names that were asked for in DNS."""
    lookups: dict[str, Name] = {}
    """The same by registered domain."""
    agents: dict[str, int] = {}
    """HTTP User-Agent -> captures."""
    ja3: dict[str, int] = {}
    """JA3 fingerprints of its TLS clients -> captures."""
    ja4: dict[str, int] = {}
    issuers: dict[str, int] = {}
    """Issuers of certificates that its servers showed -> captures."""
    ttl: dict[str, int] = {}
    """TTL or hop limit of TCP packets that it sent -> captures."""
    ip_id: dict[str, int] = {}
    """How its IP IDs behave (`zero`, `constant`, `counting`, `varying`) -> captures."""
    hours: dict[str, int] = {}
    """Hour of the day, UTC (`0` to `23`) -> captures in which it started a session then."""
    up_minute: Bins = EMPTY
    """Payload bytes that it sent to outside servers in a minute in which it did."""
    down_minute: Bins = EMPTY
    sessions_minute: Bins = EMPTY
    """Sessions that it started in a minute in which it did."""
    findings: dict[str, int] = {}
    """What rules said while learning: `CHK001 partner.example tcp/443` or `LNK002` -> captures."""
    left_out: int = 0
    """Entries of the tables above that were dropped because a table was full, rarest first."""


class Baseline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    kind: str = KIND
    schema_version: int = VERSION
    tool: str = ""
    """Version of tshark-report that wrote it."""
    created: str = ""
    """UTC, ISO 8601."""
    home: list[str] = []
    """Home networks as they were set while learning."""
    captures: list[str] = []
    """SHA-256 of each capture that was learnt, so that none counts twice."""
    first: str = ""
    last: str = ""
    packets: int = 0
    seconds: float = 0.0
    hours: dict[str, int] = {}
    """Hour of the day, UTC -> captures that cover any of it."""
    networks: dict[str, Profile] = {}
    hosts: dict[str, Profile] = {}


def replaced(one: Any, **changes: Any) -> Any:
    """A copy with some fields changed."""
    return msgspec.structs.replace(one, **changes)
