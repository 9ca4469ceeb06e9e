"""OUT006: the client's own names in what goes out; quiet where protocols carry them by design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import drafts, family, openings, tables
from tests.rules.checkins import wire
from tshark_report.rules.checkins.leaked_names import leaked_names


def made(
    data: bytes = b"", uri: str = "/", server: str = wire.OUTSIDE, name: str = "PC-ANNA7", protocol: str = "TCP"
) -> Any:
    said = {"dst": server, "dst_port": 8219, "data": data, "payload": len(data), "protocol": protocol}
    asked = {"method": "GET", "uri": uri, "host": "x.example", "dst": server, "dst_port": 80}
    return tables(openings=openings(said), http=family("http", asked), dhcp=family("dhcp", {"hostname": name}))


def test_a_host_name_in_a_payload_is_medium() -> None:
    found = drafts(leaked_names, made(b"hello|pc-anna7|Windows 10"))
    assert found[0].priority == "medium"
    assert "host name PC-ANNA7" in found[0].summary


def test_a_host_name_in_a_uri_and_in_utf_16() -> None:
    assert "host name PC-ANNA7" in drafts(leaked_names, made(uri="/gate?id=PC-ANNA7"))[0].summary
    assert drafts(leaked_names, made("PC-ANNA7".encode("utf-16-le")))


def test_names_count_from_five_characters() -> None:
    assert drafts(leaked_names, made(b"x abcde y", name="abcde"))
    assert not drafts(leaked_names, made(b"x abcd y", name="abcd"))


@pytest.mark.parametrize("protocol", ["SMTP", "SMB2", "TLSv1.2", "FTP"])
def test_quiet_on_protocols_that_carry_names(protocol: str) -> None:
    assert not drafts(leaked_names, made(b"EHLO PC-ANNA7", protocol=protocol))


def test_quiet_on_the_first_segments_of_a_long_tls_record() -> None:
    said = {"dst": wire.OUTSIDE, "dst_port": 443, "data": b"CN=PC-ANNA7", "payload": 1448, "stream": 3}
    names = family("dhcp", {"hostname": "PC-ANNA7"})
    assert drafts(leaked_names, tables(openings=openings(said), dhcp=names))
    assert not drafts(leaked_names, tables(openings=openings(said), dhcp=names, tls=family("tls", {"stream": 3})))


def test_quiet_inside_and_on_generic_names() -> None:
    assert not drafts(leaked_names, made(b"PC-ANNA7", server=wire.INSIDE))
    assert not drafts(leaked_names, made(b"the administrator", name="administrator"))


def test_filter_selects_the_packets(loaded: wire.Read, tmp_path: Path) -> None:
    talk = wire.tcp(
        1, [(0.1, ">", b"hello|PC-ANNA7|Windows"), (0.2, "<", b"go"), (0.3, ">", b"nothing here")], port=8219
    )
    found = wire.exact(
        leaked_names, loaded, wire.write(tmp_path / "a.pcap", [wire.nbns_registration(0, "PC-ANNA7")], talk)
    )
    assert len(found[0].frames) == 1
