"""The main job: a capture in, the report model out. Nothing here prints, renders or exits."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tshark_report import __version__
from tshark_report import evidence as evidence_of
from tshark_report.capture import filters as run_filters
from tshark_report.capture import vlans
from tshark_report.capture.about import About, ask
from tshark_report.capture.deadlines import deadline
from tshark_report.capture.dissect import Options
from tshark_report.capture.load import Loaded, Progress
from tshark_report.capture.tshark import Tshark
from tshark_report.errors import UsageError
from tshark_report.reading import Opened, Request, opened, quiet
from tshark_report.report import model
from tshark_report.report.redact import Pseudonyms, number_hosts
from tshark_report.rules import ALL
from tshark_report.rules import base as rules
from tshark_report.settings import Settings
from tshark_report.store.told import Told
from tshark_report.story import allowed, doubt, views
from tshark_report.story.dns_view import dns_view
from tshark_report.story.findings import Fired, fired, to_findings
from tshark_report.story.hosts import hosts as hosts_view
from tshark_report.story.hosts import known as known_hosts
from tshark_report.story.indicators import indicators
from tshark_report.story.limits import limits
from tshark_report.story.line_ups import line_up_for
from tshark_report.story.starting_points import starting_points
from tshark_report.story.transport_health import transport_health
from tshark_report.story.verdict import verdict
from tshark_report.story.words import iso_time

if TYPE_CHECKING:
    from tshark_report.focus.look import Looked
    from tshark_report.normal.against import Against

HOSTS_KEPT = 200
LONGEST_NAME = 80
"""Characters of a host's name where a starting point calls it by it."""


def build(
    request: Request, progress: Progress = quiet, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> model.Report:
    """Read a capture and say where to start.

    Raises:
        ReportError: any of the expected errors of finding tshark and reading the capture.
    """
    return build_with_evidence(request, progress, now, evidence=False).report


@dataclass(frozen=True)
class Built:
    """A report, and the packets behind its starting points as a pcapng (empty where they were not asked for)."""

    report: model.Report
    evidence: bytes
    told: Told = field(default_factory=Told)
    """What tshark said about the findings, for `store.write`."""


def build_with_evidence(
    request: Request,
    progress: Progress = quiet,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    evidence: bool = True,
) -> Built:
    """Read a capture, say where to start, and cut out the packets that say so.

    Raises:
        ReportError: any of the expected errors of finding tshark and reading the capture.
    """
    with opened(request, progress) as read:
        return tell(request, read, progress, now, evidence=evidence)


def tell(
    request: Request,
    read: Opened,
    progress: Progress = quiet,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    *,
    evidence: bool = True,
    told: Told | None = None,
) -> Built:
    """Say where to start in a capture that was read, and cut out the packets that say so.

    With `told`, what tshark said before is taken, and tshark is not asked: what it was not asked then is not counted.
    """
    loaded, found, scratch, env = read
    with ThreadPoolExecutor(3) as pool:
        progress("rules", 0.92)
        showing = pool.submit(_parts, loaded, request.settings)
        jobs = request.jobs or os.cpu_count() or 1
        outcomes = list(rules.run(ALL, loaded.tables, request.settings, jobs))
        drafts, hidden = allowed.split(_sure(outcomes, loaded), request.settings)
        normal = _against(request, loaded, drafts)
        if normal is not None:
            outcomes += normal.outcomes
            drafts, more = allowed.split(normal.found, request.settings)
            hidden += more
        looked = _looked(request, loaded, drafts)
        progress("running the findings' filters", 0.94)
        limit = request.timeout or deadline(loaded.capture.file_bytes)
        options = replace(request.options, preferences=(*request.options.preferences, *loaded.preferences))
        counter = run_filters.Counter(found, loaded.capture.path, options, env, limit)
        wanted = [*(looked.filters if looked is not None else ()), *(f.draft.display_filter for f in drafts)]
        counting = pool.submit(run_filters.checked, counter, wanted, loaded, jobs) if told is None else None
        points = _points(loaded, drafts)
        packets = evidence_of.Packets(found, loaded.capture.path, scratch, env)
        decode = evidence_of.details
        detailing = pool.submit(decode, packets, points, drafts, request.settings) if told is None else None
        cut = evidence and told is None
        cutting = pool.submit(evidence_of.of_points, packets, points, drafts, request.settings) if cut else None
        parts = showing.result()
        about = _about(loaded, parts.hosts[0], found, scratch, env) if told is None else told.about
        told = told or Told()
        counted, command = counting.result() if counting else (dict(told.counts), [])
        if command:
            loaded.commands.append(("the findings' display filters, counted", command))
        progress("writing the story", 0.97)
        findings = to_findings(drafts, loaded.tables.packets, counted, loaded.capture.original.name)
        layers = detailing.result() if detailing else {frame: list(each) for frame, each in told.layers.items()}
        points = evidence_of.completed(points, findings, layers)
        if normal is not None:
            findings, points = normal.marked(findings), normal.reasoned(points)
        report = _report(request, loaded, found, outcomes, findings, points, parts, drafts, hidden, now())
        report = msgspec.structs.replace(
            report, normal=normal.view if normal is not None else None, expected=_expected(request, loaded),
            hosts=known_hosts(report.hosts, about), hosts_remark=about.remark,
            capture=msgspec.structs.replace(
                report.capture,
                vlans=[model.Vlan(id=name, packets=n, bytes=size) for name, (n, size) in about.vlans.items()],
            ),
        )  # fmt: skip
        if looked is not None:
            from tshark_report.focus import opening

            report = opening.opened(report, looked, counted)
        packed = cutting.result() if cutting else told.evidence
        return Built(report, packed, Told(counted, layers, packed, about))


def _against(request: Request, loaded: Loaded, drafts: list[Fired]) -> Against | None:
    """The findings held against the baseline, where one was given."""
    if request.baseline is None:
        return None
    from tshark_report.normal.against import against

    return against(request.baseline, drafts, loaded.tables, request.settings)


def _looked(request: Request, loaded: Loaded, drafts: list[Fired]) -> Looked | None:
    """What made the reader look, found and followed, where something was given."""
    if not request.focus:
        return None
    from tshark_report.focus.look import look

    capture = loaded.capture
    cut = capture.truncated or bool(capture.snap_cut)
    filtered = bool(request.options.display_filter)
    return look(request.focus, loaded.tables, request.settings, drafts, filtered=filtered, cut=cut)


def _expected(request: Request, loaded: Loaded) -> model.ExpectedView | None:
    """The capture against what was expected, where that was given."""
    if request.expect is None:
        return None
    from tshark_report.expect.check import checked

    return checked(request.expect, loaded.tables, request.settings)


@dataclass(frozen=True)
class Carved:
    """The packets of some findings as a pcapng, the findings' ids, and what stands for what in it (where shared)."""

    data: bytes
    ids: list[str]
    pseudonyms: list[tuple[str, str]] = field(default_factory=list)


def carve(
    request: Request, wanted: str, progress: Progress = quiet, *, share: bool = False, keep_names: bool = False
) -> Carved:
    """The packets of a finding (by id or code) or of a starting point (by rank).

    With `share`, addresses are rewritten and payload is left out, but for DNS messages, whose names become others
    or stay (`keep_names`); the pseudonyms are those of a report with `--redact ips,macs` of the same capture.

    Raises:
        UsageError: no such finding or starting point, or none of its packets may be handed out.
        ReportError: any of the expected errors of finding tshark and reading the capture.
    """
    with opened(request, progress) as (loaded, found, scratch, env):
        progress("rules", 0.92)
        outcomes = list(rules.run(ALL, loaded.tables, request.settings))
        drafts, _ = allowed.split(_sure(outcomes, loaded), request.settings)
        points = _points(loaded, drafts)
        ids = {i for p in points if str(p.rank) == wanted for i in p.findings}
        chosen = [f for f in drafts if f.id in ids or wanted.upper() in (f.id.upper(), f.rule.code)]
        if not chosen:
            some = [f.id for f in drafts[:6]]
            raise UsageError(
                "there is no such finding or starting point",
                detail=f"{wanted}; starting points: {len(points)}; findings: {', '.join(some) or 'none'}",
                causes=("the id is from another capture or another version",),
                next_step="read the ids in the report, or take a starting point by its number: 1",
            )
        packets = evidence_of.Packets(found, loaded.capture.path, scratch, env)
        table = Pseudonyms(("ips", "macs"))
        if share:
            number_hosts(table, hosts_view(loaded.tables, request.settings, HOSTS_KEPT)[0])
            data = evidence_of.to_share(packets, chosen, table, keep_names=keep_names)
        else:
            data = evidence_of.of_findings(packets, chosen, request.settings)
        if not data:
            raise UsageError(
                "no packet was cut out",
                detail=", ".join(f.id for f in chosen),
                causes=("packets of login findings hold passwords and are kept back",),
                next_step="add --show-secrets if the packets may leave with their passwords, or --share",
            )
        return Carved(data, [f.id for f in chosen], table.pairs() if share else [])


def _sure(outcomes: Sequence[rules.Outcome], loaded: Loaded) -> list[Fired]:
    """What was found, in rank order, as sure as the capture allows."""
    return doubt.doubted(fired(outcomes), loaded.tables, loaded.capture)


def _points(loaded: Loaded, drafts: list[Fired]) -> list[model.StartingPoint]:
    """Starting points before the filters have been counted and the cited packets decoded."""
    tables = loaded.tables
    by_id = {f.id: f for f in to_findings(drafts, tables.packets, {}, loaded.capture.original.name)}

    def named(address: str) -> str:
        name = tables.names.get(address)
        # A name may have 253 characters, and in a heading so many tell no more than the first.
        return f"{address} ({name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + '…'})" if name else address

    return starting_points(drafts, by_id, tables.packets, named, lambda each: line_up_for(each, tables))


def _about(loaded: Loaded, hosts: list[model.Host], found: Tshark, scratch: Path, env: dict[str, str]) -> About:
    """What Wireshark's own lists and databases say of the hosts' addresses, and the frames of VLANs."""
    macs = [mac for host in hosts for mac in host.macs]
    about = ask(found, macs, [host.address for host in hosts if not host.local], scratch, env)
    counts, of_hosts = vlans.counted(loaded.capture.path, loaded.capture.frames, loaded.tables.packets)
    return msgspec.structs.replace(about, vlans=counts, vlans_of=of_hosts)


@dataclass(frozen=True)
class _Parts:
    """What the report shows without judging; made while tshark counts the filters."""

    transport: model.TransportHealth
    dns: model.DnsView
    hosts: tuple[list[model.Host], int]
    files: tuple[list[model.CarriedFile], int]
    statistics: model.Statistics


def _parts(loaded: Loaded, settings: Settings) -> _Parts:
    tables = loaded.tables
    return _Parts(
        transport_health(tables),
        dns_view(tables, settings),
        hosts_view(tables, settings, HOSTS_KEPT),
        views.files_view(tables),
        views.statistics_view(tables, loaded.taps),
    )


def _report(
    request: Request,
    loaded: Loaded,
    found: Tshark,
    outcomes: Sequence[rules.Outcome],
    findings: list[model.Finding],
    points: list[model.StartingPoint],
    parts: _Parts,
    drafts: list[Fired],
    hidden: list[str],
    now: datetime,
) -> model.Report:
    tables, capture = loaded.tables, loaded.capture
    not_shown = [f"hidden by your settings: {line}" for line in hidden]
    return model.Report(
        schema_version=model.SCHEMA_VERSION,
        tool=model.Tool(name="tshark-report", version=__version__, tshark_version=found.version),
        generated=now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        ticket=request.ticket,
        capture=_capture(loaded, request.options),
        verdict=verdict(findings, parts.transport),
        overview=views.overview(tables, tables.packets.height, capture.link_types),
        starting_points=points,
        findings=findings,
        checks=[
            model.Check(
                code=o.rule.code, name=o.rule.name, title=o.rule.title, question=o.rule.question, status=o.status,
                reason=o.reason,
            )
            for o in outcomes
        ],
        limits=[*limits(tables, capture), *not_shown],
        hosts=parts.hosts[0],
        hosts_total=parts.hosts[1],
        files=parts.files[0],
        files_total=parts.files[1],
        protocols=views.protocol_notes(tables),
        transport=parts.transport,
        dns=parts.dns,
        statistics=parts.statistics,
        indicators=indicators(drafts, {f.id: f for f in findings}),
        commands=[
            model.Command(purpose=purpose, command=shlex.join(_portable(args, loaded)))
            for purpose, args in loaded.commands
        ],
    )  # fmt: skip


def _portable(args: list[str], loaded: Loaded) -> list[str]:
    """A command as another person can run it: no paths of this machine, no scratch folders."""
    made, skip = [], False
    for place, arg in enumerate(args):
        if skip:
            skip = False
            continue
        if arg == "--export-objects":
            made += [arg, args[place + 1].split(",", 1)[0] + ",objects"]
            skip = True
        elif arg == str(loaded.capture.path):
            made.append(loaded.capture.original.name)
        elif place == 0:
            made.append(Path(arg).stem)
        elif arg.startswith("tls.keylog_file:"):
            made.append("tls.keylog_file:KEYLOG")
        else:
            made.append(arg)
    return made


def _capture(loaded: Loaded, options: Options) -> model.CaptureInfo:
    capture, tables = loaded.capture, loaded.tables
    some = tables.packets.height > 0
    captured = sum(capture.frames.captured) if capture.frames is not None else capture.bytes_captured
    return model.CaptureInfo(
        file_name=capture.original.name,
        sha256=capture.sha256,
        file_bytes=capture.file_bytes,
        file_type=capture.file_type,
        link_types=capture.link_types,
        packets=capture.packets,
        first_time=iso_time(tables.first_time) if some else None,
        last_time=iso_time(tables.last_time) if some else None,
        duration_s=round(tables.seconds, 6),
        truncated=capture.truncated,
        compressed=capture.compressed,
        bytes_on_wire=int(tables.packets["length"].cast(int).sum()),
        bytes_captured=captured,
        snap_length_cut_packets=capture.snap_cut,
        interfaces=capture.interfaces,
        capture_application=capture.application,
        capture_os=capture.system,
        comments=capture.comments,
        clock_ordered=capture.ordered,
        filter=options.display_filter,
        warnings=capture.warnings,
    )
