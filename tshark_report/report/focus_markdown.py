"""What made the reader look, as lines of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tshark_report.report import focus_view, formats, tabular
from tshark_report.report.model import Report

if TYPE_CHECKING:
    from tshark_report.report.as_markdown import Flavour

CLIENTS = 2
MATCHES = 8


def lines(report: Report, f: Flavour, rows: int) -> list[str]:
    """The section, with at most `rows` rows of each table; empty where nothing was asked about."""
    shown = focus_view.view(report, paper=True, day=tabular.one_day(report), longest=120)
    if shown is None:
        return []
    focus = shown.focus
    made = [f.heading(3, "What made you look"), "", f.text(focus.sentence), ""]
    made += [*(f"* {f.text(line)}" for line in focus.asked), ""]
    made += [line for note in focus.notes[:10] for line in (f"{f.bold('Note:')} {f.text(note)}", "")]
    for view in shown.clients[:CLIENTS]:
        client = view.client
        made += [f.heading(4, f.text(client.named)), ""]
        made += [] if view is shown.clients[0] else [f.text(client.sentence), ""]
        if client.display_filter:
            selected = formats.plural(client.matched_packets, "packet") + view.where
            made += [f.block(client.display_filter), "", f.text(selected), ""]
        for grid in (view.conversations, view.exchanged, view.around):
            if grid.rows:
                made += [f.bold(f.text(grid.caption)), "", *f.grid(_short(grid, rows)), ""]
    if shown.others.rows:
        made += [f.bold("Others with the same pattern"), "", *f.grid(_short(shown.others, rows)), ""]
    if shown.matches:
        made += [f.bold("Matches"), ""]
        for match in shown.matches[:MATCHES]:
            one = match.match
            words = f"{match.kind} {one.defanged} ({one.source}) in {', '.join(one.where)}"
            number = formats.plural(one.matched_packets, "packet")
            made.append(f"* {f.text(words)}: {f.code(one.display_filter)}, {f.text(number)}")
        cut = formats.cut_note(min(MATCHES, len(shown.matches)), focus.matches_total, "matches")
        made += ["", *([f"{f.text(cut)} shown.", ""] if cut else [])]
    if shown.missing.rows:
        made += [f.bold("Not in this capture"), "", *f.grid(_short(shown.missing, rows)), ""]
        made += [f"* {f.bold(f.text(kind))}: {f.text('; '.join(reasons))}." for kind, _, reasons in shown.hidden]
        made += [""]
    return made


def _short(grid: tabular.Grid, rows: int) -> tabular.Grid:
    return tabular.Grid(grid.caption, grid.heads, grid.rows[:rows], grid.total, grid.noun)
