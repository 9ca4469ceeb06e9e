"""TCP003: silent servers; quiet on a lost SYN, on scans and on refusals."""

from __future__ import annotations

from tests.builders import START, drafts, family
from tests.rules.transport.wire import ACK, RST, SERVER, Talk, tabled
from tshark_report.rules.transport.unanswered_connections import unanswered_connections


def silent(
    stream: int = 0, server: str = SERVER, at: float = 0.0, offsets: tuple[float, ...] = (1.0, 3.0), port: int = 80
) -> Talk:
    talk = Talk(stream, server=server, port=port).syn(at)
    for offset in offsets:
        talk.syn(at + offset, again=True)
    return talk


def test_fires_at_three_syns() -> None:
    found = drafts(unanswered_connections, tabled(silent()))
    assert [(d.subject, d.priority) for d in found] == [(SERVER, "medium")]
    assert "never answered 10.0.0.5 on port 80" in found[0].summary
    assert "SYN retransmitted 2 times" in found[0].summary
    assert len(found[0].frames) == 3
    assert not drafts(unanswered_connections, tabled(silent(offsets=(1.0,))))


def test_low_below_three_seconds() -> None:
    assert drafts(unanswered_connections, tabled(silent(offsets=(1.0, 2.99))))[0].priority == "low"


def test_low_where_it_is_one_of_many_things() -> None:
    others = [Talk(n, server=f"198.51.100.{n}").handshake(10.0 + n) for n in range(1, 20)]
    twice = [silent(), silent(40, at=60.0)]
    last = [Talk(61 + n, server="198.51.100.99").handshake(41.0 + n) for n in range(20)]
    assert drafts(unanswered_connections, tabled(*twice, *others, *last[:19]))[0].priority == "medium"
    assert drafts(unanswered_connections, tabled(*twice, *others, *last))[0].priority == "low"


def test_low_for_a_single_attempt_among_others() -> None:
    others = [Talk(n, server=f"198.51.100.{n}").handshake(10.0 + n) for n in range(1, 3)]
    assert drafts(unanswered_connections, tabled(silent(), *others[:1]))[0].priority == "medium"
    assert drafts(unanswered_connections, tabled(silent(), *others))[0].priority == "low"


def test_low_where_the_same_name_is_reached_elsewhere() -> None:
    names = family(
        "dns",
        {
            "time": START,
            "name": "www.example",
            "response": True,
            "a": [SERVER, "198.51.100.1"],
            "protocol": "DNS",
            "transport": "udp",
        },
    )
    found = drafts(unanswered_connections, tabled(silent(), Talk(1, server="198.51.100.1").handshake(0.3), dns=names))
    assert found[0].priority == "low"
    assert "198.51.100.1" in found[0].lowered_because


def test_says_whether_the_server_is_up() -> None:
    alive = Talk(1, port=443).handshake(20.0)
    assert "is up and this port is filtered" in drafts(unanswered_connections, tabled(silent(), alive))[0].summary
    assert "No packet at all" in drafts(unanswered_connections, tabled(silent()))[0].summary


def test_quiet_on_a_client_that_asks_many() -> None:
    scan = [silent(n, f"198.51.100.{n}", n * 10.0) for n in range(10)]
    assert not drafts(unanswered_connections, tabled(*scan))
    assert len(drafts(unanswered_connections, tabled(*scan[:9]))) == 9


def test_quiet_on_refusals() -> None:
    assert not drafts(unanswered_connections, tabled(silent().packet(3.01, RST | ACK, up=False)))


def test_quiet_where_the_client_went_on() -> None:
    """One direction of a connection: what the client sends next says that it was answered."""
    other = Talk(9, server="198.51.100.7").handshake(50.0)
    assert drafts(unanswered_connections, tabled(silent(), other))
    assert not drafts(unanswered_connections, tabled(silent().answer(3.1).say(3.2, 100, up=True), other))


def flood(clients: int) -> list[Talk]:
    return [Talk(n, client=f"10.9.{n // 250}.{n % 250 + 1}").syn(n * 0.01) for n in range(clients)]


def test_quiet_on_a_flood_from_made_up_sources() -> None:
    assert drafts(unanswered_connections, tabled(*flood(99)))
    assert not drafts(unanswered_connections, tabled(*flood(100)))


def over_six(number: int, *, answered: bool = False, four: bool = True, port: int = 443) -> list[Talk]:
    six = [silent(n, server=f"2600:9000::{n + 1:x}", at=n * 10.0, port=port) for n in range(number)]
    for each in six:
        each.client = "2001:db8::5"
        for row in each.rows:
            row |= {end: "fd00::5" for end in ("src", "dst") if ":" not in row[end]}
    also = [Talk(50, server="2600:9000::99").handshake(3.0)] if answered else []
    return [*six, *also, *([Talk(60, server="198.51.100.1").handshake(4.0)] if four else [])]


def test_ipv6_that_never_works_is_one_event() -> None:
    found = drafts(unanswered_connections, tabled(*over_six(3)))
    assert [(d.subject, d.priority) for d in found] == [("fd00::5 IPv6", "medium")]
    assert "asked 3 servers outside for a connection over IPv6" in found[0].summary
    assert len(found[0].frames) == 9
    assert "fd00::5 IPv6" not in [d.subject for d in drafts(unanswered_connections, tabled(*over_six(2)))]


def test_not_where_ipv6_works_or_nothing_does() -> None:
    for talks in (over_six(4, answered=True), over_six(4, four=False), over_six(4, port=22)):
        assert "fd00::5 IPv6" not in [d.subject for d in drafts(unanswered_connections, tabled(*talks))]
