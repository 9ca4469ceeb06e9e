"""OUT010: a client that delivers mail itself; quiet on mail servers and on one provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, packets, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.direct_mail import direct_mail


def made(servers: int, *more: list[dict[str, Any]], port: int = 25) -> Any:
    tries = [wire.session(n, n, server=f"198.51.100.{n}", port=port) for n in range(servers)]
    return tables(packets=packets(*wire.in_order(*tries, *more)))


def test_fires_at_ten_servers() -> None:
    found = drafts(direct_mail, made(10))
    assert found[0].priority == "medium"
    assert "10 mail servers outside on port 25" in found[0].summary


def test_quiet_at_nine_servers() -> None:
    assert not drafts(direct_mail, made(9))


def test_quiet_on_a_mail_server_and_on_other_ports() -> None:
    taken = wire.session(50, 50, client=wire.OTHER, server=wire.CLIENT, port=25)
    assert not drafts(direct_mail, made(20, taken))
    assert not drafts(direct_mail, made(20, port=587))


def test_quiet_on_many_sessions_with_one_provider() -> None:
    rows = [wire.session(n, n, port=25) for n in range(40)]
    assert not drafts(direct_mail, tables(packets=packets(*wire.in_order(*rows))))


def test_filter_selects_the_session_starts(loaded: wire.Read, tmp_path: Path) -> None:
    tries = [
        wire.tcp(n, [(0.1, "<", b"220 hi\r\n")], server=f"198.51.100.{n}", port=25, client_port=40000 + n)
        for n in range(12)
    ]
    near = wire.tcp(3, port=80, client_port=50000)
    found = wire.exact(direct_mail, loaded, wire.write(tmp_path / "a.pcap", *tries, near))
    assert len(found[0].frames) == 12
