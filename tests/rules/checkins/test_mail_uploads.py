"""OUT009: mail that a program sends to itself; quiet on people's mail and on encrypted submission."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import START, drafts, family, files, tables
from tests.conftest import fixture_capture
from tests.rules.checkins import wire
from tshark_report.rules.checkins.mail_uploads import mail_uploads


def made(sender: str, recipient: str, server: str = wire.OUTSIDE, subject: str = "Hello", **more: Any) -> Any:
    rows = [
        {
            "dst": server,
            "dst_port": 587,
            "smtp_command": "MAIL",
            "smtp_parameter": f"FROM:<{sender}>",
            "time": START + 5,
        },
        {
            "dst": server,
            "dst_port": 587,
            "smtp_command": "RCPT",
            "smtp_parameter": f"TO:<{recipient}>",
            "time": START + 6,
        },
    ]
    letter = files({"name": f"{subject}.eml", "protocol": "mail", "source": wire.CLIENT, "destination": server})
    return tables(mail=family("mail", *rows), files=letter, **more)


def test_one_sign_is_medium() -> None:
    found = drafts(mail_uploads, made("logs@shop.example", "Logs@shop.example"))
    assert found[0].priority == "medium"
    assert "Sender and recipient are the same address" in found[0].summary


def test_two_signs_are_high() -> None:
    lookup = family("http", {"method": "GET", "host": "api.ipify.org", "uri": "/", "time": START + 1})
    found = drafts(mail_uploads, made("logs@shop.example", "logs@shop.example", http=lookup))
    assert found[0].priority == "high"


def test_a_host_name_in_the_subject_is_a_sign() -> None:
    names = family("dhcp", {"hostname": "PC-ANNA7"})
    found = drafts(mail_uploads, made("a@x.example", "b@y.example", subject="PW_anna/PC-ANNA7", dhcp=names))
    assert "host name PC-ANNA7" in found[0].summary


def test_quiet_on_a_person_and_inside() -> None:
    assert not drafts(mail_uploads, made("anna@x.example", "ben@y.example"))
    assert not drafts(mail_uploads, made("a@x.example", "a@x.example", server=wire.INSIDE))


def test_filter_selects_the_commands(loaded: wire.Read, tmp_path: Path) -> None:
    talk = [
        (0.1, "<", b"220 ready\r\n"),
        (0.2, ">", b"EHLO pc\r\n"),
        (0.3, "<", b"250 ok\r\n"),
        (0.4, ">", b"MAIL FROM:<logs@shop.example>\r\n"),
        (0.5, "<", b"250 ok\r\n"),
        (0.6, ">", b"RCPT TO:<logs@shop.example>\r\n"),
        (0.7, "<", b"250 ok\r\n"),
        (0.8, ">", b"DATA\r\n"),
        (0.9, "<", b"354 go\r\n"),
        (1.0, ">", b"Subject: PW_x\r\n\r\nnames\r\n.\r\n"),
        (1.1, "<", b"250 ok\r\n"),
    ]
    found = wire.exact(mail_uploads, loaded, wire.write(tmp_path / "a.pcap", wire.tcp(0, talk, port=587)))
    assert len(found[0].frames) == 2


def test_own_capture_is_quiet(loaded: wire.Read) -> None:
    assert not drafts(mail_uploads, loaded(fixture_capture("cleartext_logins")).tables)
