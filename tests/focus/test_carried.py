"""What crossed in some conversations, as events and in words."""

from __future__ import annotations

import polars as pl
import pytest

from tests.builders import CLIENT, OUTSIDE, SERVER, family, files, openings, packets, signatures, tables
from tshark_report.focus.carried import MOST_ROWS, Event, events, shown, table
from tshark_report.focus.carried_words import told
from tshark_report.tables.tables import Tables

ALL = pl.Series(range(1, 100), dtype=pl.UInt32)


def _events(made: Tables, host: str = CLIENT, *, show_secrets: bool = False) -> list[Event]:
    return events(host, ALL, made, show_secrets=show_secrets)


def test_requests_uploads_and_files() -> None:
    made = tables(
        packets=packets({}, {}, {}, {}),
        http=family(
            "http",
            {
                "frame": 1,
                "method": "GET",
                "host": "shop.example",
                "uri": "/logo.gif",
                "user_agent": "Own/1",
                "referer": "http://a.example/",
            },
            {
                "frame": 2,
                "status": 200,
                "content_type": "image/gif",
                "content_length": 2000,
                "request_frame": 1,
                "src": OUTSIDE,
                "dst": CLIENT,
            },
            {"frame": 3, "method": "POST", "host": "shop.example", "uri": "/up", "content_length": 512},
        ),
        files=files(
            {
                "frame": 2,
                "name": "logo.gif",
                "bytes": 2000,
                "detected_type": "Windows executable (PE)",
                "declared_type": "image/gif",
            }
        ),
    )
    found = _events(made)
    assert [(e.direction, e.what) for e in found] == [
        ("asked", "GET shop.example/logo.gif"),
        ("fetched", "file logo.gif"),
        ("sent", "POST shop.example/up"),
    ]
    assert "answered 200, image/gif, 2.0 kB" in found[0].details
    assert "referer http://a.example/" in found[0].details
    assert found[2].bytes == 512
    words = told(found)
    assert words.startswith("It fetched file logo.gif (2.0 kB), Windows executable")
    assert "It sent POST shop.example/up (512 bytes)." in words
    assert "It asked for" not in words


def test_a_server_receives_and_gives() -> None:
    rows = packets(
        {"flags": 2, "src": OUTSIDE, "dst": SERVER, "dst_port": 80}, {"src": OUTSIDE, "dst": SERVER, "dst_port": 80}
    )
    made = tables(packets=rows, files=files({"frame": 2, "name": "login", "source": OUTSIDE, "destination": SERVER}))
    assert [e.direction for e in _events(made, SERVER)] == ["received"]


def test_repeated_things_are_one_event() -> None:
    rows = [{"frame": n, "method": "POST", "host": "h", "uri": "/b", "content_length": 10} for n in range(1, 31)]
    found = _events(tables(packets=packets({}), http=family("http", *rows)))
    assert [(e.times, e.bytes) for e in found] == [(30, 300)]
    assert "(30 times, 300 bytes)" in told(found)


def test_names_of_a_tunnel_are_one_event() -> None:
    rows = [
        {"frame": n, "name": f"{n}x.tunnel.example.com", "response": False, "transport": "udp"} for n in range(1, 41)
    ]
    found = _events(tables(packets=packets({}), dns=family("dns", *rows)))
    assert [e.what for e in found] == ["DNS 40 names under example.com"]
    few = _events(tables(packets=packets({}), dns=family("dns", *rows[:3])))
    assert len(few) == 3


def test_ftp_data_belongs_to_its_login() -> None:
    made = tables(
        packets=packets({}, {}, {}),
        ftp=family("ftp", {"frame": 1, "command": "USER", "argument": "anna"}, {"frame": 3, "command": "STOR", "argument": "x.zip"}),
        files=files({"frame": 900, "time": 1_700_000_001.0, "name": "x.zip", "protocol": "ftp", "source": CLIENT, "destination": OUTSIDE},
                    {"frame": 901, "time": 1_700_009_001.0, "name": "later.zip", "protocol": "ftp", "source": CLIENT, "destination": OUTSIDE}),
    )  # fmt: skip
    assert [e.what for e in _events(made)] == ["FTP USER anna", "FTP STOR x.zip", "file x.zip"]


def test_passwords_are_shown_as_their_length() -> None:
    http = family("http", {"frame": 1, "method": "GET", "host": "h", "uri": "/login?user=a&password=hunter22&x=1"})
    first = openings({"frame": 2, "data": b"PASS hunter22\r\n", "payload": 15, "protocol": "TCP", "stream": 5})
    made = tables(packets=packets({}, {"stream": 5}), http=http, openings=first)
    assert "hunter22" not in str(_events(made))
    assert "<8 characters>" in str(_events(made))
    assert "hunter22" in str(_events(made, show_secrets=True))


def test_payload_of_no_known_protocol() -> None:
    first = openings({"frame": 1, "data": b"ping|ONE|PC", "payload": 11, "protocol": "TCP", "stream": 0},
                     {"frame": 2, "data": b"GET / HTTP", "payload": 10, "protocol": "TCP", "stream": 1})  # fmt: skip
    made = tables(packets=packets({"payload": 11}, {"stream": 1, "payload": 10, "protocol": "HTTP"}), openings=first)
    assert [e.what for e in _events(made)] == ['TCP payload that begins with "ping|ONE|PC"']


def test_programs_are_told_first() -> None:
    marks = signatures(
        {"frame": 1, "kind": "mz-header", "src": OUTSIDE, "dst": CLIENT},
        {"frame": 1, "kind": "dos-stub", "src": OUTSIDE, "dst": CLIENT},
    )
    words = told(_events(tables(packets=packets({}), signatures=marks)))
    assert words == "It got payload with the start of a Windows program (frame 1)."


@pytest.mark.parametrize(
    ("data", "text"), [(b"abc\r\n", '"abc\u00b7\u00b7"'), (b"\x00\x01\x02\x03", "00 01 02 03"), (b"", "")]
)
def test_shown(data: bytes, text: str) -> None:
    assert shown(data) == text


def test_table_keeps_the_telling_rows() -> None:
    many = [Event(float(n), n, "asked", f"DNS n{n}.example", SERVER) for n in range(1, 200)]
    heavy = Event(500.0, 500, "sent", "file x", OUTSIDE, 10, weight=3)
    made = table([*many, heavy])
    assert len(made.rows) == MOST_ROWS
    assert made.total_rows == 200
    assert made.rows[-1][1] == 500


def test_nothing() -> None:
    assert _events(tables()) == []
    assert told([]) == ""
