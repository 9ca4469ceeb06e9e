"""Read the large bombs of tests/bombs.py and print a table for docs/reliability.md: bombs.py [--out FILE] [PATTERN]."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from tests import bombs  # noqa: E402
from tests.test_bombs import MOST_HTML  # noqa: E402

MOST_MEMORY = 4_000_000_000
"""Bytes of all processes: the budget of ten million packets."""
MOST_PAGES = 40

HEAD = """Made on the fly by `tests/bombs.py`, read by `make bombs`; CPU and memory are those of all processes. *What
was cut* is the report's own sentence, or the error; where nothing stands, all of it was read.

| bomb | size | bytes of file | packets | CPU s | largest process, all MB | HTML kB, PDF pages | what was cut |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
"""


def wrong(bomb: bombs.Bomb, cost: bombs.Cost) -> list[str]:
    """What is not as it must be."""
    said = " ".join(cost.sentences())
    held = {
        f"exit code {cost.code}, not {bomb.code}": cost.code == bomb.code,
        "a traceback": "Traceback" not in cost.stderr,
        f"{cost.html:,} bytes of HTML": cost.html < MOST_HTML,
        f"{cost.pages} pages": cost.pages <= MOST_PAGES,
        f"{cost.all / 1e6:,.0f} MB of memory": cost.all < MOST_MEMORY,
        f"left {cost.left}": not cost.left,
        f"does not say: {bomb.told}": not bomb.told or re.search(bomb.told, said) is not None,
    }
    return [what for what, holds in held.items() if not holds]


def row(bomb: bombs.Bomb, cost: bombs.Cost) -> str:
    """A row of the table."""
    told = [each for each in cost.sentences() if bomb.told and re.search(bomb.told, each)][:1]
    said = re.sub(r"/\S*/", "", told[0].splitlines()[0].removeprefix("tshark-report: ")) if told else ""
    packets = ""
    if cost.report is not None:
        capture = cost.report["capture"]
        assert isinstance(capture, dict)
        packets = f"{capture['packets']:,}"
    cells = [
        bomb.name, f"{bomb.large:,}", f"{cost.file:,}", packets, f"{cost.cpu:.0f}",
        f"{cost.largest / 1e6:,.0f}, {cost.all / 1e6:,.0f}",
        f"{cost.html / 1e3:,.0f}, {cost.pages}" if cost.report is not None else "", said.replace("|", "\\|"),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def main() -> int:
    """Read each, print as it goes, write the table; exit 1 where one is not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default=".", help="regular expression for the names of bombs")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    text, failed = HEAD, 0
    for bomb in bombs.BOMBS:
        if not re.search(given.pattern, bomb.name):
            continue
        cost = bombs.tried(bomb, large=True)
        text += row(bomb, cost)
        odd = wrong(bomb, cost)
        failed += bool(odd)
        print(row(bomb, cost).strip(), f"{cost.seconds:.0f} s", "; ".join(odd) or "as it must be", flush=True)
        if given.out:
            given.out.write_text(text, encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
