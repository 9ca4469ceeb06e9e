"""The `tshark-report` command and what all its commands share."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tshark_report import __version__
from tshark_report.errors import ReportError

app = typer.Typer(
    name="tshark-report",
    help="Where to start in a packet capture: one command, one report, every claim with its filter.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"tshark-report {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _shown: Annotated[
        bool, typer.Option("--version", "-V", help="Print the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Where to start in a packet capture: one command, one report, every claim with its filter."""


def print_error(error: ReportError) -> None:
    """One block on stderr: what happened, detail, likely cause, next command."""
    from tshark_report.cli.terminal import plain

    lines = [f"tshark-report: {plain(error.what)}"]
    if error.detail:
        lines.append(f"  detail: {plain(error.detail)}")
    for place, cause in enumerate(error.causes):
        lines.append(f"  {'likely cause:' if place == 0 else '          or:'} {plain(cause)}")
    if error.next_step:
        lines.append(f"  next: {plain(error.next_step)}")
    sys.stderr.write("\n".join(lines) + "\n")


def run() -> None:
    """Run the command line and exit with a documented code."""
    from tshark_report.cli import load_commands

    load_commands()
    debug = "--debug" in sys.argv
    try:
        app(standalone_mode=True)
    except ReportError as error:
        if debug:
            raise
        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): that is its right, and nothing to report.
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        sys.stderr.write("tshark-report: stopped\n")
        sys.exit(130)
