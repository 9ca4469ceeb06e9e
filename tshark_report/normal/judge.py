"""A session held against a baseline: usual here, new here, or an unusual amount - and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Literal

from tshark_report.normal import amounts
from tshark_report.normal.facts import network_of
from tshark_report.normal.model import Baseline, Bins, Profile, Traffic
from tshark_report.normal.said import About, Lookup, Session
from tshark_report.story.words import count, size, took

Kind = Literal["usual", "new", "amount", ""]
"""Empty: the baseline says nothing about it."""
WORDS: dict[str, str] = {"usual": "usual here", "new": "new here", "amount": "unusual amount", "": "not compared"}

LEAST_VALUES = 5
"""Values that must have been learnt before another one can be an unusual amount."""
VOLUME_TIMES, VOLUME_LEAST = 5.0, 100_000
"""More bytes in one session than this many times the most that was learnt, and more than so many bytes."""
TIME_TIMES, TIME_LEAST = 4.0, 0.1
"""A time that is more than this many times the 95 % quantile that was learnt, and this many seconds longer."""
RESENT_TIMES, RESENT_LEAST = 3.0, 3
"""Packets sent again: this many times the learnt share of packets, and at least so many."""

SHORT_TTL, TTL_TIMES = 60.0, 10.0
"""A name whose addresses are good for less than a minute, and were good for ten times as long while learning."""


@dataclass(frozen=True)
class Mark:
    """What a baseline says about something, and why."""

    kind: Kind
    reason: str = ""
    alone: bool = False
    """For `usual`: this very host did so before, not only others of its network."""


NOT_COMPARED = Mark("")
_RANK: dict[Kind, int] = {"new": 0, "amount": 1, "": 2, "usual": 3}


class Known:
    """Questions that a baseline answers."""

    def __init__(self, baseline: Baseline) -> None:
        self.baseline = baseline

    def network(self, host: str) -> Profile | None:
        """What is known of a host's network; None for a network that was not learnt."""
        return self.baseline.networks.get(network_of(host))

    def host(self, host: str) -> Profile | None:
        """What is known of a host."""
        return self.baseline.hosts.get(host)

    @cached_property
    def networks(self) -> frozenset[str]:
        """Networks that were learnt."""
        return frozenset(self.baseline.networks)

    def about(self, row: About) -> Mark:
        """What is to be said about a session or a look-up."""
        return self.lookup(row) if isinstance(row, Lookup) else self.session(row)

    def lookup(self, row: Lookup) -> Mark:
        """What is to be said about a name that a host asked for."""
        network, profile = self.network(row.client), self.host(row.client)
        if network is None:
            return Mark("", f"{network_of(row.client)} is not in the baseline")
        if row.domain not in network.lookups:
            return Mark("new", f"nobody in {network_of(row.client)} asked for a name under {row.domain} before")
        before = network.names.get(row.name)
        usual = amounts.median(before.ttl) if before is not None else None
        if row.ttl is not None and usual is not None and row.ttl < SHORT_TTL and usual > TTL_TIMES * max(row.ttl, 1.0):
            return Mark("amount", f"the addresses of {row.name} are good for {row.ttl:.0f} s; {usual:.0f} s before")
        own = profile is not None and row.domain in profile.lookups
        where = "" if own else f", by others of {network_of(row.client)}"
        return Mark("usual", f"names under {row.domain} were asked for while learning{where}", own)

    def session(self, row: Session) -> Mark:
        """What is to be said about a session."""
        client, server = str(row["client"]), str(row["server"])
        if not row["client_home"] and not row["server_home"]:
            return NOT_COMPARED
        asking = self.network(client) if row["client_home"] else None
        serving = self.network(server) if row["server_home"] else None
        if asking is None and serving is None:
            where = network_of(client if row["client_home"] else server)
            return Mark("", f"{where} is not in the baseline")
        own = self._learnt(client, asking, row) if asking is not None else None
        if row["server_home"] and serving is not None:
            return self._at_home(row, own)
        if own is None:
            return NOT_COMPARED
        return self._verdict(row, own[0], own[1])

    def _at_home(self, row: Session, own: tuple[Traffic | None, bool] | None) -> Mark:
        """A service of a home host: it must have offered it before, and a home client must have used such before."""
        profile = self.host(str(row["server"]))
        offered = profile.offered.get(row["service"]) if profile is not None else None
        if offered is None or (offered.sessions == 0 and row["answered"]):
            if profile is None:
                return Mark("new", f"{row['server']} is a host that was not seen while learning")
            return Mark("new", f"{row['server']} was not seen offering {row['service']}")
        if not row["client_home"] and not offered.from_outside:
            return Mark("new", f"{row['service']} of {row['server']} was used from home only")
        if own is not None and own[0] is None:
            return Mark("new", f"{row['client']} and its network did not use {row['service']} before")
        return self._verdict(row, offered, own is None or own[1])

    def _learnt(self, client: str, network: Profile, row: Session) -> tuple[Traffic | None, bool]:
        """What was learnt of this client with this peer, else of its network; True where of the client itself."""
        profile = self.host(client)
        for one, alone in ((profile, True), (network, False)):
            found = _peer(one, row) if one is not None else None
            if found is not None and (found.sessions or not row["answered"]):
                return found, alone
        return None, False

    def _verdict(self, row: Session, learnt: Traffic | None, alone: bool) -> Mark:
        who = str(row["client"]) if row["client_home"] else str(row["server"])
        if learnt is None:
            peer = row["domain"] or row["server"]
            return Mark("new", f"{network_of(who)} did not use {row['service']} of {peer} before")
        unusual = odd_amount(row, learnt)
        if unusual is not None:
            return Mark("amount", f"{unusual.seen}; {unusual.usual}", alone)
        where = "" if alone else f", by others of {network_of(who)}"
        return Mark("usual", f"in {count(learnt.captures, 'capture')} while learning{where}", alone)

    def loss(self, rows: list[Session]) -> str:
        """Whether all sessions with one service of a server lost far more than was learnt, in words; "" where not."""
        groups: dict[tuple[str, str], list[Session]] = {}
        for row in rows:
            groups.setdefault((row["server"], row["service"]), []).append(row)
        for group in groups.values():
            learnt = self._learnt_of_service(group[0])
            if learnt is None:
                continue
            lost = _lost(learnt, sum(r["resent"] for r in group), sum(r["packets"] for r in group))
            if lost is not None:
                return f"{lost.seen}; {lost.usual}"
        return ""

    def _learnt_of_service(self, row: Session) -> Traffic | None:
        """What the client's network did with this service of this server; of clients from outside, what it offered."""
        network = self.network(str(row["client"])) if row["client_home"] else None
        if network is not None:
            return _peer(network, row)
        host = self.host(str(row["server"])) if row["server_home"] else None
        return host.offered.get(row["service"]) if host is not None else None


def _peer(profile: Profile, row: Session) -> Traffic | None:
    if row["server_home"]:
        return profile.used.get(row["service"])
    if row["domain"]:
        return profile.domains.get(f"{row['domain']} {row['service']}")
    return profile.peers.get(f"{row['server']} {row['service']}")


Measure = Literal["sent", "received", "round trip", "answer", "sent again"]
"""What of a session is held against what was learnt."""


@dataclass(frozen=True)
class Odd:
    """How a session goes beyond what was learnt: in which measure, and in words what was seen and what was usual."""

    measure: Measure
    seen: str
    usual: str


def odd_amount(row: Session, learnt: Traffic) -> Odd | None:
    """In what a session goes beyond what was learnt, the first of its measures; None where in nothing."""
    volumes: tuple[tuple[Measure, int, Bins], ...] = (
        ("sent", row["up"], learnt.up), ("received", row["down"], learnt.down),
    )  # fmt: skip
    for measure, volume, bins in volumes:
        most = _most(bins)
        if most is not None and volume > max(VOLUME_LEAST, VOLUME_TIMES * most):
            return Odd(measure, f"{size(volume)} {measure} in one session", f"at most {size(most)} while learning")
    times: tuple[tuple[Measure, float | None, Bins], ...] = (
        ("round trip", row["rtt"], learnt.rtt), ("answer", _middle(row.get("think")), learnt.think),
    )  # fmt: skip
    for measure, seconds, bins in times:
        usual = amounts.quantile(bins, 0.95) if amounts.count(bins) >= LEAST_VALUES else None
        if seconds is None or usual is None:
            continue
        if seconds > TIME_TIMES * usual and seconds - usual > TIME_LEAST:
            return Odd(measure, f"{measure} in {took(seconds)}", f"up to {took(usual)} while learning")
    return _lost(learnt, row["resent"], row["packets"])


def _lost(learnt: Traffic, resent: int, packets: int) -> Odd | None:
    # What was learnt counts as if 1 of 100 further packets had been sent again: few packets without loss prove little.
    share = (learnt.resent + 1) / (learnt.packets + 100)
    if learnt.sessions < LEAST_VALUES or resent < max(RESENT_LEAST, RESENT_TIMES * share * packets):
        return None
    usual = f"{learnt.resent:,} of {learnt.packets:,} while learning"
    return Odd("sent again", f"{resent:,} of {packets:,} packets sent again", usual)


def _most(bins: Bins) -> float | None:
    return amounts.largest(bins) if amounts.count(bins) >= LEAST_VALUES else None


def _middle(values: list[float] | None) -> float | None:
    known = [v for v in values or [] if v is not None]
    return median(known) if known else None


def worst(marks: list[Mark]) -> Mark:
    """The mark that says most: new before unusual, unusual before unknown, usual only where all are."""
    return min(marks, key=lambda m: (_RANK[m.kind], m.alone), default=NOT_COMPARED)
