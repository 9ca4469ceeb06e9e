"""The look of an organisation: a logo and colours from a small TOML.

    logo = "logo.svg"            # PNG, JPEG or SVG, beside this file
    logo_text = "Example Ltd"    # read out in place of the picture
    organisation = "Example Ltd" # printed where --organisation is not given

    [colours]                    # on white and on paper: #rrggbb
    accent = "#7a1f3d"           # headings and rules
    link = "#7a1f3d"

    [colours.dark]               # on a dark screen
    accent = "#ff9db8"
    link = "#ff9db8"

Whatever else shall look different takes a template (`--templates`).
"""

from __future__ import annotations

import base64
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tshark_report.errors import UsageError, reason

LARGEST_LOGO = 300_000
"""Bytes of a logo: it stands in every page, and a page stays under 2 MB."""
LEAST_CONTRAST = 4.5
"""Contrast that text of ordinary size needs (WCAG 2.2, success criterion 1.4.3)."""
COLOURS = ("accent", "link")
WHITE, DARK = "#ffffff", "#14181d"
"""The backgrounds of the style sheet."""
_MAGICS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_KEYS = frozenset({"logo", "logo_text", "organisation", "colours"})


@dataclass(frozen=True, slots=True)
class Brand:
    """What a page needs of a brand."""

    logo: str = ""
    """The picture as a `data:` address."""
    logo_text: str = ""
    organisation: str = ""
    css: str = ""


def load(path: Path) -> Brand:
    """Read a brand file.

    Raises:
        UsageError: it cannot be read, or sets something that is not known or that nobody could read.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # also text that is no UTF-8, numbers of 5,000 digits
        raise _wrong(path, "cannot be read", reason(error)) from error
    unknown = sorted(set(data) - _KEYS)
    if unknown:
        raise _wrong(path, f"sets something unknown: {', '.join(unknown)}", f"known: {', '.join(sorted(_KEYS))}")
    texts = {key: data.get(key, "") for key in ("logo", "logo_text", "organisation")}
    for key, value in texts.items():
        if not isinstance(value, str):
            raise _wrong(path, f"{key} is not a text", repr(value))
    logo = _logo(path, path.parent / texts["logo"]) if texts["logo"] else ""
    return Brand(logo, texts["logo_text"] or texts["organisation"] or "Logo", texts["organisation"], _css(path, data))


def _logo(path: Path, picture: Path) -> str:
    try:
        data = picture.read_bytes()
    except (OSError, ValueError) as error:
        raise _wrong(path, "names a logo that cannot be read", f"{picture}: {reason(error)}") from error
    if len(data) > LARGEST_LOGO:
        raise _wrong(path, "names a logo that is too large", f"{len(data):,} bytes; at most {LARGEST_LOGO:,}")
    kind = next((kind for magic, kind in _MAGICS if data.startswith(magic)), "")
    if not kind and b"<svg" in data[:2000]:
        kind = "image/svg+xml"
    if not kind:
        raise _wrong(path, "names a logo that is neither PNG, JPEG nor SVG", str(picture))
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _css(path: Path, data: dict[str, Any]) -> str:
    given = data.get("colours", {})
    if not isinstance(given, dict):
        raise _wrong(path, "colours is not a table", "write [colours] on a line of its own")
    dark = given.get("dark", {})
    if not isinstance(dark, dict):
        raise _wrong(path, "colours.dark is not a table", "write [colours.dark] on a line of its own")
    light = _variables(path, {key: value for key, value in given.items() if key != "dark"}, WHITE)
    night = _variables(path, dark, DARK)
    css = f":root {{ {light} }}\n" if light else ""
    return css + (f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {night} }} }}\n" if night else "")


def _variables(path: Path, given: dict[str, Any], background: str) -> str:
    made = []
    for key, value in given.items():
        if key not in COLOURS:
            raise _wrong(path, f"names an unknown colour: {key}", f"known: {', '.join(COLOURS)}")
        if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
            raise _wrong(path, f"the colour {key} is not written as #rrggbb", repr(value))
        seen = contrast(value, background)
        if seen < LEAST_CONTRAST:
            words = f"{value} on {background} has a contrast of {seen:.1f}; text needs {LEAST_CONTRAST}"
            raise _wrong(path, f"the colour {key} could not be read on the page", words)
        made.append(f"--{key}: {value};")
    return " ".join(made)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _wrong(path: Path, what: str, detail: str) -> UsageError:
    return UsageError(
        f"the brand file {what}",
        detail=f"{path}: {detail}",
        causes=("a mistake in the file", "a misspelt name"),
        next_step="docs/look.md shows a complete example",
    )
