"""DEL007: what a client did after a download that stands out, set against what it did before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import builders as b
from tests.conftest import case_capture, fixture_capture
from tests.rules.delivery import wire
from tshark_report.rules.delivery.change_after_download import change_after_download

GIF = {"uri": "/i/logo.gif", "host": wire.OUTSIDE, "kind": "image/gif"}
NEW = "192.0.2.88"


def _session(
    at: float, server: str, port: int, *, up: int = 100, down: int = 50, stream: int = 50, transport: str = "tcp"
) -> list[dict]:
    there = {
        "src": wire.CLIENT,
        "dst": server,
        "src_port": 50000 + stream,
        "dst_port": port,
        "stream": stream,
        "transport": transport,
    }
    back = {
        "src": server,
        "dst": wire.CLIENT,
        "src_port": port,
        "dst_port": 50000 + stream,
        "stream": stream,
        "transport": transport,
    }
    time = b.START + at
    return [
        there | {"time": time, "flags": 0x02, "frame": 1000 + 10 * stream},
        there | {"time": time + 0.1, "payload": up, "frame": 1001 + 10 * stream},
        back | {"time": time + 0.2, "payload": down, "frame": 1002 + 10 * stream},
    ]


def _found(*sessions: list[dict], steps: tuple[dict, ...] = (GIF | {"at": 60.0},), **tables: Any) -> list[Any]:
    made = wire.downloads(*steps)
    rows = [row for session in sessions for row in session]
    packets = made.packets.vstack(b.packets(*rows)).sort("time") if rows else made.packets
    return b.drafts(change_after_download, b.tables(http=made.http, files=made.files, packets=packets, **tables))


EARLY = _session(0, "198.51.100.40", 80, stream=40)


@pytest.mark.parametrize(
    ("later", "priority", "confidence"),
    [
        (_session(90, NEW, 8080), "high", "high"),
        (_session(90, NEW, 443), "medium", "medium"),
        (_session(90, NEW, 443, up=100_000), "high", "high"),
        (_session(90, NEW, 443, up=99_999), "medium", "medium"),
        (_session(90, NEW, 443, up=100_000, down=200_000), "medium", "medium"),
        (_session(90, wire.SERVER, 4444), "medium", "medium"),
        (_session(90, wire.OUTSIDE, 9001), "high", "high"),
        (_session(90, NEW, 4000, transport="udp"), "high", "high"),
    ],
)
def test_new_hosts_ports_and_uploads(later: list[dict], priority: str, confidence: str) -> None:
    found = _found(EARLY, later)
    assert [(d.priority, d.confidence) for d in found] == [(priority, confidence)]
    assert later[0]["dst"] in found[0].summary
    assert found[0].hosts[0] == wire.CLIENT


@pytest.mark.parametrize(
    "later",
    [
        _session(90, "198.51.100.40", 80),
        _session(90, NEW, 53, transport="udp"),
        _session(90, NEW, 123, transport="udp"),
        _session(90, "239.255.255.250", 9999, transport="udp"),
        _session(90, NEW, 8080, up=0, down=0),
        [],
    ],
    ids=["known", "dns", "ntp", "multicast", "nothing said", "nothing"],
)
def test_quiet_where_nothing_changed(later: list[dict]) -> None:
    assert not _found(EARLY, later)


@pytest.mark.parametrize(("seconds", "fires"), [(660.5, True), (660.6, False)])
def test_within_ten_minutes(seconds: float, fires: bool) -> None:
    assert bool(_found(EARLY, _session(seconds, NEW, 8080))) is fires


@pytest.mark.parametrize(("first", "confidence"), [(30.0, "high"), (30.1, "medium")])
def test_little_capture_before_the_download_lowers_confidence(first: float, confidence: str) -> None:
    found = _found(_session(first, "198.51.100.40", 80, stream=40), _session(90, NEW, 8080))
    assert found[0].confidence == confidence
    assert bool(found[0].lowered_because) is (confidence == "medium")


def test_nothing_before_and_nothing_strong_after_is_of_low_confidence() -> None:
    found = _found(_session(90, NEW, 443), steps=(GIF,))
    assert [(d.priority, d.confidence) for d in found] == [("medium", "low")]


def test_quiet_after_an_ordinary_download() -> None:
    assert not _found(EARLY, _session(90, NEW, 8080), steps=({"at": 60.0, "referer": "http://www.vendor.example/"},))


def test_a_first_post_and_a_new_user_agent() -> None:
    post = {
        "method": "POST",
        "uri": "/gate.php",
        "server": NEW,
        "host": NEW,
        "at": 90.0,
        "body": b"ok",
        "agent": "Go-http-client/1.1",
        "kind": "text/plain",
    }
    found = _found(EARLY, steps=(GIF | {"at": 60.0}, post))
    assert found[0].priority == "high"
    assert "first POST /gate.php, with the User-Agent Go-http-client/1.1, not used before" in found[0].summary
    assert "posted to 192.0.2.88 port 80 for the first time 29.5 s after its end" in found[0].sentence
    assert ("ipv4", NEW) in found[0].indicators


def test_contact_with_the_source_again() -> None:
    again = [_session(90 + n, wire.OUTSIDE, 80, stream=60 + n) for n in range(2)]
    found = _found(EARLY, *again)
    assert found[0].priority == "high"
    assert "(the source of the download, again)" in found[0].summary
    assert _found(EARLY, again[0])[0].priority == "low"


def test_names_first_asked_for_afterwards() -> None:
    dns = b.family(
        "dns",
        {"time": b.START + 1, "name": "old.example", "response": False}, {"time": b.START + 70, "name": "old.example", "response": False},
        {"time": b.START + 71, "name": "new.example", "response": False},
    )  # fmt: skip
    found = _found(EARLY, _session(90, NEW, 8080), dns=dns)
    assert "Names first asked for afterwards: new.example." in found[0].summary


def test_many_new_hosts_are_counted() -> None:
    found = _found(EARLY, *(_session(90 + n, f"192.0.2.{n + 1}", 443, stream=60 + n) for n in range(20)))
    assert "and 15 more" in found[0].summary
    assert found[0].evidence.total_rows == 20
    assert found[0].display_filter.count("192.0.2.") == 15


def test_the_louder_of_two_downloads_counts() -> None:
    found = _found(
        EARLY,
        _session(90, NEW, 8080),
        steps=({"at": 50.0, "agent": "Mozilla/5.0 WindowsPowerShell/5.1"}, GIF | {"at": 60.0}),
    )
    assert [d.subject for d in found] == ["10.0.0.5 after logo.gif from 203.0.113.9"]


def test_a_download_of_medium_priority_needs_a_strong_change() -> None:
    step = ({"at": 60.0, "agent": "Mozilla/5.0 WindowsPowerShell/5.1"},)
    assert _found(EARLY, _session(90, NEW, 8080), steps=step)[0].priority == "medium"
    assert _found(EARLY, _session(90, NEW, 443), steps=step)[0].priority == "low"


def test_on_the_wire(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(0, "/", "www.shop.example", wire.PAGE, server=wire.OTHER)
    frames += wire.fetched(40, "/a.gif", wire.OUTSIDE, wire.pe(), "image/gif", client_port=40001)
    frames += wire.fetched(50, "/gate", NEW, b"ok", server=NEW, port=8080, client_port=40002, method="POST", sent=b"x")
    frames += wire.fetched(60, "/", "www.shop.example", wire.PAGE, server=wire.OTHER, client_port=40003)
    found = wire.exact(change_after_download, loaded, wire.write(tmp_path / "a.pcap", frames))
    assert [(d.priority, d.confidence) for d in found] == [("high", "high")]


def test_the_incident(loaded) -> None:
    found = wire.exact(change_after_download, loaded, fixture_capture("staged_incident"))
    assert len(found) == 1
    for word in (
        "192.0.2.88 TCP port 8080",
        "28 sessions",
        "203.0.113.200",
        "300,175 bytes sent",
        "sync.update-node.example",
    ):
        assert word in found[0].summary


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("caldera_sandcat", "first POST /beacon, with the User-Agent Go-http-client/1.1"),
        ("mal_log4shell", "TCP port 9001"),
    ],
)
def test_published_captures(loaded, name: str, word: str) -> None:
    found = wire.exact(change_after_download, loaded, case_capture(name))
    assert [d.priority for d in found] == ["high"]
    assert word in found[0].summary
