"""`tshark-report carve --filter`: the packets of a display filter instead of those of a finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.capture.test_share import rows_of
from tests.conftest import fixture_capture
from tshark_report.cli import load_commands
from tshark_report.cli.app import app
from tshark_report.errors import ReportError

pytestmark = pytest.mark.tshark
load_commands()


def test_the_packets_and_how_many(tmp_path: Path) -> None:
    target = tmp_path / "icmp.pcapng"
    done = CliRunner().invoke(
        app, ["carve", str(fixture_capture("icmp_tunnel")), "--filter", "icmp", "-o", str(target)]
    )
    assert done.exit_code == 0, done.exception
    number = len(list(rows_of(target)))
    assert done.stdout == f"{target}: {number:,} packets\n"
    assert number > 10


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "a finding or a filter"),
        (["1", "--filter", "icmp"], "not both"),
        (["--filter", "icmp", "--share"], "--share needs a finding"),
        (["--filter", "icmpp.x == 1"], "does not accept"),
    ],
)
def test_asked_wrongly_writes_nothing(args: list[str], words: str, tmp_path: Path) -> None:
    target = tmp_path / "x.pcapng"
    done = CliRunner().invoke(app, ["carve", str(fixture_capture("icmp_tunnel")), *args, "-o", str(target)])
    assert isinstance(done.exception, ReportError)
    assert words in done.exception.what
    assert not target.exists()
