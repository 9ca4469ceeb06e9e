"""What one capture teaches: counts and bins of services, names, programs, headers and hours."""

from __future__ import annotations

import pytest

from tests import builders as b
from tests.normal import office as o
from tshark_report.normal import amounts
from tshark_report.normal.learn import id_behaviour, traffic


def test_a_host_and_its_network_learn_the_same_session() -> None:
    made = o.learn(o.ordinary(3))
    assert set(made.hosts) == {o.PC}
    assert set(made.networks) == {"10.0.0.0/24"}
    for profile in (made.hosts[o.PC], made.networks["10.0.0.0/24"]):
        one = profile.domains["shop.example tcp/443"]
        assert (one.sessions, one.failed, one.captures) == (3, 0, 1)
        assert amounts.median(one.up) == pytest.approx(200, rel=0.06)
        assert amounts.median(one.interval) == pytest.approx(120, rel=0.06)
        assert amounts.median(one.rtt) == pytest.approx(0.021, rel=0.06)
        assert profile.used["tcp/443"].sessions == 3
        assert profile.hours == {"22": 1}
        assert profile.peers == {}
    assert made.hosts[o.PC].macs == {"02:00:00:00:00:05": 1}
    assert made.networks["10.0.0.0/24"].macs == {}
    assert made.hours == {"22": 1}


def test_a_server_learns_who_used_it() -> None:
    made = o.learn(
        o.tables(o.session(0, server=o.SERVER, port=445), o.session(1, client=o.SHOP, server=o.SERVER, port=80))
    )
    offered = made.hosts[o.SERVER].offered
    assert offered["tcp/445"].from_outside == 0
    assert offered["tcp/80"].from_outside == 1


def test_unanswered_sessions_are_failures_without_amounts() -> None:
    made = o.learn(o.tables(o.session(0, server=o.BARE, port=8443, answered=False)))
    one = made.hosts[o.PC].peers[f"{o.BARE} tcp/8443"]
    assert (one.sessions, one.failed) == (0, 1)
    assert amounts.count(one.up) == 0


def test_names_with_ttls_and_failures() -> None:
    dns = b.family(
        "dns",
        {"name": "www.Shop.example", "response": False, "src": o.PC, "dst": "10.0.0.1", "protocol": "DNS"},
        {"name": "www.shop.example", "response": True, "src": "10.0.0.1", "dst": o.PC, "protocol": "DNS",
         "answer_types": [5, 1], "ttls": [9, 600], "a": [o.SHOP]},
        {"name": "gone.shop.example", "response": True, "rcode": 3, "src": "10.0.0.1", "dst": o.PC, "protocol": "DNS"},
        {"name": "neighbour", "response": False, "src": o.PC, "dst": "224.0.0.252", "protocol": "LLMNR"},
    )  # fmt: skip
    profile = o.learn(o.tables(o.session(0), dns=dns)).hosts[o.PC]
    assert set(profile.names) == {"www.shop.example", "gone.shop.example"}
    assert profile.names["www.shop.example"].queries == 1
    # The TTL of the alias says nothing of how long the address is good.
    assert amounts.median(profile.names["www.shop.example"].ttl) == pytest.approx(600, rel=0.06)
    assert profile.lookups["shop.example"].failures == 1


def test_programs_and_fingerprints() -> None:
    http = b.family("http", {"method": "GET", "user_agent": "Updater/1.0", "src": o.PC, "dst": o.SHOP},
                    {"status": 200, "src": o.SHOP, "dst": o.PC})  # fmt: skip
    tls = b.family("tls", {"ja3": "0" * 32, "ja4": "t13d", "src": o.PC, "dst": o.SHOP})
    profile = o.learn(o.tables(o.session(0), http=http, tls=tls)).hosts[o.PC]
    assert profile.agents == {"Updater/1.0": 1}
    assert profile.ja3 == {"0" * 32: 1}
    assert profile.ja4 == {"t13d": 1}


def test_no_payload_path_or_secret_is_kept() -> None:
    http = b.family("http", {"method": "POST", "user_agent": "A", "uri": "/secret?token=hunter2", "host": "www.shop.example",
                             "cookie": "session=hunter2", "credentials": "anna:hunter2", "referer": "http://x/hunter2",
                             "src": o.PC, "dst": o.SHOP})  # fmt: skip
    made = o.learn(o.tables(o.session(0), http=http))
    assert "hunter2" not in str(made)
    assert "/secret" not in str(made)


@pytest.mark.parametrize(
    ("ids", "kind"),
    [(range(10), "counting"), ([0] * 10, "zero"), ([7] * 10, "constant"), ([9000, 3, 40000, 77, 22000, 5, 61000, 1, 30000, 9], "varying")],
)  # fmt: skip
def test_ip_ids(ids: list[int], kind: str) -> None:
    made = b.tables(packets=b.packets(*({"src": o.PC, "ip_id": i, "stream": 0} for i in ids)))
    assert id_behaviour(o.facts_of(made), [o.PC]) == [kind]


def test_few_packets_show_no_behaviour() -> None:
    made = b.tables(packets=b.packets(*({"src": o.PC, "ip_id": i} for i in range(5))))
    assert id_behaviour(o.facts_of(made), [o.PC]) == []


def test_traffic_of_nothing() -> None:
    assert traffic(o.facts_of(b.tables()).sessions, ["service"]) == {}
    assert o.learn(b.tables()).hosts == {}


def test_a_router_s_hardware_address_is_nobody_s() -> None:
    through = [o.session(n, client=f"10.0.{n}.9", at=n) for n in range(5)]
    rows = [[row | {"eth_src": "02:00:00:00:00:fe"} for row in one] for one in through]
    assert o.learn(o.tables(*rows)).hosts["10.0.0.9"].macs == {}
