"""`tshark-report trends`: what has suddenly grown over hours, days or captures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tshark_report.cli import shared
from tshark_report.cli.app import app
from tshark_report.cli.terminal import plain
from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from tshark_report.trends.model import Grown, Trends

SHOWN_BUCKETS = 14
"""Latest buckets of one thing on a terminal."""
BAR = 30
"""Characters of the longest bar."""
SHOWN_LINES = 10


class By(StrEnum):
    """How wide a bucket is."""

    hour = "hour"
    day = "day"
    file = "file"


KINDS = ("ports", "protocols", "hosts", "names")


@app.command()
def trends(
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="A folder that batch wrote, or one of folders of tables.", show_default=False
        ),
    ],
    output: Annotated[
        list[Path],
        typer.Option(
            "--output", "-o", help="Write .html or .json; repeatable. Without it, a summary.", show_default=False
        ),
    ] = [],  # noqa: B006
    by: Annotated[
        By | None,
        typer.Option("--by", help="Compare hours, days or files; days where there are enough.", show_default=False),
    ] = None,
    only: Annotated[
        str, typer.Option("--only", help=f"Any of {','.join(KINDS)}; all of them by default.", show_default=False)
    ] = "",
    least: Annotated[
        int | None,
        typer.Option(
            "--least",
            min=1,
            help="Records that a bucket must have to stand out; by kind by default.",
            show_default=False,
        ),
    ] = None,
    score: Annotated[
        float, typer.Option("--score", min=1, help="Robust z-score from which a bucket stands out.")
    ] = 6.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a summary.")] = False,
    templates: Annotated[
        Path | None,
        typer.Option("--templates", help="Folder whose templates replace ours, file by file.", show_default=False),
    ] = None,
    debug: shared.Debug = False,
) -> None:
    """What has suddenly grown, and is not explained by everything having grown: ports, protocols, hosts, names.

    Reads the tables that batch, or report --tables, wrote; tshark is not run.
    """
    from tshark_report.cli.outputs import writable

    kinds = _kinds(only)
    for path in output:
        if path.suffix.lower() not in (".html", ".htm", ".json"):
            raise UsageError(
                "the suffix of the output does not say a format",
                detail=str(path),
                next_step="use .html or .json",
                causes=("a misspelt suffix", "a folder was named in place of a file"),
            )
        writable(path)
    from tshark_report.store import catalogue
    from tshark_report.trends import found

    asked = found.Asked(by.value if by is not None else None, kinds, least, score)  # type: ignore[arg-type]
    made = found.find(catalogue.find(out), asked, out.resolve().name or str(out))
    for path in output:
        _write(made, path, templates)
    if as_json:
        typer.echo(_json(made).decode())
    elif not output:
        _print(made)
    for path in output:
        typer.echo(plain(str(path)), err=as_json)


def _kinds(only: str) -> tuple[str, ...]:
    wanted = [part.strip() for part in only.split(",") if part.strip()] or list(KINDS)
    unknown = sorted(set(wanted) - set(KINDS))
    if unknown:
        raise UsageError(
            f"--only does not know {', '.join(unknown)}",
            detail=f"--only {only}",
            causes=("a misspelt word", "words that are not separated by commas"),
            next_step=f"--only {','.join(KINDS)}, or some of them",
        )
    of = {"ports": ("port",), "protocols": ("protocol",), "hosts": ("client", "server"), "names": ("name",)}
    return tuple(kind for name in KINDS if name in wanted for kind in of[name])


def _json(made: Trends) -> bytes:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(made), indent=2)


def _write(made: Trends, path: Path, templates: Path | None) -> None:
    from tshark_report.report import write

    if path.suffix.lower() == ".json":
        data = _json(made) + b"\n"
    else:
        from tshark_report.trends import as_html

        data = as_html.render(made, templates=templates).encode()
    write.atomically(path, data)


def _print(made: Trends) -> None:
    say = typer.echo
    say(plain(made.headline))
    for note in made.notes:
        say(plain(f"note: {note}"))
    for each in made.grown:
        say("")
        _print_one(each, made)
    if made.passed:
        say(f"\nGrew, and is not raised ({made.passed_total:,}):")
        for passed in made.passed[:SHOWN_LINES]:
            say(plain(f"  {passed.sentence}"))
    if made.first_seen:
        total = sum(each.first_seen for each in made.counted)
        say(f"\nSeen for the first time in the last {made.step} ({total:,}):")
        for new in made.first_seen[:SHOWN_LINES]:
            say(plain(f"  {new.kind} {new.key}: {new.records:,} records, {new.sources:,} sources"))
    counted = ", ".join(f"{each.keys:,} {each.kind}{'' if each.keys == 1 else 's'}" for each in made.counted)
    buckets = f"{len(made.buckets):,} {made.step}{'' if len(made.buckets) == 1 else 's'}"
    say(f"\nCounted over {buckets}: {counted}.")


def _print_one(each: Grown, made: Trends) -> None:
    say = typer.echo
    say(plain(each.story))
    if each.uses is not None:
        known = f"; known uses: {each.uses.known}" if each.uses.known else ""
        say(plain(f"  registered as {each.uses.service or 'nothing'}{known}"))
    totals = next(counted.records for counted in made.counted if counted.kind == each.kind)
    most = max(each.series.records) or 1
    first = max(0, len(made.buckets) - SHOWN_BUCKETS)
    width = max(len(bucket.label) for bucket in made.buckets[first:])
    say(f"  {made.step:<{width}}  {'records':>9}  {'share':>6}  {'sources':>8}  {'targets':>8}")
    for at in range(first, len(made.buckets)):
        number = each.series.records[at]
        share = number / totals[at] if totals[at] else 0.0
        bar = "#" * max(1 if number else 0, round(BAR * number / most))
        line = (
            f"  {made.buckets[at].label:<{width}}  {number:>9,}  {share:>6.1%}  {each.series.sources[at]:>8,}  "
            f"{each.series.targets[at]:>8,}  {bar}"
        )
        say(plain(line.rstrip()))
    for sample in each.samples[:3]:
        ports = [f":{port}" if port is not None else "" for port in (sample.src_port, sample.dst_port)]
        say(
            plain(
                f"  {sample.file_name} frame {sample.frame:,}: {sample.time[:19]}Z {sample.src}{ports[0]} -> "
                f"{sample.dst}{ports[1]}, {sample.note}"
            )
        )
    for start in each.payloads[:3]:
        say(plain(f"  payload {start.direction}, {start.times:,} times: {start.text}"))
    if each.display_filter:
        say(plain(f"  filter: {each.display_filter}"))
    for place in each.places[:1]:
        if place.command:
            say(plain(f"  packets: {place.command}"))
    if each.takes_part:
        say(plain(f"  grew only by this: {', '.join(each.takes_part[:5])}, {each.takes_part_total:,} in all"))
    for harmless in each.harmless[:1]:
        say(plain(f"  harmless: {harmless.explanation} {harmless.tell_apart}"))
