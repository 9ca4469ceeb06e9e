"""SCN001: many ports of one host."""

from __future__ import annotations

from tests.builders import drafts, packets, tables
from tests.conftest import fixture_capture
from tests.rules.scans.conftest import Wire
from tests.rules.scans.rows import answer, flat, refused, session, syn, timed
from tests.rules.scans.wire import read, same_frames
from tshark_report.rules.scans.vertical_port_scan import vertical_port_scan


def closed(count: int, src: str = "10.0.0.66") -> list[list[dict]]:
    return [refused(n, "10.0.0.80", 100 + n, src) for n in range(count)]


def test_fires_at_15_ports_and_is_quiet_at_14() -> None:
    found = drafts(vertical_port_scan, tables(packets=packets(*flat(closed(15)))))
    assert [d.subject for d in found] == ["10.0.0.66"]
    assert found[0].priority == "medium"
    assert "15 TCP ports of 10.0.0.80" in found[0].summary
    assert "15 refused" in found[0].summary
    assert "No port answered as open" in found[0].summary
    assert not drafts(vertical_port_scan, tables(packets=packets(*flat(closed(14)))))


def decoys(sources: list[str], real: str, **more: object) -> list[dict]:
    """nmap -D: every port is asked from each address with the same port and sequence number."""
    rows = []
    for n in range(30):
        for m, src in enumerate(sources):
            asked = syn(100 * m + n, "10.0.0.80", 100 + n, src, src_port=51935, seq=7) | more
            rows += [asked, answer(asked, 0x14)] if src == real else [asked]
    return timed(rows)


def test_one_event_for_decoys() -> None:
    found = drafts(vertical_port_scan, tables(packets=packets(*decoys(["10.0.0.66", "10.0.0.70"], "10.0.0.66"))))
    assert [(d.subject, d.hosts[0]) for d in found] == [("10.0.0.80", "10.0.0.66")]
    assert "made-up sources (decoys)" in found[0].summary
    assert "Only 10.0.0.66 got answers" in found[0].summary


def test_two_scanners_of_their_own_are_two_events() -> None:
    rows = decoys(["10.0.0.66"], "10.0.0.66") + decoys(["10.0.0.70"], "10.0.0.70", src_port=40001, stream=900)
    rows = [row | {"stream": n} if row["flags"] == 2 else row for n, row in enumerate(rows)]
    rows = [r | {"stream": rows[n - 1]["stream"]} if r["flags"] != 2 else r for n, r in enumerate(rows)]
    found = drafts(vertical_port_scan, tables(packets=packets(*rows)))
    assert sorted(d.subject for d in found) == ["10.0.0.66", "10.0.0.70"]


def test_slow_ones_count_all_the_same() -> None:
    # Low and slow: one port in ten minutes.
    rows = timed([row for part in closed(15) for row in part], step=300.0)
    found = drafts(vertical_port_scan, tables(packets=packets(*rows)))
    assert [d.subject for d in found] == ["10.0.0.66"]


def test_six_of_ten_ports_must_fail() -> None:
    used = [session(100 + n, "10.0.0.80", 500 + n, "10.0.0.66") for n in range(10)]
    assert drafts(vertical_port_scan, tables(packets=packets(*flat(closed(15) + used))))
    more = [session(200 + n, "10.0.0.80", 600 + n, "10.0.0.66") for n in range(1)]
    assert not drafts(vertical_port_scan, tables(packets=packets(*flat(closed(15) + used + more))))


def test_open_ports_are_named() -> None:
    half_open = []
    for n, port in enumerate((22, 3306)):
        asked = syn(300 + n, "10.0.0.80", port, "10.0.0.66")
        half_open.append([asked, answer(asked), asked | {"flags": 0x04}])
    found = drafts(vertical_port_scan, tables(packets=packets(*flat(closed(20) + half_open))))
    assert "22 (ssh) and 3306 (mysql) on 10.0.0.80" in found[0].summary
    assert found[0].evidence.rows[0][5] == "22 (ssh) and 3306 (mysql)"


def test_quiet_where_only_one_direction_was_captured() -> None:
    rows = [
        [syn(n, "10.0.0.80", 100 + n), syn(n, "10.0.0.80", 100 + n) | {"flags": 0x18, "payload": 40}] for n in range(60)
    ]
    assert not drafts(vertical_port_scan, tables(packets=packets(*flat(rows))))


def test_passive_ftp_downloads_are_quiet() -> None:
    rows = [session(n, "10.0.0.80", 50000 + n) for n in range(150)]
    assert not drafts(vertical_port_scan, tables(packets=packets(*flat(rows))))


def test_a_host_that_answers_for_every_port() -> None:
    def mute(count: int) -> list[dict]:
        made = []
        for n in range(count):
            asked = syn(n, "10.0.0.80", 100 + n, "10.0.0.66")
            made.append([asked, answer(asked), asked | {"flags": 0x04}])
        return flat(made)

    assert drafts(vertical_port_scan, tables(packets=packets(*mute(100))))
    assert not drafts(vertical_port_scan, tables(packets=packets(*mute(99))))


def test_five_sources_are_one_event() -> None:
    def many(sources: int) -> list[dict]:
        return flat(
            [refused(100 * s + n, "10.0.0.80", 100 + n, f"10.0.7.{s + 1}") for s in range(sources) for n in range(20)]
        )

    found = drafts(vertical_port_scan, tables(packets=packets(*many(5))))
    assert [d.subject for d in found] == ["10.0.0.80"]
    assert "5 sources" in found[0].summary
    assert len(found[0].frames) == 100
    assert len(drafts(vertical_port_scan, tables(packets=packets(*many(4))))) == 4


def test_what_is_alike_in_all_syns() -> None:
    rows = [[syn(n, "10.0.0.80", 100 + n, src_port=61000, seq=77, ip_id=54321, ip_length=40)] for n in range(30)]
    summary = drafts(vertical_port_scan, tables(packets=packets(*flat(rows))))[0].summary
    for mark in ("same source port 61000", "sequence number 77", "0xd431 (ZMap's default)", "no TCP option"):
        assert mark in summary


def test_many_targets_are_summed_up() -> None:
    rows = flat([refused(20 * t + n, f"10.0.6.{t + 1}", 100 + n) for t in range(13) for n in range(20)])
    found = drafts(vertical_port_scan, tables(packets=packets(*rows)))
    assert "20 to 20 TCP ports on each of 13 hosts" in found[0].summary
    assert "ip.dst" not in found[0].display_filter
    assert len(found[0].frames) == 260


def test_drawn_ttls_and_two_source_ports() -> None:
    rows = [[syn(n, "10.0.0.80", 100 + n, src_port=61000 + n % 2, ttl=37 + n % 20)] for n in range(60)]
    summary = drafts(vertical_port_scan, tables(packets=packets(*flat(rows))))[0].summary
    assert "only two source ports (61000 and 61001)" in summary
    assert "20 different TTL values from 37 to 56" in summary
    few = drafts(vertical_port_scan, tables(packets=packets(*flat(rows[:9]))))
    assert not few


def test_wire(wire: Wire) -> None:
    found = wire.found(vertical_port_scan)
    assert list(found) == ["10.9.0.66"]
    assert "22 (ssh) and 25 (smtp)" in found["10.9.0.66"].summary


def test_fixture(loaded, tmp_path) -> None:
    path = fixture_capture("port_scan")
    found = drafts(vertical_port_scan, read(path, tmp_path / "scratch"))
    assert [d.subject for d in found] == ["10.20.0.66"]
    same_frames(path, found)
    assert "3306" in found[0].summary
