"""Sessions with their names, services and times."""

from __future__ import annotations

from tests import builders as b
from tests.normal import office as o
from tshark_report.normal.facts import LONGEST_TEXT, network_of


def test_a_session_is_measured_from_the_client_s_side() -> None:
    rows = o.facts_of(o.ordinary(2)).sessions.to_dicts()
    assert [(r["client"], r["server"], r["service"], r["up"], r["down"]) for r in rows] == [
        (o.PC, o.SHOP, "tcp/443", 200, 1000)
    ] * 2
    assert [r["domain"] for r in rows] == ["shop.example"] * 2
    assert rows[0]["interval"] is None
    assert rows[1]["interval"] == 120
    assert rows[0]["client_home"]
    assert not rows[0]["server_home"]
    assert abs(rows[0]["think"][0] - 0.01) < 0.002


def test_a_syn_without_answer_is_no_session_of_both() -> None:
    row = o.facts_of(o.tables(o.session(0, answered=False))).sessions.row(0, named=True)
    assert not row["answered"]


def test_high_ports_of_home_servers_are_one_service() -> None:
    made = o.tables(o.session(0, server=o.SERVER, port=49700), o.session(1, server=o.SHOP, port=49700))
    assert o.facts_of(made).sessions["service"].to_list() == ["tcp/dynamic", "tcp/49700"]


def test_answers_of_a_dhcp_server_and_broadcasts_are_left_out() -> None:
    udp = {"transport": "udp", "protocol": "DHCP"}
    made = b.tables(packets=b.packets(
        udp | {"src": "10.0.0.1", "dst": o.PC, "src_port": 67, "dst_port": 68, "stream": 0},
        udp | {"src": o.PC, "dst": "10.0.0.255", "src_port": 138, "dst_port": 138, "stream": 1},
        udp | {"src": o.PC, "dst": "224.0.0.251", "src_port": 5353, "dst_port": 5353, "stream": 2},
    ))  # fmt: skip
    assert o.facts_of(made).sessions.is_empty()


def test_echo_is_one_session_a_pair() -> None:
    echo = {"transport": None, "protocol": "ICMP", "stream": None, "src_port": None, "dst_port": None}
    made = b.tables(
        packets=b.packets(echo),
        icmp=b.family(
            "icmp",
            echo | {"type": 8, "src": o.PC, "dst": o.SERVER, "length": 98},
            echo | {"type": 0, "src": o.SERVER, "dst": o.PC, "length": 98},
            echo | {"type": 8, "src": o.PC, "dst": o.SERVER, "length": 98},
        ),
    )
    rows = o.facts_of(made).sessions.to_dicts()
    assert [(r["service"], r["up"], r["down"], r["answered"]) for r in rows] == [("icmp", 196, 98, True)]


def test_names_are_cut_but_their_domain_is_that_of_the_whole() -> None:
    long = "x" * 60 + "." + "y" * 60 + "." + "z" * 60 + ".tunnel.example"
    row = o.facts_of(o.tables(o.session(0), names={o.SHOP: long})).sessions.row(0, named=True)
    assert len(row["name"]) == min(LONGEST_TEXT, len(long))
    assert row["domain"] == "tunnel.example"


def test_networks_of_hosts() -> None:
    assert network_of("10.1.2.3") == "10.1.2.0/24"
    assert network_of("fd00:1:2:3::9") == "fd00:1:2:3::/64"
    # These are the same in every network, so they would make strangers look known.
    assert network_of("fe80::1%eth0") == network_of("169.254.7.7") == network_of("127.0.0.1") == network_of("x") == ""


def test_parts_by_host_are_the_whole() -> None:
    these = o.facts_of(o.tables(o.session(0), o.session(1, client="10.0.0.6"), o.session(2, server=o.SERVER)))
    assert these.hosts == [o.PC, "10.0.0.6", o.SERVER]
    assert these.sent(these.hosts).height == 4 + 4 + 6
    assert these.started([o.PC]).height == 2
    assert these.served([o.SERVER]).height == 1
    assert these.sent(["10.9.9.9"]).is_empty()
