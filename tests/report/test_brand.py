"""A brand file: logo and colours in the page, and mistakes told."""

from __future__ import annotations

import io
from pathlib import Path

import pikepdf
import pytest

from tests.report import sample
from tshark_report.errors import UsageError
from tshark_report.report import as_html, as_pdf, brand

LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9" fill="#0072b2"/></svg>'
WHOLE = """logo = "logo.svg"
organisation = "Example <Corp>"
[colours]
accent = "#7a1f3d"
[colours.dark]
accent = "#ff9db8"
"""


def written(folder: Path, text: str = WHOLE) -> Path:
    (folder / "logo.svg").write_bytes(LOGO)
    path = folder / "brand.toml"
    path.write_text(text)
    return path


def test_logo_and_colours_are_in_the_page(tmp_path: Path) -> None:
    made = brand.load(written(tmp_path))
    page = as_html.render(sample.quiet(), brand=made)
    assert '<img src="data:image/svg+xml;base64,' in page
    assert 'alt="Example &lt;Corp&gt;"' in page
    assert ":root { --accent: #7a1f3d; }" in page
    assert "prefers-color-scheme: dark) { :root { --accent: #ff9db8; } }" in page
    assert made.organisation == "Example <Corp>"


def test_logo_is_on_paper_too(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(_png())
    path = tmp_path / "brand.toml"
    path.write_text('logo = "logo.png"\nlogo_text = "Example"\n')
    with pikepdf.open(io.BytesIO(as_pdf.render(sample.quiet(), brand=brand.load(path)))) as pdf:
        assert pdf.pages[0].get_images()


def _png() -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (40, 20), "#0072b2").save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("color = 1", "something unknown: color"),
        ('logo = "nowhere.png"', "cannot be read"),
        ('logo = "brand.toml"', "neither PNG, JPEG nor SVG"),
        ("logo = 3", "logo is not a text"),
        ('[colours]\naccent = "red"', "#rrggbb"),
        ('[colours]\naccent = "#ffff00"', "could not be read on the page"),
        ('[colours.dark]\nlink = "#222222"', "could not be read on the page"),
        ('[colours]\nink = "#000000"', "unknown colour: ink"),
        ("colours = 3", "colours is not a table"),
        ("[colours]\ndark = 3", "colours.dark is not a table"),
        ("logo = ", "cannot be read"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        brand.load(written(tmp_path, text))
    assert words in caught.value.what
    assert caught.value.detail


def test_a_logo_may_not_fill_the_page(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "logo.svg").write_bytes(LOGO + b" " * brand.LARGEST_LOGO)
    with pytest.raises(UsageError, match="too large"):
        brand.load(path)


def test_contrast_is_that_of_the_recommendation() -> None:
    assert round(brand.contrast("#000000", "#ffffff"), 1) == 21.0
    assert round(brand.contrast("#767676", "#ffffff"), 2) == 4.54
    assert brand.contrast("#767676", "#ffffff") == brand.contrast("#ffffff", "#767676")
