"""Makers of network cards, countries and network operators, from Wireshark's own list and from MaxMind databases.

`data/*.mmdb` were made with mmdb_writer: documentation ranges with made-up countries and operators.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tshark_report.capture import about, geoip, kept, vendors
from tshark_report.capture.tshark import Tshark

pytestmark = pytest.mark.tshark
DATA = Path(__file__).parent / "data"


def test_makers_by_three_and_by_more_bytes(tshark: Tshark, env: dict[str, str]) -> None:
    found = vendors.named(tshark, ["00:1b:a9:10:20:30", "00:1b:c5:00:01:02", "00:1b:c5:00:1f:ff", "zz"], env)
    assert found["00:1b:a9:10:20:30"].startswith("Brother")
    assert found["00:1b:c5:00:01:02"].startswith("Converging")
    assert found.get("00:1b:c5:00:1f:ff") != found["00:1b:c5:00:01:02"]
    assert "zz" not in found


@pytest.mark.parametrize(
    ("mac", "words"),
    [
        ("da:12:34:56:78:9a", vendors.LOCAL),
        ("02:42:ac:11:00:02", "as Docker does"),
        ("52:54:00:12:34:56", "as QEMU or KVM does"),
    ],
)
def test_addresses_that_no_maker_gave(tshark: Tshark, env: dict[str, str], mac: str, words: str) -> None:
    assert words in vendors.named(tshark, [mac], env)[mac]


def test_the_list_that_newer_versions_print(
    tshark: Tshark, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["00:00:00            \tXerox               \tXerox Corporation", "02:00:AA:00:00:00/28\tSmall\tSmall Inc."]
    lines += [f"0A:{n >> 8:02X}:{n & 255:02X}\tMaker{n}\tMaker number {n}" for n in range(1200)]
    program = tmp_path / "bin" / "tshark"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1 $2" = "-G manuf" ] && cat <<END\n' + "\n".join(lines) + "\nEND\n")
    program.chmod(0o755)
    monkeypatch.setattr(kept, "folder", lambda: tmp_path / "cache")
    newer = dataclasses.replace(tshark, path=str(program), numbers=(4, 4, 0))
    macs = ["00:00:00:01:02:03", "02:00:aa:01:02:03", "0a:00:05:00:00:00"]
    plain = {key: value for key, value in env.items() if not key.startswith("TSHARK_REPORT")}
    found = vendors.named(newer, macs, plain)
    assert found["00:00:00:01:02:03"] == "Xerox Corporation"
    assert found["02:00:aa:01:02:03"] == "Small Inc.; locally administered"
    assert found["0a:00:05:00:00:00"].startswith("Maker number 5")
    assert list((tmp_path / "cache").glob("manuf-*"))


def test_country_and_operator_through_tshark(
    tshark: Tshark, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "wireshark"
    home.mkdir()
    (home / geoip.PATHS_FILE).write_text(f'"{DATA}"\n')
    monkeypatch.setenv("WIRESHARK_CONFIG_DIR", str(home))
    assert DATA in geoip.folders(tshark)
    told = about.ask(tshark, [], ["203.0.113.7", "2001:db8::5", "198.51.100.1"], tmp_path, env)
    assert told.places == {"203.0.113.7": ("Netherlands", "AS64500 Example Network"), "2001:db8::5": ("Japan", "")}
    assert told.remark == ""


def test_without_a_database_it_is_said(
    tshark: Tshark, env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geoip, "folders", lambda _: [])
    told = about.ask(tshark, [], ["203.0.113.7"], tmp_path, env)
    assert told.places == {}
    assert told.remark == about.NO_DATABASE
    assert about.ask(tshark, [], [], tmp_path, env).remark == ""


def test_without_tshark_nobody_is_asked(tmp_path: Path) -> None:
    assert about.ask(Tshark("", "4.0.0", (4, 0, 0), ""), ["00:1b:a9:10:20:30"], [], tmp_path, {}) == about.About()
