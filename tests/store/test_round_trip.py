"""A report told again from its tables is the report: on every fixture, but for the clock and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from tests.conftest import FIXTURES, fixture_capture
from tshark_report import settings, store
from tshark_report.pipeline import Built, tell
from tshark_report.reading import Request, opened
from tshark_report.store.reading import read
from tshark_report.store.schema import frames_of

pytestmark = pytest.mark.tshark

NAMES = sorted(p.parent.name for p in FIXTURES.glob("*/capture.pcap*"))


def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def kept(capture: Path, folder: Path, request: Request | None = None) -> tuple[Request, Built]:
    """A capture's report, its tables written to `folder`."""
    request = request or Request(capture)
    with opened(request) as opened_capture:
        built = tell(request, opened_capture, now=now)
        manifest = store.write(folder, *opened_capture[:2], request, built.report, built.told)
        frames = frames_of(opened_capture[0].tables, built.report)
        assert {name: each.rows for name, each in manifest.tables.items()} == {n: f.height for n, f in frames.items()}
        again = read(folder)
        stored = frames_of(again.opened[0].tables, built.report)
        for name in frames:
            assert frames[name].equals(stored[name]), name
    return request, built


@pytest.mark.parametrize("name", NAMES)
def test_report_is_the_same_without_tshark(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request, built = kept(fixture_capture(name), tmp_path / "tables")
    monkeypatch.setattr("tshark_report.capture.process.started", None)
    again = read(tmp_path / "tables")
    wanted = again.request(request, own_settings=False)
    told = tell(wanted, again.opened, now=now, told=again.told_for(wanted))
    assert msgspec.to_builtins(told.report) == msgspec.to_builtins(built.report)
    assert told.evidence == built.evidence


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    """The tables of port_scan and the report that was made with them; tests only read both."""
    folder = tmp_path_factory.mktemp("scanned") / "tables"
    return folder, kept(fixture_capture("port_scan"), folder)[1]


def test_other_settings_say_what_was_not_counted(scanned: tuple[Path, Built]) -> None:
    capture = fixture_capture("port_scan")
    folder, built = scanned
    assert built.evidence
    again = read(folder)
    rule = built.report.findings[0].code
    given = settings.loads('home_networks = ["203.0.113.0/24"]', "test")
    wanted = again.request(Request(capture, settings=given), own_settings=True)
    told = tell(wanted, again.opened, now=now, told=again.told_for(wanted))
    before = {f.display_filter for f in built.report.findings}
    new = [f for f in told.report.findings if f.display_filter not in before]
    assert all(not f.filter_checked for f in new), rule
    assert all(f.filter_checked for f in told.report.findings if f.display_filter in before)
    assert told.evidence == b""  # it was cut out for other findings


def test_settings_of_the_first_run_are_in_force(tmp_path: Path, scanned: tuple[Path, Built]) -> None:
    capture = fixture_capture("port_scan")
    plain = scanned[1]
    text = "".join(f'[[allow]]\ncode = "{f.code}"\n' for f in plain.report.findings)
    request, built = kept(capture, tmp_path / "tables", Request(capture, settings=settings.loads(text, "test")))
    assert built.report.findings == []
    assert plain.report.findings
    again = read(tmp_path / "tables")
    wanted = again.request(Request(capture), own_settings=False)
    assert tell(wanted, again.opened, now=now, told=again.told_for(wanted)).report.findings == []


def test_secrets_are_kept_back_from_a_report_that_does_not_ask(tmp_path: Path) -> None:
    capture = fixture_capture("cleartext_logins")
    shown = Request(capture, settings=settings.Settings(show_secrets=True))
    _, built = kept(capture, tmp_path / "tables", shown)
    assert built.told.layers
    again = read(tmp_path / "tables")
    quiet = again.told_for(again.request(Request(capture), own_settings=False))
    assert quiet.layers == {}
    assert quiet.evidence == b""
    assert quiet.counts == built.told.counts
    assert again.told_for(shown).evidence == built.evidence
