"""Which exchange is the same in both captures."""

from __future__ import annotations

from tshark_report.compare.measures import Measures
from tshark_report.compare.pairs import paired


def _of(*keys: tuple[str, str]) -> dict:
    return {key: Measures(key) for key in keys}


def test_the_same_name_and_service() -> None:
    pairs, good, bad = paired(_of(("a.example", "tcp/443"), ("b.example", "tcp/80")), _of(("a.example", "tcp/443")))
    assert [(p.name, p.guessed) for p in pairs] == [("a.example tcp/443", False)]
    assert [m.key for m in good] == [("b.example", "tcp/80")]
    assert bad == []


def test_what_is_left_of_a_service_is_paired_where_one_goes_by_no_name() -> None:
    pairs, good, bad = paired(_of(("a.example", "tcp/25")), _of(("192.0.2.1", "tcp/25")))
    assert [(p.name, p.guessed) for p in pairs] == [("a.example / 192.0.2.1 tcp/25", True)]
    assert good == bad == []


def test_two_names_are_two_servers() -> None:
    pairs, good, bad = paired(_of(("a.example", "tcp/25")), _of(("b.example", "tcp/25")))
    assert pairs == []
    assert len(good) == len(bad) == 1


def test_several_left_are_not_guessed() -> None:
    pairs, _, _ = paired(_of(("a.example", "tcp/25"), ("c.example", "tcp/25")), _of(("192.0.2.1", "tcp/25")))
    assert pairs == []
