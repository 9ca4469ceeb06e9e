"""What crossed in some conversations, in a sentence or two: programs first, then files, uploads and requests."""

from __future__ import annotations

from tshark_report.focus.carried import WEIGHT_FILE, Event
from tshark_report.story.words import size

LONGEST_NAME = 80
"""Characters of a name that a sentence can hold."""


def told(found: list[Event]) -> str:
    """What was fetched and sent, in a sentence or two; empty where nothing readable was."""
    sentences = []
    programs = [e for e in found if e.what.startswith("payload with")]
    if programs and not any("executable" in e.details for e in found if e.weight == WEIGHT_FILE):
        first = programs[0]
        sentences.append(f"It {first.direction} {first.what} (frame {first.frame}).")
    for direction, verb in (
        ("fetched", "It fetched"),
        ("received", "It received"),
        ("sent", "It sent"),
        ("gave", "It gave"),
    ):
        mine = [e for e in found if e.direction == direction and e.weight >= 2]
        if mine:
            sentences.append(f"{verb} {_listed(mine, 3)}.")
    carried = [e.what.removeprefix("file ") for e in found if e.weight == WEIGHT_FILE]
    asked = [
        e for e in found if e.direction == "asked" and e.weight == 1 and not any(e.what.endswith(c) for c in carried)
    ]
    if asked:
        sentences.append(f"It asked for {_listed(asked, 2)}.")
    if not sentences:
        names = [e for e in found if e.what.startswith("DNS ")]
        tls = [e for e in found if e.direction in ("opened", "was opened")]
        rest = [e for e in found if not e.what.startswith(("DNS ", "certificate ")) and e not in tls]
        if names:
            more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
            verb = "It asked for" if names[0].direction == "asked" else "It was asked for"
            name = names[0].what[4:]
            name = name if len(name) <= LONGEST_NAME else f"a name of {len(name)} characters"
            sentences.append(f"{verb} {name}{more} by DNS{_often(names[0])}.")
        elif tls:
            more = f" and {len(tls) - 1:,} more" if len(tls) > 1 else ""
            sentences.append(f"It {tls[0].direction} {tls[0].what}{_often(tls[0])}{more}.")
        elif rest:
            best = min(rest, key=lambda e: (e.direction != "sent", '"' not in e.what, -len(e.what), e.time))
            sentences.append(
                f"It {best.direction} {_named(best)}{f' and {len(rest) - 1:,} more' if len(rest) > 1 else ''}."
            )
    shown_to_it = [e for e in found if e.what.startswith("certificate ")]
    if shown_to_it:
        verb = "It was shown" if shown_to_it[0].direction == "was shown" else "It showed"
        sentences.append(f"{verb} the {shown_to_it[0].what}.")
    return " ".join(sentences)


def _often(event: Event) -> str:
    return f" ({event.times:,} times)" if event.times > 1 else ""


def _listed(found: list[Event], most: int) -> str:
    """The most telling things, those of one name together: programs and archives first, then by size."""
    groups: dict[str, list[Event]] = {}
    for each in found:
        groups.setdefault(each.what, []).append(each)
    # A command is not told beside the file that it carried.
    files = [what.removeprefix("file ") for what in groups if what.startswith("file ")]
    kept = [
        g for what, g in groups.items() if what.startswith("file ") or not any(what.endswith(f) for f in files if f)
    ]
    ordered = sorted(kept, key=lambda g: (-g[0].weight, not _odd(g[0]), -sum(e.bytes or 0 for e in g), g[0].time))
    parts = [_together(group) for group in ordered[:most]]
    more = len(ordered) - len(parts)
    return "; ".join(parts) + (f"; and {more:,} more" if more > 0 else "")


def _odd(event: Event) -> bool:
    """A file that is more telling than a page or picture."""
    return any(
        word in event.details.lower() for word in ("executable", "script", "archive", "office", "msi", "shortcut")
    )


def _together(group: list[Event]) -> str:
    if len(group) == 1:
        return _named(group[0])
    times, total = sum(e.times for e in group), sum(e.bytes or 0 for e in group)
    return f"{group[0].what} ({times:,} times, {size(total)} in all)" if total else f"{group[0].what} ({times:,} times)"


def _named(event: Event) -> str:
    parts = [f"{event.times:,} times" if event.times > 1 else "", size(event.bytes) if event.bytes else ""]
    number = ", ".join(filter(None, parts))
    kind = ""
    if event.weight == WEIGHT_FILE and event.details:
        known = event.details.partition(" (")[0].removeprefix("unknown type").removeprefix(", ")
        kind = f", {known}" if known else ""
    elif event.weight == 1 and event.details.startswith("answered "):
        kind = f", {event.details.partition(';')[0]}"
    return f"{event.what}{f' ({number})' if number else ''}{kind}"
