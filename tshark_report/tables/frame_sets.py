"""Sets in display filters: short to paste, spelled out where a comma would end the filter."""

from __future__ import annotations

import re

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ANY_SET = re.compile(rf"({_QUOTED})|([\w.-]+) in \{{((?:{_QUOTED}|[^{{}}\"])*)\}}")
_ELEMENT = re.compile(rf'{_QUOTED}|[^\s,"{{}}]+')
_STRING_OR_SET = re.compile(r'"(?:[^"\\]|\\.)*"|frame\.number in \{([0-9., ]+)\}')


def spelled_out(display_filter: str) -> str:
    """The same filter with each `frame.number in {1..5, 9}` as comparisons.

    tshark's `-z io,stat` takes filters separated by commas and knows no quoting, so a set cannot stand there; and what
    reads filters here (tables.first_pass, tables.anchors, tables.cuts) then meets frame numbers in one form only.
    """

    def compared(match: re.Match[str]) -> str:
        if match[1] is None:
            # Text from the wire may look like a set; inside quotes it is none.
            return match[0]
        parts = [_comparison(element.strip()) for element in match[1].split(",")]
        joined = " || ".join(parts)
        return joined if len(parts) == 1 or match[0] == display_filter else f"({joined})"

    return _STRING_OR_SET.sub(compared, display_filter)


def _comparison(element: str) -> str:
    first, dots, last = element.partition("..")
    return f"(frame.number >= {first} && frame.number <= {last})" if dots else f"frame.number == {first}"


def without_commas(display_filter: str) -> str | None:
    """A person's own filter so that no comma stands in it; None where that cannot be written.

    A range of a set cannot: of a field that a packet has twice, such as `tcp.port`, one value could reach the lower
    end and the other the upper one.
    """

    def spelled(match: re.Match[str]) -> str:
        if match[1] is not None:
            return match[1].replace(",", r"\x2c")
        elements = _ELEMENT.findall(match[3])
        if not elements or any(".." in each for each in elements if not each.startswith('"')):
            return match[0]
        parts = [f"{match[2]} == {each}".replace(",", r"\x2c") for each in elements]
        return f"({' || '.join(parts)})"

    made = _ANY_SET.sub(spelled, spelled_out(display_filter))
    return None if "," in made else made
