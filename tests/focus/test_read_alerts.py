"""Alert files: Suricata's EVE JSON as Suricata wrote it, Zeek's notice.log as TSV and JSON, and what is neither."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tshark_report.focus import read_alerts
from tshark_report.focus.read_alerts import ReadAlerts, read

DATA = Path(__file__).parent / "data"
EVE = DATA / "eve_staged_incident.json"
NOTICES = DATA / "notice_staged_incident.log"


def _read(tmp_path: Path, data: bytes) -> ReadAlerts:
    path = tmp_path / "alerts"
    path.write_bytes(data)
    return read(path)


def test_eve_lines_of_a_real_suricata() -> None:
    made = read(EVE)
    assert made.how == "Suricata EVE JSON"
    assert len(made.alerts) == 12
    assert not made.notes
    last = max(made.alerts, key=lambda a: a.time)
    assert (last.src, last.src_port, last.dst) == ("198.51.100.30", 80, "10.20.0.22")
    assert last.transport == "tcp"
    assert last.signature == "Program in an HTTP answer (SID 1000002)"
    assert last.time == pytest.approx(1795510031.342248)


def test_zeek_tsv() -> None:
    made = read(NOTICES)
    assert made.how == "Zeek TSV"
    assert [(a.src, a.src_port, a.dst, a.dst_port) for a in made.alerts] == [
        ("10.20.0.21", 48992, "203.0.113.77", 80),
        ("10.20.0.21", None, "192.0.2.88", 8080),
    ]
    assert made.alerts[0].signature == "Own::Program: a program came as image/gif"


@pytest.mark.parametrize("port", [-1, 65536, 10**12])
def test_a_port_that_is_none_costs_no_report(tmp_path: Path, port: int) -> None:
    event = {"event_type": "alert", "timestamp": "2026-11-24T08:47:10Z", "src_ip": "10.20.0.21", "src_port": port,
             "dest_ip": "203.0.113.77", "dest_port": 80, "proto": "TCP", "alert": {"signature": "x"}}  # fmt: skip
    made = _read(tmp_path, json.dumps(event).encode())
    assert [(a.src_port, a.dst_port) for a in made.alerts] == [(None, 80)]


def test_zeek_json(tmp_path: Path) -> None:
    line = {"ts": 1795510030.5, "note": "Own::X", "msg": "m", "src": "10.20.0.21", "dst": "203.0.113.77", "p": 80}
    iso = line | {"ts": "2026-11-24T08:47:10.5Z"}
    made = _read(tmp_path, b"\n".join(json.dumps(each).encode() for each in (line, iso)))
    assert made.how == "Zeek JSON"
    assert [a.time for a in made.alerts] == [1795510030.5, 1795510030.5]


def test_other_ways_to_write_the_same(tmp_path: Path) -> None:
    lines = EVE.read_bytes().splitlines()
    whole = [json.loads(line) for line in lines]
    expected = read(EVE).alerts
    for data in (
        gzip.compress(EVE.read_bytes()),
        json.dumps(whole).encode(),
        json.dumps(whole, indent=2).encode(),
        b"\xef\xbb\xbf" + b"\r\n".join(lines),
    ):
        made = _read(tmp_path, data)
        assert [(a.time, a.src, a.signature) for a in made.alerts] == [(a.time, a.src, a.signature) for a in expected]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"hello\nworld\n", "neither"),
        (b'{"event_type": "dns", "timestamp": "2026-11-24T08:47:10+0000"}\n', "1 events, but none of them is an alert"),
        (b'{"event_type": "alert", "timestamp": "never", "src_ip": "1.2.3.4"}\n', "1 lines could not be read"),
        (b'{"event_type": "alert", "src_ip": 7}\n{"event_type": "alert"\n', "2 lines could not be read"),
        (b"#separator \\x09\n#fields\tts\tnote\tsrc\n1\t-\t-\n", "none of them is an alert"),
        (b"[1, 2", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    made = _read(tmp_path, data)
    assert not made.alerts
    assert said in " ".join(made.notes)


def test_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_alerts, "MOST", 5)
    made = read(EVE)
    assert len(made.alerts) == 5
    assert "more than 5 alerts" in made.notes[0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.binary(max_size=60)
        | st.sampled_from([b'{"event_type":"alert"}', b"#fields\tts\tnote", b"#separator \\x", b"[", b"{"])
    )
)
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("any") / "alerts"
    path.write_bytes(b"\n".join(lines))
    read(path)
