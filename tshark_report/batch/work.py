"""One capture from its file to its report in the output. It runs in a worker process, here or on another machine."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec

from tshark_report import __version__, store
from tshark_report import pipeline as telling
from tshark_report import scratch as scratch_folders
from tshark_report.batch import key, place, remote, seen
from tshark_report.batch.clock import now
from tshark_report.batch.discover import json_safe
from tshark_report.batch.records import RECORD_VERSION, Failure, Job, Outcome, Part, Paths, Point, Summary, Work
from tshark_report.capture import append, tshark
from tshark_report.errors import CaptureUnreadable, ReportError, TsharkFailed, TsharkTooOld
from tshark_report.reading import Opened, Request, opened
from tshark_report.report import as_html, as_json, as_markdown, as_pdf, indicators, model
from tshark_report.report.attachments import attachments
from tshark_report.store.told import Told

Show = Callable[[str, float], None]

ASKED_NAMED = 5
NO_MAC = "00:00:00:00:00:00"
NAMES = {"html": "report.html", "pdf": "report.pdf", "json": "report.json", "md": "report.md"}


def do(work: Work, job: Job, out: str, show: Show) -> Outcome:
    """Read a capture and put its report in place; what goes wrong is an outcome too."""
    try:
        return _do(work, job, place.of(out), show)
    except ReportError as error:
        changed = isinstance(error, Changed)
        return Outcome(failure=_failure(work, error), again=changed or isinstance(error, TsharkFailed))
    except (MemoryError, OSError) as error:
        return Outcome(failure=_failure(work, _of_this_machine(error, work)), again=True)
    except Exception as error:  # whatever it is, it is this capture's, and the others go on
        where = traceback.extract_tb(error.__traceback__)[-1]
        internal = ReportError(
            "an internal error",
            detail=f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"[:500],
            causes=("a mistake in tshark-report",),
            next_step=f"tshark-report report --debug {work.files[0]}",
        )
        return Outcome(failure=_failure(work, internal))


def _of_this_machine(error: Exception, work: Work) -> ReportError:
    if isinstance(error, MemoryError):
        return ReportError(
            "memory ran out",
            detail=work.name,
            causes=("several large captures are read at once", "this one is larger than the machine's memory"),
            next_step="--jobs 1, or --filter to read less of it",
        )
    return CaptureUnreadable(
        "the capture or the output failed while it was used",
        detail=str(error),
        causes=("the disk is full or was unmounted", "the file was changed or removed"),
        next_step="run the same command again: what is done already is not done twice",
    )


class Changed(CaptureUnreadable):
    """The file is not what it was when its content was hashed."""


def _failure(work: Work, error: ReportError) -> Failure:
    path = json_safe(work.files[0])
    return Failure(
        id=key.of_path(work.files[0]),
        path=path,
        file_bytes=work.bytes,
        what=error.what,
        detail=json_safe(error.detail),
        causes=list(error.causes),
        next_step=json_safe(error.next_step),
        exit_code=error.exit_code,
    )


def _do(work: Work, job: Job, output: place.Place, show: Show) -> Outcome:
    with output.building() as scratch, scratch_folders.folder() as private:
        work, path, parts = _fetched(work, job, private, show)
        there, folder = work.known.get(work.id, ("", work.folder or key.folder(work.files[0], work.id)))
        if there == job.key and (data := output.read(f"{place.REPORTS}/{folder}/{place.SUMMARY}")):
            return Outcome(summary=msgspec.json.decode(data, type=Summary), kept=True, folder=folder)
        request = _request(path, work, job, private)
        with opened(request, show) as read:
            _same_versions(read[1].version, job)
            built = telling.tell(request, read, show, now, evidence="pdf" in job.formats)
            report = built.report
            if not parts and work.sha256 and report.capture.sha256 != work.sha256:
                raise Changed(
                    "the file changed while it was read",
                    detail=work.files[0],
                    causes=("it is still being written",),
                    next_step="run the batch again when the capture is complete, or use tshark-report watch",
                )
            if parts:
                report = _told_as_joined(report, work, parts)
            made = scratch / "made"
            made.mkdir()
            show("writing", 0.98)
            files = _render(report, built.evidence, made, job)
            summary = _summarised(work, job, read, report, parts, files, made)
            if job.tables:
                _tables(request, read, report, built.told, scratch / "tables", work, output)
        paths = {json_safe(each): "" for each in work.files}
        (made / place.PATHS).write_bytes(msgspec.json.encode(Paths(at=paths), order="sorted"))
        (made / place.SUMMARY).write_bytes(msgspec.json.format(msgspec.json.encode(summary)) + b"\n")
        output.publish(made, f"{place.REPORTS}/{folder}")
    return Outcome(summary=summary, folder=folder)


def _same_versions(tshark_version: str, job: Job) -> None:
    here, there = (__version__, tshark_version), (job.tool_version, job.tshark_version)
    if here != there:
        raise TsharkTooOld(
            "this worker has other versions than the batch was started with",
            detail=f"tshark-report {here[0]} and tshark {here[1]} here, {there[0]} and {there[1]} there",
            next_step="install the same versions on all machines",
            causes=("one machine was updated and the others were not",),
        )


def _fetched(work: Work, job: Job, private: Path, show: Show) -> tuple[Work, Path, list[Part]]:
    """The capture as one local file; its id, where only its content says it; the files that it was joined from."""
    local = []
    for place_in_order, each in enumerate(work.files):
        if remote.is_url(each):
            show("fetching", 0.0)
            folder = private / f"fetched{place_in_order}"
            folder.mkdir()
            target = folder / (each.rstrip("/").rsplit("/", 1)[-1] or "capture")
            remote.fetch(each, target)
            local.append(target)
        else:
            local.append(Path(each))
    if not work.id:
        digest = key.content(local[0]) if len(local) == 1 else key.joined(key.content(p) for p in local)
        work = replace(work, id=key.short(digest), sha256=digest, bytes=sum(p.stat().st_size for p in local))
    if len(local) == 1:
        return work, local[0], []
    show("joining files", 0.0)
    env = tshark.environment(private)
    joined = private / work.name
    counts = append.in_order(tshark.find(job.tshark, env), local, joined, env, job.timeout)
    parts, first = [], 1
    for each, path, packets in zip(work.files, local, counts, strict=True):
        parts.append(
            Part(path=json_safe(each), sha256=key.content(path), first_frame=first, last_frame=first + packets - 1)
        )
        first += packets
    if work.sha256 != key.joined(part.sha256 for part in parts):
        raise Changed("a file of this recording changed while it was read", detail=work.name)
    return work, joined, parts


def _request(path: Path, work: Work, job: Job, private: Path) -> Request:
    given: dict[str, list[Path]] = {}
    for number, each in enumerate(job.files):
        # A folder for each: the names stand in the report, and may be alike.
        folder = private / f"given{number}"
        folder.mkdir()
        (folder / each.name).write_bytes(each.data)
        given.setdefault(each.option, []).append(folder / each.name)

    def one(option: str) -> Path | None:
        return next(iter(given.get(option, [])), None)

    return Request(
        path,
        replace(job.options, keylog=one("keylog")),
        job.settings,
        job.ticket,
        job.tshark,
        job.timeout,
        baseline=one("baseline"),
        expect=one("expect"),
        focus=replace(job.focus, lists=tuple(given.get("ioc", ())), alerts=tuple(given.get("alerts", ()))),
        jobs=work.cores,
    )


def _told_as_joined(report: model.Report, work: Work, parts: list[Part]) -> model.Report:
    """The report says that it is about several files, and which frames are whose."""
    named = [f"{Path(p.path).name}: frames {p.first_frame:,}-{p.last_frame:,}" for p in parts]
    some = "; ".join(named if len(named) <= 12 else [*named[:6], f"{len(named) - 12} more files", *named[-6:]])
    note = f"{len(parts)} consecutive files of one recording were read as one ({some})"
    files = [Path(p.path).name for p in parts]
    command = model.Command(purpose="the files joined", command=append.as_command(files, work.name))
    capture = msgspec.structs.replace(report.capture, comments=[*report.capture.comments, note])
    limits = [f"{note}. A frame number counts from the first file's first packet.", *report.limits]
    return msgspec.structs.replace(report, capture=capture, limits=limits, commands=[command, *report.commands])


def _render(report: model.Report, evidence: bytes, made: Path, job: Job) -> list[str]:
    files = []
    for kind in job.formats:
        if kind == "html":
            data = as_html.render(report, templates=job.templates).encode()
        elif kind == "json":
            data = as_json.render(report)
        elif kind == "md":
            data = as_markdown.render(report, flavour=job.flavour).encode()  # type: ignore[arg-type]
        elif kind == "pdf":
            data = as_pdf.render(
                report,
                paper=job.paper,  # type: ignore[arg-type]
                attachments=attachments(report, evidence),
                templates=job.templates,
            )
        elif report.indicators:
            data = indicators.to_csv(report).encode()
        else:
            continue
        name = NAMES.get(kind, "indicators.csv")
        (made / name).write_bytes(data)
        files.append(name)
    return files


def _summarised(
    work: Work, job: Job, read: Opened, report: model.Report, parts: list[Part], files: list[str], made: Path
) -> Summary:
    values, cut = seen.seen(read[0].tables, report)
    (made / place.SEEN).write_bytes(msgspec.json.encode(values) + b"\n")
    capture = report.capture
    found: dict[str, int] = {}
    for finding in report.findings:
        found[finding.priority] = found.get(finding.priority, 0) + 1
    return Summary(
        record_version=RECORD_VERSION,
        key=job.key,
        id=work.id,
        sha256=work.sha256,
        file_name=json_safe(capture.file_name),
        file_bytes=work.bytes,
        packets=capture.packets,
        first_time=capture.first_time,
        last_time=capture.last_time,
        duration_s=capture.duration_s,
        truncated=capture.truncated,
        headline=report.verdict.headline,
        layer=report.verdict.layer,
        findings={p: found[p] for p in model.PRIORITIES if p in found},
        points=[_point(each, report, job) for each in report.starting_points],
        unchecked=sum(1 for c in report.checks if c.status in ("not-evaluated", "error")),
        files=files,
        parts=parts,
        asked_for=[m.defanged for m in report.focus.matches[:ASKED_NAMED]] if report.focus is not None else [],
        asked_total=report.focus.matches_total if report.focus is not None else 0,
        seen_cut=cut,
    )


def _point(point: model.StartingPoint, report: model.Report, job: Job) -> Point:
    host = point.hosts[0] if point.hosts else point.subject
    known = next((h for h in report.hosts if h.address == host), None)
    codes = {f.id: f.code for f in report.findings}
    return Point(
        rank=point.rank,
        host=host,
        mac=known.macs[0] if known is not None and len(known.macs) == 1 and known.macs[0] != NO_MAC else "",
        home=job.settings.is_home(host),
        headline=point.headline,
        story=point.story,
        priority=point.priority,
        confidence=point.confidence,
        first_time=point.first_time,
        last_time=point.last_time,
        codes=list(dict.fromkeys(codes[f] for f in point.findings if f in codes)),
    )


def _tables(
    request: Request, read: Opened, report: model.Report, told: Told, folder: Path, work: Work, output: place.Place
) -> None:
    """The capture's tables as Parquet, in place as `tables/capture=ID` before the report that says they are there."""
    store.write(folder, read[0], read[1], request, report, told)
    output.publish(folder, f"{place.TABLES}/capture={work.id}")
