"""The page in a real browser: Debian's Chromium, headless."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report import sample
from tshark_report.report import as_html

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    written: dict[str, Path] = {}
    for name in ("incident", "quiet", "slow-server", "hostile"):
        written[name] = folder / f"{name}.html"
        written[name].write_text(as_html.render(sample.ALL[name]()), encoding="utf-8")
    return written


def _open(browser: Any, path: Path, scheme: str = "light", width: int = 1280) -> tuple[Any, list[str], list[str]]:
    """A page, what its console said, and what it asked for."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    return page, said, asked


@pytest.mark.parametrize("name", ["incident", "quiet", "slow-server", "hostile"])
def test_console_is_silent_and_nothing_is_asked_for(browser: Any, pages: dict[str, Path], name: str) -> None:
    page, said, asked = _open(browser, pages[name])
    assert said == []
    assert asked == [pages[name].as_uri()]
    assert page.evaluate("document.styleSheets.length") == 1
    page.context.close()


def test_hostile_text_is_only_text(browser: Any, pages: dict[str, Path]) -> None:
    page, _, _ = _open(browser, pages["hostile"])
    assert page.evaluate("document.querySelectorAll('script, img, iframe, link, object').length") == 0
    assert page.title().startswith("</title></style><script>alert(1)</script>")
    assert "<script>alert(1)</script>" in page.inner_text("h1")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["incident", "quiet", "slow-server", "hostile"])
def test_axe_finds_nothing(browser: Any, pages: dict[str, Path], name: str, scheme: str) -> None:
    page, _, _ = _open(browser, pages[name], scheme)
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.evaluate(_axe())
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    problems = [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]]
    assert problems == []
    page.context.close()


def _axe() -> str:
    for name in ("axe_playwright_python", "axe_core_python"):
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    pytest.skip("no package with axe-core is installed")


def test_folds_are_open_in_print(browser: Any, pages: dict[str, Path]) -> None:
    page, _, _ = _open(browser, pages["incident"])
    closed = "details:not([open]) table"
    assert (
        page.evaluate(f"document.querySelector('{closed}').checkVisibility({{contentVisibilityAuto: true}})") is False
    )
    page.emulate_media(media="print")
    hidden = page.evaluate(
        f"[...document.querySelectorAll('{closed}')].filter(one => one.getBoundingClientRect().height < 5).length"
    )
    assert page.evaluate(f"document.querySelectorAll('{closed}').length") > 3
    assert hidden == 0
    page.context.close()


def test_filter_is_selected_whole_by_one_click(browser: Any, pages: dict[str, Path]) -> None:
    page, _, _ = _open(browser, pages["incident"])
    page.click(".point code.copy")
    assert page.evaluate("getSelection().toString()") == sample.incident().starting_points[0].display_filter
    page.context.close()


@pytest.mark.parametrize("name", ["incident", "hostile"])
@pytest.mark.parametrize("width", [1280, 400])
def test_page_is_never_wider_than_the_window(browser: Any, pages: dict[str, Path], name: str, width: int) -> None:
    page, _, _ = _open(browser, pages[name], width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_headings_go_down_one_level_at_a_time(browser: Any, pages: dict[str, Path]) -> None:
    page, _, _ = _open(browser, pages["incident"])
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5')].map(one => +one.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    page.context.close()
