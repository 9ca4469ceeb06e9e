"""The tables of many captures in, what has grown in them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl

from tshark_report import __version__
from tshark_report.errors import UsageError
from tshark_report.store.catalogue import Catalogue, Kept
from tshark_report.story.words import iso_time
from tshark_report.trends import counting, filters, model, ports, samples, words
from tshark_report.trends.counting import Counts, Reader, Slot
from tshark_report.trends.growth import SCORE, Judged, Limits, judged
from tshark_report.trends.model import Kind, Step

HISTORY = 3
"""Buckets that must lie before one that is judged: a median of fewer says nothing."""
HISTORY_HOURS = 24
"""The same for hours, where there are two days of them: a working day begins every morning."""
LEAST: dict[Kind, int] = {"port": 20, "protocol": 100, "client": 50, "server": 50, "name": 50}
"""Records that a bucket must have. A port is worth a look early; a new laptop asks for fifty names on its first day."""
TAKES_PART = 0.8
"""Share of a host's or protocol's records that must belong to a grown port for it to be told there, not by itself."""
MOST_GROWN = 12
"""Things of each kind that are told in full, the largest first."""
MOST_LISTED = 20
MOST_PLACES = 3
FIRST_SEEN_LEAST = 5
"""Records that something new must have to be listed: every capture holds thousands of names asked for once."""


@dataclass(frozen=True)
class Asked:
    """What a user asked for."""

    step: Step | None = None
    """None: days where there are enough, else hours, else files."""
    kinds: tuple[Kind, ...] = ("port", "protocol", "client", "server", "name")
    least: int | None = None
    """Records that a bucket must have, for every kind."""
    score: float = SCORE


def find(
    catalogue: Catalogue,
    asked: Asked,
    source: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> model.Trends:
    """What has grown.

    Raises:
        UsageError: there is no packet in any capture.
    """
    captures, notes = counting.usable(catalogue)
    if not captures:
        raise UsageError(
            "there is no packet in any of these captures",
            detail=str(catalogue.top),
            next_step="tshark-report query OUT captures",
            causes=("only empty captures, or a filter that selects nothing",),
        )
    notes += [f"{folder.name} was left out: {reason}" for folder, reason in catalogue.left_out]
    reader, slots = _stepped(captures, asked.step)
    if len(slots) > counting.MOST_BUCKETS:
        notes.append(f"{len(slots) - counting.MOST_BUCKETS:,} earlier {words.buckets(reader.step)} were left out.")
        slots = slots[-counting.MOST_BUCKETS :]
    history = HISTORY_HOURS if reader.step == "hour" and len(slots) >= 2 * HISTORY_HOURS else HISTORY
    notes += words.notes(reader.step, slots, history)
    labels = words.labels(reader, slots)
    work = _Work(reader, slots, labels, history, asked)
    found = [work.of_kind(kind) for kind in asked.kinds]
    part = _taking_part(found, work)
    grown = _joined([each for one in found for each in one.grown], part)
    apart = {pair for pairs in part.values() for pair in pairs}
    passed = [each for one in found for each in one.passed if (each.kind, each.key) not in apart]
    return model.Trends(
        schema_version=model.SCHEMA_VERSION,
        tool=model.Maker(name="tshark-report", version=__version__),
        generated=now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        source=source,
        step=reader.step,
        buckets=[
            model.Bucket(
                label=label,
                start=iso_time(slot.start) or "",
                captures=slot.captures,
                packets=slot.packets,
                covered_s=round(slot.covered, 3),
            )
            for label, slot in zip(labels, slots, strict=True)
        ],
        history=history,
        headline=words.headline(grown, reader.step, len(slots), history, labels),
        counted=[
            # What is told with its port is neither told by itself nor passed over.
            msgspec.structs.replace(
                one.counted,
                grown=sum((each.kind, each.key) not in apart for each in one.grown),
                passed=sum((each.kind, each.key) not in apart for each in one.passed),
            )
            for one in found
        ],
        grown=grown,
        passed=passed[:MOST_LISTED],
        passed_total=len(passed),
        first_seen=[each for one in found for each in one.first_seen],
        notes=notes,
    )


def _stepped(captures: Sequence[Kept], step: Step | None) -> tuple[Reader, list[Slot]]:
    if step is not None:
        reader = Reader(captures, step)
        return reader, counting.slots(reader)
    steps: tuple[Step, ...] = ("day", "hour")
    for each in steps:
        reader = Reader(captures, each)
        slots = counting.slots(reader)
        if len(slots) > HISTORY:
            return reader, slots
    reader = Reader(captures, "file")
    return reader, counting.slots(reader)


@dataclass(frozen=True)
class _Found:
    grown: list[model.Grown]
    passed: list[model.Passed]
    passed_at: dict[str, int]
    """Slot in which each of them seemed to have grown."""
    first_seen: list[model.FirstSeen]
    counted: model.Counted


@dataclass
class _Work:
    """What is needed for each kind."""

    reader: Reader
    slots: list[Slot]
    labels: list[str]
    history: int
    asked: Asked

    def of_kind(self, kind: Kind) -> _Found:
        """Everything of a kind that grew, seemed to grow, or is new."""
        counts = counting.counts(kind, self.reader, self.slots)
        totals = self._dense(counts.rows.group_by("place").agg(pl.col("records").sum()))["records"]
        least = self.asked.least or LEAST[kind]
        limits = Limits(self.history, least, self.asked.score)
        grown: list[tuple[str, Judged, model.Series]] = []
        passed: list[tuple[str, Judged, model.Series]] = []
        for key, series in self._candidates(counts, least):
            verdict = judged(series.records, totals, limits)
            if verdict is not None:
                (grown if verdict.verdict == "grown" else passed).append((key, verdict, series))
        grown.sort(key=lambda g: (-max(g[2].records[g[1].at :]), g[0]))
        passed.sort(key=lambda g: (-max(g[2].records[g[1].at :]), g[0]))
        new = self._first_seen(counts, {key for key, _, _ in grown})
        return _Found(
            self._told(kind, grown, totals),
            [
                words.passed(kind, key, verdict, series, totals, self.labels, self.reader.step)
                for key, verdict, series in passed
            ],
            {key: self.slots[verdict.at].number for key, verdict, _ in passed},
            [self._new(kind, row) for row in new.head(MOST_LISTED).iter_rows(named=True)],
            model.Counted(
                kind=kind,
                what=counting.KINDS[kind],
                keys=counts.keys,
                records=totals,
                grown=len(grown),
                passed=len(passed),
                first_seen=new.height,
            ),
        )

    def _dense(self, rows: pl.DataFrame) -> dict[str, list[int]]:
        """Columns of numbers with a value for every slot, 0 where there is no row."""
        filled = (
            pl.DataFrame({"place": range(len(self.slots))}, schema={"place": pl.UInt32()})
            .join(rows, on="place", how="left", maintain_order="left")
            .fill_null(0)
        )
        return {name: [int(v) for v in filled[name]] for name in filled.columns if name not in ("place", "key")}

    def _candidates(self, counts: Counts, least: int) -> list[tuple[str, model.Series]]:
        """Keys that have enough records in any slot that can be judged."""
        enough = counts.rows.filter((pl.col("records") >= least) & (pl.col("place") >= self.history))["key"].unique()
        rows = counts.rows.filter(pl.col("key").is_in(enough.implode()))
        return [
            (str(key), model.Series(**self._dense(group.drop("key"))))
            for (key,), group in rows.group_by("key", maintain_order=True)
        ]

    def _first_seen(self, counts: Counts, grown: set[str]) -> pl.DataFrame:
        """Keys that only the last slot holds, where there are enough before it."""
        last = len(self.slots) - 1
        new = counts.rows.group_by("key").agg(
            pl.col("place").min().alias("first"), pl.col("records").sum(), pl.col("sources").max(),
            pl.col("targets").max(),
        )  # fmt: skip
        if last < self.history:
            return new.clear()
        wanted = (pl.col("first") == last) & (pl.col("records") >= FIRST_SEEN_LEAST) & ~pl.col("key").is_in(list(grown))
        return new.filter(wanted).sort(["records", "key"], descending=[True, False])

    def _new(self, kind: Kind, row: dict[str, Any]) -> model.FirstSeen:
        return model.FirstSeen(
            kind=kind,
            key=row["key"],
            records=row["records"],
            sources=row["sources"],
            targets=row["targets"],
            first_seen=iso_time(self.slots[-1].start) or "",
        )

    def _told(self, kind: Kind, grown: list[tuple[str, Judged, model.Series]], totals: list[int]) -> list[model.Grown]:
        onsets = {key: self.slots[verdict.at].number for key, verdict, _ in grown}
        records = samples.records(kind, onsets, self.reader)
        made = []
        for key, verdict, series in grown:
            mine = records[key]
            shown = filters.display_filter(kind, key, mine.rows)
            peak = max(range(verdict.at, len(self.slots)), key=lambda place: series.records[place])
            each = model.Grown(
                kind=kind,
                key=key,
                title=words.title(kind, key),
                story="",
                onset=verdict.at,
                peak=peak,
                before_median=verdict.median,
                before_most=verdict.most,
                count_score=round(verdict.count_score, 1),
                share_score=round(verdict.share_score, 1),
                share_before=round(verdict.share_before, 6),
                share_at_peak=round(series.records[peak] / max(1, totals[peak]), 6),
                first_seen=iso_time(mine.first) or "",
                last_seen=iso_time(mine.last) or "",
                series=series,
                unanswered=mine.unanswered,
                refused=mine.refused,
                uses=ports.uses(key) if kind == "port" else None,
                harmless=words.harmless(kind, series, peak),
                samples=samples.chosen(kind, mine.rows, self.reader.captures),
                payloads=samples.payloads(mine.rows, self.reader) if kind in ("port", "client", "server") else [],
                display_filter=shown,
                places=[self._place(place, number, shown, key) for place, number in mine.by_capture[:MOST_PLACES]],
                places_total=len(mine.by_capture),
            )
            made.append(words.with_story(each, totals, self.labels, self.reader.step))
        return made

    def _place(self, place: int, number: int, shown: str, key: str) -> model.Place:
        kept = self.reader.captures[place]
        name = kept.manifest.capture.file_name
        return model.Place(
            capture=kept.key,
            file_name=name,
            records=number,
            command=filters.command(kept.named, shown, key) if shown else "",
        )

    def share_of_port(self, kind: Kind, onsets: dict[str, int], port: str) -> dict[str, float]:
        """What share of the records of each host or protocol, in its onset slot, belongs to a port (`tcp/443`)."""
        since = pl.LazyFrame(
            {"key": list(onsets), "slot": list(onsets.values())}, schema={"key": pl.String(), "slot": pl.Int64()}
        )
        rows = counting.rows_of(kind, self.reader)
        sides = ("src_port", "dst_port") if kind == "protocol" else ("server_port",)
        belongs = pl.any_horizontal(
            (pl.concat_str("transport", pl.lit("/"), side) == port).fill_null(value=False) for side in sides
        )
        shares = (
            rows.select("key", "slot", belongs.alias("belongs"))
            .join(since, on=["key", "slot"], how="inner")
            .group_by("key")
            .agg(pl.col("belongs").mean())
            .collect(engine="streaming")
        )
        return dict(shares.iter_rows())


Pair = tuple[Kind, str]


def _taking_part(found: Sequence[_Found], work: _Work) -> dict[str, list[Pair]]:
    """For each port that grew, the hosts and protocols that grew, or seemed to, only by it."""
    ports_grown = [each.key for one in found if one.counted.kind == "port" for each in one.grown]
    made: dict[str, list[Pair]] = {}
    taken: set[Pair] = set()
    for one in found:
        kind = one.counted.kind
        onsets = {each.key: work.slots[each.onset].number for each in one.grown} | one.passed_at
        if kind in ("port", "name") or not onsets:
            continue
        for port in ports_grown:
            for key, share in sorted(work.share_of_port(kind, onsets, port).items()):
                if share >= TAKES_PART and (kind, key) not in taken:
                    taken.add((kind, key))
                    made.setdefault(port, []).append((kind, key))
    return made


def _joined(grown: list[model.Grown], part: dict[str, list[Pair]]) -> list[model.Grown]:
    """Hosts and protocols that grew only by a port that grew are told with that port, not once more by themselves."""
    apart = {pair for pairs in part.values() for pair in pairs}
    made: list[model.Grown] = []
    for each in grown:
        if (each.kind, each.key) in apart or sum(e.kind == each.kind for e in made) >= MOST_GROWN:
            continue
        names = [f"{kind} {key}" for kind, key in part.get(each.key, [])] if each.kind == "port" else []
        made.append(words.taking_part(each, names[:MOST_LISTED], len(names)))
    return made
