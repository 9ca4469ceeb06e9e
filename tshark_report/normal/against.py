"""A capture held against a baseline: findings marked and ranked again, and what is new beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tshark_report.errors import ReportError
from tshark_report.normal import rules as own_rules
from tshark_report.normal import store
from tshark_report.normal.facts import facts, network_of
from tshark_report.normal.judge import WORDS, Kind, Known, Mark
from tshark_report.normal.mark import Judged, frames_of, judged
from tshark_report.normal.model import Baseline
from tshark_report.normal.news import News, news
from tshark_report.normal.said import Sessions
from tshark_report.report import model
from tshark_report.rules import base as rules
from tshark_report.settings import Settings
from tshark_report.story.findings import Fired
from tshark_report.story.words import count, iso_time, listed
from tshark_report.tables.tables import Tables

ALONE = "no other rule tells it"
"""Why a finding of the baseline's own rules is new."""
NEWS_KEPT = 200
"""Rows of what is new in a report; the total is told."""


@dataclass(frozen=True)
class Against:
    """What a baseline makes of a capture."""

    found: list[Fired]
    """All findings, those that only the baseline makes among them, in rank order."""
    outcomes: list[rules.Outcome]
    """What became of the baseline's own rules."""
    view: model.NormalView
    marks: dict[str, Mark] = field(default_factory=dict)
    """Finding id -> what the baseline says of it."""

    def marked(self, findings: Sequence[model.Finding]) -> list[model.Finding]:
        """Findings with what the baseline says of them."""
        return [
            msgspec.structs.replace(f, normal=WORDS[m.kind], normal_because=m.reason)
            if (m := self.marks.get(f.id)) is not None
            else f
            for f in findings
        ]

    def reasoned(self, points: Sequence[model.StartingPoint]) -> list[model.StartingPoint]:
        """Starting points whose reason says what the baseline says of their first finding."""
        made = []
        for point in points:
            mark = self.marks.get(point.findings[0]) if point.findings else None
            if mark is not None and mark.kind:
                why = f"{point.why_here} Against the baseline it is {_sense(mark)}."
                made.append(msgspec.structs.replace(point, why_here=why))
            else:
                made.append(point)
        return made


def against(path: Path, found: Sequence[Fired], tables: Tables, settings: Settings) -> Against:
    """Hold a capture against the baseline in `path`; a baseline that cannot be used is told, never an error."""
    try:
        baseline = store.load(path)
    except ReportError as error:
        return _unusable(path, found, f"{error.what}: {error.detail}" if error.detail else error.what)
    known = Known(baseline)
    these = facts(tables, settings)
    homes = these.hosts
    strangers = sorted({network_of(h) for h in homes} - known.networks)
    if homes and not {network_of(h) for h in homes} & known.networks:
        return _unusable(
            path,
            found,
            f"it was learnt of other home networks ({listed(sorted(known.networks), 4)}); "
            f"the hosts of this capture are in {listed(strangers, 4)}",
            baseline,
        )
    if not homes:
        return _unusable(path, found, "no host of a home network sent anything in this capture", baseline)
    sessions = Sessions(these, found, (n for f in found for n in frames_of(f.draft.evidence)))
    every = news(these, known)
    tables.kept[own_rules.KEPT] = _untold(every, found, sessions)
    outcomes = list(rules.run(own_rules.RULES, tables, settings))
    mine = [Fired(o.rule, d) for o in outcomes for d in o.drafts]
    marked = judged(found, known, sessions, settings)
    own = [Judged(f, Mark("amount" if f.rule.name == "unusual-amounts" else "new", ALONE)) for f in mine]
    together = sorted([*marked, *own], key=lambda j: j.fired.rank)
    view = _view(path, baseline, together, every, strangers, settings)
    return Against([j.fired for j in together], outcomes, view, {j.fired.id: j.mark for j in together})


def _untold(every: Iterable[News], found: Sequence[Fired], sessions: Sessions) -> list[News]:
    """News of sessions that no finding above info is about."""
    told = {id(row) for f in found if f.draft.priority != "info" for row in sessions.of_finding(f)}
    by_stream = {(r["transport"], r["stream"], r["client"], r["server"]): id(r) for r in sessions.rows}
    made = []
    for each in every:
        rows = [by_stream.get((r["transport"], r["stream"], r["client"], r["server"])) for r in each.sessions]
        if not rows or not all(row in told for row in rows):
            made.append(each)
    return made


def _unusable(path: Path, found: Sequence[Fired], why: str, baseline: Baseline | None = None) -> Against:
    reason = f"the baseline could not be used: {why}"[:300]
    outcomes = [rules.Outcome(r, "not-evaluated", reason) for r in own_rules.RULES]
    view = model.NormalView(
        file_name=path.name,
        problem=why,
        sentence=f"Nothing was compared with the baseline {path.name}: {why}.",
        captures=len(baseline.captures) if baseline is not None else 0,
        networks=sorted(baseline.networks) if baseline is not None else [],
    )
    return Against(list(found), outcomes, view)


def _view(
    path: Path, baseline: Baseline, together: Sequence[Judged], every: Sequence[News], strangers: list[str],
    settings: Settings,
) -> model.NormalView:  # fmt: skip
    kinds = Counter(j.mark.kind for j in together)
    lowered = [
        model.Lowered(
            finding=j.fired.id, code=j.fired.rule.code, name=j.fired.rule.name, subject=j.fired.draft.subject,
            before=j.lowered_from, after=j.fired.draft.priority, because=j.mark.reason,
        )
        for j in together
        if j.lowered_from is not None
    ]  # fmt: skip
    home = [str(network) for network in settings.home]
    remarks = []
    if strangers:
        remarks.append(f"{listed(strangers, 4)} {'is' if len(strangers) == 1 else 'are'} not in the baseline: "
                       "hosts there were not compared.")  # fmt: skip
    if set(home) != set(baseline.home):
        remarks.append("The baseline was learnt with other home networks in the settings than those of this report.")
    return model.NormalView(
        file_name=path.name,
        created=baseline.created,
        captures=len(baseline.captures),
        first=baseline.first,
        last=baseline.last,
        networks=sorted(baseline.networks),
        hosts=len(baseline.hosts),
        sentence=_sentence(kinds, lowered, every, baseline),
        remarks=remarks,
        usual=kinds["usual"],
        new=kinds["new"],
        unusual=kinds["amount"],
        not_compared=kinds[""],
        lowered=lowered,
        news=[_row(each) for each in every[:NEWS_KEPT]],
        news_total=len(every),
    )


def _row(each: News) -> model.NormalNews:
    return model.NormalNews(
        kind=each.kind, host=each.host, what=each.what, mark=WORDS["amount" if each.amount else "new"],
        usual=each.usual, seen=each.seen, signs=list(each.signs), first_frame=each.frame,
        first_time=iso_time(each.time), display_filter=each.display_filter,
    )  # fmt: skip


def _sentence(kinds: Mapping[Kind, int], lowered: Sequence[object], every: Sequence[News], baseline: Baseline) -> str:
    parts = [
        f"{kinds['new']:,} new here",
        f"{kinds['amount']:,} of an unusual amount",
        f"{kinds['usual']:,} usual here",
        *([f"{kinds['']:,} not compared"] if kinds[""] else []),
    ]
    total = sum(kinds.values())
    by_kind = Counter(n.kind for n in every)
    most = [f"{number:,} \u00d7 {kind}" for kind, number in by_kind.most_common(5)]
    news_text = (
        f" New in this capture, whether or not a rule fired: {', '.join(most)}." if every else " Nothing else is new."
    )
    low = f" {count(len(lowered), 'finding')} rated lower because usual; each is listed." if lowered else (
        " Nothing was rated lower."
    )  # fmt: skip
    found = f"Of {count(total, 'finding')}: {listed(parts, 4)}." if total else "No rule fired."
    return f"{found}{low}{news_text} The baseline was learnt from {count(len(baseline.captures), 'capture')}."


def _sense(mark: Mark) -> str:
    words = {"new": "new here", "amount": "an unusual amount", "usual": "usual here"}[mark.kind]
    return f"{words}: {mark.reason.rstrip('.')}"
