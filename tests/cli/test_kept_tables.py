"""`report --tables` and `--from-tables` as their users meet them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pikepdf
import pytest

from tests.cli.test_report import run
from tests.conftest import fixture_capture

pytestmark = pytest.mark.tshark

WITHOUT = {"PATH": "", "TSHARK": ""}
"""An environment in which there is no tshark."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report and its tables."""
    folder = tmp_path_factory.mktemp("made")
    done = run(
        "report", fixture_capture("web_attacks"), "-o", "first.json", "-o", "first.html", "--tables", "kept", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["first.json", "first.html"]
    return folder


def test_the_same_report_without_tshark(made: Path) -> None:
    done = run(
        "report", "--from-tables", "kept", "-o", "second.json", "-o", "second.html", "-o", "second.pdf",
        "--ticket", "INC-9", cwd=made, env=WITHOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((made / f"{name}.json").read_text()) for name in ("first", "second"))
    for report in (first, second):
        report.pop("generated")
    assert second.pop("ticket")["ticket"] == "INC-9"
    first.pop("ticket")
    assert second == first
    assert "INC-9" in (made / "second.html").read_text()
    with pikepdf.open(made / "second.pdf") as pdf:
        assert (
            pdf.attachments["evidence.pcapng"].get_file().read_bytes()
            == (made / "kept" / "evidence.pcapng").read_bytes()
        )


def test_without_o_the_page_has_the_name_of_the_capture(made: Path) -> None:
    done = run("report", "--from-tables", "kept", cwd=made, env=WITHOUT)
    assert done.stdout == "capture.report.html\n"
    assert (made / "capture.report.html").exists()


def test_with_the_capture_its_hash_is_compared(made: Path) -> None:
    same = run("report", fixture_capture("web_attacks"), "--from-tables", "kept", "-o", "x.json", cwd=made)
    assert same.returncode == 0, same.stderr
    other = run("report", fixture_capture("port_scan"), "--from-tables", "kept", "-o", "y.json", cwd=made)
    assert other.returncode == 2
    assert "another capture" in other.stderr
    assert "--tables kept" in other.stderr
    assert not (made / "y.json").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "no capture was named"),
        (["--from-tables", "absent"], "does not exist"),
        (["--from-tables", "."], "no tables in this folder"),
        (["--from-tables", "kept", "--tables", "other"], "exclude each other"),
        (["--from-tables", "kept", "--filter", "dns"], "other options"),
        (["--from-tables", "kept", "--from", "09:00"], "need tshark"),
        (["CAPTURE", "--tables", "new", "--redact", "ips"], "--redact hides"),
        (["CAPTURE", "--tables", "first.json"], "this is a file"),
        (["CAPTURE", "--tables", "."], "holds something else"),
    ],
)
def test_what_does_not_fit_is_told_before_the_work(made: Path, args: list[str], words: str) -> None:
    before = sorted(p.name for p in made.iterdir())
    given = [fixture_capture("web_attacks") if arg == "CAPTURE" else arg for arg in args]
    done = run("report", *given, "-o", "none.json", cwd=made)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "next:" in done.stderr
    assert sorted(p.name for p in made.iterdir()) == before


def test_a_damaged_folder(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "kept", tmp_path / "kept")
    path = tmp_path / "kept" / "dns.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    done = run("report", "--from-tables", "kept", "-o", "r.json", cwd=tmp_path)
    assert done.returncode == 2
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr
