"""Passes that are started before they are wanted: taken where they are what is wanted, else gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import case_capture, fixture_capture
from tshark_report.capture import group, process
from tshark_report.capture.dissect import Options
from tshark_report.capture.early import Early
from tshark_report.capture.load import Loaded

ENV = dict(os.environ)
SAYS = [sys.executable, "-c", "import os; print(os.getpid(), flush=True); print('x' * 500_000)"]


def test_one_that_is_wanted_is_taken_once() -> None:
    with Early() as early:
        early.begin(SAYS, timeout=60, env=ENV)
        assert early.holds(SAYS)
        number = early._waiting[False, tuple(SAYS)][0][1]._process.pid
        with early.started(SAYS, timeout=60, env=ENV) as running:
            first = running.stdout.readline()
            assert not early.holds(SAYS)
            rest = running.stdout.read()
            done = running.finish()
        assert (int(first), done.code, len(rest)) == (number, 0, 500_001)
        with early.started(SAYS, timeout=60, env=ENV) as running:
            assert int(running.stdout.readline()) != number


@pytest.mark.parametrize("more", [["other"], []], ids=["other arguments", "standard input"])
def test_one_that_is_not_wanted_ends_with_the_block(more: list[str]) -> None:
    with Early() as early:
        early.begin(SAYS, timeout=60, env=ENV)
        waiting = early._waiting[False, tuple(SAYS)][0][1]._process
        with early.started([*SAYS, *more], timeout=60, env=ENV, stdin=not more) as running:
            assert int(running.stdout.readline()) != waiting.pid
        assert early.holds(SAYS)
    assert waiting.returncode is not None
    assert waiting not in group._RUNNING


def test_a_program_that_is_none_is_told_when_it_is_wanted() -> None:
    missing = ["/nonexistent/program"]
    with Early() as early:
        early.begin(missing, timeout=5, env=ENV)
        assert not early.holds(missing)
        with pytest.raises(OSError, match="nonexistent"), early.started(missing, timeout=5, env=ENV):
            pass


def _passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The tshark passes that are really started from now on."""
    begun: list[tuple[str, ...]] = []
    start = group.start

    def noted(args: list[str], **given: object) -> subprocess.Popen[bytes]:
        if "-r" in args and "-T" in args:
            begun.append(tuple(args[args.index("-r") :]))
        return start(args, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(process.group, "start", noted)
    return begun


@pytest.mark.parametrize("name", ["port_scan", "quiet_hour"])
def test_a_small_capture_is_read_by_the_pass_that_was_started_early(
    loaded: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    begun = _passes(monkeypatch)
    read = loaded(fixture_capture(name), jobs=2)
    assert read.tables.packets.height == read.capture.packets
    assert len(begun) == 1


def test_packets_in_packets_come_from_a_second_early_pass(
    loaded: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = _passes(monkeypatch)
    capture = case_capture("ndpi_vxlan_vlan")
    both = loaded(capture, jobs=2)
    assert len(begun) == 2
    assert not any("-Y" in each for each in begun)
    begun.clear()
    one = loaded(capture, jobs=1)
    assert any("-Y" in each for each in begun), "with one processor the second pass waits for the first"
    assert both.tables.packets.equals(one.tables.packets)
    assert both.tables.layers.equals(one.tables.layers)
    assert both.tables.expert.equals(one.tables.expert)
    for name in ("dns", "tls"):
        assert both.tables.family(name).equals(one.tables.family(name)), name


def test_the_tsharks_of_a_large_capture_wait_for_their_frames(
    loaded: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    capture = tmp_path / "large.pcap"
    small = fixture_capture("port_scan")
    subprocess.run(["mergecap", "-a", "-F", "pcap", "-w", capture, *[small] * 20], check=True)
    begun = _passes(monkeypatch)
    read = loaded(capture, jobs=2)
    assert read.capture.packets >= 20_000
    first = [each for each in begun if "tabs" in each]
    assert [each[1] for each in first] == ["-", "-"], "each is started once"
    assert read.tables.packets.height == read.capture.packets


def test_a_display_filter_takes_one_pass(loaded: Callable[..., Loaded], monkeypatch: pytest.MonkeyPatch) -> None:
    begun = _passes(monkeypatch)
    read = loaded(fixture_capture("port_scan"), options=Options("tcp.flags.syn == 1"))
    assert read.tables.packets.height > 0
    assert len(begun) == 1


def test_nothing_that_is_slow_to_import_stands_before_the_first_pass() -> None:
    code = (
        "import sys; from tshark_report import reading; from tshark_report.capture import load;"
        "print(sorted({'polars', 'numpy', 'jinja2', 'weasyprint'} & set(sys.modules)))"
    )
    top = Path(__file__).resolve().parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=top)
    assert done.stdout.strip() == "[]"
