"""The page of trends in a real browser: silent, fetching nothing, accessible, and fit for a narrow screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.test_as_html_browser import CHROMIUM, FLAGS, RULES, _axe, _open
from tests.trends.made import week
from tshark_report.store.catalogue import find as catalogue
from tshark_report.trends import as_html
from tshark_report.trends.found import Asked, find

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("trends")
    ports = {443: [60, 64, 58, 61, 240, 250], 5358: [0, 0, 0, 0, 30, 400], 8443: [0, 0, 0, 0, 0, 9]}
    path = top / "trends.html"
    path.write_text(as_html.render(find(catalogue(week(top / "OUT", ports)), Asked(), "made")), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as started:
        running = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_silent_and_accessible(browser: Any, page: Path, scheme: str) -> None:
    opened, said, asked = _open(browser, page, scheme)
    assert said == []
    assert asked == [page.as_uri()]
    assert opened.evaluate("document.styleSheets.length") == 1
    opened.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    opened.evaluate(_axe())
    found = opened.evaluate("rules => axe.run({runOnly: rules})", RULES)
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]] == []
    opened.context.close()


def test_nothing_hangs_over_a_narrow_screen(browser: Any, page: Path) -> None:
    opened, _, _ = _open(browser, page, width=390)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    opened.context.close()
