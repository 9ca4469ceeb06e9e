"""What a capture shows of each home host, in the words in which an expectation is written."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from tshark_report.normal.facts import facts
from tshark_report.normal.learn import host_macs
from tshark_report.normal.news import session_filter
from tshark_report.normal.said import Session
from tshark_report.settings import Settings
from tshark_report.story.hosts import hosts as hosts_view
from tshark_report.tables.tables import Tables

MOST_HOSTS = 1000
"""Home hosts that are looked at, the first to send something: the lists of more are no longer written by hand."""

ROLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("domain controller", ("tcp/88", "tcp/389")),
    ("DHCP server", ("udp/67",)),
    ("name server", ("udp/53",)),
    ("file server", ("tcp/445",)),
    ("file server", ("tcp/2049",)),
    ("mail server", ("tcp/25",)),
    ("mail server", ("tcp/993",)),
    ("database server", ("tcp/3306",)),
    ("database server", ("tcp/5432",)),
    ("database server", ("tcp/1433",)),
    ("printer", ("tcp/9100",)),
    ("printer", ("tcp/631",)),
    ("controller", ("tcp/502",)),
    ("time server", ("udp/123",)),
    ("web server", ("tcp/443",)),
    ("web server", ("tcp/80",)),
)
"""What a host is called by the services that it offers; the first that fits. All of the services must be there."""


@dataclass
class Seen:
    """Something that was seen of a host: how often, from which frame on, and the filter that shows it."""

    sessions: int
    frame: int | None
    display_filter: str


@dataclass
class Host:
    """A home host as the capture shows it."""

    address: str
    names: list[str] = field(default_factory=list)
    macs: list[str] = field(default_factory=list)
    role: str = "client"
    offers: dict[str, Seen] = field(default_factory=dict)
    uses: dict[str, Seen] = field(default_factory=dict)
    reaches: dict[str, Seen] = field(default_factory=dict)
    frame: int | None = None


def observed(tables: Tables, settings: Settings) -> dict[str, Host]:
    """Home hosts that sent something, in order of their first packets; at most MOST_HOSTS."""
    these = facts(tables, settings)
    made = {address: Host(address, macs=sorted(host_macs(these, address))) for address in these.hosts[:MOST_HOSTS]}
    first = tables.packets.group_by("src").agg(pl.col("frame").min())
    for address, frame in first.iter_rows():
        if address in made:
            made[address].frame = frame
    for shown in hosts_view(tables, settings, MOST_HOSTS)[0]:
        if shown.address in made:
            made[shown.address].names = list(shown.names[:3])
    # An answer to a ping is no service: nobody would write it down.
    spoken = these.sessions.filter(pl.col("answered") & (pl.col("transport") != "icmp"))
    for row in spoken.iter_rows(named=True):
        client, server = made.get(row["client"]), made.get(row["server"])
        if server is not None:
            _note(server.offers, row["service"], row)
        if client is not None:
            _note(client.uses, row["service"], row)
            if not row["server_home"]:
                _note(client.reaches, row["domain"] or row["server"], row)
    for host in made.values():
        host.role = role_of(host)
    return made


def _note(table: dict[str, Seen], key: str, row: Session) -> None:
    seen = table.get(key)
    if seen is None:
        table[key] = Seen(1, row["first_frame"], session_filter(row))
    else:
        seen.sessions += 1


def role_of(host: Host) -> str:
    """What a host seems to be: by what it offers, else a client."""
    offered = set(host.offers)
    for role, services in ROLES:
        if offered.issuperset(services):
            return role
    return "server" if offered else "client"
