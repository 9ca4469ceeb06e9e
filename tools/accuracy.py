"""Write docs/accuracy.md: what the rules found, missed and wrongly raised, by kind of capture and by rule family.

Reads this project's fixtures, and published captures beside the project (../shared/captures/cases) where they are.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

HARMLESS = ("benign", "benign-odd")
SETS = (("Fixtures of this project", TOP / "fixtures"), ("Published captures", TOP.parent / "shared/captures/cases"))
NUMBERS = re.compile(r"[0-9.]+|[0-9a-fA-F]*:[0-9a-fA-F:.]+")


@dataclass
class Row:
    """Sums over captures of one kind."""

    captures: int = 0
    facts: int = 0
    first: int = 0
    three: int = 0
    missed: list[str] = field(default_factory=list)


@dataclass
class Family:
    """Findings of high or medium priority of one rule family."""

    rightly: int = 0
    wrongly: int = 0


def stands(pattern: str, text: str) -> bool:
    """Does a fact's pattern stand in a text? Addresses match whole."""
    if pattern.startswith("re:"):
        return re.search(pattern[3:], text, re.IGNORECASE) is not None
    if NUMBERS.fullmatch(pattern):
        return re.search(rf"(?<![\w.:]){re.escape(pattern)}(?![\w]|\.\d)", text, re.IGNORECASE) is not None
    return pattern.lower() in text.lower()


def measure(folder: Path) -> tuple[dict[str, Row], dict[str, Family], int]:
    """Rows by verdict, sums by rule family, and the claims made that the keys call wrong."""
    from tshark_report.pipeline import Request, build
    from tshark_report.rules import ALL

    families = {rule.code: rule.family for rule in ALL}
    rows: dict[str, Row] = defaultdict(Row)
    by_family: dict[str, Family] = defaultdict(Family)
    wrong = 0
    for key_file in sorted(folder.glob("*/key.json")):
        key = json.loads(key_file.read_text())
        report = build(Request(key_file.parent / key["capture"]))
        by_id = {f.id: f for f in report.findings}
        texts = []
        for point in report.starting_points[:3]:
            parts = [point.headline, point.story, point.subject, *point.hosts]
            for finding in (by_id[i] for i in point.findings):
                parts += [finding.title, finding.summary, finding.subject, finding.display_filter]
                parts += [" ".join(map(str, row)) for row in finding.evidence.rows[:5]]
            texts.append("\n".join(parts)[:4000])
        row = rows[key["expected_verdict"]]
        row.captures += 1
        harmless = key["expected_verdict"] in HARMLESS
        for fact in key["expect"] if not harmless else []:
            if fact["importance"] != "must":
                continue
            row.facts += 1
            row.first += any(stands(p, "\n".join(texts[:1])) for p in fact["match_any"])
            found = any(stands(p, "\n".join(texts)) for p in fact["match_any"])
            row.three += found
            if not found:
                row.missed.append(fact["fact"])
        loud = [f for f in report.findings if f.priority in ("high", "medium")]
        for finding in loud:
            sums = by_family[families[finding.code]]
            sums.wrongly += harmless
            sums.rightly += not harmless
        claims = "\n".join(f"{f.title}\n{f.summary}" for f in loud)
        claims += "\n".join(f"{p.headline}\n{p.story}" for p in report.starting_points)
        wrong += sum(re.search(m["regex_hint"], claims) is not None for m in key.get("must_not", []))
        print(f"{key['case']}: {len(loud)} high or medium")
    return rows, by_family, wrong


def main() -> int:
    """Measure and write."""
    parts = ["<!-- Made by `make accuracy`. -->", "", "# Accuracy", ""]
    parts += [
        "Each capture has a key: facts that its author states about it, and claims that would be wrong. A fact",
        "counts as found where it stands in the first starting point, or in the first three, read for one page",
        "each. A finding of high or medium priority on a harmless capture counts as fired wrongly.",
        "",
    ]
    for title, folder in SETS:
        if not folder.is_dir():
            print(f"left out: {title} ({folder} is not there)")
            continue
        rows, by_family, wrong = measure(folder)
        parts += [
            f"## {title}",
            "",
            "| kind | captures | facts | in point 1 | in points 1-3 | missed |",
            "|---|--:|--:|--:|--:|--:|",
        ]
        for kind, row in sorted(rows.items()):
            parts.append(f"| {kind} | {row.captures} | {row.facts} | {row.first} | {row.three} | {len(row.missed)} |")
        parts += [
            "",
            "| rule family | high or medium, on captures that hold something | fired wrongly, on harmless ones |",
            "|---|--:|--:|",
        ]
        parts += [f"| {name} | {sums.rightly} | {sums.wrongly} |" for name, sums in sorted(by_family.items())]
        parts += ["", f"Claims that a key calls wrong: {wrong}.", ""]
    (TOP / "docs" / "accuracy.md").write_text("\n".join(parts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
