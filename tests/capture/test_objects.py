"""Exported files: each gets the transfer that it came by, also where names repeat; mails are taken apart."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import polars as pl
import pytest

from tests import builders as b
from tests.rules.delivery import wire
from tests.rules.delivery.wire import tcp, write
from tshark_report.capture import objects

NONE = {name: b.family(name) for name in ("http", "smb", "ftp", "misc")}


def _collect(folder: Path, packets: pl.DataFrame | None = None, **tables: pl.DataFrame) -> list[dict]:
    made = NONE | tables
    rows = objects.collect(
        folder, made["http"], made["smb"], made["ftp"], made["misc"], b.packets() if packets is None else packets
    )
    assert not folder.exists()
    return rows.to_dicts()


def _export(folder: Path, kind: str, **files: bytes) -> Path:
    place = folder / "objects" / kind
    place.mkdir(parents=True)
    for name, content in files.items():
        path = place / name.replace("__", ".")
        path.write_bytes(content)
        os.utime(path, ns=(10**18, 10**18))
    return folder / "objects"


def _asked(frame: int, uri: str, stream: int = 0, **columns: object) -> dict:
    return {
        "frame": frame,
        "method": "GET",
        "uri": uri,
        "host": "h.example",
        "src": b.CLIENT,
        "dst": b.OUTSIDE,
        "stream": stream,
    } | columns


def _told(frame: int, size: int | None, stream: int = 0, **columns: object) -> dict:
    return {
        "frame": frame, "status": 200, "content_length": size, "content_type": "image/gif; charset=x", "src": b.OUTSIDE,
        "dst": b.CLIENT, "stream": stream,
    } | columns  # fmt: skip


def test_an_http_file_gets_its_answer(tmp_path: Path) -> None:
    folder = _export(tmp_path, "http", logo__gif=wire.pe())
    row = _collect(folder, http=b.family("http", _asked(1, "/i/logo.gif"), _told(2, 3000)))[0]
    assert (row["name"], row["source"], row["destination"], row["frame"]) == ("logo.gif", b.OUTSIDE, b.CLIENT, 2)
    assert (row["declared_type"], row["detected_type"], row["uri"], row["host"]) == (
        "image/gif", "Windows executable (PE)", "/i/logo.gif", "h.example"
    )  # fmt: skip
    assert row["head"] == wire.pe()[:512]
    for name in ("sha256", "sha1", "md5"):
        assert row[name] == hashlib.new(name, wire.pe(), usedforsecurity=False).hexdigest()


def test_files_of_one_name_keep_their_order(tmp_path: Path) -> None:
    names = {"gate__php": b"q" * 115, "gate(1)__php": b"ok1", "gate(2)__php": b"q" * 115, "gate(10)__php": b"late"}
    http = b.family(
        "http",
        _asked(1, "/gate.php", method="POST", content_length=115), _told(2, 3),
        _asked(3, "/gate.php", method="POST", content_length=115), _told(4, None),
    )  # fmt: skip
    rows = _collect(_export(tmp_path, "http", **names), http=http)
    assert [(r["frame"], r["bytes"]) for r in rows] == [(1, 115), (2, 3), (3, 115), (4, 4)]
    assert rows[0]["source"] == b.CLIENT


def test_a_query_and_reserved_characters_are_part_of_the_name(tmp_path: Path) -> None:
    http = b.family("http", _asked(1, "/s/find?q=a/b", 0), _told(2, 5), _asked(3, "/", 1), _told(4, 4, 1))
    rows = _collect(_export(tmp_path, "http", **{"b": b"12345", "%2f": b"1234"}), http=http)
    assert [(r["uri"], r["bytes"]) for r in rows] == [("/s/find?q=a/b", 5), ("/", 4)]


def test_an_unknown_name_is_matched_by_size_or_kept_without_transfer(tmp_path: Path) -> None:
    http = b.family("http", _asked(1, "/x"), _told(2, 7))
    rows = _collect(_export(tmp_path, "http", other=b"1234567", nobody=b"123"), http=http)
    assert [(r["name"], r["frame"]) for r in rows] == [("x", 2), ("nobody", None)]
    assert rows[1]["source"] == ""


def test_an_answer_without_its_request(tmp_path: Path) -> None:
    rows = _collect(_export(tmp_path, "http", **{"object7": b"1234567"}), http=b.family("http", _told(2, 7)))
    assert rows[0]["name"] == "(no name)"


def test_empty_files_and_links_are_left_out(tmp_path: Path) -> None:
    folder = _export(tmp_path, "http", empty=b"", full=b"x")
    (folder / "http" / "link").symlink_to("/etc/passwd")
    assert [r["name"] for r in _collect(folder)] == ["full"]


def test_smb_files_go_to_the_server_where_a_write_follows(tmp_path: Path) -> None:
    there = {"src": b.CLIENT, "dst": b.SERVER, "stream": 3, "path": "\\\\s\\c$"}
    smb = b.family(
        "smb",
        there | {"file": "t\\up.exe", "command2": [5]},
        there | {"src": b.SERVER, "dst": b.CLIENT, "file": "t\\up.exe", "command2": [5], "response": True},
        there | {"file": "t\\up.exe", "command2": [9], "write_bytes": 100},
        there | {"file": "down.txt", "command2": [5]},
        there | {"command2": [8]},
        there | {"file": "old.txt", "command1": [0xA2]},
        there | {"command1": [0x2F]},
    )
    names = {
        "%5ct%5cup__exe": wire.pe(),
        "%5cdown__txt": b"text",
        "%5cold__txt": b"old",
        "%5ct%5cup(1)__exe": wire.pe(),
    }
    rows = {r["name"]: r for r in _collect(_export(tmp_path, "smb", **names), smb=smb)}
    assert (rows["t\\up.exe"]["source"], rows["t\\up.exe"]["destination"]) == (b.CLIENT, b.SERVER)
    assert rows["down.txt"]["source"] == b.SERVER
    assert rows["old.txt"]["source"] == b.CLIENT
    assert rows["t\\up.exe"]["uri"] == "\\\\s\\c$"


def test_a_second_copy_keeps_its_hosts(tmp_path: Path) -> None:
    smb = b.family("smb", {"src": b.CLIENT, "dst": b.SERVER, "file": "a.exe", "command2": [5]})
    rows = _collect(_export(tmp_path, "smb", **{"%5ca__exe": b"1", "%5ca(1)__exe": b"22"}), smb=smb)
    assert [r["source"] for r in rows] == [b.SERVER, b.SERVER]


def test_ftp_files_by_data_connection_or_by_command(tmp_path: Path) -> None:
    ftp = b.family(
        "ftp",
        {"command": "RETR", "argument": "a.exe", "src": b.CLIENT, "dst": b.OUTSIDE, "stream": 0},
        {"data_command": "RETR a.exe", "src": b.OUTSIDE, "dst": b.CLIENT, "stream": 1},
        {"data_command": "RETR a.exe", "src": b.OUTSIDE, "dst": b.CLIENT, "stream": 1},
        {"data_command": "LIST", "src": b.OUTSIDE, "dst": b.CLIENT, "stream": 2},
        {"command": "STOR", "argument": "b.txt", "src": b.CLIENT, "dst": b.OUTSIDE, "stream": 0},
        {"command": "RETR", "argument": "c.txt", "src": b.CLIENT, "dst": b.OUTSIDE, "stream": 0},
    )
    rows = _collect(_export(tmp_path, "ftp-data", a__exe=wire.pe(), b__txt=b"b", c__txt=b"c"), ftp=ftp)
    assert [(r["name"], r["protocol"], r["source"], r["stream"]) for r in rows] == [
        ("a.exe", "ftp", b.OUTSIDE, 1), ("b.txt", "ftp", b.CLIENT, 0), ("c.txt", "ftp", b.OUTSIDE, 0)
    ]  # fmt: skip


def test_tftp_files(tmp_path: Path) -> None:
    misc = b.family(
        "misc",
        {"tftp_opcode": 1, "tftp_file": "a.bin", "src": b.CLIENT, "dst": b.SERVER, "transport": "udp"},
        {"tftp_opcode": 2, "tftp_file": "b.cfg", "src": b.CLIENT, "dst": b.SERVER, "transport": "udp"},
    )
    rows = _collect(_export(tmp_path, "tftp", a__bin=wire.elf(), b__cfg=b"text"), misc=misc)
    assert [(r["name"], r["source"]) for r in rows] == [("a.bin", b.SERVER), ("b.cfg", b.CLIENT)]


MAIL = (
    b"From: a@x.example\r\nSubject: Invoice\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=BB\r\n\r\n"
    b"--BB\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--BB\r\nContent-Type: application/zip\r\n"
    b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename*=UTF-8''in%20voice.zip\r\n\r\n"
    + base64.encodebytes(wire.archive(invoice__js=b"x"))
    + b"\r\n--BB--\r\n"
)


def test_what_is_attached_to_a_mail_is_a_file(tmp_path: Path) -> None:
    packets = b.packets({"protocols": "eth:ethertype:ip:tcp:smtp:imf:mime_multipart", "dst_port": 25, "frame": 9})
    rows = _collect(_export(tmp_path, "imf", **{"Invoice__eml": MAIL}), packets)
    assert [(r["name"], r["declared_type"], r["detected_type"], r["frame"]) for r in rows] == [
        ("Invoice.eml", "message/rfc822", "text", 9), ("in voice.zip", "application/zip", "ZIP archive", 9)
    ]  # fmt: skip
    assert rows[1]["inside"] == ["invoice.js"]
    assert rows[1]["source"] == b.CLIENT


def test_pieces_of_a_mail_are_joined(tmp_path: Path) -> None:
    row = {
        "protocols": "eth:ethertype:ip:tcp:pop:imf",
        "src": b.OUTSIDE,
        "dst": b.CLIENT,
        "src_port": 110,
        "dst_port": 40000,
    }
    middle = len(MAIL) - 60
    folder = _export(tmp_path, "imf", **{"Invoice__eml": MAIL[:middle], "__eml": MAIL[middle:]})
    (folder / "imf" / ".eml").rename(folder / "imf" / "(1).eml")
    rows = _collect(folder, b.packets(row, row))
    assert [(r["name"], r["detected_type"]) for r in rows] == [("Invoice.eml", "text"), ("in voice.zip", "ZIP archive")]


def test_mails_without_their_packets_are_listed_all_the_same(tmp_path: Path) -> None:
    rows = _collect(
        _export(tmp_path, "imf", **{"a__eml": MAIL, "(1)__eml": b"no header, and no mail before it in this stream"})
    )
    assert [r["frame"] for r in rows] == [None, None]


@pytest.mark.parametrize(
    "hostile",
    [
        b"Subject: x\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
        b"Subject: x\r\nContent-Disposition: attachment; filename==?utf-99?q?=FF?=\r\n\r\nbody",
        b"From: x\r\n" + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n" * 200,
    ],
)
def test_hostile_mails_end_nothing(tmp_path: Path, hostile: bytes) -> None:
    assert _collect(_export(tmp_path, "imf", a__eml=hostile))[0]["name"] == "a.eml"


def test_real_transfers(loaded, tmp_path: Path) -> None:
    frames = wire.fetched(0, "/a.exe", "h.example", wire.pe()) + wire.fetched(
        5, "/a.exe", "h.example", wire.pe(4000), client_port=40001
    )
    lines = [("<", b"220 mx\r\n"), (">", b"EHLO a\r\n"), ("<", b"250 mx\r\n"), (">", b"MAIL FROM:<a@x.example>\r\n"), ("<", b"250 ok\r\n"),
             (">", b"RCPT TO:<b@y.example>\r\n"), ("<", b"250 ok\r\n"), (">", b"DATA\r\n"), ("<", b"354 go\r\n"),
             (">", MAIL + b".\r\n"), ("<", b"250 ok\r\n")]  # fmt: skip
    mail = tcp(10, [(0.1 * place, way, text) for place, (way, text) in enumerate(lines, 1)], port=25, client_port=40002)
    files = loaded(write(tmp_path / "a.pcap", frames, mail)).tables.files
    assert files.select("name", "bytes", "protocol").rows() == [
        ("a.exe", 3000, "http"), ("a.exe", 4000, "http"), ("Invoice.eml", len(MAIL), "mail"),
        ("in voice.zip", len(wire.archive(invoice__js=b"x")), "mail"),
    ]  # fmt: skip
    assert files["frame"].null_count() == 0
    assert files["source"].to_list() == [wire.OUTSIDE, wire.OUTSIDE, wire.CLIENT, wire.CLIENT]
