"""What is new although no rule fired: each thing of this capture that the baseline does not know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import polars as pl

from tshark_report.normal import amounts
from tshark_report.normal.facts import LONGEST_TEXT, Facts, network_of, text
from tshark_report.normal.judge import LEAST_VALUES, SHORT_TTL, TTL_TIMES, Known, Measure, odd_amount
from tshark_report.normal.learn import host_macs, id_behaviour, issuers, names_asked, texts_of, ttls
from tshark_report.normal.model import Baseline, Profile, Traffic
from tshark_report.normal.said import Session
from tshark_report.rules import filters
from tshark_report.story.words import count, listed, size

Kind = Literal[
    "host", "hardware address", "destination", "service", "amount", "program", "TLS fingerprint", "certificate issuer",
    "name", "TTL of a name", "hour", "TTL", "IP ID",
]  # fmt: skip

ENOUGH_SESSIONS, ENOUGH_SECONDS = 50, 900.0
"""Sessions and seconds of capture of a network that must have been learnt before what is new in it means more
than that little was learnt."""
MEASURED = 3
"""Captures that must have covered an hour of the day before its silence means anything."""
LARGE_UPLOAD = 100_000
"""Bytes; below this an upload to an unknown place is an ordinary request."""
MANY_SESSIONS = 8
"""Sessions with one unknown place from which it is a habit."""
MOST_SHOWN_NAMES = 3


@dataclass(frozen=True)
class News:
    """One thing that the baseline does not know. `usual` says what it knows instead, `seen` what was seen."""

    kind: Kind
    host: str
    what: str
    usual: str
    seen: str
    amount: bool = False
    """Known, but more, longer or shorter than it was."""
    measure: Measure | None = None
    """For sessions with a known partner: what of them was more or longer."""
    frame: int | None = None
    time: float | None = None
    display_filter: str = ""
    sessions: Sequence[Session] = ()
    signs: tuple[str, ...] = ()
    """For a destination: what makes it more than another web site, each in words."""
    habit: bool = False
    """For a destination: much went there, or it went there often."""


def news(facts: Facts, known: Known) -> list[News]:
    """All of it, what shows most signs first; hosts of networks that were not learnt are left out."""
    made: list[News] = []
    for host in facts.hosts:
        network, profile = known.network(host), known.host(host)
        if network is None:
            continue
        mine, served = facts.started([host]).to_dicts(), facts.served([host]).to_dicts()
        if profile is None:
            made.append(_new_host(host, facts, known.baseline))
        else:
            made += _hours(host, mine, profile, known.baseline)
            made += _headers(host, facts, profile)
            made += _services(host, served, profile)
        made += _programs(host, facts, network)
        programs = {n.what for n in made if n.host == host and n.kind in ("program", "TLS fingerprint")}
        made += _destinations(host, mine, known, facts, programs)
        made += _unusual(host, mine, served, profile, network)
        made += _names(host, facts, network)
    order = {kind: place for place, kind in enumerate(get_args(Kind))}
    return sorted(made, key=lambda n: (-len(n.signs), order[n.kind], n.time or 0.0, n.host, n.what))


def _first(rows: pl.DataFrame) -> tuple[int | None, float | None]:
    if rows.is_empty():
        return None, None
    at = rows.sort("frame").row(0, named=True)
    return int(at["frame"]), float(at["time"])


def session_filter(row: Session) -> str:
    """Packets of a client with a server, on the service's port."""
    pair = filters.between(row["client"], row["server"])
    if row["transport"] == "icmp":
        return filters.all_of(pair, filters.exists("icmpv6" if ":" in row["client"] else "icmp"))
    return filters.all_of(pair, filters.port(row["transport"], row["port"]))


def sessions_filter(rows: Iterable[Session]) -> str:
    """The same for several sessions."""
    return filters.any_of(*dict.fromkeys(session_filter(row) for row in rows))


def _new_host(host: str, facts: Facts, baseline: Baseline) -> News:
    rows = facts.sent([host])
    frame, time = _first(rows)
    macs = set(host_macs(facts, host))
    near = [a for a in baseline.hosts if network_of(a) == network_of(host)]
    before = [a for a in near if set(baseline.hosts[a].macs) & macs]
    seen = f"{count(rows.height, 'packet')} sent"
    if before:
        seen += f"; its hardware address was that of {listed(before, 2)}"
    return News("host", host, host, f"{count(len(near), 'host')} of {network_of(host)}", seen, frame=frame, time=time,
                display_filter=filters.src(host))  # fmt: skip


def _destinations(host: str, mine: list[Session], known: Known, facts: Facts, programs: set[str]) -> list[News]:
    network = known.network(host) or Profile()
    sessions = sum(t.sessions for t in network.used.values())
    enough = sessions >= ENOUGH_SESSIONS and network.seconds >= ENOUGH_SECONDS
    groups: dict[tuple[str, str], list[Session]] = {}
    for row in mine:
        if row["answered"] and not row["server_home"]:
            groups.setdefault((row["domain"] or row["server"], row["service"]), []).append(row)
    made = []
    for (place, service), rows in groups.items():
        table = network.domains if rows[0]["domain"] else network.peers
        if _answered(table.get(f"{place} {service}")):
            continue
        up, down = (sum(r[way] for r in rows) for way in ("up", "down"))
        signs = _signs(service, rows, network, facts, programs) if enough else ()
        other = sorted(key.partition(" ")[2] for key in table if key.partition(" ")[0] == place)
        usual = f"{place} by {listed(other, 3)} only" if other else f"{count(len(table), 'such place')}"
        seen = f"{count(len(rows), 'session')}, {size(up)} sent, {size(down)} received"
        made.append(
            News("destination", host, f"{place} {service}", usual, seen, frame=rows[0]["first_frame"],
                 time=rows[0]["start"], display_filter=sessions_filter(rows), sessions=rows, signs=signs,
                 habit=len(rows) >= MANY_SESSIONS or max(r["up"] for r in rows) > LARGE_UPLOAD)
        )  # fmt: skip
    return made


def _answered(traffic: Traffic | None) -> bool:
    return traffic is not None and traffic.sessions > 0


def _signs(service: str, rows: list[Session], network: Profile, facts: Facts, programs: set[str]) -> tuple[str, ...]:
    signs = []
    if rows[0]["domain"] is None:
        signs.append("it was reached by its address, not by a name")
    if not _answered(network.used.get(service)):
        signs.append(f"nothing in the network used {service} before")
    largest = max(r["up"] for r in rows)
    before = max((amounts.largest(t.up) or 0.0 for t in network.domains.values()), default=0.0)
    before = max(before, *(amounts.largest(t.up) or 0.0 for t in network.peers.values()), 0.0)
    if largest > LARGE_UPLOAD and largest > before:
        signs.append(f"{size(largest)} went there in one session, more than to any place before")
    if len(rows) >= MANY_SESSIONS:
        signs.append(f"{len(rows)} sessions")
    if programs & _programs_of(rows, facts):
        signs.append("a program asked that the network did not have")
    return tuple(signs)


def _programs_of(rows: list[Session], facts: Facts) -> set[str]:
    streams = {r["stream"] for r in rows if r["transport"] == "tcp"}
    made: set[str] = set()
    for table, column in ((facts.tables.http, "user_agent"), (facts.tables.tls, "ja3"), (facts.tables.tls, "ja4")):
        own = table.filter((pl.col("transport") == "tcp") & pl.col("stream").is_in(list(streams)))
        made |= {text(str(v)) for v in own[column].drop_nulls().unique().to_list()}
    return made


def _services(host: str, served: list[Session], profile: Profile) -> list[News]:
    groups: dict[str, list[Session]] = {}
    for row in served:
        # A host that answers a ping has no new program.
        if row["answered"] and row["transport"] != "icmp":
            groups.setdefault(row["service"], []).append(row)
    made = []
    for service, rows in groups.items():
        if _answered(profile.offered.get(service)):
            continue
        clients = list(dict.fromkeys(r["client"] for r in rows))
        usual = listed(sorted(k for k, t in profile.offered.items() if t.sessions), 4) or "offers nothing"
        seen = f"{count(len(rows), 'session')} from {listed(clients, 3)}"
        made.append(News("service", host, service, usual, seen, frame=rows[0]["first_frame"], time=rows[0]["start"],
                         display_filter=sessions_filter(rows), sessions=rows))  # fmt: skip
    return made


def _unusual(
    host: str, mine: list[Session], served: list[Session], profile: Profile | None, network: Profile
) -> list[News]:
    """Sessions with known peers that go beyond what was learnt: one row for each peer and measure, the first told."""
    made: dict[tuple[str, Measure], News] = {}
    for row in mine:
        if row["server_home"]:
            continue
        key = f"{row['domain'] or row['server']} {row['service']}"
        learnt = _own_first(profile, network, "domains" if row["domain"] else "peers", key)
        _note(made, host, row, key, learnt)
    for row in served:
        if row["answered"] and profile is not None:
            _note(made, host, row, f"its own {row['service']}", profile.offered.get(row["service"]))
    return list(made.values())


def _own_first(profile: Profile | None, network: Profile, table: str, key: str) -> Traffic | None:
    """What the host itself did, where enough was learnt of it, else its network."""
    own = getattr(profile, table).get(key) if profile is not None else None
    if own is not None and own.sessions >= LEAST_VALUES:
        return own  # type: ignore[no-any-return]
    return getattr(network, table).get(key)  # type: ignore[no-any-return]


def _note(made: dict[tuple[str, Measure], News], host: str, row: Session, key: str, learnt: Traffic | None) -> None:
    odd = odd_amount(row, learnt) if learnt is not None else None
    if odd is None:
        return
    before = made.get((key, odd.measure))
    if before is None:
        made[key, odd.measure] = News(
            "amount", host, key, odd.usual, odd.seen, amount=True, measure=odd.measure, frame=row["first_frame"],
            time=row["start"], display_filter=session_filter(row), sessions=(row,),
        )  # fmt: skip
        return
    rows = (*before.sessions, row)
    seen = f"{before.seen.removesuffix(_like(len(rows) - 1))}{_like(len(rows))}"
    made[key, odd.measure] = replace(before, seen=seen, display_filter=sessions_filter(rows), sessions=rows)


def _like(number: int) -> str:
    return f" ({number:,} sessions like it)" if number > 1 else ""


def _names(host: str, facts: Facts, network: Profile) -> list[News]:
    rows = names_asked(facts, [host])
    made = []
    new: dict[str, list[str]] = {}
    for name, own in rows["names"].items():
        before = network.names.get(name)
        ttl, learnt = amounts.median(own.ttl), amounts.median(before.ttl) if before is not None else None
        if before is None:
            domain = next((d for d in rows["lookups"] if name == d or name.endswith("." + d)), name)
            # A bare label is a neighbour's name, or a guess of the resolver's search list.
            if domain not in network.lookups and "." in domain:
                new.setdefault(domain, []).append(name)
        elif ttl is not None and learnt is not None and ttl < SHORT_TTL and learnt > TTL_TIMES * max(ttl, 1.0):
            made.append(
                News("TTL of a name", host, name, f"{learnt:.0f} s", f"{ttl:.0f} s", amount=True,
                     display_filter=filters.equals("dns.qry.name", name))
            )  # fmt: skip
    dns = facts.tables.dns
    for domain, names in new.items():
        asked = dns.filter((pl.col("src") == host) & pl.col("name").str.to_lowercase().str.ends_with(domain))
        frame, time = _first(asked)
        made.append(
            News("name", host, domain, f"{count(len(network.lookups), 'domain')} asked for",
                 f"asked for {listed(names, MOST_SHOWN_NAMES)}", frame=frame, time=time,
                 display_filter=filters.all_of(filters.under("dns.qry.name", domain), filters.host(host)))
        )  # fmt: skip
    return made


def _programs(host: str, facts: Facts, network: Profile) -> list[News]:
    made = []
    tables = facts.tables
    sources: tuple[tuple[Kind, pl.DataFrame, str, str, dict[str, int], str], ...] = (
        ("program", tables.http.filter(pl.col("method").is_not_null()), "user_agent", "http.user_agent",
         network.agents, "program"),
        ("TLS fingerprint", tables.tls, "ja3", "tls.handshake.ja3", network.ja3, "JA3"),
    )  # fmt: skip
    for kind, rows, column, field, learnt, noun in sources:
        # A network without any is one of which that was never seen: then everything would be new.
        if not learnt:
            continue
        for value in texts_of(rows, [host], column):
            if value in learnt:
                continue
            own = rows.filter((pl.col("src") == host) & (pl.col(column).str.slice(0, LONGEST_TEXT) == value))
            frame, time = _first(own)
            made.append(
                News(kind, host, value, f"{len(learnt)} others in the network", f"{noun}, {count(own.height, 'time')}",
                     frame=frame, time=time,
                     display_filter=filters.all_of(filters.src(host), filters.equals(field, str(own[column][0]))))
            )  # fmt: skip
    if network.issuers:
        certificates = tables.certificates
        for issuer in issuers(facts, [host]):
            if issuer not in network.issuers:
                shown = pl.col("issuer").str.slice(0, LONGEST_TEXT) == issuer
                own = certificates.filter((pl.col("dst") == host) & shown)
                frame, time = _first(own)
                servers = [str(a) for a in own["src"].unique(maintain_order=True).to_list()]
                made.append(
                    News("certificate issuer", host, issuer, f"{count(len(network.issuers), 'issuer')} in the network",
                         f"shown by {listed(servers, 2)}", frame=frame, time=time,
                         display_filter=filters.all_of(filters.any_of(*map(filters.src, servers[:10])),
                                                       filters.exists("tls.handshake.certificate")))
                )  # fmt: skip
    return made


def _hours(host: str, mine: list[Session], profile: Profile, baseline: Baseline) -> list[News]:
    made = []
    by_hour: dict[str, list[Session]] = {}
    for row in mine:
        by_hour.setdefault(str(int(row["start"] // 3600) % 24), []).append(row)
    for hour, rows in by_hour.items():
        if hour not in profile.hours and baseline.hours.get(hour, 0) >= MEASURED:
            known = ", ".join(f"{int(h):02d}" for h in sorted(profile.hours, key=int))
            made.append(
                News("hour", host, f"{int(hour):02d}:00 to {int(hour):02d}:59 UTC", f"active at {known or 'no hour'}",
                     f"{count(len(rows), 'session')}", frame=rows[0]["first_frame"], time=rows[0]["start"],
                     display_filter=filters.src(host))
            )  # fmt: skip
    return made


def _headers(host: str, facts: Facts, profile: Profile) -> list[News]:
    made = []
    macs = host_macs(facts, host)
    strange = [m for m in macs if m not in profile.macs]
    if profile.macs and macs and strange:
        rows = facts.sent([host]).filter(pl.col("eth_src") == strange[0])
        frame, time = _first(rows)
        made.append(News("hardware address", host, listed(strange, 2), listed(sorted(profile.macs), 2),
                         "sends with another one", frame=frame, time=time,
                         display_filter=filters.at("eth.src", strange[0])))  # fmt: skip
    own = set(ttls(facts, [host]))
    if profile.ttl and own and not own & set(profile.ttl):
        rows = facts.sent([host]).filter(pl.col("transport") == "tcp")
        frame, time = _first(rows)
        made.append(News("TTL", host, listed(sorted(own), 4), listed(sorted(profile.ttl), 4),
                         "no packet has a TTL of before", frame=frame, time=time,
                         display_filter=filters.all_of(filters.src(host), filters.exists("tcp"))))  # fmt: skip
    kinds = set(id_behaviour(facts, [host]))
    if profile.ip_id and kinds and not kinds & set(profile.ip_id):
        made.append(News("IP ID", host, listed(sorted(kinds)), listed(sorted(profile.ip_id)), "behaves otherwise",
                         display_filter=filters.src(host)))  # fmt: skip
    return made
