"""What a finding is about - sessions and look-ups - and the keys under which a baseline remembers that it was made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tshark_report.knowledge.domains import registered_domain
from tshark_report.normal.facts import Facts, text
from tshark_report.story.findings import Fired

Session = dict[str, Any]
"""A row of facts.sessions."""

MOST_SESSIONS = 400
"""Different sessions and look-ups of one finding that are looked at."""


@dataclass(frozen=True)
class Lookup:
    """A name that a host asked for in DNS: that, and not which resolver was asked, is what is usual or new."""

    client: str
    name: str
    domain: str
    ttl: float | None = None
    """Shortest TTL of an address record in the answer; None where this is no answer with one."""


About = Session | Lookup


class Sessions:
    """The sessions and look-ups of a capture, found by frame or by address."""

    def __init__(self, facts: Facts, found: Sequence[Fired], more_frames: Iterable[int] = ()) -> None:
        """Indexes what the findings, and rows of their evidence, may ask for."""
        self.rows: list[Session] = facts.sessions.to_dicts()
        self._by_stream = {(r["transport"], r["stream"]): r for r in self.rows if r["stream"] is not None}
        self._by_pair = {(r["client"], r["server"]): r for r in self.rows if r["transport"] == "icmp"}
        self._by_address: dict[str, list[Session]] = defaultdict(list)
        for row in self.rows:
            self._by_address[row["client"]].append(row)
            self._by_address[row["server"]].append(row)
        frames = {f for each in found for f in each.draft.frames} | set(more_frames)
        wanted = pl.DataFrame({"frame": sorted(frames)}, schema={"frame": pl.UInt32()})
        self._of_frame: dict[int, About] = {}
        self._index_packets(facts.tables.packets.join(wanted, on="frame", how="semi"))
        self._index_lookups(facts.tables.dns.join(wanted, on="frame", how="semi"))

    def _index_packets(self, packets: pl.DataFrame) -> None:
        for frame, transport, stream, src, dst in packets.select(
            "frame", "transport", "stream", "src", "dst"
        ).iter_rows():
            row = self._by_stream.get((transport, stream))
            if row is None and stream is None:
                row = self._by_pair.get((src, dst)) or self._by_pair.get((dst, src))
            if row is not None:
                self._of_frame[frame] = row

    def _index_lookups(self, dns: pl.DataFrame) -> None:
        rows = dns.filter((pl.col("protocol") == "DNS") & pl.col("name").is_not_null())
        shortest = pl.when((pl.col("a").list.len() > 0) | (pl.col("aaaa").list.len() > 0)).then(
            pl.col("ttls").list.min()
        )
        for frame, answer, src, dst, name, ttl in rows.select(
            "frame", "response", "src", "dst", "name", shortest.alias("ttl")
        ).iter_rows():
            client = dst if answer else src
            if client:
                lower = name.lower().rstrip(".")
                domain = text(registered_domain(lower) or lower)
                self._of_frame[frame] = Lookup(client, text(lower), domain, ttl)

    def of_frame(self, frame: int) -> About | None:
        """The session or look-up that a frame belongs to."""
        return self._of_frame.get(frame)

    def of_finding(self, each: Fired) -> list[About]:
        """What a finding's frames belong to, in order, each once."""
        made: dict[object, About] = {}
        for frame in each.draft.frames:
            row = self._of_frame.get(frame)
            if row is not None:
                made.setdefault(row if isinstance(row, Lookup) else id(row), row)
                if len(made) >= MOST_SESSIONS:
                    break
        return list(made.values())

    def between(self, addresses: set[str], port: int | None) -> list[Session]:
        """Sessions in which all of these addresses take part (one or two), of this server port where one is given."""
        if not addresses or len(addresses) > 2:
            return []
        first = min(addresses, key=lambda a: len(self._by_address.get(a, ())))
        return [
            r
            for r in self._by_address.get(first, ())
            if addresses <= {r["client"], r["server"]} and (port is None or r["port"] == port)
        ]


def peer_key(row: About) -> str:
    """How a host's profile knows the other side: the registered domain or address, and the service."""
    if isinstance(row, Lookup):
        return f"{row.domain} dns"
    server = row["server"] if row["server_home"] else row["domain"] or row["server"]
    return f"{server} {row['service']}"


def home_of(row: About) -> str | None:
    """The home host whose profile this is held against: the client where it is at home, else the server."""
    if isinstance(row, Lookup):
        return row.client
    if row["client_home"]:
        return str(row["client"])
    return str(row["server"]) if row["server_home"] else None


def keys(each: Fired, about: Iterable[About]) -> dict[str, list[str]]:
    """Home host -> keys of one finding: its code with each peer."""
    made: dict[str, dict[str, None]] = defaultdict(dict)
    for row in about:
        host = home_of(row)
        if host is not None:
            made[host][f"{each.rule.code} {peer_key(row)}"] = None
    return {host: list(found) for host, found in made.items()}


def said(found: Sequence[Fired], facts: Facts) -> dict[str, list[str]]:
    """What rules said about each home host of a capture: codes with each peer, and each code alone."""
    index = Sessions(facts, found)
    made: dict[str, list[str]] = defaultdict(list)
    for each in found:
        for host, several in keys(each, index.of_finding(each)).items():
            if facts.settings.is_home(host):
                made[host] += several
        for host in each.draft.hosts:
            if facts.settings.is_home(host):
                made[host].append(each.rule.code)
    return dict(made)
