"""APP006: handshakes that fail; goodbyes do not count."""

from __future__ import annotations

from tests.builders import drafts, family
from tests.rules.transport.wire import CLIENT, SERVER, Talk, tabled
from tshark_report.rules.transport.tls_alerts import tls_alerts
from tshark_report.tables.tables import Tables


def alerts(*codes: int, up: bool = False) -> Tables:
    talks = [Talk(n, port=443).handshake(n * 1.0) for n in range(len(codes))]
    src, dst = (CLIENT, SERVER) if up else (SERVER, CLIENT)
    rows = ({"alert": code, "stream": n, "src": src, "dst": dst, "frame": 3 * n + 3} for n, code in enumerate(codes))
    return tabled(*talks, tls=family("tls", *rows))


def test_fires_at_two() -> None:
    found = drafts(tls_alerts, alerts(40, 40))
    assert [(d.subject, d.priority) for d in found] == [(f"{SERVER} about {SERVER}", "low")]
    assert "The server 203.0.113.9 ended 2 TLS handshakes" in found[0].summary
    assert "handshake failure" in found[0].summary
    assert not drafts(tls_alerts, alerts(40))


def test_tells_a_client_that_does_not_trust() -> None:
    found = drafts(tls_alerts, alerts(48, 48, up=True))
    assert found[0].hosts[0] == SERVER
    assert "The client 10.0.0.5 ended 2 TLS handshakes with 203.0.113.9" in found[0].summary
    assert "unknown CA" in found[0].summary


def test_quiet_on_goodbyes() -> None:
    assert not drafts(tls_alerts, alerts(0, 0, 90, 255))


def test_medium_where_no_connection_ever_worked() -> None:
    found = drafts(tls_alerts, alerts(48, 48, 48, 48, 48, up=True))
    assert found[0].priority == "medium"
    assert "No connection between them got beyond the handshake" in found[0].summary
    assert drafts(tls_alerts, alerts(48, 48, 48, 48, up=True))[0].priority == "low"


def test_low_where_another_connection_worked() -> None:
    talks = [Talk(n, port=443).handshake(n * 1.0) for n in range(6)]
    failed = [{"alert": 70, "stream": n, "src": SERVER, "dst": CLIENT, "frame": 3 * n + 3} for n in range(5)]
    worked = {"record": [23], "stream": 5, "src": CLIENT, "dst": SERVER, "frame": 18}
    assert drafts(tls_alerts, tabled(*talks, tls=family("tls", *failed)))[0].priority == "medium"
    assert drafts(tls_alerts, tabled(*talks, tls=family("tls", *failed, worked)))[0].priority == "low"
