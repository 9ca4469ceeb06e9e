"""What grew, in words: sentences say what was seen, and name harmless events that would look the same."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from tshark_report.story.words import count, duration, iso_time, verb
from tshark_report.trends.counting import Reader, Slot
from tshark_report.trends.growth import Judged
from tshark_report.trends.model import Grown, Harmless, Kind, Passed, Series, Step

FEW = 3
UNEVEN = 2.0
"""How many times more of one bucket than of another must be covered to be told."""


def buckets(step: Step, number: int = 2) -> str:
    """`days`, or `day`."""
    return step if number == 1 else f"{step}s"


def labels(reader: Reader, slots: Sequence[Slot]) -> list[str]:
    """A name for each bucket: the day, the hour, or the file."""
    if reader.step == "file":
        kept = [reader.captures[slot.number] for slot in slots]
        names = [each.manifest.capture.file_name for each in kept]
        # Captures of one name in several folders are told apart by their key.
        return names if len(set(names)) == len(names) else [each.key for each in kept]
    cut = 10 if reader.step == "day" else 16
    return [(iso_time(slot.start) or "?")[:cut].replace("T", " ") for slot in slots]


def when(step: Step, label: str) -> str:
    """`on 2026-03-06`, `in the hour from 2026-03-06 09:00`, `in monday.pcap`."""
    return {"day": f"on {label}", "hour": f"in the hour from {label}", "file": f"in {label}"}[step]


def a(step: Step) -> str:
    """`a day`, `an hour`."""
    return f"an {step}" if step == "hour" else f"a {step}"


def notes(step: Step, slots: Sequence[Slot], history: int) -> list[str]:
    """What limits the comparison."""
    made = []
    if len(slots) <= history:
        made.append(
            f"There {verb(len(slots), 'is', 'are')} {count(len(slots), step)} with packets; {a(step)} is judged "
            f"against at least {history} before it, so nothing could be judged."
        )
    spans = sorted(slot.covered for slot in slots)
    if step != "file" and len(spans) > 1 and spans[-1] > UNEVEN * max(spans[0], 1.0):
        made.append(
            f"Captures cover between {duration(spans[0])} and {duration(spans[-1])} of {a(step)}: records are not "
            "comparable as they stand, shares are."
        )
    return made


def title(kind: Kind, key: str) -> str:
    """What it is, for a heading."""
    if kind == "port":
        transport, _, number = key.partition("/")
        return f"{transport.upper()} port {number}"
    return {
        "protocol": f"Protocol {key}",
        "client": f"Conversations that {key} opened",
        "server": f"Conversations with {key}",
        "name": f"The name {key}",
    }[kind]


def _that(step: Step) -> str:
    return {"day": "On that day", "hour": "In that hour", "file": "There"}[step]


def _records(kind: Kind, number: int) -> str:
    noun = {"protocol": "packet", "name": "question or connection"}.get(kind, "conversation")
    return count(number, noun, "questions and connections" if kind == "name" else "")


def with_story(each: Grown, totals: Sequence[int], names: Sequence[str], step: Step) -> Grown:
    """The same with its story."""
    series, at, peak = each.series, each.onset, each.peak
    earlier = f"the {at} {buckets(step, at)} before"
    past = (
        f"and none in {earlier}"
        if each.before_most == 0
        else f"where {earlier} had {each.before_median:,.0f} in the median and {each.before_most:,} at most"
    )
    parts = [f"{each.title}: {_records(each.kind, series.records[at])} {when(step, names[at])}, {past}."]
    if peak != at:
        parts.append(f"There were {series.records[peak]:,} {when(step, names[peak])}, the most.")
    sources = count(series.sources[peak], "address", "addresses")
    targets = count(series.targets[peak], "address", "addresses")
    parts.append(f"{_that(step)} {sources} spoke to {targets}.")
    if each.before_most:
        parts.append(f"The very first was at {each.first_seen[:19].replace('T', ' ')} UTC.")
    rest_before = median(totals[i] - series.records[i] for i in range(at))
    rest = totals[peak] - series.records[peak]
    parts.append(
        f"Everything else of the kind went from a median of {rest_before:,.0f} to {rest:,}, which does not explain it: "
        f"the share of all went from {each.share_before:.1%} to {each.share_at_peak:.1%}."
    )
    if each.unanswered is not None and each.refused is not None:
        total = sum(series.records[at:])
        parts.append(
            f"Of all {total:,} since then, {each.unanswered:,} had no answer and {each.refused:,} were refused."
        )
    return msgspec.structs.replace(each, story=" ".join(parts))


def taking_part(each: Grown, part: list[str], total: int) -> Grown:
    """The same with the hosts and protocols that grew only by it."""
    return msgspec.structs.replace(each, takes_part=part, takes_part_total=total)


def passed(
    kind: Kind, key: str, verdict: Judged, series: Series, totals: Sequence[int], names: Sequence[str], step: Step
) -> Passed:
    """Why something that grew is not raised."""
    now = series.records[verdict.at]
    lead = (
        f"{title(kind, key)}: {_records(kind, now)} {when(step, names[verdict.at])}, a median of {verdict.median:,.0f} "
        "before"
    )
    if verdict.verdict == "was as high before":
        highest = max(range(verdict.at), key=lambda place: series.records[place])
        why = f"but {verdict.most:,} {when(step, names[highest])} already."
        return Passed(kind=kind, key=key, reason="was as high before", sentence=f"{lead}; {why}")
    share = now / max(1, totals[verdict.at])
    why = f"but everything grew: its share of all was {verdict.share_before:.1%} before and is {share:.1%}."
    return Passed(kind=kind, key=key, reason="grew with the total", sentence=f"{lead}; {why}")


def headline(grown: Sequence[Grown], step: Step, number: int, history: int, names: Sequence[str]) -> str:
    """One sentence for the ticket."""
    if number <= history:
        return f"Too few {buckets(step)} to compare: {number}, and {history + 1} are needed."
    if not grown:
        return f"Nothing stands out over {number:,} {buckets(step)}."
    first = grown[0]
    use = f" ({first.uses.service})" if first.uses and first.uses.service else ""
    more = f"; {len(grown) - 1} more stand out" if len(grown) > 1 else ""
    low = "nearly nothing" if first.before_most else "nothing"
    if first.before_median >= 1:
        low = f"{first.before_median:,.0f}"
    return (
        f"{first.title}{use} went from {low} to {first.series.records[first.peak]:,} {a(step)}, "
        f"beginning with {names[first.onset]}{more}."
    )


def harmless(kind: Kind, series: Series, peak: int) -> list[Harmless]:
    """Harmless events of the shape that it has in the bucket with most records."""
    sources, targets = series.sources[peak], series.targets[peak]
    moved = Harmless(
        explanation="The sensor was moved, or its capture filter was changed.",
        tell_apart="Then other ports, hosts and names change at the same time; see what else is listed here.",
    )
    if kind == "name":
        return [
            Harmless(
                explanation="A program was installed or updated and now asks for this name; or a page embeds it.",
                tell_apart="The hosts that ask have that program, and the name belongs to its maker.",
            ),
            moved,
        ]
    if kind == "protocol":
        return [
            Harmless(
                explanation="A new service or a new version speaks this protocol.",
                tell_apart="The servers are ones that you run, and somebody knows of the change.",
            ),
            moved,
        ]
    if sources <= FEW and targets > FEW:
        first = Harmless(
            explanation="Your own inventory, monitoring or vulnerability scanner reached this port in its round.",
            tell_apart="The source is a scanner that you know, and the times are those of its schedule.",
        )
    elif sources <= FEW:
        first = Harmless(
            explanation="A new backup, replication or test job runs between few hosts.",
            tell_apart="Conversations are answered and long; both ends are yours, and the job has an owner.",
        )
    elif targets <= FEW:
        first = Harmless(
            explanation="A service was opened on this port and is popular.",
            tell_apart="Conversations are answered and carry data; the server's owner knows of it.",
        )
    else:
        first = Harmless(
            explanation="Programs or devices were updated and now use this port among themselves.",
            tell_apart="Sources are devices of one kind, conversations are answered, and the maker documents the port.",
        )
    return [first, moved]
