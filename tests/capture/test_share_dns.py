"""Shared DNS messages keep question and answer, and no name."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capture.test_share import frame, read, rows_of
from tests.conftest import case_capture, fixture_capture
from tshark_report.capture import pcapng, share, share_dns
from tshark_report.capture.tshark import Tshark
from tshark_report.report.redact import Pseudonyms


def name(text: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


def record(owner: bytes, kind: int, data: bytes, ttl: int = 60) -> bytes:
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def message(question: bytes, *records: bytes, flags: int = 0x8180) -> bytes:
    return struct.pack(">6H", 0x1234, flags, 1, len(records), 0, 0) + question + b"".join(records)


def told(data: bytes, *, cut: bool = False) -> bytes:
    table = Pseudonyms(("ips", "macs"))
    return share_dns.rewritten(data, table.label, lambda raw: bytes(len(raw)), cut=cut)


QUESTION = name("files.corp.example") + b"\0\x01\0\x01"


def test_names_are_replaced_by_others_of_the_same_length_and_pointers_still_fit() -> None:
    data = message(QUESTION, record(b"\xc0\x0c", 5, b"\x03www\xc0\x12"), record(b"\xc0\x30", 1, bytes([10, 1, 2, 3])))
    made = told(data)
    assert len(made) == len(data)
    assert made[:12] == data[:12]
    for secret in (b"files", b"corp", b"example", b"www", bytes([10, 1, 2, 3])):
        assert secret not in made
    assert made.count(b"\xc0\x12") == 1


def test_texts_options_and_unknown_records_keep_their_lengths_only() -> None:
    data = message(
        QUESTION,
        record(b"\xc0\x0c", 16, b"\x06secret\x03key"),
        record(b"\xc0\x0c", 46, b"signature of somebody"),
        record(b"\xc0\x0c", 65, b"\0\x01" + name("svc.example") + b"\0\x04\0\x04\x0a\x01\x02\x03\0\x01\0\x03\x02h2"),
        record(b"\0", 41, b"\0\x08\0\x07\0\x01\x18\0\x0a\x01\x02"),
    )
    made = told(data)
    assert len(made) == len(data)
    for secret in (b"secret", b"key", b"somebody", b"svc", bytes([10, 1, 2]), b"h2"):
        assert secret not in made
    assert b"\x06xxxxxx\x03xxx" in made


def test_known_labels_stay_and_equal_names_stay_equal() -> None:
    made = told(message(name("_ldap._tcp.corp.example") + b"\0\x21\0\x01"))
    assert b"\x05_ldap\x04_tcp" in made
    table = Pseudonyms(())
    assert table.label(b"corp") == table.label(b"corp") != table.label(b"home")
    assert {len(table.label(bytes([65 + n]))) for n in range(60)} == {1}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"payload with a name in it",
        message(QUESTION) + b"something that follows",
        message(QUESTION, record(b"\xc0\x0c", 1, b"\x0a\x01\x02\x03"))[:-2],
        message(b"\x80bad\0\0\x01\0\x01"),
        message(QUESTION, record(b"\xc0\x0c", 5, b"\x3fno end")),
    ],
)
def test_what_is_no_message_is_left_out(data: bytes) -> None:
    assert told(data) == b""


def test_of_a_message_that_the_capture_cut_the_whole_records_stay() -> None:
    whole = message(
        QUESTION, record(b"\xc0\x0c", 1, bytes([10, 1, 2, 3])), record(b"\xc0\x0c", 1, bytes([10, 1, 2, 4]))
    )
    made = told(whole[:-3], cut=True)
    assert len(made) == len(whole) - 16
    assert bytes([10, 1, 2]) not in made


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_taken_and_never_grow(data: bytes, cut: bool) -> None:
    assert len(told(data, cut=cut)) <= len(data)
    head = struct.pack(">6H", 1, 0x0100, 1, 1, 0, 0)
    assert len(told(head + data, cut=cut)) <= len(head) + len(data)


def test_without_a_way_to_name_labels_the_message_is_payload() -> None:
    raw = frame(message(QUESTION))
    table = Pseudonyms(("ips", "macs"))
    made, _, _ = share.rewritten(raw, len(raw), share.ETHERNET, share.Names(table.ip, table.mac))
    assert len(made) == 14 + 28
    made, _, _ = share.rewritten(raw, len(raw), share.ETHERNET, share.Names(table.ip, table.mac, table.label))
    assert len(made) == len(raw)


@pytest.mark.tshark
@pytest.mark.parametrize("capture", ["dns_tunnel", "staged_incident", "quiet_hour"])
def test_tshark_reads_the_same_questions_and_answers(
    tshark: Tshark, env: dict[str, str], tmp_path: Path, capture: str
) -> None:
    same(tshark, env, tmp_path, fixture_capture(capture))


@pytest.mark.tshark
@pytest.mark.shared
def test_published_answers_too(tshark: Tshark, env: dict[str, str], tmp_path: Path) -> None:
    same(tshark, env, tmp_path, case_capture("zeek_wikipedia"))


def same(tshark: Tshark, env: dict[str, str], folder: Path, capture: Path) -> None:
    rows = [row for row in rows_of(capture) if b"\x00\x35" in row[0][34:38]][:300]
    table = Pseudonyms(("ips", "macs"))
    names = share.Names(table.ip, table.mac, table.label)
    made = [share.rewritten(*row, names) for row in rows]
    path, source = folder / "shared.pcapng", folder / "source.pcapng"
    path.write_bytes(pcapng.written(pcapng.Frame(*row, 1_700_000_000_000_000_000) for row in made))
    source.write_bytes(pcapng.written(pcapng.Frame(*row, 1_700_000_000_000_000_000) for row in rows))
    fields = ["frame.len", "dns.id", "dns.flags.response", "dns.flags.rcode", "dns.qry.type", "dns.qry.name.len",
              "dns.count.answers", "dns.resp.type", "dns.resp.ttl", "dns.resp.len"]  # fmt: skip
    assert read(tshark, env, path, fields) == read(tshark, env, source, fields)
    assert "0" not in read(tshark, env, path, ["udp.checksum.status"])
    assert not any(read(tshark, env, path, ["_ws.malformed"]))
    asked = {text for text in read(tshark, env, source, ["dns.qry.name"]) if text}
    assert asked
    for text, new in zip(read(tshark, env, source, ["dns.a"]), read(tshark, env, path, ["dns.a"]), strict=True):
        assert (table.ip(text) if text else "") == new
    whole = path.read_bytes()
    labels = {part.encode() for text in asked for part in text.split(".")} - share_dns.KNOWN_LABELS
    assert not [each for each in labels if len(each) > 3 and each in whole]
