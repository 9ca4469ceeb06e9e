"""What was found, in words: the sentences that the report opens with, and the parts of its model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from tshark_report.focus.asked import Asked
from tshark_report.focus.carried import Event
from tshark_report.focus.carried_words import told
from tshark_report.focus.indicators import Indicator
from tshark_report.focus.lookup import Found, Hit
from tshark_report.focus.match_alerts import Matched
from tshark_report.focus.widen import Scope, port_words
from tshark_report.report import model
from tshark_report.rules import filters
from tshark_report.settings import is_address
from tshark_report.story.indicators import defang
from tshark_report.story.words import count, iso_time, listed, size, verb
from tshark_report.tables.tables import Tables

Named = Callable[[str], str]

FRAMES_KEPT = 200
PEERS_IN_FILTER = 8
NAMED_PEERS = 3

KIND_WORDS: dict[str, str] = {
    "address": "address", "network": "network", "endpoint": "address and port", "port": "port", "name": "name",
    "url": "URL", "sha256": "SHA-256", "sha1": "SHA-1", "md5": "MD5", "ja3": "JA3", "ja3s": "JA3S", "ja4": "JA4",
    "user-agent": "user agent", "mac": "MAC address", "user": "user", "email": "mail address", "file": "file name",
    "certificate": "certificate", "alert": "alert", "moment": "moment",
}  # fmt: skip
_LINKS = frozenset(("address", "network", "endpoint", "name", "url", "email"))


def number(value: Any) -> int | None:
    """A Polars aggregate as an integer."""
    return int(value) if value is not None else None


def seconds(value: Any) -> float | None:
    """A Polars aggregate as a float."""
    return float(value) if value is not None else None


def safe(kind: str, value: str) -> str:
    """A value that nothing turns into a link."""
    return defang(kind, value) if kind in _LINKS else value


def span(first: float, last: float) -> str:
    """`at 09:14:07 UTC`, `from 09:14:07 to 09:31:40 UTC`; with dates where the day changes."""
    start, end = iso_time(first), iso_time(last)
    if start is None or end is None:
        return "at an unknown time"
    if start[:10] != end[:10]:
        return f"from {start[:19].replace('T', ' ')} to {end[:19].replace('T', ' ')} UTC"
    if last - first < 1:
        return f"at {start[11:19]} UTC"
    return f"from {start[11:19]} to {end[11:19]} UTC"


def _peers(scope: Scope) -> list[str]:
    """The other sides, most payload first."""
    rows = scope.rows.with_columns(
        pl.when(pl.col("client") == scope.host).then("server").otherwise("client").alias("peer"),
        (pl.col("client_payload") + pl.col("server_payload")).alias("payload"),
    )
    made = rows.group_by("peer", maintain_order=True).agg(pl.col("payload").sum(), pl.col("start").min())
    ordered = made.sort("payload", "start", "peer", descending=[True, False, False])
    return [str(p) for p in ordered["peer"].drop_nulls().to_list()]


def scope_filter(scope: Scope) -> str:
    """A display filter for a host and those with whom the match has it talk."""
    peers = _peers(scope)
    if not is_address(scope.host) or not all(map(is_address, peers)):
        return filters.frames(scope.frames.to_list())
    if len(peers) <= PEERS_IN_FILTER:
        return filters.all_of(filters.host(scope.host), filters.any_of(*map(filters.host, peers)))
    ports = scope.rows.select("transport", "server_port").drop_nulls().unique().sort("server_port")
    if 0 < ports.height <= PEERS_IN_FILTER and scope.rows["server_port"].null_count() == 0:
        some = [filters.port(str(t), int(p)) for t, p in ports.iter_rows()]
        return filters.all_of(filters.host(scope.host), filters.any_of(*some))
    return filters.host(scope.host)


def _contact(scope: Scope, named: Named) -> str:
    """`reached 203.0.113.9 (shop.example) on tcp/443`."""
    rows = scope.rows
    mine = rows.filter(pl.col("client") == scope.host).height
    met = "reached" if mine == rows.height else "was reached by" if mine == 0 else "exchanged packets with"
    peers = _peers(scope)
    ports = [
        port_words(t, p) for t, p in rows.select("transport", "server_port").unique(maintain_order=True).iter_rows()
    ]
    on = listed([p for p in ports if p], 4)
    kinds = listed(rows["protocol"].drop_nulls().unique(maintain_order=True).to_list(), 3)
    who = listed([named(p) for p in peers], NAMED_PEERS)
    return f"{met} {who}" + (f" on {on}" if on else f" by {kinds}" if kinds else "")


def _amounts(scope: Scope) -> tuple[int, int, int, int]:
    """Packets and bytes that the host sent, and that came back."""
    mine = scope.rows["client"] == scope.host
    up, down = scope.rows.filter(mine), scope.rows.filter(~mine)

    def total(first: str, second: str) -> int:
        return int(up[first].sum() or 0) + int(down[second].sum() or 0)

    return (
        total("client_packets", "server_packets"), total("client_bytes", "server_bytes"),
        total("server_packets", "client_packets"), total("server_bytes", "client_bytes"),
    )  # fmt: skip


def client_sentence(
    scope: Scope,
    events: list[Event],
    near: list[tuple[float, Event, str]],
    whole: str,
    remarks: Sequence[str],
    named: Named,
) -> str:
    """With whom, when, how much each way, what was fetched or sent, what led there, and how much else there is."""
    first, last = seconds(scope.rows["start"].min()) or 0.0, seconds(scope.rows["end"].max()) or 0.0
    sent, sent_bytes, got, got_bytes = _amounts(scope)
    back = f"received {count(got, 'packet')} ({size(got_bytes)})" if got else "received nothing back"
    number = count(scope.rows.height, "conversation")
    parts = [
        f"{named(scope.host)} {_contact(scope, named)} {span(first, last)}: {number}; "
        f"it sent {count(sent, 'packet')} ({size(sent_bytes)}) and {back}."
    ]
    parts.append(told(events))
    led = [(event, remark) for _, event, remark in near if remark]
    if led:
        event, remark = led[0]
        at = (iso_time(event.time) or "")[11:19]
        if event.what.startswith("DNS "):
            answer = f", {event.details}" if event.details else ""
            parts.append(f"Before that, at {at} UTC, it asked {event.peer} for {event.what[4:]}{answer}.")
        else:
            parts.append(f"Before that, at {at} UTC, it asked for {event.what} ({remark}).")
    parts += [f"{text[:1].upper()}{text[1:]}." for text in dict.fromkeys(remarks)]
    parts.append(whole)
    return " ".join(filter(None, parts))


def match(hit: Hit, hosts: list[str], tables: Tables) -> model.FocusMatch:
    """A hit as the report shows it."""
    ends = [n for n in (number(hit.frames.min()), number(hit.frames.max())) if n is not None]
    times = dict(tables.packets.filter(pl.col("frame").is_in(ends)).select("frame", "time").iter_rows())
    first, last = (ends[0], ends[-1]) if ends else (None, None)
    return model.FocusMatch(
        kind=hit.kind, value=hit.value, defanged=safe(hit.kind, hit.value), source=hit.source, note=hit.note,
        where=list(hit.where), remark=hit.remark, count=hit.count, hosts=hosts, display_filter=hit.display_filter,
        matched_packets=hit.frames.len(), filter_checked=False, first_frame=first, last_frame=last,
        first_time=iso_time(times.get(first)) if first is not None else None,
        last_time=iso_time(times.get(last)) if last is not None else None,
        frames=hit.frames.head(FRAMES_KEPT).to_list(),
    )  # fmt: skip


def missing(each: Indicator) -> model.FocusMissing:
    """An indicator that is not in the capture."""
    value = each.value
    return model.FocusMissing(
        kind=each.kind, value=value, defanged=safe(each.kind, value), source=each.source, note=each.note
    )


def asked_about(hits: Sequence[Hit], wanted: Sequence[Indicator], alerts: int, asked: Asked) -> str:
    """What was asked about in a few words: the things themselves where they are few."""
    values = list(dict.fromkeys(h.value for h in hits if h.kind != "alert"))
    signatures = list(dict.fromkeys(h.value for h in hits if h.kind == "alert"))
    if hits:
        parts = [listed(values, 3)] if values else []
        parts += [f"the alert {listed(signatures, 2)}"] if signatures else []
        return " and ".join(parts)
    if len(wanted) == 1 and not alerts and not asked.moments:
        return wanted[0].value
    parts = [count(len(wanted), "indicator")] if wanted else []
    parts += [count(alerts, "alert")] if alerts else []
    parts += [count(len(asked.moments), "moment")] if asked.moments else []
    return " and ".join(parts) or "nothing that could be used"


def sentence(
    hits: Sequence[Hit], found: Found, matched: Matched, clients: Sequence[model.FocusClient], wanted: int
) -> str:
    """The first lines of the section: who it leads to, what was exchanged, and how much of what was asked is here."""
    parts = [clients[0].sentence] if clients else []
    more = [c.named for c in clients[1:]]
    if more:
        parts.append(f"Told below as well: {listed(more, 3)}.")
    if wanted == 1 and found.missing:
        parts.append(f"{found.missing[0].value} is not in this capture.")
    elif wanted > 1:
        parts.append(f"{found.total:,} of {wanted:,} indicators {verb(found.total, 'is', 'are')} in this capture.")
    elif wanted and not clients:
        parts.append(f"{hits[0].value} is in this capture, but leads to no conversation.")
    if matched.total:
        fit = "fits" if matched.matched == 1 and matched.total == 1 else "fit"
        parts.append(f"{matched.matched:,} of {count(matched.total, 'alert')} {fit} packets of this capture.")
    for each in (h for h in hits if h.kind == "moment"):
        number = count(each.conversations.len(), "conversation")
        parts.append(f"Around {each.value}: {count(each.frames.len(), 'packet')} in {number}.")
    return " ".join(parts) or "Nothing of what was given could be looked for."


def short(hits: Sequence[Hit], clients: Sequence[model.FocusClient], found: Found, matched: Matched, what: str) -> str:
    """One or two sentences for the verdict."""
    if clients:
        first = clients[0].sentence
        parts = [s for s in _sentences(first) if s.startswith("It ")]
        return " ".join([f"{first.partition(': ')[0]}.", *parts[:2]])
    if hits:
        return f"{what} is in this capture, but leads to no conversation."
    if len(found.missing) == 1 and not matched.total:
        return f"{what} is not in this capture."
    return f"Nothing of what was asked about ({what}) is in this capture."


def _sentences(text: str) -> list[str]:
    """A client's sentence in its parts, at full stops before a capital."""
    made, rest = [], text
    while rest:
        cut = min(
            (i for i in (rest.find(f". {w}") for w in ("It ", "In the", "Before", "No ", "Only")) if i >= 0), default=-1
        )
        if cut < 0:
            made.append(rest)
            break
        made.append(rest[: cut + 1])
        rest = rest[cut + 2 :]
    return made
