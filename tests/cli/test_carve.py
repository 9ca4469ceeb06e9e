"""`tshark-report carve`: the packets of a finding, as they are or for handing on."""

from __future__ import annotations

import csv
import io
import ipaddress
from pathlib import Path

import pytest

from tests.capture.test_share import is_mac, packed, rows_of
from tests.cli.test_report import run
from tests.conftest import fixture_capture
from tshark_report.capture import pcapng, share

pytestmark = pytest.mark.tshark


def test_share_rewrites_all_addresses_and_leaves_out_payload(tmp_path: Path) -> None:
    capture = fixture_capture("staged_incident")
    done = run("carve", capture, "1", "--share", "-o", "s.pcapng", "--pseudonyms", "p.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "s.pcapng").read_bytes()
    seen = share.Seen()
    for row in rows_of(capture):
        share.rewritten(*row, seen.names())
    names = {text for text in seen.ips | seen.macs if is_mac(text) or not ipaddress.ip_address(text).is_multicast}
    for text in names - {"0.0.0.0", "255.255.255.255", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"}:
        if is_mac(text) or ipaddress.ip_address(text).version == 4:
            assert packed(text) not in data or text.startswith(("33:33:", "01:00:5e")), text
            assert text.encode() not in data
    assert b"logo.gif" not in data
    frames = pcapng.read(data)
    assert all(frame.comment.startswith("frame ") for frame in frames)
    assert any("DEL001: " in frame.comment for frame in frames)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "p.csv").read_text())))
    assert {"10.20.0.21", "203.0.113.77"} <= {row["original"] for row in rows}
    assert len({row["pseudonym"] for row in rows}) == len(rows)


def test_shared_packets_and_redacted_report_use_the_same_pseudonyms(tmp_path: Path) -> None:
    capture = fixture_capture("slow_server")
    run("carve", capture, "1", "--share", "-o", "s.pcapng", "--pseudonyms", "p.csv", cwd=tmp_path)
    assert run("report", capture, "-o", "r.json", "--redact", "ips,macs", cwd=tmp_path).returncode == 0
    report = (tmp_path / "r.json").read_text()
    rows = list(csv.DictReader(io.StringIO((tmp_path / "p.csv").read_text())))
    told = {row["original"]: row["pseudonym"] for row in rows}
    assert f'"address": "{told["203.0.113.50"]}"' in report
    assert told["10.20.0.21"] in report
    assert "203.0.113.50" not in report


def test_login_packets_may_be_shared_as_their_passwords_stay_out(tmp_path: Path) -> None:
    done = run("carve", fixture_capture("cleartext_logins"), "LOG001", "--share", "-o", "s.pcapng", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "s.pcapng").read_bytes()
    assert b"PASS" not in data
    assert b"USER" not in data
    assert len(pcapng.read(data)) > 3


@pytest.mark.parametrize("keep", [False, True])
def test_share_keeps_questions_and_answers_and_names_only_where_asked(tmp_path: Path, keep: bool) -> None:
    options = ["--keep-names"] if keep else []
    capture = fixture_capture("dns_tunnel")
    done = run("carve", capture, "1", "--share", *options, "-o", "s.pcapng", "--pseudonyms", "p.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "s.pcapng").read_bytes()
    frames = pcapng.read(data)
    assert sum(1 for each in frames if len(each.data) == each.wire) > len(frames) / 2
    domain = b"\x07example\x00"
    assert (domain in data) is keep
    rows = list(csv.DictReader(io.StringIO((tmp_path / "p.csv").read_text())))
    assert ("example" in {row["original"] for row in rows}) is not keep


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--keep-names"], "needs --share"),
        (["--share", "--show-secrets"], "exclude each other"),
        (["--pseudonyms", "p.csv"], "needs --share"),
        (["--share", "-o", "nowhere/s.pcapng"], "does not exist"),
    ],
)
def test_options_that_do_not_fit_together(tmp_path: Path, options: list[str], words: str) -> None:
    done = run("carve", fixture_capture("slow_server"), "1", *options, cwd=tmp_path)
    assert done.returncode in (2, 5)
    assert words in done.stderr
    assert not list(tmp_path.iterdir())
