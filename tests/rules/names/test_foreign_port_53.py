"""DNS017: streams on port 53 without any DNS; quiet on DNS, on damage and on probes."""

from __future__ import annotations

from pathlib import Path

from tests.builders import drafts, tables
from tests.rules.names import wire
from tests.rules.names.wire import ask, tell
from tshark_report.rules.names.foreign_port_53 import foreign_port_53, looks_like_dns

SERVER = "203.0.113.9"


def talk(payloads: list[bytes]) -> list[tuple[float, bytes]]:
    return [(n * 1.0, wire.udp(wire.CLIENT, SERVER, 40000, 53, payload)) for n, payload in enumerate(payloads)]


def test_fires_at_three_packets_and_its_filter_is_exact(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    lines = [f"\xff\xff\xff\xff line {n} of something that is no DNS".encode("latin-1") for n in range(3)]
    path = wire.write(tmp_path / "no.pcap", [*talk(lines), ask(9, 1, "a.example.com"), tell(9.1, 1, "a.example.com")])
    found = drafts(foreign_port_53, loaded(path).tables)
    assert [(d.priority, d.hosts) for d in found] == [("medium", (wire.CLIENT, SERVER))]
    assert list(found[0].frames) == [1, 2, 3]
    assert wire.exact(path, found[0])
    assert not drafts(foreign_port_53, loaded(wire.write(tmp_path / "two.pcap", talk(lines[:2]))).tables)


def test_quiet_on_dns_with_some_damage(loaded, tmp_path: Path) -> None:  # noqa: ANN001
    whole = wire.question(7, "www.example.com")
    path = wire.write(tmp_path / "dns.pcap", talk([b"\xff" * 60, b"\xff" * 60, whole]))
    assert not drafts(foreign_port_53, loaded(path).tables)


def test_looks_like_dns() -> None:
    message = wire.question(7, "www.example.com")
    assert looks_like_dns(message, tcp=False, first=True)
    assert looks_like_dns(len(message).to_bytes(2, "big") + message, tcp=True, first=True)
    assert looks_like_dns(
        wire.answer(7, "a.example", records=[wire.a("a.example", "192.0.2.1")]), tcp=False, first=True
    )
    assert not looks_like_dns(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", tcp=False, first=True)
    assert not looks_like_dns(b"SSH-2.0-OpenSSH_9.2\r\n", tcp=True, first=True)
    assert not looks_like_dns(bytes(40), tcp=False, first=True)
    assert not looks_like_dns(b"", tcp=False, first=True)


def test_quiet_without_payload() -> None:
    assert not drafts(foreign_port_53, tables())
