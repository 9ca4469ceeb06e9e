"""What is pinned: its licences are listed, and `make audit` never takes what could not be checked for whole."""

from __future__ import annotations

import runpy

import pytest

from tests.conftest import TOP

audit = runpy.run_path(str(TOP / "tools" / "audit.py"))
GOOD = {"name": "good", "version": "1.0", "vulns": []}
SKIPPED = {"name": "odd", "skip_reason": "Dependency not found on PyPI and could not be audited: odd (1.0)"}
HOLE = {"name": "bad", "version": "1.0", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": []}]}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([GOOD, GOOD], 0, "2 packages, no known hole"),
        ([GOOD, SKIPPED], 2, "NOT CHECKED: 1 of 2"),
        ([], 2, "NOT CHECKED"),
        ([HOLE, SKIPPED], 1, "bad 1.0: PYSEC-1 (CVE-2026-1), mended in no version yet"),
    ],
)
def test_answers(packages: list[dict[str, object]], code: int, words: str) -> None:
    given, said = audit["judged"]({"dependencies": packages}, "requirements.lock")
    assert given == code
    assert words in "\n".join(said)


def test_every_pin_has_its_licence_on_the_page() -> None:
    page = (TOP / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = {tuple(cell.strip() for cell in line.split("|")[1:4]) for line in page.splitlines() if line.startswith("|")}
    listed = {(name.lower().replace("_", "-"), version): licence for name, version, licence in rows}
    lines = (TOP / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [line.lower().replace("_", "-").split("==") for line in lines if "==" in line]
    lacking = [f"{name} {version}" for name, version in pins if listed.get((name, version), "UNKNOWN") == "UNKNOWN"]
    assert lacking == [], "make licences"
