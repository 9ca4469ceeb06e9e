"""`tshark-report expect`: write down what is expected to be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.asked import request_of
from tshark_report.cli.outputs import writable
from tshark_report.cli.terminal import plain, progress
from tshark_report.errors import UsageError

group = typer.Typer(
    name="expect",
    help="Write down which hosts, roles and services are expected; use it with report --expect.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group)


@group.callback()
def _group() -> None:
    """Write down which hosts, roles and services are expected; use it with report --expect."""


@group.command()
def init(  # noqa: PLR0913
    capture: shared.Capture,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the TOML.")] = Path("expect.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    display_filter: shared.Filter = "",
    keylog: shared.Keylog = None,
    settings: shared.SettingsFile = None,
    tshark: shared.Tshark = None,
    timeout: shared.Timeout = None,
    debug: shared.Debug = False,
) -> None:
    """Write the hosts, roles and services of a capture as TOML, for a person to edit."""
    writable(output)
    if output.exists() and not force:
        raise UsageError(
            "the expectation file is there already, perhaps edited",
            detail=str(output),
            next_step=f"name another with -o, or add --force to replace {output.name}",
            causes=("it was written before, for this capture or another",),
        )
    request = request_of(capture, display_filter, "", "", keylog, [], [], "", settings, tshark, timeout)
    from tshark_report.reading import opened

    with progress(capture.name) as show, opened(request, show) as (loaded, *_):
        from tshark_report.expect.check import own_link
        from tshark_report.expect.observe import observed
        from tshark_report.expect.write import written
        from tshark_report.report import write

        hosts = [h for h in observed(loaded.tables, request.settings).values() if not own_link(h.address)]
        if not hosts:
            raise UsageError(
                "no host of a home network sent anything in this capture",
                detail=str(capture),
                causes=("the home networks are others",),
                next_step="name them with --settings: home_networks = [...]",
            )
        write.atomically(output, written(capture.name, hosts).encode())
    typer.echo(
        f"{len(hosts)} hosts; edit the file, then: tshark-report report CAPTURE --expect {output.name}", err=True
    )
    typer.echo(plain(str(output)))
