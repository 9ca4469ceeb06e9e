"""`tshark-report batch`: a report of every capture below some folders, and an index of them, worst first."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tshark_report.cli import focus_options, shared
from tshark_report.cli.app import app
from tshark_report.cli.report import Bar, Flavour, Paper
from tshark_report.cli.terminal import plain
from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from types import FrameType

    from tshark_report.batch.pages import Look
    from tshark_report.batch.records import Given, Job
    from tshark_report.batch.run import Result, Wanted
    from tshark_report.focus.asked import Asked

TWICE_SECONDS = 2.0
"""Within this time a second Ctrl-C is the first one again."""

Out = Annotated[
    str,
    typer.Option(
        "--output", "-o", metavar="OUT", help="Folder (or URL) for the reports and the index.", show_default=False
    ),
]
Formats = Annotated[
    str, typer.Option("--formats", help="What is written of each capture: any of html,pdf,json,md,indicators.")
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", min=1, help="Captures read at once, on as many processors; by default all.", show_default=False
    ),
]
Memory = Annotated[
    str,
    typer.Option(
        "--memory", help="Memory that all workers together may use, such as 8G; by default most of what is free.",
        show_default=False,
    ),
]  # fmt: skip
Tries = Annotated[int, typer.Option("--tries", min=1, help="Tries before a capture that kills its worker is given up.")]
Tables = Annotated[
    bool, typer.Option("--tables/--no-tables", help="Also write each capture's tables as Parquet into OUT/tables.")
]
IndexPdf = Annotated[bool, typer.Option("--index-pdf/--no-index-pdf", help="Also write the index as OUT/index.pdf.")]
Log = Annotated[bool, typer.Option("--log-json", help="One JSON line a capture on stderr, and nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Ticket = Annotated[str, typer.Option("--ticket", help="Ticket id, printed on every page.", show_default=False)]
Title = Annotated[str, typer.Option("--title", help="Title of the index.", show_default=False)]
Tlp = shared.Tlp
Templates = Annotated[
    Path | None,
    typer.Option("--templates", help="Folder whose templates replace ours, file by file.", show_default=False),
]
Baseline = Annotated[
    Path | None,
    typer.Option(
        "--baseline", help="Hold findings against what `baseline learn` knows of this network.", show_default=False
    ),
]
Expect = Annotated[
    Path | None,
    typer.Option("--expect", help="Say expected against observed: TOML of `expect init`.", show_default=False),
]
FailOn = Annotated[
    Bar | None,
    typer.Option(
        "--fail-on",
        help="Exit with 1 where a finding of this priority or higher is in any capture.",
        show_default=False,
    ),
]


@app.command()
def batch(  # noqa: PLR0913 - a command line has as many options as its users have wishes
    folders: Annotated[
        list[str],
        typer.Argument(
            metavar="DIR...",
            help="Folders (or files, or URLs) with captures; they are known by their content, not by their names.",
            show_default=False,
        ),
    ],
    output: Out,
    formats: Formats = "html,json",
    display_filter: shared.Filter = "",
    start: shared.From = "",
    end: shared.To = "",
    keylog: shared.Keylog = None,
    decode_as: shared.DecodeAs = [],  # noqa: B006
    pref: shared.Preference = [],  # noqa: B006
    profile: shared.Profile = "",
    settings: shared.SettingsFile = None,
    focus: focus_options.Focus = [],  # noqa: B006
    ioc: focus_options.Ioc = [],  # noqa: B006
    alerts: focus_options.Alerts = [],  # noqa: B006
    around: focus_options.Around = [],  # noqa: B006
    window: focus_options.Window = 60.0,
    baseline: Baseline = None,
    expect: Expect = None,
    ticket: Ticket = "",
    title: Title = "",
    tlp: Tlp = "",
    paper: Annotated[Paper, typer.Option("--paper", help="Paper of the PDFs.")] = Paper.a4,
    flavour: Annotated[Flavour, typer.Option("--markdown", help="Dialect of the Markdown.")] = Flavour.github,
    templates: Templates = None,
    jobs: Jobs = None,
    memory: Memory = "",
    tries: Tries = 3,
    join: Annotated[
        bool, typer.Option("--join", help="Read the consecutive files of a ring buffer as one recording.")
    ] = False,
    join_gap: Annotated[
        float, typer.Option("--join-gap", min=0, help="Seconds between two files that are still one recording.")
    ] = 60.0,
    join_size: Annotated[
        str, typer.Option("--join-size", help="A joined recording is cut, between files, at this size.")
    ] = "1G",
    scheduler: Annotated[
        str,
        typer.Option(
            "--scheduler", help="Read the captures on this Dask cluster, tcp://HOST:8786.", show_default=False
        ),
    ] = "",
    tables: Tables = True,
    index_pdf: IndexPdf = True,
    fail_on: FailOn = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary of the batch as JSON on stdout.")] = False,
    log_json: Log = False,
    quiet: Quiet = False,
    tshark: shared.Tshark = None,
    timeout: shared.Timeout = None,
    debug: shared.Debug = False,
) -> None:
    """Report on every capture below folders, and write an index of them, worst first.

    What OUT holds already, by content, options and versions, is not done again.
    Stopped at any moment, the same command goes on.
    """
    from tshark_report.batch import machine
    from tshark_report.batch.run import Wanted, run
    from tshark_report.cli import batch_progress

    asked = focus_options.asked(focus, ioc, alerts, around, window, _no_day)
    job = job_of(
        formats, display_filter, start, end, keylog, decode_as, pref, profile, settings, ticket, tlp,
        paper.value, flavour.value, templates, tables, tshark, timeout, asked, baseline, expect,
    )  # fmt: skip
    if scheduler:
        # Workers stand in other folders than the user does.
        folders, output = [_anywhere(each) for each in folders], _anywhere(output)
    wanted = Wanted(
        roots=tuple(folders),
        out=output,
        job=job,
        jobs=jobs or 0,
        memory=machine.size(memory) if memory else 0,
        tries=tries,
        join_gap=join_gap if join else None,
        join_bytes=machine.size(join_size),
        scheduler=scheduler,
        look=look_of(paper.value, templates, title, ticket, tlp),
        index_pdf=index_pdf,
    )
    stop_gently()
    with batch_progress.shown(json_lines=log_json, quiet=quiet) as listen:
        result = run(wanted, listen)
    _end(wanted, result, fail_on, as_json=as_json)


def _anywhere(place: str) -> str:
    from tshark_report.batch import remote

    return place if remote.is_url(place) else str(Path(place).absolute())


def stop_gently() -> None:
    """Ctrl-C and the end of a service stop the work and let the index be written; a second one, later, ends all.

    `timeout` and impatient fingers send the signal twice in a row: that is one wish, not two.
    """
    first: list[float] = []

    def stop(_signal: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if first and now - first[0] < TWICE_SECONDS:
            return
        first.append(now)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def look_of(paper: str, templates: Path | None, title: str, ticket: str, tlp: str) -> Look:
    """How the index looks."""
    from tshark_report.batch.pages import Look as Made

    return Made(paper, templates, title, ticket, tlp)  # type: ignore[arg-type]


def job_of(  # noqa: PLR0913
    formats: str,
    display_filter: str,
    start: str,
    end: str,
    keylog: Path | None,
    decode_as: list[str],
    pref: list[str],
    profile: str,
    settings: Path | None,
    ticket: str,
    tlp: str,
    paper: str,
    flavour: str,
    templates: Path | None,
    tables: bool,
    tshark: str | None,
    timeout: float | None,
    asked: Asked,
    baseline: Path | None,
    expect: Path | None,
) -> Job:
    """What is the same for every capture, checked before any is read.

    Raises:
        UsageError: an option does not fit.
        TsharkMissing: there is no tshark.
    """
    from dataclasses import replace

    from tshark_report import __version__, scratch
    from tshark_report import settings as settings_module
    from tshark_report.batch.records import FORMATS
    from tshark_report.batch.records import Job as Made
    from tshark_report.batch.run import checked_job
    from tshark_report.capture import tshark as tshark_module
    from tshark_report.capture.dissect import Options
    from tshark_report.report.model import Ticket as Marks

    kinds = tuple(dict.fromkeys(part.strip() for part in formats.split(",") if part.strip()))
    if not kinds or set(kinds) - set(FORMATS):
        raise UsageError(
            "--formats names something unknown",
            detail=formats,
            causes=("a misspelt word", "words that are not separated by commas"),
            next_step=f"--formats {','.join(FORMATS)}, or some of them",
        )
    if templates is not None and not templates.is_dir():
        raise UsageError(
            "--templates does not name a folder",
            detail=str(templates),
            causes=("a misspelt name", "a file was named in place of its folder"),
            next_step="name a folder that holds files such as report.html.j2 or brand.css; see docs/look.md",
        )
    with scratch.folder() as folder:
        found = tshark_module.find(tshark, tshark_module.environment(folder))
    job = Made(
        formats=kinds,  # type: ignore[arg-type]
        options=Options(
            shared.display_filter(display_filter, start, end, None), None, tuple(decode_as), tuple(pref), profile
        ),
        settings=settings_module.load(settings) if settings is not None else settings_module.Settings(),
        ticket=Marks(ticket=ticket, tlp=tlp),
        paper=paper,
        flavour=flavour,
        templates=templates.absolute() if templates is not None else None,
        tables=tables,
        tshark=tshark,
        timeout=timeout,
        focus=replace(asked, lists=(), alerts=()),
        files=_given(keylog=[keylog], baseline=[baseline], expect=[expect], ioc=asked.lists, alerts=asked.alerts),
    )
    return checked_job(job, found.version, __version__)


def _no_day() -> datetime | None:
    """A batch has no first day, so that a time of day is no moment."""
    return None


def _given(**options: Sequence[Path | None]) -> tuple[Given, ...]:
    """The files that options name, read.

    Raises:
        UsageError: one cannot be read.
    """
    from tshark_report.batch.records import Given as Made

    made = []
    for option, paths in options.items():
        for path in filter(None, paths):
            try:
                made.append(Made(option, path.name, path.read_bytes()))  # type: ignore[arg-type]
            except OSError as error:
                raise UsageError(
                    f"the file of --{option} cannot be read",
                    detail=f"{path}: {error.strerror}",
                    causes=("the name is misspelt",),
                    next_step=f"ls -l {path.parent}",
                ) from error
    return tuple(made)


def _end(wanted: Wanted, result: Result, fail_on: Bar | None, *, as_json: bool) -> None:
    """The summary, and the exit code."""
    from tshark_report.report.model import PRIORITIES

    met = fail_on is not None and any(result.worst.get(p, 0) for p in PRIORITIES[: PRIORITIES.index(fail_on.value) + 1])
    place = f"{wanted.out.rstrip('/')}/index.html"
    if as_json:
        import msgspec

        summary = {
            "reported": result.reported, "kept": result.kept, "failed": result.failed, "left": result.left,
            "same_content": result.same, "worst": result.worst, "stopped": result.stopped, "fail_on_met": met,
            "seconds": round(result.seconds, 3), "index": place,
        }  # fmt: skip
        typer.echo(msgspec.json.encode(summary).decode())
    else:
        typer.echo(plain(place))
    if result.trouble is not None:
        raise result.trouble
    if result.stopped:
        raise typer.Exit(130)
    if met:
        raise typer.Exit(1)
    if not result.reported and not result.kept:
        from tshark_report.errors import CaptureUnreadable

        detail = f"{result.failed} failed, for the reasons in {place}" if result.failed else ", ".join(wanted.roots)
        raise CaptureUnreadable(
            "no capture could be reported on" if result.failed else "there is no capture below these folders",
            detail=detail,
            causes=("the captures are in another folder",),
            next_step=f"ls -lR {wanted.roots[0]}",
        )
