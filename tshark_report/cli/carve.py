"""`tshark-report carve`: the packets of a finding, with comments that name it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.asked import request_of
from tshark_report.cli.outputs import writable
from tshark_report.cli.terminal import plain, progress
from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from tshark_report.reading import Request


@app.command()
def carve(  # noqa: PLR0913
    capture: shared.Capture,
    finding: Annotated[
        str, typer.Argument(help="A finding's id or code, or the number of a starting point.", show_default=False)
    ] = "",
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the pcapng.")] = Path(
        "evidence.pcapng"
    ),
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Cut out packets of login findings too, passwords and all.")
    ] = False,
    share: Annotated[
        bool,
        typer.Option(
            "--share",
            help="For handing on: pseudonyms for addresses and the names in DNS messages, no other payload.",
        ),
    ] = False,
    keep_names: Annotated[
        bool, typer.Option("--keep-names", help="With --share: leave the names in DNS messages as they are.")
    ] = False,
    pseudonyms: Annotated[
        Path | None,
        typer.Option(
            "--pseudonyms", help="With --share: also write what stands for what, as CSV. Keep it.", show_default=False
        ),
    ] = None,
    display_filter: Annotated[
        str,
        typer.Option("--filter", "-Y", help="Every packet that this selects, passwords and all.", show_default=False),
    ] = "",
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
    writable(output)
    if share and show_secrets:
        raise UsageError(
            "--share and --show-secrets exclude each other",
            detail="--share leaves out all payload, and secrets with it",
            next_step="leave out one of them",
            causes=("both stand in a script or alias",),
        )
    if keep_names and not share:
        raise UsageError(
            "--keep-names needs --share",
            next_step="--share --keep-names",
            detail="without --share all names stay anyway",
            causes=("--share was left out",),
        )
    if pseudonyms is not None:
        if not share:
            raise UsageError(
                "--pseudonyms needs --share",
                next_step=f"--share --pseudonyms {pseudonyms}",
                detail="without --share no address is replaced, and there is nothing to write down",
                causes=("--share was left out",),
            )
        writable(pseudonyms)
    if bool(finding) == bool(display_filter):
        raise UsageError(
            "carve takes a finding or a filter" + (", not both" if finding else ""),
            causes=() if finding else ("neither was named",),
            next_step=f"tshark-report carve {capture} 1   or   ... {capture} --filter 'tcp.port == 443'",
            detail="a finding's id or code, the number of a starting point, or --filter",
        )
    request = request_of(capture, display_filter, "", "", keylog, decode_as, pref, profile, settings, tshark, timeout)
    if display_filter:
        _by_filter(request, output, share=share)
        return
    from tshark_report import pipeline
    from tshark_report.report import write

    request = replace(request, settings=replace(request.settings, show_secrets=show_secrets))
    with progress(capture.name) as show:
        carved = pipeline.carve(request, finding, show, share=share, keep_names=keep_names)
    write.atomically(output, carved.data)
    if pseudonyms is not None:
        write.atomically(pseudonyms, _as_csv(carved.pseudonyms).encode())
    typer.echo(f"{plain(str(output))}: {', '.join(carved.ids)}")


def _as_csv(pairs: list[tuple[str, str]]) -> str:
    """What stands for what; labels of names are from the wire and may hold anything."""
    import csv
    import io

    from tshark_report.report.escape import csv_cell

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("pseudonym", "original"))
    writer.writerows((csv_cell(given), csv_cell(original)) for original, given in pairs)
    return text.getvalue()


def _by_filter(request: Request, output: Path, *, share: bool) -> None:
    """Every packet that the request's display filter selects."""
    if share:
        raise UsageError(
            "--share needs a finding",
            detail="pseudonyms are those of a report, which a filter has none of",
            next_step="leave out --share, or name a finding",
            causes=("--filter was meant to narrow a finding, which it cannot",),
        )
    from tshark_report.capture.select import selected
    from tshark_report.report import write

    with progress(request.capture.name) as show:
        show("tshark selects the packets", 0.1)
        data, number = selected(request)
    write.atomically(output, data)
    typer.echo(f"{plain(str(output))}: {number:,} {'packet' if number == 1 else 'packets'}")
