"""The whole of it on real captures: given the server's address, the report opens with the right host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import case_capture, fixture_capture
from tshark_report.focus.asked import Asked
from tshark_report.focus.look import look
from tshark_report.focus.opening import opened as opened_with
from tshark_report.pipeline import build
from tshark_report.reading import Request
from tshark_report.report import model
from tshark_report.settings import Settings

DATA = Path(__file__).parent / "data"

CASES = [
    ("agenttesla_ftp", "143.95.79.226", "192.168.100.164", "It sent file PW_admin-USER-PC"),
    ("asyncrat_cert", "181.131.218.39", "192.168.100.124", "certificate AsyncRAT Server"),
    ("caldera_sandcat", "172.18.0.2", "172.18.0.3", "the start of a Linux program"),
    ("elastic_dns_iodine", "10.0.2.20", "10.0.2.30", "names under pirate.sea"),
    ("hn_attack_trace_lsass", "98.114.205.102", "192.150.11.111", "the start of a Windows program"),
    ("mal_log4shell", "203.0.113.217", "198.51.100.10", "It fetched file Exploit.class"),
    ("mal_mimikatz_smb", "192.168.10.30", "192.168.10.31", "mimikatz.exe"),
    ("ndpi_exe_download", "144.91.69.195", "10.9.25.101", "GET 144.91.69.195/solar.php"),
    ("ndpi_trickbot", "82.118.225.196", "10.12.29.101", "OK21pqJAtyyGBEo00sk"),
    ("quasarrat_cert", "86.136.67.231", "192.168.100.7", "certificate Quasar Server CA"),
    ("strrat_beacon", "185.255.114.40", "192.168.100.11", "ping|STRRAT|"),
]
"""Case, the server address that its key publishes, the host that it names, and what went there."""


@pytest.mark.shared
@pytest.mark.parametrize(("case", "server", "host", "told"), CASES)
def test_published_server_leads_to_the_host(loaded, case: str, server: str, host: str, told: str) -> None:  # noqa: ANN001
    capture = case_capture(case)
    key = json.loads((capture.parent / "key.json").read_text())
    assert server in json.dumps(key)
    assert host in json.dumps(key)
    made = look(Asked(values=(server,)), loaded(capture).tables, Settings(), [])
    assert made.focus.clients[0].address == host
    assert made.focus.sentence.startswith(host)
    assert told in made.focus.sentence
    assert host in made.short


def _report(*values: str, **asked: object) -> model.Report:
    return build(Request(fixture_capture("staged_incident"), focus=Asked(values=values, **asked)))  # type: ignore[arg-type]


@pytest.mark.tshark
def test_the_report_opens_with_it() -> None:
    report = _report("203[.]0[.]113[.]77", "203.0.113.250")
    focus = report.focus
    assert focus is not None
    client = focus.clients[0]
    assert client.address == "10.20.0.21"
    assert report.verdict.headline.startswith("10.20.0.21 (pc-anna) reached 203.0.113.77")
    first = report.starting_points[0]
    assert first.subject == "10.20.0.21"
    assert first.why_here.startswith("First because it was asked about (203.0.113.77)")
    assert [p.rank for p in report.starting_points] == list(range(1, len(report.starting_points) + 1))
    # The filters were run in tshark and select what the tables say.
    assert client.filter_checked
    assert client.matched_packets == 168
    match = focus.matches[0]
    assert match.filter_checked
    assert match.matched_packets == 168
    assert match.frames[0] == match.first_frame
    # What led there, what was fetched, all else.
    assert any(row[-1] and "toyshop.example/offers.html" in str(row[4]) for row in client.around.rows)
    assert any("logo.gif" in str(row[3]) and row[-1] for row in client.exchanged.rows)
    assert client.everything.total_rows >= 8
    # What is missing is said, with what could have hidden it.
    assert [m.value for m in focus.missing] == ["203.0.113.250"]
    assert focus.hidden[0].reasons


@pytest.mark.tshark
def test_findings_about_it_come_first_and_none_is_lost() -> None:
    plain = build(Request(fixture_capture("staged_incident")))
    report = _report("203.0.113.77")
    assert report.focus is not None
    wanted = report.focus.findings
    assert wanted
    assert [f.id for f in report.findings[: len(wanted)]] == wanted
    assert sorted(f.id for f in report.findings) == sorted(f.id for f in plain.findings)
    assert plain.focus is None


@pytest.mark.tshark
def test_a_harmless_host_gets_a_starting_point_of_its_own() -> None:
    report = _report("198.51.100.40")
    first = report.starting_points[0]
    assert report.focus is not None
    assert first.subject == report.focus.clients[0].address == "10.20.0.22"
    assert "was asked about" in first.why_here
    assert first.priority in ("info", "low")
    assert len(report.starting_points) > 1


@pytest.mark.tshark
def test_bad_input_costs_notes_and_never_the_report(tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    report = _report(
        "two words",
        lists=(empty, tmp_path / "none.csv"),
        alerts=(empty, DATA / "README.md"),
        moments=(1_000_000_000.0,),
    )
    assert report.focus is not None
    assert report.findings
    notes = " ".join(report.focus.notes)
    for said in (
        "two words: not recognised",
        "empty.txt is empty",
        "none.csv does not exist",
        "README.md is neither",
        "before the capture begins",
    ):
        assert said in notes
    assert report.verdict.headline


@pytest.mark.tshark
def test_alerts_and_a_moment_open_it_too() -> None:
    report = _report(alerts=(DATA / "eve_staged_incident.json",))
    assert report.focus is not None
    assert report.focus.clients[0].address == "10.20.0.21"
    assert "12 of 12 alerts fit" in report.focus.sentence
    moment = _report(moments=(1_795_510_030.47,), window=0.05)
    assert moment.focus is not None
    assert moment.focus.matches[0].kind == "moment"
    assert moment.focus.clients[0].address == "10.20.0.21"
    assert moment.focus.matches[0].filter_checked


def test_without_counts_nothing_is_passed_off_as_checked(loaded) -> None:  # noqa: ANN001
    made = loaded(fixture_capture("staged_incident"))
    looked = look(Asked(values=("203.0.113.77",)), made.tables, Settings(), [])
    report = build(Request(fixture_capture("quiet_hour")))
    told = opened_with(report, looked, {})
    assert told.focus is not None
    assert not told.focus.clients[0].filter_checked
    counted = opened_with(report, looked, dict.fromkeys(looked.filters, 7))
    assert counted.focus is not None
    assert counted.focus.clients[0].matched_packets == 7


@pytest.mark.tshark
@pytest.mark.parametrize("fixture", ["hostile_text", "icmp_tunnel", "arp_spoof", "quiet_hour"])
def test_any_capture_with_anything_asked(loaded, fixture: str) -> None:  # noqa: ANN001
    tables = loaded(fixture_capture(fixture)).tables
    values = ("10.0.0.0/8", "0.0.0.0/0", "::/0", "80", "user:a", "e", "x.exe", "02:00:00:00:00:01", "http://a.example/")
    made = look(Asked(values=values, moments=(tables.first_time,), window=3600.0), tables, Settings(), [])
    assert made.focus.sentence
    assert all(each.display_filter or not each.matched_packets for each in made.focus.matches)
