"""DEL008: attachments that run; quiet on documents, pictures and the mail itself."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests import builders as b
from tests.conftest import fixture_capture
from tests.rules.delivery import wire
from tshark_report.capture import filetypes
from tshark_report.rules.delivery.attached_program import attached_program

MACROS = wire.archive(**{"word/vbaProject__bin": b"x"})


def _attached(body: bytes, **columns: Any) -> dict[str, Any]:
    made = filetypes.content(body)
    return {
        "name": "invoice.zip", "protocol": "mail", "declared_type": "application/zip", "detected_type": made.type, "uri": "", "bytes": len(body),
        "inside": list(made.inside), "marks": list(made.marks), "head": body[:512],
    } | columns  # fmt: skip


def _tables(*files: dict[str, Any]) -> Any:
    return b.tables(files=b.files(*files), packets=b.packets({}, {}))


@pytest.mark.parametrize(
    ("body", "priority"),
    [
        (wire.pe(), "high"),
        (wire.POWERSHELL, "high"),
        (wire.JAVA_CLASS, "high"),
        (wire.LNK, "high"),
        (wire.archive(invoice__js=b"x"), "high"),
        (bytes(32769) + b"CD001", "high"),
        (MACROS, "medium"),
        (base64.b64encode(wire.pe()), "medium"),
    ],
)
def test_priority_by_content(body: bytes, priority: str) -> None:
    found = b.drafts(attached_program, _tables(_attached(body)))
    assert [d.priority for d in found] == [priority]
    assert "invoice.zip" in found[0].summary
    assert found[0].hosts == (wire.CLIENT, wire.OUTSIDE)


@pytest.mark.parametrize("body", [wire.GIF, wire.PAGE, b"plain", b"%PDF-1.5", wire.archive(a__txt=b"x")])
def test_quiet_on_documents(body: bytes) -> None:
    assert not b.drafts(attached_program, _tables(_attached(body)))


def test_quiet_on_the_mail_itself() -> None:
    assert not b.drafts(
        attached_program, _tables(_attached(base64.b64encode(wire.pe()), declared_type="message/rfc822", name="a.eml"))
    )


def test_mail_that_goes_out_names_the_sender_first() -> None:
    found = b.drafts(attached_program, _tables(_attached(wire.pe(), source=wire.CLIENT, destination=wire.OUTSIDE)))
    assert found[0].hosts == (wire.CLIENT, wire.OUTSIDE)
    assert found[0].title.startswith("A host sent a mail")


def test_attachments_between_two_hosts_are_one_finding() -> None:
    found = b.drafts(attached_program, _tables(_attached(MACROS, name="plan.docm"), _attached(wire.pe(), name="a.exe")))
    assert [d.priority for d in found] == ["high"]
    assert found[0].summary.startswith("2 attachments that can run went by mail")
    assert "a.exe (executable (MZ, Windows PE)) and plan.docm (Office document with macros)" in found[0].summary


def test_on_the_wire(loaded, tmp_path: Path) -> None:
    coded = base64.encodebytes(wire.archive(invoice__js=b"var a;")).replace(b"\n", b"\r\n")
    mail = (
        b"From: a@x.example\r\nSubject: Invoice\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=BB\r\n\r\n--BB\r\n"
        b"Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=invoice.zip\r\n\r\n"
        + coded + b"--BB--\r\n.\r\n"
    )  # fmt: skip
    lines = [
        b"<220 mx",
        b">EHLO a",
        b"<250 mx",
        b">MAIL FROM:<a@x.example>",
        b"<250 ok",
        b">RCPT TO:<b@y.example>",
        b"<250 ok",
        b">DATA",
        b"<354 go",
    ]
    messages = [(0.1 * n, chr(line[0]), line[1:] + b"\r\n") for n, line in enumerate(lines, 1)]
    session = wire.tcp(0, [*messages, (1.0, ">", mail), (1.2, "<", b"250 ok\r\n")], port=25)
    other = wire.tcp(2, [(0.1, "<", b"220 mx\r\n"), (0.2, ">", b"QUIT\r\n")], port=25, client_port=40001)
    found = wire.exact(attached_program, loaded, wire.write(tmp_path / "a.pcap", session, other))
    assert [(d.priority, d.display_filter) for d in found] == [("high", "tcp.stream == 0")]
    assert "invoice.zip (ZIP archive holding invoice.js)" in found[0].summary


def test_quiet_on_ordinary_mail(loaded) -> None:
    assert not b.drafts(attached_program, loaded(fixture_capture("cleartext_logins")).tables)
