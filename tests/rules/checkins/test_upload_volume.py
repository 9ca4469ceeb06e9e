"""OUT004: more out than in; quiet on downloads and small forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import drafts, family, packets, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.upload_volume import upload_volume


def made(out: int, back: int, name: str = "", **session: Any) -> Any:
    rows = wire.session(0, 0, up=[(0.1, out)], down=[(0.2, back)], **session)
    answers = [
        {"src": wire.RESOLVER, "dst": wire.CLIENT, "response": True, "name": name, "a": [wire.OUTSIDE], "ttls": [3600]}
    ]
    return tables(packets=packets(*rows), dns=family("dns", *(answers if name else [])))


def test_fires_at_200_kb_and_three_times_what_came_back() -> None:
    found = drafts(upload_volume, made(200_000, 66_666, "files.example"))
    assert found[0].priority == "low"
    assert "sent 200,000 bytes to files.example" in found[0].summary


def test_quiet_below_either() -> None:
    assert not drafts(upload_volume, made(199_999, 1))
    assert not drafts(upload_volume, made(200_000, 66_667))


def test_quiet_on_downloads_and_inside() -> None:
    assert not drafts(upload_volume, made(200_000, 9_000_000))
    assert not drafts(upload_volume, made(900_000, 1, server=wire.INSIDE))


def test_known_services_are_context_and_odd_servers_medium() -> None:
    assert drafts(upload_volume, made(900_000, 1, "content.dropboxapi.com"))[0].priority == "info"
    assert drafts(upload_volume, made(900_000, 1, "a.ddns.net", port=4041))[0].priority == "medium"


def test_filter_selects_what_went_out(loaded: wire.Read, tmp_path: Path) -> None:
    capture = wire.write(
        tmp_path / "a.pcap",
        wire.tcp(0, [(0.1, ">", b"\x81" * 210_000), (3, "<", b"ok")], port=4041),
        wire.tcp(5, [(0.1, ">", b"x" * 90)], client_port=50000),
    )
    found = wire.exact(upload_volume, loaded, capture)
    assert len(found[0].frames) == 150


def test_public_file_hosts_are_medium_from_a_megabyte() -> None:
    assert drafts(upload_volume, made(1_000_000, 1, "gfs1.userstorage.mega.co.nz"))[0].priority == "medium"
    assert drafts(upload_volume, made(999_999, 1, "gfs1.userstorage.mega.co.nz"))[0].priority == "low"
    assert drafts(upload_volume, made(1_000_000, 1, "files.example.com"))[0].priority == "low"


def test_two_signs_about_the_name_are_medium_from_a_megabyte() -> None:
    found = drafts(upload_volume, made(1_000_000, 1, "deallyharvenw.sbs"))
    assert found[0].priority == "medium"
    assert "About its name: .sbs is a suffix" in found[0].summary
    assert drafts(upload_volume, made(1_000_000, 1, "www.deallyharvenw.sbs"))[0].priority == "low"


def test_servers_of_one_domain_are_one_upload(loaded: wire.Read, tmp_path: Path) -> None:
    capture = wire.write(
        tmp_path / "a.pcap",
        wire.dns(0, "g1.userstorage.mega.co.nz", wire.OUTSIDE),
        wire.dns(0.1, "g2.userstorage.mega.co.nz", wire.OTHER),
        wire.tcp(1, [(0.1, ">", b"\x81" * 600_000), (3, "<", b"ok")]),
        wire.tcp(9, [(0.1, ">", b"\x81" * 600_000), (3, "<", b"ok")], server=wire.OTHER, client_port=40001),
        wire.tcp(20, [(0.1, ">", b"x" * 90)], server="198.51.100.99", client_port=50000),
    )
    found = wire.exact(upload_volume, loaded, capture)
    assert [d.priority for d in found] == ["medium"]
    assert "1.2 MB" in found[0].summary or "1,200,000 bytes" in found[0].summary
    assert "and 1 more servers under mega.co.nz" in found[0].summary
