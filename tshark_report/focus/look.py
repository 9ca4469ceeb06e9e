"""The whole of it: what was asked is read, found in the packets and followed; what the report opens with comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tshark_report.focus import carried, hidden, match_alerts, others, read_alerts, read_lists, subjects, tell, widen
from tshark_report.focus.asked import Asked
from tshark_report.focus.conversations import Conversations
from tshark_report.focus.indicators import Indicator, given, unique
from tshark_report.focus.lookup import Found, Hit, look_up
from tshark_report.report import model
from tshark_report.rules import filters
from tshark_report.settings import Settings
from tshark_report.story import hosts as hosts_view
from tshark_report.story.findings import Fired
from tshark_report.story.words import count, duration, iso_time
from tshark_report.tables.tables import Tables

MOST_CLIENTS = 4
"""Hosts that are told in full."""
MOST_MATCHES = 100
MOST_HOSTS_NAMED = 200
MOST_MISSING = 100


@dataclass(frozen=True)
class Looked:
    """What the report opens with, before tshark has counted its filters."""

    focus: model.Focus
    short: str
    """One sentence for the verdict."""
    what: str
    """What was asked about, in a few words."""

    @property
    def filters(self) -> list[str]:
        """The display filters to be counted."""
        every = [c.display_filter for c in self.focus.clients] + [m.display_filter for m in self.focus.matches]
        return [each for each in every if each]


def look(
    asked: Asked,
    tables: Tables,
    settings: Settings,
    drafts: Sequence[Fired],
    *,
    filtered: bool = False,
    cut: bool = False,
) -> Looked:
    """Find what was asked in the packets, follow it, and tell it. Files that cannot be used cost a note, no report.

    `filtered` and `cut` say that the tables do not hold all packets, or not the whole of them.
    """
    lines, notes, wanted = _indicators(asked)
    alerts, alert_lines, alert_notes = _alerts(asked)
    notes += alert_notes
    conversations = Conversations(tables)
    found = look_up(wanted, tables, conversations) if wanted else Found([], 0, [])
    matched = match_alerts.match(alerts, tables, conversations)
    notes += matched.notes
    moments = [_moment(each, asked.window, tables, conversations, notes) for each in asked.moments]
    hits = [*found.hits, *matched.hits[:MOST_MATCHES], *(m for m in moments if m is not None)]
    total = found.total + len(matched.hits) + sum(1 for m in moments if m is not None)
    if len(matched.hits) > MOST_MATCHES:
        notes.append(
            f"Alerts of {len(matched.hits):,} kinds and pairs of hosts fit: the first {MOST_MATCHES} are told."
        )
    lines += [*alert_lines, *(_moment_line(each, asked.window) for each in asked.moments)]
    led = subjects.subjects(hits, conversations, settings, MOST_CLIENTS)
    named = _naming(tables, settings, led.scopes)
    clients = [
        _client(scope, hits, tables, conversations, settings, asked.window, named, _touching([scope], [], drafts))
        for scope in led.scopes
    ]
    also = others.others(led.scopes, tables, conversations)
    hosts = frozenset(s.host for s in led.scopes)
    what = tell.asked_about(hits, wanted, len(alerts), asked)
    focus = model.Focus(
        sentence=tell.sentence(hits, found, matched, clients, len(wanted)),
        asked=lines,
        matches=[tell.match(hit, hosts_, tables) for hit, hosts_ in zip(hits, led.hosts, strict=True)],
        matches_total=total,
        clients=clients,
        clients_total=led.total,
        others=others.others_table(also, hosts, named),
        missing=[tell.missing(each) for each in found.missing[:MOST_MISSING]],
        missing_total=len(found.missing),
        hidden=hidden.hidden(found.missing, tables, filtered=filtered, cut=cut, not_evaluated=found.not_evaluated),
        findings=_touching(led.scopes, hits, drafts),
        notes=list(dict.fromkeys(notes)),
    )
    return Looked(focus, tell.short(hits, clients, found, matched, what), what)


def _indicators(asked: Asked) -> tuple[list[str], list[str], list[Indicator]]:
    lines, notes, wanted = [], [], []
    for text in asked.values:
        made = given(text, "--focus")
        lines.append(f"--focus {text}" + (f" ({tell.KIND_WORDS[made.kind]})" if made is not None else ""))
        if made is None:
            notes.append(
                f"--focus {text[:100]}: not recognised as an address, name, port, URL, hash, user agent, JA3, JA4, MAC "
                "or user; `kind:` before it says what it is, for example user:admin."
            )
        else:
            wanted.append(made)
    for path in asked.lists:
        got = read_lists.read(path)
        how = f", read as {got.how}" if got.how else ""
        lines.append(f"{path.name}: {count(len(got.indicators), 'indicator')}{how}")
        wanted += got.indicators
        notes += got.notes
    return lines, notes, unique(wanted)


def _alerts(asked: Asked) -> tuple[list[read_alerts.Alert], list[str], list[str]]:
    lines, notes, alerts = [], [], []
    for path in asked.alerts:
        got = read_alerts.read(path)
        lines.append(f"{path.name}: {count(len(got.alerts), 'alert')}{f', {got.how}' if got.how else ''}")
        alerts += got.alerts
        notes += got.notes
    return alerts, lines, notes


def _moment_line(moment: float, window: float) -> str:
    return f"{(iso_time(moment) or '')[:19].replace('T', ' ')} UTC, {duration(window)} before and after"


def _moment(moment: float, window: float, tables: Tables, conversations: Conversations, notes: list[str]) -> Hit | None:
    packets = conversations.packets.filter(pl.col("time").is_between(moment - window, moment + window))
    words = _moment_line(moment, window)
    if packets.is_empty():
        first, last = tables.first_time, tables.last_time
        away = first - moment if moment < first else moment - last if moment > last else 0.0
        where = f"it lies {duration(away)} {'before the capture begins' if moment < first else 'after it ends'}"
        notes.append(
            f"No packet with addresses at {words}: {where if away else 'the capture is silent there'}. A time zone?"
        )
        return None
    low, high = f"{moment - window:.6f}", f"{moment + window:.6f}"
    return Hit(
        "moment", words, "--around", "", packets["frame"].unique().sort(), ("packets",),
        filters.time_range(low, high), frozenset(), packets["conversation"].unique().sort(),
    )  # fmt: skip


def _naming(tables: Tables, settings: Settings, scopes: Sequence[widen.Scope]) -> Callable[[str], str]:
    """Address with the name that the capture shows for it; for the hosts that are told, what the hosts table says."""
    known = dict(tables.names)
    if scopes:
        told = frozenset(s.host for s in scopes)
        for host in hosts_view.hosts(tables, settings, MOST_HOSTS_NAMED)[0]:
            if host.address in told:
                parts = [*host.names[:1], *(f"user {user}" for user in host.users[:1])]
                known[host.address] = ", ".join(parts) or known.get(host.address, "")

    def named(address: str) -> str:
        name = known.get(address)
        return f"{address} ({name})" if name and name != address else address

    return named


def _client(
    scope: widen.Scope, hits: Sequence[Hit], tables: Tables, conversations: Conversations, settings: Settings,
    window: float, named: Callable[[str], str], findings: list[str],
) -> model.FocusClient:  # fmt: skip
    """A host in focus as the report tells it; `findings` are those about its conversations."""
    events = carried.events(scope.host, scope.frames, tables, show_secrets=settings.show_secrets)
    near = widen.around(scope, tables, conversations, window)
    whole, words = widen.everything(scope, conversations, tables.names)
    times = conversations.packets.filter(pl.col("frame").is_in(scope.frames.implode()))["time"]
    remarks = [h.remark for h in hits if h.remark and h.conversations.is_in(scope.numbers.implode()).any()]
    return model.FocusClient(
        address=scope.host,
        named=named(scope.host),
        sentence=tell.client_sentence(scope, events, near, words, remarks, named),
        display_filter=tell.scope_filter(scope),
        matched_packets=scope.frames.len(),
        filter_checked=False,
        first_frame=tell.number(scope.frames.min()),
        last_frame=tell.number(scope.frames.max()),
        first_time=iso_time(tell.seconds(times.min())),
        last_time=iso_time(tell.seconds(times.max())),
        conversations=widen.conversation_table(scope.rows),
        exchanged=carried.table(events),
        around=widen.around_table(near),
        everything=whole,
        findings=findings,
    )


def _touching(scopes: Sequence[widen.Scope], hits: Sequence[Hit], drafts: Sequence[Fired]) -> list[str]:
    """Findings about packets of these conversations or of the matches, in rank order."""
    series = [*(s.frames for s in scopes), *(h.frames for h in hits if h.kind != "moment")]
    series = [s for s in series if s.len()]
    if not series:
        return []
    highest = max(int(tell.number(s.max()) or 0) for s in series)
    marked = np.zeros(highest + 2, dtype=bool)
    for each in series:
        marked[each.to_numpy()] = True
    made = []
    for fired in drafts:
        frames = np.asarray(list(fired.draft.frames), dtype=np.int64)
        if len(frames) and marked[frames[frames <= highest]].any():
            made.append(fired.id)
    return made
