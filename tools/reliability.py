"""Put every fault to the program and write docs/reliability.md.

    reliability.py [--bombs FILE] [--mutants FILE] [--fuzz FILE]

FILE: what tools/bombs.py wrote, tools/mutants.py or tools/fuzz.py printed. A part for which none is given stays as it
is in the page.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP))

from tests import faults  # noqa: E402

PAGE = TOP / "docs" / "reliability.md"

HEAD = """# What was broken on purpose, and what happened

<!-- Written by tools/reliability.py; do not edit. -->

Each fault is put to the whole program (`tests/faults.py`; `tests/test_faults.py` holds the same in CI). *left* is what
stood in the scratch and output folders afterwards, and processes that still ran. Which tsharks and Pythons were run on
damaged captures: [tshark-versions.md](tshark-versions.md). What the fence holds: [SECURITY.md](../SECURITY.md).

| fault | exit code | what happened | left |
| --- | --- | --- | --- |
"""


def cell(text: str) -> str:
    """Text as it may stand in a table."""
    return faults.without_paths(text).replace("|", "\\|").replace("\n", " ")


def main() -> int:
    """Run the faults, write the page; exit 1 where one did not end as documented."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bombs", type=Path, help="what tools/bombs.py wrote")
    parser.add_argument("--mutants", type=Path, help="what tools/mutants.py printed")
    parser.add_argument("--fuzz", type=Path, help="what tools/fuzz.py printed")
    given = parser.parse_args()
    text, wrong = HEAD, 0
    for fault in faults.FAULTS:
        if not faults.possible(fault):
            text += f"| {fault.name} | | not run: needs namespaces | |\n"
            continue
        ended = faults.attempted(fault)
        good = ended.code == fault.want and ended.told and ended.clean
        wrong += not good
        left = ", ".join(ended.left) + (f" {ended.processes} processes" if ended.processes else "") or "nothing"
        code = f"{ended.code}" + ("" if good else " **not as documented**")
        text += f"| {fault.name} | {code} | {cell(ended.words())} | {left} |\n"
        print(fault.name, "as documented" if good else f"NOT: {ended}", flush=True)
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    for title, path, plain in (("Bombs", given.bombs, False), ("Mutants", given.mutants, True),
                               ("Fuzzing", given.fuzz, True)):  # fmt: skip
        if path is None:
            kept = re.search(rf"(?ms)^\n## {title}\n.*?(?=^\n## |\Z)", before)
            text += kept[0] if kept else ""
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        if plain:
            lines = ["```", *(line for line in lines if line.strip() and not line.startswith("rc=")), "```"]
        text += f"\n## {title}\n\n" + "\n".join(lines) + "\n"
    PAGE.write_text(text, encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
