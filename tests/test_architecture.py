"""Data flows one way: docs/design.md says which folder may do what, and here the imports and calls are held to it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache, lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tshark_report"
TOP = PACKAGE.name

LEAVES = frozenset(
    ("", "errors", "settings", "scratch", "knowledge", "report.model", "report.escape", "report.walk", "story.words", "rules.filters",
     "focus.asked")
)  # fmt: skip
"""What anybody may import: errors, settings, data, words, and the frozen model. Leaves import nothing but leaves."""

MAY_IMPORT: dict[str, frozenset[str]] = {
    # What a tshark's output is (its options, the layout of its columns) is told to the tables by the side that runs it.
    "tables": frozenset(("capture.dissect",)),
    "capture": frozenset(("tables",)),
    "reading": frozenset(("capture",)),
    "rules": frozenset(("tables", "capture.filetypes")),
    "story": frozenset(("tables", "rules", "report", "capture.check", "capture.about")),
    "report": frozenset(),
    "focus": frozenset(("tables", "story", "report", "rules")),
    "normal": frozenset(("tables", "rules", "story", "report", "reading")),
    "compare": frozenset(("tables", "rules", "story", "report", "reading", "capture", "normal")),
    "expect": frozenset(("tables", "story", "report", "normal")),
    "store": frozenset(("tables", "report", "reading", "capture")),
    "trends": frozenset(("story", "report", "store")),
    "evidence": frozenset(("capture", "story", "report")),
    "pipeline": frozenset(
        ("capture", "tables", "rules", "story", "report", "reading", "evidence", "expect", "focus", "normal", "store")
    ),
    "batch": frozenset(("capture", "tables", "story", "report", "reading", "pipeline", "store")),
}
"""Folder, or module beside the folders -> what it may import besides the leaves and itself. `cli` may import all."""

STARTS_PROCESSES = frozenset(
    ("capture.process", "capture.group", "capture.fence.starting", "batch.child", "batch.slot")
)
"""`capture` runs tshark and its like; `batch` starts our own Python, as docs/design.md says why."""


@lru_cache(maxsize=1)
def modules() -> dict[str, Path]:
    """`rules.filters` and the like -> its file; "" is the package itself."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


@cache
def nodes(module: str) -> list[ast.AST]:
    """Everything that stands in a module."""
    return list(ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))))


def imports(module: str, *, at_once: bool = False) -> Iterator[str]:
    """Our own modules that a module imports; `at_once` leaves out those that wait inside a function."""
    apart: set[int] = set()
    for node in nodes(module):
        typing_only = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        waits = at_once and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if typing_only or waits:
            apart.update(id(n) for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom))
    for node in nodes(module):
        if id(node) in apart:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == TOP:
            source = (node.module or "").removeprefix(TOP).removeprefix(".")
            for alias in node.names:
                inner = f"{source}.{alias.name}".removeprefix(".")
                yield inner if inner in modules() else source
        elif isinstance(node, ast.Import):
            yield from (a.name.removeprefix(f"{TOP}.") for a in node.names if a.name.startswith(f"{TOP}."))


def within(module: str, places: frozenset[str]) -> bool:
    """Whether a module is one of these, or lies in one of them."""
    return any(module == place or (place and module.startswith(f"{place}.")) for place in places)


def backward(module: str, imported: str) -> bool:
    """Whether an import goes against the direction of the data."""
    folder = module.partition(".")[0]
    if folder in ("cli", "__main__") or within(imported, LEAVES):
        return False
    if within(module, LEAVES):
        return True
    return not within(imported, MAY_IMPORT[folder] | {folder})


def test_every_import_goes_with_the_data() -> None:
    against = [
        f"{module} imports {imported}"
        for module in modules()
        for imported in sorted(set(imports(module)))
        if backward(module, imported)
    ]
    assert not against


def test_what_would_go_against_it_is_seen() -> None:
    for module, imported in (
        ("tables.sessions", "rules.base"), ("rules.base", "story.findings"), ("report.as_html", "tables.tables"),
        ("story.hosts", "pipeline"), ("story.words", "tables.tables"), ("capture.load", "cli.report"),
        ("report.view", "story.verdict"), ("errors", "capture.tshark"),
    ):  # fmt: skip
        assert module in modules()
        assert imported in modules()
        assert backward(module, imported)


def test_no_module_needs_one_that_needs_it() -> None:
    graph = {module: set(imports(module, at_once=True)) - {module} for module in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_only_capture_and_the_workers_start_processes() -> None:
    calls = {"run", "Popen", "call", "check_call", "check_output", "fork", "system", "execv", "execve", "posix_spawn"}
    for module in modules():
        for node in nodes(module):
            if isinstance(node, ast.ImportFrom) and node.module == "subprocess":
                assert module in STARTS_PROCESSES, f"{module}, line {node.lineno}"
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in ("subprocess", "os") and node.func.attr in calls:
                assert module in STARTS_PROCESSES, f"{module}, line {node.lineno}: {owner.id}.{node.func.attr}"


def test_only_the_command_line_prints_or_exits() -> None:
    for module in modules():
        if module.partition(".")[0] in ("cli", "__main__"):
            continue
        for node in nodes(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                called = ast.unparse(node.func)
                assert called not in ("print", "sys.exit", "exit", "typer.echo"), f"{module}, line {node.lineno}"
            elif isinstance(node, ast.Raise) and node.exc is not None:
                assert "SystemExit" not in ast.unparse(node.exc), f"{module}, line {node.lineno}"
