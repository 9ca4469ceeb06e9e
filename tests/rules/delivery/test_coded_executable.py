"""DEL005: programs in Base64, under a key, inside an image; quiet on mail attachments in JSON and on plain content."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests import builders as b
from tests.conftest import fixture_capture
from tests.rules.delivery import wire
from tshark_report.rules.delivery.coded_executable import coded_executable

CODED = base64.b64encode(wire.pe())
LED = {"referer": "http://www.vendor.example/"}


@pytest.mark.parametrize(
    ("columns", "priority"),
    [
        ({"body": wire.xored(wire.pe(), b"key")} | LED, "high"),
        ({"body": wire.GIF + wire.pe(), "uri": "/a.gif"} | LED, "high"),
        ({"body": CODED, "uri": "/a.txt"} | LED, "medium"),
        ({"body": CODED[::-1], "uri": "/a.txt", "agent": ""}, "high"),
        ({"body": wire.pe().hex().encode(), "uri": "/a.txt"}, "high"),
        ({"body": b'{"file":"' + CODED + b'"}', "kind": "application/json"} | LED, "low"),
        ({"body": b'{"file":"' + CODED + b'"}', "kind": "application/json", "host": wire.OUTSIDE}, "high"),
        ({"body": b"<html><script>new Blob([atob('" + b"QUJD" * 3000 + b"')])</script>"} | LED, "low"),
        ({"body": CODED[8:]}, ""),
        ({"body": wire.pe()}, ""),
        ({"body": wire.GIF}, ""),
    ],
)
def test_priority_by_coding_and_signs(columns: dict[str, Any], priority: str) -> None:
    assert wire.graded(coded_executable, **columns) == priority


def test_in_a_stream_without_a_file() -> None:
    hit = {
        "src": wire.OUTSIDE,
        "dst": wire.CLIENT,
        "src_port": 7000,
        "dst_port": 40000,
        "frame": 2,
        "kind": "base64-executable",
        "context": CODED[:99],
    }
    packets = b.packets(
        {"dst_port": 7000, "flags": 2},
        {"src": wire.OUTSIDE, "dst": wire.CLIENT, "src_port": 7000, "dst_port": 40000, "payload": 9},
    )
    found = b.drafts(coded_executable, b.tables(signatures=b.signatures(hit), packets=packets))
    assert [d.priority for d in found] == ["low"]
    assert "203.0.113.9 sent 10.0.0.5 a program in Base64 in a stream on port 7000" in found[0].summary


def test_a_program_that_echo_writes_over_telnet(loaded, tmp_path: Path) -> None:
    line = rb"echo -ne '\x7f\x45\x4c\x46\x01\x01\x01' > .d" + b"\r\n"
    frames = wire.tcp(0, [(0.1, "<", b"# "), (0.2, ">", line), (0.3, "<", b"# ")], port=23)
    calm = wire.tcp(2, [(0.1, "<", b"# "), (0.2, ">", rb"echo -ne '\x41\x42'" + b"\r\n")], port=23, client_port=40001)
    found = wire.exact(coded_executable, loaded, wire.write(tmp_path / "a.pcap", frames, calm))
    assert [(d.priority, d.display_filter) for d in found] == [("high", "tcp.stream == 0")]
    assert "as echo writes a file in a stream on port 23" in found[0].summary


def test_over_ftp() -> None:
    files = b.files(
        {"protocol": "ftp", "name": "a.txt", "detected_type": "text", "marks": ["program in Base64"], "uri": ""}
    )
    assert (
        "a program in Base64 (content: text) over FTP" in b.drafts(coded_executable, b.tables(files=files))[0].summary
    )


def test_on_the_wire(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(0, "/img.txt", "paste.example", CODED[::-1], "text/plain", agent="")
    key = wire.fetched(
        3,
        "/07jzh51",
        "www.florist.example",
        wire.xored(wire.pe(), b"ab12"),
        "text/plain",
        server=wire.OTHER,
        client_port=40001,
    )
    calm = wire.fetched(
        6, "/a.txt", "www.shop.example", base64.b64encode(wire.noise(3000)), "text/plain", client_port=40002
    )
    found = wire.exact(coded_executable, loaded, wire.write(tmp_path / "a.pcap", frames, key, calm))
    assert [(d.priority, d.display_filter) for d in found] == [("high", "tcp.stream == 1"), ("high", "tcp.stream == 0")]
    assert "program under the XOR key 0x61623132" in found[0].summary


def test_a_cut_download_tells_too(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(0, "/img.txt", wire.OUTSIDE, CODED, "text/plain")[:-1]
    found = wire.exact(coded_executable, loaded, wire.write(tmp_path / "a.pcap", frames))
    assert "http://203.0.113.9/img.txt" in found[0].summary


def test_a_program_further_inside_a_cut_file_is_low(loaded, tmp_path: Path) -> None:
    calm = {"agent": "Tool/1.2", "Referer": "http://www.shop.example/"}
    frames = wire.fetched(0, "/disk.img", "www.shop.example", wire.noise(5000) + wire.pe(30_000), **calm)[:-3]
    found = wire.exact(coded_executable, loaded, wire.write(tmp_path / "a.pcap", frames))
    assert [d.priority for d in found] == ["low"]
    assert "file with a program further inside: executable (MZ, Windows PE)" in found[0].summary
    frames = wire.fetched(0, "/disk.img", wire.OUTSIDE, wire.noise(5000) + wire.pe(30_000), agent="")[:-3]
    assert [d.priority for d in wire.exact(coded_executable, loaded, wire.write(tmp_path / "b.pcap", frames))] == [
        "medium"
    ]


def test_quiet_on_ordinary_use(loaded) -> None:
    assert not b.drafts(coded_executable, loaded(fixture_capture("quiet_hour")).tables)
