"""Hosts: addresses, names, users, systems, services; no secrets, no routers' MACs."""

from __future__ import annotations

from typing import Any

from tests.builders import START, family, packets, tables
from tests.conftest import fixture_capture
from tests.rules.names.wire import q, r
from tshark_report.report.model import Host
from tshark_report.settings import Settings
from tshark_report.story.hosts import hosts
from tshark_report.tables.schema import LAYER_SCHEMA

PC, SERVER, OUTSIDE = "10.0.0.5", "10.0.0.80", "203.0.113.9"


def listed(made: Any, limit: int = 200) -> dict[str, Host]:
    return {h.address: h for h in hosts(made, Settings(), limit)[0]}


def test_traffic_both_ways_and_times() -> None:
    rows = packets(
        {"src": PC, "dst": SERVER, "length": 100},
        {"src": SERVER, "dst": PC, "length": 1000},
        {"src": PC, "dst": SERVER, "length": 60},
    )
    pc = listed(tables(packets=rows))[PC]
    assert (pc.packets_sent, pc.packets_received, pc.bytes_sent, pc.bytes_received) == (2, 1, 160, 1000)
    assert (pc.first_time, pc.last_time) == ("2023-11-14T22:13:20.000000Z", "2023-11-14T22:13:22.000000Z")
    assert pc.local
    assert not listed(tables(packets=packets({"dst": OUTSIDE})))[OUTSIDE].local


def test_multicast_broadcast_and_nowhere_are_no_hosts() -> None:
    rows = packets(
        *[{"dst": a} for a in ("224.0.0.251", "255.255.255.255", "0.0.0.0", "ff02::1", "::")], {"src": "0.0.0.0"}
    )
    assert set(listed(tables(packets=rows))) == {PC, OUTSIDE}


def test_those_that_spoke_stand_first_and_the_rest_is_counted() -> None:
    rows = packets(
        *[{"src": PC, "dst": f"10.1.0.{n}", "length": 9000} for n in range(1, 50)], {"src": SERVER, "dst": PC}
    )
    made, total = hosts(tables(packets=rows), Settings(), 2)
    assert ([h.address for h in made], total) == ([PC, SERVER], 51)


def test_names_from_many_protocols() -> None:
    made = tables(
        packets=packets(
            *[{"src": PC, "dst": a} for a in (SERVER, OUTSIDE)],
            {"src": "10.0.0.6"},
            {"src": "10.0.0.7"},
            {"src": "10.0.0.8"},
        ),
        dhcp=family(
            "dhcp",
            {
                "kind": 3,
                "src": "0.0.0.0",
                "client_mac": "02:00:00:00:00:05",
                "hostname": "pc-anna",
                "vendor_class": "MSFT 5.0",
            },
            {"kind": 5, "src": "10.0.0.1", "client_mac": "02:00:00:00:00:05", "offered": PC},
        ),
        nbns=family(
            "nbns",
            {
                "src": "10.0.0.6",
                "response": False,
                "address": "10.0.0.6",
                "name": "WORKGROUP<00> (Workstation/Redirector)",
            },
            {"src": "10.0.0.6", "response": False, "address": "10.0.0.6", "name": "PC-BEN<20> (Server service)"},
        ),
        smb=family(
            "smb",
            {"src": "10.0.0.7", "host": "PC-CARL", "user": "carl", "domain": "OFFICE"},
            {"src": "10.0.0.7", "browser_host": "PC-CARL"},
        ),
        kerberos=family(
            "kerberos",
            {"src": "10.0.0.8", "kind": 10, "client": "PC-DORA$"},
            {"src": "10.0.0.1", "dst": "10.0.0.8", "kind": 11, "client": "dora"},
        ),
        tls=family("tls", {"src": PC, "dst": OUTSIDE, "server_name": "www.example.com"}),
        dns=family(
            "dns",
            r("files.office.example", addresses=[SERVER]),
            q("pc-ben.local", 255, src="10.0.0.6", dst="224.0.0.251", protocol="MDNS"),
        ),
    )
    found = listed(made)
    assert found[PC].names == ["pc-anna"]
    assert found[PC].os_hint.startswith("Windows (DHCP vendor class)")
    assert found["10.0.0.6"].names == ["PC-BEN", "pc-ben.local"]
    assert found["10.0.0.7"].names == ["PC-CARL"]
    assert found["10.0.0.7"].users == ["OFFICE\\carl"]
    assert (found["10.0.0.8"].names, found["10.0.0.8"].users) == (["PC-DORA"], ["dora"])
    assert found[OUTSIDE].names == ["www.example.com"]
    assert found[SERVER].names == ["files.office.example"]


def test_users_without_their_secrets() -> None:
    made = tables(
        packets=packets({}),
        ftp=family("ftp", {"command": "USER", "argument": "anna"}, {"command": "PASS", "argument": "s3cret"}),
        http=family("http", {"credentials": "ben:hunter2"}),
        mail=family(
            "mail",
            {"pop_command": "user", "pop_parameter": "carl"},
            {"pop_command": "PASS", "pop_parameter": "s3cret"},
            {"imap_user": "dora"},
            {"smtp_user": "eve"},
        ),
        misc=family("misc", {"rdp_cookie": "Cookie: mstshash=frank"}, {"mysql_user": "root"}),
    )
    host = listed(made)[PC]
    assert sorted(host.users) == ["anna", "ben", "carl", "dora", "eve", "frank", "root"]
    assert "s3cret" not in str(host)
    assert "hunter2" not in str(host)


def test_macs_from_arp_and_not_from_routers() -> None:
    behind = [{"src": f"10.9.0.{n}", "dst": PC, "eth_src": "02:00:00:00:00:01"} for n in range(1, 8)]
    made = tables(
        packets=packets(
            *behind,
            {"src": PC, "eth_src": "02:00:00:00:00:05"},
            {"src": SERVER, "dst": PC, "eth_src": "02:00:00:00:00:99"},
        ),
        arp=family(
            "arp",
            {"sender": SERVER, "src_mac": "02:00:00:00:00:80"},
            {"sender": "10.0.0.77", "src_mac": "02:00:00:00:00:77"},
        ),
    )
    found = listed(made)
    assert found["10.9.0.1"].macs == []
    assert found[PC].macs == ["02:00:00:00:00:05"]
    assert found[SERVER].macs == ["02:00:00:00:00:80"]
    assert found["10.0.0.77"].macs == ["02:00:00:00:00:77"]


def test_system_from_agent_and_ttl() -> None:
    made = tables(
        packets=packets({"ttl": 126}, {"ttl": 126}, {"src": SERVER, "ttl": 20}),
        http=family("http", {"method": "GET", "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"}),
    )
    found = listed(made)
    assert found[PC].os_hint == "Windows 10 or later (HTTP user agent); TTL 128 at the start, usual for Windows"
    assert found[SERVER].os_hint == ""


def test_services_are_those_that_answered() -> None:
    syn, syn_ack, ack, rst = 0x02, 0x12, 0x10, 0x14
    made = tables(
        packets=packets(
            {"dst": SERVER, "dst_port": 443, "flags": syn, "stream": 0},
            {
                "src": SERVER,
                "src_port": 443,
                "dst": PC,
                "dst_port": 40000,
                "flags": syn_ack,
                "stream": 0,
                "protocol": "TLSv1.3",
            },
            {"dst": SERVER, "dst_port": 443, "flags": ack, "stream": 0},
            {"dst": SERVER, "dst_port": 23, "flags": syn, "stream": 1},
            {"src": SERVER, "src_port": 23, "dst": PC, "dst_port": 40000, "flags": rst, "stream": 1},
            {"dst": SERVER, "dst_port": 53, "transport": "udp", "stream": 0, "protocol": "DNS", "payload": 30},
            {
                "src": SERVER,
                "src_port": 53,
                "dst": PC,
                "dst_port": 40000,
                "transport": "udp",
                "stream": 0,
                "protocol": "DNS",
                "payload": 60,
            },
            {"dst": SERVER, "dst_port": 161, "transport": "udp", "stream": 1, "protocol": "SNMP", "payload": 30},
        )
    )
    assert listed(made)[SERVER].services == ["tcp/443 (TLSv1.3)", "udp/53 (DNS)"]


def test_tunnelled_packets_count_for_both_pairs() -> None:
    import polars as pl

    layer = {"frame": 1, "time": START, "length": 100, "src": "192.0.2.1", "dst": "192.0.2.2", "layer": "ip"}
    inner = layer | {"src": PC, "dst": SERVER}
    layers = pl.DataFrame([{n: row.get(n) for n in LAYER_SCHEMA} for row in (layer, inner)], schema=LAYER_SCHEMA)
    found = listed(tables(packets=packets({"src": PC, "dst": SERVER, "length": 100}), layers=layers))
    assert {a: h.packets_sent for a, h in found.items()} == {PC: 1, "192.0.2.1": 1, SERVER: 0, "192.0.2.2": 0}


def test_nothing() -> None:
    assert hosts(tables(), Settings()) == ([], 0)


def test_fixture(loaded) -> None:  # noqa: ANN001
    found = listed(loaded(fixture_capture("cleartext_logins")).tables)
    assert "anna" in found["10.20.0.21"].users
    assert any(s.startswith("tcp/21 ") for s in found["10.20.0.10"].services)
    assert not any("FTP-DATA" in s for h in found.values() for s in h.services)
