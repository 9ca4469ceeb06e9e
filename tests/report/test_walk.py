"""The walk reaches every text."""

from __future__ import annotations

import msgspec

from tests.report import sample
from tshark_report.report.walk import map_text


def test_every_text_is_reached_and_fixed_values_stay() -> None:
    report = sample.incident()
    marked = map_text(report, lambda text: f"\u00a7{text}")
    before, after = msgspec.to_builtins(report), msgspec.to_builtins(marked)
    assert _texts(after) == [text if text in _fixed() else text for text in _texts(after)]
    for old, new in zip(_texts(before), _texts(after), strict=True):
        assert new == f"\u00a7{old}" or old in _fixed()
    msgspec.convert(after, type(report))


def test_nothing_changed_is_the_same_object() -> None:
    report = sample.incident()
    assert map_text(report, lambda text: text) is report


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _texts(item)]
    return []


def _fixed() -> set[str]:
    """Values that the model allows only as they are."""
    words = (
        "high medium low info application fired quiet not-applicable not-evaluated error text address port count bytes "
        "seconds time frame percent hex constant counting odd varying ipv4 ipv6 tcp udp domain url sha256"
    )
    return set(words.split())
