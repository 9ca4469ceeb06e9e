"""TUN001: replies unlike their requests, replies without requests, sizes that jump; quiet on every kind of ping."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, packets, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.names import wire
from tshark_report.rules.names.icmp_tunnel import icmp_tunnel

A, B = "10.0.0.5", "203.0.113.9"


def icmp(rows: Iterable[tuple[str, int]], *, sequence: bool = True) -> Any:
    """Echo packets: (request or reply, payload bytes)."""
    listed = list(rows)
    ends = [(A, B) if kind == "request" else (B, A) for kind, _ in listed]
    count = 0
    table, pairs = [], []
    for (kind, size), (src, dst) in zip(listed, ends, strict=True):
        count += kind == "request"
        table.append(
            {
                "src": src,
                "dst": dst,
                "type": 8 if kind == "request" else 0,
                "code": 0,
                "ident": 7,
                "sequence": count if sequence else 0,
                "transport": "icmp",
                "src_port": None,
                "dst_port": None,
                "stream": None,
            }
        )
        pairs.append({"src": src, "dst": dst, "ip_length": size + 28, "protocol": "ICMP", "transport": "icmp"})
    return tables(icmp=family("icmp", *table), packets=packets(*pairs))


def exchange(pairs: Iterable[tuple[int, int]]) -> list[tuple[str, int]]:
    return [row for asked, told in pairs for row in (("request", asked), ("reply", told))]


def test_fires_at_five_replies_unlike_their_requests() -> None:
    found = drafts(icmp_tunnel, icmp(exchange([(56, 100), (57, 101), (58, 102), (59, 103), (60, 104)]), sequence=False))
    assert found[0].priority == "high"
    assert found[0].hosts == (A, B)
    assert "ICMP tunnel" in found[0].summary
    assert "always identifier 7, always sequence number 0" in found[0].summary


def test_quiet_at_four_replies_unlike_their_requests() -> None:
    assert not drafts(icmp_tunnel, icmp(exchange([(56, 100), (57, 101), (58, 102), (59, 103), (60, 60)])))


def test_fires_at_ten_replies_that_nobody_asked_for() -> None:
    rows = exchange([(10, 10), (20, 20), (30, 30), (40, 40)])
    assert drafts(icmp_tunnel, icmp([*rows, *[("reply", 40)] * 10], sequence=True))
    assert not drafts(icmp_tunnel, icmp([*rows, *[("reply", 40)] * 9], sequence=True))


def test_sizes_that_jump_are_medium() -> None:
    sizes = [50 + (n * 7 % 12) for n in range(40)]
    found = drafts(icmp_tunnel, icmp(exchange([(s, s) for s in sizes])))
    assert found[0].priority == "medium"
    assert not drafts(icmp_tunnel, icmp(exchange([(s, s) for s in sizes[:39]])))


def test_quiet_on_ordinary_pings() -> None:
    assert not drafts(icmp_tunnel, icmp(exchange([(56, 56)] * 500)))


def test_quiet_on_a_path_mtu_sweep() -> None:
    assert not drafts(icmp_tunnel, icmp(exchange([(s, s) for s in range(36, 1472, 8)])))


def test_quiet_where_a_server_shortens_its_replies() -> None:
    assert not drafts(icmp_tunnel, icmp(exchange([(s, 64) for s in (100, 500, 1000, 1472) * 5])))


def test_quiet_without_echo_packets() -> None:
    assert not drafts(icmp_tunnel, tables(icmp=family("icmp", {"type": 3, "code": 3})))


def wired(loaded, path: Path, pairs: Iterable[tuple[bytes, bytes]]) -> Any:  # noqa: ANN001
    frames = []
    for n, (asked, told) in enumerate(pairs):
        frames += [(n * 1.0, wire.echo(A, B, 8, 7, n, asked)), (n + 0.1, wire.echo(B, A, 0, 7, n, told))]
    return loaded(wire.write(path, frames)).tables


def test_whole_packets_inside(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    inner = wire.ip("10.9.0.1", "10.9.0.2", 6, bytes.fromhex("c35000160000") + bytes(40))
    found = drafts(icmp_tunnel, wired(loaded, tmp_path / "inner.pcap", [(inner, inner)] * 6))
    assert found[0].priority == "high"
    assert "10.9.0.1 and 10.9.0.2 (TCP port 22)" in found[0].summary


def test_replies_with_other_bytes(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    pairs = [(bytes(56), b"x" * 56)] * 5 + [(bytes(56), bytes(56))] * 2
    found = drafts(icmp_tunnel, wired(loaded, tmp_path / "unlike.pcap", pairs))
    assert found[0].priority == "high"
    assert "5 replies do not repeat" in found[0].summary
    assert not drafts(icmp_tunnel, wired(loaded, tmp_path / "fewer.pcap", pairs[1:]))


def test_requests_with_content_of_their_own(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    lines = [f"line {n} of a file that leaves".encode() for n in range(6)]
    found = drafts(icmp_tunnel, wired(loaded, tmp_path / "lines.pcap", [(line, line) for line in lines]))
    assert found[0].priority == "medium"
    assert "line 0 of a file" in found[0].summary
    five = [(line, line) for line in (*lines[:5], lines[4])]
    assert not drafts(icmp_tunnel, wired(loaded, tmp_path / "five.pcap", five))


def test_quiet_on_a_ping_with_a_time_in_front(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    pings = [n.to_bytes(8, "little") + bytes(range(48)) for n in range(12)]
    assert not drafts(icmp_tunnel, wired(loaded, tmp_path / "ping.pcap", [(p, p) for p in pings]))


def test_filter_leaves_out_errors_that_quote_an_echo(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    frames = []
    for n in range(8):
        frames.append((n * 1.0, wire.echo(A, B, 8, 7, 0, bytes(20 + n))))
        frames.append((n + 0.1, wire.echo(B, A, 0, 7, 0, bytes(60 + n))))
    frames.append((9.0, wire.quoted("10.0.0.1", A, frames[0][1])))
    frames.append((9.5, wire.echo(A, "203.0.113.10", 8, 9, 1, bytes(56))))
    path = wire.write(tmp_path / "echo.pcap", frames)
    found = drafts(icmp_tunnel, loaded(path).tables)
    assert len(found[0].frames) == 16
    assert wire.exact(path, found[0])


def test_fixture(loaded) -> None:  # noqa: ANN001
    path = fixture_capture("icmp_tunnel")
    found = drafts(icmp_tunnel, loaded(path).tables)
    assert [d.hosts for d in found] == [("10.20.0.21", "203.0.113.99")]
    assert wire.exact(path, found[0])


@pytest.mark.shared
def test_published_capture(loaded) -> None:  # noqa: ANN001
    path = case_capture("ndpi_icmp_tunnel")
    found = drafts(icmp_tunnel, loaded(path).tables)
    assert [d.hosts for d in found] == [("192.168.154.131", "192.168.154.132")]
    assert wire.exact(path, found[0])
