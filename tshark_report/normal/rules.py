"""Findings that only a baseline can make. They run where `report --baseline` is given, after all other rules.

The rules read what normal.against has left in the tables: what is new in this capture, without what other rules
have told already. Everyday novelty (another web site, another name) is listed in the report and makes no finding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import polars as pl

from tshark_report.normal.news import News, sessions_filter
from tshark_report.report.model import Innocent, Priority, Reference
from tshark_report.rules.base import Context, Draft, Rule, Threshold, evidence, rule
from tshark_report.story.words import count, listed, size
from tshark_report.tables.tables import Tables

KEPT = ("normal", "news for rules")
"""Key in `Tables.kept` under which the news lie that no other rule has told."""

LEARNING = Reference(title="Denning, An Intrusion-Detection Model, IEEE TSE 13(2), 1987")


def _news(tables: Tables, *kinds: str) -> dict[str, list[News]]:
    made: dict[str, list[News]] = defaultdict(list)
    for each in tables.kept.get(KEPT, ()):
        if each.kind in kinds:
            made[each.host].append(each)
    return made


def _frames(tables: Tables, several: list[News]) -> list[int]:
    """Frames of the sessions' hosts on their ports: what the filter selects."""
    keys = {(r["client"], r["server"], r["transport"], r["port"]) for n in several for r in n.sessions}
    made: set[int] = set()
    for client, server, transport, port in keys:
        pair = (pl.col("src").is_in([client, server])) & (pl.col("dst").is_in([client, server]))
        if transport == "icmp":
            own = pl.col("protocol").is_in(["ICMP", "ICMPv6"])
        else:
            own = (pl.col("transport") == transport) & ((pl.col("src_port") == port) | (pl.col("dst_port") == port))
        made |= set(tables.packets.filter(pair & own)["frame"].to_list())
    return sorted(made)


def _filter(several: list[News]) -> str:
    return sessions_filter(r for n in several for r in n.sessions)


@rule(
    code="NRM001", name="new-destinations", family="normal",
    title="A host exchanged data with a place that its network never used before",
    question="Where did hosts go that nobody went while the baseline was learnt?",
    answers=("Q3", "Q4"),
    why="What a network does all day is known from its baseline. A place outside that nobody used, reached in a way "
    "that nobody used either, is where a look costs little and tells much.",
    innocent=(
        Innocent(
            explanation="A new program, a new supplier or a changed address of a known service.",
            tell_apart="The owner of the host knows of it, and other hosts begin to use it in the same days.",
        ),
        Innocent(
            explanation="The baseline was learnt from too little: the place is used once a month.",
            tell_apart="Proxy or DNS logs from before show the same place; learn those captures too.",
        ),
    ),
    confirm=("Ask proxy, DNS and firewall logs since when the place is used, and by whom.",
             "Find the program on the host that holds the connection."),
    references=(LEARNING,),
    needs=("packets",),
    thresholds={
        "signs": Threshold(2, "signs", "a new place alone is an ordinary day; two more signs are not"),
        "signs_medium": Threshold(3, "signs", "and much or often: three signs, one of them a habit, are rare"),
    },
    weight=55,
)  # fmt: skip
def new_destinations(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each host with new places that show enough signs."""
    for host, every in _news(tables, "destination").items():
        found = [n for n in every if len(n.signs) >= context.limit("signs")]
        if not found:
            continue
        strong = any(n.habit and len(n.signs) >= context.limit("signs_medium") for n in found)
        priority: Priority = "medium" if strong else "low"
        servers = list(dict.fromkeys(r["server"] for n in found for r in n.sessions))
        first = found[0]
        others = f", and {count(len(found) - 1, 'other new place')}" if len(found) > 1 else ""
        yield Draft(
            subject=f"{host} new destinations",
            hosts=(host, *servers[:11]),
            summary=f"{host} exchanged data with {first.what}{others}, which its network did not use while the "
            f"baseline was learnt: {first.seen}. {_capital(listed(list(first.signs), 4))}.",
            sentence=f"{host} first spoke to {first.what}, which its network had not used before ({first.seen})",
            priority=priority,
            confidence="medium" if strong else "low",
            display_filter=_filter(found),
            frames=_frames(tables, found),
            evidence=evidence(
                (("time", "time"), ("frame", "frame"), ("place", "text"), ("seen", "text"), ("signs", "text"),
                 ("known instead", "text")),
                [[n.time, n.frame, n.what, n.seen, "; ".join(n.signs), n.usual] for n in found],
            ),
        )  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


@rule(
    code="NRM002", name="new-services", family="normal",
    title="A known host offered a service that it did not offer before",
    question="Which hosts answer on ports on which they never answered while the baseline was learnt?",
    answers=("Q6", "Q13"),
    why="Servers change rarely and on purpose. A port that begins to answer is a new program on that host.",
    innocent=(
        Innocent(
            explanation="An update or an administrator brought a new service.",
            tell_apart="There is a change ticket, and the program that listens belongs to the software of the host.",
        ),
        Innocent(
            explanation="A program that serves others for a moment: a game, a screen share, a peer-to-peer update.",
            tell_apart="The port is answered for minutes, from neighbours only, and the program is known.",
        ),
    ),
    confirm=("List what listens on the host: ss -tlnp, netstat -abno.",),
    references=(LEARNING,),
    needs=("packets",),
    thresholds={},
    weight=50,
)  # fmt: skip
def new_services(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each host that answered on new ports."""
    del context
    for host, found in _news(tables, "service").items():
        clients = list(dict.fromkeys(r["client"] for n in found for r in n.sessions))
        names = listed([n.what for n in found], 4)
        yield Draft(
            subject=f"{host} new services",
            hosts=(host, *clients[:11]),
            summary=f"{host} answered on {names}, which it did not while the baseline was learnt: {found[0].seen}. "
            f"It offered: {found[0].usual}.",
            sentence=f"{host} answered on {names} for the first time ({found[0].seen})",
            priority="low",
            confidence="medium",
            display_filter=_filter(found),
            frames=_frames(tables, found),
            evidence=evidence(
                (
                    ("time", "time"),
                    ("frame", "frame"),
                    ("service", "text"),
                    ("seen", "text"),
                    ("offered before", "text"),
                ),
                [[n.time, n.frame, n.what, n.seen, n.usual] for n in found],
            ),
        )


@rule(
    code="NRM003", name="unusual-amounts", family="normal",
    title="Known partners exchanged far more, or far more slowly, than before",
    question="Where do volume, round trips, answers or losses go far beyond what was learnt?",
    answers=("Q4", "Q7"),
    why="The same two hosts and the same service, but an amount that never was: a large upload to a known place, a "
    "server that answers ten times slower, a path that loses packets.",
    innocent=(
        Innocent(
            explanation="A large file, a backup, an update of many machines.",
            tell_apart="The amount comes once and has an owner; a changed program comes again.",
        ),
        Innocent(
            explanation="A server or a line under load for a while.",
            tell_apart="All clients see it in the same minutes, and it passes.",
        ),
    ),
    confirm=("Compare a capture of a good day with this one: tshark-report compare GOOD BAD.",),
    references=(LEARNING,),
    needs=("packets",),
    thresholds={
        "upload": Threshold(1_000_000, "bytes", "smaller uploads beyond what was learnt are listed only"),
    },
    weight=52,
)  # fmt: skip
def unusual_amounts(tables: Tables, context: Context) -> Iterator[Draft]:
    """One finding for each host with sessions beyond what was learnt."""
    for host, every in _news(tables, "amount").items():
        found = [n for n in every if _tells(n, context.limit("upload"))]
        if not found:
            continue
        first = found[0]
        others = list(dict.fromkeys(a for n in found for r in n.sessions for a in (r["client"], r["server"])))
        sent = sum(r["up"] for n in found for r in n.sessions)
        yield Draft(
            subject=f"{host} unusual amounts",
            hosts=(host, *(a for a in others[:12] if a != host)),
            summary=f"{host} and {first.what}: {first.seen}; {first.usual}. "
            f"{count(len(found), 'partner')} of {host} went beyond what was learnt, {size(sent)} sent in all.",
            sentence=f"{host} and {first.what} went beyond what was learnt: {first.seen}, {first.usual}",
            priority="low",
            confidence="medium",
            display_filter=_filter(found),
            frames=_frames(tables, found),
            evidence=evidence(
                (("time", "time"), ("frame", "frame"), ("with", "text"), ("seen", "text"), ("learnt", "text")),
                [[n.time, n.frame, n.what, n.seen, n.usual] for n in found],
            ),
        )


def _tells(each: News, upload: float) -> bool:
    """Uploads must be large, and what was received is the other side's choice; times and losses always tell."""
    if each.measure == "received":
        return False
    return each.measure != "sent" or max(r["up"] for r in each.sessions) >= upload


RULES: tuple[Rule, ...] = (new_destinations, new_services, unusual_amounts)
