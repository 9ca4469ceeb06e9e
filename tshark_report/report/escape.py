"""Text from the wire, made safe for the place where it will stand.

Jinja2 escapes HTML by itself; this module does the rest: characters that change how
the text around them looks (controls, direction overrides, invisible ones) become a
visible `[U+202E]`, and each plain-text format gets an escape of its own.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypeVar

from tshark_report.report.model import Model
from tshark_report.report.walk import map_text

LONGEST_TEXT = 4000
"""Characters shown of one text; tshark cuts a field at 2,047, so only free text can reach this."""

# One cheap test first: nearly all text is clean, and a category look-up for each character is slow.
_SUSPECT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u0300-\u036f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u2000-\u200f\u2028-\u202f\u205f-\u206f\u20d0-\u20ff\u3000\u3164\ud800-\uf8ff"
    "\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_LOOKS_LIKE_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffe\uffff")
_MARKS_IN_A_ROW = 3
"""More combining marks than this on one letter paint over the lines above and below."""

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]<|~$])")
_MARKDOWN_AT_START = re.compile(r"^([#>+=-]|\d+(?=[.)](?:\s|$)))")
_JIRA_SPECIAL = re.compile(r"([\\{}\[\]*_^~|!?])|(?<!\w)([-+#])|([-+])(?!\w)|(:)(?=[()DP/|])|(;)(?=\))|(&)(?=[#\w])")
_MENTION = re.compile(r"(?<!\w)@(?=\w)|(?<=\w)@(?=\w)|#(?=\d)")
_LINK = re.compile(r"\b(?:https?|ftps?|mailto|file|javascript|data)(?=:)", re.IGNORECASE)
_WWW = re.compile(r"\b(www)\.", re.IGNORECASE)
_ZERO_WIDTH = "\u200b"
M = TypeVar("M", bound=Model)

_FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def visible(text: str) -> str:
    """Show what cannot be seen or what moves other text as `[U+XXXX]`; keep line feeds and tabs."""
    if _SUSPECT.search(text) is None:
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if category in ("Mn", "Me"):
            marks += 1
        else:
            marks = 0
        selector = "\ufe00" <= char <= "\ufe0f"
        hidden = category in _HIDDEN_CATEGORIES and char not in "\n\t"
        if hidden or selector or char in _LOOKS_LIKE_NOTHING or marks > _MARKS_IN_A_ROW:
            out.append(f"[U+{ord(char):04X}]")
        elif category == "Zs":
            out.append(" ")
        else:
            out.append(char)
    return "".join(out)


def clipped(text: str, limit: int = LONGEST_TEXT) -> str:
    """The start of an overlong text and how long it was."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}... [cut, {len(text):,} characters]"


def displayable(model: M) -> M:
    """A copy of `model` in which every text is cut to a sane length and shows all of its characters."""
    return map_text(model, _shown)


def _shown(text: str) -> str:
    # Nearly all texts are short and plain, and these two tests are quicker than the pattern.
    if len(text) <= LONGEST_TEXT and text.isascii() and text.isprintable():
        return text
    return visible(clipped(text))


def one_line(text: str) -> str:
    """The text on one line, runs of white space as one space."""
    return " ".join(text.split())


def markdown(text: str) -> str:
    """Text that stands as itself in GitHub Markdown, inside a table cell too.

    Mentions (`@name`), references (`#12`) and links that a ticket system would make of it are broken up as well:
    an address from the wire must not become something to click on.
    """
    flat = _unlinked(one_line(visible(text)))
    escaped = _MARKDOWN_SPECIAL.sub(r"\\\1", re.sub(r"&(?=[#\w])", "&amp;", flat))
    start = _MARKDOWN_AT_START.match(escaped)
    if start is None:
        return escaped
    head = start.group(1)
    return f"{head}\\{escaped[len(head) :]}" if head.isdigit() else f"\\{escaped}"


def _unlinked(text: str) -> str:
    """Addresses and mentions that no ticket system turns into a link: `hxxp://`, `www[.]`."""
    broken = _LINK.sub(lambda match: _unlinked_scheme(match.group()), text)
    broken = _WWW.sub(r"\1[.]", broken)
    return _MENTION.sub(lambda match: match.group() + _ZERO_WIDTH, broken)


def _unlinked_scheme(scheme: str) -> str:
    return re.sub("(?i)tt", "xx", scheme, count=1) if scheme.lower().startswith("http") else scheme + _ZERO_WIDTH


def markdown_code(text: str) -> str:
    """A code span that holds `text`, whatever back-ticks are in it; the bars of a table are escaped."""
    flat = one_line(visible(text)).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", flat)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") or not flat else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def jira(text: str) -> str:
    """Text that stands as itself in Jira's wiki markup."""
    return _JIRA_SPECIAL.sub(r"\\\g<0>", _unlinked(one_line(visible(text))))


def csv_cell(text: str) -> str:
    """A cell that a spreadsheet shows and does not run: a formula gets an apostrophe before it.

    Quoting of commas and line feeds is the csv module's work.
    """
    shown = visible(text)
    if shown.lstrip(" ").startswith(_FORMULA_START):
        return "'" + shown
    return shown


def terminal(text: str) -> str:
    """One line without anything that a terminal would act on."""
    return one_line(visible(text))
