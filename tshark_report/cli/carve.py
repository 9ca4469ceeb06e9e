"""`tshark-report carve`: the packets of a finding, with comments that name it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.report import _request, _writable
from tshark_report.cli.terminal import plain, progress


@app.command()
def carve(  # noqa: PLR0913
    capture: shared.Capture,
    finding: Annotated[
        str, typer.Argument(help="A finding's id or code, or the number of a starting point.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the pcapng.")] = Path(
        "evidence.pcapng"
    ),
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Cut out packets of login findings too, passwords and all.")
    ] = False,
    keylog: shared.Keylog = None,
    decode_as: shared.DecodeAs = [],  # noqa: B006
    pref: shared.Preference = [],  # noqa: B006
    profile: shared.Profile = "",
    settings: shared.SettingsFile = None,
    tshark: shared.Tshark = None,
    timeout: shared.Timeout = None,
    debug: shared.Debug = False,
) -> None:
    """Cut the packets of a finding or starting point out of a capture, each with a comment that names the finding."""
    _writable(output)
    request = _request(capture, "", "", "", keylog, decode_as, pref, profile, settings, tshark, timeout)
    from tshark_report import pipeline
    from tshark_report.report import write

    request = replace(request, settings=replace(request.settings, show_secrets=show_secrets))
    with progress(capture.name) as show:
        data, ids = pipeline.carve(request, finding, show)
    write.atomically(output, data)
    typer.echo(f"{plain(str(output))}: {', '.join(ids)}")
