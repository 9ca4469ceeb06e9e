"""What a file is by its content: type from magic and structure, names inside archives, and odd things in it.

The content is hostile. Nothing is unpacked or run; everything read is bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

HEAD = 512
FRONT, TAIL = 1024 * 1024, 64 * 1024
"""Bytes from both ends of a file that are looked at; the directory of a ZIP archive stands at the end."""
MOST_INSIDE = 40
"""Names kept of what an archive holds."""

PE, DLL, NE, DOS = (
    "Windows executable (PE)",
    "Windows executable (PE, library)",
    "Windows executable (NE)",
    "DOS executable (MZ)",
)
ELF, MACHO = "Linux executable (ELF)", "macOS executable (Mach-O)"
JAVA_CLASS, JAR, APK = "Java class", "Java archive (JAR)", "Android package (APK)"
OLE, MSI = "old Office document or MSI (OLE)", "Windows installer (MSI)"
ZIP, OOXML = "ZIP archive", "Office document (OOXML)"
LNK, HTA, CHM = "Windows shortcut (LNK)", "script (HTA)", "compiled HTML help (CHM)"
ISO, ONENOTE = "disk image (ISO)", "OneNote document"

MAGICS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x7fELF", ELF),
    (0, b"\xfe\xed\xfa\xce", MACHO),
    (0, b"\xfe\xed\xfa\xcf", MACHO),
    (0, b"\xce\xfa\xed\xfe", MACHO),
    (0, b"\xcf\xfa\xed\xfe", MACHO),
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"Rar!\x1a\x07", "RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (7, b"**ACE**", "ACE archive"),
    (0, b"\x1f\x8b\x08", "gzip data"),
    (0, b"BZh", "bzip2 data"),
    (0, b"\xfd7zXZ\x00", "xz data"),
    (0, b"\x28\xb5\x2f\xfd", "zstd data"),
    (0, b"MSCF", "Windows cabinet"),
    (0, b"MSWIM\x00", "disk image (WIM)"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (0, b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", ONENOTE),
    (0, b"{\\rtf", "RTF document"),
    (0, b"{\\rt", "RTF document"),
    (0, b"%PDF", "PDF document"),
    (0, b"GIF8", "GIF image"),
    (0, b"\x89PNG\r\n", "PNG image"),
    (0, b"\xff\xd8\xff", "JPEG image"),
    (0, b"\x00\x00\x01\x00", "icon"),
    (0, b"II*\x00", "TIFF image"),
    (0, b"MM\x00*", "TIFF image"),
    (0, b"RIFF", "RIFF media"),
    (0, b"OggS", "Ogg media"),
    (0, b"ID3", "MP3 audio"),
    (4, b"ftyp", "MP4 media"),
    (0, b"FLV\x01", "Flash video"),
    (0, b"\x1aE\xdf\xa3", "Matroska media"),
    (0, b"wOFF", "font"),
    (0, b"wOF2", "font"),
    (0, b"OTTO", "font"),
    (0, b"\x00\x01\x00\x00\x00", "font"),
    (0, b"FWS", "Flash"),
    (0, b"CWS", "Flash"),
    (0, b"ZWS", "Flash"),
    (0, b"L\x00\x00\x00\x01\x14\x02\x00", LNK),
    (0, b"ITSF", CHM),
    (0, b"dex\n0", "Android program (DEX)"),
    (0, b"\x00asm", "WebAssembly"),
    (0, b"Cr24", "browser extension (CRX)"),
    (0, b"SQLite format 3\x00", "SQLite database"),
    (0, b"\xd4\xc3\xb2\xa1", "packet capture"),
    (0, b"\x0a\x0d\x0d\x0a", "packet capture"),
    (0, b"\x27\x05\x19\x56", "firmware image (U-Boot)"),
    (0, b"hsqs", "firmware image (SquashFS)"),
    (0, b"vhdxfile", "disk image (VHD)"),
    (0, b"conectix", "disk image (VHD)"),
    (257, b"ustar", "tar archive"),
    (0, b"!<arch>\ndebian", "Debian package"),
    (0, b"\xed\xab\xee\xdb", "RPM package"),
    (32769, b"CD001", ISO),
)
"""Offset, bytes and name of file types, from the file formats' own definitions (libmagic's tables, 2024)."""

_SCRIPTS: tuple[tuple[str, re.Pattern[bytes], int], ...] = (
    (HTA, re.compile(rb"<hta:application|<script[^>]{0,80}language\s*=\s*[\"']?vbscript", re.I), 1),
    ("script (SCT)", re.compile(rb"^\s*(<\?xml[^>]*>\s*)?<scriptlet\b|<registration[^>]{0,200}progid", re.I), 1),
    ("script (WSF)", re.compile(rb"^\s*(<\?xml[^>]*>\s*)?<(package|job)\b", re.I), 1),
    (
        "script (PowerShell)",
        re.compile(
            rb"new-object\s+(system\.)?(net\.(webclient|sockets)|io\.)|\biex\b[\s(]|invoke-expression|frombase64string|"
            rb"invoke-(webrequest|restmethod|command|shellcode|mimikatz)|-executionpolicy|\[system\.(reflection|convert|text)|"
            rb"start-process\b|\bparam\s*\(\s*\[|\$env:(temp|appdata)|add-type\b|set-mppreference",
            re.I,
        ),
        2,
    ),
    (
        "script (VBScript)",
        re.compile(rb"\bcreateobject\s*\(|\bwscript\.|^\s*(on error resume next|option explicit)|^\s*dim\s+\w+|"
                   rb"\bend (sub|function)\b|\bexecuteglobal\b", re.I | re.M),
        2,
    ),
    (
        "script (JScript)",
        re.compile(rb"\bwscript\.(shell|createobject|sleep|scriptfullname)|adodb\.stream|scripting\.filesystemobject",
                   re.I),
        1,
    ),
    (
        "script (batch)",
        re.compile(rb"^\s*@?echo off\b|^\s*@?(setlocal|reg add|schtasks|certutil|bitsadmin|net (user|localgroup|stop)|"
                   rb"taskkill|start /b|if not exist|vssadmin)\b", re.I | re.M),
        1,
    ),
    ("script (PHP)", re.compile(rb"^\s*<\?(php\b|=)|^\s*<\?\s", re.I), 1),
)  # fmt: skip
"""Type, what its text holds, and how many such places make it one. Order decides."""

_ENDINGS = re.compile(r"\.([A-Za-z0-9]{1,5})$")
_NOT_WRITTEN = bytes(byte for byte in range(0x20) if byte not in b"\t\r\n\f\x1b")
_STUB = b"This program cannot be run in DOS mode"
_STUB_AT = 0x4E
"""Where Microsoft's and GNU's linkers put that text."""
LONGEST_KEY = 12
_BASE64_STARTS = (b"TVqQAAMAAAAEAAAA", b"TVpQAAIAAAAEAA8A", b"TVoAAAAAAAAAAAAA", b"AAAAEAAAAMAAQqVT")
_HEX_START = re.compile(rb"4d5a90000300000004000000ffff", re.I)


@dataclass(frozen=True)
class Content:
    """What a file's bytes say about it."""

    type: str
    inside: tuple[str, ...] = ()
    """Names of what an archive holds."""
    marks: tuple[str, ...] = ()
    """Odd things: `macros`, `encrypted archive`, `program under a XOR key`, `program in Base64`, `program inside`."""


def detect(head: bytes) -> str:
    """What the first bytes of a file say it is; "" where they say nothing known."""
    if head[:2] == b"MZ":
        made = _mz(head)
        if made:
            return made
    if head[:4] == b"\xca\xfe\xba\xbe":
        # Class files carry a version from 45 up where a universal Mach-O carries its few architectures (JVMS, 4.1).
        return JAVA_CLASS if len(head) >= 8 and int.from_bytes(head[6:8], "big") >= 45 else MACHO
    for offset, magic, name in MAGICS:
        if head[offset : offset + len(magic)] == magic:
            return name
    if head[:2] == b"BM" and len(head) >= 14 and head[6:10] == b"\0\0\0\0":
        return "BMP image"
    return _text(head[:HEAD])


def _mz(head: bytes) -> str:
    """Which program `MZ` begins; "" where the header behind it makes no sense."""
    if len(head) < 0x40:
        return PE if any(byte in head for byte in _NOT_WRITTEN) else ""
    at = int.from_bytes(head[0x3C:0x40], "little")
    if head[at : at + 4] == b"PE\0\0":
        flags = int.from_bytes(head[at + 22 : at + 24], "little")
        return DLL if flags & 0x2000 else PE
    if head[at : at + 2] == b"NE":
        return NE
    if _STUB in head or (0x40 <= at <= 0x1000 and at + 4 > len(head)):
        return PE
    written = sum(1 for byte in head if byte in _NOT_WRITTEN)
    return DOS if written > len(head) // 20 else ""


def _text(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf\r\n\t ").lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "HTML"
    if start.startswith(b"<?xml"):
        return "XML"
    if start.startswith(b"<?php"):
        return "script (PHP)"
    if start.startswith(b"#!"):
        line = start.split(b"\n", 1)[0]
        for word, name in (
            (b"python", "Python"),
            (b"perl", "Perl"),
            (b"php", "PHP"),
            (b"node", "JavaScript"),
            (b"sh", "shell"),
        ):
            if word in line:
                return f"script ({name})"
        return "script"
    if head and not any(byte in _NOT_WRITTEN for byte in head):
        return "text"
    return ""


def is_binary(head: bytes) -> bool:
    """Does this look like neither text nor anything known? Encrypted and compressed bytes hold 10 % control bytes."""
    part = head[:HEAD]
    return len(part) >= 64 and sum(1 for byte in part if byte in _NOT_WRITTEN) >= len(part) // 25


def read(path: Path) -> tuple[bytes, Content]:
    """The first 512 bytes of a file and what its content is."""
    with path.open("rb") as file:
        front = file.read(FRONT)
        end = file.seek(0, 2)
        file.seek(max(end - TAIL, 0))
        tail = file.read(TAIL) if end > FRONT else b""
    return front[:HEAD], content(front, tail)


def content(front: bytes, tail: bytes = b"") -> Content:
    """What a file is by its first (and, where it is long, last) bytes."""
    kind = detect(front)
    inside: tuple[str, ...] = ()
    marks: list[str] = []
    whole = front + tail
    if kind == ZIP:
        kind, inside, marks = _zip(whole)
    elif kind == OLE:
        if (
            any(name.encode("utf-16-le") in front for name in ("_VBA_PROJECT", "PROJECTwm"))
            or b"Attribut\x00e VB_" in front
        ):
            marks.append("macros")
        if b"Installation Database" in whole or b"Windows Installer" in whole:
            kind = MSI
    elif kind in ("text", "HTML", "XML", "") or kind.startswith("script"):
        kind, marks = _written(front, kind)
    if not kind or kind in ("text", "HTML"):
        key = xor_key(front)
        if key:
            marks.append(f"program under the XOR key 0x{key.hex()}")
    if kind.endswith("image") or kind in ("PDF document", "font", "MP3 audio"):
        at = front.find(_STUB)
        if at > 0 and front.rfind(b"MZ", max(at - HEAD, 0), at) > 0:
            marks.append("program inside")
    return Content(kind, inside, tuple(marks))


def _zip(data: bytes) -> tuple[str, tuple[str, ...], list[str]]:
    names: list[str] = []
    encrypted = False
    # PK\1\2 begins a directory entry, PK\3\4 a member; both hold flags and a name (APPNOTE.TXT, 4.3).
    for magic, flags_at, length_at, name_at in ((b"PK\x01\x02", 8, 28, 46), (b"PK\x03\x04", 6, 26, 30)):
        at = data.find(magic)
        while at >= 0 and len(names) < MOST_INSIDE:
            length = int.from_bytes(data[at + length_at : at + length_at + 2], "little")
            name = data[at + name_at : at + name_at + min(length, 300)].decode("utf-8", "replace")
            if 0 < length < 1000 and name:
                encrypted = encrypted or bool(int.from_bytes(data[at + flags_at : at + flags_at + 1], "little") & 1)
                if name not in names:
                    names.append(name)
            at = data.find(magic, at + 4)
    marks = ["encrypted archive"] if encrypted else []
    if b"[Content_Types].xml" in data or any(n.startswith(("word/", "xl/", "ppt/")) for n in names):
        if b"vbaProject.bin" in data:
            marks.append("macros")
        return OOXML, (), marks
    if b"AndroidManifest.xml" in data:
        return APK, (), marks
    if b"META-INF/MANIFEST.MF" in data:
        return JAR, (), marks
    return ZIP, tuple(n for n in names if not n.endswith("/")), marks


def _written(front: bytes, kind: str) -> tuple[str, list[str]]:
    """Scripts that no magic names, and programs written out as text."""
    text = front[: 128 * 1024]
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = text.decode("utf-16", "replace").encode()
        kind = "text"
    marks = []
    if any(start in text for start in _BASE64_STARTS) or (kind == "text" and _HEX_START.search(text)):
        marks.append(
            "program in Base64" if any(start in text for start in _BASE64_STARTS) else "program in hexadecimal"
        )
    if kind == "HTML" and b"atob(" in text and b"Blob(" in text and re.search(rb"[A-Za-z0-9+/]{8000}", front):
        marks.append("page that builds a file")
    if kind == "" or kind.startswith("script ("):
        return kind, marks
    for name, pattern, least in _SCRIPTS:
        if kind == "HTML" and name != HTA:
            continue
        if sum(1 for _ in islice(pattern.finditer(text), least)) == least:
            return name, marks
    return kind, marks


def xor_key(front: bytes) -> bytes:
    """The short repeating key under which a Windows program's DOS text stands at its usual place; empty where none."""
    coded = front[_STUB_AT : _STUB_AT + len(_STUB)]
    if len(coded) < len(_STUB):
        return b""
    stream = bytes(a ^ b for a, b in zip(coded, _STUB, strict=True))
    for length in range(1, LONGEST_KEY + 1):
        if all(stream[i] == stream[i % length] for i in range(length, len(stream))) and any(stream[:length]):
            # The key is told from the file's beginning, not from the text's.
            return bytes(stream[(i - _STUB_AT) % length] for i in range(length))
    return b""


def ending(name: str) -> str:
    """The ending of a file name in lower case, without its dot; "" where it has none."""
    found = _ENDINGS.search(name.rstrip(". "))
    return found[1].lower() if found else ""
