"""`tshark-report rules` and `tshark-report explain`: what is looked for, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tshark_report.cli.app import app
from tshark_report.errors import UsageError

if TYPE_CHECKING:
    from tshark_report.rules.base import Rule


@app.command()
def rules(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every rule: its code, its name and its question."""
    from tshark_report.rules import ALL

    if as_json:
        import msgspec

        rows = [
            {"code": r.code, "name": r.name, "family": r.family, "title": r.title, "question": r.question} for r in ALL
        ]
        typer.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
        return
    width = max(len(r.name) for r in ALL)
    for each in ALL:
        typer.echo(f"{each.code}  {each.name:{width}}  {each.question}")


def _codes(incomplete: str) -> list[tuple[str, str]]:
    """Codes that begin so, with their titles, for a shell's completion."""
    from tshark_report.rules import ALL

    return [(each.code, each.title) for each in ALL if each.code.startswith(incomplete.upper())]


@app.command()
def explain(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="A rule's code or name.", autocompletion=_codes, show_default=False)
    ],
) -> None:
    """Explain one rule: why it matters, what harmless thing it may be, what to do next."""
    from tshark_report.normal.rules import RULES
    from tshark_report.rules import ALL
    from tshark_report.rules.docs import page

    typer.echo(page(_find(code, (*ALL, *RULES))).rstrip())


def _find(code: str, every: tuple[Rule, ...]) -> Rule:
    for each in every:
        if code.upper() == each.code or code.lower().replace("_", "-") == each.name:
            return each
    import difflib

    names = [r.name for r in every] + [r.code for r in every]
    near = difflib.get_close_matches(code, names, n=3, cutoff=0.4)
    raise UsageError(
        "there is no such rule",
        detail=code,
        causes=("a misspelt code or name",),
        next_step=f"tshark-report explain {near[0]}" if near else "tshark-report rules",
    )
