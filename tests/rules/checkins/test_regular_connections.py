"""CHK001: connection starts at an interval, with jitter; quiet on people, parallel connections and polled services."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, packets, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.regular_connections import regular_connections


def made(moments: Any, **session: Any) -> Any:
    return tables(packets=packets(*wire.in_order(*(wire.session(at, n, **session) for n, at in enumerate(moments)))))


def test_fires_at_eight_contacts() -> None:
    found = drafts(regular_connections, made(wire.every(60, 8), port=4711))
    assert len(found) == 1
    assert found[0].hosts[:2] == (wire.CLIENT, wire.OUTSIDE)
    assert "beacon-like regular interval of 60.0 s" in found[0].summary
    assert found[0].frames == [1 + 5 * n for n in range(8)]


def test_quiet_at_seven_contacts() -> None:
    assert not drafts(regular_connections, made(wire.every(60, 7)))


def test_jitter_up_to_half_either_way_is_regular() -> None:
    gaps = [30, 45, 60, 38, 52, 33, 57, 41, 49, 36, 55, 44]
    moments = [sum(gaps[:n]) for n in range(len(gaps))]
    assert drafts(regular_connections, made(moments))


def test_quiet_on_a_person() -> None:
    assert not drafts(regular_connections, made(wire.UNEVEN))


def test_quiet_on_parallel_connections_of_a_page() -> None:
    assert not drafts(regular_connections, made(wire.every(0.05, 30)))


@pytest.mark.parametrize(("port", "protocol"), [(502, "Modbus/TCP"), (123, "TCP"), (445, "SMB2"), (993, "TLSv1.2")])
def test_quiet_on_services_that_are_polled(port: int, protocol: str) -> None:
    assert not drafts(regular_connections, made(wire.every(10, 30), port=port, protocol=protocol))


def test_a_controllers_port_counts_only_where_its_protocol_is_spoken() -> None:
    assert drafts(regular_connections, made(wire.every(10, 30), port=2404, protocol="TLSv1.2"))[0].priority == "medium"


def test_a_server_without_oddities_needs_twenty_contacts_like_a_clock() -> None:
    assert drafts(regular_connections, made(wire.every(60, 19)))[0].priority == "low"
    assert drafts(regular_connections, made(wire.every(60, 20)))[0].priority == "medium"


def test_low_for_a_named_server_at_the_pace_of_update_checks() -> None:
    def contacts(gap: float, name: str) -> str:
        rows = wire.in_order(*(wire.session(at, n) for n, at in enumerate(wire.every(gap, 30))))
        answer = {
            "src": wire.RESOLVER,
            "dst": wire.CLIENT,
            "response": True,
            "name": name,
            "a": [wire.OUTSIDE],
            "ttls": [3600],
        }
        dns = family("dns", *([answer] if name else []))
        return drafts(regular_connections, tables(packets=packets(*rows), dns=dns))[0].priority

    assert contacts(299.0, "www.example.com") == "medium"
    assert contacts(300.0, "www.example.com") == "low"
    assert contacts(300.0, "") == "medium"


def test_peer_to_peer_programs_are_no_alarm() -> None:
    peers = [wire.session(n, 100 + n, server=f"198.51.100.{n}", port=20000 + n) for n in range(15)]
    ticks = [wire.session(at, n, port=4711) for n, at in enumerate(wire.every(20, 30))]
    found = drafts(regular_connections, tables(packets=packets(*wire.in_order(*ticks, *peers))))
    assert found[0].priority == "low"
    found = drafts(regular_connections, tables(packets=packets(*wire.in_order(*ticks, *peers[:13]))))
    assert found[0].priority == "medium"


def test_an_inside_server_with_two_oddities_is_medium() -> None:
    rows = wire.in_order(
        *(
            wire.session(at, n, server=wire.INSIDE, port=4444, protocol="TLSv1.2")
            for n, at in enumerate(wire.every(20, 12))
        )
    )
    der = wire.certificate("x")[wire.certificate("x").index(b"\x30\x82", 40) :].hex()
    shown = family("certificates", {"src": wire.INSIDE, "dst": wire.CLIENT, "src_port": 4444, "der": der})
    assert drafts(regular_connections, tables(packets=packets(*rows), certificates=shown))[0].priority == "medium"
    assert drafts(regular_connections, tables(packets=packets(*rows)))[0].priority == "low"


def test_quiet_on_known_protocols_inside() -> None:
    assert not drafts(regular_connections, made(wire.every(10, 30), server=wire.INSIDE, port=443, protocol="TLSv1.2"))
    assert drafts(regular_connections, made(wire.every(10, 30), server=wire.INSIDE, port=4711))[0].priority == "low"


def test_quiet_where_every_contact_comes_from_another_host() -> None:
    rows = [
        wire.session(at, n, client=f"10.0.{n}.5", server=f"203.0.{n}.9") for n, at in enumerate(wire.every(120, 30))
    ]
    assert not drafts(regular_connections, tables(packets=packets(*wire.in_order(*rows))))


def test_a_name_with_changing_addresses_is_one_contact_and_a_known_service_is_context() -> None:
    rows = [wire.session(at, n, server=f"203.0.113.{n % 4 + 1}") for n, at in enumerate(wire.every(20, 12))]
    answers = [
        {
            "src": wire.RESOLVER,
            "dst": wire.CLIENT,
            "response": True,
            "name": "a.example",
            "a": [f"203.0.113.{n}"],
            "ttls": [5],
        }
        for n in range(1, 5)
    ]
    found = drafts(regular_connections, tables(packets=packets(*wire.in_order(*rows)), dns=family("dns", *answers)))
    assert len(found) == 1
    assert "a.example" in found[0].summary
    assert "TTL of 5 s" in found[0].summary
    known = [row | {"name": "ocsp.digicert.com"} for row in answers]
    found = drafts(regular_connections, tables(packets=packets(*wire.in_order(*rows)), dns=family("dns", *known)))
    assert found[0].priority == "info"
    assert "beacon" not in found[0].summary


def test_two_oddities_make_it_high() -> None:
    answers = [
        {
            "src": wire.RESOLVER,
            "dst": wire.CLIENT,
            "response": True,
            "name": "x.ddns.net",
            "a": [wire.OUTSIDE],
            "ttls": [60],
        }
    ]
    rows = wire.in_order(*(wire.session(at, n, port=4041) for n, at in enumerate(wire.every(20, 12))))
    found = drafts(regular_connections, tables(packets=packets(*rows), dns=family("dns", *answers)))
    assert found[0].priority == "high"
    assert "dynamic-DNS name under ddns.net with a TTL of 60 s" in found[0].summary


def test_filter_selects_the_session_starts(loaded: wire.Read, tmp_path: Path) -> None:
    regular = [
        wire.tcp(at, [(0.1, ">", b"\1" * 30), (0.2, "<", b"\2" * 30)], client_port=40000 + n)
        for n, at in enumerate(wire.every(15, 12))
    ]
    near = [
        wire.tcp(7, [(0.1, ">", b"\1" * 30)], port=80, client_port=50000),
        wire.tcp(9, server=wire.OTHER, client_port=50001),
    ]
    found = wire.exact(regular_connections, loaded, wire.write(tmp_path / "a.pcap", *regular, *near))
    assert len(found) == 1
    assert len(found[0].frames) == 12


def test_own_capture(loaded: wire.Read) -> None:
    found = wire.exact(regular_connections, loaded, fixture_capture("beacon_tls"))
    assert [draft.hosts[0] for draft in found] == ["10.20.0.21"]
    assert not drafts(regular_connections, loaded(fixture_capture("quiet_hour")).tables)


@pytest.mark.shared
def test_published_capture(loaded: wire.Read) -> None:
    found = wire.exact(regular_connections, loaded, case_capture("slips_beacon_2s"))
    assert "2.2 s" in found[0].summary
    assert found[0].priority == "medium"


def named_contacts(
    name: str, gap: float = 300.0, number: int = 23, others: tuple[str, ...] = (), asks: str = ""
) -> Any:
    """Regular contacts with a named server; `others` are clients that ask for `asks`."""
    rows = wire.in_order(*(wire.session(at, n) for n, at in enumerate(wire.every(gap, number))))
    answer = {"src": wire.RESOLVER, "dst": wire.CLIENT, "response": True, "name": name, "a": [wire.OUTSIDE]}
    hello: list[dict[str, Any]] = [{"src": wire.CLIENT, "server_name": name}]
    hello += [{"src": client, "dst": wire.OTHER, "server_name": asks} for client in others]
    return tables(packets=packets(*rows), dns=family("dns", answer), tls=family("tls", *hello))


OTHERS = ("10.0.0.11", "10.0.0.12", "10.0.0.13")


def test_two_signs_about_the_name_outweigh_a_slow_pace() -> None:
    found = drafts(regular_connections, named_contacts("dozuxe.xyz"))
    assert (found[0].priority, found[0].confidence) == ("medium", "medium")
    assert ".xyz is a suffix under which many names are registered for a short use" in found[0].summary
    assert "the name is a registered domain itself" in found[0].summary
    # One sign is none: a name below a firm's own, or a firm's own name.
    assert drafts(regular_connections, named_contacts("agent.dozuxe.xyz"))[0].priority == "low"
    assert drafts(regular_connections, named_contacts("dozuxe.com"))[0].priority == "low"


def test_nobody_else_asking_is_a_sign_from_three_other_clients() -> None:
    assert (
        drafts(regular_connections, named_contacts("dozuxe.com", others=OTHERS, asks="a.example"))[0].priority
        == "medium"
    )
    found = drafts(regular_connections, named_contacts("dozuxe.com", others=OTHERS[:2], asks="a.example"))
    assert found[0].priority == "low"


def test_signs_need_twelve_contacts_where_there_is_jitter() -> None:
    def jittery(number: int) -> Any:
        moments = [0.0, *accumulate((240.0, 300.0, 360.0)[n % 3] for n in range(number - 1))]
        rows = wire.in_order(*(wire.session(at, n) for n, at in enumerate(moments)))
        answer = {"src": wire.RESOLVER, "dst": wire.CLIENT, "response": True, "name": "dozuxe.xyz", "a": [wire.OUTSIDE]}
        return tables(packets=packets(*rows), dns=family("dns", answer))

    assert drafts(regular_connections, jittery(12))[0].priority == "medium"
    assert drafts(regular_connections, jittery(11))[0].priority == "low"


def test_low_where_most_clients_ask_for_the_same_name() -> None:
    asked = named_contacts("agents.example.com", gap=60.0, others=OTHERS, asks="agents.example.com")
    found = drafts(regular_connections, asked)
    assert found[0].priority == "low"
    assert "4 clients, most of those in this capture" in found[0].lowered_because
    assert drafts(regular_connections, named_contacts("agents.example.com", gap=60.0))[0].priority == "medium"
