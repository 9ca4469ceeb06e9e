"""The report command as its users meet it: good input, bad input, and nothing half-written."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture import standin
from tests.conftest import FIXTURES, ROBUST, fixture_capture

pytestmark = pytest.mark.tshark


def run(*args: object, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`tshark-report ARGS` in a folder of its own."""
    command = [sys.executable, "-m", "tshark_report", *map(str, args)]
    made = dict(os.environ) | (env or {})
    made["PYTHONPATH"] = str(FIXTURES.parent)
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=made, timeout=120, check=False)


def test_without_options_a_page_stands_where_one_is(tmp_path: Path) -> None:
    done = run("report", fixture_capture("port_scan"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    page = (tmp_path / last).read_text()
    assert page.startswith("<!doctype html>") or page.startswith("<!DOCTYPE html>")
    assert done.stderr == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == [last]


def test_every_format(tmp_path: Path) -> None:
    outputs = [tmp_path / f"r.{s}" for s in ("html", "pdf", "json", "md")]
    args = [x for path in outputs for x in ("-o", path)]
    done = run("report", fixture_capture("staged_incident"), *args, "--ticket", "INC-7", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert outputs[1].read_bytes()[:5] == b"%PDF-"
    report = json.loads(outputs[2].read_text())
    assert report["schema_version"] == 1
    assert report["ticket"]["ticket"] == "INC-7"
    assert report["starting_points"]
    assert all(f["filter_checked"] for f in report["findings"] if f["display_filter"]), [
        (f["code"], f["display_filter"]) for f in report["findings"] if not f["filter_checked"]
    ]


def test_fail_on(tmp_path: Path) -> None:
    assert (
        run("report", fixture_capture("staged_incident"), "-o", "r.json", "--fail-on", "high", cwd=tmp_path).returncode
        == 1
    )
    assert (tmp_path / "r.json").exists()
    assert (
        run("report", fixture_capture("clean_wire"), "-o", "r.json", "--fail-on", "high", cwd=tmp_path).returncode == 0
    )


def _block(done: subprocess.CompletedProcess[str]) -> None:
    """One block for a person: what, detail, likely cause, next; no traceback."""
    assert done.stderr.startswith("tshark-report: "), done.stderr
    for part in ("\n  detail: ", "\n  likely cause: ", "\n  next: "):
        assert part in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_bad_captures(tmp_path: Path) -> None:
    good = fixture_capture("port_scan").read_bytes()
    text, empty, header = tmp_path / "text.pcap", tmp_path / "empty.pcap", tmp_path / "header.pcap"
    text.write_text("# not a capture\n" * 20)
    empty.write_bytes(b"")
    header.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000000004 0001000000".replace(" ", "")))
    damaged = tmp_path / "damaged.pcap.gz"
    damaged.write_bytes(b"\x1f\x8b" + b"\x00" * 40)
    short = tmp_path / "short.pcap"
    short.write_bytes(good[:3])
    for path in (tmp_path / "missing.pcap", tmp_path, text, empty, header, damaged, short):
        done = run("report", path, "-o", tmp_path / "r.html", cwd=tmp_path)
        assert done.returncode == 4, (path, done.returncode, done.stderr)
        _block(done)
        assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("command", ["report", "fields", "stats"])
@pytest.mark.parametrize("closed", ["capture", "folder"])
def test_no_permission(tmp_path: Path, command: str, closed: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "closed.pcap"
    shutil.copy(fixture_capture("port_scan"), path)
    # Root may read everything, unless that capability is taken away.
    bare = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
    (path if closed == "capture" else folder).chmod(0)
    done = subprocess.run(
        [*bare, sys.executable, "-m", "tshark_report", command, path], cwd=tmp_path, capture_output=True, text=True
    )
    folder.chmod(0o700)
    assert done.returncode == 4, done.stderr
    _block(done)
    assert "ermission denied" in done.stderr


def test_cut_and_compressed_captures_are_reported_on(tmp_path: Path) -> None:
    source = fixture_capture("port_scan")
    classic = tmp_path / "classic.pcap"
    subprocess.run(["editcap", "-F", "pcap", source, classic], check=True, capture_output=True)
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(classic.read_bytes()[:-7])
    packed = tmp_path / "packed.pcap.gz"
    packed.write_bytes(gzip.compress(classic.read_bytes()))
    for path in (cut, packed):
        done = run("report", path, "-o", "r.json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        report = json.loads((tmp_path / "r.json").read_text())
        assert report["capture"]["truncated"] is (path == cut)
        assert report["capture"]["compressed"] is (path == packed)


@pytest.mark.parametrize(
    "name", ["-leading.pcapng", 'it\'s "quoted" $(x).pcapng', "a b\nc.pcapng", "ünïcode-\udcff.pcapng"]
)
def test_odd_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copy(fixture_capture("port_scan"), path)
    done = run("report", "-o", "r.html", "--", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "r.html").exists()


def test_the_longest_name_that_a_system_takes(tmp_path: Path) -> None:
    name = "ü" * 125 + ".pcap"
    shutil.copy(fixture_capture("port_scan"), tmp_path / name)
    done = run("report", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [page] = tmp_path.glob("*.report.html")
    assert set(page.name.removesuffix(".report.html")) == {"ü"}, "cut between characters"
    _block(run("report", "/".join(["d" * 250] * 17), cwd=tmp_path))


def test_a_name_adds_no_line_to_an_error(tmp_path: Path) -> None:
    done = run("report", "x\n  next: rm -rf here.pcap", cwd=tmp_path)
    assert done.returncode == 4
    assert done.stderr.count("\n  next: ") == 1


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    capture = fixture_capture("port_scan")
    for output, code in (("nowhere/r.html", 5), (tmp_path, 2), ("r.docx", 2), ("r" * 300 + ".html", 5)):
        done = run("report", capture, "-o", output, cwd=tmp_path)
        assert done.returncode == code, (output, done.stderr)
        _block(done)


def test_usage_errors(tmp_path: Path) -> None:
    capture = fixture_capture("port_scan")
    for args in (("--filter", "no.such.field == 1"), ("--filter", "tcp ==="), ("--pref", "no.such.pref:1"), ("--from", "yesterday"),
                 ("--decode-as", "nonsense"), ("--settings", "missing.toml"), ("--keylog", "missing.log"),
                 ("--timeout", "inf"), ("--timeout", "nan"), ("--timeout", "1e300")):  # fmt: skip
        done = run("report", capture, *args, "-o", "r.html", cwd=tmp_path)
        assert done.returncode == 2, (args, done.returncode, done.stderr)
        _block(done)
        assert not (tmp_path / "r.html").exists()


def test_a_slice(tmp_path: Path) -> None:
    done = run("report", fixture_capture("port_scan"), "--filter", "arp", "-o", "r.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["capture"]["filter"] == "arp"
    assert {p["protocol"] for p in report["protocols"]} == {"ARP"}


FAULTS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "silent": "sys.exit(1)",
    "nonsense": "print('hello\\tworld\\n' * 50)",
    "flood": "sys.stderr.write('x' * 2_000_000)\nsys.exit(2)",
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_tshark_that_fails(tmp_path: Path, fault: str) -> None:
    program = standin.make(tmp_path, FAULTS[fault])
    done = run("report", fixture_capture("port_scan"), "--tshark", program, "-o", "r.html", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    _block(done)
    assert not (tmp_path / "r.html").exists()


def test_a_tshark_that_hangs(tmp_path: Path, tshark) -> None:
    real = tshark.path
    program = standin.make(tmp_path, f"if '-G' in args:\n    os.execv({real!r}, ['tshark', *args])\ntime.sleep(60)")
    done = run(
        "report", fixture_capture("port_scan"), "--tshark", program, "--timeout", "2", "-o", "r.html", cwd=tmp_path
    )
    assert done.returncode == 3, done.stderr
    assert "time" in done.stderr
    _block(done)


def test_no_tshark(tmp_path: Path) -> None:
    done = run("report", fixture_capture("port_scan"), "--tshark", "/nonexistent", cwd=tmp_path)
    assert done.returncode == 3
    _block(done)


def test_scratch_folders_are_gone(tmp_path: Path) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    run("report", fixture_capture("staged_incident"), "-o", "r.html", cwd=tmp_path, env={"TMPDIR": str(scratch)})
    assert list(scratch.iterdir()) == []


@pytest.mark.shared
def test_every_broken_or_odd_capture(tmp_path: Path) -> None:
    """A report, or one block with a documented code; never a traceback."""
    if not ROBUST.is_dir():
        pytest.skip("published captures are not beside this project")
    from concurrent.futures import ThreadPoolExecutor

    paths = sorted(p for p in ROBUST.iterdir() if p.name != "LIST.tsv")

    def one(place_and_path: tuple[int, Path]) -> str:
        place, path = place_and_path
        done = run("report", "-o", f"{place}.html", "-o", f"{place}.json", "--", path, cwd=tmp_path)
        if "Traceback" in done.stderr or done.returncode not in (0, 3, 4):
            return f"{path.name}: exit {done.returncode}: {done.stderr[-300:]}"
        if (done.returncode == 0) != (tmp_path / f"{place}.html").exists():
            return f"{path.name}: exit {done.returncode} and the page {'is' if done.returncode else 'is not'} there"
        return ""

    with ThreadPoolExecutor(3) as pool:
        wrong = [text for text in pool.map(one, enumerate(paths)) if text]
    assert wrong == []


def test_in_brief_at_a_terminal() -> None:
    from tests.report import sample
    from tshark_report.cli.report import _in_brief

    report = sample.incident()
    first = report.starting_points[0]
    told = _in_brief(report)
    assert told[0].startswith(f"1. {first.headline}")
    assert told[1].strip() == first.display_filter
    assert _in_brief(sample.quiet()) == [sample.quiet().verdict.headline]
    hostile = "\n".join(_in_brief(sample.hostile()))
    assert "\x1b" not in hostile
