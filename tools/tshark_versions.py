"""Write docs/tshark-versions.md from what tools/tshark_versions.sh found: tshark_versions.py RESULTS."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
OUT = TOP / "docs" / "tshark-versions.md"

HEAD = """# Versions of tshark and Python that were run

<!-- Written by `make test-tshark-versions`; do not edit. -->

Each row is a Debian root of its own with the tshark and the Python of that suite. `robust` are {robust} damaged, odd
and fuzzed captures; `cases` are captures with a published answer, graded as the last column says (facts found in the
first three starting points; wrong claims). A field that a tshark lacks makes its rules say `not evaluated`.

| Debian | tshark | Python | reports | documented errors | tracebacks | hangs | packet counts that differ | cases |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


PYTHONS = """
The tests of this project, by `make test-pythons`, with packages from the lock files. *Left* counts what stood in the
folder for temporary files afterwards.

| Python | tests | result | left |
| --- | --- | --- | --- |
"""


def pythons(folder: Path) -> str:
    """The table of Pythons with which the tests were run; empty where none was."""
    rows = []
    for path in sorted(folder.glob("python-*"), key=lambda path: int(path.name.rsplit(".", 1)[-1])):
        version, tests, result, left = path.read_text(encoding="utf-8").splitlines()
        said = ", ".join(re.findall(r"\d+ (?:passed|failed|skipped|errors?|xfailed|deselected)", result)) or "none ran"
        rows.append(f"| {version} | `{tests}` | {said} | {left} |\n")
    return PYTHONS + "".join(rows) if rows else ""


def row(folder: Path, suite: str) -> tuple[str, list[dict[str, Any]]]:
    """The table row of one suite, and its sweep."""
    found: list[dict[str, Any]] = json.loads((folder / f"{suite}.json").read_text())
    ended = Counter(each["ended"] for each in found)
    tshark, python = (folder / f"{suite}.versions").read_text().splitlines()[:2]
    version = tshark.split("(Wireshark) ")[-1].split(" ")[0].rstrip(".")
    errors = sum(n for kind, n in ended.items() if kind not in ("report", "traceback", "hang"))
    different = sum(1 for each in found if each.get("different"))
    grade = (folder / f"{suite}.grade").read_text().strip().splitlines()[-1].strip()
    cells = [suite, version, python.split()[-1], ended["report"], errors, ended["traceback"], ended["hang"], different]
    return f"| {' | '.join(map(str, cells))} | {grade} |\n", found


def differences(first: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[str]:
    """Captures on which two versions end differently or raise other findings."""
    by_name = {each["capture"]: each for each in first}
    lines = []
    for each in other:
        before = by_name[each["capture"]]
        if before["ended"] != each["ended"] or before.get("packets") != each.get("packets"):
            lines.append(f"`{each['capture']}`: {before['ended']} against {each['ended']}")
        elif odd := sorted(set(before.get("fired", [])) ^ set(each.get("fired", []))):
            lines.append(f"`{each['capture']}`: {', '.join(odd)}")
    return lines


def main() -> None:
    """Write the page."""
    folder = Path(sys.argv[1])
    suites = [suite for suite in ("bookworm", "trixie", "sid") if (folder / f"{suite}.json").exists()]
    rows = {suite: row(folder, suite) for suite in suites}
    text = HEAD.format(robust=len(rows[suites[0]][1])) + "".join(line for line, _ in rows.values())
    for suite in suites[1:]:
        lines = differences(rows[suites[0]][1], rows[suite][1])
        text += f"\nFindings on `robust` that {suite} and {suites[0]} do not share (the two tsharks judge such packets "
        text += f"differently): {len(lines)} captures.\n\n" + "".join(f"- {line}\n" for line in lines)
    text += pythons(folder)
    OUT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
