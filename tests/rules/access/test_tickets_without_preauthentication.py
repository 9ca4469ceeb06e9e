"""LOG010: high at two accounts with RC4 asked for, or at five names; low where a realm asks nobody for proof."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import START, drafts, family, tables
from tests.rules.access import wire
from tests.rules.access.rows import back, there
from tshark_report.rules.access.tickets_without_preauthentication import tickets_without_preauthentication
from tshark_report.tables.tables import Tables

RC4, AES, ALL_RC4 = [18, 23], [18, 18], [23, 23]
"""Ciphers of the ticket and of the part that the client reads."""


def login(stream: int, user: str, ciphers: list[int], padata: list[int] | None, *, gap: float = 1.0) -> list[Any]:
    """A request and the ticket that answers it."""
    at = {"stream": stream, "transport": "udp", "client": user, "time": START + stream * gap}
    return [
        there(dst_port=88, kind=10, padata=padata, realm="OFFICE.EXAMPLE") | at,
        back(src_port=88, kind=11, etypes=ciphers) | at,
    ]


def made(*logins: list[Any]) -> Tables:
    rows = [row | {"frame": n + 1} for n, row in enumerate(row for one in logins for row in one)]
    return tables(kerberos=family("kerberos", *rows))


def found(*logins: list[Any]) -> list[tuple[str, str]]:
    return [(d.priority, d.confidence) for d in drafts(tickets_without_preauthentication, made(*logins))]


def test_high_at_two_accounts_and_medium_at_one() -> None:
    assert found(login(0, "ann", RC4, None), login(1, "bob", RC4, [128])) == [("high", "high")]
    assert found(login(0, "ann", RC4, None)) == [("medium", "medium")]
    assert found(login(0, "ann", RC4, None), login(1, "ann", RC4, None)) == [("medium", "medium")]


def test_high_at_five_names_without_a_login() -> None:
    def named(number: int, gap: float = 1.0) -> list[list[Any]]:
        return [login(n, f"user{n}", AES, None, gap=gap) for n in range(number)]

    assert found(*named(5)) == [("high", "medium")]
    assert found(*named(4)) == [("low", "medium")]
    assert found(*named(5, gap=200.0)) == [("low", "medium")]
    text = drafts(tickets_without_preauthentication, made(*named(5)))[0].summary
    assert "It asked for 5 names that way and logged in with none" in text
    # Who then logs in with four of the names serves people.
    again = [login(10 + n, f"user{n}", AES, [2, 128]) for n in range(4)]
    assert found(*named(5), *again) == [("low", "medium")]


def test_low_in_a_realm_that_asks_nobody() -> None:
    assert found(login(0, "ann", AES, None)) == [("low", "medium")]
    assert found(login(0, "ann", ALL_RC4, None), login(1, "bob", ALL_RC4, None)) == [("low", "medium")]


def test_quiet_where_the_client_proved_who_it_is() -> None:
    for padata in ([2, 128], [128, 16], [136], [138], [151]):
        assert not found(login(0, "ann", RC4, padata), login(1, "bob", RC4, padata))


def test_on_the_wire(loaded: Any, tmp_path: Path) -> None:
    frames = []
    for n, user in enumerate(("ann", "bob", "svc")):
        ports = 51000 + n
        asked = wire.as_req(user, "OFFICE.EXAMPLE", n, etypes=(23,))
        frames += [
            (n, wire.udp(wire.CLIENT, "10.0.0.10", ports, 88, asked)),
            (n + 0.1, wire.udp("10.0.0.10", wire.CLIENT, 88, ports, wire.as_rep(user, "OFFICE.EXAMPLE", 18, 23))),
        ]
    for n, answer in enumerate((wire.krb_error(25, "OFFICE.EXAMPLE"), wire.as_rep("eve", "OFFICE.EXAMPLE", 18, 23))):
        # Refused at first, then with an encrypted timestamp: an ordinary login.
        asked = wire.as_req("eve", "OFFICE.EXAMPLE", n, etypes=(18, 23), proof=n == 1)
        frames += [
            (9.0 + n, wire.udp(wire.CLIENT, "10.0.0.10", 52000 + n, 88, asked)),
            (9.1 + n, wire.udp("10.0.0.10", wire.CLIENT, 88, 52000 + n, answer)),
        ]
    path = wire.write(tmp_path / "tickets.pcap", frames)
    drafted = drafts(tickets_without_preauthentication, loaded(path).tables)
    assert [(d.subject, d.priority, len(d.frames)) for d in drafted] == [(wire.CLIENT, "high", 3)]
    assert "for ann, bob and svc: 3 answers encrypted with RC4 or DES, though the domain uses AES" in drafted[0].summary
    assert wire.exact(path, drafted[0])
