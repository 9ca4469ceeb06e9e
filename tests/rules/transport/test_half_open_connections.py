"""TCP013: handshakes that were never completed; quiet on refusals, resets and floods."""

from __future__ import annotations

from tests.builders import drafts
from tests.rules.transport.wire import ACK, RST, SERVER, SYN, Talk, tabled
from tshark_report.rules.transport.half_open_connections import half_open_connections


def half(stream: int, client: str = "10.0.0.5") -> Talk:
    return Talk(stream, client=client).syn(stream * 1.0).packet(stream * 1.0 + 0.01, SYN | ACK, up=False)


def test_fires_at_three() -> None:
    found = drafts(half_open_connections, tabled(*(half(n) for n in range(3))))
    assert [(d.subject, d.priority) for d in found] == [(SERVER, "low")]
    assert len(found[0].frames) == 3
    # The SYN/ACKs alone, of the server, are what the filter selects: no SYN and no other packet of it.
    assert found[0].frames == [2, 4, 6]
    for part in (f"ip.src == {SERVER}", "tcp.flags.syn == 1", "tcp.flags.ack == 1"):
        assert part in found[0].display_filter
    assert not drafts(half_open_connections, tabled(*(half(n) for n in range(2))))


def test_quiet_where_the_server_never_answered() -> None:
    assert not drafts(half_open_connections, tabled(*(Talk(n).syn(n * 1.0) for n in range(5))))


def test_quiet_on_many_clients() -> None:
    assert not drafts(half_open_connections, tabled(*(half(n, f"192.0.2.{n}") for n in range(20))))
    assert drafts(half_open_connections, tabled(*(half(n, f"192.0.2.{n}") for n in range(19))))


def test_quiet_where_the_client_resets() -> None:
    assert not drafts(half_open_connections, tabled(*(half(n).packet(n + 0.02, RST, up=True) for n in range(3))))


def test_quiet_on_whole_handshakes() -> None:
    assert not drafts(half_open_connections, tabled(*(Talk(n).handshake(n) for n in range(5))))
    assert not drafts(half_open_connections, tabled(*(half(n).packet(n + 0.02, ACK, up=True) for n in range(3))))
