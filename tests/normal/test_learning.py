"""Learning from files: what is taken, what is left out and why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import fixture_capture
from tshark_report.normal.learning import captures_in, learn
from tshark_report.reading import Request
from tshark_report.settings import Settings

REQUEST = Request(Path("unused"))


def test_captures_of_folders_at_any_depth_each_once(tmp_path: Path) -> None:
    for name in ("a/x.pcap", "a/b/y.PCAPNG", "z.pcap.gz", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = captures_in([tmp_path, tmp_path / "a" / "x.pcap", tmp_path / "odd.name"])
    assert [p.name for p in found] == ["y.PCAPNG", "x.pcap", "z.pcap.gz", "odd.name"]


@pytest.mark.tshark
def test_loud_damaged_and_repeated_captures_are_left_out(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(b"no capture")
    copy = tmp_path / "copy.pcapng"
    shutil.copy(fixture_capture("clean_wire"), copy)
    paths = [fixture_capture("staged_incident"), broken, copy, fixture_capture("clean_wire")]
    steps = [(step.state, step.words) for step, _ in learn(paths, REQUEST, None)]
    assert [state for state, _ in steps] == ["loud", "failed", "learnt", "known"]
    assert "DEL001 disguised-executable" in steps[0][1]


@pytest.mark.tshark
def test_trust_learns_loud_captures_too(tmp_path: Path) -> None:
    [(step, made)] = list(learn([fixture_capture("arp_spoof")], REQUEST, None, trust=True))
    assert step.state == "learnt"
    assert made is not None
    assert any("LNK001" in p.findings for p in made.hosts.values())


@pytest.mark.tshark
def test_without_home_hosts_nothing_is_learnt() -> None:
    request = Request(Path("unused"), settings=Settings(home=()))
    assert [s.state for s, _ in learn([fixture_capture("clean_wire")], request, None)] == ["no home host"]


@pytest.mark.tshark
def test_learning_in_addition_is_learning_together(office: Path) -> None:
    from tests.normal.conftest import HARMLESS
    from tshark_report.normal import store

    _, first = list(learn([fixture_capture(n) for n in HARMLESS[1:2]], REQUEST, None))[-1]
    _, second = list(learn([fixture_capture(n) for n in HARMLESS[2:]], REQUEST, first))[-1]
    assert second is not None
    assert second.captures == store.load(office).captures[1:]
    whole = store.load(office)
    assert set(second.hosts) <= set(whole.hosts)
    used = second.networks["10.20.0.0/24"].domains["partner.example tcp/80"]
    assert used.sessions <= whole.networks["10.20.0.0/24"].domains["partner.example tcp/80"].sessions


@pytest.mark.tshark
def test_what_is_learnt_as_usual_is_said() -> None:
    [(step, _)] = list(learn([fixture_capture("lossy_wire")], REQUEST, None))
    assert step.state == "learnt"
    assert "although of medium priority: TCP001 resent-segments" in step.words
