"""OUT003: FTP uploads to outside, with what tells them from a web master's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, files, tables
from tests.conftest import case_capture, fixture_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.file_uploads import file_uploads


def made(
    name: str = "index.html", server: str = wire.OUTSIDE, command: str = "STOR", head: bytes = b"", **more: Any
) -> Any:
    login = {"dst": server, "dst_port": 21, "command": "USER", "argument": "anna@shop.example", "time": 1_700_000_000.0}
    stored = {"dst": server, "dst_port": 21, "command": command, "argument": name, "time": 1_700_000_005.0}
    carried = files(
        {"name": name, "protocol": "ftp", "source": wire.CLIENT, "destination": server, "bytes": 533, "head": head}
    )
    return tables(ftp=family("ftp", login, stored), files=carried, **more)


def test_one_upload_is_medium_and_names_the_account() -> None:
    found = drafts(file_uploads, made())
    assert found[0].priority == "medium"
    for words in ("index.html", "anna@shop.example", "clear text", "533 bytes"):
        assert words in found[0].summary


def test_two_signs_make_it_high() -> None:
    lookup = family("http", {"method": "GET", "host": "ip-api.com", "uri": "/line", "time": 1_700_000_001.0})
    found = drafts(file_uploads, made("PW_2024_03_07.html", http=lookup))
    assert found[0].priority == "high"
    assert "asked ip-api.com for its public address" in found[0].summary
    assert "holds a date" in found[0].summary


def test_a_host_name_in_the_file_name_is_a_sign() -> None:
    names = family("smb", {"browser_host": "PC-ANNA7"})
    assert "host name PC-ANNA7" in drafts(file_uploads, made("pc-anna7.zip", smb=names))[0].summary


def test_words_of_the_content_are_named_and_not_its_secrets() -> None:
    found = drafts(file_uploads, made(head=b"Username: anna Password: hunter2"))
    assert "password, username" in found[0].summary
    assert "hunter2" not in found[0].summary


def test_quiet_on_downloads_and_inside() -> None:
    assert not drafts(file_uploads, made(command="RETR"))
    assert not drafts(file_uploads, made(server=wire.INSIDE))


def test_filter_selects_command_and_data(loaded: wire.Read, tmp_path: Path) -> None:
    control = [
        (0.1, "<", b"220 ready\r\n"),
        (0.2, ">", b"USER anna\r\n"),
        (0.3, "<", b"331 ok\r\n"),
        (0.4, ">", b"PASS x\r\n"),
        (0.5, "<", b"230 in\r\n"),
        (0.6, ">", b"PASV\r\n"),
        (0.7, "<", b"227 Entering Passive Mode (203,0,113,9,173,235)\r\n"),
        (1.0, ">", b"STOR a.txt\r\n"),
        (1.1, "<", b"150 go\r\n"),
        (2.0, "<", b"226 done\r\n"),
    ]
    data = wire.tcp(0.8, [(0.5, ">", b"names and more names")], port=44523, client_port=40001)
    capture = wire.write(tmp_path / "a.pcap", wire.tcp(0, control, port=21), data)
    found = wire.exact(file_uploads, loaded, capture)
    assert len(found[0].frames) == 2


def test_own_capture_of_inside_logins_is_quiet(loaded: wire.Read) -> None:
    assert not drafts(file_uploads, loaded(fixture_capture("cleartext_logins")).tables)


@pytest.mark.shared
def test_published_capture(loaded: wire.Read) -> None:
    found = wire.exact(file_uploads, loaded, case_capture("agenttesla_ftp"))
    assert found[0].priority == "high"
    for words in (
        "PW_admin-USER-PC_2024_03_07_19_00_36.html",
        "husband@elquijotebanquetes.com",
        "ip-api.com",
        "host name USER-PC",
    ):
        assert words in found[0].summary
