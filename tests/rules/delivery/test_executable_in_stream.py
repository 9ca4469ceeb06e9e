"""DEL003: programs in bare streams, FTP and TFTP; quiet on HTTP, SMB and mail, low inside protocols that carry files."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from tests import builders as b
from tests.conftest import case_capture, fixture_capture
from tests.rules.delivery import wire
from tests.rules.delivery.wire import tcp, udp, write
from tshark_report.rules.delivery.executable_in_stream import executable_in_stream

DOWN = {"src": wire.OUTSIDE, "dst": wire.CLIENT, "src_port": 4444, "dst_port": 40000}


def _stream(**columns: Any) -> Any:
    return b.packets(
        {"dst_port": 4444, "flags": 0x02, "seq": 1},
        DOWN | {"flags": 0x12},
        DOWN | {"payload": 900, "flags": 0x18} | columns,
    )


def _opened(data: bytes, packets: Any = None, **columns: Any) -> list[Any]:
    opening = DOWN | {"frame": 3, "data": data, "payload": 900} | columns
    return b.drafts(
        executable_in_stream, b.tables(openings=b.openings(opening), packets=_stream() if packets is None else packets)
    )


def _inside(kind: str, context: bytes, **columns: Any) -> list[Any]:
    hit = DOWN | {"frame": 3, "kind": kind, "context": context}
    return b.drafts(executable_in_stream, b.tables(signatures=b.signatures(hit), packets=_stream(**columns)))


@pytest.mark.parametrize("data", [wire.pe()[:256], wire.elf()[:256], b"\x00\x20\x02\x00" + wire.pe()[:252]])
def test_fires_on_a_stream_that_begins_with_a_program(data: bytes) -> None:
    found = _opened(data)
    assert [d.priority for d in found] == ["high"]
    assert "as the first bytes of a TCP stream on port 4444" in found[0].summary
    assert found[0].hosts == (wire.CLIENT, wire.OUTSIDE)
    assert found[0].frames == [1, 2, 3]


@pytest.mark.parametrize(
    "data",
    [
        b"MZ is the start of a text, and so on and on",
        b"\x7fELF",
        b"HTTP/1.1 200 OK\r\n\r\n" + wire.PAGE,
        wire.noise(200),
        b"",
    ],
)
def test_quiet_on_a_stream_that_does_not(data: bytes) -> None:
    assert not _opened(data)


@pytest.mark.parametrize(("before", "fires"), [(64, True), (65, False)])
def test_a_short_greeting_may_come_first(before: int, fires: bool) -> None:
    rows = (
        DOWN | {"frame": 2, "data": b"hello", "payload": before},
        DOWN | {"frame": 3, "data": wire.pe()[:256], "payload": 900, "order": 1},
    )
    assert bool(b.drafts(executable_in_stream, b.tables(openings=b.openings(*rows), packets=_stream()))) is fires


def test_the_name_of_an_ftp_data_connection_that_was_not_exported() -> None:
    opening = DOWN | {"frame": 3, "data": wire.pe()[:256]}
    ftp = b.family("ftp", {"data_command": "RETR tool.exe", "stream": 0})
    found = b.drafts(executable_in_stream, b.tables(openings=b.openings(opening), packets=_stream(), ftp=ftp))
    assert "named tool.exe to 10.0.0.5 over FTP (data connection to port 4444)" in found[0].summary


@pytest.mark.parametrize(
    ("columns", "priority"), [({}, "medium"), ({"protocol": "BitTorrent"}, "low"), ({"src": wire.SERVER}, "medium")]
)
def test_further_inside_a_stream(columns: dict[str, Any], priority: str) -> None:
    found = _inside("mz-header", wire.noise(100) + wire.pe()[:100], **columns)
    assert [d.priority for d in found] == [priority]
    assert "inside a TCP stream" in found[0].summary


def test_the_text_of_a_program_needs_its_header() -> None:
    assert _inside("dos-stub", wire.pe()[:200])
    assert not _inside("dos-stub", b"the text This program cannot be run in DOS mode is found in every")
    assert _inside("elf", wire.elf()[:100])
    assert not _inside("elf", wire.elf()[:10])


def test_between_hosts_inside_it_is_low() -> None:
    hit = DOWN | {"src": wire.SERVER, "frame": 3, "kind": "mz-header", "context": wire.pe()[:100]}
    packets = b.packets(
        {"dst": wire.SERVER, "dst_port": 4444, "flags": 2}, {}, DOWN | {"src": wire.SERVER, "payload": 900}
    )
    found = b.drafts(executable_in_stream, b.tables(signatures=b.signatures(hit), packets=packets))
    assert found[0].priority == "low"
    assert found[0].lowered_because


@pytest.mark.parametrize(
    "family", [{"smb": b.family("smb", {"stream": 0})}, {"mail": b.family("mail", {"stream": 0})}], ids=["smb", "mail"]
)
def test_quiet_on_streams_that_others_tell_about(family: dict[str, Any]) -> None:
    opening = DOWN | {"frame": 3, "data": wire.pe()[:256]}
    assert not b.drafts(executable_in_stream, b.tables(openings=b.openings(opening), packets=_stream(), **family))


def test_quiet_on_port_445_and_on_http() -> None:
    packets = b.packets({"dst_port": 445, "flags": 2}, DOWN | {"src_port": 445, "payload": 900, "frame": 3})
    assert not _opened(wire.pe()[:256], packets, src_port=445)
    assert not b.drafts(executable_in_stream, wire.download())


@pytest.mark.parametrize(("seconds", "named"), [(120.0, True), (120.5, False)])
def test_a_name_that_passed_between_the_hosts_before(seconds: float, named: bool) -> None:
    script = {
        "src": wire.CLIENT,
        "dst": wire.OUTSIDE,
        "dst_port": 8884,
        "stream": 1,
        "frame": 1,
        "data": b"get ssms.exe\r\n",
        "time": b.START,
    }
    program = DOWN | {"frame": 3, "data": wire.pe()[:256], "time": b.START + seconds}
    found = b.drafts(executable_in_stream, b.tables(openings=b.openings(script, program), packets=_stream()))
    assert ("named ssms.exe to 203.0.113.9 port 8884 (frame 1)" in found[0].summary) is named


@pytest.mark.parametrize(
    ("columns", "priority"),
    [
        ({"protocol": "ftp", "name": "tool.exe"}, "medium"),
        ({"protocol": "ftp", "name": "tool.exe", "source": wire.SERVER}, "low"),
        ({"protocol": "ftp", "name": "run.sh", "detected_type": "script (shell)"}, "medium"),
        ({"protocol": "tftp", "name": "a.mips", "detected_type": "Linux executable (ELF)"}, "high"),
        ({"protocol": "tftp", "name": "run.sh", "detected_type": "script (shell)"}, "medium"),
        ({"protocol": "tftp", "name": "bootx64.efi"}, "info"),
        ({"protocol": "tftp", "name": "vmlinuz"}, "info"),
    ],
)
def test_files_of_ftp_and_tftp(columns: dict[str, Any], priority: str) -> None:
    files = b.files({"detected_type": "Windows executable (PE)", "uri": "", "bytes": 900} | columns)
    found = b.drafts(executable_in_stream, b.tables(files=files))
    assert [d.priority for d in found] == [priority]
    assert f"named {columns['name']}" in found[0].summary


def test_many_transfers_between_two_hosts_are_one_finding() -> None:
    rows = [
        {"name": f"{n}.exe", "protocol": "ftp", "detected_type": "Windows executable (PE)", "uri": "", "stream": n}
        for n in range(4)
    ]
    found = b.drafts(executable_in_stream, b.tables(files=b.files(*rows)))
    assert len(found) == 1
    assert "3 more transfers of programs between the same hosts: 1.exe, 2.exe and 3.exe" in found[0].summary


def _tftp(at: float, name: str, body: bytes) -> list[tuple[float, bytes]]:
    frames = [udp(at, wire.CLIENT, wire.OUTSIDE, 50000, 69, b"\0\1" + name.encode() + b"\0octet\0")]
    for place in range(len(body) // 512 + 1):
        block = struct.pack(">HH", 3, place + 1) + body[place * 512 : place * 512 + 512]
        frames.append(udp(at + 0.1 + 0.1 * place, wire.OUTSIDE, wire.CLIENT, 3000, 50000, block))
        frames.append(
            udp(at + 0.15 + 0.1 * place, wire.CLIENT, wire.OUTSIDE, 50000, 3000, struct.pack(">HH", 4, place + 1))
        )
    return frames


def test_tftp_on_the_wire_whole_and_cut(loaded, tmp_path: Path) -> None:
    frames = _tftp(0, "a.mips", wire.elf(2000))
    whole = wire.exact(executable_in_stream, loaded, write(tmp_path / "a.pcap", frames))
    cut = wire.exact(executable_in_stream, loaded, write(tmp_path / "b.pcap", frames[:4]))
    for found in (whole, cut):
        assert [d.priority for d in found] == ["high"]
        assert "named a.mips to 10.0.0.5 over TFTP" in found[0].summary


def test_ftp_on_the_wire(loaded, tmp_path: Path) -> None:
    lines = ["<220 ftp", ">USER a", "<331 pw", ">PASS b", "<230 in", ">PASV", "<227 Entering Passive Mode (203,0,113,9,200,10)",
             ">RETR tool.exe", "<150 go"]  # fmt: skip
    control = tcp(0, [(0.1 * n, line[0], line[1:].encode() + b"\r\n") for n, line in enumerate(lines, 1)], port=21)
    data = tcp(0.75, [(0.3, "<", wire.pe(9000))], port=200 * 256 + 10, client_port=40007)
    found = wire.exact(executable_in_stream, loaded, write(tmp_path / "a.pcap", control, data))
    assert "named tool.exe to 10.0.0.5 over FTP" in found[0].summary
    assert found[0].display_filter == "tcp.stream == 1"
    cut = wire.exact(executable_in_stream, loaded, write(tmp_path / "b.pcap", control, data[:5]))
    assert "named tool.exe" in cut[0].summary


def test_an_answer_whose_request_is_missing(loaded, tmp_path: Path) -> None:
    answer = wire.answer(wire.pe(9000), extra="1", Content_Disposition="attachment; filename=a.exe")
    found = wire.exact(
        executable_in_stream, loaded, write(tmp_path / "a.pcap", tcp(0, [(0.1, "<", answer)], port=81)[:5])
    )
    assert "an HTTP answer whose request is not in this capture" in found[0].summary


@pytest.mark.shared
def test_the_published_attack(loaded) -> None:
    found = wire.exact(executable_in_stream, loaded, case_capture("hn_attack_trace_lsass"))
    assert [d.priority for d in found] == ["high"]
    assert "98.114.205.102 sent an executable (MZ, Windows PE) named ssms.exe to 192.150.11.111" in found[0].summary
    assert "port 1080" in found[0].summary
    assert found[0].hosts == ("192.150.11.111", "98.114.205.102")


def test_quiet_on_ordinary_use_and_on_smb(loaded) -> None:
    assert not b.drafts(executable_in_stream, loaded(fixture_capture("quiet_hour")).tables)
    assert not b.drafts(executable_in_stream, loaded(fixture_capture("lateral_smb")).tables)
