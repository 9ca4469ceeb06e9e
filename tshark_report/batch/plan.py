"""What is to be done: each content once, what is in the output already left out, large captures first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tshark_report.batch import key, place, remote
from tshark_report.batch.discover import Found, json_safe
from tshark_report.batch.join import Recording
from tshark_report.batch.machine import cost
from tshark_report.batch.records import Failure, Job, Paths, Summary, Work


@dataclass(frozen=True)
class Kept:
    """A capture whose report is there already."""

    path: str
    id: str
    bytes: int
    summary: Summary
    folder: str = ""
    """Of its report, in the output."""


@dataclass
class Known:
    """What the output holds: ids of contents, and the folders of their reports."""

    output: place.Place
    folders: dict[str, str] = field(default_factory=dict)
    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    """(path, tag) of remote content -> id."""
    keys: dict[str, tuple[str, str]] | None = None
    """What the output held at the beginning, once it was asked for."""

    @classmethod
    def of(cls, output: place.Place, *, remote_too: bool) -> Known:
        """Look at the output."""
        known = cls(output)
        for name in output.listing(place.REPORTS):
            if identity := key.identity(name):
                known.folders[identity] = name
                if remote_too:
                    for path, tag in known.paths(identity).items():
                        if tag:
                            known.tags[path, tag] = identity
        return known

    def summary(self, identity: str) -> Summary | None:
        """The summary of a report; None where there is no whole report, or one of another version."""
        name = self.folders.get(identity)
        data = self.output.read(f"{place.REPORTS}/{name}/{place.SUMMARY}") if name else None
        try:
            return msgspec.json.decode(data, type=Summary) if data else None
        except msgspec.MsgspecError:
            return None

    def paths(self, identity: str) -> dict[str, str]:
        """Where a content was found, so far."""
        name = self.folders.get(identity)
        data = self.output.read(f"{place.REPORTS}/{name}/{place.PATHS}") if name else None
        try:
            return dict(msgspec.json.decode(data, type=Paths).at) if data else {}
        except msgspec.MsgspecError:
            return {}

    def add_paths(self, identity: str, more: dict[str, str]) -> None:
        """Note where a content lies, too."""
        name, have = self.folders.get(identity), self.paths(identity)
        if name and have | more != have:
            self.output.write(
                f"{place.REPORTS}/{name}/{place.PATHS}", msgspec.json.encode(Paths(at=have | more), order="sorted")
            )


def cores(sizes: Sequence[int], jobs: int) -> list[int]:
    """For each capture of a batch the processors that it is given.

    A capture is split only where processors would idle otherwise: when it is more than a processor's share of the
    batch. The whole batch decides, not what a killed run has left, so that a resumed run makes the same reports.
    """
    costs = [cost(size) for size in sizes]
    total = sum(costs)
    return [max(1, min(jobs, round(jobs * each / total))) for each in costs]


Planned = Work | Kept | Failure


def plan(found: Sequence[Found | Recording], job: Job, known: Known, jobs: int) -> Iterator[Planned]:
    """What becomes of each capture, in order; contents are hashed as it goes.

    A content that was met before in this batch is not yielded again: it is noted in `same` of the caller's index by
    way of `Known.add_paths`, once its report is there.
    """
    shares = cores([f.bytes for f in found], jobs)
    for each, share in zip(found, shares, strict=True):
        files = each.files if isinstance(each, Recording) else (each.path,)
        try:
            digest = _content(each, known)
        except OSError as error:
            yield Failure(
                id=key.of_path(files[0]),
                path=json_safe(files[0]),
                file_bytes=each.bytes,
                what="the capture is not readable",
                detail=error.strerror or str(error),
                causes=["it was removed in the meantime", "the disk has a fault"],
                next_step=f"ls -l {json_safe(files[0])}",
            )
            continue
        identity = key.short(digest) if len(digest) > key.DIGITS else digest
        summary = known.summary(identity) if identity else None
        if summary is not None and summary.key == job.key:
            yield Kept(json_safe(files[0]), identity, each.bytes, summary, known.folders[identity])
        else:
            known_content = len(digest) > key.DIGITS
            yield Work(
                id=identity if known_content else "",
                sha256=digest if known_content else "",
                files=files,
                name=each.name,
                bytes=each.bytes,
                cores=share,
                folder=(known.folders.get(identity) or key.folder(files[0], identity)) if known_content else "",
                known={} if known_content else _keys(known),
            )


def _content(each: Found | Recording, known: Known) -> str:
    """SHA-256 of the content; its id where remote storage says that it is known; "" where only the worker will see."""
    if isinstance(each, Recording):
        return key.joined(key.content(Path(p)) for p in each.files)
    if remote.is_url(each.path):
        return known.tags.get((each.path, each.tag), "") if each.tag else ""
    return key.content(Path(each.path))


def _keys(known: Known) -> dict[str, tuple[str, str]]:
    """Id -> key and folder of every report, for a worker that learns the content only when it has fetched it."""
    if known.keys is None:
        summaries = ((identity, known.summary(identity)) for identity in list(known.folders))
        known.keys = {i: (s.key, known.folders[i]) for i, s in summaries if s is not None}
    return known.keys
