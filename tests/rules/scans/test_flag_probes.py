"""SCN008: flags that no connection has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import drafts, packets, tables
from tests.conftest import fixture_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import flat, session, syn, timed
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.flag_probes import flag_names, flag_probes, kind_of


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (0x000, "null (no flag)"),
        (0x029, "xmas (FIN+PSH+URG)"),
        (0x001, "FIN without ACK"),
        (0x003, "SYN+FIN"),
        (0x006, "SYN+RST"),
        (0x005, "FIN+RST"),
        (0x03F, "all six flags"),
        (0x020, "PSH or URG alone"),
        (0x0C3, "SYN+FIN"),
        (0x002, None),
        (0x012, None),
        (0x010, None),
        (0x018, None),
        (0x011, None),
        (0x014, None),
        (0x004, None),
        (0x0C2, None),
        (0x015, None),
    ],
)
def test_kinds(flags: int, kind: str | None) -> None:
    assert kind_of(flags) == kind


@given(st.integers(0, 0xFFF))
def test_any_flags_have_names(flags: int) -> None:
    assert flag_names(flags)
    assert kind_of(flags) == kind_of(flags & 0x3F)


def odd(count: int, flags: int = 0) -> list[dict]:
    return timed([syn(n, "10.0.0.80", 100 + n, "10.0.0.66", flags=flags) for n in range(count)])


def test_fires_at_three_and_is_loud_at_ten() -> None:
    assert not drafts(flag_probes, tables(packets=packets(*odd(2))))
    assert drafts(flag_probes, tables(packets=packets(*odd(3))))[0].priority == "low"
    assert drafts(flag_probes, tables(packets=packets(*odd(9))))[0].priority == "low"
    found = drafts(flag_probes, tables(packets=packets(*odd(10))))
    assert [(d.subject, d.priority) for d in found] == [("10.0.0.66", "medium")]
    assert "10 null" in found[0].summary


def lone(count: int, flags: int = 0x10, **more: object) -> list[dict]:
    return timed(
        [syn(n, "10.0.0.80", 100 + n, "10.0.0.66", src_port=45000, flags=flags, ack=5, **more) for n in range(count)]
    )


@pytest.mark.parametrize("flags", [0x10, 0x11])
def test_lone_acks_to_15_ports(flags: int) -> None:
    assert "lone" in drafts(flag_probes, tables(packets=packets(*lone(15, flags))))[0].summary
    assert not drafts(flag_probes, tables(packets=packets(*lone(14, flags))))


def test_a_server_that_ends_connections_is_quiet() -> None:
    rows = timed([syn(n, "10.0.0.5", 50000 + n, "10.0.0.80", src_port=8080, flags=0x11, ack=5) for n in range(60)])
    assert not drafts(flag_probes, tables(packets=packets(*rows)))


def test_ordinary_connections_and_fragments_are_quiet() -> None:
    rows = flat([session(n, "10.0.0.80", 80) for n in range(20)])
    assert not drafts(flag_probes, tables(packets=packets(*rows)))
    pieces = [row | {"fragment_offset": 80} for row in odd(20)]
    assert not drafts(flag_probes, tables(packets=packets(*pieces)))


def test_wire(wire: Wire) -> None:
    found = wire.found(flag_probes)
    assert set(found) == {"10.9.0.72", "10.9.0.73"}
    assert "belong to no connection" in found["10.9.0.73"].summary


@pytest.mark.tshark
def test_fixture(tmp_path) -> None:
    path = fixture_capture("odd_headers")
    found = drafts(flag_probes, read(path, tmp_path / "scratch"))
    same_frames(path, found)
    assert [(d.subject, len(d.frames)) for d in found] == [("10.20.0.75", 24)]
