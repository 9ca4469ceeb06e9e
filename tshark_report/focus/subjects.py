"""Who an indicator leads to: for each conversation that it means, the host on whose side a reader goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tshark_report.focus.conversations import SCHEMA, Conversations
from tshark_report.focus.lookup import Hit
from tshark_report.focus.widen import Scope
from tshark_report.settings import Settings, is_multicast

MOST_HOSTS = 12
"""Hosts named for one match."""


@dataclass(frozen=True)
class Led:
    """Where the matches lead."""

    scopes: list[Scope]
    """One for each host, the one to open first in front."""
    hosts: list[list[str]]
    """For each hit, the hosts that it leads to, in the same order; at most MOST_HOSTS."""
    total: int = 0
    """Hosts that the hits lead to in all."""


def subjects(hits: Sequence[Hit], conversations: Conversations, settings: Settings, most: int) -> Led:
    """The hosts that the hits lead to; the first `most` of them with their conversations.

    The host is the other side of an outside address that was asked about; of a home address, that host itself where
    it was the client or its peer is outside, else its clients. Where no address was asked about it is the client,
    unless that one is outside and the server at home.
    """
    tables = [_of_hit(number, hit, conversations, settings) for number, hit in enumerate(hits)]
    every = pl.concat(tables) if tables else pl.DataFrame(schema={**SCHEMA, "hit": pl.UInt32(), "subject": pl.String()})
    if every.is_empty():
        return Led([], [[] for _ in hits])
    asked = frozenset(t for hit in hits for t in hit.targets)
    ranked = _ranked(every.unique(["conversation", "subject"], keep="first", maintain_order=True), settings, asked)
    order = {host: place for place, host in enumerate(ranked)}
    hosts = []
    for number in range(len(hits)):
        mine = every.filter(pl.col("hit") == number)["subject"].unique().to_list()
        hosts.append(sorted(mine, key=lambda h: order.get(h, len(order)))[:MOST_HOSTS])
    scopes = [_scope(host, every, hits, conversations) for host in ranked[:most]]
    return Led(scopes, hosts, len(ranked))


def _of_hit(number: int, hit: Hit, conversations: Conversations, settings: Settings) -> pl.DataFrame:
    rows = conversations.chosen(hit.conversations)
    addresses = pl.concat([rows["client"], rows["server"]]).drop_nulls().unique().to_list()
    home = [a for a in addresses if settings.is_home(a)]
    crowd = [a for a in addresses if is_multicast(a)]
    targets = list(hit.targets)
    of_client, of_server = pl.col("client").is_in(targets), pl.col("server").is_in(targets)
    at_home = {side: pl.col(side).is_in(home) for side in ("client", "server")}
    subject = (
        pl.when(pl.col("server").is_in(crowd)).then("client")
        .when(of_server & ~of_client)
        .then(pl.when(at_home["server"] & ~at_home["client"]).then("server").otherwise("client"))
        .when(of_client & ~of_server)
        .then(pl.when(at_home["client"]).then("client").otherwise("server"))
        .when(~at_home["client"] & at_home["server"]).then("server")
        .otherwise("client")
    )  # fmt: skip
    named = rows.with_columns(pl.lit(number, dtype=pl.UInt32).alias("hit"), subject.alias("subject"))
    return named.filter(pl.col("subject").is_not_null())


def _ranked(rows: pl.DataFrame, settings: Settings, asked: frozenset[str]) -> list[str]:
    """Hosts that exchanged something first, home hosts before others, those asked about, then by what was carried."""
    answered = (pl.col("client_packets") > 0) & (pl.col("server_packets") > 0)
    made = rows.group_by("subject", maintain_order=True).agg(
        answered.any().alias("answered"),
        (pl.col("client_payload") + pl.col("server_payload")).sum().alias("payload"),
        (pl.col("client_bytes") + pl.col("server_bytes")).sum().alias("bytes"),
        pl.col("start").min(),
    )
    home = pl.Series("home", [settings.is_home(h) for h in made["subject"].to_list()], dtype=pl.Boolean)
    ordered = made.with_columns(home, pl.col("subject").is_in(list(asked)).alias("asked")).sort(
        "answered", "home", "asked", "payload", "bytes", "start", "subject", descending=[*[True] * 5, False, False]
    )
    return [str(h) for h in ordered["subject"].to_list()]


def _scope(host: str, every: pl.DataFrame, hits: Sequence[Hit], conversations: Conversations) -> Scope:
    mine = every.filter(pl.col("subject") == host)
    numbers = mine["conversation"].unique().sort()
    frames = conversations.frames_of(numbers)
    whole = {int(n) for n in mine["hit"].unique().to_list()}
    if all(hits[n].kind == "moment" for n in whole):
        # A moment is about what happened then, not about the whole of the connections that were open.
        then = pl.concat([hits[n].frames for n in whole]).unique()
        frames = frames.filter(frames.is_in(then.implode()))
    return Scope(host, numbers, conversations.chosen(numbers), frames)
