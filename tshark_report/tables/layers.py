"""Which value of a layered column belongs to which protocol layer of a packet.

A tunnelled packet has two IP layers, an ICMP error quotes the header of the packet
it is about, and a column that names several fields lists the values field by field.
`frame.protocols` says in which order the layers came.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["eth", "wlan", "sll", "ip", "ipv6", "arp", "tcp", "udp", "sctp", "icmp", "icmpv6"]

LINKS = ("eth", "wlan", "sll")
NETWORKS = ("ip", "ipv6", "arp")
TRANSPORTS = ("tcp", "udp", "sctp")
ECHOES = ("icmp", "icmpv6")
MOST_LAYERS = 8
"""Headers of a kind that the layers table holds of one packet, from the outside: real tunnels have four, bombs 60."""
_WANTED = frozenset((*LINKS, *NETWORKS, *TRANSPORTS, *ECHOES))


@dataclass(frozen=True)
class Layer:
    """A link or network layer; `index` is its place among the values of its column."""

    kind: str
    index: int


@dataclass(frozen=True)
class Flow:
    """A transport layer and the network layer that carries it."""

    kind: str
    index: int
    stream_index: int
    network: Layer | None


@dataclass(frozen=True)
class Chain:
    """The layers of one packet, outermost first, without what an ICMP error only quotes."""

    links: tuple[Layer, ...]
    networks: tuple[Layer, ...]
    flows: tuple[Flow, ...]
    transport: str | None
    """Innermost transport (`tcp`, `udp`, `sctp`, `icmp`, `icmpv6`, `arp`), None for anything else."""
    ttl_index: int
    """Place of the innermost network layer's TTL or hop limit; -1 where there is none."""
    ip_id_index: int
    quoted_streams: tuple[tuple[str, int], ...]
    """Kind and place of the streams that an ICMP error quotes."""
    quoting: bool
    """True for an ICMP error: it quotes a header that must not count as this packet's own."""

    @property
    def tunnelled(self) -> bool:
        """True where a link, network or transport layer stands inside another of its kind, or UDP inside TCP."""
        return len(self.links) > 1 or len(self.networks) > 1 or len(self.flows) > 1

    @property
    def simple(self) -> bool:
        """True where every layered column has at most one value."""
        return not self.quoting and not self.tunnelled


def _numbered(kinds: list[str], groups: tuple[str, ...]) -> list[int]:
    """For each layer, its place in a column that lists all values of groups[0], then of groups[1], and so on."""
    totals = {group: kinds.count(group) for group in groups}
    start, at = {}, 0
    for group in groups:
        start[group] = at
        at += totals[group]
    seen: dict[str, int] = {}
    places = []
    for kind in kinds:
        places.append(start[kind] + seen.get(kind, 0))
        seen[kind] = seen.get(kind, 0) + 1
    return places


@lru_cache(maxsize=65536)
def chain(protocols: str) -> Chain:
    """The layers that `frame.protocols` names."""
    # Wireshark writes Ethernet as eth:ethertype, 802.11 as wlan_radio:wlan, cooked capture as sll:ethertype.
    kinds = [part for part in protocols.split(":") if part in _WANTED]
    quoted_from = len(kinds)
    for place, kind in enumerate(kinds):
        # Only an ICMP error is followed by another network layer.
        if kind in ECHOES and place + 1 < len(kinds):
            quoted_from = place + 1
            break
    link_kinds = [k for k in kinds if k in LINKS]
    net_kinds = [k for k in kinds if k in NETWORKS]
    flow_kinds = [k for k in kinds if k in TRANSPORTS]
    link_places = iter(_numbered(link_kinds, LINKS))
    net_places = iter(_numbered(net_kinds, NETWORKS))
    flow_places = iter(_numbered(flow_kinds, TRANSPORTS))
    stream_places = iter(_numbered([k for k in flow_kinds if k != "sctp"], ("tcp", "udp")))
    links: list[Layer] = []
    networks: list[Layer] = []
    flows: list[Flow] = []
    for kind in kinds[:quoted_from]:
        if kind in LINKS:
            links.append(Layer(kind, next(link_places)))
        elif kind in NETWORKS:
            networks.append(Layer(kind, next(net_places)))
        elif kind in TRANSPORTS:
            carrier = networks[-1] if networks else None
            flows.append(Flow(kind, next(flow_places), next(stream_places) if kind != "sctp" else -1, carrier))
    quoted = tuple((kind, next(stream_places)) for kind in kinds[quoted_from:] if kind in ("tcp", "udp"))
    innermost = kinds[quoted_from - 1] if quoted_from else None
    ips = [k for k in net_kinds if k != "arp"]
    own = [n for n in networks if n.kind != "arp"]
    ttl_index = own[-1].index if own else -1
    ip_count = sum(1 for n in networks if n.kind == "ip")
    transport = innermost if innermost in (*TRANSPORTS, *ECHOES, "arp") else None
    return Chain(
        tuple(links),
        tuple(networks),
        tuple(flows),
        transport,
        ttl_index,
        ip_count - 1 if own and own[-1].kind == "ip" else -1,
        quoted,
        quoted_from < len(kinds) and bool(ips),
    )
