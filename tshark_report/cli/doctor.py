"""`tshark-report doctor`: is everything here that a report needs, and what to do where it is not."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.terminal import plain
from tshark_report.errors import ReportError


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    ok: bool
    what: str
    fix: str = ""
    needed: bool = True


@app.command()
def doctor(tshark: shared.Tshark = None, debug: shared.Debug = False) -> None:
    """Check tshark, its version and fields, and what PDF and fonts need; say how to mend what is missing."""
    lines = [_python(), *_tshark(tshark), *_rendering(), _fonts(), *_fence(tshark)]
    for line in lines:
        typer.echo(f"{'ok     ' if line.ok else 'MISSING' if line.needed else 'note   '}  {plain(line.what)}")
        if line.fix and not line.ok:
            typer.echo(f"         fix: {plain(line.fix)}")
    broken = [line for line in lines if not line.ok and line.needed]
    typer.echo(
        "everything a report needs is here" if not broken else f"{len(broken)} of {len(lines)} checks need attention"
    )
    if broken:
        raise typer.Exit(3)


def _python() -> Line:
    version = ".".join(map(str, sys.version_info[:3]))
    return Line(sys.version_info >= (3, 11), f"Python {version}", "install Python 3.11 or newer")


def _tshark(explicit: str | None) -> list[Line]:
    from tshark_report import scratch
    from tshark_report.capture import tshark as tshark_module
    from tshark_report.tables import columns

    with scratch.folder() as folder:
        env = tshark_module.environment(folder)
        try:
            found = tshark_module.find(explicit, env)
        except ReportError as error:
            return [Line(False, f"tshark: {error.what}; {error.detail}", error.next_step)]
        lines = [Line(True, f"tshark {found.version} at {found.path}")]
        for program, why in (("capinfos", "checks file types and counts"), ("editcap", "cuts out frames")):
            place = found.companion(program)
            lines.append(
                Line(place is not None, f"{program}: {place or 'not found'} ({why})", tshark_module.install_hint())
            )
        try:
            known = tshark_module.known_fields(found, columns.all_fields(), env)
        except ReportError as error:
            return [*lines, Line(False, f"tshark's fields: {error.detail}", error.next_step)]
        lacking = sorted(columns.all_fields() - known)
        what = f"{len(known)} of {len(columns.all_fields())} fields that rules read are known to this tshark"
        if lacking:
            what += f"; not known: {', '.join(lacking)} (rules that need one say `not evaluated`)"
        return [*lines, Line(not lacking, what, "another version of tshark has them", needed=False)]


def _rendering() -> list[Line]:
    hint = (
        "sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        if sys.platform == "linux"
        else "brew install pango"
    )
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        first = str(error).strip().splitlines()
        return [Line(False, f"WeasyPrint (PDF): {first[0] if first else type(error).__name__}", hint)]
    return [Line(True, f"WeasyPrint {weasyprint.__version__} with its libraries (PDF)")]


def _fonts() -> Line:
    import os
    import shutil

    from tshark_report.capture import process

    place = shutil.which("fc-list")
    if place is None:
        return Line(True, "fonts: fontconfig's fc-list is not installed, so they were not counted", needed=False)
    listed = process.run([place, ":", "family"], timeout=20, env=dict(os.environ))
    number = len(set(listed.stdout.splitlines()))
    return Line(number > 0, f"fonts: {number} families", "sudo apt-get install fonts-dejavu-core")


def _fence(explicit: str | None) -> list[Line]:
    """Which parts of the fence around tshark hold here; what is missing is no reason not to report."""
    import os

    from tshark_report import scratch
    from tshark_report.capture import fence
    from tshark_report.capture import tshark as tshark_module

    if os.environ.get(fence.SWITCH, "").lower() in fence.OFF:
        what = f"fence: switched off by {fence.SWITCH}; tshark runs with your rights"
        return [Line(False, what, f"unset {fence.SWITCH}", needed=False)]
    with scratch.folder() as folder:
        env = tshark_module.environment(folder)
        try:
            found = fence.of_program(tshark_module.find(explicit, env).path, str(folder))
        except (ReportError, OSError):
            return []  # said already: there is no tshark that could be fenced
    by = f" by {found.engine}" if found.engine else ""
    holds = [part for part, held in found.parts().items() if held]
    lacks = [part for part, held in found.parts().items() if not held]
    lines = [Line(True, f"fence around tshark{by}: {'; '.join(holds) or 'no part of it holds here'}", needed=False)]
    if lacks:
        what = f"fence, not held here: {'; '.join(lacks)}"
        lines.append(Line(False, what, fence.advice(found), needed=False))
    return lines
