"""`tshark-report baseline`: learn what is normal, look at it, put several together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.outputs import writable
from tshark_report.cli.terminal import plain
from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from tshark_report.normal.model import Baseline

group = typer.Typer(
    name="baseline",
    help="Learn what is normal here from captures that are known to be good; use it with report --baseline.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group)

WHY_NOT_READ = "no capture could be read; the lines above say why"

BaselineFile = Annotated[
    Path, typer.Argument(metavar="BASELINE", help="A baseline that `learn` wrote.", readable=False, show_default=False)
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Where to write: .json, or .json.gz to pack it.", show_default=False),
]


@group.command()
def learn(  # noqa: PLR0913
    captures: Annotated[
        list[Path],
        typer.Argument(
            metavar="CAPTURES...",
            help="Captures that are known to be good, or folders of them.",
            readable=False,
            show_default=False,
        ),
    ],
    output: Output = None,
    add_to: Annotated[
        Path | None,
        typer.Option("--add-to", help="Learn these captures in addition to a baseline.", show_default=False),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Learn captures with findings of high priority too; else they are left out.")
    ] = False,
    display_filter: shared.Filter = "",
    keylog: shared.Keylog = None,
    settings: shared.SettingsFile = None,
    tshark: shared.Tshark = None,
    timeout: shared.Timeout = None,
    debug: shared.Debug = False,
) -> None:
    """Learn services, names, programs, amounts and times of every home network and host. No payload is kept.

    Without -o the baseline of --add-to is written again, or normal.json where there is none.
    """
    path = output or add_to or Path("normal.json")
    writable(path)
    from tshark_report.cli.asked import request_of
    from tshark_report.normal import learning, store

    start = store.load(add_to) if add_to is not None else None
    found = learning.captures_in(captures)
    if not found:
        raise UsageError(
            "there is no capture to learn from",
            detail=", ".join(map(str, captures)),
            causes=(f"no file ends in {', '.join(learning.SUFFIXES[:3])}",),
            next_step="name the captures themselves",
        )
    request = request_of(found[0], display_filter, "", "", keylog, [], [], "", settings, tshark, timeout)
    made, states = start, []
    for step, so_far in learning.learn(found, request, start, trust=trust):
        made = so_far
        states.append(step.state)
        typer.echo(f"{step.state:12}  {plain(str(step.path))}  {plain(step.words)}", err=True)
    if made is None or "learnt" not in states:
        raise UsageError(
            "nothing was learnt",
            detail=", ".join(f"{states.count(s)} of {len(found)} {s}" for s in dict.fromkeys(states)),
            causes=(WHY_NOT_READ,)
            if set(states) == {"failed"}
            else ("the hosts are of no home network", "the captures hold findings of high priority"),
            next_step=f"look at it first: tshark-report report {found[0]}"
            if set(states) == {"failed"}
            else "set home_networks with --settings, or look at the captures first: tshark-report report CAPTURE",
        )
    size = store.save(made, path)
    number = states.count("learnt")
    typer.echo(
        f"{number} of {len(found)} captures learnt, {len(made.captures)} in all: {len(made.networks)} networks, "
        f"{len(made.hosts)} hosts, {size:,} bytes",
        err=True,
    )
    typer.echo(plain(str(path)))


@group.command()
def merge(
    baselines: Annotated[
        list[Path],
        typer.Argument(metavar="BASELINES...", help="Baselines to put together.", readable=False, show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write.")] = Path("normal.json"),
    debug: shared.Debug = False,
) -> None:
    """Put baselines together without their captures."""
    writable(output)
    from tshark_report.normal import store
    from tshark_report.normal.merge import together

    parts: list[Baseline] = []
    for path in baselines:
        part = store.load(path)
        twice = {c for p in parts for c in p.captures} & set(part.captures)
        if twice:
            raise UsageError(
                "a capture would count twice",
                detail=f"{path.name} shares {len(twice)} of {len(part.captures)} captures with one before it",
                causes=("the same baseline was named twice", "one was learnt in addition to the other"),
                next_step="leave one of them out",
            )
        parts.append(part)
    made = together(parts)
    store.save(made, output)
    typer.echo(
        f"{len(parts)} baselines, {len(made.captures)} captures, {len(made.networks)} networks, "
        f"{len(made.hosts)} hosts",
        err=True,
    )
    typer.echo(plain(str(output)))


@group.command()
def show(
    baseline: BaselineFile,
    host: Annotated[str, typer.Option("--host", help="One host or network in full.", show_default=False)] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A page with pictures: .html.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, quantiles in place of bins.")] = False,
    debug: shared.Debug = False,
) -> None:
    """Show what a baseline holds, on the terminal or as a page with pictures."""
    from tshark_report.normal import show as showing
    from tshark_report.normal import store

    if output is not None:
        writable(output)
        if output.suffix.lower() not in (".html", ".htm"):
            raise UsageError(
                "a baseline is shown as HTML",
                detail=str(output),
                next_step="-o normal.html",
                causes=("a misspelt suffix", "--json was meant, which prints it"),
            )
    loaded = store.load(baseline)
    chosen = showing.chosen(loaded, host)
    if as_json:
        typer.echo(showing.as_json(loaded, chosen))
        return
    if output is not None:
        from tshark_report.normal.page import page
        from tshark_report.report import write

        write.atomically(output, page(loaded, baseline.name, chosen).encode())
        typer.echo(plain(str(output)))
        return
    for line in showing.lines(loaded, chosen, whole=bool(host)):
        typer.echo(plain(line))
