"""Indicators -> hits: which of them stand in the packets, where, and which conversations they mean.

A list of any length costs a few joins: each place is a table of frame and value, and the list is another.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from tshark_report.focus.conversations import Conversations
from tshark_report.focus.indicators import Indicator, Kind, normal, parts_of_endpoint, parts_of_url
from tshark_report.focus.places import Place, filter_of, places
from tshark_report.rules import filters
from tshark_report.tables.tables import Tables

MOST_HITS = 100
"""Indicators that are told one by one; the rest is counted."""
MOST_SUBSTRINGS = 50
"""User agents of a list that are looked for as a part of others where none is the same."""
FILTER_PARTS = 12
FRAMES_IN_FILTER = 60
MOST_RESOLVED = 50
"""Addresses of one name that are followed."""


@dataclass(frozen=True)
class Hit:
    """Something that made the reader look and that is in the capture."""

    kind: str
    """A kind of focus.indicators, or `alert` or `moment`."""
    value: str
    source: str
    note: str
    frames: pl.Series
    """Frames with it, ascending."""
    where: tuple[str, ...]
    """Places in words: `DNS questions`, `TLS server names`."""
    display_filter: str
    targets: frozenset[str] = frozenset()
    """Addresses that the indicator is or stands for; empty where it stands for none."""
    conversations: pl.Series = field(default_factory=lambda: pl.Series([], dtype=pl.UInt32))
    """Numbers of the conversations that it means."""
    remark: str = ""
    """What a reader must know of the match: only resolved, only the host was compared."""
    count: int = 1
    """Alerts put together."""


@dataclass(frozen=True)
class Found:
    """What became of the indicators."""

    hits: list[Hit]
    total: int
    """Indicators that are in the capture."""
    missing: list[Indicator]
    not_evaluated: dict[Kind, str] = field(default_factory=dict)
    """Kinds that could not be looked for, with the reason."""


def look_up(wanted: Sequence[Indicator], tables: Tables, conversations: Conversations) -> Found:
    """Where the indicators stand in the packets. Hits come in the order in which the indicators were given."""
    not_evaluated = _not_evaluated(wanted, tables)
    rows = _rows(wanted)
    kinds = frozenset(rows["kind"].unique().to_list())
    some: frozenset[Kind] = frozenset({*kinds, *(("address",) if "network" in kinds else ())})
    matched: dict[int, list[tuple[Place, str, pl.DataFrame]]] = {}
    for place in places(tables, some):
        for number, value, table in _joined(place, rows):
            matched.setdefault(number, []).append((place, value, table))
    for number, indicator in enumerate(wanted):
        if indicator.kind == "user-agent" and number not in matched and len(wanted) <= MOST_SUBSTRINGS:
            for place in places(tables, frozenset({"user-agent"})):
                part = place.table.filter(pl.col("value").str.contains(indicator.value.lower(), literal=True))
                if part.height:
                    matched[number] = [(place, indicator.value, part)]
    chosen = sorted(matched)
    maker = _Maker(tables, conversations)
    made = {number: maker.hit(wanted[number], matched[number]) for number in chosen[:MOST_HITS]}
    hits = [hit for hit in made.values() if hit is not None]
    # An endpoint may have its address here and its port on another one's packets: then it is no hit.
    lost = frozenset(number for number, hit in made.items() if hit is None)
    missing = [each for number, each in enumerate(wanted) if number not in matched or number in lost]
    return Found(hits, len(chosen) - len(lost), missing, not_evaluated)


def _not_evaluated(wanted: Sequence[Indicator], tables: Tables) -> dict[Kind, str]:
    made: dict[Kind, str] = {}
    for kind, name in (("ja3", "tls.handshake.ja3"), ("ja3s", "tls.handshake.ja3s"), ("ja4", "tls.handshake.ja4")):
        if name in tables.missing_fields and any(kind == each.kind for each in wanted):
            made[kind] = f"not evaluated: this tshark has no field {name}"  # type: ignore[index]
    for kind in ("sha256", "sha1", "md5"):
        if "files" in tables.not_made and any(kind == each.kind for each in wanted):
            made[kind] = f"not evaluated: {tables.not_made['files']}"  # type: ignore[index]
        elif kind not in tables.files.columns and any(kind == each.kind for each in wanted):
            made[kind] = "not evaluated: files are hashed by SHA-256 only"  # type: ignore[index]
    return made


def _rows(wanted: Sequence[Indicator]) -> pl.DataFrame:
    """One row for each kind that an indicator may be; endpoints and networks are looked for by their address."""
    made: list[tuple[int, str, str]] = []
    for number, each in enumerate(wanted):
        for kind in each.kinds:
            if kind == "endpoint":
                host = parts_of_endpoint(each.value)[0]
                made.append((number, "address" if normal("address", host) else "name", host))
            elif kind == "url":
                _, host, path = parts_of_url(each.value)
                made += [(number, "url", host + path), (number, "name", host.rpartition(":")[0] or host)]
                address = normal("address", host.rpartition(":")[0] if ":" in host and "[" not in host else host)
                made += [(number, "address", address)] if address else []
            elif kind == "network":
                made.append((number, "network", each.value))
            else:
                value = normal(kind, re.split(r"[\\/]", each.value)[-1] if kind == "file" else each.value)
                made += [(number, kind, value.lower() if kind in _FOLDED else value)] if value else []
    return pl.DataFrame(made, schema={"number": pl.UInt32(), "kind": pl.String(), "value": pl.String()}, orient="row")


_FOLDED = frozenset({"user-agent", "user", "file", "certificate"})


def _joined(place: Place, rows: pl.DataFrame) -> Iterator[tuple[int, str, pl.DataFrame]]:
    """Indicators that stand in a place: number, value as looked for, and the rows of the place."""
    if place.table.is_empty():
        return
    own = rows.filter(pl.col("kind") == place.kind)
    if own.height:
        if place.kind == "name":
            values = _parents(place.table["value"].unique().to_list(), own)
        else:
            values = own.join(place.table.select("value").unique(), on="value", how="semi").with_columns(
                pl.col("value").alias("seen")
            )
        yield from _grouped(place, values)
    networks = rows.filter(pl.col("kind") == "network")
    if place.kind == "address" and networks.height:
        yield from _grouped(place, _inside(place.table["value"].unique().to_list(), networks))


def _grouped(place: Place, values: pl.DataFrame) -> Iterator[tuple[int, str, pl.DataFrame]]:
    if values.is_empty():
        return
    hits = place.table.join(values, left_on="value", right_on="seen", how="inner")
    for (number, value), part in hits.group_by(["number", "value_right"], maintain_order=True):
        yield int(str(number)), str(value), part.select("frame", "value")


def _parents(seen: Sequence[str], own: pl.DataFrame) -> pl.DataFrame:
    """Names that are a wanted one or stand under it: each name of the capture with its parents, joined."""
    pairs: list[tuple[str, str]] = []
    for name in seen:
        rest = name
        while rest:
            pairs.append((name, rest))
            _, _, rest = rest.partition(".")
    made = pl.DataFrame(pairs, schema={"seen": pl.String(), "value": pl.String()}, orient="row")
    return own.join(made, on="value", how="inner")


def _inside(seen: Sequence[str], networks: pl.DataFrame) -> pl.DataFrame:
    """Addresses of the capture in wanted networks: each with its prefix of every wanted length, joined."""
    lengths = {(net.version, net.prefixlen) for net in map(ipaddress.ip_network, networks["value"].to_list())}
    pairs: list[tuple[str, str]] = []
    for text in seen:
        address = normal("address", text)
        if address is None:
            continue
        parsed = ipaddress.ip_address(address)
        for version, length in lengths:
            if version == parsed.version:
                pairs.append((text, str(ipaddress.ip_network(f"{address}/{length}", strict=False))))
    made = pl.DataFrame(pairs, schema={"seen": pl.String(), "value": pl.String()}, orient="row")
    return networks.join(made, on="value", how="inner")


@dataclass
class _Maker:
    """Makes a hit of an indicator and the places where it stands."""

    tables: Tables
    conversations: Conversations
    _named: dict[int, frozenset[str]] | None = None

    def hit(self, indicator: Indicator, found: list[tuple[Place, str, pl.DataFrame]]) -> Hit | None:
        kind = self._kind(indicator, found)
        if kind == "endpoint":
            return self._endpoint(indicator, found)
        if kind == "url":
            return self._url(indicator, found)
        if kind == "network":
            found = [f for f in found if f[0].kind == "address"]
            fields = dict.fromkeys(f for place, _, _ in found for f in place.fields if f != "addr")
            of_family = [f for f in fields if ("aaaa" in f) == (":" in indicator.value)]
            named = [filters.network(indicator.value, field) for field in of_family]
            return self._address(indicator, found, filters.any_of(filters.network(indicator.value), *named))
        mine = [f for f in found if f[0].kind == kind]
        if kind == "address":
            return self._address(indicator, mine, "")
        if kind == "name":
            return self._name(indicator, mine)
        made = self._plain(indicator, kind, mine)
        if kind == "mac":
            return replace(made, conversations=self.conversations.of_frames(made.frames))
        return made

    @staticmethod
    def _kind(indicator: Indicator, found: list[tuple[Place, str, pl.DataFrame]]) -> Kind:
        if indicator.kind in ("endpoint", "url"):
            return indicator.kind
        there = {place.kind for place, _, _ in found}
        for kind in indicator.kinds:
            if kind in there or (kind == "network" and "address" in there and "/" in indicator.value):
                return kind
        return indicator.kind

    def _plain(self, indicator: Indicator, kind: Kind, found: list[tuple[Place, str, pl.DataFrame]]) -> Hit:
        frames = _frames(found)
        # Where no single field holds the value, frames do: those of all such places together.
        by_field = [f for f in found if f[0].fields or f[0].kind == "port"]
        parts = [filter_of(place, value, table) for place, value, table in by_field]
        lone = _frames([f for f in found if not (f[0].fields or f[0].kind == "port")])
        parts += [filters.frames(lone.to_list(), FRAMES_IN_FILTER)] if lone.len() else []
        cut = lone.len() > FRAMES_IN_FILTER
        remark = f"the filter names at most {FRAMES_IN_FILTER} runs of its {frames.len():,} frames" if cut else ""
        return Hit(
            kind,
            indicator.value,
            indicator.source,
            indicator.note,
            frames,
            _where(found),
            filters.any_of(*list(dict.fromkeys(parts))[:FILTER_PARTS]),
            conversations=self.conversations.of_frames(frames),
            remark=remark,
        )

    def _address(self, indicator: Indicator, found: list[tuple[Place, str, pl.DataFrame]], whole: str) -> Hit:
        frames = _frames(found)
        talked = [f for f in found if f[0].words != "DNS answers"]
        targets = frozenset(str(v) for _, _, table in found for v in table["value"].unique().to_list())
        parts = [filter_of(place, value, table) for place, value, table in found if not whole]
        numbers = self.conversations.with_addresses(targets)
        remark = ""
        if not talked or numbers.is_empty():
            numbers = self.conversations.of_frames(frames)
            remark = "no packet went to it or came from it: it is only named"
        else:
            arp = sum(table.height for place, _, table in found if place.words == "ARP")
            remark = f"{arp:,} of its frames are ARP" if 2 * arp > frames.len() else ""
        return Hit(
            "network" if whole else "address",
            indicator.value,
            indicator.source,
            indicator.note,
            frames,
            _where(found),
            filters.any_of(whole, *dict.fromkeys(parts)),
            targets,
            numbers,
            remark,
        )

    def _name(self, indicator: Indicator, found: list[tuple[Place, str, pl.DataFrame]]) -> Hit:
        hit = self._plain(indicator, "name", found)
        spoken = [f for f in found if not f[0].words.startswith("DNS ")]
        direct = self.conversations.of_frames(_frames(spoken)) if spoken else hit.conversations.clear()
        reached = self._resolved(indicator.value, found)
        numbers = pl.concat([direct, reached]).unique().sort()
        if numbers.is_empty():
            return replace(hit, remark="no connection to its addresses is in the capture: it is only asked for by DNS")
        rows = self.conversations.chosen(numbers)
        return replace(hit, conversations=numbers, targets=frozenset(rows["server"].drop_nulls().to_list()))

    def _resolved(self, name: str, found: list[tuple[Place, str, pl.DataFrame]]) -> pl.Series:
        """Conversations with the addresses that the name was resolved to, unless they carried another name."""
        answers = [table for place, _, table in found if place.words in ("DNS answers", "DNS aliases")]
        none = pl.Series([], dtype=pl.UInt32)
        if not answers:
            return none
        frames = pl.concat(answers)["frame"].unique()
        dns = self.tables.dns.filter(pl.col("frame").is_in(frames.implode()))
        answered = pl.concat([dns["a"].explode(), dns["aaaa"].explode()]).drop_nulls()
        addresses = answered.unique(maintain_order=True).to_list()
        if not addresses:
            return none
        rows = self.conversations.rows.filter(pl.col("server").is_in(addresses[:MOST_RESOLVED]))
        carried = self._names_carried()
        kept = [n for n in rows["conversation"].to_list() if n not in carried or _under(carried[n], name)]
        return pl.Series(kept, dtype=pl.UInt32)

    def _names_carried(self) -> dict[int, frozenset[str]]:
        """Conversation -> names that HTTP and TLS said in it."""
        if self._named is None:
            said = [
                p.table
                for p in places(self.tables, frozenset({"name"}))
                if p.words in ("HTTP hosts", "TLS server names")
            ]
            both = pl.concat(said).join(self.conversations.packets.select("frame", "conversation"), on="frame")
            grouped = both.group_by("conversation").agg(pl.col("value").unique())
            self._named = {number: frozenset(names) for number, names in grouped.iter_rows()}
        return self._named

    def _endpoint(self, indicator: Indicator, found: list[tuple[Place, str, pl.DataFrame]]) -> Hit | None:
        host, port = parts_of_endpoint(indicator.value)
        address = normal("address", host)
        plain = Indicator(("address",) if address else ("name",), host, indicator.source, indicator.note)
        whole = self._address(plain, found, "") if address else self._name(plain, found)
        rows = self.conversations.chosen(whole.conversations)
        mine = rows.filter(
            ((pl.col("server_port") == port) & (pl.col("server").is_in(list(whole.targets))))
            | ((pl.col("client_port") == port) & (pl.col("client").is_in(list(whole.targets))))
        )
        if mine.is_empty():
            return None
        targets = frozenset(mine["server"].to_list()) & whole.targets or whole.targets
        numbers = mine["conversation"]
        ports = [filters.port(t, port) for t in sorted(set(mine["transport"].drop_nulls().to_list()))]
        hosts = [filters.host(each) for each in sorted(targets)[:FILTER_PARTS]]
        return replace(
            whole,
            kind="endpoint",
            value=indicator.value,
            frames=self.conversations.frames_of(numbers),
            remark="",
            conversations=numbers,
            targets=targets,
            where=("packets",),
            display_filter=filters.all_of(filters.any_of(*hosts), filters.any_of(*ports)),
        )

    def _url(self, indicator: Indicator, found: list[tuple[Place, str, pl.DataFrame]]) -> Hit:
        exact = [f for f in found if f[0].kind == "url"]
        _, host, path = parts_of_url(indicator.value)
        bare = host.rpartition(":")[0] if ":" in host and not host.startswith("[") else host
        if not exact:
            address = normal("address", bare)
            plain = Indicator(("address",) if address else ("name",), address or bare, indicator.source, indicator.note)
            hit = self._address(plain, found, "") if address else self._name(plain, found)
            words = "only the host of this URL is in the capture; no request for its path was seen in clear"
            return replace(hit, kind="url", value=indicator.value, remark="; ".join(filter(None, (words, hit.remark))))
        frames = _frames(exact)
        asked = [f for f in exact if f[0].words == "HTTP requests"]
        parts = []
        if asked:
            at = (
                filters.under_host("http.host", bare)
                if normal("address", bare) is None
                else filters.host(bare.strip("[]"))
            )
            parts.append(filters.all_of(at, filters.equals("http.request.uri", path)))
        for place, _, table in exact:
            if place.words != "HTTP requests":
                field = "http.referer" if place.words == "HTTP referers" else "http.location"
                parts.append(filters.contains(field, bare + path) if table.height else "")
        numbers = self.conversations.of_frames(_frames(asked) if asked else frames)
        rows = self.conversations.chosen(numbers)
        targets = frozenset(rows["server"].drop_nulls().to_list()) if asked else frozenset()
        return Hit(
            "url",
            indicator.value,
            indicator.source,
            indicator.note,
            frames,
            _where(exact),
            filters.any_of(*parts),
            targets,
            numbers,
            "" if asked else "it is only named, as a referer or a redirect",
        )


def _frames(found: Sequence[tuple[Place, str, pl.DataFrame]]) -> pl.Series:
    if not found:
        return pl.Series([], dtype=pl.UInt32)
    return pl.concat([table["frame"] for _, _, table in found]).unique().sort()


def _where(found: Sequence[tuple[Place, str, pl.DataFrame]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(place.words for place, _, table in found if table.height))


def _under(names: frozenset[str], wanted: str) -> bool:
    return any(name == wanted or name.endswith(f".{wanted}") for name in names)
