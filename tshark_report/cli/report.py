"""`tshark-report report`: the main job."""

from __future__ import annotations

import sys
import threading
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tshark_report.cli import focus_options, kept_tables, outputs, shared
from tshark_report.cli.app import app
from tshark_report.cli.asked import day_of, request_of
from tshark_report.cli.terminal import one_line, plain, progress
from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from tshark_report.capture.load import Loaded, Progress
    from tshark_report.report.brand import Brand
    from tshark_report.report.model import Report
    from tshark_report.store.reading import Again


class Bar(StrEnum):
    """Priorities for --fail-on."""

    high = "high"
    medium = "medium"
    low = "low"
    info = "info"


class Paper(StrEnum):
    """Paper sizes of the PDF."""

    a4 = "A4"
    letter = "Letter"


class Flavour(StrEnum):
    """Markdown dialects."""

    github = "github"
    jira = "jira"


@app.command()
def report(  # noqa: PLR0913 - a command line has as many options as its users have wishes
    capture: shared.CaptureOrNone = None,
    output: Annotated[
        list[Path],
        typer.Option(
            "--output",
            "-o",
            help="Where to write; the suffix says the format: .html .pdf .json .md. Repeatable.",
            show_default=False,
        ),
    ] = [],  # noqa: B006
    focus: focus_options.Focus = [],  # noqa: B006
    ioc: focus_options.Ioc = [],  # noqa: B006
    alerts: focus_options.Alerts = [],  # noqa: B006
    around: focus_options.Around = [],  # noqa: B006
    window: focus_options.Window = 60.0,
    display_filter: shared.Filter = "",
    start: shared.From = "",
    end: shared.To = "",
    keylog: shared.Keylog = None,
    decode_as: shared.DecodeAs = [],  # noqa: B006
    pref: shared.Preference = [],  # noqa: B006
    profile: shared.Profile = "",
    settings: shared.SettingsFile = None,
    ticket: Annotated[str, typer.Option("--ticket", help="Ticket id, printed on every page.", show_default=False)] = "",
    title: Annotated[str, typer.Option("--title", help="Title of the report.", show_default=False)] = "",
    analyst: Annotated[str, typer.Option("--analyst", help="Who made it.", show_default=False)] = "",
    organisation: Annotated[str, typer.Option("--organisation", help="For whom.", show_default=False)] = "",
    tlp: shared.Tlp = "",
    note: Annotated[str, typer.Option("--note", help="A note on the first page.", show_default=False)] = "",
    paper: Annotated[Paper, typer.Option("--paper", help="Paper of the PDF.")] = Paper.a4,
    flavour: Annotated[Flavour, typer.Option("--markdown", help="Dialect of the Markdown.")] = Flavour.github,
    redact: Annotated[
        str,
        typer.Option("--redact", help="Replace by stable pseudonyms: any of ips,hosts,users,macs.", show_default=False),
    ] = "",
    show_secrets: Annotated[
        bool,
        typer.Option("--show-secrets", help="Decode and attach the packets of login findings too, passwords and all."),
    ] = False,
    indicators: Annotated[
        Path | None,
        typer.Option("--indicators", help="Also write the indicators: .csv or .json (STIX 2.1).", show_default=False),
    ] = None,
    templates: Annotated[
        Path | None,
        typer.Option("--templates", help="Folder whose templates replace ours, file by file.", show_default=False),
    ] = None,
    brand: Annotated[
        Path | None,
        typer.Option("--brand", help="TOML file with a logo and colours for HTML and PDF.", show_default=False),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            "--tables",
            help="Also write all tables as Parquet into this folder, for DuckDB, Polars and --from-tables.",
            show_default=False,
        ),
    ] = None,
    from_tables: Annotated[
        Path | None,
        typer.Option(
            "--from-tables",
            help="Make the report from a folder that --tables wrote, without tshark; CAPTURE may be left out.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline", help="Hold findings against what `baseline learn` knows of this network.", show_default=False
        ),
    ] = None,
    expect: Annotated[
        Path | None,
        typer.Option("--expect", help="Say expected against observed: TOML of `expect init`.", show_default=False),
    ] = None,
    keep_files: Annotated[
        Path | None,
        typer.Option(
            "--keep-files",
            help="Keep files that crossed the wire in this folder: one zip, password infected, names made by us.",
            show_default=False,
        ),
    ] = None,
    fail_on: Annotated[
        Bar | None,
        typer.Option(
            "--fail-on", help="Exit with 1 where a finding of this priority or higher was made.", show_default=False
        ),
    ] = None,
    tshark: shared.Tshark = None,
    timeout: shared.Timeout = None,
    jobs: shared.Jobs = None,
    debug: shared.Debug = False,
) -> None:
    """Read a capture and write a report that says where to start.

    Without -o an HTML report is written where you stand. Its path is the last line printed.
    """
    given, capture = capture, kept_tables.checked(capture, tables, from_tables, redact, start or end)
    if show_secrets and redact:
        raise UsageError(
            "--show-secrets and --redact exclude each other",
            detail="one shows what the other hides",
            causes=("both stand in a script or alias",),
            next_step="leave out one of them",
        )
    hidden = _hidden(redact)
    _there("baseline", baseline, "tshark-report baseline learn CAPTURES -o normal.json")
    _there("expectation file", expect, "tshark-report expect init CAPTURE -o expect.toml")
    if keep_files is not None:
        _keepable(keep_files, from_tables)
    targets = [outputs.checked(path) for path in output] or [outputs.default(capture)]
    if indicators is not None:
        outputs.suffixed(indicators, (".csv", ".json"))
        outputs.writable(indicators)
    if templates is not None:
        from tshark_report.report.templates import environment

        environment(templates)
    request = request_of(
        capture, display_filter, start, end, keylog, decode_as, pref, profile, settings, tshark, timeout
    )
    kept = kept_tables.again(from_tables, given) if from_tables is not None else None
    asked = focus_options.asked(focus, ioc, alerts, around, window, lambda: _first_day(capture, kept))
    from tshark_report.reading import opened
    from tshark_report.report.model import Ticket

    if kept is not None:
        request = kept.request(request, own_settings=settings is not None)
    own_look = _brand(brand)
    organisation = organisation or (own_look.organisation if own_look is not None else "")
    marks = Ticket(ticket=ticket, title=title, analyst=analyst, organisation=organisation, tlp=tlp, note=note)
    with progress(capture.name) as show:
        warm = _WarmUp({kind for _, kind in targets}, show)
        with_packets = any(kind == "pdf" for _, kind in targets)
        request = replace(request.with_ticket(marks), baseline=baseline, expect=expect, focus=asked)
        request = replace(request, keep_files=keep_files is not None, jobs=jobs)
        if show_secrets:
            request = replace(request, settings=replace(request.settings, show_secrets=True))
        with opened(request, warm) if kept is None else nullcontext(kept.opened) as read:
            from tshark_report.pipeline import tell

            wanted, told = with_packets or tables is not None, kept.told_for(request) if kept is not None else None
            built = tell(request, read, show, evidence=wanted, told=told)
            if tables is not None:
                from tshark_report import store

                store.write(tables, *read[:2], request, built.report, built.told)
            if keep_files is not None:
                _keep(keep_files, read[0], read[2])
        made, evidence = built.report, built.evidence
        warm.join()
        if redact:
            made, evidence = _redacted(made, hidden, evidence)
        show("writing", 0.98)
        look = _Look(paper.value, flavour.value, templates, evidence, own_look)
        for path, kind in targets:
            _write(made, path, kind, look)
        if indicators is not None:
            _write_indicators(made, indicators)
    for view in (made.normal, made.expected):
        if view is not None and view.problem:
            typer.echo(f"tshark-report: {plain(view.sentence)}", err=True)
    for note in made.focus.notes if made.focus is not None else ():
        typer.echo(f"tshark-report: {plain(note)}", err=True)
    if sys.stderr.isatty():
        for line in _in_brief(made):
            typer.echo(line, err=True)
    for path, _ in targets:
        typer.echo(one_line(str(path)))
    if fail_on is not None:
        from tshark_report.story.findings import at_least

        if any(at_least(f.priority, fail_on.value) for f in made.findings):
            raise typer.Exit(1)


def _keepable(folder: Path, from_tables: Path | None) -> None:
    from tshark_report.capture import quarantine

    if from_tables is not None:
        raise UsageError(
            "--keep-files and --from-tables exclude each other",
            detail="tables hold what files were called, not the files",
            causes=("both stand in a script or alias",),
            next_step="name the capture instead",
        )
    quarantine.checked(folder)


def _keep(folder: Path, loaded: Loaded, scratch: Path) -> None:
    """Write what crossed the wire into a zip, and say where, or why there is none."""
    from tshark_report.capture import quarantine

    reason = loaded.tables.not_made.get("files")
    if reason is not None:
        typer.echo(f"tshark-report: no file was kept: {plain(reason)}", err=True)
        return
    path, number = quarantine.write(scratch / "objects", loaded.tables.files, folder, loaded.capture.sha256)
    typer.echo(f"tshark-report: {number} files kept in {plain(str(path))}, password: infected", err=True)


def _there(what: str, path: Path | None, next_step: str) -> None:
    if path is not None and not path.is_file():
        raise UsageError(
            f"the {what} does not exist",
            detail=str(path),
            causes=("the name is misspelt", "it was not written yet"),
            next_step=next_step,
        )


def _first_day(capture: Path, kept: Again | None) -> datetime | None:
    """The day of the first packet, of the capture or of the tables that stand for it."""
    if kept is None:
        return day_of(capture)
    from datetime import UTC, datetime

    return datetime.fromtimestamp(kept.opened[0].tables.first_time, UTC)


class _WarmUp:
    """Loads the rules and renderers while tshark works: not before it has been started, which loading would delay."""

    def __init__(self, kinds: set[str], show: Progress) -> None:
        self._kinds = kinds
        self._show = show
        self._thread = threading.Thread(target=self._load, daemon=True)

    def __call__(self, what: str, share: float) -> None:
        """Progress, on its way to whoever shows it."""
        if share > 0 and not self._thread.ident:
            self._thread.start()
        self._show(what, share)

    def join(self) -> None:
        """Wait until everything is loaded."""
        if self._thread.ident:
            self._thread.join()

    def _load(self) -> None:
        from tshark_report import pipeline  # noqa: F401

        if self._kinds & {"html", "pdf"}:
            from tshark_report.report import as_html  # noqa: F401
        if "pdf" in self._kinds:
            from tshark_report.report import warm

            warm.up()


def _brand(path: Path | None) -> Brand | None:
    if path is None:
        return None
    from tshark_report.report import brand

    return brand.load(path)


def _in_brief(made: Report) -> list[str]:
    """Where to start, for who sits at a terminal: a line for each starting point and its filter below."""
    lines = []
    for point in made.starting_points:
        what = f"{point.rank}. {plain(point.headline)} ({point.priority} priority, {point.confidence} confidence)"
        lines += [what, *([f"   {plain(point.display_filter)}"] if point.display_filter else [])]
    return lines or [plain(made.verdict.headline)]


def _hidden(redact: str) -> list[str]:
    """What `--redact` names."""
    parts = [p.strip() for p in redact.split(",") if p.strip()]
    unknown = sorted(set(parts) - {"ips", "hosts", "users", "macs"})
    if unknown or (redact and not parts):
        raise UsageError(
            "--redact names something unknown",
            detail=", ".join(unknown) or redact,
            causes=("a misspelt word", "words that are not separated by commas"),
            next_step="--redact ips,hosts,users,macs, or some of them",
        )
    return parts


def _redacted(made: Report, parts: list[str], evidence: bytes) -> tuple[Report, bytes]:
    """The report and its packets with pseudonyms; the packets lose their payload, which may name anybody."""
    from tshark_report.report import redact

    table = redact.Pseudonyms(parts)  # type: ignore[arg-type]
    told = redact.redact(made, parts, table)  # type: ignore[arg-type]
    if evidence:
        from tshark_report.evidence import shared

        evidence = shared(evidence, redact.comments(told), table)
    return told, evidence


@dataclass(frozen=True)
class _Look:
    """How the targets look, and the packets that a PDF carries along."""

    paper: str
    flavour: str
    templates: Path | None
    evidence: bytes
    brand: Brand | None = None


def _write(made: Report, path: Path, kind: str, look: _Look) -> None:
    from tshark_report.report import write

    if kind == "json":
        from tshark_report.report import as_json

        data = as_json.render(made)
    elif kind == "markdown":
        from tshark_report.report import as_markdown

        data = as_markdown.render(made, flavour=look.flavour).encode()  # type: ignore[arg-type]
    elif kind == "html":
        from tshark_report.report import as_html

        data = as_html.render(made, templates=look.templates, brand=look.brand).encode()
    else:
        from tshark_report.report import as_pdf
        from tshark_report.report.attachments import attachments

        attached = attachments(made, look.evidence)
        data = as_pdf.render(
            made,
            paper=look.paper,  # type: ignore[arg-type]
            attachments=attached,
            templates=look.templates,
            brand=look.brand,
        )
    write.atomically(path, data)


def _write_indicators(made: Report, path: Path) -> None:
    from tshark_report.report import indicators, write

    text = indicators.to_stix(made) if path.suffix.lower() == ".json" else indicators.to_csv(made)
    write.atomically(path, text.encode())
