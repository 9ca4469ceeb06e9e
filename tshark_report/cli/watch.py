"""`tshark-report watch`: a report of each capture when its writer has finished with it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from tshark_report.cli import batch as options
from tshark_report.cli import focus_options, shared
from tshark_report.cli.app import app
from tshark_report.cli.report import Flavour, Paper
from tshark_report.cli.terminal import plain
from tshark_report.errors import UsageError


@app.command()
def watch(  # noqa: PLR0913
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", help="Folders into which captures are written.", show_default=False),
    ],
    output: options.Out,
    formats: options.Formats = "html,json",
    settle: Annotated[
        float, typer.Option("--settle", min=0, help="Seconds without a change before a capture may be finished.")
    ] = 2.0,
    idle: Annotated[
        float,
        typer.Option(
            "--idle",
            min=0,
            help="Seconds without a change after which it is finished, where the system cannot say who has it open.",
        ),
    ] = 60.0,
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds between two looks at the folders.")] = 2.0,
    display_filter: shared.Filter = "",
    keylog: shared.Keylog = None,
    decode_as: shared.DecodeAs = [],  # noqa: B006
    pref: shared.Preference = [],  # noqa: B006
    profile: shared.Profile = "",
    settings: shared.SettingsFile = None,
    focus: focus_options.Focus = [],  # noqa: B006
    ioc: focus_options.Ioc = [],  # noqa: B006
    alerts: focus_options.Alerts = [],  # noqa: B006
    window: focus_options.Window = 60.0,
    baseline: options.Baseline = None,
    expect: options.Expect = None,
    ticket: options.Ticket = "",
    title: options.Title = "",
    tlp: options.Tlp = "",
    paper: Annotated[Paper, typer.Option("--paper", help="Paper of the PDFs.")] = Paper.a4,
    flavour: Annotated[Flavour, typer.Option("--markdown", help="Dialect of the Markdown.")] = Flavour.github,
    templates: options.Templates = None,
    jobs: options.Jobs = None,
    memory: options.Memory = "",
    tries: options.Tries = 3,
    tables: options.Tables = True,
    index_pdf: options.IndexPdf = True,
    log_json: options.Log = False,
    quiet: options.Quiet = False,
    tshark: shared.Tshark = None,
    timeout: shared.Timeout = None,
    debug: shared.Debug = False,
) -> None:
    """Report on each capture in a folder when its writer has finished with it, until Ctrl-C.

    Made for dumpcap and tcpdump with rotating files. The index in OUT is kept up.
    """
    from tshark_report.batch import machine
    from tshark_report.batch.run import Wanted
    from tshark_report.batch.watch import watch as run
    from tshark_report.cli import batch_progress

    for folder in folders:
        if not folder.is_dir():
            raise UsageError(
                "there is no such folder",
                detail=str(folder),
                next_step=f"mkdir -p {folder}   or watch another one",
                causes=("the name is misspelt", "the capturing program has not made it yet"),
            )
    asked = focus_options.asked(focus, ioc, alerts, [], window, options._no_day)
    job = options.job_of(
        formats, display_filter, "", "", keylog, decode_as, pref, profile, settings, ticket, tlp,
        paper.value, flavour.value, templates, tables, tshark, timeout, asked, baseline, expect,
    )  # fmt: skip
    wanted = Wanted(
        roots=tuple(str(folder) for folder in folders),
        out=output,
        job=job,
        jobs=jobs or 0,
        memory=machine.size(memory) if memory else 0,
        tries=tries,
        look=options.look_of(paper.value, templates, title, ticket, tlp),
        index_pdf=index_pdf,
    )
    options.stop_gently()
    if hasattr(signal, "SIGIO"):
        # The kernel says so when somebody opens a file that we are asking about; nothing needs to be done.
        signal.signal(signal.SIGIO, signal.SIG_IGN)
    with batch_progress.shown(json_lines=log_json, quiet=quiet, live=False) as listen:
        result = run(wanted, listen, settle=settle, idle=idle, every=every)
    typer.echo(
        plain(f"{result.reported:,} reported, {result.failed:,} failed; {wanted.out.rstrip('/')}/index.html"), err=quiet
    )
