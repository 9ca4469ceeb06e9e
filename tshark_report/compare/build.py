"""Two captures in, a comparison out. Nothing here prints, renders or exits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from tshark_report import __version__
from tshark_report.capture.load import Progress
from tshark_report.compare import causes as causes_of
from tshark_report.compare import differences as differ
from tshark_report.compare import model
from tshark_report.compare.measures import Asked, Measures, Name, measured, names_of, requests_of
from tshark_report.compare.pairs import Pair, paired
from tshark_report.compare.parting import lined_up, partings, stated
from tshark_report.compare.side import Side, labels, read
from tshark_report.reading import Request, quiet
from tshark_report.report.model import Tool
from tshark_report.rules import filters
from tshark_report.story.words import count, duration, iso_time, listed, size, verb

KEPT = 200
"""Rows of each table; totals are told."""
MOST_CAUSES = 8
MOST_TIMES = 12
"""Exchanges in the picture of where the time went."""
LONG_APART = 86_400.0
"""Seconds between the two captures from which a remark says so."""


def compare(
    request: Request, good: Path, bad: Path, progress: Progress = quiet,
    now: Callable[[], datetime] = lambda: datetime.now(UTC), *, title: str = "",
) -> model.Comparison:  # fmt: skip
    """Compare two captures; `request` holds what applies to both, its capture is not read.

    Raises:
        ReportError: any of the expected errors of finding tshark and reading the captures.
    """
    label = labels(good, bad)
    sides = []
    for place, (path, name) in enumerate(zip((good, bad), label, strict=True)):
        part: Progress = lambda what, share, at=place: progress(what, (at + share) / 2 * 0.9)  # type: ignore[misc]  # noqa: E731
        sides.append(read(replace(request, capture=path), name, part))
    progress("comparing", 0.92)
    return compared(sides[0], sides[1], now(), title=title)


def compared(good: Side, bad: Side, now: datetime, *, title: str = "") -> model.Comparison:
    """Compare two captures that were read."""
    label = (good.label, bad.label)
    pairs, only_a, only_b = paired(measured(good), measured(bad))
    names = (names_of(good), names_of(bad))
    requests = (requests_of(good), requests_of(bad))
    found = [
        *differ.name_differences(*names),
        *(d for pair in pairs for d in differ.differences(pair)),
        *differ.request_differences(*requests),
    ]
    found.sort(key=lambda d: not d.telling)
    failing = causes_of.failures(pairs, names, requests, label)
    causes = [*failing, *causes_of.slowness(pairs, names, label), *causes_of.failing_alone(only_b, label)]
    headline = causes[0].sentence if causes else _without_cause(pairs, names, requests, (only_a, only_b), found, label)
    parted = [*stated(found, good, bad), *partings(pairs, good, bad)]
    parted.sort(key=lambda p: (p.bad_frame is None, p.bad_frame or 0))
    first = _leading(parted, causes)
    only = (_only(good, bad, only_a), _only(bad, good, only_b))
    return model.Comparison(
        schema_version=model.SCHEMA_VERSION,
        tool=Tool(name="tshark-report", version=__version__, tshark_version=bad.tshark_version),
        generated=now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        title=title or f"{label[0]} against {label[1]}",
        good=_capture(good),
        bad=_capture(bad),
        headline=headline,
        same=_same(pairs, causes, found),
        causes=causes[:MOST_CAUSES],
        parting=first,
        lined_up=lined_up(first, good, bad) if first is not None else None,
        partings=parted[:KEPT],
        differences=found[:KEPT],
        differences_total=len(found),
        only_good=only[0][:KEPT],
        only_good_total=len(only[0]),
        only_bad=only[1][:KEPT],
        only_bad_total=len(only[1]),
        times=[_times(pair) for pair in pairs if pair.good.rtt or pair.bad.rtt][:MOST_TIMES],
        exchanges=[pair.name for pair in pairs[:KEPT]],
        exchanges_total=len(pairs),
        remarks=_remarks(good, bad, pairs),
    )


def _without_cause(
    pairs: Sequence[Pair], names: tuple[dict[str, Name], dict[str, Name]],
    requests: tuple[dict[str, Asked], dict[str, Asked]], only: tuple[list[Measures], list[Measures]],
    found: Sequence[model.Difference], label: tuple[str, str],
) -> str:  # fmt: skip
    """The headline where nothing of the second capture fails or is slower."""
    if not pairs:
        return f"{label[0]} and {label[1]} share nothing: no server (by name or address) and service is in both."
    turned, swapped = [Pair(pair.bad, pair.good, pair.guessed) for pair in pairs], (label[1], label[0])
    before = [
        *causes_of.failures(turned, (names[1], names[0]), (requests[1], requests[0]), swapped),
        *causes_of.slowness(turned, (names[1], names[0]), swapped),
    ]
    if before:
        return causes_of.reverse(before, label)
    return causes_of.otherwise(found, only[1], only[0], label)


def _leading(parted: Sequence[model.Parting], causes: Sequence[model.Cause]) -> model.Parting | None:
    """The parting that shows the first cause, else the first of all."""
    if causes:
        first = causes[0]
        for wanted in (
            [p for p in parted if p.exchange == first.exchange and p.area == first.area],
            [p for p in parted if p.exchange == first.exchange],
            [p for p in parted if p.area == first.area],
        ):
            if wanted:
                return wanted[0]
    return next((p for p in parted if p.area != "volume"), parted[0] if parted else None)


def _capture(side: Side) -> model.Capture:
    capture, tables = side.loaded.capture, side.tables
    some = tables.packets.height > 0
    return model.Capture(
        label=side.label,
        file_name=capture.original.name,
        sha256=capture.sha256,
        packets=tables.packets.height,
        bytes=int(tables.packets["length"].cast(pl.UInt64).sum() or 0),
        first_time=iso_time(tables.first_time) if some else None,
        last_time=iso_time(tables.last_time) if some else None,
        duration_s=round(tables.seconds, 6),
        hosts=pl.concat([tables.packets["src"], tables.packets["dst"]]).drop_nulls().n_unique(),
        truncated=capture.truncated,
        warnings=list(capture.warnings),
    )


def _times(pair: Pair) -> model.Times:
    a, b = pair.good, pair.bad
    return model.Times(
        exchange=pair.name, good_rtt=a.rtt, bad_rtt=b.rtt, good_think=a.think, bad_think=b.think,
        good_seconds=a.seconds, bad_seconds=b.seconds,
    )  # fmt: skip


AREAS: tuple[tuple[model.Area, str], ...] = (
    ("resolution", "the resolution of names"), ("connection", "the connections"), ("encryption", "the encryption"),
    ("server", "the servers' time for an answer"), ("path", "the path (round trip, TTL, MSS)"),
    ("wire", "the wire (loss, order, speed)"), ("receiver", "the receivers' windows"),
    ("application", "the application's answers"),
)  # fmt: skip


def _same(pairs: Sequence[Pair], causes: Sequence[model.Cause], found: Sequence[model.Difference]) -> str:
    """What does not differ, so that nobody looks there."""
    if not pairs:
        return "No exchange is in both captures, so nothing could be held side by side."
    differing = {d.area for d in found if d.telling or d.area != "volume"} | {c.area for c in causes}
    same = [words for area, words in AREAS if area not in differing]
    held = f"{count(len(pairs), 'exchange')} {verb(len(pairs), 'was', 'were')} held side by side"
    return f"Alike in both: {listed(same, 8)}. {held}." if same else f"{held}; every area shows some difference."


def _only(side: Side, other: Side, exchanges: Iterable[Measures]) -> list[model.Only]:
    """Exchanges, requests, names, protocols and hosts that this capture holds and the other does not."""
    made = [
        model.Only(
            kind="exchange", what=one.name, first_frame=one.frame, display_filter=one.display_filter,
            amount=f"{count(one.sessions, 'session')}, {one.answered:,} answered, {count(one.packets, 'packet')}",
        )
        for one in exchanges
    ]  # fmt: skip
    theirs = requests_of(other)
    made += [
        model.Only(kind="request", what=what, amount=count(one.number, "time"), first_frame=one.frame)
        for what, one in requests_of(side).items()
        if what not in theirs
    ]
    names = names_of(other)
    made += [
        model.Only(
            kind="name", what=name, amount=count(one.queries, "query", "queries"), first_frame=one.frame,
            display_filter=filters.equals("dns.qry.name", name),
        )
        for name, one in names_of(side).items()
        if name not in names
    ]  # fmt: skip
    made += _protocols(side, other)
    made += _hosts(side, other)
    return made


def _protocols(side: Side, other: Side) -> list[model.Only]:
    rows = side.tables.packets.group_by("protocol", maintain_order=True).agg(pl.len().alias("n"), pl.col("frame").min())
    theirs = set(other.tables.packets["protocol"].drop_nulls().unique().to_list())
    return [
        model.Only(kind="protocol", what=str(name), amount=count(number, "packet"), first_frame=frame)
        for name, number, frame in rows.iter_rows()
        if name is not None and name not in theirs
    ]


def _hosts(side: Side, other: Side) -> list[model.Only]:
    theirs = set(other.tables.packets["src"].drop_nulls().unique().to_list())
    rows = (
        side.tables.packets.filter(pl.col("src").is_not_null())
        .group_by("src", maintain_order=True)
        .agg(pl.len().alias("n"), pl.col("length").cast(pl.UInt64).sum().alias("bytes"), pl.col("frame").min())
    )
    return [
        model.Only(
            kind="host", what=str(address), amount=f"{count(number, 'packet')}, {size(bytes_)} sent", first_frame=frame,
            display_filter=filters.host(str(address)),
        )
        for address, number, bytes_, frame in rows.iter_rows()
        if address not in theirs
    ]  # fmt: skip


def _remarks(good: Side, bad: Side, pairs: Sequence[Pair]) -> list[str]:
    made = []
    if good.loaded.capture.sha256 == bad.loaded.capture.sha256:
        made.append("Both are the same capture, byte for byte.")
    apart = max(bad.tables.first_time - good.tables.last_time, good.tables.first_time - bad.tables.last_time)
    if apart > 0:
        made.append(
            f"The captures are {duration(apart)} apart, so times are compared as durations only."
            + (" Certificates, addresses and software may have changed in between." if apart > LONG_APART else "")
        )
    for side in (good, bad):
        made += [f"{side.label}: {warning}" for warning in side.loaded.capture.warnings[:3]]
    guessed = [pair.name for pair in pairs if pair.guessed]
    if guessed:
        made.append(
            f"Taken for the same exchange because no other of the service was left: {listed(guessed, 3)}. "
            "The captures name no server for one of the two."
        )
    if not pairs:
        made.append("No server (by name or address) and service is in both captures.")
    return made
