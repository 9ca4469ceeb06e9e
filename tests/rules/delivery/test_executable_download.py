"""DEL002: programs over HTTP, graded by how they were asked for; ordinary downloads and updates stay low."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import builders as b
from tests.conftest import case_capture, fixture_capture
from tests.rules.delivery import wire
from tshark_report.rules.delivery.executable_download import executable_download
from tshark_report.settings import Settings

BARE = {"host": wire.OUTSIDE}
INSIDE = {"host": wire.SERVER, "server": wire.SERVER}
OLD = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1)"


@pytest.mark.parametrize(
    ("columns", "priority"),
    [
        # ordinary
        ({"referer": "http://www.vendor.example/"}, "info"),
        ({}, "low"),
        ({"uri": "/download.php?id=3", "referer": "http://www.vendor.example/"}, "low"),
        ({"agent": "Microsoft BITS/7.8", "host": "download.windowsupdate.com"}, "info"),
        ({"agent": "VendorUpdater/5.1", "uri": "/7f3a"}, "info"),
        ({"agent": "Microsoft-Delivery-Optimization/10.0", "uri": "/filestreamingservice/files/1?P1=2", "host": wire.OUTSIDE}, "info"),
        ({"agent": "Microsoft BITS/7.8", "uri": "/SMS_DP_SMSPKG$/A/setup.exe", "host": "sccm1", "server": wire.SERVER}, "info"),
        ({"agent": "curl/8.1"}, "low"),
        ({"agent": "Wget/1.2", "uri": "/tool-linux-amd64", "body": wire.elf()}, "low"),
        (INSIDE, "low"),
        (INSIDE | {"uri": "/boot/ipxe.efi", "agent": "iPXE/1.21.1"}, "info"),
        ({"uri": "/dists/stable/main/installer/linux", "agent": "Wget/1.2"}, "info"),
        (BARE | {"uri": "/boot/ipxe.efi", "agent": "iPXE/1.21.1"}, "high"),
        # odd
        (BARE | {"referer": "http://www.vendor.example/"}, "medium"),
        (INSIDE | {"agent": "curl/8.1"}, "medium"),
        ({"agent": "Mozilla/5.0 WindowsPowerShell/5.1"}, "medium"),
        ({"agent": "CertUtil URL Agent"}, "medium"),
        ({"host": "files.ddns.net", "referer": "http://files.ddns.net/"}, "medium"),
        # stands out
        (BARE, "high"),
        (BARE | {"agent": "Microsoft BITS/7.8"}, "medium"),
        (BARE | {"agent": ""}, "high"),
        (BARE | {"agent": "pwtyyEKzNtGatwnJjmCc", "uri": "/solar.php"}, "high"),
        ({"agent": "", "uri": "/wp-content/x/"}, "high"),
        ({"agent": OLD, "uri": "/jh64g"}, "high"),
        (INSIDE | {"agent": "curl/8.1", "port": 8888, "method": "POST", "uri": "/file/download", "body": wire.elf()}, "high"),
    ],
)  # fmt: skip
def test_priority_is_the_sum_of_signs(columns: dict[str, Any], priority: str) -> None:
    assert wire.graded(executable_download, **columns) == priority


@pytest.mark.parametrize(
    "body", [wire.PAGE, wire.GIF, wire.POWERSHELL, wire.noise(900), wire.JAVA_CLASS, b"MZ is a text" * 9]
)
def test_quiet_on_what_is_no_program(body: bytes) -> None:
    assert not b.drafts(executable_download, wire.download(body=body, **BARE))


def test_a_host_that_was_called_before_by_the_server() -> None:
    made = wire.download(client=wire.SERVER, **BARE)
    call = {
        "src": wire.OUTSIDE,
        "dst": wire.SERVER,
        "src_port": 5000,
        "dst_port": 80,
        "stream": 9,
        "payload": 50,
        "flags": 0x18,
    }
    packets = made.packets.vstack(b.packets(call | {"frame": 90, "time": b.START - 60}))
    found = b.drafts(executable_download, b.tables(http=made.http, files=made.files, packets=packets))
    assert "203.0.113.9 had itself connected to 10.0.0.80 1 min 0 s before (frame 90)" in found[0].summary
    earlier = made.packets.vstack(b.packets(call | {"frame": 90, "time": b.START - 700}))
    found = b.drafts(executable_download, b.tables(http=made.http, files=made.files, packets=earlier))
    assert "had itself connected" not in found[0].summary


def test_a_cache_that_a_named_host_sends_its_clients_to() -> None:
    moved = {
        "uri": "/dl/tool.exe",
        "status": 302,
        "body": wire.PAGE,
        "server": wire.OTHER,
        "location": f"http://{wire.OUTSIDE}/files/8/tool.exe",
    }
    file = BARE | {"uri": "/files/8/tool.exe"}
    assert [d.priority for d in b.drafts(executable_download, wire.downloads(moved, file))] == ["low"]
    for other in (
        {"location": f"http://{wire.OUTSIDE}/files/8/other.exe"},
        {"uri": "/go"},
        {"host": wire.OTHER},
        {"location": "http://a.example/tool.exe"},
    ):
        assert [d.priority for d in b.drafts(executable_download, wire.downloads(moved | other, file))] == ["high"]
    nameless = wire.downloads(moved, BARE | {"uri": "/files/8/"})
    assert [d.priority for d in b.drafts(executable_download, nameless)] == ["high"]


def test_thresholds_of_the_user_count() -> None:
    settings = Settings(thresholds={"DEL002": {"high_points": 9.0, "medium_points": 8.0}})
    assert b.drafts(executable_download, wire.download(**BARE), settings)[0].priority == "low"


def test_one_finding_for_each_server() -> None:
    found = b.drafts(
        executable_download,
        wire.downloads(*({"uri": f"/{n}.exe"} for n in range(3)), {"server": wire.OTHER, "host": wire.OTHER}),
    )
    assert [(d.subject, d.priority) for d in found] == [
        ("10.0.0.5 fetched programs from 198.51.100.7", "high"), ("10.0.0.5 fetched programs from 203.0.113.9", "low")
    ]  # fmt: skip
    assert "2 more of the kind: 1.exe and 2.exe" in found[1].summary


def test_an_upload_is_called_one() -> None:
    made = wire.download(body=b"ok", kind="text/plain", method="POST", uri="/up", sent_length=3000, **BARE)
    sent = b.files({
        "name": "up", "frame": 1, "source": wire.CLIENT, "destination": wire.OUTSIDE, "detected_type": "Windows executable (PE)",
        "bytes": 3000, "uri": "/up", "host": wire.OUTSIDE,
    })  # fmt: skip
    found = b.drafts(executable_download, b.tables(http=made.http, files=sent, packets=made.packets))
    assert found[0].title == "An executable was sent over HTTP"
    assert found[0].priority == "medium"
    assert found[0].hosts == (wire.CLIENT, wire.OUTSIDE)


def test_the_name_that_the_server_gave(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(
        0, "/get?id=3", wire.OUTSIDE, wire.pe(20_000), extra={"Content_Disposition": 'attachment; filename="a8.exe"'}
    )
    found = wire.exact(executable_download, loaded, wire.write(tmp_path / "a.pcap", frames[:-3]))
    assert "called a8.exe by the server" in found[0].summary


@pytest.mark.parametrize("extra", [{}, {"Transfer_Encoding": "chunked"}], ids=["plain", "a chunk that is none"])
def test_a_body_in_a_packet_of_its_own_and_a_broken_export(loaded, tmp_path: Path, extra: dict[str, str]) -> None:
    head, _, body = wire.answer(wire.pe(30_000), extra and "application/octet-stream" or "", **extra).partition(
        b"\r\n\r\n"
    )
    messages = [(0.1, ">", wire.request("GET", "/a", wire.OUTSIDE)), (0.2, "<", head + b"\r\n\r\n"), (0.3, "<", body)]
    found = wire.exact(
        executable_download, loaded, wire.write(tmp_path / "a.pcap", wire.tcp(0, messages, port=80)[:-3])
    )
    assert [d.priority for d in found] == ["high"]


def test_quiet_on_a_program_further_inside_a_cut_file(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(0, "/disk.img", wire.OUTSIDE, wire.noise(5000) + wire.pe(30_000))[:-3]
    assert not wire.exact(executable_download, loaded, wire.write(tmp_path / "a.pcap", frames))


def test_only_the_stretch_of_a_shared_connection(loaded, tmp_path: Path) -> None:
    messages = []
    for place, (uri, body) in enumerate((("/", wire.PAGE), ("/a.exe", wire.pe()), ("/b.html", wire.PAGE))):
        messages += [
            (0.1 + place, ">", wire.request("GET", uri, wire.OUTSIDE)),
            (0.2 + place, "<", wire.answer(body, "text/html")),
        ]
    found = wire.exact(executable_download, loaded, wire.write(tmp_path / "a.pcap", wire.tcp(0, messages, port=80)))
    assert len(found) == 1
    assert found[0].display_filter == "tcp.stream == 0 && frame.number in {6..9}"


@pytest.mark.parametrize("name", ["quiet_hour", "staged_incident"])
def test_updates_in_fixtures_are_context(loaded, name: str) -> None:
    found = wire.exact(executable_download, loaded, fixture_capture(name))
    assert [(d.priority, "setup.exe" in d.summary) for d in found] == [("info", True)]


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ndpi_exe_download", ("http://144.91.69.195/solar.php", "executable (MZ, Windows PE)", "679,008 bytes announced", "phn34ycjtghm.exe")),
        ("caldera_sandcat", ("http://172.18.0.2:8888/file/download with POST", "executable (ELF, Linux)", "curl/7.68.0")),
    ],
)  # fmt: skip
def test_published_captures(loaded, name: str, words: tuple[str, ...]) -> None:
    found = wire.exact(executable_download, loaded, case_capture(name))
    assert [d.priority for d in found] == ["high"]
    assert all(word in found[0].summary for word in words)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["zeek_wikipedia", "ndpi_firefox_tls", "zeek_smb3", "sv_syn_retransmit"])
def test_quiet_on_ordinary_captures(loaded, name: str) -> None:
    assert not b.drafts(executable_download, loaded(case_capture(name)).tables)
