"""Every error says four things: what happened, the detail, likely causes, and the next command."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import TOP
from tshark_report import errors
from tshark_report.errors import EXIT_CODES, ReportError, reason

KINDS = {name: each for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, ReportError)}
PACKAGE = TOP / "tshark_report"
NEEDED = {"detail", "causes", "next_step"}


def raised(path: Path) -> list[tuple[int, set[str | None]]]:
    """Line and keywords of every error that a module makes."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    own = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in KINDS]
    return [(call.lineno, {keyword.arg for keyword in call.keywords}) for call in own]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_all_four_are_said(path: Path) -> None:
    lacking = {line: NEEDED - keywords for line, keywords in raised(path) if NEEDED - keywords}
    assert not lacking


def test_errors_are_found_where_there_are_some() -> None:
    assert sum(len(raised(path)) for path in PACKAGE.rglob("*.py")) > 100


def test_every_exit_code_is_documented() -> None:
    assert {each.exit_code for each in KINDS.values()} <= set(EXIT_CODES)


def test_a_reason_is_in_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "absent").read_text(encoding="utf-8")
    assert reason(caught.value) == "No such file or directory"
    assert reason(ValueError("month must be in 1..12")) == "month must be in 1..12"
    assert reason(ValueError()) == "ValueError"
