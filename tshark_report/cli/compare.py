"""`tshark-report compare`: what differs between a capture where it works and one where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.asked import request_of
from tshark_report.cli.outputs import writable
from tshark_report.cli.report import Paper
from tshark_report.cli.terminal import plain, progress
from tshark_report.errors import UsageError

FORMATS = {".html": "html", ".htm": "html", ".pdf": "pdf", ".json": "json"}


@app.command()
def compare(  # noqa: PLR0913
    good: Annotated[
        Path,
        typer.Argument(
            metavar="GOOD", help="The capture where it works, or from before.", readable=False, show_default=False
        ),
    ],
    bad: Annotated[
        Path,
        typer.Argument(
            metavar="BAD", help="The capture where it does not, or from after.", readable=False, show_default=False
        ),
    ],
    output: Annotated[
        list[Path],
        typer.Option(
            "--output", "-o", help="Where to write; the suffix says the format: .html .pdf .json.", show_default=False
        ),
    ] = [],  # noqa: B006
    title: Annotated[str, typer.Option("--title", help="Title of the page.", show_default=False)] = "",
    paper: Annotated[Paper, typer.Option("--paper", help="Paper of the PDF.")] = Paper.a4,
    display_filter: shared.Filter = "",
    keylog: shared.Keylog = None,
    decode_as: shared.DecodeAs = [],  # noqa: B006
    pref: shared.Preference = [],  # noqa: B006
    profile: shared.Profile = "",
    settings: shared.SettingsFile = None,
    tshark: shared.Tshark = None,
    timeout: shared.Timeout = None,
    debug: shared.Debug = False,
) -> None:
    """Say what differs between two captures of the same thing, and at which packet they part.

    The first line printed names the cause. Without -o nothing is written.
    """
    for path in output:
        if path.suffix.lower() not in FORMATS:
            raise UsageError(
                "the suffix of the output does not say a format",
                detail=str(path),
                next_step=f"use one of: {' '.join(FORMATS)}",
                causes=("a misspelt suffix", "a folder was named in place of a file"),
            )
        writable(path)
    request = request_of(good, display_filter, "", "", keylog, decode_as, pref, profile, settings, tshark, timeout)
    with progress(f"{good.name} / {bad.name}") as show:
        from tshark_report.compare.build import compare as compared

        made = compared(request, good, bad, show, title=title)
        show("writing", 0.97)
        for path in output:
            _write(made, path, paper)
    typer.echo(plain(made.headline))
    typer.echo(plain(made.same))
    for cause in made.causes[1:]:
        typer.echo(f"Also: {plain(cause.sentence)}")
    if made.parting is not None:
        typer.echo(f"They part in {plain(made.parting.exchange)}: {plain(made.parting.words)}.")
    for remark in made.remarks:
        typer.echo(f"Note: {plain(remark)}")
    for path in output:
        typer.echo(plain(str(path)))


def _write(made: object, path: Path, paper: Paper) -> None:
    from tshark_report.compare.model import Comparison
    from tshark_report.compare.page import page
    from tshark_report.report import write

    if not isinstance(made, Comparison):  # pragma: no cover - the only caller hands one over
        raise TypeError(type(made).__name__)
    kind = FORMATS[path.suffix.lower()]
    if kind == "json":
        import msgspec

        data = msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"
    elif kind == "html":
        data = page(made).encode()
    else:
        from tshark_report.report import as_pdf

        data = as_pdf.from_page(page(made, paper=True), paper=paper.value)
    write.atomically(path, data)
