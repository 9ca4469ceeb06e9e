"""Defanged text, as it stands in mails and reports, made plain again: `hxxp://shop[.]example` -> `http://shop.example`.

People break indicators so that nobody clicks on them, each in a way of their own. What is read here is what the
common tools and teams write; text that was never broken comes back as it is.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(
    r"\b(?:(?P<http>h(?:xx|XX|tt|TT|\*\*|__|\[tt\])p)(?P<s>s?)|(?P<ftp>f(?:x|X|t|T)p)(?P<fs>s?))"
    r"(?:\[://\]|\[:/\]/|\(:\)//|:\[//\]|\[?:\]?//)",
    re.IGNORECASE,
)
_OPEN, _CLOSE = r"[\[({<\uff08\uff3b]", r"[\])}>\uff09\uff3d]"
_DOT = re.compile(rf"\s?{_OPEN}\s?(?:\.|dot|DOT|Dot|punkt|d0t)\s?{_CLOSE}\s?|\s(?:DOT|dot)\s(?=[A-Za-z0-9])")
_HALF_DOT = re.compile(r"(?<=\w)(?:\[\.(?=\w)|\.\](?=\w)|\\\.(?=\w))")
_AT = re.compile(rf"\s?{_OPEN}\s?(?:@|at|AT)\s?{_CLOSE}\s?")
_COLON = re.compile(rf"{_OPEN}:{_CLOSE}")
_SLASH = re.compile(rf"{_OPEN}/{_CLOSE}")
_INVISIBLE = re.compile("[\u200b\u200c\u200d\u2060\ufeff\u00ad]")
_MAYBE = re.compile(r"[\[({\\*]|[xX][xXpP]|[dD][oO][tT]")
_MARKS = re.compile(
    r"[\[({]\s?(?:\.|:|@|/|://|dot|at)\s?[\])}]|hxxp|\bfxp|\.\]|\[\.|\bDOT\b| dot |h\*\*p|\\\.", re.IGNORECASE
)


def is_defanged(text: str) -> bool:
    """True where something in the text was broken on purpose."""
    # One cheap look first: most lines of a long list are plain.
    return _MAYBE.search(text) is not None and _MARKS.search(text) is not None


def refang(text: str) -> str:
    """The text with schemes, dots, colons, slashes and at-signs whole again."""
    text = _INVISIBLE.sub("", text)
    if not is_defanged(text):
        return text
    text = _SCHEME.sub(_scheme, text)
    text = _DOT.sub(".", text)
    text = _HALF_DOT.sub(".", text)
    text = _AT.sub("@", text)
    return _SLASH.sub("/", _COLON.sub(":", text))


def _scheme(found: re.Match[str]) -> str:
    if found["ftp"]:
        return f"ftp{found['fs'].lower()}://"
    return f"http{found['s'].lower()}://"
