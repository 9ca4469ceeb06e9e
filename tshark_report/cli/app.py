"""The `tshark-report` command and what all its commands share."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tshark_report import __version__
from tshark_report.errors import ReportError, UsageError

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
    from tshark_report.cli.terminal import one_line

    lines = [f"tshark-report: {one_line(error.what)}"]
    if error.detail:
        lines.append(f"  detail: {one_line(error.detail)}")
    for place, cause in enumerate(error.causes):
        lines.append(f"  {'likely cause:' if place == 0 else '          or:'} {one_line(cause)}")
    if error.next_step:
        lines.append(f"  next: {one_line(error.next_step)}")
    sys.stderr.write("\n".join(lines) + "\n")


def _end(number: int, _frame: object) -> None:
    """Handler of the signals that end the program: no process, scratch folder or half report is left behind."""
    import signal

    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)  # what follows cleans up, and must not be cut short itself

    def end() -> None:
        raise Ended(number)

    group = sys.modules.get("tshark_report.capture.group")
    if group is not None:
        group.stop_all(end)
    else:
        end()


class Ended(BaseException):
    """A signal ends the program."""


ENDING: list[int] = []
"""Signals that end the program and can be handled on this system."""


def _handle_signals() -> None:
    import signal

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # One that is ignored stays so: `nohup` and background jobs of a shell mean it.
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            ENDING.append(number)
            signal.signal(number, _end)


def _no_room(error: OSError) -> ReportError | None:
    """What a full disk or a missing scratch folder is called; None for any other failure."""
    import errno
    import tempfile

    from tshark_report.errors import RenderFailed

    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
    if not full and "temporary directory" not in str(error):
        return None
    try:
        place = tempfile.gettempdir()
    except OSError:
        place = "none of the usual folders"
    if error.filename is None and not full:
        what, where = "there is no folder for scratch files", str(error)
    elif error.filename is None:
        what, where = "there is no room for what is written", f"{error.strerror}: standard output, or below {place}"
    else:
        what, where = "there is no room for scratch files", f"{error.strerror}: {error.filename}"
    return RenderFailed(
        what,
        detail=where,
        causes=("the disk or its quota is full", "the folder for temporary files is missing or read-only"),
        next_step="free some room, or choose another folder: TMPDIR=/path/with/room tshark-report ...",
    )


Misused: type[Exception] = next(each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException")
"""What Typer raises where the command line does not parse; some versions export it only as the base of others."""


def _misuse(error: Exception) -> UsageError:
    """An unknown option, a missing argument or a value that does not fit, told as every other error."""
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "") or "tshark-report"
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    return UsageError(
        "this command line does not fit",
        detail=said.replace("Value error, ", ""),  # pydantic's own words before those of a value's type
        causes=("a misspelt command, option or value", "a name with spaces that is not in quotes"),
        next_step=f"{command} --help",
    )


def run() -> None:
    """Run the command line and exit with a documented code."""
    from tshark_report.cli import load_commands

    _handle_signals()
    debug = "--debug" in sys.argv
    try:
        load_commands()
        sys.exit(app(standalone_mode=False) or 0)
    except Misused as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stderr.write(f"{error}\n")
        else:
            print_error(_misuse(error))
        sys.exit(UsageError.exit_code)
    except ReportError as error:
        if debug:
            raise
        print_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        _without_reader()
    except SystemExit as stop:
        # Typer makes a 1 of it, which is the exit code of --fail-on here.
        if stop.code == 1 and type(sys.stdout).__name__ == "PacifyFlushWrapper":
            _without_reader()
        raise
    except OSError as error:
        told = _no_room(error)
        if debug or told is None:
            raise
        print_error(told)
        sys.exit(told.exit_code)
    except Ended as ended:
        scratch = sys.modules.get("tshark_report.scratch")
        if scratch is not None:
            scratch.remove_all()  # the signal may have come while a folder was being made or removed
        sys.stderr.write("tshark-report: stopped\n")
        sys.exit(128 + int(ended.args[0]))


def _without_reader() -> None:
    """The reader of our output has gone (`| head`): that is its right, and nothing to report."""
    import os

    # What is still buffered goes nowhere, instead of failing once more at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)
