"""Which fields a pass asks for."""

from __future__ import annotations

import pytest

from tshark_report.tables import columns


def _fields(ports: set[int]) -> set[str]:
    return {f for names, _ in columns.slots(columns.asked_for(frozenset(ports))) for f in names}


def test_every_field_of_a_slot_belongs_to_a_marker() -> None:
    fields = {f for names, _ in columns.slots() for f in names}
    assert {columns.marker_of(f) for f in fields} <= columns.EVERY_MARKER


def test_every_seldom_marker_is_one_of_a_group() -> None:
    seldom = [m for markers, _ in columns.SELDOM for m in markers]
    assert set(seldom) <= columns.EVERY_MARKER
    assert len(seldom) == len(set(seldom))


@pytest.mark.parametrize(
    ("port", "field"),
    [(445, "smb2.cmd"), (88, "kerberos.CNameString"), (25, "smtp.req.command"), (21, "ftp.request.command"),
     (67, "dhcp.option.hostname"), (137, "nbns.name"), (502, "modbus.func_code"), (6667, "irc.request.command")],
)  # fmt: skip
def test_is_asked_for_where_data_crosses_a_usual_port(port: int, field: str) -> None:
    assert field in _fields({port})
    assert field not in _fields({port + 10_000})


def test_what_may_run_on_any_port_is_always_asked_for() -> None:
    assert {"http.host", "tls.handshake.type", "dns.qry.name", "ssh.protocol", "arp.opcode"} <= _fields(set())


def test_the_fields_of_a_slot_keep_their_place() -> None:
    every, some = columns.slots(), columns.slots(columns.asked_for(frozenset()))
    assert len(every) == len(some)
    assert all(set(few) <= set(all_) and a == b for (all_, a), (few, b) in zip(every, some, strict=True))
