"""Types by content: programs, archives, scripts, and programs in another coding."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.delivery import wire
from tshark_report.capture import filetypes
from tshark_report.capture.filetypes import Content, content, detect, ending, is_binary, read, xor_key


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (wire.pe(), "Windows executable (PE)"),
        (wire.pe(dll=True), "Windows executable (PE, library)"),
        (wire.pe()[:100], "Windows executable (PE)"),
        (wire.pe()[:40], "Windows executable (PE)"),
        (wire.pe()[:60].ljust(0x3C, b"\0") + b"\x40\0\0\0" + b"NE" + bytes(40), "Windows executable (NE)"),
        (b"MZ" + bytes(500), "DOS executable (MZ)"),
        (b"MZ is how the text begins, and it goes on for a while without any odd byte in all of it.", "text"),
        (b"MZ and short", "text"),
        (wire.elf(), "Linux executable (ELF)"),
        (wire.JAVA_CLASS, "Java class"),
        (b"\xca\xfe\xba\xbe\0\0\0\x02" + bytes(60), "macOS executable (Mach-O)"),
        (b"BM" + bytes(100), "BMP image"),
        (b"BM is a word", "text"),
        (wire.GIF, "GIF image"),
        (bytes(32769) + b"CD001", "disk image (ISO)"),
        (b"  <!DOCTYPE html><p>", "HTML"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "XML"),
        (b"<?php echo 1;", "script (PHP)"),
        (b"#!/bin/sh\nls\n", "script (shell)"),
        (b"#!/usr/bin/env python3\n", "script (Python)"),
        (b"#!/usr/bin/awk\n", "script"),
        (b"", ""),
        (wire.noise(300), ""),
    ],
)
def test_detect(head: bytes, expected: str) -> None:
    assert detect(head) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (wire.POWERSHELL, "script (PowerShell)"),
        (b"\xff\xfe" + wire.POWERSHELL.decode().encode("utf-16-le"), "script (PowerShell)"),
        (b"new-object net.webclient stands once in this text", "text"),
        (b'Dim a\r\nSet a = CreateObject("WScript.Shell")\r\n', "script (VBScript)"),
        (b'var s = new ActiveXObject("WScript.Shell"); s.Run("x");', "script (JScript)"),
        (b'window.ActiveXObject && new ActiveXObject("Microsoft.XMLHTTP"); run.execute(1); b.execute(2)', "text"),
        (b"@echo off\r\nstart x\r\n", "script (batch)"),
        (b'<html><hta:application id="x"></html>', "script (HTA)"),
        (b"<html><p>powershell: IEX (New-Object Net.WebClient)</p></html>", "HTML"),
        (b'<?xml version="1.0"?><scriptlet><script/></scriptlet>', "script (SCT)"),
        (b'<?xml version="1.0"?><note/>', "XML"),
    ],
)
def test_scripts(body: bytes, expected: str) -> None:
    assert content(body).type == expected


def test_archives() -> None:
    assert content(wire.archive(invoice__js=b"x", readme__txt=b"y")) == Content(
        "ZIP archive", ("invoice.js", "readme.txt")
    )
    assert content(wire.archive(**{"META-INF/MANIFEST__MF": b"a"})).type == "Java archive (JAR)"
    assert content(wire.archive(**{"AndroidManifest__xml": b"a"})).type == "Android package (APK)"
    office = {"[Content_Types]__xml": b"a", "word/document__xml": b"b"}
    assert content(wire.archive(**office)) == Content("Office document (OOXML)")
    assert content(wire.archive(**office, **{"word/vbaProject__bin": b"c"})).marks == ("macros",)
    locked = bytearray(wire.archive(a__exe=b"x"))
    locked[6] |= 1
    assert content(bytes(locked)).marks == ("encrypted archive",)


def test_old_office_documents() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    assert content(ole) == Content(filetypes.OLE)
    assert content(ole + "_VBA_PROJECT".encode("utf-16-le")).marks == ("macros",)
    assert content(ole + b"Installation Database").type == filetypes.MSI


def test_programs_in_another_coding() -> None:
    import base64

    coded = base64.b64encode(wire.pe())
    assert content(coded) == Content("text", (), ("program in Base64",))
    assert content(coded[::-1]).marks == ("program in Base64",)
    assert content(wire.pe().hex().encode()).marks == ("program in hexadecimal",)
    assert content(wire.xored(wire.pe(), b"key")).marks == ("program under the XOR key 0x6b6579",)
    assert content(wire.GIF + wire.pe()).marks == ("program inside",)
    page = b"<html><script>var b=new Blob([atob('" + b"QUJD" * 3000 + b"')]);</script></html>"
    assert content(page).marks == ("page that builds a file",)


@pytest.mark.parametrize(
    ("length", "found"), [(1, True), (filetypes.LONGEST_KEY, True), (filetypes.LONGEST_KEY + 1, False)]
)
def test_xor_keys_up_to_a_length(length: int, found: bool) -> None:
    key = bytes(range(7, 7 + length))
    assert xor_key(wire.xored(wire.pe(), key)) == (key if found else b"")


@pytest.mark.parametrize("calm", [wire.pe(), b"", bytes(400), b"text " * 100, wire.noise(500), wire.PAGE * 3])
def test_no_key_where_there_is_none(calm: bytes) -> None:
    assert not xor_key(calm)


def test_binary() -> None:
    assert is_binary(wire.noise(512))
    assert not is_binary(b"plain text " * 50)
    assert not is_binary("浏览器 和 文本 ".encode("gb18030") * 40)
    assert not is_binary(wire.noise(63))


def test_read_looks_at_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    body = wire.archive(big__bin=wire.noise(filetypes.FRONT + 5000), last__js=b"x")
    path.write_bytes(body)
    head, made = read(path)
    assert head == body[:512]
    assert made.inside == ("big.bin", "last.js")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.EXE", "exe"), ("a.pdf.exe ", "exe"), ("/x/y", ""), ("a.", ""), ("a.toolong", ""), (".bash", "bash")],
)
def test_ending(name: str, expected: str) -> None:
    assert ending(name) == expected


@given(
    st.binary(max_size=600),
    st.sampled_from([b"", b"MZ", b"PK\x03\x04", b"\xff\xfe", b"<html>", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]),
)
def test_any_bytes_can_be_looked_at(body: bytes, start: bytes) -> None:
    made = content(start + body)
    assert isinstance(made.type, str)
    assert all(isinstance(name, str) for name in made.inside)
