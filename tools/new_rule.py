"""Scaffold a rule and its test: new_rule.py CODE FAMILY NAME."""

from __future__ import annotations

import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent

RULE = '''"""TODO: the question in one sentence, and what answers it in the packets."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tshark_report.report.model import Innocent, Reference
from tshark_report.rules import filters
from tshark_report.rules.base import Context, Draft, Threshold, evidence, rule
from tshark_report.tables.tables import Tables

PACKETS_MIN = Threshold(10, "packets", "TODO: why this many and not half or twice as many")


@rule(
    code="{code}",
    name="{name}",
    family="{family}",
    title="TODO: a sentence in the past tense about the capture",
    question="TODO: what does an analyst want to know?",
    answers=(),
    why="TODO: what it may mean.",
    innocent=(Innocent(explanation="TODO: what harmless thing looks the same.", tell_apart="TODO: how it differs."),),
    confirm=("TODO: the next thing to look at.",),
    references=(Reference(title="TODO: RFC, paper or technique"),),
    needs=("packets",),
    thresholds={{"packets_min": PACKETS_MIN}},
)
def {function}(tables: Tables, context: Context) -> Iterator[Draft]:
    """TODO."""
    rows = tables.packets.filter(pl.lit(value=False))
    if rows.height >= context.limit("packets_min"):
        yield Draft(
            subject="TODO",
            hosts=(),
            summary="TODO: counts and names of this capture.",
            sentence="TODO: follows `At 09:14:07 `",
            priority="low",
            confidence="low",
            display_filter=filters.frames(rows["frame"].to_list()),
            frames=rows["frame"].to_list(),
            evidence=evidence([("frame", "frame")], rows.select("frame").iter_rows()),
        )
'''

TEST = '''"""{code} {name}."""

from __future__ import annotations

from tests import builders as b
from tshark_report.rules.{family}.{function} import {function}


def test_fires_at_the_threshold() -> None:
    raise NotImplementedError("rows at the threshold")


def test_quiet_one_below() -> None:
    assert b.drafts({function}, b.tables()) == []


def test_quiet_on_the_look_alike() -> None:
    raise NotImplementedError("rows that look the same and are harmless")


def test_filter_selects_exactly_its_frames() -> None:
    raise NotImplementedError("a capture with near misses that the filter must reject")
'''


def main() -> int:
    """Write the two files, or say why not."""
    if len(sys.argv) != 4 or not all(sys.argv[1:]):
        print(__doc__)
        return 2
    code, family, name = sys.argv[1].upper(), sys.argv[2], sys.argv[3].lower().replace("_", "-")
    folder = TOP / "tshark_report" / "rules" / family
    if not re.fullmatch(r"[A-Z]{3}\d{3}", code) or not re.fullmatch(r"[a-z][a-z0-9-]+", name) or not folder.is_dir():
        families = sorted(p.name for p in folder.parent.iterdir() if (p / "__init__.py").exists())
        print(f"CODE is three letters and three digits, NAME words with dashes, FAMILY one of: {', '.join(families)}")
        return 2
    function = name.replace("-", "_")
    made = {
        folder / f"{function}.py": RULE.format(code=code, name=name, family=family, function=function),
        TOP / "tests" / "rules" / family / f"test_{function}.py": TEST.format(
            code=code, name=name, family=family, function=function
        ),
    }
    for path in made:
        if path.exists():
            print(f"{path.relative_to(TOP)} exists already")
            return 2
    for path, text in made.items():
        path.write_text(text)
        print(f"wrote {path.relative_to(TOP)}")
    print(f"then list it in tshark_report/rules/{family}/__init__.py, write its tests, and run `make docs`")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
